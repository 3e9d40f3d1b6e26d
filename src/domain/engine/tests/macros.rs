//! Macros of the whole site, on demand and in notes (1.10, 8.4; cases 90 to 93).

use std::sync::Arc;

use super::{
    scenario::{Play, at},
    site,
};
use crate::domain::model::{
    command::{Command, Setting},
    objects::{ChannelKind, CommandLine, Inventory},
    relations::{ContactGroup, Group},
    state::ObjectName,
};

fn site_with_groups() -> Inventory {
    let mut inventory = site::shop();
    let members = |inventory: &Inventory, names: &[&str]| {
        names
            .iter()
            .map(|name| site::obj(inventory, name))
            .collect()
    };
    inventory.relations.groups = vec![Group {
        name: "tier1".into(),
        alias: "first tier".into(),
        notes_url: "http://wiki/tier1".to_owned(),
        members: members(&inventory, &["web1", "web2"]),
        ..Group::default()
    }];
    inventory.relations.check_groups = vec![Group {
        name: "front".into(),
        alias: "front end".into(),
        members: members(&inventory, &["web1/http", "web2/http"]),
        ..Group::default()
    }];
    inventory.relations.contact_groups = vec![ContactGroup {
        name: "all".into(),
        alias: "everyone".into(),
        members: vec![
            crate::domain::model::objects::ContactIx(0),
            crate::domain::model::objects::ContactIx(1),
        ],
    }];
    let mondays = site::period("mondays", "monday", "09:00-17:00");
    inventory
        .relations
        .periods
        .insert("mondays".into(), mondays);
    site::rare_of(&mut inventory, "web1/http").check_groups = vec!["front".into()];
    site::rare_of(&mut inventory, "web1/http").importance = 5;
    site::rare_of(&mut inventory, "web1").importance = 2;
    let rule = site::rule_of(&mut inventory, "web1/http");
    rule.vars.insert("PORT".to_owned(), "80".to_owned());
    rule.notes = Some("see $HOSTNAME$ and $FOO$".into());
    rule.notes_url = Some("http://wiki/$SERVICEOUTPUT$".into());
    inventory
}

fn expand(play: &Play, name: &str, line: &str) -> String {
    let obj = site::obj(play.engine.inventory(), name);
    let mut rule = (**play.engine.rule(obj)).clone();
    rule.command = Some(CommandLine {
        name: "check_web".into(),
        line: line.into(),
        args: vec!["a".to_owned(), "b".to_owned()],
    });
    play.engine.command_line(obj, &rule, at("10:30")).0
}

#[test]
fn every_macro_of_the_list_has_its_value() {
    let mut play = Play::new(site_with_groups());
    for line in [
        "10:00 web1/http warn two words",
        "10:01 web1/http crit name'&%",
        "10:02 web2/http crit down",
        "10:03 web3 down gone",
        "10:04 downtime web1/http 1h",
        "10:05 ack web2/http ann",
    ] {
        play.line(line);
    }
    play.command(
        "10:06",
        Command::Change(Setting::Var {
            object: ObjectName::parse("web1/http"),
            name: "port".to_owned(),
            value: "8080".to_owned(),
        }),
    );
    for (line, expected) in [
        (
            "$SERVICESTATE$ $SERVICESTATEID$ $LASTSERVICESTATE$ $LASTSERVICESTATEID$",
            "CRITICAL 2 WARNING 1",
        ),
        ("$SERVICEDOWNTIME$ $HOSTDOWNTIME$", "1 0"),
        (
            "$SERVICECHECKTYPE$ $SERVICECHECKCOMMAND$",
            "PASSIVE check_dummy",
        ),
        (
            "$LASTSERVICEWARNING$ $LASTSERVICECRITICAL$ $LASTSERVICEUNKNOWN$",
            "1772445600 1772445660 0",
        ),
        (
            "$SERVICEGROUPNAME$ $SERVICEGROUPNAMES$ $SERVICEGROUPALIAS$",
            "front front front end",
        ),
        ("$SERVICEGROUPMEMBERS$", "web1,http,web2,http"),
        (
            "$HOSTGROUPALIAS$ $HOSTGROUPMEMBERS$ $HOSTGROUPNOTESURL$",
            "first tier web1,web2 http://wiki/tier1",
        ),
        ("$HOSTGROUPMEMBERADDRESSES$", "127.0.0.1,127.0.0.1"),
        (
            "$SERVICEIMPORTANCE$ $HOSTIMPORTANCE$ $HOSTANDSERVICESIMPORTANCE$",
            "5 2 7",
        ),
        (
            "$TOTALHOSTSERVICES$ $TOTALHOSTSERVICESCRITICAL$ $TOTALHOSTSERVICESOK$",
            "5 1 4",
        ),
        (
            "$TOTALHOSTSUP$ $TOTALHOSTSDOWN$ $TOTALHOSTPROBLEMS$",
            "8 1 1",
        ),
        (
            "$TOTALSERVICESCRITICAL$ $TOTALSERVICESCRITICALUNHANDLED$ $TOTALSERVICEPROBLEMSUNHANDLED$",
            "2 0 0",
        ),
        (
            "$TOTALHOSTSDOWNUNHANDLED$ $TOTALHOSTPROBLEMSUNHANDLED$",
            "1 1",
        ),
        (
            "$SERVICENOTIFICATIONENABLED$ [$SERVICENOTIFICATIONPERIOD$]",
            "1 []",
        ),
        // Case 92, and 91 for the address.
        ("$SERVICENOTES$", "see web1 and $FOO$"),
        ("$SERVICENOTESURL$", "http://wiki/name%27%26%25"),
        // Changed at run time.
        ("$_SERVICEPORT$ [$_SERVICENONE$]", "8080 []"),
        ("$ARG1$ $ARG2$ [$ARG3$]", "a b []"),
        // Cases 90 and 93: cleaned on a command line; unknown names stay.
        ("\"$SERVICEOUTPUT$\" $FOO$", "\"name%\" $FOO$"),
        ("$PROCESSSTARTTIME$", "1772442000"),
    ] {
        assert_eq!(expand(&play, "web1/http", line), expected, "{line}");
    }
}

#[test]
fn macros_on_demand_look_elsewhere() {
    let mut play = Play::new(site_with_groups());
    play.line("10:00 web2/http crit down");
    play.line("10:01 web3 down gone");
    for (line, expected) in [
        (
            "$HOSTSTATE:web3$ $HOSTSTATEID:web3$ $HOSTSTATEID:nowhere$",
            "DOWN 1 2",
        ),
        (
            "$SERVICESTATE:web2:http$ $SERVICESTATEID:web2:nothing$",
            "CRITICAL 3",
        ),
        ("[$SERVICEOUTPUT:web2:nothing$]", "[]"),
        // An empty host is the present one.
        ("$SERVICESTATE::cpu$", "OK"),
        ("$HOSTSTATE:tier1:,$", "UP,UP"),
        ("$SERVICESTATE:front: and $", "OK and CRITICAL"),
        (
            "$HOSTGROUPALIAS:tier1$ [$HOSTGROUPALIAS:nothing$]",
            "first tier []",
        ),
        (
            "$CONTACTALIAS:ann$ $CONTACTGROUPMEMBERS:all$",
            "ann oncall,ann",
        ),
        ("$_SERVICEPORT:web1:http$", "80"),
        (
            "$ISVALIDTIME:mondays$ $ISVALIDTIME:mondays:1772528400$ $ISVALIDTIME:nothing$",
            "1 0 0",
        ),
        (
            "$NEXTVALIDTIME:mondays:1772528400$ $NEXTVALIDTIME:nothing$",
            "1773046800 0",
        ),
        ("$SERVICEDOWNTIME:web2:http$", "0"),
    ] {
        assert_eq!(expand(&play, "web1/http", line), expected, "{line}");
    }
}

/// A notification command finds them filled in, with the recipients.
#[test]
fn notification_commands_get_them_too() {
    let mut inventory = site_with_groups();
    for contact in &mut inventory.contacts {
        contact.channels[0].kind = ChannelKind::Command {
            check: "notify '$HOSTSTATE:web2$'".to_owned(),
            host: "notify".to_owned(),
            timeout: std::time::Duration::from_secs(30),
            names: std::sync::Arc::new(crate::domain::model::objects::CommandNames {
                check: "notify".into(),
                host: "notify".into(),
            }),
        };
    }
    site::rule_of(&mut inventory, "web1/http").notify.contacts = vec![
        crate::domain::model::objects::ContactIx(0),
        crate::domain::model::objects::ContactIx(1),
    ];
    let engine = &mut Play::new(inventory).engine;
    let mut out = crate::domain::engine::effect::Effects::default();
    let result = super::scenario::result(
        "web1/http",
        crate::domain::model::state::State::Critical,
        "x",
        at("10:00"),
    );
    let input = crate::domain::engine::input::Input::Passive(result);
    engine.handle(at("10:00"), input, &mut out);
    let macros: Vec<Arc<crate::domain::model::message::Message>> = out
        .changes
        .iter()
        .filter_map(|change| match change {
            crate::domain::model::change::Change::Deliver(delivery) => {
                Some(delivery.message.clone())
            }
            _ => None,
        })
        .collect();
    let first = &macros[0].macros;
    assert_eq!(first["HOSTSTATE:web2"], "UP");
    assert_eq!(first["NOTIFICATIONRECIPIENTS"], "oncall,ann");
    assert_eq!(first["NOTIFICATIONISESCALATED"], "0");
    assert_eq!(first["TOTALHOSTSERVICES"], "5");
}

#[test]
fn states_problems_and_notifications_have_numbers() {
    let mut play = Play::new(site_with_groups());
    let line = "$SERVICEEVENTID$ $LASTSERVICEEVENTID$ $SERVICEPROBLEMID$ $LASTSERVICEPROBLEMID$";
    for (told, name, expected) in [
        ("10:00 web1/http ok fine", "web1/http", "0 0 0 0"),
        ("10:01 web1/http warn slow", "web1/http", "1 0 1 0"),
        ("10:02 web1/http warn slower", "web1/http", "1 0 1 0"),
        ("10:03 web1/http crit down", "web1/http", "2 1 1 0"),
        ("10:04 web2/http crit down", "web2/http", "3 0 2 0"),
        ("10:05 web1/http ok fine", "web1/http", "4 2 0 1"),
        ("10:06 web1/http crit down", "web1/http", "5 4 3 1"),
    ] {
        play.line(told);
        assert_eq!(expand(&play, name, line), expected, "{told}");
    }
    play.line("10:07 web3 down gone");
    let line = "$HOSTEVENTID$ $LASTHOSTEVENTID$ $HOSTPROBLEMID$ $LASTHOSTPROBLEMID$";
    assert_eq!(expand(&play, "web3", line), "6 0 4 0");
    let number = |play: &Play, name: &str, line: &str| -> u64 {
        expand(play, name, line).parse().expect("a number")
    };
    let check = number(&play, "web1/http", "$SERVICENOTIFICATIONID$");
    let host = number(&play, "web3", "$HOSTNOTIFICATIONID$");
    assert!(0 < check && check < host, "{check} {host}");
    // A restart goes on behind what was stored.
    play.line("10:08 restart");
    play.line("10:09 web1/http ok fine");
    let line = "$SERVICEEVENTID$ $LASTSERVICEEVENTID$ $SERVICEPROBLEMID$ $LASTSERVICEPROBLEMID$";
    assert_eq!(expand(&play, "web1/http", line), "7 5 0 3");
}

#[test]
fn dates_pages_and_where_results_come_from() {
    use crate::domain::{model::date::DateFormat, schedule::Zone};
    let inventory = |website: &str| {
        let mut inventory = site_with_groups();
        inventory.globals.admin_pager = "page@example.org".to_owned();
        inventory.globals.date_format = DateFormat::StrictIso8601;
        inventory.globals.zone = Zone::utc();
        website.clone_into(&mut inventory.globals.website_url);
        inventory
    };
    let mut play = Play::new(inventory(""));
    play.line("10:00 web1/http crit down");
    for (line, expected) in [
        ("$SHORTDATETIME$", "2026-03-02T10:30:00"),
        ("$DATE$ $TIME$", "2026-03-02 10:30:00"),
        ("$LONGDATETIME$", "Mon Mar 2 10:30:00 UTC 2026"),
        ("$ADMINPAGER$", "page@example.org"),
        ("$HOSTINFOURL$", "website_url not set"),
        (
            "$SERVICECHECKSOURCE$, $HOSTCHECKSOURCE$",
            "external command, deploywatch",
        ),
    ] {
        assert_eq!(expand(&play, "web1/http", line), expected, "{line}");
    }
    let play = Play::new(inventory("https://nagios/"));
    for (line, expected) in [
        (
            "$HOSTINFOURL$",
            "https://nagios/cgi-bin/extinfo.cgi?type=1&host=web1",
        ),
        (
            "$SERVICEINFOURL$",
            "https://nagios/cgi-bin/extinfo.cgi?type=2&host=web1&service=http",
        ),
    ] {
        assert_eq!(expand(&play, "web1/http", line), expected, "{line}");
    }
}

#[test]
fn contacts_have_their_groups_and_their_share_of_the_sums() {
    let mut inventory = site_with_groups();
    for contact in &mut inventory.contacts {
        contact.channels[0].kind = ChannelKind::Command {
            check: "notify $TOTALSERVICESCRITICAL$ $TOTALSERVICESOK$ $TOTALHOSTSUP$".to_owned(),
            host: "notify".to_owned(),
            timeout: std::time::Duration::from_secs(30),
            names: std::sync::Arc::new(crate::domain::model::objects::CommandNames {
                check: "notify".into(),
                host: "notify".into(),
            }),
        };
    }
    let contact = crate::domain::model::objects::ContactIx;
    let all: Vec<_> = inventory.objects().collect();
    for obj in all {
        let name = inventory.name(obj).to_string();
        site::rule_of(&mut inventory, &name).notify.contacts = Vec::new();
    }
    site::rule_of(&mut inventory, "web1/http").notify.contacts = vec![contact(0), contact(1)];
    site::rule_of(&mut inventory, "web2/http").notify.contacts = vec![contact(1)];
    site::rule_of(&mut inventory, "web1").notify.contacts = vec![contact(1)];
    let engine = &mut Play::new(inventory).engine;
    let mut out = crate::domain::engine::effect::Effects::default();
    let result = super::scenario::result(
        "web1/http",
        crate::domain::model::state::State::Critical,
        "x",
        at("10:00"),
    );
    let input = crate::domain::engine::input::Input::Passive(result);
    engine.handle(at("10:00"), input, &mut out);
    let shares: Vec<(String, String)> = out
        .changes
        .iter()
        .filter_map(|change| match change {
            crate::domain::model::change::Change::Deliver(delivery) => {
                let all = &delivery.message.macros;
                let sums = ["TOTALSERVICESCRITICAL", "TOTALSERVICESOK", "TOTALHOSTSUP"];
                let sums = sums.map(|name| all[name].as_str()).join(" ");
                assert_eq!(all["CONTACTGROUPNAME"], "all");
                assert_eq!(all["CONTACTGROUPNAMES"], "all");
                assert_eq!(all["SERVICENOTIFICATIONID"], "1");
                Some((delivery.contact.clone(), sums))
            }
            _ => None,
        })
        .collect();
    let share = |name: &str, sums: &str| (name.to_owned(), sums.to_owned());
    assert_eq!(shares, [share("oncall", "1 0 0"), share("ann", "1 1 1")]);
}

#[test]
fn plugins_find_what_is_cheap_in_their_environment() {
    let play = Play::new(site_with_groups());
    let obj = site::obj(play.engine.inventory(), "web1/http");
    let mut rule = (**play.engine.rule(obj)).clone();
    rule.env_macros = true;
    let env: std::collections::BTreeMap<String, String> = play
        .engine
        .command_line(obj, &rule, at("10:30"))
        .1
        .into_iter()
        .collect();
    assert_eq!(env["NAGIOS_TOTALHOSTSERVICES"], "5");
    assert_eq!(env["NAGIOS_HOSTGROUPALIAS"], "first tier");
    assert_eq!(env["NAGIOS_SERVICEEVENTID"], "0");
}
