//! What briefs say is what rows say, and rows that are not fetched are counted all the same.

use super::{
    super::{
        column::{Get, Glance},
        rec::Rec,
    },
    *,
};
use crate::adapters::nagios::brief::Brief;

/// Every row that the bits of `seed` make.
fn varied(inventory: &Inventory, obj: ObjIx, seed: u32) -> Row {
    let bit = |at: u32| seed >> at & 1 == 1;
    let states = if inventory.is_host(obj) {
        [State::Up, State::Down, State::Unreachable, State::Up]
    } else {
        [State::Ok, State::Warning, State::Critical, State::Unknown]
    };
    let mut row = row(inventory, obj, states[seed as usize & 3], "");
    row.status.last_hard_state = states[seed as usize >> 2 & 3];
    row.status.state_type = if bit(4) {
        StateType::Hard
    } else {
        StateType::Soft
    };
    row.status.checked = bit(5);
    row.status.ack = bit(6).then(|| {
        Box::new(Ack {
            by: String::new(),
            comment: String::new(),
            sticky: bit(7),
            persistent: false,
            at: NOW,
            until: None,
            snooze: false,
            through: None,
            page: None,
        })
    });
    row.downtimes = (seed >> 7 & 3) as u16;
    row.status.flap.flapping = bit(9);
    row.status.notifications_off = bit(10);
    row.status.passive = bit(11);
    row.running = bit(12);
    let rule = Arc::make_mut(&mut row.rule);
    let terms = Arc::make_mut(&mut rule.terms);
    (terms.active, terms.accepts_passive) = (bit(13), bit(14));
    terms.flap.enabled = bit(15);
    terms.notify.enabled = bit(16);
    row
}

#[test]
fn what_a_brief_says_is_what_the_row_says() {
    let mirror = site();
    let snap = snap(&mirror, None);
    let mut said = 0_u32;
    for seed in (0..1 << 17).step_by(37) {
        for (table, obj) in [("hosts", 1), ("services", 4)] {
            let obj = ObjIx(obj);
            let row = varied(&snap.inventory, obj, seed);
            let brief = Brief::of(&row);
            mirror.publish(vec![row], None);
            let rec = Rec::new(&snap).with(obj);
            for column in &Table::find(table).expect("a table").columns {
                let Some(Glance::Brief(short)) = column.glance else {
                    continue;
                };
                let Get::Int(get) = &column.get else {
                    panic!("{} is no number", column.name);
                };
                if let Some(value) = short(brief) {
                    assert_eq!(value, get(&rec), "{} of {seed:#x}", column.name);
                    said += 1;
                }
            }
        }
    }
    assert!(100_000 < said, "{said}");
}

/// Counting by briefs, and passing rows over, comes to what looking at each row does.
#[test]
fn rows_that_are_not_fetched_are_counted_right() {
    let (hosts, each) = (40, 50);
    let shared = Arc::new(rule(Vec::new(), &[]));
    let mut inventory = Inventory::default();
    for at in 0..hosts {
        let checks = at * each..(at + 1) * each;
        inventory
            .hosts
            .push(host(&format!("h{at}"), checks.clone(), shared.clone()));
        inventory.checks.extend(checks.map(|check| Check {
            host: HostIx(at),
            name: format!("c{check}").into(),
            rule: shared.clone(),
        }));
    }
    let inventory = Arc::new(inventory);
    let rows: Vec<Row> = inventory
        .objects()
        .map(|obj| varied(&inventory, obj, obj.0.wrapping_mul(2_654_435_761) >> 8))
        .collect();
    let mirror = Mirror::new(world(inventory.clone()), rows.into_iter());
    let snap = snap(&mirror, None);
    for filters in [
        "state = 2",
        "state != 0|acknowledged = 0|scheduled_downtime_depth = 0|And: 3",
        "state > 0|host_state = 0|And: 2",
        "state = 1|has_been_checked = 0|Or: 2|Negate:",
        "description != ",
        "description = ",
        "description = c77|hard_state >= 1|Or: 2",
        "description ~ 7$|state = 2|And: 2",
        "description ~~ C1[0-4]|description !~ 3|And: 2",
        "description >= c5|description < c7|acknowledged = 0|And: 3",
        "description ~ 7|description ~ 8|Or: 2",
        "description ~ 7|Negate:",
        "scheduled_downtime_depth > 1",
        "scheduled_downtime_depth >= 0",
        "is_flapping = 1|checks_enabled !~ 1|Or: 2",
        "state ~ 2|state_type = 1|And: 2",
    ] {
        let headers = |kind: &str| -> String {
            let header = |part: &str| match part.split_once(':') {
                Some((joins, rest)) => {
                    let joins = if kind == "Stats" {
                        format!("Stats{joins}")
                    } else {
                        joins.to_owned()
                    };
                    format!("{joins}:{rest}\n")
                }
                None => format!("{kind}: {part}\n"),
            };
            filters.split('|').map(header).collect()
        };
        let lines = headers("Filter");
        let lines: Vec<&str> = std::iter::once("GET services")
            .chain(lines.lines())
            .collect();
        let (_, query) = request::parse(&lines, NOW);
        let filter = query
            .map_err(|refusal| refusal.message)
            .expect("it is read")
            .filter;
        let wanted = inventory
            .objects()
            .filter(|obj| !inventory.is_host(*obj))
            .filter(|obj| filter.accepts(&Rec::new(&snap).with(*obj)))
            .count();
        let ask = |text: String| ask_snap(&snap, &text).expect("an answer");
        let shown = ask(format!(
            "GET services\nColumns: description\n{}",
            headers("Filter")
        ));
        let counted = ask(format!("GET services\n{}", headers("Stats")));
        let both = ask(format!(
            "GET services\n{}Stats: state >= 0\nStats: sum state",
            headers("Filter")
        ));
        assert_eq!(shown.lines().count(), wanted, "{filters}");
        assert_eq!(counted, format!("{wanted}\n"), "{filters}");
        assert!(both.starts_with(&format!("{wanted};")), "{filters}: {both}");
    }
}
