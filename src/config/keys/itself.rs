//! The keys of what deploywatch watches of itself.

use super::{Key, Kind, Refers, Spec};

pub static ITSELF: Spec = Spec::new(
    "[itself]",
    "deploywatch watches itself: a host with the checks clock, dead-letters, disk, feeds, lateness, outbox and store, and calendars where a rotation has one, which are routed as any other.",
    &[&[
        Key::new(
            "host",
            Kind::Label,
            "The name of the host that is added. Patterns of groups, apps and checks do not mean it, its name does.",
        )
        .or("\"deploywatch\""),
        Key::new(
            "contacts",
            Kind::Names(Refers::Contact),
            "Who is told; without it [defaults] and the routes say so.",
        ),
        Key::new("every", Kind::Span(false), "How often is measured.").or("1m"),
        Key::new(
            "late",
            Kind::Table(&LATE),
            "How late checks may start.",
        ),
        Key::new(
            "outbox",
            Kind::Table(&OUTBOX),
            "How long a notification may wait.",
        ),
        Key::new(
            "dead_letters",
            Kind::Whole(1, 1_000_000),
            "So many notifications given up within an hour are CRITICAL.",
        )
        .or("1"),
        Key::new(
            "disk",
            Kind::Table(&DISK),
            "How much of the store's disk must be free.",
        ),
        Key::new(
            "clock",
            Kind::Table(&CLOCK),
            "By how much the wall clock may jump; below 10s nothing is a jump.",
        ),
        Key::new(
            "store",
            Kind::Table(&STORE),
            "How long a commit may take.",
        ),
    ]],
);

pub static CANARY: Spec = Spec::new(
    "[canary]",
    "A test on a schedule: a problem that goes the whole way to every channel and recovers by itself. The check `channels` of [itself] says where it did not arrive.",
    &[&[
        Key::new(
            "at",
            Kind::Text,
            "When it is made each day, by the clocks of `timezone`.",
        )
        .or("\"09:00\""),
        Key::new(
            "timezone",
            Kind::Zone,
            "Whose hours; without it the system's own.",
        )
        .or("\"\""),
        Key::new(
            "every",
            Kind::Span(false),
            "How often it is made, in place of `at`.",
        ),
        Key::new(
            "contacts",
            Kind::Names(Refers::Contact),
            "Whom it goes to, by all their channels.",
        )
        .must(),
        Key::new(
            "urgency",
            Kind::OneOf(&["high", "low"]),
            "`high` pages as a real problem does; `low` makes no sound and goes to no pager.",
        )
        .or("\"high\""),
        Key::new(
            "for",
            Kind::Span(false),
            "It recovers after this; at most 1h.",
        )
        .or("1m"),
        Key::new(
            "within",
            Kind::Span(false),
            "What was not sent after this counts as lost, and is tried no longer; at most 1h.",
        )
        .or("5m"),
    ]],
);

static LATE: Spec = Spec::new(
    "late",
    "How late checks may start; as late counts what never ends.",
    &[&[
        Key::new("warning", Kind::Span(false), "WARNING from here on.").or("30s"),
        Key::new("critical", Kind::Span(false), "CRITICAL from here on.").or("2m"),
    ]],
);

static OUTBOX: Spec = Spec::new(
    "outbox",
    "How long the oldest notification may have waited.",
    &[&[
        Key::new("warning", Kind::Span(false), "WARNING from here on.").or("2m"),
        Key::new("critical", Kind::Span(false), "CRITICAL from here on.").or("10m"),
    ]],
);

static DISK: Spec = Spec::new(
    "disk",
    "Percent of the store's disk that must be free.",
    &[&[
        Key::new("warning", Kind::Percent, "WARNING with so little or less.").or("10"),
        Key::new(
            "critical",
            Kind::Percent,
            "CRITICAL with so little or less.",
        )
        .or("3"),
    ]],
);

static CLOCK: Spec = Spec::new(
    "clock",
    "By how much the wall clock may have jumped within ten minutes.",
    &[&[
        Key::new("warning", Kind::Span(false), "WARNING from here on.").or("10s"),
        Key::new("critical", Kind::Span(false), "CRITICAL from here on.").or("1m"),
    ]],
);

static STORE: Spec = Spec::new(
    "store",
    "How long a commit may take.",
    &[&[
        Key::new("warning", Kind::Span(false), "WARNING from here on.").or("1s"),
        Key::new("critical", Kind::Span(false), "CRITICAL from here on.").or("5s"),
    ]],
);
