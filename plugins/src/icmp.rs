//! Echo requests over one shared socket: who waits for which reply, errors that come instead, times by the kernel's clock.
//!
//! All checks of a runtime share a socket per family, so that what a raw socket sees of everybody's traffic is looked at
//! once, and not once per check. It is a datagram socket where `net.ipv4.ping_group_range` allows it (the kernel then
//! gives us nothing but our own), else a raw one; where neither is allowed, the check is for the real plugin, which is
//! setuid.

#[cfg(test)]
pub(crate) mod fake;
mod packet;

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, IoSliceMut},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::{AsRawFd, OwnedFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use nix::sys::{
    socket::{
        AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn,
        SockaddrIn6, SockaddrStorage, recvmsg, sendto, setsockopt, socket, sockopt,
    },
    time::TimeSpec,
};
use tokio::{io::Interest, net::UdpSocket, runtime, sync::mpsc, task::JoinHandle};

pub(crate) use packet::Version;
use packet::{Said, Seen};

use crate::Foreign;

/// What waits for one check to look at it; a flood of duplicates is dropped beyond it.
const MOST_EVENTS: usize = 256;
/// Packets of all checks of a socket that may be answered yet; sequence numbers have 16 bits.
const MOST_WAITING: usize = 60_000;
/// `SO_EE_ORIGIN_ICMP` and `SO_EE_ORIGIN_ICMP6`.
const ORIGIN_ICMP: u8 = 2;
const ORIGIN_ICMP6: u8 = 3;
/// Packets that are read before other tasks have a turn.
const AT_ONCE: usize = 64;
/// Asked of the kernel in both directions, which may give less: all checks share it, and a raw socket sees everybody's
/// packets.
const BUFFER: usize = 4 << 20;
/// After so many packets, who sends reads, too: when many checks begin at once, the replies to the first must not fill
/// the kernel's buffer, and those to the last be lost, before the reader has its turn.
const READ_AFTER: u64 = 16;

/// Something that came for a packet of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// As given to [`Transport::send`].
    pub tag: usize,
    /// As [`Transport::send`] gave it. A number that is replied to twice has a duplicate.
    pub number: u64,
    pub what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// After so long.
    Reply(Duration),
    /// An ICMP error's type and code.
    Error { kind: u8, code: u8, from: IpAddr },
}

/// What a check needs of the network; a test has one of its own.
pub(crate) trait Transport: Send {
    /// Sends an echo request with so many bytes behind its header, and gives its number.
    fn send(&mut self, to: SocketAddr, tag: usize, data: usize) -> io::Result<u64>;

    /// The next event. Whoever drops this future loses none.
    fn event(&mut self) -> impl Future<Output = Event> + Send;
}

/// A check's part in a socket. Dropping it forgets its packets.
pub(crate) struct Session {
    engine: Arc<Engine>,
    sequences: Vec<u16>,
    to_us: mpsc::Sender<Event>,
    events: mpsc::Receiver<Event>,
}

impl Session {
    /// Within a tokio runtime. `ttl` None: the system's.
    pub(crate) fn open(version: Version, ttl: Option<u8>) -> Result<Self, Foreign> {
        let engine = engine(version, ttl).map_err(|error| {
            Foreign::unhandled(format!(
                "no socket for ICMP ({error}): it needs net.ipv4.ping_group_range, root or CAP_NET_RAW"
            ))
        })?;
        let (to_us, events) = mpsc::channel(MOST_EVENTS);
        Ok(Self {
            engine,
            sequences: Vec::new(),
            to_us,
            events,
        })
    }
}

impl Transport for Session {
    fn send(&mut self, to: SocketAddr, tag: usize, data: usize) -> io::Result<u64> {
        let shared = &self.engine.shared;
        let (sequence, number) = shared.wait(tag, &self.to_us)?;
        self.sequences.push(sequence);
        let packet = packet::request(
            shared.version,
            shared.ident,
            sequence,
            (shared.token, number),
            data,
        );
        shared.send(&packet, to)?;
        if number % READ_AFTER == 0 {
            shared.read_between();
        }
        Ok(number)
    }

    async fn event(&mut self) -> Event {
        match self.events.recv().await {
            Some(event) => event,
            // We hold a sender ourselves.
            None => std::future::pending().await,
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let mut table = self.engine.shared.table();
        for sequence in &self.sequences {
            table.waiting.remove(sequence);
        }
    }
}

/// A socket and the task that reads it.
struct Engine {
    shared: Arc<Shared>,
    reader: JoinHandle<()>,
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// A socket belongs to the runtime that polls it.
type Key = (runtime::Id, Version, Option<u8>);

static ENGINES: Mutex<Vec<(Key, Weak<Engine>)>> = Mutex::new(Vec::new());

/// The one that is there, or a new one; the last check that ends closes it.
fn engine(version: Version, ttl: Option<u8>) -> io::Result<Arc<Engine>> {
    let key = (runtime::Handle::current().id(), version, ttl);
    let mut engines = ENGINES.lock().unwrap_or_else(PoisonError::into_inner);
    let found = engines.iter().find(|(known, _)| *known == key);
    if let Some(engine) = found.and_then(|(_, engine)| engine.upgrade()) {
        return Ok(engine);
    }
    let shared = Arc::new(Shared::open(version, ttl)?);
    let engine = Arc::new(Engine {
        reader: tokio::spawn(read(Arc::clone(&shared))),
        shared,
    });
    engines.retain(|(_, engine)| engine.strong_count() != 0);
    engines.push((key, Arc::downgrade(&engine)));
    Ok(engine)
}

struct Shared {
    /// Tokio has no sockets for ICMP; it polls this one as it would one for UDP, whose calls we do not use.
    socket: UdpSocket,
    version: Version,
    /// It sees everybody's packets, and those of IPv4 with their IP header.
    raw: bool,
    /// Of no meaning to a datagram socket: the kernel puts its own in.
    ident: u16,
    /// No other process guesses it.
    token: u64,
    table: Mutex<Table>,
    buffers: Mutex<Buffers>,
}

struct Buffers {
    packet: Vec<u8>,
    control: Vec<u8>,
}

#[derive(Default)]
struct Table {
    waiting: HashMap<u16, Waiting>,
    sent: u64,
}

struct Waiting {
    tag: usize,
    number: u64,
    sent: Instant,
    /// The kernel says when a packet came by this clock.
    sent_by_clock: SystemTime,
    events: mpsc::Sender<Event>,
}

impl Shared {
    fn open(version: Version, ttl: Option<u8>) -> io::Result<Self> {
        let (socket, raw) = match open(version, SockType::Datagram) {
            Ok(socket) => (socket, false),
            Err(_) => (open(version, SockType::Raw)?, true),
        };
        if setsockopt(&socket, sockopt::RcvBufForce, &BUFFER).is_err() {
            let _ = setsockopt(&socket, sockopt::RcvBuf, &BUFFER);
        }
        let _ = setsockopt(&socket, sockopt::SndBuf, &BUFFER);
        // Without it, our own clock has to do.
        let _ = setsockopt(&socket, sockopt::ReceiveTimestampns, &true);
        match version {
            Version::V4 => {
                if !raw {
                    setsockopt(&socket, sockopt::Ipv4RecvErr, &true)?;
                }
                if let Some(ttl) = ttl {
                    setsockopt(&socket, sockopt::Ipv4Ttl, &i32::from(ttl))?;
                }
            }
            Version::V6 => {
                if !raw {
                    setsockopt(&socket, sockopt::Ipv6RecvErr, &true)?;
                }
                if let Some(ttl) = ttl {
                    setsockopt(&socket, sockopt::Ipv6Ttl, &i32::from(ttl))?;
                }
            }
        }
        let socket = UdpSocket::from_std(std::net::UdpSocket::from(socket))?;
        let random = || RandomState::new().build_hasher().finish();
        let [high, low, ..] = random().to_be_bytes();
        Ok(Self {
            socket,
            version,
            raw,
            ident: u16::from_be_bytes([high, low]),
            token: random(),
            table: Mutex::default(),
            buffers: Mutex::new(Buffers {
                packet: vec![0; 1 << 16],
                // Time, error and who sent the error.
                control: nix::cmsg_space!(TimeSpec, [u8; 64]),
            }),
        })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place in the table: sequence number and number.
    fn wait(&self, tag: usize, events: &mpsc::Sender<Event>) -> io::Result<(u16, u64)> {
        let mut table = self.table();
        if MOST_WAITING <= table.waiting.len() {
            return Err(io::Error::other("too many packets under way"));
        }
        loop {
            table.sent += 1;
            let number = table.sent;
            let [.., high, low] = number.to_be_bytes();
            let sequence = u16::from_be_bytes([high, low]);
            if let std::collections::hash_map::Entry::Vacant(place) = table.waiting.entry(sequence)
            {
                place.insert(Waiting {
                    tag,
                    number,
                    sent: Instant::now(),
                    sent_by_clock: SystemTime::now(),
                    events: events.clone(),
                });
                return Ok((sequence, number));
            }
        }
    }

    fn send(&self, packet: &[u8], to: SocketAddr) -> io::Result<()> {
        let fd = self.socket.as_raw_fd();
        let sent = match to {
            SocketAddr::V4(to) => sendto(fd, packet, &SockaddrIn::from(to), MsgFlags::empty()),
            SocketAddr::V6(to) => sendto(fd, packet, &SockaddrIn6::from(to), MsgFlags::empty()),
        }?;
        if sent == packet.len() {
            Ok(())
        } else {
            Err(io::Error::from(io::ErrorKind::WriteZero))
        }
    }

    /// Hands on what was seen, if somebody here waits for it.
    fn tell(&self, seen: Seen, from: Option<IpAddr>, received: Option<Duration>) {
        if self.raw && seen.ident != self.ident {
            return;
        }
        let table = self.table();
        let Some(waiting) = table.waiting.get(&seen.sequence) else {
            return;
        };
        let ours = match seen.mark {
            Some(mark) => mark == (self.token, waiting.number),
            // A router may quote too little of a packet to tell more; a reply has it all.
            None => seen.said != Said::Reply,
        };
        if !ours {
            return;
        }
        let what = match seen.said {
            Said::Reply => What::Reply(waiting.took(received)),
            Said::Error(kind, code) => What::Error {
                kind,
                code,
                from: from.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            },
        };
        let _ = waiting.events.try_send(Event {
            tag: waiting.tag,
            number: waiting.number,
            what,
        });
    }

    /// Reads one packet, or one entry of the error queue.
    fn receive(&self, buffers: &mut Buffers, flags: MsgFlags) -> nix::Result<()> {
        let Buffers { packet, control } = buffers;
        let mut slices = [IoSliceMut::new(packet)];
        let message = recvmsg::<SockaddrStorage>(
            self.socket.as_raw_fd(),
            &mut slices,
            Some(control.as_mut_slice()),
            flags | MsgFlags::MSG_DONTWAIT,
        )?;
        let length = message.bytes;
        let from = message.address.as_ref().and_then(address);
        let mut received = None;
        let mut error = None;
        for part in message.cmsgs().into_iter().flatten() {
            match part {
                ControlMessageOwned::ScmTimestampns(at) => received = Some(Duration::from(at)),
                ControlMessageOwned::Ipv4RecvErr(told, from) => {
                    let from = from
                        .map(|from| IpAddr::V4(Ipv4Addr::from(u32::from_be(from.sin_addr.s_addr))));
                    error = Some((told.ee_origin, told.ee_type, told.ee_code, from));
                }
                ControlMessageOwned::Ipv6RecvErr(told, from) => {
                    let from = from.map(|from| IpAddr::V6(Ipv6Addr::from(from.sin6_addr.s6_addr)));
                    error = Some((told.ee_origin, told.ee_type, told.ee_code, from));
                }
                _ => {}
            }
        }
        let packet = &packet[..length.min(packet.len())];
        if flags.contains(MsgFlags::MSG_ERRQUEUE) {
            // The system's own errors are in the queue, too.
            if let Some((ORIGIN_ICMP | ORIGIN_ICMP6, kind, code, from)) = error
                && let Some(seen) = packet::about(self.version, packet, kind, code)
            {
                self.tell(seen, from, None);
            }
            return Ok(());
        }
        let has_ip_header = self.raw && self.version == Version::V4;
        let (message, from) = if has_ip_header {
            let from = packet::sender(packet).map(IpAddr::V4);
            (packet::without_ip_header(packet), from)
        } else {
            (Some(packet), from)
        };
        if let Some(seen) = message.and_then(|message| packet::read(self.version, message)) {
            self.tell(seen, from, received);
        }
        Ok(())
    }

    /// Reads what is there, up to a turn's worth. True: there may be more.
    fn drain(&self) -> bool {
        let mut buffers = self.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut more = false;
        for (interest, flags) in [
            (Interest::ERROR, MsgFlags::MSG_ERRQUEUE),
            (Interest::READABLE, MsgFlags::empty()),
        ] {
            let mut left = AT_ONCE;
            // An error of the socket is told once, and packets may be behind it. One that stays must not keep us here.
            let mut errors = 0;
            while 0 < left {
                let received =
                    self.socket
                        .try_io(interest, || match self.receive(&mut buffers, flags) {
                            Err(error) if error != nix::Error::EAGAIN && errors < 8 => {
                                errors += 1;
                                Ok(())
                            }
                            Err(_) => Err(io::Error::from(io::ErrorKind::WouldBlock)),
                            Ok(()) => Ok(()),
                        });
                if received.is_err() {
                    break;
                }
                left -= 1;
            }
            more |= left == 0;
        }
        more
    }

    /// Reads what is there for whoever sends, unless somebody else is at it.
    fn read_between(&self) {
        if let Ok(mut buffers) = self.buffers.try_lock() {
            for _ in 0..AT_ONCE {
                if self.receive(&mut buffers, MsgFlags::empty()).is_err() {
                    break;
                }
            }
        }
    }
}

impl Waiting {
    /// How long it took: up to when the kernel had it, since we may have looked later; by our own clock where the
    /// system's was set meanwhile.
    fn took(&self, received: Option<Duration>) -> Duration {
        let at_most = self.sent.elapsed();
        received
            .and_then(|at| (UNIX_EPOCH + at).duration_since(self.sent_by_clock).ok())
            .filter(|took| *took <= at_most)
            .unwrap_or(at_most)
    }
}

fn open(version: Version, kind: SockType) -> nix::Result<OwnedFd> {
    let (family, protocol) = match version {
        Version::V4 => (AddressFamily::Inet, SockProtocol::Icmp),
        Version::V6 => (AddressFamily::Inet6, SockProtocol::IcmpV6),
    };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    socket(family, kind, flags, protocol)
}

fn address(from: &SockaddrStorage) -> Option<IpAddr> {
    if let Some(from) = from.as_sockaddr_in() {
        return Some(IpAddr::V4(from.ip()));
    }
    from.as_sockaddr_in6().map(|from| IpAddr::V6(from.ip()))
}

async fn read(shared: Arc<Shared>) {
    let interest = Interest::READABLE | Interest::ERROR;
    while shared.socket.ready(interest).await.is_ok() {
        if shared.drain() {
            tokio::task::yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests;
