//! Joins the store's outbox with the deliverer, and sends without a store when there is none.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::sync::{Semaphore, mpsc};

use crate::{
    adapters::{
        send::{Carrier, Directory, Leased, Outbox, SendResult, Settled, SwapSenders, retry},
        serve::ToSend,
        store::{Settle, Store},
    },
    base::time::Timestamp,
    domain::model::message::Delivery,
};

/// Deliveries at the same time while the store is down.
const UNRECORDED_AT_ONCE: usize = 16;
/// Unrecorded deliveries are tried for this long.
const UNRECORDED_FOR: Duration = Duration::from_secs(3600);

/// The store, seen by the deliverer.
#[derive(Debug)]
pub struct StoreOutbox(pub Store);

impl Outbox for StoreOutbox {
    async fn lease(
        &self,
        now: Timestamp,
        limit: usize,
        lease_for: Duration,
    ) -> Result<Vec<Leased>, String> {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let rows = self
            .0
            .lease(now, limit, lease_for)
            .await
            .map_err(|error| error.to_string())?;
        Ok(rows
            .into_iter()
            .map(|row| Leased {
                row_id: row.row_id,
                attempts: row.attempts,
                told_late: row.delayed_reported,
                delivery: row.delivery,
            })
            .collect())
    }

    async fn settle(&self, row_id: i64, end: Settled) -> Result<(), String> {
        let (at, end) = match end {
            Settled::Sent { receipt, at } => (
                at,
                Settle::Sent {
                    receipt: Some(receipt),
                },
            ),
            Settled::Retry { at, why } => (super::clock::now(), Settle::Retry { at, why }),
            Settled::Dead { why, at } => (at, Settle::Dead { why }),
        };
        self.0
            .settle(row_id, at, end)
            .await
            .map_err(|error| error.to_string())
    }

    async fn mark_late(&self, row_id: i64) -> Result<(), String> {
        self.0
            .mark_delayed(row_id)
            .await
            .map_err(|error| error.to_string())
    }
}

/// Writes back to who replied to a mail and was not understood, one after the other.
pub async fn write_letters(mut letters: mpsc::Receiver<ToSend>, senders: Arc<SwapSenders>) {
    while let Some((letter, done)) = letters.recv().await {
        let end = senders.write(&letter, SystemTime::now()).await;
        // Who asked may have gone: it says then that it could not be told.
        let _ = done.send(end);
    }
}

/// Sends what could not be recorded: silence is the one failure that is not allowed.
pub async fn send_unrecorded(
    mut deliveries: mpsc::Receiver<Delivery>,
    carrier: Arc<dyn Carrier>,
    directory: Directory,
) {
    let places = Arc::new(Semaphore::new(UNRECORDED_AT_ONCE));
    while let Some(mut delivery) = deliveries.recv().await {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let (carrier, directory) = (carrier.clone(), directory.clone());
        Arc::make_mut(&mut delivery.message)
            .lines
            .push("UNRECORDED: the store cannot be written; this may be sent again.".to_owned());
        tokio::spawn(async move {
            let mut attempts = 0;
            while let Some((contact, channel)) = directory(&delivery.contact, &delivery.channel) {
                let now = super::clock::now();
                let after = match carrier.carry(&delivery, &contact, &channel).await {
                    SendResult::Retry { after, .. }
                        if !retry::gives_up(delivery.created_at, now, UNRECORDED_FOR) =>
                    {
                        after
                    }
                    SendResult::Sent { .. } | SendResult::Retry { .. } => break,
                    SendResult::Dead { why } => {
                        tracing::error!(
                            "an unrecorded delivery to {} was refused: {why}",
                            delivery.contact
                        );
                        break;
                    }
                };
                attempts += 1;
                let random = u64::try_from(now.millis())
                    .unwrap_or(0)
                    .wrapping_mul(6_364_136_223_846_793_005);
                tokio::time::sleep(retry::next_attempt(
                    attempts,
                    delivery.created_at,
                    now,
                    random,
                    after,
                ))
                .await;
            }
            drop(place);
        });
    }
}
