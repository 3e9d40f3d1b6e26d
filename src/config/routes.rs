//! Routes, from their tables to a tree.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::{
    contacts::{Contacts, states},
    fault::{Fault, Sink},
    graph, matchers,
    names::Raw,
    source::Sources,
    value::{Tab, Val},
};
use crate::base::text::did_you_mean;
use crate::domain::model::{
    deploy::{Risk, Verdict},
    grouping::{Cause, Grouping},
    message::Urgency,
    objects::{Contact, ContactIx, Inventory},
    route::{Case, DeployTerms, Route, Routes, Step, Ways},
    state::StateSet,
};

/// No page may wait longer for people on call than this, whoever was told before.
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 60);

/// What the tables say; what they name is looked at once all objects are known, by [`check`].
pub(super) fn build(
    raw: &Raw<'_>,
    contacts: &Contacts<'_>,
    sources: &Sources,
    sink: &mut Sink,
) -> Routes {
    let places: HashMap<&str, usize> = (0..)
        .zip(&raw.routes)
        .filter_map(|(at, tab)| Some((tab.text("name")?, at)))
        .collect();
    let mut routes = Routes {
        all: raw
            .routes
            .iter()
            .map(|tab| route(*tab, contacts, sources, sink))
            .collect(),
        top: Vec::new(),
    };
    let mut edges = vec![Vec::new(); raw.routes.len()];
    for (at, tab) in raw.routes.iter().enumerate() {
        let place = u32::try_from(at).expect("fewer than 2^32 tables");
        let Some(under) = tab.text("under") else {
            routes.top.push(place);
            continue;
        };
        if routes.all[at].also {
            sink.push(
                Fault::new(
                    tab.key_place("also"),
                    "a route under another cannot say `also`",
                )
                .help("write it at the route on top, which decides for all under it"),
            );
        }
        // What is no route is told where all names are looked at.
        let Some(over) = places.get(under) else {
            continue;
        };
        routes.all[*over].under.push(place);
        edges[*over].push(at);
    }
    for circle in &graph::walk(&edges).circles {
        let text = graph::show(circle, |at| raw.routes[at].text("name").unwrap_or_default());
        sink.push(
            Fault::new(
                raw.routes[circle[0]].value_place("under"),
                format!("routes lie under one another in a circle: {text}"),
            )
            .help("leave `under` out of one of them"),
        );
        // Nothing may walk in a circle, though the configuration is refused.
        routes.all.iter_mut().for_each(|route| route.under.clear());
    }
    routes
}

fn route(tab: Tab<'_>, contacts: &Contacts<'_>, sources: &Sources, sink: &mut Sink) -> Route {
    let given = tab.get("match").and_then(Val::table);
    let told = tab
        .get("contacts")
        .map(|value| contacts.resolve(value))
        .unwrap_or_default();
    let steps = steps(tab, contacts, sink);
    let is_known = tab
        .get("contacts")
        .is_some_and(|value| contacts.knows(value));
    if told.is_empty() && is_known {
        let soonest = steps.first().map(|step| step.after);
        match soonest {
            None => sink.push(
                Fault::new(
                    tab.value_place("contacts"),
                    "this route tells nobody",
                )
                .help("name contacts, or write `escalate` with who is told when no deployer takes it on"),
            ),
            Some(after) if LONGEST_WAIT < after => sink.push(
                Fault::new(
                    tab.value_place("escalate"),
                    "people on call would wait for more than 30m",
                )
                .help("a route that begins with the deployers has its first step after at most 30m"),
            ),
            Some(_) => {}
        }
    }
    let flag = |key: &str| tab.get(key).and_then(Val::flag).unwrap_or(false);
    Route {
        name: tab.text("name").unwrap_or_default().into(),
        place: place(tab, sources),
        matcher: given.map(matchers::build).unwrap_or_default(),
        states: given
            .and_then(|given| given.get("states"))
            .map_or(StateSet::ALL, states),
        deploys: given.map(deploy_terms).unwrap_or_default(),
        ways: ways(tab, &told, contacts, sink),
        urgency: urgency(tab),
        contacts: told,
        steps,
        goes_on: flag("continue"),
        also: flag("also"),
        under: Vec::new(),
    }
}

/// Where a table is written: `site.toml:12`.
pub(super) fn place(tab: Tab<'_>, sources: &Sources) -> Arc<str> {
    let place = tab.place();
    let (line, _) = sources.line_and_column(&place);
    format!("{}:{line}", sources.shown(place.file)).into()
}

/// What is written of deploys, of a route or an escalation.
pub(super) fn deploy_terms(tab: Tab<'_>) -> DeployTerms {
    let texts = |key: &str| tab.get(key).into_iter().flat_map(Val::texts);
    DeployTerms {
        risks: texts("risk").filter_map(Risk::parse).collect(),
        verdicts: texts("verdict")
            .map(|word| match word {
                "suspect" => Verdict::Suspect,
                "suspects" => Verdict::Suspects,
                _ => Verdict::None,
            })
            .collect(),
    }
}

fn steps(tab: Tab<'_>, contacts: &Contacts<'_>, sink: &mut Sink) -> Vec<Step> {
    let tables = tab.get("escalate").into_iter().flat_map(Val::items);
    let mut steps: Vec<Step> = tables
        .filter_map(Val::table)
        .filter_map(|step| {
            let told = contacts.resolve(step.get("contacts")?);
            if told.is_empty() && contacts.knows(step.get("contacts")?) {
                sink.push(
                    Fault::new(step.place(), "this step tells nobody")
                        .help("name somebody who is told then"),
                );
            }
            Some(Step {
                after: step.get("after").and_then(Val::span)?,
                ways: ways(step, &told, contacts, sink),
                urgency: urgency(step),
                contacts: told,
            })
        })
        .collect();
    steps.sort_by_key(|step| step.after);
    for pair in steps.windows(2) {
        if pair[0].after == pair[1].after {
            sink.push(
                Fault::new(
                    tab.value_place("escalate"),
                    "two steps come at the same time",
                )
                .help("name the contacts of both in one"),
            );
        }
    }
    steps
}

fn urgency(tab: Tab<'_>) -> Urgency {
    match tab.text("urgency") {
        Some("low") => Urgency::Low,
        _ => Urgency::High,
    }
}

/// The channels that are meant; a word that is no channel of any of the contacts is a mistake.
fn ways(tab: Tab<'_>, told: &[ContactIx], contacts: &Contacts<'_>, sink: &mut Sink) -> Ways {
    let Some(value) = tab.get("channels") else {
        return Ways(None);
    };
    let people: Vec<&Contact> = told
        .iter()
        .map(|ix| &contacts.list[ix.0 as usize])
        .flat_map(|contact| match &contact.on_call {
            Some(on_call) => on_call
                .people
                .iter()
                .map(|ix| &contacts.list[ix.0 as usize])
                .collect(),
            None => vec![contact],
        })
        .collect();
    for item in value.items() {
        let Some(word) = item.text() else { continue };
        let known = people
            .iter()
            .flat_map(|contact| &contact.channels)
            .any(|channel| *channel.label == *word || channel.kind.name() == word);
        if !known && !people.is_empty() && !sink.broken {
            sink.push(
                Fault::new(
                    item.place(),
                    format!("none of its contacts has a channel `{word}`"),
                )
                .help(
                    "write the kind of a channel that they have, such as email, slack or pagerduty",
                ),
            );
        }
    }
    Ways(Some(value.texts().map(Arc::from).collect()))
}

/// No page may wait longer to be told with another one than this.
const LONGEST_UPDATE: Duration = Duration::from_secs(5 * 60);
/// What rings within this of a page of the same cause may be told with it.
const LONGEST_WINDOW: Duration = Duration::from_secs(60 * 60);

/// Which pages come as one; by deploy, where nothing is said.
pub(super) fn grouping(raw: &Raw<'_>, sink: &mut Sink) -> Grouping {
    let layers = raw.root.sub("grouping");
    let defaults = Grouping::default();
    let by = match layers.get("by") {
        None => vec![Cause::Deploy],
        Some(value) => value.items().filter_map(|item| cause(item, sink)).collect(),
    };
    for (key, longest, shown) in [
        ("window", LONGEST_WINDOW, "1h"),
        ("update_every", LONGEST_UPDATE, "5m"),
        ("brake_within", LONGEST_WINDOW, "1h"),
    ] {
        if let Some(value) = layers.get(key)
            && value.span().is_some_and(|span| longest < span)
        {
            sink.push(
                Fault::new(value.place(), format!("`{key}` is at most {shown}"))
                    .help("what is gathered must not become old news"),
            );
        }
    }
    Grouping {
        by,
        window: layers.span("window", defaults.window),
        update_every: layers.span("update_every", defaults.update_every),
        brake: layers
            .whole("brake")
            .and_then(|most| usize::try_from(most).ok())
            .unwrap_or(defaults.brake),
        brake_within: layers.span("brake_within", defaults.brake_within),
    }
}

fn cause(item: Val<'_>, sink: &mut Sink) -> Option<Cause> {
    const WORDS: [&str; 4] = ["deploy", "host", "parent", "app"];
    let word = item.text()?;
    match word {
        "deploy" => Some(Cause::Deploy),
        "host" => Some(Cause::Host),
        "parent" => Some(Cause::Parent),
        "app" => Some(Cause::App),
        _ => {
            if let Some(name) = word.strip_prefix("var.").filter(|name| !name.is_empty()) {
                return Some(Cause::Var(name.to_uppercase().into()));
            }
            let fault = Fault::new(item.place(), format!("`{word}` is nothing to gather by"));
            sink.push(match did_you_mean(word, WORDS) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault.help("write deploy, host, parent, app or var.NAME"),
            });
            None
        }
    }
}

/// What only shows with all objects known: routes that are for nothing, or never asked, and objects that reach nobody.
pub(super) fn check(raw: &Raw<'_>, inventory: &Inventory, sink: &mut Sink) {
    let routes = &inventory.routes;
    if routes.all.is_empty() || sink.broken {
        return;
    }
    for (route, tab) in routes.all.iter().zip(&raw.routes) {
        let hits = inventory
            .objects()
            .any(|obj| route.matcher.fits(inventory, obj));
        if !hits && !inventory.is_empty() {
            sink.push(
                Fault::warning(
                    tab.value_place("match"),
                    format!("route `{}` is for nothing that exists", route.name),
                )
                .help("all that is written in `match` must fit at once"),
            );
        }
        let only_pagers = route.urgency == Urgency::Low
            && !route.contacts.is_empty()
            && route.contacts.iter().all(|ix| {
                let people = inventory.behind(*ix).into_iter();
                let mut channels = people.flat_map(|person| &inventory.contact(person).channels);
                channels.all(|channel| channel.kind.is_pager())
            });
        if only_pagers {
            sink.push(
                Fault::warning(
                    tab.value_place("urgency"),
                    format!(
                        "route `{}` is not urgent, and its contacts have nothing but pagers",
                        route.name
                    ),
                )
                .help("they will be paged nonetheless: give them mail or chat, or write urgency = \"high\""),
            );
        }
    }
    warn_of_shadows(routes, &routes.top, raw, sink);
    let mut silent = inventory.objects().filter(|obj| {
        let rule = inventory.rule(*obj);
        let case = Case {
            inventory,
            obj: *obj,
            told: None,
        };
        rule.command.is_some()
            && rule.notify.enabled
            && rule.notify.contacts.is_empty()
            && routes.pick(&case, false).is_empty()
    });
    if let Some(first) = silent.next() {
        let name = inventory.name(first);
        let message = match silent.count() {
            0 => format!("{name} pages nobody: it has no contacts, and no route is for it"),
            more => format!(
                "{name} and {more} more page nobody: they have no contacts, and no route is for them"
            ),
        };
        sink.push(
            Fault::warning(raw.routes[0].place(), message).help(
                "add a last route without `match`, or write notify = false where that is meant",
            ),
        );
    }
}

/// A route for everything that does not go on leaves nothing to those after it.
fn warn_of_shadows(routes: &Routes, places: &[u32], raw: &Raw<'_>, sink: &mut Sink) {
    let mut catches: Option<u32> = None;
    for at in places {
        let route = &routes.all[*at as usize];
        if let Some(catcher) = catches {
            sink.push(
                Fault::warning(
                    raw.routes[*at as usize].value_place("name"),
                    format!("route `{}` is never asked", route.name),
                )
                .also(
                    raw.routes[catcher as usize].value_place("name"),
                    "this one before it is for everything",
                )
                .help("put it first, or write continue = true at the other one"),
            );
        }
        let is_everything = route.matcher.is_everything()
            && route.states == StateSet::ALL
            && route.deploys == DeployTerms::default();
        if is_everything && !route.goes_on {
            catches.get_or_insert(*at);
        }
        warn_of_shadows(routes, &route.under, raw, sink);
    }
}
