//! What can happen in a scenario, and the inputs that it stands for.

use std::time::Duration;

use crate::{
    base::time::{Timestamp, show_duration},
    domain::{
        engine::input::Input,
        external,
        model::{
            command::{Children, Command},
            deploy::DeployEvent,
            objects::Inventory,
            state::{ObjectName, State},
        },
    },
};

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Act {
    /// From now on a look at these finds this state.
    Becomes {
        objects: Vec<ObjectName>,
        state: State,
        output: Option<String>,
    },
    /// Somebody tells the daemon something.
    Said {
        /// In words.
        what: String,
        inputs: Vec<Input>,
    },
}

impl Act {
    /// In words.
    pub fn text(&self) -> String {
        match self {
            Self::Becomes { objects, state, .. } => match &objects[..] {
                [one] => format!("{one} becomes {state}"),
                [first, .., last] => {
                    format!(
                        "{first} to {last}, {} in all, become {state}",
                        objects.len()
                    )
                }
                [] => "nothing happens".to_owned(),
            },
            Self::Said { what, .. } => what.clone(),
        }
    }
}

/// Who orders something, and why.
#[derive(Clone, Copy, Debug)]
pub struct Doer<'a> {
    pub name: &'a str,
    pub comment: &'a str,
}

/// As `deploywatch ack` does it.
pub fn acknowledge(object: ObjectName, doer: Doer<'_>, until: Option<Timestamp>) -> Act {
    Act::Said {
        what: format!("{} acknowledges {object}", doer.name),
        inputs: vec![Input::Command(Command::Acknowledge {
            object,
            sticky: true,
            notify: true,
            persistent: false,
            author: doer.name.to_owned(),
            comment: doer.comment.to_owned(),
            until,
            not_caused_by: None,
        })],
    }
}

pub fn unacknowledge(object: ObjectName, doer: Doer<'_>) -> Act {
    Act::Said {
        what: format!("{} takes the acknowledgement of {object} back", doer.name),
        inputs: vec![Input::Command(Command::RemoveAcknowledgement {
            object,
            author: doer.name.to_owned(),
        })],
    }
}

/// As `deploywatch downtime add` does it: of a host with its checks.
pub fn downtime(object: ObjectName, doer: Doer<'_>, start: Timestamp, length: Duration) -> Act {
    Act::Said {
        what: format!(
            "{} sets a downtime of {object} for {}",
            doer.name,
            show_duration(length)
        ),
        inputs: vec![Input::Command(Command::ScheduleDowntime {
            with_checks: object.check.is_none(),
            only_checks: false,
            children: Children::Untouched,
            object,
            start,
            end: start + length,
            fixed: true,
            duration: length,
            triggered_by: None,
            author: doer.name.to_owned(),
            comment: doer.comment.to_owned(),
        })],
    }
}

pub fn deploy(event: DeployEvent) -> Act {
    let what = match &event.app {
        Some(app) => format!("deploy {} of {app}: {}", event.id, event.phase.name()),
        None => format!("deploy {}: {}", event.id, event.phase.name()),
    };
    Act::Said {
        what,
        inputs: vec![Input::Deploy(event)],
    }
}

/// A command of Nagios, without its time. The error is a sentence.
pub fn by_hand(line: &str, inventory: &Inventory, at: Timestamp) -> Result<Act, String> {
    let order = external::parse(&format!("[{}] {line}", at.secs()), inventory, at);
    match order {
        Ok(external::Order {
            what: external::What::Inputs(inputs),
            name,
            ..
        }) => Ok(Act::Said { what: name, inputs }),
        Ok(order) => Err(format!(
            "{} has nothing to do with notifications",
            order.name
        )),
        Err(external::Fault::Unrecognized(_)) => Err(format!("`{line}` is no command of Nagios")),
        Err(external::Fault::Failed { name, why, .. }) => Err(format!("{name}: {why}")),
    }
}
