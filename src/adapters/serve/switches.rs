//! Switches and settings that people change over HTTP; they hold until they are changed again.

use std::time::Duration;

use serde_json::Value;

use super::{
    commands::{Read, object, on_behalf},
    downtimes::group,
    fields::{Fields, missing},
};
use crate::{
    base::time::{Timestamp, parse_duration},
    domain::model::command::{Command, GroupName, Scope, Setting, What},
};

/// What can be switched, by the word of the API.
const SWITCHES: [(&str, What); 7] = [
    ("notifications", What::Notifications),
    ("active", What::ActiveChecks),
    ("passive", What::PassiveChecks),
    ("handlers", What::Handlers),
    ("flap_detection", What::FlapDetection),
    ("perfdata", What::Perfdata),
    ("freshness", What::Freshness),
];

/// What can be set of a host or check.
const SETTINGS: [&str; 7] = [
    "interval",
    "retry",
    "attempts",
    "period",
    "notify_period",
    "handler_period",
    "var",
];
/// What can be set of a contact.
const CONTACT_SETTINGS: [&str; 3] = ["period", "host_period", "var"];

/// `POST /v1/switch`.
pub fn switch(body: Value, _: Timestamp, who: &str) -> Read {
    let known = [
        "what",
        "enabled",
        "host",
        "check",
        "group",
        "check_group",
        "contact",
        "contact_group",
        "hosts",
        "checks",
        "children",
        "author",
    ];
    let mut fields = Fields::of(body, "a switch", &known)?;
    let word = fields.needed_name("what")?;
    let Some((_, what)) = SWITCHES.iter().find(|(known, _)| *known == word) else {
        let known = SWITCHES.map(|(known, _)| known).join(", ");
        return Err(format!("`what` is `{word}`; it is one of {known}"));
    };
    // No default: a forgotten field must not silence anything, nor wake anyone.
    let on = fields.needed_flag("enabled")?;
    let (scope, shown) = scope(&mut fields)?;
    let by = on_behalf(&mut fields, who)?;
    let state = if on { "on" } else { "off" };
    let text = format!("switched {} {state} {shown}{by}", what.name());
    let what = *what;
    Ok((Command::Switch { scope, what, on }, text))
}

/// Whom a switch is for, and how that reads.
fn scope(fields: &mut Fields) -> Result<(Scope, String), String> {
    let names = ["host", "group", "check_group", "contact", "contact_group"];
    let said: Vec<&str> = names.into_iter().filter(|name| fields.has(name)).collect();
    if 1 < said.len() {
        return Err(format!("say either `{}`, not both", said.join("` or `")));
    }
    let (hosts_said, checks_said) = (fields.has("hosts"), fields.has("checks"));
    let children = fields.flag("children", false)?;
    let is_object = said.first() == Some(&"host") && fields.has("check");
    if children && (said.first() != Some(&"host") || is_object) {
        return Err("`children` is for a host".to_owned());
    }
    if is_object && (hosts_said || checks_said) {
        return Err("`hosts` and `checks` are not for a single check".to_owned());
    }
    if children {
        let host = object(fields)?.host.to_string();
        let shown = format!("for {host} and what stands behind it");
        let scope = Scope::Beyond {
            host,
            itself: fields.flag("hosts", true)?,
            checks: fields.flag("checks", false)?,
        };
        return Ok((scope, shown));
    }
    // One of them alone leaves the other out.
    let of_checks = said.first() == Some(&"check_group");
    let hosts = fields.flag("hosts", !checks_said && !of_checks)?;
    let checks = fields.flag("checks", !hosts_said)?;
    if !hosts && !checks {
        return Err("neither `hosts` nor `checks` is left".to_owned());
    }
    let Some(kind) = said.first() else {
        if fields.has("check") {
            return Err(missing("host"));
        }
        return Ok(match (hosts, checks) {
            (true, true) => (Scope::Global, "for all".to_owned()),
            (true, false) => (Scope::Hosts, "for all hosts".to_owned()),
            _ => (Scope::Checks, "for all checks".to_owned()),
        });
    };
    if *kind == "host" {
        let object = object(fields)?;
        let shown = format!("for {object}");
        return match (hosts_said || checks_said, hosts, checks) {
            (true, false, _) => Ok((
                Scope::ChecksOf(object.host.to_string()),
                format!("{shown}'s checks"),
            )),
            (true, true, true) => Err(
                "say `hosts` or `checks` of a host, not both: switch one after the other"
                    .to_owned(),
            ),
            _ => Ok((Scope::Object(object), shown)),
        };
    }
    if let Some(group) = group(fields)? {
        let (GroupName::Hosts(name) | GroupName::Checks(name)) = &group;
        let shown = format!("for the group {name}");
        return Ok((
            Scope::Group {
                group,
                hosts,
                checks,
            },
            shown,
        ));
    }
    let name = fields.needed_name(kind)?;
    let shown = format!("for {} {name}", kind.replace('_', " "));
    let scope = if *kind == "contact" {
        Scope::Contact {
            name,
            hosts,
            checks,
        }
    } else {
        Scope::ContactGroup {
            name,
            hosts,
            checks,
        }
    };
    Ok((scope, shown))
}

/// `POST /v1/settings`.
pub fn set(body: Value, _: Timestamp, who: &str) -> Read {
    let known = [
        "setting", "value", "name", "host", "check", "contact", "author",
    ];
    let mut fields = Fields::of(body, "a setting", &known)?;
    let word = fields.needed_name("setting")?;
    let value = fields.text("value")?.ok_or_else(|| missing("value"))?;
    let (setting, shown) = if fields.has("contact") {
        let contact = fields.needed_name("contact")?;
        if fields.has("host") {
            return Err("say either `host` or `contact`, not both".to_owned());
        }
        let shown = format!("contact {contact}");
        (
            of_contact(&word, contact, value.clone(), &mut fields)?,
            shown,
        )
    } else {
        let object = object(&mut fields)?;
        let shown = object.to_string();
        let setting = match word.as_str() {
            "interval" => Setting::Interval {
                object,
                // Nagios: only when asked.
                every: span(&value, true)?,
            },
            "retry" => Setting::Retry {
                object,
                retry: span(&value, false)?,
            },
            "attempts" => Setting::Attempts {
                object,
                attempts: value
                    .parse()
                    .ok()
                    .filter(|attempts| (1..=1000).contains(attempts))
                    .ok_or_else(|| format!("`value` is `{value}`; attempts are 1 to 1000"))?,
            },
            "period" => Setting::CheckPeriod {
                object,
                period: value.clone(),
            },
            "notify_period" => Setting::NotifyPeriod {
                object,
                period: value.clone(),
            },
            "handler_period" => Setting::HandlerPeriod {
                object,
                period: value.clone(),
            },
            "var" => Setting::Var {
                object,
                name: fields.needed_name("name")?,
                value: value.clone(),
            },
            _ => return Err(unknown(&word, &SETTINGS)),
        };
        (setting, shown)
    };
    if fields.has("name") {
        return Err("`name` is for `var` only".to_owned());
    }
    let by = on_behalf(&mut fields, who)?;
    // The value of a variable may be a secret.
    let what = if word == "var" {
        format!("set a variable of {shown}{by}")
    } else {
        format!("set {word} of {shown} to `{value}`{by}")
    };
    Ok((Command::Change(setting), what))
}

fn of_contact(
    word: &str,
    contact: String,
    value: String,
    fields: &mut Fields,
) -> Result<Setting, String> {
    Ok(match word {
        "period" | "host_period" => Setting::ContactPeriod {
            contact,
            hosts: word == "host_period",
            period: value,
        },
        "var" => Setting::ContactVar {
            contact,
            name: fields.needed_name("name")?,
            value,
        },
        _ => return Err(unknown(word, &CONTACT_SETTINGS)),
    })
}

fn unknown(word: &str, known: &[&str]) -> String {
    format!("`setting` is `{word}`; it is one of {}", known.join(", "))
}

fn span(value: &str, may_be_zero: bool) -> Result<Duration, String> {
    let span = parse_duration(value).map_err(|why| format!("`value`: {why}"))?;
    if span.is_zero() && !may_be_zero {
        return Err("`value` must be longer than 0s".to_owned());
    }
    Ok(span)
}
