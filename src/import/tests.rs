//! Tests of the stages together: text in, text out.

use expect_test::{Expect, expect};

use super::{Faults, Input, Source, nagios};

fn input(main: &str, objects: &str) -> Input {
    Input {
        sources: vec![
            Source::new("nagios.cfg", main.into()),
            Source::new("objects.cfg", objects.into()),
        ],
        base: "/etc/nagios".into(),
        objects: vec![1],
        resources: Vec::new(),
    }
}

/// What is written for these objects, file by file.
#[track_caller]
fn check(objects: &str, expected: Expect) {
    check_with(
        "illegal_macro_output_chars=;\nenable_flap_detection=1",
        objects,
        expected,
    );
}

#[track_caller]
fn check_with(main: &str, objects: &str, expected: Expect) {
    let site = nagios(&input(main, objects), Faults::default())
        .unwrap_or_else(|faults| panic!("{faults}"));
    let texts = site
        .files
        .iter()
        .skip(1)
        .map(|(name, text)| format!("--- {name}\n{text}"));
    expected.assert_eq(
        &texts
            .collect::<String>()
            .replace("# From objects.cfg\n\n", ""),
    );
}

#[track_caller]
fn faults(objects: &str, expected: Expect) {
    let text = nagios(&input("", objects), Faults::default()).expect_err("faulty");
    expected.assert_eq(&text);
}

const BASE: &str = "
define command {
    command_name c
    command_line /bin/true
}
define timeperiod {
    timeperiod_name day
    monday 08:00-16:00,22:00-06:00
}
";

#[test]
fn comments_order_and_units_are_kept() {
    check(
        &format!(
            "{BASE}
#####
# The first one.
#####

define host {{
    host_name           a        ; its name
    # Slow link
    check_interval      0.25
    max_check_attempts  2
    check_command       c!x\\!y!z
    check_period        day
}}"
        ),
        expect![[r#"
            --- periods.toml
            [[period]]
            name = "day"
            monday = "08:00-16:00"
            --- commands.toml
            [[command]]
            name = "c"
            line = "/bin/true"
            --- hosts.toml
            # The first one.
            [[host]]
            name = "a"    # its name
            # Slow link
            every = "15s"
            attempts = 2
            check = 'c!x\!y!z'
            period = "day"
        "#]],
    );
}

#[test]
fn of_several_templates_the_first_wins_and_plus_adds() {
    check(
        "
define host {
    name        a
    register    0
    notifications_enabled 1
    parents     +p1
    max_check_attempts 2
}
define host {
    name        b
    register    0
    notifications_enabled 0
    parents     p2
    max_check_attempts 5
}
define host {
    use         a,b
    host_name   h
    parents     +p3
}
define host {
    use         b
    host_name   p1
    parents     null
}
define host {
    use         b
    host_name   p2
    parents     null
}
define host {
    use         b
    host_name   p3
    parents     null
}",
        expect![[r#"
            --- hosts.toml
            [[template]]
            name = "a"
            parents = ["p1"]
            attempts = 2

            [[template]]
            name = "b"
            notify = false
            parents = ["p2"]
            attempts = 5

            [[host]]
            name = "h"
            use = ["a", "b"]
            parents = ["p2", "p1", "p3"]
            notify = true

            [[host]]
            name = "p1"
            use = "b"
            parents = []

            [[host]]
            name = "p2"
            use = "b"
            parents = []

            [[host]]
            name = "p3"
            use = "b"
            parents = []
        "#]],
    );
}

#[test]
fn faults_name_line_and_remedy() {
    faults(
        "define host {\n  host_name a\n  use nobody\n  wrong 1\n}\ndefine hots {\n}\nstray",
        expect![[r#"
            objects.cfg:1: host `a` has no max_check_attempts
              help: add it here or in a template
            objects.cfg:3: there is no host template `nobody`
              help: define a host with `name nobody`, or remove the word
            objects.cfg:4: there is no directive `wrong` in a host
              help: Nagios refuses it too: remove it
            objects.cfg:6: there is no type of object `hots`
              help: did you mean `host`?
            objects.cfg:8: `stray` stands outside of an object
              help: objects begin with `define TYPE {` and end with `}`; settings belong into the main file
            5 faults; nothing was written
        "#]],
    );
}

#[test]
fn templates_in_a_circle_are_told_of() {
    faults(
        "define host {\n  name a\n  use b\n  register 0\n}\ndefine host {\n  name b\n  use a\n  register 0\n}",
        expect![[r#"
            objects.cfg:8: templates use one another in a circle
              help: remove one of these `use`
            1 fault; nothing was written
        "#]],
    );
}

#[test]
fn secrets_are_in_no_file_but_their_own() {
    let mut input = input("", "");
    input.sources.push(Source::new(
        "resource.cfg",
        "# mine\n$USER2$=pass=word#1 \n".into(),
    ));
    input.resources.push(2);
    let site = nagios(&input, Faults::default()).expect("good");
    assert_eq!(site.user_macros.as_deref(), Some("$USER2$=pass=word#1\n"));
    let open = site
        .files
        .iter()
        .map(|(_, text)| text)
        .chain([&site.report, &site.summary]);
    assert!(open.into_iter().all(|text| !text.contains("pass")));
}

#[test]
fn any_bytes_are_read() {
    for objects in [
        "define",
        "define {",
        "define host {\n{\n}}",
        "}",
        "\\",
        "a\\\n",
        "define host {\n\u{0}\u{ff} x\n;\n",
    ] {
        let _ = nagios(&input("=\n==\n", objects), Faults::default());
    }
}

const SITE: &str = "
define command {
    command_name c
    command_line /bin/true
}
define contact {
    contact_name ann
    service_notification_commands c
    host_notification_commands c
    service_notification_options c
    host_notification_options d
}
define contact {
    contact_name ben
    service_notification_commands c
    host_notification_commands c
    service_notification_options c
    host_notification_options d
}
define host {
    name h
    register 0
    max_check_attempts 1
    check_command c
    check_freshness 1
    freshness_threshold 600
}
define host {
    use h
    host_name a
    contacts ann
    check_freshness 0
}
define host {
    use h
    host_name b
    contacts ben
}
define service {
    host_name a,b
    service_description s
    check_command c
    max_check_attempts 1
}
";

/// What comes after the hosts' own settings in one file.
#[track_caller]
fn file(name: &str, objects: &str, expected: Expect) {
    let main = "illegal_macro_output_chars=;\nenable_flap_detection=1\ncheck_host_freshness=1";
    let site = nagios(&input(main, &format!("{SITE}{objects}")), Faults::default())
        .unwrap_or_else(|faults| panic!("{faults}"));
    let text = site.files.iter().find(|(file, _)| *file == name);
    let text = text.map_or("", |(_, text)| text);
    expected.assert_eq(&text.replace("# From objects.cfg\n\n", ""));
}

#[test]
fn escalations_that_add_keep_the_contacts_of_each_object() {
    let escalation = |objects: &str| {
        format!("define {objects}\n first_notification 2\n last_notification 0\n}}\n")
    };
    file(
        "relations.toml",
        &[
            escalation("serviceescalation {\n host_name *\n service_description s\n contacts +ben"),
            escalation("hostescalation {\n host_name a\n contacts +ben"),
        ]
        .concat(),
        expect![[r#"
            [[escalation]]
            of = { hosts = ["a"], checks = ["s"] }
            contacts = ["ann", "ben"]
            first = 2
            last = 0

            [[escalation]]
            of = { hosts = ["b"], checks = ["s"] }
            contacts = ["ben"]
            first = 2
            last = 0

            [[escalation]]
            of = { hosts = ["a"] }
            contacts = ["ann", "ben"]
            first = 2
            last = 0
        "#]],
    );
}

#[test]
fn groups_within_groups_and_hosts_taken_out_stay() {
    file(
        "hosts.toml",
        "define hostgroup {\n hostgroup_name inner\n members b\n}\n\
         define hostgroup {\n hostgroup_name outer\n members *,!a\n hostgroup_members inner\n}\n\
         define hostgroup {\n hostgroup_name back\n members *,!b\n hostgroup_members inner\n}\n",
        expect![[r#"
            [[template]]
            name = "h"
            attempts = 1
            check = "c"
            stale_after = "10m"

            [[host]]
            name = "a"
            use = "h"
            contacts = ["ann"]
            stale_after = "never"

            [[host]]
            name = "b"
            use = "h"
            contacts = ["ben"]

            [[group]]
            name = "inner"
            hosts = ["b"]

            [[group]]
            name = "outer"
            hosts = ["*"]
            exclude_hosts = ["a"]
            groups = ["inner"]

            [[group]]
            name = "back"
            hosts = ["a"]
            groups = ["inner"]
        "#]],
    );
}

#[test]
fn parents_of_services_must_exist() {
    faults(
        &format!(
            "{SITE}define service {{\n host_name a\n service_description t\n check_command c\n max_check_attempts 1\n parents u\n}}\n\
             define service {{\n host_name b\n service_description v\n check_command c\n max_check_attempts 1\n parents a,s,b,t\n}}\n"
        ),
        expect![[r#"
            objects.cfg:50: there is no service `u` on host `a` to be a parent
              help: did you mean `s`? Write service, or host,service,host,service
            objects.cfg:57: there is no service `t` on host `b` to be a parent
              help: did you mean `s`? Write service, or host,service,host,service
            2 faults; nothing was written
        "#]],
    );
}

/// What the new configuration does better than the old one is a change too: nobody is to find it out at night.
#[test]
fn what_nagios_gets_wrong_is_told_of() {
    let main = "accept_passive_service_checks=0\nenable_predictive_host_dependency_checks=1\n";
    let objects = format!(
        "{SITE}define command {{\n command_name mail\n command_line mail '$NOTIFICATIONCOMMENT$'\n}}\n\
         define timeperiod {{\n timeperiod_name winter\n december 20 - january 5 00:00-24:00\n}}\n\
         define service {{\n host_name a\n service_description t\n check_command c\n max_check_attempts 1\n parents s\n}}\n\
         define hostdependency {{\n host_name a\n dependent_host_name b\n notification_failure_criteria d\n \
         dependency_period winter\n}}\n\
         define hostescalation {{\n host_name a\n contacts ben\n first_notification 2\n last_notification 0\n}}\n\
         define hostescalation {{\n host_name b\n contacts ann\n first_notification 2\n last_notification 0\n}}\n"
    );
    let site = nagios(&input(main, &objects), Faults::default()).expect("good");
    let (report, _) = site.report.split_once("LINE BY LINE").expect("parted");
    for (line, why) in [
        (
            "accept_passive_service_checks=0",
            "Nagios asks this switch for results of hosts",
        ),
        (
            "enable_predictive_host_dependency_checks=1",
            "does it with two attempts only",
        ),
        (
            "command_line mail '$NOTIFICATIONCOMMENT$'",
            "from Nagios it comes as it is",
        ),
        (
            "december 20 - january 5 00:00-24:00",
            "Nagios forgets the part in January",
        ),
        ("parents s", "Nagios means this and never does it"),
        (
            "dependency_period winter",
            "Nagios then forgets all dependencies",
        ),
        ("define hostescalation {", "Nagios counts one too low"),
    ] {
        let found: Vec<&str> = report
            .lines()
            .zip(report.lines().skip(1))
            .filter(|(said, told)| said.ends_with(&format!(": {line}")) && told.contains(why))
            .map(|(_, told)| told)
            .collect();
        assert_eq!(found.len(), 1, "{line}: {why}\n{report}");
    }
}
