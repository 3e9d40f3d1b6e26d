//! Numbers and times as `check_icmp` reads them: with C's `strtoul`, and in units of its own.

/// As C's `strtoul` with base 0 (so that `0x10` and `010` are what they are in C), and what follows the number.
pub(super) fn unsigned(text: &str) -> (u64, &str) {
    let trimmed = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let (negative, digits) = match trimmed.as_bytes().first() {
        Some(b'-') => (true, &trimmed[1..]),
        Some(b'+') => (false, &trimmed[1..]),
        _ => (false, trimmed),
    };
    let hexadecimal = digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"))
        .filter(|rest| rest.starts_with(|letter: char| letter.is_ascii_hexdigit()));
    let (base, digits) = match hexadecimal {
        Some(rest) => (16, rest),
        None if digits.starts_with('0') => (8, digits),
        None => (10, digits),
    };
    let end = digits
        .find(|letter: char| !letter.is_digit(base))
        .unwrap_or(digits.len());
    if end == 0 {
        return (0, text);
    }
    // Too large: the largest, whatever its sign.
    let value = match u64::from_str_radix(&digits[..end], base) {
        Ok(value) if negative => value.wrapping_neg(),
        Ok(value) => value,
        Err(_) => u64::MAX,
    };
    (value, &digits[end..])
}

/// Microseconds of a time in `us`, `ms` (without a unit, too) or `s`, in 32 bits that may run over. The real one counts
/// a fraction by its first digits' worth, so that `.25` is two and a half tenths, and `.05` is five; so do we.
pub(super) fn time(text: &str) -> u32 {
    let bytes = text.as_bytes();
    let Some(&last) = bytes.last() else { return 0 };
    let before = bytes
        .len()
        .checked_sub(2)
        .map(|at| bytes[at])
        .filter(|letter| !letter.is_ascii_digit());
    let unit = match before {
        Some(before) if last == b's' => before,
        _ => last,
    };
    let factor: u32 = match unit {
        b'u' => 1,
        b's' => 1_000_000,
        _ => 1000,
    };
    let (whole, rest) = unsigned(text);
    let whole = low(whole).wrapping_mul(factor);
    if factor == 1 || !rest.starts_with('.') || rest.len() < 2 {
        return whole;
    }
    let mut fraction = low(unsigned(&rest[1..]).0);
    while factor <= fraction {
        fraction /= 10;
    }
    whole.wrapping_add(fraction.wrapping_mul(factor / 10))
}

fn low(value: u64) -> u32 {
    let [.., a, b, c, d] = value.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_c_reads_them() {
        for (text, value, rest) in [
            ("5", 5, ""),
            (" +12x", 12, "x"),
            ("0x1F", 31, ""),
            ("0x", 0, "x"),
            ("010", 8, ""),
            ("08", 0, "8"),
            ("-1", u64::MAX, ""),
            ("abc", 0, "abc"),
            ("", 0, ""),
            ("99999999999999999999", u64::MAX, ""),
        ] {
            assert_eq!(unsigned(text), (value, rest), "{text}");
        }
    }

    #[test]
    fn times_as_check_icmp_reads_them() {
        for (text, micros) in [
            ("200", 200_000),
            ("200.25", 202_500),
            ("10ms", 10_000),
            ("10m", 10_000),
            ("1s", 1_000_000),
            ("1.5s", 1_500_000),
            ("500us", 500),
            ("500u", 500),
            ("", 0),
            ("abc", 0),
            ("5.", 5000),
            ("1.05", 1500),
            ("é", 0),
            ("5é", 5000),
        ] {
            assert_eq!(time(text), micros, "{text}");
        }
    }
}
