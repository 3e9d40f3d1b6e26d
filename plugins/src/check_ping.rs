//! `check_ping`: what the real one reads from `ping -n -U -w TIMEOUT -c PACKETS HOST`, without a `ping`.
//!
//! A packet a second, until so many were replied to or the time is over: a lost packet is made up for by one more, so
//! that the loss is that of what was sent by then, as with `ping -w`.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use crate::{
    Foreign, Probe, Report, State,
    icmp::{Event, Session, Transport, Version, What},
    net::{self, Family},
    perfdata,
};

mod arguments;

use arguments::Settings;

const INTERVAL: Duration = Duration::from_secs(1);
/// Behind the ICMP header, as `ping` has it.
const DATA: usize = 56;
/// To where `ping` connects to learn whether there is a way; nothing is sent.
const PROBE_PORT: u16 = 1025;
/// Where Debian's real one has its links go.
const CGI: &str = "/nagios/cgi-bin";

pub(crate) fn prepare(_name: &str, args: &[String]) -> Result<Probe, Foreign> {
    Ok(Probe::new(run(arguments::read(args)?)))
}

async fn run(settings: Settings) -> Result<Report, Foreign> {
    let mut target = None;
    for host in &settings.hosts {
        let addresses = net::resolve(host, 0, settings.family).await;
        let Some(address) = pick(&addresses, settings.family) else {
            let is_name = host.parse::<IpAddr>().is_err();
            if is_name && settings.family != Family::Any && is_known(host).await {
                // The C library makes some up, as 127.0.0.1 where a file has ::1, and `ping` does not use them all.
                return Err(Foreign::unhandled(format!(
                    "{host} has no address of the family asked for"
                )));
            }
            return Ok(Report::new(
                State::Unknown,
                format!(
                    "check_ping: Invalid hostname/address - {host}\nUsage:\n\
                     check_ping -H <host_address> -w <wrta>,<wpl>% -c <crta>,<cpl>%\n \
                     [-p packets] [-t timeout] [-4|-6]"
                ),
            ));
        };
        target.get_or_insert((host, address));
    }
    let Some((host, address)) = target else {
        return Err(Foreign::usage(
            "You must specify a server address or host name",
        ));
    };
    if let Err(error) = is_reachable(address) {
        return match error.kind() {
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
                Ok(failed("Network Unreachable", host))
            }
            _ => Err(Foreign::unhandled(format!("{host}: {error}"))),
        };
    }
    let session = Session::open(Version::of(address.ip()), None)?;
    let counts = match ping(session, address, &settings).await? {
        Ended::Counted(counts) => counts,
        Ended::Failed(why) => {
            return Ok(failed(why, host));
        }
    };
    Ok(settings.say(host, &counts))
}

async fn is_known(host: &str) -> bool {
    !net::resolve(host, 0, Family::Any).await.is_empty()
}

/// The real one asks for IPv6 whenever a name has it.
fn pick(addresses: &[SocketAddr], family: Family) -> Option<SocketAddr> {
    let mut all = addresses.iter().copied();
    if family == Family::Any {
        all.clone().find(SocketAddr::is_ipv6).or_else(|| all.next())
    } else {
        all.next()
    }
}

/// Whether the system knows a way there; nothing is sent.
fn is_reachable(address: SocketAddr) -> io::Result<()> {
    let any = if address.is_ipv4() {
        "0.0.0.0:0"
    } else {
        "[::]:0"
    };
    let mut there = address;
    there.set_port(PROBE_PORT);
    std::net::UdpSocket::bind(any)?.connect(there)
}

/// What came of it.
#[derive(Debug, Default)]
struct Counts {
    sent: u32,
    /// Without duplicates.
    received: u32,
    duplicates: u32,
    /// Microseconds, of duplicates, too.
    waited: u64,
}

#[derive(Debug)]
enum Ended {
    Counted(Counts),
    /// An error came instead, in the real one's words.
    Failed(&'static str),
}

async fn ping(
    mut network: impl Transport,
    to: SocketAddr,
    settings: &Settings,
) -> Result<Ended, Foreign> {
    let begun = Instant::now();
    let deadline = begun + Duration::from_secs(settings.timeout);
    let mut next = begun;
    let mut counts = Counts::default();
    // Numbers of the packets that were replied to: as many as packets are asked for.
    let mut replied = Vec::new();
    while counts.received < settings.packets {
        let now = Instant::now();
        if deadline <= now {
            break;
        }
        if next <= now {
            network
                .send(to, 0, DATA)
                .map_err(|error| Foreign::unhandled(format!("cannot send: {error}")))?;
            counts.sent += 1;
            next = (next + INTERVAL).max(now);
        }
        let until = tokio::time::Instant::from_std(next.min(deadline));
        let Ok(event) = tokio::time::timeout_at(until, network.event()).await else {
            continue;
        };
        match event {
            Event {
                what: What::Reply(took),
                number,
                ..
            } => {
                let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                counts.waited = counts.waited.saturating_add(took);
                if replied.contains(&number) {
                    counts.duplicates += 1;
                } else {
                    replied.push(number);
                    counts.received += 1;
                }
            }
            Event {
                what: What::Error { kind, code, .. },
                ..
            } => {
                return match error_text(Version::of(to.ip()), kind, code) {
                    Some(why) => Ok(Ended::Failed(why)),
                    None => Err(Foreign::unhandled(format!(
                        "an ICMP error of type {kind}, code {code}"
                    ))),
                };
            }
        }
    }
    Ok(Ended::Counted(counts))
}

/// The real one's words for what `ping` says about an ICMP error; None: it has none, and says something else then.
const fn error_text(version: Version, kind: u8, code: u8) -> Option<&'static str> {
    Some(match (version, kind, code) {
        (Version::V4, 3, 0 | 11) | (Version::V6, 1, 0) => "Network Unreachable",
        (Version::V4, 3, 1 | 12) | (Version::V6, 1, 3) => "Host Unreachable",
        (Version::V4, 3, 2) => "Bogus ICMP: Protocol Unreachable",
        (Version::V4, 3, 3) | (Version::V6, 1, 4) => "Bogus ICMP: Port Unreachable",
        (Version::V4, 3, 9) => "Network Prohibited",
        (Version::V4, 3, 10) => "Host Prohibited",
        (Version::V4, 3, 13) | (Version::V6, 1, 1) => "Packet Filtered",
        (Version::V4, 11, 0) | (Version::V6, 3, _) => "Time to live exceeded",
        (Version::V6, 1, _) => "Destination Unreachable",
        _ => return None,
    })
}

impl Counts {
    /// Percent, whole ones.
    fn loss(&self) -> i64 {
        let lost = u64::from(self.sent.saturating_sub(self.received));
        i64::try_from(lost * 100 / u64::from(self.sent.max(1))).unwrap_or(100)
    }

    /// Milliseconds, as they are read from what `ping` prints: with three digits, and in single precision.
    fn rta(&self) -> f32 {
        let micros = self.waited / u64::from((self.received + self.duplicates).max(1));
        format!("{}.{:03}", micros / 1000, micros % 1000)
            .parse()
            .unwrap_or_default()
    }
}

fn failed(why: &str, host: &str) -> Report {
    Report::new(State::Critical, format!("CRITICAL - {why} ({host})"))
}

impl Settings {
    fn say(&self, host: &str, counts: &Counts) -> Report {
        // Of several, the first that is heard of is enough, however that ended.
        if 1 < self.hosts.len() {
            return Report::new(State::Ok, format!("{host} is alive"));
        }
        let loss = counts.loss();
        let all_lost = loss == 100;
        let (warn, crit) = (self.warn, self.crit);
        let rta = if all_lost { crit.rta } else { counts.rta() };
        let state = if crit.loss <= loss || crit.rta <= rta {
            State::Critical
        } else if warn.loss <= loss || warn.rta <= rta || 0 < counts.duplicates {
            State::Warning
        } else {
            State::Ok
        };
        let duplicates = if 0 < counts.duplicates {
            "DUPLICATES FOUND! "
        } else {
            ""
        };
        let mut text = format!("PING {} - {duplicates}Packet loss = {loss}%", state.name());
        if !all_lost {
            text += &format!(", RTA = {rta:.2} ms");
        }
        if self.link {
            text = format!("<A HREF='{CGI}/traceroute.cgi?{host}'>{text}</A>");
        }
        let limit = |limit: f32| (0.0 < limit).then_some(f64::from(limit));
        let rta = if all_lost {
            format!(" rta=U;{:.6};{:.6};;", warn.rta, crit.rta)
        } else {
            let (warn, crit) = (limit(warn.rta), limit(crit.rta));
            perfdata::float("rta", f64::from(rta), "ms", warn, crit, Some(0.0), None)
        };
        let limit = |limit: i64| (0 < limit).then_some(limit);
        let (warn, crit) = (limit(warn.loss), limit(crit.loss));
        let loss = perfdata::whole("pl", loss, "%", warn, crit, Some(0), None);
        Report::new(state, format!("{text}|{rta} {loss}"))
    }
}

#[cfg(test)]
mod tests;
