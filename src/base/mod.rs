//! What every floor shares: time, text, secrets, memory.

pub mod memory;
pub mod secret;
pub mod text;
pub mod time;
