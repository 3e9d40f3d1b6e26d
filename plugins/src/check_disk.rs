//! Not yet.
use crate::{Foreign, Probe};
pub(crate) fn prepare(_: &str, _: &[String]) -> Result<Probe, Foreign> {
    Err(Foreign::unhandled("not yet"))
}
