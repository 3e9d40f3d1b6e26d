//! Deliveries that were taken already: the same again changes nothing, and a copy under another name is a replay.

use std::{
    collections::{HashMap, VecDeque},
    fmt::Write as _,
    time::Duration,
};

use sha2::{Digest, Sha256};

use crate::base::time::Timestamp;
pub use crate::domain::model::change::Heard;

/// How long deliveries are remembered.
pub const KEEP: Duration = Duration::from_secs(7 * 86_400);
/// Deliveries remembered at most; the oldest go first.
pub const MAX: usize = 50_000;

/// What is known of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    New,
    /// The very same was taken at that time.
    Again(Timestamp),
    /// Somebody plays a copy; why we think so, in a sentence.
    Replayed(String),
}

/// Deliveries of the last days.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    by_id: HashMap<(String, String), (String, Timestamp)>,
    by_digest: HashMap<(String, String), (String, Timestamp)>,
    order: VecDeque<Heard>,
}

impl Seen {
    /// Those that the store remembers, the oldest first.
    pub fn restored(heard: Vec<Heard>) -> Self {
        let mut seen = Self::default();
        for one in heard {
            seen.add(one);
        }
        seen
    }

    pub fn look(&self, heard: &Heard) -> Known {
        let own = (heard.source.clone(), heard.id.clone());
        if let Some((digest, at)) = self.by_id.get(&own) {
            return if *digest == heard.digest {
                Known::Again(*at)
            } else {
                Known::Replayed(format!(
                    "delivery `{}` was taken at {at} with another body",
                    heard.id
                ))
            };
        }
        if heard.signed
            && let Some((id, at)) = self
                .by_digest
                .get(&(heard.source.clone(), heard.digest.clone()))
        {
            return Known::Replayed(format!(
                "the same signed body was taken at {at} as delivery `{id}`"
            ));
        }
        Known::New
    }

    pub fn add(&mut self, heard: Heard) {
        while self.order.len() >= MAX
            || self
                .order
                .front()
                .is_some_and(|oldest| oldest.at + KEEP < heard.at)
        {
            let Some(oldest) = self.order.pop_front() else {
                break;
            };
            self.by_id.remove(&(oldest.source.clone(), oldest.id));
            self.by_digest.remove(&(oldest.source, oldest.digest));
        }
        self.by_id.insert(
            (heard.source.clone(), heard.id.clone()),
            (heard.digest.clone(), heard.at),
        );
        self.by_digest.insert(
            (heard.source.clone(), heard.digest.clone()),
            (heard.id.clone(), heard.at),
        );
        self.order.push_back(heard);
    }
}

/// The SHA-256 of a body in hex.
pub fn digest(body: &[u8]) -> String {
    Sha256::digest(body)
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(id: &str, body: &str, at: i64, signed: bool) -> Heard {
        Heard {
            source: "github".into(),
            id: id.into(),
            digest: digest(body.as_bytes()),
            signed,
            at: Timestamp::from_secs(at),
        }
    }

    #[test]
    fn the_same_again_is_no_replay_but_a_copy_is() {
        let mut seen = Seen::default();
        let first = heard("d-1", "a", 10, true);
        assert_eq!(seen.look(&first), Known::New);
        seen.add(first.clone());
        assert_eq!(seen.look(&first), Known::Again(Timestamp::from_secs(10)));
        for copy in [heard("d-2", "a", 20, true), heard("d-1", "b", 20, true)] {
            assert!(matches!(seen.look(&copy), Known::Replayed(_)), "{copy:?}");
        }
        // Whoever has the token could say anything, so a body that comes twice proves nothing.
        assert_eq!(seen.look(&heard("d-2", "a", 20, false)), Known::New);
        let other = Heard {
            source: "gitlab".into(),
            ..first
        };
        assert_eq!(seen.look(&other), Known::New);
    }

    #[test]
    fn after_a_week_it_is_forgotten_and_memory_is_bounded() {
        let mut seen = Seen::default();
        seen.add(heard("d-1", "a", 0, true));
        seen.add(heard("d-2", "b", 8 * 86_400, true));
        assert_eq!(seen.look(&heard("d-1", "a", 8 * 86_400, true)), Known::New);
        for number in 0..MAX + 10 {
            seen.add(heard(
                &format!("n-{number}"),
                &number.to_string(),
                8 * 86_400,
                true,
            ));
        }
        assert_eq!((seen.by_id.len(), seen.order.len()), (MAX, MAX));
    }
}
