//! `deploy record FILE`: a saved payload of a tool, to the daemon or only looked at.

use std::{
    io::Read,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use super::{
    args::{ConfigArg, DeployRecordArgs, Format},
    client::{Client, need_config},
    commands::print_reply,
    out::{Done, Failure, clean, print, print_json},
};
use crate::{
    base::time::Timestamp,
    config::{self, Secrets},
    domain::{
        feeds::{self, BODY_MAX, Feeds, Fit, Headers, Kind},
        model::deploy::DeployEvent,
    },
};

/// Headers that belong to the way a payload came, not to what it says; also those that let somebody in.
const NOT_PASSED_ON: [&str; 8] = [
    "authorization",
    "connection",
    "content-length",
    "expect",
    "host",
    "origin",
    "proxy-authorization",
    "transfer-encoding",
];

pub async fn record(args: DeployRecordArgs) -> Done {
    let bytes = read(&args)?;
    let (mut headers, body) = split(&bytes);
    for header in &args.headers {
        let (name, value) = header.split_once(':').ok_or_else(|| {
            Failure::Usage(format!(
                "--header {header} is not of the form `NAME: VALUE`"
            ))
        })?;
        headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    let known: Headers = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let source = match args.source {
        Some(source) => source,
        None => feeds::guess(&known, body)
            .map(|kind| kind.name().to_owned())
            .ok_or_else(|| {
                Failure::Usage(format!(
                    "whose payload is this? say --source: a source of the configuration, or one of {}",
                    Kind::NAMES.join(", ")
                ))
            })?,
    };
    if args.dry_run {
        return look(
            &source,
            &known,
            body,
            &args.client.config,
            args.format.output,
        );
    }
    headers.retain(|(name, _)| !NOT_PASSED_ON.contains(&name.to_ascii_lowercase().as_str()));
    let answer = Client::new(&args.client)?
        .post_raw(&["deploys", "record", &source], &headers, body.to_vec())
        .await?;
    print_reply(&answer, args.format)?;
    Ok(0)
}

fn read(args: &DeployRecordArgs) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let limit = BODY_MAX as u64 + 64 * 1024;
    let done = if args.file.as_os_str() == "-" {
        std::io::stdin().take(limit).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(&args.file).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    done.map_err(|error| Failure::Usage(format!("cannot read {}: {error}", args.file.display())))?;
    Ok(bytes)
}

/// Header lines and an empty line before the body, if the file begins with such.
fn split(bytes: &[u8]) -> (Vec<(String, String)>, &[u8]) {
    let mut headers = Vec::new();
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(&rest[..end]);
        let line = line.trim_end();
        rest = &rest[end + 1..];
        if line.is_empty() && !headers.is_empty() {
            return (headers, rest);
        }
        match line.split_once(':') {
            Some((name, value))
                if !name.is_empty()
                    && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') =>
            {
                headers.push((name.to_owned(), value.trim().to_owned()));
            }
            _ => break,
        }
    }
    (Vec::new(), bytes)
}

/// What the configuration makes of it.
fn look(source: &str, headers: &Headers, body: &[u8], config: &ConfigArg, format: Format) -> Done {
    let path = need_config(config)?;
    let loaded = config::load_with(&path, Secrets::Skip)
        .map_err(|faults| Failure::Usage(faults.render(false)))?;
    let feeds = Feeds::new(loaded.settings.feeds.sources, &loaded.inventory);
    let source = feeds.meant(source).ok_or_else(|| {
        Failure::Usage(format!(
            "`{source}` is no source, or several are of that kind"
        ))
    })?;
    let reading = feeds::read(source.kind, headers, body).map_err(Failure::Refused)?;
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = Timestamp::from_secs(i64::try_from(since.as_secs()).unwrap_or(0));
    let (mut events, mut unmatched, mut passed) = (Vec::new(), Vec::new(), Vec::new());
    passed.extend(reading.nothing);
    for told in reading.told {
        match feeds.fit(&source, told, now) {
            Fit::Event(event) => events.push(*event),
            Fit::Unmatched(one) => unmatched.push(*one),
            Fit::Passed(why) => passed.push(why),
        }
    }
    let code = u8::from(!unmatched.is_empty());
    if format == Format::Json {
        let events: Vec<Value> = events.iter().map(shown).collect();
        let all = json!({ "source": source.name, "events": events, "unmatched": unmatched, "passed": passed });
        print_json(&all)?;
        return Ok(code);
    }
    let mut lines: Vec<String> = events.iter().map(line).collect();
    lines.extend(
        unmatched
            .iter()
            .map(|one| format!("{} fits no app: {}", one.app, one.remedy)),
    );
    lines.extend(passed.iter().map(|why| format!("nothing to record: {why}")));
    let text: String = lines
        .iter()
        .map(|line| format!("{}\n", clean(line)))
        .collect();
    print(&text)?;
    Ok(code)
}

fn shown(event: &DeployEvent) -> Value {
    let mut value = json!(event);
    value["at"] = event.at.to_string().into();
    value["received"] = event.received.to_string().into();
    value
}

fn line(event: &DeployEvent) -> String {
    let facts = [
        ("version", event.version.clone()),
        ("hosts", Some(event.hosts.join(", "))),
        ("by", Some(event.actors.join(", "))),
        ("", event.url.clone()),
    ];
    let facts = facts
        .into_iter()
        .filter_map(|(name, fact)| Some((name, fact.filter(|fact| !fact.is_empty())?)));
    let facts: String = facts
        .map(|(name, fact)| format!(", {name} {fact}").replace("  ", " "))
        .collect();
    format!(
        "{} {} at {}: {} in {}{facts}",
        event.id,
        event.phase.name(),
        event.at,
        event.app.as_deref().unwrap_or("(the app it is known by)"),
        event.environment.as_deref().unwrap_or("(its environment)"),
    )
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn headers_may_stand_before_the_body() {
        let (headers, body) = split(b"X-GitHub-Event: push\r\nce-id: 1\n\n{\"a\":\n\n1}");
        assert_eq!(headers.len(), 2);
        assert_eq!(body, b"{\"a\":\n\n1}");
        for whole in [
            &b"{\"a\": 1,\n\n\"b\": 2}"[..],
            b"2026-05-15 15:24:10|PROD|ann\n\n",
            b"",
            b"a: 1\nno more",
        ] {
            assert_eq!(split(whole), (Vec::new(), whole));
        }
    }
}
