//! Real servers on free loopback ports: nginx, sshd, dnsmasq; each with its own configuration in the site's directory.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    path::Path,
    process::Command,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use super::{Guarded, Site, free_port, need, until};

/// A certificate for 127.0.0.1 and its key, as files of the site; signed by an authority of its own.
pub struct Certificate {
    pub authority: String,
    pub cert: String,
    pub key: String,
}

impl Certificate {
    pub fn new(site: &Site, name: &str, valid_for: &str) -> Self {
        let authority_key = rcgen::KeyPair::generate().expect("a key");
        let mut about = rcgen::CertificateParams::new(Vec::new()).expect("no names");
        about.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        about
            .distinguished_name
            .push(rcgen::DnType::CommonName, format!("authority {name}"));
        let authority = about.self_signed(&authority_key).expect("signed");
        let issuer = rcgen::Issuer::new(about, authority_key);
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut about = rcgen::CertificateParams::new(vec![valid_for.to_owned()]).expect("a name");
        about
            .distinguished_name
            .push(rcgen::DnType::CommonName, valid_for);
        let cert = about.signed_by(&key, &issuer).expect("signed");
        let write = |kind: &str, text: String| {
            site.secret(&format!("{name}.{kind}.pem"), text)
                .display()
                .to_string()
        };
        Self {
            authority: write("ca", authority.pem()),
            cert: write("cert", cert.pem()),
            key: write("key", key.serialize_pem()),
        }
    }
}

/// nginx in one process: a good page at `/`, `/health` and the like, `/broken`, `/slow` (1.5 s), `/hang` (20 s); all else is 404. With a
/// certificate it speaks TLS.
pub struct Nginx {
    command: Command,
    log: std::path::PathBuf,
    process: Option<Guarded>,
    pub port: u16,
}

impl Nginx {
    #[track_caller]
    pub fn start(site: &Site, tls: Option<&Certificate>) -> Self {
        let program = need("/usr/sbin/nginx", "nginx-light");
        let echo = need(
            "/usr/lib/nginx/modules/ngx_http_echo_module.so",
            "libnginx-mod-http-echo",
        );
        let port = free_port();
        let own = format!("nginx-{port}");
        let directory = site.file(&own);
        fs::create_dir_all(&directory).expect("a directory");
        let place = directory.display();
        let listen = match tls {
            Some(Certificate { cert, key, .. }) => format!(
                "listen 127.0.0.1:{port} ssl; ssl_certificate {cert}; ssl_certificate_key {key};"
            ),
            None => format!("listen 127.0.0.1:{port};"),
        };
        let config = site.write(
            &format!("{own}/nginx.conf"),
            format!(
                "daemon off; master_process off; pid {place}/pid; error_log stderr;\n\
                 load_module {};\n\
                 events {{ worker_connections 64; }}\n\
                 http {{\n\
                 access_log off; default_type text/plain;\n\
                 client_body_temp_path {place}/body; proxy_temp_path {place}/proxy;\n\
                 fastcgi_temp_path {place}/fastcgi; uwsgi_temp_path {place}/uwsgi;\n\
                 scgi_temp_path {place}/scgi;\n\
                 server {{ {listen}\n\
                 location ~ ^/(|health|ping|products|checkout/health)$ {{ return 200 'it works, ready\\n'; }}\n\
                 location = /broken {{ return 500 'broken\\n'; }}\n\
                 location = /slow {{ echo_sleep 1.5; echo slow; }}\n\
                 location = /hang {{ echo_sleep 20; echo late; }}\n\
                 location / {{ return 404; }}\n\
                 }} }}\n",
                echo.display()
            ),
        );
        let mut command = Command::new(program);
        command
            .arg("-p")
            .arg(&directory)
            .arg("-c")
            .arg(config)
            .args(["-e", "stderr"]);
        let mut nginx = Self {
            command,
            log: directory.join("log"),
            process: None,
            port,
        };
        nginx.start_again();
        nginx
    }

    pub fn stop(&mut self) {
        self.process = None;
    }

    #[track_caller]
    pub fn start_again(&mut self) {
        self.process =
            Some(Guarded::start(&mut self.command, self.log.clone()).listening(self.port));
    }
}

/// sshd with its own host key, which lets in the user of the test with a key of its own.
pub struct Sshd {
    _process: Guarded,
    pub port: u16,
    /// The client's key.
    pub key: String,
}

impl Sshd {
    #[track_caller]
    pub fn start(site: &Site) -> Self {
        let program = need("/usr/sbin/sshd", "openssh-server");
        let keygen = need("/usr/bin/ssh-keygen", "openssh-client");
        assert!(
            !nix::unistd::geteuid().is_root() || Path::new("/run/sshd").is_dir(),
            "sshd of root wants its directory /run/sshd, which starting the service makes: mkdir -p /run/sshd \
             (tests/run.sh does it)"
        );
        let key = |name: &str| {
            let path = site.name(name);
            let status = Command::new(&keygen)
                .args(["-q", "-t", "ed25519", "-N", "", "-f", &path])
                .status();
            assert!(status.expect("ssh-keygen runs").success());
            path
        };
        let (host_key, client_key) = (key("ssh-host-key"), key("ssh-client-key"));
        let port = free_port();
        let config = site.write(
            "sshd_config",
            format!(
                "Port {port}\nListenAddress 127.0.0.1\nHostKey {host_key}\nPidFile none\nUsePAM no\n\
                 AuthorizedKeysFile {client_key}.pub\nStrictModes no\nPermitRootLogin prohibit-password\n\
                 PasswordAuthentication no\nMaxStartups 100\nUseDNS no\n\
                 # Not the user's own: bash would read its ~/.bashrc, which may do anything.\n\
                 SetEnv HOME={}\n\
                 # The one that costs least: there are many log-ins, and nobody listens on loopback.\n\
                 KexAlgorithms curve25519-sha256\n",
                site.path().display()
            ),
        );
        let mut command = Command::new(program);
        command.args(["-D", "-e", "-f"]).arg(config);
        Self {
            _process: Guarded::start(&mut command, site.file("sshd.log")).listening(port),
            port,
            key: client_key,
        }
    }
}

/// dnsmasq, which knows `web.example.test` and nothing else, and asks nobody.
pub struct Dns {
    _process: Guarded,
    pub port: u16,
}

impl Dns {
    #[track_caller]
    pub fn start(site: &Site) -> Self {
        let program = need("/usr/sbin/dnsmasq", "dnsmasq-base");
        let port = free_port();
        let config = site.write(
            "dnsmasq.conf",
            format!(
                "port={port}\nlisten-address=127.0.0.1\nbind-interfaces\nno-resolv\nno-hosts\n\
                 address=/web.example.test/192.0.2.7\nlocal=/example.test/\n"
            ),
        );
        let mut command = Command::new(program);
        command
            .arg("--no-daemon")
            .arg(format!("--conf-file={}", config.display()));
        let mut process = Guarded::start(&mut command, site.file("dnsmasq.log"));
        until("the name server answers", || {
            assert!(!process.ended(), "it ended at once:\n{}", process.log());
            answers(port).then_some(())
        });
        Self {
            _process: process,
            port,
        }
    }
}

/// Sends the shortest question (the root's name servers): any answer will do.
fn answers(port: u16) -> bool {
    let question = [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1];
    let mut answer = [0; 512];
    UdpSocket::bind(("127.0.0.1", 0)).is_ok_and(|socket| {
        socket
            .set_read_timeout(Some(Duration::from_millis(200)))
            .is_ok()
            && socket.send_to(&question, ("127.0.0.1", port)).is_ok()
            && socket.recv(&mut answer).is_ok()
    })
}

/// Stands in for services on the net that are posted to: Slack, PagerDuty, a ticket system.
pub struct Hooks {
    pub port: u16,
    taken: Arc<Mutex<Vec<(String, String)>>>,
}

impl Hooks {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let notes = taken.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Ok(request) = take(&stream) {
                    notes
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(request);
                }
            }
        });
        Self { port, taken }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Waits for a body at this path that has these words.
    #[track_caller]
    pub fn until(&self, path: &str, words: &[&str]) -> String {
        until(&format!("{words:?} is posted to {path}"), || {
            let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            let mut bodies = taken.iter().filter(|(at, _)| at == path);
            bodies
                .find(|(_, body)| words.iter().all(|word| body.contains(word)))
                .map(|(_, body)| body.clone())
        })
    }
}

/// One request: its path and its body.
fn take(mut stream: &TcpStream) -> std::io::Result<(String, String)> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut reader = BufReader::new(stream);
    let (mut line, mut path, mut length) = (String::new(), String::new(), 0);
    while reader.read_line(&mut line)? != 0 && !line.trim().is_empty() {
        if path.is_empty() {
            path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        } else if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let (code, answer) = if path.starts_with("/slack") {
        ("200 OK", "ok")
    } else {
        ("202 Accepted", r#"{"status":"success","message":"taken"}"#)
    };
    write!(
        stream,
        "HTTP/1.1 {code}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
        answer.len()
    )?;
    Ok((path, String::from_utf8_lossy(&body).into_owned()))
}
