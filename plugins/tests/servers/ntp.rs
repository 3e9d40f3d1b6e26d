//! A real chronyd that leaves the clock alone, and responders with faults.

use std::{
    collections::BTreeMap,
    net::UdpSocket,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::spoken;

pub struct Ntp {
    child: Child,
    dir: PathBuf,
    port: u16,
    odd: Vec<(&'static str, u16)>,
}

/// What a responder does with a right answer; false: it sends none.
type Fault = fn(answer: &mut Vec<u8>, count: u32) -> bool;

pub fn start() -> Ntp {
    let dir = spoken::own_dir("ntp");
    let port = spoken::free_port();
    let config = dir.join("chrony.conf");
    std::fs::write(
        &config,
        format!(
            "port {port}\nbindaddress 127.0.0.1\nallow 127.0.0.0/8\nlocal stratum 10\ncmdport 0\nbindcmdaddress /\n\
             pidfile {}\nuser root\n",
            dir.join("pid").display()
        ),
    )
    .expect("a file");
    let child = Command::new("/usr/sbin/chronyd")
        .args(["-x", "-d", "-f"])
        .arg(&config)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("chronyd, of chrony");
    spoken::wait_until("chronyd answers", || {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let mut packet = [0; 48];
        packet[0] = 0xe3;
        socket.connect(("127.0.0.1", port)).is_ok()
            && socket
                .set_read_timeout(Some(Duration::from_millis(200)))
                .is_ok()
            && socket.send(&packet).is_ok()
            && socket.recv(&mut packet).is_ok()
    });
    let faults: [(&str, Fault); 13] = [
        ("ntp_right", |_, _| true),
        ("ntp_silent", |_, _| false),
        ("ntp_kiss", |answer, _| {
            answer[0] |= 0xc0;
            answer[1] = 0;
            answer[12..16].copy_from_slice(b"RATE");
            true
        }),
        ("ntp_stratum0", |answer, _| {
            answer[1] = 0;
            true
        }),
        ("ntp_stratum16", |answer, _| {
            answer[1] = 16;
            true
        }),
        ("ntp_unsynchronised", |answer, _| {
            answer[0] |= 0xc0;
            true
        }),
        ("ntp_leap", |answer, _| {
            answer[0] |= 0x40;
            true
        }),
        ("ntp_ahead", |answer, _| {
            for at in [35, 43] {
                let low = u32::from_be_bytes([
                    answer[at - 3],
                    answer[at - 2],
                    answer[at - 1],
                    answer[at],
                ]);
                answer[at - 3..=at].copy_from_slice(&(low + 1000).to_be_bytes());
            }
            true
        }),
        ("ntp_garbage", |answer, _| {
            answer.fill(b'x');
            true
        }),
        ("ntp_zeros", |answer, _| {
            answer.fill(0);
            true
        }),
        ("ntp_empty", |answer, _| {
            answer.clear();
            true
        }),
        ("ntp_long", |answer, _| {
            answer.resize(2000, 0xff);
            true
        }),
        // Not the first, and then no more than two.
        ("ntp_rare", |_, count| count == 2 || count == 3),
    ];
    let odd = faults.map(|(name, fault)| (name, respond(fault))).to_vec();
    Ntp {
        child,
        dir,
        port,
        odd,
    }
}

fn respond(fault: Fault) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = socket.local_addr().expect("an address").port();
    thread::spawn(move || {
        let mut packet = [0; 2048];
        let mut counts = BTreeMap::new();
        while let Ok((count, from)) = socket.recv_from(&mut packet) {
            if count < 48 {
                continue;
            }
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            let seconds = u32::try_from((now.as_secs() + 2_208_988_800) & u64::from(u32::MAX))
                .unwrap_or_default();
            let fraction = u32::try_from((u64::from(now.subsec_nanos()) << 32) / 1_000_000_000)
                .unwrap_or_default();
            let stamp = [seconds.to_be_bytes(), fraction.to_be_bytes()].concat();
            let mut answer = vec![0x24, 2, 4, 0xec, 0, 0, 1, 0, 0, 0, 1, 0, 127, 0, 0, 1];
            answer.extend_from_slice(&stamp);
            answer.extend_from_slice(&packet[40..48]);
            answer.extend_from_slice(&stamp);
            answer.extend_from_slice(&stamp);
            // A client keeps its port.
            let count = counts
                .entry(from)
                .and_modify(|count| *count += 1)
                .or_insert(1);
            if fault(&mut answer, *count) {
                let _ = socket.send_to(&answer, from);
            }
        }
    });
    port
}

impl Ntp {
    pub fn places(&self, places: &mut BTreeMap<String, String>) {
        places.insert("ntp".to_owned(), self.port.to_string());
        for (name, port) in &self.odd {
            places.insert((*name).to_owned(), port.to_string());
        }
    }
}

impl Drop for Ntp {
    fn drop(&mut self) {
        spoken::end(&mut self.child);
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
