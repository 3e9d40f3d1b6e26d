//! Which keys of hosts and checks come from which directives of Nagios, and which directives come to nothing.

use super::words::Kind;

/// How one key comes from directives.
pub struct Rule {
    pub key: &'static str,
    pub from: &'static [&'static str],
    /// Left out where nothing else is inherited and it is this.
    pub default: &'static str,
    /// What `null` becomes; empty: our own default, which is Nagios' too.
    pub null: &'static str,
}

const fn rule(
    key: &'static str,
    from: &'static [&'static str],
    default: &'static str,
    null: &'static str,
) -> Rule {
    Rule {
        key,
        from,
        default,
        null,
    }
}

const HOST: &[Rule] = &[
    rule("alias", &["alias"], "", "\"\""),
    rule("address", &["address"], "", "\"\""),
    rule("check", &["check_command"], "", "\"\""),
    rule("parents", &["parents"], "", "[]"),
    rule("groups", &["hostgroups"], "", "[]"),
];

const SERVICE: &[Rule] = &[
    rule("hosts", &["host_name"], "", "[]"),
    rule("exclude_hosts", &["host_name"], "", "[]"),
    rule("groups", &["hostgroup_name"], "", "[]"),
    rule("exclude_groups", &["hostgroup_name"], "", "[]"),
    rule("command", &["check_command"], "", ""),
    rule("parents", &["parents"], "", "[]"),
    rule("check_groups", &["servicegroups"], "", "[]"),
    rule("volatile", &["is_volatile"], "false", "false"),
];

const BOTH: &[Rule] = &[
    rule("every", &["check_interval"], "", "\"5m\""),
    rule("retry", &["retry_interval"], "", "\"1m\""),
    rule("attempts", &["max_check_attempts"], "", ""),
    rule("period", &["check_period"], "", "\"\""),
    rule("active", &["active_checks_enabled"], "true", "true"),
    rule("passive", &["passive_checks_enabled"], "true", "true"),
    rule("contacts", &["contacts", "contact_groups"], "", "[]"),
    rule("notify", &["notifications_enabled"], "true", "true"),
    rule("notify_period", &["notification_period"], "", "\"\""),
    rule("remind", &["notification_interval"], "", "\"30m\""),
    rule(
        "first_delay",
        &["first_notification_delay"],
        "\"0s\"",
        "\"0s\"",
    ),
    rule("states", &["notification_options"], "", ""),
    rule("flapping", &["notification_options"], "true", "true"),
    rule("downtime", &["notification_options"], "true", "true"),
    rule(
        "flap_detection",
        &["flap_detection_enabled"],
        "true",
        "true",
    ),
    rule("flap_low", &["low_flap_threshold"], "", ""),
    rule("flap_high", &["high_flap_threshold"], "", ""),
    rule("flap_states", &["flap_detection_options"], "", ""),
    rule("handler", &["event_handler"], "", "\"\""),
    rule("handler_period", &["event_handler_period"], "", "\"\""),
    rule("handle", &["event_handler_enabled"], "true", "true"),
    rule(
        "stale_after",
        &["check_freshness", "freshness_threshold"],
        "\"never\"",
        "\"never\"",
    ),
    rule("stalk", &["stalking_options"], "[]", "[]"),
    rule("initial_state", &["initial_state"], "", ""),
    rule("perfdata", &["process_perf_data"], "true", "true"),
    rule("importance", &["importance"], "0", "0"),
    rule("display_name", &["display_name"], "", "\"\""),
    rule("notes", &["notes"], "", "\"\""),
    rule("notes_url", &["notes_url"], "", "\"\""),
    rule("action_url", &["action_url"], "", "\"\""),
    rule("icon_image", &["icon_image"], "", "\"\""),
];

/// Directives without a counterpart, and why nothing is missed.
pub const IGNORED: &[(&str, &str)] = &[
    (
        "obsess",
        "there is no obsessing: take results from the API or the log",
    ),
    ("parallelize_check", "Nagios ignores it since 3.0"),
    ("failure_prediction_enabled", "Nagios ignores it since 3.0"),
    ("failure_prediction_options", "Nagios ignores it since 3.0"),
    (
        "retain_status_information",
        "states are always kept over a restart",
    ),
    (
        "retain_nonstatus_information",
        "changes at run time are always kept over a restart",
    ),
    ("icon_image_alt", "only Nagios' own web pages show it"),
    ("vrml_image", "only Nagios' own web pages show it"),
    ("statusmap_image", "only Nagios' own web pages show it"),
    ("2d_coords", "only Nagios' own web pages show it"),
    ("3d_coords", "only Nagios' own web pages show it"),
];

/// The rules of a kind in their order.
pub fn all(kind: Kind) -> impl Iterator<Item = &'static Rule> {
    let own = if kind == Kind::Host { HOST } else { SERVICE };
    own.iter().chain(BOTH)
}
