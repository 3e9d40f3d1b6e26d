//! Silences over HTTP: what reaches the engine, what is refused, and who may.

use expect_test::expect;
use serde_json::{Value, json};

use super::{Access, Site, check, error, one_of_each};

#[tokio::test]
async fn silences_reach_the_engine_with_who_asked() {
    let site = Site::open(Access::default()).await;
    for (path, body) in [
        (
            "/v1/silences",
            json!({
                "match": ["host=web*,!web3", "check=disk*"], "duration": "2h", "owner": "ann", "reason": "new disks",
                "states": ["warning", "critical"], "wide": true,
            }),
        ),
        (
            "/v1/silences",
            json!({ "match": "var.role=db", "from": "2026-03-02T13:00:00Z", "duration": "1h", "reason": "x" }),
        ),
        (
            "/v1/silences/move",
            json!({ "id": 17, "duration": "1h", "author": "bob" }),
        ),
        ("/v1/silences/end", json!({ "id": 17 })),
    ] {
        let (status, text) = site.post(path, body).await;
        assert_eq!(status, 200, "{path}: {text}");
    }
    check(
        &site.inputs(),
        expect![[r#"
        Command(Silence { matcher: Matcher { hosts: ["web*", "!web3"], groups: [], checks: ["disk*"], apps: [], vars: {} }, states: StateSet(6), from: None, until: Timestamp(1772460000000), wide: true, owner: "ann", reason: "new disks" }) [local: silenced host=web*,!web3 check=disk* until 2026-03-02T14:00:00Z]
        Command(Silence { matcher: Matcher { hosts: [], groups: [], checks: [], apps: [], vars: {"ROLE": ["db"]} }, states: StateSet(127), from: Some(Timestamp(1772456400000)), until: Timestamp(1772460000000), wide: false, owner: "local", reason: "x" }) [local: silenced var.role=db until 2026-03-02T14:00:00Z]
        Command(MoveSilence { id: 17, until: Timestamp(1772456400000), author: "bob" }) [local: moved the end of silence 17 to 2026-03-02T13:00:00Z]
        Command(EndSilence { id: 17, author: "local" }) [local: ended silence 17]"#]],
    );
}

#[tokio::test]
async fn what_is_no_silence_is_refused_with_the_remedy() {
    let site = Site::open(Access::default()).await;
    let whole = |key: &str, value: Value| {
        let mut body = json!({ "match": ["host=web1"], "duration": "1h", "reason": "x" });
        body[key] = value;
        body
    };
    let mut texts = Vec::new();
    for body in [
        whole("match", json!([])),
        whole("match", json!(["web1"])),
        whole("match", json!(["hosts=web1"])),
        whole("match", json!(vec!["host=a"; 65])),
        whole("states", json!(["ok"])),
        whole("duration", Value::Null),
        whole("until", json!("2026-03-02T13:00:00Z")),
        whole("reason", json!("")),
        whole("for", json!("1h")),
    ] {
        texts.push(error(site.post("/v1/silences", body).await));
    }
    texts.push(error(site.post("/v1/silences/end", json!({})).await));
    texts.push(error(site.get("/v1/silences/none").await));
    texts.push(error(site.get("/v1/silences/8").await));
    texts.push(error(site.get("/v1/silences/preview?host=web1").await));
    texts.push(error(site.get("/v1/silences/preview?match=web1").await));
    check(
        &texts,
        expect![[r#"
        400 `match` is missing: what is to be quiet? Write host=NAME, group=NAME, check=NAME, app=NAME or var.NAME=VALUE, each with `*` and `?`, with commas between several and `!` in front of what is left out
        400 `web1` says nothing of what it is for; write host=NAME, group=NAME, check=NAME, app=NAME or var.NAME=VALUE, each with `*` and `?`, with commas between several and `!` in front of what is left out
        400 `hosts` in `hosts=web1` is unknown; write host=NAME, group=NAME, check=NAME, app=NAME or var.NAME=VALUE, each with `*` and `?`, with commas between several and `!` in front of what is left out
        400 `match` has 65 terms, at most 64: names of one kind go into one, with commas
        400 `ok` is no state to keep quiet; there are warning, critical, unknown, down and unreachable
        400 a silence needs an end: say `until` or `duration`
        400 say either `until` or `duration`, not both
        400 `reason` is missing
        400 a silence has no field `for`; it has match, states, from, until, duration, wide, owner, reason, author
        400 `id` is missing
        404 there is no silence none; it may have ended
        404 there is no silence 8; it may have ended
        400 there is no parameter `host`; it has `match`
        400 `web1` says nothing of what it is for; write host=NAME, group=NAME, check=NAME, app=NAME or var.NAME=VALUE, each with `*` and `?`, with commas between several and `!` in front of what is left out"#]],
    );
    assert!(site.inputs().is_empty());
}

#[tokio::test]
async fn readers_look_and_only_commands_silence() {
    let site = Site::open(one_of_each()).await;
    let body = || json!({ "match": ["host=web1"], "duration": "1h", "reason": "x" });
    for (token, status) in [("read", 403), ("deploy", 403), ("command", 200)] {
        for (path, body) in [
            ("/v1/silences", body()),
            ("/v1/silences/end", json!({ "id": 1 })),
            ("/v1/silences/move", json!({ "id": 1, "duration": "1h" })),
        ] {
            assert_eq!(
                site.post_as(token, path, body).await.0,
                status,
                "{token} {path}"
            );
        }
    }
    let site = Site::open(Access::default()).await;
    let (status, text) = site
        .get("/v1/silences/preview?match=host%3Dweb*&match=check%3Ddisk+1")
        .await;
    let view: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        (status, &view["of"]),
        (200, &json!("host=web* check=disk 1"))
    );
    assert_eq!(site.get("/v1/silences").await.0, 200);
    let (status, text) = site.get("/v1/silences/7").await;
    let view: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((status, &view["id"]), (200, &json!(7)));
}
