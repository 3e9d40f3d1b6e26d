//! Messages and stand-ins for this module's tests.

use std::sync::Arc;

use super::{deliver::Leased, settings::ContactInfo};
use crate::{
    base::time::Timestamp,
    domain::model::{
        deploy::{Attribution, Strength, Suspect, Verdict},
        message::{Delivery, Kind, Message, Urgency},
    },
};

/// TLS needs its provider before anything else.
pub fn provider() {
    // An error only says that another test was faster.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

pub fn problem() -> Message {
    Message {
        kind: Kind::Problem,
        urgency: Urgency::High,
        reason: "hard CRITICAL after 3 of 3 attempts".to_owned(),
        dedup_key: "web1/http#7".to_owned(),
        at: Timestamp::parse("2026-03-02T10:06:30Z").expect("RFC 3339"),
        host: "web1".to_owned(),
        address: "192.0.2.1".to_owned(),
        check: Some("http".to_owned()),
        state: "CRITICAL".to_owned(),
        state_type: "HARD".to_owned(),
        attempt: 3,
        max_attempts: 3,
        output: "HTTP CRITICAL - 502 Bad Gateway".to_owned(),
        long_output:
            "upstream shop-3 refused the connection\nupstream shop-4 refused the connection"
                .to_owned(),
        perfdata: "time=3s;1;2".to_owned(),
        since: Timestamp::parse("2026-03-02T10:06:00Z"),
        number: 1,
        escalated: false,
        deploy: Attribution::default(),
        author: None,
        comment: None,
        notes: None,
        notes_url: Some("https://wiki.example.org/http".to_owned()),
        lines: Vec::new(),
        macros: std::collections::BTreeMap::new(),
    }
}

pub fn suspect(number: u32, strength: Strength) -> Suspect {
    Suspect {
        id: format!("D-{number}"),
        app: "shop".to_owned(),
        environment: "production".to_owned(),
        version: Some(format!("1.4.{}", number % 10)),
        actors: vec!["ann".to_owned()],
        url: Some(format!("https://ci.example.org/{number}")),
        strength,
        relation: "exact".to_owned(),
        evidence: vec![
            "the first bad result came 40s after web1 was deployed".to_owned(),
            "web1 was fine in the 60 results before".to_owned(),
        ],
    }
}

pub fn with_suspects(count: u32) -> Message {
    let strengths = [Strength::Likely, Strength::Possible, Strength::Weak];
    let suspects = (0..count)
        .map(|at| suspect(417 + at, strengths[at as usize % 3]))
        .collect();
    let verdict = if count == 1 {
        Verdict::Suspect
    } else {
        Verdict::Suspects
    };
    Message {
        deploy: Attribution {
            verdict,
            suspects,
            ruled_out: Vec::new(),
        },
        ..problem()
    }
}

pub fn recovery() -> Message {
    Message {
        kind: Kind::Recovery,
        reason: "OK again".to_owned(),
        state: "OK".to_owned(),
        attempt: 1,
        output: "HTTP OK".to_owned(),
        long_output: String::new(),
        at: Timestamp::parse("2026-03-02T10:09:00Z").expect("RFC 3339"),
        ..with_suspects(1)
    }
}

pub fn amendment() -> Message {
    Message {
        kind: Kind::Amendment,
        reason: "deploy D-417 was told only now; it began before this problem".to_owned(),
        ..with_suspects(1)
    }
}

/// As the engine makes it: about a deploy, on no object.
pub fn digest() -> Message {
    let mut message = with_suspects(1);
    message.deploy.verdict = Verdict::None;
    message.deploy.suspects[0].evidence.clear();
    Message {
        kind: Kind::Digest,
        urgency: Urgency::Low,
        reason: "deploy D-417 is over: 2 problems were held".to_owned(),
        dedup_key: "deploy/D-417".to_owned(),
        host: "web1".to_owned(),
        address: String::new(),
        check: None,
        state: "UP".to_owned(),
        attempt: 1,
        max_attempts: 1,
        output: "deploy D-417 is over: 2 problems were held".to_owned(),
        long_output: String::new(),
        perfdata: String::new(),
        since: None,
        number: 0,
        notes_url: None,
        lines: vec![
            "web1/http CRITICAL for 25s, recovered by itself".to_owned(),
            "web2/http CRITICAL for 31s, recovered by itself".to_owned(),
        ],
        ..message
    }
}

/// Output and deploy fields as an attacker would write them.
pub fn hostile() -> Message {
    let mut message = with_suspects(1);
    message.output = "x\r\nBcc: evil@example.org\r\n\r\n<script>alert(1)</script> <!channel> \u{202e}gpj.\x1b[31m\0".to_owned();
    message.long_output = "<!here> </pre><b>\x07\r\n.\r\nQUIT".to_owned();
    message.host = "web1\r\nX-Evil: 1".to_owned();
    let suspect = &mut message.deploy.suspects[0];
    suspect.id = "D\r\n<@U1>".to_owned();
    suspect.url = Some("javascript:alert(1)".to_owned());
    suspect.actors = vec!["<b>ann\r\nCc: x@y</b>".to_owned()];
    message
}

pub fn delivery(contact: &str, channel: &str, message: Message) -> Delivery {
    Delivery {
        key: format!("{}:{contact}:{channel}", message.dedup_key),
        contact: contact.to_owned(),
        channel: channel.to_owned(),
        created_at: message.at,
        message: Arc::new(message),
    }
}

pub fn leased(row_id: i64, contact: &str, channel: &str, message: Message) -> Leased {
    Leased {
        row_id,
        attempts: 0,
        told_late: false,
        delivery: delivery(contact, channel, message),
    }
}

pub fn contact() -> ContactInfo {
    ContactInfo {
        name: "oncall".to_owned(),
        alias: "On call".to_owned(),
        email: "oncall@example.org".to_owned(),
        ..ContactInfo::default()
    }
}
