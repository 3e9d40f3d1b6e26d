//! Which pages have one cause, so that they come to a person as one.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

/// `[grouping]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// The first that a problem has decides; empty: pages are not gathered.
    pub by: Vec<Cause>,
    /// What comes this long after the last page of the same cause rings anew.
    pub window: Duration,
    /// How soon after a page, and then how often at most, what was gathered is told; what joins the page of a deploy is
    /// told 10 seconds later at the latest.
    pub update_every: Duration,
    /// More pages to one person within [`Grouping::brake_within`] are gathered, whatever their cause; 0: no brake.
    pub brake: usize,
    pub brake_within: Duration,
}

/// No grouping: as Nagios does.
impl Default for Grouping {
    fn default() -> Self {
        Self {
            by: Vec::new(),
            window: Duration::from_secs(600),
            update_every: Duration::from_secs(30),
            brake: 0,
            brake_within: Duration::from_secs(300),
        }
    }
}

/// What pages may have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// One deploy is the suspect of all.
    Deploy,
    /// They are of one host.
    Host,
    /// Their hosts stand behind the same one.
    Parent,
    /// They measure the same app.
    App,
    /// A custom variable has the same value; its name is in upper case.
    Var(Arc<str>),
}

/// How a page came to somebody who had one of the same cause already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    pub contact: String,
    /// The dedup key of the page that it came with; its own where it became a page of its own again.
    pub key: String,
    /// It was told: at once, or with an update.
    pub told: bool,
}
