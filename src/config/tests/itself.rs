//! What deploywatch watches of itself: the host and the checks that one table stands for.

use std::time::Duration;

use expect_test::expect;

use super::{bad, good};
use crate::{
    config::{load, show},
    domain::{
        itself::{CHECKS, Limit, canary::When},
        model::{message::Urgency, objects::Inventory, state::ObjectName},
    },
};

const SITE: &str = r#"
[smtp]
host = "mail.example.org"
from = "deploywatch@example.org"
[defaults]
command = "check_dummy 0"
attempts = 5
period = "never"
groups = ["web"]
[[period]]
name = "never"
[[contact]]
name = "ann"
email = "ann@example.org"
[[host]]
name = "web1"
groups = ["web"]
[[check]]
name = "http"
hosts = ["*"]
contacts = "ann"
"#;

fn names(inventory: &Inventory) -> Vec<String> {
    inventory
        .objects()
        .map(|obj| inventory.name(obj).to_string())
        .collect()
}

#[test]
fn the_table_stands_for_a_host_and_its_checks() {
    let text = format!("{SITE}[itself]\ncontacts = \"ann\"\nlate = {{ critical = \"1m\" }}\n");
    let loaded = good(&text);
    let inventory = &loaded.inventory;
    assert_eq!(
        names(inventory),
        [
            "deploywatch",
            "web1",
            "deploywatch/clock",
            "deploywatch/dead-letters",
            "deploywatch/disk",
            "deploywatch/feeds",
            "deploywatch/lateness",
            "deploywatch/outbox",
            "deploywatch/store",
            // The pattern means machines.
            "web1/http",
        ]
    );
    let rules = inventory.globals.itself.as_ref().expect("it is watched");
    let spans = |warning, critical| Limit {
        warning: Duration::from_secs(warning),
        critical: Duration::from_secs(critical),
    };
    assert_eq!((rules.late, rules.outbox), (spans(30, 60), spans(120, 600)));
    for (check, _) in CHECKS {
        let obj = inventory.find(&rules.object(check)).expect("it is there");
        let rule = inventory.rule(obj);
        // Whatever [defaults] say.
        assert!(rule.command.is_none() && !rule.active && !rule.accepts_passive);
        assert!(rule.always_page && rule.check_period.is_none() && !rule.flap.enabled);
        assert_eq!((rule.attempts, rule.notify.contacts.len()), (1, 1));
    }
    assert_eq!(loaded.render_warnings(false), "");
    let shown = show(&loaded, "deploywatch/lateness").expect("it is there");
    let line = |key: &str| {
        let value = shown.iter().find(|value| value.key == key).expect(key);
        (value.value.as_str(), value.line)
    };
    assert_eq!(line("contacts"), ("\"ann\"", 23));
    assert_eq!(line("always_page"), ("[itself]", 22));
}

#[test]
fn without_contacts_routes_decide_and_nobody_is_warned_of() {
    let loaded = good(&format!("{SITE}[itself]\nhost = \"monitor\"\n"));
    expect![[r#"
        warning: monitor/clock pages nobody: it has no contacts, and no route is for it
          --> deploywatch.toml:22:1
           |
        22 | [itself]
           | ^^^^^^^^
           |
           = help: write `contacts` here, or a [[route]] for it

    "#]]
    .assert_eq(&loaded.render_warnings(false));
    let route = "[[route]]\nname = \"ours\"\nmatch = { hosts = \"monitor\" }\ncontacts = \"ann\"\n";
    let routed = good(&format!("{SITE}{route}[itself]\nhost = \"monitor\"\n"));
    assert_eq!(routed.render_warnings(false), "");
    let object = ObjectName::parse("monitor/store");
    assert!(routed.inventory.find(&object).is_some());
}

#[test]
fn what_cannot_be_is_told_with_the_remedy() {
    let text = format!(
        "{SITE}[[host]]\nname = \"deploywatch\"\n[itself]\nlate = {{ warning = \"5m\" }}\ndisk = {{ warning = 1 }}\n"
    );
    expect![[r#"
        error: the host `deploywatch` is the one that [itself] adds
          --> deploywatch.toml:23:8
           |
        23 | name = "deploywatch"
           |        ^^^^^^^^^^^^^
        24 | [itself]
           | -------- adds it
           |
           = help: give ours another name, such as host = "monitor" in [itself], or rename this one

        error: `critical` of `late` is not above its `warning`
          --> deploywatch.toml:25:8
           |
        25 | late = { warning = "5m" }
           |        ^^^^^^^^^^^^^^^^^^
           |
           = help: what is CRITICAL is worse than what is a WARNING; what is left out has its default

        error: `critical` of `disk` is not below its `warning`
          --> deploywatch.toml:26:8
           |
        26 | disk = { warning = 1 }
           |        ^^^^^^^^^^^^^^^
           |
           = help: what is CRITICAL is worse than what is a WARNING; what is left out has its default

        3 faults in the configuration
    "#]].assert_eq(&bad(&text).render(false));
}

#[test]
fn a_test_has_its_own_contacts_and_is_told_once() {
    let test = "[canary]\ncontacts = [\"ann\"]\nat = \"07:30\"\ntimezone = \"Europe/Rome\"\nurgency = \"low\"\n";
    let loaded = good(&format!("{SITE}{test}[itself]\n"));
    let rules = loaded.inventory.globals.itself.as_ref();
    let canary = rules.and_then(|rules| rules.canary.as_ref());
    let canary = canary.expect("it is wanted");
    assert!(matches!(
        canary.when,
        When::Daily {
            hour: 7,
            minute: 30,
            ..
        }
    ));
    assert_eq!((canary.urgency, canary.contacts.len()), (Urgency::Low, 1));
    let find = |name: &str| {
        let obj = loaded.inventory.find(&ObjectName::parse(name));
        loaded.inventory.rule(obj.expect(name)).notify.clone()
    };
    let (test, channels) = (find("deploywatch/canary"), find("deploywatch/channels"));
    assert_eq!((test.contacts.len(), test.remind), (1, Duration::ZERO));
    assert!(channels.contacts.is_empty() && !channels.remind.is_zero());
}

#[test]
fn tests_that_cannot_be() {
    expect![[r#"
        error: [canary] needs [itself]
          --> deploywatch.toml:22:1
           |
        22 | [canary]
           | ^^^^^^^^
           |
           = help: write [itself] beside it: its check `channels` says where the test did not arrive

        1 fault in the configuration
    "#]]
    .assert_eq(&bad(&format!("{SITE}[canary]\ncontacts = \"ann\"\n")).render(false));
    let texts = [
        "at = \"9:00\"",
        "every = \"5m\"\nfor = \"2m\"\nwithin = \"4m\"",
        "at = \"09:00\"\nevery = \"1d\"",
        "for = \"2h\"",
    ];
    let told: Vec<String> = texts
        .iter()
        .map(|text| {
            let faults = bad(&format!(
                "{SITE}[itself]\n[canary]\ncontacts = \"ann\"\n{text}\n"
            ));
            let first = faults.list.first().expect("a fault");
            format!(
                "{}: {}",
                first.message,
                first.help.as_deref().unwrap_or_default()
            )
        })
        .collect();
    expect![[r#"
        `at` is not a time of day: `9:00`: write for example at = "09:00", from 00:00 to 23:59
        the next test would begin before one is over: let `every` be longer than `for` and `within` together
        both `every` and `at` are given: keep one of them
        `for` is at most 1h: a test that is open for so long looks like a problem"#]].assert_eq(&told.join("\n"));
}

#[test]
fn the_table_may_be_in_two_files() {
    let dir = tempfile::tempdir().expect("a directory");
    let main = dir.path().join("deploywatch.toml");
    let text = format!("include = [\"more.toml\"]\n{SITE}[itself]\nevery = \"2m\"\n");
    std::fs::write(&main, text).expect("written");
    let more = "[itself]\nhost = \"monitor\"\ncontacts = \"ann\"\n";
    std::fs::write(dir.path().join("more.toml"), more).expect("written");
    let loaded = load(&main).expect("it is good");
    let object = ObjectName::parse("monitor/store");
    let obj = loaded.inventory.find(&object).expect("it is there");
    assert_eq!(loaded.inventory.rule(obj).notify.contacts.len(), 1);
}
