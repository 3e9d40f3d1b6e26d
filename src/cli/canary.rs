//! `canary`: a test through every channel, begun by hand, and what became of it.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{
    args::{CanaryArgs, Format},
    client::Client,
    out::{Done, Failure, clean, print, print_json},
    wait::failure,
};
use crate::domain::itself::canary::{Fate, Run};

/// The daemon says itself when it gives up; this is for one that hangs.
const LONGEST: Duration = Duration::from_secs(3600);
const LOOK_EVERY: Duration = Duration::from_millis(300);

pub async fn canary(args: CanaryArgs) -> Done {
    let client = Client::new(&args.client)?;
    if args.now {
        client
            .post(&["canary"], &json!({}))
            .await
            .map_err(failure)?;
    }
    let end = Instant::now() + LONGEST;
    let run = loop {
        let run: Option<Run> = client.get(&["canary"], "").await.map_err(failure)?;
        match run {
            Some(run) if !args.now || run.judged => break run,
            None => {
                return Err(Failure::Refused(
                    "no test was made since the daemon began; --now makes one".to_owned(),
                ));
            }
            Some(_) if end <= Instant::now() => {
                return Err(Failure::Refused(
                    "the test does not come to an end".to_owned(),
                ));
            }
            Some(_) => tokio::time::sleep(LOOK_EVERY).await,
        }
    };
    match args.format.output {
        Format::Json => print_json(&run)?,
        Format::Text => print(&render(&run))?,
    }
    let well = !run.ways.is_empty() && run.ways.iter().all(|way| way.fate == Fate::Sent);
    Ok(u8::from(!well))
}

fn render(run: &Run) -> String {
    let mut text = format!("a test of {}\n", run.began_at);
    let width = |of: fn(&crate::domain::itself::canary::Way) -> &String| {
        let lengths = run.ways.iter().map(|way| of(way).chars().count());
        lengths.max().unwrap_or_default()
    };
    let (contacts, channels) = (width(|way| &way.contact), width(|way| &way.channel));
    for way in &run.ways {
        let (contact, channel) = (clean(&way.contact), clean(&way.channel));
        let said = match way.fate {
            Fate::Sent => {
                let took = way.took_ms.unwrap_or_default() as f64 / 1000.0;
                format!("sent    after {took:.1} s")
            }
            Fate::Waiting => "waiting".to_owned(),
            Fate::Failed => "failed".to_owned(),
        };
        let why = way.why.as_ref().map(|why| format!("  {}", clean(why)));
        text += &format!(
            "{contact:contacts$}  {channel:channels$}  {said}{}\n",
            why.unwrap_or_default()
        );
    }
    if run.ways.is_empty() {
        text += "none of its contacts has a channel that takes it\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::{base::time::Timestamp, domain::itself::canary::Row};

    #[test]
    fn each_channel_has_its_line() {
        let began = Timestamp::from_secs(1_700_000_000);
        let ways = [("ann", "email"), ("bob", "webhook:2")];
        let ways = ways.map(|(who, way)| (who.to_owned(), way.to_owned()));
        let mut run = Run::new(began, ways);
        run.saw(&[
            Row {
                contact: "ann".to_owned(),
                channel: "email".to_owned(),
                sent_at: Some(began + Duration::from_millis(340)),
                given_up: false,
                last_error: None,
            },
            Row {
                contact: "bob".to_owned(),
                channel: "webhook:2".to_owned(),
                sent_at: None,
                given_up: true,
                last_error: Some("404 Not\u{1b}[1m Found".to_owned()),
            },
        ]);
        expect![[r#"
            a test of 2023-11-14T22:13:20Z
            ann  email      sent    after 0.3 s
            bob  webhook:2  failed  404 Not [1m Found
        "#]]
        .assert_eq(&render(&run));
    }
}
