//! Answers that come back from where a page went: links in mails, replies to them, PagerDuty, Slack and Telegram. Each is
//! proved, read, and becomes an [`Answer`]; nothing here looks at what is configured or known.

pub mod link;
pub mod mail;
pub mod pagerduty;
mod proof;
pub mod slack;
pub mod telegram;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use proof::Forged;

use crate::{
    base::{
        secret::Secret,
        text::{cut, one_line},
        time::Timestamp,
    },
    domain::model::{
        answer::Answer,
        deploy::Verdict,
        message::{Kind, Message},
    },
};

/// Longest body that is read. PagerDuty and Slack send a few kilobytes.
pub const BODY_MAX: usize = 256 * 1024;
/// Longest name of a person that is kept, in bytes.
const NAME_MAX: usize = 100;
/// What a button puts a problem off for.
pub const SNOOZE: Duration = Duration::from_secs(30 * 60);
/// Deploys that are offered to be cleared.
const DEPLOYS_MAX: usize = 3;

/// The ways on which answers are taken, each with its secret; None: that way is shut.
#[derive(Clone, Debug, Default)]
pub struct Ways {
    /// Signs links in mails, replies to them and buttons in Telegram.
    pub own: Option<Secret>,
    /// Who may reply to mails; None: nobody.
    pub mail: Option<mail::Writers>,
    pub pagerduty: Option<Secret>,
    pub slack: Option<Secret>,
    pub telegram: Option<Secret>,
}

/// A way on which another service passes on what people do there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    PagerDuty,
    Slack,
    Telegram,
}

impl Way {
    pub const ALL: [Self; 3] = [Self::PagerDuty, Self::Slack, Self::Telegram];

    /// As in the address and in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PagerDuty => "pagerduty",
            Self::Slack => "slack",
            Self::Telegram => "telegram",
        }
    }

    /// As people know it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::PagerDuty => "PagerDuty",
            Self::Slack => "Slack",
            Self::Telegram => "Telegram",
        }
    }

    pub const fn secret(self, ways: &Ways) -> Option<&Secret> {
        match self {
            Self::PagerDuty => ways.pagerduty.as_ref(),
            Self::Slack => ways.slack.as_ref(),
            Self::Telegram => ways.telegram.as_ref(),
        }
    }
}

/// What a message offers to be answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    Acknowledge,
    /// For [`SNOOZE`].
    Snooze,
    /// It was not this deploy.
    NotCaused(String),
}

impl Offer {
    /// On a button or a link.
    pub fn label(&self) -> String {
        match self {
            Self::Acknowledge => "Acknowledge".to_owned(),
            Self::Snooze => "Snooze 30 min".to_owned(),
            Self::NotCaused(deploy) => format!("Not deploy {}", one_line(cut(deploy, 40))),
        }
    }
}

/// What a message may be answered with; nothing, unless it is about a problem that is there.
pub fn offers(message: &Message) -> Vec<Offer> {
    let is_over = matches!(message.state.as_str(), "OK" | "UP" | "PENDING");
    let is_page = matches!(message.kind, Kind::Problem | Kind::Amendment);
    if is_over || !is_page || message.since.is_none() || !message.dedup_key.contains('@') {
        return Vec::new();
    }
    let most = match message.deploy.verdict {
        Verdict::Suspect => 1,
        Verdict::Suspects | Verdict::None => DEPLOYS_MAX,
    };
    let deploys = message.deploy.named().take(most);
    [Offer::Acknowledge, Offer::Snooze]
        .into_iter()
        .chain(deploys.map(|suspect| Offer::NotCaused(suspect.id.clone())))
        .collect()
}

/// What a service passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// What the service calls it: the same again is not done twice.
    pub id: String,
    /// When it happened there, as far as it says.
    pub at: Option<Timestamp>,
    /// The error says why there is nothing to do.
    pub answer: Result<Answer, String>,
    /// Where Telegram shows our word.
    pub callback: Option<String>,
}

/// Whom a service names, harmless and short; never empty.
fn person(names: &[Option<&str>], way: Way) -> String {
    let name = names
        .iter()
        .flatten()
        .map(|name| one_line(cut(name, NAME_MAX)))
        .find(|name| !name.trim().is_empty());
    name.unwrap_or_else(|| format!("somebody in {}", way.title()))
}
