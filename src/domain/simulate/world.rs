//! What is out there: what a plugin would find, were it run. All is well but for what the scenario says; a host that is
//! down takes its checks with it, and the hosts that are reached only through it.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::model::{
    objects::{HostIx, Inventory, ObjIx},
    state::State,
};

#[derive(Debug, Default)]
pub(super) struct World {
    said: BTreeMap<ObjIx, (State, String)>,
    /// Hosts that do not answer.
    dead: BTreeSet<HostIx>,
}

impl World {
    pub(super) fn set(
        &mut self,
        inventory: &Inventory,
        obj: ObjIx,
        state: State,
        output: Option<&str>,
    ) {
        let output = output.map_or_else(|| format!("{state}: simulated"), str::to_owned);
        self.said.insert(obj, (state, output));
        if inventory.is_host(obj) {
            self.bury(inventory);
        }
    }

    /// A host is dead that is said to be, or that has parents, all of them dead.
    fn bury(&mut self, inventory: &Inventory) {
        let mut dead = BTreeSet::new();
        for (obj, (state, _)) in &self.said {
            if inventory.is_host(*obj) && state.is_problem() {
                dead.insert(HostIx(obj.0));
            }
        }
        let mut fresh: Vec<HostIx> = dead.iter().copied().collect();
        while let Some(host) = fresh.pop() {
            for child in &inventory.host(host).children {
                let parents = &inventory.host(*child).parents;
                let is_said = self.said.contains_key(&inventory.obj_of_host(*child));
                if !is_said
                    && parents.iter().all(|parent| dead.contains(parent))
                    && dead.insert(*child)
                {
                    fresh.push(*child);
                }
            }
        }
        self.dead = dead;
    }

    /// The exit code and the output of a run.
    pub(super) fn answer(&self, inventory: &Inventory, obj: ObjIx) -> (i32, &str) {
        if let Some((state, output)) = self.said.get(&obj) {
            let code = match state {
                State::Ok | State::Up => 0,
                State::Warning => 1,
                State::Critical | State::Down | State::Unreachable => 2,
                State::Unknown => 3,
            };
            return (code, output);
        }
        if self.dead.contains(&inventory.host_ix(obj)) {
            (2, "no answer: its host is down (simulated)")
        } else {
            (0, "OK: simulated")
        }
    }

    /// The state that a look would find.
    pub(super) fn state(&self, inventory: &Inventory, obj: ObjIx) -> State {
        let (code, _) = self.answer(inventory, obj);
        match (inventory.is_host(obj), code) {
            (true, 0) => State::Up,
            (true, _) => State::Down,
            (false, code) => State::of_check_code(code),
        }
    }
}
