//! Tables of plugin ends, perfdata and thresholds as the wild knows them.

use std::time::Duration;

use proptest::prelude::*;

use super::{Reading, Subject, perfdata, read, threshold::Range};
use crate::{
    base::time::Timestamp,
    domain::model::{
        job::{CannotStart, Exit, JobId, Outcome},
        state::State,
    },
};

const CHECK: Subject<'_> = Subject {
    host: "web1",
    check: Some("http"),
    timeout: Duration::from_secs(10),
    aggressive: false,
};
const HOST: Subject<'_> = Subject {
    host: "web1",
    check: None,
    timeout: Duration::from_secs(30),
    aggressive: false,
};

fn outcome(exit: Exit, stdout: &[u8], stderr: &[u8]) -> Outcome {
    Outcome {
        job: JobId(1),
        exit,
        stdout: stdout.to_vec(),
        stderr: stderr.to_vec(),
        cut: 0,
        started: Timestamp(0),
        took: Duration::ZERO,
        cpu: Duration::ZERO,
        peak_kib: 0,
    }
}

fn of(code: i32, stdout: &str) -> Reading {
    read(&outcome(Exit::Code(code), stdout.as_bytes(), b""), &CHECK)
}

#[test]
fn exit_codes_are_states() {
    for (code, check, host) in [
        (0, State::Ok, State::Up),
        (1, State::Warning, State::Up),
        (2, State::Critical, State::Down),
        (3, State::Unknown, State::Down),
        (4, State::Critical, State::Down),
        (126, State::Critical, State::Down),
        (127, State::Critical, State::Down),
        (255, State::Critical, State::Down),
        (-1, State::Critical, State::Down),
    ] {
        let end = outcome(Exit::Code(code), b"WARNING - the text does not matter", b"");
        assert_eq!(read(&end, &CHECK).state, check, "{code}");
        assert_eq!(read(&end, &HOST).state, host, "{code}");
    }
}

#[test]
fn other_ends_are_states_too() {
    let start = |kind| Exit::CannotStart {
        why: "Because.".to_owned(),
        kind,
    };
    for (exit, check, host, prefix) in [
        (
            Exit::TimedOut,
            State::Critical,
            State::Down,
            "check timed out after",
        ),
        (
            Exit::Signal {
                number: 11,
                core: true,
            },
            State::Unknown,
            State::Down,
            "stderr: (the plugin was killed by signal 11 (SIGSEGV, bad memory access), core dumped)",
        ),
        (
            start(CannotStart::NotFound),
            State::Critical,
            State::Down,
            "(Return code of 127 is out of bounds. Check if plugin exists) Because.",
        ),
        (
            start(CannotStart::NotExecutable),
            State::Critical,
            State::Down,
            "(Return code of 126 is out of bounds. Check if plugin is executable) Because.",
        ),
        (
            start(CannotStart::Other),
            State::Critical,
            State::Down,
            "check did not exit properly) Because.",
        ),
    ] {
        let end = outcome(exit, b"", b"");
        let (on_check, on_host) = (read(&end, &CHECK), read(&end, &HOST));
        assert_eq!((on_check.state, on_host.state), (check, host), "{prefix}");
        assert!(on_check.output.contains(prefix), "{}", on_check.output);
        assert!(on_host.output.contains(prefix), "{}", on_host.output);
    }
}

#[test]
fn texts_begin_as_nagios_writes_them() {
    let text = |exit, stdout: &str, stderr: &str, subject| {
        read(
            &outcome(exit, stdout.as_bytes(), stderr.as_bytes()),
            subject,
        )
        .output
    };
    assert_eq!(
        text(Exit::TimedOut, "", "", &CHECK),
        "(Service check timed out after 10.00 seconds)"
    );
    assert_eq!(
        text(Exit::TimedOut, "connecting...\n", "", &HOST),
        "(Host check timed out after 30.00 seconds) Until then it had printed: connecting..."
    );
    assert_eq!(
        text(Exit::Code(127), "", "sh: 1: check_foo: not found\n", &CHECK),
        "(Return code of 127 is out of bounds. Check if plugin exists) It said: sh: 1: check_foo: not found"
    );
    assert_eq!(
        text(Exit::Code(4), "", "", &CHECK),
        "(Return code of 4 for service 'http' on host 'web1' was out of bounds) A plugin must exit with 0, 1, 2 or 3."
    );
    assert_eq!(
        text(Exit::Code(137), "half\nway", "", &HOST),
        "(Return code of 137 for host 'web1' was out of bounds) Above 128 it is usually a shell's word that its \
         command was killed by signal 9 (SIGKILL, killed from outside or by the kernel for want of memory). It printed: half"
    );
    assert_eq!(
        text(Exit::Code(0), "", "oops\nmore", &CHECK),
        "(No output on stdout) stderr: oops"
    );
    assert_eq!(
        text(Exit::Code(0), "", "", &CHECK),
        "(No output on stdout) stderr: (nothing there either, so only the exit code is known)"
    );
    assert_eq!(
        text(Exit::Code(0), "\n", "", &CHECK),
        "(No output returned from plugin)"
    );
    assert_eq!(
        text(Exit::Code(0), "\n", "", &HOST),
        "(No output returned from host check)"
    );
    assert_eq!(
        text(
            Exit::Signal {
                number: 15,
                core: false
            },
            "so far",
            "",
            &CHECK
        ),
        "so far"
    );
}

#[test]
fn text_splits_as_nagios_splits_it() {
    for (text, output, long, perf) in [
        ("OK - fine | a=1;2;3", "OK - fine", "", "a=1;2;3"),
        ("OK\n", "OK", "", ""),
        ("  OK \r\n", "OK", "", ""),
        ("OK; a;b | x=1;2", "OK: a:b", "", "x=1;2"),
        ("OK | a=1 | b=2", "OK", "", "a=1 | b=2"),
        ("OK\nl1\n\nl3\n", "OK", "l1\n\nl3", ""),
        (
            "DISK | /=1\n/ 15\n/var 8; | /boot=68\n/home=69\n a|b \n",
            "DISK",
            "/ 15\n/var 8; ",
            "/=1 /boot=68 /home=69 a|b",
        ),
        ("OK\n|a=1\nb=2", "OK", "", "a=1 b=2"),
        ("|a=1", "", "", "a=1"),
        ("\nx|a=1", "(No output returned from plugin)", "x", "a=1"),
        ("a\\nb", "a\\nb", "", ""),
    ] {
        let Reading {
            output: o,
            long_output: l,
            perfdata: p,
            ..
        } = of(0, text);
        assert_eq!(
            (o.as_str(), l.as_str(), p.as_str()),
            (output, long, perf),
            "{text:?}"
        );
    }
}

#[test]
fn an_exit_code_out_of_bounds_keeps_what_a_check_measured() {
    let end = outcome(Exit::Code(9), b"odd | a=1\nmore", b"");
    let check = read(&end, &CHECK);
    assert_eq!(
        (check.long_output.as_str(), check.perfdata.as_str()),
        ("more", "a=1")
    );
    assert_eq!(read(&end, &HOST).perfdata, "");
}

#[test]
fn hostile_bytes_become_text() {
    let bytes = |stdout: &[u8]| read(&outcome(Exit::Code(0), stdout, b"err"), &CHECK).output;
    assert_eq!(
        bytes(b"OK \xff\xfe caf\xe9"),
        "OK \u{fffd}\u{fffd} caf\u{fffd}"
    );
    assert_eq!(bytes(b"OK\0 hidden\n"), "OK");
    assert_eq!(bytes(b"\0OK"), "(No output on stdout) stderr: err");
    assert_eq!(bytes(b"OK \x1b[31mred"), "OK  [31mred");
}

#[test]
fn a_cut_is_visible_and_never_makes_a_wrong_number() {
    let mut end = outcome(Exit::Code(0), b"OK | a=1 b=23", b"");
    end.cut = 500;
    let reading = read(&end, &CHECK);
    assert_eq!(
        (reading.output.as_str(), reading.perfdata.as_str()),
        ("OK … [500 bytes cut]", "a=1")
    );

    end.stdout = b"OK\nmuch".to_vec();
    assert_eq!(read(&end, &CHECK).long_output, "much… [500 bytes cut]");

    // Only stderr was cut: the numbers are whole.
    end.stdout = b"OK | a=1 b=23".to_vec();
    end.stderr = vec![b'x'; 100];
    assert_eq!(read(&end, &CHECK).perfdata, "a=1 b=23");
}

#[test]
fn perfdata_from_the_wild_is_read() {
    let one = |text: &str| {
        let metrics = perfdata::parse(text);
        let shown: Vec<String> = metrics
            .iter()
            .map(|m| {
                format!(
                    "{}={}{}",
                    m.label,
                    m.value.map_or("U".to_owned(), |v| v.to_string()),
                    m.unit
                )
            })
            .collect();
        shown.join(" ")
    };
    for (text, expected) in [
        ("time=0.5s;1;2;0;10", "time=0.5s"),
        ("'my label'=3% b=4", "my label=3% b=4"),
        ("'it''s'=1", "it's=1"),
        (
            "a=1,23 b=1.1e-1 c=.42 d=23. e=+5 f=-7B",
            "a=1.23 b=0.11 c=0.42 d=23 e=5 f=-7B",
        ),
        ("m=3GiB t=21°C e=1EB", "m=3GiB t=21°C e=1EB"),
        ("u=U;1;2", "u=U"),
        ("a= b=;;; c=1", "c=1"),
        ("a=1\nb=2\tc=3", "a=1 b=2 c=3"),
        ("a=1 a=2", "a=1 a=2"),
        ("junk a=1 'open=2", "a=1"),
        ("=1 b=2 c=1.2.3 d=1e999", "b=2"),
        (
            "'ping::rta'=1ms loss=0% 'disk::used'=3 free=4",
            "ping::rta=1ms ping::loss=0% disk::used=3 disk::free=4",
        ),
        ("", ""),
    ] {
        assert_eq!(one(text), expected, "{text:?}");
    }
    let metric = perfdata::parse("load=1.5;@2:3;~:9;0;8").remove(0);
    assert_eq!(metric.warn, Range::parse("@2:3").ok());
    assert_eq!(
        metric.crit.map(|range| range.start),
        Some(f64::NEG_INFINITY)
    );
    assert_eq!((metric.min, metric.max), (Some(0.0), Some(8.0)));
    let bare = perfdata::parse("load=1;;5").remove(0);
    assert_eq!(
        (bare.warn, bare.crit.map(|range| range.end), bare.min),
        (None, Some(5.0), None)
    );
}

#[test]
fn thresholds_follow_the_guidelines() {
    for (text, calls, quiet) in [
        ("10", vec![-0.1, 10.1], vec![0.0, 5.0, 10.0]),
        ("10:", vec![9.9], vec![10.0, 1e9]),
        ("~:10", vec![10.1], vec![-1e9, 10.0]),
        ("10:20", vec![9.0, 21.0], vec![10.0, 20.0]),
        ("@10:20", vec![10.0, 15.0, 20.0], vec![9.0, 21.0]),
        ("-5:-1", vec![0.0, -6.0], vec![-5.0, -1.0]),
    ] {
        let range = Range::parse(text).expect(text);
        assert!(calls.iter().all(|value| range.alerts(*value)), "{text}");
        assert!(!quiet.iter().any(|value| range.alerts(*value)), "{text}");
        assert_eq!(Range::parse(&range.to_string()), Ok(range), "{text}");
    }
    for text in ["", "@", "20:10", "a", "1:b", "nan", "inf"] {
        assert!(Range::parse(text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn any_end_is_read(code in any::<i32>(), stdout in any::<Vec<u8>>(), stderr in any::<Vec<u8>>(), cut in 0..3u64, kind in 0..3) {
        let exit = match kind { 0 => Exit::Code(code), 1 => Exit::Signal { number: code, core: false }, _ => Exit::TimedOut };
        let mut end = outcome(exit, &stdout, &stderr);
        end.cut = cut;
        for subject in [&CHECK, &HOST] {
            let reading = read(&end, subject);
            prop_assert!(!reading.output.contains([';', '\n', '\0']));
            perfdata::parse(&reading.perfdata);
        }
    }

    #[test]
    fn any_perfdata_is_read(text in "[ -~\\n']{0,80}|\\PC*") {
        for metric in perfdata::parse(&text) {
            prop_assert!(!metric.label.is_empty());
            prop_assert!(metric.value.is_none_or(f64::is_finite));
        }
    }

    #[test]
    fn any_threshold_is_read_or_refused(text in "\\PC*") {
        if let Ok(range) = Range::parse(&text) {
            prop_assert!(range.start <= range.end);
        }
    }
}
