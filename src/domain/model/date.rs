//! Dates as macros show them: `date_format` of Nagios.

use crate::{base::time::Timestamp, domain::schedule::Zone};

/// The order of day, month and year.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateFormat {
    #[default]
    Us,
    Euro,
    Iso8601,
    StrictIso8601,
}

impl DateFormat {
    /// The words of `date_format`.
    pub const WORDS: &[&str] = &["us", "euro", "iso8601", "strict-iso8601"];

    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "us" => Some(Self::Us),
            "euro" => Some(Self::Euro),
            "iso8601" => Some(Self::Iso8601),
            "strict-iso8601" => Some(Self::StrictIso8601),
            _ => None,
        }
    }

    const fn date(self) -> &'static str {
        match self {
            Self::Us => "%m-%d-%Y",
            Self::Euro => "%d-%m-%Y",
            Self::Iso8601 | Self::StrictIso8601 => "%Y-%m-%d",
        }
    }

    /// The macros of an instant. The long form is the same in all formats.
    pub fn macros(self, at: Timestamp, zone: &Zone) -> [(&'static str, String); 5] {
        let date = zone.shown(at, self.date());
        let time = zone.shown(at, "%H:%M:%S");
        let between = if self == Self::StrictIso8601 {
            "T"
        } else {
            " "
        };
        [
            ("TIMET", at.secs().to_string()),
            ("LONGDATETIME", zone.shown(at, "%a %b %-d %H:%M:%S %Z %Y")),
            ("SHORTDATETIME", format!("{date}{between}{time}")),
            ("DATE", date),
            ("TIME", time),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_read_as_in_nagios() {
        let at = Timestamp::parse("2010-07-05T08:30:01Z").expect("RFC 3339");
        let zone = Zone::find("Europe/Berlin").expect("bundled");
        for (word, short, date) in [
            ("us", "07-05-2010 10:30:01", "07-05-2010"),
            ("euro", "05-07-2010 10:30:01", "05-07-2010"),
            ("iso8601", "2010-07-05 10:30:01", "2010-07-05"),
            ("strict-iso8601", "2010-07-05T10:30:01", "2010-07-05"),
        ] {
            let format = DateFormat::from_word(word).expect("known");
            let expected = [
                ("TIMET", "1278318601"),
                ("LONGDATETIME", "Mon Jul 5 10:30:01 CEST 2010"),
                ("SHORTDATETIME", short),
                ("DATE", date),
                ("TIME", "10:30:01"),
            ];
            let expected = expected.map(|(name, value)| (name, value.to_owned()));
            assert_eq!(format.macros(at, &zone), expected, "{word}");
        }
    }
}
