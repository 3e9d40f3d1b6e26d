//! What every floor shares: time, text, patterns, pictures, secrets, memory, files, threads.

pub mod base32;
pub mod base64;
pub mod glob;
pub mod memory;
pub mod picture;
pub mod plain_file;
pub mod secret;
pub mod text;
pub mod threads;
pub mod time;
pub mod whole_file;
