//! Which parts of the deploy logic are on: all of them, except where a benchmark asks what one of them is worth.

/// True: as in the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Updated against not updated objects.
    pub votes: bool,
    /// Ruling deploys out.
    pub vetoes: bool,
    /// Checks beside the schedule when a deploy may be at fault.
    pub probing: bool,
    /// Correcting a page that has left.
    pub amendments: bool,
    /// What forbids or ends a hold because of how things stand around it.
    pub breakers: bool,
}

impl Default for Trial {
    fn default() -> Self {
        Self {
            votes: true,
            vetoes: true,
            probing: true,
            amendments: true,
            breakers: true,
        }
    }
}
