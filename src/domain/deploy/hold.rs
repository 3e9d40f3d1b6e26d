//! May this page wait because a deploy explains it, and until when at most? Breakers forbid a hold or end it.
//! A hold is a debt with a due date: its deadline never moves later.

use std::time::Duration;

use super::{
    live::LiveDeploy,
    scope::Relation,
    window::{self, Window},
};
use crate::{
    base::time::{Timestamp, show_duration},
    domain::model::{
        deploy::{Deploy, Phase},
        objects::{Inventory, ObjIx},
        state::State,
    },
};

/// After a hold on an object ended, no other hold on it for this long.
pub const HOLD_AGAIN_AFTER: Duration = Duration::from_secs(600);
/// This many objects outside a deploy's scope failing at once mean that it is not the deploy.
pub const OUTSIDE_LIMIT: usize = 2;
/// What begins this far apart may have one cause: checks see it at different times.
pub const TOGETHER: Duration = Duration::from_secs(300);
/// At least this many of an app's objects ...
pub const APP_LIMIT: usize = 3;
/// ... and at least this share of them, in percent, bad at once end every hold of its deploys.
pub const APP_SHARE: usize = 30;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    pub obj: ObjIx,
    pub now: Timestamp,
    pub state: State,
    pub first_bad: Timestamp,
    pub hard_at: Timestamp,
    /// Starts of the last two results, newest first.
    pub recent: [Timestamp; 2],
    /// When the last hold on this object ended.
    pub last_hold_ended: Option<Timestamp>,
    /// The wall clock jumped a short while ago.
    pub clock_suspect: bool,
}

/// How things stand around a deploy: hard problems that began after it.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Outside the deploy's scope.
    pub outside: usize,
    /// In its scope: all, and the most of one check's name, each beside how many objects there are.
    pub inside: (usize, usize),
    pub alike: (usize, usize),
    /// A user-facing probe ([`crate::domain::model::objects::Rule::external`]) that is CRITICAL in its reach.
    pub probe: Option<String>,
    /// How many deploys run in its environment, where that is a storm.
    pub storm: Option<usize>,
    /// Who told of it is silent, so that its end may never be told.
    pub silence: Option<String>,
}

/// So many of so many objects bad at once are no blip.
const fn is_outage((bad, all): (usize, usize)) -> bool {
    APP_LIMIT <= bad && all * APP_SHARE <= bad * 100
}

impl Surroundings {
    /// Why no hold of this deploy may live on; None: nothing speaks against it.
    pub fn breaker(&self) -> Option<String> {
        if OUTSIDE_LIMIT <= self.outside {
            return Some(format!(
                "{} objects outside the deploy's scope fail too",
                self.outside
            ));
        }
        if let Some(probe) = &self.probe {
            return Some(format!("users feel it: {probe} fails"));
        }
        let (bad, all) = [self.alike, self.inside]
            .into_iter()
            .find(|part| is_outage(*part))?;
        Some(format!(
            "{bad} of {all} objects in its scope are bad at once"
        ))
    }
}

/// Why a deploy does not hold a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub why: String,
    /// It forbids other deploys to hold it as well: this one may have broken something, and people must know.
    pub veto: bool,
}

/// A hold to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub deadline: Timestamp,
    pub why: String,
}

/// None: this deploy has nothing to do with it.
pub fn consider(
    inventory: &Inventory,
    live: &LiveDeploy,
    request: &Request,
    around: &dyn Fn() -> Surroundings,
) -> Option<Result<Plan, Refusal>> {
    let deploy = &live.deploy;
    let severity = request.state.severity();
    let relation = live.scope.relation(inventory, request.obj)?;
    let window = live.window(inventory, request.obj, request.now);
    if !matches!(window, Window::Active | Window::Settling | Window::Baking) {
        return None;
    }
    match place(inventory, live, request, relation, window) {
        Place::Nothing => return None,
        Place::No { why, veto } => return Some(Err(Refusal { why, veto })),
        Place::Yes => {}
    }
    let refuse = |why: &str, veto| {
        let why = format!("{}: not held: {why}", deploy.id);
        Some(Err(Refusal { why, veto }))
    };
    if may_not(deploy) {
        return refuse(MAY_NOT, false);
    }
    if live.scope.app.is_some_and(|app| !inventory.app(app).hold) {
        return refuse("its app does without holds (hold = false)", false);
    }
    if let Some(why) = forbidden(inventory, request.obj, request.state) {
        return refuse(why, true);
    }
    if let Some(why) = too_soon(request) {
        return refuse(&why, true);
    }
    let around = around();
    if let Some(why) = around.breaker() {
        return refuse(&why, true);
    }
    if let Some(why) = &around.silence {
        return refuse(why, false);
    }
    let longest = longest(live, severity, around.storm.is_some());
    if longest.is_zero() {
        let kind = kind(severity);
        let class = class_and_why(deploy);
        // Row 4: beside a risky deploy, a harmless one is no excuse.
        return refuse(&format!("risk class {class} holds no {kind}"), true);
    }
    let deadline = deadline(inventory, live, request, longest);
    if deadline <= request.now {
        return refuse("the longest hold is over already", false);
    }
    let storm = around.storm.map_or_else(String::new, |running| {
        format!(" and {running} deploys run in its environment")
    });
    let why = format!(
        "{} of {} is {}{storm}; a blip is expected, so it is judged again at {}",
        deploy.id,
        live.what(),
        match window {
            Window::Active => "running",
            Window::Settling => "settling",
            Window::Baking | Window::LookBack | Window::Closed => "baking",
        },
        deadline
    );
    Some(Ok(Plan { deadline, why }))
}

/// Somebody told of it who may keep nothing of its app quiet. What else is told of it makes no difference: whoever is
/// not trusted can only make noise.
pub fn may_not(deploy: &Deploy) -> bool {
    deploy.events.iter().any(|event| event.no_hold)
}

/// Why what it touched may be half done, if so (rows 19, 21 and 24).
const fn broken_off(deploy: &Deploy) -> Option<&'static str> {
    match deploy.phase {
        Phase::Failed => Some("it failed"),
        Phase::Cancelled => Some("it was called off"),
        Phase::Lost => Some("it was never heard of again"),
        _ => None,
    }
}

/// Whether no other deploy may hold what this one reached. One that was called off is as a rule followed by another at once,
/// whose blips are its own; and who may hold nothing has no say in what others hold.
fn breaks_holds(deploy: &Deploy) -> bool {
    matches!(deploy.phase, Phase::Failed | Phase::Lost) && !may_not(deploy)
}

/// Why, then.
pub const MAY_NOT: &str = "who told of it may not hold anything of this app";

enum Place {
    Yes,
    No { why: String, veto: bool },
    Nothing,
}

/// Does the decision table let this place and time hold at all?
fn place(
    inventory: &Inventory,
    live: &LiveDeploy,
    request: &Request,
    relation: Relation,
    window: Window,
) -> Place {
    let deploy = &live.deploy;
    let refuse = |why: &str, veto| Place::No {
        why: format!("{}: not held: {why}", deploy.id),
        veto,
    };
    let no = |why: &str| refuse(why, false);
    match relation {
        Relation::Environment => return Place::Nothing,
        // Row 7: the user already feels it.
        Relation::Dependency { .. } => {
            return no("it is not what is deployed, only connected with it");
        }
        Relation::Exact | Relation::Group => {}
    }
    // Stricter than attribution: no tolerance, since a wrong hold delays a page.
    if request.first_bad < deploy.started_at {
        return no("it was failing before the deploy started");
    }
    if deploy.start_guessed {
        return no("the deploy's start was never told");
    }
    // Rows 31 and 32: a machine that is gone is no blip of an application, unless its reboot was declared.
    if inventory.is_host(request.obj) && !deploy.declares_reboot() {
        return no("a host that is down is told at once, unless the deploy declares a reboot");
    }
    let host = inventory.host_ix(request.obj);
    if runs_others(inventory, live, request.obj) {
        return no("its host runs other apps than the one deployed");
    }
    if relation == Relation::Group && !live.scope.touched.contains_key(&host) {
        // What else is on a host that it deploys to may have broken with it.
        let is_broken =
            breaks_holds(deploy) || longest(live, request.state.severity(), false).is_zero();
        let veto = is_broken && live.scope.targets.contains(&host) && live.scope.touched.is_empty();
        return refuse("its host is not in the batch being deployed", veto);
    }
    let Some(touched) = live.scope.touched_at(deploy, host) else {
        return no("its host was not updated yet");
    };
    if let Some(why) = broken_off(deploy) {
        return refuse(why, breaks_holds(deploy));
    }
    // The steps say when this host was restarted. Bad long after that is a regression, though others are still updated.
    let started_up = touched + live.start_up(inventory, request.obj);
    let is_restarting = live.scope.touched.is_empty() || request.first_bad <= started_up;
    if comes_up_until(inventory, live, request.obj).is_some_and(|until| request.now < until) {
        return Place::Yes;
    }
    match window {
        Window::Active if is_restarting => Place::Yes,
        Window::Settling
            if deploy
                .ended_at
                .is_none_or(|ended| request.recent[1] < ended) =>
        {
            Place::Yes
        }
        // Row 12: a warning goes to the deployer first; the page follows at the deadline.
        Window::Active | Window::Settling | Window::Baking if request.state == State::Warning => {
            Place::Yes
        }
        Window::Active => no("its host was updated before, and worked since then"),
        Window::Settling | Window::Baking => {
            no("the deploy has ended and the results since then are bad")
        }
        Window::LookBack | Window::Closed => Place::Nothing,
    }
}

/// The end of the time that a host needs to come up after it was restarted: by its step, or at the latest when the deploy
/// ended. None: the deploy has not ended, or not well. It may end a moment after its last step, and its last host comes up as
/// slowly as its first.
pub fn comes_up_until(inventory: &Inventory, live: &LiveDeploy, obj: ObjIx) -> Option<Timestamp> {
    let touched = if live.scope.touched.is_empty() {
        live.deploy.ended_at?
    } else {
        *live.scope.touched.get(&inventory.host_ix(obj))?
    };
    (live.deploy.phase == Phase::Finished).then(|| touched + live.start_up(inventory, obj))
}

/// The object's host is known to run other apps than the one deployed, and the object does not name that one itself: a
/// mistyped app or environment explains nothing there.
pub fn runs_others(inventory: &Inventory, live: &LiveDeploy, obj: ObjIx) -> bool {
    if live.scope.app.is_some() && inventory.rule(obj).app == live.scope.app {
        return false;
    }
    let apps = &inventory.host(inventory.host_ix(obj)).apps;
    !apps.is_empty() && live.scope.app.is_none_or(|app| !apps.contains(&app))
}

/// What no deploy may hold, whatever else is so.
pub fn forbidden(inventory: &Inventory, obj: ObjIx, state: State) -> Option<&'static str> {
    let rule = inventory.rule(obj);
    if rule.always_page {
        return Some("always_page is set");
    }
    if rule.external && 2 <= state.severity() {
        return Some("it is a user-facing probe (external)");
    }
    // Each bad result of a volatile check is an event of its own; an OK after it is no recovery.
    rule.volatile.then_some("it is volatile")
}

/// Breakers that lie in what happened a short while ago.
fn too_soon(request: &Request) -> Option<String> {
    if request.clock_suspect {
        return Some("this machine's clock jumped a short while ago".to_owned());
    }
    let ended = request.last_hold_ended?;
    (request.now < ended + HOLD_AGAIN_AFTER).then(|| {
        format!(
            "another hold on it ended {} ago",
            show_duration(Duration::from_secs(request.now.since(ended).as_secs()))
        )
    })
}

/// What the risk class allows; in a storm half of it: the more is changed at once, the less one deploy explains.
pub fn longest(live: &LiveDeploy, severity: u8, is_storm: bool) -> Duration {
    let longest = if 2 <= severity {
        live.rules.hold_critical
    } else {
        live.rules.hold_warning
    };
    if is_storm { longest / 2 } else { longest }
}

const fn kind(severity: u8) -> &'static str {
    if 2 <= severity { "CRITICAL" } else { "WARNING" }
}

/// The earliest of: class hold from the first hard state, ceiling from the first bad result, settled, overdue.
fn deadline(
    inventory: &Inventory,
    live: &LiveDeploy,
    request: &Request,
    longest: Duration,
) -> Timestamp {
    let mut deadline = (request.hard_at + longest).min(request.first_bad + live.rules.ceiling);
    if let Some(limit) = limit(inventory, live, request.obj, request.state.severity()) {
        deadline = deadline.min(limit);
    }
    deadline
}

/// The latest instant a hold of this deploy may reach as the deploy stands now; asked again whenever the deploy changes.
pub fn limit(
    inventory: &Inventory,
    live: &LiveDeploy,
    obj: ObjIx,
    severity: u8,
) -> Option<Timestamp> {
    match live.deploy.ended_at {
        Some(ended) if 2 <= severity => {
            let settled = ended + super::live::settle(inventory, obj);
            Some(comes_up_until(inventory, live, obj).map_or(settled, |until| until.max(settled)))
        }
        Some(ended) => Some(ended + 2 * live.rules.bake),
        None => window::overdue_at(&live.deploy, &live.rules),
    }
}
/// `high (it changes a schema)`; what was told or configured as such needs no word.
fn class_and_why(deploy: &Deploy) -> String {
    let name = deploy.risk.name();
    match &*deploy.risk_why {
        "" | "told with the deploy" | "the class of the app" => name.to_owned(),
        why => format!("{name} ({why})"),
    }
}
