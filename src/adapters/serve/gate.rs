//! May a pipeline go on with an app? Read off the picture of the status.

use super::views::GateView;
use crate::domain::engine::view::{DeployView, StatusView};

/// Shut while a problem is put down to a deploy of this app in this environment, or one of its problems is held;
/// open otherwise. A deploy that merely runs shuts nothing: its own pipeline asks between its steps.
pub fn judge(status: &StatusView, app: &str, environment: &str) -> GateView {
    let own: Vec<&DeployView> = status
        .deploys
        .iter()
        .filter(|deploy| deploy.app == app && deploy.environment == environment)
        .collect();
    let mut suspects: Vec<String> = Vec::new();
    let mut owner: Vec<String> = Vec::new();
    let mut reasons: Vec<String> = Vec::new();
    for problem in status
        .problems
        .iter()
        .filter(|problem| !problem.acknowledged && !problem.in_downtime)
    {
        let blamed = problem
            .deploy
            .suspects
            .iter()
            .filter(|suspect| suspect.app == app && suspect.environment == environment);
        for suspect in blamed {
            reasons.push(format!(
                "{} is {}: suspect {}",
                name(&problem.host, problem.check.as_deref()),
                problem.state,
                suspect.id
            ));
            suspects.push(suspect.id.clone());
            owner.extend(suspect.actors.iter().cloned());
        }
    }
    for hold in status
        .holds
        .iter()
        .filter(|hold| own.iter().any(|deploy| deploy.id == hold.deploy))
    {
        reasons.push(format!(
            "{} is {}, held for {} until {}",
            name(&hold.host, hold.check.as_deref()),
            hold.state,
            hold.deploy,
            hold.deadline
        ));
        suspects.push(hold.deploy.clone());
    }
    suspects.sort();
    suspects.dedup();
    for deploy in own.iter().filter(|deploy| suspects.contains(&deploy.id)) {
        owner.extend(deploy.actors.iter().cloned());
    }
    owner.sort();
    owner.dedup();
    GateView {
        open: reasons.is_empty(),
        app: app.to_owned(),
        environment: environment.to_owned(),
        reason: match reasons.len() {
            0 => format!("no problem is put down to a deploy of {app} in {environment}"),
            1..=3 => reasons.join("; "),
            more => format!("{}; and {} more", reasons[..3].join("; "), more - 3),
        },
        suspects,
        owner,
    }
}

fn name(host: &str, check: Option<&str>) -> String {
    check.map_or_else(|| host.to_owned(), |check| format!("{host}/{check}"))
}
