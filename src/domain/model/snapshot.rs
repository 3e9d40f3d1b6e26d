//! Everything the engine knows at one instant: where a recorded history begins, and what a replayed restart goes on from.

use serde::{Deserialize, Serialize};

use super::{
    change::{Comment, Downtime, Restored},
    deploy::{Deploy, Hold, HoldEnd, HoldEndHow},
    gate::Gates,
    habit::Habit,
    quiet::QuietTimes,
    state::{ObjectName, State},
    status::{Problem, Status},
    tuned::Switches,
};
use crate::base::time::Timestamp;

/// As the store would give it back, or a part of it: parts may be put together again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Snapshot {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub statuses: Vec<(ObjectName, Status)>,
    /// Objects of which there is nothing to say but that they are well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fine: Vec<Fine>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// Live ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Hold>,
    /// When the last hold of an object ended: it gets none for a while.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hold_ends: Vec<(ObjectName, Timestamp)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deploys: Vec<Deploy>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub downtimes: Vec<Downtime>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<Comment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub switches: Option<Switches>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gates: Option<Gates>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet: Option<QuietTimes>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub habits: Vec<Habit>,
    #[serde(skip_serializing_if = "is_zero")]
    pub last_id: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it like this"
)]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// An object that is well: its name, its last result, the one before, and the last good one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fine(
    pub ObjectName,
    pub Timestamp,
    pub Timestamp,
    pub Option<Timestamp>,
);

impl Fine {
    /// None: there is more to say of it, and its whole status has to be kept.
    pub fn of(name: &ObjectName, status: &Status) -> Option<Self> {
        let flap = &status.flap;
        let plain = status.checked
            && status.is_plain()
            && flap.percent == 0.0
            && !flap.flapping
            // All states remembered are the same: none but OK or UP.
            && flap.ring == 0;
        plain.then(|| {
            Self(
                name.clone(),
                status.last_check_at,
                status.recent[1],
                status.last_good_at,
            )
        })
    }

    fn status(&self) -> Status {
        Status {
            checked: true,
            last_check_at: self.1,
            recent: [self.1, self.2],
            last_good_at: self.3,
            last_state: Some(if self.0.check.is_some() {
                State::Ok
            } else {
                State::Up
            }),
            ..Status::pending(self.0.check.is_none())
        }
    }
}

impl Snapshot {
    /// Adds another part of the same snapshot.
    pub fn absorb(&mut self, part: Self) {
        self.statuses.extend(part.statuses);
        self.fine.extend(part.fine);
        self.problems.extend(part.problems);
        self.holds.extend(part.holds);
        self.hold_ends.extend(part.hold_ends);
        self.deploys.extend(part.deploys);
        self.downtimes.extend(part.downtimes);
        self.comments.extend(part.comments);
        self.switches = part.switches.or_else(|| self.switches.take());
        self.gates = part.gates.or_else(|| self.gates.take());
        self.quiet = part.quiet.or_else(|| self.quiet.take());
        self.habits.extend(part.habits);
        self.last_id = self.last_id.max(part.last_id);
    }

    /// What an engine starts with.
    pub fn restored(self) -> Restored {
        let fine = self.fine.iter().map(|fine| (fine.0.clone(), fine.status()));
        let statuses = fine.chain(self.statuses).collect();
        let ended = self.hold_ends.into_iter().map(|(object, at)| Hold {
            id: 0,
            problem: 0,
            object,
            deploy: String::new(),
            why: String::new(),
            began_at: at,
            severity: 0,
            state: None,
            deadline: at,
            ended: Some(HoldEnd {
                at,
                how: HoldEndHow::Gone,
                why: String::new(),
            }),
        });
        Restored {
            statuses,
            problems: self.problems,
            holds: self.holds.into_iter().chain(ended).collect(),
            deploys: self.deploys,
            downtimes: self.downtimes,
            comments: self.comments,
            last_id: self.last_id,
            switches: self.switches.unwrap_or_default(),
            gates: self.gates.unwrap_or_default(),
            quiet: self.quiet.unwrap_or_default(),
            habits: self.habits,
            ..Restored::default()
        }
    }
}
