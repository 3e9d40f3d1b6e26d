//! The keys of mute times and silences.

use super::{
    Key, Kind, Refers, Spec,
    relations::{MATCHER, STATES},
};

static MATCH: Spec = Spec::new(
    "the match of a mute time",
    "Which hosts and checks: all that is given has to fit.",
    &[MATCHER],
);

pub static MUTE: Spec = Spec::new(
    "[[mute]]",
    "A time that comes again and in which nobody is told of some things. At its end, what is still broken is paged.",
    &[&[
        Key::new("name", Kind::Label, "Its name.").must(),
        Key::new(
            "match",
            Kind::Table(&MATCH),
            "What it is for; without it everything.",
        ),
        Key::new(
            "period",
            Kind::Name(Refers::Period),
            "When: whenever this period is open, by the clocks of its zone.",
        )
        .must(),
        Key::new(
            "states",
            Kind::SomeOf(STATES),
            "The states it keeps quiet; recoveries of what was told are told all the same.",
        )
        .or("all of them"),
        Key::new("owner", Kind::Label, "Whom to ask about it.").must(),
        Key::new(
            "reason",
            Kind::Text,
            "Why; stands wherever somebody asks why nobody was told.",
        )
        .must(),
    ]],
);

pub static SILENCES: Spec = Spec::new(
    "[silences]",
    "What silences, which people set while the daemon runs, may be.",
    &[&[
        Key::new("longest", Kind::Span(false), "No silence lasts longer.").or("24h"),
        Key::new(
            "remind",
            Kind::Span(true),
            "So long before its end its owner is reminded; 0s: never.",
        )
        .or("15m"),
        Key::new(
            "widest",
            Kind::Text,
            "One that hits more, as a share of the site such as \"50%\" or as a number of hosts and checks, has to be meant.",
        )
        .or("\"50%\""),
    ]],
);
