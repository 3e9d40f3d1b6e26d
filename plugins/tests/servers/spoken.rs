//! What the servers of several plugins need: free ports, places of their own, waiting for them, ending them, and peers
//! that say a few bytes and close.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    path::PathBuf,
    process::Child,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

/// So long a server may take until it answers, on a busy machine.
const LONGEST_START: Duration = Duration::from_secs(30);

/// A directory that nobody else uses.
pub fn own_dir(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("probes-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("a directory of our own");
    dir
}

/// Below those that the kernel gives to connections, so that none of them takes it before its server does; each test has
/// a beginning of its own.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let begin = std::process::id().wrapping_mul(97);
    (0..12_000)
        .map(|_| {
            let step = NEXT.fetch_add(1, Ordering::Relaxed);
            20_000 + u16::try_from(begin.wrapping_add(step) % 12_000).expect("small")
        })
        .find(|port| {
            TcpListener::bind(("127.0.0.1", *port)).is_ok()
                && UdpSocket::bind(("127.0.0.1", *port)).is_ok()
        })
        .expect("a free port")
}

pub fn wait_for_port(host: &str, port: u16) {
    wait_until(&format!("{host}:{port} takes connections"), || {
        TcpStream::connect((host, port)).is_ok()
    });
}

pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LONGEST_START, "not in time: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

pub fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

pub fn first_line(stream: TcpStream) -> String {
    let mut line = String::new();
    let _ = BufReader::new(stream).read_line(&mut line);
    line
}

/// Serves each connection on a thread of its own, for the rest of the test's life.
pub fn serve(talk: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let talk = talk.clone();
            thread::spawn(move || talk(stream));
        }
    });
    port
}

/// Says it all at once, hears what the other end says until it has had its say, and closes.
pub fn say_and_close(says: &'static [u8]) -> u16 {
    serve(move |mut stream| {
        let _ = stream.write_all(says);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        while stream.read(&mut [0; 1024]).is_ok_and(|count| 0 < count) {}
    })
}
