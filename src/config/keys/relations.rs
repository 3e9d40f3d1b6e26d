//! The keys of what few objects say: event handlers, freshness, dependencies, escalations, groups of checks.

use super::{
    Key, Kind, Refers, Spec,
    routes::{RISK, VERDICT},
};

/// A rule may serve hosts and checks alike.
pub(super) const STATES: &[&str] = &[
    "ok",
    "up",
    "recovery",
    "warning",
    "critical",
    "unknown",
    "down",
    "unreachable",
];
const INITIAL: &[&str] = &[
    "ok",
    "up",
    "warning",
    "critical",
    "unknown",
    "down",
    "unreachable",
];
const FAILS: &[&str] = &[
    "ok",
    "up",
    "warning",
    "critical",
    "unknown",
    "down",
    "unreachable",
    "pending",
];

/// What is done about a number that got worse with a deploy.
pub const REGRESSIONS: &[&str] = &["off", "warn", "page"];

/// What hosts and checks have in common and rarely say.
pub static RARE: &[Key] = &[
    Key::new(
        "handler",
        Kind::AnyText,
        "Run at every change of state: a command line or the name of a [[command]].",
    ),
    Key::new(
        "handler_period",
        Kind::Name(Refers::Period),
        "The period in which `handler` runs; none: always.",
    )
    .or("\"\""),
    Key::new(
        "handle",
        Kind::Flag,
        "Runs event handlers, the global ones too.",
    )
    .or("true"),
    Key::new(
        "stale_after",
        Kind::SpanOr(&["auto", "never"]),
        "With no result for this long it is checked at once, even where `active` is false; `auto` reckons from the interval, `never` takes a template's back.",
    )
    .or("\"never\""),
    Key::new(
        "flap_states",
        Kind::SomeOf(STATES),
        "The states that count for flapping.",
    )
    .or("all of them"),
    Key::new(
        "initial_state",
        Kind::OneOf(INITIAL),
        "The state assumed before the first result; none: OK or UP.",
    ),
    Key::new(
        "stalk",
        Kind::SomeOf(STATES),
        "States in which other words are recorded though the state stays.",
    )
    .or("[]"),
    Key::new(
        "display_name",
        Kind::AnyText,
        "For $HOSTDISPLAYNAME$ and $SERVICEDISPLAYNAME$; without it the alias or name.",
    ),
    Key::new(
        "action_url",
        Kind::AnyText,
        "For $HOSTACTIONURL$ and $SERVICEACTIONURL$.",
    ),
    Key::new(
        "icon_image",
        Kind::AnyText,
        "A picture, for pages of tools made for Nagios.",
    ),
    Key::new("perfdata", Kind::Flag, "Its performance data is handed on.").or("true"),
    Key::new(
        "importance",
        Kind::Whole(0, 1_000_000),
        "For $HOSTIMPORTANCE$ and $SERVICEIMPORTANCE$.",
    )
    .or("0"),
    Key::new(
        "check_groups",
        Kind::Names(Refers::CheckGroup),
        "Groups of checks a check belongs to.",
    )
    .or("[]"),
    Key::new(
        "regressions",
        Kind::OneOf(REGRESSIONS),
        "When a number of this check gets worse with a deploy though no threshold sees it: nothing, a note to the deployer, or a page to its contacts too; without it as its app says.",
    ),
];

static SELECTOR: Spec = Spec::new(
    "selector",
    "Hosts, or checks on them.",
    &[&[
        Key::new(
            "hosts",
            Kind::Selected(Refers::Host),
            "Hosts; `*` and `?` match any, `!` in front takes out.",
        ),
        Key::new(
            "groups",
            Kind::Selected(Refers::Group),
            "Groups of hosts; `*` and `?` match any, `!` in front takes out.",
        ),
        Key::new(
            "checks",
            Kind::Texts,
            "Checks on these hosts; `*` and `?` match any, `!` in front takes out. Without it the hosts themselves.",
        ),
    ]],
);

/// What a [`crate::domain::notify::matcher::Matcher`] is read from.
pub static MATCHER: &[Key] = &[
    Key::new(
        "hosts",
        Kind::Selected(Refers::Host),
        "Hosts, with their checks; `*` and `?` match any, `!` in front leaves out.",
    ),
    Key::new(
        "groups",
        Kind::Selected(Refers::Group),
        "Groups of hosts; `*` and `?` match any, `!` in front leaves out.",
    ),
    Key::new(
        "checks",
        Kind::Texts,
        "Names of checks; `*` and `?` match any, `!` in front leaves out. `*` leaves out hosts, `!*` all but hosts.",
    ),
    Key::new(
        "apps",
        Kind::Selected(Refers::App),
        "Apps, as NAME or NAME@ENVIRONMENT; `*` and `?` match any, `!` in front leaves out.",
    ),
    Key::new(
        "vars",
        Kind::Map(&PATTERNS),
        "Values of custom variables, a check's own or else its host's: team = [\"payments\", \"shop*\"].",
    ),
];
const PATTERNS: Kind = Kind::Texts;

pub static DEPENDENCY: Spec = Spec::new(
    "[[dependency]]",
    "While a master is in some states, its dependents are not run or do not notify.",
    &[&[
        Key::new("of", Kind::Table(&SELECTOR), "The dependents.").must(),
        Key::new(
            "on",
            Kind::Table(&SELECTOR),
            "The masters; without hosts and groups those on the dependent's own host.",
        )
        .must(),
        Key::new(
            "run",
            Kind::SomeOf(FAILS),
            "States of a master in which dependents are not run; `pending` is: never checked.",
        )
        .or("[]"),
        Key::new(
            "notify",
            Kind::SomeOf(FAILS),
            "States of a master in which dependents do not notify.",
        )
        .or("[]"),
        Key::new(
            "inherit",
            Kind::Flag,
            "The masters' own dependencies count as well.",
        )
        .or("false"),
        Key::new(
            "period",
            Kind::Name(Refers::Period),
            "The period in which it counts; none: always.",
        )
        .or("\"\""),
    ]],
);

pub static ESCALATION: Spec = Spec::new(
    "[[escalation]]",
    "Other contacts for later notifications of a problem.",
    &[&[
        Key::new("of", Kind::Table(&SELECTOR), "The objects it is for.").must(),
        Key::new(
            "first",
            Kind::Whole(1, 1_000_000),
            "The first notification of a problem it is for.",
        )
        .or("1"),
        Key::new(
            "last",
            Kind::Whole(0, 1_000_000),
            "The last notification it is for; 0: no end.",
        )
        .or("0"),
        Key::new(
            "after",
            Kind::Span(false),
            "Instead of `first` and `last`: once nobody acknowledged the page for so long, beside what is told otherwise.",
        ),
        VERDICT,
        RISK,
        Key::new(
            "states",
            Kind::SomeOf(STATES),
            "The states it is for; `recovery` stands for `ok` and `up`.",
        )
        .or("all of them"),
        Key::new(
            "contacts",
            Kind::Names(Refers::Contact),
            "Contacts and contact groups to tell instead of the object's own; without it the object's own.",
        ),
        Key::new(
            "remind",
            Kind::Span(true),
            "How far apart notifications are while it is in force; of several the smallest. Without it the object's.",
        ),
        Key::new(
            "period",
            Kind::Name(Refers::Period),
            "The period in which it is in force; without it the object's `notify_period`.",
        ),
    ]],
);

pub static CHECK_GROUP: Spec = Spec::new(
    "[[check_group]]",
    "A group of checks. Groups need no declaration; once one is declared, all must be.",
    &[&[
        Key::new("name", Kind::Label, "The name that `check_groups` lists.").must(),
        Key::new("alias", Kind::AnyText, "A longer name."),
        Key::new("notes", Kind::AnyText, "For $SERVICEGROUPNOTES$."),
        Key::new("notes_url", Kind::AnyText, "For $SERVICEGROUPNOTESURL$."),
        Key::new("action_url", Kind::AnyText, "For $SERVICEGROUPACTIONURL$."),
    ]],
);
