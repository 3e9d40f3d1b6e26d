//! The history says when nothing was measured, and nothing while all is well.

use std::sync::Arc;

use super::{live::Live, scenario::at, site};
use crate::domain::{
    engine::{Engine, Mode, input::Input},
    model::{
        change::Change,
        lapse::{FIRST_RESULT, Lapse, REMOVED},
    },
};

fn said(live: &Live) -> Vec<&str> {
    let lines = live.said.iter();
    lines
        .filter_map(|line| line.split_once(" unmeasured: "))
        .map(|(_, text)| text)
        .collect()
}

#[test]
fn a_result_that_was_due_and_did_not_come_is_noted_once_when_the_next_one_does() {
    let mut live = Live::new(site::shop(), &["web1/http"]);
    let obj = site::obj(live.engine.inventory(), "web1/http");
    assert_eq!(
        live.engine.unmeasured_since(obj, live.now),
        Some(at("09:00"))
    );
    live.until("09:30", |_, _| 0);
    assert_eq!(said(&live), [FIRST_RESULT]);
    assert_eq!(live.engine.unmeasured_since(obj, live.now), None);
    let last = live.engine.row(obj).status.last_check_at;
    // The machine sleeps.
    live.now = at("12:00");
    let since = live.engine.unmeasured_since(obj, live.now).expect("silent");
    assert!(last < since && since < at("09:40"), "{since}");
    live.until("12:30", |_, _| 0);
    let all = said(&live);
    assert_eq!(all.len(), 2, "{all:?}");
    let lapse = Lapse::parse(all[1]).expect(all[1]);
    assert_eq!(lapse.from, since);
    assert!(at("12:00") <= lapse.until && lapse.until < at("12:30"));
    assert_eq!(live.engine.unmeasured_since(obj, live.now), None);
    // A restart that misses no result is none.
    let stored: Vec<Change> = live
        .engine
        .statuses()
        .filter(|(_, status)| status.checked)
        .map(|(object, status)| Change::Status {
            object,
            status: Box::new(status.clone()),
        })
        .collect();
    stored.iter().for_each(|change| live.kept.take(change));
    let inventory = live.engine.inventory().clone();
    live.engine = Engine::new(inventory, live.kept.restored(), Mode::Live, live.now);
    live.until("12:40", |_, _| 0);
    assert_eq!(said(&live).len(), 2, "{:?}", said(&live));
    // It leaves the configuration.
    live.feed(Input::Reload(Arc::new(site::shop_without("web1"))));
    assert_eq!(said(&live).last(), Some(&REMOVED));
}
