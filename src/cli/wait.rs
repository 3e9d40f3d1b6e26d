//! Waiting for an answer of the daemon to become the one that is wanted; what changes meanwhile is told once.

use std::time::{Duration, Instant};

use super::{
    client::Trouble,
    out::{Failure, clean, warn},
};

/// How long the daemon is let wait at a time.
const LOOK: Duration = Duration::from_secs(20);
/// Between two tries while it does not answer.
const PAUSE: Duration = Duration::from_secs(5);

/// Asks until the answer is `done` or the time is over; the last answer. `look` is given how long the daemon may wait
/// for a better one.
pub async fn until<T, L: Future<Output = Result<T, Trouble>>>(
    span: Duration,
    look: impl Fn(Duration) -> L,
    done: impl Fn(&T) -> bool,
    words: impl Fn(&T) -> String,
) -> Result<T, Failure> {
    let end = Instant::now() + span;
    let mut told = String::new();
    loop {
        let left = end.saturating_duration_since(Instant::now());
        // The first answer comes at once: who waits learns for what.
        let patience = if told.is_empty() {
            Duration::ZERO
        } else {
            left.min(LOOK)
        };
        let asked = look(patience).await;
        let left = end.saturating_duration_since(Instant::now());
        let news = match asked {
            Ok(view) if done(&view) || left.is_zero() => return Ok(view),
            Ok(view) => words(&view),
            // A daemon that is being restarted comes back.
            Err(trouble @ Trouble::Unreachable(_)) if !left.is_zero() => {
                tokio::time::sleep(PAUSE.min(left)).await;
                trouble.text().to_owned()
            }
            Err(trouble) => return Err(failure(trouble)),
        };
        if news != told {
            warn(&clean(news.trim_end()));
            told = news;
        }
    }
}

/// An app that is not known is wrong use: no answer about it can be right.
pub fn failure(trouble: Trouble) -> Failure {
    match trouble {
        Trouble::Refused {
            status: 400 | 404,
            text,
            ..
        } => Failure::Usage(text),
        other => other.into(),
    }
}
