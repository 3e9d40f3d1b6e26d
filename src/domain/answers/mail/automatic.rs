//! Mails that no person wrote: out-of-office replies, receipts, bounces, mailing lists. None of them may answer a page,
//! whatever it says.

use super::mime::Head;

/// Fields that only programs write (RFC 3834 and what came before it).
const FIELDS: [&str; 11] = [
    "x-autoreply",
    "x-auto-reply",
    "x-autorespond",
    "x-autoresponder",
    "x-autoreply-from",
    "x-mail-autoreply",
    "x-vacation",
    "x-ms-exchange-generated-message-source",
    "x-failed-recipients",
    "list-id",
    "list-unsubscribe",
];
const PRECEDENCES: [&str; 5] = ["bulk", "junk", "list", "auto_reply", "auto-reply"];
/// Beginnings of subjects that mail programs give to what they write by themselves; a reply's begins with that of the page.
const SUBJECTS: [&str; 24] = [
    "automatic reply",
    "auto reply",
    "auto-reply",
    "autoreply",
    "auto:",
    "out of office",
    "out of the office",
    "automatische antwort",
    "abwesenheit",
    "abwesend",
    "réponse automatique",
    "absence du bureau",
    "respuesta automática",
    "fuera de la oficina",
    "risposta automatica",
    "fuori sede",
    "resposta automática",
    "automatisch antwoord",
    "afwezig",
    "autosvar",
    "read:",
    "gelesen:",
    "delivered:",
    "undeliverable",
];

/// How it shows that a program wrote this, in a sentence; None: a person may have.
pub fn reason(head: &Head, envelope: Option<&str>) -> Option<String> {
    if let Some(value) = head
        .all("auto-submitted")
        .find(|value| !first_word(value).eq_ignore_ascii_case("no"))
    {
        return Some(format!("it says Auto-Submitted: {value}"));
    }
    let precedence = head.all("precedence").map(first_word);
    if let Some(value) = precedence
        .into_iter()
        .flat_map(|value| PRECEDENCES.iter().find(|it| it.eq_ignore_ascii_case(value)))
        .next()
    {
        return Some(format!("it says Precedence: {value}"));
    }
    if let Some(name) = FIELDS.iter().find(|name| head.says(name)) {
        return Some(format!("it has the field {name}"));
    }
    // `All` and `AutoReply` mark what a program sent; a person's mail may ask for no receipts (DR, RN).
    let suppresses = |value: &str| {
        let mut words = value.split(',').map(str::trim);
        words.any(|it| it.eq_ignore_ascii_case("all") || it.eq_ignore_ascii_case("autoreply"))
    };
    if head.all("x-auto-response-suppress").any(suppresses) {
        return Some("it has the field x-auto-response-suppress".to_owned());
    }
    if head.all("return-path").chain(envelope).any(is_nobody) {
        return Some("it has no sender to return it to, so it is a bounce or a receipt".to_owned());
    }
    if head.all("from").any(is_mailer) {
        return Some("a mail server wrote it".to_owned());
    }
    let (kind, below) = head.kind();
    if kind == "message" || (kind == "multipart" && below == "report") {
        return Some(format!("it is a report ({kind}/{below})"));
    }
    if kind == "text" && below == "calendar" {
        return Some("it answers an invitation".to_owned());
    }
    let subject = head.subject.to_lowercase();
    SUBJECTS
        .iter()
        .find(|begin| subject.starts_with(**begin))
        .map(|begin| format!("its subject begins with `{begin}`"))
}

fn first_word(value: &str) -> &str {
    value
        .split([';', ' ', '('])
        .find(|word| !word.is_empty())
        .unwrap_or_default()
}

/// `<>`, or the mail system.
fn is_nobody(address: &str) -> bool {
    let address = address.trim().trim_matches(['<', '>']).trim();
    address.is_empty() || is_mailer(address)
}

fn is_mailer(from: &str) -> bool {
    let from = from.to_ascii_lowercase();
    let address = from.rsplit('<').next().unwrap_or_default();
    address.trim().starts_with("mailer-daemon")
}

#[cfg(test)]
mod tests {
    use super::{super::mime::Message, *};

    fn reason_of(fields: &str) -> Option<String> {
        let raw = format!("From: Ann <ann@shop.example>\r\n{fields}\r\n\r\nack\r\n");
        reason(&Message::read(raw.as_bytes()).head, None)
    }

    #[test]
    fn what_a_program_wrote_shows() {
        for fields in [
            "Auto-Submitted: auto-replied",
            "auto-submitted: AUTO-GENERATED; owner-email=\"x\"",
            "Auto-Submitted: no\r\nAuto-Submitted: auto-notified",
            "Precedence: bulk",
            "Precedence: Junk",
            "Precedence:\r\n list",
            "X-Autoreply: yes",
            "X-Autorespond: out",
            "X-Auto-Response-Suppress: DR, OOF, AutoReply",
            "X-Auto-Response-Suppress: All",
            "X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent",
            "X-Failed-Recipients: bob@shop.example",
            "List-Id: <ops.shop.example>",
            "Return-Path: <>",
            "Return-Path: <MAILER-DAEMON>",
            "From: Mail Delivery System <MAILER-DAEMON@mx.shop.example>",
            "Content-Type: multipart/report; report-type=delivery-status; boundary=x",
            "Content-Type: MULTIPART/Report; report-type=disposition-notification; boundary=x",
            "Content-Type: message/disposition-notification",
            "Content-Type: text/calendar; method=REPLY",
            "Subject: Automatic reply: CRITICAL web1/http",
            "Subject: =?utf-8?Q?R=C3=A9ponse_automatique_:_CRITICAL?=",
            "Subject: Abwesenheitsnotiz: CRITICAL web1/http",
            "Subject: Read: CRITICAL web1/http",
        ] {
            assert!(reason_of(fields).is_some(), "{fields}");
        }
        let head = Message::read(b"Subject: x\r\n\r\nack\r\n").head;
        assert!(reason(&head, Some("")).is_some());
        assert_eq!(reason(&head, Some("ann@shop.example")), None);
    }

    #[test]
    fn what_a_person_wrote_does_not() {
        for fields in [
            "Subject: Re: CRITICAL web1/http",
            "Subject: AW: Out of office is what this check is called",
            "Auto-Submitted: no",
            "Precedence: normal",
            "X-Auto-Response-Suppress: DR, RN",
            "Return-Path: <ann@shop.example>",
            "X-Autoreply:",
        ] {
            assert_eq!(reason_of(fields), None, "{fields}");
        }
    }
}
