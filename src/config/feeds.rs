//! `[deploys.source]` and the directory for deploy events: who tells us of deploys, and in which words.

use std::path::PathBuf;

use super::{
    fault::{Fault, Sink},
    names::Raw,
    secrets::Vault,
    value::{Layers, Tab, Val},
};
use crate::{
    base::text::did_you_mean,
    domain::feeds::{
        Kind, Names, Source,
        answer::{self, Answers},
        rate,
    },
};

/// Feeds of deploy events.
#[derive(Clone, Debug, Default)]
pub struct FeedSettings {
    pub sources: Vec<Source>,
    /// Files that are read on and on, with the source of each.
    pub files: Vec<(PathBuf, String)>,
    /// A directory where events are dropped as files.
    pub drop_dir: Option<PathBuf>,
}

pub(super) fn build(raw: &Raw<'_>, vault: &Vault<'_>, sink: &mut Sink) -> FeedSettings {
    let deploys = raw.root.sub("deploys");
    let mut feeds = FeedSettings {
        drop_dir: path(&deploys, "drop_dir", vault),
        ..FeedSettings::default()
    };
    for (name, value) in deploys.map("source") {
        let Some(tab) = value.table() else { continue };
        let Some(kind) = kind(name, tab, sink) else {
            continue;
        };
        if name.is_empty()
            || name.contains(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c))
        {
            sink.push(
                Fault::new(
                    tab.place(),
                    format!("`{name}` cannot be a part of an address"),
                )
                .help("name a source with letters, digits, `-`, `_` and `.`"),
            );
            continue;
        }
        let layers = Layers { tabs: vec![tab] };
        if let Some(file) = path(&layers, "file", vault) {
            if kind == Kind::Deployinator {
                feeds.files.push((file, name.to_owned()));
            } else {
                let place = tab.value_place("file");
                sink.push(
                    Fault::new(
                        place,
                        format!("`file` is of no use to the kind `{}`", kind.name()),
                    )
                    .help(
                        "only Deployinator's log is read from a file; drop others into `drop_dir`",
                    ),
                );
            }
        }
        feeds.sources.push(source(name, kind, tab, vault, sink));
    }
    feeds
}

fn path(layers: &Layers<'_>, key: &str, vault: &Vault<'_>) -> Option<PathBuf> {
    let value = layers.get(key)?;
    let text = value.text().filter(|text| !text.is_empty())?;
    Some(vault.sources.resolve(value.file, text))
}

/// What `kind` says, else what the name says.
fn kind(name: &str, tab: Tab<'_>, sink: &mut Sink) -> Option<Kind> {
    if let Some(word) = tab.text("kind") {
        // A wrong word was complained about already.
        return Kind::parse(word);
    }
    let kind = Kind::parse(name);
    if kind.is_none() && tab.get("kind").is_none() {
        let help = match did_you_mean(name, Kind::NAMES) {
            Some(near) => {
                format!("did you mean [deploys.source.{near}]? Else write kind = \"{near}\"")
            }
            None => format!("write kind = \"...\": {}", Kind::NAMES.join(", ")),
        };
        let message = format!("which tool is the source `{name}`?");
        sink.push(Fault::new(tab.place(), message).help(help));
    }
    kind
}

fn source(name: &str, kind: Kind, tab: Tab<'_>, vault: &Vault<'_>, sink: &mut Sink) -> Source {
    let list = |key: &str| -> Option<Vec<String>> {
        Some(tab.get(key)?.texts().map(str::to_owned).collect())
    };
    let mut names = |key: &str| {
        let layers = Layers { tabs: vec![tab] };
        let mut pairs = Vec::new();
        for (theirs, value) in layers.map(key) {
            let Some(ours) = value.text().filter(|ours| !ours.is_empty()) else {
                continue;
            };
            if let Some(why) = Names::fault(theirs, ours) {
                let help = "what one `*` stands for may be used: { \"deploy-*\" = \"*\" }";
                sink.push(Fault::new(value.place(), why).help(help));
            }
            pairs.push((theirs.to_owned(), ours.to_owned()));
        }
        Names::new(pairs)
    };
    let (app, environment, host) = (names("app"), names("environment"), names("host"));
    Source {
        name: name.to_owned(),
        kind,
        secret: vault.find(tab, "secret", false, sink),
        apps: list("apps").filter(|apps| !apps.is_empty()),
        may_hold: list("may_hold"),
        app,
        environment,
        host,
        default_environment: tab
            .get("default_environment")
            .and_then(Val::text)
            .filter(|text| !text.is_empty())
            .map(str::to_owned),
        ignore: list("ignore").unwrap_or_default(),
        answers: answers(name, kind, tab, vault, sink),
        per_minute: tab
            .get("per_minute")
            .and_then(Val::whole)
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or(rate::PER_MINUTE),
    }
}

/// How a tool that asks is answered: with a token, at its own address and nowhere else.
fn answers(
    name: &str,
    kind: Kind,
    tab: Tab<'_>,
    vault: &Vault<'_>,
    sink: &mut Sink,
) -> Option<Answers> {
    let keys = ["token_file", "api_url", "answer_within"];
    if kind != Kind::GitHub {
        for key in keys.into_iter().filter(|key| tab.get(key).is_some()) {
            let message = format!("`{key}` is of no use to the kind `{}`", kind.name());
            sink.push(
                Fault::new(tab.key_place(key), message).help("only GitHub waits for an answer"),
            );
        }
        return None;
    }
    let layers = Layers { tabs: vec![tab] };
    let Some(token_file) = path(&layers, "token_file", vault) else {
        for key in keys.into_iter().filter(|key| tab.get(key).is_some()) {
            let message = format!("`{key}` is of no use without `token_file`");
            sink.push(
                Fault::new(tab.key_place(key), message)
                    .help("add token_file = \"FILE\" with the token of a GitHub App"),
            );
        }
        return None;
    };
    // Read each time, since such tokens are renewed each hour; looked at now, so that a typo is found now.
    vault.find(tab, "token", false, sink)?;
    if ["secret_file", "secret_env", "secret_credential"]
        .iter()
        .all(|key| tab.get(key).is_none())
    {
        sink.push(
            Fault::new(
                tab.key_place("token_file"),
                format!("`{name}` would be answered without knowing who asks"),
            )
            .help("add secret_file = \"FILE\" with the webhook's secret"),
        );
        return None;
    }
    let api_url = layers
        .text("api_url")
        .filter(|url| !url.is_empty())
        .unwrap_or(answer::GITHUB);
    if !answer::is_private(api_url) {
        sink.push(
            Fault::new(
                tab.value_place("api_url"),
                "the token would be sent in the clear",
            )
            .help("write an https address"),
        );
        return None;
    }
    Some(Answers {
        api_url: api_url.trim_end_matches('/').to_owned(),
        token_file,
        within: layers.span("answer_within", answer::WITHIN),
    })
}
