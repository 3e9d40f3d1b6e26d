//! Who is told, how urgently, and through which channels: an object's own contacts or the routes', then each contact's
//! own wishes, then the people behind a deploy.

use std::collections::BTreeSet;

use super::{
    core::Engine,
    escalate::{Ask, Circle},
    tell::Due,
};
use crate::{
    base::time::Timestamp,
    domain::{
        deploy::live::LiveDeploy,
        model::{
            deploy::{Attribution, Risk, Verdict},
            message::{Kind, Urgency},
            objects::{Channel, ContactIx, ObjIx},
            route::Ways,
            state::State,
        },
        notify::recipients::{self, Wanted, Wish},
    },
};

/// Somebody who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listener {
    pub(super) contact: ContactIx,
    pub(super) urgency: Urgency,
    pub(super) ways: Ways,
    /// What is told now is not the first that this person hears of the problem.
    pub(super) knows: bool,
}

impl Listener {
    /// Through all channels.
    pub(super) const fn new(contact: ContactIx, urgency: Urgency) -> Self {
        Self {
            contact,
            urgency,
            ways: Ways(None),
            knows: false,
        }
    }
}

/// Everybody who is told, each once.
pub(super) type Audience = Vec<Listener>;

/// Who is told, and why these.
#[derive(Debug, Default)]
pub(super) struct Wanting {
    pub(super) audience: Audience,
    /// Why rotations came to the people they came to.
    pub(super) on_call: Vec<String>,
    /// Why others who might have been told are not.
    pub(super) left_out: Vec<String>,
}

/// Adds somebody; who is there already is told as urgently as either says, through the channels of both.
pub(super) fn add(audience: &mut Audience, listener: Listener) {
    match audience
        .iter_mut()
        .find(|known| known.contact == listener.contact)
    {
        Some(known) => {
            known.ways = match known.urgency.cmp(&listener.urgency) {
                std::cmp::Ordering::Less => listener.ways,
                std::cmp::Ordering::Equal => known.ways.or(&listener.ways),
                std::cmp::Ordering::Greater => return,
            };
            known.urgency = listener.urgency;
        }
        None => audience.push(listener),
    }
}

fn note_new(known: &mut Vec<String>, said: Vec<String>) {
    for one in said {
        if !known.contains(&one) {
            known.push(one);
        }
    }
}

/// A pager takes what is not urgent only as a change event, which rings nowhere, or not at all.
pub(super) const fn takes(channel: &Channel, urgency: Urgency, kind: Kind) -> bool {
    matches!(urgency, Urgency::High)
        || !channel.kind.is_pager()
        || matches!(kind, Kind::Digest | Kind::Notice)
}

impl Engine {
    /// Who of those whom a notification may go to wants it.
    pub(super) fn wanting(
        &self,
        obj: ObjIx,
        kind: Kind,
        (at, turn): (Timestamp, Timestamp),
    ) -> Result<(Audience, Circle), String> {
        let state = self.told_state(obj, kind);
        let blame = self.blame_of(obj);
        let circle = self.circle(obj, kind, state, &blame, at);
        let wanting = self.wanting_asks(obj, &circle.asks, kind, state, (at, turn))?;
        let circle = Circle {
            on_call: wanting.on_call,
            left_out: wanting.left_out,
            ..circle
        };
        Ok((wanting.audience, circle))
    }

    /// What the page of the open problem says of deploys.
    pub(super) fn blame_of(&self, obj: ObjIx) -> Attribution {
        let page = self
            .problem_of(obj)
            .and_then(|problem| problem.page.as_ref());
        page.map(|page| page.attribution.clone())
            .unwrap_or_default()
    }

    /// The state that a notification tells of. A flapping problem may be OK at this very moment; what is told is the
    /// problem.
    pub(super) fn told_state(&self, obj: ObjIx, kind: Kind) -> State {
        match self.problem_of(obj) {
            Some(problem) if kind == Kind::Problem => problem.state,
            _ => self.status(obj).state,
        }
    }

    /// Of all that are asked, those that want it.
    pub(super) fn wanting_asks(
        &self,
        obj: ObjIx,
        asks: &[Ask],
        kind: Kind,
        state: State,
        times: (Timestamp, Timestamp),
    ) -> Result<Wanting, String> {
        let mut found = Wanting::default();
        let mut refusals: Vec<String> = Vec::new();
        for ask in asks {
            match self.wanting_of(obj, &ask.contacts, kind, state, times) {
                Ok(wanted) => {
                    for contact in wanted.contacts {
                        add(&mut found.audience, ask.listener(contact));
                    }
                    found.on_call.extend(wanted.on_call);
                    found.left_out.extend(wanted.left_out);
                }
                Err(why) if refusals.contains(&why) => {}
                Err(why) => refusals.push(why),
            }
        }
        if !found.audience.is_empty() {
            found.left_out.extend(refusals);
            return Ok(found);
        }
        if asks.is_empty() {
            return Err("it has no contacts, and no route is for it".to_owned());
        }
        Err(refusals.join("; "))
    }

    pub(super) fn wanting_of(
        &self,
        obj: ObjIx,
        candidates: &[ContactIx],
        kind: Kind,
        state: State,
        (at, turn): (Timestamp, Timestamp),
    ) -> Result<Wanted, String> {
        recipients::wanting(
            &self.inventory,
            &self.switches.contacts,
            candidates,
            &Wish {
                is_host: self.inventory.is_host(obj),
                kind,
                state,
                notified_on: self.status(obj).notified_on,
                at,
                turn,
                told: &self.told_of(obj),
            },
        )
    }

    /// Somebody will want the recovery at another hour.
    pub(super) fn wanted_later(&self, obj: ObjIx, candidates: &[ContactIx]) -> bool {
        let status = self.status(obj);
        recipients::wanted_at_another_time(
            &self.inventory,
            &self.switches.contacts,
            candidates,
            &Wish {
                is_host: self.inventory.is_host(obj),
                kind: Kind::Recovery,
                state: status.state,
                notified_on: status.notified_on,
                at: Timestamp::default(),
                turn: Timestamp::default(),
                told: &self.told_of(obj),
            },
        )
    }

    /// Who was told of the open problem.
    pub(super) fn told_of(&self, obj: ObjIx) -> Vec<ContactIx> {
        let page = self
            .problem_of(obj)
            .and_then(|problem| problem.page.as_ref());
        page.into_iter()
            .flat_map(|page| &page.told)
            .filter_map(|name| self.inventory.find_contact(name))
            .collect()
    }

    /// Rotations give way to who is on call.
    pub(super) fn people(
        &self,
        contacts: impl IntoIterator<Item = ContactIx>,
        at: Timestamp,
    ) -> BTreeSet<ContactIx> {
        recipients::people(&self.inventory, &self.switches.contacts, contacts, at, None)
    }

    /// The people behind a deploy.
    pub(super) fn deployers(&self, live: &LiveDeploy, at: Timestamp) -> BTreeSet<ContactIx> {
        let named = recipients::of_deploy(&self.inventory, &live.deploy, live.scope.app);
        self.people(named, at)
    }

    /// The people behind a deploy who are told anything, in the same manner.
    pub(super) fn team(&self, live: &LiveDeploy, urgency: Urgency, at: Timestamp) -> Audience {
        self.deployers(live, at)
            .into_iter()
            .filter(|ix| self.inventory.contact(*ix).enabled)
            .map(|ix| Listener::new(ix, urgency))
            .collect()
    }

    /// Whoever wants to hear of a problem as it is, or as it was when its hold began: a hold takes nobody's page away.
    pub(super) fn wanting_either(
        &self,
        obj: ObjIx,
        (now, present): (Timestamp, State),
        due: Due,
        blame: &Attribution,
    ) -> (Result<Audience, String>, Circle) {
        let then = due.state.unwrap_or(present);
        let mut refusal = None;
        let mut all = Wanting::default();
        for (at, state) in [
            (now, present),
            (due.at, present),
            (due.at, then),
            (now, then),
        ] {
            let circle = self.circle(obj, Kind::Problem, state, blame, at);
            match self.wanting_asks(obj, &circle.asks, Kind::Problem, state, (at, now)) {
                Ok(wanting) => {
                    for listener in wanting.audience {
                        add(&mut all.audience, listener);
                    }
                    note_new(&mut all.on_call, wanting.on_call);
                    note_new(&mut all.left_out, wanting.left_out);
                }
                Err(why) => {
                    refusal.get_or_insert(why);
                }
            }
        }
        let found = match refusal {
            Some(why) if all.audience.is_empty() => Err(why),
            _ => Ok(all.audience),
        };
        let circle = self.circle(obj, Kind::Problem, present, blame, now);
        let circle = Circle {
            on_call: all.on_call,
            left_out: all.left_out,
            ..circle
        };
        (found, circle)
    }

    pub(super) fn names_of(&self, audience: &Audience) -> Vec<String> {
        let contacts = audience.iter().map(|one| one.contact);
        contacts
            .map(|contact| self.inventory.contact(contact).name.to_string())
            .collect()
    }

    /// Adds the deployers: paged with everybody where one deploy is the suspect, told in chat where several are.
    pub(super) fn with_deployers(
        &self,
        mut audience: Audience,
        attribution: &Attribution,
        now: Timestamp,
    ) -> Audience {
        let most = match attribution.verdict {
            Verdict::Suspect => 1,
            Verdict::Suspects | Verdict::None => usize::MAX,
        };
        for suspect in attribution.named().take(most) {
            let Some(live) = self.deploys.get(&suspect.id) else {
                continue;
            };
            let urgent = attribution.verdict == Verdict::Suspect && live.deploy.risk != Risk::Low;
            let urgency = if urgent { Urgency::High } else { Urgency::Low };
            for listener in self.team(live, urgency, now) {
                if !audience
                    .iter()
                    .any(|known| known.contact == listener.contact)
                {
                    audience.push(listener);
                }
            }
        }
        audience
    }

    /// A problem reaches somebody of them: they have a channel that takes what is so urgent.
    pub(super) fn reaches_somebody(&self, audience: &Audience) -> bool {
        audience.iter().any(|listener| {
            let channels = &self.inventory.contact(listener.contact).channels;
            let meant = listener.ways.of(channels);
            meant
                .iter()
                .any(|channel| takes(channel, listener.urgency, Kind::Problem))
        })
    }
}
