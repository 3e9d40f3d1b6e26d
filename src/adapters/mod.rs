//! Everything that touches the world. Siblings here do not know one another; the daemon joins them.

pub mod exec;
pub mod feed_files;
pub mod history;
pub mod nagios;
pub mod send;
pub mod serve;
pub mod store;
