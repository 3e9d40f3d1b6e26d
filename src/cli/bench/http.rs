//! One request to the bench's own daemon on loopback. A plain socket: the client's cost must not be part of what is
//! measured, and nothing but our own daemon answers there.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

const CONNECT_WAIT: Duration = Duration::from_secs(2);
/// A daemon that is flat out answers late, but it answers.
const ANSWER_WAIT: Duration = Duration::from_secs(40);

/// Status and body of the answer to a GET.
pub fn get(to: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    ask(to, &format!("GET {path} HTTP/1.1\r\n"), "")
}

/// Status and body of the answer to a POST of JSON.
pub fn post(to: SocketAddr, path: &str, body: &str) -> io::Result<(u16, String)> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
        body.len()
    );
    ask(to, &head, body)
}

fn ask(to: SocketAddr, head: &str, body: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&to, CONNECT_WAIT)?;
    stream.set_read_timeout(Some(ANSWER_WAIT))?;
    stream.set_write_timeout(Some(ANSWER_WAIT))?;
    let request = format!("{head}Host: {to}\r\nConnection: close\r\n\r\n{body}");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    read(&answer)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP"))
}

fn read(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        assert_eq!(
            read("HTTP/1.1 200 OK\r\na: b\r\n\r\nx 1\n"),
            Some((200, "x 1\n".to_owned()))
        );
        assert_eq!(read("nonsense"), None);
    }
}
