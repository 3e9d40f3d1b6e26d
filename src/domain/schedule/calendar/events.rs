//! Events as a calendar describes them, before they are spread over time.

use super::{
    lines::{Field, Part},
    moments::{self, Length, Moment, moment},
    zones::Zones,
};
use crate::{base::time::Timestamp, domain::schedule::Zone};

/// One `VEVENT`.
#[derive(Debug)]
pub(super) struct Event {
    /// What its repetitions and their changes have in common; empty: nothing.
    pub uid: String,
    /// From 1.
    pub line: u32,
    pub summary: String,
    /// Mail addresses of those who take part, without those who declined.
    pub mails: Vec<String>,
    pub start: Moment,
    pub length: Length,
    /// `RRULE`, in upper case.
    pub rules: Vec<String>,
    /// `RDATE`: further beginnings, with lengths where they have their own.
    pub also: Vec<(Moment, Option<Length>)>,
    /// `EXDATE`.
    pub except: Vec<Which>,
    /// `RECURRENCE-ID`: it takes the place of this repetition.
    pub instead: Option<Which>,
    /// And of all after it.
    pub onward: bool,
    pub cancelled: bool,
}

/// One repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    At(Timestamp),
    /// Whatever begins on this day.
    On(jiff::civil::Date),
}

impl Which {
    /// Is it the one that begins then?
    pub fn is(self, at: Timestamp, civil: jiff::civil::DateTime) -> bool {
        match self {
            Self::At(when) => when == at,
            Self::On(day) => day == civil.date(),
        }
    }

    /// Is it that one, or one before it?
    pub fn is_by(self, at: Timestamp, civil: jiff::civil::DateTime) -> bool {
        match self {
            Self::At(when) => when <= at,
            Self::On(day) => day <= civil.date(),
        }
    }
}

/// An event that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// From 1.
    pub line: u32,
    pub summary: String,
    /// A sentence.
    pub why: String,
}

/// What is said of `part`. None: nobody is on call by it, such as one without a length.
pub(super) fn event(
    part: &Part,
    zones: &mut Zones<'_>,
    own: &Zone,
) -> Result<Option<Event>, Unread> {
    let summary = part.value("SUMMARY").unwrap_or_default().to_owned();
    read(part, summary.clone(), zones, own).map_err(|why| Unread {
        line: part.line,
        summary,
        why,
    })
}

fn read(
    part: &Part,
    summary: String,
    zones: &mut Zones<'_>,
    own: &Zone,
) -> Result<Option<Event>, String> {
    let one = |name: &str, zones: &mut Zones<'_>| {
        let found = part.field(name);
        found
            .map(|field| moment(&field.value, field, zones, own))
            .transpose()
    };
    let cancelled = part
        .value("STATUS")
        .is_some_and(|status| status.eq_ignore_ascii_case("CANCELLED"));
    let replaced = part.field("RECURRENCE-ID");
    let instead = replaced
        .map(|field| moment(&field.value, field, zones, own).map(|moment| which(&moment)))
        .transpose()?;
    // A cancelled repetition may say no more than which it is.
    let start = match (one("DTSTART", zones)?, replaced) {
        (Some(start), _) => start,
        (None, Some(field)) if cancelled => moment(&field.value, field, zones, own)?,
        (None, _) => return Err("it has no DTSTART".to_owned()),
    };
    if part.field("EXRULE").is_some() {
        return Err("it has an EXRULE, which nobody writes any more; use EXDATE".to_owned());
    }
    let length = match (one("DTEND", zones)?, part.value("DURATION")) {
        (Some(end), _) => between(&start, &end)?,
        (None, Some(text)) => {
            moments::length(text).ok_or_else(|| format!("`{text}` of DURATION is no span"))?
        }
        (None, None) if start.is_day => Length::Nominal(1, 0),
        (None, None) => Length::Real(0),
    };
    if !length.is_some() && !cancelled {
        return Ok(None);
    }
    let mut also = Vec::new();
    for (field, text) in listed(part, "RDATE") {
        also.push(further(text, field, zones, own)?);
    }
    let mut except = Vec::new();
    for (field, text) in listed(part, "EXDATE") {
        except.push(which(&moment(text, field, zones, own)?));
    }
    let rules = part.fields("RRULE");
    Ok(Some(Event {
        uid: part.value("UID").unwrap_or_default().to_owned(),
        line: part.line,
        summary,
        mails: part.fields("ATTENDEE").filter_map(mail).collect(),
        start,
        length,
        rules: rules
            .map(|field| field.value.trim().to_ascii_uppercase())
            .collect(),
        also,
        except,
        instead,
        onward: replaced.is_some_and(|field| {
            field
                .param("RANGE")
                .is_some_and(|range| range.eq_ignore_ascii_case("THISANDFUTURE"))
        }),
        cancelled,
    }))
}

fn which(moment: &Moment) -> Which {
    if moment.is_day {
        Which::On(moment.civil.date())
    } else {
        Which::At(moment.at())
    }
}

/// Where both ends are shown by the same clocks, it lasts what these show, so that it ends at the same hour all year.
fn between(start: &Moment, end: &Moment) -> Result<Length, String> {
    let length = if start.zone == end.zone {
        let span = end.civil.duration_since(start.civil);
        Length::Shown(span.as_secs())
    } else {
        let millis = end.at().millis().saturating_sub(start.at().millis());
        Length::Real(millis / 1000)
    };
    match length {
        Length::Shown(..=-1) | Length::Real(..=-1) => Err("it ends before it begins".to_owned()),
        length => Ok(length),
    }
}

/// The parts of lists that stand behind commas, with the properties that they belong to.
fn listed<'p>(part: &'p Part, name: &'p str) -> impl Iterator<Item = (&'p Field, &'p str)> {
    part.fields(name).flat_map(|field| {
        let texts = field.value.split(',').map(str::trim);
        texts
            .filter(|text| !text.is_empty())
            .map(move |text| (field, text))
    })
}

/// A beginning, or a period: its beginning and, behind a slash, its end or its length.
fn further(
    text: &str,
    field: &Field,
    zones: &mut Zones<'_>,
    own: &Zone,
) -> Result<(Moment, Option<Length>), String> {
    let Some((start, end)) = text.split_once('/') else {
        return Ok((moment(text, field, zones, own)?, None));
    };
    let start = moment(start, field, zones, own)?;
    let length = match moments::length(end) {
        Some(length) => length,
        None => between(&start, &moment(end, field, zones, own)?)?,
    };
    Ok((start, Some(length)))
}

/// Whoever declined is not on call.
fn mail(field: &Field) -> Option<String> {
    let declined = field
        .param("PARTSTAT")
        .is_some_and(|word| word.eq_ignore_ascii_case("DECLINED"));
    if declined {
        return None;
    }
    let value = field.value.trim();
    let named = match value.split_at_checked("mailto:".len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("mailto:") => rest,
        _ => value,
    };
    let address = if named.contains('@') {
        Some(named)
    } else {
        field.param("EMAIL")
    };
    address.map(|address| address.trim().to_lowercase())
}
