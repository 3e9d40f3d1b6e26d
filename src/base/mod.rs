//! What every floor shares: time, text, patterns, secrets, memory.

pub mod glob;
pub mod memory;
pub mod secret;
pub mod text;
pub mod time;
