//! The real plugin and our probe on the same arguments, against the same real servers: same exit code, same first line
//! up to timings, same performance data but for what was measured.
//!
//! Each file in `conformance/` is named after a plugin and has a command line's arguments on each line, as a shell would
//! split them. `{name}` is a place that `servers/` knows. `# why:` above a line makes it a known difference: the two
//! must differ, so that a difference which is no more is found. `# foreign` above a line: we must leave it to the real
//! plugin. After a line `# all lines`, all lines of the output are compared and not its first alone.

mod servers;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Where Debian puts the real ones.
const REAL: &str = "/usr/lib/nagios/plugins";

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Same,
    Different(String),
    Foreign,
}

struct Case {
    plugin: String,
    place: String,
    line: String,
    wanted: Wanted,
    all_lines: bool,
}

fn cases() -> Vec<Case> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir)
        .expect("a directory of cases")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let plugin = file
            .file_stem()
            .and_then(|stem| stem.to_str())
            .expect("a name")
            .to_owned();
        let mut wanted = Wanted::Same;
        let mut all_lines = false;
        for (at, line) in std::fs::read_to_string(&file)
            .expect("cases")
            .lines()
            .enumerate()
        {
            if let Some(why) = line.strip_prefix("# why:") {
                wanted = Wanted::Different(why.trim().to_owned());
            } else if line.trim() == "# foreign" {
                wanted = Wanted::Foreign;
            } else if line.trim() == "# all lines" {
                all_lines = true;
            } else if !line.trim().is_empty() && !line.starts_with('#') {
                cases.push(Case {
                    plugin: plugin.clone(),
                    place: format!("{plugin}.txt:{}", at + 1),
                    line: line.to_owned(),
                    wanted: std::mem::replace(&mut wanted, Wanted::Same),
                    all_lines,
                });
            }
        }
    }
    cases
}

/// `~` alone is an argument without a character.
fn words(line: &str, places: &BTreeMap<String, String>) -> Vec<String> {
    let mut line = line.to_owned();
    for (name, value) in places {
        line = line.replace(&format!("{{{name}}}"), value);
    }
    let unknown = line
        .split('{')
        .skip(1)
        .any(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()));
    assert!(!unknown, "an unknown place: {line}");
    shell_words(&line)
}

/// Blanks part words, quotes of both kinds join them; a backslash is itself.
fn shell_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for letter in line.chars() {
        match (quote, letter) {
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (Some(open), _) if open == letter => quote = None,
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    code: Option<i32>,
    first: String,
    /// Name, unit, thresholds and ends of each, without its value.
    data: Vec<String>,
    /// The lines behind the first, if they are compared.
    more: Vec<(String, Vec<String>)>,
}

fn run(program: &Path, args: &[String], all_lines: bool) -> (Said, String) {
    let output = Command::new(program)
        .args(args)
        .env("LC_ALL", "C")
        .env("LANG", "C")
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (words, data) = match text.split_once('|') {
        Some((words, data)) => (words, data),
        None => (&*text, ""),
    };
    let first = words.lines().next().unwrap_or_default();
    let more = text.lines().skip(1).map(|line| {
        let (words, data) = line.split_once('|').unwrap_or((line, ""));
        (without_measures(words.trim_end()), limits(data))
    });
    let data = if all_lines {
        data.lines().next().unwrap_or_default()
    } else {
        data
    };
    let said = Said {
        code: output.status.code(),
        first: without_measures(first.trim_end()),
        data: limits(data),
        more: if all_lines {
            more.collect()
        } else {
            Vec::new()
        },
    };
    (said, text)
}

fn limits(data: &str) -> Vec<String> {
    let items = data.split_whitespace().map(|item| {
        let (name, rest) = item.split_once('=').unwrap_or((item, ""));
        let (value, limits) = rest.split_once(';').unwrap_or((rest, ""));
        let unit = value.trim_start_matches(|c: char| c.is_ascii_digit() || "+-.".contains(c));
        format!("{name}={unit};{limits}")
    });
    items.collect()
}

/// Numbers with a fraction are measured, and whole ones before `ms`, `s`, `%` and the like may be.
fn without_measures(text: &str) -> String {
    let mut out = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if !letter.is_ascii_digit() {
            out.push(letter);
            continue;
        }
        let mut number = letter.to_string();
        while let Some(next) = letters.next_if(|next| next.is_ascii_digit() || *next == '.') {
            number.push(next);
        }
        // An address has several points, a measure has one.
        let is_fraction = number.matches('.').count() == 1 && !number.ends_with('.');
        let is_measure = is_fraction || letters.clone().take(5).eq(" secs".chars());
        if !is_measure {
            out.push_str(&number);
            continue;
        }
        // Around zero, the sign and a power of ten are measured, too.
        if out.ends_with(" -") {
            out.pop();
        }
        out.push('N');
        let rest: String = letters.clone().take(4).collect();
        if matches!(
            rest.as_bytes(),
            [b'e', b'-' | b'+', b'0'..=b'9', b'0'..=b'9']
        ) {
            letters.nth(3);
        }
    }
    out
}

#[test]
fn real_and_ours_say_the_same() {
    let servers = servers::start();
    let places = servers.places();
    let only = std::env::var("CONFORMANCE").unwrap_or_default();
    let cases: Vec<Case> = cases()
        .into_iter()
        .filter(|case| case.place.contains(&*only))
        .collect();
    let next = AtomicUsize::new(0);
    let faults = Mutex::new(Vec::new());
    // Most of the time of a case is waiting.
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(fault) = judge(case, &places) {
                        faults
                            .lock()
                            .expect("no panic")
                            .push((case.place.clone(), fault));
                    }
                }
            });
        }
    });
    let mut faults = faults.into_inner().expect("no panic");
    faults.sort();
    let shown: Vec<String> = faults.into_iter().map(|(_, fault)| fault).collect();
    assert!(
        shown.is_empty(),
        "{} of {} command lines:\n{}",
        shown.len(),
        cases.len(),
        shown.join("\n")
    );
}

/// A sentence, if the case is not as it is wanted.
fn judge(case: &Case, places: &BTreeMap<String, String>) -> Option<String> {
    let args = words(&case.line, places);
    let ours = ours(&case.plugin);
    if case.wanted == Wanted::Foreign {
        let (_, text) = run(&ours, &args, case.all_lines);
        return (!text.contains("of the monitoring-plugins")).then(|| {
            format!(
                "{}: {}\n  is not for us, but: {text}",
                case.place, case.line
            )
        });
    }
    let (wanted, real_text) = run(&Path::new(REAL).join(&case.plugin), &args, case.all_lines);
    let (mut said, mut text) = run(&ours, &args, case.all_lines);
    // What was measured may lie on either side of a limit that is close: such a line gets a second try.
    if said != wanted && case.wanted == Wanted::Same {
        (said, text) = run(&ours, &args, case.all_lines);
    }
    match &case.wanted {
        Wanted::Same if said != wanted => Some(format!(
            "{}: {}\n  real: {:?} {real_text}  ours: {:?} {text}",
            case.place,
            args.join(" "),
            wanted.code,
            said.code
        )),
        Wanted::Different(why) if said == wanted => Some(format!(
            "{}: {}\n  is no difference any more ({why})",
            case.place, case.line
        )),
        _ => None,
    }
}

fn ours(plugin: &str) -> PathBuf {
    // Beside the tests' own directory.
    let mut path = std::env::current_exe().expect("a path");
    path.pop();
    path.pop();
    path.join(plugin)
}
