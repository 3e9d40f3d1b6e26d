//! Reads a request: what is asked of which table, and how the answer is to look.

use std::time::Duration;

use super::{
    filter::{Col, Filter, Op, Stack, Test},
    output::Format,
    refusal::Refusal,
    stats::{Stat, Sum},
    tables::Table,
};
use crate::base::time::Timestamp;

/// A request may have so many headers.
const HEADERS_MAX: usize = 20_000;
/// So many of them with a regular expression.
const REGEXES_MAX: usize = 1000;
/// An answer that takes longer is given up, whatever the query says.
const TIME_MAX: Duration = Duration::from_secs(120);
/// The longest wait; who gives no limit waits as long.
const WAIT_MAX: Duration = Duration::from_secs(300);

/// How the connection goes on, also when the request is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// `ResponseHeader: fixed16`.
    pub fixed16: bool,
    pub keep_alive: bool,
}

/// The order of an answer.
pub struct SortKey {
    pub column: Col,
    /// Of a dictionary: the variable.
    pub key: Option<String>,
    pub descending: bool,
}

/// For what to wait first.
pub struct Wait {
    pub trigger: Option<Trigger>,
    pub object: Option<String>,
    pub condition: Filter,
    pub timeout: Duration,
}

/// What wakes those who wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    All,
    Check,
    State,
    Log,
    Downtime,
    Comment,
    Command,
    Program,
}

impl Trigger {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "all" => Self::All,
            "check" => Self::Check,
            "state" => Self::State,
            "log" => Self::Log,
            "downtime" => Self::Downtime,
            "comment" => Self::Comment,
            "command" => Self::Command,
            "program" => Self::Program,
            _ => return None,
        })
    }
}

/// A query, ready to be answered.
pub struct Query {
    pub table: &'static Table,
    /// None: all of the table.
    pub columns: Option<Vec<Col>>,
    pub filter: Filter,
    pub stats: Vec<Stat>,
    pub sort: Vec<SortKey>,
    pub limit: Option<usize>,
    pub offset: usize,
    pub headers: Option<bool>,
    pub format: Format,
    pub auth_user: Option<String>,
    /// Added to times.
    pub shift: i64,
    pub time_limit: Duration,
    pub wait: Option<Wait>,
    /// Some column is the number of a line.
    pub line_numbers: bool,
}

/// Reads a request of `GET`; its lines without the last, empty one.
pub fn parse(lines: &[&str], now: Timestamp) -> (Manner, Result<Query, Refusal>) {
    let mut manner = Manner::default();
    for line in lines {
        // Before anything else, so that a refusal looks as it should.
        match line.split_once(':') {
            Some(("ResponseHeader", value)) => manner.fixed16 = value.trim() == "fixed16",
            Some(("KeepAlive", value)) => manner.keep_alive = value.trim() == "on",
            _ => {}
        }
    }
    (manner, read(lines, now))
}

fn read(lines: &[&str], now: Timestamp) -> Result<Query, Refusal> {
    let Some((first, headers)) = lines.split_first() else {
        return Err(Refusal::incomplete());
    };
    let mut words = first.split_whitespace();
    if words.next() != Some("GET") {
        return Err(Refusal::method(first));
    }
    let Some(name) = words.next() else {
        return Err(Refusal::header(
            "Invalid GET request, missing tablename".to_owned(),
        ));
    };
    let table = Table::find(name).ok_or_else(|| Refusal::table(name))?;
    if HEADERS_MAX < headers.len() {
        return Err(Refusal::limit(format!("more than {HEADERS_MAX} headers")));
    }
    let mut reader = Reader::new(table, now);
    // It shifts the values of filters, which may stand before it.
    for header in headers {
        if let Some(value) = header.strip_prefix("Localtime:") {
            reader.localtime(value.trim())?;
        }
    }
    for header in headers {
        reader.header(header)?;
    }
    Ok(reader.done())
}

struct Reader {
    query: Query,
    filters: Stack,
    conditions: Stack,
    regexes: usize,
    now: Timestamp,
}

impl Reader {
    fn new(table: &'static Table, now: Timestamp) -> Self {
        Self {
            query: Query {
                table,
                columns: None,
                filter: Filter::And(Vec::new()),
                stats: Vec::new(),
                sort: Vec::new(),
                limit: None,
                offset: 0,
                headers: None,
                format: Format::default(),
                auth_user: None,
                shift: 0,
                time_limit: TIME_MAX,
                wait: None,
                line_numbers: false,
            },
            filters: Stack::default(),
            conditions: Stack::default(),
            regexes: 0,
            now,
        }
    }

    fn done(mut self) -> Query {
        self.query.filter = self.filters.done();
        if let Some(wait) = &mut self.query.wait {
            wait.condition = self.conditions.done();
        }
        let all = self.query.columns.is_none() && self.query.stats.is_empty();
        self.query.line_numbers |= all;
        self.query
    }

    fn header(&mut self, line: &str) -> Result<(), Refusal> {
        let Some((name, value)) = line.split_once(':') else {
            return Err(Refusal::header(format!(
                "Undefined request header '{line}'"
            )));
        };
        let value = value.trim();
        match name {
            "Columns" | "StatsGroupBy" => self.columns(value),
            "Filter" => {
                let test = self.test(name, value)?;
                self.filters.push(test);
                Ok(())
            }
            "And" | "Or" => self.filters.join(name, count(name, value)?, name == "Or"),
            "Negate" => self.filters.negate(name),
            "Stats" => self.stats(value),
            "StatsAnd" | "StatsOr" => self.join_stats(name, count(name, value)?, name == "StatsOr"),
            "StatsNegate" => self.negate_stats(),
            "WaitCondition" => {
                let test = self.test(name, value)?;
                self.conditions.push(test);
                self.waiting();
                Ok(())
            }
            "WaitConditionAnd" | "WaitConditionOr" => {
                let any = name == "WaitConditionOr";
                self.conditions.join(name, count(name, value)?, any)
            }
            "WaitConditionNegate" => self.conditions.negate(name),
            "WaitTrigger" => {
                let trigger = Trigger::parse(value).ok_or_else(|| {
                    Refusal::header(format!(
                        "WaitTrigger: there is no '{value}'; there are all, check, state, log, downtime, comment, command and program"
                    ))
                })?;
                self.waiting().trigger = Some(trigger);
                Ok(())
            }
            "WaitObject" => {
                self.waiting().object = Some(value.to_owned());
                Ok(())
            }
            "WaitTimeout" => {
                let millis = number(name, value)?;
                if 0 < millis {
                    self.waiting().timeout = Duration::from_millis(millis).min(WAIT_MAX);
                }
                Ok(())
            }
            "Sort" => self.sort(value),
            _ => self.manner(name, value, line),
        }
    }

    /// Headers that say how the answer looks.
    fn manner(&mut self, name: &str, value: &str, line: &str) -> Result<(), Refusal> {
        let query = &mut self.query;
        match name {
            "Limit" => {
                query.limit = Some(usize::try_from(number(name, value)?).unwrap_or(usize::MAX))
            }
            "Offset" => query.offset = usize::try_from(number(name, value)?).unwrap_or(usize::MAX),
            "Timelimit" => {
                query.time_limit = Duration::from_secs(number(name, value)?).min(TIME_MAX);
            }
            "ColumnHeaders" => query.headers = Some(switch(name, value)?),
            "KeepAlive" => drop(switch(name, value)?),
            "ResponseHeader" => match value {
                "off" | "fixed16" => {}
                _ => {
                    return Err(Refusal::header(format!(
                        "ResponseHeader: there is no '{value}'; there are off and fixed16"
                    )));
                }
            },
            "OutputFormat" => query.format.choose(value)?,
            "Separators" => query.format.separate(value)?,
            "AuthUser" => query.auth_user = Some(value.to_owned()),
            // Read before.
            "Localtime" => {}
            _ => {
                return Err(Refusal::header(format!(
                    "Undefined request header '{line}'"
                )));
            }
        }
        Ok(())
    }

    fn waiting(&mut self) -> &mut Wait {
        self.query.wait.get_or_insert_with(|| Wait {
            trigger: None,
            object: None,
            condition: Filter::And(Vec::new()),
            timeout: WAIT_MAX,
        })
    }

    /// Unknown columns are empty, as other servers of the protocol have it: clients ask for columns of versions to come.
    fn columns(&mut self, value: &str) -> Result<(), Refusal> {
        let table = self.query.table;
        let columns = self.query.columns.get_or_insert_default();
        for name in value.split_whitespace() {
            columns.push(match table.column(name) {
                Some(column) => Col::Known(column),
                None => Col::Unknown(Box::new(super::column::Column::unknown(name))),
            });
            self.query.line_numbers |= name == "lineno";
            if HEADERS_MAX < columns.len() {
                return Err(Refusal::limit(format!("more than {HEADERS_MAX} columns")));
            }
        }
        Ok(())
    }

    /// A column that decides which rows are shown has to be there.
    fn column(&mut self, name: &str) -> Result<Col, Refusal> {
        self.query.line_numbers |= name == "lineno";
        let table = self.query.table;
        table
            .column(name)
            .map(Col::Known)
            .ok_or_else(|| Refusal::column(table.name, name))
    }

    fn test(&mut self, header: &str, value: &str) -> Result<Filter, Refusal> {
        let (name, rest) = word(value);
        if name.is_empty() {
            return Err(Refusal::header(format!("{header}: there is no column")));
        }
        let (op, rest) = word(rest);
        let op = Op::parse(op)
            .ok_or_else(|| Refusal::header(format!("{header}: there is no operator '{op}'")))?;
        let column = self.column(name)?;
        let test = Test::new(column, op, rest, self.query.shift)?;
        self.regexes += usize::from(test.is_regex());
        if REGEXES_MAX < self.regexes {
            return Err(Refusal::limit(format!(
                "more than {REGEXES_MAX} regular expressions"
            )));
        }
        Ok(Filter::Test(Box::new(test)))
    }

    fn stats(&mut self, value: &str) -> Result<(), Refusal> {
        let (first, rest) = word(value);
        let stat = match Sum::parse(first) {
            // A column may have such a name as well; then an operator follows.
            Some(sum) if Op::parse(word(rest).0).is_none() => {
                let column = self.column(word(rest).0)?;
                Stat::Of(sum, column)
            }
            _ => Stat::Count(self.test("Stats", value)?),
        };
        self.query.stats.push(stat);
        Ok(())
    }

    fn join_stats(&mut self, header: &str, count: usize, any: bool) -> Result<(), Refusal> {
        let mut stack = Stack::default();
        for filter in self.last_counts(header, count)? {
            stack.push(filter);
        }
        stack.join(header, count, any)?;
        self.query.stats.push(Stat::Count(stack.done()));
        Ok(())
    }

    fn negate_stats(&mut self) -> Result<(), Refusal> {
        let mut stack = Stack::default();
        for filter in self.last_counts("StatsNegate", 1)? {
            stack.push(filter);
        }
        stack.negate("StatsNegate")?;
        self.query.stats.push(Stat::Count(stack.done()));
        Ok(())
    }

    fn last_counts(&mut self, header: &str, count: usize) -> Result<Vec<Filter>, Refusal> {
        let stats = &mut self.query.stats;
        let Some(from) = stats.len().checked_sub(count) else {
            return Err(Refusal::header(format!(
                "{header}: {count} Stats are to be joined, there are {}",
                stats.len()
            )));
        };
        stats
            .split_off(from)
            .into_iter()
            .map(|stat| match stat {
                Stat::Count(filter) => Ok(filter),
                Stat::Of(..) => Err(Refusal::header(format!(
                    "{header}: only Stats that count can be joined"
                ))),
            })
            .collect()
    }

    fn sort(&mut self, value: &str) -> Result<(), Refusal> {
        let (name, rest) = word(value);
        let column = self.column(name)?;
        let (mut direction, rest) = word(rest);
        let mut key = None;
        if !matches!(direction, "" | "asc" | "desc") {
            key = Some(direction.to_ascii_uppercase());
            direction = word(rest).0;
        }
        let descending = match direction {
            "" | "asc" => false,
            "desc" => true,
            _ => {
                return Err(Refusal::header(format!(
                    "Sort: there is no '{direction}'; there are asc and desc"
                )));
            }
        };
        self.query.sort.push(SortKey {
            column,
            key,
            descending,
        });
        Ok(())
    }

    /// The client's clock: whole half hours of difference are a time zone.
    fn localtime(&mut self, value: &str) -> Result<(), Refusal> {
        let theirs: i64 = value
            .parse()
            .map_err(|_| Refusal::header(format!("Localtime: '{value}' is no time")))?;
        let difference = theirs.saturating_sub(self.now.secs());
        let halves = difference.saturating_add(900).div_euclid(1800);
        if 48 <= halves.saturating_abs() {
            return Err(Refusal::header(
                "Localtime: the difference is more than 24 hours".to_owned(),
            ));
        }
        self.query.shift = halves * 1800;
        Ok(())
    }
}

/// The first word, and what follows it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    match text.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim_start()),
        None => (text, ""),
    }
}

fn number(header: &str, value: &str) -> Result<u64, Refusal> {
    value.parse().map_err(|_| {
        Refusal::header(format!(
            "{header}: '{value}' is no number that is not negative"
        ))
    })
}

fn count(header: &str, value: &str) -> Result<usize, Refusal> {
    number(header, value).map(|number| usize::try_from(number).unwrap_or(usize::MAX))
}

fn switch(header: &str, value: &str) -> Result<bool, Refusal> {
    match value {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(Refusal::header(format!(
            "{header}: '{value}' is neither on nor off"
        ))),
    }
}
