//! Slack incoming webhooks: a coloured attachment of blocks, and plain text for notifications.

use serde_json::{Value, json};

use super::{
    http::{Reply, Request, classify_http},
    senders::SendResult,
    words,
};
use crate::{
    base::{secret::Secret, text::cut},
    domain::model::{deploy::Suspect, message::Message},
};

/// A section's text may be 3000 characters; escaping happens before the cut.
const MAX_SECTION: usize = 2900;

/// Slack's three special characters. With them gone, `<!channel>`, links and mentions are only text.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// `text` at most `max` bytes long, never cut inside an escape.
fn shorten(text: &str, max: usize) -> String {
    let short = cut(text, max);
    if short.len() == text.len() {
        return text.to_owned();
    }
    let whole = match short.rfind('&') {
        Some(at) if !short[at..].contains(';') => &short[..at],
        _ => short,
    };
    format!("{whole} …")
}

fn colour(message: &Message) -> &'static str {
    match message.state.as_str() {
        _ if words::about_deploy(message) => "#439fe0",
        "OK" | "UP" => "#2eb886",
        "WARNING" => "#daa038",
        "CRITICAL" | "DOWN" => "#cc0000",
        "UNKNOWN" | "UNREACHABLE" => "#8b5fbf",
        _ => "#439fe0",
    }
}

/// `<https://ci/417|D-417>`, or the text alone when the address is no web address.
fn link(url: Option<&str>, text: &str) -> String {
    let text = escape(text);
    match url.and_then(words::safe_link) {
        Some(url) => format!(
            "<{}|{}>",
            escape(url).replace('|', "%7C"),
            text.replace('|', "/")
        ),
        None => text,
    }
}

fn deploy_lines(message: &Message) -> String {
    let mut lines = vec![format!("*{}*", words::deploy_title(message))];
    for suspect in &message.deploy.suspects {
        lines.push(deploy_line(message, suspect));
        lines.extend(
            suspect
                .evidence
                .iter()
                .map(|text| format!("• {}", escape(text))),
        );
    }
    lines.join("\n")
}

fn deploy_line(message: &Message, suspect: &Suspect) -> String {
    let what = escape(&words::deploy_what(suspect));
    let name = link(suspect.url.as_deref(), &suspect.id);
    if words::about_deploy(message) {
        return format!("{name}: {what}");
    }
    format!(
        "{name}: {what} ({})",
        words::strength_name(suspect.strength)
    )
}

fn section(text: &str) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": shorten(text, MAX_SECTION)}})
}

/// Verbatim text in a code block; a fence inside it is broken up.
fn code(text: &str) -> String {
    format!(
        "```{}```",
        shorten(&escape(&text.replace("```", "'''")), MAX_SECTION - 20)
    )
}

fn context(message: &Message, public_url: Option<&str>) -> Value {
    let said = message.reason == message.output;
    let mut parts = vec![if said {
        String::new()
    } else {
        escape(&message.reason)
    }];
    if said {
        parts.push(words::when(message.at));
    }
    if let Some(began) = message.since {
        parts.push(format!("since {}", words::since(began, message.at)));
    }
    parts.extend(
        message
            .notes_url
            .as_deref()
            .map(|url| link(Some(url), "runbook")),
    );
    parts.extend(public_url.map(|url| link(Some(url), "deploywatch")));
    parts.retain(|part| !part.is_empty());
    json!({"type": "context", "elements": [{"type": "mrkdwn", "text": shorten(&parts.join(" · "), MAX_SECTION)}]})
}

/// The request body.
pub fn body(message: &Message, public_url: Option<&str>) -> Value {
    let message = words::clean(message);
    let subject = escape(&words::subject(&message));
    // Slack shows `text` above the attachment, so the blocks do not repeat it.
    let mut blocks = Vec::new();
    match message.output.as_str() {
        "" => {}
        words if words == message.reason => blocks.push(section(&escape(words))),
        output => blocks.push(section(&code(output))),
    }
    if let Some(comment) = &message.comment {
        let author = message.author.as_deref().unwrap_or("somebody");
        blocks.push(section(&format!("{}: {}", escape(author), escape(comment))));
    }
    if !message.lines.is_empty() {
        blocks.push(section(&escape(&message.lines.join("\n"))));
    }
    if !message.deploy.suspects.is_empty() {
        blocks.push(section(&deploy_lines(&message)));
    }
    blocks.push(context(&message, public_url));
    json!({
        "text": subject,
        "unfurl_links": false,
        "attachments": [{"color": colour(&message), "fallback": subject, "blocks": blocks}],
    })
}

/// The request; the address itself is the secret.
pub fn encode(message: &Message, webhook_url: &Secret, public_url: Option<&str>) -> Request {
    Request {
        url: webhook_url.expose().to_owned(),
        headers: Vec::new(),
        body: body(message, public_url).to_string(),
        secrets: vec![webhook_url.clone()],
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
            escape("<!channel> & <@U1>"),
            "&lt;!channel&gt; &amp; &lt;@U1&gt;"
        );
        assert_eq!(link(Some("javascript:x"), "D<1>"), "D&lt;1&gt;");
        assert_eq!(
            link(Some("https://ci/?a=1&b=|"), "a|b"),
            "<https://ci/?a=1&amp;b=%7C|a/b>"
        );
        assert!(
            !code("a ``` <!here>").trim_matches('`').contains("```"),
            "the fence holds"
        );
    }

    #[test]
    fn a_cut_never_splits_an_escape() {
        let text = escape(&"&".repeat(1000));
        let short = shorten(&text, 998);
        assert!(
            short.trim_end_matches(" …").ends_with("&amp;"),
            "{}",
            &short[short.len() - 20..]
        );
    }
}
