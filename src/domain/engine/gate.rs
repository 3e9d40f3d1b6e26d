//! Gates: what is found about an app's deploys for `domain::deploy::gate` to judge, and the freezes and overrides that
//! people set.

use std::{collections::BTreeSet, time::Duration};

use super::{
    audience::{Audience, Listener},
    core::Engine,
    effect::{Effects, Reply},
};
use crate::{
    base::{
        text::did_you_mean,
        time::{Timestamp, show_duration},
    },
    domain::{
        deploy::{
            gate::{self, Culprit, Found, FreezeView, GateView, Scene, Tie},
            live::LiveDeploy,
            scope::Relation,
        },
        model::{
            change::Change,
            deploy::{Phase, Verdict},
            gate::{Override, Reach, SetFreeze},
            message::{Kind, Urgency},
            objects::{AppIx, ObjIx},
            status::Problem,
        },
        notify::compose,
    },
};

/// No freeze that is set at run time lasts longer unless the one who sets it says so.
const LONGEST_FREEZE: Duration = Duration::from_secs(14 * 86_400);
/// An override is for the fix that is on its way, not for the week.
const LONGEST_OVERRIDE: Duration = Duration::from_secs(4 * 3600);
/// Freezes set at run time at once.
const MOST_FREEZES: usize = 200;

/// Why there is no gate to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoGate {
    Unknown(String),
    /// The app stands in several environments.
    WhichOne(String),
}

/// What the other objects say of a deploy, as far as gates and rollbacks need it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Evidence {
    /// +1: what was updated fails and the rest does not; -1: the other way round; 0: cannot tell.
    pub(super) vote: i8,
    /// Of how many objects something is known.
    pub(super) objects: u32,
}

impl Engine {
    /// The gate of an app; without an environment of the only one it is in.
    pub fn gate(
        &self,
        now: Timestamp,
        app: &str,
        environment: Option<&str>,
    ) -> Result<GateView, NoGate> {
        let environment = self.environment_of(app, environment)?;
        let found = self.found(app, &environment);
        let mut freezes: Vec<(Timestamp, FreezeView)> = self.freezes_at(now, app, &environment);
        freezes.sort_by_key(|(until, _)| std::cmp::Reverse(*until));
        Ok(gate::judge(Scene {
            app,
            environment: &environment,
            found: &found,
            freezes: freezes.into_iter().map(|(_, freeze)| freeze).collect(),
            overridden: self.override_at(now, app, &environment),
        }))
    }

    pub(super) fn environment_of(
        &self,
        app: &str,
        environment: Option<&str>,
    ) -> Result<String, NoGate> {
        let configured = self
            .inventory
            .apps
            .iter()
            .map(|known| (&*known.name, &*known.environment));
        let deployed = self
            .deploys
            .values()
            .map(|live| (&*live.deploy.app, &*live.deploy.environment));
        let known: BTreeSet<(&str, &str)> = configured.chain(deployed).collect();
        let places: Vec<&str> = known
            .iter()
            .filter(|(name, _)| *name == app)
            .map(|(_, place)| *place)
            .collect();
        match (environment, places.as_slice()) {
            (_, []) => Err(NoGate::Unknown(
                match did_you_mean(app, known.iter().map(|(name, _)| *name)) {
                    Some(meant) => format!("no app `{app}` is known; did you mean `{meant}`?"),
                    None => format!("no app `{app}` is known; it needs an [[app]]"),
                },
            )),
            (Some(place), places) if places.contains(&place) => Ok(place.to_owned()),
            (Some(place), places) => Err(NoGate::Unknown(format!(
                "app `{app}` is not in environment `{place}`; it is in {}",
                places.join(", ")
            ))),
            (None, [only]) => Ok((*only).to_owned()),
            (None, several) => Err(NoGate::WhichOne(format!(
                "app `{app}` stands in several environments ({}); say which",
                several.join(", ")
            ))),
        }
    }

    /// Open hard problems that have to do with deploys of the app.
    fn found(&self, app: &str, environment: &str) -> Vec<Found> {
        let own =
            |live: &LiveDeploy| live.deploy.app == app && live.deploy.environment == environment;
        let failed = self
            .deploys
            .values()
            .filter(|live| own(live))
            .filter(|live| !matches!(live.deploy.phase, Phase::Planned | Phase::Cancelled))
            .max_by_key(|live| live.deploy.started_at)
            .filter(|live| live.deploy.phase == Phase::Failed);
        self.open
            .iter()
            .filter_map(|id| self.problems.get(id))
            .filter_map(|problem| {
                let obj = self.inventory.find(&problem.object)?;
                let (live, tie) = self.tie(problem, obj, &own, failed)?;
                let host = ObjIx(self.inventory.host_ix(obj).0);
                Some(Found {
                    object: problem.object.to_string(),
                    state: problem.state,
                    since: problem.first_bad_at,
                    page: problem.page.as_ref().map(|page| page.key.clone()),
                    deploy: Culprit {
                        id: live.deploy.id.clone(),
                        gate_on: live.rules.gate_on,
                        actors: live.deploy.actors.clone(),
                    },
                    tie,
                    cleared: problem.cleared.contains(&live.deploy.id),
                    in_downtime: self.in_downtime(obj) || self.in_downtime(host),
                })
            })
            .collect()
    }

    /// What ties a problem to one of the app's own deploys.
    fn tie<'a>(
        &'a self,
        problem: &Problem,
        obj: ObjIx,
        own: &dyn Fn(&LiveDeploy) -> bool,
        failed: Option<&'a LiveDeploy>,
    ) -> Option<(&'a LiveDeploy, Tie)> {
        if let Some(hold) = problem.hold.and_then(|id| self.holds.get(&id)) {
            let live = self.deploys.get(&hold.deploy).filter(|live| own(live))?;
            let until = hold.deadline;
            return Some((live, Tie::Held { until }));
        }
        let attribution = match &problem.page {
            Some(page) => page.attribution.clone(),
            None => self.attribute(obj, problem.id),
        };
        let leader = attribution
            .suspects
            .first()
            .filter(|_| attribution.verdict != Verdict::None);
        let alone = attribution.verdict == Verdict::Suspect;
        if let Some(suspect) = leader
            && let Some(live) = self.deploys.get(&suspect.id).filter(|live| own(live))
        {
            let said = problem.said.blamed.as_ref();
            let said = said.is_some_and(|blamed| blamed.deploy == suspect.id);
            let exact = said || gate::is_exact(&suspect.relation);
            let vote = if exact {
                0
            } else {
                self.evidence(live, obj, problem.id).vote
            };
            let tie = Tie::Suspect {
                alone,
                exact,
                vote,
                late: !said && is_late(live, problem),
            };
            return Some((live, tie));
        }
        // Row 19. What is put down to another deploy alone is not this one's.
        let live = failed.filter(|live| {
            !(alone && leader.is_some())
                && live.deploy.started_at <= problem.onset_at
                && !is_late(live, problem)
                && live.scope.relation(&self.inventory, obj) == Some(Relation::Exact)
        })?;
        Some((live, Tie::Survivor))
    }

    /// What the other objects say of a deploy as the reason for a problem.
    pub(super) fn evidence(&self, live: &LiveDeploy, obj: ObjIx, problem: u64) -> Evidence {
        self.facts(live, obj, problem)
            .map_or_else(Evidence::default, |facts| Evidence {
                vote: facts.vote(),
                objects: facts.updated.known + facts.others.known,
            })
    }

    /// The freezes that stand, with their ends.
    fn freezes_at(
        &self,
        now: Timestamp,
        app: &str,
        environment: &str,
    ) -> Vec<(Timestamp, FreezeView)> {
        let configured = self.inventory.freezes.iter().filter_map(|freeze| {
            let until = freeze.when.until(now)?;
            let view = FreezeView {
                id: None,
                of: freeze.reach.shown(),
                owner: freeze.owner.clone(),
                reason: freeze.reason.clone(),
                from: freeze.when.from().map(|from| from.to_string()),
                until: until.to_string(),
            };
            freeze
                .reach
                .covers(app, environment)
                .then_some((until, view))
        });
        let set = self
            .gates
            .freezes
            .iter()
            .filter(|freeze| freeze.from <= now && now < freeze.until)
            .filter(|freeze| freeze.reach.covers(app, environment))
            .map(|freeze| (freeze.until, shown(freeze)));
        configured.chain(set).collect()
    }

    /// All freezes that have not ended, those set at run time first.
    pub fn freezes(&self, now: Timestamp) -> Vec<FreezeView> {
        let set = self
            .gates
            .freezes
            .iter()
            .filter(|freeze| now < freeze.until);
        let configured = self.inventory.freezes.iter().filter_map(|freeze| {
            let until = freeze.when.ends(now)?;
            Some(FreezeView {
                id: None,
                of: freeze.reach.shown(),
                owner: freeze.owner.clone(),
                reason: freeze.reason.clone(),
                from: freeze.when.from().map(|from| from.to_string()),
                until,
            })
        });
        set.map(shown).chain(configured).collect()
    }

    pub(super) fn override_at(
        &self,
        now: Timestamp,
        app: &str,
        environment: &str,
    ) -> Option<&Override> {
        self.gates
            .overrides
            .iter()
            .rev()
            .find(|set| set.app == app && set.environment == environment && now < set.until)
    }

    /// Sets a freeze; `long`: longer than usual is meant.
    #[expect(clippy::too_many_arguments, reason = "the fields of one order")]
    pub(super) fn freeze(
        &mut self,
        now: Timestamp,
        reach: Reach,
        from: Timestamp,
        until: Timestamp,
        long: bool,
        (owner, reason): (String, String),
        out: &mut Effects,
    ) -> Result<Reply, String> {
        if until <= now || until <= from {
            return Err(format!(
                "a freeze has to end later than it begins and than now; this one ends at {until}"
            ));
        }
        let lasts = until.since(from);
        if LONGEST_FREEZE < lasts && !long {
            return Err(format!(
                "a freeze of {} is longer than 14d; say so with `long` if it is meant",
                show_duration(lasts)
            ));
        }
        self.gates.forget_ended(now);
        if MOST_FREEZES <= self.gates.freezes.len() {
            return Err(format!(
                "there are {MOST_FREEZES} freezes already; end some"
            ));
        }
        let id = self.new_id();
        let text = format!(
            "freeze {id} of {} from {from} until {until} by {owner}: {reason}",
            reach.shown()
        );
        self.gates.freezes.push(SetFreeze {
            id,
            reach,
            from,
            until,
            owner,
            reason,
        });
        self.save_gates(now, text.clone(), out);
        Ok(Reply {
            id: Some(id),
            ..Reply::ok(text)
        })
    }

    pub(super) fn end_freeze(
        &mut self,
        now: Timestamp,
        id: u64,
        author: &str,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        self.gates.forget_ended(now);
        let before = self.gates.freezes.len();
        self.gates.freezes.retain(|freeze| freeze.id != id);
        if self.gates.freezes.len() == before {
            return Err(format!(
                "there is no freeze {id}; one that stands in the configuration ends there"
            ));
        }
        let text = format!("freeze {id} was ended by {author}");
        self.save_gates(now, text.clone(), out);
        Ok(Reply::ok(text))
    }

    /// Lets deploys of an app pass for a while; its contacts hear of it.
    pub(super) fn override_gate(
        &mut self,
        now: Timestamp,
        set: Override,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        let Override {
            app,
            environment,
            by,
            reason,
            until,
            ..
        } = &set;
        let place = self
            .environment_of(app, Some(environment))
            .map_err(|none| match none {
                NoGate::Unknown(text) | NoGate::WhichOne(text) => text,
            })?;
        if LONGEST_OVERRIDE < until.since(now) {
            return Err(format!(
                "an override lasts at most {}; this one would last {}",
                show_duration(LONGEST_OVERRIDE),
                show_duration(until.since(now))
            ));
        }
        let shut = self
            .gate(now, app, Some(environment))
            .map_or_else(|_| Vec::new(), |view| view.blocked_by);
        let text =
            format!("the gate of {app} in {place} was overridden by {by} until {until}: {reason}");
        let lines: Vec<String> = shut
            .into_iter()
            .map(|block| block.reason)
            .take(10)
            .collect();
        let ix = self.inventory.find_app(app, Some(environment));
        self.tell_team(now, ix, &set, text.clone(), lines, out);
        self.gates.forget_ended(now);
        self.gates
            .overrides
            .retain(|old| (&old.app, &old.environment) != (&set.app, &set.environment));
        self.gates.overrides.push(set);
        self.save_gates(now, text.clone(), out);
        Ok(Reply::ok(text))
    }

    /// A notice to the app's team; where it has none, to the contacts of its checks.
    fn tell_team(
        &mut self,
        now: Timestamp,
        app: Option<AppIx>,
        set: &Override,
        reason: String,
        lines: Vec<String>,
        out: &mut Effects,
    ) {
        let Some(ix) = app else {
            return;
        };
        let app = self.inventory.app(ix);
        let mut contacts: BTreeSet<_> = app.contacts.iter().copied().collect();
        if contacts.is_empty() {
            let checks = app
                .hosts
                .iter()
                .flat_map(|host| self.inventory.checks_of(*host))
                .chain(self.inventory.checks_instead_of_hosts(ix).iter().copied());
            contacts.extend(checks.flat_map(|obj| self.own_contacts(obj)));
        }
        let audience: Audience = self
            .people(contacts, now)
            .into_iter()
            .filter(|ix| self.inventory.contact(*ix).enabled)
            .map(|ix| Listener::new(ix, Urgency::Low))
            .collect();
        let mut message = compose::about_app(&set.app, Kind::Notice, reason, lines, now);
        message.dedup_key = format!("gate/{}/{}/{}", set.app, set.environment, now.millis());
        message.output.clone_from(&message.reason);
        message.author = Some(set.by.clone());
        message.comment = Some(set.reason.clone());
        self.deliver(None, &message, &audience, out);
    }

    pub(super) fn save_gates(&self, now: Timestamp, text: String, out: &mut Effects) {
        self.event(now, None, "gate", text, out);
        out.changes
            .push(Change::Gates(Box::new(self.gates.clone())));
    }
}

/// It began when the deploy had baked: named, but no reason to stop others (row 13).
pub(super) fn is_late(live: &LiveDeploy, problem: &Problem) -> bool {
    live.deploy
        .ended_at
        .is_some_and(|ended| ended + live.rules.bake < problem.onset_at)
}

fn shown(freeze: &SetFreeze) -> FreezeView {
    FreezeView {
        id: Some(freeze.id),
        of: freeze.reach.shown(),
        owner: freeze.owner.clone(),
        reason: freeze.reason.clone(),
        from: Some(freeze.from.to_string()),
        until: freeze.until.to_string(),
    }
}
