//! What people answer to a page: they have it, it may wait, what it was about, which deploy it was or was not.

use std::time::Duration;

use super::{
    core::Engine,
    effect::{Effects, Reply},
    tell::Due,
};
use crate::{
    base::{
        text::{cut, did_you_mean, one_line},
        time::{Timestamp, show_duration},
    },
    domain::{
        model::{
            answer::{
                About, Answer, Blamed, Correction, LONGEST_SNOOZE, Say, Tag, Tagged, agree, digest,
                is_digest,
            },
            change::{Change, Decided},
            deploy::{Attribution, Strength, Suspect, Verdict},
            message::Kind,
            objects::ObjIx,
            state::ObjectName,
            status::{Ack, Problem},
        },
        notify::filter::{self, Scene},
    },
};

/// Deploys named on a page, at most.
const MAX_SUSPECTS: usize = 3;

/// What an answer is for.
#[derive(Clone, Copy)]
struct Meant {
    obj: ObjIx,
    /// The row whose page is answered: what came with it is meant, too.
    row: Option<u64>,
}

impl Engine {
    pub(super) fn answer(
        &mut self,
        now: Timestamp,
        answer: Answer,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        let Answer {
            about,
            say,
            author: by,
            through,
        } = answer;
        match say {
            Say::Acknowledge => {
                let meant = self.meant(&about, &by)?;
                self.take(now, meant, &by, &through, None, out)
            }
            Say::AcknowledgeWith(comment) => {
                let meant = self.meant(&about, &by)?;
                self.take(now, meant, &by, &through, Some(comment), out)
            }
            Say::Unacknowledge => {
                let meant = self.meant(&about, &by)?;
                self.give_back(now, meant, &through, out)
            }
            Say::Snooze { span, comment } => {
                let meant = self.meant(&about, &by)?;
                self.snooze(now, meant, span, (by, through, comment), out)
            }
            Say::Tag(tag) => {
                let row = self.row_of(&about)?;
                self.tag(now, row, tag, by, out)
            }
            Say::Caused(deploy) => {
                let row = self.row_of(&about)?;
                self.put_down_to(now, row, deploy, by, out)
            }
            Say::NotCaused(deploy) => {
                let row = self.row_of(&about)?;
                self.clear(now, row, deploy, &by, out)
            }
            Say::NotCausedDigest(wanted) => {
                let row = self.row_of(&about)?;
                let deploy = self
                    .named_on(row)
                    .find(|id| digest(id) == wanted)
                    .map(str::to_owned);
                let deploy = deploy.ok_or("the page does not name that deploy any more")?;
                self.clear(now, row, deploy, &by, out)
            }
            Say::Several(says) => {
                agree(&says)?;
                for say in &says {
                    self.may(&about, &by, say)?;
                }
                let mut texts = Vec::new();
                for say in says {
                    let one = Answer {
                        about: about.clone(),
                        say,
                        author: by.clone(),
                        through: through.clone(),
                    };
                    texts.push(self.answer(now, one, out)?.text);
                }
                Ok(Reply::ok(texts.join("; ")))
            }
        }
    }

    /// Whether it would be done. Asked before the first of several, so that nothing is half done.
    fn may(&self, about: &About, by: &str, say: &Say) -> Result<(), String> {
        match say {
            Say::Acknowledge | Say::AcknowledgeWith(_) => {
                let meant = self.meant(about, by)?;
                self.still_bad(meant.obj)
            }
            Say::Unacknowledge => self.meant(about, by).map(drop),
            Say::Snooze { span, .. } => {
                let meant = self.meant(about, by)?;
                self.may_snooze(meant.obj, *span)?;
                self.still_bad(meant.obj)
            }
            Say::Tag(_) => self.row_of(about).map(drop),
            Say::Caused(deploy) => {
                self.row_of(about)?;
                self.known_deploy(deploy)
            }
            Say::NotCaused(deploy) => {
                let row = self.row_of(about)?;
                self.may_clear(row, deploy)
            }
            Say::NotCausedDigest(wanted) => {
                let row = self.row_of(about)?;
                let named = self.named_on(row).any(|id| digest(id) == *wanted);
                named
                    .then_some(())
                    .ok_or_else(|| "the page does not name that deploy any more".to_owned())
            }
            Say::Several(_) => Err("answers are not nested".to_owned()),
        }
    }

    /// It may be fine again though its problem is not over yet.
    fn still_bad(&self, obj: ObjIx) -> Result<(), String> {
        let state = self.status(obj).state;
        if state.is_problem() {
            return Ok(());
        }
        Err(format!(
            "{} is {state}: there is no problem to acknowledge",
            self.inventory.name(obj)
        ))
    }

    /// What has the problem now. The problem of a page must be the one that is there, or one that came with it.
    fn meant(&self, about: &About, by: &str) -> Result<Meant, String> {
        let of_object = |obj: ObjIx| Meant {
            obj,
            row: self.status(obj).problem,
        };
        let key = match about {
            About::Object(name) => return self.known(name).map(of_object),
            About::Named(text) => {
                let name = ObjectName::parse(text);
                if let Some(obj) = self.inventory.find(&name) {
                    return Ok(of_object(obj));
                }
                text
            }
            About::Page(key) | About::Digest(key) => key,
        };
        let row = self.row_of(about)?;
        let Some(problem) = self.problems.get(&row) else {
            return Err(unknown_page(key));
        };
        let is_open = self.open.contains(&row);
        let of_page = |obj: ObjIx| Meant {
            obj,
            row: Some(row),
        };
        let is_own = self.obj_of(row).filter(|_| is_open);
        if !is_own.is_some_and(|obj| self.waits_for_somebody(obj))
            && let Some(obj) = self.waits_of(row, by, is_open)
        {
            return Ok(of_page(obj));
        }
        let obj = self.known(&problem.object)?;
        if let Some(ended) = problem.recovered_at.filter(|_| !is_open) {
            let now_there = match self.problem_of(obj).filter(|now| now.id != row) {
                Some(other) if other.recovered_at.is_none() => format!(
                    "; {} has another problem since {}, with a page of its own",
                    problem.object, other.first_bad_at
                ),
                _ => String::new(),
            };
            return Err(format!(
                "this problem of {}, since {}, ended at {ended}: nothing was changed{now_there}",
                problem.object, problem.first_bad_at
            ));
        }
        Ok(of_page(obj))
    }

    /// It is bad, and nobody has taken it on for good.
    pub(super) fn waits_for_somebody(&self, obj: ObjIx) -> bool {
        let status = self.status(obj);
        let is_taken = status.ack.as_ref().is_some_and(|ack| !ack.snooze);
        status.state.is_problem() && !is_taken
    }

    /// Of what came with the page of this row and is bad, one that nobody has taken on yet, if there is one; others only
    /// where the row itself is over.
    fn waits_of(&self, row: u64, by: &str, is_open: bool) -> Option<ObjIx> {
        let rows = self.came_with(row, by).into_iter();
        let objs = rows.filter_map(|row| self.obj_of(row));
        objs.filter(|obj| self.status(*obj).state.is_problem())
            .min_by_key(|obj| !self.waits_for_somebody(*obj))
            .filter(|obj| !is_open || self.waits_for_somebody(*obj))
    }

    /// The row that is meant: of an object the present one, else its last one.
    fn row_of(&self, about: &About) -> Result<u64, String> {
        let of_object = |name: &ObjectName| {
            let obj = self.known(name)?;
            let present = self.problem_of(obj).map(|problem| problem.id);
            let last = || {
                self.problems
                    .values()
                    .filter(|problem| problem.object == *name)
                    .map(|problem| problem.id)
                    .max()
            };
            present.or_else(last).ok_or_else(|| {
                format!(
                    "{name} has no hard problem now, and had none in the last {}",
                    show_duration(super::timers::KEEP)
                )
            })
        };
        match about {
            About::Object(name) => of_object(name),
            About::Page(key) => self.row_of_page(key).ok_or_else(|| unknown_page(key)),
            About::Digest(wanted) => self
                .problems
                .values()
                .find(|problem| is_digest(wanted, &problem.key()))
                .map(|problem| problem.id)
                .ok_or_else(|| unknown_page("of this message")),
            About::Named(text) => {
                let name = ObjectName::parse(text);
                match (self.inventory.find(&name), self.row_of_page(text)) {
                    (None, Some(row)) => Ok(row),
                    (None, None) if text.contains('@') => Err(unknown_page(text)),
                    _ => of_object(&name),
                }
            }
        }
    }

    fn row_of_page(&self, key: &str) -> Option<u64> {
        let (object, _) = key.rsplit_once('@')?;
        let name = ObjectName::parse(object);
        let fits = |problem: &&Problem| problem.object == name && problem.key() == key;
        let present = self
            .inventory
            .find(&name)
            .and_then(|obj| self.problem_of(obj))
            .filter(fits);
        present
            .or_else(|| self.problems.values().find(fits))
            .map(|problem| problem.id)
    }

    /// Tools say a thing twice, and say back what we told them: who has it keeps it.
    fn take(
        &mut self,
        now: Timestamp,
        Meant { obj, row }: Meant,
        by: &str,
        through: &str,
        comment: Option<String>,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        let name = self.inventory.name(obj);
        if let Some(ack) = self.status(obj).ack.as_ref().filter(|ack| !ack.snooze) {
            return Ok(Reply::ok(format!("{name} is acknowledged by {}", ack.by)));
        }
        let ack = Ack {
            by: by.to_owned(),
            comment: comment.unwrap_or_else(|| format!("acknowledged through {through}")),
            sticky: true,
            persistent: false,
            at: now,
            until: None,
            snooze: false,
            through: Some(through.to_owned()),
            page: None,
        };
        self.acknowledge(now, &name, ack, true, (None, row), out)
    }

    fn give_back(
        &mut self,
        now: Timestamp,
        Meant { obj, row }: Meant,
        through: &str,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        let first = self.inventory.name(obj);
        let page = row.map(|row| self.key_of(row)).unwrap_or_default();
        let is_own = row == self.status(obj).problem;
        let taken: Vec<(ObjectName, &Ack)> = self
            .taken_with(&first, &page)
            .into_iter()
            .filter_map(|name| {
                let ack = self.status(self.inventory.find(&name)?).ack.as_deref()?;
                // What stands in for a problem that is over may have been taken with another page.
                let is_meant = ack.page.as_ref() == Some(&page) || is_own && name == first;
                is_meant.then_some((name, ack))
            })
            .collect();
        let mine = taken
            .iter()
            .filter(|(_, ack)| ack.through.as_deref() == Some(through));
        let mine: Vec<ObjectName> = mine.map(|(name, _)| name.clone()).collect();
        if !mine.is_empty() {
            return Ok(self.give_up(now, &mine, out));
        }
        Ok(Reply::ok(match taken.first() {
            Some((name, ack)) => format!(
                "{name} stays acknowledged by {}, who did not do it through {through}",
                ack.by
            ),
            None => format!("{first} is not acknowledged"),
        }))
    }

    fn snooze(
        &mut self,
        now: Timestamp,
        Meant { obj, row }: Meant,
        span: Duration,
        (by, through, comment): (String, String, Option<String>),
        out: &mut Effects,
    ) -> Result<Reply, String> {
        self.may_snooze(obj, span)?;
        let name = self.inventory.name(obj);
        let until = now + span;
        let ack = Ack {
            by,
            comment: comment.unwrap_or_else(|| format!("snoozed until {until}")),
            // What changes is news, and is told.
            sticky: false,
            persistent: false,
            at: now,
            until: Some(until),
            snooze: true,
            through: Some(through),
            page: None,
        };
        self.remove_comments(obj, "acknowledgement", out);
        self.acknowledge(now, &name, ack, true, (None, row), out)
    }

    fn may_snooze(&self, obj: ObjIx, span: Duration) -> Result<(), String> {
        if span.is_zero() || LONGEST_SNOOZE < span {
            return Err(format!(
                "a snooze lasts {} at most; plan a downtime for what stays quiet longer",
                show_duration(LONGEST_SNOOZE)
            ));
        }
        if let Some(known) = self.status(obj).ack.as_ref().filter(|known| !known.snooze) {
            return Err(format!(
                "{} is acknowledged by {} already, which a snooze would end: take that back first",
                self.inventory.name(obj),
                known.by
            ));
        }
        Ok(())
    }

    /// A snooze ended. What is still bad is paged at once: no reminder's hour and no deploy may keep it back now.
    pub(super) fn snooze_over(&mut self, now: Timestamp, obj: ObjIx, by: &str, out: &mut Effects) {
        if !self.status(obj).is_hard_problem() || self.problem_of(obj).is_none() {
            return;
        }
        let status = &mut self.object_mut(obj).status;
        status.next_notify_at = Timestamp::default();
        status.no_more = false;
        let mut status = status.clone();
        // Whoever put it off was promised a word; that it flaps does not take it back.
        let flapping = std::mem::take(&mut status.flap.flapping);
        let scene = Scene {
            status: &status,
            ..self.scene(obj, now)
        };
        if let Err(why) = filter::judge(Kind::Problem, &scene) {
            self.skip(now, obj, Kind::Problem, why, out);
            return;
        }
        let due = Due {
            at: now,
            state: None,
        };
        let how = if flapping { ", flapping" } else { "" };
        let reason = format!("the snooze by {by} ended; still {}{how}", status.state);
        self.send_problem(now, obj, reason, due, &[], out);
    }

    fn tag(
        &mut self,
        now: Timestamp,
        row: u64,
        tag: Tag,
        by: String,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        let Some(problem) = self.problems.get_mut(&row) else {
            return Err(format!("there is no problem {row}"));
        };
        let text = format!("{by} tagged it {}: {}", tag.name(), tag.meaning());
        let reply = format!(
            "the problem of {} since {} is tagged {} ({})",
            problem.object,
            problem.first_bad_at,
            tag.name(),
            tag.meaning()
        );
        problem.said.tag = Some(Tagged { tag, by, at: now });
        self.save_problem(row, out);
        self.answered(now, row, text, None, out);
        Ok(Reply::ok(reply))
    }

    fn put_down_to(
        &mut self,
        now: Timestamp,
        row: u64,
        deploy: String,
        by: String,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        self.known_deploy(&deploy)?;
        let suspect = self.suspect_of(row);
        let Some(problem) = self.problems.get_mut(&row) else {
            return Err(format!("there is no problem {row}"));
        };
        let name = problem.object.clone();
        let reply = format!("{name} is put down to deploy {deploy}, as {by} says");
        if problem
            .said
            .blamed
            .as_ref()
            .is_some_and(|blamed| blamed.deploy == deploy)
        {
            return Ok(Reply::ok(reply));
        }
        problem.cleared.retain(|cleared| *cleared != deploy);
        problem.said.blamed = Some(Blamed {
            deploy: deploy.clone(),
            by: by.clone(),
            at: now,
        });
        problem.said.correct(Correction {
            deploy: deploy.clone(),
            caused: true,
            by: by.clone(),
            at: now,
            suspect: suspect.clone(),
        });
        self.save_problem(row, out);
        let text = format!("{by} says that deploy {deploy} caused it");
        self.answered(now, row, text.clone(), Some(deploy.clone()), out);
        // Who was told that it was something else, or nothing, should know.
        let is_news = suspect.as_deref() != Some(&*deploy);
        self.read_as_people_say(now, row, is_news.then(|| format!("amended: {text}")), out);
        let said = format!("{by} says that it caused {name}");
        self.judge_again(now, &deploy, said, out);
        Ok(Reply::ok(reply))
    }

    fn clear(
        &mut self,
        now: Timestamp,
        row: u64,
        deploy: String,
        by: &str,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        self.may_clear(row, &deploy)?;
        let suspect = self.suspect_of(row);
        let Some(problem) = self.problems.get_mut(&row) else {
            return Err(format!("there is no problem {row}"));
        };
        let name = problem.object.clone();
        let reply = format!("{name} is not put down to deploy {deploy}, as {by} says");
        if problem.cleared.contains(&deploy) {
            return Ok(Reply::ok(reply));
        }
        problem.cleared.push(deploy.clone());
        let was_blamed = problem
            .said
            .blamed
            .take_if(|blamed| blamed.deploy == deploy)
            .is_some();
        problem.said.correct(Correction {
            deploy: deploy.clone(),
            caused: false,
            by: by.to_owned(),
            at: now,
            suspect,
        });
        self.save_problem(row, out);
        let text = format!("{by} says that deploy {deploy} did not cause it");
        self.answered(now, row, text.clone(), Some(deploy.clone()), out);
        self.read_as_people_say(
            now,
            row,
            was_blamed.then(|| format!("amended: {text}")),
            out,
        );
        let said = format!("{by} says that it did not cause {name}");
        self.judge_again(now, &deploy, said, out);
        Ok(Reply::ok(reply))
    }

    /// With an acknowledgement: the problem must be there.
    pub(super) fn clear_of(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        deploy: String,
        by: &str,
        out: &mut Effects,
    ) -> Result<(), String> {
        self.known_deploy(&deploy)?;
        let row = self.status(obj).problem.filter(|id| self.open.contains(id));
        let Some(row) = row else {
            return Err(format!(
                "{} is not a hard problem yet, so it is not put down to {deploy}",
                self.inventory.name(obj)
            ));
        };
        self.clear(now, row, deploy, by, out).map(|_| ())
    }

    fn may_clear(&self, row: u64, deploy: &str) -> Result<(), String> {
        if self.named_on(row).any(|named| named == deploy) {
            return Ok(());
        }
        self.known_deploy(deploy)
    }

    /// The deploys on the page of a problem, and those that were taken off it.
    fn named_on(&self, row: u64) -> impl Iterator<Item = &str> {
        self.problems.get(&row).into_iter().flat_map(|problem| {
            let page = problem.page.iter();
            page.flat_map(|page| &page.attribution.suspects)
                .map(|suspect| &*suspect.id)
                .chain(problem.cleared.iter().map(String::as_str))
        })
    }

    fn known_deploy(&self, deploy: &str) -> Result<(), String> {
        if self.deploys.contains_key(deploy) {
            return Ok(());
        }
        let shown = one_line(cut(deploy, 200));
        let known = self.deploys.keys().map(String::as_str);
        Err(match did_you_mean(&shown, known) {
            Some(meant) => format!("no deploy `{shown}` is known; did you mean `{meant}`?"),
            None => format!("no deploy `{shown}` is known"),
        })
    }

    /// The one deploy that a problem is put down to.
    fn suspect_of(&self, row: u64) -> Option<String> {
        let attribution = self.attribution_of(self.problems.get(&row)?);
        let first = attribution.suspects.into_iter().next();
        first
            .filter(|_| attribution.verdict == Verdict::Suspect)
            .map(|suspect| suspect.id)
    }

    /// The page is read anew, with what people say of it. `reason`: those who were told of it hear why.
    fn read_as_people_say(
        &mut self,
        now: Timestamp,
        row: u64,
        reason: Option<String>,
        out: &mut Effects,
    ) {
        let Some(problem) = self.problems.get(&row) else {
            return;
        };
        let obj = self.inventory.find(&problem.object);
        let (Some(obj), true) = (obj, problem.page.is_some()) else {
            return;
        };
        let is_open = self.open.contains(&row);
        // Once it is over its surroundings are no longer what they were; and nobody asked for a new reading.
        let attribution = if is_open && reason.is_some() {
            self.attribute(obj, row)
        } else {
            self.as_people_say(obj, problem, self.attribution_of(problem))
        };
        match reason.filter(|_| is_open) {
            Some(reason) => self.send_amendment(now, obj, row, attribution, reason, out),
            None => {
                if let Some(page) = self.problems.get_mut(&row).and_then(|it| it.page.as_mut()) {
                    page.attribution = attribution;
                }
            }
        }
        self.save_problem(row, out);
    }

    /// A person's word goes before what we reckon.
    pub(super) fn as_people_say(
        &self,
        obj: ObjIx,
        problem: &Problem,
        mut found: Attribution,
    ) -> Attribution {
        if !problem.cleared.is_empty() {
            let led = found.suspects.first().map(|suspect| suspect.id.clone());
            let was_named = found.verdict != Verdict::None;
            found
                .suspects
                .retain(|suspect| !problem.cleared.contains(&suspect.id));
            let leads = found.suspects.first().map(|suspect| &suspect.id);
            if was_named && leads != led.as_ref() {
                // Those left were near it, and are no likelier for it.
                let is_one_named = found.named().next().is_some();
                found.verdict = if is_one_named {
                    Verdict::Suspects
                } else {
                    Verdict::None
                };
            }
            for said in problem.said.sentences(&problem.cleared) {
                if said.ends_with("did not cause it") && !found.ruled_out.contains(&said) {
                    found.ruled_out.insert(0, said);
                }
            }
        }
        let Some(blamed) = problem.said.blamed.as_ref() else {
            return found;
        };
        let at = found.suspects.iter().position(|it| it.id == blamed.deploy);
        let suspect = match (at, self.deploys.get(&blamed.deploy)) {
            (Some(at), _) => Some(found.suspects.remove(at)),
            (None, Some(live)) => {
                let deploy = &live.deploy;
                let relation = live.scope.relation(&self.inventory, obj);
                Some(Suspect {
                    id: deploy.id.clone(),
                    app: deploy.app.clone(),
                    environment: deploy.environment.clone(),
                    version: deploy.version.clone(),
                    actors: deploy.actors.clone(),
                    url: deploy.url.clone(),
                    strength: Strength::Strong,
                    relation: relation.map_or("said", |it| it.name()).to_owned(),
                    evidence: Vec::new(),
                })
            }
            (None, None) => None,
        };
        let Some(mut suspect) = suspect else {
            return found;
        };
        let said = format!("{} says so", blamed.by);
        if suspect.evidence.first() != Some(&said) {
            suspect.evidence.insert(0, said);
        }
        suspect.strength = Strength::Strong;
        found.suspects.insert(0, suspect);
        found.suspects.truncate(MAX_SUSPECTS);
        found.verdict = Verdict::Suspect;
        found
    }

    /// The bake is over and the verdict was told: what people say of it later still counts.
    fn judge_again(&mut self, now: Timestamp, id: &str, said: String, out: &mut Effects) {
        let Some(live) = self.deploys.get(id).filter(|live| live.deploy.digested) else {
            return;
        };
        let (outcome, mut why) = self.verdict(now, live);
        why.insert(0, said);
        if let Some(live) = self.deploys.get_mut(id) {
            live.deploy.verdict = Some(outcome.name().to_owned());
            live.deploy.verdict_why = why;
        }
        self.save_deploy(id, out);
    }

    /// For `why`, and for the history.
    fn answered(
        &mut self,
        now: Timestamp,
        row: u64,
        text: String,
        deploy: Option<String>,
        out: &mut Effects,
    ) {
        let Some(problem) = self.problems.get(&row) else {
            return;
        };
        let Some(obj) = self.inventory.find(&problem.object) else {
            return;
        };
        let mut decision = self.decide(now, obj, Decided::Answered, Kind::Problem, text.clone());
        // It may be of a problem that is over.
        problem.state.name().clone_into(&mut decision.state);
        decision.dedup_key = Some(problem.key());
        decision.deploys.extend(deploy);
        out.changes.push(Change::Decision(decision));
        self.event(now, Some(obj), "answer", text, out);
    }
}

fn unknown_page(key: &str) -> String {
    format!(
        "no problem `{}` is known: they are kept for {} after their end",
        one_line(cut(key, 200)),
        show_duration(super::timers::KEEP)
    )
}
