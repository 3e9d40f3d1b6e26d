//! Turns checked settings into what the adapters want to know.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use crate::{
    adapters::{
        exec::RunnerOptions,
        history,
        send::{
            AnswerSettings, ContactInfo, DelivererSettings, Directory, ReplyTo, SendSettings,
            SmtpSettings, SmtpTls,
        },
        serve::{Access, Scope, TokenEntry},
        store::Keep,
    },
    config::{self, Settings},
    domain::{
        answers::{
            Ways,
            mail::{self, Writer, Writers},
        },
        model::objects::{ChannelKind, Contact, Inventory},
    },
};

/// Who may use the API.
pub fn access(settings: &Settings) -> Access {
    let tokens = settings
        .tokens
        .iter()
        .map(|token| {
            let scopes = token
                .scopes
                .iter()
                .filter_map(|scope| Scope::parse(scope.name()))
                .collect();
            TokenEntry::new(
                token.name.clone(),
                &token.secret,
                scopes,
                token.apps.clone(),
            )
        })
        .collect();
    Access { tokens }
}

/// Ways on which people answer pages.
pub fn ways(settings: &Settings, inventory: &Inventory) -> Ways {
    let Some(answers) = &settings.answers else {
        return Ways::default();
    };
    let writer = |contact: &Contact| {
        let channel = contact.channels.iter().find_map(|way| match &way.kind {
            ChannelKind::Email { to } => Some(to.clone()),
            _ => None,
        });
        let own = Some(contact.email.clone()).filter(|email| !email.is_empty());
        let writer = Writer {
            name: contact.name.to_string(),
            address: channel.or(own),
        };
        (mail::reference(&contact.name), writer)
    };
    Ways {
        mail: answers
            .reply
            .as_ref()
            .map(|_| Writers(inventory.contacts.iter().map(writer).collect())),
        ..answers.ways.clone()
    }
}

/// What messages offer to be answered with.
fn answers(settings: &Settings) -> Option<AnswerSettings> {
    let answers = settings.answers.as_ref()?;
    Some(AnswerSettings {
        url: answers.url.clone().filter(|_| answers.ways.own.is_some()),
        links_last: answers.links_last,
        reply: answers.reply.as_ref().map(|reply| ReplyTo {
            address: reply.address.clone(),
            delimiter: reply.delimiter,
        }),
        secret: answers.ways.own.clone(),
        slack: answers.ways.slack.is_some(),
        telegram: answers.ways.telegram.is_some(),
    })
}

/// How messages leave.
pub fn senders(settings: &Settings, inventory: &Inventory) -> SendSettings {
    let smtp = &settings.smtp;
    SendSettings {
        smtp: Some(SmtpSettings {
            host: smtp.host.clone(),
            port: smtp.port,
            tls: match smtp.tls {
                config::SmtpTls::None => SmtpTls::None,
                config::SmtpTls::StartTls => SmtpTls::StartTls,
                config::SmtpTls::Tls => SmtpTls::Tls,
            },
            from: smtp.from.clone(),
            helo: smtp.helo.clone(),
            username: smtp.username.clone(),
            password: smtp.password.clone(),
            ca_file: smtp.ca_file.clone(),
            timeout: smtp.timeout,
        }),
        public_url: settings.public_url.clone(),
        answers: answers(settings).unwrap_or_default(),
        templates: settings
            .templates
            .iter()
            .map(|(name, template)| (name.clone(), template.text.clone()))
            .collect::<BTreeMap<_, _>>(),
        secret_variables: settings.secret_variables.clone(),
        illegal_output_chars: inventory.globals.illegal_output_chars.clone(),
        ..SendSettings::default()
    }
}

/// How plugins run.
pub fn runner(settings: &Settings, inventory: &Inventory) -> RunnerOptions {
    RunnerOptions {
        // The spawner works in another directory.
        plugin_dirs: settings
            .plugin_dirs
            .iter()
            .map(|directory| std::path::absolute(directory).unwrap_or_else(|_| directory.clone()))
            .collect(),
        program: std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/proc/self/exe")),
        max_output: inventory.globals.max_output,
        ..RunnerOptions::default()
    }
}

/// Where history is recorded.
pub fn history(settings: config::History) -> history::Settings {
    history::Settings {
        dir: settings.dir,
        keep: settings.keep,
        max_bytes: settings.max_bytes,
    }
}

/// How long what is stored is kept.
pub const fn keep(retention: &config::Retention) -> Keep {
    Keep {
        history: retention.history,
        deliveries: retention.deliveries,
    }
}

/// How hard deliveries are tried.
pub fn deliverer(settings: &Settings) -> DelivererSettings {
    DelivererSettings {
        workers: settings.delivery.workers.max(1),
        delayed_after: settings.delivery.delayed_after,
        give_up: settings.delivery.give_up,
        drain: Duration::from_secs(3),
        ..DelivererSettings::default()
    }
}

/// Finds contacts in the inventory in force; a reload replaces it.
pub type SharedInventory = Arc<RwLock<Arc<Inventory>>>;

/// Looks contacts and channels up by name.
pub fn directory(shared: SharedInventory) -> Directory {
    Arc::new(move |contact, channel| {
        let inventory = shared
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let found = inventory
            .contacts
            .iter()
            .find(|known| *known.name == *contact)?;
        let way = found.channels.iter().find(|way| *way.label == *channel)?;
        let info = ContactInfo {
            name: found.name.to_string(),
            alias: found.alias.to_string(),
            email: found.email.clone(),
            pager: found.pager.clone(),
            addresses: found.addresses.clone(),
            vars: found.vars.clone(),
        };
        Some((info, way.kind.clone()))
    })
}
