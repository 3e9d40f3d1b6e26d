//! Patterns with `*` and `?`, for names.

/// Whether `text` has a wildcard.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// What `pattern` begins with, up to its first wildcard.
pub fn prefix(pattern: &str) -> &str {
    pattern.split(['*', '?']).next().unwrap_or_default()
}

/// Whether `text` matches `pattern`: `*` stands for any characters, `?` for one. Linear but for the last `*`.
pub fn matches(pattern: &str, text: &str) -> bool {
    let length = |at: usize| text[at..].chars().next().map_or(1, char::len_utf8);
    let bytes = text.as_bytes();
    let pattern = pattern.as_bytes();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < bytes.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(b'?') => {
                p += 1;
                t += length(t);
            }
            Some(byte) if *byte == bytes[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    t = taken + length(taken);
                    star = Some((at, t));
                    p = at + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// What the `*` of `pattern` stands for in `text`. None: it does not match, or has not just one `*`.
pub fn capture<'t>(pattern: &str, text: &'t str) -> Option<&'t str> {
    let (before, after) = pattern.split_once('*')?;
    if after.contains('*') || !matches(pattern, text) {
        return None;
    }
    // A `?` may stand for a longer character than itself.
    let at = |chars: usize| {
        text.char_indices()
            .nth(chars)
            .map_or(text.len(), |(at, _)| at)
    };
    let all = text.chars().count();
    text.get(at(before.chars().count())..at(all - after.chars().count()))
}

#[cfg(test)]
mod tests {
    use super::{capture, matches};

    #[test]
    fn one_star_says_what_it_stands_for() {
        for (pattern, text, expected) in [
            ("deploy-*", "deploy-shop", Some("shop")),
            ("*-production", "shop-production", Some("shop")),
            ("a?/*", "aé/bü", Some("bü")),
            ("*é?", "xäéö", Some("xä")),
            ("deploy-*", "deploy-", Some("")),
            ("*", "shop", Some("shop")),
            ("deploy-*", "shop", None),
            ("ab*b", "ab", None),
            ("*/*", "acme/shop", None),
            ("shop", "shop", None),
        ] {
            assert_eq!(capture(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, text, expected) in [
            ("*.toml", "a.toml", true),
            ("*.toml", "a.toml~", false),
            ("web?", "web1", true),
            ("web?", "web", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*", "", true),
            ("", "", true),
            ("a*b*c", "abbbbc", true),
            ("é?*ß", "éüxß", true),
            ("*?ß", "ß", false),
            ("é", "è", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
