//! The services on the net, and the syslog, that carry notifications to people: what each must know to be reached.

use std::collections::BTreeMap;

use crate::base::secret::Secret;

/// A chat that gives out an address to post to; the address is the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chat {
    Teams,
    Mattermost,
    RocketChat,
    Discord,
    GoogleChat,
}

/// A service and the way in. Addresses are without a slash at their end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Service {
    Chat {
        app: Chat,
        webhook_url: Secret,
    },
    Telegram {
        url: String,
        token: Secret,
        /// A number, or `@name` of a public channel.
        chat: String,
        /// A topic within the group.
        topic: Option<i64>,
    },
    Ntfy {
        url: String,
        /// Whoever knows it can read and write it, unless the server asks for a token.
        topic: Secret,
        token: Option<Secret>,
    },
    /// Opsgenie, and Jira Service Management with its own address.
    Opsgenie {
        url: String,
        api_key: Secret,
    },
    Alertmanager {
        url: String,
        /// Sent as a bearer's; with `username` as that user's password.
        token: Option<Secret>,
        username: Option<String>,
        /// Added to each alert.
        labels: BTreeMap<String, String>,
        /// An alert that hears nothing more ends by itself after this.
        keep: std::time::Duration,
    },
    Pushover {
        url: String,
        token: Secret,
        /// Of a user or a group.
        user_key: Secret,
        /// What is worst rings until somebody confirms it.
        emergency: bool,
    },
    VictorOps {
        url: String,
        api_key: Secret,
        /// The routing key of a team; no secret.
        route: String,
    },
    Matrix {
        /// The homeserver.
        url: String,
        token: Secret,
        room: String,
    },
    Twilio {
        url: String,
        account: String,
        token: Secret,
        /// A number, or a messaging service (`MG...`).
        from: String,
        to: String,
        /// A call that reads the message out, instead of a text.
        voice: bool,
    },
    Syslog {
        to: SyslogTo,
        facility: Facility,
    },
}

/// Where a syslog server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyslogTo {
    /// `HOST:PORT`.
    Udp(String),
    /// `HOST:PORT`; messages are framed by their length (RFC 6587).
    Tcp(String),
    /// A datagram socket on this machine.
    Unix(std::path::PathBuf),
}

/// Number of a syslog facility.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facility(pub u8);

impl Facility {
    /// In the order of their numbers; 12 to 15 are nobody's to choose.
    pub const WORDS: &'static [&'static str] = &[
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron",
        "authpriv", "ftp", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
        "local7",
    ];

    /// The facility of a word.
    pub fn parse(word: &str) -> Option<Self> {
        let at = Self::WORDS.iter().position(|known| *known == word)?;
        let number = u8::try_from(at).ok()?;
        Some(Self(if number < 12 { number } else { number + 4 }))
    }
}

impl Service {
    /// The key under which the configuration has it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Chat { app, .. } => app.name(),
            Self::Telegram { .. } => "telegram",
            Self::Ntfy { .. } => "ntfy",
            Self::Opsgenie { .. } => "opsgenie",
            Self::Alertmanager { .. } => "alertmanager",
            Self::Pushover { .. } => "pushover",
            Self::VictorOps { .. } => "victorops",
            Self::Matrix { .. } => "matrix",
            Self::Twilio { .. } => "twilio",
            Self::Syslog { .. } => "syslog",
        }
    }

    /// It rings or pages, whatever it is given: what is not urgent is kept from it. The others have a quiet way.
    pub const fn is_pager(&self) -> bool {
        matches!(
            self,
            Self::Opsgenie { .. }
                | Self::Alertmanager { .. }
                | Self::VictorOps { .. }
                | Self::Twilio { .. }
        )
    }
}

impl Chat {
    pub const ALL: [Self; 5] = [
        Self::Teams,
        Self::Mattermost,
        Self::RocketChat,
        Self::Discord,
        Self::GoogleChat,
    ];

    /// The key under which the configuration has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Teams => "teams",
            Self::Mattermost => "mattermost",
            Self::RocketChat => "rocketchat",
            Self::Discord => "discord",
            Self::GoogleChat => "google_chat",
        }
    }

    /// As its makers write it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Teams => "Microsoft Teams",
            Self::Mattermost => "Mattermost",
            Self::RocketChat => "Rocket.Chat",
            Self::Discord => "Discord",
            Self::GoogleChat => "Google Chat",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facilities_have_the_numbers_of_rfc_5424() {
        for (word, number) in [
            ("kern", 0),
            ("daemon", 3),
            ("authpriv", 10),
            ("local0", 16),
            ("local7", 23),
        ] {
            assert_eq!(Facility::parse(word), Some(Facility(number)), "{word}");
        }
        assert_eq!(Facility::parse("local8"), None);
    }
}
