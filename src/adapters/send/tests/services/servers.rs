//! Every service against servers that behave badly, and one that behaves well; syslog by every way.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, UdpSocket, UnixDatagram},
};

use super::{
    super::{
        super::{
            senders::SendResult,
            testing::{contact, delivery, digest, problem, with_suspects},
        },
        http::{Stub, senders},
        smtp::certificate,
    },
    HIDDEN, all,
};
use crate::domain::model::{
    objects::ChannelKind,
    service::{Facility, Service, SyslogTo},
};

/// What a server does to us.
#[derive(Clone, Copy, Debug)]
enum Fault {
    TooMany,
    Broken,
    Silent,
    /// The head promises more than comes.
    HalfABody,
    /// Not even the head is whole.
    HalfAHead,
    Elsewhere,
    BadRequest,
    Refused,
    Gone,
    /// Whoever signed the certificate is not trusted.
    Certificate,
    Nobody,
}

const FAULTS: [Fault; 11] = [
    Fault::TooMany,
    Fault::Broken,
    Fault::Silent,
    Fault::HalfABody,
    Fault::HalfAHead,
    Fault::Elsewhere,
    Fault::BadRequest,
    Fault::Refused,
    Fault::Gone,
    Fault::Certificate,
    Fault::Nobody,
];

/// What each fault must come to, for every service alike.
fn is_right(fault: Fault, result: &SendResult) -> bool {
    let retried =
        |words: &str| matches!(result, SendResult::Retry { why, .. } if why.contains(words));
    let dead = |words: &str| matches!(result, SendResult::Dead { why } if why.contains(words));
    match fault {
        Fault::TooMany => {
            matches!(result, SendResult::Retry { after: Some(after), .. } if after.as_secs() == 17)
        }
        Fault::Broken => retried("HTTP 500"),
        Fault::Silent => retried("did not answer in time"),
        // The status came, and with it the word that it was taken.
        Fault::HalfABody => {
            matches!(result, SendResult::Sent { receipt } if receipt.starts_with("HTTP 200"))
        }
        Fault::HalfAHead | Fault::Nobody => retried("cannot be reached"),
        Fault::Elsewhere => dead("redirects are not followed"),
        Fault::BadRequest => dead("HTTP 400"),
        Fault::Refused => dead("HTTP 403"),
        Fault::Gone => dead("HTTP 404"),
        Fault::Certificate => retried("certificate"),
    }
}

/// Answers every connection with what this makes of the request, and hangs up.
async fn raw(answer: fn(&str) -> String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut asked = vec![0; 64 * 1024];
                let length = stream.read(&mut asked).await.unwrap_or(0);
                let said = answer(&String::from_utf8_lossy(&asked[..length]));
                let _ = stream.write_all(said.as_bytes()).await;
            });
        }
    });
    format!("http://{address}")
}

/// A refusal that repeats where it was asked and by whom, and then everything.
fn echo(status: u16, asked: &str) -> String {
    let path = asked.split(' ').nth(1).unwrap_or_default();
    let who = asked.lines().find(|line| line.starts_with("authorization"));
    let said = format!("{path} {} {asked}", who.unwrap_or_default());
    format!(
        "HTTP/1.1 {status} No\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{said}",
        said.len()
    )
}

/// TLS with a certificate that nobody vouches for.
async fn untrusted() -> String {
    let folder = tempfile::tempdir().expect("a directory");
    let (acceptor, _) = certificate(&folder);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let _ = acceptor.accept(stream).await;
            });
        }
    });
    format!("https://{address}")
}

/// An address that is taken, so that nobody else comes to listen there.
fn nobody() -> String {
    let socket = TcpSocket::new_v4().expect("a socket");
    let any = "127.0.0.1:0".parse().expect("an address");
    socket.bind(any).expect("a port");
    let socket = Box::leak(Box::new(socket));
    socket.local_addr().expect("an address").to_string()
}

/// The server, and how long an attempt there may take.
async fn server(fault: Fault) -> (String, Option<Duration>) {
    let scripted = |answer: (u16, &'static str, &'static str)| async move {
        Stub::start(&[answer; 20]).await.1
    };
    let url = match fault {
        Fault::TooMany => scripted((429, "17", "slow down")).await,
        Fault::Broken => scripted((500, "", "oops")).await,
        Fault::Silent => scripted((200, "stall", "")).await,
        Fault::HalfABody => {
            raw(|_| "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"ok\":tr".to_owned()).await
        }
        Fault::HalfAHead => raw(|_| "HTTP/1.1 20".to_owned()).await,
        Fault::Elsewhere => scripted((302, "/elsewhere", "")).await,
        Fault::BadRequest => raw(|asked| echo(400, asked)).await,
        Fault::Refused => raw(|asked| echo(403, asked)).await,
        Fault::Gone => raw(|asked| echo(404, asked)).await,
        Fault::Certificate => untrusted().await,
        Fault::Nobody => format!("http://{}", nobody()),
    };
    let short = matches!(fault, Fault::Silent).then_some(Duration::from_millis(300));
    (url, short)
}

#[tokio::test]
async fn every_service_bears_a_server_that_behaves_badly() {
    let senders = senders(Duration::from_secs(10));
    for fault in FAULTS {
        let (url, timeout) = server(fault).await;
        for service in all(&url) {
            let name = service.name();
            let row = delivery("oncall", name, with_suspects(1));
            let channel = ChannelKind::Service { service, timeout };
            let began = Instant::now();
            let result = senders.send(&row, &contact(), &channel).await;
            assert!(is_right(fault, &result), "{name}, {fault:?}: {result:?}");
            assert!(
                began.elapsed() < Duration::from_secs(5),
                "{name}, {fault:?}"
            );
            let said = format!("{result:?}");
            assert!(!said.contains(HIDDEN), "{name}, {fault:?}: {said}");
            if let SendResult::Dead { why } = &result {
                assert!(
                    why.contains('`') || why.contains("configuration"),
                    "{name}, {fault:?}: what to mend: {why}"
                );
            }
        }
    }
}

#[tokio::test]
async fn what_arrives_is_what_was_meant() {
    let (stub, url) = Stub::start(&[]).await;
    let senders = senders(Duration::from_secs(10));
    let services = all(&url);
    for service in &services {
        let row = delivery("oncall", service.name(), with_suspects(1));
        let channel = ChannelKind::Service {
            service: service.clone(),
            timeout: None,
        };
        let result = senders.send(&row, &contact(), &channel).await;
        assert!(matches!(result, SendResult::Sent { .. }), "{result:?}");
    }
    let seen = stub.seen.lock().expect("not poisoned");
    assert_eq!(seen.len(), services.len());
    for (service, seen) in services.iter().zip(&*seen) {
        let types: Vec<_> = seen.headers.get_all("content-type").iter().collect();
        let form = service.name() == "twilio";
        let expected = if form {
            "application/x-www-form-urlencoded"
        } else {
            "application/json"
        };
        assert_eq!(types, [expected], "{}", service.name());
    }
}

#[tokio::test]
async fn what_is_not_for_a_pager_is_not_sent() {
    let (stub, url) = Stub::start(&[]).await;
    let senders = senders(Duration::from_secs(10));
    for service in all(&url).into_iter().filter(Service::is_pager) {
        // A note in its timeline, which calls nobody.
        if service.name() == "victorops" {
            continue;
        }
        let row = delivery("oncall", service.name(), digest());
        let channel = ChannelKind::Service {
            service,
            timeout: None,
        };
        let result = senders.send(&row, &contact(), &channel).await;
        assert!(matches!(&result, SendResult::Sent { receipt } if receipt == "not for a pager"));
    }
    assert_eq!(stub.count(), 0);
}

#[tokio::test]
async fn syslog_goes_by_every_way() {
    let senders = senders(Duration::from_secs(5));
    let folder = tempfile::tempdir().expect("a directory");
    let path = folder.path().join("log");
    let udp = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let unix = UnixDatagram::bind(&path).expect("a socket");
    let address = |at: std::io::Result<std::net::SocketAddr>| at.expect("an address").to_string();
    let send = async |to: SyslogTo| {
        let channel = ChannelKind::Service {
            service: Service::Syslog {
                to,
                facility: Facility(3),
            },
            timeout: None,
        };
        let row = delivery("log", "syslog", problem());
        senders.send(&row, &contact(), &channel).await
    };
    let sent = |result: &SendResult| matches!(result, SendResult::Sent { receipt } if receipt.starts_with("written to "));
    let is_line = |text: &str| {
        text.starts_with("<26>1 2026-03-02T10:06:30Z ")
            && text.contains(" problem - CRITICAL web1/http")
    };

    let mut buffer = vec![0; 4096];
    let result = send(SyslogTo::Udp(address(udp.local_addr()))).await;
    assert!(sent(&result), "{result:?}");
    let length = udp.recv(&mut buffer).await.expect("a datagram");
    assert!(is_line(&String::from_utf8_lossy(&buffer[..length])));

    let result = send(SyslogTo::Unix(path.clone())).await;
    assert!(sent(&result), "{result:?}");
    let length = unix.recv(&mut buffer).await.expect("a datagram");
    assert!(is_line(&String::from_utf8_lossy(&buffer[..length])));

    let result = send(SyslogTo::Tcp(address(tcp.local_addr()))).await;
    assert!(sent(&result), "{result:?}");
    let (mut stream, _) = tcp.accept().await.expect("a connection");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("text");
    let (count, line) = text.split_once(' ').expect("a count");
    assert!(is_line(line) && count.parse() == Ok(line.len()), "{text}");

    for to in [
        SyslogTo::Tcp(nobody()),
        SyslogTo::Unix(folder.path().join("none")),
    ] {
        let result = send(to).await;
        assert!(
            matches!(&result, SendResult::Retry { why, .. } if why.contains("cannot be reached")),
            "{result:?}"
        );
    }
}
