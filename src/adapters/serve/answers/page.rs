//! The small pages behind a link in a mail: one that asks, and one that says what was done. No script, nothing loaded.

use std::sync::LazyLock;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use minijinja::{Environment, context};

/// The name ends in `.html`, so every value is escaped.
const NAME: &str = "answer.html";

static PAGES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    pages
        .add_template(NAME, include_str!("answer.html"))
        .expect("a test renders this template");
    pages
});

/// What a page shows.
#[derive(Clone, Debug, Default)]
pub struct Said<'a> {
    pub title: &'a str,
    pub lines: &'a [String],
    /// On the button, where there is something to confirm.
    pub button: Option<&'a str>,
}

/// The page. Its form goes to its own address.
pub fn page(status: StatusCode, said: &Said<'_>) -> Response {
    let drawn = PAGES.get_template(NAME).and_then(|page| {
        page.render(context! {
            title => said.title,
            lines => said.lines.to_vec(),
            button => said.button,
        })
    });
    let html = drawn.unwrap_or_else(|error| {
        tracing::error!("the page of an answer cannot be drawn: {error}");
        "<!doctype html><title>deploywatch</title>This page cannot be drawn.".to_owned()
    });
    let policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    let policy = (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(policy),
    );
    let robots = (
        header::HeaderName::from_static("x-robots-tag"),
        HeaderValue::from_static("noindex, nofollow"),
    );
    (status, [policy, robots], Html(html)).into_response()
}
