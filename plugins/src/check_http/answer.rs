//! An answer taken apart as the real one does it, with its eye for line ends.

use crate::Foreign;

/// The parts of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer<'a> {
    /// Its first line, without blanks at its end.
    pub status: &'a [u8],
    pub header: &'a [u8],
    pub body: &'a [u8],
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

fn run_of(bytes: &[u8], is_in: impl Fn(u8) -> bool) -> usize {
    bytes
        .iter()
        .position(|byte| !is_in(*byte))
        .unwrap_or(bytes.len())
}

/// None: it ends amid its headers, where the real one reads on in memory that is not its own.
pub(super) fn split(page: &[u8]) -> Option<Answer<'_>> {
    let status_end = run_of(page, |byte| !is_line_end(byte));
    let header_start = status_end + run_of(&page[status_end..], is_line_end);
    let mut header_end = status_end;
    let mut at = header_start;
    loop {
        let line = run_of(&page[at..], |byte| !is_line_end(byte));
        if line == 0 {
            break;
        }
        at += line;
        header_end = at;
        let rest = &page[at..];
        let first = *rest.first()?;
        let is_one = run_of(rest, |byte| byte == first) == 1;
        let is_pair = is_one && 2 <= run_of(rest, is_line_end);
        at += if is_pair { 2 } else { 1 };
    }
    at += run_of(&page[at..], is_line_end);
    let status = &page[..status_end];
    let blanks = status
        .iter()
        .rev()
        .take_while(|byte| matches!(**byte, b' ' | b'\t'))
        .count();
    Some(Answer {
        status: &status[..status.len() - blanks],
        header: page.get(header_start..header_end).unwrap_or_default(),
        body: &page[at..],
    })
}

/// Where the page ends if only its headers are wanted: in front of the line end before the empty line.
pub(super) fn end_of_headers(page: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', page)
        .find(|at| page[at + 1..].starts_with(b"\n") || page[at + 1..].starts_with(b"\r\n"))
}

/// Whether the body comes in chunks: `Transfer-Encoding: *chunked *` in the headers, in any case.
pub(super) fn is_chunked(header: &[u8]) -> bool {
    const NAME: &[u8] = b"transfer-encoding:";
    const VALUE: &[u8] = b"chunked";
    header.windows(NAME.len()).enumerate().any(|(at, part)| {
        part.eq_ignore_ascii_case(NAME) && {
            let rest = header[at + NAME.len()..].trim_ascii_start_blanks();
            rest.get(..VALUE.len())
                .is_some_and(|value| value.eq_ignore_ascii_case(VALUE))
        }
    })
}

trait TrimBlanks {
    fn trim_ascii_start_blanks(&self) -> &Self;
}

impl TrimBlanks for [u8] {
    fn trim_ascii_start_blanks(&self) -> &Self {
        &self[run_of(self, |byte| byte == b' ')..]
    }
}

/// A body put together from its chunks. None: the real one says that it failed.
pub(super) fn join_chunks(body: &[u8]) -> Result<Option<Vec<u8>>, Foreign> {
    let beyond = || Foreign::unhandled("a chunk that ends elsewhere than it says");
    let mut joined = Vec::new();
    let mut rest = body;
    loop {
        let digits = run_of(rest, |byte| byte.is_ascii_hexdigit());
        let (number, after) = rest.split_at(digits);
        let is_odd = |byte: &u8| matches!(byte, b'+' | b'-' | b' ' | b'\t'..=b'\r');
        if number.is_empty() {
            // `strtol` skips blanks and reads signs.
            return match after.first() {
                Some(byte) if is_odd(byte) => Err(beyond()),
                _ => Ok(None),
            };
        }
        if 8 < digits || matches!((number, after.first()), (b"0", Some(b'x' | b'X'))) {
            return Err(beyond());
        }
        let size = number.iter().fold(0_usize, |size, digit| {
            size << 4 | char::from(*digit).to_digit(16).unwrap_or(0) as usize
        });
        let extension = if after.starts_with(b";") {
            memchr::memchr(b'\r', after).ok_or_else(beyond)?
        } else {
            0
        };
        if size == 0 {
            return Ok(Some(joined));
        }
        let start = extension + 2;
        let chunk = after.get(start..start + size).ok_or_else(beyond)?;
        joined.extend_from_slice(chunk);
        rest = after.get(start + size + 2..).ok_or_else(beyond)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(page: &str) -> Option<(String, String, String)> {
        let answer = split(page.as_bytes())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some((text(answer.status), text(answer.header), text(answer.body)))
    }

    #[test]
    fn parts_of_an_answer() {
        for (page, parts) in [
            ("S 1\r\nA: b\r\n\r\nbody", Some(("S 1", "A: b", "body"))),
            (
                "S 1 \t\nA: b\nC: d\n\nbody\n",
                Some(("S 1", "A: b\nC: d", "body\n")),
            ),
            ("S 1\r\nA: b\r\n\r\n\r\n\nx", Some(("S 1", "A: b", "x"))),
            ("S 1\r\nA: b\r\n", Some(("S 1", "A: b", ""))),
            ("S 1\r\nA: b\r", Some(("S 1", "A: b", ""))),
            ("S 1\r\n\r\nbody\n", Some(("S 1", "body", ""))),
            ("S 1\r\n\r\n", Some(("S 1", "", ""))),
            ("S 1", Some(("S 1", "", ""))),
            ("", Some(("", "", ""))),
            ("S 1\r\n\r\nbody", None),
            ("S 1\r\nA", None),
        ] {
            let parts = parts
                .map(|(s, h, b): (&str, &str, &str)| (s.to_owned(), h.to_owned(), b.to_owned()));
            assert_eq!(show(page), parts, "{page:?}");
        }
    }

    #[test]
    fn chunks() {
        let join = |body: &str| {
            join_chunks(body.as_bytes())
                .map(|joined| joined.map(|joined| String::from_utf8_lossy(&joined).into_owned()))
        };
        assert_eq!(
            join("3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"),
            Ok(Some("abcde".to_owned()))
        );
        assert_eq!(join("0\r\n\r\n"), Ok(Some(String::new())));
        assert_eq!(join("xyz"), Ok(None));
        assert_eq!(join(""), Ok(None));
        for body in [
            "5\r\nabc",
            "3\r\nabc",
            "fffffffff\r\n",
            " 3\r\nabc\r\n0",
            "0x1",
        ] {
            assert!(join(body).is_err(), "{body}");
        }
    }

    #[test]
    fn whether_it_comes_in_chunks() {
        assert!(is_chunked(b"a: b\r\ntransfer-encoding:  Chunked"));
        assert!(!is_chunked(b"Transfer-Encoding: gzip, chunked"));
        assert!(!is_chunked(b"Transfer-Encoding:"));
    }
}
