//! A contact's channels through services on the net, and through syslog.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use super::{
    fault::{Fault, Sink},
    secrets::Vault,
    value::{Tab, Val},
};
use crate::domain::model::{
    objects::ChannelKind,
    service::{Chat, Facility, Service, SyslogTo},
};

const TELEGRAM_URL: &str = "https://api.telegram.org";
const NTFY_URL: &str = "https://ntfy.sh";
const PUSHOVER_URL: &str = "https://api.pushover.net";
const OPSGENIE_URL: &str = "https://api.opsgenie.com";
const VICTOROPS_URL: &str = "https://alert.victorops.com";
const TWILIO_URL: &str = "https://api.twilio.com";
/// A delivery is ours for two minutes at a time, so an attempt must end before.
const MAX_TIMEOUT: Duration = Duration::from_secs(60);
/// How long Alertmanager keeps an alert of which it hears nothing more.
const KEEP: Duration = Duration::from_secs(7 * 24 * 3600);

/// One kind of service, as read from its table; None where the table has a fault.
type Reader = fn(Tab<'_>, &Vault<'_>, &mut Sink) -> Option<Service>;

/// All but the chats, in the order in which a contact's channels are told.
const READERS: &[(&str, Reader)] = &[
    ("telegram", telegram),
    ("ntfy", ntfy),
    ("pushover", pushover),
    ("matrix", matrix),
    ("opsgenie", opsgenie),
    ("victorops", victorops),
    ("alertmanager", alertmanager),
    ("twilio", twilio),
    ("syslog", syslog),
];

/// The services of a contact.
pub(super) fn services(contact: Tab<'_>, vault: &Vault<'_>, sink: &mut Sink) -> Vec<ChannelKind> {
    let mut found = Vec::new();
    let items = |key: &str| contact.get(key).into_iter().flat_map(Val::items);
    for app in Chat::ALL {
        for tab in items(app.name()).filter_map(Val::table) {
            if let Some(webhook_url) = vault.find(tab, "webhook_url", true, sink) {
                let service = Service::Chat { app, webhook_url };
                found.push(channel(service, tab, sink));
            }
        }
    }
    for (name, reader) in READERS {
        for item in items(name) {
            match (item.table(), *name) {
                (Some(tab), _) => {
                    let service = reader(tab, vault, sink);
                    found.extend(service.map(|service| channel(service, tab, sink)));
                }
                // Plain text stands for the address alone.
                (None, "alertmanager") => {
                    found.extend(item.text().map(|url| kind(plain_alertmanager(url))));
                }
                (None, "syslog") => {
                    let to = item.text().and_then(|text| syslog_to(text, item, sink));
                    found.extend(to.map(|to| kind(plain_syslog(to))));
                }
                (None, _) => {}
            }
        }
    }
    found
}

fn channel(service: Service, tab: Tab<'_>, sink: &mut Sink) -> ChannelKind {
    let timeout = tab.get("timeout").and_then(Val::span);
    if timeout.is_some_and(|timeout| MAX_TIMEOUT < timeout) {
        sink.push(
            Fault::new(
                tab.value_place("timeout"),
                "`timeout` of a channel may be 1m at most",
            )
            .help("an attempt that fails is made again soon, for hours"),
        );
    }
    ChannelKind::Service { service, timeout }
}

fn kind(service: Service) -> ChannelKind {
    ChannelKind::Service {
        service,
        timeout: None,
    }
}

/// The address without the slash at its end.
fn url(tab: Tab<'_>, default: &str) -> String {
    let url = tab.text("url").unwrap_or(default);
    url.trim_end_matches('/').to_owned()
}

fn text(tab: Tab<'_>, key: &str) -> Option<String> {
    let text = tab.text(key).filter(|text| !text.is_empty());
    text.map(str::to_owned)
}

fn telegram(tab: Tab<'_>, vault: &Vault<'_>, sink: &mut Sink) -> Option<Service> {
    let token = vault.find(tab, "token", true, sink);
    let chat = text(tab, "chat")?;
    let number = chat.strip_prefix('-').unwrap_or(&chat);
    if !chat.starts_with('@') && !number.bytes().all(|byte| byte.is_ascii_digit()) {
        sink.push(
            Fault::new(
                tab.value_place("chat"),
                format!("`{chat}` is no chat of Telegram"),
            )
            .help("write its number, as \"-1001234567890\", or the @name of a public channel"),
        );
        return None;
    }
    Some(Service::Telegram {
        url: url(tab, TELEGRAM_URL),
        token: token?,
        chat,
        topic: tab.get("topic").and_then(Val::whole),
    })
}

fn ntfy(tab: Tab<'_>, vault: &Vault<'_>, sink: &mut Sink) -> Option<Service> {
    let token = vault.find(tab, "token", false, sink);
    Some(Service::Ntfy {
        url: url(tab, NTFY_URL),
        topic: vault.find(tab, "topic", true, sink)?,
        token,
    })
}

fn pushover(tab: Tab<'_>, vault: &Vault<'_>, sink: &mut Sink) -> Option<Service> {
    let token = vault.find(tab, "token", true, sink);
    let user_key = vault.find(tab, "user_key", true, sink);
    Some(Service::Pushover {
        url: url(tab, PUSHOVER_URL),
        token: token?,
        user_key: user_key?,
        emergency: tab.get("emergency").and_then(Val::flag).unwrap_or(false),
    })
}

fn matrix(tab: Tab<'_>, vault: &Vault<'_>, sink: &mut Sink) -> Option<Service> {
    let token = vault.find(tab, "token", true, sink);
    let room = text(tab, "room")?;
    if room.starts_with('#') {
        sink.push(
            Fault::new(
                tab.value_place("room"),
                format!("`{room}` is an alias, which may come to mean another room"),
            )
            .help("write the room's ID, which begins with `!`: the room's settings show it"),
        );
        return None;
    }
    tab.text("url")?;
    Some(Service::Matrix {
        url: url(tab, ""),
        token: token?,
        room,
    })
}

fn opsgenie(tab: Tab<'_>, vault: &Vault<'_>, sink: &mut Sink) -> Option<Service> {
    let url = url(tab, OPSGENIE_URL);
    Some(Service::Opsgenie {
        // The manual's address of the API, with or without what each call adds.
        url: url.trim_end_matches("/v2/alerts").to_owned(),
        api_key: vault.find(tab, "api_key", true, sink)?,
    })
}

fn victorops(tab: Tab<'_>, vault: &Vault<'_>, sink: &mut Sink) -> Option<Service> {
    let api_key = vault.find(tab, "api_key", true, sink);
    Some(Service::VictorOps {
        url: url(tab, VICTOROPS_URL),
        api_key: api_key?,
        route: text(tab, "route")?,
    })
}

fn alertmanager(tab: Tab<'_>, vault: &Vault<'_>, sink: &mut Sink) -> Option<Service> {
    let token = vault.find(tab, "token", false, sink);
    let username = text(tab, "username");
    if username.is_some() && token.is_none() {
        sink.push(
            Fault::new(tab.value_place("username"), "`username` has no password")
                .help("give it as `token_file` (a path), `token_env` (a variable) or `token_credential` (of systemd)"),
        );
        return None;
    }
    let mut labels = BTreeMap::new();
    for (entry, value) in tab
        .get("labels")
        .and_then(Val::table)
        .into_iter()
        .flat_map(Tab::entries)
    {
        let name = &*entry.key;
        let own = ["alertname", "host", "check", "monitor"].contains(&name);
        let good = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if own || !good {
            let (what, help) = if own {
                ("is a label that we set", "choose another name")
            } else {
                (
                    "cannot be a label",
                    "use letters, digits and `_`, and no digit first",
                )
            };
            let place = value.place();
            sink.push(Fault::new(place, format!("`{name}` {what}")).help(help));
        } else if let Some(text) = value.text() {
            labels.insert(name.to_owned(), text.to_owned());
        }
    }
    Some(Service::Alertmanager {
        url: alertmanager_url(tab.text("url")?),
        token,
        username,
        labels,
        keep: tab.get("keep").and_then(Val::span).unwrap_or(KEEP),
    })
}

fn plain_alertmanager(url: &str) -> Service {
    Service::Alertmanager {
        url: alertmanager_url(url),
        token: None,
        username: None,
        labels: BTreeMap::new(),
        keep: KEEP,
    }
}

/// With or without the API's path.
fn alertmanager_url(url: &str) -> String {
    let url = url.trim_end_matches('/');
    let url = url
        .trim_end_matches("/api/v2/alerts")
        .trim_end_matches("/api/v2");
    url.to_owned()
}

fn twilio(tab: Tab<'_>, vault: &Vault<'_>, sink: &mut Sink) -> Option<Service> {
    let token = vault.find(tab, "token", true, sink);
    let voice = tab.get("voice").and_then(Val::flag).unwrap_or(false);
    let from = text(tab, "from")?;
    if voice && from.starts_with("MG") {
        sink.push(
            Fault::new(
                tab.value_place("from"),
                "a messaging service sends texts; it cannot call",
            )
            .help("write a number of the account, or voice = false"),
        );
        return None;
    }
    Some(Service::Twilio {
        url: url(tab, TWILIO_URL),
        account: text(tab, "account")?,
        token: token?,
        from,
        to: text(tab, "to")?,
        voice,
    })
}

fn syslog(tab: Tab<'_>, _: &Vault<'_>, sink: &mut Sink) -> Option<Service> {
    let address = tab.get("address")?;
    let to = syslog_to(address.text()?, address, sink)?;
    let word = tab.text("facility");
    Some(Service::Syslog {
        to,
        // A wrong word was complained about already.
        facility: word.map_or(Some(DAEMON), Facility::parse)?,
    })
}

const DAEMON: Facility = Facility(3);

fn plain_syslog(to: SyslogTo) -> Service {
    Service::Syslog {
        to,
        facility: DAEMON,
    }
}

fn syslog_to(text: &str, value: Val<'_>, sink: &mut Sink) -> Option<SyslogTo> {
    let place = |rest: &str| {
        let (host, port) = rest.rsplit_once(':')?;
        let port = port.parse::<u16>().ok().filter(|port| *port != 0);
        (!host.is_empty() && port.is_some()).then(|| rest.to_owned())
    };
    let to = if let Some(rest) = text.strip_prefix("udp://") {
        place(rest).map(SyslogTo::Udp)
    } else if let Some(rest) = text.strip_prefix("tcp://") {
        place(rest).map(SyslogTo::Tcp)
    } else {
        let path = text.strip_prefix("unix:").map(PathBuf::from);
        path.filter(|path| path.is_absolute()).map(SyslogTo::Unix)
    };
    if to.is_none() {
        sink.push(
            Fault::new(
                value.place(),
                format!("`{text}` is no address of a syslog server"),
            )
            .help("write \"udp://HOST:514\", \"tcp://HOST:601\" or \"unix:/dev/log\""),
        );
    }
    to
}
