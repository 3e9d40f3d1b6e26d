//! The text of a mail that was written in HTML, with quotes marked by `>` as in plain text.

use mail_parser::decoders::html::html_to_text;

// Letters for private use, which stand for what the library's text does not show.
const QUOTE: char = '\u{e000}';
const END: char = '\u{e001}';
/// A line ends here, once, however many elements do.
const BREAK: char = '\u{e002}';
/// Elements that begin and end lines.
const BLOCKS: [&str; 14] = [
    "div", "p", "tr", "table", "li", "ul", "ol", "hr", "h1", "h2", "h3", "pre", "section", "body",
];

pub fn to_text(html: &str) -> String {
    let text = html_to_text(&mark(html));
    let mut lines = String::with_capacity(text.len());
    let mut depth = 0_usize;
    for line in broken(&text).split('\n') {
        let begins = depth;
        let ends = line.matches(END).count();
        depth = (depth + line.matches(QUOTE).count()).saturating_sub(ends);
        if 0 < begins.max(depth) || line.contains(QUOTE) {
            lines.push_str("> ");
        }
        lines.extend(
            line.chars()
                .filter(|letter| !matches!(*letter, QUOTE | END)),
        );
        lines.push('\n');
    }
    lines
}

/// Marks blocks and quotes outside of the elements that are theirs.
fn mark(html: &str) -> String {
    let mut marked = String::with_capacity(html.len() + html.len() / 4);
    let mut rest = html;
    while let Some(begin) = rest.find('<') {
        clean(&rest[..begin], &mut marked);
        rest = &rest[begin..];
        let end = rest.find('>').map_or(rest.len(), |end| end + 1);
        let element = &rest[..end];
        let name: String = element[1..]
            .chars()
            .take(20)
            .take_while(|letter| *letter == '/' || letter.is_ascii_alphanumeric())
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        match &*name {
            "blockquote" => {
                marked.push(BREAK);
                marked.push(QUOTE);
                clean(element, &mut marked);
            }
            "/blockquote" => {
                clean(element, &mut marked);
                marked.push(END);
                marked.push(BREAK);
            }
            _ if BLOCKS.contains(&name.trim_start_matches('/')) => {
                marked.push(BREAK);
                clean(element, &mut marked);
                marked.push(BREAK);
            }
            _ => clean(element, &mut marked),
        }
        rest = &rest[end..];
    }
    clean(rest, &mut marked);
    marked
}

/// Without the letters that are marks, whoever wrote them.
fn clean(text: &str, into: &mut String) {
    into.extend(
        text.chars()
            .filter(|letter| !matches!(*letter, QUOTE | END | BREAK)),
    );
}

/// Several breaks with nothing between them are one; a `<br>` with nothing before it is an empty line.
fn broken(text: &str) -> String {
    let mut lines = Vec::new();
    let mut segments = text.split('\n').peekable();
    while let Some(segment) = segments.next() {
        let mut pieces = segment.split(BREAK).map(str::trim).peekable();
        while let Some(piece) = pieces.next() {
            let is_at_br = pieces.peek().is_none() && segments.peek().is_some();
            if !piece.is_empty() || is_at_br {
                lines.push(piece);
            }
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(html: &str, text: Expect) {
        text.assert_eq(&to_text(html));
    }

    #[test]
    fn lines_and_quotes_are_those_that_are_seen() {
        check(
            "<html><head><style>p { x: y }</style></head><body><div dir=\"ltr\">ack<div>tag&nbsp;faulty-check</div></div>\
             <br><div class=\"gmail_quote\">On Monday Watch &lt;w@x.example&gt; wrote:<br><blockquote class=\"gmail_quote\">\
             CRITICAL<blockquote>deeper</blockquote><div>still quoted</div></blockquote></div>below</body></html>",
            expect![[r#"
                ack
                tag faulty-check

                On Monday Watch <w@x.example> wrote:
                > CRITICAL
                > deeper
                > still quoted
                > 
                below
            "#]],
        );
    }

    #[test]
    fn what_is_not_closed_or_pretends_to_be_a_mark_does_no_harm() {
        check(
            "</blockquote>ack<div",
            expect![[r#"

                ack
            "#]],
        );
        check(
            "\u{e000}ack <!-- <blockquote> --> it\u{e001}",
            expect![[r#"
            ack it
        "#]],
        );
        check(
            "<blockquote>ack",
            expect![[r#"
            > ack
        "#]],
        );
    }
}
