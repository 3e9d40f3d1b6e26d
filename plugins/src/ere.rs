//! Extended regular expressions as POSIX has them: those that mean the same to the C library and to us. What does not is
//! `Foreign`, as is a text in which the two might see different characters.

use crate::Foreign;

/// A longer one is for the real plugin.
const LONGEST: usize = 1000;
/// The most that `{n,m}` may repeat, as POSIX guarantees it.
const MOST_REPEATED: u32 = 255;
/// Of a compiled one, in bytes.
const BIGGEST: usize = 1 << 20;

#[derive(Debug)]
pub(crate) struct Ere(regex::bytes::Regex);

impl Ere {
    /// `fold`: upper and lower case are the same.
    pub fn parse(pattern: &str, fold: bool) -> Result<Self, Foreign> {
        let foreign = |why: &str| Foreign::unhandled(format!("the expression `{pattern}` {why}"));
        if !pattern.is_ascii() || LONGEST < pattern.len() || pattern.contains('\n') {
            return Err(foreign("has unusual characters, or is long"));
        }
        let mut reader = Reader {
            rest: pattern.as_bytes(),
            out: String::from("(?s-u)"),
            fold,
        };
        reader
            .alternatives(0)
            .filter(|()| reader.rest.is_empty())
            .ok_or_else(|| foreign("may mean something else to the real plugin"))?;
        regex::bytes::RegexBuilder::new(&reader.out)
            .case_insensitive(fold)
            .size_limit(BIGGEST)
            .dfa_size_limit(BIGGEST)
            .build()
            .map(Self)
            .map_err(|_| foreign("is not one we can use"))
    }

    pub fn is_match(&self, text: &[u8]) -> Result<bool, Foreign> {
        if text.is_ascii() {
            Ok(self.0.is_match(text))
        } else {
            Err(Foreign::unhandled(
                "an expression meets a text whose characters depend on the locale",
            ))
        }
    }
}

/// None anywhere below: not surely the same to both.
struct Reader<'a> {
    rest: &'a [u8],
    out: String,
    fold: bool,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn literal(&mut self, byte: u8) {
        if !byte.is_ascii_alphanumeric() {
            self.out += &format!("\\x{byte:02x}");
        } else {
            self.out.push(char::from(byte));
        }
    }

    fn alternatives(&mut self, depth: usize) -> Option<()> {
        // Deeper than anybody nests; each level is a call of ours.
        if 50 < depth {
            return None;
        }
        loop {
            self.branch(depth)?;
            if self.peek() != Some(b'|') {
                return Some(());
            }
            self.next();
            self.out.push('|');
        }
    }

    fn branch(&mut self, depth: usize) -> Option<()> {
        let mut empty = true;
        while let Some(byte) = self.peek() {
            if matches!(byte, b'|' | b')') {
                break;
            }
            empty = false;
            self.next();
            let mut is_anchor = false;
            match byte {
                b'^' | b'$' => {
                    is_anchor = true;
                    // The end of the text, and not before a newline at the end.
                    self.out.push_str(if byte == b'^' { r"\A" } else { r"\z" });
                }
                b'.' => self.out.push('.'),
                b'(' => {
                    self.out.push_str("(?:");
                    self.alternatives(depth + 1)?;
                    (self.next()? == b')').then(|| self.out.push(')'))?;
                }
                b'[' => self.bracket()?,
                b'\\' => {
                    let escaped = self.next()?;
                    // `\w`, `\<`, `\1` and the like are the C library's own.
                    if !escaped.is_ascii_punctuation() || b"<>'`".contains(&escaped) {
                        return None;
                    }
                    self.literal(escaped);
                }
                b'*' | b'+' | b'?' | b'{' | b'}' => return None,
                _ => self.literal(byte),
            }
            self.repeat(is_anchor)?;
        }
        (!empty).then_some(())
    }

    fn repeat(&mut self, is_anchor: bool) -> Option<()> {
        let Some(byte @ (b'*' | b'+' | b'?' | b'{')) = self.peek() else {
            return Some(());
        };
        if is_anchor {
            return None;
        }
        self.next();
        if byte == b'{' {
            let low = self.count()?;
            let high = match self.next()? {
                b'}' => Some(low),
                b',' if self.peek() == Some(b'}') => {
                    self.next();
                    None
                }
                b',' => {
                    let high = self.count()?;
                    (self.next()? == b'}' && low <= high).then_some(())?;
                    Some(high)
                }
                _ => return None,
            };
            let high = high.map(|high| high.to_string()).unwrap_or_default();
            self.out += &format!("{{{low},{high}}}");
        } else {
            self.out.push(char::from(byte));
        }
        // A second one is lazy to us and greedy to the other.
        (!matches!(self.peek(), Some(b'*' | b'+' | b'?' | b'{'))).then_some(())
    }

    fn count(&mut self) -> Option<u32> {
        let digits = self
            .rest
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        let number = std::str::from_utf8(number).ok()?.parse().ok()?;
        (number <= MOST_REPEATED).then_some(number)
    }

    fn bracket(&mut self) -> Option<()> {
        self.out.push('[');
        if self.peek() == Some(b'^') {
            self.next();
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let byte = self.next()?;
            match byte {
                b']' if !first => break,
                b'[' if matches!(self.peek(), Some(b':' | b'.' | b'=')) => {
                    let end = self.rest.windows(2).position(|pair| pair == b":]")?;
                    let (class, rest) = self.rest.split_at(end);
                    self.rest = &rest[2..];
                    let class = std::str::from_utf8(class.strip_prefix(b":")?).ok()?;
                    let known = match class {
                        "alnum" | "alpha" | "blank" | "digit" | "punct" | "space" | "xdigit" => {
                            true
                        }
                        "lower" | "upper" => !self.fold,
                        _ => false,
                    };
                    known.then(|| self.out += &format!("[:{class}:]"))?;
                }
                _ => {
                    self.literal(byte);
                    if self.peek() == Some(b'-') && self.rest.get(1) != Some(&b']') {
                        self.next();
                        let last = self.next()?;
                        // Elsewhere, what lies between depends on the locale.
                        let same = |is: fn(&u8) -> bool| is(&byte) && is(&last);
                        let plain = same(u8::is_ascii_digit)
                            || same(u8::is_ascii_lowercase)
                            || same(u8::is_ascii_uppercase);
                        (plain && byte <= last).then_some(())?;
                        self.out.push('-');
                        self.literal(last);
                    }
                }
            }
            first = false;
        }
        self.out.push(']');
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_the_same_to_both() {
        for (pattern, fold, yes, no) in [
            ("a.c", false, "xabcx", "ac"),
            ("^/mnt", false, "/mnt/a", "a/mnt"),
            ("/data[0-9]+$", false, "/data12", "/data1/"),
            ("(a|bc)d", false, "bcd", "bd"),
            ("a{2,3}b", false, "aab", "ab"),
            ("a{2}", false, "aa", "a"),
            ("a{2,}b", false, "aaaaab", "ab"),
            (r"a\.c", false, "a.c", "abc"),
            (r"a\/c", false, "a/c", "abc"),
            ("[]x]y", false, "]y", "ay"),
            ("[^]x]y", false, "ay", "xy"),
            ("[a-]y", false, "-y", "by"),
            (r"[\n]y", false, r"\y", "\ny"),
            ("[[:digit:][:space:]]y", false, "1y", "ay"),
            ("MNT", true, "/mnt", "/m"),
            ("#-&~ x", false, "#-&~ x", "x"),
            ("a]", false, "a]", "a"),
        ] {
            let ere = Ere::parse(pattern, fold).expect(pattern);
            assert_eq!(ere.is_match(yes.as_bytes()), Ok(true), "{pattern} {yes}");
            assert_eq!(ere.is_match(no.as_bytes()), Ok(false), "{pattern} {no}");
        }
    }

    #[test]
    fn what_may_not_is_not_for_us() {
        let deep = "(".repeat(60);
        let long = "a".repeat(2000);
        for pattern in [
            "",
            "*a",
            "a|",
            "|a",
            "()",
            "a**",
            "a*?",
            "a+?",
            "(a",
            "a)",
            "[a",
            "[",
            "a{",
            "a{x}",
            "a{3,2}",
            "a{999}",
            "{",
            "}",
            r"\w",
            r"\<a",
            r"\1",
            r"\",
            "^*",
            "[a-Z]",
            "[[.a.]]",
            "[[=a=]]",
            "[[:foo:]]",
            "é",
            "[z-a]",
            "(?i)a",
            &deep,
            &long,
        ] {
            assert!(Ere::parse(pattern, false).is_err(), "{pattern}");
        }
        assert!(Ere::parse("[[:upper:]]", true).is_err());
        let ere = Ere::parse("a", false).expect("a plain one");
        assert!(ere.is_match("é".as_bytes()).is_err());
    }
}
