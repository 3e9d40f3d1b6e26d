//! `/etc/resolv.conf` as nslookup reads it.

use std::net::IpAddr;

#[derive(Debug, Default, PartialEq, Eq)]
pub struct ResolvConf {
    pub servers: Vec<IpAddr>,
    /// Domains to try a short name in.
    pub search: Vec<String>,
    /// A name with so many dots is tried as it is first.
    pub dots: usize,
    /// `timeout:` in seconds, and `attempts:`.
    pub patience: Option<u64>,
    pub attempts: Option<u32>,
}

/// Longer ones nobody wrote by hand.
const MOST_READ: u64 = 64 << 10;

/// nslookup takes no more.
const MOST_DOMAINS: usize = 6;

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
    let mut searched = false;
    for line in text.lines() {
        let line = line.split([';', '#']).next().unwrap_or_default();
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            None => {}
            Some("nameserver") => found.servers.push(words.next()?.parse().ok()?),
            Some("search" | "domain") => {
                // Of several lines one wins.
                if searched {
                    return None;
                }
                searched = true;
                found.search = words.map(str::to_owned).collect();
                if found.search == ["."] {
                    found.search.clear();
                }
                if MOST_DOMAINS < found.search.len() {
                    return None;
                }
            }
            Some("options") => {
                let options: Vec<&str> = words.collect();
                // nslookup does not start then.
                if options.is_empty() {
                    return None;
                }
                for option in options {
                    match option.split_once(':') {
                        Some(("ndots", number)) => found.dots = within(number, 0..=15)?,
                        Some(("timeout", number)) => found.patience = Some(within(number, 1..=30)?),
                        Some(("attempts", number)) => found.attempts = Some(within(number, 1..=5)?),
                        Some(_) => return None,
                        // Those are the C library's alone.
                        None => {}
                    }
                }
            }
            Some(_) => return None,
        }
    }
    Some(found)
}

fn within<N: std::str::FromStr + PartialOrd>(
    text: &str,
    range: std::ops::RangeInclusive<N>,
) -> Option<N> {
    text.parse().ok().filter(|number| range.contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_one() {
        let found = parse(
            "# a comment\nnameserver 192.0.2.1\nnameserver ::1 # another\nsearch a.test b.test\noptions edns0 ndots:2 timeout:1\noptions rotate attempts:2\n",
        )
        .expect("known");
        assert_eq!(found.servers.len(), 2);
        assert_eq!(found.search, ["a.test", "b.test"]);
        assert_eq!(found.dots, 2);
        assert_eq!((found.patience, found.attempts), (Some(1), Some(2)));
        assert_eq!(parse("").expect("empty").dots, 1);
        let root = parse("search .\n").expect("nothing to search");
        assert!(root.search.is_empty());
        for unknown in [
            "nameserver fe80::1%eth0",
            "sortlist 1.2.3.4",
            "search a\ndomain b",
            "options timeout:0",
            "options",
            "options other:1",
            "nameserver",
        ] {
            assert_eq!(parse(unknown), None, "{unknown}");
        }
    }
}
