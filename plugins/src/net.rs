//! Names, addresses and connections, with the words that the plugins' `netutils` has for their failures.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    os::fd::AsRawFd,
    time::Duration,
};

use nix::{
    errno::Errno,
    sys::socket::{self, AddressFamily, SockFlag, SockType, SockaddrStorage},
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

/// Whether a connection comes about, and nothing more: it is closed at once. On loopback it stands when `connect`
/// returns, and then no waiting is arranged at all.
pub async fn reach(addresses: &[SocketAddr]) -> io::Result<()> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match reach_one(*address).await {
            Ok(()) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn reach_one(address: SocketAddr) -> io::Result<()> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let socket = socket::socket(family, SockType::Stream, flags, None)?;
    match socket::connect(socket.as_raw_fd(), &SockaddrStorage::from(address)) {
        Ok(()) => return Ok(()),
        Err(Errno::EINPROGRESS) => {}
        Err(errno) => return Err(errno.into()),
    }
    if socket::getpeername::<SockaddrStorage>(socket.as_raw_fd()).is_ok() {
        return Ok(());
    }
    let stream = TcpStream::from_std(socket.into())?;
    stream.writable().await?;
    stream.take_error()?.map_or(Ok(()), Err)
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
