//! The shipped plugins keep the plugin protocol: one line, an exit code from 0 to 3, perfdata with thresholds.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    thread,
    time::{Duration, SystemTime},
};

use tempfile::TempDir;

const PLUGINS: [&str; 3] = ["check_webapp", "check_fresh_file", "check_memory"];

fn run(plugin: &str, args: &[&str]) -> (i32, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("plugins")
        .join(plugin);
    let output = Command::new(path)
        .args(args)
        .output()
        .expect("the plugin starts");
    assert!(
        output.stderr.is_empty(),
        "{plugin} {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    (
        output.status.code().expect("an exit code"),
        text.trim_end().to_owned(),
    )
}

#[test]
fn help_is_unknown_and_names_each_option() {
    for plugin in PLUGINS {
        for option in ["--help", "-h"] {
            let (code, text) = run(plugin, &[option]);
            assert_eq!(code, 3);
            assert!(
                text.contains(&format!("Usage: {plugin}"))
                    && text.contains("-w ")
                    && text.contains("-c "),
                "{text}"
            );
        }
    }
}

#[test]
fn wrong_use_is_unknown_with_a_sentence() {
    let cases: [(&str, &[&str], &str); 16] = [
        ("check_webapp", &[], "-H needs"),
        ("check_webapp", &["-H", "a b"], "-H needs"),
        ("check_webapp", &["-H", "web1", "-p", "http"], "not 'http'"),
        (
            "check_webapp",
            &["-H", "web1", "-p", "65536"],
            "not '65536'",
        ),
        (
            "check_webapp",
            &["-H", "web1", "-u", "status"],
            "starts with /",
        ),
        (
            "check_webapp",
            &["-H", "web1", "-u", "/ HTTP/1.0\r\nX: y"],
            "no blanks",
        ),
        (
            "check_webapp",
            &["-H", "web1", "-w", "1s"],
            "such as 3 or 0.5",
        ),
        (
            "check_webapp",
            &["-H", "web1", "-w", "5", "-c", "2"],
            "above -c",
        ),
        ("check_webapp", &["-H", "web1", "-t", "0"], "more than 0"),
        ("check_webapp", &["-H"], "-H needs a value"),
        ("check_fresh_file", &[], "-f needs"),
        (
            "check_fresh_file",
            &["-f", "/x", "-w", "soon"],
            "not 'soon'",
        ),
        ("check_fresh_file", &["-f", "/x", "/y"], "Quote the pattern"),
        ("check_fresh_file", &["-x"], "no option -x"),
        ("check_memory", &["-w", "101"], "from 0 to 100"),
        ("check_memory", &["-w", "5", "-c", "10"], "below -c"),
    ];
    for (plugin, args, said) in cases {
        let (code, text) = run(plugin, args);
        assert_eq!(code, 3, "{plugin} {args:?}: {text}");
        assert!(
            text.contains("UNKNOWN - ") && text.contains(said) && text.contains("--help"),
            "{plugin} {args:?}: {text}"
        );
        assert_eq!(text.lines().count(), 1);
    }
}

/// Answers one request with `answer`, and gives back the request's head.
fn serve(answer: &'static str, pause: Duration) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let served = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a request");
        let head = BufReader::new(&stream)
            .lines()
            .map_while(Result::ok)
            .take_while(|line| !line.is_empty());
        let head = head.collect::<Vec<_>>().join("\n");
        thread::sleep(pause);
        // The other side may be gone: then its own test says so.
        let _ = (&stream).write_all(answer.as_bytes());
        head
    });
    (port.to_string(), served)
}

/// Limits for answers at once, on however busy a machine.
const PATIENT: [&str; 4] = ["-w", "30", "-c", "60"];

#[test]
fn webapp_judges_status_and_time() {
    let slow = Duration::from_millis(30);
    let cases: [(&str, Duration, &[&str], i32, &str); 7] = [
        (
            "HTTP/1.1 200 OK\r\nA: b\r\n\r\nhello",
            Duration::ZERO,
            &PATIENT,
            0,
            "WEBAPP OK - HTTP 200 in ",
        ),
        (
            "HTTP/1.0 302 Found\r\n\r\n",
            Duration::ZERO,
            &PATIENT,
            0,
            "WEBAPP OK - HTTP 302 in ",
        ),
        (
            "HTTP/1.1 404 Not Found\r\n\r\n",
            Duration::ZERO,
            &PATIENT,
            1,
            "WEBAPP WARNING - HTTP 404 in ",
        ),
        (
            "HTTP/1.1 502 Bad Gateway\r\n\r\n",
            Duration::ZERO,
            &[],
            2,
            "WEBAPP CRITICAL - HTTP 502 in ",
        ),
        (
            "HTTP/1.1 200 OK\r\n\r\n",
            slow,
            &["-w", "0.02", "-c", "60"],
            1,
            "WEBAPP WARNING - HTTP 200 in ",
        ),
        (
            "HTTP/1.1 404 No\r\n\r\n",
            slow,
            &["-w", ".5"],
            3,
            "WEBAPP UNKNOWN - -w takes",
        ),
        (
            "HTTP/1.1 200 OK\r\n\r\n",
            slow,
            &["-w", "0.01", "-c", "0.02"],
            2,
            "WEBAPP CRITICAL - HTTP 200 in ",
        ),
    ];
    for (answer, pause, extra, code, said) in cases {
        let (port, served) = serve(answer, pause);
        let mut args = vec!["-H", "127.0.0.1", "-p", &port, "-u", "/health?deep=1"];
        args.extend(extra);
        let (exit, text) = run("check_webapp", &args);
        assert!(
            exit == code && text.starts_with(said),
            "{answer:?} {extra:?}: {exit} {text}"
        );
        if code == 3 {
            // It never asked: ask in its place, so that the thread ends.
            drop(TcpStream::connect(format!("127.0.0.1:{port}")));
            continue;
        }
        let (time, perf) = text.split_once("s | time=").expect("perfdata");
        let time = time.rsplit(' ').next().expect("a time");
        assert!(
            perf.starts_with(&format!("{time}s;")) && perf.ends_with(";0"),
            "{text}"
        );
        let head = served.join().expect("served");
        assert!(head.starts_with("GET /health?deep=1 HTTP/1.1\n"), "{head}");
        assert!(
            head.contains(&format!("Host: 127.0.0.1:{port}\n")),
            "{head}"
        );
    }
}

#[test]
fn webapp_tells_what_is_wrong_with_a_server() {
    for (answer, said) in [
        ("SSH-2.0-OpenSSH\r\n", "does not speak HTTP"),
        ("", "closed the connection without an answer"),
    ] {
        let (port, _served) = serve(answer, Duration::ZERO);
        let (code, text) = run("check_webapp", &["-H", "127.0.0.1", "-p", &port]);
        assert_eq!(
            (code, text),
            (2, format!("WEBAPP CRITICAL - 127.0.0.1:{port} {said}"))
        );
    }
    let closed = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port");
    let (code, text) = run(
        "check_webapp",
        &["-H", "127.0.0.1", "-p", &closed.port().to_string()],
    );
    assert_eq!(
        (code, text),
        (2, format!("WEBAPP CRITICAL - cannot connect to {closed}"))
    );
}

#[test]
fn webapp_gives_up_on_a_silent_server() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = silent.local_addr().expect("bound").port().to_string();
    let (code, text) = run(
        "check_webapp",
        &["-H", "127.0.0.1", "-p", &port, "-t", "0.2"],
    );
    assert_eq!(
        (code, text),
        (
            2,
            format!("WEBAPP CRITICAL - no answer from 127.0.0.1:{port} within 0.2s")
        )
    );
}

#[test]
fn fresh_file_looks_at_the_newest() {
    let dir = TempDir::new().expect("a directory");
    let write = |name: &str, age: u64, bytes: &str| {
        fs::write(dir.path().join(name), bytes).expect("written");
        let time = SystemTime::now() - Duration::from_secs(age);
        File::options()
            .write(true)
            .open(dir.path().join(name))
            .and_then(|file| file.set_modified(time))
            .expect("aged");
    };
    let pattern = dir
        .path()
        .join("db *.gz")
        .to_str()
        .expect("UTF-8")
        .to_owned();
    let check = |extra: &[&str]| {
        run(
            "check_fresh_file",
            &[&["-f", pattern.as_str()], extra].concat(),
        )
    };
    assert_eq!(
        check(&[]),
        (2, format!("FILE CRITICAL - no file matches {pattern}"))
    );
    write("db old.gz", 400_000, "0123456789");
    let (code, text) = check(&[]);
    assert!(
        code == 2 && text.contains("is 4d 15h old | age=40000"),
        "{text}"
    );
    write("db new.gz", 7200, "01234");
    let (code, text) = check(&[]);
    assert!(
        code == 0 && text.contains("db new.gz is 2h 0m old | age=72"),
        "{text}"
    );
    assert!(text.ends_with("s;93600;180000;0 size=5B;;1:;0"), "{text}");
    assert_eq!(check(&["-w", "1h"]).0, 1);
    assert_eq!(check(&["-w", "60m", "-c", "7000"]).0, 2);
    assert_eq!(check(&["-s", "08"]).0, 2, "08 is eight");
    write("db new.gz", 0, "");
    let (code, text) = check(&[]);
    assert!(code == 2 && text.contains("has only 0 bytes"), "{text}");
}

#[test]
fn memory_judges_what_is_available() {
    let dir = TempDir::new().expect("a directory");
    let file = dir.path().join("meminfo");
    let check = |text: &str, extra: &[&str]| {
        fs::write(&file, text).expect("written");
        run(
            "check_memory",
            &[&["-f", file.to_str().expect("UTF-8")], extra].concat(),
        )
    };
    let meminfo = "MemTotal:        8000000 kB\nMemFree:          100000 kB\nMemAvailable:     800000 kB\nHugepagesize: 2048 kB\n";
    let ok = "MEMORY OK - 10% available, 781 of 7812 MiB | available=819200000B;819200000:;409600000:;0;8192000000";
    assert_eq!(check(meminfo, &[]), (0, ok.to_owned()));
    assert_eq!(check(meminfo, &["-w", "11%"]).0, 1);
    assert_eq!(check(meminfo, &["-w", "50", "-c", "11"]).0, 2);
    assert_eq!(check(meminfo, &["-w", "009", "-c", "08"]).0, 0);
    assert_eq!(check("MemTotal: 8000000 kB\n", &[]).0, 3);
    assert_eq!(check("", &[]).0, 3);
    let (code, text) = run("check_memory", &["-f", "/nowhere/meminfo"]);
    assert_eq!(
        (code, text.as_str()),
        (3, "MEMORY UNKNOWN - cannot read /nowhere/meminfo")
    );
    assert!(
        run("check_memory", &["-w", "0", "-c", "0"])
            .1
            .starts_with("MEMORY OK - ")
    );
}
