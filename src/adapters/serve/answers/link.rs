//! Links in mails. To open one changes nothing, since mail scanners open them all; the button on its page does.

use axum::{
    extract::{Path, Request, State},
    http::StatusCode,
    response::Response,
};

use super::page::{Said, page};
use crate::{
    adapters::serve::{
        ask::{ASK_LIMIT, Ask},
        body,
        metrics::Feed,
        refusal::Refusal,
        router::App,
    },
    base::text::one_line,
    domain::{
        answers::{
            Offer,
            link::{BadLink, Link, THROUGH},
        },
        engine::input::Input,
        model::{change::Audit, command::Command},
    },
};

const WAY: &str = "link";
/// The form has no fields.
const FORM_MAX: usize = 4096;
/// Links followed in a minute, by all people together: more is a program.
const PER_MINUTE: u32 = 120;

/// `GET /v1/answers/link/{token}`.
pub async fn ask(State(app): State<App>, Path(token): Path<String>) -> Response {
    let link = match open(&app, &token) {
        Ok(link) => link,
        Err(no) => return *no,
    };
    let name = link.object();
    let asked = name.clone();
    let now = app
        .hub
        .ask(ASK_LIMIT, |reply| Ask::Object { name: asked, reply })
        .await;
    let now = match now {
        Ok(Some(now)) => how_it_is(&link.offer, &now.state, &now.output),
        Ok(None) => "It is not in the configuration any more.".to_owned(),
        // What is asked can still be done, or will be refused.
        Err(_) => "How it is now cannot be told at this moment.".to_owned(),
    };
    app.metrics.answer(WAY, Feed::Asked);
    let (title, button) = words(&link);
    let lines = [
        now,
        format!("You answer as {}.", one_line(&link.contact)),
        format!("This link works until {}.", link.until),
    ];
    let said = Said {
        title: &title,
        lines: &lines,
        button: Some(&button),
    };
    page(StatusCode::OK, &said)
}

/// An answer to a page whose first problem is over is for what came with it.
fn how_it_is(offer: &Offer, state: &str, output: &str) -> String {
    if matches!(state, "OK" | "UP") && !matches!(offer, Offer::NotCaused(_)) {
        return format!(
            "It is {state} now; what came with its page and is still bad, if anything, is meant."
        );
    }
    match output {
        "" => format!("It is {state} now."),
        _ => format!("It is {state} now: {}", one_line(output)),
    }
}

/// `POST /v1/answers/link/{token}`.
pub async fn follow(
    State(app): State<App>,
    Path(token): Path<String>,
    request: Request,
) -> Response {
    let link = match open(&app, &token) {
        Ok(link) => link,
        Err(no) => return *no,
    };
    let too_long = || {
        let text = format!("the form is too long: at most {FORM_MAX} bytes are taken");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, text)
    };
    if let Err(no) = body::bytes(request.into_body(), FORM_MAX, too_long).await {
        return refused(&app, Feed::Oversized, no.status, no.text);
    }
    let now = (app.now)();
    if app.rates.take("answers/link", PER_MINUTE, now).is_err() {
        let text = "Too many links were followed in this minute; try again in the next.".to_owned();
        return refused(&app, Feed::Limited, StatusCode::TOO_MANY_REQUESTS, text);
    }
    let audit = Audit {
        at: now,
        who: link.contact.clone(),
        what: format!("{} through {THROUGH}", done(&link)),
    };
    let command = Command::Answer(link.answer());
    match app.hub.input(Input::Command(command), Some(audit)).await {
        Ok(reply) if reply.accepted => {
            app.metrics.answer(WAY, Feed::Taken);
            let said = Said {
                title: "Done",
                lines: &[sentence(&reply.text)],
                button: None,
            };
            page(StatusCode::OK, &said)
        }
        Ok(reply) => refused(&app, Feed::Refused, StatusCode::CONFLICT, reply.text),
        Err(no) => refused(&app, Feed::Refused, no.status, no.text),
    }
}

/// The error is the page that says why not.
fn open(app: &App, token: &str) -> Result<Link, Box<Response>> {
    let ways = app.ways.borrow().clone();
    let no = |end, status, text: &str| Box::new(refused(app, end, status, text.to_owned()));
    let Some(secret) = &ways.own else {
        let text =
            "This daemon takes no answers by link any more: its [answers] has no `secret_file`.";
        return Err(no(Feed::Refused, StatusCode::NOT_FOUND, text));
    };
    Link::open(token, secret, (app.now)()).map_err(|bad| match bad {
        BadLink::Forged => {
            let text = "This link is not whole, or not ours: open it from the mail again.";
            no(Feed::Forged, StatusCode::FORBIDDEN, text)
        }
        BadLink::Expired(at) => {
            let text = format!(
                "This link worked until {at}. Use that of a newer mail, or the command line: deploywatch ack, snooze or blame."
            );
            no(Feed::Refused, StatusCode::GONE, &text)
        }
    })
}

fn refused(app: &App, end: Feed, status: StatusCode, text: String) -> Response {
    app.metrics.answer(WAY, end);
    let said = Said {
        title: "Nothing was changed",
        lines: &[sentence(&text)],
        button: None,
    };
    page(status, &said)
}

/// The question, and what stands on the button.
fn words(link: &Link) -> (String, String) {
    let object = one_line(&link.object().to_string());
    match &link.offer {
        Offer::Acknowledge => (
            format!("Acknowledge {object}?"),
            "Acknowledge: I have it".to_owned(),
        ),
        Offer::Snooze => (
            format!("Put {object} off for 30 minutes?"),
            "Snooze 30 min".to_owned(),
        ),
        Offer::NotCaused(deploy) => {
            let deploy = one_line(deploy);
            (
                format!("Deploy {deploy} did not cause {object}?"),
                format!("It was not {deploy}"),
            )
        }
    }
}

/// For the audit trail.
fn done(link: &Link) -> String {
    let page = one_line(&link.page);
    match &link.offer {
        Offer::Acknowledge => format!("acknowledged {page}"),
        Offer::Snooze => format!("snoozed {page}"),
        Offer::NotCaused(deploy) => format!("said that {} did not cause {page}", one_line(deploy)),
    }
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    let text: String = first.into_iter().flatten().chain(letters).collect();
    if text.ends_with('.') {
        text
    } else {
        format!("{text}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_a_link_says_what_is_meant_once_its_problem_is_over() {
        let over = how_it_is(&Offer::Acknowledge, "OK", "fine");
        assert!(over.contains("what came with its page"), "{over}");
        let deploy = Offer::NotCaused("D-417".to_owned());
        assert_eq!(how_it_is(&deploy, "OK", "fine"), "It is OK now: fine");
        let bad = how_it_is(&Offer::Snooze, "CRITICAL", "refused\n\u{7}");
        assert!(bad.starts_with("It is CRITICAL now: refused"), "{bad}");
    }
}
