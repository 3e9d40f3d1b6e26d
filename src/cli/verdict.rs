//! `deploy wait`: what became of a deploy, as an exit status for CI.

use std::time::Duration;

use super::{
    args::{DeployWaitArgs, Format},
    client::{Client, Trouble},
    out::{Done, Failure, clean, print, print_json},
    wait,
};
use crate::{base::time::parse_duration, domain::engine::view::DeployRecordView};

pub async fn wait(args: DeployWaitArgs) -> Done {
    let span = parse_duration(&args.timeout)
        .map_err(|why| Failure::Usage(format!("--timeout: {}", clean(&why))))?;
    let client = Client::new(&args.client)?;
    let look = async |wait: Duration| -> Result<DeployRecordView, Trouble> {
        client
            .get(
                &["deploys", &args.id],
                &format!("wait={}ms", wait.as_millis()),
            )
            .await
    };
    let view = wait::until(span, look, |view| view.deploy.verdict.is_some(), render).await?;
    match args.format.output {
        Format::Json => print_json(&view)?,
        Format::Text => print(&render(&view))?,
    }
    Ok(match view.deploy.verdict.as_deref() {
        Some("clean") => 0,
        Some("regressed") => 1,
        _ => 3,
    })
}

fn render(view: &DeployRecordView) -> String {
    let deploy = &view.deploy;
    let mut text = match (&deploy.verdict, &view.bakes_until) {
        (Some(verdict), _) => format!("{}: {verdict}\n", clean(&deploy.id)),
        (None, Some(until)) => format!(
            "{}: {}, no verdict before {until}\n",
            clean(&deploy.id),
            clean(&deploy.phase)
        ),
        (None, None) => format!(
            "{}: {}, no verdict yet\n",
            clean(&deploy.id),
            clean(&deploy.phase)
        ),
    };
    for why in &deploy.verdict_why {
        text.push_str(&format!("  {}\n", clean(why)));
    }
    text
}
