//! `check_swap`: how much swap space of this host is free.

use crate::{
    Foreign, Probe, Report, State, local,
    options::{self, Opt, flag, valued},
};

const KNOWN: [Opt; 4] = [
    valued('w', "warning"),
    valued('c', "critical"),
    flag('a', "allswaps"),
    valued('n', "no-swap"),
];

const MIB: u64 = 1 << 20;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Limit {
    percent: bool,
    value: u64,
}

struct Settings {
    warn: Limit,
    crit: Limit,
    without: State,
}

pub(crate) fn prepare(_: &str, args: &[String]) -> Result<Probe, Foreign> {
    let settings = read(args)?;
    Ok(Probe::new(async move {
        let text = std::fs::read_to_string("/proc/meminfo")
            .map_err(|error| Foreign::unhandled(format!("/proc/meminfo: {error}")))?;
        let (total, free) =
            sizes(&text).ok_or_else(|| Foreign::unhandled("/proc/meminfo is not as we know it"))?;
        Ok(settings.say(total, free))
    }))
}

fn read(args: &[String]) -> Result<Settings, Foreign> {
    let parsed = options::parse(args, &KNOWN)?;
    if !local::operands_last(args, &parsed) {
        return Err(Foreign::unhandled("operands between the options"));
    }
    let mut settings = Settings {
        warn: Limit::default(),
        crit: Limit::default(),
        without: State::Critical,
    };
    for option in parsed.options {
        match option.name {
            "warning" => settings.warn = limit(&option.value)?,
            "critical" => settings.crit = limit(&option.value)?,
            "no-swap" => settings.without = state(&option.value)?,
            // Linux has one sum alone, so that `-a` changes nothing.
            _ => {}
        }
    }
    let (warn, crit) = (settings.warn, settings.crit);
    if warn.value == 0 && crit.value == 0 {
        return Err(Foreign::usage("Could not parse arguments"));
    }
    if warn.percent == crit.percent && warn.value < crit.value {
        return Err(Foreign::usage("Warning should be more than critical"));
    }
    Ok(settings)
}

/// Digits, and `%` or nothing. What else the real one takes, it reads in ways that nobody means.
fn limit(text: &str) -> Result<Limit, Foreign> {
    let (digits, percent) = match text.strip_suffix('%') {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    let strange = || Foreign::unhandled(format!("`{text}` is no usual threshold"));
    if !crate::threshold::is_count(digits) || 18 < digits.len() {
        return Err(strange());
    }
    let value = digits.parse().map_err(|_| strange())?;
    if percent && 100 < value {
        return Err(Foreign::usage("threshold percentage must be <= 100!"));
    }
    Ok(Limit { percent, value })
}

fn state(text: &str) -> Result<State, Foreign> {
    Ok(match &*text.to_ascii_lowercase() {
        "ok" | "0" => State::Ok,
        "warning" | "1" => State::Warning,
        "critical" | "2" => State::Critical,
        "unknown" | "3" => State::Unknown,
        _ => {
            return Err(Foreign::usage(
                "no-swap result must be a valid state name (OK, WARNING, CRITICAL, UNKNOWN) or integer (0-3).",
            ));
        }
    })
}

/// In MiB: all, and what is free. What is in memory as well (`SwapCached`) counts as free.
fn sizes(meminfo: &str) -> Option<(u64, u64)> {
    let (mut total, mut free) = (None, 0_u64);
    for line in meminfo.lines() {
        let Some((name, rest)) = line.split_once(':') else {
            continue;
        };
        let kib = || rest.trim_start().strip_suffix(" kB")?.parse::<u64>().ok();
        match name {
            "SwapTotal" => total = Some(kib()? / 1024),
            "SwapFree" | "SwapCached" => free = free.checked_add(kib()? / 1024)?,
            // An old kernel's line, which the real one would read, too.
            "Swap" => return None,
            _ => {}
        }
    }
    let total = total?;
    // Both end in 32 bits of the real one's text; and rounding may make more free than there is.
    (total <= i32::MAX as u64 && free <= total).then_some((total, free))
}

impl Settings {
    fn judge(&self, total: u64, free: u64) -> State {
        if total == 0 {
            return self.without;
        }
        let bytes = free * MIB;
        if !self.crit.percent && bytes <= self.crit.value {
            return State::Critical;
        }
        if !self.warn.percent && bytes <= self.warn.value {
            return State::Warning;
        }
        // The real one computes this with floats of 32 bits.
        #[expect(clippy::cast_precision_loss, reason = "as the real one does")]
        let (total, free) = (total as f32, free as f32);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to 100"
        )]
        let used = (((total - free) / total) * 100.0) as u64;
        let reached = |limit: Limit| limit.percent && limit.value != 0 && 100 - limit.value <= used;
        if reached(self.crit) {
            State::Critical
        } else if reached(self.warn) {
            State::Warning
        } else {
            State::Ok
        }
    }

    fn say(&self, total: u64, free: u64) -> Report {
        let state = self.judge(total, free);
        let (percent, note) = if total == 0 {
            (
                0,
                "- Swap is either disabled, not present, or of zero size. ",
            )
        } else {
            #[expect(clippy::cast_precision_loss, reason = "as the real one does")]
            let used = 100.0 * (total - free) as f64 / total as f64;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "from 0 to 100"
            )]
            let used = used as u64;
            (100 - used, "")
        };
        let show = |limit: Limit| {
            if limit.percent {
                limit.value * (total * MIB / 100)
            } else {
                limit.value
            }
        };
        Report::new(
            state,
            format!(
                "SWAP {} - {percent}% free ({free}MB out of {total}MB) {note}|swap={}B;{};{};0;{}",
                state.name(),
                free * MIB,
                show(self.warn),
                show(self.crit),
                total * MIB
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_as_we_know_it() {
        let good = "SwapCached:  1024 kB\nSwapTotal: 4096 kB\nSwapFree:  2048 kB\n";
        assert_eq!(sizes(good), Some((4, 3)));
        for text in [
            "",
            "SwapTotal: x kB",
            "SwapTotal: 4096 MB",
            "SwapTotal: 1024 kB\nSwapFree: 4096 kB",
            "Swap: 1 2 3\nSwapTotal: 4096 kB",
            "SwapTotal: 99999999999999999999 kB",
        ] {
            assert_eq!(sizes(text), None, "{text}");
        }
    }
}
