//! Notification commands through a real shell.

use std::time::{Duration, Instant};

use super::super::{
    command::{self, Ended},
    testing::{contact, hostile, with_suspects},
};
use crate::domain::model::message::Message;

async fn run(message: &Message, line: &str, timeout: Duration) -> Ended {
    let run = command::encode(message, &contact(), line, line, "`~$&|'\"<>").expect("a line");
    command::post(&run, &["CARGO_PKG_NAME".to_owned()], timeout).await
}

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn an_unchanged_script_gets_its_macros() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mail");
    let line = format!(
        "printf '%b' \"$NOTIFICATIONTYPE$ $HOSTNAME$/$SERVICEDESC$ $SERVICESTATE$ $CONTACTEMAIL$ $DEPLOYID$\\n$LONGSERVICEOUTPUT$\" > {0}; echo \"$NAGIOS_SERVICEOUTPUT|$NAGIOS_DEPLOYURL\" >> {0}",
        file.display()
    );
    let line = line.replace(
        "$NAGIOS_SERVICEOUTPUT|$NAGIOS_DEPLOYURL",
        "${NAGIOS_SERVICEOUTPUT}|${NAGIOS_DEPLOYURL}",
    );
    let ended = run(&with_suspects(1), &line, LONG).await;
    assert_eq!(
        ended,
        Ended::Code {
            code: 0,
            said: String::new()
        }
    );
    assert_eq!(
        std::fs::read_to_string(file).expect("written"),
        "PROBLEM web1/http CRITICAL oncall@example.org D-417\n\
         upstream shop-3 refused the connection\nupstream shop-4 refused the connection\
         HTTP CRITICAL - 502 Bad Gateway|https://ci.example.org/417\n"
    );
}

#[tokio::test]
async fn a_failing_command_says_why() {
    let ended = run(
        &with_suspects(1),
        "echo out; echo; echo 'relay refused' >&2; exit 3",
        LONG,
    )
    .await;
    assert_eq!(
        ended,
        Ended::Code {
            code: 3,
            said: ": relay refused".to_owned()
        }
    );
    let ended = run(&with_suspects(1), "kill -9 $$$$", LONG).await;
    assert_eq!(
        ended,
        Ended::Signal {
            signal: 9,
            said: String::new()
        }
    );
}

#[tokio::test]
async fn a_hanging_command_dies_with_all_its_children() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("child");
    let line = format!(
        "sleep 600 & echo $$! > {}; echo stuck >&2; wait",
        file.display()
    );
    let began = Instant::now();
    let ended = run(
        &with_suspects(1),
        &line.replace("$$!", "${!}"),
        Duration::from_millis(700),
    )
    .await;
    assert_eq!(
        ended,
        Ended::TimedOut {
            after: Duration::from_millis(700),
            said: ": stuck".to_owned()
        }
    );
    assert!(began.elapsed() < Duration::from_secs(10));
    let child: i32 = std::fs::read_to_string(file)
        .expect("written")
        .trim()
        .parse()
        .expect("a pid");
    // The signal is sent; the kernel ends the child when it next looks at it.
    let gone = || {
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z")
    };
    while !gone() {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "the child lives on"
        );
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_program_left_in_the_background_does_not_hold_us() {
    let began = Instant::now();
    let ended = run(&with_suspects(1), "sleep 5 & exit 0", LONG).await;
    assert_eq!(
        ended,
        Ended::Code {
            code: 0,
            said: String::new()
        }
    );
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "waited for a pipe"
    );
}

#[tokio::test]
async fn a_talkative_command_does_not_block() {
    let ended = run(
        &with_suspects(1),
        "head -c 3000000 /dev/zero | tr '\\0' x >&2; exit 1",
        LONG,
    )
    .await;
    let Ended::Code { code: 1, said } = ended else {
        panic!("{ended:?}")
    };
    assert!(said.len() < 300, "{}", said.len());
}

#[tokio::test]
async fn hostile_macros_run_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pwned");
    let mut message = hostile();
    message.output = format!(
        "\"; touch {0}; echo \"`touch {0}`$(touch {0})\\",
        file.display()
    );
    message.comment = Some(format!("'; touch {0}; '", file.display()));
    let line = "echo \"$SERVICEOUTPUT$\" '$NOTIFICATIONCOMMENT$' \"$DEPLOYACTORS$\"";
    let ended = run(&message, line, LONG).await;
    assert!(matches!(ended, Ended::Code { code: 0, .. }), "{ended:?}");
    assert!(!file.exists(), "plugin output was run as a command");
}

#[tokio::test]
async fn secrets_in_the_daemons_environment_stay_there() {
    // Cargo sets both for a test; `run` takes the first one for a secret.
    let ended = run(
        &with_suspects(1),
        "echo \"[${CARGO_PKG_NAME-gone}] [${CARGO_PKG_VERSION-gone}]\" >&2; exit 1",
        LONG,
    )
    .await;
    let wanted = format!("[gone] [{}]", env!("CARGO_PKG_VERSION"));
    assert!(
        matches!(&ended, Ended::Code { code: 1, said } if said.ends_with(&wanted)),
        "{ended:?}"
    );
}
