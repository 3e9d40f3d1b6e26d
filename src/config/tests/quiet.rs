//! Mute times, and what silences may be.

use std::time::Duration;

use expect_test::expect;

use super::{bad, good};
use crate::{
    base::time::Timestamp,
    domain::model::{
        quiet::Widest,
        state::{State, StateSet},
    },
};

#[test]
fn a_mute_time_is_read_with_its_zone() {
    let loaded = good(
        r#"
[silences]
longest = "8h"
remind = "0s"
widest = "20"
[[period]]
name = "nights"
timezone = "Europe/Prague"
monday = "01:00-04:00"
[[host]]
name = "web1"
vars = { role = "front" }
[[mute]]
name = "backup"
match = { hosts = "web*", checks = ["!*"], vars = { role = ["front"] } }
period = "nights"
states = ["warning"]
owner = "ann"
reason = "backups"
"#,
    );
    let inventory = &loaded.inventory;
    let mute = &inventory.mutes[0];
    assert_eq!(
        mute.matcher.to_string(),
        "host=web* check=!* var.role=front"
    );
    assert_eq!(mute.states, StateSet::EMPTY.with(State::Warning));
    assert_eq!(
        (&*mute.name, &*mute.owner, &*mute.reason),
        ("backup", "ann", "backups")
    );
    let at = |text: &str| Timestamp::parse(text).expect("a time");
    assert!(mute.period.contains(at("2026-03-02T00:30:00Z")));
    assert!(!mute.period.contains(at("2026-03-02T03:30:00Z")));
    let rules = inventory.globals.silences;
    assert_eq!(
        (rules.longest, rules.remind, rules.widest),
        (
            Duration::from_secs(8 * 3600),
            Duration::ZERO,
            Widest::Objects(20)
        )
    );
    let loaded = good("[silences]\nwidest = \"12.5%\"");
    assert_eq!(
        loaded.inventory.globals.silences.widest,
        Widest::Percent(12.5)
    );
}

#[test]
fn mute_times_that_cannot_be() {
    let faults = bad(r#"
[silences]
widest = "150%"
[[period]]
name = "nights"
monday = "01:00-04:00"
[[mute]]
name = "backup"
period = "nights"
owner = "ann"
reason = "backups"
[[mute]]
name = "backup"
match = { host = "web*" }
period = "night"
owner = "ann"
"#);
    expect![[r#"
        error: `widest` is no share: `150%`
         --> deploywatch.toml:3:10
          |
        3 | widest = "150%"
          |          ^^^^^^
          |
          = help: write a part of the site, "50%", or a number of hosts and checks, "200"

        error: [[mute]] has no `reason`
          --> deploywatch.toml:12:1
           |
        12 | [[mute]]
           | ^^^^^^^^ `reason` is missing here
           |
           = help: add `reason = "..."`: why; stands wherever somebody asks why nobody was told

        error: two mute times are named `backup`
          --> deploywatch.toml:13:8
           |
         8 | name = "backup"
           |        -------- first here
        ...
        13 | name = "backup"
           |        ^^^^^^^^ again here
           |
           = help: rename or remove one of them

        error: unknown key `host` in the match of a mute time
          --> deploywatch.toml:14:11
           |
        14 | match = { host = "web*" }
           |           ^^^^ unknown key
           |
           = help: `host` is called `hosts` here

        error: there is no period `night`
          --> deploywatch.toml:15:10
           |
        15 | period = "night"
           |          ^^^^^^^ unknown name
           |
           = help: did you mean `nights`?

        5 faults in the configuration
    "#]]
    .assert_eq(&faults.render(false));
}

#[test]
fn mute_times_that_are_hardly_meant() {
    let loaded = good(
        r#"
[[contact]]
name = "ann"
[[host]]
name = "web1"
[[period]]
name = "never"
timezone = "UTC"
"2020-12-24" = "00:00-24:00"
[[period]]
name = "always"
timezone = "UTC"
monday = "00:00-24:00"
tuesday = "00:00-24:00"
wednesday = "00:00-24:00"
thursday = "00:00-24:00"
friday = "00:00-24:00"
saturday = "00:00-24:00"
sunday = "00:00-24:00"
[[mute]]
name = "past"
period = "never"
owner = "ann"
reason = "long ago"
[[mute]]
name = "whole"
period = "always"
owner = "ann"
reason = "too noisy"
[[mute]]
name = "nothing"
match = { checks = ["disk*"] }
period = "never"
owner = "ann"
reason = "a slip"
"#,
    );
    expect![[r#"
        warning: contact `ann` has no channel, so it is never told
         --> deploywatch.toml:3:8
          |
        3 | name = "ann"
          |        ^^^^^
          |
          = help: add email, webhook, pagerduty, slack, command or another channel

        warning: the mute time `past` never opens
          --> deploywatch.toml:22:10
           |
        22 | period = "never"
           |          ^^^^^^^ never is not open in the next two years

        warning: the mute time `whole` is open all the time
          --> deploywatch.toml:27:10
           |
        27 | period = "always"
           |          ^^^^^^^^ always does not close in the next two years
           |
           = help: what nobody is to be told of has `notify = false`, or no contacts

        warning: the mute time `nothing` hits nothing
          --> deploywatch.toml:32:9
           |
        32 | match = { checks = ["disk*"] }
           |         ^^^^^^^^^^^^^^^^^^^^^^ no host or check fits all of this
           |
           = help: `deploywatch silence preview` shows what words hit

        warning: the mute time `nothing` never opens
          --> deploywatch.toml:33:10
           |
        33 | period = "never"
           |          ^^^^^^^ never is not open in the next two years

    "#]]
    .assert_eq(&loaded.render_warnings(false));
}
