//! When things are due: time periods, cron, spread, the timer wheel, concurrency budgets.

pub mod cron;
mod cron_text;
mod days;
mod hours;
pub mod period;
pub mod zone;

pub use cron::{Cron, CronFault};
pub use period::{Period, PeriodFault};
pub use zone::Zone;
