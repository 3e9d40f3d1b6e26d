//! Crontab expressions in a time zone.
/// A parsed schedule.
#[derive(Debug)]
pub struct Cron {}
