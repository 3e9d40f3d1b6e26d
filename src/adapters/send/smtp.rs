//! The talk with the mail server: connect, protect, log in, hand over; each failure judged by where it happened.

use std::time::Duration;

use lettre::{
    Message as Mail,
    message::Mailbox,
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters},
        extension::ClientId,
    },
};

use tokio::net::TcpStream;

use super::{
    senders::SendResult,
    settings::{SmtpSettings, SmtpTls},
    words,
};
use crate::base::text::cut;

/// How long saying good-bye may take; the mail is handed over by then.
const QUIT_WAIT: Duration = Duration::from_secs(2);
/// Most of a server's answer that is quoted.
const MAX_QUOTE: usize = 200;

/// A mail server, ready to be talked to.
pub struct Mailer {
    host: String,
    port: u16,
    mode: SmtpTls,
    tls: Option<TlsParameters>,
    hello: ClientId,
    credentials: Option<Credentials>,
    timeout: Duration,
    from: Mailbox,
}

/// How far the talk had come; before the hand-over an administrator can mend what failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Connect,
    /// STARTTLS, or TLS from the first byte.
    StartTls,
    LogIn,
    HandOver,
}

/// A failure, as data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub stage: Stage,
    /// The server's reply code, if it replied.
    pub code: Option<u16>,
    pub said: String,
}

impl Mailer {
    /// Checks the settings; reads the authority file.
    pub fn new(settings: &SmtpSettings) -> Result<Self, String> {
        let from = settings.from.parse::<Mailbox>().map_err(|error| {
            format!(
                "[smtp] from = \"{}\" is not an e-mail address: {error}",
                words::line(&settings.from)
            )
        })?;
        if settings.host.trim().is_empty() {
            return Err("[smtp] host is empty; write the mail server's name or address".to_owned());
        }
        let credentials = match (&settings.username, &settings.password) {
            (Some(user), Some(password)) => {
                Some(Credentials::new(user.clone(), password.expose().to_owned()))
            }
            (None, None) => None,
            (Some(_), None) => {
                return Err("[smtp] has a username but no password_file; add it".to_owned());
            }
            (None, Some(_)) => {
                return Err("[smtp] has a password_file but no username; add it".to_owned());
            }
        };
        if credentials.is_some() && settings.tls == SmtpTls::None && !is_loopback(&settings.host) {
            return Err(format!(
                "[smtp] would send the password to {} unprotected; set tls = \"starttls\" or \"tls\"",
                settings.host
            ));
        }
        let hello = settings
            .helo
            .clone()
            .map_or_else(ClientId::default, ClientId::Domain);
        if settings
            .helo
            .as_deref()
            .is_some_and(|name| name.is_empty() || !name.chars().all(|c| c.is_ascii_graphic()))
        {
            return Err(
                "[smtp] helo must be a host name: letters, digits, dots and hyphens".to_owned(),
            );
        }
        Ok(Self {
            host: settings.host.clone(),
            port: settings.port,
            mode: settings.tls,
            tls: tls(settings)?,
            hello,
            credentials,
            timeout: settings.timeout,
            from,
        })
    }

    pub fn from(&self) -> &Mailbox {
        &self.from
    }

    /// `mail.example.org:25`, for errors and receipts.
    pub fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// One bounded attempt. The receipt is the server's own words, which often hold its queue id.
    pub async fn post(&self, mail: &Mail) -> Result<String, Failure> {
        let mut stage = Stage::Connect;
        let end = tokio::time::timeout(self.timeout, self.talk(mail, &mut stage)).await;
        end.unwrap_or_else(|_| {
            Err(Failure {
                stage,
                code: None,
                said: "no answer in time".to_owned(),
            })
        })
    }

    async fn talk(&self, mail: &Mail, stage: &mut Stage) -> Result<String, Failure> {
        let connection = self.connect().await?;
        self.hand_over(connection, mail, stage)
            .await
            .map_err(|error| failure(*stage, &error))
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Failure> {
        let server = (self.host.as_str(), self.port);
        let connected = match (self.mode, &self.tls) {
            (SmtpTls::Tls, Some(tls)) => {
                AsyncSmtpConnection::connect_tokio1(
                    server,
                    Some(self.timeout),
                    &self.hello,
                    Some(tls.clone()),
                    None,
                )
                .await
            }
            _ => {
                let unreachable = |error: std::io::Error| Failure {
                    stage: Stage::Connect,
                    code: None,
                    said: cut(&words::line(&error.to_string()), MAX_QUOTE).to_owned(),
                };
                let stream = TcpStream::connect(server).await.map_err(unreachable)?;
                // A mail's body and its closing dot are two writes: together with the other side's delayed
                // acknowledgement, Nagle's algorithm (RFC 896) would cost 40 ms for each mail.
                stream.set_nodelay(true).map_err(unreachable)?;
                AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello).await
            }
        };
        connected.map_err(|error| failure(Stage::Connect, &error))
    }

    async fn hand_over(
        &self,
        mut connection: AsyncSmtpConnection,
        mail: &Mail,
        stage: &mut Stage,
    ) -> Result<String, Error> {
        if let (SmtpTls::StartTls, Some(tls)) = (self.mode, self.tls.clone()) {
            *stage = Stage::StartTls;
            connection.starttls(tls, &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            *stage = Stage::LogIn;
            connection
                .auth(&[Mechanism::Plain, Mechanism::Login], credentials)
                .await?;
        }
        *stage = Stage::HandOver;
        let response = connection.send(mail.envelope(), &mail.formatted()).await?;
        let receipt = response.message().collect::<Vec<_>>().join(" ");
        // The mail is theirs now: a failing good-bye must not send it twice.
        let _ = tokio::time::timeout(QUIT_WAIT, connection.abort()).await;
        Ok(receipt)
    }
}

fn tls(settings: &SmtpSettings) -> Result<Option<TlsParameters>, String> {
    if settings.tls == SmtpTls::None {
        return match &settings.ca_file {
            Some(_) => Err(
                "[smtp] has a ca_file but tls = \"none\"; set tls = \"starttls\" or \"tls\""
                    .to_owned(),
            ),
            None => Ok(None),
        };
    }
    let mut builder = TlsParameters::builder(settings.host.clone());
    if let Some(file) = &settings.ca_file {
        let shown = file.display();
        let pem = std::fs::read(file)
            .map_err(|error| format!("[smtp] ca_file {shown} cannot be read: {error}"))?;
        let found = Certificate::from_pem(&pem).map_err(|error| {
            format!("[smtp] ca_file {shown} holds no PEM certificates: {error}")
        })?;
        if !pem
            .windows(27)
            .any(|window| window == b"-----BEGIN CERTIFICATE-----")
        {
            return Err(format!("[smtp] ca_file {shown} holds no PEM certificate"));
        }
        builder = builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(found);
    }
    builder
        .build()
        .map(Some)
        .map_err(|error| format!("[smtp] TLS cannot be set up: {error}"))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn failure(stage: Stage, error: &Error) -> Failure {
    let code = error
        .status()
        .and_then(|code| code.to_string().parse().ok());
    let stage = match stage {
        Stage::Connect if is_about_tls(error) => Stage::StartTls,
        stage => stage,
    };
    let mut said = error.to_string();
    if let Some(source) = std::error::Error::source(error) {
        said = source.to_string();
    }
    Failure {
        stage,
        code,
        said: cut(&words::line(&said), MAX_QUOTE).to_owned(),
    }
}

/// The server was reached, but what it said was not TLS that we trust.
fn is_about_tls(error: &Error) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = next {
        let inside = cause
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        if cause.is::<rustls::Error>()
            || inside.is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
        {
            return true;
        }
        next = cause.source();
    }
    false
}

/// What the end of a talk means: only a refusal of this very mail is final.
pub fn classify(place: &str, end: &Result<String, Failure>) -> SendResult {
    let failure = match end {
        Ok(said) => {
            return SendResult::Sent {
                receipt: words::line(&format!("{place}: {said}")),
            };
        }
        Err(failure) => failure,
    };
    let said = match failure.code {
        Some(code) => format!("{code} {}", failure.said),
        None => failure.said.clone(),
    };
    let retry = |why: String| SendResult::Retry { why, after: None };
    match (failure.stage, failure.code) {
        (Stage::Connect, _) => retry(format!("the mail server {place} cannot be used: {said}")),
        (Stage::StartTls, _) => retry(format!(
            "the mail server {place} did not start TLS: {said}; mend its certificate or [smtp] tls and ca_file"
        )),
        (Stage::LogIn, _) => retry(format!(
            "the mail server {place} refused the log-in: {said}; check [smtp] username and password_file"
        )),
        // "Authentication required", "must issue STARTTLS first" and kin: about the session, not about this mail.
        (Stage::HandOver, Some(530 | 534 | 535 | 538)) => retry(format!(
            "the mail server {place} wants log-in or TLS first: {said}; check [smtp] tls, username and password_file"
        )),
        (Stage::HandOver, Some(500..=599)) => SendResult::Dead {
            why: format!("the mail server {place} refused the mail: {said}"),
        },
        (Stage::HandOver, _) => retry(format!(
            "the mail server {place} did not take the mail: {said}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refused_mail_is_final() {
        use Stage::{Connect, HandOver, LogIn, StartTls};
        for (stage, code, retried) in [
            (Connect, None, true),
            (Connect, Some(421), true),
            (Connect, Some(554), true),
            (StartTls, None, true),
            (StartTls, Some(501), true),
            (LogIn, Some(535), true),
            (LogIn, Some(454), true),
            (HandOver, None, true),
            (HandOver, Some(421), true),
            (HandOver, Some(450), true),
            (HandOver, Some(452), true),
            (HandOver, Some(530), true),
            (HandOver, Some(550), false),
            (HandOver, Some(552), false),
            (HandOver, Some(554), false),
        ] {
            let result = classify(
                "h:25",
                &Err(Failure {
                    stage,
                    code,
                    said: "x".to_owned(),
                }),
            );
            assert_eq!(
                matches!(result, SendResult::Retry { .. }),
                retried,
                "{stage:?} {code:?}: {result:?}"
            );
        }
        assert_eq!(
            classify("h:25", &Ok("Ok: queued as 7".to_owned())),
            SendResult::Sent {
                receipt: "h:25: Ok: queued as 7".to_owned()
            }
        );
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        let good = SmtpSettings {
            host: "mail.example.org".to_owned(),
            port: 25,
            tls: SmtpTls::None,
            from: "watch@example.org".to_owned(),
            helo: None,
            username: None,
            password: None,
            ca_file: None,
            timeout: Duration::from_secs(1),
        };
        let refused = |settings: SmtpSettings| Mailer::new(&settings).err().expect("refused");
        assert!(Mailer::new(&good).is_ok());
        assert!(
            refused(SmtpSettings {
                from: "nobody".to_owned(),
                ..good.clone()
            })
            .contains("from")
        );
        assert!(
            refused(SmtpSettings {
                username: Some("u".to_owned()),
                ..good.clone()
            })
            .contains("password_file")
        );
        let open = SmtpSettings {
            username: Some("u".to_owned()),
            password: Some(crate::base::secret::Secret::new("p")),
            ..good.clone()
        };
        assert!(refused(open).contains("unprotected"));
        let file = SmtpSettings {
            tls: SmtpTls::Tls,
            ca_file: Some("/nonexistent/ca.pem".into()),
            ..good.clone()
        };
        assert!(refused(file).contains("/nonexistent/ca.pem cannot be read"));
        assert!(
            refused(SmtpSettings {
                helo: Some("a b".to_owned()),
                ..good
            })
            .contains("helo")
        );
    }
}
