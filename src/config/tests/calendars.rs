//! Calendars of rotations: what is refused, what is warned of, and what is in force where one cannot be read.

use std::{fs, path::Path, time::Duration};

use expect_test::{Expect, expect};

use super::bad;
use crate::{
    base::time::Timestamp,
    config::{CalendarCopy, CalendarNotes, Loaded, load_text_at},
};

const PEOPLE: &str = r#"
[daemon]
store = "site.db"
[smtp]
[[contact]]
name = "ann"
email = "ann@example.org"
[[contact]]
name = "bob"
email = "bob@example.org"
[[contact]]
name = "cy"
alias = "Cy Young"
email = "cy@example.org"
"#;

const ROTATION: &str = r#"
[[rotation]]
name = "oncall"
timezone = "Europe/Berlin"
calendar = { file = "oncall.ics" }
otherwise = "cy"
people = { "Ann Smith" = "ann" }
"#;

const CALENDAR: &str = "BEGIN:VCALENDAR
BEGIN:VEVENT
SUMMARY:On Call - Ann Smith - Primary
DTSTART;TZID=Europe/Berlin:20260105T090000
DTEND;TZID=Europe/Berlin:20260112T090000
END:VEVENT
BEGIN:VEVENT
SUMMARY:On Call
ATTENDEE:mailto:BOB@example.org
DTSTART;TZID=Europe/Berlin:20260113T090000
DTEND;TZID=Europe/Berlin:20260119T090000
END:VEVENT
BEGIN:VEVENT
SUMMARY:On Call - Zed - Primary
DTSTART;VALUE=DATE:20260120
DTEND;VALUE=DATE:20260127
END:VEVENT
BEGIN:VEVENT
SUMMARY:Broken
DTSTART:soon
END:VEVENT
END:VCALENDAR
";

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect(text)
}

fn now() -> Timestamp {
    at("2026-01-06T12:00:00Z")
}

fn load(directory: &Path, rotation: &str) -> Loaded {
    let text = format!("{PEOPLE}{rotation}");
    match load_text_at(&text, directory, now()) {
        Ok(loaded) => loaded,
        Err(faults) => panic!("{}", faults.render(false)),
    }
}

/// Who is told at these times, `+` who is told as well.
fn whose(loaded: &Loaded, times: &[&str]) -> Vec<String> {
    let inventory = &loaded.inventory;
    let ix = inventory.find_contact("oncall").expect("a rotation");
    let on_call = inventory.contact(ix).on_call.as_ref().expect("a rotation");
    let name = |ix| inventory.contact(ix).name.to_string();
    times
        .iter()
        .map(|text| {
            let first = on_call.order(at(text)).into_iter().next();
            let also = on_call.also(at(text)).map(|ix| format!("+{}", name(ix)));
            format!(
                "{}{}",
                first.map(name).unwrap_or_default(),
                also.unwrap_or_default()
            )
        })
        .collect()
}

#[track_caller]
fn warns(directory: &Path, loaded: &Loaded, wanted: Expect) {
    let text = loaded.render_warnings(false);
    let place = format!("{}/", directory.display());
    wanted.assert_eq(&text.replace(&place, ""));
}

const TIMES: [&str; 4] = [
    "2026-01-06T12:00:00Z",
    "2026-01-12T12:00:00Z",
    "2026-01-14T12:00:00Z",
    "2026-01-20T12:00:00Z",
];

#[test]
fn events_name_people_and_what_is_doubtful_is_told_with_its_line() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("oncall.ics");
    fs::write(&path, CALENDAR).expect("written");
    let loaded = load(directory.path(), ROTATION);
    assert_eq!(whose(&loaded, &TIMES), ["ann", "cy", "bob", "cy"]);
    warns(
        directory.path(),
        &loaded,
        expect![[r#"
        warning: oncall.ics names nobody 2 times in the next 14 days, Mon 2026-01-12 09:00 to Tue 2026-01-13 09:00, Mon 2026-01-19 09:00 to Tue 2026-01-20 00:00: cy is told
          --> deploywatch.toml:19:12
           |
        19 | calendar = { file = "oncall.ics" }
           |            ^^^^^^^^^^^^^^^^^^^^^^^
           |
           = help: leave it so if that is meant

        warning: oncall.ics:13: `On Call - Zed - Primary` is no contact, from Tue 2026-01-20 00:00 to Tue 2026-01-27 00:00: cy is told
          --> deploywatch.toml:19:12
           |
        19 | calendar = { file = "oncall.ics" }
           |            ^^^^^^^^^^^^^^^^^^^^^^^
           |
           = help: add a part of it to `people`, such as people = { "On Call - Zed - Primary" = "cy" }, or give a contact the event's mail address

        warning: oncall.ics:18: the event `Broken` counts for nothing: `soon` of DTSTART is no time
          --> deploywatch.toml:19:12
           |
        19 | calendar = { file = "oncall.ics" }
           |            ^^^^^^^^^^^^^^^^^^^^^^^
           |
           = help: correct it where the calendar is kept

    "#]],
    );
    // What the calendar says decides who is told, as the configuration does.
    let again = load(directory.path(), ROTATION);
    assert_eq!(again.inventory.digest, loaded.inventory.digest);
    fs::write(&path, CALENDAR.replace("BOB@", "ann@")).expect("written");
    let other = load(directory.path(), ROTATION);
    assert_ne!(other.inventory.digest, loaded.inventory.digest);
    assert_eq!(whose(&other, &TIMES), ["ann", "cy", "ann", "cy"]);
}

#[test]
fn overrides_win_and_fill_gaps() {
    let directory = tempfile::tempdir().expect("a directory");
    let more = r#"
    [[rotation.override]]
    who = "bob"
    from = "2026-01-12 09:00"
    until = "2026-01-13 09:00"
    reason = "the calendar forgot it"
    [[rotation.override]]
    who = "ann"
    from = "2026-01-19 09:00"
    until = "2026-02-28 09:00"
    reason = "Zed is gone"
    "#;
    let calendar = CALENDAR.replace(
        "SUMMARY:Broken\nDTSTART:soon",
        "SUMMARY:x\nDTSTART:20260105T000000Z",
    );
    fs::write(directory.path().join("oncall.ics"), calendar).expect("written");
    let loaded = load(directory.path(), &format!("{ROTATION}{more}"));
    assert_eq!(whose(&loaded, &TIMES), ["ann", "bob", "bob", "ann"]);
    assert_eq!(loaded.render_warnings(false), "");
}

#[test]
fn a_file_that_cannot_be_read_leaves_its_copy_in_force() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("oncall.ics");
    // Nothing was ever read.
    let loaded = load(directory.path(), ROTATION);
    assert_eq!(whose(&loaded, &TIMES), ["cy", "cy", "cy", "cy"]);
    warns(
        directory.path(),
        &loaded,
        expect![[r#"
        warning: the calendar of oncall cannot be read: there is no such file
          --> deploywatch.toml:19:12
           |
        19 | calendar = { file = "oncall.ics" }
           |            ^^^^^^^^^^^^^^^^^^^^^^^
           |
           = help: cy is on call until it can be

    "#]],
    );
    let copy = loaded.settings.calendars[0].copy.clone().expect("a store");
    let good = CALENDAR.replace(
        "SUMMARY:Broken\nDTSTART:soon",
        "SUMMARY:x\nDTSTART:20260105T000000Z",
    );
    let good = good
        .replace("Zed", "Ann Smith")
        .replace("20260113T09", "20260112T09");
    let good = good.replace("VALUE=DATE:20260120", "VALUE=DATE:20260119");
    let notes = CalendarNotes {
        read_at: Some(now() - Duration::from_secs(3600)),
        ..CalendarNotes::default()
    };
    copy.save(Some(&good), &notes).expect("written");
    fs::write(&path, &CALENDAR[..200]).expect("written");
    let loaded = load(directory.path(), ROTATION);
    let later = ["2026-01-06T12:00:00Z", "2026-01-07T11:00:00Z"];
    assert_eq!(whose(&loaded, &later), ["ann", "ann+cy"]);
    warns(
        directory.path(),
        &loaded,
        expect![[r#"
        warning: the calendar of oncall cannot be read: it breaks off: the END of VCALENDAR in line 1 is missing
          --> deploywatch.toml:19:12
           |
        19 | calendar = { file = "oncall.ics" }
           |            ^^^^^^^^^^^^^^^^^^^^^^^
           |
           = help: what was read at Tue 2026-01-06 12:00 is in force; from Wed 2026-01-07 12:00 on cy is told as well

    "#]],
    );
}

#[test]
fn an_address_is_known_by_its_copy_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let secret = directory.path().join("url");
    fs::write(
        &secret,
        "webcal://calendar.example.org/private/0123456789abcdef",
    )
    .expect("written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&secret, mode).expect("ours");
    let rotation = ROTATION.replace(
        "file = \"oncall.ics\"",
        "url_file = \"url\", stale_after = \"2h\"",
    );
    let loaded = load(directory.path(), &rotation);
    assert_eq!(whose(&loaded, &TIMES), ["cy", "cy", "cy", "cy"]);
    warns(
        directory.path(),
        &loaded,
        expect![[r#"
        warning: the calendar of oncall cannot be read: it was not fetched yet
          --> deploywatch.toml:19:12
           |
        19 | calendar = { url_file = "url", stale_after = "2h" }
           |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           |
           = help: cy is on call until it can be

    "#]],
    );
    let source = &loaded.settings.calendars[0];
    let shown = format!("{source:?}");
    assert!(!shown.contains("0123456789abcdef"), "{shown}");
    let notes = CalendarNotes {
        read_at: Some(now() - Duration::from_secs(3600)),
        ..CalendarNotes::default()
    };
    let copy: &CalendarCopy = source.copy.as_ref().expect("a store");
    copy.save(Some(CALENDAR), &notes).expect("written");
    let loaded = load(directory.path(), &rotation);
    let times = [
        "2026-01-06T12:59:59Z",
        "2026-01-06T13:00:00Z",
        "2026-01-12T12:00:00Z",
    ];
    assert_eq!(whose(&loaded, &times), ["ann", "ann+cy", "cy"]);
}

#[test]
fn the_end_of_what_was_read_is_no_silence() {
    let directory = tempfile::tempdir().expect("a directory");
    let calendar = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:bob\nDTSTART;VALUE=DATE:20200101\nDURATION:P1D\nRRULE:FREQ=DAILY\nEND:VEVENT\nEND:VCALENDAR\n";
    fs::write(directory.path().join("oncall.ics"), calendar).expect("written");
    let loaded = load(directory.path(), ROTATION);
    let times = [
        "2024-12-01T12:00:00Z",
        "2024-12-03T12:00:00Z",
        "2027-02-10T11:59:00Z",
        "2027-02-10T12:00:00Z",
        "2199-01-01T12:00:00Z",
    ];
    assert_eq!(whose(&loaded, &times), ["cy", "bob", "bob", "cy", "cy"]);
}

#[test]
fn what_is_wrong_with_a_calendar_is_told_with_its_place_and_remedy() {
    let rotation = |keys: &str| format!("[[rotation]]\nname = \"r\"\n{keys}\n");
    let calendar = "calendar = { file = \"x.ics\" }";
    let all = [
        calendar.to_owned(),
        format!("{calendar}\notherwise = \"r1\""),
        format!("{calendar}\notherwise = \"ann\"\nmembers = [\"ann\"]\nturn = \"1d\""),
        format!("{calendar}\notherwise = \"ann\"\npeople = {{ \"Zed\" = \"zed\", \"Y\" = \"\" }}"),
        "members = [\"ann\"]\nhandover = \"09:00\"\nsince = \"2026-01-05\"\notherwise = \"ann\""
            .to_owned(),
        "calendar = {}\notherwise = \"ann\"".to_owned(),
        "calendar = { file = \"x\", url = \"https://x\" }\notherwise = \"ann\"".to_owned(),
        "calendar = { url = \"https://x\", stale_after = \"20m\" }\notherwise = \"ann\"".to_owned(),
        "calendar = { url_env = \"NOT_SET_ANYWHERE\" }\notherwise = \"ann\"".to_owned(),
    ];
    let text: String = all
        .iter()
        .enumerate()
        .map(|(at, keys)| rotation(keys).replace("\"r\"", &format!("\"r{at}\"")))
        .collect();
    expect![[r#"
        error: [[rotation]] has a calendar and no `otherwise`
          --> deploywatch.toml:15:1
           |
        15 | [[rotation]]
           | ^^^^^^^^^^^^ `otherwise` is missing here
           |
           = help: add `otherwise = "..."`: the contact who is on call while the calendar names nobody, somebody unknown, cannot be read or is too old

        error: `r1` is a rotation, which cannot take turns
          --> deploywatch.toml:21:13
           |
        21 | otherwise = "r1"
           |             ^^^^
           |
           = help: name contacts, each a person of its own

        error: `members` says nothing where a calendar does
          --> deploywatch.toml:26:11
           |
        24 | calendar = { file = "x.ics" }
           |            ------------------ the calendar
        25 | otherwise = "ann"
        26 | members = ["ann"]
           |           ^^^^^^^
           |
           = help: keep one of them

        error: `turn` says nothing where a calendar does
          --> deploywatch.toml:27:8
           |
        24 | calendar = { file = "x.ics" }
           |            ------------------ the calendar
        ...
        27 | turn = "1d"
           |        ^^^^
           |
           = help: keep one of them

        error: there is no contact or contact group `zed`
          --> deploywatch.toml:32:20
           |
        32 | people = { "Zed" = "zed", "Y" = "" }
           |                    ^^^^^ unknown name
           |
           = help: declare it with [[contact]] name = "zed", or correct the name

        error: `Y` means nobody
          --> deploywatch.toml:32:33
           |
        32 | people = { "Zed" = "zed", "Y" = "" }
           |                                 ^^
           |
           = help: write the name of a contact

        error: `otherwise` needs a `calendar`
          --> deploywatch.toml:38:13
           |
        38 | otherwise = "ann"
           |             ^^^^^
           |
           = help: add `calendar = { file = "..." }`, or remove it

        error: the calendar is nowhere
          --> deploywatch.toml:41:12
           |
        41 | calendar = {}
           |            ^^
           |
           = help: give its `file`, or its address as `url`, or where that is a secret as `url_file`, `url_env` or `url_credential`

        error: the calendar has a `file` and a `url`
          --> deploywatch.toml:45:32
           |
        45 | calendar = { file = "x", url = "https://x" }
           |                     ---        ^^^^^^^^^^^
           |                     |
           |                     first here
           |
           = help: keep one of them

        error: a calendar that is read every 15m is too old after 20m: one failure would be told to everybody
          --> deploywatch.toml:49:47
           |
        49 | calendar = { url = "https://x", stale_after = "20m" }
           |                                               ^^^^^
           |
           = help: let `stale_after` be twice as long as `refresh` at least

        error: the variable `NOT_SET_ANYWHERE` is not set, or is not UTF-8 text
          --> deploywatch.toml:53:24
           |
        53 | calendar = { url_env = "NOT_SET_ANYWHERE" }
           |                        ^^^^^^^^^^^^^^^^^^
           |
           = help: set it in the daemon's environment

        11 faults in the configuration
    "#]].assert_eq(&bad(&format!("{PEOPLE}{text}")).render(false));
    // Nothing could be kept.
    let text = format!(
        "{PEOPLE}{}",
        rotation("calendar = { url = \"https://x\" }\notherwise = \"ann\"")
    );
    expect![[r#"
        error: a calendar behind an address needs a store on a disk
          --> deploywatch.toml:17:20
           |
        17 | calendar = { url = "https://x" }
           |                    ^^^^^^^^^^^
           |
           = help: give `store` of [daemon] a file: beside it the last good one is kept, so that a restart while the server is down pages the right person

        1 fault in the configuration
    "#]].assert_eq(&bad(&text.replace("site.db", ":memory:")).render(false));
}

#[test]
fn an_address_that_looks_private_is_warned_of() {
    let directory = tempfile::tempdir().expect("a directory");
    let rotation = ROTATION.replace(
        "file = \"oncall.ics\"",
        "url = \"https://calendar.example.org/private-0123456789abcdef0123/basic.ics\"",
    );
    let loaded = load(directory.path(), &rotation);
    warns(
        directory.path(),
        &loaded,
        expect![[r#"
        warning: the calendar of oncall cannot be read: it was not fetched yet
          --> deploywatch.toml:19:12
           |
        19 | calendar = { url = "https://calendar.example.org/private-0123456789abcdef0123/basic.ics" }
           |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           |
           = help: cy is on call until it can be

        warning: this looks like a private address, which is a secret: whoever knows it reads the calendar
          --> deploywatch.toml:19:20
           |
        19 | calendar = { url = "https://calendar.example.org/private-0123456789abcdef0123/basic.ics" }
           |                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           |
           = help: write it into a file that only the daemon can read, then calendar = { url_file = "FILE" }

    "#]],
    );
}
