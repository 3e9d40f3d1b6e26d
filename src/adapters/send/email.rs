//! E-mail: the message as bytes. A problem, its reminders, amendments and recovery share one thread. Where a reply is taken,
//! what proves it stands in the identifiers that mail programs give back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lettre::{
    Message as Mail,
    message::{
        Mailbox, Mailboxes, MultiPart, SinglePart,
        header::{self, HeaderName, HeaderValue},
    },
};
use sha2::{Digest, Sha256};

use super::{
    offers::{MailOffer, Reply},
    settings::ContactInfo,
    templates,
    templates::Templates,
    webhook::hex,
    words,
};
use crate::{
    base::text::cut,
    domain::{
        answers::mail::Letter,
        model::message::{Delivery, Message, Urgency},
    },
};

/// Longest subject after rendering, in bytes.
const MAX_SUBJECT: usize = 400;

/// What a mail says, rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailText {
    pub subject: String,
    pub text: String,
    pub html: String,
    /// Templates of the site that failed on this message; the built-in ones took their place.
    pub faults: Vec<String>,
}

/// Renders subject and both bodies.
pub fn render(
    templates: &Templates,
    message: &Message,
    contact: &ContactInfo,
    public_url: Option<&str>,
    offer: &MailOffer,
) -> MailText {
    let context = templates::context(message, contact, public_url, offer);
    let mut faults = Vec::new();
    let mut part = |name| {
        let (text, fault) = templates.render(name, &context);
        faults.extend(fault);
        text
    };
    let subject = part("subject.txt");
    let (text, html) = (part("email.txt"), part("email.html"));
    MailText {
        subject: cut(&words::line(&subject), MAX_SUBJECT).to_owned(),
        text,
        html,
        faults,
    }
}

/// The mail, or a sentence on why this contact cannot get one.
pub fn encode(
    delivery: &Delivery,
    to: &str,
    from: &Mailbox,
    said: &MailText,
    reply: Option<&Reply>,
) -> Result<Mail, String> {
    let message = &delivery.message;
    let to = to.parse::<Mailboxes>().map_err(|error| {
        format!(
            "`{}`, the address of contact {}, is not an e-mail address ({error}); correct it in the configuration",
            words::line(to),
            words::line(&delivery.contact)
        )
    })?;
    let domain = from.email.domain();
    let thread = format!("<thread.{}@{domain}>", digest(&message.dedup_key));
    let own = digest(&delivery.key);
    let (id, references) = match reply {
        // A relay may give the mail another identifier; what it refers to stays, and is given back as well.
        Some(Reply { token, .. }) => (
            format!("<{own}.{token}@{domain}>"),
            format!("{thread} <answer.{token}@{domain}>"),
        ),
        None => (format!("<{own}@{domain}>"), thread.clone()),
    };
    let mut mail = Mail::builder()
        .from(from.clone())
        .mailbox(header::To::from(to))
        .date(UNIX_EPOCH + Duration::from_millis(u64::try_from(message.at.millis()).unwrap_or(0)))
        .message_id(Some(id))
        .in_reply_to(thread)
        .references(references)
        .subject(said.subject.clone())
        .raw_header(raw("Auto-Submitted", "auto-generated"))
        .raw_header(raw("X-Deploywatch-Key", &delivery.key))
        .raw_header(raw(
            "Importance",
            if message.urgency == Urgency::High {
                "high"
            } else {
                "normal"
            },
        ));
    if let Some(reply) = reply {
        // Exchange asks here whether to send out-of-office replies.
        mail = mail.raw_header(raw("X-Auto-Response-Suppress", "OOF, AutoReply"));
        // It was looked at with the configuration; no page is lost over it.
        if let Ok(address) = reply.address.parse::<Mailbox>() {
            mail = mail.reply_to(address);
        }
    }
    let parts = MultiPart::alternative()
        // Not random: the same delivery is the same bytes, however often it is tried.
        .boundary(format!("part-{own}"))
        .singlepart(SinglePart::plain(said.text.clone()))
        .singlepart(SinglePart::html(said.html.clone()));
    mail.multipart(parts)
        .map_err(|error| format!("the mail cannot be put together: {error}"))
}

/// A letter to who wrote a reply that was refused.
pub fn letter(
    letter: &Letter,
    from: &Mailbox,
    reply_to: Option<&str>,
    at: SystemTime,
) -> Result<Mail, String> {
    let address = words::line(&letter.to);
    let to = letter
        .to
        .parse::<Mailboxes>()
        .map_err(|error| format!("`{address}` is not an e-mail address: {error}"))?;
    let domain = from.email.domain();
    let about = format!("<{}>", words::line(&letter.about));
    let mut mail = Mail::builder()
        .from(from.clone())
        .mailbox(header::To::from(to))
        .date(at)
        .message_id(Some(format!("<{}@{domain}>", letter.id)))
        .in_reply_to(about.clone())
        .references(format!("{about} <{}.r@{domain}>", letter.id))
        .subject(cut(&words::line(&letter.subject), MAX_SUBJECT))
        // No program answers it (RFC 3834).
        .raw_header(raw("Auto-Submitted", "auto-replied"))
        .raw_header(raw("X-Auto-Response-Suppress", "All"));
    if let Some(address) = reply_to.and_then(|it| it.parse::<Mailbox>().ok()) {
        mail = mail.reply_to(address);
    }
    mail.singlepart(SinglePart::plain(words::block(&letter.text)))
        .map_err(|error| format!("the mail cannot be put together: {error}"))
}

/// 32 hexadecimal digits that stand for `text`: keys may hold characters that an identifier may not.
fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())[..16])
}

fn raw(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), words::line(value))
}
