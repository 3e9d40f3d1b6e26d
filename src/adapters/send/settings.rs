//! What the senders must know of the installation and of a contact.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use crate::base::secret::Secret;

/// Longest time one attempt may take, connecting included, unless the settings say otherwise.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);

/// Settings of all channels.
#[derive(Clone, Debug)]
pub struct SendSettings {
    /// None: e-mail channels cannot send, and say so.
    pub smtp: Option<SmtpSettings>,
    /// Where people find this daemon's page; ends in messages as a link.
    pub public_url: Option<String>,
    pub answers: AnswerSettings,
    /// Templates by name that replace the built-in ones ([`super::templates::NAMES`]).
    pub templates: BTreeMap<String, String>,
    /// Longest time of one attempt over HTTP.
    pub timeout: Duration,
    /// Characters deleted from hostile macros on a notification command's line (`illegal_macro_output_chars`).
    pub illegal_output_chars: String,
    /// Environment variables that notification commands do not inherit.
    pub secret_variables: Vec<String>,
}

impl Default for SendSettings {
    fn default() -> Self {
        Self {
            smtp: None,
            public_url: None,
            answers: AnswerSettings::default(),
            templates: BTreeMap::new(),
            timeout: ATTEMPT_TIMEOUT,
            illegal_output_chars: "`~$&|'\"<>".to_owned(),
            secret_variables: Vec::new(),
        }
    }
}

/// What messages offer to be answered with.
#[derive(Clone, Debug, Default)]
pub struct AnswerSettings {
    /// Where links lead; None: mails have none.
    pub url: Option<String>,
    pub links_last: Duration,
    /// Where replies to mails go; None: mails say nothing about replies.
    pub reply: Option<ReplyTo>,
    /// Signs links, replies and buttons.
    pub secret: Option<Secret>,
    /// Messages have buttons there.
    pub slack: bool,
    pub telegram: bool,
}

/// An address whose mails come back to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyTo {
    pub address: String,
    /// What stands between its name and a token; None: it takes none.
    pub delimiter: Option<char>,
}

/// How the connection to the mail server is protected. There is no silent fallback to plain text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SmtpTls {
    #[default]
    None,
    /// Plain at first, then `STARTTLS`; a server that does not offer it gets no mail.
    StartTls,
    /// TLS from the first byte (usually port 465).
    Tls,
}

/// The mail server that takes our mail.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    pub host: String,
    pub port: u16,
    pub tls: SmtpTls,
    /// Sender, `deploywatch@example.org` or `Watch <deploywatch@example.org>`.
    pub from: String,
    /// Name given in EHLO; None: this machine's.
    pub helo: Option<String>,
    pub username: Option<String>,
    pub password: Option<Secret>,
    /// PEM file of the only authorities to trust; None: the system's.
    pub ca_file: Option<PathBuf>,
    /// Longest time of one attempt, from connecting to the server's last word.
    pub timeout: Duration,
}

/// A contact, as far as a channel must know it.
#[derive(Clone, Debug, Default)]
pub struct ContactInfo {
    pub name: String,
    pub alias: String,
    /// `$CONTACTEMAIL$`; empty when there is none.
    pub email: String,
    /// `$CONTACTPAGER$`.
    pub pager: String,
    /// `$CONTACTADDRESS1$`...
    pub addresses: Vec<String>,
    /// Custom variables, `$_CONTACT<NAME>$`.
    pub vars: BTreeMap<String, String>,
}
