//! Debian's nagios4 and deploywatch live through the same random stories; their logs must agree, object by object.
//!
//! `DEPLOYWATCH_SEEDS=200 cargo test --test differential` plays two hundred seeds; without it a few.
//! `DEPLOYWATCH_SEED=7` plays that one alone and leaves both logs in the message. Where they differ on purpose stands in
//! differential/accepted.toml, with a case for each.

mod common;
#[path = "differential/compare.rs"]
mod compare;
#[path = "differential/pair.rs"]
mod pair;
#[path = "differential/random.rs"]
mod random;
#[path = "differential/site.rs"]
mod site;
#[path = "differential/story.rs"]
mod story;

use std::{collections::BTreeMap, env, thread};

use random::Random;
use serde::Deserialize;

const SEEDS: u64 = 8;
/// So many pairs live at once; they mostly sleep.
const AT_ONCE: usize = 12;
const SECONDS: usize = 40;

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok()?.parse().ok()
}

/// One seed's comparison, and the text for people where something differs.
fn play(seed: u64) -> (compare::Outcome, String) {
    let mut random = Random::new(seed);
    let site = site::Site::random(&mut random);
    let story = story::random(&site, SECONDS, &mut random);
    let logs = pair::run(&site.objects, &site.settings, &story);
    let (nagios, ours) = (compare::read(&logs.nagios), compare::read(&logs.ours));
    assert!(
        !nagios.is_empty(),
        "nagios logged nothing:\n{}",
        logs.nagios
    );
    let outcome = compare::compare(&nagios, &ours, &site.escalated);
    let mut text = String::new();
    if !outcome.differences.is_empty() {
        let shown: String = outcome
            .differences
            .iter()
            .map(compare::Difference::show)
            .collect();
        text = format!("seed {seed}:\n{shown}");
        if number("DEPLOYWATCH_SEED").is_some() {
            text.push_str(&format!(
                "--- site ---\n{}\n{}\n--- nagios ---\n{}\n--- deploywatch ---\n{}\n",
                site.settings, site.objects, logs.nagios, logs.ours
            ));
        }
    }
    (outcome, text)
}

#[test]
fn random_stories_end_alike() {
    let seeds: Vec<u64> = match number("DEPLOYWATCH_SEED") {
        Some(seed) => vec![seed],
        None => (1..=number("DEPLOYWATCH_SEEDS").unwrap_or(SEEDS)).collect(),
    };
    let (mut failures, mut lines) = (Vec::new(), 0);
    let mut accepted: BTreeMap<&str, usize> = BTreeMap::new();
    for wave in seeds.chunks(AT_ONCE) {
        let playing: Vec<_> = wave
            .iter()
            .map(|seed| {
                let seed = *seed;
                thread::spawn(move || play(seed))
            })
            .collect();
        for one in playing {
            let (outcome, text) = one.join().expect("the pair lives through its story");
            lines += outcome.lines;
            for (id, count) in outcome.accepted {
                *accepted.entry(id).or_default() += count;
            }
            failures.extend(Some(text).filter(|text| !text.is_empty()));
        }
    }
    println!(
        "{} seeds, {lines} lines of Nagios compared, accepted: {accepted:?}",
        seeds.len()
    );
    assert!(
        failures.is_empty(),
        "{} of {} seeds differ:\n{}",
        failures.len(),
        seeds.len(),
        failures.join("\n")
    );
    // A comparison of nothing agrees as well.
    assert!(lines / seeds.len() > 40, "{lines} lines in all");
}

#[derive(Deserialize)]
struct Accepted {
    accepted: Vec<Case>,
}

/// A difference that is meant.
#[derive(Deserialize)]
struct Case {
    id: String,
    reason: String,
    /// Lines of the main file.
    #[serde(default)]
    settings: String,
    objects: String,
    story: story::Story,
    only_nagios: Vec<String>,
    only_ours: Vec<String>,
}

const CONTACT: &str = "\
define contact {
    contact_name c0
    host_notification_commands tell-host
    service_notification_commands tell-service
    host_notification_period always
    service_notification_period always
    host_notification_options d,u,r,f,s
    service_notification_options w,u,c,r,f,s
}
";

/// The lines of `from` that are not among those of `other`, each counted.
fn surplus(from: &compare::ByObject, other: &compare::ByObject) -> Vec<String> {
    let texts = |all: &compare::ByObject| -> Vec<String> {
        all.values()
            .flatten()
            .map(|line| line.text.clone())
            .collect()
    };
    let mut left = texts(other);
    texts(from)
        .into_iter()
        .filter(|line| match left.iter().position(|other| other == line) {
            Some(at) => {
                left.remove(at);
                false
            }
            None => true,
        })
        .collect()
}

#[test]
fn accepted_differences_are_these_and_no_others() {
    let text = include_str!("differential/accepted.toml");
    let Accepted { accepted } = toml::from_str(text).expect("a good file");
    let playing: Vec<_> = accepted
        .into_iter()
        .map(|case| {
            thread::spawn(move || {
                let objects = format!("{}{CONTACT}{}", site::FIXED, case.objects);
                let logs = pair::run(&objects, &case.settings, &case.story);
                let (nagios, ours) = (compare::read(&logs.nagios), compare::read(&logs.ours));
                let found = (surplus(&nagios, &ours), surplus(&ours, &nagios));
                let expected = (case.only_nagios.clone(), case.only_ours.clone());
                assert!(!case.reason.is_empty());
                assert_eq!(
                    found, expected,
                    "{}\n--- nagios ---\n{}\n--- deploywatch ---\n{}",
                    case.id, logs.nagios, logs.ours
                );
            })
        })
        .collect();
    for one in playing {
        one.join().expect("as it is written down");
    }
}
