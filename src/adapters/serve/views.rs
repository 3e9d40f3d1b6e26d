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
    /// `sent`, `held`, `released`, `skipped`, `amended`, `merged`, ...
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
    /// Why others who might have been told were not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// What in the configuration decided, with file and line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The configuration that decided, as `status` names it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub config: String,
    pub deliveries: Vec<DeliveryView>,
}

/// One delivery of a decision, as the outbox has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeliveryView {
    pub contact: String,
    pub channel: String,
    /// `pending`, `sent`, `dead`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    pub created_at: String,
    /// When it was sent or given up.
    pub settled_at: Option<String>,
    /// Of the next try; None when settled.
    pub next_at: Option<String>,
    /// What the last failed try met.
    pub last_error: Option<String>,
    /// The tries that are still known, oldest first.
    pub tries: Vec<TryView>,
}

/// One try of a delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TryView {
    pub at: String,
    /// `sent`, `retry`, `dead`.
    pub result: String,
    /// The error, or the receipt.
    pub text: Option<String>,
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
            left_out: decision.left_out.clone(),
            rule: decision.rule.clone(),
            config: decision.config.clone(),
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
