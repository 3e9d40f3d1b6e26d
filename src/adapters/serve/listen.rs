//! Accepts connections and ends them: bounded in number, in idle time, in age, and at shutdown.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};

use super::access::Peer;

/// Connections served at the same time; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 512;
/// A request's head has to be here by then; also how long an idle connection is kept.
const HEADER_WAIT: Duration = Duration::from_secs(15);
/// Older connections are asked to end, so that none lives for ever.
const AGE_MAX: Duration = Duration::from_secs(300);
/// After a stop, and after [`AGE_MAX`], a request under way gets this long.
const DRAIN: Duration = Duration::from_secs(3);

/// Binds `address` (`127.0.0.1:8420`, `[::1]:8420`, `localhost:8420`). The error is a sentence.
pub async fn bind(address: &str) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| {
        let remedy = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "; does another deploywatch run? choose another [daemon] listen"
            }
            std::io::ErrorKind::PermissionDenied => "; ports below 1024 need CAP_NET_BIND_SERVICE",
            std::io::ErrorKind::AddrNotAvailable => "; this machine has no such address",
            _ => "; write [daemon] listen as ADDRESS:PORT, for example 127.0.0.1:8420",
        };
        format!("cannot listen at {address}: {error}{remedy}")
    })
}

/// Serves until `stop` turns true (or its sender is gone); returns within seconds of that.
pub async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut open = JoinSet::new();
    let ended = stop.clone();
    loop {
        let accepted = async {
            let place = places.clone().acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            accepted = accepted => accepted,
            Some(_) = open.join_next() => continue,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (Ok((stream, remote)), Ok(place)) = (accepted, place) else {
            // Out of file descriptors, mostly: let some close before the next try.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let connection = connection(stream, remote, router.clone(), ended.clone());
        open.spawn(async move {
            connection.await;
            drop(place);
        });
    }
    drop(listener);
    // Each connection ends by itself within DRAIN; this bounds even a task that does not.
    let _ = tokio::time::timeout(DRAIN + Duration::from_secs(1), async {
        while open.join_next().await.is_some() {}
    })
    .await;
    open.abort_all();
}

async fn connection(
    stream: TcpStream,
    remote: SocketAddr,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let Ok(local) = stream.local_addr() else {
        return;
    };
    // Small answers should not wait for more to come.
    let _ = stream.set_nodelay(true);
    let routes = TowerToHyperService::new(router);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(Peer { remote, local });
        hyper::service::Service::call(&routes, request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WAIT)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = std::pin::pin!(served);
    tokio::select! {
        // A broken connection is the other side's affair.
        _ = served.as_mut() => return,
        _ = stop.wait_for(|stop| *stop) => {}
        () = tokio::time::sleep(AGE_MAX) => {}
    }
    served.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(DRAIN, served).await;
}
