//! What else fails when a problem begins: looked up once, then read for each deploy that might be behind it.

use std::{
    cell::{OnceCell, RefCell},
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
    time::Duration,
};

use super::{
    facts::Case,
    live::LiveDeploy,
    scope::Relation,
    topic::{Line, Manner, Topic, Words},
};
use crate::{
    base::time::Timestamp,
    domain::model::objects::{AppIx, HostIx, ObjIx},
};

/// What begins this far apart begins together.
const TOGETHER: Duration = Duration::from_secs(180);
/// What fails for longer has nothing to do with today's deploys.
const LONG: Duration = Duration::from_secs(4 * 3600);
/// A cause on the same machine may be seen so much later than what it does.
const SEEN_LATER: Duration = Duration::from_secs(1800);
/// What failed by itself so lately may do so again.
const BY_ITSELF: Duration = Duration::from_secs(48 * 3600);
/// At most so many failing objects are read: where more fail, their number has spoken.
const MOST: usize = 256;
/// Hosts of one app that are looked at ...
const HOSTS: usize = 8;
/// ... and checks of each.
const CHECKS: usize = 32;

/// The scene of one problem.
#[derive(Debug)]
pub struct Around {
    /// Failing since about the same time: anywhere, and checks of the object's own host.
    together: Vec<ObjIx>,
    on_its_host: Vec<ObjIx>,
    /// Of what fails since some hours, with its beginning.
    failing: Vec<(ObjIx, Timestamp)>,
    /// When other objects of the object's own apps began to fail, before it.
    own_earlier: Vec<Timestamp>,
    /// What the object itself says.
    pub topic: Topic,
    pub manner: Manner,
    pub words: Words,
    /// Its machine's disk is full, and something else was asked.
    pub disk_is_full: bool,
    /// When problems of it ended that no deploy explained.
    ended_unexplained: Vec<Timestamp>,
    /// How apps are, looked up when first asked for: many deploys are weighed by the same few.
    apps: RefCell<BTreeMap<AppIx, Rc<AppLook>>>,
    witnesses: OnceCell<Vec<(ObjIx, Option<bool>)>>,
}

/// The checks of an app, on a sample of its hosts.
#[derive(Debug, Default)]
pub struct AppLook {
    /// Of one name each.
    checks: Vec<Named>,
}

#[derive(Debug)]
struct Named {
    /// The first of the failing ones, else any.
    obj: ObjIx,
    /// So many were measured.
    known: u32,
    /// Since when those fail that do.
    onsets: Vec<Timestamp>,
    /// The object that is asked about counts for `several_fail` alone.
    own_onset: Option<Timestamp>,
}

impl AppLook {
    fn new(case: &Case<'_>, app: AppIx) -> Self {
        let inventory = case.inventory;
        let mut checks: Vec<Named> = Vec::new();
        let mut by_name: HashMap<&str, usize> = HashMap::new();
        let hosts = &inventory.app(app).hosts;
        let on_hosts = hosts.iter().take(HOSTS).flat_map(|host| {
            let of_host = inventory.checks_of(*host).take(CHECKS);
            of_host.filter(|obj| inventory.apps_of(*obj).contains(&app))
        });
        let elsewhere = inventory.checks_instead_of_hosts(app);
        for obj in on_hosts.chain(elsewhere.iter().copied().take(HOSTS * CHECKS)) {
            let Some(check) = inventory.check(obj) else {
                continue;
            };
            let look = case.sight.look(obj);
            let at = *by_name.entry(&check.name).or_insert_with(|| {
                checks.push(Named {
                    obj,
                    known: 0,
                    onsets: Vec::new(),
                    own_onset: None,
                });
                checks.len() - 1
            });
            let named = &mut checks[at];
            if obj == case.obj {
                named.own_onset = Some(case.onset.first_bad);
            }
            if look.checked_at.is_none() {
                continue;
            }
            named.known += 1;
            if let Some(since) = look.bad_since {
                if named.onsets.is_empty() {
                    named.obj = obj;
                }
                named.onsets.push(since);
            }
        }
        Self { checks }
    }

    /// A check that fails on at least half of its hosts, all since `since` or later, and since when.
    pub fn fails(&self, since: Timestamp) -> Option<(ObjIx, Timestamp)> {
        self.checks.iter().find_map(|named| {
            let began = || named.onsets.iter().filter(|began| since <= **began);
            let bad = u32::try_from(began().count()).unwrap_or(u32::MAX);
            let is_half = 0 < bad && named.known <= bad.saturating_mul(2);
            is_half.then(|| began().min().map(|at| (named.obj, *at)))?
        })
    }

    /// Checks of two names fail, since `since` or later.
    pub fn several_fail(&self, since: Timestamp) -> bool {
        let fails = |named: &&Named| {
            let mut onsets = named.onsets.iter().chain(&named.own_onset);
            onsets.any(|began| since <= *began)
        };
        2 <= self.checks.iter().filter(fails).take(2).count()
    }
}

/// What of it bears on one deploy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    /// Other apps, not connected with the deploy, that began to fail together with the object; two stand for more.
    pub elsewhere: u8,
    /// So many checks of the machine itself began to fail as well; two stand for more.
    pub of_machine: u8,
    /// Something of the object's apps failed before the deploy began, and still does.
    pub before: bool,
}

impl Around {
    pub fn look(case: &Case<'_>) -> Self {
        let first_bad = case.onset.first_bad;
        let own_host = case.inventory.host_ix(case.obj);
        let own_apps = case.inventory.apps_of(case.obj);
        let shares_app = |obj: ObjIx| {
            let apps = case.inventory.apps_of(obj);
            apps.iter().any(|app| own_apps.contains(app))
        };
        let together: Vec<ObjIx> = case
            .sight
            .failing([first_bad - TOGETHER, first_bad + TOGETHER], MOST)
            .into_iter()
            .map(|(obj, _)| obj)
            .filter(|obj| *obj != case.obj)
            .collect();
        let on_its_host = together
            .iter()
            .copied()
            .filter(|obj| case.inventory.host_ix(*obj) == own_host && !case.inventory.is_host(*obj))
            .collect();
        let mut failing = case
            .sight
            .failing([first_bad - LONG, Timestamp(i64::MAX)], MOST);
        failing.retain(|(obj, _)| *obj != case.obj);
        let own_earlier = failing
            .iter()
            .filter(|(obj, since)| *since <= first_bad && shares_app(*obj))
            .map(|(_, since)| *since)
            .collect();
        let said = Line::of(case.sight.says(case.obj));
        let topic = said.topic();
        let disk_is_full = topic != Topic::Space
            && case.inventory.checks_of(own_host).any(|other| {
                case.sight
                    .look(other)
                    .bad_since
                    .is_some_and(|since| since <= first_bad + SEEN_LATER)
                    && Line::of(case.sight.says(other)).topic() == Topic::Space
            });
        Self {
            together,
            on_its_host,
            failing,
            own_earlier,
            topic,
            manner: said.manner(topic),
            words: Words::of(case.sight.says(case.obj)),
            disk_is_full,
            ended_unexplained: case.sight.ended_unexplained(case.obj),
            apps: RefCell::default(),
            witnesses: OnceCell::new(),
        }
    }

    /// How often it failed in the two days before `at`, with no deploy to explain it.
    pub fn failed_before(&self, at: Timestamp) -> usize {
        let lately = |end: &&Timestamp| at - BY_ITSELF <= **end && **end <= at;
        self.ended_unexplained.iter().filter(lately).count()
    }

    /// See [`Case::witnesses`]; looked up when first asked for.
    pub fn witnesses(&self, case: &Case<'_>) -> &[(ObjIx, Option<bool>)] {
        self.witnesses.get_or_init(|| case.witnesses())
    }

    /// Something of the deployed app has failed since the deploy began, on a host that it came to only later.
    pub fn fails_ahead(&self, case: &Case<'_>, live: &LiveDeploy, tolerance: Duration) -> bool {
        let inventory = case.inventory;
        let Some(app) = live.scope.app.filter(|_| !live.scope.touched.is_empty()) else {
            return false;
        };
        let began = live.deploy.started_at;
        // In order of their beginnings.
        let since = self.failing.partition_point(|(_, since)| *since < began);
        self.failing[since..].iter().any(|(obj, since)| {
            let came = live.scope.touched.get(&inventory.host_ix(*obj));
            came.is_some_and(|at| *since + tolerance < *at)
                && inventory.apps_of(*obj).contains(&app)
        })
    }

    /// How an app is.
    pub fn app(&self, case: &Case<'_>, app: AppIx) -> Rc<AppLook> {
        self.apps
            .borrow_mut()
            .entry(app)
            .or_insert_with(|| Rc::new(AppLook::new(case, app)))
            .clone()
    }

    /// What of it bears on `live`.
    pub fn of(&self, case: &Case<'_>, live: &LiveDeploy) -> Scene {
        let inventory = case.inventory;
        let own_host = inventory.host_ix(case.obj);
        let mut elsewhere: BTreeSet<AppIx> = BTreeSet::new();
        let mut scene = Scene {
            before: self
                .own_earlier
                .iter()
                .any(|since| *since < live.deploy.started_at),
            ..Scene::default()
        };
        for other in &self.together {
            match live.scope.relation(inventory, *other) {
                Some(Relation::Exact | Relation::Group | Relation::Dependency { .. }) => {}
                None | Some(Relation::Environment) => {
                    elsewhere.extend(inventory.apps_of(*other));
                }
            }
            if 2 <= elsewhere.len() {
                break;
            }
        }
        for other in &self.on_its_host {
            if is_of_machine(case, live, *other, own_host) {
                scene.of_machine = 2.min(scene.of_machine + 1);
            }
        }
        scene.elsewhere = u8::try_from(elsewhere.len().min(2)).unwrap_or(2);
        scene
    }
}

/// It says of no app that it measures it, although checks of the deployed app on the host do: it is about the machine.
pub fn is_of_machine(case: &Case<'_>, live: &LiveDeploy, obj: ObjIx, host: HostIx) -> bool {
    let inventory = case.inventory;
    inventory.rule(obj).app.is_none()
        && live.scope.app.is_some()
        && inventory
            .checks_of(host)
            .any(|other| inventory.rule(other).app == live.scope.app)
}
