//! Silences: set, moved and ended by people, with an owner, a reason and an end; what one hits, and a word before it ends.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    audience::{Audience, Listener},
    core::Engine,
    effect::{Effects, Reply},
    quiet::Ended,
    quiet_ends::moment,
    timers::Timer,
};
use crate::{
    base::time::{Timestamp, show_duration},
    domain::{
        model::{
            message::{Kind, Urgency},
            objects::{ContactIx, ObjIx},
            quiet::{Cause, Silence, shown_states},
            status::Problem,
        },
        notify::{compose, matcher::Matcher},
    },
};

/// Silences at once.
const MOST: usize = 200;
/// Bytes of one matcher, as it is written.
const LONGEST_MATCHER: usize = 4096;
/// A silence may be planned so far ahead.
const AHEAD: Duration = Duration::from_secs(366 * 86_400);
/// Names that are shown of what a silence hits.
const SHOWN: usize = 20;
/// What counts as paged today.
const TODAY: Duration = Duration::from_secs(86_400);

/// `GET /v1/silences`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilenceView {
    pub id: u64,
    /// What it is for: `host=web* check=disk*`.
    pub of: String,
    /// The states it keeps quiet; empty: all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub states: String,
    pub from: String,
    pub until: String,
    pub owner: String,
    pub reason: String,
    /// It has begun.
    pub in_force: bool,
}

/// `GET /v1/silences/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilenceStory {
    #[serde(flatten)]
    pub silence: SilenceView,
    pub hits: HitView,
    /// What it kept quiet so far, in sentences.
    pub kept: Vec<String>,
}

/// `GET /v1/silences/preview`: what some words hit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HitView {
    pub of: String,
    pub hosts: usize,
    pub checks: usize,
    /// It is more than `[silences] widest`, so a silence of it has to be meant.
    pub wide: bool,
    /// The first of them.
    pub names: Vec<String>,
    /// What of it is broken now and would fall quiet, in sentences.
    pub broken: Vec<String>,
    /// What of it was paged in the last day.
    pub paged: Vec<String>,
}

impl HitView {
    fn counted(&self) -> String {
        let plural = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            more => format!("{more} {what}s"),
        };
        format!(
            "{} and {}",
            plural(self.hosts, "host"),
            plural(self.checks, "check")
        )
    }
}

impl Engine {
    /// Sets a silence. `wide`: that it hits a large part of the site is meant.
    pub(super) fn silence(
        &mut self,
        now: Timestamp,
        mut wanted: Silence,
        wide: bool,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        self.may_last(now, wanted.from.max(now), wanted.until)?;
        if now + AHEAD < wanted.from {
            return Err("a silence begins within 366 days".to_owned());
        }
        if MOST <= self.quiet_times.silences.len() {
            return Err(format!("there are {MOST} silences already; end some"));
        }
        let of = wanted.matcher.to_string();
        if LONGEST_MATCHER < of.len() {
            return Err(format!(
                "what it is for takes {} bytes to say, at most {LONGEST_MATCHER}; use `*`, or a group",
                of.len()
            ));
        }
        let hits = self.preview(now, &wanted.matcher);
        if hits.hosts + hits.checks == 0 {
            return Err(format!(
                "nothing is called {of}, so nothing would fall quiet; `deploywatch silence preview` shows what words hit"
            ));
        }
        if hits.wide && !wide {
            return Err(format!(
                "{of} hits {}, more than {} of the site ([silences] widest); say that this is meant with `wide` (--wide), or name fewer",
                hits.counted(),
                self.inventory.globals.silences.widest
            ));
        }
        let broken = self
            .failing_in(|engine, obj| inside(engine, &wanted, obj))
            .len();
        wanted.id = self.new_id();
        let text = format!(
            "silence {} of {of} from {} until {} by {}: {}; it hits {}, {} of them broken now",
            wanted.id,
            wanted.from,
            wanted.until,
            wanted.owner,
            wanted.reason,
            hits.counted(),
            broken
        );
        let id = wanted.id;
        self.quiet_times.silences.push(wanted);
        self.arm_silence(now, self.quiet_times.silences.len() - 1);
        self.event(now, None, "silence", text.clone(), out);
        self.save_quiet(out);
        Ok(Reply {
            id: Some(id),
            ..Reply::ok(text)
        })
    }

    fn may_last(&self, now: Timestamp, from: Timestamp, until: Timestamp) -> Result<(), String> {
        if until <= now || until <= from {
            return Err(format!(
                "a silence has to end later than it begins and than now; this one ends at {until}"
            ));
        }
        let longest = self.inventory.globals.silences.longest;
        if longest < until.since(from) {
            return Err(format!(
                "a silence lasts at most {} ([silences] longest); this one would last {}. Extend it when its end is near, or plan a downtime",
                show_duration(longest),
                show_duration(Duration::from_secs(until.since(from).as_secs()))
            ));
        }
        Ok(())
    }

    pub(super) fn arm_silence(&mut self, now: Timestamp, place: usize) {
        let Some(silence) = self.quiet_times.silences.get(place) else {
            return;
        };
        self.timers
            .insert((silence.until, Timer::SilenceEnd(silence.id)));
        let remind = self.inventory.globals.silences.remind;
        let at = silence.until - remind;
        // One that is shorter than that was set a moment ago.
        if !remind.is_zero() && !silence.reminded && silence.from < at && now < silence.until {
            self.timers.insert((at, Timer::SilenceReminder(silence.id)));
        }
    }

    fn place_of(&self, id: u64) -> Result<usize, String> {
        self.quiet_times
            .silences
            .iter()
            .position(|silence| silence.id == id)
            .ok_or_else(|| format!("there is no silence {id}; it may have ended"))
    }

    pub(super) fn move_silence(
        &mut self,
        now: Timestamp,
        id: u64,
        until: Timestamp,
        author: &str,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        let place = self.place_of(id)?;
        let from = self.quiet_times.silences[place].from;
        self.may_last(now, from.max(now), until)?;
        let silence = &mut self.quiet_times.silences[place];
        (silence.until, silence.reminded) = (until, false);
        let text = format!("silence {id} ends at {until} now, as {author} asked");
        self.arm_silence(now, place);
        self.event(now, None, "silence", text.clone(), out);
        self.save_quiet(out);
        Ok(Reply::ok(text))
    }

    pub(super) fn end_silence(
        &mut self,
        now: Timestamp,
        id: u64,
        author: &str,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        let place = self.place_of(id)?;
        let text = format!("silence {id} was ended by {author}");
        self.finish_silence(now, place, text.clone(), out);
        Ok(Reply::ok(text))
    }

    /// Its time is over, unless it was moved.
    pub(super) fn silence_ends(&mut self, now: Timestamp, id: u64, out: &mut Effects) {
        let Ok(place) = self.place_of(id) else { return };
        if self.quiet_times.silences[place].until <= now {
            self.finish_silence(now, place, format!("silence {id} ended"), out);
        }
    }

    fn finish_silence(&mut self, now: Timestamp, place: usize, text: String, out: &mut Effects) {
        let silence = self.quiet_times.silences.remove(place);
        self.event(now, None, "silence", text, out);
        self.save_quiet(out);
        // One that had not begun kept nothing quiet.
        if now < silence.from {
            return;
        }
        let inside = self.failing_in(|engine, obj| inside(engine, &silence, obj));
        let ended = Ended {
            said: silence.to_string(),
            from: silence.from,
        };
        self.quiet_ends(&Cause::Silence(silence.id), &ended, inside);
    }

    /// A word to its owner; where nobody is called that, to those who will be paged when it ends.
    pub(super) fn silence_ends_soon(&mut self, now: Timestamp, id: u64, out: &mut Effects) {
        let Ok(place) = self.place_of(id) else { return };
        let silence = self.quiet_times.silences[place].clone();
        let remind = self.inventory.globals.silences.remind;
        if silence.reminded || now < silence.until - remind || silence.until <= now {
            return;
        }
        self.quiet_times.silences[place].reminded = true;
        self.save_quiet(out);
        let broken = self.failing_in(|engine, obj| {
            inside(engine, &silence, obj) && engine.status(obj).is_hard_problem()
        });
        let contacts: Vec<ContactIx> = match self.owner_of(&silence.owner) {
            Some(owner) => vec![owner],
            None => broken
                .iter()
                .flat_map(|obj| self.own_contacts(*obj))
                .collect(),
        };
        let audience: Audience = self
            .people(contacts, now)
            .into_iter()
            .filter(|ix| self.inventory.contact(*ix).enabled)
            .map(|ix| Listener::new(ix, Urgency::Low))
            .collect();
        let left = show_duration(Duration::from_secs(silence.until.since(now).as_secs()));
        let still = match broken.len() {
            0 => "nothing in it is broken now".to_owned(),
            1 => "one thing in it is still broken and will be paged".to_owned(),
            more => format!("{more} things in it are still broken and will be paged"),
        };
        let reason = format!("{silence} ends in {left}; {still}");
        let mut lines = self.sentences(now, &broken);
        lines.push(format!(
            "Extend it with: deploywatch silence extend {id} --for 2h"
        ));
        let mut message = compose::about_app("deploywatch", Kind::Notice, reason, lines, now);
        message.dedup_key = format!("silence/{id}/{}", silence.until.millis());
        message.output.clone_from(&message.reason);
        self.event(now, None, "silence", message.reason.clone(), out);
        self.deliver(None, &message, &audience, out);
    }

    fn owner_of(&self, owner: &str) -> Option<ContactIx> {
        let contacts = &self.inventory.contacts;
        let found = contacts
            .iter()
            .position(|contact| *contact.name == *owner)
            .or_else(|| {
                let known = |actor: &String| *actor == *owner;
                contacts
                    .iter()
                    .position(|contact| contact.actors.iter().any(known))
            })?;
        u32::try_from(found).ok().map(ContactIx)
    }

    /// `web1/disk is CRITICAL since 02:10`, the first few.
    fn sentences(&self, now: Timestamp, broken: &[ObjIx]) -> Vec<String> {
        let mut lines: Vec<String> = broken
            .iter()
            .take(SHOWN)
            .map(|obj| {
                let status = self.status(*obj);
                let since = status.first_bad_at.unwrap_or(status.last_change_at);
                let page = self
                    .problem_of(*obj)
                    .and_then(|problem| problem.page.as_ref());
                format!(
                    "{} is {} since {}{}",
                    self.inventory.name(*obj),
                    status.state,
                    moment(since, now),
                    if page.is_some() { ", paged" } else { "" }
                )
            })
            .collect();
        if SHOWN < broken.len() {
            lines.push(format!("and {} more", broken.len() - SHOWN));
        }
        lines
    }

    /// What some words hit, and what of that is broken.
    pub fn preview(&self, now: Timestamp, matcher: &Matcher) -> HitView {
        let mut view = HitView {
            of: matcher.to_string(),
            ..HitView::default()
        };
        for obj in self.inventory.objects() {
            if !matcher.fits(&self.inventory, obj) {
                continue;
            }
            if self.inventory.is_host(obj) {
                view.hosts += 1;
            } else {
                view.checks += 1;
            }
            if view.names.len() < SHOWN {
                view.names.push(self.inventory.name(obj).to_string());
            }
        }
        let hit = view.hosts + view.checks;
        let widest = self.inventory.globals.silences.widest;
        view.wide = !widest.allows(hit, self.inventory.len());
        let broken = self.failing_in(|engine, obj| matcher.fits(&engine.inventory, obj));
        view.broken = self.sentences(now, &broken);
        let mut paged: BTreeMap<String, usize> = BTreeMap::new();
        let today = |problem: &&Problem| {
            problem
                .page
                .as_ref()
                .is_some_and(|page| now < page.at + TODAY)
        };
        for problem in self.problems.values().filter(today) {
            let obj = self.inventory.find(&problem.object);
            if obj.is_some_and(|obj| matcher.fits(&self.inventory, obj)) {
                *paged.entry(problem.object.to_string()).or_default() += 1;
            }
        }
        view.paged = paged
            .into_iter()
            .take(SHOWN)
            .map(|(name, times)| match times {
                1 => name,
                times => format!("{name}, {times} times"),
            })
            .collect();
        view
    }

    /// All silences, those that end first at the top.
    pub fn silences(&self, now: Timestamp) -> Vec<SilenceView> {
        let mut all: Vec<&Silence> = self.quiet_times.silences.iter().collect();
        all.sort_by_key(|silence| silence.until);
        all.into_iter().map(|silence| shown(silence, now)).collect()
    }

    /// One silence with all that is known of it.
    pub fn silence_story(&self, now: Timestamp, id: u64) -> Option<SilenceStory> {
        let all = &self.quiet_times.silences;
        let silence = all.iter().find(|silence| silence.id == id)?;
        let cause = Cause::Silence(id);
        let kept = self.kept_by(&cause).map(|problem| {
            let end = match problem.recovered_at {
                Some(at) => format!(
                    "was {} from {} to {}",
                    problem.state,
                    moment(problem.first_bad_at, now),
                    moment(at, now)
                ),
                None => format!(
                    "is {} since {}",
                    problem.state,
                    moment(problem.first_bad_at, now)
                ),
            };
            format!("{} {end}", problem.object)
        });
        Some(SilenceStory {
            silence: shown(silence, now),
            hits: self.preview(now, &silence.matcher),
            kept: kept.collect(),
        })
    }

    /// Mute times that are open, in sentences.
    pub(super) fn open_mutes(&self) -> Vec<String> {
        let until = |until: Option<Timestamp>| {
            until.map_or_else(String::new, |until| format!(" until {until}"))
        };
        self.quiet_times
            .mutes
            .iter()
            .map(|mute| {
                format!(
                    "{} of {}{}: {} ({})",
                    mute.name,
                    mute.owner,
                    until(mute.until),
                    mute.reason,
                    mute.matcher
                )
            })
            .collect()
    }
}

fn inside(engine: &Engine, silence: &Silence, obj: ObjIx) -> bool {
    silence.states.has(engine.status(obj).state) && silence.matcher.fits(&engine.inventory, obj)
}

fn shown(silence: &Silence, now: Timestamp) -> SilenceView {
    SilenceView {
        id: silence.id,
        of: silence.matcher.to_string(),
        states: shown_states(silence.states),
        from: silence.from.to_string(),
        until: silence.until.to_string(),
        owner: silence.owner.clone(),
        reason: silence.reason.clone(),
        in_force: silence.holds(now),
    }
}
