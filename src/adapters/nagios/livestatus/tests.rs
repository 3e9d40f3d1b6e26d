//! Queries against a small site, and against a large one that changes meanwhile.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value as Json, json};

use super::{Facts, LogPlace, output::Syntax, rec::Snap, request, tables::Table};
use crate::{
    adapters::nagios::mirror::Mirror,
    base::time::Timestamp,
    domain::{
        engine::rows::{Row, World},
        model::{
            change::{Comment, Downtime},
            objects::{
                Check, CommandLine, Contact, ContactIx, FlapRule, Host, HostIx, Inventory, Native,
                NotifyRule, ObjIx, ProfileIx, Rule, Schedule, Terms,
            },
            relations::{ContactGroup, Group},
            state::{ObjectName, State, StateSet, StateType},
            status::{Ack, Status},
            tuned::Switches,
        },
    },
};

mod sieve;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

fn rule(contacts: Vec<ContactIx>, vars: &[(&str, &str)]) -> Rule {
    Rule {
        command: Some(CommandLine {
            name: "check_x".into(),
            line: "check_x -w $ARG1$".into(),
            args: vec!["5".to_owned()],
        }),
        terms: Arc::new(Terms {
            schedule: Schedule::Every(Duration::from_secs(300)),
            retry: Duration::from_secs(60),
            attempts: 3,
            timeout: Duration::from_secs(30),
            active: true,
            accepts_passive: true,
            volatile: false,
            check_period: None,
            notify: NotifyRule {
                enabled: true,
                contacts,
                period: None,
                remind: Duration::from_secs(3600),
                first_delay: Duration::ZERO,
                states: StateSet::ALL,
                on_flapping: true,
                on_downtime: true,
            },
            flap: FlapRule {
                enabled: true,
                low: 20.0,
                high: 30.0,
            },
            profile: ProfileIx(0),
            tags: Vec::new(),
            env_macros: false,
            app: None,
            always_page: false,
            external: false,
            notes: Some("See $HOSTNAME$".into()),
            notes_url: None,
            vars: vars
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            native: Native::default(),
            rare: None,
        }),
    }
}

fn host(name: &str, checks: std::ops::Range<u32>, rule: Arc<Rule>) -> Host {
    Host {
        name: name.into(),
        alias: format!("Host {name}").into(),
        address: "192.0.2.1".into(),
        groups: vec!["all".into()],
        apps: Vec::new(),
        parents: Vec::new(),
        children: Vec::new(),
        checks,
        vars: BTreeMap::new(),
        rule,
    }
}

fn contact(name: &str) -> Contact {
    Contact {
        name: name.into(),
        alias: name.into(),
        channels: Vec::new(),
        actors: Vec::new(),
        check_states: StateSet::ALL,
        host_states: StateSet::ALL,
        on_flapping: true,
        on_downtime: true,
        host_on_flapping: true,
        host_on_downtime: true,
        check_period: None,
        host_period: None,
        enabled: true,
        host_enabled: true,
        check_enabled: false,
        can_command: true,
        vars: BTreeMap::new(),
        pager: String::new(),
        addresses: vec!["+44".to_owned()],
        email: format!("{name}@example.org"),
        on_call: None,
    }
}

/// A row as it is after a result.
fn row(inventory: &Inventory, obj: ObjIx, state: State, output: &str) -> Row {
    let mut status = Status::pending(inventory.is_host(obj));
    status.state = state;
    status.last_hard_state = state;
    status.checked = true;
    status.output = output.into();
    status.last_check_at = NOW - Duration::from_secs(60);
    status.took = Duration::from_millis(250);
    Row {
        obj,
        status,
        rule: inventory.rule(obj).clone(),
        due: Some(NOW + Duration::from_secs(240)),
        running: false,
        downtimes: 0,
    }
}

fn world(inventory: Arc<Inventory>) -> World {
    World {
        inventory,
        comments: BTreeMap::new(),
        downtimes: BTreeMap::new(),
        switches: Switches::default(),
        began_at: NOW - Duration::from_secs(1000),
        last_id: 9,
    }
}

/// Hosts `db` (amy is told) and `web` (nobody is); checks db/disk (OK), db/load (WARNING, acknowledged), web/http
/// (CRITICAL, soft, bob is told, with variables), web/ssh (never checked, amy is told).
fn site() -> Mirror {
    let (amy, bob) = (ContactIx(0), ContactIx(1));
    let plain = Arc::new(rule(Vec::new(), &[]));
    let mut inventory = Inventory {
        hosts: vec![
            host("db", 0..2, Arc::new(rule(vec![amy], &[]))),
            host("web", 2..4, plain.clone()),
        ],
        contacts: vec![contact("amy"), contact("bob")],
        ..Inventory::default()
    };
    let check = |host, name: &str, rule: &Arc<Rule>| Check {
        host: HostIx(host),
        name: name.into(),
        rule: rule.clone(),
    };
    let http = Arc::new(rule(vec![bob], &[("PORT", "443"), ("TEAM", "Green")]));
    let ssh = Arc::new(rule(vec![amy], &[]));
    inventory.checks = vec![
        check(0, "disk", &plain),
        check(0, "load", &plain),
        check(1, "http", &http),
        check(1, "ssh", &ssh),
    ];
    let group = |name: &str, members: &[u32]| Group {
        name: name.into(),
        alias: name.into(),
        members: members.iter().map(|member| ObjIx(*member)).collect(),
        ..Group::default()
    };
    inventory.relations.groups = vec![group("all", &[0, 1]), group("dbs", &[0])];
    inventory.relations.check_groups = vec![group("front", &[4, 5])];
    inventory.relations.contact_groups = vec![ContactGroup {
        name: "ops".into(),
        alias: "Operators".into(),
        members: vec![amy],
    }];
    let inventory = Arc::new(inventory);
    let of = |obj, state, output: &str| row(&inventory, ObjIx(obj), state, output);
    let mut rows = vec![
        of(0, State::Up, "up"),
        of(1, State::Down, "down"),
        of(2, State::Ok, "fine"),
        of(3, State::Warning, "load; high"),
        of(4, State::Critical, "502 \"bad\"\u{7}ü"),
        of(5, State::Ok, ""),
    ];
    rows[3].status.ack = Some(Box::new(Ack {
        by: "amy".to_owned(),
        comment: "mine".to_owned(),
        sticky: true,
        persistent: false,
        at: NOW,
        until: None,
        snooze: false,
        through: None,
        page: None,
    }));
    rows[4].status.state_type = StateType::Soft;
    rows[4].status.last_hard_state = State::Ok;
    rows[4].status.long_output = "two\nthree".into();
    rows[4].downtimes = 1;
    rows[5].status.checked = false;
    let mut world = world(inventory);
    let name = ObjectName::check("web", "http");
    world.comments.insert(
        7,
        Comment {
            id: 7,
            object: name.clone(),
            at: NOW,
            author: "amy".to_owned(),
            text: "hm".to_owned(),
            persistent: true,
            kind: "user".to_owned(),
        },
    );
    world.downtimes.insert(
        8,
        Downtime {
            id: 8,
            object: name,
            start: NOW,
            end: NOW + Duration::from_secs(600),
            author: "bob".to_owned(),
            comment: "planned".to_owned(),
            active: true,
            fixed: true,
            duration: Duration::ZERO,
            triggered_by: None,
            began_at: None,
            comment_id: None,
            deploys: Vec::new(),
        },
    );
    Mirror::new(world, rows.into_iter())
}

fn snap(mirror: &Mirror, log: Option<LogPlace>) -> Snap {
    let facts = Facts {
        pid: 4711,
        began_at: NOW,
        requests: 0.into(),
        connections: 0.into(),
        commands: 0.into(),
        seen: mirror.seen(),
    };
    Snap::new(mirror.picture(), NOW, Arc::new(facts), log)
}

fn ask_snap(snap: &Snap, text: &str) -> Result<String, (u16, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let (_, query) = request::parse(&lines, NOW);
    query
        .and_then(|query| query.answer(snap))
        .map_err(|refusal| (refusal.code, refusal.message))
}

#[track_caller]
fn ask(text: &str) -> String {
    ask_snap(&snap(&site(), None), text).expect("an answer")
}

#[track_caller]
fn ask_json(text: &str) -> Json {
    let answer = ask(&format!("{text}\nOutputFormat: json"));
    serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// The names of the checks that pass.
#[track_caller]
fn checks(filters: &str) -> Vec<String> {
    let answer = ask_json(&format!("GET services\nColumns: description\n{filters}"));
    let rows = answer.as_array().cloned().unwrap_or_default();
    rows.iter()
        .map(|row| row[0].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[track_caller]
fn refused(text: &str) -> (u16, String) {
    ask_snap(&snap(&site(), None), text).expect_err("a refusal")
}

#[test]
fn numbers_and_texts_are_compared() {
    for (filter, found) in [
        ("Filter: state = 2", vec!["http"]),
        ("Filter: state != 0", vec!["load", "http"]),
        ("Filter: state > 1", vec!["http"]),
        ("Filter: state >= 1", vec!["load", "http"]),
        ("Filter: state < 1", vec!["disk", "ssh"]),
        ("Filter: state <= 1", vec!["disk", "load", "ssh"]),
        ("Filter: state ~ 2", vec!["http"]),
        ("Filter: has_been_checked = 0", vec!["ssh"]),
        (
            "Filter: execution_time > 0.2\nFilter: state = 0",
            vec!["disk", "ssh"],
        ),
        ("Filter: description = http", vec!["http"]),
        ("Filter: description =~ HTTP", vec!["http"]),
        ("Filter: description !=~ HTTP", vec!["disk", "load", "ssh"]),
        ("Filter: description ~ ^(disk|ssh)$", vec!["disk", "ssh"]),
        ("Filter: description !~ s", vec!["load", "http"]),
        ("Filter: description ~~ SS", vec!["ssh"]),
        ("Filter: description !~~ SS", vec!["disk", "load", "http"]),
        ("Filter: description < http", vec!["disk"]),
        ("Filter: description >= load", vec!["load", "ssh"]),
        ("Filter: plugin_output = load; high", vec!["load"]),
        ("Filter: plugin_output =", vec!["ssh"]),
        ("Filter: host_state = 1", vec!["http", "ssh"]),
        ("Filter: host_name = db", vec!["disk", "load"]),
        ("Filter: host_name = nobody", vec![]),
        ("Filter: host_alias ~~ HOST W", vec!["http", "ssh"]),
        // A service's own columns with the name of the table in front.
        ("Filter: service_state = 1", vec!["load"]),
    ] {
        assert_eq!(checks(filter), found, "{filter}");
    }
}

#[test]
fn lists_and_dictionaries_are_searched() {
    for (filter, found) in [
        ("Filter: contacts >= bob", vec!["http"]),
        ("Filter: contacts < bob", vec!["disk", "load", "ssh"]),
        ("Filter: contacts <= BOB", vec!["http"]),
        ("Filter: contacts > BOB", vec!["disk", "load", "ssh"]),
        ("Filter: contacts =", vec!["disk", "load"]),
        ("Filter: contacts !=", vec!["http", "ssh"]),
        ("Filter: contacts ~ ^b", vec!["http"]),
        ("Filter: contacts !~ ^b", vec!["disk", "load", "ssh"]),
        ("Filter: contacts ~~ ^B", vec!["http"]),
        ("Filter: contact_groups >= ops", vec!["ssh"]),
        ("Filter: comments >= 7", vec!["http"]),
        (
            "Filter: host_groups >= all\nFilter: state = 1",
            vec!["load"],
        ),
        ("Filter: custom_variable_names >= PORT", vec!["http"]),
        ("Filter: custom_variables = PORT 443", vec!["http"]),
        ("Filter: custom_variables ~~ team ^green$", vec!["http"]),
        (
            "Filter: custom_variables != PORT 443",
            vec!["disk", "load", "ssh"],
        ),
        (
            "Filter: custom_variables = NOTHERE",
            vec!["disk", "load", "http", "ssh"],
        ),
    ] {
        assert_eq!(checks(filter), found, "{filter}");
    }
    let groups = ask_json("GET servicegroups\nColumns: name members\nFilter: members >= web|http");
    assert_eq!(
        groups,
        json!([["front", [["web", "http"], ["web", "ssh"]]]])
    );
}

#[test]
fn filters_are_joined_in_the_order_of_the_query() {
    for (filter, found) in [
        (
            "Filter: state = 1\nFilter: state = 2\nOr: 2",
            vec!["load", "http"],
        ),
        ("Filter: state = 1\nNegate:", vec!["disk", "http", "ssh"]),
        ("Filter: state = 1\nNegate:\nNegate:", vec!["load"]),
        (
            "Filter: host_name = web\nFilter: state = 1\nFilter: state = 2\nOr: 2",
            vec!["http"],
        ),
        (
            "Filter: host_name = db\nFilter: state = 1\nAnd: 2\nFilter: state = 2\nOr: 2",
            vec!["load", "http"],
        ),
        (
            "Filter: host_name = db\nFilter: host_name = web\nOr: 2",
            vec!["disk", "load", "http", "ssh"],
        ),
        (
            "Filter: state = 0\nFilter: acknowledged = 1\nOr: 2\nNegate:",
            vec!["http"],
        ),
    ] {
        assert_eq!(checks(filter), found, "{filter}");
    }
}

#[test]
fn sums_are_reckoned_and_grouped() {
    assert_eq!(
        ask(
            "GET services\nStats: state = 0\nStats: state = 1\nStats: state = 2\nStatsOr: 2\nStats: state = 0\nStatsNegate:"
        ),
        "2;2;2\n"
    );
    assert_eq!(
        ask_json(
            "GET services\nStats: state != 0\nStats: acknowledged = 0\nStatsAnd: 2\nColumns: host_name"
        ),
        json!([["db", 0], ["web", 1]])
    );
    assert_eq!(
        ask_json(
            "GET services\nStats: sum state\nStats: min state\nStats: max state\nStats: avg state\nStats: sum execution_time"
        ),
        json!([[3, 0, 2, 0.75, 1.0]])
    );
    let spread = ask_json(
        "GET services\nFilter: state != 0\nStats: std state\nStats: suminv state\nStats: avginv state",
    );
    assert_eq!(spread, json!([[0.5, 1.5, 0.75]]));
    assert_eq!(
        ask(
            "GET services\nStatsGroupBy: host_name\nStats: state >= 0\nSort: host_name desc\nLimit: 1"
        ),
        "web;2\n"
    );
    assert_eq!(
        ask("GET services\nFilter: state = 9\nStats: avg state\nStats: state = 9"),
        "0.0;0\n"
    );
    assert_eq!(
        ask("GET services\nStats: state = 0\nColumnHeaders: on\nColumns: host_name"),
        "host_name;stats_1\ndb;1\nweb;1\n"
    );
}

#[test]
fn pages_are_sorted_and_counted() {
    let page =
        |more: &str| -> String { ask(&format!("GET services\nColumns: description\n{more}")) };
    assert_eq!(page("Sort: state desc\nLimit: 2"), "http\nload\n");
    assert_eq!(
        page("Sort: state desc\nSort: description desc\nOffset: 1\nLimit: 2"),
        "load\nssh\n"
    );
    assert_eq!(page("Limit: 1\nOffset: 2"), "http\n");
    assert_eq!(page("Offset: 9"), "");
    assert_eq!(page("Limit: 0"), "");
    assert_eq!(page("Sort: custom_variables team desc\nLimit: 1"), "http\n");
    let wrapped = page("Limit: 1\nOutputFormat: wrapped_json\nColumnHeaders: on");
    let wrapped: Json = serde_json::from_str(&wrapped).expect("JSON");
    assert_eq!(
        wrapped,
        json!({"columns": ["description"], "data": [["disk"]], "total_count": 4})
    );
    let sorted = page("Sort: description desc\nLimit: 1\nOffset: 1\nOutputFormat: wrapped_json");
    let sorted: Json = serde_json::from_str(&sorted).expect("JSON");
    assert_eq!(sorted, json!({"data": [["load"]], "total_count": 4}));
}

#[test]
fn formats_are_those_of_the_clients() {
    let columns = "GET services\nFilter: description = http\nColumns: description plugin_output long_plugin_output latency contacts comments_with_info custom_variables nonsense";
    assert_eq!(
        ask(columns),
        "http;502 \"bad\"\u{7}ü;two\\nthree;0.0;bob;7|amy|hm;PORT|443,TEAM|Green;\n"
    );
    assert_eq!(
        ask(&format!(
            "{columns}\nSeparators: 33 35 36 37\nColumnHeaders: on"
        )),
        "description#plugin_output#long_plugin_output#latency#contacts#comments_with_info#custom_variables#nonsense!\
         http#502 \"bad\"\u{7}ü#two\\nthree#0.0#bob#7%amy%hm#PORT%443$TEAM%Green#!"
    );
    assert_eq!(
        ask_json(columns),
        json!([[
            "http", "502 \"bad\"\u{7}ü", "two\\nthree", 0.0, ["bob"], [[7, "amy", "hm"]],
            {"PORT": "443", "TEAM": "Green"}, ""
        ]])
    );
    let text = "GET services\nFilter: description = http\nColumns: plugin_output";
    assert_eq!(
        ask(&format!("{text}\nOutputFormat: python")),
        "[[u\"502 \\\"bad\\\"\\u0007\\u00fc\"]]\n"
    );
    assert_eq!(
        ask(&format!("{text}\nOutputFormat: python3")),
        "[[\"502 \\\"bad\\\"\\u0007\\u00fc\"]]\n"
    );
}

#[test]
fn columns_say_what_clients_look_for() {
    let row = ask_json(
        "GET services\nFilter: description = load\nColumns: check_command check_interval acknowledgement_type host_notes_expanded host_num_services_ok host_worst_service_state last_check next_check state_type staleness hard_state",
    );
    assert_eq!(
        row,
        json!([[
            "check_x!5",
            5.0,
            2,
            "See db",
            1,
            1,
            1_699_999_940,
            1_700_000_240,
            1,
            0.2,
            1
        ]])
    );
    assert_eq!(
        ask(
            "GET services\nFilter: description = http\nColumns: hard_state state_type scheduled_downtime_depth downtimes_with_info"
        ),
        "0;0;1;8|bob|planned\n"
    );
    assert_eq!(
        ask_json(
            "GET hostgroups\nColumns: name num_hosts num_hosts_down num_services num_services_crit num_services_pending worst_host_state"
        ),
        json!([["all", 2, 1, 4, 1, 1, 1], ["dbs", 1, 0, 2, 0, 0, 0]])
    );
    assert_eq!(
        ask_json(
            "GET hostsbygroup\nColumns: hostgroup_name name num_services hostgroup_num_services"
        ),
        json!([
            ["all", "db", 2, 4],
            ["all", "web", 2, 4],
            ["dbs", "db", 2, 2]
        ])
    );
    assert_eq!(
        ask("GET servicesbyhostgroup\nFilter: hostgroup_name = dbs\nColumns: description"),
        "disk\nload\n"
    );
    assert_eq!(
        ask("GET servicesbygroup\nColumns: servicegroup_name host_name description"),
        "front;web;http\nfront;web;ssh\n"
    );
    assert_eq!(
        ask(
            "GET contacts\nColumns: name email address1 groups host_notifications_enabled service_notifications_enabled"
        ),
        "amy;amy@example.org;+44;ops;1;0\nbob;bob@example.org;+44;;1;0\n"
    );
    assert_eq!(
        ask("GET commands\nColumns: name line"),
        "check_x;check_x -w $ARG1$\n"
    );
    assert_eq!(
        ask(
            "GET comments\nColumns: id host_name service_description author comment entry_type is_service host_state"
        ),
        "7;web;http;amy;hm;1;1;1\n"
    );
    assert_eq!(
        ask("GET downtimes\nColumns: id service_display_name duration is_active"),
        "8;http;600;1\n"
    );
    assert_eq!(
        ask("GET status\nColumns: nagios_pid program_start num_services enable_notifications"),
        "4711;1699999000;4;1\n"
    );
}

#[test]
fn the_clients_clock_shifts_times() {
    let theirs = NOW.secs() + 7200 + 17;
    let query = format!(
        "GET services\nLocaltime: {theirs}\nColumns: last_check latency\nFilter: last_check = 1700007140\nLimit: 1"
    );
    assert_eq!(ask(&query), "1700007140;0.0\n");
    assert_eq!(refused("GET hosts\nLocaltime: 5").0, 400);
}

#[test]
fn contacts_see_what_is_theirs() {
    let seen = |who: &str, table: &str, column: &str| -> String {
        ask(&format!("GET {table}\nColumns: {column}\nAuthUser: {who}")).replace('\n', " ")
    };
    assert_eq!(seen("amy", "hosts", "name"), "db ");
    // Those of her host, and the one that tells her.
    assert_eq!(seen("amy", "services", "description"), "disk load ssh ");
    assert_eq!(seen("bob", "services", "description"), "http ");
    assert_eq!(seen("bob", "comments", "id"), "7 ");
    assert_eq!(seen("amy", "comments", "id"), "");
    assert_eq!(seen("amy", "hostgroups", "name"), "dbs ");
    assert_eq!(seen("nobody", "services", "description"), "");
    assert_eq!(seen("nobody", "hostgroups", "name"), "");
    assert_eq!(seen("nobody", "status", "num_hosts"), "2 ");
}

#[test]
fn what_makes_no_sense_is_refused_with_a_code() {
    for (text, code, hint) in [
        ("", 451, "incomplete"),
        ("HELLO", 452, "HELLO"),
        ("GET", 400, "tablename"),
        ("GET nothing", 404, "nothing"),
        ("GET hosts\nFoo: 1", 400, "Foo"),
        ("GET hosts\nFilter: nothing = 1", 450, "nothing"),
        ("GET hosts\nStats: sum nothing", 450, "nothing"),
        ("GET hosts\nSort: nothing", 450, "nothing"),
        ("GET hosts\nFilter: state", 400, "operator"),
        ("GET hosts\nFilter: state <> 1", 400, "<>"),
        ("GET hosts\nFilter: name ~ (", 400, "regular expression"),
        ("GET hosts\nAnd: 1", 400, "joined"),
        ("GET hosts\nOr: x", 400, "number"),
        ("GET hosts\nNegate:", 400, "negate"),
        ("GET hosts\nStats: sum state\nStatsNegate:", 400, "count"),
        ("GET hosts\nOutputFormat: xml", 400, "wrapped_json"),
        ("GET hosts\nSeparators: 10 20", 400, "four"),
        ("GET hosts\nColumnHeaders: maybe", 400, "maybe"),
        ("GET hosts\nLimit: -1", 400, "-1"),
        ("GET hosts\nTimelimit: 0", 413, "time"),
        ("GET hosts\nWaitTrigger: never", 400, "never"),
    ] {
        let (got, message) = refused(text);
        assert_eq!(
            (got, message.contains(hint)),
            (code, true),
            "{text}: {message}"
        );
    }
    let deep = "Filter: state = 1\nAnd: 1\n".to_owned() + &"Or: 1\n".repeat(1000);
    assert_eq!(refused(&format!("GET hosts\n{deep}")).0, 400);
    let huge = format!("GET hosts\nFilter: name ~ {}", "(a{1,999}){1,999}");
    assert_eq!(refused(&huge).0, 400);
    assert_eq!(
        refused(&format!(
            "GET hosts\n{}",
            "Filter: state = 1\n".repeat(30_000)
        ))
        .0,
        413
    );
}

#[test]
fn every_column_of_every_table_answers() {
    let snap = snap(&site(), None);
    for table in Table::all() {
        let head = ask_snap(&snap, &format!("GET {}\nLimit: 1", table.name)).expect("an answer");
        let names: Vec<&str> = head.lines().next().expect("a head").split(';').collect();
        assert!(names.is_sorted() && 2 < names.len(), "{}", table.name);
        for column in &table.columns {
            assert!(!column.about.is_empty(), "{}", column.name);
            for more in [
                "Filter: {} = 1",
                "Filter: {} ~ 1",
                "Sort: {}",
                "Stats: max {}",
            ] {
                let more = more.replace("{}", &column.name);
                let query = format!("GET {}\nColumns: {}\n{more}", table.name, column.name);
                ask_snap(&snap, &query).unwrap_or_else(|error| panic!("{query}: {error:?}"));
            }
        }
    }
    let listed = ask_snap(&snap, "GET columns\nStats: table != ").expect("an answer");
    let all: usize = Table::all().iter().map(|table| table.columns.len()).sum();
    assert_eq!(listed, format!("{all}\n"));
}

/// What Thruk asks of hosts, checks and the program, beyond the columns of every table.
#[test]
fn the_columns_that_web_interfaces_ask_for_are_there() {
    let wanted = [
        (
            "hosts",
            "accept_passive_checks acknowledged action_url action_url_expanded active_checks_enabled address alias check_command check_freshness check_interval check_options check_period check_type checks_enabled childs comments current_attempt current_notification_number event_handler event_handler_enabled execution_time custom_variable_names custom_variable_values first_notification_delay flap_detection_enabled groups has_been_checked high_flap_threshold icon_image icon_image_alt icon_image_expanded is_executing is_flapping last_check last_notification last_state_change latency low_flap_threshold max_check_attempts name next_check notes notes_expanded notes_url notes_url_expanded notification_interval notification_period notifications_enabled num_services_crit num_services_ok num_services_pending num_services_unknown num_services_warn num_services obsess_over_host parents percent_state_change perf_data plugin_output process_performance_data retry_interval scheduled_downtime_depth state state_type modified_attributes_list last_time_down last_time_unreachable last_time_up display_name in_check_period in_notification_period contacts contact_groups long_plugin_output services depends_exec depends_notify hard_state notified_on pnpgraph_present staleness services_with_state services_with_info worst_service_state check_source id",
        ),
        (
            "services",
            "description host_acknowledged host_action_url_expanded host_active_checks_enabled host_address host_alias host_checks_enabled host_check_type host_latency host_plugin_output host_perf_data host_current_attempt host_check_command host_comments host_groups host_has_been_checked host_icon_image_expanded host_icon_image_alt host_is_executing host_is_flapping host_notes host_name host_notes_url_expanded host_notifications_enabled host_scheduled_downtime_depth host_state host_accept_passive_checks host_last_state_change obsess_over_service last_time_critical last_time_ok last_time_unknown last_time_warning host_display_name host_custom_variable_names host_custom_variable_values host_parents check_timeout no_more_notifications next_notification downtimes_with_info",
        ),
        (
            "hostgroups",
            "name alias members notes notes_url action_url members_with_state num_hosts num_hosts_down num_hosts_pending num_hosts_unreach num_hosts_up num_services num_services_hard_crit num_services_hard_ok num_services_hard_unknown num_services_hard_warn num_services_crit num_services_ok num_services_pending num_services_unknown num_services_warn worst_host_state worst_service_hard_state worst_service_state",
        ),
        (
            "contacts",
            "name alias email pager service_notification_period host_notification_period can_submit_commands in_host_notification_period modified_attributes custom_variables",
        ),
        (
            "log",
            "class time type state host_name service_description plugin_output message options state_type contact_name lineno attempt command_name current_host_name current_service_description",
        ),
        (
            "statehist",
            "from until duration duration_part duration_ok duration_part_critical duration_unmonitored state in_downtime in_host_downtime host_down is_flapping in_notification_period in_service_period log_output host_name service_description",
        ),
        (
            "status",
            "accept_passive_host_checks accept_passive_service_checks check_external_commands check_host_freshness check_service_freshness enable_event_handlers enable_flap_detection enable_notifications execute_host_checks execute_service_checks last_command_check last_log_rotation livestatus_version nagios_pid obsess_over_hosts obsess_over_services process_performance_data program_start program_version interval_length cached_log_messages connections connections_rate requests requests_rate service_checks service_checks_rate host_checks host_checks_rate forks forks_rate log_messages log_messages_rate neb_callbacks neb_callbacks_rate livechecks livechecks_rate",
        ),
        (
            "downtimes",
            "author comment id entry_time start_time end_time fixed duration triggered_by type is_service host_name host_alias service_description",
        ),
        (
            "comments",
            "author comment id entry_time entry_type persistent source expires expire_time type is_service host_name service_description",
        ),
        (
            "timeperiods",
            "name alias in days exceptions_calendar_dates exclusions",
        ),
        ("contactgroups", "name alias members"),
        ("commands", "name line"),
    ];
    for (table, columns) in wanted {
        let table = Table::find(table).expect("a table");
        for column in columns.split_whitespace() {
            assert!(table.column(column).is_some(), "{}: {column}", table.name);
        }
    }
}

#[test]
fn the_log_is_read_newest_first_within_its_bounds() {
    let directory = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| {
        std::fs::write(directory.path().join(name), text).expect("written");
    };
    write(
        "nagios-01-01-2023-00.log",
        "[100] LOG VERSION: 2.0\n[110] CURRENT SERVICE STATE: web;http;OK;HARD;1;fine\n",
    );
    write(
        "nagios.log",
        "[200] LOG ROTATION: DAILY\n\
         [210] SERVICE ALERT: web;http;CRITICAL;HARD;3;bad; really\n\
         [220] HOST ALERT: gone;DOWN;HARD;1;down\n\
         [230] SERVICE NOTIFICATION: bob;web;http;CRITICAL;mail;bad\n",
    );
    let place = LogPlace {
        path: directory.path().join("nagios.log"),
        archive: directory.path().to_owned(),
    };
    let snap = snap(&site(), Some(place));
    let log = |more: &str| ask_snap(&snap, &format!("GET log\n{more}")).expect("an answer");
    assert_eq!(log("Columns: time"), "230\n220\n210\n200\n110\n100\n");
    assert_eq!(
        log("Columns: time lineno class\nFilter: class = 1"),
        "220;3;1\n210;2;1\n"
    );
    assert_eq!(
        log("Columns: time\nFilter: time >= 110\nFilter: time < 220"),
        "210\n200\n110\n"
    );
    assert_eq!(
        log(
            "Columns: type host_name service_description state state_type attempt plugin_output current_host_state current_service_state\nFilter: time = 210"
        ),
        "SERVICE ALERT;web;http;2;HARD;3;bad; really;1;2\n"
    );
    assert_eq!(
        log("Columns: contact_name command_name current_contact_email\nFilter: class = 3"),
        "bob;mail;bob@example.org\n"
    );
    assert_eq!(
        log("Columns: time\nLimit: 1\nFilter: type ~ STATE"),
        "110\n"
    );
    // What is gone is nobody's.
    assert_eq!(
        log("Columns: time\nAuthUser: bob"),
        "230\n210\n200\n110\n100\n"
    );
    let history = ask_snap(
        &snap,
        "GET statehist\nColumns: state from until duration duration_part\nFilter: time >= 150\nFilter: time < 250\nFilter: service_description = http",
    );
    assert_eq!(
        history.expect("an answer"),
        "0;150;210;60;0.6\n2;210;250;40;0.4\n"
    );
}

/// 2000 hosts with 50 checks each, one in a hundred CRITICAL; the hub's part goes on publishing meanwhile.
#[test]
fn a_hundred_thousand_checks_are_searched_quickly_while_they_change() {
    let (hosts, each) = (2000_u32, 50_u32);
    let shared = Arc::new(rule(Vec::new(), &[]));
    let mut inventory = Inventory::default();
    for at in 0..hosts {
        let name = format!("h{at:05}");
        inventory
            .hosts
            .push(host(&name, at * each..(at + 1) * each, shared.clone()));
        inventory.checks.extend((0..each).map(|check| Check {
            host: HostIx(at),
            name: format!("c{check:02}").into(),
            rule: shared.clone(),
        }));
    }
    let inventory = Arc::new(inventory);
    let rows: Vec<Row> = inventory
        .objects()
        .map(|obj| {
            let state = match (inventory.is_host(obj), obj.0 % 100) {
                (true, _) => State::Up,
                (false, 0) => State::Critical,
                (false, _) => State::Ok,
            };
            row(&inventory, obj, state, "HTTP OK: 1532 bytes in 0.013 s")
        })
        .collect();
    let mirror = Arc::new(Mirror::new(world(inventory.clone()), rows.into_iter()));
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (mirror, inventory, stop) = (mirror.clone(), inventory.clone(), stop.clone());
        std::thread::spawn(move || {
            let mut written = 0_u32;
            while !stop.load(Ordering::Relaxed) {
                let obj = ObjIx(hosts + 1 + written * 7919 % (hosts * each - 1));
                let state = if obj.0.is_multiple_of(100) {
                    State::Critical
                } else {
                    State::Ok
                };
                let row = row(&inventory, obj, state, "changed");
                mirror.publish(vec![row], None);
                written += 1;
            }
            written
        })
    };
    let text = "GET services\nFilter: state = 2\nFilter: acknowledged = 0\nColumns: host_name description state plugin_output\nOutputFormat: json";
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let began = Instant::now();
        let answer = ask_snap(&snap(&mirror, None), text).expect("an answer");
        best = best.min(began.elapsed());
        let rows: Json = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(rows.as_array().map(Vec::len), Some(1000));
    }
    stop.store(true, Ordering::Relaxed);
    assert!(
        0 < writer.join().expect("it wrote"),
        "rows changed meanwhile"
    );
    // Unoptimised, on a busy machine; `deploywatch bench livestatus` tells the real figure.
    assert!(best < Duration::from_secs(3), "{best:?}");
}

#[test]
fn a_wait_is_read() {
    let text = "GET hosts\nWaitObject: web;http\nWaitTrigger: check\nWaitCondition: state = 0\nWaitCondition: state = 1\nWaitConditionOr: 2\nWaitConditionNegate:\nWaitTimeout: 1500\nResponseHeader: fixed16\nKeepAlive: on";
    let lines: Vec<&str> = text.lines().collect();
    let (manner, query) = request::parse(&lines, NOW);
    assert!(manner.fixed16 && manner.keep_alive);
    let query = query.unwrap_or_else(|refusal| panic!("{refusal:?}"));
    assert_eq!(query.format.syntax, Syntax::Csv);
    let wait = query.wait.expect("a wait");
    assert_eq!(wait.trigger, Some(request::Trigger::Check));
    assert_eq!(wait.object.as_deref(), Some("web;http"));
    assert_eq!(wait.timeout, Duration::from_millis(1500));
    assert!(!wait.condition.is_empty());
}
