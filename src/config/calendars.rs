//! Calendars of rotations: where they are, what they say, and what in them is doubtful.

use std::{
    cell::{OnceCell, RefCell},
    collections::{BTreeMap, HashMap},
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sha2::{Digest, Sha256};

use super::{
    calendar_copy::{self, Copy},
    fault::{Fault, Sink},
    names::Names,
    secrets::Vault,
    settings::Store,
    value::{Tab, Val},
};
use crate::{
    base::{
        secret::Secret,
        text::one_line,
        time::{Timestamp, show_duration},
    },
    domain::{
        model::objects::{ContactIx, OnCall},
        schedule::{
            Calendar, Zone,
            calendar::{Known, People, Span, Unread, Who},
            rotation::{Gap, Roster},
        },
    },
};

const DAY: Duration = Duration::from_secs(86_400);
/// Whoever plays old history finds its turns, and the longest plans are read to their end.
const BACK: Duration = Duration::from_secs(400 * 86_400);
const AHEAD: Duration = Duration::from_secs(400 * 86_400);
/// Strangers so near are warned of, and gaps.
const STRANGERS_WITHIN: Duration = Duration::from_secs(30 * 86_400);
const GAPS_WITHIN: Duration = Duration::from_secs(14 * 86_400);
/// More of one kind are counted.
const MOST_NAMED: usize = 5;
/// A part of an address that is longer is no word.
const SHORTEST_TOKEN: usize = 16;

/// A rotation's calendar, for whoever keeps it fresh.
#[derive(Clone, Debug)]
pub struct CalendarSource {
    pub rotation: String,
    pub place: CalendarPlace,
    /// The place in words, without secrets.
    pub shown: String,
    pub refresh: Duration,
    pub stale_after: Duration,
    /// Where the last good one is kept; None: nowhere.
    pub copy: Option<Copy>,
    /// Whom its events mean, by the numbers of contacts.
    pub people: Arc<People>,
    /// Of its floating times.
    pub zone: Zone,
    pub known: KnownCalendar,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CalendarPlace {
    File(PathBuf),
    Address(Secret),
}

/// What was known of it when the configuration was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCalendar {
    /// People are contacts, by number. The error is a sentence.
    pub calendar: Result<Arc<Calendar>, String>,
    /// When this was last seen to be what it says.
    pub read_at: Option<Timestamp>,
    /// From here on it is too old; None: it was read just now, from where it is.
    pub stale_from: Option<Timestamp>,
    /// Why it could not be read anew.
    pub problem: Option<String>,
}

impl CalendarSource {
    /// It would be read in the same way.
    pub fn is_like(&self, other: &Self) -> bool {
        (&self.rotation, &self.place, &self.copy) == (&other.rotation, &other.place, &other.copy)
            && (self.refresh, self.stale_after) == (other.refresh, other.stale_after)
    }

    /// What `text` says of the same time as what is known. The error is a sentence.
    pub fn read(&self, text: &str, span: Span) -> Result<Calendar, String> {
        read(text, &self.people, &self.zone, span)
    }

    /// The time that is read at `at`.
    pub fn span(at: Timestamp) -> Span {
        Span {
            from: at - BACK,
            until: at + AHEAD,
        }
    }
}

/// Whatever others write must not end the daemon, whichever library reads it.
fn read(text: &str, people: &People, zone: &Zone, span: Span) -> Result<Calendar, String> {
    let read = AssertUnwindSafe(|| Calendar::read(text, people, zone, span));
    panic::catch_unwind(read).unwrap_or_else(|_| Err("it cannot be read by us".to_owned()))
}

/// What all calendars of a configuration have in common.
pub(super) struct Calendars<'v> {
    pub vault: &'v Vault<'v>,
    /// Now.
    pub at: Timestamp,
    /// Where copies are kept.
    pub directory: Option<PathBuf>,
    known: OnceCell<(Vec<Known>, Vec<ContactIx>)>,
    found: RefCell<Vec<CalendarSource>>,
    digest: RefCell<Option<Sha256>>,
}

impl<'v> Calendars<'v> {
    pub fn new(vault: &'v Vault<'v>, store: &Store, at: Timestamp) -> Self {
        Self {
            vault,
            at,
            directory: match store {
                Store::File(path) => Some(path.with_extension("calendars")),
                Store::Memory => None,
            },
            known: OnceCell::new(),
            found: RefCell::default(),
            digest: RefCell::default(),
        }
    }

    /// All that were built, and the digest of their texts, where there are any.
    pub fn take(self) -> (Vec<CalendarSource>, Option<Vec<u8>>) {
        let digest = self.digest.into_inner();
        (
            self.found.into_inner(),
            digest.map(|hash| hash.finalize().to_vec()),
        )
    }

    /// The turns of a rotation with a calendar, with its people by their numbers in it. None: something is wrong, which was told.
    pub fn build<'d>(
        &self,
        tab: Tab<'d>,
        zone: &Zone,
        (contacts, names): (&HashMap<&'d str, ContactIx>, &Names<'d>),
        otherwise: ContactIx,
        sink: &mut Sink,
    ) -> Option<(Roster, Vec<ContactIx>)> {
        let value = tab.get("calendar")?;
        let table = value.table()?;
        let (known, contacts_of) = self.known.get_or_init(|| everybody(contacts, names));
        let written = self.written(tab, (contacts, names), contacts_of, sink)?;
        let place = self.place(table, sink);
        let (refresh, stale_after) = times(table, sink)?;
        let (place, shown) = place?;
        let rotation = tab.text("name").unwrap_or_default();
        let mut source = CalendarSource {
            rotation: rotation.to_owned(),
            place,
            shown,
            refresh,
            stale_after,
            copy: self
                .directory
                .as_ref()
                .map(|directory| Copy::of(directory, rotation)),
            people: Arc::new(People::new(known, written)),
            zone: zone.clone(),
            known: KnownCalendar {
                calendar: Err(String::new()),
                read_at: None,
                stale_from: None,
                problem: None,
            },
        };
        source.known = self.look(&source);
        let (calendar, people) = match &source.known.calendar {
            Ok(calendar) => {
                let (calendar, people) = numbered(calendar, otherwise, contacts_of);
                (Ok(Arc::new(calendar)), people)
            }
            Err(why) => (Err(why.clone()), vec![otherwise]),
        };
        let stale_from = source.known.stale_from;
        self.found.borrow_mut().push(source);
        let roster = Roster {
            calendar,
            otherwise: 0,
            stale_from,
        };
        Some((roster, people))
    }

    /// Names as the calendar writes them.
    fn written<'d>(
        &self,
        tab: Tab<'d>,
        (contacts, names): (&HashMap<&'d str, ContactIx>, &Names<'d>),
        order: &[ContactIx],
        sink: &mut Sink,
    ) -> Option<Vec<(&'d str, usize)>> {
        let mut found = Vec::new();
        let mut is_good = true;
        let written = tab.get("people").and_then(Val::table);
        for (entry, value) in written.iter().flat_map(|tab| tab.entries()) {
            let name = value.text().unwrap_or_default();
            match contacts.get(name) {
                Some(ix) => found.extend(
                    order
                        .iter()
                        .position(|known| known == ix)
                        .map(|at| (&*entry.key, at)),
                ),
                None => {
                    is_good = false;
                    super::rotations::not_a_person(name, value.place(), names, sink);
                    if name.is_empty() {
                        sink.push(
                            Fault::new(value.place(), format!("`{}` means nobody", entry.key))
                                .help("write the name of a contact"),
                        );
                    }
                }
            }
        }
        is_good.then_some(found)
    }

    /// Where it is, and that in words.
    fn place(&self, table: Tab<'_>, sink: &mut Sink) -> Option<(CalendarPlace, String)> {
        let ways = ["file", "url", "url_file", "url_env", "url_credential"];
        let given: Vec<(&str, Val<'_>)> = ways
            .iter()
            .filter_map(|way| Some((*way, table.get(way)?)))
            .collect();
        let (way, value) = match given[..] {
            [one] => one,
            [] => {
                sink.push(
                    Fault::new(table.place(), "the calendar is nowhere").help(
                        "give its `file`, or its address as `url`, or where that is a secret as `url_file`, `url_env` or `url_credential`",
                    ),
                );
                return None;
            }
            [(first, place), (second, value), ..] => {
                sink.push(
                    Fault::new(
                        value.place(),
                        format!("the calendar has a `{first}` and a `{second}`"),
                    )
                    .also(place.place(), "first here")
                    .help("keep one of them"),
                );
                return None;
            }
        };
        let text = value.text().filter(|text| !text.is_empty())?;
        if way == "file" {
            let path = self.vault.sources.resolve(value.file, text);
            return Some((CalendarPlace::File(path), text.to_owned()));
        }
        if self.directory.is_none() {
            sink.push(
                Fault::new(
                    value.place(),
                    "a calendar behind an address needs a store on a disk",
                )
                .help(
                    "give `store` of [daemon] a file: beside it the last good one is kept, so that a restart while the server is down pages the right person",
                ),
            );
            return None;
        }
        let (address, shown) = if way == "url" {
            if is_private(text) {
                sink.push(
                    Fault::warning(
                        value.place(),
                        "this looks like a private address, which is a secret: whoever knows it reads the calendar",
                    )
                    .help("write it into a file that only the daemon can read, then calendar = { url_file = \"FILE\" }"),
                );
            }
            (Secret::new(text), host(text))
        } else {
            let address = self.vault.find(table, "url", true, sink)?;
            let shown = match way {
                "url_file" => format!("the address in {text}"),
                "url_env" => format!("the address in ${text}"),
                _ => format!("the address in the credential {text}"),
            };
            (address, shown)
        };
        // Programs for people are told to take this for https.
        let address = match address.expose().strip_prefix("webcal://") {
            Some(rest) => Secret::new(&format!("https://{rest}")),
            None => address,
        };
        let is_web = ["http://", "https://"]
            .iter()
            .any(|scheme| address.expose().starts_with(scheme));
        // Read only where secrets are.
        if !is_web && !address.expose().is_empty() {
            sink.push(
                Fault::new(value.place(), "it is not an http or https address")
                    .help("write the whole address that the calendar's program gave you"),
            );
            return None;
        }
        Some((CalendarPlace::Address(address), shown))
    }

    /// What it says now; else what it said when it was last read.
    fn look(&self, source: &CalendarSource) -> KnownCalendar {
        let span = CalendarSource::span(self.at);
        let problem = match &source.place {
            CalendarPlace::File(path) => {
                let found = calendar_copy::read(path).and_then(|text| {
                    let calendar = source.read(&text, span)?;
                    self.add(&text);
                    Ok(calendar)
                });
                match found {
                    Ok(calendar) => {
                        return KnownCalendar {
                            calendar: Ok(Arc::new(calendar)),
                            read_at: Some(self.at),
                            stale_from: None,
                            problem: None,
                        };
                    }
                    Err(why) => Some(why),
                }
            }
            CalendarPlace::Address(_) => None,
        };
        let Some(copy) = &source.copy else {
            return KnownCalendar {
                calendar: Err(problem.clone().unwrap_or_default()),
                read_at: None,
                stale_from: None,
                problem,
            };
        };
        let notes = copy.notes();
        let problem = problem.or_else(|| notes.failing.map(|(_, why)| why));
        let found = copy.text().and_then(|text| {
            let calendar = source.read(&text, span)?;
            self.add(&text);
            Ok(calendar)
        });
        // Whoever took the notes away did not make the text newer.
        let read_at = notes.read_at.unwrap_or_default();
        match found {
            Ok(calendar) => KnownCalendar {
                calendar: Ok(Arc::new(calendar)),
                read_at: Some(read_at),
                stale_from: Some(read_at + source.stale_after),
                problem,
            },
            Err(_) => KnownCalendar {
                calendar: Err(problem
                    .clone()
                    .unwrap_or_else(|| "it was not fetched yet".to_owned())),
                read_at: None,
                stale_from: None,
                problem,
            },
        }
    }

    fn add(&self, text: &str) {
        let mut digest = self.digest.borrow_mut();
        digest.get_or_insert_default().update(text.as_bytes());
    }

    /// Warns of what will be told to whoever is on call otherwise.
    pub fn warn(&self, tab: Tab<'_>, on_call: &OnCall, otherwise: &str, sink: &mut Sink) {
        let found = self.found.borrow();
        let Some(source) = found.last() else { return };
        let known = &source.known;
        let place = tab.value_place("calendar");
        let show = |at: Timestamp| source.zone.shown(at, "%a %F %H:%M");
        let mut warn = |message: String, help: String| {
            sink.push(Fault::warning(place.clone(), message).help(help));
        };
        if let (Ok(_), Some(read_at), Some(stale)) =
            (&known.calendar, known.read_at, known.stale_from)
            && let Some(why) = &known.problem
        {
            warn(
                format!(
                    "the calendar of {} cannot be read: {}",
                    source.rotation,
                    one_line(why)
                ),
                format!(
                    "what was read at {} is in force; from {} on {otherwise} is told as well",
                    show(read_at),
                    show(stale)
                ),
            );
        }
        if let Err(why) = &known.calendar {
            warn(
                format!(
                    "the calendar of {} cannot be read: {}",
                    source.rotation,
                    one_line(why)
                ),
                format!("{otherwise} is on call until it can be"),
            );
            return;
        }
        let lines = match (&source.place, &source.copy) {
            (CalendarPlace::File(_), _) if known.stale_from.is_none() => source.shown.clone(),
            (_, Some(copy)) => copy.path().display().to_string(),
            (_, None) => source.shown.clone(),
        };
        let unread: &[Unread] = known.calendar.as_ref().map_or(&[], |one| &one.unread);
        for Unread { line, summary, why } in unread.iter().take(MOST_NAMED) {
            let summary = one_line(summary);
            warn(
                format!("{lines}:{line}: the event `{summary}` counts for nothing: {why}"),
                "correct it where the calendar is kept".to_owned(),
            );
        }
        if MOST_NAMED < unread.len() {
            let more = unread.len() - MOST_NAMED;
            warn(
                format!("{more} more events of {lines} count for nothing"),
                "correct them where the calendar is kept".to_owned(),
            );
        }
        let until = self.at + STRANGERS_WITHIN;
        let coming = on_call.rotation.turns(self.at);
        let coming = coming.take_while(|turn| turn.from < until);
        let mut strangers: BTreeMap<Arc<str>, (u32, Timestamp, Timestamp, usize)> = BTreeMap::new();
        let mut gaps = Vec::new();
        for turn in coming {
            match turn.gap {
                Some(Gap::Unknown { summary, line }) => {
                    strangers
                        .entry(summary)
                        .or_insert((line, turn.from, turn.until, 0))
                        .3 += 1;
                }
                Some(Gap::Nobody) if turn.from < self.at + GAPS_WITHIN => {
                    gaps.push((turn.from, turn.until));
                }
                _ => {}
            }
        }
        for (summary, (line, from, until, times)) in strangers.iter().take(MOST_NAMED) {
            let more = match times {
                1 => String::new(),
                more => format!(", and {} times more within 30 days", more - 1),
            };
            let summary = one_line(summary);
            warn(
                format!(
                    "{lines}:{line}: `{summary}` is no contact, from {} to {}{more}: {otherwise} is told",
                    show(*from),
                    show(*until)
                ),
                format!(
                    "add a part of it to `people`, such as people = {{ \"{summary}\" = \"{otherwise}\" }}, or give a contact the event's mail address"
                ),
            );
        }
        if MOST_NAMED < strangers.len() {
            let more = strangers.len() - MOST_NAMED;
            warn(
                format!("{more} more names in {lines} are no contacts"),
                "add them to `people`".to_owned(),
            );
        }
        if !gaps.is_empty() {
            let named: Vec<String> = gaps
                .iter()
                .take(3)
                .map(|(from, until)| format!("{} to {}", show((*from).max(self.at)), show(*until)))
                .collect();
            let more = if 3 < gaps.len() { ", ..." } else { "" };
            let times = match gaps.len() {
                1 => "once".to_owned(),
                times => format!("{times} times"),
            };
            warn(
                format!(
                    "{lines} names nobody {times} in the next 14 days, {}{more}: {otherwise} is told",
                    named.join(", ")
                ),
                "leave it so if that is meant".to_owned(),
            );
        }
    }
}

/// All contacts, in the order of their names.
fn everybody<'d>(
    contacts: &HashMap<&'d str, ContactIx>,
    names: &Names<'d>,
) -> (Vec<Known>, Vec<ContactIx>) {
    let mut sorted: Vec<(&str, ContactIx)> =
        contacts.iter().map(|(name, ix)| (*name, *ix)).collect();
    sorted.sort_unstable();
    let known = sorted.iter().map(|(name, _)| {
        let tab = names.contacts.get(name);
        let mails = tab.and_then(|tab| tab.get("email"));
        Known {
            name: (*name).to_owned(),
            alias: tab
                .and_then(|tab| tab.text("alias"))
                .unwrap_or(name)
                .to_owned(),
            mails: mails
                .into_iter()
                .flat_map(Val::texts)
                .map(str::to_owned)
                .collect(),
        }
    });
    (known.collect(), sorted.iter().map(|(_, ix)| *ix).collect())
}

/// The calendar with people by their numbers in the rotation: whoever is on call otherwise, then as they come.
fn numbered(
    calendar: &Calendar,
    otherwise: ContactIx,
    order: &[ContactIx],
) -> (Calendar, Vec<ContactIx>) {
    let mut people = vec![otherwise];
    let mut calendar = calendar.clone();
    for slot in &mut calendar.slots {
        let Who::Person(who) = &mut slot.who else {
            continue;
        };
        let Some(ix) = order.get(*who) else { continue };
        let known = people.iter().position(|known| known == ix);
        *who = known.unwrap_or_else(|| {
            people.push(*ix);
            people.len() - 1
        });
    }
    (calendar, people)
}

/// How often it is looked at, and after which time it is too old.
fn times(table: Tab<'_>, sink: &mut Sink) -> Option<(Duration, Duration)> {
    let span = |key: &str| table.get(key).and_then(Val::span);
    let refresh = span("refresh").unwrap_or(Duration::from_secs(900));
    let stale_after = span("stale_after").unwrap_or(DAY);
    if stale_after < 2 * refresh {
        sink.push(
            Fault::new(
                table.value_place(if table.get("stale_after").is_some() {
                    "stale_after"
                } else {
                    "refresh"
                }),
                format!(
                    "a calendar that is read every {} is too old after {}: one failure would be told to everybody",
                    show_duration(refresh),
                    show_duration(stale_after)
                ),
            )
            .help("let `stale_after` be twice as long as `refresh` at least"),
        );
        return None;
    }
    Some((refresh, stale_after))
}

/// Some part of it is no word.
fn is_private(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let is_token =
        |part: &str| SHORTEST_TOKEN <= part.len() && part.bytes().any(|byte| byte.is_ascii_digit());
    host.contains('@') || path.split(['/', '?', '&', '=', '-', '.']).any(is_token)
}

/// `calendar.example.org`.
fn host(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    host.rsplit('@').next().unwrap_or(host).to_owned()
}

/// The path of a calendar that is a file.
impl CalendarPlace {
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Address(_) => None,
        }
    }
}
