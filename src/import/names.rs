//! Which names there are, and what lists of names mean: `*`, `!name`, regular expressions, groups within groups.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
};

use super::{
    pattern::Pattern,
    resolve::{Inheritance, list},
    settings::Settings,
    source::{Faults, Place},
    words::Kind,
};
use crate::base::text::did_you_mean;

/// Names of one kind in their order.
#[derive(Default)]
pub struct Index {
    pub names: Vec<String>,
    pub at: HashMap<String, u32>,
    /// The object of each.
    pub objects: Vec<usize>,
}

/// Whether patterns are looked for, and in which names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Regex {
    Off,
    /// Names with `*`, `?`, `+` or `\.` (use_regexp_matching).
    Wild,
    /// All names (use_true_regexp_matching).
    All,
}

/// What a list of names means.
#[derive(Clone, Debug, Default)]
pub struct Picked {
    /// As it can be written: names and `*`.
    pub include: Vec<String>,
    pub exclude: Vec<String>,
    /// Those that are left.
    pub members: BTreeSet<u32>,
    /// Those that are taken out, of groups beside this list as well.
    pub out: BTreeSet<u32>,
    /// A regular expression was replaced by the names it finds.
    pub was_expanded: bool,
}

pub struct Names<'n, 'o, 'a> {
    pub inheritance: &'n Inheritance<'o, 'a>,
    kinds: HashMap<Kind, Index>,
    /// Hosts of each host group, groups within it included.
    pub members: HashMap<String, BTreeSet<u32>>,
    regex: Regex,
    /// Unknown names that were told of, so that many services do not say the same.
    told: RefCell<usize>,
}

/// After so many unknown names no more remedies are looked for.
const MAX_REMEDIES: usize = 200;

impl<'n, 'o, 'a> Names<'n, 'o, 'a> {
    pub fn new(
        inheritance: &'n Inheritance<'o, 'a>,
        settings: &Settings<'_>,
        faults: &mut Faults,
    ) -> Self {
        let mut names = Self {
            inheritance,
            kinds: HashMap::new(),
            members: HashMap::new(),
            regex: match (
                settings.flag("use_true_regexp_matching", false),
                settings.flag("use_regexp_matching", false),
            ) {
                (true, _) => Regex::All,
                (_, true) => Regex::Wild,
                _ => Regex::Off,
            },
            told: RefCell::new(0),
        };
        for (at, object) in inheritance.objects.iter().enumerate() {
            let Some(directive) = object.kind.name_directive().filter(|_| object.is_real()) else {
                continue;
            };
            let Some(name) = inheritance.text(at, directive) else {
                faults.push(
                    object.place,
                    format!("this {} has no {directive}", object.kind.word()),
                    format!("add `{directive}`, or `register 0` if it is a template"),
                );
                continue;
            };
            let index = names.kinds.entry(object.kind).or_default();
            let number = u32::try_from(index.names.len()).expect("fewer than 2^32 names");
            if let Some(first) = index.at.get(&*name) {
                let first = inheritance.objects[index.objects[*first as usize]].place;
                faults.push(
                    object.place_of(directive),
                    format!("two {}s are named `{name}`", object.kind.word()),
                    format!(
                        "the first is defined in line {}; rename or remove one",
                        first.line
                    ),
                );
                continue;
            }
            index.at.insert(name.clone().into_owned(), number);
            index.names.push(name.into_owned());
            index.objects.push(at);
        }
        names.fill_groups(faults);
        names
    }

    pub fn index(&self, kind: Kind) -> Option<&Index> {
        self.kinds.get(&kind)
    }

    pub fn has(&self, kind: Kind, name: &str) -> bool {
        self.index(kind)
            .is_some_and(|index| index.at.contains_key(name))
    }

    pub fn host_name(&self, host: u32) -> &str {
        &self.kinds[&Kind::Host].names[host as usize]
    }

    /// Says so when there is no such name.
    pub fn check(&self, kind: Kind, name: &str, place: Place, faults: &mut Faults) -> bool {
        let found = self.has(kind, name);
        if !found {
            self.unknown(kind, name, place, faults);
        }
        found
    }

    fn unknown(&self, kind: Kind, name: &str, place: Place, faults: &mut Faults) {
        *self.told.borrow_mut() += 1;
        let near = self
            .index(kind)
            .filter(|_| *self.told.borrow() < MAX_REMEDIES)
            .and_then(|index| did_you_mean(name, index.names.iter().map(String::as_str)));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "define it, or remove the name here: Nagios refuses it too ({})",
                kind.word()
            ),
        };
        faults.push(place, format!("there is no {} `{name}`", kind.word()), help);
    }

    fn pattern(&self, name: &str) -> bool {
        match self.regex {
            Regex::Off => false,
            Regex::Wild => name.contains(['*', '?', '+']) || name.contains("\\."),
            Regex::All => true,
        }
    }

    /// The names of one kind that a list means.
    pub fn pick(&self, kind: Kind, text: &str, place: Place, faults: &mut Faults) -> Picked {
        let empty = Index::default();
        let index = self.index(kind).unwrap_or(&empty);
        if let Some(picked) = self.pick_one(index, text.trim()) {
            return picked;
        }
        let mut picked = Picked::default();
        let mut out = BTreeSet::new();
        for item in list(text) {
            let (is_out, name) = match item.strip_prefix('!') {
                Some(name) => (true, name.trim()),
                None => (false, item),
            };
            let (mut found, mut shown) = (BTreeSet::new(), vec![name.to_owned()]);
            if name == "*" {
                found.extend(0..u32::try_from(index.names.len()).expect("fewer than 2^32 names"));
            } else if let Some(at) = index.at.get(name).filter(|_| !self.pattern(name)) {
                found.insert(*at);
            } else if self.pattern(name) {
                match Pattern::parse(name) {
                    Ok(pattern) => {
                        found.extend(
                            (0..)
                                .zip(&index.names)
                                .filter(|(_, name)| pattern.found_in(name))
                                .map(|(at, _)| at),
                        );
                        // Lists of hosts know `*`; all other lists get the names that are found today.
                        match glob(name).filter(|_| kind == Kind::Host) {
                            Some(glob) => shown = vec![glob],
                            None => {
                                shown = found
                                    .iter()
                                    .map(|at| index.names[*at as usize].clone())
                                    .collect();
                                picked.was_expanded |= shown != [name];
                            }
                        }
                        if found.is_empty() && !is_out {
                            self.unknown(kind, name, place, faults);
                        }
                    }
                    Err(why) => faults.push(
                        place,
                        format!("`{name}` is not a regular expression: {why}"),
                        "correct it, or set use_regexp_matching=0 in the main file",
                    ),
                }
            } else {
                self.unknown(kind, name, place, faults);
                continue;
            }
            if is_out {
                out.extend(found);
                picked.exclude.extend(shown);
            } else {
                picked.members.extend(found);
                picked.include.extend(shown);
            }
        }
        for list in [&mut picked.include, &mut picked.exclude] {
            let mut seen = BTreeSet::new();
            list.retain(|name| seen.insert(name.clone()));
        }
        picked.members = &picked.members - &out;
        picked.out = out;
        picked
    }

    /// One plain name, which most lists are; None where it is anything else.
    fn pick_one(&self, index: &Index, name: &str) -> Option<Picked> {
        let is_plain = !name.starts_with('!') && name != "*" && !name.contains(',');
        let at = index
            .at
            .get(name)
            .filter(|_| is_plain && !self.pattern(name))?;
        Some(Picked {
            include: vec![name.to_owned()],
            members: BTreeSet::from([*at]),
            ..Picked::default()
        })
    }

    /// Hosts of the groups a list means, and the groups as they can be written. `!group` takes its hosts out.
    pub fn pick_groups(
        &self,
        text: &str,
        place: Place,
        faults: &mut Faults,
    ) -> (Picked, BTreeSet<u32>) {
        let empty = Index::default();
        let index = self.index(Kind::HostGroup).unwrap_or(&empty);
        let mut picked = self.pick(Kind::HostGroup, text, place, faults);
        if picked.include.iter().any(|name| name == "*") {
            // Names of groups have no patterns in a check.
            picked.include.clone_from(&index.names);
            picked.was_expanded = true;
        }
        let hosts = |names: &[String]| -> BTreeSet<u32> {
            names
                .iter()
                .filter_map(|name| self.members.get(name))
                .flatten()
                .copied()
                .collect()
        };
        let out = hosts(&picked.exclude);
        picked.members = hosts(&picked.include);
        (picked, out)
    }

    /// Members come from both sides, and from groups within groups.
    fn fill_groups(&mut self, faults: &mut Faults) {
        let Some(groups) = self.kinds.get(&Kind::HostGroup) else {
            return;
        };
        let inheritance = self.inheritance;
        let mut members: Vec<BTreeSet<u32>> = vec![BTreeSet::new(); groups.names.len()];
        let mut within: Vec<Vec<u32>> = vec![Vec::new(); groups.names.len()];
        for (at, object) in groups.objects.iter().enumerate() {
            if let Some(said) = inheritance.effective(*object, "members")
                && let Some(text) = &said.text
            {
                members[at] = self.pick(Kind::Host, text, said.place, faults).members;
            }
            if let Some(said) = inheritance.effective(*object, "hostgroup_members")
                && let Some(text) = &said.text
            {
                let picked = self.pick(Kind::HostGroup, text, said.place, faults);
                within[at] = picked.members.into_iter().collect();
            }
        }
        if let Some(hosts) = self.kinds.get(&Kind::Host) {
            for (host, object) in (0_u32..).zip(&hosts.objects) {
                let Some(said) = inheritance.effective(*object, "hostgroups") else {
                    continue;
                };
                let Some(text) = &said.text else { continue };
                for group in self.pick(Kind::HostGroup, text, said.place, faults).members {
                    members[group as usize].insert(host);
                }
            }
        }
        let mut done: Vec<Option<BTreeSet<u32>>> = vec![None; members.len()];
        for at in 0..members.len() {
            self.nest(at, &members, &within, &mut done, &mut Vec::new(), faults);
        }
        self.members = groups
            .names
            .iter()
            .cloned()
            .zip(done.into_iter().map(Option::unwrap_or_default))
            .collect();
    }

    fn nest(
        &self,
        at: usize,
        members: &[BTreeSet<u32>],
        within: &[Vec<u32>],
        done: &mut Vec<Option<BTreeSet<u32>>>,
        open: &mut Vec<usize>,
        faults: &mut Faults,
    ) {
        if done[at].is_some() {
            return;
        }
        open.push(at);
        let mut all = members[at].clone();
        for inner in &within[at] {
            let inner = *inner as usize;
            if open.contains(&inner) {
                let object = self.kinds[&Kind::HostGroup].objects[at];
                faults.push(
                    self.inheritance.objects[object].place_of("hostgroup_members"),
                    "host groups hold one another in a circle",
                    "remove one of these hostgroup_members",
                );
                continue;
            }
            self.nest(inner, members, within, done, open, faults);
            all.extend(done[inner].iter().flatten());
        }
        open.pop();
        done[at] = Some(all);
    }
}

/// The pattern with `*` that finds what this regular expression finds; None where there is none. `web.*` is found
/// anywhere in a name, so it is `*web*`.
fn glob(pattern: &str) -> Option<String> {
    let (start, rest) = match pattern.strip_prefix('^') {
        Some(rest) => ("", rest),
        None => ("*", pattern),
    };
    let (rest, end) = match rest.strip_suffix('$') {
        Some(rest) if !rest.ends_with('\\') => (rest, ""),
        _ => (rest, "*"),
    };
    let plain = rest.replace(".*", "*").replace("\\.", "\u{0}");
    if plain.contains(|c: char| "\\^$.|?+()[]{}".contains(c)) || rest.contains("**") {
        return None;
    }
    // A `*` that is left of nothing but itself repeats a letter.
    if rest.replace(".*", "").contains('*') {
        return None;
    }
    let mut glob = format!("{start}{plain}{end}").replace('\u{0}', ".");
    while glob.contains("**") {
        glob = glob.replace("**", "*");
    }
    Some(glob)
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn simple_expressions_become_patterns() {
        for (regex, expected) in [
            ("web.*", Some("*web*")),
            ("^web.*$", Some("web*")),
            ("^mail\\..*$", Some("mail.*")),
            ("^web-1$", Some("web-1")),
            ("web[12]+", None),
            ("ab*", None),
            ("a.c", None),
            (".*", Some("*")),
        ] {
            assert_eq!(glob(regex).as_deref(), expected, "{regex}");
        }
    }
}
