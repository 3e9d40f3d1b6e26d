//! Gates, freezes and overrides as pipelines ask for them.

use expect_test::expect;
use serde_json::{Value, json};

use super::{Site, error, one_of_each};
use crate::{
    adapters::serve::Access,
    domain::{
        deploy::gate::{BlockView, GateView},
        engine::{gate::NoGate, view::DeployRecordView},
    },
};

/// `shop` is shut, `search` open, `both` in two environments, nothing else is known.
pub(super) fn judged(app: &str, environment: Option<&str>) -> Result<GateView, NoGate> {
    let view = GateView {
        open: app == "search",
        app: app.to_owned(),
        environment: environment.unwrap_or("production").to_owned(),
        ..GateView::default()
    };
    match app {
        "search" => Ok(view),
        "shop" => Ok(GateView {
            reason: "web1/http is CRITICAL: suspect D-417".into(),
            suspects: vec!["D-417".into()],
            owner: vec!["ann".into()],
            blocked_by: vec![BlockView {
                what: "problem".into(),
                ..BlockView::default()
            }],
            opens_when: Some("web1/http recovers, or an override".into()),
            ..view
        }),
        "both" => Err(NoGate::WhichOne("say which".into())),
        _ => Err(NoGate::Unknown("did you mean `shop`?".into())),
    }
}

/// `D-1` has its verdict, `D-2` not yet.
pub(super) fn recorded(id: &str) -> Option<DeployRecordView> {
    let mut view = DeployRecordView::default();
    view.deploy.id = id.to_owned();
    view.deploy.verdict = (id == "D-1").then(|| "clean".to_owned());
    id.starts_with("D-").then_some(view)
}

#[tokio::test]
async fn a_deploy_has_a_record_to_wait_for() {
    let site = Site::open(Access::default()).await;
    let (status, text) = site.get("/v1/deploys/D-1?wait=60s").await;
    let view: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((status, &view["verdict"]), (200, &json!("clean")));
    let (status, text) = site.get("/v1/deploys/D-2?wait=10ms").await;
    let view: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((status, &view["verdict"]), (200, &Value::Null));
    assert_eq!(site.get("/v1/deploys/none").await.0, 404);
}

#[tokio::test]
async fn a_gate_answers_with_its_status() {
    let site = Site::open(Access::default()).await;
    let (status, text) = site.get("/v1/gate/shop/production").await;
    assert_eq!(status, 409);
    let view: Value = serde_json::from_str(&text).expect("JSON");
    for (field, value) in [
        ("open", json!(false)),
        ("reason", json!("web1/http is CRITICAL: suspect D-417")),
        ("suspects", json!(["D-417"])),
        ("owner", json!(["ann"])),
        ("freeze", Value::Null),
        ("override", Value::Null),
    ] {
        assert_eq!(view[field], value, "{field}");
    }
    assert_eq!(view["blocked_by"][0]["what"], "problem");
    assert_eq!(site.get("/v1/gate/search").await.0, 200);
    assert_eq!(site.get("/v1/gate/both").await.0, 400);
    assert_eq!(site.get("/v1/gate/shp/production").await.0, 404);
    for bad in ["wait=61s", "wait=", "weit=1s"] {
        let (status, _) = site.get(&format!("/v1/gate/shop/production?{bad}")).await;
        assert_eq!(status, 400, "{bad}");
    }
    // Open: no wait. Shut: the wait is over before long.
    assert_eq!(site.get("/v1/gate/search/production?wait=60s").await.0, 200);
    assert_eq!(site.get("/v1/gate/shop/production?wait=10ms").await.0, 409);
}

#[tokio::test]
async fn only_commands_stop_and_pass() {
    let site = Site::open(one_of_each()).await;
    let pass = || json!({ "by": "ann", "reason": "fix forward" });
    let path = "/v1/gate/shop/production/override";
    for (token, status) in [("read", 403), ("deploy", 403), ("command", 200)] {
        assert_eq!(site.post_as(token, path, pass()).await.0, status, "{token}");
    }
}

#[tokio::test]
async fn who_stops_or_passes_says_so() {
    let site = Site::open(Access::default()).await;
    let refused = [
        error(
            site.post("/v1/gate/shop/production/override", json!({ "by": "ann" }))
                .await,
        ),
        error(
            site.post(
                "/v1/gate/shop/production/override",
                json!({ "reason": "x" }),
            )
            .await,
        ),
        error(site.post("/v1/freezes", json!({ "reason": "x" })).await),
        error(site.post("/v1/freezes", json!({ "duration": "1h" })).await),
    ];
    super::check(
        &refused,
        expect![[r#"
            400 `reason` is missing
            400 `by` is missing
            400 a freeze needs an end: say `until` or `duration`
            400 `reason` is missing"#]],
    );
    let pass = json!({ "by": "ann", "reason": "fix forward", "duration": "10m" });
    assert_eq!(
        site.post("/v1/gate/shop/production/override", pass).await.0,
        200
    );
    let freeze = json!({ "environments": ["prod*"], "duration": "1h", "owner": "bea", "reason": "the sale" });
    assert_eq!(site.post("/v1/freezes", freeze).await.0, 200);
    assert_eq!(
        site.post("/v1/freezes/end", json!({ "id": 7 })).await.0,
        200
    );
    let seen = site.inputs().join("\n");
    for said in [
        "[local: overrode the gate of shop in production until 2026-03-02T12:10:00Z for ann: fix forward]",
        "[local: froze all apps in prod* until 2026-03-02T13:00:00Z]",
        "[local: ended freeze 7]",
    ] {
        assert!(seen.contains(said), "{said}\n{seen}");
    }
}
