//! What pipelines tell of the deploys: late, twice, out of order, of the wrong app, or not at all.

use super::{
    fleet::Fleet,
    parameters::Parameters,
    random::Random,
    story::{Deploy, Ending, Ms, Story, seconds},
};
use crate::{
    base::time::Timestamp,
    domain::model::deploy::{DeployEvent, Nature, Phase},
};

/// How one app's pipeline is.
struct Pipeline {
    skew: Ms,
    names_hosts: bool,
    tells_steps: bool,
}

pub fn tell(parameters: &Parameters, fleet: &Fleet, random: &mut Random, story: &mut Story) {
    let p = &parameters.events;
    let pipelines: Vec<Pipeline> = fleet
        .apps
        .iter()
        .map(|_| {
            let mut skew = p.skew_sigma * random.normal();
            if random.chance(p.bad_clock) {
                skew += p.bad_clock_by * [-1.0, 1.0][random.below(2)];
            }
            Pipeline {
                skew: seconds(skew),
                names_hosts: random.chance(p.names_hosts),
                tells_steps: random.chance(p.tells_steps),
            }
        })
        .collect();
    let mut told: Vec<DeployEvent> = Vec::new();
    for at in 0..story.deploys.len() {
        // Each deploy has its own row, so that a sweep changes only what it is about.
        let mut random = Random::new(random.next(), 4);
        let [unreported, wrong, which, record] = std::array::from_fn(|_| random.unit());
        let deploy = &mut story.deploys[at];
        deploy.reported = p.unreported <= unreported;
        if wrong < p.wrong_app && 1 < fleet.apps.len() {
            let other = (which * (fleet.apps.len() - 1) as f64) as usize;
            deploy.said_app = if other < deploy.app { other } else { other + 1 };
        }
        let as_record = record < p.rollback_is_record;
        if let Some(of) = deploy.rollback_of
            && !as_record
        {
            story.deploys[at].id = format!("{}-rollback", story.deploys[of].id);
            // Who does not tell of the first does not tell of its end.
            story.deploys[at].reported &= story.deploys[of].reported;
        }
        let deploy = story.deploys[at].clone();
        if !deploy.reported {
            continue;
        }
        let original = deploy.rollback_of.map(|of| story.deploys[of].clone());
        let events = match &original {
            // The end of the first is all that is said.
            Some(first) if !as_record => vec![event(fleet, first, Phase::RolledBack, deploy.start)],
            _ => whole(
                parameters,
                fleet,
                &pipelines[deploy.app],
                &deploy,
                original.as_ref(),
                &mut random,
            ),
        };
        let mut events: Vec<DeployEvent> = events
            .into_iter()
            .map(|mut event| {
                let true_time = event.at.0;
                event.at = Timestamp(true_time + pipelines[deploy.app].skew);
                event.received = Timestamp(true_time + delay(parameters, &mut random));
                event
            })
            .collect();
        for place in 1..events.len() {
            if random.chance(p.reordered) {
                // The earlier one comes just after the later one.
                let later = events[place].received.0 + 1000;
                events[place - 1].received = Timestamp(later);
            }
        }
        for event in events {
            if random.chance(p.duplicates) {
                let mut again = event.clone();
                again.received = Timestamp(event.received.0 + seconds(random.spread([1.0, 300.0])));
                told.push(again);
            }
            told.push(event);
        }
    }
    told.retain(|event| event.received.0 < story.end);
    told.sort_by(|a, b| {
        (a.received, &a.id, a.phase, a.at).cmp(&(b.received, &b.id, b.phase, b.at))
    });
    story.events = told;
}

fn delay(parameters: &Parameters, random: &mut Random) -> Ms {
    let p = &parameters.events;
    let luck = random.unit();
    seconds(if luck < p.very_late_share {
        random.spread(p.very_late)
    } else if luck < p.very_late_share + p.late_share {
        random.spread(p.late)
    } else {
        random.lognormal(p.delay_median, p.delay_sigma).min(60.0)
    })
}

/// Start, steps and end.
fn whole(
    parameters: &Parameters,
    fleet: &Fleet,
    pipeline: &Pipeline,
    deploy: &Deploy,
    rolls_back: Option<&Deploy>,
    random: &mut Random,
) -> Vec<DeployEvent> {
    let p = &parameters.events;
    let hosts = |of: &[(usize, Ms)]| -> Vec<String> {
        of.iter()
            .map(|(host, _)| fleet.hosts[*host].name.clone())
            .collect()
    };
    let mut events = Vec::new();
    let (no_start, no_finish) = (random.chance(p.no_start), random.chance(p.no_finish));
    if !no_start {
        let mut start = event(fleet, deploy, Phase::Started, deploy.start);
        if pipeline.names_hosts {
            // What froze meant to go on.
            start.hosts = if deploy.ending == Ending::Frozen {
                let all = &fleet.apps[deploy.app].hosts;
                hosts(&all.iter().map(|host| (*host, 0)).collect::<Vec<_>>())
            } else {
                hosts(&deploy.steps)
            };
        }
        start.rollback_of = rolls_back.map(|first| first.id.clone());
        events.push(start);
    }
    if pipeline.tells_steps {
        for step in &deploy.steps {
            let mut told = event(fleet, deploy, Phase::Step, step.1);
            told.hosts = hosts(std::slice::from_ref(step));
            events.push(told);
        }
    }
    // A rollback tells of the end in its own way; what froze never does.
    if !no_finish && deploy.ending != Ending::Frozen {
        let phase = if deploy.ending == Ending::RolledBack {
            Phase::Failed
        } else {
            Phase::Finished
        };
        events.push(event(fleet, deploy, phase, deploy.end));
    }
    events
}

fn event(fleet: &Fleet, deploy: &Deploy, phase: Phase, at: Ms) -> DeployEvent {
    DeployEvent {
        id: deploy.id.clone(),
        phase,
        at: Timestamp(at),
        received: Timestamp(at),
        app: Some(fleet.apps[deploy.said_app].name.clone()),
        environment: Some("production".to_owned()),
        version: Some(deploy.version.clone()),
        hosts: Vec::new(),
        groups: Vec::new(),
        actors: Vec::new(),
        url: None,
        risk: None,
        rollback_of: None,
        reason: None,
        nature: Nature::default(),
        no_hold: false,
        told_at: None,
        source: format!("ci-{}", fleet.apps[deploy.app].name),
    }
}
