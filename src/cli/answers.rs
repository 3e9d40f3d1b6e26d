//! Answers to a page from the command line, and replies to mails as a mail server pipes them.

use std::io::{self, Read};

use serde_json::json;

use super::{
    args::{AnswerMailArgs, BlameArgs, SnoozeArgs, TagArgs},
    client::{Client, Trouble},
    commands::{about, command_as},
    out::{Done, clean, print, warn},
};
use crate::{adapters::serve::ENVELOPE, domain::answers::BODY_MAX};

/// Exit statuses that mail servers know (sysexits.h). EX_USAGE: the message is returned to its sender.
pub const WRONG_USE: u8 = 64;
/// EX_DATAERR: the message is returned, with what we print.
const NOT_DONE: u8 = 65;
/// EX_TEMPFAIL: the message stays in the queue.
const TRY_AGAIN: u8 = 75;

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

/// What fails on our side is tried again: a slip of ours must not throw an answer away.
pub async fn answer_mail(args: AnswerMailArgs) -> Done {
    let message = match read_message() {
        Ok(message) => message,
        Err(error) => {
            warn(&format!(
                "cannot read the message from standard input: {error}"
            ));
            return Ok(TRY_AGAIN);
        }
    };
    if message.trim_ascii().is_empty() {
        print("there is no message on standard input\n")?;
        return Ok(NOT_DONE);
    }
    let client = match Client::new(&args.client) {
        Ok(client) => client,
        Err(failure) => {
            warn(failure.text());
            return Ok(TRY_AGAIN);
        }
    };
    let mut headers = vec![("content-type".to_owned(), "message/rfc822".to_owned())];
    if let Some(sender) = args.sender {
        // Only that there is none matters, and mail servers' own names.
        let sender = sender.replace(|letter: char| !letter.is_ascii_graphic(), "?");
        headers.push((ENVELOPE.to_owned(), sender));
    }
    match client
        .post_raw(&["answers", "mail"], &headers, message)
        .await
    {
        Ok(answer) => {
            let text = answer["text"].as_str().unwrap_or("done");
            print(&format!("{}\n", clean(text)))?;
            Ok(0)
        }
        // Whoever it says it is from may have nothing to do with it, and shall not get a bounce.
        Err(Trouble::Refused {
            status: 403, text, ..
        }) => {
            warn(&text);
            Ok(0)
        }
        Err(Trouble::Refused {
            status: 422, text, ..
        }) => {
            print(&format!("{}\n", clean(&text)))?;
            Ok(NOT_DONE)
        }
        Err(trouble) => {
            warn(trouble.text());
            Ok(TRY_AGAIN)
        }
    }
}

/// The first part of a long message: what a person wrote stands there, pictures behind it. All is read, so that the mail
/// server can write it.
fn read_message() -> io::Result<Vec<u8>> {
    let mut stdin = io::stdin().lock();
    let mut message = Vec::new();
    stdin
        .by_ref()
        .take(BODY_MAX as u64)
        .read_to_end(&mut message)?;
    io::copy(&mut stdin, &mut io::sink())?;
    Ok(message)
}
