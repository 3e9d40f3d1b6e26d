//! Puts the answer to "why" together: decisions, and what became of each one's deliveries.

use crate::{
    adapters::{
        serve::{DecisionView, DeliveryView, TryView, WhyView},
        store::Store,
    },
    base::time::Timestamp,
    domain::{engine::view::ObjectView, model::state::ObjectName},
};

/// The newest `limit` decisions about `name`. The error is a sentence.
pub async fn why(
    store: &Store,
    name: &ObjectName,
    now: Timestamp,
    object: Option<ObjectView>,
    limit: usize,
) -> Result<WhyView, String> {
    let rows = store
        .decisions(name, limit)
        .await
        .map_err(|error| error.to_string())?;
    let mut decisions = Vec::new();
    for row in rows {
        let mut deliveries = Vec::new();
        if let Some(key) = row
            .dedup_key
            .as_deref()
            .filter(|_| !row.contacts.is_empty())
        {
            let tries = store
                .attempts(key)
                .await
                .map_err(|error| error.to_string())?;
            for delivery in store
                .deliveries(key)
                .await
                .map_err(|error| error.to_string())?
            {
                if delivery.created_at != row.at || delivery.kind != row.kind {
                    continue;
                }
                deliveries.push(DeliveryView {
                    contact: delivery.contact,
                    channel: delivery.channel,
                    state: delivery.state,
                    attempts: delivery.attempts,
                    created_at: delivery.created_at.to_string(),
                    settled_at: delivery.settled_at.map(|at| at.to_string()),
                    next_at: delivery.next_at.map(|at| at.to_string()),
                    last_error: delivery.last_error,
                    tries: tries
                        .iter()
                        .filter(|attempt| attempt.row_id == delivery.row_id)
                        .map(|attempt| TryView {
                            at: attempt.at.to_string(),
                            result: attempt.result.clone(),
                            text: attempt.text.clone(),
                        })
                        .collect(),
                });
            }
        }
        decisions.push(DecisionView {
            at: row.at.to_string(),
            what: row.what.name().to_owned(),
            kind: row.kind,
            state: row.state,
            reason: row.reason,
            contacts: row.contacts,
            until: row.until.map(|until| until.to_string()),
            deploys: row.deploys,
            dedup_key: row.dedup_key,
            left_out: row.left_out,
            rule: row.rule,
            config: row.config,
            deliveries,
        });
    }
    Ok(WhyView {
        object: name.to_string(),
        at: now.to_string(),
        now: object,
        decisions,
    })
}
