//! DNS messages as they go over the wire. Every length is checked, and a name's pointers only lead backwards, so that
//! no bytes can hold us up.

/// What nslookup shows of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// In the form in which it is written.
    Address(String),
    Canonical(Name),
    Pointer(Name),
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub owner: Name,
    pub data: Data,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub id: u16,
    pub response: bool,
    pub opcode: u8,
    pub authoritative: bool,
    pub truncated: bool,
    pub code: u8,
    /// More than one is malformed, none is not.
    pub question: Option<(Name, u16)>,
    pub answers: Vec<Record>,
}

pub const A: u16 = 1;
pub const CNAME: u16 = 5;
pub const PTR: u16 = 12;
pub const AAAA: u16 = 28;
const OPT: u16 = 41;
const IN: u16 = 1;

pub const HEADER: usize = 12;
/// All labels with their lengths, and the root's.
const LONGEST_NAME: usize = 255;

/// Labels, the root's left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(Vec<Box<[u8]>>);

impl Name {
    /// From letters, digits, `-` and `_` between dots; None: it is not such a name.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix('.').unwrap_or(text);
        let labels: Vec<Box<[u8]>> = text
            .split('.')
            .map(|label| label.as_bytes().into())
            .collect();
        let name = Self(labels);
        let whole = name.0.iter().all(|label| (1..=63).contains(&label.len()));
        (whole && name.is_plain() && name.size() <= LONGEST_NAME).then_some(name)
    }

    /// Whether it is written without escapes.
    pub fn is_plain(&self) -> bool {
        self.0.iter().all(|label| {
            label
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        })
    }

    pub fn is(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self
                .0
                .iter()
                .zip(&other.0)
                .all(|(a, b)| a.eq_ignore_ascii_case(b))
    }

    /// Without its last dot. Only for a plain one.
    pub fn text(&self) -> String {
        let labels: Vec<_> = self
            .0
            .iter()
            .map(|label| String::from_utf8_lossy(label))
            .collect();
        labels.join(".")
    }

    fn size(&self) -> usize {
        self.0.iter().map(|label| label.len() + 1).sum::<usize>() + 1
    }
}

/// A question, with recursion desired.
pub fn question(id: u16, name: &Name, kind: u16) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + name.size() + 4);
    for part in [id, 0x0100, 1, 0, 0, 0] {
        bytes.extend_from_slice(&part.to_be_bytes());
    }
    for label in &name.0 {
        bytes.push(u8::try_from(label.len()).unwrap_or_default());
        bytes.extend_from_slice(label);
    }
    bytes.push(0);
    bytes.extend_from_slice(&kind.to_be_bytes());
    bytes.extend_from_slice(&IN.to_be_bytes());
    bytes
}

/// None: malformed, or of a form that we do not know.
pub fn parse(bytes: &[u8]) -> Option<Message> {
    let mut reader = Reader { bytes, at: 0 };
    let id = reader.number()?;
    let flags = reader.number()?;
    let questions = reader.number()?;
    let answer_count = reader.number()?;
    let rest = usize::from(reader.number()?) + usize::from(reader.number()?);
    let question = match questions {
        0 => None,
        1 => {
            let name = reader.name()?;
            let kind = reader.number()?;
            if reader.number()? != IN {
                return None;
            }
            Some((name, kind))
        }
        _ => return None,
    };
    let mut answers = Vec::new();
    for _ in 0..answer_count {
        answers.push(reader.record()?);
    }
    for _ in 0..rest {
        reader.passed_over()?;
    }
    let [high, low] = flags.to_be_bytes();
    Some(Message {
        id,
        response: high & 0x80 != 0,
        opcode: high >> 3 & 0xf,
        authoritative: high & 4 != 0,
        truncated: high & 2 != 0,
        code: low & 0xf,
        question,
        answers,
    })
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(taken)
    }

    fn number(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn name(&mut self) -> Option<Name> {
        let mut labels: Vec<Box<[u8]>> = Vec::new();
        let mut size = 1;
        let mut at = self.at;
        // A pointer must lead to before everything of the name so far.
        let mut before = self.at;
        let mut jumped = false;
        loop {
            let length = *self.bytes.get(at)?;
            match length {
                0 => {
                    if !jumped {
                        self.at = at + 1;
                    }
                    return Some(Name(labels));
                }
                1..=63 => {
                    let end = at + 1 + usize::from(length);
                    let label = self.bytes.get(at + 1..end)?;
                    size += label.len() + 1;
                    if LONGEST_NAME < size {
                        return None;
                    }
                    labels.push(label.into());
                    at = end;
                }
                0xc0..=0xff => {
                    let low = *self.bytes.get(at + 1)?;
                    if !jumped {
                        self.at = at + 2;
                        jumped = true;
                    }
                    let target = usize::from(u16::from_be_bytes([length & 0x3f, low]));
                    if before <= target || target < HEADER {
                        return None;
                    }
                    before = target;
                    at = target;
                }
                _ => return None,
            }
        }
    }

    fn record(&mut self) -> Option<Record> {
        let owner = self.name()?;
        let kind = self.number()?;
        let class = self.number()?;
        self.take(4)?;
        let length = usize::from(self.number()?);
        let end = self.at.checked_add(length)?;
        if class != IN {
            return None;
        }
        let data = match kind {
            A => {
                let octets: [u8; 4] = self.take(length)?.try_into().ok()?;
                Data::Address(std::net::Ipv4Addr::from(octets).to_string())
            }
            AAAA => {
                let octets: [u8; 16] = self.take(length)?.try_into().ok()?;
                let address = std::net::Ipv6Addr::from(octets);
                // In this corner there are two ways to write one.
                if octets.starts_with(&[0; 12]) && 1 < address.to_bits() {
                    return None;
                }
                Data::Address(address.to_string())
            }
            CNAME => Data::Canonical(self.name()?),
            PTR => Data::Pointer(self.name()?),
            _ => {
                self.take(length)?;
                Data::Other
            }
        };
        (self.at == end).then_some(Record { owner, data })
    }

    /// A record that says nothing to us. An extended code would say something.
    fn passed_over(&mut self) -> Option<()> {
        self.name()?;
        let kind = self.number()?;
        self.number()?;
        let extended = self.take(4)?[0];
        let length = usize::from(self.number()?);
        self.take(length)?;
        (kind != OPT || extended == 0).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).expect(text)
    }

    /// An answer to `question(7, "alias.test", A)`: a canonical name, and its address, with pointers.
    fn answer() -> Vec<u8> {
        let mut bytes = question(7, &name("alias.test"), A);
        bytes[2..4].copy_from_slice(&[0x85, 0x80]);
        bytes[7] = 2;
        bytes.extend_from_slice(&[0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 6]);
        let target = u8::try_from(bytes.len()).expect("short");
        bytes.extend_from_slice(&[3, b'o', b'n', b'e', 0xc0, 18]);
        bytes.extend_from_slice(&[0xc0, target, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]);
        bytes
    }

    #[test]
    fn an_answer_is_read() {
        let message = parse(&answer()).expect("well-formed");
        assert_eq!(message.id, 7);
        assert!(message.response && message.authoritative && !message.truncated);
        assert_eq!(message.question, Some((name("alias.test"), A)));
        assert_eq!(
            message.answers,
            [
                Record {
                    owner: name("alias.test"),
                    data: Data::Canonical(name("one.test")),
                },
                Record {
                    owner: name("one.test"),
                    data: Data::Address("192.0.2.1".to_owned()),
                },
            ]
        );
    }

    #[test]
    fn cut_or_looping_it_is_malformed() {
        let whole = answer();
        for end in 0..whole.len() {
            assert_eq!(parse(&whole[..end]), None, "{end}");
        }
        // A pointer to itself, one forwards, one into the header.
        for target in [30, 31, 200, 3] {
            let mut bytes = answer();
            let at = 28;
            assert_eq!(bytes[at], 0xc0);
            bytes[at + 1] = target;
            assert_eq!(parse(&bytes), None, "{target}");
        }
    }

    #[test]
    fn names() {
        for wrong in [
            "",
            ".",
            "a..b",
            "a b",
            "ä",
            &"a".repeat(64),
            &"a.".repeat(128),
        ] {
            assert_eq!(Name::parse(wrong), None, "{wrong}");
        }
        assert!(name("One.test").is(&name("oNE.TEST.")));
        assert!(!name("one.test").is(&name("one")));
        assert_eq!(name("a_b.c-d.").text(), "a_b.c-d");
    }

    #[test]
    fn no_bytes_make_it_panic() {
        // Not random enough for anything else.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let whole = answer();
        for round in 0..200_000 {
            let mut bytes = whole.clone();
            if round % 4 == 0 {
                bytes = (0..next() % 80).map(|_| next().to_le_bytes()[0]).collect();
            } else {
                for _ in 0..=next() % 4 {
                    let length = bytes.len() as u64;
                    let at = usize::try_from(next() % length).expect("small");
                    bytes[at] = next().to_le_bytes()[0];
                }
            }
            if let Some(message) = parse(&bytes) {
                assert!(message.answers.len() <= bytes.len());
            }
        }
    }
}
