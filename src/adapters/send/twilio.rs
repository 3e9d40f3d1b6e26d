//! Twilio: a text to a phone, or a call that reads it out.

use super::{
    chat::escape_html,
    http::{CONTENT_TYPE, Reply, Request, basic, classify_service, path_part, text_in},
    incident::{self, Action, action},
    senders::SendResult,
    words,
};
use crate::{
    base::secret::Secret,
    domain::model::message::{Kind, Message},
};

/// Longest text, in bytes: beyond two or three parts phones and prices suffer, though 1600 characters would be taken.
const MAX_TEXT: usize = 320;
/// How often a call says it.
const SAY: u32 = 2;

/// Who sends, and to whom.
pub struct Numbers<'a> {
    pub account: &'a str,
    pub token: &'a Secret,
    pub from: &'a str,
    pub to: &'a str,
}

/// The request, or None when nobody is to be called for this.
pub fn encode(message: &Message, url: &str, numbers: &Numbers<'_>, voice: bool) -> Option<Request> {
    let wanted = match action(message) {
        // What is learned later calls nobody again.
        Action::Trigger => !voice || message.kind != Kind::Amendment,
        // That somebody has it, or that it is over, is worth a text, but no call.
        Action::Acknowledge | Action::Resolve => !voice,
        Action::Change | Action::Skip => false,
    };
    if !wanted {
        return None;
    }
    let text = incident::summary(&words::clean(message), MAX_TEXT);
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("To", numbers.to);
    // A messaging service picks the number itself.
    let sender = if !voice && numbers.from.starts_with("MG") {
        "MessagingServiceSid"
    } else {
        "From"
    };
    form.append_pair(sender, numbers.from);
    let what = if voice {
        form.append_pair("Twiml", &twiml(&text));
        "Calls"
    } else {
        form.append_pair("Body", &text);
        "Messages"
    };
    let login = basic(numbers.account, numbers.token);
    Some(Request {
        url: format!(
            "{url}/2010-04-01/Accounts/{}/{what}.json",
            path_part(numbers.account)
        ),
        headers: vec![
            (CONTENT_TYPE, "application/x-www-form-urlencoded".to_owned()),
            ("Authorization", login.expose().to_owned()),
        ],
        body: form.finish(),
        secrets: vec![numbers.token.clone(), login],
    })
}

fn twiml(text: &str) -> String {
    let mut said = String::new();
    for c in text.chars() {
        escape_html(c, &mut said);
    }
    format!("<Response><Say loop=\"{SAY}\">{said}</Say></Response>")
}

/// What Twilio's answer means.
pub fn classify(place: &str, reply: &Reply) -> SendResult {
    match (reply.status, text_in(reply, "/sid")) {
        (200..=299, Some(id)) => SendResult::Sent {
            receipt: format!("HTTP {} from {place}, {id}", reply.status),
        },
        (400, _) => SendResult::Dead {
            why: format!(
                "Twilio at {place} refused the message with HTTP 400 ({}); check the contact's `twilio` numbers: with + and the country, and `from` must be the account's own",
                text_in(reply, "/message").unwrap_or_default()
            ),
        },
        _ => classify_service(
            "Twilio",
            place,
            reply,
            "check the contact's `twilio` account and token",
        ),
    }
}
