//! Small experiments: the moment a deploy does something, or something fails beside one, what was updated, what was not
//! yet, and what hangs on it are looked at, so that a page names its deploy on evidence and is put right while it is fresh.

use std::time::Duration;

use super::{
    core::{Engine, Mode},
    effect::Effects,
    tell::AMEND_WITHIN,
    timers::Timer,
};
use crate::{
    base::time::Timestamp,
    domain::{
        deploy::{live::LiveDeploy, scope::Relation, window::Window},
        model::{
            deploy::{DeployEvent, Phase},
            objects::{AppIx, HostIx, Inventory, ObjIx},
            state::StateType,
        },
    },
};

/// Extra checks for one bad result in a deploy's window.
const FOR_A_RESULT: usize = 6;
/// Extra checks for one step of a deploy.
const FOR_A_STEP: usize = 50;
/// Hosts not updated yet that are looked at beside those that were.
const CONTROLS: usize = 3;
/// Checks of one host, or of one app beside, that are looked at.
const OF_ONE: usize = 4;
/// Nothing is asked twice within this.
const ASKED_LATELY: Duration = Duration::from_secs(5);
/// After a page its evidence is read again at these ages; the last one freezes it.
const READ_AGAIN: [Duration; 4] = [
    Duration::from_secs(20),
    Duration::from_secs(60),
    Duration::from_secs(150),
    AMEND_WITHIN,
];
/// Evidence alone moves a page this often at most.
const MAX_MOVES: u32 = 2;

/// What extra checks may cost: a tenth of what the schedule runs anyway, saved up for a minute.
#[derive(Debug)]
pub(super) struct Allowance {
    /// In thousandths of a check.
    saved: u64,
    at: Timestamp,
    /// Thousandths a second.
    rate: u64,
}

impl Allowance {
    /// For so many objects, taken to be checked once a minute or seldom more.
    pub(super) fn new(objects: usize, now: Timestamp) -> Self {
        let rate = (objects as u64 * 1000 / 600).max(1000);
        Self {
            saved: rate * 60,
            at: now,
            rate,
        }
    }

    fn take(&mut self, now: Timestamp) -> bool {
        let passed = u64::try_from(now.since(self.at).as_millis()).unwrap_or(u64::MAX);
        let gained = self.rate.saturating_mul(passed) / 1000;
        self.saved = self.saved.saturating_add(gained).min(self.rate * 60);
        self.at = self.at.max(now);
        let may = 1000 <= self.saved;
        if may {
            self.saved -= 1000;
        }
        may
    }
}

impl Engine {
    const fn experiments(&self) -> bool {
        matches!(self.mode, Mode::Live) && self.trial.probing
    }

    /// Row 1: a first bad result in a deploy's window is looked at at once, with controls and what its app calls.
    pub(super) fn probe(&mut self, now: Timestamp, obj: ObjIx) {
        if !self.experiments() || self.deploys.is_empty() {
            return;
        }
        let status = self.status(obj);
        if !status.state.is_problem() || status.attempt != 1 || status.is_hard_problem() {
            return;
        }
        let inventory = self.inventory.clone();
        let mut wanted = Vec::new();
        for live in self.watched_around(now, obj) {
            wanted.push(obj);
            let own_host = inventory.host_ix(obj);
            if let (Some(app), Some(check)) = (live.scope.app, inventory.check(obj)) {
                let peers = inventory
                    .app(app)
                    .hosts
                    .iter()
                    .filter(|host| **host != own_host);
                wanted.extend(
                    peers
                        .take(CONTROLS)
                        .filter_map(|host| inventory.find_check(*host, &check.name)),
                );
                let elsewhere = live.scope.named_alike(&inventory, obj);
                wanted.extend(elsewhere.take(CONTROLS));
                for called in inventory.app(app).calls.iter().take(CONTROLS) {
                    wanted.extend(checks_of_app(&inventory, *called).take(1));
                }
            }
        }
        self.look_at(now, wanted, FOR_A_RESULT);
    }

    /// Deploys that watch this object now, for what they touch or call.
    fn watched_around(&self, now: Timestamp, obj: ObjIx) -> impl Iterator<Item = &LiveDeploy> {
        self.deploys_near(obj).into_iter().filter(move |live| {
            matches!(
                live.scope.relation(&self.inventory, obj),
                Some(Relation::Exact | Relation::Group | Relation::Dependency { .. })
            ) && matches!(
                live.window(&self.inventory, obj, now),
                Window::Active | Window::Settling | Window::Baking
            )
        })
    }

    /// What is well again beside a deploy is looked at once more when its next attempt would have come: the good moment
    /// may lie between a restart and what the release breaks, and the next regular run may be far. So is what still fails on a
    /// host that is back: as long as it was down that was told to nobody. Not at once, for it may be starting still.
    pub(super) fn look_beside_recovery(&mut self, now: Timestamp, obj: ObjIx) {
        if !self.experiments() || self.watched_around(now, obj).next().is_none() {
            return;
        }
        let mut wanted = vec![obj];
        if self.inventory.is_host(obj) {
            let checks = self.inventory.checks_of(self.inventory.host_ix(obj));
            wanted.extend(checks.filter(|check| self.status(*check).is_hard_problem()));
        }
        for obj in wanted.into_iter().take(FOR_A_STEP) {
            let rule = self.rule(obj);
            if rule.active {
                let at = now + rule.retry;
                self.timers.insert((at, Timer::LookAgain(obj)));
            }
        }
    }

    /// The check is at its last attempt, and all before it failed while its host was not known to be in trouble. Beside a deploy
    /// extra checks may find a host's loss a moment before that attempt, where Nagios would have found it a moment after: the
    /// check would fall silent, for as long as its host is down, of what Nagios pages.
    pub(super) fn fails_ahead_of_its_host(
        &self,
        now: Timestamp,
        obj: ObjIx,
        attempts: u32,
    ) -> bool {
        let (status, host) = (self.status(obj), self.host_status(obj));
        let is_last = self.is_soft(obj) && status.attempt + 1 == attempts;
        let host_is_soft = host.state.is_problem() && host.state_type == StateType::Soft;
        is_last
            && host_is_soft
            && host
                .first_bad_at
                .is_some_and(|since| status.last_check_at < since)
            && self.watched_around(now, obj).next().is_some()
    }

    pub(super) fn look_again(&mut self, now: Timestamp, obj: ObjIx) {
        // A soft problem has retries of its own.
        if !self.is_soft(obj) {
            self.look_at(now, vec![obj], 1);
        }
    }

    /// A step, or the end: what it touched, what it has not touched yet, and the apps on both ends of its calls.
    pub(super) fn probe_step(&mut self, now: Timestamp, event: &DeployEvent) {
        if !self.experiments() || !matches!(event.phase, Phase::Step | Phase::Finished) {
            return;
        }
        let Some(live) = self.deploys.get(&event.id) else {
            return;
        };
        let inventory = self.inventory.clone();
        let just_now: Vec<HostIx> = if event.phase == Phase::Step {
            event
                .hosts
                .iter()
                .filter_map(|name| inventory.find_host(name))
                .collect()
        } else {
            live.scope.targets.iter().copied().collect()
        };
        let exact = live.scope.exact_on(&inventory, just_now.iter().copied());
        let mut wanted: Vec<ObjIx> = exact.filter(|obj| !inventory.is_host(*obj)).collect();
        if let Some(app) = live.scope.app {
            let controls = inventory
                .app(app)
                .hosts
                .iter()
                .filter(|host| is_control(live, **host));
            for host in controls.take(CONTROLS) {
                wanted.extend(
                    inventory
                        .checks_of(*host)
                        .filter(|obj| inventory.apps_of(*obj).contains(&app))
                        .take(OF_ONE),
                );
            }
            let beside = inventory
                .app(app)
                .called_by
                .iter()
                .chain(&inventory.app(app).calls);
            for other in beside.take(2 * CONTROLS) {
                wanted.extend(checks_of_app(&inventory, *other).take(1));
            }
        }
        self.look_at(now, wanted, FOR_A_STEP);
    }

    fn look_at(&mut self, now: Timestamp, wanted: Vec<ObjIx>, most: usize) {
        let mut seen = std::collections::BTreeSet::new();
        for obj in wanted {
            if seen.len() == most {
                return;
            }
            let lately = if self.is_soft(obj) {
                // Its own retry comes: an attempt before that would make of a blip what its attempts are to rule out.
                self.rule(obj).retry.max(ASKED_LATELY)
            } else {
                ASKED_LATELY
            };
            if now.since(self.status(obj).last_check_at) < lately || !seen.insert(obj) {
                continue;
            }
            // The schedule comes first: what the allowance does not cover comes at its own time.
            if !self.allowance.take(now) {
                return;
            }
            let planned = self.due_at(obj).filter(|due| now < *due);
            if let Some(due) = planned {
                let was_good = !self.status(obj).state.is_problem();
                self.timers.insert((due, Timer::Planned { obj, was_good }));
            }
            self.request(obj, now, false);
        }
    }

    /// The time of a planned run whose place an extra check took, so that no extra check makes anything known later than
    /// the schedule would have. What the extra check found good, or as bad as before, is looked at again: what fails only now
    /// and then may have had a good moment. What turned bad asks for its host again, as it would have now: else all checks of a lost
    /// host ask at the same moment, and its own retries alone confirm it. What an extra check had made known of the host a
    /// moment ago takes nothing from that question: it is asked when that is no longer fresh.
    pub(super) fn planned_run(&mut self, now: Timestamp, obj: ObjIx, was_good: bool) {
        let is_problem = self.status(obj).state.is_problem();
        if !is_problem || !was_good && !self.is_soft(obj) {
            self.request(obj, now, false);
        } else if was_good && !self.inventory.is_host(obj) {
            let host = ObjIx(self.inventory.host_ix(obj).0);
            let horizon = self.inventory.globals.host_check_horizon;
            // Two that ask within the horizon make one look, with extra checks as without.
            self.planned_looks.retain(|_, at| now < *at + horizon);
            if self.planned_looks.contains_key(&host) {
                return;
            }
            self.planned_looks.insert(host, now);
            let old_at = self.fresh_until(host);
            if old_at <= now {
                self.request(host, now, false);
            } else {
                self.timers.insert((old_at, Timer::AskHost(host)));
            }
        }
    }

    fn is_soft(&self, obj: ObjIx) -> bool {
        let status = self.status(obj);
        status.state.is_problem() && !status.is_hard_problem()
    }

    /// The evidence of a young page is read again later.
    pub(super) fn arm_reading(&mut self, now: Timestamp, row: u64) {
        if self.deploys.is_empty() || !self.trial.amendments {
            return;
        }
        let Some(page) = self.problems.get(&row).and_then(|row| row.page.as_ref()) else {
            return;
        };
        let next = READ_AGAIN
            .iter()
            .map(|age| page.at + *age)
            .find(|at| now < *at);
        if let Some(at) = next {
            self.timers.insert((at, Timer::ReadAgain(row)));
        }
    }

    /// The page of a row is young, and more was measured since it left.
    pub(super) fn read_again(&mut self, now: Timestamp, row: u64, out: &mut Effects) {
        let Some(problem) = self
            .problems
            .get(&row)
            .filter(|row| row.recovered_at.is_none())
        else {
            return;
        };
        let Some(page) = &problem.page else { return };
        let (moved, told) = (page.amended, page.attribution.clone());
        // A rollback that did not help has settled the question.
        let is_open = moved < MAX_MOVES && !page.rollback_failed;
        let Some(obj) = self.inventory.find(&problem.object) else {
            return;
        };
        let found = is_open.then(|| self.attribute(obj, row));
        let reason = found
            .as_ref()
            .and_then(|found| self.moves(now, row, found, None));
        let attribution = found.filter(|_| reason.is_some()).unwrap_or(told);
        let (advised, line) = self.fresh_advice(now, obj, row, &attribution).unzip();
        // People hear of a rollback before it runs, and in one message who it is and what is done.
        let is_moved = reason.is_some();
        let words: Vec<String> = reason.into_iter().chain(line.flatten()).collect();
        if !words.is_empty() {
            self.send_amendment(now, obj, row, attribution, words.join("; "), out);
        }
        if is_moved {
            self.count_move(row, out);
        }
        if let Some(advised) = advised {
            self.follow_advice(now, obj, row, advised, out);
        }
        self.arm_reading(now, row);
    }
}

/// Its turn has not come, and steps say whose has.
pub(super) fn is_control(live: &LiveDeploy, host: HostIx) -> bool {
    if live.scope.by_checks {
        false
    } else if live.scope.touched.is_empty() {
        !live.scope.targets.contains(&host)
    } else {
        !live.scope.touched.contains_key(&host)
    }
}

/// Checks that measure an app: on the first of its hosts, or wherever they name it if no host runs it.
fn checks_of_app(inventory: &Inventory, app: AppIx) -> impl Iterator<Item = ObjIx> + '_ {
    let first = inventory.app(app).hosts.first();
    first
        .into_iter()
        .flat_map(|host| inventory.checks_of(*host))
        .filter(move |obj| inventory.apps_of(*obj).contains(&app))
        .chain(inventory.checks_instead_of_hosts(app).iter().copied())
}
