//! What a test expects, with every name looked up.

use std::collections::BTreeSet;

use super::{Reader, span};
use crate::{
    base::text::did_you_mean,
    config::value::{Tab, Val},
    domain::{
        model::message::Urgency,
        simulate::{Expect, Filter, Wanted, is_channel},
    },
};

const SILENCE: &[&str] = &[
    "object", "kind", "channel", "deploy", "state", "urgency", "because",
];
/// What an expectation is about, likewise.
const EXPECTS: &[(&str, &[&str])] = &[
    (
        "told",
        &[
            "object", "kind", "channel", "deploy", "state", "urgency", "because", "times",
        ],
    ),
    ("not_told", SILENCE),
    ("nobody", SILENCE),
    ("held", &["deploy", "because"]),
];

impl<'d> Reader<'_, 'd> {
    pub(super) fn expect(&mut self, tab: Tab<'d>) -> Option<Expect> {
        let what = self.one_of(tab, EXPECTS, &["from", "until"], "an expectation")?;
        let wanted = match what {
            "told" => Wanted::Told(self.person(tab, what)?),
            "not_told" => Wanted::NotTold(self.person(tab, what)?),
            "nobody" => {
                if tab.get(what).and_then(Val::flag) != Some(true) {
                    self.fault(
                        tab.value_place(what),
                        "`nobody = false` says nothing",
                        "say who: told = \"...\"",
                    );
                    return None;
                }
                Wanted::Nobody
            }
            _ => {
                self.objects(tab, what, None)?;
                Wanted::Held(tab.text(what)?.to_owned())
            }
        };
        let (from, until) = (span(tab, "from").unwrap_or_default(), span(tab, "until"));
        if until.is_some_and(|until| until < from) {
            self.fault(
                tab.key_place("until"),
                "it ends before it begins",
                "both count from `start`: `until` is later than `from`",
            );
            return None;
        }
        if tab.get("object").is_some() {
            self.objects(tab, "object", None)?;
        }
        self.channel(tab, &wanted)?;
        self.known_deploy(tab)?;
        let text = |key: &str| tab.text(key).map(str::to_owned);
        let kind = match (tab.text("kind"), &wanted) {
            (Some("any"), _) => None,
            (Some(kind), _) => Some(kind.to_owned()),
            (None, Wanted::Told(_)) => Some("problem".to_owned()),
            (None, _) => None,
        };
        Some(Expect {
            written: self.written(&tab.place()),
            wanted,
            from,
            until,
            filter: Filter {
                object: text("object"),
                kind,
                channel: text("channel"),
                deploy: text("deploy"),
                state: text("state"),
                urgency: tab.text("urgency").map(|word| match word {
                    "low" => Urgency::Low,
                    _ => Urgency::High,
                }),
                because: text("because"),
            },
            times: tab
                .get("times")
                .and_then(Val::whole)
                .and_then(|times| u32::try_from(times).ok()),
        })
    }

    /// A contact or a rotation.
    fn person(&mut self, tab: Tab<'d>, key: &str) -> Option<String> {
        let name = tab.text(key)?;
        if self.inventory.find_contact(name).is_some() {
            return Some(name.to_owned());
        }
        // What nothing is called is told elsewhere.
        if self.names.contact_groups.contains_key(name) {
            self.fault(
                tab.value_place(key),
                &format!("`{name}` is a contact group: all of them, or one?"),
                "write an expectation for each contact that is meant",
            );
        }
        None
    }

    /// A channel that somebody has who is meant; else it is never told by that one, whatever happens.
    fn channel(&mut self, tab: Tab<'d>, wanted: &Wanted) -> Option<()> {
        // A contact with a fault of its own is not there with all its channels.
        let Some(channel) = tab.text("channel").filter(|_| !self.spoiled) else {
            return Some(());
        };
        let name = match wanted {
            Wanted::Told(name) | Wanted::NotTold(name) => Some(&**name),
            Wanted::Nobody | Wanted::Held(_) => None,
        };
        let inventory = self.inventory;
        let behind = name
            .and_then(|name| inventory.find_contact(name))
            .map(|ix| inventory.behind(ix));
        let labels: BTreeSet<&str> = match &behind {
            Some(people) => people.iter().map(|ix| inventory.contact(*ix)).collect(),
            None => inventory.contacts.iter().collect::<Vec<_>>(),
        }
        .into_iter()
        .flat_map(|contact| &contact.channels)
        .map(|channel| &*channel.label)
        .collect();
        if labels.iter().any(|label| is_channel(label, channel)) {
            return Some(());
        }
        let who = name.unwrap_or("no contact");
        let has = if name.is_some() { "has no" } else { "has a" };
        let help = match labels.is_empty() {
            true => "there is no channel at all: nothing can reach that contact".to_owned(),
            false => {
                let labels: Vec<&str> = labels.into_iter().collect();
                format!("there is {}", labels.join(", "))
            }
        };
        let message = format!("{who} {has} channel `{channel}`");
        self.fault(tab.value_place("channel"), &message, &help);
        None
    }

    fn known_deploy(&mut self, tab: Tab<'d>) -> Option<()> {
        let id = tab.text("deploy").unwrap_or_default();
        // Downtimes that are deploys have ids of their own.
        if id.is_empty() || self.ids.contains(id) || id.starts_with("downtime-") {
            return Some(());
        }
        let help = match did_you_mean(id, self.ids.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.ids.is_empty() => {
                format!("add a step such as {{ deploy = \"APP\", id = \"{id}\" }}")
            }
            None => {
                let ids: Vec<String> = self.ids.iter().map(|id| format!("`{id}`")).collect();
                format!("the steps have {}", ids.join(", "))
            }
        };
        let message = format!("no step of this test has a deploy `{id}`");
        self.fault(tab.value_place("deploy"), &message, &help);
        None
    }
}
