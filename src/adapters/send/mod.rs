//! Deliveries: the outbox is leased, each message is shaped for its channel, posted, and the answer judged.
//!
//! Every channel is three parts: `encode` (pure: message in, request out), a post (the only I/O) and `classify`
//! (pure: answer in, [`SendResult`] out). [`Deliverer`] is the loop around them; its pauses are [`retry`]'s.

pub mod alertmanager;
pub mod answers;
pub mod chat;
pub mod command;
pub mod dead_man;
pub mod deliver;
pub mod discord;
pub mod email;
pub mod fetch;
pub mod google_chat;
pub mod http;
pub mod incident;
pub mod judge;
pub mod lanes;
pub mod macros;
pub mod markers;
pub mod matrix;
pub mod mattermost;
pub mod ntfy;
pub mod offers;
pub mod opsgenie;
pub mod pagerduty;
pub mod pushover;
pub mod retry;
pub mod rocketchat;
pub mod senders;
pub mod service;
pub mod settings;
pub mod slack;
pub mod smtp;
pub mod syslog;
pub mod teams;
pub mod telegram;
pub mod templates;
pub mod twilio;
pub mod victorops;
pub mod webhook;
pub mod words;

pub use deliver::{
    Carrier, Deliverer, DelivererSettings, Directory, Leased, Outbox, Report, Settled,
};
pub use senders::{SendResult, Senders, SwapSenders};
pub use settings::{AnswerSettings, ContactInfo, ReplyTo, SendSettings, SmtpSettings, SmtpTls};

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
