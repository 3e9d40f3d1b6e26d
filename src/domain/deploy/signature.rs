//! Tells one fault from another by the words of its output. Numbers, times and sizes do not count.

use std::collections::BTreeSet;

/// The words of a plugin's first line without numbers, lower case, at most 24 of them.
pub fn of(output: &str) -> String {
    let words: Vec<String> = output
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !word.chars().any(|c| c.is_ascii_digit()))
        .take(24)
        .map(str::to_lowercase)
        .collect();
    words.join(" ")
}

/// Two signatures tell of different faults: fewer than a third of their words are shared.
pub fn differ(a: &str, b: &str) -> bool {
    let (a, b): (BTreeSet<&str>, BTreeSet<&str>) = (a.split(' ').collect(), b.split(' ').collect());
    let shared = a.intersection(&b).count();
    let all = a.union(&b).count();
    3 * shared < all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_do_not_make_another_fault() {
        let a = of("HTTP CRITICAL - 502 Bad Gateway in 3.2 s");
        assert_eq!(a, "http critical bad gateway in s");
        assert!(!differ(&a, &of("HTTP CRITICAL - 502 Bad Gateway in 0.1 s")));
        assert!(differ(
            &of("Connection refused"),
            &of("HTTP CRITICAL - Internal Server Error")
        ));
    }
}
