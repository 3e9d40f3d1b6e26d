//! Answers a query from a picture: looks at the rows that may fit, and writes those that do.

use std::{cmp::Ordering, collections::HashMap, fmt::Write as _, ops::ControlFlow, time::Instant};

use super::{
    filter::Col,
    output::{Syntax, Writer},
    rec::{Rec, Snap},
    refusal::Refusal,
    request::{Query, SortKey},
    sieve::Sieve,
    stats::Total,
    tables::Hints,
    value::Value,
};
use crate::domain::model::objects::ContactIx;

/// Longer answers are refused.
pub const ANSWER_MAX: usize = 128 * 1024 * 1024;
/// Groups of `Stats` that one answer may have.
const GROUPS_MAX: usize = 200_000;
/// The clock is looked at once in so many rows.
const CLOCK_EVERY: u32 = 512;

/// Whose rows.
#[derive(Clone, Copy)]
enum Eyes {
    All,
    Of(ContactIx),
    /// Somebody unknown sees no hosts and no checks.
    Stranger,
}

impl Query {
    /// The rows of the table that pass the filters.
    fn rows<'q>(
        &self,
        snap: &'q Snap,
        deadline: Instant,
        sieve: &Sieve<'_>,
        take: &mut dyn FnMut(&Rec<'q>) -> ControlFlow<()>,
    ) -> Result<(), Refusal> {
        let eyes = match &self.auth_user {
            None => Eyes::All,
            Some(name) => match snap.inventory.find_contact(name) {
                Some(contact) => Eyes::Of(contact),
                None => Eyes::Stranger,
            },
        };
        let mut hints = Hints {
            line_numbers: self.line_numbers,
            deadline: Some(deadline),
            sieve: Some(sieve),
            ..Hints::default()
        };
        self.filter.hints(self.table.name, &mut hints);
        let mut looked = 0_u32;
        let mut late = false;
        (self.table.rows)(snap, &hints, &mut |rec| {
            looked = looked.wrapping_add(1);
            if looked.is_multiple_of(CLOCK_EVERY) && deadline <= Instant::now() {
                late = true;
                return ControlFlow::Break(());
            }
            let seen = match eyes {
                Eyes::All => true,
                Eyes::Of(contact) => rec.seen_by(contact),
                Eyes::Stranger => rec.seen_by_strangers(),
            };
            if seen && self.filter.accepts(rec) {
                take(rec)
            } else {
                ControlFlow::Continue(())
            }
        });
        if late || deadline <= Instant::now() {
            return Err(Refusal::limit(format!(
                "Maximum query time of {} seconds exceeded",
                self.time_limit.as_secs()
            )));
        }
        Ok(())
    }

    /// Some row passes the filters of `WaitCondition`.
    pub fn condition_holds(&self, snap: &Snap) -> bool {
        let Some(wait) = &self.wait else { return true };
        let mut found = false;
        let deadline = Instant::now() + self.time_limit;
        let sieve = Sieve::new(&wait.condition, None);
        let hints = Hints {
            deadline: Some(deadline),
            sieve: Some(&sieve),
            ..Hints::default()
        };
        (self.table.rows)(snap, &hints, &mut |rec| {
            if wait.condition.accepts(rec) {
                found = true;
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        found
    }

    /// The whole answer.
    pub fn answer(&self, snap: &Snap) -> Result<String, Refusal> {
        let deadline = Instant::now() + self.time_limit;
        if self.stats.is_empty() {
            self.plain(snap, deadline)
        } else {
            self.sums(snap, deadline)
        }
    }

    /// The columns to show: those asked for, or all.
    fn shown(&self) -> Vec<&super::column::Column> {
        match &self.columns {
            Some(columns) => columns.iter().map(|column| &**column).collect(),
            None if self.stats.is_empty() => self.table.columns.iter().collect(),
            None => Vec::new(),
        }
    }

    fn writer(&self) -> Writer {
        let all = self.columns.is_none() && self.stats.is_empty();
        let head: Option<Vec<Value<'_>>> = self.headers.unwrap_or(all).then(|| {
            let sums = (1..=self.stats.len()).map(|at| Value::Text(format!("stats_{at}").into()));
            let names = self
                .shown()
                .into_iter()
                .map(|column| Value::text(&column.name));
            names.chain(sums).collect()
        });
        Writer::new(self.format.clone(), head.as_deref())
    }

    fn plain(&self, snap: &Snap, deadline: Instant) -> Result<String, Refusal> {
        let mut writer = self.writer();
        let shown = self.shown();
        let end = self
            .limit
            .map_or(usize::MAX, |limit| self.offset.saturating_add(limit));
        let count_all = self.format.syntax == Syntax::Wrapped;
        let sieve = Sieve::new(&self.filter, None);
        let mut total = 0_usize;
        let mut full = false;
        let print = |rec: &Rec<'_>, writer: &mut Writer| {
            let cells: Vec<Value<'_>> = shown
                .iter()
                .map(|column| column.value(rec, self.shift))
                .collect();
            writer.row(cells.iter());
            writer.len() < ANSWER_MAX
        };
        if self.sort.is_empty() {
            self.rows(snap, deadline, &sieve, &mut |rec| {
                total += 1;
                if end < total {
                    return if count_all {
                        ControlFlow::Continue(())
                    } else {
                        ControlFlow::Break(())
                    };
                }
                if self.offset < total && !print(rec, &mut writer) {
                    full = true;
                    return ControlFlow::Break(());
                }
                if end == total && !count_all {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            })?;
        } else {
            let mut rows: Vec<(Vec<Value<'static>>, Rec<'_>)> = Vec::new();
            // With a limit only so many are kept, so that pages of large tables are cheap.
            let keep = end.saturating_mul(2).max(1024);
            self.rows(snap, deadline, &sieve, &mut |rec| {
                total += 1;
                rows.push((keys(&self.sort, rec), rec.clone()));
                if keep < rows.len() {
                    rows.sort_by(|a, b| self.order(&a.0, &b.0));
                    rows.truncate(end);
                }
                ControlFlow::Continue(())
            })?;
            rows.sort_by(|a, b| self.order(&a.0, &b.0));
            for (_, rec) in rows.iter().take(end).skip(self.offset) {
                if !print(rec, &mut writer) {
                    full = true;
                    break;
                }
            }
        }
        finished(writer, total, full)
    }

    fn order(&self, a: &[Value<'_>], b: &[Value<'_>]) -> Ordering {
        for ((key, a), b) in self.sort.iter().zip(a).zip(b) {
            let order = a.order(b);
            let order = if key.descending {
                order.reverse()
            } else {
                order
            };
            if order.is_ne() {
                return order;
            }
        }
        Ordering::Equal
    }

    fn sums(&self, snap: &Snap, deadline: Instant) -> Result<String, Refusal> {
        struct Group {
            cells: Vec<Value<'static>>,
            keys: Vec<Value<'static>>,
            totals: Vec<Total>,
        }
        let columns: &[Col] = self.columns.as_deref().unwrap_or_default();
        let mut groups: Vec<Group> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut name = String::new();
        let mut full = false;
        if columns.is_empty() {
            groups.push(Group {
                cells: Vec::new(),
                keys: Vec::new(),
                totals: vec![Total::default(); self.stats.len()],
            });
        }
        // Who sees only some of the rows, or wants them by group, has them all looked at.
        let whole = columns.is_empty() && self.auth_user.is_none();
        let sieve = Sieve::new(&self.filter, whole.then_some(&self.stats));
        self.rows(snap, deadline, &sieve, &mut |rec| {
            let at = if columns.is_empty() {
                0
            } else {
                name.clear();
                for column in columns {
                    let _ = write!(name, "{:?}\0", column.value(rec, self.shift));
                }
                match places.get(&name) {
                    Some(at) => *at,
                    None if groups.len() == GROUPS_MAX => {
                        full = true;
                        return ControlFlow::Break(());
                    }
                    None => {
                        places.insert(name.clone(), groups.len());
                        groups.push(Group {
                            cells: columns
                                .iter()
                                .map(|column| column.value(rec, self.shift).into_owned())
                                .collect(),
                            keys: keys(&self.sort, rec),
                            totals: vec![Total::default(); self.stats.len()],
                        });
                        groups.len() - 1
                    }
                }
            };
            for (stat, total) in self.stats.iter().zip(&mut groups[at].totals) {
                stat.add(total, rec);
            }
            ControlFlow::Continue(())
        })?;
        if let [all] = &mut groups[..] {
            sieve.add_to(&mut all.totals);
        }
        if !self.sort.is_empty() {
            groups.sort_by(|a, b| self.order(&a.keys, &b.keys));
        }
        let end = self
            .limit
            .map_or(usize::MAX, |limit| self.offset.saturating_add(limit));
        let total = groups.len();
        let mut writer = self.writer();
        for group in groups.into_iter().take(end).skip(self.offset) {
            let sums = self.stats.iter().zip(&group.totals);
            let sums: Vec<_> = sums.map(|(stat, total)| stat.value(total)).collect();
            writer.row(group.cells.iter().chain(&sums));
            full |= ANSWER_MAX <= writer.len();
            if full {
                break;
            }
        }
        finished(writer, total, full)
    }
}

fn finished(writer: Writer, total: usize, full: bool) -> Result<String, Refusal> {
    if full {
        return Err(Refusal::limit(
            "Maximum response size exceeded: ask for fewer rows or columns".to_owned(),
        ));
    }
    Ok(writer.done(total))
}

fn keys(sort: &[SortKey], rec: &Rec<'_>) -> Vec<Value<'static>> {
    sort.iter()
        .map(|key| {
            let value = key.column.value(rec, 0);
            match (value, &key.key) {
                (Value::Pairs(pairs), Some(name)) => {
                    let found = pairs.into_iter().find(|(known, _)| known == name);
                    Value::Text(
                        found
                            .map_or_else(String::new, |(_, value)| value.into_owned())
                            .into(),
                    )
                }
                (value, _) => value.into_owned(),
            }
        })
        .collect()
}
