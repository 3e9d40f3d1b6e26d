//! Peers that mean no good: what never ends, what comes a byte at a time, and answers that somebody else made up. A
//! probe ends in time, says what the real plugin says, and reads no more than it can use.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use deploywatch_probes::{Foreign, Report, prepare};

/// What the kernel holds between two ends, and more.
const MOST_SENT: usize = 32 << 20;

fn run(name: &str, line: &str) -> Result<Report, Foreign> {
    let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let probe = prepare(name, &args)
        .expect("a probe of that name")
        .expect("arguments that it knows");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let begun = Instant::now();
    let ran = runtime.block_on(probe.run());
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "it did not end: {name} {line}"
    );
    ran
}

fn said(name: &str, line: &str) -> String {
    run(name, line).expect("a report").text
}

fn serve(talk: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> u16 {
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

/// Sends `part` for ever after `first`; says how many bytes went out.
fn endless(first: &'static [u8], part: &'static [u8]) -> (u16, Arc<AtomicUsize>) {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = sent.clone();
    let port = serve(move |mut stream| {
        let _ = stream.write_all(first);
        let block = part.repeat(4096 / part.len() + 1);
        while stream.write_all(&block).is_ok() {
            counter.fetch_add(block.len(), Ordering::Relaxed);
        }
    });
    (port, sent)
}

/// A byte at a time, and never a whole line.
fn dribble(first: &'static [u8]) -> u16 {
    serve(move |mut stream| {
        let _ = stream.write_all(first);
        while stream.write_all(b"2").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    })
}

#[test]
fn a_greeting_of_ssh_that_never_ends() {
    let (port, sent) = endless(b"SSH-2.0-", b"x");
    let text = said("check_ssh", &format!("-H 127.0.0.1 -p {port} -t 2"));
    assert!(
        text.starts_with("SSH OK - x") || text.starts_with("SSH OK -  "),
        "{text}"
    );
    assert!(text.len() < 512, "{}", text.len());
    assert!(sent.load(Ordering::Relaxed) < MOST_SENT);
}

#[test]
fn a_greeting_of_ssh_byte_by_byte_or_not_at_all() {
    // The first packet is all that the real one reads, too.
    let text = said(
        "check_ssh",
        &format!("-H 127.0.0.1 -p {} -t 2", dribble(b"2")),
    );
    assert!(text.starts_with("Server answer: 2"), "{text}");
    let closes = serve(drop);
    assert_eq!(
        said("check_ssh", &format!("-H 127.0.0.1 -p {closes}")),
        "Server answer: "
    );
    let silent = serve(|mut stream| {
        let _ = stream.read(&mut [0; 1]);
    });
    assert_eq!(
        said("check_ssh", &format!("-H 127.0.0.1 -p {silent} -t 1")),
        "CRITICAL - Socket timeout after 1 seconds"
    );
}

#[test]
fn mail_servers_that_do_not_end() {
    for part in [&b"x"[..], b"220-more\r\n", b"\0", b"220-"] {
        let (port, sent) = endless(b"220-", part);
        let text = said("check_smtp", &format!("-H 127.0.0.1 -p {port} -t 3"));
        assert_eq!(text, "recv() failed");
        assert!(sent.load(Ordering::Relaxed) < MOST_SENT);
    }
    // Answers without questions: each command has one, and the rest is not read.
    let (port, sent) = endless(b"", b"334 220 250 STARTTLS\r\n");
    let text = said(
        "check_smtp",
        &format!("-H 127.0.0.1 -p {port} -t 3 -A LOGIN -U a -P b"),
    );
    assert!(
        text.contains("invalid response received after authpass, "),
        "{text}"
    );
    assert!(run("check_smtp", &format!("-H 127.0.0.1 -p {port} -t 3 -S")).is_err());
    assert!(sent.load(Ordering::Relaxed) < MOST_SENT);
}

#[test]
fn mail_servers_that_take_their_time() {
    for first in [&b""[..], b"220 hi\r\n", b"220 hi\r\n250-STARTTLS\r\n"] {
        let port = dribble(first);
        assert_eq!(
            said("check_smtp", &format!("-H 127.0.0.1 -p {port} -t 1")),
            "CRITICAL - Socket timeout after 1 seconds"
        );
    }
}

/// Port 53 of a loopback address that nobody has.
fn name_server(talk: impl Fn(&UdpSocket, &[u8], std::net::SocketAddr) + Send + 'static) -> String {
    let (address, socket) = (60..=99)
        .map(|last| format!("127.0.0.{last}"))
        .find_map(|address| {
            let socket = UdpSocket::bind((&*address, 53)).ok()?;
            Some((address, socket))
        })
        .expect("port 53 on a loopback address from 127.0.0.60: this test must run as root");
    thread::spawn(move || {
        let mut packet = [0; 512];
        while let Ok((count, from)) = socket.recv_from(&mut packet) {
            talk(&socket, &packet[..count], from);
        }
    });
    address
}

fn right_answer(query: &[u8]) -> Vec<u8> {
    let mut answer = query.to_vec();
    answer[2..4].copy_from_slice(&[0x81, 0x80]);
    answer[7] = 1;
    answer.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 192, 0, 2, 66]);
    answer
}

#[test]
fn answers_from_elsewhere_are_not_heard() {
    let server = name_server(|_, query, from| {
        let other = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let _ = other.send_to(&right_answer(query), from);
    });
    assert_eq!(
        said("check_dns", &format!("-H one.test -s {server} -t 1")),
        "CRITICAL - Plugin timed out while executing system call"
    );
}

#[test]
fn answers_with_guessed_numbers_are_not_heard() {
    let server = name_server(|socket, query, from| {
        for guess in 0..2000_u16 {
            let mut answer = right_answer(query);
            let id = u16::from_be_bytes([query[0], query[1]]);
            answer[..2].copy_from_slice(&(id ^ (guess + 1)).to_be_bytes());
            let _ = socket.send_to(&answer, from);
        }
    });
    match run("check_dns", &format!("-H one.test -s {server} -t 3")) {
        Ok(report) => assert_eq!(
            report.text,
            "CRITICAL - Plugin timed out while executing system call"
        ),
        // So many are left to the real one.
        Err(Foreign::Unhandled(_)) => {}
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn made_up_answers_are_left_to_the_real_one() {
    let faults: [fn(&mut Vec<u8>); 7] = [
        // Names that lead to themselves, to one another, or out of it.
        |answer| {
            let at = answer.len() - 16;
            let low = u8::try_from(at).expect("short");
            answer[at + 1] = low;
        },
        |answer| {
            let at = answer.len() - 16;
            answer[at..at + 2].copy_from_slice(&[0xff, 0xff]);
        },
        |answer| answer.truncate(answer.len() - 1),
        |answer| answer.truncate(13),
        // More of everything than there is.
        |answer| answer[4..12].fill(0xff),
        |answer| {
            let at = answer.len() - 5;
            answer[at] = 0xff;
        },
        |answer| answer[12..].fill(0xc0),
    ];
    for fault in faults {
        let server = name_server(move |socket, query, from| {
            let mut answer = right_answer(query);
            fault(&mut answer);
            let _ = socket.send_to(&answer, from);
        });
        let ran = run("check_dns", &format!("-H one.test -s {server} -t 2"));
        assert!(matches!(ran, Err(Foreign::Unhandled(_))), "{ran:?}");
    }
}

#[test]
fn time_servers_that_never_stop() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = socket.local_addr().expect("an address").port();
    thread::spawn(move || {
        let mut packet = [0; 48];
        while let Ok((_, from)) = socket.recv_from(&mut packet) {
            for length in 0..1500 {
                let _ = socket.send_to(&vec![0x24; length], from);
            }
        }
    });
    let text = said("check_ntp_time", &format!("-H 127.0.0.1 -p {port} -t 5"));
    // The first four, of no length or little: the question stays, as in the real one.
    assert!(text.starts_with("NTP OK: Offset "), "{text}");
}
