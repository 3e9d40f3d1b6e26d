//! The arguments of `check_smtp`.

use crate::{
    Foreign,
    ere::{Flags, Pattern},
    net::Family,
    options::{self, Opt, flag, valued},
    peer, threshold,
};

const KNOWN: [Opt; 19] = [
    valued('H', "hostname"),
    valued('p', "port"),
    flag('4', "use-ipv4"),
    flag('6', "use-ipv6"),
    valued('e', "expect"),
    valued('C', "command"),
    valued('R', "response"),
    valued('f', "from"),
    valued('F', "fqdn"),
    valued('A', "authtype"),
    valued('U', "authuser"),
    valued('P', "authpass"),
    flag('S', "starttls"),
    valued('D', "certificate"),
    flag('L', "lmtp"),
    flag('q', "ignore-quit-failure"),
    valued('w', "warning"),
    valued('c', "critical"),
    valued('t', "timeout"),
];

/// The real one keeps commands and responses in so much room.
const LONGEST_COMMAND: usize = 254;

#[derive(Debug, Default)]
pub struct Settings {
    pub host: String,
    pub port: i64,
    pub family: Family,
    /// To be in the greeting or the answer to the hello.
    pub expect: String,
    pub commands: Vec<String>,
    pub responses: Vec<Pattern>,
    pub from: Option<String>,
    /// None: this host's.
    pub name: Option<String>,
    pub auth: Option<String>,
    pub user: Option<String>,
    pub password: Option<String>,
    pub tls: bool,
    /// Of the certificate, for a warning and for critical.
    pub days: Option<(i64, i64)>,
    pub lmtp: bool,
    pub ignore_quit: bool,
    pub warn: Option<f64>,
    pub crit: Option<f64>,
    pub timeout: u64,
}

impl Settings {
    pub fn read(args: &[String]) -> Result<Self, Foreign> {
        if args.is_empty() {
            return Err(Foreign::usage("Could not parse arguments"));
        }
        let args = peer::without_old_spellings(args);
        let parsed = options::parse_in_order(&args, &KNOWN)?;
        let mut settings = Self {
            port: 25,
            expect: "220".to_owned(),
            timeout: 10,
            ..Self::default()
        };
        let mut host = None;
        for option in parsed.options {
            if option.name == "hostname" {
                if host.is_some() {
                    return Err(Foreign::unhandled("-H is there twice"));
                }
                host = Some(option.value);
            } else {
                settings.take(option.name, option.value)?;
            }
        }
        settings.host = host
            .or_else(|| parsed.operands.into_iter().next())
            .unwrap_or_else(|| "127.0.0.1".to_owned());
        Ok(settings)
    }

    fn take(&mut self, name: &str, value: String) -> Result<(), Foreign> {
        match name {
            "port" => self.port = peer::positive(&value, "Port must be a positive integer")?,
            "use-ipv4" => self.family = Family::V4,
            "use-ipv6" => self.family = Family::V6,
            "expect" => self.expect = value,
            "command" => self.commands.push(within_room(value)?),
            "response" => {
                let lines = Flags {
                    ignore_case: false,
                    lines: true,
                };
                self.responses
                    .push(Pattern::parse(&within_room(value)?, lines)?);
            }
            "from" => {
                let bare = value.trim_start_matches('<');
                let bare = bare.split('>').next().unwrap_or_default();
                self.from = Some(bare.to_owned());
            }
            "fqdn" => self.name = Some(value),
            "authtype" => self.auth = Some(value),
            "authuser" => self.user = Some(value),
            "authpass" => self.password = Some(value),
            "starttls" => self.tls = true,
            "certificate" => {
                self.tls = true;
                self.days = Some(match value.split_once(',') {
                    Some((warn, crit)) => (days(warn)?, days(crit)?),
                    None => (days(&value)?, 0),
                });
            }
            "lmtp" => self.lmtp = true,
            "ignore-quit-failure" => self.ignore_quit = true,
            "warning" => self.warn = Some(seconds(&value, "Warning time must be a positive")?),
            "critical" => self.crit = Some(seconds(&value, "Critical time must be a positive")?),
            "timeout" => {
                let seconds =
                    peer::positive(&value, "Timeout interval must be a positive integer")?;
                self.timeout = seconds.unsigned_abs();
            }
            _ => {}
        }
        Ok(())
    }

    pub fn hello(&self) -> Result<String, Foreign> {
        let name = match &self.name {
            Some(name) => name.clone(),
            None => std::fs::read_to_string("/proc/sys/kernel/hostname")
                .map(|name| name.trim_end().to_owned())
                .map_err(|_| Foreign::unhandled("this host's name is not in /proc"))?,
        };
        let word = if self.lmtp {
            "LHLO"
        } else if self.tls || self.auth.is_some() {
            "EHLO"
        } else {
            "HELO"
        };
        Ok(format!("{word} {name}\r\n"))
    }
}

fn within_room(text: String) -> Result<String, Foreign> {
    if LONGEST_COMMAND < text.len() {
        return Err(Foreign::unhandled(
            "a command or response that is very long",
        ));
    }
    Ok(text)
}

fn days(text: &str) -> Result<i64, Foreign> {
    let days = threshold::whole(text);
    if !threshold::is_count(text) || i64::from(i32::MAX) < days {
        return Err(Foreign::usage(format!(
            "Invalid certificate expiration period - {text}"
        )));
    }
    Ok(days)
}

/// Digits, and a point among them. The real one takes powers and the like, too.
fn seconds(text: &str, else_say: &str) -> Result<f64, Foreign> {
    let is_plain = text.bytes().any(|byte| byte.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
    match text.parse() {
        Ok(seconds) if is_plain => Ok(seconds),
        _ => Err(Foreign::unhandled(format!(
            "{else_say}, and plain: `{text}`"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Settings, Foreign> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Settings::read(&args)
    }

    #[test]
    fn arguments() {
        let settings = read("-f <<a@b>c> -D 30,7 -w 5. -c .5 -F me mail").expect("known");
        assert_eq!(settings.host, "mail");
        assert_eq!(settings.from.as_deref(), Some("a@b"));
        assert_eq!(settings.days, Some((30, 7)));
        assert_eq!((settings.warn, settings.crit), (Some(5.0), Some(0.5)));
        assert_eq!(settings.hello().expect("given"), "EHLO me\r\n");
        let lmtp = read("-L -S -F me").expect("known");
        assert_eq!(lmtp.hello().expect("given"), "LHLO me\r\n");
        assert_eq!(lmtp.host, "127.0.0.1");
        let long = format!("-C {}", "x".repeat(255));
        for wrong in [
            "", "-w x", "-w 1e1", "-w -1", "-t 0", "-D 5,x", "-R (", "-p 0", "-v", &long,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
