//! A signed link: who may say what of which problem, and until when. It needs no login, and is good for nothing else.

use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::{Offer, SNOOZE, proof};
use crate::{
    base::{base64, secret::Secret, time::Timestamp},
    domain::model::{
        answer::{About, Answer, Say},
        state::ObjectName,
    },
};

/// Keeps signatures of links and of anything else apart.
const PURPOSE: &[u8] = b"deploywatch answer link 1\n";
/// Longest token that is looked at.
pub const TOKEN_MAX: usize = 4096;
/// Which way an answer came.
pub const THROUGH: &str = "a link in a mail";

/// What a link stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub offer: Offer,
    /// The key of the page.
    pub page: String,
    /// The contact that the mail went to.
    pub contact: String,
    pub until: Timestamp,
}

/// Why a link is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadLink {
    /// Not signed by us, or cut off on its way.
    Forged,
    Expired(Timestamp),
}

impl Link {
    /// The token of an address.
    pub fn sign(&self, secret: &Secret) -> String {
        let (what, deploy) = match &self.offer {
            Offer::Acknowledge => ("ack", ""),
            Offer::Snooze => ("snooze", ""),
            Offer::NotCaused(deploy) => ("not", &**deploy),
        };
        let said = json!([what, self.page, deploy, self.contact, self.until.secs()]);
        let said = base64::encode(said.to_string().as_bytes());
        let mac = proof::mac(secret, &[PURPOSE, said.as_bytes()]);
        format!("{said}.{}", base64::encode(&mac))
    }

    /// Nothing of a token is believed before its signature is.
    pub fn open(token: &str, secret: &Secret, now: Timestamp) -> Result<Self, BadLink> {
        if TOKEN_MAX < token.len() {
            return Err(BadLink::Forged);
        }
        let (said, mac) = token.split_once('.').ok_or(BadLink::Forged)?;
        let wanted = proof::mac(secret, &[PURPOSE, said.as_bytes()]);
        let given = base64::decode(mac).ok_or(BadLink::Forged)?;
        if !bool::from(wanted.as_slice().ct_eq(&given)) {
            return Err(BadLink::Forged);
        }
        let link = Self::read(said).ok_or(BadLink::Forged)?;
        if link.until <= now {
            return Err(BadLink::Expired(link.until));
        }
        Ok(link)
    }

    fn read(said: &str) -> Option<Self> {
        let said: Value = serde_json::from_slice(&base64::decode(said)?).ok()?;
        let text = |at: usize| said.get(at)?.as_str().map(str::to_owned);
        let offer = match text(0)?.as_str() {
            "ack" => Offer::Acknowledge,
            "snooze" => Offer::Snooze,
            "not" => Offer::NotCaused(text(2)?),
            _ => return None,
        };
        Some(Self {
            offer,
            page: text(1)?,
            contact: text(3)?,
            until: Timestamp::from_secs(said.get(4)?.as_i64()?),
        })
    }

    /// Host or check that the page is about.
    pub fn object(&self) -> ObjectName {
        let object = self.page.rsplit_once('@').map_or(&*self.page, |(it, _)| it);
        ObjectName::parse(object)
    }

    pub fn answer(&self) -> Answer {
        Answer {
            about: About::Page(self.page.clone()),
            say: say(&self.offer),
            author: self.contact.clone(),
            through: THROUGH.to_owned(),
        }
    }
}

/// What an offer means once it is taken.
pub(super) fn say(offer: &Offer) -> Say {
    match offer {
        Offer::Acknowledge => Say::Acknowledge,
        Offer::Snooze => Say::Snooze {
            span: SNOOZE,
            comment: None,
        },
        Offer::NotCaused(deploy) => Say::NotCaused(deploy.clone()),
    }
}
