//! Makes the test on its schedule, follows it through the outbox, and says what became of it.

use tokio::sync::mpsc;

use super::{clock, hub::Hub, itself::Outside};
use crate::{
    adapters::store::{DeliveryRow, Store},
    base::time::Timestamp,
    domain::{
        itself::{
            CANARY, Rules, Verdict,
            canary::{Canary, Do, Fate, Row, Run},
        },
        model::{
            change::{Audit, Change},
            state::State,
        },
    },
};

/// Where the test stands.
#[derive(Debug)]
pub struct CanaryState {
    started_at: Timestamp,
    /// The one that runs, and the dedup key of its page.
    open: Option<(Run, String)>,
    /// The last one, as far as it came.
    last: Option<Run>,
    busy: bool,
    seen: mpsc::Sender<Outside>,
}

impl CanaryState {
    pub const fn new(started_at: Timestamp, seen: mpsc::Sender<Outside>) -> Self {
        Self {
            started_at,
            open: None,
            last: None,
            busy: false,
            seen,
        }
    }

    /// The test that runs, or the last one since the start.
    pub fn view(&self) -> Option<Run> {
        let open = self.open.as_ref().map(|(run, _)| run);
        open.or(self.last.as_ref()).cloned()
    }
}

impl Hub {
    fn canary_rules(&self) -> Option<(std::sync::Arc<Rules>, Canary)> {
        let rules = self.engine.inventory().globals.itself.clone()?;
        let canary = rules.canary.clone()?;
        Some((rules, canary))
    }

    /// Begins the test when it is time, and follows the one that runs.
    pub(super) fn look_at_canary(&mut self) {
        let Some((rules, canary)) = self.canary_rules() else {
            self.canary.open = None;
            return;
        };
        let now = clock::now();
        if let Some((run, key)) = &mut self.canary.open {
            let (todo, key) = (run.next(&canary, now), key.clone());
            self.ask_for_canary(&key);
            self.go_on_with_canary(todo, &key);
            return;
        }
        let (last, is_bad) = self.engine.own_last(CANARY);
        if is_bad {
            // Its rows are in the outbox, but nobody knows any more when it began.
            let said = "the test was cut short: deploywatch was restarted";
            self.own_result(&Verdict::new(CANARY, State::Ok, said, ""));
            return;
        }
        if canary.is_due(last, self.canary.started_at, now) {
            self.begin_canary(&rules, &canary, now);
        }
    }

    fn begin_canary(&mut self, rules: &Rules, canary: &Canary, now: Timestamp) {
        tracing::info!(
            "a test goes through every channel: {}",
            rules.object(CANARY)
        );
        self.own_result(&canary.text());
        let ways = self.engine.canary_ways(canary, now);
        let key = self.engine.own_key(CANARY).unwrap_or_default();
        self.canary.open = Some((Run::new(now, ways), key));
    }

    /// Somebody wants one now. The error is a sentence.
    pub(super) fn canary_now(&mut self, who: String) -> Result<Run, String> {
        let Some((rules, canary)) = self.canary_rules() else {
            return Err(
                "there is no [canary] in the configuration: write [itself], and [canary] with `contacts`"
                    .to_owned(),
            );
        };
        if let Some((run, _)) = &self.canary.open {
            return Err(format!(
                "a test runs already, since {}; it ends by itself",
                run.began_at
            ));
        }
        let now = clock::now();
        self.journal.add(vec![Change::Audit(Audit {
            at: now,
            who,
            what: "began a test of every channel".to_owned(),
        })]);
        self.begin_canary(&rules, &canary, now);
        self.canary
            .view()
            .ok_or_else(|| "it did not begin".to_owned())
    }

    fn ask_for_canary(&mut self, key: &str) {
        if std::mem::replace(&mut self.canary.busy, true) {
            return;
        }
        let (store, seen, key) = (self.store.clone(), self.canary.seen.clone(), key.to_owned());
        tokio::spawn(async move {
            let rows = store.deliveries(&key).await;
            let rows = rows.map_err(|error| error.to_string());
            let _ = seen.send(Outside::Canary(rows, key)).await;
        });
    }

    /// What the outbox knows of the test.
    pub(super) fn saw_canary(&mut self, rows: Result<Vec<DeliveryRow>, String>, key: &str) {
        self.canary.busy = false;
        let Some((_, canary)) = self.canary_rules() else {
            return;
        };
        let Some((run, _)) = self.canary.open.as_mut().filter(|(_, own)| own == key) else {
            return;
        };
        // Without an answer its time passes, and that is told.
        let rows = rows.unwrap_or_default();
        let rows: Vec<Row> = rows
            .into_iter()
            .filter(|row| row.kind == "problem")
            .map(|row| Row {
                sent_at: row.settled_at.filter(|_| row.state == "sent"),
                given_up: row.state == "dead",
                contact: row.contact,
                channel: row.channel,
                last_error: row.last_error,
            })
            .collect();
        run.saw(&rows);
        let todo = run.next(&canary, clock::now());
        self.go_on_with_canary(todo, key);
    }

    fn go_on_with_canary(&mut self, todo: Vec<Do>, key: &str) {
        for what in todo {
            match what {
                Do::Recover => {
                    let over = Verdict::new(CANARY, State::Ok, "the test is over", "");
                    self.own_result(&over);
                }
                Do::Judge(verdict) => {
                    self.count_canary();
                    self.own_result(&verdict);
                }
                Do::GiveUp => {
                    let (store, key) = (self.store.clone(), key.to_owned());
                    tokio::spawn(give_up(store, key));
                }
                Do::End => self.canary.last = self.canary.open.take().map(|(run, _)| run),
            }
        }
    }

    fn count_canary(&self) {
        let Some((run, _)) = &self.canary.open else {
            return;
        };
        for way in &run.ways {
            let sent = way.took_ms.filter(|_| way.fate == Fate::Sent);
            let at = sent.map(|took| run.began_at + std::time::Duration::from_millis(took));
            self.metrics.canary(&way.contact, &way.channel, at);
        }
    }
}

async fn give_up(store: Store, key: String) {
    if let Err(error) = store
        .give_up(key, clock::now(), "the test is over".to_owned())
        .await
    {
        tracing::error!("a test cannot be taken out of the outbox: {error}");
    }
}
