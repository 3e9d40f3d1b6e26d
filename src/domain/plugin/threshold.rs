//! Threshold ranges, `[@][start:]end`, as the plugin guidelines define them.

use std::fmt;

/// A range of values that are fine (or, with `@`, that are not). Both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Minus infinity where written `~`.
    pub start: f64,
    /// Plus infinity where left out after `:`.
    pub end: f64,
    /// `@`: being inside is what calls.
    pub inside: bool,
}

impl Range {
    /// Reads `10`, `10:`, `~:10`, `10:20` or `@10:20`. The error is a sentence for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        let trimmed = text.trim();
        let (inside, body) = match trimmed.strip_prefix('@') {
            Some(body) => (true, body),
            None => (false, trimmed),
        };
        let (start, end) = match body.split_once(':') {
            Some((start, end)) => (Some(start), end),
            None => (None, body),
        };
        // Plugins write `80%` where they mean 80.
        let read = |number: &str| {
            super::perfdata::number(number.trim_end_matches('%')).ok_or_else(|| {
                format!("`{text}` is not a threshold: `{number}` is not a number; write for example 10, 10:, ~:10 or @10:20")
            })
        };
        let start = match start {
            None | Some("") => 0.0,
            Some("~") => f64::NEG_INFINITY,
            Some(number) => read(number)?,
        };
        let end = if end.is_empty() && body.contains(':') {
            f64::INFINITY
        } else {
            read(end)?
        };
        if end < start {
            return Err(format!(
                "`{text}` is not a threshold: its start is greater than its end"
            ));
        }
        Ok(Self { start, end, inside })
    }

    /// Whether `value` calls for a state change: outside the range, or inside it with `@`.
    pub fn alerts(&self, value: f64) -> bool {
        (self.start <= value && value <= self.end) == self.inside
    }
}

impl fmt::Display for Range {
    /// As it is written in performance data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.inside {
            f.write_str("@")?;
        }
        if self.start == f64::NEG_INFINITY {
            f.write_str("~:")?;
        } else if self.start != 0.0 || self.end == f64::INFINITY {
            write!(f, "{}:", self.start)?;
        }
        if self.end == f64::INFINITY {
            Ok(())
        } else {
            write!(f, "{}", self.end)
        }
    }
}
