//! What tools made for Nagios rely on: pipe, log, spool, status files, performance data, Livestatus, NSCA, NRDP.
//! Never decides anything: all of it reads the [`mirror`], or hands text to the hub.

mod brief;
mod cache_file;
pub mod intake;
pub mod livestatus;
pub mod log;
pub mod mirror;
mod named;
pub mod nsca;
pub mod perfdata;
pub mod pictures;
pub mod pipe;
pub mod spool;
mod status_file;

/// A line as the command pipe takes it, `[epoch] NAME;arg;...`, on its way to the hub. What is wrong with it is said in
/// the log, as Nagios does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    pub line: String,
    /// Where it came in: `pipe`, `livestatus`, ...; for the audit.
    pub from: &'static str,
}

/// The way of external commands to the hub: bounded, so whoever writes faster than they are taken waits.
pub type ToHub = tokio::sync::mpsc::Sender<External>;
