//! Pages answered where they were read: the example's site with a real mail server and stand-ins for the services, and
//! over a restart.

mod common;

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use common::{Daemon, Site, free_port, mail::MailServer, servers::Hooks};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

const SECRETS: [(&str, &str); 5] = [
    ("ANSWERS_SECRET", "0123456789abcdef0123456789abcdef"),
    ("PAGERDUTY_WEBHOOK_SECRET", "shown-once-by-pagerduty"),
    ("SLACK_SIGNING_SECRET", "8f742231b10e8888abcd99yyyzzz85a5"),
    ("TELEGRAM_WEBHOOK_SECRET", "given-to-set-webhook"),
    ("TELEGRAM_TOKEN", "123:token"),
];
const URL: &str = "https://watch.shop.example";

/// The example on ports of this machine, with a store and a plugin that the test decides about.
struct Place {
    site: Site,
    mails: MailServer,
    hooks: Hooks,
    listen: u16,
}

impl Place {
    fn new() -> Self {
        let (site, hooks, listen, smtp) = (Site::new(), Hooks::start(), free_port(), free_port());
        let mails = MailServer::start(&site, smtp, &[]);
        let plugin = site.changeable_plugin("http");
        let example =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/answers/deploywatch.toml");
        let mut text = fs::read_to_string(example).expect("the example");
        for (from, to) in [
            (
                "listen = \"127.0.0.1:8420\"",
                format!("listen = \"127.0.0.1:{listen}\""),
            ),
            ("store = \":memory:\"", "store = \"store.db\"".to_owned()),
            ("port = 25\n", format!("port = {smtp}\n")),
            (
                "token_env = \"TELEGRAM_TOKEN\", ",
                format!(
                    "token_env = \"TELEGRAM_TOKEN\", url = \"{}\", ",
                    hooks.url("/telegram")
                ),
            ),
            (
                "routing_key_env = \"PAGERDUTY_KEY\"",
                format!(
                    "routing_key_env = \"PAGERDUTY_KEY\", url = \"{}\"",
                    hooks.url("/pagerduty")
                ),
            ),
            (
                "\"check_http -I $HOSTADDRESS$ -p 8080\"",
                format!("\"{}\"", plugin.display()),
            ),
            (
                "every = \"1m\"\nretry = \"15s\"\nattempts = 2",
                "every = \"1s\"\nretry = \"1s\"\nattempts = 1".to_owned(),
            ),
        ] {
            assert!(text.contains(from), "the example has no `{from}` any more");
            text = text.replace(from, &to);
        }
        site.write("deploywatch.toml", text);
        Self {
            site,
            mails,
            hooks,
            listen,
        }
    }

    fn start(&self) -> Daemon {
        let slack = self.hooks.url("/slack");
        let more = [("SLACK_URL", &*slack), ("PAGERDUTY_KEY", "routing-key")];
        let environment: Vec<(&str, &str)> = SECRETS.into_iter().chain(more).collect();
        Daemon::start_with(
            &self.site.file("deploywatch.toml"),
            self.listen,
            &environment,
        )
    }

    /// As a browser or a service sends it; no token for the API is needed.
    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.listen)).expect("it listens");
        stream
            .set_read_timeout(Some(common::PATIENCE))
            .expect("a timeout");
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: watch.shop.example\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        (code.unwrap_or(0), body.to_owned())
    }

    /// The path of a mail's link whose label begins like this.
    fn link(&self, text: &str, label: &str) -> String {
        let mut lines = text
            .lines()
            .skip_while(|line| !line.starts_with(label))
            .skip(1);
        let link = lines
            .next()
            .unwrap_or_else(|| panic!("no `{label}` in {text}"));
        link.trim()
            .strip_prefix(URL)
            .expect("at the public address")
            .to_owned()
    }
}

fn secret(name: &str) -> &'static str {
    SECRETS
        .iter()
        .find(|(known, _)| *known == name)
        .expect(name)
        .1
}

fn hex_mac(secret: &str, parts: &[&str]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    for part in parts {
        mac.update(part.as_bytes());
    }
    mac.finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs()
}

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/answers")
        .join(name);
    serde_json::from_str(&fs::read_to_string(path).expect(name)).expect("JSON")
}

#[test]
fn a_page_is_answered_by_mail_slack_telegram_and_pagerduty() {
    let place = Place::new();
    let daemon = place.start();
    place.site.say("http", 2, "CRITICAL - 502");
    let mail = place.mails.until("CRITICAL web1/http");
    let slack: Value =
        serde_json::from_str(&place.hooks.until("/slack", &["web1/http"])).expect("JSON");
    let telegram = place
        .hooks
        .until("/telegram/bot123:token/sendMessage", &["web1/http"]);
    let telegram: Value = serde_json::from_str(&telegram).expect("JSON");
    let paged = place.hooks.until("/pagerduty/v2/enqueue", &["trigger"]);
    let paged: Value = serde_json::from_str(&paged).expect("JSON");

    // A mail scanner opens every link: nothing is changed by that.
    let (take, snooze) = (
        place.link(mail.text(), "Acknowledge:"),
        place.link(mail.text(), "Snooze 30 min:"),
    );
    let token = take.rsplit('/').next().expect("a token");
    assert!(mail.html().contains(token));
    for link in [&take, &snooze] {
        let (code, page) = place.send("GET", link, &[], "");
        assert_eq!(code, 200);
        assert!(
            page.contains("CRITICAL now: CRITICAL - 502") && page.contains("You answer as ann."),
            "{page}"
        );
    }
    assert_eq!(daemon.object("web1/http")["acknowledged_by"], Value::Null);

    // The button puts it off.
    let (code, page) = place.send("POST", &snooze, &[], "");
    assert_eq!(code, 200, "{page}");
    let now = daemon.object("web1/http");
    assert_eq!(now["acknowledged_by"], "ann");
    assert!(now["snoozed_until"].is_string(), "{now}");
    assert!(
        daemon
            .ask(&["why", "web1/http"])
            .contains("snoozed by ann until ")
    );
    place
        .mails
        .until("CRITICAL web1/http - acknowledged by ann");

    // In Slack somebody takes it.
    let blocks = slack["attachments"][0]["blocks"]
        .as_array()
        .expect("blocks");
    let buttons = &blocks.last().expect("buttons")["elements"];
    let mut pressed = fixture("slack-pressed.json");
    pressed["actions"][0]["value"] = buttons[0]["value"].clone();
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", &pressed.to_string())
        .finish();
    let time = seconds().to_string();
    let signature = format!(
        "v0={}",
        hex_mac(secret("SLACK_SIGNING_SECRET"), &["v0:", &time, ":", &form])
    );
    let headers = [
        ("X-Slack-Request-Timestamp", &*time),
        ("X-Slack-Signature", &*signature),
    ];
    let forged = [headers[0], ("X-Slack-Signature", "v0=00")];
    assert_eq!(
        place.send("POST", "/v1/answers/slack", &forged, &form).0,
        401
    );
    assert_eq!(
        place.send("POST", "/v1/answers/slack", &headers, &form),
        (200, String::new())
    );
    let now = daemon.object("web1/http");
    assert_eq!(now["snoozed_until"], Value::Null, "{now}");

    // In PagerDuty the acknowledgement of a person counts, and a timeout there takes back only what was done there.
    let send = |id: &str, kind: &str| {
        let mut event = fixture("pagerduty-acknowledged.json");
        event["event"]["id"] = id.into();
        event["event"]["event_type"] = kind.into();
        let now =
            deploywatch::base::time::Timestamp::from_secs(i64::try_from(seconds()).expect("fits"));
        event["event"]["occurred_at"] = now.to_string().into();
        event["event"]["data"]["incident_key"] = paged["dedup_key"].clone();
        let body = event.to_string();
        let signature = format!(
            "v1={}",
            hex_mac(secret("PAGERDUTY_WEBHOOK_SECRET"), &[&body])
        );
        place.send(
            "POST",
            "/v1/answers/pagerduty",
            &[("X-PagerDuty-Signature", &*signature)],
            &body,
        )
    };
    let (code, text) = send("e1", "incident.unacknowledged");
    assert!(
        code == 200 && text.contains("stays acknowledged by ann"),
        "{code} {text}"
    );
    daemon.ask(&["unack", "web1/http"]);
    let (code, text) = send("e2", "incident.acknowledged");
    assert!(
        code == 200 && text.contains("acknowledged by Ann Example"),
        "{code} {text}"
    );
    assert_eq!(daemon.object("web1/http")["acknowledged_by"], "Ann Example");
    let (_, text) = send("e3", "incident.unacknowledged");
    assert!(text.contains("is removed"), "{text}");

    // In Telegram whoever presses a button reads what came of it.
    let data = telegram["reply_markup"]["inline_keyboard"][0][0]["callback_data"].clone();
    let mut update = fixture("telegram-pressed.json");
    update["callback_query"]["data"] = data;
    let token = [(
        "X-Telegram-Bot-Api-Secret-Token",
        secret("TELEGRAM_WEBHOOK_SECRET"),
    )];
    let (code, text) = place.send("POST", "/v1/answers/telegram", &token, &update.to_string());
    let shown: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        (code, &shown["method"]),
        (200, &json!("answerCallbackQuery"))
    );
    assert_eq!(shown["text"], "web1/http is acknowledged by ann_example");

    // Yesterday's link does nothing to today's problem.
    place.site.say("http", 0, "OK - fine");
    daemon.until_hard("web1/http", "OK");
    place.site.say("http", 2, "CRITICAL - again");
    daemon.until_hard("web1/http", "CRITICAL");
    let (code, page) = place.send("POST", &take, &[], "");
    assert_eq!(code, 409);
    assert!(
        page.contains("Nothing was changed") && page.contains("with a page of its own"),
        "{page}"
    );
    assert_eq!(daemon.object("web1/http")["acknowledged_by"], Value::Null);

    // What it was about is said afterwards, by the key of the page.
    let key = paged["dedup_key"].as_str().expect("a key");
    let said = daemon.ask(&["tag", key, "wrong-threshold", "--author", "bob"]);
    assert!(said.contains("is tagged wrong-threshold"), "{said}");
    assert!(
        daemon
            .ask(&["why", "web1/http"])
            .contains("bob tagged it wrong-threshold: no action")
    );
    let report = daemon.json(&["report", "oncall", "--since", "1h"]);
    assert_eq!(report["tags"]["no_action"]["problems"], 1, "{report}");
    let (_, metrics) = daemon.http("GET", "/metrics", None).expect("an answer");
    for line in [
        "{way=\"link\",result=\"taken\"} 1",
        "{way=\"slack\",result=\"taken\"} 1",
        "{way=\"slack\",result=\"forged\"} 1",
        "{way=\"pagerduty\",result=\"taken\"} 3",
        "{way=\"telegram\",result=\"taken\"} 1",
    ] {
        assert!(
            metrics.contains(&format!("deploywatch_answers_total{line}")),
            "{line}"
        );
    }
    let log = daemon.log();
    for (_, secret) in SECRETS {
        assert!(!log.contains(secret));
    }
    daemon.end_well();
}

#[test]
fn what_was_done_is_not_done_again_after_a_restart() {
    let place = Place::new();
    let daemon = place.start();
    place.site.say("http", 2, "CRITICAL - 502");
    let telegram = place
        .hooks
        .until("/telegram/bot123:token/sendMessage", &["web1/http"]);
    let telegram: Value = serde_json::from_str(&telegram).expect("JSON");
    let mut update = fixture("telegram-pressed.json");
    update["callback_query"]["data"] =
        telegram["reply_markup"]["inline_keyboard"][0][0]["callback_data"].clone();
    let token = [(
        "X-Telegram-Bot-Api-Secret-Token",
        secret("TELEGRAM_WEBHOOK_SECRET"),
    )];
    let press = || place.send("POST", "/v1/answers/telegram", &token, &update.to_string());
    assert!(press().1.contains("is acknowledged by ann_example"));
    daemon.ask(&["unack", "web1/http"]);
    daemon.end_well();
    let daemon = place.start();
    let (code, text) = press();
    assert!(
        code == 200 && text.contains("nothing is done again"),
        "{code} {text}"
    );
    assert_eq!(daemon.object("web1/http")["acknowledged_by"], Value::Null);
    daemon.end_well();
}
