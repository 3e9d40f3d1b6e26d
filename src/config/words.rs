//! Words for remedies: what a value should be, what was meant by a key.

use std::net::SocketAddr;

use super::keys::{Kind, OTHER_WORDS, Spec};
use crate::base::text;

/// What was meant by an unknown key, or which there are.
pub(super) fn key_remedy(name: &str, spec: &'static Spec) -> String {
    let plain = name.to_ascii_lowercase().replace('-', "_");
    if spec.key(&plain).is_some() {
        return format!("write `{plain}`");
    }
    let other = OTHER_WORDS
        .iter()
        .find(|(word, here)| *word == plain && spec.key(here).is_some());
    if let Some((word, here)) = other {
        return format!("`{word}` is called `{here}` here");
    }
    let keys = || {
        spec.keys()
            .filter(|key| !matches!(key.kind, Kind::Inline))
            .map(|key| key.name)
    };
    if let Some(near) = text::did_you_mean(name, keys()) {
        return format!("did you mean `{near}`?");
    }
    if name.starts_with('_') && spec.key("vars").is_some() {
        return format!(
            "custom variables go into `vars`: vars = {{ {} = ... }}",
            plain.trim_start_matches('_')
        );
    }
    let known: Vec<String> = keys().map(|key| format!("`{key}`")).collect();
    format!("known keys are {}", known.join(", "))
}

/// `host:port`; `localhost` stands for 127.0.0.1.
pub(super) fn parse_listen(text: &str) -> Option<SocketAddr> {
    match text.strip_prefix("localhost:") {
        Some(port) => Some(SocketAddr::from(([127, 0, 0, 1], port.parse().ok()?))),
        None => text.parse().ok(),
    }
}

pub(super) fn is_url(text: &str) -> bool {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with('/') && !text.contains(char::is_whitespace)
    })
}

/// What a kind wants, in words.
pub(super) fn wanted(kind: &Kind) -> &'static str {
    match kind {
        Kind::Flag => "true or false",
        Kind::Whole(..) => "a whole number",
        Kind::Percent => "a number",
        Kind::Span(_) => "a duration",
        Kind::Size => "a size such as \"512MB\"",
        Kind::Scalar => "text, a number, true or false",
        Kind::Name(_) => "a name",
        Kind::Names(_) => "a name or a list of names",
        Kind::Texts | Kind::SomeOf(_) | Kind::Listens => "text or a list of texts",
        Kind::Umask => "octal digits in quotes",
        _ => "text",
    }
}

/// An example of a value, for remedies.
pub(super) fn example(kind: &Kind) -> &'static str {
    match kind {
        Kind::Names(_) | Kind::SomeOf(_) | Kind::Texts => "[\"...\"]",
        _ => "\"...\"",
    }
}

pub(super) fn article(kind: &str) -> &'static str {
    match kind {
        "string" => "text",
        "integer" => "a whole number",
        "float" => "a number",
        "boolean" => "true or false",
        "datetime" => "a date",
        "array" => "a list",
        _ => "a table",
    }
}

pub(super) fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars
        .next()
        .into_iter()
        .flat_map(char::to_lowercase)
        .collect();
    format!("{first}{}", chars.as_str().trim_end_matches('.'))
}

pub(super) fn or_list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match &quoted[..] {
        [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
