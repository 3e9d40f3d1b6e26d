//! Words for remedies: what a value should be, what was meant by a key.

use std::net::SocketAddr;

use super::{
    keys::{Kind, OTHER_WORDS, Spec},
    value::{Val, parse_size, parse_umask},
};
use crate::base::{text::did_you_mean, time::parse_duration};

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
    if let Some(near) = did_you_mean(name, keys()) {
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

fn is_url(text: &str) -> bool {
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
        Kind::Span(_) | Kind::SpanOr(_) => "a duration",
        Kind::Size => "a size such as \"512MB\"",
        Kind::Scalar => "text, a number, true or false",
        Kind::Name(_) => "a name",
        Kind::Names(_) | Kind::Selected(_) => "a name or a list of names",
        Kind::Texts | Kind::SomeOf(_) | Kind::Listens => "text or a list of texts",
        Kind::Umask => "octal digits in quotes",
        _ => "text",
    }
}

/// An example of a value, for remedies.
pub(super) fn example(kind: &Kind) -> &'static str {
    match kind {
        Kind::Names(_) | Kind::Selected(_) | Kind::SomeOf(_) | Kind::Texts => "[\"...\"]",
        Kind::Tables(_) => "[{ ... }]",
        Kind::Table(_) => "{ hosts = [\"...\"] }",
        _ => "\"...\"",
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

fn or_list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match &quoted[..] {
        [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// What is wrong with numbers, spans and sizes, and the remedy.
pub(super) fn number_complaint(
    value: Val<'_>,
    name: &str,
    kind: &Kind,
) -> Option<(String, String)> {
    const SIZES: &str = "write for example 64KB, 512MB or 2GB";
    let text = value.text().unwrap_or_default();
    let told = |message: String, help: &str| Some((message, help.to_owned()));
    match kind {
        Kind::Whole(low, high) if !(*low..=*high).contains(&value.whole()?) => told(
            format!("`{name}` is out of range"),
            &format!("write a number from {low} to {high}"),
        ),
        Kind::Percent if !(0.0..=100.0).contains(&value.number()?) => told(
            format!("`{name}` is out of range"),
            "write a number from 0 to 100",
        ),
        Kind::Span(zero) => match parse_duration(text) {
            Err(_) => told(
                format!("`{name}` is not a duration: `{text}`"),
                "write for example 15s, 3m, 2h or 1h30m",
            ),
            Ok(span) if span.is_zero() && !zero => told(
                format!("`{name}` must be longer than nothing"),
                "write for example 15s",
            ),
            Ok(_) => None,
        },
        Kind::SpanOr(words) if !words.contains(&text) => match parse_duration(text) {
            Ok(span) if !span.is_zero() => None,
            _ => told(
                format!(
                    "`{name}` is neither a duration nor one of `{}`: `{text}`",
                    words.join("`, `")
                ),
                &format!("write for example 10m, or {}", words.join(" or ")),
            ),
        },
        Kind::Size if value.text().is_some() && parse_size(text).is_none() => {
            told(format!("`{name}` is not a size: `{text}`"), SIZES)
        }
        Kind::Size if value.whole().is_some_and(|size| size < 0) => {
            told(format!("`{name}` is negative"), SIZES)
        }
        Kind::Umask if parse_umask(text).is_none() => told(
            format!("`{name}` is not a mask of permission bits: `{text}`"),
            "write up to four octal digits, for example 022",
        ),
        _ => None,
    }
}

/// What is wrong with texts, and the remedy.
pub(super) fn text_complaint(text: &str, name: &str, kind: &Kind) -> Option<(String, String)> {
    let (message, help) = match kind {
        Kind::Text | Kind::Texts if text.is_empty() => (
            format!("`{name}` is empty"),
            "write its value or remove it".to_owned(),
        ),
        Kind::Label if text.trim().is_empty() => {
            (format!("`{name}` is empty"), "give it a name".to_owned())
        }
        Kind::Label if text.contains(char::is_control) => (
            format!("`{name}` contains a line break or another control character"),
            "use printable characters only".to_owned(),
        ),
        Kind::Label if text.trim() != text => (
            format!("`{name}` begins or ends with a blank"),
            "remove the blank".to_owned(),
        ),
        Kind::Listen | Kind::Listens if parse_listen(text).is_none() => (
            format!("`{text}` is not an address with a port"),
            "write for example 127.0.0.1:8420 or [::1]:8420".to_owned(),
        ),
        Kind::Url if !is_url(text) => (
            format!("`{name}` is not an address of the web"),
            "begin it with http:// or https://".to_owned(),
        ),
        Kind::OneOf(words) | Kind::SomeOf(words) if !words.contains(&text) => {
            let help = match did_you_mean(text, words.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write {}", or_list(words)),
            };
            (format!("`{text}` is no value of `{name}`"), help)
        }
        _ => return None,
    };
    Some((message, help))
}
