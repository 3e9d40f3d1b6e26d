//! Rocket.Chat incoming webhooks.

use serde_json::Value;

use super::chat::{self, Markup};
use crate::domain::model::message::Message;

/// A message may have 5000 characters unless its administrator changed `Message_MaxAllowedSize`.
const MAX_TEXT: usize = 4800;

const MARKDOWN: Markup = Markup {
    escape,
    bold: ("**", "**"),
    code: ("```\n", "\n```"),
    escape_code: call_nobody,
    link: chat::link_markdown,
    bullet: "- ",
};

/// Its Markdown knows a backslash before a few characters only and would show it before others. A link needs `](`
/// and a mention the name right behind the `@`: an invisible space keeps them apart.
fn escape(c: char, out: &mut String) {
    match c {
        '*' | '_' | '~' | '`' | '#' => {
            out.push('\\');
            out.push(c);
        }
        '@' | ']' | '<' => {
            out.push(c);
            out.push('\u{200b}');
        }
        _ => out.push(c),
    }
}

/// Old versions look for mentions within verbatim text, too.
fn call_nobody(c: char, out: &mut String) {
    out.push(c);
    if c == '@' {
        out.push('\u{200b}');
    }
}

/// The request body.
pub fn body(message: &Message, public_url: Option<&str>) -> Value {
    chat::attachment(message, &MARKDOWN, public_url, MAX_TEXT)
}
