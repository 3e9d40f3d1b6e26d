//! The log in Nagios' format as the hub sees it: lines of the engine, external commands and their faults, rotation.

use std::path::PathBuf;

use jiff::civil::{Date, DateTime};

use crate::{
    adapters::nagios::log::EventLog,
    base::time::Timestamp,
    config::{LogFile, Rotation},
    domain::{
        engine::Engine,
        schedule::{Zone, zone::Landing},
    },
};

/// The log, if there is one, and when the next one begins.
#[derive(Debug, Default)]
pub struct Events {
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    log: EventLog,
    settings: LogFile,
    /// None: it is never rotated.
    rotates_at: Option<Timestamp>,
}

impl Events {
    /// Opens the log and says that the daemon begins. A log that cannot be written keeps nobody from being paged.
    pub fn open(settings: Option<&LogFile>, engine: &Engine, now: Timestamp) -> Self {
        let Some(settings) = settings else {
            return Self::default();
        };
        let log = match EventLog::open(&settings.path) {
            Ok(log) => log,
            Err(why) => {
                tracing::error!("{why}");
                return Self::default();
            }
        };
        let mut lines = vec![
            format!(
                "deploywatch {} starting... (PID={})",
                env!("CARGO_PKG_VERSION"),
                std::process::id()
            ),
            "LOG VERSION: 2.0".to_owned(),
        ];
        if settings.initial_states {
            lines.extend(engine.state_lines("INITIAL"));
        }
        log.add(now, lines);
        Self {
            open: Some(Open {
                log,
                settings: settings.clone(),
                rotates_at: next_rotation(settings.rotation, now),
            }),
        }
    }

    pub fn add(&self, now: Timestamp, lines: Vec<String>) {
        if let Some(open) = &self.open {
            open.log.add(now, lines);
        }
    }

    /// Begins a new log, if it is time.
    pub fn rotate(&mut self, engine: &Engine, now: Timestamp) {
        let Some(open) = &mut self.open else {
            return;
        };
        if open.rotates_at.is_none_or(|at| now < at) {
            return;
        }
        open.rotates_at = next_rotation(open.settings.rotation, now);
        let word = match open.settings.rotation {
            Rotation::None => return,
            Rotation::Hourly => "HOURLY",
            Rotation::Daily => "DAILY",
            Rotation::Weekly => "WEEKLY",
            Rotation::Monthly => "MONTHLY",
        };
        let mut lines = vec![
            format!("LOG ROTATION: {word}"),
            "LOG VERSION: 2.0".to_owned(),
        ];
        if open.settings.current_states {
            lines.extend(engine.state_lines("CURRENT"));
        }
        open.log.rotate(now, archive(&open.settings, now), lines);
    }

    /// The daemon ends.
    pub fn close(&mut self, now: Timestamp) {
        if let Some(open) = self.open.take() {
            open.log.add(
                now,
                vec![format!(
                    "Successfully shutdown... (PID={})",
                    std::process::id()
                )],
            );
        }
    }
}

/// `nagios-MM-DD-YYYY-HH.log`, by the hour of the rotation.
fn archive(settings: &LogFile, now: Timestamp) -> PathBuf {
    let name = here(now).strftime("nagios-%m-%d-%Y-%H.log").to_string();
    settings.archive.join(name)
}

fn zone() -> Zone {
    Zone::find("").unwrap_or_else(|_| Zone::utc())
}

/// What the clock on the wall shows.
fn here(at: Timestamp) -> DateTime {
    zone().civil(at)
}

/// When a day begins; where clocks jump over its midnight, at the end of the jump.
fn midnight(date: Date) -> Option<Timestamp> {
    zone()
        .land(date.at(0, 0, 0, 0))
        .map(|landing| match landing {
            Landing::One(at) | Landing::Gap(at) | Landing::Fold { first: at, .. } => at,
        })
}

/// The next full hour, midnight, Sunday's midnight or first of the month, by the clock on the wall.
fn next_rotation(rotation: Rotation, now: Timestamp) -> Option<Timestamp> {
    let clock = here(now);
    let today = clock.date();
    match rotation {
        Rotation::None => None,
        // By the clock of the world: a night that has an hour twice has a log for both.
        Rotation::Hourly => {
            let begun = i64::from(clock.minute()) * 60 + i64::from(clock.second());
            Some(Timestamp::from_secs(now.secs() - begun + 3600))
        }
        Rotation::Daily => midnight(today.tomorrow().ok()?),
        Rotation::Weekly => {
            let days = 7 - i64::from(today.weekday().to_sunday_zero_offset());
            midnight(today.checked_add(jiff::Span::new().days(days)).ok()?)
        }
        Rotation::Monthly => {
            let month = jiff::Span::new().months(1);
            midnight(today.first_of_month().checked_add(month).ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hours stand for themselves wherever the machine is; days must fall on a midnight of its own clock.
    #[test]
    fn rotations_fall_on_the_wall_clock() {
        let now = Timestamp::from_secs(1_700_000_123);
        assert_eq!(next_rotation(Rotation::None, now), None);
        let hour = next_rotation(Rotation::Hourly, now).expect("a time");
        assert!(hour.since(now).as_secs() <= 3600 && here(hour).minute() == 0);
        for (rotation, most) in [
            (Rotation::Daily, 1),
            (Rotation::Weekly, 7),
            (Rotation::Monthly, 31),
        ] {
            let at = next_rotation(rotation, now).expect("a time");
            let days = at.since(now).as_secs() / 86_400;
            assert!(now < at && days <= most, "{rotation:?}");
            let there = here(at);
            assert_eq!((there.hour(), there.minute()), (0, 0), "{rotation:?}");
            if rotation == Rotation::Monthly {
                assert_eq!(there.day(), 1);
            }
            if rotation == Rotation::Weekly {
                assert_eq!(there.weekday(), jiff::civil::Weekday::Sunday);
            }
        }
    }
}
