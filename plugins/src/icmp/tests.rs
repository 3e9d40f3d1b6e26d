//! The engine on loopback and against packets that are not what it waits for.

use super::*;

fn run<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(test)
}

/// None where this process may not have such a socket.
fn session(version: Version) -> Option<Session> {
    match Session::open(version, None) {
        Ok(session) => Some(session),
        Err(why) => {
            eprintln!("not tested: {why}");
            None
        }
    }
}

fn loopback(version: Version) -> SocketAddr {
    match version {
        Version::V4 => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        Version::V6 => SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
    }
}

async fn next(session: &mut Session) -> Option<Event> {
    tokio::time::timeout(Duration::from_secs(5), session.event())
        .await
        .ok()
}

#[test]
fn many_checks_share_a_socket_and_each_gets_its_own() {
    run(async {
        for version in [Version::V4, Version::V6] {
            let sessions: Option<Vec<Session>> = (0..50).map(|_| session(version)).collect();
            let Some(mut sessions) = sessions else { return };
            let engine = Arc::clone(&sessions[0].engine);
            for (tag, session) in sessions.iter_mut().enumerate() {
                assert!(Arc::ptr_eq(&engine, &session.engine));
                for _ in 0..3 {
                    session.send(loopback(version), tag, 56).expect("sent");
                }
            }
            for (tag, session) in sessions.iter_mut().enumerate() {
                let mut numbers = Vec::new();
                for _ in 0..3 {
                    let event = next(session).await.expect("a reply");
                    assert_eq!(event.tag, tag);
                    assert!(matches!(event.what, What::Reply(_)));
                    numbers.push(event.number);
                }
                numbers.dedup();
                assert_eq!(numbers.len(), 3);
            }
            assert_eq!(engine.shared.table().waiting.len(), 150);
            drop(sessions);
            assert_eq!(engine.shared.table().waiting.len(), 0);
        }
    });
}

#[test]
fn many_that_begin_at_once_lose_nothing() {
    run(async {
        for version in [Version::V4, Version::V6] {
            let sessions: Option<Vec<Session>> = (0..3000).map(|_| session(version)).collect();
            let Some(mut sessions) = sessions else { return };
            // Nobody else has a turn meanwhile: the replies would fill the kernel's buffer.
            for session in &mut sessions {
                session.send(loopback(version), 0, 56).expect("sent");
            }
            for session in &mut sessions {
                assert!(next(session).await.is_some(), "a reply is lost");
            }
        }
    });
}

#[test]
fn the_last_check_closes_the_socket() {
    run(async {
        let Some(first) = session(Version::V4) else {
            return;
        };
        let weak = Arc::downgrade(&first.engine);
        drop(first);
        assert_eq!(weak.strong_count(), 0);
    });
}

#[test]
fn others_packets_and_forgeries_are_not_ours() {
    run(async {
        let Some(mut session) = session(Version::V4) else {
            return;
        };
        let shared = Arc::clone(&session.engine.shared);
        let (sequence, number) = shared.wait(7, &session.to_us).expect("a place");
        session.sequences.push(sequence);
        let right = Seen {
            said: Said::Reply,
            ident: shared.ident,
            sequence,
            mark: Some((shared.token, number)),
        };
        let from = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        for wrong in [
            Seen {
                sequence: sequence.wrapping_add(1),
                ..right
            },
            Seen {
                mark: Some((shared.token.wrapping_add(1), number)),
                ..right
            },
            // A late reply to the check that had this sequence number before.
            Seen {
                mark: Some((shared.token, number.wrapping_sub(65_536))),
                ..right
            },
            Seen {
                mark: None,
                ..right
            },
        ] {
            shared.tell(wrong, from, None);
        }
        if shared.raw {
            shared.tell(
                Seen {
                    ident: shared.ident.wrapping_add(1),
                    ..right
                },
                from,
                None,
            );
        }
        assert!(session.events.try_recv().is_err());
        // A router's error that quotes eight bytes, the reply, and its duplicate.
        let error = Seen {
            said: Said::Error(3, 1),
            mark: None,
            ..right
        };
        for seen in [error, right, right] {
            shared.tell(seen, from, None);
        }
        let events: Vec<Event> = std::iter::from_fn(|| session.events.try_recv().ok()).collect();
        assert_eq!(events.len(), 3);
        assert!(
            events
                .iter()
                .all(|event| event.tag == 7 && event.number == number)
        );
        assert!(matches!(
            events[0].what,
            What::Error {
                kind: 3,
                code: 1,
                ..
            }
        ));
        // A flood does not grow.
        for _ in 0..10_000 {
            shared.tell(right, from, None);
        }
        let kept = std::iter::from_fn(|| session.events.try_recv().ok()).count();
        assert_eq!(kept, MOST_EVENTS);
    });
}

#[test]
fn the_table_is_bounded() {
    run(async {
        let Some(mut session) = session(Version::V4) else {
            return;
        };
        let shared = Arc::clone(&session.engine.shared);
        for _ in 0..MOST_WAITING {
            let (sequence, _) = shared.wait(0, &session.to_us).expect("a place");
            session.sequences.push(sequence);
        }
        assert!(shared.wait(0, &session.to_us).is_err());
    });
}

#[test]
fn a_clock_that_was_set_does_not_show() {
    let (events, _keep) = mpsc::channel(1);
    let waiting = Waiting {
        tag: 0,
        number: 0,
        sent: Instant::now(),
        sent_by_clock: SystemTime::now(),
        events,
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    let hour = Duration::from_secs(3600);
    for received in [None, Some(now + hour), Some(now - hour)] {
        assert!(waiting.took(received) < Duration::from_secs(60));
    }
}
