//! Performance data: which results go on, as which line, to which command (8.3).

use std::time::Duration;

use super::{
    live::Live,
    scenario::at,
    site::{self, obj},
};
use crate::domain::{
    engine::{effect::Effects, input::Input},
    model::{
        command::{Command, Scope, What},
        dropin::{PerfRules, PerfWay},
        job::{CheckResult, Source},
        objects::{CommandLine, Inventory},
        state::{ObjectName, State},
    },
};

const PNP: &str = "DATATYPE::SERVICEPERFDATA\tTIMET::$TIMET$\tHOSTNAME::$HOSTNAME$\tSERVICEDESC::$SERVICEDESC$\t\
                   SERVICEPERFDATA::$SERVICEPERFDATA$\tSERVICECHECKCOMMAND::$SERVICECHECKCOMMAND$\t\
                   HOSTSTATE::$HOSTSTATE$\tHOSTSTATETYPE::$HOSTSTATETYPE$\tSERVICESTATE::$SERVICESTATE$\t\
                   SERVICESTATETYPE::$SERVICESTATETYPE$";

fn way(command: Option<&str>, template: Option<&str>) -> PerfWay {
    PerfWay {
        command: command.map(|line| CommandLine {
            name: "hand-on".into(),
            line: line.into(),
            args: Vec::new(),
        }),
        template: template.map(Into::into),
    }
}

fn site_with(check: PerfWay, empty: bool) -> Inventory {
    let mut inventory = site::shop();
    inventory.globals.perfdata = PerfRules {
        host: way(None, Some("$HOSTNAME$ $HOSTSTATE$ $HOSTPERFDATA$")),
        check,
        empty,
        timeout: Duration::from_secs(5),
    };
    inventory
}

/// Feeds a result from outside; the lines it makes.
fn result(live: &mut Live, clock: &str, name: &str, state: State, perfdata: &str) -> Vec<String> {
    live.now = at(clock);
    let mut out = Effects::default();
    let result = CheckResult {
        object: ObjectName::parse(name),
        state,
        output: "it's | <b>".into(),
        long_output: "".into(),
        perfdata: perfdata.into(),
        started: at(clock),
        took: Duration::from_millis(1250),
        latency: Duration::ZERO,
        source: Source::Passive,
        cpu: Duration::ZERO,
        peak_kib: 0,
    };
    live.engine
        .handle(live.now, Input::Passive(result), &mut out);
    live.jobs.append(&mut out.jobs);
    out.perfdata.into_iter().map(|line| line.line).collect()
}

#[test]
fn the_line_of_pnp_is_made_as_its_manual_wants_it() {
    let mut live = Live::new(site_with(way(None, Some(PNP)), true), &[]);
    let time = at("10:00").secs();
    let command = {
        let inventory = live.engine.inventory();
        let rule = inventory.rule(obj(inventory, "web1/http"));
        rule.command.as_ref().expect("it has one").name.clone()
    };
    assert_eq!(
        result(
            &mut live,
            "10:00",
            "web1/http",
            State::Warning,
            "time=0.5s;1;2;0; 'a b'=1"
        ),
        [format!(
            "DATATYPE::SERVICEPERFDATA\tTIMET::{time}\tHOSTNAME::web1\tSERVICEDESC::http\t\
             SERVICEPERFDATA::time=0.5s;1;2;0; 'a b'=1\tSERVICECHECKCOMMAND::{command}\tHOSTSTATE::UP\t\
             HOSTSTATETYPE::HARD\tSERVICESTATE::WARNING\tSERVICESTATETYPE::HARD"
        )]
    );
    let line = result(&mut live, "10:01", "web1", State::Up, "rta=1ms");
    assert_eq!(line, ["web1 UP rta=1ms"]);
}

#[test]
fn values_are_as_they_are_and_a_line_stays_one() {
    let template =
        "$SERVICEOUTPUT$\t$SERVICEPERFDATA$\t$SERVICEEXECUTIONTIME$\t$NOSUCH$\t$_SERVICENONE$";
    let mut live = Live::new(site_with(way(None, Some(template)), true), &[]);
    assert_eq!(
        result(&mut live, "10:00", "web1/http", State::Ok, "a=1\nb=2"),
        ["it's | <b>\ta=1 b=2\t1.250\t$NOSUCH$\t"]
    );
}

#[test]
fn switches_and_the_rule_for_empty_data_count() {
    let mut live = Live::new(site_with(way(None, Some("$SERVICEDESC$")), false), &[]);
    let count = |live: &mut Live, clock: &str, data: &str| {
        result(live, clock, "web1/http", State::Ok, data).len()
    };
    assert_eq!(count(&mut live, "10:00", ""), 0, "nothing to hand on");
    assert_eq!(count(&mut live, "10:01", "a=1"), 1);
    let switch = |scope, on| Command::Switch {
        scope,
        what: What::Perfdata,
        on,
    };
    let web = || Scope::Object(ObjectName::parse("web1/http"));
    assert!(live.command(switch(web(), false)));
    assert_eq!(count(&mut live, "10:02", "a=1"), 0, "off for the check");
    assert!(live.command(switch(web(), true)));
    assert!(live.command(switch(Scope::Global, false)));
    assert_eq!(count(&mut live, "10:03", "a=1"), 0, "off for all");
    assert!(live.command(switch(Scope::Global, true)));
    assert_eq!(count(&mut live, "10:04", "a=1"), 1);
}

#[test]
fn the_command_runs_after_every_result_without_what_a_shell_would_read() {
    let line = "hand-on '$SERVICEOUTPUT$' '$SERVICEPERFDATA$' $SERVICESTATE$";
    let mut inventory = site_with(way(Some(line), None), true);
    site::rare_of(&mut inventory, "web1/http").handler = Some(CommandLine {
        name: "handler".into(),
        line: "handler".into(),
        args: Vec::new(),
    });
    let mut live = Live::new(inventory, &[]);
    assert!(result(&mut live, "10:00", "web1/http", State::Critical, "a=1").is_empty());
    let lines: Vec<&str> = live.jobs.iter().map(|job| &*job.line).collect();
    assert_eq!(lines, ["handler", "hand-on 'its  b' 'a=1' CRITICAL"]);
    assert_eq!(live.jobs[1].timeout, Duration::from_secs(5));
}

#[test]
fn commands_are_bounded_and_a_broken_one_is_told_of_now_and_then() {
    let mut live = Live::new(site_with(way(Some("hand-on"), None), true), &[]);
    for second in 0..60 {
        let clock = format!("10:00:{second:02}");
        result(&mut live, &clock, "web1/http", State::Ok, "a=1");
    }
    assert_eq!(live.jobs.len(), 50);
    for job in std::mem::take(&mut live.jobs) {
        live.answer(job.id, 1, "");
    }
    live.now = at("10:10");
    live.feed(Input::Tick);
    result(&mut live, "10:10", "web1/http", State::Ok, "a=1");
    assert_eq!(live.jobs.len(), 1, "there is room again");
    let job = live.jobs.remove(0);
    live.answer(job.id, 1, "");
    let told: Vec<&String> = live
        .said
        .iter()
        .filter(|line| line.contains("perfdata:"))
        .collect();
    assert_eq!(
        told,
        ["10:10:00 perfdata: hand-on ended with code 1 (and 59 faults before it)"]
    );
}
