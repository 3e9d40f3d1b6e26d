//! What a person is told, before any channel shapes it, and the delivery that carries it.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::deploy::Attribution;
use crate::base::time::Timestamp;

/// Why a notification is sent: `$NOTIFICATIONTYPE$`, and ours beyond Nagios'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Problem,
    Recovery,
    Acknowledgement,
    FlappingStart,
    FlappingStop,
    FlappingDisabled,
    DowntimeStart,
    DowntimeEnd,
    DowntimeCancelled,
    Custom,
    /// New knowledge about a page that already left; carries its dedup key.
    Amendment,
    /// What a deploy's holds hid.
    Digest,
    /// To the deployer, of low urgency: "was already failing", "blips again".
    Notice,
}

impl Kind {
    /// It goes to contacts of the object, and not to the people behind a deploy or to those who were told before.
    pub const fn is_for_contacts(self) -> bool {
        !matches!(self, Self::Amendment | Self::Digest | Self::Notice)
    }

    /// The webhook's `kind`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Recovery => "recovery",
            Self::Acknowledgement => "acknowledgement",
            Self::FlappingStart => "flapping-start",
            Self::FlappingStop => "flapping-stop",
            Self::FlappingDisabled => "flapping-disabled",
            Self::DowntimeStart => "downtime-start",
            Self::DowntimeEnd => "downtime-end",
            Self::DowntimeCancelled => "downtime-cancelled",
            Self::Custom => "custom",
            Self::Amendment => "amendment",
            Self::Digest => "digest",
            Self::Notice => "notice",
        }
    }

    /// `$NOTIFICATIONTYPE$`. Ours beyond Nagios' read CUSTOM, which every Nagios script knows.
    pub const fn nagios_name(self) -> &'static str {
        match self {
            Self::Problem => "PROBLEM",
            Self::Recovery => "RECOVERY",
            Self::Acknowledgement => "ACKNOWLEDGEMENT",
            Self::FlappingStart => "FLAPPINGSTART",
            Self::FlappingStop => "FLAPPINGSTOP",
            Self::FlappingDisabled => "FLAPPINGDISABLED",
            Self::DowntimeStart => "DOWNTIMESTART",
            Self::DowntimeEnd => "DOWNTIMEEND",
            Self::DowntimeCancelled => "DOWNTIMECANCELLED",
            Self::Custom | Self::Amendment | Self::Digest | Self::Notice => "CUSTOM",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Urgency {
    /// Mail, chat, webhook; never a pager.
    Low,
    /// A page.
    High,
}

/// A notification in words and values; every channel renders it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub kind: Kind,
    pub urgency: Urgency,
    /// Why it is sent, a sentence: "hard CRITICAL after 3 of 3 attempts".
    pub reason: String,
    /// Same for a problem, its reminders, acknowledgement, amendments and recovery.
    pub dedup_key: String,
    pub at: Timestamp,
    pub host: String,
    pub address: String,
    /// None: about the host itself.
    pub check: Option<String>,
    /// `CRITICAL`, `DOWN`, ...
    pub state: String,
    /// `HARD` or `SOFT`.
    pub state_type: String,
    pub attempt: u32,
    pub max_attempts: u32,
    pub output: String,
    pub long_output: String,
    pub perfdata: String,
    /// Start of the first bad result; None when there was none.
    pub since: Option<Timestamp>,
    /// `$NOTIFICATIONNUMBER$`.
    pub number: u32,
    /// It goes to the contacts of an escalation.
    #[serde(default)]
    pub escalated: bool,
    pub deploy: Attribution,
    pub author: Option<String>,
    pub comment: Option<String>,
    /// Runbook or notes.
    pub notes: Option<String>,
    pub notes_url: Option<String>,
    /// Body lines of a digest or notice, ready to print.
    #[serde(default)]
    pub lines: Vec<String>,
    /// Standard macros by name without `$` (`HOSTNAME`, `SERVICESTATE`, `_HOSTRACK`, ...); filled only for command channels.
    #[serde(default)]
    pub macros: BTreeMap<String, String>,
}

impl Message {
    /// `web1/http` or `web1`.
    pub fn object(&self) -> String {
        match &self.check {
            Some(check) => format!("{}/{check}", self.host),
            None => self.host.clone(),
        }
    }
}

/// One message on one channel of one contact: a row of the outbox.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Unique and stable: a second insert of the same key changes nothing.
    pub key: String,
    pub contact: String,
    /// Label of the contact's channel.
    pub channel: String,
    pub created_at: Timestamp,
    pub message: Arc<Message>,
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivered {
    Sent,
    /// Still tried, but late: on-call people should know.
    Delayed {
        why: String,
    },
    /// Given up.
    Dead {
        why: String,
    },
}
