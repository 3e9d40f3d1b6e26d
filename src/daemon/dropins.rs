//! Starts the sockets for tools made for Nagios.

use std::sync::Arc;

use crate::{
    adapters::nagios::{
        ToHub,
        livestatus::{Livestatus, LogPlace, Options},
        mirror::Mirror,
    },
    config::Nagios,
};

use super::clock;

/// Binds the sockets for Livestatus queries, if any are wanted. The error is a sentence.
pub async fn livestatus(
    settings: &Nagios,
    mirror: Option<Arc<Mirror>>,
    to_hub: ToHub,
) -> Result<Option<Livestatus>, String> {
    let Some(mirror) = mirror else {
        return Ok(None);
    };
    if settings.livestatus.is_none() && settings.livestatus_listen.is_empty() {
        return Ok(None);
    }
    let options = Options {
        socket: settings.livestatus.clone(),
        listen: settings.livestatus_listen.clone(),
        log: settings.log.as_ref().map(|log| LogPlace {
            path: log.path.clone(),
            archive: log.archive.clone(),
        }),
        mirror,
        to_hub,
        clock: clock::now,
    };
    Livestatus::bind(options).await.map(Some)
}
