//! The report in words and tables.

use std::fmt::{Display, Write as _};

use super::{
    report::Report,
    summary::{Interval, Row, Spans},
};

/// `93.1 % (91.0 to 94.8; 512 of 550)`.
pub fn share(found: Interval) -> String {
    let Some(share) = found.share else {
        return "–".to_owned();
    };
    let range = match (found.low, found.high) {
        (Some(low), Some(high)) => format!("{:.1} to {:.1}; ", 100.0 * low, 100.0 * high),
        _ => String::new(),
    };
    format!(
        "{:.1} % ({range}{} of {})",
        100.0 * share,
        found.count,
        found.of
    )
}

/// `93.1 (91.0–94.8)`, for tables in percent.
fn short(found: Interval) -> String {
    match (found.share, found.low, found.high) {
        (Some(share), Some(low), Some(high)) => format!(
            "{:.1} ({:.1}–{:.1})",
            100.0 * share,
            100.0 * low,
            100.0 * high
        ),
        (Some(share), ..) => format!("{:.1}", 100.0 * share),
        _ => "–".to_owned(),
    }
}

fn spans(found: Option<Spans>) -> String {
    found.map_or("–".to_owned(), |spans| {
        format!(
            "{:.0} / {:.0} / {:.0} / {:.0}",
            spans.p50, spans.p90, spans.p99, spans.max
        )
    })
}

/// Writing to a text that grows.
pub struct Page(String);

impl Page {
    fn line(&mut self, words: impl Display) {
        writeln!(self.0, "{words}").expect("writing to a String cannot fail");
    }

    fn row(&mut self, cells: &[String]) {
        self.line(format_args!("| {} |", cells.join(" | ")));
    }

    fn head(&mut self, cells: &[&str]) {
        self.line(format_args!("\n| {} |", cells.join(" | ")));
        self.line(format_args!("|{}", "---|".repeat(cells.len())));
    }
}

pub fn write(report: &Report) -> String {
    let mut page = Page(String::new());
    page.line(format_args!(
        "# Attribution, seeds {}: {:.0} virtual days, {} deploys",
        report.seeds, report.days, report.deploys
    ));
    if let Some(path) = &report.other_days {
        page.line(format_args!("\nOther days than the frozen ones: {path}."));
    }
    targets(&mut page, report);
    quiet(&mut page, report);
    names(&mut page, report);
    kinds(&mut page, report);
    calibration(&mut page, report);
    blips(&mut page, report);
    misses(&mut page, report);
    losing(&mut page, report);
    losses(&mut page, report);
    sweeps(&mut page, report);
    if !report.cost.is_empty() {
        page.line("\n## Cost");
        page.head(&["contender", "results", "CPU, ms for 1,000 results"]);
        for cost in &report.cost {
            page.row(&[
                cost.contender.clone(),
                cost.results.to_string(),
                format!("{:.2}", cost.ms_per_1000_results),
            ]);
        }
    }
    page.0
}

fn targets(page: &mut Page, report: &Report) {
    page.line("\n## Targets");
    page.head(&["target", "wanted", "found", ""]);
    for target in &report.targets {
        page.row(&[
            target.what.clone(),
            target.wanted.clone(),
            target.found.clone(),
            if target.met { "met" } else { "**missed**" }.to_owned(),
        ]);
    }
    if let Some(ours) = report.ours() {
        page.line(format_args!(
            "\nOf the blips that the decision table lets wait (told of before the page, under the right name, of a class that \
             holds them, over within the longest hold) {} were kept quiet. Where the deploy was told of before the page, under \
             the right name, recall@3 is {}.",
            share(ours.holdable_quiet),
            share(ours.known_among_three)
        ));
    }
    if let Some(counted) = &report.counted {
        let Interval { count, of, .. } = counted.row.suppressed;
        page.line(format_args!(
            "\nThe count of what was suppressed is over seeds {}, crowded days on which far more goes wrong: {count} of {of} \
             episodes. On those days {} of the blips were kept quiet, precision@1 is {}, recall@3 {}, wrong blame of one \
             suspect {}.",
            counted.seeds,
            share(counted.row.benign_quiet),
            share(counted.row.precision),
            share(counted.row.among_three),
            share(counted.row.blamed_one)
        ));
        if count == 0 && 0 < of {
            page.line(format_args!(
                "With none found, at 95 % confidence fewer than {:.1} in 100,000 are.",
                3e5 / of as f64
            ));
        }
    }
}

fn title(row: &Row) -> String {
    if row.tuned && matches!(row.family, "B1" | "B2" | "B4" | "B5") {
        format!("{} (best)", row.contender)
    } else {
        row.contender.clone()
    }
}

fn quiet(page: &mut Page, report: &Report) {
    page.line("\n## What is kept quiet, and what is lost");
    page.line(
        "\nLost: plain Nagios pages while the fault is bad; it stays bad beyond the longest hold and one retry; no page came \
         by then, by itself or with the update of one, and none that a host is down which stood for it to its end (where \
         plain Nagios took a change of an older problem for enough, the attempts come on top). Passed: it was over by then, and nobody was paged. Percent, with 95 % intervals over seeds; added delay in \
         seconds: median / 90 % / 99 % / most.",
    );
    page.head(&[
        "contender",
        "blips kept quiet",
        "lost",
        "of these late",
        "of",
        "passed",
        "of these in a digest",
        "added delay",
        "pages a deploy",
        "duplicates",
        "extra checks",
    ]);
    for row in &report.rows {
        // Attributors over the plain pages keep nothing quiet.
        if matches!(row.family, "B4" | "B5" | "B7" | "B8") {
            continue;
        }
        page.row(&[
            title(row),
            short(row.benign_quiet),
            row.suppressed.count.to_string(),
            row.late.to_string(),
            row.suppressed.of.to_string(),
            row.passed.of.to_string(),
            row.passed.count.to_string(),
            spans(row.delay),
            format!("{:.2}", row.pages_per_deploy),
            short(row.duplicates),
            row.extra_checks
                .map_or("–".to_owned(), |extra| format!("{:.1} %", 100.0 * extra)),
        ]);
    }
}

fn names(page: &mut Page, report: &Report) {
    page.line("\n## Who is named");
    page.line(
        "\nPrecision and recall are of what deploys broke (T2 to T6), recall of the first page; wrong blame is of U1 to U5; \
         abstention is of faults of deploys that nobody told of. Each problem counts that a page told of, or an update of \
         one: where nothing is gathered, each has a page. Time to the right name counts from the first page, in \
         seconds: median / 90 % / 99 % / most.",
    );
    page.head(&[
        "contender",
        "precision@1",
        "recall@1",
        "recall@3",
        "after amendments",
        "wrong blame: one suspect",
        "any verdict",
        "abstention",
        "Brier",
        "to the right name",
    ]);
    for row in report.rows.iter().filter(|row| row.attributes) {
        page.row(&[
            title(row),
            short(row.precision),
            short(row.first),
            short(row.among_three),
            short(row.last),
            short(row.blamed_one),
            short(row.blamed),
            short(row.abstained),
            row.brier.map_or("–".to_owned(), |off| format!("{off:.3}")),
            spans(row.to_right),
        ]);
    }
}

fn kinds(page: &mut Page, report: &Report) {
    let Some(ours) = report.ours() else { return };
    page.line("\n## Ours, by truth type");
    page.head(&[
        "truth",
        "episodes",
        "must page",
        "lost",
        "late",
        "added delay",
        "pages",
        "duplicates",
        "precision@1",
        "recall@1",
        "recall@3",
        "after amendments",
        "wrong blame: one suspect",
        "any verdict",
    ]);
    for kind in &ours.kinds {
        page.row(&[
            kind.kind.words().to_owned(),
            kind.episodes.to_string(),
            kind.suppressed.of.to_string(),
            kind.suppressed.count.to_string(),
            kind.late.to_string(),
            spans(kind.delay),
            kind.pages.to_string(),
            kind.duplicates.to_string(),
            short(kind.precision),
            short(kind.first),
            short(kind.among_three),
            short(kind.last),
            short(kind.blamed_one),
            short(kind.blamed),
        ]);
    }
}

fn calibration(page: &mut Page, report: &Report) {
    let Some(ours) = report.ours() else { return };
    page.line("\n## What a strength is worth");
    page.head(&["strength", "stands for", "problems", "right"]);
    for row in &ours.calibration {
        let right = if row.pages == 0 {
            "–".to_owned()
        } else {
            format!("{:.1} %", 100.0 * row.right as f64 / row.pages as f64)
        };
        page.row(&[
            row.strength.to_owned(),
            format!("{:.0} %", 100.0 * row.stated),
            row.pages.to_string(),
            right,
        ]);
    }
}

fn blips(page: &mut Page, report: &Report) {
    let Some(ours) = report.ours() else { return };
    page.line("\n## Blips of ours that plain Nagios pages");
    page.head(&["risk class", "blips", "kept quiet"]);
    for row in &ours.classes {
        page.row(&[
            row.class.to_owned(),
            row.blips.to_string(),
            row.quiet.to_string(),
        ]);
    }
    page.head(&["why one was paged all the same", "blips"]);
    for (why, count) in &ours.whys {
        page.row(&[why.clone(), count.to_string()]);
    }
}

fn misses(page: &mut Page, report: &Report) {
    let Some(ours) = report.ours() else { return };
    page.line("\n## Pages of ours that name the wrong deploy: the first three of each truth type");
    page.head(&[
        "seed",
        "truth",
        "object",
        "since",
        "paged",
        "named",
        "right",
        "by chance on a deploy",
    ]);
    for miss in &ours.misses {
        page.row(&[
            miss.seed.to_string(),
            miss.kind.words().to_owned(),
            miss.object.clone(),
            miss.since.clone(),
            miss.at.clone(),
            miss.named.join(", "),
            if miss.right.is_empty() {
                "none".to_owned()
            } else {
                miss.right.join(", ")
            },
            if miss.on_top { "yes" } else { "" }.to_owned(),
        ]);
    }
}

/// What a row is compared in, and whether more is better.
type Measure = (&'static str, fn(&Row) -> Interval, bool);

/// Where another contender is better than ours. The oracle is better by definition.
fn losing(page: &mut Page, report: &Report) {
    let Some(ours) = report.ours() else { return };
    page.line("\n## Where others are better than ours");
    let measures: [Measure; 8] = [
        ("blips kept quiet", |row| row.benign_quiet, true),
        ("lost", |row| row.suppressed, false),
        ("precision@1", |row| row.precision, true),
        ("recall@1", |row| row.first, true),
        ("recall@3", |row| row.among_three, true),
        ("wrong blame, one suspect", |row| row.blamed_one, false),
        ("wrong blame, any verdict", |row| row.blamed, false),
        ("abstention", |row| row.abstained, true),
    ];
    page.head(&["measure", "contender", "it", "ours", "at the price of"]);
    let mut any = false;
    for (what, get, more) in measures {
        let Some(own) = get(ours).share else { continue };
        for row in report
            .rows
            .iter()
            .filter(|row| row.family != "B8" && row.family != "ours")
        {
            let names = !matches!(what, "blips kept quiet" | "lost");
            let Some(other) = get(row).share.filter(|_| !names || row.attributes) else {
                continue;
            };
            if (more && own < other) || (!more && other < own) {
                any = true;
                let price = format!(
                    "{} lost, {} % of blips quiet{}",
                    row.suppressed.count,
                    short(row.benign_quiet),
                    if row.attributes {
                        format!(
                            ", precision@1 {}, recall@1 {}, wrong blame {}",
                            short(row.precision),
                            short(row.first),
                            short(row.blamed)
                        )
                    } else {
                        String::new()
                    }
                );
                page.row(&[
                    what.to_owned(),
                    title(row),
                    short(get(row)),
                    short(get(ours)),
                    price,
                ]);
            }
        }
    }
    if !any {
        page.row(&["nothing", "–", "–", "–", "–"].map(str::to_owned));
    }
}

fn losses(page: &mut Page, report: &Report) {
    let rows = report
        .ours()
        .into_iter()
        .chain(report.counted.iter().map(|counted| &counted.row));
    page.line("\n## What ours suppressed that mattered");
    let mut any = false;
    for loss in rows.flat_map(|row| &row.losses) {
        if !any {
            page.line(
                "\nTo play one again: `deploywatch bench attribution --seeds N..N --trace FILE`, with `--crowded` where it is of the long \
                 count.",
            );
            page.head(&["seed", "truth", "object", "due", "limit", "told"]);
            any = true;
        }
        page.row(&[
            loss.seed.to_string(),
            loss.kind.words().to_owned(),
            loss.object.clone(),
            loss.due.clone(),
            loss.limit.clone(),
            loss.told.clone().unwrap_or_else(|| "never".to_owned()),
        ]);
    }
    if !any {
        page.line("\nNothing.");
    }
}

fn sweeps(page: &mut Page, report: &Report) {
    for sweep in &report.sweeps {
        page.line(format_args!("\n## Sweep: {}", sweep.of));
        page.head(&[
            "value",
            "contender",
            "blips kept quiet",
            "lost",
            "precision@1",
            "recall@1",
            "recall@3",
            "wrong blame, any verdict",
        ]);
        for row in &sweep.rows {
            page.row(&[
                row.value.to_string(),
                row.contender.clone(),
                short(row.benign_quiet),
                row.suppressed.count.to_string(),
                short(row.precision),
                short(row.recall),
                short(row.among_three),
                short(row.blamed),
            ]);
        }
    }
}
