//! Named sets of times.
/// A time period.
#[derive(Debug)]
pub struct Period {}
