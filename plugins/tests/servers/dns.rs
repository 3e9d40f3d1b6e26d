//! A real dnsmasq, and a name server with faults, which does what the first label of a question names. nslookup knows no
//! port but 53: both are there on loopback addresses of their own.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
};

use super::spoken;

const CONFIG: &str = "no-resolv
no-hosts
bind-interfaces
local=/test/
host-record=one.test,192.0.2.1
host-record=six.test,2001:db8::1
host-record=both.test,192.0.2.2,2001:db8::2
host-record=many.test,192.0.2.11
host-record=many.test,192.0.2.12
host-record=many.test,192.0.2.3
host-record=under_score.sub-domain.test,192.0.2.4
cname=alias.test,one.test
cname=alias2.test,alias.test
txt-record=text.test,\"v=spf1 -all\"
ptr-record=3.2.0.192.in-addr.arpa,three.test
";

pub struct Dns {
    child: Child,
    dir: PathBuf,
    real: String,
    faulty: String,
    nobody: String,
}

pub fn start() -> Dns {
    let mut addresses = (53..=59).map(|last| format!("127.0.0.{last}"));
    let mut unused = || {
        let found = addresses.find(|address| {
            UdpSocket::bind((&**address, 53)).is_ok() && TcpListener::bind((&**address, 53)).is_ok()
        });
        found.expect(
            "port 53 on a loopback address: this test asks name servers on it and must run as root, and where not all \
             of 127.0.0.53 to 127.0.0.59 are in use",
        )
    };
    let (real, faulty, nobody) = (unused(), unused(), unused());
    let dir = spoken::own_dir("dns");
    let config = dir.join("dnsmasq.conf");
    std::fs::write(&config, CONFIG).expect("a file");
    let child = Command::new("/usr/sbin/dnsmasq")
        .args(["--keep-in-foreground", "--pid-file=", "--user=root"])
        .arg(format!("--conf-file={}", config.display()))
        .arg(format!("--listen-address={real}"))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("dnsmasq, of dnsmasq-base");
    spoken::wait_for_port(&real, 53);
    serve_faults(&faulty);
    Dns {
        child,
        dir,
        real,
        faulty,
        nobody,
    }
}

impl Dns {
    pub fn places(&self, places: &mut BTreeMap<String, String>) {
        places.insert("dns".to_owned(), self.real.clone());
        places.insert("faulty".to_owned(), self.faulty.clone());
        places.insert("nobody".to_owned(), self.nobody.clone());
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        spoken::end(&mut self.child);
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn serve_faults(address: &str) {
    let udp = UdpSocket::bind((address, 53)).expect("it was free");
    let tcp = TcpListener::bind((address, 53)).expect("it was free");
    thread::spawn(move || {
        let mut packet = [0; 512];
        while let Ok((count, from)) = udp.recv_from(&mut packet) {
            for answer in answers(&packet[..count], false) {
                let _ = udp.send_to(&answer, from);
            }
        }
    });
    thread::spawn(move || {
        for stream in tcp.incoming().flatten() {
            thread::spawn(move || talk(stream));
        }
    });
}

fn talk(mut stream: TcpStream) -> std::io::Result<()> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut packet = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut packet)?;
    for answer in answers(&packet, true) {
        let length = u16::try_from(answer.len()).unwrap_or_default();
        stream.write_all(&length.to_be_bytes())?;
        stream.write_all(&answer)?;
    }
    if packet[13..].starts_with(b"truncatedcloses") {
        return Ok(());
    }
    stream.read(&mut length).map(|_| ())
}

/// A record about the name that was asked for.
fn record(kind: u8, data: &[u8]) -> Vec<u8> {
    record_of(&[0xc0, 12], kind, data)
}

fn record_of(owner: &[u8], kind: u8, data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(data.len()).expect("short");
    [owner, &[0, kind, 0, 1, 0, 0, 0, 60, 0, length], data].concat()
}

fn name(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in text.split('.') {
        bytes.push(u8::try_from(label.len()).expect("short"));
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

struct Reply<'a> {
    query: &'a [u8],
    flags: u8,
    code: u8,
    question: Vec<u8>,
    records: Vec<Vec<u8>>,
    /// Of them the last are no answers but of the authority.
    authority: u8,
}

impl Reply<'_> {
    fn bytes(&self) -> Vec<u8> {
        let answers = u8::try_from(self.records.len()).expect("few") - self.authority;
        let mut bytes = self.query[..2].to_vec();
        bytes.extend_from_slice(&[
            self.flags,
            0x80 | self.code,
            0,
            u8::from(!self.question.is_empty()),
        ]);
        bytes.extend_from_slice(&[0, answers, 0, self.authority, 0, 0]);
        bytes.extend_from_slice(&self.question);
        bytes.extend_from_slice(&self.records.concat());
        bytes
    }
}

/// Everything that is sent back.
fn answers(query: &[u8], over_tcp: bool) -> Vec<Vec<u8>> {
    let length = usize::from(query[12]);
    let what = String::from_utf8_lossy(&query[13..13 + length]).into_owned();
    let end = 12
        + query[12..]
            .iter()
            .position(|byte| *byte == 0)
            .expect("a name's end");
    let kind = query[end + 2];
    let address = match kind {
        1 => vec![record(1, &[192, 0, 2, 9])],
        28 => vec![record(
            28,
            &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9],
        )],
        _ => Vec::new(),
    };
    let mut reply = Reply {
        query,
        flags: 0x81,
        code: 0,
        question: query[12..end + 5].to_vec(),
        records: address,
        authority: 0,
    };
    let codes = [
        ("formerr", 1),
        ("servfail", 2),
        ("nxdomain", 3),
        ("notimp", 4),
        ("refused", 5),
        ("yxdomain", 6),
        ("reserved", 15),
    ];
    let applies = match what.strip_prefix("second-") {
        Some(rest) => Some(rest).filter(|_| kind == 28),
        None => Some(&*what),
    };
    if let Some((_, code)) = codes.iter().find(|(name, _)| applies == Some(name)) {
        reply.code = *code;
        reply.records.clear();
        return vec![reply.bytes()];
    }
    match applies.unwrap_or("good") {
        "silent" => return Vec::new(),
        "empty" => reply.records.clear(),
        "only4" if kind == 28 => reply.records.clear(),
        "only6" if kind == 1 => reply.records.clear(),
        "authoritative" => reply.flags = 0x85,
        "wrongid" => {
            let mut bytes = reply.bytes();
            bytes[0] ^= 1;
            return vec![bytes];
        }
        "stray" => {
            // Others' answers, and one that is cut off, before the right one.
            let mut other = reply.bytes();
            other[1] ^= 1;
            return vec![other, query[..2].to_vec(), Vec::new(), reply.bytes()];
        }
        "wrongname" => {
            reply.question = [&name("other.test")[..], &query[end + 1..end + 5]].concat();
        }
        "noquestion" => {
            reply.records = if kind == 1 {
                vec![record_of(&query[12..=end], 1, &[192, 0, 2, 9])]
            } else {
                Vec::new()
            };
            reply.question.clear();
        }
        "garbage" => return vec![[&query[..2], &[0x81, 0x80], &[0xff; 30]].concat()],
        "noanswer" => reply.flags = 0x01,
        "loop" => {
            let at = u8::try_from(end + 5).expect("short");
            reply.records = vec![record_of(&[0xc0, at], 1, &[192, 0, 2, 9])];
        }
        "cut" => {
            let mut bytes = reply.bytes();
            bytes.pop();
            return vec![bytes];
        }
        "truncated" if !over_tcp => {
            reply.flags = 0x83;
            reply.records.clear();
        }
        "truncatedsilent" | "truncatedcloses" if over_tcp => return Vec::new(),
        "truncatedsilent" | "truncatedcloses" => reply.flags = 0x83,
        "twice" => reply.records.extend_from_within(..),
        "canonical" => reply.records = vec![record(5, &name("empty.test"))],
        "ring" => reply.records = vec![record(5, &name("ring.test"))],
        "text" => reply.records = vec![record(16, b"\x03abc")],
        "crowd" => {
            reply.records = (1..=20).map(|last| record(1, &[192, 0, 2, last])).collect();
            if kind == 28 {
                reply.records.clear();
            }
        }
        _ => {}
    }
    if kind == 12 {
        reply.records = match &*what {
            "1" => vec![
                record(12, &name("one.test")),
                record_of(&name("2.0.192.in-addr.arpa"), 2, &name("ns.test")),
            ],
            "4" => vec![
                record(5, &name("4.x.2.0.192.in-addr.arpa")),
                record_of(&name("4.x.2.0.192.in-addr.arpa"), 12, &name("four.test")),
            ],
            "5" => vec![record(12, &name("b.test")), record(12, &name("a.test"))],
            "7" => vec![record(12, &name("a b.test"))],
            _ => Vec::new(),
        };
        reply.authority = u8::from(what == "1");
        reply.code = match &*what {
            "2" => 3,
            "6" => 2,
            "8" => 5,
            _ => 0,
        };
    }
    vec![reply.bytes()]
}
