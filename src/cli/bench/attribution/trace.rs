//! One seed as files for `deploywatch replay`: its configuration, what plugins answered and what pipelines told; and the
//! truth beside them.

use std::{fs, path::Path};

use serde_json::json;

use super::{
    contenders::Stage, drive::Line, fleet::Fleet, injector, parameters::Parameters, world::World,
};
use crate::{
    base::time::Timestamp,
    cli::{
        bench::cannot,
        out::{self, Done, Failure},
    },
    domain::{
        deploy::trial::Trial,
        engine::input::Input,
        model::deploy::{DeployEvent, Phase},
    },
};

/// Writes FILE, FILE.toml and FILE.truth.json.
pub fn write(parameters: &Parameters, seed: u64, hosts: Option<u32>, path: &Path) -> Done {
    let fleet = Fleet::new(parameters, seed, hosts, true);
    let story = injector::write(parameters, &fleet, seed);
    let inventory = fleet.load().map_err(Failure::Refused)?;
    let world = World::new(parameters, &fleet, &story, seed, &inventory);
    let stage = Stage {
        seed,
        baselines: &parameters.baselines,
        fleet: &fleet,
        story: &story,
        world: &world,
        inventory: &inventory,
    };
    let mut lines = String::new();
    let mut keep = |at: i64, line: Line<'_>| {
        let at = Timestamp::from_millis(at).to_string();
        let line = match line {
            Line::Result(obj, answer) => {
                let name = inventory.name(obj);
                json!({"at": at, "result": {"host": name.host, "check": name.check, "exit": answer.code,
                    "output": answer.text}})
            }
            Line::Input(Input::Deploy(event)) => json!({"at": at, "deploy": told(event)}),
            Line::Input(_) => return,
        };
        lines.push_str(&line.to_string());
        lines.push('\n');
    };
    let log = stage.drive(Trial::default(), &stage.deploy_events(), Some(&mut keep));
    let put = |ending: &str, text: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        fs::write(&name, text).map_err(cannot(format!("write {}", name.display())))
    };
    put("", &lines)?;
    put(".toml", &fleet.text)?;
    let objects: Vec<String> = (0..fleet.objects.len())
        .map(|object| fleet.name(object))
        .collect();
    let told: Vec<_> = log
        .told
        .iter()
        .map(|told| {
            json!({"at": Timestamp::from_millis(told.at).clock(), "kind": told.kind, "object": objects[told.object],
                "since": Timestamp::from_millis(told.since).clock(), "verdict": told.verdict, "suspects": told.suspects,
                "reason": told.reason})
        })
        .collect();
    let truth = json!({"objects": objects, "story": story, "ours": told, "digests": log.digests});
    put(".truth.json", &format!("{truth:#}"))?;
    out::print(&format!(
        "{} lines; read them with: deploywatch replay --config {path}.toml {path}\n",
        lines.lines().count(),
        path = path.display()
    ))?;
    Ok(0)
}

/// As a pipeline sends it.
fn told(event: &DeployEvent) -> serde_json::Value {
    let phase = match event.phase {
        Phase::RolledBack => "rolled_back",
        phase => phase.name(),
    };
    let mut told = json!({"id": event.id, "phase": phase, "at": event.at.to_string(), "app": event.app,
        "environment": event.environment, "version": event.version});
    if !event.hosts.is_empty() {
        told["hosts"] = json!(event.hosts);
    }
    if let Some(of) = &event.rollback_of {
        told["rollback_of"] = json!(of);
    }
    told
}
