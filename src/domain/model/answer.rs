//! What people answer to a page: that they have it, that it may wait, what it was about, and which deploy it was.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::state::ObjectName;
use crate::base::{
    base64,
    text::{cut, did_you_mean, one_line},
    time::Timestamp,
};

/// The longest snooze: quiet for longer is planned, with a downtime.
pub const LONGEST_SNOOZE: Duration = Duration::from_secs(24 * 3600);
/// Corrections kept of one problem; the newest stay.
const CORRECTIONS_KEPT: usize = 20;

/// An answer, from wherever it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub about: About,
    pub say: Say,
    pub author: String,
    /// Which way it came: `the API`, `a link in a mail`, `Slack`, ...
    pub through: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// The problem that a host or check has now.
    Object(ObjectName),
    /// As a person names it: `HOST`, `HOST/CHECK`, or the key of a page.
    Named(String),
    /// The problem of this key and no other, even if its object has another one by now.
    Page(String),
    /// The same, of the key with this [`digest`], or the beginning of it.
    Digest(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Say {
    Acknowledge,
    /// With a comment.
    AcknowledgeWith(String),
    /// Taken back where it was given: what another person said elsewhere stays.
    Unacknowledge,
    Snooze {
        span: Duration,
        comment: Option<String>,
    },
    Tag(Tag),
    /// It was this deploy.
    Caused(String),
    /// It was not.
    NotCaused(String),
    /// The same, of the deploy that the page names and whose id has this [`digest`].
    NotCausedDigest(String),
    /// All of them, or none.
    Several(Vec<Self>),
}

/// Whether all can be said together. The error is a sentence.
pub fn agree(says: &[Say]) -> Result<(), String> {
    let count = |fits: fn(&Say) -> bool| says.iter().filter(|say| fits(say)).count();
    let takes = |say: &Say| {
        matches!(
            say,
            Say::Acknowledge | Say::AcknowledgeWith(_) | Say::Unacknowledge | Say::Snooze { .. }
        )
    };
    if 1 < count(takes) {
        return Err("either `ack` or `snooze` can be said, and once".to_owned());
    }
    if 1 < count(|say| matches!(say, Say::Tag(_))) {
        return Err("a page has one tag, and several were said".to_owned());
    }
    if 1 < count(|say| matches!(say, Say::Caused(_))) {
        return Err(
            "`caused by` names the one deploy that did it, and several were said".to_owned(),
        );
    }
    for say in says {
        if let Say::Caused(deploy) = say
            && says.contains(&Say::NotCaused(deploy.clone()))
        {
            return Err(format!("{deploy} either caused it or did not"));
        }
    }
    Ok(())
}

/// What a page was about, as it looks afterwards: the eight that Opsweekly made known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tag {
    ServiceIssue,
    ServiceIssueOffHours,
    ViewIssue,
    WrongPeriod,
    DowntimeExpired,
    DowntimeNotSet,
    WrongThreshold,
    FaultyCheck,
}

/// Letters of a [`digest`] that stand for all of it where even fewer have room: 72 bits.
pub const SHORT_DIGEST: usize = 12;

/// Stands for a key or an id where few bytes have room: 22 letters.
pub fn digest(text: &str) -> String {
    base64::encode(&Sha256::digest(text)[..16])
}

/// Whether `given` is the [`digest`] of this text, or its beginning.
pub fn is_digest(given: &str, text: &str) -> bool {
    SHORT_DIGEST <= given.len() && digest(text).starts_with(given)
}

impl Tag {
    pub const ALL: [Self; 8] = [
        Self::ServiceIssue,
        Self::ServiceIssueOffHours,
        Self::ViewIssue,
        Self::WrongPeriod,
        Self::DowntimeExpired,
        Self::DowntimeNotSet,
        Self::WrongThreshold,
        Self::FaultyCheck,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::ServiceIssue => "service-issue",
            Self::ServiceIssueOffHours => "service-issue-off-hours",
            Self::ViewIssue => "view-issue",
            Self::WrongPeriod => "wrong-period",
            Self::DowntimeExpired => "downtime-expired",
            Self::DowntimeNotSet => "downtime-not-set",
            Self::WrongThreshold => "wrong-threshold",
            Self::FaultyCheck => "faulty-check",
        }
    }

    /// What it says, with whether there was anything to do first.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::ServiceIssue => "action taken: the service was ill",
            Self::ServiceIssueOffHours => {
                "action taken: the service was ill, but it could have waited for the day"
            }
            Self::ViewIssue => {
                "action taken: the view was ill (a network, a site), the service perhaps not"
            }
            Self::WrongPeriod => "no action: nobody need be told at that time",
            Self::DowntimeExpired => "no action: work went on, and its downtime was over",
            Self::DowntimeNotSet => "no action: work went on, and nobody had set a downtime",
            Self::WrongThreshold => "no action: a threshold has to be adjusted",
            Self::FaultyCheck => "no action: the check is faulty",
        }
    }

    /// Somebody had to do something.
    pub const fn is_action(self) -> bool {
        matches!(
            self,
            Self::ServiceIssue | Self::ServiceIssueOffHours | Self::ViewIssue
        )
    }

    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(tag) = Self::ALL.into_iter().find(|tag| tag.name() == text) {
            return Ok(tag);
        }
        let names = Self::ALL.map(Self::name);
        let shown = one_line(cut(text, 80));
        Err(match did_you_mean(&shown, names) {
            Some(meant) => format!("there is no tag `{shown}`; did you mean `{meant}`?"),
            None => format!("there is no tag `{shown}`; say one of {}", names.join(", ")),
        })
    }
}

/// What people said of a problem; it stays with its row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Said {
    /// The last one counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<Tagged>,
    /// The deploy that caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blamed: Option<Blamed>,
    /// All that people said of deploys, the oldest first, beside what we had found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub corrections: Vec<Correction>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tagged {
    pub tag: Tag,
    pub by: String,
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blamed {
    pub deploy: String,
    pub by: String,
    pub at: Timestamp,
}

/// A person's word on a deploy: the attribution was right, or was not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    pub deploy: String,
    /// It was this deploy; else it was not.
    pub caused: bool,
    pub by: String,
    pub at: Timestamp,
    /// The one deploy that we suspected until then.
    #[serde(default)]
    pub suspect: Option<String>,
}

impl Said {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn correct(&mut self, correction: Correction) {
        self.corrections.push(correction);
        let surplus = self.corrections.len().saturating_sub(CORRECTIONS_KEPT);
        self.corrections.drain(..surplus);
    }

    /// In sentences.
    pub fn sentences(&self, cleared: &[String]) -> Vec<String> {
        let tag = self.tag.iter().map(|it| {
            format!(
                "{} tagged it {}: {}",
                it.by,
                it.tag.name(),
                it.tag.meaning()
            )
        });
        let blamed = self
            .blamed
            .iter()
            .map(|it| format!("{} says that deploy {} caused it", it.by, it.deploy));
        let cleared = cleared.iter().map(|id| {
            let by = self
                .corrections
                .iter()
                .rfind(|it| !it.caused && it.deploy == *id);
            match by {
                Some(it) => format!("{} says that deploy {id} did not cause it", it.by),
                None => format!("a person says that deploy {id} did not cause it"),
            }
        });
        tag.chain(blamed).chain(cleared).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_read_by_its_name_and_a_slip_is_corrected() {
        for tag in Tag::ALL {
            assert_eq!(Tag::parse(tag.name()), Ok(tag));
            let json = serde_json::to_string(&tag).expect("JSON");
            assert_eq!(json, format!("\"{}\"", tag.name()), "stored as it is said");
            assert_eq!(tag.meaning().starts_with("action taken"), tag.is_action());
        }
        assert_eq!(
            Tag::parse("downtime-expird"),
            Err("there is no tag `downtime-expird`; did you mean `downtime-expired`?".to_owned())
        );
        let none = Tag::parse("meh\n").expect_err("no tag");
        assert!(
            none.starts_with("there is no tag `meh`; say one of service-issue, "),
            "{none}"
        );
    }

    #[test]
    fn the_newest_corrections_stay() {
        let mut said = Said::default();
        for n in 0..30 {
            said.correct(Correction {
                deploy: format!("D-{n}"),
                caused: false,
                by: "ann".to_owned(),
                at: Timestamp::default(),
                suspect: None,
            });
        }
        let ids: Vec<&str> = said.corrections.iter().map(|it| &*it.deploy).collect();
        assert_eq!(ids.len(), 20);
        assert_eq!((ids[0], ids[19]), ("D-10", "D-29"));
    }
}
