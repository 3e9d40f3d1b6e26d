//! `report`: what on-call people went through, how deploys went, how available things were, as the daemon's store tells it.

use super::{
    args::{ReportArgs, ReportCommand, ReportFormat, SloArgs},
    client::{Client, Trouble},
    out::{Done, Failure, print, print_json},
};
use crate::domain::report::{Form, Report, Topic};

pub async fn report(command: ReportCommand) -> Done {
    let (topic, query, args) = match command {
        ReportCommand::Oncall(args) => (Topic::OnCall, question(&args), args),
        ReportCommand::Deploys(args) => (Topic::Deploys, question(&args), args),
        ReportCommand::Slo(args) => (Topic::Slo, which(&args), args.report),
    };
    let client = Client::new(&args.client)?;
    let answer = client
        .get::<Report>(&["reports", topic.name()], &query)
        .await;
    let report = match answer {
        Ok(report) => report,
        // What was asked for cannot be read: wrong use.
        Err(Trouble::Refused {
            status: 400, text, ..
        }) => return Err(Failure::Usage(text)),
        Err(trouble) => return Err(trouble.into()),
    };
    let form = match args.output {
        ReportFormat::Json => {
            print_json(&report)?;
            return Ok(0);
        }
        ReportFormat::Text => Form::Text,
        ReportFormat::Markdown => Form::Markdown,
        ReportFormat::Html => Form::Html,
        ReportFormat::Csv => Form::Csv,
    };
    print(&report.write(form))?;
    Ok(0)
}

fn question(args: &ReportArgs) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in [
        ("week", &args.week),
        ("month", &args.month),
        ("since", &args.since),
        ("until", &args.until),
        ("zone", &args.zone),
    ] {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    query.finish()
}

fn which(args: &SloArgs) -> String {
    let mut query = form_urlencoded::Serializer::new(question(&args.report));
    for object in &args.objects {
        query.append_pair("object", object);
    }
    for (name, value) in [("match", &args.terms), ("target", &args.target)] {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    if args.warning_is_bad {
        query.append_pair("warning_is_bad", "true");
    }
    query.finish()
}
