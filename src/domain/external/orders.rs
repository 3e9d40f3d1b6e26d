//! Commands about one host, service, contact or group: comments, acknowledgements, downtimes, checks, settings.

use std::time::Duration;

use super::args::Args;
use crate::domain::model::{
    command::{Children, Command, DowntimeFilter, GroupName, Setting},
    state::ObjectName,
};

/// Who asked, where the line does not say it.
const SOMEBODY: &str = "an external command";
/// `options` of a custom notification.
const BROADCAST: i64 = 1;
const FORCED: i64 = 2;
const INCREMENT: i64 = 4;

type Orders = Result<Vec<Command>, String>;

/// None: no such command.
pub(super) fn understand(name: &str, args: &mut Args<'_>) -> Option<Orders> {
    downtime(name, args)
        .or_else(|| of_object(name, args))
        .or_else(|| setting(name, args))
}

fn author(args: &mut Args<'_>) -> String {
    args.given().unwrap_or(SOMEBODY).to_owned()
}

fn comment(args: &mut Args<'_>) -> String {
    args.rest().unwrap_or_default().to_owned()
}

fn of_object(name: &str, args: &mut Args<'_>) -> Option<Orders> {
    // The same command for hosts and for services differs in one word of its name.
    let (is_host, general) = general(name)?;
    let one = match &*general {
        "ADD_*_COMMENT" => add_comment(args, is_host),
        "DEL_*_COMMENT" => args.id("comment's id").map(|id| Command::DeleteComment {
            id,
            author: SOMEBODY.to_owned(),
        }),
        "DEL_ALL_*_COMMENTS" => args
            .object(is_host)
            .map(|object| Command::DeleteAllComments {
                object,
                author: SOMEBODY.to_owned(),
            }),
        "ACKNOWLEDGE_*_PROBLEM" => acknowledge(args, is_host, false),
        "ACKNOWLEDGE_*_PROBLEM_EXPIRE" => acknowledge(args, is_host, true),
        "REMOVE_*_ACKNOWLEDGEMENT" => {
            args.object(is_host)
                .map(|object| Command::RemoveAcknowledgement {
                    object,
                    author: SOMEBODY.to_owned(),
                })
        }
        "SCHEDULE_*_CHECK" => check(args, is_host, false, false),
        "SCHEDULE_FORCED_*_CHECK" => check(args, is_host, false, true),
        "SCHEDULE_*_SVC_CHECKS" if is_host => check(args, true, true, false),
        "SCHEDULE_FORCED_*_SVC_CHECKS" if is_host => check(args, true, true, true),
        "DELAY_*_NOTIFICATION" => delay(args, is_host),
        "SEND_CUSTOM_*_NOTIFICATION" => custom(args, is_host),
        "SET_*_NOTIFICATION_NUMBER" => number(args, is_host),
        "CLEAR_*_FLAPPING_STATE" => args
            .object(is_host)
            .map(|object| Command::ClearFlapping { object }),
        _ => return None,
    };
    Some(one.map(|one| vec![one]))
}

/// `ADD_HOST_COMMENT` and `ADD_SVC_COMMENT` are `ADD_*_COMMENT`; the flag says which.
fn general(name: &str) -> Option<(bool, String)> {
    for (word, is_host) in [("HOST", true), ("SVC", false)] {
        let at = name
            .split('_')
            .position(|part| part == word)
            .filter(|at| 0 < *at);
        if let Some(at) = at {
            let parts: Vec<&str> = name
                .split('_')
                .enumerate()
                .map(|(place, part)| if place == at { "*" } else { part })
                .collect();
            return Some((is_host, parts.join("_")));
        }
    }
    None
}

fn add_comment(args: &mut Args<'_>, is_host: bool) -> Result<Command, String> {
    Ok(Command::AddComment {
        object: args.object(is_host)?,
        persistent: args.flag("number that says whether the comment persists")?,
        author: args.needed("author")?.to_owned(),
        text: args
            .rest()
            .filter(|text| !text.is_empty())
            .ok_or("the comment is missing")?
            .to_owned(),
    })
}

fn acknowledge(args: &mut Args<'_>, is_host: bool, expires: bool) -> Result<Command, String> {
    let object = args.object(is_host)?;
    // 2 is sticky; anything else ends with the next change of the state.
    let sticky = args.number("number that says whether it is sticky")? == 2;
    let notify = args.flag("number that says whether to notify")?;
    let persistent = args.flag("number that says whether the comment persists")?;
    let until = if expires {
        Some(args.time("end")?).filter(|end| 0 < end.secs())
    } else {
        None
    };
    Ok(Command::Acknowledge {
        object,
        sticky,
        notify,
        persistent,
        author: args.needed("author")?.to_owned(),
        comment: comment(args),
        until,
        not_caused_by: None,
    })
}

fn check(
    args: &mut Args<'_>,
    is_host: bool,
    checks_of_host: bool,
    force: bool,
) -> Result<Command, String> {
    Ok(Command::Check {
        object: args.object(is_host)?,
        checks_of_host,
        at: Some(args.time("time of the check")?),
        force,
        author: SOMEBODY.to_owned(),
    })
}

fn delay(args: &mut Args<'_>, is_host: bool) -> Result<Command, String> {
    Ok(Command::DelayNotification {
        object: args.object(is_host)?,
        until: args.time("time")?,
    })
}

fn custom(args: &mut Args<'_>, is_host: bool) -> Result<Command, String> {
    let object = args.object(is_host)?;
    let options = args.number("number of options")?;
    Ok(Command::SendCustom {
        object,
        broadcast: options & BROADCAST != 0,
        forced: options & FORCED != 0,
        increment: options & INCREMENT != 0,
        author: args.needed("author")?.to_owned(),
        comment: comment(args),
    })
}

fn number(args: &mut Args<'_>, is_host: bool) -> Result<Command, String> {
    let object = args.object(is_host)?;
    let number = args.number("number")?;
    let n = u32::try_from(number).map_err(|_| format!("{number} is no notification number"))?;
    Ok(Command::SetNotificationNumber { object, n })
}

fn downtime(name: &str, args: &mut Args<'_>) -> Option<Orders> {
    let one = match name {
        "SCHEDULE_HOST_DOWNTIME" => of_host(args, false, Children::Untouched),
        "SCHEDULE_HOST_SVC_DOWNTIME" => of_host(args, true, Children::Untouched),
        "SCHEDULE_AND_PROPAGATE_HOST_DOWNTIME" => of_host(args, false, Children::Plain),
        "SCHEDULE_AND_PROPAGATE_TRIGGERED_HOST_DOWNTIME" => {
            of_host(args, false, Children::Triggered)
        }
        "SCHEDULE_SVC_DOWNTIME" => args
            .check()
            .and_then(|object| downtime_of(args, object, false, Children::Untouched)),
        "SCHEDULE_HOSTGROUP_HOST_DOWNTIME" => of_group(args, GroupName::Hosts, true),
        "SCHEDULE_HOSTGROUP_SVC_DOWNTIME" => of_group(args, GroupName::Hosts, false),
        "SCHEDULE_SERVICEGROUP_HOST_DOWNTIME" => of_group(args, GroupName::Checks, true),
        "SCHEDULE_SERVICEGROUP_SVC_DOWNTIME" => of_group(args, GroupName::Checks, false),
        "DEL_HOST_DOWNTIME" | "DEL_SVC_DOWNTIME" => {
            args.id("downtime's id").map(|id| Command::CancelDowntime {
                id,
                author: SOMEBODY.to_owned(),
            })
        }
        "DEL_DOWNTIME_BY_HOST_NAME" => deleted(args, |args| {
            Ok(DowntimeFilter {
                host: Some(args.needed("host")?.to_owned()),
                check: args.given().map(str::to_owned),
                ..start_and_comment(args, false)?
            })
        }),
        "DEL_DOWNTIME_BY_HOSTGROUP_NAME" => deleted(args, |args| {
            Ok(DowntimeFilter {
                group: Some(args.needed("host group")?.to_owned()),
                host: args.given().map(str::to_owned),
                check: args.given().map(str::to_owned),
                ..start_and_comment(args, false)?
            })
        }),
        "DEL_DOWNTIME_BY_START_TIME_COMMENT" => deleted(args, |args| start_and_comment(args, true)),
        _ => return None,
    };
    Some(one.map(|one| vec![one]))
}

fn deleted<'a>(
    args: &mut Args<'a>,
    filter: impl Fn(&mut Args<'a>) -> Result<DowntimeFilter, String>,
) -> Result<Command, String> {
    Ok(Command::DeleteDowntimes {
        filter: filter(args)?,
        author: SOMEBODY.to_owned(),
    })
}

/// `[start[;comment]]`, each may be empty. Of the start its leading digits count, as for Nagios' `strtoul`.
fn start_and_comment(args: &mut Args<'_>, whole_comment: bool) -> Result<DowntimeFilter, String> {
    let start = match args.given() {
        None => None,
        Some(text) => {
            let text = text.trim_start();
            let digits = text
                .find(|c: char| !c.is_ascii_digit())
                .map_or(text, |end| &text[..end]);
            let secs = digits
                .parse()
                .map_err(|_| format!("the start `{text}` is not a time in seconds since 1970"))?;
            super::args::seconds(secs)
        }
    };
    let comment = if whole_comment {
        args.rest()
    } else {
        args.next()
    };
    let comment = comment
        .filter(|comment| !comment.is_empty())
        .map(str::to_owned);
    if whole_comment && start.is_none() && comment.is_none() {
        return Err("neither a start nor a comment is given".to_owned());
    }
    Ok(DowntimeFilter {
        start,
        comment,
        ..DowntimeFilter::default()
    })
}

fn of_host(args: &mut Args<'_>, only_checks: bool, children: Children) -> Result<Command, String> {
    let object = args.host()?;
    downtime_of(args, object, only_checks, children)
}

fn downtime_of(
    args: &mut Args<'_>,
    object: ObjectName,
    only_checks: bool,
    children: Children,
) -> Result<Command, String> {
    let span = Span::read(args)?;
    Ok(Command::ScheduleDowntime {
        object,
        with_checks: false,
        only_checks,
        children,
        start: span.start,
        end: span.end,
        fixed: span.fixed,
        duration: span.duration,
        triggered_by: span.triggered_by,
        author: author(args),
        comment: args.next().unwrap_or_default().to_owned(),
    })
}

fn of_group(
    args: &mut Args<'_>,
    kind: fn(String) -> GroupName,
    hosts: bool,
) -> Result<Command, String> {
    let group = kind(args.needed("group")?.to_owned());
    let span = Span::read(args)?;
    Ok(Command::ScheduleGroupDowntime {
        group,
        hosts,
        checks: !hosts,
        start: span.start,
        end: span.end,
        fixed: span.fixed,
        duration: span.duration,
        triggered_by: span.triggered_by,
        author: author(args),
        comment: args.next().unwrap_or_default().to_owned(),
    })
}

/// `start;end;fixed;trigger_id;duration`
struct Span {
    start: crate::base::time::Timestamp,
    end: crate::base::time::Timestamp,
    fixed: bool,
    duration: Duration,
    triggered_by: Option<u64>,
}

impl Span {
    fn read(args: &mut Args<'_>) -> Result<Self, String> {
        Ok(Self {
            start: args.time("start")?,
            end: args.time("end")?,
            fixed: args.flag("number that says whether it is fixed")?,
            triggered_by: Some(args.id("trigger's id")?).filter(|id| *id != 0),
            duration: args.span("duration")?,
        })
    }
}

fn setting(name: &str, args: &mut Args<'_>) -> Option<Orders> {
    let one = match name {
        "CHANGE_NORMAL_HOST_CHECK_INTERVAL" => interval(args, true),
        "CHANGE_NORMAL_SVC_CHECK_INTERVAL" => interval(args, false),
        "CHANGE_RETRY_HOST_CHECK_INTERVAL" => retry(args, true),
        "CHANGE_RETRY_SVC_CHECK_INTERVAL" => retry(args, false),
        "CHANGE_MAX_HOST_CHECK_ATTEMPTS" => attempts(args, true),
        "CHANGE_MAX_SVC_CHECK_ATTEMPTS" => attempts(args, false),
        "CHANGE_HOST_CHECK_TIMEPERIOD" => period(args, true, |object, period| {
            Setting::CheckPeriod { object, period }
        }),
        "CHANGE_SVC_CHECK_TIMEPERIOD" => period(args, false, |object, period| {
            Setting::CheckPeriod { object, period }
        }),
        "CHANGE_HOST_NOTIFICATION_TIMEPERIOD" => period(args, true, |object, period| {
            Setting::NotifyPeriod { object, period }
        }),
        "CHANGE_SVC_NOTIFICATION_TIMEPERIOD" => period(args, false, |object, period| {
            Setting::NotifyPeriod { object, period }
        }),
        "CHANGE_HOST_EVENT_HANDLER_TIMEPERIOD" => period(args, true, |object, period| {
            Setting::HandlerPeriod { object, period }
        }),
        "CHANGE_SVC_EVENT_HANDLER_TIMEPERIOD" => period(args, false, |object, period| {
            Setting::HandlerPeriod { object, period }
        }),
        "CHANGE_CUSTOM_HOST_VAR" => variable(args, true),
        "CHANGE_CUSTOM_SVC_VAR" => variable(args, false),
        "CHANGE_CUSTOM_CONTACT_VAR" => contact_variable(args),
        "CHANGE_CONTACT_HOST_NOTIFICATION_TIMEPERIOD" => contact_period(args, true),
        "CHANGE_CONTACT_SVC_NOTIFICATION_TIMEPERIOD" => contact_period(args, false),
        "CHANGE_HOST_MODATTR" => kept_of(args, true),
        "CHANGE_SVC_MODATTR" => kept_of(args, false),
        "CHANGE_CONTACT_MODATTR" | "CHANGE_CONTACT_MODHATTR" | "CHANGE_CONTACT_MODSATTR" => {
            contact_kept(args, name)
        }
        "CHANGE_HOST_EVENT_HANDLER"
        | "CHANGE_SVC_EVENT_HANDLER"
        | "CHANGE_HOST_CHECK_COMMAND"
        | "CHANGE_SVC_CHECK_COMMAND"
        | "CHANGE_GLOBAL_HOST_EVENT_HANDLER"
        | "CHANGE_GLOBAL_SVC_EVENT_HANDLER" => Err(
            "what is run is changed in the configuration only, where it can be reviewed; then reload"
                .to_owned(),
        ),
        _ => return None,
    };
    Some(one.map(|setting| vec![Command::Change(setting)]))
}

/// Spans are in units of Nagios' `interval_length`, which the configuration has turned into minutes or seconds.
fn units(args: &mut Args<'_>, what: &str) -> Result<Duration, String> {
    let unit = args.inventory.globals.interval_unit;
    let text = args.needed(what)?;
    let number: f64 = text
        .trim()
        .parse()
        .map_err(|_| format!("the {what} `{text}` is not a number"))?;
    Duration::try_from_secs_f64(number * unit.as_secs_f64())
        .ok()
        .filter(|span| *span < Duration::from_secs(400 * 86_400))
        .ok_or_else(|| format!("the {what} {number} is no span of time"))
}

fn interval(args: &mut Args<'_>, is_host: bool) -> Result<Setting, String> {
    Ok(Setting::Interval {
        object: args.object(is_host)?,
        every: units(args, "interval")?,
    })
}

fn retry(args: &mut Args<'_>, is_host: bool) -> Result<Setting, String> {
    Ok(Setting::Retry {
        object: args.object(is_host)?,
        retry: units(args, "retry interval")?,
    })
}

fn attempts(args: &mut Args<'_>, is_host: bool) -> Result<Setting, String> {
    let object = args.object(is_host)?;
    let number = args.number("number of attempts")?;
    let attempts = u32::try_from(number)
        .ok()
        .filter(|attempts| 0 < *attempts)
        .ok_or_else(|| format!("{number} is no number of attempts"))?;
    Ok(Setting::Attempts { object, attempts })
}

fn period(
    args: &mut Args<'_>,
    is_host: bool,
    setting: fn(ObjectName, String) -> Setting,
) -> Result<Setting, String> {
    let object = args.object(is_host)?;
    Ok(setting(object, args.needed("time period")?.to_owned()))
}

fn variable(args: &mut Args<'_>, is_host: bool) -> Result<Setting, String> {
    Ok(Setting::Var {
        object: args.object(is_host)?,
        name: args.needed("variable")?.to_owned(),
        value: args.next().unwrap_or_default().to_owned(),
    })
}

fn contact_variable(args: &mut Args<'_>) -> Result<Setting, String> {
    Ok(Setting::ContactVar {
        contact: args.needed("contact")?.to_owned(),
        name: args.needed("variable")?.to_owned(),
        value: args.next().unwrap_or_default().to_owned(),
    })
}

fn contact_period(args: &mut Args<'_>, hosts: bool) -> Result<Setting, String> {
    Ok(Setting::ContactPeriod {
        contact: args.needed("contact")?.to_owned(),
        hosts,
        period: args.needed("time period")?.to_owned(),
    })
}

fn kept_of(args: &mut Args<'_>, is_host: bool) -> Result<Setting, String> {
    Ok(Setting::Kept {
        object: args.object(is_host)?,
        attributes: bits(args)?,
    })
}

fn contact_kept(args: &mut Args<'_>, name: &str) -> Result<Setting, String> {
    Ok(Setting::ContactKept {
        contact: args.needed("contact")?.to_owned(),
        hosts: name != "CHANGE_CONTACT_MODSATTR",
        checks: name != "CHANGE_CONTACT_MODHATTR",
        attributes: bits(args)?,
    })
}

fn bits(args: &mut Args<'_>) -> Result<u32, String> {
    let number = args.number("number of attributes")?;
    u32::try_from(number).map_err(|_| format!("{number} is no set of attributes"))
}
