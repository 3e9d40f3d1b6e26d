//! What the tests against real parts share: a directory for a site, free ports, servers that end with the test, the
//! daemon itself, and ways to ask it. All waiting is polling for a condition, with an end.

#![allow(
    dead_code,
    reason = "each test file is a crate of its own and uses its own share of this"
)]

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tempfile::TempDir;

pub mod hook;
pub mod mail;
pub mod servers;

/// Nothing here takes this long unless it is broken; a busy machine is slow.
pub const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(30);
/// SIGTERM ends the daemon within seconds.
const END_WAIT: Duration = Duration::from_secs(10);

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_deploywatch");

/// Where Debian has Nagios' plugins.
pub const PLUGINS: &str = "/usr/lib/nagios/plugins";

/// Asks for `found` until it has an answer.
#[track_caller]
pub fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(
            Instant::now() < end,
            "in {} s this never came to pass: {what}",
            PATIENCE.as_secs()
        );
        thread::sleep(POLL);
    }
}

/// As [`until`], for what is only true or false.
#[track_caller]
pub fn until_true(what: &str, mut done: impl FnMut() -> bool) {
    until(what, || done().then_some(()));
}

/// A program of another package; without it the test fails with a sentence that says what to install.
#[track_caller]
pub fn need(program: &str, package: &str) -> PathBuf {
    let path = PathBuf::from(program);
    assert!(
        path.exists(),
        "{program} is missing: this test runs against the real thing. Install Debian's package {package} \
         (tests/run.sh does it when run as root)."
    );
    path
}

/// A port that nobody uses. They are taken from below the range that outgoing connections use, and no port is given
/// twice by one process, so that nobody else takes it before its server is up.
pub fn free_port() -> u16 {
    const FIRST: u32 = 12_000;
    const COUNT: u32 = 20_000;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let clock = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.subsec_nanos());
    loop {
        let given = GIVEN.fetch_add(1, Ordering::Relaxed);
        assert!(given < COUNT, "no port is free");
        let start = std::process::id().wrapping_mul(7919) % COUNT;
        // Another process with a like number starts elsewhere.
        let jump = if given == 0 { clock % 97 } else { 0 };
        GIVEN.fetch_add(jump, Ordering::Relaxed);
        let port = u16::try_from(FIRST + (start + given) % COUNT).expect("below 65536");
        if TcpListener::bind(("127.0.0.1", port)).is_ok()
            && UdpSocket::bind(("127.0.0.1", port)).is_ok()
        {
            return port;
        }
    }
}

/// A directory for one site, gone after the test.
pub struct Site(TempDir);

impl Site {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// The path of a file as configurations hold it.
    pub fn name(&self, name: &str) -> String {
        self.file(name).display().to_string()
    }

    /// Writes at once: a reader sees the old content or the new, never half of it.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let (draft, path) = (self.file(&format!("{name}.draft")), self.file(name));
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).expect("a directory");
        }
        fs::write(&draft, text).expect("written");
        fs::rename(&draft, &path).expect("renamed");
        path
    }

    /// A secret that only its owner reads.
    pub fn secret(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.write(name, text);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("made private");
        path
    }

    /// A program. Written by a process of its own: while this one has a script open for writing, a child that another
    /// test is just starting holds it as well, and then nobody can run it (ETXTBSY).
    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        let (draft, path) = (self.write(&format!("{name}.text"), text), self.file(name));
        let status = Command::new("install")
            .arg("-m755")
            .arg(&draft)
            .arg(&path)
            .status();
        assert!(status.expect("install runs").success());
        path
    }

    pub fn read(&self, name: &str) -> Option<String> {
        let bytes = fs::read(self.file(name)).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// A check's plugin whose result the test decides: `say` changes it.
    pub fn changeable_plugin(&self, name: &str) -> PathBuf {
        let said = self.name(&format!("{name}.said"));
        self.say(name, 0, "OK - fine");
        self.script(
            name,
            &format!("#!/bin/sh\n{{ read -r code; cat; }} <'{said}' && exit \"$code\"\n"),
        )
    }

    /// What a changeable plugin prints and exits with from now on.
    pub fn say(&self, plugin: &str, code: u8, text: &str) {
        self.write(&format!("{plugin}.said"), format!("{code}\n{text}\n"));
    }
}

/// A process that ends with the test.
pub struct Guarded {
    child: Child,
    log: PathBuf,
}

impl Guarded {
    /// Starts it; what it prints goes to `log`.
    #[track_caller]
    pub fn start(command: &mut Command, log: PathBuf) -> Self {
        let file = File::create(&log).expect("a log");
        let both = file.try_clone().expect("a log");
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(both)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        Self { child, log }
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a process id"))
    }

    pub fn log(&self) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// It ended by itself.
    pub fn ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Waits until it listens at `port`.
    #[track_caller]
    pub fn listening(mut self, port: u16) -> Self {
        until(&format!("something listens at port {port}"), || {
            assert!(!self.ended(), "it ended at once:\n{}", self.log());
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        self
    }

    /// SIGTERM, then patience, then SIGKILL. The exit code, if it ended by itself.
    pub fn end(&mut self) -> Option<i32> {
        if let Ok(Some(status)) = self.child.try_wait() {
            return status.code();
        }
        let _ = kill(self.pid(), Signal::SIGTERM);
        let end = Instant::now() + END_WAIT;
        while Instant::now() < end {
            if let Ok(Some(status)) = self.child.try_wait() {
                return status.code();
            }
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        None
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// The daemon, as people run it.
pub struct Daemon {
    process: Guarded,
    config: PathBuf,
    address: String,
    token_file: Option<PathBuf>,
}

impl Daemon {
    /// Runs `deploywatch run --config CONFIG`. `listen` is the port that the configuration names.
    #[track_caller]
    pub fn start(config: &Path, listen: u16) -> Self {
        Self::start_with(config, listen, &[])
    }

    /// As [`Self::start`], with more in its environment.
    #[track_caller]
    pub fn start_with(config: &Path, listen: u16, environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(["run", "--config"]).arg(config);
        Self::start_by(&mut command, config, listen, environment)
    }

    /// As [`Self::start`], with a command that ends up as the daemon.
    #[track_caller]
    pub fn start_by(
        command: &mut Command,
        config: &Path,
        listen: u16,
        environment: &[(&str, &str)],
    ) -> Self {
        command.envs(environment.iter().copied());
        let log = config.with_extension("log");
        let mut daemon = Self {
            process: Guarded::start(command, log),
            config: config.to_owned(),
            address: format!("127.0.0.1:{listen}"),
            token_file: None,
        };
        until("the daemon is healthy", || {
            assert!(
                !daemon.process.ended(),
                "the daemon ended at once:\n{}",
                daemon.log()
            );
            daemon
                .http("GET", "/healthz", None)
                .ok()
                .filter(|(code, _)| *code == 200)
        });
        daemon
    }

    /// Asks with this token from now on.
    pub fn use_token(&mut self, file: &Path) {
        self.token_file = Some(file.to_owned());
    }

    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Runs a client command against it.
    pub fn cli(&self, words: &[&str]) -> Output {
        let mut command = Command::new(PROGRAM);
        command.args(words).arg("--config").arg(&self.config);
        if let Some(token) = &self.token_file {
            command.arg("--token-file").arg(token);
        }
        command.output().expect("the client runs")
    }

    /// As [`Self::cli`]; it must succeed. What it printed.
    #[track_caller]
    pub fn ask(&self, words: &[&str]) -> String {
        let output = self.cli(words);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "deploywatch {}: {text}\n{}",
            words.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        text
    }

    /// As [`Self::ask`], with `--output json`.
    #[track_caller]
    pub fn json(&self, words: &[&str]) -> Value {
        let text = self.ask(&[words, &["--output", "json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{words:?}: {error}: {text}"))
    }

    #[track_caller]
    pub fn status(&self) -> Value {
        self.json(&["status"])
    }

    #[track_caller]
    pub fn why(&self, object: &str) -> Value {
        self.json(&["why", object, "--limit", "100"])
    }

    /// `GET /v1/objects/{host}[/{check}]`: cheap enough to be asked many times a second.
    #[track_caller]
    pub fn object(&self, object: &str) -> Value {
        self.api("GET", &format!("/v1/objects/{object}"), None)
    }

    /// One request of the JSON API that must be answered well.
    #[track_caller]
    pub fn api(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (code, text) = self
            .http(method, path, body)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}\n{}", self.log()));
        assert_eq!(code, 200, "{method} {path}: {text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
    }

    /// Status code and body.
    pub fn http(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> io::Result<(u16, String)> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let token = match &self.token_file {
            Some(file) => format!(
                "Authorization: Bearer {}\r\n",
                fs::read_to_string(file)?.trim()
            ),
            None => String::new(),
        };
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{token}\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Ok((code.unwrap_or(0), body.to_owned()))
    }

    /// Waits until the object has this state, HARD.
    #[track_caller]
    pub fn until_hard(&self, object: &str, state: &str) -> Value {
        let mut last = Value::Null;
        until(&format!("{object} is {state}"), || {
            last = self.object(object);
            (last["checked"] == true && last["state"] == state && last["state_type"] == "HARD")
                .then(|| last.clone())
        })
    }

    /// Waits for a decision about the object.
    #[track_caller]
    pub fn until_decided(
        &self,
        object: &str,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        let path = format!("/v1/why/{object}");
        until(&format!("{object}: {what}"), || {
            let why = self.api("GET", &path, None);
            let decisions = why["decisions"].as_array().cloned().unwrap_or_default();
            decisions.into_iter().find(|decision| wanted(decision))
        })
    }

    /// SIGTERM. It must end by itself, soon, and with 0.
    #[track_caller]
    pub fn end_well(mut self) {
        let began = Instant::now();
        let code = self.process.end();
        assert_eq!(code, Some(0), "how the daemon ended:\n{}", self.log());
        assert!(began.elapsed() < END_WAIT, "{:?}", began.elapsed());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if thread::panicking() {
            // What went wrong is often told there.
            eprintln!("--- the daemon's log ---\n{}", self.log());
        }
    }
}

/// All texts of a JSON array.
pub fn texts(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default()
}
