//! Why a request is not answered, with the protocol's code.

/// A code and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: u16,
    pub message: String,
}

impl Refusal {
    const fn new(code: u16, message: String) -> Self {
        Self { code, message }
    }

    /// A header that makes no sense.
    pub const fn header(message: String) -> Self {
        Self::new(400, message)
    }

    /// No such table.
    pub fn table(name: &str) -> Self {
        Self::new(404, format!("Invalid GET request, no such table '{name}'"))
    }

    /// Too much of something.
    pub const fn limit(message: String) -> Self {
        Self::new(413, message)
    }

    /// No such column.
    pub fn column(table: &str, name: &str) -> Self {
        Self::new(450, format!("Table '{table}' has no column '{name}'"))
    }

    /// The request ended too early.
    pub fn incomplete() -> Self {
        Self::new(451, "Missing, or incomplete, request".to_owned())
    }

    /// Not the protocol at all.
    pub fn method(line: &str) -> Self {
        let line: String = line.chars().take(100).collect();
        Self::new(452, format!("Invalid request method '{line}'"))
    }
}
