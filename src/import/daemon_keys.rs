//! What becomes of each setting of Nagios' main file.

/// How a value is written, and which one is ours anyway.
#[derive(Clone, Copy)]
pub enum Way {
    Flag(bool),
    /// Seconds.
    Seconds(f64),
    Text(&'static str),
    /// A file, relative to the main file.
    File,
    Command,
    Rotation,
}

pub const DAEMON: &[(&str, &str, Way)] = &[
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
    ("admin_pager", "admin_pager", Way::Text("")),
    ("date_format", "date_format", Way::Text("us")),
    ("website_url", "website_url", Way::Text("")),
    ("global_host_event_handler", "host_handler", Way::Command),
    (
        "global_service_event_handler",
        "check_handler",
        Way::Command,
    ),
];

pub const NAGIOS: &[(&str, &str, Way)] = &[
    ("command_file", "command_file", Way::File),
    ("log_file", "log_file", Way::File),
    ("log_rotation_method", "log_rotation", Way::Rotation),
    ("log_archive_path", "log_archive_path", Way::File),
    ("log_initial_states", "log_initial_states", Way::Flag(false)),
    ("log_current_states", "log_current_states", Way::Flag(true)),
    ("log_notifications", "log_notifications", Way::Flag(true)),
    ("log_event_handlers", "log_handlers", Way::Flag(true)),
    ("log_external_commands", "log_commands", Way::Flag(true)),
    ("log_passive_checks", "log_passive", Way::Flag(true)),
    ("check_result_path", "check_result_path", Way::File),
    (
        "max_check_result_file_age",
        "check_result_max_age",
        Way::Seconds(3600.0),
    ),
    ("status_file", "status_file", Way::File),
    ("status_update_interval", "status_every", Way::Seconds(10.0)),
    ("object_cache_file", "object_cache_file", Way::File),
    ("perfdata_timeout", "perfdata_timeout", Way::Seconds(5.0)),
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
        "host_perfdata_file_processing_interval",
        "host_perfdata_file_every",
        Way::Seconds(0.0),
    ),
    (
        "service_perfdata_file_processing_interval",
        "check_perfdata_file_every",
        Way::Seconds(0.0),
    ),
    (
        "host_perfdata_file_processing_command",
        "host_perfdata_file_command",
        Way::Command,
    ),
    (
        "service_perfdata_file_processing_command",
        "check_perfdata_file_command",
        Way::Command,
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
pub const ELSEWHERE: &[(&str, &str)] = &[
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
    ("log_host_retries", "[nagios] log_host_retries"),
    ("log_service_retries", "[nagios] log_check_retries"),
];

/// Settings whose value matters, where it is not this one, and why it is lost.
pub const LOST: &[(&str, &str, &str)] = &[
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
        "results from outside are taken; to refuse them write passive = false into [defaults], which leaves hosts alone: \
         Nagios asks this switch for results of hosts from the command file too",
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
pub const BY_ITSELF: &[(&str, &str)] = &[
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
        "enable_predictive",
        "masters are looked at before the last attempt; Nagios means this, and does it with two attempts only",
    ),
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
