//! Ranges of the plugin guidelines: `10`, `10:`, `~:10`, `10:20`, and `@` in front for the inside.

/// Where a value alerts.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// None: without a lower end.
    pub start: Option<f64>,
    /// None: without an upper end.
    pub end: Option<f64>,
    /// `@`: alerts inside, ends included; else outside.
    pub inside: bool,
    /// As it was written.
    pub text: String,
}

impl Range {
    /// None: not a range. Numbers are read as C's `strtod` does, so that what follows them is not looked at.
    pub fn parse(text: &str) -> Option<Self> {
        let (inside, body) = match text.strip_prefix('@') {
            Some(body) => (true, body),
            None => (false, text),
        };
        let (start, end) = match body.split_once(':') {
            Some((start, end)) => (
                if start.starts_with('~') {
                    None
                } else {
                    Some(number(start))
                },
                if end.is_empty() {
                    None
                } else {
                    Some(number(end))
                },
            ),
            None if body.is_empty() => (Some(0.0), None),
            None => (Some(0.0), Some(number(body))),
        };
        if let (Some(start), Some(end)) = (start, end)
            && end < start
        {
            return None;
        }
        Some(Self {
            start,
            end,
            inside,
            text: text.to_owned(),
        })
    }

    pub fn alerts(&self, value: f64) -> bool {
        let within = self.start.is_none_or(|start| start <= value)
            && self.end.is_none_or(|end| value <= end);
        within == self.inside
    }
}

/// A number at the beginning of a text as C's `strtod` reads decimal ones; 0 if there is none.
pub fn number(text: &str) -> f64 {
    let text = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let mut end = 0;
    let mut best = 0.0;
    for (at, letter) in text.char_indices() {
        if !matches!(letter, '0'..='9' | '.' | '-' | '+' | 'e' | 'E') {
            break;
        }
        end = at + 1;
        if let Ok(value) = text[..end].parse() {
            best = value;
        }
    }
    debug_assert!(end <= text.len());
    best
}

/// A number at the beginning of a text as C's `atoi` reads it; 0 if there is none, and the ends of the type beyond them.
pub fn whole(text: &str) -> i64 {
    let text = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let value = digits
        .bytes()
        .take_while(u8::is_ascii_digit)
        .fold(0_i64, |value, digit| {
            value
                .saturating_mul(10)
                .saturating_add(i64::from(digit - b'0'))
        });
    if negative { -value } else { value }
}

/// Whether the plugins' `is_intnonneg` takes it: digits and nothing else.
pub fn is_count(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_the_guidelines() {
        for (text, quiet, alerting) in [
            ("10", &[0.0, 5.0, 10.0][..], &[-0.1, 10.1][..]),
            ("10:", &[10.0, 1e9], &[9.9, -1.0]),
            ("~:10", &[-1e9, 10.0], &[10.1]),
            ("10:20", &[10.0, 20.0], &[9.9, 20.1]),
            ("@10:20", &[9.9, 20.1], &[10.0, 15.0, 20.0]),
            ("5.5s", &[5.5], &[5.6]),
        ] {
            let range = Range::parse(text).expect(text);
            for value in quiet {
                assert!(!range.alerts(*value), "{text} {value}");
            }
            for value in alerting {
                assert!(range.alerts(*value), "{text} {value}");
            }
        }
        assert_eq!(Range::parse("20:10"), None);
    }

    #[test]
    fn numbers_as_c_reads_them() {
        assert_eq!(number(" 1.5e2x"), 150.0);
        assert_eq!(number("-3,5"), -3.0);
        assert_eq!(number("abc"), 0.0);
        assert_eq!(whole("12abc"), 12);
        assert_eq!(whole(" -7"), -7);
        assert_eq!(whole("99999999999999999999"), i64::MAX);
        assert!(is_count("07") && !is_count("-1") && !is_count("") && !is_count("1.5"));
    }
}
