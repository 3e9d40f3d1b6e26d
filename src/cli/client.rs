//! Finds the daemon and talks to it.

use std::{
    error::Error,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    args::{ClientArgs, ConfigArg},
    out::{Failure, clean, warn},
};
use crate::base::secret::Secret;

/// Where the daemon listens unless the configuration says otherwise.
const DEFAULT_LISTEN: &str = "127.0.0.1:8420";
/// Longest answer that is read.
const ANSWER_MAX: usize = 256 * 1024 * 1024;
/// A little longer than the daemon's own limit, so that its sentence arrives.
const ANSWER_WAIT: Duration = Duration::from_secs(35);
const CONNECT_WAIT: Duration = Duration::from_secs(3);

/// A way to one daemon.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<Secret>,
    /// How the daemon would be started, for the hint.
    run: String,
}

/// Why there is no good answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody answered, or not in time, or 5xx: it may work later.
    Unreachable(String),
    /// The daemon said no.
    Refused {
        status: u16,
        text: String,
        body: Value,
    },
}

impl Trouble {
    pub fn text(&self) -> &str {
        match self {
            Self::Unreachable(text) | Self::Refused { text, .. } => text,
        }
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self::Refused(trouble.text().to_owned())
    }
}

impl Client {
    /// By `--server`, else by the configuration's `[daemon] listen`, else at the usual place.
    pub fn new(args: &ClientArgs) -> Result<Self, Failure> {
        let config = find_config(&args.config);
        let base = match (&args.server, &config) {
            (Some(server), _) => server_url(server)?,
            (None, Some(path)) => listen_url(&read_listen(path)?)?,
            (None, None) => listen_url(DEFAULT_LISTEN)?,
        };
        let run = match &config {
            Some(path) => format!("deploywatch run --config {}", path.display()),
            None => "deploywatch run --config FILE".to_owned(),
        };
        let client = Self {
            http: http(&base)?,
            base,
            token: read_token(args.token_file.as_deref())?,
            run,
        };
        client.warn_of_bare_token();
        Ok(client)
    }

    /// The same daemon, for tests: no configuration, no token.
    #[cfg(test)]
    pub fn at(address: SocketAddr) -> Self {
        let base = listen_url(&address.to_string()).expect("an address");
        Self {
            http: http(&base).expect("a client"),
            base,
            token: None,
            run: "deploywatch run".to_owned(),
        }
    }

    fn warn_of_bare_token(&self) {
        let local = matches!(
            self.base.host_str(),
            Some("localhost" | "127.0.0.1" | "[::1]")
        );
        if self.token.is_some() && self.base.scheme() == "http" && !local {
            warn(&format!(
                "the token goes to {} without encryption; use https there",
                self.shown()
            ));
        }
    }

    fn shown(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &str) -> Result<T, Trouble> {
        let body = self
            .send(Method::GET, path, query, None, ANSWER_WAIT)
            .await?;
        serde_json::from_value(body).map_err(|error| {
            let text = format!(
                "{} answers in a shape this program does not know: {error}",
                self.shown()
            );
            Trouble::Refused {
                status: 200,
                text,
                body: Value::Null,
            }
        })
    }

    pub async fn post(&self, path: &[&str], body: &Value) -> Result<Value, Trouble> {
        self.send(Method::POST, path, "", Some(body), ANSWER_WAIT)
            .await
    }

    /// As [`Self::post`], but gives up after `wait`.
    pub async fn post_within(
        &self,
        path: &[&str],
        body: &Value,
        wait: Duration,
    ) -> Result<Value, Trouble> {
        self.send(Method::POST, path, "", Some(body), wait).await
    }

    /// Posts a body as it is, with headers of its own.
    pub async fn post_raw(
        &self,
        path: &[&str],
        headers: &[(String, String)],
        body: Vec<u8>,
    ) -> Result<Value, Trouble> {
        let mut request = self.request(Method::POST, path, "", ANSWER_WAIT).body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        self.answer(request).await
    }

    async fn send(
        &self,
        method: Method,
        path: &[&str],
        query: &str,
        body: Option<&Value>,
        wait: Duration,
    ) -> Result<Value, Trouble> {
        let mut request = self.request(method, path, query, wait);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.answer(request).await
    }

    fn request(
        &self,
        method: Method,
        path: &[&str],
        query: &str,
        wait: Duration,
    ) -> reqwest::RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        url.set_query(Some(query).filter(|query| !query.is_empty()));
        let mut request = self.http.request(method, url).timeout(wait);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        request
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value, Trouble> {
        let response = request
            .send()
            .await
            .map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let text = read_answer(response)
            .await
            .map_err(|error| self.unreachable(&error))?;
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if status.is_success() && !body.is_null() {
            return Ok(body);
        }
        let said = match body["error"].as_str().or(body["reason"].as_str()) {
            Some(said) => clean_lines(said),
            None => format!(
                "{} answered with {status}; is that a deploywatch?",
                self.shown()
            ),
        };
        Err(if status.is_server_error() {
            Trouble::Unreachable(said)
        } else {
            Trouble::Refused {
                status: status.as_u16(),
                text: said,
                body,
            }
        })
    }

    fn unreachable(&self, error: &reqwest::Error) -> Trouble {
        let cause = if error.is_timeout() {
            "no answer in time".to_owned()
        } else {
            root_cause(error)
        };
        Trouble::Unreachable(format!(
            "no daemon answers at {} ({cause}); is it running? try: {}",
            self.shown(),
            self.run
        ))
    }
}

/// Line breaks stay (the faults of a reload have many lines), all other control characters go.
fn clean_lines(text: &str) -> String {
    text.lines()
        .map(|line| {
            line.chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect::<String>()
        })
        .collect::<Vec<_>>()
        .join("\n")
}

async fn read_answer(mut response: reqwest::Response) -> Result<String, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if ANSWER_MAX < bytes.len() {
            bytes.clear();
            break;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The deepest cause in plain words: `connection refused`, not the layers above it.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            return match io.kind() {
                io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
                io::ErrorKind::TimedOut => "no answer in time".to_owned(),
                _ => clean(&io.to_string()),
            };
        }
    }
    clean(&cause.to_string())
}

fn http(base: &Url) -> Result<reqwest::Client, Failure> {
    let mut builder = reqwest::Client::builder()
        .no_proxy()
        .connect_timeout(CONNECT_WAIT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("deploywatch/", env!("CARGO_PKG_VERSION")));
    if base.scheme() == "http" {
        // Else a machine without certificates could not even ask over plain HTTP.
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|error| {
        Failure::Refused(format!(
            "cannot prepare a connection: {}",
            clean(&root_cause(&error))
        ))
    })
}

fn server_url(text: &str) -> Result<Url, Failure> {
    let full = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    match Url::parse(&full) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        _ => Err(Failure::Usage(format!(
            "--server {text} is not an address; write for example http://127.0.0.1:8420"
        ))),
    }
}

/// An address that listens everywhere is asked on this machine.
fn listen_url(listen: &str) -> Result<Url, Failure> {
    let address = match listen.parse::<SocketAddr>() {
        Ok(address) => {
            let ip = match address.ip() {
                IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
                ip => ip,
            };
            SocketAddr::new(ip, address.port()).to_string()
        }
        Err(_) => listen.to_owned(),
    };
    Url::parse(&format!("http://{address}")).map_err(|_| {
        Failure::Usage(format!(
            "[daemon] listen = \"{listen}\" is not an address; use --server URL"
        ))
    })
}

/// The configuration that is meant: said, or at a usual place.
pub fn find_config(arg: &ConfigArg) -> Option<PathBuf> {
    arg.config.clone().or_else(|| {
        ["/etc/deploywatch/deploywatch.toml", "deploywatch.toml"]
            .into_iter()
            .map(PathBuf::from)
            .find(|path| path.is_file())
    })
}

/// As [`find_config`], for commands that cannot do without.
pub fn need_config(arg: &ConfigArg) -> Result<PathBuf, Failure> {
    find_config(arg).ok_or_else(|| {
        Failure::Usage(
            "no configuration: say --config FILE, or have /etc/deploywatch/deploywatch.toml or ./deploywatch.toml"
                .to_owned(),
        )
    })
}

/// Only `[daemon] listen`: a client needs no more, and may not be allowed to read the files that are included.
fn read_listen(path: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::Usage(format!(
            "cannot read {}: {error}; use --server URL instead",
            path.display()
        ))
    })?;
    let table: toml::Table = toml::from_str(&text).map_err(|error| {
        Failure::Usage(format!(
            "{} is not TOML: {}",
            path.display(),
            error.to_string().trim_end()
        ))
    })?;
    let listen = table.get("daemon").and_then(|daemon| daemon.get("listen"));
    // One address or a list; any of them will do.
    let first = match listen {
        Some(toml::Value::Array(list)) => list.first(),
        other => other,
    };
    let text = first.and_then(toml::Value::as_str);
    Ok(text.unwrap_or(DEFAULT_LISTEN).to_owned())
}

/// From a file or the environment, never from the command line, which every user of the machine can read.
fn read_token(file: Option<&Path>) -> Result<Option<Secret>, Failure> {
    let text = match file {
        Some(path) => std::fs::read_to_string(path).map_err(|error| {
            Failure::Usage(format!(
                "cannot read the token file {}: {error}",
                path.display()
            ))
        })?,
        None => std::env::var("DEPLOYWATCH_TOKEN").unwrap_or_default(),
    };
    let token = Secret::new(&text);
    if token.expose().is_empty() {
        return match file {
            Some(path) => Err(Failure::Usage(format!(
                "the token file {} is empty",
                path.display()
            ))),
            None => Ok(None),
        };
    }
    if token.expose().chars().any(|c| !c.is_ascii_graphic()) {
        return Err(Failure::Usage(
            "the token has characters that cannot be sent; is it the right file?".into(),
        ));
    }
    Ok(Some(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_daemon() {
        let url = |listen: &str| listen_url(listen).map(String::from).expect(listen);
        assert_eq!(url("127.0.0.1:8420"), "http://127.0.0.1:8420/");
        assert_eq!(url("0.0.0.0:80"), "http://127.0.0.1/");
        assert_eq!(url("[::]:8420"), "http://[::1]:8420/");
        assert_eq!(url("monitor.example:8420"), "http://monitor.example:8420/");
        assert_eq!(
            server_url("web1:1").map(String::from),
            Ok("http://web1:1/".to_owned())
        );
        assert!(server_url("ftp://web1").is_err() && server_url("").is_err());
    }

    #[test]
    fn reads_the_address_from_the_configuration() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("deploywatch.toml");
        std::fs::write(
            &path,
            "[daemon]\nlisten = \"127.0.0.1:9\"\n[[host]]\nname = 3\n",
        )
        .expect("written");
        let args = |path: &Path| ClientArgs {
            config: ConfigArg {
                config: Some(path.to_owned()),
            },
            ..ClientArgs::default()
        };
        super::super::install_tls();
        let client = Client::new(&args(&path)).expect("a client");
        assert_eq!(client.base.as_str(), "http://127.0.0.1:9/");
        assert!(matches!(
            Client::new(&args(&dir.path().join("none"))),
            Err(Failure::Usage(_))
        ));
    }

    #[tokio::test]
    async fn says_when_nobody_answers() {
        super::super::install_tls();
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("an address");
        drop(free);
        let trouble = Client::at(address)
            .get::<Value>(&["status"], "")
            .await
            .expect_err("nobody is there");
        assert_eq!(
            trouble.text(),
            format!(
                "no daemon answers at http://{address} (connection refused); is it running? try: deploywatch run"
            )
        );
    }
}
