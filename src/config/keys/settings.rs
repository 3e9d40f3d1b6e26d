//! The keys of the daemon itself: the root of a file, sinks, limits, profiles, deploy classes, tokens.

use super::{
    Key, Kind, Refers, Spec,
    answers::ANSWERS,
    gates::{DOWNTIME, FREEZE, RISK},
    itself::{CANARY, ITSELF},
    nagios::NAGIOS,
    objectives::SLO,
    objects::{
        APP, CHECK, COMMAND, CONTACT, CONTACT_GROUP, DEFAULTS, GROUP, HOST, PERIOD, ROTATION,
        TEMPLATE,
    },
    quiet::{MUTE, SILENCES},
    relations::{CHECK_GROUP, DEPENDENCY, ESCALATION},
    routes::{GROUPING, ROUTE},
    scenarios::TEST,
};
use crate::domain::{
    feeds,
    model::{
        date::DateFormat,
        deploy::{GateOn, RollbackMode},
    },
};

const PROFILE_TABLE: Kind = Kind::Table(&PROFILE);
const TEXT: Kind = Kind::AnyText;
const SOURCE_TABLE: Kind = Kind::Table(&SOURCE);
const APP_NAME: Kind = Kind::Name(Refers::App);
const HOST_NAME: Kind = Kind::Name(Refers::Host);
const FEEDS: [&str; 16] = feeds::Kind::NAMES;
const LIMIT: Kind = Kind::Whole(1, 100_000);

/// The root of every file.
pub static ROOT: Spec = Spec::new(
    "the file",
    "deploywatch's configuration.",
    &[&[
        Key::new(
            "include",
            Kind::Texts,
            "More files, relative to this one; `*` and `?` match any.",
        )
        .or("[]"),
        Key::new("daemon", Kind::Table(&DAEMON), "The daemon itself."),
        Key::new(
            "nagios",
            Kind::Table(&NAGIOS),
            "Drop-in files for tools made for Nagios.",
        ),
        Key::new("smtp", Kind::Table(&SMTP), "How mail is sent."),
        Key::new(
            "delivery",
            Kind::Table(&DELIVERY),
            "How hard notifications are tried.",
        ),
        Key::new(
            "retention",
            Kind::Table(&RETENTION),
            "How long things are kept.",
        ),
        Key::new(
            "history",
            Kind::Table(&HISTORY),
            "What is recorded for `replay` and `what-if`.",
        ),
        Key::new(
            "digest",
            Kind::Table(&DIGEST),
            "A digest of each day: what was held, paged and silent.",
        ),
        Key::new(
            "dead_man",
            Kind::Table(&DEAD_MAN),
            "Who hears that we live, and misses us.",
        ),
        Key::new(
            "answers",
            Kind::Table(&ANSWERS),
            "How people answer a page from where it reached them.",
        ),
        Key::new(
            "itself",
            Kind::Table(&ITSELF),
            "What deploywatch watches of itself.",
        ),
        Key::new(
            "canary",
            Kind::Table(&CANARY),
            "A test through every channel, on a schedule.",
        ),
        Key::new(
            "messages",
            Kind::Table(&MESSAGES),
            "Own texts for notifications.",
        ),
        Key::new("limits", Kind::Table(&LIMITS), "How much runs at once."),
        Key::new(
            "defaults",
            Kind::Table(&DEFAULTS),
            "What every check takes that says nothing else.",
        ),
        Key::new(
            "deploys",
            Kind::Table(&DEPLOYS),
            "What the risk classes of deploys allow.",
        ),
        Key::new(
            "profile",
            Kind::Map(&PROFILE_TABLE),
            "Users and limits that plugins run with.",
        ),
        Key::new(
            "template",
            Kind::Tables(&TEMPLATE),
            "Keys to share among checks and hosts.",
        ),
        Key::new(
            "command",
            Kind::Tables(&COMMAND),
            "Command lines under a name.",
        ),
        Key::new("period", Kind::Tables(&PERIOD), "Named sets of times."),
        Key::new("contact", Kind::Tables(&CONTACT), "Who is told."),
        Key::new(
            "contact_group",
            Kind::Tables(&CONTACT_GROUP),
            "Contacts under one name.",
        ),
        Key::new(
            "rotation",
            Kind::Tables(&ROTATION),
            "Who is on call, in turns.",
        ),
        Key::new(
            "test",
            Kind::Tables(&TEST),
            "What is to come of what may happen; for `deploywatch test`.",
        ),
        Key::new("group", Kind::Tables(&GROUP), "Groups of hosts."),
        Key::new(
            "check_group",
            Kind::Tables(&CHECK_GROUP),
            "Groups of checks.",
        ),
        Key::new(
            "dependency",
            Kind::Tables(&DEPENDENCY),
            "What depends on what.",
        ),
        Key::new(
            "escalation",
            Kind::Tables(&ESCALATION),
            "Who is told when a problem lasts.",
        ),
        Key::new(
            "grouping",
            Kind::Table(&GROUPING),
            "Pages of one cause come to each person as one.",
        ),
        Key::new(
            "route",
            Kind::Tables(&ROUTE),
            "Who is told of what names no contacts.",
        ),
        Key::new(
            "slo",
            Kind::Tables(&SLO),
            "How available what users see should be.",
        ),
        Key::new("freeze", Kind::Tables(&FREEZE), "Times without deploys."),
        Key::new(
            "mute",
            Kind::Tables(&MUTE),
            "Times in which nobody is told of some things.",
        ),
        Key::new("silences", Kind::Table(&SILENCES), "What silences may be."),
        Key::new("app", Kind::Tables(&APP), "What is deployed."),
        Key::new("host", Kind::Tables(&HOST), "Machines and devices."),
        Key::new("check", Kind::Tables(&CHECK), "What is checked."),
        Key::new("token", Kind::Tables(&TOKEN), "Who may use the API."),
        Key::new(
            "marker",
            Kind::Tables(&MARKER),
            "Where the lines on graphs come from: who is told that a deploy began or ended.",
        ),
    ]],
);

static DAEMON: Spec = Spec::new(
    "[daemon]",
    "The daemon itself.",
    &[&[
        Key::new("store", Kind::Text, "The database file, relative to this file; `:memory:` keeps nothing.").or("\"deploywatch.db\""),
        Key::new("listen", Kind::Listens, "Where the API, the page and /metrics are served; one address or a list.").or("\"127.0.0.1:8420\""),
        Key::new("plugin_dirs", Kind::Texts, "Where a bare command name is looked up, in this order.").or("[\"/usr/lib/nagios/plugins\", \"/usr/lib64/nagios/plugins\", \"/usr/lib/monitoring-plugins\", \"/usr/local/libexec/nagios\"]"),
        Key::new("public_url", Kind::Url, "The address people reach the page under, for links in messages."),
        Key::new("user_macros", Kind::Texts, "The values of $USER1$, $USER2$ and on.").or("[]"),
        Key::new("user_macros_file", Kind::Text, "A resource file of Nagios with lines such as $USER1$=/usr/lib/nagios/plugins; for values that are secret."),
        Key::new("fallback_contacts", Kind::Names(Refers::Contact), "Told when a notification cannot be delivered and when the store is down.").or("[]"),
        Key::new("log", Kind::OneOf(&["error", "warn", "info", "debug", "trace"]), "How much is logged.").or("\"info\""),
        Key::new("notifications", Kind::Flag, "People are told at all.").or("true"),
        Key::new("host_check_horizon", Kind::Span(true), "A host's state this fresh is believed without another check.").or("15s"),
        Key::new("illegal_output_chars", Kind::AnyText, "Characters deleted from plugin output on a command line.").or("\"`~$&|'\\\"<>\""),
        Key::new("admin_email", Kind::AnyText, "For $ADMINEMAIL$.").or("\"\""),
        Key::new("admin_pager", Kind::AnyText, "For $ADMINPAGER$.").or("\"\""),
        Key::new("date_format", Kind::OneOf(DateFormat::WORDS), "How $DATE$, $SHORTDATETIME$ and kin are written.").or("\"us\""),
        Key::new("website_url", Kind::AnyText, "What $HOSTINFOURL$ and $SERVICEINFOURL$ begin with: where Nagios' own pages are.").or("\"\""),
        Key::new("max_output", Kind::Size, "How much of a plugin's output is kept.").or("\"64KB\""),
        Key::new("host_handler", Kind::AnyText, "Run at every change of state of any host: a command line or the name of a [[command]]."),
        Key::new("check_handler", Kind::AnyText, "Run at every change of state of any check."),
        Key::new("handlers", Kind::Flag, "Event handlers are run at all.").or("true"),
        Key::new("flap_detection", Kind::Flag, "Flapping is watched for at all.").or("true"),
        Key::new("soft_dependencies", Kind::Flag, "A master's soft state counts for dependencies.").or("false"),
        Key::new("passive_hosts_soft", Kind::Flag, "Results of hosts sent from outside go through the attempts, too.").or("false"),
        Key::new("translate_passive_hosts", Kind::Flag, "DOWN sent from outside becomes UNREACHABLE where no parent is UP.").or("false"),
        Key::new("aggressive_host_checking", Kind::Flag, "A host whose plugin says WARNING is DOWN.").or("false"),
        Key::new("freshness_latency", Kind::Span(true), "Added where `stale_after` is `auto`.").or("15s"),
    ]],
);

static SMTP: Spec = Spec::new(
    "[smtp]",
    "How mail is sent.",
    &[&[
        Key::new("host", Kind::Text, "The mail server.").or("\"127.0.0.1\""),
        Key::new(
            "port",
            Kind::Whole(1, 65535),
            "Its port; without it 25, 587 with starttls, 465 with tls.",
        )
        .or("25"),
        Key::new(
            "tls",
            Kind::OneOf(&["none", "starttls", "tls"]),
            "How the connection is protected.",
        )
        .or("\"none\""),
        Key::new("from", Kind::Text, "The sender's address.").or("\"deploywatch@localhost\""),
        Key::new("username", Kind::Text, "The user to log in as."),
        Key::new("password_file", Kind::Text, "A file with the password."),
        Key::new("password_env", Kind::Text, "A variable with the password."),
        Key::new(
            "password_credential",
            Kind::Text,
            "A systemd credential with the password.",
        ),
        Key::new("password", Kind::Inline, ""),
        Key::new(
            "helo",
            Kind::Text,
            "The name to greet with; without it this machine's.",
        ),
        Key::new("timeout", Kind::Span(false), "How long one mail may take.").or("30s"),
        Key::new(
            "ca_file",
            Kind::Text,
            "A PEM file with the authority that signed the server's certificate.",
        ),
    ]],
);

static DELIVERY: Spec = Spec::new(
    "[delivery]",
    "How hard notifications are tried.",
    &[&[
        Key::new(
            "give_up",
            Kind::Span(false),
            "How long one notification is tried before it counts as dead.",
        )
        .or("4h"),
        Key::new(
            "delayed_after",
            Kind::Span(false),
            "A notification this late says so.",
        )
        .or("5m"),
        Key::new(
            "workers",
            Kind::Whole(1, 256),
            "How many notifications are sent at once.",
        )
        .or("8"),
    ]],
);

static HISTORY: Spec = Spec::new(
    "[history]",
    "Results, deploys, commands and pages, recorded so that they can be played again; a change counts after a restart.",
    &[&[
        Key::new(
            "dir",
            Kind::AnyText,
            "The directory, relative to this file; empty: nothing is recorded. Without it: beside the store, named as \
             that with `.history` at its end.",
        ),
        Key::new("keep", Kind::Span(false), "How long it is kept.").or("7d"),
        Key::new(
            "max_bytes",
            Kind::Size,
            "How much is kept; the oldest goes first.",
        )
        .or("\"1GiB\""),
    ]],
);

static DIGEST: Spec = Spec::new(
    "[digest]",
    "A digest of each day, sent on the next one.",
    &[&[
        Key::new(
            "at",
            Kind::Text,
            "When the digest of the day before is sent, by the clocks of `timezone`.",
        )
        .or("\"08:00\""),
        Key::new(
            "timezone",
            Kind::Zone,
            "Whose days and hours; without it the system's own.",
        )
        .or("\"\""),
        Key::new(
            "contacts",
            Kind::Names(Refers::Contact),
            "Who gets it, by mail, chat, webhook and command; pagers are left out.",
        )
        .must(),
    ]],
);

static DEAD_MAN: Spec = Spec::new(
    "[dead_man]",
    "Somebody outside hears from us every so often, and raises the alarm when nothing comes. Nothing is sent while checks, the store or deliveries are stuck.",
    &[&[
        Key::new("every", Kind::Span(false), "How often.").or("1m"),
        Key::new(
            "ping_url_file",
            Kind::Text,
            "A file with the address that is posted to, such as a check's of healthchecks.",
        ),
        Key::new("ping_url_env", Kind::Text, "A variable with that address."),
        Key::new(
            "ping_url_credential",
            Kind::Text,
            "A systemd credential with that address.",
        ),
        Key::new("ping_url", Kind::Inline, ""),
        Key::new(
            "fail_url_file",
            Kind::Text,
            "A file with an address that is told what is stuck, from the second beat on.",
        ),
        Key::new("fail_url_env", Kind::Text, "A variable with that address."),
        Key::new(
            "fail_url_credential",
            Kind::Text,
            "A systemd credential with that address.",
        ),
        Key::new("fail_url", Kind::Inline, ""),
        Key::new(
            "file",
            Kind::Text,
            "A file that is written each time, relative to this file, for check_file_age elsewhere.",
        ),
        Key::new(
            "late_after",
            Kind::Span(false),
            "Checks are stuck when none that runs has ended for so long beyond their timeouts.",
        )
        .or("5m"),
        Key::new(
            "undelivered_after",
            Kind::Span(false),
            "A notification that has waited for so long is stuck.",
        )
        .or("15m"),
    ]],
);

static RETENTION: Spec = Spec::new(
    "[retention]",
    "How long things are kept.",
    &[&[
        Key::new(
            "history",
            Kind::Span(false),
            "State changes, decisions and deploys.",
        )
        .or("400d"),
        Key::new(
            "deliveries",
            Kind::Span(false),
            "Notifications that were delivered or died.",
        )
        .or("30d"),
    ]],
);

static MESSAGES: Spec = Spec::new(
    "[messages]",
    "Own texts for notifications: template files, relative to this file.",
    &[&[
        Key::new("email", Kind::Text, "The body of a mail."),
        Key::new("email_subject", Kind::Text, "The subject of a mail."),
        Key::new("slack", Kind::Text, "The text for Slack."),
        Key::new("pagerduty", Kind::Text, "The summary for PagerDuty."),
        Key::new("webhook", Kind::Text, "The body for webhooks."),
    ]],
);

static LIMITS: Spec = Spec::new(
    "[limits]",
    "How much runs at once; 0 leaves it to the program.",
    &[&[
        Key::new("global", Kind::Whole(0, 100_000), "Plugins in all.").or("0"),
        Key::new("per_host", Kind::Whole(0, 100_000), "Plugins for one host.").or("0"),
        Key::new(
            "tags",
            Kind::Map(&LIMIT),
            "Plugins with one tag: { db = 4 }.",
        ),
    ]],
);

static PROFILE: Spec = Spec::new(
    "[profile.NAME]",
    "A user and limits that plugins run with.",
    &[&[
        Key::new("user", Kind::Text, "The user; without it the daemon's own."),
        Key::new(
            "group",
            Kind::Text,
            "The group; without it the user's first.",
        ),
        Key::new(
            "nice",
            Kind::Whole(-20, 19),
            "Politeness: -20 first, 19 last.",
        ),
        Key::new(
            "umask",
            Kind::Umask,
            "Permission bits taken from new files, in octal.",
        ),
        Key::new(
            "no_new_privs",
            Kind::Flag,
            "Plugins cannot gain rights; breaks plugins that are setuid, such as check_icmp.",
        )
        .or("false"),
        Key::new(
            "max_open_files",
            Kind::Whole(3, 1_000_000_000),
            "Open files of one process.",
        ),
        Key::new("max_memory", Kind::Size, "Address space of one process."),
        Key::new(
            "max_cpu",
            Kind::Span(false),
            "CPU time of one process, in whole seconds.",
        ),
        Key::new(
            "max_core",
            Kind::Size,
            "Size of a core dump; 0 writes none.",
        ),
        Key::new(
            "max_processes",
            Kind::Whole(1, 1_000_000_000),
            "Processes of the profile's user.",
        ),
        Key::new("directory", Kind::Text, "The working directory.").or("\"/tmp\""),
        Key::new(
            "environment",
            Kind::Map(&TEXT),
            "Variables added to the environment.",
        ),
    ]],
);

pub static DEPLOYS: Spec = Spec::new(
    "[deploys]",
    "What the risk classes of deploys allow, and who tells of deploys.",
    &[&[
        Key::new("class", Kind::Table(&CLASSES), "The three risk classes."),
        Key::new(
            "risk",
            Kind::Tables(&RISK),
            "Rules for the class of a deploy; the first that fits counts.",
        ),
        Key::new(
            "downtime",
            Kind::Tables(&DOWNTIME),
            "Downtimes that are deploys; without it none is.",
        ),
        Key::new(
            "source",
            Kind::Map(&SOURCE_TABLE),
            "Tools that tell of deploys, each under a name.",
        ),
        Key::new(
            "drop_dir",
            Kind::Text,
            "A directory where deploy events are dropped as files, for hosts without HTTP.",
        ),
        Key::new(
            "clock_tolerance",
            Kind::Span(true),
            "Events this much older or newer than our clock are still believed.",
        )
        .or("30s"),
        Key::new(
            "storm",
            Kind::Whole(2, 100_000),
            "So many deploys running in one environment at once are a storm: holds are half as long, and no problem is put down to the environment.",
        )
        .or("10"),
    ]],
);

static SOURCE: Spec = Spec::new(
    "[deploys.source.NAME]",
    "A tool that tells of deploys, at /v1/hooks/NAME.",
    &[&[
        Key::new(
            "kind",
            Kind::OneOf(&FEEDS),
            "Which tool it is; without it the one of the table's name.",
        ),
        Key::new(
            "secret_file",
            Kind::Text,
            "A file with the secret that signs its requests, or that they carry as a token.",
        ),
        Key::new("secret_env", Kind::Text, "A variable with the secret."),
        Key::new(
            "secret_credential",
            Kind::Text,
            "A systemd credential with the secret.",
        ),
        Key::new("secret", Kind::Inline, ""),
        Key::new(
            "apps",
            Kind::Names(Refers::App),
            "The apps it may tell of; none: all.",
        )
        .or("[]"),
        Key::new(
            "may_hold",
            Kind::Names(Refers::App),
            "The apps whose problems its deploys may hold; without it all that it may tell of, with [] none.",
        ),
        Key::new(
            "app",
            Kind::Map(&APP_NAME),
            "Apps by what it calls them, with * and ?: { \"acme/shop\" = \"shop\" }; NAME@ENVIRONMENT says both, and a * in our name is what the * of theirs stands for: { \"deploy-*\" = \"*\" }.",
        ),
        Key::new(
            "environment",
            Kind::Map(&TEXT),
            "Environments by what it calls them, likewise: { prod = \"production\" }.",
        ),
        Key::new(
            "host",
            Kind::Map(&HOST_NAME),
            "Hosts by what it calls them, likewise.",
        ),
        Key::new(
            "default_environment",
            Kind::Text,
            "The environment of events that name none.",
        ),
        Key::new(
            "ignore",
            Kind::Texts,
            "What it calls apps that are none of our business, with * and ?.",
        )
        .or("[]"),
        Key::new(
            "file",
            Kind::Text,
            "Deployinator's log, which is read on and on.",
        ),
        Key::new(
            "per_minute",
            Kind::Whole(1, 1_000_000),
            "Requests that are taken in a minute; what comes beyond is told to come later (429).",
        )
        .or("600"),
        Key::new(
            "token_file",
            Kind::Text,
            "A file with a token of a GitHub App, read for each answer: its deployment protection rule is then answered by the gate.",
        ),
        Key::new(
            "api_url",
            Kind::Url,
            "Where GitHub is told the gate's answer; it is told nowhere else, whatever a request says.",
        )
        .or("\"https://api.github.com\""),
        Key::new(
            "answer_within",
            Kind::Span(true),
            "So long GitHub waits for a gate that is shut; then the answer is no.",
        )
        .or("30m"),
        Key::new(
            "expect_every",
            Kind::Span(false),
            "It is to be heard of this often: once it is silent for longer, its deploys hold nothing new and people are told.",
        ),
    ]],
);

static CLASSES: Spec = Spec::new(
    "[deploys.class]",
    "The three risk classes.",
    &[&[
        Key::new(
            "low",
            Kind::Table(&CLASS),
            "DNS, monitoring, minor changes of code.",
        ),
        Key::new(
            "normal",
            Kind::Table(&CLASS),
            "What is not said to be low or high.",
        ),
        Key::new("high", Kind::Table(&CLASS), "Networking, schema, payments."),
    ]],
);

static CLASS: Spec = Spec::new(
    "[deploys.class.NAME]",
    "What a risk class allows; what is left out keeps the built-in value of the class.",
    &[&[
        Key::new(
            "hold",
            Kind::Table(&HOLD),
            "How long a problem that the deploy explains may wait.",
        ),
        Key::new(
            "bake",
            Kind::Span(true),
            "How long after its end a deploy is watched closely.",
        ),
        Key::new(
            "ceiling",
            Kind::Span(false),
            "No problem waits longer than this, whatever happens; at most 30m.",
        )
        .or("15m"),
        Key::new(
            "settle",
            Kind::Span(true),
            "How long what a deploy restarted may take to answer, while too little is known of the app's own deploys; a hold ends no later than this after its host was restarted, however long it may last otherwise.",
        )
        .or("2m"),
        Key::new(
            "look_back",
            Kind::Span(true),
            "How long after its end a deploy may still be named.",
        ),
        Key::new(
            "max_length",
            Kind::Span(false),
            "A deploy that runs longer is lost.",
        ),
        Key::new(
            "gate_on",
            Kind::OneOf(GateOn::WORDS),
            "What shuts the app's gate: `suspect` (a problem put down to the deploy, held for it or left by its failure) or `never`.",
        ),
        Key::new(
            "rollback",
            Kind::OneOf(RollbackMode::WORDS),
            "The most that is done about taking back a deploy: `off`, `suggest` (usual for low), or `run` (usual for normal and high; the app has to say so as well).",
        ),
    ]],
);

static HOLD: Spec = Spec::new(
    "hold",
    "How long a problem may wait.",
    &[&[
        Key::new("critical", Kind::Span(true), "CRITICAL and DOWN."),
        Key::new("warning", Kind::Span(true), "WARNING and UNKNOWN."),
    ]],
);

static TOKEN: Spec = Spec::new(
    "[[token]]",
    "Who may use the API.",
    &[&[
        Key::new("name", Kind::Label, "Who it is, for the audit log.").must(),
        Key::new("secret_file", Kind::Text, "A file with the token."),
        Key::new("secret_env", Kind::Text, "A variable with the token."),
        Key::new(
            "secret_credential",
            Kind::Text,
            "A systemd credential with the token.",
        ),
        Key::new("secret", Kind::Inline, ""),
        Key::new(
            "scopes",
            Kind::SomeOf(&["read", "deploy", "command", "results", "admin"]),
            "What it may do; admin may do all.",
        )
        .must(),
        Key::new(
            "apps",
            Kind::Names(Refers::App),
            "The apps it may tell deploys of; none: all.",
        )
        .or("[]"),
    ]],
);

static MARKER: Spec = Spec::new(
    "[[marker]]",
    "A tool that is told of deploys, for the lines on its graphs. Losing a marker is harmless: it is tried a few times only.",
    &[&[
        Key::new("name", Kind::Label, "For the log and the metrics.").must(),
        Key::new(
            "kind",
            Kind::OneOf(&[
                "graphite",
                "grafana",
                "statsd",
                "pagerduty_change",
                "cdevents",
            ]),
            "Which tool it is; cdevents is told of pages and recoveries with a suspect.",
        ),
        Key::new(
            "url",
            Kind::Url,
            "Where the tool is; pagerduty_change knows its own, statsd has an `address`.",
        ),
        Key::new("address", Kind::Text, "HOST:PORT of statsd, over UDP."),
        Key::new(
            "token_file",
            Kind::Text,
            "A file with the token of Grafana.",
        ),
        Key::new("token_env", Kind::Text, "A variable with the token."),
        Key::new(
            "token_credential",
            Kind::Text,
            "A systemd credential with the token.",
        ),
        Key::new("token", Kind::Inline, ""),
        Key::new(
            "routing_key_file",
            Kind::Text,
            "A file with the routing key of PagerDuty.",
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
        Key::new("routing_key", Kind::Inline, ""),
        Key::new(
            "apps",
            Kind::Names(Refers::App),
            "The apps it is told of; none: all.",
        )
        .or("[]"),
        Key::new(
            "environments",
            Kind::Texts,
            "The environments it is told of; none: all.",
        )
        .or("[]"),
    ]],
);
