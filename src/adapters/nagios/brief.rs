//! What most queries ask of every row, in two bytes beside it: a query over a million rows fetches only those that it
//! cannot decide by this.

use crate::domain::{engine::rows::Row, model::state::StateType};

/// Some columns of a row, packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Brief(u16);

/// How many briefs there can be.
pub const BRIEFS: usize = 1 << 16;

/// Where each column is; the numbers are bits. States take two.
mod bit {
    pub const STATE: u16 = 0;
    pub const LAST_HARD: u16 = 2;
    pub const HARD: u16 = 4;
    pub const CHECKED: u16 = 5;
    pub const ACKNOWLEDGED: u16 = 6;
    pub const DOWNTIME: u16 = 7;
    pub const FLAPPING: u16 = 8;
    pub const ACTIVE: u16 = 9;
    pub const PASSIVE: u16 = 10;
    pub const NOTIFIES: u16 = 11;
    pub const HANDLES: u16 = 12;
    pub const DETECTS_FLAPS: u16 = 13;
    pub const FROM_OUTSIDE: u16 = 14;
    pub const RUNNING: u16 = 15;
}

impl Brief {
    pub fn of(row: &Row) -> Self {
        let (status, rule) = (&row.status, &row.rule);
        let states = u16::from(status.state.id()) << bit::STATE
            | u16::from(status.last_hard_state.id()) << bit::LAST_HARD;
        let flags = [
            (bit::HARD, status.state_type == StateType::Hard),
            (bit::CHECKED, status.checked),
            (bit::ACKNOWLEDGED, status.ack.is_some()),
            (bit::DOWNTIME, 0 < row.downtimes),
            (bit::FLAPPING, status.flap.flapping),
            (bit::ACTIVE, rule.active),
            (bit::PASSIVE, rule.accepts_passive),
            (
                bit::NOTIFIES,
                rule.notify.enabled && !status.notifications_off,
            ),
            (bit::HANDLES, rule.rare().handle),
            (bit::DETECTS_FLAPS, rule.flap.enabled),
            (bit::FROM_OUTSIDE, status.passive),
            (bit::RUNNING, row.running),
        ];
        let flags = flags
            .into_iter()
            .fold(0, |all, (bit, set)| all | u16::from(set) << bit);
        Self(states | flags)
    }

    /// Its place among all [`BRIEFS`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The brief of that place.
    pub const fn at(index: usize) -> Self {
        Self(index as u16)
    }

    const fn state(self, at: u16) -> i64 {
        (self.0 >> at & 3) as i64
    }

    const fn flag(self, at: u16) -> i64 {
        (self.0 >> at & 1) as i64
    }
}

/// A column's value in a brief; None: the row has to be asked.
pub type Short = fn(Brief) -> Option<i64>;

/// How the column of this name, of hosts or of checks, is read from a brief.
pub fn short(column: &str) -> Option<Short> {
    Some(match column {
        "state" => |brief| Some(brief.state(bit::STATE)),
        "last_hard_state" => |brief| Some(brief.state(bit::LAST_HARD)),
        "hard_state" => |brief| {
            let stands = brief.flag(bit::HARD) == 1 || brief.state(bit::STATE) == 0;
            Some(brief.state(if stands { bit::STATE } else { bit::LAST_HARD }))
        },
        "state_type" => |brief| Some(brief.flag(bit::HARD)),
        "has_been_checked" => |brief| Some(brief.flag(bit::CHECKED)),
        "acknowledged" => |brief| Some(brief.flag(bit::ACKNOWLEDGED)),
        // Known is only whether there is one.
        "scheduled_downtime_depth" => |brief| (brief.flag(bit::DOWNTIME) == 0).then_some(0),
        "is_flapping" => |brief| Some(brief.flag(bit::FLAPPING)),
        "checks_enabled" | "active_checks_enabled" => |brief| Some(brief.flag(bit::ACTIVE)),
        "accept_passive_checks" => |brief| Some(brief.flag(bit::PASSIVE)),
        "notifications_enabled" => |brief| Some(brief.flag(bit::NOTIFIES)),
        "event_handler_enabled" => |brief| Some(brief.flag(bit::HANDLES)),
        "flap_detection_enabled" => |brief| Some(brief.flag(bit::DETECTS_FLAPS)),
        "check_type" => |brief| Some(brief.flag(bit::FROM_OUTSIDE)),
        "is_executing" => |brief| Some(brief.flag(bit::RUNNING)),
        _ => return None,
    })
}
