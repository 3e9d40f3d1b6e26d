//! Which service's words a message is put into, and how its answer is read.

use reqwest::Method;

use super::{
    alertmanager, discord, google_chat,
    http::{Reply, Request, address_secrets, classify_service},
    matrix, mattermost, ntfy, opsgenie, pushover, rocketchat,
    senders::SendResult,
    teams, telegram, twilio, victorops,
};
use crate::{
    base::secret::Secret,
    domain::model::{
        message::Delivery,
        service::{Chat, Service},
    },
};

/// How a service is posted to.
pub const fn method(service: &Service) -> Method {
    match service {
        Service::Matrix { .. } => Method::PUT,
        _ => Method::POST,
    }
}

/// The request, or None when this kind of message is not for this service, or goes there without HTTP.
pub fn encode(service: &Service, delivery: &Delivery, public_url: Option<&str>) -> Option<Request> {
    let (message, key) = (&*delivery.message, delivery.key.as_str());
    match service {
        Service::Chat { app, webhook_url } => Some(chat(*app, webhook_url, delivery, public_url)),
        Service::Telegram {
            url,
            token,
            chat,
            topic,
        } => Some(telegram::encode(
            message, url, token, chat, *topic, public_url,
        )),
        Service::Ntfy { url, topic, token } => Some(ntfy::encode(
            message,
            url,
            topic,
            token.as_ref(),
            public_url,
        )),
        Service::Opsgenie { url, api_key } => {
            opsgenie::encode(message, key, url, api_key, public_url)
        }
        Service::Alertmanager {
            url,
            token,
            username,
            labels,
            keep,
        } => {
            let login = (username.as_deref(), token.as_ref());
            alertmanager::encode(message, url, login, labels, *keep, public_url)
        }
        Service::Pushover {
            url,
            token,
            user_key,
            emergency,
        } => Some(pushover::encode(
            message, url, token, user_key, *emergency, public_url,
        )),
        Service::VictorOps {
            url,
            api_key,
            route,
        } => victorops::encode(message, key, url, api_key, route, public_url),
        Service::Matrix { url, token, room } => {
            Some(matrix::encode(message, key, url, token, room, public_url))
        }
        Service::Twilio {
            url,
            account,
            token,
            from,
            to,
            voice,
        } => {
            let numbers = twilio::Numbers {
                account,
                token,
                from,
                to,
            };
            twilio::encode(message, url, &numbers, *voice)
        }
        Service::Syslog { .. } => None,
    }
}

/// The address itself is the secret.
fn chat(app: Chat, webhook_url: &Secret, delivery: &Delivery, public_url: Option<&str>) -> Request {
    let message = &*delivery.message;
    let body = match app {
        Chat::Teams => teams::body(message, public_url),
        Chat::Mattermost => mattermost::body(message, public_url),
        Chat::RocketChat => rocketchat::body(message, public_url),
        Chat::Discord => discord::body(message, public_url),
        Chat::GoogleChat => google_chat::body(message, &delivery.key, public_url),
    };
    Request {
        url: match app {
            Chat::Discord => discord::address(webhook_url),
            Chat::GoogleChat => google_chat::address(webhook_url),
            Chat::Teams | Chat::Mattermost | Chat::RocketChat => webhook_url.expose().to_owned(),
        },
        headers: Vec::new(),
        body: body.to_string(),
        secrets: address_secrets(webhook_url),
    }
}

/// What the service's answer means.
pub fn classify(service: &Service, place: &str, reply: &Reply) -> SendResult {
    match service {
        Service::Chat { app, .. } => {
            let remedy = format!(
                "make a new webhook for the channel in {} and put its address where the contact's `{}` reads it",
                app.title(),
                app.name()
            );
            match app {
                Chat::Discord => discord::classify(place, reply, &remedy),
                _ => classify_service(app.title(), place, reply, &remedy),
            }
        }
        Service::Telegram { .. } => telegram::classify(place, reply),
        Service::Ntfy { .. } => ntfy::classify(place, reply),
        Service::Opsgenie { .. } => opsgenie::classify(place, reply),
        Service::Alertmanager { .. } => alertmanager::classify(place, reply),
        Service::Pushover { .. } => pushover::classify(place, reply),
        Service::VictorOps { .. } => victorops::classify(place, reply),
        Service::Matrix { .. } => matrix::classify(place, reply),
        Service::Twilio { .. } => twilio::classify(place, reply),
        // It answers nothing.
        Service::Syslog { .. } => classify_service("syslog", place, reply, ""),
    }
}
