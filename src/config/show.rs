//! Every effective value of a host or a check, and where it comes from.

use super::{
    build::Loaded,
    fault::Sink,
    itself,
    keys::{self, Key, Kind, Spec},
    names::{Names, Raw},
    pieces,
    read::Doc,
    source::Sources,
    templates::{Stack, Templates},
    value::Val,
};
use crate::{
    base::text::did_you_mean,
    domain::model::{state::ObjectName, written::FROM_HOST},
};

/// One value as it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    pub key: String,
    /// As written in the file, or the default as it would be written.
    pub value: String,
    /// The file it comes from; None: it is the default.
    pub file: Option<String>,
    /// The line in that file, from 1; 0 for defaults.
    pub line: usize,
}

/// Every effective value of `HOST` or `HOST/CHECK`, in the order of the manual. The error is a sentence.
pub fn show(loaded: &Loaded, name: &str) -> Result<Vec<Effective>, String> {
    let inventory = &loaded.inventory;
    let object = ObjectName::parse(name);
    let host = inventory.find_host(&object.host).ok_or_else(|| {
        let near = did_you_mean(&object.host, inventory.hosts.iter().map(|host| &*host.name));
        format!("there is no host `{}`{}", object.host, hint(near))
    })?;
    let found = inventory.find(&object).ok_or_else(|| {
        let wanted = object.check.as_deref().unwrap_or_default();
        let names = inventory
            .checks_of(host)
            .filter_map(|check| inventory.check(check))
            .map(|check| &*check.name);
        format!(
            "host `{}` has no check `{wanted}`{}",
            object.host,
            hint(did_you_mean(wanted, names))
        )
    })?;
    // Texts are parsed again: this is rare, and keeping every table would cost memory all the time.
    let sources = &loaded.provenance.sources;
    let docs: Vec<Doc<'_>> = sources
        .files
        .iter()
        .zip(0..)
        .map(|(source, file)| Doc {
            file,
            root: pieces::parse(&source.text).0,
            errors: Vec::new(),
        })
        .collect();
    let mut ignored = Sink::default();
    let own = itself::tables(&docs);
    let mut raw = Raw::collect(&docs);
    if let Some(own) = &own {
        own.add(&mut raw, &mut ignored);
    }
    let names = Names::collect(&raw, &mut ignored);
    let templates = Templates::collect(&names, &raw.root, &mut ignored);
    let host_stack = names
        .hosts
        .get(&*object.host)
        .map(|at| templates.of_host(raw.hosts[*at]))
        .ok_or_else(|| format!("there is no host `{}`", object.host))?;
    if inventory.is_host(found) {
        return Ok(values(&keys::HOST, &host_stack, None, sources));
    }
    let check = found.0 as usize - inventory.hosts.len();
    let table = loaded
        .provenance
        .tables
        .get(check)
        .and_then(|table| raw.checks.get(*table as usize));
    let table = table.ok_or("where the values come from was not kept")?;
    Ok(values(
        &keys::CHECK,
        &templates.of_check(*table),
        Some(&host_stack),
        sources,
    ))
}

fn hint(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

fn values(
    spec: &'static Spec,
    stack: &Stack<'_>,
    host: Option<&Stack<'_>>,
    sources: &Sources,
) -> Vec<Effective> {
    let mut all = Vec::new();
    for key in spec.keys().filter(|key| key.name != "use") {
        if let Kind::Map(_) = key.kind {
            for (name, value) in stack.layers.map(key.name) {
                all.push(given(format!("{}.{name}", key.name), value, sources));
            }
            continue;
        }
        match effective(key, stack, host) {
            Some(value) => all.push(given(key.name.to_owned(), value, sources)),
            None => all.extend(default(key, spec, stack)),
        }
    }
    all
}

/// The value that counts: as [`super::checks`] hands it down.
fn effective<'d>(key: &Key, stack: &Stack<'d>, host: Option<&Stack<'d>>) -> Option<Val<'d>> {
    let inherits = host.filter(|_| FROM_HOST.contains(&key.name));
    stack
        .specific(key.name)
        .or_else(|| inherits?.specific(key.name))
        .or_else(|| stack.layers.get(key.name))
        .or_else(|| inherits?.layers.get(key.name))
        .filter(|_| !superseded(key.name, stack))
}

/// Of `every` and `cron` the nearer one counts.
fn superseded(key: &str, stack: &Stack<'_>) -> bool {
    let depth = |key: &str| stack.layers.depth(key).unwrap_or(usize::MAX);
    match key {
        "every" => depth("cron") < depth("every"),
        "cron" => depth("every") < depth("cron"),
        _ => false,
    }
}

fn given(key: String, value: Val<'_>, sources: &Sources) -> Effective {
    let place = value.place();
    Effective {
        key,
        value: sources.slice(&place).to_owned(),
        file: Some(sources.shown(place.file).to_owned()),
        line: sources.line_and_column(&place).0,
    }
}

fn default(key: &Key, spec: &'static Spec, stack: &Stack<'_>) -> Option<Effective> {
    let value = match key.name {
        "timeout" if std::ptr::eq(spec, &keys::HOST) => "\"30s\"".to_owned(),
        "every" if superseded("every", stack) => return None,
        "address" | "alias" => format!("{:?}", stack.layers.text("name").unwrap_or_default()),
        _ => key.written_default()?,
    };
    Some(Effective {
        key: key.name.to_owned(),
        value,
        file: None,
        line: 0,
    })
}
