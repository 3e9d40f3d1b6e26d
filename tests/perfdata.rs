//! Performance data on its way out of the daemon: lines in a file, a file that its command takes away, a command for
//! each result.

mod common;

use std::fs;

use common::{Daemon, Site, free_port, until, until_true};

fn start(site: &Site, nagios: &str, more: &str) -> Daemon {
    site.changeable_plugin("load");
    site.say("load", 1, "LOAD - \"high\" | load1=2.5;2;4;0; load5=1");
    let listen = free_port();
    let config = format!(
        r#"[daemon]
listen = "127.0.0.1:{listen}"
[nagios]
{nagios}
[defaults]
every = "1s"
retry = "1s"
[defaults.host]
every = "1s"
retry = "1s"
[[host]]
name = "web1"
check = "'{dir}/load'"
[[check]]
name = "load"
hosts = ["web1"]
command = "'{dir}/load'"
{more}
"#,
        dir = site.path().display()
    );
    Daemon::start(&site.write("deploywatch.toml", config), listen)
}

#[test]
fn each_result_has_its_line_in_nagios_own_words() {
    let site = Site::new();
    let daemon = start(
        &site,
        "host_perfdata_file = \"host.out\"\ncheck_perfdata_file = \"service.out\"",
        "",
    );
    let first = |file: &str| {
        until(&format!("{file} has a line"), || {
            let text = site.read(file)?;
            let (line, _) = text.split_once('\n')?;
            Some(line.split('\t').map(str::to_owned).collect::<Vec<_>>())
        })
    };
    let line = first("service.out");
    assert_eq!(line.len(), 8, "{line:?}");
    assert_eq!(line[0], "[SERVICEPERFDATA]");
    assert!(line[1].parse::<u64>().is_ok_and(|at| 1_000_000_000 < at));
    assert_eq!(line[2..4], ["web1", "load"]);
    assert!(line[4].parse::<f64>().is_ok(), "{line:?}");
    assert!(line[5].parse::<f64>().is_ok(), "{line:?}");
    assert_eq!(line[6..], ["LOAD - \"high\"", "load1=2.5;2;4;0; load5=1"]);
    let line = first("host.out");
    assert_eq!(line.len(), 6, "{line:?}");
    assert_eq!(line[0], "[HOSTPERFDATA]");
    assert_eq!(line[2], "web1");
    assert_eq!(line[4..], ["LOAD - \"high\"", "load1=2.5;2;4;0; load5=1"]);
    daemon.end_well();
}

#[test]
fn a_command_takes_the_file_away_again_and_again() {
    let site = Site::new();
    fs::create_dir(site.file("spool")).expect("made");
    let dir = site.path().display().to_string();
    let daemon = start(
        &site,
        &format!(
            "check_perfdata_file = \"service.out\"\n\
             check_perfdata_file_template = \"DATATYPE::SERVICEPERFDATA\\\\tSERVICEDESC::$SERVICEDESC$\"\n\
             check_perfdata_file_every = \"1s\"\n\
             check_perfdata_file_command = \"take!spool\""
        ),
        &format!(
            "[[command]]\nname = \"take\"\nline = \"mv '{dir}/service.out' '{dir}/'$ARG1$/perf.$TIMET$\"\n"
        ),
    );
    let taken = || {
        let names = fs::read_dir(site.file("spool")).expect("readable");
        names
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .collect::<Vec<_>>()
    };
    until_true("it was taken three times", || 3 <= taken().len());
    for path in taken() {
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let time = name
            .strip_prefix("perf.")
            .and_then(|time| time.parse::<u64>().ok());
        assert!(time.is_some_and(|time| 1_000_000_000 < time), "{name}");
        let text = fs::read_to_string(&path).expect("readable");
        assert!(
            text.lines()
                .all(|line| line == "DATATYPE::SERVICEPERFDATA\tSERVICEDESC::load"),
            "{text}"
        );
    }
    daemon.end_well();
}

#[test]
fn a_command_is_run_after_each_result() {
    let site = Site::new();
    let dir = site.path().display().to_string();
    let daemon = start(
        &site,
        "check_perfdata_command = \"note\"",
        &format!(
            "[[command]]\nname = \"note\"\nline = \"printf '%s\\\\n' '$HOSTNAME$;$SERVICEDESC$;$SERVICESTATE$;$SERVICEPERFDATA$' >>'{dir}/noted'\"\n"
        ),
    );
    let noted = until("two results are noted", || {
        site.read("noted").filter(|text| 2 <= text.lines().count())
    });
    for line in noted.lines() {
        assert_eq!(line, "web1;load;WARNING;load1=2.5;2;4;0; load5=1");
    }
    daemon.end_well();
}
