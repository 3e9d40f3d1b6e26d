//! Tools that tell of deploys, against a running daemon: what they send ends up as a deploy, and what is forged,
//! cut off, played again or too long does not.

mod common;

use std::{
    fmt::Write as _,
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use common::{
    Daemon, Site, free_port,
    hook::{Hook, serve_whole},
    until, until_true,
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

const SECRET: &str = "it-is-only-known-to-github";

/// A site that knows a shop on one host.
fn site(sources: &str) -> (Site, Hook, u16) {
    let (site, hook, listen) = (Site::new(), Hook::start(), free_port());
    site.secret("github.secret", SECRET);
    site.write(
        "deploywatch.toml",
        format!(
            "[daemon]\nstore = \"store.db\"\nlisten = \"127.0.0.1:{listen}\"\n{sources}\n\
             [[contact]]\nname = \"oncall\"\nwebhook = {{ url = \"http://127.0.0.1:{}/hook\" }}\n\
             [[app]]\nname = \"shop\"\nenvironment = \"production\"\n\
             [[app]]\nname = \"search\"\nenvironment = \"production\"\n\
             [[host]]\nname = \"web1\"\naddress = \"127.0.0.1\"\napps = [\"shop\"]\n\
             [[check]]\nname = \"http\"\nhosts = [\"web1\"]\nattempts = 1\nactive = false\n\
             command = \"true\"\ncontacts = [\"oncall\"]\n\
             [[check]]\nname = \"ftp\"\nhosts = [\"web1\"]\nattempts = 1\nactive = false\n\
             command = \"true\"\ncontacts = [\"oncall\"]\n",
            hook.port
        ),
    );
    (site, hook, listen)
}

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/feeds")
        .join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The fixture of GitHub with another id, state and the time of now.
fn github(id: u64, state: &str) -> String {
    let mut body: Value = serde_json::from_str(&fixture("github-in-progress.json")).expect("JSON");
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    body["deployment"]["id"] = id.into();
    body["deployment_status"]["state"] = state.into();
    body["deployment_status"]["created_at"] = now.into();
    body.to_string()
}

fn sign(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(body.as_bytes());
    let bytes = mac.finalize().into_bytes();
    bytes.iter().fold("sha256=".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes it");
        text
    })
}

/// One request with these headers; the body may be cut off.
fn send(port: u16, path: &str, headers: &[(&str, &str)], body: &str, cut: usize) -> (u16, Value) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a timeout");
    let headers = headers
        .iter()
        .fold(String::new(), |mut text, (name, value)| {
            write!(text, "{name}: {value}\r\n").expect("a String takes it");
            text
        });
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("sent");
    // The other side may have answered and closed already.
    let _ = stream.write_all(&body.as_bytes()[..body.len() - cut]);
    if cut != 0 {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    (
        code.unwrap_or(0),
        serde_json::from_str(body).unwrap_or_default(),
    )
}

fn from_github(port: u16, delivery: &str, signature: &str, body: &str) -> (u16, Value) {
    let headers = [
        ("Content-Type", "application/json"),
        ("X-GitHub-Event", "deployment_status"),
        ("X-GitHub-Delivery", delivery),
        ("X-Hub-Signature-256", signature),
    ];
    send(port, "/v1/hooks/github", &headers, body, 0)
}

fn counted(daemon: &Daemon, source: &str, result: &str) -> u64 {
    let (_, text) = daemon.http("GET", "/metrics", None).expect("metrics");
    let series =
        format!("deploywatch_feed_requests_total{{source=\"{source}\",result=\"{result}\"}} ");
    text.lines()
        .find_map(|line| line.strip_prefix(&series)?.parse().ok())
        .unwrap_or(0)
}

const GITHUB: &str = "[deploys.source.github]\nsecret_file = \"github.secret\"\n\
    app = { \"acme/shop\" = \"shop\" }\nenvironment = { prod = \"production\" }";

#[test]
fn a_deploy_on_github_holds_the_blip_that_it_explains() {
    let (site, _hook, listen) = site(GITHUB);
    let daemon = Daemon::start(&site.file("deploywatch.toml"), listen);
    let body = github(1, "in_progress");
    let (code, answer) = from_github(listen, "d-1", &sign(SECRET, &body), &body);
    assert_eq!(code, 200, "{answer}");
    let deploy = &daemon.status()["deploys"][0];
    assert_eq!(deploy["id"], "github-1", "{deploy}");
    assert_eq!(
        (&deploy["app"], &deploy["environment"]),
        (&json!("shop"), &json!("production"))
    );
    assert_eq!(
        (&deploy["phase"], &deploy["version"]),
        (&json!("started"), &json!("v1.4.2"))
    );
    assert_eq!(
        (&deploy["actors"][0], &deploy["hosts"][0]),
        (&json!("ann"), &json!("web1"))
    );
    daemon.ask(&[
        "results",
        "submit",
        "web1/http",
        "--exit",
        "2",
        "--text",
        "503",
    ]);
    let held = daemon.until_decided("web1/http", "held", |decision| decision["what"] == "held");
    assert_eq!(held["deploys"][0], "github-1", "{held}");
    let body = github(1, "success");
    let (code, answer) = from_github(listen, "d-2", &sign(SECRET, &body), &body);
    assert_eq!(code, 200, "{answer}");
    assert_eq!(daemon.status()["deploys"][0]["phase"], "finished");
    daemon.end_well();
}

#[test]
fn what_is_forged_cut_off_played_again_or_too_long_is_refused_and_counted() {
    let (site, _hook, listen) = site(GITHUB);
    let daemon = Daemon::start(&site.file("deploywatch.toml"), listen);
    let body = github(7, "in_progress");
    let good = sign(SECRET, &body);
    for (what, signature) in [
        ("another secret", sign("guessed", &body)),
        ("another body", sign(SECRET, "{}")),
        ("half a signature", good[..40].to_owned()),
        ("no signature", String::new()),
        ("an older scheme", good.replace("sha256", "sha1")),
    ] {
        let (code, answer) = from_github(listen, "d-1", &signature, &body);
        assert_eq!(code, 401, "{what}: {answer}");
    }
    assert_eq!(counted(&daemon, "github", "forged"), 5);
    // Cut off on its way, with the length of the whole, and with its own.
    let headers = [("X-Hub-Signature-256", good.as_str())];
    let (code, _) = send(listen, "/v1/hooks/github", &headers, &body, 10);
    assert_ne!(code, 200);
    let (code, _) = from_github(listen, "d-1", &good, &body[..body.len() - 1]);
    assert_eq!(code, 401);
    let garbage = &body[..body.len() - 1];
    let (code, answer) = from_github(listen, "d-1", &sign(SECRET, garbage), garbage);
    assert_eq!(code, 400, "{answer}");
    assert_eq!(counted(&daemon, "github", "unreadable"), 1);
    assert_eq!(counted(&daemon, "github", "truncated"), 1);
    let long = format!("{body}{}", " ".repeat(2 << 20));
    let (code, answer) = from_github(listen, "d-1", &sign(SECRET, &long), &long);
    assert_eq!(code, 413, "{answer}");
    assert_eq!(counted(&daemon, "github", "oversized"), 1);
    assert_eq!(daemon.status()["deploys"], json!([]), "nothing came of it");

    assert_eq!(from_github(listen, "d-1", &good, &body).0, 200);
    // GitHub may send the same once more; whoever plays a copy gives it another name, or takes a name for another body.
    let (code, answer) = from_github(listen, "d-1", &good, &body);
    assert_eq!(
        (code, &answer["accepted"]),
        (200, &json!(false)),
        "{answer}"
    );
    assert_eq!(from_github(listen, "d-2", &good, &body).0, 409);
    let other = github(8, "in_progress");
    assert_eq!(
        from_github(listen, "d-1", &sign(SECRET, &other), &other).0,
        409
    );
    daemon.end_well();
    // A restart forgets none of it.
    let daemon = Daemon::start(&site.file("deploywatch.toml"), listen);
    assert_eq!(from_github(listen, "d-2", &good, &body).0, 409);
    let (code, answer) = from_github(listen, "d-1", &good, &body);
    assert_eq!(
        (code, &answer["accepted"]),
        (200, &json!(false)),
        "{answer}"
    );
    assert_eq!(counted(&daemon, "github", "replayed"), 1);
    assert_eq!(counted(&daemon, "github", "repeated"), 1);
    let deploys = daemon.status()["deploys"].as_array().expect("a list").len();
    assert_eq!(deploys, 1);
    daemon.end_well();
}

#[test]
fn what_fits_no_app_is_shown_with_its_remedy() {
    let (site, _hook, listen) = site("[deploys.source.github]\nsecret_file = \"github.secret\"");
    let config = site.file("deploywatch.toml");
    let daemon = Daemon::start(&config, listen);
    let body = github(3, "in_progress");
    let (code, answer) = from_github(listen, "d-1", &sign(SECRET, &body), &body);
    assert_eq!(code, 202, "{answer}");
    let remedy = "[deploys.source.github] environment = { \"prod\" = \"ENVIRONMENT\" }";
    let shown = &daemon.status()["unmatched"][0];
    assert_eq!(
        (&shown["source"], &shown["app"]),
        (&json!("github"), &json!("acme/shop"))
    );
    assert!(
        shown["remedy"].as_str().expect("a text").contains(remedy),
        "{shown}"
    );
    assert!(daemon.ask(&["status"]).contains(remedy));
    assert_eq!(
        daemon.api("GET", "/v1/deploys/unmatched", None)[0]["count"],
        1
    );
    assert_eq!(counted(&daemon, "github", "unmatched"), 1);
    assert!(daemon.log().contains(remedy));
    // Written down as it says, the next one fits.
    let text = site.read("deploywatch.toml").expect("there");
    let more = format!(
        "github.secret\"\n{}\n",
        GITHUB.rsplit_once("\n").expect("lines").1
    );
    site.write("deploywatch.toml", text.replace("github.secret\"", &more));
    daemon.ask(&["reload"]);
    let body = github(4, "in_progress");
    let (code, answer) = from_github(listen, "d-2", &sign(SECRET, &body), &body);
    assert_eq!(code, 200, "{answer}");
    daemon.end_well();
}

#[test]
fn a_source_tells_of_its_own_apps_and_holds_only_where_it_may() {
    let more = "\nmay_hold = [\"search\"]\napps = [\"shop\"]";
    let (site, _hook, listen) = site(&format!("{GITHUB}{more}"));
    let daemon = Daemon::start(&site.file("deploywatch.toml"), listen);
    let body = github(5, "in_progress");
    let (code, answer) = from_github(listen, "d-1", &sign(SECRET, &body), &body);
    assert_eq!(code, 200, "{answer}");
    daemon.ask(&[
        "results",
        "submit",
        "web1/http",
        "--exit",
        "2",
        "--text",
        "503",
    ]);
    let page = daemon.until_decided("web1/http", "paged", |decision| decision["what"] == "sent");
    // Named, but it keeps nothing quiet.
    assert_eq!(page["deploys"][0], "github-5", "{page}");
    let other = github(6, "in_progress").replace("acme/shop", "acme/search");
    let (code, answer) = from_github(listen, "d-2", &sign(SECRET, &other), &other);
    assert_eq!(code, 202, "{answer}");
    assert!(
        answer["text"].as_str().expect("a text").contains("`apps`"),
        "{answer}"
    );
    // Nor may it have a say in a hold that others may make.
    daemon.ask(&[
        "results", "submit", "web1/ftp", "--exit", "0", "--text", "fine",
    ]);
    daemon.ask(&["deploy", "start", "D-5", "--app", "shop", "--host", "web1"]);
    daemon.ask(&["deploy", "cancel", "github-5"]);
    daemon.ask(&[
        "results", "submit", "web1/ftp", "--exit", "2", "--text", "refused",
    ]);
    daemon.until_decided("web1/ftp", "held", |decision| decision["what"] == "held");
    let mut step: Value = serde_json::from_str(&github(9, "in_progress")).expect("JSON");
    step["deployment"]["payload"] = json!({"deploy_id": "D-5"});
    let step = step.to_string();
    let (code, answer) = from_github(listen, "d-3", &sign(SECRET, &step), &step);
    assert_eq!(code, 200, "{answer}");
    let ended = daemon.until_decided("web1/ftp", "paged", |decision| decision["what"] == "sent");
    assert!(ended.to_string().contains("may not hold"), "{ended}");
    daemon.end_well();
}

#[test]
fn without_a_secret_the_rules_of_the_api_hold() {
    let (site, _hook, listen) = site(
        "[[token]]\nname = \"ci\"\nsecret_file = \"ci.token\"\nscopes = [\"deploy\", \"read\"]\napps = [\"shop\"]",
    );
    site.secret("ci.token", "ci-token");
    let daemon = Daemon::start(&site.file("deploywatch.toml"), listen);
    let body =
        json!({"name": "shop", "build": {"number": 3, "phase": "STARTED", "parameters": {}}});
    let body = body.to_string();
    let (code, answer) = send(listen, "/v1/hooks/jenkins", &[], &body, 0);
    assert_eq!(code, 401);
    let why = answer["error"].as_str().expect("a text");
    assert!(
        why.contains("[deploys.source.jenkins] secret_file"),
        "{why}"
    );
    let token = [("Authorization", "Bearer ci-token")];
    let (code, answer) = send(listen, "/v1/hooks/jenkins", &token, &body, 0);
    assert_eq!(code, 200, "{answer}");
    let other = body.replace("shop", "search");
    assert_eq!(send(listen, "/v1/hooks/jenkins", &token, &other, 0).0, 403);
    let (code, answer) = send(listen, "/v1/hooks/jenkin", &token, &body, 0);
    assert_eq!(code, 404);
    assert!(
        answer["error"]
            .as_str()
            .expect("a text")
            .contains("did you mean `jenkins`")
    );
    daemon.end_well();
}

fn deploys(daemon: &Daemon) -> Vec<String> {
    let status = daemon.status();
    let list = status["deploys"].as_array().expect("a list").clone();
    let text = |deploy: &Value, key: &str| deploy[key].as_str().unwrap_or_default().to_owned();
    list.iter()
        .map(|deploy| {
            format!(
                "{} {} {}",
                text(deploy, "id"),
                text(deploy, "phase"),
                text(deploy, "app")
            )
        })
        .collect()
}

#[test]
fn a_saved_payload_is_played_by_hand() {
    let (site, _hook, listen) = site(GITHUB);
    let daemon = Daemon::start(&site.file("deploywatch.toml"), listen);
    let file = site.write("payload.json", github(11, "in_progress"));
    let file = file.display().to_string();
    let shown = daemon.ask(&["deploy", "record", &file, "--dry-run"]);
    assert!(
        shown.contains("github-11 started") && shown.contains("shop in production"),
        "{shown}"
    );
    assert_eq!(deploys(&daemon), [""; 0]);
    // No signature is asked for: whoever may tell of deploys vouches for it.
    daemon.ask(&["deploy", "record", &file]);
    assert_eq!(deploys(&daemon), ["github-11 started shop"]);
    let again = daemon.ask(&["deploy", "record", &file, "--source", "github"]);
    assert!(again.contains("was known already"), "{again}");
    let with_headers = format!(
        "ce-type: dev.cdevents.service.deployed.0.3.0\nce-id: e-1\nce-source: /ci\n\n{}",
        json!({"subject": {"id": "shop", "content": {"environment": {"id": "production"}}}})
    );
    let file = site.write("event.http", with_headers).display().to_string();
    daemon.ask(&["deploy", "record", &file]);
    assert!(deploys(&daemon).contains(&"cdevents-e-1 finished shop".to_owned()));
    let file = site.write("nothing.json", "{}").display().to_string();
    let refused = daemon.cli(&["deploy", "record", &file]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--source"));
    daemon.end_well();
}

#[test]
fn pipelines_that_send_to_pagerduty_graphite_grafana_or_a_collector_change_the_address_only() {
    let (site, _hook, listen) = site("[deploys.source.pagerduty]\nsecret_file = \"github.secret\"");
    let daemon = Daemon::start(&site.file("deploywatch.toml"), listen);
    let change = fixture("pagerduty-change.json");
    assert_eq!(send(listen, "/v2/change/enqueue", &[], &change, 0).0, 401);
    let change = change.replace("3d0f5a4b9c1e4f6a8b7c6d5e4f3a2b1c", SECRET);
    let (code, answer) = send(listen, "/v2/change/enqueue", &[], &change, 0);
    assert_eq!(
        (code, &answer["status"]),
        (202, &json!("success")),
        "{answer}"
    );
    for (path, file) in [
        ("/events/", "graphite-event.json"),
        ("/api/annotations", "grafana-region.json"),
        ("/api/annotations/graphite", "graphite-old-tags.json"),
        ("/v1/hooks/otlp/v1/logs", "otlp-deployment.json"),
    ] {
        let (code, answer) = send(listen, path, &[], &fixture(file), 0);
        assert_eq!(code, 200, "{path}: {answer}");
    }
    let apps: Vec<_> = deploys(&daemon)
        .into_iter()
        .map(|deploy| deploy.rsplit_once(' ').expect("words").1.to_owned())
        .collect();
    assert_eq!(apps, ["shop"; 5]);
    daemon.end_well();
}

#[test]
fn flagger_and_deployinator_ask_the_gate() {
    // Two hosts more, which the deploy does not reach.
    let more = "[[host]]\nname = \"web2\"\naddress = \"127.0.0.1\"\napps = [\"shop\"]\n\
         [[host]]\nname = \"web3\"\naddress = \"127.0.0.1\"\napps = [\"shop\"]\n\
         [[check]]\nname = \"http\"\nhosts = [\"web2\", \"web3\"]\nattempts = 1\nactive = false\n\
         command = \"true\"\ncontacts = [\"oncall\"]\n";
    let (site, _hook, listen) = site(more);
    let daemon = Daemon::start(&site.file("deploywatch.toml"), listen);
    let canary =
        json!({"name": "shop", "namespace": "production", "phase": "Progressing", "checksum": "1"});
    let ask = |what: &str| {
        let path = format!("/v1/hooks/flagger/{what}");
        send(listen, &path, &[], &canary.to_string(), 0).0
    };
    let can_deploy = || {
        let path = "/v1/hooks/deployinator/shop/can-deploy";
        daemon.api("GET", path, None)["can_deploy"].clone()
    };
    assert_eq!((ask("confirm-promotion"), ask("rollback")), (200, 409));
    assert_eq!(can_deploy(), true);
    // A deploy of one host, and a check that breaks there.
    daemon.ask(&[
        "deploy", "start", "D-1", "--app", "shop", "--risk", "high", "--host", "web1",
    ]);
    let submit = |object: &str, exit: &str| {
        daemon.ask(&[
            "results", "submit", object, "--exit", exit, "--text", "said",
        ]);
    };
    submit("web1/http", "0");
    submit("web1/http", "2");
    daemon.until_decided("web1/http", "paged", |decision| decision["what"] == "sent");
    // It leads the suspects, which shuts the gate; but nobody has looked at the rest, so it is not to go back.
    assert_eq!(
        (
            ask("confirm-promotion"),
            ask("confirm-rollout"),
            ask("rollback")
        ),
        (409, 409, 409)
    );
    submit("web2/http", "0");
    submit("web3/http", "0");
    assert_eq!(ask("rollback"), 200);
    let record = daemon.api("GET", "/v1/deploys/D-1", None);
    assert_eq!(
        record["rollback"], "its rollback was left to whoever asked",
        "{record}"
    );
    assert_eq!(can_deploy(), false);
    assert_eq!(ask("confirm-everything"), 404);
    daemon.end_well();
}

#[test]
fn deployinators_log_is_followed_over_rotation_and_restart() {
    let (site, _hook, listen) = site(
        "[deploys.source.deployinator]\nfile = \"deploys.log\"\nenvironment = { PROD = \"production\" }",
    );
    let line = |number: u64| {
        let at = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .expect("after 1970")
            .as_secs();
        let time = deploywatch::base::time::Timestamp::from_secs(i64::try_from(at).expect("small"));
        let time = time.to_string().replace('T', " ").replace('Z', "");
        format!(
            "{time}|PROD|ann|shop production deploy: old 1, new: {number}|shop|{}-ann-{number}.html\n",
            at - 60
        )
    };
    let old = "2020-05-15 15:24:10|PROD|ann|shop production deploy: old 1, new: 0|shop|1589556000-ann-0.html\n";
    let log = site.write("deploys.log", format!("{old}{}", line(1)));
    let append = |text: &str| {
        let file = fs::File::options().append(true).create(true).open(&log);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .expect("written");
    };
    let config = site.file("deploywatch.toml");
    let daemon = Daemon::start(&config, listen);
    let ends = |daemon: &Daemon| -> Vec<String> {
        let mut ends: Vec<String> = deploys(daemon)
            .iter()
            .map(|deploy| {
                deploy
                    .split(".html")
                    .next()
                    .unwrap_or_default()
                    .split(' ')
                    .next()
                    .unwrap_or_default()
                    .rsplit('-')
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect();
        ends.sort();
        ends
    };
    until_true("the line of today is read", || ends(&daemon) == ["1"]);
    append("no deploy at all\n");
    append(&line(2));
    until_true("the next line is read", || ends(&daemon) == ["1", "2"]);
    fs::rename(&log, site.file("deploys.log.1")).expect("renamed");
    append(&line(3));
    until_true("the new file is read", || ends(&daemon) == ["1", "2", "3"]);
    daemon.end_well();
    append(&line(4));
    fs::rename(&log, site.file("deploys.log.2")).expect("renamed");
    append(&line(5));
    let daemon = Daemon::start(&config, listen);
    until_true("what was written meanwhile is read", || {
        ends(&daemon) == ["1", "2", "3", "4", "5"]
    });
    assert_eq!(
        counted(&daemon, "deployinator", "unreadable"),
        0,
        "nothing is read again"
    );
    daemon.end_well();
}

#[test]
fn events_are_dropped_as_files() {
    let (site, _hook, listen) = site("[deploys]\ndrop_dir = \"drop\"");
    let daemon = Daemon::start(&site.file("deploywatch.toml"), listen);
    until_true("the directory is there", || site.file("drop").is_dir());
    let put = |name: &str, text: &str| {
        let hidden = site.write(&format!("drop/.{name}"), text);
        fs::rename(hidden, site.file(&format!("drop/{name}"))).expect("renamed");
    };
    put(
        "1.json",
        &json!({"id": "D-9", "phase": "started", "app": "shop"}).to_string(),
    );
    put("2.json", &fixture("kubernetes-stuck.json"));
    put(
        "3.json",
        "{\"id\": \"D-10\", \"phase\": \"began\", \"app\": \"shop\"}",
    );
    let why = until("the bad one is set aside", || {
        site.read("drop/bad/3.json.reason")
    });
    assert!(why.contains("`began`"), "{why}");
    until_true("both are taken", || deploys(&daemon).len() == 2);
    assert!(deploys(&daemon).contains(&"D-9 started shop".to_owned()));
    assert!(deploys(&daemon).contains(&"kubernetes-production-shop-8 failed shop".to_owned()));
    until_true("they are gone", || {
        !site.file("drop/1.json").exists() && !site.file("drop/2.json").exists()
    });
    assert!(site.file("drop/bad/3.json").exists() && !site.file("drop/3.json").exists());
    daemon.end_well();
}

/// What GitHub was told, each with the request's line and header.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<(String, Value)>>>);

impl Told {
    fn until(&self, run: u64) -> (String, Value) {
        let line = format!("POST {}", rule_path(run));
        until("GitHub is told", || {
            let all = self.0.lock().expect("not poisoned");
            let mut found = all.iter().filter(|(head, _)| head.starts_with(&line));
            found.next_back().cloned()
        })
    }

    fn of(&self, run: u64) -> usize {
        let line = format!("POST {}", rule_path(run));
        let all = self.0.lock().expect("not poisoned");
        all.iter()
            .filter(|(head, _)| head.starts_with(&line))
            .count()
    }
}

fn rule_path(run: u64) -> String {
    format!("/repos/acme/shop/actions/runs/{run}/deployment_protection_rule")
}

#[test]
fn github_waits_for_the_gate_and_is_told_what_it_says() {
    let told = Told::default();
    let kept = told.clone();
    let port = serve_whole(move |head, body| {
        let mut all = kept.0.lock().expect("not poisoned");
        all.push((head.to_owned(), body));
        // The first try of all fails.
        1 < all.len()
    });
    let sources = format!(
        "{GITHUB}\ntoken_file = \"app.token\"\napi_url = \"http://127.0.0.1:{port}\"\nanswer_within = \"5s\""
    );
    let (site, _hook, listen) = site(&sources);
    site.secret("app.token", "first");
    let daemon = Daemon::start(&site.file("deploywatch.toml"), listen);
    let ask = |run: u64, callback: &str| {
        let mut body: Value =
            serde_json::from_str(&fixture("github-protection-rule.json")).expect("JSON");
        body["deployment_callback_url"] = callback.into();
        body["deployment"]["id"] = run.into();
        let body = body.to_string();
        from_github(listen, &format!("d-{run}"), &sign(SECRET, &body), &body)
    };
    let here = |run: u64| format!("http://127.0.0.1:{port}{}", rule_path(run));

    // The gate is open. What does not arrive is tried again, with the token as it is then.
    let (code, answer) = ask(1, &here(1));
    assert_eq!(code, 200, "{answer}");
    until_true("the first try", || told.of(1) == 1);
    site.secret("app.token", "second");
    until_true("the second try", || told.of(1) == 2);
    let (head, body) = told.until(1);
    assert!(head.contains("uthorization: Bearer second\n"), "{head}");
    assert_eq!(
        body,
        json!({"environment_name": "prod", "state": "approved",
            "comment": "no problem is put down to a deploy of shop in production"})
    );

    // A forged payload makes us call nobody.
    let elsewhere = serve_whole(|head, _| panic!("{head}"));
    for callback in [
        format!("http://127.0.0.1:{elsewhere}{}", rule_path(2)),
        format!(
            "http://127.0.0.1:{port}@127.0.0.1:{elsewhere}{}",
            rule_path(2)
        ),
        format!("http://127.0.0.1:{port}/repos/acme/shop/actions/runs/2/cancel"),
    ] {
        let (code, answer) = ask(2, &callback);
        assert_eq!(code, 403, "{answer}");
    }

    // Frozen: it waits over a restart, and goes on when the freeze ends.
    let frozen = daemon.json(&["freeze", "add", "--for", "1h", "-m", "the sale"]);
    assert_eq!(ask(3, &here(3)).0, 200);
    daemon.end_well();
    let daemon = Daemon::start(&site.file("deploywatch.toml"), listen);
    assert_eq!(told.of(3), 0);
    daemon.ask(&["freeze", "end", &frozen["id"].to_string()]);
    assert_eq!(told.until(3).1["state"], "approved");

    // It stays frozen for longer than GitHub is to wait.
    daemon.ask(&["freeze", "add", "--for", "1h", "-m", "the sale"]);
    assert_eq!(ask(4, &here(4)).0, 200);
    let (_, body) = told.until(4);
    assert_eq!(body["state"], "rejected", "{body}");
    let comment = body["comment"].as_str().unwrap_or_default();
    assert!(comment.contains("the sale; it opens when"), "{comment}");
    daemon.end_well();
    assert_eq!((told.of(1), told.of(3), told.of(4)), (2, 1, 1));
}

#[test]
fn a_source_that_floods_is_told_to_come_later() {
    let (site, _hook, listen) = site(&format!("{GITHUB}\nper_minute = 3"));
    let daemon = Daemon::start(&site.file("deploywatch.toml"), listen);
    // Who does not know the secret uses nothing up.
    for _ in 0..5 {
        assert_eq!(from_github(listen, "d", "sha256=0", "{}").0, 401);
    }
    let mut codes = Vec::new();
    for number in 0..5 {
        let body = github(number, "in_progress");
        let delivery = format!("d-{number}");
        codes.push(from_github(listen, &delivery, &sign(SECRET, &body), &body));
    }
    let numbers: Vec<u16> = codes.iter().map(|(code, _)| *code).collect();
    assert_eq!(numbers, [200, 200, 200, 429, 429]);
    let why = codes[3].1["error"].as_str().unwrap_or_default();
    assert!(why.contains("raise `per_minute`"), "{why}");
    assert_eq!(counted(&daemon, "github", "limited"), 2);
    assert_eq!(daemon.status()["deploys"].as_array().map(Vec::len), Some(3));
    daemon.end_well();
}

#[test]
fn a_version_that_is_new_on_a_host_is_a_step_or_a_deploy_nobody_told_of() {
    let more = "[[host]]\nname = \"web2\"\naddress = \"127.0.0.1\"\napps = [\"shop\"]\n";
    let (site, _hook, listen) = site(more);
    let daemon = Daemon::start(&site.file("deploywatch.toml"), listen);
    let see = |host: &str, version: &str| {
        let attribute =
            |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
        let body = json!({"resourceSpans": [{"resource": {"attributes": [
            attribute("service.name", "shop"),
            attribute("service.version", version),
            attribute("host.name", host),
        ]}, "scopeSpans": []}]});
        let (code, answer) = send(
            listen,
            "/v1/hooks/otlp/v1/traces",
            &[],
            &body.to_string(),
            0,
        );
        assert_eq!((code, answer["error"].as_str()), (200, None), "{answer}");
    };
    let deploys = || {
        let status = daemon.status();
        let all = status["deploys"].as_array().expect("a list").clone();
        all.iter()
            .map(|deploy| deploy["id"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    let steps = |id: &str| {
        let record = daemon.api("GET", &format!("/v1/deploys/{id}"), None);
        let events = record["events"].as_array().expect("a list").clone();
        events
            .iter()
            .filter(|event| event["phase"] == "step")
            .map(|event| event["hosts"][0].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    // What is seen first may have run for long.
    for host in ["web1", "web2", "pod-7"] {
        see(host, "1.4.1");
    }
    assert!(deploys().is_empty());
    // A deploy that somebody told of.
    daemon.ask(&[
        "deploy",
        "start",
        "D-1",
        "--app",
        "shop",
        "--version",
        "1.4.2",
    ]);
    for host in ["web1", "web1", "pod-7"] {
        see(host, "1.4.2");
    }
    assert_eq!(
        (deploys(), steps("D-1")),
        (vec!["D-1".into()], vec!["web1".into()])
    );
    daemon.ask(&["deploy", "cancel", "D-1"]);
    // One that nobody told of: it is named, and holds nothing.
    see("web1", "1.4.3");
    see("web2", "1.4.3");
    let id = deploys()
        .into_iter()
        .find(|id| id.starts_with("otlp-shop-1.4.3-"));
    let id = id.expect("a deploy of its own");
    assert_eq!(steps(&id), ["web1", "web2"]);
    daemon.ask(&[
        "results",
        "submit",
        "web1/http",
        "--exit",
        "0",
        "--text",
        "fine",
    ]);
    daemon.ask(&[
        "results",
        "submit",
        "web1/http",
        "--exit",
        "2",
        "--text",
        "503",
    ]);
    let page = daemon.until_decided("web1/http", "paged", |decision| decision["what"] == "sent");
    assert_eq!(page["deploys"][0], id.as_str(), "{page}");
    daemon.end_well();
}

#[test]
fn the_downtime_of_a_deploy_script_is_a_deploy() {
    let (site, _hook, listen) =
        site("[nagios]\ncommand_file = \"nagios.cmd\"\n[[deploys.downtime]]\nauthor = \"deploy*\"");
    let daemon = Daemon::start(&site.file("deploywatch.toml"), listen);
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    let pipe = |line: &str| {
        fs::write(site.file("nagios.cmd"), format!("[{now}] {line}\n")).expect("written");
    };
    let span = format!("{now};{};1;0;0", now + 1800);
    let deploy = || daemon.status()["deploys"][0].clone();
    // A person's downtime is one.
    pipe(&format!("SCHEDULE_SVC_DOWNTIME;web1;ftp;{span};bob;a disk"));
    pipe(&format!(
        "SCHEDULE_HOST_SVC_DOWNTIME;web1;{span};deployer;deploy 1.4.2"
    ));
    until_true("the deploy runs", || deploy()["phase"] == "started");
    assert_eq!(
        (
            &deploy()["app"],
            &deploy()["actors"][0],
            &deploy()["hosts"][0]
        ),
        (&json!("shop"), &json!("deployer"), &json!("web1"))
    );
    assert_eq!(daemon.status()["deploys"].as_array().map(Vec::len), Some(1));
    daemon.ask(&[
        "results",
        "submit",
        "web1/http",
        "--exit",
        "2",
        "--text",
        "503",
    ]);
    daemon.until_decided("web1/http", "held", |decision| decision["what"] == "held");
    daemon.ask(&[
        "results", "submit", "web1/ftp", "--exit", "2", "--text", "gone",
    ]);
    daemon.until_decided("web1/ftp", "quiet", |decision| {
        decision["what"] == "skipped"
            && decision["reason"]
                .as_str()
                .is_some_and(|why| why.contains("downtime"))
    });
    pipe("DEL_DOWNTIME_BY_HOST_NAME;web1;;;deploy 1.4.2");
    until_true("the deploy is over", || deploy()["phase"] == "finished");
    assert_eq!(
        daemon.status()["downtimes"].as_array().map(Vec::len),
        Some(1)
    );
    daemon.end_well();
}
