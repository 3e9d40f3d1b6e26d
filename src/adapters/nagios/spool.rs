//! The directory where others put files with results (`check_result_path`): `cXXXXXX` is read once `cXXXXXX.ok` is
//! there, and both go when the hub has its results for good.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tokio::sync::watch;

use super::intake::{BATCH, Hand, Said, Verdict};
use crate::{
    base::{
        plain_file,
        text::{cut, one_line},
        time::Timestamp,
    },
    domain::{
        external,
        model::{
            job::{CheckResult, Source},
            state::State,
        },
    },
};

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A larger file is no file of results.
const FILE_MAX: u64 = 4 * 1024 * 1024;
/// Files read in one turn; the oldest come first.
const TURN: usize = 512;
/// Files that can neither be read nor removed: beyond this many, nothing more is read.
const STUCK_MAX: usize = 10_000;

/// The directory and its rules.
#[derive(Clone, Debug)]
pub struct Spool {
    pub path: PathBuf,
    /// Files that say they are older are deleted unread; zero: none is too old.
    pub max_age: Duration,
    /// The wall clock.
    pub now: fn() -> Timestamp,
}

impl Spool {
    /// Reads until told to stop.
    pub async fn run(self, hand: Hand, mut stop: watch::Receiver<bool>) {
        let mut desk = Some(Desk::default());
        loop {
            let spool = self.clone();
            let mut own = desk.take().unwrap_or_default();
            let read = tokio::task::spawn_blocking(move || {
                let files = spool.read(&mut own);
                (own, files)
            });
            let (mut own, files) = read.await.unwrap_or_default();
            let is_full = TURN <= files.len();
            let done = settle(files, &hand).await;
            let removed = tokio::task::spawn_blocking(move || {
                for path in done {
                    own.remove(&path);
                }
                own
            });
            desk = removed.await.ok();
            // More may be waiting.
            let wait = if is_full { Duration::ZERO } else { LOOK_EVERY };
            if tokio::time::timeout(wait, stop.wait_for(|stop| *stop))
                .await
                .is_ok()
            {
                break;
            }
        }
    }

    /// The files that are ready, read. What cannot be read is gone afterwards, and that was said.
    fn read(&self, desk: &mut Desk) -> Vec<Ready> {
        let waiting = match waiting(&self.path) {
            Ok(waiting) => waiting,
            Err(error) => {
                desk.say(format!("{}: {error}", self.path.display()));
                return Vec::new();
            }
        };
        if !desk.stuck.is_empty() {
            let there: BTreeSet<&PathBuf> = waiting.iter().map(|(_, path)| path).collect();
            desk.stuck.retain(|path| there.contains(path));
        }
        if STUCK_MAX <= desk.stuck.len() {
            desk.say(format!(
                "{} is full of files that cannot be removed; nothing more is read",
                self.path.display()
            ));
            return Vec::new();
        }
        let mut ready = Vec::new();
        let fresh = waiting
            .into_iter()
            .filter(|(_, path)| !desk.stuck.contains(path));
        for (_, path) in fresh.take(TURN).collect::<Vec<_>>() {
            match self.file(&path) {
                Ok(results) => ready.push(Ready { path, results }),
                Err(why) => {
                    tracing::warn!("{} is thrown away: {why}", path.display());
                    desk.remove(&path);
                }
            }
        }
        ready
    }

    /// One file. The error is a sentence.
    fn file(&self, path: &Path) -> Result<Vec<CheckResult>, String> {
        let (file, written) = plain_file::open(path, FILE_MAX)?;
        let mut bytes = Vec::new();
        file.take(FILE_MAX)
            .read_to_end(&mut bytes)
            .map_err(|error| error.to_string())?;
        parse(
            &String::from_utf8_lossy(&bytes),
            written,
            self.max_age,
            (self.now)(),
        )
    }
}

/// A file and what it holds.
#[derive(Debug)]
struct Ready {
    path: PathBuf,
    results: Vec<CheckResult>,
}

/// What is remembered from one look to the next.
#[derive(Debug, Default)]
struct Desk {
    /// Dealt with, and not to be removed.
    stuck: BTreeSet<PathBuf>,
    /// The last thing that was wrong with the directory.
    said: Option<String>,
}

impl Desk {
    fn say(&mut self, what: String) {
        if self.said.as_ref() != Some(&what) {
            tracing::error!("{what}");
            self.said = Some(what);
        }
    }

    /// The marker first: without it nobody reads the file a second time.
    fn remove(&mut self, path: &Path) {
        let gone = |path: &Path| match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        if let Err(error) = gone(&marker(path)).and_then(|()| gone(path)) {
            self.say(format!(
                "{} cannot be removed and is passed over: {error}",
                path.display()
            ));
            self.stuck.insert(path.to_owned());
        }
    }
}

fn marker(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".ok");
    path.with_file_name(name)
}

/// Files with a marker, the oldest first.
fn waiting(directory: &Path) -> io::Result<Vec<(SystemTime, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let is_result = name.len() == 7
            && name.starts_with('c')
            && name.bytes().all(|b| b.is_ascii_alphanumeric());
        // Not through a link: it could lead to anything we may read and remove.
        let Ok(about) = fs::symlink_metadata(entry.path()) else {
            continue;
        };
        if is_result && about.is_file() && fs::symlink_metadata(marker(&entry.path())).is_ok() {
            found.push((
                about.modified().unwrap_or(SystemTime::UNIX_EPOCH),
                entry.path(),
            ));
        }
    }
    found.sort();
    Ok(found)
}

/// Hands everything in; the files of which all is settled.
async fn settle(files: Vec<Ready>, hand: &Hand) -> Vec<PathBuf> {
    let mut open: Vec<(PathBuf, bool)> = Vec::with_capacity(files.len());
    let mut batch: Vec<CheckResult> = Vec::new();
    let mut owners: Vec<usize> = Vec::new();
    for (at, file) in files.into_iter().enumerate() {
        open.push((file.path, true));
        for result in file.results {
            batch.push(result);
            owners.push(at);
            if BATCH <= batch.len() {
                hand_in(&mut batch, &mut owners, &mut open, hand).await;
            }
        }
    }
    hand_in(&mut batch, &mut owners, &mut open, hand).await;
    open.into_iter()
        .filter_map(|(path, is_settled)| is_settled.then_some(path))
        .collect()
}

async fn hand_in(
    batch: &mut Vec<CheckResult>,
    owners: &mut Vec<usize>,
    open: &mut [(PathBuf, bool)],
    hand: &Hand,
) {
    if batch.is_empty() {
        return;
    }
    let names: Vec<String> = batch
        .iter()
        .map(|result| result.object.to_string())
        .collect();
    let verdicts = hand(std::mem::take(batch)).await;
    let mut verdicts = verdicts.into_iter();
    for (owner, name) in owners.drain(..).zip(names) {
        match verdicts.next() {
            Some(Verdict::Taken) => {}
            Some(Verdict::Refused(why)) => {
                tracing::warn!("a result of {name} from a file was refused: {why}");
            }
            // It stays and is read again.
            Some(Verdict::Unavailable(_)) | None => open[owner].1 = false,
        }
    }
}

/// The keys of one result that count.
#[derive(Debug, Default)]
struct Found<'a> {
    host: Option<&'a str>,
    check: Option<&'a str>,
    is_active: bool,
    latency: Duration,
    start: Option<Timestamp>,
    finish: Option<Timestamp>,
    is_late: bool,
    exited_badly: bool,
    code: Option<i32>,
    output: Option<String>,
}

/// All results of a file: `key=value` lines, an empty line between two results. The error is a sentence.
fn parse(
    text: &str,
    written: Timestamp,
    max_age: Duration,
    now: Timestamp,
) -> Result<Vec<CheckResult>, String> {
    let mut results = Vec::new();
    let mut found = Found::default();
    let mut written = written;
    let mut finish = |found: &mut Found<'_>| -> Result<(), String> {
        let found = std::mem::take(found);
        if found.host.is_some() || found.code.is_some() || found.output.is_some() {
            results.push(found.result(now)?);
        }
        Ok(())
    };
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            finish(&mut found)?;
            continue;
        }
        if line.starts_with('#') {
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            return Err(format!(
                "line {number}, `{}`, is no key=value",
                one_line(cut(line, 80))
            ));
        };
        let bad = || format!("line {number}: {key} is `{}`", one_line(cut(value, 80)));
        match key {
            "file_time" => written = time(value).ok_or_else(bad)?,
            "host_name" => found.host = Some(value),
            "service_description" => found.check = Some(value),
            "check_type" => found.is_active = value == "0",
            "latency" => found.latency = span(value).ok_or_else(bad)?,
            "start_time" => found.start = Some(time(value).ok_or_else(bad)?),
            "finish_time" => found.finish = Some(time(value).ok_or_else(bad)?),
            "early_timeout" => found.is_late = value != "0",
            "exited_ok" => found.exited_badly = value == "0",
            "return_code" => found.code = Some(value.parse().map_err(|_| bad())?),
            "output" => found.output = Some(external::unescape(value)),
            // Ours to decide, or of no use to us.
            _ => {}
        }
    }
    finish(&mut found)?;
    if !max_age.is_zero() && max_age < now.since(written) {
        return Err(format!("it is too old, of {written}"));
    }
    if results.is_empty() {
        return Err("it holds no result".to_owned());
    }
    Ok(results)
}

impl Found<'_> {
    fn result(self, now: Timestamp) -> Result<CheckResult, String> {
        let host = self.host.ok_or("a result has no host_name")?;
        let code = self.code.ok_or("a result has no return_code")?;
        let text = self.output.as_deref().unwrap_or_default();
        let start = self.start.unwrap_or(now);
        let took = self.finish.map_or(Duration::ZERO, |end| end.since(start));
        let said = Said {
            host,
            check: self.check,
            code,
            text,
            at: start,
        };
        let mut result = if self.is_active {
            self.active(said, took)?
        } else {
            said.passive()?
        };
        result.took = took;
        result.latency = self.latency;
        Ok(result)
    }

    /// A plugin was run elsewhere: what it says is read as if it had been run here (1.1, 1.2).
    fn active(&self, said: Said<'_>, took: Duration) -> Result<CheckResult, String> {
        let (kind, bad) = match said.check {
            Some(_) => ("Service", State::Critical),
            None => ("Host", State::Down),
        };
        let own = |text: &str| Said { text, ..said }.found(bad, Source::Elsewhere);
        if self.is_late {
            let secs = took.as_secs_f64();
            return own(&format!("({kind} check timed out after {secs:.2} seconds)"));
        }
        if self.exited_badly {
            return own(&format!("({kind} check did not exit properly)"));
        }
        match (said.check, said.code) {
            (Some(_), 0..=3) => said.found(State::of_check_code(said.code), Source::Elsewhere),
            (None, 0 | 1) => said.found(State::Up, Source::Elsewhere),
            (None, 2 | 3) => said.found(State::Down, Source::Elsewhere),
            (_, code) => own(&format!("(Return code of {code} was out of bounds)")),
        }
    }
}

/// `seconds.microseconds`
fn time(text: &str) -> Option<Timestamp> {
    let span = span(text)?;
    i64::try_from(span.as_millis())
        .ok()
        .map(Timestamp::from_millis)
}

fn span(text: &str) -> Option<Duration> {
    let secs: f64 = text.trim().parse().ok()?;
    // Nagios writes small negative latencies now and then.
    Duration::try_from_secs_f64(secs.max(0.0))
        .ok()
        .filter(|span| *span < Duration::from_secs(253_402_300_800))
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::symlink, sync::Arc, sync::Mutex};

    use super::*;

    const NOW: fn() -> Timestamp = || Timestamp::from_secs(1_700_000_100);
    const GOOD: &str = "### Active Check Result File ###\n\
        file_time=1700000090\n\n\
        ### Nagios Service Check Result ###\n# Time: today\n\
        host_name=web1\nservice_description=http\ncheck_type=0\ncheck_options=0\nscheduled_check=1\n\
        reschedule_check=1\nlatency=0.250000\nstart_time=1700000080.500000\nfinish_time=1700000081.750000\n\
        early_timeout=0\nexited_ok=1\nreturn_code=2\noutput=HTTP; bad | t=1s\\nmore \\\\ of it\\n\n\n\
        host_name=web1\ncheck_type=1\nstart_time=1700000085.0\nreturn_code=1\noutput=gone\n";

    fn spool(directory: &Path) -> Spool {
        Spool {
            path: directory.to_owned(),
            max_age: Duration::from_secs(3600),
            now: NOW,
        }
    }

    fn put(directory: &Path, name: &str, text: &str) {
        fs::write(directory.join(name), text).expect("written");
        fs::write(directory.join(format!("{name}.ok")), "").expect("written");
    }

    fn read(text: &str) -> Result<Vec<CheckResult>, String> {
        parse(text, NOW(), Duration::from_secs(3600), NOW())
    }

    #[test]
    fn a_file_of_two_results() {
        let results = read(GOOD).expect("it is good");
        let [http, host] = &results[..] else {
            panic!("{results:?}")
        };
        assert_eq!(http.object.to_string(), "web1/http");
        assert_eq!(
            (http.state, http.source),
            (State::Critical, Source::Elsewhere)
        );
        assert_eq!(&*http.output, "HTTP: bad");
        assert_eq!(&*http.long_output, "more \\ of it");
        assert_eq!(&*http.perfdata, "t=1s");
        assert_eq!(http.started, Timestamp::from_millis(1_700_000_080_500));
        assert_eq!(http.took, Duration::from_millis(1250));
        assert_eq!(http.latency, Duration::from_millis(250));
        assert_eq!(host.object.to_string(), "web1");
        assert_eq!((host.state, host.source), (State::Down, Source::Passive));
    }

    #[test]
    fn an_active_result_is_read_as_that_of_a_plugin() {
        let one = |more: &str| {
            let text =
                format!("host_name=a\ncheck_type=0\nstart_time=10\nfinish_time=12.5\n{more}");
            let mut results = read(&text).expect("it is good");
            let result = results.remove(0);
            (result.state, result.output.to_string())
        };
        assert_eq!(one("return_code=1\noutput=x\n").0, State::Up);
        assert_eq!(one("return_code=3\noutput=x\n").0, State::Down);
        assert_eq!(
            one("return_code=0\nearly_timeout=1\noutput=x\n"),
            (
                State::Down,
                "(Host check timed out after 2.50 seconds)".to_owned()
            )
        );
        assert_eq!(
            one("service_description=s\nreturn_code=0\nexited_ok=0\n"),
            (
                State::Critical,
                "(Service check did not exit properly)".to_owned()
            )
        );
        assert_eq!(
            one("service_description=s\nreturn_code=99\n"),
            (
                State::Critical,
                "(Return code of 99 was out of bounds)".to_owned()
            )
        );
    }

    #[test]
    fn what_is_no_file_of_results_says_why() {
        for (text, why) in [
            ("", "it holds no result"),
            ("nonsense\n", "line 1, `nonsense`, is no key=value"),
            ("host_name=a\noutput=x\n", "a result has no return_code"),
            ("return_code=0\n", "a result has no host_name"),
            ("host_name=a\nreturn_code=x\n", "line 2: return_code is `x`"),
            (
                "host_name=a\nstart_time=1e400\n",
                "line 2: start_time is `1e400`",
            ),
            (
                "host_name=a\nreturn_code=7\n",
                "a host's code is 0 (UP), 1 (DOWN) or 2 (UNREACHABLE), not 7",
            ),
            (
                "file_time=1699990000\nhost_name=a\nreturn_code=0\n",
                "it is too old, of 2023-11-14T19:26:40Z",
            ),
        ] {
            assert_eq!(read(text).expect_err(text), why);
        }
    }

    #[test]
    fn only_whole_files_are_read_and_nothing_through_links() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        put(path, "caaaaaa", GOOD);
        fs::write(path.join("cbbbbbb"), GOOD).expect("written");
        put(path, "xcccccc", GOOD);
        put(path, "ctoolong", GOOD);
        let secret = path.join("secret");
        fs::write(&secret, GOOD).expect("written");
        symlink(&secret, path.join("cddddd1")).expect("linked");
        fs::write(path.join("cddddd1.ok"), "").expect("written");
        fs::hard_link(&secret, path.join("cddddd2")).expect("linked");
        fs::write(path.join("cddddd2.ok"), "").expect("written");
        put(path, "cbroken", "nonsense");
        let mut desk = Desk::default();
        let ready = spool(path).read(&mut desk);
        let names: Vec<_> = ready.iter().map(|file| file.path.clone()).collect();
        assert_eq!(names, [path.join("caaaaaa")]);
        assert!(!path.join("cbroken").exists(), "it is thrown away");
        assert!(path.join("cbbbbbb").exists(), "it is not finished");
        assert!(secret.exists());
        assert!(path.join("cddddd1").exists(), "a link is left alone");
    }

    #[tokio::test]
    async fn a_file_stays_until_all_of_it_is_settled() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        put(path, "caaaaaa", GOOD);
        put(path, "cbbbbbb", GOOD);
        let seen = Arc::new(Mutex::new(0));
        let count = seen.clone();
        let hand: Hand = Arc::new(move |results| {
            let count = count.clone();
            Box::pin(async move {
                let mut count = count.lock().expect("not poisoned");
                results
                    .iter()
                    .map(|_| {
                        *count += 1;
                        match *count {
                            2 => Verdict::Refused("no such host".to_owned()),
                            4 => Verdict::Unavailable("the store is down".to_owned()),
                            _ => Verdict::Taken,
                        }
                    })
                    .collect()
            })
        });
        let mut desk = Desk::default();
        let done = settle(spool(path).read(&mut desk), &hand).await;
        assert_eq!(*seen.lock().expect("not poisoned"), 4);
        assert_eq!(done, [path.join("caaaaaa")]);
        desk.remove(&done[0]);
        assert!(!path.join("caaaaaa").exists() && !path.join("caaaaaa.ok").exists());
        assert_eq!(
            spool(path).read(&mut desk).len(),
            1,
            "the other is read again"
        );
    }
}
