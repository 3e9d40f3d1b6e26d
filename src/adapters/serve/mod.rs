//! The HTTP side: deploy events, passive results, commands, status, metrics and the page.
//!
//! It decides nothing. It reads a request, checks who asks, puts an [`Ask`] to the hub and writes the answer down.

mod access;
mod answers;
mod ask;
mod body;
mod canary;
mod commands;
mod deploys;
mod digest;
mod downtimes;
mod fields;
mod gate;
mod hooks;
mod listen;
mod metrics;
mod nrdp;
mod openapi;
mod page;
mod read;
mod refusal;
mod report;
mod results;
mod router;
mod silences;
mod switches;
#[cfg(test)]
mod tests;
mod views;

pub use access::{Access, Caller, Peer, Scope, TokenEntry};
pub use answers::mail::{ENVELOPE, Letters, ToSend};
pub use ask::{ASK_LIMIT, AppName, Ask, Health, Hub, RELOAD_LIMIT, Running, Telling, Unavailable};
pub use deploys::{VERBS, read_event};
pub use digest::About;
pub use listen::{bind, serve};
pub use metrics::{Feed, Metrics, Tried};
pub use openapi::document as openapi_document;
pub use page::render as render_page;
pub use refusal::Refusal;
pub use report::{NoReport, Question as ReportQuestion, Which};
pub use results::read_result;
pub use router::{App, router};
pub use views::{DecisionView, DeliveryView, RejectedView, ResultsView, TryView, WhyView};
