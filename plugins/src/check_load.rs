//! `check_load`: the load averages of this host.

use crate::{
    Foreign, Probe, Report, State, local,
    options::{self, Opt, flag, valued},
};

const KNOWN: [Opt; 4] = [
    valued('w', "warning"),
    valued('c', "critical"),
    flag('r', "percpu"),
    valued('n', "procs-to-show"),
];

const MINUTES: [u8; 3] = [1, 5, 15];

struct Settings {
    warn: [f64; 3],
    crit: [f64; 3],
    per_cpu: bool,
}

pub(crate) fn prepare(_: &str, args: &[String]) -> Result<Probe, Foreign> {
    let settings = read(args)?;
    // Two looks into pseudo files that never wait.
    Ok(Probe::new(async move {
        let text = std::fs::read_to_string("/proc/loadavg")
            .map_err(|error| Foreign::unhandled(format!("/proc/loadavg: {error}")))?;
        let loads =
            loads(&text).ok_or_else(|| Foreign::unhandled("/proc/loadavg is not as we know it"))?;
        let cpus = if settings.per_cpu {
            Some(cpus()?)
        } else {
            None
        };
        Ok(settings.say(loads, cpus))
    }))
}

fn read(args: &[String]) -> Result<Settings, Foreign> {
    if args.is_empty() {
        return Err(Foreign::usage("Could not parse arguments"));
    }
    let mut settings = Settings {
        warn: [0.0; 3],
        crit: [0.0; 3],
        per_cpu: false,
    };
    // Operands are not looked at, as the real one never sees them either.
    for option in options::parse(args, &KNOWN)?.options {
        match option.name {
            "warning" => settings.warn = triplet(&option.value)?,
            "critical" => settings.crit = triplet(&option.value)?,
            "percpu" => settings.per_cpu = true,
            _ if option.value == "0" => {}
            _ => {
                return Err(Foreign::unhandled(
                    "the top processes (-n) are for the real plugin",
                ));
            }
        }
    }
    for (at, minutes) in MINUTES.into_iter().enumerate() {
        let (warn, crit) = (settings.warn[at], settings.crit[at]);
        if crit < 0.0 || warn < 0.0 || crit < warn {
            return Err(Foreign::usage(format!(
                "the thresholds of the {minutes}-minute load do not go together"
            )));
        }
    }
    Ok(settings)
}

/// One to three numbers with any character between two of them; the last one stands for those that are missing.
fn triplet(text: &str) -> Result<[f64; 3], Foreign> {
    local::sure(text)?;
    let mut limits = [0.0; 3];
    let mut rest = text;
    let mut at = 0;
    loop {
        let Some((value, after)) = leading(rest) else {
            if at == 0 {
                return Err(Foreign::usage(
                    "Warning threshold must be float or float triplet!",
                ));
            }
            // The real one goes on with 0 here.
            break;
        };
        limits[at..].fill(value);
        let mut letters = after.chars();
        letters.next();
        rest = letters.as_str();
        at += 1;
        if at == 3 || rest.is_empty() {
            return Ok(limits);
        }
    }
    limits[at..].fill(0.0);
    Ok(limits)
}

/// A decimal number at the beginning of a text, and what follows it.
fn leading(text: &str) -> Option<(f64, &str)> {
    let body = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let (mut end, mut value) = (None, 0.0);
    for (at, letter) in body.char_indices() {
        if !matches!(letter, '0'..='9' | '.' | '-' | '+' | 'e' | 'E') {
            break;
        }
        if let Ok(number) = body[..=at].parse() {
            (end, value) = (Some(at + 1), number);
        }
    }
    end.map(|end| (value, &body[end..]))
}

/// With two digits behind the point, as `uptime` prints them.
fn loads(text: &str) -> Option<[f64; 3]> {
    let mut words = text.split_ascii_whitespace();
    let mut loads = [0.0; 3];
    for load in &mut loads {
        let word = words.next()?;
        *load = word.parse().ok()?;
        let fraction = word.split_once('.')?.1;
        if fraction.len() != 2 || *load < 0.0 {
            return None;
        }
    }
    Some(loads)
}

fn cpus() -> Result<f64, Foreign> {
    use nix::unistd::{SysconfVar, sysconf};
    match sysconf(SysconfVar::_NPROCESSORS_ONLN) {
        #[expect(clippy::cast_precision_loss, reason = "a number of processors")]
        Ok(Some(count)) if 0 < count => Ok(count as f64),
        _ => Err(Foreign::unhandled("the number of processors is not known")),
    }
}

impl Settings {
    fn say(&self, loads: [f64; 3], cpus: Option<f64>) -> Report {
        let measured = cpus.map_or(loads, |cpus| loads.map(|load| load / cpus));
        let mut state = State::Ok;
        for (at, load) in measured.into_iter().enumerate() {
            if self.crit[at] < load {
                state = State::Critical;
                break;
            }
            if self.warn[at] < load {
                state = State::Warning;
            }
        }
        let show = |[one, five, fifteen]: [f64; 3]| {
            format!("load average: {one:.2}, {five:.2}, {fifteen:.2}")
        };
        let mut text = format!("LOAD {} - ", state.name());
        if cpus.is_some() {
            text += &format!("scaled {} - ", show(measured));
        }
        text += &format!("total {}|", show(loads));
        for (at, minutes) in MINUTES.into_iter().enumerate() {
            let total = loads[at];
            let limits = format!("{:.3};{:.3};0; ", self.warn[at], self.crit[at]);
            if cpus.is_some() {
                text += &format!("load{minutes}={total:.3};;;0; ");
                text += &format!("scaled_load{minutes}={:.3};{limits}", measured[at]);
            } else {
                text += &format!("load{minutes}={total:.3};{limits}");
            }
        }
        Report::new(state, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_as_the_real_one_fills_them() {
        for (text, limits) in [
            ("5", [5.0, 5.0, 5.0]),
            ("5,4", [5.0, 4.0, 4.0]),
            ("5,4,3", [5.0, 4.0, 3.0]),
            ("5;4;3;2", [5.0, 4.0, 3.0]),
            ("5,", [5.0, 5.0, 5.0]),
            ("5,,3", [5.0, 0.0, 0.0]),
            (".5,1e1", [0.5, 10.0, 10.0]),
        ] {
            assert_eq!(triplet(text), Ok(limits), "{text}");
        }
        assert!(triplet("").is_err() && triplet(",1").is_err() && triplet("0x10").is_err());
    }

    #[test]
    fn a_file_that_is_not_as_we_know_it() {
        assert_eq!(loads("0.10 0.20 10.30 1/2 3\n"), Some([0.1, 0.2, 10.3]));
        for text in [
            "",
            "1 2 3",
            "0.10 0.20",
            "-1.00 0.00 0.00",
            "a.bc d.ef g.hi",
        ] {
            assert_eq!(loads(text), None, "{text}");
        }
    }
}
