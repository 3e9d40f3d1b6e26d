//! The words of the command line, right and wrong.

use clap::CommandFactory;
use expect_test::{Expect, expect};

use super::*;

#[test]
fn the_words_fit_together() {
    Cli::command().debug_assert();
}

fn parse(line: &str) -> Result<Command, String> {
    let words = std::iter::once("deploywatch").chain(line.split_whitespace());
    Cli::try_parse_from(words)
        .map(|cli| cli.command)
        .map_err(|error| error.to_string())
}

#[test]
fn the_contract_parses() {
    for line in [
        "run --config a.toml",
        "check-config --config a.toml",
        "config show web1/http --config a.toml",
        "config schema",
        "demo",
        "status",
        "status --output json --server http://127.0.0.1:1",
        "why web1/http --config a.toml",
        "deploy start D-1 --app shop --env production --host a --host b --version 1 --actor ann --url https://x --risk high",
        "deploy step D-1 --app shop --host a",
        "deploy finish D-1",
        "deploy fail D-1 --reason broken",
        "deploy rollback D-1 --app shop",
        "deploy run --app shop -- make deploy --fast",
        "deploy run --app shop --id D-1 -- true",
        "try web1/http",
        "try -- check_http -H web1 --output x",
        "import nagios /etc/nagios/nagios.cfg --output out",
        "replay trace.jsonl --config a.toml --output json",
        "what-if --config a.toml --since 12h --old b.toml --history dir --output json",
        "digest --day 2026-03-02 --output json",
        "digest --deploy D-1",
        "report oncall --week",
        "report on-call --month",
        "report oncall --week 2026-03-04 --zone Europe/Rome --output html",
        "report deploys --month --format csv",
        "report deploys --since 30d --until 2026-03-04",
        "report slo --month",
        "report slo web1/http db1 --target 99.9 --warning-is-bad --week",
        "report slo --match host=web* --format html",
        "bench",
        "bench plugins --seconds 3 --rate 50,200 --output json",
        "bench --plugin /bin/true load --checks 10",
        "reload --dry-run",
        "ack web1/http -m mine --for 2h",
        "unack web1",
        "snooze web1/http --for 30m",
        "answer-mail --server http://127.0.0.1:1 --sender ann@shop.example",
        "answer-mail --sender=",
        "snooze web1 --for 2h -m later",
        "tag web1/http downtime-not-set",
        "tag web1/http@1772445960000 service-issue",
        "blame web1/http --deploy D-1",
        "blame web1/http --not D-1",
        "downtime add web1 --for 2h -m disk",
        "downtime cancel 4",
        "silence add host=web* check=disk* --for 2h --owner ann --reason disks --states warning,critical",
        "silence show 4",
        "silence extend 4 --for 2h",
        "silence preview host=web*",
        "mutes --at 2026-03-02T10:00:00Z",
        "comment add web1 -m hello",
        "recheck web1/http",
        "notifications web1 off",
        "results submit web1/http --exit 2 --text bad",
        "completions bash",
        "man out",
        "version",
    ] {
        assert!(parse(line).is_ok(), "{line}: {:?}", parse(line));
    }
}

#[test]
fn wrong_use_is_refused() {
    for line in [
        "tag web1/http meh",
        "tag web1/http",
        "snooze web1/http",
        "blame web1/http",
        "blame web1/http --deploy D-1 --not D-2",
        "",
        "stauts",
        "deploy run --app shop",
        "try",
        "ack web1",
        "downtime add web1 -m x",
        "why",
        "deploy start D-1 --risk huge",
        "results submit web1 --exit 9",
        "deploy start  --app x",
        "try web1 -- true",
        "digest --day 2026-03-02 --since 2h",
        "report",
        "report oncall --week --month",
        "report oncall --week --since 2h",
        "report oncall --output pdf",
        "report slo web1 --match host=web1",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
}

/// A stranger has nothing but these words.
#[test]
fn every_command_and_argument_is_explained() {
    fn look(command: &clap::Command, above: &str) {
        let name = format!("{above} {}", command.get_name());
        assert!(command.get_about().is_some(), "{name}");
        for arg in command.get_arguments() {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(!help.is_empty(), "{name} {}", arg.get_id());
            assert!(!help.ends_with('.'), "{name} {}: {help}", arg.get_id());
        }
        command
            .get_subcommands()
            .filter(|inner| !inner.is_hide_set())
            .for_each(|inner| look(inner, &name));
    }
    look(&Cli::command(), "");
}

#[test]
fn help_reads_well() {
    let check = |mut words: Vec<&str>, expected: Expect| {
        words.insert(0, "deploywatch");
        words.push("--help");
        // The width of whoever runs the test must not matter.
        let command = Cli::command().term_width(100);
        let text = command
            .try_get_matches_from(words)
            .expect_err("help")
            .to_string();
        expected.assert_eq(&text);
    };
    check(
        vec![],
        expect![[r#"
            A monitoring scheduler, compatible with Nagios, that knows about deploys

            Usage: deploywatch <COMMAND>

            Commands:
              run            Run the daemon
              check-config   Check a configuration and print every fault at once
              config         Show where values of the configuration come from, or its schema
              demo           See the whole story on this machine: no configuration needed, ends by itself
              status         Show problems, holds and deploys
              why            Tell why a host or check paged, or did not
              on-call        Tell who is on call, until when, and who is next
              simulate       Tell who would hear what and when, were something to go wrong; nothing is sent
              test           Run the tests of a configuration: who is to hear of what
              digest         Tell what became of a day or a deploy: held, paged, silent
              report         Report on a week, a month or any time: on-call, deploys, availability
              deploy         Tell of a deploy, or run one
              gate           Ask whether a pipeline may go on: exit 0 yes, 1 no
              canary         Send a test through every channel, or tell what became of the last one
              freeze         Stop deploys for a time, with an owner, a reason and an end
              try            Run a check or a plugin once, as the daemon would, and show everything
              reload         Have the daemon read its configuration anew
              ack            Acknowledge a problem: no more notifications until it ends
              unack          Take back an acknowledgement
              snooze         Put a problem off: quiet for a time, and paged at once if it is still there then
              tag            Say what a page was about, for `report oncall`
              blame          Say which deploy caused a problem, or did not: gates and verdicts follow
              answer-mail    Hand in a reply to the mail of a page, as a mail server pipes it
              downtime       Plan quiet time, or call it off
              silence        Tell nobody of some things for a time, with an owner, a reason and an end
              mutes          Show the mute times of the configuration: what they hit, whether they are open,
                             when they open next
              comment        Leave a comment on a host or check, or delete one
              recheck        Have the daemon run a check now
              notifications  Switch the notifications of a host or check on or off
              notify         Tell the contacts of a host or check something now, whatever its state
              delay          Have the next reminder of a problem wait
              switch         Switch notifications, checks and so on on or off, until they are switched again
              set            Change a setting while the daemon runs, until it is changed again
              results        Hand in results that were found elsewhere (passive results)
              replay         Show what a recorded trace would have paged, under a virtual clock
              what-if        Play recorded history under another configuration: pages before and after
              shadow         Live beside a Nagios, page nobody, and tell where the decisions differ
              import         Make a configuration from one of Nagios or Icinga
              bench          Measure this machine: loading, plugins per second against its own limit, lateness,
                             memory
              completions    Print a completion script for a shell
              man            Write the manual pages, one for each command, into a directory
              version        Print the version
              help           Print this message or the help of the given subcommand(s)

            Options:
              -h, --help     Print help
              -V, --version  Print version

            Exit status: 0 fine, 1 a finding or a refusal, 2 wrong use or a bad configuration.
        "#]],
    );
    check(
        vec!["deploy", "run"],
        expect![[r#"
            Run a command as a deploy: start, heartbeats, finish or fail from its exit code

            Usage: deploywatch deploy run [OPTIONS] -- <COMMAND>...

            Arguments:
              <COMMAND>...  The command and its arguments, after `--`

            Options:
                  --id <ID>            The deploy's id [default: made of the app, the time and four random
                                       digits]
                  --app <APP>          The app that is deployed
                  --environment <ENV>  The environment it goes to [default: the app's] [alias: --env]
                  --host <HOST>        A host it reaches; may be repeated [default: the app's]
                  --group <GROUP>      A group of hosts it reaches; may be repeated
                  --version <VERSION>  The version that is deployed
                  --actor <WHO>        Who deploys; may be repeated
                  --url <URL>          Where people can read more, such as the pipeline's page
                  --risk <RISK>        The risk class, which decides how long problems may wait [default: the
                                       app's] [possible values: low, normal, high]
                  --kind <KIND>        What kind of change it is, for the risk rules and for who is named: code,
                                       config, schema, network, flag, payment, dns, monitoring or your own
                  --label <LABEL>      A label, for the risk rules; may be repeated
                  --path <PATH>        A file that it changes, for the risk rules; may be repeated
                  --rollback-of <ID>   The id of the deploy that this one takes back
                  --config <FILE>      The configuration [default: /etc/deploywatch/deploywatch.toml, else
                                       ./deploywatch.toml] [env: DEPLOYWATCH_CONFIG]
                  --server <URL>       The daemon, such as http://127.0.0.1:8420 [default: `[daemon] listen` of
                                       the configuration] [env: DEPLOYWATCH_SERVER]
                  --token-file <FILE>  A file with the token [default: the variable DEPLOYWATCH_TOKEN]
              -h, --help               Print help
        "#]],
    );
}
