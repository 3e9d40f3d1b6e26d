//! Servers that greet as mail, news, files and scanners do, plain and over TLS, and then listen until nobody talks.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    sync::Arc,
    thread,
    time::Duration,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

const PAUSE: &str = "\0";
/// What each says, in pieces.
const GREETINGS: [(&str, &[&str]); 10] = [
    ("220", &["220 server ready\r\n"]),
    ("220more", &["220-one\r\n", "220 two\r\n"]),
    ("slow220", &["2", PAUSE, "20 slow\r\n"]),
    ("late220", &["welcome, 220\r\n"]),
    ("pop", &["+OK pop3 ready\r\n"]),
    ("imap", &["* OK imap ready\r\n"]),
    ("news", &["201 news, no posting\r\n"]),
    ("pong", &["PONG\n"]),
    ("xml", &["<?xml version='1.0'?><stream:stream>"]),
    ("mute", &[]),
];

pub struct Talkers {
    ports: Vec<(String, u16)>,
}

/// `dir` has the certificate `good`, and `soon` for one of them.
pub fn start(dir: &Path) -> Talkers {
    let mut ports = Vec::new();
    let good = config(dir, "good");
    for (name, pieces) in GREETINGS {
        ports.push((format!("say_{name}"), serve(pieces, None)));
        ports.push((format!("tls_{name}"), serve(pieces, Some(good.clone()))));
    }
    for name in ["soon", "expired", "today"] {
        let port = serve(GREETINGS[0].1, Some(config(dir, name)));
        ports.push((format!("tls_{name}"), port));
    }
    Talkers { ports }
}

impl Talkers {
    pub fn places(&self, places: &mut BTreeMap<String, String>) {
        for (name, port) in &self.ports {
            places.insert(name.clone(), port.to_string());
        }
    }
}

fn config(dir: &Path, name: &str) -> Arc<ServerConfig> {
    let certificate =
        CertificateDer::from_pem_file(dir.join(format!("{name}.pem"))).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(dir.join(format!("{name}.key"))).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a config");
    Arc::new(config)
}

fn serve(pieces: &'static [&'static str], config: Option<Arc<ServerConfig>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let config = config.clone();
            thread::spawn(move || match config {
                None => talk(stream, pieces),
                Some(config) => {
                    let connection = ServerConnection::new(config).expect("a connection");
                    talk(StreamOwned::new(connection, stream), pieces);
                }
            });
        }
    });
    port
}

fn talk(mut stream: impl Read + Write, pieces: &[&str]) {
    for piece in pieces {
        if *piece == PAUSE {
            // Long enough to come alone, and short of what a plugin waits.
            thread::sleep(Duration::from_millis(400));
        } else if stream.write_all(piece.as_bytes()).is_err() || stream.flush().is_err() {
            return;
        }
    }
    while stream.read(&mut [0; 1024]).is_ok_and(|count| 0 < count) {}
}
