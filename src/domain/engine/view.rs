//! Pictures of the engine's state for people and programs; the shapes of `status --output json`.

use serde::{Deserialize, Serialize};

use super::silences::SilenceView;
use crate::domain::{
    feeds::{Unmatched, skew::ClockView},
    model::deploy::Attribution,
};

/// `GET /v1/status`. Times are RFC 3339, spans are seconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct StatusView {
    pub at: String,
    pub config: String,
    pub counts: Counts,
    pub problems: Vec<ProblemView>,
    pub holds: Vec<HoldView>,
    pub deploys: Vec<DeployView>,
    pub downtimes: Vec<DowntimeView>,
    #[serde(default)]
    pub silences: Vec<SilenceView>,
    /// Mute times that are open, in sentences.
    #[serde(default)]
    pub mutes: Vec<String>,
    /// What feeds told of that fits no app, the newest first.
    #[serde(default)]
    pub unmatched: Vec<Unmatched>,
    /// Tools that tell of deploys and whose clocks are wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<ClockView>,
    /// What is wrong with the daemon itself, in sentences.
    #[serde(default)]
    pub notices: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub hosts: usize,
    pub checks: usize,
    pub ok: usize,
    pub warning: usize,
    pub critical: usize,
    pub unknown: usize,
    pub up: usize,
    pub down: usize,
    pub unreachable: usize,
    /// Never checked yet.
    pub pending: usize,
    /// Jobs running now, and waiting for a free place.
    pub running: usize,
    pub waiting: usize,
}

/// An object that is not fine.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ProblemView {
    pub host: String,
    pub check: Option<String>,
    pub state: String,
    pub state_type: String,
    pub attempt: u32,
    pub max_attempts: u32,
    pub since: String,
    pub last_check: String,
    pub output: String,
    pub acknowledged: bool,
    pub acknowledged_by: Option<String>,
    pub in_downtime: bool,
    /// What keeps it quiet beside downtimes, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<String>,
    pub flapping: bool,
    /// `paged`, `held`, or `silent`.
    pub handling: String,
    /// Why nobody was paged, or until when it is held.
    pub reason: Option<String>,
    pub dedup_key: Option<String>,
    pub deploy: Attribution,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct HoldView {
    pub host: String,
    pub check: Option<String>,
    pub state: String,
    pub deploy: String,
    pub since: String,
    pub deadline: String,
    pub why: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct DeployView {
    pub id: String,
    pub app: String,
    pub environment: String,
    pub phase: String,
    /// `active`, `settling`, `baking`, `closed`.
    pub window: String,
    pub version: Option<String>,
    pub actors: Vec<String>,
    pub url: Option<String>,
    pub risk: String,
    /// Why it is of this class.
    #[serde(default)]
    pub risk_why: String,
    pub hosts: Vec<String>,
    pub started: String,
    pub ended: Option<String>,
    /// Set when the bake is over.
    pub verdict: Option<String>,
    /// Numbers that got worse since, and those that cannot be compared, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shifts: Vec<String>,
    #[serde(default)]
    pub verdict_why: Vec<String>,
    /// That it should be taken back, or what came of that, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<String>,
    pub rollback_of: Option<String>,
    pub reason: Option<String>,
    pub conflict: bool,
    /// The event's app is not in the configuration.
    pub unknown_app: bool,
}

/// `GET /v1/deploys/{id}`: all that is known of one deploy.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct DeployRecordView {
    #[serde(flatten)]
    pub deploy: DeployView,
    /// When its verdict is due; None: it has not ended.
    pub bakes_until: Option<String>,
    /// The newest 100, oldest first.
    pub events: Vec<DeployEventView>,
    /// Held for it, or paged with its name.
    pub problems: Vec<DeployTrouble>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct DeployEventView {
    /// When it happened by our clock.
    pub at: String,
    /// What it said itself, where that was corrected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_at: Option<String>,
    #[serde(default)]
    pub received: String,
    pub phase: String,
    pub hosts: Vec<String>,
    pub reason: Option<String>,
    pub source: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct DeployTrouble {
    pub object: String,
    pub state: String,
    /// `held`, `recovered while held` or `paged`.
    pub how: String,
    pub since: String,
    pub ended: Option<String>,
    pub held_until: Option<String>,
    /// The dedup key of the page.
    pub page: Option<String>,
    /// A person found that the deploy did not cause it.
    pub cleared: bool,
    /// Who says that the deploy did cause it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blamed_by: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct DowntimeView {
    pub id: u64,
    pub host: String,
    pub check: Option<String>,
    pub start: String,
    pub end: String,
    pub author: String,
    pub comment: String,
}

/// `GET /v1/objects/{host}[/{check}]`: all that is known of one object.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ObjectView {
    pub host: String,
    pub check: Option<String>,
    pub state: String,
    pub state_type: String,
    pub attempt: u32,
    pub max_attempts: u32,
    pub checked: bool,
    pub last_check: Option<String>,
    pub next_check: Option<String>,
    pub last_change: Option<String>,
    pub output: String,
    pub long_output: String,
    pub perfdata: String,
    pub flapping: bool,
    pub flap_percent: f64,
    pub acknowledged_by: Option<String>,
    /// It was only put off until then, by whoever `acknowledged_by` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snoozed_until: Option<String>,
    /// What people said of its problem, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<String>,
    pub in_downtime: bool,
    /// What keeps it quiet beside downtimes, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<String>,
    pub notifications: bool,
    pub took_seconds: f64,
    pub latency_seconds: f64,
    pub problem: Option<ProblemView>,
    pub hold: Option<HoldView>,
    pub comments: Vec<String>,
}
