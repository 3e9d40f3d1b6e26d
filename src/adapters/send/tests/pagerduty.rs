//! PagerDuty's events: what they say, which action each kind is, and their limits.

use expect_test::expect;
use serde_json::Value;

use super::{
    super::{
        pagerduty,
        testing::{amendment, digest, problem, recovery, with_suspects},
    },
    pretty,
};
use crate::{
    base::secret::Secret,
    domain::model::message::{Kind, Message, Urgency},
};

pub(super) fn pager(message: &Message) -> Option<(String, Value)> {
    let request = pagerduty::encode(
        message,
        "the-key",
        &Secret::new("R0UT1NG"),
        "https://events.pagerduty.com",
        Some("https://watch.example.org"),
    )?;
    Some((
        request.url,
        serde_json::from_str(&request.body).expect("JSON"),
    ))
}

#[test]
fn pagerduty_event_with_a_suspect() {
    let (url, body) = pager(&with_suspects(1)).expect("an event");
    assert_eq!(url, "https://events.pagerduty.com/v2/enqueue");
    expect![[r#"
        {
          "event_action": "trigger",
          "dedup_key": "web1/http#7",
          "client": "deploywatch",
          "client_url": "https://watch.example.org",
          "payload": {
            "summary": "CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann): HTTP CRITICAL - 502 Bad Gateway",
            "source": "web1",
            "severity": "critical",
            "timestamp": "2026-03-02T10:06:30Z",
            "component": "http",
            "group": "shop",
            "class": "problem",
            "custom_details": {
              "object": "web1/http",
              "address": "192.0.2.1",
              "state": "CRITICAL",
              "attempt": "3 of 3, HARD",
              "why_now": "hard CRITICAL after 3 of 3 attempts",
              "since": "2026-03-02 10:06:00 UTC",
              "output": "HTTP CRITICAL - 502 Bad Gateway",
              "long_output": "upstream shop-3 refused the connection\nupstream shop-4 refused the connection",
              "perfdata": "time=3s;1;2",
              "verdict": "suspect",
              "suspects": [
                {
                  "deploy": "D-417 (shop 1.4.7 by ann)",
                  "environment": "production",
                  "strength": "likely",
                  "url": "https://ci.example.org/417",
                  "evidence": [
                    "the first bad result came 40s after web1 was deployed",
                    "web1 was fine in the 60 results before"
                  ]
                }
              ],
              "author": null,
              "comment": null,
              "notes": null,
              "lines": []
            }
          },
          "links": [
            {
              "href": "https://wiki.example.org/http",
              "text": "runbook"
            },
            {
              "href": "https://ci.example.org/417",
              "text": "deploy D-417"
            },
            {
              "href": "https://watch.example.org",
              "text": "deploywatch"
            }
          ],
          "routing_key": "R0UT1NG"
        }"#]].assert_eq(&pretty(&body));
}

#[test]
fn pagerduty_change_of_a_digest() {
    let (url, body) = pager(&digest()).expect("a change");
    assert_eq!(url, "https://events.pagerduty.com/v2/change/enqueue");
    expect![[r#"
        {
          "payload": {
            "summary": "DIGEST deploy D-417 (shop 1.4.7 by ann): deploy D-417 is over: 2 problems were held",
            "timestamp": "2026-03-02T10:06:30Z",
            "source": "deploywatch",
            "custom_details": {
              "deploy_id": "D-417",
              "service": "shop",
              "environment": "production",
              "version": "1.4.7",
              "actors": [
                "ann"
              ],
              "phase": "digest",
              "reason": "deploy D-417 is over: 2 problems were held",
              "lines": [
                "web1/http CRITICAL for 25s, recovered by itself",
                "web2/http CRITICAL for 31s, recovered by itself"
              ]
            }
          },
          "links": [
            {
              "href": "https://ci.example.org/417",
              "text": "deploy D-417"
            },
            {
              "href": "https://watch.example.org",
              "text": "deploywatch"
            }
          ],
          "routing_key": "R0UT1NG"
        }"#]]
    .assert_eq(&pretty(&body));
}

#[test]
fn pagerduty_actions_follow_the_kind() {
    let action = |kind, state: &str| {
        let message = Message {
            kind,
            state: state.to_owned(),
            ..problem()
        };
        pager(&message)
            .map(|(_, body)| body["event_action"].as_str().expect("an action").to_owned())
    };
    for (kind, state, expected) in [
        (Kind::Problem, "CRITICAL", Some("trigger")),
        (Kind::Amendment, "CRITICAL", Some("trigger")),
        (Kind::FlappingStart, "WARNING", Some("trigger")),
        (Kind::Acknowledgement, "CRITICAL", Some("acknowledge")),
        (Kind::Recovery, "OK", Some("resolve")),
        (Kind::FlappingStop, "OK", Some("resolve")),
        (Kind::FlappingStop, "CRITICAL", Some("trigger")),
        (Kind::Custom, "OK", Some("trigger")),
        (Kind::DowntimeStart, "CRITICAL", None),
        (Kind::Notice, "CRITICAL", None),
        (Kind::Digest, "", None),
    ] {
        assert_eq!(action(kind, state).as_deref(), expected, "{kind:?} {state}");
    }
    let about_deploy = |urgency| {
        let message = Message {
            kind: Kind::Notice,
            urgency,
            ..with_suspects(1)
        };
        let (_, body) = pager(&message).expect("an event");
        body["event_action"].as_str().map(str::to_owned)
    };
    assert_eq!(about_deploy(Urgency::High).as_deref(), Some("trigger"));
    assert_eq!(about_deploy(Urgency::Low), None, "a change event");
    // What is learned of a problem that is over reopens no incident, though the object be in another one by now.
    for state in ["OK", "CRITICAL"] {
        let note = Message {
            urgency: Urgency::Low,
            state: state.to_owned(),
            ..amendment()
        };
        let (url, _) = pager(&note).expect("a change");
        assert!(url.ends_with("/v2/change/enqueue"), "{url}");
    }
    let nobody = Message {
        kind: Kind::Amendment,
        urgency: Urgency::Low,
        ..problem()
    };
    assert_eq!(pager(&nobody), None);
    let key = |message: &Message| pager(message).expect("an event").1["dedup_key"].clone();
    assert_eq!(
        key(&amendment()),
        key(&recovery()),
        "one incident from problem to recovery"
    );
    assert_eq!(
        key(&Message {
            kind: Kind::Custom,
            ..problem()
        }),
        "the-key",
        "nothing would resolve it"
    );
}

#[test]
fn pagerduty_limits_and_severity() {
    let severity = |urgency, state: &str| {
        let message = Message {
            urgency,
            state: state.to_owned(),
            ..problem()
        };
        pager(&message).expect("an event").1["payload"]["severity"]
            .as_str()
            .expect("text")
            .to_owned()
    };
    assert_eq!(severity(Urgency::High, "CRITICAL"), "critical");
    assert_eq!(severity(Urgency::High, "DOWN"), "critical");
    assert_eq!(severity(Urgency::High, "UNKNOWN"), "error");
    assert_eq!(severity(Urgency::High, "WARNING"), "warning");
    assert_eq!(severity(Urgency::Low, "CRITICAL"), "warning");
    let long = |end: &str| Message {
        dedup_key: format!("{}{end}", "é".repeat(300)),
        output: "x".repeat(9000),
        ..problem()
    };
    let key = |end| {
        pager(&long(end)).expect("an event").1["dedup_key"]
            .as_str()
            .expect("text")
            .to_owned()
    };
    assert!(key("a").len() <= 255 && key("a") != key("b"));
    let body = pager(&long("a")).expect("an event").1;
    assert!(body["payload"]["summary"].as_str().expect("text").len() <= 1024);
}
