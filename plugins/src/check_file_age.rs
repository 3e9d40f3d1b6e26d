//! `check_file_age`: how old and how large a file is.

use std::{
    io,
    os::unix::fs::MetadataExt,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    Foreign, Probe, Report, State,
    options::{self, Opt, flag, valued},
    threshold::Range,
};

/// The real one's `--file` takes no value and looks for a file `1`: it is left to it.
const KNOWN: [Opt; 6] = [
    valued('f', ""),
    flag('i', "ignore-missing"),
    valued('w', "warning-age"),
    valued('W', "warning-size"),
    valued('c', "critical-age"),
    valued('C', "critical-size"),
];

struct Settings {
    file: String,
    ignore_missing: bool,
    /// Whether thresholds are ranges: as soon as one of them is more than digits.
    ranges: bool,
    warn_age: String,
    crit_age: String,
    warn_size: String,
    crit_size: String,
}

pub(crate) fn prepare(_name: &str, args: &[String]) -> Result<Probe, Foreign> {
    let Some(settings) = read(args)? else {
        let report = Report::new(State::Unknown, "FILE_AGE UNKNOWN: No file specified");
        return Ok(Probe::new(async { Ok(report) }));
    };
    Ok(Probe::new(run(settings)))
}

/// None: no file is given.
fn read(args: &[String]) -> Result<Option<Settings>, Foreign> {
    let parsed = options::parse(args, &KNOWN)?;
    let mut settings = Settings {
        file: String::new(),
        ignore_missing: false,
        ranges: false,
        warn_age: "240".to_owned(),
        crit_age: "600".to_owned(),
        warn_size: String::new(),
        crit_size: String::new(),
    };
    for option in parsed.options {
        match option.name {
            "" => settings.file = option.value,
            "ignore-missing" => settings.ignore_missing = true,
            "warning-age" => settings.warn_age = option.value,
            "warning-size" => settings.warn_size = option.value,
            "critical-age" => settings.crit_age = option.value,
            _ => settings.crit_size = option.value,
        }
    }
    // What Perl takes as false is as good as not given: the same for sizes, below.
    if is_false(&settings.file) {
        settings.file = parsed.operands.into_iter().next().unwrap_or_default();
    }
    if is_false(&settings.file) {
        return Ok(None);
    }
    if settings.file.contains(char::REPLACEMENT_CHARACTER) {
        return Err(Foreign::unhandled("a file's name that is not UTF-8"));
    }
    settings.ranges = [&settings.warn_age, &settings.crit_age]
        .iter()
        .any(|age| !is_digits(age))
        || [&settings.warn_size, &settings.crit_size]
            .iter()
            .any(|size| !is_false(size) && !is_digits(size));
    for size in [&mut settings.warn_size, &mut settings.crit_size] {
        if is_false(size) {
            *size = if settings.ranges { "0:" } else { "0" }.to_owned();
        }
    }
    Ok(Some(settings))
}

fn is_false(text: &str) -> bool {
    matches!(text, "" | "0")
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

async fn run(settings: Settings) -> Result<Report, Foreign> {
    let file = settings.file.clone();
    // On a server that is away, this may take as long as it likes.
    let metadata = tokio::task::spawn_blocking(move || std::fs::metadata(file))
        .await
        .map_err(|error| Foreign::unhandled(format!("the look at the file ended: {error}")))?;
    settings.say(metadata)
}

impl Settings {
    fn say(&self, metadata: io::Result<std::fs::Metadata>) -> Result<Report, Foreign> {
        let file = &self.file;
        match metadata {
            Ok(metadata) => {
                let age = now().saturating_sub(metadata.mtime());
                let size = metadata.size();
                let state = self.judge(age, size)?;
                let text = format!(
                    "FILE_AGE {}: {file} is {age} seconds old and {size} bytes | \
                     age={age}s;{};{} size={size}B;{};{};0",
                    state.name(),
                    self.warn_age,
                    self.crit_age,
                    self.warn_size,
                    self.crit_size,
                );
                Ok(Report::new(state, text))
            }
            Err(_) if self.ignore_missing => Ok(Report::new(
                State::Ok,
                format!("FILE_AGE OK: {file} doesn't exist, but ignore-missing was set"),
            )),
            Err(_) => Ok(Report::new(
                State::Critical,
                format!("FILE_AGE CRITICAL: File not found - {file}"),
            )),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "Perl has the same numbers")]
    fn judge(&self, age: i64, size: u64) -> Result<State, Foreign> {
        let (age, size) = (age as f64, size as f64);
        let alerts = |age_limit: &str, size_limit: &str| {
            Ok(if self.ranges {
                range(age_limit)?.alerts(age) | range(size_limit)?.alerts(size)
            } else {
                digits(age_limit)? < age || size < digits(size_limit)?
            })
        };
        let (critical, warning) = (
            alerts(&self.crit_age, &self.crit_size)?,
            alerts(&self.warn_age, &self.warn_size)?,
        );
        Ok(match (critical, warning) {
            (true, _) => State::Critical,
            (false, true) => State::Warning,
            (false, false) => State::Ok,
        })
    }
}

fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|now| i64::try_from(now.as_secs()).ok())
        .unwrap_or_default()
}

fn digits(text: &str) -> Result<f64, Foreign> {
    text.parse()
        .map_err(|_| Foreign::unhandled(format!("a threshold of `{text}`")))
}

/// As the real one's Perl module takes it, of which we know the plain forms.
fn range(text: &str) -> Result<Range, Foreign> {
    let refuse = || Foreign::unhandled(format!("a threshold of `{text}`"));
    let body = text.strip_prefix('@').unwrap_or(text);
    let (start, end) = match body.split_once(':') {
        Some((start, end)) => (Some(start), end),
        None => (None, body),
    };
    let good = match start {
        None => is_number(end),
        Some(start) => {
            (start == "~" || start.is_empty() || is_number(start))
                && (end.is_empty() || is_number(end))
                && !(start.is_empty() && end.is_empty())
        }
    };
    if good {
        Range::parse(text).ok_or_else(refuse)
    } else {
        Err(refuse())
    }
}

fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    match text.split_once('.') {
        Some((whole, fraction)) => is_digits(whole) && is_digits(fraction),
        None => is_digits(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(line: &str) -> Result<Option<Settings>, Foreign> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        read(&args)
    }

    #[test]
    fn ages_and_sizes_against_limits() {
        for (line, age, size, state) in [
            ("f", 240, 0, State::Ok),
            ("f", 241, 0, State::Warning),
            ("f", 601, 0, State::Critical),
            ("f", -5, 0, State::Ok),
            ("f -W 10", 0, 9, State::Warning),
            ("f -W 10", 0, 10, State::Ok),
            ("f -C 10", 0, 9, State::Critical),
            ("f -w 10: -c 5:", 7, 0, State::Warning),
            ("f -w 10: -c 5:", 4, 0, State::Critical),
            ("f -w @5:10", 7, 0, State::Warning),
            ("f -w ~:10 -c ~:600", -7, 0, State::Ok),
            ("f -w :10", -7, 0, State::Critical),
            ("f -W 1:5", 0, 6, State::Warning),
            ("f -w 1.5", 1, 0, State::Ok),
        ] {
            let settings = settings(line).expect(line).expect("a file");
            assert_eq!(settings.judge(age, size), Ok(state), "{line} {age} {size}");
        }
    }

    #[test]
    fn odd_ranges_are_for_the_real_one() {
        for line in [
            "f -w abc",
            "f -w 5:1",
            "f -w :",
            "f -w 1e5",
            "f -w 1..5",
            "f -w ~",
            "f -w @",
            "f -w 1,5",
            "f -c -",
        ] {
            let settings = settings(line).expect(line).expect("a file");
            assert!(settings.judge(1, 1).is_err(), "{line}");
        }
        for line in ["--file f", "-f", "-x f", "--warning=5 f", "-V"] {
            assert!(settings(line).is_err(), "{line}");
        }
        assert!(settings("-f 0").expect("read").is_none());
    }
}
