//! The whole story on this machine: a small real application, a real plugin process, real deploys through the API, and
//! the mail that leaves, received by a mail server in the demo. Loopback only; ends by itself.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::out::{self, Done, Failure};

/// The plugin as it is shipped.
const PLUGIN: &str = include_str!("../../plugins/check_webapp");
/// An act that has not happened by then has failed.
const PATIENCE: Duration = Duration::from_secs(20);

fn fail(what: &str) -> impl FnOnce(std::io::Error) -> Failure + '_ {
    move |error| Failure::Refused(format!("the demo cannot {what}: {error}"))
}

/// The application under test: two pages that can be broken.
#[derive(Default)]
struct Pages {
    shop_broken: AtomicBool,
    legacy_broken: AtomicBool,
}

/// Removes the demo's files and ends its daemon, however the demo ends.
struct Stage {
    directory: PathBuf,
    daemon: Option<Child>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(daemon) = &mut self.daemon {
            let pid = nix::unistd::Pid::from_raw(i32::try_from(daemon.id()).unwrap_or(0));
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
            let _ = daemon.wait();
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The mails received so far.
type Mails = Arc<Mutex<Vec<String>>>;

/// Plays the demo.
pub fn demo() -> Done {
    let pages = Arc::new(Pages::default());
    let mails = Mails::default();
    let app = serve_app(pages.clone()).map_err(fail("start its application"))?;
    let smtp = serve_mail(mails.clone()).map_err(fail("start its mail server"))?;
    let listen = free_port().map_err(fail("find a free port"))?;
    let mut stage = set_up(app, smtp, listen).map_err(fail("write its files"))?;
    let config = stage.directory.join("deploywatch.toml");
    out::print(&format!(
        "A shop runs at 127.0.0.1:{app}; deploywatch checks it every second and mails on-call.\n\n"
    ))?;
    pages.legacy_broken.store(true, Ordering::Relaxed);
    stage.daemon = Some(start(&config).map_err(fail("start the daemon"))?);
    let show = Show {
        config: &config,
        mails: &mails,
        began: Instant::now(),
    };

    show.act("The page /legacy is broken, and nobody deploys anything: an ordinary page, no deploy named.")?;
    show.mail("legacy", "CRITICAL")?;

    show.act("D-101: shop 1.4.1 by ann restarts the application; it fails for two seconds.")?;
    show.deploy(&[
        "start",
        "D-101",
        "--app",
        "shop",
        "--version",
        "1.4.1",
        "--actor",
        "ann",
    ])?;
    pages.shop_broken.store(true, Ordering::Relaxed);
    show.until("the blip is held", |status| {
        status.contains("\"deploy\": \"D-101\"")
    })?;
    pages.shop_broken.store(false, Ordering::Relaxed);
    show.until("it recovers", |status| status.contains("\"holds\": []"))?;
    show.deploy(&["finish", "D-101"])?;
    show.say("   nobody was paged; `deploywatch why web1/shop` tells it:")?;
    show.why("web1/shop")?;

    show.act(
        "D-102: shop 1.4.2 by bob breaks the application for good: paged with the deploy's ID.",
    )?;
    show.deploy(&[
        "start",
        "D-102",
        "--app",
        "shop",
        "--version",
        "1.4.2",
        "--actor",
        "bob",
        "--url",
        "https://ci.example.org/D-102",
    ])?;
    pages.shop_broken.store(true, Ordering::Relaxed);
    show.deploy(&["finish", "D-102"])?;
    show.mail("CRITICAL web1/shop", "D-102")?;

    show.act(
        "D-103: a deploy of legacy, which was failing before: it is told so, and not blamed.",
    )?;
    show.deploy(&["start", "D-103", "--app", "legacy", "--actor", "carol"])?;
    show.deploy(&["finish", "D-103"])?;

    show.act("D-102 is rolled back; the shop recovers.")?;
    show.deploy(&["rollback", "D-102"])?;
    pages.shop_broken.store(false, Ordering::Relaxed);
    show.mail("OK web1/shop", "D-102")?;
    let seconds = show.began.elapsed().as_secs();
    out::print(&format!(
        "\nDone in {seconds} s: one blip held, one regression paged with its deploy, one old fault not blamed.\n"
    ))?;
    Ok(0)
}

struct Show<'a> {
    config: &'a Path,
    mails: &'a Mails,
    began: Instant,
}

impl Show<'_> {
    fn say(&self, text: &str) -> Result<(), Failure> {
        out::print(&format!("{text}\n"))
    }

    fn act(&self, text: &str) -> Result<(), Failure> {
        self.say(&format!("\n== {text}"))
    }

    fn command(&self, words: &[&str]) -> Result<String, Failure> {
        let program = std::env::current_exe().map_err(fail("find its own program"))?;
        let output = Command::new(program)
            .args(words)
            .arg("--config")
            .arg(self.config)
            .output()
            .map_err(fail("run a command"))?;
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        Ok(text)
    }

    fn deploy(&self, words: &[&str]) -> Result<(), Failure> {
        self.say(&format!("   $ deploywatch deploy {}", words.join(" ")))?;
        let answer = self.command(&[&["deploy"], words].concat())?;
        for line in answer.lines() {
            self.say(&format!("     {line}"))?;
        }
        Ok(())
    }

    fn why(&self, object: &str) -> Result<(), Failure> {
        for line in self.command(&["why", object])?.lines().take(14) {
            self.say(&format!("     {line}"))?;
        }
        Ok(())
    }

    /// Asks for the status until `reached`, at most for a while.
    fn until(&self, what: &str, reached: impl Fn(&str) -> bool) -> Result<(), Failure> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if reached(&self.command(&["status", "--output", "json"])?) {
                return self.say(&format!("   {what}"));
            }
            thread::sleep(Duration::from_millis(100));
        }
        Err(Failure::Refused(format!("the demo waited in vain: {what}")))
    }

    /// Waits for a mail whose subject has both words, and prints it.
    fn mail(&self, first: &str, second: &str) -> Result<(), Failure> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            let found = {
                let mut mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
                let at = mails.iter().position(|mail| {
                    let subject = mail.lines().next().unwrap_or_default();
                    subject.contains(first) && subject.contains(second)
                });
                at.map(|at| mails.remove(at))
            };
            if let Some(mail) = found {
                self.say("   +-- mail received ---------------------------------------------")?;
                for line in mail.lines() {
                    self.say(&format!("   | {line}"))?;
                }
                return self
                    .say("   +---------------------------------------------------------------");
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err(Failure::Refused(format!(
            "the demo waited in vain for a mail about {first} {second}"
        )))
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn set_up(app: u16, smtp: u16, listen: u16) -> std::io::Result<Stage> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| std::io::Error::other(error.to_string()))?;
    let directory = std::env::temp_dir().join(format!(
        "deploywatch-demo-{:016x}",
        u64::from_ne_bytes(random)
    ));
    fs::create_dir(&directory)?;
    let stage = Stage {
        directory,
        daemon: None,
    };
    let plugin = stage.directory.join("check_webapp");
    fs::write(&plugin, PLUGIN)?;
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o755))?;
    let config = format!(
        r#"[daemon]
store = "demo.db"
listen = "127.0.0.1:{listen}"
plugin_dirs = ["{}"]
log = "warn"

[smtp]
host = "127.0.0.1"
port = {smtp}
from = "deploywatch@example.org"

[defaults]
every = "1s"
retry = "1s"
attempts = 1
timeout = "5s"
contacts = ["oncall"]
flap_detection = false

[[contact]]
name = "oncall"
email = "oncall@example.org"

[[app]]
name = "shop"

[[app]]
name = "legacy"

[[host]]
name = "web1"
address = "127.0.0.1"
apps = ["shop", "legacy"]

[[check]]
name = "shop"
hosts = ["web1"]
app = "shop"
command = "check_webapp -H $HOSTADDRESS$ -p {app} -u /shop"

[[check]]
name = "legacy"
hosts = ["web1"]
app = "legacy"
command = "check_webapp -H $HOSTADDRESS$ -p {app} -u /legacy"
"#,
        stage.directory.display()
    );
    fs::write(stage.directory.join("deploywatch.toml"), config)?;
    Ok(stage)
}

fn start(config: &Path) -> std::io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .arg("run")
        .arg("--config")
        .arg(config)
        .stdin(Stdio::null())
        .spawn()
}

/// A web server of two pages.
fn serve_app(pages: Arc<Pages>) -> std::io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let pages = pages.clone();
            thread::spawn(move || answer(&stream, &pages));
        }
    });
    Ok(port)
}

fn answer(mut stream: &TcpStream, pages: &Pages) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    let mut head = [0; 1024];
    let length = stream.read(&mut head).ok()?;
    let request = String::from_utf8_lossy(&head[..length]).into_owned();
    let broken = if request.contains(" /legacy") {
        &pages.legacy_broken
    } else {
        &pages.shop_broken
    };
    let (status, body) = if broken.load(Ordering::Relaxed) {
        ("503 Service Unavailable", "broken\n")
    } else {
        ("200 OK", "fine\n")
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .ok()
}

/// A mail server that takes everything and keeps subject and text.
fn serve_mail(mails: Mails) -> std::io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mails = mails.clone();
            thread::spawn(move || receive(&stream, &mails));
        }
    });
    Ok(port)
}

fn receive(mut stream: &TcpStream, mails: &Mails) -> Option<()> {
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .ok()?;
    let mut lines = BufReader::new(stream).lines();
    stream.write_all(b"220 demo ESMTP\r\n").ok()?;
    while let Some(Ok(line)) = lines.next() {
        let verb = line
            .split(' ')
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        let reply: &[u8] = match &*verb {
            "DATA" => {
                stream.write_all(b"354 go on\r\n").ok()?;
                let mut mail = Vec::new();
                while let Some(Ok(line)) = lines.next() {
                    if line == "." {
                        break;
                    }
                    mail.push(line);
                }
                mails
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(readable(&mail));
                b"250 kept\r\n"
            }
            "QUIT" => {
                let _ = stream.write_all(b"221 bye\r\n");
                return None;
            }
            _ => b"250 fine\r\n",
        };
        stream.write_all(reply).ok()?;
    }
    None
}

/// Subject and text part of a mail as a reader would show them.
fn readable(mail: &[String]) -> String {
    let mut subject = String::new();
    let mut in_subject = false;
    for line in mail.iter().take_while(|line| !line.is_empty()) {
        if let Some(text) = line.strip_prefix("Subject: ") {
            subject = text.to_owned();
            in_subject = true;
        } else if in_subject && line.starts_with(' ') {
            subject.push_str(line);
        } else {
            in_subject = false;
        }
    }
    let mut text = String::new();
    let mut part = mail
        .iter()
        .skip_while(|line| !line.starts_with("Content-Type: text/plain"))
        .skip_while(|line| !line.is_empty())
        .skip(1);
    let mut soft = false;
    for line in part.by_ref().take_while(|line| !line.starts_with("--")) {
        if !soft {
            text.push('\n');
        }
        soft = line.ends_with('=');
        text.push_str(&line.trim_end_matches('=').replace("=3D", "="));
    }
    format!("Subject: {subject}\n{}", text.trim_end())
}
