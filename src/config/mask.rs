//! Hides what may be a secret in text that is about to be shown.

/// Keys whose values are, or may well be, secrets.
const SECRET_KEYS: &[&str] = &[
    "secret",
    "pagerduty_secret",
    "slack_secret",
    "telegram_secret",
    "password",
    "passwd",
    "token",
    "api_key",
    "routing_key",
    "webhook_url",
    "ping_url",
    "fail_url",
    "topic",
    "user_key",
    "slack",
    "pagerduty",
    "teams",
    "mattermost",
    "rocketchat",
    "discord",
    "google_chat",
    "telegram",
    "ntfy",
    "pushover",
    "matrix",
    "opsgenie",
    "victorops",
    "twilio",
    "user_macros",
];

/// `text` with the values of secret keys overwritten by `*`; places and line breaks stay where they are.
/// Works on any text, also where TOML is broken: it would rather hide too much.
pub fn mask(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        if !is_word(bytes[at]) {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && is_word(bytes[at]) {
            at += 1;
        }
        if !SECRET_KEYS
            .iter()
            .any(|key| key.as_bytes().eq_ignore_ascii_case(&bytes[start..at]))
        {
            continue;
        }
        let mut next = at;
        while next < bytes.len() && matches!(bytes[next], b'"' | b'\'' | b' ' | b'\t') {
            next += 1;
        }
        if bytes.get(next) == Some(&b'=') {
            at = hide_value(bytes, &mut out, next + 1);
        }
    }
    // Whole characters were overwritten with ASCII, so this never replaces anything.
    String::from_utf8_lossy(&out).into_owned()
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// Overwrites the value that begins at or after `at`; gives the place behind it.
fn hide_value(bytes: &[u8], out: &mut [u8], mut at: usize) -> usize {
    while at < bytes.len() && matches!(bytes[at], b' ' | b'\t') {
        at += 1;
    }
    match bytes.get(at) {
        // A table: its own keys are looked at in turn.
        Some(b'{') => at + 1,
        Some(b'[') => hide_list(bytes, out, at + 1),
        Some(b'"' | b'\'') => hide_text(bytes, out, at),
        _ => {
            while at < bytes.len() && !matches!(bytes[at], b'\n' | b',' | b'}' | b'#') {
                out[at] = if bytes[at].is_ascii_whitespace() {
                    bytes[at]
                } else {
                    b'*'
                };
                at += 1;
            }
            at
        }
    }
}

/// Overwrites the texts of a list; a list of tables is left to the scan.
fn hide_list(bytes: &[u8], out: &mut [u8], mut at: usize) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'{' => return at,
            b']' => return at + 1,
            b'"' | b'\'' => at = hide_text(bytes, out, at),
            _ => at += 1,
        }
    }
    at
}

/// Overwrites what stands between the quotes that open at `at`.
fn hide_text(bytes: &[u8], out: &mut [u8], at: usize) -> usize {
    let quote = bytes[at];
    let triple = bytes[at..].starts_with(&[quote; 3]);
    let width = if triple { 3 } else { 1 };
    let mut at = at + width;
    while at < bytes.len() {
        let closes = if triple {
            bytes[at..].starts_with(&[quote; 3])
        } else {
            bytes[at] == quote
        };
        if closes {
            return at + width;
        }
        if !triple && bytes[at] == b'\n' {
            return at;
        }
        if quote == b'"' && bytes[at] == b'\\' && at + 1 < bytes.len() && bytes[at + 1] != b'\n' {
            out[at] = b'*';
            at += 1;
        }
        if !matches!(bytes[at], b'\n' | b'\r') {
            out[at] = b'*';
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn hides_values_of_secret_keys_only() {
        for (text, shown) in [
            ("secret = \"hunter2\"", "secret = \"*******\""),
            ("secret = 'a\\' # x", "secret = '**' # x"),
            (
                "w = { url = \"u\", secret = \"x\\\"y\" }",
                "w = { url = \"u\", secret = \"****\" }",
            ),
            (
                "password = hunter2\nnice = 3",
                "password = *******\nnice = 3",
            ),
            ("secret = \"open\nnext = 1", "secret = \"****\nnext = 1"),
            ("secret_file = \"pd.key\"", "secret_file = \"pd.key\""),
            (
                "slack = { webhook_url = \"é\" }",
                "slack = { webhook_url = \"**\" }",
            ),
            (
                "user_macros = [\"/usr\", \"pw\"]",
                "user_macros = [\"****\", \"**\"]",
            ),
            (
                "token = \"\"\"a\nb\"\"\" c = 1",
                "token = \"\"\"*\n*\"\"\" c = 1",
            ),
            ("secret =", "secret ="),
        ] {
            assert_eq!(mask(text), shown);
        }
    }
}
