//! What the engine wants kept: the rows of one batch, stored in one transaction.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    deploy::{Deploy, Hold},
    gate::Gates,
    habit::Habit,
    message::Delivery,
    quiet::QuietTimes,
    state::ObjectName,
    status::{Problem, Status},
    tuned::Switches,
};
use crate::base::time::Timestamp;

/// One row to write. Rows with an id or a key replace the row of that id or key.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Status {
        object: ObjectName,
        status: Box<Status>,
    },
    /// The object left the configuration: should its name come back, it is another object.
    StatusGone(ObjectName),
    /// A ledger row; closed once `end` is set.
    Problem(Box<Problem>),
    Hold(Box<Hold>),
    Deploy(Box<Deploy>),
    Downtime(Downtime),
    DowntimeGone(u64),
    Comment(Comment),
    CommentGone(u64),
    /// Into the outbox, unless its key is known.
    Deliver(Delivery),
    Decision(Decision),
    /// History: a state change, a deploy event, flapping, ...
    Event(Event),
    /// Who did what by hand.
    Audit(Audit),
    /// A delivery of a feed was taken.
    Heard(Heard),
    /// How far a file was read.
    Tail(Tail),
    /// Switches of the whole installation and of contacts; there is one row.
    Switches(Box<Switches>),
    /// Freezes and overrides set at run time; there is one row.
    Gates(Box<Gates>),
    /// Silences, and mute times that are open; there is one row.
    Quiet(Box<QuietTimes>),
    /// What an app's deploys usually do; there is one row for each app and environment.
    Habit(Box<Habit>),
    /// The digest of all days up to this one was told: `2026-03-02`; there is one row.
    Digested(String),
}

/// Why something was sent, held or skipped: what `why` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub at: Timestamp,
    pub object: ObjectName,
    pub what: Decided,
    /// `problem`, `recovery`, ... as in [`super::message::Kind::name`].
    pub kind: String,
    /// A sentence that a person can read.
    pub reason: String,
    pub state: String,
    /// Contacts told, or who would have been.
    #[serde(default)]
    pub contacts: Vec<String>,
    /// Set for holds.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// Deploy ids that played a part.
    #[serde(default)]
    pub deploys: Vec<String>,
    #[serde(default)]
    pub dedup_key: Option<String>,
    /// Why others who might have been told were not, each a sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// What in the configuration decided: a key, a route or an escalation, with file and line. None: it is the same
    /// everywhere, or a person said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The configuration that decided, as `status` and `config` name it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub config: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decided {
    Sent,
    Held,
    Released,
    Skipped,
    Amended,
    /// Told with the page of another problem.
    Merged,
    /// A deploy was let be taken back.
    Rollback,
    /// It was not; the reason names the guard.
    NoRollback,
    /// A person said something of it: a tag, or which deploy it was.
    Answered,
}

impl Decided {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Held => "held",
            Self::Released => "released",
            Self::Skipped => "skipped",
            Self::Amended => "amended",
            Self::Merged => "merged",
            Self::Rollback => "rollback",
            Self::NoRollback => "no-rollback",
            Self::Answered => "answered",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub at: Timestamp,
    /// None: about the daemon or a deploy.
    pub object: Option<ObjectName>,
    /// `alert`, `flapping`, `downtime`, `deploy`, `clock`, `reload`, `rejected`, `delivery`, ...
    pub kind: String,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    pub at: Timestamp,
    pub who: String,
    pub what: String,
}

/// A delivery of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    pub source: String,
    /// What the sender calls it, else its digest.
    pub id: String,
    /// The SHA-256 of its body in hex.
    pub digest: String,
    /// The body was signed, so that only a copy can be the same.
    pub signed: bool,
    pub at: Timestamp,
}

/// How far a file that grows was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tail {
    pub path: String,
    /// Which file: a rotated one keeps its inode.
    pub inode: u64,
    pub offset: u64,
}

/// Planned quiet time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Downtime {
    pub id: u64,
    pub object: ObjectName,
    pub start: Timestamp,
    pub end: Timestamp,
    pub author: String,
    pub comment: String,
    /// It has begun and been announced.
    pub active: bool,
    /// From `start` to `end`; else from the first problem between them, for `duration`.
    #[serde(default = "yes")]
    pub fixed: bool,
    #[serde(default)]
    pub duration: Duration,
    /// Begins and ends with this other downtime.
    #[serde(default)]
    pub triggered_by: Option<u64>,
    #[serde(default)]
    pub began_at: Option<Timestamp>,
    /// The comment that tells of it.
    #[serde(default)]
    pub comment_id: Option<u64>,
    /// It is a deploy by these ids, as the configuration says of its author or comment: it keeps nothing quiet by itself.
    #[serde(default)]
    pub deploys: Vec<String>,
}

const fn yes() -> bool {
    true
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    pub id: u64,
    pub object: ObjectName,
    pub at: Timestamp,
    pub author: String,
    pub text: String,
    pub persistent: bool,
    /// `user`, `acknowledgement`, `downtime`, `flapping`.
    pub kind: String,
}

/// What the store gives back at start.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    pub statuses: Vec<(ObjectName, Status)>,
    /// Open rows, and those closed in the last two days (their pages may still be amended or recovered).
    pub problems: Vec<Problem>,
    /// Live holds, and those ended in the last two days.
    pub holds: Vec<Hold>,
    /// Deploys of the last 48 hours and all that have not ended.
    pub deploys: Vec<Deploy>,
    pub downtimes: Vec<Downtime>,
    pub comments: Vec<Comment>,
    /// Deliveries of feeds in the last days, the oldest first.
    pub heard: Vec<Heard>,
    pub tails: Vec<Tail>,
    /// The highest id ever used by problems, holds, downtimes or comments.
    pub last_id: u64,
    pub switches: Switches,
    pub gates: Gates,
    pub quiet: QuietTimes,
    pub habits: Vec<Habit>,
    /// The last day whose digest was told: `2026-03-02`; empty: none was.
    pub digested: String,
    /// When the daemon last wrote.
    pub last_seen: Option<Timestamp>,
}
