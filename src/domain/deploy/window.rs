//! Where an instant lies in a deploy's life: active, settling, baking, within look-back, or closed.

use std::time::Duration;

use crate::{
    base::time::Timestamp,
    domain::model::deploy::{ClassRules, Deploy, Phase},
};

/// A pipeline that sent heartbeats (every 30 s) and stopped for this long has died.
pub const HEARTBEATS_LOST_AFTER: Duration = Duration::from_secs(150);

/// A stretch of a deploy's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Window {
    /// It runs.
    Active,
    /// It ended, and what it touched is still starting up (the caller knows for how long).
    Settling,
    /// Watched closely: a problem in its scope is put down to it.
    Baking,
    /// It may still be named.
    LookBack,
    /// Too long ago, not begun, or never happened.
    Closed,
}

impl Window {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Settling => "settling",
            Self::Baking => "baking",
            Self::LookBack => "look-back",
            Self::Closed => "closed",
        }
    }
}

/// The window of `deploy` that `at` lies in; `settle` is how long what was touched may take to start.
pub fn of(deploy: &Deploy, rules: &ClassRules, settle: Duration, at: Timestamp) -> Window {
    if !deploy.happened() || at < deploy.started_at {
        return Window::Closed;
    }
    let Some(ended) = deploy.ended_at.filter(|ended| *ended <= at) else {
        return Window::Active;
    };
    let since = at.since(ended);
    // A deploy that failed, was called off or is lost settles nothing: its holds end at once (rows 19, 21 and 24).
    let settles = matches!(deploy.phase, Phase::Finished | Phase::RolledBack);
    if settles && since <= settle {
        Window::Settling
    } else if since <= rules.bake {
        Window::Baking
    } else if since <= rules.look_back {
        Window::LookBack
    } else {
        Window::Closed
    }
}

/// When a running deploy counts as lost; None once it ended.
pub fn overdue_at(deploy: &Deploy, rules: &ClassRules) -> Option<Timestamp> {
    if deploy.ended_at.is_some() || deploy.phase == Phase::Planned {
        return None;
    }
    let longest = deploy.started_at + rules.max_length;
    if deploy.heartbeats {
        Some(longest.min(deploy.last_event_at + HEARTBEATS_LOST_AFTER))
    } else {
        Some(longest)
    }
}
