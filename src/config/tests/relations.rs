//! Dependencies, escalations, groups of checks and what few objects say: what comes out, and what is refused.

use std::time::Duration;

use expect_test::expect;

use super::{bad, good};
use crate::domain::model::{
    relations::StaleAfter,
    state::{ObjectName, State},
};

const SITE: &str = r#"
[[contact]]
name = "oncall"
email = "oncall@example.org"

[[contact]]
name = "boss"
email = "boss@example.org"

[[period]]
name = "workhours"
monday = "09:00-17:00"

[[host]]
name = "web1"
groups = ["web"]
contacts = ["oncall"]

[[host]]
name = "web2"
groups = ["web"]
contacts = ["oncall"]

[[host]]
name = "db1"
contacts = ["oncall"]

[[check]]
name = "http"
groups = ["web"]
command = "check_http"
check_groups = ["front", "all"]

[[check]]
name = "agent"
hosts = ["*"]
command = "check_agent"

[[check]]
name = "sql"
hosts = ["db1"]
command = "check_sql"
parents = ["agent", "web1/http"]
handler = "restart-sql"
handle = true
stale_after = "auto"
initial_state = "unknown"
flap_states = ["ok", "critical"]
stalk = "warning"
"#;

fn with(more: &str) -> String {
    format!("{SITE}{more}")
}

/// The names of masters that each object depends on.
fn depends(text: &str) -> Vec<String> {
    let inventory = good(text).inventory;
    let mut all = Vec::new();
    for obj in inventory.relations.dependencies_of.keys() {
        for entry in inventory.relations.dependencies_of(*obj) {
            let masters: Vec<String> = entry
                .masters
                .iter()
                .map(|master| inventory.name(*master).to_string())
                .collect();
            all.push(format!("{} on {}", inventory.name(*obj), masters.join(" ")));
        }
    }
    all
}

#[test]
fn selectors_take_names_globs_groups_and_exclusions() {
    for (of, on, expected) in [
        (
            r#"{ groups = ["web"], checks = ["http"] }"#,
            r#"{ hosts = ["db1"], checks = ["sql"] }"#,
            &["web1/http on db1/sql", "web2/http on db1/sql"][..],
        ),
        (
            r#"{ hosts = ["*", "!web2"], checks = ["*", "!agent"] }"#,
            r#"{ checks = ["agent"] }"#,
            &["db1/sql on db1/agent", "web1/http on web1/agent"],
        ),
        (
            r#"{ groups = ["w*"], hosts = ["!web1"] }"#,
            r#"{ hosts = ["db1"] }"#,
            &["web2 on db1"],
        ),
        (
            r#"{ checks = ["h??p"] }"#,
            r#"{ hosts = ["db1"] }"#,
            &["web1/http on db1", "web2/http on db1"],
        ),
    ] {
        let text = with(&format!(
            "[[dependency]]\nof = {of}\non = {on}\nnotify = \"critical\"\n"
        ));
        let mut found = depends(&text);
        found.sort();
        assert_eq!(found, expected, "{of} {on}");
    }
}

#[test]
fn a_dependency_and_an_escalation_say_all_they_can() {
    let loaded = good(&with(
        r#"
[[dependency]]
of = { hosts = ["web1"] }
on = { hosts = ["db1"] }
run = ["down", "pending"]
notify = "down"
inherit = true
period = "workhours"

[[escalation]]
of = { groups = ["web"], checks = ["http"] }
first = 3
states = ["critical", "recovery"]
contacts = ["boss"]
remind = "15m"
period = ""
"#,
    ));
    let relations = &loaded.inventory.relations;
    let entry = &relations.dependencies[0];
    assert!(entry.run.pending && !entry.notify.pending && entry.inherit);
    assert!(entry.run.states.has(State::Down) && !entry.run.states.has(State::Up));
    assert_eq!(
        entry.period.as_ref().map(|period| period.name()),
        Some("workhours")
    );
    let escalation = &relations.escalations[0];
    assert_eq!((escalation.first, escalation.last), (3, 0));
    assert!(escalation.states.has(State::Ok) && !escalation.states.has(State::Warning));
    assert_eq!(escalation.remind, Some(Duration::from_secs(900)));
    assert!(
        matches!(escalation.period, Some(None)),
        "an empty name means always"
    );
    let http = loaded
        .inventory
        .find(&ObjectName::check("web2", "http"))
        .expect("it is there");
    assert_eq!(relations.escalations_of(http).count(), 1);
    assert_eq!(
        relations
            .check_group("front")
            .map(|group| group.members.len()),
        Some(2)
    );
    assert_eq!(
        relations.group("web").map(|group| group.members.len()),
        Some(2)
    );
}

#[test]
fn what_few_objects_say_is_kept_apart() {
    let inventory = good(SITE).inventory;
    let sql = inventory
        .find(&ObjectName::check("db1", "sql"))
        .expect("it is there");
    let rare = inventory.rule(sql).rare();
    assert_eq!(rare.stale_after, Some(StaleAfter::Auto));
    assert_eq!(rare.initial_state, Some(State::Unknown));
    assert!(rare.flap_states.has(State::Critical) && !rare.flap_states.has(State::Warning));
    assert!(rare.stalk.has(State::Warning) && rare.handle && rare.perfdata);
    assert_eq!(
        rare.handler.as_ref().map(|handler| &*handler.line),
        Some("restart-sql")
    );
    assert_eq!(inventory.relations.check_parents_of(sql).len(), 2);
    let agent = inventory
        .find(&ObjectName::check("db1", "agent"))
        .expect("it is there");
    assert!(inventory.rule(agent).rare.is_none());
}

#[test]
fn circles_and_unknown_names_are_faults() {
    let text = with(
        r#"
[[dependency]]
of = { hosts = ["web1"], checks = ["http"] }
on = { hosts = ["db1"], checks = ["sql"] }
notify = "critical"

[[dependency]]
of = { hosts = ["db1"], checks = ["sql"] }
on = { groups = ["web"], checks = ["http"] }
notify = "critical"

[[escalation]]
of = { hosts = ["web9", "!web8"], groups = ["wob"] }
first = 5
last = 3
contacts = ["bos"]
"#,
    );
    expect![[r#"
        error: dependencies lead back to where they began: `db1/sql` → `web1/http` → `db1/sql`
          --> deploywatch.toml:58:6
           |
        58 | on = { groups = ["web"], checks = ["http"] }
           |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           |
           = help: remove one of these [[dependency]] tables

        error: there is no host `web9`
          --> deploywatch.toml:62:17
           |
        62 | of = { hosts = ["web9", "!web8"], groups = ["wob"] }
           |                 ^^^^^^ unknown name
           |
           = help: did you mean `web1`?

        error: there is no host `web8`
          --> deploywatch.toml:62:25
           |
        62 | of = { hosts = ["web9", "!web8"], groups = ["wob"] }
           |                         ^^^^^^^ unknown name
           |
           = help: did you mean `web1`?

        error: no host is in a group `wob`
          --> deploywatch.toml:62:45
           |
        62 | of = { hosts = ["web9", "!web8"], groups = ["wob"] }
           |                                             ^^^^^ unknown name
           |
           = help: did you mean `web`?

        error: `last` (3) comes before `first` (5)
          --> deploywatch.toml:64:8
           |
        64 | last = 3
           |        ^
           |
           = help: write last = 0 for no end

        error: there is no contact or contact group `bos`
          --> deploywatch.toml:65:13
           |
        65 | contacts = ["bos"]
           |             ^^^^^ unknown name
           |
           = help: did you mean `boss`?

        6 faults in the configuration
    "#]]
    .assert_eq(&bad(&text).render(false));
}

#[test]
fn a_circle_of_running_and_notifying_is_none() {
    let both = with(
        r#"
[[dependency]]
of = { hosts = ["web1"], checks = ["http"] }
on = { hosts = ["db1"], checks = ["sql"] }
notify = "critical"

[[dependency]]
of = { hosts = ["db1"], checks = ["sql"] }
on = { hosts = ["web1"], checks = ["http"] }
run = "critical"

[[dependency]]
of = { groups = ["web"] }
on = { hosts = ["web1"] }
run = "down"
"#,
    );
    assert_eq!(good(&both).inventory.relations.dependencies.len(), 3);
}

#[test]
fn selectors_that_match_nothing_and_idle_tables_are_doubtful() {
    let text = with(
        r#"
[[dependency]]
of = { hosts = ["web1"], checks = ["httb"] }
on = { checks = ["sql"] }

[[dependency]]
of = { hosts = ["web1"], checks = ["http"] }
on = { checks = ["sql"] }
notify = "critical"
"#,
    );
    expect![[r#"
        warning: there is no [smtp], so mail goes to port 25 of this machine
         --> deploywatch.toml:4:9
          |
        4 | email = "oncall@example.org"
          |         ^^^^^^^^^^^^^^^^^^^^
          |
          = help: add [smtp] with host and from

        warning: this dependency stops nothing
          --> deploywatch.toml:51:1
           |
        51 | [[dependency]]
           | ^^^^^^^^^^^^^^
           |
           = help: add `run` or `notify` with states of the master

        warning: `of` names nothing that exists
          --> deploywatch.toml:52:6
           |
        52 | of = { hosts = ["web1"], checks = ["httb"] }
           |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           |
           = help: correct the names of hosts, groups and checks, or remove the table

        warning: `on` names nothing on the dependents' own hosts
          --> deploywatch.toml:57:6
           |
        57 | on = { checks = ["sql"] }
           |      ^^^^^^^^^^^^^^^^^^^^
           |
           = help: correct the names of checks, or add `hosts`

    "#]]
    .assert_eq(&good(&text).render_warnings(false));
}

#[test]
fn parents_of_checks_must_exist() {
    let text = SITE.replace(
        r#"parents = ["agent", "web1/http"]"#,
        r#"parents = ["agnet", "web1/sql", "sql"]"#,
    );
    expect![[r#"
        error: `db1/sql` cannot stand behind `agnet`
          --> deploywatch.toml:43:12
           |
        43 | parents = ["agnet", "web1/sql", "sql"]
           |            ^^^^^^^ no other check of this name
           |
           = help: write the name of a check on the same host, or HOST/CHECK

        error: `db1/sql` cannot stand behind `web1/sql`
          --> deploywatch.toml:43:21
           |
        43 | parents = ["agnet", "web1/sql", "sql"]
           |                     ^^^^^^^^^^ no other check of this name
           |
           = help: write the name of a check on the same host, or HOST/CHECK

        error: `db1/sql` cannot stand behind `sql`
          --> deploywatch.toml:43:33
           |
        43 | parents = ["agnet", "web1/sql", "sql"]
           |                                 ^^^^^ no other check of this name
           |
           = help: write the name of a check on the same host, or HOST/CHECK

        3 faults in the configuration
    "#]]
    .assert_eq(&bad(&text).render(false));
}

#[test]
fn groups_hold_groups_and_leave_hosts_out() {
    let loaded = good(&format!(
        "{SITE}
[[group]]
name = \"web\"
[[group]]
name = \"outer\"
groups = [\"middle\"]
hosts = [\"web1\"]
[[group]]
name = \"middle\"
groups = [\"web\"]
exclude_hosts = [\"web1\"]
[[group]]
name = \"rest\"
hosts = [\"*\"]
exclude_groups = [\"middle\"]
[[check]]
name = \"load\"
groups = [\"outer\"]
command = \"check_load\"
"
    ));
    let groups = |name: &str| {
        let host = loaded
            .inventory
            .hosts
            .iter()
            .find(|host| &*host.name == name);
        let groups = host.expect(name).groups.iter();
        groups.map(|group| &**group).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(groups("web1"), "web outer rest");
    assert_eq!(groups("web2"), "web outer middle");
    assert_eq!(groups("db1"), "rest");
    let load = loaded
        .inventory
        .checks
        .iter()
        .filter(|check| &*check.name == "load");
    assert_eq!(load.count(), 2);
    expect![[r#"
        error: groups hold one another in a circle: `a` → `b` → `a`
         --> deploywatch.toml:1:1
          |
        1 | [[group]]
          | ^^^^^^^^^
          |
          = help: remove one of them from `groups` or `exclude_groups`

        1 fault in the configuration
    "#]]
    .assert_eq(
        &bad("[[group]]\nname = \"a\"\ngroups = [\"b\"]\n[[group]]\nname = \"b\"\nexclude_groups = [\"a\"]\n")
            .render(false),
    );
}

#[test]
fn a_child_takes_the_freshness_of_its_template_back() {
    let loaded = good(
        "[[template]]\nname = \"t\"\nstale_after = \"1h\"\ncommand = \"x\"\n[[host]]\nname = \"h\"\n\
         [[check]]\nname = \"a\"\nuse = \"t\"\nhosts = [\"h\"]\n\
         [[check]]\nname = \"b\"\nuse = \"t\"\nhosts = [\"h\"]\nstale_after = \"never\"\n",
    );
    let stale = loaded
        .inventory
        .checks
        .iter()
        .map(|check| check.rule.rare().stale_after);
    let hour = StaleAfter::After(Duration::from_secs(3600));
    assert_eq!(stale.collect::<Vec<_>>(), [Some(hour), None]);
}
