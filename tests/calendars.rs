//! On call by a calendar, with a real daemon: what its server says is in force soon, and while it says nothing that can be read the
//! last good turns stay, the problem is told, and nobody's page is lost.

mod common;

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use common::{Daemon, Site, free_port, hook::Hook, until, until_true};
use serde_json::Value;

/// What the server does with a question.
#[derive(Clone, Debug)]
enum Answer {
    Calendar(String),
    /// It says nothing, and keeps the line open.
    Silence,
    Error,
    /// Half of the calendar, then the line breaks.
    Half(String),
    /// 100 MB.
    Flood,
    /// A page for people instead.
    Page,
}

/// A server of calendars.
struct Server {
    answer: Arc<Mutex<Answer>>,
    /// How often which status was answered.
    answered: Arc<Mutex<BTreeMap<u16, usize>>>,
    port: u16,
}

impl Server {
    fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let answer = Arc::new(Mutex::new(answer));
        let answered: Arc<Mutex<BTreeMap<u16, usize>>> = Arc::default();
        let (current, count) = (answer.clone(), answered.clone());
        thread::spawn(move || {
            let mut open = Vec::new();
            for stream in listener.incoming().flatten() {
                let answer = current.lock().expect("not poisoned").clone();
                if let Answer::Silence = answer {
                    open.push(stream);
                    continue;
                }
                let count = count.clone();
                thread::spawn(move || {
                    if let Some(status) = talk(&stream, &answer) {
                        *count
                            .lock()
                            .expect("not poisoned")
                            .entry(status)
                            .or_default() += 1;
                    }
                });
            }
        });
        Self {
            answer,
            answered,
            port,
        }
    }

    fn say(&self, answer: Answer) {
        *self.answer.lock().expect("not poisoned") = answer;
    }

    fn answered(&self, status: u16) -> usize {
        let answered = self.answered.lock().expect("not poisoned");
        answered.get(&status).copied().unwrap_or_default()
    }
}

/// Answers one question; its status.
fn talk(mut stream: &TcpStream, answer: &Answer) -> Option<u16> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut head = String::new();
    let mut reader = BufReader::new(stream);
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let mut send = |status: u16, headers: &str, body: &str| {
        let text = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{headers}\r\n{body}");
        stream.write_all(text.as_bytes()).ok()?;
        Some(status)
    };
    let length = |body: &str| format!("Content-Length: {}\r\n", body.len());
    match answer {
        Answer::Calendar(text) => {
            let tag = format!(
                "\"{:x}\"",
                text.bytes()
                    .fold(7u64, |sum, byte| sum.wrapping_mul(31) ^ u64::from(byte))
            );
            if head.contains(&tag) {
                return send(304, "", "");
            }
            send(200, &format!("ETag: {tag}\r\n{}", length(text)), text)
        }
        Answer::Silence => None,
        Answer::Error => send(500, &length(""), ""),
        Answer::Half(text) => send(200, &length(text), &text[..text.len() / 2]),
        Answer::Page => send(200, &length("<html>Sign in</html>"), "<html>Sign in</html>"),
        Answer::Flood => {
            send(
                200,
                "Content-Type: text/calendar\r\n",
                "BEGIN:VCALENDAR\r\n",
            )?;
            let block = "X-MORE:more\r\n".repeat(10_000);
            for _ in 0..100_000_000 / block.len() {
                // Whoever has heard enough hangs up.
                stream.write_all(block.as_bytes()).ok()?;
            }
            Some(200)
        }
    }
}

/// One event for all of this century, in a text that is another each time, as exports are.
fn calendar(who: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20200101T000000Z\r\nDTEND:20990101T000000Z\r\n\
         SUMMARY:On Call - {who} - Primary\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

/// Ann and Bob are on call in turns, and Cy otherwise; Dee hears of deploywatch itself.
struct Place {
    site: Site,
    config: PathBuf,
    listen: u16,
    people: [(&'static str, Hook); 4],
}

impl Place {
    fn new(calendar: &str) -> Self {
        let (site, listen) = (Site::new(), free_port());
        let people = ["ann", "bob", "cy", "dee"].map(|name| (name, Hook::start()));
        let plugin = site.changeable_plugin("shop").display().to_string();
        site.secret("hook.secret", "a secret of the hook");
        let contacts: String = people
            .iter()
            .map(|(name, hook)| {
                format!(
                    "[[contact]]\nname = \"{name}\"\nwebhook = {{ url = \"http://127.0.0.1:{}/\", secret_file = \"hook.secret\" }}\n",
                    hook.port
                )
            })
            .collect();
        let config = site.write(
            "deploywatch.toml",
            format!(
                r#"
[daemon]
listen = "127.0.0.1:{listen}"
store = "site.db"
fallback_contacts = "dee"
[itself]
contacts = "dee"
every = "200ms"
disk = {{ warning = 0, critical = 0 }}
late = {{ warning = "10m", critical = "20m" }}
store = {{ warning = "10m", critical = "20m" }}
{contacts}
[[rotation]]
name = "oncall"
timezone = "UTC"
calendar = {calendar}
otherwise = "cy"
people = {{ Ann = "ann", Bob = "bob" }}
[[host]]
name = "web1"
[[check]]
name = "http"
hosts = ["web1"]
command = "{plugin}"
every = "200ms"
attempts = 1
contacts = "oncall"
"#
            ),
        );
        Self {
            site,
            config,
            listen,
            people,
        }
    }

    fn start(&self) -> Daemon {
        let daemon = Daemon::start(&self.config, self.listen);
        daemon.until_hard("web1/http", "OK");
        daemon
    }

    fn hook(&self, name: &str) -> &Hook {
        let mut people = self.people.iter();
        &people.find(|(known, _)| *known == name).expect(name).1
    }

    fn pages(&self) -> Vec<usize> {
        let is_page = |body: &Value| body["kind"] == "problem" && body["check"] == "http";
        let counts = self.people.iter().map(|(_, hook)| hook.of(is_page).len());
        counts.collect()
    }

    /// Lets something break and end; who was told.
    fn paged(&self, daemon: &Daemon) -> Vec<&'static str> {
        let before = self.pages();
        self.site.say("shop", 2, "CRITICAL - gone");
        daemon.until_hard("web1/http", "CRITICAL");
        until_true("somebody is told", || self.pages() != before);
        until_true("all who are told know", || {
            gauge(daemon, "deploywatch_outbox_pending") == Some(0)
        });
        self.site.say("shop", 0, "OK - there");
        daemon.until_hard("web1/http", "OK");
        let after = self.pages();
        let told = self.people.iter().zip(before.iter().zip(&after));
        told.filter(|(_, (before, after))| before < after)
            .map(|((name, _), _)| *name)
            .collect()
    }
}

fn gauge(daemon: &Daemon, name: &str) -> Option<i64> {
    let (_, text) = daemon.http("GET", "/metrics", None).expect("answered");
    let line = text.lines().find(|line| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(' '))
    })?;
    line.rsplit(' ').next()?.parse().ok()
}

const IS_READ: &str = "deploywatch_calendar_ok{rotation=\"oncall\"}";

fn is_about_calendars(body: &Value, kind: &str, state: &str) -> bool {
    body["kind"] == kind && body["check"] == "calendars" && body["state"] == state
}

/// The configuration that is in force is another than this one.
fn until_taken_on(daemon: &Daemon, before: &Value) {
    until_true("the calendar is taken on", || {
        daemon.status()["config"] != *before
    });
}

#[test]
fn the_page_goes_to_whoever_the_calendar_names_and_to_the_last_one_while_it_names_nobody_that_can_be_read()
 {
    let server = Server::start(Answer::Calendar(calendar("Ann")));
    let place = Place::new("{ url_file = \"address\", refresh = \"200ms\", stale_after = \"1h\" }");
    place.site.secret(
        "address",
        format!(
            "http://127.0.0.1:{}/private-0123456789abcdef.ics",
            server.port
        ),
    );
    let daemon = place.start();
    until_true("it was fetched", || {
        daemon.json(&["on-call"])[0]["turns"][0]["who"] == "ann"
    });
    until_true("it is read", || gauge(&daemon, IS_READ) == Some(1));
    until("it is in force", || {
        (place.paged(&daemon) == ["ann"]).then_some(())
    });
    daemon.until_hard("deploywatch/calendars", "OK");
    // What did not change is not sent again.
    until_true("it is the same", || 2 < server.answered(304));
    // The next one's turn.
    let before = daemon.status()["config"].clone();
    server.say(Answer::Calendar(calendar("Bob")));
    until_taken_on(&daemon, &before);
    assert_eq!(place.paged(&daemon), ["bob"]);
    // Somebody whom nobody knows.
    let before = daemon.status()["config"].clone();
    server.say(Answer::Calendar(calendar("Zed")));
    until_taken_on(&daemon, &before);
    assert_eq!(place.paged(&daemon), ["cy"]);
    let log = daemon.log();
    assert!(log.contains("`On Call - Zed - Primary`"), "{log}");
    let before = daemon.status()["config"].clone();
    server.say(Answer::Calendar(calendar("Ann")));
    until_taken_on(&daemon, &before);
    for (number, answer) in [
        Answer::Silence,
        Answer::Error,
        Answer::Half(calendar("Bob")),
        Answer::Flood,
        Answer::Page,
    ]
    .into_iter()
    .enumerate()
    {
        let told = |kind, state| {
            let found = place
                .hook("dee")
                .of(|body| is_about_calendars(body, kind, state));
            found.len()
        };
        server.say(answer.clone());
        until_true(&format!("{answer:?}: it is told"), || {
            told("problem", "WARNING") == number + 1
        });
        assert_eq!(gauge(&daemon, IS_READ), Some(0), "{answer:?}");
        assert_eq!(place.paged(&daemon), ["ann"], "{answer:?}");
        let shown = daemon.ask(&["on-call"]);
        assert!(shown.contains("; since then not: "), "{shown}");
        let warned = daemon.status()["notices"].to_string();
        assert!(
            warned.contains("the calendar of oncall cannot be read"),
            "{warned}"
        );
        server.say(Answer::Calendar(calendar("Ann")));
        until_true(&format!("{answer:?}: it is over"), || {
            told("recovery", "OK") == number + 1
        });
    }
    let shown = daemon.ask(&["on-call"]);
    assert!(
        shown.contains("calendar: the address in address, read "),
        "{shown}"
    );
    let log = daemon.log();
    assert!(!log.contains("0123456789abcdef"), "{log}");
    for why in [
        "did not answer in time",
        "answered HTTP 500",
        "broke off",
        "sends more than 8 MB",
        "it is no iCalendar text",
    ] {
        assert!(log.contains(why), "{why}\n{log}");
    }
    daemon.end_well();
}

#[test]
fn without_a_server_the_daemon_starts_and_somebody_is_told_by_the_last_copy_if_there_is_one() {
    let server = Server::start(Answer::Error);
    let place = Place::new(&format!(
        "{{ url = \"http://127.0.0.1:{}/oncall.ics\", refresh = \"200ms\", stale_after = \"2s\" }}",
        server.port
    ));
    // Nothing was ever read.
    let daemon = place.start();
    place.hook("dee").until("there is no calendar", |body| {
        is_about_calendars(body, "problem", "CRITICAL")
    });
    assert_eq!(place.paged(&daemon), ["cy"]);
    let shown = daemon.ask(&["on-call"]);
    assert!(shown.contains("HTTP 500: cy, `otherwise`"), "{shown}");
    let before = daemon.status()["config"].clone();
    server.say(Answer::Calendar(calendar("Bob")));
    until_taken_on(&daemon, &before);
    place.hook("dee").until("there is one", |body| {
        is_about_calendars(body, "recovery", "OK")
    });
    assert_eq!(place.paged(&daemon), ["bob"]);
    // It stays fresh though it never changes.
    let reads = server.answered(304);
    until_true("it was asked for longer than it may be old", || {
        reads + 15 < server.answered(304)
    });
    assert_eq!(place.paged(&daemon), ["bob"]);
    daemon.end_well();
    // Without its server, after a restart: the last one, and when that is too old somebody else as well.
    server.say(Answer::Silence);
    let daemon = place.start();
    until("it is too old", || {
        let told = place.paged(&daemon);
        assert!(told.contains(&"bob"), "{told:?}");
        (told == ["bob", "cy"]).then_some(())
    });
    let shown = daemon.ask(&["on-call"]);
    assert!(shown.contains("it is too old since "), "{shown}");
    daemon.until_hard("deploywatch/calendars", "CRITICAL");
    server.say(Answer::Calendar(calendar("Bob")));
    daemon.until_hard("deploywatch/calendars", "OK");
    assert_eq!(place.paged(&daemon), ["bob"]);
    daemon.end_well();
}

#[test]
fn a_file_that_changes_is_in_force_at_once_and_one_that_is_broken_is_not() {
    let place = Place::new("{ file = \"oncall.ics\", refresh = \"200ms\", stale_after = \"1h\" }");
    place.site.write("oncall.ics", calendar("Ann"));
    let daemon = place.start();
    assert_eq!(place.paged(&daemon), ["ann"]);
    let before = daemon.status()["config"].clone();
    place.site.write("oncall.ics", calendar("Bob"));
    until_taken_on(&daemon, &before);
    assert_eq!(place.paged(&daemon), ["bob"]);
    place.site.write("oncall.ics", &calendar("Ann")[..100]);
    place.hook("dee").until("it is broken", |body| {
        is_about_calendars(body, "problem", "WARNING")
    });
    assert_eq!(place.paged(&daemon), ["bob"]);
    // Also with whatever else is read anew, and over a restart.
    daemon.ask(&["reload"]);
    assert_eq!(place.paged(&daemon), ["bob"]);
    daemon.end_well();
    let daemon = place.start();
    assert_eq!(place.paged(&daemon), ["bob"]);
    place.site.write("oncall.ics", calendar("Ann"));
    until("it is whole", || {
        (place.paged(&daemon) == ["ann"]).then_some(())
    });
    // A configuration that is broken keeps the turns that are in force, which is told.
    let text = place.site.read("deploywatch.toml").expect("there");
    daemon.until_hard("deploywatch/calendars", "OK");
    place
        .site
        .write("deploywatch.toml", format!("{text}\nwhat = is this"));
    place.site.write("oncall.ics", calendar("Bob"));
    let seen = daemon.until_hard("deploywatch/calendars", "WARNING");
    let output = seen["output"].as_str().unwrap_or_default();
    assert!(
        output.contains("the configuration that takes them on is refused"),
        "{output}"
    );
    place.site.write("deploywatch.toml", text);
    daemon.until_hard("deploywatch/calendars", "OK");
    assert_eq!(place.paged(&daemon), ["bob"]);
    daemon.end_well();
}
