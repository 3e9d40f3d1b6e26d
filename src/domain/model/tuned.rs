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

/// The bits of `modified_attributes` (`include/common.h`, `MODATTR_*`).
pub mod attributes {
    pub const NOTIFICATIONS: u32 = 1;
    pub const ACTIVE: u32 = 2;
    pub const PASSIVE: u32 = 4;
    pub const HANDLERS: u32 = 8;
    pub const FLAP_DETECTION: u32 = 16;
    pub const PERFDATA: u32 = 64;
    pub const OBSESS: u32 = 128;
    pub const INTERVAL: u32 = 1024;
    pub const RETRY: u32 = 2048;
    pub const ATTEMPTS: u32 = 4096;
    pub const FRESHNESS: u32 = 8192;
    pub const CHECK_PERIOD: u32 = 16384;
    pub const VARS: u32 = 32768;
    pub const NOTIFY_PERIOD: u32 = 65536;
}

impl Tuned {
    /// Which attributes are changed, as bits of [`attributes`]; `notifications_off` is kept beside this.
    pub fn modified(&self) -> u32 {
        use attributes as a;
        [
            (a::NOTIFICATIONS, self.notifications.is_some()),
            (a::ACTIVE, self.active.is_some()),
            (a::PASSIVE, self.passive.is_some()),
            (
                a::HANDLERS,
                self.handlers.is_some() || self.handler_period.is_some(),
            ),
            (a::FLAP_DETECTION, self.flap_detection.is_some()),
            (a::PERFDATA, self.perfdata.is_some()),
            (a::OBSESS, self.obsess.is_some()),
            (a::INTERVAL, self.every.is_some()),
            (a::RETRY, self.retry.is_some()),
            (a::ATTEMPTS, self.attempts.is_some()),
            (a::FRESHNESS, self.freshness.is_some()),
            (a::CHECK_PERIOD, self.period.is_some()),
            (a::VARS, !self.vars.is_empty()),
            (a::NOTIFY_PERIOD, self.notify_period.is_some()),
        ]
        .into_iter()
        .filter(|(_, changed)| *changed)
        .fold(0, |bits, (bit, _)| bits | bit)
    }

    /// What is not among these attributes is as configured again.
    pub fn keep(self, kept: u32) -> Self {
        use attributes as a;
        fn of<T>(kept: u32, bit: u32, value: Option<T>) -> Option<T> {
            value.filter(|_| kept & bit != 0)
        }
        Self {
            notifications: of(kept, a::NOTIFICATIONS, self.notifications),
            active: of(kept, a::ACTIVE, self.active),
            passive: of(kept, a::PASSIVE, self.passive),
            handlers: of(kept, a::HANDLERS, self.handlers),
            handler_period: of(kept, a::HANDLERS, self.handler_period),
            flap_detection: of(kept, a::FLAP_DETECTION, self.flap_detection),
            perfdata: of(kept, a::PERFDATA, self.perfdata),
            obsess: of(kept, a::OBSESS, self.obsess),
            every: of(kept, a::INTERVAL, self.every),
            retry: of(kept, a::RETRY, self.retry),
            attempts: of(kept, a::ATTEMPTS, self.attempts),
            freshness: of(kept, a::FRESHNESS, self.freshness),
            period: of(kept, a::CHECK_PERIOD, self.period),
            notify_period: of(kept, a::NOTIFY_PERIOD, self.notify_period),
            vars: if kept & a::VARS == 0 {
                BTreeMap::new()
            } else {
                self.vars
            },
        }
    }
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
