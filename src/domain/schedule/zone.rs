//! Time zones: which wall-clock time an instant shows, and which instants show a wall-clock time.

use jiff::{
    civil::DateTime,
    tz::{AmbiguousOffset, Offset, TimeZone},
};

use crate::base::{text::did_you_mean, time::Timestamp};

/// A time zone of the IANA database. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    tz: TimeZone,
}

/// The instants at which clocks show a given wall-clock time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landing {
    One(Timestamp),
    /// Clocks jump over this time; the jump ends at this instant, the first valid one after the gap.
    Gap(Timestamp),
    /// Clocks are set back over this time and show it twice.
    Fold {
        first: Timestamp,
        second: Timestamp,
    },
}

impl Zone {
    /// The zone called `name`, such as `Europe/Prague`. The empty name is the system's own zone; where the system
    /// has none, that is UTC, as in the C library.
    ///
    /// The zone database is read here and never again for this value: call it while a configuration is loaded.
    pub fn find(name: &str) -> Result<Self, String> {
        if name.is_empty() {
            return Ok(Self {
                tz: TimeZone::try_system().unwrap_or(TimeZone::UTC),
            });
        }
        TimeZone::get(name).map(|tz| Self { tz }).map_err(|_| {
            let known: Vec<String> = jiff::tz::db()
                .available()
                .map(|known| known.as_str().to_owned())
                .collect();
            let hint = match did_you_mean(name, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => match known.iter().find(|zone| is_city_of(zone, name)) {
                    Some(zone) => format!("did you mean `{zone}`?"),
                    None => "write a name of the IANA database, for example Europe/Prague or UTC"
                        .to_owned(),
                },
            };
            format!("`{name}` is not a time zone; {hint}")
        })
    }

    /// Coordinated universal time.
    pub const fn utc() -> Self {
        Self { tz: TimeZone::UTC }
    }

    /// `Europe/Prague`; `local` for a system zone without a name.
    pub fn name(&self) -> &str {
        self.tz.iana_name().unwrap_or("local")
    }

    /// The wall-clock time at `at` in a form of `strftime`.
    pub fn shown(&self, at: Timestamp, form: &str) -> String {
        instant(at)
            .to_zoned_datetime(self.tz.clone())
            .strftime(form)
            .to_string()
    }

    /// The wall-clock time at `at`.
    pub fn civil(&self, at: Timestamp) -> DateTime {
        self.tz.to_datetime(instant(at))
    }

    /// The offset from UTC at `at`.
    pub(super) fn offset(&self, at: Timestamp) -> Offset {
        self.tz.to_offset(instant(at))
    }

    /// The instant that `text` means: RFC 3339, or `2026-12-24 18:00` by the clocks of this zone. Of a time that comes
    /// twice it is the first, of one that is skipped the instant of the jump.
    pub fn read(&self, text: &str) -> Option<Timestamp> {
        if let Some(at) = Timestamp::parse(text) {
            return Some(at);
        }
        match self.land(text.parse().ok()?)? {
            Landing::One(at) | Landing::Gap(at) | Landing::Fold { first: at, .. } => Some(at),
        }
    }

    /// A zone by rules as the `TZ` variable of POSIX has them, for a calendar that brings its own. The error is a sentence.
    pub(super) fn of_rules(text: &str) -> Result<Self, String> {
        TimeZone::posix(text)
            .map(|tz| Self { tz })
            .map_err(|error| error.to_string())
    }

    /// The instant that shows `civil`, as RFC 5545 has it: of a time that comes twice the first one, and one that is skipped
    /// comes as much later as the clocks jump.
    pub(super) fn settle(&self, civil: DateTime) -> Timestamp {
        let at = self.tz.to_ambiguous_timestamp(civil).compatible();
        let ends = if civil.year() < 0 { i64::MIN } else { i64::MAX };
        Timestamp(at.map_or(ends, jiff::Timestamp::as_millisecond))
    }

    /// The instants that show `civil`. None only at the ends of representable time, thousands of years away.
    pub fn land(&self, civil: DateTime) -> Option<Landing> {
        let at = |offset: Offset| {
            offset
                .to_timestamp(civil)
                .ok()
                .map(|at| Timestamp(at.as_millisecond()))
        };
        match self.tz.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => at(offset).map(Landing::One),
            // With the offset of after the jump, a skipped time lies before the jump, less than the gap's length.
            AmbiguousOffset::Gap { after, .. } => self.next_shift(at(after)?).map(Landing::Gap),
            AmbiguousOffset::Fold { before, after } => Some(Landing::Fold {
                first: at(before)?,
                second: at(after)?,
            }),
        }
    }

    /// The first instant after `at` from which the zone's rules may give another offset.
    pub(super) fn next_shift(&self, at: Timestamp) -> Option<Timestamp> {
        let next = self.tz.following(instant(at)).next()?;
        Some(Timestamp(next.timestamp().as_millisecond()))
    }
}

/// True if `zone` is `Area/City` and `name` its city, in any case and with blanks for underscores.
fn is_city_of(zone: &str, name: &str) -> bool {
    zone.rsplit_once('/')
        .is_some_and(|(_, city)| city.eq_ignore_ascii_case(&name.replace(' ', "_")))
}

/// `at` as the calendar library has it, held within the years it can represent.
fn instant(at: Timestamp) -> jiff::Timestamp {
    let (low, high) = (jiff::Timestamp::MIN, jiff::Timestamp::MAX);
    jiff::Timestamp::from_millisecond(at.millis()).unwrap_or(if at.millis() < 0 {
        low
    } else {
        high
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect(text)
    }

    #[test]
    fn finds_zones_and_names_the_one_that_was_meant() {
        assert_eq!(
            Zone::find("Europe/Prague").expect("known").name(),
            "Europe/Prague"
        );
        assert!(Zone::find("").is_ok());
        let said = Zone::find("Europe/Pragu").expect_err("misspelt");
        assert_eq!(
            said,
            "`Europe/Pragu` is not a time zone; did you mean `Europe/Prague`?"
        );
        let said = Zone::find("new york").expect_err("a city is not a zone");
        assert!(said.contains("America/New_York"), "{said}");
        let said = Zone::find("nowhere at all").expect_err("unknown");
        assert!(said.contains("for example"), "{said}");
    }

    #[test]
    fn lands_on_both_sides_of_a_clock_change() {
        let prague = Zone::find("Europe/Prague").expect("known");
        let gap = "2026-03-29T02:30:00".parse().expect("civil");
        assert_eq!(
            prague.land(gap),
            Some(Landing::Gap(at("2026-03-29T03:00:00+02:00")))
        );
        let fold = "2026-10-25T02:30:00".parse().expect("civil");
        let first = at("2026-10-25T02:30:00+02:00");
        let second = at("2026-10-25T02:30:00+01:00");
        assert_eq!(prague.land(fold), Some(Landing::Fold { first, second }));
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        let prague = Zone::find("Europe/Prague").expect("known");
        for at in [i64::MIN, i64::MAX, 0] {
            let civil = prague.civil(Timestamp(at));
            let _ = (
                prague.land(civil),
                prague.next_shift(Timestamp(at)),
                prague.offset(Timestamp(at)),
            );
        }
    }
}
