//! What became of a day, or of a deploy, told from stored rows alone: what was held, what was paged, what stayed silent.
//! The same rows give the same digest whenever they are asked for.

mod daily;
mod words;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use daily::{Daily, Days, day_span, parse_day};
pub use words::{headline, lines};

use crate::{
    base::time::Timestamp,
    domain::model::{
        deploy::{Deploy, Hold, HoldEndHow, Phase, Verdict},
        status::{End, Problem},
    },
};

/// A check that blips under so many deploys within a week is worth a word.
const BLIPS_FROM: usize = 3;

/// The rows that a digest is made of. More than it needs does no harm: what does not belong is left out.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    pub problems: Vec<Problem>,
    pub holds: Vec<Hold>,
    pub deploys: Vec<Deploy>,
    /// How many notifications were decided in the span, by [`super::model::message::Kind::name`].
    pub told: BTreeMap<String, u64>,
    /// There were more rows than can be read at once.
    pub cut: bool,
}

/// What a digest is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// In words: `2026-03-02`, `the last 1d`, `deploy D-417`.
    pub about: String,
    /// This deploy alone.
    pub deploy: Option<String>,
    pub from: Timestamp,
    /// The first instant that does not belong any more.
    pub until: Timestamp,
    /// Name of the zone whose clocks people read; empty: the machine's own.
    pub timezone: String,
    /// Rows from before this were deleted ([retention] history).
    pub kept_since: Timestamp,
}

/// What happened, by deploy. Times are RFC 3339, spans whole seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    pub about: String,
    pub from: String,
    pub until: String,
    pub timezone: String,
    /// In the order they started.
    pub deploys: Vec<DeployPart>,
    /// What no deploy is the suspect of.
    pub without_deploy: Part,
    /// Notifications that were decided, by kind; empty in the digest of one deploy.
    pub told: BTreeMap<String, u64>,
    /// Checks that recovered while held under many deploys of the week before the end.
    pub blips: Vec<Blip>,
    /// What a reader should know of the digest itself, in sentences.
    pub notes: Vec<String>,
    /// Neither a deploy nor a problem nor a notification.
    pub nothing: bool,
}

/// One deploy, and what is put down to it or was held for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployPart {
    pub id: String,
    pub app: String,
    pub environment: String,
    pub version: Option<String>,
    pub actors: Vec<String>,
    pub risk: String,
    pub risk_why: String,
    pub phase: String,
    pub started: String,
    pub ended: Option<String>,
    /// `clean`, `regressed`, `inconclusive`; None while it bakes.
    pub verdict: Option<String>,
    pub verdict_why: Vec<String>,
    /// Numbers that got worse or cannot be compared, in sentences.
    pub numbers: Vec<String>,
    #[serde(flatten)]
    pub part: Part,
}

/// Problems by what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Holds that began.
    pub held: usize,
    pub recovered_in_hold: Vec<Trouble>,
    pub paged: Vec<Trouble>,
    /// Over without a page: acknowledged, in a downtime, covered by another page, or filtered; the reason is stored.
    pub silent: Vec<Trouble>,
    /// Not over at the end, and nobody was told.
    pub open: Vec<Trouble>,
    /// Holds that hid nothing: the page came all the same, so many seconds later.
    pub only_delayed: Vec<u64>,
    /// Paged before, and still bad at the end.
    pub lasting: usize,
}

impl Part {
    /// Nothing happened.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One problem.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    pub object: String,
    pub state: String,
    /// Of the first bad result.
    pub since: String,
    pub ended: Option<String>,
    /// How long it was bad, in seconds; None: it still is.
    pub lasted: Option<u64>,
    /// How long it was held in all, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paged: Option<String>,
    /// The key of its page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// Why nobody was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A check that blips at most deploys of an app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blip {
    pub object: String,
    pub app: String,
    pub environment: String,
    /// Deploys under which it recovered while held.
    pub blipped: usize,
    /// All deploys of the app in that week.
    pub deploys: usize,
}

/// Makes the digest of `scope` from `rows`.
pub fn digest(rows: &Rows, scope: &Scope) -> Digest {
    let mut parts: BTreeMap<Option<&str>, Part> = BTreeMap::new();
    let mut holds: BTreeMap<u64, Vec<&Hold>> = BTreeMap::new();
    let within = |at: Timestamp| scope.from <= at && at < scope.until;
    for hold in &rows.holds {
        holds.entry(hold.problem).or_default().push(hold);
        if !within(hold.began_at) {
            continue;
        }
        let part = parts.entry(Some(&hold.deploy)).or_default();
        part.held += 1;
        if let Some(end) = hold
            .ended
            .as_ref()
            .filter(|end| end.how == HoldEndHow::Paged)
        {
            part.only_delayed
                .push(end.at.since(hold.began_at).as_secs());
        }
    }
    for problem in &rows.problems {
        let held = holds.get(&problem.id).map_or(&[][..], Vec::as_slice);
        let part = || owner(problem, held);
        let over = problem.recovered_at.filter(|at| *at < scope.until);
        let trouble = || trouble(problem, held, scope.until);
        match (&problem.page, &problem.end) {
            (Some(page), _) if within(page.at) => {
                parts.entry(part()).or_default().paged.push(trouble());
            }
            (Some(page), _) if page.at < scope.from && over.is_none() => {
                parts.entry(part()).or_default().lasting += 1;
            }
            // Paged later, or over before: of another day.
            (Some(_), _) => {}
            (None, Some(End::RecoveredHeld(_))) if over.is_some_and(within) => {
                parts
                    .entry(part())
                    .or_default()
                    .recovered_in_hold
                    .push(trouble());
            }
            (None, _) if over.is_some_and(within) => {
                parts.entry(part()).or_default().silent.push(trouble());
            }
            (None, _)
                if over.is_none()
                    && problem.first_bad_at < scope.until
                    && problem.hold.is_none() =>
            {
                parts.entry(part()).or_default().open.push(trouble());
            }
            (None, _) => {}
        }
    }
    let known: BTreeSet<&str> = rows.deploys.iter().map(|deploy| &*deploy.id).collect();
    let mut deploys: Vec<DeployPart> = Vec::new();
    let mut started: Vec<&Deploy> = rows.deploys.iter().collect();
    started.sort_by_key(|deploy| (deploy.started_at, &deploy.id));
    for deploy in started {
        let part = parts.remove(&Some(&*deploy.id));
        let is_asked = scope.deploy.as_deref() == Some(&*deploy.id);
        if part.is_some() || within(deploy.started_at) && deploy.phase != Phase::Planned || is_asked
        {
            deploys.push(deploy_part(deploy, part.unwrap_or_default()));
        }
    }
    let without_deploy = parts.remove(&None).unwrap_or_default();
    // Their rows are older than what is kept, or were not read.
    for (id, part) in parts {
        let id = id.unwrap_or_default();
        debug_assert!(!known.contains(id), "taken above");
        deploys.push(DeployPart {
            id: id.to_owned(),
            part,
            ..DeployPart::default()
        });
    }
    let mut digest = Digest {
        about: scope.about.clone(),
        from: scope.from.to_string(),
        until: scope.until.to_string(),
        timezone: scope.timezone.clone(),
        deploys,
        without_deploy,
        told: rows.told.clone(),
        blips: blips(rows, scope.until),
        notes: Vec::new(),
        nothing: false,
    };
    if let Some(wanted) = &scope.deploy {
        digest.deploys.retain(|part| part.id == *wanted);
        digest.without_deploy = Part::default();
        digest.told.clear();
        digest.blips.clear();
    }
    digest.nothing =
        digest.deploys.is_empty() && digest.without_deploy.is_empty() && digest.told.is_empty();
    if scope.from < scope.kept_since {
        digest.notes.push(format!(
            "rows from before {} were deleted ([retention] history), so this is not all that happened",
            scope.kept_since
        ));
    }
    if rows.cut {
        digest
            .notes
            .push("there were more rows than are read at once; ask for a shorter time".to_owned());
    }
    digest
}

/// The deploy that a problem belongs to: the one that hid it, else the page's first suspect, else the one it was held for.
fn owner<'a>(problem: &'a Problem, holds: &[&'a Hold]) -> Option<&'a str> {
    if let Some(End::RecoveredHeld(deploy)) = &problem.end {
        return Some(deploy);
    }
    match &problem.page {
        Some(page) => page
            .attribution
            .suspects
            .first()
            .filter(|_| page.attribution.verdict != Verdict::None)
            .map(|suspect| &*suspect.id),
        None => holds.last().map(|hold| &*hold.deploy),
    }
}

fn trouble(problem: &Problem, holds: &[&Hold], until: Timestamp) -> Trouble {
    let over = problem.recovered_at.filter(|at| *at < until);
    let held: u64 = holds
        .iter()
        .filter_map(|hold| Some(hold.ended.as_ref()?.at.since(hold.began_at).as_secs()))
        .sum();
    let page = problem.page.as_ref();
    let reason = match (&problem.end, page) {
        (_, Some(_)) | (Some(End::RecoveredHeld(_) | End::Paged), None) => None,
        (Some(End::Merged(key)), None) => Some(format!("covered by the page of {key}")),
        (Some(End::Human(why) | End::Silent(why)), None) => Some(why.clone()),
        (None, None) => Some(
            problem
                .silent_because
                .clone()
                .unwrap_or_else(|| "nobody was to be told yet".to_owned()),
        ),
    };
    Trouble {
        object: problem.object.to_string(),
        state: problem.state.name().to_owned(),
        since: problem.first_bad_at.to_string(),
        ended: over.map(|at| at.to_string()),
        lasted: over.map(|at| at.since(problem.first_bad_at).as_secs()),
        held: (!holds.is_empty()).then_some(held),
        paged: page.map(|page| page.at.to_string()),
        page: page.map(|page| page.key.clone()),
        reason,
    }
}

fn deploy_part(deploy: &Deploy, part: Part) -> DeployPart {
    DeployPart {
        id: deploy.id.clone(),
        app: deploy.app.clone(),
        environment: deploy.environment.clone(),
        version: deploy.version.clone(),
        actors: deploy.actors.clone(),
        risk: deploy.risk.name().to_owned(),
        risk_why: deploy.risk_why.clone(),
        phase: deploy.phase.name().to_owned(),
        started: deploy.started_at.to_string(),
        ended: deploy.ended_at.map(|at| at.to_string()),
        verdict: deploy.verdict.clone(),
        verdict_why: deploy.verdict_why.clone(),
        numbers: deploy
            .shifts
            .iter()
            .map(|shift| shift.text.clone())
            .collect(),
        part,
    }
}

/// Objects that blipped under at least three deploys of the week before `until`, and under half of the app's.
fn blips(rows: &Rows, until: Timestamp) -> Vec<Blip> {
    let from = until - WEEK;
    let within = |at: Timestamp| from <= at && at < until;
    let apps: BTreeMap<&str, (&str, &str)> = rows
        .deploys
        .iter()
        .map(|deploy| (&*deploy.id, (&*deploy.app, &*deploy.environment)))
        .collect();
    let mut deploys: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for deploy in &rows.deploys {
        if deploy.happened() && deploy.rollback_of.is_none() && within(deploy.started_at) {
            *deploys
                .entry((&deploy.app, &deploy.environment))
                .or_default() += 1;
        }
    }
    let mut blipped: BTreeMap<(String, &str, &str), BTreeSet<&str>> = BTreeMap::new();
    for hold in rows.holds.iter().filter(|hold| within(hold.began_at)) {
        let recovered = hold
            .ended
            .as_ref()
            .is_some_and(|end| end.how == HoldEndHow::Recovered);
        if let (true, Some((app, environment))) = (recovered, apps.get(&*hold.deploy)) {
            blipped
                .entry((hold.object.to_string(), app, environment))
                .or_default()
                .insert(&hold.deploy);
        }
    }
    let mut blips: Vec<Blip> = blipped
        .into_iter()
        .filter_map(|((object, app, environment), under)| {
            let all = deploys.get(&(app, environment)).copied().unwrap_or(0);
            let all = all.max(under.len());
            (BLIPS_FROM <= under.len() && all <= 2 * under.len()).then(|| Blip {
                object,
                app: app.to_owned(),
                environment: environment.to_owned(),
                blipped: under.len(),
                deploys: all,
            })
        })
        .collect();
    blips.sort_by(|a, b| {
        b.blipped
            .cmp(&a.blipped)
            .then_with(|| a.object.cmp(&b.object))
    });
    blips
}

/// How far back checks that blip are looked for.
pub const WEEK: std::time::Duration = std::time::Duration::from_secs(7 * 86_400);
