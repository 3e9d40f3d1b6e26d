//! A real sshd with keys of its own, and peers that greet as no sshd does.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use super::spoken;

pub struct Ssh {
    child: Child,
    dir: PathBuf,
    port: u16,
    /// What each place says.
    odd: Vec<(&'static str, u16)>,
}

pub fn start() -> Ssh {
    let dir = spoken::own_dir("ssh");
    let key = dir.join("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .status()
        .expect("ssh-keygen, of openssh-client");
    assert!(made.success(), "ssh-keygen made no key");
    // Where sshd, started by root, wants to lock its children in.
    let _ = std::fs::create_dir_all("/run/sshd");
    let port = spoken::free_port();
    let child = Command::new("/usr/sbin/sshd")
        .args(["-D", "-e", "-f", "/dev/null", "-h"])
        .arg(&key)
        .args([
            "-o",
            &format!("ListenAddress=127.0.0.1:{port}"),
            "-o",
            "PidFile=none",
            "-o",
            "MaxStartups=100",
            "-o",
            "UsePAM=no",
        ])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("sshd, of openssh-server");
    spoken::wait_for_port("127.0.0.1", port);
    let odd = [
        ("ssh_old", &b"SSH-1.99-Cisco-1.25\n"[..]),
        ("ssh_comment", b"SSH-2.0-OpenSSH_9.9 a comment\r\n"),
        ("ssh_trailing", b"SSH-2.0-dropbear  \t \r\n"),
        ("ssh_two", b"SSH-2.0-first\r\nSSH-2.0-second\r\n"),
        ("ssh_late", b"Welcome\r\nSSH-2.0-x\r\n"),
        ("ssh_bare", b"SSH"),
        ("ssh_broken", b"SSH-2.0|pipe\r\n"),
        ("ssh_numbers", b"SSH-2.0-123.4 abc-5x\r\n"),
        ("ssh_zero", b"SSH-2.0-ab\0cd\r\n"),
        ("ssh_long", &[b'S'; 2000]),
        ("ssh_http", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        ("ssh_nothing", b""),
    ]
    .map(|(name, says)| (name, spoken::say_and_close(says)))
    .to_vec();
    Ssh {
        child,
        dir,
        port,
        odd,
    }
}

impl Ssh {
    pub fn places(&self, places: &mut BTreeMap<String, String>) {
        places.insert("ssh".to_owned(), self.port.to_string());
        let version = std::net::TcpStream::connect(("127.0.0.1", self.port))
            .map(spoken::first_line)
            .expect("sshd");
        let version = version.trim().trim_start_matches("SSH-2.0-").to_owned();
        places.insert("ssh_version".to_owned(), version);
        for (name, port) in &self.odd {
            places.insert((*name).to_owned(), port.to_string());
        }
    }
}

impl Drop for Ssh {
    fn drop(&mut self) {
        spoken::end(&mut self.child);
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
