//! `--max-age`: how old a document is by its own headers.

use super::judge::Outcome;
use crate::{State, certificate::days_since_1970};

const DAY: i64 = 86_400;

pub(super) fn judge(header: &[u8], max_age: i64, outcome: &mut Outcome) {
    let header = String::from_utf8_lossy(header);
    let (server, document) = find(&header);
    let said = match (server, document) {
        (None | Some(""), _) => {
            outcome.worsen(State::Unknown);
            "Server date unknown, ".to_owned()
        }
        (_, None | Some("")) => "Document modification date unknown, ".to_owned(),
        (Some(server), Some(document)) => match (parse(server), parse(document)) {
            (None, _) => format!("Server date \"{server:>100}\" unparsable, "),
            (_, None) => format!("Document date \"{document:>100}\" unparsable, "),
            (Some(server), Some(document)) => {
                let age = server - document;
                if age < -30 {
                    format!("Document is {} seconds in the future, ", -age)
                } else if age <= max_age {
                    return;
                } else if 2 * DAY < age {
                    #[expect(clippy::cast_precision_loss, reason = "as the real one")]
                    let days = f64::from(age as f32 / 86_400.0);
                    format!("Last modified {days:.1} days ago, ")
                } else {
                    format!(
                        "Last modified {}:{:02}:{:02} ago, ",
                        age / 3600,
                        age / 60 % 60,
                        age % 60
                    )
                }
            }
        },
    };
    if !said.starts_with("Server date unknown") {
        outcome.worsen(State::Critical);
    }
    outcome.text.push_str(&said);
}

/// The last `Date` and the last `Last-Modified`.
fn find(header: &str) -> (Option<&str>, Option<&str>) {
    let (mut server, mut document) = (None, None);
    let mut rest = header;
    while !rest.is_empty() {
        // A line goes on in the next one if that begins with a blank.
        let end = rest
            .match_indices('\n')
            .map(|(at, _)| at)
            .find(|at| !rest[at + 1..].starts_with([' ', '\t']));
        let (field, next) = match end {
            Some(end) => (&rest[..end], &rest[end + 1..]),
            None => (rest, ""),
        };
        let name_end = field.find(|letter: char| letter == ':' || is_space(letter));
        if let Some(name_end) = name_end
            && let Some(value) = rest[name_end..].strip_prefix(':')
        {
            // An empty value is looked for in the next line.
            let value = value.trim_start_matches(is_space);
            let value = value.split(['\r', '\n']).next().unwrap_or_default();
            let name = &field[..name_end];
            if name.eq_ignore_ascii_case("date") {
                server = Some(value);
            } else if name.eq_ignore_ascii_case("last-modified") {
                document = Some(value);
            }
        }
        rest = next;
    }
    (server, document)
}

fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t'..='\r')
}

/// Seconds of `Tue, 25 Dec 2001 02:59:03 GMT`; what follows is not looked at.
fn parse(text: &str) -> Option<i64> {
    const MONTHS: [&[u8]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    // A: upper case, a: lower case, 0: a digit, _: a digit or a blank.
    const FORM: &[u8] = b"Aaa, _0 Aaa 0000 00:00:00 GMT";
    let text = text.as_bytes().get(..FORM.len())?;
    let fits = text.iter().zip(FORM).all(|(byte, form)| match form {
        b'A' => byte.is_ascii_uppercase(),
        b'a' => byte.is_ascii_lowercase(),
        b'0' => byte.is_ascii_digit(),
        b'_' => byte.is_ascii_digit() || *byte == b' ',
        other => byte == other,
    });
    if !fits {
        return None;
    }
    let number = |from: usize, count: usize| {
        text[from..from + count].iter().fold(0, |number, digit| {
            number * 10 + i64::from(if *digit == b' ' { 0 } else { digit - b'0' })
        })
    };
    let month = MONTHS.iter().position(|month| *month == &text[8..11])?;
    let month = i64::try_from(month).ok()? + 1;
    let day = number(5, 2);
    if !(1..=31).contains(&day) {
        return None;
    }
    let seconds = days_since_1970(number(12, 4), month, day) * DAY
        + number(17, 2) * 3600
        + number(20, 2) * 60
        + number(23, 2);
    (0 < seconds).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_the_form_alone() {
        assert_eq!(parse("Thu, 01 Jan 1970 00:00:01 GMT"), Some(1));
        assert_eq!(
            parse("Tue, 25 Dec 2001 02:59:03 GMT+x"),
            Some(1_009_249_143)
        );
        assert_eq!(parse("Tue,  5 Dec 2001 02:59:03 GMT"), Some(1_007_521_143));
        for text in [
            "",
            "Thu, 01 Jan 1970 00:00:00 GMT",
            "Thu, 32 Jan 1980 00:00:00 GMT",
            "Thu, 00 Jan 1980 00:00:00 GMT",
            "Thu, 01 Jam 1980 00:00:00 GMT",
            "thu, 01 Jan 1980 00:00:00 GMT",
            "Thu, 01 Jan 1980 00:00:00 UTC",
            "Thu, 01 Jan 80 00:00:00 GMT",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
