//! `[[marker]]`: tools that are told of deploys.

use super::{
    fault::{Fault, Sink},
    names::Raw,
    secrets::Vault,
    value::{Tab, Val},
};
use crate::domain::model::marker::{Target, To};

const PAGERDUTY: &str = "https://events.pagerduty.com";

pub(super) fn build(raw: &Raw<'_>, vault: &Vault<'_>, sink: &mut Sink) -> Vec<Target> {
    let mut targets: Vec<Target> = Vec::new();
    for tab in &raw.markers {
        let Some(name) = tab.text("name").filter(|name| !name.is_empty()) else {
            continue;
        };
        if targets.iter().any(|known| known.name == name) {
            sink.push(
                Fault::new(
                    tab.value_place("name"),
                    format!("two markers are named `{name}`"),
                )
                .label("again here")
                .help("rename or remove one of them"),
            );
            continue;
        }
        let Some(to) = to(*tab, vault, sink) else {
            continue;
        };
        let list = |key: &str| -> Vec<String> {
            let texts = tab.get(key).into_iter().flat_map(Val::texts);
            texts
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
                .collect()
        };
        targets.push(Target {
            name: name.to_owned(),
            to,
            apps: list("apps"),
            environments: list("environments"),
        });
    }
    targets
}

fn to(tab: Tab<'_>, vault: &Vault<'_>, sink: &mut Sink) -> Option<To> {
    let Some(kind) = tab.get("kind") else {
        sink.push(
            Fault::new(tab.place(), "[[marker]] has no `kind`")
                .help("write kind = \"graphite\", \"grafana\", \"statsd\", \"pagerduty_change\" or \"cdevents\""),
        );
        return None;
    };
    let kind = kind.text()?;
    let used: &[&str] = match kind {
        "graphite" | "cdevents" => &["url"],
        "grafana" => &["url", "token"],
        "statsd" => &["address"],
        "pagerduty_change" => &["url", "routing_key"],
        // A wrong word was complained about already.
        _ => return None,
    };
    let ways = ["_file", "_env", "_credential"];
    let secrets = ["token", "routing_key"];
    let all = ["url", "address"].map(str::to_owned).into_iter().chain(
        secrets
            .iter()
            .flat_map(|name| ways.map(|way| format!("{name}{way}"))),
    );
    for key in all {
        let stem = ways.iter().find_map(|way| key.strip_suffix(way));
        if tab.get(&key).is_some() && !used.contains(&stem.unwrap_or(&key)) {
            sink.push(
                Fault::new(
                    tab.key_place(&key),
                    format!("`{key}` is of no use to the kind `{kind}`"),
                )
                .help("remove it"),
            );
        }
    }
    let text = |key: &str| {
        tab.text(key)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let mut must = |key: &str, example: &str| {
        if tab.get(key).is_none() {
            let message = format!("a marker of the kind `{kind}` has no `{key}`");
            sink.push(Fault::new(tab.place(), message).help(format!("add {key} = \"{example}\"")));
        }
        text(key)
    };
    match kind {
        "graphite" => Some(To::Graphite {
            url: must("url", "http://graphite.example.org")?,
        }),
        "cdevents" => Some(To::CdEvents {
            url: must("url", "http://events.example.org")?,
        }),
        "grafana" => {
            let url = must("url", "https://grafana.example.org");
            let token = vault.find(tab, "token", true, sink);
            Some(To::Grafana {
                url: url?,
                token: token?,
            })
        }
        "statsd" => {
            let address = must("address", "127.0.0.1:8125")?;
            let port = address
                .rsplit_once(':')
                .filter(|(host, _)| !host.is_empty())
                .and_then(|(_, port)| port.parse::<u16>().ok());
            if port.is_none_or(|port| port == 0) {
                sink.push(
                    Fault::new(
                        tab.value_place("address"),
                        format!("`{address}` is not HOST:PORT"),
                    )
                    .help("write address = \"127.0.0.1:8125\""),
                );
                return None;
            }
            Some(To::Statsd { address })
        }
        _ => Some(To::PagerDutyChange {
            url: text("url").unwrap_or_else(|| PAGERDUTY.to_owned()),
            routing_key: vault.find(tab, "routing_key", true, sink)?,
        }),
    }
}
