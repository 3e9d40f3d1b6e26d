//! `check_ntp_time`: the offset of the local clock from an NTP server's.

use std::{
    future::poll_fn,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    task::Poll,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::net::UdpSocket;

use crate::{
    Foreign, Probe, Report, State,
    net::{self, Family},
    options::{self, Opt, flag, valued},
    peer, perfdata,
    threshold::{self, Range},
};

const KNOWN: [Opt; 9] = [
    valued('H', "hostname"),
    valued('p', "port"),
    flag('4', "use-ipv4"),
    flag('6', "use-ipv6"),
    flag('q', "quiet"),
    valued('w', "warning"),
    valued('c', "critical"),
    valued('o', "time-offset"),
    valued('t', "timeout"),
];

/// So many answers of each server are averaged.
const SAMPLES: usize = 4;
/// For so long each look for answers lasts.
const LOOK: Duration = Duration::from_millis(100);
const PACKET: usize = 48;
/// Seconds from 1900, where NTP begins, to 1970.
const FROM_1900: u64 = 2_208_988_800;

struct Settings {
    host: String,
    port: i64,
    family: Family,
    quiet: bool,
    warn: Range,
    crit: Range,
    expected: f64,
    timeout: u64,
}

pub(crate) fn prepare(_: &str, args: &[String]) -> Result<Probe, Foreign> {
    let settings = read(args)?;
    Ok(Probe::new(async move {
        let addresses = peer::addresses(&settings.host, settings.port, settings.family).await?;
        net::within(settings.timeout, run(settings, addresses)).await
    }))
}

fn read(args: &[String]) -> Result<Settings, Foreign> {
    let parsed = options::parse(args, &KNOWN)?;
    let mut settings = Settings {
        host: String::new(),
        port: 123,
        family: Family::Any,
        quiet: false,
        warn: range("60")?,
        crit: range("120")?,
        expected: 0.0,
        timeout: 10,
    };
    for option in parsed.options {
        let value = option.value;
        match option.name {
            "hostname" if settings.host.is_empty() => settings.host = value,
            "hostname" => return Err(Foreign::unhandled("-H is there twice")),
            "port" => settings.port = peer::positive(&value, "Not a port of ours")?,
            "use-ipv4" => settings.family = Family::V4,
            "use-ipv6" => settings.family = Family::V6,
            "quiet" => settings.quiet = true,
            "warning" => settings.warn = range(&value)?,
            "critical" => settings.crit = range(&value)?,
            "time-offset" => {
                let seconds = i32::try_from(threshold::whole(&value));
                let seconds = seconds.map_err(|_| Foreign::unhandled("-o is too far away"))?;
                settings.expected = f64::from(seconds);
            }
            "timeout" => {
                settings.timeout = peer::positive(&value, "Not a timeout of ours")?.unsigned_abs();
            }
            _ => {}
        }
    }
    if settings.host.is_empty() {
        return Err(Foreign::usage("Hostname was not supplied"));
    }
    Ok(settings)
}

fn range(text: &str) -> Result<Range, Foreign> {
    if text.is_empty() {
        return Err(Foreign::unhandled("a threshold without a character"));
    }
    Range::parse(text).ok_or_else(|| Foreign::usage("Range format incorrect"))
}

/// Since 1970, to the microsecond.
fn now() -> Duration {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Duration::from_micros(u64::try_from(now.as_micros()).unwrap_or_default())
}

async fn run(settings: Settings, addresses: Vec<SocketAddr>) -> Result<Report, Foreign> {
    let servers = ask(&addresses, settings.timeout, settings.expected).await;
    if servers.iter().all(|server| server.offsets.is_empty()) {
        return Ok(Report::new(
            State::Critical,
            "NTP CRITICAL: No response from NTP server",
        ));
    }
    let Some(best) = best(&servers) else {
        let state = if settings.quiet {
            State::Unknown
        } else {
            State::Critical
        };
        return Ok(Report::new(
            state,
            format!("NTP {}: Offset unknown|", state.name()),
        ));
    };
    #[expect(clippy::cast_precision_loss, reason = "at most four")]
    let offset = best.offsets.iter().sum::<f64>() / best.offsets.len() as f64;
    let state = if settings.crit.alerts(offset.abs()) {
        State::Critical
    } else if settings.warn.alerts(offset.abs()) {
        State::Warning
    } else {
        State::Ok
    };
    let end = |range: &Range| Some(range.end.unwrap_or(0.0));
    let data = perfdata::float(
        "offset",
        offset,
        "s",
        end(&settings.warn),
        end(&settings.crit),
        None,
        None,
    );
    Ok(Report::new(
        state,
        format!(
            "NTP {}: Offset {} secs|{data}",
            state.name(),
            general(offset)
        ),
    ))
}

/// One address of the host, and what it said last.
struct Server {
    /// None: not to be reached from here.
    socket: Option<UdpSocket>,
    /// The second of the question that is not answered yet; 0: there is none.
    asked: u64,
    /// The question, and then what came upon it.
    packet: [u8; PACKET],
    /// What came last.
    said: [u8; PACKET],
    offsets: Vec<f64>,
}

impl Server {
    async fn new(address: SocketAddr) -> Self {
        let any = match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let socket = match UdpSocket::bind((any, 0)).await {
            Ok(socket) => socket.connect(address).await.ok().map(|()| socket),
            Err(_) => None,
        };
        Self {
            socket,
            asked: 0,
            packet: [0; PACKET],
            said: [0; PACKET],
            offsets: Vec::new(),
        }
    }

    fn is_complete(&self) -> bool {
        self.socket.is_none() || self.offsets.len() == SAMPLES
    }

    /// A failure shows in that no answer comes.
    fn send(&mut self) {
        self.packet = question(now());
        if let Some(socket) = &self.socket {
            let _ = socket.try_send(&self.packet);
        }
    }

    /// Whatever comes from there is an answer to the real one; where it is short, the question stays.
    fn receive(&mut self, expected: f64) {
        let Some(socket) = &self.socket else { return };
        if socket.try_recv(&mut self.packet).is_ok() {
            self.said = self.packet;
            self.offsets.push(offset(&self.packet, now()) + expected);
            self.asked = 0;
        }
    }

    fn stratum(&self) -> u8 {
        self.said[1]
    }

    /// Both of its bits: it is not synchronised.
    fn alarms(&self) -> bool {
        self.said[0] >> 6 == 3
    }

    /// A number of 32 bits, as 1/65536.
    fn fixed(&self, at: usize) -> u32 {
        let bytes = [at, at + 1, at + 2, at + 3].map(|at| self.said[at]);
        u32::from_be_bytes(bytes)
    }

    fn delay(&self) -> u32 {
        self.fixed(4)
    }

    fn dispersion(&self) -> u32 {
        self.fixed(8)
    }
}

/// Asks each until it has answered often enough, for half the timeout at most.
async fn ask(addresses: &[SocketAddr], timeout: u64, expected: f64) -> Vec<Server> {
    let mut servers = Vec::with_capacity(addresses.len());
    for address in addresses {
        servers.push(Server::new(*address).await);
    }
    let begun = now().as_secs();
    let mut second = begun;
    while !servers.iter().all(Server::is_complete) && second.saturating_sub(begun) <= timeout / 2 {
        second = now().as_secs();
        let next = servers
            .iter_mut()
            .find(|server| !server.is_complete() && server.asked < second);
        if let Some(server) = next {
            server.send();
            server.asked = second;
        }
        // Nothing in time is no matter.
        let _ = tokio::time::timeout(LOOK, any_answer(&servers)).await;
        for server in &mut servers {
            if !server.is_complete() {
                server.receive(expected);
            }
        }
    }
    servers
}

async fn any_answer(servers: &[Server]) {
    poll_fn(|context| {
        let ready = servers
            .iter()
            .filter(|server| !server.is_complete())
            .filter_map(|server| server.socket.as_ref())
            .any(|socket| socket.poll_recv_ready(context).is_ready());
        if ready {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// Of those that are synchronised the first, unless a later one is as near to a clock, as sure, and nearer to us.
fn best(servers: &[Server]) -> Option<&Server> {
    let mut best: Option<&Server> = None;
    for server in servers {
        if server.offsets.is_empty() || server.stratum() == 0 || server.alarms() {
            continue;
        }
        let is_better = best.is_none_or(|best| {
            server.stratum() <= best.stratum()
                && server.dispersion() <= best.dispersion()
                && server.delay() < best.delay()
        });
        if is_better {
            best = Some(server);
        }
    }
    best
}

/// Version 4, from a client that does not know the time.
fn question(now: Duration) -> [u8; PACKET] {
    let mut packet = [0; PACKET];
    packet[..4].copy_from_slice(&[0xe3, 0, 4, 0xfa]);
    // A delay and a dispersion of one second.
    packet[5] = 1;
    packet[9] = 1;
    let seconds = now.as_secs().wrapping_add(FROM_1900) & u64::from(u32::MAX);
    let fraction = (u64::from(now.subsec_micros()) << 32) / 1_000_000;
    packet[40..].copy_from_slice(&(seconds << 32 | fraction).to_be_bytes());
    packet
}

fn offset(packet: &[u8; PACKET], received: Duration) -> f64 {
    let time = |at: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&packet[at..at + 8]);
        seconds(u64::from_be_bytes(bytes))
    };
    let (sent, there, back) = (time(24), time(32), time(40));
    #[expect(clippy::cast_precision_loss, reason = "as the real one reckons")]
    let received = received.as_secs() as f64 + 0.000_001 * f64::from(received.subsec_micros());
    0.5 * ((back - received) + (there - sent))
}

/// Since 1970; a time before it is one far away, as in the real one.
fn seconds(time: u64) -> f64 {
    if time == 0 {
        return 0.0;
    }
    let [fraction, whole] = [time & u64::from(u32::MAX), time >> 32];
    #[expect(clippy::cast_precision_loss, reason = "as the real one reckons")]
    let (whole, fraction) = (whole.wrapping_sub(FROM_1900) as f64, fraction as f64);
    whole + 0.000_000_01 * (0.5 + fraction / 42.949_672_96)
}

/// C's `%.10g`.
fn general(value: f64) -> String {
    let scientific = format!("{value:.9e}");
    let Some((digits, power)) = scientific.split_once('e') else {
        return scientific;
    };
    let power: i32 = power.parse().unwrap_or_default();
    let trim = |text: &str| {
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text.to_owned()
        }
    };
    if (-4..10).contains(&power) {
        let decimals = usize::try_from(9 - power).unwrap_or_default();
        trim(&format!("{value:.decimals$}"))
    } else {
        let sign = if power < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", trim(digits), power.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_c_writes_them() {
        for (value, text) in [
            (0.0, "0"),
            (-7.331_371_307e-06, "-7.331371307e-06"),
            (-1.5e-05, "-1.5e-05"),
            (0.000_1, "0.0001"),
            (4.999_998_897, "4.999998897"),
            (-300.000_000_7, "-300.0000007"),
            (1.0, "1"),
            (-2_208_988_800.123, "-2208988800"),
            (12_345_678_901.0, "1.23456789e+10"),
            (9_999_999_999.6, "1e+10"),
            (1e100, "1e+100"),
        ] {
            assert_eq!(general(value), text);
        }
    }

    #[test]
    fn an_exchange_gives_an_offset() {
        let at = Duration::from_micros(1_000_000_000_250_000);
        let mut packet = question(at);
        assert_eq!(packet[0], 0xe3);
        let stamp: [u8; 8] = packet[40..].try_into().expect("eight");
        packet[24..32].copy_from_slice(&stamp);
        packet[32..40].copy_from_slice(&stamp);
        // The server's clock is right, and the way back took two seconds.
        let found = offset(&packet, at + Duration::from_secs(2));
        assert!((found + 1.0).abs() < 1e-6, "{found}");
        assert_eq!(seconds(0), 0.0);
    }

    #[test]
    fn the_best_server() {
        let server = |leap: u8, stratum: u8, dispersion: u8, delay: u8| {
            let mut said = [0; PACKET];
            said[0] = leap << 6;
            said[1] = stratum;
            said[4] = delay;
            said[8] = dispersion;
            Server {
                socket: None,
                asked: 0,
                packet: [0; PACKET],
                said,
                offsets: vec![f64::from(delay)],
            }
        };
        let found = |servers: &[Server]| best(servers).map(|server| server.delay() >> 24);
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[server(0, 0, 1, 1), server(3, 1, 1, 1)]), None);
        assert_eq!(found(&[server(3, 1, 1, 1), server(1, 16, 9, 9)]), Some(9));
        assert_eq!(found(&[server(0, 2, 5, 5), server(0, 2, 5, 4)]), Some(4));
        assert_eq!(found(&[server(0, 2, 5, 5), server(0, 1, 6, 4)]), Some(5));
        assert_eq!(found(&[server(0, 2, 5, 5), server(0, 3, 5, 4)]), Some(5));
    }
}
