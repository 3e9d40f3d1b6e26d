//! Faults that no deploy caused (U1 to U5, flappers, stale agents), half of them on top of one.

use super::{
    deploys,
    fleet::Role,
    injector::Injector,
    story::{Effect, Ending, Kind, Ms, START, Symptom, seconds},
};

/// Where and when.
#[derive(Clone, Copy, Debug)]
struct Spot {
    at: Ms,
    host: usize,
    app: usize,
    on_top: bool,
}

pub fn play(injector: &mut Injector<'_>, span: f64) {
    let p = &injector.parameters.unrelated;
    let [from, to] = deploys::window(injector.parameters, span);
    let rate = injector.random.between(p.per_day);
    let count = (rate * (to - from) / 86_400.0).round() as usize;
    let scale = if injector.fleet.large { 4 } else { 1 };
    for _ in 0..count * scale {
        let which = injector.random.weighted(p.weights.values().copied());
        let kind = *p.weights.keys().nth(which).expect("a weight for each");
        let spot = spot(injector, [from, to]);
        let lasts = if injector.random.chance(p.short_share) {
            injector.random.spread(p.short)
        } else {
            injector.random.between(p.lasts)
        };
        let until = spot.at + seconds(lasts);
        match kind {
            Kind::U1 => host_lost(injector, spot, until),
            Kind::U2 => switch_lost(injector, spot, until),
            Kind::U3 => third_party(injector, spot, until),
            Kind::U4 => load(injector, spot, until),
            _ => expiry(injector, spot, until),
        }
    }
    for _ in 0..injector.random.whole(p.flappers) {
        let spot = spot(injector, [from, to]);
        flapper(injector, spot);
    }
    for _ in 0..injector.random.whole(p.stale_agents) {
        let spot = spot(injector, [from, to]);
        stale(injector, spot);
    }
}

fn spot(injector: &mut Injector<'_>, window: [f64; 2]) -> Spot {
    let p = &injector.parameters.unrelated;
    let machines = injector.fleet.machines();
    let host = injector.random.pick(&machines).unwrap_or_default();
    let apps = injector.fleet.hosts[host].apps.clone();
    let app = injector.random.pick(&apps).unwrap_or_default();
    let on_top = injector.random.chance(p.on_top) && !injector.story.deploys.is_empty();
    if on_top {
        let deploy = &injector.story.deploys[injector.random.below(injector.story.deploys.len())];
        let (start, end, deployed) = (deploy.start, deploy.end, deploy.app);
        let touched: Vec<usize> = deploy.steps.iter().map(|(host, _)| *host).collect();
        let at = injector.random.between([
            start as f64 - p.on_top_before * 1000.0,
            end as f64 + p.on_top_after * 1000.0,
        ]) as Ms;
        let same = injector.random.chance(p.same_scope);
        return match injector.random.pick(&touched) {
            Some(host) if same => Spot {
                at,
                host,
                app: deployed,
                on_top,
            },
            _ => Spot {
                at,
                host,
                app,
                on_top,
            },
        };
    }
    // Apart: of a few instants, the one longest after the last deploy.
    let at = (0..12)
        .map(|_| START + seconds(injector.random.between(window)))
        .max_by_key(|at| {
            injector
                .story
                .deploys
                .iter()
                .filter(|deploy| deploy.start <= *at)
                .map(|deploy| match deploy.ending {
                    Ending::Frozen => *at - deploy.start,
                    _ => (*at - deploy.end).max(0),
                })
                .min()
                .unwrap_or(Ms::MAX)
        })
        .expect("twelve of them");
    Spot {
        at,
        host,
        app,
        on_top,
    }
}

fn lose(injector: &mut Injector<'_>, episode: usize, host: usize, span: [Ms; 2]) {
    for object in injector.fleet.of_host(host, |_| true) {
        injector.effect(episode, object, span, Symptom::Unreachable);
    }
}

fn host_lost(injector: &mut Injector<'_>, spot: Spot, until: Ms) {
    let episode = injector.episode(Kind::U1, None, spot.on_top);
    lose(injector, episode, spot.host, [spot.at, until]);
}

fn switch_lost(injector: &mut Injector<'_>, spot: Spot, until: Ms) {
    let Some(switch) = injector.fleet.hosts[spot.host].parent else {
        host_lost(injector, spot, until);
        return;
    };
    let episode = injector.episode(Kind::U2, None, spot.on_top);
    for host in 0..injector.fleet.hosts.len() {
        if host == switch || injector.fleet.hosts[host].parent == Some(switch) {
            lose(injector, episode, host, [spot.at, until]);
        }
    }
}

/// One to three apps fail on all their hosts.
fn third_party(injector: &mut Injector<'_>, spot: Spot, until: Ms) {
    let episode = injector.episode(Kind::U3, None, spot.on_top);
    let mut apps = vec![spot.app];
    for _ in 0..injector.random.below(3) {
        let app = injector.random.below(injector.fleet.apps.len());
        if !apps.contains(&app) {
            apps.push(app);
        }
    }
    let symptom = injector.symptom();
    let role = [Role::Http, Role::Health][injector.random.below(2)];
    for app in apps {
        for host in injector.fleet.apps[app].hosts.clone() {
            for object in injector.fleet.of_app(app, host, &[role]) {
                let from = spot.at + seconds(20.0 * injector.random.unit());
                injector.effect(episode, object, [from, until], symptom);
            }
        }
        if let Some(probe) = injector.fleet.probe_of(app)
            && injector.random.chance(0.6)
        {
            injector.effect(episode, probe, [spot.at, until], symptom);
        }
    }
}

/// Load rises nearly everywhere, and some apps get slow.
fn load(injector: &mut Injector<'_>, spot: Spot, until: Ms) {
    let episode = injector.episode(Kind::U4, None, spot.on_top);
    let share = injector.random.between([0.6, 1.0]);
    let symptom = [Symptom::LoadWarning, Symptom::LoadCritical][injector.random.below(2)];
    let slow = injector.random.chance(0.4);
    for host in injector.fleet.machines() {
        if !injector.random.chance(share) {
            continue;
        }
        for object in injector.fleet.of_host(host, |role| role == Role::Load) {
            let from = spot.at + seconds(60.0 * injector.random.unit());
            injector.effect(episode, object, [from, until], symptom);
        }
        if slow && injector.random.chance(0.3) {
            for object in injector.fleet.of_host(host, |role| role == Role::Http) {
                let symptom = [Symptom::Slow, Symptom::Timeout][injector.random.below(2)];
                injector.effect(episode, object, [spot.at + 60_000, until], symptom);
            }
        }
    }
}

fn expiry(injector: &mut Injector<'_>, spot: Spot, until: Ms) {
    let episode = injector.episode(Kind::U5, None, spot.on_top);
    if injector.random.chance(0.5) {
        // A certificate, on all hosts of the app in the same second.
        for host in injector.fleet.apps[spot.app].hosts.clone() {
            let mut objects = injector.fleet.of_app(spot.app, host, &[Role::Certificate]);
            if objects.is_empty() {
                objects = injector.fleet.of_app(spot.app, host, &[Role::Http]);
            }
            for object in objects {
                injector.effect(episode, object, [spot.at, until], Symptom::Expired);
            }
        }
        if let Some(probe) = injector.fleet.probe_of(spot.app) {
            injector.effect(episode, probe, [spot.at, until], Symptom::Expired);
        }
        return;
    }
    for object in injector.fleet.of_host(spot.host, |role| role == Role::Disk) {
        injector.effect(episode, object, [spot.at, until], Symptom::DiskFull);
    }
    if injector.random.chance(0.5) {
        let from = spot.at + seconds(injector.random.spread([5.0, 600.0]));
        let symptom = injector.symptom();
        for object in injector
            .fleet
            .of_host(spot.host, |role| matches!(role, Role::Http | Role::Queue))
        {
            injector.effect(episode, object, [from, until], symptom);
        }
    }
}

fn flapper(injector: &mut Injector<'_>, spot: Spot) {
    let p = &injector.parameters.unrelated;
    let objects = injector.fleet.of_host(spot.host, Role::is_of_app);
    let Some(object) = injector.random.pick(&objects) else {
        return;
    };
    let episode = injector.episode(Kind::F, None, spot.on_top);
    let to = spot.at + seconds(injector.random.between(p.flap_lasts));
    let half_wave = seconds(injector.random.spread(p.flap_half_wave));
    let symptom = injector.symptom();
    injector.story.effects.push(Effect {
        episode,
        object,
        from: spot.at,
        to,
        symptom,
        half_wave: Some(half_wave),
    });
}

fn stale(injector: &mut Injector<'_>, spot: Spot) {
    let p = &injector.parameters.unrelated;
    let episode = injector.episode(Kind::S, None, spot.on_top);
    let to = spot.at + seconds(injector.random.between(p.stale_lasts));
    for object in injector.fleet.of_host(spot.host, Role::is_of_agent) {
        injector.effect(episode, object, [spot.at, to], Symptom::NoData);
    }
}
