//! What the engine learns from deploys, and what it does with it: see `domain::deploy::habit`.

use super::{core::Engine, effect::Effects};
use crate::{
    base::time::Timestamp,
    domain::{
        deploy::{
            habit::{self, Usual},
            live::LiveDeploy,
            scope::Relation,
        },
        model::{
            change::Change,
            deploy::{Deploy, Phase},
            habit::Habit,
            objects::ObjIx,
        },
    },
};

impl Engine {
    /// A deploy, resolved, with what is known of its app.
    pub(super) fn enliven(&self, deploy: Deploy) -> LiveDeploy {
        let key = (deploy.app.clone(), deploy.environment.clone());
        let usual = self.habits.get(&key).map(Usual::of).unwrap_or_default();
        LiveDeploy::new(&self.inventory, deploy, usual)
    }

    /// A problem recovered: was it the blip of a restart?
    pub(super) fn learn_from_recovery(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        row: u64,
        out: &mut Effects,
    ) {
        let Some(problem) = self.problems.get(&row) else {
            return;
        };
        let began = problem.first_bad_at;
        let host = self.inventory.host_ix(obj);
        let Some(check) = self.inventory.check(obj).map(|check| check.name.clone()) else {
            return;
        };
        let touches = |live: &LiveDeploy| {
            live.scope
                .touched_at(&live.deploy, host)
                .filter(|_| live.scope.relation(&self.inventory, obj) == Some(Relation::Exact))
        };
        // The last deploy that came to the host before, if no other came since: that would be the cure.
        let mut last: Option<(&LiveDeploy, Timestamp)> = None;
        for live in self.deploys_near(obj) {
            let Some(at) = touches(live) else { continue };
            if began < at && at <= now {
                return;
            }
            if at <= began && last.is_none_or(|(_, before)| before < at) {
                last = Some((live, at));
            }
        }
        let Some((live, touched)) = last else { return };
        let is_well = matches!(
            live.deploy.phase,
            Phase::Finished | Phase::Started | Phase::Step
        );
        let late = live.deploy.ended_at.unwrap_or(now).max(touched) + habit::LONGEST_BLIP;
        if !is_well || late < began || problem.cleared.contains(&live.deploy.id) {
            return;
        }
        let (app, environment) = (live.deploy.app.clone(), live.deploy.environment.clone());
        let lasted = now.since(began);
        self.learn(&app, &environment, out, |habit| {
            habit::learn_blip(habit, &check, lasted);
        });
    }

    /// A deploy's bake is over. Answers how many deploys in a row hid nothing, where that is worth a word.
    pub(super) fn learn_from_deploy(
        &mut self,
        id: &str,
        hid: bool,
        out: &mut Effects,
    ) -> Option<u32> {
        let live = self.deploys.get(id)?;
        let deploy = &live.deploy;
        let ended = deploy
            .ended_at
            .filter(|_| deploy.phase == Phase::Finished)?;
        if deploy.start_guessed {
            return None;
        }
        let lasted = ended.since(deploy.started_at);
        let may_hold = !live.rules.hold_critical.is_zero() || !live.rules.hold_warning.is_zero();
        let (app, environment) = (deploy.app.clone(), deploy.environment.clone());
        self.learn(&app, &environment, out, |habit| {
            habit::learn_deploy(habit, lasted, hid);
        });
        let quiet = self.habits.get(&(app, environment))?.quiet;
        (may_hold && 0 < quiet && quiet.is_multiple_of(habit::QUIET_DEPLOYS)).then_some(quiet)
    }

    fn learn(
        &mut self,
        app: &str,
        environment: &str,
        out: &mut Effects,
        how: impl FnOnce(&mut Habit),
    ) {
        // Only of apps that are configured: a mistyped name must not fill the memory.
        if self.inventory.find_app(app, Some(environment)).is_none() {
            return;
        }
        let habit = self
            .habits
            .entry((app.to_owned(), environment.to_owned()))
            .or_insert_with(|| Habit {
                app: app.to_owned(),
                environment: environment.to_owned(),
                ..Habit::default()
            });
        how(habit);
        out.changes.push(Change::Habit(Box::new(habit.clone())));
    }
}
