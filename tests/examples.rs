//! Every example site is loaded and run, with only those places changed that must be: addresses, ports, and servers on
//! the net, which have stand-ins on this machine.

mod common;

use std::{
    collections::BTreeSet,
    fs,
    io::Read,
    net::{SocketAddr, TcpListener, UdpSocket},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    time::Duration,
};

use common::{
    Daemon, Guarded, PLUGINS, Site, free_port,
    mail::MailServer,
    need,
    servers::{Certificate, Hooks, Nginx, Sshd},
    texts, until, until_true,
};
use deploywatch::config;
use serde_json::json;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A checkout of its own: `examples` and `checks` copied, `plugins` linked.
fn checkout(site: &Site) {
    for directory in ["examples", "checks"] {
        copy(&root().join(directory), &site.file(directory));
    }
    std::os::unix::fs::symlink(root().join("plugins"), site.file("plugins")).expect("linked");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("readable") {
        let path = entry.expect("readable").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copied");
            if from.ends_with("secrets") {
                // As the example's comment asks for; a checkout cannot keep it.
                fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).expect("private");
            }
        }
    }
}

/// Changes places of a file; each must be there, so that the example and its test do not drift apart.
#[track_caller]
fn adapt(site: &Site, file: &str, changes: &[(&str, String)]) {
    let mut text = site.read(file).unwrap_or_else(|| panic!("no {file}"));
    for (from, to) in changes {
        assert!(text.contains(from), "{file} has no `{from}` any more");
        text = text.replace(from, to);
    }
    site.write(file, text);
}

#[test]
fn each_example_has_been_thought_of_here() {
    let names: BTreeSet<String> = fs::read_dir(root().join("examples"))
        .expect("examples")
        .map(|entry| {
            entry
                .expect("readable")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert_eq!(
        names.into_iter().collect::<Vec<_>>(),
        [
            "answers",
            "channels.toml",
            "cluster",
            "feeds",
            "first-page.toml",
            "gate",
            "on-call",
            "quiet-times",
            "routes",
            "slo.toml",
            "small-site",
            "tested-site",
            "watching-itself",
            "what-if",
            "without-processes.toml"
        ]
    );
}

#[test]
fn tools_tell_of_deploys() {
    let site = Site::new();
    checkout(&site);
    let (listen, config) = (free_port(), "examples/feeds/deploywatch.toml");
    adapt(
        &site,
        config,
        &[("127.0.0.1:8420", format!("127.0.0.1:{listen}"))],
    );
    let loaded = config::load(&site.file(config)).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(loaded.render_warnings(false), "");
    let daemon = Daemon::start(&site.file(config), listen);
    let payloads = [
        ("github-in-progress.json", "github-14598"),
        ("github-workflow-run.json", ""),
        ("gitlab-running.json", "gitlab-15"),
        ("jenkins-started.json", "jenkins-deploy-shop-18"),
        ("argocd-running.json", "argocd-shop-1778858400"),
        ("pagerduty-started.json", "ci-18"),
    ];
    for (name, id) in payloads {
        let file = root().join("tests/feeds").join(name).display().to_string();
        let said = daemon.ask(&["deploy", "record", &file, "--dry-run"]);
        let expected = format!("{id} started at ");
        assert!(id.is_empty() || said.contains(&expected), "{name}: {said}");
        daemon.ask(&["deploy", "record", &file]);
    }
    // Dropped and logged.
    let event = json!({"id": "D-1", "phase": "started", "app": "search"});
    site.write("examples/feeds/drop/.d-1", event.to_string());
    fs::rename(
        site.file("examples/feeds/drop/.d-1"),
        site.file("examples/feeds/drop/d-1"),
    )
    .expect("renamed");
    let line =
        fs::read_to_string(root().join("tests/feeds/deployinator-log.txt")).expect("shipped");
    site.write("examples/feeds/deployinator.log", line);
    for id in ["D-1", "deployinator-1778858400-ann-shop_production"] {
        until_true(id, || {
            let deploys = daemon.status()["deploys"].clone();
            deploys
                .as_array()
                .is_some_and(|all| all.iter().any(|deploy| deploy["id"] == id))
        });
    }
    assert_eq!(daemon.status()["unmatched"], json!([]));
    daemon.end_well();
}

#[test]
fn the_first_page_comes_and_goes() {
    let site = Site::new();
    checkout(&site);
    let mail = MailServer::start(&site, free_port(), &[]);
    let (listen, port) = (free_port(), free_port());
    let example = "examples/first-page.toml";
    adapt(
        &site,
        example,
        &[
            (
                "[daemon]\n",
                format!("[daemon]\nlisten = \"127.0.0.1:{listen}\"\n"),
            ),
            (
                "host = \"127.0.0.1\"\n",
                format!("host = \"127.0.0.1\"\nport = {}\n", mail.port),
            ),
            ("-p 8080\"", format!("-p {port}\"")),
            ("every = \"30s\"", "every = \"1s\"".to_owned()),
            ("retry = \"10s\"", "retry = \"1s\"".to_owned()),
        ],
    );
    let daemon = Daemon::start(&site.file(example), listen);
    let page = mail.until("CRITICAL web1/http");
    assert_eq!(page.header("to"), "root@localhost");
    assert!(page.text().contains("WEBAPP CRITICAL"), "{}", page.text());
    assert_eq!(daemon.status()["problems"][0]["check"], "http");

    // What its comment tells to do.
    let mut server = Command::new(need("/usr/bin/python3", "python3"));
    server
        .args([
            "-m",
            "http.server",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
        ])
        .current_dir(site.path());
    let _server = Guarded::start(&mut server, site.file("http.log")).listening(port);
    mail.until("OK web1/http - recovered");
    assert!(
        daemon
            .ask(&["status"])
            .starts_with("all quiet: 1 check on 1 host")
    );
    daemon.end_well();
}

#[test]
fn the_small_site_runs() {
    need(
        &format!("{PLUGINS}/check_pgsql"),
        "monitoring-plugins-standard",
    );
    need(
        &format!("{PLUGINS}/check_by_ssh"),
        "monitoring-plugins-basic",
    );
    let site = Site::new();
    checkout(&site);
    let certificate = Certificate::new(&site, "shop", "127.0.0.1");
    let (web, shop) = (
        Nginx::start(&site, None),
        Nginx::start(&site, Some(&certificate)),
    );
    let mut payments = Nginx::start(&site, None);
    let (sshd, hooks) = (Sshd::start(&site), Hooks::start());
    let mail = MailServer::start(
        &site,
        free_port(),
        &[
            "--starttls",
            "--cert",
            &certificate.cert,
            "--key",
            &certificate.key,
            "--user",
            "deploywatch",
            "--password",
            "example-smtp-replace-this-line",
        ],
    );
    let sms = site.script(
        "send-sms",
        &format!("#!/bin/sh\necho \"$*\" >>'{}'\n", site.name("sms")),
    );
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid())
        .expect("users can be read")
        .expect("this user is known")
        .name;
    let listen = free_port();
    let here = "examples/small-site";
    adapt(
        &site,
        &format!("{here}/deploywatch.toml"),
        &[
            ("127.0.0.1:8420", format!("127.0.0.1:{listen}")),
            ("mail.shop.example", "127.0.0.1".to_owned()),
            (
                "port = 587",
                format!(
                    "port = {}\nca_file = \"{}\"",
                    mail.port, certificate.authority
                ),
            ),
        ],
    );
    adapt(
        &site,
        &format!("{here}/hosts.toml"),
        &[
            (
                "address = \"www.shop.example\"",
                "address = \"127.0.0.1\"".to_owned(),
            ),
            ("\"10.0.0.2\"", "\"127.0.0.1\"".to_owned()),
            ("\"10.0.0.11\"", "\"127.0.0.1\"".to_owned()),
            ("\"10.0.0.12\"", "\"127.0.0.1\"".to_owned()),
            ("\"10.0.0.21\"", "\"127.0.0.1\"".to_owned()),
            ("\"10.0.0.31\"", "\"127.0.0.1\"".to_owned()),
        ],
    );
    let ssh = format!(
        "-p {} -i {} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -q -l {user}",
        sshd.port, sshd.key
    );
    adapt(
        &site,
        &format!("{here}/checks.toml"),
        &[
            ("http!8080!", format!("http!{}!", web.port)),
            ("-p 8081 ", format!("-p {} ", web.port)),
            ("http!9090!", format!("http!{}!", payments.port)),
            ("-p 5672 ", format!("-p {} ", web.port)),
            (" -S ", format!(" -p {} -S ", shop.port)),
            ("-l nagios", ssh.clone()),
        ],
    );
    adapt(
        &site,
        "checks/linux-host.toml",
        &[
            ("-l nagios", ssh),
            (
                "check_ssh -t 10",
                format!("check_ssh -p {} -t 10", sshd.port),
            ),
            ("pool.ntp.org", "127.0.0.1".to_owned()),
        ],
    );
    adapt(
        &site,
        "checks/this-host.toml",
        &[("pool.ntp.org", "127.0.0.1".to_owned())],
    );
    // Nobody is there: markers are lost, and nothing else is.
    let nobody = format!("http://127.0.0.1:{}", free_port());
    adapt(
        &site,
        &format!("{here}/markers.toml"),
        &[
            ("http://graphite.shop.example", nobody.clone()),
            ("https://grafana.shop.example", nobody.clone()),
            ("http://events.shop.example", nobody.clone()),
            (
                "routing_key_file",
                format!("url = \"{nobody}\"\nrouting_key_file"),
            ),
            ("127.0.0.1:8125", format!("127.0.0.1:{}", free_port())),
        ],
    );
    adapt(
        &site,
        &format!("{here}/people.toml"),
        &[
            ("/usr/local/bin/send-sms", sms.display().to_string()),
            ("https://tickets.shop.example", hooks.url("")),
            (
                "routing_key_file = \"secrets/pagerduty.key\"",
                format!(
                    "routing_key_file = \"secrets/pagerduty.key\", url = \"{}\"",
                    hooks.url("/pagerduty")
                ),
            ),
            // Whatever the hour.
            ("period = \"nights\"\n", String::new()),
        ],
    );
    site.secret(&format!("{here}/secrets/slack.url"), hooks.url("/slack"));

    let config = site.file(&format!("{here}/deploywatch.toml"));
    let loaded = config::load(&config).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(loaded.render_warnings(false), "");
    let mut daemon = Daemon::start(&config, listen);
    assert!(
        !daemon.cli(&["status"]).status.success(),
        "nobody is let in without a token"
    );
    daemon.use_token(&site.file(&format!("{here}/secrets/operators.token")));

    // Each one is run now, whatever its schedule and period; the schedule has tests of its own.
    let inventory = &loaded.inventory;
    let watched: Vec<_> = inventory
        .objects()
        .filter(|obj| inventory.rule(*obj).command.is_some())
        .map(|obj| inventory.name(obj))
        .collect();
    assert!(50 < watched.len(), "{watched:?}");
    for name in &watched {
        daemon.api(
            "POST",
            "/v1/check",
            Some(&json!({"host": name.host, "check": name.check})),
        );
    }
    for name in &watched {
        let object = until(&format!("{name} is checked"), || {
            let object = daemon.object(&name.to_string());
            (object["checked"] == true).then_some(object)
        });
        let output = object["output"].as_str().unwrap_or_default();
        assert!(
            !output.is_empty() && !output.contains("out of bounds"),
            "the plugin of {name} did not run: {output}"
        );
        let check = name.check.as_deref().unwrap_or("(host)");
        // The rest depends on this machine, or has no server here.
        let good = [
            "(host)",
            "http",
            "catalog",
            "checkout",
            "certificate",
            "api",
            "queue",
            "ssh",
        ];
        if good.contains(&check) {
            assert!(
                matches!(object["state"].as_str(), Some("OK" | "UP")),
                "{name}: {object}"
            );
        }
        if check == "load" {
            assert!(
                output.contains("load average"),
                "{name}, which goes through ssh: {output}"
            );
        }
    }

    // Tokens: each can do its own work and nothing else.
    let mut say = |token: &str, words: &[&str]| {
        daemon.use_token(&site.file(&format!("{here}/secrets/{token}.token")));
        daemon.cli(words).status.success()
    };
    assert!(say("dashboard", &["status"]));
    let deploy = [
        "deploy",
        "start",
        "D-1",
        "--app",
        "payments",
        "--version",
        "7",
        "--actor",
        "bob-dev",
    ];
    assert!(!say("dashboard", &deploy) && say("ci", &deploy));
    let export = [
        "results",
        "submit",
        "db1/export",
        "--exit",
        "2",
        "--text",
        "EXPORT CRITICAL - no rows",
    ];
    assert!(!say("ci", &export) && say("exports", &export));
    // Its server is gone, and three bad results at once make it hard without a wait for the schedule; whoever is told
    // of payments is told, on every kind of channel.
    payments.stop();
    for _ in 0..3 {
        let api = [
            "results",
            "submit",
            "pay1/api",
            "--exit",
            "2",
            "--text",
            "API CRITICAL - 503",
        ];
        assert!(say("exports", &api));
    }
    daemon.use_token(&site.file(&format!("{here}/secrets/operators.token")));
    hooks.until("/slack", &["db1/export", "EXPORT CRITICAL - no rows"]);
    let decided = daemon.until_decided("pay1/api", "is held or paged", |decision| {
        matches!(decision["what"].as_str(), Some("held" | "sent")) && decision["kind"] == "problem"
    });
    assert_eq!(texts(&decided["deploys"]), ["D-1"], "{decided}");
    let status = daemon.status();
    assert_eq!(status["deploys"][0]["id"], "D-1", "{status}");
    assert!(
        status["counts"]["hosts"] == 7 && status["counts"]["pending"] == 0,
        "{status}"
    );
    assert!(daemon.ask(&["status"]).contains("pay1/api"));

    // The deploy fails: nothing is waited for any more.
    daemon.use_token(&site.file(&format!("{here}/secrets/ci.token")));
    daemon.ask(&["deploy", "fail", "D-1"]);
    let page = until("ann's mail", || {
        // At work, bob gets one as well.
        mail.mails().into_iter().find(|mail| {
            mail.header("to") == "ann@shop.example"
                && mail.subject().starts_with("CRITICAL pay1/api")
        })
    });
    assert!(
        page.subject().contains("D-1 (payments 7 by bob-dev)"),
        "{}",
        page.subject()
    );
    hooks.until("/slack", &["pay1/api", "D-1"]);
    hooks.until(
        "/pagerduty/v2/enqueue",
        &["example-pagerduty-replace-this-line", "pay1/api", "D-1"],
    );
    until_true("the phone is told", || {
        site.read("sms")
            .is_some_and(|text| text.contains("+420 555 0100 PROBLEM: Payments/api is CRITICAL"))
    });
    daemon.end_well();
}

#[test]
fn every_service_is_told() {
    let site = Site::new();
    checkout(&site);
    let (listen, config, hooks) = (free_port(), "examples/channels.toml", Hooks::start());
    let (udp, tcp) = (
        UdpSocket::bind("127.0.0.1:0").expect("a port"),
        TcpListener::bind("127.0.0.1:0").expect("a port"),
    );
    let place = |at: std::io::Result<SocketAddr>| at.expect("an address").to_string();
    let here = |name: &str| format!("url = \"{}\"", hooks.url(name));
    // Those that know their own address are given another.
    let with = |key: &str, name: &str| (format!("{key}, "), format!("{key}, {}, ", here(name)));
    let urls = [
        with("token_env = \"TELEGRAM_TOKEN\"", "/telegram"),
        with("token_env = \"PUSHOVER_TOKEN\"", "/pushover"),
        with("api_key_env = \"VICTOROPS_KEY\"", "/victorops"),
        with("token_env = \"TWILIO_TOKEN\"", "/twilio"),
    ];
    let mut changes = vec![
        ("127.0.0.1:8420", format!("127.0.0.1:{listen}")),
        ("url = \"https://matrix.shop.example\"", here("/matrix")),
        ("url = \"https://ntfy.shop.example\"", here("/ntfy")),
        (
            "url = \"https://api.atlassian.com/jsm/ops/integration\"",
            here("/jsm"),
        ),
        (
            "url = \"http://alertmanager1.shop.example:9093\"",
            here("/am1"),
        ),
        ("url = \"https://alertmanager2.shop.example\"", here("/am2")),
        ("log1.shop.example:514", place(udp.local_addr())),
        ("log2.shop.example:601", place(tcp.local_addr())),
        ("-p 8080\"", format!("-p {}\"", free_port())),
    ];
    changes.extend(urls.iter().map(|(from, to)| (from.as_str(), to.clone())));
    adapt(&site, config, &changes);
    let secrets = [
        ("TEAMS_URL", hooks.url("/teams")),
        ("MATTERMOST_URL", hooks.url("/mattermost")),
        ("ROCKETCHAT_URL", hooks.url("/rocketchat")),
        ("DISCORD_URL", hooks.url("/discord")),
        ("GOOGLE_CHAT_URL", hooks.url("/google?key=k&token=t")),
        ("TELEGRAM_TOKEN", "123:secret-token".to_owned()),
        ("MATRIX_TOKEN", "secret-token".to_owned()),
        ("NTFY_TOPIC", "secret-topic".to_owned()),
        ("NTFY_TOKEN", "secret-token".to_owned()),
        ("PUSHOVER_TOKEN", "secret-token".to_owned()),
        ("PUSHOVER_USER", "secret-user".to_owned()),
        ("JSM_KEY", "secret-key".to_owned()),
        ("VICTOROPS_KEY", "secret-key".to_owned()),
        ("ALERTMANAGER_PASSWORD", "secret-password".to_owned()),
        ("TWILIO_TOKEN", "secret-token".to_owned()),
    ];
    let environment = secrets
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let checked = Command::new(common::PROGRAM)
        .args(["check-config", "--config"])
        .arg(site.file(config))
        .envs(environment)
        .output()
        .expect("it runs");
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
    let daemon = Daemon::start_with(&site.file(config), listen, &environment);
    for path in [
        "/teams",
        "/mattermost",
        "/rocketchat",
        "/discord?wait=true",
        "/google?key=k&token=t&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD",
        "/telegram/bot123:secret-token/sendMessage",
        "/ntfy/",
        "/pushover/1/messages.json",
        "/jsm/v2/alerts",
        "/victorops/integrations/generic/20131114/alert/secret-key/operations",
        "/am1/api/v2/alerts",
        "/am2/api/v2/alerts",
    ] {
        hooks.until(path, &["CRITICAL web1/http", "WEBAPP CRITICAL"]);
    }
    for what in ["Messages", "Calls"] {
        let account = "AC00000000000000000000000000000000";
        let path = format!("/twilio/2010-04-01/Accounts/{account}/{what}.json");
        hooks.until(&path, &["CRITICAL+web1%2Fhttp"]);
    }
    let mut line = [0; 4096];
    udp.set_read_timeout(Some(Duration::from_secs(30)))
        .expect("a timeout");
    let length = udp.recv(&mut line).expect("a line");
    let line = String::from_utf8_lossy(&line[..length]).into_owned();
    assert!(
        line.starts_with("<26>1 ") && line.contains("CRITICAL web1/http"),
        "{line}"
    );
    let (mut stream, _) = tcp.accept().expect("a connection");
    let mut line = String::new();
    stream.read_to_string(&mut line).expect("a line");
    assert!(line.contains(" <154>1 "), "{line}");
    assert!(!daemon.log().contains("secret-"), "{}", daemon.log());
    daemon.end_well();
}

#[test]
fn a_pipeline_asks_and_waits() {
    let site = Site::new();
    checkout(&site);
    let (listen, config) = (free_port(), "examples/gate/deploywatch.toml");
    let loaded = config::load(&site.file(config)).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(loaded.inventory.freezes.len(), 2);
    adapt(
        &site,
        config,
        &[
            ("127.0.0.1:8420", format!("127.0.0.1:{listen}")),
            ("check_http -H $HOSTADDRESS$ -p 8080", "true".to_owned()),
            ("every = \"1m\"", "every = \"1s\"".to_owned()),
            ("bake = \"5m\"", "bake = \"2s\"".to_owned()),
            // Whatever day it is today.
            ("[\"prod*\"]", "[\"live\"]".to_owned()),
            (
                "until = \"2026-12-27 06:00\"",
                "until = \"2026-12-23 18:01\"".to_owned(),
            ),
        ],
    );
    let daemon = Daemon::start(&site.file(config), listen);
    until_true("a result", || daemon.object("web1/http")["checked"] == true);
    site.script("roll-out", "#!/bin/sh\ntest \"$1\" != broken\n");
    let program = Path::new(common::PROGRAM);
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!(
        "{}:{path}",
        program.parent().expect("a directory").display()
    );
    let deploy = |words: &[&str]| {
        let output = Command::new(site.file("examples/gate/deploy.sh"))
            .args(words)
            .env("PATH", &path)
            .env("ROLL_OUT", site.file("roll-out"))
            .env("DEPLOYWATCH_SERVER", format!("http://127.0.0.1:{listen}"))
            .output()
            .expect("it runs");
        let said =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        (output.status.code(), said.into_owned())
    };
    let (code, said) = deploy(&["1.4.2", "docs/a b.md", "README.md"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("shop-1.4.2: clean"), "{said}");
    let record = daemon.api("GET", "/v1/deploys/shop-1.4.2", None);
    assert_eq!(record["risk_why"], "it changes words only", "{record}");
    assert_eq!(deploy(&["broken", "db/migrations/7.sql"]).0, Some(1));
    let record = daemon.api("GET", "/v1/deploys/shop-broken", None);
    assert_eq!(
        (&record["risk"], &record["phase"]),
        (&json!("high"), &json!("failed"))
    );
    daemon.end_well();
}

#[test]
fn another_configuration_is_tried_on_yesterday() {
    let site = Site::new();
    checkout(&site);
    let expected = expect_test::expect![[r#"
        2026-03-02T10:00:00Z to 2026-03-02T11:30:00Z
        problems paged: 5 before, 0 after; pages with reminders: 6 before, 0 after
        holds: 1 (1 paged) before, 0 after
        would have been missed (3):
            web2/http CRITICAL since 2026-03-02T11:00:00Z, bad for 3m, one of 5 times, 15m in all; paged at 2026-03-02T11:00:00Z before, not after
                skipped: soft: attempt 1 of 5; nothing is told before the last one fails
            web2/http CRITICAL since 2026-03-02T11:04:00Z, bad for 3m, one of 5 times, 15m in all; paged at 2026-03-02T11:04:00Z before, not after
                skipped: soft: attempt 1 of 5; nothing is told before the last one fails
            web2/http CRITICAL since 2026-03-02T11:08:00Z, bad for 3m, one of 5 times, 15m in all; paged at 2026-03-02T11:08:00Z before, not after
                skipped: soft: attempt 1 of 5; nothing is told before the last one fails
        would have been quieter: it recovered by itself (2):
            web1/http CRITICAL since 2026-03-02T10:10:00Z, bad for 3m; paged at 2026-03-02T10:10:00Z before, not after
                skipped: soft: attempt 1 of 5; nothing is told before the last one fails
            web2/http CRITICAL since 2026-03-02T10:40:00Z, bad for 4m; paged at 2026-03-02T10:43:00Z before, not after
                skipped: soft: attempt 1 of 5; nothing is told before the last one fails
        without history, nothing can be said (1): web2/queue
        note: the history begins at 2026-03-02T10:00:00Z
        note: played with 182 recorded results at their own times: other intervals would have seen other results
    "#]];
    // As the example's comment says it.
    let comment = site.read("examples/what-if/later.toml").expect("there");
    let words = comment
        .lines()
        .find_map(|line| line.strip_prefix("#     deploywatch "))
        .expect("the command");
    let output = Command::new(common::PROGRAM)
        .args(words.split_whitespace())
        .current_dir(site.file("examples/what-if"))
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(1),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    expected.assert_eq(&text);
    for line in text.lines().filter(|line| line.contains("would have been")) {
        let readme = fs::read_to_string(root().join("README.md")).expect("there");
        assert!(readme.contains(line.trim()), "README.md has no `{line}`");
    }
}

#[test]
fn objectives_are_reported_on() {
    let site = Site::new();
    checkout(&site);
    let (listen, shop, orders) = (free_port(), free_port(), free_port());
    let example = "examples/slo.toml";
    adapt(
        &site,
        example,
        &[
            (
                "[daemon]\n",
                format!("[daemon]\nlisten = \"127.0.0.1:{listen}\"\n"),
            ),
            ("-p 8080\"", format!("-p {shop}\"")),
            ("-p 8081\"", format!("-p {orders}\"")),
            ("every = \"30s\"", "every = \"1s\"".to_owned()),
            ("retry = \"10s\"", "retry = \"1s\"".to_owned()),
        ],
    );
    let daemon = Daemon::start(&site.file(example), listen);
    // Nothing answers.
    let mut report = json!(null);
    until_true("it is seen to be bad", || {
        report = daemon.json(&["report", "slo", "--since", "1h"]);
        report["objectives"][0]["all"]["bad"].as_u64() > Some(0)
    });
    let objectives = report["objectives"].as_array().expect("a list");
    let of: Vec<_> = objectives
        .iter()
        .map(|one| (&one["name"], &one["of"], &one["target"]))
        .collect();
    let (first, second) = (json!("the shop answers"), json!("all that the shop needs"));
    assert_eq!(
        of,
        [
            (&first, &json!("external = true"), &json!(99.9)),
            (&second, &json!("check=* app=shop"), &json!(99.0)),
        ]
    );
    assert_eq!(objectives[1]["objects"].as_array().map(Vec::len), Some(2));
    assert_eq!(objectives[0]["incidents"][0]["object"], "web1/http");
    assert!(
        objectives[0]["budget"]["exhausted"].is_string(),
        "{report:#}"
    );
    let html = daemon.ask(&["report", "slo", "--since", "1h", "--output", "html"]);
    assert!(html.contains("the shop answers: web1/http"), "{html}");
    daemon.end_well();
}

#[test]
fn whoever_is_on_call_is_told_by_a_command() {
    let ask = |words: &[&str]| {
        let output = Command::new(common::PROGRAM)
            .args(words)
            .args(["--config", "examples/on-call/deploywatch.toml"])
            .current_dir(root())
            .output()
            .expect("it runs");
        let said = if output.status.success() {
            output.stdout
        } else {
            output.stderr
        };
        String::from_utf8_lossy(&said).into_owned()
    };
    expect_test::expect![[r#"
        1 host, 3 checks, 0 apps, 3 contacts, 4 rotations: no faults
    "#]]
    .assert_eq(&ask(&["check-config"]));
    // Over Christmas, and over the night in which clocks are set forward.
    expect_test::expect![[r#"
        primary (Europe/Berlin)
          now  Mon 2026-12-21 09:00  to Thu 2026-12-24 18:00  cy
               Thu 2026-12-24 18:00  to Sun 2026-12-27 09:00  bob  for cy: Cy is away over Christmas
               Sun 2026-12-27 09:00  to Mon 2026-12-28 09:00  cy
               Mon 2026-12-28 09:00  to Mon 2027-01-04 09:00  ann
    "#]]
    .assert_eq(&ask(&[
        "on-call",
        "primary",
        "--at",
        "2026-12-24T12:00:00Z",
        "--turns=4",
    ]));
    expect_test::expect![[r#"
        berlin (Europe/Berlin), told in period night-in-sydney only
          now  Sat 2027-03-27 09:00  to Sun 2027-03-28 09:00  ann
               Sun 2027-03-28 09:00  to Mon 2027-03-29 09:00  bob
               Mon 2027-03-29 09:00  to Tue 2027-03-30 09:00  ann
    "#]]
    .assert_eq(&ask(&["on-call", "berlin", "--at", "2027-03-28T00:30:00Z"]));
    expect_test::expect![[r#"
        [
          {
            "rotation": "sydney",
            "timezone": "Australia/Sydney",
            "at": "2027-03-28T00:30:00Z",
            "calendar": null,
            "turns": [
              {
                "who": "bob",
                "from": "2027-03-27T22:00:00Z",
                "until": "2027-03-28T22:00:00Z",
                "instead": null,
                "gap": null
              }
            ]
          }
        ]
    "#]]
    .assert_eq(&ask(&[
        "on-call",
        "sydney",
        "--at",
        "2027-03-28T00:30:00Z",
        "--output=json",
        "--turns=1",
    ]));
    // By a calendar: a swap, and a week that it leaves open.
    expect_test::expect![[r#"
        mail (Europe/Berlin)
          calendar: oncall.ics, as it is now
          now  Mon 2026-03-30 09:00  to Wed 2026-04-01 00:00  ann
               Wed 2026-04-01 00:00  to Thu 2026-04-02 00:00  bob
               Thu 2026-04-02 00:00  to Mon 2026-04-06 09:00  ann
               Mon 2026-04-06 09:00  to Mon 2026-04-13 09:00  nobody in the calendar: cy, `otherwise`
               Mon 2026-04-13 09:00  to Mon 2026-04-20 09:00  ann
               Mon 2026-04-20 09:00  to Mon 2026-04-27 09:00  bob
    "#]].assert_eq(&ask(&[
        "on-call",
        "mail",
        "--at",
        "2026-03-31T12:00:00Z",
        "--turns=6",
    ]));
    expect_test::expect![[r#"
        deploywatch: there is no rotation `primry`; did you mean `primary`?
    "#]]
    .assert_eq(&ask(&["on-call", "primry"]));
}

#[test]
fn quiet_times_end_well() {
    let site = Site::new();
    checkout(&site);
    let mail = MailServer::start(&site, free_port(), &[]);
    let (listen, example) = (free_port(), "examples/quiet-times/deploywatch.toml");
    let ask = |words: &[&str]| {
        let output = Command::new(common::PROGRAM)
            .args(words)
            .args(["--config", example])
            .current_dir(root())
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    expect_test::expect![[r#"
        3 hosts, 4 checks, 0 apps, 1 contact: no faults
    "#]]
    .assert_eq(&ask(&["check-config"]));
    // Over the night in which clocks are set forward, and within one of them.
    expect_test::expect![[r#"
        backup of ann: backups run, tickets OPS-12
          group=databases check=load,latency (warning): 0 hosts, 1 check: db1/load
               Sun 2026-03-29 01:30 to Sun 2026-03-29 06:00 (Europe/Prague)
               Mon 2026-03-30 01:30 to Mon 2026-03-30 04:00 (Europe/Prague)
               Tue 2026-03-31 01:30 to Tue 2026-03-31 04:00 (Europe/Prague)
               Wed 2026-04-01 01:30 to Wed 2026-04-01 04:00 (Europe/Prague)
               Thu 2026-04-02 01:30 to Thu 2026-04-02 04:00 (Europe/Prague)
    "#]]
    .assert_eq(&ask(&["mutes", "--at", "2026-03-27T12:00:00Z"]));
    expect_test::expect![[r#"
        [
          {
            "name": "backup",
            "of": "group=databases check=load,latency",
            "states": "warning",
            "period": "backup-window",
            "timezone": "Europe/Prague",
            "owner": "ann",
            "reason": "backups run, tickets OPS-12",
            "at": "2026-10-25T01:00:00Z",
            "in_force": true,
            "hosts": 0,
            "checks": 1,
            "names": [
              "db1/load"
            ],
            "next": [
              {
                "from": "2026-10-25T02:00:00+01:00",
                "until": "2026-10-25T06:00:00+01:00"
              },
              {
                "from": "2026-10-26T01:30:00+01:00",
                "until": "2026-10-26T04:00:00+01:00"
              },
              {
                "from": "2026-10-27T01:30:00+01:00",
                "until": "2026-10-27T04:00:00+01:00"
              },
              {
                "from": "2026-10-28T01:30:00+01:00",
                "until": "2026-10-28T04:00:00+01:00"
              },
              {
                "from": "2026-10-29T01:30:00+01:00",
                "until": "2026-10-29T04:00:00+01:00"
              }
            ]
          }
        ]
    "#]]
    .assert_eq(&ask(&[
        "mutes",
        "--at",
        "2026-10-25T01:00:00Z",
        "--output=json",
    ]));

    adapt(
        &site,
        example,
        &[
            ("127.0.0.1:8420", format!("127.0.0.1:{listen}")),
            (
                "host = \"127.0.0.1\"\n",
                format!("host = \"127.0.0.1\"\nport = {}\n", mail.port),
            ),
        ],
    );
    let daemon = Daemon::start(&site.file(example), listen);
    let submit = |daemon: &Daemon, object: &str, exit: &str| {
        let text =
            ["DISK OK", "", "DISK CRITICAL - 99% used"][exit.parse::<usize>().expect("0, 2")];
        daemon.ask(&["results", "submit", object, "--exit", exit, "--text", text]);
    };
    let hits = daemon.ask(&["silence", "preview", "host=web*", "check=disk"]);
    assert!(
        hits.contains("hits 0 hosts and 2 checks: web1/disk, web2/disk"),
        "{hits}"
    );
    let set = daemon.ask(&[
        "silence",
        "add",
        "host=web*",
        "check=disk",
        "--for",
        "2h",
        "--owner",
        "ann",
        "--reason",
        "replacing disks",
    ]);
    assert!(set.contains("silence 1 of host=web* check=disk"), "{set}");
    submit(&daemon, "web1/disk", "2");
    submit(&daemon, "web2/disk", "2");
    submit(&daemon, "web2/disk", "0");
    let why = daemon.ask(&["why", "web1/disk"]);
    assert!(
        why.contains("because kept quiet by the silence 1 of ann (replacing disks) until "),
        "{why}"
    );
    daemon.end_well();

    // It is still there after a restart, and so is what it kept.
    let daemon = Daemon::start(&site.file(example), listen);
    let story = daemon.ask(&["silence", "show", "1"]);
    for part in [
        "broken now:\n    web1/disk is CRITICAL since ",
        "kept quiet so far:\n    web1/disk is CRITICAL since ",
        "    web2/disk was CRITICAL from ",
    ] {
        assert!(story.contains(part), "{part}\n{story}");
    }
    let status = daemon.ask(&["status"]);
    assert!(
        status.contains("SILENCES\n#1  host=web* check=disk"),
        "{status}"
    );
    assert!(mail.mails().is_empty());
    daemon.ask(&["silence", "end", "1"]);
    let page = mail.until("CRITICAL web1/disk");
    let sentence = "kept quiet by the silence 1 of ann (replacing disks), which ended";
    let plain = |mail: &common::mail::Mail| {
        let words: Vec<String> = mail.text().split_whitespace().map(str::to_owned).collect();
        words.join(" ")
    };
    assert!(plain(&page).contains(sentence), "{}", page.text());
    let notice = until("a mail of what passed", || {
        mail.mails()
            .into_iter()
            .find(|mail| plain(mail).contains("web2/disk was CRITICAL from"))
    });
    assert!(plain(&notice).contains("it is OK now"), "{}", notice.text());
    assert_eq!(mail.mails().len(), 2);
    assert_eq!(daemon.ask(&["silence", "list"]), "no silence is set\n");
    daemon.end_well();
}

/// What `deploywatch test` says of a site that passes.
fn passed(config: &str, files: &[&str]) -> String {
    let output = Command::new(common::PROGRAM)
        .args(["test", "--config", config])
        .args(files)
        .current_dir(root())
        .env_remove("DEPLOYWATCH_CONFIG")
        .output()
        .expect("it runs");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_site_passes_its_own_tests() {
    let config = "examples/tested-site/deploywatch.toml";
    expect_test::expect![[r#"
        ok      the one on call is paged when the shop fails, and the boss only after an hour
        ok      a restart is not worth a page
        ok      what a deploy breaks is paged with its name
        ok      at night the team sleeps
        ok      hands change on Monday morning
        ok      a dead router is one page, not three
        ok      a downtime keeps quiet as long as it lasts

        7 tests: 7 passed, 0 failed
    "#]]
    .assert_eq(&passed(config, &["examples/tested-site/nights.toml"]));
    // The keys of its pagers are not shipped: nothing but the daemon needs them.
    let path = root().join(config);
    let loaded = config::load_with(&path, config::Secrets::Skip);
    let loaded = loaded.unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(loaded.render_warnings(false), "");
}

#[test]
fn what_runs_in_a_cluster_is_where_its_checks_are() {
    expect_test::expect![[r#"
        ok      pods that are replaced are not worth a page
        ok      what a release breaks is paged with its name
        ok      its callers are told of at once, with the deploy
        ok      what users see waits for no deploy
        ok      a node's load has nothing to do with it

        5 tests: 5 passed, 0 failed
    "#]]
    .assert_eq(&passed("examples/cluster/deploywatch.toml", &[]));
}

#[test]
fn what_watches_itself_sends_a_test_through_every_channel() {
    let site = Site::new();
    checkout(&site);
    let (listen, mail, hooks) = (free_port(), free_port(), Hooks::start());
    let server = MailServer::start(&site, mail, &[]);
    let config = "examples/watching-itself/deploywatch.toml";
    adapt(
        &site,
        config,
        &[
            ("127.0.0.1:8420", format!("127.0.0.1:{listen}")),
            ("port = 25", format!("port = {mail}")),
            ("127.0.0.1:9000", format!("127.0.0.1:{}", hooks.port)),
            ("-p 80", format!("-p {listen}")),
            ("for = \"1m\"", "for = \"2s\"".to_owned()),
        ],
    );
    let loaded = config::load(&site.file(config)).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(loaded.render_warnings(false), "");
    let daemon = Daemon::start(&site.file(config), listen);
    daemon.until_hard("deploywatch/lateness", "OK");
    let text = daemon.ask(&["canary", "--now"]);
    assert_eq!(text.matches("sent    after").count(), 2, "{text}");
    server.until("CRITICAL deploywatch/canary");
    server.until("OK deploywatch/canary");
    daemon.until_hard("deploywatch/channels", "OK");
    daemon.end_well();
}
