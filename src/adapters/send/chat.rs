//! What chats and phones have in common: the parts of a message, each in the service's own markup, within its limits.

use super::words;
use crate::domain::model::{
    deploy::Suspect,
    message::{Kind, Message, Urgency},
};

/// Longest single line in a part, in bytes after escaping.
const MAX_LINE: usize = 600;
/// Ends what was cut.
const MORE: &str = " …";
/// Room for [`MORE`], in bytes.
const MORE_BYTES: usize = MORE.len();

/// How a service writes what is more than letters.
pub struct Markup {
    /// Writes one character so that it stands for itself.
    pub escape: fn(char, &mut String),
    /// Before and behind what is bold.
    pub bold: (&'static str, &'static str),
    /// Before and behind verbatim text.
    pub code: (&'static str, &'static str),
    /// The same as `escape`, within verbatim text.
    pub escape_code: fn(char, &mut String),
    /// A link: its text, escaped, and its address.
    pub link: fn(&str, &str) -> String,
    pub bullet: &'static str,
}

/// Text as it is, for services without markup.
pub const PLAIN: Markup = Markup {
    escape: same,
    bold: ("", ""),
    code: ("", ""),
    escape_code: same,
    link: |text, url| format!("{text} <{url}>"),
    bullet: "- ",
};

/// The same for services that are given links apart from the text.
pub const BARE: Markup = Markup {
    link: |text, _| text.to_owned(),
    ..PLAIN
};

/// The HTML that Telegram, Pushover and Matrix take. They show line breaks as they are, or are given `<br>`.
pub const HTML: Markup = Markup {
    escape: escape_html,
    bold: ("<b>", "</b>"),
    code: ("<pre>", "</pre>"),
    escape_code: escape_html,
    link: |text, url| {
        format!(
            "<a href=\"{}\">{text}</a>",
            escaped(url, usize::MAX, escape_html)
        )
    },
    bullet: "• ",
};

/// A character as it is.
pub fn same(c: char, out: &mut String) {
    out.push(c);
}

/// A character that no HTML reader takes for a tag, an entity or the end of an attribute.
pub fn escape_html(c: char, out: &mut String) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        _ => out.push(c),
    }
}

/// A character that Markdown takes for itself. An `@` is kept apart from the name behind it, so that nobody is called.
pub fn escape_markdown(c: char, out: &mut String) {
    match c {
        '\\' | '`' | '*' | '_' | '~' | '|' | '<' | '>' | '[' | ']' | '(' | ')' | '#' | '!' => {
            out.push('\\');
            out.push(c);
        }
        '@' => out.push_str("@\u{200b}"),
        _ => out.push(c),
    }
}

/// `[text](address)`; parentheses would end the address.
pub fn link_markdown(text: &str, url: &str) -> String {
    let url = url.replace('(', "%28").replace(')', "%29");
    format!("[{text}]({url})")
}

/// `text` escaped, at most `max` bytes of it. A cut never splits what stands for one character, and shows.
pub fn escaped(text: &str, max: usize, escape: fn(char, &mut String)) -> String {
    let mut out = String::with_capacity(text.len());
    // Where it would have to end, were there more to come.
    let mut room = 0;
    for c in text.chars() {
        if out.len() + MORE_BYTES <= max {
            room = out.len();
        }
        escape(c, &mut out);
        if max < out.len() {
            out.truncate(room);
            if MORE_BYTES <= max {
                out.push_str(MORE);
            }
            return out;
        }
    }
    out
}

/// As many of these lines as fit into `max` bytes; what is left out shows.
fn lines_within(lines: impl IntoIterator<Item = String>, max: usize) -> String {
    let mut out = String::new();
    for line in lines {
        let gap = usize::from(!out.is_empty());
        if max < out.len() + gap + line.len() + MORE_BYTES {
            out.push_str(MORE);
            break;
        }
        if gap == 1 {
            out.push('\n');
        }
        out.push_str(&line);
    }
    out
}

impl Markup {
    /// Escaped and cut.
    pub fn words(&self, text: &str, max: usize) -> String {
        escaped(text, max, self.escape)
    }

    /// Escaped, cut and bold.
    pub fn bold(&self, text: &str, max: usize) -> String {
        format!(
            "{}{}{}",
            self.bold.0,
            escaped(text, max, self.escape),
            self.bold.1
        )
    }

    /// Verbatim text; a fence inside it is broken up.
    pub fn code(&self, text: &str, max: usize) -> String {
        let text = text.replace("```", "'''");
        let around = self.code.0.len() + self.code.1.len();
        format!(
            "{}{}{}",
            self.code.0,
            escaped(&text, max.saturating_sub(around), self.escape_code),
            self.code.1
        )
    }

    /// A link, or the text alone when the address is no web address.
    pub fn link(&self, url: Option<&str>, text: &str) -> String {
        let text = escaped(text, MAX_LINE, self.escape);
        match url.and_then(words::safe_link) {
            Some(url) => (self.link)(&text, url),
            None => text,
        }
    }
}

/// The parts below the subject, the weightiest first: what the check said, what a person said, lines of a digest,
/// deploys. Each has at most `max` bytes; the message is a clean one.
pub fn sections(message: &Message, markup: &Markup, max: usize) -> Vec<String> {
    let mut parts = Vec::new();
    match message.output.as_str() {
        "" => {}
        words if words == message.reason => parts.push(markup.words(words, max)),
        output => parts.push(markup.code(output, max)),
    }
    if let Some(comment) = &message.comment {
        let author = markup.words(message.author.as_deref().unwrap_or("somebody"), MAX_LINE);
        let room = max.saturating_sub(author.len() + 2);
        parts.push(format!("{author}: {}", markup.words(comment, room)));
    }
    if !message.lines.is_empty() {
        let lines = message.lines.iter();
        parts.push(lines_within(
            lines.map(|line| markup.words(line, MAX_LINE)),
            max,
        ));
    }
    if !message.deploy.suspects.is_empty() {
        parts.push(lines_within(deploy_lines(message, markup), max));
    }
    // Slack refuses a message for one part without words.
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn deploy_lines(message: &Message, markup: &Markup) -> Vec<String> {
    let mut lines = vec![markup.bold(words::deploy_title(message), MAX_LINE)];
    for suspect in &message.deploy.suspects {
        lines.push(deploy_line(message, suspect, markup));
        lines.extend(
            suspect
                .evidence
                .iter()
                .map(|text| format!("{}{}", markup.bullet, markup.words(text, MAX_LINE))),
        );
    }
    lines
}

fn deploy_line(message: &Message, suspect: &Suspect, markup: &Markup) -> String {
    let what = markup.words(&words::deploy_what(suspect), MAX_LINE);
    let name = markup.link(suspect.url.as_deref(), &suspect.id);
    if words::about_deploy(message) {
        return format!("{name}: {what}");
    }
    format!(
        "{name}: {what} ({})",
        words::strength_name(suspect.strength)
    )
}

/// The last line: why now, since when, where to read on.
pub fn footer(message: &Message, markup: &Markup, public_url: Option<&str>, max: usize) -> String {
    let mut parts: Vec<String> = facts(message)
        .iter()
        .map(|fact| markup.words(fact, MAX_LINE))
        .collect();
    parts.extend(
        message
            .notes_url
            .as_deref()
            .map(|url| markup.link(Some(url), "runbook")),
    );
    parts.extend(public_url.map(|url| markup.link(Some(url), "deploywatch")));
    let mut out = String::new();
    for part in parts {
        let gap = if out.is_empty() { "" } else { " · " };
        if out.len() + gap.len() + part.len() <= max {
            out.push_str(gap);
            out.push_str(&part);
        }
    }
    out
}

/// Why now and since when, in plain words.
pub fn facts(message: &Message) -> Vec<String> {
    // What stands above as the output is not said again.
    let said = message.reason == message.output;
    let mut facts = vec![if said {
        words::when(message.at)
    } else {
        message.reason.clone()
    }];
    if let Some(began) = message.since {
        facts.push(format!("since {}", words::since(began, message.at)));
    }
    facts.retain(|fact| !fact.is_empty());
    facts
}

/// Everything below the subject as one text of at most `max` bytes that ends with `last`. Each part has its share, and
/// parts that weigh least are left out.
pub fn body(message: &Message, markup: &Markup, last: &str, max: usize) -> String {
    let room = max.saturating_sub(last.len());
    let mut parts = Vec::new();
    let mut used = 0;
    for part in sections(message, markup, room / 3) {
        // Two line breaks stand behind each.
        if used + part.len() + 2 <= room {
            used += part.len() + 2;
            parts.push(part);
        }
    }
    parts.push(last.to_owned());
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

/// Subject and body as one text of at most `max` bytes.
pub fn text(message: &Message, markup: &Markup, public_url: Option<&str>, max: usize) -> String {
    let subject = markup.bold(&words::subject(message), max / 4);
    let room = max.saturating_sub(subject.len() + 2);
    let last = footer(message, markup, public_url, room / 3);
    format!("{subject}\n\n{}", body(message, markup, &last, room))
}

/// The body without links, for services that are given them apart.
pub fn bare(message: &Message, max: usize) -> String {
    let last = PLAIN.words(&facts(message).join(" · "), max / 3);
    body(message, &BARE, &last, max)
}

/// What a message is like, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Warning,
    Bad,
    Unknown,
    /// About a deploy, or of no state.
    Plain,
}

pub fn tone(message: &Message) -> Tone {
    match message.state.as_str() {
        _ if words::about_deploy(message) => Tone::Plain,
        "OK" | "UP" => Tone::Good,
        "WARNING" => Tone::Warning,
        "CRITICAL" | "DOWN" => Tone::Bad,
        "UNKNOWN" | "UNREACHABLE" => Tone::Unknown,
        _ => Tone::Plain,
    }
}

impl Tone {
    /// Red, green and blue in one number.
    pub const fn colour(self) -> u32 {
        match self {
            Self::Good => 0x2e_b886,
            Self::Warning => 0xda_a038,
            Self::Bad => 0xcc_0000,
            Self::Unknown => 0x8b_5fbf,
            Self::Plain => 0x43_9fe0,
        }
    }

    /// `#cc0000`.
    pub fn hex(self) -> String {
        format!("#{:06x}", self.colour())
    }
}

/// How loudly a phone may say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// Not at all: it is there when somebody looks.
    Quiet,
    /// News that asks for nothing: a recovery, an acknowledgement, a downtime.
    Calm,
    /// Something to look at.
    High,
    /// Something is down or broken.
    Urgent,
}

/// How loudly a phone may say this message. What is of low urgency is never heard.
pub fn alarm(message: &Message) -> Alarm {
    match message.kind {
        _ if message.urgency == Urgency::Low => Alarm::Quiet,
        Kind::Digest => Alarm::Quiet,
        Kind::Notice if message.deploy.suspects.is_empty() => Alarm::Quiet,
        Kind::Notice | Kind::Custom => Alarm::High,
        Kind::Problem | Kind::Amendment | Kind::FlappingStart => match tone(message) {
            Tone::Bad => Alarm::Urgent,
            Tone::Good => Alarm::Calm,
            Tone::Warning | Tone::Unknown | Tone::Plain => Alarm::High,
        },
        Kind::Recovery
        | Kind::Acknowledgement
        | Kind::FlappingStop
        | Kind::FlappingDisabled
        | Kind::DowntimeStart
        | Kind::DowntimeEnd
        | Kind::DowntimeCancelled => Alarm::Calm,
    }
}

/// The body of Mattermost and Rocket.Chat, as Slack once had it: a line, and a coloured attachment below it.
pub fn attachment(
    message: &Message,
    markup: &Markup,
    public_url: Option<&str>,
    max: usize,
) -> serde_json::Value {
    let message = words::clean(message);
    let subject = words::subject(&message);
    let last = footer(&message, markup, public_url, max / 8);
    serde_json::json!({
        "text": markup.bold(&subject, max / 4),
        "attachments": [{
            "color": tone(&message).hex(),
            "fallback": markup.words(&subject, max / 4),
            "text": body(&message, markup, &last, max / 2),
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{digest, hostile, problem, recovery, with_suspects},
        *,
    };

    #[test]
    fn a_cut_never_splits_an_escape() {
        for max in 0..40 {
            let short = escaped(&"&é".repeat(1000), max, escape_html);
            assert!(short.len() <= max, "{short}");
            let whole = short.trim_end_matches(MORE).replace("&amp;", "");
            assert!(!whole.contains('&'), "{short}");
        }
        assert_eq!(escaped("a&b", 7, escape_html), "a&amp;b");
        assert_eq!(escaped("a&bc", 7, escape_html), "a …");
        assert_eq!(escaped("", 0, escape_html), "");
    }

    #[test]
    fn texts_stay_within_every_limit() {
        let mut long = with_suspects(3);
        long.output = "<&>_`@".repeat(500);
        long.comment = Some("<&>\n".repeat(3000));
        long.lines = vec!["<&>".repeat(500); 300];
        long.reason = "*".repeat(5000);
        long.notes_url = Some(format!("https://wiki.example.org/{}", "a".repeat(1900)));
        long.deploy.suspects[1].evidence = vec!["<&>".repeat(500); 30];
        let markdown = Markup {
            escape: escape_markdown,
            link: link_markdown,
            ..PLAIN
        };
        for message in [long, hostile(), problem(), digest()] {
            let message = words::clean(&message);
            for markup in [&PLAIN, &HTML, &markdown] {
                for max in [200, 500, 1024, 4096, 16_000] {
                    let text = text(&message, markup, Some("https://watch.example.org"), max);
                    assert!(text.len() <= max + 7, "{max}: {}\n{text}", text.len());
                }
            }
        }
    }

    #[test]
    fn only_what_is_urgent_is_loud() {
        let loud = |kind, urgency, state: &str| {
            alarm(&Message {
                kind,
                urgency,
                state: state.to_owned(),
                ..problem()
            })
        };
        for (kind, urgency, state, expected) in [
            (Kind::Problem, Urgency::High, "CRITICAL", Alarm::Urgent),
            (Kind::Problem, Urgency::High, "WARNING", Alarm::High),
            (Kind::Problem, Urgency::Low, "CRITICAL", Alarm::Quiet),
            (Kind::Recovery, Urgency::High, "OK", Alarm::Calm),
            (Kind::Acknowledgement, Urgency::High, "DOWN", Alarm::Calm),
            (Kind::DowntimeStart, Urgency::High, "DOWN", Alarm::Calm),
            (Kind::Digest, Urgency::High, "DOWN", Alarm::Quiet),
            (Kind::Notice, Urgency::High, "DOWN", Alarm::Quiet),
            (Kind::Custom, Urgency::High, "OK", Alarm::High),
        ] {
            assert_eq!(loud(kind, urgency, state), expected, "{kind:?} {state}");
        }
        assert_eq!(alarm(&digest()), Alarm::Quiet);
        assert_eq!(alarm(&recovery()), Alarm::Calm);
    }

    #[test]
    fn markdown_is_only_text() {
        let text = escaped("<@1> @all [a](b) `x` **", 200, escape_markdown);
        assert_eq!(
            text,
            "\\<@\u{200b}1\\> @\u{200b}all \\[a\\]\\(b\\) \\`x\\` \\*\\*"
        );
        assert_eq!(
            link_markdown("a", "https://x/(b)"),
            "[a](https://x/%28b%29)"
        );
    }
}
