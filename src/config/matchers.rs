//! What is written of the hosts and checks that routes, silences and mute times are for.

use super::value::{Tab, Val};
use crate::domain::notify::matcher::Matcher;

/// Reads the keys of [`super::keys::MATCHER`].
pub(super) fn build(tab: Tab<'_>) -> Matcher {
    let list = |key: &str| texts(tab.get(key));
    let vars = tab.get("vars").and_then(Val::table);
    Matcher {
        hosts: list("hosts"),
        groups: list("groups"),
        checks: list("checks"),
        apps: list("apps"),
        vars: vars
            .into_iter()
            .flat_map(Tab::entries)
            .map(|(entry, value)| (entry.key.to_uppercase(), texts(Some(value))))
            .collect(),
    }
}

fn texts(value: Option<Val<'_>>) -> Vec<String> {
    let texts = value.into_iter().flat_map(Val::texts);
    texts.map(str::to_owned).collect()
}
