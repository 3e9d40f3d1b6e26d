//! `status`: problems first, then what is held, then deploys.

use std::time::Duration;

use super::out::{Paint, clean, columns, count, fit};
use crate::{
    base::time::{Timestamp, show_duration},
    domain::{
        engine::view::{Counts, DeployView, HoldView, ProblemView, StatusView},
        feeds::Unmatched,
        model::deploy::Suspect,
    },
};

/// Widest line.
const WIDTH: usize = 100;
/// Widest name of an object in a column.
const NAME: usize = 36;
/// As wide as UNREACHABLE.
const STATE: usize = 11;

/// The picture as text; spans count from the daemon's clock, so that a skewed one here changes nothing.
pub fn render(view: &StatusView, paint: Paint) -> String {
    let now = Timestamp::parse(&view.at);
    let mut lines: Vec<String> = view
        .notices
        .iter()
        .map(|notice| paint.bold(&format!("! {}", clean(notice))))
        .collect();
    lines.push(headline(view));
    section(&mut lines, paint, "PROBLEMS", problems(view, now, paint));
    section(&mut lines, paint, "HELD", holds(&view.holds, now, paint));
    section(&mut lines, paint, "DEPLOYS", deploys(&view.deploys, now));
    section(
        &mut lines,
        paint,
        "UNMATCHED",
        unmatched(&view.unmatched, now),
    );
    let clocks = view.clocks.iter().map(|clock| clean(&clock.text));
    section(&mut lines, paint, "CLOCKS", clocks.collect());
    section(&mut lines, paint, "SILENCES", silences(view));
    section(&mut lines, paint, "DOWNTIMES", downtimes(view, now));
    lines.join("\n") + "\n"
}

fn section(lines: &mut Vec<String>, paint: Paint, title: &str, body: Vec<String>) {
    if !body.is_empty() {
        lines.push(String::new());
        lines.push(paint.bold(title));
        lines.extend(body);
    }
}

fn headline(view: &StatusView) -> String {
    let Counts {
        hosts,
        checks,
        pending,
        ..
    } = view.counts;
    let watched = format!("{} on {}", count(checks, "check"), count(hosts, "host"));
    let mut line = if view.problems.is_empty() && view.holds.is_empty() {
        format!("all quiet: {watched}")
    } else {
        format!(
            "{}, {} held: {watched}",
            count(view.problems.len(), "problem"),
            view.holds.len()
        )
    };
    if 0 < pending {
        line.push_str(&format!(" ({pending} not checked yet)"));
    }
    line
}

fn problems(view: &StatusView, now: Option<Timestamp>, paint: Paint) -> Vec<String> {
    let rows: Vec<Vec<String>> = view
        .problems
        .iter()
        .map(|problem| {
            vec![
                fit(&name(&problem.host, problem.check.as_deref()), NAME),
                format!("for {}", span(Some(&problem.since), now)),
                format!(
                    "{} {}/{}",
                    clean(&problem.state_type),
                    problem.attempt,
                    problem.max_attempts
                ),
                handling(problem, &view.holds, now),
            ]
        })
        .collect();
    let mut lines = Vec::new();
    for (problem, columns) in view.problems.iter().zip(columns(&rows)) {
        let columns = fit(&columns, WIDTH - STATE - 2);
        lines.push(format!("{}  {columns}", paint.state(&problem.state, STATE)));
        for text in details(problem) {
            lines.push(format!("{:STATE$}  {}", "", fit(&text, WIDTH - STATE - 2)));
        }
    }
    lines
}

fn details(problem: &ProblemView) -> Vec<String> {
    // People copy the name into other commands, so what the column cut stands here in full.
    let full = name(&problem.host, problem.check.as_deref());
    let full = (NAME < full.chars().count()).then_some(full);
    let output = (!problem.output.is_empty()).then(|| problem.output.clone());
    let suspects = problem.deploy.suspects.iter().map(suspect);
    full.into_iter()
        .chain(output)
        .chain(problem.reason.clone())
        .chain(suspects)
        .collect()
}

fn suspect(suspect: &Suspect) -> String {
    let mut text = format!(
        "suspect: deploy {} of {} ({})",
        suspect.id, suspect.app, suspect.environment
    );
    if let Some(version) = &suspect.version {
        text.push_str(&format!(" {version}"));
    }
    if !suspect.actors.is_empty() {
        text.push_str(&format!(" by {}", suspect.actors.join(", ")));
    }
    text
}

fn handling(problem: &ProblemView, holds: &[HoldView], now: Option<Timestamp>) -> String {
    let hold = holds
        .iter()
        .find(|hold| hold.host == problem.host && hold.check == problem.check);
    let mut words = vec![match hold {
        Some(hold) => format!("held, {} left", left(&hold.deadline, now)),
        None => clean(&problem.handling),
    }];
    if problem.acknowledged {
        words.push(match &problem.acknowledged_by {
            Some(who) => format!("acknowledged by {}", fit(who, 20)),
            None => "acknowledged".to_owned(),
        });
    }
    if problem.in_downtime {
        words.push("in downtime".to_owned());
    }
    // Where nobody was paged, that is the reason already.
    if problem.quiet.is_some() {
        words.push("kept quiet".to_owned());
    }
    if problem.flapping {
        words.push("flapping".to_owned());
    }
    words.retain(|word| !word.is_empty());
    words.join(", ")
}

fn holds(holds: &[HoldView], now: Option<Timestamp>, paint: Paint) -> Vec<String> {
    let row = |hold: &HoldView| {
        vec![
            fit(&name(&hold.host, hold.check.as_deref()), NAME),
            fit(&hold.deploy, 24),
            format!("paged in {} at the latest", left(&hold.deadline, now)),
        ]
    };
    let rows: Vec<_> = holds.iter().map(row).collect();
    let mut lines = Vec::new();
    for (hold, columns) in holds.iter().zip(columns(&rows)) {
        let columns = fit(&columns, WIDTH - STATE - 2);
        lines.push(format!("{}  {columns}", paint.state(&hold.state, STATE)));
        if !hold.why.is_empty() {
            lines.push(format!(
                "{:STATE$}  {}",
                "",
                fit(&hold.why, WIDTH - STATE - 2)
            ));
        }
    }
    lines
}

fn deploys(deploys: &[DeployView], now: Option<Timestamp>) -> Vec<String> {
    let row = |deploy: &DeployView| {
        let window = Some(clean(&deploy.window)).filter(|window| !window.is_empty());
        let phase = [
            Some(clean(&deploy.phase)),
            window.filter(|window| *window != deploy.phase),
        ];
        vec![
            fit(&deploy.id, 24),
            fit(&format!("{} ({})", deploy.app, deploy.environment), 32),
            fit(deploy.version.as_deref().unwrap_or("-"), 16),
            phase.into_iter().flatten().collect::<Vec<_>>().join(", "),
            format!("{} ago", span(Some(&deploy.started), now)),
            fit(&deploy.actors.join(", "), 20),
        ]
    };
    let rows: Vec<_> = deploys.iter().map(row).collect();
    let mut lines = Vec::new();
    for (deploy, columns) in deploys.iter().zip(columns(&rows)) {
        lines.push(fit(&columns, WIDTH));
        let conflict = deploy
            .conflict
            .then(|| "two different ends were told".to_owned());
        let unknown = deploy
            .unknown_app
            .then(|| format!("no app `{}` is configured", deploy.app));
        let verdict = deploy.verdict.as_ref().map(|verdict| {
            let why = deploy.verdict_why.first();
            why.map_or_else(|| verdict.clone(), |why| format!("{verdict}: {why}"))
        });
        let risk = (deploy.risk == "high" || deploy.risk == "low")
            .then(|| format!("risk {}: {}", deploy.risk, deploy.risk_why));
        for text in verdict
            .into_iter()
            .chain(deploy.shifts.iter().cloned())
            .chain(risk)
            .chain(conflict)
            .chain(unknown)
        {
            lines.push(format!("    {}", fit(&text, WIDTH - 4)));
        }
    }
    lines
}

/// What tools told of that fits no app. The remedy is not cut: it is there to be copied.
fn unmatched(unmatched: &[Unmatched], now: Option<Timestamp>) -> Vec<String> {
    let mut lines = Vec::new();
    for one in unmatched {
        let place = one.environment.as_deref().unwrap_or("-");
        let times = match one.count {
            0 | 1 => String::new(),
            more => format!(", {more} times"),
        };
        let line = format!(
            "{}: {} ({place}) {} {} ago{times}",
            one.source,
            one.app,
            one.phase,
            span(Some(&one.at), now)
        );
        lines.push(fit(&line, WIDTH));
        lines.push(format!("    {}", clean(&one.remedy)));
    }
    lines
}

fn silences(view: &StatusView) -> Vec<String> {
    let mutes = view.mutes.iter().map(|mute| format!("mute time {mute}"));
    view.silences
        .iter()
        .map(|silence| super::silence::line(silence).trim_end().to_owned())
        .chain(mutes)
        .map(|line| fit(&line, WIDTH))
        .collect()
}

fn downtimes(view: &StatusView, now: Option<Timestamp>) -> Vec<String> {
    let rows: Vec<Vec<String>> = view
        .downtimes
        .iter()
        .map(|downtime| {
            let begun = Timestamp::parse(&downtime.start)
                .zip(now)
                .is_none_or(|(start, now)| start <= now);
            let when = if begun {
                format!("{} left", left(&downtime.end, now))
            } else {
                format!("in {}", left(&downtime.start, now))
            };
            vec![
                format!("#{}", downtime.id),
                fit(&name(&downtime.host, downtime.check.as_deref()), NAME),
                when,
                fit(&downtime.author, 20),
                fit(&downtime.comment, WIDTH),
            ]
        })
        .collect();
    columns(&rows).iter().map(|line| fit(line, WIDTH)).collect()
}

fn name(host: &str, check: Option<&str>) -> String {
    check.map_or_else(|| host.to_owned(), |check| format!("{host}/{check}"))
}

/// How long ago `from` was.
fn span(from: Option<&str>, now: Option<Timestamp>) -> String {
    match from.and_then(Timestamp::parse).zip(now) {
        Some((from, now)) => short(now.since(from)),
        None => "?".to_owned(),
    }
}

/// How long until `deadline`.
fn left(deadline: &str, now: Option<Timestamp>) -> String {
    match Timestamp::parse(deadline).zip(now) {
        Some((deadline, now)) => short(deadline.since(now)),
        None => "?".to_owned(),
    }
}

/// The two largest units are enough to read: `3d4h`, `2h5m`, `3m12s`, `45s`.
fn short(span: Duration) -> String {
    let unit = match span.as_secs() {
        0..3600 => 1,
        3600..86_400 => 60,
        _ => 3600,
    };
    show_duration(Duration::from_secs(span.as_secs() / unit * unit))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::domain::{
        engine::view::DowntimeView,
        model::deploy::{Attribution, Strength, Verdict},
    };

    fn sample() -> StatusView {
        let blamed = Suspect {
            id: "D-417".into(),
            app: "shop".into(),
            environment: "production".into(),
            version: Some("1.4.2".into()),
            actors: vec!["ann".into(), "ben".into()],
            url: None,
            strength: Strength::Likely,
            relation: "exact".into(),
            evidence: vec![],
        };
        let problem = |host: &str, check: Option<&str>, state: &str| ProblemView {
            host: host.into(),
            check: check.map(Into::into),
            state: state.into(),
            state_type: "HARD".into(),
            attempt: 3,
            max_attempts: 3,
            since: "2026-03-02T10:05:00Z".into(),
            handling: "paged".into(),
            ..ProblemView::default()
        };
        StatusView {
            at: "2026-03-02T10:08:12Z".into(),
            counts: Counts {
                hosts: 12,
                checks: 80,
                pending: 2,
                ..Counts::default()
            },
            problems: vec![
                ProblemView {
                    output: "HTTP CRITICAL - 502\x1b[31m Bad Gateway ".to_owned()
                        + &"x".repeat(100),
                    reason: Some("hard CRITICAL after 3 of 3 attempts".into()),
                    deploy: Attribution {
                        verdict: Verdict::Suspect,
                        suspects: vec![blamed],
                        ruled_out: vec![],
                    },
                    ..problem("web1", Some("http"), "CRITICAL")
                },
                ProblemView {
                    state_type: "SOFT".into(),
                    attempt: 1,
                    since: "2026-02-27T06:00:00Z".into(),
                    handling: "held".into(),
                    flapping: true,
                    ..problem(
                        "database-with-a-long-name",
                        Some("replication lag"),
                        "WARNING",
                    )
                },
                ProblemView {
                    acknowledged: true,
                    acknowledged_by: Some("ann".into()),
                    handling: String::new(),
                    ..problem("switch1", None, "UNREACHABLE")
                },
            ],
            holds: vec![HoldView {
                host: "database-with-a-long-name".into(),
                check: Some("replication lag".into()),
                state: "WARNING".into(),
                deploy: "D-418".into(),
                deadline: "2026-03-02T10:10:00Z".into(),
                why: "D-418 restarts it now".into(),
                ..HoldView::default()
            }],
            deploys: vec![
                DeployView {
                    id: "D-417".into(),
                    app: "shop".into(),
                    environment: "production".into(),
                    phase: "finished".into(),
                    window: "baking".into(),
                    version: Some("1.4.2".into()),
                    actors: vec!["ann".into()],
                    started: "2026-03-02T09:00:00Z".into(),
                    ..DeployView::default()
                },
                DeployView {
                    id: "D-418".into(),
                    app: "db".into(),
                    environment: "production".into(),
                    phase: "started".into(),
                    window: "active".into(),
                    started: "2026-03-02T10:07:00Z".into(),
                    unknown_app: true,
                    ..DeployView::default()
                },
            ],
            downtimes: vec![DowntimeView {
                id: 4,
                host: "web9".into(),
                start: "2026-03-02T09:00:00Z".into(),
                end: "2026-03-02T12:00:00Z".into(),
                author: "ben".into(),
                comment: "new disk".into(),
                ..DowntimeView::default()
            }],
            ..StatusView::default()
        }
    }

    #[test]
    fn problems_come_first() {
        let text = render(&sample(), Paint(false));
        assert!(
            text.lines()
                .all(|line| line.chars().count() <= WIDTH && !line.contains('\x1b'))
        );
        expect![[r#"
            3 problems, 1 held: 80 checks on 12 hosts (2 not checked yet)

            PROBLEMS
            CRITICAL     web1/http                             for 3m12s  HARD 3/3  paged
                         HTTP CRITICAL - 502 [31m Bad Gateway xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...
                         hard CRITICAL after 3 of 3 attempts
                         suspect: deploy D-417 of shop (production) 1.4.2 by ann, ben
            WARNING      database-with-a-long-name/replica...  for 3d4h   SOFT 1/3  held, 1m48s left, flapping
                         database-with-a-long-name/replication lag
            UNREACHABLE  switch1                               for 3m12s  HARD 3/3  acknowledged by ann

            HELD
            WARNING      database-with-a-long-name/replica...  D-418  paged in 1m48s at the latest
                         D-418 restarts it now

            DEPLOYS
            D-417  shop (production)  1.4.2  finished, baking  1h8m ago   ann
            D-418  db (production)    -      started, active   1m12s ago
                no app `db` is configured

            DOWNTIMES
            #4  web9  1h51m left  ben  new disk
        "#]].assert_eq(&text);
    }

    #[test]
    fn quiet_is_one_line() {
        let counts = Counts {
            hosts: 12,
            checks: 80,
            ..Counts::default()
        };
        let view = StatusView {
            counts,
            ..StatusView::default()
        };
        assert_eq!(
            render(&view, Paint(true)),
            "all quiet: 80 checks on 12 hosts\n"
        );
    }

    #[test]
    fn colours_are_an_addition() {
        let painted = render(&sample(), Paint(true));
        assert!(painted.contains("\x1b[1;31mCRITICAL   \x1b[0m"));
        let bare = ["\x1b[1;31m", "\x1b[1;33m", "\x1b[32m", "\x1b[1m", "\x1b[0m"]
            .iter()
            .fold(painted, |text, code| text.replace(code, ""));
        assert_eq!(bare, render(&sample(), Paint(false)));
    }
}
