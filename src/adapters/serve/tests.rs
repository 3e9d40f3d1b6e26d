//! Routes against an in-process server with a made-up hub.

mod answers;
mod gate;
mod orders;
mod silences;
mod site;

use std::sync::Arc;

use expect_test::{Expect, expect};
use reqwest::header;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
};

use self::site::{Site, error, noon, one_of_each, said, token, ways};
use super::*;
use crate::domain::engine::view::{ObjectView, StatusView};

#[tokio::test]
async fn a_deploy_event_reaches_the_engine() {
    let site = Site::open(Access::default()).await;
    let body = json!({
        "id": "D-417", "app": "shop", "environment": "production", "version": "1.4.2", "hosts": ["web1"],
        "actor": "ann", "url": "https://ci.example/1", "risk": "high", "at": "2026-03-02T11:59:00+00:00", "phase": "started",
    });
    assert_eq!(
        site.post("/v1/deploys/start", body).await,
        (200, r#"{"accepted":true,"text":"noted"}"#.into())
    );
    for verb in ["step", "heartbeat", "finish", "fail", "rollback", "cancel"] {
        let (status, text) = site
            .post(&format!("/v1/deploys/{verb}"), json!({ "id": "D-1" }))
            .await;
        assert_eq!(status, 200, "{verb}: {text}");
    }
    let inputs = site.inputs();
    expect![[r#"Deploy(DeployEvent { id: "D-417", phase: Started, at: Timestamp(1772452740000), received: Timestamp(1772452800000), app: Some("shop"), environment: Some("production"), version: Some("1.4.2"), hosts: ["web1"], groups: [], actors: ["ann"], url: Some("https://ci.example/1"), risk: Some(High), rollback_of: None, reason: None, nature: Nature { kind: None, labels: [], paths: [] }, no_hold: false, told_at: None, source: "local" }) [local: told of deploy D-417: started]"#]]
        .assert_eq(&inputs[0]);
    let phases: Vec<_> = inputs[1..]
        .iter()
        .filter_map(|input| input.split("phase: ").nth(1)?.split(',').next())
        .collect();
    assert_eq!(
        phases,
        [
            "Step",
            "Heartbeat",
            "Finished",
            "Failed",
            "RolledBack",
            "Cancelled"
        ]
    );
    assert!(
        inputs[1].contains("told of") && !inputs[2].contains("told of"),
        "only a heartbeat is not audited"
    );
}

#[tokio::test]
async fn faulty_events_are_refused_with_a_sentence() {
    let site = Site::open(Access::default()).await;
    let mut texts = Vec::new();
    for body in [
        json!({}),
        json!([]),
        json!({ "id": "D-1", "verson": "2" }),
        json!({ "id": "D-1", "colour": "red" }),
        json!({ "id": 7 }),
        json!({ "id": " " }),
        json!({ "id": "a\nb" }),
        json!({ "id": "D-1", "risk": "huge" }),
        json!({ "id": "D-1", "url": "javascript:alert(1)" }),
        json!({ "id": "D-1", "at": "yesterday" }),
        json!({ "id": "D-1", "at": -5 }),
        json!({ "id": "D-1", "hosts": ["web1", 2] }),
        json!({ "id": "D-1", "hosts": { "web1": true } }),
        json!({ "id": "D-1", "phase": "finished" }),
        json!({ "id": "D-1", "phase": "startd" }),
        json!({ "id": "x".repeat(2000) }),
    ] {
        texts.push(error(site.post("/v1/deploys/start", body).await));
    }
    texts.push(error(
        site.post("/v1/deploys/begin", json!({ "id": "D-1" })).await,
    ));
    check(
        &texts,
        expect![[r#"
            400 `id` is missing
            400 a deploy event is a JSON object, but this is a list
            400 a deploy event has no field `verson`; did you mean `version`?
            400 a deploy event has no field `colour`; it has id, phase, at, app, environment, version, hosts, groups, actors, actor, url, risk, rollback_of, reason, message, kind, labels, paths
            400 `id` must be a text, but this is a number
            400 `id` is empty
            400 `id` has a control character (a line break, perhaps); take it out
            400 `risk` is `huge`; it is one of low, normal, high
            400 `url` is `javascript:alert(1)`; it has to begin with https:// or http://
            400 `at` is `yesterday`, which is not a time such as 2026-03-02T10:00:00Z
            400 `at` is -5, which is not a time such as 2026-03-02T10:00:00Z (or seconds since 1970)
            400 `hosts[1]` must be a text, but this is a number
            400 `hosts` must be a list of texts, but this is an object
            400 `phase` says `finished`, but this path is for `started`; leave `phase` out or use the other path
            400 `phase` is `startd`, which is no phase; did you mean `started`?
            400 `id` has 2000 bytes; at most 1024 are taken
            404 there is no /v1/deploys/begin; it is one of plan, start, step, heartbeat, finish, fail, rollback, cancel"#]],
    );
    assert!(
        site.inputs().is_empty(),
        "nothing faulty reaches the engine"
    );
}

fn check(texts: &[String], expected: Expect) {
    expected.assert_eq(&texts.join("\n"));
}

#[tokio::test]
async fn bodies_are_bounded_and_json() {
    let site = Site::open(Access::default()).await;
    let url = site.url("/v1/deploys/start");
    let post = || site.http.post(&url);
    let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(70_000));
    let chunks = reqwest::Body::from(long.clone());
    // As a page in a browser would send it, even one of our own.
    let from_page = || post().header(header::ORIGIN, format!("http://{}", site.address));
    let form = "application/x-www-form-urlencoded";
    let texts = [
        error(said(from_page().body("{}")).await),
        error(said(from_page().header(header::CONTENT_TYPE, form).body("{}")).await),
        // As `curl -d` sends it.
        error(said(post().header(header::CONTENT_TYPE, form).body("{}")).await),
        error(said(post().header("content-type", "application/json")).await),
        error(
            said(
                post()
                    .header("content-type", "application/json")
                    .body("{\"id\": "),
            )
            .await,
        ),
        error(
            said(
                post()
                    .header("content-type", "application/json")
                    .body(chunks),
            )
            .await,
        ),
        error(site.get("/v1/deploys/start").await),
        error(site.get("/v2/status").await),
    ];
    check(
        &texts,
        expect![[r#"
            415 the body has to be JSON: send the header `Content-Type: application/json`
            415 the body has to be JSON: send the header `Content-Type: application/json`
            400 `id` is missing
            400 the body is empty; send a JSON object
            400 the body is not JSON: EOF while parsing a value at line 1 column 7
            413 the body is too long: at most 65536 bytes are taken
            404 no deploy `start` is known; those of long ago are not kept
            404 there is no GET /v2/status; GET /v1/openapi.json lists all paths"#]],
    );
    // Without a length the limit holds as well.
    let mut raw = TcpStream::connect(site.address).await.expect("connects");
    let head = "POST /v1/deploys/start HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    raw.write_all(format!("{head}{:x}\r\n{long}\r\n0\r\n\r\n", long.len()).as_bytes())
        .await
        .expect("sends");
    let mut answer = String::new();
    let _ = raw.read_to_string(&mut answer).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn each_scope_opens_its_own_doors() {
    let site = Site::open(one_of_each()).await;
    let doors = [
        ("GET", "/v1/status", json!(null), "read"),
        ("GET", "/", json!(null), "read"),
        ("GET", "/v1/why/web1/http", json!(null), "read"),
        ("GET", "/v1/reports/oncall?week=", json!(null), "read"),
        (
            "POST",
            "/v1/deploys/start",
            json!({ "id": "D-1", "app": "shop" }),
            "deploy",
        ),
        (
            "POST",
            "/v1/results",
            json!({ "host": "web1", "exit": 0 }),
            "results",
        ),
        ("POST", "/v1/check", json!({ "host": "web1" }), "command"),
        ("POST", "/v1/reload", json!({}), "admin"),
    ];
    for (method, path, body, needs) in doors {
        for scope in Scope::ALL.map(Scope::name) {
            let request = match method {
                "GET" => site.http.get(site.url(path)),
                _ => site.http.post(site.url(path)).json(&body),
            };
            let (status, text) = said(request.bearer_auth(format!("{scope}-secret"))).await;
            let wanted = if scope == needs || scope == "admin" {
                200
            } else {
                403
            };
            assert_eq!(status, wanted, "{method} {path} with {scope}: {text}");
        }
    }
    let wrong = |auth: &'static str| {
        said(
            site.http
                .get(site.url("/v1/status"))
                .header(header::AUTHORIZATION, auth),
        )
    };
    let texts = [
        error(site.get("/v1/status").await),
        error(wrong("Bearer nonsense").await),
        error(wrong("Basic YTpi").await),
        error(
            site.post_as("read", "/v1/check", json!({ "host": "web1" }))
                .await,
        ),
    ];
    check(
        &texts,
        expect![[r#"
        401 a token is needed: send the header `Authorization: Bearer TOKEN`
        401 this token is not known; it may have been replaced in the configuration
        401 the Authorization header must read `Bearer TOKEN`
        403 token `read` lacks the scope `command` that this needs; it has: read"#]],
    );
    assert_eq!(site.get("/healthz").await.0, 200, "health is open");
    assert_eq!(
        site.get("/metrics").await.0,
        200,
        "metrics are open on the machine itself"
    );
}

#[tokio::test]
async fn a_deploy_token_tells_of_its_own_apps_only() {
    let site = Site::open(one_of_each()).await;
    let tell = |verb: &'static str, body| site.post_as("shop", verb, body);
    assert_eq!(
        tell("/v1/deploys/start", json!({ "id": "new", "app": "shop" }))
            .await
            .0,
        200
    );
    assert_eq!(
        tell("/v1/deploys/finish", json!({ "id": "of-shop" }))
            .await
            .0,
        200
    );
    let texts = [
        error(
            tell(
                "/v1/deploys/start",
                json!({ "id": "new", "app": "payments" }),
            )
            .await,
        ),
        error(tell("/v1/deploys/finish", json!({ "id": "of-payments" })).await),
        error(
            tell(
                "/v1/deploys/finish",
                json!({ "id": "of-payments", "app": "shop" }),
            )
            .await,
        ),
        error(tell("/v1/deploys/finish", json!({ "id": "unheard-of" })).await),
        error(
            tell(
                "/v1/deploys/step",
                json!({ "id": "of-shop", "hosts": ["web1", "db1"] }),
            )
            .await,
        ),
    ];
    check(
        &texts,
        expect![[r#"
            403 token `shop` may tell of deploys of shop only, not of `payments` in an environment that is not named
            403 token `shop` may tell of deploys of shop only, not of `payments@production`
            403 token `shop` may tell of deploys of shop only, not of `payments@production`
            403 token `shop` is bound to shop, and no deploy `unheard-of` is known: say its `app`
            403 token `shop` is bound to shop, which does not run on db1"#]],
    );
    let tell = |body| site.post_as("live", "/v1/deploys/start", body);
    assert_eq!(tell(json!({ "id": "of-shop", "app": "shop" })).await.0, 200);
    let texts = [
        error(tell(json!({ "id": "new", "app": "shop" })).await),
        error(tell(json!({ "id": "new", "app": "shop", "environment": "staging" })).await),
        error(tell(json!({ "id": "of-shop", "environment": "staging" })).await),
    ];
    check(
        &texts,
        expect![[r#"
        403 token `live` may tell of deploys of shop@production only, not of `shop` in an environment that is not named
        403 token `live` may tell of deploys of shop@production only, not of `shop@staging`
        403 token `live` may tell of deploys of shop@production only, not of `shop@staging`"#]],
    );
    assert_eq!(site.inputs().len(), 3);
    assert!(site.inputs()[0].contains(r#"source: "shop""#));
}

#[tokio::test]
async fn a_new_token_counts_at_once() {
    let site = Site::open(one_of_each()).await;
    let body = || json!({ "host": "web1" });
    assert_eq!(site.post_as("night", "/v1/check", body()).await.0, 401);
    site.access.send_replace(Arc::new(Access {
        tokens: vec![token("night", &[Scope::Command], &[])],
    }));
    assert_eq!(site.post_as("night", "/v1/check", body()).await.0, 200);
    assert_eq!(site.post_as("command", "/v1/check", body()).await.0, 401);
}

#[tokio::test]
async fn without_tokens_only_programs_of_this_machine_come_in() {
    let site = Site::open(Access::default()).await;
    let get = |name: &'static str, value: &'static str| {
        said(site.http.get(site.url("/v1/status")).header(name, value))
    };
    assert_eq!(get("host", "localhost:8420").await.0, 200);
    assert_eq!(get("host", "[::1]").await.0, 200);
    let from = |origin: &str| {
        let request = site
            .http
            .post(site.url("/v1/check"))
            .header("origin", origin);
        said(request.json(&json!({ "host": "web1" })))
    };
    assert_eq!(from(&format!("http://{}", site.address)).await.0, 200);
    let shown = |text: String| text.replace(&site.address.to_string(), "ADDRESS");
    let texts = [
        shown(error(get("host", "evil.example").await)),
        shown(error(get("x-forwarded-for", "10.0.0.1").await)),
        shown(error(from("http://evil.example").await)),
        shown(error(from("null").await)),
    ];
    check(
        &texts,
        expect![[r#"
        403 without a [[token]] in the configuration only programs on this machine are let in: the Host header says `evil.example`; ask for localhost or 127.0.0.1
        403 without a [[token]] in the configuration only programs on this machine are let in: a proxy passed the request on
        403 a page of another site may not send this (its Origin is not this server)
        403 a page of another site may not send this (its Origin is not this server)"#]],
    );
}

#[test]
fn from_another_machine_a_token_is_needed() {
    let peer = Peer {
        remote: "192.0.2.7:999".parse().expect("an address"),
        local: "192.0.2.1:8420".parse().expect("an address"),
    };
    let mut headers = axum::http::HeaderMap::new();
    headers.insert("host", "localhost".parse().expect("a value"));
    let refused = |access: &Access| {
        let get = axum::http::Method::GET;
        let refusal = access
            .admit(peer, &get, &headers, Scope::Read)
            .expect_err("refused");
        assert!(
            access.admit_scraper(peer, &get, &headers).is_err(),
            "nor the metrics"
        );
        refusal.status.as_u16()
    };
    assert_eq!(refused(&Access::default()), 403);
    assert_eq!(refused(&one_of_each()), 401);
}

#[tokio::test]
async fn results_alone_and_in_lists() {
    let site = Site::open(Access::default()).await;
    let one = json!({ "host": "web1", "check": "http", "exit": 2, "output": "bad | t=3s", "at": 1_772_452_000 });
    assert_eq!(site.post("/v1/results", one.clone()).await.0, 200);
    assert!(
        site.inputs()[0]
            .contains("state: Critical, output: \"bad\", long_output: \"\", perfdata: \"t=3s\"")
    );
    let list = json!([one, { "host": "nowhere", "exit": 1 }]);
    let (status, text) = site.post("/v1/results", list).await;
    assert_eq!(status, 200);
    expect![[r#"{"accepted":1,"rejected":[{"index":1,"object":"nowhere","text":"no host `nowhere` is configured"}]}"#]]
        .assert_eq(&text);
    let many: Vec<Value> = (0..1001)
        .map(|_| json!({ "host": "a", "exit": 0 }))
        .collect();
    let before = site.inputs().len();
    let texts = [
        error(
            site.post("/v1/results", json!({ "host": "nowhere", "exit": 1 }))
                .await,
        ),
        error(
            site.post(
                "/v1/results",
                json!([{ "host": "a", "exit": 0 }, { "host": "a", "exit": 3 }]),
            )
            .await,
        ),
        error(
            site.post(
                "/v1/results",
                json!({ "host": "a", "check": "b", "exit": 4 }),
            )
            .await,
        ),
        error(site.post("/v1/results", json!({ "host": "a" })).await),
        error(
            site.post("/v1/results", json!({ "host": "a", "exit": "2" }))
                .await,
        ),
        error(
            site.post("/v1/results", json!({ "host": "a", "exit_code": 2 }))
                .await,
        ),
        error(site.post("/v1/results", json!(many)).await),
    ];
    check(
        &texts,
        expect![[r#"
        422 no host `nowhere` is configured
        400 result 1: `exit` is 3; a host's is 0 (UP), 1 (DOWN) or 2 (UNREACHABLE); for a check, say its `check` as well
        400 `exit` is 4; a check's is 0 (OK), 1 (WARNING), 2 (CRITICAL) or 3 (UNKNOWN)
        400 `exit` is missing
        400 `exit` must be a whole number, but this is a text
        400 a result has no field `exit_code`; it has host, check, exit, output, at
        400 the list has 1001 results; send at most 1000 at once"#]],
    );
    assert_eq!(
        site.inputs().len(),
        before + 1,
        "only the well-formed one was handed on"
    );
}

#[tokio::test]
async fn commands_reach_the_engine() {
    let site = Site::open(Access::default()).await;
    for (path, body) in [
        (
            "/v1/acknowledge",
            json!({ "host": "web1", "check": "a/b", "comment": "mine", "author": "ann", "expires_in": "2h" }),
        ),
        ("/v1/unacknowledge", json!({ "host": "web1" })),
        (
            "/v1/downtime",
            json!({ "host": "web1", "duration": "1h", "comment": "disk" }),
        ),
        ("/v1/downtime/cancel", json!({ "id": 4 })),
        (
            "/v1/comment",
            json!({ "host": "web1", "comment": "see\nDW-1" }),
        ),
        ("/v1/comment/delete", json!({ "id": 5 })),
        ("/v1/check", json!({ "host": "web1", "force": false })),
        (
            "/v1/notifications",
            json!({ "host": "web1", "enabled": false }),
        ),
    ] {
        let (status, text) = site.post(path, body).await;
        assert_eq!(status, 200, "{path}: {text}");
    }
    check(
        &site.inputs(),
        expect![[r#"
            Command(Acknowledge { object: ObjectName { host: "web1", check: Some("a/b") }, sticky: true, notify: true, persistent: false, author: "ann", comment: "mine", until: Some(Timestamp(1772460000000)), not_caused_by: None }) [local: acknowledged web1/a/b]
            Command(RemoveAcknowledgement { object: ObjectName { host: "web1", check: None }, author: "local" }) [local: took back the acknowledgement of web1]
            Command(ScheduleDowntime { object: ObjectName { host: "web1", check: None }, with_checks: true, only_checks: false, children: Untouched, start: Timestamp(1772452800000), end: Timestamp(1772456400000), fixed: true, duration: 3600s, triggered_by: None, author: "local", comment: "disk" }) [local: planned downtime of web1 from 2026-03-02T12:00:00Z to 2026-03-02T13:00:00Z]
            Command(CancelDowntime { id: 4, author: "local" }) [local: cancelled downtime 4]
            Command(AddComment { object: ObjectName { host: "web1", check: None }, persistent: true, author: "local", text: "see DW-1" }) [local: commented on web1]
            Command(DeleteComment { id: 5, author: "local" }) [local: deleted comment 5]
            Command(Check { object: ObjectName { host: "web1", check: None }, checks_of_host: false, at: None, force: false, author: "local" }) [local: asked for a check of web1 now]
            Command(SetNotifications { object: ObjectName { host: "web1", check: None }, enabled: false, author: "local" }) [local: switched notifications of web1 off]"#]],
    );
    let texts = [
        error(
            site.post("/v1/acknowledge", json!({ "host": "web1" }))
                .await,
        ),
        error(
            site.post(
                "/v1/acknowledge",
                json!({ "host": "web1/http", "comment": "mine" }),
            )
            .await,
        ),
        error(
            site.post(
                "/v1/acknowledge",
                json!({ "host": "web1", "comment": "a", "until": "2026-03-02T11:00:00Z" }),
            )
            .await,
        ),
        error(
            site.post("/v1/downtime", json!({ "host": "web1", "comment": "a" }))
                .await,
        ),
        error(
            site.post(
                "/v1/downtime",
                json!({ "host": "web1", "comment": "a", "duration": "an hour" }),
            )
            .await,
        ),
        error(
            site.post(
                "/v1/downtime",
                json!({ "host": "web1", "comment": "a", "end": "2026-03-02T11:00:00Z" }),
            )
            .await,
        ),
        error(
            site.post(
                "/v1/downtime",
                json!({ "host": "web1", "comment": "a", "duration": "5000d" }),
            )
            .await,
        ),
        error(
            site.post("/v1/notifications", json!({ "host": "web1" }))
                .await,
        ),
        error(site.post("/v1/check", json!({ "host": "nowhere" })).await),
        error(site.post("/v1/reload", json!({ "dry_run": true })).await),
    ];
    check(
        &texts,
        expect![[r#"
        400 `comment` is missing
        400 `host` has a slash; say `host`: `web1` and `check`: `http`
        400 `until` is 2026-03-02T11:00:00Z, which has passed
        400 `end` is missing; say `end` or `duration`
        400 `duration`: `an hour` is not a duration; write for example 15s, 3m, 2h or 1h30m
        400 `end` (2026-03-02T11:00:00Z) has to be later than `start` (2026-03-02T12:00:00Z)
        400 a downtime lasts at most 366 days; take what is off for longer out of the configuration
        400 `enabled` is missing
        422 no host `nowhere` is configured
        422 deploywatch.toml:3:1: unknown key `hots`"#]],
    );
}

#[tokio::test]
async fn what_can_be_looked_at() {
    let site = Site::open(Access::default()).await;
    let (status, text) = site.get("/v1/status").await;
    let view: StatusView = serde_json::from_str(&text).expect("a status");
    assert_eq!((status, view.problems.len()), (200, 1));
    let (_, text) = site.get("/v1/objects/web1/disk%20%2Fvar/log").await;
    assert_eq!(
        serde_json::from_str::<ObjectView>(&text)
            .expect("an object")
            .check
            .as_deref(),
        Some("disk /var/log")
    );
    let (_, text) = site.get("/v1/why/web1/http?limit=3").await;
    assert!(text.contains("limit 3"), "{text}");
    let texts = [
        error(site.get("/v1/objects/web2").await),
        error(site.get("/v1/objects/web2/http").await),
        error(site.get("/v1/why/web2/http").await),
        error(site.get("/v1/why/web1?limit=0").await),
        error(site.get("/v1/why/web1?lines=2").await),
        error(site.get("/v1/reports/weather").await),
        error(site.get("/v1/reports/oncall?day=2026-03-02").await),
        error(site.get("/v1/reports/oncall?month=2027-03").await),
        error(site.get("/v1/reports/deploys").await),
    ];
    check(
        &texts,
        expect![[r#"
        404 no host `web2` is configured
        404 no check `web2/http` is configured
        404 no check `web2/http` is configured
        400 `limit` must be a number from 1 to 500
        400 there is no parameter `lines`; it has `limit`
        404 there is no report `weather`; there are `oncall`, `deploys` and `slo`
        400 there is no parameter `day`; it has `week`, `month`, `since`, `until` and `zone`
        400 that month has not begun yet
        503 the disk is full"#]],
    );
    let (_, page) = site.get("/").await;
    assert!(
        page.contains("&lt;script&gt;") && !page.contains("<script"),
        "plugin output is escaped:\n{page}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_does_not_answer_is_said_so() {
    let (asks, mut silent) = mpsc::channel(1);
    let hub = Hub::new(asks);
    let status = || hub.ask(ASK_LIMIT, |reply| Ask::Status { reply });
    let unanswered = status().await.expect_err("refused");
    let no_place = status().await.expect_err("refused");
    silent.close();
    let ending = status().await.expect_err("refused");
    let texts = [unanswered.clone(), no_place, ending].map(|refusal| refusal.text);
    check(
        &texts,
        expect![[r#"
        the daemon gave no answer within 5s; it may still carry this out, and sending it again does no harm
        the daemon gave no answer within 5s; it may still carry this out, and sending it again does no harm
        the daemon is ending; try again when it is back"#]],
    );
    let response = axum::response::IntoResponse::into_response(unanswered);
    assert_eq!(
        (
            response.status().as_u16(),
            &response.headers()["retry-after"]
        ),
        (503, &"2".parse().expect("a value"))
    );
}

#[tokio::test]
async fn a_store_that_fails_is_said_so() {
    let site = Site::with_hub(Access::default(), |ask, _| match ask {
        Ask::Input { reply, .. } => drop(reply.send(Err(Unavailable("the store is full".into())))),
        Ask::Health { reply } => drop(reply.send(Health {
            reasons: vec!["the store is full".into()],
            warnings: vec!["the last reload was refused".into()],
        })),
        other => drop(other),
    })
    .await;
    let texts = [
        error(site.post("/v1/deploys/start", json!({ "id": "D-1" })).await),
        error(
            site.post("/v1/results", json!([{ "host": "a", "exit": 0 }]))
                .await,
        ),
        error(site.get("/v1/status").await),
        site.get("/healthz").await.1,
    ];
    check(
        &texts,
        expect![[r#"
        503 the store is full
        503 the store is full
        503 the daemon is ending; try again when it is back
        {"healthy":false,"reasons":["the store is full"],"warnings":["the last reload was refused"]}"#]],
    );
}

#[tokio::test]
async fn the_server_ends_in_time_even_with_open_connections() {
    let site = Site::open(Access::default()).await;
    let mut idle = TcpStream::connect(site.address).await.expect("connects");
    let mut half = TcpStream::connect(site.address).await.expect("connects");
    half.write_all(b"GET /v1/status HTTP/1.1\r\nHost: local")
        .await
        .expect("sends");
    assert_eq!(site.get("/healthz").await.0, 200);
    site.stop.send_replace(true);
    tokio::time::timeout(std::time::Duration::from_secs(8), site.server)
        .await
        .expect("in time")
        .expect("no panic");
    let mut rest = Vec::new();
    let _ = idle.read_to_end(&mut rest).await;
    assert!(rest.is_empty() && TcpStream::connect(site.address).await.is_err());
}

#[test]
fn every_route_is_described() {
    let source = [include_str!("router.rs"), include_str!("commands.rs")].concat();
    let routes: Vec<&str> = source
        .split('"')
        .filter(|text| {
            *text == "/"
                || ["/v1/", "/healthz", "/metrics"]
                    .iter()
                    .any(|start| text.starts_with(start))
        })
        .collect();
    let document = openapi_document();
    assert!(20 < routes.len(), "the routes were found");
    for route in routes {
        assert!(
            document["paths"].get(route.replace("{*", "{")).is_some(),
            "{route} is not in the OpenAPI document"
        );
    }
}
