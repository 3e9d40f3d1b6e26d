//! `shadow` beside a real Nagios: the same decisions from the same results, and what differs when the configuration does.

mod common;

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use common::{Guarded, PROGRAM, Site, need, until_true};
use nix::unistd::{User, geteuid};

const OBJECTS: &str = "\
define timeperiod {
    timeperiod_name always
    alias always
    sunday 00:00-24:00
    monday 00:00-24:00
    tuesday 00:00-24:00
    wednesday 00:00-24:00
    thursday 00:00-24:00
    friday 00:00-24:00
    saturday 00:00-24:00
}
define command {
    command_name tell
    command_line /bin/true
}
define contact {
    contact_name ann
    host_notification_commands tell
    service_notification_commands tell
    host_notification_period always
    service_notification_period always
    host_notification_options d,u,r
    service_notification_options w,u,c,r
}
define host {
    host_name web1
    address 127.0.0.1
    max_check_attempts 1
    active_checks_enabled 0
    check_period always
    contacts ann
    notification_period always
}
define service {
    host_name web1
    service_description http
    check_command changeable
    check_interval 1
    retry_interval 1
    max_check_attempts 2
    check_period always
    contacts ann
    notification_period always
    notification_interval 3
}
";

/// Nagios' main file and objects, in a directory that Nagios may write to.
fn nagios_site() -> (Site, PathBuf) {
    let site = Site::new();
    let plugin = site.changeable_plugin("plugin");
    let user = User::from_name("nagios")
        .ok()
        .flatten()
        .filter(|_| geteuid().is_root())
        .or_else(|| User::from_uid(geteuid()).ok().flatten())
        .expect("this user has a name");
    site.write(
        "objects.cfg",
        format!(
            "{OBJECTS}define command {{\n    command_name changeable\n    command_line {}\n}}\n",
            plugin.display()
        ),
    );
    fs::create_dir_all(site.file("results")).expect("made");
    let at = |name: &str| site.name(name);
    let main = site.write(
        "nagios.cfg",
        format!(
            "log_file={}\ncfg_file={}\nobject_cache_file={}\nprecached_object_file={}\nstatus_file={}\n\
             status_update_interval=1\nnagios_user={user}\nnagios_group={user}\ncheck_external_commands=1\n\
             command_file={}\nquery_socket={}\nlock_file={}\ntemp_file={}\ntemp_path={}\nlog_rotation_method=n\n\
             use_syslog=0\ncheck_result_path={}\nstate_retention_file={}\nretain_state_information=0\n\
             interval_length=1\nlog_service_retries=1\nlog_host_retries=1\nenable_notifications=1\n\
             service_inter_check_delay_method=n\nmax_service_check_spread=1\nenable_flap_detection=0\n\
             check_for_updates=0\n",
            at("nagios.log"),
            at("objects.cfg"),
            at("objects.cache"),
            at("objects.precache"),
            at("status.dat"),
            at("nagios.cmd"),
            at("nagios.qh"),
            at("nagios.lock"),
            at("nagios.tmp"),
            at(""),
            at("results"),
            at("retention.dat"),
            user = user.name,
        ),
    );
    if geteuid().is_root() {
        for path in [site.path().to_owned(), site.file("results")] {
            chown(&path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("given away");
        }
    }
    (site, main)
}

fn import(main: &Path, to: &Path) -> PathBuf {
    let output = Command::new(PROGRAM)
        .args(["import", "nagios"])
        .arg(main)
        .arg("--output")
        .arg(to)
        .output()
        .expect("the program runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    to.join("deploywatch.toml")
}

fn shadow(config: &Path, log: &Path, more: &[&str]) -> Output {
    Command::new(PROGRAM)
        .args(["shadow", "--config"])
        .arg(config)
        .arg("--log")
        .arg(log)
        .args(more)
        .output()
        .expect("the program runs")
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn beside_a_real_nagios_the_decisions_agree_and_a_changed_rule_shows() {
    let (site, main) = nagios_site();
    let config = import(&main, &site.file("imported"));
    let nagios = Guarded::start(
        Command::new(need("/usr/sbin/nagios4", "nagios4-core")).arg(&main),
        site.file("said.txt"),
    );
    let log = site.file("nagios.log");
    until_true("status.dat is written", || site.file("status.dat").exists());
    let follower = Guarded::start(
        Command::new(PROGRAM)
            .args(["shadow", "--follow", "--slack", "4", "--config"])
            .arg(&config)
            .arg("--log")
            .arg(&log)
            .arg("--status")
            .arg(site.file("status.dat")),
        site.file("followed.txt"),
    );
    let notifications = |state: &str| {
        let line = format!("SERVICE NOTIFICATION: ann;web1;http;{state};");
        site.read("nagios.log")
            .unwrap_or_default()
            .matches(&line)
            .count()
    };
    site.say("plugin", 2, "CRITICAL - bad");
    until_true("nagios pages and reminds twice", || {
        3 <= notifications("CRITICAL")
    });
    site.say("plugin", 0, "OK - fine again");
    until_true("nagios tells of the recovery", || 1 == notifications("OK"));
    // The follower knows of it once the second has settled and the slack is over.
    let settled = std::time::Instant::now();
    until_true("the follower has had its time", || {
        8 <= settled.elapsed().as_secs()
    });
    let mut follower = follower;
    let code = follower.end();
    let said = follower.log();
    assert_eq!(
        code,
        Some(0),
        "{said}\n{}",
        site.read("nagios.log").unwrap_or_default()
    );
    assert!(said.contains("service notification"), "{said}");
    assert!(said.contains(", 0 differ"), "{said}");
    drop(nagios);

    // The log alone tells as much: alerts, and reminders that came with results.
    let output = shadow(&config, &log, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));

    // One attempt more, and deploywatch would have paged later.
    let checks = fs::read_to_string(site.file("imported/checks.toml")).expect("there");
    assert!(checks.contains("attempts = 2"), "{checks}");
    site.write(
        "imported/checks.toml",
        checks.replace("attempts = 2", "attempts = 4"),
    );
    let output = shadow(&config, &log, &[]);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("only Nagios:      SERVICE ALERT: web1;http;CRITICAL;HARD;2"),
        "{said}"
    );
    assert!(said.contains("deploywatch: tells"), "{said}");

    let output = shadow(&config, &log, &["--output", "json"]);
    let report: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    assert!(
        report["differences"]
            .as_array()
            .is_some_and(|all| !all.is_empty()),
        "{report}"
    );
}

#[test]
fn a_log_that_is_not_there_is_named() {
    let (site, main) = nagios_site();
    let config = import(&main, &site.file("imported"));
    let output = shadow(&config, &site.file("none.log"), &[]);
    assert!(text(&output).contains("cannot read"), "{}", text(&output));
    assert_ne!(output.status.code(), Some(0));
}
