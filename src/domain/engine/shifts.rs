//! Numbers that got worse since a deploy though no threshold sees it: the last values of each check of an app are kept,
//! those before a deploy are set aside when it touches the check, and twice it is asked what became of them.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use super::{
    audience::Audience, core::Engine, effect::Effects, experiments::is_control, pairing::Pairing,
    run::rule_interval,
};
use crate::{
    base::time::Timestamp,
    domain::{
        deploy::{
            live::{LiveDeploy, settle, short_name},
            scope::Relation,
            shift::{self, MIN_AFTER, MIN_BEFORE, Measure, Shift},
        },
        model::{
            change::{Change, Decided},
            deploy::{Regressions, Shifted, ShiftedHow, Verdict},
            message::{Kind, Urgency},
            objects::{ObjIx, Rule},
            route::Told,
            state::State,
        },
        notify::compose,
        plugin::perfdata,
    },
};

/// Values kept of one label; one takes eight bytes.
const KEPT: usize = 30;
/// Labels kept of one check: with [`KEPT`], two kilobytes and a few names.
const LABELS: usize = 8;
/// Checks that one deploy is judged by, and that it is compared with.
const MOST_CHECKS: usize = 500;
/// Numbers told of one deploy.
const MOST_TOLD: usize = 20;

/// The last values of one label.
#[derive(Debug)]
struct Series {
    label: Arc<str>,
    measure: Measure,
    /// Seconds since 1970, and the value: seven digits are enough for ranks.
    values: VecDeque<(u32, f32)>,
}

/// Values by label.
type Before = Vec<(Arc<str>, Vec<f64>)>;

/// What was before a deploy.
#[derive(Debug, Default)]
struct Baseline {
    /// Until when; what it was then, by label.
    of: BTreeMap<ObjIx, (Timestamp, Before)>,
    looked: bool,
}

/// Of sites without apps nothing is kept.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    series: BTreeMap<ObjIx, Vec<Series>>,
    baselines: BTreeMap<String, Baseline>,
}

/// One check's number, compared.
struct Compared {
    obj: ObjIx,
    shift: Shift,
    before: Vec<f64>,
    after: Vec<f64>,
    /// It should have brought values enough.
    expected: bool,
}

/// The same number of the same check on all hosts.
struct Group {
    measure: Measure,
    updated: Vec<Compared>,
    controls: Vec<Compared>,
}

impl Numbers {
    /// A deploy is needed no more.
    pub(super) fn forget(&mut self, deploy: &str) {
        self.baselines.remove(deploy);
    }
}

impl Engine {
    /// Keeps the numbers of the last result.
    pub(super) fn remember_numbers(&mut self, obj: ObjIx) {
        if self.inventory.is_host(obj)
            || self.inventory.apps_of(obj).is_empty()
            || self.status(obj).perfdata.is_empty()
            || self.regressions(obj) == Regressions::Off
        {
            return;
        }
        let at = seconds(self.status(obj).last_check_at);
        let metrics = perfdata::parse(&self.status(obj).perfdata);
        let known = self.numbers.series.entry(obj).or_default();
        for metric in &metrics {
            let Some((value, measure)) = shift::measure(metric) else {
                continue;
            };
            let series = match known
                .iter_mut()
                .position(|series| *series.label == *metric.label)
            {
                Some(at) => &mut known[at],
                None if known.len() < LABELS => {
                    known.push(Series {
                        label: Arc::from(&*metric.label),
                        measure,
                        values: VecDeque::new(),
                    });
                    let last = known.len() - 1;
                    &mut known[last]
                }
                None => continue,
            };
            if series.measure != measure {
                // Another unit, or bad is elsewhere now: not the same number.
                series.measure = measure;
                series.values.clear();
            }
            if series.values.back().is_some_and(|(last, _)| at <= *last) {
                continue;
            }
            if series.values.len() == KEPT {
                series.values.pop_front();
            }
            #[expect(clippy::cast_possible_truncation, reason = "seven digits are enough")]
            series.values.push_back((at, value as f32));
        }
        if known.is_empty() {
            self.numbers.series.remove(&obj);
        }
    }

    /// What the check says, else its app.
    pub(super) fn regressions(&self, obj: ObjIx) -> Regressions {
        let of_apps = || {
            let apps = self.inventory.apps_of(obj).iter();
            apps.map(|app| self.inventory.app(*app).regressions).max()
        };
        self.rule(obj)
            .rare()
            .regressions
            .or_else(of_apps)
            .unwrap_or_default()
    }

    /// Indices moved; what is set aside stays with its names.
    pub(super) fn move_numbers(&mut self, pairing: &Pairing) {
        let go = |from: &ObjIx| pairing.now_of(*from);
        self.numbers.series = std::mem::take(&mut self.numbers.series)
            .into_iter()
            .filter_map(|(from, series)| Some((go(&from)?, series)))
            .collect();
        for baseline in self.numbers.baselines.values_mut() {
            baseline.of = std::mem::take(&mut baseline.of)
                .into_iter()
                .filter_map(|(from, before)| Some((go(&from)?, before)))
                .collect();
        }
    }

    /// Sets aside what was before `id` touched each check of its app; of those not touched yet, before it began.
    pub(super) fn set_baselines(&mut self, id: &str) {
        let Some(live) = self.deploys.get(id) else {
            return;
        };
        let Some(app) = live.scope.app.filter(|_| !live.deploy.digested) else {
            return;
        };
        if self.numbers.series.is_empty() {
            return;
        }
        let mut baseline = self.numbers.baselines.remove(id).unwrap_or_default();
        for obj in live
            .scope
            .objects(&self.inventory)
            .filter(|obj| !self.inventory.is_host(*obj))
            .filter(|obj| self.inventory.apps_of(*obj).contains(&app))
            .take(MOST_CHECKS)
        {
            let host = self.inventory.host_ix(obj);
            let until = live
                .scope
                .touched_at(&live.deploy, host)
                .unwrap_or(live.deploy.started_at);
            if baseline.of.get(&obj).is_some_and(|(at, _)| *at == until) {
                continue;
            }
            let Some(series) = self.numbers.series.get(&obj) else {
                continue;
            };
            let before = series
                .iter()
                .map(|series| {
                    (
                        series.label.clone(),
                        series.between(Timestamp::default(), until),
                    )
                })
                .collect();
            baseline.of.insert(obj, (until, before));
        }
        if !baseline.of.is_empty() {
            self.numbers.baselines.insert(id.to_owned(), baseline);
        }
    }

    /// When the first look is worth it: once everything that was touched has been measured often enough.
    pub(super) fn first_look_at(&self, live: &LiveDeploy) -> Option<Timestamp> {
        let baseline = self.numbers.baselines.get(&live.deploy.id)?;
        if baseline.looked || live.deploy.digested {
            return None;
        }
        let from = match live.scope.touched.values().min() {
            Some(first) => *first,
            None => live.deploy.ended_at?,
        };
        let longest = baseline
            .of
            .keys()
            .map(|obj| self.until_measured(*obj))
            .max()?;
        Some(from + longest)
    }

    fn until_measured(&self, obj: ObjIx) -> Duration {
        let results = u32::try_from(MIN_AFTER + 1).unwrap_or(u32::MAX);
        settle(&self.inventory, obj) + rule_interval(self.rule(obj)).saturating_mul(results)
    }

    /// The first look, while the deploy may still run.
    pub(super) fn look_at_numbers(&mut self, now: Timestamp, id: &str, out: &mut Effects) {
        let due = self
            .deploys
            .get(id)
            .and_then(|live| self.first_look_at(live));
        if due.is_none_or(|due| now < due) {
            return;
        }
        if let Some(baseline) = self.numbers.baselines.get_mut(id) {
            baseline.looked = true;
        }
        // Too little may still become enough; what is the same may still turn.
        self.judge_numbers(now, id, false, out);
    }

    /// The bake is over: what the numbers show stands in the deploy's record.
    pub(super) fn numbers_at_bake(&mut self, now: Timestamp, id: &str, out: &mut Effects) {
        // After a restart nothing is set aside: that is said, too.
        self.set_baselines(id);
        self.judge_numbers(now, id, true, out);
        self.numbers.baselines.remove(id);
    }

    fn judge_numbers(&mut self, now: Timestamp, id: &str, is_last: bool, out: &mut Effects) {
        let Some(live) = self.deploys.get(id) else {
            return;
        };
        let Some(baseline) = self.numbers.baselines.get(id) else {
            return;
        };
        let groups = self.compared(now, live, baseline);
        let mut shifts = live.deploy.shifts.clone();
        let (mut news, mut objects) = (Vec::new(), Vec::new());
        for ((check, label), group) in &groups {
            let old = shifts
                .iter()
                .position(|old| *old.check == **check && *old.label == **label);
            let is_over = is_last && old.is_some();
            let Some((how, text)) = self.judge_group(id, check, label, group, is_over) else {
                continue;
            };
            let was = old.map(|at| shifts[at].how);
            let new = Shifted {
                check: check.to_string(),
                label: label.to_string(),
                how,
                text: text.clone(),
            };
            match (how, old) {
                // Too little may become enough, and takes nothing back.
                (ShiftedHow::Missing | ShiftedHow::Unknown, Some(_)) => continue,
                (ShiftedHow::Missing | ShiftedHow::Unknown, _) if !is_last => continue,
                (_, Some(at)) => shifts[at] = new,
                (ShiftedHow::Gone, None) => continue,
                (_, None) if shifts.len() < MOST_TOLD => shifts.push(new),
                (_, None) => continue,
            }
            if was == Some(how) {
                continue;
            }
            self.event(now, None, "shift", format!("{id}: {text}"), out);
            if how == ShiftedHow::Worse {
                news.push(text);
                objects.extend(group.worse().map(|one| one.obj));
            }
        }
        if live.deploy.shifts == shifts {
            return;
        }
        if let Some(live) = self.deploys.get_mut(id) {
            live.deploy.shifts = shifts;
        }
        self.save_deploy(id, out);
        if !news.is_empty() {
            objects.sort_unstable();
            objects.dedup();
            self.tell_shifts(now, id, news, &objects, out);
        }
    }

    /// All numbers of the deploy's app, before and after, by check and label.
    fn compared(
        &self,
        now: Timestamp,
        live: &LiveDeploy,
        baseline: &Baseline,
    ) -> BTreeMap<(Arc<str>, Arc<str>), Group> {
        let mut groups: BTreeMap<(Arc<str>, Arc<str>), Group> = BTreeMap::new();
        for (obj, (_, before)) in &baseline.of {
            let obj = *obj;
            let host = self.inventory.host_ix(obj);
            let waits = settle(&self.inventory, obj);
            let control = is_control(live, host);
            let relation = live.scope.relation(&self.inventory, obj);
            if !control && relation != Some(Relation::Exact) {
                continue;
            }
            let touched = if control {
                live.scope.touched.values().min()
            } else {
                live.scope.touched.get(&host)
            };
            // Without steps nobody knows when within the deploy it was.
            let Some(from) = touched.copied().or(live.deploy.ended_at) else {
                continue;
            };
            let from = from + waits;
            // What another deploy changed after is not this one's.
            let until = self
                .next_deploy_to(obj, live.deploy.started_at)
                .map_or(now, |at| at.min(now));
            let enough = u32::try_from(MIN_AFTER).unwrap_or(u32::MAX);
            let expected =
                waits + rule_interval(self.rule(obj)).saturating_mul(enough) <= live.rules.bake;
            let series = self.numbers.series.get(&obj);
            for (label, before) in before {
                let Some(series) = series
                    .into_iter()
                    .flatten()
                    .find(|series| series.label == *label)
                else {
                    continue;
                };
                let after = series.between(from, until + Duration::from_secs(1));
                let group = groups
                    .entry((short_name(&self.inventory, obj), label.clone()))
                    .or_insert_with(|| Group {
                        measure: series.measure,
                        updated: Vec::new(),
                        controls: Vec::new(),
                    });
                let compared = Compared {
                    obj,
                    shift: shift::compare(before, &after, series.measure),
                    before: before.clone(),
                    after,
                    expected: expected && MIN_BEFORE <= before.len(),
                };
                if control {
                    group.controls.push(compared);
                } else {
                    group.updated.push(compared);
                }
            }
        }
        groups
    }

    /// What became of one number, which may have been worse at the first look; None: nothing to say.
    fn judge_group(
        &self,
        id: &str,
        check: &str,
        label: &str,
        group: &Group,
        was_worse: bool,
    ) -> Option<(ShiftedHow, String)> {
        let measured = group.updated.iter().filter(|one| one.is_measured()).count();
        let worse = group.worse().count();
        if 0 < worse && measured <= 2 * worse && group.is_beyond_controls() {
            let pool = |values: fn(&Compared) -> &Vec<f64>| -> Vec<f64> {
                group.worse().flat_map(values).copied().collect()
            };
            let change = shift::show_change(
                shift::median(&pool(|one| &one.before)),
                shift::median(&pool(|one| &one.after)),
                group.measure.unit,
            );
            let first = group
                .worse()
                .next()
                .map(|one| self.inventory.name(one.obj))?;
            let more = match worse {
                1 => String::new(),
                _ => format!(" and {} more", worse - 1),
            };
            let others = group.controls.iter().filter(|one| one.is_measured());
            let others = match others.clone().count() {
                0 => "no others to compare with".to_owned(),
                count => format!(
                    "{} of {count} others",
                    others.filter(|one| one.is_worse()).count()
                ),
            };
            return Some((
                ShiftedHow::Worse,
                format!(
                    "{label} {change} since {id} on {first}{more}, {worse} of {measured} updated, {others}"
                ),
            ));
        }
        let missing = group
            .updated
            .iter()
            .filter(|one| one.expected && !one.is_measured())
            .count();
        if 0 < missing {
            let most = group.updated.iter().map(|one| one.after.len()).min()?;
            return Some((
                ShiftedHow::Missing,
                format!(
                    "{label} of {check}: too little to compare on {missing} of {} updated ({most} values since {id}, {MIN_AFTER} needed)",
                    group.updated.len()
                ),
            ));
        }
        let gone = group.updated.iter().filter(|one| one.shift == Shift::Gone);
        let gone = gone.count();
        if 0 < measured {
            return (was_worse || 0 < gone && measured <= 2 * gone).then(|| {
                let text = format!("{label} of {check}: was worse after {id} and is so no longer");
                (ShiftedHow::Gone, text)
            });
        }
        // Nothing could be compared, and nobody is to blame: said, no more.
        let before = group.updated.iter().map(|one| one.before.len()).max()?;
        let after = group.updated.iter().map(|one| one.after.len()).max()?;
        let text = format!(
            "{label} of {check}: not compared ({before} values before {id}, {after} after; {MIN_BEFORE} and {MIN_AFTER} needed)"
        );
        Some((ShiftedHow::Unknown, text))
    }

    /// One message to each: to the deployer quietly, and aloud to the contacts of checks that are set so.
    fn tell_shifts(
        &mut self,
        now: Timestamp,
        id: &str,
        lines: Vec<String>,
        objects: &[ObjIx],
        out: &mut Effects,
    ) {
        let Some(live) = self.deploys.get(id) else {
            return;
        };
        let mut audience = Audience::new();
        for obj in objects {
            if self.regressions(*obj) != Regressions::Page || !self.may_page(now, *obj) {
                continue;
            }
            let state = self.status(*obj).state;
            // Numbers that got worse are told as a warning would be.
            let told = Told {
                state: State::Warning,
                verdict: Verdict::Suspect,
                risk: Some(live.deploy.risk),
            };
            let asks = self.own_circle(*obj, Some(told)).asks;
            let wanted = self.wanting_asks(*obj, &asks, Kind::Notice, state, (now, now));
            for listener in wanted.into_iter().flat_map(|wanting| wanting.audience) {
                if audience
                    .iter()
                    .all(|known| known.contact != listener.contact)
                {
                    audience.push(listener);
                }
            }
        }
        for one in self.team(live, Urgency::Low, now) {
            if audience.iter().all(|known| known.contact != one.contact) {
                audience.push(one);
            }
        }
        let reason = match lines.as_slice() {
            [one] => one.clone(),
            several => format!("{} numbers got worse since {id}", several.len()),
        };
        let mut message =
            compose::about_deploy(&live.deploy, Kind::Notice, reason.clone(), lines, now);
        message.output = reason.clone();
        if audience
            .iter()
            .any(|listener| listener.urgency == Urgency::High)
        {
            message.urgency = Urgency::High;
        }
        let what = if audience.is_empty() {
            Decided::Skipped
        } else {
            Decided::Sent
        };
        for obj in objects.iter().take(MOST_TOLD) {
            let reason = match what {
                Decided::Sent => reason.clone(),
                _ => format!("{reason}; nobody is known to stand behind the deploy"),
            };
            let mut decision = self.decide(now, *obj, what, Kind::Notice, reason);
            decision.contacts = self.names_of(&audience);
            decision.deploys = vec![id.to_owned()];
            out.changes.push(Change::Decision(decision));
        }
        if !audience.is_empty() {
            self.deliver(None, &message, &audience, out);
        }
    }

    /// A regression rings under the same switches, hours and downtimes as a problem would.
    fn may_page(&self, now: Timestamp, obj: ObjIx) -> bool {
        let rule: &Rule = self.rule(obj);
        let host = ObjIx(self.inventory.host_ix(obj).0);
        let on = self
            .switches
            .notifications
            .unwrap_or(self.inventory.globals.notifications);
        let hours = rule.notify.period.as_ref();
        on && rule.notify.enabled
            && !self.status(obj).notifications_off
            && hours.is_none_or(|period| period.contains(now))
            && !self.in_downtime(obj)
            && !self.in_downtime(host)
    }
}

impl Series {
    /// Values from `from` on and before `until`.
    fn between(&self, from: Timestamp, until: Timestamp) -> Vec<f64> {
        let span = seconds(from)..seconds(until);
        let within = self.values.iter().filter(|(at, _)| span.contains(at));
        within.map(|(_, value)| f64::from(*value)).collect()
    }
}

impl Compared {
    const fn is_measured(&self) -> bool {
        !matches!(self.shift, Shift::TooLittle { .. })
    }

    const fn is_worse(&self) -> bool {
        matches!(self.shift, Shift::Worse { .. })
    }

    /// How far each value is from the middle before.
    fn moved(&self) -> impl Iterator<Item = f64> + '_ {
        let middle = shift::median(&self.before);
        self.after.iter().map(move |value| value - middle)
    }
}

impl Group {
    fn worse(&self) -> impl Iterator<Item = &Compared> + Clone {
        self.updated.iter().filter(|one| one.is_worse())
    }

    /// Where nothing is known of others, nothing speaks against it.
    fn is_beyond_controls(&self) -> bool {
        let updated: Vec<f64> = self.worse().flat_map(Compared::moved).collect();
        let controls: Vec<f64> = self
            .controls
            .iter()
            .filter(|one| MIN_BEFORE <= one.before.len())
            .flat_map(Compared::moved)
            .collect();
        let before: Vec<f64> = self.worse().flat_map(|one| &one.before).copied().collect();
        shift::beyond(&updated, &controls, shift::median(&before), self.measure).unwrap_or(true)
    }
}

fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.secs()).unwrap_or(0)
}
