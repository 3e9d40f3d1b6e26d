//! What every floor shares: time, text, secrets, memory, threads.

pub mod memory;
pub mod secret;
pub mod text;
pub mod threads;
pub mod time;
