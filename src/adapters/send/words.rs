//! The words every channel uses: subject, headline, deploy names; and hostile text made harmless.

use std::time::Duration;

use crate::{
    base::{
        text::{cut, one_line},
        time::{Timestamp, show_duration},
    },
    domain::model::{
        deploy::{Attribution, Strength, Suspect, Verdict},
        message::{Kind, Message},
    },
};

/// Longest subject, in bytes; mail programs and phones show far less.
const MAX_SUBJECT: usize = 240;
/// Longest single-line field, in bytes.
const MAX_LINE: usize = 2000;
/// Longest multi-line field, in bytes and lines.
const MAX_BLOCK: usize = 16 * 1024;
const MAX_BLOCK_LINES: usize = 200;

/// Characters that turn or hide text without being control characters: bidirectional overrides, line separators.
const fn misleads(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Hostile text as one harmless line of bounded length.
pub fn line(text: &str) -> String {
    let harmless: String = text.chars().filter(|c| !misleads(*c)).collect();
    cut(&one_line(&harmless), MAX_LINE).to_owned()
}

/// Hostile text as harmless lines, bounded in number and length; says when something was left out.
pub fn block(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let short = cut(text.trim_end(), MAX_BLOCK);
    let mut lines: Vec<String> = short
        .lines()
        .take(MAX_BLOCK_LINES)
        .map(|raw| clean_line_of_block(raw).trim_end().to_owned())
        .collect();
    if short.len() < text.trim_end().len() || MAX_BLOCK_LINES < short.lines().count() {
        lines.push("[cut here]".to_owned());
    }
    lines.join("\n")
}

fn clean_line_of_block(raw: &str) -> String {
    raw.chars()
        .filter(|c| !misleads(*c))
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// The message with every field harmless: no control characters, single lines single, lengths bounded.
/// What people read is made from this; the webhook carries the original, which JSON can hold safely.
pub fn clean(message: &Message) -> Message {
    let optional =
        |text: &Option<String>| text.as_deref().map(line).filter(|text| !text.is_empty());
    Message {
        reason: line(&message.reason),
        host: line(&message.host),
        address: line(&message.address),
        check: optional(&message.check),
        state: line(&message.state),
        state_type: line(&message.state_type),
        output: line(&message.output),
        long_output: block(&message.long_output),
        perfdata: line(&message.perfdata),
        deploy: clean_attribution(&message.deploy),
        author: optional(&message.author),
        comment: message.comment.as_deref().map(block),
        notes: message.notes.as_deref().map(block),
        notes_url: optional(&message.notes_url),
        lines: message
            .lines
            .iter()
            .take(MAX_BLOCK_LINES)
            .map(|text| line(text))
            .collect(),
        ..message.clone()
    }
}

fn clean_attribution(deploy: &Attribution) -> Attribution {
    let clean_suspect = |suspect: &Suspect| Suspect {
        id: line(&suspect.id),
        app: line(&suspect.app),
        environment: line(&suspect.environment),
        version: suspect.version.as_deref().map(line),
        actors: suspect
            .actors
            .iter()
            .take(10)
            .map(|actor| line(actor))
            .collect(),
        url: suspect.url.as_deref().map(line),
        strength: suspect.strength,
        relation: line(&suspect.relation),
        evidence: suspect
            .evidence
            .iter()
            .take(20)
            .map(|text| line(text))
            .collect(),
    };
    Attribution {
        verdict: deploy.verdict,
        suspects: deploy.suspects.iter().map(clean_suspect).collect(),
        ruled_out: deploy
            .ruled_out
            .iter()
            .take(20)
            .map(|text| line(text))
            .collect(),
    }
}

/// The address if it may become a link: http or https, no spaces or quotes. A pipeline may send us anything.
pub fn safe_link(url: &str) -> Option<&str> {
    let web = url.starts_with("https://") || url.starts_with("http://");
    let plain = url
        .chars()
        .all(|c| !c.is_whitespace() && !c.is_control() && !matches!(c, '"' | '<' | '>' | '`'));
    (web && plain && url.len() <= 2000).then_some(url)
}

/// `D-417 (shop 1.4.2 by ann)`, leaving out what is not known.
pub fn deploy_name(suspect: &Suspect) -> String {
    let mut inside: Vec<String> = vec![suspect.app.clone()];
    inside.extend(suspect.version.clone());
    if !suspect.actors.is_empty() {
        inside.push(format!("by {}", suspect.actors.join(", ")));
    }
    inside.retain(|part| !part.is_empty());
    if inside.is_empty() {
        suspect.id.clone()
    } else {
        format!("{} ({})", suspect.id, inside.join(" "))
    }
}

/// `deploy D-417 (shop 1.4.2 by ann)`, or where none leads: `deploy D-417 (...) or 2 others`; None when no deploy is meant.
pub fn deploy_phrase(message: &Message) -> Option<String> {
    let first = deploy_name(meant(message)?);
    let equals = match message.deploy.verdict {
        // One leads clearly: the others stand in the body, with their evidence.
        Verdict::Suspect | Verdict::None => 1,
        Verdict::Suspects => message.deploy.named().count(),
    };
    Some(match equals {
        ..=1 => format!("deploy {first}"),
        2 => format!("deploy {first} or 1 other"),
        more => format!("deploy {first} or {} others", more - 1),
    })
}

/// It is about a deploy as such, not about a problem: the deploy it names is no suspect. The page of a problem may list
/// deploys that are weak, with no verdict either.
pub fn about_deploy(message: &Message) -> bool {
    let key = message.dedup_key.strip_prefix("deploy/");
    message.deploy.verdict == Verdict::None
        && matches!(&*message.deploy.suspects, [deploy] if key == Some(&*deploy.id))
}

/// The deploy that the message names first: none where a page only lists those that are weak.
pub fn meant(message: &Message) -> Option<&Suspect> {
    let is_meant = message.deploy.verdict != Verdict::None || about_deploy(message);
    message.deploy.suspects.first().filter(|_| is_meant)
}

/// State, object and what happened, without the deploy: `OK web1/http - recovered`.
pub fn headline(message: &Message) -> String {
    let who = |what: &str| match &message.author {
        Some(author) => format!("{what} by {author}"),
        None => what.to_owned(),
    };
    let object = message.object();
    if about_deploy(message)
        && let Some(deploy) = deploy_phrase(message)
    {
        return format!("{} {deploy}", message.kind.name().to_uppercase());
    }
    let what = match message.kind {
        Kind::Problem if 1 < message.number => format!("reminder, notification {}", message.number),
        Kind::Problem => return format!("{} {object}", message.state),
        Kind::Recovery => "recovered".to_owned(),
        Kind::Acknowledgement => who("acknowledged"),
        Kind::FlappingStart => "flapping".to_owned(),
        Kind::FlappingStop => "stopped flapping".to_owned(),
        Kind::FlappingDisabled => "flapping, detection switched off".to_owned(),
        Kind::DowntimeStart => "downtime began".to_owned(),
        Kind::DowntimeEnd => "downtime ended".to_owned(),
        Kind::DowntimeCancelled => "downtime cancelled".to_owned(),
        Kind::Custom => match &message.author {
            Some(author) => format!("message from {author}"),
            None => "message".to_owned(),
        },
        Kind::Amendment => "update".to_owned(),
        Kind::Digest => return format!("DIGEST {object}"),
        Kind::Notice => "notice".to_owned(),
    };
    format!("{} {object} - {what}", message.state)
        .trim_start()
        .to_owned()
}

/// The mail's subject and every channel's first line: `CRITICAL web1/http - after deploy D-417 (shop 1.4.2 by ann)`.
/// Says "after", never "because of".
pub fn subject(message: &Message) -> String {
    let head = headline(message);
    let text = match (message.kind, deploy_phrase(message)) {
        (_, None) | (Kind::DowntimeStart | Kind::DowntimeEnd | Kind::DowntimeCancelled, _) => head,
        (Kind::FlappingStop | Kind::FlappingDisabled, _) => head,
        (_, Some(_)) if about_deploy(message) => head,
        (Kind::Notice, Some(deploy)) => format!("{head}, {deploy}"),
        (Kind::Recovery, Some(deploy)) => format!("{head}; it failed after {deploy}"),
        (Kind::Problem, Some(deploy)) if message.number <= 1 => format!("{head} - after {deploy}"),
        (_, Some(deploy)) => format!("{head}, after {deploy}"),
    };
    cut(&line(&text), MAX_SUBJECT).to_owned()
}

/// What stands above the suspects.
pub fn deploy_title(message: &Message) -> &'static str {
    match (message.kind, message.deploy.suspects.len()) {
        _ if about_deploy(message) => "About this deploy",
        _ if meant(message).is_none() => "No suspect; deployed close by",
        (Kind::Recovery, 1) => "Deploy suspected while it lasted",
        (Kind::Recovery, _) => "Deploys suspected while it lasted",
        (_, 1) => "Suspect deploy",
        _ => "Suspect deploys, likeliest first",
    }
}

/// `shop 1.4.2 to production, by ann, bob`.
pub fn deploy_what(suspect: &Suspect) -> String {
    let mut text = suspect.app.clone();
    if let Some(version) = &suspect.version {
        text = format!("{text} {version}");
    }
    if !suspect.environment.is_empty() {
        text = format!("{text} to {}", suspect.environment);
    }
    if !suspect.actors.is_empty() {
        text = format!("{text}, by {}", suspect.actors.join(", "));
    }
    text.trim().to_owned()
}

pub const fn strength_name(strength: Strength) -> &'static str {
    match strength {
        Strength::Weak => "weak",
        Strength::Possible => "possible",
        Strength::Likely => "likely",
        Strength::Strong => "strong",
    }
}

/// `2026-03-02 10:06:00 UTC`; readers sit in many zones, so the zone is always said.
pub fn when(at: Timestamp) -> String {
    let whole = Timestamp::from_secs(at.secs()).to_string();
    format!("{} UTC", whole.trim_end_matches('Z').replace('T', " "))
}

/// `2026-03-02 10:05:00 UTC, for 1m30s`.
pub fn since(began: Timestamp, now: Timestamp) -> String {
    let span = now.since(began);
    format!(
        "{}, for {}",
        when(began),
        show_duration(Duration::from_secs(span.as_secs()))
    )
}

/// Links a reader may follow: text and address; only addresses that are safe to click.
pub fn links(message: &Message, public_url: Option<&str>) -> Vec<(String, String)> {
    let notes = message
        .notes_url
        .iter()
        .map(|url| ("runbook".to_owned(), url.clone()));
    let deploys = message.deploy.suspects.iter().filter_map(|suspect| {
        suspect
            .url
            .as_ref()
            .map(|url| (format!("deploy {}", suspect.id), url.clone()))
    });
    let page = public_url.map(|url| ("deploywatch".to_owned(), url.to_owned()));
    notes
        .chain(deploys)
        .chain(page)
        .filter(|(_, url)| safe_link(url).is_some())
        .collect()
}

/// `text` in lines of at most `width` characters, each after the first begun with `indent` spaces. Words longer than a
/// line (addresses) stay whole.
pub fn wrap(text: &str, width: usize, indent: usize) -> String {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut current = String::new();
        let mut length = 0;
        for word in paragraph.split_whitespace() {
            let size = word.chars().count();
            if length != 0 && width < length + 1 + size {
                lines.push(std::mem::take(&mut current));
                length = 0;
            }
            if length == 0 {
                let pad = if lines.is_empty() { 0 } else { indent };
                current = " ".repeat(pad);
                length = pad;
            } else {
                current.push(' ');
                length += 1;
            }
            current.push_str(word);
            length += size;
        }
        lines.push(current);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_becomes_harmless_lines() {
        assert_eq!(line("a\r\nBcc: x@y\u{202e}z\x1b[31m"), "a  Bcc: x@yz [31m");
        assert_eq!(block("a\r\nb\rc\x07\n\n"), "a\nb\nc");
        let long = "x\n".repeat(1000);
        assert_eq!(block(&long).lines().count(), MAX_BLOCK_LINES + 1);
        assert!(
            block(&long).ends_with("[cut here]"),
            "the reader is told that lines are missing"
        );
    }

    #[test]
    fn only_web_addresses_become_links() {
        for bad in [
            "javascript:alert(1)",
            "https://x/\" onclick=",
            "https://x/<b>",
            "ftp://x",
            "",
            "https://a b",
        ] {
            assert_eq!(safe_link(bad), None, "{bad}");
        }
        assert!(safe_link("https://ci/417?a=1&b=2").is_some());
    }

    #[test]
    fn wraps_at_words_and_keeps_long_ones_whole() {
        assert_eq!(wrap("aa bb cc", 5, 2), "aa bb\n  cc");
        assert_eq!(
            wrap("see https://example.org/very/long x", 10, 0),
            "see\nhttps://example.org/very/long\nx"
        );
        assert_eq!(wrap("a\n\nb", 10, 0), "a\n\nb");
        assert_eq!(wrap("", 10, 0), "");
    }
}
