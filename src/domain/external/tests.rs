//! Every command of Nagios Core 4 with the arguments that its manual gives, and lines that are wrong.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::domain::engine::input::Input;

fn shop() -> Inventory {
    crate::domain::engine::tests::site::shop()
}

fn at() -> Timestamp {
    Timestamp::from_secs(1_700_000_000)
}

/// `h` stands for the arguments `web1`, `s` for `web1;http`, in front of those given.
const GOOD: &[(&str, &str)] = &[
    // Of the process.
    (
        "ENABLE_NOTIFICATIONS DISABLE_NOTIFICATIONS ENTER_ACTIVE_MODE ENTER_STANDBY_MODE SHUTDOWN_PROCESS \
         SHUTDOWN_PROGRAM RESTART_PROCESS RESTART_PROGRAM SAVE_STATE_INFORMATION READ_STATE_INFORMATION \
         ENABLE_EVENT_HANDLERS DISABLE_EVENT_HANDLERS ENABLE_FLAP_DETECTION DISABLE_FLAP_DETECTION \
         ENABLE_PERFORMANCE_DATA DISABLE_PERFORMANCE_DATA START_EXECUTING_HOST_CHECKS STOP_EXECUTING_HOST_CHECKS \
         START_EXECUTING_SVC_CHECKS STOP_EXECUTING_SVC_CHECKS START_ACCEPTING_PASSIVE_HOST_CHECKS \
         STOP_ACCEPTING_PASSIVE_HOST_CHECKS START_ACCEPTING_PASSIVE_SVC_CHECKS STOP_ACCEPTING_PASSIVE_SVC_CHECKS \
         START_OBSESSING_OVER_HOST_CHECKS STOP_OBSESSING_OVER_HOST_CHECKS START_OBSESSING_OVER_SVC_CHECKS \
         STOP_OBSESSING_OVER_SVC_CHECKS ENABLE_SERVICE_FRESHNESS_CHECKS DISABLE_SERVICE_FRESHNESS_CHECKS \
         ENABLE_HOST_FRESHNESS_CHECKS DISABLE_HOST_FRESHNESS_CHECKS _A_MODULES_OWN",
        "",
    ),
    ("PROCESS_FILE", "/tmp/commands;1"),
    ("LOG", "a text; with a semicolon"),
    // Of a host.
    (
        "h: DEL_ALL_HOST_COMMENTS ENABLE_HOST_NOTIFICATIONS DISABLE_HOST_NOTIFICATIONS \
         ENABLE_ALL_NOTIFICATIONS_BEYOND_HOST DISABLE_ALL_NOTIFICATIONS_BEYOND_HOST \
         ENABLE_HOST_AND_CHILD_NOTIFICATIONS DISABLE_HOST_AND_CHILD_NOTIFICATIONS ENABLE_HOST_SVC_NOTIFICATIONS \
         DISABLE_HOST_SVC_NOTIFICATIONS ENABLE_HOST_SVC_CHECKS DISABLE_HOST_SVC_CHECKS ENABLE_HOST_CHECK \
         DISABLE_HOST_CHECK ENABLE_PASSIVE_HOST_CHECKS DISABLE_PASSIVE_HOST_CHECKS REMOVE_HOST_ACKNOWLEDGEMENT \
         ENABLE_HOST_EVENT_HANDLER DISABLE_HOST_EVENT_HANDLER ENABLE_HOST_FLAP_DETECTION \
         DISABLE_HOST_FLAP_DETECTION CLEAR_HOST_FLAPPING_STATE START_OBSESSING_OVER_HOST STOP_OBSESSING_OVER_HOST",
        "",
    ),
    ("h: ADD_HOST_COMMENT", "1;ann;a comment; with a semicolon"),
    (
        "DEL_HOST_COMMENT DEL_SVC_COMMENT DEL_HOST_DOWNTIME DEL_SVC_DOWNTIME",
        "7",
    ),
    (
        "h: DELAY_HOST_NOTIFICATION SCHEDULE_HOST_CHECK SCHEDULE_FORCED_HOST_CHECK SCHEDULE_HOST_SVC_CHECKS \
         SCHEDULE_FORCED_HOST_SVC_CHECKS",
        "1700000100",
    ),
    ("h: ACKNOWLEDGE_HOST_PROBLEM", "2;1;0;ann;on it"),
    (
        "h: ACKNOWLEDGE_HOST_PROBLEM_EXPIRE",
        "2;1;0;1700003600;ann;on it",
    ),
    (
        "h: CHANGE_NORMAL_HOST_CHECK_INTERVAL CHANGE_RETRY_HOST_CHECK_INTERVAL CHANGE_MAX_HOST_CHECK_ATTEMPTS",
        "3",
    ),
    (
        "h: CHANGE_HOST_EVENT_HANDLER_TIMEPERIOD CHANGE_HOST_CHECK_TIMEPERIOD CHANGE_HOST_NOTIFICATION_TIMEPERIOD",
        "24x7",
    ),
    ("h: CHANGE_CUSTOM_HOST_VAR", "RACK;7"),
    ("h: CHANGE_HOST_MODATTR SET_HOST_NOTIFICATION_NUMBER", "1"),
    ("h: SEND_CUSTOM_HOST_NOTIFICATION", "7;ann;look at this"),
    ("h: PROCESS_HOST_CHECK_RESULT", "1;down | t=1;2;3"),
    // Of a service.
    (
        "s: DEL_ALL_SVC_COMMENTS ENABLE_SVC_NOTIFICATIONS DISABLE_SVC_NOTIFICATIONS ENABLE_SVC_CHECK \
         DISABLE_SVC_CHECK ENABLE_PASSIVE_SVC_CHECKS DISABLE_PASSIVE_SVC_CHECKS REMOVE_SVC_ACKNOWLEDGEMENT \
         ENABLE_SVC_EVENT_HANDLER DISABLE_SVC_EVENT_HANDLER ENABLE_SVC_FLAP_DETECTION DISABLE_SVC_FLAP_DETECTION \
         CLEAR_SVC_FLAPPING_STATE START_OBSESSING_OVER_SVC STOP_OBSESSING_OVER_SVC",
        "",
    ),
    ("s: ADD_SVC_COMMENT", "0;ann;a comment"),
    (
        "s: DELAY_SVC_NOTIFICATION SCHEDULE_SVC_CHECK SCHEDULE_FORCED_SVC_CHECK",
        "1700000100",
    ),
    ("s: ACKNOWLEDGE_SVC_PROBLEM", "1;0;1;ann;on it"),
    (
        "s: ACKNOWLEDGE_SVC_PROBLEM_EXPIRE",
        "1;0;1;1700003600;ann;on it",
    ),
    (
        "s: CHANGE_NORMAL_SVC_CHECK_INTERVAL CHANGE_RETRY_SVC_CHECK_INTERVAL CHANGE_MAX_SVC_CHECK_ATTEMPTS",
        "2",
    ),
    (
        "s: CHANGE_SVC_EVENT_HANDLER_TIMEPERIOD CHANGE_SVC_CHECK_TIMEPERIOD CHANGE_SVC_NOTIFICATION_TIMEPERIOD",
        "24x7",
    ),
    ("s: CHANGE_CUSTOM_SVC_VAR", "PORT;80"),
    ("s: CHANGE_SVC_MODATTR SET_SVC_NOTIFICATION_NUMBER", "0"),
    ("s: SEND_CUSTOM_SVC_NOTIFICATION", "0;ann;look at this"),
    (
        "s: PROCESS_SERVICE_CHECK_RESULT",
        "2;bad; very bad\\nmore|t=1",
    ),
    // Downtimes.
    (
        "h: SCHEDULE_HOST_DOWNTIME SCHEDULE_HOST_SVC_DOWNTIME SCHEDULE_AND_PROPAGATE_HOST_DOWNTIME \
         SCHEDULE_AND_PROPAGATE_TRIGGERED_HOST_DOWNTIME",
        "1700000000;1700003600;1;0;3600;ann;patching",
    ),
    (
        "s: SCHEDULE_SVC_DOWNTIME",
        "1700000000;1700003600;0;7;600;ann;patching",
    ),
    (
        "SCHEDULE_HOSTGROUP_HOST_DOWNTIME SCHEDULE_HOSTGROUP_SVC_DOWNTIME SCHEDULE_SERVICEGROUP_HOST_DOWNTIME \
         SCHEDULE_SERVICEGROUP_SVC_DOWNTIME",
        "group;1700000000;1700003600;1;0;3600;ann;patching",
    ),
    ("h: DEL_DOWNTIME_BY_HOST_NAME", "http;1700000000;patching"),
    (
        "DEL_DOWNTIME_BY_HOSTGROUP_NAME",
        "group;web1;http;1700000000;patching",
    ),
    ("DEL_DOWNTIME_BY_START_TIME_COMMENT", "1700000000;patching"),
    // Of groups.
    (
        "ENABLE_HOSTGROUP_HOST_NOTIFICATIONS DISABLE_HOSTGROUP_HOST_NOTIFICATIONS \
         ENABLE_HOSTGROUP_SVC_NOTIFICATIONS DISABLE_HOSTGROUP_SVC_NOTIFICATIONS ENABLE_HOSTGROUP_HOST_CHECKS \
         DISABLE_HOSTGROUP_HOST_CHECKS ENABLE_HOSTGROUP_SVC_CHECKS DISABLE_HOSTGROUP_SVC_CHECKS \
         ENABLE_HOSTGROUP_PASSIVE_HOST_CHECKS DISABLE_HOSTGROUP_PASSIVE_HOST_CHECKS \
         ENABLE_HOSTGROUP_PASSIVE_SVC_CHECKS DISABLE_HOSTGROUP_PASSIVE_SVC_CHECKS \
         ENABLE_SERVICEGROUP_HOST_NOTIFICATIONS DISABLE_SERVICEGROUP_HOST_NOTIFICATIONS \
         ENABLE_SERVICEGROUP_SVC_NOTIFICATIONS DISABLE_SERVICEGROUP_SVC_NOTIFICATIONS \
         ENABLE_SERVICEGROUP_HOST_CHECKS DISABLE_SERVICEGROUP_HOST_CHECKS ENABLE_SERVICEGROUP_SVC_CHECKS \
         DISABLE_SERVICEGROUP_SVC_CHECKS ENABLE_SERVICEGROUP_PASSIVE_HOST_CHECKS \
         DISABLE_SERVICEGROUP_PASSIVE_HOST_CHECKS ENABLE_SERVICEGROUP_PASSIVE_SVC_CHECKS \
         DISABLE_SERVICEGROUP_PASSIVE_SVC_CHECKS",
        "group",
    ),
    // Of contacts.
    (
        "ENABLE_CONTACT_HOST_NOTIFICATIONS DISABLE_CONTACT_HOST_NOTIFICATIONS ENABLE_CONTACT_SVC_NOTIFICATIONS \
         DISABLE_CONTACT_SVC_NOTIFICATIONS ENABLE_CONTACTGROUP_HOST_NOTIFICATIONS \
         DISABLE_CONTACTGROUP_HOST_NOTIFICATIONS ENABLE_CONTACTGROUP_SVC_NOTIFICATIONS \
         DISABLE_CONTACTGROUP_SVC_NOTIFICATIONS",
        "ann",
    ),
    (
        "CHANGE_CONTACT_HOST_NOTIFICATION_TIMEPERIOD CHANGE_CONTACT_SVC_NOTIFICATION_TIMEPERIOD",
        "ann;24x7",
    ),
    (
        "CHANGE_CONTACT_MODATTR CHANGE_CONTACT_MODHATTR CHANGE_CONTACT_MODSATTR",
        "ann;0",
    ),
    ("CHANGE_CUSTOM_CONTACT_VAR", "ann;PHONE;42"),
];

#[test]
fn every_command_is_understood() {
    let shop = shop();
    let mut count = 0;
    for (names, args) in GOOD {
        let (front, names) = match names.split_once(": ") {
            Some(("h", names)) => ("web1", names),
            Some(("s", names)) => ("web1;http", names),
            _ => ("", *names),
        };
        for name in names.split_whitespace() {
            let args = [front, args]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(";");
            let line = format!("[1700000000] {};{args}\n", name.to_lowercase());
            let order = parse(&line, &shop, at()).unwrap_or_else(|fault| panic!("{fault:?}"));
            assert_eq!(order.name, name);
            assert_eq!(order.args, args);
            count += 1;
        }
    }
    assert!(140 < count, "{count}");
}

#[test]
fn what_runs_is_not_changed_by_a_pipe() {
    for name in [
        "CHANGE_GLOBAL_HOST_EVENT_HANDLER",
        "CHANGE_GLOBAL_SVC_EVENT_HANDLER",
        "CHANGE_HOST_EVENT_HANDLER",
        "CHANGE_SVC_EVENT_HANDLER",
        "CHANGE_HOST_CHECK_COMMAND",
        "CHANGE_SVC_CHECK_COMMAND",
    ] {
        let fault = parse(&format!("[1] {name};web1;x"), &shop(), at()).expect_err("refused");
        assert!(
            fault
                .log_line()
                .contains("changed in the configuration only"),
            "{fault:?}"
        );
    }
}

#[track_caller]
fn fails(line: &str, expected: &str) {
    let fault = parse(line, &shop(), at()).expect_err(line);
    assert_eq!(fault.log_line(), expected);
}

#[test]
fn faults_say_what_was_expected() {
    let unknown = "Warning: Unrecognized external command -> ";
    fails("NONSENSE", &format!("{unknown}NONSENSE"));
    fails(
        "[now] ENABLE_NOTIFICATIONS",
        &format!("{unknown}[now] ENABLE_NOTIFICATIONS"),
    );
    fails("[1] NONSENSE;a;b", &format!("{unknown}NONSENSE;a;b"));
    fails("[1] ENABLE_;web1", &format!("{unknown}ENABLE_;web1"));
    let failed = "Error: External command failed -> ";
    for (line, why) in [
        ("ENABLE_HOST_CHECK;", "the host is missing"),
        ("ENABLE_HOST_CHECK;nohost", "there is no host `nohost`"),
        ("ENABLE_SVC_CHECK;web1", "the service is missing"),
        (
            "ENABLE_SVC_CHECK;web1;none",
            "there is no check `web1/none`",
        ),
        (
            "SCHEDULE_HOST_CHECK;web1;soon",
            "the time of the check `soon` is not a whole number",
        ),
        (
            "SCHEDULE_HOST_CHECK;web1;99999999999999",
            "the time of the check 99999999999999 is no time in seconds since 1970",
        ),
        ("ADD_HOST_COMMENT;web1;1;ann;", "the comment is missing"),
        ("ADD_HOST_COMMENT;web1;1;;text", "the author is missing"),
        (
            "PROCESS_SERVICE_CHECK_RESULT;web1;http;4;x",
            "the return code of a service is 0 (OK), 1 (WARNING), 2 (CRITICAL) or 3 (UNKNOWN), not 4",
        ),
        (
            "PROCESS_HOST_CHECK_RESULT;10.0.0.250;0;x",
            "there is no host with the name or address `10.0.0.250`",
        ),
        (
            "SCHEDULE_HOST_DOWNTIME;web1;1;2;1;0;-5;ann;x",
            "the duration -5 is no span of seconds",
        ),
        (
            "CHANGE_MAX_HOST_CHECK_ATTEMPTS;web1;0",
            "0 is no number of attempts",
        ),
        ("DEL_HOST_DOWNTIME;-1", "the downtime's id -1 is negative"),
    ] {
        fails(&format!("[1] {line}"), &format!("{failed}{line} ({why})"));
    }
}

#[test]
fn a_result_is_read_as_a_plugins_text() {
    let line =
        r"[1699999990] PROCESS_SERVICE_CHECK_RESULT;web1;http;2;BAD; very|t=1;2\nlong\\n one|u=3";
    let order = parse(line, &shop(), at()).expect("good");
    assert!(order.is_result());
    let What::Inputs(inputs) = order.what else {
        panic!("no inputs");
    };
    let [Input::Passive(result)] = &inputs[..] else {
        panic!("{inputs:?}");
    };
    assert_eq!(&*result.output, "BAD: very");
    assert_eq!(&*result.long_output, "long\\n one");
    assert_eq!(&*result.perfdata, "t=1;2 u=3");
    assert_eq!(result.started, Timestamp::from_secs(1_699_999_990));
    // Nothing was found in the future.
    let order = parse(
        "[1800000000] PROCESS_HOST_CHECK_RESULT;web1;0;up",
        &shop(),
        at(),
    )
    .expect("good");
    let What::Inputs(inputs) = order.what else {
        panic!("no inputs");
    };
    assert!(matches!(&inputs[..], [Input::Passive(result)] if result.started == at()));
}

#[test]
fn a_host_may_be_named_by_its_address_in_results() {
    let mut shop = shop();
    let web1 = shop.find_host("web1").expect("there");
    shop.hosts[web1.0 as usize].address = Arc::from("192.0.2.7");
    let order = parse("[1] PROCESS_HOST_CHECK_RESULT;192.0.2.7;0;up", &shop, at());
    assert!(order.is_ok(), "{order:?}");
}

proptest! {
    /// Whatever is written to the pipe, nothing panics, and what is refused is answered with a line.
    #[test]
    fn any_text_is_answered(line in "\\PC{0,200}", name in 0..GOOD.len(), args in "[-0-9a-z;]{0,40}") {
        let shop = shop();
        let first = GOOD[name].0.rsplit(' ').next().unwrap_or_default();
        for line in [line.clone(), format!("[1] {first};{args}"), format!("[1] {first};web1;http;{args}")] {
            match parse(&line, &shop, at()) {
                Ok(order) => prop_assert!(order.log_line().starts_with("EXTERNAL COMMAND: ")),
                Err(fault) => prop_assert!(fault.log_line().contains("->")),
            }
        }
    }
}
