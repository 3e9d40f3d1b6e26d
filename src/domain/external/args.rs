//! The arguments of an external command, taken one after the other.

use std::time::Duration;

use crate::{
    base::time::Timestamp,
    domain::model::{objects::Inventory, state::ObjectName},
};

/// No instant that people mean lies behind this one (the year 9999).
const LAST_SECOND: i64 = 253_402_300_799;

/// An instant from seconds since 1970; None: no sensible one.
pub(super) fn seconds(secs: i64) -> Option<Timestamp> {
    (0..=LAST_SECOND)
        .contains(&secs)
        .then(|| Timestamp::from_secs(secs))
}

/// What is left of the arguments.
pub(super) struct Args<'a> {
    rest: Option<&'a str>,
    pub(super) inventory: &'a Inventory,
}

impl<'a> Args<'a> {
    pub(super) fn new(text: &'a str, inventory: &'a Inventory) -> Self {
        Self {
            rest: Some(text),
            inventory,
        }
    }

    /// Up to the next `;`; None: nothing is left.
    pub(super) fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.take()?;
        match rest.split_once(';') {
            Some((first, rest)) => {
                self.rest = Some(rest);
                Some(first)
            }
            None => Some(rest),
        }
    }

    /// Everything that is left, with its `;`.
    pub(super) fn rest(&mut self) -> Option<&'a str> {
        self.rest.take()
    }

    pub(super) fn needed(&mut self, what: &str) -> Result<&'a str, String> {
        self.next()
            .filter(|text| !text.is_empty())
            .ok_or_else(|| format!("the {what} is missing"))
    }

    /// What may be left out, or empty.
    pub(super) fn given(&mut self) -> Option<&'a str> {
        self.next().filter(|text| !text.is_empty())
    }

    pub(super) fn host(&mut self) -> Result<ObjectName, String> {
        let name = self.needed("host")?;
        self.inventory
            .find_host(name)
            .map(|_| ObjectName::host(name))
            .ok_or_else(|| format!("there is no host `{name}`"))
    }

    /// `host;service`.
    pub(super) fn check(&mut self) -> Result<ObjectName, String> {
        let host = self.host()?;
        self.check_of(&host.host)
    }

    pub(super) fn check_of(&mut self, host: &str) -> Result<ObjectName, String> {
        let name = ObjectName::check(host, self.needed("service")?);
        match self.inventory.find(&name) {
            Some(_) => Ok(name),
            None => Err(format!("there is no check `{name}`")),
        }
    }

    /// A host, or `host;service`.
    pub(super) fn object(&mut self, is_host: bool) -> Result<ObjectName, String> {
        if is_host { self.host() } else { self.check() }
    }

    /// In results a host may be named by its address.
    pub(super) fn host_or_address(&mut self) -> Result<ObjectName, String> {
        let name = self.needed("host")?;
        if self.inventory.find_host(name).is_some() {
            return Ok(ObjectName::host(name));
        }
        let mut hosts = self.inventory.hosts.iter();
        hosts
            .find(|host| &*host.address == name)
            .map(|host| ObjectName::host(&host.name))
            .ok_or_else(|| format!("there is no host with the name or address `{name}`"))
    }

    pub(super) fn number(&mut self, what: &str) -> Result<i64, String> {
        let text = self.needed(what)?;
        text.trim()
            .parse()
            .map_err(|_| format!("the {what} `{text}` is not a whole number"))
    }

    pub(super) fn id(&mut self, what: &str) -> Result<u64, String> {
        let number = self.number(what)?;
        u64::try_from(number).map_err(|_| format!("the {what} {number} is negative"))
    }

    /// 0 is no; anything else yes, as in Nagios.
    pub(super) fn flag(&mut self, what: &str) -> Result<bool, String> {
        self.number(what).map(|number| 0 < number)
    }

    pub(super) fn time(&mut self, what: &str) -> Result<Timestamp, String> {
        let secs = self.number(what)?;
        seconds(secs).ok_or_else(|| format!("the {what} {secs} is no time in seconds since 1970"))
    }

    pub(super) fn span(&mut self, what: &str) -> Result<Duration, String> {
        let secs = self.number(what)?;
        u64::try_from(secs)
            .ok()
            .filter(|secs| i64::try_from(*secs).is_ok_and(|secs| secs <= LAST_SECOND))
            .map(Duration::from_secs)
            .ok_or_else(|| format!("the {what} {secs} is no span of seconds"))
    }
}
