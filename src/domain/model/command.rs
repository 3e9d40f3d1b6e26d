//! What people and programs may ask of the engine while it runs.

use std::time::Duration;

use super::state::ObjectName;
use crate::base::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Acknowledge {
        object: ObjectName,
        sticky: bool,
        notify: bool,
        persistent: bool,
        author: String,
        comment: String,
        until: Option<Timestamp>,
    },
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
    /// Run now. Forced: whatever the period, limits and switches say.
    CheckNow {
        object: ObjectName,
        force: bool,
        author: String,
    },
    SetNotifications {
        object: ObjectName,
        enabled: bool,
        author: String,
    },
}

/// What happens to the hosts behind a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Children {
    #[default]
    Untouched,
    /// They get the same downtime.
    Plain,
    /// Their downtimes begin and end with the host's.
    Triggered,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupName {
    Hosts(String),
    Checks(String),
}

/// Which downtimes; a field that is None fits all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DowntimeFilter {
    pub host: Option<String>,
    pub check: Option<String>,
    /// A group of hosts.
    pub group: Option<String>,
    pub start: Option<Timestamp>,
    pub comment: Option<String>,
}
