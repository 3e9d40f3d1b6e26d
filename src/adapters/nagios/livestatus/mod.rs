//! Livestatus: the query protocol of MK Livestatus and of its kin in Naemon, on a Unix socket and on TCP, for Thruk,
//! Nagstamon, NagVis, multisite and Grafana. Queries read the [`super::mirror`] on threads of their own.

mod answer;
mod column;
mod files;
mod filter;
mod history;
mod line;
mod output;
mod rec;
mod refusal;
mod request;
mod server;
mod sieve;
mod socket;
mod stats;
mod tables;
#[cfg(test)]
mod tests;
mod value;
mod wait;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, atomic::AtomicU64},
};

use tokio::{
    net::{TcpListener, UnixListener},
    sync::{Semaphore, watch},
    task::JoinHandle,
};

pub use files::LogPlace;
pub use socket::Bound;

use super::{
    ToHub,
    mirror::{Mirror, Seen},
};
use crate::base::time::Timestamp;

/// Clients look here for what they may ask: its end says that Naemon's headers are there.
pub const LIVESTATUS_VERSION: &str = "1.4.3-naemon";
/// Queries answered at the same time; others wait.
const AT_ONCE: usize = 4;
/// Connections at the same time.
const CLIENTS: usize = 128;

/// Where to listen, and what to read.
pub struct Options {
    pub socket: Option<PathBuf>,
    pub listen: Vec<SocketAddr>,
    pub log: Option<LogPlace>,
    pub mirror: Arc<Mirror>,
    /// Where commands go.
    pub to_hub: ToHub,
    pub clock: fn() -> Timestamp,
}

/// What the server knows of itself.
pub struct Facts {
    pub pid: u32,
    pub began_at: Timestamp,
    pub requests: AtomicU64,
    pub connections: AtomicU64,
    pub commands: AtomicU64,
    seen: watch::Receiver<Seen>,
}

impl Facts {
    fn seen(&self) -> Seen {
        *self.seen.borrow()
    }
}

/// What all connections share.
pub struct Service {
    mirror: Arc<Mirror>,
    facts: Arc<Facts>,
    log: Option<LogPlace>,
    to_hub: ToHub,
    clock: fn() -> Timestamp,
    queries: Semaphore,
    clients: Arc<Semaphore>,
}

/// Sockets that are bound and not served yet: whoever starts the daemon hears at once what is wrong.
pub struct Livestatus {
    service: Arc<Service>,
    unix: Option<(UnixListener, Bound)>,
    tcp: Vec<TcpListener>,
}

impl Livestatus {
    /// Binds all sockets. The error is a sentence.
    pub async fn bind(options: Options) -> Result<Self, String> {
        let service = Arc::new(Service {
            facts: Arc::new(Facts {
                pid: std::process::id(),
                began_at: (options.clock)(),
                requests: AtomicU64::new(0),
                connections: AtomicU64::new(0),
                commands: AtomicU64::new(0),
                seen: options.mirror.seen(),
            }),
            mirror: options.mirror,
            log: options.log,
            to_hub: options.to_hub,
            clock: options.clock,
            queries: Semaphore::new(AT_ONCE),
            clients: Arc::new(Semaphore::new(CLIENTS)),
        });
        let unix = match &options.socket {
            Some(path) => Some(socket::bind(path)?),
            None => None,
        };
        let mut tcp = Vec::new();
        for address in &options.listen {
            tcp.push(TcpListener::bind(address).await.map_err(|error| {
                format!("cannot listen at {address} for Livestatus: {error}; choose another `livestatus_listen`")
            })?);
        }
        Ok(Self { service, unix, tcp })
    }

    /// Serves until `stop` turns true. The tasks end within seconds of that.
    pub fn serve(self, stop: &watch::Receiver<bool>) -> Vec<JoinHandle<()>> {
        let mut tasks = Vec::new();
        if let Some((listener, bound)) = self.unix {
            let serving = server::serve(self.service.clone(), listener, stop.clone());
            tasks.push(tokio::spawn(async move {
                serving.await;
                drop(bound);
            }));
        }
        for listener in self.tcp {
            let serving = server::serve(self.service.clone(), listener, stop.clone());
            tasks.push(tokio::spawn(serving));
        }
        tasks
    }
}
