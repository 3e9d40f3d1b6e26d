//! What truly happens in one seed. The engine never sees this: it sees results and events.

use serde::{Deserialize, Serialize};

use crate::domain::model::deploy::DeployEvent;

/// Milliseconds since 1970.
pub type Ms = i64;

/// Midnight, so that the time of day in a message is the time since the start.
pub const START: Ms = 1_772_409_600_000;

pub const fn seconds(span: f64) -> Ms {
    (span * 1000.0) as Ms
}

/// The truth types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A benign blip at a restart.
    T1,
    /// An immediate regression on updated hosts.
    T2,
    /// A partial one.
    T3,
    /// A latent one.
    T4,
    /// Only callers feel it.
    T5,
    /// With a rollback, which cures or does not.
    T6,
    /// A host is lost.
    U1,
    /// A switch and what stands behind it.
    U2,
    /// A third party is out.
    U3,
    /// Load on the whole fleet.
    U4,
    /// Something ran out: a certificate, a disk.
    U5,
    /// A flapping check.
    F,
    /// An agent that stopped answering.
    S,
}

impl Kind {
    pub const ALL: [Self; 13] = [
        Self::T1,
        Self::T2,
        Self::T3,
        Self::T4,
        Self::T5,
        Self::T6,
        Self::U1,
        Self::U2,
        Self::U3,
        Self::U4,
        Self::U5,
        Self::F,
        Self::S,
    ];

    pub const fn words(self) -> &'static str {
        match self {
            Self::T1 => "T1 benign blip",
            Self::T2 => "T2 immediate",
            Self::T3 => "T3 partial",
            Self::T4 => "T4 latent",
            Self::T5 => "T5 callers only",
            Self::T6 => "T6 with a rollback",
            Self::U1 => "U1 host lost",
            Self::U2 => "U2 switch lost",
            Self::U3 => "U3 third party",
            Self::U4 => "U4 fleet-wide load",
            Self::U5 => "U5 expiry",
            Self::F => "F flapper",
            Self::S => "S stale agent",
        }
    }

    pub const fn is_benign(self) -> bool {
        matches!(self, Self::T1)
    }

    /// A deploy broke it.
    pub const fn is_regression(self) -> bool {
        matches!(self, Self::T2 | Self::T3 | Self::T4 | Self::T5 | Self::T6)
    }

    /// No deploy has anything to do with it.
    pub const fn is_unrelated(self) -> bool {
        !self.is_benign() && !self.is_regression()
    }
}

/// How a deploy goes about its hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Shape {
    Rolling,
    Canary,
    AtOnce,
    ConfigOnly,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Ending {
    Finished,
    RolledBack,
    Frozen,
}

/// A deploy as it truly was.
#[derive(Clone, Debug, Serialize)]
pub struct Deploy {
    pub id: String,
    pub version: String,
    pub app: usize,
    pub shape: Shape,
    pub start: Ms,
    pub end: Ms,
    pub ending: Ending,
    /// Host and time of its update, in time order.
    pub steps: Vec<(usize, Ms)>,
    pub rollback_of: Option<usize>,
    /// Pipelines told of it at all.
    pub reported: bool,
    /// The app that was told.
    pub said_app: usize,
}

/// What a plugin meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Symptom {
    Refused,
    Timeout,
    ServerError,
    Slow,
    Garbled,
    LoadWarning,
    LoadCritical,
    DiskFull,
    Expired,
    NoData,
    Unreachable,
}

/// One object is bad for one reason.
#[derive(Clone, Debug, Serialize)]
pub struct Effect {
    pub episode: usize,
    pub object: usize,
    pub from: Ms,
    pub to: Ms,
    pub symptom: Symptom,
    /// Bad and fine in turn, so long each.
    pub half_wave: Option<Ms>,
}

impl Effect {
    pub const fn covers(&self, at: Ms) -> bool {
        self.from <= at && at < self.to
    }
}

/// One fault or blip: the unit of the score.
#[derive(Clone, Debug, Serialize)]
pub struct Episode {
    pub kind: Kind,
    /// The deploy that caused it.
    pub deploy: Option<usize>,
    /// It was placed on top of a deploy that has nothing to do with it.
    pub on_top: bool,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Story {
    pub deploys: Vec<Deploy>,
    pub episodes: Vec<Episode>,
    pub effects: Vec<Effect>,
    /// In the order in which they arrive.
    pub events: Vec<DeployEvent>,
    pub end: Ms,
}
