//! Notification commands of Nagios run unchanged: Debian's command lines with `mail`, scripts that read `NAGIOS_*`,
//! hostile plugin output, commands that fail and commands that hang.

mod common;

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use common::{Daemon, PATIENCE, Site, free_port, need, until, until_true};

/// As Debian's nagios4 has them in /etc/nagios4/objects/commands.cfg, letter for letter.
const BY_EMAIL: &str = r#"
[[command]]
name = "notify-host-by-email"
line = '''/usr/bin/printf "%b" "***** Nagios *****\n\nNotification Type: $NOTIFICATIONTYPE$\nHost: $HOSTNAME$\nState: $HOSTSTATE$\nAddress: $HOSTADDRESS$\nInfo: $HOSTOUTPUT$\n\nDate/Time: $LONGDATETIME$\n" | /usr/bin/mail -s "** $NOTIFICATIONTYPE$ Host Alert: $HOSTNAME$ is $HOSTSTATE$ **" $CONTACTEMAIL$'''
[[command]]
name = "notify-service-by-email"
line = '''/usr/bin/printf "%b" "***** Nagios *****\n\nNotification Type: $NOTIFICATIONTYPE$\n\nService: $SERVICEDESC$\nHost: $HOSTALIAS$\nAddress: $HOSTADDRESS$\nState: $SERVICESTATE$\n\nDate/Time: $LONGDATETIME$\n\nAdditional Info:\n\n$SERVICEOUTPUT$\n" | /usr/bin/mail -s "** $NOTIFICATIONTYPE$ Service Alert: $HOSTALIAS$/$SERVICEDESC$ is $SERVICESTATE$ **" $CONTACTEMAIL$'''
"#;

/// A host and a check whose results the test decides.
struct Scene {
    site: Site,
    daemon: Daemon,
}

impl Scene {
    /// `contacts` are tables that follow; whoever is named there is told.
    fn set(site: Site, told: &[&str], contacts: &str, environment: &[(&str, &str)]) -> Self {
        let check = site.changeable_plugin("check_shop");
        let host = site.changeable_plugin("check_alive");
        let listen = free_port();
        let config = format!(
            r#"[daemon]
listen = "127.0.0.1:{listen}"
host_check_horizon = "0s"
[defaults]
every = "1s"
retry = "1s"
attempts = 1
flap_detection = false
contacts = {told:?}
[[app]]
name = "shop"
[[host]]
name = "web1"
alias = "The shop's web server"
address = "192.0.2.11"
apps = ["shop"]
check = "{}"
every = "1s"
retry = "1s"
attempts = 1
flap_detection = false
contacts = {told:?}
vars = {{ rack = "A3" }}
[[check]]
name = "shop"
hosts = ["web1"]
command = "{}"
vars = {{ team = "green" }}
{contacts}
"#,
            host.display(),
            check.display()
        );
        let daemon =
            Daemon::start_with(&site.write("deploywatch.toml", config), listen, environment);
        daemon.until_hard("web1/shop", "OK");
        daemon.until_hard("web1", "UP");
        Self { site, daemon }
    }

    /// What the sendmail stand-in took, oldest first: its arguments in the first line, then the mail.
    fn mails(&self) -> Vec<String> {
        files(&self.site.file("mails"))
    }

    #[track_caller]
    fn until_mail(&self, subject: &str) -> String {
        until(&format!("a mail `{subject}`"), || {
            let wanted = format!("\nSubject: {subject}\n");
            self.mails().into_iter().find(|mail| mail.contains(&wanted))
        })
    }
}

/// The texts of a directory's finished files in the order of their names.
fn files(directory: &Path) -> Vec<String> {
    let mut paths: Vec<_> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|kind| kind == "done"))
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| String::from_utf8_lossy(&fs::read(path).expect("a file")).into_owned())
        .collect()
}

/// Keeps its input as a file of `directory`, whole or not at all. `$$` is the script's own process id.
fn keeper(site: &Site, script: &str, directory: &str, first: &str) -> String {
    let place = site.name(directory);
    fs::create_dir_all(&place).expect("a directory");
    let path = site.script(
        script,
        &format!(
            "#!/bin/sh\nfile='{place}'/$(date +%s%N).$$\n{{ {first}; }} >\"$file\" && mv \"$file\" \"$file.done\"\n"
        ),
    );
    path.display().to_string()
}

/// Debian's mail program (bsd-mailx) as it is; only what it hands its mails to is ours.
fn mail_program(site: &Site) -> String {
    need("/usr/bin/mail", "bsd-mailx");
    let sendmail = keeper(site, "sendmail", "mails", "echo \"args: $*\"; cat");
    site.write("mailrc", format!("set sendmail={sendmail}\n"))
        .display()
        .to_string()
}

fn contact(name: &str, command: &str) -> String {
    format!(
        "[[contact]]\nname = \"{name}\"\npager = \"+420 555\"\nemail = \"{name}@example.org\"\ncommand = {command}\n"
    )
}

/// A contact of Nagios' kind has a mail address and commands, and no other channel.
fn by_email(name: &str) -> String {
    format!(
        "[[contact]]\nname = \"{name}\"\nvars = {{ team = \"night\" }}\nemail = \"{name}@example.org\"\n\
         command = {{ check = \"notify-service-by-email\", host = \"notify-host-by-email\" }}\n"
    )
}

#[test]
fn debians_mail_commands_run_unchanged() {
    let site = Site::new();
    let mailrc = mail_program(&site);
    let more = BY_EMAIL.to_owned() + &by_email("ann");
    let scene = Scene::set(site, &["ann"], &more, &[("MAILRC", &mailrc)]);
    scene.site.say(
        "check_shop",
        2,
        "SHOP CRITICAL - 502 Bad Gateway | time=3s\nsecond line",
    );
    let mail =
        scene.until_mail("** PROBLEM Service Alert: The shop's web server/shop is CRITICAL **");
    let (head, body) = mail.split_once("\n\n").expect("a mail");
    assert!(head.contains("\nTo: ann@example.org"), "{head}");
    let lines: Vec<&str> = body.lines().collect();
    assert_eq!(
        lines[..7],
        [
            "***** Nagios *****",
            "",
            "Notification Type: PROBLEM",
            "",
            "Service: shop",
            "Host: The shop's web server",
            "Address: 192.0.2.11",
        ]
    );
    assert_eq!(lines[7..9], ["State: CRITICAL", ""]);
    assert!(lines[9].starts_with("Date/Time: "), "{body}");
    assert_eq!(
        lines[10..14],
        [
            "",
            "Additional Info:",
            "",
            "SHOP CRITICAL - 502 Bad Gateway"
        ]
    );

    scene.site.say("check_shop", 0, "SHOP OK");
    scene.until_mail("** RECOVERY Service Alert: The shop's web server/shop is OK **");
    scene
        .site
        .say("check_alive", 2, "PING CRITICAL - Packet loss = 100%");
    let mail = scene.until_mail("** PROBLEM Host Alert: web1 is DOWN **");
    assert!(
        mail.contains("\nInfo: PING CRITICAL - Packet loss = 100%\n"),
        "{mail}"
    );
    scene.site.say("check_alive", 0, "PING OK");
    scene.until_mail("** RECOVERY Host Alert: web1 is UP **");
    assert_eq!(scene.mails().len(), 4);
    scene.daemon.end_well();
}

#[test]
fn hostile_output_is_text_and_nothing_else() {
    let site = Site::new();
    let mailrc = mail_program(&site);
    let trap = site.name("trap");
    let hostile = [
        format!("$(touch {trap})"),
        format!("`touch {trap}`"),
        format!("\"; touch {trap}; echo \""),
        format!("'; touch {trap}; echo '"),
        format!("a && touch {trap} || touch {trap} & touch {trap}"),
        format!("x > {trap} < /etc/passwd"),
        format!(
            "first\n; touch {trap}\n$(touch {trap})\n`touch {trap}`\n' touch {trap} ' | \"; touch {trap}"
        ),
        format!("| $(touch {trap})=1;`touch {trap}` \"; touch {trap}"),
        format!("\r\n\u{1b}[31m; touch {trap} #\u{7}"),
        "ends with a backslash \\".to_owned(),
        "${IFS} $HOME $SERVICEDESC$ $$ $USER1$ {a,b} ~root (a) *".to_owned(),
        format!("~r {trap}\n~! touch {trap}\n~| touch {trap}"),
    ];
    // The line that a careless author would write has no quotes.
    let bare = keeper(&site, "bare.sh", "bare", "echo \"$*\"");
    let quoted = keeper(&site, "quoted.sh", "quoted", "printf '%s\\n' \"$@\"");
    let mut more = BY_EMAIL.to_owned() + &by_email("ann");
    for (name, line) in [
        (
            "bare",
            format!("{bare} $SERVICEOUTPUT$ $LONGSERVICEOUTPUT$ $SERVICEPERFDATA$"),
        ),
        (
            "quoted",
            format!(
                "{quoted} \"$SERVICEOUTPUT$\" '$SERVICEOUTPUT$' \"$LONGSERVICEOUTPUT$\" '$SERVICEPERFDATA$'"
            ),
        ),
    ] {
        more += &format!("[[contact]]\nname = \"{name}\"\ncommand = '''{line}'''\n");
    }
    let checks: Vec<String> = (1..=hostile.len())
        .map(|number| format!("evil-{number}"))
        .collect();
    for (check, text) in checks.iter().zip(&hostile) {
        let plugin = site.changeable_plugin(check);
        site.say(check, 2, &format!("SHOP {text}"));
        // What it said before comes back to it: a check's command line must be as safe as a notification's.
        more += &format!(
            "[[check]]\nname = \"{check}\"\nhosts = [\"web1\"]\ncommand = '''{} $SERVICEOUTPUT$ \
             \"$LONGSERVICEOUTPUT$\" $SERVICEPERFDATA$ '$SERVICEOUTPUT$''''\n",
            plugin.display()
        );
    }
    let scene = Scene::set(
        site,
        &["ann", "bare", "quoted"],
        &more,
        &[("MAILRC", &mailrc)],
    );
    for (check, text) in checks.iter().zip(&hostile) {
        let subject =
            format!("** PROBLEM Service Alert: The shop's web server/{check} is CRITICAL **");
        let mail = scene.until_mail(&subject);
        assert!(mail.contains("Additional Info:\n\nSHOP"), "{text}: {mail}");
        assert!(!Path::new(&trap).exists(), "this was executed: {text}");
    }
    for directory in ["bare", "quoted"] {
        let count = || files(&scene.site.file(directory)).len();
        until_true(&format!("each one is told to {directory}"), || {
            count() == hostile.len()
        });
    }
    let bare = files(&scene.site.file("bare")).concat();
    for kept in [
        &*format!("; touch {trap}"),
        "{a,b} root (a) *",
        "backslash \\",
    ] {
        assert!(bare.contains(kept), "{kept}: {bare}");
    }
    // Each runs again with its own words on its command line.
    for check in &checks {
        let object = format!("web1/{check}");
        let before = scene.daemon.object(&object)["last_check"].clone();
        until_true(&format!("{object} runs again"), || {
            let now = scene.daemon.object(&object);
            assert!(
                now["output"]
                    .as_str()
                    .is_some_and(|text| text.starts_with("SHOP")),
                "{now}"
            );
            now["last_check"] != before
        });
    }
    scene.daemon.end_well();
    assert!(!Path::new(&trap).exists(), "one of them was executed");
}

#[test]
fn a_script_finds_everything_in_its_environment() {
    let site = Site::new();
    let script = keeper(&site, "notify", "told", "env | grep ^NAGIOS_");
    let more = contact("ann", &format!("'{script}'")).replace(
        "pager =",
        "addresses = [\"sip:ann\"]\nvars = { team = \"night\" }\npager =",
    );
    let scene = Scene::set(site, &["ann"], &more, &[]);
    scene.daemon.ask(&[
        "deploy",
        "start",
        "D-9",
        "--app",
        "shop",
        "--version",
        "1.4.2",
        "--actor",
        "bob",
        "--url",
        "https://ci.example.org/9?a=1&b=2",
        "--risk",
        "high",
    ]);
    scene.site.say(
        "check_shop",
        2,
        "SHOP CRITICAL - 502 | time=3s;1;2\nsecond \\ line\nthird",
    );
    let told = |number: usize| -> BTreeMap<String, String> {
        let text = until(&format!("run {number} of the script"), || {
            files(&scene.site.file("told")).into_iter().nth(number - 1)
        });
        let pairs = text
            .lines()
            .filter_map(|line| line.strip_prefix("NAGIOS_")?.split_once('='));
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    };
    let page = told(1);
    for (name, value) in [
        ("NOTIFICATIONTYPE", "PROBLEM"),
        ("NOTIFICATIONNUMBER", "1"),
        ("HOSTNAME", "web1"),
        ("HOSTALIAS", "The shop's web server"),
        ("HOSTADDRESS", "192.0.2.11"),
        ("HOSTSTATE", "UP"),
        ("SERVICEDESC", "shop"),
        ("SERVICESTATE", "CRITICAL"),
        ("SERVICESTATEID", "2"),
        ("SERVICESTATETYPE", "HARD"),
        ("SERVICEATTEMPT", "1"),
        ("MAXSERVICEATTEMPTS", "1"),
        ("SERVICEOUTPUT", "SHOP CRITICAL - 502"),
        ("LONGSERVICEOUTPUT", "second \\\\ line\\nthird"),
        ("SERVICEPERFDATA", "time=3s;1;2"),
        ("SERVICENOTIFICATIONNUMBER", "1"),
        ("CONTACTNAME", "ann"),
        ("CONTACTEMAIL", "ann@example.org"),
        ("CONTACTPAGER", "+420 555"),
        ("CONTACTADDRESS0", "sip:ann"),
        ("_HOSTRACK", "A3"),
        ("_SERVICETEAM", "green"),
        ("_CONTACTTEAM", "night"),
        ("DEPLOYID", "D-9"),
        ("DEPLOYAPP", "shop"),
        ("DEPLOYVERSION", "1.4.2"),
        ("DEPLOYACTORS", "bob"),
        ("DEPLOYURL", "https://ci.example.org/9?a=1&b=2"),
        ("DEPLOYVERDICT", "suspect"),
    ] {
        assert_eq!(
            page.get(name).map(String::as_str),
            Some(value),
            "{name} in {page:#?}"
        );
    }
    for name in [
        "LONGDATETIME",
        "SHORTDATETIME",
        "DATE",
        "TIME",
        "TIMET",
        "LASTSERVICECHECK",
        "SERVICEDURATION",
    ] {
        assert!(
            page.get(name).is_some_and(|value| !value.is_empty()),
            "{name} in {page:#?}"
        );
    }
    scene.site.say("check_shop", 0, "SHOP OK");
    let recovery = told(2);
    assert_eq!(recovery["NOTIFICATIONTYPE"], "RECOVERY");
    assert_eq!(recovery["SERVICESTATE"], "OK");
    scene.site.say("check_shop", 2, "SHOP CRITICAL");
    assert_eq!(told(3)["NOTIFICATIONTYPE"], "PROBLEM");
    scene
        .daemon
        .ask(&["ack", "web1/shop", "-m", "I look at it", "--author", "ann"]);
    let acknowledged = told(4);
    for (name, value) in [
        ("NOTIFICATIONTYPE", "ACKNOWLEDGEMENT"),
        ("NOTIFICATIONAUTHOR", "ann"),
        ("NOTIFICATIONCOMMENT", "I look at it"),
        ("SERVICEACKAUTHOR", "ann"),
        ("SERVICEACKCOMMENT", "I look at it"),
    ] {
        assert_eq!(
            acknowledged.get(name).map(String::as_str),
            Some(value),
            "{name} in {acknowledged:#?}"
        );
    }
    scene.daemon.end_well();
}

#[test]
fn a_failing_command_is_tried_again_and_says_why() {
    let site = Site::new();
    let (count, done) = (site.name("count"), site.name("done"));
    // Works at the third try.
    let script = site.script(
        "notify",
        &format!(
            "#!/bin/sh\nn=$(cat '{count}' 2>/dev/null || echo 0); n=$((n + 1)); echo $n >'{count}'\n\
             [ $n -lt 3 ] && {{ echo 'the pager gateway is away' >&2; exit 7; }}\n\
             echo \"$NAGIOS_NOTIFICATIONTYPE\" >>'{done}'\n"
        ),
    );
    let more = contact("ann", &format!("'{}'", script.display()))
        .replace("email = \"ann@example.org\"\n", "");
    let scene = Scene::set(site, &["ann"], &more, &[]);
    scene.site.say("check_shop", 2, "SHOP CRITICAL");
    let page = scene
        .daemon
        .until_decided("web1/shop", "its page has left", |decision| {
            // State and tries are read one after the other.
            let delivery = &decision["deliveries"][0];
            delivery["state"] == "sent" && delivery["tries"][2].is_object()
        });
    let delivery = &page["deliveries"][0];
    assert_eq!(delivery["attempts"], 3, "{page}");
    let tries: Vec<(&str, &str)> = delivery["tries"]
        .as_array()
        .expect("tries")
        .iter()
        .map(|one| {
            (
                one["result"].as_str().unwrap_or_default(),
                one["text"].as_str().unwrap_or_default(),
            )
        })
        .collect();
    let failed = "the notification command ended with exit code 7: the pager gateway is away";
    assert_eq!(
        tries,
        [
            ("retry", failed),
            ("retry", failed),
            ("sent", "the command ended with exit code 0"),
        ]
    );
    assert_eq!(scene.site.read("done").as_deref(), Some("PROBLEM\n"));
    let why = scene.daemon.ask(&["why", "web1/shop"]);
    assert!(
        why.contains("exit code 7: the pager gateway is away"),
        "{why}"
    );
    assert!(
        why.contains("    rule: contacts, deploywatch.toml:"),
        "{why}"
    );
    scene.daemon.end_well();
}

#[test]
fn a_hanging_command_is_killed_and_holds_up_nobody() {
    let site = Site::new();
    let pids = site.name("pids");
    // The shell waits for a child that ignores polite requests, and leaves another in the background.
    let hanging = site.script(
        "hang",
        &format!("#!/bin/sh\ntrap '' TERM\nsleep 300 & echo $! >>'{pids}'\necho $$ >>'{pids}'\nsleep 300\n"),
    );
    let quick = keeper(
        &site,
        "quick.sh",
        "quick",
        "echo \"$NAGIOS_NOTIFICATIONTYPE $NAGIOS_SERVICEDESC\"",
    );
    let mut more = format!(
        "[[contact]]\nname = \"hung\"\ncommand = {{ check = '{}', timeout = \"1s\" }}\n",
        hanging.display()
    );
    for name in ["ann", "bob"] {
        more += &format!("[[contact]]\nname = \"{name}\"\ncommand = '{quick}'\n");
    }
    let scene = Scene::set(site, &["ann", "bob", "hung"], &more, &[]);
    scene.site.say("check_shop", 2, "SHOP CRITICAL");
    let page = scene
        .daemon
        .until_decided("web1/shop", "the hung command was killed", |decision| {
            decision["deliveries"]
                .to_string()
                .contains("did not end within 1s and was killed")
        });
    for delivery in page["deliveries"].as_array().expect("an array") {
        let hung = delivery["contact"] == "hung";
        assert_eq!(
            delivery["state"],
            if hung { "pending" } else { "sent" },
            "{page}"
        );
        assert!(hung || delivery["attempts"] == 1, "{page}");
    }
    assert_eq!(
        files(&scene.site.file("quick")),
        ["PROBLEM shop\n", "PROBLEM shop\n"]
    );
    // While it hangs again, the others hear of the recovery.
    scene.site.say("check_shop", 0, "SHOP OK");
    until_true("the others hear of the recovery", || {
        files(&scene.site.file("quick")).len() == 4
    });

    scene.daemon.end_well();
    let pids = scene.site.read("pids").unwrap_or_default();
    assert!(2 <= pids.lines().count(), "{pids}");
    let end = std::time::Instant::now() + PATIENCE.min(Duration::from_secs(5));
    for pid in pids.lines() {
        let alive = || {
            let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            // Dead but not yet asked for by its new parent is dead.
            !state.is_empty() && !state.contains(") Z ")
        };
        while alive() {
            assert!(
                std::time::Instant::now() < end,
                "process {pid} of the hung command lives on"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
