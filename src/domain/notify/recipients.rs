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
    domain::schedule::rotation::END,
};

/// What is to be told, and when.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    pub is_host: bool,
    pub kind: Kind,
    pub state: State,
    pub notified_on: StateSet,
    /// For periods.
    pub at: Timestamp,
    /// For rotations: whose turn it is at this time. Flapping that ends is told to those who heard of its beginning.
    pub turn: Timestamp,
    /// Who was told of the problem. Those of a rotation hear of its end, and of who took it on, whoever is on call by then.
    pub told: &'a [ContactIx],
}

/// Who is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Each once; none is a rotation.
    pub contacts: Vec<ContactIx>,
    /// Of each rotation among the candidates, why it came to this person.
    pub on_call: Vec<String>,
    /// Why others are not told, each a sentence.
    pub left_out: Vec<String>,
}

/// Contacts among `candidates` that want this notification; and the sentence for "why nobody".
pub fn wanting(
    inventory: &Inventory,
    tuned: &BTreeMap<String, TunedContact>,
    candidates: &[ContactIx],
    wish: &Wish<'_>,
) -> Result<Wanted, String> {
    if candidates.is_empty() {
        return Err("it has no contacts".to_owned());
    }
    let mut found = Wanted::default();
    let mut refusals = Vec::new();
    for candidate in candidates {
        let people = match on_duty(inventory, tuned, *candidate, wish) {
            Ok((people, said)) => {
                found.on_call.extend(said);
                people
            }
            Err(why) => {
                refusals.push(why);
                continue;
            }
        };
        for ix in people {
            let contact = inventory.contact(ix);
            match wants(contact, wish) {
                Ok(()) if found.contacts.contains(&ix) => {}
                Ok(()) => found.contacts.push(ix),
                Err(why) => refusals.push(match inventory.written.contact(ix) {
                    Some(place) => format!("{} {why} ({place})", contact.name),
                    None => format!("{} {why}", contact.name),
                }),
            }
        }
    }
    if found.contacts.is_empty() {
        Err(format!("no contact wants it: {}", refusals.join("; ")))
    } else {
        found.left_out = refusals;
        Ok(found)
    }
}

/// Who can be told where `candidate` is named, and why these, if it is a rotation. The error says why nobody can.
fn on_duty(
    inventory: &Inventory,
    tuned: &BTreeMap<String, TunedContact>,
    candidate: ContactIx,
    wish: &Wish<'_>,
) -> Result<(Vec<ContactIx>, Option<String>), String> {
    let contact = inventory.contact(candidate);
    let reachable = |ix: ContactIx| {
        let person = inventory.contact(ix);
        let tuned = tuned.get(&*person.name);
        match available(inventory, person, tuned, wish.is_host, wish.at) {
            Ok(()) if person.channels.is_empty() => Err("has no channel".to_owned()),
            found => found,
        }
        .map_err(|why| format!("{} {why}", person.name))
    };
    let Some(on_call) = &contact.on_call else {
        return reachable(candidate).map(|()| (vec![candidate], None));
    };
    let mut people: Vec<ContactIx> = Vec::new();
    if matches!(wish.kind, Kind::Recovery | Kind::Acknowledgement) {
        let told = on_call.people.iter().filter(|ix| wish.told.contains(ix));
        let found: Vec<Result<ContactIx, String>> =
            told.map(|ix| reachable(*ix).map(|()| *ix)).collect();
        people.extend(found.iter().flatten());
        let missed: Vec<String> = found.into_iter().filter_map(Result::err).collect();
        // Whoever is on call may never have heard of the problem; the rotation's own hours are over for nobody.
        if wish.kind == Kind::Recovery {
            return if !people.is_empty() {
                Ok((people, None))
            } else if missed.is_empty() {
                Err(format!(
                    "nobody of {} was told of the problem",
                    contact.name
                ))
            } else {
                Err(missed.join("; "))
            };
        }
    }
    let switches = tuned.get(&*contact.name);
    if let Err(why) = available(inventory, contact, switches, wish.is_host, wish.at) {
        return if people.is_empty() {
            Err(format!("{} {why}", contact.name))
        } else {
            Ok((people, None))
        };
    }
    let mut missed = Vec::new();
    for ix in on_call.order(wish.turn) {
        match reachable(ix) {
            Ok(()) => {
                let turn = on_call.rotation.turn(wish.turn);
                let until = match turn.until {
                    until if until < END => format!(" until {until}"),
                    _ => String::new(),
                };
                let name = &inventory.contact(ix).name;
                let taken = turn.instead.map(|(place, who)| {
                    let regular = on_call.people.get(who).copied();
                    let regular = regular.map_or("somebody", |ix| &*inventory.contact(ix).name);
                    format!(
                        ", for {regular}: {}",
                        on_call.rotation.overrides[place].reason
                    )
                });
                let said = if missed.is_empty() {
                    format!(
                        "{name} is on call in {}{until}{}",
                        contact.name,
                        taken.unwrap_or_default()
                    )
                } else {
                    format!(
                        "{}, so {name} stands in for {}",
                        missed.join("; "),
                        contact.name
                    )
                };
                let gap = turn.gap.map(|gap| format!("{gap}: "));
                let mut said = format!("{}{said}", gap.unwrap_or_default());
                let mut add = |ix: ContactIx| {
                    if !people.contains(&ix) {
                        people.push(ix);
                    }
                };
                add(ix);
                if let Some(other) = on_call.also(wish.turn)
                    && other != ix
                    && reachable(other).is_ok()
                {
                    add(other);
                    let other = &inventory.contact(other).name;
                    said +=
                        &format!(", and {other} is told as well, since its calendar is too old");
                }
                return Ok((people, Some(said)));
            }
            Err(why) => missed.push(why),
        }
    }
    if people.is_empty() {
        Err(format!("nobody in {}: {}", contact.name, missed.join("; ")))
    } else {
        Ok((people, None))
    }
}

/// Everybody whom something beside the checks' pages goes to. A rotation gives way to who is on call at `at`, or to the
/// first who can be told, but for `without`; one that is not told at this hour is left out, unless nobody else is there.
pub fn people(
    inventory: &Inventory,
    tuned: &BTreeMap<String, TunedContact>,
    contacts: impl IntoIterator<Item = ContactIx>,
    at: Timestamp,
    without: Option<ContactIx>,
) -> BTreeSet<ContactIx> {
    let open = |ix: ContactIx| {
        let contact = inventory.contact(ix);
        let tuned = tuned.get(&*contact.name);
        [false, true]
            .iter()
            .any(|is_host| available(inventory, contact, tuned, *is_host, at).is_ok())
    };
    let (mut found, mut later) = (BTreeSet::new(), BTreeSet::new());
    for ix in contacts {
        let Some(on_call) = &inventory.contact(ix).on_call else {
            found.insert(ix);
            continue;
        };
        let mut order = on_call.order(at);
        order.retain(|person| Some(*person) != without);
        let has_channel = |ix: &&ContactIx| {
            let person = inventory.contact(**ix);
            person.enabled && !person.channels.is_empty()
        };
        let reachable = |ix: &&ContactIx| has_channel(ix) && open(**ix);
        let person = order
            .iter()
            .find(reachable)
            .or_else(|| order.iter().find(has_channel))
            .or(order.first());
        let also = on_call.also(at).filter(|ix| Some(*ix) != without);
        let people = person.copied().into_iter().chain(also);
        if open(ix) {
            found.extend(people);
        } else {
            later.extend(people);
        }
    }
    if found.is_empty() { later } else { found }
}

/// Is nobody told only because of the hour? Else waiting changes nothing.
pub fn wanted_at_another_time(
    inventory: &Inventory,
    tuned: &BTreeMap<String, TunedContact>,
    candidates: &[ContactIx],
    wish: &Wish<'_>,
) -> bool {
    candidates
        .iter()
        .flat_map(|candidate| {
            let rotates = inventory.contact(*candidate).on_call.is_some();
            let behind = inventory.behind(*candidate).into_iter();
            behind.filter(move |ix| !rotates || wish.told.contains(ix))
        })
        .any(|ix| {
            let contact = inventory.contact(ix);
            let tuned = tuned.get(&*contact.name);
            enabled(contact, tuned, wish.is_host)
                && !contact.channels.is_empty()
                && wants(contact, wish).is_ok()
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
    if let Some(period) = period
        && !period.contains(at)
    {
        return Err(format!("is outside the period `{}`", period.name()));
    }
    Ok(())
}

fn wants(contact: &Contact, wish: &Wish<'_>) -> Result<(), String> {
    let Wish {
        is_host,
        kind,
        state,
        notified_on,
        ..
    } = *wish;
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
