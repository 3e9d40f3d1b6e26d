//! The types of objects and their directives, with other spellings, as Nagios knows them.

/// A type of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    TimePeriod,
    Command,
    Contact,
    ContactGroup,
    HostGroup,
    ServiceGroup,
    Host,
    Service,
    HostDependency,
    ServiceDependency,
    HostEscalation,
    ServiceEscalation,
    HostExtInfo,
    ServiceExtInfo,
}

impl Kind {
    pub const ALL: [Self; 14] = [
        Self::TimePeriod,
        Self::Command,
        Self::Contact,
        Self::ContactGroup,
        Self::HostGroup,
        Self::ServiceGroup,
        Self::Host,
        Self::Service,
        Self::HostDependency,
        Self::ServiceDependency,
        Self::HostEscalation,
        Self::ServiceEscalation,
        Self::HostExtInfo,
        Self::ServiceExtInfo,
    ];

    /// The word behind `define`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::TimePeriod => "timeperiod",
            Self::Command => "command",
            Self::Contact => "contact",
            Self::ContactGroup => "contactgroup",
            Self::HostGroup => "hostgroup",
            Self::ServiceGroup => "servicegroup",
            Self::Host => "host",
            Self::Service => "service",
            Self::HostDependency => "hostdependency",
            Self::ServiceDependency => "servicedependency",
            Self::HostEscalation => "hostescalation",
            Self::ServiceEscalation => "serviceescalation",
            Self::HostExtInfo => "hostextinfo",
            Self::ServiceExtInfo => "serviceextinfo",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// The directive that names an object of this kind; None where objects have no names.
    pub const fn name_directive(self) -> Option<&'static str> {
        match self {
            Self::TimePeriod => Some("timeperiod_name"),
            Self::Command => Some("command_name"),
            Self::Contact => Some("contact_name"),
            Self::ContactGroup => Some("contactgroup_name"),
            Self::HostGroup => Some("hostgroup_name"),
            Self::ServiceGroup => Some("servicegroup_name"),
            Self::Host => Some("host_name"),
            _ => None,
        }
    }

    const fn tables(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::TimePeriod => &[COMMON, &["timeperiod_name", "alias", "exclude"]],
            Self::Command => &[COMMON, &["command_name", "command_line"]],
            Self::Contact => &[COMMON, CONTACT],
            Self::ContactGroup => &[
                COMMON,
                &[
                    "contactgroup_name",
                    "alias",
                    "members",
                    "contactgroup_members",
                ],
            ],
            Self::HostGroup => &[COMMON, &["hostgroup_name", "hostgroup_members"], GROUP],
            Self::ServiceGroup => &[
                COMMON,
                &["servicegroup_name", "servicegroup_members"],
                GROUP,
            ],
            Self::Host => &[COMMON, HOST, RULE],
            Self::Service => &[COMMON, SERVICE, RULE],
            Self::HostDependency => &[COMMON, DEPENDENCY, &["host_name", "hostgroup_name"]],
            Self::ServiceDependency => &[COMMON, DEPENDENCY, OF_SERVICES, DEPENDENT_SERVICES],
            Self::HostEscalation => &[COMMON, ESCALATION, &["host_name", "hostgroup_name"]],
            Self::ServiceEscalation => &[COMMON, ESCALATION, OF_SERVICES],
            Self::HostExtInfo => &[COMMON, EXTINFO],
            Self::ServiceExtInfo => &[COMMON, EXTINFO, &["service_description"]],
        }
    }

    /// All directives by their first names.
    pub fn directives(self) -> impl Iterator<Item = &'static str> {
        self.tables().iter().flat_map(|table| table.iter().copied())
    }

    /// The first name of a directive that is written as `word`.
    pub fn directive(self, word: &str) -> Option<&'static str> {
        let known = |word: &str| self.directives().find(|known| *known == word);
        let first =
            |(_, other, first): &(_, &str, &'static str)| (*other == word).then_some(*first);
        known(word).or_else(|| {
            OTHER
                .iter()
                .filter(|(kinds, ..)| kinds.contains(&self))
                .find_map(first)
                .and_then(known)
        })
    }
}

const COMMON: &[&str] = &["use", "name", "register"];

const GROUP: &[&str] = &["alias", "members", "notes", "notes_url", "action_url"];

const CONTACT: &[&str] = &[
    "contact_name",
    "alias",
    "contactgroups",
    "email",
    "pager",
    "address1",
    "address2",
    "address3",
    "address4",
    "address5",
    "address6",
    "host_notification_period",
    "host_notification_commands",
    "host_notification_options",
    "host_notifications_enabled",
    "service_notification_period",
    "service_notification_commands",
    "service_notification_options",
    "service_notifications_enabled",
    "can_submit_commands",
    "minimum_importance",
    "retain_status_information",
    "retain_nonstatus_information",
];

/// What hosts and services share.
const RULE: &[&str] = &[
    "display_name",
    "contacts",
    "contact_groups",
    "check_command",
    "check_interval",
    "retry_interval",
    "max_check_attempts",
    "check_period",
    "active_checks_enabled",
    "passive_checks_enabled",
    "obsess",
    "event_handler",
    "event_handler_period",
    "event_handler_enabled",
    "check_freshness",
    "freshness_threshold",
    "low_flap_threshold",
    "high_flap_threshold",
    "flap_detection_enabled",
    "flap_detection_options",
    "notification_options",
    "notifications_enabled",
    "notification_period",
    "notification_interval",
    "first_notification_delay",
    "stalking_options",
    "process_perf_data",
    "initial_state",
    "importance",
    "notes",
    "notes_url",
    "action_url",
    "icon_image",
    "icon_image_alt",
    "failure_prediction_enabled",
    "failure_prediction_options",
    "retain_status_information",
    "retain_nonstatus_information",
];

const HOST: &[&str] = &[
    "host_name",
    "alias",
    "address",
    "parents",
    "hostgroups",
    "vrml_image",
    "statusmap_image",
    "2d_coords",
    "3d_coords",
];

const SERVICE: &[&str] = &[
    "host_name",
    "hostgroup_name",
    "service_description",
    "parents",
    "servicegroups",
    "is_volatile",
    "parallelize_check",
];

const OF_SERVICES: &[&str] = &[
    "host_name",
    "hostgroup_name",
    "service_description",
    "servicegroup_name",
];

const DEPENDENT_SERVICES: &[&str] = &[
    "dependent_service_description",
    "dependent_servicegroup_name",
];

const DEPENDENCY: &[&str] = &[
    "dependent_host_name",
    "dependent_hostgroup_name",
    "dependency_period",
    "inherits_parent",
    "execution_failure_criteria",
    "notification_failure_criteria",
];

const ESCALATION: &[&str] = &[
    "contacts",
    "contact_groups",
    "first_notification",
    "last_notification",
    "notification_interval",
    "escalation_period",
    "escalation_options",
];

const EXTINFO: &[&str] = &[
    "host_name",
    "hostgroup_name",
    "notes",
    "notes_url",
    "action_url",
    "icon_image",
    "icon_image_alt",
    "vrml_image",
    "statusmap_image",
    "2d_coords",
    "3d_coords",
];

const CHECKED: &[Kind] = &[Kind::Host, Kind::Service];
const SERVICES: &[Kind] = &[
    Kind::Service,
    Kind::ServiceDependency,
    Kind::ServiceEscalation,
    Kind::ServiceExtInfo,
];
const DEPENDENCIES: &[Kind] = &[Kind::HostDependency, Kind::ServiceDependency];
const HOSTS: &[Kind] = &[Kind::Host, Kind::HostExtInfo];
const ESCALATIONS: &[Kind] = &[Kind::HostEscalation, Kind::ServiceEscalation];
const RELATIONS: &[Kind] = &[
    Kind::HostDependency,
    Kind::ServiceDependency,
    Kind::HostEscalation,
    Kind::ServiceEscalation,
];

/// Other spellings that Nagios takes: for which kinds, the spelling, the first name.
const OTHER: &[(&[Kind], &str, &str)] = &[
    (&[Kind::Contact], "contact_groups", "contactgroups"),
    (&[Kind::Contact], "minimum_value", "minimum_importance"),
    (&[Kind::Host], "host_groups", "hostgroups"),
    (CHECKED, "normal_check_interval", "check_interval"),
    (CHECKED, "retry_check_interval", "retry_interval"),
    (CHECKED, "checks_enabled", "active_checks_enabled"),
    (CHECKED, "hourly_value", "importance"),
    (&[Kind::Host], "obsess_over_host", "obsess"),
    (&[Kind::Service], "obsess_over_service", "obsess"),
    (HOSTS, "gd2_image", "statusmap_image"),
    (SERVICES, "host", "host_name"),
    (SERVICES, "hosts", "host_name"),
    (SERVICES, "hostgroup", "hostgroup_name"),
    (SERVICES, "hostgroups", "hostgroup_name"),
    (SERVICES, "description", "service_description"),
    (&[Kind::Service], "service_groups", "servicegroups"),
    (RELATIONS, "host", "host_name"),
    (RELATIONS, "hostgroup", "hostgroup_name"),
    (RELATIONS, "hostgroups", "hostgroup_name"),
    (RELATIONS, "servicegroup", "servicegroup_name"),
    (RELATIONS, "servicegroups", "servicegroup_name"),
    (RELATIONS, "hostgroup_names", "hostgroup_name"),
    (DEPENDENCIES, "master_host", "host_name"),
    (DEPENDENCIES, "master_host_name", "host_name"),
    (DEPENDENCIES, "master_description", "service_description"),
    (
        DEPENDENCIES,
        "master_service_description",
        "service_description",
    ),
    (DEPENDENCIES, "dependent_host", "dependent_host_name"),
    (
        DEPENDENCIES,
        "dependent_hostgroup",
        "dependent_hostgroup_name",
    ),
    (
        DEPENDENCIES,
        "dependent_description",
        "dependent_service_description",
    ),
    (
        DEPENDENCIES,
        "dependent_servicegroup",
        "dependent_servicegroup_name",
    ),
    (
        DEPENDENCIES,
        "execution_failure_options",
        "execution_failure_criteria",
    ),
    (
        DEPENDENCIES,
        "notification_failure_options",
        "notification_failure_criteria",
    ),
    (ESCALATIONS, "contactgroups", "contact_groups"),
];
