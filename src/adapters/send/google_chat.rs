//! Google Chat webhooks: text in its own markup; what belongs to one problem stands in one thread.

use serde_json::{Value, json};

use super::{
    chat::{self, Markup},
    http::with_parameter,
    incident, words,
};
use crate::{base::secret::Secret, domain::model::message::Message};

/// A message may have 32,000 bytes.
const MAX_TEXT: usize = 8000;
/// A thread's key may have 4000 characters.
const MAX_KEY: usize = 1000;

const MARKUP: Markup = Markup {
    escape,
    bold: ("*", "*"),
    code: ("```\n", "\n```"),
    escape_code: escape,
    link: |text, url| format!("<{}|{}>", url.replace('|', "%7C"), text.replace('|', "/")),
    bullet: "• ",
};

/// There is no way to escape; an invisible space keeps `<` from what would make it a link or a mention of everybody.
fn escape(c: char, out: &mut String) {
    match c {
        '<' => out.push_str("<\u{200b}"),
        '`' => out.push('\''),
        _ => out.push(c),
    }
}

/// The request body; `key` is the delivery's.
pub fn body(message: &Message, key: &str, public_url: Option<&str>) -> Value {
    let message = words::clean(message);
    json!({
        "text": chat::text(&message, &MARKUP, public_url, MAX_TEXT),
        "thread": {"threadKey": incident::key(&message, key, MAX_KEY)},
    })
}

/// Where to post: below what was said of the same problem, or on its own where that is gone.
pub fn address(webhook_url: &Secret) -> String {
    with_parameter(
        webhook_url.expose(),
        "messageReplyOption",
        "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD",
    )
}
