//! What a plugin finds: a pure function of the seed, the object and the time, so that every contender, whenever it looks,
//! looks at the same world.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    fleet::{Fleet, Role},
    parameters::Parameters,
    random::{Random, noise, unit},
    story::{Ms, Story, Symptom},
};
use crate::domain::model::objects::{Inventory, ObjIx};

/// A plugin's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub code: i32,
    pub text: String,
    pub took: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Bad {
    from: Ms,
    to: Ms,
    symptom: Symptom,
    half_wave: Option<Ms>,
}

pub struct World {
    seed: u64,
    fails: f64,
    /// By object of the fleet, in order of their beginnings.
    bad: Vec<Vec<Bad>>,
    roles: Vec<Role>,
    /// From the inventory's objects to the fleet's.
    places: Vec<usize>,
    /// By name, as messages give it.
    names: BTreeMap<String, usize>,
}

impl World {
    pub fn new(
        parameters: &Parameters,
        fleet: &Fleet,
        story: &Story,
        seed: u64,
        inventory: &Arc<Inventory>,
    ) -> Self {
        let mut bad = vec![Vec::new(); fleet.objects.len()];
        for effect in &story.effects {
            bad[effect.object].push(Bad {
                from: effect.from,
                to: effect.to,
                symptom: effect.symptom,
                half_wave: effect.half_wave,
            });
        }
        let names: BTreeMap<String, usize> = (0..fleet.objects.len())
            .map(|object| (fleet.name(object), object))
            .collect();
        let places = inventory
            .objects()
            .map(|obj| {
                names
                    .get(&inventory.name(obj).to_string())
                    .copied()
                    .unwrap_or(usize::MAX)
            })
            .collect();
        Self {
            seed,
            fails: Random::new(seed, 5).spread(parameters.noise.fails),
            bad,
            roles: fleet.objects.iter().map(|object| object.role).collect(),
            places,
            names,
        }
    }

    pub fn object(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied()
    }

    /// What a run that starts at `at` finds.
    pub fn ask(&self, obj: ObjIx, at: Ms) -> Answer {
        let object = self.places[obj.0 as usize];
        if object == usize::MAX {
            return fine(Role::Ping, 0);
        }
        self.look(object, at)
    }

    pub fn look(&self, object: usize, at: Ms) -> Answer {
        let role = self.roles[object];
        let dice = noise(self.seed, object as u64, (at / 1000) as u64);
        let worst = self.bad[object]
            .iter()
            .take_while(|bad| bad.from <= at)
            .filter(|bad| at < bad.to)
            .filter(|bad| {
                bad.half_wave
                    .is_none_or(|half| ((at - bad.from) / half) % 2 == 0)
            })
            .map(|bad| tell(role, bad.symptom, dice))
            .max_by_key(|answer| [0, 1, 3, 2][answer.code.clamp(0, 3) as usize]);
        if let Some(answer) = worst {
            return answer;
        }
        // A run that fails for no reason. Hosts are pinged several times, so that it does not show.
        if role != Role::Ping && unit(noise(self.seed, dice, 1)) < self.fails {
            return if dice.is_multiple_of(2) {
                tell(role, Symptom::Timeout, dice)
            } else {
                tell(role, Symptom::Garbled, dice)
            };
        }
        fine(role, dice)
    }
}

/// Between 5 and so many milliseconds, mostly short.
const fn quick(dice: u64, most: u64) -> Duration {
    Duration::from_millis(5 + (dice >> 8) % most)
}

fn fine(role: Role, dice: u64) -> Answer {
    let text = match role {
        Role::Ping => "PING OK - Packet loss = 0%, RTA = 0.41 ms",
        Role::Load => "OK - load average: 0.41, 0.38, 0.30",
        Role::Disk => "DISK OK - free space: / 8123 MiB (41%)",
        Role::Memory => "OK - 38% used",
        Role::Queue => "TCP OK - 0.002 second response time",
        Role::Certificate => "OK - certificate valid for 61 days",
        Role::Http | Role::Health | Role::Probe => "HTTP OK: HTTP/1.1 200 OK - 1532 bytes",
    };
    Answer {
        code: 0,
        text: text.to_owned(),
        took: quick(dice, 300),
    }
}

fn tell(role: Role, symptom: Symptom, dice: u64) -> Answer {
    let (code, text, took) = match symptom {
        Symptom::Refused => (2, "connect to address and port: Connection refused", None),
        Symptom::Timeout => (
            2,
            "CRITICAL - Socket timeout after 8 seconds",
            Some(Duration::from_secs(8)),
        ),
        Symptom::ServerError => (
            2,
            [
                "HTTP CRITICAL: HTTP/1.1 503 Service Unavailable",
                "HTTP CRITICAL: HTTP/1.1 502 Bad Gateway",
                "HTTP CRITICAL: HTTP/1.1 500 Internal Server Error",
            ][(dice >> 40) as usize % 3],
            None,
        ),
        Symptom::Slow => (
            1,
            "HTTP WARNING: 200 OK - 3.218 second response time",
            Some(Duration::from_millis(3218)),
        ),
        Symptom::Garbled => (3, "UNKNOWN - invalid response received", None),
        Symptom::LoadWarning => (1, "WARNING - load average: 9.82, 8.71, 6.02", None),
        Symptom::LoadCritical => (2, "CRITICAL - load average: 31.40, 27.90, 19.12", None),
        Symptom::DiskFull => (2, "DISK CRITICAL - free space: / 12 MiB (0%)", None),
        Symptom::Expired => (2, "CRITICAL - certificate expired", None),
        Symptom::NoData => (3, "UNKNOWN - no data from the agent", None),
        Symptom::Unreachable if role == Role::Ping => (
            2,
            "PING CRITICAL - Packet loss = 100%",
            Some(Duration::from_secs(8)),
        ),
        Symptom::Unreachable => (
            2,
            "CRITICAL - Socket timeout after 8 seconds",
            Some(Duration::from_secs(8)),
        ),
    };
    Answer {
        code,
        text: text.to_owned(),
        took: took.unwrap_or_else(|| quick(dice, 900)),
    }
}
