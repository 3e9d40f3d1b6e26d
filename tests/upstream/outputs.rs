//! What a plugin says and how it ends: cases 1 to 20.

use std::time::Duration;

use deploywatch::{
    base::time::Timestamp,
    domain::{
        model::{
            job::{CannotStart, Exit, JobId, Outcome},
            state::{ObjectName, State},
        },
        plugin::{Subject, passive, read},
    },
};

use super::{Row, rows};

const TEXTS: &str = "naemon-core tests/test-checks.c";
const ENDS: &str = "nagioscore t-tap/test_checks.c";

/// Number, text, first line, further lines, performance data. Where Naemon differs from Nagios, Nagios is followed.
const SPLIT: &[(u32, &str, &str, &str, &str)] = &[
    (
        1,
        "TEST OK - just one line of output, no perfdata",
        "TEST OK - just one line of output, no perfdata",
        "",
        "",
    ),
    (
        2,
        "TEST WARNING - a line of output and | some=perfdata;",
        "TEST WARNING - a line of output and",
        "",
        "some=perfdata;",
    ),
    (
        3,
        "TEST WARNING - a line of output\nHere's a second line of output",
        "TEST WARNING - a line of output",
        "Here's a second line of output",
        "",
    ),
    (
        4,
        "TEST OK - a line of output and | some=perfdata;\nHere's some additional\nLONG output\nwhich suddenly becomes | more=perfdata;\non=several;lines;",
        "TEST OK - a line of output and",
        "Here's some additional\nLONG output\nwhich suddenly becomes ",
        "some=perfdata; more=perfdata; on=several;lines;",
    ),
    (
        5,
        "TEST CRITICAL - Oh my\nHere's a second line of output and | some=perfdata;",
        "TEST CRITICAL - Oh my",
        "Here's a second line of output and ",
        "some=perfdata;",
    ),
    (
        6,
        "TEST CRITICAL - Oh my\n| some=perfdata;",
        "TEST CRITICAL - Oh my",
        "",
        "some=perfdata;",
    ),
    (7, "| some=perfdata;", "", "", "some=perfdata;"),
    (
        8,
        "| some=perfdata;\n|and=more;perfdata;",
        "",
        "",
        "some=perfdata; and=more;perfdata;",
    ),
    // Naemon takes this bar away as well: Nagios takes one that ends long output, and no more.
    (
        8,
        "| some=perfdata;\n|and=more;\n|and=still;",
        "",
        "",
        "some=perfdata; and=more; |and=still;",
    ),
    // Naemon leaves these two empty.
    (10, "\n", NOTHING, "", ""),
    (11, "\n|some=perfdata;", NOTHING, "", "some=perfdata;"),
    (
        12,
        "TEST OK - a\\nb\nlong\\nstays",
        "TEST OK - a\\nb",
        "long\\nstays",
        "",
    ),
    (
        13,
        "TEST OK - 1 € | a=1\nlong 2 €\nend |'€ left'=3€;;;;",
        "TEST OK - 1 €",
        "long 2 €\nend ",
        "a=1 '€ left'=3€;;;;",
    ),
];

const NOTHING: &str = "(No output returned from plugin)";

/// Case 9: a result without a text, of a check and of a host.
const EMPTY: &[(u32, &str, &str)] = &[
    (9, "web1/http", NOTHING),
    (9, "web1", "(No output returned from host check)"),
];

enum End {
    TimedOut,
    NotWell,
    Code(i32),
}

/// Number, how a host's plugin ended, its state, and what the text holds.
const HOST_ENDS: &[(u32, End, State, &str)] = &[
    (14, End::TimedOut, State::Down, "after 42.00 seconds"),
    (15, End::NotWell, State::Down, "did not exit properly"),
    (16, End::Code(126), State::Down, "126 is out of bounds"),
    (17, End::Code(127), State::Down, "127 is out of bounds"),
    (18, End::Code(-1), State::Down, "code of -1"),
    (19, End::Code(4), State::Down, "code of 4"),
    (20, End::Code(1), State::Up, "said"),
];

pub fn covered() -> Vec<Row> {
    [
        rows(TEXTS, SPLIT.iter().map(|row| row.0)),
        rows(ENDS, EMPTY.iter().map(|row| row.0)),
        rows(ENDS, HOST_ENDS.iter().map(|row| row.0)),
    ]
    .concat()
}

fn outcome(exit: Exit, stdout: &str) -> Outcome {
    Outcome {
        job: JobId(1),
        exit,
        stdout: stdout.as_bytes().to_vec(),
        stderr: Vec::new(),
        cut: 0,
        started: Timestamp::default(),
        took: Duration::ZERO,
        cpu: Duration::ZERO,
        peak_kib: 0,
    }
}

#[test]
fn texts_are_taken_apart() {
    let subject = Subject {
        host: "web1",
        check: Some("http"),
        timeout: Duration::from_secs(60),
        aggressive: false,
    };
    for (number, text, short, long, perfdata) in SPLIT {
        // A `;` in the first line becomes `:`; no case has one.
        let run = read(&outcome(Exit::Code(0), text), &subject);
        let sent = passive(
            ObjectName::parse("web1/http"),
            State::Ok,
            text,
            Timestamp::default(),
        );
        for (by, found) in [
            ("run", (&*run.output, &*run.long_output, &*run.perfdata)),
            ("sent", (&*sent.output, &*sent.long_output, &*sent.perfdata)),
        ] {
            assert_eq!(found, (*short, *long, *perfdata), "case {number}, {by}");
        }
    }
}

#[test]
fn a_result_without_text_says_so() {
    for (number, name, expected) in EMPTY {
        let name = ObjectName::parse(name);
        let state = if name.check.is_some() {
            State::Ok
        } else {
            State::Up
        };
        let result = passive(name, state, "", Timestamp::default());
        assert_eq!(&*result.output, *expected, "case {number}");
        assert!(result.long_output.is_empty() && result.perfdata.is_empty());
    }
}

#[test]
fn a_hosts_plugin_ends() {
    let subject = Subject {
        host: "hst1",
        check: None,
        timeout: Duration::from_secs(42),
        aggressive: false,
    };
    for (number, end, state, text) in HOST_ENDS {
        let exit = match end {
            End::TimedOut => Exit::TimedOut,
            End::NotWell => Exit::CannotStart {
                why: "it vanished".to_owned(),
                kind: CannotStart::Other,
            },
            End::Code(code) => Exit::Code(*code),
        };
        let reading = read(&outcome(exit, "it said this"), &subject);
        assert_eq!(reading.state, *state, "case {number}");
        assert!(
            reading.output.contains(text),
            "case {number}: {}",
            reading.output
        );
    }
    // Case 20 with aggressive checking.
    let aggressive = Subject {
        aggressive: true,
        ..subject
    };
    let reading = read(&outcome(Exit::Code(1), "it said this"), &aggressive);
    assert_eq!(reading.state, State::Down);
}
