//! Tables of TOML as people write them: comments above, short lists on one line, long ones on several.

use std::fmt::Write as _;

/// A list longer than this is written over several lines.
const WIDTH: usize = 100;

/// One `key = value` with its comments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    pub key: String,
    /// As it is written.
    pub value: String,
    pub above: Vec<String>,
    pub beside: Option<String>,
}

impl Pair {
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            value: value.into(),
            ..Self::default()
        }
    }
}

/// A table with its header, such as `[[host]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    pub header: String,
    pub above: Vec<String>,
    pub pairs: Vec<Pair>,
    /// Written as a comment: it is there to be read, and does nothing.
    pub is_off: bool,
}

impl Table {
    pub fn new(header: impl Into<String>) -> Self {
        Self {
            header: header.into(),
            ..Self::default()
        }
    }

    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.pairs.push(Pair::new(key, value));
    }

    pub fn write(&self, out: &mut String) {
        comments(&self.above, out);
        if self.is_off {
            let on = Self {
                above: Vec::new(),
                is_off: false,
                ..self.clone()
            };
            let mut text = String::new();
            on.write(&mut text);
            for line in text.trim_end().lines() {
                let _ = writeln!(out, "# {line}");
            }
            out.push('\n');
            return;
        }
        out.push_str(&self.header);
        out.push('\n');
        for pair in &self.pairs {
            comments(&pair.above, out);
            push_key(&pair.key, out);
            out.push_str(" = ");
            out.push_str(&pair.value);
            if let Some(beside) = &pair.beside {
                let _ = write!(out, "    # {}", clean(beside));
            }
            out.push('\n');
        }
        out.push('\n');
    }
}

/// Comment lines; an empty one parts two comments.
pub fn comments(lines: &[String], out: &mut String) {
    for line in lines {
        match line.trim_end() {
            "" => out.push('\n'),
            line if line.starts_with(' ') => {
                let _ = writeln!(out, "#{}", clean(line));
            }
            line => {
                let _ = writeln!(out, "# {}", clean(line));
            }
        }
    }
}

/// TOML forbids control characters even in comments.
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn key(key: &str) -> String {
    let mut out = String::with_capacity(key.len());
    push_key(key, &mut out);
    out
}

fn push_key(key: &str, out: &mut String) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    // A date is quoted too, as the other days of a period are.
    let is_date = key.starts_with(|c: char| c.is_ascii_digit());
    if !key.is_empty() && !is_date && key.bytes().all(plain) {
        out.push_str(key);
    } else {
        out.push_str(&text(key));
    }
}

/// A text, in single quotes where that spares backslashes.
pub fn text(text: &str) -> String {
    let is_literal = text.contains(['\\', '"']) && !text.contains('\'');
    if is_literal && !text.contains(char::is_control) {
        return format!("'{text}'");
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    if !text.contains(|c: char| c == '"' || c == '\\' || c.is_control()) {
        quoted.push_str(text);
        quoted.push('"');
        return quoted;
    }
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A list of texts.
pub fn texts<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    list(items.into_iter().map(|item| text(item.as_ref())).collect())
}

/// A list of what is written already.
pub fn list(items: Vec<String>) -> String {
    let length: usize = items.iter().map(|item| item.len() + 2).sum();
    if length <= WIDTH {
        return format!("[{}]", items.join(", "));
    }
    let mut out = String::from("[\n");
    let mut line = String::from("   ");
    for item in items {
        if 4 < line.len() && WIDTH < line.len() + item.len() + 2 {
            out.push_str(&line);
            out.push('\n');
            line = String::from("   ");
        }
        line.push(' ');
        line.push_str(&item);
        line.push(',');
    }
    out.push_str(&line);
    out.push_str("\n]");
    out
}

/// A table on one line.
pub fn inline(pairs: &[(impl AsRef<str>, String)]) -> String {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{} = {value}", key(name.as_ref())))
        .collect();
    format!("{{ {} }}", pairs.join(", "))
}

/// A span of time in the largest unit that needs no fraction; `seconds` is not negative.
pub fn span(seconds: f64) -> String {
    let millis = (seconds * 1000.0).round();
    let units = [
        ("d", 86_400_000.0),
        ("h", 3_600_000.0),
        ("m", 60_000.0),
        ("s", 1000.0),
    ];
    let whole = units
        .into_iter()
        .find(|(_, unit)| 0.0 < millis && millis % unit == 0.0);
    match whole {
        _ if millis <= 0.0 => "\"0s\"".to_owned(),
        // Whole numbers are much quicker to write than fractions without digits behind the point.
        Some((word, unit)) if millis < 1e15 => format!("\"{}{word}\"", (millis / unit) as u64),
        Some((word, unit)) => format!("\"{:.0}{word}\"", millis / unit),
        None => format!("\"{millis:.0}ms\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_survive() {
        for (plain, written) in [
            ("a b", "\"a b\""),
            ("C:\\x", "'C:\\x'"),
            ("it's \"\\", "\"it's \\\"\\\\\""),
            ("a\u{7}", "\"a\\u0007\""),
        ] {
            assert_eq!(text(plain), written);
        }
    }

    #[test]
    fn spans_take_the_largest_whole_unit() {
        let spans = [0.0, 0.25, 30.0, 90.0, 300.0, 5400.0, 86_400.0].map(span);
        assert_eq!(
            spans.join(" "),
            r#""0s" "250ms" "30s" "90s" "5m" "90m" "1d""#
        );
    }
}
