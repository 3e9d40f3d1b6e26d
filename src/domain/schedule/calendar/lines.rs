//! The lines of an iCalendar text (RFC 5545, section 3.1): unfolded, and sorted into components with their properties.

use icalendar::parser::Property;

/// Components lie no deeper than this in any export.
const MAX_DEPTH: usize = 8;

/// From `BEGIN` to `END`.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// In upper case.
    pub name: String,
    /// The line of its `BEGIN`, from 1.
    pub line: u32,
    pub fields: Vec<Field>,
    pub parts: Vec<Part>,
}

/// One property.
#[derive(Debug)]
pub(super) struct Field {
    /// In upper case.
    pub name: String,
    pub value: String,
    /// Their names in upper case.
    params: Vec<(String, String)>,
}

impl Part {
    /// The first property of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    pub fn fields<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p Field> {
        self.fields.iter().filter(move |field| field.name == name)
    }

    /// The value of the first property of this name.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.field(name).map(|field| field.value.trim())
    }
}

impl Field {
    pub fn param(&self, name: &str) -> Option<&str> {
        let mut found = self.params.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }
}

/// All calendars of a text. The error is a sentence: it is none, or not a whole one.
pub(super) fn read(text: &str) -> Result<Vec<Part>, String> {
    let mut open: Vec<Part> = Vec::new();
    let mut calendars = Vec::new();
    for (line, text) in unfolded(text) {
        let end = text.find([':', ';']).unwrap_or(text.len());
        let name = text[..end].trim().to_ascii_uppercase();
        let rest = text[end..].trim_start_matches(':').trim();
        match (&*name, open.is_empty()) {
            ("BEGIN", is_outside) => {
                let name = rest.to_ascii_uppercase();
                if is_outside && name != "VCALENDAR" {
                    return Err(foreign(line));
                }
                if MAX_DEPTH <= open.len() {
                    return Err(format!("line {line}: too many components in one another"));
                }
                open.push(Part {
                    name,
                    line,
                    ..Part::default()
                });
            }
            (_, true) => return Err(foreign(line)),
            ("END", false) => {
                let Some(part) = open.pop() else { continue };
                if !rest.eq_ignore_ascii_case(&part.name) {
                    return Err(format!(
                        "line {line}: END:{rest} stands where END:{} belongs",
                        part.name
                    ));
                }
                match open.last_mut() {
                    Some(outer) => outer.parts.push(part),
                    None => calendars.push(part),
                }
            }
            (_, false) => {
                // A line that nobody can read takes no other with it.
                let whole = format!("{name}{}", &text[end..]);
                if let (Ok(property), Some(part)) =
                    (Property::try_from(whole.as_str()), open.last_mut())
                {
                    part.fields.push(field(name, &property));
                }
            }
        }
    }
    if let Some(part) = open.first() {
        return Err(format!(
            "it breaks off: the END of {} in line {} is missing",
            part.name, part.line
        ));
    }
    if calendars.is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok(calendars)
}

fn foreign(line: u32) -> String {
    format!("it is no iCalendar text: line {line} is not BEGIN:VCALENDAR")
}

fn field(name: String, property: &Property<'_>) -> Field {
    let params = property.params.iter().map(|param| {
        let value = param.val.as_ref().map_or("", |value| value.as_str());
        let value = value.trim().trim_matches('"');
        (param.key.as_str().to_ascii_uppercase(), value.to_owned())
    });
    Field {
        name,
        value: property.val.as_str().to_owned(),
        params: params.collect(),
    }
}

/// Whole lines with the numbers of their first ones; empty ones are left out.
fn unfolded(text: &str) -> Vec<(u32, String)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines: Vec<(u32, String)> = Vec::new();
    for (number, line) in (1..).zip(text.split('\n')) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(more), Some((_, before))) => before.push_str(more),
            _ if line.trim().is_empty() => {}
            _ => lines.push((number, line.to_owned())),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_unfolded_and_keep_their_numbers() {
        let text = "\u{feff}BEGIN:VCALENDAR\r\nbegin:vevent\r\nsummary;LANGUAGE=en:On Call - Ann\\, Smi\r\n th\r\n\r\n\
                    ATTENDEE;CN=\"Smith: Ann; x\":mailto:a@b\r\nwhat is this\r\n;;\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        for text in [text.to_owned(), text.replace("\r\n", "\n")] {
            let calendars = read(&text).expect("it can be read");
            let event = &calendars[0].parts[0];
            assert_eq!((&*event.name, event.line), ("VEVENT", 2));
            assert_eq!(event.value("SUMMARY"), Some("On Call - Ann, Smith"));
            let attendee = event.field("ATTENDEE").expect("there");
            assert_eq!(attendee.value, "mailto:a@b");
            assert_eq!(attendee.param("CN"), Some("Smith: Ann; x"));
        }
    }

    #[test]
    fn what_is_no_whole_calendar_is_refused() {
        let why = |text: &str| read(text).expect_err(text);
        assert_eq!(why(""), "it is empty");
        assert_eq!(
            why("<html>\n<body>Sign in</body></html>"),
            "it is no iCalendar text: line 1 is not BEGIN:VCALENDAR"
        );
        assert_eq!(
            why("BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x"),
            "it breaks off: the END of VCALENDAR in line 1 is missing"
        );
        assert_eq!(
            why("BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR"),
            "line 3: END:VCALENDAR stands where END:VEVENT belongs"
        );
        let deep = "BEGIN:VCALENDAR\n".repeat(100_000);
        assert_eq!(why(&deep), "line 9: too many components in one another");
    }
}
