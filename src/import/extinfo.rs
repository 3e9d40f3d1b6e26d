//! `hostextinfo` and `serviceextinfo`, which Nagios 3 merged into hosts and services: so do we, before all else.

use super::{
    objects::{Entry, Object},
    pattern::Pattern,
    resolve::{Inheritance, list},
    source::Faults,
    words::Kind,
};

const DETAILS: &[&str] = &["notes", "notes_url", "action_url", "icon_image"];

/// Adds what extinfo objects say to hosts and services that do not say it themselves.
pub fn merge(objects: &mut [Object<'_>]) {
    let is_extinfo =
        |object: &&Object<'_>| matches!(object.kind, Kind::HostExtInfo | Kind::ServiceExtInfo);
    if objects.iter().find(is_extinfo).is_none() {
        return;
    }
    // Faults are told of when inheritance is settled for good.
    let inheritance = Inheritance::new(objects, &mut Faults::default());
    let mut more: Vec<(usize, usize, &'static str)> = Vec::new();
    for (from, extinfo) in objects
        .iter()
        .enumerate()
        .filter(|(_, object)| is_extinfo(object))
    {
        let kind = if extinfo.kind == Kind::HostExtInfo {
            Kind::Host
        } else {
            Kind::Service
        };
        let hosts = inheritance.text(from, "host_name").unwrap_or_default();
        let name = inheritance.text(from, "service_description");
        for (to, _) in objects
            .iter()
            .enumerate()
            .filter(|(_, object)| object.kind == kind && object.is_real())
        {
            let own = inheritance.text(to, "host_name").unwrap_or_default();
            let same = list(&own).any(|own| list(&hosts).any(|host| is(own, host)));
            if !same || kind == Kind::Service && inheritance.text(to, "service_description") != name
            {
                continue;
            }
            let missing = DETAILS
                .iter()
                .filter(|key| inheritance.text(to, key).is_none());
            more.extend(missing.map(|key| (from, to, *key)));
        }
    }
    let more: Vec<(usize, Entry<'_>)> = more
        .into_iter()
        .filter_map(|(from, to, key)| Some((to, objects[from].own(key)?.clone())))
        .collect();
    for (to, entry) in more {
        objects[to].entries.push(entry);
    }
}

/// Whether a host is meant by a word of a list: its name, `*`, or a regular expression.
fn is(word: &str, host: &str) -> bool {
    let is_pattern = word.contains(['*', '?', '+', '\\']);
    word == host
        || word == "*"
        || is_pattern && Pattern::parse(word).is_ok_and(|pattern| pattern.found_in(host))
}
