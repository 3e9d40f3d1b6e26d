//! Real commands against a made-up daemon.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use axum::{Json, Router, extract::Path, http::StatusCode, routing::post};

use super::*;

/// A daemon that notes events, and what it shall do besides.
#[derive(Clone, Default)]
struct Daemon {
    events: Arc<Mutex<Vec<String>>>,
    /// Answers 503 to this many events first.
    busy: Arc<Mutex<usize>>,
    refuses: bool,
    /// Made when a heartbeat comes.
    on_beat: Option<PathBuf>,
}

impl Daemon {
    async fn open(&self) -> SocketAddr {
        let daemon = self.clone();
        let take = move |Path(verb): Path<String>, Json(body): Json<Value>| async move {
            daemon.take(&verb, &body)
        };
        let router = Router::new().route("/v1/deploys/{verb}", post(take));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    fn take(&self, verb: &str, body: &Value) -> (StatusCode, Json<Value>) {
        let mut busy = self.busy.lock().expect("no panic");
        if 0 < *busy {
            *busy -= 1;
            return (
                StatusCode::SERVICE_UNAVAILABLE,
                Json(json!({ "error": "busy" })),
            );
        }
        if self.refuses {
            return (StatusCode::FORBIDDEN, Json(json!({ "error": "not yours" })));
        }
        let late = if body["at"].is_string() { " late" } else { "" };
        let reason = body["reason"]
            .as_str()
            .map(|reason| format!(" ({reason})"))
            .unwrap_or_default();
        let event = format!(
            "{verb} {}{late}{reason}",
            body["id"].as_str().unwrap_or("?")
        );
        let mut events = self.events.lock().expect("no panic");
        if events.last() != Some(&event) {
            events.push(event);
        }
        if let (Some(path), "heartbeat") = (&self.on_beat, verb) {
            std::fs::write(path, "").expect("written");
        }
        (
            StatusCode::OK,
            Json(json!({ "accepted": true, "text": "noted" })),
        )
    }

    fn events(&self) -> Vec<String> {
        self.events.lock().expect("no panic").clone()
    }
}

fn quick() -> Pace {
    Pace {
        beat: Duration::from_millis(20),
        start: Duration::from_secs(10),
        end: Duration::from_secs(10),
        retry: Duration::from_millis(10),
    }
}

/// No heartbeat falls into a short command.
fn calm() -> Pace {
    Pace {
        beat: Duration::from_secs(600),
        ..quick()
    }
}

async fn run_at(
    address: SocketAddr,
    command: &[&str],
    pace: Pace,
    signals: mpsc::Receiver<Signal>,
) -> u8 {
    super::super::install_tls();
    let start = json!({ "id": "D-1", "app": "shop" });
    let command: Vec<OsString> = command.iter().map(OsString::from).collect();
    run(Some(Client::at(address)), start, &command, pace, signals).await
}

fn no_signals() -> mpsc::Receiver<Signal> {
    mpsc::channel(1).1
}

async fn told(daemon: &Daemon, command: &[&str]) -> (u8, Vec<String>) {
    let address = daemon.open().await;
    let code = run_at(address, command, calm(), no_signals()).await;
    (code, daemon.events())
}

#[tokio::test]
async fn the_end_follows_the_exit_status() {
    for (command, code, end) in [
        (vec!["true"], 0, "finish D-1".to_owned()),
        (
            vec!["false"],
            1,
            "fail D-1 (false ended with exit status 1)".to_owned(),
        ),
        (
            vec!["sh", "-c", "exit 42"],
            42,
            "fail D-1 (sh ended with exit status 42)".to_owned(),
        ),
        (
            vec!["sh", "-c", "kill -TERM $$"],
            143,
            "fail D-1 (sh was ended by signal 15 (SIGTERM))".to_owned(),
        ),
        (
            vec!["/no/such/program", "--password=secret"],
            127,
            "fail D-1 (program could not be started: No such file or directory (os error 2))"
                .to_owned(),
        ),
        (
            vec!["/etc"],
            126,
            "fail D-1 (etc could not be started: Permission denied (os error 13))".to_owned(),
        ),
    ] {
        let wanted = (code, vec!["start D-1".to_owned(), end]);
        assert_eq!(
            told(&Daemon::default(), &command).await,
            wanted,
            "{command:?}"
        );
    }
}

#[tokio::test]
async fn heartbeats_while_it_runs() {
    let dir = tempfile::tempdir().expect("a directory");
    let beaten = dir.path().join("beaten");
    let daemon = Daemon {
        on_beat: Some(beaten.clone()),
        ..Daemon::default()
    };
    let address = daemon.open().await;
    let wait = "while [ ! -e \"$0\" ]; do sleep 0.01; done";
    let command = ["sh", "-c", wait, beaten.to_str().expect("a path")];
    assert_eq!(run_at(address, &command, quick(), no_signals()).await, 0);
    assert_eq!(
        daemon.events(),
        ["start D-1", "heartbeat D-1", "finish D-1"]
    );
}

#[tokio::test]
async fn signals_are_passed_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let daemon = Daemon::default();
    let address = daemon.open().await;
    let (send, signals) = mpsc::channel(1);
    // The command says itself when its trap is set.
    let ready = dir.path().join("ready");
    let script = "trap 'exit 7' TERM; : > \"$0\"; while :; do sleep 0.01; done";
    let command = ["sh", "-c", script, ready.to_str().expect("a path")];
    let sender = async {
        while !ready.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        send.send(Signal::SIGTERM).await.expect("taken");
    };
    let (code, ()) = tokio::join!(run_at(address, &command, calm(), signals), sender);
    assert_eq!(code, 7);
    assert_eq!(
        daemon.events(),
        ["start D-1", "fail D-1 (sh ended with exit status 7)"]
    );
}

#[tokio::test]
async fn a_daemon_that_is_away_holds_nothing_up() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address");
    drop(free);
    let pace = Pace {
        end: Duration::from_millis(50),
        ..calm()
    };
    assert_eq!(
        run_at(address, &["sh", "-c", "exit 3"], pace, no_signals()).await,
        3
    );
}

#[tokio::test]
async fn without_a_way_to_tell_the_command_runs_all_the_same() {
    let command = ["sh", "-c", "exit 9"].map(OsString::from);
    let start = json!({ "id": "D-1" });
    assert_eq!(run(None, start, &command, quick(), no_signals()).await, 9);
}

#[tokio::test]
async fn what_could_not_be_told_is_told_later_in_order() {
    let daemon = Daemon {
        busy: Arc::new(Mutex::new(3)),
        ..Daemon::default()
    };
    let (code, events) = told(&daemon, &["true"]).await;
    assert_eq!(
        (code, events),
        (
            0,
            vec!["start D-1 late".to_owned(), "finish D-1".to_owned()]
        )
    );
}

#[tokio::test]
async fn a_refusal_does_not_stop_the_command() {
    let daemon = Daemon {
        refuses: true,
        ..Daemon::default()
    };
    assert_eq!(told(&daemon, &["true"]).await, (0, vec![]));
}

#[tokio::test]
async fn a_signal_ends_the_wait_for_the_daemon() {
    let daemon = Daemon {
        busy: Arc::new(Mutex::new(usize::MAX)),
        ..Daemon::default()
    };
    let address = daemon.open().await;
    let (send, signals) = mpsc::channel(1);
    let pace = Pace {
        end: Duration::from_secs(3600),
        ..calm()
    };
    // The command takes the first ones, while it runs; the wait after it takes one and ends.
    let sender = async {
        while send.send(Signal::SIGTERM).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let command = ["sh", "-c", "trap '' TERM; exit 5"];
    let (code, ()) = tokio::join!(run_at(address, &command, pace, signals), sender);
    assert!(code == 5 || code == 143, "{code}");
}

#[test]
fn ids_sort_by_time() {
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_428_900);
    assert_eq!(make_id("shop", at, 0xab12), "shop-20261123T101500Z-ab12");
}
