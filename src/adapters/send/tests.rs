//! Snapshots of every channel's words, and the channels against real parts on loopback.

use expect_test::expect;
use serde_json::Value;

use super::{
    command::{self, Ended},
    email, incident,
    offers::MailOffer,
    pagerduty,
    senders::{SendResult, Senders},
    settings::SendSettings,
    slack,
    templates::Templates,
    testing::{
        self, amendment, contact, delivery, digest, hostile, problem, recovery, with_suspects,
    },
    webhook, words,
};
use crate::{
    base::secret::Secret,
    domain::model::message::{Kind, Message, Urgency},
};

mod block_rules;
pub mod http;
mod loops;
mod offers;
mod services;
mod shell;
mod smtp;

fn mail(message: &Message) -> email::MailText {
    let templates = Templates::new(&std::collections::BTreeMap::new()).expect("built in");
    let said = email::render(
        &templates,
        message,
        &contact(),
        Some("https://watch.example.org"),
        &MailOffer::default(),
    );
    assert_eq!(said.faults, Vec::<String>::new());
    said
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("a value is JSON")
}

#[test]
fn subjects_lead_with_state_and_object_and_deploy() {
    let mut lines: Vec<String> = [
        problem(),
        with_suspects(1),
        with_suspects(3),
        recovery(),
        amendment(),
        digest(),
    ]
    .iter()
    .map(words::subject)
    .collect();
    for kind in [
        Kind::Acknowledgement,
        Kind::FlappingStart,
        Kind::FlappingStop,
        Kind::FlappingDisabled,
        Kind::DowntimeStart,
        Kind::DowntimeEnd,
        Kind::DowntimeCancelled,
        Kind::Custom,
        Kind::Notice,
    ] {
        lines.push(words::subject(&Message {
            kind,
            author: Some("ann".to_owned()),
            ..with_suspects(1)
        }));
    }
    // One leads clearly: the others stand in the body only.
    let mut led = with_suspects(3);
    led.deploy.verdict = crate::domain::model::deploy::Verdict::Suspect;
    lines.push(words::subject(&led));
    lines.push(words::subject(&Message {
        number: 3,
        ..problem()
    }));
    lines.push(words::subject(&Message {
        check: None,
        state: "DOWN".to_owned(),
        ..problem()
    }));
    expect![[r#"
        CRITICAL web1/http
        CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann)
        CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann) or 1 other
        OK web1/http - recovered; it failed after deploy D-417 (shop 1.4.7 by ann)
        CRITICAL web1/http - update, after deploy D-417 (shop 1.4.7 by ann)
        DIGEST deploy D-417 (shop 1.4.7 by ann)
        CRITICAL web1/http - acknowledged by ann, after deploy D-417 (shop 1.4.7 by ann)
        CRITICAL web1/http - flapping, after deploy D-417 (shop 1.4.7 by ann)
        CRITICAL web1/http - stopped flapping
        CRITICAL web1/http - flapping, detection switched off
        CRITICAL web1/http - downtime began
        CRITICAL web1/http - downtime ended
        CRITICAL web1/http - downtime cancelled
        CRITICAL web1/http - message from ann, after deploy D-417 (shop 1.4.7 by ann)
        CRITICAL web1/http - notice, deploy D-417 (shop 1.4.7 by ann)
        CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann)
        CRITICAL web1/http - reminder, notification 3
        DOWN web1"#]]
    .assert_eq(&lines.join("\n"));
}

#[test]
fn text_mail_of_a_plain_problem() {
    expect![[r#"
        CRITICAL web1/http
        HTTP CRITICAL - 502 Bad Gateway

        Why now: hard CRITICAL after 3 of 3 attempts
        Host:    web1 (192.0.2.1)
        Attempt: 3 of 3, HARD
        Since:   2026-03-02 10:06:00 UTC, for 30s
        When:    2026-03-02 10:06:30 UTC

        runbook: https://wiki.example.org/http
        deploywatch: https://watch.example.org

        upstream shop-3 refused the connection
        upstream shop-4 refused the connection

        -- 
        Told to oncall by deploywatch.
    "#]]
    .assert_eq(&mail(&problem()).text);
}

#[test]
fn text_mail_with_a_suspect() {
    expect![[r#"
        CRITICAL web1/http
        HTTP CRITICAL - 502 Bad Gateway

        Suspect deploy:
        D-417: shop 1.4.7 to production, by ann (likely)
          https://ci.example.org/417
          - the first bad result came 40s after web1 was deployed
          - web1 was fine in the 60 results before

        Why now: hard CRITICAL after 3 of 3 attempts
        Host:    web1 (192.0.2.1)
        Attempt: 3 of 3, HARD
        Since:   2026-03-02 10:06:00 UTC, for 30s
        When:    2026-03-02 10:06:30 UTC

        runbook: https://wiki.example.org/http
        deploywatch: https://watch.example.org

        upstream shop-3 refused the connection
        upstream shop-4 refused the connection

        -- 
        Told to oncall by deploywatch.
    "#]]
    .assert_eq(&mail(&with_suspects(1)).text);
}

#[test]
fn a_page_that_only_lists_weak_deploys_is_about_its_object() {
    for count in [1, 3] {
        let mut page = with_suspects(count);
        page.deploy.verdict = crate::domain::model::deploy::Verdict::None;
        assert_eq!(words::subject(&page), "CRITICAL web1/http");
        assert_eq!(words::headline(&page), "CRITICAL web1/http");
        assert!(!words::about_deploy(&page));
        let (_, body) = pager(&page).expect("an event");
        assert_eq!(body["payload"]["group"], Value::Null);
        let text = mail(&page).text;
        assert!(text.starts_with("CRITICAL web1/http\n"), "{text}");
        assert!(text.contains("No suspect; deployed close by:"), "{text}");
        assert!(text.contains("Attempt: 3 of 3, HARD"), "{text}");
    }
    assert!(words::about_deploy(&digest()));
}

#[test]
fn text_mail_with_three_suspects() {
    expect![[r#"
        CRITICAL web1/http
        HTTP CRITICAL - 502 Bad Gateway

        Suspect deploys, likeliest first:
        D-417: shop 1.4.7 to production, by ann (likely)
          https://ci.example.org/417
          - the first bad result came 40s after web1 was deployed
          - web1 was fine in the 60 results before
        D-418: shop 1.4.8 to production, by ann (possible)
          https://ci.example.org/418
          - the first bad result came 40s after web1 was deployed
          - web1 was fine in the 60 results before
        D-419: shop 1.4.9 to production, by ann (weak)
          https://ci.example.org/419
          - the first bad result came 40s after web1 was deployed
          - web1 was fine in the 60 results before

        Why now: hard CRITICAL after 3 of 3 attempts
        Host:    web1 (192.0.2.1)
        Attempt: 3 of 3, HARD
        Since:   2026-03-02 10:06:00 UTC, for 30s
        When:    2026-03-02 10:06:30 UTC

        runbook: https://wiki.example.org/http
        deploywatch: https://watch.example.org

        upstream shop-3 refused the connection
        upstream shop-4 refused the connection

        -- 
        Told to oncall by deploywatch.
    "#]]
    .assert_eq(&mail(&with_suspects(3)).text);
}

#[test]
fn text_mail_of_a_recovery() {
    expect![[r#"
        OK web1/http - recovered
        HTTP OK

        Deploy suspected while it lasted:
        D-417: shop 1.4.7 to production, by ann (likely)
          https://ci.example.org/417
          - the first bad result came 40s after web1 was deployed
          - web1 was fine in the 60 results before

        Why now: OK again
        Host:    web1 (192.0.2.1)
        Attempt: 1 of 3, HARD
        Failed:  2026-03-02 10:06:00 UTC, for 3m
        When:    2026-03-02 10:09:00 UTC

        runbook: https://wiki.example.org/http
        deploywatch: https://watch.example.org

        -- 
        Told to oncall by deploywatch.
    "#]]
    .assert_eq(&mail(&recovery()).text);
}

#[test]
fn text_mail_of_an_amendment() {
    expect![[r#"
        CRITICAL web1/http - update
        HTTP CRITICAL - 502 Bad Gateway

        Suspect deploy:
        D-417: shop 1.4.7 to production, by ann (likely)
          https://ci.example.org/417
          - the first bad result came 40s after web1 was deployed
          - web1 was fine in the 60 results before

        Why now: deploy D-417 was told only now; it began before this problem
        Host:    web1 (192.0.2.1)
        Attempt: 3 of 3, HARD
        Since:   2026-03-02 10:06:00 UTC, for 30s
        When:    2026-03-02 10:06:30 UTC

        runbook: https://wiki.example.org/http
        deploywatch: https://watch.example.org

        upstream shop-3 refused the connection
        upstream shop-4 refused the connection

        -- 
        Told to oncall by deploywatch.
    "#]]
    .assert_eq(&mail(&amendment()).text);
}

#[test]
fn text_mail_of_a_digest() {
    expect![[r#"
        DIGEST deploy D-417 (shop 1.4.7 by ann)
        deploy D-417 is over: 2 problems were held

        web1/http CRITICAL for 25s, recovered by itself
        web2/http CRITICAL for 31s, recovered by itself

        About this deploy:
        D-417: shop 1.4.7 to production, by ann
          https://ci.example.org/417

        When:    2026-03-02 10:06:30 UTC

        deploywatch: https://watch.example.org

        -- 
        Told to oncall by deploywatch.
    "#]]
    .assert_eq(&mail(&digest()).text);
}

#[test]
fn html_mail_with_a_suspect() {
    expect![[r#"
        <!doctype html>
        <html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"></head>
        <body style="margin:0;padding:12px;font:16px/1.4 sans-serif;color:#222;overflow-wrap:anywhere">
        <div style="border-left:6px solid #cc0000;padding-left:10px">
        <div style="font-size:20px;font-weight:bold">CRITICAL web1&#x2f;http</div>
        <div style="font-family:monospace;margin-top:4px">HTTP CRITICAL - 502 Bad Gateway</div>
        </div>
        <h3 style="margin:16px 0 4px">Suspect deploy</h3>
        <div style="margin-bottom:8px">
        <a href="https:&#x2f;&#x2f;ci.example.org&#x2f;417">D-417</a>: shop 1.4.7 to production, by ann (likely)
        <ul style="margin:2px 0"><li>the first bad result came 40s after web1 was deployed</li><li>web1 was fine in the 60 results before</li></ul>
        </div>
        <table style="font-size:14px;color:#555;margin-top:12px">
        <tr valign="top"><td nowrap>Why now</td><td>hard CRITICAL after 3 of 3 attempts</td></tr>
        <tr valign="top"><td nowrap>Host</td><td>web1 (192.0.2.1)</td></tr>
        <tr valign="top"><td nowrap>Attempt</td><td>3 of 3, HARD</td></tr>
        <tr valign="top"><td nowrap>Since</td><td>2026-03-02 10:06:00 UTC, for 30s</td></tr>
        <tr valign="top"><td nowrap>When</td><td>2026-03-02 10:06:30 UTC</td></tr>
        </table>
        <p><a href="https:&#x2f;&#x2f;wiki.example.org&#x2f;http">runbook</a> · <a href="https:&#x2f;&#x2f;watch.example.org">deploywatch</a></p>
        <pre style="white-space:pre-wrap;font-size:13px;background:#f4f4f4;padding:8px">upstream shop-3 refused the connection
        upstream shop-4 refused the connection</pre>
        <p style="font-size:12px;color:#888">Told to oncall by deploywatch.</p>
        </body></html>
    "#]].assert_eq(&mail(&with_suspects(1)).html);
}

#[test]
fn text_mails_fit_a_phone() {
    let long = "word ".repeat(60);
    let mut message = with_suspects(3);
    message.output = long.clone();
    message.reason = long.clone();
    message.notes = Some(long.clone());
    message.comment = Some(long.clone());
    message.lines = vec![long.clone()];
    message.deploy.suspects[0].evidence.push(long);
    let text = mail(&message).text;
    let widest = text
        .lines()
        .max_by_key(|line| line.chars().count())
        .expect("lines");
    assert!(widest.chars().count() <= 72, "{widest}");
    assert!(!text.contains("\n\n\n"), "no gaps:\n{text}");
}

#[test]
fn webhook_body_is_version_1() {
    expect![[r#"
        {
          "version": 1,
          "kind": "problem",
          "urgency": "high",
          "reason": "hard CRITICAL after 3 of 3 attempts",
          "dedup_key": "web1/http#7",
          "at": "2026-03-02T10:06:30Z",
          "host": "web1",
          "address": "192.0.2.1",
          "check": "http",
          "state": "CRITICAL",
          "state_type": "HARD",
          "attempt": 3,
          "max_attempts": 3,
          "number": 1,
          "since": "2026-03-02T10:06:00Z",
          "output": "HTTP CRITICAL - 502 Bad Gateway",
          "long_output": "upstream shop-3 refused the connection\nupstream shop-4 refused the connection",
          "perfdata": "time=3s;1;2",
          "deploy": {
            "verdict": "suspect",
            "suspects": [
              {
                "id": "D-417",
                "app": "shop",
                "environment": "production",
                "version": "1.4.7",
                "actors": [
                  "ann"
                ],
                "url": "https://ci.example.org/417",
                "strength": "likely",
                "relation": "exact",
                "evidence": [
                  "the first bad result came 40s after web1 was deployed",
                  "web1 was fine in the 60 results before"
                ]
              }
            ],
            "ruled_out": []
          },
          "author": null,
          "comment": null,
          "notes": null,
          "notes_url": "https://wiki.example.org/http",
          "lines": [],
          "links": [
            {
              "text": "runbook",
              "href": "https://wiki.example.org/http"
            },
            {
              "text": "deploy D-417",
              "href": "https://ci.example.org/417"
            }
          ]
        }"#]].assert_eq(&pretty(&webhook::body(&with_suspects(1))));
}

#[test]
fn webhook_bodies_of_other_kinds() {
    for (message, kind, verdict, suspects) in [
        (problem(), "problem", "none", 0),
        (with_suspects(3), "problem", "suspects", 3),
        (recovery(), "recovery", "suspect", 1),
        (amendment(), "amendment", "suspect", 1),
        (digest(), "digest", "none", 1),
    ] {
        let body = webhook::body(&message);
        assert_eq!(body["version"], 1);
        assert_eq!(body["kind"], kind);
        assert_eq!(body["dedup_key"], message.dedup_key);
        assert_eq!(body["deploy"]["verdict"], verdict);
        assert_eq!(
            body["deploy"]["suspects"].as_array().map(Vec::len),
            Some(suspects)
        );
    }
    assert_eq!(webhook::body(&digest())["check"], Value::Null);
    assert_eq!(
        webhook::body(&hostile())["output"],
        hostile().output,
        "JSON carries the original"
    );
}

#[test]
fn slack_body_with_a_suspect() {
    expect![[r##"
        {
          "text": "CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann)",
          "unfurl_links": false,
          "attachments": [
            {
              "color": "#cc0000",
              "fallback": "CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann)",
              "blocks": [
                {
                  "type": "section",
                  "text": {
                    "type": "mrkdwn",
                    "text": "```HTTP CRITICAL - 502 Bad Gateway```"
                  }
                },
                {
                  "type": "section",
                  "text": {
                    "type": "mrkdwn",
                    "text": "*Suspect deploy*\n<https://ci.example.org/417|D-417>: shop 1.4.7 to production, by ann (likely)\n• the first bad result came 40s after web1 was deployed\n• web1 was fine in the 60 results before"
                  }
                },
                {
                  "type": "context",
                  "elements": [
                    {
                      "type": "mrkdwn",
                      "text": "hard CRITICAL after 3 of 3 attempts · since 2026-03-02 10:06:00 UTC, for 30s · <https://wiki.example.org/http|runbook> · <https://watch.example.org|deploywatch>"
                    }
                  ]
                }
              ]
            }
          ]
        }"##]].assert_eq(&pretty(&slack::body(&with_suspects(1), Some("https://watch.example.org"))));
}

#[test]
fn slack_body_of_a_plain_problem_and_a_digest() {
    expect![[r##"
        {
          "text": "CRITICAL web1/http",
          "unfurl_links": false,
          "attachments": [
            {
              "color": "#cc0000",
              "fallback": "CRITICAL web1/http",
              "blocks": [
                {
                  "type": "section",
                  "text": {
                    "type": "mrkdwn",
                    "text": "```HTTP CRITICAL - 502 Bad Gateway```"
                  }
                },
                {
                  "type": "context",
                  "elements": [
                    {
                      "type": "mrkdwn",
                      "text": "hard CRITICAL after 3 of 3 attempts · since 2026-03-02 10:06:00 UTC, for 30s · <https://wiki.example.org/http|runbook>"
                    }
                  ]
                }
              ]
            }
          ]
        }"##]].assert_eq(&pretty(&slack::body(&problem(), None)));
    expect![[r##"
        {
          "text": "DIGEST deploy D-417 (shop 1.4.7 by ann)",
          "unfurl_links": false,
          "attachments": [
            {
              "color": "#439fe0",
              "fallback": "DIGEST deploy D-417 (shop 1.4.7 by ann)",
              "blocks": [
                {
                  "type": "section",
                  "text": {
                    "type": "mrkdwn",
                    "text": "deploy D-417 is over: 2 problems were held"
                  }
                },
                {
                  "type": "section",
                  "text": {
                    "type": "mrkdwn",
                    "text": "web1/http CRITICAL for 25s, recovered by itself\nweb2/http CRITICAL for 31s, recovered by itself"
                  }
                },
                {
                  "type": "section",
                  "text": {
                    "type": "mrkdwn",
                    "text": "*About this deploy*\n<https://ci.example.org/417|D-417>: shop 1.4.7 to production, by ann"
                  }
                },
                {
                  "type": "context",
                  "elements": [
                    {
                      "type": "mrkdwn",
                      "text": "2026-03-02 10:06:30 UTC"
                    }
                  ]
                }
              ]
            }
          ]
        }"##]].assert_eq(&pretty(&slack::body(&digest(), None)));
}

#[test]
fn slack_bodies_stay_within_the_limits() {
    let mut message = with_suspects(3);
    message.output = "<&>".repeat(5000);
    message.lines = vec!["<&>".repeat(500); 300];
    message.deploy.suspects[1].evidence = vec!["<&>".repeat(500); 30];
    let body = slack::body(&message, None);
    let blocks = body["attachments"][0]["blocks"].as_array().expect("blocks");
    assert!(blocks.len() <= 50);
    for block in blocks {
        let text = block["text"]["text"]
            .as_str()
            .or(block["elements"][0]["text"].as_str())
            .expect("text");
        assert!(text.chars().count() <= 3000, "{}", text.len());
    }
}

fn pager(message: &Message) -> Option<(String, Value)> {
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

#[test]
fn hostile_text_is_harmless_everywhere() {
    let message = hostile();
    let said = mail(&message);
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
    let slack = slack::body(&message, None).to_string();
    assert!(
        !slack.contains("<!") && !slack.contains("<@") && !slack.contains("javascript:"),
        "{slack}"
    );
    let (_, pager) = pager(&message).expect("an event");
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
fn mails_about_one_problem_share_a_thread() {
    let from = "Watch <watch@example.org>".parse().expect("an address");
    let head = |message: Message| {
        let said = mail(&message);
        let mut delivery = delivery("oncall", "email", message);
        delivery.key = format!("{}:{:?}", delivery.key, delivery.message.kind);
        let bytes = email::encode(
            &delivery,
            "a@example.org, b@example.org",
            &from,
            &said,
            None,
        )
        .expect("a mail")
        .formatted();
        let text = String::from_utf8(bytes).expect("ASCII");
        text.split_once("\r\n\r\n").expect("a head").0.to_owned()
    };
    let (first, last) = (head(with_suspects(1)), head(recovery()));
    let value = |head: &str, name: &str| {
        head.replace("\r\n ", " ")
            .split("\r\n")
            .find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned))
            .unwrap_or_default()
    };
    assert_eq!(value(&first, "References"), value(&last, "References"));
    assert_eq!(value(&first, "In-Reply-To"), value(&first, "References"));
    assert_ne!(value(&first, "Message-ID"), value(&last, "Message-ID"));
    assert_eq!(head(recovery()), last, "the same delivery is the same mail");
    expect![[r#"
        From: Watch <watch@example.org>
        To: a@example.org, b@example.org
        Date: Mon, 02 Mar 2026 10:06:30 +0000
        Message-ID: <acec97bd97659e4f14cc8b61402bd666@example.org>
        In-Reply-To: <thread.17e93552e4701c639796412d56095450@example.org>
        References: <thread.17e93552e4701c639796412d56095450@example.org>
        Subject: CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann)
        Auto-Submitted: auto-generated
        X-Deploywatch-Key: web1/http#7:oncall:email:Problem
        Importance: high
        MIME-Version: 1.0
        Content-Type: multipart/alternative;
         boundary="part-acec97bd97659e4f14cc8b61402bd666""#]]
    .assert_eq(&first.replace("\r\n", "\n"));
}

#[test]
fn addresses_that_cannot_work_are_told() {
    let from = "watch@example.org".parse().expect("an address");
    let why = email::encode(
        &delivery("ann", "email", problem()),
        "ann at home",
        &from,
        &mail(&problem()),
        None,
    )
    .expect_err("no address");
    assert!(
        why.starts_with("`ann at home`, the address of contact ann, is not an e-mail address"),
        "{why}"
    );
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

#[test]
fn commands_see_nagios_macros() {
    let run = |message: &Message| {
        command::encode(
            message,
            &contact(),
            "s $SERVICEDESC$ $_SERVICEX$ $NOPE$ $$",
            "h $HOSTSTATE$",
            "`$\"'",
        )
        .expect("a line")
        .line
    };
    assert_eq!(run(&problem()), "s http  $NOPE$ $");
    assert_eq!(
        run(&Message {
            check: None,
            state: "DOWN".to_owned(),
            ..problem()
        }),
        "h DOWN"
    );
    let empty = command::encode(&problem(), &contact(), " ", "h", "")
        .err()
        .expect("refused");
    assert!(empty.contains("for checks is empty"), "{empty}");
    let mut long = problem();
    long.output = "x".repeat(50_000);
    let template = "$SERVICEOUTPUT$".repeat(20);
    assert!(
        command::encode(&long, &contact(), &template, "", "")
            .err()
            .expect("refused")
            .contains("NAGIOS_")
    );
}

#[test]
fn ends_of_commands_are_read() {
    let code = |code| Ended::Code {
        code,
        said: ": no".to_owned(),
    };
    assert!(matches!(
        command::classify(&code(0)),
        SendResult::Sent { .. }
    ));
    for ended in [
        code(1),
        code(127),
        Ended::Signal {
            signal: 9,
            said: String::new(),
        },
        Ended::TimedOut {
            after: std::time::Duration::from_secs(30),
            said: String::new(),
        },
        Ended::CannotStart {
            why: "x".to_owned(),
        },
    ] {
        assert!(
            matches!(command::classify(&ended), SendResult::Retry { .. }),
            "{ended:?}"
        );
    }
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
