//! All channels behind one call: a delivery goes in, a judged result comes out, within a bounded time.

use std::{
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use super::{
    command,
    deliver::Carrier,
    email,
    http::{Poster, Reply, Request, place},
    offers, pagerduty, service,
    settings::{AnswerSettings, ContactInfo, SendSettings},
    slack,
    smtp::{self, Mailer},
    syslog,
    templates::Templates,
    webhook, words,
};
use crate::domain::{
    answers::mail::Letter,
    model::{message::Delivery, objects::ChannelKind, service::Service},
};

/// What one attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendResult {
    /// The receiver took it; what it said, for the record.
    Sent { receipt: String },
    /// May work later. `after`: the receiver asked for this pause.
    Retry {
        why: String,
        after: Option<Duration>,
    },
    /// Will never work; the sentence says what to mend.
    Dead { why: String },
}

/// The channels, set up.
pub struct Senders {
    poster: Poster,
    mailer: Option<Mailer>,
    templates: Templates,
    public_url: Option<String>,
    answers: AnswerSettings,
    illegal_output_chars: String,
    secret_variables: Vec<String>,
    timeout: Duration,
}

impl Senders {
    /// Checks the settings, reads the authority file, compiles and tries the templates. The error is a sentence.
    pub fn new(settings: SendSettings) -> Result<Self, String> {
        if let Some(url) = &settings.public_url
            && words::safe_link(url).is_none()
        {
            return Err(format!(
                "public_url `{}` is not an http or https address",
                words::line(url)
            ));
        }
        Ok(Self {
            poster: Poster::new(settings.timeout)?,
            mailer: settings.smtp.as_ref().map(Mailer::new).transpose()?,
            templates: Templates::new(&settings.templates)?,
            public_url: settings.public_url,
            answers: settings.answers,
            illegal_output_chars: settings.illegal_output_chars,
            secret_variables: settings.secret_variables,
            timeout: settings.timeout,
        })
    }

    /// One attempt.
    pub async fn send(
        &self,
        delivery: &Delivery,
        contact: &ContactInfo,
        channel: &ChannelKind,
    ) -> SendResult {
        let message = &*delivery.message;
        let public = self.public_url.as_deref();
        match channel {
            ChannelKind::Email { to } => self.send_mail(delivery, contact, to).await,
            ChannelKind::Webhook { url, secret } => {
                let request = webhook::encode(message, &delivery.key, url, secret.as_ref(), public);
                self.post(request, webhook::classify).await
            }
            ChannelKind::PagerDuty { routing_key, url } => {
                match pagerduty::encode(message, &delivery.key, routing_key, url, public) {
                    Some(request) => self.post(request, pagerduty::classify).await,
                    None => not_for_it(),
                }
            }
            ChannelKind::Slack { webhook_url } => {
                let mut request = slack::encode(message, webhook_url, public);
                offers::in_slack(&self.answers, message, &mut request);
                self.post(request, slack::classify).await
            }
            ChannelKind::Service { service, timeout } => {
                self.serve(delivery, service, *timeout).await
            }
            ChannelKind::Command {
                check,
                host,
                timeout,
                ..
            } => match command::encode(message, contact, check, host, &self.illegal_output_chars) {
                Ok(run) => {
                    command::classify(&command::post(&run, &self.secret_variables, *timeout).await)
                }
                Err(why) => SendResult::Dead { why },
            },
        }
    }

    async fn post(&self, request: Request, classify: fn(&str, &Reply) -> SendResult) -> SendResult {
        let place = place(&request.url);
        match self.poster.post(request).await {
            Ok(reply) => classify(&place, &reply),
            Err(judged) => judged,
        }
    }

    async fn serve(
        &self,
        delivery: &Delivery,
        service: &Service,
        timeout: Option<Duration>,
    ) -> SendResult {
        if let Service::Syslog { to, facility } = service {
            // Without a name the receiver knows us by our address.
            let host = nix::unistd::gethostname().unwrap_or_default();
            let host = host.to_string_lossy();
            let line = syslog::encode(&delivery.message, *facility, &host, std::process::id());
            return syslog::post(to, &line, timeout.unwrap_or(self.timeout)).await;
        }
        let Some(mut request) = service::encode(service, delivery, self.public_url.as_deref())
        else {
            return not_for_it();
        };
        if matches!(service, Service::Telegram { .. }) {
            offers::in_telegram(&self.answers, &delivery.message, &mut request);
        }
        let place = place(&request.url);
        let method = service::method(service);
        match self.poster.send_within(method, request, timeout).await {
            Ok(reply) => service::classify(service, &place, &reply),
            Err(judged) => judged,
        }
    }

    async fn send_mail(&self, delivery: &Delivery, contact: &ContactInfo, to: &str) -> SendResult {
        let Some(mailer) = &self.mailer else {
            return SendResult::Dead {
                why: "there is no [smtp] in the configuration, so mail cannot be sent; add it"
                    .to_owned(),
            };
        };
        let offer = offers::in_mail(&self.answers, &delivery.message, &contact.name);
        let said = email::render(
            &self.templates,
            &delivery.message,
            contact,
            self.public_url.as_deref(),
            &offer,
        );
        for fault in &said.faults {
            tracing::warn!(
                delivery = delivery.key,
                "{fault}; the built-in text was sent instead"
            );
        }
        match email::encode(delivery, to, mailer.from(), &said, offer.reply.as_ref()) {
            Ok(mail) => smtp::classify(&mailer.place(), &mailer.post(&mail).await),
            Err(why) => SendResult::Dead { why },
        }
    }

    /// One attempt. The error is a sentence.
    async fn write(&self, letter: &Letter, at: SystemTime) -> Result<(), String> {
        let Some(mailer) = &self.mailer else {
            return Err("there is no [smtp] in the configuration".to_owned());
        };
        let reply_to = self.answers.reply.as_ref().map(|it| &*it.address);
        let mail = email::letter(letter, mailer.from(), reply_to, at)?;
        match smtp::classify(&mailer.place(), &mailer.post(&mail).await) {
            SendResult::Sent { .. } => Ok(()),
            SendResult::Retry { why, .. } | SendResult::Dead { why } => Err(why),
        }
    }
}

/// Nothing had to leave: a page would be made of what nobody needs to be woken for.
fn not_for_it() -> SendResult {
    SendResult::Sent {
        receipt: "not for a pager".to_owned(),
    }
}

/// The senders in use; a reload puts others in their place while attempts run on with theirs.
pub struct SwapSenders(RwLock<Arc<Senders>>);

impl SwapSenders {
    pub fn new(senders: Senders) -> Self {
        Self(RwLock::new(Arc::new(senders)))
    }

    /// From the next attempt on these send.
    pub fn swap(&self, senders: Senders) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(senders);
    }

    /// One attempt to write back to who replied to a mail. The error is a sentence.
    pub async fn write(&self, letter: &Letter, at: SystemTime) -> Result<(), String> {
        self.current().write(letter, at).await
    }

    fn current(&self) -> Arc<Senders> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Carrier for SwapSenders {
    fn carry<'a>(
        &'a self,
        delivery: &'a Delivery,
        contact: &'a ContactInfo,
        channel: &'a ChannelKind,
    ) -> Pin<Box<dyn Future<Output = SendResult> + Send + 'a>> {
        let senders = self.current();
        Box::pin(async move { senders.send(delivery, contact, channel).await })
    }
}
