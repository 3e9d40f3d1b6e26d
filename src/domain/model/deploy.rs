//! Deploys: events as they come in, the record they fold into, holds, and attribution.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::state::{ObjectName, State};
use crate::base::{glob, time::Timestamp};

/// Risk class of a change. DNS, monitoring and minor code changes are low; networking, schema and payments are high.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    Low,
    #[default]
    Normal,
    High,
}

impl Risk {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "low" => Some(Self::Low),
            "normal" => Some(Self::Normal),
            "high" => Some(Self::High),
            _ => None,
        }
    }
}

/// What a risk class allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassRules {
    /// Longest hold of CRITICAL or DOWN, from the first hard state.
    pub hold_critical: Duration,
    /// Longest hold of WARNING or UNKNOWN, from the first hard state.
    pub hold_warning: Duration,
    /// No hold on one problem lasts longer than this after the first bad result, whatever number of deploys.
    pub ceiling: Duration,
    /// How long what was restarted may take to answer, while too little is known of the app's own deploys.
    pub settle: Duration,
    /// How long after its end a deploy is still watched closely.
    pub bake: Duration,
    /// How long after its end a deploy may still be named.
    pub look_back: Duration,
    /// A deploy that runs longer is lost.
    pub max_length: Duration,
    pub gate_on: GateOn,
    /// The most that is done about taking back one of its deploys, whatever its app says.
    pub rollback: RollbackMode,
}

/// What is done about taking back a deploy that made things worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RollbackMode {
    Off,
    /// People read that it is advised.
    Suggest,
    /// The app's command is run, where every guard agrees.
    Run,
}

impl RollbackMode {
    pub const WORDS: &'static [&'static str] = &["off", "suggest", "run"];

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            "suggest" => Some(Self::Suggest),
            "run" => Some(Self::Run),
            _ => None,
        }
    }
}

/// What of a class's deploys shuts the gate of their app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateOn {
    /// A problem whose one suspect it is, one that is held for it, one that survives its failure.
    Suspect,
    Never,
}

impl GateOn {
    pub const WORDS: &'static [&'static str] = &["suspect", "never"];

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "suspect" => Some(Self::Suspect),
            "never" => Some(Self::Never),
            _ => None,
        }
    }
}

impl ClassRules {
    pub const fn low() -> Self {
        Self {
            hold_critical: Duration::from_secs(5 * 60),
            hold_warning: Duration::from_secs(10 * 60),
            ceiling: Duration::from_secs(15 * 60),
            settle: Duration::from_secs(4 * 60),
            bake: Duration::from_secs(15 * 60),
            look_back: Duration::from_secs(24 * 3600),
            max_length: Duration::from_secs(30 * 60),
            gate_on: GateOn::Never,
            rollback: RollbackMode::Suggest,
        }
    }

    pub const fn normal() -> Self {
        Self {
            hold_critical: Duration::from_secs(3 * 60),
            hold_warning: Duration::from_secs(10 * 60),
            ceiling: Duration::from_secs(15 * 60),
            settle: Duration::from_secs(3 * 60),
            bake: Duration::from_secs(30 * 60),
            look_back: Duration::from_secs(24 * 3600),
            max_length: Duration::from_secs(60 * 60),
            gate_on: GateOn::Suspect,
            rollback: RollbackMode::Run,
        }
    }

    pub const fn high() -> Self {
        Self {
            hold_critical: Duration::ZERO,
            hold_warning: Duration::from_secs(5 * 60),
            ceiling: Duration::from_secs(15 * 60),
            settle: Duration::from_secs(2 * 60),
            bake: Duration::from_secs(2 * 3600),
            look_back: Duration::from_secs(24 * 3600),
            max_length: Duration::from_secs(4 * 3600),
            gate_on: GateOn::Suspect,
            rollback: RollbackMode::Run,
        }
    }
}

/// A rule for the class of changes; a list that is empty fits everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskRule {
    pub apps: Vec<String>,
    pub environments: Vec<String>,
    pub kinds: Vec<String>,
    pub labels: Vec<String>,
    pub paths: Vec<String>,
    /// Fits only changes that tell their paths, and no more than this.
    pub max_paths: Option<usize>,
    pub risk: Risk,
    pub why: String,
    /// What is told with the deploy may lower the class.
    pub may_lower: bool,
    /// What fits cannot be taken back: it is never rolled back by itself, whatever rule gave the class.
    pub irreversible: bool,
}

/// Downtimes that are deploys: those of scripts that were written for Nagios.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DowntimeRule {
    /// With `*` and `?`; none: any.
    pub authors: Vec<String>,
    /// Likewise.
    pub comments: Vec<String>,
}

impl DowntimeRule {
    pub fn fits(&self, author: &str, comment: &str) -> bool {
        let any = |patterns: &[String], text: &str| {
            patterns.is_empty() || patterns.iter().any(|pattern| glob::matches(pattern, text))
        };
        any(&self.authors, author) && any(&self.comments, comment)
    }
}

/// What an event says of a deploy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Planned,
    Started,
    Step,
    Heartbeat,
    Finished,
    Cancelled,
    Failed,
    RolledBack,
    /// Never in an event: its end never came.
    Lost,
}

impl Phase {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Started => "started",
            Self::Step => "step",
            Self::Heartbeat => "heartbeat",
            Self::Finished => "finished",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::RolledBack => "rolled_back",
            Self::Lost => "lost",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "planned" => Some(Self::Planned),
            "started" | "start" => Some(Self::Started),
            "step" => Some(Self::Step),
            "heartbeat" => Some(Self::Heartbeat),
            "finished" | "finish" => Some(Self::Finished),
            "cancelled" | "cancel" => Some(Self::Cancelled),
            "failed" | "fail" => Some(Self::Failed),
            "rolled_back" | "rollback" => Some(Self::RolledBack),
            _ => None,
        }
    }

    /// Nothing may follow.
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Finished | Self::Cancelled | Self::Failed | Self::RolledBack | Self::Lost
        )
    }
}

/// What a deploy changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Nature {
    /// `code`, `schema`, `dns`, ...
    pub kind: Option<String>,
    pub labels: Vec<String>,
    /// Of changed files.
    pub paths: Vec<String>,
}

impl Nature {
    /// It says that machines are restarted: its kind, or a label, is `reboot`.
    pub fn declares_reboot(&self) -> bool {
        let mut words = self.kind.iter().chain(&self.labels);
        words.any(|word| word.eq_ignore_ascii_case("reboot"))
    }

    /// The word for what it changes, where that takes effect everywhere at once and not host by host: its kind, or the first
    /// part of a label such as `flag:new-editor`. Names of a zone are not among them: caches keep the old ones for a while.
    pub fn takes_effect_at_once(&self) -> Option<&str> {
        let words = self.kind.iter().chain(&self.labels);
        let mut first = words.filter_map(|word| word.split([':', '=']).next());
        first.find(|word| AT_ONCE.iter().any(|known| word.eq_ignore_ascii_case(known)))
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Kinds of changes that take effect everywhere at once.
const AT_ONCE: [&str; 24] = [
    "certificate",
    "certificates",
    "config",
    "configuration",
    "data",
    "database",
    "experiment",
    "feature-flag",
    "feature_flag",
    "firewall",
    "flag",
    "flags",
    "infra",
    "infrastructure",
    "migration",
    "migrations",
    "network",
    "networking",
    "policies",
    "policy",
    "reboot",
    "schema",
    "secret",
    "secrets",
];

/// One event about a deploy, as told by a pipeline. Everything but the id and the phase may be missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeployEvent {
    pub id: String,
    pub phase: Phase,
    /// The event's own time.
    pub at: Timestamp,
    /// When we got it.
    pub received: Timestamp,
    #[serde(default)]
    pub app: Option<String>,
    #[serde(default)]
    pub environment: Option<String>,
    #[serde(default)]
    pub version: Option<String>,
    #[serde(default)]
    pub hosts: Vec<String>,
    #[serde(default)]
    pub groups: Vec<String>,
    #[serde(default)]
    pub actors: Vec<String>,
    #[serde(default)]
    pub url: Option<String>,
    #[serde(default)]
    pub risk: Option<Risk>,
    #[serde(default)]
    pub rollback_of: Option<String>,
    /// Why it failed, for instance.
    #[serde(default)]
    pub reason: Option<String>,
    /// What is changed, for the risk rules and for who is named.
    #[serde(default, skip_serializing_if = "Nature::is_empty")]
    pub nature: Nature,
    /// Whoever told it may not keep problems of this app quiet: the deploy is named, but holds nothing.
    #[serde(default)]
    pub no_hold: bool,
    /// What it said itself, where `at` was corrected, since its source's clock is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_at: Option<Timestamp>,
    /// Who told us: the token's name, `local`, `replay`.
    #[serde(default)]
    pub source: String,
}

/// A deploy as its events, folded in time order, tell it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deploy {
    pub id: String,
    /// Distinct events in time order; bounded, heartbeats folded into the newest.
    pub events: Vec<DeployEvent>,
    pub app: String,
    pub environment: String,
    pub version: Option<String>,
    /// Named targets; empty: all hosts of the app.
    pub hosts: Vec<String>,
    pub groups: Vec<String>,
    pub actors: Vec<String>,
    pub url: Option<String>,
    pub risk: Risk,
    /// Why it is of this class, in a sentence.
    #[serde(default)]
    pub risk_why: String,
    pub rollback_of: Option<String>,
    pub reason: Option<String>,
    pub phase: Phase,
    pub started_at: Timestamp,
    /// The start was not told but derived.
    pub start_guessed: bool,
    pub ended_at: Option<Timestamp>,
    /// Hosts named by steps, with the time of each one's first step.
    pub touched: Vec<(String, Timestamp)>,
    pub last_event_at: Timestamp,
    pub heartbeats: bool,
    /// The digest was sent.
    pub digested: bool,
    /// Two different ends were told.
    pub conflict: bool,
    /// What stands at the end of the bake: set once.
    pub verdict: Option<String>,
    /// Numbers that got worse since, and those that cannot be compared.
    #[serde(default)]
    pub shifts: Vec<Shifted>,
    /// Why, in words and counts.
    #[serde(default)]
    pub verdict_why: Vec<String>,
    /// That it should be taken back, and what came of it.
    #[serde(default)]
    pub rollback: Option<Rollback>,
}

impl Deploy {
    /// It may have changed something: neither only planned, nor called off before it began. One that is called off on its way
    /// has changed what it came to, and is often called off for that.
    pub fn happened(&self) -> bool {
        match self.phase {
            Phase::Planned => false,
            Phase::Cancelled => {
                let ran =
                    |event: &DeployEvent| !matches!(event.phase, Phase::Planned | Phase::Cancelled);
                self.events.iter().any(ran)
            }
            _ => true,
        }
    }

    /// See [`Nature::takes_effect_at_once`]; the first event that says so.
    pub fn takes_effect_at_once(&self) -> Option<&str> {
        let natures = self.events.iter().map(|event| &event.nature);
        natures.filter_map(Nature::takes_effect_at_once).next()
    }

    /// An event said that its machines are restarted.
    pub fn declares_reboot(&self) -> bool {
        let mut events = self.events.iter();
        events.any(|event| event.nature.declares_reboot())
    }
}

/// A deploy that should be taken back. Stored with it: one attempt is one attempt, also over a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollback {
    /// When it was advised first.
    pub advised_at: Timestamp,
    /// The ledger row of the problem.
    pub problem: u64,
    /// When it was let run; None: nobody opted in.
    pub ran_at: Option<Timestamp>,
    /// What became of it, in words that follow "the rollback"; None while it runs.
    pub ended: Option<String>,
}

/// What became of a number that a check measures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shifted {
    pub check: String,
    pub label: String,
    pub how: ShiftedHow,
    /// A sentence that a person can read.
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShiftedHow {
    Worse,
    /// It was worse for a while.
    Gone,
    /// Values that should have come did not: no good news.
    Missing,
    /// Too little is known of the time before it, or it is measured too seldom.
    Unknown,
}

/// What is done about a number that gets worse with a deploy though no threshold sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Regressions {
    Off,
    /// The deployer is told, quietly.
    #[default]
    Warn,
    /// The contacts of the check are told, too, aloud.
    Page,
}

impl Regressions {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            "warn" => Some(Self::Warn),
            "page" => Some(Self::Page),
            _ => None,
        }
    }
}

/// A problem not paged yet, with a deadline that only moves earlier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub id: u64,
    pub problem: u64,
    pub object: ObjectName,
    /// The deploy that explains it.
    pub deploy: String,
    /// Why it is held, in a sentence.
    pub why: String,
    pub began_at: Timestamp,
    /// It was [`super::state::State::severity`] this bad when the hold began.
    pub severity: u8,
    /// The state when it began: whoever wanted to hear of that one is told at its end.
    #[serde(default)]
    pub state: Option<State>,
    pub deadline: Timestamp,
    pub ended: Option<HoldEnd>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldEnd {
    pub at: Timestamp,
    pub how: HoldEndHow,
    /// In a sentence.
    pub why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldEndHow {
    Paged,
    Recovered,
    Human,
    Gone,
}

impl HoldEndHow {
    /// As it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Paged => "paged",
            Self::Recovered => "recovered",
            Self::Human => "human",
            Self::Gone => "gone",
        }
    }
}

/// Which deploys a problem is put down to, and why. Says "suspect", never "caused by".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribution {
    pub verdict: Verdict,
    /// Best first, at most three; weak ones are listed, and blamed for nothing.
    pub suspects: Vec<Suspect>,
    /// Why deploys were ruled out, in sentences.
    #[serde(default)]
    pub ruled_out: Vec<String>,
}

impl Attribution {
    /// Those that the problem is put down to, and not merely listed for the reader.
    pub fn named(&self) -> impl Iterator<Item = &Suspect> {
        let named = |one: &&Suspect| self.verdict != Verdict::None && Strength::Weak < one.strength;
        self.suspects.iter().filter(named)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Suspect,
    Suspects,
    #[default]
    None,
}

impl Verdict {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Suspect => "suspect",
            Self::Suspects => "suspects",
            Self::None => "none",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspect {
    pub id: String,
    pub app: String,
    pub environment: String,
    pub version: Option<String>,
    pub actors: Vec<String>,
    pub url: Option<String>,
    pub strength: Strength,
    /// How the object stands to the deploy: `exact`, `group`, `dependency`, `environment`.
    pub relation: String,
    pub evidence: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    Weak,
    Possible,
    Likely,
    Strong,
}

/// A shared, immutable deploy.
pub type DeployRef = Arc<Deploy>;
