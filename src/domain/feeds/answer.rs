//! Answers to tools that wait for leave: where they may go, and what they say.

use std::{path::PathBuf, time::Duration};

use serde_json::json;

use crate::{
    base::text::cut,
    domain::model::gate::{Answer, Question},
};

/// GitHub's own address.
pub const GITHUB: &str = "https://api.github.com";
/// How long a shut gate is waited for.
pub const WITHIN: Duration = Duration::from_secs(1800);
/// Longest comment, in bytes.
const COMMENT_MAX: usize = 1000;

/// How a tool is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// Without a slash at its end. Answers go below it and nowhere else.
    pub api_url: String,
    /// Read for each answer.
    pub token_file: PathBuf,
    /// A gate that stays shut for so long is a no.
    pub within: Duration,
}

/// Whether an answer may go where a request wants it. The request may be forged, or its secret stolen, and the answer
/// carries a token: so it goes to the configured address, below the path of a repository, and to the one end that
/// takes such answers.
pub fn may_go_to(api_url: &str, callback: &str) -> bool {
    let Some(path) = callback.strip_prefix(api_url) else {
        return false;
    };
    let is_plain = path
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte));
    is_plain
        && path.starts_with("/repos/")
        && path.ends_with("/deployment_protection_rule")
        && path
            .split('/')
            .skip(1)
            .all(|part| !matches!(part, "" | "." | ".."))
}

/// Nobody between can read what is sent there.
pub fn is_private(url: &str) -> bool {
    let host = |rest: &str| {
        let authority = rest.split('/').next().unwrap_or_default();
        let host = authority
            .rsplit_once(':')
            .map_or(authority, |(host, _)| host);
        matches!(host, "127.0.0.1" | "localhost" | "[::1]")
    };
    url.starts_with("https://") || url.strip_prefix("http://").is_some_and(host)
}

/// The body that GitHub takes.
pub fn body(question: &Question, answer: &Answer) -> String {
    let state = if answer.approved {
        "approved"
    } else {
        "rejected"
    };
    json!({
        "environment_name": question.theirs,
        "state": state,
        "comment": cut(&answer.comment, COMMENT_MAX),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_go_to_the_configured_place_and_nowhere_else() {
        let end = "/repos/acme/shop/actions/runs/28978/deployment_protection_rule";
        assert!(may_go_to(GITHUB, &format!("{GITHUB}{end}")));
        assert!(may_go_to(
            "https://ghe/api/v3",
            &format!("https://ghe/api/v3{end}")
        ));
        for callback in [
            format!("https://evil.example{end}"),
            format!("https://api.github.com.evil.example{end}"),
            format!("https://api.github.com@evil.example{end}"),
            format!("https://api.github.com:444{end}"),
            format!("http://api.github.com{end}"),
            format!("{GITHUB}/repos/../admin/deployment_protection_rule"),
            format!("{GITHUB}/repos//x/deployment_protection_rule"),
            format!("{GITHUB}/repos/%2e%2e/x/deployment_protection_rule"),
            format!("{GITHUB}/repos/acme/shop/hooks?x=/deployment_protection_rule"),
            format!("{GITHUB}/repos/acme/shop#/deployment_protection_rule"),
            format!("{GITHUB}/repos/acme/shop/actions/runs/1/cancel"),
            format!("{GITHUB}/user/deployment_protection_rule"),
            GITHUB.to_owned(),
            String::new(),
        ] {
            assert!(!may_go_to(GITHUB, &callback), "{callback}");
        }
    }

    #[test]
    fn a_token_leaves_only_where_nobody_reads_along() {
        for (url, expected) in [
            (GITHUB, true),
            ("http://127.0.0.1:8080", true),
            ("http://localhost/x", true),
            ("http://api.github.com", false),
            ("http://127.0.0.1.evil.example", false),
            ("http://localhost@evil.example/", false),
        ] {
            assert_eq!(is_private(url), expected, "{url}");
        }
    }
}
