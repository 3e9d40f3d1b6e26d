//! Numbers of states, problems and notifications, as tools made for Nagios tell them apart: `$SERVICEEVENTID$` and kin.

use super::core::{Engine, Object};
use crate::domain::model::{objects::ObjIx, status::StateIds};

/// The last numbers that were given, for hosts and checks together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ids {
    event: u64,
    problem: u64,
    notification: u64,
}

impl Ids {
    /// Goes on behind the highest numbers that are known.
    pub fn behind(objects: &[Object]) -> Self {
        let mut last = Self::default();
        for ids in objects
            .iter()
            .filter_map(|object| object.status.ids.as_deref())
        {
            last.event = last.event.max(ids.event).max(ids.last_event);
            last.problem = last.problem.max(ids.problem).max(ids.last_problem);
            last.notification = last.notification.max(ids.notification);
        }
        last
    }
}

impl Engine {
    /// After a result: another state has a new number, and so has a problem that begins. What ended keeps its own.
    pub(super) fn number_state(&mut self, obj: ObjIx) {
        let status = &mut self.objects[obj.0 as usize].status;
        let before = status.last_state.unwrap_or(status.state);
        if before == status.state {
            return;
        }
        let ids: &mut StateIds = status.ids.get_or_insert_default();
        self.ids.event += 1;
        ids.last_event = std::mem::replace(&mut ids.event, self.ids.event);
        if !before.is_problem() {
            self.ids.problem += 1;
            ids.problem = self.ids.problem;
        }
        if !status.state.is_problem() {
            ids.last_problem = std::mem::take(&mut ids.problem);
        }
    }

    /// Before a notification is composed: it has a number of its own, whomever it goes to.
    pub(super) fn number_notification(&mut self, obj: ObjIx) {
        self.ids.notification += 1;
        let status = &mut self.objects[obj.0 as usize].status;
        status.ids.get_or_insert_default().notification = self.ids.notification;
    }
}
