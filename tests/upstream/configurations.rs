//! Configurations that are good or bad, and what outlives a restart: cases 119 to 123.

use std::{fs, path::Path};

use deploywatch::{
    config,
    domain::model::objects::Inventory,
    import::{Faults, Input, Source, nagios},
};

use super::{Row, rows, world::World};

const PRECACHE: &str = "nagioscore t/900-configparsing.t";
const NO_SERVICES: &str = "nagioscore t/910-noservice.t";
const NO_GROUP: &str = "nagioscore t/920-nocontactgroup.t";
const EMPTY_GROUPS: &str = "nagioscore t/930-emptygroups.t";
const RETENTION: &str = "nagioscore t-tap/test_nagios_config.c";

const BASE: &str = "
define command {
    command_name check_me
    command_line /usr/lib/check_me $ARG1$
}
define timeperiod {
    timeperiod_name none
    alias Nothing
}
define contact {
    contact_name admin
    host_notifications_enabled 0
    service_notifications_enabled 0
    host_notification_period none
    service_notification_period none
    host_notification_commands check_me
    service_notification_commands check_me
}
define host {
    name generic
    register 0
    max_check_attempts 2
    check_period none
    contacts admin
    notification_period none
}
define host {
    use generic
    host_name host1
    address 192.0.2.1
}
define host {
    use generic
    host_name host2
    address 192.0.2.2
    hostgroups +masters
}
";

const SERVICES: &str = "
define hostgroup {
    hostgroup_name masters
}
define service {
    name distributed
    register 0
    check_command check_me!stale
    max_check_attempts 5
    check_interval 15
    retry_interval 1
    check_period none
    notification_interval 65
    notification_period none
    contacts admin
}
define service {
    use distributed
    host_name host1,host2
    service_description both
}
define service {
    use distributed
    hostgroup_name masters
    service_description master
}
define service {
    use distributed
    host_name host2
    service_description dependent
    servicegroups +depending
    check_interval 32
}
define servicegroup {
    servicegroup_name depending
    alias On the same host
}
define contactgroup {
    contactgroup_name empty
    alias No members defined
}
define serviceescalation {
    host_name *
    service_description *,!both
    first_notification 1
    last_notification 0
    notification_interval 10
    contacts admin
}
define servicedependency {
    service_description master
    dependent_servicegroup_name depending
    execution_failure_criteria n
    notification_failure_criteria c,u
}
";

/// Number, main file, objects behind [`BASE`], and the checks that come out; an error holds these words.
type ImportRow = (
    u32,
    &'static str,
    &'static str,
    Result<&'static [&'static str], &'static str>,
);

const IMPORTS: &[ImportRow] = &[
    (
        119,
        "",
        SERVICES,
        Ok(&[
            "host1/both",
            "host2/both",
            "host2/dependent",
            "host2/master",
        ]),
    ),
    // Nagios refuses a site without services; hosts alone are worth watching.
    (
        120,
        "",
        "define hostgroup {\n    hostgroup_name masters\n}\n",
        Ok(&[]),
    ),
    (
        121,
        "",
        "define hostgroup {\n    hostgroup_name masters\n}\ndefine service {\n    host_name host1\n    service_description one\n    check_command check_me\n    max_check_attempts 3\n    contact_groups nobody\n}\n",
        Err("nobody"),
    ),
    (
        122,
        "allow_empty_hostgroup_assignment=1",
        "define hostgroup {\n    hostgroup_name masters\n}\ndefine hostgroup {\n    hostgroup_name deserted\n}\ndefine service {\n    hostgroup_name deserted\n    service_description one\n    check_command check_me\n    max_check_attempts 3\n    contacts admin\n}\n",
        Ok(&[]),
    ),
];

/// Case 123: number, the comment's id, whether it persists, whether it is there after a restart.
const COMMENTS: &[(u32, u64, bool, bool)] = &[
    (123, 1, true, true),
    (123, 2, true, true),
    (123, 3, false, true),
];

pub fn covered() -> Vec<Row> {
    let import = |number: u32| {
        IMPORTS
            .iter()
            .map(|row| row.0)
            .filter(move |row| *row == number)
    };
    [
        rows(PRECACHE, import(119)),
        rows(NO_SERVICES, import(120)),
        rows(NO_GROUP, import(121)),
        rows(EMPTY_GROUPS, import(122)),
        rows(RETENTION, COMMENTS.iter().map(|row| row.0)),
    ]
    .concat()
}

fn import(main: &str, objects: &str) -> Result<Inventory, String> {
    let input = Input {
        sources: vec![
            Source::new("nagios.cfg", main.into()),
            Source::new("objects.cfg", format!("{BASE}{objects}").into()),
        ],
        base: "/etc/nagios".into(),
        objects: vec![1],
        resources: Vec::new(),
    };
    let site = nagios(&input, Faults::default())?;
    let directory = tempfile::tempdir().expect("a directory");
    for (name, text) in &site.files {
        fs::write(directory.path().join(name), text).expect("written");
    }
    let main: &Path = &directory.path().join("deploywatch.toml");
    match config::load(main) {
        Ok(loaded) => Ok(loaded.inventory),
        Err(faults) => Err(faults.render(false)),
    }
}

#[test]
fn configurations_of_nagios_are_judged() {
    for (number, main, objects, expected) in IMPORTS {
        let found = import(main, objects);
        match (found, expected) {
            (Ok(inventory), Ok(expected)) => {
                let mut checks: Vec<String> = inventory
                    .objects()
                    .filter(|obj| !inventory.is_host(*obj))
                    .map(|obj| inventory.name(obj).to_string())
                    .collect();
                checks.sort();
                assert_eq!(checks, *expected, "case {number}");
                assert_eq!(inventory.hosts.len(), 2, "case {number}");
            }
            (Err(why), Err(expected)) => {
                assert!(why.contains(expected), "case {number}: {why}");
            }
            (Ok(_), Err(_)) => panic!("case {number}: this should be refused"),
            (Err(why), Ok(_)) => panic!("case {number}: {why}"),
        }
    }
}

#[test]
fn the_first_case_comes_out_as_nagios_resolves_it() {
    let inventory = import("", SERVICES).expect("good");
    let rule = |name: &str| {
        let name = deploywatch::domain::model::state::ObjectName::parse(name);
        let obj = inventory.find(&name).expect("there");
        (obj, inventory.rule(obj).clone())
    };
    let (dependent, own) = rule("host2/dependent");
    let (_, master) = rule("host2/master");
    let every = |rule: &deploywatch::domain::model::objects::Rule| format!("{:?}", rule.schedule);
    assert_eq!(
        every(&own),
        "Every(1920s)",
        "case 119: own value before the template's"
    );
    assert_eq!(every(&master), "Every(900s)");
    assert_eq!((own.attempts, own.retry.as_secs()), (5, 60));
    assert_eq!(own.notify.remind.as_secs(), 65 * 60);
    let relations = &inventory.relations;
    let entries: Vec<_> = relations.dependencies_of(dependent).collect();
    assert_eq!(entries.len(), 1, "case 119");
    assert_eq!(entries[0].masters, [rule("host2/master").0]);
    assert!(entries[0].run.is_empty());
    for (name, escalations) in [
        ("host1/both", 0),
        ("host2/master", 1),
        ("host2/dependent", 1),
    ] {
        let found = relations.escalations_of(rule(name).0).count();
        assert_eq!(found, escalations, "case 119: {name}");
    }
}

#[test]
fn comments_outlive_a_restart() {
    let mut world = World::new("[[host]]\nname = \"hst1\"\n");
    for (number, id, persistent, _) in COMMENTS {
        let line = format!("ADD_HOST_COMMENT;hst1;{};ann;seen", u8::from(*persistent));
        assert!(world.order(&line).0, "case {number}");
        assert!(world.comments.contains_key(id), "case {number}: {id}");
    }
    let mut again = world.restarted();
    let view = |world: &World| {
        let name = deploywatch::domain::model::state::ObjectName::parse("hst1");
        world
            .engine
            .object_view(&name)
            .expect("there")
            .comments
            .len()
    };
    let kept = COMMENTS.iter().filter(|row| row.3).count();
    assert_eq!(view(&again), kept, "case 123");
    let last = COMMENTS.iter().map(|row| row.1).max().unwrap_or_default();
    assert!(again.order("ADD_HOST_COMMENT;hst1;1;ann;more").0);
    assert!(
        again.comments.contains_key(&(last + 1)),
        "case 123: ids go on"
    );
}
