//! What was measured of the daemon, as results of plugins: states, a line for people, and performance data.

use std::{fmt, time::Duration};

use super::{
    CALENDARS, CLOCK, DEAD_LETTERS, DISK, FEEDS, JUMP_COUNTS_FOR, LATENESS, Limit, OUTBOX, Rules,
    STORE,
};
use crate::{
    base::{
        text::one_line,
        time::{Timestamp, show_duration},
    },
    domain::model::state::State,
};

/// No more of an error than this is shown.
const WHY_MAX: usize = 300;
/// Silent feeds that are named, and calendars.
const FEEDS_MAX: usize = 5;

/// Everything that was measured at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    pub at: Timestamp,
    /// The latest start of a check since the last time.
    pub lateness: Duration,
    /// For how long nothing was heard of any run, beyond the timeouts; None: all is as it should.
    pub unheard: Option<Duration>,
    /// Runs that there was no room for.
    pub waiting: usize,
    pub outbox: Result<Oldest, String>,
    pub letters: Result<Letters, String>,
    /// None: nothing is stored on a disk.
    pub disk: Result<Option<Disk>, String>,
    /// The largest of late.
    pub jump: Option<Jump>,
    /// A sentence for each feed that is silent.
    pub silent_feeds: Vec<String>,
    /// Feeds that are expected to speak.
    pub feeds: usize,
    /// How many calendars there are, and those that are not read; None: there are none.
    pub calendars: Option<(usize, Vec<Lapsed>)>,
    /// Why the store cannot be written.
    pub store_fault: Option<String>,
    /// The longest commit since the last time.
    pub commit: Duration,
}

/// A rotation's calendar that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lapsed {
    pub rotation: String,
    pub since: Timestamp,
    pub why: String,
    /// When what is in force was last seen to be right; None: nothing is.
    pub read_at: Option<Timestamp>,
    pub is_stale: bool,
}

impl fmt::Display for Lapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the calendar of {} cannot be read since {}: {}; ",
            self.rotation,
            self.since.second(),
            cut(&self.why)
        )?;
        match self.read_at {
            None => f.write_str("who is on call otherwise is told"),
            Some(at) if self.is_stale => write!(
                f,
                "what was read at {} is too old, so who is on call otherwise is told as well",
                at.second()
            ),
            Some(at) => write!(f, "what was read at {} is in force", at.second()),
        }
    }
}

/// What waits in the outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oldest {
    pub waiting: u64,
    pub since: Option<Timestamp>,
}

/// What was given up within the last hour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letters {
    pub dead: u64,
    /// The last: contact, channel and why.
    pub last: Option<(String, String, String)>,
}

/// The disk of the store, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    pub free: u64,
    pub size: u64,
}

/// The wall clock against the monotonic one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jump {
    pub at: Timestamp,
    pub forward: bool,
    pub by: Duration,
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub check: &'static str,
    pub state: State,
    /// As a plugin prints it.
    pub text: String,
}

impl Verdict {
    /// `perfdata` may be empty.
    pub fn new(check: &'static str, state: State, said: &str, perfdata: &str) -> Self {
        // A bar begins performance data, and a semicolon would take Nagios' log lines apart.
        let said = one_line(said).replace('|', "/").replace(';', ",");
        let name = check.to_uppercase();
        let bar = if perfdata.is_empty() { "" } else { " | " };
        Self {
            check,
            state,
            text: format!("{name} {} - {said}{bar}{perfdata}", state.name()),
        }
    }
}

/// A result for each check.
pub fn judge(rules: &Rules, seen: &Measured) -> Vec<Verdict> {
    let mut all = vec![
        lateness(rules, seen),
        outbox(rules, seen),
        letters(rules, seen),
        disk(rules, seen),
        clock(rules, seen),
        feeds(&seen.silent_feeds, seen.feeds),
        store(rules, seen),
    ];
    let found = seen.calendars.iter();
    all.extend(found.map(|(count, lapsed)| calendars(lapsed, *count)));
    all
}

fn lateness(rules: &Rules, seen: &Measured) -> Verdict {
    let late = seen.lateness.max(seen.unheard.unwrap_or_default());
    let waiting = match seen.waiting {
        0 => String::new(),
        runs => format!(", {runs} runs wait for a free place"),
    };
    let said = match seen.unheard {
        Some(unheard) if seen.lateness <= unheard => format!(
            "checks run and none has ended, the last one should have {} ago{waiting}",
            spell(unheard)
        ),
        _ => format!("checks start at most {} late{waiting}", spell(late)),
    };
    let numbers = format!(
        "{} waiting={}",
        span("late", late, rules.late),
        seen.waiting
    );
    Verdict::new(LATENESS, over(late, rules.late), &said, &numbers)
}

fn outbox(rules: &Rules, seen: &Measured) -> Verdict {
    let waits = match &seen.outbox {
        Ok(waits) => waits,
        Err(why) => return unknown(OUTBOX, "the outbox cannot be read", why),
    };
    let oldest = waits.since.map(|since| seen.at.since(since));
    let said = match oldest {
        None => "no notification waits".to_owned(),
        Some(oldest) if waits.waiting == 1 => {
            format!("a notification has waited for {}", spell(oldest))
        }
        Some(oldest) => format!(
            "{} notifications wait, the oldest for {}",
            waits.waiting,
            spell(oldest)
        ),
    };
    let oldest = oldest.unwrap_or_default();
    let numbers = format!(
        "{} waiting={}",
        span("oldest", oldest, rules.outbox),
        waits.waiting
    );
    Verdict::new(OUTBOX, over(oldest, rules.outbox), &said, &numbers)
}

fn letters(rules: &Rules, seen: &Measured) -> Verdict {
    let letters = match &seen.letters {
        Ok(letters) => letters,
        Err(why) => return unknown(DEAD_LETTERS, "the outbox cannot be read", why),
    };
    let most = u64::from(rules.dead_letters);
    let state = match letters.dead {
        dead if most <= dead => State::Critical,
        _ => State::Ok,
    };
    let mut said = match letters.dead {
        0 => "no notification was given up within the last hour".to_owned(),
        1 => "a notification was given up within the last hour".to_owned(),
        dead => format!("{dead} notifications were given up within the last hour"),
    };
    if let Some((contact, channel, why)) = &letters.last {
        said += &format!(", the last to {contact} by {channel}: {}", cut(why));
    }
    let numbers = format!("dead={};;{most}", letters.dead);
    Verdict::new(DEAD_LETTERS, state, &said, &numbers)
}

fn disk(rules: &Rules, seen: &Measured) -> Verdict {
    let disk = match &seen.disk {
        Ok(Some(disk)) => disk,
        Ok(None) => return Verdict::new(DISK, State::Ok, "the store is in memory", ""),
        Err(why) => return unknown(DISK, "the store's disk cannot be looked at", why),
    };
    let free = if disk.size == 0 {
        0.0
    } else {
        disk.free as f64 * 100.0 / disk.size as f64
    };
    let limit = rules.disk;
    let state = if free <= limit.critical {
        State::Critical
    } else if free <= limit.warning {
        State::Warning
    } else {
        State::Ok
    };
    let mib = |bytes: u64| bytes >> 20;
    let said = format!(
        "{free:.1} % of the store's disk are free, {} MiB of {}",
        mib(disk.free),
        mib(disk.size)
    );
    // Bad is what is below.
    let numbers = format!("free={free:.1}%;{}:;{}:", limit.warning, limit.critical);
    Verdict::new(DISK, state, &said, &numbers)
}

fn clock(rules: &Rules, seen: &Measured) -> Verdict {
    let late = seen
        .jump
        .filter(|jump| seen.at.since(jump.at) < JUMP_COUNTS_FOR);
    let said = match late {
        None => "the clock did not jump".to_owned(),
        Some(jump) => format!(
            "the clock jumped {} by {} at {}, or the machine slept",
            if jump.forward { "forwards" } else { "back" },
            spell(jump.by),
            jump.at
        ),
    };
    let by = late.map(|jump| jump.by).unwrap_or_default();
    Verdict::new(
        CLOCK,
        over(by, rules.clock),
        &said,
        &span("jump", by, rules.clock),
    )
}

/// Of feeds that are expected to speak, a sentence for each that is silent, and how many there are.
pub fn feeds(silent: &[String], expected: usize) -> Verdict {
    let said = if silent.is_empty() {
        match expected {
            0 => "no feed is expected to speak".to_owned(),
            1 => "the one feed that is expected to speak does".to_owned(),
            feeds => format!("all {feeds} feeds that are expected to speak do"),
        }
    } else {
        let more = match silent.len().saturating_sub(FEEDS_MAX) {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let named: Vec<&str> = silent.iter().take(FEEDS_MAX).map(String::as_str).collect();
        format!("{}{more}", named.join(", "))
    };
    let state = if silent.is_empty() {
        State::Ok
    } else {
        State::Warning
    };
    Verdict::new(FEEDS, state, &said, &format!("silent={};1", silent.len()))
}

/// Of so many calendars those that are not read. One whose last good turns are in force is no more than a warning.
pub fn calendars(lapsed: &[Lapsed], all: usize) -> Verdict {
    let is_bad = |one: &Lapsed| one.is_stale || one.read_at.is_none();
    let state = if lapsed.iter().any(is_bad) {
        State::Critical
    } else if lapsed.is_empty() {
        State::Ok
    } else {
        State::Warning
    };
    let said = match (lapsed.is_empty(), all) {
        (true, 1) => "the one calendar is read".to_owned(),
        (true, all) => format!("all {all} calendars are read"),
        (false, _) => {
            let named = lapsed.iter().take(FEEDS_MAX).map(Lapsed::to_string);
            let named: Vec<String> = named.collect();
            let more = match lapsed.len().saturating_sub(FEEDS_MAX) {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            format!("{}{more}", named.join(", "))
        }
    };
    Verdict::new(
        CALENDARS,
        state,
        &said,
        &format!("failing={};1", lapsed.len()),
    )
}

fn store(rules: &Rules, seen: &Measured) -> Verdict {
    let numbers = span("commit", seen.commit, rules.store);
    if let Some(why) = &seen.store_fault {
        let said = format!("the store cannot be written: {}", cut(why));
        return Verdict::new(STORE, State::Critical, &said, &numbers);
    }
    let state = over(seen.commit, rules.store);
    let said = match state {
        State::Ok => "the store is written".to_owned(),
        _ => format!("a commit took {}", spell(seen.commit)),
    };
    Verdict::new(STORE, state, &said, &numbers)
}

fn unknown(check: &'static str, what: &str, why: &str) -> Verdict {
    Verdict::new(check, State::Unknown, &format!("{what}: {}", cut(why)), "")
}

fn over(value: Duration, limit: Limit<Duration>) -> State {
    if limit.critical <= value {
        State::Critical
    } else if limit.warning <= value {
        State::Warning
    } else {
        State::Ok
    }
}

/// `late=0.2s;30;120`
fn span(label: &str, value: Duration, limit: Limit<Duration>) -> String {
    format!(
        "{label}={}s;{};{}",
        seconds(value),
        seconds(limit.warning),
        seconds(limit.critical)
    )
}

fn seconds(span: Duration) -> f64 {
    // No plugin is more exact, and people read it.
    (span.as_secs_f64() * 1000.0).round() / 1000.0
}

/// Below ten seconds parts of one matter.
fn spell(span: Duration) -> String {
    if span < Duration::from_secs(10) {
        format!("{} s", seconds(span))
    } else {
        show_duration(Duration::from_secs(span.as_secs()))
    }
}

fn cut(why: &str) -> String {
    why.chars().take(WHY_MAX).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);
    const SECOND: Duration = Duration::from_secs(1);

    fn rules() -> Rules {
        let spans = |warning, critical| Limit {
            warning: SECOND * warning,
            critical: SECOND * critical,
        };
        Rules {
            host: "deploywatch".into(),
            every: SECOND * 60,
            late: spans(30, 120),
            outbox: spans(120, 600),
            dead_letters: 2,
            disk: Limit {
                warning: 10.0,
                critical: 3.0,
            },
            clock: spans(10, 60),
            store: spans(1, 5),
            canary: None,
        }
    }

    fn well() -> Measured {
        Measured {
            at: NOW,
            lateness: Duration::from_millis(200),
            unheard: None,
            waiting: 0,
            outbox: Ok(Oldest::default()),
            letters: Ok(Letters::default()),
            disk: Ok(Some(Disk {
                free: 42 << 30,
                size: 100 << 30,
            })),
            jump: None,
            silent_feeds: Vec::new(),
            feeds: 2,
            calendars: None,
            store_fault: None,
            commit: Duration::from_micros(3400),
        }
    }

    #[track_caller]
    fn check(seen: &Measured, wanted: Expect) {
        let all = judge(&rules(), seen);
        let lines: Vec<&str> = all.iter().map(|verdict| verdict.text.as_str()).collect();
        for verdict in &all {
            let state = verdict.state.name();
            assert!(verdict.text.contains(state), "{verdict:?}");
        }
        wanted.assert_eq(&lines.join("\n"));
    }

    #[track_caller]
    fn check_one(of: &str, change: impl FnOnce(&mut Measured), wanted: Expect) {
        let mut seen = well();
        change(&mut seen);
        let all = judge(&rules(), &seen);
        let one = all.iter().find(|verdict| verdict.check == of);
        wanted.assert_eq(&one.expect("it is judged").text);
        let others = all.iter().filter(|verdict| verdict.check != of);
        others.for_each(|other| assert_eq!(other.state, State::Ok, "{other:?}"));
    }

    #[test]
    fn all_is_well() {
        check(
            &well(),
            expect![[r#"
            LATENESS OK - checks start at most 0.2 s late | late=0.2s;30;120 waiting=0
            OUTBOX OK - no notification waits | oldest=0s;120;600 waiting=0
            DEAD-LETTERS OK - no notification was given up within the last hour | dead=0;;2
            DISK OK - 42.0 % of the store's disk are free, 43008 MiB of 102400 | free=42.0%;10:;3:
            CLOCK OK - the clock did not jump | jump=0s;10;60
            FEEDS OK - all 2 feeds that are expected to speak do | silent=0;1
            STORE OK - the store is written | commit=0.003s;1;5"#]],
        );
    }

    #[test]
    fn late_checks_are_told_and_so_are_those_that_never_end() {
        let late = |by: u32| move |seen: &mut Measured| seen.lateness = SECOND * by;
        check_one(
            LATENESS,
            late(29),
            expect!["LATENESS OK - checks start at most 29s late | late=29s;30;120 waiting=0"],
        );
        check_one(
            LATENESS,
            late(30),
            expect!["LATENESS WARNING - checks start at most 30s late | late=30s;30;120 waiting=0"],
        );
        check_one(
            LATENESS,
            |seen| {
                seen.lateness = SECOND * 200;
                seen.waiting = 7;
            },
            expect![
                "LATENESS CRITICAL - checks start at most 3m20s late, 7 runs wait for a free place | late=200s;30;120 waiting=7"
            ],
        );
        check_one(
            LATENESS,
            |seen| seen.unheard = Some(SECOND * 301),
            expect![
                "LATENESS CRITICAL - checks run and none has ended, the last one should have 5m1s ago | late=301s;30;120 waiting=0"
            ],
        );
    }

    #[test]
    fn what_waits_or_was_given_up_is_told() {
        let waits = |waiting: u64, since: i64| {
            move |seen: &mut Measured| {
                seen.outbox = Ok(Oldest {
                    waiting,
                    since: Some(Timestamp::from_secs(NOW.secs() - since)),
                });
            }
        };
        check_one(
            OUTBOX,
            waits(3, 119),
            expect![
                "OUTBOX OK - 3 notifications wait, the oldest for 1m59s | oldest=119s;120;600 waiting=3"
            ],
        );
        check_one(
            OUTBOX,
            waits(1, 120),
            expect![
                "OUTBOX WARNING - a notification has waited for 2m | oldest=120s;120;600 waiting=1"
            ],
        );
        check_one(
            OUTBOX,
            waits(3, 600),
            expect![
                "OUTBOX CRITICAL - 3 notifications wait, the oldest for 10m | oldest=600s;120;600 waiting=3"
            ],
        );
        let dead = |dead: u64| {
            move |seen: &mut Measured| {
                let why = "550 no such user | here\nnor there".to_owned();
                seen.letters = Ok(Letters {
                    dead,
                    last: Some(("ann".to_owned(), "email".to_owned(), why)),
                });
            }
        };
        check_one(
            DEAD_LETTERS,
            dead(1),
            expect![
                "DEAD-LETTERS OK - a notification was given up within the last hour, the last to ann by email: 550 no such user / here nor there | dead=1;;2"
            ],
        );
        check_one(
            DEAD_LETTERS,
            dead(2),
            expect![
                "DEAD-LETTERS CRITICAL - 2 notifications were given up within the last hour, the last to ann by email: 550 no such user / here nor there | dead=2;;2"
            ],
        );
    }

    #[test]
    fn a_full_disk_a_jump_a_silent_feed_and_a_slow_store_are_told() {
        let free = |bytes: u64| {
            move |seen: &mut Measured| {
                seen.disk = Ok(Some(Disk {
                    free: bytes,
                    size: 1000 << 20,
                }));
            }
        };
        check_one(
            DISK,
            free(100 << 20),
            expect![
                "DISK WARNING - 10.0 % of the store's disk are free, 100 MiB of 1000 | free=10.0%;10:;3:"
            ],
        );
        check_one(
            DISK,
            free(30 << 20),
            expect![
                "DISK CRITICAL - 3.0 % of the store's disk are free, 30 MiB of 1000 | free=3.0%;10:;3:"
            ],
        );
        check_one(
            DISK,
            |seen| seen.disk = Ok(None),
            expect!["DISK OK - the store is in memory"],
        );
        let jump = |ago: i64, forward| {
            move |seen: &mut Measured| {
                seen.jump = Some(Jump {
                    at: Timestamp::from_secs(NOW.secs() - ago),
                    forward,
                    by: SECOND * 61,
                });
            }
        };
        check_one(
            CLOCK,
            jump(599, false),
            expect![
                "CLOCK CRITICAL - the clock jumped back by 1m1s at 2023-11-14T22:03:21Z, or the machine slept | jump=61s;10;60"
            ],
        );
        check_one(
            CLOCK,
            jump(600, true),
            expect!["CLOCK OK - the clock did not jump | jump=0s;10;60"],
        );
        check_one(
            FEEDS,
            |seen| {
                seen.silent_feeds = (0..7)
                    .map(|at| format!("the feed f{at} is silent"))
                    .collect();
            },
            expect![
                "FEEDS WARNING - the feed f0 is silent, the feed f1 is silent, the feed f2 is silent, the feed f3 is silent, the feed f4 is silent, and 2 more | silent=7;1"
            ],
        );
        check_one(
            STORE,
            |seen| seen.commit = SECOND * 2,
            expect!["STORE WARNING - a commit took 2 s | commit=2s;1;5"],
        );
        check_one(
            STORE,
            |seen| seen.store_fault = Some("disk I/O error".to_owned()),
            expect![
                "STORE CRITICAL - the store cannot be written: disk I/O error | commit=0.003s;1;5"
            ],
        );
    }

    #[test]
    fn a_calendar_that_is_not_read_is_told_and_one_that_is_too_old_louder() {
        let lapsed = |read_at: Option<i64>, is_stale| Lapsed {
            rotation: "oncall".to_owned(),
            since: Timestamp::from_secs(NOW.secs() - 60),
            why: "calendar.example.org answered HTTP 500".to_owned(),
            read_at: read_at.map(|ago| Timestamp::from_secs(NOW.secs() - ago)),
            is_stale,
        };
        let of = |lapsed: Vec<Lapsed>| {
            let mut seen = well();
            seen.calendars = Some((2, lapsed));
            let mut all = judge(&rules(), &seen);
            all.pop().expect("it is judged").text
        };
        expect!["CALENDARS OK - all 2 calendars are read | failing=0;1"].assert_eq(&of(Vec::new()));
        expect!["CALENDARS WARNING - the calendar of oncall cannot be read since 2023-11-14T22:12:20Z: calendar.example.org answered HTTP 500, what was read at 2023-11-14T21:58:20Z is in force | failing=1;1"].assert_eq(&of(vec![lapsed(Some(900), false)]));
        expect!["CALENDARS CRITICAL - the calendar of oncall cannot be read since 2023-11-14T22:12:20Z: calendar.example.org answered HTTP 500, what was read at 2023-11-14T21:58:20Z is too old, so who is on call otherwise is told as well | failing=1;1"].assert_eq(&of(vec![lapsed(Some(900), true)]));
        expect!["CALENDARS CRITICAL - the calendar of oncall cannot be read since 2023-11-14T22:12:20Z: calendar.example.org answered HTTP 500, what was read at 2023-11-14T21:58:20Z is in force, the calendar of oncall cannot be read since 2023-11-14T22:12:20Z: calendar.example.org answered HTTP 500, who is on call otherwise is told | failing=2;1"].assert_eq(&of(vec![lapsed(Some(900), false), lapsed(None, false)]));
    }

    #[test]
    fn what_cannot_be_measured_is_unknown_and_never_well() {
        let fault = || "the store is closed".to_owned();
        let mut seen = well();
        seen.outbox = Err(fault());
        seen.letters = Err(fault());
        seen.disk = Err("no such file".to_owned());
        check(
            &seen,
            expect![[r#"
            LATENESS OK - checks start at most 0.2 s late | late=0.2s;30;120 waiting=0
            OUTBOX UNKNOWN - the outbox cannot be read: the store is closed
            DEAD-LETTERS UNKNOWN - the outbox cannot be read: the store is closed
            DISK UNKNOWN - the store's disk cannot be looked at: no such file
            CLOCK OK - the clock did not jump | jump=0s;10;60
            FEEDS OK - all 2 feeds that are expected to speak do | silent=0;1
            STORE OK - the store is written | commit=0.003s;1;5"#]],
        );
    }
}
