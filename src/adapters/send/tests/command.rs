//! Nagios commands that tell somebody: the line that is run, and what its end means.

use super::super::{
    command::{self, Ended},
    senders::SendResult,
    testing::{contact, problem},
};
use crate::domain::model::message::Message;

#[test]
fn commands_see_nagios_macros() {
    let run = |message: &Message| {
        command::encode(
            message,
            &contact(),
            "s $SERVICEDESC$ $_SERVICEX$ $NOPE$ $$",
            "h $HOSTSTATE$",
            "`$\"'",
        )
        .expect("a line")
        .line
    };
    assert_eq!(run(&problem()), "s http  $NOPE$ $");
    assert_eq!(
        run(&Message {
            check: None,
            state: "DOWN".to_owned(),
            ..problem()
        }),
        "h DOWN"
    );
    let empty = command::encode(&problem(), &contact(), " ", "h", "")
        .err()
        .expect("refused");
    assert!(empty.contains("for checks is empty"), "{empty}");
    let mut long = problem();
    long.output = "x".repeat(50_000);
    let template = "$SERVICEOUTPUT$".repeat(20);
    assert!(
        command::encode(&long, &contact(), &template, "", "")
            .err()
            .expect("refused")
            .contains("NAGIOS_")
    );
}

#[test]
fn ends_of_commands_are_read() {
    let code = |code| Ended::Code {
        code,
        said: ": no".to_owned(),
    };
    assert!(matches!(
        command::classify(&code(0)),
        SendResult::Sent { .. }
    ));
    for ended in [
        code(1),
        code(127),
        Ended::Signal {
            signal: 9,
            said: String::new(),
        },
        Ended::TimedOut {
            after: std::time::Duration::from_secs(30),
            said: String::new(),
        },
        Ended::CannotStart {
            why: "x".to_owned(),
        },
    ] {
        assert!(
            matches!(command::classify(&ended), SendResult::Retry { .. }),
            "{ended:?}"
        );
    }
}
