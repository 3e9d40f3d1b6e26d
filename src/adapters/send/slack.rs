//! Slack incoming webhooks: a coloured attachment of blocks, and plain text for notifications.

use serde_json::{Value, json};

use super::{
    chat::{self, Markup, escaped},
    http::{Reply, Request, address_secrets, classify_http},
    senders::SendResult,
    words,
};
use crate::{base::secret::Secret, domain::model::message::Message};

/// A section's text may be 3000 characters, after escaping.
const MAX_SECTION: usize = 2900;

const MRKDWN: Markup = Markup {
    escape,
    bold: ("*", "*"),
    code: ("```", "```"),
    escape_code: escape,
    link: |text, url| {
        let url = escaped(url, usize::MAX, escape).replace('|', "%7C");
        format!("<{url}|{}>", text.replace('|', "/"))
    },
    bullet: "• ",
};

/// Slack's three special characters. With them gone, `<!channel>`, links and mentions are only text.
pub fn escape(c: char, out: &mut String) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        _ => out.push(c),
    }
}

fn section(text: &str) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": text}})
}

/// The request body.
pub fn body(message: &Message, public_url: Option<&str>) -> Value {
    let message = words::clean(message);
    let subject = MRKDWN.words(&words::subject(&message), MAX_SECTION);
    // Slack shows `text` above the attachment, so the blocks do not repeat it.
    let mut blocks: Vec<Value> = chat::sections(&message, &MRKDWN, MAX_SECTION)
        .iter()
        .map(|text| section(text))
        .collect();
    let context = chat::footer(&message, &MRKDWN, public_url, MAX_SECTION);
    blocks.push(json!({"type": "context", "elements": [{"type": "mrkdwn", "text": context}]}));
    json!({
        "text": subject,
        "unfurl_links": false,
        "attachments": [{"color": chat::tone(&message).hex(), "fallback": subject, "blocks": blocks}],
    })
}

/// The request; the address itself is the secret.
pub fn encode(message: &Message, webhook_url: &Secret, public_url: Option<&str>) -> Request {
    Request {
        url: webhook_url.expose().to_owned(),
        headers: Vec::new(),
        body: body(message, public_url).to_string(),
        secrets: address_secrets(webhook_url),
    }
}

/// What Slack's answer means.
pub fn classify(place: &str, reply: &Reply) -> SendResult {
    classify_http(
        "Slack",
        place,
        reply,
        "make a new incoming webhook for the channel and put its address into the contact's `slack` file",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_and_links_are_only_text() {
        assert_eq!(
            MRKDWN.words("<!channel> & <@U1>", 100),
            "&lt;!channel&gt; &amp; &lt;@U1&gt;"
        );
        assert_eq!(MRKDWN.link(Some("javascript:x"), "D<1>"), "D&lt;1&gt;");
        assert_eq!(
            MRKDWN.link(Some("https://ci/?a=1&b=|"), "a|b"),
            "<https://ci/?a=1&amp;b=%7C|a/b>"
        );
        assert!(
            !MRKDWN
                .code("a ``` <!here>", 100)
                .trim_matches('`')
                .contains("```"),
            "the fence holds"
        );
    }
}
