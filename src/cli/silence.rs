//! `silence`: nobody is told of some things for a time.

use serde_json::json;

use super::{
    args::{ExtendArgs, Format, IdArgs, SilenceArgs, SilenceCommand},
    client::Client,
    commands::command_as,
    out::{Done, clean, count, print, print_json},
};
use crate::domain::engine::silences::{HitView, SilenceStory, SilenceView};

pub async fn silence(command: SilenceCommand) -> Done {
    match command {
        SilenceCommand::Add(args) => add(args).await,
        SilenceCommand::Extend(ExtendArgs { id, end, who }) => {
            let body = json!({ "id": id, "duration": end.span, "until": end.until });
            command_as(&["silences", "move"], who, body).await
        }
        SilenceCommand::End(IdArgs { id, who }) => {
            command_as(&["silences", "end"], who, json!({ "id": id })).await
        }
        SilenceCommand::List { client, format } => {
            let list: Vec<SilenceView> = Client::new(&client)?.get(&["silences"], "").await?;
            match format.output {
                Format::Json => print_json(&list)?,
                Format::Text if list.is_empty() => print("no silence is set\n")?,
                Format::Text => print(&list.iter().map(line).collect::<String>())?,
            }
            Ok(0)
        }
        SilenceCommand::Show { id, client, format } => {
            let id = id.to_string();
            let story: SilenceStory = Client::new(&client)?.get(&["silences", &id], "").await?;
            match format.output {
                Format::Json => print_json(&story)?,
                Format::Text => print(&told(&story))?,
            }
            Ok(0)
        }
        SilenceCommand::Preview {
            terms,
            client,
            format,
        } => {
            let query = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(terms.iter().map(|term| ("match", term)))
                .finish();
            let path = ["silences", "preview"];
            let view: HitView = Client::new(&client)?.get(&path, &query).await?;
            match format.output {
                Format::Json => print_json(&view)?,
                Format::Text => print(&hits(&view))?,
            }
            Ok(0)
        }
    }
}

async fn add(args: SilenceArgs) -> Done {
    let body = json!({
        "match": args.terms,
        "states": (!args.states.is_empty()).then_some(args.states),
        "duration": args.end.span,
        "until": args.end.until,
        "from": args.starts,
        "wide": args.wide.then_some(true),
        "owner": args.owner,
        "reason": args.reason,
    });
    command_as(&["silences"], args.who, body).await
}

/// `#17  host=web* check=disk*  until 2026-03-02T12:00:00Z  ann: replacing disks`
pub fn line(silence: &SilenceView) -> String {
    let states = match &*silence.states {
        "" => String::new(),
        states => format!(" ({states})"),
    };
    let from = match silence.in_force {
        true => String::new(),
        false => format!(" from {}", silence.from),
    };
    let text = format!(
        "#{}  {}{states} {from} until {}  {}: {}",
        silence.id, silence.of, silence.until, silence.owner, silence.reason
    );
    format!("{}\n", clean(&text))
}

fn told(story: &SilenceStory) -> String {
    let mut text = line(&story.silence);
    text.push_str(&hits(&story.hits));
    text.push_str(&list("kept quiet so far", &story.kept));
    text
}

fn hits(view: &HitView) -> String {
    let mut text = format!(
        "{} hits {} and {}",
        clean(&view.of),
        count(view.hosts, "host"),
        count(view.checks, "check")
    );
    if view.wide {
        text.push_str(", which has to be meant (--wide)");
    }
    let all = view.hosts + view.checks;
    if 0 < all {
        let more = match all - view.names.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        text.push_str(&format!(": {}{more}", clean(&view.names.join(", "))));
    }
    text.push('\n');
    text.push_str(&list("broken now", &view.broken));
    text.push_str(&list("paged in the last day", &view.paged));
    text
}

fn list(title: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return format!("{title}: nothing\n");
    }
    lines.iter().fold(format!("{title}:\n"), |text, line| {
        format!("{text}    {}\n", clean(line))
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_silence_reads_well() {
        let story = SilenceStory {
            silence: SilenceView {
                id: 17,
                of: "host=web* check=disk*".into(),
                states: "warning".into(),
                from: "2026-03-02T10:00:00Z".into(),
                until: "2026-03-02T12:00:00Z".into(),
                owner: "ann".into(),
                reason: "replacing disks\u{1b}[31m".into(),
                in_force: true,
            },
            hits: HitView {
                of: "host=web* check=disk*".into(),
                checks: 3,
                names: vec!["web1/disk".into(), "web2/disk".into()],
                broken: vec!["web1/disk is CRITICAL since 10:05:00, paged".into()],
                ..HitView::default()
            },
            kept: vec!["web1/disk is CRITICAL since 10:05:00".into()],
        };
        expect![[r#"
            #17  host=web* check=disk* (warning)  until 2026-03-02T12:00:00Z  ann: replacing disks [31m
            host=web* check=disk* hits 0 hosts and 3 checks: web1/disk, web2/disk and 1 more
            broken now:
                web1/disk is CRITICAL since 10:05:00, paged
            paged in the last day: nothing
            kept quiet so far:
                web1/disk is CRITICAL since 10:05:00
        "#]].assert_eq(&told(&story));
    }
}
