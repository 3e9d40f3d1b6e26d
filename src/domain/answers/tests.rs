//! Answers as they come, true and forged, whole and cut; and what is offered to be answered.

use serde_json::{Value, json};

use super::{
    link::{BadLink, Link},
    *,
};
use crate::domain::{
    model::{
        answer::{About, Say},
        deploy::{Attribution, Strength, Suspect},
        message::Urgency,
    },
    notify::compose,
};

const PRESSED_IN_PAGERDUTY: &str =
    include_str!("../../../tests/answers/pagerduty-acknowledged.json");
const NOTED_IN_PAGERDUTY: &str = include_str!("../../../tests/answers/pagerduty-annotated.json");
const PRESSED_IN_SLACK: &str = include_str!("../../../tests/answers/slack-pressed.json");
const PRESSED_IN_TELEGRAM: &str = include_str!("../../../tests/answers/telegram-pressed.json");
const PAGE: &str = "web1/http@1772445960000";

fn secret() -> Secret {
    Secret::new("a secret of some length")
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect(text)
}

fn suspect(id: &str) -> Suspect {
    Suspect {
        id: id.to_owned(),
        app: "shop".to_owned(),
        environment: "production".to_owned(),
        version: None,
        actors: Vec::new(),
        url: None,
        strength: Strength::Likely,
        relation: "exact".to_owned(),
        evidence: Vec::new(),
    }
}

fn message(verdict: Verdict, suspects: &[&str]) -> Message {
    Message {
        kind: Kind::Problem,
        urgency: Urgency::High,
        dedup_key: PAGE.to_owned(),
        check: Some("http".to_owned()),
        state: "CRITICAL".to_owned(),
        since: Some(at("2026-03-02T10:06:00Z")),
        deploy: Attribution {
            verdict,
            suspects: suspects.iter().map(|id| suspect(id)).collect(),
            ruled_out: Vec::new(),
        },
        ..compose::about_app(
            "web1",
            Kind::Problem,
            String::new(),
            Vec::new(),
            at("2026-03-02T10:06:00Z"),
        )
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_page_offers_what_can_be_answered_and_its_end_offers_nothing() {
    let labels =
        |message: &Message| -> Vec<String> { offers(message).iter().map(Offer::label).collect() };
    let none = message(Verdict::None, &["D-1"]);
    assert_eq!(labels(&none), ["Acknowledge", "Snooze 30 min"]);
    let one = message(Verdict::Suspect, &["D-1", "D-2"]);
    assert_eq!(labels(&one)[2..], ["Not deploy D-1"]);
    let several = message(Verdict::Suspects, &["D-1", "D-2", "D-3", "D-4"]);
    assert_eq!(labels(&several).len(), 5);
    for change in [
        &|message: &mut Message| message.kind = Kind::Recovery,
        &|message: &mut Message| message.kind = Kind::Acknowledgement,
        &|message: &mut Message| message.kind = Kind::Digest,
        &|message: &mut Message| message.state = "OK".to_owned(),
        // An amendment about what is over.
        &|message: &mut Message| message.since = None,
        &|message: &mut Message| message.dedup_key = "deploywatch/store".to_owned(),
    ] as [&dyn Fn(&mut Message); 6]
    {
        let mut message = one.clone();
        change(&mut message);
        assert_eq!(offers(&message), []);
    }
}

#[test]
fn a_link_is_good_for_what_it_was_signed_for_and_no_longer() {
    let now = at("2026-03-02T10:06:00Z");
    let link = Link {
        offer: Offer::NotCaused("D-4/17 ü".to_owned()),
        page: PAGE.to_owned(),
        contact: "ann".to_owned(),
        until: now + Duration::from_secs(86_400),
    };
    let token = link.sign(&secret());
    assert!(
        token
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)),
        "{token}"
    );
    assert_eq!(Link::open(&token, &secret(), now), Ok(link.clone()));
    assert_eq!(
        Link::open(&token, &secret(), link.until),
        Err(BadLink::Expired(link.until))
    );
    let other = Secret::new("another secret of some length");
    assert_eq!(Link::open(&token, &other, now), Err(BadLink::Forged));
    assert_eq!(link.object().to_string(), "web1/http");
    // Any change of any letter, any cut.
    for place in 0..token.len() {
        assert_eq!(
            Link::open(&token[..place], &secret(), now),
            Err(BadLink::Forged),
            "cut at {place}"
        );
        let mut changed = token.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("letters");
        let opened = Link::open(&changed, &secret(), now);
        // The last letter of 32 bytes holds two bits that mean nothing.
        if place + 1 < token.len() {
            assert_eq!(opened, Err(BadLink::Forged), "changed at {place}");
        } else {
            assert_ne!(opened.map(|it| it == link), Ok(false));
        }
    }
    let long = "A".repeat(link::TOKEN_MAX + 1);
    for bad in ["", ".", "a.b", "ü.ü", &*long] {
        assert_eq!(Link::open(bad, &secret(), now), Err(BadLink::Forged));
    }
}

#[test]
fn a_signature_of_one_thing_is_none_of_another() {
    // The same secret signs links and buttons: neither may pass for the other.
    let page = message(Verdict::None, &[]);
    let keyboard = telegram::keyboard(&page, &secret()).expect("buttons");
    let data = keyboard["inline_keyboard"][0][0]["callback_data"]
        .as_str()
        .expect("data");
    assert_eq!(
        Link::open(data, &secret(), Timestamp::default()),
        Err(BadLink::Forged)
    );
}

#[test]
fn a_pagerduty_acknowledgement_is_read() {
    let passed = pagerduty::read(PRESSED_IN_PAGERDUTY.as_bytes()).expect("an event");
    assert_eq!(passed.id, "01DEN4HPBQAAAG05V5QQYBRZMF");
    assert_eq!(passed.at, Some(at("2026-03-02T10:08:18.217Z")));
    let answer = passed.answer.expect("an answer");
    assert_eq!(answer.about, About::Page(PAGE.to_owned()));
    assert_eq!(answer.say, Say::Acknowledge);
    assert_eq!(
        (&*answer.author, &*answer.through),
        ("Ann Example", "PagerDuty")
    );
}

#[test]
fn of_pagerduty_only_what_a_person_did_counts() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut event: Value = serde_json::from_str(PRESSED_IN_PAGERDUTY).expect("JSON");
        change(&mut event["event"]);
        pagerduty::read(event.to_string().as_bytes())
            .expect("an event")
            .answer
            .map(|answer| (answer.say, answer.author))
    };
    let ann = || "Ann Example".to_owned();
    assert_eq!(with(&|_| {}), Ok((Say::Acknowledge, ann())));
    // What we told it ourselves, and what an integration did.
    let integration = |event: &mut Value| {
        event["agent"]["type"] = json!("events_api_v2_inbound_integration_reference");
    };
    assert!(with(&integration).is_err());
    assert!(with(&|event| event["agent"] = Value::Null).is_err());
    // The acknowledgement timed out there: nobody did it.
    let timed_out = with(&|event| {
        event["event_type"] = json!("incident.unacknowledged");
        event["agent"] = Value::Null;
    });
    assert_eq!(
        timed_out,
        Ok((Say::Unacknowledge, "somebody in PagerDuty".to_owned()))
    );
    for other in ["incident.resolved", "incident.reassigned", "pagey.ping"] {
        let why = with(&|event| event["event_type"] = json!(other)).expect_err(other);
        assert!(why.contains(other), "{why}");
    }
    assert!(with(&|event| event["data"]["incident_key"] = Value::Null).is_err());
    let noted = pagerduty::read(NOTED_IN_PAGERDUTY.as_bytes()).expect("an event");
    assert!(noted.answer.is_err());
    // A name cannot break a line of the log, nor fill it.
    let named = with(&|event| {
        event["agent"]["summary"] = json!(format!("a\nb\u{1b}[31m{}", "x".repeat(5000)));
    });
    let name = named.expect("an answer").1;
    assert!(
        name.len() <= 100 && !name.contains(char::is_control),
        "{name}"
    );
}

#[test]
fn a_pagerduty_signature_is_of_this_body_and_secret() {
    let body = PRESSED_IN_PAGERDUTY.as_bytes();
    let good = format!("v1={}", hex(&proof::mac(&secret(), &[body])));
    let prove = |header: Option<&str>, body: &[u8]| pagerduty::prove(&secret(), header, body);
    assert_eq!(prove(Some(&good), body), Ok(()));
    // While the secret is changed there are two.
    let two = format!("v1={}, {good}", "0".repeat(64));
    assert_eq!(prove(Some(&two), body), Ok(()));
    for bad in [
        "",
        "v1=",
        &good[3..],
        &good.replace("v1", "v2"),
        &good[..good.len() - 2],
        // So many that nobody looks at the last.
        &format!("{}{good}", "v1=00,".repeat(100)),
    ] {
        assert!(prove(Some(bad), body).is_err(), "{bad}");
    }
    assert!(prove(None, body).is_err());
    assert!(prove(Some(&good), &body[1..]).is_err());
}

#[test]
fn slacks_own_example_of_a_signature_is_right() {
    // From Slack's documentation on verifying requests.
    let secret = Secret::new("8f742231b10e8888abcd99yyyzzz85a5");
    let body = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    let signed = Timestamp::from_secs(1_531_420_618);
    let prove = |time: Option<&str>, signature: Option<&str>, now: Timestamp| {
        slack::prove(&secret, (time, signature), body, now)
    };
    let time = Some("1531420618");
    assert_eq!(prove(time, Some(signature), signed), Ok(()));
    assert_eq!(
        prove(time, Some(signature), signed + slack::TOLERANCE),
        Ok(())
    );
    // An old copy, and one from a clock that is ahead.
    let late = signed + slack::TOLERANCE + Duration::from_secs(1);
    let early = signed - slack::TOLERANCE - Duration::from_secs(1);
    for now in [late, early] {
        let Forged(why) = prove(time, Some(signature), now).expect_err("too far");
        assert!(why.contains("5m"), "{why}");
    }
    // The time is signed as well.
    assert!(prove(Some("1531420619"), Some(signature), signed).is_err());
    assert!(prove(None, Some(signature), signed).is_err());
    assert!(prove(time, None, signed).is_err());
    assert!(prove(time, Some(&signature[3..]), signed).is_err());
}

fn form(payload: &str) -> Vec<u8> {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", payload)
        .finish()
        .into_bytes()
}

#[test]
fn a_pressed_button_in_slack_is_read() {
    let passed = slack::read("1", &form(PRESSED_IN_SLACK)).expect("an interaction");
    let answer = passed.answer.expect("an answer");
    assert_eq!(answer.about, About::Page(PAGE.to_owned()));
    assert_eq!(
        (answer.say, &*answer.author, &*answer.through),
        (Say::Acknowledge, "ann", "Slack")
    );
    let again = slack::read("1", &form(PRESSED_IN_SLACK)).expect("the same");
    let later = slack::read("2", &form(PRESSED_IN_SLACK)).expect("another press");
    assert_eq!(again.id, passed.id);
    assert_ne!(later.id, passed.id);
    // Buttons of others and other interactions change nothing.
    for (from, to) in [
        ("deploywatch-0", "approve"),
        ("block_actions", "view_submission"),
    ] {
        let other = PRESSED_IN_SLACK.replace(from, to);
        let passed = slack::read("1", &form(&other)).expect("an interaction");
        assert!(passed.answer.is_err(), "{to}");
    }
    assert!(
        slack::read("1", b"ssl_check=1")
            .expect("a check")
            .answer
            .is_err()
    );
    for (bad, why) in [
        (b"".to_vec(), "no `payload`"),
        (form("{"), "not JSON"),
        (
            form(&PRESSED_IN_SLACK.replace("[\\\"ack", "[\\\"rm")),
            "not what deploywatch wrote",
        ),
    ] {
        let said = slack::read("1", &bad).expect_err(why);
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn what_slack_is_given_comes_back_as_it_was() {
    let page = message(Verdict::Suspect, &["D-417"]);
    let block = slack::buttons(&page).expect("buttons");
    let said: Vec<Say> = block["elements"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|button| {
            assert!(button["value"].as_str().expect("a value").len() <= 2000);
            let mut payload: Value = serde_json::from_str(PRESSED_IN_SLACK).expect("JSON");
            payload["actions"][0]["value"] = button["value"].clone();
            payload["actions"][0]["action_id"] = button["action_id"].clone();
            let passed = slack::read("1", &form(&payload.to_string())).expect("read");
            passed.answer.expect("an answer").say
        })
        .collect();
    assert_eq!(
        said,
        [
            Say::Acknowledge,
            Say::Snooze {
                span: SNOOZE,
                comment: None
            },
            Say::NotCaused("D-417".to_owned())
        ]
    );
    // A name that does not fit leaves its button out.
    let mut long = page;
    long.dedup_key = format!("{}@1", "x".repeat(3000));
    assert_eq!(slack::buttons(&long), None);
}

#[test]
fn what_telegram_is_given_fits_and_comes_back_as_it_was() {
    let mut page = message(Verdict::Suspect, &["a deploy with a very long name indeed"]);
    page.dedup_key = format!("{}@1772445960000", "a-long-host/".repeat(20));
    let keyboard = telegram::keyboard(&page, &secret()).expect("buttons");
    let rows = keyboard["inline_keyboard"].as_array().expect("rows");
    let said: Vec<(About, Say)> = rows
        .iter()
        .map(|row| {
            let data = row[0]["callback_data"].as_str().expect("data");
            assert!(data.len() <= telegram::DATA_MAX, "{data}");
            let update = PRESSED_IN_TELEGRAM.replace("DATA", data);
            let passed = telegram::read(&secret(), update.as_bytes()).expect("an update");
            assert_eq!(passed.id, "871523001");
            assert_eq!(passed.callback.as_deref(), Some("4382bfdwdsb323b2d9"));
            let answer = passed.answer.expect("an answer");
            assert_eq!(
                (&*answer.author, &*answer.through),
                ("ann_example", "Telegram")
            );
            (answer.about, answer.say)
        })
        .collect();
    use crate::domain::model::answer::digest;
    let about = || About::Digest(digest(&page.dedup_key));
    let snooze = Say::Snooze {
        span: SNOOZE,
        comment: None,
    };
    let deploy = digest("a deploy with a very long name indeed");
    assert_eq!(
        said,
        [
            (about(), Say::Acknowledge),
            (about(), snooze),
            (about(), Say::NotCausedDigest(deploy))
        ]
    );
}

#[test]
fn what_is_no_button_of_ours_does_nothing_in_telegram() {
    let page = message(Verdict::None, &[]);
    let keyboard = telegram::keyboard(&page, &secret()).expect("buttons");
    let data = keyboard["inline_keyboard"][0][0]["callback_data"]
        .as_str()
        .expect("data");
    let read = |secret: &Secret, data: &str| {
        let update = PRESSED_IN_TELEGRAM.replace("DATA", data);
        let passed = telegram::read(secret, update.as_bytes()).expect("an update");
        passed.answer
    };
    assert!(read(&secret(), data).is_ok());
    // Another action under the same signature, another secret, a cut, and noise.
    assert!(read(&secret(), &data.replacen('a', "s", 1)).is_err());
    assert!(read(&Secret::new("other"), data).is_err());
    for cut in 0..data.len() {
        assert!(read(&secret(), &data[..cut]).is_err(), "{cut}");
    }
    for noise in ["", ".", "a.b", "ü.ü", "vote:1"] {
        assert!(read(&secret(), noise).is_err(), "{noise}");
    }
    // What is written to the bot is no button.
    let written = json!({"update_id": 5, "message": {"text": "/start"}}).to_string();
    let passed = telegram::read(&secret(), written.as_bytes()).expect("an update");
    assert!(passed.answer.is_err() && passed.callback.is_none());
    assert!(telegram::read(&secret(), b"{}").is_err());
    assert!(telegram::read(&secret(), b"").is_err());
    assert_eq!(
        telegram::prove(&secret(), Some("a secret of some length")),
        Ok(())
    );
    assert!(telegram::prove(&secret(), Some("a secret")).is_err());
    assert!(telegram::prove(&secret(), None).is_err());
}
