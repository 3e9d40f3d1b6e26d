//! The one place that reads the clocks, and notices when the wall clock moved against the monotonic one.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::{base::time::Timestamp, domain::engine::input::Input};

/// Smaller steps are ordinary corrections.
const JUMP: Duration = Duration::from_secs(10);

/// The wall clock.
pub fn now() -> Timestamp {
    let span = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(i64::try_from(span.as_millis()).unwrap_or(i64::MAX))
}

/// Compares the two clocks. A machine that slept looks like a jump forwards: the monotonic clock stands still meanwhile.
#[derive(Debug)]
pub struct Watch {
    wall: Timestamp,
    monotonic: Instant,
}

impl Watch {
    pub fn new() -> Self {
        Self {
            wall: now(),
            monotonic: Instant::now(),
        }
    }

    /// The jump since the last look, if there was one.
    pub fn look(&mut self) -> Option<Input> {
        let (wall, monotonic) = (now(), Instant::now());
        let expected = self.wall + monotonic.duration_since(self.monotonic);
        self.wall = wall;
        self.monotonic = monotonic;
        let (forward, by) = if expected < wall {
            (true, wall.since(expected))
        } else {
            (false, expected.since(wall))
        };
        (JUMP <= by).then_some(Input::ClockJump { forward, by })
    }
}

impl Default for Watch {
    fn default() -> Self {
        Self::new()
    }
}
