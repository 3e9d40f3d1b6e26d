//! The checked configuration: what is watched, who is told, and under which rules. Immutable once built.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    ops::{Deref, DerefMut},
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use super::{
    date::DateFormat,
    deploy::{ClassRules, DowntimeRule, Regressions, Risk, RiskRule, RollbackMode},
    dropin::{LogRules, PerfRules},
    gate::Freeze,
    grouping::Grouping,
    objective::Objective,
    quiet::{Mute, SilenceRules},
    relations::{COMMON, Rare, Relations},
    route::Routes,
    service::Service,
    state::{ObjectName, StateSet},
    written::Written,
};
use crate::{
    base::{secret::Secret, time::Timestamp},
    domain::{
        digest::Daily,
        itself,
        schedule::{Cron, Period, Rotation, Zone},
    },
};

/// Index of a host in [`Inventory::hosts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostIx(pub u32);
/// Index of an app in [`Inventory::apps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppIx(pub u32);
/// Index of a contact in [`Inventory::contacts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContactIx(pub u32);
/// Index of an execution profile in [`Inventory::profiles`]; 0 is the default profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileIx(pub u16);
/// Index of a concurrency tag in [`Limits::tags`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagIx(pub u16);
/// A host or a check: hosts come first (`0..hosts.len()`), then checks, in inventory order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjIx(pub u32);

/// Everything a configuration says, names resolved.
#[derive(Debug, Default)]
pub struct Inventory {
    /// Sorted by name.
    pub hosts: Vec<Host>,
    /// Sorted by host, then by name; a host's checks are one slice ([`Host::checks`]).
    pub checks: Vec<Check>,
    pub apps: Vec<App>,
    pub contacts: Vec<Contact>,
    pub profiles: Vec<Profile>,
    pub classes: Classes,
    pub limits: Limits,
    pub globals: Globals,
    pub relations: Relations,
    pub routes: Routes,
    /// How available what should be.
    pub objectives: Vec<Objective>,
    /// Freezes of the configuration.
    pub freezes: Vec<Freeze>,
    /// Mute times, in the order of the files.
    pub mutes: Vec<Mute>,
    /// In the order of the files; the first that fits counts.
    pub risk_rules: Vec<RiskRule>,
    /// Downtimes that are deploys.
    pub downtime_rules: Vec<DowntimeRule>,
    /// Short hash of all configuration text, shown in decisions and `status`.
    pub digest: String,
    /// Where it is written who is told.
    pub written: Written,
    /// Checks by name, made when first asked for.
    pub by_name: OnceLock<BTreeMap<Arc<str>, Vec<ObjIx>>>,
    /// Checks by the app that their own rule names; made when first asked for.
    pub by_app: OnceLock<BTreeMap<AppIx, Vec<ObjIx>>>,
    /// See [`Inventory::main_environment`].
    pub main_environment: OnceLock<Option<Arc<str>>>,
}

/// A machine or device.
#[derive(Debug)]
pub struct Host {
    pub name: Arc<str>,
    pub alias: Arc<str>,
    pub address: Arc<str>,
    pub groups: Vec<Arc<str>>,
    pub apps: Vec<AppIx>,
    pub parents: Vec<HostIx>,
    /// Hosts that name this one as a parent.
    pub children: Vec<HostIx>,
    /// Where this host's checks stand in [`Inventory::checks`].
    pub checks: std::ops::Range<u32>,
    /// Custom variables, upper case without underscore: `$_HOSTRACK$` is `RACK`.
    pub vars: BTreeMap<String, String>,
    /// How the host itself is checked; `rule.command` is None for "assumed to be UP".
    pub rule: Arc<Rule>,
}

/// A check on one host (Nagios: a service). Many checks share one rule.
#[derive(Clone, Debug)]
pub struct Check {
    pub host: HostIx,
    pub name: Arc<str>,
    pub rule: Arc<Rule>,
}

/// How a host or a check is run and whom it tells.
#[derive(Clone, Debug)]
pub struct Rule {
    /// None only for hosts without a check command.
    pub command: Option<CommandLine>,
    /// Apart, since a site with a command line for each of its checks has few terms. Changing one of a shared rule's
    /// makes it a copy of them.
    pub terms: Arc<Terms>,
}

/// All that a rule says beside its command.
#[derive(Clone, Debug)]
pub struct Terms {
    pub schedule: Schedule,
    /// Spacing while SOFT.
    pub retry: Duration,
    /// `max_check_attempts`, at least 1.
    pub attempts: u32,
    pub timeout: Duration,
    /// False for passive-only objects.
    pub active: bool,
    pub accepts_passive: bool,
    pub volatile: bool,
    pub check_period: Option<Arc<Period>>,
    /// Notification rules.
    pub notify: NotifyRule,
    pub flap: FlapRule,
    pub profile: ProfileIx,
    pub tags: Vec<TagIx>,
    /// Export `NAGIOS_*` to the plugin.
    pub env_macros: bool,
    /// The app this check measures; None means all apps of its host.
    pub app: Option<AppIx>,
    /// Never held by a deploy.
    pub always_page: bool,
    /// A user-facing probe from outside: CRITICAL is never held.
    pub external: bool,
    pub notes: Option<Arc<str>>,
    pub notes_url: Option<Arc<str>>,
    /// Custom variables: `$_SERVICEPORT$` is `PORT`.
    pub vars: BTreeMap<String, String>,
    /// Whether a probe in the daemon may speak for the plugin.
    pub native: Native,
    /// None where nothing rare is said.
    pub rare: Option<Arc<Rare>>,
}

impl Deref for Rule {
    type Target = Terms;

    fn deref(&self) -> &Terms {
        &self.terms
    }
}

impl DerefMut for Rule {
    fn deref_mut(&mut self) -> &mut Terms {
        Arc::make_mut(&mut self.terms)
    }
}

impl Terms {
    /// What few objects say of themselves, or what counts where nothing is said.
    pub fn rare(&self) -> &Rare {
        self.rare.as_deref().unwrap_or(&COMMON)
    }
}

/// Whether the daemon answers for a plugin that it has a probe for, without a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Native {
    /// Where the probe knows every option, the program is one of the monitoring-plugins or is not there, and it would
    /// run as the daemon's own user.
    #[default]
    Auto,
    Never,
    /// Wherever the probe knows every option, whatever program has the name.
    Always,
}

impl Native {
    /// As the configuration says it.
    pub const WORDS: &'static [&'static str] = &["auto", "never", "always"];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Never => "never",
            Self::Always => "always",
        }
    }

    pub fn of(word: &str) -> Self {
        match word {
            "never" => Self::Never,
            "always" => Self::Always,
            _ => Self::Auto,
        }
    }
}

/// A command line with macros, and the values of `$ARG1$`...
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CommandLine {
    /// The name of the `[[command]]`, or the first word of the line.
    pub name: Arc<str>,
    pub line: Arc<str>,
    pub args: Vec<String>,
}

/// When an active check is due.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// At a phase fixed by the object's name, this far apart. Zero: only when forced.
    Every(Duration),
    Cron(Arc<Cron>),
}

#[derive(Clone, Debug)]
pub struct NotifyRule {
    pub enabled: bool,
    /// Contacts, groups expanded, sorted, without doubles.
    pub contacts: Vec<ContactIx>,
    pub period: Option<Arc<Period>>,
    /// Reminder interval (`notification_interval`); zero: one notification per hard state.
    pub remind: Duration,
    /// `first_notification_delay`.
    pub first_delay: Duration,
    /// The states to tell of; OK or UP in the set means recoveries (option `r`).
    pub states: StateSet,
    pub on_flapping: bool,
    pub on_downtime: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlapRule {
    pub enabled: bool,
    /// Percent of state change at or below which flapping ends.
    pub low: f64,
    /// Percent at or above which it starts.
    pub high: f64,
}

/// A thing that is deployed.
#[derive(Debug)]
pub struct App {
    pub name: Arc<str>,
    pub environment: Arc<str>,
    /// Apps this one calls.
    pub calls: Vec<AppIx>,
    /// Apps that call this one.
    pub called_by: Vec<AppIx>,
    /// Hosts it lives on, sorted.
    pub hosts: Vec<HostIx>,
    /// The team: told of digests, regressions and failing deploys.
    pub contacts: Vec<ContactIx>,
    /// Risk class of its deploys unless the event says otherwise.
    pub risk: Risk,
    /// For its checks that say nothing themselves.
    pub regressions: Regressions,
    /// Its deploys may hold what they explain.
    pub hold: bool,
    /// How its deploys are taken back; None: people do it.
    pub rollback: Option<RollbackHook>,
    pub url: Option<Arc<str>>,
}

/// A command that takes back a deploy of an app.
#[derive(Clone, Debug)]
pub struct RollbackHook {
    pub command: CommandLine,
    pub mode: RollbackMode,
    /// It is ended after this.
    pub timeout: Duration,
}

/// Someone who is told.
#[derive(Debug)]
pub struct Contact {
    pub name: Arc<str>,
    pub alias: Arc<str>,
    pub channels: Vec<Channel>,
    /// Other names under which deploy events mention this person.
    pub actors: Vec<String>,
    pub check_states: StateSet,
    pub host_states: StateSet,
    pub on_flapping: bool,
    pub on_downtime: bool,
    /// The same for hosts; those above are for checks.
    pub host_on_flapping: bool,
    pub host_on_downtime: bool,
    pub check_period: Option<Arc<Period>>,
    pub host_period: Option<Arc<Period>>,
    pub enabled: bool,
    /// Told of hosts; and of checks (`host_notifications_enabled`, `service_notifications_enabled`).
    pub host_enabled: bool,
    pub check_enabled: bool,
    /// `can_submit_commands`.
    pub can_command: bool,
    pub vars: BTreeMap<String, String>,
    /// `$CONTACTPAGER$` and `$CONTACTADDRESS1$`...
    pub pager: String,
    pub addresses: Vec<String>,
    /// `$CONTACTEMAIL$`; mail is sent only where there is a channel for it.
    pub email: String,
    /// It is nobody in person: whoever is on call is told in its place, and it has no channels.
    pub on_call: Option<Arc<OnCall>>,
}

/// A rotation and the people in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnCall {
    pub rotation: Rotation,
    /// By their numbers in the rotation: its members, then those who only take over at times.
    pub people: Vec<ContactIx>,
}

impl OnCall {
    /// Whom to try at `at`, in this order: who is on call, whose turn it would be, and then who is next.
    pub fn order(&self, at: Timestamp) -> Vec<ContactIx> {
        let order = self.rotation.order(at).into_iter();
        order
            .filter_map(|who| self.people.get(who).copied())
            .collect()
    }

    /// Who is told beside them, since the calendar is too old.
    pub fn also(&self, at: Timestamp) -> Option<ContactIx> {
        self.people.get(self.rotation.also(at)?).copied()
    }
}

/// One way to reach a contact. The label (`email`, `webhook`, `webhook:2`) is unique within the contact and stable.
#[derive(Clone, Debug)]
pub struct Channel {
    pub label: Arc<str>,
    pub kind: ChannelKind,
}

#[derive(Clone, Debug)]
pub enum ChannelKind {
    Email {
        to: String,
    },
    Webhook {
        url: String,
        secret: Option<Secret>,
    },
    PagerDuty {
        routing_key: Secret,
        url: String,
    },
    Slack {
        webhook_url: Secret,
    },
    Service {
        service: Service,
        /// Longest time of one attempt; None: the senders' own.
        timeout: Option<Duration>,
    },
    /// A Nagios notification command: `check` for checks, `host` for hosts, macros and `NAGIOS_*` as Nagios gives them.
    Command {
        check: String,
        host: String,
        timeout: Duration,
        names: Arc<CommandNames>,
    },
}

/// What the notification commands for checks and for hosts are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandNames {
    pub check: Arc<str>,
    pub host: Arc<str>,
}

impl ChannelKind {
    /// `email`, `webhook`, `pagerduty`, `slack`, `command`, or the service's: the key in the configuration.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Email { .. } => "email",
            Self::Webhook { .. } => "webhook",
            Self::PagerDuty { .. } => "pagerduty",
            Self::Slack { .. } => "slack",
            Self::Service { service, .. } => service.name(),
            Self::Command { .. } => "command",
        }
    }

    /// It rings or pages, whatever it is given: what is not urgent is kept from it.
    pub const fn is_pager(&self) -> bool {
        match self {
            Self::PagerDuty { .. } => true,
            Self::Service { service, .. } => service.is_pager(),
            Self::Email { .. }
            | Self::Webhook { .. }
            | Self::Slack { .. }
            | Self::Command { .. } => false,
        }
    }
}

/// The privileges and limits a plugin runs with; one spawner process each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    pub name: String,
    /// None: the daemon's own user.
    pub user: Option<String>,
    pub group: Option<String>,
    pub nice: Option<i32>,
    /// Octal in the file, e.g. 022.
    pub umask: Option<u32>,
    pub no_new_privs: bool,
    /// Limits of the plugin's process: open files, address space in bytes, CPU seconds, core size in bytes, processes.
    pub max_open_files: Option<u64>,
    pub max_memory: Option<u64>,
    pub max_cpu_seconds: Option<u64>,
    pub max_core: Option<u64>,
    pub max_processes: Option<u64>,
    /// Working directory; None: `/tmp`.
    pub directory: Option<PathBuf>,
    /// Environment added for each plugin.
    pub environment: BTreeMap<String, String>,
}

/// What the three risk classes allow.
#[derive(Clone, Debug)]
pub struct Classes {
    pub low: ClassRules,
    pub normal: ClassRules,
    pub high: ClassRules,
}

impl Classes {
    pub const fn of(&self, risk: Risk) -> &ClassRules {
        match risk {
            Risk::Low => &self.low,
            Risk::Normal => &self.normal,
            Risk::High => &self.high,
        }
    }
}

impl Default for Classes {
    fn default() -> Self {
        Self {
            low: ClassRules::low(),
            normal: ClassRules::normal(),
            high: ClassRules::high(),
        }
    }
}

/// Limits on concurrency; 0 means no limit.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    pub global: u32,
    pub per_host: u32,
    /// Name and limit of each tag.
    pub tags: Vec<(Arc<str>, u32)>,
}

/// Settings of the whole installation that rules read.
#[derive(Clone, Debug)]
pub struct Globals {
    /// `cached_host_check_horizon`.
    pub host_check_horizon: Duration,
    pub notifications: bool,
    /// Events this much older or newer than the receiver's clock are still believed.
    pub clock_tolerance: Duration,
    /// So many deploys running in one environment at once are a storm.
    pub storm: usize,
    pub grouping: Grouping,
    /// Feeds of deploys, and how often each is to be heard of.
    pub expected_feeds: Vec<(String, Duration)>,
    /// Contacts told when a delivery dies and nobody else can be told, and when the store is down.
    pub fallback_contacts: Vec<ContactIx>,
    /// `$USER1$`...: index 0 is `$USER1$`.
    pub user_macros: Vec<String>,
    /// Characters deleted from `$SERVICEOUTPUT$` and kin on a command line (`illegal_macro_output_chars`).
    pub illegal_output_chars: String,
    /// `$ADMINEMAIL$`.
    pub admin_email: String,
    /// `$ADMINPAGER$`.
    pub admin_pager: String,
    /// How `$DATE$` and kin are written, and in which zone.
    pub date_format: DateFormat,
    pub zone: Zone,
    /// What `$HOSTINFOURL$` and `$SERVICEINFOURL$` begin with.
    pub website_url: String,
    pub max_output: usize,
    /// Global event handlers, run before an object's own.
    pub host_handler: Option<CommandLine>,
    pub check_handler: Option<CommandLine>,
    /// `enable_event_handlers`.
    pub handlers: bool,
    /// `enable_flap_detection`.
    pub flap_detection: bool,
    /// `soft_state_dependencies`.
    pub soft_dependencies: bool,
    /// `passive_host_checks_are_soft`.
    pub passive_hosts_soft: bool,
    /// `translate_passive_host_checks`.
    pub translate_passive_hosts: bool,
    /// `use_aggressive_host_checking`.
    pub aggressive_host_checking: bool,
    /// `additional_freshness_latency`.
    pub freshness_latency: Duration,
    /// What a number stands for where Nagios' commands give an interval (`interval_length`).
    pub interval_unit: Duration,
    /// The digest of each day; None: nobody gets one.
    pub daily: Option<Daily>,
    /// What deploywatch watches of itself; None: nothing.
    pub itself: Option<Arc<itself::Rules>>,
    /// The log in Nagios' format; None: there is none.
    pub log: Option<LogRules>,
    pub perfdata: PerfRules,
    pub silences: SilenceRules,
}

impl Default for Globals {
    fn default() -> Self {
        Self {
            host_check_horizon: Duration::from_secs(15),
            notifications: true,
            clock_tolerance: Duration::from_secs(30),
            storm: 10,
            grouping: Grouping::default(),
            expected_feeds: Vec::new(),
            fallback_contacts: Vec::new(),
            user_macros: Vec::new(),
            illegal_output_chars: "`~$&|'\"<>".to_owned(),
            admin_email: String::new(),
            admin_pager: String::new(),
            date_format: DateFormat::default(),
            zone: Zone::utc(),
            website_url: String::new(),
            max_output: 64 * 1024,
            host_handler: None,
            check_handler: None,
            handlers: true,
            flap_detection: true,
            soft_dependencies: false,
            passive_hosts_soft: false,
            translate_passive_hosts: false,
            aggressive_host_checking: false,
            freshness_latency: Duration::from_secs(15),
            interval_unit: Duration::from_secs(60),
            daily: None,
            itself: None,
            log: None,
            perfdata: PerfRules::default(),
            silences: SilenceRules::default(),
        }
    }
}

impl Inventory {
    /// Number of objects: hosts and checks.
    pub fn len(&self) -> usize {
        self.hosts.len() + self.checks.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn obj_of_host(&self, host: HostIx) -> ObjIx {
        ObjIx(host.0)
    }

    pub fn obj_of_check(&self, check: u32) -> ObjIx {
        ObjIx(u32::try_from(self.hosts.len()).expect("fewer than 2^32 hosts") + check)
    }

    /// The check behind an object, or None for a host.
    pub fn check(&self, obj: ObjIx) -> Option<&Check> {
        (obj.0 as usize)
            .checked_sub(self.hosts.len())
            .map(|check| &self.checks[check])
    }

    pub fn is_host(&self, obj: ObjIx) -> bool {
        (obj.0 as usize) < self.hosts.len()
    }

    /// The host an object is or belongs to.
    pub fn host_ix(&self, obj: ObjIx) -> HostIx {
        self.check(obj).map_or(HostIx(obj.0), |check| check.host)
    }

    pub fn host(&self, host: HostIx) -> &Host {
        &self.hosts[host.0 as usize]
    }

    pub fn app(&self, app: AppIx) -> &App {
        &self.apps[app.0 as usize]
    }

    pub fn contact(&self, contact: ContactIx) -> &Contact {
        &self.contacts[contact.0 as usize]
    }

    /// Everybody who may be told where this contact is named: itself, or all people of a rotation.
    pub fn behind(&self, contact: ContactIx) -> Vec<ContactIx> {
        match &self.contact(contact).on_call {
            Some(on_call) => on_call.people.clone(),
            None => vec![contact],
        }
    }

    pub fn rule(&self, obj: ObjIx) -> &Arc<Rule> {
        match self.check(obj) {
            Some(check) => &check.rule,
            None => &self.hosts[obj.0 as usize].rule,
        }
    }

    pub fn name(&self, obj: ObjIx) -> ObjectName {
        match self.check(obj) {
            Some(check) => ObjectName {
                host: self.host(check.host).name.clone(),
                check: Some(check.name.clone()),
            },
            None => ObjectName {
                host: self.hosts[obj.0 as usize].name.clone(),
                check: None,
            },
        }
    }

    pub fn find_host(&self, name: &str) -> Option<HostIx> {
        self.hosts
            .binary_search_by(|host| (*host.name).cmp(name))
            .ok()
            .map(|at| HostIx(u32::try_from(at).expect("fewer than 2^32 hosts")))
    }

    pub fn find(&self, name: &ObjectName) -> Option<ObjIx> {
        let host = self.find_host(&name.host)?;
        match &name.check {
            Some(check) => self.find_check(host, check),
            None => Some(self.obj_of_host(host)),
        }
    }

    /// The check of this name on a host.
    pub fn find_check(&self, host: HostIx, name: &str) -> Option<ObjIx> {
        let range = self.host(host).checks.clone();
        self.checks[range.start as usize..range.end as usize]
            .binary_search_by(|candidate| (*candidate.name).cmp(name))
            .ok()
            .map(|at| {
                self.obj_of_check(range.start + u32::try_from(at).expect("fewer than 2^32 checks"))
            })
    }

    /// The checks of the same name on all hosts, or for a host all hosts, in order.
    pub fn alike(&self, obj: ObjIx) -> Cow<'_, [ObjIx]> {
        let Some(check) = self.check(obj) else {
            let hosts = u32::try_from(self.hosts.len()).expect("fewer than 2^32 hosts");
            return Cow::Owned((0..hosts).map(ObjIx).collect());
        };
        let by_name = self.by_name.get_or_init(|| {
            let mut by_name: BTreeMap<Arc<str>, Vec<ObjIx>> = BTreeMap::new();
            for (at, check) in (0..).zip(&self.checks) {
                by_name
                    .entry(check.name.clone())
                    .or_default()
                    .push(self.obj_of_check(at));
            }
            by_name
        });
        Cow::Borrowed(by_name.get(&check.name).map_or(&[], Vec::as_slice))
    }

    /// The checks whose own rule says that they measure this app, on whatever host, in order.
    pub fn checks_that_name(&self, app: AppIx) -> &[ObjIx] {
        let by_app = self.by_app.get_or_init(|| {
            let mut by_app: BTreeMap<AppIx, Vec<ObjIx>> = BTreeMap::new();
            for at in (0..).take(self.checks.len()) {
                let obj = self.obj_of_check(at);
                if let Some(app) = self.rule(obj).app {
                    by_app.entry(app).or_default().push(obj);
                }
            }
            by_app
        });
        by_app.get(&app).map_or(&[], Vec::as_slice)
    }

    /// The environment of most apps, of equals the first by name: what belongs to no app is taken to be there.
    pub fn main_environment(&self) -> Option<&str> {
        let main = self.main_environment.get_or_init(|| {
            let mut apps: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
            for app in &self.apps {
                *apps.entry(&app.environment).or_default() += 1;
            }
            let most = apps.iter().rev().max_by_key(|(_, apps)| **apps);
            most.map(|(environment, _)| (*environment).clone())
        });
        main.as_deref()
    }

    /// Where no host runs an app, as in a cluster: the checks that name it. Empty where a host does.
    pub fn checks_instead_of_hosts(&self, app: AppIx) -> &[ObjIx] {
        if self.app(app).hosts.is_empty() {
            self.checks_that_name(app)
        } else {
            &[]
        }
    }

    /// The checks of a host, as objects.
    pub fn checks_of(&self, host: HostIx) -> impl Iterator<Item = ObjIx> + use<> {
        let hosts = u32::try_from(self.hosts.len()).expect("fewer than 2^32 hosts");
        self.host(host)
            .checks
            .clone()
            .map(move |check| ObjIx(hosts + check))
    }

    pub fn objects(&self) -> impl Iterator<Item = ObjIx> + use<> {
        (0..u32::try_from(self.len()).expect("fewer than 2^32 objects")).map(ObjIx)
    }

    /// The app of this name in this environment; with no environment, the only one of this name.
    pub fn find_app(&self, name: &str, environment: Option<&str>) -> Option<AppIx> {
        let mut found = self.apps.iter().enumerate().filter(|(_, app)| {
            &*app.name == name && environment.is_none_or(|e| &*app.environment == e)
        });
        let (at, _) = found.next()?;
        if found.next().is_some() {
            return None;
        }
        Some(AppIx(u32::try_from(at).expect("fewer than 2^32 apps")))
    }

    pub fn find_contact(&self, name: &str) -> Option<ContactIx> {
        self.contacts
            .iter()
            .position(|contact| &*contact.name == name)
            .map(|at| ContactIx(u32::try_from(at).expect("fewer than 2^32 contacts")))
    }

    /// The apps an object measures: its rule's own, or all of its host's.
    pub fn apps_of(&self, obj: ObjIx) -> &[AppIx] {
        match &self.rule(obj).app {
            Some(app) => std::slice::from_ref(app),
            None => &self.host(self.host_ix(obj)).apps,
        }
    }
}
