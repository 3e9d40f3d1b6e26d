//! When things are due: time periods, cron, spread, the timer wheel, concurrency budgets.

pub mod cron;
pub mod period;

pub use cron::Cron;
pub use period::Period;
