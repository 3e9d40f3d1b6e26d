//! Mattermost incoming webhooks.

use serde_json::Value;

use super::chat::{self, Markup};
use crate::domain::model::message::Message;

/// A post may have 16383 characters; those beyond some screens fold anyway.
const MAX_TEXT: usize = 8000;

const MARKDOWN: Markup = Markup {
    escape: chat::escape_markdown,
    bold: ("**", "**"),
    code: ("```\n", "\n```"),
    escape_code: chat::same,
    link: chat::link_markdown,
    bullet: "- ",
};

/// The request body.
pub fn body(message: &Message, public_url: Option<&str>) -> Value {
    chat::attachment(message, &MARKDOWN, public_url, MAX_TEXT)
}
