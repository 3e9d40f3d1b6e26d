//! Tools that wait for leave to deploy: answered by the gate, yes as soon as it is open, no when their time is over. A
//! question is kept until its answer has arrived, also over a restart.

use std::time::Duration;

use super::{
    core::Engine,
    effect::{Effects, Reply},
    gate::NoGate,
    timers::Timer,
};
use crate::{
    base::time::Timestamp,
    domain::model::gate::{Answer, Question},
};

/// How often a gate that is waited for is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// Questions at once.
const MOST: usize = 200;

impl Engine {
    /// Takes a question in; one that comes again is the same one.
    pub(super) fn ask_gate(
        &mut self,
        now: Timestamp,
        mut question: Question,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        let deploy = question.deploy.clone();
        let known = |old: &Question| {
            (&old.source, &old.callback, &old.theirs)
                == (&question.source, &question.callback, &question.theirs)
        };
        if self.gates.questions.iter().any(known) {
            return Ok(Reply::ok(format!("{deploy} waits for the gate already")));
        }
        if MOST <= self.gates.questions.len() {
            return Err(format!("{MOST} deploys wait for gates already"));
        }
        question.id = self.new_id();
        let text = format!(
            "{deploy} of {} in {} waits for the gate until {}",
            question.app, question.environment, question.until
        );
        self.gates.questions.push(question);
        self.save_gates(now, text.clone(), out);
        self.look_at_questions(now, out);
        Ok(Reply::ok(text))
    }

    pub(super) fn arm_questions(&mut self, now: Timestamp) {
        let waits = |question: &Question| question.answer.is_none();
        if self.gates.questions.iter().any(waits) {
            self.timers.insert((now + LOOK_EVERY, Timer::Questions));
        }
    }

    /// Decides what can be decided.
    pub(super) fn look_at_questions(&mut self, now: Timestamp, out: &mut Effects) {
        let mut decided = Vec::new();
        for (at, question) in self.gates.questions.iter().enumerate() {
            if question.answer.is_none()
                && let Some(answer) = self.decide_question(now, question)
            {
                decided.push((at, answer));
            }
        }
        for (at, answer) in decided {
            let question = &mut self.gates.questions[at];
            let text = format!(
                "{} of {} is {}: {}",
                question.deploy,
                question.app,
                if answer.approved {
                    "let pass"
                } else {
                    "refused"
                },
                answer.comment
            );
            question.answer = Some(answer);
            self.save_gates(now, text, out);
        }
        self.arm_questions(now);
    }

    /// None: the gate is shut, and may yet open in time.
    fn decide_question(&self, now: Timestamp, question: &Question) -> Option<Answer> {
        let answer = |approved, comment| {
            Some(Answer {
                at: now,
                approved,
                comment,
            })
        };
        match self.gate(now, &question.app, Some(&question.environment)) {
            Ok(view) if view.open => answer(true, view.reason),
            Ok(_) if now < question.until => None,
            Ok(view) => {
                let opens = view.opens_when.unwrap_or_default();
                answer(false, format!("{}; it opens when {opens}", view.reason))
            }
            // A reload took the app away.
            Err(NoGate::Unknown(why) | NoGate::WhichOne(why)) => answer(false, why),
        }
    }

    /// Questions whose answer is on its way.
    pub fn answers(&self) -> impl Iterator<Item = &Question> {
        self.gates
            .questions
            .iter()
            .filter(|question| question.answer.is_some())
    }

    /// The answer arrived, or was given up.
    pub(super) fn gate_answered(
        &mut self,
        now: Timestamp,
        id: u64,
        end: Result<String, String>,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        let questions = &mut self.gates.questions;
        let Some(at) = questions.iter().position(|question| question.id == id) else {
            return Err(format!("there is no question {id}"));
        };
        let question = questions.remove(at);
        let text = match end {
            Ok(receipt) => format!("{} was answered: {receipt}", question.deploy),
            Err(why) => format!(
                "{} could not be answered, and waits until somebody lets it pass by hand: {why}",
                question.deploy
            ),
        };
        self.save_gates(now, text.clone(), out);
        Ok(Reply::ok(text))
    }
}
