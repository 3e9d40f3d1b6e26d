//! Results, and commands for the daemon itself.

use super::{What, args::Args};
use crate::{
    base::time::Timestamp,
    domain::{
        engine::input::Input,
        model::{
            job::CheckResult,
            state::{ObjectName, State},
        },
        plugin,
    },
};

const KEPT: &str = "states are kept in the store all the time";
const NO_BROKER: &str = "names that begin with _ are for modules, of which there are none here";

pub(super) fn understand(
    name: &str,
    args: &mut Args<'_>,
    at: Timestamp,
) -> Option<Result<What, String>> {
    Some(match name {
        "PROCESS_SERVICE_CHECK_RESULT" => result(args, at, false),
        "PROCESS_HOST_CHECK_RESULT" => result(args, at, true),
        "SHUTDOWN_PROCESS" | "SHUTDOWN_PROGRAM" => Ok(What::Shutdown),
        "RESTART_PROCESS" | "RESTART_PROGRAM" => Ok(What::Restart),
        "SAVE_STATE_INFORMATION" | "READ_STATE_INFORMATION" => Ok(What::Nothing(KEPT)),
        "PROCESS_FILE" => file(args),
        "LOG" => Ok(What::Log(args.rest().unwrap_or_default().to_owned())),
        _ if name.starts_with('_') => Ok(What::Nothing(NO_BROKER)),
        _ => return None,
    })
}

fn file(args: &mut Args<'_>) -> Result<What, String> {
    let path = args.needed("file")?.into();
    Ok(What::File {
        path,
        delete: args.flag("number that says whether to delete the file")?,
    })
}

fn result(args: &mut Args<'_>, at: Timestamp, is_host: bool) -> Result<What, String> {
    let host = args.host_or_address()?;
    let object = if is_host {
        host
    } else {
        args.check_of(&host.host)?
    };
    let code = args.number("return code")?;
    let text = unescape(args.rest().unwrap_or_default());
    result_of(object, code, &text, at).map(|result| What::Inputs(vec![Input::Passive(result)]))
}

/// A result that was sent with a number: 0 to 3 for checks, 0 to 2 for hosts.
fn result_of(
    object: ObjectName,
    code: i64,
    text: &str,
    at: Timestamp,
) -> Result<CheckResult, String> {
    let state = match (object.check.is_none(), code) {
        (true, 0) => State::Up,
        (true, 1) => State::Down,
        (true, 2) => State::Unreachable,
        (true, _) => {
            return Err(format!(
                "the return code of a host is 0 (UP), 1 (DOWN) or 2 (UNREACHABLE), not {code}"
            ));
        }
        (false, 0) => State::Ok,
        (false, 1) => State::Warning,
        (false, 2) => State::Critical,
        (false, 3) => State::Unknown,
        (false, _) => {
            return Err(format!(
                "the return code of a service is 0 (OK), 1 (WARNING), 2 (CRITICAL) or 3 (UNKNOWN), not {code}"
            ));
        }
    };
    Ok(plugin::passive(object, state, text, at))
}

/// `\n` becomes a line end and `\\` a backslash; anything else after a backslash stays (5.4, as in results from files).
pub fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        rest = if let Some(after) = after.strip_prefix('n') {
            out.push('\n');
            after
        } else {
            out.push('\\');
            after.strip_prefix('\\').unwrap_or(after)
        };
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_nagios() {
        assert_eq!(unescape(r"a\nb\\nc\td\"), "a\nb\\nc\\td\\");
        assert_eq!(unescape("plain"), "plain");
    }
}
