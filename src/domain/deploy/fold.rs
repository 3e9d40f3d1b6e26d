//! Folds a deploy's events into one record. The order in which they arrive, and how often, makes no difference.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    base::time::Timestamp,
    domain::model::deploy::{Deploy, DeployEvent, Phase, Risk},
};

/// Events kept of one deploy. Beyond this, what further steps touch is added to the last one kept; an end is always kept.
pub const MAX_EVENTS: usize = 500;
/// Hosts kept in all steps of one deploy.
const MAX_TOUCHED: usize = 20_000;

/// How far from the receiver's clock an event's own time may lie in the future and still be believed.
pub const MAX_AHEAD: Duration = Duration::from_secs(30);

/// Adds an event unless it says nothing new. Answers whether the record changed.
pub fn add(events: &mut Vec<DeployEvent>, mut event: DeployEvent) -> bool {
    if event.received + MAX_AHEAD < event.at {
        event.at = event.received;
    }
    if event.phase == Phase::Heartbeat {
        // Only the newest heartbeat matters.
        if let Some(old) = events.iter_mut().find(|old| old.phase == Phase::Heartbeat) {
            if event.at <= old.at {
                return false;
            }
            *old = event;
            sort(events);
            return true;
        }
    }
    if let Some(same) = events.iter_mut().find(|old| says_the_same(old, &event)) {
        same.received = same.received.min(event.received);
        return false;
    }
    let is_first_end =
        event.phase.is_terminal() && events.iter().all(|old| old.phase != event.phase);
    if MAX_EVENTS <= events.len() && !is_first_end {
        return event.phase == Phase::Step && !event.no_hold && touch_more(events, event);
    }
    let is_step = event.phase == Phase::Step;
    let copy = is_step.then(|| event.clone());
    events.push(event);
    sort(events);
    if !is_step {
        return true;
    }
    let before = events.len();
    drop_repeats(events);
    // It says something new if it is kept, or if an older one made room for it.
    before == events.len() || copy.is_some_and(|copy| events.contains(&copy))
}

/// A pipeline may report progress each second. Of steps that touch no further host and otherwise say the same, only the
/// newest matters: it shows that the deploy is alive.
fn drop_repeats(events: &mut Vec<DeployEvent>) {
    let mut touched = BTreeSet::new();
    let is_repeat: Vec<bool> = events
        .iter()
        .map(|event| {
            let mut further = false;
            for host in event.hosts.iter().filter(|_| event.phase == Phase::Step) {
                further |= touched.insert(host.clone());
            }
            event.phase == Phase::Step && !further
        })
        .collect();
    let is_newest = |at: usize| {
        !events[at + 1..]
            .iter()
            .any(|later| later.phase == Phase::Step && same_words(later, &events[at]))
    };
    let keep: Vec<bool> = (0..events.len())
        .map(|at| !is_repeat[at] || is_newest(at))
        .collect();
    let mut keep = keep.into_iter();
    events.retain(|_| keep.next().unwrap_or(true));
}

/// They differ in their times, hosts and reporter only.
fn same_words(a: &DeployEvent, b: &DeployEvent) -> bool {
    DeployEvent {
        at: b.at,
        told_at: b.told_at,
        hosts: b.hosts.clone(),
        received: b.received,
        source: b.source.clone(),
        ..a.clone()
    } == *b
}

/// The record is full: only the hosts of a further step count, with the time of the last step that is kept.
fn touch_more(events: &mut [DeployEvent], step: DeployEvent) -> bool {
    let touched: BTreeSet<&String> = events
        .iter()
        .filter(|event| event.phase == Phase::Step)
        .flat_map(|event| &event.hosts)
        .collect();
    let room = MAX_TOUCHED.saturating_sub(touched.len());
    let further: Vec<String> = step
        .hosts
        .into_iter()
        .filter(|host| !touched.contains(host))
        .take(room)
        .collect();
    let last = events
        .iter_mut()
        .rev()
        .find(|event| event.phase == Phase::Step);
    match last {
        Some(last) if !further.is_empty() => {
            last.hosts.extend(further);
            true
        }
        _ => false,
    }
}

fn sort(events: &mut [DeployEvent]) {
    // `received` last: two copies of one event must not trade places by arrival.
    events.sort_by(|a, b| (a.at, a.phase).cmp(&(b.at, b.phase)).then_with(|| a.cmp(b)));
}

/// By the time that was told: how a copy was corrected may have changed meanwhile.
fn says_the_same(a: &DeployEvent, b: &DeployEvent) -> bool {
    a.told_at.unwrap_or(a.at) == b.told_at.unwrap_or(b.at)
        && DeployEvent {
            at: b.at,
            told_at: b.told_at,
            received: b.received,
            source: b.source.clone(),
            ..a.clone()
        } == *b
}

/// The record that `events` tell. `typical` is how long this app's deploys usually take, for a start that was never told;
/// `default_risk` and `default_environment` are the app's.
/// `events` must not be empty and must be sorted as [`add`] leaves them.
pub fn fold(
    events: Vec<DeployEvent>,
    typical: Duration,
    default_risk: Risk,
    default_environment: &str,
) -> Deploy {
    fn last<T>(events: &[DeployEvent], pick: impl Fn(&DeployEvent) -> Option<T>) -> Option<T> {
        events.iter().rev().find_map(pick)
    }
    let terminal = |phase: Phase| {
        events
            .iter()
            .find(|event| event.phase == phase)
            .map(|event| event.at)
    };
    let (finished, failed) = (terminal(Phase::Finished), terminal(Phase::Failed));
    let (cancelled, rolled_back) = (terminal(Phase::Cancelled), terminal(Phase::RolledBack));
    let lost = terminal(Phase::Lost).map(|_| {
        // The bake of a lost deploy runs from the last that was heard of it.
        events
            .iter()
            .rev()
            .find(|event| !matches!(event.phase, Phase::Lost | Phase::Cancelled))
            .map(|event| event.at)
            .unwrap_or_default()
    });
    // What ended the run itself; a rollback may come long after the finish. To call off what is lost is to tidy up.
    let ended_at = [
        finished,
        failed,
        rolled_back,
        cancelled.filter(|_| lost.is_none()),
    ]
    .into_iter()
    .flatten()
    .min()
    .or(lost);
    let begun = events.iter().find(|event| {
        matches!(event.phase, Phase::Started | Phase::Step | Phase::Heartbeat)
            && ended_at.is_none_or(|ended| event.at <= ended)
    });
    let told_start = events
        .iter()
        .find(|event| event.phase == Phase::Started)
        .map(|event| event.at);
    // A start after the end is late news or a clock's fault: it never opens the window again.
    let told_start = told_start.filter(|start| ended_at.is_none_or(|ended| *start <= ended));
    let first_at = events.first().map(|event| event.at).unwrap_or_default();
    let started_at = told_start
        .or(begun.map(|event| event.at))
        .or(ended_at.map(|ended| ended - typical))
        .unwrap_or(first_at);
    let phase = if cancelled.is_some() {
        Phase::Cancelled
    } else if rolled_back.is_some() {
        Phase::RolledBack
    } else if failed.is_some() {
        Phase::Failed
    } else if finished.is_some() {
        Phase::Finished
    } else if lost.is_some() {
        Phase::Lost
    } else {
        match begun {
            Some(_) if events.iter().any(|event| event.phase == Phase::Step) => Phase::Step,
            Some(_) => Phase::Started,
            None => Phase::Planned,
        }
    };
    let mut touched: BTreeMap<&String, Timestamp> = BTreeMap::new();
    for event in events.iter().filter(|event| event.phase == Phase::Step) {
        for host in &event.hosts {
            touched.entry(host).or_insert(event.at);
        }
    }
    let touched = touched
        .into_iter()
        .map(|(host, at)| (host.clone(), at))
        .collect();
    let lists = |pick: fn(&DeployEvent) -> &Vec<String>| {
        let mut all: Vec<String> = Vec::new();
        for event in events.iter().filter(|event| event.phase != Phase::Step) {
            for item in pick(event) {
                if !all.contains(item) {
                    all.push(item.clone());
                }
            }
        }
        all
    };
    let mut actors = lists(|event| &event.actors);
    for event in events.iter().filter(|event| event.phase == Phase::Step) {
        for actor in &event.actors {
            if !actors.contains(actor) {
                actors.push(actor.clone());
            }
        }
    }
    Deploy {
        id: events
            .first()
            .map(|event| event.id.clone())
            .unwrap_or_default(),
        app: last(&events, |event| event.app.clone()).unwrap_or_default(),
        environment: last(&events, |event| event.environment.clone())
            .unwrap_or_else(|| default_environment.to_owned()),
        version: last(&events, |event| event.version.clone()),
        hosts: lists(|event| &event.hosts),
        groups: lists(|event| &event.groups),
        actors,
        url: last(&events, |event| event.url.clone()),
        // The highest class told wins: less hold is the safe side.
        risk: events
            .iter()
            .filter_map(|event| event.risk)
            .max()
            .unwrap_or(default_risk),
        risk_why: String::new(),
        rollback_of: last(&events, |event| event.rollback_of.clone()),
        reason: last(&events, |event| event.reason.clone()),
        phase,
        started_at,
        start_guessed: told_start.is_none() && begun.is_none(),
        ended_at,
        touched,
        last_event_at: events
            .iter()
            .filter(|event| event.phase != Phase::Lost)
            .map(|event| event.at)
            .max()
            .unwrap_or_default(),
        heartbeats: events.iter().any(|event| event.phase == Phase::Heartbeat),
        digested: false,
        conflict: finished.is_some() && failed.is_some(),
        verdict: None,
        shifts: Vec::new(),
        verdict_why: Vec::new(),
        rollback: None,
        events,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(phase: Phase, at: i64) -> DeployEvent {
        DeployEvent {
            id: "D-1".into(),
            phase,
            at: Timestamp::from_secs(at),
            received: Timestamp::from_secs(at + 1),
            app: Some("shop".into()),
            environment: None,
            version: None,
            hosts: Vec::new(),
            groups: Vec::new(),
            actors: Vec::new(),
            url: None,
            risk: None,
            rollback_of: None,
            reason: None,
            nature: Default::default(),
            no_hold: false,
            told_at: None,
            source: "test".into(),
        }
    }

    fn folded(events: &[DeployEvent]) -> Deploy {
        let mut kept = Vec::new();
        for event in events {
            add(&mut kept, event.clone());
        }
        fold(kept, Duration::from_secs(300), Risk::Normal, "production")
    }

    #[test]
    fn to_call_off_what_is_lost_does_not_bring_it_back() {
        let mut events = vec![event(Phase::Started, 100), event(Phase::Lost, 3700)];
        let folded = |events: &[DeployEvent]| {
            fold(events.to_vec(), Duration::ZERO, Risk::Normal, "production")
        };
        events.push(event(Phase::Cancelled, 36_000));
        let deploy = folded(&events);
        assert_eq!(deploy.ended_at, Some(Timestamp::from_secs(100)));
        assert!(deploy.happened());
        // Called off before anything was told of a beginning.
        let plan = [event(Phase::Planned, 100), event(Phase::Cancelled, 200)];
        assert!(!folded(&plan).happened());
    }

    #[test]
    fn a_late_start_never_opens_the_window_again() {
        let deploy = folded(&[event(Phase::Finished, 100), event(Phase::Started, 160)]);
        assert_eq!(
            (deploy.phase, deploy.ended_at),
            (Phase::Finished, Some(Timestamp::from_secs(100)))
        );
        assert!(deploy.started_at <= Timestamp::from_secs(100));
    }

    #[test]
    fn a_finish_alone_guesses_its_start() {
        let deploy = folded(&[event(Phase::Finished, 1000)]);
        assert!(deploy.start_guessed);
        assert_eq!(deploy.started_at, Timestamp::from_secs(700));
    }

    #[test]
    fn failed_beats_finished_and_the_conflict_shows() {
        let deploy = folded(&[
            event(Phase::Started, 1),
            event(Phase::Finished, 90),
            event(Phase::Failed, 95),
        ]);
        assert_eq!((deploy.phase, deploy.conflict), (Phase::Failed, true));
    }

    #[test]
    fn progress_reported_each_second_is_remembered_once() {
        let mut events = vec![event(Phase::Started, 0)];
        let mut step = event(Phase::Step, 10);
        step.hosts = vec!["web1".into()];
        assert!(add(&mut events, step.clone()));
        for at in 11..5000 {
            step.at = Timestamp::from_secs(at);
            step.received = step.at;
            assert!(add(&mut events, step.clone()), "it shows that it is alive");
        }
        assert_eq!(events.len(), 3);
        let deploy = fold(events, Duration::ZERO, Risk::Normal, "production");
        assert_eq!(
            deploy.touched,
            [("web1".to_owned(), Timestamp::from_secs(10))]
        );
        assert_eq!(deploy.last_event_at, Timestamp::from_secs(4999));
    }

    #[test]
    fn a_full_record_still_takes_hosts_and_its_end() {
        let mut events = vec![event(Phase::Started, 0)];
        for at in 1..3000 {
            let mut step = event(Phase::Step, at);
            step.hosts = vec![format!("web{at}")];
            assert!(add(&mut events, step));
        }
        assert_eq!(events.len(), MAX_EVENTS);
        for phase in [Phase::Finished, Phase::Failed, Phase::Lost] {
            assert!(add(&mut events, event(phase, 4000)), "{phase:?}");
        }
        assert!(
            !add(&mut events, event(Phase::Failed, 4001)),
            "one of each is enough"
        );
        let deploy = fold(events, Duration::ZERO, Risk::Normal, "production");
        assert_eq!((deploy.touched.len(), deploy.phase), (2999, Phase::Failed));
    }

    #[test]
    fn a_time_from_the_future_is_not_believed() {
        let mut started = event(Phase::Started, 10_000);
        started.received = Timestamp::from_secs(100);
        assert_eq!(folded(&[started]).started_at, Timestamp::from_secs(100));
    }

    fn any_event() -> impl Strategy<Value = DeployEvent> {
        (0usize..7, 0i64..50, 0usize..3).prop_map(|(phase, at, host)| {
            let phase = [
                Phase::Planned,
                Phase::Started,
                Phase::Step,
                Phase::Heartbeat,
                Phase::Finished,
                Phase::Failed,
                Phase::RolledBack,
            ][phase];
            let mut event = event(phase, at);
            if phase == Phase::Step {
                event.hosts = vec![format!("web{host}")];
            }
            event
        })
    }

    proptest! {
        /// Row 25: duplicates and disorder change nothing.
        #[test]
        fn order_and_repetition_make_no_difference(events in prop::collection::vec(any_event(), 1..9), seed in any::<u64>()) {
            let expected = folded(&events);
            let mut shuffled: Vec<DeployEvent> = events.iter().chain(&events).cloned().collect();
            let mut state = seed | 1;
            for at in (1..shuffled.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let other = usize::try_from(state >> 33).expect("31 bits") % (at + 1);
                shuffled.swap(at, other);
            }
            prop_assert_eq!(folded(&shuffled), expected);
        }
    }
}
