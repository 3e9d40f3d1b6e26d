//! Clocks of those who tell of deploys: what they tell happened by ours.

use std::time::Duration;

use super::{
    live::Live,
    scenario::{Play, at},
    site,
};
use crate::domain::{engine::input::Input, model::deploy::DeployEvent};

/// `clock` is ours, and the source's is 90 s behind; each event is two seconds on its way.
fn tell(live: &mut Live, clock: &str, what: &str) {
    let (_, input) = Play::input(&format!("{clock} {what}"));
    let Input::Deploy(event) = input else {
        panic!("a deploy event: {what}");
    };
    live.now = at(clock) + Duration::from_secs(2);
    live.feed(Input::Deploy(DeployEvent {
        at: at(clock) - Duration::from_secs(90),
        received: live.now,
        ..event
    }));
}

#[test]
fn a_source_that_is_behind_is_found_out_and_its_deploys_are_put_right() {
    let mut live = Live::new(site::shop(), &[]);
    for (clock, what) in [
        ("10:00", "deploy start D-1 app=shop"),
        ("10:01", "deploy finish D-1"),
        ("10:02", "deploy start D-2 app=shop"),
        ("10:03", "deploy finish D-2"),
    ] {
        tell(&mut live, clock, what);
    }
    let started = |live: &Live, id: &str| live.engine.deploy_record(live.now, id).expect("known");
    assert_eq!(started(&live, "D-2").deploy.started, "2026-03-02T10:00:30Z");
    assert!(live.engine.status_view(live.now).clocks.is_empty());

    tell(&mut live, "10:10", "deploy start D-3 app=shop");
    let record = started(&live, "D-3");
    assert_eq!(record.deploy.started, "2026-03-02T10:10:02Z");
    assert_eq!(
        record.events[0].told_at.as_deref(),
        Some("2026-03-02T10:08:30Z")
    );
    let said = "feed-clock: the clock of test is 1m32s behind ours: its times are corrected";
    assert!(
        live.said.iter().any(|line| line.ends_with(said)),
        "{:?}",
        live.said
    );

    // The same again is the same, and a restart remembers.
    live.restart(site::shop());
    tell(&mut live, "10:10", "deploy start D-3 app=shop");
    assert_eq!(started(&live, "D-3").events.len(), 1);
    assert_eq!(
        live.engine.status_view(live.now).clocks[0].correction,
        Some(92)
    );
    tell(&mut live, "10:12", "deploy finish D-3");
    assert_eq!(
        started(&live, "D-3").deploy.ended.as_deref(),
        Some("2026-03-02T10:12:02Z")
    );
}
