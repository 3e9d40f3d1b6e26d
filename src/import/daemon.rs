//! The settings of the main file: what becomes of them in `[daemon]`, `[nagios]`, `[defaults]` and `[limits]`.

use super::{
    context::Context,
    daemon_keys::{BY_ITSELF, DAEMON, ELSEWHERE, LOST, NAGIOS, Way},
    settings::Setting,
    toml::{Table, span, text},
};

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
    // Built into Nagios as off, though its sample switches them on.
    for (key, ours) in [
        ("log_host_retries", "log_host_retries"),
        ("log_service_retries", "log_check_retries"),
    ] {
        if !settings.flag(key, false) {
            nagios.set(ours, "false");
        }
    }
    if settings.text("log_file").is_some() && settings.text("log_rotation_method").is_none() {
        nagios.set("log_rotation", text("none"));
    }
    if let Some(unit) = settings
        .number("interval_length")
        .filter(|unit| *unit != 60.0 && 0.0 < *unit)
    {
        nagios.set("interval_unit", span(unit));
    }
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
    let mut report = context.report.borrow_mut();
    report.kept(setting.place, format!("{} {key}", table.header));
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
