//! Rows for readers that want everything of every object (Livestatus, `status.dat`): one per object, made anew when it
//! changed. Readers never touch the engine, so no query can delay a check.

use std::{collections::BTreeMap, sync::Arc};

use super::core::Engine;
use crate::{
    base::time::Timestamp,
    domain::model::{
        change::{Change, Comment, Downtime},
        objects::{Inventory, ObjIx, Rule},
        status::Status,
        tuned::Switches,
    },
};

/// All that is known of one host or check.
#[derive(Clone, Debug)]
pub struct Row {
    pub obj: ObjIx,
    pub status: Status,
    /// How it is run and whom it tells, with what was changed at run time.
    pub rule: Arc<Rule>,
    /// When it will be checked next; None: not on its own, or it runs now.
    pub due: Option<Timestamp>,
    pub running: bool,
    /// Downtimes in effect (`scheduled_downtime_depth`).
    pub downtimes: u16,
}

/// What belongs to no single object.
#[derive(Clone, Debug)]
pub struct World {
    pub inventory: Arc<Inventory>,
    pub comments: BTreeMap<u64, Comment>,
    pub downtimes: BTreeMap<u64, Downtime>,
    pub switches: Switches,
    /// When the engine started.
    pub began_at: Timestamp,
    /// The next comment, downtime or problem gets a higher id.
    pub last_id: u64,
}

impl Engine {
    /// From now on it is remembered which rows changed.
    pub fn watch_rows(&mut self) {
        self.changed = Some(Vec::new());
    }

    /// The rows that changed since the last call; none, where nobody watches.
    pub fn changed_rows(&mut self) -> Vec<Row> {
        let Some(changed) = self.changed.as_mut().map(std::mem::take) else {
            return Vec::new();
        };
        for obj in &changed {
            self.objects[obj.0 as usize].changed = false;
        }
        changed.into_iter().map(|obj| self.row(obj)).collect()
    }

    /// One object as it stands.
    pub fn row(&self, obj: ObjIx) -> Row {
        let object = self.object(obj);
        Row {
            obj,
            status: object.status.clone(),
            rule: self.rule(obj).clone(),
            due: self.due_at(obj),
            running: object.running.is_some(),
            downtimes: object.downtimes,
        }
    }

    pub fn world(&self) -> World {
        World {
            inventory: self.inventory.clone(),
            comments: self.comments.clone(),
            downtimes: self.downtimes.clone(),
            switches: self.switches.clone(),
            began_at: self.began_at,
            last_id: self.last_id,
        }
    }
}

/// Changes that a [`World`] shows.
pub const fn changes_world(change: &Change) -> bool {
    matches!(
        change,
        Change::Downtime(_)
            | Change::DowntimeGone(_)
            | Change::Comment(_)
            | Change::CommentGone(_)
            | Change::Switches(_)
            | Change::Gates(_)
            | Change::Quiet(_)
    )
}
