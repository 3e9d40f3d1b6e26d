//! Shapes of answers that only this floor has; the engine's own are in `domain::engine::view`.

use serde::{Deserialize, Serialize};

use crate::domain::{engine::view::ObjectView, model::change::Decision};

/// `GET /v1/why/{host}[/{check}]`: what was decided about an object, newest first. Times are RFC 3339.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct WhyView {
    /// `web1/http` or `web1`.
    pub object: String,
    /// The daemon's clock when it answered.
    pub at: String,
    /// What is known of the object now; None: it is no longer configured.
    pub now: Option<ObjectView>,
    pub decisions: Vec<DecisionView>,
}

/// One decision: sent, held, released, skipped or amended, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DecisionView {
    pub at: String,
    /// `sent`, `held`, `released`, `skipped`, `amended`.
    pub what: String,
    /// `problem`, `recovery`, ...
    pub kind: String,
    pub state: String,
    pub reason: String,
    pub contacts: Vec<String>,
    /// Deadline of a hold.
    pub until: Option<String>,
    pub deploys: Vec<String>,
    pub dedup_key: Option<String>,
    pub deliveries: Vec<DeliveryView>,
}

/// What became of one delivery of a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeliveryView {
    pub contact: String,
    pub channel: String,
    /// `waiting`, `sent`, `dead`.
    pub state: String,
    /// Tries so far.
    pub attempts: u32,
    /// Time of the last try.
    pub at: Option<String>,
    /// What the last try met, when it failed.
    pub error: Option<String>,
}

impl DecisionView {
    pub fn new(decision: &Decision, deliveries: Vec<DeliveryView>) -> Self {
        Self {
            at: decision.at.to_string(),
            what: decision.what.name().to_owned(),
            kind: decision.kind.clone(),
            state: decision.state.clone(),
            reason: decision.reason.clone(),
            contacts: decision.contacts.clone(),
            until: decision.until.map(|until| until.to_string()),
            deploys: decision.deploys.clone(),
            dedup_key: decision.dedup_key.clone(),
            deliveries,
        }
    }
}

/// Answer to a list of passive results.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultsView {
    pub accepted: usize,
    pub rejected: Vec<RejectedView>,
}

/// A passive result that was not taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedView {
    /// Place in the list that was sent, from 0.
    pub index: usize,
    pub object: String,
    pub text: String,
}

/// `GET /v1/gate/{app}/{environment}`: may the pipeline go on?
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateView {
    pub open: bool,
    pub app: String,
    pub environment: String,
    pub reason: String,
    /// Ids of the deploys that are suspects of the problems named in `reason`.
    pub suspects: Vec<String>,
    /// Who should know: the actors of those deploys.
    pub owner: Vec<String>,
}
