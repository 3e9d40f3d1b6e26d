//! Notes where the keys are written that decide who is told.

use std::collections::HashMap;

use super::{
    fault::Place,
    names::{Names, Raw},
    source::Sources,
    templates::{Stack, Templates},
    value::Tab,
};
use crate::domain::model::{
    objects::Contact,
    written::{KEYS, Line, Set, SetIx, Written},
};

/// `tables` says for each check which `[[check]]` it comes from; `hosts` are in the order of the inventory.
pub(super) fn build<'d>(
    (raw, names): (&Raw<'d>, &Names<'d>),
    templates: &Templates<'d>,
    hosts: &[Stack<'d>],
    tables: &[u32],
    contacts: &[Contact],
    sources: &Sources,
) -> Written {
    let mut sets = Sets {
        sources,
        known: HashMap::new(),
        all: Vec::new(),
    };
    let of_tables: Vec<SetIx> = raw
        .checks
        .iter()
        .map(|tab| {
            if tab.get("use").is_none() {
                return sets.of(&[*tab]);
            }
            let stack = templates.of_check(*tab);
            sets.of(&stack.layers.tabs[..stack.own])
        })
        .collect();
    let hosts = hosts
        .iter()
        .map(|stack| sets.of(&stack.layers.tabs[..stack.own]))
        .collect();
    let checks = tables
        .iter()
        .map(|table| of_tables.get(*table as usize).copied().unwrap_or_default())
        .collect();
    let host_defaults = sets.of(&templates.host_defaults.tabs);
    let check_defaults = sets.of(&templates.check_defaults.tabs);
    let contacts = contacts
        .iter()
        .map(|contact| {
            let named = names.contacts.get(&*contact.name);
            let tab = named.or_else(|| names.rotations.get(&*contact.name));
            tab.map_or(Line { file: 0, line: 0 }, |tab| line(&tab.place(), sources))
        })
        .collect();
    let class = raw.root.sub("deploys").sub("class");
    let holds = ["low", "normal", "high"].map(|name| {
        let tabs = class.sub(name).tabs;
        let hold = tabs.iter().find(|tab| tab.get("hold").is_some())?;
        Some(line(&hold.key_place("hold"), sources))
    });
    let files = sources.files.iter().map(|file| file.shown.as_str().into());
    Written {
        files: files.collect(),
        sets: sets.all,
        hosts,
        checks,
        host_defaults,
        check_defaults,
        contacts,
        holds,
    }
}

fn line(place: &Place, sources: &Sources) -> Line {
    let (line, _) = sources.line_and_column(place);
    Line {
        file: place.file,
        line: u32::try_from(line).unwrap_or(u32::MAX),
    }
}

/// Each set once: a hundred thousand checks of a few templates have a few sets.
struct Sets<'s> {
    sources: &'s Sources,
    known: HashMap<Set, SetIx>,
    all: Vec<Set>,
}

impl Sets<'_> {
    /// What these tables say; the first that has a key counts.
    fn of(&mut self, tabs: &[Tab<'_>]) -> SetIx {
        let mut found: Vec<(u8, Line)> = Vec::new();
        for tab in tabs {
            for (entry, value) in tab.entries() {
                let Some(key) = KEYS
                    .binary_search(&&*entry.key)
                    .ok()
                    .and_then(|at| u8::try_from(at).ok())
                else {
                    continue;
                };
                if found.iter().all(|(known, _)| *known != key) {
                    found.push((key, line(&value.place(), self.sources)));
                }
            }
        }
        found.sort_unstable_by_key(|(key, _)| *key);
        let set = found.into_boxed_slice();
        if let Some(known) = self.known.get(&set) {
            return *known;
        }
        let number = SetIx::try_from(self.all.len()).expect("fewer than 2^32 tables");
        self.all.push(set.clone());
        self.known.insert(set, number);
        number
    }
}
