//! Words of the answers to pages: tags, snoozes, and which deploy it was.

use clap::{Args, builder::PossibleValuesParser};

use super::{ClientArgs, ObjectArgs, WhoArgs};
use crate::domain::model::answer::Tag;

#[derive(Debug, Args)]
pub struct TagArgs {
    /// HOST or HOST/CHECK (its present or last problem), or the key of a page
    #[arg(value_name = "OBJECT|PAGE", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub about: String,
    /// What it was about
    #[arg(value_name = "TAG", value_parser = PossibleValuesParser::new(Tag::ALL.map(|tag| {
        clap::builder::PossibleValue::new(tag.name()).help(tag.meaning())
    })))]
    pub tag: String,
    #[command(flatten)]
    pub who: WhoArgs,
}

#[derive(Debug, Args)]
pub struct SnoozeArgs {
    /// How long, such as 30m; a day at most
    #[arg(long = "for", value_name = "SPAN")]
    pub span: String,
    /// Why it may wait
    #[arg(long, short = 'm', value_name = "TEXT")]
    pub comment: Option<String>,
    #[command(flatten)]
    pub object: ObjectArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Reads one message on standard input and needs no token: the reply proves itself. Exit status, as mail servers \
                  know it: 0 handed over, also where its sender was told by mail why nothing was done; 64 wrong use; 65 \
                  nothing was done, with the reason on standard output, for the mail server to return; 75 the daemon cannot \
                  be reached, try again later. In /etc/aliases: watch: \"|deploywatch answer-mail --server \
                  http://127.0.0.1:8420\""
)]
pub struct AnswerMailArgs {
    /// The envelope's sender, where the mail server writes no Return-Path into the message; empty for a bounce
    #[arg(long, value_name = "ADDRESS", allow_hyphen_values = true)]
    pub sender: Option<String>,
    #[command(flatten)]
    pub client: ClientArgs,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("word").required(true).args(["deploy", "not"]))]
pub struct BlameArgs {
    /// HOST or HOST/CHECK (its present or last problem), or the key of a page
    #[arg(value_name = "OBJECT|PAGE", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub about: String,
    /// The deploy that caused it
    #[arg(long, value_name = "ID")]
    pub deploy: Option<String>,
    /// A deploy that did not cause it
    #[arg(long, value_name = "ID")]
    pub not: Option<String>,
    #[command(flatten)]
    pub who: WhoArgs,
}
