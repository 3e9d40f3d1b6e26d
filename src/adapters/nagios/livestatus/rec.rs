//! One row of a table while a query looks at it, and the picture that the query works on.

use std::{
    cell::OnceCell,
    collections::HashMap,
    ops::Deref,
    sync::{Arc, LazyLock},
};

use super::{
    Facts, LogPlace,
    column::Column,
    history::Span,
    line::Line,
    tables::{Tally, catalogue::Named},
};
use crate::{
    adapters::nagios::mirror::Picture,
    base::time::Timestamp,
    domain::{
        engine::rows::{Row, World},
        model::{
            change::{Comment, Downtime},
            objects::{Contact, ContactIx, HostIx, Inventory, ObjIx, Rule},
            relations::{ContactGroup, Group, Rare},
            status::Status,
        },
        schedule::Period,
    },
};

/// What a query works on. Rows go on changing under it, each whole; who is what stays.
pub struct Snap {
    pub picture: Arc<Picture>,
    pub inventory: Arc<Inventory>,
    pub world: Arc<World>,
    pub now: Timestamp,
    pub facts: Arc<Facts>,
    pub log: Option<LogPlace>,
    comments: OnceCell<HashMap<ObjIx, Vec<u64>>>,
    downtimes: OnceCell<HashMap<ObjIx, Vec<u64>>>,
    commands: OnceCell<Vec<Named>>,
}

impl Snap {
    pub fn new(
        picture: Arc<Picture>,
        now: Timestamp,
        facts: Arc<Facts>,
        log: Option<LogPlace>,
    ) -> Self {
        let world = picture.world();
        Self {
            inventory: picture.inventory.clone(),
            picture,
            world,
            now,
            facts,
            log,
            comments: OnceCell::new(),
            downtimes: OnceCell::new(),
            commands: OnceCell::new(),
        }
    }

    /// Ids of an object's comments.
    pub fn comments_of(&self, obj: ObjIx) -> &[u64] {
        let all = self.comments.get_or_init(|| {
            let mut all: HashMap<ObjIx, Vec<u64>> = HashMap::new();
            for comment in self.world.comments.values() {
                if let Some(obj) = self.inventory.find(&comment.object) {
                    all.entry(obj).or_default().push(comment.id);
                }
            }
            all
        });
        all.get(&obj).map(Vec::as_slice).unwrap_or_default()
    }

    /// Ids of an object's downtimes.
    pub fn downtimes_of(&self, obj: ObjIx) -> &[u64] {
        let all = self.downtimes.get_or_init(|| {
            let mut all: HashMap<ObjIx, Vec<u64>> = HashMap::new();
            for downtime in self.world.downtimes.values() {
                if let Some(obj) = self.inventory.find(&downtime.object) {
                    all.entry(obj).or_default().push(downtime.id);
                }
            }
            all
        });
        all.get(&obj).map(Vec::as_slice).unwrap_or_default()
    }

    /// All commands that something uses.
    pub fn commands(&self) -> &[Named] {
        self.commands
            .get_or_init(|| super::tables::catalogue::commands(&self.inventory))
    }
}

/// An object that a row joins. Its own row is read when something of it is asked: who and whose it is stands in the
/// inventory.
#[derive(Clone)]
pub struct Joined {
    obj: ObjIx,
    row: OnceCell<Arc<Row>>,
}

impl Joined {
    pub const fn to(obj: ObjIx) -> Self {
        Self {
            obj,
            row: OnceCell::new(),
        }
    }

    pub fn read(row: Arc<Row>) -> Self {
        Self {
            obj: row.obj,
            row: OnceCell::from(row),
        }
    }

    /// The row as it was when first asked for.
    pub fn row(&self, snap: &Snap) -> &Row {
        self.row.get_or_init(|| {
            snap.picture.row(self.obj).unwrap_or_else(|| {
                // A picture has the rows of all objects.
                Arc::new(Row {
                    obj: self.obj,
                    status: Status::pending(snap.inventory.is_host(self.obj)),
                    rule: snap.inventory.rule(self.obj).clone(),
                    due: None,
                    running: false,
                    downtimes: 0,
                })
            })
        })
    }
}

/// One row of whatever table: what it joins is there, all else is not.
#[derive(Clone)]
pub struct Rec<'q> {
    pub snap: &'q Snap,
    pub host: Option<Joined>,
    pub service: Option<Joined>,
    pub host_group: Option<&'q Group>,
    pub check_group: Option<&'q Group>,
    pub contact: Option<&'q Contact>,
    pub contact_group: Option<&'q ContactGroup>,
    pub command: Option<&'q Named>,
    pub period: Option<&'q Arc<Period>>,
    pub comment: Option<&'q Comment>,
    pub downtime: Option<&'q Downtime>,
    pub line: Option<Arc<Line>>,
    pub span: Option<Arc<Span>>,
    pub column: Option<(&'static str, &'static Column)>,
    /// Sums over the host's checks; over the group's members.
    pub tally: OnceCell<Box<Tally>>,
    pub group_tally: OnceCell<Box<Tally>>,
}

impl<'q> Rec<'q> {
    /// A row of nothing yet.
    pub const fn new(snap: &'q Snap) -> Self {
        Self {
            snap,
            host: None,
            service: None,
            host_group: None,
            check_group: None,
            contact: None,
            contact_group: None,
            command: None,
            period: None,
            comment: None,
            downtime: None,
            line: None,
            span: None,
            column: None,
            tally: OnceCell::new(),
            group_tally: OnceCell::new(),
        }
    }

    /// The row joined with an object: a host, or a check with its host.
    pub fn with(mut self, obj: ObjIx) -> Self {
        let inventory = &self.snap.inventory;
        let is_host = inventory.is_host(obj);
        self.host = Some(Joined::to(ObjIx(inventory.host_ix(obj).0)));
        self.service = (!is_host).then(|| Joined::to(obj));
        self
    }

    /// The row of the check or, where there is none, of the host.
    pub fn object(&self) -> Option<&Row> {
        let joined = self.service.as_ref().or(self.host.as_ref())?;
        Some(joined.row(self.snap))
    }

    /// The group of hosts, or an empty one.
    pub fn host_group(&self) -> &Group {
        self.host_group.unwrap_or(&NO_GROUP)
    }

    /// The group of checks, or an empty one.
    pub fn check_group(&self) -> &Group {
        self.check_group.unwrap_or(&NO_GROUP)
    }

    /// May this contact see the row? Checks are seen by the contacts of their host as well; groups only by those who
    /// see all members.
    pub fn seen_by(&self, who: ContactIx) -> bool {
        let inventory = &self.snap.inventory;
        if let Some(group) = self.host_group.or(self.check_group)
            && self.host.is_none()
        {
            return group.members.iter().all(|obj| sees(inventory, who, *obj));
        }
        match (&self.service, &self.host) {
            (Some(joined), _) | (None, Some(joined)) => sees(inventory, who, joined.obj),
            (None, None) => match &self.line {
                // What was told of objects that are gone is nobody's.
                Some(line) => line.host().is_empty(),
                None => self.span.is_none(),
            },
        }
    }
}

impl Rec<'_> {
    /// May somebody see the row who is no contact? Only what is about no host.
    pub fn seen_by_strangers(&self) -> bool {
        self.host.is_none()
            && self.service.is_none()
            && self.host_group.is_none()
            && self.check_group.is_none()
            && self.span.is_none()
            && self.line.as_ref().is_none_or(|line| line.host().is_empty())
    }
}

static NO_GROUP: LazyLock<Group> = LazyLock::new(Group::default);

fn sees(inventory: &Inventory, who: ContactIx, obj: ObjIx) -> bool {
    let stands_behind = |contact: &ContactIx| {
        let on_call = inventory.contact(*contact).on_call.as_ref();
        *contact == who || on_call.is_some_and(|on_call| on_call.people.contains(&who))
    };
    let tells = |obj: ObjIx| {
        inventory
            .rule(obj)
            .notify
            .contacts
            .iter()
            .any(stands_behind)
            || inventory
                .relations
                .escalations_of(obj)
                .filter_map(|escalation| escalation.contacts.as_ref())
                .any(|contacts| contacts.iter().any(stands_behind))
    };
    tells(obj) || !inventory.is_host(obj) && tells(ObjIx(inventory.host_ix(obj).0))
}

/// A host or check in a row, with what is known of it.
#[derive(Clone, Copy)]
pub struct Obj<'r> {
    pub snap: &'r Snap,
    pub rec: &'r Rec<'r>,
    joined: &'r Joined,
}

impl Deref for Obj<'_> {
    type Target = Status;

    fn deref(&self) -> &Status {
        &self.row().status
    }
}

impl<'r> Obj<'r> {
    pub fn row(self) -> &'r Row {
        self.joined.row(self.snap)
    }

    pub const fn obj(self) -> ObjIx {
        self.joined.obj
    }

    pub fn inventory(self) -> &'r Inventory {
        &self.snap.inventory
    }

    pub fn rule(self) -> &'r Rule {
        &self.row().rule
    }

    pub fn rare(self) -> &'r Rare {
        self.row().rule.rare()
    }

    pub fn is_host(self) -> bool {
        self.inventory().is_host(self.obj())
    }

    pub fn host_ix(self) -> HostIx {
        self.inventory().host_ix(self.obj())
    }

    pub fn host(self) -> &'r crate::domain::model::objects::Host {
        self.inventory().host(self.host_ix())
    }

    /// The check's name, or the host's.
    pub fn name(self) -> &'r str {
        match self.inventory().check(self.obj()) {
            Some(check) => &check.name,
            None => &self.host().name,
        }
    }

    /// The status, for as long as the row lives.
    pub fn status(self) -> &'r Status {
        &self.row().status
    }
}

/// Which of a row's objects a column is about.
pub trait Side: 'static {
    fn joined<'r>(rec: &'r Rec<'_>) -> Option<&'r Joined>;

    fn obj<'r>(rec: &'r Rec<'_>) -> Option<Obj<'r>> {
        let joined = Self::joined(rec)?;
        Some(Obj {
            snap: rec.snap,
            rec,
            joined,
        })
    }
}

/// The host of a row.
pub struct OfHost;

impl Side for OfHost {
    fn joined<'r>(rec: &'r Rec<'_>) -> Option<&'r Joined> {
        rec.host.as_ref()
    }
}

/// The check of a row.
pub struct OfCheck;

impl Side for OfCheck {
    fn joined<'r>(rec: &'r Rec<'_>) -> Option<&'r Joined> {
        rec.service.as_ref()
    }
}
