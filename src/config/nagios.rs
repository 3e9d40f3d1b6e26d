//! `[nagios]`: files, pipes and sockets for tools made for Nagios.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use super::{
    commands::Commands,
    fault::{Fault, Sink},
    names::Raw,
    secrets::Vault,
    value::{Layers, Val},
};
use crate::{
    base::secret::Secret,
    domain::model::{
        dropin::{LogRules, PerfRules, PerfWay},
        objects::CommandLine,
    },
};

/// Drop-in files, pipes and sockets; what is None or empty is not served.
#[derive(Clone, Debug, Default)]
pub struct Nagios {
    pub command_file: Option<PathBuf>,
    pub log: Option<LogFile>,
    pub check_results: Option<CheckResults>,
    pub status_file: Option<PathBuf>,
    pub status_every: Duration,
    pub object_cache_file: Option<PathBuf>,
    pub host_perfdata: Option<PerfFile>,
    pub check_perfdata: Option<PerfFile>,
    pub livestatus: Option<PathBuf>,
    pub livestatus_listen: Vec<SocketAddr>,
    pub nsca: Option<Nsca>,
}

/// The event log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    pub path: PathBuf,
    /// Where rotated logs go.
    pub archive: PathBuf,
    pub rotation: Rotation,
    pub initial_states: bool,
    pub current_states: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rotation {
    None,
    Hourly,
    #[default]
    Daily,
    Weekly,
    Monthly,
}

/// The directory where others put files with results (`check_result_path`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckResults {
    pub path: PathBuf,
    /// Zero: no file is too old.
    pub max_age: Duration,
}

/// A file that gets a line for every result.
#[derive(Clone, Debug)]
pub struct PerfFile {
    pub path: PathBuf,
    pub mode: PerfMode,
    /// How often the file is handed to `command`; zero: never.
    pub every: Duration,
    pub command: Option<CommandLine>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PerfMode {
    Append,
    /// Begun anew at the start.
    Write,
    /// A named pipe.
    Pipe,
}

/// The receiver for `send_nsca`.
#[derive(Clone, Debug)]
pub struct Nsca {
    pub listen: Vec<SocketAddr>,
    /// A word of the key `encryption`.
    pub encryption: String,
    pub password: Option<Secret>,
    /// Zero: no result is too old.
    pub max_age: Duration,
}

impl Nagios {
    /// Someone reads the state of all objects.
    pub const fn has_readers(&self) -> bool {
        self.status_file.is_some()
            || self.object_cache_file.is_some()
            || self.livestatus.is_some()
            || !self.livestatus_listen.is_empty()
    }
}

const HOST_TEMPLATE: &str =
    "[HOSTPERFDATA]\\t$TIMET$\\t$HOSTNAME$\\t$HOSTEXECUTIONTIME$\\t$HOSTOUTPUT$\\t$HOSTPERFDATA$";
const CHECK_TEMPLATE: &str = "[SERVICEPERFDATA]\\t$TIMET$\\t$HOSTNAME$\\t$SERVICEDESC$\\t$SERVICEEXECUTIONTIME$\\t$SERVICELATENCY$\\t$SERVICEOUTPUT$\\t$SERVICEPERFDATA$";

/// Which lines the log gets; None: there is no log.
pub(super) fn log_rules(raw: &Raw<'_>) -> Option<LogRules> {
    let nagios = raw.root.sub("nagios");
    nagios.get("log_file")?;
    let on = |key: &str| nagios.flag(key, true);
    Some(LogRules {
        host_retries: on("log_host_retries"),
        check_retries: on("log_check_retries"),
        notifications: on("log_notifications"),
        handlers: on("log_handlers"),
        passive: on("log_passive"),
        commands: on("log_commands"),
    })
}

/// What becomes of performance data.
pub(super) fn perf_rules<'d>(
    raw: &Raw<'d>,
    commands: &mut Commands<'d, '_>,
    sink: &mut Sink,
) -> PerfRules {
    let nagios = raw.root.sub("nagios");
    let mut way = |word: &str, template: &str| PerfWay {
        command: command(&nagios, &format!("{word}_perfdata_command"), commands, sink),
        template: nagios.get(&format!("{word}_perfdata_file")).map(|_| {
            let own = nagios.text(&format!("{word}_perfdata_file_template"));
            unescape(own.unwrap_or(template)).into()
        }),
    };
    PerfRules {
        host: way("host", HOST_TEMPLATE),
        check: way("check", CHECK_TEMPLATE),
        empty: nagios.flag("perfdata_empty", true),
        timeout: nagios.span("perfdata_timeout", Duration::from_secs(5)),
    }
}

fn command<'d>(
    nagios: &Layers<'d>,
    key: &str,
    commands: &mut Commands<'d, '_>,
    sink: &mut Sink,
) -> Option<CommandLine> {
    nagios.get(key).and_then(|value| commands.line(value, sink))
}

/// `\t`, `\r`, `\n` and `\\`, as Nagios reads them in a template.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('n') => out.push('\n'),
            Some(other) => out.push(other),
            None => out.push('\\'),
        }
    }
    out
}

/// The files, pipes and sockets.
pub(super) fn build<'d>(
    raw: &Raw<'d>,
    vault: &Vault<'_>,
    commands: &mut Commands<'d, '_>,
    sink: &mut Sink,
) -> Nagios {
    let nagios = raw.root.sub("nagios");
    let path = |key: &str| {
        let value = nagios.get(key)?;
        Some(vault.sources.resolve(value.file, value.text()?))
    };
    let mut perf = |word: &str| {
        Some(PerfFile {
            path: path(&format!("{word}_perfdata_file"))?,
            mode: match nagios.text(&format!("{word}_perfdata_file_mode")) {
                Some("w") => PerfMode::Write,
                Some("p") => PerfMode::Pipe,
                _ => PerfMode::Append,
            },
            every: nagios.span(&format!("{word}_perfdata_file_every"), Duration::ZERO),
            command: command(
                &nagios,
                &format!("{word}_perfdata_file_command"),
                commands,
                sink,
            ),
        })
    };
    let (host_perfdata, check_perfdata) = (perf("host"), perf("check"));
    let livestatus_listen = addresses(&nagios, "livestatus_listen");
    guard_livestatus(&nagios, &livestatus_listen, sink);
    Nagios {
        command_file: path("command_file"),
        log: path("log_file").map(|file| log_file(&nagios, file, path("log_archive_path"))),
        check_results: path("check_result_path").map(|path| CheckResults {
            path,
            max_age: nagios.span("check_result_max_age", Duration::from_secs(3600)),
        }),
        status_file: path("status_file"),
        status_every: nagios.span("status_every", Duration::from_secs(10)),
        object_cache_file: path("object_cache_file"),
        host_perfdata,
        check_perfdata,
        livestatus: path("livestatus"),
        livestatus_listen,
        nsca: nsca(&nagios, vault, sink),
    }
}

fn log_file(nagios: &Layers<'_>, path: PathBuf, archive: Option<PathBuf>) -> LogFile {
    LogFile {
        archive: archive.unwrap_or_else(|| path.parent().map(PathBuf::from).unwrap_or_default()),
        path,
        rotation: match nagios.text("log_rotation") {
            Some("none") => Rotation::None,
            Some("hourly") => Rotation::Hourly,
            Some("weekly") => Rotation::Weekly,
            Some("monthly") => Rotation::Monthly,
            _ => Rotation::Daily,
        },
        initial_states: nagios.flag("log_initial_states", false),
        current_states: nagios.flag("log_current_states", true),
    }
}

fn addresses(table: &Layers<'_>, key: &str) -> Vec<SocketAddr> {
    table
        .get(key)
        .into_iter()
        .flat_map(Val::texts)
        .filter_map(super::words::parse_listen)
        .collect()
}

/// Livestatus knows no password: that others can reach it must not happen unnoticed.
fn guard_livestatus(nagios: &Layers<'_>, listen: &[SocketAddr], sink: &mut Sink) {
    if let (Some(open), Some(value)) = (
        listen.iter().find(|address| !address.ip().is_loopback()),
        nagios.get("livestatus_listen"),
    ) {
        let message = format!("whoever reaches {open} may read all states and send commands");
        sink.push(
            Fault::warning(value.place(), message)
                .help("let a firewall admit only the hosts of your web interface"),
        );
    }
}

fn nsca(nagios: &Layers<'_>, vault: &Vault<'_>, sink: &mut Sink) -> Option<Nsca> {
    let table = nagios.sub("nsca");
    let tab = *table.tabs.first()?;
    let encryption = table.text("encryption").unwrap_or("xor").to_owned();
    let password = vault.find(tab, "password", false, sink);
    if let (None, true, Some(value)) = (
        &password,
        !matches!(&*encryption, "none" | "xor"),
        table.get("encryption"),
    ) {
        sink.push(
            Fault::new(
                value.place(),
                "encryption without a password protects nothing",
            )
            .help("add `password_file`, `password_env` or `password_credential`"),
        );
    }
    Some(Nsca {
        listen: addresses(&table, "listen"),
        encryption,
        password,
        max_age: table.span("max_age", Duration::from_secs(30)),
    })
}
