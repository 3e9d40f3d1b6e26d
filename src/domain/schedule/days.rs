//! The left side of a time period's directive: which days it speaks of.
//!
//! The grammar is Nagios':
//!
//! ```text
//! 2026-12-24                     one date
//! 2026-12-24 - 2027-01-02 [/ N]  from one date to another, both included
//! 2026-01-01 / 7                 every seventh day from a date, without end
//! december 24, december -1       a day of a month; -1 is the last
//! july 4 - august 10 [/ N]       each year, also over the new year; july 4 - 10 stays in July
//! day 1, day -1, day 1 - 15 [/ N]             each month
//! monday 3, monday -1                         the third, the last Monday of each month
//! monday 1 - friday -1 [/ N]                  all days from the one to the other, into the next month if need be
//! monday 1 may - friday 2 june [/ N]          the same in given months
//! monday                                      each week
//! ```
//!
//! `/ N` keeps every N-th day, counted from the start of the range. A start that does not exist in a month or year
//! (`february 29`, `day 31`, `monday 5`) skips it; a positive end that does not exist means the last day of the month;
//! a negative one skips. A range over the new year holds on both sides of it (Nagios forgets the January part).

use std::fmt;

use jiff::civil::{Date, Weekday};

use crate::base::text::did_you_mean;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = [
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];

/// The days a directive speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Days {
    span: Span,
    /// Keep every so many-th day; 1 keeps all.
    step: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Span {
    Dates { from: Date, to: Option<Date> },
    Yearly { from: (i8, DayOf), to: (i8, DayOf) },
    Monthly { from: DayOf, to: DayOf },
    Weekly(Weekday),
}

/// A day of some month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DayOf {
    /// 1 to 31, or -1 to -31 from the end.
    Number(i8),
    /// The n-th, 1 to 5, or -1 to -5 from the end.
    Nth(Weekday, i8),
}

impl DayOf {
    fn in_month(self, year: i16, month: i8) -> Option<Date> {
        let first = Date::new(year, month, 1).ok()?;
        match self {
            Self::Number(day) if 0 < day => Date::new(year, month, day).ok(),
            Self::Number(day) => Date::new(year, month, first.days_in_month() + 1 + day).ok(),
            Self::Nth(weekday, nth) => first.nth_weekday_of_month(nth, weekday).ok(),
        }
    }

    /// The same as the end of a range: beyond the month's end is its last day.
    fn end_in_month(self, year: i16, month: i8) -> Option<Date> {
        let (Self::Number(count) | Self::Nth(_, count)) = self;
        let clamped = || {
            (0 < count)
                .then(|| Date::new(year, month, 1).ok().map(Date::last_of_month))
                .flatten()
        };
        self.in_month(year, month).or_else(clamped)
    }
}

/// As Nagios writes it, and as [`Days::parse`] reads it.
impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let month = |month: i8| MONTHS[usize::from(month.unsigned_abs()).clamp(1, 12) - 1];
        let of_month = |day: DayOf, month: &str| match day {
            DayOf::Number(day) => format!("{month} {day}"),
            DayOf::Nth(weekday, nth) => format!("{} {nth} {month}", word_of(weekday)),
        };
        let of_any = |day: DayOf| match day {
            DayOf::Number(day) => format!("day {day}"),
            DayOf::Nth(weekday, nth) => format!("{} {nth}", word_of(weekday)),
        };
        let (from, to) = match self.span {
            Span::Weekly(weekday) => (word_of(weekday).to_owned(), None),
            Span::Dates { from, to } => (from.to_string(), to.map(|to| to.to_string())),
            Span::Yearly { from, to } => (
                of_month(from.1, month(from.0)),
                Some(of_month(to.1, month(to.0))),
            ),
            Span::Monthly { from, to } => (of_any(from), Some(of_any(to))),
        };
        f.write_str(&from)?;
        if let Some(to) = to.filter(|to| *to != from || self.step != 1) {
            write!(f, " - {to}")?;
        }
        // Without an end it is a step that tells it from a single date.
        let is_endless = matches!(self.span, Span::Dates { to: None, .. });
        if self.step != 1 || is_endless {
            write!(f, " / {}", self.step)?;
        }
        Ok(())
    }
}

fn word_of(weekday: Weekday) -> &'static str {
    WEEKDAYS[usize::from(weekday.to_sunday_zero_offset().unsigned_abs()).min(6)]
}

impl Days {
    /// True if `date` is one of these days.
    pub fn cover(&self, date: Date) -> bool {
        match self.span {
            Span::Weekly(weekday) => date.weekday() == weekday,
            Span::Dates { from, to } => self.within(date, from, to),
            Span::Yearly { from, to } => [date.year().saturating_sub(1), date.year()]
                .into_iter()
                .any(|year| {
                    let Some(start) = from.1.in_month(year, from.0) else {
                        return false;
                    };
                    let end = match to.1.end_in_month(year, to.0) {
                        Some(end) if start <= end => Some(end),
                        _ if wraps(from, to) => to.1.end_in_month(year.saturating_add(1), to.0),
                        _ => None,
                    };
                    end.is_some_and(|end| self.within(date, start, Some(end)))
                }),
            Span::Monthly { from, to } => {
                let this = (date.year(), date.month());
                [previous(this), this].into_iter().any(|(year, month)| {
                    let Some(start) = from.in_month(year, month) else {
                        return false;
                    };
                    let Some(end) = to.end_in_month(year, month) else {
                        return false;
                    };
                    let next = next((year, month));
                    let end = if start <= end {
                        Some(end)
                    } else {
                        to.end_in_month(next.0, next.1)
                    };
                    end.is_some_and(|end| self.within(date, start, Some(end)))
                })
            }
        }
    }

    fn within(&self, date: Date, from: Date, to: Option<Date>) -> bool {
        let day = date.duration_since(from).as_hours() / 24;
        from <= date && to.is_none_or(|to| date <= to) && day % self.step == 0
    }

    /// Nagios' precedence, the strongest first: the first directive that covers a day gives all of its hours.
    pub const fn rank(&self) -> u8 {
        match self.span {
            Span::Dates { .. } => 0,
            Span::Yearly {
                from: (_, DayOf::Number(_)),
                ..
            } => 1,
            Span::Monthly {
                from: DayOf::Number(_),
                ..
            } => 2,
            Span::Yearly { .. } => 3,
            Span::Monthly { .. } => 4,
            Span::Weekly(_) => 5,
        }
    }

    /// Reads a directive's key. The error is a sentence for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lower = text.trim().to_lowercase();
        let (days, step) = match lower.split_once('/') {
            None => (lower.as_str(), None),
            Some((days, step)) => (days, Some(parse_step(text, step)?)),
        };
        let span = parse_span(text, &tokens(text, days)?, step.is_some())?;
        Ok(Self {
            span,
            step: step.unwrap_or(1),
        })
    }
}

/// True if a yearly range that ends before it starts runs over the new year. Within one month only one of dates does:
/// `monday 1 may - friday 1 may` is empty in a year whose first Friday comes first.
fn wraps(from: (i8, DayOf), to: (i8, DayOf)) -> bool {
    to.0 < from.0 || (to.0 == from.0 && from.1 != to.1 && matches!(from.1, DayOf::Number(_)))
}

fn previous((year, month): (i16, i8)) -> (i16, i8) {
    if month == 1 {
        (year.saturating_sub(1), 12)
    } else {
        (year, month - 1)
    }
}

fn next((year, month): (i16, i8)) -> (i16, i8) {
    if month == 12 {
        (year.saturating_add(1), 1)
    } else {
        (year, month + 1)
    }
}

fn parse_step(text: &str, step: &str) -> Result<i64, String> {
    match step.trim().parse::<i64>() {
        Ok(days) if (1..=36_600).contains(&days) => Ok(days),
        _ if step.contains('/') => Err(format!(
            "`{text}` has more than one `/`; write dates as 2026-12-24"
        )),
        _ => Err(format!(
            "`{text}`: after `/` stands a number of days of at least 1, as in `2026-01-01 / 7`"
        )),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Date(Date),
    Number(i8),
    Month(i8),
    Weekday(Weekday),
    /// The word `day`.
    Day,
    Dash,
}

fn tokens(text: &str, days: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = days.trim_start();
    while let Some(first) = rest.chars().next() {
        let after_minus = rest.strip_prefix('-');
        let minus_of_number = after_minus
            .is_some_and(|after| after.starts_with(|c: char| c.is_ascii_digit()))
            && !matches!(found.last(), Some(Token::Number(_) | Token::Date(_)));
        let end =
            |from: &str, part: fn(char) -> bool| from.find(|c| !part(c)).unwrap_or(from.len());
        let (token, length) = if minus_of_number {
            let length = 1 + end(&rest[1..], |c| c.is_ascii_digit());
            (number(text, &rest[..length])?, length)
        } else if after_minus.is_some() {
            (Token::Dash, 1)
        } else if first.is_ascii_digit() {
            digits(text, rest)?
        } else if first.is_alphabetic() {
            let length = end(rest, char::is_alphabetic);
            (word(text, &rest[..length])?, length)
        } else {
            return Err(format!(
                "`{text}`: `{first}` cannot stand in a day; {EXAMPLES}"
            ));
        };
        found.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(found)
}

/// A date or a number at the start of `rest`, and its length.
fn digits(text: &str, rest: &str) -> Result<(Token, usize), String> {
    let length = |from: &str| {
        from.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(from.len())
    };
    let year = length(rest);
    let Some(after) = rest[year..].strip_prefix('-').filter(|_| year == 4) else {
        return Ok((number(text, &rest[..year])?, year));
    };
    let month = length(after);
    let day = after[month..].strip_prefix('-').map_or(0, length);
    let whole = year + 1 + month + if day == 0 { 0 } else { 1 + day };
    let parts = (
        rest[..year].parse(),
        after[..month].parse(),
        after.get(month + 1..month + 1 + day).unwrap_or("").parse(),
    );
    let date = match parts {
        (Ok(year), Ok(month), Ok(day)) => Date::new(year, month, day).ok(),
        _ => None,
    };
    match date {
        Some(date) => Ok((Token::Date(date), whole)),
        None => Err(format!(
            "`{}` is not a date of the calendar; write dates as 2026-12-24",
            &rest[..whole]
        )),
    }
}

fn number(text: &str, digits: &str) -> Result<Token, String> {
    match digits.parse::<i8>() {
        Ok(number) if number != 0 && (-31..=31).contains(&number) => Ok(Token::Number(number)),
        _ => Err(format!(
            "`{text}`: {digits} is not the number of a day; days count from 1, or from -1 for the last"
        )),
    }
}

fn word(text: &str, word: &str) -> Result<Token, String> {
    if let Some(month) = (1..).zip(MONTHS).find(|(_, name)| *name == word) {
        return Ok(Token::Month(month.0));
    }
    if let Some(weekday) = weekday(word) {
        return Ok(Token::Weekday(weekday));
    }
    if word == "day" {
        return Ok(Token::Day);
    }
    let names = || MONTHS.into_iter().chain(WEEKDAYS).chain(["day"]);
    let cut_short = || names().find(|name| 3 <= word.len() && name.starts_with(word));
    Err(match cut_short().or_else(|| did_you_mean(word, names())) {
        Some(near) => format!("`{word}` in `{text}` is not a day or month; did you mean `{near}`?"),
        None => format!("`{word}` in `{text}` is not a day or month; {EXAMPLES}"),
    })
}

fn weekday(word: &str) -> Option<Weekday> {
    let at = (0..).zip(WEEKDAYS).find(|(_, name)| *name == word)?.0;
    Weekday::from_sunday_zero_offset(at).ok()
}

const EXAMPLES: &str =
    "write for example `monday`, `2026-12-24`, `december 24`, `day -1` or `monday 1 may`";

fn parse_span(text: &str, tokens: &[Token], stepped: bool) -> Result<Span, String> {
    use Token::{Dash, Date, Day, Month, Number, Weekday};
    let no_step = |span| match stepped {
        true => Err(format!(
            "`{text}`: `/` needs a range to count from, for example `day 1 - 31 / 2`"
        )),
        false => Ok(span),
    };
    match *tokens {
        [] => Err(format!("a directive needs a day; {EXAMPLES}")),
        [Date(from)] => Ok(Span::Dates {
            from,
            to: if stepped { None } else { Some(from) },
        }),
        [Date(from), Dash, Date(to)] if from <= to => Ok(Span::Dates { from, to: Some(to) }),
        [Date(from), Dash, Date(to)] => Err(format!(
            "`{text}` ends before it starts; write `{to} - {from}`"
        )),
        [Weekday(weekday)] => no_step(Span::Weekly(weekday)),
        [Weekday(_), Dash, Weekday(_)] => Err(format!(
            "`{text}`: weekdays have no ranges; write one directive for each of the days"
        )),
        [Day | Month(_)] => Err(format!(
            "`{text}` lacks the number of the day; write for example `{} 1`",
            text.trim()
        )),
        _ => {
            let at = tokens
                .iter()
                .position(|token| *token == Dash)
                .unwrap_or(tokens.len());
            let from = side(text, &tokens[..at])?;
            match tokens.get(at + 1..) {
                None => no_step(range(text, from, from)?),
                // `july 4 - 10` and `monday 1 - 3` repeat the word.
                Some([Number(to)]) => {
                    let day = match from.1 {
                        DayOf::Number(_) => DayOf::Number(*to),
                        DayOf::Nth(weekday, _) => nth(text, weekday, *to)?,
                    };
                    same_kind_range(text, from, (from.0, day))
                }
                Some(to) => range(text, from, side(text, to)?),
            }
        }
    }
}

/// A day of each month (no month given) or of one month.
type Side = (Option<i8>, DayOf);

fn side(text: &str, tokens: &[Token]) -> Result<Side, String> {
    use Token::{Day, Month, Number, Weekday};
    match *tokens {
        [Day, Number(day)] => Ok((None, DayOf::Number(day))),
        [Month(month), Number(day)] => {
            let longest = Date::constant(2024, month, 1).days_in_month();
            if longest < day.abs() {
                return Err(format!(
                    "`{text}`: {} has no day {day}",
                    MONTHS[usize::from(month.unsigned_abs()) - 1]
                ));
            }
            Ok((Some(month), DayOf::Number(day)))
        }
        [Weekday(weekday), Number(count)] => Ok((None, nth(text, weekday, count)?)),
        [Weekday(weekday), Number(count), Month(month)] => {
            Ok((Some(month), nth(text, weekday, count)?))
        }
        [Number(day), Month(month)] => {
            let name = MONTHS[usize::from(month.unsigned_abs()) - 1];
            Err(format!(
                "`{text}`: the month comes first; write `{name} {day}`"
            ))
        }
        _ => Err(format!("`{text}` is not a day; {EXAMPLES}")),
    }
}

fn nth(text: &str, weekday: Weekday, count: i8) -> Result<DayOf, String> {
    match count {
        -5..=5 => Ok(DayOf::Nth(weekday, count)),
        _ => Err(format!(
            "`{text}`: no month has {count} of a weekday; write 1 to 5, or -1 for the last"
        )),
    }
}

/// A range whose second side repeats the words of the first: it must not run backwards.
fn same_kind_range(text: &str, from: Side, to: Side) -> Result<Span, String> {
    let (DayOf::Number(first) | DayOf::Nth(_, first), DayOf::Number(last) | DayOf::Nth(_, last)) =
        (from.1, to.1);
    if from.0.is_some() && (first < 0) == (last < 0) && last < first {
        return Err(format!(
            "`{text}` ends before it starts; a range into another month names that month too"
        ));
    }
    range(text, from, to)
}

fn range(text: &str, from: Side, to: Side) -> Result<Span, String> {
    match (from, to) {
        ((None, first), (None, last)) if same_kind(first, last) => Ok(Span::Monthly {
            from: first,
            to: last,
        }),
        ((Some(start), first), (Some(end), last)) if same_kind(first, last) => Ok(Span::Yearly {
            from: (start, first),
            to: (end, last),
        }),
        _ => Err(format!(
            "`{text}`: both ends of a range are of one kind, for example `day 1 - day 15` or `july 4 - august 10`"
        )),
    }
}

const fn same_kind(first: DayOf, last: DayOf) -> bool {
    matches!(
        (first, last),
        (DayOf::Number(_), DayOf::Number(_)) | (DayOf::Nth(..), DayOf::Nth(..))
    )
}
