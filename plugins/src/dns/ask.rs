//! One question to one server, with the attempts and the patience of nslookup.

use std::{
    hash::BuildHasher,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::{Instant, timeout, timeout_at},
};

use super::message::{self, Message, Name};

#[derive(Debug)]
pub enum Answer {
    Message(Message),
    /// After all attempts there is none.
    None,
    /// What came nslookup may understand in its own way.
    Odd(&'static str),
}

/// How often, and for how long each time.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub attempts: u32,
    pub each: Duration,
}

const TCP_PATIENCE: Duration = Duration::from_secs(10);
/// Packets that answer another question, per attempt: beyond that somebody plays a game.
const MOST_STRAY: u32 = 1000;
/// Of what comes over UDP to one who does not ask for more.
const LONGEST_PACKET: usize = 4096;

pub async fn ask(server: IpAddr, patience: Patience, name: &Name, kind: u16) -> Answer {
    let server = SocketAddr::new(server, 53);
    // Not to be guessed by somebody who wants to answer for the server: the hasher's keys are random.
    let [high, low, ..] = std::hash::RandomState::new()
        .hash_one(name.text())
        .to_be_bytes();
    let id = u16::from_be_bytes([high, low]);
    for _ in 0..patience.attempts {
        match attempt(server, patience.each, id, name, kind).await {
            Ok(Some(Answer::Message(message))) if message.truncated => {
                return over_tcp(server, id, name, kind).await;
            }
            Ok(Some(answer)) => return answer,
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            Err(_) => return Answer::Odd("the name server cannot be reached"),
        }
    }
    Answer::None
}

/// None: no answer in time.
async fn attempt(
    server: SocketAddr,
    patience: Duration,
    id: u16,
    name: &Name,
    kind: u16,
) -> io::Result<Option<Answer>> {
    let any = match server {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    // Nobody else's packets come through.
    socket.connect(server).await?;
    socket.send(&message::question(id, name, kind)).await?;
    let until = Instant::now() + patience;
    let mut packet = [0; LONGEST_PACKET];
    for _ in 0..MOST_STRAY {
        let Ok(received) = timeout_at(until, socket.recv(&mut packet)).await else {
            return Ok(None);
        };
        let packet = &packet[..received?];
        if let Some(answer) = judge(packet, id, name, kind) {
            return Ok(Some(answer));
        }
    }
    Ok(Some(Answer::Odd(
        "packets that answer nothing come without end",
    )))
}

/// None: not an answer to our question, and to be waited past.
fn judge(packet: &[u8], id: u16, name: &Name, kind: u16) -> Option<Answer> {
    if packet.len() < message::HEADER || packet[..2] != id.to_be_bytes() {
        return None;
    }
    let Some(message) = message::parse(packet) else {
        return Some(Answer::Odd("a malformed answer"));
    };
    if !message.response || message.opcode != 0 {
        return Some(Answer::Odd("an answer that says that it is none"));
    }
    match &message.question {
        Some((asked, of)) if !asked.is(name) || *of != kind => None,
        _ => Some(Answer::Message(message)),
    }
}

async fn over_tcp(server: SocketAddr, id: u16, name: &Name, kind: u16) -> Answer {
    match timeout(
        TCP_PATIENCE,
        exchange(server, &message::question(id, name, kind)),
    )
    .await
    {
        Ok(Ok(packet)) => match judge(&packet, id, name, kind) {
            Some(Answer::Message(message)) if message.truncated => {
                Answer::Odd("an answer over TCP that is cut short")
            }
            Some(answer) => answer,
            None => Answer::Odd("an answer over TCP to another question"),
        },
        _ => Answer::Odd("a name server that does not answer over TCP"),
    }
}

/// The length in front bounds what is read.
async fn exchange(server: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let mut framed = u16::try_from(question.len())
        .map_err(io::Error::other)?
        .to_be_bytes()
        .to_vec();
    framed.extend_from_slice(question);
    stream.write_all(&framed).await?;
    let length = stream.read_u16().await?;
    let mut packet = vec![0; usize::from(length)];
    stream.read_exact(&mut packet).await?;
    Ok(packet)
}
