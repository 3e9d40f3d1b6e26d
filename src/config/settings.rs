//! What a configuration says beside the inventory: where the daemon listens, stores, sends and logs.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

use super::{
    answers::{self, Answers},
    calendars::CalendarSource,
    fault::{Fault, Sink},
    feeds::{self, FeedSettings},
    markers,
    nagios::Nagios,
    names::{Names, Raw},
    read::describe,
    secrets::Vault,
    source::Sources,
    value::{Layers, Val},
    words::parse_listen,
};
use crate::{base::secret::Secret, domain::model::marker::Target};

/// Settings outside the engine.
#[derive(Clone, Debug)]
pub struct Settings {
    pub store: Store,
    pub listen: SocketAddr,
    /// Further addresses.
    pub extra_listen: Vec<SocketAddr>,
    /// Where a bare command name is looked up, in this order.
    pub plugin_dirs: Vec<PathBuf>,
    /// For links in messages; without a slash at its end.
    pub public_url: Option<String>,
    pub smtp: Smtp,
    pub tokens: Vec<Token>,
    /// Own texts for notifications, by channel: `email`, `email_subject`, `slack`, `pagerduty`, `webhook`.
    pub templates: BTreeMap<String, MessageTemplate>,
    pub nagios: Nagios,
    pub feeds: FeedSettings,
    /// Who is told of deploys, for graphs.
    pub markers: Vec<Target>,
    pub delivery: Delivery,
    pub retention: Retention,
    /// Who hears that we live; None: nobody.
    pub dead_man: Option<DeadMan>,
    /// Calendars of rotations, to be kept fresh.
    pub calendars: Vec<CalendarSource>,
    /// How people answer pages; None: here only.
    pub answers: Option<Answers>,
    /// What is recorded, to be played again; None: nothing is.
    pub history: Option<History>,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub log: String,
    /// Environment variables that hold secrets: for the daemon alone, not for what it runs.
    pub secret_variables: Vec<String>,
}

/// Where state is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Store {
    File(PathBuf),
    /// Nothing survives the process.
    Memory,
}

/// How mail is sent.
#[derive(Clone, Debug)]
pub struct Smtp {
    /// False where there is no `[smtp]`.
    pub configured: bool,
    pub host: String,
    pub port: u16,
    pub tls: SmtpTls,
    pub from: String,
    pub username: Option<String>,
    pub password: Option<Secret>,
    /// The name to greet with; None: this machine's.
    pub helo: Option<String>,
    /// For one mail.
    pub timeout: Duration,
    pub ca_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    None,
    StartTls,
    Tls,
}

/// Who may use the API.
#[derive(Clone, Debug)]
pub struct Token {
    pub name: String,
    pub secret: Secret,
    pub scopes: BTreeSet<Scope>,
    /// `NAME` or `NAME@ENVIRONMENT`; empty: all apps.
    pub apps: Vec<String>,
}

impl Token {
    /// Whether it may do what `scope` stands for; `admin` may do all.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
    }

    /// Whether it may tell deploys of this app.
    pub fn may_deploy(&self, app: &str, environment: &str) -> bool {
        let covers = |entry: &String| match entry.split_once('@') {
            Some((name, place)) => name == app && place == environment,
            None => entry == app,
        };
        self.may(Scope::Deploy) && (self.apps.is_empty() || self.apps.iter().any(covers))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    Read,
    Deploy,
    Command,
    Results,
    Admin,
}

impl Scope {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "read" => Some(Self::Read),
            "deploy" => Some(Self::Deploy),
            "command" => Some(Self::Command),
            "results" => Some(Self::Results),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Deploy => "deploy",
            Self::Command => "command",
            Self::Results => "results",
            Self::Admin => "admin",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageTemplate {
    pub path: PathBuf,
    pub text: String,
}

/// How hard notifications are tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub give_up: Duration,
    /// A notification this late says so.
    pub delayed_after: Duration,
    pub workers: usize,
}

/// The dead-man ping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadMan {
    pub every: Duration,
    pub url: Option<Secret>,
    pub fail_url: Option<Secret>,
    pub file: Option<PathBuf>,
    /// Checks are stuck when none that runs has ended for so long beyond their timeouts.
    pub late_after: Duration,
    /// A notification that waits for so long is stuck.
    pub undelivered_after: Duration,
}

/// How long things are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    pub history: Duration,
    pub deliveries: Duration,
}

/// Where history is recorded and how much of it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    pub dir: PathBuf,
    pub keep: Duration,
    pub max_bytes: u64,
}

const DAY: Duration = Duration::from_secs(86_400);
const LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8420);
const PLUGIN_DIRS: [&str; 4] = [
    "/usr/lib/nagios/plugins",
    "/usr/lib64/nagios/plugins",
    "/usr/lib/monitoring-plugins",
    "/usr/local/libexec/nagios",
];

/// Builds the settings.
pub(super) fn build(
    raw: &Raw<'_>,
    names: &Names<'_>,
    vault: &Vault<'_>,
    nagios: Nagios,
    sink: &mut Sink,
) -> Settings {
    let daemon = raw.root.sub("daemon");
    let mut listen = addresses(&daemon);
    guard_listen(&daemon, &listen, raw, sink);
    let first = if listen.is_empty() {
        LISTEN
    } else {
        listen.remove(0)
    };
    let mut settings = Settings {
        store: store(raw, vault.sources),
        listen: first,
        extra_listen: listen,
        plugin_dirs: match daemon.get("plugin_dirs") {
            Some(dirs) => dirs
                .texts()
                .map(|dir| vault.sources.resolve(dirs.file, dir))
                .collect(),
            None => PLUGIN_DIRS.iter().map(PathBuf::from).collect(),
        },
        public_url: daemon
            .text("public_url")
            .map(|url| url.trim_end_matches('/').to_owned()),
        smtp: smtp(raw, vault, sink),
        tokens: tokens(raw, vault, sink),
        templates: templates(raw, vault, sink),
        nagios,
        feeds: feeds::build(raw, vault, sink),
        markers: markers::build(raw, vault, sink),
        delivery: delivery(raw),
        retention: retention(raw),
        dead_man: dead_man(raw, vault, sink),
        calendars: Vec::new(),
        answers: None,
        history: None,
        log: daemon.text("log").unwrap_or("info").to_owned(),
        secret_variables: Vec::new(),
    };
    settings.history = history(raw, vault, &settings.store);
    settings.answers = answers::build(raw, vault, settings.public_url.as_deref(), sink);
    // Contacts were built before.
    settings.secret_variables = vault.variables.borrow().iter().cloned().collect();
    warn_of_mail(names, &settings, sink);
    settings
}

/// Where state is kept.
pub(super) fn store(raw: &Raw<'_>, sources: &Sources) -> Store {
    let daemon = raw.root.sub("daemon");
    match daemon.text("store") {
        Some(":memory:") => Store::Memory,
        _ => {
            let given = daemon.get("store");
            let given = given.and_then(|value| Some(sources.resolve(value.file, value.text()?)));
            Store::File(given.unwrap_or_else(|| sources.resolve(0, "deploywatch.db")))
        }
    }
}

fn delivery(raw: &Raw<'_>) -> Delivery {
    let layers = raw.root.sub("delivery");
    let workers = layers
        .whole("workers")
        .and_then(|count| usize::try_from(count).ok());
    Delivery {
        give_up: layers.span("give_up", Duration::from_secs(4 * 3600)),
        delayed_after: layers.span("delayed_after", Duration::from_secs(300)),
        workers: workers.unwrap_or(8),
    }
}

fn retention(raw: &Raw<'_>) -> Retention {
    let layers = raw.root.sub("retention");
    Retention {
        history: layers.span("history", 400 * DAY),
        deliveries: layers.span("deliveries", 30 * DAY),
    }
}

fn dead_man(raw: &Raw<'_>, vault: &Vault<'_>, sink: &mut Sink) -> Option<DeadMan> {
    let layers = raw.root.sub("dead_man");
    let tab = *layers.tabs.first()?;
    let url = |name: &str, sink: &mut Sink| {
        let found = vault.find(tab, name, false, sink)?;
        let good = ["http://", "https://"]
            .iter()
            .any(|scheme| found.expose().starts_with(scheme));
        // Read only where secrets are.
        if !good && !found.expose().is_empty() {
            sink.push(
                Fault::new(
                    tab.place(),
                    format!("`{name}` is not an http or https address"),
                )
                .help("write the whole address that your watcher gave you"),
            );
        }
        Some(found)
    };
    let (url, fail_url) = (url("ping_url", sink), url("fail_url", sink));
    let file = layers
        .get("file")
        .and_then(|value| Some(vault.sources.resolve(value.file, value.text()?)));
    if url.is_none() && file.is_none() {
        // What is wrong with these is told elsewhere.
        let given = [
            "ping_url",
            "ping_url_file",
            "ping_url_env",
            "ping_url_credential",
        ];
        if given.iter().all(|key| tab.get(key).is_none()) {
            sink.push(
                Fault::new(tab.place(), "[dead_man] says nobody who is pinged")
                    .help("give the address as `ping_url_file`, `ping_url_env` or `ping_url_credential`, or a `file` to write"),
            );
        }
        return None;
    }
    let undelivered_after = layers.span("undelivered_after", Duration::from_secs(900));
    let give_up = delivery(raw).give_up;
    if give_up <= undelivered_after {
        sink.push(
            Fault::new(
                tab.value_place("undelivered_after"),
                "notifications are given up before the dead-man ping would stop for them",
            )
            .help("let `undelivered_after` be shorter than `give_up` of [delivery]"),
        );
    }
    Some(DeadMan {
        every: layers.span("every", Duration::from_secs(60)),
        url,
        fail_url,
        file,
        late_after: layers.span("late_after", Duration::from_secs(300)),
        undelivered_after,
    })
}

/// Beside the store, unless said otherwise: where nothing is stored, nothing is recorded.
fn history(raw: &Raw<'_>, vault: &Vault<'_>, store: &Store) -> Option<History> {
    let layers = raw.root.sub("history");
    let dir = match (layers.get("dir"), store) {
        (Some(value), _) => {
            let text = value.text().filter(|text| !text.is_empty())?;
            vault.sources.resolve(value.file, text)
        }
        (None, Store::File(path)) => path.with_extension("history"),
        (None, Store::Memory) => return None,
    };
    Some(History {
        dir,
        keep: layers.span("keep", 7 * DAY),
        max_bytes: layers
            .get("max_bytes")
            .and_then(Val::size)
            .unwrap_or(1 << 30),
    })
}

fn addresses(daemon: &Layers<'_>) -> Vec<SocketAddr> {
    daemon
        .get("listen")
        .into_iter()
        .flat_map(Val::texts)
        .filter_map(parse_listen)
        .collect()
}

/// Off a loopback address everybody who reaches the port could page, silence and deploy.
fn guard_listen(daemon: &Layers<'_>, listen: &[SocketAddr], raw: &Raw<'_>, sink: &mut Sink) {
    let open = listen.iter().find(|address| !address.ip().is_loopback());
    let (Some(open), Some(listed), true) = (open, daemon.get("listen"), raw.tokens.is_empty())
    else {
        return;
    };
    let value = listed
        .items()
        .find(|item| item.text().and_then(parse_listen).as_ref() == Some(open))
        .unwrap_or(listed);
    sink.push(
        Fault::new(
            value.place(),
            format!("{open} can be reached from other machines, and there is no token"),
        )
        .label("not a loopback address")
        .help("add a [[token]] with a name, a secret_file and scopes, or listen on 127.0.0.1")
        .follows(),
    );
}

fn smtp(raw: &Raw<'_>, vault: &Vault<'_>, sink: &mut Sink) -> Smtp {
    let layers = raw.root.sub("smtp");
    let tls = match layers.text("tls") {
        Some("starttls") => SmtpTls::StartTls,
        Some("tls") => SmtpTls::Tls,
        _ => SmtpTls::None,
    };
    let port = layers
        .whole("port")
        .and_then(|port| u16::try_from(port).ok());
    let owned = |key: &str| layers.text(key).map(str::to_owned);
    let password = layers
        .tabs
        .iter()
        .find_map(|tab| vault.find(*tab, "password", false, sink));
    if let (Some(name), None, Some(tab)) = (layers.get("username"), &password, layers.tabs.first())
        && !["file", "env", "credential"]
            .iter()
            .any(|way| tab.get(&format!("password_{way}")).is_some())
    {
        sink.push(
            Fault::new(name.place(), "there is a `username` but no password")
                .help("add `password_file`, `password_env` or `password_credential`"),
        );
    }
    if let (Some(_), SmtpTls::None, Some(tab)) = (&password, tls, layers.tabs.first())
        && !is_local(layers.text("host"))
    {
        sink.push(
            Fault::warning(tab.place(), "the password of [smtp] is sent unprotected")
                .help("write tls = \"starttls\" or tls = \"tls\""),
        );
    }
    Smtp {
        configured: !layers.tabs.is_empty(),
        host: owned("host").unwrap_or_else(|| "127.0.0.1".to_owned()),
        port: port.unwrap_or(match tls {
            SmtpTls::None => 25,
            SmtpTls::StartTls => 587,
            SmtpTls::Tls => 465,
        }),
        tls,
        from: owned("from").unwrap_or_else(|| "deploywatch@localhost".to_owned()),
        username: owned("username"),
        password,
        helo: owned("helo"),
        timeout: layers.span("timeout", Duration::from_secs(30)),
        ca_file: layers
            .get("ca_file")
            .and_then(|value| Some(vault.sources.resolve(value.file, value.text()?))),
    }
}

fn is_local(host: Option<&str>) -> bool {
    host.is_none_or(|host| matches!(host, "localhost" | "::1") || host.starts_with("127."))
}

fn warn_of_mail(names: &Names<'_>, settings: &Settings, sink: &mut Sink) {
    if settings.smtp.configured {
        return;
    }
    let mut mail: Vec<_> = names
        .contacts
        .values()
        .filter(|contact| contact.get("mail").and_then(Val::flag) != Some(false))
        .filter_map(|contact| contact.get("email"))
        .collect();
    mail.sort_unstable_by_key(|value| (value.file, value.node.span().start));
    if let Some(first) = mail.first() {
        sink.push(
            Fault::warning(
                first.place(),
                "there is no [smtp], so mail goes to port 25 of this machine",
            )
            .help("add [smtp] with host and from"),
        );
    }
}

fn tokens(raw: &Raw<'_>, vault: &Vault<'_>, sink: &mut Sink) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    for tab in &raw.tokens {
        let Some(secret) = vault.find(*tab, "secret", true, sink) else {
            continue;
        };
        let Some(name) = tab.text("name") else {
            continue;
        };
        let twin = tokens
            .iter()
            .find(|token| token.secret == secret && !secret.expose().is_empty());
        if let Some(twin) = twin {
            sink.push(
                Fault::new(
                    tab.place(),
                    format!("tokens `{}` and `{name}` have the same secret", twin.name),
                )
                .help("give each its own: the audit log tells them apart by it"),
            );
        }
        tokens.push(Token {
            name: name.to_owned(),
            secret,
            scopes: tab
                .get("scopes")
                .into_iter()
                .flat_map(Val::texts)
                .filter_map(Scope::parse)
                .collect(),
            apps: tab
                .get("apps")
                .into_iter()
                .flat_map(Val::texts)
                .map(str::to_owned)
                .collect(),
        });
    }
    tokens
}

fn templates(
    raw: &Raw<'_>,
    vault: &Vault<'_>,
    sink: &mut Sink,
) -> BTreeMap<String, MessageTemplate> {
    let mut templates = BTreeMap::new();
    for (channel, value) in raw.root.map("messages") {
        let Some(text) = value.text() else { continue };
        let path = vault.sources.resolve(value.file, text);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                templates.insert(channel.to_owned(), MessageTemplate { path, text });
            }
            Err(error) => {
                let message = format!("cannot read {}: {}", path.display(), describe(&error));
                sink.push(
                    Fault::new(value.place(), message)
                        .help("paths are relative to the file they are written in"),
                );
            }
        }
    }
    templates
}
