//! Texts of mails from templates: built-in ones that always work, and the site's own in their place.
//!
//! A template sees the webhook's body (`kind`, `host`, `check`, `state`, `output`, `deploy.suspects`, ...), free of control
//! characters, and ready-made words: `subject`, `headline`, `about_deploy`, `object`, `when`, `since_words`, `since_label`, `deploy_title`,
//! `suspects` (each with `id`, `what`, `strength_note`, `url`, `href`, `evidence`), `links` and `answers` (each `text`, `href`), `colour`,
//! `reply_with` (what a reply may say; nothing where none is taken), `public_url`, `contact` (`name`, `alias`). Filters beyond minijinja's: `wrap(indent)` and `bullet`, both 72 wide.

use std::collections::BTreeMap;

use minijinja::{
    AutoEscape, Environment, Error, UndefinedBehavior, Value, default_auto_escape_callback,
    syntax::SyntaxConfig, value::Serde,
};
use serde_json::json;

use super::{
    offers::{MailOffer, Offered},
    settings::ContactInfo,
    webhook, words,
};
use crate::{
    base::{text::did_you_mean, time::Timestamp},
    domain::model::{
        deploy::{Attribution, Strength, Suspect, Verdict},
        message::{Kind, Message, Urgency},
    },
};

/// Templates a site may replace, with the built-in text of each.
pub const NAMES: [(&str, &str); 3] = [
    ("subject.txt", include_str!("templates/subject.txt")),
    ("email.txt", include_str!("templates/email.txt")),
    ("email.html", include_str!("templates/email.html")),
];

/// Steps a template may take: a loop without end in a site's template must end.
const FUEL: u64 = 100_000;
/// Longest rendered text, in bytes: fuel bounds steps, not what a step prints.
const MAX_RENDERED: usize = 256 * 1024;
/// Width of text mails, in characters.
const WIDTH: usize = 72;

/// The compiled templates.
pub struct Templates {
    built_in: Environment<'static>,
    site: Environment<'static>,
}

impl Templates {
    /// Compiles the site's templates and tries each one on sample messages: a broken one is refused now, not at night.
    pub fn new(overrides: &BTreeMap<String, String>) -> Result<Self, String> {
        let mut built_in = environment(UndefinedBehavior::Lenient);
        for (name, text) in NAMES {
            built_in
                .add_template(name, text)
                .map_err(|error| broken(name, &error))?;
        }
        let mut site = environment(UndefinedBehavior::SemiStrict);
        for (name, text) in overrides {
            known(name)?;
            site.add_template_owned(name.clone(), text.clone())
                .map_err(|error| broken(name, &error))?;
        }
        let templates = Self { built_in, site };
        for name in overrides.keys() {
            for message in samples() {
                let contact = ContactInfo {
                    name: "oncall".to_owned(),
                    ..ContactInfo::default()
                };
                let offer = MailOffer {
                    links: vec![Offered {
                        text: "Acknowledge".to_owned(),
                        href: "https://watch.example.org/v1/answers/link/x".to_owned(),
                    }],
                    reply: None,
                };
                let url = Some("https://watch.example.org");
                let context = context(&message, &contact, url, &offer);
                render(&templates.site, name, &context).map_err(|error| broken(name, &error))?;
            }
        }
        Ok(templates)
    }

    /// Renders a template; should the site's own fail on this message, the built-in one takes its place and the error is
    /// the second value. A page is never lost over a template.
    pub fn render(&self, name: &str, context: &Value) -> (String, Option<String>) {
        let own = match render(&self.site, name, context) {
            Ok(text) => return (text, None),
            Err(error) if error.kind() == minijinja::ErrorKind::TemplateNotFound => None,
            Err(error) => Some(broken(name, &error)),
        };
        match render(&self.built_in, name, context) {
            Ok(text) => (text, own),
            // Tests render every built-in template; this keeps even a mistake there from losing the page.
            Err(error) => {
                let subject = context
                    .get_attr("subject")
                    .map(|value| value.to_string())
                    .unwrap_or_default();
                (subject, Some(broken(name, &error)))
            }
        }
    }
}

fn environment(undefined: UndefinedBehavior) -> Environment<'static> {
    let mut environment = Environment::new();
    // Lines that hold only a tag leave no empty line behind.
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build();
    environment.set_syntax(syntax.expect("the usual delimiters are valid"));
    environment.set_undefined_behavior(undefined);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(50);
    environment.set_auto_escape_callback(|name| {
        if name.ends_with(".html") {
            AutoEscape::Html
        } else {
            default_auto_escape_callback(name)
        }
    });
    environment.add_filter("wrap", |text: String, indent: Option<usize>| {
        words::wrap(&text, WIDTH, indent.unwrap_or(0).min(WIDTH / 2))
    });
    environment.add_filter("bullet", |text: String| {
        format!("  {}", words::wrap(text.trim(), WIDTH - 2, 4))
    });
    environment
}

fn render(environment: &Environment<'_>, name: &str, context: &Value) -> Result<String, Error> {
    let text = environment.get_template(name)?.render(context)?;
    if text.len() <= MAX_RENDERED {
        return Ok(text);
    }
    let why = format!(
        "it made a text of {} bytes, more than {MAX_RENDERED}",
        text.len()
    );
    Err(Error::new(minijinja::ErrorKind::InvalidOperation, why))
}

fn known(name: &str) -> Result<(), String> {
    if NAMES.iter().any(|(known, _)| *known == name) {
        return Ok(());
    }
    let names: Vec<&str> = NAMES.iter().map(|(known, _)| *known).collect();
    let hint = did_you_mean(name, names.iter().copied())
        .map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    Err(format!(
        "there is no template `{}`{hint} Templates are: {}",
        words::line(name),
        names.join(", ")
    ))
}

fn broken(name: &str, error: &Error) -> String {
    let place = error
        .line()
        .map_or(String::new(), |line| format!(", line {line}"));
    let detail = error.detail().map_or_else(
        || error.kind().to_string(),
        |detail| format!("{}: {detail}", error.kind()),
    );
    format!(
        "template `{name}`{place} does not work: {}",
        words::line(&detail)
    )
}

/// What a template sees: the webhook's body, cleaned of control characters, and ready-made words.
pub fn context(
    message: &Message,
    contact: &ContactInfo,
    public_url: Option<&str>,
    offer: &MailOffer,
) -> Value {
    let message = words::clean(message);
    let mut value = webhook::body(&message);
    let plain = words::about_deploy(&message);
    let suspects: Vec<_> = message
        .deploy
        .suspects
        .iter()
        .map(|suspect| {
            let note = if plain {
                String::new()
            } else {
                format!(" ({})", words::strength_name(suspect.strength))
            };
            json!({
                "id": suspect.id,
                "what": words::deploy_what(suspect),
                "strength_note": note,
                "url": suspect.url,
                "href": suspect.url.as_deref().and_then(words::safe_link),
                "evidence": suspect.evidence,
            })
        })
        .collect();
    value["about_deploy"] = plain.into();
    value["subject"] = words::subject(&message).into();
    value["headline"] = words::headline(&message).into();
    value["object"] = message.object().into();
    value["when"] = words::when(message.at).into();
    value["since_words"] = message
        .since
        .map(|began| words::since(began, message.at))
        .into();
    value["deploy_title"] = words::deploy_title(&message).into();
    value["suspects"] = suspects.into();
    value["since_label"] = if message.kind == Kind::Recovery {
        "Failed"
    } else {
        "Since"
    }
    .into();
    // A deploy's address stands beside the deploy.
    let others = Message {
        deploy: Attribution::default(),
        ..message.clone()
    };
    value["links"] = webhook::links(&others, public_url);
    let with = offer.reply.as_ref().and_then(|it| it.with.as_deref());
    value["reply_with"] = with.map(words::line).into();
    value["answers"] = offer
        .links
        .iter()
        .map(|it| json!({"text": words::line(&it.text), "href": it.href}))
        .collect();
    value["public_url"] = public_url.into();
    value["colour"] = colour(if plain { "" } else { &message.state }).into();
    value["contact"] =
        json!({"name": words::line(&contact.name), "alias": words::line(&contact.alias)});
    Value::from(Serde(value))
}

fn colour(state: &str) -> &'static str {
    match state {
        "OK" | "UP" => "#2e8b57",
        "WARNING" => "#daa038",
        "CRITICAL" | "DOWN" => "#cc0000",
        _ => "#6b5fbf",
    }
}

/// Messages with everything and with next to nothing, to try templates on.
fn samples() -> [Message; 2] {
    let suspect = Suspect {
        id: "D-417".to_owned(),
        app: "shop".to_owned(),
        environment: "production".to_owned(),
        version: Some("1.4.2".to_owned()),
        actors: vec!["ann".to_owned()],
        url: Some("https://ci.example.org/417".to_owned()),
        strength: Strength::Likely,
        relation: "exact".to_owned(),
        evidence: vec!["began 40s after web1 was deployed".to_owned()],
    };
    let full = Message {
        kind: Kind::Problem,
        urgency: Urgency::High,
        reason: "hard CRITICAL after 3 of 3 attempts".to_owned(),
        dedup_key: "web1/http#1".to_owned(),
        at: Timestamp::from_secs(1_772_445_960),
        host: "web1".to_owned(),
        address: "192.0.2.1".to_owned(),
        check: Some("http".to_owned()),
        state: "CRITICAL".to_owned(),
        state_type: "HARD".to_owned(),
        attempt: 3,
        max_attempts: 3,
        output: "HTTP CRITICAL - 502 Bad Gateway".to_owned(),
        long_output: "line 2\nline 3".to_owned(),
        perfdata: "time=3s".to_owned(),
        since: Some(Timestamp::from_secs(1_772_445_900)),
        number: 1,
        escalated: false,
        deploy: Attribution {
            verdict: Verdict::Suspect,
            suspects: vec![suspect],
            ruled_out: Vec::new(),
        },
        author: Some("ann".to_owned()),
        comment: Some("on it".to_owned()),
        notes: Some("Look at the proxy first.".to_owned()),
        notes_url: Some("https://wiki.example.org/http".to_owned()),
        lines: vec!["web2/http blipped for 20s".to_owned()],
        macros: BTreeMap::new(),
    };
    let bare = Message {
        kind: Kind::Recovery,
        check: None,
        state: "UP".to_owned(),
        output: String::new(),
        long_output: String::new(),
        perfdata: String::new(),
        since: None,
        deploy: Attribution::default(),
        author: None,
        comment: None,
        notes: None,
        notes_url: None,
        lines: Vec::new(),
        ..full.clone()
    };
    [full, bare]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, text: &str) -> Result<Templates, String> {
        Templates::new(&BTreeMap::from([(name.to_owned(), text.to_owned())]))
    }

    fn refused(name: &str, text: &str) -> String {
        with(name, text).err().expect("refused")
    }

    #[test]
    fn a_broken_template_is_refused_when_loaded() {
        let why = refused("email.txt", "line\n{% if output %}");
        assert!(
            why.starts_with("template `email.txt`, line 2 does not work: syntax error"),
            "{why}"
        );
        let why = refused("email.txt", "{{ outptu }}");
        assert!(why.contains("undefined"), "{why}");
        let why = refused(
            "email.txt",
            "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
        );
        assert!(why.contains("fuel"), "{why}");
        let why = refused("email.text", "x");
        assert!(why.contains("did you mean `email.txt`"), "{why}");
    }

    #[test]
    fn a_template_that_fails_at_night_does_not_lose_the_page() {
        let templates = with(
            "subject.txt",
            "{% if number == 7 %}{{ 1 // 0 }}{% endif %}mine {{ object }}",
        )
        .expect("good");
        let mut message = samples()[0].clone();
        let contact = ContactInfo::default();
        let (text, error) = templates.render(
            "subject.txt",
            &context(&message, &contact, None, &MailOffer::default()),
        );
        assert_eq!((text.as_str(), error), ("mine web1/http", None));
        message.number = 7;
        let (text, error) = templates.render(
            "subject.txt",
            &context(&message, &contact, None, &MailOffer::default()),
        );
        assert!(text.starts_with("CRITICAL web1/http"), "{text}");
        assert!(error.expect("told").contains("`subject.txt`"));
    }

    #[test]
    fn html_is_escaped() {
        let templates = Templates::new(&BTreeMap::new()).expect("built in");
        let mut message = samples()[0].clone();
        message.output = "<script>alert('x')</script>".to_owned();
        message.deploy.suspects[0].url = Some("javascript:alert(1)".to_owned());
        let (text, error) = templates.render(
            "email.html",
            &context(
                &message,
                &ContactInfo::default(),
                None,
                &MailOffer::default(),
            ),
        );
        assert_eq!(error, None);
        assert!(
            !text.contains("<script>") && text.contains("&lt;script&gt;"),
            "{text}"
        );
        assert!(!text.contains("javascript:"), "{text}");
    }
}
