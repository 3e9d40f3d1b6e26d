//! The server of the tests, with a made-up hub behind it and a client before it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use super::{super::*, gate};
use crate::{
    base::{secret::Secret, time::Timestamp},
    domain::{
        answers::{
            Ways,
            mail::{self, Letter, Writer, Writers},
        },
        engine::{
            effect::Reply,
            silences::{HitView, SilenceStory},
            view::{ObjectView, ProblemView, StatusView},
        },
        feeds::{Feeds, Known},
        model::deploy::{Attribution, Strength, Suspect, Verdict},
        report::{Period, Report},
    },
};

/// A server with a hub that notes what it is asked and gives fixed answers.
pub(super) struct Site {
    pub(super) address: SocketAddr,
    pub(super) inputs: Arc<Mutex<Vec<String>>>,
    pub(super) letters: Arc<Mutex<Vec<Letter>>>,
    pub(super) access: watch::Sender<Arc<Access>>,
    pub(super) stop: watch::Sender<bool>,
    pub(super) server: JoinHandle<()>,
    pub(super) http: reqwest::Client,
}

pub(super) fn noon() -> Timestamp {
    Timestamp::parse("2026-03-02T12:00:00Z").expect("a time")
}

pub(super) fn token(name: &str, scopes: &[Scope], apps: &[&str]) -> TokenEntry {
    let secret = Secret::new(&format!("{name}-secret"));
    TokenEntry::new(
        name,
        &secret,
        scopes.to_vec(),
        apps.iter().map(ToString::to_string).collect(),
    )
}

pub(super) fn one_of_each() -> Access {
    let mut tokens: Vec<_> = Scope::ALL
        .iter()
        .map(|scope| token(scope.name(), &[*scope], &[]))
        .collect();
    tokens.push(token("shop", &[Scope::Deploy], &["shop"]));
    tokens.push(token("live", &[Scope::Deploy], &["shop@production"]));
    Access { tokens }
}

impl Site {
    pub(super) async fn open(access: Access) -> Self {
        Self::with_hub(access, answer_ask).await
    }

    pub(super) async fn with_hub(
        access: Access,
        hub: impl Fn(Ask, &Mutex<Vec<String>>) + Send + 'static,
    ) -> Self {
        let (asks, mut asked) = mpsc::channel(64);
        let inputs = Arc::new(Mutex::new(Vec::new()));
        let seen = inputs.clone();
        tokio::spawn(async move {
            while let Some(ask) = asked.recv().await {
                hub(ask, &seen);
            }
        });
        let (access, watched) = watch::channel(Arc::new(access));
        let sources = watch::channel(Arc::new(Feeds::default())).1;
        let (stop, stopped) = watch::channel(false);
        let listener = bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (to_send, mut sent) = mpsc::channel::<ToSend>(4);
        let letters = Arc::new(Mutex::new(Vec::new()));
        let written = letters.clone();
        tokio::spawn(async move {
            while let Some((letter, done)) = sent.recv().await {
                let refused = letter.to.contains("nowhere");
                written.lock().expect("no panic").push(letter);
                let end = if refused {
                    Err("no such mailbox".to_owned())
                } else {
                    Ok(())
                };
                let _ = done.send(end);
            }
        });
        let app = App {
            rates: Arc::default(),
            chains: Arc::default(),
            versions: Arc::default(),
            hub: Hub::new(asks),
            access: watched,
            feeds: sources,
            ways: watch::channel(Arc::new(ways())).1,
            letters: Letters::new(to_send),
            metrics: Arc::default(),
            now: noon,
        };
        let server = tokio::spawn(serve(listener, router(app), stopped));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .build()
            .expect("a client");
        Self {
            address,
            inputs,
            letters,
            access,
            stop,
            server,
            http,
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) async fn get(&self, path: &str) -> (u16, String) {
        said(self.http.get(self.url(path))).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> (u16, String) {
        said(self.http.post(self.url(path)).json(&body)).await
    }

    pub(super) async fn post_as(&self, token: &str, path: &str, body: Value) -> (u16, String) {
        let secret = format!("{token}-secret");
        said(
            self.http
                .post(self.url(path))
                .bearer_auth(secret)
                .json(&body),
        )
        .await
    }

    pub(super) fn inputs(&self) -> Vec<String> {
        self.inputs.lock().expect("no panic").clone()
    }
}

pub(super) async fn said(request: reqwest::RequestBuilder) -> (u16, String) {
    let response = request.send().await.expect("an answer");
    (
        response.status().as_u16(),
        response.text().await.expect("a text"),
    )
}

/// All ways of answering, each with a secret of its own.
pub(super) fn ways() -> Ways {
    let secret = |name: &str| Some(Secret::new(&format!("the secret of {name}, long enough")));
    Ways {
        own: secret("links"),
        mail: Some(Writers(
            [
                ("ann", Some("ann@shop.example")),
                ("bob", Some("bob@nowhere.example")),
                ("carol", None),
            ]
            .into_iter()
            .map(|(name, address)| {
                let writer = Writer {
                    name: name.to_owned(),
                    address: address.map(str::to_owned),
                };
                (mail::reference(name), writer)
            })
            .collect(),
        )),
        pagerduty: secret("pagerduty"),
        slack: secret("slack"),
        telegram: Some(Secret::new("the-secret-token-of-telegram")),
    }
}

/// The error's sentence, after its status.
pub(super) fn error((status, text): (u16, String)) -> String {
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    format!("{status} {}", body["error"].as_str().unwrap_or(&text))
}

fn answer_ask(ask: Ask, inputs: &Mutex<Vec<String>>) {
    match ask {
        Ask::Input {
            input,
            audit,
            reply,
        } => {
            let who = audit
                .map(|audit| format!(" [{}: {}]", audit.who, audit.what))
                .unwrap_or_default();
            let text = format!("{input:?}{who}");
            let refused = text.contains("nowhere");
            inputs.lock().expect("no panic").push(text);
            let answer = if refused {
                Reply::refused("no host `nowhere` is configured")
            } else {
                Reply::ok("noted")
            };
            let _ = reply.send(Ok(answer));
        }
        Ask::Told {
            telling,
            known,
            reply,
        } => {
            // A hub that remembers what it heard.
            let mut inputs = inputs.lock().expect("no panic");
            let id = telling
                .heard
                .as_ref()
                .map(|heard| format!("heard {}", heard.id));
            let again = id.as_ref().is_some_and(|id| inputs.contains(id));
            let _ = known.send(match again {
                true => Known::Again(noon()),
                false => Known::New,
            });
            if let (Some(answer), false) = (&telling.answer, again) {
                let audit = telling.audit.as_ref().expect("an audit");
                inputs.push(format!("{answer:?} [{}: {}]", audit.who, audit.what));
            }
            inputs.extend(id);
            let _ = reply.send(Ok(Reply::ok("noted")));
        }
        Ask::Status { reply } => drop(reply.send(troubled())),
        Ask::Object { name, reply } => {
            let known = (&*name.host == "web1").then(|| ObjectView {
                host: name.host.to_string(),
                check: name.check.map(|check| check.to_string()),
                ..ObjectView::default()
            });
            let _ = reply.send(known);
        }
        Ask::Why { name, limit, reply } => {
            let decision = DecisionView {
                reason: format!("limit {limit}"),
                ..DecisionView::default()
            };
            let decisions = if &*name.host == "web1" {
                vec![decision]
            } else {
                Vec::new()
            };
            let view = WhyView {
                object: name.to_string(),
                decisions,
                ..WhyView::default()
            };
            let _ = reply.send(Ok(view));
        }
        Ask::Reload {
            dry_run,
            who,
            reply,
        } => drop(reply.send(if dry_run {
            Err("deploywatch.toml:3:1: unknown key `hots`".to_owned())
        } else {
            Ok(Reply::ok(format!("reloaded for {who}")))
        })),
        Ask::Health { reply } => drop(reply.send(Health::default())),
        Ask::Gate {
            app,
            environment,
            reply,
        } => drop(reply.send(gate::judged(&app, environment.as_deref()))),
        Ask::Deploy { id, reply } => drop(reply.send(gate::recorded(&id))),
        Ask::Digest { about, reply } => {
            let known = about != About::Deploy("D-none".to_owned());
            drop(reply.send(Ok(known.then(Default::default))));
        }
        Ask::Report { question, reply } => {
            let answer = match question.period {
                Period::Week(_) => Ok(Report::OnCall(Box::default())),
                Period::Month(_) => Err(NoReport::Asked("that month has not begun yet".to_owned())),
                Period::Between { .. } => Err(NoReport::Store("the disk is full".to_owned())),
            };
            drop(reply.send(answer));
        }
        Ask::Freezes { reply } => drop(reply.send(Vec::new())),
        Ask::Silences { reply } => drop(reply.send(Vec::new())),
        Ask::Silence { id, reply } => {
            let mut story = SilenceStory::default();
            story.silence.id = id;
            drop(reply.send((id == 7).then_some(story)));
        }
        Ask::Preview { matcher, reply } => {
            let of = matcher.to_string();
            drop(reply.send(HitView {
                of,
                ..HitView::default()
            }));
        }
        Ask::Canary { reply } => drop(reply.send(None)),
        Ask::BeginCanary { reply, .. } => drop(reply.send(Err("there is no [canary]".to_owned()))),
        Ask::DeployApp { id, reply } => {
            let app = id.strip_prefix("of-").map(|app| AppName {
                app: app.to_owned(),
                environment: "production".to_owned(),
            });
            drop(reply.send(app));
        }
        Ask::External { reply, .. } => drop(reply.send(())),
        Ask::HostsOfOthers { hosts, reply, .. } => {
            drop(reply.send(hosts.into_iter().filter(|host| host == "db1").collect()));
        }
    }
}

fn troubled() -> StatusView {
    let suspect = Suspect {
        id: "D-417".into(),
        app: "shop".into(),
        environment: "production".into(),
        version: None,
        actors: vec!["ann".into()],
        url: None,
        strength: Strength::Likely,
        relation: "exact".into(),
        evidence: vec![],
    };
    let problem = ProblemView {
        host: "web1".into(),
        check: Some("http".into()),
        state: "CRITICAL".into(),
        output: "<script>alert(1)</script>".into(),
        deploy: Attribution {
            verdict: Verdict::Suspect,
            suspects: vec![suspect],
            ruled_out: vec![],
        },
        ..ProblemView::default()
    };
    StatusView {
        problems: vec![problem],
        at: noon().to_string(),
        ..StatusView::default()
    }
}
