//! What is written is what happened, to the millisecond; what found no room is said; old files go.

use std::{fs, sync::Arc, time::Duration};

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::{
    runs::{Run, unroll},
    *,
};
use crate::{
    base::time::Timestamp,
    domain::{
        engine::snapshot::Seen,
        model::{
            job::{CheckResult, Source},
            snapshot::Snapshot,
            state::{ObjectName, State},
        },
    },
};

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_772_445_600_000 + millis)
}

fn seen(check: usize, state: State, started: Timestamp, perfdata: &str) -> Seen {
    Seen {
        result: CheckResult {
            object: ObjectName::check("web1", &format!("check{check}")),
            state,
            output: "HTTP OK: HTTP/1.1 200 OK - 453 bytes in 0.004 second response time".into(),
            long_output: "".into(),
            perfdata: perfdata.into(),
            started,
            took: Duration::ZERO,
            latency: Duration::ZERO,
            source: Source::Passive,
            cpu: Duration::ZERO,
            peak_kib: 0,
        },
        passive: false,
        measures: true,
    }
}

fn settings(dir: &std::path::Path) -> Settings {
    Settings {
        dir: dir.to_owned(),
        keep: Duration::from_secs(7 * 86_400),
        max_bytes: 1 << 30,
    }
}

fn lines(dir: &std::path::Path) -> Vec<Value> {
    files(dir)
        .expect("read")
        .iter()
        .flat_map(|(_, path)| {
            let text = fs::read_to_string(path).expect("UTF-8");
            text.lines()
                .map(|line| serde_json::from_str(line).expect("a line is JSON"))
                .collect::<Vec<Value>>()
        })
        .collect()
}

fn metric() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "time=[0-9]{1,3}[.,][0-9]{1,3}s;1;2;0".prop_map(String::from),
        "'a b'=[0-9]{1,4}% x::y=U;;;; =-[0-9]e-[0-9]".prop_map(String::from),
        "[ -~]{0,20}".prop_map(String::from),
        "[a=|,0-9 é]{0,12}".prop_map(String::from),
    ]
}

proptest! {
    /// Whatever comes, in whatever rhythm: what is read back is what was written, but for words.
    #[test]
    fn runs_come_back_exactly(
        results in prop::collection::vec((0..200_000i64, 0..90_000i64, any::<bool>(), metric()), 1..300)
    ) {
        let mut now = 0;
        let mut written = Vec::new();
        let mut read = Vec::new();
        let mut run: Option<Run> = None;
        let mut close = |run: Run| {
            let mut fields = Map::new();
            run.fields(&mut fields);
            // Through text, as in the file.
            let text = Value::Object(fields).to_string();
            let fields: Map<String, Value> = serde_json::from_str(&text).expect("JSON");
            let passive = fields.get("source").is_some();
            for ran in unroll(run.at, &fields).expect("read back") {
                read.push((ran.at, ran.started, passive, ran.perfdata));
            }
        };
        for (step, lag, passive, perfdata) in results {
            now += step;
            written.push((at(now), at(now - lag), passive, perfdata.clone()));
            let fits = run.as_mut().is_some_and(|run| run.add(at(now), lag, passive, &perfdata));
            if !fits && let Some(full) = run.replace(Run::new(at(now), lag, passive, &perfdata)) {
                close(full);
            }
        }
        run.into_iter().for_each(&mut close);
        prop_assert_eq!(read, written);
    }
}

#[test]
fn damaged_runs_are_told_not_believed() {
    let fields = |ran: &str| {
        let mut fields = Map::new();
        fields.insert("ran".to_owned(), ran.into());
        fields
    };
    for wrong in [
        "",
        "x",
        "1 2",
        "1/2",
        "1 x/2",
        "1 9223372036854775807/1 9223372036854775807/1",
    ] {
        assert!(
            unroll(at(i64::MAX - 2_000_000_000_000), &fields(wrong)).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn what_is_well_is_short_and_what_is_not_is_told_at_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let recorder =
        Recorder::start(settings(dir.path()), at(0), Snapshot::default()).expect("started");
    for (minute, state) in [
        State::Ok,
        State::Ok,
        State::Ok,
        State::Critical,
        State::Critical,
        State::Ok,
        State::Ok,
    ]
    .into_iter()
    .enumerate()
    {
        let started = at(60_000 * i64::try_from(minute).expect("few"));
        recorder.result(
            started + Duration::from_millis(12),
            seen(0, state, started, ""),
        );
    }
    recorder.end(at(600_000));
    let names: Vec<String> = lines(dir.path())
        .iter()
        .map(|line| {
            line.as_object()
                .expect("an object")
                .keys()
                .nth(1)
                .expect("two")
                .clone()
        })
        .collect();
    assert_eq!(
        names,
        [
            "history", "state", "result", "repeat", "result", "result", "result", "repeat",
            "history"
        ]
    );
    let repeat = &lines(dir.path())[3];
    assert_eq!(repeat["repeat"]["ran"], "12 0/12");
    assert_eq!(repeat["repeat"]["every"], 60_000);
}

#[test]
fn each_start_and_hour_is_a_file_of_its_own_and_old_ones_go() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut settings = settings(dir.path());
    for start in 0..3 {
        let recorder =
            Recorder::start(settings.clone(), at(start), Snapshot::default()).expect("started");
        recorder.begin(at(3_600_000), "hour", Snapshot::default());
        recorder.end(at(3_600_001));
    }
    let numbers = || -> Vec<u64> {
        files(dir.path())
            .expect("read")
            .iter()
            .map(|(number, _)| *number)
            .collect()
    };
    assert_eq!(numbers(), [1, 2, 3, 4, 5, 6]);
    settings.max_bytes = 400;
    Recorder::start(settings, at(0), Snapshot::default())
        .expect("started")
        .end(at(1));
    let kept = numbers();
    assert!(kept.len() < 6 && kept.ends_with(&[7]), "{kept:?}");
    // A stranger's file is left alone and does not confuse.
    fs::write(dir.path().join("notes.txt"), "x").expect("written");
    fs::write(dir.path().join("x-y.jsonl"), "x").expect("written");
    assert_eq!(numbers(), kept);
}

#[test]
fn what_found_no_room_is_said_in_the_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut settings = settings(dir.path());
    settings.max_bytes = 300;
    let recorder = Recorder::start(settings.clone(), at(0), Snapshot::default()).expect("started");
    for minute in 0..20 {
        let started = at(60_000 * minute);
        recorder.result(started, seen(0, State::Critical, started, ""));
    }
    recorder.begin(at(3_600_000), "hour", Snapshot::default());
    recorder.end(at(3_600_001));
    let all = lines(dir.path());
    let lost: Vec<&Value> = all
        .iter()
        .filter(|line| line.get("lost").is_some())
        .collect();
    assert_eq!(lost.len(), 1, "{all:?}");
    assert!(10 < lost[0]["lost"]["records"].as_u64().expect("a number"));
}

/// The bound that README names: with regular results, under 12 bytes each, and under 24 with two numbers.
#[test]
fn a_quiet_day_is_small() {
    const CHECKS: usize = 200;
    const MINUTES: i64 = 60;
    for (perfdata, most) in [(false, 12.0), (true, 24.0)] {
        let dir = tempfile::tempdir().expect("a directory");
        let recorder =
            Recorder::start(settings(dir.path()), at(0), Snapshot::default()).expect("started");
        let recorder = Arc::new(recorder);
        for minute in 0..MINUTES {
            for check in 0..CHECKS {
                let jitter = i64::try_from(check).expect("few") * 7 % 13 + minute % 5;
                let started =
                    at(60_000 * minute + 300 * i64::try_from(check).expect("few") + jitter);
                let numbers = format!(
                    "time=0.0{}{jitter}s;;;0 size={}B;;;0",
                    check % 7,
                    453 + minute
                );
                let perfdata = if perfdata { &*numbers } else { "" };
                recorder.result(
                    started + Duration::from_millis(4),
                    seen(check, State::Ok, started, perfdata),
                );
            }
        }
        Arc::into_inner(recorder).expect("one").end(at(3_600_000));
        let size: u64 = files(dir.path())
            .expect("read")
            .iter()
            .map(|(_, path)| fs::metadata(path).expect("there").len())
            .sum();
        let results = f64::from(u32::try_from(CHECKS).expect("few")) * 60.0;
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let each = size as f64 / results;
        println!(
            "{each:.2} bytes a result; 10,000 checks a minute: {:.0} MB a day",
            each * 14.4
        );
        assert!(each < most, "{each} bytes a result");
    }
}
