//! The functions of Icinga's language that rules of assignment use.

use std::net::IpAddr;

use super::{super::pattern::Pattern, value::Value};

/// Words that stand for themselves: states and types of notifications.
pub const WORDS: &[&str] = &[
    "OK",
    "Warning",
    "Critical",
    "Unknown",
    "Up",
    "Down",
    "Problem",
    "Acknowledgement",
    "Recovery",
    "Custom",
    "FlappingStart",
    "FlappingEnd",
    "DowntimeStart",
    "DowntimeEnd",
    "DowntimeRemoved",
    "MatchAll",
    "MatchAny",
    "HostUp",
    "HostDown",
    "ServiceOK",
    "ServiceWarning",
    "ServiceCritical",
    "ServiceUnknown",
];

/// What a function gives.
pub fn call(name: &str, arguments: &[Value]) -> Value {
    let result = match (name, arguments) {
        ("match", [pattern, text, mode @ ..]) => {
            return matches(text, mode, |text| Ok(glob(&shown(pattern), text)));
        }
        ("regex", [pattern, text, mode @ ..]) => {
            return matches(text, mode, |text| {
                let pattern = plain_classes(&shown(pattern));
                Pattern::parse(&pattern)
                    .map(|pattern| pattern.found_in(text))
                    .map_err(|why| format!("this regular expression is not understood: {why}"))
            });
        }
        ("cidr_match", [network, text, mode @ ..]) => {
            return matches(text, mode, |text| Ok(is_within(&shown(network), text)));
        }
        ("len", [value]) => length(value),
        ("string", [value]) => value
            .scalar()
            .or_else(|| value.is_null().then(String::new))
            .map(Value::Text),
        ("number", [value]) => value.number().map(Value::Number),
        ("bool", [value]) => Some(Value::Flag(value.is_true())),
        ("keys", [Value::Map(map)]) => Some(Value::List(map.keys().map(Value::text).collect())),
        ("union", lists) => {
            let mut all: Vec<Value> = Vec::new();
            for item in lists.iter().flat_map(Value::items) {
                if !all.contains(item) {
                    all.push(item.clone());
                }
            }
            Some(Value::List(all))
        }
        ("intersection", [first, more @ ..]) => {
            let kept = first
                .items()
                .iter()
                .filter(|item| more.iter().all(|list| list.items().contains(item)));
            Some(Value::List(kept.cloned().collect()))
        }
        _ => None,
    };
    result.unwrap_or_else(|| Value::Unknown(format!("the function `{name}` is run by Icinga only")))
}

/// What a method of a value gives.
pub fn method(of: &Value, name: &str, arguments: &[Value]) -> Value {
    let result = match (of, name, arguments) {
        (Value::Unknown(why), ..) => return Value::Unknown(why.clone()),
        (Value::Null, ..) => Some(Value::Null),
        (of, "len", []) => length(of),
        (Value::List(items), "contains", [item]) => Some(Value::Flag(items.contains(item))),
        (Value::Map(map), "contains", [key]) => Some(Value::Flag(map.contains_key(&shown(key)))),
        (Value::Map(map), "get", [key]) => {
            Some(map.get(&shown(key)).cloned().unwrap_or(Value::Null))
        }
        (Value::Map(map), "keys", []) => Some(Value::List(map.keys().map(Value::text).collect())),
        (Value::Map(map), "values", []) => Some(Value::List(map.values().cloned().collect())),
        (Value::List(items), "join", [by]) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            Some(Value::Text(items.join(&shown(by))))
        }
        (Value::Text(text), "lower", []) => Some(Value::Text(text.to_lowercase())),
        (Value::Text(text), "upper", []) => Some(Value::Text(text.to_uppercase())),
        (Value::Text(text), "trim", []) => Some(Value::text(text.trim())),
        (Value::Text(text), "contains", [part]) => Some(Value::Flag(text.contains(&shown(part)))),
        (Value::Text(text), "replace", [old, new]) if !shown(old).is_empty() => {
            Some(Value::Text(text.replace(&shown(old), &shown(new))))
        }
        // Each of these characters parts.
        (Value::Text(text), "split", [by]) => {
            let by = shown(by);
            Some(Value::List(
                text.split(|c| by.contains(c)).map(Value::text).collect(),
            ))
        }
        (of, "to_string", []) => of.scalar().map(Value::Text),
        _ => None,
    };
    result.unwrap_or_else(|| {
        Value::Unknown(format!("`{name}()` of {} is run by Icinga only", of.kind()))
    })
}

fn shown(value: &Value) -> String {
    value.scalar().unwrap_or_default()
}

fn length(value: &Value) -> Option<Value> {
    let length = match value {
        Value::Text(text) => text.len(),
        Value::List(items) => items.len(),
        Value::Map(map) => map.len(),
        Value::Null => 0,
        _ => return None,
    };
    u32::try_from(length)
        .ok()
        .map(|length| Value::Number(length.into()))
}

/// Whether all texts match, or with `MatchAny` one of them.
fn matches(text: &Value, mode: &[Value], test: impl Fn(&str) -> Result<bool, String>) -> Value {
    let any = mode.first().and_then(Value::as_text) == Some("MatchAny");
    let texts: Vec<String> = match text {
        Value::List(items) => items.iter().map(shown).collect(),
        one => vec![shown(one)],
    };
    let mut found = false;
    for text in &texts {
        match test(text) {
            Err(why) => return Value::Unknown(why),
            Ok(true) if any => return Value::Flag(true),
            Ok(false) if !any => return Value::Flag(false),
            Ok(one) => found = one,
        }
    }
    Value::Flag(found)
}

/// `*` and `?` as shells have them; case does not count, as in Icinga.
fn glob(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                back = Some((p, t));
                p += 1;
            }
            Some('?') => {
                p += 1;
                t += 1;
            }
            Some('\\') if pattern.get(p + 1) == Some(&text[t]) => {
                p += 2;
                t += 1;
            }
            Some(c) if *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match back {
                Some((star, from)) => {
                    p = star + 1;
                    t = from + 1;
                    back = Some((star, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Classes of Perl in words of POSIX, and groups that catch nothing as plain ones.
fn plain_classes(pattern: &str) -> String {
    pattern
        .replace("\\d", "[0-9]")
        .replace("\\w", "[A-Za-z0-9_]")
        .replace("\\s", "[[:space:]]")
        .replace("(?:", "(")
}

/// Whether an address is within `network/bits`.
fn is_within(network: &str, address: &str) -> bool {
    let (network, bits) = network.split_once('/').unwrap_or((network, "128"));
    let (Ok(network), Ok(address), Ok(bits)) = (
        network.parse::<IpAddr>(),
        address.parse::<IpAddr>(),
        bits.parse::<u32>(),
    ) else {
        return false;
    };
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let shift = 32 - bits.min(32);
            u64::from(network.to_bits()) >> shift == u64::from(address.to_bits()) >> shift
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let shift = 128 - bits.min(128);
            shift == 128 || network.to_bits() >> shift == address.to_bits() >> shift
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_match_as_in_icinga() {
        for (pattern, text, expected) in [
            ("web*", "web1", true),
            ("WEB*", "web1", true),
            ("*b*1", "web-b-1", true),
            ("w?b", "web", true),
            ("w?b", "weeb", false),
            ("*", "", true),
            ("\\*", "*", true),
            ("a*b", "acbd", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn lists_match_wholly_or_in_part() {
        let list = Value::List(vec![Value::text("web1"), Value::text("db1")]);
        let pattern = Value::text("web*");
        assert_eq!(
            call("match", &[pattern.clone(), list.clone()]),
            Value::Flag(false)
        );
        assert_eq!(
            call("match", &[pattern.clone(), list, Value::text("MatchAny")]),
            Value::Flag(true)
        );
        assert_eq!(
            call("match", &[pattern, Value::List(Vec::new())]),
            Value::Flag(false)
        );
    }

    #[test]
    fn networks_hold_addresses() {
        for (network, address, expected) in [
            ("10.0.0.0/8", "10.9.9.9", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "11.0.0.1", true),
            ("2001:db8::/32", "2001:db8::1", true),
            ("::/0", "::1", true),
            ("2001:db8::/32", "10.0.0.1", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("rubbish", "10.0.0.1", false),
        ] {
            assert_eq!(is_within(network, address), expected, "{network} {address}");
        }
    }
}
