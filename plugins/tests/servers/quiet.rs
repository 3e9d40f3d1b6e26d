//! Places where nobody answers, or where somebody says little: a closed port, one that takes no more connections, an
//! echo, a greeting, silence.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    thread,
};

pub struct Quiet {
    closed: u16,
    full: u16,
    greeting: u16,
    silent: u16,
    echo: u16,
    udp: u16,
    /// Held, so that nobody else takes the port and nobody is let in.
    _held: Vec<Held>,
}

#[expect(dead_code, reason = "held open")]
enum Held {
    Listener(TcpListener),
    Stream(TcpStream),
}

pub fn start() -> Quiet {
    let mut held = Vec::new();
    // Bound and never listened on: refused, and nobody else gets it. Std cannot bind alone; a connection's own end can.
    let anchor = TcpListener::bind("127.0.0.1:0").expect("a port");
    let stream =
        TcpStream::connect(anchor.local_addr().expect("an address")).expect("a connection");
    let closed = stream.local_addr().expect("an address").port();
    held.push(Held::Listener(anchor));
    held.push(Held::Stream(stream));
    // A queue that is full drops what comes: as a host that does not answer.
    let (full, mut queue) = full_queue();
    held.append(&mut queue);
    Quiet {
        closed,
        full,
        greeting: serve(|mut stream| {
            let _ = stream.write_all(b"220 greeting ready  \r\n");
            let _ = stream.read(&mut [0; 1024]);
        }),
        silent: serve(|mut stream| {
            // Until the other end closes.
            while stream.read(&mut [0; 1024]).is_ok_and(|count| 0 < count) {}
        }),
        echo: serve(|mut stream| {
            let mut buffer = [0; 1024];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                if stream.write_all(&buffer[..count]).is_err() {
                    break;
                }
            }
        }),
        udp: udp_echo(),
        _held: held,
    }
}

fn full_queue() -> (u16, Vec<Held>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    // A second `listen` makes the queue short.
    nix::sys::socket::listen(&listener, nix::sys::socket::Backlog::new(0).expect("small"))
        .expect("listening");
    let mut held = vec![Held::Listener(listener)];
    while let Ok(stream) =
        TcpStream::connect_timeout(&address, std::time::Duration::from_millis(200))
    {
        held.push(Held::Stream(stream));
    }
    (address.port(), held)
}

/// A server for the rest of the test's life.
fn serve(talk: impl Fn(TcpStream) + Send + Sync + Copy + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || talk(stream));
        }
    });
    port
}

fn udp_echo() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = socket.local_addr().expect("an address").port();
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((count, from)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(&buffer[..count], from);
        }
    });
    port
}

impl Quiet {
    pub fn places(&self, places: &mut BTreeMap<String, String>) {
        for (name, port) in [
            ("closed", self.closed),
            ("full", self.full),
            ("greeting", self.greeting),
            ("silent", self.silent),
            ("echo", self.echo),
            ("udp", self.udp),
        ] {
            places.insert(name.to_owned(), port.to_string());
        }
    }
}
