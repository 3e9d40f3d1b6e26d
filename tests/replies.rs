//! Pages answered by replying to their mails: the example's site, a real mail server that sends and pipes, and replies as
//! mail programs write them.

mod common;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use common::{
    Daemon, PROGRAM, Site, free_port,
    mail::{Mail, MailServer},
};
use deploywatch::{
    base::{secret::Secret, time::Timestamp},
    domain::answers::mail::Token,
};
use serde_json::Value;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The example on ports of this machine, with a mail server that hands mails for `watch` to the command.
struct Place {
    site: Site,
    mails: MailServer,
    listen: u16,
}

impl Place {
    fn new() -> Self {
        let (site, listen, smtp) = (Site::new(), free_port(), free_port());
        let server = format!("http://127.0.0.1:{listen}");
        let pipe = [
            "--pipe",
            "watch",
            PROGRAM,
            "answer-mail",
            "--server",
            &server,
        ];
        let mails = MailServer::start(&site, smtp, &pipe);
        let plugin = site.changeable_plugin("http");
        let example =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/answers/deploywatch.toml");
        let mut text = fs::read_to_string(example).expect("the example");
        for (from, to) in [
            (
                "listen = \"127.0.0.1:8420\"",
                format!("listen = \"127.0.0.1:{listen}\""),
            ),
            ("store = \":memory:\"", "store = \"store.db\"".to_owned()),
            ("port = 25\n", format!("port = {smtp}\n")),
            ("# reply_delimiter", "reply_delimiter".to_owned()),
            ("[\"ann\", \"chat\", \"pager\"]", "[\"ann\"]".to_owned()),
            (
                "\"check_http -I $HOSTADDRESS$ -p 8080\"",
                format!("\"{}\"", plugin.display()),
            ),
            (
                "every = \"1m\"\nretry = \"15s\"\nattempts = 2",
                "every = \"1s\"\nretry = \"1s\"\nattempts = 1".to_owned(),
            ),
        ] {
            assert!(text.contains(from), "the example has no `{from}` any more");
            text = text.replace(from, &to);
        }
        site.write("deploywatch.toml", text);
        Self {
            site,
            mails,
            listen,
        }
    }

    fn start(&self) -> Daemon {
        let environment = [
            ("ANSWERS_SECRET", SECRET),
            ("PAGERDUTY_WEBHOOK_SECRET", "shown-once-by-pagerduty"),
            ("SLACK_SIGNING_SECRET", "8f742231b10e8888abcd99yyyzzz85a5"),
            ("TELEGRAM_WEBHOOK_SECRET", "given-to-set-webhook"),
            ("TELEGRAM_TOKEN", "123:token"),
            ("SLACK_URL", "http://127.0.0.1:9/slack"),
            ("PAGERDUTY_KEY", "routing-key"),
        ];
        Daemon::start_with(
            &self.site.file("deploywatch.toml"),
            self.listen,
            &environment,
        )
    }

    /// Replies to a mail with a fixture, as its mail program would; what the mail server says to it.
    fn reply(&self, page: &Mail, name: &str) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/answers/mails")
            .join(format!("{name}.eml"));
        let fixture = fs::read_to_string(path).expect(name);
        let to = page.header("reply-to");
        let reply = fixture
            .replace("@ID@", page.header("message-id"))
            .replace("@REFERENCES@", page.header("references"))
            .replace("@TO@", to);
        // Whose it is says nothing: it comes from an address that nobody knows.
        let from = if reply.starts_with("Return-Path: <>") {
            ""
        } else {
            "somebody@elsewhere.example"
        };
        self.mails.hand_in(from, to, &reply)
    }

    /// A reply in few words.
    fn say(&self, answered: &str, id: &str, words: &str) -> String {
        let reply = format!(
            "From: ann@shop.example\nMessage-ID: <{id}@laptop.example>\nIn-Reply-To: {answered}\n\
             Subject: Re: CRITICAL web1/http\n\n{words}\n"
        );
        self.mails
            .hand_in("ann@shop.example", "watch@shop.example", &reply)
    }
}

/// The letter to ann about her reply of this id.
fn letter(place: &Place, id: &str) -> Mail {
    common::until(&format!("a letter about {id}"), || {
        let about = format!("<{id}@laptop.example>");
        let mut mails = place.mails.mails().into_iter();
        mails.find(|mail| mail.header("in-reply-to") == about)
    })
}

#[test]
fn replies_of_all_mail_programs_do_what_they_say() {
    let place = Place::new();
    let daemon = place.start();
    place.site.say("http", 2, "CRITICAL - 502");
    let page = place.mails.until("CRITICAL web1/http");
    assert!(
        page.text()
            .contains("\nReply with: ack, snooze 2h, caused by DEPLOY, "),
        "{}",
        page.text()
    );
    assert!(page.html().contains("Reply with: ack, "));
    // A deploy that the replies name.
    for verb in ["start", "finish"] {
        let app = ["--app", "shop", "--environment", "production"];
        let words = [&["deploy", verb, "D-417"][..], &app[..]].concat();
        daemon.ask(&words[..if verb == "start" { words.len() } else { 3 }]);
    }
    for (name, said) in [
        ("gmail", "web1/http is acknowledged by ann"),
        (
            "apple-mail",
            "web1/http is not put down to deploy D-417, as ann says; web1/http is snoozed by ann until",
        ),
        ("iphone", "web1/http is acknowledged by ann"),
        (
            "outlook",
            "web1/http is put down to deploy D-417, as ann says; the problem of web1/http since",
        ),
        ("outlook-plain", "web1/http is snoozed by ann until"),
        (
            "outlook-html",
            "web1/http is acknowledged by ann; the problem of web1/http since",
        ),
        (
            "thunderbird",
            "web1/http is acknowledged by ann; web1/http is not put down to deploy D-417, as ann says",
        ),
        ("k9", "web1/http is snoozed by ann until"),
        ("mutt", "the problem of web1/http since"),
    ] {
        let answer = place.reply(&page, name);
        assert!(
            answer.starts_with(&format!("250 exit 0: {said}")),
            "{name}: {answer}"
        );
        let now = daemon.object("web1/http");
        let is_taken = now["acknowledged_by"] == "ann";
        assert_eq!(
            is_taken,
            said.contains("acknowledged") || said.contains("snoozed"),
            "{name}"
        );
        assert_eq!(
            now["snoozed_until"].is_string(),
            said.contains("snoozed"),
            "{name}"
        );
        if is_taken {
            daemon.ask(&["unack", "web1/http"]);
        }
    }
    place
        .mails
        .until("CRITICAL web1/http - acknowledged by ann");
    let why = daemon.ask(&["why", "web1/http", "--limit", "50"]);
    for said in [
        "ann tagged it faulty-check: no action",
        "ann says that deploy D-417 caused it",
        "ann says that deploy D-417 did not cause it",
    ] {
        assert!(why.contains(said), "{said} in {why}");
    }
    // The same mail again, as from a queue.
    let again = place.reply(&page, "gmail");
    assert!(
        again.contains("250 exit 0: this delivery was taken at "),
        "{again}"
    );
    assert_eq!(daemon.object("web1/http")["acknowledged_by"], Value::Null);
    daemon.end_well();
}

#[test]
fn no_program_and_no_forger_answers_a_page() {
    let place = Place::new();
    let daemon = place.start();
    place.site.say("http", 2, "CRITICAL - 502");
    let page = place.mails.until("CRITICAL web1/http");
    for name in ["vacation", "out-of-office", "bounce", "receipt"] {
        let answer = place.reply(&page, name);
        assert!(
            answer.starts_with("250 exit 0: no person wrote it: "),
            "{name}: {answer}"
        );
    }
    let plain = "From: ann@shop.example\nMessage-ID: <n@shop.example>\nIn-Reply-To: @ID@\n\nack\n"
        .replace("@ID@", page.header("message-id"));
    let answer = place.mails.hand_in("", "watch@shop.example", &plain);
    assert!(
        answer.starts_with("250 exit 0: no person wrote it: "),
        "{answer}"
    );
    // Nobody who guesses hears more than silence, and nobody else gets mail for it.
    let id = page.header("message-id");
    let key = page.header("x-deploywatch-key");
    let secret = Secret::new("somebody else's secret, as long");
    let until = Timestamp::from_secs(4_000_000_000);
    let problem = key.split("/problem/").next().expect("a key");
    let foreign = Token::of(problem, "ann", until).sign(&secret);
    for forged in [
        format!("<{foreign}@shop.example>"),
        id.replace(['a', 'b', 'c'], "d"),
        "<made.up@shop.example>".to_owned(),
        String::new(),
    ] {
        let answer = place.say(&forged, "f", "ack");
        assert!(
            answer.starts_with("250 exit 0: deploywatch: refused: it is no reply to a page"),
            "{answer}"
        );
    }
    assert_eq!(daemon.object("web1/http")["acknowledged_by"], Value::Null);
    let (_, metrics) = daemon.http("GET", "/metrics", None).expect("an answer");
    for line in ["result=\"passed\"} 5", "result=\"forged\"} 4"] {
        let line = format!("deploywatch_answers_total{{way=\"mail\",{line}");
        assert!(metrics.contains(&line), "{line}");
    }
    assert!(!daemon.log().contains(SECRET));
    let letters = place.mails.mails();
    assert!(
        letters
            .iter()
            .all(|mail| !mail.subject().starts_with("Not done"))
    );
    daemon.end_well();
}

#[test]
fn who_is_not_understood_or_too_late_is_told_and_can_reply_to_that() {
    let place = Place::new();
    let daemon = place.start();
    place.site.say("http", 2, "CRITICAL - 502");
    let page = place.mails.until("CRITICAL web1/http");
    let id = page.header("message-id").to_owned();
    // Half of it is understood, and nothing is done.
    let answer = place.say(&id, "1", "ack\ntag falty-check");
    assert!(
        answer.contains("exit 0: nothing was done: there is no tag `falty-check`"),
        "{answer}"
    );
    assert_eq!(daemon.object("web1/http")["acknowledged_by"], Value::Null);
    let told = letter(&place, "1");
    assert_eq!(told.0["to"], serde_json::json!(["ann@shop.example"]));
    assert_eq!(told.header("auto-submitted"), "auto-replied");
    assert!(
        told.text().starts_with(
            "Nothing was done: there is no tag `falty-check`; did you mean `faulty-check`?"
        ),
        "{}",
        told.text()
    );
    let answer = place.say(told.header("message-id"), "2", "ack\ntag faulty-check");
    assert!(
        answer.starts_with("250 exit 0: web1/http is acknowledged by ann; "),
        "{answer}"
    );
    // Whoever replies to letters for ever gets no more of them: the mail server returns it.
    let token = id
        .trim_end_matches('>')
        .split(['.', '@'])
        .nth(1)
        .expect("a token");
    let answer = place.say(&format!("<letter3.x.{token}@shop.example>"), "3", "hello?");
    assert_eq!(
        answer,
        "550 exit 65: nothing was done: `hello?` is not understood"
    );

    // The problem of another day.
    place.site.say("http", 0, "OK - fine");
    daemon.until_hard("web1/http", "OK");
    place.site.say("http", 2, "CRITICAL - again");
    daemon.until_hard("web1/http", "CRITICAL");
    let answer = place.say(&id, "4", "ack");
    assert!(
        answer.contains("250 exit 0: nothing was done: this problem of web1/http, since "),
        "{answer}"
    );
    assert!(
        letter(&place, "4")
            .text()
            .contains("with a page of its own")
    );
    let own = Secret::new(SECRET);
    let over = Token::of("web1/http@1", "ann", Timestamp::from_secs(1_772_445_960)).sign(&own);
    place.say(&format!("<{over}@shop.example>"), "5", "ack");
    assert!(
        letter(&place, "5")
            .text()
            .contains("could be answered until 2026-03-02T10:06:00Z")
    );
    assert_eq!(daemon.object("web1/http")["acknowledged_by"], Value::Null);
    // What it was about is said to the mail that ends it.
    let over = place.mails.until("OK web1/http");
    assert!(!over.text().contains("Reply with"), "{}", over.text());
    let answer = place.say(over.header("message-id"), "7", "tag wrong-threshold");
    assert!(
        answer.starts_with("250 exit 0: the problem of web1/http since "),
        "{answer}"
    );

    // Without a daemon it waits in the queue.
    daemon.end_well();
    let answer = place.say(&id, "6", "ack");
    assert!(
        answer.starts_with("451 exit 75: deploywatch: no daemon answers at "),
        "{answer}"
    );
}

#[test]
fn wrong_use_and_an_empty_message_are_returned_and_not_kept() {
    let ended = |words: &[&str]| {
        let mut command = Command::new(PROGRAM);
        let command = command.arg("answer-mail").args(words).stdin(Stdio::null());
        command.output().expect("it runs").status.code()
    };
    assert_eq!(ended(&["--nope"]), Some(64));
    assert_eq!(ended(&["--help"]), Some(0));
    assert_eq!(ended(&["--server", "http://127.0.0.1:9"]), Some(65));
}
