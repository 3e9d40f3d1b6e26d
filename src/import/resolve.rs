//! Inheritance as Nagios does it: own directives, then the templates of `use` in their order; `null` and `+`.

use std::{borrow::Cow, collections::HashMap};

use super::{
    objects::Object,
    source::{Faults, Place},
    words::Kind,
};
use crate::base::text::did_you_mean;

/// What an object has in the end for one directive.
#[derive(Clone, Debug)]
pub struct Effective<'o> {
    /// None: `null`, which means nothing and ends inheritance.
    pub text: Option<Cow<'o, str>>,
    /// The list begins with `+`: what templates have comes first.
    plus: bool,
    /// Where it is said; of a joined list its last part.
    pub place: Place,
}

/// Directives whose lists may begin with `+`.
const ADDITIVE: &[&str] = &[
    "parents",
    "hostgroups",
    "contacts",
    "contact_groups",
    "contactgroups",
    "host_name",
    "hostgroup_name",
    "servicegroups",
    "servicegroup_name",
    "members",
    "dependent_host_name",
    "dependent_hostgroup_name",
    "dependent_servicegroup_name",
];

/// Never handed down.
const OWN_ONLY: &[&str] = &["name", "register", "use"];

/// All objects, and what each template hands down.
pub struct Inheritance<'o, 'a> {
    pub objects: &'o [Object<'a>],
    templates: HashMap<(Kind, &'o str), usize>,
    /// For each template all it has.
    handed: HashMap<usize, HashMap<&'o str, Effective<'o>>>,
    /// The templates each object uses, those that exist.
    uses: Vec<Vec<usize>>,
    /// Whether an object is real, or a template of one that is.
    live: Vec<bool>,
}

impl Effective<'_> {
    /// Whether the list begins with `+` still, when all templates were asked: escalations add what their objects have.
    pub const fn is_additive(&self) -> bool {
        self.plus
    }
}

impl<'o, 'a> Inheritance<'o, 'a> {
    pub fn new(objects: &'o [Object<'a>], faults: &mut Faults) -> Self {
        let mut templates: HashMap<(Kind, &'o str), usize> = HashMap::new();
        for (at, object) in objects.iter().enumerate() {
            let Some(name) = object.text("name") else {
                continue;
            };
            if let Some(first) = templates.insert((object.kind, name), at) {
                faults.push(
                    object.place_of("name"),
                    format!("two {} templates are named `{name}`", object.kind.word()),
                    format!(
                        "the first is in line {}; rename or remove one",
                        objects[first].place.line
                    ),
                );
            }
        }
        let mut all = Self {
            objects,
            templates,
            handed: HashMap::new(),
            uses: Vec::with_capacity(objects.len()),
            live: vec![false; objects.len()],
        };
        for object in objects {
            let used = all.used(object, faults);
            all.uses.push(used);
        }
        let mut open = Vec::new();
        for (at, object) in objects.iter().enumerate() {
            if object.own("name").is_some() {
                all.hand(at, &mut open, faults);
            }
        }
        let mut open: Vec<usize> = (0..objects.len())
            .filter(|at| objects[*at].is_real())
            .collect();
        while let Some(at) = open.pop() {
            if !std::mem::replace(&mut all.live[at], true) {
                open.extend(&all.uses[at]);
            }
        }
        all
    }

    /// False for a template that no object uses: Nagios never looks at the names in it.
    pub fn is_live(&self, at: usize) -> bool {
        self.live[at]
    }

    fn used(&self, object: &Object<'a>, faults: &mut Faults) -> Vec<usize> {
        let mut used = Vec::new();
        for name in list(object.text("use").unwrap_or_default()) {
            if let Some(at) = self.templates.get(&(object.kind, name)) {
                used.push(*at);
                continue;
            }
            let same = self
                .templates
                .keys()
                .filter(|(kind, _)| *kind == object.kind);
            let help = match did_you_mean(name, same.map(|(_, name)| *name)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "define a {} with `name {name}`, or remove the word",
                    object.kind.word()
                ),
            };
            faults.push(
                object.place_of("use"),
                format!("there is no {} template `{name}`", object.kind.word()),
                help,
            );
        }
        used
    }

    /// The templates of an object, in their order.
    pub fn uses(&self, at: usize) -> &[usize] {
        &self.uses[at]
    }

    /// Makes what template `at` hands down, templates of its own first.
    fn hand(&mut self, at: usize, open: &mut Vec<usize>, faults: &mut Faults) {
        if self.handed.contains_key(&at) {
            return;
        }
        open.push(at);
        let mut circular = Vec::new();
        for used in self.uses[at].clone() {
            if open.contains(&used) {
                circular.push(used);
            } else {
                self.hand(used, open, faults);
            }
        }
        if !circular.is_empty() {
            // Nagios stops silently here, so some directives are missing and nobody knows why.
            faults.push(
                self.objects[at].place_of("use"),
                "templates use one another in a circle",
                "remove one of these `use`",
            );
            self.uses[at].retain(|used| !circular.contains(used));
        }
        open.pop();
        let object = &self.objects[at];
        let mut keys: Vec<&'o str> = object.entries.iter().map(|entry| &*entry.key).collect();
        for used in &self.uses[at] {
            keys.extend(
                self.handed
                    .get(used)
                    .into_iter()
                    .flat_map(|has| has.keys().copied()),
            );
        }
        keys.sort_unstable();
        keys.dedup();
        let has = keys
            .into_iter()
            .filter(|key| !OWN_ONLY.contains(key))
            .filter_map(|key| Some((key, self.raw(at, key)?)))
            .collect();
        self.handed.insert(at, has);
    }

    /// What the object has, its `+` and important mark still on it.
    fn raw(&self, at: usize, key: &str) -> Option<Effective<'o>> {
        let object = &self.objects[at];
        let handed = self.uses[at]
            .iter()
            .filter_map(|used| self.handed.get(used)?.get(key));
        let own = object.own(key).map(|entry| {
            let null = entry.value == "null";
            let added = entry
                .value
                .strip_prefix('+')
                .filter(|_| ADDITIVE.contains(&key));
            Effective {
                plus: added.is_some(),
                text: (!null).then(|| Cow::Borrowed(added.map_or(&*entry.value, str::trim))),
                place: entry.place,
            }
        });
        if key == "check_command" && object.kind == Kind::Service {
            // An important command of a template overrides the service's own.
            let important = |effective: &&Effective<'o>| {
                effective
                    .text
                    .as_ref()
                    .is_some_and(|text| text.starts_with('!'))
            };
            if let Some(effective) = handed.clone().find(important) {
                return Some(effective.clone());
            }
        }
        let mut has = own;
        for from in handed {
            match &mut has {
                None => has = Some(from.clone()),
                Some(has) if has.plus => {
                    let (Some(first), Some(last)) = (&from.text, &has.text) else {
                        continue;
                    };
                    has.text = Some(Cow::Owned(format!("{first},{last}")));
                    has.plus = from.plus;
                }
                Some(_) => break,
            }
        }
        has
    }

    /// What the object has in the end. None: neither it nor a template says anything.
    pub fn effective(&self, at: usize, key: &str) -> Option<Effective<'o>> {
        let mut effective = self.raw(at, key)?;
        if key == "check_command"
            && let Some(text) = &effective.text
            && let Some(rest) = text.strip_prefix('!')
        {
            effective.text = Some(Cow::Owned(rest.to_owned()));
        }
        Some(effective)
    }

    /// The text of a directive; None where it is not said, `null` or empty.
    pub fn text(&self, at: usize, key: &str) -> Option<Cow<'o, str>> {
        self.effective(at, key)?
            .text
            .filter(|text| !text.is_empty())
    }

    /// All custom variables of an object, by name with its `_`.
    pub fn variables(&self, at: usize) -> Vec<&'o str> {
        let own = self.objects[at].entries.iter().map(|entry| &*entry.key);
        let handed = self.uses[at]
            .iter()
            .filter_map(|used| self.handed.get(used))
            .flat_map(|has| has.keys().copied());
        let mut names: Vec<&'o str> = own
            .chain(handed)
            .filter(|key| key.starts_with('_'))
            .collect();
        let mut seen = std::collections::HashSet::new();
        names.retain(|name| seen.insert(*name));
        names
    }
}

/// The parts of a list separated by commas, without empty ones.
pub fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}
