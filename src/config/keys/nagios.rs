//! The keys of `[nagios]`: files, pipes and sockets for tools made for Nagios.

use super::{Key, Kind, Spec};

pub static NAGIOS: Spec = Spec::new(
    "[nagios]",
    "Drop-in files, pipes and sockets for tools made for Nagios. Paths are relative to this file; a change counts after a restart.",
    &[&[
        Key::new(
            "command_file",
            Kind::Text,
            "The pipe for external commands.",
        ),
        Key::new(
            "interval_unit",
            Kind::Span(false),
            "What a number stands for where external commands give an interval.",
        )
        .or("1m"),
        Key::new("log_file", Kind::Text, "The log as Nagios writes it."),
        Key::new(
            "log_archive_path",
            Kind::Text,
            "Where rotated logs go; without it beside the log.",
        ),
        Key::new(
            "log_rotation",
            Kind::OneOf(&["none", "hourly", "daily", "weekly", "monthly"]),
            "When a new log is begun.",
        )
        .or("\"daily\""),
        Key::new(
            "log_host_retries",
            Kind::Flag,
            "Soft states of hosts are logged.",
        )
        .or("true"),
        Key::new(
            "log_check_retries",
            Kind::Flag,
            "Soft states of checks are logged.",
        )
        .or("true"),
        Key::new("log_notifications", Kind::Flag, "Notifications are logged.").or("true"),
        Key::new("log_handlers", Kind::Flag, "Event handlers are logged.").or("true"),
        Key::new("log_commands", Kind::Flag, "External commands are logged.").or("true"),
        Key::new(
            "log_passive",
            Kind::Flag,
            "Results from outside are logged.",
        )
        .or("true"),
        Key::new(
            "log_initial_states",
            Kind::Flag,
            "All states are logged at the start.",
        )
        .or("false"),
        Key::new(
            "log_current_states",
            Kind::Flag,
            "All states are logged at the beginning of a new log.",
        )
        .or("true"),
        Key::new(
            "check_result_path",
            Kind::Text,
            "The directory where others put files with results.",
        ),
        Key::new(
            "check_result_max_age",
            Kind::Span(true),
            "Older files in it are deleted unread; 0s: none is too old.",
        )
        .or("1h"),
        Key::new(
            "status_file",
            Kind::Text,
            "The picture of all states, status.dat.",
        ),
        Key::new(
            "status_every",
            Kind::Span(false),
            "How often it is written.",
        )
        .or("10s"),
        Key::new(
            "object_cache_file",
            Kind::Text,
            "All objects as Nagios' own, objects.cache.",
        ),
        Key::new(
            "perfdata_timeout",
            Kind::Span(false),
            "The time a performance data command has.",
        )
        .or("5s"),
        Key::new(
            "host_perfdata_command",
            Kind::AnyText,
            "Run after every result of a host: a command line or the name of a [[command]].",
        ),
        Key::new(
            "check_perfdata_command",
            Kind::AnyText,
            "Run after every result of a check.",
        ),
        Key::new(
            "host_perfdata_file",
            Kind::Text,
            "Gets a line for every result of a host.",
        ),
        Key::new(
            "check_perfdata_file",
            Kind::Text,
            "Gets a line for every result of a check.",
        ),
        Key::new(
            "host_perfdata_file_template",
            Kind::Text,
            "That line, with macros; \\t is a tab.",
        ),
        Key::new(
            "check_perfdata_file_template",
            Kind::Text,
            "That line, with macros; \\t is a tab.",
        ),
        Key::new(
            "host_perfdata_file_mode",
            Kind::OneOf(&["a", "w", "p"]),
            "a: append; w: begin anew at the start; p: a pipe.",
        )
        .or("\"a\""),
        Key::new(
            "check_perfdata_file_mode",
            Kind::OneOf(&["a", "w", "p"]),
            "a: append; w: begin anew at the start; p: a pipe.",
        )
        .or("\"a\""),
        Key::new(
            "host_perfdata_file_every",
            Kind::Span(true),
            "How often the file is handed to its command; 0s: never.",
        )
        .or("0s"),
        Key::new(
            "check_perfdata_file_every",
            Kind::Span(true),
            "How often the file is handed to its command; 0s: never.",
        )
        .or("0s"),
        Key::new(
            "host_perfdata_file_command",
            Kind::AnyText,
            "Takes the file away: a command line or the name of a [[command]].",
        ),
        Key::new(
            "check_perfdata_file_command",
            Kind::AnyText,
            "Takes the file away: a command line or the name of a [[command]].",
        ),
        Key::new(
            "perfdata_empty",
            Kind::Flag,
            "Results without performance data get their line as well.",
        )
        .or("true"),
        Key::new(
            "livestatus",
            Kind::Text,
            "The socket that answers Livestatus queries.",
        ),
        Key::new(
            "livestatus_listen",
            Kind::Listens,
            "Addresses with a port that answer Livestatus queries; whoever reaches them may read all and send commands.",
        ),
        Key::new("nsca", Kind::Table(&NSCA), "Results sent by send_nsca."),
    ]],
);

static NSCA: Spec = Spec::new(
    "[nagios.nsca]",
    "Results sent by send_nsca.",
    &[&[
        Key::new(
            "listen",
            Kind::Listens,
            "Where they come in; the usual port is 5667.",
        )
        .must(),
        Key::new(
            "encryption",
            Kind::OneOf(&[
                "none",
                "xor",
                "des",
                "3des",
                "aes128",
                "aes192",
                "aes256",
                "rijndael128",
                "rijndael192",
                "rijndael256",
            ]),
            "The `encryption_method` of send_nsca.cfg: 0, 1, 2, 3, 14 to 16.",
        )
        .or("\"xor\""),
        Key::new("password", Kind::Inline, "The `password` of send_nsca.cfg."),
        Key::new("password_file", Kind::Text, "A file with it."),
        Key::new(
            "password_env",
            Kind::Text,
            "The environment variable that holds it.",
        ),
        Key::new(
            "password_credential",
            Kind::Text,
            "The systemd credential that holds it.",
        ),
        Key::new(
            "max_age",
            Kind::Span(true),
            "Results whose time is this far off are refused; 0s: none is.",
        )
        .or("30s"),
    ]],
);
