//! NRDP, Nagios' own way of results over HTTP: `POST /nrdp/` as `send_nrdp` and its kin send it. A token with the scope
//! `results` hands in results, one with `command` external commands. Answers come as NRDP gives them: what is wrong is
//! said in the body, under 200; only an answer that is to be tried again is another one.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use quick_xml::{Reader, events::Event};
use serde_json::{Value, json};

use super::{
    access::Scope,
    ask::{ASK_LIMIT, Ask},
    body::{self, RESULTS_MAX},
    refusal::Refusal,
    results::{LIST_MAX, hand_in},
    router::App,
};
use crate::{
    base::{
        text::{cut, one_line},
        time::Timestamp,
    },
    domain::{
        model::{
            job::CheckResult,
            state::{ObjectName, State as Found},
        },
        plugin,
    },
};

/// Longest external command.
const COMMAND_MAX: usize = 8192;
/// So many refused results are named in an answer.
const NAMED: usize = 3;

/// What came in.
type Form = BTreeMap<String, String>;

/// `GET` and `POST /nrdp/`.
pub async fn serve(State(app): State<App>, request: Request) -> Result<Response, Refusal> {
    let form = form(request).await?;
    let wants_json = form.contains_key("JSONDATA") || form.contains_key("pretty");
    let said = match carry_out(&app, &form).await {
        Ok(said) => said,
        Err(No::Said(message)) => Said {
            status: -1,
            message,
            output: None,
        },
        Err(No::Later(refusal)) => return Err(refusal),
    };
    Ok(said.response(wants_json, form.contains_key("pretty")))
}

/// Why not.
enum No {
    /// For the answer's `message`.
    Said(String),
    /// It may work later.
    Later(Refusal),
}

impl From<&str> for No {
    fn from(text: &str) -> Self {
        Self::Said(text.to_owned())
    }
}

/// The answer.
struct Said {
    status: i32,
    message: String,
    output: Option<String>,
}

impl Said {
    fn response(self, wants_json: bool, pretty: bool) -> Response {
        let (kind, text) = if wants_json {
            let mut result = json!({ "status": self.status, "message": self.message });
            if let Some(output) = self.output {
                result["meta"] = json!({ "output": output });
            }
            let all = json!({ "result": result });
            let text = if pretty {
                format!("{all:#}")
            } else {
                all.to_string()
            };
            ("application/json", text)
        } else {
            let meta = self.output.map_or_else(String::new, |output| {
                let output = quick_xml::escape::escape(&*output).into_owned();
                format!("  <meta>\n    <output>{output}</output>\n  </meta>\n")
            });
            let text = format!(
                "<result>\n  <status>{}</status>\n  <message>{}</message>\n{meta}</result>\n",
                self.status,
                quick_xml::escape::escape(&*self.message),
            );
            ("text/xml", text)
        };
        let mut response = Response::new(Body::from(text));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        response.into_response()
    }
}

/// Names and values of the address and of the body; the body's win.
async fn form(request: Request) -> Result<Form, Refusal> {
    let (parts, body) = request.into_parts();
    let mut form = Form::new();
    let mut take = |text: &[u8]| {
        for (name, value) in form_urlencoded::parse(text) {
            form.insert(name.into_owned(), value.into_owned());
        }
    };
    take(parts.uri.query().unwrap_or_default().as_bytes());
    if parts.method == Method::POST {
        let bytes = body::bytes(body, RESULTS_MAX, || {
            let text = format!("the body is too long: at most {RESULTS_MAX} bytes are taken");
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, text)
        })
        .await?;
        take(&bytes);
    }
    Ok(form)
}

async fn carry_out(app: &App, form: &Form) -> Result<Said, No> {
    let token = form
        .get("token")
        .map(String::as_str)
        .filter(|token| !token.is_empty())
        .ok_or("NO TOKEN")?;
    let allowed = |scope| {
        let access = app.access.borrow().clone();
        access
            .admit_token(token, scope)
            .map_err(|refusal| match refusal.status {
                StatusCode::UNAUTHORIZED => No::from("BAD TOKEN"),
                _ => No::Said(refusal.text),
            })
    };
    match form.get("cmd").map(String::as_str) {
        Some("submitcheck") => {
            allowed(Scope::Results)?;
            submit(app, form).await
        }
        Some("submitcmd") => {
            let line = form
                .get("command")
                .map(|line| line.trim())
                .filter(|line| !line.is_empty())
                .ok_or("NO COMMAND")?;
            allowed(scope_of(line)?)?;
            command(app, line).await
        }
        Some("hello") => {
            allowed(Scope::Results)?;
            Ok(Said {
                status: 0,
                message: "OK".to_owned(),
                output: None,
            })
        }
        Some(_) => Err("BAD CMD".into()),
        None => Err("NO CMD".into()),
    }
}

/// What a command needs. Who may end the daemon over the API has to be its administrator; files of this machine are
/// nobody's business over a network.
fn scope_of(line: &str) -> Result<Scope, No> {
    if COMMAND_MAX < line.len() || line.contains(char::is_control) {
        return Err("BAD COMMAND".into());
    }
    let name = line.split(';').next().unwrap_or_default();
    // `[time] NAME`, as some clients write it.
    let name = name.rsplit(']').next().unwrap_or_default().trim();
    let name = name.to_ascii_uppercase();
    if name == "PROCESS_FILE" {
        return Err("PROCESS_FILE is not taken here".into());
    }
    let ends = name.starts_with("SHUTDOWN_") || name.starts_with("RESTART_");
    Ok(if ends { Scope::Admin } else { Scope::Command })
}

async fn command(app: &App, line: &str) -> Result<Said, No> {
    let line = if line.starts_with('[') {
        line.to_owned()
    } else {
        format!("[{}] {line}", (app.now)().secs())
    };
    app.hub
        .ask(ASK_LIMIT, |reply| Ask::External { line, reply })
        .await
        .map_err(No::Later)?;
    Ok(Said {
        status: 0,
        message: "OK".to_owned(),
        output: None,
    })
}

async fn submit(app: &App, form: &Form) -> Result<Said, No> {
    let now = (app.now)();
    let found = match (form.get("XMLDATA"), form.get("JSONDATA")) {
        (Some(text), _) => from_xml(text).map_err(|why| No::Said(format!("BAD XML: {why}")))?,
        (None, Some(text)) => {
            from_json(text).map_err(|why| No::Said(format!("BAD JSON: {why}")))?
        }
        (None, None) => return Err("NO DATA".into()),
    };
    if found.is_empty() {
        return Err("NO DATA".into());
    }
    if LIST_MAX < found.len() {
        return Err(No::Said(format!(
            "{} results at once; send at most {LIST_MAX}",
            found.len()
        )));
    }
    let (mut good, mut refused) = (Vec::new(), Vec::new());
    for one in found {
        match one.result(now) {
            Ok(result) => good.push(result),
            Err(why) => refused.push(why),
        }
    }
    let view = hand_in(app, good).await.map_err(No::Later)?;
    let rejected = view.rejected.into_iter();
    refused.extend(rejected.map(|no| format!("{}: {}", no.object, no.text)));
    let mut output = format!("{} checks processed.", view.accepted);
    if !refused.is_empty() {
        let named = &refused[..refused.len().min(NAMED)];
        output.push_str(&format!(" {} refused: {}", refused.len(), named.join("; ")));
    }
    let is_nothing = view.accepted == 0;
    Ok(Said {
        status: if is_nothing { -1 } else { 0 },
        message: match refused.into_iter().next() {
            Some(first) if is_nothing => first,
            _ => "OK".to_owned(),
        },
        output: Some(output),
    })
}

/// A result as it is worded.
#[derive(Debug, Default, PartialEq, Eq)]
struct Worded {
    is_service: bool,
    host: String,
    service: Option<String>,
    state: String,
    output: String,
    time: Option<String>,
}

impl Worded {
    fn set(&mut self, name: &str, value: String) {
        match name {
            "hostname" => self.host = value.trim().to_owned(),
            "servicename" => self.service = Some(value.trim().to_owned()),
            "state" => self.state = value.trim().to_owned(),
            "output" => self.output = value,
            "time" => self.time = Some(value.trim().to_owned()),
            _ => {}
        }
    }

    /// The error is a sentence.
    fn result(self, now: Timestamp) -> Result<CheckResult, String> {
        let service = self.service.filter(|name| !name.is_empty());
        let shown = one_line(cut(&self.host, 100));
        if self.host.is_empty() {
            return Err("a result without a hostname".to_owned());
        }
        if self.is_service && service.is_none() {
            return Err(format!("{shown}: a service's result without a servicename"));
        }
        let code: i32 = self
            .state
            .parse()
            .map_err(|_| format!("{shown}: `{}` is no state", one_line(cut(&self.state, 40))))?;
        let (object, state) = match service {
            Some(service) => (
                ObjectName::check(&self.host, &service),
                Found::of_check_code(code),
            ),
            None => {
                let state = match code {
                    0 => Found::Up,
                    1 => Found::Down,
                    2 => Found::Unreachable,
                    _ => return Err(format!("{shown}: a host's state is 0, 1 or 2, not {code}")),
                };
                (ObjectName::host(&self.host), state)
            }
        };
        let at = self
            .time
            .and_then(|time| time.parse().ok())
            .filter(|secs| (0..253_402_300_800).contains(secs))
            .map_or(now, Timestamp::from_secs);
        Ok(plugin::passive(object, state, &self.output, at))
    }
}

/// `<checkresults><checkresult type="service">...`. No entity is known but XML's own five, and no DTD is taken.
fn from_xml(text: &str) -> Result<Vec<Worded>, String> {
    let mut reader = Reader::from_str(text);
    let mut all = Vec::new();
    // The element that is open within a result, and its text.
    let mut field: Option<(String, String)> = None;
    let mut open: Option<Worded> = None;
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) if open.is_none() => {
                if start.local_name().as_ref() == "checkresult" {
                    let kind = start
                        .try_get_attribute("type")
                        .map_err(|error| error.to_string())?;
                    open = Some(Worded {
                        is_service: kind.is_some_and(|kind| &*kind.value == "service"),
                        ..Worded::default()
                    });
                    if LIST_MAX < all.len() {
                        return Err(format!("more than {LIST_MAX} results"));
                    }
                }
            }
            Event::Start(start) => {
                if field.is_some() {
                    return Err("an element within a value".to_owned());
                }
                let name = start.local_name().as_ref().to_owned();
                field = Some((name, String::new()));
            }
            Event::Text(text) => {
                if let Some((_, value)) = &mut field {
                    value.push_str(&text);
                }
            }
            Event::CData(text) => {
                if let Some((_, value)) = &mut field {
                    value.push_str(&text);
                }
            }
            Event::GeneralRef(name) => {
                let c = match name.resolve_char_ref().map_err(|error| error.to_string())? {
                    Some(c) => c,
                    None => match &*name {
                        "lt" => '<',
                        "gt" => '>',
                        "amp" => '&',
                        "quot" => '"',
                        "apos" => '\'',
                        _ => return Err("an entity that is not known".to_owned()),
                    },
                };
                if let Some((_, value)) = &mut field {
                    value.push(c);
                }
            }
            Event::End(_) => match (field.take(), &mut open) {
                (Some((name, value)), Some(worded)) => worded.set(&name, value),
                (None, Some(_)) => all.extend(open.take()),
                _ => {}
            },
            Event::DocType(_) => return Err("a DTD is not taken".to_owned()),
            Event::Eof if open.is_some() => return Err("it ends within a result".to_owned()),
            Event::Eof => return Ok(all),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

/// `{"checkresults": [{"checkresult": {"type": "service"}, "hostname": "web1", ...}]}`
fn from_json(text: &str) -> Result<Vec<Worded>, String> {
    let all: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let list = all["checkresults"]
        .as_array()
        .ok_or("there is no list `checkresults`")?;
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let worded = list.iter().take(LIST_MAX + 1).map(|one| {
        let mut worded = Worded {
            is_service: one["checkresult"]["type"] == "service",
            ..Worded::default()
        };
        for name in ["hostname", "servicename", "state", "output", "time"] {
            if let Some(value) = text(&one[name]) {
                worded.set(name, value);
            }
        }
        worded
    });
    Ok(worded.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_as_clients_write_it() {
        let text = "<?xml version='1.0'?>\n<checkresults>\n  <checkresult type='service' checktype='1'>\n    \
            <hostname>web1</hostname>\n    <servicename>Disk: C</servicename>\n    <state>2</state>\n    \
            <output>full &lt;now&gt; &amp; <![CDATA[a|b=1]]>&#10;more</output>\n  </checkresult>\n\
            <checkresult type=\"host\"><hostname>web1</hostname><state>0</state><output/><time>17</time></checkresult>\
            </checkresults>";
        let all = from_xml(text).expect("it is good");
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].service.as_deref(), Some("Disk: C"));
        assert_eq!(all[0].output, "full <now> & a|b=1\nmore");
        let result = all
            .into_iter()
            .nth(1)
            .expect("two")
            .result(Timestamp::default());
        let result = result.expect("it is good");
        assert_eq!(result.object.to_string(), "web1");
        assert_eq!(result.started, Timestamp::from_secs(17));
    }

    #[test]
    fn hostile_xml_is_refused() {
        for (text, why) in [
            (
                "<!DOCTYPE x [<!ENTITY a \"b\">]><checkresults/>",
                "a DTD is not taken",
            ),
            (
                "<checkresult><output>&lol;</output></checkresult>",
                "an entity that is not known",
            ),
            (
                "<checkresult><hostname>a</hostname>",
                "it ends within a result",
            ),
            (
                "<checkresult><output><b>x</b></output></checkresult>",
                "an element within a value",
            ),
        ] {
            assert_eq!(from_xml(text).expect_err(text), why);
        }
        assert!(from_xml("<a><b></a>").is_err());
        assert_eq!(from_xml("no xml at all"), Ok(Vec::new()));
    }

    #[test]
    fn each_faulty_result_says_why() {
        let one = |text: &str| {
            let json = format!("{{\"checkresults\":[{text}]}}");
            let mut all = from_json(&json).expect("it is good");
            all.remove(0).result(Timestamp::default())
        };
        assert!(
            one(r#"{"checkresult":{"type":"host"},"hostname":"a","state":1,"output":"x"}"#).is_ok()
        );
        for (text, why) in [
            (r#"{"state":"0"}"#, "a result without a hostname"),
            (
                r#"{"checkresult":{"type":"service"},"hostname":"a","state":"0"}"#,
                "a: a service's result without a servicename",
            ),
            (r#"{"hostname":"a","state":"up"}"#, "a: `up` is no state"),
            (
                r#"{"hostname":"a","state":3}"#,
                "a: a host's state is 0, 1 or 2, not 3",
            ),
        ] {
            assert_eq!(one(text).expect_err(text), why);
        }
        assert!(from_json("[]").is_err() && from_json("{").is_err());
    }

    #[test]
    fn commands_need_their_scope() {
        let scope = |line: &str| scope_of(line).ok();
        assert_eq!(scope("DISABLE_NOTIFICATIONS"), Some(Scope::Command));
        assert_eq!(scope("[17] disable_notifications;x"), Some(Scope::Command));
        assert_eq!(scope("[17] shutdown_program"), Some(Scope::Admin));
        assert_eq!(scope("PROCESS_FILE;/etc/passwd;1"), None);
        assert_eq!(scope("A\n[1] SHUTDOWN_PROGRAM"), None);
    }
}
