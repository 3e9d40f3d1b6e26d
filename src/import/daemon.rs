//! The settings of the main file: what becomes of them in `[daemon]`, `[nagios]`, `[defaults]` and `[limits]`.

use super::{
    context::Context,
    settings::Setting,
    toml::{Table, span, text},
};

/// How a value is written, and which one is ours anyway.
#[derive(Clone, Copy)]
enum Way {
    Flag(bool),
    /// Seconds.
    Seconds(f64),
    Text(&'static str),
    /// A file, relative to the main file.
    File,
    Command,
    Rotation,
}

const DAEMON: &[(&str, &str, Way)] = &[
    ("enable_notifications", "notifications", Way::Flag(true)),
    ("enable_event_handlers", "handlers", Way::Flag(true)),
    (
        "soft_state_dependencies",
        "soft_dependencies",
        Way::Flag(false),
    ),
    (
        "passive_host_checks_are_soft",
        "passive_hosts_soft",
        Way::Flag(false),
    ),
    (
        "translate_passive_host_checks",
        "translate_passive_hosts",
        Way::Flag(false),
    ),
    (
        "use_aggressive_host_checking",
        "aggressive_host_checking",
        Way::Flag(false),
    ),
    (
        "additional_freshness_latency",
        "freshness_latency",
        Way::Seconds(15.0),
    ),
    (
        "cached_host_check_horizon",
        "host_check_horizon",
        Way::Seconds(15.0),
    ),
    ("admin_email", "admin_email", Way::Text("")),
    ("global_host_event_handler", "host_handler", Way::Command),
    (
        "global_service_event_handler",
        "check_handler",
        Way::Command,
    ),
];

const NAGIOS: &[(&str, &str, Way)] = &[
    ("command_file", "command_file", Way::File),
    ("log_file", "log_file", Way::File),
    ("log_rotation_method", "log_rotation", Way::Rotation),
    ("log_archive_path", "log_archive_path", Way::File),
    ("log_service_retries", "log_retries", Way::Flag(true)),
    ("check_result_path", "check_result_path", Way::File),
    ("status_file", "status_file", Way::File),
    ("status_update_interval", "status_every", Way::Seconds(10.0)),
    ("object_cache_file", "object_cache_file", Way::File),
    ("date_format", "date_format", Way::Text("us")),
    (
        "host_perfdata_command",
        "host_perfdata_command",
        Way::Command,
    ),
    (
        "service_perfdata_command",
        "check_perfdata_command",
        Way::Command,
    ),
    ("host_perfdata_file", "host_perfdata_file", Way::File),
    ("service_perfdata_file", "check_perfdata_file", Way::File),
    (
        "host_perfdata_file_template",
        "host_perfdata_file_template",
        Way::Text(""),
    ),
    (
        "service_perfdata_file_template",
        "check_perfdata_file_template",
        Way::Text(""),
    ),
    (
        "host_perfdata_file_mode",
        "host_perfdata_file_mode",
        Way::Text("a"),
    ),
    (
        "service_perfdata_file_mode",
        "check_perfdata_file_mode",
        Way::Text("a"),
    ),
];

/// Settings that were read elsewhere, and into what.
const ELSEWHERE: &[(&str, &str)] = &[
    ("cfg_file", "its objects"),
    ("cfg_dir", "its objects"),
    ("resource_file", "[daemon] user_macros_file"),
    (
        "interval_length",
        "every interval, in seconds, minutes and hours",
    ),
    ("use_regexp_matching", "lists of names"),
    ("use_true_regexp_matching", "lists of names"),
    ("use_timezone", "`timezone` of each [[period]]"),
    ("service_check_timeout", "[defaults] timeout"),
    ("host_check_timeout", "[defaults.host] timeout"),
    (
        "notification_timeout",
        "`timeout` of each command of a [[contact]]",
    ),
    ("low_service_flap_threshold", "[defaults] flap_low"),
    ("high_service_flap_threshold", "[defaults] flap_high"),
    ("low_host_flap_threshold", "[defaults.host] flap_low"),
    ("high_host_flap_threshold", "[defaults.host] flap_high"),
    ("enable_flap_detection", "[daemon] flap_detection"),
    ("enable_environment_macros", "[defaults] env_macros"),
    (
        "illegal_macro_output_chars",
        "[daemon] illegal_output_chars",
    ),
    ("max_concurrent_checks", "[limits] global"),
    ("check_external_commands", "[nagios] command_file"),
    ("process_performance_data", "[nagios] perfdata keys"),
    ("check_service_freshness", "`stale_after` of checks"),
    ("check_host_freshness", "`stale_after` of hosts"),
    ("log_host_retries", "[nagios] log_retries"),
];

/// Settings whose value matters, where it is not this one, and why it is lost.
const LOST: &[(&str, &str, &str)] = &[
    (
        "execute_service_checks",
        "1",
        "checks are run; to stop them write active = false into [defaults]",
    ),
    (
        "execute_host_checks",
        "1",
        "hosts are checked; to stop it write active = false into [defaults.host]",
    ),
    (
        "accept_passive_service_checks",
        "1",
        "results from outside are taken; to refuse them write passive = false into [defaults]",
    ),
    (
        "accept_passive_host_checks",
        "1",
        "results from outside are taken; to refuse them write passive = false into [defaults.host]",
    ),
    (
        "service_check_timeout_state",
        "c",
        "a check that takes too long is CRITICAL",
    ),
    (
        "obsess_over_services",
        "0",
        "there is no obsessing: take results from the API or the log",
    ),
    (
        "obsess_over_hosts",
        "0",
        "there is no obsessing: take results from the API or the log",
    ),
    (
        "host_down_disable_service_checks",
        "0",
        "checks of a host that is down are run, and do not notify",
    ),
    (
        "auto_reschedule_checks",
        "0",
        "checks are spread evenly by themselves",
    ),
    (
        "retain_state_information",
        "1",
        "states are always kept over a restart",
    ),
    (
        "use_retained_program_state",
        "1",
        "switches are always kept over a restart",
    ),
];

/// Why nothing is missed, by what the setting begins with.
const BY_ITSELF: &[(&str, &str)] = &[
    (
        "broker_module",
        "modules of Nagios cannot be loaded: use the API, /metrics or the files of [nagios]",
    ),
    (
        "ocsp_",
        "there is no obsessing: take results from the API or the log",
    ),
    (
        "ochp_",
        "there is no obsessing: take results from the API or the log",
    ),
    ("nagios_", "the daemon runs as the user that starts it"),
    ("debug_", "the log has levels: [daemon] log"),
    ("max_debug", "the log has levels: [daemon] log"),
    ("log_", "everything is logged"),
    (
        "use_syslog",
        "the log goes to standard error, where systemd takes it",
    ),
    ("retain", "states are always kept over a restart"),
    ("use_retain", "states are always kept over a restart"),
    ("state_retention_file", "states are kept in [daemon] store"),
    (
        "max_service_check_spread",
        "checks are spread evenly by themselves",
    ),
    (
        "max_host_check_spread",
        "checks are spread evenly by themselves",
    ),
    ("service_inter", "checks are spread evenly by themselves"),
    ("host_inter", "checks are spread evenly by themselves"),
    ("event_handler_timeout", "event handlers have 30 seconds"),
    (
        "illegal_object_name_chars",
        "check-config warns of such names",
    ),
    ("allow_empty", "a check without hosts is a warning"),
];

/// The tables of `deploywatch.toml`, and the notes of all settings.
pub fn tables(context: &Context<'_, '_, '_>, has_macros: bool) -> Vec<Table> {
    let settings = context.settings;
    let mut daemon = Table::new("[daemon]");
    if has_macros {
        daemon.set("user_macros_file", text(super::USER_MACROS));
    }
    // Built into Nagios as off, though its sample switches it on.
    if !settings.flag("enable_flap_detection", false) {
        daemon.set("flap_detection", "false");
    }
    let illegal = settings
        .text("illegal_macro_output_chars")
        .unwrap_or_default();
    daemon.set("illegal_output_chars", text(illegal));
    let mut nagios = Table::new("[nagios]");
    nagios
        .above
        .push("The same paths as in Nagios: stop it before you start deploywatch.".to_owned());
    let mut limits = Table::new("[limits]");
    if let Some(most) = settings
        .number("max_concurrent_checks")
        .filter(|most| 1.0 <= *most)
    {
        limits.set("global", format!("{most:.0}"));
    }
    for setting in &settings.list {
        let last = settings
            .find(setting.key)
            .is_some_and(|last| std::ptr::eq(last, setting));
        if !last
            && !["cfg_file", "cfg_dir", "resource_file", "broker_module"].contains(&setting.key)
        {
            context
                .report
                .borrow_mut()
                .dropped(setting.place, "is set again below, which counts");
            continue;
        }
        become_of(context, setting, &mut daemon, &mut nagios);
    }
    let mut tables = vec![
        daemon,
        nagios,
        limits,
        defaults(context, false),
        defaults(context, true),
    ];
    tables.retain(|table| !table.pairs.is_empty());
    tables
}

fn become_of(
    context: &Context<'_, '_, '_>,
    setting: &Setting<'_>,
    daemon: &mut Table,
    nagios: &mut Table,
) {
    let find =
        |list: &'static [(&str, &str, Way)]| list.iter().find(|(key, ..)| *key == setting.key);
    let settings = context.settings;
    if let Some((_, key, way)) = find(DAEMON) {
        put(context, setting, key, *way, daemon);
    } else if let Some((_, key, way)) = find(NAGIOS) {
        let is_off = match setting.key {
            "command_file" if !settings.flag("check_external_commands", true) => {
                Some("check_external_commands is off")
            }
            word if word.contains("perfdata")
                && !settings.flag("process_performance_data", false) =>
            {
                Some("process_performance_data is off")
            }
            _ => None,
        };
        match is_off {
            Some(why) => context.report.borrow_mut().dropped(setting.place, why),
            None => put(context, setting, key, *way, nagios),
        }
    } else if let Some((_, into)) = ELSEWHERE.iter().find(|(key, _)| *key == setting.key) {
        context.report.borrow_mut().kept(setting.place, *into);
    } else if let Some((_, harmless, why)) = LOST.iter().find(|(key, ..)| *key == setting.key) {
        let mut report = context.report.borrow_mut();
        if setting.value == *harmless {
            report.kept(setting.place, *why);
        } else {
            report.changed(setting.place, *why);
        }
    } else {
        let why = BY_ITSELF
            .iter()
            .find(|(start, _)| setting.key.starts_with(start));
        let why = why.map_or("the daemon needs no such setting", |(_, why)| why);
        context.report.borrow_mut().dropped(setting.place, why);
    }
}

fn put(
    context: &Context<'_, '_, '_>,
    setting: &Setting<'_>,
    key: &str,
    way: Way,
    table: &mut Table,
) {
    let value = setting.value;
    let number = || {
        let number = value
            .parse::<f64>()
            .ok()
            .filter(|number| 0.0 <= *number && number.is_finite());
        if number.is_none() {
            context.fault(
                setting.place,
                format!("{}: `{value}` is not a number", setting.key),
                "write a number that is not negative",
            );
        }
        number
    };
    let written = match way {
        Way::Flag(default) => {
            let on = value != "0";
            (on != default).then(|| on.to_string())
        }
        Way::Seconds(default) => number().filter(|seconds| *seconds != default).map(span),
        Way::Text(default) => (value != default).then(|| text(value)),
        Way::File => (!value.is_empty()).then(|| text(&context.base.join(value).to_string_lossy())),
        Way::Command => (!value.is_empty()).then(|| {
            context.check_command(value, setting.place);
            text(value)
        }),
        Way::Rotation => {
            let word = match value {
                "h" => "hourly",
                "d" => "daily",
                "w" => "weekly",
                "m" => "monthly",
                _ => "none",
            };
            Some(text(word))
        }
    };
    context
        .report
        .borrow_mut()
        .kept(setting.place, format!("{} {key}", table.header));
    if let Some(written) = written {
        table.set(key, written);
    }
}

/// `[defaults]` or `[defaults.host]`: what Nagios sets for all services or all hosts.
fn defaults(context: &Context<'_, '_, '_>, is_host: bool) -> Table {
    let settings = context.settings;
    let (header, timeout, least, low, high) = if is_host {
        (
            "[defaults.host]",
            "host_check_timeout",
            30.0,
            "low_host_flap_threshold",
            "high_host_flap_threshold",
        )
    } else {
        (
            "[defaults]",
            "service_check_timeout",
            60.0,
            "low_service_flap_threshold",
            "high_service_flap_threshold",
        )
    };
    let mut table = Table::new(header);
    if let Some(seconds) = settings
        .number(timeout)
        .filter(|seconds| *seconds != least && 0.0 < *seconds)
    {
        table.set("timeout", span(seconds));
    }
    for (key, name, built_in) in [("flap_low", low, 20.0), ("flap_high", high, 30.0)] {
        if let Some(percent) = settings
            .number(name)
            .filter(|percent| *percent != built_in && 0.0 < *percent)
        {
            table.set(key, percent.to_string());
        }
    }
    if settings.flag("enable_environment_macros", false) {
        table.set("env_macros", "true");
    }
    table
}
