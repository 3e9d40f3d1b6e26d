//! One result moves one object: soft and hard states, attempts, and what that asks for, as Nagios does it
//! (`base/checks.c`). Never looks at downtime, deploys or contacts.

use std::sync::Arc;

use crate::{
    base::time::Timestamp,
    domain::model::{
        job::{CheckResult, Source},
        state::{State, StateType},
        status::Status,
    },
};

/// The parts of the rule that matter here.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// `max_check_attempts`, at least 1.
    pub attempts: u32,
    pub volatile: bool,
}

/// What a result did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Step {
    /// State and type before.
    pub was: State,
    pub was_type: StateType,
    /// The state value is another one.
    pub changed: bool,
    /// A hard problem began, changed its kind, or ended.
    pub hard_change: bool,
    /// Nagios would write an alert line: type and attempt as in that line.
    pub alert: Option<(StateType, u32)>,
    /// A notification is to be attempted.
    pub notify: bool,
    /// The host's own problem is to be told again, if that is due: nothing else may remind of it between its checks.
    pub remind_host: bool,
}

/// Moves a check's status. `host` is the host's current state; while it is not UP problems turn hard at once and silently.
///
/// The order of the steps is Nagios' own (`handle_async_service_check_result`, 4.4): it decides what a problem becomes
/// that turned hard with its host and outlives it.
pub fn check(
    status: &mut Status,
    policy: Policy,
    host: State,
    result: &CheckResult,
    now: Timestamp,
) -> Step {
    let mut step = begin(status, result, now);
    let (was_ok, is_ok) = (!step.was.is_problem(), !result.state.is_problem());
    let host_up = host == State::Up;
    if host_up && !is_ok {
        if status.host_problem && status.state_type == StateType::Soft {
            status.attempt = 1;
        }
        status.host_problem = false;
    } else if !host_up {
        status.host_problem = true;
        step.remind_host = !is_ok && !step.changed;
    }
    let mut hard_before = status.last_hard_state;
    if !host_up && hard_before != result.state {
        step.hard_change = true;
        status.state_type = StateType::Hard;
        status.attempt = policy.attempts;
        hard_before = result.state;
    }
    match (was_ok, is_ok) {
        (true, true) => {
            status.state_type = StateType::Hard;
            status.attempt = 1;
        }
        (true, false) => {
            if !status.host_problem && !step.hard_change {
                status.state_type = StateType::Soft;
            }
            status.attempt = 1;
        }
        (false, true) => step.notify = status.state_type == StateType::Hard,
        (false, false) => {
            step.notify = status.state_type == StateType::Hard && !status.host_problem;
        }
    }
    if status.state_type == StateType::Soft {
        if !was_ok && status.attempt < policy.attempts {
            status.attempt += 1;
        } else if step.changed && !is_ok {
            status.attempt = 1;
        } else if status.attempt < policy.attempts {
            status.attempt += 1;
        }
    }
    let still_soft = status.state_type == StateType::Soft && !is_ok;
    if policy.attempts <= status.attempt && (result.state != hard_before || still_soft) {
        step.hard_change = true;
        step.notify = true;
    }
    settle(status, &mut step, now);
    if !is_ok && status.state_type == StateType::Hard && policy.volatile {
        step.notify = true;
        step.alert = Some((StateType::Hard, status.attempt));
    }
    if is_ok {
        if !was_ok {
            // A soft recovery sets it too (2.4-3).
            status.last_hard_change_at = now;
            status.last_hard_state = State::Ok;
        }
        status.state_type = StateType::Hard;
        status.attempt = 1;
        // A recovery that was kept back goes out with any later OK while people still believe in the problem.
        step.notify |= !status.notified_on.is_empty();
    }
    step
}

/// Moves a host's status. `result.state` is already told apart into DOWN and UNREACHABLE; a passive result is hard at once.
pub fn host(
    status: &mut Status,
    policy: Policy,
    passive: bool,
    result: &CheckResult,
    now: Timestamp,
) -> Step {
    let mut step = begin(status, result, now);
    let (was_up, is_up) = (!step.was.is_problem(), !result.state.is_problem());
    match (was_up, is_up) {
        (true, true) => {
            status.state_type = StateType::Hard;
            status.attempt = 1;
        }
        (true, false) => {
            status.state_type = StateType::Soft;
            status.attempt = 1;
        }
        (false, true) => {
            if status.state_type == StateType::Hard {
                step.notify = true;
                step.hard_change = true;
                status.attempt = 1;
            }
        }
        (false, false) => step.notify = status.state_type == StateType::Hard,
    }
    if status.state_type == StateType::Soft {
        if !was_up && !is_up && status.attempt < policy.attempts {
            status.attempt += 1;
        } else if step.changed || is_up {
            // A soft recovery stays UP;SOFT until the next UP (2.6).
            status.attempt = 1;
        } else if status.attempt < policy.attempts {
            status.attempt += 1;
        }
    }
    if policy.attempts <= status.attempt && result.state != status.last_hard_state {
        step.hard_change = true;
    }
    if passive {
        if step.changed {
            status.attempt = 1;
            step.hard_change = true;
        }
        status.state_type = StateType::Hard;
    }
    step.notify |= step.hard_change;
    settle(status, &mut step, now);
    if is_up && status.state_type == StateType::Hard {
        step.notify |= !status.notified_on.is_empty();
    }
    step
}

fn begin(status: &mut Status, result: &CheckResult, now: Timestamp) -> Step {
    let step = Step {
        was: status.state,
        was_type: status.state_type,
        changed: status.state != result.state,
        hard_change: false,
        alert: None,
        notify: false,
        remind_host: false,
    };
    status.last_state = Some(status.state);
    status.passive = matches!(result.source, Source::Passive);
    if result.state.is_problem() {
        let last = status.last_in.get_or_insert_default();
        match result.state {
            State::Warning | State::Down => last.warning = result.started,
            State::Critical | State::Unreachable => last.critical = result.started,
            State::Unknown => last.unknown = result.started,
            State::Ok | State::Up => {}
        }
    }
    status.state = result.state;
    status.checked = true;
    status.last_check_at = result.started;
    status.recent = [result.started, status.recent[0]];
    keep(&mut status.output, &result.output);
    keep(&mut status.long_output, &result.long_output);
    keep(&mut status.perfdata, &result.perfdata);
    status.took = result.took;
    status.latency = result.latency;
    if result.state.is_problem() {
        if status.first_bad_at.is_none() {
            status.first_bad_at = Some(result.started.min(now));
        }
    } else {
        status.last_good_at = Some(result.started);
        status.first_bad_at = None;
    }
    step
}

/// Most results say what the last one said: then the old text stays where it is, and the new one is freed while it is
/// still at hand.
fn keep(old: &mut Arc<str>, new: &Arc<str>) {
    if *old != *new {
        old.clone_from(new);
    }
}

/// Bookkeeping on a change: hard or soft, timers begin anew, acknowledgements end. A change that is not a hard one is
/// soft, whatever was before.
fn settle(status: &mut Status, step: &mut Step, now: Timestamp) {
    if step.changed {
        status.state_type = StateType::Soft;
    }
    if step.hard_change {
        status.state_type = StateType::Hard;
        status.last_hard_state = status.state;
        status.last_hard_change_at = now;
    }
    if step.changed || step.hard_change {
        status.last_change_at = now;
        status.last_notified_at = None;
        status.next_notify_at = Timestamp::default();
        status.no_more = false;
        let ends = match &status.ack {
            Some(ack) if ack.sticky => !status.state.is_problem(),
            _ => step.changed || !step.hard_change,
        };
        if ends {
            status.ack = None;
        }
        step.alert = Some((status.state_type, status.attempt));
    } else if status.state_type == StateType::Soft && status.state.is_problem() {
        step.alert = Some((StateType::Soft, status.attempt));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn result(state: State, at: i64) -> CheckResult {
        CheckResult {
            object: crate::domain::model::state::ObjectName::check("h", "c"),
            state,
            output: "".into(),
            long_output: "".into(),
            perfdata: "".into(),
            started: Timestamp::from_secs(at),
            took: Duration::ZERO,
            latency: Duration::ZERO,
            source: Source::Passive,
            cpu: Duration::ZERO,
            peak_kib: 0,
        }
    }

    /// Results `o w c u`, capital letters while the host is down; per result: state letter, S or H, attempt, `!` where a
    /// notification is attempted.
    #[track_caller]
    fn runs(attempts: u32, results: &str, expected: &str) {
        let mut status = Status::pending(false);
        let mut seen = Vec::new();
        for (at, letter) in results.chars().enumerate() {
            let state = match letter.to_ascii_lowercase() {
                'w' => State::Warning,
                'c' => State::Critical,
                'u' => State::Unknown,
                _ => State::Ok,
            };
            let host = if letter.is_ascii_uppercase() {
                State::Down
            } else {
                State::Up
            };
            let at = i64::try_from(at).expect("short");
            let step = check(
                &mut status,
                Policy {
                    attempts,
                    volatile: false,
                },
                host,
                &result(state, at),
                Timestamp::from_secs(at),
            );
            if step.notify && status.state.is_problem() {
                status.notified_on = status.notified_on.with(state);
            } else if step.notify {
                status.notified_on = crate::domain::model::state::StateSet::EMPTY;
            }
            let kind = if status.state_type == StateType::Hard {
                'H'
            } else {
                'S'
            };
            let bang = if step.notify { "!" } else { "" };
            seen.push(format!(
                "{}{kind}{}{bang}",
                letter.to_ascii_lowercase(),
                status.attempt
            ));
        }
        assert_eq!(
            seen.join(" "),
            expected,
            "{attempts} attempts, results {results}"
        );
    }

    /// Nagios' transition table, section by section.
    #[test]
    fn checks_follow_the_transition_table() {
        runs(3, "ooo", "oH1 oH1 oH1");
        runs(1, "oco", "oH1 cH1! oH1!");
        runs(3, "occcco", "oH1 cS1 cS2 cH3! cH3! oH1!");
        runs(3, "ccoccc", "cS1 cS2 oH1 cS1 cS2 cH3!");
        // Kinds of problem count together.
        runs(3, "wcu", "wS1 cS2 uH3!");
        // A hard problem of another kind is hard at once and told at once.
        runs(3, "cccwo", "cS1 cS2 cH3! wH3! oH1!");
    }

    #[test]
    fn while_the_host_is_down_problems_are_hard_and_silent() {
        runs(3, "oCCc", "oH1 cH1 cH1 cH1!");
        runs(3, "oCo", "oH1 cH1 oH1!");
    }

    #[test]
    fn a_normal_acknowledgement_ends_at_a_change_and_a_sticky_one_at_ok() {
        let ack = |sticky| {
            Some(crate::domain::model::status::Ack {
                by: "ann".into(),
                comment: String::new(),
                sticky,
                persistent: false,
                at: Timestamp::default(),
                until: None,
                snooze: false,
                through: None,
                page: None,
            })
        };
        let policy = Policy {
            attempts: 1,
            volatile: false,
        };
        for (sticky, then, kept) in [
            (false, State::Critical, false),
            (true, State::Critical, true),
            (true, State::Ok, false),
            (false, State::Warning, true),
        ] {
            let mut status = Status::pending(false);
            let _ = check(
                &mut status,
                policy,
                State::Up,
                &result(State::Warning, 1),
                Timestamp::from_secs(1),
            );
            status.ack = ack(sticky).map(Box::new);
            let _ = check(
                &mut status,
                policy,
                State::Up,
                &result(then, 2),
                Timestamp::from_secs(2),
            );
            assert_eq!(status.ack.is_some(), kept, "sticky {sticky}, then {then}");
        }
    }

    #[test]
    fn hosts_recover_softly_and_passive_results_are_hard() {
        let policy = Policy {
            attempts: 3,
            volatile: false,
        };
        let mut status = Status::pending(true);
        let mut seen = String::new();
        for (at, state) in (1..).zip([
            State::Down,
            State::Up,
            State::Up,
            State::Down,
            State::Unreachable,
            State::Down,
            State::Unreachable,
            State::Up,
        ]) {
            let step = host(
                &mut status,
                policy,
                false,
                &result(state, at),
                Timestamp::from_secs(at),
            );
            seen.push_str(&format!(
                "{state} {} {}{}; ",
                status.state_type.name(),
                status.attempt,
                if step.notify { "!" } else { "" }
            ));
        }
        assert_eq!(
            seen,
            "DOWN SOFT 1; UP SOFT 1; UP HARD 1; DOWN SOFT 1; UNREACHABLE SOFT 2; DOWN HARD 3!; UNREACHABLE HARD 3!; UP HARD 1!; "
        );
        let step = host(
            &mut status,
            policy,
            true,
            &result(State::Down, 20),
            Timestamp::from_secs(20),
        );
        assert!(step.notify && status.state_type == StateType::Hard && status.attempt == 1);
    }
}
