//! `/etc/resolv.conf` as nslookup reads it.

use std::net::IpAddr;

#[derive(Debug, Default, PartialEq, Eq)]
pub struct ResolvConf {
    pub servers: Vec<IpAddr>,
    /// There are domains to try a name in.
    pub searches: bool,
    /// A name with so many dots is tried as it is first.
    pub dots: usize,
}

/// Longer ones nobody wrote by hand.
const MOST_READ: u64 = 64 << 10;

/// None: there is none, or one with something in it that may mean more to nslookup than to us.
pub fn load() -> Option<ResolvConf> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open("/etc/resolv.conf")
        .ok()?
        .take(MOST_READ)
        .read_to_string(&mut text)
        .ok()?;
    parse(&text)
}

fn parse(text: &str) -> Option<ResolvConf> {
    let mut found = ResolvConf {
        dots: 1,
        ..ResolvConf::default()
    };
    for line in text.lines() {
        let line = line.split([';', '#']).next().unwrap_or_default();
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            None => {}
            Some("nameserver") => found.servers.push(words.next()?.parse().ok()?),
            Some("search" | "domain") => {
                found.searches |= words.next().is_some_and(|word| word != ".");
            }
            Some("options") => {
                for option in words {
                    match option.split_once(':') {
                        Some(("ndots", dots)) => found.dots = dots.parse().ok()?,
                        // Those are the C library's alone.
                        None if matches!(
                            option,
                            "edns0" | "trust-ad" | "single-request" | "single-request-reopen"
                        ) => {}
                        _ => return None,
                    }
                }
            }
            Some(_) => return None,
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_one() {
        let found = parse(
            "# a comment\nnameserver 192.0.2.1\nnameserver ::1 # another\nsearch a.test b.test\noptions edns0 ndots:2\n",
        )
        .expect("known");
        assert_eq!(found.servers.len(), 2);
        assert!(found.searches);
        assert_eq!(found.dots, 2);
        assert_eq!(parse("").expect("empty").dots, 1);
        assert!(!parse("search .\n").expect("nothing to search").searches);
        for unknown in [
            "nameserver fe80::1%eth0",
            "sortlist 1.2.3.4",
            "options timeout:1",
            "nameserver",
        ] {
            assert_eq!(parse(unknown), None, "{unknown}");
        }
    }
}
