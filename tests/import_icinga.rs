//! Configurations of Icinga 2, imported, loaded by our loader, and counted against the real Icinga where it is installed.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use deploywatch::{
    config::{self, Loaded},
    domain::model::objects::Check,
};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_deploywatch");
const ICINGA: &str = "/usr/sbin/icinga2";

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/import_icinga")
        .join(name)
}

fn import(from: &Path, output: &Path) -> Output {
    Command::new(PROGRAM)
        .args(["import", "icinga"])
        .arg(from)
        .arg("--output")
        .arg(output)
        .output()
        .expect("the program runs")
}

struct Imported {
    directory: TempDir,
    loaded: Loaded,
    report: String,
}

impl Imported {
    #[track_caller]
    fn new(from: &Path) -> Self {
        let directory = TempDir::new().expect("a directory");
        let output = import(from, directory.path());
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{said}");
        let main = directory.path().join("deploywatch.toml");
        let checked = Command::new(PROGRAM)
            .args(["check-config", "--config"])
            .arg(&main)
            .output()
            .expect("the program runs");
        let said = String::from_utf8_lossy(&checked.stdout);
        assert_eq!(checked.status.code(), Some(0), "{said}");
        let loaded =
            config::load(&main).unwrap_or_else(|faults| panic!("{}", faults.render(false)));
        let report =
            fs::read_to_string(directory.path().join("import-report.txt")).expect("a report");
        Self {
            directory,
            loaded,
            report,
        }
    }

    fn text(&self, file: &str) -> String {
        fs::read_to_string(self.directory.path().join(file)).unwrap_or_default()
    }

    #[track_caller]
    fn has(&self, file: &str, parts: &[&str]) {
        let text = self.text(file);
        for part in parts {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[track_caller]
    fn check(&self, host: &str, name: &str) -> &Check {
        let inventory = &self.loaded.inventory;
        let found = inventory.checks.iter().find(|check| {
            &*inventory.hosts[check.host.0 as usize].name == host && &*check.name == name
        });
        found.unwrap_or_else(|| panic!("{host}/{name}"))
    }

    fn line(&self, host: &str, name: &str) -> &str {
        let command = self.check(host, name).rule.command.as_ref();
        command.map_or("", |command| &*command.line)
    }

    fn told(&self, host: &str, name: &str) -> Vec<String> {
        let notify = &self.check(host, name).rule.notify;
        let contacts = notify.contacts.iter().filter(|_| notify.enabled);
        contacts
            .map(|contact| {
                self.loaded.inventory.contacts[contact.0 as usize]
                    .name
                    .to_string()
            })
            .collect()
    }

    /// Compares with `Instantiated 5 Hosts.` and the like, if there is a real Icinga. Those that it runs within itself
    /// are left out.
    #[track_caller]
    fn agrees(&self, main: &Path, left_out: usize) {
        let program = std::env::var("ICINGA2").unwrap_or_else(|_| ICINGA.to_owned());
        if !Path::new(&program).exists() {
            return;
        }
        let output = Command::new(&program)
            .args(["daemon", "-C", "-c"])
            .arg(main)
            .output()
            .expect("icinga2 runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for line in said.lines() {
            let Some((_, rest)) = line.split_once(": Instantiated ") else {
                continue;
            };
            let (count, what) = rest.trim_end_matches('.').split_once(' ').expect("a kind");
            counts.insert(
                what.trim_end_matches('s').to_owned(),
                count.parse().expect("a number"),
            );
        }
        let inventory = &self.loaded.inventory;
        assert_eq!(counts["Host"], inventory.hosts.len(), "{said}");
        assert_eq!(
            counts["Service"],
            inventory.checks.len() + left_out,
            "{said}"
        );
        for (kind, what) in [
            ("HostGroup", "host groups"),
            ("ServiceGroup", "service groups"),
            ("User", "contacts"),
            ("UserGroup", "contact groups"),
            ("TimePeriod", "time periods"),
            ("Notification", "notifications"),
        ] {
            let line = format!("{:>8} {what}\n", counts[kind]);
            assert!(
                self.report.contains(&line),
                "{line} is not in\n{}",
                self.report
            );
        }
    }
}

#[test]
fn an_office_with_the_files_that_come_with_icinga() {
    let directory = example("office");
    let office = Imported::new(&directory);
    office.agrees(&directory.join("icinga2.conf"), 1);
    assert_eq!(
        office.line("files", "ping4"),
        "/usr/lib/nagios/plugins/check_ping -4 -H $HOSTADDRESS$ -c 200,15% -w 100,5%"
    );
    assert_eq!(
        office.line("monitor", "intranet"),
        "/usr/lib/nagios/plugins/check_http -H intranet.example.org -I $HOSTADDRESS$ -S -u /intranet"
    );
    assert!(
        office.line("files", "disk /srv").ends_with(" -m -p /srv"),
        "{}",
        office.line("files", "disk /srv")
    );
    assert!(office.line("files", "disk /srv").contains(" -w 15% "));
    assert_eq!(office.told("files", "ssh"), ["admin"]);
    assert!(office.told("printer 1", "ping4").is_empty());
    let rule = &office.check("files", "ssh").rule;
    assert_eq!(rule.attempts, 5);
    assert_eq!(rule.notify.remind.as_secs(), 7200);
    assert!(!rule.notify.on_downtime);
    office.has(
        "hosts.toml",
        &[
            "name = \"generic\"\ncheck = \"hostalive\"\nevery = \"1m\"\nretry = \"30s\"",
            "name = \"printer\"\nuse = \"generic\"\nevery = \"10m\"\nflap_detection = true\nvars = { kind = \"printer\" }",
            "name = \"printer 1\"\nuse = \"printer\"\naddress = \"192.0.2.20\"\nflap_detection = false\nnotify = false",
            "hosts = [\"monitor\", \"files\"]",
            "# What all hosts share.",
            "# The machine itself.",
        ],
    );
    office.has(
        "checks.toml",
        &["groups = [\"linux\"]\nuse = [\"generic-check\", \"mail\"]\ncommand = \"ssh\""],
    );
    office.has(
        "periods.toml",
        &[
            "monday = \"22:00-24:00\"",
            "tuesday = \"00:00-06:00\"",
            "friday = \"22:00-24:00,12:00-13:00\"",
            "saturday = \"00:00-06:00\"",
        ],
    );
    office.has(
        "commands.toml",
        &[
            "mail-host.sh -4 $HOSTADDRESS$ -c '$NOTIFICATIONCOMMENT$' -l '$HOSTNAME$' -o '$HOSTOUTPUT$' -r '$CONTACTEMAIL$'",
            "/usr/bin/env 'NOTIFICATIONTYPE=$NOTIFICATIONTYPE$' 'SERVICESTATE=$SERVICESTATE$' 'USEREMAIL=$CONTACTEMAIL$' /etc/icinga2/scripts/mail-service.sh",
        ],
    );
    for part in [
        "`icinga` looks at Icinga's own daemon",
        "object Endpoint NodeName {\n    there are no other nodes",
        "apply ScheduledDowntime \"backup\" to Service {\n    downtimes that recur are not configured",
    ] {
        assert!(
            office.report.contains(part),
            "{part} is not in\n{}",
            office.report
        );
    }
}

#[test]
fn a_shop_with_rules_and_commands_of_its_own() {
    let directory = example("shop");
    let shop = Imported::new(&directory);
    shop.agrees(&directory.join("icinga2.conf"), 0);
    assert_eq!(
        shop.line("web1", "page start"),
        "/usr/lib/nagios/plugins/check_http -I $HOSTADDRESS$ -m 100 -p 8080 -u /"
    );
    assert_eq!(
        shop.line("web2", "page start"),
        "/usr/lib/nagios/plugins/check_http -I $HOSTADDRESS$ -p 8081 -u /"
    );
    assert_eq!(shop.check("web2", "page start").rule.attempts, 7);
    assert_eq!(shop.check("web2", "page start").rule.timeout.as_secs(), 20);
    assert_eq!(
        shop.line("db1", "queue-stock"),
        "/opt/plugins/check_queue --host $HOSTADDRESS$ --tag 'a b' stock --warn 10 --name stock"
    );
    assert_eq!(
        shop.line("db1", "ssh"),
        "/usr/lib/nagios/plugins/check_ssh -p 2222 $HOSTADDRESS$"
    );
    assert_eq!(shop.told("db1", "queue-stock"), ["ann", "ben"]);
    assert!(shop.told("db1", "ssh").is_empty());
    assert!(!shop.check("router", "by hand").rule.active);
    let remote = &shop.check("db1", "remote load").rule;
    assert!(remote.volatile && remote.rare().handler.is_some());
    assert_eq!(
        remote.notes_url.as_deref(),
        Some("https://wiki.example.org/$HOSTNAME$")
    );
    let hosts = &shop.loaded.inventory.hosts;
    let boss = shop
        .loaded
        .inventory
        .contacts
        .iter()
        .find(|contact| &*contact.name == "boss");
    assert!(!boss.expect("boss").on_flapping);
    assert_eq!(
        hosts
            .iter()
            .find(|host| &*host.name == "web1")
            .expect("web1")
            .rule
            .attempts,
        4
    );
    shop.has(
        "checks.toml",
        &["groups = [\"web\"]\nuse = [\"regular\", \"team\"]\ncommand = \"swap\""],
    );
    shop.has("hosts.toml", &["name = \"backend\"\ngroups = [\"db\"]\n"]);
    shop.has(
        "relations.toml",
        &[
            "of = { hosts = [\"db1\", \"web1\", \"web2\", \"web3\"] }\non = { hosts = [\"router\"] }\nrun = [\"down\", \"unreachable\"]",
            "of = { hosts = [\"web1\", \"web2\"], checks = [\"swap\"] }\non = { checks = [\"ssh\"] }\nnotify = [\"warning\", \"critical\", \"unknown\"]",
            "of = { hosts = [\"db1\"], checks = [\"queue-orders\", \"queue-stock\"] }\nfirst = 3\nlast = 12\ncontacts = [\"ann\", \"ben\", \"boss\"]\n",
        ],
    );
    shop.has(
        "contacts.toml",
        &[
            "command = { check = \"mail\", host = \"sms\", timeout = \"60s\" }",
            "name = \"ann-mail\"",
            "name = \"mailed\"\ncontacts = [\"ann-mail\"]",
            "first_delay = \"5m\"",
        ],
    );
    for part in [
        "hosts.conf:41: vars.computed = {{ \"never\" }}\n    a function is run by Icinga only",
        "the function `get_service` is run by Icinga only",
        "for (n in [ 1, 2 ]) {\n    `for` is run by Icinga only",
        "left out of `queue`: --computed: a function is run by Icinga only",
    ] {
        assert!(
            shop.report.contains(part),
            "{part} is not in\n{}",
            shop.report
        );
    }
}

#[test]
fn what_has_no_counterpart_is_told_with_its_line() {
    let directory = TempDir::new().expect("a directory");
    let file = directory.path().join("one.conf");
    fs::write(
        &file,
        "object Host \"a\" {\n check_command = \"hostalive\"\n zone = \"far\"\n colour = \"red\"\n command_endpoint = name\n address = \"192.0.2.1\"\n}\n\
         object FileLogger \"x\" {\n path = \"y\"\n}\nobject ApiUser \"u\" { }\nif (true) {\n object Host \"b\" { }\n}\n\
         object Service \"s\" {\n host_name = \"a\"\n check_command = \"snmp\"\n vars.snmp_oid = Missing\n}\n",
    )
    .expect("written");
    let one = Imported::new(&file);
    for part in [
        "one.conf:3: zone = \"far\"\n    all is run by one daemon",
        "one.conf:4: colour = \"red\"\n    no attribute that this importer knows",
        "one.conf:5: command_endpoint = name\n    is run here, not on the endpoint",
        "one.conf:8: object FileLogger \"x\" {\n    a part of Icinga's own daemon",
        "one.conf:11: object ApiUser \"u\" { }\n    tokens for the API",
        "one.conf:12: if (true) {\n    `if` around objects",
        "one.conf:18: vars.snmp_oid = Missing\n    `Missing` is not known here",
    ] {
        assert!(
            one.report.contains(part),
            "{part} is not in\n{}",
            one.report
        );
    }
}

#[test]
fn all_faults_are_told_of_at_once_and_nothing_is_written() {
    let directory = TempDir::new().expect("a directory");
    let output = import(&example("faulty/one.conf"), directory.path());
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stdout);
    for part in [
        "one.conf:1: there is no HostGroup `nowhere`",
        "one.conf:2: there is no template Host `generc`\n  help: did you mean `generic`?",
        "one.conf:10: this rule has no `assign where`",
        "one.conf:14: the service `y` has no host_name",
        "one.conf:18: there is no Host `b`",
        "one.conf:23: Host `a` is defined again; first on line 1",
        "one.conf:27: `a` depends on itself",
        "7 faults; nothing was written",
    ] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
    let output = import(&example("faulty/syntax.conf"), directory.path());
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("syntax.conf:4: `]` is missing before `}`"),
        "{said}"
    );
    let output = import(&directory.path().join("none.conf"), directory.path());
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("none.conf: cannot read"), "{said}");
    assert_eq!(fs::read_dir(directory.path()).expect("readable").count(), 0);
}
