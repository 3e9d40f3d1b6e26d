//! Mail against a scripted SMTP server on loopback, plain and with TLS.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::super::{
    senders::{SendResult, Senders},
    settings::{SendSettings, SmtpSettings, SmtpTls},
    testing::{contact, delivery, hostile, provider, with_suspects},
};
use crate::{
    base::secret::Secret,
    domain::model::{message::Message, objects::ChannelKind},
};

/// What the server answers at each step; a first word that is no number means: never answer.
#[derive(Clone, Copy)]
struct Script {
    greeting: &'static str,
    auth: &'static str,
    mail: &'static str,
    rcpt: &'static str,
    end: &'static str,
    starttls: bool,
}

const FINE: Script = Script {
    greeting: "220 stub",
    auth: "235 welcome",
    mail: "250 ok",
    rcpt: "250 ok",
    end: "250 Ok: queued as 4711",
    starttls: false,
};

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn note(&self, line: &str) {
        self.0.lock().expect("not poisoned").push(line.to_owned());
    }

    fn all(&self) -> String {
        self.0.lock().expect("not poisoned").join("\n")
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

async fn say(stream: &mut BufReader<Box<dyn Stream>>, text: &str) {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        std::future::pending::<()>().await;
    }
    // The client may have gone; the test sees that on its side.
    let _ = stream
        .get_mut()
        .write_all(format!("{text}\r\n").as_bytes())
        .await;
    let _ = stream.get_mut().flush().await;
}

async fn session(stream: Box<dyn Stream>, script: Script, tls: Option<TlsAcceptor>, seen: Seen) {
    let mut stream = BufReader::new(stream);
    say(&mut stream, script.greeting).await;
    let (mut data, mut secure) = (false, false);
    let mut line = String::new();
    while {
        line.clear();
        matches!(stream.read_line(&mut line).await, Ok(1..))
    } {
        let command = line.trim_end().to_owned();
        seen.note(&command);
        if data {
            if command == "." {
                data = false;
                say(&mut stream, script.end).await;
            }
            continue;
        }
        match command
            .split([' ', ':'])
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase()
            .as_str()
        {
            "EHLO" if script.starttls && !secure => {
                say(&mut stream, "250-stub\r\n250 STARTTLS").await;
            }
            "EHLO" => say(&mut stream, "250-stub\r\n250 AUTH PLAIN LOGIN").await,
            "STARTTLS" => {
                say(&mut stream, "220 go ahead").await;
                let Some(acceptor) = &tls else { return };
                let Ok(wrapped) = acceptor.accept(stream.into_inner()).await else {
                    return;
                };
                seen.note("(protected)");
                let wrapped: Box<dyn Stream> = Box::new(wrapped);
                (stream, secure) = (BufReader::new(wrapped), true);
            }
            "AUTH" => say(&mut stream, script.auth).await,
            "MAIL" => say(&mut stream, script.mail).await,
            "RCPT" => say(&mut stream, script.rcpt).await,
            "DATA" => {
                data = true;
                say(&mut stream, "354 go on").await;
            }
            "QUIT" => return say(&mut stream, "221 bye").await,
            _ => say(&mut stream, "502 what?").await,
        }
    }
}

async fn serve(script: Script, tls: Option<TlsAcceptor>, at_once: bool) -> (u16, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let seen = Seen::default();
    let noted = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (tls, noted) = (tls.clone(), noted.clone());
            tokio::spawn(async move {
                let stream: Box<dyn Stream> = match (&tls, at_once) {
                    (Some(acceptor), true) => match acceptor.accept(stream).await {
                        Ok(wrapped) => {
                            noted.note("(protected)");
                            Box::new(wrapped)
                        }
                        Err(_) => return,
                    },
                    _ => Box::new(stream),
                };
                session(stream, script, tls, noted).await;
            });
        }
    });
    (port, seen)
}

fn settings(port: u16) -> SmtpSettings {
    SmtpSettings {
        host: "127.0.0.1".to_owned(),
        port,
        tls: SmtpTls::None,
        from: "Watch <watch@example.org>".to_owned(),
        helo: Some("watch.example.org".to_owned()),
        username: None,
        password: None,
        ca_file: None,
        timeout: Duration::from_secs(10),
    }
}

async fn send(smtp: SmtpSettings) -> SendResult {
    send_message(smtp, with_suspects(1)).await
}

async fn send_message(smtp: SmtpSettings, message: Message) -> SendResult {
    provider();
    let senders = Senders::new(SendSettings {
        smtp: Some(smtp),
        ..SendSettings::default()
    })
    .expect("settings");
    let channel = ChannelKind::Email {
        to: "oncall@example.org".to_owned(),
    };
    senders
        .send(&delivery("oncall", "email", message), &contact(), &channel)
        .await
}

/// A certificate for 127.0.0.1, the server's side of it, and the file that clients trust.
pub fn certificate(folder: &tempfile::TempDir) -> (TlsAcceptor, PathBuf) {
    provider();
    let made =
        rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, made.cert.pem()).expect("written");
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der())
        .expect("a key");
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a configuration");
    (TlsAcceptor::from(Arc::new(config)), file)
}

#[tokio::test]
async fn a_mail_is_handed_over() {
    let (port, seen) = serve(FINE, None, false).await;
    let result = send(settings(port)).await;
    assert_eq!(
        result,
        SendResult::Sent {
            receipt: format!("127.0.0.1:{port}: Ok: queued as 4711")
        }
    );
    let seen = seen.all();
    for expected in [
        "EHLO watch.example.org",
        "MAIL FROM:<watch@example.org>",
        "RCPT TO:<oncall@example.org>",
        "From: Watch <watch@example.org>",
        "Auto-Submitted: auto-generated",
        "X-Deploywatch-Key: web1/http#7:oncall:email",
        "Subject: CRITICAL web1/http - after deploy D-417 (shop 1.4.7 by ann)",
        "Date: Mon, 02 Mar 2026 10:06:30 +0000",
    ] {
        assert!(seen.contains(expected), "{expected} is missing in\n{seen}");
    }
}

#[tokio::test]
async fn the_servers_words_decide() {
    let dead = |result: &SendResult| matches!(result, SendResult::Dead { .. });
    for (script, is_dead, said) in [
        (
            Script {
                greeting: "421 too busy",
                ..FINE
            },
            false,
            "421 too busy",
        ),
        (
            Script {
                greeting: "554 not you",
                ..FINE
            },
            false,
            "554 not you",
        ),
        (
            Script {
                mail: "450 later",
                ..FINE
            },
            false,
            "450 later",
        ),
        (
            Script {
                mail: "530 log in first",
                ..FINE
            },
            false,
            "530 log in first",
        ),
        (
            Script {
                rcpt: "550 no such user",
                ..FINE
            },
            true,
            "550 no such user",
        ),
        (
            Script {
                end: "452 disk full",
                ..FINE
            },
            false,
            "452 disk full",
        ),
        (
            Script {
                end: "554 spam",
                ..FINE
            },
            true,
            "554 spam",
        ),
    ] {
        let (port, _) = serve(script, None, false).await;
        let result = send(settings(port)).await;
        assert_eq!(dead(&result), is_dead, "{said}: {result:?}");
        assert!(format!("{result:?}").contains(said), "{result:?}");
    }
}

#[tokio::test]
async fn a_silent_server_is_left_in_time() {
    for script in [
        Script {
            greeting: "never",
            ..FINE
        },
        Script {
            end: "never",
            ..FINE
        },
    ] {
        let (port, _) = serve(script, None, false).await;
        let began = Instant::now();
        let result = send(SmtpSettings {
            timeout: Duration::from_millis(300),
            ..settings(port)
        })
        .await;
        assert!(matches!(result, SendResult::Retry { .. }), "{result:?}");
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn starttls_protects_mail_and_password() {
    let folder = tempfile::tempdir().expect("a folder");
    let (acceptor, file) = certificate(&folder);
    let (port, seen) = serve(
        Script {
            starttls: true,
            ..FINE
        },
        Some(acceptor),
        false,
    )
    .await;
    let smtp = SmtpSettings {
        tls: SmtpTls::StartTls,
        ca_file: Some(file),
        username: Some("watch".to_owned()),
        password: Some(Secret::new("pw")),
        ..settings(port)
    };
    let result = send(smtp).await;
    assert!(matches!(result, SendResult::Sent { .. }), "{result:?}");
    let seen = seen.all();
    let place = |word: &str| {
        seen.find(word)
            .unwrap_or_else(|| panic!("{word} is missing in\n{seen}"))
    };
    assert!(place("STARTTLS") < place("(protected)"));
    assert!(place("(protected)") < place("AUTH PLAIN") && place("AUTH PLAIN") < place("MAIL FROM"));
}

#[tokio::test]
async fn tls_from_the_first_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let (acceptor, file) = certificate(&folder);
    let (port, seen) = serve(FINE, Some(acceptor), true).await;
    let result = send(SmtpSettings {
        tls: SmtpTls::Tls,
        ca_file: Some(file),
        ..settings(port)
    })
    .await;
    assert!(matches!(result, SendResult::Sent { .. }), "{result:?}");
    assert!(seen.all().starts_with("(protected)\nEHLO"));
}

#[tokio::test]
async fn no_mail_leaves_unprotected_when_starttls_is_wanted() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, file) = certificate(&folder);
    let (port, seen) = serve(FINE, None, false).await;
    let result = send(SmtpSettings {
        tls: SmtpTls::StartTls,
        ca_file: Some(file),
        ..settings(port)
    })
    .await;
    assert!(
        matches!(&result, SendResult::Retry { why, .. } if why.contains("did not start TLS")),
        "{result:?}"
    );
    assert!(!seen.all().contains("MAIL"));
}

#[tokio::test]
async fn a_stranger_certificate_is_not_trusted() {
    let folder = tempfile::tempdir().expect("a folder");
    let (acceptor, _) = certificate(&folder);
    let (_, other) = certificate(&folder);
    let (port, seen) = serve(
        Script {
            starttls: true,
            ..FINE
        },
        Some(acceptor),
        false,
    )
    .await;
    let result = send(SmtpSettings {
        tls: SmtpTls::StartTls,
        ca_file: Some(other),
        ..settings(port)
    })
    .await;
    assert!(
        matches!(&result, SendResult::Retry { why, .. } if why.contains("certificate")),
        "{result:?}"
    );
    assert!(!seen.all().contains("MAIL"));
}

#[tokio::test]
async fn a_refused_password_is_tried_again_and_never_shown() {
    let (port, _) = serve(
        Script {
            auth: "535 wrong",
            ..FINE
        },
        None,
        false,
    )
    .await;
    let smtp = SmtpSettings {
        username: Some("watch".to_owned()),
        password: Some(Secret::new("hunter2")),
        ..settings(port)
    };
    let result = send(smtp).await;
    assert!(
        matches!(&result, SendResult::Retry { why, .. } if why.contains("refused the log-in: 535 wrong")),
        "{result:?}"
    );
    assert!(!format!("{result:?}").contains("hunter2"));
}

#[tokio::test]
async fn hostile_output_neither_ends_the_mail_nor_adds_headers() {
    let (port, seen) = serve(FINE, None, false).await;
    let mut message = hostile();
    message.long_output = "a\r\n.\r\nMAIL FROM:<evil@example.org>\r\nQUIT\n.\n".to_owned();
    let result = send_message(settings(port), message).await;
    assert!(matches!(result, SendResult::Sent { .. }), "{result:?}");
    let seen = seen.all();
    let count = |start: &str| seen.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!(
        (
            count("DATA"),
            count("RCPT"),
            count("Bcc"),
            count("X-Evil"),
            count("Cc")
        ),
        (1, 1, 0, 0, 0),
        "{seen}"
    );
    let dots = seen.lines().filter(|line| *line == ".").count();
    assert_eq!(dots, 1, "only the client ends the mail:\n{seen}");
}
