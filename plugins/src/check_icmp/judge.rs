//! What `check_icmp` makes of the replies: states, text and performance data.

use std::net::IpAddr;

use super::c_numbers::{time, unsigned};
use crate::{Foreign, Report, State};

/// What alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    /// Microseconds.
    pub rta: u32,
    /// Percent.
    pub loss: u8,
}

impl Limit {
    /// `RTA,LOSS%`, or RTA alone. The real one looks for the comma from the end and leaves out the first two characters,
    /// so that the loss in `5,20%` is not seen; nor is it by us.
    pub fn read(&mut self, text: &str) -> Result<(), Foreign> {
        let bytes = text.as_bytes();
        if bytes.len() < 2 {
            // There, it looks for a comma before the text's beginning.
            return Err(Foreign::unhandled(format!("a threshold of `{text}`")));
        }
        let mut end = bytes.len();
        let mut loss_end = bytes.len();
        let mut seen_one = false;
        for at in (2..bytes.len()).rev() {
            if bytes[at] == b'%' {
                (end, loss_end) = (at, at);
            } else if bytes[at] == b',' && seen_one {
                end = at;
                let value = unsigned(text.get(at + 1..loss_end).unwrap_or_default()).0;
                self.loss = value.to_be_bytes()[7];
                break;
            }
            seen_one = true;
        }
        self.rta = time(text.get(..end).unwrap_or_default());
        if self.rta != 0 {
            self.rta = self.rta.min(255_000_000);
            self.loss = self.loss.min(100);
        }
        Ok(())
    }
}

/// Somebody to be asked.
pub(super) struct Host {
    /// As it was given.
    pub name: String,
    pub address: IpAddr,
    pub sent: u32,
    /// Numbers of the packets that were replied to; at most 20.
    replied: Vec<u64>,
    received: u32,
    /// Microseconds.
    waited: u64,
    longest: u64,
    shortest: Option<u64>,
    /// An ICMP error's type, code and sender: nothing more is sent there.
    pub error: Option<(u8, u8, IpAddr)>,
}

impl Host {
    pub fn new(name: &str, address: IpAddr) -> Self {
        Self {
            name: name.to_owned(),
            address,
            sent: 0,
            replied: Vec::new(),
            received: 0,
            waited: 0,
            longest: 0,
            shortest: None,
            error: None,
        }
    }

    /// Whether no reply to this packet came before.
    pub fn is_first(&mut self, number: u64) -> bool {
        let first = !self.replied.contains(&number);
        if first {
            self.replied.push(number);
        }
        first
    }

    pub fn received(&mut self, micros: u64) {
        self.received += 1;
        self.waited = self.waited.saturating_add(micros);
        self.longest = self.longest.max(micros);
        self.shortest = Some(self.shortest.map_or(micros, |least| least.min(micros)));
    }

    fn loss(&self) -> u8 {
        if self.received == 0 {
            return 100;
        }
        let lost = self.sent.saturating_sub(self.received) * 100 / self.sent.max(1);
        u8::try_from(lost).unwrap_or(100)
    }

    /// Microseconds.
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a round trip")]
    fn rta(&self) -> f64 {
        if self.received == 0 {
            0.0
        } else {
            self.waited as f64 / f64::from(self.received)
        }
    }

    fn text(&self) -> String {
        let name = &self.name;
        match self.error {
            _ if 0 < self.received => {
                format!(
                    "{name}: rta {:.3}ms, lost {}%",
                    self.rta() / 1000.0,
                    self.loss()
                )
            }
            Some((kind, code, from)) => {
                format!(
                    "{name}: {} @ {from}. rta nan, lost 100%",
                    error_text(kind, code)
                )
            }
            None => format!("{name}: rta nan, lost 100%"),
        }
    }

    fn data(&self, label: &str, warn: Limit, crit: Limit) -> String {
        let (shortest, longest) = (self.shortest.unwrap_or_default(), self.longest);
        format!(
            "{label}rta={:.3}ms;{};{};0; {label}pl={}%;{};{};; {label}rtmax={}ms;;;; {label}rtmin={}ms;;;; ",
            self.rta() / 1000.0,
            millis(warn.rta),
            millis(crit.rta),
            self.loss(),
            warn.loss,
            crit.loss,
            millis(u32::try_from(longest).unwrap_or(u32::MAX)),
            millis(u32::try_from(shortest).unwrap_or(u32::MAX)),
        )
    }
}

/// Microseconds as milliseconds, in the real one's single precision.
#[expect(clippy::cast_precision_loss, reason = "as the real one has it")]
pub(super) fn millis(micros: u32) -> String {
    format!("{:.3}", micros as f32 / 1000.0)
}

/// All hosts together. `down`: so many had an error.
pub(super) fn judge(
    hosts: &mut [Host],
    mut down: usize,
    warn: Limit,
    crit: Limit,
    least: i32,
) -> Report {
    let mut state = State::Ok;
    let (mut fine, mut warned) = (0, 0);
    let mut silent = false;
    for host in hosts.iter() {
        let (loss, rta) = (host.loss(), host.rta());
        if host.received == 0 {
            silent = true;
            state = State::Critical;
            if host.error.is_none() && down < hosts.len() {
                down += 1;
            }
        }
        if crit.loss <= loss || f64::from(crit.rta) <= rta {
            state = State::Critical;
        } else if state == State::Ok && (warn.loss <= loss || f64::from(warn.rta) <= rta) {
            state = State::Warning;
            warned += 1;
        } else {
            // After the first that warns, others that would count as fine.
            fine += 1;
        }
    }
    if hosts.len() <= down {
        state = State::Critical;
    }
    let by_number = |state: State| {
        if least < 0 {
            state
        } else if least <= fine {
            State::Ok
        } else if least <= fine + warned {
            State::Warning
        } else {
            state
        }
    };
    let shown = by_number(state);
    // What it ends with is settled after what it shows.
    let ended = by_number(if silent { State::Critical } else { shown });
    let texts: Vec<String> = hosts.iter().map(Host::text).collect();
    let mut text = format!("{} - {}|", shown.name(), texts.join(" :: "));
    for host in hosts.iter() {
        let label = if 1 < hosts.len() { &host.name } else { "" };
        text += &host.data(label, warn, crit);
    }
    Report::new(ended, text)
}

fn error_text(kind: u8, code: u8) -> &'static str {
    match (kind, code) {
        (3, 0) => "Net unreachable",
        (3, 1) => "Host unreachable",
        (3, 2) => "Protocol unreachable (firewall?)",
        (3, 3) => "Port unreachable (firewall?)",
        (3, 4) => "Fragmentation needed",
        (3, 5) => "Source route failed",
        (3, 6) => "Unknown network",
        (3, 7) => "Unknown host",
        (3, 8) => "Source host isolated",
        (3, 9) => "Network denied (firewall?)",
        (3, 10) => "Host denied (firewall?)",
        (3, 11) => "Bad TOS for network (firewall?)",
        (3, 12) => "Bad TOS for host (firewall?)",
        (3, 13) => "Prohibited by filter (firewall)",
        (3, 14) => "Host precedence violation",
        (3, 15) => "Precedence cutoff",
        (11, 0) => "Time to live exceeded in transit",
        (11, 1) => "Fragment reassembly time exceeded",
        (3 | 11, _) => "Invalid code",
        (12, _) => "Bad IP header (required option absent)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WARN: Limit = Limit {
        rta: 200_000,
        loss: 40,
    };
    const CRIT: Limit = Limit {
        rta: 500_000,
        loss: 80,
    };

    #[test]
    fn thresholds_as_the_real_one_reads_them() {
        for (text, rta, loss) in [
            ("100,20%", 100_000, 20),
            ("100.5,20%", 100_500, 20),
            ("1s,10%", 1_000_000, 10),
            ("100", 100_000, 40),
            ("100%", 100_000, 40),
            ("5,20%", 5000, 40),
            ("100,20%,30", 100_000, 30),
            ("100,", 100_000, 40),
            ("100,200%", 100_000, 100),
            ("abc,20%", 0, 20),
            ("300s,0%", 255_000_000, 0),
            ("50", 50_000, 40),
        ] {
            let mut limit = WARN;
            limit.read(text).expect(text);
            assert_eq!(limit, Limit { rta, loss }, "{text}");
        }
        for text in ["", "5"] {
            assert!({ WARN }.read(text).is_err(), "{text}");
        }
        for text in ["éé,é%", "%%%%", ",,,,", "a,é"] {
            let _ = { WARN }.read(text);
        }
    }

    fn host(name: &str, sent: u32, replies: &[u64]) -> Host {
        let mut host = Host::new(name, "127.0.0.1".parse().expect("an address"));
        host.sent = sent;
        for reply in replies {
            host.received(*reply);
        }
        host
    }

    #[test]
    fn losses_and_times() {
        for (sent, replies, code, text) in [
            (
                5,
                &[1000, 2000][..],
                1,
                "WARNING - a: rta 1.500ms, lost 60%|rta=1.500ms;200.000;500.000;0; pl=60%;40;80;; rtmax=2.000ms;;;; rtmin=1.000ms;;;; ",
            ),
            (
                5,
                &[1000],
                2,
                "CRITICAL - a: rta 1.000ms, lost 80%|rta=1.000ms;200.000;500.000;0; pl=80%;40;80;; rtmax=1.000ms;;;; rtmin=1.000ms;;;; ",
            ),
            (
                3,
                &[1000, 1000],
                0,
                "OK - a: rta 1.000ms, lost 33%|rta=1.000ms;200.000;500.000;0; pl=33%;40;80;; rtmax=1.000ms;;;; rtmin=1.000ms;;;; ",
            ),
            (
                1,
                &[500_000],
                2,
                "CRITICAL - a: rta 500.000ms, lost 0%|rta=500.000ms;200.000;500.000;0; pl=0%;40;80;; rtmax=500.000ms;;;; rtmin=500.000ms;;;; ",
            ),
            (
                0,
                &[],
                2,
                "CRITICAL - a: rta nan, lost 100%|rta=0.000ms;200.000;500.000;0; pl=100%;40;80;; rtmax=0.000ms;;;; rtmin=0.000ms;;;; ",
            ),
        ] {
            let report = judge(&mut [host("a", sent, replies)], 0, WARN, CRIT, -1);
            assert_eq!((report.state.code(), &*report.text), (code, text));
        }
    }

    #[test]
    fn enough_hosts_are_enough() {
        let three = || {
            [
                host("a", 1, &[1000]),
                host("b", 2, &[1000]),
                host("c", 1, &[]),
            ]
        };
        for (least, code) in [(-1, 2), (0, 0), (1, 0), (2, 1), (3, 2)] {
            assert_eq!(
                judge(&mut three(), 0, WARN, CRIT, least).state.code(),
                code,
                "{least}"
            );
        }
    }
}
