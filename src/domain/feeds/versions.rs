//! Versions that hosts were seen to run: one that was never seen on a host before came there by a deploy.

use std::collections::{BTreeMap, VecDeque};

/// Apps on hosts that are remembered; then all is forgotten, and what runs is learned anew.
const PLACES: usize = 20_000;
/// Versions remembered of one. Two may run side by side, and take turns in telling of themselves.
const OF_ONE: usize = 8;

/// An app on a host, as a source tells of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub source: String,
    pub app: String,
    pub environment: String,
    pub host: String,
}

/// What a version on a host means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It was there already.
    None,
    /// Nothing was known of the host: it may have been there for long.
    First,
    /// Another one was there before.
    Changed,
}

/// What runs where.
#[derive(Clone, Debug, Default)]
pub struct Versions(BTreeMap<Place, VecDeque<String>>);

impl Versions {
    pub fn look(&self, place: &Place, version: &str) -> News {
        match self.0.get(place) {
            None => News::First,
            Some(known) if known.iter().any(|old| old == version) => News::None,
            Some(_) => News::Changed,
        }
    }

    pub fn note(&mut self, place: Place, version: String) {
        if PLACES <= self.0.len() && !self.0.contains_key(&place) {
            self.0.clear();
        }
        let known = self.0.entry(place).or_default();
        if !known.contains(&version) {
            known.push_back(version);
            if OF_ONE < known.len() {
                known.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(host: &str) -> Place {
        Place {
            source: "otlp".into(),
            app: "shop".into(),
            environment: "production".into(),
            host: host.into(),
        }
    }

    #[test]
    fn a_version_is_news_once_on_each_host() {
        let mut versions = Versions::default();
        let mut see = |host: &str, version: &str| {
            let news = versions.look(&place(host), version);
            versions.note(place(host), version.to_owned());
            news
        };
        for (host, version, news) in [
            ("web1", "1", News::First),
            ("web1", "1", News::None),
            ("web1", "2", News::Changed),
            ("web1", "2", News::None),
            ("web1", "1", News::None),
            ("web2", "2", News::First),
        ] {
            assert_eq!(see(host, version), news, "{host} {version}");
        }
    }

    #[test]
    fn memory_is_bounded() {
        let mut versions = Versions::default();
        for number in 0..PLACES + 10 {
            versions.note(place(&number.to_string()), "1".into());
        }
        assert!(versions.0.len() <= PLACES);
        for number in 0..100 {
            versions.note(place("x"), number.to_string());
        }
        assert!(versions.0.values().all(|known| known.len() <= OF_ONE));
    }
}
