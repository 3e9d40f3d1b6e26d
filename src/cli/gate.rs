//! `gate` and `freeze`: may a pipeline go on, and who says that it may not.

use std::time::Duration;

use serde_json::json;

use super::{
    args::{Format, FreezeArgs, FreezeCommand, GateArgs, IdArgs},
    client::{Client, Trouble},
    commands::{command_as, print_reply, said},
    out::{Done, Failure, clean, print, print_json},
    wait::{self, failure},
};
use crate::{
    base::time::parse_duration,
    domain::deploy::gate::{FreezeView, GateView},
};

pub async fn gate(args: GateArgs) -> Done {
    let client = Client::new(&args.client)?;
    if args.pass {
        return pass(&client, &args).await;
    }
    let span = match &args.wait {
        None => Duration::ZERO,
        Some(text) => parse_duration(text)
            .map_err(|why| Failure::Usage(format!("--wait: {}", clean(&why))))?,
    };
    let view = wait::until(
        span,
        |wait| look(&client, &args, wait),
        |view| view.open,
        |view| format!("shut: {}", view.reason),
    )
    .await?;
    match args.format.output {
        Format::Json => print_json(&view)?,
        Format::Text => print(&render(&view))?,
    }
    Ok(u8::from(!view.open))
}

async fn look(client: &Client, args: &GateArgs, wait: Duration) -> Result<GateView, Trouble> {
    let mut path = vec!["gate", &*args.app];
    path.extend(args.environment.as_deref());
    let query = if wait.is_zero() {
        String::new()
    } else {
        format!("wait={}ms", wait.as_millis())
    };
    match client.get(&path, &query).await {
        // A shut gate is an answer, not a failure.
        Err(Trouble::Refused {
            status: 409,
            body,
            text,
        }) if body["open"] == false => {
            serde_json::from_value(body.clone()).map_err(|_| Trouble::Refused {
                status: 409,
                body,
                text,
            })
        }
        other => other,
    }
}

async fn pass(client: &Client, args: &GateArgs) -> Done {
    let environment = args.environment.as_deref().unwrap_or_default();
    let body = said(json!({ "by": args.by, "reason": args.reason, "duration": args.span }));
    let answer = client
        .post(&["gate", &args.app, environment, "override"], &body)
        .await
        .map_err(failure)?;
    print_reply(&answer, args.format)?;
    Ok(0)
}

fn render(view: &GateView) -> String {
    let word = if view.open { "open" } else { "shut" };
    let mut text = format!("{word}: {}\n", clean(&view.reason));
    if view.open {
        return text;
    }
    if !view.owner.is_empty() {
        text.push_str(&format!("whose: {}\n", clean(&view.owner.join(", "))));
    }
    if let Some(opens) = &view.opens_when {
        text.push_str(&format!("opens when: {}\n", clean(opens)));
    }
    text
}

pub async fn freeze(command: FreezeCommand) -> Done {
    match command {
        FreezeCommand::Add(args) => add(args).await,
        FreezeCommand::End(IdArgs { id, who }) => {
            command_as(&["freezes", "end"], who, json!({ "id": id })).await
        }
        FreezeCommand::List { client, format } => {
            let list: Vec<FreezeView> = Client::new(&client)?.get(&["freezes"], "").await?;
            match format.output {
                Format::Json => print_json(&list)?,
                Format::Text => print(&list.iter().map(line).collect::<String>())?,
            }
            Ok(0)
        }
    }
}

async fn add(args: FreezeArgs) -> Done {
    let list = |list: Vec<String>| (!list.is_empty()).then_some(list);
    let body = json!({
        "apps": list(args.apps),
        "environments": list(args.environments),
        "duration": args.end.span,
        "until": args.end.until,
        "from": args.from,
        "long": args.long.then_some(true),
        "owner": args.owner,
        "reason": args.reason,
    });
    command_as(&["freezes"], args.who, body).await
}

fn line(freeze: &FreezeView) -> String {
    let number = freeze
        .id
        .map_or_else(|| "configured".to_owned(), |id| format!("#{id}"));
    let from = freeze
        .from
        .as_ref()
        .map(|from| format!(" from {from}"))
        .unwrap_or_default();
    let text = format!(
        "{number}  {}{from} until {}  {}: {}",
        freeze.of, freeze.until, freeze.owner, freeze.reason
    );
    format!("{}\n", clean(&text))
}
