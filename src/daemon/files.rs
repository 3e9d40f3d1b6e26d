//! Starts what `[nagios]` asks for: files, pipes and sockets for tools made for Nagios.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinHandle};

use super::clock;
use crate::{
    adapters::nagios::{mirror::Mirror, pictures::Pictures},
    config::Nagios,
};

/// The longest wait for one part at the end.
const END_WAIT: Duration = Duration::from_secs(2);

/// The parts that run.
#[derive(Debug, Default)]
pub struct Files {
    tasks: Vec<JoinHandle<()>>,
}

impl Files {
    /// Starts what `settings` names; all of it ends by `stop`.
    pub fn start(
        settings: &Nagios,
        mirror: Option<Arc<Mirror>>,
        stop: &watch::Receiver<bool>,
    ) -> Self {
        let mut files = Self::default();
        if let Some(mirror) = mirror
            && (settings.status_file.is_some() || settings.object_cache_file.is_some())
        {
            let pictures = Pictures {
                status: settings.status_file.clone(),
                status_every: settings.status_every.max(Duration::from_millis(100)),
                cache: settings.object_cache_file.clone(),
                now: clock::now,
            };
            files.spawn(pictures.run(mirror, stop.clone()));
        }
        files
    }

    fn spawn(&mut self, part: impl Future<Output = ()> + Send + 'static) {
        self.tasks.push(tokio::spawn(part));
    }

    /// Waits for the ends of all parts.
    pub async fn finish(self) {
        for task in self.tasks {
            let _ = tokio::time::timeout(END_WAIT, task).await;
        }
    }
}
