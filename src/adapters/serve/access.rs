//! Who may ask what: tokens with scopes, or none at all and then only programs on this machine.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, Method, header};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::refusal::Refusal;
use crate::base::secret::Secret;

/// What a token may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Look at everything.
    Read,
    /// Tell of deploys.
    Deploy,
    /// Acknowledge, plan downtime, comment, recheck, switch notifications.
    Command,
    /// Hand in passive results.
    Results,
    /// All of it, and reload.
    Admin,
}

impl Scope {
    pub const ALL: [Self; 5] = [
        Self::Read,
        Self::Deploy,
        Self::Command,
        Self::Results,
        Self::Admin,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Deploy => "deploy",
            Self::Command => "command",
            Self::Results => "results",
            Self::Admin => "admin",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == text)
    }
}

/// One configured token. The secret itself is not kept, only its SHA-256.
#[derive(Clone, Debug)]
pub struct TokenEntry {
    /// Shown in the audit trail.
    pub name: String,
    digest: [u8; 32],
    pub scopes: Vec<Scope>,
    /// Apps it may tell deploys of, `NAME` or `NAME@ENVIRONMENT`; empty: any.
    pub apps: Vec<String>,
}

impl TokenEntry {
    pub fn new(
        name: impl Into<String>,
        secret: &Secret,
        scopes: Vec<Scope>,
        apps: Vec<String>,
    ) -> Self {
        Self {
            name: name.into(),
            digest: Sha256::digest(secret.expose()).into(),
            scopes,
            apps,
        }
    }

    fn allows(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
    }
}

/// All tokens; replaced whole by a reload.
#[derive(Clone, Debug, Default)]
pub struct Access {
    pub tokens: Vec<TokenEntry>,
}

/// The two ends of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    pub remote: SocketAddr,
    pub local: SocketAddr,
}

/// Someone who was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The token's name, or `local`.
    pub name: String,
    /// Apps it may tell deploys of, `NAME` or `NAME@ENVIRONMENT`; empty: any.
    pub apps: Vec<String>,
}

impl Access {
    /// Lets a request in, or says why not.
    pub fn admit(
        &self,
        peer: Peer,
        method: &Method,
        headers: &HeaderMap,
        scope: Scope,
    ) -> Result<Caller, Refusal> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            same_origin(headers)?;
        }
        if self.tokens.is_empty() {
            is_local(peer, headers).map_err(|why| {
                Refusal::forbidden(format!(
                    "without a [[token]] in the configuration only programs on this machine are let in: {why}"
                ))
            })?;
            return Ok(Caller {
                name: "local".to_owned(),
                apps: Vec::new(),
            });
        }
        self.admit_token(bearer(headers)?, scope)
    }

    /// Lets somebody in by a token alone, or says why not.
    pub fn admit_token(&self, token: &str, scope: Scope) -> Result<Caller, Refusal> {
        let entry = self.find(token).ok_or_else(|| {
            Refusal::unauthorized(
                "this token is not known; it may have been replaced in the configuration",
            )
        })?;
        if entry.allows(scope) {
            return Ok(Caller {
                name: entry.name.clone(),
                apps: entry.apps.clone(),
            });
        }
        let has: Vec<_> = entry.scopes.iter().map(|scope| scope.name()).collect();
        Err(Refusal::forbidden(format!(
            "token `{}` lacks the scope `{}` that this needs; it has: {}",
            entry.name,
            scope.name(),
            if has.is_empty() {
                "none".to_owned()
            } else {
                has.join(", ")
            }
        )))
    }

    /// As [`Self::admit`] for reading, but programs on this machine need no token.
    pub fn admit_scraper(
        &self,
        peer: Peer,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<(), Refusal> {
        if is_local(peer, headers).is_ok() {
            return Ok(());
        }
        self.admit(peer, method, headers, Scope::Read).map(drop)
    }

    /// Compares with every entry in constant time and never stops early: how long it takes tells nothing.
    fn find(&self, token: &str) -> Option<&TokenEntry> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        let mut found = u32::MAX;
        for (at, entry) in (0u32..).zip(&self.tokens) {
            let same: Choice = entry.digest.ct_eq(&digest);
            found.conditional_assign(&at, same);
        }
        self.tokens.get(found as usize)
    }
}

impl Caller {
    /// May this caller tell of a deploy of `app`? An entry with an environment needs that one named.
    pub fn may_deploy(&self, app: &str, environment: Option<&str>) -> Result<(), Refusal> {
        let covers = |own: &String| match own.split_once('@') {
            Some((name, place)) => name == app && environment == Some(place),
            None => own == app,
        };
        if self.apps.is_empty() || self.apps.iter().any(covers) {
            return Ok(());
        }
        let said = match environment {
            Some(environment) => format!("`{app}@{environment}`"),
            None => format!("`{app}` in an environment that is not named"),
        };
        Err(Refusal::forbidden(format!(
            "token `{}` may tell of deploys of {} only, not of {said}",
            self.name,
            self.apps.join(", ")
        )))
    }
}

fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let text = headers
        .get(header::AUTHORIZATION)
        .ok_or_else(|| {
            Refusal::unauthorized(
                "a token is needed: send the header `Authorization: Bearer TOKEN`",
            )
        })?
        .to_str()
        .unwrap_or_default();
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(Refusal::unauthorized(
            "the Authorization header must read `Bearer TOKEN`",
        )),
    }
}

/// A browser names the page that sends a request in `Origin`; no page of another site may command us.
fn same_origin(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default();
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    match origin.split_once("://") {
        Some((_, authority)) if !host.is_empty() && authority.eq_ignore_ascii_case(host) => Ok(()),
        _ => Err(Refusal::forbidden(
            "a page of another site may not send this (its Origin is not this server)",
        )),
    }
}

/// Both ends on this machine, asked for by a local name, and not passed on by a proxy. The name is checked
/// because a page may point a name of its own at 127.0.0.1 (DNS rebinding); the browser then sends that name.
fn is_local(peer: Peer, headers: &HeaderMap) -> Result<(), String> {
    let (remote, local) = (
        peer.remote.ip().to_canonical(),
        peer.local.ip().to_canonical(),
    );
    if !remote.is_loopback() || !local.is_loopback() {
        return Err(format!("the request came from {remote}"));
    }
    if headers.contains_key(header::FORWARDED) || headers.contains_key("x-forwarded-for") {
        return Err("a proxy passed the request on".to_owned());
    }
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    if is_local_name(host, local) {
        Ok(())
    } else {
        let shown = crate::base::text::one_line(crate::base::text::cut(host, 80));
        Err(format!(
            "the Host header says `{shown}`; ask for localhost or {local}"
        ))
    }
}

/// `localhost`, `127.0.0.1`, `[::1]` or the address asked, with or without a port.
fn is_local_name(host: &str, local: IpAddr) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.to_canonical().is_loopback() || ip == local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_names() {
        let local: IpAddr = "127.0.0.1".parse().expect("an address");
        for good in [
            "localhost",
            "LOCALHOST:8420",
            "127.0.0.1",
            "127.0.0.1:8420",
            "[::1]:8420",
            "[::1]",
        ] {
            assert!(is_local_name(good, local), "{good}");
        }
        for bad in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "[",
        ] {
            assert!(!is_local_name(bad, local), "{bad}");
        }
    }

    #[test]
    fn a_secret_finds_its_own_entry_only() {
        let entry =
            |name: &str, secret| TokenEntry::new(name, &Secret::new(secret), vec![], vec![]);
        let access = Access {
            tokens: vec![entry("a", "one"), entry("b", "two")],
        };
        assert_eq!(
            access.find("two").map(|entry| entry.name.as_str()),
            Some("b")
        );
        assert_eq!(
            access.find("one").map(|entry| entry.name.as_str()),
            Some("a")
        );
        assert!(
            access.find("").is_none()
                && access.find("on").is_none()
                && access.find("three").is_none()
        );
    }
}
