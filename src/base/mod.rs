//! Small values every floor shares: time, text, secrets.

pub mod secret;
pub mod text;
pub mod time;
