//! Taking back what made things worse: what is advised, what is run, and what each guard keeps back.

use std::time::Duration;

use expect_test::expect;

use super::{
    live::Live,
    scenario::{Play, at, check, check_on},
    site,
};
use crate::domain::{
    engine::input::Input,
    model::{
        command::Command,
        deploy::RollbackMode,
        job::Exit,
        objects::{CommandLine, Inventory, RollbackHook},
        state::{ObjectName, State},
    },
};

/// The shop, whose owners opted in.
fn opted_in() -> Inventory {
    let mut inventory = site::shop();
    inventory.apps[1].rollback = Some(RollbackHook {
        command: CommandLine {
            name: "go-back".into(),
            line: "go-back '$DEPLOYID$' '$DEPLOYVERSION$' '$DEPLOYPREVIOUSVERSION$' $HOSTNAME$"
                .into(),
            args: Vec::new(),
        },
        mode: RollbackMode::Run,
        timeout: Duration::from_secs(600),
    });
    inventory
}

/// web1 is updated and breaks; web2 and web3 are not, and are fine.
const STORY: &str = "
    10:00 web1/http ok
    10:01 deploy start D-1 app=shop version=1.4.1 hosts=web1
    10:02 deploy finish D-1
    10:40 deploy start D-2 app=shop version=1.4.2 hosts=web1
    10:41 deploy finish D-2
    10:50 web1/http ok
    10:55 web1/http crit
    10:55:05 web2/http ok
    10:55:06 web3/http ok
    ";

#[test]
fn it_is_advised_where_every_guard_but_the_opt_in_agrees() {
    check(
        &format!("{STORY}\n11:00 wait\n11:12 record D-2"),
        expect![[r#"
            10:55:00   -> oncall: problem web1/http CRITICAL [suspects d-2 possible, d-1 weak]
            10:55:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-2: not held: the deploy has ended and the results since then are bad
            10:55:20   -> oncall: amendment web1/http CRITICAL [suspect d-2 possible, d-1 weak]
            10:55:20 web1/http amended amendment: amended: it began after deploy D-2; suggested: roll back D-2 (shop 1.4.2), to 1.4.1
            10:55:20 web1/http no-rollback problem: suggested: roll back D-2; not by itself: app `shop` has no `rollback`
            11:12:00 D-2: regressed: 1 put down to it: web1/http; 5 without a usable result since its end: web1/cpu, web1/http, web1/probe and 2 more; nothing in its scope could show how it went; suggested: roll back; risk normal: the class of the app
            11:12:00   web1/http CRITICAL paged
        "#]],
    );
}

#[test]
fn it_is_run_where_the_owners_opted_in_and_every_guard_agrees() {
    check_on(
        opted_in(),
        &format!("{STORY}\n11:00 wait\n11:12 record D-2"),
        expect![[r#"
            10:55:00   -> oncall: problem web1/http CRITICAL [suspects d-2 possible, d-1 weak]
            10:55:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-2: not held: the deploy has ended and the results since then are bad
            10:55:00 web1/http no-rollback problem: D-2 is not rolled back: it is not the one suspect
            10:55:20   -> oncall: amendment web1/http CRITICAL [suspect d-2 possible, d-1 weak]
            10:55:20 web1/http amended amendment: amended: it began after deploy D-2; rolling back D-2 (shop 1.4.2), to 1.4.1, by itself
            10:55:20 web1/http rollback problem: every guard agrees: `go-back` is run to roll back D-2
            11:12:00 D-2: regressed: 1 put down to it: web1/http; 5 without a usable result since its end: web1/cpu, web1/http, web1/probe and 2 more; nothing in its scope could show how it went; its rollback would have been run; risk normal: the class of the app
            11:12:00   web1/http CRITICAL paged
        "#]],
    );
}

#[test]
fn the_vote_of_few_objects_is_not_enough() {
    check_on(
        opted_in(),
        "
        10:50 web1/http ok
        10:51 deploy start D-2 app=shop version=1.4.2 hosts=web1
        10:52 deploy finish D-2
        10:54 web1/http ok
        10:55 web1/http crit
        10:55:05 web2/http ok
        11:00 wait
        ",
        expect![[r#"
            10:55:00 web1/http held problem until 10:56:10: D-2 of shop 1.4.2 is baking; a blip is expected, so it is judged again at 2026-03-02T10:56:10Z
            10:56:10 web1/http released problem: the hold ended: its deadline came
            10:56:10   -> oncall: problem web1/http CRITICAL [suspect d-2 strong]
            10:56:10 web1/http sent problem: still CRITICAL; held since 10:55:00 for deploy D-2: its deadline came
            10:56:10 web1/http no-rollback problem: D-2 is not rolled back: 2 object(s) were measured, and 3 are needed
        "#]],
    );
}

#[test]
fn a_person_who_takes_it_ends_it() {
    check_on(
        opted_in(),
        &format!(
            "{}\n11:00 wait",
            STORY.replace("10:55:05 web2", "10:55:01 ack web1/http bob\n10:55:05 web2")
        ),
        expect![[r#"
            10:55:00   -> oncall: problem web1/http CRITICAL [suspects d-2 possible, d-1 weak]
            10:55:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-2: not held: the deploy has ended and the results since then are bad
            10:55:00 web1/http no-rollback problem: D-2 is not rolled back: it is not the one suspect
            10:55:20   -> oncall: amendment web1/http CRITICAL [suspect d-2 possible, d-1 weak]
            10:55:20 web1/http amended amendment: amended: it began after deploy D-2
            10:55:20 web1/http no-rollback problem: D-2 is not rolled back: bob has acknowledged it
        "#]],
    );
}

#[test]
fn once_an_hour_also_over_a_restart() {
    check_on(
        opted_in(),
        &format!(
            "{STORY}
            10:56 web1/http ok
            10:58 deploy start D-3 app=shop version=1.4.3 hosts=web1
            10:59 deploy finish D-3
            11:05 web1/http ok
            11:06 restart
            11:10 web1/http crit
            11:10:05 web2/http ok
            11:10:06 web3/http ok
            11:16 wait
            11:20 web1/http ok
            12:00 deploy start D-4 app=shop version=1.4.4 hosts=web1
            12:01 deploy finish D-4
            12:05 web1/http ok
            12:10 web1/http crit
            12:10:05 web2/http ok
            12:10:06 web3/http ok
            12:16 wait
            "
        ),
        expect![[r#"
            10:55:00   -> oncall: problem web1/http CRITICAL [suspects d-2 possible, d-1 weak]
            10:55:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-2: not held: the deploy has ended and the results since then are bad
            10:55:00 web1/http no-rollback problem: D-2 is not rolled back: it is not the one suspect
            10:55:20   -> oncall: amendment web1/http CRITICAL [suspect d-2 possible, d-1 weak]
            10:55:20 web1/http amended amendment: amended: it began after deploy D-2; rolling back D-2 (shop 1.4.2), to 1.4.1, by itself
            10:55:20 web1/http rollback problem: every guard agrees: `go-back` is run to roll back D-2
            10:56:00   -> oncall: recovery web1/http OK [suspect d-2 possible, d-1 weak]
            10:56:00 web1/http sent recovery: recovered
            11:10:00   -> oncall: problem web1/http CRITICAL [suspect d-3 strong, d-2 weak, d-1 weak]
            11:10:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-3: not held: the deploy has ended and the results since then are bad; D-2: not held: the deploy has ended and the results since then are bad
            11:10:00 web1/http no-rollback problem: D-3 is not rolled back: nothing shows that what it updated fails and the rest does not
            11:10:20 web1/http no-rollback problem: D-3 is not rolled back: D-2 was rolled back at 2026-03-02T10:55:20Z; once an hour is enough
            11:20:00   -> oncall: recovery web1/http OK [suspect d-3 strong, d-2 weak, d-1 weak]
            11:20:00 web1/http sent recovery: recovered
            12:10:00   -> oncall: problem web1/http CRITICAL [suspect d-4 likely, d-3 weak, d-2 weak]
            12:10:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-4: not held: the deploy has ended and the results since then are bad
            12:10:00 web1/http no-rollback problem: D-4 is not rolled back: nothing shows that what it updated fails and the rest does not
            12:10:20   -> oncall: amendment web1/http CRITICAL [suspect d-4 likely, d-3 weak, d-2 weak]
            12:10:20 web1/http amended amendment: rolling back D-4 (shop 1.4.4), to 1.4.3, by itself
            12:10:20 web1/http rollback problem: every guard agrees: `go-back` is run to roll back D-4
        "#]],
    );
}

#[test]
fn what_cannot_be_taken_back_never_is() {
    check_on(
        opted_in(),
        &format!(
            "{}\n11:00 wait",
            STORY.replace("version=1.4.2", "version=1.4.2 kind=schema")
        ),
        expect![[r#"
            10:55:00   -> oncall: problem web1/http CRITICAL [suspect d-2 possible, d-1 weak]
            10:55:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-2: not held: the deploy has ended and the results since then are bad
            10:55:00 web1/http no-rollback problem: D-2 is not rolled back: nothing shows that what it updated fails and the rest does not
            10:55:20 web1/http no-rollback problem: D-2 is not rolled back: `schema` cannot be taken back
        "#]],
    );
}

#[test]
fn a_rollback_is_not_rolled_back() {
    check_on(
        opted_in(),
        &format!(
            "{}\n11:00 wait",
            STORY
                .replace("10:40", "10:20 deploy start D-0 app=shop version=1.4.0 hosts=web1\n10:21 deploy finish D-0\n10:40")
                .replace("version=1.4.2", "version=1.4.1")
        ),
        expect![[r#"
            10:55:00   -> oncall: problem web1/http CRITICAL [suspects d-0 possible, d-2 weak, d-1 weak]
            10:55:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-2: not held: the deploy has ended and the results since then are bad
            10:55:00 web1/http no-rollback problem: D-0 is not rolled back: it is not the one suspect
            10:55:10   -> oncall: amendment web1/http CRITICAL [none; weak D-0, D-2, D-1]
            10:55:10 web1/http amended amendment: the rollback of D-0 did not help
        "#]],
    );
}

/// Time up to the first reading after the page.
fn broken(live: &mut Live) {
    let mut play = |clock: &str, input: Input| {
        live.now = at(clock);
        live.feed(input);
    };
    for line in STORY.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (clock, input) = Play::input(line);
        play(&clock, input);
    }
    play("10:55:21", Input::Tick);
}

#[test]
fn the_command_knows_the_deploy_and_its_end_is_told() {
    for (exit, says) in [
        (Exit::Code(0), "the rollback of D-2 ended well"),
        (Exit::Code(3), "the rollback of D-2 ended with code 3"),
        (Exit::TimedOut, "the rollback of D-2 ran out of time"),
    ] {
        let mut live = Live::new(opted_in(), &[]);
        broken(&mut live);
        let jobs: Vec<_> = live.jobs.drain(..).collect();
        let [job] = jobs.as_slice() else {
            panic!("one job: {jobs:?}");
        };
        assert_eq!(job.line, "go-back 'D-2' '1.4.2' '1.4.1' web1");
        assert_eq!(job.timeout, Duration::from_secs(600));
        for (name, value) in [
            ("NAGIOS_DEPLOYPREVIOUSVERSION", "1.4.1"),
            ("NAGIOS_DEPLOYENVIRONMENT", "production"),
            ("NAGIOS_SERVICEDESC", "http"),
        ] {
            let found = job.env.iter().find(|(known, _)| known == name);
            assert_eq!(found.map(|(_, value)| &**value), Some(value));
        }
        live.end(job.id, exit.clone());
        assert!(
            live.said.iter().any(|line| line.ends_with(says)),
            "{exit:?}"
        );
        let phase = live
            .engine
            .deploy_record(live.now, "D-2")
            .expect("known")
            .deploy
            .phase;
        let is_told = exit == Exit::Code(0);
        assert_eq!(phase == "rolled_back", is_told, "{exit:?}: {phase}");
    }
}

#[test]
fn what_a_restart_cut_short_is_said_and_not_tried_again() {
    let mut live = Live::new(opted_in(), &[]);
    broken(&mut live);
    assert_eq!(live.jobs.len(), 1);
    live.restart(opted_in());
    live.jobs.clear();
    live.said.clear();
    live.feed(Input::Tick);
    let said = "the rollback of D-2 was cut short, for the daemon ended while it ran";
    assert!(
        live.said.iter().any(|line| line.contains(said)),
        "{:?}",
        live.said
    );
    live.now = at("10:57:00");
    live.feed(Input::Tick);
    assert!(
        live.jobs.iter().all(|job| !job.line.contains("go-back")),
        "{:?}",
        live.jobs
    );
}

#[test]
fn a_tool_that_asks_is_told_yes_once_an_hour() {
    let mut live = Live::new(site::shop(), &[]);
    let ask = |live: &mut Live, environment: &str| {
        live.command(Command::AskRollback {
            app: "shop".into(),
            environment: Some(environment.into()),
            by: "flagger".into(),
        })
    };
    assert!(!ask(&mut live, "production"));
    broken(&mut live);
    assert!(!ask(&mut live, "staging"));
    assert!(ask(&mut live, "production"));
    assert!(
        ask(&mut live, "production"),
        "whoever did not hear it asks again"
    );
    // A later deploy breaks as well, within the hour.
    for line in [
        "10:56 web1/http ok",
        "10:58 deploy start D-3 app=shop version=1.4.3 hosts=web1",
        "10:59 deploy finish D-3",
        "11:05 web1/http ok",
        "11:10 web1/http crit",
        "11:10:05 web2/http ok",
        "11:10:06 web3/http ok",
    ] {
        let (clock, input) = Play::input(line);
        live.now = at(&clock);
        live.feed(input);
    }
    assert!(!ask(&mut live, "production"));
    assert_eq!(
        live.engine
            .object_view(&ObjectName::parse("web1/http"))
            .expect("known")
            .state,
        State::Critical.name()
    );
}
