//! `check_ssh`: the greeting of an SSH server.

use std::time::Instant;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    Foreign, Probe, Report, State,
    net::{self, Family},
    options::{self, Opt, flag, long, valued},
    peer, perfdata, threshold,
};

const KNOWN: [Opt; 8] = [
    valued('H', "hostname"),
    // An older name, which the real one still takes.
    long("host", options::Value::Required),
    valued('p', "port"),
    flag('4', "use-ipv4"),
    flag('6', "use-ipv6"),
    valued('t', "timeout"),
    valued('r', "remote-version"),
    // The real one writes it so.
    valued('P', "remote-protcol"),
];

/// The real one looks at what comes with the first packet, up to so many bytes.
const MOST_READ: usize = 256;

#[derive(Debug)]
struct Settings {
    host: String,
    port: i64,
    family: Family,
    timeout: u64,
    version: Option<String>,
    protocol: Option<String>,
}

pub(crate) fn prepare(_: &str, args: &[String]) -> Result<Probe, Foreign> {
    let settings = read(args)?;
    Ok(Probe::new(async move {
        let addresses = peer::addresses(&settings.host, settings.port, settings.family).await?;
        net::within(settings.timeout, run(settings, addresses)).await
    }))
}

fn read(args: &[String]) -> Result<Settings, Foreign> {
    let args = peer::without_old_spellings(args);
    let parsed = options::parse_in_order(&args, &KNOWN)?;
    let mut host = None;
    let mut port = None;
    let mut settings = Settings {
        host: String::new(),
        port: 22,
        family: Family::Any,
        timeout: 10,
        version: None,
        protocol: None,
    };
    for option in parsed.options {
        let value = option.value;
        match option.name {
            "hostname" | "host" => {
                if host.is_some() {
                    return Err(Foreign::unhandled("-H is there twice"));
                }
                host = Some(value);
            }
            "port" => {
                let number = peer::positive(&value, "Port number must be a positive integer")?;
                port = Some(number);
            }
            "use-ipv4" => settings.family = Family::V4,
            "use-ipv6" => settings.family = Family::V6,
            "timeout" => {
                let seconds = threshold::whole(&value);
                if !threshold::is_count(&value) || seconds == 0 || i64::from(i32::MAX) < seconds {
                    return Err(Foreign::unhandled(format!(
                        "-t {value} is no timeout of ours"
                    )));
                }
                settings.timeout = seconds.unsigned_abs();
            }
            "remote-version" => settings.version = Some(value),
            "remote-protcol" => settings.protocol = Some(value),
            _ => {}
        }
    }
    let mut operands = parsed.operands.into_iter();
    settings.host = host
        .or_else(|| operands.next())
        .ok_or_else(|| Foreign::usage("Could not parse arguments"))?;
    settings.port = match (port, operands.next()) {
        (Some(port), _) => port,
        (None, Some(operand)) => {
            peer::positive(&operand, "Port number must be a positive integer")?
        }
        (None, None) => 22,
    };
    Ok(settings)
}

async fn run(settings: Settings, addresses: Vec<std::net::SocketAddr>) -> Result<Report, Foreign> {
    let begun = Instant::now();
    let mut stream = match net::connect(&addresses).await {
        Ok(stream) => stream,
        Err(error) => {
            return Ok(Report::new(
                State::Critical,
                net::not_connected(&settings.host, settings.port, &error),
            ));
        }
    };
    let mut greeting = [0; MOST_READ];
    // A connection that breaks has said nothing.
    let count = stream.read(&mut greeting).await.unwrap_or_default();
    let Some(server) = Greeting::read(&greeting[..count]) else {
        let said = peer::text(peer::c_string(&greeting)).into_owned();
        let said = said.strip_suffix('\n').unwrap_or(&said);
        return Ok(Report::new(
            State::Critical,
            format!("Server answer: {said}"),
        ));
    };
    // Only as a courtesy to the server's log: what becomes of it is not looked at.
    introduce_ourselves(&mut stream, server.protocol).await;
    drop(stream);
    let (version, protocol) = (peer::text(server.version), peer::text(server.protocol));
    let mismatch = |what: &str, expected: &str| {
        Report::new(
            State::Critical,
            format!(
                "SSH CRITICAL - {version} (protocol {protocol}) {what} mismatch, expected '{expected}'"
            ),
        )
    };
    if let Some(expected) = &settings.version
        && expected.as_bytes() != server.version
    {
        return Ok(mismatch("version", expected));
    }
    if let Some(expected) = &settings.protocol
        && expected.as_bytes() != server.protocol
    {
        return Ok(mismatch("protocol version", expected));
    }
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    let timeout = settings.timeout as f64;
    let seconds = begun.elapsed().as_secs_f64();
    let data = perfdata::float("time", seconds, "s", None, None, Some(0.0), Some(timeout));
    Ok(Report::new(
        State::Ok,
        format!("SSH OK - {version} (protocol {protocol}) | {data}"),
    ))
}

async fn introduce_ourselves(stream: &mut TcpStream, protocol: &[u8]) {
    let mut line = b"SSH-".to_vec();
    line.extend_from_slice(protocol);
    line.extend_from_slice(b"-check_ssh_2.3.3\r\n");
    let _ = stream.write_all(&line).await;
}

/// `SSH-2.0-OpenSSH_9.2p1 Debian-2` taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Greeting<'a> {
    protocol: &'a [u8],
    version: &'a [u8],
}

impl<'a> Greeting<'a> {
    /// None: it does not begin like one.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        if !bytes.starts_with(b"SSH") {
            return None;
        }
        // Only blanks in front of the first zero are taken away; then four bytes are skipped, be there a zero or not.
        let first = peer::c_string(bytes);
        let body = if first.len() <= 4 {
            peer::c_string(bytes.get(4..).unwrap_or_default())
        } else {
            peer::strip(first).get(4..).unwrap_or_default()
        };
        let is_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b' ');
        let end =
            |wanted: &dyn Fn(&u8) -> bool| body.iter().take_while(|byte| wanted(byte)).count();
        let version = end(&|byte| is_number(byte) || *byte == b'-');
        let protocol = end(&is_number);
        // The protocol's end is marked with a zero: a version that begins there is gone.
        Some(Self {
            protocol: &body[..protocol],
            version: if version == protocol {
                b""
            } else {
                &body[version..]
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings() {
        for (bytes, wanted) in [
            (&b"SSH-2.0-OpenSSH_9\r\n"[..], Some(("2.0", "OpenSSH_9"))),
            (b"SSH-1.99-Cisco-1.25\n", Some(("1.99", "Cisco-1.25"))),
            (
                b"SSH-2.0-123.4 abc-5x \n more",
                Some(("2.0", "abc-5x \n more")),
            ),
            (b"SSH-2.0|pipe\r\n", Some(("2.0", ""))),
            (b"SSH", Some(("", ""))),
            (b"SSH-", Some(("", ""))),
            (b"SSHabcdef\r\n", Some(("", ""))),
            (b"SSH-2.0-ab\0cd\n", Some(("2.0", "ab"))),
            (b"SSH\x002.0-ab\0", Some(("2.0", "ab"))),
            (b"", None),
            (b"SS", None),
            (b"hello\r\nSSH-2.0-x\r\n", None),
        ] {
            let read = Greeting::read(bytes);
            let shown = read.map(|greeting| {
                (
                    peer::text(greeting.protocol).into_owned(),
                    peer::text(greeting.version).into_owned(),
                )
            });
            let wanted = wanted.map(|(a, b)| (a.to_owned(), b.to_owned()));
            assert_eq!(shown, wanted, "{}", peer::text(bytes));
        }
    }
}
