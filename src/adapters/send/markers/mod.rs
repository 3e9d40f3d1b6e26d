//! Markers on their way out: each target has a short queue and a task of its own. A target that is slow or gone costs
//! its oldest markers, which are counted; it never delays a check, a page or another target.

pub mod encode;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{net::UdpSocket, sync::Notify, task::JoinHandle};

use super::{
    http::{Poster, Reply, Request, classify_http, place},
    senders::SendResult,
};
use crate::domain::model::marker::{Moment, Target, To};

/// Markers that wait for one target.
const WAITING: usize = 256;
/// How often one marker is tried.
const TRIES: u32 = 3;
/// Regions of deploys that have not ended, as Grafana calls them.
const REGIONS: usize = 1024;
/// How often a target's failures are logged.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// What became of a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Marked {
    Sent,
    /// Given up after its tries, or refused.
    Failed,
    /// Its place was needed by a newer one.
    Dropped,
}

impl Marked {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }
}

/// Counts what becomes of the markers of a target.
pub type Count = Arc<dyn Fn(&str, Marked) + Send + Sync>;

/// How patient the tasks are.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For one try.
    pub timeout: Duration,
    /// After the first failed try; four times as long after the next.
    pub pause: Duration,
    /// Longest pause that a target may ask for.
    pub longest: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(5),
            pause: Duration::from_secs(1),
            longest: Duration::from_secs(30),
        }
    }
}

/// All targets.
pub struct Markers {
    lanes: Vec<Lane>,
    count: Count,
    patience: Patience,
}

impl Markers {
    pub fn new(count: Count, patience: Patience) -> Self {
        Self {
            lanes: Vec::new(),
            count,
            patience,
        }
    }

    /// From now on these are the targets; those that stay keep what waits for them.
    pub fn replace(&mut self, targets: Vec<Target>) {
        let mut old = std::mem::take(&mut self.lanes);
        for target in targets {
            let same = old.iter().position(|lane| *lane.target == target);
            let lane = match same {
                Some(at) => old.swap_remove(at),
                None => Lane::start(target, &self.count, self.patience),
            };
            self.lanes.push(lane);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// Never waits.
    pub fn push(&self, moment: &Moment) {
        for lane in self.lanes.iter().filter(|lane| lane.target.wants(moment)) {
            if !lane.queue.push(moment.clone()) {
                (self.count)(&lane.target.name, Marked::Dropped);
            }
        }
    }
}

/// One target with its task, which ends with it.
struct Lane {
    target: Arc<Target>,
    queue: Arc<Queue>,
    task: JoinHandle<()>,
}

impl Lane {
    fn start(target: Target, count: &Count, patience: Patience) -> Self {
        let (target, queue) = (Arc::new(target), Arc::new(Queue::default()));
        let sender = Sender {
            target: target.clone(),
            queue: queue.clone(),
            count: count.clone(),
            patience,
            regions: BTreeMap::new(),
            told_at: None,
            untold: 0,
        };
        let task = tokio::spawn(sender.run());
        Self {
            target,
            queue,
            task,
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    more: Notify,
}

#[derive(Default)]
struct Waiting {
    moments: VecDeque<Moment>,
    /// Since it was last logged.
    dropped: u64,
}

impl Queue {
    /// False: the oldest had to go.
    fn push(&self, moment: Moment) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.moments.push_back(moment);
        let fits = waiting.moments.len() <= WAITING;
        if !fits {
            waiting.moments.pop_front();
            waiting.dropped += 1;
        }
        drop(waiting);
        self.more.notify_one();
        fits
    }

    fn pop(&self) -> Option<Moment> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.moments.pop_front()
    }

    fn dropped(&self) -> u64 {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut waiting.dropped)
    }
}

struct Sender {
    target: Arc<Target>,
    queue: Arc<Queue>,
    count: Count,
    patience: Patience,
    /// Annotations of running deploys, by the deploy's id.
    regions: BTreeMap<String, u64>,
    told_at: Option<Instant>,
    /// Failures that were not logged.
    untold: u64,
}

impl Sender {
    async fn run(mut self) {
        let poster = match Poster::new(self.patience.timeout) {
            Ok(poster) => poster,
            Err(why) => {
                tracing::error!("marker `{}` sends nothing: {why}", self.target.name);
                return;
            }
        };
        loop {
            match self.queue.pop() {
                Some(moment) => self.one(&poster, &moment).await,
                None => self.queue.more.notified().await,
            }
        }
    }

    async fn one(&mut self, poster: &Poster, moment: &Moment) {
        let mut pause = self.patience.pause;
        let mut tries = 1;
        let why = loop {
            match self.attempt(poster, moment).await {
                SendResult::Sent { .. } => {
                    (self.count)(&self.target.name, Marked::Sent);
                    return;
                }
                SendResult::Dead { why } => break why,
                SendResult::Retry { why, .. } if TRIES <= tries => break why,
                SendResult::Retry { after, .. } => {
                    let asked = after.unwrap_or(pause).max(pause);
                    tokio::time::sleep(asked.min(self.patience.longest)).await;
                }
            }
            pause *= 4;
            tries += 1;
        };
        (self.count)(&self.target.name, Marked::Failed);
        self.tell(&why);
    }

    fn tell(&mut self, why: &str) {
        self.untold += 1;
        if self.told_at.is_some_and(|at| at.elapsed() < TOLD_EVERY) {
            return;
        }
        self.told_at = Some(Instant::now());
        let (failed, dropped) = (std::mem::take(&mut self.untold), self.queue.dropped());
        tracing::warn!(
            "marker `{}`: {failed} not sent, {dropped} dropped for newer ones: {why}",
            self.target.name
        );
    }

    async fn attempt(&mut self, poster: &Poster, moment: &Moment) -> SendResult {
        let target = self.target.clone();
        let request = match &target.to {
            To::Graphite { url } => encode::graphite(moment, url),
            To::PagerDutyChange { url, routing_key } => {
                encode::pagerduty_change(moment, url, routing_key)
            }
            To::CdEvents { url } => encode::cdevents(moment, url),
            To::Grafana { url, token } => match encode::grafana(moment) {
                Some(annotation) => return self.annotate(poster, &annotation, url, token).await,
                None => None,
            },
            To::Statsd { address } => match encode::statsd(moment) {
                Some(line) => return datagram(address, &line, self.patience.timeout).await,
                None => None,
            },
        };
        match request {
            Some(request) => post(poster, reqwest::Method::POST, request).await.0,
            None => SendResult::Sent {
                receipt: "nothing to send".to_owned(),
            },
        }
    }

    /// Makes the region, or ends the one that was made. One that Grafana does not know any more is made anew.
    async fn annotate(
        &mut self,
        poster: &Poster,
        annotation: &encode::Annotation,
        url: &str,
        token: &crate::base::secret::Secret,
    ) -> SendResult {
        let known = self.regions.get(&annotation.deploy).copied();
        if let Some(id) = known.filter(|_| annotation.ended) {
            let request = annotation.request(Some(id), url, token);
            let (done, reply) = post(poster, reqwest::Method::PATCH, request).await;
            if !matches!(done, SendResult::Retry { .. }) {
                self.regions.remove(&annotation.deploy);
            }
            if reply.is_none_or(|reply| reply.status != 404) {
                return done;
            }
        }
        let request = annotation.request(None, url, token);
        let (done, reply) = post(poster, reqwest::Method::POST, request).await;
        let id = reply
            .and_then(|reply| serde_json::from_str::<serde_json::Value>(&reply.body).ok())
            .and_then(|body| body["id"].as_u64());
        if let (SendResult::Sent { .. }, Some(id), false) = (&done, id, annotation.ended) {
            if REGIONS <= self.regions.len() {
                self.regions.pop_first();
            }
            self.regions.insert(annotation.deploy.clone(), id);
        }
        done
    }
}

/// One try, judged, with the answer if there was one.
async fn post(
    poster: &Poster,
    method: reqwest::Method,
    request: Request,
) -> (SendResult, Option<Reply>) {
    let place = place(&request.url);
    match poster.send(method, request).await {
        Ok(reply) => {
            let remedy = "correct the [[marker]]";
            let judged = classify_http("the marker's target", &place, &reply, remedy);
            (judged, Some(reply))
        }
        Err(judged) => (judged, None),
    }
}

/// One datagram; that it left is all that is known.
async fn datagram(address: &str, line: &str, timeout: Duration) -> SendResult {
    let send = async {
        let to = tokio::net::lookup_host(address)
            .await?
            .next()
            .ok_or_else(|| std::io::Error::other("it has no address"))?;
        let from = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(from).await?;
        socket.send_to(line.as_bytes(), to).await
    };
    match tokio::time::timeout(timeout, send).await {
        Ok(Ok(_)) => SendResult::Sent {
            receipt: format!("a datagram to {address}"),
        },
        Ok(Err(error)) => SendResult::Retry {
            why: format!("{address}: {error}"),
            after: None,
        },
        Err(_) => SendResult::Retry {
            why: format!("{address} was not found in time"),
            after: None,
        },
    }
}

#[cfg(test)]
mod tests;
