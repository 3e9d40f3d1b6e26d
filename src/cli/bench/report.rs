//! All figures of one bench; its JSON is what scripts read, so fields are added and never renamed.

use serde::Serialize;

use super::{
    compare, engine, history, livestatus, load, machine, machine::Machine, memory, micro,
    plugin::Plugin, plugins, probes, reload,
};

/// Parts that were not asked for are empty.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub version: &'static str,
    /// `release`, or `debug`, whose figures mean little.
    pub build: &'static str,
    pub machine: Machine,
    pub plugin: String,
    pub load: Vec<load::Row>,
    pub plugins: Option<plugins::Figures>,
    pub memory: Vec<memory::Row>,
    pub engine: Vec<engine::Row>,
    pub history: Option<history::Figures>,
    pub livestatus: Vec<livestatus::Row>,
    /// The same, and the API, of a whole daemon at work.
    pub status: Vec<livestatus::Row>,
    pub probes: Option<probes::Figures>,
    pub reload: Vec<reload::Row>,
    pub micro: Vec<micro::Row>,
    pub compare: Option<compare::Figures>,
}

impl Report {
    pub fn new(plugin: &Plugin) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            build: if cfg!(debug_assertions) {
                "debug"
            } else {
                "release"
            },
            machine: machine::look(),
            plugin: plugin.line.clone(),
            load: Vec::new(),
            plugins: None,
            memory: Vec::new(),
            engine: Vec::new(),
            history: None,
            livestatus: Vec::new(),
            status: Vec::new(),
            probes: None,
            reload: Vec::new(),
            micro: Vec::new(),
            compare: None,
        }
    }
}
