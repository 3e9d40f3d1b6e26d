//! What becomes of each attribute of each kind of object, and why some come to nothing.

use super::{
    super::toml::{span, text, texts},
    value::Value,
};

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Text,
    Span,
    Whole,
    Percent,
    Flag,
    /// The states that are left when those listed do not count.
    OtherStates,
}

/// A key of ours from an attribute of Icinga's.
pub struct Rule {
    pub key: &'static str,
    pub attr: &'static str,
    pub how: How,
    /// As it is written when nothing says it; empty where there is no such thing.
    pub default: &'static str,
}

const fn rule(key: &'static str, attr: &'static str, how: How, default: &'static str) -> Rule {
    Rule {
        key,
        attr,
        how,
        default,
    }
}

/// Of hosts and checks alike.
pub const RULES: &[Rule] = &[
    rule("display_name", "display_name", How::Text, "\"\""),
    rule("every", "check_interval", How::Span, "\"5m\""),
    rule("retry", "retry_interval", How::Span, "\"1m\""),
    rule("attempts", "max_check_attempts", How::Whole, "3"),
    rule("timeout", "check_timeout", How::Span, "\"60s\""),
    rule("period", "check_period", How::Text, "\"\""),
    rule("active", "enable_active_checks", How::Flag, "true"),
    rule("passive", "enable_passive_checks", How::Flag, "true"),
    rule("volatile", "volatile", How::Flag, "false"),
    rule("notify", "enable_notifications", How::Flag, "true"),
    rule("handle", "enable_event_handler", How::Flag, "true"),
    rule("flap_detection", "enable_flapping", How::Flag, "false"),
    rule("flap_low", "flapping_threshold_low", How::Percent, "25"),
    rule("flap_high", "flapping_threshold_high", How::Percent, "30"),
    rule(
        "flap_states",
        "flapping_ignore_states",
        How::OtherStates,
        "",
    ),
    rule("perfdata", "enable_perfdata", How::Flag, "true"),
    rule("notes", "notes", How::Text, "\"\""),
    rule("notes_url", "notes_url", How::Text, "\"\""),
    rule("action_url", "action_url", How::Text, "\"\""),
    rule("icon_image", "icon_image", How::Text, "\"\""),
];

/// The value as it is written; none where it is of another kind.
pub fn written(rule: &Rule, value: &Value) -> Option<String> {
    match rule.how {
        How::Text => value.scalar().map(|value| text(&value)),
        How::Span => value
            .number()
            .filter(|seconds| 0.0 <= *seconds)
            .map(|seconds| {
                if seconds == 60.0 && rule.key == "timeout" {
                    "\"60s\"".to_owned()
                } else {
                    span(seconds)
                }
            }),
        How::Whole => value
            .number()
            .filter(|number| 1.0 <= *number)
            .map(|number| format!("{number:.0}")),
        How::Percent => value
            .number()
            .filter(|number| (0.0..=100.0).contains(number))
            .map(|number| number.to_string()),
        How::Flag => match value {
            Value::Flag(_) | Value::Number(_) => Some(value.is_true().to_string()),
            _ => None,
        },
        How::OtherStates => {
            let ignored = value.names();
            let all = [
                ("OK", "ok"),
                ("Warning", "warning"),
                ("Critical", "critical"),
                ("Unknown", "unknown"),
                ("Up", "up"),
                ("Down", "down"),
            ];
            Some(texts(
                all.iter()
                    .filter(|(name, _)| !ignored.iter().any(|other| other == name))
                    .map(|(_, word)| word),
            ))
        }
    }
}

/// What became of an attribute.
pub enum Fate {
    Kept(&'static str),
    Changed(&'static str),
    Dropped(&'static str),
}

/// Attributes, and the keys that they become.
type Keys = &'static [(&'static str, &'static str)];

/// The header of the tables that a kind of object becomes, and its attributes with the keys they become.
const KEPT: &[(&str, &str, Keys)] = &[
    (
        "Host",
        "[[host]]",
        &[
            ("address", "address"),
            ("address6", "vars"),
            ("check_command", "check"),
            ("groups", "groups"),
            ("event_command", "handler"),
            ("vars", "vars"),
        ],
    ),
    (
        "Service",
        "[[check]]",
        &[
            ("host_name", "hosts"),
            ("check_command", "command"),
            ("groups", "check_groups"),
            ("event_command", "handler"),
            ("vars", "command, vars"),
            ("name", "name"),
        ],
    ),
    (
        "HostGroup",
        "[[group]]",
        &[
            ("display_name", "alias"),
            ("groups", "groups of the other groups"),
            ("notes", "notes"),
            ("notes_url", "notes_url"),
            ("action_url", "action_url"),
            ("assign", "hosts"),
        ],
    ),
    (
        "ServiceGroup",
        "[[check_group]]",
        &[
            ("display_name", "alias"),
            ("groups", "check_groups of the checks"),
            ("notes", "notes"),
            ("notes_url", "notes_url"),
            ("action_url", "action_url"),
            ("assign", "check_groups of the checks"),
        ],
    ),
    (
        "User",
        "[[contact]]",
        &[
            ("display_name", "alias"),
            ("email", "email"),
            ("pager", "pager"),
            ("groups", "members of the groups"),
            ("enable_notifications", "enabled"),
            ("period", "period"),
            ("states", "check_states, host_states"),
            ("types", "check_states, host_states, flapping, downtime"),
            ("vars", "vars"),
        ],
    ),
    (
        "UserGroup",
        "[[contact_group]]",
        &[
            ("display_name", "alias"),
            ("groups", "members of the other groups"),
        ],
    ),
    (
        "CheckCommand",
        "[[command]]",
        &[
            ("command", "line"),
            ("arguments", "line"),
            ("vars", "line"),
            ("env", "line"),
            ("timeout", "timeout of checks"),
        ],
    ),
    (
        "NotificationCommand",
        "[[command]]",
        &[
            ("command", "line"),
            ("arguments", "line"),
            ("vars", "line"),
            ("env", "line"),
            ("timeout", "timeout of the contact's command"),
        ],
    ),
    (
        "EventCommand",
        "[[command]]",
        &[
            ("command", "line"),
            ("arguments", "line"),
            ("vars", "line"),
            ("env", "line"),
        ],
    ),
    (
        "TimePeriod",
        "[[period]]",
        &[
            ("display_name", "alias"),
            ("ranges", "days"),
            ("excludes", "exclude"),
            ("includes", "days"),
        ],
    ),
    (
        "Notification",
        "contacts and when they are told",
        &[
            ("host_name", "contacts"),
            ("service_name", "contacts"),
            ("command", "command of the contacts"),
            ("users", "contacts"),
            ("user_groups", "contacts"),
            ("interval", "remind"),
            ("period", "notify_period"),
            ("states", "states"),
            ("types", "states, flapping, downtime"),
            ("times", "first_delay, or an [[escalation]]"),
            ("vars", "line of the command"),
        ],
    ),
    (
        "Dependency",
        "[[dependency]]",
        &[
            ("parent_host_name", "on"),
            ("parent_service_name", "on"),
            ("child_host_name", "of"),
            ("child_service_name", "of"),
            ("states", "run, notify"),
            ("period", "period"),
            ("disable_checks", "run"),
            ("disable_notifications", "notify"),
        ],
    ),
    ("ScheduledDowntime", "nothing", &[]),
];

/// Attributes that come to nothing, and why. An empty kind is any.
const DROPPED: &[(&str, &str, &str)] = &[
    ("", "zone", "all is run by one daemon"),
    ("", "package", "Icinga's own tools set it"),
    ("", "icon_image_alt", "only web pages of Icinga show it"),
    ("", "flapping_threshold", "Icinga ignores it since 2.8"),
    (
        "TimePeriod",
        "update",
        "periods are worked out as they are asked",
    ),
    (
        "TimePeriod",
        "prefer_includes",
        "a time that is both included and excluded is excluded",
    ),
    (
        "Dependency",
        "ignore_soft_states",
        "[daemon] soft_dependencies is for all dependencies",
    ),
    (
        "Dependency",
        "redundancy_group",
        "each dependency counts by itself: list the hosts as `parents` where one of them is enough",
    ),
    (
        "ScheduledDowntime",
        "",
        "downtimes that recur are not configured: have cron run `deploywatch downtime`",
    ),
];

const CHANGED: &[(&str, &str, &str)] = &[(
    "",
    "command_endpoint",
    "is run here, not on the endpoint: reach it with nrpe or by_ssh, or send its results to the API",
)];

/// Kinds that come to nothing, and why.
const OTHER_KINDS: &[(&str, &str)] = &[
    ("Endpoint", "there are no other nodes: one daemon runs all"),
    ("Zone", "there are no other nodes: one daemon runs all"),
    (
        "ApiUser",
        "tokens for the API are made with [api] of deploywatch.toml",
    ),
    (
        "IcingaApplication",
        "the daemon has settings of its own in [daemon]",
    ),
    ("Comment", "comments are left with `deploywatch comment`"),
    (
        "Downtime",
        "downtimes are scheduled with `deploywatch downtime`",
    ),
];

/// Why a kind of object is not imported.
pub fn why_not(kind: &str) -> &'static str {
    let known = OTHER_KINDS.iter().find(|(known, _)| *known == kind);
    known.map_or("a part of Icinga's own daemon", |(_, why)| why)
}

/// The header of the tables that a kind becomes.
pub fn header(kind: &str) -> &'static str {
    KEPT.iter()
        .find(|(known, ..)| *known == kind)
        .map_or("nothing", |(_, header, _)| header)
}

/// What becomes of an attribute.
pub fn fate(kind: &str, attr: &str) -> Fate {
    let is = |(of, name, _): &&(&str, &str, &'static str)| {
        (of.is_empty() || *of == kind) && (name.is_empty() || *name == attr)
    };
    if let Some((.., why)) = DROPPED.iter().find(is) {
        return Fate::Dropped(why);
    }
    if let Some((.., why)) = CHANGED.iter().find(is) {
        return Fate::Changed(why);
    }
    let own = KEPT.iter().find(|(known, ..)| *known == kind);
    if let Some((_, key)) = own.and_then(|(.., attrs)| attrs.iter().find(|(name, _)| *name == attr))
    {
        return Fate::Kept(key);
    }
    if ["Host", "Service"].contains(&kind)
        && let Some(rule) = RULES.iter().find(|rule| rule.attr == attr)
    {
        return Fate::Kept(rule.key);
    }
    Fate::Dropped("no attribute that this importer knows")
}
