//! Reports at the daemon: the time is settled, rows are read, the report is made beside the hub.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::oneshot;

use super::{availability::Asked, clock, hub::Hub};
use crate::{
    adapters::{
        serve::{NoReport, ReportQuestion},
        store::Store,
    },
    domain::{
        itself::CANARY,
        model::{objects::Inventory, state::ObjectName},
        report::{OnCallRows, Place, Report, Scope, Topic, deploys, oncall},
    },
};

impl Hub {
    /// Answers with a report.
    pub(super) fn report_on(
        &self,
        question: ReportQuestion,
        reply: oneshot::Sender<Result<Report, NoReport>>,
    ) {
        let (now, keep) = (clock::now(), self.keep);
        let zone = question.zone.unwrap_or_else(|| self.digest_zone());
        let span = match question.period.resolve(&zone, now) {
            Ok(span) => span,
            Err(why) => {
                let _ = reply.send(Err(NoReport::Asked(why)));
                return;
            }
        };
        let scope = Scope {
            span,
            zone,
            kept_since: now - keep.history,
            deliveries_since: now - keep.deliveries,
        };
        let what = match question.topic {
            Topic::OnCall => What::OnCall(self.engine.inventory().clone()),
            Topic::Deploys => What::Deploys,
            Topic::Slo => match Asked::find(&self.engine, question.which, now) {
                Ok(asked) => What::Slo(asked),
                Err(why) => {
                    let _ = reply.send(Err(NoReport::Asked(why)));
                    return;
                }
            },
        };
        let store = self.store.clone();
        tokio::spawn(async move {
            let _ = reply.send(make(&store, what, &scope).await);
        });
    }
}

/// What is to be made, with what the engine knows of it.
enum What {
    OnCall(Arc<Inventory>),
    Deploys,
    Slo(Asked),
}

async fn make(store: &Store, what: What, scope: &Scope) -> Result<Report, NoReport> {
    let (from, until) = (scope.span.from, scope.span.until);
    let report = match what {
        What::Slo(asked) => return asked.report(store, scope).await,
        What::OnCall(inventory) => store.oncall_rows(from, until).await.map(|mut rows| {
            leave_out_tests(&inventory, &mut rows);
            rows.places = places(&inventory, &rows);
            Report::OnCall(Box::new(oncall(&rows, scope)))
        }),
        What::Deploys => store
            .deploy_rows(from, until)
            .await
            .map(|rows| Report::Deploys(Box::new(deploys(&rows, scope)))),
    };
    report.map_err(|error| NoReport::Store(error.to_string()))
}

/// The test of the channels is no page that anybody was called by.
fn leave_out_tests(inventory: &Inventory, rows: &mut OnCallRows) {
    let Some(rules) = &inventory.globals.itself else {
        return;
    };
    let test = rules.object(CANARY);
    let name = test.to_string();
    rows.sent.retain(|sent| sent.object != name);
    rows.cases.retain(|case| case.problem.object != test);
}

/// Groups and tags of all that was paged; what left the configuration has none.
fn places(inventory: &Inventory, rows: &OnCallRows) -> BTreeMap<String, Vec<Place>> {
    let mut places = BTreeMap::new();
    for sent in &rows.sent {
        if places.contains_key(&sent.object) {
            continue;
        }
        let mut own = Vec::new();
        if let Some(obj) = inventory.find(&ObjectName::parse(&sent.object)) {
            let mut add = |kind: &str, name: &str| {
                own.push(Place {
                    kind: kind.to_owned(),
                    name: name.to_owned(),
                });
            };
            let rule = inventory.rule(obj);
            let host = inventory.host(inventory.host_ix(obj));
            host.groups.iter().for_each(|name| add("group", name));
            if !inventory.is_host(obj) {
                let groups = &rule.rare().check_groups;
                groups.iter().for_each(|name| add("check group", name));
            }
            let tags = rule.tags.iter();
            tags.filter_map(|tag| inventory.limits.tags.get(usize::from(tag.0)))
                .for_each(|(name, _)| add("tag", name));
        }
        places.insert(sent.object.clone(), own);
    }
    places
}
