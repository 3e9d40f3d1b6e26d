//! Whom an event means.

use std::collections::BTreeMap;

/// Somebody who can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub name: String,
    /// May be the same.
    pub alias: String,
    pub mails: Vec<String>,
}

/// Everybody who can be told, and how a calendar calls them. People are numbered as they are given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    /// None: several people have it, so it means none of them.
    mails: BTreeMap<String, Option<usize>>,
    /// As the calendar writes them.
    written: Vec<(String, usize)>,
    /// Names before aliases.
    names: BTreeMap<String, Option<usize>>,
}

impl People {
    /// `written`: names as the calendar writes them, and the numbers of the people whom they mean.
    pub fn new<'w>(known: &[Known], written: impl IntoIterator<Item = (&'w str, usize)>) -> Self {
        let mut people = Self {
            written: written
                .into_iter()
                .map(|(name, who)| (folded(name), who))
                .filter(|(name, _)| !name.is_empty())
                .collect(),
            ..Self::default()
        };
        let once = |map: &mut BTreeMap<String, Option<usize>>, text: &str, who: usize| {
            let entry = map.entry(folded(text)).or_insert(Some(who));
            if *entry != Some(who) {
                *entry = None;
            }
        };
        for (who, one) in known.iter().enumerate() {
            people.names.insert(folded(&one.name), Some(who));
            for mail in &one.mails {
                once(&mut people.mails, mail, who);
            }
        }
        let mut aliases = BTreeMap::new();
        for (who, one) in known.iter().enumerate() {
            once(&mut aliases, &one.alias, who);
        }
        for (alias, who) in aliases {
            people.names.entry(alias).or_insert(who);
        }
        people
    }

    /// Whose mail address takes part; else whose name is, or stands in, the summary as the configuration translates it; else whose
    /// own name the summary is.
    pub fn find(&self, mails: &[String], summary: &str) -> Option<usize> {
        let known = |mail: &String| *self.mails.get(&folded(mail))?;
        if let Some(who) = mails.iter().find_map(known) {
            return Some(who);
        }
        let summary = folded(summary);
        let whole = self.written.iter().find(|(name, _)| *name == summary);
        if let Some((_, who)) = whole.or_else(|| self.named(&summary)) {
            return Some(*who);
        }
        self.names.get(&summary).copied().flatten()
    }

    /// The name that stands first in `summary`; of two that begin at one place, the longer one.
    fn named(&self, summary: &str) -> Option<&(String, usize)> {
        let found = self.written.iter().filter_map(|entry| {
            let name = entry.0.as_str();
            let mut places = summary.match_indices(name).map(|(at, _)| at);
            let at = places.find(|at| stands_alone(summary, *at, at + name.len()))?;
            Some((at, entry))
        });
        // What stands within a longer name is no name of its own: Ann in Mary Ann.
        let found: Vec<(usize, &(String, usize))> = found.collect();
        let covered = |at: usize, entry: &(String, usize)| {
            found.iter().any(|(other, longer)| {
                entry.0.len() < longer.0.len()
                    && *other <= at
                    && at + entry.0.len() <= other + longer.0.len()
            })
        };
        let alone = found.iter().filter(|(at, entry)| !covered(*at, entry));
        alone.min_by_key(|(at, _)| *at).map(|(_, entry)| *entry)
    }
}

/// Neither letters nor digits touch it.
fn stands_alone(text: &str, from: usize, until: usize) -> bool {
    let before = text[..from].chars().next_back();
    let after = text[until..].chars().next();
    let touches = |next: Option<char>| next.is_some_and(char::is_alphanumeric);
    !touches(before) && !touches(after)
}

/// Upper and lower case, and how many blanks stand between words, make no difference.
fn folded(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> People {
        let known = [
            (
                "ann",
                "Ann Smith",
                &["Ann@Example.org", "ops@example.org"][..],
            ),
            ("bob", "Bob Ölsen", &["bob@example.org", "ops@example.org"]),
            ("cy", "cy", &[]),
        ];
        let known = known.map(|(name, alias, mails)| Known {
            name: name.to_owned(),
            alias: alias.to_owned(),
            mails: mails.iter().map(|mail| (*mail).to_owned()).collect(),
        });
        People::new(
            &known,
            [
                ("Mary Ann", 2),
                ("Ann", 0),
                ("Bob", 1),
                ("On Call", 1),
                ("on  call: week of Cy", 2),
            ],
        )
    }

    #[track_caller]
    fn is(mails: &[&str], summary: &str, who: Option<usize>) {
        let mails: Vec<String> = mails.iter().map(|mail| (*mail).to_owned()).collect();
        assert_eq!(people().find(&mails, summary), who, "{mails:?} {summary}");
    }

    #[test]
    fn mail_goes_before_names_and_written_names_before_own_ones() {
        is(&["bob@EXAMPLE.org"], "Ann", Some(1));
        is(&["zed@example.org", "ann@example.org"], "", Some(0));
        // Two people have it.
        is(&["ops@example.org"], "Bob", Some(1));
        is(&["ops@example.org"], "nobody", None);
        is(&[], "ON CALL: week  of cy", Some(2));
        is(&[], "bob ölsen", Some(1));
        is(&[], "BOB ÖLSEN", Some(1));
        is(&[], "cy", Some(2));
        is(&[], "cyril", None);
        is(&[], "", None);
    }

    #[test]
    fn a_name_stands_in_a_summary_as_a_word() {
        is(&[], "Shift - Ann - Primary", Some(0));
        is(&[], "Shift - Mary Ann", Some(2));
        is(&[], "ann (for Bob)", Some(0));
        is(&[], "Bob for Ann", Some(1));
        is(&[], "Joanna", None);
        is(&[], "Anna, then Bob", Some(1));
        is(&[], "Hannöver", None);
    }
}
