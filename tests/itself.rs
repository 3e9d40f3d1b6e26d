//! deploywatch watches itself, with a real daemon: mail that does not leave is told by another way and is well again when it does,
//! what is refused is told, and the test goes through every channel or says where it did not.

mod common;

use common::{Daemon, Site, free_port, hook::Hook, mail::MailServer, until, until_true};
use serde_json::Value;

/// Ann has mail, and Bob a webhook, who hears of deploywatch itself.
fn site(site: &Site, mail: u16, hook: u16, listen: u16, more: &str) -> std::path::PathBuf {
    let plugin = site.changeable_plugin("shop").display().to_string();
    site.secret("hook.secret", "a secret of the hook");
    site.write(
        "deploywatch.toml",
        format!(
            r#"
[daemon]
listen = "127.0.0.1:{listen}"
store = "site.db"
[smtp]
host = "127.0.0.1"
port = {mail}
from = "deploywatch@example.org"
[itself]
contacts = "bob"
every = "200ms"
outbox = {{ warning = "1s", critical = "2s" }}
disk = {{ warning = 0, critical = 0 }}
late = {{ warning = "10m", critical = "20m" }}
store = {{ warning = "10m", critical = "20m" }}
[[contact]]
name = "ann"
email = "ann@example.org"
[[contact]]
name = "bob"
webhook = {{ url = "http://127.0.0.1:{hook}/", secret_file = "hook.secret" }}
[[host]]
name = "web1"
[[check]]
name = "http"
hosts = ["web1"]
command = "{plugin}"
every = "300ms"
attempts = 1
contacts = "ann"
{more}
"#
        ),
    )
}

fn is(body: &Value, kind: &str, check: &str, state: &str) -> bool {
    body["kind"] == kind && body["check"] == check && body["state"] == state
}

#[test]
fn mail_that_does_not_leave_is_told_by_another_way_until_it_does() {
    let (dir, mail, listen, hook) = (Site::new(), free_port(), free_port(), Hook::start());
    let config = site(&dir, mail, hook.port, listen, "");
    let daemon = Daemon::start(&config, listen);
    daemon.until_hard("deploywatch/outbox", "OK");
    daemon.until_hard("web1/http", "OK");
    // There is no mail server.
    dir.say("shop", 2, "CRITICAL - gone");
    let told = hook.until("the outbox is stuck", |body| {
        is(body, "problem", "outbox", "CRITICAL")
    });
    let output = told["output"].as_str().unwrap_or_default();
    assert!(output.starts_with("OUTBOX CRITICAL - "), "{told}");
    // As of any check: why, status and performance data.
    let seen = daemon.object("deploywatch/outbox");
    let perfdata = seen["perfdata"].as_str().unwrap_or_default();
    assert!(perfdata.starts_with("oldest="), "{seen}");
    daemon.until_decided("deploywatch/outbox", "bob was told", |decision| {
        decision["what"] == "sent"
    });
    let server = MailServer::start(&dir, mail, &[]);
    server.until("CRITICAL web1/http");
    hook.until("the outbox is empty", |body| {
        is(body, "recovery", "outbox", "OK")
    });
    daemon.end_well();
}

#[test]
fn what_is_given_up_is_told_once_by_another_way() {
    let (dir, mail, listen, hook) = (Site::new(), free_port(), free_port(), Hook::start());
    let _server = MailServer::start(&dir, mail, &["--refuse-to", "ann@example.org"]);
    let config = site(&dir, mail, hook.port, listen, "");
    let daemon = Daemon::start(&config, listen);
    daemon.until_hard("deploywatch/dead-letters", "OK");
    daemon.until_hard("web1/http", "OK");
    dir.say("shop", 2, "CRITICAL - gone");
    let told = hook.until("a letter was given up", |body| {
        is(body, "problem", "dead-letters", "CRITICAL")
    });
    let output = told["output"].as_str().unwrap_or_default();
    assert!(
        output.contains("the delivery to ann by email was given up"),
        "{told}"
    );
    // What is measured afterwards says the same: nothing is told anew, and not by the old way either.
    until_true("it was measured again", || {
        let seen = daemon.object("deploywatch/dead-letters");
        let output = seen["output"].as_str().unwrap_or_default().to_owned();
        output.contains("within the last hour") && seen["state"] == "CRITICAL"
    });
    let words = hook.of(|body| body["kind"] == "problem");
    assert_eq!(words.len(), 1, "{words:#?}");
    daemon.end_well();
}

const CANARY: &str = r#"
[canary]
every = "1d"
contacts = ["ann", "bob"]
for = "1s"
within = "3s"
"#;

#[test]
fn the_test_goes_through_every_channel_and_recovers() {
    let (dir, mail, listen, hook) = (Site::new(), free_port(), free_port(), Hook::start());
    let server = MailServer::start(&dir, mail, &[]);
    let config = site(&dir, mail, hook.port, listen, CANARY);
    // The first one begins with the daemon.
    let daemon = Daemon::start(&config, listen);
    let page = server.until("CRITICAL deploywatch/canary");
    assert!(
        page.text()
            .contains("this is a test, it recovers in 1s, no action is needed"),
        "{}",
        page.text()
    );
    hook.until("the test", |body| is(body, "problem", "canary", "CRITICAL"));
    server.until("OK deploywatch/canary - recovered");
    hook.until("its end", |body| is(body, "recovery", "canary", "OK"));
    daemon.until_hard("deploywatch/channels", "OK");
    until_true("it is over", || {
        let run = daemon.json(&["canary"]);
        run["judged"] == true && run["recovered"] == true
    });
    let ways = daemon.json(&["canary"])["ways"].clone();
    let ways = ways.as_array().expect("a list");
    assert_eq!(ways.len(), 2, "{ways:?}");
    assert!(ways.iter().all(|way| way["fate"] == "sent"), "{ways:?}");
    let (_, text) = daemon.http("GET", "/metrics", None).expect("answered");
    for way in [
        "contact=\"ann\",channel=\"email\"",
        "contact=\"bob\",channel=\"webhook\"",
    ] {
        let line = format!("deploywatch_canary_ok{{{way}}} 1");
        assert!(text.contains(&line), "{line}\n{text}");
        let line = format!("deploywatch_canary_last_success_timestamp_seconds{{{way}}} ");
        assert!(text.contains(&line), "{line}\n{text}");
    }
    // Nobody was called by it.
    let report = daemon.json(&["report", "oncall", "--since", "1h"]);
    assert_eq!(report["pages"], 0, "{report:#}");
    daemon.end_well();
}

#[test]
fn a_channel_that_the_test_does_not_pass_is_told_by_the_others() {
    let (dir, mail, listen, hook) = (Site::new(), free_port(), free_port(), Hook::start());
    let config = site(&dir, mail, hook.port, listen, &CANARY.replace("1d", "30d"));
    let daemon = Daemon::start(&config, listen);
    let told = hook.until("the channel is broken", |body| {
        is(body, "problem", "channels", "CRITICAL")
    });
    let output = told["output"].as_str().unwrap_or_default();
    assert!(
        output.contains("by 1 of 2 channels: ann by email: not sent within 3s: "),
        "{told}"
    );
    // It is not tried for ever, neither the test nor its end.
    until_true("nothing of it waits", || {
        let (_, text) = daemon.http("GET", "/metrics", None).expect("answered");
        text.contains("deploywatch_canary_ok{contact=\"ann\",channel=\"email\"} 0")
            && text.contains("deploywatch_outbox_pending 0")
    });
    // It says so until a test arrives everywhere; nobody begins one beside another.
    let server = MailServer::start(&dir, mail, &[]);
    let output = until("one was begun by hand", || {
        let output = daemon.cli(&["canary", "--now"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if said.contains("a test runs already") {
            return None;
        }
        Some(output)
    });
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed}");
    let sent = printed
        .lines()
        .filter(|line| line.contains("sent    after"));
    assert_eq!(sent.count(), 2, "{printed}");
    server.until("CRITICAL deploywatch/canary");
    hook.until("all is well", |body| is(body, "recovery", "channels", "OK"));
    daemon.end_well();
}

#[test]
fn without_a_table_no_test_is_made() {
    let (dir, listen) = (Site::new(), free_port());
    let config = site(&dir, free_port(), free_port(), listen, "");
    let daemon = Daemon::start(&config, listen);
    let output = daemon.cli(&["canary", "--now"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("there is no [canary]"),
        "{said}"
    );
    daemon.end_well();
}
