//! Links and buttons with which a page is answered, in what leaves the house.

use std::time::Duration;

use serde_json::Value;

use super::super::{
    email,
    http::Request,
    offers,
    settings::{AnswerSettings, ContactInfo},
    slack, telegram,
    templates::Templates,
    testing::problem,
};
use crate::{
    base::secret::Secret,
    domain::{
        answers::{Offer, link::Link},
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
    let offered = offers::links(&settings(), message, &contact.name);
    email::render(&templates, message, &contact, None, &offered)
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
