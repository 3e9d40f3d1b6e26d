//! The keys of objectives of availability.

use super::{Key, Kind, Spec, relations::MATCHER};

static MATCH: Spec = Spec::new(
    "the match of an objective",
    "What it is for; all that is written must fit.",
    &[MATCHER],
);

pub static SLO: Spec = Spec::new(
    "[[slo]]",
    "How available some hosts and checks should be; `deploywatch report slo` tells how available they were.",
    &[&[
        Key::new("name", Kind::Label, "Its name in the report.").must(),
        Key::new(
            "match",
            Kind::Table(&MATCH),
            "What it is for; without it, all checks with external = true.",
        ),
        Key::new(
            "target",
            Kind::Percent,
            "How many percent of the time they should be good, such as 99.9: what is left is the error budget.",
        ),
    ]],
);
