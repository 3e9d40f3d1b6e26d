//! E-mail: the message as bytes. A problem, its reminders, amendments and recovery share one thread.

use std::time::{Duration, UNIX_EPOCH};

use lettre::{
    Message as Mail,
    message::{
        Mailbox, Mailboxes, MultiPart, SinglePart,
        header::{self, HeaderName, HeaderValue},
    },
};
use sha2::{Digest, Sha256};

use super::{
    offers::Offered, settings::ContactInfo, templates, templates::Templates, webhook::hex, words,
};
use crate::{
    base::text::cut,
    domain::model::message::{Delivery, Message, Urgency},
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
    offered: &[Offered],
) -> MailText {
    let context = templates::context(message, contact, public_url, offered);
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
    let mail = Mail::builder()
        .from(from.clone())
        .mailbox(header::To::from(to))
        .date(UNIX_EPOCH + Duration::from_millis(u64::try_from(message.at.millis()).unwrap_or(0)))
        .message_id(Some(format!("<{}@{domain}>", digest(&delivery.key))))
        .in_reply_to(thread.clone())
        .references(thread)
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
    let parts = MultiPart::alternative()
        // Not random: the same delivery is the same bytes, however often it is tried.
        .boundary(format!("part-{}", digest(&delivery.key)))
        .singlepart(SinglePart::plain(said.text.clone()))
        .singlepart(SinglePart::html(said.html.clone()));
    mail.multipart(parts)
        .map_err(|error| format!("the mail cannot be put together: {error}"))
}

/// 32 hexadecimal digits that stand for `text`: keys may hold characters that an identifier may not.
fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())[..16])
}

fn raw(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), words::line(value))
}
