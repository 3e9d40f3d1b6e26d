//! The keys of `[[test]]`: what happens, and what is expected of it.

use super::{Key, Kind, Refers, Spec};

pub const STATES: &[&str] = &[
    "ok",
    "warning",
    "critical",
    "unknown",
    "up",
    "down",
    "unreachable",
];
pub const PHASES: &[&str] = &[
    "planned",
    "started",
    "step",
    "heartbeat",
    "finished",
    "cancelled",
    "failed",
    "rolled_back",
];
/// As messages call themselves.
pub const KINDS: &[&str] = &[
    "problem",
    "recovery",
    "acknowledgement",
    "flapping-start",
    "flapping-stop",
    "flapping-disabled",
    "downtime-start",
    "downtime-end",
    "downtime-cancelled",
    "custom",
    "amendment",
    "digest",
    "notice",
    "any",
];

pub static TEST: Spec = Spec::new(
    "[[test]]",
    "Something that happens to this configuration, and who is to hear of it. `deploywatch test` plays it; the daemon leaves it alone.",
    &[&[
        Key::new("name", Kind::Label, "What it shows, in a sentence.").must(),
        Key::new(
            "start",
            Kind::Text,
            "When it begins: `2026-03-29 01:30` by the clocks of `timezone`, or RFC 3339. All other times count from here.",
        )
        .must(),
        Key::new(
            "timezone",
            Kind::Zone,
            "The zone of `start`, and of the times that are printed; needed where `start` has no offset.",
        ),
        Key::new(
            "length",
            Kind::Span(false),
            "How long is played; without it to the last time that is named, and an hour beyond the last step.",
        ),
        Key::new(
            "steps",
            Kind::Tables(&STEP),
            "What happens, in order of time; all else is well.",
        )
        .must(),
        Key::new("expect", Kind::Tables(&EXPECT), "What is to come of it.").must(),
    ]],
);

static STEP: Spec = Spec::new(
    "[[test.steps]]",
    "One thing that happens: `check`, `host`, `deploy`, `ack`, `unack`, `downtime` or `command`.",
    &[&[
        Key::new(
            "at",
            Kind::Span(true),
            "When, counted from `start` and not from the step before.",
        )
        .or("0s"),
        Key::new(
            "check",
            Kind::Text,
            "A check, HOST/CHECK, that is found in another state from now on; `*` and `?` match any. Where it is run by us it is run now, and again as its `retry` and `every` say.",
        ),
        Key::new(
            "host",
            Kind::Name(Refers::Host),
            "A host that is found in another state; `*` and `?` match any. One that is down takes its checks with it, and the hosts that are reached only through it.",
        ),
        Key::new(
            "state",
            Kind::OneOf(STATES),
            "The state that is found; without it critical, of a host down.",
        ),
        Key::new("output", Kind::Text, "What the plugin says."),
        Key::new(
            "for",
            Kind::Span(false),
            "How long it lasts: then the check is well, the deploy finished, the acknowledgement over. Without it to the end; a downtime must say.",
        ),
        Key::new(
            "deploy",
            Kind::Name(Refers::App),
            "The app, or APP@ENVIRONMENT, of which a deploy tells something.",
        ),
        Key::new("phase", Kind::OneOf(PHASES), "What it tells.").or("\"started\""),
        Key::new(
            "id",
            Kind::Text,
            "The deploy's id; without it the app as written.",
        ),
        Key::new("version", Kind::Text, "The version that is deployed."),
        Key::new(
            "hosts",
            Kind::Names(Refers::Host),
            "Hosts that the deploy reaches.",
        ),
        Key::new(
            "groups",
            Kind::Names(Refers::Group),
            "Groups of hosts that the deploy reaches.",
        ),
        Key::new(
            "risk",
            Kind::OneOf(&["low", "normal", "high"]),
            "The deploy's risk class.",
        ),
        Key::new(
            "kind",
            Kind::Text,
            "What kind of change it is, for the risk rules.",
        ),
        Key::new("labels", Kind::Texts, "Its labels, for the risk rules."),
        Key::new(
            "paths",
            Kind::Texts,
            "Files that it changes, for the risk rules.",
        ),
        Key::new(
            "rollback_of",
            Kind::Text,
            "The id of the deploy that this one takes back.",
        ),
        Key::new(
            "ack",
            Kind::Text,
            "HOST or HOST/CHECK whose problem is acknowledged.",
        ),
        Key::new(
            "unack",
            Kind::Text,
            "HOST or HOST/CHECK whose acknowledgement is taken back.",
        ),
        Key::new(
            "downtime",
            Kind::Text,
            "HOST (with its checks) or HOST/CHECK that gets a downtime from now on.",
        ),
        Key::new(
            "by",
            Kind::Text,
            "Who deploys, acknowledges or sets the downtime.",
        ),
        Key::new(
            "comment",
            Kind::Text,
            "The comment of an acknowledgement or a downtime.",
        ),
        Key::new(
            "command",
            Kind::Text,
            "Any external command of Nagios, without its time: `DISABLE_SVC_NOTIFICATIONS;web1;http`.",
        ),
    ]],
);

static EXPECT: Spec = Spec::new(
    "[[test.expect]]",
    "One thing that is to come of it: `told`, `not_told`, `nobody` or `held`. The other keys narrow it.",
    &[&[
        Key::new(
            "told",
            Kind::Name(Refers::Contact),
            "A contact who is told, or a rotation: whoever is on call at that moment.",
        ),
        Key::new(
            "not_told",
            Kind::Name(Refers::Contact),
            "A contact who is not told; of a rotation: none of its people.",
        ),
        Key::new("nobody", Kind::Flag, "Nobody at all is told."),
        Key::new(
            "held",
            Kind::Text,
            "HOST or HOST/CHECK whose problem is held for a deploy.",
        ),
        Key::new(
            "from",
            Kind::Span(true),
            "Not earlier than this, counted from `start`.",
        )
        .or("0s"),
        Key::new(
            "until",
            Kind::Span(false),
            "Not later than this, counted from `start`; where silence is expected, before it. Without it to the end.",
        ),
        Key::new(
            "object",
            Kind::Text,
            "About this HOST or HOST/CHECK; `*` and `?` match any.",
        ),
        Key::new(
            "kind",
            Kind::OneOf(KINDS),
            "The kind of message; without it `problem` where somebody is told, else any.",
        ),
        Key::new(
            "channel",
            Kind::Text,
            "By this channel of the contact: `pagerduty`, or its label `pagerduty:2`.",
        ),
        Key::new(
            "deploy",
            Kind::AnyText,
            "The message names this deploy among its suspects; empty: it names none.",
        ),
        Key::new("state", Kind::OneOf(STATES), "The state that is told of."),
        Key::new(
            "urgency",
            Kind::OneOf(&["high", "low"]),
            "`low` is what rings nowhere.",
        ),
        Key::new(
            "because",
            Kind::Text,
            "Words that stand in the reason, of the message or of the silence; `*` and `?` match any.",
        ),
        Key::new(
            "times",
            Kind::Whole(1, 100_000),
            "So many messages, no more and no less.",
        ),
    ]],
);
