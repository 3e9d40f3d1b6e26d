//! Which hosts and checks something is for: routes, silences and mute times name them in the same words.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    base::glob,
    domain::model::objects::{Inventory, ObjIx},
};

/// Names, each with `*` and `?`, and `!` in front of those to leave out. All lists that are there must fit; a list that
/// only leaves out fits everything else. Without any list it is for everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matcher {
    /// Hosts, themselves and with their checks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Groups of hosts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Checks; a host itself has no such name, so that `!*` stands for hosts alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<String>,
    /// Apps, as `shop` or `shop@production`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apps: Vec<String>,
    /// Values of custom variables, a check's own or else its host's; names in upper case.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vars: BTreeMap<String, Vec<String>>,
}

/// What [`Matcher::parse`] takes, for messages.
pub const TERMS: &str = "host=NAME, group=NAME, check=NAME, app=NAME or var.NAME=VALUE, each with `*` and `?`, with commas between several and `!` in front of what is left out";

/// More patterns than anybody writes: what comes from outside is bounded.
const MOST: usize = 256;

impl Matcher {
    /// Reads terms such as `host=web*,!web3`, `check=disk*` and `var.role=db`.
    ///
    /// # Errors
    /// A sentence that names the term and what could stand there.
    pub fn parse<'t>(terms: impl IntoIterator<Item = &'t str>) -> Result<Self, String> {
        let mut found = Self::default();
        for term in terms {
            let (key, values) = term
                .split_once('=')
                .ok_or_else(|| format!("`{term}` says nothing of what it is for; write {TERMS}"))?;
            let values: Vec<String> = values
                .split(',')
                .map(|value| value.trim().to_owned())
                .collect();
            if values.iter().any(|value| value.is_empty() || value == "!") {
                return Err(format!("`{term}` has an empty name in it"));
            }
            let list = match key.trim() {
                "host" => &mut found.hosts,
                "group" => &mut found.groups,
                "check" => &mut found.checks,
                "app" => &mut found.apps,
                key => match key.strip_prefix("var.").filter(|name| !name.is_empty()) {
                    Some(name) => found.vars.entry(name.to_uppercase()).or_default(),
                    None => return Err(format!("`{key}` in `{term}` is unknown; write {TERMS}")),
                },
            };
            list.extend(values);
            if MOST < list.len() {
                return Err(format!("more than {MOST} names; use `*`, or a group"));
            }
        }
        Ok(found)
    }

    /// It names nothing, so it is for everything.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    pub fn fits(&self, inventory: &Inventory, obj: ObjIx) -> bool {
        let host = inventory.host(inventory.host_ix(obj));
        let check = inventory.check(obj);
        listed(&self.hosts, [&*host.name])
            && listed(&self.checks, check.map(|check| &*check.name))
            && listed(&self.groups, host.groups.iter().map(|group| &**group))
            && self.fits_apps(inventory, obj)
            && self.vars.iter().all(|(name, patterns)| {
                let own = check.and_then(|check| check.rule.vars.get(name));
                let value = own.or_else(|| host.vars.get(name));
                listed(patterns, value.map(String::as_str))
            })
    }

    fn fits_apps(&self, inventory: &Inventory, obj: ObjIx) -> bool {
        if self.apps.is_empty() {
            return true;
        }
        let names: Vec<[String; 2]> = inventory
            .apps_of(obj)
            .iter()
            .map(|app| inventory.app(*app))
            .map(|app| {
                [
                    app.name.to_string(),
                    format!("{}@{}", app.name, app.environment),
                ]
            })
            .collect();
        listed(&self.apps, names.iter().flatten().map(String::as_str))
    }
}

/// Whether one of `names` is listed, and none of them left out.
fn listed<'n>(patterns: &[String], names: impl IntoIterator<Item = &'n str>) -> bool {
    if patterns.is_empty() {
        return true;
    }
    let mut found = patterns.iter().all(|pattern| pattern.starts_with('!'));
    for name in names {
        for pattern in patterns {
            match pattern.strip_prefix('!') {
                Some(out) if glob::matches(out, name) => return false,
                Some(_) => {}
                None => found |= glob::matches(pattern, name),
            }
        }
    }
    found
}

/// As [`Matcher::parse`] takes it.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_everything() {
            return f.write_str("everything");
        }
        let lists = [
            ("host", &self.hosts),
            ("group", &self.groups),
            ("check", &self.checks),
            ("app", &self.apps),
        ];
        let lists = lists
            .into_iter()
            .map(|(key, list)| (key.to_owned(), list))
            .chain(
                self.vars
                    .iter()
                    .map(|(name, list)| (format!("var.{}", name.to_lowercase()), list)),
            );
        let mut is_first = true;
        for (key, list) in lists.filter(|(_, list)| !list.is_empty()) {
            let gap = if is_first { "" } else { " " };
            write!(f, "{gap}{key}={}", list.join(","))?;
            is_first = false;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Matcher;
    use crate::domain::{engine::tests::site::shop, model::objects::Inventory};

    /// The names of all objects that `terms` are for.
    fn hit(inventory: &Inventory, terms: &str) -> String {
        let matcher = Matcher::parse(terms.split_whitespace()).expect("terms that can be read");
        assert_eq!(matcher.is_everything(), terms.is_empty());
        if !terms.is_empty() {
            let again = matcher.to_string();
            let read = Matcher::parse(again.split_whitespace()).expect("its own words");
            assert_eq!(read, matcher, "{again}");
        }
        let hits = inventory
            .objects()
            .filter(|obj| matcher.fits(inventory, *obj));
        hits.map(|obj| inventory.name(obj).to_string())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn names_patterns_and_exceptions_pick_hosts_and_checks() {
        let mut inventory = shop();
        let host = inventory.find_host("db1").expect("a host");
        inventory.hosts[host.0 as usize]
            .vars
            .insert("ROLE".to_owned(), "database".to_owned());
        let site = &inventory;
        assert_eq!(hit(site, "").split(' ').count(), site.len());
        assert_eq!(hit(site, "host=db1"), "db1 db1/cpu db1/http");
        assert_eq!(hit(site, "host=db1 check=*"), "db1/cpu db1/http");
        assert_eq!(hit(site, "host=db?,web1 check=!*"), "db1 web1");
        assert_eq!(
            hit(site, "group=tier1,!tier2 check=cpu host=!web2"),
            "cache1/cpu web1/cpu web3/cpu"
        );
        assert_eq!(
            hit(site, "app=shop@staging"),
            "stage1 stage1/cpu stage1/http"
        );
        assert_eq!(
            hit(site, "app=shop,!shop@production check=http"),
            "stage1/http"
        );
        assert_eq!(hit(site, "var.role=data*"), "db1 db1/cpu db1/http");
        assert_eq!(
            hit(site, "var.role=!* host=db1,lb1"),
            "lb1 lb1/cpu lb1/http"
        );
        assert_eq!(hit(site, "host=nobody"), "");
        assert_eq!(hit(site, "group=!tier1 host=web*"), "");
    }

    #[test]
    fn what_cannot_be_read_is_told_with_what_could() {
        for (terms, part) in [
            ("web1", "`web1` says nothing of what it is for"),
            (
                "hosts=web1",
                "`hosts` in `hosts=web1` is unknown; write host=",
            ),
            ("host=", "an empty name"),
            ("host=a,,b", "an empty name"),
            ("host=!", "an empty name"),
            ("var.=x", "`var.` in"),
        ] {
            let why = Matcher::parse([terms]).expect_err(terms);
            assert!(why.contains(part), "{why}");
        }
        let many = format!("host={}", vec!["a"; 300].join(","));
        assert!(Matcher::parse([&*many]).is_err());
    }
}
