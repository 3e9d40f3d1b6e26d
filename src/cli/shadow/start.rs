//! A status.dat of Nagios: what is known when a shadow begins, and the last result of each object.

use std::{collections::BTreeMap, path::Path};

use super::super::out::Failure;
use crate::{
    base::time::Timestamp,
    domain::{
        model::{
            change::{Downtime, Restored},
            job::{CheckResult, Source},
            objects::{Inventory, ObjIx},
            state::{ObjectName, State, StateSet, StateType},
            status::{Ack, Page, Problem, Status},
        },
        plugin,
    },
};

/// The blocks of a status.dat, in their order.
#[derive(Debug, Default)]
pub struct Picture {
    blocks: Vec<(String, BTreeMap<String, String>)>,
}

/// Reads the file. Nagios replaces it whole, so it is never half a one.
pub fn read(path: &Path) -> Result<Picture, Failure> {
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::Refused(format!("cannot read {}: {error}", path.display())))?;
    Ok(parse(&String::from_utf8_lossy(&bytes)))
}

fn parse(text: &str) -> Picture {
    let mut picture = Picture::default();
    let mut open: Option<(String, BTreeMap<String, String>)> = None;
    for line in text.lines() {
        let line = line.trim();
        if let Some(name) = line.strip_suffix('{') {
            open = Some((name.trim().to_owned(), BTreeMap::new()));
        } else if line == "}" {
            picture.blocks.extend(open.take());
        } else if let (Some((_, keys)), Some((key, value))) = (&mut open, line.split_once('=')) {
            keys.insert(key.to_owned(), value.to_owned());
        }
    }
    picture
}

/// One block, by its keys.
struct Block<'p>(&'p BTreeMap<String, String>);

impl Block<'_> {
    fn text(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    fn number(&self, key: &str) -> i64 {
        self.text(key).parse().unwrap_or(0)
    }

    fn time(&self, key: &str) -> Timestamp {
        Timestamp::from_secs(self.number(key))
    }

    fn name(&self) -> ObjectName {
        match self.0.get("service_description") {
            Some(check) => ObjectName::check(self.text("host_name"), check),
            None => ObjectName::host(self.text("host_name")),
        }
    }

    fn state(&self, key: &str, is_host: bool) -> State {
        match (is_host, self.number(key)) {
            (true, 0) => State::Up,
            (true, 1) => State::Down,
            (true, _) => State::Unreachable,
            (false, 0) => State::Ok,
            (false, 1) => State::Warning,
            (false, 2) => State::Critical,
            (false, _) => State::Unknown,
        }
    }
}

impl Picture {
    fn statuses(&self) -> impl Iterator<Item = (Block<'_>, bool)> {
        self.blocks.iter().filter_map(|(kind, keys)| match &**kind {
            "hoststatus" => Some((Block(keys), true)),
            "servicestatus" => Some((Block(keys), false)),
            _ => None,
        })
    }

    /// When each object's last result was.
    pub fn last_checks(&self) -> BTreeMap<String, i64> {
        self.statuses()
            .map(|(block, _)| (super::log::named(&block.name()), block.number("last_check")))
            .collect()
    }

    /// The last result of each object that was checked and is in the inventory.
    pub fn results(&self, inventory: &Inventory) -> Vec<CheckResult> {
        self.statuses()
            .filter(|(block, _)| block.number("has_been_checked") == 1)
            .filter(|(block, _)| inventory.find(&block.name()).is_some())
            .map(|(block, is_host)| {
                let state = block.state("current_state", is_host);
                let text = block.text("plugin_output");
                let mut result =
                    plugin::passive(block.name(), state, text, block.time("last_check"));
                result.perfdata = block.text("performance_data").into();
                if block.number("check_type") == 0 {
                    result.source = Source::Elsewhere;
                }
                result
            })
            .collect()
    }

    /// What an engine starts with: states, acknowledgements, downtimes, and problems that people were told of.
    pub fn restored(&self, inventory: &Inventory) -> Restored {
        let mut restored = Restored::default();
        for (block, is_host) in self.statuses() {
            let name = block.name();
            let Some(obj) = inventory.find(&name) else {
                continue;
            };
            if block.number("has_been_checked") != 1 {
                continue;
            }
            let mut status = status(&block, is_host);
            if status.is_hard_problem() {
                restored.last_id += 1;
                status.problem = Some(restored.last_id);
                restored
                    .problems
                    .push(problem(inventory, obj, restored.last_id, &status, &name));
            }
            restored.statuses.push((name, status));
        }
        for (kind, keys) in &self.blocks {
            if matches!(&**kind, "hostdowntime" | "servicedowntime") {
                restored.last_id += 1;
                restored
                    .downtimes
                    .push(downtime(&Block(keys), restored.last_id));
            }
        }
        restored
    }
}

fn status(block: &Block<'_>, is_host: bool) -> Status {
    let mut status = Status::pending(is_host);
    let since = block.time("last_state_change");
    status.checked = true;
    status.state = block.state("current_state", is_host);
    status.last_hard_state = block.state("last_hard_state", is_host);
    status.state_type = if block.number("state_type") == 1 {
        StateType::Hard
    } else {
        StateType::Soft
    };
    status.attempt = u32::try_from(block.number("current_attempt")).unwrap_or(1);
    status.last_check_at = block.time("last_check");
    status.last_change_at = since;
    status.last_hard_change_at = block.time("last_hard_state_change");
    status.output = block.text("plugin_output").into();
    status.number = u32::try_from(block.number("current_notification_number")).unwrap_or(0);
    status.next_notify_at = block.time("next_notification");
    status.last_notified_at = Some(block.time("last_notification")).filter(|at| 0 < at.secs());
    status.no_more = block.number("no_more_notifications") == 1;
    status.notifications_off = block.number("notifications_enabled") == 0;
    status.flap.flapping = block.number("is_flapping") == 1;
    status.flap.percent = block.text("percent_state_change").parse().unwrap_or(0.0);
    if status.state.is_problem() {
        status.first_bad_at = Some(since);
        if 0 < status.number {
            status.notified_on = StateSet::EMPTY.with(status.state);
        }
    }
    if block.number("problem_has_been_acknowledged") == 1 {
        status.ack = Some(Box::new(Ack {
            by: "Nagios".to_owned(),
            comment: String::new(),
            sticky: block.number("acknowledgement_type") == 2,
            persistent: false,
            at: since,
            until: None,
            snooze: false,
            through: None,
            page: None,
        }));
    }
    status
}

/// A problem from before the shadow: who was to be told of it was told.
fn problem(
    inventory: &Inventory,
    obj: ObjIx,
    id: u64,
    status: &Status,
    name: &ObjectName,
) -> Problem {
    let first_bad_at = status.first_bad_at.unwrap_or(status.last_change_at);
    let contacts = &inventory.rule(obj).notify.contacts;
    let mut problem = Problem {
        id,
        object: name.clone(),
        state: status.state,
        last_good_at: None,
        first_bad_at,
        hard_at: status.last_hard_change_at,
        onset_at: first_bad_at,
        told: 0 < status.number,
        signature: String::new(),
        page: None,
        hold: None,
        holds: 0,
        silent_because: None,
        recovered_at: None,
        end: None,
        cleared: Vec::new(),
        quiet: None,
        said: Default::default(),
    };
    if problem.told {
        problem.page = Some(Page {
            at: status.last_notified_at.unwrap_or(first_bad_at),
            key: problem.key(),
            attribution: Default::default(),
            amended: 0,
            told: contacts
                .iter()
                .map(|ix| inventory.contact(*ix).name.to_string())
                .collect(),
            rollback_failed: false,
            rollback: None,
            state: None,
            escalated: std::time::Duration::ZERO,
            joined: Vec::new(),
            waits_since: None,
        });
    }
    problem
}

fn downtime(block: &Block<'_>, id: u64) -> Downtime {
    let active = block.number("is_in_effect") == 1;
    let flexible_start = block.time("flex_downtime_start");
    Downtime {
        id,
        object: block.name(),
        start: block.time("start_time"),
        end: block.time("end_time"),
        author: block.text("author").to_owned(),
        comment: block.text("comment").to_owned(),
        active,
        fixed: block.number("fixed") == 1,
        duration: std::time::Duration::from_secs(
            u64::try_from(block.number("duration")).unwrap_or(0),
        ),
        triggered_by: None,
        began_at: active.then_some(if 0 < flexible_start.secs() {
            flexible_start
        } else {
            block.time("start_time")
        }),
        comment_id: None,
        deploys: Vec::new(),
    }
}
