//! Nagios' own configurations, imported, loaded by our loader, and counted against the real Nagios.

#[path = "import/precache.rs"]
mod precache;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use deploywatch::config::{self, Loaded};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_deploywatch");
const NAGIOS: &str = "/usr/sbin/nagios4";

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/import")
        .join(name)
        .join("nagios.cfg")
}

fn import(main: &Path, output: &Path, more: &[&str]) -> Output {
    Command::new(PROGRAM)
        .args(["import", "nagios"])
        .arg(main)
        .arg("--output")
        .arg(output)
        .args(more)
        .output()
        .expect("the program runs")
}

fn load(directory: &Path) -> Loaded {
    let main = directory.join("deploywatch.toml");
    let checked = Command::new(PROGRAM)
        .args(["check-config", "--config"])
        .arg(&main)
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&checked.stdout);
    assert_eq!(checked.status.code(), Some(0), "{said}");
    config::load(&main).unwrap_or_else(|faults| panic!("{}", faults.render(false)))
}

/// `Checked 8 services.` and the like, from the real Nagios. The configuration is copied, for Nagios writes beside it.
fn counted_by_nagios(main: &Path) -> BTreeMap<String, usize> {
    assert!(
        Path::new(NAGIOS).exists(),
        "install nagios4-core, or run tests/run.sh"
    );
    let output = Command::new(NAGIOS)
        .arg("-v")
        .arg(main)
        .output()
        .expect("nagios4 runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    let mut counts = BTreeMap::new();
    for line in text.lines() {
        let Some((count, what)) = line
            .trim()
            .strip_prefix("Checked ")
            .and_then(|rest| rest.split_once(' '))
        else {
            continue;
        };
        // The same kinds are counted again for circles.
        if let Some(what) = what.strip_suffix('.') {
            counts.insert(what.to_owned(), count.parse().expect("a number"));
        }
    }
    counts
}

fn tables(directory: &Path, name: &str) -> usize {
    let header = format!("[[{name}]]");
    fs::read_dir(directory)
        .expect("readable")
        .map(|entry| fs::read_to_string(entry.expect("readable").path()).unwrap_or_default())
        .map(|text| text.lines().filter(|line| *line == header).count())
        .sum()
}

/// Imports, loads, and compares what there is with what Nagios says there is.
#[track_caller]
fn agree(main: &Path) -> (TempDir, String) {
    let directory = TempDir::new().expect("a directory");
    let output = import(main, directory.path(), &[]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let before: String = ["checks", "hosts", "contacts", "relations"]
        .iter()
        .map(|name| {
            fs::read_to_string(directory.path().join(format!("{name}.toml"))).unwrap_or_default()
        })
        .collect();
    let nagios = counted_by_nagios(main);
    for (what, table) in [
        ("host groups", "group"),
        ("service groups", "check_group"),
        ("contact groups", "contact_group"),
        ("commands", "command"),
        ("time periods", "period"),
    ] {
        assert_eq!(tables(directory.path(), table), nagios[what], "{what}");
    }
    let loaded = load(directory.path());
    assert_eq!(loaded.inventory.hosts.len(), nagios["hosts"], "hosts");
    assert_eq!(
        loaded.inventory.checks.len(),
        nagios["services"],
        "services"
    );
    assert_eq!(
        loaded.inventory.contacts.len(),
        nagios["contacts"],
        "contacts"
    );
    precache::compare(main, &loaded.inventory);
    (directory, before)
}

#[test]
fn debians_sample() {
    let (directory, _) = agree(Path::new("/etc/nagios4/nagios.cfg"));
    let report = fs::read_to_string(directory.path().join("import-report.txt")).expect("a report");
    assert!(report.contains("localhost.cfg"), "{report}");
    let mode = fs::metadata(directory.path().join("user-macros.cfg"))
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn groups_and_templates_in_every_form() {
    let (directory, text) = agree(&example("groups"));
    for part in [
        "use = [\"loud-check\", \"any-service\"]",
        "contacts = [\"operators\", \"bosses\"]",
        "exclude_groups = [\"web\"]",
        "exclude_hosts = [\"win 1\"]",
        "# name = \"SSH\"",
        "name = \"Nowhere\"",
        "stale_after = \"1h\"",
        "parents = [\"HTTP\"]",
        "{ check = \"sms\", host = \"/bin/true\", timeout = \"45s\" }",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let loaded = config::load(&directory.path().join("deploywatch.toml")).expect("good");
    let inventory = &loaded.inventory;
    let check = |host: &str, name: &str| {
        let found = inventory.checks.iter().find(|check| {
            &*inventory.hosts[check.host.0 as usize].name == host && &*check.name == name
        });
        found.unwrap_or_else(|| panic!("{host}/{name}"))
    };
    let told = |host: &str, name: &str| -> Vec<String> {
        let contacts = check(host, name).rule.notify.contacts.iter();
        contacts
            .map(|contact| inventory.contacts[contact.0 as usize].name.to_string())
            .collect()
    };
    assert_eq!(told("web1", "HTTP"), ["ann", "ben", "boss"]);
    assert_eq!(told("web1", "PING"), ["ann", "ben"]);
    assert!(
        told("db1", "Uptime").is_empty(),
        "null keeps the host's contacts away"
    );
    assert_eq!(
        check("db1", "SSH")
            .rule
            .command
            .as_ref()
            .expect("a command")
            .args,
        ["22"]
    );
    assert_eq!(
        check("web2", "TLS")
            .rule
            .command
            .as_ref()
            .expect("a command")
            .args,
        ["443"]
    );
    assert_eq!(
        check("db1", "PING")
            .rule
            .command
            .as_ref()
            .expect("a command")
            .args[0],
        "300.0,20%"
    );
    let ann = inventory
        .contacts
        .iter()
        .find(|contact| &*contact.name == "ann")
        .expect("ann");
    assert_eq!(ann.email, "ann@example.org");
    assert_eq!(ann.channels.len(), 1, "the command alone sends mail");
}

#[test]
fn dependencies_escalations_and_periods_in_every_form() {
    let (directory, text) = agree(&example("relations"));
    for part in [
        "of = { groups = [\"webs\"], checks = [\"http\"] }",
        "on = { checks = [\"queue\"] }",
        "run = [\"unknown\", \"critical\"]",
        "# last = 0",
        "remind = \"15m\"",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let report = fs::read_to_string(directory.path().join("import-report.txt")).expect("a report");
    for part in [
        "no last_notification",
        "no service_notification_options",
        "22:00-06:00 ends before",
        "forgets the part in January",
    ] {
        assert!(report.contains(part), "{part} is not in\n{report}");
    }
}

#[test]
fn an_old_one_with_latin_1_and_windows_lines() {
    let (_directory, text) = agree(&example("old"));
    for part in ["Jörg Müller", "In rack 7", "hosts = [\"mail.*\"]"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn all_faults_are_told_of_at_once_and_nothing_is_written() {
    let directory = TempDir::new().expect("a directory");
    let output = import(&example("faulty"), directory.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stdout);
    for part in [
        "faulty/nagios.cfg:3: cannot read",
        "faulty/nagios.cfg:4: there is no setting `enable_notification`\n  help: did you mean `enable_notifications`?",
        "faulty/objects.cfg:1: there is no type of object `hostt`",
        "faulty/objects.cfg:6: there is no directive `adress` in a host\n  help: did you mean `address`?",
        "faulty/objects.cfg:29: there is no host `web2`",
        "faulty/objects.cfg:42: `mondy`",
        "faulty/objects.cfg:44: this contact is not closed",
        "19 faults; nothing was written",
    ] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
    assert_eq!(fs::read_dir(directory.path()).expect("readable").count(), 0);
}

#[test]
fn a_full_directory_is_refused_without_force() {
    let directory = TempDir::new().expect("a directory");
    fs::write(directory.path().join("mine"), "").expect("written");
    let main = example("old");
    assert_eq!(import(&main, directory.path(), &[]).status.code(), Some(1));
    assert_eq!(
        import(&main, directory.path(), &["--force"]).status.code(),
        Some(0)
    );
    assert!(
        directory.path().join("mine").exists(),
        "what is not ours stays"
    );
}

/// A site of `hosts` with twenty services each, every one written by `service` from the numbers of both.
fn large(hosts: usize, before: &str, service: impl Fn(usize, usize) -> String) -> String {
    let mut text = before.to_owned();
    for host in 0..hosts {
        text += &format!(
            "define host {{\n host_name host{host}\n max_check_attempts 2\n check_command c\n}}\n"
        );
        text.extend((0..20).map(|number| service(host, number)));
    }
    text
}

fn import_text(directory: &Path, objects: &str) {
    fs::write(directory.join("objects.cfg"), objects).expect("written");
    let main = directory.join("nagios.cfg");
    fs::write(&main, "cfg_file=objects.cfg\n").expect("written");
    let output = import(&main, &directory.join("out"), &[]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
}

const COMMAND: &str = "define command {\n command_name c\n command_line /bin/true\n}\n";

/// Large enough to see what grows faster than the configuration; the real number is measured in release.
#[test]
fn a_large_one_is_imported_in_time() {
    let directory = TempDir::new().expect("a directory");
    let template =
        "define service {\n name s\n max_check_attempts 2\n check_command c\n register 0\n}\n";
    let text = large(500, &format!("{COMMAND}{template}"), |host, number| {
        format!(
            "define service {{\n use s\n host_name host{host}\n service_description service{number}\n}}\n"
        )
    });
    let start = std::time::Instant::now();
    import_text(directory.path(), &text);
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

/// One without templates, as programs write them: every service says all it has. The report is long enough to be written
/// on two threads, and has each line of the file once, in its place.
#[test]
fn services_written_out_in_full_are_kept_line_by_line() {
    let directory = TempDir::new().expect("a directory");
    let text = large(60, COMMAND, |host, number| {
        format!(
            "define service {{\n    host_name   host{host}\n    service_description service{number}\n    \
             check_command c!{host}!{number}\n    max_check_attempts {attempts}\n    check_interval {every}\n    \
             retry_interval 1 ; slow\n    notification_interval 0\n    notification_options c,r\n    \
             check_freshness 0\n}}\n",
            attempts = number + 1,
            every = host + 1,
        )
    });
    import_text(directory.path(), &text);
    let out = directory.path().join("out");
    let inventory = load(&out).inventory;
    assert_eq!(inventory.checks.len(), 1200);
    for check in &inventory.checks {
        let host = &*inventory.hosts[check.host.0 as usize].name;
        let (host, number) = (&host["host".len()..], &check.name["service".len()..]);
        let command = check.rule.command.as_ref().expect("a command");
        assert_eq!(command.args, [host, number]);
        let attempts: u32 = number.parse().expect("a number");
        assert_eq!(check.rule.attempts, attempts + 1, "{host} {number}");
    }
    let report = fs::read_to_string(out.join("import-report.txt")).expect("a report");
    let (_, lines) = report
        .split_once("objects.cfg\n")
        .expect("line by line, file by file");
    let keys = [
        ("define", "[[check]]"),
        ("host_name", "hosts"),
        ("service_description", "name"),
        ("check_command", "command"),
        ("max_check_attempts", "attempts"),
        ("check_interval", "every"),
        ("retry_interval", "retry"),
        ("notification_interval", "remind"),
        ("notification_options", "states"),
        ("check_freshness", "nothing: freshness is not checked"),
    ];
    let mut told = lines.lines();
    let mut is_service = false;
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| *line != "}") {
        is_service = (is_service && !line.starts_with("define")) || line == "define service {";
        let found = told.next().expect("a line for each");
        let words: Vec<&str> = line
            .split_whitespace()
            .take_while(|word| *word != ";")
            .collect();
        let shown = format!("{number:>6} kept     {}  =>  ", words.join(" "));
        let key = found.strip_prefix(&shown);
        let Some(key) = key else {
            panic!("{found:?} is not {shown:?}");
        };
        if is_service {
            let expected = keys.iter().find(|(directive, _)| *directive == words[0]);
            assert_eq!(Some(key), expected.map(|(_, key)| *key), "{line}");
        }
    }
    assert_eq!(told.next(), None);
}
