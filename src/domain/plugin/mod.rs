//! What plugins say: output, performance data, threshold ranges.

mod passive;
pub mod perfdata;
mod read;
mod split;
pub mod threshold;

pub use passive::passive;
pub use read::{Reading, Subject, read};
pub use split::{Parts, split};

#[cfg(test)]
mod tests;
