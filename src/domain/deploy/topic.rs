//! What a plugin's words are about, where that speaks for or against a deploy: some things no deploy does.

/// Told by words that plugins of all kinds use; where none of them stands, nothing is concluded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Topic {
    #[default]
    Other,
    /// A certificate, a licence or a domain ran out: that day was known before.
    Expiry,
    /// A disk is full, or nearly.
    Space,
    /// The way of looking failed, not what is looked at: an agent on the host does not answer.
    Agent,
}

/// So much of an output is read, in bytes.
const READ: usize = 300;

impl Topic {
    /// Of a plugin's first line.
    pub fn of(output: &str) -> Self {
        let end = (0..=READ.min(output.len()))
            .rfind(|at| output.is_char_boundary(*at))
            .unwrap_or(0);
        let text = output[..end].to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if says(&["expir"]) && says(&["certificat", "licen", "domain", "ssl"]) {
            Self::Expiry
        } else if says(&[
            "disk ",
            "free space",
            "inode",
            "no space left",
            "filesystem",
        ]) {
            Self::Space
        } else if says(&["nrpe", "agent", "no data", "snmp"]) {
            Self::Agent
        } else {
            Self::Other
        }
    }

    /// Why no deploy is thought to have done it; None: one may have.
    pub const fn why_not(self) -> Option<&'static str> {
        match self {
            Self::Expiry => Some("something expired, and its day was known before"),
            Self::Space => Some("a disk is full, which deploys seldom do"),
            Self::Agent => Some("the agent on the host does not answer, so nothing was measured"),
            Self::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_say_what_it_is_about() {
        for (output, topic) in [
            (
                "CRITICAL - Certificate 'shop.example' expired on Mon 02 Mar 2026",
                Topic::Expiry,
            ),
            ("SSL CRITICAL: expires in 2 days", Topic::Expiry),
            ("DISK CRITICAL - free space: / 12 MiB (0%)", Topic::Space),
            ("CHECK_NRPE: Socket timeout after 10 seconds.", Topic::Agent),
            ("HTTP CRITICAL - session expired", Topic::Other),
            (
                "HTTP CRITICAL: HTTP/1.1 503 Service Unavailable",
                Topic::Other,
            ),
            ("", Topic::Other),
        ] {
            assert_eq!(Topic::of(output), topic, "{output}");
        }
    }

    #[test]
    fn long_and_foreign_words_are_cut_without_harm() {
        assert_eq!(Topic::of(&"é".repeat(500)), Topic::Other);
    }
}
