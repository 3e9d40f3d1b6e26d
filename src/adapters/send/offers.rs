//! What a message offers to be answered with: signed links in mails and replies to them, buttons in Slack and Telegram.

use serde_json::Value;

use super::{
    http::Request,
    settings::{AnswerSettings, ReplyTo},
};
use crate::domain::{
    answers::{
        self, Offer,
        link::Link,
        mail::{self, Token},
        slack, telegram,
    },
    model::message::{Kind, Message},
};

/// A link of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    pub text: String,
    pub href: String,
}

/// What a mail offers to be answered with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailOffer {
    pub links: Vec<Offered>,
    /// None: replies to it are not taken.
    pub reply: Option<Reply>,
}

/// How a mail is replied to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Where to.
    pub address: String,
    /// Proves that who replies has this mail.
    pub token: String,
    /// What may be said, on one line; None: the mail does not ask for it, but a reply is read all the same.
    pub with: Option<String>,
}

/// What a mail to this contact offers. The same message offers the same, however often it is tried.
pub fn in_mail(settings: &AnswerSettings, message: &Message, contact: &str) -> MailOffer {
    MailOffer {
        links: links(settings, message, contact),
        reply: reply(settings, message, contact),
    }
}

fn reply(settings: &AnswerSettings, message: &Message, contact: &str) -> Option<Reply> {
    let (to, secret) = (settings.reply.as_ref()?, settings.secret.as_ref()?);
    // Also to what ends a problem: what it was about is often said then.
    let is_of_problem = !matches!(message.kind, Kind::Custom | Kind::Digest | Kind::Notice);
    if !is_of_problem || !message.dedup_key.contains('@') {
        return None;
    }
    let offers = answers::offers(message);
    let deploy = offers.iter().find_map(|offer| match offer {
        Offer::NotCaused(deploy) => Some(&**deploy),
        _ => None,
    });
    let until = message.at + settings.links_last;
    let token = Token::of(&message.dedup_key, contact, until).sign(secret);
    Some(Reply {
        address: address(to, &token),
        token,
        with: (!offers.is_empty()).then(|| mail::offered(deploy)),
    })
}

/// With the token behind the name, where the address takes it.
fn address(to: &ReplyTo, token: &str) -> String {
    match (to.delimiter, to.address.rsplit_once('@')) {
        (Some(delimiter), Some((name, domain))) => format!("{name}{delimiter}{token}@{domain}"),
        _ => to.address.clone(),
    }
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
