//! Starts the daemon's parts in their order, and ends them in the opposite one.

use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
    time::Duration,
};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{Notify, mpsc, watch},
};

use super::{
    calendars::Calendars,
    canary::CanaryState,
    checkpoint::Checkpoint,
    clock,
    dead_man::DeadMan,
    digest::DailyState,
    dropins,
    events::Events,
    feed_files,
    feeds::Told,
    files::Files,
    hub::{Hub, Inlets},
    itself::Itself,
    journal::Journal,
    outbox::{self, StoreOutbox},
    parts,
    readers::Readers,
    recording::Recording,
};
use crate::{
    adapters::{
        exec::Runner,
        nagios::pipe::CommandPipe,
        send::{
            Carrier, Deliverer, Senders, SwapSenders,
            answers::Answers,
            markers::{Marked, Markers, Patience},
        },
        serve::{self, App, Metrics},
        store::{Opened, Store, StoreError},
    },
    base::memory,
    config::{Loaded, Store as StorePlace},
    domain::{
        engine::{Engine, Mode},
        feeds::Feeds,
        model::marker::Watch,
    },
};

const ASKS: usize = 1024;
/// Letters that wait, to who replied to a mail.
const LETTERS: usize = 16;
const REPORTS: usize = 1024;
/// External commands that wait; whoever sends more waits as well.
const EXTERNAL: usize = 1024;
const UNRECORDED: usize = 10_000;
/// Deliveries of the last life that are remembered in case the store fails.
const PENDING: u32 = 10_000;

/// Runs the daemon until a signal ends it. The error is a sentence.
pub fn run(config: &Path, loaded: Loaded) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start the runtime: {error}"))?;
    // As a task: the future of block_on stays on this thread, and every outcome would have to wake it from another.
    let serving = runtime.spawn(serve(config.to_owned(), loaded));
    let done = runtime
        .block_on(serving)
        .unwrap_or_else(|error| Err(format!("the daemon failed: {error}")));
    runtime.shutdown_timeout(Duration::from_secs(2));
    done
}

/// Opens the store; a damaged one must not silence pages, so the daemon goes on without memory and says so.
fn open(place: &StorePlace) -> Result<(Opened, Option<String>), String> {
    let opened = match place {
        StorePlace::Memory => Store::memory(),
        StorePlace::File(path) => Store::open(path),
    };
    match opened {
        Ok(opened) => Ok((opened, None)),
        // Somebody else pages from this store already.
        Err(error @ StoreError::Locked { .. }) => Err(error.to_string()),
        Err(error) => {
            tracing::error!("{error}");
            let opened = Store::memory().map_err(|error| error.to_string())?;
            Ok((opened, Some(error.to_string())))
        }
    }
}

async fn serve(config: PathBuf, loaded: Loaded) -> Result<(), String> {
    let Loaded {
        inventory,
        settings,
        provenance,
        ..
    } = loaded;
    // The texts of all files: left in `loaded`, they would stay until the daemon ends.
    drop(provenance);
    memory::give_back();
    let (
        Opened {
            store,
            mut restored,
            warnings,
        },
        without_store,
    ) = open(&settings.store)?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let mut listeners = Vec::new();
    for address in std::iter::once(&settings.listen).chain(&settings.extra_listen) {
        listeners.push(serve::bind(&address.to_string()).await?);
    }
    let senders = Arc::new(SwapSenders::new(Senders::new(parts::senders(
        &settings, &inventory,
    ))?));
    let (mut runner, outcomes) =
        Runner::start(&inventory.profiles, parts::runner(&settings, &inventory))
            .map_err(|error| format!("cannot start the plugin runner: {error}"))?;
    for (profile, fault) in runner.faults().await {
        tracing::error!("profile `{profile}`: {fault}");
    }
    let now = clock::now();
    let inventory = Arc::new(inventory);
    let shared = Arc::new(RwLock::new(inventory.clone()));
    let directory = parts::directory(shared.clone());
    let metrics = Arc::new(Metrics::default());
    metrics.started(now);
    metrics.config_ok(true);
    metrics.config_loaded(now);
    metrics.store_ok(without_store.is_none());
    let wake = Arc::new(Notify::new());
    let (unrecorded, to_send) = mpsc::channel(UNRECORDED);
    let carrier: Arc<dyn Carrier> = senders.clone();
    tokio::spawn(outbox::send_unrecorded(
        to_send,
        carrier.clone(),
        directory.clone(),
    ));
    let feeds = Feeds::new(settings.feeds.sources.clone(), &inventory);
    let (sources, sources_seen) = watch::channel(Arc::new(feeds));
    let (access, access_seen) = watch::channel(Arc::new(parts::access(&settings)));
    let (ways, ways_seen) = watch::channel(Arc::new(parts::ways(&settings, &inventory)));
    let (asks, ask_inlet) = mpsc::channel(ASKS);
    let (reports, report_inlet) = mpsc::channel(REPORTS);
    let (stop, stop_seen) = watch::channel(false);
    let (stop_sending, sending_stops) = watch::channel(false);
    let (letters, letters_to_send) = mpsc::channel(LETTERS);
    tokio::spawn(outbox::write_letters(letters_to_send, senders.clone()));
    let app = App {
        hub: serve::Hub::new(asks.clone()),
        access: access_seen,
        feeds: sources_seen,
        ways: ways_seen,
        letters: serve::Letters::new(letters),
        metrics: metrics.clone(),
        rates: Arc::default(),
        chains: Arc::default(),
        versions: Arc::default(),
        now: clock::now,
    };
    let servers: Vec<_> = listeners
        .into_iter()
        .map(|listener| {
            tokio::spawn(serve::serve(
                listener,
                serve::router(app.clone()),
                stop_seen.clone(),
            ))
        })
        .collect();
    drop(app);
    let deliverer = Deliverer {
        outbox: Arc::new(StoreOutbox(store.clone())),
        carrier,
        directory,
        settings: parts::deliverer(&settings),
        clock: clock::now,
    };
    let sending = tokio::spawn(deliverer.run(wake.clone(), reports, sending_stops));
    let reload = signals(stop)?;
    let told = Told::restored(std::mem::take(&mut restored.heard));
    let tails = std::mem::take(&mut restored.tails);
    let (daily, digests) = DailyState::restored(std::mem::take(&mut restored.digested));
    let moments = Watch::restored(&restored.deploys, &restored.problems, &restored.holds);
    let counts = metrics.clone();
    let count = move |name: &str, end: Marked| counts.marker(name, end.name());
    let mut markers = Markers::new(Arc::new(count), Patience::default());
    markers.replace(settings.markers.clone());
    let dead_man = settings.dead_man.clone();
    let dead_man = dead_man
        .map(|wanted| DeadMan::start(wanted, store.clone(), metrics.clone()))
        .transpose()?;
    let mut engine = Engine::new(inventory, restored, Mode::Live, now);
    let readers = if settings.nagios.has_readers() {
        Readers::watching(&mut engine)
    } else {
        Readers::default()
    };
    let history = settings.history.clone().map(parts::history);
    let recording = Recording::start(history, &mut engine, now);
    let events = Events::open(settings.nagios.log.as_ref(), &engine, now);
    let (to_self, external) = mpsc::channel(EXTERNAL);
    if let Some(path) = &settings.nagios.command_file {
        match CommandPipe::open(path) {
            Ok(pipe) => {
                tokio::spawn(pipe.run(to_self.clone(), stop_seen.clone()));
            }
            // Checks and pages go on without it.
            Err(why) => tracing::error!("{why}"),
        }
    }
    let feed_files = feed_files::start(
        &settings.feeds,
        tails,
        &asks,
        sources.subscribe(),
        &metrics,
        &stop_seen,
    );
    let (files, perfdata) = Files::start(&settings, &engine, readers.mirror(), &asks, &stop_seen);
    let livestatus =
        dropins::livestatus(&settings.nagios, readers.mirror(), to_self.clone()).await?;
    let (answered, answered_inlet) = mpsc::channel(REPORTS);
    let calendars = Calendars::start(settings.calendars.clone(), asks.clone(), metrics.clone());
    let (own, seen) = Itself::new(without_store.clone());
    let mut hub = Hub {
        engine,
        answers: Answers::new(answered, clock::now)?,
        readers,
        events,
        feeds: told,
        sources,
        to_self,
        perfdata,
        markers,
        moments,
        daily,
        recording,
        journal: Journal::new(store.clone(), metrics.clone(), wake, unrecorded),
        store: store.clone(),
        runner,
        metrics,
        senders,
        inventory: shared,
        access,
        ways,
        config,
        keep: parts::keep(&settings.retention),
        dead_man,
        canary: CanaryState::new(now, own.seen.clone()),
        calendars,
        itself: own,
        jobs: Vec::new(),
        dues: BTreeMap::new(),
        postponed: VecDeque::new(),
        clock: clock::Watch::new(),
        reloading: Default::default(),
        config_fault: None,
        pruned_at: now,
        checkpoint: Checkpoint::new(now),
        ticked: std::time::Instant::now(),
    };
    hub.send_answers();
    match store.pending(PENDING).await {
        Ok(pending) => {
            for delivery in &pending {
                hub.journal.remember(delivery);
            }
        }
        Err(error) => tracing::error!("the outbox cannot be read: {error}"),
    }
    if let Some(why) = without_store {
        hub.tell_of_store(&format!("running without a store: {why}"), false);
    }
    tracing::info!(
        "watching {} objects, listening at {}",
        hub.engine.inventory().len(),
        settings.listen
    );
    let answering = livestatus.map_or_else(Vec::new, |livestatus| livestatus.serve(&stop_seen));
    let mut inlets = Inlets {
        asks: ask_inlet,
        outcomes,
        reports: report_inlet,
        answered: answered_inlet,
        external,
        reload,
        digests,
        seen,
        stop: stop_seen,
    };
    hub.run(&mut inlets).await;
    tracing::info!("ending");
    hub.finish().await;
    let _ = stop_sending.send(true);
    let _ = tokio::time::timeout(Duration::from_secs(4), sending).await;
    let Hub {
        runner, perfdata, ..
    } = hub;
    drop(perfdata);
    files.finish().await;
    let mut outcomes = inlets.outcomes;
    // A probe that holds its thread for good holds its way to answer, too: that is not waited for.
    let drain = async {
        while outcomes.recv().await.is_some() {}
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = runner.shutdown(Duration::from_secs(1)) => {}
        () = drain => {}
    }
    for server in servers.into_iter().chain(answering).chain(feed_files) {
        let _ = tokio::time::timeout(Duration::from_secs(4), server).await;
    }
    store.close().await;
    Ok(())
}

/// SIGTERM and SIGINT end, SIGHUP reloads.
fn signals(stop: watch::Sender<bool>) -> Result<mpsc::Receiver<()>, String> {
    let listen = |kind| signal(kind).map_err(|error| format!("cannot listen to signals: {error}"));
    let (mut term, mut int, mut hup) = (
        listen(SignalKind::terminate())?,
        listen(SignalKind::interrupt())?,
        listen(SignalKind::hangup())?,
    );
    let (reload, inlet) = mpsc::channel(1);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = term.recv() => break,
                _ = int.recv() => break,
                // Full: a reload is asked for already.
                _ = hup.recv() => { let _ = reload.try_send(()); }
            }
        }
        let _ = stop.send(true);
    });
    Ok(inlet)
}
