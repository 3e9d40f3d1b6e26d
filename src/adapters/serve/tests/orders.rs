//! Downtimes of all kinds, notifications by hand, switches and settings: what reaches the engine, and what is refused.

use expect_test::expect;
use serde_json::{Value, json};

use super::{Access, Site, check, error};

async fn sent(orders: Vec<(&str, Value)>) -> Vec<String> {
    let site = Site::open(Access::default()).await;
    for (path, body) in orders {
        let (status, text) = site.post(path, body).await;
        assert_eq!(status, 200, "{path}: {text}");
    }
    site.inputs()
}

async fn refused(orders: Vec<(&str, Value)>) -> Vec<String> {
    let site = Site::open(Access::default()).await;
    let mut texts = Vec::new();
    for (path, body) in orders {
        texts.push(error(site.post(path, body).await));
    }
    assert!(site.inputs().is_empty());
    texts
}

#[tokio::test]
async fn downtimes_of_all_kinds() {
    let down = "/v1/downtime";
    check(
        &sent(vec![
            (down, json!({ "host": "web1", "duration": "2h", "comment": "a", "flexible": "30m", "children": "triggered" })),
            (down, json!({ "host": "web1", "duration": "1h", "comment": "a", "only_checks": true, "triggered_by": 7 })),
            (down, json!({ "group": "web", "duration": "1h", "comment": "a", "with_checks": false })),
            (down, json!({ "check_group": "front", "duration": "1h", "comment": "a" })),
            ("/v1/downtime/delete", json!({ "host": "web1", "comment": "a", "author": "ann" })),
        ])
        .await,
        expect![[r#"
            Command(ScheduleDowntime { object: ObjectName { host: "web1", check: None }, with_checks: true, only_checks: false, children: Triggered, start: Timestamp(1772452800000), end: Timestamp(1772460000000), fixed: false, duration: 1800s, triggered_by: None, author: "local", comment: "a" }) [local: planned downtime of web1 from 2026-03-02T12:00:00Z to 2026-03-02T14:00:00Z]
            Command(ScheduleDowntime { object: ObjectName { host: "web1", check: None }, with_checks: false, only_checks: true, children: Untouched, start: Timestamp(1772452800000), end: Timestamp(1772456400000), fixed: true, duration: 3600s, triggered_by: Some(7), author: "local", comment: "a" }) [local: planned downtime of web1 from 2026-03-02T12:00:00Z to 2026-03-02T13:00:00Z]
            Command(ScheduleGroupDowntime { group: Hosts("web"), hosts: true, checks: false, start: Timestamp(1772452800000), end: Timestamp(1772456400000), fixed: true, duration: 3600s, triggered_by: None, author: "local", comment: "a" }) [local: planned downtime of the group web from 2026-03-02T12:00:00Z to 2026-03-02T13:00:00Z]
            Command(ScheduleGroupDowntime { group: Checks("front"), hosts: false, checks: true, start: Timestamp(1772452800000), end: Timestamp(1772456400000), fixed: true, duration: 3600s, triggered_by: None, author: "local", comment: "a" }) [local: planned downtime of the group front from 2026-03-02T12:00:00Z to 2026-03-02T13:00:00Z]
            Command(DeleteDowntimes { filter: DowntimeFilter { host: Some("web1"), check: None, group: None, start: None, comment: Some("a") }, author: "ann" }) [local: deleted downtimes of host web1, comment a]"#]],
    );
    check(
        &refused(vec![
            (down, json!({ "host": "web1", "group": "web", "duration": "1h", "comment": "a" })),
            (down, json!({ "group": "web", "check_group": "x", "duration": "1h", "comment": "a" })),
            (down, json!({ "group": "web", "children": "plain", "duration": "1h", "comment": "a" })),
            (down, json!({ "host": "web1", "check": "http", "children": "plain", "duration": "1h", "comment": "a" })),
            (down, json!({ "host": "web1", "children": "all", "duration": "1h", "comment": "a" })),
            (down, json!({ "host": "web1", "triggered_by": -1, "duration": "1h", "comment": "a" })),
            ("/v1/downtime/delete", json!({ "author": "ann" })),
        ])
        .await,
        expect![[r#"
            400 say either a host or a group, not both
            400 say either `group` or `check_group`, not both
            400 `children` is for a host, not for a group
            400 `only_checks` and `children` are for a host, not for a check
            400 `children` is `all`; it is untouched, plain or triggered
            400 `triggered_by` is -1, which is below zero
            400 say which downtimes: host, check, group, start or comment"#]],
    );
}

#[tokio::test]
async fn notifications_by_hand() {
    let (send, delay) = ("/v1/notifications/send", "/v1/notifications/delay");
    check(
        &sent(vec![
            (
                send,
                json!({ "host": "web1", "check": "http", "comment": "look", "forced": true }),
            ),
            (
                delay,
                json!({ "host": "web1", "duration": "1h", "author": "ann" }),
            ),
        ])
        .await,
        expect![[r#"
            Command(SendCustom { object: ObjectName { host: "web1", check: Some("http") }, broadcast: false, forced: true, increment: false, author: "local", comment: "look" }) [local: sent a notification about web1/http]
            Command(DelayNotification { object: ObjectName { host: "web1", check: None }, until: Timestamp(1772456400000) }) [local: delayed the next notification of web1 to 2026-03-02T13:00:00Z, asked by ann]"#]],
    );
    check(
        &refused(vec![
            (send, json!({ "host": "web1" })),
            (delay, json!({ "host": "web1" })),
            (
                delay,
                json!({ "host": "web1", "duration": "1h", "until": "2026-03-02T13:00:00Z" }),
            ),
        ])
        .await,
        expect![[r#"
            400 `comment` is missing
            400 `until` is missing; say `until` or `duration`
            400 say either `until` or `duration`, not both"#]],
    );
}

#[tokio::test]
async fn switches() {
    let order = |scope: Value| {
        let mut body = json!({ "what": "notifications", "enabled": false });
        for (key, value) in scope.as_object().expect("an object") {
            body[key] = value.clone();
        }
        ("/v1/switch", body)
    };
    check(
        &sent(vec![
            order(json!({})),
            order(json!({ "hosts": true })),
            order(json!({ "checks": true, "what": "active", "enabled": true })),
            order(json!({ "host": "web1", "author": "ann" })),
            order(json!({ "host": "web1", "check": "http", "what": "flap_detection" })),
            order(json!({ "host": "web1", "checks": true })),
            order(json!({ "host": "web1", "children": true, "checks": true })),
            order(json!({ "group": "web", "checks": true })),
            order(json!({ "check_group": "front" })),
            order(json!({ "contact": "ann", "hosts": true })),
            order(json!({ "contact_group": "all" })),
        ])
        .await,
        expect![[r#"
            Command(Switch { scope: Global, what: Notifications, on: false }) [local: switched notifications off for all]
            Command(Switch { scope: Hosts, what: Notifications, on: false }) [local: switched notifications off for all hosts]
            Command(Switch { scope: Checks, what: ActiveChecks, on: true }) [local: switched active checks on for all checks]
            Command(Switch { scope: Object(ObjectName { host: "web1", check: None }), what: Notifications, on: false }) [local: switched notifications off for web1, asked by ann]
            Command(Switch { scope: Object(ObjectName { host: "web1", check: Some("http") }), what: FlapDetection, on: false }) [local: switched flap detections off for web1/http]
            Command(Switch { scope: ChecksOf("web1"), what: Notifications, on: false }) [local: switched notifications off for web1's checks]
            Command(Switch { scope: Beyond { host: "web1", itself: true, checks: true }, what: Notifications, on: false }) [local: switched notifications off for web1 and what stands behind it]
            Command(Switch { scope: Group { group: Hosts("web"), hosts: false, checks: true }, what: Notifications, on: false }) [local: switched notifications off for the group web]
            Command(Switch { scope: Group { group: Checks("front"), hosts: false, checks: true }, what: Notifications, on: false }) [local: switched notifications off for the group front]
            Command(Switch { scope: Contact { name: "ann", hosts: true, checks: false }, what: Notifications, on: false }) [local: switched notifications off for contact ann]
            Command(Switch { scope: ContactGroup { name: "all", hosts: true, checks: true }, what: Notifications, on: false }) [local: switched notifications off for contact group all]"#]],
    );
    check(
        &refused(vec![
            ("/v1/switch", json!({ "what": "notifications" })),
            order(json!({ "what": "pages" })),
            order(json!({ "host": "web1", "contact": "ann" })),
            order(json!({ "check": "http" })),
            order(json!({ "hosts": false, "checks": false })),
            order(json!({ "group": "web", "children": true })),
            order(json!({ "host": "web1", "check": "http", "checks": true })),
            order(json!({ "host": "web1", "hosts": true, "checks": true })),
        ])
        .await,
        expect![[r#"
            400 `enabled` is missing
            400 `what` is `pages`; it is one of notifications, active, passive, handlers, flap_detection, perfdata, freshness
            400 say either `host` or `contact`, not both
            400 `host` is missing
            400 neither `hosts` nor `checks` is left
            400 `children` is for a host
            400 `hosts` and `checks` are not for a single check
            400 say `hosts` or `checks` of a host, not both: switch one after the other"#]],
    );
}

#[tokio::test]
async fn settings() {
    let order = |setting: &str, value: &str, more: Value| {
        let mut body = json!({ "setting": setting, "value": value });
        for (key, value) in more.as_object().expect("an object") {
            body[key] = value.clone();
        }
        ("/v1/settings", body)
    };
    let http = json!({ "host": "web1", "check": "http" });
    let ann = json!({ "contact": "ann" });
    check(
        &sent(vec![
            order("interval", "30s", http.clone()),
            order("interval", "0s", http.clone()),
            order("retry", "10s", http.clone()),
            order("attempts", "5", http.clone()),
            order("period", "workhours", http.clone()),
            order("notify_period", "", http.clone()),
            order("handler_period", "workhours", http.clone()),
            order("var", "s3cret", json!({ "host": "web1", "name": "key" })),
            order("period", "workhours", ann.clone()),
            order("host_period", "workhours", ann.clone()),
            order("var", "42", json!({ "contact": "ann", "name": "phone" })),
        ])
        .await,
        expect![[r#"
            Command(Change(Interval { object: ObjectName { host: "web1", check: Some("http") }, every: 30s })) [local: set interval of web1/http to `30s`]
            Command(Change(Interval { object: ObjectName { host: "web1", check: Some("http") }, every: 0ns })) [local: set interval of web1/http to `0s`]
            Command(Change(Retry { object: ObjectName { host: "web1", check: Some("http") }, retry: 10s })) [local: set retry of web1/http to `10s`]
            Command(Change(Attempts { object: ObjectName { host: "web1", check: Some("http") }, attempts: 5 })) [local: set attempts of web1/http to `5`]
            Command(Change(CheckPeriod { object: ObjectName { host: "web1", check: Some("http") }, period: "workhours" })) [local: set period of web1/http to `workhours`]
            Command(Change(NotifyPeriod { object: ObjectName { host: "web1", check: Some("http") }, period: "" })) [local: set notify_period of web1/http to ``]
            Command(Change(HandlerPeriod { object: ObjectName { host: "web1", check: Some("http") }, period: "workhours" })) [local: set handler_period of web1/http to `workhours`]
            Command(Change(Var { object: ObjectName { host: "web1", check: None }, name: "key", value: "s3cret" })) [local: set a variable of web1]
            Command(Change(ContactPeriod { contact: "ann", hosts: false, period: "workhours" })) [local: set period of contact ann to `workhours`]
            Command(Change(ContactPeriod { contact: "ann", hosts: true, period: "workhours" })) [local: set host_period of contact ann to `workhours`]
            Command(Change(ContactVar { contact: "ann", name: "phone", value: "42" })) [local: set a variable of contact ann]"#]],
    );
    check(
        &refused(vec![
            order("every", "30s", http.clone()),
            order("retry", "0s", http.clone()),
            order("interval", "soon", http.clone()),
            order("attempts", "0", http.clone()),
            order("var", "x", http.clone()),
            order("retry", "10s", json!({ "host": "web1", "name": "key" })),
            order("interval", "10s", ann),
            order(
                "var",
                "x",
                json!({ "contact": "ann", "host": "web1", "name": "a" }),
            ),
        ])
        .await,
        expect![[r#"
            400 `setting` is `every`; it is one of interval, retry, attempts, period, notify_period, handler_period, var
            400 `value` must be longer than 0s
            400 `value`: `soon` is not a duration; write for example 15s, 3m, 2h or 1h30m
            400 `value` is `0`; attempts are 1 to 1000
            400 `name` is missing
            400 `name` is for `var` only
            400 `setting` is `interval`; it is one of period, host_period, var
            400 say either `host` or `contact`, not both"#]],
    );
}

#[tokio::test]
async fn answers_to_pages() {
    check(
        &sent(vec![
            (
                "/v1/snooze",
                json!({ "host": "web1", "check": "http", "duration": "30m", "author": "ann" }),
            ),
            (
                "/v1/tag",
                json!({ "about": "web1/http", "tag": "faulty-check" }),
            ),
            (
                "/v1/blame",
                json!({ "about": "web1/http@1772445960000", "deploy": "D-1" }),
            ),
            (
                "/v1/blame",
                json!({ "about": "web1", "deploy": "D-1", "caused": false }),
            ),
        ])
        .await,
        expect![[r#"
            Command(Answer(Answer { about: Object(ObjectName { host: "web1", check: Some("http") }), say: Snooze { span: 1800s, comment: None }, author: "ann", through: "the API" })) [local: snoozed web1/http for 30m]
            Command(Answer(Answer { about: Named("web1/http"), say: Tag(FaultyCheck), author: "local", through: "the API" })) [local: tagged web1/http faulty-check]
            Command(Answer(Answer { about: Named("web1/http@1772445960000"), say: Caused("D-1"), author: "local", through: "the API" })) [local: put web1/http@1772445960000 down to D-1]
            Command(Answer(Answer { about: Named("web1"), say: NotCaused("D-1"), author: "local", through: "the API" })) [local: said that D-1 did not cause web1]"#]],
    );
    check(
        &refused(vec![
            ("/v1/snooze", json!({ "host": "web1" })),
            ("/v1/snooze", json!({ "host": "web1", "duration": "soon" })),
            ("/v1/tag", json!({ "about": "web1", "tag": "faulty" })),
            ("/v1/tag", json!({ "tag": "faulty-check" })),
            ("/v1/blame", json!({ "about": "web1" })),
            (
                "/v1/blame",
                json!({ "about": "web1", "deploy": "D-1", "not": true }),
            ),
        ])
        .await,
        expect![[r#"
            400 `duration` is missing
            400 `duration`: `soon` is not a duration; write for example 15s, 3m, 2h or 1h30m
            400 there is no tag `faulty`; say one of service-issue, service-issue-off-hours, view-issue, wrong-period, downtime-expired, downtime-not-set, wrong-threshold, faulty-check
            400 `about` is missing
            400 `deploy` is missing
            400 a word on a deploy has no field `not`; it has about, deploy, caused, author"#]],
    );
}
