//! Real mail servers (aiosmtpd), and ones that answer by a script as no real one would.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use super::{certificates, spoken};

const NAMES: [&str; 4] = ["smtp", "smtp_tls", "smtp_strict", "lmtp"];

pub struct Smtp {
    children: Vec<Child>,
    dir: PathBuf,
    ports: Vec<(String, u16)>,
}

pub fn start() -> Smtp {
    let dir = spoken::own_dir("smtp");
    certificates::write_all(&dir);
    let script = dir.join("smtp.py");
    std::fs::write(&script, include_str!("smtp.py")).expect("a file");
    let mut children = Vec::new();
    let mut ports = Vec::new();
    for certificate in ["good", "soon", "expired"] {
        let own: Vec<u16> = NAMES.iter().map(|_| spoken::free_port()).collect();
        let child = Command::new("/usr/bin/python3")
            .arg(&script)
            .arg(dir.join(format!("{certificate}.pem")))
            .arg(dir.join(format!("{certificate}.key")))
            .args(own.iter().map(u16::to_string))
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3");
        children.push(child);
        for (name, port) in NAMES.iter().zip(own) {
            let name = match certificate {
                "good" => (*name).to_owned(),
                other => format!("{name}_{other}"),
            };
            ports.push((name, port));
        }
    }
    for (name, port) in &ports {
        spoken::wait_until(
            &format!("{name}: a mail server, of python3-aiosmtpd"),
            || TcpStream::connect(("127.0.0.1", *port)).is_ok(),
        );
    }
    ports.extend(scripted());
    Smtp {
        children,
        dir,
        ports,
    }
}

/// Greeting, and then an answer to each line. At its end it closes, or says nothing more; or it goes with the next line.
struct Script {
    name: &'static str,
    says: &'static [&'static str],
    end: End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Closes,
    Stays,
    Drops,
}

fn scripted() -> Vec<(String, u16)> {
    let script = |name, says, stays| Script {
        name,
        says,
        end: if stays { End::Stays } else { End::Closes },
    };
    let scripts = [
        script("smtp_closes", &[""][..], false),
        script("smtp_greets", &["220 hi\r\n"], false),
        script("smtp_mute", &["220 hi\r\n"], true),
        script(
            "smtp_busy",
            &["554 no service\r\n", "503 no\r\n", "221 bye\r\n"],
            false,
        ),
        script(
            "smtp_lines",
            &[
                "220-one\r\n220-two\r\n220 three\r\n",
                "250-a\r\n250 b\r\n",
                "221 bye\r\n",
            ],
            false,
        ),
        script(
            "smtp_early",
            &["hello\r\n220 hi\r\n", "250 late\r\n", "221 bye\r\n"],
            false,
        ),
        script("smtp_half", &["220 hi"], true),
        script(
            "smtp_zero",
            &["220 a\0b\r\n", "250 c\0d\r\n", "221 bye\r\n"],
            false,
        ),
        script("smtp_noquit", &["220 hi\r\n", "250 ok\r\n"], true),
        script("smtp_cut", &["220 hi\r\n", "250 hello\r\n", "25"], false),
        script(
            "smtp_gone",
            &["220 hi\r\n", "250 hello\r\n", "255 odd\r\n"],
            false,
        ),
        Script {
            name: "smtp_drops",
            says: &["220 hi\r\n", "250 hello\r\n"],
            end: End::Drops,
        },
        script(
            "smtp_stuck",
            &["220 hi\r\n", "250 hello\r\n", "255 odd\r\n"],
            true,
        ),
        script("smtp_auth0", &["220 hi\r\n", "250 AUTH LOGIN\r\n"], false),
        script(
            "smtp_auth1",
            &["220 hi\r\n", "250 AUTH LOGIN\r\n", "334 VX\r\n"],
            false,
        ),
        script(
            "smtp_auth2",
            &[
                "220 hi\r\n",
                "250 AUTH LOGIN\r\n",
                "334 VX\r\n",
                "334 PX\r\n",
            ],
            false,
        ),
        script(
            "smtp_auth3",
            &[
                "220 hi\r\n",
                "250 AUTH LOGIN\r\n",
                "334 VX\r\n",
                "535 no\r\n",
                "221 bye\r\n",
            ],
            false,
        ),
        script(
            "smtp_notls",
            &[
                "220 hi\r\n",
                "250-x\r\n250 STARTTLS\r\n",
                "454 not now\r\n",
                "221 bye\r\n",
            ],
            false,
        ),
        script(
            "smtp_nottls",
            &[
                "220 hi\r\n",
                "250 STARTTLS\r\n",
                "220 go\r\n",
                "250 no TLS\r\n",
            ],
            false,
        ),
        script(
            "smtp_injected",
            &["220 hi\r\n", "250 STARTTLS\r\n", "220 go\r\n250 more\r\n"],
            true,
        ),
    ];
    scripts
        .into_iter()
        .map(|Script { name, says, end }| {
            let port = spoken::serve(move |stream| {
                let _ = play(stream, says, end);
            });
            (name.to_owned(), port)
        })
        .collect()
}

fn play(mut stream: TcpStream, says: &[&str], end: End) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?);
    for (at, answer) in says.iter().enumerate() {
        if 0 < at && lines.read_until(b'\n', &mut Vec::new())? == 0 {
            return Ok(());
        }
        stream.write_all(answer.as_bytes())?;
    }
    if end == End::Drops {
        lines.read_until(b'\n', &mut Vec::new())?;
        return Ok(());
    }
    while end == End::Stays && 0 < lines.read_until(b'\n', &mut Vec::new())? {}
    // What was not read yet would make the close a reset.
    stream.shutdown(std::net::Shutdown::Write)?;
    while 0 < lines.read_until(b'\n', &mut Vec::new())? {}
    Ok(())
}

impl Smtp {
    pub fn places(&self, places: &mut BTreeMap<String, String>) {
        for (name, port) in &self.ports {
            places.insert(name.clone(), port.to_string());
        }
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        self.children.iter_mut().for_each(spoken::end);
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
