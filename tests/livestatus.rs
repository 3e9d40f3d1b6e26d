//! Livestatus against the running daemon: every table and column over the Unix socket and TCP, connections that stay,
//! waits, refusals, commands, and Nagstamon's own client.

mod common;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::UnixStream,
    },
    path::{Path, PathBuf},
    process::Command,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use common::{Daemon, PATIENCE, PROGRAM, Site, free_port, need, until};

struct Scene {
    /// Ends before its directory goes.
    daemon: Daemon,
    site: Site,
    port: u16,
}

impl Scene {
    /// A host that is UP and one that is DOWN; of the first, a check that is OK and one whose results come from outside.
    fn set() -> Self {
        let site = Site::new();
        site.changeable_plugin("check_fine");
        site.changeable_plugin("check_down");
        site.say("check_fine", 0, "OK - all is \"well\"|time=0.1s;1;2");
        site.say("check_down", 2, "CRITICAL - no answer");
        let (listen, port) = (free_port(), free_port());
        let config = site.write("deploywatch.toml", config(&site, listen, port));
        let daemon = Daemon::start(&config, listen);
        daemon.until_hard("web1/disk", "OK");
        daemon.until_hard("db1", "DOWN");
        Self { site, daemon, port }
    }

    fn socket(&self) -> PathBuf {
        self.site.file("live")
    }

    /// One query over the socket, to the end of the answer.
    fn ask(&self, query: &str) -> String {
        let stream = UnixStream::connect(self.socket()).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        let mut both = &stream;
        both.write_all(query.as_bytes()).expect("sent");
        stream.shutdown(Shutdown::Write).expect("shut");
        let mut answer = String::new();
        both.read_to_string(&mut answer).expect("answered");
        answer
    }

    #[track_caller]
    fn json(&self, query: &str) -> Value {
        let answer = self.ask(&format!("{query}\nOutputFormat: json\n\n"));
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{query}: {error}: {answer}"))
    }

    fn submit(&self, exit: u8, output: &str) {
        let result = json!([{ "host": "web1", "check": "jobs", "exit": exit, "output": output }]);
        self.daemon.api("POST", "/v1/results", Some(&result));
    }
}

fn config(site: &Site, listen: u16, port: u16) -> String {
    format!(
        r#"[daemon]
listen = "127.0.0.1:{listen}"
[nagios]
livestatus = "live"
livestatus_listen = "127.0.0.1:{port}"
log_file = "nagios.log"
[defaults]
every = "1s"
retry = "1s"
attempts = 1
flap_detection = false
[[contact]]
name = "amy"
email = "amy@localhost"
[[contact_group]]
name = "ops"
members = ["amy"]
[[period]]
name = "work"
monday = "09:00-17:00"
[[host]]
name = "web1"
address = "192.0.2.11"
groups = ["web"]
[[host]]
name = "db1"
address = "192.0.2.12"
check = "{down}"
every = "1s"
retry = "1s"
attempts = 1
vars = {{ rack = "A3" }}
[[check]]
name = "disk"
hosts = ["web1"]
command = "{fine}"
contacts = ["amy"]
[[check]]
name = "jobs"
hosts = ["web1"]
active = false
"#,
        fine = site.name("check_fine"),
        down = site.name("check_down"),
    )
}

/// A response with a header: its code and its body.
fn framed(reader: &mut impl BufRead) -> (u16, String) {
    let mut head = [0; 16];
    reader.read_exact(&mut head).expect("a header");
    let head = String::from_utf8(head.to_vec()).expect("text");
    assert!(head.ends_with('\n'), "{head:?}");
    let (code, length) = head.trim_end().split_once(' ').expect("two numbers");
    let mut body = vec![0; length.trim().parse().expect("a length")];
    reader.read_exact(&mut body).expect("the body");
    (
        code.parse().expect("a code"),
        String::from_utf8(body).expect("text"),
    )
}

#[test]
fn every_table_and_column_answers_over_the_socket_and_tcp() {
    let scene = Scene::set();
    let found = fs::metadata(scene.socket()).expect("there");
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o660);

    let columns = scene.json("GET columns\nColumns: table name type");
    let columns = columns.as_array().expect("rows");
    let mut tables: Vec<&str> = columns.iter().filter_map(|row| row[0].as_str()).collect();
    tables.dedup();
    assert_eq!(tables.len(), 17, "{tables:?}");
    for table in tables {
        // All columns, in their order, with their names first.
        let rows = scene.json(&format!("GET {table}"));
        let own: Vec<&Value> = columns.iter().filter(|row| row[0] == table).collect();
        let names: Vec<&str> = own.iter().filter_map(|row| row[1].as_str()).collect();
        assert_eq!(common::texts(&rows[0]), names, "{table}");
        for row in rows.as_array().expect("rows").iter().skip(1) {
            for (cell, column) in row.as_array().expect("cells").iter().zip(&own) {
                let fits = match column[2].as_str().expect("a type") {
                    "int" | "time" => cell.is_i64(),
                    "float" => cell.is_f64(),
                    "string" => cell.is_string(),
                    "list" => cell.is_array(),
                    "dict" => cell.is_object(),
                    other => panic!("{other}"),
                };
                assert!(fits, "{column}: {cell}");
            }
        }
        let asked = scene.json(&format!("GET {table}\nColumns: {}", names.join(" ")));
        let all = rows.as_array().map_or(0, Vec::len);
        assert_eq!(asked.as_array().map_or(0, Vec::len) + 1, all, "{table}");
    }

    // The same over TCP, on one connection, and by a client that ends its lines as Windows does.
    let stream = TcpStream::connect(("127.0.0.1", scene.port)).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    let mut reader = BufReader::new(stream.try_clone().expect("cloned"));
    let mut both = &stream;
    for (query, code, body) in [
        (
            "GET hosts\nColumns: name state\nFilter: state = 1",
            200,
            "db1;1\n",
        ),
        (
            "GET services\r\nColumns: description plugin_output perf_data\r\nFilter: description = disk",
            200,
            "disk;OK - all is \"well\";time=0.1s;1;2\n",
        ),
        (
            "GET nothing",
            404,
            "Invalid GET request, no such table 'nothing'\n",
        ),
        (
            "GET hosts\nFilter: colour = red",
            450,
            "Table 'hosts' has no column 'colour'\n",
        ),
        (
            "GET hosts\nColumns: name colour\nFilter: name = web1",
            200,
            "web1;\n",
        ),
        (
            "GET hosts\nOffset: x",
            400,
            "Offset: 'x' is no number that is not negative\n",
        ),
        ("PUT hosts", 452, "Invalid request method 'PUT hosts'\n"),
        (
            "GET hosts\nColumns: custom_variables\nFilter: custom_variables = rack A3",
            200,
            "RACK|A3\n",
        ),
        ("GET services\nStats: state = 0\nAuthUser: amy", 200, "1\n"),
        ("GET contactgroups\nColumns: name members", 200, "ops;amy\n"),
        (
            "GET hosts\nTimelimit: 0",
            413,
            "Maximum query time of 0 seconds exceeded\n",
        ),
    ] {
        let end = if query.contains('\r') { "\r\n" } else { "\n" };
        write!(
            both,
            "{query}{end}ResponseHeader: fixed16{end}KeepAlive: on{end}{end}"
        )
        .expect("sent");
        assert_eq!(framed(&mut reader), (code, body.to_owned()), "{query}");
    }
    // Two in one go; the second ends the connection.
    both.write_all(b"GET hosts\nStats: state >= 0\nResponseHeader: fixed16\nKeepAlive: on\n\nGET status\nColumns: num_services\n\n")
        .expect("sent");
    assert_eq!(framed(&mut reader), (200, "2\n".to_owned()));
    let mut rest = String::new();
    reader.read_to_string(&mut rest).expect("to its end");
    assert_eq!(rest, "2\n");

    // Without a header a refusal is told as well: nothing would read as "all is well".
    assert!(
        scene
            .ask("GET hosts\nFilter: x = 1\n\n")
            .contains("no column 'x'")
    );
    let huge = format!("GET hosts\nFilter: name = {}\n\n", "x".repeat(2 << 20));
    let mut stream = TcpStream::connect(("127.0.0.1", scene.port)).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    // It may hang up in the middle, and then what it said is lost with what it did not read.
    let _ = stream.write_all(huge.as_bytes());
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    assert_eq!(scene.json("GET status\nColumns: num_hosts"), json!([[2]]));

    // A second daemon must not take the socket away.
    let other = Site::new();
    let port = free_port();
    let second = config(&scene.site, free_port(), port)
        .replace("\"live\"", &format!("{:?}", scene.socket()));
    let output = Command::new(PROGRAM)
        .args(["run", "--config"])
        .arg(other.write("deploywatch.toml", second))
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("somebody listens"),
        "{said}"
    );

    let socket = scene.socket();
    scene.daemon.end_well();
    assert!(!socket.exists());
}

#[test]
fn a_result_from_outside_wakes_those_who_wait() {
    let scene = Scene::set();
    scene.submit(0, "OK - first");
    scene.daemon.until_hard("web1/jobs", "OK");
    let columns = "GET services\nFilter: description = jobs\nColumns: state plugin_output\n";

    thread::scope(|scope| {
        // A condition of one object: it holds later or at once, and is never missed.
        let waiting = scope.spawn(|| {
            scene.ask(&format!(
                "{columns}WaitObject: web1;jobs\nWaitTrigger: state\nWaitCondition: state = 2\nWaitTimeout: 25000\n\n"
            ))
        });
        scene.submit(2, "CRITICAL - second");
        assert_eq!(waiting.join().expect("it asked"), "2;CRITICAL - second\n");
    });

    // A trigger alone: the next result, whenever we began to wait.
    let (told, answered) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            let answer = scene.ask(
                "GET services\nFilter: description = jobs\nColumns: state\nWaitTrigger: check\nWaitTimeout: 25000\n\n",
            );
            told.send(answer).expect("somebody listens");
        });
        let answer = until("the wait ends", || {
            scene.submit(1, "WARNING - third");
            answered.try_recv().ok()
        });
        assert!(["1\n", "2\n"].contains(&&*answer), "{answer}");
    });

    // What never comes to pass is answered in the end, as things are.
    let began = Instant::now();
    let answer = scene.ask(&format!(
        "{columns}WaitObject: web1 jobs\nWaitCondition: state = 3\nWaitTimeout: 300\n\n"
    ));
    assert_eq!(answer, "1;WARNING - third\n");
    assert!(Duration::from_millis(300) <= began.elapsed());
    let refused = scene.ask("GET hosts\nWaitObject: nobody\nWaitCondition: state = 1\n\n");
    assert!(refused.contains("'nobody' not found"), "{refused}");
}

/// The log that this daemon may have, read by whoever asks.
#[test]
fn the_log_is_read_where_the_configuration_says() {
    let scene = Scene::set();
    let log = scene.site.file("nagios.log");
    let alert = "[1700000000] SERVICE ALERT: web1;disk;CRITICAL;HARD;1;full\n";
    let mut text = fs::read_to_string(&log).unwrap_or_default();
    text.insert_str(0, alert);
    fs::write(&log, text).expect("written");
    assert_eq!(
        scene.json("GET log\nFilter: time < 1700000001\nColumns: time class type host_name state current_host_state"),
        json!([[1_700_000_000, 1, "SERVICE ALERT", "web1", 2, 0]])
    );
    assert_eq!(
        scene.json("GET log\nFilter: time < 1600000000"),
        json!([scene.json("GET log")[0]])
    );
}

/// Where Nagstamon's modules are: unpacked alone, or installed with its window.
fn nagstamon() -> PathBuf {
    const UNPACKED: &str = "/usr/local/lib/deploywatch-tests/usr/lib/python3/dist-packages";
    const INSTALLED: &str = "/usr/lib/python3/dist-packages";
    let client = "Nagstamon/Servers/Livestatus.py";
    if !Path::new(INSTALLED).join(client).exists() {
        need(
            &format!("{UNPACKED}/{client}"),
            "nagstamon (unpacked, without what it depends on)",
        );
        return UNPACKED.into();
    }
    INSTALLED.into()
}

#[test]
fn nagstamon_shows_the_problems_and_sends_commands() {
    let packages = nagstamon();
    need("/usr/bin/python3", "python3");
    let scene = Scene::set();
    scene.submit(2, "CRITICAL - 3 \"jobs\" failed: ü");
    scene.daemon.until_hard("web1/jobs", "CRITICAL");
    let run = |more: &[&str]| -> String {
        let output = Command::new("/usr/bin/python3")
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/common/nagstamon.py"
            ))
            .arg(&packages)
            .arg(scene.site.file("nagstamon"))
            .arg(scene.port.to_string())
            .args(more)
            .env("HOME", scene.site.path())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .expect("python runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).expect("text")
    };
    let shown: Value = serde_json::from_str(&run(&[])).expect("JSON");
    assert_eq!(
        shown,
        json!({
            "error": "",
            "shown": [
                ["db1", "", "DOWN", "CRITICAL - no answer"],
                ["web1", "jobs", "CRITICAL", "CRITICAL - 3 \"jobs\" failed: ü", "hard", false, false, "jobs"],
            ],
            "kept": ["web1/jobs"],
            "worst": "DOWN",
        })
    );
    let before = scene.json("GET status\nColumns: external_commands");
    assert_eq!(before, json!([[0]]));
    run(&["acknowledge", "web1", "jobs"]);
    run(&["recheck", "web1", "jobs"]);
    until("both commands came in", || {
        let now = scene.json("GET status\nColumns: external_commands");
        (now == json!([[2]])).then_some(())
    });
}
