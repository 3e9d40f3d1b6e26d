//! Many problems of one cause come to each person as one page that is updated. The first one rings at once; what joins it is
//! told with the next update, and what is worse than anything told rings at once as well. Nothing is left out: each problem
//! is named in an update, and the end is told when all of them are over.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use super::{
    audience::{Audience, Listener},
    core::Engine,
    effect::Effects,
    gathered_words::blamed,
    threads::Thread,
    timers::Timer,
};
use crate::{
    base::time::{Timestamp, show_duration},
    domain::{
        model::{
            change::{Change, Decided},
            grouping::{Cause, Joined},
            message::{Kind, Message, Urgency},
            objects::{ContactIx, ObjIx},
            status::Problem,
        },
        notify::compose,
    },
};

/// What leaves now, for some of those who are told.
pub(super) struct Parcel {
    pub(super) key: String,
    /// What the others of the same cause are doing.
    pub(super) lines: Vec<String>,
    pub(super) audience: Audience,
    /// It is told as the end of so many problems, about the row that began it.
    pub(super) end_of: Option<(u64, usize)>,
}

/// What is told of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// Something new, or worse.
    Fresh,
    Reminder,
    Recovery,
}

/// What an update is to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    /// A problem, or that another deploy is behind it.
    Bad,
    /// An end.
    Good,
}

/// The cause of what the brake gathers.
pub(super) const STORM: &str = "a storm of pages";
/// How the cause of what one deploy is blamed for begins.
const OF_DEPLOY: &str = "deploy ";
/// A problem that joins the page of a deploy is told within this.
const WAIT_OF_DEPLOY: Duration = Duration::from_secs(10);
/// Updates come ever more rarely, but nothing waits longer than this to be told.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

impl Engine {
    /// Who is told now, and with which page; the others hear of it with an update.
    pub(super) fn gather(
        &mut self,
        now: Timestamp,
        row: u64,
        occasion: Occasion,
        audience: Audience,
        out: &mut Effects,
    ) -> Vec<Parcel> {
        let grouping = &self.inventory.globals.grouping;
        let key = self.problems.get(&row).map(Problem::key);
        let alone = |key: String, audience: Audience| {
            vec![Parcel {
                key,
                lines: Vec::new(),
                audience,
                end_of: None,
            }]
        };
        let Some(key) = key else {
            return alone(String::new(), audience);
        };
        if grouping.by.is_empty() && grouping.brake == 0 && self.threads.all.is_empty() {
            return alone(key, audience);
        }
        let mut parcels: Vec<Parcel> = Vec::new();
        let mut joined: Vec<(String, String)> = Vec::new();
        let mut rung: Vec<(String, String)> = Vec::new();
        let mut alone_so_far: Vec<(String, String)> = Vec::new();
        for mut listener in audience {
            let contact = self.inventory.contact(listener.contact).name.to_string();
            if occasion == Occasion::Recovery
                && let Some(key) = self.thread_of(row, &contact)
                && let Some(thread) = self.threads.all.get(&(contact.clone(), key))
            {
                // The end goes wherever any of them went, whichever is over last.
                let contact = listener.contact;
                listener = Listener {
                    contact,
                    ..thread.listener.clone()
                };
            }
            let told = match occasion {
                Occasion::Recovery => self.gather_recovery(now, row, &contact, out),
                Occasion::Fresh | Occasion::Reminder => {
                    self.gather_problem(now, row, occasion, &contact, &listener)
                }
            };
            let with = match &told {
                Told::Now { key, .. } | Told::With(key) => key,
            };
            let is_other = *with != key;
            if occasion == Occasion::Recovery && is_other && self.rang_alone(row, &contact) {
                // Receivers wait for the end of that page too.
                parcels.extend(alone(key.clone(), vec![listener.clone()]));
            }
            let was_own = listener.knows && self.page_of(row, &contact) == key;
            if occasion != Occasion::Recovery && is_other && was_own {
                alone_so_far.push((contact.clone(), key.clone()));
            }
            let (now_key, lines, end_of) = match told {
                Told::Now { key, lines, end_of } => (key, lines, end_of),
                Told::With(with) => {
                    joined.push((contact, with));
                    continue;
                }
            };
            let is_kept = now_key == key && now_key == self.page_of(row, &contact);
            if occasion != Occasion::Recovery && !is_kept {
                rung.push((contact, now_key.clone()));
            }
            match parcels
                .iter_mut()
                .find(|parcel| parcel.key == now_key && parcel.end_of == end_of)
            {
                Some(parcel) => parcel.audience.push(listener),
                None => parcels.push(Parcel {
                    key: now_key,
                    lines,
                    audience: vec![listener],
                    end_of,
                }),
            }
        }
        self.keep_joined(row, &alone_so_far, true, out);
        self.keep_joined(row, &rung, true, out);
        // A reminder may be the first that somebody hears of it.
        let (new, known): (Vec<_>, Vec<_>) = joined.into_iter().partition(|(contact, with)| {
            occasion == Occasion::Reminder && *with != self.page_of(row, contact)
        });
        self.note_joined(now, row, Occasion::Fresh, &new, out);
        self.note_joined(now, row, occasion, &known, out);
        parcels
    }

    /// Delivers a message to those who are told now; returns them, and the dedup key that it has for the first of them.
    #[expect(
        clippy::too_many_arguments,
        reason = "a message and all that it is about"
    )]
    pub(super) fn deliver_gathered(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        row: u64,
        occasion: Occasion,
        message: Message,
        audience: Audience,
        out: &mut Effects,
    ) -> (Audience, Option<String>) {
        let (mut told, mut key) = (Audience::new(), None);
        for parcel in self.gather(now, row, occasion, audience, out) {
            let mut message = message.clone();
            let mut about = obj;
            if let Some((lead, count)) = parcel.end_of {
                message.reason = self.end_reason(lead, count, &message.deploy);
                let first = self.obj_of(lead);
                // Receivers close the incident that the first page opened; it is well, unless something new is wrong with it.
                if let Some(first) = first.filter(|first| !self.status(*first).state.is_problem()) {
                    about = first;
                    let facts = compose::Facts {
                        kind: message.kind,
                        urgency: message.urgency,
                        reason: message.reason.clone(),
                        dedup_key: &parcel.key,
                        now,
                        deploy: message.deploy.clone(),
                        author: None,
                        comment: None,
                        since: self.problems.get(&lead).map(|problem| problem.first_bad_at),
                    };
                    message = compose::message(&self.inventory, first, self.status(first), facts);
                }
            }
            key.get_or_insert_with(|| parcel.key.clone());
            message.dedup_key = parcel.key;
            message.lines.extend(parcel.lines);
            self.deliver(Some(about), &message, &parcel.audience, out);
            told.extend(parcel.audience);
        }
        (told, key)
    }

    fn gather_recovery(
        &mut self,
        now: Timestamp,
        row: u64,
        contact: &str,
        out: &mut Effects,
    ) -> Told {
        let Some(key) = self.thread_of(row, contact) else {
            return Told::plain(self.key_of(row));
        };
        let place = (contact.to_owned(), key.clone());
        let open = self.still_open(&place);
        if open.is_empty() {
            let thread = self.threads.remove(&place);
            let rows = thread.iter().flat_map(|thread| thread.rows.clone());
            self.note_told(rows.collect(), &place, out);
            let lines = thread
                .as_ref()
                .map_or_else(Vec::new, |thread| match thread.rows.len() {
                    0 | 1 => Vec::new(),
                    _ => self.describe(&thread.rows),
                });
            return Told::Now {
                key,
                end_of: thread
                    .filter(|thread| 1 < thread.rows.len())
                    .map(|thread| (thread.lead, thread.rows.len())),
                lines,
            };
        }
        self.add_news(now, &place, row, News::Good);
        Told::With(key)
    }

    fn gather_problem(
        &mut self,
        now: Timestamp,
        row: u64,
        occasion: Occasion,
        contact: &str,
        listener: &Listener,
    ) -> Told {
        // A test of the channels must arrive by itself.
        let obj = self.obj_of(row);
        if obj.is_some_and(|obj| self.urgency_of_canary(obj).is_some()) {
            return Told::plain(self.key_of(row));
        }
        let severity = self
            .problems
            .get(&row)
            .map_or(0, |problem| problem.state.severity());
        if let Some(key) = self.thread_of(row, contact) {
            let place = (contact.to_owned(), key.clone());
            let open = self.still_open(&place);
            let Some(thread) = self.threads.all.get_mut(&place) else {
                return Told::plain(key);
            };
            let is_known = severity <= thread.worst && thread.speaks_for(listener);
            if occasion == Occasion::Fresh && is_known && thread.lead != row {
                self.add_news(now, &place, row, News::Bad);
                return Told::With(key);
            }
            if occasion == Occasion::Reminder && self.voice(now, &open) != Some(row) {
                return Told::With(key);
            }
            return self.ring(now, &place, row, (severity, listener));
        }
        let Some((group, latest)) = self.cause_of(now, row, contact) else {
            self.count_page(now, contact, listener.urgency);
            return Told::plain(self.key_of(row));
        };
        let window = self.inventory.globals.grouping.window;
        if let Some(key) = latest {
            let place = (contact.to_owned(), key.clone());
            let is_open = !self.still_open(&place).is_empty();
            let has_own = listener.knows && self.page_of(row, contact) == self.key_of(row);
            if let Some(thread) = self.threads.all.get_mut(&place)
                && is_open
                && now <= thread.last_page + window
            {
                if has_own && thread.group != STORM {
                    // Its own page is where this person looks for news of it, and for its end.
                    self.count_page(now, contact, listener.urgency);
                    return Told::plain(self.key_of(row));
                }
                thread.rows.insert(row);
                if thread.worst < severity || !thread.speaks_for(listener) {
                    return self.ring(now, &place, row, (severity, listener));
                }
                self.add_news(now, &place, row, News::Bad);
                return Told::With(key);
            }
        }
        self.begin_thread(now, row, contact, group, (severity, listener))
    }

    /// The cause of a row's page, and the key of the last thread of it for this contact: one that there is, or a new one.
    /// None: it has none, and the contact is in no storm.
    fn cause_of(
        &self,
        now: Timestamp,
        row: u64,
        contact: &str,
    ) -> Option<(String, Option<String>)> {
        let latest = |group: &str| {
            let place = (group.to_owned(), contact.to_owned());
            self.threads.latest.get(&place).cloned()
        };
        let grouping = &self.inventory.globals.grouping;
        let cause = grouping.by.iter().find_map(|cause| self.shared(row, cause));
        if let Some(group) = cause {
            if let Some(key) = latest(&group) {
                return Some((group, Some(key)));
            }
            if !self.is_storm(now, contact) {
                return Some((group, None));
            }
        } else if !self.is_storm(now, contact) {
            return None;
        }
        Some((STORM.to_owned(), latest(STORM)))
    }

    /// What a problem shares with others by this cause.
    pub(super) fn shared(&self, row: u64, cause: &Cause) -> Option<String> {
        let problem = self.problems.get(&row)?;
        let inventory = &self.inventory;
        let obj = inventory.find(&problem.object)?;
        let host = inventory.host(inventory.host_ix(obj));
        match cause {
            Cause::Deploy => blamed(problem).map(|id| format!("{OF_DEPLOY}{id}")),
            Cause::Host => Some(format!("host {}", host.name)),
            Cause::Parent => {
                let parent = host.parents.first()?;
                Some(format!("hosts behind {}", inventory.host(*parent).name))
            }
            Cause::App => {
                let app = inventory.app(*inventory.apps_of(obj).first()?);
                Some(format!("app {}@{}", app.name, app.environment))
            }
            Cause::Var(name) => {
                let check = inventory.check(obj);
                let own = check.and_then(|check| check.rule.vars.get(&**name));
                let value = own.or_else(|| host.vars.get(&**name))?;
                Some(format!("{} {value}", name.to_lowercase()))
            }
        }
    }

    /// The last pages that are counted all rang within the time of the brake.
    fn is_storm(&self, now: Timestamp, contact: &str) -> bool {
        let grouping = &self.inventory.globals.grouping;
        let pages = self.threads.pages.get(contact);
        let first = pages
            .filter(|pages| grouping.brake != 0 && grouping.brake <= pages.len())
            .and_then(VecDeque::front);
        first.is_some_and(|first| now < *first + grouping.brake_within)
    }

    /// The dedup key of the page with which this row came to somebody.
    fn thread_of(&self, row: u64, contact: &str) -> Option<String> {
        self.problems.get(&row)?.page.as_ref()?;
        let place = (contact.to_owned(), self.page_of(row, contact));
        let thread = self.threads.all.get(&place)?;
        thread.rows.contains(&row).then_some(place.1)
    }

    /// The dedup key of the page that somebody has this row with, or would have: of its own, or of another one.
    fn page_of(&self, row: u64, contact: &str) -> String {
        let page = self.problems.get(&row).and_then(|row| row.page.as_ref());
        let joined = page.and_then(|page| page.joined_last(contact));
        joined.map_or_else(|| self.key_of(row), |one| one.key.clone())
    }

    /// It came to somebody as a page of its own before a storm gathered it, and nothing else came with that page.
    fn rang_alone(&self, row: u64, contact: &str) -> bool {
        let own = self.key_of(row);
        let place = (contact.to_owned(), own.clone());
        if !self.still_open(&place).is_empty() {
            return false;
        }
        let page = self.problems.get(&row).and_then(|row| row.page.as_ref());
        let mut joined = page.into_iter().flat_map(|page| &page.joined);
        joined.any(|one| one.contact == contact && one.key == own)
    }

    fn still_open(&self, place: &(String, String)) -> Vec<u64> {
        let thread = self.threads.all.get(place);
        let rows = thread.into_iter().flat_map(|thread| &thread.rows);
        rows.copied()
            .filter(|row| self.open.contains(row))
            .collect()
    }

    /// Of several that are open one speaks for all: the first that nobody has taken on and no filter keeps back.
    fn voice(&self, now: Timestamp, open: &[u64]) -> Option<u64> {
        let may_speak = |row: &&u64| {
            let obj = self.obj_of(**row);
            obj.is_some_and(|obj| self.judge_more(now, obj).is_ok())
        };
        open.iter().find(may_speak).copied()
    }

    /// A page within a thread.
    fn ring(
        &mut self,
        now: Timestamp,
        place: &(String, String),
        row: u64,
        (severity, listener): (u8, &Listener),
    ) -> Told {
        let others: BTreeSet<u64> = self
            .still_open(place)
            .into_iter()
            .filter(|other| *other != row)
            .collect();
        let lines = self.describe(&others);
        if let Some(thread) = self.threads.all.get_mut(place) {
            thread.last_page = now;
            thread.last_told = now;
            thread.worst = thread.worst.max(severity);
            if thread.listener.urgency < listener.urgency {
                thread.listener = listener.clone();
            } else if thread.listener.urgency == listener.urgency {
                thread.listener.ways = thread.listener.ways.or(&listener.ways);
            }
            thread.news.remove(&row);
        }
        Told::Now {
            key: place.1.clone(),
            lines,
            end_of: None,
        }
    }

    fn begin_thread(
        &mut self,
        now: Timestamp,
        row: u64,
        contact: &str,
        group: String,
        (severity, listener): (u8, &Listener),
    ) -> Told {
        self.count_page(now, contact, listener.urgency);
        let Some(problem) = self.problems.get(&row) else {
            return Told::plain(String::new());
        };
        let key = problem.key();
        let lines = match &*group {
            STORM => {
                let grouping = &self.inventory.globals.grouping;
                vec![format!(
                    "{} pages within {}: what follows is gathered with this one.",
                    grouping.brake,
                    show_duration(grouping.brake_within)
                )]
            }
            _ => Vec::new(),
        };
        self.threads
            .latest
            .insert((group.clone(), contact.to_owned()), key.clone());
        self.threads.all.insert(
            (contact.to_owned(), key.clone()),
            Thread {
                group,
                lead: row,
                rows: BTreeSet::from([row]),
                news: BTreeSet::new(),
                last_page: now,
                last_told: now,
                listener: listener.clone(),
                worst: severity,
                updates: 0,
                due: None,
            },
        );
        Told::Now {
            key,
            lines,
            end_of: None,
        }
    }

    /// For the brake: what rings is counted.
    fn count_page(&mut self, now: Timestamp, contact: &str, urgency: Urgency) {
        let grouping = &self.inventory.globals.grouping;
        if grouping.brake == 0 || urgency == Urgency::Low {
            return;
        }
        let pages = self.threads.pages.entry(contact.to_owned()).or_default();
        while pages
            .front()
            .is_some_and(|at| *at + grouping.brake_within <= now)
        {
            pages.pop_front();
        }
        pages.push_back(now);
        while grouping.brake < pages.len() {
            pages.pop_front();
        }
    }

    fn add_news(&mut self, now: Timestamp, place: &(String, String), row: u64, news: News) {
        let every = self.inventory.globals.grouping.update_every;
        let Some(thread) = self.threads.all.get_mut(place) else {
            return;
        };
        thread.news.insert(row);
        // That a deploy is behind it is a conclusion, and may be wrong.
        let at = if news == News::Bad && thread.group.starts_with(OF_DEPLOY) {
            now + every.min(WAIT_OF_DEPLOY)
        } else {
            let wait = every.saturating_mul(2_u32.saturating_pow(thread.updates));
            (thread.last_told + wait.min(LONGEST_WAIT)).max(now + every)
        };
        if thread.due.is_none_or(|due| at < due) {
            thread.due = Some(at);
            self.timers
                .insert((at, Timer::Gathered(place.0.clone(), place.1.clone())));
        }
    }

    /// Keeps with a row to whose pages it was added, and why nobody was rung for it.
    fn note_joined(
        &mut self,
        now: Timestamp,
        row: u64,
        occasion: Occasion,
        joined: &[(String, String)],
        out: &mut Effects,
    ) {
        let Some((_, key)) = joined.first() else {
            return;
        };
        let group = self
            .threads
            .all
            .get(&joined[0])
            .map(|thread| thread.group.clone());
        let Some(object) = self
            .problems
            .get(&row)
            .map(|problem| problem.object.clone())
        else {
            return;
        };
        let kind = match occasion {
            Occasion::Recovery => Kind::Recovery,
            Occasion::Fresh | Occasion::Reminder => Kind::Problem,
        };
        if occasion != Occasion::Reminder {
            self.keep_joined(row, joined, false, out);
        }
        let Some(obj) = self.inventory.find(&object) else {
            return;
        };
        let what = group.unwrap_or_default();
        let reason = match occasion {
            Occasion::Fresh => format!("of {what}, like the page {key}: told with its next update"),
            Occasion::Reminder => {
                format!("of {what}, like the page {key}, whose reminders stand for it")
            }
            Occasion::Recovery => format!(
                "of {what}, of which more is still bad: told with the next update of the page {key}"
            ),
        };
        let what = match occasion {
            Occasion::Fresh | Occasion::Recovery => Decided::Merged,
            Occasion::Reminder => Decided::Skipped,
        };
        let mut decision = self.decide(now, obj, what, kind, reason);
        decision.contacts = joined.iter().map(|(contact, _)| contact.clone()).collect();
        decision.dedup_key = Some(key.clone());
        out.changes.push(Change::Decision(decision));
    }

    /// Keeps with a row to whose pages, by contact and key, it was added, and whether that was told.
    fn keep_joined(
        &mut self,
        row: u64,
        joined: &[(String, String)],
        told: bool,
        out: &mut Effects,
    ) {
        let page = self
            .problems
            .get_mut(&row)
            .and_then(|problem| problem.page.as_mut());
        let Some(page) = page else { return };
        let mut changed = false;
        for (contact, key) in joined {
            let joined = Joined {
                contact: contact.clone(),
                key: key.clone(),
                told,
            };
            if page.joined_last(contact) == Some(&joined) {
                continue;
            }
            page.joined
                .retain(|one| one.contact != *contact || one.key != *key);
            page.joined.push(joined);
            changed = true;
        }
        if changed {
            self.save_problem(row, out);
        }
    }

    /// An update is due.
    pub(super) fn tell_gathered(
        &mut self,
        now: Timestamp,
        contact: &str,
        key: &str,
        out: &mut Effects,
    ) {
        let place = (contact.to_owned(), key.to_owned());
        let open: BTreeSet<u64> = self.still_open(&place).into_iter().collect();
        let Some(thread) = self.threads.all.get_mut(&place) else {
            return;
        };
        if thread.due.is_none_or(|due| now < due) {
            return;
        }
        thread.due = None;
        let news = std::mem::take(&mut thread.news);
        let (lead, group) = (thread.lead, thread.group.clone());
        let Some(ix) = self.inventory.find_contact(contact) else {
            self.threads.remove(&place);
            return;
        };
        // A reload may have given this person another number.
        let mut listener = Listener {
            contact: ix,
            ..thread.listener.clone()
        };
        if news.is_empty() {
            return;
        }
        thread.updates += 1;
        thread.last_told = now;
        let worst = open
            .iter()
            .filter_map(|row| self.problems.get(row))
            .map(|problem| (problem.state.severity(), problem.state))
            .max_by_key(|(severity, _)| *severity);
        if let (Some((severity, _)), Some(thread)) = (worst, self.threads.all.get_mut(&place)) {
            thread.worst = thread.worst.max(severity);
        }
        let about = std::iter::once(&lead)
            .chain(&open)
            .filter_map(|row| Some((*row, self.obj_of(*row)?)))
            .next();
        let Some((about, obj)) = about else { return };
        let attribution = self
            .problems
            .get(&about)
            .and_then(|problem| problem.page.as_ref())
            .map(|page| page.attribution.clone())
            .unwrap_or_default();
        let reason = self.sum_up(&group, (contact, key), &news, &open);
        if open.is_empty() {
            // Nothing is bad, but the end of one of them may not be told yet, as while it flaps.
            listener.urgency = Urgency::Low;
        }
        let facts = compose::Facts {
            kind: Kind::Amendment,
            urgency: listener.urgency,
            reason: reason.clone(),
            dedup_key: key,
            now,
            deploy: attribution.clone(),
            author: None,
            comment: None,
            since: self
                .problems
                .get(&about)
                .map(|problem| problem.first_bad_at),
        };
        let mut message = compose::message(&self.inventory, obj, self.status(obj), facts);
        if let Some((_, state)) = worst {
            state.name().clone_into(&mut message.state);
        }
        message.lines = self.describe(&open.union(&news).copied().collect());
        self.deliver(Some(obj), &message, &vec![listener.clone()], out);
        let (what, kind) = (Decided::Amended, Kind::Amendment);
        let listeners = vec![listener];
        let mut decision = self.recorded(now, obj, what, kind, reason, &listeners, &attribution);
        decision.dedup_key = Some(key.to_owned());
        out.changes.push(Change::Decision(decision));
        self.note_told(news, &place, out);
    }

    /// Nothing of these rows is still to be told with this page.
    fn note_told(&mut self, rows: BTreeSet<u64>, place: &(String, String), out: &mut Effects) {
        for row in rows {
            let page = self
                .problems
                .get_mut(&row)
                .and_then(|problem| problem.page.as_mut());
            let joined = page.into_iter().flat_map(|page| &mut page.joined);
            let mut changed = false;
            for one in joined.filter(|one| (&one.contact, &one.key) == (&place.0, &place.1)) {
                changed |= !one.told;
                one.told = true;
            }
            if changed {
                self.save_problem(row, out);
            }
        }
    }

    /// Through the channels that the page of a row took to this contact.
    pub(super) fn as_row_was_told(&self, contact: ContactIx, row: &Problem) -> Listener {
        let obj = self.inventory.find(&row.object);
        let told = obj.zip(row.page.as_ref()).and_then(|(obj, page)| {
            self.as_they_were_told(obj, BTreeSet::from([contact]), page)
                .pop()
        });
        told.unwrap_or_else(|| Listener::new(contact, Urgency::High))
    }

    /// The object of a row, where the configuration still has it.
    pub(super) fn obj_of(&self, row: u64) -> Option<ObjIx> {
        self.inventory.find(&self.problems.get(&row)?.object)
    }

    pub(super) fn key_of(&self, row: u64) -> String {
        self.problems
            .get(&row)
            .map(Problem::key)
            .unwrap_or_default()
    }

    /// Of those who were told of a row, those to whom it came by itself; the others hear of what is new of it with an update.
    pub(super) fn leads_only(&mut self, now: Timestamp, row: u64, audience: Audience) -> Audience {
        let mut alone = Audience::new();
        for listener in audience {
            let contact = self.inventory.contact(listener.contact).name.to_string();
            let place = self.thread_of(row, &contact).map(|key| (contact, key));
            let joined = place.filter(|place| {
                self.threads
                    .all
                    .get(place)
                    .is_some_and(|thread| thread.lead != row)
            });
            match joined {
                Some(place) => {
                    let lead = self.threads.all.get(&place).map(|thread| thread.lead);
                    let of = |row: u64| self.problems.get(&row).and_then(blamed);
                    if lead.and_then(of) != of(row) {
                        self.add_news(now, &place, row, News::Bad);
                    }
                }
                None => alone.push(listener),
            }
        }
        alone
    }
}

/// How a contact hears of a row.
enum Told {
    Now {
        key: String,
        lines: Vec<String>,
        end_of: Option<(u64, usize)>,
    },
    /// With an update of this page.
    With(String),
}

impl Told {
    const fn plain(key: String) -> Self {
        Self::Now {
            key,
            lines: Vec::new(),
            end_of: None,
        }
    }
}
