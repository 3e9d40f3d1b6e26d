//! What people and programs may ask of the engine while it runs.

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
    /// Fixed downtime; `with_checks` on a host covers its checks as well.
    ScheduleDowntime {
        object: ObjectName,
        with_checks: bool,
        start: Timestamp,
        end: Timestamp,
        author: String,
        comment: String,
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
