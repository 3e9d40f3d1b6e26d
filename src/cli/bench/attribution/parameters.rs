//! The frozen parameters: `parameters.toml` beside this file.

use serde::Deserialize;
use toml::{Table, Value};

use super::story::Kind;

/// Least and most.
pub type Pair = [f64; 2];

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    pub seeds: Seeds,
    pub length: Length,
    pub fleet: Fleet,
    pub deploys: Deploys,
    pub blips: Blips,
    pub regressions: Regressions,
    pub unrelated: Unrelated,
    pub noise: Noise,
    pub events: Events,
    pub baselines: Baselines,
    pub score: Score,
    pub sweeps: Sweeps,
    /// What is different on crowded days.
    pub crowded: Table,
    pub targets: Targets,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seeds {
    pub development: [u64; 2],
    pub test: [u64; 2],
    pub scored: [u64; 2],
    pub sweep: [u64; 2],
    pub quick: [u64; 2],
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Length {
    pub hours: f64,
    pub large_hours: f64,
    pub quick_hours: f64,
    pub morning: f64,
    pub quiet_start: f64,
    pub quiet_end: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fleet {
    pub hosts: Pair,
    pub large_hosts: u32,
    pub large_one_in: u64,
    pub apps: Pair,
    pub large_apps: Pair,
    pub layers: u32,
    pub calls: Pair,
    pub hosts_per_app: Pair,
    pub second_app: f64,
    pub probes: Pair,
    pub switches: Pair,
    pub behind_switch: f64,
    pub interval: Vec<u32>,
    pub retry: Vec<u32>,
    pub attempts: u32,
    pub queue_check: f64,
    pub certificate_check: f64,
    pub check_without_app: f64,
    pub missing_edges: f64,
    pub low_risk: f64,
    pub high_risk: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deploys {
    pub per_day: Pair,
    pub night: f64,
    pub median: f64,
    pub sigma: f64,
    pub shortest: f64,
    pub longest: f64,
    pub rolling: f64,
    pub canary: f64,
    pub at_once: f64,
    pub config_only: f64,
    pub overlap: f64,
    pub storm: f64,
    pub storm_size: Pair,
    pub storm_length: f64,
    pub rolled_back: f64,
    pub frozen: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blips {
    pub share: Pair,
    pub short: Pair,
    pub long: Pair,
    pub long_share: f64,
    pub very_long: Pair,
    pub very_long_share: f64,
    pub config_only: f64,
}

/// How often each truth type comes, against the others of its table.
pub type Weights = std::collections::BTreeMap<Kind, f64>;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regressions {
    pub share: f64,
    pub weights: Weights,
    pub onset: Pair,
    pub onset_spread: f64,
    pub lasts: Pair,
    pub short_share: f64,
    pub short: Pair,
    pub partial: Pair,
    pub latent: Pair,
    pub spreads_to_callers: f64,
    pub second_hop: f64,
    pub probe_feels: f64,
    pub load_rises: f64,
    pub warning: f64,
    pub unknown: f64,
    pub rollback_after: Pair,
    pub rollback_cures: f64,
    pub fixed_by_deploy: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unrelated {
    pub per_day: Pair,
    pub weights: Weights,
    pub on_top: f64,
    pub same_scope: f64,
    pub on_top_before: f64,
    pub on_top_after: f64,
    pub lasts: Pair,
    pub short_share: f64,
    pub short: Pair,
    pub flappers: Pair,
    pub flap_half_wave: Pair,
    pub flap_lasts: Pair,
    pub stale_agents: Pair,
    pub stale_lasts: Pair,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    pub fails: Pair,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    pub delay_median: f64,
    pub delay_sigma: f64,
    pub late_share: f64,
    pub late: Pair,
    pub very_late_share: f64,
    pub very_late: Pair,
    pub duplicates: f64,
    pub reordered: f64,
    pub no_finish: f64,
    pub no_start: f64,
    pub wrong_app: f64,
    pub unreported: f64,
    pub skew_sigma: f64,
    pub bad_clock: f64,
    pub bad_clock_by: f64,
    pub names_hosts: f64,
    pub tells_steps: f64,
    pub rollback_is_record: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baselines {
    pub downtime_minutes: Vec<u32>,
    pub silence_minutes: u32,
    pub recent_minutes: Vec<u32>,
    pub same_app_minutes: Vec<u32>,
    pub eligible_minutes: u32,
    pub group_wait: f64,
    pub lost_weight: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    pub resamples: u32,
    pub reaction: f64,
    pub strength: Strengths,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strengths {
    pub weak: f64,
    pub possible: f64,
    pub likely: f64,
    pub strong: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweeps {
    pub wrong_app: Vec<f64>,
    pub missing_edges: Vec<f64>,
    pub unreported: Vec<f64>,
    pub canary: Vec<f64>,
    pub interval: Vec<u32>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Targets {
    pub suppressed: u32,
    pub benign_quiet: f64,
    pub precision_at_1: f64,
    pub recall_at_3: f64,
    pub wrong_blame: f64,
}

const FROZEN: &str = include_str!("parameters.toml");

impl Parameters {
    /// Those that come with the program.
    #[cfg(test)]
    pub fn frozen() -> Self {
        toml::from_str(FROZEN).expect("the parameters are well-formed")
    }

    /// The same, but for what `other` says; the error has the place.
    pub fn with(other: &str) -> Result<Self, String> {
        Self::overlaid([toml::from_str(other).map_err(|error| error.to_string())?])
    }

    /// The same on crowded days.
    pub fn crowded(other: &str) -> Result<Self, String> {
        let crowded = Self::with(other)?.crowded;
        let other = toml::from_str(other).map_err(|error| error.to_string())?;
        Self::overlaid([other, crowded])
    }

    fn overlaid<const N: usize>(others: [Table; N]) -> Result<Self, String> {
        let mut all: Table = toml::from_str(FROZEN).expect("the parameters are well-formed");
        for other in others {
            overlay(&mut all, other);
        }
        Self::deserialize(all).map_err(|error| error.to_string())
    }
}

fn overlay(all: &mut Table, other: Table) {
    for (key, value) in other {
        match (all.get_mut(&key), value) {
            (Some(Value::Table(known)), Value::Table(value)) => overlay(known, value),
            (_, value) => {
                all.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_changes_what_it_names_and_refuses_what_it_does_not_know() {
        let other = Parameters::with("[deploys]\nstorm = 1.0\n[regressions.weights]\nT4 = 0.5\n");
        let other = other.expect("well-formed");
        let frozen = Parameters::frozen();
        assert_eq!(other.deploys.storm, 1.0);
        assert_eq!(other.regressions.weights[&Kind::T4], 0.5);
        assert_eq!(
            (other.deploys.canary, other.regressions.weights[&Kind::T2]),
            (frozen.deploys.canary, frozen.regressions.weights[&Kind::T2])
        );
        let crowded = Parameters::crowded("[deploys]\nstorm = 1.0\n").expect("well-formed");
        assert_eq!(crowded.deploys.storm, 1.0);
        assert!(frozen.regressions.share < crowded.regressions.share);
        let error = Parameters::with("[deploys]\nstrom = 1.0\n").expect_err("no such key");
        assert!(
            error.contains("strom") && error.contains("storm"),
            "{error}"
        );
    }
}
