//! The state of all objects as readers see it. The hub alone writes it, a row at a time; readers take references to
//! rows and work on them without any lock, so a query over everything delays no check.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;

use super::brief::Brief;
use crate::domain::{
    engine::rows::{Row, World},
    model::objects::{Inventory, ObjIx},
};

/// Rows under one lock: few enough that a reader holds it for microseconds only.
const SHARD: usize = 512;

/// Rows by [`ObjIx`], and what belongs to no object.
#[derive(Debug)]
pub struct Mirror {
    picture: RwLock<Arc<Picture>>,
    /// Counts publications: whoever waits for a change waits here.
    version: watch::Sender<u64>,
    /// For whoever waits for a change of one kind.
    seen: watch::Sender<Seen>,
}

/// What was published so far, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub rows: u64,
    /// Rows with a new result, of hosts and of checks.
    pub host_checks: u64,
    pub checks: u64,
    /// Rows whose state or type of state is another.
    pub states: u64,
    /// Changes of comments, downtimes, switches.
    pub comments: u64,
    pub downtimes: u64,
    pub switches: u64,
}

impl Seen {
    fn row(&mut self, old: &Row, new: &Row, is_host: bool) {
        let (was, is) = (&old.status, &new.status);
        self.rows += 1;
        if was.last_check_at != is.last_check_at || was.checked != is.checked {
            if is_host {
                self.host_checks += 1;
            } else {
                self.checks += 1;
            }
        }
        self.states += u64::from((was.state, was.state_type) != (is.state, is.state_type));
    }

    fn world(&mut self, old: &World, new: &World) {
        self.comments += u64::from(old.comments != new.comments);
        self.downtimes += u64::from(old.downtimes != new.downtimes);
        self.switches += u64::from(old.switches != new.switches);
    }
}

/// The rows under one inventory. A reload makes a new picture, and readers of the old one finish with it.
#[derive(Debug)]
pub struct Picture {
    pub inventory: Arc<Inventory>,
    shards: Vec<RwLock<Shard>>,
    world: RwLock<Arc<World>>,
}

/// Rows one after the other, and beside them what is asked of all.
#[derive(Debug, Default)]
struct Shard {
    rows: Vec<Arc<Row>>,
    briefs: Vec<Brief>,
}

impl Shard {
    fn with(rows: Vec<Arc<Row>>) -> RwLock<Self> {
        let briefs = rows.iter().map(|row| Brief::of(row)).collect();
        RwLock::new(Self { rows, briefs })
    }
}

impl Mirror {
    /// `rows` are those of all objects, in their order.
    pub fn new(world: World, rows: impl Iterator<Item = Row>) -> Self {
        Self {
            picture: RwLock::new(Arc::new(Picture::new(world, rows))),
            version: watch::Sender::new(0),
            seen: watch::Sender::new(Seen::default()),
        }
    }

    /// After a reload: everything anew.
    pub fn replace(&self, world: World, rows: impl Iterator<Item = Row>) {
        let picture = Arc::new(Picture::new(world, rows));
        *self.picture.write().unwrap_or_else(PoisonError::into_inner) = picture;
        self.version.send_modify(|version| *version += 1);
        self.seen.send_modify(|seen| {
            seen.comments += 1;
            seen.downtimes += 1;
            seen.switches += 1;
        });
    }

    /// Takes changed rows in, and the world where it changed.
    pub fn publish(&self, rows: Vec<Row>, world: Option<World>) {
        if rows.is_empty() && world.is_none() {
            return;
        }
        let picture = self.picture();
        let mut seen = *self.seen.borrow();
        for row in rows {
            let at = row.obj.0 as usize;
            if let Some(shard) = picture.shards.get(at / SHARD) {
                let row = Arc::new(row);
                let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
                let Shard { rows, briefs } = &mut *shard;
                let at = at % SHARD;
                if let (Some(place), Some(brief)) = (rows.get_mut(at), briefs.get_mut(at)) {
                    seen.row(place, &row, picture.inventory.is_host(row.obj));
                    *brief = Brief::of(&row);
                    *place = row;
                }
            }
        }
        if let Some(world) = world {
            let mut place = picture
                .world
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            seen.world(&place, &world);
            *place = Arc::new(world);
        }
        self.seen.send_replace(seen);
        self.version.send_modify(|version| *version += 1);
    }

    /// The picture as of now; its rows go on changing until the next reload.
    pub fn picture(&self) -> Arc<Picture> {
        self.picture
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// For waiting until something changes.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// For waiting until something of one kind changes.
    pub fn seen(&self) -> watch::Receiver<Seen> {
        self.seen.subscribe()
    }
}

impl Picture {
    fn new(world: World, rows: impl Iterator<Item = Row>) -> Self {
        let inventory = world.inventory.clone();
        let mut shards = Vec::with_capacity(inventory.len().div_ceil(SHARD));
        let mut shard = Vec::with_capacity(SHARD);
        for row in rows {
            shard.push(Arc::new(row));
            if shard.len() == SHARD {
                shards.push(Shard::with(std::mem::replace(
                    &mut shard,
                    Vec::with_capacity(SHARD),
                )));
            }
        }
        if !shard.is_empty() {
            shards.push(Shard::with(shard));
        }
        Self {
            inventory,
            shards,
            world: RwLock::new(Arc::new(world)),
        }
    }

    pub fn world(&self) -> Arc<World> {
        self.world
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// One object's row. None: no such object under this inventory.
    pub fn row(&self, obj: ObjIx) -> Option<Arc<Row>> {
        let at = obj.0 as usize;
        let shard = self.shards.get(at / SHARD)?;
        let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
        shard.rows.get(at % SHARD).cloned()
    }

    /// The rows of a range of objects which `wanted` wants by their place and brief, a shard at a time. It is asked for
    /// each row of the range once, just before the row is read.
    fn rows<'p>(
        &'p self,
        range: std::ops::Range<usize>,
        mut wanted: impl FnMut(usize, Brief) -> bool + 'p,
    ) -> impl Iterator<Item = Arc<Row>> + 'p {
        let first = range.start / SHARD;
        let last = range.end.div_ceil(SHARD).min(self.shards.len());
        (first..last.max(first)).flat_map(move |at| {
            let shard = self.shards[at]
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            let from = range.start.saturating_sub(at * SHARD).min(shard.rows.len());
            let to = (range.end - at * SHARD).min(shard.rows.len());
            let places = from.min(to)..to;
            let first = at * SHARD + places.start;
            let rows = shard.rows[places.clone()].iter();
            (first..)
                .zip(rows.zip(&shard.briefs[places]))
                .filter(|(at, (_, brief))| wanted(*at, **brief))
                .map(|(_, (row, _))| row.clone())
                .collect::<Vec<_>>()
        })
    }

    /// The rows of all hosts.
    pub fn hosts(&self) -> impl Iterator<Item = Arc<Row>> + '_ {
        self.hosts_where(|_| true)
    }

    /// The rows of all checks.
    pub fn checks(&self) -> impl Iterator<Item = Arc<Row>> + '_ {
        self.checks_where(|_, _| true)
    }

    /// The rows of the hosts whose briefs are wanted.
    pub(super) fn hosts_where<'p>(
        &'p self,
        mut wanted: impl FnMut(Brief) -> bool + 'p,
    ) -> impl Iterator<Item = Arc<Row>> + 'p {
        let hosts = self.inventory.hosts.len();
        self.rows(0..hosts, move |_, brief| wanted(brief))
    }

    /// The rows of the checks that are wanted by their place among the checks and their briefs.
    pub(super) fn checks_where<'p>(
        &'p self,
        mut wanted: impl FnMut(usize, Brief) -> bool + 'p,
    ) -> impl Iterator<Item = Arc<Row>> + 'p {
        let hosts = self.inventory.hosts.len();
        self.rows(hosts..self.inventory.len(), move |at, brief| {
            wanted(at - hosts, brief)
        })
    }
}
