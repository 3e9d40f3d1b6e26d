//! Names, addresses and connections, with the words that the plugins' `netutils` has for their failures.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::net::{TcpStream, UnixStream};

use crate::{Report, State};

/// `-4`, `-6`, or neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    #[default]
    Any,
    V4,
    V6,
}

impl Family {
    const fn takes(self, address: &SocketAddr) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
        }
    }
}

/// The addresses of a host in the order in which the system's resolver gives them; none: it has none of this family, or
/// the name is not known, as one in brackets never is.
pub async fn resolve(host: &str, port: u16, family: Family) -> Vec<SocketAddr> {
    let mut addresses = match host.parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, port)],
        Err(_) => match tokio::net::lookup_host((host, port)).await {
            Ok(found) => found.collect(),
            Err(_) => Vec::new(),
        },
    };
    addresses.retain(|address| family.takes(address));
    addresses
}

/// Tries the addresses in their order; the error is that of the last one.
pub async fn connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

pub async fn connect_unix(path: &str) -> io::Result<UnixStream> {
    UnixStream::connect(path).await
}

/// An error in the words of the C library, without Rust's addition.
pub fn strerror(error: &io::Error) -> String {
    let text = error.to_string();
    match error.raw_os_error() {
        Some(code) => text
            .strip_suffix(&format!(" (os error {code})"))
            .map(str::to_owned)
            .unwrap_or(text),
        None => text,
    }
}

/// What `np_net_connect` says where no connection comes about.
pub fn not_connected(host: &str, port: i64, error: &io::Error) -> String {
    let why = strerror(error);
    if host.starts_with('/') {
        format!("connect to file socket {host}: {why}")
    } else {
        format!("connect to address {host} and port {port}: {why}")
    }
}

/// Runs a plugin within its own timeout; past it, it says what the plugins' alarm handler says.
pub async fn within<F>(seconds: u64, run: F) -> F::Output
where
    F: Future<Output = Result<Report, crate::Foreign>>,
{
    match tokio::time::timeout(Duration::from_secs(seconds), run).await {
        Ok(ran) => ran,
        Err(_) => Ok(socket_timeout(State::Critical, seconds)),
    }
}

/// The alarm handler's words.
pub fn socket_timeout(state: State, seconds: u64) -> Report {
    Report::new(
        state,
        format!("{} - Socket timeout after {seconds} seconds", state.name()),
    )
}
