//! Debian's nagios4 and deploywatch live through the same random stories; their logs must agree, object by object.
//!
//! `DEPLOYWATCH_SEEDS=200 cargo test --test differential` plays two hundred seeds; without it a few.
//! `DEPLOYWATCH_SEED=7` plays that one alone and leaves both logs in the message.

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

use std::{env, thread};

use random::Random;

const SEEDS: u64 = 6;
/// So many pairs live at once; they mostly sleep.
const AT_ONCE: usize = 12;
const SECONDS: usize = 40;

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok()?.parse().ok()
}

/// What differed, as text; None: nothing.
fn play(seed: u64) -> Option<String> {
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
    let differences = compare::differences(&nagios, &ours);
    if differences.is_empty() {
        return None;
    }
    let shown: String = differences.iter().map(compare::Difference::show).collect();
    let mut text = format!("seed {seed}:\n{shown}");
    if number("DEPLOYWATCH_SEED").is_some() {
        text.push_str(&format!(
            "--- site ---\n{}\n{}\n--- nagios ---\n{}\n--- deploywatch ---\n{}\n",
            site.settings, site.objects, logs.nagios, logs.ours
        ));
    }
    Some(text)
}

#[test]
fn random_stories_end_alike() {
    let seeds: Vec<u64> = match number("DEPLOYWATCH_SEED") {
        Some(seed) => vec![seed],
        None => (1..=number("DEPLOYWATCH_SEEDS").unwrap_or(SEEDS)).collect(),
    };
    let mut failures = Vec::new();
    for wave in seeds.chunks(AT_ONCE) {
        let playing: Vec<_> = wave
            .iter()
            .map(|seed| {
                let seed = *seed;
                thread::spawn(move || play(seed))
            })
            .collect();
        for one in playing {
            failures.extend(one.join().expect("the pair lives through its story"));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} seeds differ:\n{}",
        failures.len(),
        seeds.len(),
        failures.join("\n")
    );
}
