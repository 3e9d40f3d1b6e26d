//! Nagios macros of a notification, for command lines and `NAGIOS_*`: the engine's, and what the message itself tells.

use std::collections::BTreeMap;

use super::{settings::ContactInfo, words};
use crate::domain::{
    macros::{Spot, for_line, is_from_outside, plain},
    model::{date::DateFormat, message::Message},
    schedule::Zone,
};

/// All macros by name, as they are: not yet fit for a shell.
pub fn all(message: &Message, contact: &ContactInfo) -> BTreeMap<String, String> {
    let mut macros = message.macros.clone();
    let mut missing = |name: &str, value: String| {
        macros.entry(name.to_owned()).or_insert(value);
    };
    missing("HOSTNAME", message.host.clone());
    missing("HOSTADDRESS", message.address.clone());
    match &message.check {
        Some(check) => {
            missing("SERVICEDESC", check.clone());
            missing("SERVICESTATE", message.state.clone());
            missing("SERVICESTATETYPE", message.state_type.clone());
            missing("SERVICEATTEMPT", message.attempt.to_string());
            missing("MAXSERVICEATTEMPTS", message.max_attempts.to_string());
            missing("SERVICEOUTPUT", message.output.clone());
            missing("LONGSERVICEOUTPUT", message.long_output.clone());
            missing("SERVICEPERFDATA", message.perfdata.clone());
            missing("SERVICENOTIFICATIONNUMBER", message.number.to_string());
            missing(
                "SERVICENOTESURL",
                message.notes_url.clone().unwrap_or_default(),
            );
        }
        None => {
            missing("HOSTSTATE", message.state.clone());
            missing("HOSTSTATETYPE", message.state_type.clone());
            missing("HOSTATTEMPT", message.attempt.to_string());
            missing("MAXHOSTATTEMPTS", message.max_attempts.to_string());
            missing("HOSTOUTPUT", message.output.clone());
            missing("LONGHOSTOUTPUT", message.long_output.clone());
            missing("HOSTPERFDATA", message.perfdata.clone());
            missing("HOSTNOTIFICATIONNUMBER", message.number.to_string());
            missing(
                "HOSTNOTESURL",
                message.notes_url.clone().unwrap_or_default(),
            );
        }
    }
    missing("NOTIFICATIONTYPE", message.kind.nagios_name().to_owned());
    missing("NOTIFICATIONNUMBER", message.number.to_string());
    missing(
        "NOTIFICATIONAUTHOR",
        message.author.clone().unwrap_or_default(),
    );
    missing("NOTIFICATIONCOMMENT", comment(message));
    // Where the message is about no object; else the engine's are there, in the form that is configured.
    let zone = Zone::find("").unwrap_or_else(|_| Zone::utc());
    for (name, value) in DateFormat::default()
        .macros(message.at, &zone)
        .into_iter()
        .chain(deploy(message))
    {
        missing(name, value);
    }
    for name in ["LONGSERVICEOUTPUT", "LONGHOSTOUTPUT"] {
        // Nagios hands long output over in one line, its line ends written as \n.
        if let Some(value) = macros.get_mut(name) {
            *value = value.replace("\r\n", "\n").replace('\n', "\\n");
        }
    }
    add_contact(&mut macros, contact);
    macros
}

/// The comment; where Nagios has none, digests and deploy notices say theirs here, so unchanged scripts show them.
fn comment(message: &Message) -> String {
    match &message.comment {
        Some(comment) => comment.clone(),
        None if message.lines.is_empty() => String::new(),
        None => message.lines.join("; "),
    }
}

fn add_contact(macros: &mut BTreeMap<String, String>, contact: &ContactInfo) {
    let mut set = |name: String, value: &str| {
        macros.insert(name, value.to_owned());
    };
    set("CONTACTNAME".to_owned(), &contact.name);
    set("CONTACTALIAS".to_owned(), &contact.alias);
    set("CONTACTEMAIL".to_owned(), &contact.email);
    set("CONTACTPAGER".to_owned(), &contact.pager);
    for (at, address) in contact.addresses.iter().enumerate() {
        set(format!("CONTACTADDRESS{}", at + 1), address);
    }
    for (name, value) in &contact.vars {
        // What was changed at run time is there already, and counts.
        macros
            .entry(format!(
                "_CONTACT{}",
                name.trim_start_matches('_').to_uppercase()
            ))
            .or_insert_with(|| value.clone());
    }
}

/// Our own macros; of several suspects the likeliest one. Always set, so a script may use them without care.
fn deploy(message: &Message) -> Vec<(&'static str, String)> {
    let first = words::meant(message);
    let text = |value: Option<String>| value.unwrap_or_default();
    vec![
        ("DEPLOYID", text(first.map(|suspect| suspect.id.clone()))),
        ("DEPLOYAPP", text(first.map(|suspect| suspect.app.clone()))),
        (
            "DEPLOYVERSION",
            text(first.and_then(|suspect| suspect.version.clone())),
        ),
        (
            "DEPLOYACTORS",
            text(first.map(|suspect| suspect.actors.join(", "))),
        ),
        (
            "DEPLOYURL",
            text(first.and_then(|suspect| suspect.url.clone())),
        ),
        ("DEPLOYVERDICT", message.deploy.verdict.name().to_owned()),
    ]
}

/// Macros that Nagios cleans in the environment, too.
fn cleaned_everywhere(name: &str) -> bool {
    is_from_outside(name) && !name.starts_with("NOTIFICATION") && !name.starts_with("DEPLOY")
}

/// A value as the environment may hold it.
pub fn for_environment(name: &str, value: &str, illegal: &str) -> String {
    if cleaned_everywhere(name) {
        for_line(name, value, illegal, Spot::Quoted)
    } else {
        plain(value)
    }
}

/// `NAGIOS_<MACRO>` for all macros. `$USERn$` never gets there: passwords live in it.
pub fn environment(macros: &BTreeMap<String, String>, illegal: &str) -> Vec<(String, String)> {
    macros
        .iter()
        .filter(|(name, _)| {
            !is_user_macro(name) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        })
        .map(|(name, value)| {
            // Nagios counts these from 0 in the environment and from 1 in macros.
            let shown = match name
                .strip_prefix("CONTACTADDRESS")
                .and_then(|number| number.parse::<u32>().ok())
            {
                Some(number) => format!("CONTACTADDRESS{}", number.saturating_sub(1)),
                None => name.clone(),
            };
            (
                format!("NAGIOS_{shown}"),
                for_environment(name, value, illegal),
            )
        })
        .collect()
}

fn is_user_macro(name: &str) -> bool {
    name.strip_prefix("USER")
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// A macro's value for a command line: empty for a known macro without a value here, None for an unknown name.
pub fn look_up(
    macros: &BTreeMap<String, String>,
    name: &str,
    illegal: &str,
    spot: Spot,
) -> Option<String> {
    if let Some(value) = macros.get(name) {
        return Some(for_line(name, value, illegal, spot));
    }
    let known = [
        "HOST",
        "SERVICE",
        "CONTACT",
        "NOTIFICATION",
        "LAST",
        "LONG",
        "MAX",
        "TOTAL",
        "_HOST",
        "_SERVICE",
        "_CONTACT",
    ]
    .iter()
    .any(|start| name.starts_with(start))
        || is_user_macro(name)
        || words::line(name).starts_with("ARG");
    known.then(String::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_macros_cannot_leave_their_quotes() {
        let illegal = "`~$&|'\"<>";
        let evil = "x\"; rm -rf / #`id`$(id)\n\\";
        for name in [
            "SERVICEOUTPUT",
            "LONGHOSTOUTPUT",
            "HOSTPERFDATA",
            "NOTIFICATIONCOMMENT",
            "DEPLOYVERSION",
        ] {
            let value = for_line(name, evil, illegal, Spot::Quoted);
            assert!(
                !value.contains(['"', '`', '$', '\n']) && !value.ends_with('\\'),
                "{name}: {value}"
            );
        }
        assert_eq!(
            for_line("HOSTNAME", "a&b", illegal, Spot::Quoted),
            "a&b",
            "names come from the configuration"
        );
        assert_eq!(
            for_environment("DEPLOYURL", "https://ci/?a=1&b=2", illegal),
            "https://ci/?a=1&b=2"
        );
        assert_eq!(for_environment("SERVICEOUTPUT", "a<b", illegal), "ab");
        assert_eq!(
            for_line("LONGSERVICEOUTPUT", "a\\nb", illegal, Spot::Quoted),
            "a\\nb",
            "line ends stay written out"
        );
    }

    #[test]
    fn user_macros_stay_out_of_the_environment() {
        let macros = BTreeMap::from(
            [
                ("USER1", "pw"),
                ("USERS", "3"),
                ("CONTACTADDRESS1", "a"),
                ("BAD NAME", "x"),
            ]
            .map(|(k, v)| (k.to_owned(), v.to_owned())),
        );
        let names: Vec<String> = environment(&macros, "")
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["NAGIOS_CONTACTADDRESS0", "NAGIOS_USERS"]);
    }
}
