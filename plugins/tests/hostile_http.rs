//! Peers that mean no good, against `check_http` and `check_tcp`: each run ends in time, with the right words or by
//! leaving it to the real plugin, and within its memory.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rcgen::{CertificateParams, KeyPair};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// What a run may have at its height, the executable with it: 4 MiB are kept of an answer, which may be there three
/// times over while it grows, is looked through and is shown. Measured: 16 MiB.
const MOST_MEMORY: u64 = 32 << 10; // KiB
/// Of the kind that the daemon runs all day: hardly more than the headers is kept. Measured: 7 MiB.
const USUAL_MEMORY: u64 = 16 << 10; // KiB
const REAL: &str = "/usr/lib/nagios/plugins/check_http";

struct Ran {
    code: Option<i32>,
    text: String,
    took: Duration,
    memory: u64,
}

fn run(program: &Path, args: &[&str]) -> Ran {
    let begun = Instant::now();
    let mut child = Command::new(program)
        .args(args)
        .env("LC_ALL", "C")
        .env("LANG", "C")
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut stdout = child.stdout.take().expect("a pipe");
    let reader = thread::spawn(move || {
        let mut text = Vec::new();
        let _ = stdout.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let status_file = format!("/proc/{}/status", child.id());
    let mut memory = 0;
    let status = loop {
        if let Some(height) = std::fs::read_to_string(&status_file)
            .ok()
            .and_then(|status| height(&status))
        {
            memory = memory.max(height);
        }
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        thread::sleep(Duration::from_millis(2));
    };
    Ran {
        code: status.code(),
        text: reader.join().expect("read"),
        took: begun.elapsed(),
        memory,
    }
}

fn height(status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn ours(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().expect("a path");
    path.pop();
    path.pop();
    path.join(name)
}

/// Arguments in one line; `PORT` is the peer's.
fn args(line: &str, port: u16) -> Vec<String> {
    line.replace("PORT", &port.to_string())
        .split(' ')
        .map(str::to_owned)
        .collect()
}

#[track_caller]
fn expect(plugin: &str, line: &str, port: u16, code: i32, text: &str, memory: u64) -> Ran {
    let args = args(line, port);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let ran = run(&ours(plugin), &args);
    assert!(
        ran.code == Some(code) && ran.text.contains(text),
        "{line}: {:?} {}",
        ran.code,
        ran.text.chars().take(500).collect::<String>()
    );
    assert!(ran.memory < memory, "{line}: {} KiB", ran.memory);
    assert!(ran.took < Duration::from_secs(9), "{line}: {:?}", ran.took);
    ran
}

const FOREIGN: &str = "of the monitoring-plugins may know it";

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

/// Reads a request, says `first`, then `piece` over and over, `count` times or for ever.
fn flood(first: &'static str, piece: &'static [u8], count: Option<usize>) -> u16 {
    serve(move |stream| pour(stream, first, piece, count))
}

fn pour(mut stream: impl Read + Write, first: &str, piece: &[u8], count: Option<usize>) {
    let _ = stream.read(&mut [0; 4096]);
    if stream.write_all(first.as_bytes()).is_err() {
        return;
    }
    let block = piece.repeat(1 + (64 << 10) / piece.len());
    let mut left = count.unwrap_or(usize::MAX);
    while 0 < left && stream.write_all(&block).is_ok() {
        left -= 1;
    }
    let _ = stream.flush();
}

fn tls() -> Arc<ServerConfig> {
    let key = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::new(vec!["hostile.example".to_owned()])
        .and_then(|params| params.self_signed(&key))
        .expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a config");
    Arc::new(config)
}

fn secure(
    config: &Arc<ServerConfig>,
    stream: TcpStream,
) -> StreamOwned<ServerConnection, TcpStream> {
    let connection = ServerConnection::new(config.clone()).expect("a connection");
    StreamOwned::new(connection, stream)
}

const OK: &str = "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n";

#[test]
fn a_byte_a_second_ends_at_the_timeout() {
    let port = serve(|mut stream| {
        for byte in OK.bytes().cycle() {
            thread::sleep(Duration::from_secs(1));
            if stream.write_all(&[byte]).is_err() {
                return;
            }
        }
    });
    let line = "-H 127.0.0.1 -p PORT -t 3";
    let words = "CRITICAL - Socket timeout after 3 seconds\n";
    let ran = expect("check_http", line, port, 2, words, USUAL_MEMORY);
    assert!(Duration::from_secs(3) <= ran.took && ran.took < Duration::from_secs(5));
    if Path::new(REAL).exists() {
        let args = args(line, port);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        assert_eq!(run(Path::new(REAL), &args).text, ran.text);
    }
}

#[test]
fn endless_answers_that_come_slowly_end_at_the_timeout() {
    // 12 MiB or less until then.
    let port = serve(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(OK.as_bytes());
        while stream.write_all(&[b'x'; 64 << 10]).is_ok() {
            thread::sleep(Duration::from_millis(10));
        }
    });
    let words = "CRITICAL - Socket timeout after 2 seconds\n";
    for (more, memory) in [("", USUAL_MEMORY), (" -s nowhere", MOST_MEMORY)] {
        let line = format!("-H 127.0.0.1 -p PORT -t 2{more}");
        let ran = expect("check_http", &line, port, 2, words, memory);
        if Path::new(REAL).exists() {
            let args = args(&line, port);
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            assert_eq!(run(Path::new(REAL), &args).text, ran.text);
        }
    }
    // This one keeps all that it gets, too.
    let line = "-H 127.0.0.1 -p PORT -t 5 -s x -e nowhere";
    expect("check_tcp", line, port, 3, FOREIGN, MOST_MEMORY);
}

#[test]
fn endless_answers_end_at_the_timeout() {
    let words = "CRITICAL - Socket timeout after 1 seconds";
    let body = flood(OK, b"0123456789abcde\n", None);
    expect_end(
        "check_http",
        "-H 127.0.0.1 -p PORT -t 1",
        body,
        words,
        USUAL_MEMORY,
    );
    for more in [
        "-s nowhere",
        "-r no.*where",
        "-B",
        "-R x -l",
        "-m 5:6 -E -L",
    ] {
        let line = format!("-H 127.0.0.1 -p PORT -t 1 {more}");
        expect_end("check_http", &line, body, words, MOST_MEMORY);
    }
    let headers = flood("HTTP/1.1 200 OK\r\n", b"A: bcdefg\r\n", None);
    let header = flood("HTTP/1.1 200 OK\r\nA: ", b"bcdefg", None);
    let status = flood("", b"HTTP/1.1 200 OK ", None);
    let zeros = flood("", &[0], None);
    let line_ends = flood("HTTP/1.1 200 OK", b"\r\r\n", None);
    for port in [headers, header, status, zeros, line_ends] {
        for more in ["", " -N", " -d nowhere -M 5"] {
            let line = format!("-H 127.0.0.1 -p PORT -t 1{more}");
            expect_end("check_http", &line, port, words, MOST_MEMORY);
        }
    }
}

/// One that sends fast is left to the real plugin before the timeout.
#[track_caller]
fn expect_end(plugin: &str, line: &str, port: u16, text: &str, memory: u64) {
    let args = args(line, port);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let ran = run(&ours(plugin), &args);
    let is_end = match ran.code {
        Some(2) => ran.text.contains(text),
        Some(3) => ran.text.contains(FOREIGN),
        _ => false,
    };
    assert!(is_end, "{line}: {:?} {}", ran.code, ran.text.len());
    assert!(ran.memory < memory, "{line}: {} KiB", ran.memory);
    assert!(ran.took < Duration::from_secs(9), "{line}: {:?}", ran.took);
}

#[test]
fn long_answers_are_counted_or_left_to_the_real_one() {
    // 32 MiB and a little.
    let body = flood(OK, b"0123456789abcde\n", Some(512));
    let counted = "HTTP OK: HTTP/1.1 200 OK - 33562654 bytes in ";
    expect(
        "check_http",
        "-H 127.0.0.1 -p PORT",
        body,
        0,
        counted,
        USUAL_MEMORY,
    );
    expect(
        "check_http",
        "-H 127.0.0.1 -p PORT -s abcde",
        body,
        0,
        counted,
        MOST_MEMORY,
    );
    for more in ["-s nowhere", "-r abcde", "-B"] {
        let line = format!("-H 127.0.0.1 -p PORT {more}");
        expect("check_http", &line, body, 3, FOREIGN, MOST_MEMORY);
    }
    let headers = flood("HTTP/1.1 200 OK\r\n", b"A: bcdefg\r\n", Some(200));
    let header = flood("HTTP/1.1 200 OK\r\nA: ", b"bcdefg", Some(200));
    let location = flood("HTTP/1.1 302 OK\r\nLocation: /", b"bcdefg", Some(200));
    let chunk = flood(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n",
        b"bcdefg",
        Some(200),
    );
    for port in [headers, header, location, chunk] {
        let line = "-H 127.0.0.1 -p PORT -f follow";
        expect("check_http", line, port, 3, FOREIGN, MOST_MEMORY);
    }
}

#[test]
fn long_answers_within_what_is_kept() {
    // 3 MiB.
    let body = flood(OK, b"0123456789abcde\n", Some(48));
    for (more, code, words) in [
        ("-s nowhere", 2, "string 'nowhere' not found"),
        ("-r no.*where", 2, "pattern not found"),
        ("-r (a|b|ab)*c.*(x|y)$", 2, "pattern not found"),
        ("-l -R .*.*.*=.*", 2, "pattern not found"),
        ("-B", 0, "\n0123456789abcde\n"),
    ] {
        let line = format!("-H 127.0.0.1 -p PORT {more}");
        expect("check_http", &line, body, code, words, MOST_MEMORY);
    }
    let location = flood("HTTP/1.1 302 OK\r\nLocation: /", b"bcdefg\r\n", Some(40));
    let line = "-H 127.0.0.1 -p PORT -f follow";
    expect(
        "check_http",
        line,
        location,
        2,
        "redirection creates an infinite loop",
        MOST_MEMORY,
    );
}

#[test]
fn who_says_nothing() {
    let silent =
        serve(|mut stream| while stream.read(&mut [0; 99]).is_ok_and(|count| 0 < count) {});
    let words = "CRITICAL - Socket timeout after 1 seconds\n";
    for more in ["", " -S", " -C 5"] {
        let line = format!("-H 127.0.0.1 -p PORT -t 1{more}");
        expect("check_http", &line, silent, 2, words, USUAL_MEMORY);
    }
    expect(
        "check_tcp",
        "-H 127.0.0.1 -p PORT -t 1 -S",
        silent,
        2,
        words,
        USUAL_MEMORY,
    );
    let nothing = "HTTP CRITICAL - No data received from host\n";
    let closes = serve(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
    });
    expect(
        "check_http",
        "-H 127.0.0.1 -p PORT",
        closes,
        2,
        nothing,
        USUAL_MEMORY,
    );
    expect(
        "check_http",
        "-H 127.0.0.1 -p PORT -S",
        closes,
        3,
        FOREIGN,
        USUAL_MEMORY,
    );
    let resets = serve(reset);
    expect(
        "check_http",
        "-H 127.0.0.1 -p PORT",
        resets,
        2,
        nothing,
        USUAL_MEMORY,
    );
    let cannot = "CRITICAL - Cannot make SSL connection.\n";
    expect(
        "check_http",
        "-H 127.0.0.1 -p PORT -S",
        resets,
        2,
        cannot,
        USUAL_MEMORY,
    );
    expect(
        "check_tcp",
        "-H 127.0.0.1 -p PORT -S",
        resets,
        2,
        cannot,
        USUAL_MEMORY,
    );
    // Whether the request still goes out is chance: the real one may die of it.
    let at_once = serve(drop);
    let line = args("-H 127.0.0.1 -p PORT", at_once);
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    let ran = run(&ours("check_http"), &line);
    assert!(ran.code == Some(2) && ran.text == nothing, "{}", ran.text);
}

/// Closing what has not been read resets.
fn reset(mut stream: TcpStream) {
    let _ = stream.read(&mut [0; 1]);
}

#[test]
fn tls_that_is_none() {
    let garbage = flood("HTTP/1.1 400 Bad Request\r\n\r\n", b"not TLS ", Some(3));
    let record = flood(
        "\u{16}\u{3}\u{3}\u{10}",
        b"\x16\x03\x03\x10\x00garbage",
        None,
    );
    let noise = flood("", b"\x16\x03\x03\xff\xff\x02\x00", None);
    for port in [garbage, record, noise] {
        for line in [
            "-H 127.0.0.1 -p PORT -S -t 3",
            "-H 127.0.0.1 -p PORT -C 5 -t 3",
        ] {
            expect("check_http", line, port, 3, FOREIGN, USUAL_MEMORY);
        }
        let line = "-H 127.0.0.1 -p PORT -S -t 3 -e x";
        expect("check_tcp", line, port, 3, FOREIGN, USUAL_MEMORY);
    }
    let config = tls();
    let turns = serve(move |stream| {
        let mut secure = secure(&config, stream);
        let _ = secure.read(&mut [0; 4096]);
        let _ = secure.write_all(OK.as_bytes());
        let _ = secure.flush();
        let _ = secure
            .sock
            .write_all(b"\x17\x03\x03\x00\x20not what was agreed on at all...");
        thread::sleep(Duration::from_millis(200));
    });
    expect(
        "check_http",
        "-H 127.0.0.1 -p PORT -S -t 3",
        turns,
        3,
        FOREIGN,
        USUAL_MEMORY,
    );
}

#[test]
fn endless_answers_over_tls() {
    let config = tls();
    let port = serve(move |stream| pour(secure(&config, stream), OK, b"0123456789abcde\n", None));
    let words = "CRITICAL - Socket timeout after 2 seconds";
    expect_end(
        "check_http",
        "-H 127.0.0.1 -p PORT -S -t 2",
        port,
        words,
        USUAL_MEMORY,
    );
    let line = "-H 127.0.0.1 -p PORT -S -t 2 -s nowhere";
    expect_end("check_http", line, port, words, MOST_MEMORY);
    let line = "-H 127.0.0.1 -p PORT -S -t 2 -s x -e nowhere";
    expect("check_tcp", line, port, 3, FOREIGN, USUAL_MEMORY);
}
