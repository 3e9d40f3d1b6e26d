//! Channels through services: what is read, and what is refused with a remedy.

use std::{fs, os::unix::fs::PermissionsExt};

use super::{super::load, bad};
use crate::domain::model::{
    objects::ChannelKind,
    service::{Facility, Service, SyslogTo},
};

const ALL: &str = r#"
[[contact]]
name = "everywhere"
teams = { webhook_url_file = "s" }
mattermost = [{ webhook_url_file = "s" }, { webhook_url_file = "s", timeout = "5s" }]
rocketchat = { webhook_url_file = "s" }
discord = { webhook_url_file = "s" }
google_chat = { webhook_url_file = "s" }
telegram = { token_file = "s", chat = "-1001234567890", topic = 7 }
ntfy = { topic_file = "s", url = "https://ntfy.example.org/" }
pushover = { token_file = "s", user_key_file = "s", emergency = true }
matrix = { url = "https://matrix.example.org/", token_file = "s", room = "!ops:example.org" }
opsgenie = { api_key_file = "s", url = "https://api.eu.opsgenie.com/v2/alerts" }
victorops = { api_key_file = "s", route = "ops" }
alertmanager = ["http://am1:9093/api/v2", { url = "https://am2", username = "watch", token_file = "s", labels = { severity = "page" }, keep = "1d" }]
twilio = { account = "AC1", token_file = "s", from = "MG1", to = "+4205550100" }
syslog = ["udp://log1:514", { address = "unix:/dev/log", facility = "local3" }]
"#;

#[test]
fn every_service_is_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("x.toml");
    fs::write(&path, ALL).expect("written");
    let secret = dir.path().join("s");
    fs::write(&secret, "hunter2\n").expect("written");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("private");
    let loaded = load(&path).unwrap_or_else(|faults| panic!("{}", faults.render(false)));
    assert_eq!(loaded.render_warnings(false), "");
    assert!(!format!("{loaded:?}").contains("hunter2"), "a secret shows");
    let channels = &loaded.inventory.contacts[0].channels;
    let labels: Vec<&str> = channels.iter().map(|channel| &*channel.label).collect();
    assert_eq!(
        labels,
        [
            "teams",
            "mattermost",
            "mattermost:2",
            "rocketchat",
            "discord",
            "google_chat",
            "telegram",
            "ntfy",
            "pushover",
            "matrix",
            "opsgenie",
            "victorops",
            "alertmanager",
            "alertmanager:2",
            "twilio",
            "syslog",
            "syslog:2"
        ]
    );
    let mut services = channels.iter().filter_map(|channel| match &channel.kind {
        ChannelKind::Service { service, timeout } => Some((&*channel.label, service, timeout)),
        _ => None,
    });
    let mut find = |wanted: &str| {
        let found = services.find(|(label, ..)| *label == wanted);
        found.map(|(_, service, timeout)| (service, timeout.map(|span| span.as_secs())))
    };
    assert_eq!(
        find("mattermost:2").map(|(_, timeout)| timeout),
        Some(Some(5))
    );
    let Some((
        Service::Telegram {
            url,
            chat,
            topic,
            token,
        },
        None,
    )) = find("telegram")
    else {
        panic!("telegram")
    };
    assert_eq!(
        (url.as_str(), chat.as_str(), *topic, token.expose()),
        (
            "https://api.telegram.org",
            "-1001234567890",
            Some(7),
            "hunter2"
        )
    );
    let Some((
        Service::Ntfy {
            url, token: None, ..
        },
        _,
    )) = find("ntfy")
    else {
        panic!("ntfy")
    };
    assert_eq!(url, "https://ntfy.example.org");
    let Some((Service::Opsgenie { url, .. }, _)) = find("opsgenie") else {
        panic!("opsgenie")
    };
    assert_eq!(url, "https://api.eu.opsgenie.com");
    let Some((
        Service::Alertmanager {
            url,
            token: None,
            labels,
            ..
        },
        _,
    )) = find("alertmanager")
    else {
        panic!("alertmanager")
    };
    assert!(url == "http://am1:9093" && labels.is_empty());
    let Some((Service::Alertmanager { labels, keep, .. }, _)) = find("alertmanager:2") else {
        panic!("alertmanager:2")
    };
    assert_eq!(
        (labels["severity"].as_str(), keep.as_secs()),
        ("page", 86_400)
    );
    let Some((Service::Syslog { to, facility }, _)) = find("syslog:2") else {
        panic!("syslog:2")
    };
    assert_eq!(to, &SyslogTo::Unix("/dev/log".into()));
    assert_eq!(*facility, Facility(19));
}

#[test]
fn what_cannot_work_is_told_before_anybody_waits_for_a_page() {
    for (channel, complaint) in [
        ("teams = \"https://x/hunter2\"", "holds a secret"),
        ("ntfy = \"hunter2\"", "ntfy = { topic_file = \"FILE\" }"),
        ("teams = {}", "`webhook_url` is missing"),
        (
            "discord = { webhook_url = \"hunter2\" }",
            "`webhook_url` is not written into",
        ),
        (
            "telegram = { token_env = \"PATH\" }",
            "telegram has no `chat`",
        ),
        (
            "telegram = { token_env = \"PATH\", chat = \"ops\" }",
            "`ops` is no chat of Telegram",
        ),
        (
            "pushover = { token_env = \"PATH\" }",
            "`user_key` is missing",
        ),
        (
            "matrix = { url = \"https://m\", token_env = \"PATH\", room = \"#ops:m\" }",
            "is an alias",
        ),
        (
            "alertmanager = { url = \"http://a\", username = \"u\" }",
            "`username` has no password",
        ),
        (
            "alertmanager = { url = \"http://a\", labels = { host = \"x\" } }",
            "a label that we set",
        ),
        (
            "alertmanager = { url = \"http://a\", labels = { a-b = \"x\" } }",
            "cannot be a label",
        ),
        ("alertmanager = \"am:9093\"", "alertmanager"),
        (
            "twilio = { account = \"AC1\", token_env = \"PATH\", from = \"MG1\", to = \"+1\", voice = true }",
            "it cannot call",
        ),
        ("syslog = \"log1:514\"", "no address of a syslog server"),
        ("syslog = \"udp://log1\"", "udp://HOST:514"),
        (
            "syslog = { address = \"udp://log1:514\", facility = \"local8\" }",
            "local8",
        ),
        (
            "slack = { webhook_url_env = \"PATH\", timeout = \"5s\" }",
            "unknown key `timeout`",
        ),
        (
            "teams = { webhook_url_env = \"PATH\", timeout = \"2m\" }",
            "may be 1m at most",
        ),
    ] {
        let faults = bad(&format!("[[contact]]\nname = \"a\"\n{channel}\n"));
        let shown = faults.render(false);
        assert!(shown.contains(complaint), "{channel}\n{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
