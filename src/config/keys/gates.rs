//! The keys of freezes and of the rules for risk.

use super::{Key, Kind, Refers, Spec};

pub static FREEZE: Spec = Spec::new(
    "[[freeze]]",
    "No deploys for a time: the gates of these apps are shut.",
    &[&[
        Key::new("apps", Kind::Texts, "Apps; `*` and `?` match any.").or("[\"*\"]"),
        Key::new(
            "environments",
            Kind::Texts,
            "Environments; `*` and `?` match any.",
        )
        .or("[\"*\"]"),
        Key::new(
            "from",
            Kind::Text,
            "Its begin: 2026-12-24T18:00:00+01:00, or 2026-12-24 18:00 by the clocks of `timezone`; without it, it has begun.",
        ),
        Key::new("until", Kind::Text, "Its end, written likewise."),
        Key::new(
            "timezone",
            Kind::Zone,
            "The zone of times without an offset; without it the system's own.",
        )
        .or("\"\""),
        Key::new(
            "period",
            Kind::Name(Refers::Period),
            "In place of `from` and `until`: whenever this period is open.",
        ),
        Key::new("owner", Kind::Label, "Whom to ask about it.").must(),
        Key::new(
            "reason",
            Kind::Text,
            "Why; every pipeline that is stopped prints it.",
        )
        .must(),
    ]],
);

pub static RISK: Spec = Spec::new(
    "[[deploys.risk]]",
    "A rule for the risk class of deploys: the first that fits counts, then the built-in ones.",
    &[&[
        Key::new(
            "match",
            Kind::Table(&MATCH),
            "What it is for; without it everything.",
        ),
        Key::new(
            "risk",
            Kind::OneOf(&["low", "normal", "high"]),
            "The class.",
        )
        .must(),
        Key::new(
            "why",
            Kind::Text,
            "Why, in words; stands beside the class wherever it is shown.",
        )
        .must(),
        Key::new(
            "may_lower",
            Kind::Flag,
            "A lower class that is told with the deploy counts.",
        )
        .or("false"),
        Key::new(
            "irreversible",
            Kind::Flag,
            "What fits cannot be taken back: it is never rolled back by itself, whatever rule gave the class.",
        )
        .or("false"),
    ]],
);

pub static DOWNTIME: Spec = Spec::new(
    "[[deploys.downtime]]",
    "Downtimes that are deploys of the apps on their hosts: those that deploy scripts set. They are capped like other holds.",
    &[&[
        Key::new(
            "author",
            Kind::Texts,
            "Who sets them; `*` and `?` match any.",
        ),
        Key::new(
            "comment",
            Kind::Texts,
            "What their comment says; `*` and `?` match any.",
        ),
    ]],
);

static MATCH: Spec = Spec::new(
    "match",
    "What a rule is for: all that is given has to fit; `*` and `?` match any.",
    &[&[
        Key::new("app", Kind::Texts, "Apps it is for."),
        Key::new("environment", Kind::Texts, "Environments it is for."),
        Key::new(
            "kind",
            Kind::Texts,
            "Kinds of change: schema, network, dns, code or your own.",
        ),
        Key::new(
            "labels",
            Kind::Texts,
            "Labels; one of the deploy's has to fit.",
        ),
        Key::new(
            "paths",
            Kind::Texts,
            "Changed files: for a low class all have to fit, else one.",
        ),
        Key::new(
            "max_paths",
            Kind::Whole(1, 1000),
            "Fits only deploys that tell their changed files, and no more than this.",
        ),
    ]],
);
