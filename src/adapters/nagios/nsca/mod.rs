//! The receiver for `send_nsca`: bounded in connections, time and size. NSCA answers nothing, so what goes wrong is
//! told here alone.

mod cipher;
mod packet;
mod rijndael;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
    time::Instant,
};

pub use cipher::Method;

use super::intake::{BATCH, Hand, Verdict};
use crate::{
    base::{secret::Secret, time::Timestamp},
    domain::model::job::CheckResult,
};
use cipher::{Cipher, VECTOR};
use packet::{LARGEST, Stream};

/// Connections served at the same time; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 64;
/// The next bytes have to be here by then.
const IDLE_MAX: Duration = Duration::from_secs(10);
/// No connection lives longer.
const AGE_MAX: Duration = Duration::from_secs(60);
/// Refused packets are told of this often.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// The rules of the receiver.
#[derive(Debug)]
pub struct Receiver {
    pub method: Method,
    pub password: Option<Secret>,
    /// Packets whose time is this far off are refused; zero: none is.
    pub max_age: Duration,
    /// The wall clock.
    pub now: fn() -> Timestamp,
    /// Refused packets since that was told.
    pub refused: AtomicU64,
}

impl Receiver {
    /// Serves until told to stop.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        hand: Hand,
        mut stop: watch::Receiver<bool>,
    ) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut open = JoinSet::new();
        let mut tell_at = Instant::now() + TOLD_EVERY;
        loop {
            let accepted = async {
                let place = places.clone().acquire_owned().await;
                (listener.accept().await, place)
            };
            let accepted = tokio::select! {
                accepted = accepted => accepted,
                Some(_) = open.join_next() => continue,
                () = tokio::time::sleep_until(tell_at) => {
                    tell_at = Instant::now() + TOLD_EVERY;
                    self.tell();
                    continue;
                }
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let (Ok((stream, _)), Ok(place)) = accepted else {
                // Out of file descriptors, mostly: let some close before the next try.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let (receiver, hand) = (self.clone(), hand.clone());
            open.spawn(async move {
                let _place = place;
                let _ = tokio::time::timeout(AGE_MAX, receiver.connection(stream, &hand)).await;
            });
        }
        open.shutdown().await;
        self.tell();
    }

    fn tell(&self) {
        match self.refused.swap(0, Ordering::Relaxed) {
            0 => {}
            count => tracing::warn!(
                "{count} packets of send_nsca were refused: another password or method, or a time that is too far off"
            ),
        }
    }

    async fn connection(&self, mut stream: TcpStream, hand: &Hand) -> std::io::Result<()> {
        let mut vector = [0; VECTOR];
        if let Err(error) = getrandom::fill(&mut vector) {
            tracing::error!("send_nsca cannot be served without randomness: {error}");
            return Ok(());
        }
        let now = u32::try_from((self.now)().secs()).unwrap_or(u32::MAX);
        let mut hello = vector.to_vec();
        hello.extend_from_slice(&now.to_be_bytes());
        tokio::time::timeout(IDLE_MAX, stream.write_all(&hello)).await??;
        let password = self.password.as_ref().map_or("", Secret::expose);
        let mut packets = Stream::new(Cipher::new(self.method, password.as_bytes(), &vector));
        let mut buffer = vec![0; LARGEST];
        let mut batch = Vec::new();
        loop {
            let count = tokio::time::timeout(IDLE_MAX, stream.read(&mut buffer)).await??;
            packets.push(&buffer[..count]);
            let is_well = self.take(&mut packets, &mut batch);
            let is_over = count == 0 || !is_well;
            if !batch.is_empty() && (is_over || packets.is_empty() || BATCH <= batch.len()) {
                hand_in(std::mem::take(&mut batch), hand).await;
            }
            if is_over {
                return Ok(());
            }
        }
    }

    /// The packets that are whole. False: what comes next cannot be read.
    fn take(&self, packets: &mut Stream, batch: &mut Vec<CheckResult>) -> bool {
        let refuse = || self.refused.fetch_add(1, Ordering::Relaxed);
        loop {
            let packet = match packets.next() {
                Ok(Some(packet)) => packet,
                Ok(None) => return true,
                Err(()) => {
                    refuse();
                    return false;
                }
            };
            let now = (self.now)();
            let off = now.since(packet.at).max(packet.at.since(now));
            // The packet's time has whole seconds.
            if !self.max_age.is_zero() && self.max_age + Duration::from_secs(1) < off {
                refuse();
                continue;
            }
            match packet.result(now) {
                Ok(result) => batch.push(result),
                Err(why) => tracing::warn!("a result by send_nsca was refused: {why}"),
            }
        }
    }
}

async fn hand_in(batch: Vec<CheckResult>, hand: &Hand) {
    let names: Vec<String> = batch
        .iter()
        .map(|result| result.object.to_string())
        .collect();
    let verdicts = hand(batch).await;
    for (name, verdict) in names.into_iter().zip(verdicts) {
        match verdict {
            Verdict::Taken => {}
            Verdict::Refused(why) | Verdict::Unavailable(why) => {
                tracing::warn!("a result of {name} by send_nsca: {why}");
            }
        }
    }
}
