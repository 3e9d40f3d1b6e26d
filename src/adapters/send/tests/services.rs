//! Every service: what is sent for the same messages, and what its documented answers mean.

use std::{collections::BTreeMap, time::Duration};

use expect_test::expect;
use serde_json::Value;

use super::{
    super::{
        http::{Reply, Request},
        senders::SendResult,
        service, syslog,
        testing::{amendment, delivery, digest, hostile, problem, recovery, with_suspects},
    },
    pretty,
};
use crate::{
    base::secret::Secret,
    domain::model::{
        message::{Kind, Message, Urgency},
        service::{Chat, Facility, Service},
    },
};

mod servers;

const PAGE: Option<&str> = Some("https://watch.example.org");
/// Part of every secret here, so that one look tells whether any of them shows.
const HIDDEN: &str = "S3CR3T";

/// All that are posted to, at this address.
fn all(url: &str) -> Vec<Service> {
    let url = url.to_owned();
    let secret = |name: &str| Secret::new(&format!("{name}-{HIDDEN}"));
    let mut all: Vec<Service> = Chat::ALL
        .into_iter()
        .map(|app| Service::Chat {
            app,
            webhook_url: Secret::new(&format!("{url}/hooks/{HIDDEN}")),
        })
        .collect();
    all.extend([
        Service::Telegram {
            url: url.clone(),
            token: secret("123:bot"),
            chat: "-1001".to_owned(),
            topic: Some(7),
        },
        Service::Ntfy {
            url: url.clone(),
            topic: secret("topic"),
            token: Some(secret("tk")),
        },
        Service::Pushover {
            url: url.clone(),
            token: secret("app"),
            user_key: secret("user"),
            emergency: false,
        },
        Service::Matrix {
            url: url.clone(),
            token: secret("syt"),
            room: "!ops:example.org".to_owned(),
        },
        Service::Opsgenie {
            url: url.clone(),
            api_key: secret("key"),
        },
        Service::VictorOps {
            url: url.clone(),
            api_key: secret("key"),
            route: "ops".to_owned(),
        },
        Service::Alertmanager {
            url: url.clone(),
            token: Some(secret("password")),
            username: Some("watch".to_owned()),
            labels: BTreeMap::from([("severity".to_owned(), "page".to_owned())]),
            keep: Duration::from_secs(7 * 24 * 3600),
        },
        Service::Twilio {
            url,
            account: "AC1".to_owned(),
            token: secret("auth"),
            from: "+15550100".to_owned(),
            to: "+4205550100".to_owned(),
            voice: false,
        },
    ]);
    all
}

fn named(name: &str) -> Service {
    let mut all = all("https://h");
    all.retain(|service| service.name() == name);
    all.pop().expect("known")
}

fn request(service: &Service, message: &Message) -> Option<Request> {
    service::encode(
        service,
        &delivery("oncall", service.name(), message.clone()),
        PAGE,
    )
}

fn body(name: &str, message: &Message) -> Value {
    let request = request(&named(name), message).expect("a request");
    serde_json::from_str(&request.body).expect("JSON")
}

/// The parts of a form, decoded.
fn form(body: &str) -> BTreeMap<String, String> {
    form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect()
}

#[test]
fn a_problem_with_a_suspect_in_the_words_of_each() {
    for (name, expected) in [
        (
            "teams",
            expect![[r#"
            {
              "type": "message",
              "attachments": [
                {
                  "contentType": "application/vnd.microsoft.card.adaptive",
                  "contentUrl": null,
                  "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "fallbackText": "CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann)",
                    "msteams": {
                      "width": "Full"
                    },
                    "body": [
                      {
                        "type": "RichTextBlock",
                        "spacing": "None",
                        "inlines": [
                          {
                            "type": "TextRun",
                            "text": "CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann)",
                            "weight": "Bolder",
                            "size": "Medium",
                            "color": "Attention"
                          }
                        ]
                      },
                      {
                        "type": "RichTextBlock",
                        "spacing": "Medium",
                        "inlines": [
                          {
                            "type": "TextRun",
                            "text": "HTTP CRITICAL - 502 Bad Gateway"
                          }
                        ]
                      },
                      {
                        "type": "RichTextBlock",
                        "spacing": "Medium",
                        "inlines": [
                          {
                            "type": "TextRun",
                            "text": "Suspect deploy"
                          }
                        ]
                      },
                      {
                        "type": "RichTextBlock",
                        "spacing": "None",
                        "inlines": [
                          {
                            "type": "TextRun",
                            "text": "D-417: shop 1.4.7 to production, by ann (likely)"
                          }
                        ]
                      },
                      {
                        "type": "RichTextBlock",
                        "spacing": "None",
                        "inlines": [
                          {
                            "type": "TextRun",
                            "text": "- the first bad result came 40s after web1 was deployed"
                          }
                        ]
                      },
                      {
                        "type": "RichTextBlock",
                        "spacing": "None",
                        "inlines": [
                          {
                            "type": "TextRun",
                            "text": "- web1 was fine in the 60 results before"
                          }
                        ]
                      },
                      {
                        "type": "RichTextBlock",
                        "spacing": "Medium",
                        "inlines": [
                          {
                            "type": "TextRun",
                            "text": "hard CRITICAL after 3 of 3 attempts · since 2026-03-02 10:06:00 UTC, for 30s",
                            "isSubtle": true,
                            "size": "Small"
                          }
                        ]
                      }
                    ],
                    "actions": [
                      {
                        "type": "Action.OpenUrl",
                        "title": "runbook",
                        "url": "https://wiki.example.org/http"
                      },
                      {
                        "type": "Action.OpenUrl",
                        "title": "deploy D-417",
                        "url": "https://ci.example.org/417"
                      },
                      {
                        "type": "Action.OpenUrl",
                        "title": "deploywatch",
                        "url": "https://watch.example.org"
                      }
                    ]
                  }
                }
              ]
            }"#]],
        ),
        (
            "mattermost",
            expect![[r##"
            {
              "text": "**CRITICAL web1/http - after deploy D-417 \\(shop 1.4.7 by ann\\)**",
              "attachments": [
                {
                  "color": "#cc0000",
                  "fallback": "CRITICAL web1/http - after deploy D-417 \\(shop 1.4.7 by ann\\)",
                  "text": "```\nHTTP CRITICAL - 502 Bad Gateway\n```\n\n**Suspect deploy**\n[D-417](https://ci.example.org/417): shop 1.4.7 to production, by ann (likely)\n- the first bad result came 40s after web1 was deployed\n- web1 was fine in the 60 results before\n\nhard CRITICAL after 3 of 3 attempts · since 2026-03-02 10:06:00 UTC, for 30s · [runbook](https://wiki.example.org/http) · [deploywatch](https://watch.example.org)"
                }
              ]
            }"##]],
        ),
        (
            "rocketchat",
            expect![[r##"
            {
              "text": "**CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann)**",
              "attachments": [
                {
                  "color": "#cc0000",
                  "fallback": "CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann)",
                  "text": "```\nHTTP CRITICAL - 502 Bad Gateway\n```\n\n**Suspect deploy**\n[D-417](https://ci.example.org/417): shop 1.4.7 to production, by ann (likely)\n- the first bad result came 40s after web1 was deployed\n- web1 was fine in the 60 results before\n\nhard CRITICAL after 3 of 3 attempts · since 2026-03-02 10:06:00 UTC, for 30s · [runbook](https://wiki.example.org/http) · [deploywatch](https://watch.example.org)"
                }
              ]
            }"##]],
        ),
        (
            "discord",
            expect![[r#"
            {
              "content": "**CRITICAL web1/http - after deploy D-417 \\(shop 1.4.7 by ann\\)**",
              "embeds": [
                {
                  "description": "```\nHTTP CRITICAL - 502 Bad Gateway\n```\n\n**Suspect deploy**\n[D-417](https://ci.example.org/417): shop 1.4.7 to production, by ann (likely)\n- the first bad result came 40s after web1 was deployed\n- web1 was fine in the 60 results before\n\nhard CRITICAL after 3 of 3 attempts · since 2026-03-02 10:06:00 UTC, for 30s · [runbook](https://wiki.example.org/http) · [deploywatch](https://watch.example.org)",
                  "color": 13369344,
                  "timestamp": "2026-03-02T10:06:30Z"
                }
              ],
              "allowed_mentions": {
                "parse": []
              },
              "flags": 0
            }"#]],
        ),
        (
            "google_chat",
            expect![[r#"
            {
              "text": "*CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann)*\n\n```\nHTTP CRITICAL - 502 Bad Gateway\n```\n\n*Suspect deploy*\n<https://ci.example.org/417|D-417>: shop 1.4.7 to production, by ann (likely)\n• the first bad result came 40s after web1 was deployed\n• web1 was fine in the 60 results before\n\nhard CRITICAL after 3 of 3 attempts · since 2026-03-02 10:06:00 UTC, for 30s · <https://wiki.example.org/http|runbook> · <https://watch.example.org|deploywatch>",
              "thread": {
                "threadKey": "web1/http#7"
              }
            }"#]],
        ),
        (
            "telegram",
            expect![[r#"
            {
              "chat_id": "-1001",
              "text": "<b>CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann)</b>\n\n<pre>HTTP CRITICAL - 502 Bad Gateway</pre>\n\n<b>Suspect deploy</b>\n<a href=\"https://ci.example.org/417\">D-417</a>: shop 1.4.7 to production, by ann (likely)\n• the first bad result came 40s after web1 was deployed\n• web1 was fine in the 60 results before\n\nhard CRITICAL after 3 of 3 attempts · since 2026-03-02 10:06:00 UTC, for 30s · <a href=\"https://wiki.example.org/http\">runbook</a> · <a href=\"https://watch.example.org\">deploywatch</a>",
              "parse_mode": "HTML",
              "link_preview_options": {
                "is_disabled": true
              },
              "disable_notification": false,
              "message_thread_id": 7
            }"#]],
        ),
        (
            "ntfy",
            expect![[r#"
            {
              "topic": "topic-S3CR3T",
              "title": "CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann)",
              "message": "HTTP CRITICAL - 502 Bad Gateway\n\nSuspect deploy\nD-417: shop 1.4.7 to production, by ann (likely)\n- the first bad result came 40s after web1 was deployed\n- web1 was fine in the 60 results before\n\nhard CRITICAL after 3 of 3 attempts · since 2026-03-02 10:06:00 UTC, for 30s",
              "priority": 5,
              "tags": [
                "rotating_light"
              ],
              "actions": [
                {
                  "action": "view",
                  "label": "runbook",
                  "url": "https://wiki.example.org/http"
                },
                {
                  "action": "view",
                  "label": "deploy D-417",
                  "url": "https://ci.example.org/417"
                },
                {
                  "action": "view",
                  "label": "deploywatch",
                  "url": "https://watch.example.org"
                }
              ],
              "click": "https://watch.example.org"
            }"#]],
        ),
        (
            "pushover",
            expect![[r#"
            {
              "token": "app-S3CR3T",
              "user": "user-S3CR3T",
              "title": "CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann)",
              "message": "HTTP CRITICAL - 502 Bad Gateway\n\nSuspect deploy\nD-417: shop 1.4.7 to production, by ann (likely)\n- the first bad result came 40s after web1 was deployed\n- web1 was fine in the 60 results before\n\nhard CRITICAL after 3 of 3 attempts · since 2026-03-02 10:06:00 UTC, for 30s",
              "priority": 1,
              "timestamp": 1772445990,
              "url": "https://wiki.example.org/http",
              "url_title": "runbook"
            }"#]],
        ),
        (
            "matrix",
            expect![[r#"
            {
              "msgtype": "m.text",
              "body": "CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann)\n\nHTTP CRITICAL - 502 Bad Gateway\n\nSuspect deploy\nD-417 <https://ci.example.org/417>: shop 1.4.7 to production, by ann (likely)\n- the first bad result came 40s after web1 was deployed\n- web1 was fine in the 60 results before\n\nhard CRITICAL after 3 of 3 attempts · since 2026-03-02 10:06:00 UTC, for 30s · runbook <https://wiki.example.org/http> · deploywatch <https://watch.example.org>",
              "format": "org.matrix.custom.html",
              "formatted_body": "<b>CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann)</b><br><br><pre>HTTP CRITICAL - 502 Bad Gateway</pre><br><br><b>Suspect deploy</b><br><a href=\"https://ci.example.org/417\">D-417</a>: shop 1.4.7 to production, by ann (likely)<br>• the first bad result came 40s after web1 was deployed<br>• web1 was fine in the 60 results before<br><br>hard CRITICAL after 3 of 3 attempts · since 2026-03-02 10:06:00 UTC, for 30s · <a href=\"https://wiki.example.org/http\">runbook</a> · <a href=\"https://watch.example.org\">deploywatch</a>",
              "m.mentions": {}
            }"#]],
        ),
        (
            "opsgenie",
            expect![[r#"
            {
              "message": "CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann)",
              "alias": "web1/http#7",
              "description": "CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann)\n\nHTTP CRITICAL - 502 Bad Gateway\n\nSuspect deploy\nD-417 <https://ci.example.org/417>: shop 1.4.7 to production, by ann (likely)\n- the first bad result came 40s after web1 was deployed\n- web1 was fine in the 60 results before\n\nhard CRITICAL after 3 of 3 attempts · since 2026-03-02 10:06:00 UTC, for 30s · runbook <https://wiki.example.org/http> · deploywatch <https://watch.example.org>",
              "priority": "P1",
              "entity": "web1/http",
              "source": "deploywatch",
              "tags": [
                "shop"
              ],
              "details": {
                "host": "web1",
                "address": "192.0.2.1",
                "check": "http",
                "state": "CRITICAL",
                "deploy": "deploy D-417 (shop 1.4.7 by ann)",
                "runbook": "https://wiki.example.org/http"
              }
            }"#]],
        ),
        (
            "victorops",
            expect![[r#"
            {
              "message_type": "CRITICAL",
              "entity_id": "web1/http#7",
              "entity_display_name": "CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann)",
              "state_message": "CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann)\n\nHTTP CRITICAL - 502 Bad Gateway\n\nSuspect deploy\nD-417 <https://ci.example.org/417>: shop 1.4.7 to production, by ann (likely)\n- the first bad result came 40s after web1 was deployed\n- web1 was fine in the 60 results before\n\nhard CRITICAL after 3 of 3 attempts · since 2026-03-02 10:06:00 UTC, for 30s · runbook <https://wiki.example.org/http> · deploywatch <https://watch.example.org>",
              "monitoring_tool": "deploywatch",
              "host_name": "web1",
              "timestamp": 1772445990,
              "service": "http",
              "deploy": "deploy D-417 (shop 1.4.7 by ann)",
              "state_start_time": 1772445960
            }"#]],
        ),
        (
            "alertmanager",
            expect![[r#"
            [
              {
                "labels": {
                  "severity": "page",
                  "alertname": "http",
                  "host": "web1",
                  "check": "http",
                  "monitor": "deploywatch"
                },
                "annotations": {
                  "summary": "CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann)",
                  "description": "HTTP CRITICAL - 502 Bad Gateway\n\nSuspect deploy\nD-417 <https://ci.example.org/417>: shop 1.4.7 to production, by ann (likely)\n- the first bad result came 40s after web1 was deployed\n- web1 was fine in the 60 results before\n\nhard CRITICAL after 3 of 3 attempts · since 2026-03-02 10:06:00 UTC, for 30s",
                  "state": "CRITICAL",
                  "deploy": "deploy D-417 (shop 1.4.7 by ann)",
                  "deploy_evidence": "the first bad result came 40s after web1 was deployed; web1 was fine in the 60 results before",
                  "deploy_url": "https://ci.example.org/417",
                  "runbook_url": "https://wiki.example.org/http"
                },
                "startsAt": "2026-03-02T10:06:00Z",
                "endsAt": "2026-03-09T10:06:30Z",
                "generatorURL": "https://watch.example.org"
              }
            ]"#]],
        ),
    ] {
        expected.assert_eq(&pretty(&body(name, &with_suspects(1))));
    }
}

#[test]
fn a_digest_in_the_words_of_each_that_takes_it() {
    for (name, expected) in [
        (
            "teams",
            expect![[r#"
            {
              "type": "message",
              "attachments": [
                {
                  "contentType": "application/vnd.microsoft.card.adaptive",
                  "contentUrl": null,
                  "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "fallbackText": "DIGEST deploy D-417 (shop 1.4.7 by ann)",
                    "msteams": {
                      "width": "Full"
                    },
                    "body": [
                      {
                        "type": "RichTextBlock",
                        "spacing": "None",
                        "inlines": [
                          {
                            "type": "TextRun",
                            "text": "DIGEST deploy D-417 (shop 1.4.7 by ann)",
                            "weight": "Bolder",
                            "size": "Medium",
                            "color": "Accent"
                          }
                        ]
                      },
                      {
                        "type": "RichTextBlock",
                        "spacing": "Medium",
                        "inlines": [
                          {
                            "type": "TextRun",
                            "text": "deploy D-417 is over: 2 problems were held"
                          }
                        ]
                      },
                      {
                        "type": "RichTextBlock",
                        "spacing": "Medium",
                        "inlines": [
                          {
                            "type": "TextRun",
                            "text": "web1/http CRITICAL for 25s, recovered by itself"
                          }
                        ]
                      },
                      {
                        "type": "RichTextBlock",
                        "spacing": "None",
                        "inlines": [
                          {
                            "type": "TextRun",
                            "text": "web2/http CRITICAL for 31s, recovered by itself"
                          }
                        ]
                      },
                      {
                        "type": "RichTextBlock",
                        "spacing": "Medium",
                        "inlines": [
                          {
                            "type": "TextRun",
                            "text": "About this deploy"
                          }
                        ]
                      },
                      {
                        "type": "RichTextBlock",
                        "spacing": "None",
                        "inlines": [
                          {
                            "type": "TextRun",
                            "text": "D-417: shop 1.4.7 to production, by ann"
                          }
                        ]
                      },
                      {
                        "type": "RichTextBlock",
                        "spacing": "Medium",
                        "inlines": [
                          {
                            "type": "TextRun",
                            "text": "2026-03-02 10:06:30 UTC",
                            "isSubtle": true,
                            "size": "Small"
                          }
                        ]
                      }
                    ],
                    "actions": [
                      {
                        "type": "Action.OpenUrl",
                        "title": "deploy D-417",
                        "url": "https://ci.example.org/417"
                      },
                      {
                        "type": "Action.OpenUrl",
                        "title": "deploywatch",
                        "url": "https://watch.example.org"
                      }
                    ]
                  }
                }
              ]
            }"#]],
        ),
        (
            "discord",
            expect![[r#"
            {
              "content": "**DIGEST deploy D-417 \\(shop 1.4.7 by ann\\)**",
              "embeds": [
                {
                  "description": "deploy D-417 is over: 2 problems were held\n\nweb1/http CRITICAL for 25s, recovered by itself\nweb2/http CRITICAL for 31s, recovered by itself\n\n**About this deploy**\n[D-417](https://ci.example.org/417): shop 1.4.7 to production, by ann\n\n2026-03-02 10:06:30 UTC · [deploywatch](https://watch.example.org)",
                  "color": 4431840,
                  "timestamp": "2026-03-02T10:06:30Z"
                }
              ],
              "allowed_mentions": {
                "parse": []
              },
              "flags": 4096
            }"#]],
        ),
        (
            "telegram",
            expect![[r#"
            {
              "chat_id": "-1001",
              "text": "<b>DIGEST deploy D-417 (shop 1.4.7 by ann)</b>\n\ndeploy D-417 is over: 2 problems were held\n\nweb1/http CRITICAL for 25s, recovered by itself\nweb2/http CRITICAL for 31s, recovered by itself\n\n<b>About this deploy</b>\n<a href=\"https://ci.example.org/417\">D-417</a>: shop 1.4.7 to production, by ann\n\n2026-03-02 10:06:30 UTC · <a href=\"https://watch.example.org\">deploywatch</a>",
              "parse_mode": "HTML",
              "link_preview_options": {
                "is_disabled": true
              },
              "disable_notification": true,
              "message_thread_id": 7
            }"#]],
        ),
        (
            "ntfy",
            expect![[r#"
            {
              "topic": "topic-S3CR3T",
              "title": "DIGEST deploy D-417 (shop 1.4.7 by ann)",
              "message": "deploy D-417 is over: 2 problems were held\n\nweb1/http CRITICAL for 25s, recovered by itself\nweb2/http CRITICAL for 31s, recovered by itself\n\nAbout this deploy\nD-417: shop 1.4.7 to production, by ann\n\n2026-03-02 10:06:30 UTC",
              "priority": 1,
              "tags": [
                "information_source"
              ],
              "actions": [
                {
                  "action": "view",
                  "label": "deploy D-417",
                  "url": "https://ci.example.org/417"
                },
                {
                  "action": "view",
                  "label": "deploywatch",
                  "url": "https://watch.example.org"
                }
              ],
              "click": "https://watch.example.org"
            }"#]],
        ),
    ] {
        expected.assert_eq(&pretty(&body(name, &digest())));
    }
}

#[test]
fn where_and_how_each_is_posted_to() {
    let lines: Vec<String> = all("https://h")
        .iter()
        .map(|service| {
            let request = request(service, &with_suspects(1)).expect("a request");
            let headers: Vec<String> = request
                .headers
                .iter()
                .map(|(name, value)| format!("\n    {name}: {value}"))
                .collect();
            format!(
                "{} {} {}{}",
                service.name(),
                service::method(service),
                request.url,
                headers.concat()
            )
        })
        .collect();
    expect![[r#"
        teams POST https://h/hooks/S3CR3T
        mattermost POST https://h/hooks/S3CR3T
        rocketchat POST https://h/hooks/S3CR3T
        discord POST https://h/hooks/S3CR3T?wait=true
        google_chat POST https://h/hooks/S3CR3T?messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD
        telegram POST https://h/bot123:bot-S3CR3T/sendMessage
        ntfy POST https://h/
            Authorization: Bearer tk-S3CR3T
        pushover POST https://h/1/messages.json
        matrix PUT https://h/_matrix/client/v3/rooms/%21ops%3Aexample.org/send/m.room.message/0d971dc56d3b5411ebdeecfe8fbbe336d888688ac88210baf50b744315725142
            Authorization: Bearer syt-S3CR3T
        opsgenie POST https://h/v2/alerts
            Authorization: GenieKey key-S3CR3T
        victorops POST https://h/integrations/generic/20131114/alert/key-S3CR3T/ops
        alertmanager POST https://h/api/v2/alerts
            Authorization: Basic d2F0Y2g6cGFzc3dvcmQtUzNDUjNU
        twilio POST https://h/2010-04-01/Accounts/AC1/Messages.json
            Content-Type: application/x-www-form-urlencoded
            Authorization: Basic QUMxOmF1dGgtUzNDUjNU"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn pagers_open_and_close_what_they_opened() {
    // Where Opsgenie's request goes below its alerts, what VictorOps is told, whether Alertmanager's alert goes on.
    let told = |message: &Message| {
        let opsgenie = request(&named("opsgenie"), message).map(|request| {
            let path = request.url.split('?').next().unwrap_or_default().to_owned();
            path.rsplit('/').next().unwrap_or_default().to_owned()
        });
        let victorops = request(&named("victorops"), message).map(|_| {
            let body = body("victorops", message);
            body["message_type"].as_str().unwrap_or_default().to_owned()
        });
        let alertmanager = request(&named("alertmanager"), message).map(|_| {
            let body = body("alertmanager", message);
            let ends = body[0]["endsAt"].as_str().unwrap_or_default().to_owned();
            if ends == message.at.to_string() {
                "ends"
            } else {
                "goes on"
            }
        });
        let phone = |voice| {
            let mut service = named("twilio");
            if let Service::Twilio { voice: calls, .. } = &mut service {
                *calls = voice;
            }
            request(&service, message).is_some()
        };
        format!(
            "{:<11} {:<15} {:<7} text {} call {}",
            opsgenie.as_deref().unwrap_or("-"),
            victorops.as_deref().unwrap_or("-"),
            alertmanager.unwrap_or("-"),
            phone(false),
            phone(true)
        )
    };
    let kind = |kind, state: &str| Message {
        kind,
        state: state.to_owned(),
        author: Some("ann".to_owned()),
        ..problem()
    };
    let lines: Vec<String> = [
        problem(),
        kind(Kind::Problem, "WARNING"),
        amendment(),
        recovery(),
        kind(Kind::Acknowledgement, "CRITICAL"),
        kind(Kind::FlappingStart, "CRITICAL"),
        kind(Kind::FlappingStop, "OK"),
        kind(Kind::FlappingStop, "CRITICAL"),
        kind(Kind::DowntimeStart, "CRITICAL"),
        kind(Kind::Custom, "OK"),
        kind(Kind::Notice, "CRITICAL"),
        Message {
            kind: Kind::Notice,
            ..with_suspects(1)
        },
        Message {
            urgency: Urgency::Low,
            ..amendment()
        },
        digest(),
    ]
    .iter()
    .map(|message| {
        format!(
            "{:<16} {:<9} {}",
            message.kind.name(),
            message.state,
            told(message)
        )
    })
    .collect();
    expect![[r#"
        problem          CRITICAL  alerts      CRITICAL        goes on text true call true
        problem          WARNING   alerts      WARNING         goes on text true call true
        amendment        CRITICAL  notes       CRITICAL        goes on text true call false
        recovery         OK        close       RECOVERY        ends    text true call false
        acknowledgement  CRITICAL  acknowledge ACKNOWLEDGEMENT -       text true call false
        flapping-start   CRITICAL  alerts      CRITICAL        goes on text true call true
        flapping-stop    OK        close       RECOVERY        ends    text true call false
        flapping-stop    CRITICAL  alerts      CRITICAL        goes on text true call true
        downtime-start   CRITICAL  -           -               -       text false call false
        custom           OK        alerts      WARNING         -       text true call true
        notice           CRITICAL  -           -               -       text false call false
        notice           CRITICAL  alerts      CRITICAL        goes on text true call true
        amendment        CRITICAL  -           INFO            -       text false call false
        digest           UP        -           INFO            -       text false call false"#]]
    .assert_eq(&lines.join("\n"));

    let alias = |message: &Message| body("opsgenie", message)["alias"].clone();
    let closed = request(&named("opsgenie"), &recovery()).expect("a request");
    assert_eq!(alias(&problem()), "web1/http#7");
    assert_eq!(
        closed.url,
        "https://h/v2/alerts/web1%2Fhttp%237/close?identifierType=alias"
    );
    let labels = |message: &Message| body("alertmanager", message)[0]["labels"].clone();
    let worse = Message {
        state: "WARNING".to_owned(),
        ..with_suspects(2)
    };
    assert_eq!(labels(&problem()), labels(&recovery()));
    assert_eq!(
        labels(&problem()),
        labels(&worse),
        "nothing in them changes"
    );
}

#[test]
fn how_loud_each_is() {
    let priority = |name: &str, message: &Message| match name {
        "ntfy" | "pushover" => body(name, message)["priority"].to_string(),
        "telegram" => format!("silent {}", body(name, message)["disable_notification"]),
        "discord" => format!("flags {}", body(name, message)["flags"]),
        "matrix" => body(name, message)["msgtype"].to_string(),
        _ => request(&named(name), message).map_or("-".to_owned(), |_| {
            body(name, message)["priority"].to_string()
        }),
    };
    let state = |state: &str, urgency| Message {
        state: state.to_owned(),
        urgency,
        ..problem()
    };
    let lines: Vec<String> = [
        ("CRITICAL", state("CRITICAL", Urgency::High)),
        ("UNKNOWN", state("UNKNOWN", Urgency::High)),
        ("WARNING", state("WARNING", Urgency::High)),
        ("recovery", recovery()),
        ("low", state("CRITICAL", Urgency::Low)),
        ("digest", digest()),
    ]
    .iter()
    .map(|(what, message)| {
        let all = [
            "ntfy", "pushover", "telegram", "discord", "matrix", "opsgenie",
        ]
        .map(|name| format!("{name} {}", priority(name, message)));
        format!("{what}: {}", all.join(", "))
    })
    .collect();
    expect![[r#"
        CRITICAL: ntfy 5, pushover 1, telegram silent false, discord flags 0, matrix "m.text", opsgenie "P1"
        UNKNOWN: ntfy 4, pushover 0, telegram silent false, discord flags 0, matrix "m.text", opsgenie "P2"
        WARNING: ntfy 4, pushover 0, telegram silent false, discord flags 0, matrix "m.text", opsgenie "P3"
        recovery: ntfy 2, pushover -1, telegram silent false, discord flags 0, matrix "m.text", opsgenie null
        low: ntfy 1, pushover -2, telegram silent true, discord flags 4096, matrix "m.notice", opsgenie "P5"
        digest: ntfy 1, pushover -2, telegram silent true, discord flags 4096, matrix "m.notice", opsgenie -"#]].assert_eq(&lines.join("\n"));
    let mut emergency = named("pushover");
    if let Service::Pushover { emergency, .. } = &mut emergency {
        *emergency = true;
    }
    let sent = request(&emergency, &problem()).expect("a request").body;
    let sent: Value = serde_json::from_str(&sent).expect("JSON");
    assert_eq!(
        (&sent["priority"], &sent["retry"], &sent["expire"]),
        (&2.into(), &60.into(), &3600.into())
    );
}

#[test]
fn texts_and_calls_are_forms() {
    let text = request(&named("twilio"), &with_suspects(1)).expect("a request");
    expect![[r#"
        {
            "Body": "CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann): HTTP CRITICAL - 502 Bad Gateway",
            "From": "+15550100",
            "To": "+4205550100",
        }"#]].assert_eq(&format!("{:#?}", form(&text.body)));
    let mut service = named("twilio");
    if let Service::Twilio { voice, from, .. } = &mut service {
        *voice = true;
        "+15550100".clone_into(from);
    }
    let call = request(&service, &hostile()).expect("a request");
    assert!(call.url.ends_with("/Calls.json"), "{}", call.url);
    expect![[r#"
        {
            "From": "+15550100",
            "To": "+4205550100",
            "Twiml": "<Response><Say loop=\"2\">CRITICAL web1  X-Evil: 1/http - after deploy D  &lt;@U1&gt; (shop 1.4.7 by &lt;b&gt;ann  Cc: x@y&lt;/b&gt;): x  Bcc: evil@example.org    &lt;script&gt;alert(1)&lt;/script&gt; &lt;!channel&gt; gpj. [31m</Say></Response>",
        }"#]].assert_eq(&format!("{:#?}", form(&call.body)));
    if let Service::Twilio { voice, from, .. } = &mut service {
        *voice = false;
        "MG42".clone_into(from);
    }
    let text = request(&service, &problem()).expect("a request");
    assert_eq!(form(&text.body)["MessagingServiceSid"], "MG42");
}

/// Everything that some service would take for more than text.
fn nasty() -> Message {
    let text = "@all @everyone <!channel> <users/all> <at>ann</at> [x](https://evil.example.org) <script>x</script> {{DATE(2026-01-01T00:00:00Z)}} **b** ``` <@1> </pre>";
    let mut message = hostile();
    message.reason = text.to_owned();
    message.output = format!("{text} ```\n@all");
    message.comment = Some(format!("{text}\n@here"));
    message.lines = vec![text.to_owned()];
    message.deploy.suspects[0].evidence = vec![text.to_owned()];
    message
}

#[test]
fn hostile_text_is_only_text() {
    for service in all("https://h") {
        let name = service.name();
        let request = request(&service, &nasty()).expect("a request");
        for header in &request.headers {
            assert!(!header.1.contains(['\r', '\n']), "{name}");
        }
        assert!(!request.url.contains(char::is_whitespace), "{name}");
        let text = if name == "twilio" {
            form(&request.body).into_values().collect::<String>()
        } else {
            let body: Value = serde_json::from_str(&request.body).expect("JSON");
            body.to_string()
        };
        assert!(
            !text.contains("\u{202e}") && !text.contains("\\u001b"),
            "{name}: {text}"
        );
        let forbidden: &[&str] = match name {
            "teams" => &["{{DATE", "\"TextBlock\"", "javascript:x", "\"entities\""],
            "mattermost" | "rocketchat" => &["[x](https"],
            "google_chat" => &["<users", "<!", "<at>"],
            "telegram" => &["<script", "<at>", "<@", "href=\\\"javascript"],
            _ => &[],
        };
        for word in forbidden {
            assert!(
                !outside_of_code(&text).contains(word),
                "{name}: {word} in {text}"
            );
        }
    }
    // Where verbatim text is left as it is, it must not end early.
    for name in ["mattermost", "rocketchat"] {
        let body = body(name, &nasty());
        let text = body["attachments"][0]["text"].as_str().expect("text");
        assert_eq!(text.matches("```").count(), 2, "{text}");
        assert!(!outside_of_code(text).contains("@all"), "{text}");
        assert!(!body["text"].as_str().expect("text").contains("@all"));
    }
    let discord = body("discord", &nasty());
    assert_eq!(
        discord["allowed_mentions"]["parse"],
        Value::Array(Vec::new())
    );
    let matrix = body("matrix", &nasty());
    let html = matrix["formatted_body"].as_str().expect("text");
    assert!(
        !html.contains("<script") && !html.contains("<at>"),
        "{html}"
    );
    assert_eq!(html.matches("</pre>").count(), 1, "{html}");
}

fn outside_of_code(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

#[test]
fn nothing_is_longer_than_its_receiver_takes() {
    let mut long = nasty();
    long.deploy = with_suspects(3).deploy;
    long.host = "h".repeat(3000);
    long.output = "<&>é@_".repeat(5000);
    long.reason = "_".repeat(5000);
    long.comment = Some("<\n".repeat(5000));
    long.lines = vec!["<&>".repeat(500); 300];
    long.dedup_key = "é".repeat(3000);
    for suspect in &mut long.deploy.suspects {
        suspect.evidence = vec!["<&>".repeat(500); 30];
    }
    let chars = |value: &Value| value.as_str().expect("text").chars().count();
    for (name, place, most) in [
        ("mattermost", "/attachments/0/text", 7600),
        ("discord", "/content", 2000),
        ("discord", "/embeds/0/description", 4096),
        ("telegram", "/text", 4096),
        ("ntfy", "/message", 4096),
        ("pushover", "/title", 250),
        ("pushover", "/message", 1024),
        ("opsgenie", "/message", 130),
        ("opsgenie", "/alias", 512),
        ("opsgenie", "/description", 15_000),
        ("opsgenie", "/entity", 512),
        ("victorops", "/entity_id", 512),
        ("google_chat", "/thread/threadKey", 4000),
    ] {
        let body = body(name, &long);
        let length = chars(body.pointer(place).expect("it is there"));
        assert!(length <= most && 0 < length, "{name}{place}: {length}");
    }
    for (name, most) in [
        ("teams", 28_000),
        ("rocketchat", 5000),
        ("ntfy", 16_000),
        ("google_chat", 32_000),
        ("matrix", 65_000),
        ("victorops", 20_000),
        ("alertmanager", 64_000),
    ] {
        let length = request(&named(name), &long).expect("a request").body.len();
        assert!(length <= most, "{name}: {length}");
    }
    let text = request(&named("twilio"), &long).expect("a request");
    assert!(form(&text.body)["Body"].chars().count() <= 1600);
    let line = syslog::encode(&long, Facility(3), "h", 1);
    assert!(line.len() <= 2048, "{}", line.len());
}

/// Answers as the services document them, and what is made of each.
#[test]
fn documented_answers_are_understood() {
    let told = |name: &str, status, body: &str| {
        let reply = Reply {
            status,
            retry_after: None,
            body: body.to_owned(),
        };
        match service::classify(&named(name), "h", &reply) {
            SendResult::Sent { receipt } => format!("sent: {receipt}"),
            SendResult::Retry { why, after } => {
                format!(
                    "retry after {:?}: {why}",
                    after.map(|after| after.as_secs())
                )
            }
            SendResult::Dead { why } => format!("dead: {why}"),
        }
    };
    let lines: Vec<String> = [
        ("teams", 202, ""),
        ("teams", 401, r#"{"error":{"code":"DirectApiAuthorizationRequired","message":"The OAuth authorization scheme is required."}}"#),
        ("mattermost", 200, "ok"),
        ("mattermost", 400, r#"{"id":"web.incoming_webhook.invalid.app_error","message":"Invalid webhook.","status_code":400}"#),
        ("rocketchat", 200, r#"{"success":true}"#),
        ("rocketchat", 401, r#"{"success":false,"error":"Invalid integration id or token provided."}"#),
        ("discord", 200, r#"{"id":"1186021003141881966","type":0,"content":"x"}"#),
        ("discord", 404, r#"{"message":"Unknown Webhook","code":10015}"#),
        ("discord", 429, r#"{"message":"You are being rate limited.","retry_after":64.57,"global":false}"#),
        ("google_chat", 200, r#"{"name":"spaces/AAA/messages/BBB"}"#),
        ("google_chat", 404, r#"{"error":{"code":404,"message":"Space not found","status":"NOT_FOUND"}}"#),
        ("telegram", 200, r#"{"ok":true,"result":{"message_id":365,"date":1772445990}}"#),
        ("telegram", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}"#),
        ("telegram", 400, r#"{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1001234567890}}"#),
        ("telegram", 401, r#"{"ok":false,"error_code":401,"description":"Unauthorized"}"#),
        ("telegram", 403, r#"{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}"#),
        ("telegram", 429, r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 35","parameters":{"retry_after":35}}"#),
        ("ntfy", 200, r#"{"id":"xE73Iyuabi","time":1673542291,"event":"message","topic":"t"}"#),
        ("ntfy", 403, r#"{"code":40301,"http":403,"error":"forbidden","link":"https://ntfy.sh/docs/publish/#authentication"}"#),
        ("ntfy", 429, r#"{"code":42908,"http":429,"error":"limit reached: daily message quota reached"}"#),
        ("pushover", 200, r#"{"status":1,"request":"647d2300-702c-4b38-8b2f-d56326ae460b"}"#),
        ("pushover", 400, r#"{"user":"invalid","errors":["user identifier is invalid"],"status":0,"request":"5042853c-402d-4a18-abcb-168734a801de"}"#),
        ("matrix", 200, r#"{"event_id":"$YUwRidLecu:example.com"}"#),
        ("matrix", 401, r#"{"errcode":"M_UNKNOWN_TOKEN","error":"Unrecognised access token"}"#),
        ("matrix", 403, r#"{"errcode":"M_FORBIDDEN","error":"User not in room"}"#),
        ("matrix", 429, r#"{"errcode":"M_LIMIT_EXCEEDED","error":"Too many requests","retry_after_ms":2000}"#),
        ("opsgenie", 202, r#"{"result":"Request will be processed","took":0.302,"requestId":"43a29c5c-3dbf-4fa4-9c26-f4f71023e120"}"#),
        ("opsgenie", 422, r#"{"message":"Key format is not valid!","took":0.001,"requestId":"x"}"#),
        ("opsgenie", 403, r#"{"message":"Api Key is not allowed","took":0.001}"#),
        ("victorops", 200, r#"{"result":"success","entity_id":"web1/http#7"}"#),
        ("victorops", 200, r#"{"result":"failure","message":"Invalid routing key"}"#),
        ("alertmanager", 200, ""),
        ("alertmanager", 400, r#""bad label name""#),
        ("alertmanager", 404, "404 page not found"),
        ("twilio", 201, r#"{"account_sid":"AC1","sid":"SMaaaa","status":"queued"}"#),
        ("twilio", 400, r#"{"code":21211,"message":"The 'To' number 1 is not a valid phone number.","more_info":"https://www.twilio.com/docs/errors/21211","status":400}"#),
        ("twilio", 401, r#"{"code":20003,"message":"Authenticate","status":401}"#),
    ]
    .into_iter()
    .map(|(name, status, body)| format!("{name} {status}\n    {}", told(name, status, body)))
    .collect();
    expect![[r#"
        teams 202
            sent: HTTP 202 from h
        teams 401
            dead: Microsoft Teams at h refused access with HTTP 401 ({"error":{"code":"DirectApiAuthorizationRequired","message":"The OAuth authorization scheme is required."}}); make a new webhook for the channel in Microsoft Teams and put its address where the contact's `teams` reads it
        mattermost 200
            sent: HTTP 200 from h
        mattermost 400
            dead: Mattermost at h refused the message with HTTP 400 ({"id":"web.incoming_webhook.invalid.app_error","message":"Invalid webhook.","status_code":400}); make a new webhook for the channel in Mattermost and put its address where the contact's `mattermost` reads it
        rocketchat 200
            sent: HTTP 200 from h
        rocketchat 401
            dead: Rocket.Chat at h refused access with HTTP 401 ({"success":false,"error":"Invalid integration id or token provided."}); make a new webhook for the channel in Rocket.Chat and put its address where the contact's `rocketchat` reads it
        discord 200
            sent: HTTP 200 from h, message 1186021003141881966
        discord 404
            dead: Discord at h is not there any more: HTTP 404 ({"message":"Unknown Webhook","code":10015}); make a new webhook for the channel in Discord and put its address where the contact's `discord` reads it
        discord 429
            retry after Some(64): Discord at h answered HTTP 429 ({"message":"You are being rate limited.","retry_after":64.57,"global":false})
        google_chat 200
            sent: HTTP 200 from h
        google_chat 404
            dead: Google Chat at h is not there any more: HTTP 404 ({"error":{"code":404,"message":"Space not found","status":"NOT_FOUND"}}); make a new webhook for the channel in Google Chat and put its address where the contact's `google_chat` reads it
        telegram 200
            sent: HTTP 200 from h, message 365
        telegram 400
            dead: Telegram at h refused the message with HTTP 400 (Bad Request: chat not found); check the contact's `telegram` chat: the bot must be a member of it, and a person must have written to the bot first
        telegram 400
            dead: Telegram at h says that the group has become a supergroup; write chat = "-1001234567890" into the contact's `telegram`
        telegram 401
            dead: Telegram at h refused access with HTTP 401 ({"ok":false,"error_code":401,"description":"Unauthorized"}); ask @BotFather for the bot's token and put it where the contact's `telegram` reads it
        telegram 403
            dead: Telegram at h refused the message with HTTP 403 (Forbidden: bot was blocked by the user); check the contact's `telegram` chat: the bot must be a member of it, and a person must have written to the bot first
        telegram 429
            retry after Some(35): Telegram at h answered HTTP 429 ({"ok":false,"error_code":429,"description":"Too Many Requests: retry after 35","parameters":{"retry_after":35}})
        ntfy 200
            sent: HTTP 200 from h, message xE73Iyuabi
        ntfy 403
            dead: ntfy at h refused access with HTTP 403 ({"code":40301,"http":403,"error":"forbidden","link":"https://ntfy.sh/docs/publish/#authentication"}); check the contact's `ntfy` topic, and its token's right to write there
        ntfy 429
            retry after None: ntfy at h answered HTTP 429 ({"code":42908,"http":429,"error":"limit reached: daily message quota reached"})
        pushover 200
            sent: HTTP 200 from h, request 647d2300-702c-4b38-8b2f-d56326ae460b
        pushover 400
            dead: Pushover at h refused the message with HTTP 400 (user identifier is invalid); check the contact's `pushover` token and user_key
        matrix 200
            sent: HTTP 200 from h, event $YUwRidLecu:example.com
        matrix 401
            dead: Matrix at h refused access with HTTP 401 ({"errcode":"M_UNKNOWN_TOKEN","error":"Unrecognised access token"}); check the contact's `matrix` token, and that its user has joined the room
        matrix 403
            dead: Matrix at h refused access with HTTP 403 ({"errcode":"M_FORBIDDEN","error":"User not in room"}); check the contact's `matrix` token, and that its user has joined the room
        matrix 429
            retry after Some(2): Matrix at h answered HTTP 429 ({"errcode":"M_LIMIT_EXCEEDED","error":"Too many requests","retry_after_ms":2000})
        opsgenie 202
            sent: HTTP 202 from h, request 43a29c5c-3dbf-4fa4-9c26-f4f71023e120
        opsgenie 422
            dead: Opsgenie at h refused the alert with HTTP 422 (Key format is not valid!); check the contact's `opsgenie` api_key: it must be of an API integration, in the region of its url
        opsgenie 403
            dead: Opsgenie at h refused access with HTTP 403 ({"message":"Api Key is not allowed","took":0.001}); check the contact's `opsgenie` api_key, which must be of an API integration, and its url, which must be of the account's region
        victorops 200
            sent: HTTP 200 from h, web1/http#7
        victorops 200
            dead: VictorOps at h refused the alert (Invalid routing key); check the contact's `victorops` api_key and route
        alertmanager 200
            sent: HTTP 200 from h
        alertmanager 400
            dead: Alertmanager at h refused the message with HTTP 400 ("bad label name"); check the contact's `alertmanager` url, which ends before /api/v2, and its token or user
        alertmanager 404
            dead: Alertmanager at h is not there any more: HTTP 404 (404 page not found); check the contact's `alertmanager` url, which ends before /api/v2, and its token or user
        twilio 201
            sent: HTTP 201 from h, SMaaaa
        twilio 400
            dead: Twilio at h refused the message with HTTP 400 (The 'To' number 1 is not a valid phone number.); check the contact's `twilio` numbers: with + and the country, and `from` must be the account's own
        twilio 401
            dead: Twilio at h refused access with HTTP 401 ({"code":20003,"message":"Authenticate","status":401}); check the contact's `twilio` account and token"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn syslog_lines_are_of_rfc_5424() {
    let lines: Vec<String> = [problem(), with_suspects(1), recovery(), digest(), hostile()]
        .iter()
        .map(|message| syslog::encode(message, Facility(16), "watch1", 42))
        .collect();
    expect![[r#"
        <130>1 2026-03-02T10:06:30Z watch1 deploywatch 42 problem - CRITICAL web1/http: HTTP CRITICAL - 502 Bad Gateway (hard CRITICAL after 3 of 3 attempts)
        <130>1 2026-03-02T10:06:30Z watch1 deploywatch 42 problem - CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann): HTTP CRITICAL - 502 Bad Gateway (hard CRITICAL after 3 of 3 attempts)
        <133>1 2026-03-02T10:09:00Z watch1 deploywatch 42 recovery - OK web1/http - recovered; it failed after deploy D-417 (shop 1.4.7 by ann): HTTP OK (OK again)
        <134>1 2026-03-02T10:06:30Z watch1 deploywatch 42 digest - DIGEST deploy D-417 (shop 1.4.7 by ann): deploy D-417 is over: 2 problems were held
        <130>1 2026-03-02T10:06:30Z watch1 deploywatch 42 problem - CRITICAL web1  X-Evil: 1/http - after deploy D  <@U1> (shop 1.4.7 by <b>ann  Cc: x@y</b>): x  Bcc: evil@example.org    <script>alert(1)</script> <!channel> gpj. [31m (hard CRITICAL after 3 of 3 attempts)"#]].assert_eq(&lines.join("\n"));
    assert!(
        syslog::encode(&problem(), Facility(3), "", 1).contains("Z - deploywatch 1 problem - ")
    );
}
