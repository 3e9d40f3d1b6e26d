//! Debian's monitoring-plugins against real servers (nginx, sshd, dnsmasq, an SMTP server): the daemon must say what
//! the plugins say by hand, and a stopped nginx must become a page, with the deploy that explains it.

mod common;

use std::{collections::BTreeMap, process::Command};

use serde_json::{Value, json};

use common::{
    Daemon, PLUGINS, Site, free_port,
    mail::MailServer,
    need,
    servers::{Certificate, Dns, Nginx, Sshd},
    texts, until, until_true,
};

/// What a plugin gives: state, first line, further lines, performance data.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    state: String,
    output: String,
    long_output: String,
    perfdata: String,
}

impl Said {
    /// Times and sizes differ from run to run; all else must not.
    fn without_numbers(&self) -> Self {
        let plain = |text: &str| {
            let mut plain = String::new();
            for c in text.trim().chars() {
                if !c.is_ascii_digit() && c != '.' {
                    plain.push(c);
                } else if !plain.ends_with('#') {
                    plain.push('#');
                }
            }
            plain
        };
        Self {
            state: self.state.clone(),
            output: plain(&self.output),
            long_output: plain(&self.long_output),
            perfdata: plain(&self.perfdata),
        }
    }
}

/// Runs a command line as its author would in a shell, and reads it as the plugin guidelines say.
fn by_hand(line: &str) -> Said {
    let line = line.replace("$HOSTADDRESS$", "127.0.0.1");
    let path = format!("{PLUGINS}:{}", std::env::var("PATH").unwrap_or_default());
    let output = Command::new("/bin/sh")
        .args(["-c", &line])
        .env("PATH", path)
        .output()
        .expect("a shell");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (first, rest) = text.trim_end().split_once('\n').unwrap_or((&text, ""));
    let (output_text, perfdata) = first.split_once('|').unwrap_or((first, ""));
    // Further lines are text up to the first `|`; all that follows is performance data again.
    let (long_output, more) = rest.split_once('|').unwrap_or((rest, ""));
    let perfdata: Vec<&str> = perfdata
        .split_whitespace()
        .chain(more.split_whitespace())
        .collect();
    let states = ["OK", "WARNING", "CRITICAL", "UNKNOWN"];
    let code = output
        .status
        .code()
        .and_then(|code| usize::try_from(code).ok());
    let state = code.and_then(|code| states.get(code)).unwrap_or(&"none");
    Said {
        state: (*state).to_owned(),
        // Nagios keeps its log format intact this way.
        output: output_text.trim().replace(';', ":"),
        long_output: long_output.trim().to_owned(),
        perfdata: perfdata.join(" "),
    }
}

fn by_daemon(object: &Value) -> Said {
    let text = |key: &str| object[key].as_str().unwrap_or_default().trim().to_owned();
    Said {
        state: text("state"),
        output: text("output"),
        long_output: text("long_output"),
        perfdata: text("perfdata")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" "),
    }
}

fn need_plugins() {
    for plugin in [
        "check_http",
        "check_tcp",
        "check_load",
        "check_procs",
        "check_ssh",
    ] {
        need(&format!("{PLUGINS}/{plugin}"), "monitoring-plugins-basic");
    }
    need(
        &format!("{PLUGINS}/check_dig"),
        "monitoring-plugins-standard",
    );
    need(
        &format!("{PLUGINS}/check_statusfile"),
        "monitoring-plugins-contrib",
    );
    need("/usr/bin/dig", "bind9-dnsutils");
}

fn check(name: &str, host: &str, line: &str, more: &str) -> String {
    format!("[[check]]\nname = \"{name}\"\nhosts = [\"{host}\"]\ncommand = '''{line}'''\n{more}\n")
}

#[test]
fn the_daemon_says_what_the_plugins_say() {
    need_plugins();
    let site = Site::new();
    let certificate = Certificate::new(&site, "web", "127.0.0.1");
    let nginx = Nginx::start(&site, None);
    let secure = Nginx::start(&site, Some(&certificate));
    let sshd = Sshd::start(&site);
    let dns = Dns::start(&site);
    let mail = MailServer::start(&site, free_port(), &[]);
    let (web, tls, ssh, names) = (nginx.port, secure.port, sshd.port, dns.port);
    let (smtp, closed, key) = (mail.port, free_port(), &sshd.key);
    let (old, missing) = (site.write("old", "some bytes\n"), site.name("missing"));
    let touched = Command::new("touch")
        .args(["-d", "2 hours ago"])
        .arg(&old)
        .status();
    assert!(touched.expect("touch runs").success());
    let old = old.display();
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid())
        .expect("users can be read")
        .expect("this user is known")
        .name;
    let by_ssh = format!(
        "check_by_ssh -H $HOSTADDRESS$ -p {ssh} -l {user} -i {key} -o StrictHostKeyChecking=no \
         -o UserKnownHostsFile=/dev/null -q -t 20"
    );
    // The state that must come out; empty where it depends on the machine.
    let checks: Vec<(&str, &str, String)> = vec![
        (
            "http",
            "OK",
            format!("check_http -H $HOSTADDRESS$ -p {web} -u / -s 'it works'"),
        ),
        (
            "http-404",
            "WARNING",
            format!("check_http -H $HOSTADDRESS$ -p {web} -u /nowhere"),
        ),
        (
            "http-500",
            "CRITICAL",
            format!("check_http -H $HOSTADDRESS$ -p {web} -u /broken"),
        ),
        (
            "http-slow",
            "WARNING",
            format!("check_http -H $HOSTADDRESS$ -p {web} -u /slow -w 1 -c 20 -t 30"),
        ),
        (
            "http-hangs",
            "CRITICAL",
            format!("check_http -H $HOSTADDRESS$ -p {web} -u /hang -t 1"),
        ),
        (
            "http-other-text",
            "CRITICAL",
            format!("check_http -H $HOSTADDRESS$ -p {web} -s \"it doesn't\""),
        ),
        (
            "https",
            "OK",
            format!("check_http -H $HOSTADDRESS$ -p {tls} -S -u /"),
        ),
        (
            "certificate",
            "OK",
            format!("check_http -H $HOSTADDRESS$ -p {tls} -S -C 21,7"),
        ),
        // Of Debian's collection of plugins from others (monitoring-plugins-contrib).
        ("memory", "OK", "check_memory -w 99% -c 99%".to_owned()),
        ("uptime", "", "check_uptime".to_owned()),
        ("kernel", "", "check_running_kernel".to_owned()),
        (
            "statusfile",
            "UNKNOWN",
            format!("check_statusfile {missing}"),
        ),
        (
            "wrong-use",
            "UNKNOWN",
            "check_http --no-such-option".to_owned(),
        ),
        (
            "tcp",
            "OK",
            format!("check_tcp -H $HOSTADDRESS$ -p {web} -w 10 -c 20"),
        ),
        (
            "tcp-closed",
            "CRITICAL",
            format!("check_tcp -H $HOSTADDRESS$ -p {closed}"),
        ),
        (
            "banner",
            "OK",
            format!("check_tcp -H $HOSTADDRESS$ -p {ssh} -e SSH-2.0 -q 'x y'"),
        ),
        (
            "ssh",
            "OK",
            format!("check_ssh -p {ssh} -t 20 $HOSTADDRESS$"),
        ),
        (
            "smtp",
            "OK",
            format!("check_smtp -H $HOSTADDRESS$ -p {smtp} -e '220 mail.example.test'"),
        ),
        (
            "by-ssh",
            "OK",
            format!("{by_ssh} -C '{PLUGINS}/check_load -r -w 9999,9999,9999 -c 9999,9999,9999'"),
        ),
        (
            "by-ssh-quoted",
            "CRITICAL",
            format!("{by_ssh} -C \"{PLUGINS}/check_dummy 2 'it is \\\"down\\\"; really'\""),
        ),
        (
            "dig",
            "OK",
            format!("check_dig -H $HOSTADDRESS$ -p {names} -l web.example.test -a 192.0.2.7 -t 20"),
        ),
        (
            "dig-wrong",
            "WARNING",
            format!("check_dig -H $HOSTADDRESS$ -p {names} -l web.example.test -a 192.0.2.8 -t 20"),
        ),
        (
            "dig-unknown",
            "CRITICAL",
            format!("check_dig -H $HOSTADDRESS$ -p {names} -l nothing.example.test -t 20"),
        ),
        ("disk", "", "check_disk -w 1% -c 0% -p /".to_owned()),
        (
            "disk-full",
            "CRITICAL",
            "check_disk -w 100% -c 100% -p / -p /proc".to_owned(),
        ),
        (
            "load",
            "OK",
            "check_load -w 9999,9999,9999 -c 9999,9999,9999".to_owned(),
        ),
        (
            "procs",
            "OK",
            "check_procs -w 1:99999 -c 1:99999".to_owned(),
        ),
        (
            "procs-none",
            "CRITICAL",
            "check_procs -c 1: -C no-such-program".to_owned(),
        ),
        (
            "procs-metric",
            "OK",
            // Children of this test: several at any time, and so always in the plural, which those of process 1 are not.
            format!("check_procs -w 99999999 -m RSS -p {}", std::process::id()),
        ),
        ("users", "", "check_users -w 1000 -c 2000".to_owned()),
        ("swap", "", "check_swap -n ok -w 1% -c 0%".to_owned()),
        (
            "file-old",
            "WARNING",
            format!("check_file_age -w 3600 -c 86400 -f {old}"),
        ),
        (
            "file-missing",
            "CRITICAL",
            format!("check_file_age -f {missing}"),
        ),
        (
            "dummy",
            "UNKNOWN",
            "check_dummy 3 'what it \"says\"; $HOME is not expanded'".to_owned(),
        ),
        (
            "negated",
            "OK",
            format!("negate -c OK {PLUGINS}/check_dummy 2 'is wanted down'"),
        ),
        (
            "shell",
            "CRITICAL",
            format!(
                "check_tcp -H $HOSTADDRESS$ -p {web} >/dev/null && check_dummy 2 'after || before' | cat; exit 2"
            ),
        ),
        (
            "two-lines",
            "OK",
            "printf 'OK - first | a=1\\nsecond line\\nthird | b=2\\nc=3\\n'".to_owned(),
        ),
    ];
    let listen = free_port();
    let mut config = format!(
        r#"[daemon]
listen = "127.0.0.1:{listen}"
plugin_dirs = ["{PLUGINS}"]
[defaults]
every = "1m"
retry = "1s"
attempts = 1
timeout = "40s"
contacts = ["nobody"]
[[contact]]
name = "nobody"
command = "true"
[[host]]
name = "web1"
address = "127.0.0.1"
check = "check_ping -H $HOSTADDRESS$ -w 5000,60% -c 9000,100% -p 1 -t 20"
[[host]]
name = "gone"
address = "127.0.0.1"
check = "check_tcp -H $HOSTADDRESS$ -p {closed}"
attempts = 1
contacts = ["nobody"]
"#
    );
    for (name, _, line) in &checks {
        config += &check(name, "web1", line, "");
    }
    let hangs = format!("check_http -H $HOSTADDRESS$ -p {web} -u /hang -t 30");
    config += &check("cut-off", "web1", &hangs, "timeout = \"1s\"");
    config += &check("not-there", "web1", "check_nothing -x", "");
    let on_gone = format!("check_tcp -H $HOSTADDRESS$ -p {closed}");
    // Two attempts: the first bad result has the host checked, the second finds it down.
    config += &check("tcp", "gone", &on_gone, "attempts = 2");
    let daemon = Daemon::start(&site.write("deploywatch.toml", config), listen);

    // Everything at once, forced: the schedule has tests of its own.
    let more = ["cut-off", "not-there"];
    for name in checks.iter().map(|(name, ..)| *name).chain(more) {
        daemon.api(
            "POST",
            "/v1/check",
            Some(&json!({"host": "web1", "check": name, "author": "test"})),
        );
    }
    daemon.ask(&["recheck", "gone/tcp"]);
    daemon.ask(&["recheck", "web1"]);
    let mut expected = BTreeMap::new();
    for (name, state, line) in &checks {
        let object = until(&format!("web1/{name} is checked"), || {
            let object = daemon.object(&format!("web1/{name}"));
            (object["checked"] == true).then_some(object)
        });
        let (ours, theirs) = (by_daemon(&object), by_hand(line));
        assert_eq!(
            ours.without_numbers(),
            theirs.without_numbers(),
            "{name}: {line}"
        );
        assert!(state.is_empty() || ours.state == *state, "{name}: {ours:?}");
        assert!(
            !ours.output.is_empty() || !ours.perfdata.is_empty(),
            "{name}"
        );
        expected.insert((*name).to_owned(), ours.state);
    }
    let two_lines = by_daemon(&daemon.object("web1/two-lines"));
    assert_eq!(
        [two_lines.output, two_lines.long_output, two_lines.perfdata],
        ["OK - first", "second line\nthird", "a=1 b=2 c=3"]
    );
    let ping = daemon.until_hard("web1", "UP");
    assert!(
        ping["output"]
            .as_str()
            .is_some_and(|text| text.starts_with("PING OK - Packet loss = 0%")),
        "{ping}"
    );

    // What the daemon itself has to say about a plugin.
    let cut_off = daemon.until_hard("web1/cut-off", "CRITICAL");
    assert_eq!(
        cut_off["output"],
        "(Service check timed out after 1.00 seconds)"
    );
    let not_there = daemon.until_hard("web1/not-there", "CRITICAL");
    let text = not_there["output"].as_str().unwrap_or_default();
    assert!(
        text.starts_with("(Return code of 127 is out of bounds. Check if plugin exists)")
            && text.contains("check_nothing")
            && text.contains(PLUGINS),
        "{text}"
    );

    // The host is down: its check does not page beside it.
    daemon.until_hard("gone", "DOWN");
    daemon.until_hard("gone/tcp", "CRITICAL");
    let silent = daemon.until_decided("gone/tcp", "is covered by its host", |decision| {
        decision["what"] == "skipped"
    });
    assert!(
        silent["reason"]
            .as_str()
            .is_some_and(|why| why.contains("host")),
        "{silent}"
    );
    daemon.until_decided("gone", "is paged", |decision| decision["what"] == "sent");

    // The same through the command line: `status` has exactly the problems, `why` each one's page.
    expected.insert("cut-off".to_owned(), "CRITICAL".to_owned());
    expected.insert("not-there".to_owned(), "CRITICAL".to_owned());
    let status = daemon.status();
    let problems: BTreeMap<String, String> = status["problems"]
        .as_array()
        .expect("an array")
        .iter()
        .filter(|problem| problem["host"] == "web1")
        .map(|problem| {
            let text = |key: &str| problem[key].as_str().unwrap_or_default().to_owned();
            assert_eq!(
                (text("state_type"), text("handling")),
                ("HARD".into(), "paged".into()),
                "{problem}"
            );
            (text("check"), text("state"))
        })
        .collect();
    expected.retain(|_, state| state != "OK");
    assert_eq!(problems, expected);
    for name in expected.keys() {
        let why = daemon.why(&format!("web1/{name}"));
        let mut decisions = why["decisions"].as_array().into_iter().flatten();
        let page = decisions
            .find(|decision| decision["what"] == "sent")
            .unwrap_or_else(|| panic!("no page of {name}: {why}"));
        assert_eq!(page["kind"], "problem", "{why}");
        assert_eq!(texts(&page["contacts"]), ["nobody"], "{why}");
        assert_eq!(why["now"]["state"], expected[name].as_str(), "{why}");
    }
    daemon.end_well();
}

/// A site of two machines, each with an nginx that can be stopped.
struct Shop {
    site: Site,
    web: Nginx,
    catalog: Nginx,
    mail: MailServer,
    daemon: Daemon,
}

impl Shop {
    fn open() -> Self {
        need_plugins();
        let site = Site::new();
        let web = Nginx::start(&site, None);
        let catalog = Nginx::start(&site, None);
        let mail = MailServer::start(&site, free_port(), &[]);
        let (listen, smtp) = (free_port(), mail.port);
        let mut config = format!(
            r#"[daemon]
listen = "127.0.0.1:{listen}"
plugin_dirs = ["{PLUGINS}"]
[smtp]
port = {smtp}
from = "watch@example.org"
[defaults]
every = "1s"
retry = "1s"
attempts = 3
timeout = "10s"
flap_detection = false
contacts = ["oncall"]
[deploys.class.normal]
hold = {{ critical = "4s", warning = "10s" }}
bake = "1m"
[[contact]]
name = "oncall"
email = "oncall@example.org"
[[app]]
name = "shop"
[[app]]
name = "catalog"
[[host]]
name = "web1"
address = "127.0.0.1"
apps = ["shop"]
[[host]]
name = "web2"
address = "127.0.0.1"
apps = ["catalog"]
"#
        );
        let line =
            |port: u16, page: &str| format!("check_http -H $HOSTADDRESS$ -p {port} -u {page} -t 5");
        config += &check("http", "web1", &line(web.port, "/"), "");
        config += &check("http", "web2", &line(catalog.port, "/"), "");
        let daemon = Daemon::start(&site.write("deploywatch.toml", config), listen);
        daemon.until_hard("web1/http", "OK");
        daemon.until_hard("web2/http", "OK");
        Self {
            site,
            web,
            catalog,
            mail,
            daemon,
        }
    }

    fn subjects(&self) -> Vec<String> {
        self.mail
            .mails()
            .iter()
            .map(|mail| mail.subject().to_owned())
            .collect()
    }
}

#[test]
fn a_stopped_nginx_goes_soft_then_hard_and_pages() {
    let mut shop = Shop::open();
    let line = format!("check_http -H 127.0.0.1 -p {} -u / -t 5", shop.web.port);
    shop.web.stop();
    let mut seen: Vec<(String, u64)> = Vec::new();
    until_true("web1/http is CRITICAL and HARD", || {
        let object = shop.daemon.object("web1/http");
        let now = (
            object["state_type"].as_str().unwrap_or_default().to_owned(),
            object["attempt"].as_u64().unwrap_or_default(),
        );
        if object["state"] == "CRITICAL" && seen.last() != Some(&now) {
            seen.push(now.clone());
        }
        object["state"] == "CRITICAL" && now.0 == "HARD"
    });
    // A slow machine may miss one of the two, not both.
    assert!(seen.iter().any(|(kind, _)| kind == "SOFT"), "{seen:?}");
    assert!(
        seen.iter()
            .all(|(kind, attempt)| (kind == "SOFT") == (*attempt < 3)),
        "{seen:?}"
    );
    let object = shop.daemon.object("web1/http");
    assert_eq!(by_daemon(&object), by_hand(&line));

    let page = shop.mail.until("CRITICAL web1/http");
    assert_eq!(page.subject(), "CRITICAL web1/http", "no deploy is named");
    assert!(
        page.text().contains("Connection refused"),
        "{}",
        page.text()
    );
    let status = shop.daemon.status();
    assert_eq!(
        status["problems"].as_array().map(Vec::len),
        Some(1),
        "{status}"
    );
    let problem = &status["problems"][0];
    assert_eq!(
        (&problem["host"], &problem["check"], &problem["handling"]),
        (&json!("web1"), &json!("http"), &json!("paged"))
    );
    assert_eq!(
        (&problem["attempt"], &problem["max_attempts"]),
        (&json!(3), &json!(3))
    );
    let sent = shop
        .daemon
        .until_decided("web1/http", "the page has left", |decision| {
            decision["what"] == "sent" && decision["deliveries"][0]["state"] == "sent"
        });
    assert_eq!(sent["deploys"], json!([]), "{sent}");
    assert!(
        sent["deliveries"][0]["tries"][0]["text"]
            .as_str()
            .is_some_and(|text| text.contains("kept as number")),
        "the server's receipt: {sent}"
    );

    shop.web.start_again();
    let recovery = shop.mail.until("OK web1/http");
    assert_eq!(recovery.subject(), "OK web1/http - recovered");
    assert_eq!(shop.subjects().len(), 2);
    shop.daemon.end_well();
}

#[test]
fn a_deploy_explains_a_restart_and_answers_for_a_regression() {
    let mut shop = Shop::open();
    // A restart of a deployed nginx: soft, hard, held; it is back before the hold ends.
    shop.daemon.ask(&[
        "deploy",
        "start",
        "D-1",
        "--app",
        "shop",
        "--version",
        "1.0",
    ]);
    shop.web.stop();
    let held = shop
        .daemon
        .until_decided("web1/http", "is held", |decision| {
            decision["what"] == "held"
        });
    assert_eq!(texts(&held["deploys"]), ["D-1"], "{held}");
    assert!(held["until"].is_string(), "{held}");
    let status = shop.daemon.status();
    let hold = &status["holds"][0];
    assert_eq!(
        (&hold["host"], &hold["check"], &hold["deploy"]),
        (&json!("web1"), &json!("http"), &json!("D-1")),
        "{status}"
    );
    assert_eq!(status["problems"][0]["handling"], "held", "{status}");
    shop.web.start_again();
    shop.daemon.until_hard("web1/http", "OK");
    shop.daemon.ask(&["deploy", "finish", "D-1"]);
    let ended = shop
        .daemon
        .until_decided("web1/http", "its hold has ended", |decision| {
            decision["what"] == "released"
        });
    assert!(
        ended["reason"]
            .as_str()
            .is_some_and(|why| why.contains("recovered")),
        "{ended}"
    );

    // A deploy after which it stays down.
    shop.daemon.ask(&[
        "deploy",
        "start",
        "D-2",
        "--app",
        "catalog",
        "--version",
        "2.0",
        "--actor",
        "ann",
        "--url",
        "https://ci.example.org/D-2",
    ]);
    shop.catalog.stop();
    shop.daemon
        .ask(&["deploy", "step", "D-2", "--host", "web2"]);
    shop.daemon
        .until_decided("web2/http", "is held", |decision| {
            decision["what"] == "held"
        });
    shop.daemon.ask(&["deploy", "finish", "D-2"]);
    let page = shop.mail.until("CRITICAL web2/http");
    assert_eq!(
        page.subject(),
        "CRITICAL web2/http - after deploy D-2 (catalog 2.0 by ann)"
    );
    assert!(
        page.text().contains("https://ci.example.org/D-2"),
        "{}",
        page.text()
    );
    let sent = shop
        .daemon
        .until_decided("web2/http", "is paged", |decision| {
            decision["what"] == "sent"
        });
    // D-1, of the app that calls it, may stand below it as weak.
    assert_eq!(texts(&sent["deploys"])[0], "D-2", "{sent}");
    let status = shop.daemon.status();
    assert_eq!(
        status["problems"][0]["deploy"]["suspects"][0]["id"], "D-2",
        "{status}"
    );
    assert_eq!(
        status["problems"][0]["deploy"]["verdict"], "suspect",
        "{status}"
    );

    shop.catalog.start_again();
    let recovery = shop.mail.until("OK web2/http");
    assert!(recovery.subject().contains("D-2"), "{}", recovery.subject());
    assert!(
        !shop
            .subjects()
            .iter()
            .any(|subject| subject.contains("web1")),
        "the restart paged nobody: {:?}",
        shop.subjects()
    );
    let _ = &shop.site;
    shop.daemon.end_well();
}
