//! The printed JSON Schema, in a real validator: it accepts what the loader accepts, and refuses unknown keys and
//! wrong types as the loader does.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use boon::{Compiler, SchemaIndex, Schemas};
use deploywatch::config::{
    self, Secrets,
    keys::{Kind, ROOT, Refers, Spec},
};
use serde_json::Value;

struct Validator {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Validator {
    fn new() -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        let at = "deploywatch.schema.json";
        compiler
            .add_resource(at, config::schema())
            .expect("the schema is a resource");
        let index = compiler
            .compile(at, &mut schemas)
            .unwrap_or_else(|error| panic!("not a schema: {error:#}"));
        Self { schemas, index }
    }

    /// The fault that the schema finds in a file's text.
    fn fault(&self, text: &str) -> Option<String> {
        let table: toml::Table = toml::from_str(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let value = json(&toml::Value::Table(table));
        let checked = self.schemas.validate(&value, self.index);
        checked.err().map(|error| format!("{error:#}"))
    }
}

/// As editors see TOML: dates are texts of their own kind, which no key of ours takes.
fn json(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.as_str().into(),
        toml::Value::Integer(whole) => (*whole).into(),
        toml::Value::Float(float) => (*float).into(),
        toml::Value::Boolean(flag) => (*flag).into(),
        toml::Value::Datetime(_) => Value::Null,
        toml::Value::Array(list) => list.iter().map(json).collect(),
        toml::Value::Table(table) => table
            .iter()
            .map(|(key, value)| (key.clone(), json(value)))
            .collect(),
    }
}

fn toml_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("shipped with the sources") {
        let path = entry.expect("shipped with the sources").path();
        if path.is_dir() {
            toml_files(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "toml") {
            found.push(path);
        }
    }
}

#[test]
fn shipped_files_fit() {
    let validator = Validator::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for directory in ["examples", "checks"] {
        toml_files(&root.join(directory), &mut files);
    }
    assert!(files.len() > 3, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).expect("UTF-8");
        if let Some(fault) = validator.fault(&text) {
            panic!("{}: {fault}", file.display());
        }
    }
}

#[test]
fn slips_are_refused() {
    let validator = Validator::new();
    for text in [
        "chek = []",
        "[daemon]\nlisten_on = \"127.0.0.1:1\"",
        "[daemon]\nlisten = 8420",
        "[[check]]\nname = \"a\"\nevery = 60",
        "[[check]]\nname = \"a\"\nevery = \"sixty\"",
        "[[check]]\nname = \"a\"\nattempts = \"3\"",
        "[[check]]\nevery = \"60s\"",
        "[check]\nname = \"a\"",
        "[[contact]]\nname = \"a\"\nslack = \"https://hooks.example.org/x\"",
        "[[contact]]\nname = \"a\"\npagerduty = { routing_key = \"x\" }",
        "[[app]]\nname = \"a\"\nrisk = \"huge\"",
        "[profile.p]\numask = 18",
        "[[host]]\nname = \"h\"\nvars = { a = [1] }",
    ] {
        assert!(validator.fault(text).is_some(), "{text}");
    }
}

/// What names in the samples refer to.
const DECLARED: &str = "include = [\"part.toml\"]
[itself]
[limits]
tags = { t = 4 }
[profile.p]
nice = 1
[[contact]]
name = \"c\"
email = \"c@example.org\"
[[period]]
name = \"n\"
[[app]]
name = \"a\"
[[group]]
name = \"g\"
[[host]]
name = \"h\"
groups = [\"g\"]
[[template]]
name = \"b\"
[[check]]
name = \"k\"
hosts = \"h\"
command = \"true\"
[[check_group]]
name = \"s\"
[[route]]
name = \"r\"
contacts = \"c\"
";

/// Values of every shape; `good` gives those a kind takes.
const SHAPES: &[&str] = &[
    "\"\"",
    "\"x\"",
    "0",
    "-1",
    "7",
    "1.5",
    "true",
    "1979-05-27",
    "[]",
    "[\"x\"]",
    "[1]",
    "{}",
    "{ x = 1 }",
    "[{}]",
    "\"15s\"",
    "\" 1h30m \"",
    "\"0s\"",
    "\"64 KB\"",
    "\" 2GiB\"",
    "\"022\"",
    "\"UTC\"",
    "\"127.0.0.1:80\"",
    "\"*/5 * * * *\"",
    "\"2026-12-24 18:00\"",
    "\"2026-12-24\"",
    "\"08:30\"",
    "\"7d\"",
    "\"h\"",
    "\"h/k\"",
    "\"email\"",
    "\"DISABLE_HOST_CHECK;h\"",
    "\"c@example.org\"",
];

fn good(kind: &Kind) -> Vec<String> {
    let named = |what: &Refers| match what {
        Refers::Contact => "\"c\"",
        Refers::Host => "\"h\"",
        Refers::Group => "\"g\"",
        Refers::App => "\"a\"",
        Refers::Period => "\"n\"",
        Refers::Profile => "\"p\"",
        Refers::Tag => "\"t\"",
        Refers::Template => "\"b\"",
        Refers::CheckGroup => "\"s\"",
        Refers::Route => "\"r\"",
    };
    let quoted = |words: &[&str]| words.iter().map(|word| format!("\"{word}\"")).collect();
    let listed = |values: Vec<String>| {
        let list = format!("[{}]", values.join(", "));
        [values, vec![list]].concat()
    };
    match kind {
        Kind::OneOf(words) => quoted(words),
        Kind::SomeOf(words) => listed(quoted(words)),
        Kind::Name(what) => vec![named(what).to_owned()],
        Kind::Names(what) => listed(vec![named(what).to_owned()]),
        Kind::Selected(what) => {
            let name = named(what);
            let out = format!("\"!{}\"", name.trim_matches('"'));
            listed(vec![name.to_owned(), out])
        }
        Kind::Table(spec) => {
            let needed: Vec<String> = spec
                .keys()
                .filter(|key| key.required)
                .map(|key| format!("{} = {}", key.name, filler(&key.kind)))
                .collect();
            vec![format!("{{ {} }}", needed.join(", "))]
        }
        Kind::SpanOr(words) => words.iter().map(|word| format!("\"{word}\"")).collect(),
        Kind::Listens => listed(quoted(&["127.0.0.1:80", "[::1]:80"])),
        Kind::Url => quoted(&["http://x", "https://x/y"]),
        Kind::Whole(low, high) => vec![low.to_string(), high.to_string()],
        Kind::Percent => vec!["0".to_owned(), "10".to_owned(), "25.5".to_owned()],
        _ => Vec::new(),
    }
}

/// Keys that a table cannot do without for other reasons than its shape.
fn needed(table: &str, key: &str) -> &'static [(&'static str, &'static str)] {
    match (table, key) {
        ("[[check]]", _) => &[("hosts", "[\"h\"]"), ("command", "\"true\"")],
        ("[[token]]", key) if !key.starts_with("secret") => &[("secret_file", "\"x\"")],
        ("[[marker]]", "address") => &[("kind", "\"statsd\"")],
        ("[[marker]]", key) if key.starts_with("token") => {
            &[("kind", "\"grafana\""), ("url", "\"http://x\"")]
        }
        ("[[marker]]", key) if key.starts_with("routing_key") => {
            &[("kind", "\"pagerduty_change\"")]
        }
        ("[[marker]]", _) => &[("kind", "\"graphite\""), ("url", "\"http://x\"")],
        ("[deploys.source.NAME]", key) if key != "kind" => &[("kind", "\"deployinator\"")],
        ("[[freeze]]", "from") => &[("until", "\"2026-12-27 06:00\"")],
        ("[[freeze]]", key) if key != "until" => &[("period", "\"n\"")],
        ("[[rotation]]", "calendar") => &[("otherwise", "\"c\"")],
        ("[[rotation]]", "otherwise" | "people") => {
            &[("calendar", "{ file = \"x\" }"), ("otherwise", "\"c\"")]
        }
        ("[[rotation]]", _) => &[
            ("members", "\"c\""),
            ("handover", "\"08:30\""),
            ("since", "\"2026-12-24\""),
        ],
        ("calendar", "refresh" | "stale_after") => &[("file", "\"x\"")],
        ("[[rotation.override]]", _) => &[
            ("from", "\"2026-12-01 18:00\""),
            ("until", "\"2026-12-27 06:00\""),
        ],
        ("a step", _) => &[("after", "\"15m\"")],
        ("[[test]]", "start") => &[
            ("timezone", "\"UTC\""),
            ("steps", "[{ host = \"h\" }]"),
            ("expect", "[{ told = \"c\" }]"),
        ],
        ("[[test]]", _) => &[
            ("start", "\"2026-03-02T10:00:00Z\""),
            ("steps", "[{ host = \"h\" }]"),
            ("expect", "[{ told = \"c\" }]"),
        ],
        ("[[test.steps]]", "state" | "output") => &[("host", "\"h\"")],
        ("[[test.steps]]", "by" | "comment") => &[("ack", "\"h\"")],
        ("[[test.steps]]", "downtime") => &[("for", "\"15s\"")],
        (
            "[[test.steps]]",
            "phase" | "id" | "version" | "hosts" | "groups" | "risk" | "kind" | "labels" | "paths"
            | "rollback_of",
        ) => &[("deploy", "\"a\"")],
        ("[[test.steps]]", "at" | "for") => &[("host", "\"h\"")],
        ("[[test.expect]]", "told" | "not_told" | "nobody" | "held") => &[],
        ("[[test.expect]]", "deploy") => &[("told", "\"c\"")],
        ("[[test.expect]]", _) => &[("told", "\"c\"")],
        ("store", "warning") => &[("critical", "\"1d\"")],
        ("[canary]", "every") => &[("contacts", "\"c\"")],
        ("[dead_man]", key) if !key.starts_with("ping_url") => &[("file", "\"x\"")],
        ("[answers]", key) if key.starts_with("secret") => &[("url", "\"http://x\"")],
        ("[answers]", "reply_delimiter") => {
            &[("secret_file", "\"x\""), ("reply_to", "\"a@b.example\"")]
        }
        ("[answers]", key) if key != "url" => &[("secret_file", "\"x\""), ("url", "\"http://x\"")],
        ("[answers]", _) => &[("secret_file", "\"x\"")],
        ("[smtp]", "username") => &[("password_file", "\"x\"")],
        ("[smtp]", key) if key.starts_with("password") => &[("username", "\"x\"")],
        ("command", "timeout") => &[("check", "\"true\"")],
        ("pagerduty", "url") => &[("routing_key_file", "\"x\"")],
        ("teams" | "mattermost" | "rocketchat" | "discord" | "google_chat", "timeout") => {
            &[("webhook_url_file", "\"x\"")]
        }
        ("ntfy", key) if !key.starts_with("topic") => &[("topic_file", "\"x\"")],
        ("pushover", key) if key.starts_with("token") => &[("user_key_file", "\"x\"")],
        ("pushover", key) if key.starts_with("user_key") => &[("token_file", "\"x\"")],
        ("pushover", _) => &[("token_file", "\"x\""), ("user_key_file", "\"x\"")],
        ("opsgenie" | "victorops", key) if !key.starts_with("api_key") => {
            &[("api_key_file", "\"x\"")]
        }
        ("telegram", key) if key.starts_with("token") => &[("chat", "\"1\"")],
        ("telegram", _) => &[("token_file", "\"x\""), ("chat", "\"1\"")],
        ("matrix" | "twilio", key) if !key.starts_with("token") => &[("token_file", "\"x\"")],
        ("alertmanager", "username") => &[("token_file", "\"x\"")],
        ("syslog", "facility" | "timeout") => &[("address", "\"udp://127.0.0.1:514\"")],
        _ => &[],
    }
}

/// Walks over all tables that a file may hold.
struct Walk {
    validator: Validator,
    directory: tempfile::TempDir,
    tried: usize,
    /// Keys of which the loader took no sample.
    never: BTreeSet<String>,
}

impl Walk {
    /// `wrap` puts the body of this table, such as `name = "x", every = "1m"`, into a file.
    fn table(&mut self, spec: &'static Spec, wrap: &dyn Fn(&str) -> String) {
        for key in spec.keys() {
            // What a table needs beside the key at hand.
            let more = needed(spec.title, key.name).iter();
            let more = more.filter(|(name, _)| *name != key.name);
            let better = |name: &str| more.clone().any(|(other, _)| *other == name);
            let mut others: Vec<String> = spec
                .keys()
                .filter(|other| other.required && other.name != key.name && !better(other.name))
                .map(|other| format!("{} = {}", other.name, filler(&other.kind)))
                .collect();
            others.extend(more.map(|(name, value)| format!("{name} = {value}")));
            let others = others.join(", ");
            let inside = |body: &str| {
                let comma = if others.is_empty() || body.is_empty() {
                    ""
                } else {
                    ", "
                };
                wrap(&format!("{others}{comma}{body}"))
            };
            let with = |value: &str| inside(&format!("{} = {value}", key.name));
            self.kind(&key.kind, &format!("{} {}", spec.title, key.name), &with);
        }
        self.check(spec.title, &wrap("no_such_key = 1"));
    }

    fn kind(&mut self, kind: &'static Kind, what: &str, with: &dyn Fn(&str) -> String) {
        let samples = SHAPES.iter().map(|shape| (*shape).to_owned());
        let samples: Vec<String> = samples.chain(good(kind)).collect();
        let mut taken = 0;
        for sample in &samples {
            taken += usize::from(self.check(what, &with(sample)));
        }
        if taken == 0 {
            self.never.insert(what.to_owned());
        }
        match kind {
            Kind::Table(spec) => self.table(spec, &|body| with(&format!("{{ {body} }}"))),
            Kind::Tables(spec) | Kind::Channels(spec, _) => {
                self.table(spec, &|body| with(&format!("[{{ {body} }}]")));
            }
            Kind::Map(inner) => self.kind(inner, &format!("{what}.x"), &|value| {
                with(&format!("{{ x = {value} }}"))
            }),
            _ => {}
        }
    }

    /// Whether the loader takes `text`; the schema must think alike.
    fn check(&mut self, what: &str, text: &str) -> bool {
        self.tried += 1;
        let part = self.directory.path().join("part.toml");
        fs::write(part, text).expect("a file can be written");
        let loaded = config::load_with(&self.directory.path().join("main.toml"), Secrets::Skip);
        let fault = self.validator.fault(text);
        match (loaded, fault) {
            (Ok(_), Some(fault)) => panic!("{what}: loads, but not by the schema\n{text}\n{fault}"),
            (Ok(_), None) => true,
            (Err(faults), Some(_)) => {
                assert!(!faults.list.is_empty());
                false
            }
            (Err(faults), None) => {
                let shape = |message: &str| {
                    message.starts_with("unknown key")
                        || message.contains(" must be ")
                        || message.contains(" has no `name`")
                };
                let missed = faults.list.iter().find(|fault| shape(&fault.message));
                if let Some(missed) = missed {
                    panic!("{what}: the schema lets pass `{}`\n{text}", missed.message);
                }
                false
            }
        }
    }
}

fn filler(kind: &Kind) -> String {
    let all = good(kind);
    all.into_iter().next().unwrap_or_else(|| "\"x\"".to_owned())
}

#[test]
fn every_key_is_taken_as_the_loader_takes_it() {
    let mut walk = Walk {
        validator: Validator::new(),
        directory: tempfile::tempdir().expect("a directory"),
        tried: 0,
        never: BTreeSet::new(),
    };
    // Samples that name a file mean the empty one.
    for (name, text) in [("main.toml", DECLARED), ("x", "")] {
        fs::write(walk.directory.path().join(name), text).expect("a file can be written");
    }
    walk.table(&ROOT, &|body| body.to_owned());
    assert!(walk.tried > 5000, "{} samples", walk.tried);
    // Else the schema might refuse what nobody has tried; secrets themselves are never taken.
    let secrets = [
        "[[marker]] routing_key",
        "[[marker]] token",
        "[[token]] secret",
        // Tables of which each has to say something.
        "[[rotation]] calendar",
        "[[test]] expect",
        "[[test]] steps",
        "[answers] pagerduty_secret",
        "[answers] secret",
        "[answers] slack_secret",
        "[answers] telegram_secret",
        "[dead_man] fail_url",
        "[dead_man] ping_url",
        // Of use to one kind only, with a token and a secret: config/feeds.rs says so key by key.
        "[deploys.source.NAME] answer_within",
        "[deploys.source.NAME] api_url",
        "[deploys.source.NAME] secret",
        "[deploys.source.NAME] token_file",
        // A source that is called `x` has to say its kind.
        "[deploys] source.x",
        "[nagios.nsca] password",
        "[smtp] password",
        "alertmanager token",
        "discord webhook_url",
        "google_chat webhook_url",
        "matrix token",
        "mattermost webhook_url",
        "ntfy token",
        "ntfy topic",
        "opsgenie api_key",
        "pagerduty routing_key",
        "pushover token",
        "pushover user_key",
        "rocketchat webhook_url",
        "slack webhook_url",
        "teams webhook_url",
        "telegram token",
        "twilio token",
        "victorops api_key",
        "webhook secret",
        // Has words of its own: config/services.rs.
        "syslog address",
        // Empty, they say nobody who is pinged, and no way to answer.
        "the file answers",
        "the file dead_man",
    ];
    assert_eq!(walk.never, secrets.map(str::to_owned).into());
}
