//! `report`: what on-call people went through, and how deploys went, as the daemon's store tells it.

use super::{
    args::{ReportArgs, ReportCommand, ReportFormat},
    client::{Client, Trouble},
    out::{Done, Failure, print, print_json},
};
use crate::domain::report::{Form, Report, Topic};

pub async fn report(command: ReportCommand) -> Done {
    let (topic, args) = match command {
        ReportCommand::Oncall(args) => (Topic::OnCall, args),
        ReportCommand::Deploys(args) => (Topic::Deploys, args),
    };
    let client = Client::new(&args.client)?;
    let answer = client
        .get::<Report>(&["reports", topic.name()], &question(&args))
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
