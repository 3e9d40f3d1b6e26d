//! When things are due: time periods, cron, spread, the timer wheel, concurrency budgets.

pub mod budget;
pub mod calendar;
pub mod cron;
mod cron_text;
mod days;
mod hours;
pub mod period;
pub mod rotation;
pub mod spread;
pub mod wheel;
pub mod zone;

pub use budget::{Admission, Budget, Full, Waiting, WaitingFor};
pub use calendar::Calendar;
pub use cron::{Cron, CronFault};
pub use period::{Period, PeriodFault};
pub use rotation::Rotation;
pub use wheel::Wheel;
pub use zone::Zone;

#[cfg(test)]
mod tests;
