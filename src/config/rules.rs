//! Rules: how a host or a check is run and whom it tells, from its layers of tables.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::{
    commands::Commands,
    contacts::{Contacts, state, states, variables},
    fault::{Fault, Sink},
    keys::RARE,
    periods::Crons,
    shared::SharedRules,
    templates::Stack,
    value::{Layers, Val},
};
use crate::domain::{
    model::{
        deploy::Regressions,
        objects::{FlapRule, Native, NotifyRule, ProfileIx, Rule, Schedule, TagIx, Terms},
        relations::{Rare, StaleAfter},
        state::StateSet,
    },
    schedule::Period,
};

/// Built-in values of `service_low_flap_threshold` and `service_high_flap_threshold`.
const FLAP_LOW: f64 = 20.0;
const FLAP_HIGH: f64 = 30.0;
const EVERY: Duration = Duration::from_secs(300);
const RETRY: Duration = Duration::from_secs(60);
const REMIND: Duration = Duration::from_secs(30 * 60);
const CHECK_TIMEOUT: Duration = Duration::from_secs(60);
const HOST_TIMEOUT: Duration = Duration::from_secs(30);

/// What a rule may refer to.
pub(super) struct Rules<'b, 'd> {
    pub contacts: &'b Contacts<'d>,
    pub periods: &'b HashMap<&'d str, Arc<Period>>,
    pub profiles: &'b HashMap<&'d str, ProfileIx>,
    pub tags: &'b HashMap<&'d str, TagIx>,
    pub commands: Commands<'d, 'b>,
    pub crons: Crons<'d>,
    pub shared: SharedRules,
}

impl<'b, 'd> Rules<'b, 'd> {
    /// The same for another thread, which is to build about so many rules.
    pub fn anew(&self, about: usize) -> Rules<'b, 'd> {
        Rules {
            commands: self.commands.anew(about),
            crons: Crons::default(),
            shared: SharedRules::default(),
            ..*self
        }
    }

    /// Whether something was said of what several rules may share.
    pub const fn told(&self) -> bool {
        self.commands.told || self.crons.told
    }

    /// The rule of a check, or of a host.
    pub fn build(&mut self, stack: &Stack<'d>, is_host: bool, sink: &mut Sink) -> Rule {
        let layers = &stack.layers;
        let command = layers.get(if is_host { "check" } else { "command" });
        let names = |key: &str| layers.get(key).into_iter().flat_map(Val::texts);
        let command = command.and_then(|value| self.commands.line(value, sink));
        let terms = Terms {
            schedule: self.schedule(layers, sink),
            retry: layers.span("retry", RETRY),
            attempts: layers
                .whole("attempts")
                .and_then(|count| u32::try_from(count).ok())
                .unwrap_or(3)
                .max(1),
            timeout: layers.span(
                "timeout",
                if is_host { HOST_TIMEOUT } else { CHECK_TIMEOUT },
            ),
            active: layers.flag("active", true),
            accepts_passive: layers.flag("passive", true),
            volatile: layers.flag("volatile", false),
            check_period: self.period(layers.get("period")),
            notify: self.notify(layers),
            flap: flap(layers, sink),
            profile: layers
                .text("profile")
                .and_then(|name| self.profiles.get(name))
                .copied()
                .unwrap_or(ProfileIx(0)),
            tags: names("tags")
                .filter_map(|name| self.tags.get(name))
                .copied()
                .collect(),
            env_macros: layers.flag("env_macros", false),
            app: None,
            always_page: layers.flag("always_page", false),
            external: layers.flag("external", false),
            notes: layers
                .text("notes")
                .filter(|text| !text.is_empty())
                .map(Arc::from),
            notes_url: layers
                .text("notes_url")
                .filter(|text| !text.is_empty())
                .map(Arc::from),
            // A host's variables stand in the host itself.
            vars: if is_host {
                Default::default()
            } else {
                variables(layers.sub("vars").tabs, sink)
            },
            native: Native::of(layers.text("native").unwrap_or_default()),
            rare: self.rare(layers, sink),
        };
        Rule {
            command,
            terms: Arc::new(terms),
        }
    }

    /// What few objects say; None where this one says none of it.
    fn rare(&mut self, layers: &Layers<'d>, sink: &mut Sink) -> Option<Arc<Rare>> {
        if !RARE.iter().any(|key| layers.get(key.name).is_some()) {
            return None;
        }
        let text = |key: &str| {
            let text = layers.text(key).filter(|text| !text.is_empty());
            text.map(Arc::from)
        };
        let command = layers.get("handler");
        Some(Arc::new(Rare {
            handler: command.and_then(|value| self.commands.line(value, sink)),
            handler_period: self.period(layers.get("handler_period")),
            handle: layers.flag("handle", true),
            stale_after: layers.get("stale_after").and_then(|value| {
                if value.text() == Some("auto") {
                    return Some(StaleAfter::Auto);
                }
                // `never` is no span.
                value
                    .span()
                    .filter(|span| !span.is_zero())
                    .map(StaleAfter::After)
            }),
            flap_states: layers.get("flap_states").map_or(StateSet::ALL, states),
            initial_state: layers.text("initial_state").and_then(state),
            stalk: layers.get("stalk").map_or(StateSet::EMPTY, states),
            display_name: text("display_name"),
            action_url: text("action_url"),
            icon_image: text("icon_image"),
            perfdata: layers.flag("perfdata", true),
            importance: layers
                .whole("importance")
                .and_then(|count| u32::try_from(count).ok())
                .unwrap_or(0),
            regressions: layers.text("regressions").and_then(Regressions::parse),
            check_groups: layers
                .get("check_groups")
                .into_iter()
                .flat_map(Val::texts)
                .map(Arc::from)
                .collect(),
        }))
    }

    fn schedule(&mut self, layers: &Layers<'d>, sink: &mut Sink) -> Schedule {
        let every = || Schedule::Every(layers.span("every", EVERY));
        match (layers.depth("cron"), layers.depth("every")) {
            (Some(cron), Some(every)) if cron == every => {
                let tab = layers.tabs[cron];
                sink.push(
                    Fault::new(tab.key_place("cron"), "both `every` and `cron` are given")
                        .also(tab.key_place("every"), "the other one")
                        .help("keep one of them"),
                );
                Schedule::Every(EVERY)
            }
            // The nearer layer decides: a check's own `every` beats the `cron` of its template.
            (Some(cron), other) if other.is_none_or(|every| cron < every) => self
                .crons
                .get(layers, sink)
                .map_or_else(every, Schedule::Cron),
            _ => every(),
        }
    }

    fn notify(&self, layers: &Layers<'d>) -> NotifyRule {
        NotifyRule {
            enabled: layers.flag("notify", true),
            contacts: layers
                .get("contacts")
                .map(|value| self.contacts.resolve(value))
                .unwrap_or_default(),
            period: self.period(layers.get("notify_period")),
            remind: layers.span("remind", REMIND),
            first_delay: layers.span("first_delay", Duration::ZERO),
            states: layers.get("states").map_or(StateSet::ALL, states),
            on_flapping: layers.flag("flapping", true),
            on_downtime: layers.flag("downtime", true),
        }
    }

    /// The period of this name; none for an empty name.
    pub fn period(&self, value: Option<Val<'d>>) -> Option<Arc<Period>> {
        self.periods.get(value?.text()?).cloned()
    }
}

fn flap(layers: &Layers<'_>, sink: &mut Sink) -> FlapRule {
    let number = |key: &str, default| layers.get(key).and_then(Val::number).unwrap_or(default);
    let (low, high) = (number("flap_low", FLAP_LOW), number("flap_high", FLAP_HIGH));
    let given = layers.get("flap_low").or_else(|| layers.get("flap_high"));
    if let (Some(value), true) = (given, high <= low) {
        sink.push(
            Fault::new(
                value.place(),
                format!("`flap_low` ({low}) is not below `flap_high` ({high})"),
            )
            .help("flapping starts at `flap_high` percent and ends below `flap_low`"),
        );
    }
    FlapRule {
        enabled: layers.flag("flap_detection", true),
        low,
        high,
    }
}
