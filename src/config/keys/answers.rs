//! Keys of [answers]: how people answer a page from where it reached them.

use super::{Key, Kind, Spec};

pub static ANSWERS: Spec = Spec::new(
    "[answers]",
    "Pages are answered where they are read: links in mails and replies to them, and buttons in PagerDuty, Slack and Telegram.",
    &[&[
        Key::new(
            "url",
            Kind::Url,
            "Where people and services reach this daemon from outside; without it `public_url` of [daemon].",
        ),
        Key::new(
            "links_last",
            Kind::Span(false),
            "How long a link in a mail works, and how long a reply to it is taken.",
        )
        .or("1d"),
        Key::new(
            "reply_to",
            Kind::Text,
            "The address that replies to mails go to, as `watch@example.org`: its mail server hands them to `deploywatch \
             answer-mail`. With it, and a secret of our own, mails say what they can be replied with.",
        ),
        Key::new(
            "reply_delimiter",
            Kind::OneOf(&["+", "-"]),
            "What that mail server takes between a name and a detail (`recipient_delimiter` of Postfix): replies then go to \
             `watch+TOKEN@example.org`, and are known also where a relay gives mails other Message-IDs.",
        ),
        Key::new(
            "secret_file",
            Kind::Text,
            "A file with a secret of our own, which signs links in mails, replies to them and buttons in Telegram. With it mails have links.",
        ),
        Key::new("secret_env", Kind::Text, "A variable with that secret."),
        Key::new(
            "secret_credential",
            Kind::Text,
            "A systemd credential with that secret.",
        ),
        Key::new("secret", Kind::Inline, ""),
        Key::new(
            "pagerduty_secret_file",
            Kind::Text,
            "A file with the secret that PagerDuty showed when the webhook (version 3) was made.",
        ),
        Key::new(
            "pagerduty_secret_env",
            Kind::Text,
            "A variable with that secret.",
        ),
        Key::new(
            "pagerduty_secret_credential",
            Kind::Text,
            "A systemd credential with that secret.",
        ),
        Key::new("pagerduty_secret", Kind::Inline, ""),
        Key::new(
            "slack_secret_file",
            Kind::Text,
            "A file with the signing secret of the Slack app. With it messages in Slack have buttons.",
        ),
        Key::new(
            "slack_secret_env",
            Kind::Text,
            "A variable with that secret.",
        ),
        Key::new(
            "slack_secret_credential",
            Kind::Text,
            "A systemd credential with that secret.",
        ),
        Key::new("slack_secret", Kind::Inline, ""),
        Key::new(
            "telegram_secret_file",
            Kind::Text,
            "A file with the `secret_token` that setWebhook was given. With it messages in Telegram have buttons.",
        ),
        Key::new(
            "telegram_secret_env",
            Kind::Text,
            "A variable with that secret.",
        ),
        Key::new(
            "telegram_secret_credential",
            Kind::Text,
            "A systemd credential with that secret.",
        ),
        Key::new("telegram_secret", Kind::Inline, ""),
    ]],
);
