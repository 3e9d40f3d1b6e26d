//! Whether, whom and what to tell. One gate, one order; every "no" has a reason.

pub mod compose;
pub mod filter;
pub mod matcher;
pub mod recipients;
