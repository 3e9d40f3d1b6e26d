//! Replies to mails. A reply is proved by what only a recipient of the page's mail can know, a token in the identifiers that
//! every mail program gives back or in the address that it goes to; who it says it is from proves nothing.

mod automatic;
mod commands;
mod html;
mod mime;
mod own_words;
#[cfg(test)]
mod tests;
mod token;

use std::collections::BTreeMap;

pub use commands::offered;
use mime::{Head, Message};
pub use token::{LENGTH, LOCAL_MAX, Token, reference};

use crate::{
    base::{
        secret::Secret,
        text::{cut, one_line},
        time::Timestamp,
    },
    domain::{
        feeds,
        model::answer::{About, Answer, Say},
    },
};

/// Which way an answer came.
pub const THROUGH: &str = "a reply to a mail";
/// Letters on one reply and the replies to them: whoever answers these as well is a program.
pub const LETTERS_MAX: u32 = 3;
/// Begins the identifier of the first, second, ... letter.
const LETTER: &str = "letter";
/// Lines of a reply that a letter quotes.
const QUOTED_MAX: usize = 10;
/// Fields with the address that a mail came to, as mail servers and programs name them.
const TO: [&str; 7] = [
    "to",
    "cc",
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "x-forwarded-to",
];

/// The contacts that may answer by mail, by their [`reference`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writers(pub BTreeMap<String, Writer>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    pub name: String,
    /// Where it gets mail; None: nowhere.
    pub address: Option<String>,
}

/// What came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mail {
    /// No person wrote it; how that shows, in a sentence.
    Automatic(String),
    /// It answers no mail of ours; why, in a sentence.
    Unproved(String),
    Reply(Box<Reply>),
}

/// A reply by somebody who has a mail of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub token: Token,
    /// What its author's mail program calls it, without angle brackets; else its digest.
    pub id: String,
    pub subject: String,
    /// What the page is answered with. The error says why nothing is done.
    pub says: Result<Vec<Say>, String>,
    /// What its author wrote, to quote it.
    pub words: Vec<String>,
    /// Letters of ours that it goes back to.
    pub letters: u32,
}

/// What is written back to the author of a reply that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub to: String,
    pub contact: String,
    pub subject: String,
    pub text: String,
    /// The reply's own identifier.
    pub about: String,
    /// How it is called itself, without the domain.
    pub id: String,
}

/// Reads a message. `envelope`: its sender, where the mail server told it.
pub fn read(raw: &[u8], envelope: Option<&str>, secret: &Secret, now: Timestamp) -> Mail {
    let message = Message::read(without_mbox_line(raw));
    let head = &message.head;
    if let Some(why) = automatic::reason(head, envelope) {
        return Mail::Automatic(format!("no person wrote it: {why}"));
    }
    let ids = || {
        let answered = head.all("in-reply-to");
        let before = head.all("references").rev();
        (answered, before)
    };
    let addresses = TO.iter().flat_map(|name| head.all(name));
    let (answered, before) = ids();
    // The mail that is answered, before those that it answers in turn: their time may be over.
    let before = before.flat_map(|field| field.rsplit(' '));
    let Some(token) = Token::find(answered.chain(addresses).chain(before), secret) else {
        return Mail::Unproved(
            "it is no reply to a page: neither In-Reply-To, References nor its address has our signature"
                .to_owned(),
        );
    };
    let words = own_words::own(&message.text());
    let says = if token.until <= now {
        Err(format!(
            "this mail could be answered until {}; answer a newer one, or say it on the command line: deploywatch ack, snooze, \
             blame or tag",
            token.until
        ))
    } else {
        commands::read(&words)
    };
    let (answered, before) = ids();
    Mail::Reply(Box::new(Reply {
        letters: answered.chain(before).map(letters).max().unwrap_or(0),
        id: id(head, raw),
        subject: one_line(cut(&head.subject, 300)),
        token,
        says,
        words: words.into_iter().filter(|line| !line.is_empty()).collect(),
    }))
}

/// Mail servers put a line `From ADDRESS DATE` in front of what they hand to a program.
fn without_mbox_line(raw: &[u8]) -> &[u8] {
    match raw.iter().position(|byte| *byte == b'\n') {
        Some(end) if raw.starts_with(b"From ") => &raw[end + 1..],
        _ => raw,
    }
}

fn id(head: &Head, raw: &[u8]) -> String {
    let said = head.first("message-id").unwrap_or_default();
    let said = one_line(cut(said.trim().trim_matches(['<', '>']), 250));
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'<' && byte != b'>';
    if said.is_empty() || !said.bytes().all(is_plain) {
        return feeds::digest(raw);
    }
    said
}

/// Which letter of ours a field names: the highest.
fn letters(field: &str) -> u32 {
    field
        .split(['<', ' '])
        .filter_map(|id| id.strip_prefix(LETTER)?.split('.').next()?.parse().ok())
        .max()
        .unwrap_or(0)
}

impl Reply {
    /// What it answers; nothing where nothing was understood.
    pub fn answer(&self, author: &str) -> Option<Answer> {
        let says = self.says.as_ref().ok()?;
        let say = match &says[..] {
            [say] => say.clone(),
            several => Say::Several(several.to_vec()),
        };
        Some(Answer {
            about: About::Digest(self.token.page.clone()),
            say,
            author: author.to_owned(),
            through: THROUGH.to_owned(),
        })
    }

    /// The letter that says why nothing was done. None: enough were written, or there is nowhere to write to.
    pub fn letter(&self, writer: &Writer, why: &str, secret: &Secret) -> Option<Letter> {
        let to = writer.address.clone()?;
        let number = self.letters + 1;
        if LETTERS_MAX < number {
            return None;
        }
        let quoted: String = self
            .words
            .iter()
            .take(QUOTED_MAX)
            .map(|line| format!("> {}\n", one_line(cut(line, 200))))
            .collect();
        let stop = if why.ends_with(['.', '?']) { "" } else { "." };
        let text = format!(
            "Nothing was done: {why}{stop}\n\nReply with one command a line, above everything else:\n{}\n\nYou wrote:\n{}",
            offered(None),
            if quoted.is_empty() { "> \n" } else { &quoted },
        );
        Some(Letter {
            to,
            contact: writer.name.clone(),
            subject: format!("Not done: {}", self.subject),
            text,
            about: self.id.clone(),
            id: format!(
                "{LETTER}{number}.{}.{}",
                &feeds::digest(self.id.as_bytes())[..16],
                self.token.sign(secret)
            ),
        })
    }
}
