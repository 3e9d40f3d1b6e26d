//! The web pages of Nagios itself, run as a web server runs them, over the files that the daemon writes for them.

mod common;

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use common::{Daemon, Site, free_port, need, until, until_true};
use serde_json::Value;

const PAGES: &str = "/usr/lib/cgi-bin/nagios4";

struct Scene {
    site: Site,
    daemon: Daemon,
}

impl Scene {
    fn set() -> Self {
        need(&format!("{PAGES}/status.cgi"), "nagios4-cgi");
        let site = Site::new();
        // Nagios' own programs run as another user.
        fs::set_permissions(site.path(), fs::Permissions::from_mode(0o777)).expect("open");
        for (name, code, text) in [
            (
                "fine",
                0,
                "FINE - all is <well> | load=0.5;1;2\nsecond line",
            ),
            ("slow", 1, "SLOW - 3 s"),
            ("broken", 2, "BROKEN - no answer"),
            ("gone", 2, "GONE - no route"),
        ] {
            site.changeable_plugin(name);
            site.say(name, code, text);
        }
        let listen = free_port();
        let config = format!(
            r#"[daemon]
listen = "127.0.0.1:{listen}"
[nagios]
status_file = "status.dat"
status_every = "200ms"
object_cache_file = "objects.cache"
[defaults]
every = "1s"
retry = "1s"
attempts = 1
flap_detection = false
contacts = ["ann"]
[defaults.host]
every = "1s"
retry = "1s"
attempts = 1
contacts = ["ann"]
[[period]]
name = "work"
alias = "At work"
monday = "09:00-12:00,13:00-17:00"
"december 24" = "00:00-00:00"
"day 1 - 15 / 5" = "00:00-24:00"
[[contact]]
name = "ann"
alias = "Ann of the night"
email = "ann@example.org"
period = "work"
[contact.command]
check = "/bin/true $SERVICEDESC$"
host = "/bin/true $HOSTNAME$"
[[contact]]
name = "bob"
email = "bob@example.org"
[[contact_group]]
name = "both"
alias = "All of us"
members = ["ann", "bob"]
[[command]]
name = "gone"
line = "'{dir}/gone'"
[[group]]
name = "webs"
alias = "Web servers"
hosts = ["web1"]
[[host]]
name = "router"
address = "192.0.2.1"
[[host]]
name = "web1"
alias = "The shop"
address = "192.0.2.2"
parents = ["router"]
notes = "rack 7"
vars = {{ RACK = "seven" }}
[[host]]
name = "db1"
address = "192.0.2.3"
parents = ["router"]
check = "gone"
[[check]]
name = "fine"
hosts = ["web1"]
command = "'{dir}/fine'"
notify_period = "work"
[[check]]
name = "slow"
hosts = ["web1"]
command = "'{dir}/slow'"
[[check]]
name = "broken"
hosts = ["web1"]
command = "'{dir}/broken'"
[[check]]
name = "quiet"
hosts = ["web1"]
command = "'{dir}/broken'"
[[check]]
name = "never"
hosts = ["web1"]
command = "'{dir}/fine'"
active = false
[[dependency]]
of = {{ hosts = ["web1"], checks = ["slow"] }}
on = {{ hosts = ["web1"], checks = ["fine"] }}
notify = ["critical"]
run = ["unknown"]
[[escalation]]
of = {{ hosts = ["web1"], checks = ["broken"] }}
first = 3
contacts = ["both"]
"#,
            dir = site.path().display()
        );
        let daemon = Daemon::start(&site.write("deploywatch.toml", config), listen);
        site.write(
            "nagios.cfg",
            format!(
                "object_cache_file={0}/objects.cache\nstatus_file={0}/status.dat\nlog_file={0}/nagios.log\n\
                 log_archive_path={0}/archives\ncommand_file={0}/nagios.cmd\ninterval_length=60\n",
                site.path().display()
            ),
        );
        site.write(
            "cgi.cfg",
            format!(
                "main_config_file={}/nagios.cfg\nphysical_html_path=/usr/share/nagios4/htdocs\nurl_html_path=/nagios4\n\
                 use_authentication=0\nuse_pending_states=1\nescape_html_tags=1\nresult_limit=0\n",
                site.path().display()
            ),
        );
        Self { site, daemon }
    }

    /// What a page says to a browser.
    fn page(&self, name: &str, query: &str) -> String {
        let output = Command::new(Path::new(PAGES).join(name))
            .env_clear()
            .env("REQUEST_METHOD", "GET")
            .env("QUERY_STRING", query)
            .env("REMOTE_USER", "nagiosadmin")
            .env("NAGIOS_CGI_CONFIG", self.site.file("cgi.cfg"))
            .output()
            .expect("it runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// As [`Self::page`], for those that answer in JSON.
    fn data(&self, name: &str, query: &str) -> Value {
        let page = self.page(name, query);
        let body = page.split_once("{").map_or("", |(_, body)| body);
        serde_json::from_str(&format!("{{{body}")).unwrap_or_else(|error| panic!("{error}: {page}"))
    }
}

/// From the first `mark` on.
fn after<'p>(page: &'p str, mark: &str) -> &'p str {
    page.split_once(mark).map_or("", |(_, rest)| rest)
}

/// The first cell of `rest` that is a state, and whether an icon was shown before it.
fn shown(rest: &str) -> (String, bool, bool) {
    const STATES: [&str; 8] = [
        "OK",
        "WARNING",
        "CRITICAL",
        "UNKNOWN",
        "PENDING",
        "UP",
        "DOWN",
        "UNREACHABLE",
    ];
    let mut seen = 0;
    for cell in rest.split_inclusive("</td>") {
        seen += cell.len();
        let text = cell.trim_end_matches("</td>");
        let text = text.rsplit('>').next().unwrap_or_default().trim();
        if STATES.contains(&text) {
            let before = &rest[..seen];
            return (
                text.to_owned(),
                before.contains("ack.gif"),
                before.contains("downtime.gif"),
            );
        }
    }
    (String::new(), false, false)
}

/// A page's words, without tags.
fn words(page: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for c in page.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                text.push(' ');
            }
            c if !inside => text.push(c),
            _ => {}
        }
    }
    let text = text.replace("&nbsp;", " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_pages_show_what_is_so() {
    let scene = Scene::set();
    let daemon = &scene.daemon;
    for (object, state) in [
        ("web1/fine", "OK"),
        ("web1/slow", "WARNING"),
        ("web1/broken", "CRITICAL"),
        ("web1/quiet", "CRITICAL"),
        ("db1", "DOWN"),
    ] {
        daemon.until_hard(object, state);
    }
    daemon.ask(&["ack", "web1/broken", "--comment", "it is mine"]);
    daemon.ask(&[
        "downtime",
        "add",
        "web1/quiet",
        "--for",
        "1h",
        "--comment",
        "new disk",
    ]);

    let all = until("status.cgi shows them", || {
        let page = scene.page("status.cgi", "host=all");
        let of = |check: &str| shown(after(&page, &format!("service={check}'>{check}<")));
        (of("broken").1 && of("quiet").2).then_some(page)
    });
    let of = |check: &str| shown(after(&all, &format!("service={check}'>{check}<")));
    assert_eq!(of("fine"), ("OK".to_owned(), false, false));
    assert_eq!(of("slow"), ("WARNING".to_owned(), false, false));
    assert_eq!(of("broken"), ("CRITICAL".to_owned(), true, false));
    assert_eq!(of("quiet"), ("CRITICAL".to_owned(), false, true));
    assert_eq!(of("never"), ("PENDING".to_owned(), false, false));
    assert!(all.contains("FINE - all is &lt;well&gt;"), "{all}");

    let hosts = scene.page("status.cgi", "hostgroup=all&style=hostdetail");
    let of = |host: &str| shown(after(&hosts, &format!("host={host}' title=")));
    assert_eq!(of("db1").0, "DOWN");
    assert_eq!(of("web1").0, "PENDING");
    let group = words(&scene.page("status.cgi", "hostgroup=webs&style=overview"));
    assert!(group.contains("Web servers ( webs )"), "{group}");

    let service = words(&scene.page("extinfo.cgi", "type=2&host=web1&service=broken"));
    for said in [
        "Current Status: CRITICAL (for",
        "(Has been acknowledged)",
        "Status Information: BROKEN - no answer",
        "Current Attempt: 1/1 (HARD state)",
        "Check Type: ACTIVE",
        "In Scheduled Downtime? NO",
        "it is mine",
    ] {
        assert!(service.contains(said), "{said} in {service}");
    }
    let fine = words(&scene.page("extinfo.cgi", "type=2&host=web1&service=fine"));
    assert!(fine.contains("Performance Data: load=0.5;1;2"), "{fine}");
    assert!(fine.contains("second line"), "{fine}");
    let downtimes = words(&scene.page("extinfo.cgi", "type=6"));
    assert!(downtimes.contains("web1 quiet"), "{downtimes}");
    assert!(downtimes.contains("new disk"), "{downtimes}");
    let comments = words(&scene.page("extinfo.cgi", "type=3"));
    assert!(comments.contains("Acknowledgement"), "{comments}");
    let program = words(&scene.page("extinfo.cgi", "type=0"));
    assert!(program.contains("Notifications Enabled? YES"), "{program}");
    let overview = words(&scene.page("tac.cgi", ""));
    assert!(overview.contains("1 Down"), "{overview}");
    assert!(overview.contains("2 Critical"), "{overview}");

    // The same, as machines ask for it.
    let list = scene.data(
        "statusjson.cgi",
        "query=service&hostname=web1&servicedescription=slow&formatoptions=enumerate",
    );
    let slow = &list["data"]["service"];
    assert_eq!(slow["status"], "warning", "{list}");
    assert_eq!(slow["has_been_checked"], true);
    assert_eq!(slow["plugin_output"], "SLOW - 3 s");
    let object = scene.data("objectjson.cgi", "query=host&hostname=web1");
    let web = &object["data"]["host"];
    assert_eq!(web["alias"], "The shop");
    assert_eq!(web["notes"], "rack 7");
    assert_eq!(web["parent_hosts"][0], "router");
    assert_eq!(web["custom_variables"]["RACK"], "seven");
    let object = scene.data("objectjson.cgi", "query=timeperiod&timeperiod=work");
    assert_eq!(object["data"]["timeperiod"]["alias"], "At work");
    let object = scene.data("objectjson.cgi", "query=serviceescalationlist");
    let escalation = &object["data"]["serviceescalationlist"][0];
    assert_eq!(escalation["first_notification"], 3, "{object}");
    let object = scene.data("objectjson.cgi", "query=servicedependencylist");
    let dependencies = object["data"]["servicedependencylist"].as_array();
    assert_eq!(dependencies.map(Vec::len), Some(2), "{object}");
}

#[test]
fn history_and_notifications_are_read_from_the_log() {
    let scene = Scene::set();
    scene.daemon.until_hard("web1/broken", "CRITICAL");
    until_true("status.dat is there", || {
        scene.site.read("status.dat").is_some()
    });
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |now| now.as_secs());
    scene.site.write(
        "nagios.log",
        format!(
            "[{now}] SERVICE ALERT: web1;broken;CRITICAL;HARD;1;BROKEN - no answer\n\
             [{now}] SERVICE NOTIFICATION: ann;web1;broken;CRITICAL;tell-ann;BROKEN - no answer\n"
        ),
    );
    let history = words(&scene.page("history.cgi", "host=web1&service=broken"));
    assert!(
        history.contains("SERVICE ALERT: web1;broken;CRITICAL;HARD;1;BROKEN - no answer"),
        "{history}"
    );
    let told = words(&scene.page("notifications.cgi", "contact=all"));
    assert!(told.contains("web1 broken CRITICAL"), "{told}");
    assert!(told.contains("ann tell-ann BROKEN - no answer"), "{told}");
}

#[test]
fn nagios_takes_the_object_cache_for_a_configuration() {
    need("/usr/sbin/nagios4", "nagios4-core");
    let scene = Scene::set();
    until_true("objects.cache is there", || {
        scene.site.read("objects.cache").is_some()
    });
    let main = scene.site.write(
        "verify.cfg",
        format!(
            "log_file={0}/nagios.log\ncfg_file={0}/objects.cache\ncheck_result_path=/tmp\n",
            scene.site.path().display()
        ),
    );
    let output = Command::new("/usr/sbin/nagios4")
        .arg("-v")
        .arg(main)
        .output()
        .expect("nagios4 runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("Total Errors:   0"), "{said}");
    for counted in [
        "Checked 5 services",
        "Checked 3 hosts",
        "Checked 1 host groups",
        "Checked 2 contacts",
    ] {
        assert!(said.contains(counted), "{counted}: {said}");
    }
}

#[test]
fn nagiostats_counts() {
    need("/usr/sbin/nagios4stats", "nagios4-core");
    let scene = Scene::set();
    for (object, state) in [
        ("web1/broken", "CRITICAL"),
        ("web1/slow", "WARNING"),
        ("db1", "DOWN"),
    ] {
        scene.daemon.until_hard(object, state);
    }
    let ask = || {
        let output = Command::new("/usr/sbin/nagios4stats")
            .args([
                "-m",
                "-d",
                "NUMSERVICES,NUMHOSTS,NUMSVCCRIT,NUMSVCWARN,NUMHSTDOWN,NUMSVCACTCHK5M",
            ])
            .arg("-s")
            .arg(scene.site.file("status.dat"))
            .output()
            .expect("it runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let mut said = String::new();
    until_true("nagiostats counts them", || {
        said = ask();
        said.split_whitespace().collect::<Vec<_>>() == ["5", "3", "2", "1", "1", "4"]
    });
}

#[test]
fn a_reload_is_shown_and_an_end_takes_the_picture_away() {
    let scene = Scene::set();
    until_true("objects.cache is there", || {
        scene.site.read("objects.cache").is_some()
    });
    let config = scene.site.read("deploywatch.toml").expect("it is there");
    let config = format!("{config}\n[[host]]\nname = \"late\"\naddress = \"192.0.2.9\"\n");
    scene.site.write("deploywatch.toml", config);
    scene.daemon.ask(&["reload"]);
    let has = |file: &str, text: &str| scene.site.read(file).is_some_and(|all| all.contains(text));
    until_true("the new host is known", || {
        has("objects.cache", "host_name\tlate") && has("status.dat", "host_name=late")
    });
    assert_eq!(
        fs::metadata(scene.site.file("status.dat"))
            .expect("there")
            .permissions()
            .mode()
            & 0o777,
        0o664
    );
    scene.daemon.end_well();
    assert!(!scene.site.file("status.dat").exists());
    assert!(scene.site.file("objects.cache").exists());
}
