//! A message (RFC 5322, MIME) as far as a reply needs it: its header fields, and the text that a person wrote. The library
//! reads fields, encodings and character sets; the parts are walked here, for the library's own walk enters nested
//! messages without a bound, and whoever can send us a mail could end the daemon by that.

use mail_parser::{
    ContentType, HeaderName, HeaderValue, MessageParser,
    decoders::{
        base64::base64_decode, charsets::map::charset_decoder,
        quoted_printable::quoted_printable_decode,
    },
};

use super::html;

/// Multiparts in each other that are entered; mail programs need four.
const DEPTH_MAX: usize = 10;
/// Parts that are looked at, all together.
const PARTS_MAX: usize = 100;
/// Header fields that are looked at.
const FIELDS_MAX: usize = 1000;
/// Longest boundary; RFC 2046 allows 70 letters.
const BOUNDARY_MAX: usize = 200;

/// The header of a message or of a part.
#[derive(Debug, Default)]
pub struct Head {
    /// Names in small letters, values as they were sent but on one line.
    fields: Vec<(String, String)>,
    kind: Option<ContentType<'static>>,
    disposition: Option<String>,
    encoding: String,
    pub subject: String,
}

impl Head {
    fn read(block: &[u8]) -> Self {
        let mut block = block.to_vec();
        // A header that was cut off ends all the same.
        block.extend(b"\r\n\r\n");
        let parser = MessageParser::new()
            .with_mime_headers()
            .header_text(HeaderName::Subject);
        let Some(message) = parser.parse_headers(&block) else {
            return Self::default();
        };
        let mut head = Self::default();
        for (name, value) in message.headers_raw().take(FIELDS_MAX) {
            let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
            head.fields.push((name.to_ascii_lowercase(), value));
        }
        for field in message.headers().iter().take(FIELDS_MAX) {
            match (&field.name, field.value.clone().into_owned()) {
                (HeaderName::ContentType, HeaderValue::ContentType(kind)) => {
                    head.kind = Some(kind);
                }
                (HeaderName::ContentDisposition, HeaderValue::ContentType(kind)) => {
                    head.disposition = Some(kind.ctype().to_ascii_lowercase());
                }
                (HeaderName::ContentTransferEncoding, HeaderValue::Text(text)) => {
                    head.encoding = text.trim().to_ascii_lowercase();
                }
                (HeaderName::Subject, HeaderValue::Text(text)) => {
                    head.subject = text.trim().to_owned();
                }
                _ => {}
            }
        }
        head
    }

    /// All fields of this name (small letters), the first first.
    pub fn all(&self, name: &str) -> impl DoubleEndedIterator<Item = &str> {
        self.fields
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| &**value)
    }

    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Whether there is a field of this name that says something.
    pub fn says(&self, name: &str) -> bool {
        self.all(name).any(|value| !value.is_empty())
    }

    /// `multipart` and `alternative`, in small letters; what has no kind is plain text.
    pub fn kind(&self) -> (String, String) {
        let Some(kind) = &self.kind else {
            return ("text".to_owned(), "plain".to_owned());
        };
        let below = kind.subtype().unwrap_or_default();
        (
            kind.ctype().to_ascii_lowercase(),
            below.to_ascii_lowercase(),
        )
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        self.kind.as_ref()?.attribute(name)
    }
}

/// A message whose header was read.
#[derive(Debug)]
pub struct Message<'a> {
    pub head: Head,
    body: &'a [u8],
}

impl<'a> Message<'a> {
    pub fn read(raw: &'a [u8]) -> Self {
        let (head, body) = split(raw);
        Self {
            head: Head::read(head),
            body,
        }
    }

    /// What a person wrote, quotes marked by `>`; empty where there is no text.
    pub fn text(&self) -> String {
        let mut left = PARTS_MAX;
        let leaves = leaves(&self.head, self.body, 0, &mut left);
        let texts: Vec<String> = leaves.into_iter().map(|(_, text)| text).collect();
        texts.join("\n")
    }
}

/// The header and what comes behind the first empty line.
fn split(raw: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        if line.trim_ascii().is_empty() {
            return (&raw[..at], &raw[at + line.len()..]);
        }
        at += line.len();
    }
    (raw, &[])
}

/// The texts of a part, each with whether it is plain.
fn leaves(head: &Head, body: &[u8], depth: usize, left: &mut usize) -> Vec<(bool, String)> {
    if *left == 0 || depth == DEPTH_MAX {
        return Vec::new();
    }
    *left -= 1;
    let (kind, below) = head.kind();
    if kind == "multipart" {
        let boundary = head.attribute("boundary").unwrap_or_default();
        let mut found = Vec::new();
        for part in parts(body, boundary) {
            let (head, body) = split(part);
            found.extend(leaves(&Head::read(head), body, depth + 1, left));
        }
        if below == "alternative" {
            let plain = found
                .iter()
                .any(|(plain, text)| *plain && !text.trim().is_empty());
            found.retain(|(is_plain, _)| *is_plain == plain);
        }
        return found;
    }
    let is_text = kind == "text" && (below == "plain" || below == "html");
    if !is_text || head.disposition.as_deref() == Some("attachment") {
        return Vec::new();
    }
    let text = decode(head, body);
    vec![if below == "html" {
        (false, html::to_text(&text))
    } else if head
        .attribute("format")
        .is_some_and(|it| it.eq_ignore_ascii_case("flowed"))
    {
        let joined = head
            .attribute("delsp")
            .is_some_and(|it| it.eq_ignore_ascii_case("yes"));
        (true, unfold(&text, joined))
    } else {
        (true, text)
    }]
}

/// The parts between the lines of a boundary. One that is cut off counts as far as it goes.
fn parts<'a>(body: &'a [u8], boundary: &str) -> Vec<&'a [u8]> {
    if boundary.is_empty() || BOUNDARY_MAX < boundary.len() {
        return Vec::new();
    }
    let (mut found, mut begin, mut at) = (Vec::new(), None, 0);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let end = line
            .trim_ascii_end()
            .strip_prefix(b"--")
            .and_then(|rest| rest.strip_prefix(boundary.as_bytes()))
            .filter(|rest| rest.is_empty() || *rest == b"--");
        if let Some(end) = end {
            if let Some(begin) = begin.take() {
                found.push(&body[begin..at]);
            }
            if !end.is_empty() || PARTS_MAX <= found.len() {
                return found;
            }
            begin = Some(at + line.len());
        }
        at += line.len();
    }
    found.extend(begin.map(|begin| &body[begin..]));
    found
}

fn decode(head: &Head, body: &[u8]) -> String {
    let decoded = match &*head.encoding {
        "base64" => base64_decode(body),
        "quoted-printable" => quoted_printable_decode(body),
        _ => None,
    };
    let bytes = decoded.as_deref().unwrap_or(body);
    let named = head
        .attribute("charset")
        .and_then(|name| charset_decoder(name.as_bytes()));
    let text = match (named, std::str::from_utf8(bytes)) {
        (Some(decode), _) => decode(bytes),
        (None, Ok(text)) => text.to_owned(),
        // Who names no character set mostly means this one.
        (None, Err(_)) => charset_decoder(b"windows-1252").map_or_else(
            || String::from_utf8_lossy(bytes).into_owned(),
            |it| it(bytes),
        ),
    };
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Joins the lines of one paragraph (RFC 3676): a line that ends in a space goes on in the next one of the same depth.
fn unfold(text: &str, joined: bool) -> String {
    let depth = |line: &str| line.bytes().take_while(|byte| *byte == b'>').count();
    let mut all = String::with_capacity(text.len());
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let deep = depth(line);
        let words = &line[deep..];
        if open == Some(deep) && words != "-- " && !words.trim().is_empty() {
            all.push_str(words.strip_prefix(' ').unwrap_or(words));
        } else {
            if !all.is_empty() {
                all.push('\n');
            }
            all.push_str(line);
        }
        let flows = words.ends_with(' ') && words != "-- " && !words.trim().is_empty();
        open = flows.then_some(deep);
        if flows && joined {
            all.pop();
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(raw: &str) -> String {
        Message::read(raw.replace('\n', "\r\n").as_bytes()).text()
    }

    #[test]
    fn encodings_and_character_sets_are_undone() {
        for (head, body) in [
            (
                "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64",
                "YWNrIGbDvHIgaGV1dGU=",
            ),
            (
                "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable",
                "ack f=FCr heu=\nte",
            ),
            (
                "Content-Type: TEXT/Plain; charset=\"UTF-7\"",
                "ack f+APw-r heute",
            ),
            (
                "Content-Type: text/html; charset=utf-8",
                "<p>ack f&uuml;r heute</p>",
            ),
        ] {
            assert_eq!(
                text(&format!("{head}\n\n{body}\n")).trim(),
                "ack für heute",
                "{head}"
            );
        }
        // Nobody said which, and it is not UTF-8.
        let raw = b"Subject: x\r\n\r\nack f\xfcr heute\r\n";
        assert_eq!(Message::read(raw).text().trim(), "ack für heute");
    }

    #[test]
    fn of_two_versions_the_plain_one_is_read_unless_it_is_empty() {
        let mail = |plain: &str| {
            format!(
                "Content-Type: multipart/mixed; boundary=\"a b\"\n\npreamble\n--a b\nContent-Type: multipart/alternative; boundary=c\n\n\
                 --c\nContent-Type: text/plain\n\n{plain}\n--c\nContent-Type: text/html\n\n<div>snooze 2h</div>\n--c--\n\
                 --a b\nContent-Type: text/plain; name=\"a.txt\"\nContent-Disposition: attachment\n\ntag faulty-check\n--a b--\nepilogue\n"
            )
        };
        assert_eq!(text(&mail("ack")).trim(), "ack");
        assert_eq!(text(&mail(" ")).trim(), "snooze 2h");
    }

    #[test]
    fn flowed_lines_are_one() {
        let mail = "Content-Type: text/plain; format=flowed\n\nack the disk is full and \nwill be replaced\n-- \nAnn\n> a \n> b\n";
        assert_eq!(
            text(mail),
            "ack the disk is full and will be replaced\n-- \nAnn\n> a b"
        );
    }

    #[test]
    fn what_is_nested_deeper_than_any_mail_program_does_is_left_alone() {
        let mut raw = String::new();
        for level in 0..5000 {
            raw.push_str(&format!(
                "Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n"
            ));
        }
        raw.push_str("\nack\n");
        assert_eq!(text(&raw), "");
        let nested = "Content-Type: message/rfc822\n\n".repeat(9000);
        assert_eq!(text(&nested), "");
        let wide = "--b\n\nack\n".repeat(20_000);
        let wide = text(&format!(
            "Content-Type: multipart/mixed; boundary=b\n\n{wide}"
        ));
        assert!(wide.lines().filter(|line| *line == "ack").count() <= PARTS_MAX);
        assert_eq!(
            text(&format!("{}: x\n\nack\n", "x".repeat(100_000))).trim(),
            "ack"
        );
    }
}
