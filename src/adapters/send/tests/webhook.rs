//! The bodies that webhooks carry: version 1 of their shape.

use expect_test::expect;
use serde_json::Value;

use super::{
    super::{
        testing::{amendment, digest, hostile, problem, recovery, with_suspects},
        webhook,
    },
    pretty,
};

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
