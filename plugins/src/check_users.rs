//! `check_users`: how many are logged in, as the system's list of them (utmp) has it.

use std::{
    fs::File,
    io::{ErrorKind, Read},
    path::Path,
};

use crate::{
    Foreign, Probe, Report, State, local,
    options::{self, Opt, flag, valued},
    threshold::Range,
};

const KNOWN: [Opt; 3] = [
    valued('w', "warning"),
    valued('c', "critical"),
    flag('v', ""),
];

const UTMP: &str = "/var/run/utmp";
/// Where this exists, the C library reads it instead.
const UTMPX: &str = "/var/run/utmpx";
/// The size of the C library's record; its first two bytes are its kind.
const RECORD: Option<usize> = if cfg!(target_arch = "x86_64") {
    Some(384)
} else if cfg!(target_arch = "aarch64") {
    Some(400)
} else {
    None
};
/// A longer list than this is damaged.
const LONGEST: u64 = 16 << 20;
/// Of a record: somebody is logged in.
const USER_PROCESS: u16 = 7;

pub(crate) fn prepare(_: &str, args: &[String]) -> Result<Probe, Foreign> {
    let (warn, crit) = read(args)?;
    Ok(Probe::new(async move {
        if Path::new(UTMPX).exists() {
            return Err(Foreign::unhandled(format!("{UTMPX} is not for us")));
        }
        let users = match File::open(UTMP) {
            Ok(file) => {
                let mut list = Vec::new();
                file.take(LONGEST)
                    .read_to_end(&mut list)
                    .map_err(|error| Foreign::unhandled(format!("{UTMP}: {error}")))?;
                count(&list)?
            }
            // As for the C library, a list that is not there has nobody in it.
            Err(error) if error.kind() == ErrorKind::NotFound => 0,
            Err(error) => return Err(Foreign::unhandled(format!("{UTMP}: {error}"))),
        };
        Ok(say(users, &warn, &crit))
    }))
}

fn read(args: &[String]) -> Result<(Range, Range), Foreign> {
    let parsed = options::parse(args, &KNOWN)?;
    // The real one stops at the first operand.
    if !local::operands_last(args, &parsed) {
        return Err(Foreign::unhandled("operands between the options"));
    }
    let (mut warn, mut crit) = (None, None);
    for option in parsed.options {
        match option.name {
            "warning" => warn = Some(option.value),
            "critical" => crit = Some(option.value),
            // Known to the real one, and without a meaning.
            _ => {}
        }
    }
    let mut operands = parsed.operands.into_iter();
    let (Some(warn), Some(crit)) = (
        warn.or_else(|| operands.next()),
        crit.or_else(|| operands.next()),
    ) else {
        return Err(Foreign::usage("both thresholds must be given"));
    };
    Ok((local::range(&warn)?, local::range(&crit)?))
}

fn count(list: &[u8]) -> Result<u32, Foreign> {
    let Some(record) = RECORD.filter(|record| list.len().is_multiple_of(*record)) else {
        return Err(Foreign::unhandled(format!(
            "{UTMP} has {} bytes, which are no whole records",
            list.len()
        )));
    };
    if LONGEST <= list.len() as u64 {
        return Err(Foreign::unhandled(format!("{UTMP} is too long")));
    }
    let users = list
        .chunks_exact(record)
        .filter(|entry| u16::from_ne_bytes([entry[0], entry[1]]) == USER_PROCESS)
        .count();
    Ok(u32::try_from(users).unwrap_or(u32::MAX))
}

fn say(users: u32, warn: &Range, crit: &Range) -> Report {
    let state = if crit.alerts(users.into()) {
        State::Critical
    } else if warn.alerts(users.into()) {
        State::Warning
    } else {
        State::Ok
    };
    Report::new(
        state,
        format!(
            "USERS {} - {users} users currently logged in |users={users};{};{};0",
            state.name(),
            warn.text,
            crit.text
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_whole_or_not_for_us() {
        let record = RECORD.expect("an architecture we know");
        let mut list = vec![0; 3 * record];
        list[0] = 7;
        list[record] = 8;
        list[2 * record] = 7;
        assert_eq!(count(&list), Ok(2));
        assert_eq!(count(&[]), Ok(0));
        list.pop();
        assert!(count(&list).is_err());
    }
}
