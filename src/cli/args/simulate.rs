//! The words of what plays a configuration before anything happens: `simulate` and `test`.

use std::path::PathBuf;

use clap::{Args, builder::NonEmptyStringValueParser};

use super::{ConfigArg, FormatArg};

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true).args(["checks", "hosts"]))]
pub struct SimulateArgs {
    /// What goes bad: HOST/CHECK; `*` and `?` match any; may be repeated
    #[arg(long = "check", value_name = "HOST/CHECK", value_parser = NonEmptyStringValueParser::new())]
    pub checks: Vec<String>,
    /// A host that goes down, with its checks and what is behind it; may be repeated
    #[arg(long = "host", value_name = "HOST", value_parser = NonEmptyStringValueParser::new())]
    pub hosts: Vec<String>,
    /// The state of the checks
    #[arg(long, value_name = "STATE", default_value = "critical", value_parser = ["warning", "critical", "unknown"])]
    pub state: String,
    /// What the plugin says
    #[arg(long, value_name = "TEXT")]
    pub says: Option<String>,
    /// When it goes bad: RFC 3339, or such as '2026-12-24 03:00' by the clocks of `--zone` [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// Whose clocks are meant and shown, such as Europe/Rome [default: those of the digest, else this machine's]
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<String>,
    /// How long it stays bad [default: all the time that is looked at]
    #[arg(long = "for", value_name = "SPAN")]
    pub bad_for: Option<String>,
    /// How long to look
    #[arg(long, value_name = "SPAN", default_value = "6h")]
    pub span: String,
    /// An app that is deployed, APP or APP@ENVIRONMENT
    #[arg(long, value_name = "APP", value_parser = NonEmptyStringValueParser::new())]
    pub deploy: Option<String>,
    /// When that begins: a span before or after it goes bad, or a time
    #[arg(
        long,
        value_name = "SPAN|TIME",
        default_value = "-1m",
        requires = "deploy",
        allow_hyphen_values = true
    )]
    pub deploy_at: String,
    /// How long the deploy takes [default: it does not end meanwhile]
    #[arg(long, value_name = "SPAN", requires = "deploy")]
    pub deploy_for: Option<String>,
    /// A host that the deploy reaches; may be repeated [default: the app's]
    #[arg(long = "deploy-host", value_name = "HOST", requires = "deploy")]
    pub deploy_hosts: Vec<String>,
    /// Who deploys
    #[arg(long, value_name = "WHO", requires = "deploy")]
    pub deploy_by: Option<String>,
    /// The deploy's risk class [default: the app's]
    #[arg(long, requires = "deploy", value_parser = ["low", "normal", "high"])]
    pub risk: Option<String>,
    /// Acknowledge it after this time
    #[arg(long, value_name = "SPAN")]
    pub ack_after: Option<String>,
    /// Who does
    #[arg(
        long,
        value_name = "NAME",
        default_value = "somebody",
        requires = "ack_after"
    )]
    pub by: String,
    /// A downtime of what goes bad, which begins then and lasts this long
    #[arg(long, value_name = "SPAN")]
    pub downtime: Option<String>,
    #[command(flatten)]
    pub config: ConfigArg,
    #[command(flatten)]
    pub format: FormatArg,
}

#[derive(Debug, Args)]
pub struct TestArgs {
    /// Files with more [[test]], beside those of the configuration
    #[arg(value_name = "SCENARIO")]
    pub files: Vec<PathBuf>,
    /// Only tests of this name; `*` and `?` match any; may be repeated
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub only: Vec<String>,
    /// Tell what happened in those that passed, too
    #[arg(long)]
    pub story: bool,
    /// Also write the results as JUnit XML, for CI
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    #[command(flatten)]
    pub config: ConfigArg,
    #[command(flatten)]
    pub format: FormatArg,
}
