//! When things are due: time periods, cron, spread, the timer wheel, concurrency budgets.

pub mod cron;
mod cron_text;
mod days;
mod hours;
pub mod period;
pub mod spread;
pub mod wheel;
pub mod zone;

pub use cron::{Cron, CronFault};
pub use period::{Period, PeriodFault};
pub use wheel::Wheel;
pub use zone::Zone;

#[cfg(test)]
mod tests;
