//! Pictures of the report, as SVG text.

use super::{report::Report, summary::Row};
use crate::base::picture::{COLOURS, Picture};

/// Noise avoided against what was lost for it.
pub fn quiet(report: &Report) -> String {
    let rows: Vec<&Row> = report
        .rows
        .iter()
        .filter(|row| !matches!(row.family, "B4" | "B5" | "B7" | "B8" | "part"))
        .collect();
    let most = rows
        .iter()
        .filter_map(|row| row.suppressed.share)
        .fold(0.01_f64, f64::max);
    let mut picture = Picture::new(
        760.0,
        440.0,
        "Blips kept quiet (up) against pages lost that mattered (right)",
    );
    let [left, top, right, bottom] = [60.0, 40.0, 520.0, 390.0];
    picture.line([left, bottom, right, bottom], "black");
    picture.line([left, top, left, bottom], "black");
    for step in 0..=4 {
        let share = f64::from(step) / 4.0;
        let y = bottom - share * (bottom - top);
        picture.words(
            left - 6.0,
            y + 4.0,
            "end",
            &format!("{:.0} %", share * 100.0),
        );
        picture.line([left, y, right, y], "#dddddd");
        let x = left + share * (right - left);
        picture.words(
            x,
            bottom + 18.0,
            "middle",
            &format!("{:.1} %", share * most * 100.0),
        );
    }
    for (at, row) in rows.iter().enumerate() {
        let colour = COLOURS[at % COLOURS.len()];
        let x = left + row.suppressed.share.unwrap_or_default() / most * (right - left);
        let y = bottom - row.benign_quiet.share.unwrap_or_default() * (bottom - top);
        picture.dot(x, y, colour);
        picture.words(x + 8.0, y - 4.0, "start", &(at + 1).to_string());
        picture.words(
            right + 20.0,
            top + 18.0 * at as f64,
            "start",
            &format!("{} {}", at + 1, row.contender),
        );
    }
    picture.done()
}

/// Precision, recall and wrong blame of those that name deploys.
pub fn names(report: &Report) -> String {
    let rows: Vec<&Row> = report
        .rows
        .iter()
        .filter(|row| row.attributes && (row.tuned || row.family == "part"))
        .collect();
    let height = 70.0 + 54.0 * rows.len() as f64;
    let mut picture = Picture::new(
        760.0,
        height,
        "Precision@1, recall@1 and wrong blame (any verdict), in percent, with 95 % intervals",
    );
    let (left, span) = (230.0, 440.0);
    for (at, row) in rows.iter().enumerate() {
        let top = 44.0 + 54.0 * at as f64;
        picture.words(left - 8.0, top + 26.0, "end", &row.contender);
        for (line, (colour, found)) in [
            (COLOURS[0], row.precision),
            (COLOURS[2], row.first),
            (COLOURS[1], row.blamed),
        ]
        .into_iter()
        .enumerate()
        {
            let y = top + 14.0 * line as f64;
            let share = found.share.unwrap_or_default();
            picture.bar([left, y, span * share, 11.0], colour);
            if let (Some(low), Some(high)) = (found.low, found.high) {
                picture.line(
                    [left + span * low, y + 5.5, left + span * high, y + 5.5],
                    "black",
                );
            }
            picture.words(
                left + span * found.high.unwrap_or(share) + 6.0,
                y + 10.0,
                "start",
                &format!("{:.1}", share * 100.0),
            );
        }
    }
    picture.done()
}

/// Precision of each contender over each sweep.
pub fn sweeps(report: &Report) -> String {
    let mut picture = Picture::new(
        760.0,
        60.0 + 220.0 * report.sweeps.len().div_ceil(2) as f64,
        "Precision@1 (full) and wrong blame (dots) while an assumption gets worse",
    );
    for (at, sweep) in report.sweeps.iter().enumerate() {
        let left = 50.0 + 370.0 * (at % 2) as f64;
        let top = 60.0 + 220.0 * (at / 2) as f64;
        let (right, bottom) = (left + 210.0, top + 150.0);
        picture.words(left + 105.0, top - 8.0, "middle", sweep.of);
        picture.line([left, bottom, right, bottom], "black");
        picture.line([left, top, left, bottom], "black");
        picture.words(left - 4.0, top + 4.0, "end", "100 %");
        picture.words(left - 4.0, bottom, "end", "0");
        let mut values: Vec<f64> = sweep.rows.iter().map(|row| row.value).collect();
        values.dedup();
        let last = (values.len().max(2) - 1) as f64;
        let mut who: Vec<&str> = Vec::new();
        for row in &sweep.rows {
            if !who.contains(&&*row.contender) {
                who.push(&row.contender);
            }
        }
        for (place, value) in values.iter().enumerate() {
            let x = left + place as f64 / last * (right - left);
            picture.words(x, bottom + 16.0, "middle", &value.to_string());
        }
        for (number, contender) in who.iter().enumerate() {
            let colour = COLOURS[number % COLOURS.len()];
            let mut before: Option<(f64, f64)> = None;
            for row in sweep.rows.iter().filter(|row| row.contender == *contender) {
                let place = values
                    .iter()
                    .position(|value| *value == row.value)
                    .unwrap_or_default() as f64;
                let x = left + place / last * (right - left);
                if let Some(blamed) = row.blamed.share {
                    picture.dot(x, bottom - blamed * (bottom - top), colour);
                }
                let Some(precision) = row.precision.share else {
                    continue;
                };
                let y = bottom - precision * (bottom - top);
                if let Some((x1, y1)) = before {
                    picture.line([x1, y1, x, y], colour);
                }
                before = Some((x, y));
            }
            picture.bar(
                [right + 10.0, top + 16.0 * number as f64, 10.0, 10.0],
                colour,
            );
            picture.words(
                right + 24.0,
                top + 9.0 + 16.0 * number as f64,
                "start",
                contender,
            );
        }
    }
    picture.done()
}
