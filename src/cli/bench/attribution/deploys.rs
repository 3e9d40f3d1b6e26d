//! The deploys of one seed: when, of what, in which order over the hosts.

use super::{
    fleet::Fleet,
    parameters::Parameters,
    random::Random,
    story::{Deploy, Ending, Ms, START, Shape, seconds},
};

/// Deploys that people meant, in no order. What they lead to (fixes, rollbacks) is added later.
pub fn plan(parameters: &Parameters, fleet: &Fleet, random: &mut Random, span: f64) -> Vec<Deploy> {
    let p = &parameters.deploys;
    let rate = random.spread(p.per_day) / 86_400.0;
    let [from, to] = window(parameters, span);
    let mut deploys = Vec::new();
    let mut at = from;
    loop {
        at += random.gap(rate);
        if to < at {
            break;
        }
        let hour = (parameters.length.morning + at / 3600.0) % 24.0;
        if !(8.0..19.0).contains(&hour) && !random.chance(p.night) {
            continue;
        }
        let app = random.below(fleet.apps.len());
        let deploy = make(parameters, fleet, random, app, START + seconds(at));
        let length = (deploy.end - deploy.start) as f64 / 1000.0;
        deploys.push(deploy);
        if random.chance(p.overlap) {
            let within = START + seconds(at + random.unit() * length);
            deploys.push(make(parameters, fleet, random, app, within));
        }
    }
    if random.chance(p.storm) {
        let begun = random.between([from, (to - p.storm_length).max(from)]);
        for _ in 0..random.whole(p.storm_size) {
            let app = random.below(fleet.apps.len());
            let at = begun + random.unit() * p.storm_length;
            deploys.push(make(parameters, fleet, random, app, START + seconds(at)));
        }
    }
    deploys
}

/// When something may be injected, in seconds since the start.
pub fn window(parameters: &Parameters, span: f64) -> [f64; 2] {
    let p = &parameters.length;
    [p.quiet_start, (span - p.quiet_end).max(p.quiet_start)]
}

pub fn make(
    parameters: &Parameters,
    fleet: &Fleet,
    random: &mut Random,
    app: usize,
    start: Ms,
) -> Deploy {
    let p = &parameters.deploys;
    let shape = [
        Shape::Rolling,
        Shape::Canary,
        Shape::AtOnce,
        Shape::ConfigOnly,
    ][random.weighted([p.rolling, p.canary, p.at_once, p.config_only])];
    let length = random
        .lognormal(p.median, p.sigma)
        .clamp(p.shortest, p.longest);
    let mut deploy = shaped(fleet, random, app, start, shape, length);
    if random.chance(p.frozen) {
        deploy.ending = Ending::Frozen;
        let reached = random.below(deploy.steps.len() + 1);
        deploy.steps.truncate(reached);
    } else if random.chance(p.rolled_back) {
        deploy.ending = Ending::RolledBack;
    }
    deploy
}

/// A deploy of one kind and length that goes well.
pub fn shaped(
    fleet: &Fleet,
    random: &mut Random,
    app: usize,
    start: Ms,
    shape: Shape,
    length: f64,
) -> Deploy {
    let mut hosts = fleet.apps[app].hosts.clone();
    random.shuffle(&mut hosts);
    let count = hosts.len().max(1) as f64;
    let first = if hosts.len() < 4 { 1 } else { 2 };
    let steps = hosts
        .into_iter()
        .enumerate()
        .map(|(at, host)| {
            let place = at as f64;
            let share = match shape {
                Shape::Rolling => (place + 0.3) / count,
                // The pause takes half of the time.
                Shape::Canary if at < first => 0.05 + 0.02 * place,
                Shape::Canary => 0.55 + 0.4 * (place / count),
                Shape::AtOnce | Shape::ConfigOnly => 0.1 + 0.1 * random.unit(),
            };
            (host, start + seconds(length * share))
        })
        .collect();
    let mut deploy = Deploy {
        id: String::new(),
        version: String::new(),
        app,
        shape,
        start,
        end: start + seconds(length),
        ending: Ending::Finished,
        steps,
        rollback_of: None,
        reported: true,
        said_app: app,
    };
    deploy.steps.sort_by_key(|(_, at)| *at);
    deploy
}
