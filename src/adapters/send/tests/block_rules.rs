//! What Slack and Teams demand of a message, held against ours: every kind, and texts that nobody meant well.

use std::sync::LazyLock;

use boon::{Compiler, SchemaIndex, Schemas};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{
    offers,
    settings::AnswerSettings,
    slack, teams,
    testing::{amendment, digest, hostile, problem, recovery, with_suspects},
};
use crate::{
    base::{secret::Secret, time::Timestamp},
    domain::model::message::{Kind, Message},
};

/// Teams takes 28 KB.
const TEAMS_MAX: usize = 28 * 1024;

static RULES: LazyLock<Rules> = LazyLock::new(Rules::read);

struct Rules {
    schemas: Schemas,
    slack: SchemaIndex,
    teams: SchemaIndex,
}

impl Rules {
    fn read() -> Self {
        let mut schemas = Schemas::new();
        let mut compile = |name: &str, text: &str| {
            let rules: Value = serde_json::from_str(text).expect("JSON");
            let mut compiler = Compiler::new();
            compiler.enable_format_assertions();
            compiler.add_resource(name, rules).expect("added");
            compiler.compile(name, &mut schemas).expect("a schema")
        };
        let slack = compile("slack.json", include_str!("rules/slack.json"));
        let teams = compile("teams.json", include_str!("rules/teams.json"));
        Self {
            schemas,
            slack,
            teams,
        }
    }

    /// What is wrong with this message in either; empty: nothing.
    fn faults(&self, message: &Message) -> String {
        let hook = Secret::new("https://hooks.slack.com/services/x");
        let mut request = slack::encode(message, &hook, Some("https://watch.example.org"));
        let answers = AnswerSettings {
            slack: true,
            ..AnswerSettings::default()
        };
        offers::in_slack(&answers, message, &mut request);
        let slack: Value = serde_json::from_str(&request.body).expect("JSON");
        let teams = teams::body(message, Some("https://watch.example.org"));
        let mut said = String::new();
        for (body, rules) in [(&slack, self.slack), (&teams, self.teams)] {
            if let Err(error) = self.schemas.validate(body, rules) {
                said.push_str(&format!("{error:#}\n{body:#}\n"));
            }
        }
        let size = teams.to_string().len();
        if TEAMS_MAX < size {
            said.push_str(&format!("{size} bytes for Teams\n"));
        }
        said
    }
}

#[test]
fn every_kind_of_message_keeps_the_rules() {
    let rules = &*RULES;
    let mut all = vec![
        problem(),
        with_suspects(1),
        with_suspects(3),
        with_suspects(20),
        recovery(),
        amendment(),
        digest(),
        hostile(),
    ];
    for kind in [
        Kind::Acknowledgement,
        Kind::FlappingStart,
        Kind::FlappingStop,
        Kind::FlappingDisabled,
        Kind::DowntimeStart,
        Kind::DowntimeEnd,
        Kind::DowntimeCancelled,
        Kind::Custom,
        Kind::Notice,
    ] {
        all.push(Message {
            kind,
            author: Some("ann".to_owned()),
            comment: Some("on it".to_owned()),
            ..with_suspects(2)
        });
    }
    for message in &all {
        assert_eq!(rules.faults(message), "", "{:?}", message.kind);
    }
}

#[test]
fn the_rules_refuse_what_is_wrong() {
    let rules = &*RULES;
    let good = slack::body(&problem(), None);
    assert!(rules.schemas.validate(&good, rules.slack).is_ok());
    let mut long = good.clone();
    long["attachments"][0]["blocks"][0]["text"]["text"] = "x".repeat(3001).into();
    let mut crowded = good;
    crowded["attachments"][0]["blocks"] = json!(vec![json!({"type": "divider"}); 3]);
    for bad in [long, crowded] {
        assert!(rules.schemas.validate(&bad, rules.slack).is_err());
    }
    let mut card = teams::body(&problem(), None);
    card["attachments"][0]["content"]["body"][0]["inlines"][0]["color"] = "Red".into();
    assert!(rules.schemas.validate(&card, rules.teams).is_err());
}

/// Texts of any length and any characters.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => ".{0,80}",
        1 => "(\\{\\{DATE\\(|<!channel>|\\*|`|\n|\u{202e}|&amp;|é|[|]){0,60}",
        1 => (0..40_000usize, "[<&\n{é x]").prop_map(|(times, what)| what.repeat(times)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_it_says_keeps_the_rules(
        (host, check, output, long_output, reason) in (text(), text(), text(), text(), text()),
        (deploy, version, url, author, notes_url) in (text(), text(), text(), text(), text()),
        lines in prop::collection::vec(text(), 0..12),
        suspects in 0..12u32,
        is_bad in any::<bool>(),
    ) {
        let rules = &*RULES;
        let mut message = with_suspects(suspects);
        for suspect in &mut message.deploy.suspects {
            deploy.clone_into(&mut suspect.id);
            suspect.version = Some(version.clone());
            suspect.url = Some(url.clone());
        }
        let message = Message {
            dedup_key: format!("{host}/{check}@{}", Timestamp::from_secs(1).millis()),
            host,
            check: Some(check),
            state: if is_bad { "CRITICAL" } else { "OK" }.to_owned(),
            kind: if is_bad { Kind::Problem } else { Kind::Recovery },
            output,
            long_output,
            reason,
            author: Some(author),
            notes_url: Some(notes_url),
            lines,
            ..message
        };
        prop_assert_eq!(rules.faults(&message), "");
    }
}
