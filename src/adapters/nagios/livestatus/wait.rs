//! Waits for what a query names before it is answered: a change of a kind, or a condition of an object.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    Service,
    rec::{Rec, Snap},
    refusal::Refusal,
    request::{Query, Trigger, Wait},
};
use crate::{
    adapters::nagios::mirror::Seen,
    domain::model::{objects::ObjIx, state::ObjectName},
};

/// A condition of a whole table is looked at no more often.
const SPACING: Duration = Duration::from_millis(200);
/// That of one object.
const SPACING_OF_ONE: Duration = Duration::from_millis(10);

/// Something of this kind happened between the two.
fn happened(trigger: Trigger, before: &Seen, now: &Seen) -> bool {
    match trigger {
        Trigger::All | Trigger::Log | Trigger::Command => before != now,
        Trigger::Check => (before.host_checks, before.checks) != (now.host_checks, now.checks),
        Trigger::State => before.states != now.states,
        Trigger::Downtime => before.downtimes != now.downtimes,
        Trigger::Comment => before.comments != now.comments,
        Trigger::Program => before.switches != now.switches,
    }
}

/// The object of `WaitObject`: a host, or a host and its check, in one of the ways that clients write it.
fn object(wait: &Wait, snap: &Snap) -> Result<Option<ObjIx>, Refusal> {
    let Some(name) = &wait.object else {
        return Ok(None);
    };
    let find = |host: &str, check: Option<&str>| {
        let host = host.trim();
        snap.inventory.find(&match check {
            Some(check) => ObjectName::check(host, check.trim()),
            None => ObjectName::host(host),
        })
    };
    let split = |separator: char| {
        let (host, check) = name.split_once(separator)?;
        find(host, Some(check))
    };
    find(name, None)
        .or_else(|| split(';'))
        .or_else(|| split('|'))
        .or_else(|| split(' '))
        .map(Some)
        .ok_or_else(|| {
            Refusal::header(format!(
                "WaitObject: object '{name}' not found or not supported by this table"
            ))
        })
}

/// Returns when the wait is over, or its time is up; both are followed by the answer.
pub async fn wait(service: &Service, query: &Arc<Query>) -> Result<(), Refusal> {
    let Some(wait) = &query.wait else {
        return Ok(());
    };
    // Before the first look, so that nothing is missed in between.
    let mut seen = service.mirror.seen();
    let mut before = *seen.borrow_and_update();
    let end = Instant::now() + wait.timeout;
    let obj = object(wait, &service.snap())?;
    let spacing = if obj.is_some() {
        SPACING_OF_ONE
    } else {
        SPACING
    };
    let conditional = !wait.condition.is_empty();
    if !conditional && wait.trigger.is_none() {
        return Ok(());
    }
    if conditional && holds(service, query, obj).await {
        return Ok(());
    }
    loop {
        let changed = tokio::time::timeout_at(end, seen.changed()).await;
        if !matches!(changed, Ok(Ok(()))) {
            return Ok(());
        }
        let now = *seen.borrow_and_update();
        if wait
            .trigger
            .is_some_and(|trigger| !happened(trigger, &before, &now))
        {
            continue;
        }
        before = now;
        if !conditional || holds(service, query, obj).await {
            return Ok(());
        }
        tokio::time::sleep_until((Instant::now() + spacing).min(end)).await;
    }
}

async fn holds(service: &Service, query: &Arc<Query>, obj: Option<ObjIx>) -> bool {
    let snap = service.snap();
    if let (Some(obj), Some(wait)) = (obj, &query.wait) {
        return wait.condition.accepts(&Rec::new(&snap).with(obj));
    }
    let Ok(_place) = service.queries.acquire().await else {
        return true;
    };
    let query = query.clone();
    let looked = tokio::task::spawn_blocking(move || query.condition_holds(&snap));
    looked.await.unwrap_or(true)
}
