//! Reports at the daemon: the time is settled, rows are read, the report is made beside the hub.

use tokio::sync::oneshot;

use super::{clock, hub::Hub};
use crate::{
    adapters::{
        serve::{NoReport, ReportQuestion},
        store::Store,
    },
    domain::report::{Report, Scope, Topic, deploys, oncall},
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
        let store = self.store.clone();
        tokio::spawn(async move {
            let _ = reply.send(make(&store, question.topic, &scope).await);
        });
    }
}

async fn make(store: &Store, topic: Topic, scope: &Scope) -> Result<Report, NoReport> {
    let (from, until) = (scope.span.from, scope.span.until);
    let report = match topic {
        Topic::OnCall => store
            .oncall_rows(from, until)
            .await
            .map(|rows| Report::OnCall(Box::new(oncall(&rows, scope)))),
        Topic::Deploys => store
            .deploy_rows(from, until)
            .await
            .map(|rows| Report::Deploys(Box::new(deploys(&rows, scope)))),
    };
    report.map_err(|error| NoReport::Store(error.to_string()))
}
