//! Orders to a running daemon: downtimes, notifications by hand, switches and settings.

use serde_json::{Value, json};

use super::{
    args::{
        DelayArgs, DeleteArgs, DowntimeArgs, DowntimeCommand, IdArgs, NotifyArgs, SetArgs, Switch,
        SwitchArgs,
    },
    commands::{about, command_as, split},
    out::{Done, Failure},
};

pub async fn downtime(command: DowntimeCommand) -> Done {
    match command {
        DowntimeCommand::Add(args) => {
            let body = planned(&args)?;
            command_as(&["downtime"], args.who, body).await
        }
        DowntimeCommand::Cancel(IdArgs { id, who }) => {
            command_as(&["downtime", "cancel"], who, json!({ "id": id })).await
        }
        DowntimeCommand::Delete(DeleteArgs {
            host,
            check,
            group,
            start,
            comment,
            who,
        }) => {
            let body = json!({
                "host": host,
                "check": check,
                "group": group,
                "start": start,
                "comment": comment,
            });
            command_as(&["downtime", "delete"], who, body).await
        }
    }
}

fn planned(args: &DowntimeArgs) -> Result<Value, Failure> {
    let object = args.object.as_deref().map(split).transpose()?;
    // Of a check alone there is nothing to choose.
    let is_check = matches!(object, Some((_, Some(_)))) || args.check_group.is_some();
    let chosen = args.with_checks || args.host_only || args.checks_only;
    if is_check && (chosen || args.children || args.trigger_children) {
        return Err(Failure::Usage(
            "a check has neither checks nor hosts behind it: name a host".to_owned(),
        ));
    }
    let children = match (args.children, args.trigger_children) {
        (true, _) => Some("plain"),
        (_, true) => Some("triggered"),
        _ => None,
    };
    Ok(json!({
        "host": object.map(|(host, _)| host),
        "check": object.and_then(|(_, check)| check),
        "group": args.group,
        "check_group": args.check_group,
        "duration": args.end.span,
        "end": args.end.until,
        "start": args.start,
        "flexible": args.flexible,
        "triggered_by": args.triggered_by,
        "children": children,
        "with_checks": (!is_check).then_some(!args.host_only && !args.checks_only),
        "only_checks": args.checks_only.then_some(true),
        "comment": args.comment,
    }))
}

pub async fn notify(args: NotifyArgs) -> Done {
    let fields = json!({
        "comment": args.comment,
        "forced": args.forced,
        "broadcast": args.broadcast,
        "increment": args.increment,
    });
    about(&["notifications", "send"], args.object, fields).await
}

pub async fn delay(args: DelayArgs) -> Done {
    let fields = json!({ "duration": args.end.span, "until": args.end.until });
    about(&["notifications", "delay"], args.object, fields).await
}

pub async fn switch(args: SwitchArgs) -> Done {
    let body = switched(&args)?;
    command_as(&["switch"], args.who, body).await
}

fn switched(args: &SwitchArgs) -> Result<Value, Failure> {
    let (host, check) = match (&args.host, args.check.as_deref().map(split).transpose()?) {
        (_, Some((_, None))) => {
            return Err(Failure::Usage(
                "--check is HOST/CHECK; say --host for a host".to_owned(),
            ));
        }
        (_, Some((host, check))) => (Some(host), check),
        (host, None) => (host.as_deref(), None),
    };
    Ok(json!({
        "what": args.what.word(),
        "enabled": args.switch == Switch::On,
        "host": host,
        "check": check,
        "group": args.group,
        "check_group": args.check_group,
        "contact": args.contact,
        "contact_group": args.contact_group,
        "hosts": args.hosts_only.then_some(true),
        "checks": args.checks_only.then_some(true),
        "children": args.children.then_some(true),
    }))
}

pub async fn set(args: SetArgs) -> Done {
    let body = changed(&args)?;
    command_as(&["settings"], args.who, body).await
}

fn changed(args: &SetArgs) -> Result<Value, Failure> {
    let (word, of_contact) = args.setting.word();
    let (name, value) = match (word, args.value.split_once('=')) {
        ("var", Some((name, value))) if !name.is_empty() => (Some(name), value),
        ("var", _) => {
            return Err(Failure::Usage(format!(
                "`{}` is no variable; write NAME=VALUE",
                args.value
            )));
        }
        _ => (None, args.value.as_str()),
    };
    let mut body = json!({ "setting": word, "value": value, "name": name });
    if of_contact {
        body["contact"] = args.object.as_str().into();
    } else {
        let (host, check) = split(&args.object)?;
        body["host"] = host.into();
        body["check"] = check.into();
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{
        args::{Cli, Command},
        commands::said,
    };

    /// What is sent for a command line; the error where it is refused here.
    #[track_caller]
    fn check(line: &str, expected: Value) {
        let words = line.split(' ');
        let cli = Cli::try_parse_from(std::iter::once("deploywatch").chain(words));
        let body = match cli
            .unwrap_or_else(|error| panic!("{line}: {error}"))
            .command
        {
            Command::Downtime(DowntimeCommand::Add(args)) => planned(&args),
            Command::Switch(args) => switched(&args),
            Command::Set(args) => changed(&args),
            other => panic!("{other:?}"),
        };
        let body = body.map_or_else(|failure| json!(failure.text()), said);
        assert_eq!(body, expected, "{line}");
    }

    #[test]
    fn downtimes() {
        check(
            "downtime add web1 --for 2h --flexible 30m -m a --children",
            json!({ "host": "web1", "duration": "2h", "flexible": "30m", "children": "plain", "with_checks": true, "comment": "a" }),
        );
        check(
            "downtime add web1/http --until 12 -m a --triggered-by 7",
            json!({ "host": "web1", "check": "http", "end": "12", "triggered_by": 7, "comment": "a" }),
        );
        check(
            "downtime add --group web --for 2h -m a --host-only",
            json!({ "group": "web", "duration": "2h", "with_checks": false, "comment": "a" }),
        );
        check(
            "downtime add web1 --for 2h -m a --checks-only",
            json!({ "host": "web1", "duration": "2h", "with_checks": false, "only_checks": true, "comment": "a" }),
        );
        check(
            "downtime add --check-group front --for 2h -m a",
            json!({ "check_group": "front", "duration": "2h", "comment": "a" }),
        );
        check(
            "downtime add web1/http --for 2h -m a --children",
            json!("a check has neither checks nor hosts behind it: name a host"),
        );
    }

    #[test]
    fn switches() {
        check(
            "switch notifications off",
            json!({ "what": "notifications", "enabled": false }),
        );
        check(
            "switch flap-detection on --check web1/http",
            json!({ "what": "flap_detection", "enabled": true, "host": "web1", "check": "http" }),
        );
        check(
            "switch active off --host web1 --checks-only",
            json!({ "what": "active", "enabled": false, "host": "web1", "checks": true }),
        );
        check(
            "switch notifications off --contact ann --hosts-only",
            json!({ "what": "notifications", "enabled": false, "contact": "ann", "hosts": true }),
        );
        check(
            "switch active off --check web1",
            json!("--check is HOST/CHECK; say --host for a host"),
        );
    }

    #[test]
    fn settings() {
        check(
            "set interval web1/http 30s",
            json!({ "setting": "interval", "value": "30s", "host": "web1", "check": "http" }),
        );
        check(
            "set contact-var ann phone=4=2",
            json!({ "setting": "var", "value": "4=2", "name": "phone", "contact": "ann" }),
        );
        check(
            "set var web1 phone",
            json!("`phone` is no variable; write NAME=VALUE"),
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "downtime add --for 2h -m a",
            "downtime add web1 --group web --for 2h -m a",
            "downtime add web1 --for 2h -m a --host-only --checks-only",
            "downtime delete",
            "delay web1",
            "switch notifications off --host a --contact b",
            "switch notifications off --children",
            "switch pages off",
            "set every web1 30s",
            "notify web1",
        ] {
            let words = line.split(' ');
            let cli = Cli::try_parse_from(std::iter::once("deploywatch").chain(words));
            assert!(cli.is_err(), "{line}");
        }
    }
}
