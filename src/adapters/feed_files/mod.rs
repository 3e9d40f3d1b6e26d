//! Deploys told in files: a directory where each event is dropped as a file, and a log that is read on and on.

pub mod drop_dir;
pub mod tail;

use std::{future::Future, pin::Pin, sync::Arc};

/// What became of what was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Taken, and that is durable.
    Taken,
    /// It will never be taken; why, in a sentence.
    Refused(String),
    /// To be handed in again.
    Later,
}

/// The way of one thing that was read.
pub type Hand<T> = Arc<dyn Fn(T) -> Pin<Box<dyn Future<Output = Verdict> + Send>> + Send + Sync>;
