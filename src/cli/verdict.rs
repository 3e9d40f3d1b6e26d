//! `deploy wait`: what became of a deploy, as an exit status for CI.

use std::time::{Duration, Instant};

use super::{
    args::{DeployWaitArgs, Format},
    client::{Client, Trouble},
    gate::{LOOK, PAUSE, failure},
    out::{Done, Failure, clean, print, print_json, warn},
};
use crate::{base::time::parse_duration, domain::engine::view::DeployRecordView};

pub async fn wait(args: DeployWaitArgs) -> Done {
    let span = parse_duration(&args.timeout)
        .map_err(|why| Failure::Usage(format!("--timeout: {}", clean(&why))))?;
    let view = ask(&Client::new(&args.client)?, &args.id, span).await?;
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

async fn ask(client: &Client, id: &str, span: Duration) -> Result<DeployRecordView, Failure> {
    let end = Instant::now() + span;
    let mut told = String::new();
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let wait = if told.is_empty() {
            Duration::ZERO
        } else {
            left.min(LOOK)
        };
        let asked: Result<DeployRecordView, Trouble> = client
            .get(&["deploys", id], &format!("wait={}ms", wait.as_millis()))
            .await;
        let left = end.saturating_duration_since(Instant::now());
        let news = match asked {
            Ok(view) if view.deploy.verdict.is_some() || left.is_zero() => return Ok(view),
            Ok(view) => render(&view),
            // A daemon that is being restarted comes back.
            Err(trouble @ Trouble::Unreachable(_)) if !left.is_zero() => {
                tokio::time::sleep(PAUSE.min(left)).await;
                trouble.text().to_owned()
            }
            Err(trouble) => return Err(failure(trouble)),
        };
        if news != told {
            warn(&clean(news.trim_end()));
            told = news;
        }
    }
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
