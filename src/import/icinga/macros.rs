//! Macros of Icinga that only a run knows, and what Nagios calls them.

/// A field of hosts and services, and the macro of each.
const BOTH: &[(&str, &str, &str)] = &[
    ("display_name", "HOSTDISPLAYNAME", "SERVICEDISPLAYNAME"),
    ("state", "HOSTSTATE", "SERVICESTATE"),
    ("state_id", "HOSTSTATEID", "SERVICESTATEID"),
    ("state_type", "HOSTSTATETYPE", "SERVICESTATETYPE"),
    ("check_attempt", "HOSTATTEMPT", "SERVICEATTEMPT"),
    (
        "max_check_attempts",
        "MAXHOSTATTEMPTS",
        "MAXSERVICEATTEMPTS",
    ),
    ("last_state", "LASTHOSTSTATE", "LASTSERVICESTATE"),
    ("last_state_id", "LASTHOSTSTATEID", "LASTSERVICESTATEID"),
    (
        "last_state_change",
        "LASTHOSTSTATECHANGE",
        "LASTSERVICESTATECHANGE",
    ),
    ("downtime_depth", "HOSTDOWNTIME", "SERVICEDOWNTIME"),
    ("duration_sec", "HOSTDURATIONSEC", "SERVICEDURATIONSEC"),
    ("latency", "HOSTLATENCY", "SERVICELATENCY"),
    (
        "execution_time",
        "HOSTEXECUTIONTIME",
        "SERVICEEXECUTIONTIME",
    ),
    ("output", "HOSTOUTPUT", "SERVICEOUTPUT"),
    ("perfdata", "HOSTPERFDATA", "SERVICEPERFDATA"),
    ("last_check", "LASTHOSTCHECK", "LASTSERVICECHECK"),
    ("check_command", "HOSTCHECKCOMMAND", "SERVICECHECKCOMMAND"),
    ("notes", "HOSTNOTES", "SERVICENOTES"),
    ("notes_url", "HOSTNOTESURL", "SERVICENOTESURL"),
    ("action_url", "HOSTACTIONURL", "SERVICEACTIONURL"),
];

/// An object, a field of it, and the macro.
const ONE: &[(&str, &str, &str)] = &[
    ("host", "name", "HOSTNAME"),
    ("host", "address", "HOSTADDRESS"),
    ("host", "address6", "_HOSTADDRESS6"),
    ("host", "num_services", "TOTALHOSTSERVICES"),
    ("host", "num_services_ok", "TOTALHOSTSERVICESOK"),
    ("host", "num_services_warning", "TOTALHOSTSERVICESWARNING"),
    ("host", "num_services_unknown", "TOTALHOSTSERVICESUNKNOWN"),
    ("host", "num_services_critical", "TOTALHOSTSERVICESCRITICAL"),
    ("service", "name", "SERVICEDESC"),
    ("user", "name", "CONTACTNAME"),
    ("user", "display_name", "CONTACTALIAS"),
    ("user", "email", "CONTACTEMAIL"),
    ("user", "pager", "CONTACTPAGER"),
    ("notification", "type", "NOTIFICATIONTYPE"),
    ("notification", "author", "NOTIFICATIONAUTHOR"),
    ("notification", "comment", "NOTIFICATIONCOMMENT"),
    ("icinga", "timet", "TIMET"),
    ("icinga", "long_date_time", "LONGDATETIME"),
    ("icinga", "short_date_time", "SHORTDATETIME"),
    ("icinga", "date", "DATE"),
    ("icinga", "time", "TIME"),
    ("icinga", "num_services_ok", "TOTALSERVICESOK"),
    ("icinga", "num_services_warning", "TOTALSERVICESWARNING"),
    ("icinga", "num_services_critical", "TOTALSERVICESCRITICAL"),
    ("icinga", "num_services_unknown", "TOTALSERVICESUNKNOWN"),
    ("icinga", "num_hosts_up", "TOTALHOSTSUP"),
    ("icinga", "num_hosts_down", "TOTALHOSTSDOWN"),
    ("icinga", "num_hosts_unreachable", "TOTALHOSTSUNREACHABLE"),
];

/// What Nagios calls a field of an object.
pub fn of(object: &str, field: &str) -> Option<&'static str> {
    if let Some((.., name)) = ONE
        .iter()
        .find(|(known, name, _)| (*known, *name) == (object, field))
    {
        return Some(name);
    }
    let (_, host, service) = BOTH.iter().find(|(name, ..)| *name == field)?;
    match object {
        "host" => Some(host),
        "service" => Some(service),
        _ => None,
    }
}
