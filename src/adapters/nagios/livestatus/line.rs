//! One line of the log, `[epoch] TEXT`, taken apart as web interfaces expect it.

use std::ops::Range;

/// What a line is about; the numbers are the protocol's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Info = 0,
    Alert = 1,
    Program = 2,
    Notification = 3,
    Passive = 4,
    Command = 5,
    State = 6,
}

/// A line. All parts are places in its text; an empty one is not there.
#[derive(Clone, Debug)]
pub struct Line {
    /// Seconds since 1970.
    pub at: i64,
    /// Counted from 1; 0 where nobody asked.
    pub number: i64,
    pub class: Class,
    pub state: i64,
    pub attempt: i64,
    text: Box<str>,
    kind: Range<usize>,
    options: Range<usize>,
    host: Range<usize>,
    check: Range<usize>,
    contact: Range<usize>,
    command: Range<usize>,
    state_type: Range<usize>,
    output: Range<usize>,
    comment: Range<usize>,
}

/// The time of a line, without looking at the rest.
pub fn stamp(text: &str) -> Option<i64> {
    let (stamp, _) = text.strip_prefix('[')?.split_once(']')?;
    stamp.parse().ok()
}

/// Takes the parts of an entry between semicolons.
struct Parts<'t> {
    text: &'t str,
    at: usize,
}

impl Parts<'_> {
    /// Up to the next semicolon.
    fn next(&mut self) -> Range<usize> {
        let from = self.at.min(self.text.len());
        let end = self.text[from..]
            .find(';')
            .map_or(self.text.len(), |at| from + at);
        self.at = end + 1;
        from..end
    }

    /// All that is left.
    fn rest(&mut self) -> Range<usize> {
        let from = self.at.min(self.text.len());
        self.at = self.text.len() + 1;
        from..self.text.len()
    }
}

impl Line {
    /// None: no line of a log.
    pub fn parse(text: &str, number: i64) -> Option<Self> {
        let at = stamp(text)?;
        let start = text.find(']')? + 1;
        let start = start + text[start..].len() - text[start..].trim_start().len();
        let colon = text[start..].find(':').map(|colon| start + colon);
        let options = colon.map_or(text.len()..text.len(), |colon| {
            let rest = &text[colon + 1..];
            text.len() - rest.trim_start().len()..text.len()
        });
        let mut line = Self {
            at,
            number,
            class: Class::Info,
            state: 0,
            attempt: 0,
            text: text.into(),
            kind: start..text.len(),
            options,
            host: 0..0,
            check: 0..0,
            contact: 0..0,
            command: 0..0,
            state_type: 0..0,
            output: 0..0,
            comment: 0..0,
        };
        if let Some(colon) = colon {
            line.classify(start..colon);
        } else {
            line.class = program(&text[start..]);
        }
        Some(line)
    }

    fn classify(&mut self, kind: Range<usize>) {
        let text = self.text.clone();
        let mut parts = Parts {
            text: &text,
            at: self.options.start,
        };
        let word = &text[kind.clone()];
        let of_check = word.contains("SERVICE");
        let names = |line: &mut Self, parts: &mut Parts<'_>| {
            line.host = parts.next();
            if of_check {
                line.check = parts.next();
            }
        };
        match word {
            "HOST ALERT"
            | "SERVICE ALERT"
            | "INITIAL HOST STATE"
            | "INITIAL SERVICE STATE"
            | "CURRENT HOST STATE"
            | "CURRENT SERVICE STATE" => {
                self.class = if word.ends_with("ALERT") {
                    Class::Alert
                } else {
                    Class::State
                };
                names(self, &mut parts);
                self.state = state(&text[parts.next()], of_check).unwrap_or(3);
                self.state_type = parts.next();
                self.attempt = text[parts.next()].parse().unwrap_or(0);
                self.output = parts.rest();
            }
            "HOST DOWNTIME ALERT"
            | "SERVICE DOWNTIME ALERT"
            | "HOST FLAPPING ALERT"
            | "SERVICE FLAPPING ALERT" => {
                self.class = Class::Alert;
                names(self, &mut parts);
                self.state_type = parts.next();
                self.comment = parts.rest();
            }
            "HOST ACKNOWLEDGE ALERT" | "SERVICE ACKNOWLEDGE ALERT" => {
                self.class = Class::Alert;
                names(self, &mut parts);
                self.state_type = parts.next();
                self.contact = parts.next();
                self.comment = parts.rest();
            }
            "HOST NOTIFICATION" | "SERVICE NOTIFICATION" => {
                self.class = Class::Notification;
                self.contact = parts.next();
                names(self, &mut parts);
                self.notification(&text, &mut parts, of_check);
            }
            "PASSIVE HOST CHECK" | "PASSIVE SERVICE CHECK" => {
                self.class = Class::Passive;
                names(self, &mut parts);
                self.state = text[parts.next()].parse().unwrap_or(0);
                self.output = parts.rest();
            }
            "HOST EVENT HANDLER"
            | "SERVICE EVENT HANDLER"
            | "GLOBAL HOST EVENT HANDLER"
            | "GLOBAL SERVICE EVENT HANDLER" => {
                names(self, &mut parts);
                self.state = state(&text[parts.next()], of_check).unwrap_or(3);
                self.state_type = parts.next();
                self.attempt = text[parts.next()].parse().unwrap_or(0);
                self.command = parts.rest();
            }
            "HOST NOTIFICATION SUPPRESSED"
            | "SERVICE NOTIFICATION SUPPRESSED"
            | "HOST INFO"
            | "SERVICE INFO"
            | "HOST NOTE"
            | "SERVICE NOTE" => {
                names(self, &mut parts);
                self.comment = parts.rest();
            }
            "EXTERNAL COMMAND" => {
                self.class = Class::Command;
                let name = &text[parts.next()];
                if name.contains("_HOST") && !name.contains("_HOSTGROUP") {
                    self.host = parts.next();
                } else if name.contains("_SVC") || name.contains("_SERVICE_") {
                    self.host = parts.next();
                    self.check = parts.next();
                }
            }
            "TIMEPERIOD TRANSITION" => self.class = Class::State,
            "LOG VERSION" | "LOG ROTATION" => self.class = Class::Program,
            _ => {
                self.class = program(&text[kind.start..]);
                return;
            }
        }
        self.kind = kind;
    }

    /// The state may stand in brackets behind a word, and behind the command in old logs.
    fn notification(&mut self, text: &str, parts: &mut Parts<'_>, of_check: bool) {
        self.state_type = parts.next();
        self.command = parts.next();
        if state(&text[self.state_type.clone()], of_check).is_none()
            && state(&text[self.command.clone()], of_check).is_some()
        {
            std::mem::swap(&mut self.state_type, &mut self.command);
        }
        self.state = state(&text[self.state_type.clone()], of_check).unwrap_or(0);
        self.output = parts.next();
        let _author = parts.next();
        self.comment = parts.rest();
    }

    fn part(&self, range: &Range<usize>) -> &str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    /// The whole line.
    pub fn message(&self) -> &str {
        &self.text
    }

    /// `SERVICE ALERT`; all of the text where it has no such word.
    pub fn kind(&self) -> &str {
        self.part(&self.kind)
    }

    /// What stands behind the first colon.
    pub fn options(&self) -> &str {
        self.part(&self.options)
    }

    pub fn host(&self) -> &str {
        self.part(&self.host)
    }

    /// Empty: about a host.
    pub fn check(&self) -> &str {
        self.part(&self.check)
    }

    pub fn contact(&self) -> &str {
        self.part(&self.contact)
    }

    pub fn command(&self) -> &str {
        self.part(&self.command)
    }

    /// HARD, STARTED, `ACKNOWLEDGEMENT (CRITICAL)`, ...
    pub fn state_type(&self) -> &str {
        self.part(&self.state_type)
    }

    pub fn output(&self) -> &str {
        self.part(&self.output)
    }

    pub fn comment(&self) -> &str {
        self.part(&self.comment)
    }
}

/// A state by its name, or the one in brackets.
fn state(text: &str, of_check: bool) -> Option<i64> {
    let word = match text.rsplit_once('(') {
        Some((_, word)) => word.trim_end_matches(')'),
        None => text,
    };
    Some(match (word.trim(), of_check) {
        ("OK", true) | ("UP", false) | ("RECOVERY", _) => 0,
        ("WARNING", true) | ("DOWN", false) => 1,
        ("CRITICAL", true) | ("UNREACHABLE", false) => 2,
        ("UNKNOWN", true) => 3,
        _ => return None,
    })
}

/// Lines about the program itself.
fn program(text: &str) -> Class {
    let words = [
        "starting...",
        "shutting down...",
        "Bailing out",
        "standby mode...",
        "restarting...",
        "logging initial states",
    ];
    if words.iter().any(|word| text.contains(word)) {
        Class::Program
    } else {
        Class::Info
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line::parse(text, 0).expect("a line")
    }

    #[test]
    fn alerts_and_states_are_taken_apart() {
        let alert = line("[1700000000] SERVICE ALERT: web1;http;CRITICAL;HARD;3;502; bad gateway");
        assert_eq!(
            (
                alert.at,
                alert.class,
                alert.kind(),
                alert.state,
                alert.attempt
            ),
            (1_700_000_000, Class::Alert, "SERVICE ALERT", 2, 3)
        );
        assert_eq!(
            (
                alert.host(),
                alert.check(),
                alert.state_type(),
                alert.output()
            ),
            ("web1", "http", "HARD", "502; bad gateway")
        );
        assert_eq!(
            alert.options(),
            "web1;http;CRITICAL;HARD;3;502; bad gateway"
        );
        let state = line("[1] CURRENT HOST STATE: web1;UNREACHABLE;SOFT;1;gone");
        assert_eq!(
            (state.class, state.state, state.check()),
            (Class::State, 2, "")
        );
    }

    #[test]
    fn notifications_say_who_and_why() {
        let told = line(
            "[1] SERVICE NOTIFICATION: amy;web1;http;ACKNOWLEDGEMENT (WARNING);by-mail;slow;bob;mine",
        );
        assert_eq!(
            (told.class, told.contact(), told.state, told.command()),
            (Class::Notification, "amy", 1, "by-mail")
        );
        assert_eq!((told.output(), told.comment()), ("slow", "mine"));
        let swapped = line("[1] HOST NOTIFICATION: amy;web1;by-mail;DOWNTIMESTOPPED (UP);mk");
        assert_eq!(
            (swapped.command(), swapped.state_type(), swapped.state),
            ("by-mail", "DOWNTIMESTOPPED (UP)", 0)
        );
    }

    #[test]
    fn the_rest_has_a_class_too() {
        for (text, class, host) in [
            (
                "[1] PASSIVE SERVICE CHECK: web1;http;2;bad",
                Class::Passive,
                "web1",
            ),
            (
                "[1] EXTERNAL COMMAND: ADD_HOST_COMMENT;web1;1;amy;hm",
                Class::Command,
                "web1",
            ),
            (
                "[1] EXTERNAL COMMAND: DISABLE_NOTIFICATIONS",
                Class::Command,
                "",
            ),
            (
                "[1] HOST DOWNTIME ALERT: web1;STARTED; now",
                Class::Alert,
                "web1",
            ),
            ("[1] LOG ROTATION: DAILY", Class::Program, ""),
            (
                "[1] deploywatch 0.1.0 starting... (PID=3)",
                Class::Program,
                "",
            ),
            ("[1] TIMEPERIOD TRANSITION: night;0;1", Class::State, ""),
            ("[1] Warning: odd", Class::Info, ""),
            ("[1] SERVICE ALERT:", Class::Alert, ""),
        ] {
            let line = line(text);
            assert_eq!((line.class, line.host()), (class, host), "{text}");
        }
        for text in ["", "x", "[x] y", "1] y", "[1"] {
            assert!(Line::parse(text, 0).is_none(), "{text}");
        }
    }
}
