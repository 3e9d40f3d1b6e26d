//! What every floor shares: patterns, time, text, secrets, memory.

pub mod glob;
pub mod memory;
pub mod secret;
pub mod text;
pub mod time;
