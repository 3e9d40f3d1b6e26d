//! The command line of `check_ping`.

use crate::{
    Foreign,
    net::Family,
    options::{self, Opt, flag, valued},
    threshold,
};

const KNOWN: [Opt; 9] = [
    valued('H', "hostname"),
    valued('w', "warning"),
    valued('c', "critical"),
    valued('p', "packets"),
    valued('t', "timeout"),
    flag('4', "use-ipv4"),
    flag('6', "use-ipv6"),
    flag('L', "link"),
    flag('n', "nohtml"),
];

/// A run with more would hold too much of the table that all checks share.
const MOST_PACKETS: i64 = 1000;
const MOST_SECONDS: i64 = 86_400;
const MOST_HOSTS: usize = 50;

/// What alerts, from there on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Limit {
    /// Milliseconds, in the real one's precision.
    pub rta: f32,
    /// Percent.
    pub loss: i64,
}

#[derive(Debug)]
pub(super) struct Settings {
    pub hosts: Vec<String>,
    pub family: Family,
    pub warn: Limit,
    pub crit: Limit,
    pub packets: u32,
    /// Seconds.
    pub timeout: u64,
    pub link: bool,
}

pub(super) fn read(args: &[String]) -> Result<Settings, Foreign> {
    // Spellings from before the options had long names.
    let args: Vec<String> = args
        .iter()
        .map(|arg| match &**arg {
            "-to" => "-t".to_owned(),
            "-nohtml" => "-n".to_owned(),
            _ => arg.clone(),
        })
        .collect();
    let parsed = options::parse(&args, &KNOWN)?;
    let mut hosts: Vec<String> = Vec::new();
    let mut family = Family::Any;
    let (mut warn, mut crit) = ((None, None), (None, None));
    let (mut packets, mut timeout, mut link) = (5, 10, false);
    for option in parsed.options {
        let value = option.value;
        match option.name {
            "hostname" => hosts.extend(value.split(',').map(str::to_owned)),
            "warning" => limit(&value, &mut warn)?,
            "critical" => limit(&value, &mut crit)?,
            "packets" => packets = count(&value, MOST_PACKETS)?,
            "timeout" => timeout = count(&value, MOST_SECONDS)?,
            "use-ipv4" => family = Family::V4,
            "use-ipv6" => family = Family::V6,
            "link" => link = true,
            _ => link = false,
        }
    }
    match &*parsed.operands {
        [] => {}
        [host] if hosts.is_empty() => hosts.push(host.clone()),
        _ => {
            return Err(Foreign::unhandled(
                "thresholds as operands, of which none is an option's value",
            ));
        }
    }
    if hosts.is_empty() {
        return Err(Foreign::usage(
            "You must specify a server address or host name",
        ));
    }
    if MOST_HOSTS < hosts.len() {
        return Err(Foreign::unhandled("so many hosts"));
    }
    let (warn, crit) = (whole(warn)?, whole(crit)?);
    if crit.rta < warn.rta || crit.loss < warn.loss {
        return Err(Foreign::usage(
            "a warning threshold cannot be larger than the critical one",
        ));
    }
    Ok(Settings {
        hosts,
        family,
        warn,
        crit,
        packets: u32::try_from(packets).unwrap_or_default(),
        timeout: longest(timeout, crit.rta, packets)?,
        link,
    })
}

/// The timeout, or more, if so many packets that are all just not critical take longer.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "the real one's precision, and bounded"
)]
fn longest(timeout: i64, crit: f32, packets: i64) -> Result<u64, Foreign> {
    let packets = packets as f64;
    let longest = (f64::from(crit) / 1000.0 * packets + packets) as f32;
    let seconds = if (timeout as f32) < longest {
        longest as i64
    } else {
        timeout
    };
    if MOST_SECONDS < seconds {
        return Err(Foreign::unhandled("a run of more than a day"));
    }
    Ok(u64::try_from(seconds).unwrap_or_default())
}

fn count(value: &str, most: i64) -> Result<i64, Foreign> {
    let number = threshold::whole(value);
    if threshold::is_count(value) && (1..=most).contains(&number) {
        Ok(number)
    } else {
        Err(Foreign::unhandled(format!("a number of `{value}`")))
    }
}

type Parts = (Option<f32>, Option<i64>);

fn whole(parts: Parts) -> Result<Limit, Foreign> {
    match parts {
        (Some(rta), Some(loss)) => Ok(Limit { rta, loss }),
        _ => Err(Foreign::usage(
            "both thresholds need a round trip time and a loss",
        )),
    }
}

/// `RTA,LOSS%` or with a colon, RTA alone, or `LOSS%` alone: then the other one stays as it is.
fn limit(text: &str, parts: &mut Parts) -> Result<(), Foreign> {
    let odd = || Foreign::unhandled(format!("a threshold of `{text}`"));
    let rta = |text: &str| {
        let plain = text.bytes().any(|byte| byte.is_ascii_digit())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.');
        text.parse::<f32>().ok().filter(|_| plain).ok_or_else(odd)
    };
    let loss = |text: &str| {
        // What follows the number is not looked at, but there must be a percent sign.
        let end = text
            .find(|letter: char| !letter.is_ascii_digit())
            .filter(|end| (1..=6).contains(end) && text.contains('%'))
            .ok_or_else(odd)?;
        // 200 is its word for not given.
        Some(threshold::whole(&text[..end]))
            .filter(|loss| *loss != 200)
            .ok_or_else(odd)
    };
    if threshold::is_count(text) {
        parts.0 = Some(rta(text)?);
    } else if let Some(at) = text.find([',', ':']) {
        parts.0 = Some(rta(&text[..at])?);
        parts.1 = Some(loss(text[at..].trim_start_matches([',', ':']))?);
    } else {
        parts.1 = Some(loss(text)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(line: &str) -> Result<Settings, Foreign> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        read(&args)
    }

    #[test]
    fn thresholds_as_the_real_one_reads_them() {
        for (text, rta, loss) in [
            ("100,20%", 100.0, 20),
            ("100.0,20%", 100.0, 20),
            ("100:20%", 100.0, 20),
            ("100,:,20%", 100.0, 20),
            ("1.5,20%x", 1.5, 20),
            ("0,0%", 0.0, 0),
            ("100,20.5%", 100.0, 20),
        ] {
            let settings = settings(&format!("-H a -w {text} -c 9999,100%")).expect(text);
            assert_eq!(settings.warn, Limit { rta, loss }, "{text}");
        }
        let apart = settings("-H a -w 5 -w 6% -c 7% -c 8").expect("two parts");
        assert_eq!(apart.warn, Limit { rta: 5.0, loss: 6 });
        assert_eq!(apart.crit, Limit { rta: 8.0, loss: 7 });
    }

    #[test]
    fn what_is_refused() {
        for line in [
            "-H a -w 1,20% -c 2",
            "-H a -w 1,20 -c 2,30",
            "-H a -w 3,20% -c 2,30%",
            "-H a -w 1,40% -c 2,30%",
            "-H a -w 1,x% -c 2,30%",
            "-H a -w -1,5% -c 2,30%",
            "-H a -w nan,5% -c 2,30%",
            "-H a -w 1,200% -c 2,300%",
            "-H a -w 1,20% -c 99999999999,30%",
            "-H a -p 0 -w 1,20% -c 2,30%",
            "-H a -p x -w 1,20% -c 2,30%",
            "-H a -t 0 -w 1,20% -c 2,30%",
            "-w 1,20% -c 2,30%",
            "-H a b -w 1,20% -c 2,30%",
            "a b -w 1,20% -c 2,30%",
            "-H a -v -w 1,20% -c 2,30%",
        ] {
            assert!(settings(line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_timeout_leaves_room_for_the_packets() {
        for (line, seconds) in [
            ("-p 5 -c 500,60%", 10),
            ("-p 5 -c 5000,60%", 30),
            ("-p 1 -t 1 -c 500,60%", 1),
            ("-p 2 -t 1 -c 500,60%", 3),
            ("-p 20 -c 500,60%", 30),
        ] {
            let settings = settings(&format!("-H a -w 0,0% {line}")).expect(line);
            assert_eq!(settings.timeout, seconds, "{line}");
        }
    }
}
