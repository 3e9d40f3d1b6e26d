//! Queries against a small site.
