//! What a person wrote in a reply, without what the mail program quoted: the lines above, between and below quotes, up to a
//! signature.

use crate::base::text::cut;

/// Lines that are looked at.
const LINES_MAX: usize = 2000;
/// Bytes of a line that are.
const LINE_MAX: usize = 2000;
/// A line that is longer was probably broken by the mail program, and goes on in the next one.
pub const BROKEN: usize = 50;
/// Lines of the sentence above a quote, "On ... wrote:".
const INTRODUCTION_MAX: usize = 3;
/// How mail programs that quote without marks name the sender in the header that they put above a quote.
const FROM: [&str; 24] = [
    "from",
    "von",
    "de",
    "da",
    "van",
    "från",
    "fra",
    "lähettäjä",
    "od",
    "feladó",
    "kimden",
    "από",
    "от",
    "від",
    "pengirim",
    "dari",
    "expéditeur",
    "发件人",
    "寄件者",
    "差出人",
    "보낸 사람",
    "ผู้ส่ง",
    "מאת",
    "من",
];
/// Longest name of a field there, in letters.
const LABEL_MAX: usize = 20;

/// The lines, trimmed; a quote is an empty line.
pub fn own(text: &str) -> Vec<String> {
    let lines: Vec<String> = text.lines().take(LINES_MAX).map(tidy).collect();
    let end = (0..lines.len())
        .find(|at| begins_quote(&lines[*at..]))
        .unwrap_or(lines.len());
    let mut foreign = vec![false; end];
    for at in 0..end {
        if is_marked(&lines[at]) {
            foreign[at] = true;
            introduction(&lines, at, &mut foreign);
        }
    }
    let mut own = Vec::new();
    for (at, line) in lines.into_iter().take(end).enumerate() {
        if foreign[at] {
            own.push(String::new());
            continue;
        }
        if is_signature(&line) {
            break;
        }
        // "On ... wrote:" above a quote without marks.
        if line.ends_with([':', '：']) {
            let before = own.last().filter(|it| BROKEN <= it.chars().count());
            let has_address = line.contains('@') || before.is_some_and(|it| it.contains('@'));
            if has_address && !foreign[at..].iter().any(|it| *it) {
                if before.is_some() {
                    own.pop();
                }
                break;
            }
        }
        own.push(line);
    }
    own
}

/// Spaces of any kind are one space; what cannot be seen is gone.
fn tidy(line: &str) -> String {
    let seen: String = cut(line, LINE_MAX)
        .chars()
        .filter(|letter| {
            !matches!(
                letter,
                '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}'
            )
        })
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    let words: Vec<&str> = seen.split_whitespace().collect();
    words.join(" ")
}

fn is_marked(line: &str) -> bool {
    line.starts_with('>') || line.starts_with("|>")
}

fn is_signature(line: &str) -> bool {
    line == "--" || line == "\u{2014}"
}

/// Takes the sentence above a quote away: it ends with a colon, and stands right above or an empty line higher.
fn introduction(lines: &[String], quote: usize, foreign: &mut [bool]) {
    let mut at = quote;
    let mut empty = 0;
    loop {
        let Some(above) = at.checked_sub(1) else {
            return;
        };
        at = above;
        if foreign[at] {
            return;
        }
        if !lines[at].is_empty() {
            break;
        }
        empty += 1;
        if 2 < empty {
            return;
        }
    }
    if !lines[at].ends_with([':', '：']) {
        return;
    }
    foreign[at] = true;
    // Its first lines were broken because they were long; an answer right above them is short.
    for line in (at.saturating_sub(INTRODUCTION_MAX - 1)..at).rev() {
        if lines[line].chars().count() < BROKEN || foreign[line] {
            return;
        }
        foreign[line] = true;
    }
}

/// Whether all that follows is a quote without marks.
fn begins_quote(lines: &[String]) -> bool {
    let Some(line) = lines.first() else {
        return false;
    };
    // -----Original Message-----, in any language; and the line that Outlook draws.
    let inside = line.trim_matches('-');
    if line.starts_with("--") && line.ends_with("--") && !inside.trim().is_empty() {
        return true;
    }
    if 10 <= line.len() && line.bytes().all(|byte| byte == b'_') {
        return true;
    }
    let is_sender = label(line).is_some_and(|it| FROM.contains(&&*it));
    is_sender
        && lines[1..]
            .iter()
            .filter(|line| !line.is_empty())
            .take(2)
            .filter(|line| label(line).is_some())
            .count()
            == 2
}

/// The name of a field at the beginning of a line, in small letters.
fn label(line: &str) -> Option<String> {
    let (name, _) = line.split_once([':', '：'])?;
    let name = name.trim_matches(['*', ' ', '\u{a0}']).to_lowercase();
    (!name.is_empty() && name.chars().count() <= LABEL_MAX).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, wanted: &[&str]) {
        let own: Vec<String> = own(text).into_iter().filter(|it| !it.is_empty()).collect();
        assert_eq!(own, wanted, "in:\n{text}");
    }

    #[test]
    fn quotes_are_taken_away_wherever_they_stand() {
        check(
            "ack\n\nOn Mon, 2 Mar 2026 at 10:06, Watch <watch@shop.example> wrote:\n\n> CRITICAL\n> ack\n",
            &["ack"],
        );
        // Broken over two lines, in another language, without an empty line above.
        check(
            "ack\nAm Mo., 2. März 2026 um 10:06 Uhr schrieb Watch der Überwachung\n<watch@shop.example>:\n> CRITICAL\n",
            &["ack"],
        );
        check(
            "On Mon, Watch wrote:\n> CRITICAL web1/http\n>\n\nack\n\n-- \nAnn\nOps\n",
            &["ack"],
        );
        check(
            "> CRITICAL\n\nsnooze 2h\n\n> Host: web1\n\ntag faulty-check\n",
            &["snooze 2h", "tag faulty-check"],
        );
        check(
            "ack\n\n-----Ursprüngliche Nachricht-----\nVon: Watch\ncaused by D-1\n",
            &["ack"],
        );
        check(
            "ack\n\n________________________________\nFrom: Watch <w@x>\n",
            &["ack"],
        );
        check(
            "ack\r\n\r\nFrom: Watch <w@x.example>\r\nSent: Monday\r\nTo: Ann\r\nSubject: CRITICAL\r\n\r\ntext\r\n",
            &["ack"],
        );
        check(
            "ack\n*De :* Watch <w@x.example>\n*Envoyé :* lundi\n*À :* Ann\n\ntexte\n",
            &["ack"],
        );
        check(
            "ack\n\nOn Monday, March 2, 2026, 10:06 AM, Watch <watch@shop.example> wrote:\n\nCRITICAL web1/http\n",
            &["ack"],
        );
    }

    #[test]
    fn what_looks_a_little_like_a_quote_stays() {
        check(
            "ack from: 10:00 to: 11:00\n",
            &["ack from: 10:00 to: 11:00"],
        );
        check("ack\u{a0}\u{200b} on it\n", &["ack on it"]);
        check("ack see -- this\n", &["ack see -- this"]);
        check("> all of it is quoted\n", &[]);
    }
}
