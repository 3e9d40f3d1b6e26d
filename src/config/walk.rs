//! Holds every table against its declared keys: unknown keys, wrong types, bad values, unknown names.

use super::{
    fault::{Fault, Place, Sink, with_remedy},
    glob,
    keys::{Kind, Refers, Spec},
    names::{Names, Raw},
    tree::Value,
    value::{Layers, Tab, Val},
    words::{example, key_remedy, lower_first, number_complaint, text_complaint, wanted},
};
use crate::{base::text, domain::schedule::Zone};

/// With more candidates than this a remedy is looked for only among the first faults.
const MANY: usize = 2000;

/// Walks over tables and notes what is wrong.
pub(super) struct Walker<'w, 'd> {
    pub names: &'w Names<'d>,
    pub sink: &'w mut Sink,
    /// Zones that were found; looking one up reads a file.
    zones: Vec<String>,
    looks: usize,
}

impl<'w, 'd> Walker<'w, 'd> {
    pub fn new(names: &'w Names<'d>, sink: &'w mut Sink) -> Self {
        Self {
            names,
            sink,
            zones: Vec::new(),
            looks: 0,
        }
    }

    /// Everything: each file's root and all tables in it, then keys set in two files.
    pub fn all(&mut self, raw: &Raw<'d>) {
        for root in &raw.root.tabs {
            self.table(*root, &super::keys::ROOT);
        }
        let single = |kind: &Kind| matches!(kind, Kind::Table(_) | Kind::Map(_));
        for key in super::keys::ROOT.keys().filter(|key| single(&key.kind)) {
            self.doubles(key.name, &raw.root.sub(key.name));
        }
    }

    /// A key of a table such as [daemon] may be given in one file only.
    fn doubles(&mut self, path: &str, layers: &Layers<'d>) {
        for (at, tab) in layers.tabs.iter().enumerate().skip(1) {
            for (entry, value) in tab.entries() {
                let name = &*entry.key;
                let earlier = layers.tabs[..at]
                    .iter()
                    .find(|tab| tab.table.contains(name));
                let Some(earlier) = earlier.filter(|_| value.table().is_none()) else {
                    continue;
                };
                self.sink.push(
                    Fault::new(
                        tab.key_place(name),
                        format!("`{name}` of [{path}] is given twice"),
                    )
                    .label("again here")
                    .also(earlier.key_place(name), "first here")
                    .help("remove one of them"),
                );
            }
        }
        let mut inner: Vec<&str> = layers
            .tabs
            .iter()
            .flat_map(|tab| tab.table)
            .map(|entry| &*entry.key)
            .collect();
        inner.sort_unstable();
        inner.dedup();
        for name in inner {
            let sub = layers.sub(name);
            if 1 < sub.tabs.len() {
                self.doubles(&format!("{path}.{name}"), &sub);
            }
        }
    }

    /// One table against its keys.
    pub fn table(&mut self, tab: Tab<'d>, spec: &'static Spec) {
        for (entry, value) in tab.entries() {
            let place = tab.place_of(entry);
            let name = &*entry.key;
            match (spec.key(name), spec.open) {
                (Some(key), _) => self.value(value, name, &key.kind, place),
                (None, Some(kind)) => self.value(value, name, kind, place),
                (None, None) => self.unknown_key(name, place, spec),
            }
        }
        for key in spec
            .keys()
            .filter(|key| key.required && !tab.table.contains(key.name))
        {
            self.sink.push(
                Fault::new(tab.place(), format!("{} has no `{}`", spec.title, key.name))
                    .label(format!("`{}` is missing here", key.name))
                    .help(format!(
                        "add `{} = {}`: {}",
                        key.name,
                        example(&key.kind),
                        lower_first(key.doc)
                    ))
                    .follows(),
            );
        }
    }

    fn unknown_key(&mut self, name: &str, place: Place, spec: &'static Spec) {
        let mut fault = Fault::new(place, format!("unknown key `{name}` in {}", spec.title))
            .label("unknown key");
        if !self.sink.is_full() {
            fault = fault.help(key_remedy(name, spec));
        }
        // Behind a broken table header keys seem to stand at the root.
        let root = std::ptr::eq(spec, &super::keys::ROOT);
        self.sink.push(if root { fault.follows() } else { fault });
    }

    fn value(&mut self, value: Val<'d>, name: &str, kind: &Kind, key: Place) {
        match kind {
            Kind::Table(spec) => match value.table() {
                Some(tab) => self.table(tab, spec),
                None => self.wrong(value, name, "a table"),
            },
            Kind::Tables(spec) => match &value.node.value {
                Value::List(_) => value.items().for_each(|item| match item.table() {
                    Some(tab) => self.table(tab, spec),
                    None => self.wrong(item, name, "a table"),
                }),
                _ => {
                    let message = format!("`{name}` is a list of tables");
                    self.sink.push(
                        Fault::new(key, message)
                            .help(format!("write [[{name}]] with two brackets")),
                    );
                }
            },
            Kind::Map(inner) => match value.table() {
                Some(tab) => {
                    for (entry, value) in tab.entries() {
                        self.value(value, &entry.key, inner, tab.place_of(entry));
                    }
                }
                None => self.wrong(value, name, "a table"),
            },
            Kind::Channels(spec, short) => value
                .items()
                .for_each(|item| self.channel(item, name, spec, *short)),
            Kind::Inline => self.inline_secret(name, key),
            Kind::Texts | Kind::SomeOf(_) | Kind::Names(_) | Kind::Selected(_) | Kind::Listens => {
                value.items().for_each(|item| self.leaf(item, name, kind));
            }
            _ => self.leaf(value, name, kind),
        }
    }

    fn channel(&mut self, value: Val<'d>, name: &str, spec: &'static Spec, short: Option<&str>) {
        match (
            value.table(),
            value.text(),
            short.and_then(|key| spec.key(key)),
        ) {
            (Some(tab), ..) => self.table(tab, spec),
            (None, Some(_), Some(key)) => self.leaf(value, name, &key.kind),
            (None, Some(_), None) => {
                let secret = spec.keys().next().map_or("secret_file", |key| key.name);
                let message =
                    format!("`{name}` holds a secret, which is not written into the configuration");
                self.sink.push(Fault::new(value.place(), message).help(format!(
                    "write the secret into a file that only the daemon can read, then {name} = {{ {secret} = \"FILE\" }}"
                )));
            }
            _ => self.wrong(value, name, "a table"),
        }
    }

    fn inline_secret(&mut self, name: &str, key: Place) {
        self.sink.push(
            Fault::new(key, format!("`{name}` is not written into the configuration, where others would read it"))
                .label("a secret")
                .help(format!(
                    "give it as `{name}_file` (a path), `{name}_env` (a variable) or `{name}_credential` (of systemd)"
                )),
        );
    }

    /// Texts, numbers and names.
    fn leaf(&mut self, value: Val<'d>, name: &str, kind: &Kind) {
        let fits = match kind {
            Kind::Flag => value.flag().is_some(),
            Kind::Whole(..) => value.whole().is_some(),
            Kind::Percent => value.number().is_some(),
            Kind::Size => value.text().is_some() || value.whole().is_some(),
            Kind::Scalar => value.scalar().is_some(),
            _ => value.text().is_some(),
        };
        if !fits {
            self.wrong(value, name, wanted(kind));
            return;
        }
        match kind {
            Kind::Name(what) | Kind::Names(what) => {
                self.name(value, value.text().unwrap_or_default(), *what);
            }
            Kind::Selected(what) => {
                let text = value.text().unwrap_or_default();
                self.name(value, text.strip_prefix('!').unwrap_or(text), *what);
            }
            _ => {
                if let Some((message, help)) = self.complaint(value, name, kind) {
                    self.sink
                        .push(Fault::new(value.place(), message).help(help));
                }
            }
        }
    }

    /// What is wrong with a value of the right type, and the remedy.
    fn complaint(&mut self, value: Val<'d>, name: &str, kind: &Kind) -> Option<(String, String)> {
        let text = value.text().unwrap_or_default();
        match kind {
            Kind::Zone => self.zone(text),
            Kind::Whole(..)
            | Kind::Percent
            | Kind::Span(_)
            | Kind::SpanOr(_)
            | Kind::Size
            | Kind::Umask => number_complaint(value, name, kind),
            _ => text_complaint(text, name, kind),
        }
    }

    fn zone(&mut self, zone: &str) -> Option<(String, String)> {
        if zone.is_empty() || self.zones.iter().any(|known| known == zone) {
            return None;
        }
        match Zone::find(zone) {
            Ok(_) => {
                self.zones.push(zone.to_owned());
                None
            }
            Err(message) => Some(with_remedy(
                &message,
                "write a name such as Europe/Rome, or UTC",
            )),
        }
    }

    fn wrong(&mut self, value: Val<'d>, name: &str, wanted: &str) {
        let found = value.node.value.what();
        let help = match (wanted, &value.node.value) {
            ("a duration", Value::Whole(number)) => Some(format!(
                "write the unit too: \"{number}s\" or \"{number}m\""
            )),
            ("true or false", Value::Text(_)) => {
                Some("write true or false without quotes".to_owned())
            }
            ("a whole number", Value::Text(_)) => {
                Some("write the number without quotes".to_owned())
            }
            _ => None,
        };
        let mut fault = Fault::new(
            value.place(),
            format!("`{name}` must be {wanted}, not {found}"),
        )
        .label(found);
        fault.help = help;
        self.sink.push(fault);
    }

    /// A name that must be declared somewhere.
    fn name(&mut self, value: Val<'d>, text: &'d str, what: Refers) {
        if text.is_empty() || self.knows(what, text) {
            return;
        }
        let (word, declare) = match what {
            Refers::Contact => ("contact or contact group", "[[contact]]"),
            Refers::Host => ("host", "[[host]]"),
            Refers::Group => ("group", "[[group]]"),
            Refers::CheckGroup => ("group of checks", "[[check_group]]"),
            Refers::App => ("app", "[[app]]"),
            Refers::Period => ("period", "[[period]]"),
            Refers::Profile => ("profile", "[profile.NAME]"),
            Refers::Tag => ("tag", "[limits] tags"),
            Refers::Template => ("template", "[[template]]"),
            Refers::Route => ("route", "[[route]]"),
        };
        let message = match what {
            Refers::Host if glob::is_pattern(text) => format!("no host matches `{text}`"),
            Refers::Group if !self.names.groups_declared => {
                format!("no host is in a group `{text}`")
            }
            _ => format!("there is no {word} `{text}`"),
        };
        let help = match self.nearest(what, text) {
            Some(near) => format!("did you mean `{near}`?"),
            None => match what {
                Refers::Profile => format!("declare it: [profile.{text}]"),
                Refers::Tag => {
                    format!("declare it with its limit: [limits] tags = {{ {text} = 4 }}")
                }
                Refers::Group if !self.names.groups_declared => {
                    format!("put hosts into it: groups = [\"{text}\"] in [[host]]")
                }
                _ => format!("declare it with {declare} name = \"{text}\", or correct the name"),
            },
        };
        self.sink.push(
            Fault::new(value.place(), message)
                .label("unknown name")
                .help(help)
                .follows(),
        );
    }

    fn knows(&self, what: Refers, name: &str) -> bool {
        let names = self.names;
        match what {
            Refers::Contact => {
                names.contacts.contains_key(name)
                    || names.contact_groups.contains_key(name)
                    || names.rotations.contains_key(name)
            }
            Refers::Host if glob::is_pattern(name) => {
                names.hosts.keys().any(|host| glob::matches(name, host))
            }
            Refers::Host => names.hosts.contains_key(name),
            Refers::Group if glob::is_pattern(name) => {
                names.groups.iter().any(|group| glob::matches(name, group))
            }
            Refers::Group => names.groups.contains(name),
            Refers::CheckGroup => {
                names.check_groups.is_empty() || names.check_groups.contains_key(name)
            }
            Refers::App if glob::is_pattern(name) => names.apps.iter().any(|(app, known)| {
                glob::matches(name, app)
                    || known
                        .iter()
                        .any(|(place, _)| glob::matches(name, &format!("{app}@{place}")))
            }),
            Refers::App => match name.split_once('@') {
                Some((app, environment)) => names
                    .apps
                    .get(app)
                    .is_some_and(|known| known.iter().any(|(other, _)| *other == environment)),
                None => names.apps.contains_key(name),
            },
            Refers::Period => names.periods.contains_key(name),
            Refers::Profile => names.profiles.contains(name),
            Refers::Tag => names.tags.contains(&name),
            Refers::Template => names.templates.contains_key(name),
            Refers::Route => names.routes.contains(name),
        }
    }

    fn nearest(&mut self, what: Refers, word: &str) -> Option<String> {
        let names = self.names;
        if self.sink.is_full() {
            return None;
        }
        let candidates: Vec<&str> = match what {
            Refers::Contact => names
                .contacts
                .keys()
                .chain(names.contact_groups.keys())
                .chain(names.rotations.keys())
                .copied()
                .collect(),
            Refers::Host => names.hosts.keys().copied().collect(),
            Refers::Group => names.groups.iter().copied().collect(),
            Refers::CheckGroup => names.check_groups.keys().copied().collect(),
            Refers::App if word.contains('@') => {
                let full = names.apps.iter().flat_map(|(app, known)| {
                    known
                        .iter()
                        .map(move |(environment, _)| format!("{app}@{environment}"))
                });
                let full: Vec<String> = full.collect();
                return text::did_you_mean(word, full.iter().map(String::as_str))
                    .map(str::to_owned);
            }
            Refers::App => names.apps.keys().copied().collect(),
            Refers::Period => names.periods.keys().copied().collect(),
            Refers::Profile => names.profiles.iter().copied().collect(),
            Refers::Tag => names.tags.clone(),
            Refers::Template => names.templates.keys().copied().collect(),
            Refers::Route => names.routes.iter().copied().collect(),
        };
        if MANY < candidates.len() {
            self.looks += 1;
            if 20 < self.looks {
                return None;
            }
        }
        // Names of very different length cannot be near; words of great length are not worth comparing.
        let near = candidates
            .into_iter()
            .filter(|name| name.len().abs_diff(word.len()) <= 8 && word.len() <= 100);
        text::did_you_mean(word, near).map(str::to_owned)
    }
}
