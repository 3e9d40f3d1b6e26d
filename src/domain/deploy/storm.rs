//! A storm: so many deploys run in one environment at once that "something was deployed there" explains nothing.

use super::{
    live::LiveDeploy,
    window::{self, Window},
};
use crate::base::time::Timestamp;

/// Does it run at `at`?
pub fn runs(live: &LiveDeploy, at: Timestamp) -> bool {
    window::of(&live.deploy, &live.rules, std::time::Duration::ZERO, at) == Window::Active
}
