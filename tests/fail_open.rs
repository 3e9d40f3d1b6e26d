//! The store fails while the daemon runs: a full disk, a file somebody holds or ruins. Pages leave all the same, marked,
//! the daemon says what is wrong and how to mend it, and when it is mended everything is recorded again.

mod common;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
    time::Instant,
};

use common::{
    Daemon, PROGRAM, Site, free_port,
    hook::{self, Hook},
    need, until, until_true,
};
use serde_json::{Value, json};

/// A site whose checks take results from outside, and its store at `store`.
fn write_site(site: &Site, store: &str, listen: u16, hook: u16) -> std::path::PathBuf {
    let mut text = format!(
        "[daemon]\nstore = \"{store}\"\nlisten = \"127.0.0.1:{listen}\"\n\
         [[contact]]\nname = \"oncall\"\nwebhook = {{ url = \"http://127.0.0.1:{hook}/hook\" }}\n\
         [[host]]\nname = \"h\"\naddress = \"127.0.0.1\"\n"
    );
    for check in ["a", "b", "c"] {
        text.push_str(&format!(
            "[[check]]\nname = \"{check}\"\nhosts = [\"h\"]\ncommand = \"true\"\nactive = false\nattempts = 1\n\
             contacts = [\"oncall\"]\n"
        ));
    }
    site.write("deploywatch.toml", text)
}

/// The answer's status: 200 once the result is durable.
fn submit(daemon: &Daemon, check: &str, exit: u8) -> u16 {
    let body = json!({ "host": "h", "check": check, "exit": exit, "output": "said by the test" });
    let (code, _) = daemon
        .http("POST", "/v1/results", Some(&body))
        .expect("the API answers");
    code
}

fn about<'a>(check: &'a str, kind: &'a str) -> impl Fn(&Value) -> bool + 'a {
    move |body| body["check"] == check && body["kind"] == kind
}

fn is_marked(body: &Value) -> bool {
    body.to_string().contains("UNRECORDED")
}

fn health(daemon: &Daemon) -> (u16, String) {
    daemon
        .http("GET", "/healthz", None)
        .expect("health is answered")
}

/// Writes rows that nobody is told of, until the daemon knows that the store is down. What SQLite has cached, or
/// allocated already, may carry a few commits.
fn until_the_store_notices(daemon: &Daemon) {
    until_true("the store notices", || {
        let body =
            json!({ "host": "h", "check": "c", "comment": "x".repeat(1900), "author": "test" });
        let (code, text) = daemon
            .http("POST", "/v1/comment", Some(&body))
            .expect("the API answers");
        assert!(code == 200 || code == 503, "{code} {text}");
        health(daemon).0 == 503
    });
}

/// The store is down: a page comes, marked and in time, and people hear of the store itself.
fn pages_leave_unrecorded(daemon: &Daemon, hook: &Hook, check: &str, cause: &str) {
    let began = Instant::now();
    assert_eq!(
        submit(daemon, check, 2),
        503,
        "what is not durable is not acknowledged"
    );
    let page = hook.until("the page of a problem", about(check, "problem"));
    assert!(is_marked(&page), "{page}");
    assert!(
        began.elapsed().as_secs() < 20,
        "it came after {:?}",
        began.elapsed()
    );
    let own = hook.until("a page about the store", |body| {
        body["host"] == "deploywatch" && body["check"] == "store"
    });
    assert!(own["output"].to_string().contains(cause), "{own}");
    let (code, text) = health(daemon);
    assert_eq!(code, 503, "{text}");
    assert!(text.contains(cause), "{text}");
    let metrics = daemon.http("GET", "/metrics", None).expect("metrics").1;
    assert!(metrics.contains("deploywatch_store_ok 0"), "{metrics}");
}

/// The store is back: the next changes are recorded, and what happened meanwhile can be asked for.
fn everything_is_recorded_again(daemon: &Daemon, hook: &Hook, check: &str) {
    until_true("the store is well again", || health(daemon).0 == 200);
    assert_eq!(submit(daemon, check, 0), 200);
    let recovery = hook.until("the recovery", about(check, "recovery"));
    assert!(!is_marked(&recovery), "{recovery}");
    let why = daemon.why(&format!("h/{check}"));
    let kinds: Vec<String> = why["decisions"]
        .as_array()
        .expect("decisions")
        .iter()
        .map(|decision| format!("{} {}", decision["what"], decision["kind"]))
        .collect();
    assert!(
        kinds.contains(&r#""sent" "problem""#.to_owned())
            && kinds.contains(&r#""sent" "recovery""#.to_owned()),
        "{kinds:?}"
    );
}

#[test]
fn a_full_disk_stops_no_page() {
    let unshare = need("/usr/bin/unshare", "util-linux");
    let site = Site::new();
    let (hook, listen) = (Hook::start(), free_port());
    fs::create_dir(site.file("disk")).expect("a mount point");
    let config = write_site(&site, "disk/store.db", listen, hook.port);
    // A file system of its own, four megabytes large; `fill` fills it and `empty` makes room again. The loop ends with
    // the daemon.
    let script = format!(
        "mount -t tmpfs -o size=4m tmpfs '{disk}' || exit 9\n\
         {{ while kill -0 $$ 2>/dev/null; do\n\
           if [ -e '{fill}' ]; then rm '{fill}'; dd if=/dev/zero of='{disk}/ballast' bs=4k 2>/dev/null; touch '{full}'; fi\n\
           if [ -e '{empty}' ]; then rm '{empty}' '{disk}/ballast'; fi\n\
           sleep 0.05; done; }} &\n\
         exec '{PROGRAM}' run --config '{config}'",
        disk = site.name("disk"),
        fill = site.name("fill"),
        full = site.name("full"),
        empty = site.name("empty"),
        config = config.display(),
    );
    let mut command = Command::new(unshare);
    // Not root: a user namespace in which we are.
    if !nix::unistd::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--mount", "sh", "-c", &script]);
    let daemon = Daemon::start_by(&mut command, &config, listen, &[]);
    assert_eq!(submit(&daemon, "a", 2), 200);
    let page = hook.until("a page while all is well", about("a", "problem"));
    assert!(!is_marked(&page), "{page}");
    site.write("fill", "");
    until_true("the disk is full", || site.file("full").exists());
    until_the_store_notices(&daemon);
    pages_leave_unrecorded(&daemon, &hook, "b", "cannot grow");
    site.write("empty", "");
    everything_is_recorded_again(&daemon, &hook, "b");
    daemon.end_well();
}

#[test]
fn a_store_that_somebody_holds_stops_no_page() {
    let site = Site::new();
    let (hook, listen) = (Hook::start(), free_port());
    let config = write_site(&site, "store.db", listen, hook.port);
    let daemon = Daemon::start(&config, listen);
    assert_eq!(submit(&daemon, "a", 2), 200);
    hook.until("a page while all is well", about("a", "problem"));
    let other = rusqlite::Connection::open(site.file("store.db")).expect("opened");
    other.execute_batch("BEGIN IMMEDIATE").expect("held");
    pages_leave_unrecorded(&daemon, &hook, "b", "in use");
    other.execute_batch("ROLLBACK").expect("let go");
    everything_is_recorded_again(&daemon, &hook, "b");
    daemon.end_well();
}

#[test]
fn a_ruined_store_stops_no_page_neither_now_nor_after_a_restart() {
    let site = Site::new();
    let (hook, listen) = (Hook::start(), free_port());
    let config = write_site(&site, "store.db", listen, hook.port);
    let daemon = Daemon::start(&config, listen);
    assert_eq!(submit(&daemon, "a", 2), 200);
    hook.until("a page while all is well", about("a", "problem"));
    // A bad copy is put in its place. (Damage inside the file shows only when SQLite reads that page again, and while
    // all of it stands in the write-ahead log, never.)
    let noise: Vec<u8> = (0..200_000u32).map(|at| (at % 251) as u8).collect();
    for name in ["store.db-wal", "store.db-shm"] {
        fs::remove_file(site.file(name)).expect("removed");
    }
    site.write("store.db", noise);
    until_the_store_notices(&daemon);
    pages_leave_unrecorded(&daemon, &hook, "b", "is damaged");
    daemon.end_well();
    // It comes up without its memory, pages, and says that it has none.
    let before = hook.of(|body| body["host"] == "deploywatch").len();
    let daemon = Daemon::start(&config, listen);
    until("a page about the missing memory", || {
        hook.of(|body| {
            body["host"] == "deploywatch"
                && body["output"]
                    .to_string()
                    .contains("running without a store")
        })
        .into_iter()
        .next()
    });
    assert!(before < hook.of(|body| body["host"] == "deploywatch").len());
    assert_eq!(submit(&daemon, "c", 2), 200);
    hook.until("a page without a store", about("c", "problem"));
    daemon.end_well();
}

#[test]
fn a_page_on_its_way_does_not_wait_for_the_store() {
    let site = Site::new();
    let listen = free_port();
    // The receiver refuses until the store is held, so the page is in the outbox and waits for its next attempt.
    let kept = std::sync::Arc::new(std::sync::Mutex::new((false, Vec::<Value>::new())));
    let own = kept.clone();
    let port = hook::serve(move |_, body| {
        let mut kept = own.lock().expect("not poisoned");
        let up = kept.0;
        if up {
            kept.1.push(body);
        }
        up
    });
    let config = write_site(&site, "store.db", listen, port);
    let daemon = Daemon::start(&config, listen);
    assert_eq!(submit(&daemon, "a", 2), 200);
    daemon.until_decided("h/a", "an attempt failed", |decision| {
        decision["deliveries"][0]["attempts"].as_u64() >= Some(2)
    });
    let other = rusqlite::Connection::open(site.file("store.db")).expect("opened");
    other.execute_batch("BEGIN IMMEDIATE").expect("held");
    kept.lock().expect("not poisoned").0 = true;
    assert_eq!(submit(&daemon, "b", 2), 503);
    until_true("the page that was on its way", || {
        let kept = kept.lock().expect("not poisoned");
        kept.1.iter().any(about("a", "problem"))
    });
    other.execute_batch("ROLLBACK").expect("let go");
    daemon.end_well();
}

#[test]
fn two_daemons_cannot_share_a_store() {
    let site = Site::new();
    let (hook, listen) = (Hook::start(), free_port());
    let config = write_site(&site, "store.db", listen, hook.port);
    let daemon = Daemon::start(&config, listen);
    let second = site.write(
        "second.toml",
        site.read("deploywatch.toml")
            .expect("written")
            .replace(&listen.to_string(), &free_port().to_string()),
    );
    let output = Command::new(PROGRAM)
        .args(["run", "--config"])
        .arg(second)
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("is in use: another deploywatch, process")
            && text.contains("give this daemon another `store`"),
        "{text}"
    );
    daemon.end_well();
}

#[test]
fn the_dead_man_ping_stops_with_the_store_and_goes_on_with_it() {
    let site = Site::new();
    let (hook, ping, fail, listen) = (Hook::start(), Hook::start(), Hook::start(), free_port());
    let config = write_site(&site, "store.db", listen, hook.port);
    for (name, port) in [("ping.url", ping.port), ("fail.url", fail.port)] {
        let path = site.write(name, format!("http://127.0.0.1:{port}/ping/uuid"));
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("its own");
    }
    let text = fs::read_to_string(&config).expect("there");
    let more = "[dead_man]\nevery = \"200ms\"\nping_url_file = \"ping.url\"\nfail_url_file = \"fail.url\"\n\
                file = \"alive\"\n";
    site.write("deploywatch.toml", format!("{more}{text}"));
    let daemon = Daemon::start(&config, listen);
    let alive = || ping.of(|body| body["status"] == "alive").len();
    until_true("it is pinged", || 1 < alive());
    assert!(site.file("alive").exists());
    let other = rusqlite::Connection::open(site.file("store.db")).expect("opened");
    other.execute_batch("BEGIN IMMEDIATE").expect("held");
    until_the_store_notices(&daemon);
    let said = fail.until("it is said", |body| body["status"] == "failing");
    assert!(said["why"].to_string().contains("in use"), "{said}");
    let (before, failed) = (alive(), fail.of(|_| true).len());
    until_true("some beats have passed", || {
        failed + 3 < fail.of(|_| true).len()
    });
    assert_eq!(alive(), before, "nothing says that all is well");
    let (_, text) = health(&daemon);
    assert!(!text.contains("uuid"), "{text}");
    other.execute_batch("ROLLBACK").expect("let go");
    until_true("it is pinged again", || before < alive());
    let metrics = daemon.http("GET", "/metrics", None).expect("metrics").1;
    for end in ["sent", "withheld"] {
        let line = format!("deploywatch_dead_man_total{{result=\"{end}\"}}");
        assert!(metrics.contains(&line), "{metrics}");
    }
    daemon.end_well();
}
