//! A real SMTP server for the tests (Debian's python3-aiosmtpd), and the mails that it took.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    path::PathBuf,
    process::Command,
};

use serde_json::Value;

use super::{Guarded, PATIENCE, Site, need, until};

const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/smtp_server.py");

/// The server; each one keeps its mails in a directory of its own.
pub struct MailServer {
    process: Guarded,
    directory: PathBuf,
    pub port: u16,
}

/// One mail as Python's parser understood it.
#[derive(Clone, Debug)]
pub struct Mail(pub Value);

impl Mail {
    pub fn header(&self, name: &str) -> &str {
        self.0["headers"][name].as_str().unwrap_or_default()
    }

    pub fn subject(&self) -> &str {
        self.header("subject")
    }

    pub fn text(&self) -> &str {
        self.0["text"].as_str().unwrap_or_default()
    }

    pub fn html(&self) -> &str {
        self.0["html"].as_str().unwrap_or_default()
    }
}

impl MailServer {
    /// Starts it at `port` with more words on its command line; see smtp_server.py.
    #[track_caller]
    pub fn start(site: &Site, port: u16, words: &[&str]) -> Self {
        let python = need("/usr/bin/python3", "python3");
        need(
            "/usr/lib/python3/dist-packages/aiosmtpd",
            "python3-aiosmtpd",
        );
        let directory = site.file(&format!("mails-{port}"));
        fs::create_dir_all(&directory).expect("a directory");
        let mut command = Command::new(python);
        command
            .arg(SERVER)
            .arg(&directory)
            .arg(port.to_string())
            .args(words);
        let log = site.file(&format!("smtp-{port}.log"));
        Self {
            process: Guarded::start(&mut command, log).listening(port),
            directory,
            port,
        }
    }

    /// All mails so far, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        let Ok(entries) = fs::read_dir(&self.directory) else {
            return Vec::new();
        };
        let mut files: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|kind| kind == "json"))
            .collect();
        files.sort();
        files
            .into_iter()
            .map(|path| {
                let text = fs::read_to_string(path).expect("a mail");
                Mail(serde_json::from_str(&text).expect("JSON"))
            })
            .collect()
    }

    /// Waits for a mail whose subject begins like this.
    #[track_caller]
    pub fn until(&self, subject: &str) -> Mail {
        until(&format!("a mail `{subject}...`"), || {
            let mut mails = self.mails().into_iter();
            mails.find(|mail| mail.subject().starts_with(subject))
        })
    }

    /// Hands a mail in over SMTP, from this envelope sender; the server's last answer.
    #[track_caller]
    pub fn hand_in(&self, from: &str, to: &str, mail: &str) -> String {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut answers = BufReader::new(stream.try_clone().expect("a handle"));
        let mut say = |line: &str| {
            (&stream).write_all(line.as_bytes()).expect("sent");
            let mut answer = String::new();
            answers.read_line(&mut answer).expect("an answer");
            answer.trim().to_owned()
        };
        let lines: Vec<String> = mail
            .lines()
            .map(|line| match line.strip_prefix('.') {
                Some(rest) => format!("..{rest}\r\n"),
                None => format!("{line}\r\n"),
            })
            .collect();
        for (line, code) in [
            (String::new(), "220"),
            ("HELO laptop.example\r\n".to_owned(), "250"),
            (format!("MAIL FROM:<{from}>\r\n"), "250"),
            (format!("RCPT TO:<{to}>\r\n"), "250"),
            ("DATA\r\n".to_owned(), "354"),
        ] {
            let answer = say(&line);
            assert!(answer.starts_with(code), "{line}: {answer}");
        }
        say(&format!("{}.\r\n", lines.concat()))
    }

    pub fn log(&self) -> String {
        self.process.log()
    }
}
