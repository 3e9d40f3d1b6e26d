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
    domain::model::objects::{Inventory, ObjIx},
};

/// After a hold on an object ended, no other hold on it for this long.
pub const HOLD_AGAIN_AFTER: Duration = Duration::from_secs(600);
/// This many objects outside a deploy's scope failing at once mean that it is not the deploy.
pub const OUTSIDE_LIMIT: usize = 2;
/// At least this many of an app's objects ...
pub const APP_LIMIT: usize = 3;
/// ... and at least this share of them, in percent, bad at once end every hold of its deploys.
pub const APP_SHARE: usize = 30;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    pub obj: ObjIx,
    pub now: Timestamp,
    /// 1 WARNING, UNKNOWN; 2 CRITICAL, DOWN.
    pub severity: u8,
    pub first_bad: Timestamp,
    pub hard_at: Timestamp,
    /// Starts of the last two results, newest first.
    pub recent: [Timestamp; 2],
    /// When the last hold on this object ended.
    pub last_hold_ended: Option<Timestamp>,
    /// The wall clock jumped a short while ago.
    pub clock_suspect: bool,
}

/// How things stand around a deploy.
#[derive(Clone, Copy, Debug, Default)]
pub struct Surroundings {
    /// Hard problems outside the deploy's scope that began after it.
    pub outside: usize,
    /// Hard problems among the app's objects that began after it, and how many objects the app has.
    pub app_bad: usize,
    pub app_all: usize,
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
        if APP_LIMIT <= self.app_bad && self.app_all * APP_SHARE <= self.app_bad * 100 {
            return Some(format!(
                "{} of {} objects of the app are bad at once",
                self.app_bad, self.app_all
            ));
        }
        None
    }
}

/// A hold to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub deadline: Timestamp,
    pub why: String,
}

/// Err: why this deploy may not hold it; None: it has nothing to do with it.
pub fn consider(
    inventory: &Inventory,
    live: &LiveDeploy,
    request: &Request,
    around: &dyn Fn() -> Surroundings,
) -> Option<Result<Plan, String>> {
    let deploy = &live.deploy;
    let relation = live.scope.relation(inventory, request.obj)?;
    let window = live.window(inventory, request.obj, request.now);
    if !matches!(window, Window::Active | Window::Settling | Window::Baking) {
        return None;
    }
    match place(inventory, live, request, relation, window) {
        Place::Nothing => return None,
        Place::No(why) => return Some(Err(why)),
        Place::Yes => {}
    }
    if let Some(why) = forbidden(inventory, request).or_else(|| around().breaker()) {
        return Some(Err(format!("{}: not held: {why}", deploy.id)));
    }
    let longest = longest(live, request.severity);
    if longest.is_zero() {
        return Some(Err(format!(
            "{}: not held: risk class {} holds no {}",
            deploy.id,
            deploy.risk.name(),
            kind(request.severity)
        )));
    }
    let deadline = deadline(inventory, live, request, longest);
    if deadline <= request.now {
        return Some(Err(format!(
            "{}: not held: the longest hold is over already",
            deploy.id
        )));
    }
    let why = format!(
        "{} of {} is {}; a blip is expected, so it is judged again at {}",
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

enum Place {
    Yes,
    No(String),
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
    let no = |why: &str| Place::No(format!("{}: not held: {why}", deploy.id));
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
    let host = inventory.host_ix(request.obj);
    if relation == Relation::Group && !live.scope.touched.contains_key(&host) {
        return no("its host is not in the batch being deployed");
    }
    if live.scope.touched_at(deploy, host).is_none() {
        return no("its host was not updated yet");
    }
    match window {
        Window::Active => Place::Yes,
        Window::Settling
            if deploy
                .ended_at
                .is_none_or(|ended| request.recent[1] < ended) =>
        {
            Place::Yes
        }
        // Row 12: a warning goes to the deployer first; the page follows at the deadline.
        Window::Settling | Window::Baking if request.severity < 2 => Place::Yes,
        Window::Settling | Window::Baking => {
            no("the deploy has ended and the results since then are bad")
        }
        Window::LookBack | Window::Closed => Place::Nothing,
    }
}

/// Breakers that lie in the object itself.
fn forbidden(inventory: &Inventory, request: &Request) -> Option<String> {
    let rule = inventory.rule(request.obj);
    if rule.always_page {
        return Some("always_page is set".to_owned());
    }
    if rule.external && 2 <= request.severity {
        return Some("it is a user-facing probe (external)".to_owned());
    }
    if request.clock_suspect {
        return Some("this machine's clock jumped a short while ago".to_owned());
    }
    if let Some(ended) = request.last_hold_ended
        && request.now < ended + HOLD_AGAIN_AFTER
    {
        return Some(format!(
            "another hold on it ended {} ago",
            show_duration(Duration::from_secs(request.now.since(ended).as_secs()))
        ));
    }
    None
}

fn longest(live: &LiveDeploy, severity: u8) -> Duration {
    if 2 <= severity {
        live.rules.hold_critical
    } else {
        live.rules.hold_warning
    }
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
    if let Some(limit) = limit(inventory, live, request.obj, request.severity) {
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
        Some(ended) if 2 <= severity => Some(ended + super::live::settle(inventory, obj)),
        Some(ended) => Some(ended + 2 * live.rules.bake),
        None => window::overdue_at(&live.deploy, &live.rules),
    }
}
