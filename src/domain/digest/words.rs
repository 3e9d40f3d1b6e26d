//! A digest in words: for mail, chat and the terminal.

use std::time::Duration;

use super::{Blip, DeployPart, Digest, Part, Trouble};
use crate::{
    base::time::{Timestamp, show_duration},
    domain::schedule::Zone,
};

/// Problems of one kind told one by one.
const NAMED: usize = 50;

/// One sentence: what the subject of a mail has room for.
pub fn headline(digest: &Digest) -> String {
    if digest.nothing {
        return format!("{}: nothing happened", digest.about);
    }
    let all = || {
        digest
            .deploys
            .iter()
            .map(|deploy| &deploy.part)
            .chain([&digest.without_deploy])
    };
    let count = |of: fn(&Part) -> usize| all().map(of).sum::<usize>();
    let mut words = Vec::new();
    let mut add = |number: usize, one: &str, more: &str| {
        if number != 0 {
            words.push(format!("{number} {}", if number == 1 { one } else { more }));
        }
    };
    add(digest.deploys.len(), "deploy", "deploys");
    add(
        count(|part| part.recovered_in_hold.len()),
        "blip held",
        "blips held",
    );
    add(
        count(|part| part.paged.len()),
        "problem paged",
        "problems paged",
    );
    add(count(|part| part.silent.len()), "silent", "silent");
    add(
        count(|part| part.open.len()),
        "open and untold",
        "open and untold",
    );
    if words.is_empty() {
        words.push("no problem".to_owned());
    }
    format!("{}: {}", digest.about, words.join(", "))
}

/// The digest after its headline, line by line. Times are those of `zone`.
pub fn lines(digest: &Digest, zone: &Zone) -> Vec<String> {
    let mut lines = Vec::new();
    let clock = Clock {
        zone,
        day: shown(zone, &digest.from, "%F"),
    };
    for deploy in &digest.deploys {
        lines.push(deploy_line(deploy, &clock));
        if deploy.verdict.is_some() && !deploy.verdict_why.is_empty() {
            lines.push(format!("    verdict: {}", deploy.verdict_why.join("; ")));
        }
        part_lines(&deploy.part, &clock, &mut lines);
        lines.extend(deploy.numbers.iter().map(|text| format!("    {text}")));
    }
    if !digest.without_deploy.is_empty() {
        lines.push("without a deploy".to_owned());
        part_lines(&digest.without_deploy, &clock, &mut lines);
    }
    if !digest.told.is_empty() {
        let told: Vec<String> = digest
            .told
            .iter()
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        lines.push(format!("notifications: {}", told.join(", ")));
    }
    if !digest.blips.is_empty() {
        lines.push("checks that blip at most deploys (last 7 days):".to_owned());
        lines.extend(digest.blips.iter().map(blip_line));
    }
    lines.extend(digest.notes.iter().map(|note| format!("note: {note}")));
    lines
}

struct Clock<'a> {
    zone: &'a Zone,
    /// The digest's own day: its times need no date.
    day: String,
}

impl Clock<'_> {
    fn show(&self, at: &str) -> String {
        if shown(self.zone, at, "%F") == self.day {
            shown(self.zone, at, "%H:%M:%S")
        } else {
            shown(self.zone, at, "%F %H:%M:%S")
        }
    }
}

fn shown(zone: &Zone, at: &str, form: &str) -> String {
    Timestamp::parse(at).map_or_else(|| at.to_owned(), |at| zone.shown(at, form))
}

fn deploy_line(deploy: &DeployPart, clock: &Clock<'_>) -> String {
    let mut text = format!("deploy {}", deploy.id);
    if deploy.app.is_empty() {
        text.push_str(" (its record is not kept any more)");
        return text;
    }
    text.push_str(&format!(" of {}", deploy.app));
    if let Some(version) = &deploy.version {
        text.push_str(&format!(" {version}"));
    }
    text.push_str(&format!(" in {}", deploy.environment));
    if !deploy.actors.is_empty() {
        text.push_str(&format!(" by {}", deploy.actors.join(", ")));
    }
    text.push_str(&format!(
        ", {} risk, {} {}",
        deploy.risk,
        deploy.phase.replace('_', " "),
        clock.show(deploy.ended.as_ref().unwrap_or(&deploy.started))
    ));
    text.push_str(&match &deploy.verdict {
        Some(verdict) => format!(": {verdict}"),
        None => ": no verdict yet".to_owned(),
    });
    if deploy.part.is_empty() && deploy.numbers.is_empty() {
        text.push_str("; nothing was held or paged");
    }
    text
}

fn part_lines(part: &Part, clock: &Clock<'_>, lines: &mut Vec<String>) {
    for (what, list) in [
        ("recovered while held", &part.recovered_in_hold),
        ("paged", &part.paged),
        ("silent", &part.silent),
        ("open, nobody told", &part.open),
    ] {
        for trouble in list.iter().take(NAMED) {
            lines.push(format!("    {what}: {}", trouble_line(trouble, clock)));
        }
        if let Some(more) = list.len().checked_sub(NAMED).filter(|more| *more != 0) {
            lines.push(format!("    {what}: and {more} more"));
        }
    }
    if let Some(longest) = part.only_delayed.iter().max() {
        let holds = match part.only_delayed.len() {
            1 => "1 hold".to_owned(),
            more => format!("{more} holds"),
        };
        lines.push(format!(
            "    {holds} hid nothing: the page came {} later at most",
            span(*longest)
        ));
    }
    if 0 < part.lasting {
        lines.push(format!(
            "    {} paged before and still bad at the end",
            part.lasting
        ));
    }
}

fn trouble_line(trouble: &Trouble, clock: &Clock<'_>) -> String {
    let mut text = format!(
        "{} {} at {}, ",
        trouble.object,
        trouble.state,
        clock.show(&trouble.since)
    );
    text.push_str(&match trouble.lasted {
        Some(lasted) => format!("bad for {}", span(lasted)),
        None => "still bad at the end".to_owned(),
    });
    if let (Some(held), Some(_)) = (trouble.held, &trouble.paged) {
        text.push_str(&format!(", held for {} before", span(held)));
    }
    if let Some(reason) = &trouble.reason {
        text.push_str(&format!(": {reason}"));
    }
    text
}

fn blip_line(blip: &Blip) -> String {
    format!(
        "    {} at {} of {} deploys of {} in {}: give the check more patience, or restart in turns",
        blip.object, blip.blipped, blip.deploys, blip.app, blip.environment
    )
}

fn span(seconds: u64) -> String {
    show_duration(Duration::from_secs(seconds))
}
