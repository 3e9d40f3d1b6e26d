//! Where in the files the values are written that decide who is told: for the record of each decision.

use std::sync::Arc;

use super::{
    deploy::Risk,
    objects::{ContactIx, HostIx, ObjIx},
};

/// The keys whose places are kept, sorted.
pub const KEYS: [&str; 10] = [
    "attempts",
    "contacts",
    "downtime",
    "first_delay",
    "flapping",
    "notify",
    "notify_period",
    "parents",
    "remind",
    "states",
];
/// What a check takes from its host where neither it nor a template says it, as in Nagios.
pub const FROM_HOST: [&str; 3] = ["contacts", "notify_period", "remind"];

/// A line of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    /// Among [`Written::files`].
    pub file: u32,
    /// From 1.
    pub line: u32,
}

/// A number among [`Written::sets`].
pub type SetIx = u32;

/// The lines of some of [`KEYS`]: the place of each among them, in ascending order.
pub type Set = Box<[(u8, Line)]>;

/// The places of all objects' keys. Objects whose own table has none of the keys share what their templates say.
#[derive(Debug, Default)]
pub struct Written {
    /// As shown; none where nothing was read from a file.
    pub files: Vec<Arc<str>>,
    pub sets: Vec<Set>,
    /// What each host says itself or by a template.
    pub hosts: Vec<SetIx>,
    /// The same for each check.
    pub checks: Vec<SetIx>,
    pub host_defaults: SetIx,
    pub check_defaults: SetIx,
    /// The table of each contact.
    pub contacts: Vec<Line>,
    /// `hold` of the classes low, normal and high, where it is written.
    pub holds: [Option<Line>; 3],
}

impl Written {
    /// The effective `key` of an object, and where it is written: `states, shop.toml:12`, or `states, by default`.
    /// None where nothing was read from files. `host` is the host of a check, None for a host.
    pub fn key(&self, obj: ObjIx, host: Option<HostIx>, key: &str) -> Option<String> {
        if self.files.is_empty() {
            return None;
        }
        let place = u8::try_from(KEYS.binary_search(&key).ok()?).ok()?;
        let at = obj.0 as usize;
        let Some(host) = host else {
            let layers = [self.hosts.get(at), Some(&self.host_defaults)];
            return Some(self.first_of(layers, place, key));
        };
        let inherits = FROM_HOST.contains(&key);
        let check = self.checks.get(at.checked_sub(self.hosts.len())?);
        let layers = [
            check,
            self.hosts.get(host.0 as usize).filter(|_| inherits),
            Some(&self.check_defaults),
            Some(&self.host_defaults).filter(|_| inherits),
        ];
        Some(self.first_of(layers, place, key))
    }

    /// The `hold` of a class of deploys.
    pub fn hold(&self, class: Risk) -> Option<String> {
        let line = match class {
            Risk::Low => &self.holds[0],
            Risk::Normal => &self.holds[1],
            Risk::High => &self.holds[2],
        };
        let what = format!("hold of [deploys.class.{}]", class.name());
        (!self.files.is_empty()).then(|| match line {
            Some(line) => format!("{what}, {}", self.show(*line)),
            None => format!("{what}, by default"),
        })
    }

    /// Where a contact is written: `people.toml:7`.
    pub fn contact(&self, contact: ContactIx) -> Option<String> {
        let line = self.contacts.get(contact.0 as usize)?;
        if line.line == 0 {
            return None;
        }
        Some(self.show(*line))
    }

    fn first_of<'s, const N: usize>(
        &'s self,
        layers: [Option<&'s SetIx>; N],
        place: u8,
        key: &str,
    ) -> String {
        let found = layers.into_iter().flatten().find_map(|set| {
            let set = self.sets.get(*set as usize)?;
            let at = set.binary_search_by_key(&place, |(key, _)| *key).ok()?;
            Some(set[at].1)
        });
        match found {
            Some(line) => format!("{key}, {}", self.show(line)),
            None => format!("{key}, by default"),
        }
    }

    fn show(&self, line: Line) -> String {
        let file = self.files.get(line.file as usize);
        format!("{}:{}", file.map_or("", |file| file), line.line)
    }
}
