//! A network for tests that loses, delays and doubles.

use std::{collections::VecDeque, io, net::SocketAddr, time::Duration};

use super::{Event, Transport, What};

/// What becomes of each packet, in the order of their sending: after so many milliseconds, this.
pub(crate) struct Fake {
    fates: VecDeque<Vec<(u64, What)>>,
    coming: Vec<(tokio::time::Instant, Event)>,
    sent: u64,
    /// Nothing is sent, and this is why.
    pub(crate) refusal: Option<io::ErrorKind>,
}

impl Transport for Fake {
    fn send(&mut self, _to: SocketAddr, tag: usize, _data: usize) -> io::Result<u64> {
        if let Some(kind) = self.refusal {
            return Err(io::Error::from(kind));
        }
        self.sent += 1;
        for (after, what) in self.fates.pop_front().unwrap_or_default() {
            let event = Event {
                tag,
                number: self.sent,
                what,
            };
            let at = tokio::time::Instant::now() + Duration::from_millis(after);
            self.coming.push((at, event));
        }
        self.coming.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        Ok(self.sent)
    }

    async fn event(&mut self) -> Event {
        let Some((at, _)) = self.coming.last() else {
            return std::future::pending().await;
        };
        tokio::time::sleep_until(*at).await;
        self.coming.pop().expect("it was there").1
    }
}

impl Fake {
    pub(crate) fn new(fates: &[&[(u64, What)]]) -> Self {
        Self {
            fates: fates.iter().map(|fate| fate.to_vec()).collect(),
            coming: Vec::new(),
            sent: 0,
            refusal: None,
        }
    }
}
