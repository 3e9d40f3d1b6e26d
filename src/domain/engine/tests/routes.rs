//! Routes: who is told of what names no contacts, and who comes next while nobody acknowledges.

use std::time::Duration;

use expect_test::expect;

use super::{
    scenario::{Play, check_on},
    site::{self, add_channel, add_contact, period, states},
};
use crate::domain::{
    model::{
        deploy::{Risk, Verdict},
        grouping::Cause,
        message::Urgency,
        objects::{ContactIx, Inventory},
        relations::Escalation,
        route::{DeployTerms, Route, Step, Ways},
        state::StateSet,
    },
    notify::matcher::Matcher,
};

/// The shop, whose checks name no contacts.
fn shop_without_contacts() -> Inventory {
    let mut inventory = site::shop();
    for name in ["boss", "dba", "desk"] {
        add_contact(&mut inventory, name);
    }
    let names: Vec<String> = inventory
        .objects()
        .map(|obj| inventory.name(obj).to_string())
        .collect();
    for name in names {
        site::rule_of(&mut inventory, &name).notify.contacts.clear();
    }
    inventory
}

fn people(inventory: &Inventory, names: &str) -> Vec<ContactIx> {
    names
        .split_whitespace()
        .map(|name| inventory.find_contact(name).expect("a contact"))
        .collect()
}

/// A route for what `terms` name, on top or under another.
fn route<'i>(
    inventory: &'i mut Inventory,
    name: &str,
    under: Option<&str>,
    terms: &str,
    contacts: &str,
) -> &'i mut Route {
    let contacts = people(inventory, contacts);
    let routes = &mut inventory.routes;
    let at = u32::try_from(routes.all.len()).expect("few");
    match under {
        None => routes.top.push(at),
        Some(under) => {
            let over = routes.all.iter_mut().find(|route| *route.name == *under);
            over.expect("a route").under.push(at);
        }
    }
    routes.all.push(Route {
        name: name.into(),
        place: format!("site.toml:{}", at + 1).into(),
        matcher: Matcher::parse(terms.split_whitespace()).expect("terms"),
        states: StateSet::ALL,
        deploys: DeployTerms::default(),
        contacts,
        urgency: Urgency::High,
        ways: Ways(None),
        steps: Vec::new(),
        goes_on: false,
        also: false,
        under: Vec::new(),
    });
    routes.all.last_mut().expect("the one above")
}

fn step(inventory: &Inventory, minutes: u64, contacts: &str) -> Step {
    Step {
        after: Duration::from_secs(60 * minutes),
        contacts: people(inventory, contacts),
        urgency: Urgency::High,
        ways: Ways(None),
    }
}

#[test]
fn the_deepest_route_that_fits_decides_and_the_one_above_where_none_does() {
    let mut inventory = shop_without_contacts();
    route(&mut inventory, "databases", None, "host=db*", "dba");
    route(
        &mut inventory,
        "disks",
        Some("databases"),
        "check=cpu",
        "boss",
    )
    .states = states("c");
    route(&mut inventory, "all", None, "", "oncall");
    check_on(
        inventory,
        "
        10:00 db1/cpu crit
        10:01 db1/http crit
        10:02 web1/http crit
        10:03 db1/cpu ok
        10:04 db1/cpu warn
        ",
        expect![[r#"
            10:00:00   -> boss: problem db1/cpu CRITICAL
            10:00:00 db1/cpu sent problem: hard CRITICAL after attempt 1 of 1; by route disks (site.toml:2)
            10:01:00   -> dba: problem db1/http CRITICAL
            10:01:00 db1/http sent problem: hard CRITICAL after attempt 1 of 1; by route databases (site.toml:1)
            10:02:00   -> oncall: problem web1/http CRITICAL
            10:02:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; by route all (site.toml:3)
            10:03:00   -> boss: recovery db1/cpu OK
            10:03:00 db1/cpu sent recovery: recovered
            10:04:00   -> dba: problem db1/cpu WARNING
            10:04:00 db1/cpu sent problem: hard WARNING after attempt 1 of 1; by route databases (site.toml:1)
        "#]],
    );
}

#[test]
fn a_route_that_goes_on_leaves_the_rest_their_turn_and_each_is_told_once() {
    let mut inventory = shop_without_contacts();
    route(&mut inventory, "desk", None, "", "desk oncall").goes_on = true;
    let quiet = &mut inventory.routes.all[0];
    quiet.urgency = Urgency::Low;
    route(&mut inventory, "web", None, "host=web*", "oncall").goes_on = true;
    route(&mut inventory, "nobody else", None, "host=db*", "dba");
    check_on(
        inventory,
        "
        10:00 web1/http crit
        10:01 web1/http ok
        ",
        expect![[r#"
            10:00:00   -> oncall: problem web1/http CRITICAL
            10:00:00   -> desk quietly: problem web1/http CRITICAL
            10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; by route desk (site.toml:1); by route web (site.toml:2)
            10:01:00   -> oncall: recovery web1/http OK
            10:01:00   -> desk quietly: recovery web1/http OK
            10:01:00 web1/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn what_names_contacts_keeps_them_and_only_what_is_also_for_it_comes_beside() {
    let mut inventory = shop_without_contacts();
    let own = people(&inventory, "oncall");
    site::rule_of(&mut inventory, "web1/http").notify.contacts = own;
    route(&mut inventory, "all", None, "", "dba").goes_on = true;
    let board = route(&mut inventory, "board", None, "", "boss");
    board.also = true;
    check_on(
        inventory,
        "
        10:00 web1/http crit
        10:01 web2/http crit
        10:02 web1/http ok
        10:03 web2/http ok
        ",
        expect![[r#"
            10:00:00   -> oncall: problem web1/http CRITICAL
            10:00:00   -> boss: problem web1/http CRITICAL
            10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; by route board (site.toml:2)
            10:01:00   -> dba: problem web2/http CRITICAL
            10:01:00   -> boss: problem web2/http CRITICAL
            10:01:00 web2/http sent problem: hard CRITICAL after attempt 1 of 1; by route all (site.toml:1); by route board (site.toml:2)
            10:02:00   -> oncall: recovery web1/http OK
            10:02:00   -> boss: recovery web1/http OK
            10:02:00 web1/http sent recovery: recovered
            10:03:00   -> boss: recovery web2/http OK
            10:03:00   -> dba: recovery web2/http OK
            10:03:00 web2/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn nothing_fits_and_it_is_said() {
    let mut inventory = shop_without_contacts();
    route(&mut inventory, "web", None, "host=web*", "oncall");
    check_on(
        inventory,
        "
        10:00 db1/http crit
        ",
        expect![[r#"
            10:00:00 db1/http skipped problem: it has no contacts, and no route is for it
        "#]],
    );
}

#[test]
fn the_channels_of_a_route_and_all_of_them_where_somebody_has_none_of_these() {
    let mut inventory = shop_without_contacts();
    add_channel(&mut inventory, "oncall", "email");
    add_channel(&mut inventory, "oncall", "pagerduty");
    let web = route(&mut inventory, "web", None, "host=web*", "oncall boss");
    web.ways = Ways(Some(["email".into()].into()));
    check_on(
        inventory,
        "
        10:00 web1/http crit
        10:01 web1/http ok
        ",
        expect![[r#"
            10:00:00   -> oncall by email: problem web1/http CRITICAL
            10:00:00   -> boss: problem web1/http CRITICAL
            10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; by route web (site.toml:1)
            10:01:00   -> oncall by email: recovery web1/http OK
            10:01:00   -> boss: recovery web1/http OK
            10:01:00 web1/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn what_is_not_urgent_makes_no_pager_ring_unless_there_is_nothing_else() {
    let mut inventory = shop_without_contacts();
    add_channel(&mut inventory, "oncall", "pagerduty");
    add_channel(&mut inventory, "dba", "pagerduty");
    let dba = inventory.find_contact("dba").expect("a contact");
    inventory.contacts[dba.0 as usize].channels.remove(0);
    route(&mut inventory, "web", None, "host=web*", "oncall").urgency = Urgency::Low;
    route(&mut inventory, "db", None, "host=db*", "dba").urgency = Urgency::Low;
    check_on(
        inventory,
        "
        10:00 web1/http crit
        10:01 db1/http crit
        10:02 web1/http ok
        ",
        expect![[r#"
            10:00:00   -> oncall quietly: problem web1/http CRITICAL
            10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; by route web (site.toml:1)
            10:01:00   -> dba by pagerduty: problem db1/http CRITICAL
            10:01:00 db1/http sent problem: hard CRITICAL after attempt 1 of 1; by route db (site.toml:2)
            10:02:00   -> oncall quietly: recovery web1/http OK
            10:02:00 web1/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn steps_come_while_nobody_acknowledges_and_begin_anew_when_an_acknowledgement_ends() {
    let mut inventory = shop_without_contacts();
    let steps = vec![
        step(&inventory, 15, "boss"),
        step(&inventory, 40, "boss dba"),
    ];
    route(&mut inventory, "all", None, "", "oncall").steps = steps;
    check_on(
        inventory,
        "
        10:00 web1/http crit
        10:16 web1/http crit
        10:20 ack web1/http ann sticky
        10:50 unack web1/http ann
        11:06 web1/http crit
        11:40 web1/http ok
        12:30 wait
        ",
        expect![[r#"
            10:00:00   -> oncall: problem web1/http CRITICAL
            10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; by route all (site.toml:1)
            10:15:00   -> boss: problem web1/http CRITICAL
            10:15:00 web1/http sent problem: CRITICAL, and nobody acknowledged it for 15m: escalated by route all (site.toml:1)
            10:16:00 web1/http skipped problem: the next reminder is due at 2026-03-02T10:30:00Z
            11:05:00   -> boss: problem web1/http CRITICAL
            11:05:00 web1/http sent problem: CRITICAL, and nobody acknowledged it for 15m: escalated by route all (site.toml:1)
            11:06:00   -> oncall: problem web1/http CRITICAL
            11:06:00   -> boss: problem web1/http CRITICAL
            11:06:00 web1/http sent problem: still CRITICAL: reminder 2 (every 30m); by route all (site.toml:1)
            11:30:00   -> boss: problem web1/http CRITICAL
            11:30:00   -> dba: problem web1/http CRITICAL
            11:30:00 web1/http sent problem: CRITICAL, and nobody acknowledged it for 40m: escalated by route all (site.toml:1)
            11:40:00   -> oncall: recovery web1/http OK
            11:40:00   -> boss: recovery web1/http OK
            11:40:00   -> dba: recovery web1/http OK
            11:40:00 web1/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn a_step_waits_for_the_end_of_a_downtime_and_outlives_a_restart() {
    let mut inventory = shop_without_contacts();
    let steps = vec![step(&inventory, 10, "boss")];
    route(&mut inventory, "all", None, "", "oncall").steps = steps;
    check_on(
        inventory,
        "
        10:00 web1/http crit
        10:05 downtime web1/http 20m
        10:15 restart
        10:30 wait
        ",
        expect![[r#"
            10:00:00   -> oncall: problem web1/http CRITICAL
            10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; by route all (site.toml:1)
            10:05:00   -> oncall: downtime-start web1/http CRITICAL
            10:05:00 web1/http sent downtime-start: downtime-start by bob
            10:25:00   -> oncall: downtime-end web1/http CRITICAL
            10:25:00 web1/http sent downtime-end: downtime-end by bob
            10:25:00   -> oncall: problem web1/http CRITICAL
            10:25:00 web1/http sent problem: still CRITICAL since 10:00:00; the downtime of bob (work) ended; by route all (site.toml:1)
            10:25:00   -> boss: problem web1/http CRITICAL
            10:25:00 web1/http sent problem: CRITICAL, and nobody acknowledged it for 10m: escalated by route all (site.toml:1)
        "#]],
    );
}

#[test]
fn escalations_by_time_work_beside_contacts() {
    let mut inventory = site::shop();
    add_contact(&mut inventory, "boss");
    let boss = people(&inventory, "boss");
    site::escalate(&mut inventory, "web1/http", (1, 0), &[]);
    inventory.relations.escalations[0] = Escalation {
        after: Some(Duration::from_secs(600)),
        contacts: Some(boss),
        states: states("c"),
        period: Some(Some(period("morning", "monday", "10:12-12:00"))),
        ..inventory.relations.escalations[0].clone()
    };
    check_on(
        inventory,
        "
        10:00 web1/http crit
        10:15 web1/http crit
        10:20 web1/http ok
        ",
        expect![[r#"
            10:00:00   -> oncall: problem web1/http CRITICAL
            10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:12:00   -> boss: problem web1/http CRITICAL
            10:12:00 web1/http sent problem: CRITICAL, and nobody acknowledged it for 10m: escalated by the escalation in site.toml:1
            10:15:00 web1/http skipped problem: the next reminder is due at 2026-03-02T10:30:00Z
            10:20:00   -> oncall: recovery web1/http OK
            10:20:00   -> boss: recovery web1/http OK
            10:20:00 web1/http sent recovery: recovered
        "#]],
    );
}

/// A route that leaves low risks to the deployers first, and all else to people on call.
fn deployers_first() -> Inventory {
    let mut inventory = shop_without_contacts();
    let steps = vec![step(&inventory, 10, "oncall")];
    let first = route(&mut inventory, "low risk", None, "", "");
    first.steps = steps;
    first.deploys = DeployTerms {
        risks: vec![Risk::Low],
        verdicts: vec![Verdict::Suspect],
    };
    route(&mut inventory, "all", None, "", "oncall");
    inventory
}

#[test]
fn a_regression_of_low_risk_reaches_the_deployer_first_and_people_on_call_when_it_stays() {
    check_on(
        deployers_first(),
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop risk=low hosts=web1 actors=ann
        10:06 deploy finish D-1
        10:10 web1/http ok
        10:15 web1/http crit
        10:26 web1/http crit
        10:46 web1/http crit
        10:50 web1/http ok
        ",
        expect![[r#"
            10:15:00   -> ann quietly: problem web1/http CRITICAL [suspect d-1 likely]
            10:15:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; left to the deployers first; by route low risk (site.toml:1); D-1: not held: the deploy has ended and the results since then are bad
            10:25:00   -> oncall: problem web1/http CRITICAL [suspect d-1 likely]
            10:25:00 web1/http sent problem: CRITICAL, and nobody acknowledged it for 10m: escalated by route low risk (site.toml:1)
            10:26:00 web1/http skipped problem: the next reminder is due at 2026-03-02T10:45:00Z
            10:46:00   -> oncall: problem web1/http CRITICAL [suspect d-1 likely]
            10:46:00   -> ann quietly: problem web1/http CRITICAL [suspect d-1 likely]
            10:46:00 web1/http sent problem: still CRITICAL: reminder 2 (every 30m); by route low risk (site.toml:1)
            10:50:00   -> oncall: recovery web1/http OK [suspect d-1 likely]
            10:50:00   -> ann: recovery web1/http OK [suspect d-1 likely]
            10:50:00 web1/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn where_no_deployer_is_known_people_on_call_are_told_at_once() {
    check_on(
        deployers_first(),
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop risk=low hosts=web1 actors=zoe
        10:06 deploy finish D-1
        10:10 web1/http ok
        10:15 web1/http crit
        10:26 web1/http crit
        ",
        expect![[r#"
            10:15:00   -> oncall: problem web1/http CRITICAL [suspect d-1 likely]
            10:15:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; nobody else can be told (it has no contacts), so the step after 10m is taken at once; by route low risk (site.toml:1); D-1: not held: the deploy has ended and the results since then are bad
            10:26:00 web1/http skipped problem: the next reminder is due at 2026-03-02T10:45:00Z
        "#]],
    );
}

#[test]
fn a_deploy_of_normal_risk_pages_people_on_call_and_the_deployer() {
    check_on(
        deployers_first(),
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1 actors=ann
        10:06 deploy finish D-1
        10:10 web1/http ok
        10:15 web1/http crit
        ",
        expect![[r#"
            10:15:00   -> oncall: problem web1/http CRITICAL [suspect d-1 likely]
            10:15:00   -> ann: problem web1/http CRITICAL [suspect d-1 likely]
            10:15:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; by route all (site.toml:2); D-1: not held: the deploy has ended and the results since then are bad
        "#]],
    );
}

/// A page does not wait for whom to blame; whom the blame concerns is paged as soon as it is known.
#[test]
fn who_is_to_hear_of_a_deploys_problem_is_told_when_a_late_event_names_it() {
    let mut inventory = shop_without_contacts();
    let blamed = route(&mut inventory, "blamed", None, "", "boss oncall");
    blamed.deploys.verdicts = vec![Verdict::Suspect];
    route(&mut inventory, "all", None, "", "oncall");
    check_on(
        inventory,
        "
        10:00 web1/http ok
        10:15 web1/http crit
        10:16 deploy start D-1 app=shop hosts=web1 actors=ann at=10:14
        10:17 deploy finish D-1
        10:20 web1/http ok
        ",
        expect![[r#"
            10:15:00   -> oncall: problem web1/http CRITICAL
            10:15:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; by route all (site.toml:2)
            10:16:00   -> oncall: amendment web1/http CRITICAL [suspect d-1 strong]
            10:16:00 web1/http amended amendment: amended: it began after deploy D-1
            10:16:00   -> boss: problem web1/http CRITICAL [suspect d-1 strong]
            10:16:00   -> ann: problem web1/http CRITICAL [suspect d-1 strong]
            10:16:00 web1/http sent problem: still CRITICAL, and what deploys have to do with it has changed; by route blamed (site.toml:1)
            10:20:00   -> oncall: recovery web1/http OK [suspect d-1 strong]
            10:20:00   -> ann: recovery web1/http OK [suspect d-1 strong]
            10:20:00   -> boss: recovery web1/http OK [suspect d-1 strong]
            10:20:00 web1/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn a_host_whose_problem_a_route_tells_speaks_for_its_checks() {
    let mut inventory = shop_without_contacts();
    route(&mut inventory, "hosts", None, "check=!*", "oncall");
    route(&mut inventory, "checks", None, "", "dba");
    let mut play = Play::new(inventory);
    for line in [
        "10:00 web1 down",
        "10:01 web1/http crit",
        "10:02 web1 up",
        "10:03 web1/http crit",
    ] {
        play.line(line);
    }
    expect![[r#"
        10:00:00   -> oncall: problem web1 DOWN
        10:00:00 web1 sent problem: hard DOWN after attempt 1 of 1; by route hosts (site.toml:1)
        10:01:00 web1/http skipped problem: its host is DOWN: the host's own problem is notified instead
        10:02:00   -> oncall: recovery web1 UP
        10:02:00 web1 sent recovery: recovered
        10:03:00   -> dba: problem web1/http CRITICAL
        10:03:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; by route checks (site.toml:2)
    "#]]
    .assert_eq(&play.transcript);
}

/// A page that was told quietly is no reason to keep a loud one quiet.
#[test]
fn what_is_urgent_rings_though_the_same_cause_was_told_quietly() {
    let mut inventory = shop_without_contacts();
    inventory.globals.grouping.by = vec![Cause::Host];
    add_channel(&mut inventory, "oncall", "pagerduty");
    route(&mut inventory, "quiet", None, "check=cpu", "oncall").urgency = Urgency::Low;
    route(&mut inventory, "all", None, "", "oncall");
    check_on(
        inventory,
        "
        10:00 web1/cpu crit
        10:00:10 web1/http crit
        10:00:20 web1/vital crit
        10:01 web1/http ok
        10:02 web1/vital ok
        10:03 web1/cpu ok
        ",
        expect![[r#"
            10:00:00   -> oncall quietly: problem web1/cpu CRITICAL
            10:00:00 web1/cpu sent problem: hard CRITICAL after attempt 1 of 1; by route quiet (site.toml:1)
            10:00:10   -> oncall: problem web1/http CRITICAL
                       | CRITICAL web1/cpu since 2026-03-02T10:00:00Z: CRITICAL
            10:00:10   -> oncall by pagerduty: problem web1/http CRITICAL
                       | CRITICAL web1/cpu since 2026-03-02T10:00:00Z: CRITICAL
            10:00:10 web1/http sent problem: hard CRITICAL after attempt 1 of 1; by route all (site.toml:2)
            10:00:20 web1/vital merged problem: of host web1, like the page web1/cpu@1772445600000: told with its next update
            10:00:50   -> oncall: amendment web1/cpu CRITICAL
                       | CRITICAL web1/cpu since 2026-03-02T10:00:00Z: CRITICAL
                       | CRITICAL web1/http since 2026-03-02T10:00:10Z: CRITICAL
                       | CRITICAL web1/vital since 2026-03-02T10:00:20Z: CRITICAL
            10:00:50   -> oncall by pagerduty: amendment web1/cpu CRITICAL
                       | CRITICAL web1/cpu since 2026-03-02T10:00:00Z: CRITICAL
                       | CRITICAL web1/http since 2026-03-02T10:00:10Z: CRITICAL
                       | CRITICAL web1/vital since 2026-03-02T10:00:20Z: CRITICAL
            10:00:50 web1/cpu amended amendment: 1 more problem of host web1; now 3 CRITICAL
            10:01:00 web1/http merged recovery: of host web1, of which more is still bad: told with the next update of the page web1/cpu@1772445600000
            10:01:50   -> oncall: amendment web1/cpu CRITICAL
                       | CRITICAL web1/cpu since 2026-03-02T10:00:00Z: CRITICAL
                       | CRITICAL web1/vital since 2026-03-02T10:00:20Z: CRITICAL
                       | recovered: web1/http, CRITICAL from 2026-03-02T10:00:10Z to 2026-03-02T10:01:00Z
            10:01:50   -> oncall by pagerduty: amendment web1/cpu CRITICAL
                       | CRITICAL web1/cpu since 2026-03-02T10:00:00Z: CRITICAL
                       | CRITICAL web1/vital since 2026-03-02T10:00:20Z: CRITICAL
                       | recovered: web1/http, CRITICAL from 2026-03-02T10:00:10Z to 2026-03-02T10:01:00Z
            10:01:50 web1/cpu amended amendment: 1 recovered; now 2 CRITICAL
            10:02:00 web1/vital merged recovery: of host web1, of which more is still bad: told with the next update of the page web1/cpu@1772445600000
            10:03:00   -> oncall: recovery web1/cpu OK
                       | recovered: web1/cpu, CRITICAL from 2026-03-02T10:00:00Z to 2026-03-02T10:03:00Z
                       | recovered: web1/http, CRITICAL from 2026-03-02T10:00:10Z to 2026-03-02T10:01:00Z
                       | recovered: web1/vital, CRITICAL from 2026-03-02T10:00:20Z to 2026-03-02T10:02:00Z
            10:03:00   -> oncall by pagerduty: recovery web1/cpu OK
                       | recovered: web1/cpu, CRITICAL from 2026-03-02T10:00:00Z to 2026-03-02T10:03:00Z
                       | recovered: web1/http, CRITICAL from 2026-03-02T10:00:10Z to 2026-03-02T10:01:00Z
                       | recovered: web1/vital, CRITICAL from 2026-03-02T10:00:20Z to 2026-03-02T10:02:00Z
            10:03:00 web1/cpu sent recovery: recovered
        "#]],
    );
}
