//! Markers in the words of each tool, and tasks against servers that are slow, broken or gone.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use serde_json::Value;

use super::{
    super::{
        testing::{provider, suspect},
        tests::http::Stub,
    },
    *,
};
use crate::{
    base::{secret::Secret, time::Timestamp},
    domain::model::{
        deploy::{Attribution, Deploy, Phase, Risk, Strength, Verdict},
        state::{ObjectName, State},
        status::{Page, Problem},
    },
};

fn deploy(id: &str, phase: Phase) -> Arc<Deploy> {
    let start = Timestamp::parse("2026-03-02T10:00:00Z").expect("RFC 3339");
    let end = Timestamp::parse("2026-03-02T10:04:30Z").expect("RFC 3339");
    Arc::new(Deploy {
        shifts: Vec::new(),
        risk_why: String::new(),
        verdict_why: Vec::new(),
        rollback: None,
        id: id.to_owned(),
        events: Vec::new(),
        app: "shop".to_owned(),
        environment: "production".to_owned(),
        version: Some("1.4.2".to_owned()),
        hosts: Vec::new(),
        groups: Vec::new(),
        actors: vec!["ann".to_owned()],
        url: Some("https://ci.example.org/417".to_owned()),
        risk: Risk::Normal,
        rollback_of: None,
        reason: None,
        phase,
        started_at: start,
        start_guessed: false,
        ended_at: phase.is_terminal().then_some(end),
        touched: Vec::new(),
        last_event_at: end,
        heartbeats: false,
        digested: false,
        conflict: false,
        verdict: None,
    })
}

fn started() -> Moment {
    Moment::Started(deploy("D-417", Phase::Started))
}

fn ended(phase: Phase) -> Moment {
    Moment::Ended(deploy("D-417", phase))
}

fn problem() -> Arc<Problem> {
    let at = Timestamp::parse("2026-03-02T10:06:00Z").expect("RFC 3339");
    Arc::new(Problem {
        cleared: Vec::new(),
        quiet: None,
        said: Default::default(),
        id: 7,
        object: ObjectName::check("web1", "http"),
        state: State::Critical,
        last_good_at: None,
        first_bad_at: at,
        hard_at: at,
        onset_at: at,
        told: true,
        signature: String::new(),
        page: Some(Page {
            at,
            key: "k".to_owned(),
            attribution: Attribution {
                verdict: Verdict::Suspect,
                suspects: vec![suspect(417, Strength::Likely)],
                ruled_out: Vec::new(),
            },
            amended: 0,
            told: Vec::new(),
            rollback_failed: false,
            rollback: None,
            state: None,
            escalated: std::time::Duration::ZERO,
            joined: Vec::new(),
            waits_since: None,
        }),
        hold: None,
        holds: 0,
        silent_because: None,
        recovered_at: Timestamp::parse("2026-03-02T10:09:00Z"),
        end: None,
    })
}

fn recovered() -> Moment {
    Moment::Recovered {
        problem: problem(),
        app: "shop".to_owned(),
        environment: "production".to_owned(),
    }
}

fn shown(request: &Request) -> String {
    let mut text = format!("{}\n", request.url);
    for (name, value) in &request.headers {
        text.push_str(&format!("{name}: {value}\n"));
    }
    text + &request.body
}

#[track_caller]
fn is(request: Option<Request>, expected: &Expect) {
    expected.assert_eq(&shown(&request.expect("a request")));
}

#[test]
fn graphite_takes_events() {
    is(
        encode::graphite(&started(), "http://graphite.example.org"),
        &expect![[r#"
            http://graphite.example.org/events/
            {"what":"deploy shop started","tags":["deploy","shop","production","D-417","started"],"when":1772445600,"data":"D-417: shop 1.4.2 to production by ann https://ci.example.org/417"}"#]],
    );
    is(
        encode::graphite(
            &ended(Phase::RolledBack),
            "http://graphite.example.org/events/",
        ),
        &expect![[r#"
            http://graphite.example.org/events/
            {"what":"deploy shop rolled back","tags":["deploy","shop","production","D-417","rolled_back"],"when":1772445870,"data":"D-417: shop 1.4.2 to production by ann https://ci.example.org/417"}"#]],
    );
    assert!(encode::graphite(&Moment::Suspected(problem()), "http://x").is_none());
}

#[test]
fn grafana_takes_a_region() {
    let token = Secret::new("glsa");
    let request = |moment: &Moment, id| {
        let annotation = encode::grafana(moment).expect("a deploy");
        Some(annotation.request(id, "https://grafana.example.org/", &token))
    };
    is(
        request(&started(), None),
        &expect![[r#"
            https://grafana.example.org/api/annotations
            Authorization: Bearer glsa
            {"time":1772445600000,"tags":["deploy","shop","production","D-417"],"text":"D-417 started: shop 1.4.2 to production by ann\n<a href=\"https://ci.example.org/417\">https://ci.example.org/417</a>"}"#]],
    );
    is(
        request(&ended(Phase::Failed), Some(9)),
        &expect![[r#"
            https://grafana.example.org/api/annotations/9
            Authorization: Bearer glsa
            {"text":"D-417 failed: shop 1.4.2 to production by ann\n<a href=\"https://ci.example.org/417\">https://ci.example.org/417</a>","timeEnd":1772445870000,"tags":["deploy","shop","production","D-417","failed"]}"#]],
    );
    let Some(whole) = request(&ended(Phase::Finished), None) else {
        panic!("a request")
    };
    let body: Value = serde_json::from_str(&whole.body).expect("JSON");
    assert_eq!(body["time"], 1_772_445_600_000_i64);
    assert_eq!(body["timeEnd"], 1_772_445_870_000_i64);
}

#[test]
fn statsd_takes_counters() {
    let line = |moment: &Moment| encode::statsd(moment).unwrap_or_default();
    assert_eq!(line(&started()), "deploys.shop.production:1|c");
    assert_eq!(
        line(&ended(Phase::Finished)),
        "deploy_ends.shop.production.finished:1|c"
    );
    assert_eq!(line(&Moment::Paged(problem())), "pages.shop.production:1|c");
    let held = Moment::Held {
        app: "a.b:c|d\n".to_owned(),
        environment: "é".to_owned(),
    };
    assert_eq!(line(&held), "holds.a_b_c_d_._:1|c");
    assert_eq!(line(&recovered()), "");
}

#[test]
fn pagerduty_takes_changes() {
    let key = Secret::new("R0");
    is(
        encode::pagerduty_change(
            &ended(Phase::Finished),
            "https://events.pagerduty.com",
            &key,
        ),
        &expect![[r#"
            https://events.pagerduty.com/v2/change/enqueue
            {"routing_key":"R0","payload":{"summary":"shop 1.4.2 to production by ann finished","timestamp":"2026-03-02T10:04:30Z","source":"deploywatch","custom_details":{"service":"shop","environment":"production","version":"1.4.2","phase":"finished","deploy_id":"D-417","actors":["ann"]}},"links":[{"href":"https://ci.example.org/417","text":"deploy"}]}"#]],
    );
}

#[test]
fn cdevents_take_incidents() {
    let request = encode::cdevents(&recovered(), "http://bus/in").expect("an incident");
    let headers: BTreeMap<_, _> = request.headers.iter().cloned().collect();
    let key = format!("web1/http@{}", problem().first_bad_at.millis());
    assert_eq!(headers["ce-specversion"], "1.0");
    assert_eq!(headers["ce-type"], "dev.cdevents.incident.resolved.0.3.0");
    assert_eq!(headers["ce-subject"], key);
    assert_eq!(headers["ce-id"], format!("{key}/resolved"));
    assert_eq!(headers["ce-time"], "2026-03-02T10:09:00Z");
    let body: Value = serde_json::from_str(&request.body).expect("JSON");
    assert_eq!(body["context"]["specversion"], "0.5.0");
    assert_eq!(body["context"]["type"], headers["ce-type"]);
    let content = &body["subject"]["content"];
    assert_eq!(content["service"]["id"], "shop");
    assert_eq!(content["environment"]["id"], "production");
    assert_eq!(content["description"], "web1/http CRITICAL");
    let suspects = &body["customData"]["deploywatch"]["suspects"];
    assert_eq!(suspects[0]["id"], "D-417");
    let found = encode::cdevents(&Moment::Suspected(problem()), "http://bus/in");
    let headers: BTreeMap<_, _> = found.expect("an incident").headers.into_iter().collect();
    assert_eq!(headers["ce-type"], "dev.cdevents.incident.detected.0.3.0");
    assert!(encode::cdevents(&started(), "http://bus/in").is_none());
}

type Counted = Arc<Mutex<BTreeMap<(String, Marked), u64>>>;

fn markers(targets: &[(&str, To)]) -> (Markers, Counted) {
    provider();
    let counted = Counted::default();
    let into = counted.clone();
    let count = move |name: &str, end| {
        let mut counted = into.lock().expect("not poisoned");
        *counted.entry((name.to_owned(), end)).or_default() += 1;
    };
    let patience = Patience {
        timeout: Duration::from_millis(200),
        pause: Duration::from_millis(10),
        longest: Duration::from_millis(50),
    };
    let mut markers = Markers::new(Arc::new(count), patience);
    let target = |(name, to): &(&str, To)| Target {
        name: (*name).to_owned(),
        to: to.clone(),
        apps: Vec::new(),
        environments: Vec::new(),
    };
    markers.replace(targets.iter().map(target).collect());
    (markers, counted)
}

async fn until(counted: &Counted, name: &str, end: Marked, least: u64) {
    let key = (name.to_owned(), end);
    let wait = async {
        while counted.lock().expect("not poisoned").get(&key).copied() < Some(least) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait)
        .await
        .unwrap_or_else(|_| panic!("{name}: never {} {least} times", end.name()));
}

fn graphite(url: &str) -> To {
    To::Graphite {
        url: url.to_owned(),
    }
}

#[tokio::test]
async fn a_server_that_hangs_delays_nobody_and_loses_the_oldest() {
    let (hanging, slow) = Stub::start(&[(200, "stall", ""); 2000]).await;
    let (well, fast) = Stub::start(&[]).await;
    let (markers, counted) = markers(&[("slow", graphite(&slow)), ("fast", graphite(&fast))]);
    let began = Instant::now();
    let count = u64::try_from(WAITING).expect("small");
    for _ in 0..count {
        markers.push(&started());
    }
    until(&counted, "fast", Marked::Sent, count).await;
    assert_eq!(well.count(), WAITING);
    until(&counted, "slow", Marked::Failed, 1).await;
    for _ in 0..count + 10 {
        markers.push(&started());
    }
    until(&counted, "slow", Marked::Dropped, 10).await;
    assert!(began.elapsed() < Duration::from_secs(20));
    assert!(0 < hanging.count());
    let lane = &markers.lanes[0];
    let waiting = lane.queue.waiting.lock().expect("not poisoned");
    assert!(waiting.moments.len() <= WAITING);
}

#[tokio::test]
async fn a_few_tries_and_no_more() {
    let (stub, url) = Stub::start(&[(500, "", "no"); 4]).await;
    let (markers, counted) = markers(&[("events", graphite(&url))]);
    markers.push(&started());
    until(&counted, "events", Marked::Failed, 1).await;
    assert_eq!(stub.count(), 3);
    // One more failure, then it is taken.
    markers.push(&ended(Phase::Finished));
    until(&counted, "events", Marked::Sent, 1).await;
    assert_eq!(stub.count(), 5);
}

#[tokio::test]
async fn a_region_is_ended_where_it_was_begun() {
    let script = [
        (200, "", r#"{"message":"Annotation added","id":9}"#),
        (200, "", r#"{"message":"Annotation patched"}"#),
        (200, "", r#"{"id":10}"#),
        (404, "", r#"{"message":"no such annotation"}"#),
        (200, "", r#"{"id":11}"#),
    ];
    let (stub, url) = Stub::start(&script).await;
    let token = Secret::new("glsa");
    let (markers, counted) = markers(&[("boards", To::Grafana { url, token })]);
    for _ in 0..2 {
        markers.push(&started());
        markers.push(&ended(Phase::Finished));
    }
    until(&counted, "boards", Marked::Sent, 4).await;
    let seen = stub.seen.lock().expect("not poisoned");
    let paths: Vec<&str> = seen.iter().map(|seen| seen.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "/api/annotations",
            "/api/annotations/9",
            "/api/annotations",
            // Somebody removed it: the region is made whole.
            "/api/annotations/10",
            "/api/annotations"
        ]
    );
    let last: Value = serde_json::from_slice(&seen[4].body).expect("JSON");
    assert!(last["time"].is_i64() && last["timeEnd"].is_i64(), "{last}");
}

#[tokio::test]
async fn statsd_gets_datagrams() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let address = socket.local_addr().expect("bound").to_string();
    let (mut markers, counted) = markers(&[("counts", To::Statsd { address })]);
    markers.push(&started());
    markers.push(&recovered());
    markers.push(&Moment::Paged(problem()));
    until(&counted, "counts", Marked::Sent, 2).await;
    let mut buffer = [0; 200];
    let mut got = Vec::new();
    for _ in 0..2 {
        let length = socket.recv(&mut buffer).await.expect("a datagram");
        got.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
    }
    assert_eq!(
        got,
        ["deploys.shop.production:1|c", "pages.shop.production:1|c"]
    );
    markers.replace(Vec::new());
    assert!(markers.is_empty());
}
