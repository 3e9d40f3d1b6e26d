//! Every table and key of the configuration, declared once: the walker, the remedies, the JSON Schema and
//! `config show` all read these tables, so they cannot drift apart.

mod answers;
mod gates;
mod itself;
mod nagios;
mod objectives;
mod objects;
mod quiet;
mod relations;
mod routes;
mod scenarios;
mod services;
mod settings;

pub use objects::{CHECK, CONTACT, DEFAULTS, HOST, HOST_DEFAULTS, PERIOD, RULE, TEMPLATE};
pub use relations::{MATCHER, RARE};
pub use settings::{DEPLOYS, ROOT};

/// What a key's value may be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Text that is not empty.
    Text,
    /// Text; empty is allowed and means "none".
    AnyText,
    /// The name of an object: not empty, without control characters.
    Label,
    /// One text or a list of texts.
    Texts,
    Flag,
    /// A whole number within these bounds.
    Whole(i64, i64),
    /// A number from 0 to 100.
    Percent,
    /// A span of time; the flag tells whether zero is allowed.
    Span(bool),
    /// A number of bytes: `512MB`, or a whole number.
    Size,
    /// Octal permission bits as text: `022`.
    Umask,
    /// The name of a time zone, or empty for the system's own.
    Zone,
    /// An address with a port.
    Listen,
    /// One or more addresses with a port.
    Listens,
    /// An URL with http or https.
    Url,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// One or more of these words.
    SomeOf(&'static [&'static str]),
    /// The name of something that is declared elsewhere; empty means "none".
    Name(Refers),
    /// One name or a list of names.
    Names(Refers),
    /// One name or a list of names, with `*` and `?`, and `!` in front of those to take out.
    Selected(Refers),
    /// A span of time longer than nothing, or one of these words.
    SpanOr(&'static [&'static str]),
    /// A table whose keys the user chooses.
    Map(&'static Kind),
    /// Text, a number or true/false: the value of a custom variable.
    Scalar,
    Table(&'static Spec),
    /// `[[name]]`, any number of times.
    Tables(&'static Spec),
    /// A table or a list of tables; where a key is given, plain text stands for a table with that key alone.
    Channels(&'static Spec, Option<&'static str>),
    /// A secret written out, which is refused.
    Inline,
}

/// What a name refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refers {
    /// A contact or a contact group.
    Contact,
    Host,
    Group,
    CheckGroup,
    App,
    Period,
    Profile,
    Tag,
    Template,
    Route,
}

/// One key of a table.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub name: &'static str,
    pub kind: Kind,
    /// One sentence for the schema and the manual.
    pub doc: &'static str,
    /// Spans without quotes, all else as it would be written in the file; empty where there is none.
    pub default: &'static str,
    pub required: bool,
}

impl Key {
    const fn new(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self {
            name,
            kind,
            doc,
            default: "",
            required: false,
        }
    }

    const fn or(mut self, default: &'static str) -> Self {
        self.default = default;
        self
    }

    /// The default as it would be written in the file; None where there is none.
    pub fn written_default(&self) -> Option<String> {
        match self.kind {
            _ if self.default.is_empty() => None,
            Kind::Span(_) => Some(format!("\"{}\"", self.default)),
            _ => Some(self.default.to_owned()),
        }
    }

    const fn must(mut self) -> Self {
        self.required = true;
        self
    }
}

/// One kind of table.
#[derive(Debug)]
pub struct Spec {
    /// As people know it: `[[check]]`.
    pub title: &'static str,
    pub doc: &'static str,
    pub parts: &'static [&'static [Key]],
    /// Keys beside the declared ones: the dates and week days of a period.
    pub open: Option<&'static Kind>,
}

impl Spec {
    const fn new(title: &'static str, doc: &'static str, parts: &'static [&'static [Key]]) -> Self {
        Self {
            title,
            doc,
            parts,
            open: None,
        }
    }

    pub fn keys(&self) -> impl Iterator<Item = &'static Key> + use<> {
        self.parts.iter().flat_map(|part| part.iter())
    }

    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys().find(|key| key.name == name)
    }
}

/// Words of Nagios, and of habit, and what they are called here.
pub static OTHER_WORDS: &[(&str, &str)] = &[
    ("check_interval", "every"),
    ("normal_check_interval", "every"),
    ("interval", "every"),
    ("retry_interval", "retry"),
    ("retry_check_interval", "retry"),
    ("max_check_attempts", "attempts"),
    ("check_period", "period"),
    ("check_timeout", "timeout"),
    ("notification_interval", "remind"),
    ("notification_period", "notify_period"),
    ("notification_options", "states"),
    ("notifications_enabled", "notify"),
    ("first_notification_delay", "first_delay"),
    ("is_volatile", "volatile"),
    ("active_checks_enabled", "active"),
    ("passive_checks_enabled", "passive"),
    ("flap_detection_enabled", "flap_detection"),
    ("low_flap_threshold", "flap_low"),
    ("high_flap_threshold", "flap_high"),
    ("contact_groups", "contacts"),
    ("contactgroups", "contacts"),
    ("contact", "contacts"),
    ("check_command", "command"),
    ("check_command", "check"),
    ("command_line", "line"),
    ("command_name", "name"),
    ("host_name", "hosts"),
    ("host_name", "name"),
    ("host", "hosts"),
    ("hostgroup_name", "groups"),
    ("hostgroups", "groups"),
    ("hostgroup", "groups"),
    ("group", "groups"),
    ("service_description", "name"),
    ("description", "name"),
    ("display_name", "alias"),
    ("timeperiod_name", "name"),
    ("contact_name", "name"),
    ("parent", "parents"),
    ("template", "use"),
    ("tag", "tags"),
    ("after", "at"),
    ("within", "until"),
    ("contact", "told"),
    ("never", "not_told"),
    ("apps", "app"),
    ("app", "apps"),
    ("env", "environment"),
    ("host_notification_period", "host_period"),
    ("service_notification_period", "period"),
    ("host_notification_options", "host_states"),
    ("service_notification_options", "check_states"),
    ("host_notification_commands", "command"),
    ("service_notification_commands", "command"),
    ("notification_command", "command"),
    ("command", "check"),
    ("event_handler", "handler"),
    ("event_handler_period", "handler_period"),
    ("event_handler_enabled", "handle"),
    ("freshness_threshold", "stale_after"),
    ("check_freshness", "stale_after"),
    ("flap_detection_options", "flap_states"),
    ("stalking_options", "stalk"),
    ("process_perf_data", "perfdata"),
    ("servicegroups", "check_groups"),
    ("service_groups", "check_groups"),
    ("execution_failure_criteria", "run"),
    ("execution_failure_options", "run"),
    ("notification_failure_criteria", "notify"),
    ("notification_failure_options", "notify"),
    ("inherits_parent", "inherit"),
    ("dependency_period", "period"),
    ("first_notification", "first"),
    ("last_notification", "last"),
    ("escalation_options", "states"),
    ("escalation_period", "period"),
    ("host_notifications_enabled", "host_enabled"),
    ("service_notifications_enabled", "check_enabled"),
    ("can_submit_commands", "can_command"),
    ("global_host_event_handler", "host_handler"),
    ("global_service_event_handler", "check_handler"),
    ("enable_event_handlers", "handlers"),
    ("enable_flap_detection", "flap_detection"),
    ("soft_state_dependencies", "soft_dependencies"),
    ("passive_host_checks_are_soft", "passive_hosts_soft"),
    ("translate_passive_host_checks", "translate_passive_hosts"),
    ("use_aggressive_host_checking", "aggressive_host_checking"),
    ("additional_freshness_latency", "freshness_latency"),
    ("enable_notifications", "notifications"),
    ("cached_host_check_horizon", "host_check_horizon"),
    ("log_service_retries", "log_check_retries"),
    ("log_event_handlers", "log_handlers"),
    ("log_external_commands", "log_commands"),
    ("log_passive_checks", "log_passive"),
    ("log_rotation_method", "log_rotation"),
    ("status_update_interval", "status_every"),
    ("service_perfdata_command", "check_perfdata_command"),
    ("service_perfdata_file", "check_perfdata_file"),
];
