//! The other end of a check: the host as the plugins' `is_host` takes it, and what it sends as C's strings have it.

use std::{borrow::Cow, net::SocketAddr, time::Duration};

use crate::{
    Foreign,
    net::{self, Family},
    threshold,
};

/// The plugins look a host's name up while they read their arguments, before their own timeout runs: so long it may
/// take.
const LONGEST_LOOKUP: Duration = Duration::from_secs(60);

/// Its addresses. The real plugin has several sentences for a host that has none, each with its usage.
pub async fn addresses(host: &str, port: i64, family: Family) -> Result<Vec<SocketAddr>, Foreign> {
    // As the C library makes a port of a longer number.
    let port = u16::try_from(port % 65_536).unwrap_or_default();
    let found = tokio::time::timeout(LONGEST_LOOKUP, net::resolve(host, port, family)).await;
    match found {
        Ok(addresses) if !addresses.is_empty() => Ok(addresses),
        _ => Err(Foreign::unhandled(format!(
            "`{host}` is no host that we can find"
        ))),
    }
}

/// Bytes up to the first zero.
pub fn c_string(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Without blanks and line ends behind (the plugins' `strip`).
pub fn strip(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t' | b'\r' | b'\n'] = bytes {
        bytes = rest;
    }
    bytes
}

pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// A number that the plugins' `is_intpos` takes.
pub fn positive(value: &str, else_say: &str) -> Result<i64, Foreign> {
    let number = threshold::whole(value);
    if threshold::is_count(value) && 0 < number && number <= i64::from(i32::MAX) {
        Ok(number)
    } else {
        Err(Foreign::usage(format!("{else_say} - {value}")))
    }
}

/// Operands and options as they were given, with `-to` and its like as the short options that they stand for.
pub fn without_old_spellings(args: &[String]) -> Vec<String> {
    args.iter()
        .map(|arg| match &**arg {
            "-to" => "-t".to_owned(),
            "-wt" => "-w".to_owned(),
            "-ct" => "-c".to_owned(),
            _ => arg.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_as_c_has_them() {
        assert_eq!(c_string(b"ab\0c"), b"ab");
        assert_eq!(c_string(b""), b"");
        assert_eq!(strip(b"a b \t\r\n"), b"a b");
        assert_eq!(strip(b" \n"), b"");
    }
}
