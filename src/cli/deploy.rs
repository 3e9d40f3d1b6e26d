//! `deploy start|step|finish|...`: one event to the daemon.

use serde_json::{Value, json};

use super::{
    args::{DeployArgs, DeployCommand, DeployFacts},
    client::Client,
    commands::{print_reply, said},
    deploy_record, deploy_run,
    out::{Done, Failure},
    verdict,
};

pub async fn deploy(command: DeployCommand) -> Done {
    match command {
        DeployCommand::Start(args) if args.facts.app.is_none() => Err(Failure::Usage(format!(
            "a deploy's start needs its app: deploy start {} --app APP",
            args.id
        ))),
        DeployCommand::Start(args) => tell("start", args).await,
        DeployCommand::Step(args) => tell("step", args).await,
        DeployCommand::Heartbeat(args) => tell("heartbeat", args).await,
        DeployCommand::Finish(args) => tell("finish", args).await,
        DeployCommand::Fail(args) => tell("fail", args).await,
        DeployCommand::Rollback(args) => tell("rollback", args).await,
        DeployCommand::Cancel(args) => tell("cancel", args).await,
        DeployCommand::Record(args) => deploy_record::record(args).await,
        DeployCommand::Wait(args) => verdict::wait(args).await,
        DeployCommand::Run(args) => deploy_run::from_args(args).await,
    }
}

async fn tell(verb: &str, args: DeployArgs) -> Done {
    let mut body = event(&args.id, &args.facts);
    body["at"] = args.at.into();
    body["reason"] = args.reason.into();
    let answer = Client::new(&args.client)?
        .post(&["deploys", verb], &said(body))
        .await?;
    print_reply(&answer, args.format)?;
    Ok(0)
}

/// The `deploy` object of the wire; what was not said is left out.
pub fn event(id: &str, facts: &DeployFacts) -> Value {
    let list = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
    said(json!({
        "id": id,
        "app": facts.app,
        "environment": facts.environment,
        "version": facts.version,
        "hosts": list(&facts.hosts),
        "groups": list(&facts.groups),
        "actors": list(&facts.actors),
        "url": facts.url,
        "risk": facts.risk,
        "rollback_of": facts.rollback_of,
        "kind": facts.kind,
        "labels": list(&facts.labels),
        "paths": list(&facts.paths),
    }))
}
