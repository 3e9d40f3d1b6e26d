//! Rotations and the dead-man ping: what is refused, and how.

use expect_test::expect;

use super::bad;

#[test]
fn what_is_wrong_with_a_rotation_is_told_with_its_place_and_remedy() {
    let text = r#"
[[contact]]
name = "ann"
email = "ann@example.org"
[[contact_group]]
name = "ops"
members = ["ann"]
[[rotation]]
name = "ops"
members = ["ann"]
handover = "09:00"
since = "2026-01-05"
[[rotation]]
name = "a"
members = ["ops", "nobody"]
handover = "09:00"
since = "2026-01-05"
[[rotation]]
name = "b"
members = []
handover = "09:00"
since = "2026-01-05"
[[rotation]]
name = "c"
members = ["ann"]
handover = "mon 9"
since = "2026-01-05"
[[rotation]]
name = "d"
members = ["ann"]
handover = "monday 09:00"
since = "2026-01-07"
[[rotation]]
name = "e"
members = ["ann"]
handover = "monday 09:00"
turn = "3d"
since = "2026-01-05"
[[rotation]]
name = "f"
members = ["ann"]
handover = "09:00"
turn = "12h"
since = "2026-01-05"
[[rotation]]
name = "g"
members = ["ann"]
handover = "09:00"
since = "5.1.2026"
timezone = "Berlin"
[[rotation]]
name = "h"
members = ["ann"]
handover = "09:00"
since = "2026-01-05"
timezone = "UTC"
override = [
  { who = "ann", from = "2026-02-01 09:00", until = "2026-02-03 09:00", reason = "x" },
  { who = "ann", from = "2026-02-02 09:00", until = "2026-02-04 09:00", reason = "x" },
  { who = "ann", from = "2026-02-06 09:00", until = "2026-02-05 09:00", reason = "x" },
  { who = "a", from = "tomorrow", until = "2026-02-05 09:00", reason = "x" },
]
"#;
    expect![[r#"
            error: `ops` is the name of a contact group and of a rotation
             --> deploywatch.toml:9:8
              |
            6 | name = "ops"
              |        ----- the contact group
            ...
            9 | name = "ops"
              |        ^^^^^ the rotation
              |
              = help: give one of them another name: `contacts` could mean either

            error: `ops` is a contact group, which cannot take turns
              --> deploywatch.toml:15:12
               |
            15 | members = ["ops", "nobody"]
               |            ^^^^^
               |
               = help: name contacts, each a person of its own

            error: there is no contact or contact group `nobody`
              --> deploywatch.toml:15:19
               |
            15 | members = ["ops", "nobody"]
               |                   ^^^^^^^^ unknown name
               |
               = help: declare it with [[contact]] name = "nobody", or correct the name

            error: a rotation without members is never on call
              --> deploywatch.toml:20:11
               |
            20 | members = []
               |           ^^
               |
               = help: list the contacts in the order of their turns

            error: `mon 9` is not a time of hand-over
              --> deploywatch.toml:26:12
               |
            26 | handover = "mon 9"
               |            ^^^^^^^
               |
               = help: write a time of day, with a weekday in front where hands change weekly: "monday 09:00" or "09:00"

            error: 2026-01-07 is not the weekday of the hand-over
              --> deploywatch.toml:32:9
               |
            32 | since = "2026-01-07"
               |         ^^^^^^^^^^^^
               |
               = help: "2026-01-05" is one: write the day on which the first member's turn began

            error: turns of 3 days do not begin on the same weekday each time
              --> deploywatch.toml:36:12
               |
            36 | handover = "monday 09:00"
               |            ^^^^^^^^^^^^^^
               |
               = help: leave the weekday out, or let turns last whole weeks

            error: a turn lasts whole days
              --> deploywatch.toml:43:8
               |
            43 | turn = "12h"
               |        ^^^^^
               |
               = help: write for example 1d or 1w; for parts of a day use one rotation for each part, with a `period`

            error: `Berlin` is not a time zone
              --> deploywatch.toml:50:12
               |
            50 | timezone = "Berlin"
               |            ^^^^^^^^
               |
               = help: did you mean `Europe/Berlin`?

            error: two overrides are in force at 2026-02-02 09:00: one until 2026-02-03 09:00, one from 2026-02-02 09:00
              --> deploywatch.toml:57:12
               |
            57 | override = [
               |            ^
               |
               = help: let one end where the other begins, so that it is clear who is on call

            error: it ends before it begins
              --> deploywatch.toml:60:53
               |
            60 |   { who = "ann", from = "2026-02-06 09:00", until = "2026-02-05 09:00", reason = "x" },
               |                                                     ^^^^^^^^^^^^^^^^^^
               |
               = help: `until` is later than `from`

            error: `a` is a rotation, which cannot take turns
              --> deploywatch.toml:61:11
               |
            61 |   { who = "a", from = "tomorrow", until = "2026-02-05 09:00", reason = "x" },
               |           ^^^
               |
               = help: name contacts, each a person of its own

            error: `tomorrow` is not a time
              --> deploywatch.toml:61:23
               |
            61 |   { who = "a", from = "tomorrow", until = "2026-02-05 09:00", reason = "x" },
               |                       ^^^^^^^^^^
               |
               = help: write "2026-12-24 18:00", by the clocks of the rotation's zone, or RFC 3339

            13 faults in the configuration
        "#]]
    .assert_eq(&bad(text).render(false));
}

/// An address that was written out is refused, and not shown by the refusal.
#[test]
fn the_address_of_the_dead_man_ping_is_a_secret() {
    let text = "[dead_man]\nping_url = \"https://watch.example.org/uuid\"\n";
    expect![[r#"
        error: `ping_url` is not written into the configuration, where others would read it
         --> deploywatch.toml:2:1
          |
        2 | ping_url = "******************************"
          | ^^^^^^^^ a secret
          |
          = help: give it as `ping_url_file` (a path), `ping_url_env` (a variable) or `ping_url_credential` (of systemd)

        1 fault in the configuration
    "#]].assert_eq(&bad(text).render(false));
}
