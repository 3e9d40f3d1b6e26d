//! One seed's machines and apps, and the configuration that tells of them: text for the ordinary loader.

use std::{fmt::Write as _, path::Path, sync::Arc};

use super::{parameters::Parameters, random::Random};
use crate::{
    config,
    domain::model::{deploy::Risk, objects::Inventory},
};

/// What an object looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The host itself.
    Ping,
    Load,
    Disk,
    Memory,
    Http,
    Health,
    Queue,
    Certificate,
    /// From outside.
    Probe,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Load => "load",
            Self::Disk => "disk",
            Self::Memory => "memory",
            Self::Http => "http",
            Self::Health => "health",
            Self::Queue => "queue",
            Self::Certificate => "certificate",
            Self::Probe => "probe",
        }
    }

    /// Whether it measures an app on a host.
    pub const fn is_of_app(self) -> bool {
        matches!(
            self,
            Self::Http | Self::Health | Self::Queue | Self::Certificate
        )
    }

    /// Asked of an agent on the host.
    pub const fn is_of_agent(self) -> bool {
        matches!(self, Self::Load | Self::Disk | Self::Memory)
    }
}

#[derive(Clone, Debug)]
pub struct Object {
    pub host: usize,
    pub name: Option<String>,
    pub role: Role,
    pub app: Option<usize>,
    pub retry: u32,
}

#[derive(Clone, Debug)]
pub struct Host {
    pub name: String,
    pub switch: bool,
    pub parent: Option<usize>,
    pub apps: Vec<usize>,
    /// The host itself, then its checks.
    pub objects: Vec<usize>,
}

#[derive(Clone, Debug)]
pub struct App {
    pub name: String,
    /// In truth, whatever the configuration says.
    pub calls: Vec<usize>,
    pub called_by: Vec<usize>,
    pub hosts: Vec<usize>,
    pub risk: Risk,
    /// Its checks say that they are its.
    labelled: bool,
    queue: bool,
    certificate: bool,
    probed: bool,
    /// Of calls, those that the configuration tells of.
    told: Vec<usize>,
}

#[derive(Clone, Debug, Default)]
pub struct Fleet {
    pub hosts: Vec<Host>,
    pub apps: Vec<App>,
    pub objects: Vec<Object>,
    pub text: String,
    pub large: bool,
}

const WORDS: [&str; 16] = [
    "shop", "search", "basket", "login", "prices", "stock", "mail", "media", "orders", "reviews",
    "ledger", "rates", "geo", "feeds", "ads", "tags",
];

impl Fleet {
    /// `hosts`: so many instead of what the seed says.
    pub fn new(parameters: &Parameters, seed: u64, hosts: Option<u32>, large_too: bool) -> Self {
        let p = &parameters.fleet;
        let mut random = Random::new(seed, 1);
        let large = hosts.is_some_and(|hosts| 100 < hosts)
            || hosts.is_none() && large_too && seed.is_multiple_of(p.large_one_in);
        let drawn = random.whole(p.hosts);
        let count = match hosts {
            Some(hosts) => hosts as usize,
            None if large => p.large_hosts as usize,
            None => drawn,
        };
        let mut fleet = Self {
            large,
            ..Self::default()
        };
        let switches = random.whole(p.switches);
        for at in 0..switches {
            fleet.add_host(format!("switch{at}"), true, None);
        }
        for at in 0..count {
            let parent = random
                .chance(p.behind_switch)
                .then(|| random.below(switches));
            fleet.add_host(format!("node{at:03}"), false, parent);
        }
        fleet.add_apps(parameters, &mut random);
        fleet.write(parameters, &mut random);
        fleet
    }

    fn add_host(&mut self, name: String, switch: bool, parent: Option<usize>) {
        self.hosts.push(Host {
            name,
            switch,
            parent,
            apps: Vec::new(),
            objects: Vec::new(),
        });
    }

    /// Layers from the users down; each app lives on a few hosts, most hosts run one app.
    fn add_apps(&mut self, parameters: &Parameters, random: &mut Random) {
        let p = &parameters.fleet;
        let count = random.whole(if self.large { p.large_apps } else { p.apps });
        let mut free: Vec<usize> = (0..self.hosts.len())
            .filter(|host| !self.hosts[*host].switch)
            .collect();
        let all = free.clone();
        random.shuffle(&mut free);
        for at in 0..count {
            let word = WORDS[at % WORDS.len()];
            let name = if at < WORDS.len() {
                word.to_owned()
            } else {
                format!("{word}{}", at / WORDS.len() + 1)
            };
            let wanted = random.whole(p.hosts_per_app);
            let mut hosts = Vec::new();
            while hosts.len() < wanted {
                // Once each host has an app, some get a second one.
                let host = match free.pop() {
                    Some(host) => host,
                    None if 2 <= hosts.len() => break,
                    None => all[random.below(all.len())],
                };
                if hosts.contains(&host) {
                    break;
                }
                hosts.push(host);
                if random.chance(p.second_app) {
                    let other = all[random.below(all.len())];
                    if !hosts.contains(&other) && self.hosts[other].apps.len() == 1 {
                        hosts.push(other);
                    }
                }
            }
            hosts.sort_unstable();
            for host in &hosts {
                self.hosts[*host].apps.push(at);
            }
            let luck = random.unit();
            let risk = if luck < p.low_risk {
                Risk::Low
            } else if luck < p.low_risk + p.high_risk {
                Risk::High
            } else {
                Risk::Normal
            };
            self.apps.push(App {
                name,
                calls: Vec::new(),
                called_by: Vec::new(),
                hosts,
                risk,
                labelled: !random.chance(p.check_without_app),
                queue: random.chance(p.queue_check),
                certificate: random.chance(p.certificate_check),
                probed: false,
                told: Vec::new(),
            });
        }
        self.add_calls(parameters, random);
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by_key(|app| self.layer(p.layers, *app));
        for app in order.into_iter().take(random.whole(p.probes)) {
            self.apps[app].probed = true;
        }
    }

    fn layer(&self, layers: u32, app: usize) -> usize {
        app * layers as usize / self.apps.len().max(1)
    }

    fn add_calls(&mut self, parameters: &Parameters, random: &mut Random) {
        let p = &parameters.fleet;
        // Drawn apart, so that a sweep over missing edges leaves all else as it is.
        let mut missing = Random::new(random.next(), 2);
        for app in 0..self.apps.len() {
            let lower: Vec<usize> = (0..self.apps.len())
                .filter(|other| self.layer(p.layers, app) < self.layer(p.layers, *other))
                .collect();
            let wanted = random.whole(p.calls);
            for _ in 0..wanted {
                let Some(called) = random.pick(&lower) else {
                    break;
                };
                if !self.apps[app].calls.contains(&called) {
                    self.apps[app].calls.push(called);
                    self.apps[called].called_by.push(app);
                    if !missing.chance(p.missing_edges) {
                        self.apps[app].told.push(called);
                    }
                }
            }
        }
    }

    fn add_object(
        &mut self,
        host: usize,
        role: Role,
        name: Option<String>,
        app: Option<usize>,
        retry: u32,
    ) {
        self.hosts[host].objects.push(self.objects.len());
        self.objects.push(Object {
            host,
            name,
            role,
            app,
            retry,
        });
    }

    fn write(&mut self, parameters: &Parameters, random: &mut Random) {
        let p = &parameters.fleet;
        let every = p.interval[random.below(p.interval.len())];
        let retry = p.retry[random.below(p.retry.len())].min(every);
        let mut text = format!(
            "[daemon]\nstore = \":memory:\"\nlog = \"error\"\n\n[defaults]\nevery = \"{every}s\"\nretry = \"{retry}s\"\n\
             attempts = {}\ntimeout = \"10s\"\nremind = \"0s\"\ncontacts = [\"oncall\"]\n\n[[contact]]\nname = \"oncall\"\n\
             webhook = {{ url = \"http://127.0.0.1:9/oncall\" }}\n\n[[contact]]\nname = \"team\"\n\
             webhook = {{ url = \"http://127.0.0.1:9/team\" }}\n",
            p.attempts,
        );
        for app in &self.apps {
            let told: Vec<&str> = app
                .told
                .iter()
                .map(|called| &*self.apps[*called].name)
                .collect();
            put(
                &mut text,
                format_args!(
                    "\n[[app]]\nname = \"{}\"\nenvironment = \"production\"\ncalls = {told:?}\nrisk = \"{}\"\n\
                     contacts = [\"team\"]\n",
                    app.name,
                    app.risk.name(),
                ),
            );
        }
        for host in 0..self.hosts.len() {
            let Host {
                name, parent, apps, ..
            } = &self.hosts[host];
            let parents: Vec<&str> = parent
                .iter()
                .map(|parent| &*self.hosts[*parent].name)
                .collect();
            let apps: Vec<&str> = apps.iter().map(|app| &*self.apps[*app].name).collect();
            put(
                &mut text,
                format_args!(
                    "\n[[host]]\nname = \"{name}\"\naddress = \"10.0.{}.{}\"\ncheck = \"check_ping -H $HOSTADDRESS$\"\n\
                     every = \"{every}s\"\nretry = \"{retry}s\"\nattempts = {}\nremind = \"0s\"\nparents = {parents:?}\n\
                     apps = {apps:?}\ncontacts = [\"oncall\"]\n",
                    host / 250,
                    host % 250 + 1,
                    p.attempts,
                ),
            );
            self.add_object(host, Role::Ping, None, None, retry);
            if !self.hosts[host].switch {
                for role in [Role::Load, Role::Disk, Role::Memory] {
                    self.check(&mut text, host, role, None, retry);
                }
                for app in self.hosts[host].apps.clone() {
                    self.app_checks(&mut text, host, app, retry);
                }
            }
        }
        // Where the probes look from; it is no machine of the fleet.
        self.add_host("outside".to_owned(), false, None);
        text.push_str("\n[[host]]\nname = \"outside\"\ncontacts = [\"oncall\"]\n");
        let outside = self.hosts.len() - 1;
        for app in 0..self.apps.len() {
            if self.apps[app].probed {
                self.check(&mut text, outside, Role::Probe, Some(app), retry.min(15));
            }
        }
        self.text = text;
    }

    fn app_checks(&mut self, text: &mut String, host: usize, app: usize, retry: u32) {
        let App {
            queue, certificate, ..
        } = self.apps[app];
        for (role, there) in [
            (Role::Http, true),
            (Role::Health, true),
            (Role::Queue, queue),
            (Role::Certificate, certificate),
        ] {
            if there {
                self.check(text, host, role, Some(app), retry);
            }
        }
    }

    fn check(
        &mut self,
        text: &mut String,
        host: usize,
        role: Role,
        app: Option<usize>,
        retry: u32,
    ) {
        let is_first = app.is_none_or(|app| self.hosts[host].apps.first() == Some(&app));
        let mut name = role.name().to_owned();
        if let Some(app) = app.filter(|_| !is_first) {
            name = format!("{name}-{}", self.apps[app].name);
        }
        let mut more = String::new();
        if let Some(app) = app
            && (role == Role::Probe || self.apps[app].labelled || !is_first)
        {
            put(
                &mut more,
                format_args!("app = \"{}\"\n", self.apps[app].name),
            );
        }
        if role == Role::Probe {
            put(
                &mut more,
                format_args!("external = true\nevery = \"60s\"\nretry = \"{retry}s\"\n"),
            );
        }
        put(
            text,
            format_args!(
                "\n[[check]]\nname = \"{name}\"\nhosts = [\"{}\"]\ncommand = \"check_{} -H $HOSTADDRESS$\"\n{more}",
                self.hosts[host].name,
                role.name(),
            ),
        );
        self.add_object(host, role, Some(name), app, retry);
    }

    /// As the daemon loads its own.
    pub fn load(&self) -> Result<Arc<Inventory>, String> {
        config::load_text(&self.text, Path::new("/"))
            .map(|loaded| Arc::new(loaded.inventory))
            .map_err(|faults| faults.render(false))
    }

    /// `node001/http`, or the host's name.
    pub fn name(&self, object: usize) -> String {
        let Object { host, name, .. } = &self.objects[object];
        let host = &self.hosts[*host].name;
        match name {
            Some(name) => format!("{host}/{name}"),
            None => host.clone(),
        }
    }

    /// Objects of an app on one host, in the given roles.
    pub fn of_app(&self, app: usize, host: usize, wanted: &[Role]) -> Vec<usize> {
        self.hosts[host]
            .objects
            .iter()
            .copied()
            .filter(|object| {
                let object = &self.objects[*object];
                object.app == Some(app) && wanted.contains(&object.role)
            })
            .collect()
    }

    pub fn of_host(&self, host: usize, wanted: impl Fn(Role) -> bool) -> Vec<usize> {
        self.hosts[host]
            .objects
            .iter()
            .copied()
            .filter(|object| wanted(self.objects[*object].role))
            .collect()
    }

    pub fn probe_of(&self, app: usize) -> Option<usize> {
        self.hosts.last()?.objects.iter().copied().find(|object| {
            self.objects[*object].role == Role::Probe && self.objects[*object].app == Some(app)
        })
    }

    /// Machines that run something.
    pub fn machines(&self) -> Vec<usize> {
        (0..self.hosts.len())
            .filter(|host| !self.hosts[*host].apps.is_empty())
            .collect()
    }
}

fn put(text: &mut String, words: std::fmt::Arguments<'_>) {
    text.write_fmt(words)
        .expect("writing to a String cannot fail");
}
