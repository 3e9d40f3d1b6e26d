//! The cases of other test suites, as tables: Nagios, Naemon, Icinga 2 and the monitoring plugins test their own code
//! with them. One file per topic; every number from 1 to 123 is a row of a table, or stands in [`OTHERWISE`].

#[path = "upstream/configurations.rs"]
mod configurations;
#[path = "upstream/downtimes.rs"]
mod downtimes;
#[path = "upstream/filters.rs"]
mod filters;
#[path = "upstream/lines.rs"]
mod lines;
#[path = "upstream/measured.rs"]
mod measured;
#[path = "upstream/outputs.rs"]
mod outputs;
#[path = "upstream/periods.rs"]
mod periods;
#[path = "upstream/quiet.rs"]
mod quiet;
#[path = "upstream/quirks.rs"]
mod quirks;
#[path = "upstream/runs.rs"]
mod runs;
#[path = "upstream/schedules.rs"]
mod schedules;
#[path = "upstream/states.rs"]
mod states;
#[path = "upstream/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};

/// The number of a case and the file it comes from.
type Row = (u32, &'static str);

/// The rows of a table that comes from one file.
fn rows(source: &'static str, numbers: impl IntoIterator<Item = u32>) -> Vec<Row> {
    numbers.into_iter().map(|number| (number, source)).collect()
}

/// Cases that do not apply, or are decided otherwise than their source expects. Most have a row all the same, which
/// then says what is right here.
const OTHERWISE: &[(u32, &str)] = &[
    (
        8,
        "Naemon takes every leading bar away; Nagios keeps those within performance data.",
    ),
    (
        10,
        "Naemon leaves the output empty; Nagios' words stand in for it.",
    ),
    (
        11,
        "Naemon leaves the output empty; Nagios' words stand in for it.",
    ),
    (
        12,
        "Nagios doubles backslashes in what it keeps; text is kept as it came, and escaped where a file wants it.",
    ),
    (
        54,
        "Periods end before their last instant, so what is excluded until 23:58 is open from 23:58:00 on.",
    ),
    (
        58,
        "Periods end before their last instant, and hours that clocks show twice are open both times.",
    ),
    (
        60,
        "A period that never opens has no next instant; Nagios gives back the one it was asked for.",
    ),
    (
        63,
        "A range over midnight is refused with the two ranges that were meant.",
    ),
    (
        65,
        "Icinga lets an hour that is skipped end an hour later; here it holds no instant.",
    ),
    (
        74,
        "What finds no place waits in line and starts with the first free one, not 5 to 17 seconds later.",
    ),
    (
        76,
        "There is no switch that keeps checks of a host that is down from running: their results are evidence.",
    ),
    (
        78,
        "The expected values are Naemon's; a host is looked at as in Nagios, when a check changes to a problem.",
    ),
    (
        79,
        "Nothing is planned by chance: a check keeps its own place in the interval through restarts.",
    ),
    (
        107,
        "Icinga reckons in base units; here a unit stays as the plugin wrote it.",
    ),
    (
        109,
        "Icinga refuses decimal commas; plugins write them, so they are read.",
    ),
    (
        114,
        "Icinga does not tell again of a problem that came back unseen; Nagios does, since it may be another one.",
    ),
    (
        116,
        "Icinga does not tell again of a problem that was away during a downtime; Nagios does.",
    ),
    (
        117,
        "Icinga does not tell again after a state nobody wants; in Nagios every change begins anew.",
    ),
    (
        119,
        "No precached objects are written; what the import makes of them is compared value by value.",
    ),
    (
        120,
        "Nagios refuses a site without services; hosts alone are worth watching.",
    ),
    (
        123,
        "Nagios drops comments that are not persistent at a restart; a restart here loses nothing.",
    ),
];

const LAST: u32 = 123;

#[test]
fn every_case_is_covered_or_says_why_not() {
    let covered: Vec<Row> = [
        outputs::covered(),
        states::covered(),
        filters::covered(),
        periods::covered(),
        downtimes::covered(),
        schedules::covered(),
        runs::covered(),
        lines::covered(),
        measured::covered(),
        quiet::covered(),
        configurations::covered(),
    ]
    .concat();
    let numbers: BTreeSet<u32> = covered.iter().map(|(number, _)| *number).collect();
    let otherwise: BTreeMap<u32, &str> = OTHERWISE.iter().copied().collect();
    assert_eq!(otherwise.len(), OTHERWISE.len(), "each stands there once");
    let missing: Vec<u32> = (1..=LAST)
        .filter(|number| !numbers.contains(number) && !otherwise.contains_key(number))
        .collect();
    assert_eq!(missing, [0; 0], "neither a row nor a reason");
    let unknown: Vec<&u32> = numbers
        .iter()
        .chain(otherwise.keys())
        .filter(|number| !(1..=LAST).contains(*number))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    for (number, why) in OTHERWISE {
        assert!(why.ends_with('.') && 30 < why.len(), "{number}: a sentence");
    }
    let suites = [
        "nagioscore ",
        "naemon-core ",
        "icinga2 ",
        "monitoring-plugins ",
    ];
    for (number, source) in covered {
        assert!(
            suites.iter().any(|suite| source.starts_with(suite)),
            "{number}: {source}"
        );
    }
}
