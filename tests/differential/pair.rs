//! Nagios and deploywatch side by side: one configuration, one story, two logs.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, chown},
    path::Path,
    process::Command,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use nix::unistd::{User, geteuid};

use crate::{
    common::{Daemon, Guarded, PROGRAM, Site as Directory, free_port, need, until_true},
    story::{self, Story},
};

/// Commands are written one by one within a second: both read the same one from their clocks, and what falls due with
/// one command happens before the next.
const FIRST: Duration = Duration::from_millis(150);
const AFTER: Duration = Duration::from_secs(11);
const BETWEEN: Duration = Duration::from_millis(190);

/// What the two wrote.
pub struct Logs {
    pub nagios: String,
    pub ours: String,
}

/// Lets both live through a story.
pub fn run(objects: &str, settings: &str, story: &Story) -> Logs {
    let theirs = Directory::new();
    let ours = Directory::new();
    let main = write(&theirs, objects, settings);
    let nagios = Guarded::start(
        Command::new(need("/usr/sbin/nagios4", "nagios4-core")).arg(&main),
        theirs.file("said.txt"),
    );
    let daemon = start_ours(&ours, objects, settings);
    for directory in [&theirs, &ours] {
        until_true("there is a pipe", || directory.file("nagios.cmd").exists());
    }
    until_true("nagios has started", || {
        theirs.read("nagios.log").is_some_and(|log| {
            log.contains("entering active mode")
                || log.contains("Successfully launched command file worker")
        })
    });
    for lines in story {
        let now = wait_for_next_second();
        // The first second tells what everything is: nothing falls due, and it may come at once.
        let gap = if 4 < lines.len() {
            Duration::ZERO
        } else {
            BETWEEN
        };
        for line in lines {
            let text = format!("[{now}] {}\n", story::at(line, now));
            for directory in [&theirs, &ours] {
                write_to_pipe(&directory.file("nagios.cmd"), &text);
            }
            thread::sleep(gap);
        }
    }
    // All downtimes have ended then.
    thread::sleep(AFTER);
    daemon.end_well();
    drop(nagios);
    Logs {
        nagios: theirs.read("nagios.log").unwrap_or_default(),
        ours: ours.read("nagios.log").unwrap_or_default(),
    }
}

fn wait_for_next_second() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    let next = Duration::from_secs(now.as_secs() + 1) + FIRST;
    thread::sleep(next.saturating_sub(now));
    i64::try_from(now.as_secs() + 1).expect("small")
}

fn write_to_pipe(pipe: &Path, text: &str) {
    let mut pipe = OpenOptions::new()
        .write(true)
        .custom_flags(nix::libc::O_NONBLOCK)
        .open(pipe)
        .expect("the pipe has a reader");
    pipe.write_all(text.as_bytes()).expect("written");
}

fn start_ours(directory: &Directory, objects: &str, settings: &str) -> Daemon {
    let main = write(directory, objects, settings);
    let imported = directory.file("imported");
    let output = Command::new(PROGRAM)
        .args(["import", "nagios"])
        .arg(&main)
        .arg("--output")
        .arg(&imported)
        .output()
        .expect("the program runs");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let port = free_port();
    let config = imported.join("deploywatch.toml");
    let text = fs::read_to_string(&config).expect("imported");
    let daemon = format!("[daemon]\nlisten = \"127.0.0.1:{port}\"\nstore = \":memory:\"\n");
    assert!(text.contains("[daemon]\n"), "{text}");
    fs::write(&config, text.replacen("[daemon]\n", &daemon, 1)).expect("written");
    Daemon::start(&config, port)
}

/// The main file and the objects.
fn write(directory: &Directory, objects: &str, settings: &str) -> std::path::PathBuf {
    let user = User::from_name("nagios")
        .ok()
        .flatten()
        .filter(|_| geteuid().is_root())
        .or_else(|| User::from_uid(geteuid()).ok().flatten())
        .expect("this user has a name");
    directory.write("objects.cfg", objects);
    fs::create_dir_all(directory.file("results")).expect("made");
    let at = |name: &str| directory.name(name);
    let text = format!(
        "log_file={}\ncfg_file={}\nobject_cache_file={}\nprecached_object_file={}\nstatus_file={}\n\
         status_update_interval=60\nnagios_user={user}\nnagios_group={user}\ncheck_external_commands=1\n\
         command_file={}\nquery_socket={}\nlock_file={}\ntemp_file={}\ntemp_path={}\nlog_rotation_method=n\n\
         use_syslog=0\ncheck_result_path={}\nstate_retention_file={}\nretain_state_information=0\n\
         interval_length=1\nlog_notifications=1\nlog_service_retries=1\nlog_host_retries=1\n\
         log_event_handlers=1\nlog_external_commands=1\nlog_passive_checks=1\n\
         execute_service_checks=1\nexecute_host_checks=1\nenable_notifications=1\nprocess_performance_data=0\n\
         check_for_updates=0\nillegal_object_name_chars=`~!$%^&*|'\"<>?,()=\n\
         illegal_macro_output_chars=`~$&|'\"<>\n{settings}",
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
    );
    let main = directory.write("nagios.cfg", text);
    if geteuid().is_root() {
        for path in [directory.path().to_owned(), directory.file("results")] {
            chown(&path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("given away");
        }
    }
    main
}
