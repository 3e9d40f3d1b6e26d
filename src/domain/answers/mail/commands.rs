//! What a reply may say: one command a line. All of it is understood, or nothing of it is done.

use super::own_words::BROKEN;
use crate::{
    base::{
        text::{cut, did_you_mean, one_line},
        time::{parse_duration, show_duration},
    },
    domain::model::answer::{LONGEST_SNOOZE, Say, Tag, agree},
};

/// Commands in one mail.
const COMMANDS_MAX: usize = 20;
/// Longest comment that is kept, in bytes.
const COMMENT_MAX: usize = 1000;
/// Longest id of a deploy.
const DEPLOY_MAX: usize = 200;
/// Longest word that is compared with those that we know.
const WORD_MAX: usize = 40;
const WORDS: [&str; 6] = ["ack", "acknowledge", "snooze", "caused", "not", "tag"];
/// How people end a mail. A line that begins so is not for us.
const FAREWELLS: [&str; 26] = [
    "thanks",
    "thank you",
    "thx",
    "cheers",
    "regards",
    "best",
    "kind",
    "sincerely",
    "sent from",
    "sent via",
    "get outlook",
    "danke",
    "gruß",
    "gruss",
    "grüße",
    "gruesse",
    "viele",
    "mfg",
    "lg",
    "vg",
    "von meinem",
    "gesendet",
    "merci",
    "cordialement",
    "envoyé",
    "saludos",
];

/// What a page may be answered with, on one line. `deploy`: one that the page names.
pub fn offered(deploy: Option<&str>) -> String {
    let deploy = deploy.map_or_else(|| "DEPLOY".to_owned(), |id| one_line(cut(id, DEPLOY_MAX)));
    format!(
        "ack, snooze 2h, caused by {deploy}, not caused by {deploy}, tag NAME ({})",
        Tag::ALL.map(Tag::name).join(", ")
    )
}

/// Reads what a person wrote. The error is a sentence.
pub fn read(lines: &[String]) -> Result<Vec<Say>, String> {
    let mut says: Vec<Say> = Vec::new();
    let mut is_later = false;
    let mut was_long = false;
    for line in lines {
        if line.is_empty() {
            is_later = !says.is_empty();
            was_long = false;
            continue;
        }
        if !says.is_empty() && (is_farewell(line) || (is_later && !is_like_command(line))) {
            break;
        }
        match command(line) {
            Ok(say) => says.push(say),
            Err(_) if was_long && !is_like_command(line) && goes_on(says.last_mut(), line) => {}
            Err(why) => return Err(why),
        }
        if COMMANDS_MAX < says.len() {
            return Err(format!("at most {COMMANDS_MAX} commands are taken at once"));
        }
        was_long = BROKEN <= line.chars().count();
    }
    if says.is_empty() {
        return Err("nothing stands above the quoted text".to_owned());
    }
    let mut once: Vec<Say> = Vec::new();
    for say in says {
        if !once.contains(&say) {
            once.push(say);
        }
    }
    agree(&once)?;
    Ok(once)
}

/// A comment that the mail program broke goes on.
fn goes_on(say: Option<&mut Say>, line: &str) -> bool {
    let (Some(Say::AcknowledgeWith(comment))
    | Some(Say::Snooze {
        comment: Some(comment),
        ..
    })) = say
    else {
        return false;
    };
    *comment = remark(&format!("{comment} {line}")).unwrap_or_default();
    true
}

fn is_farewell(line: &str) -> bool {
    let line = line.to_lowercase();
    FAREWELLS.iter().any(|begin| {
        line.strip_prefix(begin)
            .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    })
}

/// Whether somebody who wrote this meant a command. Short words are not compared: Jack signs his mails.
fn is_like_command(line: &str) -> bool {
    let line = line.to_lowercase();
    let tags = Tag::ALL.map(Tag::name);
    let word = trim(line.split(' ').next().unwrap_or_default());
    let long = WORDS.into_iter().filter(|word| 5 < word.len()).chain(tags);
    WORDS.contains(&word)
        || did_you_mean(cut(word, WORD_MAX), long).is_some()
        || line.split(' ').any(|word| tags.contains(&trim(word)))
}

/// Without the stops that sentences end with.
fn trim(text: &str) -> &str {
    text.trim_end_matches(['.', ',', ';', '!', ':']).trim()
}

fn remark(text: &str) -> Option<String> {
    let text = one_line(cut(
        text.trim_start_matches([':', ',', '-', '\u{2013}', '\u{2014}', ' ']),
        COMMENT_MAX,
    ));
    (!text.is_empty()).then_some(text)
}

fn command(line: &str) -> Result<Say, String> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match &*trim(word).to_lowercase() {
        "ack" | "acknowledge" => Ok(remark(rest).map_or(Say::Acknowledge, Say::AcknowledgeWith)),
        "snooze" => snooze(rest),
        "caused" => Ok(Say::Caused(deploy(rest, "caused by D-417")?)),
        "not" => {
            let rest = after(rest, "caused");
            let rest = rest.ok_or_else(|| foreign(line))?;
            Ok(Say::NotCaused(deploy(rest, "not caused by D-417")?))
        }
        "tag" if tag_name(rest).is_empty() => Err(format!(
            "say which tag: {}",
            Tag::ALL.map(Tag::name).join(", ")
        )),
        "tag" => Tag::parse(&tag_name(rest)).map(Say::Tag),
        _ => match Tag::parse(&tag_name(line)) {
            Ok(tag) => Ok(Say::Tag(tag)),
            Err(_) => Err(foreign(line)),
        },
    }
}

/// With hyphens, whatever stands between its words.
fn tag_name(text: &str) -> String {
    trim(text).to_lowercase().replace([' ', '_'], "-")
}

/// What follows a word.
fn after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (first, rest) = text.split_once(' ')?;
    first.eq_ignore_ascii_case(word).then_some(rest)
}

fn deploy(rest: &str, example: &str) -> Result<String, String> {
    let id = after(rest, "by").map(trim).unwrap_or_default();
    if id.is_empty() {
        return Err(format!("say by which deploy: `{example}`"));
    }
    if DEPLOY_MAX < id.len() {
        return Err(format!(
            "`{}...` is too long for the id of a deploy",
            cut(id, 40)
        ));
    }
    Ok(id.to_owned())
}

fn snooze(rest: &str) -> Result<Say, String> {
    let rest = after(rest, "for").unwrap_or(rest);
    let (first, mut rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let mut span = trim(first).to_lowercase();
    if span.bytes().all(|byte| byte.is_ascii_digit()) {
        let (unit, behind) = rest.split_once(' ').unwrap_or((rest, ""));
        if let Some(unit) = short(&trim(unit).to_lowercase()) {
            span.push_str(unit);
            rest = behind;
        }
    }
    let letters = span.find(|c: char| c.is_ascii_alphabetic());
    if let Some((number, unit)) = letters.map(|at| span.split_at(at))
        && let Some(unit) = short(unit)
    {
        span = format!("{number}{unit}");
    }
    let span = parse_duration(&span)
        .ok()
        .filter(|span| !span.is_zero())
        .ok_or_else(|| "say for how long: `snooze 30m`, `snooze 2h`, a day at most".to_owned())?;
    if LONGEST_SNOOZE < span {
        return Err(format!(
            "a snooze lasts {} at most; plan a downtime for what stays quiet longer",
            show_duration(LONGEST_SNOOZE)
        ));
    }
    let comment = remark(rest);
    Ok(Say::Snooze { span, comment })
}

/// As [`parse_duration`] reads it.
fn short(unit: &str) -> Option<&'static str> {
    Some(match unit {
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hr" | "hrs" | "hour" | "hours" => "h",
        "d" | "day" | "days" => "d",
        _ => return None,
    })
}

fn foreign(line: &str) -> String {
    let shown = one_line(cut(line, 80));
    let word = line.split(' ').next().unwrap_or_default();
    if trim(word).eq_ignore_ascii_case("not") {
        return format!("`{shown}` is not understood; did you mean `not caused by D-417`?");
    }
    let known = WORDS.into_iter().chain(Tag::ALL.map(Tag::name));
    match did_you_mean(cut(trim(word), WORD_MAX), known) {
        Some(meant) => format!("`{shown}` is not understood; did you mean `{meant}`?"),
        None => format!("`{shown}` is not understood"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use expect_test::expect;

    use super::*;

    fn said(text: &str) -> Result<Vec<Say>, String> {
        let lines: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
        read(&lines)
    }

    fn snooze(minutes: u64, comment: Option<&str>) -> Say {
        Say::Snooze {
            span: Duration::from_secs(60 * minutes),
            comment: comment.map(str::to_owned),
        }
    }

    #[test]
    fn commands_are_read_as_people_write_them() {
        let with = |text: &str| Say::AcknowledgeWith(text.to_owned());
        let caused = |id: &str| Say::Caused(id.to_owned());
        for (text, wanted) in [
            ("ack", vec![Say::Acknowledge]),
            ("ACK.", vec![Say::Acknowledge]),
            ("Ack: on it, a disk", vec![with("on it, a disk")]),
            ("\n\nAcknowledge - on it", vec![with("on it")]),
            ("snooze 2h", vec![snooze(120, None)]),
            (
                "Snooze for 30 minutes the backup runs",
                vec![snooze(30, Some("the backup runs"))],
            ),
            ("snooze 1h30m.", vec![snooze(90, None)]),
            ("snooze 90min", vec![snooze(90, None)]),
            ("caused by D-417", vec![caused("D-417")]),
            (
                "Not caused by D-417.",
                vec![Say::NotCaused("D-417".to_owned())],
            ),
            (
                "Caused by Release 2026/03 b",
                vec![caused("Release 2026/03 b")],
            ),
            ("tag wrong-threshold", vec![Say::Tag(Tag::WrongThreshold)]),
            ("Tag: Wrong Threshold", vec![Say::Tag(Tag::WrongThreshold)]),
            ("downtime_not_set", vec![Say::Tag(Tag::DowntimeNotSet)]),
            (
                "ack\nnot caused by D-1\nnot caused by D-2\ncaused by D-3\n\ntag faulty-check\n\nThanks,\nAnn",
                vec![
                    Say::Acknowledge,
                    Say::NotCaused("D-1".to_owned()),
                    Say::NotCaused("D-2".to_owned()),
                    caused("D-3"),
                    Say::Tag(Tag::FaultyCheck),
                ],
            ),
            ("ack\nThanks, Ann", vec![Say::Acknowledge]),
            ("ack\nack", vec![Say::Acknowledge]),
            ("ack\n\nJack\nsnooze 2h", vec![Say::Acknowledge]),
            ("ack\nSent from my iPhone", vec![Say::Acknowledge]),
            (
                "ack the disk of this machine is full again, which I will look at\nafter lunch",
                vec![with(
                    "the disk of this machine is full again, which I will look at after lunch",
                )],
            ),
        ] {
            assert_eq!(said(text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_with_what_would_be() {
        let texts = [
            "",
            "I am on it",
            "acks",
            "ack\nand reboot it",
            "ack\n\nsnoze 2h",
            "ack\n\nnot sure why",
            "snooze",
            "snooze 30",
            "snooze 3d",
            "snooze 0m",
            "caused by",
            "caused D-417",
            "not D-417",
            "tag wrong-treshold",
            "tag",
            "ack\nsnooze 2h",
            "tag faulty-check\nwrong-period",
            "caused by D-1\nnot caused by D-1",
            "caused by D-1\ncaused by D-2",
            "wrong-treshold",
        ];
        let refused: Vec<String> = texts
            .iter()
            .map(|text| format!("{text:?}: {}", said(text).expect_err(text)))
            .collect();
        expect![[r#"
            "": nothing stands above the quoted text
            "I am on it": `I am on it` is not understood
            "acks": `acks` is not understood; did you mean `ack`?
            "ack\nand reboot it": `and reboot it` is not understood
            "ack\n\nsnoze 2h": `snoze 2h` is not understood; did you mean `snooze`?
            "ack\n\nnot sure why": `not sure why` is not understood; did you mean `not caused by D-417`?
            "snooze": say for how long: `snooze 30m`, `snooze 2h`, a day at most
            "snooze 30": say for how long: `snooze 30m`, `snooze 2h`, a day at most
            "snooze 3d": a snooze lasts 1d at most; plan a downtime for what stays quiet longer
            "snooze 0m": say for how long: `snooze 30m`, `snooze 2h`, a day at most
            "caused by": say by which deploy: `caused by D-417`
            "caused D-417": say by which deploy: `caused by D-417`
            "not D-417": `not D-417` is not understood; did you mean `not caused by D-417`?
            "tag wrong-treshold": there is no tag `wrong-treshold`; did you mean `wrong-threshold`?
            "tag": say which tag: service-issue, service-issue-off-hours, view-issue, wrong-period, downtime-expired, downtime-not-set, wrong-threshold, faulty-check
            "ack\nsnooze 2h": either `ack` or `snooze` can be said, and once
            "tag faulty-check\nwrong-period": a page has one tag, and several were said
            "caused by D-1\nnot caused by D-1": D-1 either caused it or did not
            "caused by D-1\ncaused by D-2": `caused by` names the one deploy that did it, and several were said
            "wrong-treshold": `wrong-treshold` is not understood; did you mean `wrong-threshold`?"#]].assert_eq(&refused.join("\n"));
    }

    #[test]
    fn what_is_offered_is_understood() {
        let offered = offered(Some("D-417"));
        let (commands, tags) = offered.split_once(", tag NAME (").expect("tags");
        for command in commands.split(", ") {
            assert!(said(command).is_ok(), "{command}");
        }
        for tag in tags.trim_end_matches(')').split(", ") {
            assert!(said(&format!("tag {tag}")).is_ok(), "{tag}");
        }
    }
}
