//! As much of the DNS as a lookup needs: messages, the resolver's settings, and asking one server.

pub mod ask;
pub mod message;
pub mod resolv_conf;
