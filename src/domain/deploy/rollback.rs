//! Whether a deploy should be taken back, and whether that may happen by itself. Each no names the guard that said it.
//!
//! It judges what the engine found; it looks at nothing itself. In doubt people decide: what is rolled back wrongly is a
//! deploy nobody asked for.

use std::time::Duration;

use crate::{
    base::time::Timestamp,
    domain::model::{
        deploy::{Deploy, Phase, RollbackMode},
        objects::RollbackHook,
    },
};

/// An app is rolled back once in this time at most, by whomever.
pub const EVERY: Duration = Duration::from_secs(3600);
/// The vote of fewer objects says too little.
pub const OBJECTS: u32 = 3;
/// The macro that a command needs the version before for.
const PREVIOUS: &str = "$DEPLOYPREVIOUSVERSION$";

/// What is advised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Every guard agrees, and the app's owners opted in.
    Run,
    /// Every guard agrees, but it does not happen by itself: why.
    Suggest(String),
    /// The guard that says no, in words.
    No(String),
}

/// What is known of a problem and of the deploy that leads its suspects.
#[derive(Debug)]
pub struct Scene<'a> {
    pub now: Timestamp,
    pub deploy: &'a Deploy,
    /// All other deploys that are known of the same app in the same environment.
    pub others: &'a [&'a Deploy],
    /// No other suspect is as likely.
    pub alone: bool,
    /// +1: only what it updated fails.
    pub vote: i8,
    /// Objects that were measured for the vote.
    pub objects: u32,
    /// Why it cannot be taken back.
    pub irreversible: Option<String>,
    /// The problem began after its bake.
    pub late: bool,
    /// Why this is no matter for a machine: a person has it, or the clock is not to be trusted.
    pub stopped: Option<String>,
    /// The most that the class allows.
    pub class: RollbackMode,
    /// What the app's owners opted in to.
    pub hook: Option<&'a RollbackHook>,
}

/// Judges. The first guard that says no is the answer.
pub fn judge(scene: &Scene<'_>) -> Advice {
    match guard(scene) {
        Some(why) => Advice::No(why),
        None => match opted_in(scene) {
            Ok(()) => Advice::Run,
            Err(why) => Advice::Suggest(why),
        },
    }
}

/// The guards that hold whoever rolls back.
fn guard(scene: &Scene<'_>) -> Option<String> {
    let Scene {
        deploy,
        others,
        now,
        ..
    } = scene;
    let risk = deploy.risk.name();
    if scene.class == RollbackMode::Off {
        return Some(format!("`rollback` of risk class {risk} is off"));
    }
    if let Some(why) = &scene.stopped {
        return Some(why.clone());
    }
    if !scene.alone {
        return Some("it is not the one suspect".to_owned());
    }
    if deploy.rollback_of.is_some() {
        return Some("it is a rollback itself".to_owned());
    }
    if let Some(earlier) = returns_to(deploy, others) {
        return Some(format!(
            "it goes back to the version of {earlier}, so it is a rollback itself"
        ));
    }
    let taken_back = deploy.phase == Phase::RolledBack
        || others
            .iter()
            .any(|other| other.rollback_of.as_deref() == Some(&*deploy.id));
    if taken_back {
        return Some("it was rolled back already".to_owned());
    }
    if let Some(at) = deploy.rollback.as_ref().and_then(|done| done.ran_at) {
        return Some(format!("it was let be rolled back at {at} already"));
    }
    if deploy.phase == Phase::Cancelled {
        return Some("it was called off".to_owned());
    }
    if let Some(later) = later_than(deploy, others) {
        return Some(format!("{later} came after it and would be undone as well"));
    }
    if scene.late {
        return Some("the problem began after its bake".to_owned());
    }
    if scene.vote < 1 {
        return Some("nothing shows that what it updated fails and the rest does not".to_owned());
    }
    if scene.objects < OBJECTS {
        return Some(format!(
            "{} object(s) were measured, and {OBJECTS} are needed",
            scene.objects
        ));
    }
    if let Some(why) = &scene.irreversible {
        return Some(why.clone());
    }
    let last = last_rollback(others).filter(|(at, _)| now.since(*at) < EVERY);
    last.map(|(at, id)| format!("{id} was rolled back at {at}; once an hour is enough"))
}

fn opted_in(scene: &Scene<'_>) -> Result<(), String> {
    let Scene { deploy, others, .. } = scene;
    let hook = scene
        .hook
        .ok_or_else(|| format!("app `{}` has no `rollback`", deploy.app))?;
    if hook.mode < RollbackMode::Run {
        return Err("the app's `rollback` has the mode \"suggest\"".to_owned());
    }
    if scene.class < RollbackMode::Run {
        return Err(format!(
            "risk class {} only suggests it",
            deploy.risk.name()
        ));
    }
    let before = previous(deploy, others);
    let wants_it = |text: &str| text.contains(PREVIOUS);
    if before.is_none()
        && (wants_it(&hook.command.line) || hook.command.args.iter().any(|arg| wants_it(arg)))
    {
        return Err("the version before it is not known, and the command asks for it".to_owned());
    }
    // It would be an option of the command, and whoever tells of deploys is not whoever wrote the command.
    let values = [Some(&*deploy.id), deploy.version.as_deref(), before];
    if let Some(odd) = values
        .into_iter()
        .flatten()
        .find(|value| value.starts_with('-'))
    {
        return Err(format!("`{odd}` begins like an option of the command"));
    }
    Ok(())
}

fn later_than<'a>(deploy: &Deploy, others: &[&'a Deploy]) -> Option<&'a str> {
    others
        .iter()
        .filter(|other| other.happened() && deploy.started_at < other.started_at)
        .max_by_key(|other| other.started_at)
        .map(|other| &*other.id)
}

/// The earlier deploy whose version this one brings back, another one having been between.
fn returns_to<'a>(deploy: &Deploy, others: &[&'a Deploy]) -> Option<&'a str> {
    let version = deploy.version.as_deref()?;
    let mut before: Vec<&&Deploy> = others
        .iter()
        .filter(|other| other.happened() && other.started_at < deploy.started_at)
        .filter(|other| other.version.is_some())
        // Called off, and now tried again.
        .filter(|other| other.phase != Phase::Cancelled || other.version != deploy.version)
        .collect();
    before.sort_by_key(|other| std::cmp::Reverse(other.started_at));
    // The same version again is no way back.
    if before.first()?.version.as_deref() == Some(version) {
        return None;
    }
    before
        .into_iter()
        .find(|other| other.version.as_deref() == Some(version))
        .map(|other| &*other.id)
}

/// The version that a deploy took the place of: that of the last one before it that ended well and stayed.
pub fn previous<'a>(deploy: &Deploy, others: &[&'a Deploy]) -> Option<&'a str> {
    others
        .iter()
        .filter(|other| other.phase == Phase::Finished && other.started_at < deploy.started_at)
        .filter(|other| other.version.is_some() && other.version != deploy.version)
        .max_by_key(|other| other.started_at)
        .and_then(|other| other.version.as_deref())
}

/// When the app was last taken back, by us or by others, and which deploy that was.
fn last_rollback<'a>(others: &[&'a Deploy]) -> Option<(Timestamp, &'a str)> {
    let by_us = others
        .iter()
        .filter_map(|other| Some((other.rollback.as_ref()?.ran_at?, &*other.id)));
    let by_others = others
        .iter()
        .filter_map(|other| Some((other.started_at, other.rollback_of.as_deref()?)));
    by_us.chain(by_others).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        deploy::fold,
        model::{
            deploy::{DeployEvent, Risk, Rollback},
            objects::CommandLine,
        },
    };

    fn deploy(id: &str, minute: i64, version: &str, phases: &[Phase]) -> Deploy {
        let events = (0..).zip(phases).map(|(at, phase)| DeployEvent {
            id: id.into(),
            phase: *phase,
            at: Timestamp::from_secs(minute * 60 + at),
            received: Timestamp::from_secs(minute * 60 + at),
            app: Some("shop".into()),
            environment: Some("production".into()),
            version: Some(version.to_owned()).filter(|version| !version.is_empty()),
            hosts: Vec::new(),
            groups: Vec::new(),
            actors: Vec::new(),
            url: None,
            risk: None,
            rollback_of: None,
            reason: None,
            nature: Default::default(),
            no_hold: false,
            told_at: None,
            source: String::new(),
        });
        fold::fold(events.collect(), Duration::ZERO, Risk::Normal, "production")
    }

    const ENDED: &[Phase] = &[Phase::Started, Phase::Finished];

    fn hook(mode: RollbackMode, line: &str) -> RollbackHook {
        RollbackHook {
            command: CommandLine {
                name: "back".into(),
                line: line.into(),
                args: Vec::new(),
            },
            mode,
            timeout: Duration::from_secs(60),
        }
    }

    /// Everything speaks for it.
    fn scene<'a>(
        deploy: &'a Deploy,
        others: &'a [&'a Deploy],
        hook: &'a RollbackHook,
    ) -> Scene<'a> {
        Scene {
            now: Timestamp::from_secs(100 * 60),
            deploy,
            others,
            alone: true,
            vote: 1,
            objects: 3,
            irreversible: None,
            late: false,
            stopped: None,
            class: RollbackMode::Run,
            hook: Some(hook),
        }
    }

    #[test]
    fn each_guard_alone_says_no() {
        let suspect = deploy("D-2", 90, "2", ENDED);
        let run = hook(RollbackMode::Run, "back");
        assert_eq!(judge(&scene(&suspect, &[], &run)), Advice::Run);
        type Spoil = fn(&mut Scene<'_>);
        let spoils: [(Spoil, &str); 7] = [
            (|scene| scene.alone = false, "it is not the one suspect"),
            (
                |scene| scene.vote = 0,
                "nothing shows that what it updated fails and the rest does not",
            ),
            (
                |scene| scene.vote = -1,
                "nothing shows that what it updated fails and the rest does not",
            ),
            (
                |scene| scene.objects = 2,
                "2 object(s) were measured, and 3 are needed",
            ),
            (
                |scene| scene.irreversible = Some("`schema` cannot be taken back".into()),
                "`schema` cannot be taken back",
            ),
            (
                |scene| scene.late = true,
                "the problem began after its bake",
            ),
            (
                |scene| scene.stopped = Some("bob has it".into()),
                "bob has it",
            ),
        ];
        for (spoil, why) in spoils {
            let mut scene = scene(&suspect, &[], &run);
            spoil(&mut scene);
            assert_eq!(judge(&scene), Advice::No(why.into()));
        }
        let mut off = scene(&suspect, &[], &run);
        off.class = RollbackMode::Off;
        assert!(matches!(judge(&off), Advice::No(_)));
    }

    #[test]
    fn what_is_a_rollback_or_was_taken_back_is_left_alone() {
        let run = hook(RollbackMode::Run, "back");
        let mut told = deploy("D-2", 90, "2", ENDED);
        told.rollback_of = Some("D-1".into());
        let gone = deploy("D-2", 90, "2", &[Phase::Started, Phase::RolledBack]);
        let mut ran = deploy("D-2", 90, "2", ENDED);
        ran.rollback = Some(Rollback {
            advised_at: Timestamp::from_secs(0),
            problem: 1,
            ran_at: Some(Timestamp::from_secs(0)),
            ended: None,
        });
        for suspect in [&told, &gone, &ran] {
            assert!(matches!(judge(&scene(suspect, &[], &run)), Advice::No(_)));
        }
        // By the versions: 1, 2, and 1 again.
        let (first, second) = (deploy("D-1", 60, "1", ENDED), deploy("D-2", 70, "2", ENDED));
        let others = [&first, &second];
        let back = deploy("D-3", 90, "1", ENDED);
        assert_eq!(
            judge(&scene(&back, &others, &run)),
            Advice::No("it goes back to the version of D-1, so it is a rollback itself".into())
        );
        let again = deploy("D-3", 90, "2", ENDED);
        assert_eq!(judge(&scene(&again, &others, &run)), Advice::Run);
        // What came after it would go with it; what was only planned, or called off, would not.
        let plan = deploy("D-4", 95, "3", &[Phase::Planned]);
        let off = deploy("D-5", 95, "3", &[Phase::Planned, Phase::Cancelled]);
        assert_eq!(judge(&scene(&again, &[&plan, &off], &run)), Advice::Run);
        let later = deploy("D-6", 95, "3", &[Phase::Started]);
        assert_eq!(
            judge(&scene(&again, &[&later], &run)),
            Advice::No("D-6 came after it and would be undone as well".into())
        );
    }

    #[test]
    fn once_an_hour_is_enough_whoever_did_it() {
        let run = hook(RollbackMode::Run, "back");
        let suspect = deploy("D-2", 90, "2", ENDED);
        let mut by_us = deploy("D-1", 20, "1", ENDED);
        let at = |minute: i64| {
            Some(Rollback {
                advised_at: Timestamp::from_secs(minute * 60),
                problem: 1,
                ran_at: Some(Timestamp::from_secs(minute * 60)),
                ended: Some("ended well".into()),
            })
        };
        by_us.rollback = at(41);
        assert!(matches!(
            judge(&scene(&suspect, &[&by_us], &run)),
            Advice::No(_)
        ));
        by_us.rollback = at(40);
        assert_eq!(judge(&scene(&suspect, &[&by_us], &run)), Advice::Run);
        let mut by_others = deploy("D-1-rollback", 41, "", ENDED);
        by_others.rollback_of = Some("D-1".into());
        assert!(matches!(
            judge(&scene(&suspect, &[&by_others], &run)),
            Advice::No(_)
        ));
    }

    #[test]
    fn without_opting_in_it_is_only_advised() {
        let suspect = deploy("D-2", 90, "2", ENDED);
        let suggest = hook(RollbackMode::Suggest, "back");
        assert!(matches!(
            judge(&scene(&suspect, &[], &suggest)),
            Advice::Suggest(_)
        ));
        let run = hook(RollbackMode::Run, "back $DEPLOYPREVIOUSVERSION$");
        assert!(matches!(
            judge(&scene(&suspect, &[], &run)),
            Advice::Suggest(_)
        ));
        let first = deploy("D-1", 60, "1", ENDED);
        assert_eq!(judge(&scene(&suspect, &[&first], &run)), Advice::Run);
        let mut none = scene(&suspect, &[], &run);
        none.hook = None;
        assert!(matches!(judge(&none), Advice::Suggest(_)));
        let mut low = scene(&suspect, &[], &run);
        low.class = RollbackMode::Suggest;
        assert!(matches!(judge(&low), Advice::Suggest(_)));
        let odd = deploy("D-2", 90, "--force", ENDED);
        let plain = hook(RollbackMode::Run, "back");
        assert_eq!(
            judge(&scene(&odd, &[], &plain)),
            Advice::Suggest("`--force` begins like an option of the command".into())
        );
    }

    #[test]
    fn the_version_before_is_the_last_that_stayed() {
        let suspect = deploy("D-5", 90, "5", &[Phase::Started]);
        let good = deploy("D-1", 10, "1", ENDED);
        let taken_back = deploy("D-2", 20, "2", &[Phase::Started, Phase::RolledBack]);
        let failed = deploy("D-3", 30, "3", &[Phase::Started, Phase::Failed]);
        let same = deploy("D-4", 40, "5", ENDED);
        let nameless = deploy("D-6", 50, "", ENDED);
        let later = deploy("D-7", 95, "7", ENDED);
        assert_eq!(
            previous(
                &suspect,
                &[&good, &taken_back, &failed, &same, &nameless, &later]
            ),
            Some("1")
        );
        assert_eq!(previous(&suspect, &[&failed]), None);
    }
}
