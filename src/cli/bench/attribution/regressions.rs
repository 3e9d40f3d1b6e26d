//! What deploys do: blips at restarts, and the faults T2 to T6 with their ends.

use super::{
    deploys,
    fleet::Role,
    injector::Injector,
    story::{Deploy, Ending, Kind, Ms, Shape, Symptom, seconds},
};

/// A deploy happens, with all that follows from it.
pub fn play(injector: &mut Injector<'_>, deploy: Deploy) {
    let app = deploy.app;
    let (ending, end) = (deploy.ending, deploy.end);
    let at = restart(injector, deploy);
    if ending == Ending::RolledBack {
        roll_back(injector, at, end);
    }
    let p = &injector.parameters.regressions;
    if !injector.random.chance(p.share) || injector.story.deploys[at].steps.is_empty() {
        return;
    }
    let which = injector.random.weighted(p.weights.values().copied());
    let kind = *p.weights.keys().nth(which).expect("a weight for each");
    match kind {
        Kind::T5 if !injector.fleet.apps[app].called_by.is_empty() => callers(injector, at),
        // Nobody calls it: it breaks itself.
        Kind::T5 => broken(injector, at, Kind::T2),
        kind => broken(injector, at, kind),
    }
}

/// Adds a deploy with the blips of its restarts.
fn restart(injector: &mut Injector<'_>, deploy: Deploy) -> usize {
    let at = injector.story.deploys.len();
    let p = &injector.parameters.blips;
    let share = if deploy.shape == Shape::ConfigOnly {
        p.config_only
    } else {
        injector.blips[deploy.app]
    };
    for (host, step) in deploy.steps.clone() {
        if injector.random.chance(share) {
            blip(injector, at, deploy.app, host, step);
        }
    }
    injector.story.deploys.push(deploy);
    at
}

fn blip(injector: &mut Injector<'_>, deploy: usize, app: usize, host: usize, step: Ms) {
    let p = &injector.parameters.blips;
    let luck = injector.random.unit();
    let lasts = if luck < p.very_long_share {
        injector.random.spread(p.very_long)
    } else if luck < p.very_long_share + p.long_share {
        injector.random.spread(p.long)
    } else {
        injector.random.spread(p.short)
    };
    let symptom = injector.symptom();
    let episode = injector.episode(Kind::T1, Some(deploy), false);
    let from = step + seconds(5.0 * injector.random.unit());
    let mut objects = injector
        .fleet
        .of_app(app, host, &[Role::Http, Role::Health, Role::Queue]);
    injector.random.shuffle(&mut objects);
    for (at, object) in objects.into_iter().enumerate() {
        if at == 0 || injector.random.chance(0.6) {
            let to = from + seconds(lasts * (0.7 + 0.3 * injector.random.unit()));
            injector.effect(episode, object, [from, to], symptom);
        }
    }
}

/// How long a fault lasts, in seconds.
fn lasts(injector: &mut Injector<'_>) -> f64 {
    let p = &injector.parameters.regressions;
    if injector.random.chance(p.short_share) {
        injector.random.spread(p.short)
    } else {
        injector.random.between(p.lasts)
    }
}

/// Undoes a deploy from `from` on. Answers when each host is back.
fn roll_back(injector: &mut Injector<'_>, of: usize, from: Ms) -> Vec<(usize, Ms)> {
    let app = injector.story.deploys[of].app;
    let length = injector.random.between([30.0, 240.0]);
    let mut deploy = deploys::shaped(
        injector.fleet,
        &mut injector.random,
        app,
        from,
        Shape::Rolling,
        length,
    );
    // Only what was updated is taken back.
    let updated: Vec<usize> = injector.story.deploys[of]
        .steps
        .iter()
        .filter(|(_, at)| *at <= from)
        .map(|(host, _)| *host)
        .collect();
    deploy.steps.retain(|(host, _)| updated.contains(host));
    deploy.rollback_of = Some(of);
    let steps = deploy.steps.clone();
    restart(injector, deploy);
    steps
}

/// Fixes a fault with another deploy. Answers when each host is fixed.
fn fix(injector: &mut Injector<'_>, app: usize, until: Ms) -> Vec<(usize, Ms)> {
    let length = injector.random.between([60.0, 300.0]);
    let deploy = deploys::shaped(
        injector.fleet,
        &mut injector.random,
        app,
        until - seconds(length),
        Shape::Rolling,
        length,
    );
    let steps = deploy.steps.clone();
    restart(injector, deploy);
    steps
}

/// T2, T3, T4 and T6: checks of the app fail where it was updated.
fn broken(injector: &mut Injector<'_>, at: usize, kind: Kind) {
    let p = &injector.parameters.regressions;
    let Deploy {
        app, end, steps, ..
    } = injector.story.deploys[at].clone();
    let mut bad = steps;
    if kind == Kind::T3 {
        let share = injector.random.between(p.partial);
        injector.random.shuffle(&mut bad);
        bad.truncate(((bad.len() as f64 * share).round() as usize).max(1));
    }
    let delay = injector.random.spread(p.onset);
    let latent = injector.random.spread(p.latent);
    let mut starts: Vec<(usize, Ms)> = Vec::new();
    for (host, step) in bad {
        let from = if kind == Kind::T4 {
            // Leaks fill at their own pace.
            end + seconds(latent * (0.9 + 0.2 * injector.random.unit()))
        } else {
            step + seconds(delay + p.onset_spread * injector.random.unit())
        };
        starts.push((host, from));
    }
    let first = starts.iter().map(|(_, from)| *from).min().unwrap_or(end);
    let last = injector.story.end - seconds(injector.parameters.length.quiet_end / 2.0);
    if last < first {
        return;
    }
    let until = first + seconds(lasts(injector));
    let mut ends = Vec::new();
    if kind == Kind::T6 {
        let from = first + seconds(injector.random.between(p.rollback_after));
        let back = roll_back(injector, at, from.max(end + 1000));
        if injector.random.chance(p.rollback_cures) {
            ends = back;
        }
    } else if injector.random.chance(p.fixed_by_deploy) && first + 600_000 < until {
        ends = fix(injector, app, until);
    }
    let episode = injector.episode(kind, Some(at), false);
    let wanted = [Role::Http, Role::Health, Role::Queue];
    let (main, symptom) = (injector.random.below(3), injector.symptom());
    let alone = injector.random.chance(0.4);
    let load = injector.random.chance(p.load_rises);
    for (host, from) in &starts {
        let to = ends
            .iter()
            .find(|(fixed, _)| fixed == host)
            .map_or(until, |(_, at)| *at);
        let objects = injector.fleet.of_app(app, *host, &wanted);
        let main = main % objects.len().max(1);
        for (place, object) in objects.into_iter().enumerate() {
            if place == main || !alone && injector.random.chance(0.7) {
                let begun = from + seconds(5.0 * injector.random.unit());
                injector.effect(episode, object, [begun, to], symptom);
            }
        }
        if load {
            for object in injector.fleet.of_host(*host, |role| role == Role::Load) {
                let symptom =
                    [Symptom::LoadWarning, Symptom::LoadCritical][injector.random.below(2)];
                injector.effect(episode, object, [from + 60_000, to], symptom);
            }
        }
    }
    spread(injector, episode, app, &starts, until, symptom);
    injector.drop_if_empty(episode);
}

/// Callers and probes feel it once half of the hosts are bad.
fn spread(
    injector: &mut Injector<'_>,
    episode: usize,
    app: usize,
    starts: &[(usize, Ms)],
    until: Ms,
    symptom: Symptom,
) {
    let p = &injector.parameters.regressions;
    let half = injector.fleet.apps[app].hosts.len().div_ceil(2);
    let mut times: Vec<Ms> = starts.iter().map(|(_, from)| *from).collect();
    times.sort_unstable();
    let Some(from) = times.get(half.saturating_sub(1)).copied() else {
        return;
    };
    if let Some(probe) = injector.fleet.probe_of(app)
        && injector.random.chance(p.probe_feels)
    {
        injector.effect(episode, probe, [from, until], symptom);
    }
    if injector.random.chance(p.spreads_to_callers) {
        let callers = injector.fleet.apps[app].called_by.clone();
        if let Some(caller) = injector.random.pick(&callers) {
            feels(injector, episode, caller, [from, until], symptom);
        }
    }
}

/// An app fails on most of its hosts since what it calls fails.
fn feels(
    injector: &mut Injector<'_>,
    episode: usize,
    app: usize,
    [from, to]: [Ms; 2],
    symptom: Symptom,
) {
    let wanted = [Role::Http, Role::Health];
    let role = wanted[injector.random.below(2)];
    let both = injector.random.chance(0.4);
    let hosts = injector.fleet.apps[app].hosts.clone();
    let share = injector.random.between([0.6, 1.0]);
    for (at, host) in hosts.into_iter().enumerate() {
        if at == 0 || injector.random.chance(share) {
            let roles: &[Role] = if both { &wanted } else { &[role] };
            for object in injector.fleet.of_app(app, host, roles) {
                let begun = from + seconds(15.0 * injector.random.unit());
                injector.effect(episode, object, [begun, to], symptom);
            }
        }
    }
}

/// T5: the deployed app looks fine, its callers do not.
fn callers(injector: &mut Injector<'_>, at: usize) {
    let p = &injector.parameters.regressions;
    let Deploy { app, steps, .. } = injector.story.deploys[at].clone();
    // Felt with the first host or with half of them.
    let place = [0, steps.len() / 2][injector.random.below(2)];
    let from = steps[place].1 + seconds(injector.random.spread(p.onset));
    let mut to = from + seconds(lasts(injector));
    if injector.random.chance(p.fixed_by_deploy)
        && from + 600_000 < to
        && let Some((_, fixed)) = fix(injector, app, to).last()
    {
        to = *fixed;
    }
    let symptom = injector.symptom();
    let episode = injector.episode(Kind::T5, Some(at), false);
    let mut feeling = injector.fleet.apps[app].called_by.clone();
    injector.random.shuffle(&mut feeling);
    feeling.truncate(2);
    for caller in feeling.clone() {
        if injector.random.chance(p.second_hop)
            && let Some(above) = injector
                .random
                .pick(&injector.fleet.apps[caller].called_by.clone())
            && !feeling.contains(&above)
        {
            feeling.push(above);
        }
    }
    for caller in feeling {
        feels(injector, episode, caller, [from, to], symptom);
        if let Some(probe) = injector.fleet.probe_of(caller)
            && injector.random.chance(p.probe_feels)
        {
            injector.effect(episode, probe, [from, to], symptom);
        }
    }
    injector.drop_if_empty(episode);
}
