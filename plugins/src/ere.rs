//! Extended regular expressions of POSIX as glibc reads them, as far as they mean the same to the `regex` crate: whether
//! something matches, in time that grows with the text alone. All else is left to the real plugin.

use std::fmt::Write;

use regex::bytes::Regex;

use crate::Foreign;

/// How an expression is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `REG_ICASE`.
    pub ignore_case: bool,
    /// `REG_NEWLINE`: lines are apart.
    pub lines: bool,
}

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// As the C locale reads a text: byte by byte.
    bytes: Regex,
    source: String,
    flags: Flags,
    /// Takes what it does not name: then bytes and letters of more than one byte may differ.
    is_open: bool,
    /// Classes such as `[:alpha:]` take more letters in other locales.
    is_ascii: bool,
}

impl Pattern {
    pub fn parse(text: &str, flags: Flags) -> Result<Self, Foreign> {
        if !text.is_ascii() {
            return Err(foreign("letters outside ASCII"));
        }
        let mut reader = Reader {
            text: text.as_bytes(),
            at: 0,
            out: String::new(),
            flags,
            is_open: false,
            is_ascii: false,
        };
        reader.choices(0)?;
        if reader.at < reader.text.len() {
            return Err(foreign("a `)` that closes nothing"));
        }
        let Reader {
            out,
            is_open,
            is_ascii,
            ..
        } = reader;
        let bytes = Regex::new(&format!("(?-u){out}")).map_err(|_| foreign("its size"))?;
        Ok(Self {
            bytes,
            source: out,
            flags,
            is_open,
            is_ascii,
        })
    }

    /// Whether any part of `text` matches. Foreign: that hangs on the locale.
    pub fn found_in(&self, text: &[u8]) -> Result<bool, Foreign> {
        let found = self.bytes.is_match(text);
        if text.is_ascii() {
            return Ok(found);
        }
        let apart = || foreign("letters outside ASCII in the text");
        // Letters whose other case is within ASCII: the sign of Kelvin, the long s, and the i with and without a dot.
        let folds = || {
            ["\u{212a}", "\u{17f}", "\u{130}", "\u{131}"]
                .iter()
                .any(|letter| memchr::memmem::find(text, letter.as_bytes()).is_some())
        };
        if self.is_ascii || self.flags.ignore_case && folds() {
            return Err(apart());
        }
        if self.is_open {
            let letters = Regex::new(&self.source).map_err(|_| foreign("its size"))?;
            if letters.is_match(text) != found {
                return Err(apart());
            }
        }
        Ok(found)
    }
}

fn foreign(what: &str) -> Foreign {
    Foreign::unhandled(format!("a regular expression with {what} is not for us"))
}

const DEEPEST: u32 = 40;
/// Of a repetition.
const MOST: u32 = 255;

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    out: String,
    flags: Flags,
    is_open: bool,
    is_ascii: bool,
}

/// The letters of a set within ASCII.
struct Set([bool; 128]);

impl Set {
    fn add(&mut self, letter: u8) {
        if let Some(slot) = self.0.get_mut(usize::from(letter)) {
            *slot = true;
        }
    }
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let letter = self.peek()?;
        self.at += 1;
        Some(letter)
    }

    fn choices(&mut self, depth: u32) -> Result<(), Foreign> {
        if DEEPEST < depth {
            return Err(foreign("so many brackets"));
        }
        loop {
            let begun = self.at;
            while let Some(letter) = self.peek()
                && letter != b'|'
                && letter != b')'
            {
                self.piece(depth)?;
            }
            if self.at == begun {
                return Err(foreign("an empty choice"));
            }
            if self.peek() != Some(b'|') {
                return Ok(());
            }
            self.at += 1;
            self.out.push('|');
        }
    }

    fn piece(&mut self, depth: u32) -> Result<(), Foreign> {
        let begun = self.out.len();
        let is_anchor = self.atom(depth)?;
        while let Some(sign @ (b'*' | b'+' | b'?' | b'{')) = self.peek() {
            if is_anchor {
                return Err(foreign("a repeated anchor"));
            }
            self.at += 1;
            // In brackets, so that a second sign does not make it lazy.
            self.out.insert_str(begun, "(?:");
            self.out.push(')');
            if sign == b'{' {
                self.interval()?;
            } else {
                self.out.push(char::from(sign));
            }
        }
        Ok(())
    }

    /// Behind its `{`.
    fn interval(&mut self) -> Result<(), Foreign> {
        let least = self.number();
        let is_pair = self.peek() == Some(b',');
        if is_pair {
            self.at += 1;
        }
        let most = if is_pair { self.number() } else { least };
        let (Some(least), Some(b'}')) = (least, self.next()) else {
            return Err(foreign("such a repetition"));
        };
        if MOST < least || most.is_some_and(|most| MOST < most || most < least) {
            return Err(foreign("such a repetition"));
        }
        let most = most.map(|most| most.to_string()).unwrap_or_default();
        let _ = write!(self.out, "{{{least},{most}}}");
        Ok(())
    }

    fn number(&mut self) -> Option<u32> {
        let mut number = None;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            self.at += 1;
            let before: u32 = number.unwrap_or(0);
            number = Some(
                before
                    .saturating_mul(10)
                    .saturating_add(u32::from(digit - b'0')),
            );
        }
        number
    }

    /// True: an anchor.
    fn atom(&mut self, depth: u32) -> Result<bool, Foreign> {
        let Some(letter) = self.next() else {
            return Err(foreign("an end"));
        };
        match letter {
            b'(' => {
                self.out.push_str("(?:");
                self.choices(depth + 1)?;
                if self.next() != Some(b')') {
                    return Err(foreign("a `(` that is not closed"));
                }
                self.out.push(')');
            }
            b'^' | b'$' => {
                // Amid others, it is seldom meant, and glibc has its own thoughts about it.
                let is_amid = if letter == b'^' {
                    let before = &self.text[..self.at - 1];
                    !before.is_empty()
                        && (!before.ends_with(b"(") && !before.ends_with(b"|")
                            || before.ends_with(b"\\(")
                            || before.ends_with(b"\\|"))
                } else {
                    self.peek().is_some_and(|next| !matches!(next, b')' | b'|'))
                };
                if is_amid {
                    return Err(foreign("an anchor amid others"));
                }
                let sign = char::from(letter);
                if self.flags.lines {
                    let _ = write!(self.out, "(?m:{sign})");
                } else {
                    self.out.push(sign);
                }
                return Ok(true);
            }
            b'.' => {
                self.is_open = true;
                self.out
                    .push_str(if self.flags.lines { "[^\\n]" } else { "(?s:.)" });
            }
            b'[' => self.set()?,
            b'\n' => return Err(foreign("a line's end")),
            b'*' | b'+' | b'?' | b'{' => return Err(foreign("a repetition of nothing")),
            b'\\' => self.escape()?,
            letter => self.literal(letter),
        }
        Ok(false)
    }

    fn escape(&mut self) -> Result<(), Foreign> {
        match self.next() {
            Some(letter @ (b'w' | b'W' | b's' | b'S')) => {
                self.is_ascii = true;
                let mut set = Set([false; 128]);
                for candidate in 0..128 {
                    let is_in = if letter.eq_ignore_ascii_case(&b'w') {
                        candidate == b'_' || candidate.is_ascii_alphanumeric()
                    } else {
                        is_space(candidate)
                    };
                    if is_in {
                        set.add(candidate);
                    }
                }
                // The newline rule is for brackets alone.
                self.write_set(&set, letter.is_ascii_uppercase());
            }
            None | Some(b'0'..=b'9' | b'b' | b'B' | b'<' | b'>' | b'`' | b'\'') => {
                return Err(foreign("such a backslash"));
            }
            // glibc forgets that its other case would do, too.
            Some(letter) if self.flags.ignore_case && letter.is_ascii_alphabetic() => {
                return Err(foreign("such a backslash"));
            }
            Some(letter) => self.literal(letter),
        }
        Ok(())
    }

    fn literal(&mut self, letter: u8) {
        let mut set = Set([false; 128]);
        set.add(letter);
        if self.flags.ignore_case && letter.is_ascii_alphabetic() {
            set.add(letter ^ 0x20);
            self.write_set(&set, false);
        } else {
            let _ = write!(self.out, "\\x{letter:02x}");
        }
    }

    fn write_set(&mut self, set: &Set, negated: bool) {
        self.out.push_str(if negated { "[^" } else { "[" });
        for letter in (0_u8..128).filter(|letter| set.0[usize::from(*letter)]) {
            let _ = write!(self.out, "\\x{letter:02x}");
        }
        self.out.push(']');
        self.is_open |= negated;
    }

    /// Behind its `[`.
    fn set(&mut self) -> Result<(), Foreign> {
        let broken = || foreign("such a set");
        let mut set = Set([false; 128]);
        let negated = self.peek() == Some(b'^');
        if negated {
            self.at += 1;
        }
        let begun = self.at;
        loop {
            let letter = self.next().ok_or_else(broken)?;
            match (letter, self.peek()) {
                (b']', _) if self.at - 1 != begun => break,
                (b'[', Some(b'.' | b'=')) => return Err(broken()),
                (b'[', Some(b':')) => self.class(&mut set)?,
                _ => {
                    let is_range = self.peek() == Some(b'-')
                        && self.text.get(self.at + 1).is_some_and(|next| *next != b']');
                    if !is_range {
                        set.add(letter);
                        continue;
                    }
                    self.at += 1;
                    let last = self.next().ok_or_else(broken)?;
                    // `[a-[.x.]]`, and `[--x]` in all its forms.
                    if last < letter || matches!(last, b'[' | b'-') || letter == b'-' {
                        return Err(broken());
                    }
                    (letter..=last).for_each(|letter| set.add(letter));
                }
            }
        }
        if self.flags.ignore_case {
            for letter in (b'a'..=b'z').chain(b'A'..=b'Z') {
                if set.0[usize::from(letter)] {
                    set.add(letter ^ 0x20);
                }
            }
        }
        if negated && self.flags.lines {
            set.add(b'\n');
        }
        self.write_set(&set, negated);
        Ok(())
    }

    /// `[:name:]`, behind its `[`.
    fn class(&mut self, set: &mut Set) -> Result<(), Foreign> {
        self.at += 1;
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = memchr::memmem::find(rest, b":]").ok_or_else(|| foreign("such a class"))?;
        let is_in: fn(u8) -> bool = match &rest[..length] {
            b"alpha" => |letter| letter.is_ascii_alphabetic(),
            b"digit" => |letter| letter.is_ascii_digit(),
            b"alnum" => |letter| letter.is_ascii_alphanumeric(),
            b"upper" => |letter| letter.is_ascii_uppercase(),
            b"lower" => |letter| letter.is_ascii_lowercase(),
            b"space" => is_space,
            b"blank" => |letter| matches!(letter, b' ' | b'\t'),
            b"punct" => |letter| letter.is_ascii_punctuation(),
            b"print" => |letter| letter == b' ' || letter.is_ascii_graphic(),
            b"graph" => |letter| letter.is_ascii_graphic(),
            b"cntrl" => |letter| letter.is_ascii_control(),
            b"xdigit" => |letter| letter.is_ascii_hexdigit(),
            _ => return Err(foreign("such a class")),
        };
        self.is_ascii = true;
        self.at += length + 2;
        (0_u8..128)
            .filter(|letter| is_in(*letter))
            .for_each(|letter| set.add(letter));
        Ok(())
    }
}

fn is_space(letter: u8) -> bool {
    matches!(letter, b' ' | b'\t'..=b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str, flags: &str) -> Option<bool> {
        let flags = Flags {
            ignore_case: flags.contains('i'),
            lines: !flags.contains('l'),
        };
        Pattern::parse(pattern, flags)
            .and_then(|pattern| pattern.found_in(text.as_bytes()))
            .ok()
    }

    #[test]
    fn as_glibc_reads_them() {
        for (pattern, text, flags, is_found) in [
            ("hello", "say hello", "", Some(true)),
            ("HELLO", "say hello", "", Some(false)),
            ("HELLO", "say hello", "i", Some(true)),
            ("a.c", "a\nc", "", Some(false)),
            ("a.c", "a\nc", "l", Some(true)),
            ("^b$", "a\nb\nc", "", Some(true)),
            ("^b$", "a\nb\nc", "l", Some(false)),
            ("[^x]c", "\nc", "", Some(false)),
            ("[^x]c", "\nc", "l", Some(true)),
            ("[]a]+b", "]b", "", Some(true)),
            ("[^]a]b", "]b", "", Some(false)),
            ("[a-c-]x", "-x", "", Some(true)),
            ("[A-C]x", "bx", "i", Some(true)),
            ("[[:digit:]]{3}", "a123", "", Some(true)),
            ("[[:upper:]]x", "ax", "i", Some(true)),
            ("a{2,3}b", "aab", "", Some(true)),
            ("(ab|cd)+$", "xcdab", "", Some(true)),
            ("a**", "b", "", Some(true)),
            ("a+?", "b", "", Some(true)),
            ("a\\.b", "axb", "", Some(false)),
            ("\\d", "5d", "", Some(true)),
            ("\\d", "5", "", Some(false)),
            ("\\w+\\s\\W", "ab  ", "", Some(true)),
            ("[\\.]", "\\", "", Some(true)),
            ("a|b", "xb", "", Some(true)),
            ("x.y", "xäy", "", None),
            ("x.*y", "xäy", "", Some(true)),
            ("x", "äx", "", Some(true)),
            ("[[:alpha:]]", "ä", "", None),
            ("k", "\u{212a}", "i", None),
        ] {
            assert_eq!(found(pattern, text, flags), is_found, "{pattern} {text}");
        }
    }

    #[test]
    fn what_is_not_for_us() {
        for pattern in [
            "",
            "a|",
            "()",
            "(a",
            "a)",
            "*a",
            "^*",
            "a{",
            "a{x}",
            "a{3,2}",
            "a{999}",
            "\\1",
            "\\b",
            "\\<a",
            "[a",
            "[[=a=]]",
            "[[.a.]]",
            "[z-a]",
            "[[:nope:]]",
            "ä",
            "a\\",
            "[a-[.b.]]",
        ] {
            assert_eq!(found(pattern, "a", ""), None, "{pattern}");
        }
        assert_eq!(found(&"(".repeat(5000), "a", ""), None);
        assert_eq!(found("((a{200}){200}){200}", "a", ""), None);
    }
}
