//! What people answer to a page, and what becomes of it: snoozes that end, words on deploys, tags.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::{
    scenario::{Play, at},
    site,
};
use crate::{
    base::time::parse_duration,
    domain::model::{
        answer::{About, Answer, Say, Tag},
        command::Command,
        grouping::Cause,
        state::ObjectName,
    },
};

/// A scenario with lines `HH:MM answer ABOUT WHO WHAT [...]`; ABOUT is an object, or `page:OBJECT@HH:MM` of its first bad result.
#[track_caller]
fn check(timeline: &str, expected: Expect) {
    let mut play = Play::new(site::shop());
    for line in timeline.lines().map(str::trim).filter(|it| !it.is_empty()) {
        self::play(&mut play, line);
    }
    expected.assert_eq(&play.transcript);
}

fn answer(line: &str) -> Option<(&str, Answer)> {
    let words: Vec<&str> = line.split(' ').collect();
    let [clock, "answer", about, who, what, rest @ ..] = words.as_slice() else {
        return None;
    };
    let words: Vec<&str> = std::iter::once(*what).chain(rest.iter().copied()).collect();
    let mut says: Vec<Say> = words.split(|word| *word == "+").map(say).collect();
    let say = match says.len() {
        1 => says.remove(0),
        _ => Say::Several(says),
    };
    let about = match about.strip_prefix("page:") {
        Some(page) => {
            let (object, clock) = page.rsplit_once('@').expect("a clock");
            About::Page(format!("{object}@{}", at(clock).millis()))
        }
        None => About::Named((*about).to_owned()),
    };
    let answer = Answer {
        about,
        say,
        author: (*who).to_owned(),
        through: "a test".to_owned(),
    };
    Some((clock, answer))
}

fn say(words: &[&str]) -> Say {
    match words {
        ["ack"] => Say::Acknowledge,
        ["ack", comment] => Say::AcknowledgeWith((*comment).to_owned()),
        ["unack"] => Say::Unacknowledge,
        ["snooze", span] => Say::Snooze {
            span: parse_duration(span).expect("a span"),
            comment: None,
        },
        ["tag", tag] => Say::Tag(Tag::parse(tag).expect("a tag")),
        ["caused", id] => Say::Caused((*id).to_owned()),
        ["not-caused", id] => Say::NotCaused((*id).to_owned()),
        other => panic!("cannot read {other:?}"),
    }
}

/// Lines with ` answer ` are answers.
fn play(play: &mut Play, line: &str) {
    match answer(line) {
        Some((clock, answer)) => play.command(clock, Command::Answer(answer)),
        None => play.line(line),
    }
}

/// Who taps on a page at night must not be turned away because the first of its problems is over, and must not take on what no
/// message has told of.
#[test]
fn an_answer_to_a_page_is_for_what_came_with_it_and_is_still_bad() {
    let mut inventory = site::shop();
    inventory.globals.grouping.by = vec![Cause::Host];
    let mut night = Play::new(inventory);
    let page = "page:web1/http@10:00";
    // What is acknowledged after each line.
    for (line, taken) in [
        ("10:00 web1/http crit", ""),
        ("10:00:10 web1/cpu crit", ""),
        // The update comes at 10:00:40.
        ("10:00:20 answer PAGE ann ack", "web1/http"),
        ("10:00:30 answer PAGE ann unack", ""),
        ("10:01:10 ack web1/http ann sticky", "web1/cpu web1/http"),
        ("10:01:20 unack web1/http ann", ""),
        ("10:05 web1/http ok", ""),
        ("10:06 answer PAGE oncall ack", "web1/cpu"),
        ("10:07 answer PAGE ann unack", ""),
        ("10:08 answer PAGE ann snooze 1h", "web1/cpu"),
        ("10:09 answer PAGE ann ack", "web1/cpu"),
        ("10:10 web1/http crit", "web1/cpu"),
        ("10:10:05 answer PAGE ann ack", "web1/cpu"),
        ("10:11 answer PAGE bob ack", "web1/cpu web1/http"),
        ("10:12 answer PAGE ann unack", ""),
        // Of one object alone, which began no page.
        ("10:13 answer web1/cpu ann ack", "web1/cpu"),
        ("10:14 answer PAGE ann ack", "web1/cpu web1/http"),
        ("10:14:30 answer PAGE ann unack", "web1/cpu"),
        ("10:15 unack web1/cpu ann", ""),
        ("10:16 answer web1/cpu ann ack", "web1/cpu"),
        ("10:20 web1/cpu ok", ""),
        ("10:20 web1/http ok", ""),
        ("10:21 answer PAGE ann ack", ""),
    ] {
        play(&mut night, &line.replace("PAGE", page));
        let names = ["web1/cpu", "web1/http"].into_iter().filter(|name| {
            let obj = night.engine.inventory.find(&ObjectName::parse(name));
            obj.is_some_and(|obj| night.engine.status(obj).ack.is_some())
        });
        let known: Vec<&str> = names.collect();
        assert_eq!(known.join(" "), taken, "{line}\n{}", night.transcript);
    }
    expect![[r#"
        10:00:00   -> oncall: problem web1/http CRITICAL
        10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
        10:00:10 web1/cpu merged problem: of host web1, like the page web1/http@1772445600000: told with its next update
        10:00:20   -> oncall: acknowledgement web1/http CRITICAL
        10:00:20 web1/http sent acknowledgement: acknowledgement by ann
        10:00:40   -> oncall: amendment web1/http CRITICAL
                   | CRITICAL web1/http since 2026-03-02T10:00:00Z: CRITICAL
                   | CRITICAL web1/cpu since 2026-03-02T10:00:10Z: CRITICAL
        10:00:40 web1/http amended amendment: 1 more problem of host web1; now 2 CRITICAL
        10:05:00 web1/http merged recovery: of host web1, of which more is still bad: told with the next update of the page web1/http@1772445600000
        10:05:30   -> oncall: amendment web1/http CRITICAL
                   | CRITICAL web1/cpu since 2026-03-02T10:00:10Z: CRITICAL
                   | recovered: web1/http, CRITICAL from 2026-03-02T10:00:00Z to 2026-03-02T10:05:00Z
        10:05:30 web1/http amended amendment: 1 recovered; now 1 CRITICAL
        10:06:00   -> oncall: acknowledgement web1/cpu CRITICAL
        10:06:00 web1/cpu sent acknowledgement: acknowledgement by oncall
        10:08:00   -> oncall: acknowledgement web1/cpu CRITICAL
        10:08:00 web1/cpu sent acknowledgement: acknowledgement by ann
        10:09:00   -> oncall: acknowledgement web1/cpu CRITICAL
        10:09:00 web1/cpu sent acknowledgement: acknowledgement by ann
        10:10:00 web1/http merged problem: of host web1, like the page web1/http@1772445600000: told with its next update
        10:10:30   -> oncall: amendment web1/http CRITICAL
                   | CRITICAL web1/cpu since 2026-03-02T10:00:10Z: CRITICAL
                   | CRITICAL web1/http since 2026-03-02T10:10:00Z: CRITICAL
        10:10:30 web1/http amended amendment: 1 more problem of host web1; now 2 CRITICAL
        10:11:00   -> oncall: acknowledgement web1/http CRITICAL
        10:11:00 web1/http sent acknowledgement: acknowledgement by bob
        10:13:00   -> oncall: acknowledgement web1/cpu CRITICAL
        10:13:00 web1/cpu sent acknowledgement: acknowledgement by ann
        10:14:00   -> oncall: acknowledgement web1/http CRITICAL
        10:14:00 web1/http sent acknowledgement: acknowledgement by ann
        10:16:00   -> oncall: acknowledgement web1/cpu CRITICAL
        10:16:00 web1/cpu sent acknowledgement: acknowledgement by ann
        10:20:00 web1/cpu merged recovery: of host web1, of which more is still bad: told with the next update of the page web1/http@1772445600000
        10:20:00   -> oncall: recovery web1/http OK
                   | recovered: web1/http, CRITICAL from 2026-03-02T10:00:00Z to 2026-03-02T10:05:00Z
                   | recovered: web1/cpu, CRITICAL from 2026-03-02T10:00:10Z to 2026-03-02T10:20:00Z
                   | recovered: web1/http, CRITICAL from 2026-03-02T10:10:00Z to 2026-03-02T10:20:00Z
        10:20:00 web1/http sent recovery: recovered
        10:21:00 refused: this problem of web1/http, since 2026-03-02T10:00:00Z, ended at 2026-03-02T10:05:00Z: nothing was changed
    "#]].assert_eq(&night.transcript);
    let key = |object: &str, clock: &str| format!("{object}@{}", at(clock).millis());
    let acknowledged = night
        .delivered
        .iter()
        .filter(|(_, kind, _)| kind == "acknowledgement");
    let keys: Vec<&str> = acknowledged.map(|(.., key)| &**key).collect();
    let (page, cpu) = (key("web1/http", "10:00"), key("web1/cpu", "10:00:10"));
    // Receivers know the page by the key that began it; one object of it is not all of it.
    let known = [page.as_str()].repeat(5);
    assert_eq!(keys, [&known[..], &[&cpu, &page, &cpu]].concat());
}

#[test]
fn of_several_answers_all_are_taken_or_none() {
    check(
        "10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1 actors=ann
        10:06 deploy finish D-1
        10:12 web1/http crit
        10:13 answer web1/http ann ack a-disk + tag faulty-check + not-caused D-9
        10:14 answer page:web1/http@10:12 ann ack a-disk + tag faulty-check + not-caused D-1
        10:15 answer web1/http bob tag view-issue + snooze 30m
        10:20 web1/http ok
        10:21 answer page:web1/http@10:12 ann tag view-issue + ack",
        expect![[r#"
            10:12:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:12:00   -> ann: problem web1/http CRITICAL [suspect d-1 strong]
            10:12:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: the deploy has ended and the results since then are bad
            10:13:00 refused: no deploy `D-9` is known; did you mean `D-1`?
            10:14:00   -> oncall: acknowledgement web1/http CRITICAL [suspect d-1 strong]
            10:14:00 web1/http sent acknowledgement: acknowledgement by ann
            10:14:00 web1/http answered problem: ann tagged it faulty-check: no action: the check is faulty
            10:14:00 web1/http answered problem: ann says that deploy D-1 did not cause it
            10:15:00 refused: web1/http is acknowledged by ann already, which a snooze would end: take that back first
            10:20:00   -> oncall: recovery web1/http OK
            10:20:00   -> ann: recovery web1/http OK
            10:20:00 web1/http sent recovery: recovered
            10:21:00 refused: this problem of web1/http, since 2026-03-02T10:12:00Z, ended at 2026-03-02T10:20:00Z: nothing was changed
        "#]],
    );
}

#[test]
fn what_is_still_bad_when_a_snooze_ends_is_paged_at_once_and_says_why() {
    check(
        "10:00 web1/http ok
        10:06 web1/http crit
        10:08 answer web1/http ann snooze 30m
        10:20 web1/http crit
        10:37 web1/http crit
        10:39 wait",
        expect![[r#"
            10:06:00   -> oncall: problem web1/http CRITICAL
            10:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:08:00   -> oncall: acknowledgement web1/http CRITICAL
            10:08:00 web1/http sent acknowledgement: acknowledgement by ann
            10:20:00 web1/http skipped problem: the problem is acknowledged by ann
            10:38:00   -> oncall: problem web1/http CRITICAL
            10:38:00 web1/http sent problem: the snooze by ann ended; still CRITICAL
        "#]],
    );
}

#[test]
fn a_snooze_survives_a_restart_and_ends_late_rather_than_never() {
    check(
        "10:00 web1/http ok
        10:06 web1/http crit
        10:08 answer web1/http ann snooze 30m
        10:50 restart
        10:51 wait",
        expect![[r#"
            10:06:00   -> oncall: problem web1/http CRITICAL
            10:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:08:00   -> oncall: acknowledgement web1/http CRITICAL
            10:08:00 web1/http sent acknowledgement: acknowledgement by ann
            10:38:00   -> oncall: problem web1/http CRITICAL
            10:38:00 web1/http sent problem: the snooze by ann ended; still CRITICAL
        "#]],
    );
}

#[test]
fn a_snooze_tells_nothing_new_of_what_recovered_and_keeps_no_change_back() {
    check(
        "10:00 web1/http ok
        10:06 web1/http warn
        10:07 answer web1/http ann snooze 30m
        10:10 web1/http crit
        10:12 answer web1/http ann snooze 30m
        10:20 web1/http ok
        11:00 wait",
        expect![[r#"
            10:06:00   -> oncall: problem web1/http WARNING
            10:06:00 web1/http sent problem: hard WARNING after attempt 1 of 1
            10:07:00   -> oncall: acknowledgement web1/http WARNING
            10:07:00 web1/http sent acknowledgement: acknowledgement by ann
            10:10:00   -> oncall: problem web1/http CRITICAL
            10:10:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:12:00   -> oncall: acknowledgement web1/http CRITICAL
            10:12:00 web1/http sent acknowledgement: acknowledgement by ann
            10:20:00   -> oncall: recovery web1/http OK
            10:20:00 web1/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn at_the_end_of_a_snooze_no_deploy_holds_it_back() {
    // The page was held, then snoozed: nobody was ever told. A new deploy runs when the snooze ends.
    check(
        "10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1 actors=ann
        10:06 web1/http crit
        10:07 answer web1/http bob snooze 30m
        10:08 deploy finish D-1
        10:36 deploy start D-2 app=shop hosts=web1 actors=ann
        10:38 wait",
        expect![[r#"
            10:06:00 web1/http held problem until 10:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:07:00   -> oncall: acknowledgement web1/http CRITICAL
            10:07:00 web1/http sent acknowledgement: acknowledgement by bob
            10:07:00 web1/http released problem: the hold ended: bob took it; acknowledged by bob
            10:36:00 already failing: web1/http CRITICAL since 2026-03-02T10:06:00Z
            10:36:00   -> ann quietly: notice web1 UP [none; weak D-2]
                       | web1/http CRITICAL since 2026-03-02T10:06:00Z
            10:37:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:37:00   -> ann: problem web1/http CRITICAL [suspect d-1 strong]
            10:37:00 web1/http sent problem: the snooze by bob ended; still CRITICAL
        "#]],
    );
}

#[test]
fn a_snooze_that_ends_in_a_downtime_leaves_the_page_to_the_downtimes_end() {
    check(
        "10:00 web1/http ok
        10:06 web1/http crit
        10:07 answer web1/http bob snooze 30m
        10:30 downtime web1/http 20m
        10:38 wait
        10:50 wait
        10:51 web1/http crit",
        expect![[r#"
            10:06:00   -> oncall: problem web1/http CRITICAL
            10:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:07:00   -> oncall: acknowledgement web1/http CRITICAL
            10:07:00 web1/http sent acknowledgement: acknowledgement by bob
            10:30:00   -> oncall: downtime-start web1/http CRITICAL
            10:30:00 web1/http sent downtime-start: downtime-start by bob
            10:37:00 web1/http skipped problem: it is in a downtime
            10:50:00   -> oncall: downtime-end web1/http CRITICAL
            10:50:00 web1/http sent downtime-end: downtime-end by bob
            10:50:00   -> oncall: problem web1/http CRITICAL
            10:50:00 web1/http sent problem: CRITICAL since 10:06:00, kept quiet by the downtime of bob (work), which ended
            10:51:00 web1/http skipped problem: the next reminder is due at 2026-03-02T11:20:00Z
        "#]],
    );
}

#[test]
fn snoozes_have_bounds_and_do_not_undo_what_others_took_on() {
    check(
        "10:00 web1/http ok
        10:01 answer web1/http ann snooze 5m
        10:06 web1/http crit
        10:07 answer web1/http ann snooze 25h
        10:08 ack web1/http carol sticky
        10:09 answer web1/http ann snooze 5m
        10:10 answer web1/http ann ack
        10:11 answer web1/http ann unack
        10:12 answer web9/http ann ack",
        expect![[r#"
            10:01:00 refused: web1/http is OK: there is no problem to acknowledge
            10:06:00   -> oncall: problem web1/http CRITICAL
            10:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:07:00 refused: a snooze lasts 1d at most; plan a downtime for what stays quiet longer
            10:09:00 refused: web1/http is acknowledged by carol already, which a snooze would end: take that back first
            10:12:00 refused: there is no check `web9/http` in the configuration
        "#]],
    );
}

#[test]
fn an_answer_to_yesterdays_page_does_nothing_to_todays() {
    check(
        "10:00 web1/http ok
        10:06 web1/http crit
        10:10 web1/http ok
        10:11 answer page:web1/http@10:06 ann ack
        10:20 web1/http crit
        10:21 answer page:web1/http@10:06 ann ack
        10:22 answer page:web1/http@10:06 ann snooze 30m
        10:23 answer page:web1/http@10:19 ann ack
        10:24 answer page:web1/http@10:20 ann ack
        10:25 answer page:web1/http@10:20 ann ack
        10:26 answer page:web1/http@10:20 ann unack
        10:27 answer page:web1/http@10:20 ann unack",
        expect![[r#"
            10:06:00   -> oncall: problem web1/http CRITICAL
            10:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:10:00   -> oncall: recovery web1/http OK
            10:10:00 web1/http sent recovery: recovered
            10:11:00 refused: this problem of web1/http, since 2026-03-02T10:06:00Z, ended at 2026-03-02T10:10:00Z: nothing was changed
            10:20:00   -> oncall: problem web1/http CRITICAL
            10:20:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:21:00 refused: this problem of web1/http, since 2026-03-02T10:06:00Z, ended at 2026-03-02T10:10:00Z: nothing was changed; web1/http has another problem since 2026-03-02T10:20:00Z, with a page of its own
            10:22:00 refused: this problem of web1/http, since 2026-03-02T10:06:00Z, ended at 2026-03-02T10:10:00Z: nothing was changed; web1/http has another problem since 2026-03-02T10:20:00Z, with a page of its own
            10:23:00 refused: no problem `web1/http@1772446740000` is known: they are kept for 2d after their end
            10:24:00   -> oncall: acknowledgement web1/http CRITICAL
            10:24:00 web1/http sent acknowledgement: acknowledgement by ann
        "#]],
    );
}

#[test]
fn a_person_says_which_deploy_it_was_and_the_gate_follows() {
    check(
        "10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1 actors=ann
        10:06 deploy finish D-1
        10:40 deploy start D-2 app=search hosts=search1 actors=carol
        10:41 deploy finish D-2
        10:42 web1/http crit
        10:43 gate search production
        10:44 answer web1/http bob caused D-22
        10:45 answer web1/http bob caused D-2
        10:46 answer web1/http bob caused D-2
        10:47 gate search production
        10:47 record D-2
        10:47 evidence web1/http
        11:50 web1/http crit
        11:52 answer web1/http carol not-caused D-2
        11:53 gate search production
        11:54 record D-2",
        expect![[r#"
            10:42:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong, d-2 weak]
            10:42:00   -> ann: problem web1/http CRITICAL [suspect d-1 strong, d-2 weak]
            10:42:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:43:00 gate open: no problem is put down to a deploy of search in production
            10:44:00 refused: no deploy `D-22` is known; did you mean `D-2`?
            10:45:00 web1/http answered problem: bob says that deploy D-2 caused it
            10:45:00   -> oncall: amendment web1/http CRITICAL [suspect d-2 strong, d-1 strong]
            10:45:00   -> ann: amendment web1/http CRITICAL [suspect d-2 strong, d-1 strong]
            10:45:00 web1/http amended amendment: amended: bob says that deploy D-2 caused it
            10:47:00 gate shut: web1/http is CRITICAL: suspect D-2
            10:47:00 D-2: no verdict: ; risk normal: the class of the app
            10:47:00   web1/http CRITICAL paged
            10:47:00 web1/http: suspect
            10:47:00   D-2: bob says so; first bad result 2m after it started, 1m after it ended; it shares only the environment production; last good result 40m before the deploy started
            10:47:00   D-1: possible late effect: it ended 36m before the first bad result; web1 is deployed to; last good result 5m before the deploy started
            11:50:00   -> oncall: problem web1/http CRITICAL [suspect d-2 strong, d-1 strong]
            11:50:00 web1/http sent problem: still CRITICAL: reminder 2 (every 30m)
            11:52:00 web1/http answered problem: carol says that deploy D-2 did not cause it
            11:52:00   -> oncall: amendment web1/http CRITICAL [suspect d-1 strong]
            11:52:00   -> ann: amendment web1/http CRITICAL [suspect d-1 strong]
            11:52:00 web1/http amended amendment: amended: carol says that deploy D-2 did not cause it
            11:53:00 gate open: no problem is put down to a deploy of search in production
            11:54:00 D-2: inconclusive: carol says that it did not cause web1/http; 2 without a usable result since its end: search1/cpu, search1/http; nothing in its scope could show how it went; risk normal: the class of the app
            11:54:00   web1/http CRITICAL paged
        "#]],
    );
}

#[test]
fn a_person_clears_a_deploy_without_taking_the_problem_on() {
    check(
        "10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1 actors=ann
        10:06 deploy finish D-1
        10:12 web1/http crit
        10:13 gate shop production
        10:14 answer web1/http bob not-caused D-1
        10:15 gate shop production
        11:30 web1/http crit",
        expect![[r#"
            10:12:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:12:00   -> ann: problem web1/http CRITICAL [suspect d-1 strong]
            10:12:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: the deploy has ended and the results since then are bad
            10:13:00 gate shut: web1/http is CRITICAL: suspect D-1
            10:14:00 web1/http answered problem: bob says that deploy D-1 did not cause it
            10:15:00 gate open: no problem is put down to a deploy of shop in production
            11:30:00   -> oncall: problem web1/http CRITICAL
            11:30:00 web1/http sent problem: still CRITICAL: reminder 2 (every 30m)
        "#]],
    );
}

#[test]
fn a_page_is_tagged_while_it_lasts_or_the_day_after() {
    let mut play = Play::new(site::shop());
    for line in [
        "10:00 web1/http ok",
        "10:06 web1/http crit",
        "10:10 web1/http ok",
    ] {
        play.line(line);
    }
    for line in [
        "10:20 answer web1/http ann tag faulty-check",
        "33:00 answer page:web1/http@10:06 bob tag downtime-not-set",
        "33:01 answer db1 bob tag downtime-not-set",
        // Three days later it is no longer at hand.
        "83:00 answer page:web1/http@10:06 bob tag faulty-check",
    ] {
        let (clock, answer) = answer(line).expect(line);
        play.command(clock, Command::Answer(answer));
    }
    expect![[r#"
        10:06:00   -> oncall: problem web1/http CRITICAL
        10:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
        10:10:00   -> oncall: recovery web1/http OK
        10:10:00 web1/http sent recovery: recovered
        10:20:00 web1/http answered problem: ann tagged it faulty-check: no action: the check is faulty
        09:00:00 web1/http answered problem: bob tagged it downtime-not-set: no action: work went on, and nobody had set a downtime
        09:01:00 refused: db1 has no hard problem now, and had none in the last 2d
        11:00:00 refused: no problem `web1/http@1772445960000` is known: they are kept for 2d after their end
    "#]].assert_eq(&play.transcript);
    let row = play.kept.restored().problems.pop().expect("a row");
    let tag = row.said.tag.expect("a tag");
    assert_eq!((tag.tag, &*tag.by), (Tag::DowntimeNotSet, "bob"));
}

#[test]
fn what_a_person_said_stays_with_the_row() {
    let mut play = Play::new(site::shop());
    for line in [
        "10:00 web1/http ok",
        "10:05 deploy start D-1 app=shop hosts=web1 actors=ann",
        "10:06 deploy finish D-1",
        "10:12 web1/http crit",
    ] {
        play.line(line);
    }
    for line in [
        "10:13 answer web1/http bob not-caused D-1",
        "10:14 answer web1/http ann caused D-1",
        "10:15 answer web1/http ann tag service-issue",
    ] {
        let (clock, answer) = answer(line).expect(line);
        play.command(clock, Command::Answer(answer));
    }
    play.line("10:20 restart");
    let view = play.engine.object_view(&ObjectName::parse("web1/http"));
    assert_eq!(
        view.expect("known").said,
        [
            "ann tagged it service-issue: action taken: the service was ill",
            "ann says that deploy D-1 caused it"
        ]
    );
    let row = play.kept.restored().problems.pop().expect("a row");
    assert!(row.cleared.is_empty());
    let said: Vec<(bool, Option<&str>)> = row
        .said
        .corrections
        .iter()
        .map(|it| (it.caused, it.suspect.as_deref()))
        .collect();
    // Once it was cleared there was no suspect left.
    assert_eq!(said, [(false, Some("D-1")), (true, None)]);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Result(usize, &'static str),
    Snooze(usize, u64),
    Restart,
}

const SNOOZED: [&str; 3] = ["web1/http", "web2/http", "db1/http"];

fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
    let state = prop_oneof![2 => Just("ok"), 1 => Just("warn"), 3 => Just("crit")];
    let step = prop_oneof![
        6 => (0..SNOOZED.len(), state).prop_map(|(object, state)| Step::Result(object, state)),
        3 => (0..SNOOZED.len(), 1..40_u64).prop_map(|(object, span)| Step::Snooze(object, span)),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec((1..20_u64, step), 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Whatever comes between: what is bad when all snoozes are over was told after its last one began, since the end of a
    /// snooze pages it, or what ended the snooze before its time did.
    #[test]
    fn no_snooze_leaves_anything_bad_unsaid(steps in steps()) {
        let mut play = Play::new(site::shop());
        let mut minute = 600;
        let mut bad = [None; SNOOZED.len()];
        for (object, name) in SNOOZED.iter().enumerate() {
            play.line(&format!("09:00 {name} ok"));
            bad[object] = Some((false, None));
        }
        let clock = |minute: u64| format!("{:02}:{:02}", minute / 60, minute % 60);
        for (gap, step) in steps {
            minute += gap;
            match step {
                Step::Result(object, state) => {
                    play.line(&format!("{} {} {state}", clock(minute), SNOOZED[object]));
                    // What was fine in between is another problem.
                    bad[object] = match bad[object] {
                        Some((true, snoozed)) if state != "ok" => Some((true, snoozed)),
                        _ => Some((state != "ok", None)),
                    };
                }
                Step::Snooze(object, span) => {
                    let line = format!("{} answer {} ann snooze {span}m", clock(minute), SNOOZED[object]);
                    let (at, answer) = answer(&line).expect("an answer");
                    play.command(at, Command::Answer(answer));
                    if let Some((true, snoozed)) = &mut bad[object] {
                        *snoozed = Some(minute);
                    }
                }
                Step::Restart => play.line(&format!("{} restart", clock(minute))),
            }
        }
        play.line("23:00 wait");
        for (object, name) in SNOOZED.iter().enumerate() {
            let Some((true, Some(snoozed))) = bad[object] else { continue };
            let told = play.transcript.lines().any(|line| {
                let (at, what) = line.split_at(5);
                let at: Vec<u64> = at.split(':').filter_map(|part| part.parse().ok()).collect();
                (what.contains(&format!("-> oncall: problem {name} "))
                    || what.contains(&format!("-> oncall: flapping-start {name} ")))
                    && snoozed < at[0] * 60 + at[1]
            });
            prop_assert!(told, "{name}, snoozed at {}, in\n{}", clock(snoozed), play.transcript);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Nothing is half done: what is refused has changed nothing.
    #[test]
    fn several_answers_that_are_refused_change_nothing(
        steps in prop::collection::vec((0..3_usize, 0..12_usize, any::<bool>()), 1..12)
    ) {
        let words = [
            "ack", "ack mine", "snooze 20m", "snooze 90000m", "tag faulty-check", "caused D-1", "caused D-9",
            "not-caused D-1", "not-caused D-9", "unack",
        ];
        let mut play = Play::new(site::shop());
        for line in [
            "09:00 web1/http ok",
            "09:01 deploy start D-1 app=shop hosts=web1 actors=ann",
            "09:02 deploy finish D-1",
            "09:10 web1/http crit",
        ] {
            play.line(line);
        }
        let name = ObjectName::parse("web1/http");
        for (minute, (first, second, flips)) in steps.into_iter().enumerate() {
            let clock = format!("10:{:02}", 2 * minute);
            if second < words.len() {
                let line = format!("{clock} answer page:web1/http@09:10 ann {} + {}", words[3 * first], words[second]);
                let known = |play: &Play| {
                    let view = play.engine.object_view(&name).map(|view| (view.acknowledged_by, view.snoozed_until, view.said));
                    format!("{view:?} {:?}", play.kept.restored().problems)
                };
                // What is due by itself at that minute comes before it.
                play.line(&format!("{clock} wait"));
                let (before, told) = (known(&play), play.transcript.len());
                self::play(&mut play, &line);
                if play.transcript[told..].contains("refused") {
                    prop_assert_eq!(before, known(&play), "{}", play.transcript);
                }
            }
            if flips {
                let state = if minute % 2 == 0 { "ok" } else { "crit" };
                play.line(&format!("10:{:02} web1/http {state}", 2 * minute + 1));
            }
        }
    }
}
