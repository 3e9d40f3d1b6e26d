//! Slack's blocks and their limits.

use expect_test::expect;

use super::{
    super::{
        slack,
        testing::{digest, problem, with_suspects},
    },
    pretty,
};

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
