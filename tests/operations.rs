//! What people on duty do with a running daemon: break its configuration, mend it, plan quiet time.

mod common;

use common::{Daemon, PROGRAM, Site, free_port, hook::Hook};
use std::process::Command;

fn site(check: &str) -> (Site, Hook, u16, String) {
    let (site, hook, listen) = (Site::new(), Hook::start(), free_port());
    let text = format!(
        "[daemon]\nstore = \"store.db\"\nlisten = \"127.0.0.1:{listen}\"\n\
         [[contact]]\nname = \"oncall\"\nwebhook = {{ url = \"http://127.0.0.1:{}/hook\" }}\n\
         [[host]]\nname = \"h\"\naddress = \"127.0.0.1\"\n\
         [[check]]\nname = \"c\"\nhosts = [\"h\"]\nattempts = 1\ncontacts = [\"oncall\"]\n{check}\n",
        hook.port
    );
    (site, hook, listen, text)
}

#[test]
fn a_faulty_file_changes_nothing_and_is_said_where_people_look() {
    let (site, _hook, listen, text) = site("command = \"true\"\nevery = \"1h\"");
    let config = site.write("deploywatch.toml", &text);
    let daemon = Daemon::start(&config, listen);
    site.write(
        "deploywatch.toml",
        text.replace("attempts = 1", "atempts = 1"),
    );
    let refused = daemon.cli(&["reload"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("did you mean `attempts`"), "{said}");
    let json = daemon.cli(&["reload", "--output", "json"]);
    assert_eq!(json.status.code(), Some(2));
    assert!(serde_json::from_slice::<serde_json::Value>(&json.stdout).is_ok());
    // The daemon pages on, so what restarts the unhealthy must not end it; but people see it.
    let (code, health) = daemon.http("GET", "/healthz", None).expect("answered");
    assert_eq!(code, 200, "{health}");
    assert!(health.contains("atempts"), "{health}");
    assert!(daemon.ask(&["status"]).contains("atempts"));
    let notice = daemon.status()["notices"][0].to_string();
    assert!(
        notice.contains("the old configuration is in force"),
        "{notice}"
    );
    let metrics = daemon.http("GET", "/metrics", None).expect("metrics").1;
    assert!(metrics.contains("deploywatch_config_ok 0"), "{metrics}");
    site.write("deploywatch.toml", &text);
    daemon.ask(&["reload"]);
    assert!(daemon.ask(&["status"]).starts_with("all quiet"));
    daemon.end_well();
}

#[test]
fn what_is_still_broken_when_its_downtime_ends_is_paged_then() {
    let (site, hook, listen, text) = site("command = \"./plugin\"\nevery = \"1h\"");
    let plugin = site.changeable_plugin("plugin");
    site.say("plugin", 2, "CRITICAL - broken");
    let text = text.replace("./plugin", &plugin.display().to_string());
    let config = site.write("deploywatch.toml", &text);
    let daemon = Daemon::start(&config, listen);
    daemon.ask(&["downtime", "add", "h/c", "--for", "3s", "-m", "work"]);
    daemon.ask(&["recheck", "h/c"]);
    daemon.until_hard("h/c", "CRITICAL");
    // An hour lies between two regular runs.
    let page = hook.until("the page", |body| body["kind"] == "problem");
    assert_eq!(page["check"], "c", "{page}");
    daemon.end_well();
}

#[test]
fn what_is_not_on_this_machine_is_said_before_the_daemon_starts() {
    let (site, _hook, _listen, text) = site("command = \"check_dumy 0\"");
    let text = text.replace("store.db", "nowhere/store.db");
    let config = site.write("deploywatch.toml", &text);
    let output = Command::new(PROGRAM)
        .args(["check-config", "--config"])
        .arg(&config)
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.contains("`check_dumy` is neither in plugin_dirs") && said.contains("Used by h/c."),
        "{said}"
    );
    assert!(said.contains("nowhere does not exist"), "{said}");
    let fine = text.replace("check_dumy 0", "true").replace("nowhere/", "");
    let output = Command::new(PROGRAM)
        .args(["check-config", "--config"])
        .arg(site.write("fine.toml", fine))
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said, "", "what is there is not complained of");
}
