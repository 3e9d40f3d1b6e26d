//! How an answer looks: CSV, JSON, Python, and JSON with a frame around it.

use std::fmt::Write as _;

use super::{refusal::Refusal, value::Value};

/// The syntax.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Syntax {
    #[default]
    Csv,
    Json,
    Python,
    Python3,
    /// JSON in a frame with the number of all rows.
    Wrapped,
}

/// The syntax and, for CSV, its separators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    pub syntax: Syntax,
    row: char,
    field: char,
    list: char,
    pair: char,
}

impl Default for Format {
    fn default() -> Self {
        Self {
            syntax: Syntax::Csv,
            row: '\n',
            field: ';',
            list: ',',
            pair: '|',
        }
    }
}

impl Format {
    /// `OutputFormat:`
    pub fn choose(&mut self, word: &str) -> Result<(), Refusal> {
        self.syntax = match word {
            "csv" | "CSV" => Syntax::Csv,
            "json" => Syntax::Json,
            "python" => Syntax::Python,
            "python3" => Syntax::Python3,
            "wrapped_json" => Syntax::Wrapped,
            _ => {
                return Err(Refusal::header(format!(
                    "OutputFormat: there is no '{word}'; there are csv, json, python, python3 and wrapped_json"
                )));
            }
        };
        Ok(())
    }

    /// `Separators:` four codes of characters, for rows, fields, lists, and hosts and their checks.
    pub fn separate(&mut self, value: &str) -> Result<(), Refusal> {
        let wrong = || {
            Refusal::header(format!(
                "Separators: '{value}' is not four codes of characters, such as 10 59 44 124"
            ))
        };
        let mut codes = value.split_whitespace().map(|code| {
            let code: u8 = code.parse().map_err(|_| wrong())?;
            Ok(char::from(code))
        });
        let mut next = || codes.next().unwrap_or_else(|| Err(wrong()));
        self.row = next()?;
        self.field = next()?;
        self.list = next()?;
        self.pair = next()?;
        Ok(())
    }
}

/// An answer in the making.
pub struct Writer {
    format: Format,
    out: String,
    rows: usize,
}

impl Writer {
    /// Begins an answer. `head`: the names of its columns, where they are to be shown.
    pub fn new(format: Format, head: Option<&[Value<'_>]>) -> Self {
        let mut writer = Self {
            format,
            out: String::new(),
            rows: 0,
        };
        match (writer.format.syntax, head) {
            (Syntax::Csv, None) => {}
            (Syntax::Csv, Some(head)) => writer.row(head.iter()),
            (Syntax::Wrapped, None) => writer.out.push_str("{\"data\":["),
            (Syntax::Wrapped, Some(head)) => {
                writer.out.push_str("{\"columns\":");
                writer.row(head.iter());
                writer.out.push_str(",\n\"data\":[");
                writer.rows = 0;
            }
            (_, None) => writer.out.push('['),
            (_, Some(head)) => {
                writer.out.push('[');
                writer.row(head.iter());
            }
        }
        writer
    }

    /// Bytes so far.
    pub const fn len(&self) -> usize {
        self.out.len()
    }

    pub fn row<'v, 'r: 'v>(&mut self, cells: impl Iterator<Item = &'v Value<'r>>) {
        if self.format.syntax == Syntax::Csv {
            for (at, cell) in cells.enumerate() {
                if at != 0 {
                    self.out.push(self.format.field);
                }
                self.csv(cell, 0);
            }
            self.out.push(self.format.row);
            self.rows += 1;
            return;
        }
        if self.rows != 0 {
            self.out.push_str(",\n");
        }
        self.rows += 1;
        self.out.push('[');
        for (at, cell) in cells.enumerate() {
            if at != 0 {
                self.out.push(',');
            }
            self.json(cell);
        }
        self.out.push(']');
    }

    /// The whole answer. `total`: rows that passed the filters.
    pub fn done(mut self, total: usize) -> String {
        match self.format.syntax {
            Syntax::Csv => {}
            Syntax::Wrapped => {
                let _ = writeln!(self.out, "]\n,\"total_count\":{total}}}");
            }
            _ => self.out.push_str("]\n"),
        }
        self.out
    }

    fn csv(&mut self, cell: &Value<'_>, depth: usize) {
        match cell {
            Value::Int(number) => {
                let _ = write!(self.out, "{number}");
            }
            Value::Float(number) => float(&mut self.out, *number),
            // A line end within would be another row.
            Value::Text(text) => self
                .out
                .extend(text.chars().map(|c| if c == '\n' { ' ' } else { c })),
            Value::List(list) => {
                let separator = if depth == 0 {
                    self.format.list
                } else {
                    self.format.pair
                };
                for (at, element) in list.iter().enumerate() {
                    if at != 0 {
                        self.out.push(separator);
                    }
                    self.csv(element, depth + 1);
                }
            }
            Value::Pairs(pairs) => {
                for (at, (name, value)) in pairs.iter().enumerate() {
                    if at != 0 {
                        self.out.push(self.format.list);
                    }
                    self.out.push_str(name);
                    self.out.push(self.format.pair);
                    self.out
                        .extend(value.chars().map(|c| if c == '\n' { ' ' } else { c }));
                }
            }
            Value::Nothing => {}
        }
    }

    fn json(&mut self, cell: &Value<'_>) {
        match cell {
            Value::Int(number) => {
                let _ = write!(self.out, "{number}");
            }
            Value::Float(number) => float(&mut self.out, *number),
            Value::Text(text) => self.string(text),
            Value::List(list) => {
                self.out.push('[');
                for (at, element) in list.iter().enumerate() {
                    if at != 0 {
                        self.out.push(',');
                    }
                    self.json(element);
                }
                self.out.push(']');
            }
            Value::Pairs(pairs) => {
                self.out.push('{');
                for (at, (name, value)) in pairs.iter().enumerate() {
                    if at != 0 {
                        self.out.push(',');
                    }
                    self.string(name);
                    self.out.push(':');
                    self.string(value);
                }
                self.out.push('}');
            }
            Value::Nothing => self.out.push_str("\"\""),
        }
    }

    fn string(&mut self, text: &str) {
        let python = match self.format.syntax {
            Syntax::Python => {
                self.out.push('u');
                true
            }
            Syntax::Python3 => true,
            _ => false,
        };
        self.out.push('"');
        let mut plain = 0;
        for (at, c) in text.char_indices() {
            let escape = matches!(c, '"' | '\\')
                || c.is_control()
                || matches!(c, '\u{2028}' | '\u{2029}')
                || python && !c.is_ascii();
            if !escape {
                continue;
            }
            self.out.push_str(&text[plain..at]);
            plain = at + c.len_utf8();
            let code = u32::from(c);
            let _ = match c {
                '"' | '\\' => write!(self.out, "\\{c}"),
                _ if code <= 0xffff => write!(self.out, "\\u{code:04x}"),
                // Only Python: JSON takes these as they are.
                _ => write!(self.out, "\\U{code:08x}"),
            };
        }
        self.out.push_str(&text[plain..]);
        self.out.push('"');
    }
}

/// Always with a point or an exponent, never what JSON does not know.
fn float(out: &mut String, number: f64) {
    let number = if number.is_finite() { number } else { 0.0 };
    let _ = write!(out, "{number:?}");
}
