//! Where an answer sends us, read as the real one reads it.

use super::{HTTP_PORT, HTTPS_PORT, MOST_PORT, OnRedirect, Settings, Target};
use crate::{Foreign, Report, State};

/// Why a redirect is not followed.
#[derive(Debug)]
pub(super) enum Stop {
    Say(Report),
    Foreign(Foreign),
}

/// A place as it was read from a header.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    scheme: String,
    host: String,
    port: i64,
    url: String,
    tls: bool,
}

pub(super) fn follow(
    settings: &Settings,
    target: &mut Target,
    header: &str,
    status: &str,
    depth: &mut i64,
) -> Result<(), Stop> {
    let OnRedirect::Follow {
        sticky_host,
        sticky_port,
    } = settings.on_redirect
    else {
        return Ok(());
    };
    let tail = if settings.link { "</A>" } else { "" };
    let stop = |state, text| Err(Stop::Say(Report::new(state, text)));
    let Some(location) = location(header) else {
        return stop(
            State::Unknown,
            format!("HTTP UNKNOWN - Could not find redirect location - {status}{tail}"),
        );
    };
    let Some(location) = location else {
        return stop(
            State::Unknown,
            format!("HTTP UNKNOWN - Empty redirect location{tail}"),
        );
    };
    let Some(place) = place(location, target) else {
        return stop(
            State::Unknown,
            format!("HTTP UNKNOWN - Could not parse redirect location - {location}{tail}"),
        );
    };
    let shown = format!(
        "{}://{}:{}{}{tail}",
        place.scheme, place.host, place.port, place.url
    );
    *depth += 1;
    if settings.most_redirects < *depth {
        return stop(
            State::Warning,
            format!(
                "HTTP WARNING - maximum redirection depth {} exceeded - {shown}",
                settings.most_redirects
            ),
        );
    }
    if target.port == place.port
        && target.address == place.host
        && target.host.as_ref() == Some(&place.host)
        && target.url == place.url
    {
        return stop(
            State::Critical,
            format!("HTTP CRITICAL - redirection creates an infinite loop - {shown}"),
        );
    }
    target.tls = place.tls;
    target.scheme = place.scheme;
    if !sticky_host {
        target.address.clone_from(&place.host);
    }
    target.host = Some(place.host);
    if !sticky_port {
        target.port = place.port;
    }
    target.url = place.url;
    if MOST_PORT < target.port {
        return stop(
            State::Unknown,
            format!(
                "HTTP UNKNOWN - Redirection to port above {MOST_PORT} - {}://{}:{}{}{tail}",
                target.scheme, target.address, target.port, target.url
            ),
        );
    }
    if target.port < 1 {
        return Err(Stop::Foreign(Foreign::unhandled(
            "a redirect to such a port",
        )));
    }
    target.virtual_port = target.port;
    Ok(())
}

fn is_line_end(letter: char) -> bool {
    matches!(letter, '\r' | '\n')
}

/// What follows the header's name, with all lines behind it. None: there is no such header; Some(None): it is empty.
fn location(header: &str) -> Option<Option<&str>> {
    const NAME: &str = "location:";
    let mut rest = header;
    while !rest
        .get(..NAME.len())
        .is_some_and(|name| name.eq_ignore_ascii_case(NAME))
    {
        rest = rest.trim_start_matches(|letter| !is_line_end(letter));
        rest = rest.trim_start_matches(is_line_end);
        if rest.is_empty() {
            return None;
        }
    }
    let mut value = rest[NAME.len()..].trim_start_matches([' ', '\t']);
    // It may go on in the next line.
    while value.starts_with(is_line_end) {
        let next = value.trim_start_matches(is_line_end);
        value = next.trim_start_matches([' ', '\t']);
        if value.len() == next.len() {
            return Some(None);
        }
    }
    Some(Some(value))
}

/// At most so many letters of a kind, and what follows; None: there is none.
fn take(text: &str, most: usize, is_in: impl Fn(char) -> bool) -> Option<(&str, &str)> {
    let end = text
        .char_indices()
        .take(most)
        .take_while(|(_, letter)| is_in(*letter))
        .count();
    // All that are taken are ASCII.
    (0 < end).then(|| text.split_at(end))
}

fn scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = take(text, 5, |letter| "HTPShtps".contains(letter))?;
    Some((scheme, rest.strip_prefix("://")?))
}

fn host(text: &str) -> Option<(&str, &str)> {
    take(text, 255, |letter| {
        letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.')
    })
}

fn path(text: &str) -> Option<&str> {
    take(text, usize::MAX, |letter| {
        letter.is_ascii_alphanumeric() || "-_.!~*'();/?:@&=+$,%#".contains(letter)
    })
    .map(|(path, _)| path)
}

/// Behind a colon, as `%6d` reads it; a sign and blanks are for the real one.
fn port(text: &str) -> Option<(i64, &str)> {
    let (digits, rest) = take(text.strip_prefix(':')?, 6, |letter| letter.is_ascii_digit())?;
    Some((digits.parse().ok()?, rest))
}

/// Reads the forms that the real one knows, in its order.
fn place(text: &str, target: &mut Target) -> Option<Place> {
    let default_port = |tls| if tls { HTTPS_PORT } else { HTTP_PORT };
    if let Some((scheme, rest)) = scheme(text)
        && let Some((host, rest)) = host(rest)
    {
        let tls = scheme == "https";
        let (port, rest) = match port(rest) {
            Some((port, rest)) => (port, rest),
            None => (default_port(tls), rest),
        };
        let url = match rest.strip_prefix('/').and_then(path) {
            Some(path) if path.starts_with('/') => path.to_owned(),
            Some(path) => format!("/{path}"),
            None => "/".to_owned(),
        };
        return Some(Place {
            scheme: scheme.to_owned(),
            host: host.to_owned(),
            port,
            url,
            tls,
        });
    }
    if let Some((host, rest)) = text.strip_prefix("//").and_then(host)
        && let Some(path) = rest.strip_prefix('/').and_then(path)
    {
        let scheme = if target.tls { "https" } else { &target.scheme };
        let tls = scheme == "https";
        return Some(Place {
            scheme: scheme.to_owned(),
            host: host.to_owned(),
            port: default_port(tls),
            url: format!("/{path}"),
            tls,
        });
    }
    let path = path(text)?;
    let url = if path.starts_with('/') {
        path.to_owned()
    } else {
        // What is asked for now loses its last part for good, so that a loop to itself is not seen at once.
        if let Some(end) = target.url.rfind('/') {
            target.url.truncate(end);
        }
        format!("{}/{path}", target.url)
    };
    Some(Place {
        scheme: target.scheme.clone(),
        host: target.name().to_owned(),
        port: target.port,
        url,
        tls: target.tls,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let mut target = Target {
            address: "1.2.3.4".to_owned(),
            host: Some("here".to_owned()),
            port: 81,
            virtual_port: 81,
            scheme: "http".to_owned(),
            tls: false,
            url: "/a/b".to_owned(),
        };
        place(text, &mut target).map(|place| {
            format!(
                "{}://{}:{}{} {}",
                place.scheme, place.host, place.port, place.url, place.tls
            )
        })
    }

    #[test]
    fn places() {
        for (text, place) in [
            ("http://h/x", "http://h:80/x false"),
            ("https://h/x?y=z#w", "https://h:443/x?y=z#w true"),
            ("https://h:8443", "https://h:8443/ true"),
            ("http://h:8080/", "http://h:8080/ false"),
            ("http://h:8080/x\r\nA: b", "http://h:8080/x false"),
            ("http://h", "http://h:80/ false"),
            ("http://h?x", "http://h:80/ false"),
            ("http://h//x", "http://h:80/x false"),
            ("HTTPS://h/x", "HTTPS://h:80/x false"),
            ("http://h:1234567/x", "http://h:123456/ false"),
            ("//h/x", "http://h:80/x false"),
            ("/x", "http://here:81/x false"),
            ("x", "http://here:81/a/x false"),
            ("?x", "http://here:81/a/?x false"),
            ("ftp://h/x", "http://here:81/a/ftp://h/x false"),
            ("/x y", "http://here:81/x false"),
        ] {
            assert_eq!(read(text).as_deref(), Some(place), "{text}");
        }
        assert_eq!(read(""), None);
        assert_eq!(read("<x>"), None);
        assert_eq!(read("ä"), None);
    }

    #[test]
    fn the_header() {
        assert_eq!(
            location("A: b\r\nlocation: \tx\r\nC: d"),
            Some(Some("x\r\nC: d"))
        );
        assert_eq!(location("Location:\r\n x"), Some(Some("x")));
        assert_eq!(location("Location:\r\nA: b"), Some(None));
        assert_eq!(location("Location:"), Some(Some("")));
        assert_eq!(location("Content-Location: x"), None);
        assert_eq!(location(""), None);
        assert_eq!(location("äLocation: x\nö"), None);
    }
}
