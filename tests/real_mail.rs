//! Pages as real mail: a real SMTP server takes them in clear, behind STARTTLS with log-in, and over TLS; what goes
//! wrong is told in `why`, and nothing that should be secret goes over the wire in clear.

mod common;

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use common::{Daemon, Site, free_port, mail::MailServer, servers::Certificate, texts, until_true};
use serde_json::Value;

const PASSWORD: &str = "correct-horse-battery";
/// The password as AUTH PLAIN and AUTH LOGIN put it on the wire.
const ON_THE_WIRE: [&str; 2] = [
    "AHdhdGNoAGNvcnJlY3QtaG9yc2UtYmF0dGVyeQ==",
    "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5",
];

/// A site of one check whose result the test decides.
struct Scene {
    site: Site,
    daemon: Daemon,
}

impl Scene {
    /// `smtp` are more keys of `[smtp]`, `more` is anything else.
    fn set(site: Site, port: u16, smtp: &str, more: &str) -> Self {
        let plugin = site.changeable_plugin("check_shop");
        site.secret("smtp.password", PASSWORD);
        let listen = free_port();
        let config = format!(
            r#"[daemon]
listen = "127.0.0.1:{listen}"
public_url = "https://watch.example.org"
[smtp]
host = "127.0.0.1"
port = {port}
from = "Watch <watch@example.org>"
timeout = "5s"
{smtp}
[defaults]
every = "1s"
retry = "1s"
attempts = 1
flap_detection = false
contacts = ["oncall"]
[[contact]]
name = "oncall"
email = "oncall@example.org"
[[app]]
name = "shop"
[[host]]
name = "web1"
address = "127.0.0.1"
apps = ["shop"]
[[check]]
name = "shop"
hosts = ["web1"]
command = "{}"
notes_url = "https://wiki.example.org/shop"
{more}
"#,
            plugin.display()
        );
        let daemon = Daemon::start(&site.write("deploywatch.toml", config), listen);
        daemon.until_hard("web1/shop", "OK");
        Self { site, daemon }
    }

    fn breaks(&self) {
        self.site.say(
            "check_shop",
            2,
            "SHOP CRITICAL - 502 <Bad & Gateway> žluťoučký | time=3s;1;2\nupstream shop-3 refused the connection",
        );
    }

    fn recovers(&self) {
        self.site.say("check_shop", 0, "SHOP OK");
    }

    /// Waits until a try of the page's delivery ended with these words.
    fn until_tried(&self, result: &str, words: &str) -> Value {
        self.daemon.until_decided(
            "web1/shop",
            &format!("a try `{result}`: {words}"),
            |decision| {
                let deliveries = decision["deliveries"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default();
                deliveries
                    .iter()
                    .filter_map(|delivery| delivery["tries"].as_array())
                    .flatten()
                    .any(|try_| {
                        try_["result"] == result
                            && try_["text"]
                                .as_str()
                                .is_some_and(|text| text.contains(words))
                    })
            },
        )
    }
}

/// Stands between the daemon and the server and notes what the daemon says.
struct Tap {
    port: u16,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Tap {
    fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let notes = heard.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
                    continue;
                };
                let notes = notes.clone();
                pass(&client, &server, move |bytes| {
                    notes
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .extend_from_slice(bytes);
                });
                pass(&server, &client, |_| {});
            }
        });
        Self { port, heard }
    }

    fn heard(&self) -> String {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&heard).into_owned()
    }

    /// Neither the password nor anything of the mail was said so that others can read it.
    #[track_caller]
    fn assert_nothing_in_clear(&self) {
        let heard = self.heard();
        for secret in ON_THE_WIRE
            .into_iter()
            .chain([PASSWORD, "MAIL FROM", "CRITICAL", "web1"])
        {
            assert!(
                !heard.contains(secret),
                "`{secret}` went over the wire in clear: {heard}"
            );
        }
    }
}

fn pass(from: &TcpStream, to: &TcpStream, note: impl Fn(&[u8]) + Send + 'static) {
    let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else {
        return;
    };
    thread::spawn(move || {
        // However it ends, neither thread outlives the test by more than this.
        let _ = from.set_read_timeout(Some(Duration::from_secs(30)));
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            note(&buffer[..count]);
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}

#[test]
fn a_page_and_its_recovery_are_one_thread_and_name_the_deploy() {
    let site = Site::new();
    let server = MailServer::start(&site, free_port(), &[]);
    let scene = Scene::set(site, server.port, "", "");
    // High risk: a CRITICAL is never held.
    scene.daemon.ask(&[
        "deploy",
        "start",
        "D-417",
        "--app",
        "shop",
        "--version",
        "1.4.2",
        "--actor",
        "ann",
        "--url",
        "https://ci.example.org/417?a=1&b=2",
        "--risk",
        "high",
    ]);
    scene.breaks();
    let page = server.until("CRITICAL web1/shop");
    scene.recovers();
    let recovery = server.until("OK web1/shop");
    assert_eq!(server.mails().len(), 2);

    assert_eq!(
        page.subject(),
        "CRITICAL web1/shop - after deploy D-417 (shop 1.4.2 by ann)"
    );
    assert_eq!(page.header("from"), "Watch <watch@example.org>");
    assert_eq!(page.header("to"), "oncall@example.org");
    assert_eq!(page.header("auto-submitted"), "auto-generated");
    assert_eq!(page.header("importance"), "high");
    assert_eq!(page.0["from"], "watch@example.org", "the envelope");
    assert_eq!(texts(&page.0["to"]), ["oncall@example.org"]);
    assert_eq!(page.0["type"], "multipart/alternative");
    assert_eq!(
        page.0["defects"],
        serde_json::json!([]),
        "Python's parser found faults"
    );
    for word in [
        "502 <Bad & Gateway> žluťoučký",
        "upstream shop-3 refused the connection",
        "D-417",
        "1.4.2",
        "ann",
        "https://ci.example.org/417?a=1&b=2",
        "https://wiki.example.org/shop",
        "https://watch.example.org",
    ] {
        assert!(page.text().contains(word), "{word}: {}", page.text());
    }
    for word in [
        "502 &lt;Bad &amp; Gateway&gt; žluťoučký",
        "upstream shop-3 refused the connection",
        "D-417",
        "1.4.2",
        "ann",
        "https:&#x2f;&#x2f;ci.example.org&#x2f;417?a=1&amp;b=2",
    ] {
        assert!(page.html().contains(word), "{word}: {}", page.html());
    }

    assert!(
        recovery
            .subject()
            .starts_with("OK web1/shop - recovered; it failed after deploy D-417")
    );
    assert!(recovery.text().contains("D-417"), "{}", recovery.text());
    assert!(!page.header("references").is_empty(), "{page:?}");
    assert_eq!(page.header("references"), recovery.header("references"));
    assert_eq!(page.header("in-reply-to"), recovery.header("in-reply-to"));
    assert_ne!(page.header("message-id"), recovery.header("message-id"));
    scene.daemon.end_well();
}

#[test]
fn mail_waits_for_a_server_that_is_down() {
    let site = Site::new();
    let port = free_port();
    let scene = Scene::set(site, port, "", "");
    scene.breaks();
    scene.until_tried("retry", &format!("127.0.0.1:{port} cannot be used"));
    let why = scene.daemon.why("web1/shop");
    let delivery = &why["decisions"][0]["deliveries"][0];
    assert_eq!(delivery["state"], "pending", "{why}");
    assert!(
        delivery["last_error"]
            .as_str()
            .is_some_and(|text| text.contains("onnection refused")),
        "{why}"
    );
    // The problem is over before its page could leave: both arrive, in their order.
    scene.recovers();
    scene.daemon.until_hard("web1/shop", "OK");
    let server = MailServer::start(&scene.site, port, &[]);
    server.until("OK web1/shop");
    let subjects: Vec<String> = server
        .mails()
        .iter()
        .map(|mail| mail.subject().to_owned())
        .collect();
    assert_eq!(subjects, ["CRITICAL web1/shop", "OK web1/shop - recovered"]);
    scene.until_tried("sent", "kept as number 1");
    scene.daemon.end_well();
}

#[test]
fn starttls_with_a_login() {
    let site = Site::new();
    let certificate = Certificate::new(&site, "mail", "127.0.0.1");
    let server = MailServer::start(
        &site,
        free_port(),
        &[
            "--starttls",
            "--cert",
            &certificate.cert,
            "--key",
            &certificate.key,
            "--user",
            "watch",
            "--password",
            PASSWORD,
        ],
    );
    let tap = Tap::before(server.port);
    let keys = format!(
        "tls = \"starttls\"\nca_file = \"{}\"\nusername = \"watch\"\npassword_file = \"smtp.password\"",
        certificate.authority
    );
    let scene = Scene::set(site, tap.port, &keys, "");
    scene.breaks();
    let page = server.until("CRITICAL web1/shop");
    assert_eq!(page.0["user"], "watch");
    assert_eq!(page.0["tls"], true);
    assert!(tap.heard().contains("STARTTLS"), "{}", tap.heard());
    tap.assert_nothing_in_clear();
    scene.daemon.end_well();
}

#[test]
fn tls_from_the_first_byte() {
    let site = Site::new();
    let certificate = Certificate::new(&site, "mail", "127.0.0.1");
    let server = MailServer::start(
        &site,
        free_port(),
        &[
            "--tls",
            "--cert",
            &certificate.cert,
            "--key",
            &certificate.key,
            "--user",
            "watch",
            "--password",
            PASSWORD,
        ],
    );
    let tap = Tap::before(server.port);
    let keys = format!(
        "tls = \"tls\"\nca_file = \"{}\"\nusername = \"watch\"\npassword_file = \"smtp.password\"",
        certificate.authority
    );
    let scene = Scene::set(site, tap.port, &keys, "");
    scene.breaks();
    let page = server.until("CRITICAL web1/shop");
    assert_eq!(page.0["user"], "watch");
    assert!(!tap.heard().contains("EHLO"), "{}", tap.heard());
    tap.assert_nothing_in_clear();
    scene.daemon.end_well();
}

/// A server whose certificate cannot be trusted: `why` says what to mend, and it gets nothing.
fn distrusts(tls: &str, certificate_for: &str, trusted: Option<&str>, said: &str) {
    let site = Site::new();
    let certificate = Certificate::new(&site, "mail", certificate_for);
    Certificate::new(&site, "other", "127.0.0.1");
    let server = MailServer::start(
        &site,
        free_port(),
        &[
            &format!("--{tls}"),
            "--cert",
            &certificate.cert,
            "--key",
            &certificate.key,
            "--user",
            "watch",
            "--password",
            PASSWORD,
        ],
    );
    let tap = Tap::before(server.port);
    let authority = trusted.map_or(String::new(), |name| {
        format!("ca_file = \"{name}.ca.pem\"\n")
    });
    let keys = format!(
        "tls = \"{tls}\"\n{authority}username = \"watch\"\npassword_file = \"smtp.password\""
    );
    let scene = Scene::set(site, tap.port, &keys, "");
    scene.breaks();
    let decision = scene.until_tried("retry", "certificate");
    let error = decision["deliveries"][0]["last_error"]
        .as_str()
        .unwrap_or_default();
    for word in [said, "127.0.0.1:", "certificate", "ca_file"] {
        assert!(error.contains(word), "{word}: {error}");
    }
    tap.assert_nothing_in_clear();
    assert!(server.mails().is_empty());
    let why = scene.daemon.ask(&["why", "web1/shop"]);
    assert!(why.contains(said), "{why}");
    scene.daemon.end_well();
}

#[test]
fn a_certificate_of_another_authority_is_told() {
    distrusts("starttls", "127.0.0.1", Some("other"), "UnknownIssuer");
}

#[test]
fn a_certificate_of_another_name_is_told() {
    distrusts(
        "starttls",
        "mail.example.org",
        Some("mail"),
        "not valid for name",
    );
}

#[test]
fn a_certificate_of_another_authority_is_told_with_tls_from_the_first_byte() {
    distrusts("tls", "127.0.0.1", Some("other"), "UnknownIssuer");
}

#[test]
fn an_authority_of_ones_own_has_to_be_named() {
    distrusts("tls", "127.0.0.1", None, "UnknownIssuer");
}

#[test]
fn a_server_without_starttls_gets_nothing() {
    let site = Site::new();
    let server = MailServer::start(&site, free_port(), &[]);
    let tap = Tap::before(server.port);
    let scene = Scene::set(
        site,
        tap.port,
        "tls = \"starttls\"\nusername = \"watch\"\npassword_file = \"smtp.password\"",
        "",
    );
    scene.breaks();
    scene.until_tried("retry", "did not start TLS");
    tap.assert_nothing_in_clear();
    assert!(server.mails().is_empty());
    scene.daemon.end_well();
}

#[test]
fn refusals_for_now_are_tried_again_and_for_good_are_told_elsewhere() {
    let site = Site::new();
    // The page's own address does not exist; the other contact's first mail is greylisted.
    let server = MailServer::start(
        &site,
        free_port(),
        &["--refuse-to", "oncall@example.org", "--refuse-once", "451"],
    );
    let scene = Scene::set(
        site,
        server.port,
        "",
        "contacts = [\"oncall\", \"ann\"]\n[[contact]]\nname = \"ann\"\nemail = \"ann@example.org\"",
    );
    scene.breaks();
    let page = server.until("CRITICAL web1/shop");
    assert_eq!(page.header("to"), "ann@example.org");
    scene.until_tried("retry", "451 4.7.1 greylisted, come again");
    scene.until_tried("dead", "550 5.1.1 no such mailbox here");
    // Somebody who can be reached hears that the other one cannot.
    until_true("ann hears of the mail that is dead", || {
        server
            .mails()
            .iter()
            .any(|mail| mail.text().contains("550 5.1.1 no such mailbox here"))
    });
    assert!(
        server
            .mails()
            .iter()
            .all(|mail| texts(&mail.0["to"]) == ["ann@example.org"])
    );
    scene.daemon.end_well();
}

#[test]
fn a_refused_login_is_told() {
    let site = Site::new();
    let certificate = Certificate::new(&site, "mail", "127.0.0.1");
    let server = MailServer::start(
        &site,
        free_port(),
        &[
            "--starttls",
            "--cert",
            &certificate.cert,
            "--key",
            &certificate.key,
            "--user",
            "watch",
            "--password",
            "another one",
        ],
    );
    let keys = format!(
        "tls = \"starttls\"\nca_file = \"{}\"\nusername = \"watch\"\npassword_file = \"smtp.password\"",
        certificate.authority
    );
    let scene = Scene::set(site, server.port, &keys, "");
    scene.breaks();
    scene.until_tried("retry", "refused the log-in: 535");
    assert!(server.mails().is_empty());
    assert!(!scene.daemon.log().contains(PASSWORD));
    scene.daemon.end_well();
}
