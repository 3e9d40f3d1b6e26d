//! The heart: `(now, input) → effects`. It owns all state, knows no clock and does no I/O.

pub mod effect;
pub mod input;
pub mod view;
