//! Commands that switch something on or off: `ENABLE_...`, `DISABLE_...`, `START_...`, `STOP_...`.

use super::args::Args;
use crate::domain::model::command::{Command, GroupName, Scope, What};

/// None: no such command.
pub(super) fn understand(name: &str, args: &mut Args<'_>) -> Option<Result<Command, String>> {
    let (on, what) = match name.split_once('_')? {
        ("ENABLE", "PROCESS") | ("DISABLE", "PROCESS") => return None,
        ("ENABLE" | "START", what) => (true, what),
        ("DISABLE" | "STOP", what) => (false, what),
        ("ENTER", "ACTIVE_MODE") => (true, "NOTIFICATIONS"),
        ("ENTER", "STANDBY_MODE") => (false, "NOTIFICATIONS"),
        _ => return None,
    };
    let starts = name.starts_with('S');
    let switch = if starts {
        started(what, args)?
    } else {
        global(what)
            .map(Ok)
            .or_else(|| of_object(what, args))
            .or_else(|| of_group(what, args))
            .or_else(|| of_contact(what, args))?
    };
    Some(switch.map(|(scope, what)| Command::Switch { scope, what, on }))
}

type Switch = Result<(Scope, What), String>;

fn started(what: &str, args: &mut Args<'_>) -> Option<Switch> {
    let switch = match what {
        "EXECUTING_HOST_CHECKS" => (Scope::Hosts, What::ActiveChecks),
        "EXECUTING_SVC_CHECKS" => (Scope::Checks, What::ActiveChecks),
        "ACCEPTING_PASSIVE_HOST_CHECKS" => (Scope::Hosts, What::PassiveChecks),
        "ACCEPTING_PASSIVE_SVC_CHECKS" => (Scope::Checks, What::PassiveChecks),
        "OBSESSING_OVER_HOST_CHECKS" => (Scope::Hosts, What::Obsess),
        "OBSESSING_OVER_SVC_CHECKS" => (Scope::Checks, What::Obsess),
        "OBSESSING_OVER_HOST" => return Some(object(args, true, What::Obsess)),
        "OBSESSING_OVER_SVC" => return Some(object(args, false, What::Obsess)),
        _ => return None,
    };
    Some(Ok(switch))
}

fn object(args: &mut Args<'_>, is_host: bool, what: What) -> Switch {
    Ok((Scope::Object(args.object(is_host)?), what))
}

fn global(what: &str) -> Option<(Scope, What)> {
    Some(match what {
        "NOTIFICATIONS" => (Scope::Global, What::Notifications),
        "EVENT_HANDLERS" => (Scope::Global, What::Handlers),
        "FLAP_DETECTION" => (Scope::Global, What::FlapDetection),
        "PERFORMANCE_DATA" => (Scope::Global, What::Perfdata),
        "HOST_FRESHNESS_CHECKS" => (Scope::Hosts, What::Freshness),
        "SERVICE_FRESHNESS_CHECKS" => (Scope::Checks, What::Freshness),
        _ => return None,
    })
}

fn of_object(what: &str, args: &mut Args<'_>) -> Option<Switch> {
    let (is_host, what) = match what {
        "HOST_NOTIFICATIONS" => (true, What::Notifications),
        "SVC_NOTIFICATIONS" => (false, What::Notifications),
        "HOST_CHECK" => (true, What::ActiveChecks),
        "SVC_CHECK" => (false, What::ActiveChecks),
        "PASSIVE_HOST_CHECKS" => (true, What::PassiveChecks),
        "PASSIVE_SVC_CHECKS" => (false, What::PassiveChecks),
        "HOST_EVENT_HANDLER" => (true, What::Handlers),
        "SVC_EVENT_HANDLER" => (false, What::Handlers),
        "HOST_FLAP_DETECTION" => (true, What::FlapDetection),
        "SVC_FLAP_DETECTION" => (false, What::FlapDetection),
        "HOST_SVC_NOTIFICATIONS" => return Some(checks_of(args, What::Notifications)),
        "HOST_SVC_CHECKS" => return Some(checks_of(args, What::ActiveChecks)),
        "ALL_NOTIFICATIONS_BEYOND_HOST" => return Some(beyond(args, false, true)),
        "HOST_AND_CHILD_NOTIFICATIONS" => return Some(beyond(args, true, false)),
        _ => return None,
    };
    Some(object(args, is_host, what))
}

fn checks_of(args: &mut Args<'_>, what: What) -> Switch {
    Ok((Scope::ChecksOf(args.host()?.host.to_string()), what))
}

fn beyond(args: &mut Args<'_>, itself: bool, checks: bool) -> Switch {
    let host = args.host()?.host.to_string();
    let scope = Scope::Beyond {
        host,
        itself,
        checks,
    };
    Ok((scope, What::Notifications))
}

fn of_group(what: &str, args: &mut Args<'_>) -> Option<Switch> {
    let (kind, what) = what.split_once('_')?;
    let group: fn(String) -> GroupName = match kind {
        "HOSTGROUP" => GroupName::Hosts,
        "SERVICEGROUP" => GroupName::Checks,
        _ => return None,
    };
    let (hosts, what) = match what {
        "HOST_NOTIFICATIONS" => (true, What::Notifications),
        "SVC_NOTIFICATIONS" => (false, What::Notifications),
        "HOST_CHECKS" => (true, What::ActiveChecks),
        "SVC_CHECKS" => (false, What::ActiveChecks),
        "PASSIVE_HOST_CHECKS" => (true, What::PassiveChecks),
        "PASSIVE_SVC_CHECKS" => (false, What::PassiveChecks),
        _ => return None,
    };
    let scope = args.needed("group").map(|name| Scope::Group {
        group: group(name.to_owned()),
        hosts,
        checks: !hosts,
    });
    Some(scope.map(|scope| (scope, what)))
}

fn of_contact(what: &str, args: &mut Args<'_>) -> Option<Switch> {
    let (kind, what) = what.split_once('_')?;
    let hosts = match what {
        "HOST_NOTIFICATIONS" => true,
        "SVC_NOTIFICATIONS" => false,
        _ => return None,
    };
    let scope: fn(String, bool) -> Scope = match kind {
        "CONTACT" => |name, hosts| Scope::Contact {
            name,
            hosts,
            checks: !hosts,
        },
        "CONTACTGROUP" => |name, hosts| Scope::ContactGroup {
            name,
            hosts,
            checks: !hosts,
        },
        _ => return None,
    };
    let name = args.needed(&kind.to_ascii_lowercase());
    Some(name.map(|name| (scope(name.to_owned(), hosts), What::Notifications)))
}
