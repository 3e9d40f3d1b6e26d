//! Sums over rows: how many pass a filter, and sum, least, most, average of a column.

use super::{
    super::brief::Brief,
    column::Get,
    filter::{Col, Filter},
    rec::Rec,
    value::Value,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    Sum,
    Min,
    Max,
    Avg,
    Std,
    SumInv,
    AvgInv,
}

impl Fold {
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "sum" => Self::Sum,
            "min" => Self::Min,
            "max" => Self::Max,
            "avg" => Self::Avg,
            "std" => Self::Std,
            "suminv" => Self::SumInv,
            "avginv" => Self::AvgInv,
            _ => return None,
        })
    }
}

/// One `Stats:` header.
pub enum Stat {
    Count(Filter),
    Of(Fold, Col),
}

/// What a header has come to so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Total {
    count: u64,
    sum: f64,
    squares: f64,
    inverse: f64,
    min: f64,
    max: f64,
}

impl Total {
    /// So many more rows passed the filter.
    pub const fn count(&mut self, rows: u64) {
        self.count += rows;
    }
}

impl Stat {
    /// Takes a row in.
    pub fn add(&self, total: &mut Total, rec: &Rec<'_>) {
        let value = match self {
            Self::Count(filter) => {
                total.count += u64::from(filter.accepts(rec));
                return;
            }
            Self::Of(_, column) => match &column.get {
                Get::Int(get) | Get::Time(get) => get(rec) as f64,
                Get::Float(get) => get(rec),
                Get::Text(get) => get(rec).trim().parse().unwrap_or(0.0),
                Get::List(_) | Get::Pairs(_) | Get::Nothing => 0.0,
            },
        };
        if total.count == 0 {
            (total.min, total.max) = (value, value);
        }
        total.count += 1;
        total.sum += value;
        total.squares += value * value;
        if value != 0.0 {
            total.inverse += 1.0 / value;
        }
        total.min = total.min.min(value);
        total.max = total.max.max(value);
    }

    /// Is a row of this brief counted? None: the row has to be asked.
    pub fn glance(&self, brief: Brief) -> Option<bool> {
        match self {
            Self::Count(filter) => filter.glance(brief),
            Self::Of(..) => None,
        }
    }

    /// The figure; where there were no rows, zero.
    pub fn value(&self, total: &Total) -> Value<'static> {
        let Self::Of(sum, column) = self else {
            return Value::Int(i64::try_from(total.count).unwrap_or(i64::MAX));
        };
        let count = total.count.max(1) as f64;
        let whole = matches!(column.get, Get::Int(_) | Get::Time(_));
        let figure = match sum {
            Fold::Sum => total.sum,
            Fold::Min => total.min,
            Fold::Max => total.max,
            Fold::Avg => total.sum / count,
            Fold::Std => {
                let mean = total.sum / count;
                (total.squares / count - mean * mean).max(0.0).sqrt()
            }
            Fold::SumInv => total.inverse,
            Fold::AvgInv => total.inverse / count,
        };
        if whole && matches!(sum, Fold::Sum | Fold::Min | Fold::Max) {
            Value::Int(figure as i64)
        } else {
            Value::Float(figure)
        }
    }
}
