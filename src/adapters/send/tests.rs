//! What holds for several channels at once; what each says, and the channels against real parts on loopback, in the files beside.

use serde_json::Value;

use super::{
    email, incident,
    senders::Senders,
    settings::SendSettings,
    testing::{self, delivery, hostile},
};

mod block_rules;
mod command;
pub mod http;
mod loops;
mod mail;
mod offers;
mod pagerduty;
mod services;
mod shell;
mod slack;
mod smtp;
mod webhook;

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("a value is JSON")
}

#[test]
fn hostile_text_is_harmless_everywhere() {
    let message = hostile();
    let said = mail::mail(&message);
    assert!(
        !said.subject.chars().any(char::is_control),
        "{:?}",
        said.subject
    );
    for text in [&said.text, &said.html] {
        assert!(!text.contains(['\r', '\x1b', '\0', '\u{202e}']), "{text:?}");
    }
    assert!(
        !said.html.contains("<script>") && !said.html.contains("href=\"javascript"),
        "{}",
        said.html
    );
    let slack = super::slack::body(&message, None).to_string();
    assert!(
        !slack.contains("<!") && !slack.contains("<@") && !slack.contains("javascript:"),
        "{slack}"
    );
    let (_, pager) = pagerduty::pager(&message).expect("an event");
    assert_eq!(
        pager["links"].as_array().map(Vec::len),
        Some(2),
        "runbook and page, not the script: {pager}"
    );

    let from = "watch@example.org".parse().expect("an address");
    let bytes = email::encode(
        &delivery("oncall", "email", message),
        "a@example.org",
        &from,
        &said,
        None,
    )
    .expect("a mail")
    .formatted();
    let text = String::from_utf8(bytes).expect("ASCII");
    let (head, _) = text.split_once("\r\n\r\n").expect("a head");
    for line in head.split("\r\n") {
        assert!(
            !line.starts_with("Bcc") && !line.starts_with("X-Evil") && !line.starts_with("Cc"),
            "{head}"
        );
    }
}

#[test]
fn settings_that_cannot_work_are_refused() {
    testing::provider();
    let bad = SendSettings {
        public_url: Some("watch.example.org".to_owned()),
        ..SendSettings::default()
    };
    assert!(
        Senders::new(bad)
            .err()
            .expect("refused")
            .contains("public_url")
    );
}

/// On a phone there is room for one line: it says how many problems the page has come to.
#[test]
fn a_short_update_of_a_gathered_page_says_how_many_problems_there_are() {
    let mut message = testing::amendment();
    message.lines.clear();
    let alone = incident::summary(&message, 400);
    assert!(alone.ends_with(&format!(": {}", message.output)), "{alone}");
    message.reason = "2 more problems of deploy D-417; now 3 CRITICAL".to_owned();
    message.lines = vec!["CRITICAL web2/http since 10:00".to_owned()];
    let gathered = incident::summary(&message, 400);
    assert!(
        gathered.ends_with(": 2 more problems of deploy D-417; now 3 CRITICAL"),
        "{gathered}"
    );
}
