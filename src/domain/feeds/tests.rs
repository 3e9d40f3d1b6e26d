//! Payloads of every format and what they become, and hostile bodies.

use std::{fmt::Write as _, fs, path::PathBuf, sync::Arc};

use expect_test::expect_file;
use proptest::prelude::*;

use super::*;
use crate::{
    base::secret::Secret,
    domain::model::objects::{App, Inventory},
};

fn fixtures() -> Vec<(Kind, PathBuf)> {
    let directory = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/feeds"));
    let mut found: Vec<(Kind, PathBuf)> = fs::read_dir(directory)
        .expect("shipped with the sources")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|end| end == "json" || end == "txt")
        })
        .map(|path| {
            let name = path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            let kind = Kind::ALL
                .into_iter()
                .filter(|kind| name.starts_with(&format!("{}-", kind.name())))
                .max_by_key(|kind| kind.name().len());
            (kind.unwrap_or_else(|| panic!("{name} is of no kind")), path)
        })
        .collect();
    found.sort();
    found
}

fn headers_of(path: &std::path::Path) -> Headers {
    let text = fs::read_to_string(path.with_extension("headers")).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .collect()
}

/// A shop in production, and in staging too a search.
fn site() -> Feeds {
    let app = |name: &str, environment: &str| App {
        name: Arc::from(name),
        environment: Arc::from(environment),
        calls: Vec::new(),
        called_by: Vec::new(),
        hosts: Vec::new(),
        contacts: Vec::new(),
        risk: Risk::Normal,
        regressions: Default::default(),
        hold: true,
        rollback: None,
        url: None,
    };
    let inventory = Inventory {
        apps: vec![
            app("shop", "production"),
            app("search", "production"),
            app("search", "staging"),
        ],
        ..Inventory::default()
    };
    let names = |pairs: &[(&str, &str)]| {
        let owned = |(theirs, ours): &(&str, &str)| ((*theirs).to_owned(), (*ours).to_owned());
        Names::new(pairs.iter().map(owned).collect())
    };
    let sources = Kind::ALL.map(|kind| Source {
        app: names(&[
            ("acme/shop:Deploy", "shop"),
            ("deploy-shop", "shop@production"),
        ]),
        environment: names(&[("prod", "production"), ("PROD", "production")]),
        ..Source::plain(kind)
    });
    Feeds::new(sources.into(), &inventory)
}

#[test]
fn payloads_of_every_format_become_these_deploys() {
    let (received, site) = (Timestamp::from_secs(1_790_000_000), site());
    let mut seen = std::collections::BTreeSet::new();
    for (kind, path) in fixtures() {
        seen.insert(kind);
        let (body, headers) = (fs::read(&path).expect("readable"), headers_of(&path));
        assert_eq!(
            guess(&headers, &body).map_or_else(|| "nobody's".into(), |kind| kind.name().to_owned()),
            if path.ends_with("github-ping.json") {
                "nobody's"
            } else {
                kind.name()
            },
            "{}",
            path.display()
        );
        let reading =
            read(kind, &headers, &body).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        let mut text = String::new();
        if let Some(delivery) = &reading.delivery {
            writeln!(text, "delivery {delivery}").expect("a String takes it");
        }
        if let Some(why) = &reading.nothing {
            writeln!(text, "nothing: {why}").expect("a String takes it");
        }
        let source = site.find(kind.name()).expect("it is there");
        if let Some(asks) = &reading.asks {
            let Asks {
                callback,
                environment,
            } = asks;
            writeln!(text, "{environment} is wanted at {callback}").expect("a String takes it");
        }
        let told = chain::Chains::default().join(kind.name(), reading.told, received);
        for told in told {
            let line = match site.fit(&source, told, received) {
                Fit::Passed(why) => format!("passed: {why}"),
                Fit::Unmatched(one) => format!("unmatched: {}: {}", one.app, one.remedy),
                Fit::Event(event) => {
                    let mut line = format!("{} {} at {}", event.id, event.phase.name(), event.at);
                    let facts = [
                        ("app", event.app),
                        ("environment", event.environment),
                        ("version", event.version),
                        ("hosts", Some(event.hosts.join(" "))),
                        ("by", Some(event.actors.join(" "))),
                        ("url", event.url),
                        ("rollback of", event.rollback_of),
                        ("reason", event.reason),
                        ("kind", event.nature.kind),
                        ("labels", Some(event.nature.labels.join(" "))),
                        ("paths", Some(event.nature.paths.join(" "))),
                    ];
                    for (name, fact) in facts {
                        if let Some(fact) = fact.filter(|fact| !fact.is_empty()) {
                            write!(line, "\n    {name} {fact}").expect("a String takes it");
                        }
                    }
                    line
                }
            };
            writeln!(text, "{line}").expect("a String takes it");
        }
        expect_file![path.with_extension("expected")].assert_eq(&text);
    }
    assert_eq!(
        seen.len(),
        Kind::ALL.len(),
        "each format has a payload: {seen:?}"
    );
}

#[test]
fn the_most_exact_name_is_asked_first() {
    let pair = |theirs: &str, ours: &str| (theirs.to_owned(), ours.to_owned());
    let names = Names::new(vec![
        pair("*", "any"),
        pair("acme/*", "ours"),
        pair("acme/shop", "shop"),
    ]);
    for (theirs, ours) in [("acme/shop", "shop"), ("acme/blog", "ours"), ("x", "any")] {
        assert_eq!(names.find(theirs).as_deref(), Some(ours));
    }
}

#[test]
fn a_star_in_our_name_is_what_theirs_stands_for() {
    let pair = |theirs: &str, ours: &str| (theirs.to_owned(), ours.to_owned());
    let names = Names::new(vec![
        pair("*-production", "*@production"),
        pair("acme/legacy-production", "shop@staging"),
        pair("web-*-?", "web*.example.org"),
    ]);
    for (theirs, ours) in [
        ("shop-production", "shop@production"),
        ("acme/legacy-production", "shop@staging"),
        ("web-17-a", "web17.example.org"),
    ] {
        assert_eq!(names.find(theirs).as_deref(), Some(ours));
    }
    assert_eq!(names.find("shop"), None);
    // What it stands for has to be an app of that place, as what is written out.
    let source = Source {
        app: names,
        ..Source::plain(Kind::Jenkins)
    };
    let fit = |theirs: &str| {
        let mut told = Told::new("1", Phase::Started);
        told.apps = vec![theirs.to_owned()];
        match site().fit(&source, told, Timestamp::default()) {
            Fit::Event(event) => event.app.unwrap_or_default(),
            Fit::Unmatched(unmatched) => unmatched.remedy,
            Fit::Passed(why) => why,
        }
    };
    assert_eq!(fit("shop-production"), "shop");
    for odd in ["lint-production", "-production", "shop@x-production"] {
        assert!(fit(odd).starts_with("declare the app: "), "{odd}");
    }
}

#[test]
fn what_fits_no_app_says_what_to_write() {
    let site = site();
    let source = Source {
        ignore: vec!["acme/docs*".into()],
        ..Source::plain(Kind::GitHub)
    };
    let fit = |app: &str, environment: Option<&str>| {
        let mut told = Told::new("1", Phase::Started);
        told.apps = vec![app.to_owned()];
        told.environment = environment.map(str::to_owned);
        match site.fit(&source, told, Timestamp::default()) {
            Fit::Event(event) => format!(
                "{}@{}",
                event.app.unwrap_or_default(),
                event.environment.unwrap_or_default()
            ),
            Fit::Unmatched(one) => one.remedy,
            Fit::Passed(why) => why,
        }
    };
    assert_eq!(fit("shop", None), "shop@production");
    assert_eq!(fit("shop", Some("Production")), "shop@production");
    assert_eq!(
        fit("serach", None),
        "[deploys.source.github] app = { \"serach\" = \"search\" }"
    );
    assert_eq!(
        fit("acme/docs-x", None),
        "`acme/docs-x` is in `ignore` of github"
    );
    assert!(fit("search", None).contains("default_environment = \"ENVIRONMENT\""));
    assert!(fit("shop", Some("eu\"1")).contains("environment = { \"eu\\\"1\" = \"ENVIRONMENT\" }"));
}

#[test]
fn a_key_that_is_too_long_still_tells_two_deploys_apart() {
    let site = site();
    let source = Source::plain(Kind::GitHub);
    let id = |end: &str| {
        let mut told = Told::new(format!("{}{end}", "x".repeat(199)), Phase::Started);
        told.apps = vec!["shop".into()];
        match site.fit(&source, told, Timestamp::default()) {
            Fit::Event(event) => event.id,
            other => panic!("{other:?}"),
        }
    };
    assert!(id("1").len() <= value::NAME_MAX);
    assert_ne!(id("1"), id("2"));
}

/// Whatever comes in, what goes on is bounded and harmless.
fn harmless(kind: Kind, headers: &Headers, body: &[u8], site: &Feeds) {
    let Ok(reading) = read(kind, headers, body) else {
        return;
    };
    assert!(reading.told.len() <= EVENTS_MAX);
    let plain = |text: &str, most: usize| {
        assert!(
            text.len() <= most && !text.contains(char::is_control),
            "{text:?}"
        );
    };
    if let Some(delivery) = &reading.delivery {
        plain(delivery, value::NAME_MAX);
    }
    if let Some(why) = &reading.nothing {
        plain(why, 2 * value::NAME_MAX + 300);
    }
    let source = site.find(kind.name()).expect("it is there");
    for told in reading.told {
        assert!(told.hosts.len() <= value::HOSTS_MAX && told.actors.len() <= value::ACTORS_MAX + 1);
        match site.fit(&source, told, Timestamp::from_secs(1_790_000_000)) {
            Fit::Event(event) => {
                plain(&event.id, value::NAME_MAX);
                let names = [
                    &event.app,
                    &event.environment,
                    &event.version,
                    &event.rollback_of,
                ];
                for text in names
                    .into_iter()
                    .flatten()
                    .chain(&event.hosts)
                    .chain(&event.actors)
                {
                    plain(text, value::NAME_MAX);
                }
                event.url.iter().for_each(|url| plain(url, value::URL_MAX));
                event
                    .reason
                    .iter()
                    .for_each(|why| plain(why, value::PROSE_MAX));
                assert!(
                    (0..=253_402_300_799).contains(&event.at.secs()),
                    "{event:?}"
                );
            }
            Fit::Unmatched(one) => {
                plain(&one.app, value::NAME_MAX);
                plain(&one.remedy, 5 * value::NAME_MAX);
            }
            Fit::Passed(why) => plain(&why, 5 * value::NAME_MAX),
        }
    }
}

/// A value of any shape, in the place of another.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        Just(Value::from("\u{1b}]0;x\u{7}\r\n\0")),
        (0..3000_usize).prop_map(|long| Value::from("é".repeat(long))),
    ];
    leaf.prop_recursive(3, 20, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-z.]{0,8}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Puts `new` at the place that `pick` chooses.
fn mutate(value: &mut Value, pick: &mut impl Iterator<Item = usize>, new: Value) {
    let step = pick.next().unwrap_or(0);
    match value {
        Value::Object(map) if !map.is_empty() && !step.is_multiple_of(7) => {
            let at = step % map.len();
            if let Some(inner) = map.values_mut().nth(at) {
                mutate(inner, pick, new);
            }
        }
        Value::Array(list) if !list.is_empty() && !step.is_multiple_of(7) => {
            let at = step % list.len();
            mutate(&mut list[at], pick, new);
        }
        other => *other = new,
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_fall_over(body in prop::collection::vec(any::<u8>(), 0..400), text in "\\PC{0,200}") {
        let site = site();
        let headers: Headers = [("ce-type", text.as_str()), ("ce-id", "\u{7}"), ("x-github-delivery", &text)].into_iter().collect();
        for kind in Kind::ALL {
            harmless(kind, &headers, &body, &site);
            harmless(kind, &headers, text.as_bytes(), &site);
            let _ = prove(kind, &Secret::new("s"), &headers, &body);
        }
        let _ = guess(&headers, &body);
    }

    #[test]
    fn no_change_of_a_real_payload_makes_a_reader_fall_over(
        which in any::<prop::sample::Index>(), new in any_value(),
        steps in prop::collection::vec(1..1000_usize, 0..8), cut in any::<prop::sample::Index>(),
    ) {
        let site = site();
        let all = fixtures();
        let (kind, path) = which.get(&all);
        let (text, headers) = (fs::read(path).expect("readable"), headers_of(path));
        harmless(*kind, &headers, &text[..cut.index(text.len())], &site);
        let mut stream = serde_json::Deserializer::from_slice(&text).into_iter::<Value>();
        if let Some(Ok(mut value)) = stream.next() {
            mutate(&mut value, &mut steps.into_iter(), new);
            let body = value.to_string();
            for other in [*kind, guess(&headers, body.as_bytes()).unwrap_or(Kind::Otlp)] {
                harmless(other, &headers, body.as_bytes(), &site);
            }
            let _ = Asked::about(&value);
        }
    }
}

#[test]
fn a_run_that_was_skipped_or_superseded_never_began() {
    let github = |conclusion: &str| {
        let run = r#""id":7,"status":"completed","run_started_at":"2026-03-02T10:00:00Z","updated_at":"2026-03-02T10:05:00Z""#;
        format!(r#"{{"workflow_run":{{{run},"conclusion":"{conclusion}"}}}}"#)
    };
    let jenkins = |status: &str| {
        let build = r#""number":7,"phase":"COMPLETED","duration":5000,"timestamp":1772445600000"#;
        format!(r#"{{"name":"deploy-shop","build":{{{build},"status":"{status}"}}}}"#)
    };
    for (kind, event, body, phases) in [
        (
            Kind::GitHub,
            "workflow_run",
            github("success"),
            &[Phase::Started, Phase::Finished][..],
        ),
        (
            Kind::GitHub,
            "workflow_run",
            github("skipped"),
            &[Phase::Cancelled],
        ),
        // One that ran was told of as `in_progress`.
        (
            Kind::GitHub,
            "workflow_run",
            github("cancelled"),
            &[Phase::Cancelled],
        ),
        (
            Kind::Jenkins,
            "",
            jenkins("ABORTED"),
            &[Phase::Started, Phase::Cancelled],
        ),
        (Kind::Jenkins, "", jenkins("NOT_BUILT"), &[Phase::Cancelled]),
    ] {
        let mut headers = Headers::default();
        headers.add("x-github-event", event);
        let read = read(kind, &headers, body.as_bytes()).expect("it is read");
        let found: Vec<Phase> = read.told.iter().map(|told| told.phase).collect();
        assert_eq!(found, phases, "{body}");
    }
}
