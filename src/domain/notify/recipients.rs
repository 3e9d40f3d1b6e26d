//! Which contacts of an object are told (Nagios' contact filters), and whom a deploy adds.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::time::Timestamp,
    domain::model::{
        deploy::Deploy,
        message::Kind,
        objects::{AppIx, Contact, ContactIx, Inventory},
        state::{State, StateSet},
        tuned::TunedContact,
    },
};

/// Contacts among `candidates` that want this notification at `at`; and the sentence for "why nobody".
#[expect(
    clippy::too_many_arguments,
    reason = "the facts that each contact is asked with"
)]
pub fn wanting(
    inventory: &Inventory,
    tuned: &BTreeMap<String, TunedContact>,
    candidates: &[ContactIx],
    is_host: bool,
    kind: Kind,
    state: State,
    notified_on: StateSet,
    at: Timestamp,
) -> Result<Vec<ContactIx>, String> {
    if candidates.is_empty() {
        return Err("it has no contacts".to_owned());
    }
    let mut wanted = Vec::new();
    let mut refusals = Vec::new();
    for ix in candidates {
        let contact = inventory.contact(*ix);
        let tuned = tuned.get(&*contact.name);
        if let Err(why) = available(inventory, contact, tuned, is_host, at) {
            refusals.push(format!("{} {why}", contact.name));
            continue;
        }
        match wants(contact, is_host, kind, state, notified_on) {
            Ok(()) => wanted.push(*ix),
            Err(why) => refusals.push(format!("{} {why}", contact.name)),
        }
    }
    if wanted.is_empty() {
        Err(format!("no contact wants it: {}", refusals.join("; ")))
    } else {
        Ok(wanted)
    }
}

/// Is nobody told only because of the hour? Else waiting changes nothing.
pub fn wanted_at_another_time(
    inventory: &Inventory,
    tuned: &BTreeMap<String, TunedContact>,
    candidates: &[ContactIx],
    is_host: bool,
    state: State,
    notified_on: StateSet,
) -> bool {
    candidates.iter().any(|ix| {
        let contact = inventory.contact(*ix);
        let tuned = tuned.get(&*contact.name);
        enabled(contact, tuned, is_host)
            && !contact.channels.is_empty()
            && wants(contact, is_host, Kind::Recovery, state, notified_on).is_ok()
    })
}

/// Is told of hosts, or of checks.
fn enabled(contact: &Contact, tuned: Option<&TunedContact>, is_host: bool) -> bool {
    let (configured, changed) = if is_host {
        (contact.host_enabled, tuned.and_then(|tuned| tuned.hosts))
    } else {
        (contact.check_enabled, tuned.and_then(|tuned| tuned.checks))
    };
    changed.unwrap_or(contact.enabled && configured)
}

/// Is told of hosts, or checks, at this time; what was changed at run time counts over the configuration.
fn available(
    inventory: &Inventory,
    contact: &Contact,
    tuned: Option<&TunedContact>,
    is_host: bool,
    at: Timestamp,
) -> Result<(), String> {
    let (named, period) = if is_host {
        (
            tuned.and_then(|tuned| tuned.host_period.as_ref()),
            &contact.host_period,
        )
    } else {
        (
            tuned.and_then(|tuned| tuned.check_period.as_ref()),
            &contact.check_period,
        )
    };
    let period = named
        .and_then(|name| inventory.relations.periods.get(&**name))
        .or(period.as_ref());
    if !enabled(contact, tuned, is_host) {
        return Err("is switched off".to_owned());
    }
    if contact.channels.is_empty() {
        return Err("has no channel".to_owned());
    }
    if let Some(period) = period
        && !period.contains(at)
    {
        return Err(format!("is outside the period `{}`", period.name()));
    }
    Ok(())
}

fn wants(
    contact: &Contact,
    is_host: bool,
    kind: Kind,
    state: State,
    notified_on: StateSet,
) -> Result<(), String> {
    let states = if is_host {
        contact.host_states
    } else {
        contact.check_states
    };
    match kind {
        Kind::Custom | Kind::Amendment | Kind::Digest | Kind::Notice => return Ok(()),
        Kind::FlappingStart | Kind::FlappingStop | Kind::FlappingDisabled => {
            let wanted = if is_host {
                contact.host_on_flapping
            } else {
                contact.on_flapping
            };
            return if wanted {
                Ok(())
            } else {
                Err("does not want flapping".to_owned())
            };
        }
        Kind::DowntimeStart | Kind::DowntimeEnd | Kind::DowntimeCancelled => {
            let wanted = if is_host {
                contact.host_on_downtime
            } else {
                contact.on_downtime
            };
            return if wanted {
                Ok(())
            } else {
                Err("does not want downtimes".to_owned())
            };
        }
        Kind::Problem | Kind::Recovery | Kind::Acknowledgement => {}
    }
    if !states.has(state) {
        return Err(format!("does not want {state}"));
    }
    if !state.is_problem() && !is_host && !states.meets(notified_on) {
        return Err("did not want the problem".to_owned());
    }
    Ok(())
}

/// The deployer's side: contacts that the deploy's actors name, and the app's team.
pub fn of_deploy(
    inventory: &Inventory,
    deploy: &Deploy,
    app: Option<AppIx>,
) -> BTreeSet<ContactIx> {
    let mut found: BTreeSet<ContactIx> = app
        .map(|app| inventory.app(app).contacts.iter().copied().collect())
        .unwrap_or_default();
    for (at, contact) in (0..).zip(&inventory.contacts) {
        let named = |actor: &String| *actor == *contact.name || contact.actors.contains(actor);
        if deploy.actors.iter().any(named) {
            found.insert(ContactIx(at));
        }
    }
    found
}
