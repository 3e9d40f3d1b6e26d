//! Reports over a week, a month or any time: what on-call people went through, and how deploys went. Stored rows go in,
//! figures come out; the same rows give the same report whenever it is asked for.

mod csv;
mod deploys;
mod html;
mod markdown;
mod oncall;
mod period;
mod said;
mod sheet;
mod slo;
mod text;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use deploys::{DeployRows, Deploys, deploys};
pub use oncall::{Case, EXPIRED_WITHIN, Fate, OnCall, OnCallRows, Place, Sent, oncall};
pub use period::{Period, Span};
pub use slo::{Aim, Past, Slo, SloRows, slo};

use crate::{base::time::Timestamp, domain::schedule::Zone};

/// What can be reported on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    OnCall,
    Deploys,
    Slo,
}

impl Topic {
    /// As in the address and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OnCall => "oncall",
            Self::Deploys => "deploys",
            Self::Slo => "slo",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::OnCall, Self::Deploys, Self::Slo]
            .into_iter()
            .find(|topic| topic.name() == text)
    }
}

/// A report, whichever it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "lowercase")]
pub enum Report {
    OnCall(Box<OnCall>),
    Deploys(Box<Deploys>),
    Slo(Box<Slo>),
}

/// How a report is written. JSON is the report's own shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    Markdown,
    Html,
    Csv,
}

impl Report {
    /// The report as a person, or a spreadsheet, reads it.
    pub fn write(&self, form: Form) -> String {
        let sheet = match self {
            Self::OnCall(report) => report.sheet(&zone(&report.frame)),
            Self::Deploys(report) => report.sheet(&zone(&report.frame)),
            Self::Slo(report) => report.sheet(&zone(&report.frame)),
        }
        .clean();
        match form {
            Form::Text => text::write(&sheet),
            Form::Markdown => markdown::write(&sheet),
            Form::Html => html::write(&sheet),
            Form::Csv => csv::write(&sheet),
        }
    }
}

fn zone(frame: &Frame) -> Zone {
    Zone::find(&frame.timezone).unwrap_or_else(|_| Zone::utc())
}

/// What a report is asked about.
#[derive(Clone, Debug)]
pub struct Scope {
    pub span: Span,
    pub zone: Zone,
    /// Decisions, problems and deploys from before this were deleted ([retention] history).
    pub kept_since: Timestamp,
    /// Deliveries from before this were deleted ([retention] deliveries).
    pub deliveries_since: Timestamp,
}

impl Scope {
    fn has(&self, at: Timestamp) -> bool {
        self.span.from <= at && at < self.span.until
    }

    fn frame(&self) -> Frame {
        Frame {
            about: self.span.about.clone(),
            from: self.span.from.to_string(),
            until: self.span.until.to_string(),
            timezone: match self.zone.name() {
                "local" => String::new(),
                name => name.to_owned(),
            },
        }
    }

    fn notes(&self, cut: bool) -> Vec<String> {
        let mut notes = Vec::new();
        if self.span.from < self.kept_since {
            notes.push(format!(
                "rows from before {} were deleted ([retention] history), so this is not all that happened",
                self.kept_since
            ));
        }
        if cut {
            notes.push(
                "there were more rows than are read at once, so the figures are too low; ask for a shorter time"
                    .to_owned(),
            );
        }
        notes
    }
}

/// The time of a report. Times are RFC 3339.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// In words: `2026-03-02 to 2026-03-08`.
    pub about: String,
    pub from: String,
    /// The first instant that does not belong any more.
    pub until: String,
    /// Whose clocks say what hour it was; empty: the daemon's machine has a zone without a name.
    pub timezone: String,
}

/// Some spans, in whole seconds. Both are spans that occurred (nearest rank), so none is between two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// How many there were.
    pub count: u64,
    pub median: Option<u64>,
    /// Nine of ten were no longer.
    pub p90: Option<u64>,
}

impl Spread {
    fn of(mut spans: Vec<u64>) -> Self {
        spans.sort_unstable();
        let rank = |percent: usize| {
            let place = (spans.len() * percent).div_ceil(100);
            spans.get(place.checked_sub(1)?).copied()
        };
        Self {
            count: spans.len() as u64,
            median: rank(50),
            p90: rank(90),
        }
    }
}
