//! The figures as one picture: how many plugins a second, beside this machine's limit and other schedulers.

use super::report::Report;
use crate::base::picture::{COLOURS, Picture};

struct Bar {
    name: String,
    per_second: f64,
    note: String,
    colour: &'static str,
}

/// None: nothing that was measured runs plugins.
pub fn render(report: &Report) -> Option<String> {
    let bars = bars(report);
    let most = bars.iter().map(|bar| bar.per_second).fold(0.0, f64::max);
    if most <= 0.0 {
        return None;
    }
    let mut picture = Picture::new(
        820.0,
        60.0 + 26.0 * bars.len() as f64,
        &format!(
            "Plugins a second on {}, {} cores (a bar of half the length is a tenth as many)",
            report.machine.cpu, report.machine.cores
        ),
    );
    let (left, length) = (300.0, 330.0);
    for (at, bar) in bars.iter().enumerate() {
        let y = 40.0 + 26.0 * at as f64;
        // Processes and probes lie a factor of tens apart: a straight scale would show one of them as nothing.
        let share = (1.0 + (bar.per_second / most).max(0.01).log10() / 2.0).max(0.0);
        picture.words(left - 8.0, y + 13.0, "end", &bar.name);
        picture.bar([left, y, length * share, 18.0], bar.colour);
        let words = format!("{:.0}{}", bar.per_second, bar.note);
        picture.words(left + length * share + 6.0, y + 13.0, "start", &words);
    }
    Some(picture.done())
}

fn bars(report: &Report) -> Vec<Bar> {
    let mut bars = Vec::new();
    if let Some(figures) = &report.plugins {
        bars.push(Bar {
            name: "spawn ceiling".to_owned(),
            per_second: figures.ceiling.plugins_per_second,
            note: String::new(),
            colour: COLOURS[5],
        });
        bars.extend(figures.loads.iter().map(|row| Bar {
            name: format!("deploywatch, {}", row.load),
            per_second: row.plugins_per_second,
            note: match row.lateness.p99_ms {
                Some(p99) if row.load != "flat out" => format!(", 99 % within {p99:.1} ms"),
                _ => format!(", {:.2} of the ceiling", row.of_ceiling),
            },
            colour: COLOURS[0],
        }));
    }
    if let Some(figures) = &report.compare {
        // Ours is there already where plugins were measured.
        let skip = usize::from(report.plugins.is_some());
        bars.extend(figures.rows.iter().skip(skip).map(|row| Bar {
            name: format!("{}, flat out", row.program),
            per_second: row.plugins_per_second,
            note: format!(", {:.2} of the ceiling", row.of_ceiling),
            colour: COLOURS[1],
        }));
    }
    if let Some(figures) = &report.probes {
        bars.extend(figures.rows.iter().map(|row| {
            Bar {
                name: format!("{}: {}", row.plugin, row.program),
                per_second: row.plugins_per_second,
                note: row
                    .times_nagios
                    .map(|times| format!(", {times:.1} times Nagios"))
                    .unwrap_or_default(),
                colour: COLOURS[2],
            }
        }));
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::bench::{plugin::Plugin, probes};

    #[test]
    fn a_bar_for_each_that_ran() {
        let mut report = Report::new(&Plugin {
            line: "/bin/true".to_owned(),
            words: Vec::new(),
        });
        assert_eq!(render(&report), None);
        let row = |program: &str, per_second| probes::Row {
            plugin: "check_tcp",
            program: program.to_owned(),
            plugins_per_second: per_second,
            times_nagios: Some(per_second / 1000.0),
            daemon_cpu_ms: 0.0,
            not_ok: 0,
            memory_mb: 0.0,
        };
        report.probes = Some(probes::Figures {
            rows: vec![row("ours & co", 10_000.0), row("nagios4", 1000.0)],
            notes: Vec::new(),
        });
        let picture = render(&report).expect("bars");
        assert!(picture.contains("check_tcp: ours &amp; co"));
        assert!(picture.contains("10000, 10.0 times Nagios"));
        // A tenth is half as long.
        assert!(picture.contains("width=\"330.0\"") && picture.contains("width=\"165.0\""));
    }
}
