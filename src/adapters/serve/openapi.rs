//! A description of the API that tools can read: every path, who may use it, and the fields it takes.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

/// A path: method, path, scope (empty: open), what it does, fields as `name:type`, needed ones with `!`.
pub const PATHS: [(&str, &str, &str, &str, &str); 64] = [
    ("get", "/", "read", "The status as a page.", ""),
    (
        "get",
        "/healthz",
        "",
        "200 when the daemon works, else 503 with the reasons.",
        "",
    ),
    (
        "get",
        "/metrics",
        "read",
        "Numbers for Prometheus; no token needed on the machine itself.",
        "",
    ),
    (
        "get",
        "/v1/status",
        "read",
        "Problems, holds, deploys, downtimes.",
        "",
    ),
    ("get", "/v1/deploys", "read", "Deploys of late.", ""),
    (
        "get",
        "/v1/deploys/{verb}",
        "read",
        "All that is known of the deploy of this id; ?wait= until its verdict stands.",
        "",
    ),
    (
        "get",
        "/v1/objects/{host}",
        "read",
        "All that is known of a host.",
        "",
    ),
    (
        "get",
        "/v1/objects/{host}/{check}",
        "read",
        "All that is known of a check.",
        "",
    ),
    (
        "get",
        "/v1/why/{host}",
        "read",
        "Why a host paged or did not; ?limit=.",
        "",
    ),
    (
        "get",
        "/v1/why/{host}/{check}",
        "read",
        "Why a check paged or did not; ?limit=.",
        "",
    ),
    (
        "get",
        "/v1/gate/{app}/{environment}",
        "read",
        "200: a pipeline may go on; 409: it should not, with the reason, whose it is and what opens it; ?wait=.",
        "",
    ),
    (
        "get",
        "/v1/gate/{app}",
        "read",
        "The same for an app in one environment only.",
        "",
    ),
    (
        "get",
        "/v1/digest",
        "read",
        "What was held, paged and silent: of a deploy (?deploy=), a day (?day=) or the time up to now (?since=).",
        "",
    ),
    (
        "get",
        "/v1/reports/{topic}",
        "read",
        "A report, oncall, deploys or slo: of a week (?week=, a day in it, or empty: the last one), a month (?month=YYYY-MM), or \
         from ?since= (a span or a time) up to ?until=; by the clocks of ?zone=. Of slo also ?object= (any number), \
         ?match=, ?target= and ?warning_is_bad=.",
        "",
    ),
    (
        "get",
        "/v1/freezes",
        "read",
        "Freezes that have not ended.",
        "",
    ),
    (
        "get",
        "/v1/silences",
        "read",
        "Silences that have not ended.",
        "",
    ),
    (
        "get",
        "/v1/silences/preview",
        "read",
        "What a silence would hit, what of that is broken now and what was paged in the last day: ?match=, a term such as \
         host=web*, as often as needed.",
        "",
    ),
    (
        "get",
        "/v1/silences/{id}",
        "read",
        "One silence: whose it is and why, what it hits, what it kept quiet so far.",
        "",
    ),
    (
        "get",
        "/v1/canary",
        "read",
        "The test through every channel that runs, or the last one since the start; null: none was made.",
        "",
    ),
    ("get", "/v1/openapi.json", "read", "This.", ""),
    (
        "post",
        "/v1/deploys/{verb}",
        "deploy",
        "Tell of a deploy; verb is plan, start, step, heartbeat, finish, fail, rollback or cancel.",
        "id!:string app:string environment:string version:string hosts:array groups:array actors:array actor:string \
         url:string risk:string at:string rollback_of:string reason:string message:string phase:string kind:string \
         labels:array paths:array",
    ),
    (
        "get",
        "/v1/deploys/unmatched",
        "read",
        "What tools told of that fits no app, and what would make it fit.",
        "",
    ),
    (
        "post",
        "/v1/deploys/record/{source}",
        "deploy",
        "A saved payload of a tool, as if it came now.",
        "",
    ),
    (
        "post",
        "/v1/hooks/{source}",
        "",
        "What a tool tells of deploys, in its own words; the source's secret proves who sends it.",
        "",
    ),
    (
        "post",
        "/v1/hooks/{source}/v1/{signal}",
        "",
        "The same for OTLP over HTTP, as JSON.",
        "",
    ),
    (
        "post",
        "/v1/hooks/{source}/{asked}",
        "",
        "Flagger's hooks confirm-rollout, confirm-traffic-increase, confirm-promotion and rollback: 200 is yes, 409 no.",
        "",
    ),
    (
        "get",
        "/v1/hooks/{source}/{stack}/can-deploy",
        "",
        "Deployinator's question, answered by the gate.",
        "",
    ),
    (
        "post",
        "/v2/change/enqueue",
        "",
        "PagerDuty's change events, under its own path.",
        "",
    ),
    ("post", "/events", "", "Graphite's events.", ""),
    ("post", "/events/", "", "Graphite's events.", ""),
    ("post", "/api/annotations", "", "Grafana's annotations.", ""),
    (
        "post",
        "/api/annotations/graphite",
        "",
        "Grafana's annotations, in Graphite's words.",
        "",
    ),
    (
        "post",
        "/v1/results",
        "results",
        "Hand in one passive result, or a list of at most 1000.",
        "host!:string check:string exit!:integer output:string at:string",
    ),
    (
        "post",
        "/nrdp/",
        "",
        "NRDP, a form: token, cmd (submitcheck, submitcmd), XMLDATA or JSONDATA, command.",
        "",
    ),
    ("get", "/nrdp/", "", "The same in the address.", ""),
    (
        "post",
        "/v1/acknowledge",
        "command",
        "Take a problem: no more notifications until it ends.",
        "host!:string check:string author:string comment!:string sticky:boolean notify:boolean persistent:boolean \
         until:string expires_in:string not_caused_by:string",
    ),
    (
        "post",
        "/v1/unacknowledge",
        "command",
        "Take back an acknowledgement.",
        "host!:string check:string author:string",
    ),
    (
        "get",
        "/v1/answers/link/{token}",
        "",
        "The page of a link in a mail. To open it changes nothing.",
        "",
    ),
    (
        "post",
        "/v1/answers/link/{token}",
        "",
        "What the link stands for is done.",
        "",
    ),
    (
        "post",
        "/v1/answers/mail",
        "",
        "A reply to the mail of a page, as a message (RFC 5322); `deploywatch answer-mail` hands it in.",
        "",
    ),
    (
        "post",
        "/v1/answers/{way}",
        "",
        "What people answer in pagerduty (webhook v3), slack (interactivity) or telegram (webhook).",
        "",
    ),
    (
        "post",
        "/v1/snooze",
        "command",
        "Put a problem off: quiet for a time, a day at most, and paged at once if it is still there then.",
        "host!:string check:string author:string duration!:string comment:string",
    ),
    (
        "post",
        "/v1/tag",
        "command",
        "Say what a page was about; `about` is HOST, HOST/CHECK or the key of a page.",
        "about!:string tag!:string author:string",
    ),
    (
        "post",
        "/v1/blame",
        "command",
        "Say that a deploy caused a problem, or (caused: false) that it did not.",
        "about!:string deploy!:string caused:boolean author:string",
    ),
    (
        "post",
        "/v1/downtime",
        "command",
        "Plan quiet time for a host, a check or a group; `flexible` is how long it lasts once a problem begins it; \
         children is untouched, plain or triggered.",
        "host:string check:string group:string check_group:string with_checks:boolean only_checks:boolean \
         children:string start:string end:string duration:string flexible:string triggered_by:integer author:string \
         comment!:string",
    ),
    (
        "post",
        "/v1/downtime/cancel",
        "command",
        "End or call off a downtime.",
        "id!:integer author:string",
    ),
    (
        "post",
        "/v1/downtime/delete",
        "command",
        "End or call off all downtimes that fit every field.",
        "host:string check:string group:string start:string comment:string author:string",
    ),
    (
        "post",
        "/v1/comment",
        "command",
        "Leave a comment.",
        "host!:string check:string author:string comment!:string persistent:boolean",
    ),
    (
        "post",
        "/v1/comment/delete",
        "command",
        "Delete a comment.",
        "id!:integer author:string",
    ),
    (
        "post",
        "/v1/check",
        "command",
        "Run a check now.",
        "host!:string check:string force:boolean author:string",
    ),
    (
        "post",
        "/v1/notifications",
        "command",
        "Switch notifications of an object.",
        "host!:string check:string enabled!:boolean author:string",
    ),
    (
        "post",
        "/v1/notifications/send",
        "command",
        "Tell the contacts something now, whatever the state.",
        "host!:string check:string author:string comment!:string forced:boolean broadcast:boolean increment:boolean",
    ),
    (
        "post",
        "/v1/notifications/delay",
        "command",
        "No reminder before a time.",
        "host!:string check:string until:string duration:string author:string",
    ),
    (
        "post",
        "/v1/switch",
        "command",
        "Switch something on or off for an object, a group, a contact or all; what is notifications, active, passive, \
         handlers, flap_detection, perfdata or freshness.",
        "what!:string enabled!:boolean host:string check:string group:string check_group:string contact:string \
         contact_group:string hosts:boolean checks:boolean children:boolean author:string",
    ),
    (
        "post",
        "/v1/settings",
        "command",
        "Change a setting until the next change: interval, retry, attempts, period, notify_period, handler_period or var \
         of an object; period, host_period or var of a contact.",
        "setting!:string value!:string name:string host:string check:string contact:string author:string",
    ),
    (
        "post",
        "/v1/freezes",
        "command",
        "No deploys for a time, at most 14d unless `long`; apps and environments with * and ?, none: all.",
        "apps:array environments:array from:string until:string duration:string long:boolean owner:string \
         reason!:string author:string",
    ),
    (
        "post",
        "/v1/canary",
        "command",
        "Begin a test through every channel, as [canary] says it.",
        "",
    ),
    (
        "post",
        "/v1/freezes/end",
        "command",
        "End a freeze that was set here.",
        "id!:integer author:string",
    ),
    (
        "post",
        "/v1/silences",
        "command",
        "Tell nobody of some things for a time, at most [silences] longest; `match` lists terms such as host=web*, `states` \
         what is kept quiet, none: all. What is still broken at its end is paged then.",
        "match!:array states:array from:string until:string duration:string wide:boolean owner:string reason!:string \
         author:string",
    ),
    (
        "post",
        "/v1/silences/move",
        "command",
        "Give a silence another end.",
        "id!:integer until:string duration:string author:string",
    ),
    (
        "post",
        "/v1/silences/end",
        "command",
        "End a silence now.",
        "id!:integer author:string",
    ),
    (
        "post",
        "/v1/gate/{app}/{environment}/override",
        "command",
        "Let deploys pass for a while, 30m unless said and at most 4h.",
        "by!:string reason!:string duration:string until:string",
    ),
    (
        "post",
        "/v1/reload",
        "admin",
        "Read the configuration anew, or only say what that would change.",
        "dry_run:boolean",
    ),
    ("head", "/healthz", "", "As GET, without a body.", ""),
];

/// `GET /v1/openapi.json`.
pub async fn serve() -> Response {
    (StatusCode::OK, Json(document())).into_response()
}

/// The whole document, OpenAPI 3.1.
pub fn document() -> Value {
    let mut paths = Map::new();
    for (method, path, scope, summary, fields) in PATHS {
        let entry = paths.entry(path).or_insert_with(|| json!({}));
        entry[method] = operation(path, scope, summary, fields);
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "deploywatch", "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        "components": { "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } } },
    })
}

fn operation(path: &str, scope: &str, summary: &str, fields: &str) -> Value {
    let parameters: Vec<Value> = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    let mut operation = json!({
        "summary": summary,
        "parameters": parameters,
        "responses": { "200": { "description": "done" }, "default": { "description": "`error` says why not" } },
    });
    if !scope.is_empty() {
        operation["description"] = format!("Needs the scope `{scope}`.").into();
        operation["security"] = json!([{ "token": [] }]);
    }
    if !fields.is_empty() {
        operation["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": schema(fields) } },
        });
    }
    operation
}

fn schema(fields: &str) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for (name, kind) in fields
        .split_whitespace()
        .filter_map(|field| field.split_once(':'))
    {
        let bare = name.trim_end_matches('!');
        if bare != name {
            required.push(bare);
        }
        let shape = match kind {
            "array" => json!({ "type": "array", "items": { "type": "string" } }),
            kind => json!({ "type": kind }),
        };
        properties.insert(bare.to_owned(), shape);
    }
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}
