//! What the HTTP side asks of the daemon's hub, and the handle it asks through.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use super::{
    digest::About,
    refusal::Refusal,
    report::{self, NoReport},
    views::WhyView,
};
use crate::domain::{
    deploy::gate::{FreezeView, GateView},
    digest::Digest,
    engine::{
        effect::Reply,
        gate::NoGate,
        input::Input,
        silences::{HitView, SilenceStory, SilenceView},
        view::{DeployRecordView, ObjectView, StatusView},
    },
    feeds::{Known, Unmatched},
    itself::canary::Run,
    model::{
        answer::Answer,
        change::{Audit, Heard, Tail},
        deploy::DeployEvent,
        gate::Question,
        state::ObjectName,
    },
    notify::matcher::Matcher,
    report::Report,
};

/// Longest wait for an answer of the hub.
pub const ASK_LIMIT: Duration = Duration::from_secs(5);
/// Longest wait for a reload: the files are read and checked first.
pub const RELOAD_LIMIT: Duration = Duration::from_secs(30);

/// One question to the hub. A dropped `reply` counts as "the daemon is ending".
#[derive(Debug)]
pub enum Ask {
    /// Hand `input` to the engine. Answered only after the batch (with `audit`) is durable.
    Input {
        input: Box<Input>,
        audit: Option<Audit>,
        reply: oneshot::Sender<Result<Reply, Unavailable>>,
    },
    /// What a feed tells. `known` is answered at once, `reply` when it is durable.
    Told {
        telling: Box<Telling>,
        known: oneshot::Sender<Known>,
        reply: oneshot::Sender<Result<Reply, Unavailable>>,
    },
    Status {
        reply: oneshot::Sender<StatusView>,
    },
    /// None: no such host or check.
    Object {
        name: ObjectName,
        reply: oneshot::Sender<Option<ObjectView>>,
    },
    /// The newest `limit` decisions about one object. The error is a sentence: the store cannot be read.
    Why {
        name: ObjectName,
        limit: usize,
        reply: oneshot::Sender<Result<WhyView, String>>,
    },
    /// Read the configuration anew. The error is the rendered list of faults; nothing was changed then.
    Reload {
        dry_run: bool,
        who: String,
        reply: oneshot::Sender<Result<Reply, String>>,
    },
    /// The gate of an app; without an environment, of the only one it is in.
    Gate {
        app: String,
        environment: Option<String>,
        reply: oneshot::Sender<Result<GateView, NoGate>>,
    },
    /// The record of a deploy; None: no deploy of this id is known.
    Deploy {
        id: String,
        reply: oneshot::Sender<Option<DeployRecordView>>,
    },
    /// The digest of a day, a time or a deploy; None: no such deploy. The error is a sentence: the store cannot be read.
    Digest {
        about: About,
        reply: oneshot::Sender<Result<Option<Digest>, String>>,
    },
    /// A report over a time.
    Report {
        question: report::Question,
        reply: oneshot::Sender<Result<Report, NoReport>>,
    },
    /// All freezes that have not ended.
    Freezes {
        reply: oneshot::Sender<Vec<FreezeView>>,
    },
    /// All silences that have not ended.
    Silences {
        reply: oneshot::Sender<Vec<SilenceView>>,
    },
    /// All that is known of one; None: there is none of this number.
    Silence {
        id: u64,
        reply: oneshot::Sender<Option<SilenceStory>>,
    },
    /// What these words hit.
    Preview {
        matcher: Matcher,
        reply: oneshot::Sender<HitView>,
    },
    /// The test of the channels that runs, or the last one since the start.
    Canary {
        reply: oneshot::Sender<Option<Run>>,
    },
    /// Begin one. The error is a sentence.
    BeginCanary {
        who: String,
        reply: oneshot::Sender<Result<Run, String>>,
    },
    Health {
        reply: oneshot::Sender<Health>,
    },
    /// A line as the command pipe takes it. Answered once it was looked at; what is wrong with it is said in the log.
    External {
        line: String,
        reply: oneshot::Sender<()>,
    },
    /// The app of a known deploy; None: no deploy of this id is known.
    DeployApp {
        id: String,
        reply: oneshot::Sender<Option<AppName>>,
    },
    /// Which of the named hosts, and hosts of the named groups, run none of `apps` (entries as in a token's `apps`).
    HostsOfOthers {
        apps: Vec<String>,
        hosts: Vec<String>,
        groups: Vec<String>,
        reply: oneshot::Sender<Vec<String>>,
    },
}

/// One delivery of a feed, mapped to our names.
#[derive(Clone, Debug, Default)]
pub struct Telling {
    pub source: String,
    /// None: it is not looked for among those that came before.
    pub heard: Option<Heard>,
    pub events: Vec<DeployEvent>,
    pub unmatched: Vec<Unmatched>,
    /// Apps that the teller may tell of; empty: all.
    pub apps: Vec<String>,
    /// Apps for which it may open holds; None: all of these.
    pub may_hold: Option<Vec<String>>,
    /// Versions that were not seen on their hosts before.
    pub running: Vec<Running>,
    /// It waits for leave to deploy what it tells of.
    pub question: Option<Question>,
    /// What a person answered to a page.
    pub answer: Option<Answer>,
    /// Where a file was read up to; kept with what was read.
    pub tail: Option<Tail>,
    pub audit: Option<Audit>,
}

/// A version was seen on a host, as a step of a deploy that is to be found.
#[derive(Clone, Debug)]
pub struct Running {
    pub event: DeployEvent,
    /// Another version was there before; else nothing was known.
    pub changed: bool,
}

/// An app in an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppName {
    pub app: String,
    pub environment: String,
}

/// The hub could not make the input durable; a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable(pub String);

/// `GET /healthz`. Healthy means: no reasons.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Sentences: the store cannot be written, ...
    pub reasons: Vec<String>,
    /// Sentences on what people should mend while it works on: the last reload was refused. A supervisor that restarts
    /// what is unhealthy must not end a daemon that pages because of a typo.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// The way to the hub: bounded, and every question has a time limit.
#[derive(Clone, Debug)]
pub struct Hub(mpsc::Sender<Ask>);

impl Hub {
    pub const fn new(asks: mpsc::Sender<Ask>) -> Self {
        Self(asks)
    }

    /// Asks and waits for at most `limit`, which includes the wait for a place in the queue.
    pub async fn ask<T>(
        &self,
        limit: Duration,
        question: impl FnOnce(oneshot::Sender<T>) -> Ask,
    ) -> Result<T, Refusal> {
        let (reply, answer) = oneshot::channel();
        let exchange = async {
            self.0
                .send(question(reply))
                .await
                .map_err(|_| Refusal::ending())?;
            answer.await.map_err(|_| Refusal::ending())
        };
        tokio::time::timeout(limit, exchange)
            .await
            .map_err(|_| Refusal::too_busy(limit))?
    }

    /// Hands what a feed tells to the engine and waits until it is durable.
    pub async fn tell(&self, telling: Telling) -> Result<(Known, Reply), Refusal> {
        let (known, seen) = oneshot::channel();
        let telling = Box::new(telling);
        let reply = self
            .ask(ASK_LIMIT, |reply| Ask::Told {
                telling,
                known,
                reply,
            })
            .await?
            .map_err(|Unavailable(why)| Refusal::unavailable(why))?;
        Ok((seen.await.map_err(|_| Refusal::ending())?, reply))
    }

    /// Hands an input to the engine and waits until it is durable.
    pub async fn input(&self, input: Input, audit: Option<Audit>) -> Result<Reply, Refusal> {
        let input = Box::new(input);
        self.ask(ASK_LIMIT, |reply| Ask::Input {
            input,
            audit,
            reply,
        })
        .await?
        .map_err(|Unavailable(why)| Refusal::unavailable(why))
    }
}
