//! `check_icmp`, and `check_host` and `check_rta_multi`, which are other names of the same plugin with rules of their own.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use crate::{
    Foreign, Probe, Report, State,
    icmp::{Event, Session, Transport, Version, What},
    options::{self, Opt, Value},
};

mod c_numbers;
mod judge;

use c_numbers::{time, unsigned};
use judge::{Host, Limit};

/// `-s` (the source's address) and `-v` are left to the real one.
const KNOWN: [Opt; 13] = [
    flag('4'),
    flag('6'),
    valued('w'),
    valued('c'),
    valued('n'),
    valued('p'),
    valued('t'),
    valued('H'),
    valued('i'),
    valued('I'),
    valued('b'),
    valued('l'),
    valued('m'),
];

const fn flag(short: char) -> Opt {
    Opt {
        short: Some(short),
        long: name(short),
        value: Value::None,
    }
}

const fn valued(short: char) -> Opt {
    Opt {
        short: Some(short),
        long: name(short),
        value: Value::Required,
    }
}

/// It has no long options: these names only tell ours apart, and nobody can write them.
const fn name(short: char) -> &'static str {
    match short {
        '4' => "=4",
        '6' => "=6",
        'w' => "=w",
        'c' => "=c",
        'n' | 'p' => "=n",
        't' => "=t",
        'H' => "=H",
        'i' => "=i",
        'I' => "=I",
        'b' => "=b",
        'l' => "=l",
        _ => "=m",
    }
}

/// Hosts of one command line; the real one has no bound of its own but 16 bits.
const MOST_TARGETS: usize = 1000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Icmp,
    /// Ends with the first sign of life, or the first error.
    HostCheck,
    /// All addresses of a name.
    All,
}

struct Settings {
    name: &'static str,
    mode: Mode,
    hosts: Vec<String>,
    family: Option<Version>,
    warn: Limit,
    crit: Limit,
    packets: u32,
    /// Microseconds.
    packet_interval: u32,
    target_interval: u32,
    timeout: Duration,
    ttl: u8,
    data: usize,
    /// Hosts that must be alive; negative: not given.
    least: i32,
}

pub(crate) fn prepare(name: &str, args: &[String]) -> Result<Probe, Foreign> {
    Ok(Probe::new(run(read(name, args)?)))
}

fn read(name: &str, args: &[String]) -> Result<Settings, Foreign> {
    let mut settings = Settings {
        name: "check_icmp",
        mode: Mode::Icmp,
        hosts: Vec::new(),
        family: None,
        warn: Limit {
            rta: 200_000,
            loss: 40,
        },
        crit: Limit {
            rta: 500_000,
            loss: 80,
        },
        packets: 5,
        packet_interval: 80_000,
        target_interval: 0,
        timeout: Duration::from_secs(10),
        ttl: 64,
        data: 68,
        least: -1,
    };
    match name {
        "check_host" => {
            settings.name = "check_host";
            settings.mode = Mode::HostCheck;
            settings.packet_interval = 1_000_000;
            let limit = Limit {
                rta: 1_000_000,
                loss: 100,
            };
            (settings.warn, settings.crit) = (limit, limit);
        }
        "check_rta_multi" => {
            settings.name = "check_rta_multi";
            settings.mode = Mode::All;
            settings.packet_interval = 50_000;
        }
        _ => {}
    }
    let parsed = options::parse(args, &KNOWN)?;
    for option in parsed.options {
        let value = option.value;
        match option.name {
            "=4" | "=6" if settings.family.is_some() => {
                return Err(Foreign::usage("Multiple protocol versions not supported"));
            }
            "=4" => settings.family = Some(Version::V4),
            "=6" => settings.family = Some(Version::V6),
            "=w" => settings.warn.read(&value)?,
            "=c" => settings.crit.read(&value)?,
            "=n" => settings.packets = u32::from(low_half(unsigned(&value).0)),
            "=t" => settings.timeout = timeout(&value)?,
            "=H" => settings.hosts.push(value),
            "=i" => settings.packet_interval = time(&value),
            "=I" => settings.target_interval = time(&value),
            "=b" => settings.data = data(&value)?,
            "=l" => {
                settings.ttl = match unsigned(&value).0.to_be_bytes()[7] {
                    0 => 64,
                    ttl => ttl,
                }
            }
            _ => settings.least = least(&value)?,
        }
    }
    settings.hosts.extend(parsed.operands);
    if settings.hosts.is_empty() {
        return Err(Foreign::usage("No hosts to check"));
    }
    if 20 < settings.packets {
        return Err(Foreign::usage(format!(
            "packets is > 20 ({})",
            settings.packets
        )));
    }
    if MOST_TARGETS < settings.hosts.len() {
        return Err(Foreign::unhandled("so many hosts"));
    }
    settings.warn.loss = settings.warn.loss.min(settings.crit.loss);
    settings.warn.rta = settings.warn.rta.min(settings.crit.rta);
    Ok(settings)
}

fn low_half(value: u64) -> u16 {
    let [.., high, low] = value.to_be_bytes();
    u16::from_be_bytes([high, low])
}

fn timeout(value: &str) -> Result<Duration, Foreign> {
    match unsigned(value).0 {
        0 => Ok(Duration::from_secs(10)),
        seconds if seconds <= 86_400 => Ok(Duration::from_secs(seconds)),
        _ => Err(Foreign::unhandled(format!("a timeout of `{value}`"))),
    }
}

fn data(value: &str) -> Result<usize, Foreign> {
    match unsigned(value).0 {
        bytes @ 52..65_508 => Ok(usize::try_from(bytes).unwrap_or_default()),
        _ => Err(Foreign::usage(
            "ICMP data length must be between: 52 and 65507",
        )),
    }
}

fn least(value: &str) -> Result<i32, Foreign> {
    match i32::try_from(unsigned(value).0) {
        Ok(least) => Ok(least),
        Err(_) => Err(Foreign::usage("minimum alive hosts is negative")),
    }
}

/// The end of a run before its time, or a whole one.
type Ended = Result<(), Report>;

async fn run(settings: Settings) -> Result<Report, Foreign> {
    let mut family = settings.family;
    let mut hosts = Vec::new();
    for name in &settings.hosts {
        if let Err(report) = settings.add(name, &mut family, &mut hosts).await? {
            return Ok(report);
        }
    }
    if hosts.is_empty() {
        return Ok(settings.crash("No hosts to check"));
    }
    let session = Session::open(
        family.unwrap_or(Version::V4),
        match family {
            // The real one's way to set it does nothing there.
            Some(Version::V6) => None,
            _ => Some(settings.ttl),
        },
    )?;
    Checking::new(&settings, session, hosts).run().await
}

impl Settings {
    fn crash(&self, why: &str) -> Report {
        Report::new(State::Unknown, format!("{}: {why}", self.name))
    }

    /// Adds a host's address, or all that it has; the first one decides the family.
    async fn add(
        &self,
        name: &str,
        family: &mut Option<Version>,
        hosts: &mut Vec<Host>,
    ) -> Result<Ended, Foreign> {
        let mut push = |address: IpAddr| {
            let stupid = match address {
                IpAddr::V4(address) => {
                    address.is_unspecified()
                        || address.is_broadcast()
                        || hosts.iter().any(|host| host.address == address)
                }
                // Of IPv6 the real one takes any, and several times.
                IpAddr::V6(_) => false,
            };
            if !stupid {
                hosts.push(Host::new(name, address));
            }
        };
        if let Ok(address) = name.parse::<IpAddr>() {
            let version = Version::of(address);
            if *family.get_or_insert(version) != version {
                return Ok(Err(self.crash(&format!(
                    "Failed to resolve {name}: Address family for hostname not supported"
                ))));
            }
            push(address);
            return Ok(Ok(()));
        }
        let found: Vec<IpAddr> = match tokio::net::lookup_host((name, 0)).await {
            Ok(found) => found.map(|found| found.ip()).collect(),
            Err(error) => {
                let text = error.to_string();
                let Some(why) = text.strip_prefix("failed to lookup address information: ") else {
                    return Err(Foreign::unhandled(format!("{name}: {text}")));
                };
                return Ok(Err(self.crash(&format!("Failed to resolve {name}: {why}"))));
            }
        };
        let Some(first) = found
            .iter()
            .find(|address| family.is_none_or(|family| family == Version::of(**address)))
        else {
            // Which of several texts the resolver has for that depends on where it looked.
            return Err(Foreign::unhandled(format!(
                "{name} has no address of the family asked for"
            )));
        };
        let version = Version::of(*first);
        *family = Some(version);
        if self.mode == Mode::Icmp {
            push(*first);
        } else if found.iter().all(|address| Version::of(*address) == version) {
            found.into_iter().for_each(push);
        } else {
            return Err(Foreign::unhandled(format!(
                "{name} has addresses of both families"
            )));
        }
        Ok(Ok(()))
    }
}

/// A run under way.
struct Checking<'a, T> {
    settings: &'a Settings,
    network: T,
    hosts: Vec<Host>,
    begun: Instant,
    /// Nobody is waited for beyond it.
    longest: Duration,
    sent: u32,
    received: u32,
    lost: u32,
    down: usize,
}

impl<'a, T: Transport> Checking<'a, T> {
    fn new(settings: &'a Settings, network: T, hosts: Vec<Host>) -> Self {
        // In the real one's 32 bits.
        let targets = u32::try_from(hosts.len()).unwrap_or(u32::MAX);
        let all = targets.wrapping_mul(settings.packets);
        let longest = all
            .wrapping_mul(settings.packet_interval)
            .wrapping_add(targets.wrapping_mul(settings.target_interval))
            .wrapping_add(all.wrapping_mul(settings.crit.rta))
            .wrapping_add(settings.crit.rta);
        Self {
            settings,
            network,
            hosts,
            begun: Instant::now(),
            longest: Duration::from_micros(u64::from(longest)),
            sent: 0,
            received: 0,
            lost: 0,
            down: 0,
        }
    }

    async fn run(mut self) -> Result<Report, Foreign> {
        let timeout = self.settings.timeout;
        match tokio::time::timeout(timeout, self.send_all()).await {
            Ok(Err(Stop::Foreign(why))) => return Err(why),
            Ok(Err(Stop::Said(report))) => return Ok(report),
            // Past the timeout, it says what it knows.
            Ok(Ok(()) | Err(Stop::Finish)) | Err(_) => {}
        }
        let settings = self.settings;
        Ok(judge::judge(
            &mut self.hosts,
            self.down,
            settings.warn,
            settings.crit,
            settings.least,
        ))
    }

    async fn send_all(&mut self) -> Result<(), Stop> {
        let between_rounds = self
            .settings
            .packet_interval
            .wrapping_mul(u32::try_from(self.hosts.len()).unwrap_or(u32::MAX));
        for _ in 0..self.settings.packets {
            for at in 0..self.hosts.len() {
                if self.hosts.len() <= self.down {
                    return Ok(());
                }
                if self.hosts[at].error.is_some() {
                    continue;
                }
                let to = SocketAddr::new(self.hosts[at].address, 0);
                match self.network.send(to, at, self.settings.data) {
                    Ok(_) => {
                        self.sent += 1;
                        self.hosts[at].sent += 1;
                    }
                    Err(error) if is_for_want_of_room(&error) => {
                        return Err(Stop::Foreign(Foreign::unhandled(format!(
                            "cannot send: {error}"
                        ))));
                    }
                    // What cannot be sent for another reason does not count.
                    Err(_) => {}
                }
                self.wait(self.settings.target_interval).await?;
            }
            self.wait(between_rounds).await?;
        }
        let left = self.longest.saturating_sub(self.begun.elapsed());
        let left = u32::try_from(left.as_micros()).unwrap_or(u32::MAX);
        self.wait(left).await
    }

    const fn under_way(&self) -> bool {
        self.received + self.lost < self.sent
    }

    /// Takes what comes, so long and no longer than something may come.
    async fn wait(&mut self, micros: u32) -> Result<(), Stop> {
        let until = Instant::now() + Duration::from_micros(u64::from(micros));
        let longest = self.begun + self.longest;
        while micros != 0 && self.under_way() {
            let host_check_failed = self.settings.mode == Mode::HostCheck && self.down != 0;
            if self.hosts.len() <= self.down || longest <= Instant::now() || host_check_failed {
                return Err(Stop::Finish);
            }
            let until = tokio::time::Instant::from_std(until.min(longest));
            match tokio::time::timeout_at(until, self.network.event()).await {
                Ok(event) => self.take(event)?,
                Err(_) if longest <= Instant::now() => return Err(Stop::Finish),
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    fn take(&mut self, event: Event) -> Result<(), Stop> {
        let host = &mut self.hosts[event.tag];
        match event.what {
            What::Reply(took) => {
                if !host.is_first(event.number) {
                    return Err(Stop::Foreign(Foreign::unhandled(
                        "duplicates, with which the real one's sum runs over",
                    )));
                }
                let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                host.received(took);
                self.received += 1;
                if self.settings.mode == Mode::HostCheck {
                    return Err(Stop::Said(self.alive(event.tag, took)));
                }
            }
            // Of IPv6's, the real one knows none.
            What::Error { .. } if host.address.is_ipv6() => {}
            What::Error { kind: 4, .. } => {
                return Err(Stop::Foreign(Foreign::unhandled(
                    "a router asks to send less, and how much less is up to the real one",
                )));
            }
            What::Error { kind, code, from } => {
                self.lost += 1;
                if host.error.is_none() {
                    self.down += 1;
                    host.error = Some((kind, code, from));
                }
            }
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "microseconds of a round trip")]
    fn alive(&self, at: usize, took: u64) -> Report {
        let settings = self.settings;
        let took = took as f64 / 1000.0;
        Report::new(
            State::Ok,
            format!(
                "OK - {} responds to ICMP. Packet {}, rta {took:.3}ms|pkt={};;;0;{} rta={took:.3};{};{};;",
                self.hosts[at].name,
                self.received,
                self.received,
                settings.packets,
                judge::millis(settings.warn.rta),
                judge::millis(settings.crit.rta),
            ),
        )
    }
}

/// The real one has a socket of its own, and waits for room.
fn is_for_want_of_room(error: &io::Error) -> bool {
    use io::ErrorKind::{Other, OutOfMemory, WouldBlock, WriteZero};
    matches!(error.kind(), Other | OutOfMemory | WouldBlock | WriteZero)
        || error.raw_os_error() == Some(nix::libc::ENOBUFS)
}

/// Why it ends before all is sent.
enum Stop {
    Finish,
    Said(Report),
    Foreign(Foreign),
}

#[cfg(test)]
mod tests;
