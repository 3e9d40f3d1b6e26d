//! Objectives of availability, from their tables.

use super::{
    fault::{Fault, Sink},
    matchers,
    names::Raw,
    value::Val,
};
use crate::domain::model::{objective::Objective, objects::Inventory};

pub(super) fn build(raw: &Raw<'_>) -> Vec<Objective> {
    raw.objectives
        .iter()
        .map(|tab| Objective {
            name: tab.text("name").unwrap_or_default().into(),
            matcher: tab.get("match").and_then(Val::table).map(matchers::build),
            target: tab.get("target").and_then(Val::number),
        })
        .collect()
}

/// What only shows with all objects known: objectives that are for nothing.
pub(super) fn check(raw: &Raw<'_>, inventory: &Inventory, sink: &mut Sink) {
    if sink.broken || inventory.is_empty() {
        return;
    }
    for (objective, tab) in inventory.objectives.iter().zip(&raw.objectives) {
        if !objective.objects(inventory).is_empty() {
            continue;
        }
        let name = &objective.name;
        sink.push(match objective.matcher {
            Some(_) => Fault::warning(
                tab.value_place("match"),
                format!("objective `{name}` is for nothing that exists"),
            )
            .help("all that is written in `match` must fit at once"),
            None => Fault::warning(
                tab.place(),
                format!("objective `{name}` is for nothing: no check has external = true"),
            )
            .help("write `match` with what it is for, or external = true at the checks that see what users see"),
        });
    }
}
