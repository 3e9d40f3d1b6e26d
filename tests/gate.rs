//! A pipeline, the daemon and the people around a gate, with real processes.

mod common;

use common::{Daemon, PROGRAM, Site, free_port, hook::Hook, until, until_true};
use std::process::{Command, Stdio};

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_pipeline_is_stopped_let_pass_and_told_how_it_went() {
    let (site, hook, listen) = (Site::new(), Hook::start(), free_port());
    let plugin = site.changeable_plugin("plugin");
    site.say("plugin", 0, "OK");
    let config = site.write(
        "deploywatch.toml",
        format!(
            "[daemon]\nstore = \"store.db\"\nlisten = \"127.0.0.1:{listen}\"\n\
             [deploys.class.high]\nbake = \"2s\"\n\
             [[contact]]\nname = \"oncall\"\nwebhook = {{ url = \"http://127.0.0.1:{}/hook\" }}\n\
             [[app]]\nname = \"shop\"\ncontacts = [\"oncall\"]\n\
             [[host]]\nname = \"web1\"\naddress = \"127.0.0.1\"\napps = [\"shop\"]\n\
             [[check]]\nname = \"http\"\nhosts = [\"web1\"]\nattempts = 1\ncontacts = [\"oncall\"]\n\
             command = \"{}\"\nevery = \"1s\"\n",
            hook.port,
            plugin.display()
        ),
    );
    let daemon = Daemon::start(&config, listen);
    let gate = |words: &[&str]| {
        let output = daemon.cli(&[&["gate", "shop"], words].concat());
        (output.status.code(), said(&output))
    };
    until_true("a result", || daemon.object("web1/http")["checked"] == true);
    assert_eq!(gate(&[]).0, Some(0));

    // Its own deploy breaks it.
    daemon.ask(&[
        "deploy", "start", "D-1", "--app", "shop", "--kind", "schema", "--actor", "ann",
    ]);
    site.say("plugin", 2, "CRITICAL - 502");
    daemon.until_hard("web1/http", "CRITICAL");
    let (code, text) = gate(&["production"]);
    assert_eq!(code, Some(1), "{text}");
    for part in [
        "shut: web1/http is CRITICAL: suspect D-1\n",
        "whose: ann\n",
        "opens when: web1/http recovers, or someone acknowledges it as not caused by D-1, or an override\n",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let (code, text) = gate(&["--wait=1s"]);
    assert_eq!(code, Some(1), "{text}");

    // What it did not ask rightly.
    let unknown = daemon.cli(&["gate", "shp"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        said(&unknown).contains("did you mean `shop`?"),
        "{}",
        said(&unknown)
    );
    assert_eq!(gate(&["staging"]).0, Some(2));
    assert_eq!(gate(&["production", "--override", "--by", "cy"]).0, Some(2));
    daemon.ask(&["ack", "web1/http", "-m", "on it"]);
    assert_eq!(
        gate(&[]).0,
        Some(1),
        "whoever looks at it has not mended it"
    );

    // A person lets the fix pass, and the team hears of it.
    daemon.ask(&[
        "gate",
        "shop",
        "production",
        "--override",
        "--by",
        "cy",
        "--reason",
        "the fix",
        "--for",
        "10m",
    ]);
    let notice = hook.until("the notice", |body| body["kind"] == "notice");
    let reason = notice["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("overridden by cy until"), "{notice}");
    let view = daemon.json(&["gate", "shop"]);
    assert_eq!(
        (&view["open"], &view["override"]["reason"]),
        (&true.into(), &"the fix".into())
    );
    assert_eq!(view["blocked_by"][0]["deploy"], "D-1", "{view}");

    // The deploy is over, and so is its bake.
    daemon.ask(&["deploy", "finish", "D-1"]);
    let waited = daemon.cli(&["deploy", "wait", "D-1", "--timeout", "60s"]);
    assert_eq!(waited.status.code(), Some(1), "{}", said(&waited));
    assert!(
        said(&waited).contains("D-1: regressed\n  1 put down to it: web1/http\n"),
        "{}",
        said(&waited)
    );
    let record = daemon.api("GET", "/v1/deploys/D-1", None);
    assert_eq!(record["risk"], "high");
    assert_eq!(record["risk_why"], "it changes a schema");
    assert_eq!(record["problems"][0]["how"], "paged", "{record}");
    assert_eq!(record["events"][0]["phase"], "started");

    // Mended; the next one is clean.
    site.say("plugin", 0, "OK");
    until_true("it recovers", || {
        daemon.object("web1/http")["state"] == "OK"
    });
    daemon.ask(&["deploy", "start", "D-2", "--app", "shop", "--risk", "high"]);
    daemon.ask(&["deploy", "finish", "D-2"]);
    let waited = daemon.cli(&["deploy", "wait", "D-2", "--timeout", "60s"]);
    assert_eq!(waited.status.code(), Some(0), "{}", said(&waited));
    let lost = daemon.cli(&["deploy", "wait", "D-9"]);
    assert_eq!(lost.status.code(), Some(2), "{}", said(&lost));

    // A freeze is stronger than good health; a pipeline that waits goes on when it ends, also over a restart.
    let made = daemon.json(&["freeze", "add", "--app", "other*", "--for", "1h", "-m", "x"]);
    assert!(made["id"].is_u64(), "{made}");
    daemon.end_well();
    let daemon = Daemon::start(&config, listen);
    assert!(
        daemon
            .ask(&["freeze", "list"])
            .contains("other* in all environments")
    );
    let frozen = daemon.json(&[
        "freeze", "add", "--env", "prod*", "--for", "1h", "-m", "the sale", "--owner", "bea",
    ]);
    // The override still stands.
    let view = daemon.json(&["gate", "shop"]);
    assert_eq!(
        (&view["open"], &view["freeze"]["owner"]),
        (&true.into(), &"bea".into()),
        "{view}"
    );
    // Not to be known is wrong use at once, wait or not.
    let unknown = daemon.cli(&["gate", "search", "--wait=60s"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", said(&unknown));
    daemon.ask(&["deploy", "start", "S-1", "--app", "search"]);
    let mut waits = Command::new(PROGRAM)
        .args(["gate", "search", "--wait=60s"])
        .env("DEPLOYWATCH_SERVER", format!("http://127.0.0.1:{listen}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    assert!(waits.try_wait().expect("asked").is_none());
    daemon.ask(&["freeze", "end", &frozen["id"].to_string()]);
    let status = until("the pipeline goes on", || waits.try_wait().expect("asked"));
    assert_eq!(status.code(), Some(0));
    daemon.end_well();
}

#[test]
fn a_deploy_that_breaks_its_host_is_taken_back_by_the_apps_own_command() {
    let (site, hook, listen) = (Site::new(), Hook::start(), free_port());
    let mut hosts = String::new();
    for host in ["web1", "web2", "web3"] {
        let plugin = site.changeable_plugin(host);
        site.say(host, 0, "OK");
        hosts += &format!(
            "[[host]]\nname = \"{host}\"\naddress = \"127.0.0.1\"\napps = [\"shop\"]\n\
             [[check]]\nname = \"http\"\nhosts = [\"{host}\"]\nattempts = 3\ncontacts = [\"oncall\"]\n\
             command = \"{}\"\nevery = \"1s\"\nretry = \"1s\"\n",
            plugin.display()
        );
    }
    let ran = site.file("ran");
    let back = site.script(
        "back",
        &format!(
            "#!/bin/sh\necho \"$1 $2 $NAGIOS_DEPLOYENVIRONMENT\" >> {}\n",
            ran.display()
        ),
    );
    let config = site.write(
        "deploywatch.toml",
        format!(
            "[daemon]\nstore = \"store.db\"\nlisten = \"127.0.0.1:{listen}\"\n\
             [[contact]]\nname = \"oncall\"\nwebhook = {{ url = \"http://127.0.0.1:{}/hook\" }}\n\
             [[command]]\nname = \"go-back\"\nline = \"{} $DEPLOYID$ $DEPLOYPREVIOUSVERSION$\"\n\
             [[app]]\nname = \"shop\"\nrollback = {{ command = \"go-back\", mode = \"run\" }}\n{hosts}",
            hook.port,
            back.display()
        ),
    );
    let daemon = Daemon::start(&config, listen);
    for host in ["web1/http", "web2/http", "web3/http"] {
        until_true("a result", || daemon.object(host)["checked"] == true);
    }
    let deploy = |words: &[&str]| daemon.ask(&[&["deploy"], words].concat());
    deploy(&[
        "start",
        "D-1",
        "--app",
        "shop",
        "--version",
        "1.4.1",
        "--host",
        "web2",
    ]);
    deploy(&["finish", "D-1"]);
    deploy(&[
        "start",
        "D-2",
        "--app",
        "shop",
        "--version",
        "1.4.2",
        "--host",
        "web1",
        "--risk",
        "high",
    ]);
    site.say("web1", 2, "CRITICAL - 502");
    let said = until("it is taken back", || {
        std::fs::read_to_string(&ran)
            .ok()
            .filter(|text| text.ends_with('\n'))
    });
    assert_eq!(said, "D-2 1.4.1 production\n");
    daemon.until_decided("web1/http", "the decision", |decision| {
        decision["what"] == "rollback"
            && decision["reason"] == "every guard agrees: `go-back` is run to roll back D-2"
    });
    let told = hook.until("its end", |body| {
        body["kind"] == "amendment"
            && body["reason"]
                .as_str()
                .is_some_and(|reason| reason.starts_with("the rollback of D-2 ended well"))
    });
    assert_eq!(told["check"], "http");
    let record = daemon.api("GET", "/v1/deploys/D-2", None);
    assert_eq!(record["phase"], "rolled_back", "{record}");
    assert_eq!(record["rollback"], "its rollback ended well", "{record}");

    // Once is once, also after a restart, though the problem stays.
    daemon.end_well();
    let daemon = Daemon::start(&config, listen);
    daemon.until_hard("web1/http", "CRITICAL");
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(std::fs::read_to_string(&ran).expect("it ran"), said);
    daemon.end_well();
}
