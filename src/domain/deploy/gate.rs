//! The gate of an app in an environment: open or shut, why, whose problem it is, and what would open it.
//!
//! It judges what the engine found; it looks at nothing itself. In doubt it stays open: a gate that shuts for other
//! people's problems is soon overridden by habit.

use serde::{Deserialize, Serialize};

use super::scope::Relation;
use crate::{
    base::time::Timestamp,
    domain::model::{deploy::GateOn, gate::Override, state::State},
};

/// Reasons told in one sentence.
const TOLD: usize = 3;

/// An open hard problem that has to do with a deploy of the app.
#[derive(Clone, Debug)]
pub struct Found {
    /// `web1/http`.
    pub object: String,
    pub state: State,
    pub since: Timestamp,
    /// The dedup key of its page, once there is one.
    pub page: Option<String>,
    pub deploy: Culprit,
    pub tie: Tie,
    /// A person said that this deploy did not cause it.
    pub cleared: bool,
    /// Planned quiet time.
    pub in_downtime: bool,
}

/// The deploy of the app that asks.
#[derive(Clone, Debug)]
pub struct Culprit {
    pub id: String,
    pub gate_on: GateOn,
    pub actors: Vec<String>,
}

/// How the problem and the deploy belong together.
#[derive(Clone, Debug)]
pub enum Tie {
    /// The deploy leads the suspects; `alone`: no other is as likely.
    Suspect {
        alone: bool,
        exact: bool,
        /// What its updated hosts say against the others: +1 speaks against the deploy.
        vote: i8,
        /// It began after the deploy's bake.
        late: bool,
    },
    /// The page waits for this deploy until then.
    Held { until: Timestamp },
    /// The app's last deploy failed, and this began in its scope and is still there.
    Survivor,
}

/// A freeze that stands now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreezeView {
    /// Its number, where it was set at run time.
    pub id: Option<u64>,
    /// `shop in production`.
    pub of: String,
    pub owner: String,
    pub reason: String,
    pub from: Option<String>,
    pub until: String,
}

/// An override in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverrideView {
    pub by: String,
    pub reason: String,
    pub at: String,
    pub until: String,
}

impl From<&Override> for OverrideView {
    fn from(set: &Override) -> Self {
        Self {
            by: set.by.clone(),
            reason: set.reason.clone(),
            at: set.at.to_string(),
            until: set.until.to_string(),
        }
    }
}

/// One thing that shuts the gate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BlockView {
    /// `problem`, `held`, `failed` or `freeze`.
    pub what: String,
    /// `web1/http`; of a freeze, what is frozen.
    pub object: String,
    pub deploy: Option<String>,
    pub owner: Vec<String>,
    pub since: Option<String>,
    /// The dedup key of the page.
    pub page: Option<String>,
    /// In a sentence.
    pub reason: String,
    /// In a sentence.
    pub opens_when: String,
}

/// `GET /v1/gate/{app}/{environment}`: may the pipeline go on?
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GateView {
    pub open: bool,
    pub app: String,
    pub environment: String,
    pub reason: String,
    /// Ids of the deploys that are suspects of the problems named in `reason`.
    pub suspects: Vec<String>,
    /// Who should know: the actors of those deploys, and the owner of a freeze.
    pub owner: Vec<String>,
    pub blocked_by: Vec<BlockView>,
    /// None while nothing shuts it.
    pub opens_when: Option<String>,
    pub freeze: Option<FreezeView>,
    pub r#override: Option<OverrideView>,
}

/// What is asked about, and all that was found.
#[derive(Debug)]
pub struct Scene<'a> {
    pub app: &'a str,
    pub environment: &'a str,
    pub found: &'a [Found],
    /// That stand now, the one that lasts longest first.
    pub freezes: Vec<FreezeView>,
    pub overridden: Option<&'a Override>,
}

/// Judges.
pub fn judge(scene: Scene<'_>) -> GateView {
    let frozen = scene.freezes.iter().map(frozen);
    let blocked_by: Vec<BlockView> = frozen
        .chain(
            scene
                .found
                .iter()
                .filter_map(|found| block(found, scene.app)),
        )
        .collect();
    let list = |pick: &dyn Fn(&BlockView) -> Vec<String>| {
        let mut all: Vec<String> = blocked_by.iter().flat_map(pick).collect();
        all.sort();
        all.dedup();
        all
    };
    let shut = told(&blocked_by, |block| &block.reason);
    let passes = scene.overridden.filter(|_| !blocked_by.is_empty());
    let reason = match (passes, blocked_by.is_empty()) {
        (Some(set), _) => format!(
            "overridden by {} until {}: {}; without that it is shut: {shut}",
            set.by, set.until, set.reason
        ),
        (None, true) => format!(
            "no problem is put down to a deploy of {} in {}",
            scene.app, scene.environment
        ),
        (None, false) => shut,
    };
    let opens_when = (!blocked_by.is_empty()).then(|| {
        let waits = told(&blocked_by, |block| &block.opens_when);
        format!("{waits}, or an override")
    });
    GateView {
        open: blocked_by.is_empty() || passes.is_some(),
        app: scene.app.to_owned(),
        environment: scene.environment.to_owned(),
        reason,
        suspects: list(&|block| block.deploy.iter().cloned().collect()),
        owner: list(&|block| block.owner.clone()),
        opens_when,
        freeze: scene.freezes.into_iter().next(),
        r#override: scene.overridden.map(OverrideView::from),
        blocked_by,
    }
}

fn told(blocks: &[BlockView], pick: impl Fn(&BlockView) -> &String) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for block in blocks {
        if !lines.contains(&&**pick(block)) {
            lines.push(pick(block));
        }
    }
    match lines.len() {
        0..=TOLD => lines.join("; "),
        all => format!("{}; and {} more", lines[..TOLD].join("; "), all - TOLD),
    }
}

/// Does this shut the gate? What a person planned or cleared does not, nor does a class that never shuts it.
fn block(found: &Found, app: &str) -> Option<BlockView> {
    let Culprit { id, gate_on, .. } = &found.deploy;
    if found.cleared || found.in_downtime || *gate_on == GateOn::Never {
        return None;
    }
    let Found { object, state, .. } = found;
    let (what, reason, opens_when) = match found.tie {
        // Rows 10, 11 and 13: only a clear leader, near enough to be judged by, and not for a late effect.
        Tie::Suspect {
            alone,
            exact,
            vote,
            late,
        } => {
            if !alone || late || !exact && vote <= 0 {
                return None;
            }
            (
                "problem",
                format!("{object} is {state}: suspect {id}"),
                format!("{object} recovers, or someone acknowledges it as not caused by {id}"),
            )
        }
        Tie::Held { until } => (
            "held",
            format!("{object} is {state}, held for {id} until {until}"),
            format!(
                "{object} recovers, or its hold ends at {until} and {id} does not lead the suspects"
            ),
        ),
        Tie::Survivor => (
            "failed",
            format!("{object} is {state}: {id} failed and it is still there"),
            format!(
                "{object} recovers, or a later deploy of {app} ends well, or someone acknowledges it as not caused by {id}"
            ),
        ),
    };
    Some(BlockView {
        what: what.to_owned(),
        object: object.clone(),
        deploy: Some(id.clone()),
        owner: found.deploy.actors.clone(),
        since: Some(found.since.to_string()),
        page: found.page.clone(),
        reason,
        opens_when,
    })
}

fn frozen(freeze: &FreezeView) -> BlockView {
    let FreezeView {
        owner,
        reason,
        until,
        ..
    } = freeze;
    let by_hand = freeze.id.map_or_else(
        || format!("{owner} takes it out of the configuration"),
        |id| format!("freeze {id} is ended by hand"),
    );
    BlockView {
        what: "freeze".to_owned(),
        object: freeze.of.clone(),
        deploy: None,
        owner: vec![owner.clone()],
        since: freeze.from.clone(),
        page: None,
        reason: format!("frozen until {until} by {owner}: {reason}"),
        opens_when: format!("the freeze ends at {until}, or {by_hand}"),
    }
}

/// Near enough to judge a deploy by.
pub fn is_exact(relation: &str) -> bool {
    relation == Relation::Exact.name()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn at(clock: &str) -> Timestamp {
        Timestamp::parse(&format!("2026-03-02T{clock}:00Z")).expect("a time")
    }

    fn found(tie: Tie) -> Found {
        Found {
            object: "web1/http".into(),
            state: State::Critical,
            since: at("10:06"),
            page: Some("web1/http@1".into()),
            deploy: Culprit {
                id: "D-417".into(),
                gate_on: GateOn::Suspect,
                actors: vec!["ann".into()],
            },
            tie,
            cleared: false,
            in_downtime: false,
        }
    }

    const LEADER: Tie = Tie::Suspect {
        alone: true,
        exact: true,
        vote: 0,
        late: false,
    };

    fn ask(found: &[Found], freezes: Vec<FreezeView>, overridden: Option<&Override>) -> GateView {
        judge(Scene {
            app: "shop",
            environment: "production",
            found,
            freezes,
            overridden,
        })
    }

    #[track_caller]
    fn check(view: &GateView, expected: Expect) {
        expected.assert_eq(&format!(
            "{}: {}\nwhose: {}; suspects: {}\nopens when {}\n",
            if view.open { "open" } else { "shut" },
            view.reason,
            view.owner.join(", "),
            view.suspects.join(", "),
            view.opens_when.as_deref().unwrap_or("-")
        ));
    }

    #[test]
    fn each_kind_of_problem_shuts_or_does_not() {
        let suspect = |alone, exact, vote, late| Tie::Suspect {
            alone,
            exact,
            vote,
            late,
        };
        for (what, shuts, tie) in [
            ("row 10: the one candidate", true, LEADER),
            (
                "row 11: a tie names no leader",
                false,
                suspect(false, true, 1, false),
            ),
            ("row 13: a late effect", false, suspect(true, true, 1, true)),
            ("only the group fits", false, suspect(true, false, 0, false)),
            (
                "the group fits and the hosts vote against it",
                true,
                suspect(true, false, 1, false),
            ),
            ("held", true, Tie::Held { until: at("10:09") }),
            ("row 19: it survived a failed deploy", true, Tie::Survivor),
        ] {
            let mut problem = found(tie);
            assert_eq!(
                !ask(&[problem.clone()], Vec::new(), None).open,
                shuts,
                "{what}"
            );
            for spare in [
                |problem: &mut Found| problem.cleared = true,
                |problem: &mut Found| problem.in_downtime = true,
                |problem: &mut Found| problem.deploy.gate_on = GateOn::Never,
            ] {
                let before = problem.clone();
                spare(&mut problem);
                assert!(ask(&[problem], Vec::new(), None).open, "{what}");
                problem = before;
            }
        }
    }

    #[test]
    fn it_says_why_whose_and_what_opens_it() {
        check(
            &ask(&[], Vec::new(), None),
            expect![[r#"
                open: no problem is put down to a deploy of shop in production
                whose: ; suspects: 
                opens when -
            "#]],
        );
        check(
            &ask(&[found(LEADER)], Vec::new(), None),
            expect![[r#"
                shut: web1/http is CRITICAL: suspect D-417
                whose: ann; suspects: D-417
                opens when web1/http recovers, or someone acknowledges it as not caused by D-417, or an override
            "#]],
        );
        let many: Vec<Found> = ["a", "b", "c", "d", "e"]
            .map(|host| Found {
                object: host.into(),
                ..found(LEADER)
            })
            .to_vec();
        assert!(
            ask(&many, Vec::new(), None)
                .reason
                .ends_with("; and 2 more")
        );
    }

    #[test]
    fn a_freeze_shuts_it_and_an_override_lets_pass() {
        let freeze = FreezeView {
            id: Some(7),
            of: "all apps in production".into(),
            owner: "bea".into(),
            reason: "the sale".into(),
            from: None,
            until: at("18:00").to_string(),
        };
        check(
            &ask(&[], vec![freeze.clone()], None),
            expect![[r#"
                shut: frozen until 2026-03-02T18:00:00Z by bea: the sale
                whose: bea; suspects: 
                opens when the freeze ends at 2026-03-02T18:00:00Z, or freeze 7 is ended by hand, or an override
            "#]],
        );
        let set = Override {
            app: "shop".into(),
            environment: "production".into(),
            by: "cy".into(),
            reason: "fix forward".into(),
            at: at("10:10"),
            until: at("10:40"),
        };
        check(
            &ask(&[found(LEADER)], vec![freeze], Some(&set)),
            expect![[r#"
                open: overridden by cy until 2026-03-02T10:40:00Z: fix forward; without that it is shut: frozen until 2026-03-02T18:00:00Z by bea: the sale; web1/http is CRITICAL: suspect D-417
                whose: ann, bea; suspects: D-417
                opens when the freeze ends at 2026-03-02T18:00:00Z, or freeze 7 is ended by hand; web1/http recovers, or someone acknowledges it as not caused by D-417, or an override
            "#]],
        );
        let quiet = ask(&[], Vec::new(), Some(&set));
        assert!(quiet.open && quiet.r#override.is_some());
    }
}
