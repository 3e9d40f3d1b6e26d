//! What people changed at run time; it counts over the configuration, also after a restart and a reload.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

/// Changes of one object; kept with its status. None: as configured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tuned {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notifications: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passive: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handlers: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flap_detection: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub perfdata: Option<bool>,
    /// Kept for tools that ask; nothing obsesses here (results go out by the API and the log).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obsess: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freshness: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// Names of periods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify_period: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handler_period: Option<String>,
    /// Custom variables, upper case.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub vars: BTreeMap<String, String>,
}

/// Changes of one contact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TunedContact {
    pub hosts: Option<bool>,
    pub checks: Option<bool>,
    /// Names of periods.
    pub host_period: Option<String>,
    pub check_period: Option<String>,
    pub vars: BTreeMap<String, String>,
}

/// Switches of the whole installation, and those of contacts. None: as configured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Switches {
    pub notifications: Option<bool>,
    pub active_hosts: Option<bool>,
    pub active_checks: Option<bool>,
    pub passive_hosts: Option<bool>,
    pub passive_checks: Option<bool>,
    pub handlers: Option<bool>,
    pub flap_detection: Option<bool>,
    pub perfdata: Option<bool>,
    pub obsess_hosts: Option<bool>,
    pub obsess_checks: Option<bool>,
    pub fresh_hosts: Option<bool>,
    pub fresh_checks: Option<bool>,
    pub contacts: BTreeMap<String, TunedContact>,
}

impl Switches {
    /// Are hosts, or checks, run on their schedules?
    pub fn active(&self, is_host: bool) -> bool {
        pick(is_host, self.active_hosts, self.active_checks)
    }

    /// Are results from outside taken?
    pub fn passive(&self, is_host: bool) -> bool {
        pick(is_host, self.passive_hosts, self.passive_checks)
    }

    /// Are results watched for being too old?
    pub fn fresh(&self, is_host: bool) -> bool {
        pick(is_host, self.fresh_hosts, self.fresh_checks)
    }
}

fn pick(is_host: bool, hosts: Option<bool>, checks: Option<bool>) -> bool {
    if is_host { hosts } else { checks }.unwrap_or(true)
}
