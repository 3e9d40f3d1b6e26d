//! Results that others find: files in a directory, `send_nsca`, NRDP. Each reaches the daemon for good before its sender
//! is told so.

mod common;

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
};

use common::{Daemon, Site, free_port, need, until, until_true};
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

const TOKENS: &str = r#"[nagios]
log_file = "nagios.log"
[[token]]
name = "agents"
secret_file = "results.token"
scopes = ["results"]
[[token]]
name = "hands"
secret_file = "command.token"
scopes = ["command", "read"]
"#;

/// What `send_nrdp.sh` runs.
fn curl(arguments: &[&str]) -> (bool, String) {
    need("/usr/bin/curl", "curl");
    let output = Command::new("curl")
        .args(["-f", "--silent", "--insecure"])
        .args(arguments)
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success(), text)
}

/// How `send_nrdp.sh` finds a value in the answer.
fn tag<'t>(text: &'t str, name: &str) -> &'t str {
    text.split_once(&format!("<{name}>"))
        .and_then(|(_, rest)| rest.split_once(&format!("</{name}>")))
        .map_or("", |(value, _)| value)
}

#[test]
fn nrdp_clients_hand_in_results_and_commands() {
    let site = Site::new();
    site.secret("results.token", "agents-token-1234567890");
    site.secret("command.token", "hands-token-1234567890");
    let (mut daemon, listen) = start(&site, TOKENS);
    daemon.use_token(&site.file("command.token"));
    let url = format!("http://127.0.0.1:{listen}/nrdp/");
    let send = |token: &str, data: &str| {
        let form = format!("token={token}&cmd=submitcheck");
        curl(&[
            "-d",
            &form,
            "--data-urlencode",
            &format!("XMLDATA={data}"),
            &url,
        ])
    };
    let xml = "<?xml version='1.0'?>\n<checkresults>\n\
        <checkresult type='service' checktype='1'>\n<hostname>web1</hostname>\n<servicename>Disk: C</servicename>\n\
        <state>1</state>\n<output>90% &amp; more|used=90%;80;95</output>\n</checkresult>\n\
        <checkresult type='host' checktype='1'>\n<hostname>web2</hostname>\n<state>1</state>\n\
        <output>no answer</output>\n</checkresult>\n</checkresults>";
    let (worked, answer) = send("agents-token-1234567890", xml);
    assert!(worked, "{answer}");
    assert_eq!(tag(&answer, "status"), "0", "{answer}");
    assert_eq!(tag(&answer, "message"), "OK");
    assert_eq!(tag(&answer, "output"), "2 checks processed.");
    let disk = daemon.object("web1/Disk:%20C");
    assert_eq!(disk["state"], "WARNING", "{disk}");
    assert_eq!(disk["output"], "90% & more");
    assert_eq!(disk["perfdata"], "used=90%;80;95");
    assert_eq!(daemon.object("web2")["state"], "DOWN");

    for (token, data, message) in [
        ("wrong", xml, "BAD TOKEN"),
        ("", xml, "NO TOKEN"),
        ("agents-token-1234567890", "", "NO DATA"),
        ("agents-token-1234567890", "<a", "BAD XML"),
        ("hands-token-1234567890", xml, "lacks the scope `results`"),
        (
            "agents-token-1234567890",
            "<checkresults><checkresult type='host'><hostname>nobody</hostname><state>0</state></checkresult></checkresults>",
            "no `nobody` in the configuration",
        ),
    ] {
        let (worked, answer) = send(token, data);
        assert!(worked, "{answer}");
        assert_eq!(tag(&answer, "status"), "-1", "{answer}");
        assert!(
            tag(&answer, "message").contains(message),
            "{message}: {answer}"
        );
    }

    // As wget sends it, and in JSON.
    let json = r#"JSONDATA={"checkresults":[{"checkresult":{"type":"service","checktype":"1"},"hostname":"web2","servicename":"http","state":"2","output":"HTTP CRITICAL"}]}"#;
    let (worked, answer) = curl(&[
        "-G",
        "-d",
        "token=agents-token-1234567890&cmd=submitcheck",
        "--data-urlencode",
        json,
        &url,
    ]);
    assert!(worked, "{answer}");
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(answer["result"]["status"], 0, "{answer}");
    assert_eq!(answer["result"]["meta"]["output"], "1 checks processed.");
    assert_eq!(daemon.object("web2/http")["state"], "CRITICAL");

    let command = |token: &str, line: &str| {
        let form = format!("token={token}&cmd=submitcmd");
        let line = format!("command={line}");
        let (worked, answer) = curl(&["-d", &form, "--data-urlencode", &line, &url]);
        assert!(worked, "{answer}");
        tag(&answer, "message").to_owned()
    };
    let hands = "hands-token-1234567890";
    assert_eq!(
        command(
            hands,
            "ACKNOWLEDGE_SVC_PROBLEM;web2;http;1;0;0;ann;I have it"
        ),
        "OK"
    );
    until("it is acknowledged", || {
        daemon.object("web2/http")["acknowledged_by"]
            .as_str()
            .map(str::to_owned)
    });
    assert!(
        command("agents-token-1234567890", "DISABLE_NOTIFICATIONS")
            .contains("lacks the scope `command`")
    );
    assert!(command(hands, "SHUTDOWN_PROGRAM").contains("lacks the scope `admin`"));
    assert!(command(hands, "PROCESS_FILE;/etc/passwd;1").contains("is not taken here"));
    daemon.end_well();
}

#[test]
fn without_a_token_nrdp_takes_nothing() {
    let site = Site::new();
    let (daemon, listen) = start(&site, "");
    let url = format!("http://127.0.0.1:{listen}/nrdp/");
    let form = "token=any&cmd=submitcheck&XMLDATA=<checkresults/>";
    let (worked, answer) = curl(&["-d", form, &url]);
    assert!(worked, "{answer}");
    assert_eq!(tag(&answer, "message"), "BAD TOKEN");
    daemon.end_well();
}

/// Sends with Debian's own client; what it says.
fn send_nsca(
    site: &Site,
    port: u16,
    method: u8,
    password: &str,
    more: &[&str],
    text: &str,
) -> String {
    need("/usr/sbin/send_nsca", "nsca-client");
    let config = site.write(
        &format!("send_nsca.{method}.cfg"),
        format!("password={password}\nencryption_method={method}\n"),
    );
    let mut client = Command::new("/usr/sbin/send_nsca")
        .args(["-H", "127.0.0.1", "-p", &port.to_string(), "-c"])
        .arg(config)
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut input = client.stdin.take().expect("piped");
    input.write_all(text.as_bytes()).expect("taken");
    drop(input);
    let output = client.wait_with_output().expect("it ends");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn nsca(site: &Site, encryption: &str) -> (Daemon, u16) {
    site.secret("nsca.password", "n0t-very-secret\n");
    let port = free_port();
    let (daemon, _) = start(
        site,
        &format!(
            "[nagios.nsca]\nlisten = \"127.0.0.1:{port}\"\nencryption = \"{encryption}\"\npassword_file = \"nsca.password\"\n"
        ),
    );
    until_true("it listens", || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    (daemon, port)
}

#[test]
fn the_real_client_is_understood_under_every_method() {
    for (method, word) in [
        (0, "none"),
        (1, "xor"),
        (2, "des"),
        (3, "3des"),
        (14, "rijndael128"),
        (15, "rijndael192"),
        (16, "rijndael256"),
    ] {
        let site = Site::new();
        let (daemon, port) = nsca(&site, word);
        let text = "web1\tDisk: C\t1\t90% full|used=90%\nand more\x17web1\thttp\t2\tHTTP, gone\x17web2\t1\tno answer\x17";
        let said = send_nsca(&site, port, method, "n0t-very-secret", &[], text);
        assert!(said.contains("3 data packet(s) sent"), "{word}: {said}");
        let disk = daemon.until_hard("web1/Disk:%20C", "WARNING");
        assert_eq!(disk["output"], "90% full", "{word}");
        assert_eq!(disk["perfdata"], "used=90%", "{word}");
        assert_eq!(disk["long_output"], "and more", "{word}");
        daemon.until_hard("web1/http", "CRITICAL");
        daemon.until_hard("web2", "DOWN");
        // The small packets of old clients.
        let old = ["--legacy-2-7-mode"];
        let said = send_nsca(
            &site,
            port,
            method,
            "n0t-very-secret",
            &old,
            "web2\thttp\t2\told\n",
        );
        assert!(said.contains("1 data packet(s) sent"), "{word}: {said}");
        assert_eq!(daemon.until_hard("web2/http", "CRITICAL")["output"], "old");
        daemon.end_well();
    }
}

#[test]
fn another_password_and_noise_change_nothing_and_end_nothing() {
    let site = Site::new();
    let (daemon, port) = nsca(&site, "rijndael128");
    send_nsca(&site, port, 14, "another", &[], "web1\thttp\t2\tforged\n");
    let mut noise = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let mut hello = [0; 132];
    noise.read_exact(&mut hello).expect("a vector and a time");
    noise.write_all(&[0x5a; 9000]).expect("taken");
    // It hangs up: nothing after that can be read.
    let mut rest = Vec::new();
    let _ = noise.read_to_end(&mut rest);
    assert!(rest.is_empty());
    assert_eq!(daemon.object("web1/http")["checked"], false);
    send_nsca(
        &site,
        port,
        14,
        "n0t-very-secret",
        &[],
        "web1\thttp\t2\ttrue\n",
    );
    assert_eq!(daemon.until_hard("web1/http", "CRITICAL")["output"], "true");
    daemon.end_well();
}
