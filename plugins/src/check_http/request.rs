//! What is sent, byte by byte as the real one sends it.

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

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * at) & 0x3f) as usize];
            out.push(if three.len() < at {
                '='
            } else {
                char::from(letter)
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn base64_of_all_lengths() {
        for (text, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("user:pass~", "dXNlcjpwYXNzfg=="),
        ] {
            assert_eq!(super::base64(text.as_bytes()), encoded);
        }
    }
}
