//! The risk class of a change, by rules on what it touches. The first rule that fits counts, and says why.

use crate::{
    base::glob,
    domain::model::deploy::{Deploy, Nature, Risk, RiskRule as Rule},
};

/// A change of code that touches at most so many paths is small.
const SMALL: usize = 3;

/// `any`: one path is enough.
fn fits(rule: &Rule, deploy: &Deploy, kind: Option<&str>, told: &Told<'_>, any: bool) -> bool {
    let Told { labels, paths, .. } = told;
    let one = |patterns: &[String], text: &str| {
        patterns.iter().any(|pattern| glob::matches(pattern, text))
    };
    let named = |patterns: &[String], text: &str| patterns.is_empty() || one(patterns, text);
    // A change is harmless only where all of it is, and risky where any of it is.
    let touches = rule.paths.is_empty()
        || if !any {
            !paths.is_empty() && paths.iter().all(|path| one(&rule.paths, path))
        } else {
            paths.iter().any(|path| one(&rule.paths, path))
        };
    named(&rule.apps, &deploy.app)
        && named(&rule.environments, &deploy.environment)
        && (rule.kinds.is_empty() || kind.is_some_and(|kind| one(&rule.kinds, kind)))
        && (rule.labels.is_empty() || labels.iter().any(|label| one(&rule.labels, label)))
        && touches
        && rule
            .max_paths
            .is_none_or(|most| (1..=most).contains(&paths.len()))
}

/// What counts where no configured rule fits.
fn built_in() -> Vec<Rule> {
    let rule = |kinds: &[&str], risk, why: &str| Rule {
        apps: Vec::new(),
        environments: Vec::new(),
        kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        labels: Vec::new(),
        paths: Vec::new(),
        max_paths: None,
        risk,
        why: why.to_owned(),
        may_lower: false,
        irreversible: false,
    };
    vec![
        rule(&["network*"], Risk::High, "it changes the network"),
        rule(&["schema", "migration*"], Risk::High, "it changes a schema"),
        rule(&["payment*"], Risk::High, "it changes payments"),
        rule(&["dns"], Risk::Low, "it changes DNS only"),
        rule(&["monitoring"], Risk::Low, "it changes monitoring only"),
        Rule {
            max_paths: Some(SMALL),
            ..rule(&["code"], Risk::Low, "a small change of code")
        },
    ]
}

/// What all events of a deploy say of the change.
struct Told<'d> {
    /// In lower case.
    kinds: Vec<String>,
    labels: Vec<&'d str>,
    paths: Vec<&'d str>,
}

impl<'d> Told<'d> {
    fn of(deploy: &'d Deploy) -> Self {
        let natures = || deploy.events.iter().map(|event| &event.nature);
        let all = |pick: fn(&Nature) -> &Vec<String>| -> Vec<&'d str> {
            let mut all: Vec<&str> = natures().flat_map(pick).map(String::as_str).collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        Self {
            kinds: natures()
                .filter_map(|nature| Some(nature.kind.as_ref()?.to_lowercase()))
                .collect(),
            labels: all(|nature| &nature.labels),
            paths: all(|nature| &nature.paths),
        }
    }

    /// The kinds to try, `None` where none was told.
    fn tries(&self) -> Vec<Option<&str>> {
        match self.kinds.as_slice() {
            [] => vec![None],
            kinds => kinds.iter().map(|kind| Some(kind.as_str())).collect(),
        }
    }
}

/// Kinds and labels of changes that cannot be taken back by deploying what was there before: data has moved on.
const ONE_WAY: &[&str] = &["schema", "migration*", "data*", "irreversible"];
/// Files that say the same, where no kind was told.
const ONE_WAY_PATHS: &[&str] = &["*migrations/*", "*.sql"];

/// Why a deploy cannot be taken back; None: nothing speaks against it. All that was told counts, not only what gave the
/// class: one migration among many files is enough.
pub fn irreversible(rules: &[Rule], deploy: &Deploy) -> Option<String> {
    let told = Told::of(deploy);
    let one_way =
        |patterns: &[&str], text: &str| patterns.iter().any(|pattern| glob::matches(pattern, text));
    let words = told.kinds.iter().map(String::as_str);
    if let Some(word) = words
        .chain(told.labels.iter().copied())
        .find(|word| one_way(ONE_WAY, &word.to_lowercase()))
    {
        return Some(format!("`{word}` cannot be taken back"));
    }
    if let Some(path) = told.paths.iter().find(|path| one_way(ONE_WAY_PATHS, path)) {
        return Some(format!("`{path}` cannot be taken back"));
    }
    let tries = told.tries();
    rules
        .iter()
        .filter(|rule| rule.irreversible)
        .find(|rule| {
            tries
                .iter()
                .any(|kind| fits(rule, deploy, *kind, &told, true))
        })
        .map(|rule| rule.why.clone())
}

/// The class of a deploy and why, in a sentence. `configured` is the app's.
///
/// What is told with the deploy raises the class and does not lower it below that of a rule, unless the rule lets it:
/// rules are what the owners of the site think of a change, an event is what its author thinks of it. A built-in rule
/// does not lower an app that is configured to be risky, since the event alone says that it is but DNS.
pub fn classify(rules: &[Rule], deploy: &Deploy, configured: Risk) -> (Risk, String) {
    let told = deploy.events.iter().filter_map(|event| event.risk).max();
    let said = Told::of(deploy);
    let built_in = built_in();
    let fit = |kind: Option<&str>| {
        let own = rules
            .iter()
            .find(|rule| fits(rule, deploy, kind, &said, rule.risk != Risk::Low));
        let usual = || {
            built_in
                .iter()
                .find(|rule| fits(rule, deploy, kind, &said, rule.risk != Risk::Low))
                .filter(|rule| configured < Risk::High || rule.risk == Risk::High)
        };
        own.or_else(usual)
    };
    // Of several kinds the riskiest counts.
    let all: Vec<Option<&Rule>> = said.tries().into_iter().map(fit).collect();
    let ruled = all.into_iter().flatten().rev().max_by_key(|rule| rule.risk);
    match (ruled, told) {
        (None, Some(told)) => (told, "told with the deploy".to_owned()),
        (None, None) => (configured, "the class of the app".to_owned()),
        (Some(rule), Some(told)) if rule.risk < told || told < rule.risk && rule.may_lower => (
            told,
            format!(
                "told with the deploy; else {}: {}",
                rule.risk.name(),
                rule.why
            ),
        ),
        (Some(rule), Some(told)) if told < rule.risk => (
            rule.risk,
            format!(
                "{}; that it is {} was told with it, and does not lower it",
                rule.why,
                told.name()
            ),
        ),
        (Some(rule), _) => (rule.risk, rule.why.clone()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        base::time::Timestamp,
        domain::{
            deploy::fold,
            model::deploy::{DeployEvent, Phase},
        },
    };

    /// A deploy of `shop` whose events say these things: `kind=schema label=x path=a risk=low`.
    fn deploy(events: &[&str]) -> Deploy {
        let events = (0..).zip(events).map(|(at, words)| {
            let mut event = DeployEvent {
                id: "D-1".into(),
                phase: if at == 0 { Phase::Started } else { Phase::Step },
                at: Timestamp::from_secs(at),
                received: Timestamp::from_secs(at),
                app: Some("shop".into()),
                environment: Some("production".into()),
                version: None,
                hosts: Vec::new(),
                groups: Vec::new(),
                actors: Vec::new(),
                url: None,
                risk: None,
                rollback_of: None,
                reason: None,
                nature: Nature::default(),
                no_hold: false,
                told_at: None,
                source: String::new(),
            };
            for (key, value) in words
                .split_whitespace()
                .filter_map(|word| word.split_once('='))
            {
                match key {
                    "kind" => event.nature.kind = Some(value.to_owned()),
                    "label" => event.nature.labels.push(value.to_owned()),
                    "path" => event.nature.paths.push(value.to_owned()),
                    _ => event.risk = Risk::parse(value),
                }
            }
            event
        });
        fold::fold(events.collect(), Duration::ZERO, Risk::Normal, "production")
    }

    fn rule(risk: Risk, why: &str) -> Rule {
        Rule {
            risk,
            why: why.to_owned(),
            ..built_in().remove(0)
        }
    }

    fn list(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn each_change_has_its_class() {
        let rules = [
            Rule {
                kinds: Vec::new(),
                paths: list(&["docs/*", "*.md"]),
                ..rule(Risk::Low, "words only")
            },
            Rule {
                kinds: Vec::new(),
                paths: list(&["db/migrations/*"]),
                ..rule(Risk::High, "a migration")
            },
            Rule {
                kinds: Vec::new(),
                labels: list(&["hotfix"]),
                may_lower: true,
                ..rule(Risk::High, "in a hurry")
            },
        ];
        let (low, normal, high) = (Risk::Low, Risk::Normal, Risk::High);
        for (events, configured, expected, why) in [
            (&[""][..], normal, normal, "the class of the app"),
            (&[""], high, high, "the class of the app"),
            (&["risk=low"], normal, low, "told with the deploy"),
            (&["kind=dns"], normal, low, "it changes DNS only"),
            (&["kind=DNS"], normal, low, "it changes DNS only"),
            (&["kind=dns"], high, high, "the class of the app"),
            (
                &["kind=monitoring"],
                normal,
                low,
                "it changes monitoring only",
            ),
            (&["kind=schema"], low, high, "it changes a schema"),
            (&["kind=networking"], normal, high, "it changes the network"),
            (&["kind=payments"], normal, high, "it changes payments"),
            (&["kind=code"], normal, normal, "the class of the app"),
            (
                &["kind=code path=a path=b"],
                normal,
                low,
                "a small change of code",
            ),
            (
                &["kind=code path=a path=b path=c path=d"],
                normal,
                normal,
                "the class of the app",
            ),
            (
                &["kind=dns", "kind=schema"],
                normal,
                high,
                "it changes a schema",
            ),
            (
                &["kind=dns", "kind=code"],
                normal,
                low,
                "it changes DNS only",
            ),
            (&["path=docs/a path=b.md"], normal, low, "words only"),
            (
                &["path=docs/a path=src/b"],
                normal,
                normal,
                "the class of the app",
            ),
            (
                &["path=docs/a", "path=db/migrations/7"],
                normal,
                high,
                "a migration",
            ),
            (
                &["kind=dns risk=high"],
                normal,
                high,
                "told with the deploy; else low: it changes DNS only",
            ),
            (
                &["kind=schema risk=low"],
                normal,
                high,
                "it changes a schema; that it is low was told with it, and does not lower it",
            ),
            (
                &["label=hotfix risk=normal"],
                normal,
                normal,
                "told with the deploy; else high: in a hurry",
            ),
            (
                &["risk=low", "risk=high"],
                normal,
                high,
                "told with the deploy",
            ),
        ] {
            assert_eq!(
                classify(&rules, &deploy(events), configured),
                (expected, why.to_owned()),
                "{events:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_taken_back_is_known_by_all_that_was_told() {
        let own = Rule {
            kinds: Vec::new(),
            paths: list(&["terraform/*"]),
            irreversible: true,
            ..rule(Risk::Low, "machines are destroyed")
        };
        let all = Rule {
            kinds: Vec::new(),
            ..rule(Risk::Normal, "all is normal")
        };
        // The rule that gives the class stands before the one that says no.
        let rules = [all, own];
        for (events, why) in [
            (&["kind=code path=src/a.rs"][..], None),
            (&[""], None),
            (&["kind=schema"], Some("`schema` cannot be taken back")),
            (
                &["kind=Migrations"],
                Some("`migrations` cannot be taken back"),
            ),
            (
                &["kind=code label=irreversible"],
                Some("`irreversible` cannot be taken back"),
            ),
            (
                &["kind=code", "kind=code path=a path=db/migrations/7.py"],
                Some("`db/migrations/7.py` cannot be taken back"),
            ),
            (
                &["kind=code path=src/a path=terraform/b"],
                Some("machines are destroyed"),
            ),
        ] {
            assert_eq!(
                irreversible(&rules, &deploy(events)).as_deref(),
                why,
                "{events:?}"
            );
        }
    }

    #[test]
    fn the_first_rule_counts() {
        let all = Rule {
            kinds: Vec::new(),
            apps: list(&["sh*"]),
            ..rule(Risk::Normal, "shops are normal")
        };
        let deploy = deploy(&["kind=schema"]);
        let class = |rules: &[Rule]| classify(rules, &deploy, Risk::Normal).0;
        assert_eq!(class(std::slice::from_ref(&all)), Risk::Normal);
        let elsewhere = Rule {
            environments: list(&["staging"]),
            ..all
        };
        assert_eq!(class(&[elsewhere]), Risk::High);
    }
}
