//! What is sent, byte by byte as the real one sends it.

use crate::base64::base64;

use super::{HTTP_PORT, HTTPS_PORT, Settings, Target};

pub(super) fn build(settings: &Settings, target: &Target) -> String {
    use std::fmt::Write;

    let version = if target.host.is_some() { "1.1" } else { "1.0" };
    let mut out = format!(
        "{} {} HTTP/{version}\r\nUser-Agent: {}\r\nConnection: close\r\n",
        settings.method, target.url, settings.agent
    );
    // The last of these stands where ours would, and only there.
    let is_host = |header: &&String| header.starts_with("Host:");
    let forced = settings.headers.iter().rfind(is_host);
    if let Some(host) = &target.host {
        let default = if target.tls { HTTPS_PORT } else { HTTP_PORT };
        let _ = match forced {
            Some(header) => write!(out, "{header}\r\n"),
            None if target.virtual_port == default => write!(out, "Host: {host}\r\n"),
            None => write!(out, "Host: {host}:{}\r\n", target.virtual_port),
        };
    }
    for header in &settings.headers {
        if !forced.is_some_and(|forced| std::ptr::eq(forced, header)) {
            let _ = write!(out, "{header}\r\n");
        }
    }
    for (name, value) in [
        ("Authorization", &settings.user),
        ("Proxy-Authorization", &settings.proxy_user),
    ] {
        if !value.is_empty() {
            let _ = write!(out, "{name}: Basic {}\r\n", base64(value.as_bytes()));
        }
    }
    match &settings.post {
        Some(post) => {
            let content_type = settings
                .content_type
                .as_deref()
                .unwrap_or("application/x-www-form-urlencoded");
            let _ = write!(
                out,
                "Content-Type: {content_type}\r\nContent-Length: {}\r\n\r\n{post}",
                post.len()
            );
        }
        None => out.push_str("\r\n"),
    }
    out
}
