//! The report on availability at the daemon: which hosts and checks are meant, what the engine knows of them, and the
//! store's rows.

use std::collections::BTreeMap;

use crate::{
    adapters::{
        serve::{NoReport, Which},
        store::{Sight, Store},
    },
    base::time::Timestamp,
    domain::{
        engine::Engine,
        model::{
            objective::Objective,
            objects::{Inventory, ObjIx},
            state::ObjectName,
        },
        notify::matcher::Matcher,
        report::{Aim, Report, Scope, slo},
    },
};

/// Hosts and checks of one report.
const MOST_OBJECTS: usize = 20_000;
/// Names that stand for a list of hosts and checks.
const NAMED: usize = 3;

/// What is asked for, found in the configuration.
#[derive(Debug)]
pub(super) struct Asked {
    aims: Vec<Aim>,
    sights: Vec<Sight>,
    warning_is_bad: bool,
}

impl Asked {
    /// The error is a sentence.
    pub(super) fn find(engine: &Engine, which: Which, now: Timestamp) -> Result<Self, String> {
        let inventory = engine.inventory();
        let mut sights = Vec::new();
        let mut places: BTreeMap<ObjIx, usize> = BTreeMap::new();
        let mut aims = Vec::new();
        for meant in meant(inventory, &which)? {
            let objects = meant.objects.into_iter().map(|obj| {
                *places.entry(obj).or_insert_with(|| {
                    sights.push(sight(engine, obj, now));
                    sights.len() - 1
                })
            });
            aims.push(Aim {
                name: meant.name,
                of: meant.of,
                target: which.target.or(meant.target),
                objects: objects.collect(),
            });
        }
        if MOST_OBJECTS < sights.len() {
            return Err(format!(
                "more than {MOST_OBJECTS} hosts and checks: say which are meant with `match`"
            ));
        }
        Ok(Self {
            aims,
            sights,
            warning_is_bad: which.warning_is_bad,
        })
    }

    pub(super) async fn report(self, store: &Store, scope: &Scope) -> Result<Report, NoReport> {
        let rows = store
            .slo_rows(self.sights, scope.span.from, scope.span.until)
            .await
            .map_err(|error| NoReport::Store(error.to_string()))?
            .ok_or_else(|| {
                // With a part of the rows bad time would look good.
                NoReport::Asked(
                    "there are more rows than are read at once: ask for a shorter time, or fewer hosts and checks"
                        .to_owned(),
                )
            })?;
        let report = slo(&rows, &self.aims, self.warning_is_bad, scope);
        Ok(Report::Slo(Box::new(report)))
    }
}

/// An objective with the hosts and checks that it is for.
struct Meant {
    name: String,
    of: String,
    target: Option<f64>,
    objects: Vec<ObjIx>,
}

impl Meant {
    fn of(objective: &Objective, inventory: &Inventory) -> Self {
        Self {
            name: objective.name.to_string(),
            of: objective.of(),
            target: objective.target,
            objects: objective.objects(inventory),
        }
    }
}

/// What is to be reported on: what is named, else the configured objectives, else what sees the system as users do.
fn meant(inventory: &Inventory, which: &Which) -> Result<Vec<Meant>, String> {
    let unnamed = |name: &str, matcher: Option<&Matcher>| {
        let objective = Objective {
            name: name.into(),
            matcher: matcher.cloned(),
            target: None,
        };
        Meant::of(&objective, inventory)
    };
    if !which.objects.is_empty() {
        return named(inventory, &which.objects).map(|meant| vec![meant]);
    }
    if let Some(matcher) = &which.matcher {
        let meant = unnamed("availability", Some(matcher));
        if meant.objects.is_empty() {
            return Err(format!("`{matcher}` fits no host or check"));
        }
        return Ok(vec![meant]);
    }
    if !inventory.objectives.is_empty() {
        let all = inventory.objectives.iter();
        return Ok(all
            .map(|objective| Meant::of(objective, inventory))
            .collect());
    }
    let meant = unnamed("what users see", None);
    if meant.objects.is_empty() {
        return Err(
            "nothing says what should be available: add to the configuration [[slo]] with name, match = { apps = \"shop\", \
             checks = \"http\" } and target = 99.9, or external = true to the checks that see what users see; or name hosts \
             and checks here"
                .to_owned(),
        );
    }
    Ok(vec![meant])
}

fn named(inventory: &Inventory, names: &[ObjectName]) -> Result<Meant, String> {
    let mut objects = Vec::with_capacity(names.len());
    for name in names {
        let obj = inventory
            .find(name)
            .ok_or_else(|| format!("there is no `{name}` in the configuration"))?;
        if !objects.contains(&obj) {
            objects.push(obj);
        }
    }
    let mut shown: Vec<String> = names.iter().take(NAMED).map(ToString::to_string).collect();
    if NAMED < names.len() {
        shown.push("...".to_owned());
    }
    Ok(Meant {
        name: "availability".to_owned(),
        of: shown.join(", "),
        target: None,
        objects,
    })
}

fn sight(engine: &Engine, obj: ObjIx, now: Timestamp) -> Sight {
    let inventory = engine.inventory();
    let apps = inventory.apps_of(obj).iter().map(|app| inventory.app(*app));
    Sight {
        object: inventory.name(obj),
        apps: apps
            .map(|app| format!("{} in {}", app.name, app.environment))
            .collect(),
        is_measured: engine.is_measured(obj),
        silent_since: engine.unmeasured_since(obj, now),
    }
}
