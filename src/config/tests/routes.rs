//! Routes: what is read, what is refused, and what is warned of.

use std::time::Duration;

use expect_test::expect;

use super::{bad, good};
use crate::domain::model::{
    deploy::{Risk, Verdict},
    message::Urgency,
    route::{Case, Told},
    state::State,
};

const SITE: &str = r#"
[smtp]
host = "mail.example.org"
from = "deploywatch@example.org"
[[contact]]
name = "ann"
email = "ann@example.org"
slack = { webhook_url_env = "PATH" }
[[contact]]
name = "pager"
pagerduty = { routing_key_env = "PATH" }
[[app]]
name = "shop"
[[host]]
name = "web1"
groups = ["web"]
apps = ["shop"]
vars = { team = "front" }
[[host]]
name = "db1"
groups = ["db"]
[[check]]
name = "http"
command = "check_dummy 0"
hosts = ["web1", "db1"]
"#;

#[test]
fn a_tree_over_several_tables_is_read() {
    let loaded = good(&format!(
        r#"{SITE}
[[route]]
name = "web"
match = {{ vars = {{ team = "front*" }}, groups = "!db" }}
contacts = "ann"
channels = ["slack"]
[[route]]
name = "deploys"
under = "web"
match = {{ apps = "sh*", states = "critical", verdict = ["suspect"], risk = "low" }}
contacts = []
escalate = [{{ after = "20m", contacts = "pager" }}, {{ after = "5m", contacts = "ann", urgency = "low" }}]
[[route]]
name = "rest"
contacts = ["pager"]
also = true
"#
    ));
    let shown: Vec<String> = loaded
        .warnings
        .iter()
        .map(|fault| fault.message.clone())
        .collect();
    assert_eq!(shown, Vec::<String>::new());
    let inventory = &loaded.inventory;
    let names = |object: &str, state: State, verdict: Verdict, also: bool| {
        let case = Case {
            inventory,
            obj: inventory
                .find(&crate::domain::model::state::ObjectName::parse(object))
                .expect("an object"),
            told: Some(Told {
                state,
                verdict,
                risk: (verdict != Verdict::None).then_some(Risk::Low),
            }),
        };
        let picked = inventory.routes.pick(&case, also);
        picked
            .iter()
            .map(|route| route.title())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        names("web1/http", State::Critical, Verdict::None, false),
        "route web (deploywatch.toml:27)"
    );
    assert_eq!(
        names("web1/http", State::Critical, Verdict::Suspect, false),
        "route deploys (deploywatch.toml:32)"
    );
    assert_eq!(
        names("web1/http", State::Warning, Verdict::Suspect, false),
        "route web (deploywatch.toml:27)"
    );
    assert_eq!(
        names("web1/http", State::Warning, Verdict::Suspect, true),
        "route rest (deploywatch.toml:38)"
    );
    assert_eq!(
        names("db1", State::Down, Verdict::None, false),
        "route rest (deploywatch.toml:38)"
    );
    let steps = &inventory.routes.all[1].steps;
    assert_eq!(steps[0].after, Duration::from_secs(300));
    assert_eq!(
        (steps[0].urgency, steps[1].urgency),
        (Urgency::Low, Urgency::High)
    );
}

#[test]
fn what_is_wrong_with_a_route_is_told_with_its_place_and_remedy() {
    let faults = bad(&format!(
        r#"{SITE}
[[route]]
name = "a"
under = "b"
contacts = "ann"
[[route]]
name = "b"
under = "a"
contacts = "ann"
[[route]]
name = "c"
under = "bb"
match = {{ groups = "webb", states = "soft", apps = "shop@test", host = "x" }}
contacts = "an"
[[route]]
name = "d"
contacts = []
[[route]]
name = "d"
contacts = []
escalate = [{{ after = "45m", contacts = "ann" }}, {{ after = "45m", contacts = "pager" }}]
[[route]]
name = "e"
under = "a"
also = true
contacts = "ann"
channels = ["sms"]
[[escalation]]
of = {{ hosts = "web1" }}
after = "10m"
first = 2
contacts = "ann"
"#
    ));
    expect![[r#"
        error: routes lie under one another in a circle: `a` → `b` → `a`
          --> deploywatch.toml:29:9
           |
        29 | under = "b"
           |         ^^^
           |
           = help: leave `under` out of one of them

        error: there is no route `bb`
          --> deploywatch.toml:37:9
           |
        37 | under = "bb"
           |         ^^^^ unknown name
           |
           = help: did you mean `b`?

        error: no host is in a group `webb`
          --> deploywatch.toml:38:20
           |
        38 | match = { groups = "webb", states = "soft", apps = "shop@test", host = "x" }
           |                    ^^^^^^ unknown name
           |
           = help: did you mean `web`?

        error: `soft` is no value of `states`
          --> deploywatch.toml:38:37
           |
        38 | match = { groups = "webb", states = "soft", apps = "shop@test", host = "x" }
           |                                     ^^^^^^
           |
           = help: write `warning`, `critical`, `unknown`, `down` or `unreachable`

        error: there is no app `shop@test`
          --> deploywatch.toml:38:52
           |
        38 | match = { groups = "webb", states = "soft", apps = "shop@test", host = "x" }
           |                                                    ^^^^^^^^^^^ unknown name
           |
           = help: declare it with [[app]] name = "shop@test", or correct the name

        error: unknown key `host` in the match of a route
          --> deploywatch.toml:38:65
           |
        38 | match = { groups = "webb", states = "soft", apps = "shop@test", host = "x" }
           |                                                                 ^^^^ unknown key
           |
           = help: `host` is called `hosts` here

        error: there is no contact or contact group `an`
          --> deploywatch.toml:39:12
           |
        39 | contacts = "an"
           |            ^^^^ unknown name
           |
           = help: did you mean `ann`?

        error: this route tells nobody
          --> deploywatch.toml:42:12
           |
        42 | contacts = []
           |            ^^
           |
           = help: name contacts, or write `escalate` with who is told when no deployer takes it on

        error: two routes are named `d`
          --> deploywatch.toml:44:8
           |
        41 | name = "d"
           |        --- first here
        ...
        44 | name = "d"
           |        ^^^ again here
           |
           = help: rename or remove one of them

        error: people on call would wait for more than 30m
          --> deploywatch.toml:46:12
           |
        46 | escalate = [{ after = "45m", contacts = "ann" }, { after = "45m", contacts = "pager" }]
           |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           |
           = help: a route that begins with the deployers has its first step after at most 30m

        error: two steps come at the same time
          --> deploywatch.toml:46:12
           |
        46 | escalate = [{ after = "45m", contacts = "ann" }, { after = "45m", contacts = "pager" }]
           |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           |
           = help: name the contacts of both in one

        error: a route under another cannot say `also`
          --> deploywatch.toml:50:1
           |
        50 | also = true
           | ^^^^
           |
           = help: write it at the route on top, which decides for all under it

        error: none of its contacts has a channel `sms`
          --> deploywatch.toml:52:13
           |
        52 | channels = ["sms"]
           |             ^^^^^
           |
           = help: write the kind of a channel that they have, such as email, slack or pagerduty

        error: an escalation with `after` has no `first`
          --> deploywatch.toml:56:1
           |
        55 | after = "10m"
           | ----- it comes once, by the time
        56 | first = 2
           | ^^^^^
           |
           = help: write one [[escalation]] by time and one by numbers

        14 faults in the configuration
    "#]]
    .assert_eq(&faults.render(false));
}

#[test]
fn what_is_suspicious_about_routes_is_warned_of() {
    let loaded = good(&format!(
        r#"{SITE}
[[route]]
name = "nothing"
match = {{ groups = "web", hosts = "db1" }}
contacts = "ann"
[[route]]
name = "quiet"
match = {{ hosts = "web1" }}
contacts = "pager"
urgency = "low"
"#
    ));
    let rendered: Vec<String> = loaded
        .warnings
        .iter()
        .map(|fault| {
            format!(
                "{}: {}",
                fault.message,
                fault.help.as_deref().unwrap_or_default()
            )
        })
        .collect();
    expect![[r#"
        db1/http pages nobody: it has no contacts, and no route is for it: add a last route without `match`, or write notify = false where that is meant
        route `nothing` is for nothing that exists: all that is written in `match` must fit at once
        route `quiet` is not urgent, and its contacts have nothing but pagers: they will be paged nonetheless: give them mail or chat, or write urgency = "high"
    "#]]
    .assert_eq(&(rendered.join("\n") + "\n"));
    let loaded = good(&format!(
        r#"{SITE}
[[route]]
name = "all"
contacts = "ann"
[[route]]
name = "late"
match = {{ hosts = "web1" }}
contacts = "pager"
"#
    ));
    let messages: Vec<&str> = loaded
        .warnings
        .iter()
        .map(|fault| &*fault.message)
        .collect();
    assert_eq!(messages, ["route `late` is never asked"]);
}
