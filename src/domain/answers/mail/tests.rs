//! Replies as mail programs write them, and what hostile ones may not do.

use std::time::Duration;

use expect_test::expect;
use proptest::prelude::*;

use super::*;
use crate::domain::model::answer::Tag;

const PAGE: &str = "web1/http@1772445960000";

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/answers/mails/", $name, ".eml"))
    };
}

fn secret() -> Secret {
    Secret::new("0123456789abcdef0123456789abcdef")
}

fn now() -> Timestamp {
    Timestamp::parse("2026-03-02T10:06:00Z").expect("a time")
}

fn token() -> String {
    Token::of(PAGE, "ann", now() + Duration::from_secs(86_400)).sign(&secret())
}

/// A fixture as it would come in, answering the mail with this token.
fn filled(fixture: &str, token: &str) -> String {
    fixture
        .replace("@ID@", &format!("<0123456789abcdef.{token}@shop.example>"))
        .replace("@REFERENCES@", "<thread.0123456789abcdef@shop.example>")
        .replace("@TO@", "watch@shop.example")
        .replace('\n', "\r\n")
}

fn read_text(raw: &str) -> Mail {
    read(raw.as_bytes(), None, &secret(), now())
}

fn reply(raw: &str) -> Reply {
    match read_text(raw) {
        Mail::Reply(reply) => *reply,
        other => panic!("{other:?} of\n{raw}"),
    }
}

#[test]
fn what_mail_programs_make_of_a_reply_is_understood() {
    let snooze = |minutes: u64, comment: Option<&str>| Say::Snooze {
        span: Duration::from_secs(60 * minutes),
        comment: comment.map(str::to_owned),
    };
    let with = |text: &str| Say::AcknowledgeWith(text.to_owned());
    let not_it = || Say::NotCaused("D-417".to_owned());
    for (name, fixture, says) in [
        (
            "gmail",
            fixture!("gmail"),
            vec![with(
                "the upstream of this shop is gone again, I am looking at it and will call the hoster",
            )],
        ),
        (
            "apple-mail",
            fixture!("apple-mail"),
            vec![not_it(), snooze(120, None)],
        ),
        ("iphone", fixture!("iphone"), vec![Say::Acknowledge]),
        (
            "outlook",
            fixture!("outlook"),
            vec![Say::Caused("D-417".to_owned()), Say::Tag(Tag::ServiceIssue)],
        ),
        (
            "outlook-plain",
            fixture!("outlook-plain"),
            vec![snooze(
                90,
                Some("the backup of this night is still running"),
            )],
        ),
        (
            "outlook-html",
            fixture!("outlook-html"),
            vec![with("looking"), Say::Tag(Tag::DowntimeNotSet)],
        ),
        (
            "thunderbird",
            fixture!("thunderbird"),
            vec![
                with(
                    "für heute: the disk of this machine is full again, which I am going to look at",
                ),
                not_it(),
            ],
        ),
        ("k9", fixture!("k9"), vec![snooze(30, None)]),
        (
            "mutt",
            fixture!("mutt"),
            vec![Say::Tag(Tag::FaultyCheck), not_it()],
        ),
    ] {
        let reply = reply(&filled(fixture, &token()));
        assert_eq!(reply.says, Ok(says), "{name}: {:?}", reply.words);
        assert!(
            reply.id.ends_with(".example") || reply.id.ends_with("gmail.com"),
            "{}",
            reply.id
        );
        assert_eq!(reply.letters, 0);
        let answer = reply.answer("ann").expect("an answer");
        assert_eq!(answer.author, "ann");
        let About::Digest(page) = answer.about else {
            panic!("{name}");
        };
        assert!(crate::domain::model::answer::is_digest(&page, PAGE));
        // The sender proves nothing, and without the token nothing else does.
        let forged = read_text(&filled(fixture, "0123456789abcdef"));
        assert!(matches!(forged, Mail::Unproved(_)), "{name}: {forged:?}");
    }
}

#[test]
fn no_program_answers_a_page_whatever_it_says() {
    for (fixture, why) in [
        (
            fixture!("vacation"),
            "it says Auto-Submitted: auto-replied (vacation)",
        ),
        (
            fixture!("out-of-office"),
            "its subject begins with `automatic reply`",
        ),
        (fixture!("bounce"), "it says Auto-Submitted: auto-replied"),
        (fixture!("receipt"), "it is a report (multipart/report)"),
    ] {
        assert_eq!(
            read_text(&filled(fixture, &token())),
            Mail::Automatic(format!("no person wrote it: {why}"))
        );
    }
    // Each sign is enough on its own.
    let plain = filled(fixture!("mutt"), &token());
    for field in [
        "Auto-Submitted: auto-replied",
        "Precedence: bulk",
        "Return-Path: <>",
    ] {
        let marked = format!("{field}\r\n{plain}");
        assert!(matches!(read_text(&marked), Mail::Automatic(_)), "{field}");
    }
    let bounced = read(plain.as_bytes(), Some(""), &secret(), now());
    assert!(matches!(bounced, Mail::Automatic(_)));
}

#[test]
fn the_proof_is_found_where_mail_systems_leave_it() {
    let token = token();
    let mail = |fields: &str| {
        format!("From: mallory@elsewhere.example\r\nSubject: Re: x\r\n{fields}\r\n\r\nack\r\n")
    };
    for fields in [
        format!("In-Reply-To: <ab.{token}@shop.example>"),
        format!(
            "References: <thread.x@shop.example>\r\n <ab.{token}@shop.example> <other@x.example>"
        ),
        // A relay gave the mail another Message-ID.
        format!(
            "In-Reply-To: <0100@relay.example>\r\nReferences: <thread.x@shop.example> <answer.{token}@shop.example> <0100@relay.example>"
        ),
        format!(
            "To: \"Watch\" <watch+{}@shop.example>",
            token.to_uppercase()
        ),
        format!("To: undisclosed:;\r\nDelivered-To: watch-{token}@shop.example"),
        format!("X-Original-To: watch+{token}@shop.example"),
    ] {
        assert_eq!(
            reply(&mail(&fields)).says,
            Ok(vec![Say::Acknowledge]),
            "{fields}"
        );
    }
    // In the text it proves nothing: that is quoted, forwarded and published.
    let text = format!("Subject: Re: x\r\n\r\nack\r\n> {token}\r\n");
    assert!(matches!(read_text(&text), Mail::Unproved(_)));
    let subject = mail(&format!("X-Anything: {token}"));
    assert!(matches!(read_text(&subject), Mail::Unproved(_)));
    // What Postfix puts in front of it.
    let piped = format!(
        "From ann@shop.example  Mon Mar  2 11:08:12 2026\n{}",
        mail(&format!("In-Reply-To: <{token}@x>"))
    );
    assert_eq!(reply(&piped).says, Ok(vec![Say::Acknowledge]));
}

#[test]
fn the_mail_that_is_answered_counts_and_not_those_before_it() {
    let old = Token::of("web1/http@1", "ann", now() - Duration::from_secs(1)).sign(&secret());
    let new = token();
    let mail = |answered: &str, before: &str| {
        format!(
            "In-Reply-To: <a.{answered}@x>\r\nReferences: <b.{before}@x> <a.{answered}@x>\r\n\r\nack\r\n"
        )
    };
    assert_eq!(reply(&mail(&new, &old)).says, Ok(vec![Say::Acknowledge]));
    expect![[r#"this mail could be answered until 2026-03-02T10:05:59Z; answer a newer one, or say it on the command line: deploywatch ack, snooze, blame or tag"#]]
        .assert_eq(&reply(&mail(&old, &new)).says.expect_err("over"));
}

#[test]
fn a_letter_teaches_can_be_replied_to_and_does_not_go_on_for_ever() {
    let ann = Writer {
        name: "ann".to_owned(),
        address: Some("ann@shop.example".to_owned()),
    };
    let raw = filled(fixture!("mutt"), &token()).replace("faulty-check", "falty-check");
    let mut wrong = reply(&raw);
    let why = wrong.says.clone().expect_err("a slip");
    let letter = wrong.letter(&ann, &why, &secret()).expect("a letter");
    expect![[r#"
        To: ann@shop.example
        Subject: Not done: Re: CRITICAL web1/http - after deploy D-417 (shop)

        Nothing was done: `falty-check` is not understood; did you mean `faulty-check`?

        Reply with one command a line, above everything else:
        ack, snooze 2h, caused by DEPLOY, not caused by DEPLOY, tag NAME (service-issue, service-issue-off-hours, view-issue, wrong-period, downtime-expired, downtime-not-set, wrong-threshold, faulty-check)

        You wrote:
        > falty-check
        > not caused by D-417
        > Ann
    "#]]
    .assert_eq(&format!(
        "To: {}\nSubject: {}\n\n{}",
        letter.to, letter.subject, letter.text
    ));
    let mut id = letter.id;
    for number in 1..=LETTERS_MAX {
        assert!(id.starts_with(&format!("letter{number}.")), "{id}");
        let raw = format!("In-Reply-To: <{id}@shop.example>\r\n\r\nI do not understand\r\n");
        wrong = reply(&raw);
        assert_eq!(wrong.letters, number);
        match wrong.letter(&ann, "x", &secret()) {
            Some(next) => id = next.id,
            None => assert_eq!(number, LETTERS_MAX),
        }
    }
    let nowhere = Writer {
        address: None,
        ..ann
    };
    assert_eq!(reply(&raw).letter(&nowhere, "x", &secret()), None);
}

/// Pieces of mails, put together in any order.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let token = token();
    let piece = prop_oneof![
        Just(format!("In-Reply-To: <a.{token}@x>\r\n")),
        Just("Content-Type: multipart/mixed; boundary=b\r\n".to_owned()),
        Just("Content-Type: multipart/alternative; boundary=\"b\r\n".to_owned()),
        Just("Content-Type: text/html; charset=iso-2022-jp\r\n".to_owned()),
        Just("Content-Type: text/plain; format=flowed; delsp=yes; charset=utf-7\r\n".to_owned()),
        Just("Content-Type: message/rfc822\r\n".to_owned()),
        Just("Content-Transfer-Encoding: base64\r\n".to_owned()),
        Just("Content-Transfer-Encoding: quoted-printable\r\n".to_owned()),
        Just("Subject: =?utf-8?B?4p?= =?x?Q?=E?=\r\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\r\n--b\r\n".to_owned()),
        Just("\r\n--b--\r\n".to_owned()),
        Just("ack\r\n".to_owned()),
        Just("snooze 99999999999999999999h\r\n".to_owned()),
        Just("<blockquote></div><blockquote>".to_owned()),
        Just("> > x:\r\n".to_owned()),
        Just("On x <a@b> wrote:\r\n".to_owned()),
        "\\PC{0,30}",
    ];
    let bytes = prop::collection::vec(any::<u8>(), 0..30);
    let piece = prop_oneof![9 => piece.prop_map(String::into_bytes), 1 => bytes];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// A fixture with a few bytes changed, put in or taken out.
fn broken() -> impl Strategy<Value = Vec<u8>> {
    let fixtures = [
        fixture!("gmail"),
        fixture!("apple-mail"),
        fixture!("outlook"),
        fixture!("outlook-html"),
        fixture!("thunderbird"),
        fixture!("iphone"),
    ];
    let change = (any::<prop::sample::Index>(), 0..3_u8, any::<u8>());
    let changes = prop::collection::vec(change, 1..20);
    (prop::sample::select(fixtures.to_vec()), changes).prop_map(|(fixture, changes)| {
        let mut raw = filled(fixture, &token()).into_bytes();
        for (at, how, byte) in changes {
            let at = at.index(raw.len());
            match how {
                0 => raw[at] = byte,
                1 => raw.insert(at, byte),
                _ => drop(raw.remove(at)),
            }
        }
        raw
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn nothing_that_comes_in_ends_the_daemon(raw in prop_oneof![pieces(), broken()]) {
        if let Mail::Reply(reply) = read(&raw, None, &secret(), now()) {
            prop_assert!(reply.says.is_err() || reply.answer("ann").is_some());
            prop_assert!(reply.id.len() <= 250 && reply.id.is_ascii());
        }
    }

    #[test]
    fn words_of_any_kind_are_refused_or_understood_as_a_whole(lines in prop::collection::vec("[a-z >:@-]{0,12}", 0..12)) {
        let text = lines.join("\n");
        let own = own_words::own(&text);
        if let Ok(says) = commands::read(&own) {
            prop_assert!(!says.is_empty() && says.len() <= own.len());
        }
    }
}
