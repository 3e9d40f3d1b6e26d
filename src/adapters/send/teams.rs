//! Microsoft Teams: an Adaptive Card, posted to a workflow that waits for a webhook.

use serde_json::{Value, json};

use super::{
    chat::{self, Tone},
    words,
};
use crate::domain::model::message::Message;

/// A message may have 28 KB. Each line is an element of its own, with its JSON around it.
const MAX_PART: usize = 3000;
const MAX_LINES: usize = 60;
/// Buttons that are shown; further ones hide behind a menu.
const MAX_LINKS: usize = 6;

const fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "Good",
        Tone::Warning => "Warning",
        Tone::Bad => "Attention",
        Tone::Unknown | Tone::Plain => "Accent",
    }
}

/// Words as they are: text runs take no Markdown. Only `{{DATE(...)}}` and its kin are read, so braces are kept apart.
fn run(text: &str) -> Value {
    let mut apart = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '{' && apart.ends_with('{') {
            apart.push(' ');
        }
        apart.push(c);
    }
    json!({"type": "TextRun", "text": apart})
}

fn line(run: Value, spacing: &str) -> Value {
    json!({"type": "RichTextBlock", "spacing": spacing, "inlines": [run]})
}

/// The request body.
pub fn body(message: &Message, public_url: Option<&str>) -> Value {
    let message = words::clean(message);
    let subject = words::subject(&message);
    let mut title = run(&subject);
    title["weight"] = "Bolder".into();
    title["size"] = "Medium".into();
    title["color"] = colour(chat::tone(&message)).into();
    let mut blocks = vec![line(title, "None")];
    let parts = chat::sections(&message, &chat::BARE, MAX_PART);
    for (part, at) in parts.iter().flat_map(|part| part.lines().zip(0..)) {
        let spacing = if at == 0 { "Medium" } else { "None" };
        // An empty run is no run; a space that does not break keeps the empty line.
        let words = if part.is_empty() { "\u{a0}" } else { part };
        blocks.push(line(run(words), spacing));
    }
    blocks.truncate(MAX_LINES);
    let mut facts = run(&chat::facts(&message).join(" · "));
    facts["isSubtle"] = true.into();
    facts["size"] = "Small".into();
    blocks.push(line(facts, "Medium"));
    let links: Vec<Value> = words::links(&message, public_url)
        .into_iter()
        .take(MAX_LINKS)
        .map(|(title, url)| json!({"type": "Action.OpenUrl", "title": title, "url": url}))
        .collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "fallbackText": subject,
                "msteams": {"width": "Full"},
                "body": blocks,
                "actions": links,
            },
        }],
    })
}
