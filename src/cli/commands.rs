//! The subcommands that ask a running daemon something and print its answer.

use std::io::Read;

use serde_json::{Map, Value, json};

use super::{
    args::{
        AckArgs, CommentCommand, Format, FormatArg, IdArgs, NotificationsArgs, ObjectArgs,
        RecheckArgs, ReloadArgs, ResultsCommand, StatusArgs, SubmitArgs, Switch, WhoArgs, WhyArgs,
    },
    client::{Client, Trouble},
    out::{Done, Failure, Paint, clean, colors, print, print_json},
    status, why,
};
use crate::{
    adapters::serve::WhyView,
    domain::{engine::view::StatusView, model::state::ObjectName},
};

/// Longest list of results read from standard input.
const STDIN_MAX: u64 = 1024 * 1024;

pub async fn status(args: StatusArgs) -> Done {
    let view: StatusView = Client::new(&args.client)?.get(&["status"], "").await?;
    match args.format.output {
        Format::Json => print_json(&view)?,
        Format::Text => print(&status::render(&view, Paint(colors())))?,
    }
    Ok(u8::from(args.exit_code && !view.problems.is_empty()))
}

pub async fn why(args: WhyArgs) -> Done {
    let (host, check) = split(&args.object)?;
    let mut path = vec!["why", host];
    path.extend(check);
    let query = format!("limit={}", args.limit);
    let view: WhyView = Client::new(&args.client)?.get(&path, &query).await?;
    match args.format.output {
        Format::Json => print_json(&view)?,
        Format::Text => print(&why::render(&view, Paint(colors())))?,
    }
    Ok(0)
}

pub async fn reload(args: ReloadArgs) -> Done {
    let body = json!({ "dry_run": args.dry_run });
    let answer = match Client::new(&args.client)?.post(&["reload"], &body).await {
        Ok(answer) => answer,
        // A bad configuration: nothing was changed.
        Err(Trouble::Refused {
            status: 422,
            text,
            body,
        }) => {
            if args.format.output == Format::Json {
                print_json(&body)?;
            }
            return Err(Failure::Usage(text));
        }
        Err(trouble) => return Err(trouble.into()),
    };
    if args.format.output == Format::Json {
        print_json(&answer)?;
        return Ok(0);
    }
    let mut text = format!("{}\n", clean(answer["text"].as_str().unwrap_or("done")));
    for (word, sign) in [("added", '+'), ("changed", '~'), ("removed", '-')] {
        for name in answer["plan"][word]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            text.push_str(&format!("{sign} {}\n", clean(name)));
        }
    }
    print(&text)?;
    Ok(0)
}

pub async fn ack(args: AckArgs) -> Done {
    let fields = json!({
        "comment": args.comment,
        "expires_in": args.span,
        "sticky": !args.not_sticky,
        "notify": !args.quiet,
        "persistent": args.persistent,
        "not_caused_by": args.not_caused_by,
    });
    about(&["acknowledge"], args.object, fields).await
}

pub async fn unack(args: ObjectArgs) -> Done {
    about(&["unacknowledge"], args, json!({})).await
}

pub async fn comment(command: CommentCommand) -> Done {
    match command {
        CommentCommand::Add { object, comment } => {
            about(&["comment"], object, json!({ "comment": comment })).await
        }
        CommentCommand::Delete(IdArgs { id, who }) => {
            command_as(&["comment", "delete"], who, json!({ "id": id })).await
        }
    }
}

pub async fn recheck(args: RecheckArgs) -> Done {
    about(&["check"], args.object, json!({ "force": !args.gently })).await
}

pub async fn notifications(args: NotificationsArgs) -> Done {
    about(
        &["notifications"],
        args.object,
        json!({ "enabled": args.switch == Switch::On }),
    )
    .await
}

pub async fn results(command: ResultsCommand) -> Done {
    let ResultsCommand::Submit(args) = command;
    let body = match &args.object {
        Some(object) => one_result(object, &args)?,
        None => results_from_stdin()?,
    };
    let answer = Client::new(&args.client)?.post(&["results"], &body).await?;
    let rejected = answer["rejected"].as_array().map_or(0, Vec::len);
    if args.format.output == Format::Json {
        print_json(&answer)?;
    } else if body.is_array() {
        let mut text = format!("{} accepted, {rejected} rejected\n", answer["accepted"]);
        for one in answer["rejected"].as_array().into_iter().flatten() {
            let (object, why) = (&one["object"], &one["text"]);
            let line = format!(
                "{}: {}",
                object.as_str().unwrap_or("?"),
                why.as_str().unwrap_or("?")
            );
            text.push_str(&format!("{}\n", clean(&line)));
        }
        print(&text)?;
    } else {
        print_reply(&answer, args.format)?;
    }
    Ok(u8::from(0 < rejected))
}

fn one_result(object: &str, args: &SubmitArgs) -> Result<Value, Failure> {
    let (host, check) = split(object)?;
    Ok(
        json!({ "host": host, "check": check, "exit": args.exit, "output": args.text, "at": args.at }),
    )
}

fn results_from_stdin() -> Result<Value, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .take(STDIN_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|error| {
            Failure::Usage(format!(
                "cannot read the results from standard input: {error}"
            ))
        })?;
    if STDIN_MAX < text.len() as u64 {
        return Err(Failure::Usage(format!(
            "standard input has more than {STDIN_MAX} bytes; send it in parts"
        )));
    }
    serde_json::from_str(&text).map_err(|error| {
        Failure::Usage(format!(
            "standard input is not JSON ({error}); write [{{\"host\": \"web1\", \"exit\": 0}}], or say HOST/CHECK --exit CODE"
        ))
    })
}

/// A command about one host or check.
pub async fn about(path: &[&str], args: ObjectArgs, fields: Value) -> Done {
    let (host, check) = split(&args.object)?;
    let mut body = fields;
    body["host"] = host.into();
    body["check"] = check.into();
    command_as(path, args.who, body).await
}

/// A command with its author's name. A field that was not said is not sent.
pub async fn command_as(path: &[&str], who: WhoArgs, mut body: Value) -> Done {
    body["author"] = who.author.or_else(user_name).into();
    let answer = Client::new(&who.client)?.post(path, &said(body)).await?;
    print_reply(&answer, who.format)?;
    Ok(0)
}

/// The fields that have a value.
pub fn said(body: Value) -> Value {
    match body {
        Value::Object(fields) => {
            let said = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(said.collect::<Map<_, _>>())
        }
        other => other,
    }
}

/// The person at the terminal, through sudo as well. Says who it was, proves nothing: the audit has the token's name.
fn user_name() -> Option<String> {
    ["SUDO_USER", "USER", "LOGNAME"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|name| !name.is_empty())
}

/// Prints the sentence of a reply, or all of it as JSON.
pub fn print_reply(answer: &Value, format: FormatArg) -> Result<(), Failure> {
    if format.output == Format::Json {
        return print_json(answer);
    }
    let mut text = clean(answer["text"].as_str().unwrap_or("done"));
    if let Some(id) = answer["id"].as_u64() {
        text.push_str(&format!(" (number {id})"));
    }
    text.push('\n');
    for name in answer["already_failing"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        text.push_str(&format!(
            "already failing before this deploy: {}\n",
            clean(name)
        ));
    }
    print(&text)
}

/// The host, and the check on it.
pub fn split(object: &str) -> Result<(&str, Option<&str>), Failure> {
    let name = ObjectName::parse(object);
    if name.host.is_empty() || name.check.as_deref() == Some("") {
        return Err(Failure::Usage(format!(
            "`{object}` is neither HOST nor HOST/CHECK"
        )));
    }
    Ok(match object.split_once('/') {
        Some((host, check)) => (host, Some(check)),
        None => (object, None),
    })
}
