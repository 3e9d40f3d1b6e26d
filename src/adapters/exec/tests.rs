//! What can be tested of exec without processes: frames. The rest is in tests/exec.rs.

use std::{path::PathBuf, time::Duration};

use proptest::prelude::*;

use super::wire::{Inbox, MAX_FRAME, Malformed, Order, Report, Request, Setup};
use crate::{
    base::time::Timestamp,
    domain::model::{
        job::{CannotStart, Exit, JobId, Outcome},
        objects::Profile,
    },
};

fn requests() -> Vec<Request> {
    let full = Profile {
        name: "p".to_owned(),
        user: Some("nobody".to_owned()),
        group: Some(String::new()),
        nice: Some(-5),
        umask: Some(0o77),
        no_new_privs: true,
        max_open_files: Some(1),
        max_memory: Some(u64::MAX),
        max_cpu_seconds: Some(3),
        max_core: Some(0),
        max_processes: Some(5),
        directory: Some(PathBuf::from("/tmp")),
        environment: [("A".to_owned(), "é=\n".to_owned())].into_iter().collect(),
    };
    let setup = |profile| {
        Request::Setup(Box::new(Setup {
            profile,
            plugin_dirs: vec![PathBuf::from("/a"), PathBuf::from("b c")],
            max_output: 65536,
            grace: Duration::from_millis(1500),
        }))
    };
    vec![
        setup(full),
        setup(Profile::default()),
        Request::Run(Order {
            job: JobId(u64::MAX),
            line: "check_x 'é'".to_owned(),
            env: vec![("B".to_owned(), "2".to_owned()); 3],
            timeout: Duration::from_secs(60),
        }),
        Request::Finish,
    ]
}

fn reports() -> Vec<Report> {
    let refused = |kind| Exit::CannotStart {
        why: "Because.".to_owned(),
        kind,
    };
    let exits = [
        Exit::Code(-1),
        Exit::Signal {
            number: 64,
            core: true,
        },
        Exit::TimedOut,
        refused(CannotStart::NotFound),
        refused(CannotStart::NotExecutable),
        refused(CannotStart::Other),
    ];
    let done = exits.map(|exit| {
        Report::Done(Outcome {
            job: JobId(7),
            exit,
            stdout: b"\0\xffx".to_vec(),
            stderr: Vec::new(),
            cut: 9,
            started: Timestamp::from_millis(-5),
            took: Duration::from_nanos(1_000_000_001),
            cpu: Duration::from_micros(3),
            peak_kib: 1 << 40,
        })
    });
    let ready = [Some("no such user".to_owned()), None].map(|fault| Report::Ready { fault });
    ready.into_iter().chain(done).collect()
}

/// All frames of `bytes`, which arrive `step` bytes at a time.
fn frames(bytes: &[u8], step: usize) -> Vec<Vec<u8>> {
    let (mut inbox, mut frames) = (Inbox::default(), Vec::new());
    for part in bytes.chunks(step) {
        inbox.extend(part);
        while let Some(frame) = inbox.next().expect("whole frames") {
            frames.push(frame.to_vec());
        }
    }
    frames
}

#[test]
fn frames_arrive_as_they_were_sent_however_they_are_cut() {
    let mut bytes = Vec::new();
    assert!(requests().iter().all(|request| request.encode(&mut bytes)));
    for step in [1, 7, bytes.len()] {
        let seen: Vec<Request> = frames(&bytes, step)
            .iter()
            .map(|f| Request::decode(f).expect("a request"))
            .collect();
        assert_eq!(seen, requests());
    }
    bytes.clear();
    assert!(reports().iter().all(|report| report.encode(&mut bytes)));
    let seen: Vec<Report> = frames(&bytes, 100)
        .iter()
        .map(|f| Report::decode(f).expect("a report"))
        .collect();
    assert_eq!(seen, reports());
}

#[test]
fn a_frame_that_is_too_long_is_neither_sent_nor_taken() {
    let line = "x".repeat(MAX_FRAME);
    let order = Order {
        job: JobId(1),
        line,
        env: Vec::new(),
        timeout: Duration::ZERO,
    };
    let mut bytes = vec![1];
    assert!(!Request::Run(order).encode(&mut bytes));
    assert_eq!(bytes, [1]);
    let mut inbox = Inbox::default();
    inbox.extend(&u32::MAX.to_le_bytes());
    assert_eq!(inbox.next(), Err(Malformed));
}

proptest! {
    #[test]
    fn any_bytes_are_taken_or_refused(bytes in any::<Vec<u8>>(), tag in 0..4u8) {
        let tagged: Vec<u8> = std::iter::once(tag).chain(bytes).collect();
        let _ = Request::decode(&tagged);
        let _ = Report::decode(&tagged);
    }

    /// A frame that lost its end is refused, never misread.
    #[test]
    fn a_frame_cut_short_is_refused(which in 0..12usize, keep in 0..1000usize) {
        let mut all: Vec<(bool, Vec<u8>)> = Vec::new();
        for request in requests() {
            let mut bytes = Vec::new();
            request.encode(&mut bytes);
            all.push((true, bytes.split_off(4)));
        }
        for report in reports() {
            let mut bytes = Vec::new();
            report.encode(&mut bytes);
            all.push((false, bytes.split_off(4)));
        }
        let (is_request, frame) = &all[which % all.len()];
        let short = &frame[..frame.len() * keep / 1000];
        let refused = if *is_request { Request::decode(short).is_err() } else { Report::decode(short).is_err() };
        prop_assert!(refused);
    }
}
