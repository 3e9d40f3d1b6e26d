//! Links and buttons with which a page is answered, in what leaves the house.

use std::time::Duration;

use serde_json::Value;

use super::super::{
    email,
    http::Request,
    offers,
    settings::{AnswerSettings, ContactInfo, ReplyTo},
    slack, telegram,
    templates::Templates,
    testing::{delivery, problem},
};
use crate::{
    base::secret::Secret,
    domain::{
        answers::{
            Offer,
            link::Link,
            mail::{self, Letter, Mail},
        },
        model::{
            deploy::{Attribution, Strength, Suspect, Verdict},
            message::{Kind, Message},
        },
    },
};

fn settings() -> AnswerSettings {
    AnswerSettings {
        url: Some("https://watch.example.org".to_owned()),
        links_last: Duration::from_secs(3600),
        reply: Some(ReplyTo {
            address: "watch@shop.example".to_owned(),
            delimiter: None,
        }),
        secret: Some(Secret::new("a secret of some length")),
        slack: true,
        telegram: true,
    }
}

fn page() -> Message {
    let suspect = Suspect {
        id: "D-<417>".to_owned(),
        app: "shop".to_owned(),
        environment: "production".to_owned(),
        version: None,
        actors: Vec::new(),
        url: None,
        strength: Strength::Likely,
        relation: "exact".to_owned(),
        evidence: Vec::new(),
    };
    Message {
        dedup_key: "web1/http@1772445960000".to_owned(),
        deploy: Attribution {
            verdict: Verdict::Suspect,
            suspects: vec![suspect],
            ruled_out: Vec::new(),
        },
        ..problem()
    }
}

fn mail(message: &Message) -> email::MailText {
    let templates = Templates::new(&Default::default()).expect("built in");
    let contact = ContactInfo {
        name: "ann".to_owned(),
        ..ContactInfo::default()
    };
    let offer = offers::in_mail(&settings(), message, &contact.name);
    email::render(&templates, message, &contact, None, &offer)
}

#[test]
fn a_mail_has_signed_links_that_say_whose_they_are() {
    let page = page();
    let said = mail(&page);
    let hrefs: Vec<&str> = said
        .text
        .lines()
        .filter_map(|line| {
            line.trim()
                .strip_prefix("https://watch.example.org/v1/answers/link/")
        })
        .collect();
    let secret = settings().secret.expect("a secret");
    let offers: Vec<Offer> = hrefs
        .iter()
        .map(|token| {
            assert!(said.html.contains(token), "both bodies have it");
            let link = Link::open(token, &secret, page.at).expect("signed");
            assert_eq!((&*link.page, &*link.contact), (&*page.dedup_key, "ann"));
            assert_eq!(link.until, page.at + Duration::from_secs(3600));
            link.offer
        })
        .collect();
    assert_eq!(
        offers,
        [
            Offer::Acknowledge,
            Offer::Snooze,
            Offer::NotCaused("D-<417>".to_owned())
        ]
    );
    assert!(
        said.text.contains("\nSnooze 30 min:\n  https://"),
        "{}",
        said.text
    );
    assert!(
        said.html.contains("Not deploy D-&lt;417&gt;"),
        "{}",
        said.html
    );
    // The same delivery is the same bytes, however often it is tried.
    assert_eq!(mail(&page), said);
    // What is over cannot be answered.
    let over = Message {
        kind: Kind::Recovery,
        state: "OK".to_owned(),
        ..page
    };
    assert!(!mail(&over).html.contains("/v1/answers/"));
}

#[test]
fn without_an_address_or_a_secret_there_are_no_links() {
    for settings in [
        AnswerSettings {
            url: None,
            ..settings()
        },
        AnswerSettings {
            secret: None,
            ..settings()
        },
        AnswerSettings::default(),
    ] {
        assert_eq!(offers::links(&settings, &page(), "ann"), []);
    }
}

fn body(request: &Request) -> Value {
    serde_json::from_str(&request.body).expect("JSON")
}

#[test]
fn chats_get_buttons_only_where_they_are_answered() {
    let (page, hook) = (page(), Secret::new("https://hooks.slack.com/services/x"));
    let mut request = slack::encode(&page, &hook, None);
    let plain = request.body.clone();
    offers::in_slack(&AnswerSettings::default(), &page, &mut request);
    assert_eq!(request.body, plain);
    offers::in_slack(&settings(), &page, &mut request);
    let blocks = &body(&request)["attachments"][0]["blocks"];
    let last = blocks.as_array().expect("blocks").last().expect("one");
    assert_eq!(last["type"], "actions");
    let labels: Vec<&str> = last["elements"]
        .as_array()
        .expect("buttons")
        .iter()
        .filter_map(|button| button["text"]["text"].as_str())
        .collect();
    assert_eq!(
        labels,
        ["Acknowledge", "Snooze 30 min", "Not deploy D-<417>"]
    );

    let token = Secret::new("123:secret");
    let mut request = telegram::encode(&page, "https://t", &token, "1", None, None);
    let plain = request.body.clone();
    let without = AnswerSettings {
        telegram: false,
        ..settings()
    };
    offers::in_telegram(&without, &page, &mut request);
    assert_eq!(request.body, plain);
    offers::in_telegram(&settings(), &page, &mut request);
    let rows = &body(&request)["reply_markup"]["inline_keyboard"];
    assert_eq!(rows.as_array().map(Vec::len), Some(3));
    assert_eq!(
        body(&request)["text"],
        serde_json::from_str::<Value>(&plain).expect("JSON")["text"]
    );
}

/// The header of a mail, its long lines joined.
fn head(mail: &lettre::Message) -> String {
    let text = String::from_utf8(mail.formatted()).expect("ASCII");
    let head = text.split_once("\r\n\r\n").expect("a head").0;
    head.replace("\r\n ", " ").replace("\r\n", "\n")
}

fn field(head: &str, name: &str) -> String {
    head.lines()
        .find_map(|line| line.strip_prefix(&format!("{name}: ")))
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn a_page_says_how_it_is_replied_to_and_its_reply_proves_itself() {
    let from = "Watch <deploywatch@shop.example>"
        .parse()
        .expect("an address");
    let templates = Templates::new(&Default::default()).expect("built in");
    let contact = ContactInfo {
        name: "ann".to_owned(),
        ..ContactInfo::default()
    };
    let secret = settings().secret.expect("a secret");
    let mut threads = std::collections::BTreeSet::new();
    for (kind, delimiter) in [
        (Kind::Problem, None),
        (Kind::Problem, Some('+')),
        (Kind::Amendment, Some('-')),
    ] {
        let mut settings = settings();
        settings.reply = Some(ReplyTo {
            address: "watch@shop.example".to_owned(),
            delimiter,
        });
        let page = Message { kind, ..page() };
        let offer = offers::in_mail(&settings, &page, "ann");
        let said = email::render(&templates, &page, &contact, None, &offer);
        assert!(
            said.text
                .contains("\nReply with: ack, snooze 2h, caused by D-<417>, not caused by"),
            "{}",
            said.text
        );
        assert!(
            said.html.contains("caused by D-&lt;417&gt;"),
            "{}",
            said.html
        );
        let delivery = delivery("ann", "email", page.clone());
        let reply = offer.reply.as_ref();
        let mail =
            email::encode(&delivery, "ann@shop.example", &from, &said, reply).expect("a mail");
        let head = head(&mail);
        let (id, before) = (field(&head, "Message-ID"), field(&head, "References"));
        let to = field(&head, "Reply-To");
        assert_eq!(
            to.contains(&offer.reply.expect("a reply").token),
            delimiter.is_some()
        );
        let local = to.split('@').next().expect("a name");
        assert!(local.len() <= 64, "{to}");
        assert!(before.starts_with(&field(&head, "In-Reply-To")), "{before}");
        threads.insert(field(&head, "In-Reply-To"));
        let mut ways = vec![
            format!("In-Reply-To: {id}"),
            // A relay gave it another identifier.
            format!("References: {before} <other@relay.example>"),
        ];
        ways.extend(delimiter.map(|_| format!("To: {}", to.to_uppercase())));
        for way in ways {
            let raw = format!("{way}\r\n\r\nack\r\n");
            let Mail::Reply(reply) = mail::read(raw.as_bytes(), None, &secret, page.at) else {
                panic!("{way}");
            };
            assert_eq!(reply.token.contact, mail::reference("ann"));
            assert_eq!(reply.token.until, page.at + Duration::from_secs(3600));
        }
    }
    assert_eq!(threads.len(), 1, "one thread");
    // What is over does not ask for replies, but what it was about may be said in one.
    let over = Message {
        kind: Kind::Recovery,
        state: "OK".to_owned(),
        ..page()
    };
    let reply = offers::in_mail(&settings(), &over, "ann").reply;
    assert_eq!(reply.expect("a reply").with, None);
    let digest = Message {
        kind: Kind::Digest,
        ..page()
    };
    assert_eq!(offers::in_mail(&settings(), &digest, "ann").reply, None);
}

#[test]
fn a_letter_is_marked_as_written_by_a_program_and_can_be_replied_to() {
    let from = "Watch <deploywatch@shop.example>"
        .parse()
        .expect("an address");
    let letter = Letter {
        to: "ann@shop.example".to_owned(),
        contact: "ann".to_owned(),
        subject: "Not done: Re: CRITICAL\r\nBcc: x@y.example".to_owned(),
        text: "Nothing was done.\n".to_owned(),
        about: "1@laptop.example".to_owned(),
        id: "letter1.0123.token".to_owned(),
    };
    let at = std::time::UNIX_EPOCH + Duration::from_secs(1_772_445_960);
    let mail = email::letter(&letter, &from, Some("watch@shop.example"), at).expect("a mail");
    expect_test::expect![[r#"
        From: Watch <deploywatch@shop.example>
        To: ann@shop.example
        Date: Mon, 02 Mar 2026 10:06:00 +0000
        Message-ID: <letter1.0123.token@shop.example>
        In-Reply-To: <1@laptop.example>
        References: <1@laptop.example> <letter1.0123.token.r@shop.example>
        Subject: Not done: Re: CRITICAL  Bcc: x@y.example
        Auto-Submitted: auto-replied
        X-Auto-Response-Suppress: All
        Reply-To: watch@shop.example
        MIME-Version: 1.0
        Content-Type: text/plain; charset=utf-8
        Content-Transfer-Encoding: 7bit"#]]
    .assert_eq(&head(&mail));
}
