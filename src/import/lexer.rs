//! Lines of Nagios' files: comments taken off, continued lines joined. Knows nothing of objects or settings.

use std::borrow::Cow;

/// What one or more joined lines say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said<'a> {
    Blank,
    /// A comment that stands alone, without its `#` or `;`.
    Comment(&'a str),
    /// Text without surrounding blanks, and the comment after `;`.
    Text(Cow<'a, str>, Option<Cow<'a, str>>),
}

/// A logical line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The number of its first line, from 1.
    pub number: u32,
    pub said: Said<'a>,
}

/// The logical lines of `text`. `semicolons` tells whether `;` starts a comment, as in object files; in the main
/// and in resource files only `#` does, at the start of a line.
pub fn lines(text: &str, semicolons: bool) -> impl Iterator<Item = Line<'_>> {
    let mut rest = text.lines().zip(1_u32..);
    std::iter::from_fn(move || {
        let (first, number) = rest.next()?;
        let trimmed = first.trim();
        let said = if trimmed.is_empty() {
            Said::Blank
        } else if let Some(comment) = alone(trimmed, semicolons) {
            Said::Comment(comment)
        } else {
            let mut whole = Cow::Borrowed(first);
            while let Some(open) = continued(&whole) {
                let open = open.to_owned();
                let Some((next, _)) = rest.next() else {
                    whole = Cow::Owned(open);
                    break;
                };
                whole = Cow::Owned(open + next.trim_start());
            }
            // Two backslashes at the end are one, and no continuation.
            if whole.ends_with("\\\\") {
                let end = whole.len() - 1;
                whole = Cow::Owned(whole[..end].to_owned());
            }
            part(whole, semicolons)
        };
        Some(Line { number, said })
    })
}

fn alone(line: &str, semicolons: bool) -> Option<&str> {
    line.strip_prefix('#')
        .or_else(|| line.strip_prefix(';').filter(|_| semicolons))
}

/// The line without the backslash that joins the next one to it.
fn continued(line: &str) -> Option<&str> {
    line.strip_suffix('\\').filter(|open| !open.ends_with('\\'))
}

/// Parts text and comment; `\;` is a plain `;`.
fn part(line: Cow<'_, str>, semicolons: bool) -> Said<'_> {
    if !semicolons || !line.contains(';') {
        return Said::Text(trim(line), None);
    }
    let end = line
        .match_indices(';')
        .map(|(at, _)| at)
        .find(|at| *at == 0 || line.as_bytes()[at - 1] != b'\\');
    let (text, comment) = match (end, line) {
        (None, line) => (line, None),
        (Some(end), Cow::Borrowed(line)) => (
            Cow::Borrowed(&line[..end]),
            Some(Cow::Borrowed(line[end + 1..].trim())),
        ),
        (Some(end), Cow::Owned(line)) => (
            Cow::Owned(line[..end].to_owned()),
            Some(Cow::Owned(line[end + 1..].trim().to_owned())),
        ),
    };
    let text = if text.contains("\\;") {
        Cow::Owned(text.replace("\\;", ";"))
    } else {
        text
    };
    Said::Text(trim(text), comment.filter(|comment| !comment.is_empty()))
}

fn trim(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, semicolons: bool, expected: &[&str]) {
        let shown: Vec<String> = lines(text, semicolons)
            .map(|line| match line.said {
                Said::Blank => format!("{}", line.number),
                Said::Comment(text) => format!("{}#{text}", line.number),
                Said::Text(text, None) => format!("{} {text}", line.number),
                Said::Text(text, Some(comment)) => format!("{} {text}#{comment}", line.number),
            })
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn comments_and_blanks() {
        check(
            "# a\r\n\r\n  x  y ; why\r\n; b\nz",
            true,
            &["1# a", "2", "3 x  y#why", "4# b", "5 z"],
        );
    }

    #[test]
    fn a_semicolon_is_plain_behind_a_backslash_and_in_the_main_file() {
        check("a\\;b;c", true, &["1 a;b#c"]);
        check("a;b", false, &["1 a;b"]);
        check("password=a#b", false, &["1 password=a#b"]);
    }

    #[test]
    fn a_backslash_at_the_end_joins_lines_and_two_do_not() {
        check("a \\\n   b \\\n c\nd", true, &["1 a b c", "4 d"]);
        check("a\\\\\nb", true, &["1 a\\", "2 b"]);
        check("a \\", true, &["1 a"]);
    }
}
