//! What Nagios itself makes of a configuration, once templates, groups and patterns are resolved (`nagios4 -vp`), held
//! against what our loader makes of the import: object by object, value by value.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
    time::Duration,
};

use deploywatch::domain::{
    model::{
        objects::{Inventory, NotifyRule, Rule, Schedule},
        state::State,
    },
    schedule::Period,
};
use tempfile::TempDir;

type Said = BTreeMap<String, String>;

/// The objects that Nagios writes down: type and directives.
fn objects(main: &Path) -> Vec<(String, Said)> {
    let directory = TempDir::new().expect("a directory");
    // Nagios writes as its own user.
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).expect("open");
    for entry in fs::read_dir(main.parent().expect("a directory")).expect("readable") {
        let entry = entry.expect("readable");
        let kind = if entry.path().is_dir() { "-R" } else { "-p" };
        let copied = Command::new("cp")
            .arg(kind)
            .arg(entry.path())
            .arg(directory.path())
            .status()
            .expect("cp runs");
        assert!(copied.success());
    }
    let copy = directory.path().join("precache.cfg");
    let target = directory.path().join("objects.precache");
    let text = fs::read(main).expect("readable");
    let text = String::from_utf8_lossy(&text);
    // Of a setting given twice the last counts.
    let text = format!("{text}\nprecached_object_file={}\n", target.display());
    fs::write(&copy, text).expect("written");
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o644)).expect("readable");
    let output = Command::new(super::NAGIOS)
        .arg("-vp")
        .arg(&copy)
        .output()
        .expect("nagios4 runs");
    let written =
        fs::read(&target).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stdout)));
    let mut all: Vec<(String, Said)> = Vec::new();
    for line in String::from_utf8_lossy(&written).lines() {
        if let Some(kind) = line.strip_prefix("define ") {
            let kind = kind.trim_end_matches([' ', '{']);
            all.push((kind.to_owned(), Said::new()));
        } else if let (Some((_, said)), Some((key, value))) =
            (all.last_mut(), line.trim().split_once('\t'))
        {
            said.insert(key.to_owned(), value.to_owned());
        }
    }
    all
}

/// Contacts and the members of contact groups, sorted.
fn told(said: &Said, groups: &BTreeMap<String, String>) -> BTreeSet<String> {
    let list = |text: Option<&String>| -> Vec<String> {
        let parts = text.map(String::as_str).unwrap_or_default().split(',');
        parts
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let grouped = list(said.get("contact_groups"))
        .into_iter()
        .flat_map(|group| list(groups.get(&group)));
    list(said.get("contacts"))
        .into_iter()
        .chain(grouped)
        .collect()
}

/// Letters of Nagios for what a rule tells of.
fn letters(notify: &NotifyRule, is_host: bool) -> BTreeSet<&'static str> {
    let states: &[(State, &str)] = if is_host {
        &[
            (State::Up, "r"),
            (State::Down, "d"),
            (State::Unreachable, "u"),
        ]
    } else {
        &[
            (State::Ok, "r"),
            (State::Warning, "w"),
            (State::Unknown, "u"),
            (State::Critical, "c"),
        ]
    };
    let mut letters: BTreeSet<&str> = states
        .iter()
        .filter(|(state, _)| notify.states.has(*state))
        .map(|(_, letter)| *letter)
        .collect();
    if notify.on_flapping {
        letters.insert("f");
    }
    if notify.on_downtime {
        letters.insert("s");
    }
    letters
}

#[track_caller]
fn compare_rule(
    what: &str,
    said: &Said,
    rule: &Rule,
    unit: f64,
    inventory: &Inventory,
    groups: &BTreeMap<String, String>,
) {
    let is_host = !said.contains_key("service_description");
    let text = |key: &str| said.get(key).map(String::as_str).unwrap_or_default();
    let flag = |key: &str| text(key) == "1";
    let span = |key: &str| {
        Duration::from_secs_f64(
            text(key)
                .parse::<f64>()
                .unwrap_or_else(|_| panic!("{what} {key}"))
                * unit,
        )
    };
    let period = |period: &Option<std::sync::Arc<Period>>| {
        period
            .as_ref()
            .map_or("", |period| period.name())
            .to_owned()
    };
    let command = rule.command.as_ref().map(|command| {
        let args = command
            .args
            .iter()
            .map(|arg| format!("!{}", arg.replace('!', "\\!")));
        format!("{}{}", command.name, args.collect::<String>())
    });
    assert_eq!(
        command.unwrap_or_default(),
        text("check_command"),
        "{what} check_command"
    );
    let Schedule::Every(every) = rule.schedule else {
        panic!("{what} has a crontab");
    };
    assert_eq!(every, span("check_interval"), "{what} check_interval");
    assert_eq!(rule.retry, span("retry_interval"), "{what} retry_interval");
    assert_eq!(
        rule.attempts.to_string(),
        text("max_check_attempts"),
        "{what} max_check_attempts"
    );
    assert_eq!(rule.active, flag("active_checks_enabled"), "{what} active");
    assert_eq!(
        rule.accepts_passive,
        flag("passive_checks_enabled"),
        "{what} passive"
    );
    assert_eq!(rule.volatile, flag("is_volatile"), "{what} is_volatile");
    assert_eq!(
        period(&rule.check_period),
        text("check_period"),
        "{what} check_period"
    );
    assert_eq!(
        rule.flap.enabled,
        flag("flap_detection_enabled"),
        "{what} flap_detection"
    );
    let notify = &rule.notify;
    assert_eq!(
        notify.enabled,
        flag("notifications_enabled"),
        "{what} notifications"
    );
    assert_eq!(
        period(&notify.period),
        text("notification_period"),
        "{what} notification_period"
    );
    assert_eq!(
        notify.remind,
        span("notification_interval"),
        "{what} notification_interval"
    );
    assert_eq!(
        notify.first_delay,
        span("first_notification_delay"),
        "{what} first_notification_delay"
    );
    let wanted: BTreeSet<&str> = match text("notification_options") {
        "a" if is_host => "d,u,r,f,s",
        "a" => "w,u,c,r,f,s",
        "n" => "",
        letters => letters,
    }
    .split(',')
    .filter(|letter| !letter.is_empty())
    .collect();
    assert_eq!(
        letters(notify, is_host),
        wanted,
        "{what} notification_options"
    );
    let contacts: BTreeSet<String> = notify
        .contacts
        .iter()
        .map(|contact| inventory.contacts[contact.0 as usize].name.to_string())
        .collect();
    assert_eq!(contacts, told(said, groups), "{what} contacts");
    assert_eq!(
        rule.notes.as_deref().unwrap_or_default(),
        text("notes"),
        "{what} notes"
    );
    assert_eq!(
        rule.notes_url.as_deref().unwrap_or_default(),
        text("notes_url"),
        "{what} notes_url"
    );
}

/// Every host and service as Nagios resolves it against ours.
#[track_caller]
pub fn compare(main: &Path, inventory: &Inventory) {
    let objects = objects(main);
    let text = fs::read(main).expect("readable");
    let unit = String::from_utf8_lossy(&text)
        .lines()
        .filter_map(|line| line.trim().strip_prefix("interval_length=")?.parse().ok())
        .next_back()
        .unwrap_or(60.0);
    let groups: BTreeMap<String, String> = objects
        .iter()
        .filter(|(kind, _)| kind == "contactgroup")
        .map(|(_, said)| {
            (
                said["contactgroup_name"].clone(),
                said.get("members").cloned().unwrap_or_default(),
            )
        })
        .collect();
    let host_of = |said: &Said| {
        let name = &said["host_name"];
        let at = inventory.hosts.iter().position(|host| *host.name == **name);
        at.unwrap_or_else(|| panic!("there is no host {name}"))
    };
    let mut seen = 0;
    for (kind, said) in &objects {
        match kind.as_str() {
            "host" => {
                let host = &inventory.hosts[host_of(said)];
                compare_rule(&host.name, said, &host.rule, unit, inventory, &groups);
                assert_eq!(*host.address, *said["address"], "{} address", host.name);
                assert_eq!(*host.alias, *said["alias"], "{} alias", host.name);
                let parents: BTreeSet<&str> = host
                    .parents
                    .iter()
                    .map(|parent| &*inventory.hosts[parent.0 as usize].name)
                    .collect();
                let wanted = said.get("parents").map(String::as_str).unwrap_or_default();
                assert_eq!(
                    parents,
                    wanted.split(',').filter(|name| !name.is_empty()).collect(),
                    "{} parents",
                    host.name
                );
            }
            "service" => {
                let host = host_of(said);
                let name = &said["service_description"];
                let what = format!("{}/{name}", inventory.hosts[host].name);
                let check = inventory
                    .checks
                    .iter()
                    .find(|check| check.host.0 as usize == host && *check.name == **name)
                    .unwrap_or_else(|| panic!("there is no check {what}"));
                compare_rule(&what, said, &check.rule, unit, inventory, &groups);
            }
            "hostgroup" => {
                let name = &said["hostgroup_name"];
                let members: BTreeSet<&str> = said
                    .get("members")
                    .map(String::as_str)
                    .unwrap_or_default()
                    .split(',')
                    .filter(|name| !name.is_empty())
                    .collect();
                let ours: BTreeSet<&str> = inventory
                    .hosts
                    .iter()
                    .filter(|host| host.groups.iter().any(|group| **group == **name))
                    .map(|host| &*host.name)
                    .collect();
                assert_eq!(ours, members, "members of {name}");
            }
            _ => continue,
        }
        seen += 1;
    }
    assert!(
        inventory.hosts.len() + inventory.checks.len() <= seen,
        "Nagios wrote down its objects"
    );
}
