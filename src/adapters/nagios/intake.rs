//! Results that others found, on their way to the hub: from files, from `send_nsca`.

use std::{future::Future, pin::Pin, sync::Arc};

use crate::{
    base::time::Timestamp,
    domain::{
        model::{
            job::{CheckResult, Source},
            state::{ObjectName, State},
        },
        plugin,
    },
};

/// What became of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Taken, and that is durable.
    Taken,
    /// Refused; handing it in again does not help. The hub has it in its history.
    Refused(String),
    /// Nobody can say; to be handed in again.
    Unavailable(String),
}

/// Verdicts in the order of the results.
pub type Verdicts = Pin<Box<dyn Future<Output = Vec<Verdict>> + Send>>;

/// The way to the hub. Results of one call are taken in their order.
pub type Hand = Arc<dyn Fn(Vec<CheckResult>) -> Verdicts + Send + Sync>;

/// So many results are handed in at once; the hub runs plugins in between.
pub const BATCH: usize = 256;

/// A result as its sender words it.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    pub host: &'a str,
    /// None: of the host itself.
    pub check: Option<&'a str>,
    pub code: i32,
    /// With real line ends.
    pub text: &'a str,
    /// When it was found.
    pub at: Timestamp,
}

impl Said<'_> {
    /// A passive result (1.3): a check's code beyond 3 is UNKNOWN, a host's beyond 2 is refused. The error is a sentence.
    pub fn passive(self) -> Result<CheckResult, String> {
        let state = match (self.check, self.code) {
            (Some(_), code) => State::of_check_code(code),
            (None, 0) => State::Up,
            (None, 1) => State::Down,
            (None, 2) => State::Unreachable,
            (None, code) => {
                return Err(format!(
                    "a host's code is 0 (UP), 1 (DOWN) or 2 (UNREACHABLE), not {code}"
                ));
            }
        };
        self.found(state, Source::Passive)
    }

    pub(super) fn found(self, state: State, source: Source) -> Result<CheckResult, String> {
        if self.host.is_empty() || self.check.is_some_and(str::is_empty) {
            return Err("it names no host, or no check".to_owned());
        }
        let object = ObjectName {
            host: self.host.into(),
            check: self.check.map(Into::into),
        };
        Ok(CheckResult {
            source,
            ..plugin::passive(object, state, self.text, self.at)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passive_result_is_read_as_nagios_reads_it() {
        let said = |check, code| Said {
            host: "web1",
            check,
            code,
            text: "one; two | a=1\nthree | b=2",
            at: Timestamp::from_secs(7),
        };
        let result = said(Some("http"), 9).passive().expect("it is taken");
        assert_eq!(result.state, State::Unknown);
        assert_eq!(&*result.output, "one: two");
        assert_eq!(&*result.long_output, "three ");
        assert_eq!(&*result.perfdata, "a=1 b=2");
        assert_eq!(
            said(None, 2).passive().expect("taken").state,
            State::Unreachable
        );
        assert!(said(None, 3).passive().is_err());
        assert!(said(Some(""), 0).passive().is_err());
    }
}
