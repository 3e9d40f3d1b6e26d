//! The keys of routes: who is told of what names no contacts itself.

use super::{Key, Kind, Refers, Spec, relations::MATCHER};

const STATES: &[&str] = &["warning", "critical", "unknown", "down", "unreachable"];
const RISKS: &[&str] = &["low", "normal", "high"];
const VERDICTS: &[&str] = &["suspect", "suspects", "none"];
pub const URGENCY: &[&str] = &["high", "low"];

/// What a deploy has to do with a problem: of routes and of escalations.
pub const VERDICT: Key = Key::new(
    "verdict",
    Kind::SomeOf(VERDICTS),
    "What deploys have to do with it: `suspect` (one deploy), `suspects` (several), `none`.",
);
pub const RISK: Key = Key::new(
    "risk",
    Kind::SomeOf(RISKS),
    "The risk of the deploy that is the suspect; what no deploy explains does not fit.",
);

static MATCH: Spec = Spec::new(
    "the match of a route",
    "What it is for; all that is written must fit.",
    &[
        MATCHER,
        &[
            Key::new("states", Kind::SomeOf(STATES), "The states it is for.").or("all of them"),
            VERDICT,
            RISK,
        ],
    ],
);

static STEP: Spec = Spec::new(
    "a step",
    "Who is told when nobody acknowledged the page.",
    &[&[
        Key::new(
            "after",
            Kind::Span(false),
            "How long after the page, or after the end of an acknowledgement.",
        )
        .must(),
        Key::new(
            "contacts",
            Kind::Names(Refers::Contact),
            "Contacts, contact groups and rotations to tell.",
        )
        .must(),
        CHANNELS,
        URGENCY_KEY,
    ]],
);

const CHANNELS: Key = Key::new(
    "channels",
    Kind::Texts,
    "Through which of their channels, by kind (`slack`) or label (`webhook:2`); who has none of these is told through all. Without it: all.",
);
const URGENCY_KEY: Key = Key::new(
    "urgency",
    Kind::OneOf(URGENCY),
    "`high` pages; `low` makes no sound and goes to no pager.",
)
.or("\"high\"");

pub static ROUTE: Spec = Spec::new(
    "[[route]]",
    "Who is told of what names no contacts: the first that fits, or the deepest under it.",
    &[&[
        Key::new("name", Kind::Label, "Its name, shown by `why`.").must(),
        Key::new("under", Kind::Name(Refers::Route), "The route it lies under: it is asked only where that one fits, and counts in its place."),
        Key::new("match", Kind::Table(&MATCH), "What it is for; without it everything."),
        Key::new("contacts", Kind::Names(Refers::Contact), "Contacts, contact groups and rotations to tell at once. With [] the deployers are told first, then the steps follow.").must(),
        CHANNELS,
        URGENCY_KEY,
        Key::new("escalate", Kind::Tables(&STEP), "Who is told later, while nobody acknowledges: escalate = [{ after = \"15m\", contacts = \"boss\" }]."),
        Key::new("continue", Kind::Flag, "The routes after it are asked as well.").or("false"),
        Key::new("also", Kind::Flag, "It is also for what names contacts itself, beside these.").or("false"),
    ]],
);

pub static GROUPING: Spec = Spec::new(
    "[grouping]",
    "Pages of one cause come to each person as one, which is updated.",
    &[&[
        Key::new(
            "by",
            Kind::Texts,
            "What pages of one cause have in common: `deploy` (one deploy is the suspect of all), `host`, `parent` (their hosts stand behind the same one), `app`, `var.NAME` (a custom variable). The first that a problem has decides; [] gathers nothing.",
        )
        .or("[\"deploy\"]"),
        Key::new(
            "window",
            Kind::Span(false),
            "What comes later than this after the last page of the same cause rings anew; at most 1h.",
        )
        .or("10m"),
        Key::new(
            "update_every",
            Kind::Span(false),
            "How soon what joined a page is told; each further update waits twice as long, up to 5m. What joins the page of a deploy is told 10s later at the latest.",
        )
        .or("30s"),
        Key::new(
            "brake",
            Kind::Whole(0, 10_000),
            "So many pages to one person within `brake_within` are a storm: what follows is gathered, whatever its cause. 0: no brake.",
        )
        .or("0"),
        Key::new("brake_within", Kind::Span(false), "See `brake`.").or("5m"),
    ]],
);
