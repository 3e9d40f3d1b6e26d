//! What deploywatch watches of itself: the table, and the host and the checks that it stands for. These are tables as if somebody
//! had written them where `[itself]` is, so that templates, routes and `config show` know nothing special.

use std::{borrow::Cow, collections::BTreeMap, ops::Range, sync::Arc, time::Duration};

use super::{
    contacts::Contacts,
    fault::{Fault, Sink},
    names::Raw,
    pieces,
    read::Doc,
    sections::time_of_day,
    tree::{Entry, Node, Table, Value},
    value::{Layers, Tab, Val},
};
use crate::domain::{
    itself::{
        CALENDAR_CHECKS, CANARY, CANARY_CHECKS, CHECKS, Limit, Rules,
        canary::{Canary, When},
    },
    model::{
        message::Urgency,
        objects::{Inventory, ObjIx},
        route::Case,
    },
    schedule::Zone,
};

const HOST: &str = "deploywatch";

/// What [defaults] say of running, waiting and holding is not for these: they are measured, and each result counts.
const OF_HOST: &str = r#"
active = false
address = "127.0.0.1"
alias = "deploywatch itself"
apps = []
check = ""
groups = []
parents = []
passive = false
stale_after = "never"
"#;
const OF_CHECK: &str = r#"
active = false
always_page = true
app = ""
attempts = 1
command = ""
every = "1m"
exclude_groups = []
exclude_hosts = []
first_delay = "0s"
flap_detection = false
groups = []
handler = ""
passive = false
period = ""
stale_after = "never"
volatile = false
"#;

/// The tables that `[itself]` stands for.
pub(super) struct Tables<'d> {
    file: u32,
    span: Range<usize>,
    host: Table<'d>,
    checks: Vec<Table<'d>>,
}

/// None where nothing is watched.
pub(super) fn tables<'d>(docs: &[Doc<'d>]) -> Option<Tables<'d>> {
    let (file, node) = all(docs, "itself").next()?;
    node.value.as_table()?;
    let span = node.span();
    // What stands in another file is said as if it stood here.
    let given = |table: &'static str, key: &str| {
        let found = all(docs, table).find_map(|(of, node)| {
            let node = node.value.as_table()?.get(key)?;
            Some((of, node))
        });
        found.map(|(of, node)| copy(node, (of != file).then_some(&span)))
    };
    let name = match given("itself", "host").map(|node| node.value) {
        Some(Value::Text(name)) => name,
        _ => Cow::Borrowed(HOST),
    };
    let contacts = given("itself", "contacts").map(|node| ("contacts", node));
    let of_host = [("name", text(&span, name.clone()))];
    let host = table(&span, OF_HOST, of_host.into_iter().chain(contacts));
    let has_canary = all(docs, "canary").next().is_some();
    let tests = has_canary.then_some(CANARY_CHECKS);
    let has_calendar = all(docs, "rotation").any(|(file, node)| {
        let mut rotations = Val { file, node }.items().filter_map(Val::table);
        rotations.any(|rotation| rotation.get("calendar").is_some())
    });
    let calendars = has_calendar.then_some(CALENDAR_CHECKS);
    let checks = CHECKS
        .iter()
        .chain(calendars.iter().flatten())
        .chain(tests.iter().flatten());
    let checks = checks.map(|(check, notes)| {
        let mut keys = vec![
            ("name", text(&span, (*check).into())),
            ("hosts", text(&span, name.clone())),
            ("notes", text(&span, (*notes).into())),
        ];
        keys.extend(given("itself", "every").map(|node| ("every", node)));
        if *check == CANARY {
            // It is told once, at any hour.
            keys.push(("notify_period", text(&span, "".into())));
            keys.push(("remind", text(&span, "0s".into())));
            keys.extend(given("canary", "contacts").map(|node| ("contacts", node)));
        }
        table(&span, OF_CHECK, keys.into_iter())
    });
    let checks = checks.collect();
    Some(Tables {
        file,
        span: span.clone(),
        host,
        checks,
    })
}

/// The table of this name in each file that has one.
fn all<'t, 'd>(
    docs: &'t [Doc<'d>],
    name: &'static str,
) -> impl Iterator<Item = (u32, &'t Node<'d>)> {
    docs.iter()
        .filter_map(move |doc| Some((doc.file, doc.root.get(name)?)))
}

/// The keys of `written`, as if they were written at `span`, and others that take their place.
fn table<'d>(
    span: &Range<usize>,
    written: &'static str,
    others: impl Iterator<Item = (&'static str, Node<'d>)>,
) -> Table<'d> {
    let fixed = pieces::parse(written).0.into_iter();
    let mut keys: BTreeMap<Cow<'d, str>, Node<'d>> = fixed
        .map(|entry| (entry.key, Node::at(span, entry.node.value)))
        .collect();
    keys.extend(others.map(|(key, node)| (key.into(), node)));
    let entries = keys.into_iter();
    Table::new(
        entries
            .map(|(key, node)| Entry::at(span, key, node))
            .collect(),
    )
}

fn text<'d>(span: &Range<usize>, text: Cow<'d, str>) -> Node<'d> {
    Node::at(span, Value::Text(text))
}

/// Texts and lists of them, at another place where one is given.
fn copy<'d>(node: &Node<'d>, place: Option<&Range<usize>>) -> Node<'d> {
    let value = match &node.value {
        Value::Text(text) => Value::Text(text.clone()),
        Value::List(list) => Value::List(list.iter().map(|item| copy(item, place)).collect()),
        // Told where the table itself is looked at.
        _ => Value::List(Vec::new()),
    };
    let own = node.span();
    Node::at(place.unwrap_or(&own), value)
}

impl<'d> Tables<'d> {
    /// Puts them beside those of the files.
    pub fn add(&'d self, raw: &mut Raw<'d>, sink: &mut Sink) {
        let own = self.tab(&self.host);
        let name = own.text("name").unwrap_or(HOST);
        let twin = raw.hosts.iter().find(|tab| tab.text("name") == Some(name));
        if let Some(twin) = twin {
            sink.push(
                Fault::new(
                    twin.value_place("name"),
                    format!("the host `{name}` is the one that [itself] adds"),
                )
                .also(own.place(), "adds it")
                .help("give ours another name, such as host = \"monitor\" in [itself], or rename this one"),
            );
            return;
        }
        raw.hosts.push(own);
        raw.checks
            .extend(self.checks.iter().map(|check| self.tab(check)));
    }

    fn tab(&self, table: &'d Table<'d>) -> Tab<'d> {
        Tab {
            file: self.file,
            start: self.span.start,
            end: self.span.end,
            table,
        }
    }
}

/// The name of the host.
pub(super) fn host<'d>(raw: &Raw<'d>) -> Option<&'d str> {
    let layers = raw.root.sub("itself");
    layers.tabs.first()?;
    Some(layers.text("host").unwrap_or(HOST))
}

/// From when on what is bad.
pub(super) fn rules(raw: &Raw<'_>, contacts: &Contacts<'_>, sink: &mut Sink) -> Option<Arc<Rules>> {
    let canary = canary(raw, contacts, sink);
    let host = host(raw)?.into();
    let layers = raw.root.sub("itself");
    let mut spans = |key: &str, warning, critical| {
        let pair = layers.sub(key);
        let limit = Limit {
            warning: pair.span("warning", Duration::from_secs(warning)),
            critical: pair.span("critical", Duration::from_secs(critical)),
        };
        if limit.critical < limit.warning {
            crossed(&layers, key, "above", sink);
        }
        limit
    };
    let late = spans("late", 30, 120);
    let outbox = spans("outbox", 120, 600);
    let clock = spans("clock", 10, 60);
    let store = spans("store", 1, 5);
    let percent = |key: &str, default| {
        let value = layers.sub("disk").get(key);
        value.and_then(Val::number).unwrap_or(default)
    };
    let disk = Limit {
        warning: percent("warning", 10.0),
        critical: percent("critical", 3.0),
    };
    if disk.warning < disk.critical {
        crossed(&layers, "disk", "below", sink);
    }
    let letters = layers.whole("dead_letters");
    Some(Arc::new(Rules {
        host,
        every: layers.span("every", Duration::from_secs(60)),
        late,
        outbox,
        dead_letters: letters
            .and_then(|most| u32::try_from(most).ok())
            .unwrap_or(1),
        disk,
        clock,
        store,
        canary,
    }))
}

/// No test may last longer, and no real page waits so long.
const LONGEST: Duration = Duration::from_secs(3600);

/// The test through every channel.
fn canary(raw: &Raw<'_>, contacts: &Contacts<'_>, sink: &mut Sink) -> Option<Canary> {
    let layers = raw.root.sub("canary");
    let tab = *layers.tabs.first()?;
    if host(raw).is_none() {
        sink.push(Fault::new(tab.place(), "[canary] needs [itself]").help(
            "write [itself] beside it: its check `channels` says where the test did not arrive",
        ));
    }
    let when = match (layers.get("every"), layers.get("at")) {
        (Some(every), Some(at)) => {
            sink.push(
                Fault::new(every.place(), "both `every` and `at` are given")
                    .also(at.place(), "the other one")
                    .help("keep one of them"),
            );
            return None;
        }
        (Some(every), None) => When::Every(every.span()?),
        (None, _) => {
            let (hour, minute) = time_of_day(&layers, (9, 0), sink)?;
            // A name that is not one was told where the zones are looked at.
            let zone = Zone::find(layers.text("timezone").unwrap_or_default()).ok()?;
            When::Daily { hour, minute, zone }
        }
    };
    let mut span = |key: &str, default| {
        let span = layers.span(key, Duration::from_secs(default));
        if let (Some(value), true) = (layers.get(key), LONGEST < span) {
            sink.push(
                Fault::new(value.place(), format!("`{key}` is at most 1h"))
                    .help("a test that is open for so long looks like a problem"),
            );
        }
        span
    };
    let (lasts, within) = (span("for", 60), span("within", 300));
    if let When::Every(every) = when
        && every < lasts + within
    {
        sink.push(
            Fault::new(
                tab.value_place("every"),
                "the next test would begin before one is over",
            )
            .help("let `every` be longer than `for` and `within` together"),
        );
    }
    Some(Canary {
        when,
        contacts: contacts.resolve(layers.get("contacts")?),
        urgency: match layers.text("urgency") {
            Some("low") => Urgency::Low,
            _ => Urgency::High,
        },
        lasts,
        within,
    })
}

fn crossed(layers: &Layers<'_>, key: &str, wanted: &str, sink: &mut Sink) {
    let Some(value) = layers.get(key) else { return };
    sink.push(
        Fault::new(
            value.place(),
            format!("`critical` of `{key}` is not {wanted} its `warning`"),
        )
        .help("what is CRITICAL is worse than what is a WARNING; what is left out has its default"),
    );
}

/// Warns where nobody would be told.
pub(super) fn check(raw: &Raw<'_>, inventory: &Inventory, sink: &mut Sink) {
    let Some(rules) = &inventory.globals.itself else {
        return;
    };
    let layers = raw.root.sub("itself");
    let reaches = |obj: ObjIx| {
        let rule = inventory.rule(obj);
        let case = Case {
            inventory,
            obj,
            told: None,
        };
        !rule.notify.enabled
            || !rule.notify.contacts.is_empty()
            || !inventory.routes.pick(&case, false).is_empty()
    };
    let silent = CHECKS
        .iter()
        .filter_map(|(check, _)| inventory.find(&rules.object(check)))
        .find(|obj| !reaches(*obj));
    if let (Some(obj), Some(tab), false) = (silent, layers.tabs.first(), sink.broken) {
        sink.push(
            Fault::warning(
                tab.place(),
                format!(
                    "{} pages nobody: it has no contacts, and no route is for it",
                    inventory.name(obj)
                ),
            )
            .help("write `contacts` here, or a [[route]] for it"),
        );
    }
}
