//! What mails say, in text and in HTML, and their heads.

use expect_test::expect;
use serde_json::Value;

use super::{
    super::{
        email,
        offers::MailOffer,
        templates::Templates,
        testing::{amendment, contact, delivery, digest, problem, recovery, with_suspects},
        words,
    },
    pagerduty::pager,
};
use crate::domain::model::message::{Kind, Message};

pub(super) fn mail(message: &Message) -> email::MailText {
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
