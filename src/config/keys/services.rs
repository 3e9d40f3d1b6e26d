//! The keys of the services on the net that carry notifications, and of syslog: channels of a contact.

use super::{Key, Kind, Spec};
use crate::domain::model::service::Facility;

/// The keys of a secret: three ways to give it, and the one that is refused.
macro_rules! secret {
    ($name:literal, $what:literal) => {
        &[
            Key::new(
                concat!($name, "_file"),
                Kind::Text,
                concat!("A file with ", $what, "."),
            ),
            Key::new(
                concat!($name, "_env"),
                Kind::Text,
                concat!("A variable with ", $what, "."),
            ),
            Key::new(
                concat!($name, "_credential"),
                Kind::Text,
                concat!("A systemd credential with ", $what, "."),
            ),
            Key::new($name, Kind::Inline, ""),
        ]
    };
}

static TIMEOUT: &[Key] = &[Key::new(
    "timeout",
    Kind::Span(false),
    "How long one attempt may take, up to 1m; without it 20s.",
)];

/// The channels themselves, as keys of a contact.
pub static SERVICES: &[Key] = &[
    Key::new(
        "teams",
        Kind::Channels(&TEAMS, None),
        "A Microsoft Teams channel or chat, through a workflow that waits for a webhook.",
    ),
    Key::new(
        "mattermost",
        Kind::Channels(&MATTERMOST, None),
        "A Mattermost channel, through an incoming webhook.",
    ),
    Key::new(
        "rocketchat",
        Kind::Channels(&ROCKETCHAT, None),
        "A Rocket.Chat channel, through an incoming webhook.",
    ),
    Key::new(
        "discord",
        Kind::Channels(&DISCORD, None),
        "A Discord channel, through a webhook.",
    ),
    Key::new(
        "google_chat",
        Kind::Channels(&GOOGLE_CHAT, None),
        "A Google Chat space, through a webhook.",
    ),
    Key::new(
        "telegram",
        Kind::Channels(&TELEGRAM, None),
        "A person, group or channel in Telegram, through a bot.",
    ),
    Key::new(
        "ntfy",
        Kind::Channels(&NTFY, None),
        "A topic of ntfy, for phones.",
    ),
    Key::new(
        "pushover",
        Kind::Channels(&PUSHOVER, None),
        "A user or group of Pushover, for phones.",
    ),
    Key::new(
        "matrix",
        Kind::Channels(&MATRIX, None),
        "A Matrix room; the token's user has joined it, and it is not encrypted.",
    ),
    Key::new(
        "opsgenie",
        Kind::Channels(&OPSGENIE, None),
        "Opsgenie, or Jira Service Management with its own `url`: alerts that close on recovery. Nothing of low urgency goes there.",
    ),
    Key::new(
        "victorops",
        Kind::Channels(&VICTOROPS, None),
        "VictorOps (Splunk On-Call): incidents that close on recovery. Nothing of low urgency goes there, but for notes about deploys in its timeline.",
    ),
    Key::new(
        "alertmanager",
        Kind::Channels(&ALERTMANAGER, Some("url")),
        "Prometheus' Alertmanager: our problems as its alerts, with the deploy as an annotation. Nothing of low urgency goes there.",
    ),
    Key::new(
        "twilio",
        Kind::Channels(&TWILIO, None),
        "A phone, through Twilio: a text or a call. Nothing of low urgency goes there.",
    ),
    Key::new(
        "syslog",
        Kind::Channels(&SYSLOG, Some("address")),
        "A syslog server, in the words of RFC 5424.",
    ),
];

static WEBHOOK_URL: &[Key] = secret!("webhook_url", "the webhook's URL, which is a secret");

static TEAMS: Spec = Spec::new(
    "teams",
    "A Microsoft Teams channel or chat.",
    &[WEBHOOK_URL, TIMEOUT],
);
static MATTERMOST: Spec = Spec::new(
    "mattermost",
    "A Mattermost channel.",
    &[WEBHOOK_URL, TIMEOUT],
);
static ROCKETCHAT: Spec = Spec::new(
    "rocketchat",
    "A Rocket.Chat channel.",
    &[WEBHOOK_URL, TIMEOUT],
);
static DISCORD: Spec = Spec::new("discord", "A Discord channel.", &[WEBHOOK_URL, TIMEOUT]);
static GOOGLE_CHAT: Spec = Spec::new(
    "google_chat",
    "A Google Chat space.",
    &[WEBHOOK_URL, TIMEOUT],
);

static TELEGRAM: Spec = Spec::new(
    "telegram",
    "A chat in Telegram.",
    &[
        secret!("token", "the bot's token, from @BotFather"),
        &[
            Key::new("chat", Kind::Text, "Where to: the chat's number as text (a group's begins with -), or the @name of a public channel.").must(),
            Key::new("topic", Kind::Whole(1, i64::MAX), "A topic within the group, by its number; without it the general one."),
            Key::new("url", Kind::Url, "A Bot API server of your own.").or("\"https://api.telegram.org\""),
        ],
        TIMEOUT,
    ],
);

static NTFY: Spec = Spec::new(
    "ntfy",
    "A topic of ntfy. CRITICAL and DOWN have priority 5, other problems 4, recoveries 2, what is of low urgency 1.",
    &[
        secret!(
            "topic",
            "the topic: whoever knows it can read it, unless the server asks for a token"
        ),
        secret!("token", "an access token, where the server asks for one"),
        &[Key::new("url", Kind::Url, "The server.").or("\"https://ntfy.sh\"")],
        TIMEOUT,
    ],
);

static PUSHOVER: Spec = Spec::new(
    "pushover",
    "A user or group of Pushover. CRITICAL and DOWN have priority 1, other problems 0, recoveries -1, what is of low urgency -2.",
    &[
        secret!("token", "the application's token"),
        secret!("user_key", "the key of the user or group"),
        &[
            Key::new("emergency", Kind::Flag, "Gives CRITICAL and DOWN priority 2: it rings each minute, for an hour, until somebody confirms it.").or("false"),
            Key::new("url", Kind::Url, "Where the API is.").or("\"https://api.pushover.net\""),
        ],
        TIMEOUT,
    ],
);

static MATRIX: Spec = Spec::new(
    "matrix",
    "A Matrix room.",
    &[
        secret!("token", "the user's access token"),
        &[
            Key::new("url", Kind::Url, "The homeserver.").must(),
            Key::new(
                "room",
                Kind::Text,
                "The room's ID, as `!abc:example.org`; not its alias.",
            )
            .must(),
        ],
        TIMEOUT,
    ],
);

static OPSGENIE: Spec = Spec::new(
    "opsgenie",
    "Opsgenie or Jira Service Management. CRITICAL and DOWN have priority P1, UNKNOWN and UNREACHABLE P2, WARNING P3.",
    &[
        secret!("api_key", "the key of an API integration"),
        &[Key::new("url", Kind::Url, "Where the account is: https://api.eu.opsgenie.com in Europe, https://api.atlassian.com/jsm/ops/integration for Jira Service Management.").or("\"https://api.opsgenie.com\"")],
        TIMEOUT,
    ],
);

static VICTOROPS: Spec = Spec::new(
    "victorops",
    "VictorOps (Splunk On-Call), through its REST endpoint.",
    &[
        secret!("api_key", "the key of the REST endpoint integration"),
        &[
            Key::new(
                "route",
                Kind::Text,
                "The routing key, which picks the team.",
            )
            .must(),
            Key::new("url", Kind::Url, "Where the endpoint is.")
                .or("\"https://alert.victorops.com\""),
        ],
        TIMEOUT,
    ],
);

static LABEL: Kind = Kind::Text;

static ALERTMANAGER: Spec = Spec::new(
    "alertmanager",
    "Prometheus' Alertmanager. Labels are alertname, host, check and monitor; the state and the deploy, which may change while the problem lasts, are annotations. Acknowledgements are not told: it has no word for them.",
    &[
        &[Key::new("url", Kind::Url, "The server; each member of a cluster needs a channel of its own.").must()],
        secret!("token", "a bearer's token, or the password of `username`"),
        &[
            Key::new("username", Kind::Text, "The user whose password the token is."),
            Key::new("labels", Kind::Map(&LABEL), "Labels that each alert has beside ours, for its routes: severity = \"page\"."),
            Key::new("keep", Kind::Span(false), "An alert ends by itself so long after its last notification, should its recovery be lost; longer than reminders are apart.").or("7d"),
        ],
        TIMEOUT,
    ],
);

static TWILIO: Spec = Spec::new(
    "twilio",
    "A phone, through Twilio.",
    &[
        secret!("token", "the account's auth token"),
        &[
            Key::new("account", Kind::Text, "The account's SID, which begins with AC.").must(),
            Key::new("from", Kind::Text, "Who sends: a number of the account, or the SID of a messaging service, which begins with MG.").must(),
            Key::new("to", Kind::Text, "Whose phone: a number as +4205550100.").must(),
            Key::new("voice", Kind::Flag, "Calls and reads it out, for problems only; false sends a text.").or("false"),
            Key::new("url", Kind::Url, "Where the API is.").or("\"https://api.twilio.com\""),
        ],
        TIMEOUT,
    ],
);

static SYSLOG: Spec = Spec::new(
    "syslog",
    "A syslog server.",
    &[
        &[
            Key::new(
                "address",
                Kind::Text,
                "udp://HOST:PORT, tcp://HOST:PORT (framed by octet counts) or unix:/PATH.",
            )
            .must(),
            Key::new(
                "facility",
                Kind::OneOf(Facility::WORDS),
                "The facility of its lines.",
            )
            .or("\"daemon\""),
        ],
        TIMEOUT,
    ],
);
