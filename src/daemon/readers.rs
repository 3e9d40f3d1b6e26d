//! Keeps the mirror that readers look at in step with the engine.

use std::sync::Arc;

use crate::{
    adapters::nagios::mirror::Mirror,
    domain::engine::{Engine, effect::Effects, rows},
};

/// The mirror, if anybody reads it, and whether its world is behind.
#[derive(Debug, Default)]
pub struct Readers {
    mirror: Option<Arc<Mirror>>,
    world_changed: bool,
}

impl Readers {
    /// A mirror of `engine`, kept from now on.
    pub fn watching(engine: &mut Engine) -> Self {
        engine.watch_rows();
        let all = engine.inventory().objects();
        Self {
            mirror: Some(Arc::new(Mirror::new(
                engine.world(),
                all.map(|obj| engine.row(obj)),
            ))),
            world_changed: false,
        }
    }

    pub fn mirror(&self) -> Option<Arc<Mirror>> {
        self.mirror.clone()
    }

    /// Looks at what an input did.
    pub fn saw(&mut self, out: &Effects) {
        self.world_changed |= self.mirror.is_some() && out.changes.iter().any(rows::changes_world);
    }

    /// Shows readers what changed since the last call.
    pub fn publish(&mut self, engine: &mut Engine) {
        if let Some(mirror) = &self.mirror {
            let world = std::mem::take(&mut self.world_changed).then(|| engine.world());
            mirror.publish(engine.changed_rows(), world);
        }
    }

    /// After a reload.
    pub fn replace(&mut self, engine: &mut Engine) {
        if let Some(mirror) = &self.mirror {
            drop(engine.changed_rows());
            self.world_changed = false;
            let all = engine.inventory().objects();
            mirror.replace(engine.world(), all.map(|obj| engine.row(obj)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        base::time::Timestamp,
        config,
        domain::{
            engine::{
                Mode,
                rows::{Row, World},
            },
            model::{change::Restored, objects::ObjIx, tuned::Switches},
        },
    };

    fn engine(hosts: usize) -> Engine {
        let mut text = String::new();
        for at in 0..hosts {
            text.push_str(&format!("[[host]]\nname = \"h{at:05}\"\n"));
        }
        text.push_str("[[check]]\nname = \"c\"\nhosts = \"*\"\ncommand = \"true\"\n");
        let loaded =
            config::load_text(&text, std::path::Path::new("/")).expect("a good configuration");
        let inventory = Arc::new(loaded.inventory);
        Engine::new(
            inventory,
            Restored::default(),
            Mode::Live,
            Timestamp::from_secs(1_000_000),
        )
    }

    #[test]
    fn every_row_is_found_and_changes_are_seen() {
        let mut engine = engine(700);
        engine.watch_rows();
        let rows: Vec<Row> = engine
            .inventory()
            .objects()
            .map(|obj| engine.row(obj))
            .collect();
        let mirror = Mirror::new(engine.world(), rows.into_iter());
        let picture = mirror.picture();
        assert_eq!(picture.hosts().count(), 700);
        assert_eq!(picture.checks().count(), 700);
        let places: Vec<u32> = picture.checks().map(|row| row.obj.0).collect();
        assert_eq!(places, (700..1400).collect::<Vec<u32>>());
        assert_eq!(
            picture.row(ObjIx(1399)).map(|row| row.obj),
            Some(ObjIx(1399))
        );
        assert!(picture.row(ObjIx(1400)).is_none());

        let mut seen = mirror.changes();
        let mut row = engine.row(ObjIx(900));
        row.status.output = "changed".into();
        mirror.publish(vec![row], None);
        assert!(seen.has_changed().is_ok_and(|changed| changed));
        seen.mark_unchanged();
        let row = picture.row(ObjIx(900)).expect("it is there");
        assert_eq!(&*row.status.output, "changed");
        mirror.publish(Vec::new(), None);
        assert!(seen.has_changed().is_ok_and(|changed| !changed));
        let world = World {
            comments: BTreeMap::new(),
            downtimes: BTreeMap::new(),
            switches: Switches::default(),
            ..engine.world()
        };
        mirror.publish(Vec::new(), Some(world));
        assert!(seen.has_changed().is_ok_and(|changed| changed));
    }
}
