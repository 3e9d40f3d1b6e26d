//! What a plugin's words are about, where that speaks for or against a deploy: some things no deploy does, and some outputs
//! name what failed.

use std::collections::BTreeSet;

use crate::domain::model::deploy::Deploy;

/// Told by words that plugins of all kinds use; where none of them stands, nothing is concluded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Topic {
    #[default]
    Other,
    /// A certificate, a licence or a domain ran out: that day was known before.
    Expiry,
    /// A disk is full, or nearly.
    Space,
    /// The way of looking failed, not what is looked at: an agent on the host does not answer.
    Agent,
}

/// So much of an output is read, in bytes.
const READ: usize = 300;

/// Words that say of an app only that it is one, or that plugins say of everything.
const GENERIC: &str = "api app application backend check config connection core cpu critical data disk down error errors \
                       failed frontend health host http https load memory page probe prod production public queue \
                       response server service site socket status svc system tcp test time timeout unknown warning web \
                       website worker www";

/// Names of what many apps stand on: networks, names, certificates, identities, databases, caches, messages, storage, and what
/// sets up machines.
const SHARED: &str = "acl ansible auth autoscaler balancer bgp bind broker cache calico cdn ceph cert certificate \
                      certificates certs chef cilium cluster cni coredns database db dhcp directory dns envoy firewall fw \
                      haproxy hardening iam idp infra ingress iptables issuer istio kafka keda keycloak kubelet kyverno lb \
                      ldap linkerd mariadb memcache memcached mesh mongo mysql named nat nats network nfs ntp oauth oracle \
                      os patch pgbouncer pki platform policies policy postgres postgresql proxy puppet rabbitmq radius rbac \
                      redis resolver route router salt san secrets sso ssl storage switch terraform tls vault vcl vlan vpn \
                      wan zone zones";

/// How the names of what monitoring looks with begin.
const MONITORING: &str = "agent checkmk collector datadog exporter icinga monitor munin nagios nrpe nsclient observab \
                          prometheus sensu snmp telegraf telemetry zabbix";

/// In lower case; what is shorter is no name.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| 2 < word.len())
        .map(str::to_lowercase)
}

/// What is read of an output.
fn first_of(output: &str) -> &str {
    let end = (0..=READ.min(output.len()))
        .rfind(|at| output.is_char_boundary(*at))
        .unwrap_or(0);
    &output[..end]
}

/// The words of an output, to look for names in.
#[derive(Debug, Default)]
pub struct Words(BTreeSet<String>);

impl Words {
    pub fn of(output: &str) -> Self {
        Self(words(first_of(output)).collect())
    }

    /// All words of the app's name are among them, but for those that say nothing; one at least.
    pub fn name(&self, app: &str) -> bool {
        let mut telling = words(app)
            .filter(|word| GENERIC.split(' ').all(|generic| generic != word))
            .peekable();
        telling.peek().is_some() && telling.all(|word| self.0.contains(&word))
    }
}

/// The app's name says that many others stand on it, whether or not anything measures it. Two letters are a name here: `db`, `lb`.
pub fn is_shared(app: &str) -> bool {
    let name = app.to_lowercase();
    let mut words = name.split(|letter: char| !letter.is_alphanumeric());
    words.any(|word| SHARED.split_ascii_whitespace().any(|shared| shared == word))
}

/// A deploy of what monitoring looks with: an event says so, or the app's name does.
pub fn is_of_monitoring(deploy: &Deploy) -> bool {
    let natures = deploy.events.iter().map(|event| &event.nature);
    let mut told = natures.flat_map(|nature| nature.kind.iter().chain(&nature.labels));
    told.any(|word| word.eq_ignore_ascii_case("monitoring"))
        || words(&deploy.app).any(|word| MONITORING.split(' ').any(|begin| word.starts_with(begin)))
}

/// How something fails, as plugins say it. Whoever has looked after incidents expects one kind of it after a release, and
/// another when there is too much to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    #[default]
    Other,
    /// An error of the program's own: HTTP 500, an exception.
    Internal,
    /// Nothing listens.
    Refused,
    /// The machine has too much to do.
    Load,
    /// No answer in time.
    Timeout,
    /// A good answer, too late.
    Slow,
}

/// What is read of an output, in lower case.
#[derive(Debug)]
pub struct Line(String);

impl Line {
    pub fn of(output: &str) -> Self {
        Self(first_of(output).to_lowercase())
    }

    fn says(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.0.contains(word))
    }

    pub fn topic(&self) -> Topic {
        let of_a_date = [
            "certificat",
            "licen",
            "domain",
            "ssl",
            "api key",
            "credential",
            "password",
        ];
        // As browsers say it.
        if self.says(&["expir"]) && self.says(&of_a_date) || self.says(&["err_cert_date"]) {
            Topic::Expiry
        } else if self.says(&[
            "disk ",
            "free space",
            "inode",
            "no space left",
            "filesystem",
        ]) {
            Topic::Space
        } else if self.says(&["nrpe", "agent", "no data", "snmp"]) {
            Topic::Agent
        } else {
            Topic::Other
        }
    }

    /// Other where the topic says more.
    pub fn manner(&self, topic: Topic) -> Manner {
        if topic != Topic::Other {
            Manner::Other
        } else if self.says(&["refused"]) {
            Manner::Refused
        } else if self.says(&[
            "internal server error",
            "/1.1 500",
            "http 500",
            "status 500",
            "code 500",
            "exception",
        ]) {
            Manner::Internal
        } else if self.says(&["load average"]) {
            Manner::Load
        } else if self.says(&["timeout", "timed out"]) {
            Manner::Timeout
        } else if self.says(&["second response time"]) && self.says(&[" 200 "]) {
            Manner::Slow
        } else {
            Manner::Other
        }
    }
}

impl Manner {
    /// Why it looks like a release, where it does.
    pub const fn of_a_release(self) -> Option<&'static str> {
        match self {
            Self::Internal => Some("it fails with an error of its own, as after a release"),
            Self::Refused => Some("nothing listens, as after a release that does not start"),
            Self::Load | Self::Timeout | Self::Slow | Self::Other => None,
        }
    }
}

impl Topic {
    /// Why no deploy is thought to have done it; None: one may have.
    pub const fn why_not(self) -> Option<&'static str> {
        match self {
            Self::Expiry => Some("something expired, and its day was known before"),
            Self::Space => Some("a disk is full, which deploys seldom do"),
            Self::Agent => Some("the agent on the host does not answer, so nothing was measured"),
            Self::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_say_what_it_is_about() {
        for (output, topic) in [
            (
                "CRITICAL - Certificate 'shop.example' expired on Mon 02 Mar 2026",
                Topic::Expiry,
            ),
            ("SSL CRITICAL: expires in 2 days", Topic::Expiry),
            ("step 1 failed: net::ERR_CERT_DATE_INVALID", Topic::Expiry),
            ("MAPS CRITICAL - 403: API key expired", Topic::Expiry),
            ("DISK CRITICAL - free space: / 12 MiB (0%)", Topic::Space),
            ("CHECK_NRPE: Socket timeout after 10 seconds.", Topic::Agent),
            ("HTTP CRITICAL - session expired", Topic::Other),
            (
                "HTTP CRITICAL: HTTP/1.1 503 Service Unavailable",
                Topic::Other,
            ),
            ("", Topic::Other),
        ] {
            assert_eq!(Line::of(output).topic(), topic, "{output}");
        }
    }

    #[test]
    fn plugins_say_how_it_fails() {
        for (output, manner) in [
            (
                "connect to address 10.0.0.5 and port 8080: Connection refused",
                Manner::Refused,
            ),
            (
                "HTTP CRITICAL: HTTP/1.1 500 Internal Server Error",
                Manner::Internal,
            ),
            (
                "CRITICAL - step 3 add to basket: HTTP 500",
                Manner::Internal,
            ),
            (
                "HTTP CRITICAL: HTTP/1.1 503 Service Unavailable",
                Manner::Other,
            ),
            ("WARNING - load average: 9.82, 8.71, 6.02", Manner::Load),
            (
                "CRITICAL - Socket timeout after 10 seconds",
                Manner::Timeout,
            ),
            (
                "HTTP WARNING: HTTP/1.1 200 OK - 1500 bytes in 4.911 second response time",
                Manner::Slow,
            ),
            (
                "HTTP CRITICAL: HTTP/1.1 404 Not Found - 146 bytes in 0.028 second response time",
                Manner::Other,
            ),
            ("", Manner::Other),
        ] {
            assert_eq!(Line::of(output).manner(Topic::Other), manner, "{output}");
        }
    }

    #[test]
    fn names_say_what_many_apps_stand_on() {
        for (app, shared) in [
            ("ingress-nginx", true),
            ("dns-zones", true),
            ("FW-policy", true),
            ("orders-db", true),
            // A part of a word says nothing.
            ("authors", false),
            ("networking-shop", false),
            ("shop", false),
            ("", false),
        ] {
            assert_eq!(is_shared(app), shared, "{app}");
        }
    }

    #[test]
    fn an_output_names_an_app() {
        for (output, app, is_named) in [
            (
                "HTTP CRITICAL - upstream payment answers 502",
                "payment-service",
                true,
            ),
            (
                "HTTP CRITICAL - upstream Payment-Gateway: 502",
                "payment-gateway",
                true,
            ),
            (
                "HTTP CRITICAL - upstream gateway: 502",
                "payment-gateway",
                false,
            ),
            ("redis://cache1: connection refused", "redis", true),
            // Not a word of its own.
            ("HTTP CRITICAL: HTTP/1.1 503 prepayments", "payment", false),
            // Plugins say it of everything.
            (
                "HTTP CRITICAL: HTTP/1.1 503 Service Unavailable",
                "http-service",
                false,
            ),
            ("LOAD CRITICAL", "load", false),
            ("x y z", "x-y", false),
            ("", "shop", false),
            ("shop", "", false),
        ] {
            assert_eq!(Words::of(output).name(app), is_named, "{output}: {app}");
        }
    }

    #[test]
    fn long_and_foreign_words_are_cut_without_harm() {
        assert_eq!(Line::of(&"é".repeat(500)).topic(), Topic::Other);
    }
}
