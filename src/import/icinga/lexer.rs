//! Words of Icinga's configuration language: comments taken off, texts unescaped, spans of time in seconds.

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    /// A name or a keyword.
    Name(String),
    Number(f64),
    Text(String),
    Sign(&'static str),
    Line,
    End,
}

/// A word and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub word: Word,
    pub line: u32,
    /// The comment on the lines right above.
    pub above: Vec<String>,
}

/// Signs, longer ones first.
const SIGNS: &[&str] = &[
    "{{", "&&", "||", "==", "!=", "<=", ">=", "=>", "+=", "-=", "*=", "/=", "%=", "|=", "&=", "<<",
    ">>", "{", "}", "(", ")", "[", "]", ",", ";", ":", ".", "=", "<", ">", "+", "-", "*", "/", "%",
    "!", "?", "|", "&", "^", "~", "@",
];

/// A line, what is wrong there, and the remedy.
pub type Wrong = (u32, String, String);

/// All words of a text, the last one [`Word::End`].
pub fn words(text: &str) -> Result<Vec<Token>, Wrong> {
    let mut lexer = Lexer {
        rest: text,
        line: 1,
        above: Vec::new(),
        tokens: Vec::new(),
    };
    while lexer.next()? {}
    lexer.push(Word::End, lexer.line);
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    rest: &'a str,
    line: u32,
    above: Vec<String>,
    tokens: Vec<Token>,
}

impl<'a> Lexer<'a> {
    fn push(&mut self, word: Word, line: u32) {
        let above = std::mem::take(&mut self.above);
        self.tokens.push(Token { word, line, above });
    }

    /// Takes `length` bytes and counts their lines.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        let lines = taken.bytes().filter(|byte| *byte == b'\n').count();
        self.line = self
            .line
            .saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.rest = rest;
        taken
    }

    /// Whether there was anything left.
    fn next(&mut self) -> Result<bool, Wrong> {
        let Some(first) = self.rest.chars().next() else {
            return Ok(false);
        };
        let line = self.line;
        match first {
            '\n' => {
                self.take(1);
                // A blank line parts a comment from what follows it.
                if self
                    .rest
                    .trim_start_matches([' ', '\t', '\r'])
                    .starts_with('\n')
                {
                    self.above.clear();
                }
                let above = std::mem::take(&mut self.above);
                self.push(Word::Line, line);
                self.above = above;
            }
            c if c.is_whitespace() => {
                self.take(c.len_utf8());
            }
            '#' => self.comment(1),
            '"' => self.text()?,
            c if c.is_ascii_digit() => self.number()?,
            c if c.is_alphabetic() || c == '_' => {
                let length = end(self.rest, |c| c.is_alphanumeric() || c == '_');
                let name = self.take(length).to_owned();
                self.push(Word::Name(name), line);
            }
            _ if self.rest.starts_with("//") => self.comment(2),
            _ if self.rest.starts_with("/*") => {
                let Some(length) = self.rest.find("*/") else {
                    return Err(wrong(
                        line,
                        "this comment is not closed",
                        "close it with */",
                    ));
                };
                let whole = self.take(length + 2);
                let inner = &whole[2..whole.len() - 2];
                let lines = inner.trim_matches(['*', ' ', '\t', '\n', '\r']).lines();
                let lines = lines.map(|line| line.trim().trim_start_matches('*').trim().to_owned());
                self.above.extend(lines.filter(|line| !line.is_empty()));
            }
            _ if self.rest.starts_with("{{{") => {
                let Some(length) = self.rest.find("}}}") else {
                    return Err(wrong(line, "this text is not closed", "close it with }}}"));
                };
                let text = self.take(length + 3)[3..length].to_owned();
                self.push(Word::Text(text), line);
            }
            c => {
                let Some(sign) = SIGNS.iter().find(|sign| self.rest.starts_with(**sign)) else {
                    return Err(wrong(
                        line,
                        format!("`{c}` means nothing here"),
                        "remove it, or put the text around it between quotes",
                    ));
                };
                self.take(sign.len());
                self.push(Word::Sign(sign), line);
            }
        }
        Ok(true)
    }

    fn comment(&mut self, mark: usize) {
        let length = self.rest.find('\n').unwrap_or(self.rest.len());
        // A comment behind something belongs to that, not to what follows.
        let alone = self
            .tokens
            .last()
            .is_none_or(|token| token.word == Word::Line);
        let text = self.take(length)[mark..].trim().to_owned();
        if alone {
            self.above.push(text);
        }
    }

    fn text(&mut self) -> Result<(), Wrong> {
        let line = self.line;
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1).peekable();
        let length = loop {
            let Some((at, c)) = chars.next() else {
                return Err(wrong(
                    line,
                    "this text is not closed",
                    "close it with a quote",
                ));
            };
            match c {
                '"' => break at + 1,
                '\n' => {
                    return Err(wrong(
                        line,
                        "this text is not closed on its line",
                        "close it with a quote, or write {{{ and }}} around several lines",
                    ));
                }
                '\\' => match chars.next().map(|(_, c)| c) {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some('b') => text.push('\u{8}'),
                    Some('f') => text.push('\u{c}'),
                    Some(c @ '0'..='7') => {
                        let mut code = c.to_digit(8).unwrap_or(0);
                        while let Some(digit) = chars.peek().and_then(|(_, c)| c.to_digit(8)) {
                            code = code * 8 + digit;
                            chars.next();
                            if 0o77 < code {
                                break;
                            }
                        }
                        text.extend(char::from_u32(code));
                    }
                    Some(c @ ('"' | '\\')) => text.push(c),
                    Some(c) => {
                        return Err(wrong(
                            line,
                            format!("`\\{c}` means nothing in a text"),
                            "write \\\\ for a backslash",
                        ));
                    }
                    None => {}
                },
                c => text.push(c),
            }
        };
        self.take(length);
        self.push(Word::Text(text), line);
        Ok(())
    }

    /// A number, with a unit of time perhaps.
    fn number(&mut self) -> Result<(), Wrong> {
        let line = self.line;
        let mut length = end(self.rest, |c| c.is_ascii_digit());
        if self.rest[length..]
            .strip_prefix('.')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        {
            length += 1 + end(&self.rest[length + 1..], |c| c.is_ascii_digit());
        }
        let digits = self.take(length);
        let unit = end(self.rest, |c| c.is_alphanumeric() || c == '_');
        let unit = self.take(unit);
        let seconds = match unit {
            "" | "s" => 1.0,
            "ms" => 0.001,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => {
                return Err(wrong(
                    line,
                    format!("`{unit}` is no unit of time"),
                    "units are ms, s, m, h and d",
                ));
            }
        };
        let number: f64 = digits.parse().unwrap_or(0.0);
        self.push(Word::Number(number * seconds), line);
        Ok(())
    }
}

fn end(text: &str, is_part: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is_part(c)).unwrap_or(text.len())
}

fn wrong(line: u32, message: impl Into<String>, help: impl Into<String>) -> Wrong {
    (line, message.into(), help.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown: Vec<String> = words(text)
            .expect("words")
            .into_iter()
            .map(|token| match token.word {
                Word::Name(name) => name,
                Word::Number(number) => number.to_string(),
                Word::Text(text) => format!("{text:?}"),
                Word::Sign(sign) => sign.to_owned(),
                Word::Line => format!("|{}", token.line),
                Word::End => "END".to_owned(),
            })
            .collect();
        assert_eq!(shown.join(" "), expected);
    }

    #[test]
    fn spans_are_seconds() {
        check(
            "30s 2m 1.5h 1d 250ms 7 0.5",
            "30 120 5400 86400 0.25 7 0.5 END",
        );
        assert_eq!(words("a = 5q").expect_err("a fault").0, 1);
    }

    #[test]
    fn texts_and_comments() {
        check(
            "a = \"x\\\"\\\\\\n\\101\" // b\n# c\n/* d\n e */ f += {{{ \"g\"\n }}}",
            "a = \"x\\\"\\\\\\nA\" |1 |2 f += \" \\\"g\\\"\\n \" END",
        );
    }

    #[test]
    fn faults_have_lines() {
        for (text, line) in [
            ("a\n\"b", 2),
            ("a\n\n/* b", 3),
            ("{{{ a", 1),
            ("a \\", 1),
            ("\"\\q\"", 1),
        ] {
            assert_eq!(words(text).expect_err("a fault").0, line, "{text}");
        }
    }

    #[test]
    fn a_comment_belongs_to_what_stands_right_below() {
        let tokens = words("# far\n\n# near\n// and this\nobject x # beside\ny").expect("words");
        let above = |name: &str| {
            let token = tokens
                .iter()
                .find(|token| token.word == Word::Name(name.to_owned()));
            token.expect("there").above.clone()
        };
        assert_eq!(above("object"), ["near", "and this"]);
        assert!(above("y").is_empty());
    }
}
