//! `check_cluster`: how many of several services or hosts are not well, from their states on the command line.

use crate::{
    Foreign, Probe, Report, State,
    options::{self, Opt, flag, valued},
    threshold::Range,
};

const KNOWN: [Opt; 7] = [
    // Before what every plugin has: here, `-h` is not for help, but `-H` is.
    flag('h', "host"),
    flag('s', "service"),
    flag('H', "help"),
    valued('d', "data"),
    valued('w', "warning"),
    valued('c', "critical"),
    valued('l', "label"),
];

pub(crate) fn prepare(_name: &str, args: &[String]) -> Result<Probe, Foreign> {
    let report = judge(args)?;
    Ok(Probe::new(async { Ok(report) }))
}

fn judge(args: &[String]) -> Result<Report, Foreign> {
    let mut hosts = false;
    let (mut label, mut warn, mut crit) = (None, None, None);
    let mut counts = None;
    for option in options::parse(args, &KNOWN)?.options {
        match option.name {
            "host" => hosts = true,
            "service" => hosts = false,
            "data" => counts = Some(count(&option.value)?),
            "warning" => warn = Some(range(&option.value)?),
            "critical" => crit = Some(range(&option.value)?),
            _ => label = Some(option.value),
        }
    }
    let Some([fine, one, two, three]) = counts else {
        return Err(Foreign::usage("Could not parse arguments"));
    };
    // Of hosts, there is no fourth state.
    let unwell = if hosts { one + two } else { one + two + three };
    let alerts = |range: &Option<Range>| range.as_ref().is_some_and(|range| range.alerts(unwell));
    let state = if alerts(&crit) {
        State::Critical
    } else if alerts(&warn) {
        State::Warning
    } else {
        State::Ok
    };
    let what = if hosts {
        let label = label.as_deref().unwrap_or("Host cluster");
        format!("{label}: {fine} up, {one} down, {two} unreachable")
    } else {
        let label = label.as_deref().unwrap_or("Service cluster");
        format!("{label}: {fine} ok, {one} warning, {three} unknown, {two} critical")
    };
    Ok(Report::new(
        state,
        format!("CLUSTER {}: {what}", state.name()),
    ))
}

/// How many there are of each state.
fn count(data: &str) -> Result<[f64; 4], Foreign> {
    let mut counts = [0.0; 4];
    for state in data.split(',') {
        let at = match state {
            "0" => 0,
            "1" => 1,
            "2" => 2,
            "3" => 3,
            _ => return Err(Foreign::usage("Could not parse arguments")),
        };
        counts[at] += 1.0;
    }
    Ok(counts)
}

fn range(text: &str) -> Result<Range, Foreign> {
    // C reads numbers such as `inf` and `0x10`, too.
    let lower = text.to_ascii_lowercase();
    if ["0x", "inf", "nan"].iter().any(|odd| lower.contains(odd)) {
        return Err(Foreign::unhandled(format!("a threshold of `{text}`")));
    }
    Range::parse(text).ok_or_else(|| Foreign::usage("Range format incorrect"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(line: &str) -> Option<(u8, String)> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let report = judge(&args).ok()?;
        Some((report.state.code(), report.text))
    }

    #[test]
    fn states_are_counted() {
        for (line, code, text) in [
            (
                "-s -d 2,0,2,0 -c @3:",
                0,
                "CLUSTER OK: Service cluster: 2 ok, 0 warning, 0 unknown, 2 critical",
            ),
            (
                "-h -d 0,1,2,3 -w 1 -c 2 -l Mine",
                1,
                "CLUSTER WARNING: Mine: 1 up, 1 down, 1 unreachable",
            ),
            (
                "-d 3 -c 0",
                2,
                "CLUSTER CRITICAL: Service cluster: 0 ok, 0 warning, 1 unknown, 0 critical",
            ),
        ] {
            assert_eq!(say(line), Some((code, text.to_owned())), "{line}");
        }
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for line in [
            "",
            "-s",
            "-d 4",
            "-d 0,",
            "-d ,0",
            "-d 01",
            "-d 0 -w 5:1",
            "-H",
            "-v -d 0",
        ] {
            assert_eq!(say(line), None, "{line}");
        }
    }
}
