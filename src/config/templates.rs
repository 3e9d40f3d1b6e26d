//! Templates in the order they apply: own keys first, then the first template listed with its own templates, then
//! the next, as Nagios does; last the defaults.

use std::collections::HashMap;

use super::{
    fault::{Fault, Sink},
    graph,
    names::Names,
    value::{Layers, Tab, Val},
};

/// More templates than this on one object are a mistake, and would cost time.
const MAX_LAYERS: usize = 64;

/// Each template with all it uses, in the order they apply.
#[derive(Default)]
pub(super) struct Templates<'d> {
    flat: HashMap<&'d str, Vec<Tab<'d>>>,
    /// `[defaults]`.
    pub check_defaults: Layers<'d>,
    /// `[defaults.host]`.
    pub host_defaults: Layers<'d>,
}

/// The layers of one object.
pub(super) struct Stack<'d> {
    pub layers: Layers<'d>,
    /// How many of the layers are the object's own table and its templates; the rest are defaults.
    pub own: usize,
}

impl<'d> Stack<'d> {
    /// What the object itself or a template says.
    pub fn specific(&self, key: &str) -> Option<Val<'d>> {
        self.layers.tabs[..self.own]
            .iter()
            .find_map(|tab| tab.get(key))
    }
}

impl<'d> Templates<'d> {
    pub fn collect(names: &Names<'d>, root: &Layers<'d>, sink: &mut Sink) -> Self {
        let mut listed: Vec<(&'d str, Tab<'d>)> = names
            .templates
            .iter()
            .map(|(name, tab)| (*name, *tab))
            .collect();
        listed.sort_unstable_by_key(|(_, tab)| (tab.file, tab.start));
        let place: HashMap<&str, usize> = listed
            .iter()
            .enumerate()
            .map(|(at, (name, _))| (*name, at))
            .collect();
        let uses = |tab: &Tab<'d>| -> Vec<usize> {
            let names = tab.get("use").into_iter().flat_map(Val::texts);
            names.filter_map(|name| place.get(name).copied()).collect()
        };
        let edges: Vec<Vec<usize>> = listed.iter().map(|(_, tab)| uses(tab)).collect();
        let walk = graph::walk(&edges);
        for circle in &walk.circles {
            sink.push(circle_fault(circle, &listed));
        }
        let mut flat: Vec<Vec<Tab<'d>>> = vec![Vec::new(); listed.len()];
        for at in walk.order {
            let mut tabs = vec![listed[at].1];
            for used in &edges[at] {
                extend(&mut tabs, &flat[*used]);
            }
            if MAX_LAYERS <= tabs.len() {
                let message = format!(
                    "template `{}` draws on {MAX_LAYERS} templates or more",
                    listed[at].0
                );
                sink.push(
                    Fault::new(listed[at].1.value_place("use"), message)
                        .help("flatten some of them"),
                );
            }
            flat[at] = tabs;
        }
        let flat = listed.iter().map(|(name, _)| *name).zip(flat).collect();
        let mut all = Self {
            flat,
            ..Self::default()
        };
        let check_defaults = root.sub("defaults");
        all.host_defaults = all.with_templates(&check_defaults.sub("host"));
        all.check_defaults = all.with_templates(&check_defaults);
        all
    }

    /// Defaults may use templates too.
    fn with_templates(&self, defaults: &Layers<'d>) -> Layers<'d> {
        let mut tabs = defaults.tabs.clone();
        for tab in &defaults.tabs {
            for name in tab.get("use").into_iter().flat_map(Val::texts) {
                extend(
                    &mut tabs,
                    self.flat.get(name).map(Vec::as_slice).unwrap_or_default(),
                );
            }
        }
        Layers { tabs }
    }

    /// The layers of a check.
    pub fn of_check(&self, tab: Tab<'d>) -> Stack<'d> {
        self.stack(tab, &self.check_defaults)
    }

    /// The layers of a host.
    pub fn of_host(&self, tab: Tab<'d>) -> Stack<'d> {
        self.stack(tab, &self.host_defaults)
    }

    fn stack(&self, tab: Tab<'d>, defaults: &Layers<'d>) -> Stack<'d> {
        let mut tabs = vec![tab];
        for name in tab.get("use").into_iter().flat_map(Val::texts) {
            tabs.extend(self.flat.get(name).into_iter().flatten());
        }
        let own = tabs.len();
        tabs.extend(&defaults.tabs);
        Stack {
            layers: Layers { tabs },
            own,
        }
    }
}

/// Appends what `more` adds. Met again, a template adds nothing: its first place counts.
fn extend<'d>(tabs: &mut Vec<Tab<'d>>, more: &[Tab<'d>]) {
    for tab in more {
        let known = tabs.iter().any(|seen| std::ptr::eq(seen.table, tab.table));
        if !known && tabs.len() < MAX_LAYERS {
            tabs.push(*tab);
        }
    }
}

fn circle_fault(circle: &[usize], listed: &[(&str, Tab<'_>)]) -> Fault {
    let last = listed[circle[circle.len() - 1]].1;
    let text = graph::show(circle, |at| listed[at].0);
    let message = format!("templates use one another in a circle: {text}");
    let mut fault = Fault::new(last.value_place("use"), message)
        .label("closes the circle")
        .help("remove one of these `use` entries");
    for at in &circle[..circle.len() - 1] {
        fault = fault.also(listed[*at].1.value_place("use"), "leads on");
    }
    fault
}
