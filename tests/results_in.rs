//! Results that others find: files in a directory, `send_nsca`, NRDP. Each reaches the daemon for good before its sender
//! is told so.

mod common;

use std::fs;

use common::{Daemon, Site, free_port, until_true};
use serde_json::Value;

/// A site of passive objects.
fn start(site: &Site, more: &str) -> (Daemon, u16) {
    let listen = free_port();
    let config = format!(
        r#"[daemon]
listen = "127.0.0.1:{listen}"
[defaults]
active = false
attempts = 1
[defaults.host]
active = false
attempts = 1
check = "true"
[[host]]
name = "web1"
address = "192.0.2.1"
[[host]]
name = "web2"
address = "192.0.2.2"
[[check]]
name = "http"
hosts = ["*"]
command = "true"
[[check]]
name = "Disk: C"
hosts = ["*"]
command = "true"
[[check]]
name = "own"
hosts = ["*"]
command = "true"
passive = false
{more}
"#
    );
    let config = site.write("deploywatch.toml", config);
    (Daemon::start(&config, listen), listen)
}

fn output(daemon: &Daemon, object: &str) -> Value {
    daemon.object(object)["output"].clone()
}

#[test]
fn files_with_results_are_taken_and_removed() {
    let site = Site::new();
    fs::create_dir(site.file("spool")).expect("made");
    let (daemon, _) = start(&site, "[nagios]\ncheck_result_path = \"spool\"");
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |now| now.as_secs());
    let put = |name: &str, text: &str| {
        fs::write(site.file(&format!("spool/{name}")), text).expect("written");
        fs::write(site.file(&format!("spool/{name}.ok")), "").expect("written");
    };
    let old = now - 7200;
    put(
        "cAbCd01",
        &format!(
            "file_time={now}\n\nhost_name=web1\nservice_description=http\ncheck_type=1\nstart_time={now}.5\n\
             finish_time={now}.75\nreturn_code=2\noutput=HTTP CRITICAL | t=9s\\nbroken\\\\pipe\n\n\
             host_name=web1\ncheck_type=1\nstart_time={now}.0\nreturn_code=1\noutput=gone\n\n\
             host_name=nobody\ncheck_type=1\nstart_time={now}.0\nreturn_code=1\noutput=gone\n"
        ),
    );
    put(
        "cAbCd02",
        &format!(
            "host_name=web2\nservice_description=own\ncheck_type=0\nstart_time={now}.0\nreturn_code=1\noutput=from afar\n"
        ),
    );
    put(
        "cAbCd03",
        &format!(
            "file_time={old}\nhost_name=web2\nservice_description=http\nreturn_code=2\noutput=stale\n"
        ),
    );
    let service = daemon.until_hard("web1/http", "CRITICAL");
    assert_eq!(service["output"], "HTTP CRITICAL");
    assert_eq!(service["long_output"], "broken\\pipe");
    assert_eq!(service["perfdata"], "t=9s");
    daemon.until_hard("web1", "DOWN");
    daemon.until_hard("web2/own", "WARNING");
    assert_eq!(output(&daemon, "web2/own"), "from afar");
    until_true("the directory is empty", || {
        fs::read_dir(site.file("spool")).expect("readable").count() == 0
    });
    assert_eq!(daemon.object("web2/http")["checked"], false);
    let log = daemon.log();
    assert!(
        log.contains("cAbCd03 is thrown away: it is too old"),
        "{log}"
    );
    assert!(log.contains("no `nobody` in the configuration"), "{log}");
    daemon.end_well();
}
