//! The keys of what is watched and who is told: hosts, checks, apps, contacts, periods, commands.

use super::{
    Key, Kind, Refers, Spec,
    relations::{RARE, REGRESSIONS},
    services::SERVICES,
};
use crate::domain::model::objects::Native;

/// States a check can be told of; `recovery` is another word for `ok`.
const CHECK_STATES: &[&str] = &["ok", "recovery", "warning", "critical", "unknown"];
/// States a host can be told of; `recovery` is another word for `up`.
const HOST_STATES: &[&str] = &["up", "recovery", "down", "unreachable"];
/// A rule may serve hosts and checks alike.
const ALL_STATES: &[&str] = &[
    "ok",
    "up",
    "recovery",
    "warning",
    "critical",
    "unknown",
    "down",
    "unreachable",
];

const VALUE: Kind = Kind::Scalar;
const DIRECTIVE: Kind = Kind::Texts;

/// What hosts and checks have in common: how they are run and whom they tell.
pub static RULE: &[Key] = &[
    Key::new("every", Kind::Span(true), "How far apart runs start; 0s runs it only when asked.").or("5m"),
    Key::new("cron", Kind::Text, "Runs it at these times instead: a crontab expression of five fields, or @daily and the like."),
    Key::new("timezone", Kind::Zone, "The zone of `cron`; without it the system's own.").or("\"\""),
    Key::new("retry", Kind::Span(false), "How far apart runs start while a problem is not yet confirmed.").or("1m"),
    Key::new("attempts", Kind::Whole(1, 1000), "How many bad results in a row confirm a problem.").or("3"),
    Key::new("timeout", Kind::Span(false), "How long a run may take: 60s for checks, 30s for hosts.").or("60s"),
    Key::new("active", Kind::Flag, "Runs on its schedule; false for what only takes results sent from outside.").or("true"),
    Key::new("passive", Kind::Flag, "Takes results sent from outside.").or("true"),
    Key::new("volatile", Kind::Flag, "Tells of every bad result, not only of the first.").or("false"),
    Key::new("period", Kind::Name(Refers::Period), "The period in which it runs; none: always.").or("\"\""),
    Key::new("contacts", Kind::Names(Refers::Contact), "Contacts and contact groups to tell; a check without them takes its host's.").or("[]"),
    Key::new("notify", Kind::Flag, "Tells people at all.").or("true"),
    Key::new("notify_period", Kind::Name(Refers::Period), "The period in which people are told; a check without it takes its host's.").or("\"\""),
    Key::new("remind", Kind::Span(true), "How far apart reminders of one problem are; 0s tells once. A check without it takes its host's.").or("30m"),
    Key::new("first_delay", Kind::Span(true), "How long a problem must last before the first notification.").or("0s"),
    Key::new("states", Kind::SomeOf(ALL_STATES), "The states to tell of; `ok`, `up` or `recovery` stand for recoveries.").or("all of them"),
    Key::new("flapping", Kind::Flag, "Tells when flapping starts and ends.").or("true"),
    Key::new("downtime", Kind::Flag, "Tells when downtime starts and ends.").or("true"),
    Key::new("flap_detection", Kind::Flag, "Watches for flapping.").or("true"),
    Key::new("flap_low", Kind::Percent, "Percent of state change below which flapping ends.").or("20"),
    Key::new("flap_high", Kind::Percent, "Percent of state change at which flapping starts.").or("30"),
    Key::new("profile", Kind::Name(Refers::Profile), "The [profile.NAME] whose user and limits it runs with.").or("\"default\""),
    Key::new("tags", Kind::Names(Refers::Tag), "Tags of [limits] tags: bounds how many with one tag run at once.").or("[]"),
    Key::new("env_macros", Kind::Flag, "Gives the plugin NAGIOS_* in its environment.").or("false"),
    Key::new("always_page", Kind::Flag, "A deploy never delays its pages.").or("false"),
    Key::new("external", Kind::Flag, "It sees the system as users do, from outside: a deploy never delays its CRITICAL.").or("false"),
    Key::new("native", Kind::OneOf(Native::WORDS), "Whether the daemon answers for a plugin it has a probe for, without a process: `auto` where the program is one of the monitoring-plugins and every option is known, `always` whatever program has the name, `never`.").or("\"auto\""),
    Key::new("notes", Kind::AnyText, "What people should know when it fails."),
    Key::new("notes_url", Kind::AnyText, "Where the runbook is."),
    Key::new("vars", Kind::Map(&VALUE), "Custom variables: `rack` is $_HOSTRACK$ on a host and $_SERVICERACK$ on a check."),
    Key::new("use", Kind::Names(Refers::Template), "Templates; own keys win, then the first template listed, then the next."),
];

static CHECK_KEYS: &[Key] = &[
    Key::new(
        "command",
        Kind::Text,
        "The command line with macros, or the name of a [[command]] with arguments after `!`.",
    ),
    Key::new(
        "hosts",
        Kind::Names(Refers::Host),
        "Hosts it applies to; `*` and `?` match any.",
    ),
    Key::new(
        "groups",
        Kind::Names(Refers::Group),
        "Groups whose hosts it applies to.",
    ),
    Key::new(
        "exclude_hosts",
        Kind::Names(Refers::Host),
        "Hosts it does not apply to after all.",
    ),
    Key::new(
        "exclude_groups",
        Kind::Names(Refers::Group),
        "Groups whose hosts it does not apply to after all.",
    ),
    Key::new(
        "app",
        Kind::Name(Refers::App),
        "The app it measures, as NAME or NAME@ENVIRONMENT; without it all apps of its host.",
    ),
];

/// Not for templates: there `parents` are those of hosts.
static CHECK_OWN: &[Key] = &[
    Key::new(
        "parents",
        Kind::Texts,
        "Checks it stands behind, as CHECK of the same host or HOST/CHECK: when all of them fail it does not notify.",
    )
    .or("[]"),
];

static HOST_KEYS: &[Key] = &[
    Key::new(
        "check",
        Kind::AnyText,
        "How the host itself is checked: a command line or the name of a [[command]]; without it the host counts as UP.",
    ),
    Key::new(
        "address",
        Kind::AnyText,
        "Its address, for $HOSTADDRESS$; without it its name.",
    ),
    Key::new(
        "alias",
        Kind::AnyText,
        "A longer name, for $HOSTALIAS$; without it its name.",
    ),
    Key::new(
        "groups",
        Kind::Names(Refers::Group),
        "Groups it belongs to.",
    ),
    Key::new(
        "apps",
        Kind::Names(Refers::App),
        "Apps that live on it, as NAME or NAME@ENVIRONMENT.",
    ),
    Key::new(
        "parents",
        Kind::Names(Refers::Host),
        "Hosts between it and the daemon: when all are down it is UNREACHABLE, not DOWN.",
    ),
];

static TEMPLATE_HOST_KEYS: &[Key] = &[
    Key::new(
        "check",
        Kind::AnyText,
        "For hosts: how the host itself is checked.",
    ),
    Key::new("address", Kind::AnyText, "For hosts: the address."),
    Key::new("alias", Kind::AnyText, "For hosts: a longer name."),
    Key::new(
        "apps",
        Kind::Names(Refers::App),
        "For hosts: apps that live on it.",
    ),
    Key::new(
        "parents",
        Kind::Names(Refers::Host),
        "For hosts: hosts between it and the daemon.",
    ),
];

static CHECK_NAME: &[Key] =
    &[Key::new("name", Kind::Label, "The check's name, unique on its host.").must()];
static HOST_NAME: &[Key] = &[Key::new(
    "name",
    Kind::Label,
    "The host's name, unique, without a slash.",
)
.must()];
static TEMPLATE_NAME: &[Key] =
    &[Key::new("name", Kind::Label, "The name that `use` lists.").must()];
static HOST_SUB: &[Key] = &[Key::new(
    "host",
    Kind::Table(&HOST_DEFAULTS),
    "What every host takes that says nothing else.",
)];

pub static CHECK: Spec = Spec::new(
    "[[check]]",
    "A check on one or many hosts.",
    &[CHECK_NAME, CHECK_KEYS, CHECK_OWN, RULE, RARE],
);
pub static HOST: Spec = Spec::new(
    "[[host]]",
    "A machine or device.",
    &[HOST_NAME, HOST_KEYS, RULE, RARE],
);
pub static TEMPLATE: Spec = Spec::new(
    "[[template]]",
    "Keys to share among checks and hosts.",
    &[TEMPLATE_NAME, CHECK_KEYS, TEMPLATE_HOST_KEYS, RULE, RARE],
);
pub static DEFAULTS: Spec = Spec::new(
    "[defaults]",
    "What every check takes that says nothing else.",
    &[CHECK_KEYS, RULE, RARE, HOST_SUB],
);
pub static HOST_DEFAULTS: Spec = Spec::new(
    "[defaults.host]",
    "What every host takes that says nothing else.",
    &[HOST_KEYS, RULE, RARE],
);

pub static COMMAND: Spec = Spec::new(
    "[[command]]",
    "A command line under a name.",
    &[&[
        Key::new(
            "name",
            Kind::Label,
            "The name that `command` and `check` give, with arguments after `!`.",
        )
        .must(),
        Key::new(
            "line",
            Kind::Text,
            "The command line with macros; $ARG1$ and on are the arguments.",
        )
        .must(),
    ]],
);

pub static PERIOD: Spec = Spec {
    title: "[[period]]",
    doc: "A named set of times: beside these keys, Nagios' directives such as `monday = \"09:00-17:00\"`.",
    parts: &[&[
        Key::new(
            "name",
            Kind::Label,
            "The name that `period` and its kin give.",
        )
        .must(),
        Key::new("alias", Kind::AnyText, "A longer name."),
        Key::new(
            "timezone",
            Kind::Zone,
            "The zone of its times; without it the system's own.",
        )
        .or("\"\""),
        Key::new(
            "exclude",
            Kind::Names(Refers::Period),
            "Periods whose times are taken out.",
        )
        .or("[]"),
    ]],
    open: Some(&DIRECTIVE),
};

pub static CONTACT: Spec = Spec::new(
    "[[contact]]",
    "Someone who is told, through any number of channels.",
    &[&[
        Key::new("name", Kind::Label, "The name that `contacts` lists.").must(),
        Key::new("alias", Kind::AnyText, "A longer name; without it the name."),
        Key::new("email", Kind::Texts, "One or more mail addresses."),
        Key::new("mail", Kind::Flag, "Sends mail to `email`; false where `command` sends it and wants the address for $CONTACTEMAIL$.").or("true"),
        Key::new("webhook", Kind::Channels(&WEBHOOK, Some("url")), "Where JSON is posted to."),
        Key::new("pagerduty", Kind::Channels(&PAGERDUTY, None), "A PagerDuty service, through its Events API."),
        Key::new("slack", Kind::Channels(&SLACK, None), "A Slack channel, through an incoming webhook."),
        Key::new("command", Kind::Channels(&NOTIFY_COMMAND, Some("check")), "A notification command of Nagios, unchanged."),
        Key::new("actors", Kind::Texts, "Other names under which deploys mention this person.").or("[]"),
        Key::new("check_states", Kind::SomeOf(CHECK_STATES), "States of checks this contact wants to hear of.").or("all of them"),
        Key::new("host_states", Kind::SomeOf(HOST_STATES), "States of hosts this contact wants to hear of.").or("all of them"),
        Key::new("flapping", Kind::Flag, "Wants to hear of flapping.").or("true"),
        Key::new("downtime", Kind::Flag, "Wants to hear of downtime.").or("true"),
        Key::new("host_flapping", Kind::Flag, "The same for flapping hosts; without it as `flapping` says."),
        Key::new("host_downtime", Kind::Flag, "The same for downtime of hosts; without it as `downtime` says."),
        Key::new("period", Kind::Name(Refers::Period), "When this contact is told of checks, and of hosts too without `host_period`; none: always.").or("\"\""),
        Key::new("host_period", Kind::Name(Refers::Period), "When this contact is told of hosts; without it as `period`."),
        Key::new("enabled", Kind::Flag, "Is told at all.").or("true"),
        Key::new("host_enabled", Kind::Flag, "Is told of hosts.").or("true"),
        Key::new("check_enabled", Kind::Flag, "Is told of checks.").or("true"),
        Key::new("can_command", Kind::Flag, "May acknowledge, schedule downtime and so on, for tools made for Nagios.").or("true"),
        Key::new("vars", Kind::Map(&VALUE), "Custom variables: `team` is $_CONTACTTEAM$."),
        Key::new("pager", Kind::AnyText, "For $CONTACTPAGER$.").or("\"\""),
        Key::new("addresses", Kind::Texts, "For $CONTACTADDRESS1$ and on.").or("[]"),
    ], SERVICES],
);

static WEBHOOK: Spec = Spec::new(
    "webhook",
    "Where JSON is posted to.",
    &[&[
        Key::new("url", Kind::Url, "The address.").must(),
        Key::new(
            "secret_file",
            Kind::Text,
            "A file with the secret that signs the body.",
        ),
        Key::new(
            "secret_env",
            Kind::Text,
            "A variable with the secret that signs the body.",
        ),
        Key::new(
            "secret_credential",
            Kind::Text,
            "A systemd credential with the secret that signs the body.",
        ),
        Key::new("secret", Kind::Inline, ""),
    ]],
);

static PAGERDUTY: Spec = Spec::new(
    "pagerduty",
    "A PagerDuty service.",
    &[&[
        Key::new(
            "routing_key_file",
            Kind::Text,
            "A file with the routing key.",
        ),
        Key::new(
            "routing_key_env",
            Kind::Text,
            "A variable with the routing key.",
        ),
        Key::new(
            "routing_key_credential",
            Kind::Text,
            "A systemd credential with the routing key.",
        ),
        Key::new("url", Kind::Url, "Where events go.")
            .or("\"https://events.pagerduty.com/v2/enqueue\""),
        Key::new("routing_key", Kind::Inline, ""),
    ]],
);

static SLACK: Spec = Spec::new(
    "slack",
    "A Slack channel.",
    &[&[
        Key::new(
            "webhook_url_file",
            Kind::Text,
            "A file with the webhook's URL, which is a secret.",
        ),
        Key::new(
            "webhook_url_env",
            Kind::Text,
            "A variable with the webhook's URL.",
        ),
        Key::new(
            "webhook_url_credential",
            Kind::Text,
            "A systemd credential with the webhook's URL.",
        ),
        Key::new("webhook_url", Kind::Inline, ""),
    ]],
);

static NOTIFY_COMMAND: Spec = Spec::new(
    "command",
    "A notification command.",
    &[&[
        Key::new(
            "check",
            Kind::Text,
            "The command line for checks, or the name of a [[command]]; hosts use it too without `host`.",
        ),
        Key::new(
            "host",
            Kind::Text,
            "The command line for hosts, or the name of a [[command]].",
        ),
        Key::new("timeout", Kind::Span(false), "How long it may take.").or("30s"),
    ]],
);

pub static CONTACT_GROUP: Spec = Spec::new(
    "[[contact_group]]",
    "Contacts under one name.",
    &[&[
        Key::new("name", Kind::Label, "The name that `contacts` lists.").must(),
        Key::new("alias", Kind::AnyText, "A longer name."),
        Key::new(
            "members",
            Kind::Names(Refers::Contact),
            "Contacts and other contact groups.",
        )
        .must(),
    ]],
);

pub static ROTATION: Spec = Spec::new(
    "[[rotation]]",
    "Contacts who are on call in turns. Its name stands wherever a contact's does; whoever is on call at that moment is told.",
    &[&[
        Key::new("name", Kind::Label, "The name that `contacts` lists.").must(),
        Key::new("alias", Kind::AnyText, "A longer name; without it the name."),
        Key::new(
            "members",
            Kind::Names(Refers::Contact),
            "Contacts, in the order of their turns. Who cannot be told is stood in for by the next.",
        ),
        Key::new(
            "handover",
            Kind::Text,
            "When hands change: `monday 09:00`, or `09:00` where turns are no whole weeks. It stays at that time when clocks change.",
        ),
        Key::new(
            "since",
            Kind::Text,
            "The day, such as 2026-01-05, on which a turn of the first member began or begins.",
        ),
        Key::new("turn", Kind::Span(false), "How long a turn lasts, in whole days.").or("1w"),
        Key::new(
            "calendar",
            Kind::Table(&CALENDAR),
            "An iCalendar that says whose turn it is, in place of `members`, `handover` and `since`. Of events that overlap the one that began last counts, of those that began together the one that stands last.",
        ),
        Key::new(
            "otherwise",
            Kind::Name(Refers::Contact),
            "With a calendar: who is on call while it names nobody, names somebody unknown or cannot be read; told as well while it is too old.",
        ),
        Key::new(
            "people",
            Kind::Map(&Kind::Name(Refers::Contact)),
            "With a calendar: names as they stand in the summaries of its events, and the contacts whom they mean. Mail addresses of those who take part go first; the own name or alias of a contact as the whole summary needs no entry.",
        ),
        Key::new(
            "timezone",
            Kind::Zone,
            "The zone of its hand-overs, and of days and times without a zone in its calendar; without it the system's own.",
        )
        .or("\"\""),
        Key::new(
            "period",
            Kind::Name(Refers::Period),
            "When it is told at all, such as the night; none: always.",
        )
        .or("\"\""),
        Key::new(
            "override",
            Kind::Tables(&OVERRIDE),
            "Who takes over for a while; no two at once.",
        ),
    ]],
);

static CALENDAR: Spec = Spec::new(
    "calendar",
    "An iCalendar (RFC 5545): a file, or an address that the daemon asks every so often. The last good one is kept beside the store.",
    &[&[
        Key::new("file", Kind::Text, "A file; the daemon sees when it changes."),
        Key::new(
            "url",
            Kind::Url,
            "The address of a public calendar. A private address is a secret: give it by one of the next three.",
        ),
        Key::new(
            "url_file",
            Kind::Text,
            "A file with the address, such as https://USER:PASSWORD@HOST/PATH or webcal://HOST/PATH.",
        ),
        Key::new("url_env", Kind::Text, "A variable with that address."),
        Key::new(
            "url_credential",
            Kind::Text,
            "A systemd credential with that address.",
        ),
        Key::new(
            "refresh",
            Kind::Span(false),
            "How often it is looked at; a file every 10s at least.",
        )
        .or("15m"),
        Key::new(
            "stale_after",
            Kind::Span(false),
            "From when on it is too old, counted from when it could last be read; at least twice `refresh`.",
        )
        .or("1d"),
    ]],
);

static OVERRIDE: Spec = Spec::new(
    "[[rotation.override]]",
    "Somebody takes over for a while.",
    &[&[
        Key::new(
            "who",
            Kind::Name(Refers::Contact),
            "The contact on call meanwhile; it need not be a member.",
        )
        .must(),
        Key::new(
            "from",
            Kind::Text,
            "When it begins: `2026-12-24 18:00` by the rotation's clocks, or RFC 3339.",
        )
        .must(),
        Key::new("until", Kind::Text, "When it ends.").must(),
        Key::new(
            "reason",
            Kind::Text,
            "Why, for those who ask who is on call.",
        )
        .must(),
    ]],
);

pub static GROUP: Spec = Spec::new(
    "[[group]]",
    "A group of hosts. Groups need no declaration; once one is declared, all must be.",
    &[&[
        Key::new("name", Kind::Label, "The name that `groups` lists.").must(),
        Key::new("alias", Kind::AnyText, "A longer name."),
        Key::new(
            "hosts",
            Kind::Names(Refers::Host),
            "Hosts in it, beside those that name it.",
        )
        .or("[]"),
        Key::new(
            "groups",
            Kind::Names(Refers::Group),
            "Other groups whose hosts are in it as well.",
        )
        .or("[]"),
        Key::new(
            "exclude_hosts",
            Kind::Names(Refers::Host),
            "Hosts that `hosts` and `groups` do not mean after all.",
        )
        .or("[]"),
        Key::new(
            "exclude_groups",
            Kind::Names(Refers::Group),
            "Groups whose hosts `hosts` and `groups` do not mean after all.",
        )
        .or("[]"),
        Key::new("notes", Kind::AnyText, "For $HOSTGROUPNOTES$."),
        Key::new("notes_url", Kind::AnyText, "For $HOSTGROUPNOTESURL$."),
        Key::new("action_url", Kind::AnyText, "For $HOSTGROUPACTIONURL$."),
    ]],
);

pub static APP: Spec = Spec::new(
    "[[app]]",
    "A thing that is deployed.",
    &[&[
        Key::new("name", Kind::Label, "Its name, as deploys give it.").must(),
        Key::new("environment", Kind::Label, "Where this one runs.").or("\"production\""),
        Key::new(
            "calls",
            Kind::Names(Refers::App),
            "Apps it calls, of the same environment unless written NAME@ENVIRONMENT.",
        )
        .or("[]"),
        Key::new(
            "hosts",
            Kind::Names(Refers::Host),
            "Hosts it lives on, beside those that name it.",
        )
        .or("[]"),
        Key::new(
            "contacts",
            Kind::Names(Refers::Contact),
            "The team: told how its deploys went.",
        )
        .or("[]"),
        Key::new(
            "risk",
            Kind::OneOf(&["low", "normal", "high"]),
            "The risk class of its deploys unless an event says otherwise.",
        )
        .or("\"normal\""),
        Key::new(
            "regressions",
            Kind::OneOf(REGRESSIONS),
            "When a number of its checks gets worse with a deploy though no threshold sees it: nothing, a note to the deployer, or a page too.",
        )
        .or("\"warn\""),
        Key::new(
            "hold",
            Kind::Flag,
            "Whether its deploys may hold what they explain; `false` where they are so quiet that holds only delay.",
        )
        .or("true"),
        Key::new(
            "rollback",
            Kind::Table(&ROLLBACK),
            "How its deploys are taken back; without it people do it.",
        ),
        Key::new("url", Kind::AnyText, "Where people read about it."),
    ]],
);

static ROLLBACK: Spec = Spec::new(
    "rollback",
    "How deploys of an app are taken back.",
    &[&[
        Key::new(
            "command",
            Kind::Text,
            "A command line or the name of a [[command]]; knows $DEPLOYID$, $DEPLOYVERSION$, $DEPLOYPREVIOUSVERSION$ and kin.",
        )
        .must(),
        Key::new(
            "mode",
            Kind::OneOf(&["suggest", "run"]),
            "`run`: it is run by itself when every guard agrees; `suggest`: people read that it is advised.",
        )
        .or("\"suggest\""),
        Key::new("timeout", Kind::Span(false), "It is ended after this.").or("10m"),
    ]],
);
