//! What the deploys of one app usually do, as far as it was seen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Kept for each app and environment, also when its deploys are long forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Habit {
    pub app: String,
    pub environment: String,
    /// Lengths of the last deploys that finished, in seconds, the oldest first.
    pub lengths: Vec<u32>,
    /// By name of a check: for how many seconds it was bad after its host was restarted, where that passed by itself.
    pub blips: BTreeMap<String, Vec<u32>>,
    /// So many deploys in a row finished without a hold that hid anything.
    pub quiet: u32,
}
