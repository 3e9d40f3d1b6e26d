//! Answers to a page from the command line.

use serde_json::json;

use super::{
    args::{BlameArgs, SnoozeArgs, TagArgs},
    commands::{about, command_as},
    out::Done,
};

pub async fn tag(args: TagArgs) -> Done {
    let body = json!({ "about": args.about, "tag": args.tag });
    command_as(&["tag"], args.who, body).await
}

pub async fn snooze(args: SnoozeArgs) -> Done {
    let fields = json!({ "duration": args.span, "comment": args.comment });
    about(&["snooze"], args.object, fields).await
}

pub async fn blame(args: BlameArgs) -> Done {
    let caused = args.deploy.is_some();
    let deploy = args.deploy.or(args.not);
    let body = json!({ "about": args.about, "deploy": deploy, "caused": caused });
    command_as(&["blame"], args.who, body).await
}
