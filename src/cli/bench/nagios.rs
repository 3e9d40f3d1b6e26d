//! A site for Nagios 4 that runs one plugin as often as it can, with all that costs time switched off.

use std::{
    fs, io,
    os::unix::fs::chown,
    path::{Path, PathBuf},
};

use nix::unistd::{Group, User, geteuid};

use super::{
    plugin::{PLACES, Plugin},
    processes,
};

pub const MISSING: &str =
    "nagios4 is not installed here, so it is not compared with: apt-get install nagios4-core";
const PROGRAMS: [&str; 3] = [
    "/usr/sbin/nagios4",
    "/usr/local/nagios/bin/nagios",
    "/usr/sbin/nagios",
];
const DAYS: [&str; 7] = [
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];
const PER_HOST: u32 = 100;

/// Where it is installed.
pub fn program() -> Option<PathBuf> {
    processes::installed(&PROGRAMS)
}

/// Its name and version.
pub fn version(program: &Path) -> String {
    let output = processes::version(program);
    let version = output
        .lines()
        .find_map(|line| line.strip_prefix("Nagios Core "))
        .unwrap_or_default();
    format!("nagios4 {version}").trim().to_owned()
}

/// Writes a site; the path of its main file.
pub fn write(directory: &Path, plugin: &Plugin, checks: u32) -> io::Result<PathBuf> {
    let (user, group) = account()?;
    fs::write(directory.join("objects.cfg"), objects(plugin, checks))?;
    let results = directory.join("results");
    fs::create_dir(&results)?;
    let main = directory.join("nagios.cfg");
    fs::write(&main, settings(directory, &user.name, &group.name))?;
    if geteuid().is_root() {
        // Nagios drops to this user, who must be able to write here.
        for path in [directory, &results] {
            chown(path, Some(user.uid.as_raw()), Some(group.gid.as_raw()))?;
        }
    }
    Ok(main)
}

/// The account that another scheduler is to run under: `nagios`, which Debian gives to Icinga as well, when we may choose,
/// else ours.
pub fn account() -> io::Result<(User, Group)> {
    let theirs = User::from_name("nagios")?.filter(|_| geteuid().is_root());
    let user = match theirs {
        Some(user) => Some(user),
        None => User::from_uid(geteuid())?,
    };
    let user = user.ok_or_else(|| io::Error::other("this user has no name"))?;
    let group = Group::from_gid(user.gid)?
        .ok_or_else(|| io::Error::other(format!("the group of user {} has no name", user.name)))?;
    Ok((user, group))
}

fn settings(directory: &Path, user: &str, group: &str) -> String {
    let at = |name: &str| directory.join(name).display().to_string();
    let own = |text: &str| text.to_owned();
    let keys = [
        ("log_file", at("nagios.log")),
        ("cfg_file", at("objects.cfg")),
        ("object_cache_file", at("objects.cache")),
        ("precached_object_file", at("objects.precache")),
        ("status_file", at("status.dat")),
        ("status_update_interval", own("30")),
        ("nagios_user", own(user)),
        ("nagios_group", own(group)),
        ("check_external_commands", own("0")),
        ("command_file", at("nagios.cmd")),
        ("query_socket", at("nagios.qh")),
        ("lock_file", at("nagios.lock")),
        ("temp_file", at("nagios.tmp")),
        ("temp_path", at("")),
        ("log_rotation_method", own("n")),
        ("use_syslog", own("0")),
        ("check_result_path", at("results")),
        ("state_retention_file", at("retention.dat")),
        ("interval_length", own("1")),
        ("service_inter_check_delay_method", own("s")),
        ("max_service_check_spread", own("1")),
        ("service_interleave_factor", own("s")),
        ("max_concurrent_checks", own("0")),
        ("check_result_reaper_frequency", own("1")),
        ("execute_service_checks", own("1")),
        ("execute_host_checks", own("0")),
        ("enable_notifications", own("0")),
        ("enable_event_handlers", own("0")),
        ("process_performance_data", own("0")),
        ("check_for_orphaned_services", own("0")),
        ("enable_flap_detection", own("1")),
        ("use_large_installation_tweaks", own("1")),
        ("enable_environment_macros", own("0")),
        ("check_for_updates", own("0")),
        ("illegal_object_name_chars", own("`~!$%^&*|'\"<>?,()=")),
    ];
    keys.iter()
        .map(|(key, value)| format!("{key}={value}\n"))
        .collect()
}

fn objects(plugin: &Plugin, checks: u32) -> String {
    let days: String = DAYS
        .iter()
        .map(|day| format!(" {day} 00:00-24:00\n"))
        .collect();
    let commands: String = (0..PLACES)
        .map(|place| {
            format!(
                "define command{{\n command_name plugin{place}\n command_line {}\n}}\n",
                plugin.line_of(place)
            )
        })
        .collect();
    let mut text = format!(
        "{commands}define timeperiod{{\n timeperiod_name always\n alias always\n{days}}}\n\
         define contact{{\n contact_name oncall\n host_notifications_enabled 0\n service_notifications_enabled 0\n \
         host_notification_commands plugin0\n service_notification_commands plugin0\n host_notification_period always\n \
         service_notification_period always\n}}\n"
    );
    for check in 0..checks {
        let host = check / PER_HOST;
        if check % PER_HOST == 0 {
            text.push_str(&format!(
                "define host{{\n host_name host{host}\n address 127.0.0.1\n max_check_attempts 3\n active_checks_enabled 0\n \
                 check_period always\n contacts oncall\n notification_period always\n}}\n"
            ));
        }
        text.push_str(&format!(
            "define service{{\n host_name host{host}\n service_description check{check}\n check_command plugin{}\n \
             check_interval 1\n retry_interval 1\n max_check_attempts 3\n check_period always\n contacts oncall\n \
             notification_period always\n}}\n",
            check % PLACES
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_a_host() {
        let plugin = Plugin {
            line: "/bin/true".to_owned(),
            words: Vec::new(),
        };
        let text = objects(&plugin, 250);
        assert_eq!(text.matches("define service{").count(), 250);
        assert_eq!(text.matches("define host{").count(), 3);
        assert!(text.contains("command_line /bin/true\n"));
    }
}
