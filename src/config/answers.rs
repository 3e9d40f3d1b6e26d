//! Builds [answers]: the ways on which people answer pages, each with its secret.

use std::time::Duration;

use lettre::Address;

use super::{
    fault::{Fault, Sink},
    names::Raw,
    secrets::Vault,
    value::Tab,
};
use crate::{
    base::secret::Secret,
    domain::answers::{Ways, mail},
};

/// A shorter secret can be guessed, and signs for everybody.
const SECRET_MIN: usize = 16;

/// How people answer.
#[derive(Clone, Debug)]
pub struct Answers {
    /// Where we are reached from outside; without a slash at its end.
    pub url: Option<String>,
    pub links_last: Duration,
    pub ways: Ways,
    /// Where replies to mails go; None: mails cannot be replied to.
    pub reply: Option<ReplyTo>,
}

/// An address that hands what it gets to `deploywatch answer-mail`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyTo {
    pub address: String,
    /// What stands between the local part and a token; None: the address takes none.
    pub delimiter: Option<char>,
}

pub(super) fn build(
    raw: &Raw<'_>,
    vault: &Vault<'_>,
    public_url: Option<&str>,
    sink: &mut Sink,
) -> Option<Answers> {
    let layers = raw.root.sub("answers");
    let tab = *layers.tabs.first()?;
    let named = |name: &str| {
        ["", "_file", "_env", "_credential"]
            .iter()
            .any(|way| tab.get(&format!("{name}{way}")).is_some())
    };
    let own = vault.find(tab, "secret", false, sink);
    if let Some(secret) = &own {
        let length = secret.expose().len();
        // Read only where secrets are.
        if (1..SECRET_MIN).contains(&length) {
            sink.push(
                Fault::new(
                    tab.place(),
                    format!(
                        "the secret of [answers] has {length} characters, which can be guessed"
                    ),
                )
                .help("make a new one: openssl rand -hex 32"),
            );
        }
    }
    let telegram = vault.find(tab, "telegram_secret", false, sink);
    if telegram.is_some() && !named("secret") {
        sink.push(
            Fault::new(
                tab.place(),
                "Telegram's buttons are signed, and [answers] has no secret of our own",
            )
            .help("give `secret_file` as well; make the file with: openssl rand -hex 32"),
        );
    }
    if telegram.as_ref().is_some_and(|it| !is_token(it)) {
        sink.push(
            Fault::new(
                tab.place(),
                "Telegram takes a `secret_token` of 1 to 256 letters, digits, `_` and `-` only",
            )
            .help("make a new one (openssl rand -hex 32) and call setWebhook with it"),
        );
    }
    let pagerduty = vault.find(tab, "pagerduty_secret", false, sink);
    let slack = vault.find(tab, "slack_secret", false, sink);
    let ways = [
        "secret",
        "pagerduty_secret",
        "slack_secret",
        "telegram_secret",
    ];
    if !ways.iter().any(|way| named(way)) {
        sink.push(
            Fault::new(tab.place(), "[answers] opens no way to answer").help(
                "give `secret_file` for links in mails and replies to them, or `pagerduty_secret_file`, `slack_secret_file` or \
                 `telegram_secret_file`",
            ),
        );
    }
    let reply = reply(tab, named("secret"), sink);
    let url = layers.text("url").or(public_url);
    if own.is_some() && url.is_none() && tab.get("reply_to").is_none() {
        sink.push(
            Fault::new(
                tab.place(),
                "links in mails need an address, and [answers] has none",
            )
            .help(
                "give `url`, as people reach this daemon: url = \"https://watch.example.org\"; or `reply_to`, to have mails \
                 answered by replies alone",
            ),
        );
    }
    Some(Answers {
        url: url.map(|url| url.trim_end_matches('/').to_owned()),
        links_last: layers.span("links_last", Duration::from_secs(86_400)),
        ways: Ways {
            own,
            mail: None,
            pagerduty,
            slack,
            telegram,
        },
        reply,
    })
}

fn reply(tab: Tab<'_>, has_secret: bool, sink: &mut Sink) -> Option<ReplyTo> {
    let text = tab.text("reply_to");
    let delimiter = tab.text("reply_delimiter").and_then(|it| it.chars().next());
    let fault = |key: &str, what: String| Fault::new(tab.key_place(key), what);
    let Some(text) = text else {
        if delimiter.is_some() {
            let what = "`reply_delimiter` is of use only with `reply_to`".to_owned();
            let help = "give the address that replies go to: reply_to = \"watch@example.org\"";
            sink.push(fault("reply_delimiter", what).help(help));
        }
        return None;
    };
    if !has_secret {
        let what = "replies to mails are signed, and [answers] has no secret of our own".to_owned();
        let help = "give `secret_file` as well; make the file with: openssl rand -hex 32";
        sink.push(fault("reply_to", what).help(help));
    }
    let address: Address = match text.parse() {
        Ok(address) => address,
        Err(error) => {
            let what = format!("`reply_to` is not an e-mail address: {error}");
            let help = "write the bare address: reply_to = \"watch@example.org\"";
            sink.push(fault("reply_to", what).help(help));
            return None;
        }
    };
    let room = mail::LOCAL_MAX - mail::LENGTH - 1;
    if delimiter.is_some() && room < address.user().len() {
        let what = format!(
            "`{}` leaves no room for a token of {} letters: what stands before the @ has {} letters at most",
            address.user(),
            mail::LENGTH,
            mail::LOCAL_MAX
        );
        let help = format!(
            "take a name of at most {room} letters, or leave `reply_delimiter` out: replies are known by In-Reply-To as well"
        );
        sink.push(fault("reply_to", what).help(help));
    }
    Some(ReplyTo {
        address: text.to_owned(),
        delimiter,
    })
}

fn is_token(secret: &Secret) -> bool {
    let text = secret.expose();
    text.len() <= 256
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}
