//! The status page: one plain document, no script; readable on a phone, in the dark, and in a text browser.

use std::sync::LazyLock;

use minijinja::{Environment, context, value::Serde};

use crate::{
    base::time::{Timestamp, show_duration},
    domain::engine::view::StatusView,
};

/// The name ends in `.html`, so every value is escaped: plugin output is hostile text.
const NAME: &str = "status.html";

static PAGES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    pages
        .add_template(NAME, include_str!("status.html"))
        .expect("a test renders this template");
    pages.add_function("span", span);
    pages
});

/// Most rows of each table; a page of ten thousand problems helps nobody, the counts above it say how many there are.
const ROWS_MAX: usize = 500;

/// Draws the page.
pub fn render(status: &StatusView) -> Result<String, minijinja::Error> {
    PAGES
        .get_template(NAME)?
        .render(context! { s => Serde(status), rows_max => ROWS_MAX })
}

/// The span between two instants to whole seconds, or nothing when one of them cannot be read.
fn span(from: &str, to: &str) -> String {
    match (Timestamp::parse(from), Timestamp::parse(to)) {
        (Some(from), Some(to)) => {
            show_duration(std::time::Duration::from_secs(to.since(from).as_secs()))
        }
        _ => String::new(),
    }
}
