//! What a message offers to be answered with: signed links in mails, buttons in Slack and Telegram.

use serde_json::Value;

use super::{http::Request, settings::AnswerSettings};
use crate::domain::{
    answers::{self, link::Link, slack, telegram},
    model::message::Message,
};

/// A link of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    pub text: String,
    pub href: String,
}

/// The links of a mail to this contact. The same message gives the same links, however often it is tried.
pub fn links(settings: &AnswerSettings, message: &Message, contact: &str) -> Vec<Offered> {
    let (Some(url), Some(secret)) = (&settings.url, &settings.secret) else {
        return Vec::new();
    };
    let until = message.at + settings.links_last;
    answers::offers(message)
        .into_iter()
        .map(|offer| {
            let text = offer.label();
            let link = Link {
                offer,
                page: message.dedup_key.clone(),
                contact: contact.to_owned(),
                until,
            };
            let href = format!("{url}/v1/answers/link/{}", link.sign(secret));
            Offered { text, href }
        })
        .collect()
}

/// Buttons under a message in Slack, where they are answered.
pub fn in_slack(settings: &AnswerSettings, message: &Message, request: &mut Request) {
    let buttons = settings.slack.then(|| slack::buttons(message)).flatten();
    if let Some(buttons) = buttons {
        change(request, |body| {
            if let Some(Value::Array(blocks)) = body.pointer_mut("/attachments/0/blocks") {
                blocks.push(buttons);
            }
        });
    }
}

/// Buttons under a message in Telegram, where they are answered.
pub fn in_telegram(settings: &AnswerSettings, message: &Message, request: &mut Request) {
    let own = settings.secret.as_ref().filter(|_| settings.telegram);
    if let Some(keyboard) = own.and_then(|own| telegram::keyboard(message, own)) {
        change(request, |body| body["reply_markup"] = keyboard);
    }
}

/// A body that is no JSON object stays as it is: the page goes out without buttons.
fn change(request: &mut Request, change: impl FnOnce(&mut Value)) {
    if let Ok(mut body @ Value::Object(_)) = serde_json::from_str(&request.body) {
        change(&mut body);
        request.body = body.to_string();
    }
}
