//! States, state types and the names of objects.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a check or a host is found to be. The first four belong to checks, the last three to hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    Ok,
    Warning,
    Critical,
    Unknown,
    Up,
    Down,
    Unreachable,
}

impl State {
    /// The word as Nagios writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
            Self::Up => "UP",
            Self::Down => "DOWN",
            Self::Unreachable => "UNREACHABLE",
        }
    }

    /// `$SERVICESTATEID$` or `$HOSTSTATEID$`.
    pub const fn id(self) -> u8 {
        match self {
            Self::Ok | Self::Up => 0,
            Self::Warning | Self::Down => 1,
            Self::Critical | Self::Unreachable => 2,
            Self::Unknown => 3,
        }
    }

    /// Neither OK nor UP.
    pub const fn is_problem(self) -> bool {
        !matches!(self, Self::Ok | Self::Up)
    }

    /// How bad, for "worsens": OK 0, WARNING 1, UNKNOWN 1, CRITICAL 2, DOWN 2, UNREACHABLE 1.
    pub const fn severity(self) -> u8 {
        match self {
            Self::Ok | Self::Up => 0,
            Self::Warning | Self::Unknown | Self::Unreachable => 1,
            Self::Critical | Self::Down => 2,
        }
    }

    /// A state of hosts, or of checks.
    pub const fn is_of(self, host: bool) -> bool {
        matches!(self, Self::Up | Self::Down | Self::Unreachable) == host
    }

    /// A check's state from a plugin's exit code 0..=3; anything else is UNKNOWN (passive results).
    pub const fn of_check_code(code: i32) -> Self {
        match code {
            0 => Self::Ok,
            1 => Self::Warning,
            2 => Self::Critical,
            _ => Self::Unknown,
        }
    }

    /// The bit of this state in a [`StateSet`].
    const fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A set of states, e.g. those a contact wants to hear of, or those people were told about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StateSet(pub u8);

impl StateSet {
    pub const EMPTY: Self = Self(0);
    pub const ALL: Self = Self(0x7f);

    pub const fn with(self, state: State) -> Self {
        Self(self.0 | state.bit())
    }

    pub const fn has(self, state: State) -> bool {
        self.0 & state.bit() != 0
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// Not yet, or now, confirmed by `attempts` results in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum StateType {
    Soft,
    Hard,
}

impl StateType {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Soft => "SOFT",
            Self::Hard => "HARD",
        }
    }
}

/// The name of a host (`web1`) or of a check on a host (`web1/http`). A host's name has no slash; a check's may.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    pub host: Arc<str>,
    pub check: Option<Arc<str>>,
}

impl ObjectName {
    pub fn host(host: &str) -> Self {
        Self {
            host: host.into(),
            check: None,
        }
    }

    pub fn check(host: &str, check: &str) -> Self {
        Self {
            host: host.into(),
            check: Some(check.into()),
        }
    }

    /// Reads `HOST` or `HOST/CHECK`.
    pub fn parse(text: &str) -> Self {
        match text.split_once('/') {
            Some((host, check)) => Self::check(host, check),
            None => Self::host(text),
        }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.check {
            Some(check) => f.pad(&format!("{}/{check}", self.host)),
            None => f.pad(&self.host),
        }
    }
}

impl Serialize for ObjectName {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ObjectName {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self::parse(&text))
    }
}
