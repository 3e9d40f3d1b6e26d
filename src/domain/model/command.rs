//! What people and programs may ask of the engine while it runs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    answer::Answer,
    gate::{Question, Reach},
    state::{ObjectName, StateSet},
};
use crate::{base::time::Timestamp, domain::notify::matcher::Matcher};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    Acknowledge {
        object: ObjectName,
        sticky: bool,
        notify: bool,
        persistent: bool,
        author: String,
        comment: String,
        until: Option<Timestamp>,
        /// A deploy that did not cause it, as the author found.
        not_caused_by: Option<String>,
    },
    /// What a person answers to a page.
    Answer(Answer),
    RemoveAcknowledgement {
        object: ObjectName,
        author: String,
    },
    /// `with_checks` on a host covers its checks as well, `only_checks` them alone.
    ScheduleDowntime {
        object: ObjectName,
        with_checks: bool,
        only_checks: bool,
        /// Hosts behind a host, at any distance, as well.
        children: Children,
        start: Timestamp,
        end: Timestamp,
        /// Flexible, where false: begins with the first problem between `start` and `end`, and lasts `duration`.
        fixed: bool,
        duration: Duration,
        /// Begins and ends with this other downtime.
        triggered_by: Option<u64>,
        author: String,
        comment: String,
    },
    /// For those who are in the group now: its hosts, the checks of these, or both.
    ScheduleGroupDowntime {
        group: GroupName,
        hosts: bool,
        checks: bool,
        start: Timestamp,
        end: Timestamp,
        fixed: bool,
        duration: Duration,
        triggered_by: Option<u64>,
        author: String,
        comment: String,
    },
    /// All that fit every filter given. No filter at all fits nothing.
    DeleteDowntimes {
        filter: DowntimeFilter,
        author: String,
    },
    CancelDowntime {
        id: u64,
        author: String,
    },
    AddComment {
        object: ObjectName,
        persistent: bool,
        author: String,
        text: String,
    },
    DeleteComment {
        id: u64,
        author: String,
    },
    /// Run at a time, without one now. Forced: whatever the period, limits and switches say.
    Check {
        object: ObjectName,
        /// The checks of a host in its place.
        checks_of_host: bool,
        at: Option<Timestamp>,
        force: bool,
        author: String,
    },
    SetNotifications {
        object: ObjectName,
        enabled: bool,
        author: String,
    },
    DeleteAllComments {
        object: ObjectName,
        author: String,
    },
    /// A notification of kind CUSTOM, of whatever state.
    SendCustom {
        object: ObjectName,
        broadcast: bool,
        forced: bool,
        increment: bool,
        author: String,
        comment: String,
    },
    DelayNotification {
        object: ObjectName,
        until: Timestamp,
    },
    SetNotificationNumber {
        object: ObjectName,
        n: u32,
    },
    ClearFlapping {
        object: ObjectName,
    },
    /// Switches something on or off until it is switched again.
    Switch {
        scope: Scope,
        what: What,
        on: bool,
    },
    /// Changes a setting until the next change; the configuration is not touched.
    Change(Setting),
    /// No deploys for a time. `long`: a longer time than usual is meant.
    Freeze {
        reach: Reach,
        /// None: now.
        from: Option<Timestamp>,
        until: Timestamp,
        long: bool,
        owner: String,
        reason: String,
    },
    /// A tool that can take a deploy of this app back asks whether it is to. Answered yes once an hour at most.
    AskRollback {
        app: String,
        /// None: the only one it is in.
        environment: Option<String>,
        /// Who asks.
        by: String,
    },
    /// A tool asks whether a deploy may begin; it is answered when the gate opens, or at the end of its patience.
    AskGate(Question),
    /// The answer to a question arrived, or never will; in words.
    GateAnswered {
        id: u64,
        end: Result<String, String>,
    },
    EndFreeze {
        id: u64,
        author: String,
    },
    /// Whatever fits is not told for a time. `wide`: that it hits a large part of the site is meant.
    Silence {
        matcher: Matcher,
        states: StateSet,
        /// None: now.
        from: Option<Timestamp>,
        until: Timestamp,
        wide: bool,
        owner: String,
        reason: String,
    },
    /// Another end for a silence.
    MoveSilence {
        id: u64,
        until: Timestamp,
        author: String,
    },
    EndSilence {
        id: u64,
        author: String,
    },
    OverrideGate {
        app: String,
        environment: String,
        by: String,
        reason: String,
        until: Timestamp,
    },
}

/// What a switch is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Global,
    /// All hosts; all checks. Where Nagios has one switch for both it is that one.
    Hosts,
    Checks,
    Object(ObjectName),
    /// Those who are in the group now.
    Group {
        group: GroupName,
        hosts: bool,
        checks: bool,
    },
    /// The checks of a host.
    ChecksOf(String),
    /// The hosts behind a host, with it, with their checks.
    Beyond {
        host: String,
        itself: bool,
        checks: bool,
    },
    /// A contact's notifications of hosts, of checks.
    Contact {
        name: String,
        hosts: bool,
        checks: bool,
    },
    ContactGroup {
        name: String,
        hosts: bool,
        checks: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    Notifications,
    ActiveChecks,
    PassiveChecks,
    Handlers,
    FlapDetection,
    Perfdata,
    Obsess,
    Freshness,
}

impl What {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Notifications => "notifications",
            Self::ActiveChecks => "active checks",
            Self::PassiveChecks => "passive checks",
            Self::Handlers => "event handlers",
            Self::FlapDetection => "flap detections",
            Self::Perfdata => "performance data",
            Self::Obsess => "obsessions",
            Self::Freshness => "freshness checks",
        }
    }
}

/// A setting and its new value; periods by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    Interval {
        object: ObjectName,
        every: Duration,
    },
    Retry {
        object: ObjectName,
        retry: Duration,
    },
    Attempts {
        object: ObjectName,
        attempts: u32,
    },
    CheckPeriod {
        object: ObjectName,
        period: String,
    },
    NotifyPeriod {
        object: ObjectName,
        period: String,
    },
    HandlerPeriod {
        object: ObjectName,
        period: String,
    },
    Var {
        object: ObjectName,
        name: String,
        value: String,
    },
    ContactPeriod {
        contact: String,
        /// Of hosts; else of checks.
        hosts: bool,
        period: String,
    },
    ContactVar {
        contact: String,
        name: String,
        value: String,
    },
    /// Of what was changed at run time only these attributes stay changed (`CHANGE_*_MODATTR`; the bits are those of
    /// [`super::tuned::attributes`]).
    Kept {
        object: ObjectName,
        attributes: u32,
    },
    ContactKept {
        contact: String,
        hosts: bool,
        checks: bool,
        attributes: u32,
    },
}

/// What happens to the hosts behind a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Children {
    #[default]
    Untouched,
    /// They get the same downtime.
    Plain,
    /// Their downtimes begin and end with the host's.
    Triggered,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupName {
    Hosts(String),
    Checks(String),
}

/// Which downtimes; a field that is None fits all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DowntimeFilter {
    pub host: Option<String>,
    pub check: Option<String>,
    /// A group of hosts.
    pub group: Option<String>,
    pub start: Option<Timestamp>,
    pub comment: Option<String>,
}
