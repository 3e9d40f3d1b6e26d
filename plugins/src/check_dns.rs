//! `check_dns`: a lookup, and whether it gives what is expected.
//!
//! The real one runs nslookup and reads what that prints. So what nslookup asks, and how the real one reads its lines,
//! is what this does; where nslookup has a way of its own with an answer, it is left to it.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};

use crate::{
    Foreign, Probe, Report, State,
    dns::{
        ask::{Answer, Patience, ask},
        message::{self, Data, Message, Name},
        resolv_conf::{self, ResolvConf},
    },
    net::Family,
    options::{self, Opt, flag, valued},
    peer, perfdata,
    threshold::{self, Range},
};

const KNOWN: [Opt; 9] = [
    valued('H', "hostname"),
    valued('s', "server"),
    valued('a', "expected-address"),
    flag('n', "expect-nxdomain"),
    flag('A', "expect-authority"),
    flag('L', "all"),
    valued('w', "warning"),
    valued('c', "critical"),
    valued('t', "timeout"),
];

/// The real one keeps names in so much room.
const LONGEST_ARGUMENT: usize = 255;
/// The real one counts expected and found ones with the bits of a number.
const MOST_ADDRESSES: usize = 30;

const REFUSED: u8 = 5;
const NO_SUCH_NAME: u8 = 3;

struct Settings {
    host: String,
    /// Empty: those of the system.
    server: String,
    expected: Vec<String>,
    all: bool,
    expect_none: bool,
    expect_authority: bool,
    warn: Option<Range>,
    crit: Option<Range>,
    timeout: u64,
    name: Name,
    /// `PTR`, or `A` and then `AAAA`.
    reverse: bool,
}

pub(crate) fn prepare(_: &str, args: &[String]) -> Result<Probe, Foreign> {
    let settings = read(args)?;
    Ok(Probe::new(async move {
        let servers = Servers::find(&settings).await?;
        let limit = Duration::from_secs(settings.timeout);
        match tokio::time::timeout(limit, run(settings, servers)).await {
            Ok(ran) => ran,
            Err(_) => Ok(Report::new(
                State::Critical,
                "CRITICAL - Plugin timed out while executing system call",
            )),
        }
    }))
}

fn read(args: &[String]) -> Result<Settings, Foreign> {
    let args = peer::without_old_spellings(args);
    let parsed = options::parse(&args, &KNOWN)?;
    let mut host = String::new();
    let mut server = String::new();
    let mut expected = Vec::new();
    let (mut all, mut expect_none, mut expect_authority) = (false, false, false);
    let (mut warn, mut crit) = (None, None);
    let mut seconds = 10;
    for option in parsed.options {
        let value = option.value;
        if LONGEST_ARGUMENT < value.len() {
            return Err(Foreign::usage("Input buffer overflow"));
        }
        match option.name {
            "hostname" => host = value,
            "server" if server.is_empty() => server = value,
            "server" => return Err(Foreign::unhandled("-s is there twice")),
            "expected-address" => expected.extend(value.split(',').map(str::to_owned)),
            "expect-nxdomain" => expect_none = true,
            "expect-authority" => expect_authority = true,
            "all" => all = true,
            "warning" => warn = Some(range(&value)?),
            "critical" => crit = Some(range(&value)?),
            "timeout" => seconds = peer::positive(&value, "Not a timeout of ours")?,
            _ => {}
        }
    }
    let mut operands = parsed.operands.into_iter();
    if host.is_empty() {
        host = operands.next().unwrap_or_default();
    }
    if server.is_empty() {
        server = operands.next().unwrap_or_default();
    }
    if host.is_empty() {
        return Err(Foreign::usage("missing --host argument"));
    }
    if expect_none && !expected.is_empty() {
        return Err(Foreign::usage(
            "--expected-address and --expect-nxdomain cannot be combined",
        ));
    }
    if MOST_ADDRESSES < expected.len() || !expected.iter().all(|text| is_comparable(text)) {
        return Err(Foreign::unhandled(
            "-a is more than addresses and nets of IPv4",
        ));
    }
    let (name, reverse) = question(&host)?;
    Ok(Settings {
        host,
        server,
        expected,
        all,
        expect_none,
        expect_authority,
        warn,
        crit,
        timeout: seconds.unsigned_abs(),
        name,
        reverse,
    })
}

fn range(text: &str) -> Result<Range, Foreign> {
    if text.is_empty() {
        return Err(Foreign::unhandled("a threshold without a character"));
    }
    Range::parse(text).ok_or_else(|| Foreign::usage("Range format incorrect"))
}

/// A net of any other kind the real one compares in ways of its own.
fn is_comparable(expected: &str) -> bool {
    !expected.contains('/') || Net::parse(expected).is_some()
}

#[derive(Debug)]
struct Net {
    address: u32,
    mask: u32,
}

impl Net {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let address = address.parse::<Ipv4Addr>().ok()?.to_bits();
        if !threshold::is_count(bits) {
            return None;
        }
        let bits: u32 = bits.parse().ok()?;
        if bits == 0 || 32 < bits {
            return None;
        }
        let mask = u32::MAX << (32 - bits);
        // What is no address of IPv4 is 0.0.0.0 to the real one: a net that holds it holds them all.
        (address & mask != 0).then_some(Self { address, mask })
    }

    fn holds(&self, text: &str) -> bool {
        text.parse::<Ipv4Addr>()
            .is_ok_and(|address| address.to_bits() & self.mask == self.address & self.mask)
    }
}

/// The name to ask for, and whether it is that of an address.
fn question(host: &str) -> Result<(Name, bool), Foreign> {
    let foreign = || Foreign::unhandled(format!("`{host}` is no plain name of a host"));
    let (text, reverse) = match host.parse::<IpAddr>() {
        Ok(address) => (reverse_name(address), true),
        Err(_) => (host.to_owned(), false),
    };
    let numeric = !reverse
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
    // A hyphen in front is an option of nslookup; what ends in arpa is read in another way.
    if numeric || text.starts_with('-') || !reverse && text.to_ascii_lowercase().contains("arpa") {
        return Err(foreign());
    }
    let name = Name::parse(&text).ok_or_else(foreign)?;
    if !reads_as_a_name(&name) {
        return Err(foreign());
    }
    Ok((name, reverse))
}

fn reverse_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let mut text = String::with_capacity(72);
            for octet in address.octets().iter().rev() {
                text += &format!("{:x}.{:x}.", octet & 0xf, octet >> 4);
            }
            text + "ip6.arpa"
        }
    }
}

/// The real one looks for words in what nslookup prints: names that contain them say too much.
fn reads_as_a_name(name: &Name) -> bool {
    let text = name.text();
    name.is_plain()
        && !["Refused", "NXDOMAIN", "REFUSED", "Non-existent"]
            .iter()
            .any(|word| text.contains(word))
}

struct Servers {
    first: IpAddr,
    /// Where the first does not know, nslookup asks others.
    alone: bool,
    /// The first of them that exists is meant.
    names: Vec<Name>,
    patience: Patience,
}

impl Servers {
    async fn find(settings: &Settings) -> Result<Self, Foreign> {
        let system = resolv_conf::load().ok_or_else(|| {
            Foreign::unhandled("/etc/resolv.conf says things that we do not know")
        })?;
        let names = settings.names(&system)?;
        let patience = Patience {
            attempts: system.attempts.unwrap_or(3),
            each: Duration::from_secs(system.patience.unwrap_or(5)),
        };
        if settings.server.is_empty() {
            let first = system.servers.first().copied();
            return Ok(Self {
                first: first.ok_or_else(|| Foreign::unhandled("no name server is configured"))?,
                alone: system.servers.len() == 1,
                names,
                patience,
            });
        }
        let mut found: Vec<IpAddr> = peer::addresses(&settings.server, 53, Family::Any)
            .await?
            .iter()
            .map(std::net::SocketAddr::ip)
            .collect();
        found.dedup();
        match found[..] {
            [first] => Ok(Self {
                first,
                alone: true,
                names,
                patience,
            }),
            _ => Err(Foreign::unhandled("the name server has several addresses")),
        }
    }
}

/// What nslookup's lines come to.
#[derive(Default)]
struct Found {
    addresses: Vec<String>,
    no_such_name: bool,
    not_authoritative: bool,
}

async fn run(settings: Settings, servers: Servers) -> Result<Report, Foreign> {
    let begun = Instant::now();
    let mut found = Found::default();
    let looked_up = if settings.reverse {
        pointers(&settings, &servers, &mut found).await?
    } else {
        addresses(&settings, &servers, &mut found).await?
    };
    if let Some(report) = looked_up {
        return Ok(report);
    }
    if found.no_such_name && !settings.expect_none {
        return Ok(settings.not_found());
    }
    found.addresses.sort_unstable();
    settings.judge(found, begun.elapsed())
}

/// A report, if there is nothing more to say.
async fn addresses(
    settings: &Settings,
    servers: &Servers,
    found: &mut Found,
) -> Result<Option<Report>, Foreign> {
    let mut name = settings.name.clone();
    let mut empty = true;
    for kind in [message::A, message::AAAA] {
        let message = if kind == message::A {
            settings.look_up_first(servers, &mut name).await?
        } else {
            settings.look_up(servers, &name, kind).await?
        };
        let message = match message {
            Ok(message) => message,
            Err(report) => return Ok(Some(report)),
        };
        if message.code != 0 {
            found.no_such_name = true;
            return Ok(None);
        }
        if kind == message::A {
            found.not_authoritative = !message.authoritative;
            name = end_of_chain(&message, name);
        }
        empty &= message.answers.is_empty();
        for record in message.answers {
            match record.data {
                Data::Address(address) => found.addresses.push(address),
                Data::Canonical(target)
                    if reads_as_a_name(&target) && !target.text().contains("arpa") => {}
                _ => return Err(Foreign::unhandled("an answer with records of other kinds")),
            }
            if !reads_as_a_name(&record.owner) || record.owner.text().contains("arpa") {
                return Err(Foreign::unhandled("an answer about an unusual name"));
            }
        }
    }
    found.no_such_name = empty;
    Ok(None)
}

async fn pointers(
    settings: &Settings,
    servers: &Servers,
    found: &mut Found,
) -> Result<Option<Report>, Foreign> {
    let message = match settings
        .look_up(servers, &settings.name, message::PTR)
        .await?
    {
        Ok(message) => message,
        Err(report) => return Ok(Some(report)),
    };
    if message.code != 0 {
        found.no_such_name = true;
        return Ok(None);
    }
    for record in message.answers {
        // The real one takes the name of any line in which such a domain is.
        let owner = record.owner.text();
        let (Data::Pointer(target) | Data::Canonical(target)) = record.data else {
            return Err(Foreign::unhandled("an answer with records of other kinds"));
        };
        if !owner.contains(".in-addr.arpa") && !owner.contains(".ip6.arpa")
            || !reads_as_a_name(&record.owner)
            || !reads_as_a_name(&target)
        {
            return Err(Foreign::unhandled("an answer about an unusual name"));
        }
        found.addresses.push(target.text() + ".");
    }
    Ok(None)
}

/// Where its canonical names lead to.
fn end_of_chain(message: &Message, mut name: Name) -> Name {
    // Each record leads one step at most, so that a ring ends.
    for _ in 0..message.answers.len() {
        let next = message
            .answers
            .iter()
            .find_map(|record| match &record.data {
                Data::Canonical(target) if record.owner.is(&name) => Some(target.clone()),
                _ => None,
            });
        match next {
            Some(next) => name = next,
            None => break,
        }
    }
    name
}

impl Settings {
    /// A short name is tried in the domains of the system, and then as it is.
    fn names(&self, system: &ResolvConf) -> Result<Vec<Name>, Foreign> {
        let is_short = !self.reverse
            && !self.host.ends_with('.')
            && self.host.matches('.').count() < system.dots;
        let mut names = Vec::new();
        for domain in system.search.iter().filter(|_| is_short) {
            let name = Name::parse(&format!("{}.{domain}", self.host));
            let name = name.filter(reads_as_a_name);
            names.push(name.ok_or_else(|| Foreign::unhandled("a domain that is no plain name"))?);
        }
        names.push(self.name.clone());
        Ok(names)
    }

    /// Asks for addresses of IPv4 until one of the names exists, which `name` is then.
    async fn look_up_first(
        &self,
        servers: &Servers,
        name: &mut Name,
    ) -> Result<Result<Message, Report>, Foreign> {
        let mut rest = servers.names.iter().peekable();
        loop {
            if let Some(next) = rest.next() {
                name.clone_from(next);
            }
            let message = self.look_up(servers, name, message::A).await?;
            let is_missing = matches!(&message, Ok(message) if message.code == NO_SUCH_NAME);
            if !is_missing || rest.peek().is_none() {
                return Ok(message);
            }
        }
    }

    /// An answer, or what to say without one.
    async fn look_up(
        &self,
        servers: &Servers,
        name: &Name,
        kind: u16,
    ) -> Result<Result<Message, Report>, Foreign> {
        match ask(servers.first, servers.patience, name, kind).await {
            Answer::Odd(why) => Err(Foreign::unhandled(why)),
            Answer::None if servers.alone => Ok(Err(Report::new(
                State::Critical,
                format!("No response from DNS {}", self.server),
            ))),
            Answer::None => Err(Foreign::unhandled("other name servers are to be asked")),
            Answer::Message(message) => match message.code {
                0 | NO_SUCH_NAME => Ok(Ok(message)),
                _ if !servers.alone => {
                    Err(Foreign::unhandled("other name servers are to be asked"))
                }
                REFUSED => Ok(Err(Report::new(
                    State::Critical,
                    format!("Connection to DNS {} was refused", self.server),
                ))),
                _ => Ok(Ok(message)),
            },
        }
    }

    fn not_found(&self) -> Report {
        Report::new(
            State::Critical,
            format!("Domain '{}' was not found by the server", self.host),
        )
    }

    fn judge(&self, found: Found, took: Duration) -> Result<Report, Foreign> {
        let critical = |text: String| {
            Ok(Report::new(
                State::Critical,
                format!("DNS CRITICAL - {text}"),
            ))
        };
        let mut shown = found.addresses.join(",");
        if !self.expected.is_empty() {
            if MOST_ADDRESSES < found.addresses.len()
                || self.reverse && self.expected.iter().any(|expected| expected.contains('/'))
            {
                return Err(Foreign::unhandled("more than -a compares"));
            }
            if !self.is_expected(&found.addresses) {
                return critical(format!(
                    "expected '{}' but got '{shown}'",
                    self.expected.join("; ")
                ));
            }
        }
        if self.expect_none {
            if !found.no_such_name {
                return critical(format!(
                    "Domain '{}' was found by the server: '{shown}'\n",
                    self.host
                ));
            }
            "NXDOMAIN".clone_into(&mut shown);
        }
        if self.expect_authority && found.not_authoritative {
            return critical(format!(
                "server {} is not authoritative for {}",
                self.server, self.host
            ));
        }
        let seconds = took.as_secs_f64();
        let alerts =
            |range: &Option<Range>| range.as_ref().is_some_and(|range| range.alerts(seconds));
        let state = if alerts(&self.crit) {
            State::Critical
        } else if alerts(&self.warn) {
            State::Warning
        } else {
            State::Ok
        };
        let end = |range: &Option<Range>| range.as_ref().map(|range| range.end.unwrap_or(0.0));
        let data = perfdata::float(
            "time",
            seconds,
            "s",
            end(&self.warn),
            end(&self.crit),
            Some(0.0),
            None,
        );
        let unit = if took.as_secs() == 1 {
            "second"
        } else {
            "seconds"
        };
        Ok(Report::new(
            state,
            format!(
                "DNS {}: {seconds:.3} {unit} response time. {} returns {shown}|{data}",
                state.name(),
                self.host
            ),
        ))
    }

    /// One of them is found; with `-L` all of them, and nothing else.
    fn is_expected(&self, addresses: &[String]) -> bool {
        let fits = |address: &str, expected: &str| {
            address == expected || Net::parse(expected).is_some_and(|net| net.holds(address))
        };
        let is_found = |expected: &String| addresses.iter().any(|address| fits(address, expected));
        if self.all {
            self.expected.iter().all(is_found)
                && addresses
                    .iter()
                    .all(|address| self.expected.iter().any(|expected| fits(address, expected)))
        } else {
            self.expected.iter().any(is_found)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_addresses() {
        let name = |text: &str| reverse_name(text.parse().expect(text));
        assert_eq!(name("192.0.2.1"), "1.2.0.192.in-addr.arpa");
        assert_eq!(
            name("2001:db8::1"),
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
        );
    }

    #[test]
    fn nets() {
        let net = Net::parse("192.0.2.128/25").expect("a net");
        assert!(net.holds("192.0.2.129") && !net.holds("192.0.2.1") && !net.holds("::1"));
        for odd in [
            "10.0.0.0/0",
            "10.0.0.0/33",
            "2001:db8::/32",
            "10/8",
            "0.0.0.1/8",
            "1.2.3.4/-1",
        ] {
            assert!(Net::parse(odd).is_none(), "{odd}");
        }
    }

    #[test]
    fn hosts_that_nslookup_takes_in_its_own_way() {
        for host in [
            "-x",
            "127.1",
            "a b",
            "x.arpa",
            "$x",
            "a'b",
            "NXDOMAIN.test",
            "fe80::1%eth0",
        ] {
            assert!(question(host).is_err(), "{host}");
        }
        assert!(question("a_b.test.").is_ok_and(|(_, reverse)| !reverse));
        assert!(question("::1").is_ok_and(|(_, reverse)| reverse));
    }
}
