//! A report as CSV (RFC 4180): one table of single values, so that any spreadsheet can sort and sum them.

use super::sheet::{Block, Cell, Sheet};

pub fn write(sheet: &Sheet) -> String {
    let mut lines = Lines(String::new());
    lines.add(["section", "item", "figure", "value", "unit"]);
    for (figure, value) in [
        ("from", &sheet.frame.from),
        ("until", &sheet.frame.until),
        ("timezone", &sheet.frame.timezone),
    ] {
        lines.add(["report", "", figure, value, ""]);
    }
    for section in &sheet.sections {
        let mut value = |item: &str, figure: &str, cell: &Cell| {
            let (value, unit) = cell.raw();
            lines.add([section.title, item, figure, &value, unit]);
        };
        match &section.block {
            Block::Figures(figures) => {
                for (name, cell) in figures {
                    value("", name, cell);
                }
            }
            Block::Bars { unit, bars } => {
                for (name, count) in bars {
                    value(name, unit, &Cell::Count(*count));
                }
            }
            Block::Table { head, rows, .. } => {
                for row in rows {
                    let item = row.first().map(Cell::raw).unwrap_or_default().0;
                    for (figure, cell) in head.iter().zip(row).skip(1) {
                        value(&item, figure, cell);
                    }
                }
            }
        }
    }
    for note in &sheet.notes {
        lines.add(["notes", "", "note", note, ""]);
    }
    lines.0
}

struct Lines(String);

impl Lines {
    fn add(&mut self, fields: [&str; 5]) {
        let fields = fields.map(field);
        self.0.push_str(&fields.join(","));
        self.0.push_str("\r\n");
    }
}

fn field(text: &str) -> String {
    // A spreadsheet would run this as a formula; none of our own figures begins so.
    let guarded = match text.trim_start().chars().next() {
        Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠') => format!("'{text}"),
        _ => text.to_owned(),
    };
    if guarded.contains(['"', ',', '\r', '\n']) || guarded.trim() != guarded {
        return format!("\"{}\"", guarded.replace('"', "\"\""));
    }
    guarded
}
