//! Downtimes, and the external commands that end them: cases 67 to 73.

use deploywatch::{
    base::time::Timestamp,
    domain::{
        engine::input::Input,
        external::{What, parse},
        model::{
            command::{Command, DowntimeFilter},
            state::State,
        },
    },
};

use super::{Row, rows, world::World};

const COMMANDS: &str = "nagioscore t-tap/test_commands.c";
const DELETED: &str = "nagioscore t-tap/test_downtime.c";
const NAEMON: &str = "naemon-core tests/test-scheduled-downtimes.c";

/// Four hosts with a check each.
const SITE: &str = r#"
[[host]]
name = "host1"
[[host]]
name = "host2"
[[host]]
name = "host3"
[[host]]
name = "host4"
[[check]]
name = "svc"
hosts = ["host1", "host2", "host3"]
command = "check_it"
attempts = 1
[[check]]
name = "svc4"
hosts = ["host4"]
command = "check_it"
"#;

/// Number, command, and the filter's host, check, start and comment as `HOST,CHECK,START,COMMENT`; None: refused.
const FILTERS: &[(u32, &str, Option<&str>)] = &[
    (
        67,
        "START_TIME_COMMENT;1234;Comment;",
        Some("-,-,1234,Comment;"),
    ),
    (67, "START_TIME_COMMENT;badtime", None),
    (67, "START_TIME_COMMENT;123badtime;c", Some("-,-,123,c")),
    (67, "START_TIME_COMMENT;;c", Some("-,-,-,c")),
    (67, "START_TIME_COMMENT;1234", Some("-,-,1234,-")),
    (67, "START_TIME_COMMENT;", None),
    (67, "START_TIME_COMMENT", None),
    (68, "HOST_NAME;", None),
    (68, "HOST_NAME;host1", Some("host1,-,-,-")),
    (68, "HOST_NAME;host1;;1234;c", Some("host1,-,1234,c")),
    (68, "HOST_NAME;host1;;;c", Some("host1,-,-,c")),
    (68, "HOST_NAME;host1;svc;;", Some("host1,svc,-,-")),
];

/// Case 68: number, command behind `DEL_DOWNTIME_BY_`, whether it is accepted, and how many downtimes are left. A line
/// of `more` schedules four more.
const DELETIONS: &[(u32, &str, bool, usize)] = &[
    (68, "START_TIME_COMMENT", false, 8),
    (68, "START_TIME_COMMENT;;", false, 8),
    (68, "START_TIME_COMMENT;+1000;about host1", true, 6),
    (68, "START_TIME_COMMENT;+1;", false, 6),
    (68, "START_TIME_COMMENT;+2000;", true, 4),
    (68, "START_TIME_COMMENT;;unique", true, 3),
    (68, "more", true, 12),
    (68, "HOST_NAME;host2;;;more", true, 10),
    (68, "HOST_NAME;host1;svc", true, 9),
    (68, "HOST_NAME;host3;;+3000", true, 7),
    (68, "HOST_NAME;host4;;;more", true, 5),
    (68, "HOST_NAME;host3;;;no such comment", false, 5),
    (68, "HOST_NAME;host2;svc;;other", true, 4),
    (68, "HOST_NAME;host2;svc;;other", false, 4),
    (68, "HOST_NAME;nowhere", false, 4),
];

/// One thing that happens to downtimes, and what is so afterwards.
enum Act {
    /// An external command; whether it is accepted.
    Order(&'static str, bool),
    /// Seconds after the start.
    Until(i64),
    Result(&'static str, State),
    Restart,
    /// Ends the n-th downtime that was made.
    Cancel(usize),
    /// How many downtimes of an object are in effect, and how many there are in all.
    Depth(&'static str, usize, usize),
    Sent(&'static [&'static str]),
    Skipped(&'static str),
}
use Act::{Cancel, Depth, Order, Restart, Result as Comes, Sent, Skipped, Until};

/// `SCHEDULE_SVC_DOWNTIME;host;svc;start;end;fixed;trigger;duration;author;comment`
const STORIES: &[(u32, &[Act])] = &[
    (
        69,
        &[
            Order("SCHEDULE_HOST_DOWNTIME;host1;+0;+600;1;0;0;ann;one", true),
            Depth("host1", 1, 1),
            Cancel(0),
            Depth("host1", 0, 0),
            Order(
                "SCHEDULE_SVC_DOWNTIME;host1;svc;+0;+600;1;0;0;ann;one",
                true,
            ),
            Order(
                "SCHEDULE_SVC_DOWNTIME;host1;svc;+0;+900;1;0;0;ann;two",
                true,
            ),
            Depth("host1/svc", 2, 2),
            Until(601),
            Depth("host1/svc", 1, 1),
            Until(901),
            Depth("host1/svc", 0, 0),
            Sent(&[
                "host1 downtime-start",
                "host1 downtime-cancelled",
                "host1/svc downtime-start",
                "host1/svc downtime-end",
            ]),
        ],
    ),
    (
        70,
        &[
            Order("SCHEDULE_HOST_DOWNTIME;host1;+0;+600;1;0;0;ann;one", true),
            Order(
                "SCHEDULE_SVC_DOWNTIME;host1;svc;+0;+600;0;0;120;ann;two",
                true,
            ),
            Depth("host1", 1, 2),
            Restart,
            Depth("host1", 1, 2),
            Depth("host1/svc", 0, 2),
            Until(60),
            Comes("host1/svc", State::Critical),
            Depth("host1/svc", 1, 2),
            Restart,
            Depth("host1/svc", 1, 2),
            Until(181),
            Depth("host1/svc", 0, 1),
            Cancel(0),
            Depth("host1", 0, 0),
        ],
    ),
    (
        71,
        &[
            Order(
                "SCHEDULE_HOST_DOWNTIME;host1;-7200;-3600;0;0;60;ann;past",
                false,
            ),
            Order(
                "SCHEDULE_HOST_DOWNTIME;host1;-7200;-3600;1;0;0;ann;past",
                false,
            ),
            Depth("host1", 0, 0),
            Order(
                "SCHEDULE_HOST_DOWNTIME;host1;-3600;+3600;0;0;60;ann;open",
                true,
            ),
            Depth("host1", 0, 1),
            Until(10),
            Comes("host1", State::Down),
            Depth("host1", 1, 1),
            Until(71),
            Depth("host1", 0, 0),
        ],
    ),
    (
        72,
        &[
            Order(
                "SCHEDULE_SVC_DOWNTIME;host1;svc;+0;+3600;0;0;300;ann;trigger",
                true,
            ),
            Order(
                "SCHEDULE_SVC_DOWNTIME;host2;svc;+0;+3600;1;TRIGGER;0;ann;triggered",
                true,
            ),
            Order(
                "SCHEDULE_SVC_DOWNTIME;host2;svc;+0;+3600;0;TRIGGER;300;ann;triggered",
                true,
            ),
            Depth("host1/svc", 0, 3),
            Depth("host2/svc", 0, 3),
            Until(60),
            Comes("host1/svc", State::Warning),
            Depth("host1/svc", 1, 3),
            Depth("host2/svc", 2, 3),
            Until(361),
            Depth("host1/svc", 0, 0),
            Depth("host2/svc", 0, 0),
        ],
    ),
    (
        73,
        &[
            Order(
                "SCHEDULE_SVC_DOWNTIME;host1;svc;+0;+3600;0;0;300;ann;flexible",
                true,
            ),
            Until(60),
            Comes("host1/svc", State::Ok),
            Depth("host1/svc", 0, 1),
            Comes("host1/svc", State::Critical),
            Depth("host1/svc", 1, 1),
            Sent(&["host1/svc downtime-start"]),
            Skipped("host1/svc problem: it is in a downtime"),
        ],
    ),
];

pub fn covered() -> Vec<Row> {
    let at = |wanted: u32| {
        FILTERS
            .iter()
            .map(|row| row.0)
            .filter(move |row| *row == wanted)
    };
    [
        rows(COMMANDS, at(67)),
        rows(DELETED, at(68)),
        rows(DELETED, DELETIONS.iter().map(|row| row.0)),
        rows(NAEMON, STORIES.iter().map(|row| row.0)),
    ]
    .concat()
}

fn shown(filter: &DowntimeFilter) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    assert_eq!(filter.group, None);
    format!(
        "{},{},{},{}",
        text(&filter.host),
        text(&filter.check),
        text(&filter.start.map(|start| start.secs().to_string())),
        text(&filter.comment)
    )
}

#[test]
fn filters_are_read() {
    let world = World::new(SITE);
    for (number, args, expected) in FILTERS {
        let line = format!("[1] DEL_DOWNTIME_BY_{args}");
        let found = parse(&line, world.engine.inventory(), Timestamp::from_secs(2)).ok();
        let found = found.map(|order| match order.what {
            What::Inputs(inputs) => match &inputs[..] {
                [Input::Command(Command::DeleteDowntimes { filter, .. })] => shown(filter),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        });
        assert_eq!(found.as_deref(), *expected, "case {number}: {args}");
    }
}

#[test]
fn filters_are_anded_and_none_fits_nothing() {
    let mut world = World::new(SITE);
    let schedule = |world: &mut World, object: &str, start: u32, comment: &str| {
        let kind = if object.contains(';') { "SVC" } else { "HOST" };
        let line = format!("SCHEDULE_{kind}_DOWNTIME;{object};+{start};+9000;1;0;0;ann;{comment}");
        assert!(world.order(&line).0, "{line}");
    };
    for (at, host) in (1..).zip(["host1", "host2", "host3", "host4"]) {
        let check = if at == 4 { "svc4" } else { "svc" };
        schedule(&mut world, host, 1000 * at, &format!("about {host}"));
        let comment = if at == 4 {
            "unique".to_owned()
        } else {
            format!("about {host}")
        };
        schedule(&mut world, &format!("{host};{check}"), 1000 * at, &comment);
    }
    assert_eq!(world.downtimes.len(), 8);
    for (number, args, accepted, left) in DELETIONS {
        if *args == "more" {
            for (host, check, start) in [
                ("host2", "", 2500),
                ("host2", ";svc", 2500),
                ("host4", "", 4500),
                ("host4", ";svc4", 4500),
                ("host1", ";svc", 1500),
                ("host1", "", 1500),
                ("host3", "", 3500),
                ("host3", ";svc", 3500),
                ("host2", ";svc", 2600),
            ] {
                let comment = if start % 1000 == 500 && matches!(host, "host2" | "host4") {
                    "more"
                } else {
                    "other"
                };
                schedule(&mut world, &format!("{host}{check}"), start, comment);
            }
        } else {
            let line = format!("DEL_DOWNTIME_BY_{args}");
            assert_eq!(world.order(&line).0, *accepted, "case {number}: {args}");
        }
        assert_eq!(world.downtimes.len(), *left, "case {number}: {args}");
    }
}

#[test]
fn downtimes_begin_and_end() {
    for (number, story) in STORIES {
        let mut world = World::new(SITE);
        let mut made: Vec<u64> = Vec::new();
        for (place, act) in story.iter().enumerate() {
            let case = format!("case {number}, act {place}");
            match act {
                Order(line, accepted) => {
                    let first = made.first().copied().unwrap_or_default();
                    let line = line.replace("TRIGGER", &first.to_string());
                    let line = line
                        .split(';')
                        .map(|arg| match arg.strip_prefix('-').map(str::parse::<i64>) {
                            Some(Ok(ago)) => (world.now.secs() - ago).to_string(),
                            _ => arg.to_owned(),
                        })
                        .collect::<Vec<_>>()
                        .join(";");
                    assert_eq!(world.order(&line).0, *accepted, "{case}");
                    let new = world.downtimes.keys().find(|id| !made.contains(*id));
                    assert_eq!(new.is_some(), *accepted, "{case}");
                    made.extend(new.copied());
                }
                Until(seconds) => world.until(*seconds),
                Comes(name, state) => assert!(world.ran(name, *state, "text"), "{case}"),
                Restart => {
                    let before: Vec<u64> = world.downtimes.keys().copied().collect();
                    world = world.restarted();
                    let after: Vec<u64> = world.downtimes.keys().copied().collect();
                    assert_eq!(before, after, "{case}");
                }
                Cancel(nth) => {
                    assert!(
                        world.order(&format!("DEL_HOST_DOWNTIME;{}", made[*nth])).0,
                        "{case}"
                    );
                }
                Depth(name, depth, all) => {
                    assert_eq!(world.depth(name), *depth, "{case}: {name}");
                    assert_eq!(world.downtimes.len(), *all, "{case}");
                }
                Sent(sent) => assert_eq!(world.sent, *sent, "{case}"),
                Skipped(why) => {
                    assert!(
                        world.skipped.iter().any(|said| said == why),
                        "{case}: {:?}",
                        world.skipped
                    );
                }
            }
        }
    }
}
