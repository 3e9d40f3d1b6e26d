//! Answers to pages by link and through other services: what is done, what is refused, and what is counted.

use std::time::Duration;

use expect_test::expect;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Access, Site, check, error, noon, said, ways};
use crate::{
    base::secret::Secret,
    domain::answers::{Offer, link::Link, mail::Token},
};

const PRESSED_IN_PAGERDUTY: &str =
    include_str!("../../../../tests/answers/pagerduty-acknowledged.json");
const PRESSED_IN_SLACK: &str = include_str!("../../../../tests/answers/slack-pressed.json");
const PAGE: &str = "web1/http@1772445960000";

fn link(offer: Offer) -> Link {
    Link {
        offer,
        page: PAGE.to_owned(),
        contact: "ann".to_owned(),
        until: noon() + Duration::from_secs(3600),
    }
}

fn path(link: &Link) -> String {
    let own = ways().own.expect("a secret");
    format!("/v1/answers/link/{}", link.sign(&own))
}

fn signature(secret: &Secret, parts: &[&[u8]]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).expect("a key");
    for part in parts {
        mac.update(part);
    }
    let bytes = mac.finalize().into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The words of a page without its head and markup.
fn words(html: &str) -> String {
    let body = html.split_once("<body>").expect("a page").1;
    let mut text = String::new();
    let mut inside = true;
    for letter in body.chars() {
        match letter {
            '<' => inside = false,
            '>' => inside = true,
            _ if inside => text.push(letter),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Site {
    async fn send(&self, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> (u16, String) {
        let mut request = self.http.post(self.url(path)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        said(request).await
    }

    async fn counted(&self) -> Vec<String> {
        let (_, text) = self.get("/metrics").await;
        text.lines()
            .filter_map(|line| line.strip_prefix("deploywatch_answers_total"))
            .map(str::to_owned)
            .collect()
    }
}

#[tokio::test]
async fn to_open_a_link_changes_nothing_and_its_button_does() {
    // Tokens for the API are needed elsewhere, not here.
    let site = Site::open(super::one_of_each()).await;
    for offer in [
        Offer::Acknowledge,
        Offer::Snooze,
        Offer::NotCaused("D-4<17>".to_owned()),
    ] {
        let path = path(&link(offer));
        for method in [Method::GET, Method::HEAD] {
            let answer = site.http.request(method, site.url(&path)).send().await;
            let answer = answer.expect("an answer");
            assert_eq!(answer.status(), 200);
            let policy = answer.headers()["content-security-policy"].to_str();
            assert!(policy.expect("text").contains("frame-ancestors 'none'"));
            assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
            assert_eq!(answer.headers()["cache-control"], "no-store");
        }
        assert_eq!(site.inputs(), Vec::<String>::new());
    }
    let (_, html) = site
        .get(&path(&link(Offer::NotCaused("D-4<17>".to_owned()))))
        .await;
    assert!(!html.contains("<17>"));
    check(
        &[words(&html)],
        expect![
            "Deploy D-4&lt;17&gt; did not cause web1&#x2f;http? It is now. You answer as ann. This link works until 2026-03-02T13:00:00Z. It was not D-4&lt;17&gt;"
        ],
    );
    for offer in [
        Offer::Acknowledge,
        Offer::Snooze,
        Offer::NotCaused("D-417".to_owned()),
    ] {
        let (status, html) = site.send(&path(&link(offer)), &[], Vec::new()).await;
        assert_eq!((status, &*words(&html)), (200, "Done Noted."));
    }
    check(
        &site.inputs(),
        expect![[r#"
        Command(Answer(Answer { about: Page("web1/http@1772445960000"), say: Acknowledge, author: "ann", through: "a link in a mail" })) [ann: acknowledged web1/http@1772445960000 through a link in a mail]
        Command(Answer(Answer { about: Page("web1/http@1772445960000"), say: Snooze { span: 1800s, comment: None }, author: "ann", through: "a link in a mail" })) [ann: snoozed web1/http@1772445960000 through a link in a mail]
        Command(Answer(Answer { about: Page("web1/http@1772445960000"), say: NotCaused("D-417"), author: "ann", through: "a link in a mail" })) [ann: said that D-417 did not cause web1/http@1772445960000 through a link in a mail]"#]],
    );
    check(
        &site.counted().await,
        expect![[r#"
        {way="link",result="taken"} 3
        {way="link",result="asked"} 7"#]],
    );
}

#[tokio::test]
async fn links_that_are_forged_cut_or_over_change_nothing_and_say_so() {
    let site = Site::open(Access::default()).await;
    let good = path(&link(Offer::Acknowledge));
    let over = path(&Link {
        until: noon() - Duration::from_secs(1),
        ..link(Offer::Acknowledge)
    });
    let foreign = {
        let token = link(Offer::Acknowledge).sign(&Secret::new("somebody else's secret"));
        format!("/v1/answers/link/{token}")
    };
    let mut texts = Vec::new();
    for path in [&good[..good.len() - 4], &over, &foreign] {
        for (status, html) in [site.get(path).await, site.send(path, &[], Vec::new()).await] {
            texts.push(format!("{status} {}", words(&html)));
        }
    }
    let (status, html) = site.send(&good, &[], vec![b'x'; 5000]).await;
    texts.push(format!("{status} {}", words(&html)));
    let nowhere = path(&Link {
        page: "nowhere@1".to_owned(),
        ..link(Offer::Acknowledge)
    });
    assert_eq!(site.inputs(), Vec::<String>::new());
    // The engine knows of no such problem.
    let (status, html) = site.send(&nowhere, &[], Vec::new()).await;
    texts.push(format!("{status} {}", words(&html)));
    check(
        &texts,
        expect![[r#"
        403 Nothing was changed This link is not whole, or not ours: open it from the mail again.
        403 Nothing was changed This link is not whole, or not ours: open it from the mail again.
        410 Nothing was changed This link worked until 2026-03-02T11:59:59Z. Use that of a newer mail, or the command line: deploywatch ack, snooze or blame.
        410 Nothing was changed This link worked until 2026-03-02T11:59:59Z. Use that of a newer mail, or the command line: deploywatch ack, snooze or blame.
        403 Nothing was changed This link is not whole, or not ours: open it from the mail again.
        403 Nothing was changed This link is not whole, or not ours: open it from the mail again.
        413 Nothing was changed The form is too long: at most 4096 bytes are taken.
        409 Nothing was changed No host `nowhere` is configured."#]],
    );
    check(
        &site.counted().await,
        expect![[r#"
        {way="link",result="forged"} 4
        {way="link",result="oversized"} 1
        {way="link",result="refused"} 3"#]],
    );
}

#[tokio::test]
async fn links_are_followed_only_so_often() {
    let site = Site::open(Access::default()).await;
    let path = path(&link(Offer::Acknowledge));
    for _ in 0..120 {
        assert_eq!(site.send(&path, &[], Vec::new()).await.0, 200);
    }
    assert_eq!(site.send(&path, &[], Vec::new()).await.0, 429);
    assert_eq!(site.inputs().len(), 120);
}

#[tokio::test]
async fn pagerduty_is_believed_by_its_signature_and_once() {
    let site = Site::open(super::one_of_each()).await;
    let secret = ways().pagerduty.expect("a secret");
    let path = "/v1/answers/pagerduty";
    let sign = |body: &[u8]| format!("v1={}", signature(&secret, &[body]));
    let body = PRESSED_IN_PAGERDUTY.as_bytes().to_vec();
    let good = sign(&body);
    let signed = [("X-PagerDuty-Signature", &*good)];
    assert_eq!(site.send(path, &signed, body.clone()).await.0, 200);
    // PagerDuty sends again what it is not sure of.
    assert_eq!(site.send(path, &signed, body.clone()).await.0, 200);
    let mut texts = Vec::new();
    let half = body[..body.len() / 2].to_vec();
    for (headers, body) in [
        (vec![], body.clone()),
        (vec![("X-PagerDuty-Signature", "v1=00")], body.clone()),
        // Cut on its way: the signature is of the whole.
        (signed.to_vec(), half.clone()),
        (signed.to_vec(), vec![b' '; 300 * 1024]),
        (vec![("X-PagerDuty-Signature", &*sign(&half))], half),
    ] {
        texts.push(error(site.send(path, &headers, body).await));
    }
    // Signed once, kept, and played two days later under a new name.
    let mut old: Value = serde_json::from_str(PRESSED_IN_PAGERDUTY).expect("JSON");
    old["event"]["id"] = json!("another");
    old["event"]["occurred_at"] = json!("2026-02-28T10:00:00Z");
    let old = old.to_string().into_bytes();
    let of_old = sign(&old);
    texts.push(error(
        site.send(path, &[("X-PagerDuty-Signature", &of_old)], old)
            .await,
    ));
    check(
        &texts,
        expect![[r#"
        401 refused: the header X-PagerDuty-Signature is missing
        401 refused: the signature in X-PagerDuty-Signature does not fit the body and the webhook's secret
        401 refused: the signature in X-PagerDuty-Signature does not fit the body and the webhook's secret
        413 the body is too long: at most 262144 bytes are taken
        400 PagerDuty: the body is not JSON: EOF while parsing a string at line 24 column 50
        409 it happened more than a day ago: this is a copy of an old request, or a clock is wrong"#]],
    );
    check(
        &site.inputs(),
        expect![[r#"
        Answer { about: Page("web1/http@1772445960000"), say: Acknowledge, author: "Ann Example", through: "PagerDuty" } [Ann Example: acknowledged web1/http@1772445960000 through PagerDuty]
        heard 01DEN4HPBQAAAG05V5QQYBRZMF
        heard 01DEN4HPBQAAAG05V5QQYBRZMF"#]],
    );
    check(
        &site.counted().await,
        expect![[r#"
        {way="pagerduty",result="taken"} 1
        {way="pagerduty",result="repeated"} 1
        {way="pagerduty",result="replayed"} 1
        {way="pagerduty",result="forged"} 3
        {way="pagerduty",result="oversized"} 1
        {way="pagerduty",result="unreadable"} 1"#]],
    );
}

#[tokio::test]
async fn slack_is_believed_for_five_minutes() {
    let site = Site::open(super::one_of_each()).await;
    let secret = ways().slack.expect("a secret");
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", PRESSED_IN_SLACK)
        .finish();
    let send = async |seconds: i64, body: &str| {
        let time = (noon().secs() + seconds).to_string();
        let parts: [&[u8]; 4] = [b"v0:", time.as_bytes(), b":", body.as_bytes()];
        let signature = format!("v0={}", signature(&secret, &parts));
        let headers = [
            ("X-Slack-Request-Timestamp", &*time),
            ("X-Slack-Signature", &*signature),
        ];
        site.send("/v1/answers/slack", &headers, body.as_bytes().to_vec())
            .await
    };
    // Slack shows what it is answered, so it is answered nothing.
    assert_eq!(send(0, &body).await, (200, String::new()));
    assert_eq!(send(0, &body).await, (200, String::new()));
    assert_eq!(send(-299, &body).await, (200, String::new()));
    assert_eq!(send(-301, &body).await.0, 401);
    assert_eq!(send(301, &body).await.0, 401);
    assert_eq!(send(0, "ssl_check=1").await, (200, String::new()));
    assert_eq!(send(0, "payload=%7B").await.0, 400);
    let unsigned = site
        .send("/v1/answers/slack", &[], body.clone().into_bytes())
        .await;
    assert_eq!(unsigned.0, 401);
    check(
        &site.inputs(),
        expect![[r#"
        Answer { about: Page("web1/http@1772445960000"), say: Acknowledge, author: "ann", through: "Slack" } [ann: acknowledged web1/http@1772445960000 through Slack]
        heard j_cV3nkTZtNrtZ2ZP1k5tGl8ltqm1dD06Z2E9ExibJM
        heard j_cV3nkTZtNrtZ2ZP1k5tGl8ltqm1dD06Z2E9ExibJM
        Answer { about: Page("web1/http@1772445960000"), say: Acknowledge, author: "ann", through: "Slack" } [ann: acknowledged web1/http@1772445960000 through Slack]
        heard myAV8iOR5JgxftoYiEfpMLxZmIRPfoqL02TgmtoJEfo"#]],
    );
    check(
        &site.counted().await,
        expect![[r#"
        {way="slack",result="taken"} 2
        {way="slack",result="passed"} 1
        {way="slack",result="repeated"} 1
        {way="slack",result="forged"} 3
        {way="slack",result="unreadable"} 1"#]],
    );
}

#[tokio::test]
async fn telegram_is_told_what_to_show() {
    use crate::domain::{answers::telegram, model::message::Kind, notify::compose};
    let site = Site::open(super::one_of_each()).await;
    let mut message = compose::about_app("web1", Kind::Problem, String::new(), Vec::new(), noon());
    message.dedup_key = PAGE.to_owned();
    message.state = "CRITICAL".to_owned();
    message.since = Some(noon());
    let own = ways().own.expect("a secret");
    let keyboard = telegram::keyboard(&message, &own).expect("buttons");
    let data = keyboard["inline_keyboard"][0][0]["callback_data"].clone();
    let update = |data: &str| {
        include_str!("../../../../tests/answers/telegram-pressed.json")
            .replace("DATA", data)
            .into_bytes()
    };
    let token = [(
        "X-Telegram-Bot-Api-Secret-Token",
        "the-secret-token-of-telegram",
    )];
    let path = "/v1/answers/telegram";
    let pressed = update(data.as_str().expect("data"));
    let (status, text) = site.send(path, &token, pressed.clone()).await;
    assert_eq!(status, 200);
    let shown: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        shown,
        json!({
            "method": "answerCallbackQuery",
            "callback_query_id": "4382bfdwdsb323b2d9",
            "text": "noted",
            "show_alert": true,
        })
    );
    assert_eq!(site.send(path, &token, pressed.clone()).await.0, 200);
    let wrong = [("X-Telegram-Bot-Api-Secret-Token", "a-guess")];
    assert_eq!(site.send(path, &wrong, pressed.clone()).await.0, 401);
    assert_eq!(site.send(path, &[], pressed).await.0, 401);
    // A button that somebody made up: whoever pressed it reads why nothing happens.
    let (status, text) = site.send(path, &token, update("a-made-up-button")).await;
    assert_eq!(status, 200);
    assert!(text.contains("not one of deploywatch's"), "{text}");
    check(
        &site.inputs(),
        expect![[r#"
        Answer { about: Digest("uAzJg_rFYU8Mv4-NoDIdHQ"), say: Acknowledge, author: "ann_example", through: "Telegram" } [ann_example: acknowledged a page through Telegram]
        heard 871523001
        heard 871523001"#]],
    );
    check(
        &site.counted().await,
        expect![[r#"
        {way="telegram",result="taken"} 1
        {way="telegram",result="passed"} 1
        {way="telegram",result="repeated"} 1
        {way="telegram",result="forged"} 2"#]],
    );
}

#[tokio::test]
async fn a_way_that_is_not_there_says_what_is_missing() {
    let site = Site::open(Access::default()).await;
    let texts = [
        error(site.send("/v1/answers/slak", &[], Vec::new()).await),
        error(site.send("/v1/answers/x", &[], Vec::new()).await),
        error(site.get("/v1/answers/slack").await),
    ];
    check(
        &texts,
        expect![[r#"
        404 no answers are taken through `slak`; did you mean `slack`?
        404 no answers are taken through `x`; they are through pagerduty, slack, telegram
        405 /v1/answers/slack does not take GET; GET /v1/openapi.json lists all paths"#]],
    );
}

/// A reply of this contact, from a page that it may answer for an hour.
fn mail(contact: &str, id: &str, words: &str) -> Vec<u8> {
    let token = Token::of(PAGE, contact, noon() + Duration::from_secs(3600));
    let token = token.sign(&ways().own.expect("a secret"));
    format!(
        "From: mallory@elsewhere.example\r\nMessage-ID: <{id}@laptop.example>\r\nIn-Reply-To: <x.{token}@shop.example>\r\n\
         Subject: Re: CRITICAL web1/http\r\n\r\n{words}\r\n\r\n> CRITICAL web1/http\r\n"
    )
    .into_bytes()
}

#[tokio::test]
async fn a_reply_to_a_mail_is_proved_by_its_token_and_done_once() {
    let site = Site::open(super::one_of_each()).await;
    let path = "/v1/answers/mail";
    let mut texts = Vec::new();
    let automatic = [
        b"Auto-Submitted: auto-replied\r\n".to_vec(),
        mail("ann", "0", "ack"),
    ]
    .concat();
    for body in [
        mail("ann", "1", "ack a disk"),
        // The mail server was not sure that it was taken.
        mail("ann", "1", "ack a disk"),
        mail(
            "ann",
            "2",
            "snooze 2h\r\nnot caused by D-417\r\ntag faulty-check",
        ),
        automatic,
        b"Subject: cheap watches\r\n\r\nack\r\n".to_vec(),
        mail("dave", "3", "ack"),
    ] {
        let (status, text) = site.send(path, &[], body).await;
        texts.push(format!("{status} {text}"));
    }
    let bounced = [("x-deploywatch-sender", "")];
    let (status, text) = site.send(path, &bounced, mail("ann", "4", "ack")).await;
    texts.push(format!("{status} {text}"));
    check(
        &texts,
        expect![[r#"
        200 {"text":"noted"}
        200 {"text":"noted"}
        200 {"text":"noted"}
        200 {"text":"no person wrote it: it says Auto-Submitted: auto-replied"}
        403 {"error":"refused: it is no reply to a page: neither In-Reply-To, References nor its address has our signature"}
        422 {"error":"nothing was done: the contact that this page went to is not configured any more"}
        200 {"text":"no person wrote it: it has no sender to return it to, so it is a bounce or a receipt"}"#]],
    );
    check(
        &site.inputs(),
        expect![[r#"
        Answer { about: Digest("uAzJg_rFYU8M"), say: AcknowledgeWith("a disk"), author: "ann", through: "a reply to a mail" } [ann: acknowledged a page through a reply to a mail]
        heard 1@laptop.example
        heard 1@laptop.example
        Answer { about: Digest("uAzJg_rFYU8M"), say: Several([Snooze { span: 7200s, comment: None }, NotCaused("D-417"), Tag(FaultyCheck)]), author: "ann", through: "a reply to a mail" } [ann: snoozed a page, said that D-417 did not cause a page, tagged a page faulty-check through a reply to a mail]
        heard 2@laptop.example"#]],
    );
    check(
        &site.counted().await,
        expect![[r#"
        {way="mail",result="taken"} 2
        {way="mail",result="passed"} 2
        {way="mail",result="repeated"} 1
        {way="mail",result="forged"} 1
        {way="mail",result="refused"} 1"#]],
    );
    assert_eq!(site.letters.lock().expect("no panic").len(), 0);
}

#[tokio::test]
async fn who_was_not_understood_gets_a_letter_and_nobody_else_does() {
    let site = Site::open(Access::default()).await;
    let path = "/v1/answers/mail";
    let mut texts = Vec::new();
    for body in [
        mail("ann", "1", "please restart it"),
        // Its mail server does not take the letter, and this one has no address: the message is returned instead.
        mail("bob", "2", "akc"),
        mail("carol", "3", "akc"),
    ] {
        let (status, text) = site.send(path, &[], body).await;
        texts.push(format!("{status} {text}"));
    }
    check(
        &texts,
        expect![[r#"
        200 {"text":"nothing was done: `please restart it` is not understood; ann was told by mail"}
        422 {"error":"nothing was done: `akc` is not understood; did you mean `ack`?"}
        422 {"error":"nothing was done: `akc` is not understood; did you mean `ack`?"}"#]],
    );
    for number in 0..10 {
        let words = mail("ann", &format!("n{number}"), "what?");
        let (status, _) = site.send(path, &[], words).await;
        // To the contact, whoever it says it is from; and not without end.
        assert_eq!(status, if number < 3 { 200 } else { 422 }, "{number}");
    }
    assert_eq!(site.inputs(), Vec::<String>::new());
    let letters = site.letters.lock().expect("no panic").clone();
    let to: Vec<&str> = letters.iter().map(|letter| &*letter.to).collect();
    assert_eq!(
        to,
        [
            "ann@shop.example",
            "bob@nowhere.example",
            "ann@shop.example",
            "ann@shop.example",
            "ann@shop.example"
        ]
    );
    assert_eq!(letters[0].about, "1@laptop.example");
    check(
        &site.counted().await,
        expect![[r#"{way="mail",result="unreadable"} 13"#]],
    );
}

#[tokio::test]
async fn a_mail_that_is_too_long_is_refused_before_it_is_read() {
    let site = Site::open(Access::default()).await;
    let long = mail("ann", "1", &"ack\r\n".repeat(60_000));
    let (status, _) = site.send("/v1/answers/mail", &[], long).await;
    assert_eq!(status, 413);
    assert_eq!(site.inputs(), Vec::<String>::new());
}
