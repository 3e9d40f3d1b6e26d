//! `check_tcp`, `check_udp`, and the same under the names of services: connect, send, expect.

use std::{
    io,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::UdpSocket,
};

use crate::{
    Foreign, Probe, Report, State,
    net::{self, Family},
    options::{self, Opt, flag, long, valued},
    perfdata,
    services::{self, Service},
    threshold,
    tls::{self, Failure},
};

const KNOWN: [Opt; 22] = [
    valued('H', "hostname"),
    valued('p', "port"),
    flag('4', "use-ipv4"),
    flag('6', "use-ipv6"),
    flag('E', "escape"),
    valued('s', "send"),
    valued('e', "expect"),
    flag('A', "all"),
    valued('q', "quit"),
    valued('r', "refuse"),
    valued('M', "mismatch"),
    flag('j', "jail"),
    valued('m', "maxbytes"),
    valued('d', "delay"),
    valued('w', "warning"),
    valued('c', "critical"),
    valued('t', "timeout"),
    flag('S', "ssl"),
    long("sni", options::Value::Required),
    valued('D', "certificate"),
    // Older names of two, which the real one still takes.
    long("critical-time", options::Value::Required),
    long("warning-time", options::Value::Required),
];

/// After an answer that does not match yet, so long is waited for more in all.
const READ_TIMEOUT: Duration = Duration::from_secs(2);
/// Of an answer that does not match; the real one keeps it all.
const MOST_KEPT: usize = 4 << 20;

struct Settings {
    service: &'static str,
    udp: bool,
    tls: bool,
    sni: Option<String>,
    /// Days that it must have left: for a warning, else critical.
    certificate: Option<(i64, i64)>,
    host: String,
    /// By `-H`: only then does the text name it.
    host_given: bool,
    port: i64,
    family: Family,
    send: Option<Vec<u8>>,
    expect: Vec<Vec<u8>>,
    /// A service's own words stand at the beginning of its answer.
    at_beginning: bool,
    all: bool,
    quit: Option<Vec<u8>>,
    refused: State,
    mismatch: State,
    hide: bool,
    most: usize,
    delay: u64,
    warn: Option<f64>,
    crit: Option<f64>,
    timeout: u64,
}

pub(crate) fn prepare(name: &str, args: &[String]) -> Result<Probe, Foreign> {
    let settings = read(name, args)?;
    let seconds = settings.timeout;
    Ok(Probe::new(async move {
        // What the real one has printed already when it comes to its end.
        let mut said = String::new();
        let ran = net::within(seconds, run(settings, &mut said)).await;
        ran.map(|mut report| {
            report.text.insert_str(0, &said);
            report
        })
    }))
}

fn read(name: &str, args: &[String]) -> Result<Settings, Foreign> {
    if args.is_empty() {
        return Err(Foreign::usage("No arguments found"));
    }
    let service = services::find(name);
    let udp = service.name == "UDP";
    let bytes = |text: &str| text.as_bytes().to_vec();
    let mut settings = Settings {
        service: service.name,
        udp,
        tls: service.tls,
        sni: None,
        certificate: None,
        host: "127.0.0.1".to_owned(),
        host_given: false,
        port: service.port,
        family: Family::Any,
        send: service.send.map(bytes),
        expect: service.expect.iter().copied().map(bytes).collect(),
        at_beginning: true,
        all: false,
        quit: service.quit.map(bytes),
        refused: State::Critical,
        mismatch: State::Warning,
        hide: service.hide,
        most: 0,
        delay: 0,
        warn: None,
        crit: None,
        timeout: 10,
    };
    // Spellings of two characters from before the options had long names.
    let mut args: Vec<String> = args
        .iter()
        .map(|arg| match &**arg {
            "-to" => "-t".to_owned(),
            "-wt" => "-w".to_owned(),
            "-ct" => "-c".to_owned(),
            _ => arg.clone(),
        })
        .collect();
    if !args[0].starts_with('-') {
        settings.host = args.remove(0);
    }
    let parsed = options::parse(&args, &KNOWN)?;
    if !parsed.operands.is_empty() {
        return Err(Foreign::unhandled(format!(
            "`{}` is no option",
            parsed.operands[0]
        )));
    }
    let mut escape = false;
    for option in parsed.options {
        let value = option.value;
        match option.name {
            "hostname" => {
                settings.host = value;
                settings.host_given = true;
            }
            "port" => settings.port = positive(&value, "Port must be a positive integer")?,
            "use-ipv4" => settings.family = Family::V4,
            "use-ipv6" => settings.family = Family::V6,
            "escape" => escape = true,
            "send" => {
                settings.send = Some(if escape {
                    escaped(&value)
                } else {
                    value.into_bytes()
                });
            }
            "expect" => {
                if settings.at_beginning {
                    forget_own(&service, &mut settings)?;
                }
                settings.expect.push(value.into_bytes());
            }
            "all" => settings.all = true,
            "quit" => {
                settings.quit = Some(if escape {
                    escaped(&value)
                } else {
                    format!("{value}\r\n").into_bytes()
                });
            }
            "refuse" => settings.refused = state(&value, "Refuse must be one of ok, warn, crit")?,
            "mismatch" => {
                settings.mismatch = state(&value, "Mismatch must be one of ok, warn, crit")?;
            }
            "jail" => settings.hide = true,
            "maxbytes" => {
                let most = positive(&value, "Maxbytes must be a positive integer")?;
                settings.most = usize::try_from(most).unwrap_or(usize::MAX);
            }
            "delay" => {
                let delay = positive(&value, "Delay must be a positive integer")?;
                settings.delay = u64::try_from(delay).unwrap_or_default();
            }
            "warning" | "warning-time" => settings.warn = Some(threshold::number(&value)),
            "critical" | "critical-time" => settings.crit = Some(threshold::number(&value)),
            "timeout" => {
                let seconds = positive(&value, "Timeout interval must be a positive integer")?;
                settings.timeout = u64::try_from(seconds).unwrap_or_default();
            }
            "ssl" => settings.tls = true,
            "sni" => settings.sni = Some(value),
            "certificate" => {
                settings.certificate = Some(days(&value)?);
                settings.tls = true;
            }
            _ => {}
        }
    }
    if udp && settings.tls {
        return Err(Foreign::unhandled("TLS over UDP"));
    }
    if udp && (settings.send.is_none() || settings.expect.is_empty()) {
        return Err(Foreign::usage(
            "With UDP checks, a send/expect string must be specified.",
        ));
    }
    Ok(settings)
}

/// With words of its user's, a service's own are not expected any more.
fn forget_own(service: &Service, settings: &mut Settings) -> Result<(), Foreign> {
    if 1 < service.expect.len() {
        return Err(Foreign::unhandled(
            "an expectation beside several of the service's own",
        ));
    }
    settings.expect.clear();
    settings.at_beginning = false;
    Ok(())
}

/// `WARN` or `WARN,CRIT`.
fn days(value: &str) -> Result<(i64, i64), Foreign> {
    let number = |text: &str| {
        let number = threshold::whole(text);
        if threshold::is_count(text) && number <= i64::from(i32::MAX) {
            Ok(number)
        } else {
            Err(Foreign::usage("Invalid certificate expiration period"))
        }
    };
    match value.split_once(',') {
        Some((warn, crit)) => Ok((number(warn)?, number(crit)?)),
        None => Ok((number(value)?, 0)),
    }
}

fn positive(value: &str, else_say: &str) -> Result<i64, Foreign> {
    let number = threshold::whole(value);
    if threshold::is_count(value) && 0 < number && number <= i64::from(i32::MAX) {
        Ok(number)
    } else {
        Err(Foreign::usage(else_say))
    }
}

fn state(value: &str, else_say: &str) -> Result<State, Foreign> {
    if value.starts_with("ok") {
        Ok(State::Ok)
    } else if value.starts_with("warn") {
        Ok(State::Warning)
    } else if value.starts_with("crit") {
        Ok(State::Critical)
    } else {
        Err(Foreign::usage(else_say))
    }
}

/// `\n`, `\r`, `\t` and `\\`; other backslashes vanish (`np_escaped_string`).
fn escaped(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b'r') => out.push(b'\r'),
            Some(b't') => out.push(b'\t'),
            Some(b'\\') => out.push(b'\\'),
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

/// What was got from the other end so far, against what is expected.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Match {
    Found,
    /// More may still make it match.
    NotYet,
    Never,
}

/// Looks at each byte once, however many pieces an answer comes in.
#[derive(Default)]
struct Finder {
    found: Vec<bool>,
    seen: usize,
    /// The real one compares C strings: what follows a zero is not seen.
    zero: Option<usize>,
}

impl Finder {
    fn look(&mut self, got: &[u8], settings: &Settings) -> Match {
        self.found.resize(settings.expect.len(), false);
        if self.zero.is_none() {
            self.zero = memchr::memchr(0, &got[self.seen..]).map(|at| self.seen + at);
        }
        let text = &got[..self.zero.unwrap_or(got.len())];
        for (found, wanted) in self.found.iter_mut().zip(&settings.expect) {
            // What came before may be the beginning of it.
            let from = self.seen.saturating_sub(wanted.len()).min(text.len());
            *found |= if settings.at_beginning {
                text.starts_with(wanted)
            } else {
                memchr::memmem::find(&text[from..], wanted).is_some()
            };
        }
        self.seen = got.len();
        let mut found = self.found.iter();
        let enough = if settings.all {
            found.all(|found| *found)
        } else {
            found.any(|found| *found)
        };
        let begins = || {
            settings
                .expect
                .iter()
                .any(|wanted| wanted.starts_with(text))
        };
        if enough {
            Match::Found
        } else if !settings.at_beginning || begins() {
            Match::NotYet
        } else {
            Match::Never
        }
    }
}

/// Both ends that we talk over.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

enum Line {
    Stream(Box<dyn Stream>),
    Secure(Box<dyn Stream>),
    Udp(UdpSocket),
    /// The connection came about, and nobody has anything to say over it.
    None,
}

impl Line {
    async fn send(&mut self, bytes: &[u8]) {
        // As in the real one, a failure shows in what comes back.
        let _ = match self {
            Self::Stream(stream) => stream.write_all(bytes).await,
            Self::Secure(stream) => match stream.write_all(bytes).await {
                Ok(()) => stream.flush().await,
                failed => failed,
            },
            Self::Udp(socket) => socket.send(bytes).await.map(|_| ()),
            Self::None => Ok(()),
        };
    }

    async fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stream(stream) | Self::Secure(stream) => stream.read(buffer).await,
            Self::Udp(socket) => socket.recv(buffer).await,
            Self::None => Ok(0),
        }
    }

    /// TLS says goodbye.
    async fn close(self) {
        if let Self::Secure(mut stream) = self {
            let _ = stream.shutdown().await;
        }
    }
}

/// What comes of the handshake.
enum Shaken {
    Line(Line),
    End(Report),
}

/// `said` gets a line about a certificate that is good.
async fn shake(line: Line, settings: &Settings, said: &mut String) -> Result<Shaken, Foreign> {
    let Line::Stream(stream) = line else {
        return Ok(Shaken::Line(line));
    };
    let connected = tls::connect(stream, settings.sni.as_deref(), tls::Version::Any, None);
    let secure = match connected.await {
        Ok(secure) => secure,
        Err(Failure::Broken(report)) => return Ok(Shaken::End(report)),
        Err(Failure::Foreign(foreign)) => return Err(foreign),
    };
    let judged = settings
        .certificate
        .map(|(warn, crit)| tls::judge_certificate(&tls::certificate(&secure), warn, crit));
    let line = Line::Secure(Box::new(secure));
    match judged.transpose()? {
        Some(report) if report.state != State::Ok => {
            line.close().await;
            Ok(Shaken::End(report))
        }
        Some(report) => {
            said.push_str(&report.text);
            said.push('\n');
            Ok(Shaken::Line(line))
        }
        None => Ok(Shaken::Line(line)),
    }
}

async fn run(settings: Settings, said: &mut String) -> Result<Report, Foreign> {
    let is_path = settings.host.starts_with('/');
    let port = u16::try_from(settings.port % 65_536).unwrap_or_default();
    let addresses = if is_path {
        Vec::new()
    } else {
        net::resolve(&settings.host, port, settings.family).await
    };
    if addresses.is_empty() && !is_path {
        return Ok(Report::new(
            State::Critical,
            format!(
                "{} CRITICAL - Invalid hostname, address or socket: {}",
                settings.service, settings.host
            ),
        ));
    }
    let mut begun = Instant::now();
    let connected = if is_path {
        net::connect_unix(&settings.host)
            .await
            .map(|stream| Line::Stream(Box::new(stream)))
    } else if settings.udp {
        connect_udp(&addresses).await.map(Line::Udp)
    } else if settings.only_connects() {
        net::reach(&addresses).await.map(|()| Line::None)
    } else {
        net::connect(&addresses)
            .await
            .map(|stream| Line::Stream(Box::new(stream)))
    };
    let mut line = match connected {
        Ok(line) => line,
        // Whatever the failure was: `--refuse` is its state.
        Err(error) => {
            return Ok(Report::new(
                settings.refused,
                net::not_connected(&settings.host, settings.port, &error),
            ));
        }
    };
    if settings.tls {
        line = match shake(line, &settings, said).await? {
            Shaken::Line(line) => line,
            Shaken::End(report) => return Ok(report),
        };
    }
    if let Some(send) = &settings.send {
        line.send(send).await;
    }
    if 0 < settings.delay {
        let delay = Duration::from_secs(settings.delay);
        begun += delay;
        tokio::time::sleep(delay).await;
    }
    let mut got = Vec::new();
    let mut found = None;
    if !settings.expect.is_empty() {
        found = Some(listen(&mut line, &settings, &mut got).await?);
        if got.is_empty() {
            return Ok(Report::new(State::Critical, "No data received from host"));
        }
    }
    if let Some(quit) = &settings.quit {
        line.send(quit).await;
    }
    line.close().await;
    Ok(settings.say(found, &got, begun.elapsed()))
}

async fn connect_udp(addresses: &[std::net::SocketAddr]) -> io::Result<UdpSocket> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        let any = if address.is_ipv4() {
            "0.0.0.0:0"
        } else {
            "[::]:0"
        };
        let socket = UdpSocket::bind(any).await?;
        match socket.connect(address).await {
            Ok(()) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Reads until it matches, ends, or is too long in coming. True: it matched.
async fn listen(line: &mut Line, settings: &Settings, got: &mut Vec<u8>) -> Result<bool, Foreign> {
    let mut buffer = [0; 1024];
    let mut finder = Finder::default();
    let mut left = READ_TIMEOUT;
    let mut first = true;
    loop {
        let begun = Instant::now();
        let received = if first {
            line.receive(&mut buffer).await
        } else {
            match tokio::time::timeout(left, line.receive(&mut buffer)).await {
                Ok(received) => received,
                Err(_) => return Ok(false),
            }
        };
        if !first {
            left = left.saturating_sub(begun.elapsed());
        }
        first = false;
        let count = match received {
            Ok(0) => return Ok(false),
            Ok(count) => count,
            Err(error) if tls::is_of_tls(&error) => {
                return Err(Foreign::unhandled(format!("TLS broke: {error}")));
            }
            Err(_) => return Ok(false),
        };
        got.extend_from_slice(&buffer[..count]);
        if 0 < settings.most && settings.most <= got.len() {
            return Ok(finder.look(got, settings) == Match::Found);
        }
        match finder.look(got, settings) {
            Match::Found => return Ok(true),
            Match::Never => return Ok(false),
            Match::NotYet => {}
        }
        if MOST_KEPT <= got.len() {
            return Err(Foreign::unhandled("the answer is longer than we keep"));
        }
        // The real one waits at its socket, where the rest of a record is not any more.
        if matches!(line, Line::Secure(_)) && count == buffer.len() {
            return Err(Foreign::unhandled("a long answer over TLS"));
        }
    }
}

impl Settings {
    /// Nothing is said or heard, so that a connection is all.
    fn only_connects(&self) -> bool {
        !self.tls
            && self.send.is_none()
            && self.quit.is_none()
            && self.expect.is_empty()
            && self.delay == 0
    }

    fn say(&self, found: Option<bool>, got: &[u8], took: Duration) -> Report {
        let seconds = took.as_secs_f64();
        let mut state = if self.crit.is_some_and(|crit| crit < seconds) {
            State::Critical
        } else if self.warn.is_some_and(|warn| warn < seconds) {
            State::Warning
        } else {
            State::Ok
        };
        let failed = found == Some(false);
        if failed && state != State::Critical {
            state = self.mismatch;
        }
        let got = got.split(|byte| *byte == 0).next().unwrap_or_default();
        let got = String::from_utf8_lossy(got);
        // The first byte stays, even if it is a blank.
        let status = match got.trim_end_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']) {
            "" => got.get(..1).unwrap_or_default(),
            trimmed => trimmed,
        };
        let shown = 1 < got.len() && !self.hide;
        let place = if self.host.starts_with('/') {
            format!("socket {}", self.host)
        } else if self.host_given {
            format!("{} port {}", self.host, self.port)
        } else {
            format!("port {}", self.port)
        };
        let mut text = format!("{} {} - ", self.service, state.name());
        if failed && shown {
            text += &format!("Unexpected response from host/socket: {status}");
        } else if failed {
            text += &format!("Unexpected response from host/socket on {place}");
        } else {
            text += &format!("{seconds:.3} second response time on {place}");
            if shown && found.is_some() {
                text += &format!(" [{status}]");
            }
        }
        // Without the answer that was hoped for, thresholds mean nothing.
        let limit = |limit: Option<f64>| limit.map(|limit| if failed { 0.0 } else { limit });
        text.push('|');
        #[expect(clippy::cast_precision_loss, reason = "seconds")]
        let timeout = self.timeout as f64;
        text += &perfdata::float(
            "time",
            seconds,
            "s",
            limit(self.warn),
            limit(self.crit),
            Some(0.0),
            Some(timeout),
        );
        Report::new(state, text)
    }
}
