//! Everything currently known of one object, and the ledger row of a problem.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    answer::Said,
    deploy::Attribution,
    grouping::Joined,
    quiet::Cause,
    state::{ObjectName, State, StateSet, StateType},
    tuned::Tuned,
};
use crate::base::time::Timestamp;

/// What is known of a host or a check; survives restarts (the store keeps it as JSON).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    pub state: State,
    pub state_type: StateType,
    /// Place in the row of non-OK results; 1 when fine.
    pub attempt: u32,
    pub last_hard_state: State,
    /// False until the first result.
    pub checked: bool,
    /// Start of the last run.
    pub last_check_at: Timestamp,
    /// Starts of the last two runs, newest first; "fresh results since" is read from them.
    pub recent: [Timestamp; 2],
    pub last_change_at: Timestamp,
    pub last_hard_change_at: Timestamp,
    /// Start of the last run that found OK or UP.
    pub last_good_at: Option<Timestamp>,
    /// Start of the first run of the present row of problems; None when fine.
    pub first_bad_at: Option<Timestamp>,
    pub output: Arc<str>,
    pub long_output: Arc<str>,
    pub perfdata: Arc<str>,
    pub took: Duration,
    pub latency: Duration,
    pub flap: FlapMemory,
    /// Rare and large, so apart.
    pub ack: Option<Box<Ack>>,
    /// Problem states that at least one contact was told of.
    pub notified_on: StateSet,
    /// `$NOTIFICATIONNUMBER$`.
    pub number: u32,
    pub last_notified_at: Option<Timestamp>,
    pub next_notify_at: Timestamp,
    pub no_more: bool,
    /// A service saw its host not UP (Nagios' `host_problem_at_last_check`).
    pub host_problem: bool,
    /// Switched off at run time.
    pub notifications_off: bool,
    /// The open ledger row.
    pub problem: Option<u64>,
    /// The state before the last result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_state: Option<State>,
    /// The last result came from outside.
    #[serde(default)]
    pub passive: bool,
    /// When it was last in each kind of problem; None: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_in: Option<Box<LastIn>>,
    /// What people changed at run time; None: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuned: Option<Box<Tuned>>,
    /// Numbers of its state, problem and notification; None: it had none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Box<StateIds>>,
}

impl Status {
    /// Never checked yet; assumed to be fine, as Nagios does.
    pub fn pending(is_host: bool) -> Self {
        let state = if is_host { State::Up } else { State::Ok };
        Self {
            state,
            state_type: StateType::Hard,
            attempt: 1,
            last_hard_state: state,
            checked: false,
            last_check_at: Timestamp::default(),
            recent: [Timestamp::default(); 2],
            last_change_at: Timestamp::default(),
            last_hard_change_at: Timestamp::default(),
            last_good_at: None,
            first_bad_at: None,
            output: Arc::default(),
            long_output: Arc::default(),
            perfdata: Arc::default(),
            took: Duration::ZERO,
            latency: Duration::ZERO,
            flap: FlapMemory::default(),
            ack: None,
            notified_on: StateSet::EMPTY,
            number: 0,
            last_notified_at: None,
            next_notify_at: Timestamp::default(),
            no_more: false,
            host_problem: false,
            notifications_off: false,
            problem: None,
            last_state: None,
            passive: false,
            last_in: None,
            tuned: None,
            ids: None,
        }
    }

    /// It is well, and nothing of the past or of people hangs on it.
    pub fn is_plain(&self) -> bool {
        !self.state.is_problem()
            && self.state_type == StateType::Hard
            && self.ack.is_none()
            && self.notified_on.is_empty()
            && self.number == 0
            && !self.no_more
            && !self.notifications_off
            && !self.host_problem
            && self.problem.is_none()
            && self.tuned.is_none()
            && self.first_bad_at.is_none()
    }

    pub const fn is_hard_problem(&self) -> bool {
        self.state.is_problem() && matches!(self.state_type, StateType::Hard)
    }
}

/// Unique numbers for tools made for Nagios; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StateIds {
    /// `$SERVICEEVENTID$`: of the present state.
    pub event: u64,
    /// Of the state before.
    pub last_event: u64,
    /// `$SERVICEPROBLEMID$`: of the present problem.
    pub problem: u64,
    /// Of the problem that ended last.
    pub last_problem: u64,
    /// `$SERVICENOTIFICATIONID$`: of the last notification.
    pub notification: u64,
}

/// When an object was last in each of its problem states. Most objects never were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LastIn {
    /// WARNING or DOWN.
    pub warning: Timestamp,
    /// CRITICAL or UNREACHABLE.
    pub critical: Timestamp,
    pub unknown: Timestamp,
}

/// The last 21 recorded states, 3 bits each, newest in the low bits, and what follows from them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FlapMemory {
    pub ring: u64,
    /// Weighted percent of change.
    pub percent: f64,
    pub flapping: bool,
    pub since: Option<Timestamp>,
    /// A problem notification was out when flapping began.
    pub told: bool,
    /// That it flaps was kept quiet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub kept: bool,
}

/// A person has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    pub by: String,
    pub comment: String,
    /// Sticky ends at OK, normal at any change.
    pub sticky: bool,
    pub persistent: bool,
    pub at: Timestamp,
    /// Ends by itself.
    pub until: Option<Timestamp>,
    /// It was only put off: what is still bad at its end is paged at once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub snooze: bool,
    /// Which way it came, where it was an answer to a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
    /// The dedup key of the page that was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
}

/// One row of the ledger: a problem from its first hard result to its end. Every row ends, and says how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    pub id: u64,
    pub object: ObjectName,
    /// The hard state this row stands for now.
    pub state: State,
    /// The onset lies between these two.
    pub last_good_at: Option<Timestamp>,
    pub first_bad_at: Timestamp,
    pub hard_at: Timestamp,
    /// Start of the result that made it worse or another fault while hard; the first bad result before that.
    /// Deploys are judged against this onset.
    pub onset_at: Timestamp,
    /// The page covers the problem as it is now; false again when it worsens.
    pub told: bool,
    /// Words of the output without numbers, to tell one fault from another.
    pub signature: String,
    /// Set once a page left.
    pub page: Option<Page>,
    /// The live hold's id.
    pub hold: Option<u64>,
    /// How many holds this row has had.
    pub holds: u32,
    /// Why nobody was told yet, where that is so.
    pub silent_because: Option<String>,
    pub recovered_at: Option<Timestamp>,
    pub end: Option<End>,
    /// Deploys that a person says did not cause it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cleared: Vec<String>,
    /// What keeps its page back until it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Cause>,
    /// What else people said of it.
    #[serde(default, skip_serializing_if = "Said::is_empty")]
    pub said: Said,
}

/// The page of a problem.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page {
    pub at: Timestamp,
    /// The stable dedup key that the recovery and every amendment carry.
    pub key: String,
    pub attribution: Attribution,
    pub amended: u32,
    /// Contacts that were told; they hear of its end.
    #[serde(default)]
    pub told: Vec<String>,
    /// A rollback was found not to help, and that was said.
    #[serde(default)]
    pub rollback_failed: bool,
    /// What was last decided about taking the suspect back: stored once, not at each reading.
    #[serde(default)]
    pub rollback: Option<String>,
    /// The state that was told last.
    #[serde(default)]
    pub state: Option<State>,
    /// Steps up to this long after the page were carried out.
    #[serde(default, skip_serializing_if = "Duration::is_zero")]
    pub escalated: Duration,
    /// To whom it came with another page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joined: Vec<Joined>,
    /// When an acknowledgement of it ended: steps count from here. None: from the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_since: Option<Timestamp>,
}

impl Page {
    /// The page that this contact has the problem with, where that was not always its own.
    pub fn joined_last(&self, contact: &str) -> Option<&Joined> {
        self.joined.iter().rfind(|one| one.contact == contact)
    }
}

/// How a ledger row ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "how", content = "what")]
pub enum End {
    /// Someone was told.
    Paged,
    /// Another page covers it: the key.
    Merged(String),
    /// It passed while a deploy explained it; the digest lists it.
    RecoveredHeld(String),
    /// A person had it: acknowledgement or downtime.
    Human(String),
    /// Nagios' rules told nobody; the reason.
    Silent(String),
}

impl Problem {
    /// The stable key of everything that is sent about this problem. The first bad result's time makes it unique
    /// even after the store was lost.
    pub fn key(&self) -> String {
        format!("{}@{}", self.object, self.first_bad_at.millis())
    }
}
