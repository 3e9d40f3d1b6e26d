//! Keeps state, history and the outbox in SQLite.
//!
//! One thread owns the one connection that writes: orders that queue up during a sync share the next transaction, and
//! each caller is answered only after its own is on disk. A second thread answers questions on a connection of its
//! own. A fault ends only the transaction it struck: the next order tries again, on a new connection if need be.

mod audit;
mod availability;
mod digest;
mod error;
mod handle;
mod itself;
mod lock;
mod outbox;
mod prune;
mod query;
mod report;
mod restore;
mod rows;
mod salvage;
mod schema;
mod thread;

#[cfg(test)]
#[expect(
    clippy::unwrap_used,
    reason = "a test that meets an error should fail there"
)]
mod tests;

pub use audit::AuditCheck;
pub use availability::Sight;
pub use error::StoreError;
pub use handle::{Opened, Store};
pub use outbox::{LeasedRow, OutboxCounts, Settle};
pub use prune::Keep;
pub use query::{AttemptRow, AuditRow, DecisionRow, DeliveryRow, EventRow, MOST_ROWS, StoreSize};
pub use thread::Health;
