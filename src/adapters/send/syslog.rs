//! Syslog: one line in the words of RFC 5424, by datagram or over a connection.

use std::{io, time::Duration};

use tokio::{
    io::AsyncWriteExt,
    net::{TcpStream, UdpSocket, UnixDatagram},
};

use super::{
    chat::{self, Tone},
    incident,
    senders::SendResult,
    words,
};
use crate::{
    base::text::cut,
    domain::model::{
        message::{Kind, Message, Urgency},
        service::{Facility, SyslogTo},
    },
};

/// Every receiver should take 2048 bytes (RFC 5424, 6.1); the head has its share.
const MAX_TEXT: usize = 1800;
/// Longest HOSTNAME, in bytes.
const MAX_HOST: usize = 255;

/// Severity: from 2, critical, to 6, informational.
fn severity(message: &Message) -> u8 {
    match chat::tone(message) {
        // What is of low urgency wakes nobody who watches the log.
        _ if message.urgency == Urgency::Low => 6,
        _ if message.kind == Kind::Recovery => 5,
        Tone::Bad => 2,
        Tone::Unknown => 3,
        Tone::Warning => 4,
        Tone::Good => 5,
        Tone::Plain => 6,
    }
}

/// The line, without a line break. `host` is this machine, `process` this process.
pub fn encode(message: &Message, facility: Facility, host: &str, process: u32) -> String {
    let clean = words::clean(message);
    let priority = u32::from(facility.0) * 8 + u32::from(severity(message));
    let host: String = host.chars().filter(char::is_ascii_graphic).collect();
    let host = if host.is_empty() {
        "-"
    } else {
        cut(&host, MAX_HOST)
    };
    let mut text = incident::summary(&clean, MAX_TEXT);
    if clean.reason != clean.output && !clean.reason.is_empty() {
        text = format!("{text} ({})", clean.reason);
    }
    format!(
        "<{priority}>1 {} {host} deploywatch {process} {} - {}",
        clean.at,
        message.kind.name(),
        cut(&text, MAX_TEXT)
    )
}

/// Sends the line within `timeout`. A datagram is not confirmed by anybody; over a connection all that is known is
/// that it was taken.
pub async fn post(to: &SyslogTo, line: &str, timeout: Duration) -> SendResult {
    let place = match to {
        SyslogTo::Udp(address) | SyslogTo::Tcp(address) => address.clone(),
        SyslogTo::Unix(path) => path.display().to_string(),
    };
    let ended = tokio::time::timeout(timeout, send(to, line)).await;
    classify(&place, ended.unwrap_or(Err(io::ErrorKind::TimedOut.into())))
}

async fn send(to: &SyslogTo, line: &str) -> io::Result<()> {
    match to {
        SyslogTo::Udp(address) => {
            let there = tokio::net::lookup_host(address)
                .await?
                .next()
                .ok_or(io::ErrorKind::NotFound)?;
            let here = if there.is_ipv4() {
                "0.0.0.0:0"
            } else {
                "[::]:0"
            };
            let socket = UdpSocket::bind(here).await?;
            socket.connect(there).await?;
            socket.send(line.as_bytes()).await?;
        }
        SyslogTo::Tcp(address) => {
            let mut stream = TcpStream::connect(address).await?;
            stream
                .write_all(format!("{} {line}", line.len()).as_bytes())
                .await?;
            stream.shutdown().await?;
        }
        SyslogTo::Unix(path) => {
            UnixDatagram::unbound()?
                .send_to(line.as_bytes(), path)
                .await?;
        }
    }
    Ok(())
}

/// What became of the line.
pub fn classify(place: &str, ended: io::Result<()>) -> SendResult {
    match ended {
        Ok(()) => SendResult::Sent {
            receipt: format!("written to {place}"),
        },
        Err(error) if error.kind() == io::ErrorKind::TimedOut => SendResult::Retry {
            why: format!("{place} did not answer in time"),
            after: None,
        },
        Err(error) => SendResult::Retry {
            why: format!("{place} cannot be reached: {error}"),
            after: None,
        },
    }
}
