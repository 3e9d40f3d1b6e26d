//! Lines for the log in Nagios' format (`base/logging.c`, `base/notifications.c`): what tools read states, alerts and
//! notifications from. Never decides anything; nothing is written where there is no such log.

use super::{audience::Audience, core::Engine, effect::Effects, handlers::Handles};
use crate::domain::model::{
    dropin::LogRules,
    job::CheckResult,
    message::{Kind, Message},
    objects::{Channel, ChannelKind, ObjIx},
    state::{ObjectName, StateType},
    status::Status,
};

/// `host`, or `host;service`.
fn named(name: &ObjectName) -> String {
    match &name.check {
        Some(check) => format!("{};{check}", name.host),
        None => name.host.to_string(),
    }
}

const fn word(is_host: bool) -> &'static str {
    if is_host { "HOST" } else { "SERVICE" }
}

impl Engine {
    fn log_rules(&self) -> Option<&LogRules> {
        self.inventory.globals.log.as_ref()
    }

    /// `SERVICE ALERT: host;service;STATE;TYPE;attempt;output`
    pub(super) fn log_alert(
        &self,
        obj: ObjIx,
        (state_type, attempt): (StateType, u32),
        out: &mut Effects,
    ) {
        let is_host = self.inventory.is_host(obj);
        let Some(rules) = self.log_rules() else {
            return;
        };
        let retries = if is_host {
            rules.host_retries
        } else {
            rules.check_retries
        };
        if state_type == StateType::Hard || retries {
            out.log.push(format!(
                "{} ALERT: {}",
                word(is_host),
                self.state_fields(obj, state_type, attempt)
            ));
        }
    }

    fn state_fields(&self, obj: ObjIx, state_type: StateType, attempt: u32) -> String {
        let status = self.status(obj);
        format!(
            "{};{};{};{attempt};{}",
            named(&self.inventory.name(obj)),
            status.state,
            state_type.name(),
            status.output
        )
    }

    /// `PASSIVE SERVICE CHECK: host;service;code;output`
    pub(super) fn log_passive(&self, obj: ObjIx, result: &CheckResult, out: &mut Effects) {
        if self.log_rules().is_some_and(|rules| rules.passive) {
            out.log.push(format!(
                "PASSIVE {} CHECK: {};{};{}",
                word(self.inventory.is_host(obj)),
                named(&result.object),
                result.state.id(),
                result.output
            ));
        }
    }

    /// `SERVICE NOTIFICATION: contact;host;service;STATE;command;output`, one for each contact and channel.
    pub(super) fn log_notifications(
        &self,
        obj: ObjIx,
        message: &Message,
        audience: &Audience,
        out: &mut Effects,
    ) {
        if !self.log_rules().is_some_and(|rules| rules.notifications) {
            return;
        }
        let is_host = self.inventory.is_host(obj);
        let state = match message.kind {
            Kind::Problem | Kind::Recovery => message.state.clone(),
            kind => format!("{} ({})", kind.nagios_name(), message.state),
        };
        let said = match (&message.author, &message.comment) {
            (author, comment) if matches!(message.kind, Kind::Acknowledgement | Kind::Custom) => {
                format!(
                    ";{};{}",
                    author.as_deref().unwrap_or_default(),
                    comment.as_deref().unwrap_or_default()
                )
            }
            _ => String::new(),
        };
        let name = named(&self.inventory.name(obj));
        for listener in audience {
            let contact = self.inventory.contact(listener.contact);
            for channel in listener.ways.of(&contact.channels) {
                out.log.push(format!(
                    "{} NOTIFICATION: {};{name};{state};{};{}{said}",
                    word(is_host),
                    contact.name,
                    command_of(channel, is_host),
                    message.output
                ));
            }
        }
    }

    /// A page that a deploy holds back: the line of Naemon that says why nobody was told.
    pub(super) fn log_suppressed(&self, obj: ObjIx, why: &str, out: &mut Effects) {
        if self.log_rules().is_some_and(|rules| rules.notifications) {
            out.log.push(format!(
                "{} NOTIFICATION SUPPRESSED: {};{why}",
                word(self.inventory.is_host(obj)),
                named(&self.inventory.name(obj))
            ));
        }
    }

    /// `SERVICE FLAPPING ALERT: host;service;STARTED; text`
    pub(super) fn log_flapping(&self, obj: ObjIx, kind: Kind, cleared: bool, out: &mut Effects) {
        if self.log_rules().is_none() {
            return;
        }
        let is_host = self.inventory.is_host(obj);
        let thing = if is_host { "Host" } else { "Service" };
        let rule = self.rule(obj).flap;
        let percent = self.status(obj).flap.percent;
        let (event, text) = match kind {
            Kind::FlappingStart => (
                "STARTED",
                format!(
                    "{thing} appears to have started flapping ({percent:.1}% change {} {:.1}% threshold)",
                    if is_host { ">" } else { ">=" },
                    rule.high
                ),
            ),
            Kind::FlappingStop if cleared => (
                "STOPPED",
                format!(
                    "Flapping state cleared for {}. ({percent:.1}% change < {:.1}% threshold)",
                    thing.to_lowercase(),
                    rule.low
                ),
            ),
            Kind::FlappingStop => (
                "STOPPED",
                format!(
                    "{thing} appears to have stopped flapping ({percent:.1}% change < {:.1}% threshold)",
                    rule.low
                ),
            ),
            _ => ("DISABLED", "Flap detection has been disabled".to_owned()),
        };
        out.log.push(format!(
            "{} FLAPPING ALERT: {};{event}; {text}",
            word(is_host),
            named(&self.inventory.name(obj))
        ));
    }

    /// `SERVICE DOWNTIME ALERT: host;service;STARTED; text`
    pub(super) fn log_downtime(&self, obj: ObjIx, kind: Kind, out: &mut Effects) {
        if self.log_rules().is_none() {
            return;
        }
        let is_host = self.inventory.is_host(obj);
        let thing = if is_host { "Host" } else { "Service" };
        let (event, text) = match kind {
            Kind::DowntimeStart => (
                "STARTED",
                format!("{thing} has entered a period of scheduled downtime"),
            ),
            Kind::DowntimeEnd => (
                "STOPPED",
                format!("{thing} has exited from a period of scheduled downtime"),
            ),
            _ => (
                "CANCELLED",
                format!(
                    "Scheduled downtime for {} has been cancelled.",
                    thing.to_lowercase()
                ),
            ),
        };
        out.log.push(format!(
            "{} DOWNTIME ALERT: {};{event}; {text}",
            word(is_host),
            named(&self.inventory.name(obj))
        ));
    }

    /// `SERVICE EVENT HANDLER: host;service;STATE;TYPE;attempt;command`
    pub(super) fn log_handler(
        &self,
        obj: ObjIx,
        handler: &Handles<'_>,
        (state_type, attempt): (StateType, u32),
        out: &mut Effects,
    ) {
        if !self.log_rules().is_some_and(|rules| rules.handlers) {
            return;
        }
        let scope = if handler.global { "GLOBAL " } else { "" };
        out.log.push(format!(
            "{scope}{} EVENT HANDLER: {};{};{};{attempt};{}",
            word(self.inventory.is_host(obj)),
            named(&self.inventory.name(obj)),
            self.status(obj).state,
            state_type.name(),
            handler.command.name
        ));
    }

    /// `CURRENT HOST STATE: host;STATE;TYPE;attempt;output` of every object that was checked; `word` is `INITIAL` or
    /// `CURRENT`.
    pub fn state_lines(&self, word: &str) -> Vec<String> {
        self.inventory
            .objects()
            .map(|obj| {
                let Status {
                    state_type,
                    attempt,
                    ..
                } = self.status(obj);
                format!(
                    "{word} {} STATE: {}",
                    self::word(self.inventory.is_host(obj)),
                    self.state_fields(obj, *state_type, *attempt)
                )
            })
            .collect()
    }
}

/// What a channel is called in the log: its command's name, else its own label.
fn command_of(channel: &Channel, is_host: bool) -> &str {
    match &channel.kind {
        ChannelKind::Command { names, .. } => {
            if is_host {
                &names.host
            } else {
                &names.check
            }
        }
        _ => &channel.label,
    }
}
