//! What the daemon tells of the past: digests, reports, and its recorded history under the same and another configuration.

mod common;

use std::{collections::BTreeMap, fs, process::Command, thread, time::Duration};

use common::{Daemon, PROGRAM, Site, free_port, hook::Hook, until_true};
use serde_json::Value;

/// Three checks each second; the shop is on web1 and web2.
fn site() -> (Site, Hook, u16, String) {
    let (site, hook, listen) = (Site::new(), Hook::start(), free_port());
    let check = |name: &str, host: &str, attempts: u32| {
        let plugin = site.changeable_plugin(&format!("{host}-{name}"));
        format!(
            "[[check]]\nname = \"{name}\"\nhosts = [\"{host}\"]\ncommand = \"{}\"\nevery = \"1s\"\nretry = \"1s\"\n\
             attempts = {attempts}\ncontacts = [\"oncall\"]\n",
            plugin.display()
        )
    };
    let text = format!(
        "[daemon]\nstore = \"store.db\"\nlisten = \"127.0.0.1:{listen}\"\n\
         [[contact]]\nname = \"oncall\"\nwebhook = {{ url = \"http://127.0.0.1:{}/hook\" }}\n\
         [[slo]]\nname = \"shop\"\nmatch = {{ apps = \"shop\", checks = \"http\" }}\ntarget = 99.9\n\
         [[app]]\nname = \"shop\"\nenvironment = \"production\"\n\
         [[host]]\nname = \"web1\"\naddress = \"127.0.0.1\"\napps = [\"shop\"]\n\
         [[host]]\nname = \"web2\"\naddress = \"127.0.0.1\"\napps = [\"shop\"]\n\
         [[host]]\nname = \"db1\"\naddress = \"127.0.0.1\"\n{}{}{}",
        hook.port,
        check("http", "web1", 1),
        check("http", "web2", 2),
        check("disk", "db1", 3),
    );
    (site, hook, listen, text)
}

fn lines(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A blip under a deploy, a page without one.
fn live_through(site: &Site, daemon: &Daemon) {
    for object in ["web1/http", "web2/http", "db1/disk"] {
        daemon.until_hard(object, "OK");
    }
    daemon.ask(&[
        "deploy",
        "start",
        "D-417",
        "--app",
        "shop",
        "--version",
        "1.4.2",
        "--host",
        "web1",
        "--actor",
        "ann",
    ]);
    site.say("web1-http", 2, "CRITICAL - 502");
    daemon.until_decided("web1/http", "held", |decision| decision["what"] == "held");
    site.say("web1-http", 0, "OK - fine");
    daemon.until_decided("web1/http", "released", |decision| {
        decision["what"] == "released"
    });
    daemon.ask(&["deploy", "finish", "D-417"]);
    site.say("db1-disk", 2, "CRITICAL - full");
    daemon.until_decided("db1/disk", "paged", |decision| {
        decision["what"] == "sent" && decision["kind"] == "problem"
    });
    thread::sleep(Duration::from_millis(2500));
    site.say("db1-disk", 0, "OK - empty");
    daemon.until_decided("db1/disk", "recovered", |decision| {
        decision["what"] == "sent" && decision["kind"] == "recovery"
    });
}

#[test]
fn a_digest_tells_what_was_held_and_what_was_paged() {
    let (site, _hook, listen, text) = site();
    let config = site.write("deploywatch.toml", &text);
    let daemon = Daemon::start(&config, listen);
    assert!(
        daemon
            .ask(&["digest"])
            .starts_with("the last 1d: nothing happened")
    );
    live_through(&site, &daemon);
    let digest = daemon.json(&["digest", "--deploy", "D-417"]);
    let deploy = &digest["deploys"][0];
    assert_eq!(
        (&deploy["id"], &deploy["version"], &deploy["actors"][0]),
        (&"D-417".into(), &"1.4.2".into(), &"ann".into())
    );
    assert_eq!(
        deploy["recovered_in_hold"][0]["object"], "web1/http",
        "{digest:#}"
    );
    assert_eq!(deploy["held"], 1);
    assert!(deploy["recovered_in_hold"][0]["lasted"].is_u64());
    let text = daemon.ask(&["digest", "--since", "10m"]);
    for part in [
        "1 deploy, 1 blip held, 1 problem paged",
        "deploy D-417 of shop 1.4.2 in production by ann",
        "recovered while held: web1/http CRITICAL",
        "without a deploy\n    paged: db1/disk CRITICAL",
        "notifications: 1 problem, 1 recovery",
    ] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    let code = |words: &[&str]| daemon.cli(words).status.code();
    assert_eq!(code(&["digest", "--deploy", "D-none"]), Some(1));
    assert_eq!(code(&["digest", "--day", "yesterday"]), Some(2));
    assert_eq!(code(&["digest", "--day", "2026-03-02"]), Some(0));
    daemon.end_well();
}

/// The commands of the README's section on reports, as they stand there.
fn commands_of_the_readme() -> Vec<Vec<String>> {
    let readme =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("it is there");
    let lines = readme.lines().filter_map(|line| {
        let line = line.trim_start().strip_prefix("deploywatch report ")?;
        let words = line.split(" > ").next()?.split(" #").next()?;
        let words = std::iter::once("report").chain(words.split_whitespace());
        Some(words.map(str::to_owned).collect())
    });
    lines.collect()
}

#[test]
fn reports_tell_of_pages_and_deploys() {
    let (site, _hook, listen, text) = site();
    let config = site.write("deploywatch.toml", &text);
    let daemon = Daemon::start(&config, listen);
    live_through(&site, &daemon);
    // A page counts once it was delivered.
    until_true("the page was delivered", || {
        daemon.json(&["report", "oncall", "--since", "10m"])["pages"] == 1
    });
    let report = daemon.json(&["report", "oncall", "--since", "10m", "--zone", "Asia/Tokyo"]);
    assert_eq!(report["timezone"], "Asia/Tokyo", "{report:#}");
    assert_eq!(report["people"][0]["name"], "oncall");
    assert_eq!((&report["first"], &report["saved"]), (&1.into(), &1.into()));
    assert_eq!(report["checks"][0]["object"], "db1/disk");
    assert_eq!(report["action"]["alone"]["pages"], 1);
    assert_eq!(report["in_no_place"], 1);
    assert_eq!(report["downtime_not_set"], Value::Array(Vec::new()));
    let sum = |list: &Value| -> u64 {
        let counts = list.as_array().expect("a list").iter();
        counts.filter_map(Value::as_u64).sum()
    };
    assert_eq!((sum(&report["hours"]), sum(&report["weekdays"])), (1, 1));
    let report = daemon.json(&["report", "deploys", "--since", "10m"]);
    assert_eq!(
        (&report["apps"][0]["app"], &report["apps"][0]["deploys"]),
        (&"shop".into(), &1.into()),
        "{report:#}"
    );
    // It bakes.
    assert_eq!(report["all"]["waiting"], 1);
    for (output, part) in [
        ("text", "Pages by person"),
        ("markdown", "## Pages by person"),
        ("html", "<svg "),
        ("csv", "pages by person,oncall,pages,1,"),
    ] {
        let text = daemon.ask(&["report", "oncall", "--since", "10m", "--format", output]);
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    let commands = commands_of_the_readme();
    assert!(2 <= commands.len(), "{commands:?}");
    for words in &commands {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let told = daemon.cli(&words);
        assert!(told.status.success(), "{words:?}: {told:?}");
    }
    for wrong in [
        &["report", "oncall", "--week", "monday"][..],
        &["report", "oncall", "--zone", "Europe/Romme"],
        &["report", "deploys", "--since", "2999-01-01"],
    ] {
        assert_eq!(daemon.cli(wrong).status.code(), Some(2), "{wrong:?}");
    }
    daemon.end_well();
}

/// Good, bad, planned and unmeasured seconds, after a look at whether they are all there are.
fn times(of: &Value) -> [u64; 4] {
    let times =
        ["good", "bad", "planned", "unmeasured"].map(|part| of[part].as_u64().expect("seconds"));
    assert_eq!(
        times.iter().sum::<u64>(),
        of["span"].as_u64().expect("seconds"),
        "{of:#}"
    );
    times
}

#[test]
fn time_without_the_daemon_is_unmeasured_and_downtimes_are_planned() {
    let (site, _hook, listen, text) = site();
    let config = site.write("deploywatch.toml", &text);
    let daemon = Daemon::start(&config, listen);
    let of_web1 = |daemon: &Daemon, words: &[&str]| {
        let words = [&["report", "slo", "web1/http", "--target", "99.9"], words].concat();
        daemon.json(&words)["objectives"][0].take()
    };
    daemon.until_hard("web1/http", "OK");
    let last_minutes = |daemon: &Daemon| of_web1(daemon, &["--since", "10m"]);
    until_true("it is good for a time", || {
        2 <= times(&last_minutes(&daemon)["all"])[0]
    });
    // Before the first result nothing is known.
    assert!(500 < times(&last_minutes(&daemon)["all"])[3]);
    site.say("web1-http", 2, "CRITICAL - 502");
    until_true("it is bad for a time", || {
        2 <= times(&last_minutes(&daemon)["all"])[1]
    });
    let of = last_minutes(&daemon);
    assert_eq!(of["incidents"][0]["ended"], Value::Null, "{of:#}");
    assert_eq!(of["incidents"][0]["state"], "CRITICAL");
    assert!(of["budget"]["exhausted"].is_string(), "{of:#}");
    daemon.ask(&["downtime", "add", "web1/http", "--for", "10m", "-m", "work"]);
    until_true("it is planned for a time", || {
        2 <= times(&last_minutes(&daemon)["all"])[2]
    });
    site.say("web1-http", 0, "OK - fine");
    daemon.until_hard("web1/http", "OK");
    daemon.end_well();

    let second = || jiff::Timestamp::now().as_second();
    let shown = |second: i64| {
        jiff::Timestamp::from_second(second)
            .expect("a time")
            .to_string()
    };
    let gone = second() + 1;
    // The time itself is what is measured.
    until_true("seconds pass without a daemon", || gone + 3 < second());
    let daemon = Daemon::start(&config, listen);
    daemon.until_hard("web1/http", "OK");
    let gap = of_web1(
        &daemon,
        &["--since", &shown(gone), "--until", &shown(gone + 3)],
    );
    assert_eq!(times(&gap["all"]), [0, 0, 0, 3], "{gap:#}");
    assert_eq!(gap["all"]["availability"], Value::Null);
    // The rest is what it was, and the downtime goes on.
    let of = last_minutes(&daemon);
    let [good, bad, planned, unmeasured] = times(&of["all"]);
    assert!(
        2 <= good && 2 <= bad && 2 <= planned && 500 < unmeasured,
        "{of:#}"
    );
    assert!(of["incidents"][0]["ended"].is_string(), "{of:#}");
    // Of each host or check alone, and of the configured objective.
    let report = daemon.json(&["report", "slo", "--since", "10m"]);
    assert_eq!(report["objectives"][0]["name"], "shop");
    assert_eq!(
        report["objectives"][0]["apps"][0]["name"],
        "shop in production"
    );
    let says = |words: &[&str], part: &str| {
        let told = daemon.cli(&[&["report", "slo"], words].concat());
        let text = String::from_utf8_lossy(&told.stderr).into_owned();
        assert_eq!(told.status.code(), Some(2), "{text}");
        assert!(text.contains(part), "{text}");
    };
    says(&["web9"], "there is no `web9`");
    says(
        &["--match", "host=web9"],
        "`host=web9` fits no host or check",
    );
    says(&["--target", "most"], "is not a percentage");
    // What nobody says is told with what could be said.
    let without = text.split("[[slo]]").collect::<Vec<_>>();
    let rest = without[1].split_once("[[app]]").expect("an app").1;
    site.write("deploywatch.toml", format!("{}[[app]]{rest}", without[0]));
    daemon.ask(&["reload"]);
    says(&[], "add to the configuration [[slo]]");
    daemon.end_well();
}

#[test]
fn each_day_has_one_digest_also_when_it_was_missed() {
    let (site, hook, listen, text) = site();
    let text =
        format!("{text}[digest]\nat = \"00:00\"\ntimezone = \"UTC\"\ncontacts = [\"oncall\"]\n");
    let config = site.write("deploywatch.toml", text);
    let digests = || hook.of(|body| body["kind"] == "digest");
    Daemon::start(&config, listen).end_well();
    assert!(
        digests().is_empty(),
        "days from before it was asked for are not told"
    );
    // It was down for two days.
    let store = rusqlite::Connection::open(site.file("store.db")).expect("a database");
    let today = jiff::tz::TimeZone::UTC
        .to_datetime(jiff::Timestamp::now())
        .date();
    let before = |days: i64| {
        today
            .checked_sub(jiff::Span::new().days(days))
            .expect("a day")
    };
    let changed = store
        .execute(
            "UPDATE meta SET value = ?1 WHERE key = 'digested'",
            [format!("\"{}\"", before(3))],
        )
        .expect("written");
    assert_eq!(changed, 1, "the first start leaves its mark");
    drop(store);
    for _ in 0..2 {
        let daemon = Daemon::start(&config, listen);
        until_true("the digest came", || !digests().is_empty());
        // Twice as long as it takes.
        thread::sleep(Duration::from_millis(1500));
        daemon.end_well();
    }
    let digests = digests();
    assert_eq!(digests.len(), 1, "{digests:?}");
    let reason = digests[0]["reason"].as_str().expect("a sentence");
    let days = format!("{} to {}: nothing happened", before(2), before(1));
    assert_eq!(reason, days);
}

/// Notifications by what they are about, and when.
fn told(bodies: &[Value]) -> BTreeMap<(String, String), Vec<i64>> {
    let mut all: BTreeMap<(String, String), Vec<i64>> = BTreeMap::new();
    for body in bodies {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let at: jiff::Timestamp = text("at").parse().expect("a time");
        all.entry((text("kind"), text("dedup_key")))
            .or_default()
            .push(at.as_millisecond());
    }
    for times in all.values_mut() {
        times.sort_unstable();
    }
    all
}

#[test]
fn recorded_history_pages_the_same_again_and_says_what_another_configuration_would_do() {
    let (site, hook, listen, text) = site();
    let config = site.write("deploywatch.toml", &text);
    let daemon = Daemon::start(&config, listen);
    live_through(&site, &daemon);
    // A restart in the middle of a problem, which a person takes on.
    site.say("web2-http", 2, "CRITICAL - 500");
    daemon.until_decided("web2/http", "paged", |decision| decision["what"] == "sent");
    daemon.end_well();
    let daemon = Daemon::start(&config, listen);
    daemon.ask(&["ack", "web2/http", "-m", "on it", "--author", "ann"]);
    hook.until("the acknowledgement", |body| {
        body["kind"] == "acknowledgement"
    });
    site.say("web2-http", 0, "OK - fine");
    hook.until("its recovery", |body| {
        body["kind"] == "recovery" && body["host"] == "web2"
    });
    daemon.end_well();
    let dir = site.file("store.history");
    let names: Vec<_> = fs::read_dir(&dir).expect("recorded").collect();
    assert!(2 <= names.len(), "{names:?}");

    let run = |words: &[&str], config: &std::path::Path| {
        Command::new(PROGRAM)
            .args(words)
            .arg("--config")
            .arg(config)
            .output()
            .expect("it runs")
    };
    let replayed = run(
        &["replay", &dir.display().to_string(), "--output", "json"],
        &config,
    );
    assert!(replayed.status.success(), "{replayed:?}");
    let bodies: Vec<Value> = lines(&replayed)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let (again, live) = (told(&bodies), told(&hook.of(|_| true)));
    // Time goes on after the end of a history; what is told then is not the daemon's.
    let shared: BTreeMap<_, _> = again
        .iter()
        .filter(|((kind, _), _)| kind != "digest")
        .collect();
    assert_eq!(
        shared.keys().copied().collect::<Vec<_>>(),
        live.keys().collect::<Vec<_>>()
    );
    for (key, times) in &live {
        for (a, b) in times.iter().zip(&again[key]) {
            assert!((a - b).abs() < 2000, "{key:?}: {times:?} {:?}", again[key]);
        }
    }

    let same = run(&["what-if"], &config);
    assert_eq!(same.status.code(), Some(0), "{same:?}");
    assert!(
        lines(&same).contains("nothing would have been otherwise"),
        "{same:?}"
    );
    // Twenty attempts: the full disk would not have been believed in time.
    let patient = site.write(
        "patient.toml",
        text.replace("attempts = 3", "attempts = 20"),
    );
    let missed = run(&["what-if", "--short", "1s"], &patient);
    let said = lines(&missed);
    assert_eq!(missed.status.code(), Some(1), "{said}");
    assert!(
        said.contains("would have been missed (1):\n    db1/disk CRITICAL"),
        "{said}"
    );
    assert!(said.contains("skipped: soft: attempt 1 of 20"), "{said}");
    let quieter = run(&["what-if", "--output", "json"], &patient);
    assert_eq!(quieter.status.code(), Some(0));
    let report: Value = serde_json::from_slice(&quieter.stdout).expect("JSON");
    assert_eq!(report["quieter"][0]["object"], "db1/disk", "{report:#}");
    assert_eq!(report["holds_before"], report["holds_after"]);

    // The last line is torn, as a power cut leaves it: the rest is read, and it is said.
    let mut files: Vec<_> = fs::read_dir(&dir)
        .expect("recorded")
        .map(|entry| entry.expect("readable").path())
        .collect();
    files.sort();
    let last = files.last().expect("one");
    let whole = fs::read(last).expect("readable");
    fs::write(last, &whole[..whole.len() - 20]).expect("written");
    let torn = run(&["what-if"], &config);
    assert_eq!(torn.status.code(), Some(0), "{torn:?}");
    assert!(lines(&torn).contains("skipped"), "{torn:?}");
}
