//! The figures for people: Markdown tables, so that they can be pasted, aligned, so that they can be read as they are.

use super::{
    compare, engine, history, livestatus, load, memory, micro, plugins, probes, reload,
    report::Report,
};

/// Others taking more than this many cores spoil a window.
const NOISE_CORES: f64 = 0.15;
/// Two looks at the ceiling that differ by more than this factor are of two different machines.
const DRIFT: f64 = 1.08;

pub fn render(report: &Report) -> String {
    let machine = &report.machine;
    let mut text = format!(
        "deploywatch {} ({} build) on {}, {} cores, {} MB, Linux {}\nplugin: {}\n",
        report.version,
        report.build,
        machine.cpu,
        machine.cores,
        machine.memory_mb,
        machine.kernel,
        report.plugin
    );
    if !report.load.is_empty() {
        part(&mut text, "Loading a configuration", &loads(&report.load));
    }
    if let Some(figures) = &report.plugins {
        part(&mut text, "Running plugins", &running(figures));
        if !figures.with_state.is_empty() {
            part(
                &mut text,
                "The same with the state of many more checks, as a multiple of without",
                &beside_state(figures),
            );
        }
        text.push_str(&remarks(figures));
    }
    if !report.memory.is_empty() {
        part(
            &mut text,
            "Memory of the daemon, every check with a result",
            &memories(&report.memory),
        );
    }
    if !report.engine.is_empty() {
        part(
            &mut text,
            "The engine alone, on one core",
            &engines(&report.engine),
        );
    }
    if let Some(figures) = &report.history {
        let title = format!(
            "What {} hours of {} checks, each every 5 minutes, write",
            figures.hours,
            whole(figures.checks as f64)
        );
        part(&mut text, &title, &written(figures));
        text.push_str(&bounds(figures));
    }
    if !report.livestatus.is_empty() {
        part(
            &mut text,
            "Livestatus queries through the socket, while results change the rows",
            &queries(&report.livestatus),
        );
    }
    if !report.status.is_empty() {
        part(
            &mut text,
            "Questions to a daemon that runs all its checks meanwhile",
            &queries(&report.status),
        );
    }
    if let Some(figures) = &report.probes {
        if !figures.rows.is_empty() {
            part(
                &mut text,
                "Plugins that a probe speaks for, flat out",
                &probed(figures),
            );
        }
        for note in &figures.notes {
            text.push_str(&format!("\n{note}\n"));
        }
    }
    if !report.micro.is_empty() {
        part(&mut text, "The smallest parts", &smallest(&report.micro));
    }
    if !report.reload.is_empty() {
        part(
            &mut text,
            "A reload while checks run, one of a hundred changed",
            &reloads(&report.reload),
        );
    }
    if let Some(figures) = &report.compare {
        if !figures.rows.is_empty() {
            part(&mut text, "The same plugin, flat out", &compared(figures));
        }
        for note in &figures.notes {
            text.push_str(&format!("\n{note}\n"));
        }
    }
    text
}

fn loads(rows: &[load::Row]) -> Vec<Vec<String>> {
    let head = [
        "checks",
        "hosts",
        "written as",
        "file",
        "time",
        "memory",
        "at its peak",
    ];
    table(
        &head,
        rows.iter().map(|row| {
            vec![
                whole(row.checks as f64),
                whole(row.hosts as f64),
                row.written_as.to_owned(),
                format!("{} KB", whole(row.file_kb as f64)),
                seconds(row.figures.seconds),
                megabytes(row.figures.grown_kb as f64 / 1024.0),
                megabytes(row.figures.peak_kb as f64 / 1024.0),
            ]
        }),
    )
}

fn smallest(rows: &[micro::Row]) -> Vec<Vec<String>> {
    table(
        &["part", "a round", "is"],
        rows.iter().map(|row| {
            vec![
                row.part.to_owned(),
                format!("{:.0} ns", row.nanoseconds),
                row.what.to_owned(),
            ]
        }),
    )
}

fn reloads(rows: &[reload::Row]) -> Vec<Vec<String>> {
    let head = [
        "checks",
        "changed",
        "time",
        "run/s before",
        "busiest second after",
        "run in the round after",
        "latest",
    ];
    table(
        &head,
        rows.iter().map(|row| {
            vec![
                whole(f64::from(row.checks)),
                whole(f64::from(row.changed)),
                seconds(row.seconds),
                whole(row.runs_per_second),
                format!("{:.2} of it", row.busiest),
                whole(row.runs as f64),
                format!("{:.0} ms", row.latest_ms),
            ]
        }),
    )
}

fn probed(figures: &probes::Figures) -> Vec<Vec<String>> {
    let head = [
        "plugin",
        "by",
        "run/s",
        "times Nagios",
        "daemon CPU each",
        "memory",
    ];
    table(
        &head,
        figures.rows.iter().map(|row| {
            vec![
                row.plugin.to_owned(),
                row.program.clone(),
                whole(row.plugins_per_second),
                row.times_nagios
                    .map_or_else(|| "–".to_owned(), |times| format!("{times:.1}")),
                format!("{:.3} ms", row.daemon_cpu_ms),
                megabytes(row.memory_mb),
            ]
        }),
    )
}

fn running(figures: &plugins::Figures) -> Vec<Vec<String>> {
    let head = [
        "load",
        "due/s",
        "run/s",
        "of the ceiling",
        "daemon CPU a plugin",
        "late p50",
        "p99",
        "max",
        "memory",
    ];
    let ceiling = &figures.ceiling;
    let dash = || "–".to_owned();
    let first = vec![
        "spawn ceiling".to_owned(),
        dash(),
        whole(ceiling.plugins_per_second),
        "1.00".to_owned(),
        format!("{:.3} ms", ceiling.own_cpu_ms),
        dash(),
        dash(),
        dash(),
        dash(),
    ];
    let rest = figures.loads.iter().map(|row| {
        vec![
            row.load.clone(),
            whole(row.due_per_second),
            whole(row.plugins_per_second),
            format!("{:.2}", row.of_ceiling),
            format!("{:.3} ms", row.daemon_cpu_ms),
            late(row.lateness.p50_ms),
            late(row.lateness.p99_ms),
            late(row.lateness.max_ms),
            megabytes(row.memory_mb),
        ]
    });
    table(&head, std::iter::once(first).chain(rest))
}

fn beside_state(figures: &plugins::Figures) -> Vec<Vec<String>> {
    let head = [
        "load",
        "memory without",
        "with",
        "run/s",
        "times",
        "daemon CPU a plugin",
        "times",
        "late p50",
        "late p99",
        "times",
    ];
    let pairs = figures.loads.iter().zip(&figures.with_state);
    table(
        &head,
        pairs.map(|(without, with)| {
            vec![
                with.load.clone(),
                megabytes(without.memory_mb),
                megabytes(with.memory_mb),
                whole(with.plugins_per_second),
                times(
                    Some(with.plugins_per_second),
                    Some(without.plugins_per_second),
                ),
                format!("{:.3} ms", with.daemon_cpu_ms),
                times(Some(with.daemon_cpu_ms), Some(without.daemon_cpu_ms)),
                late(with.lateness.p50_ms),
                late(with.lateness.p99_ms),
                times(with.lateness.p99_ms, without.lateness.p99_ms),
            ]
        }),
    )
}

fn times(with: Option<f64>, without: Option<f64>) -> String {
    match (with, without) {
        (Some(with), Some(without)) if 0.0 < without => format!("{:.2}", with / without),
        _ => "–".to_owned(),
    }
}

fn remarks(figures: &plugins::Figures) -> String {
    let mut text = format!(
        "\nThe ceiling is a bare loop of posix_spawn, {} at once ({}); the plugin itself takes {:.2} ms of CPU.\n",
        figures.ceiling.concurrency,
        figures
            .ceiling
            .rounds
            .iter()
            .map(|rate| format!("{}/s", whole(*rate)))
            .collect::<Vec<_>>()
            .join(", then "),
        figures.ceiling.plugin_cpu_ms
    );
    let rounds = &figures.ceiling.rounds;
    let (least, most) = rounds
        .iter()
        .fold((f64::INFINITY, 0.0_f64), |(least, most), rate| {
            (least.min(*rate), most.max(*rate))
        });
    if least * DRIFT < most {
        text.push_str("The ceiling changed while we measured, so the ratios mean little: run it again on a quiet machine.\n");
    }
    for row in &figures.loads {
        if 0 < row.not_ok {
            text.push_str(&format!(
                "At {}, {} of {} runs did not find OK: look at the plugin before trusting the figures.\n",
                row.load, row.not_ok, row.plugins
            ));
        }
        if 0.0 < row.stolen_ms {
            text.push_str(&format!(
                "At {}, the hypervisor took {:.0} ms of CPU from this machine: what was due meanwhile came late.\n",
                row.load, row.stolen_ms
            ));
        }
        if NOISE_CORES < row.others_cores {
            text.push_str(&format!(
                "At {}, other programs took {:.1} cores: a quiet machine does better.\n",
                row.load, row.others_cores
            ));
        }
    }
    text
}

fn memories(rows: &[memory::Row]) -> Vec<Vec<String>> {
    let head = ["checks", "written as", "memory", "at its peak", "a check"];
    table(
        &head,
        rows.iter().map(|row| {
            vec![
                whole(f64::from(row.checks)),
                row.written_as.to_owned(),
                megabytes(row.memory_mb),
                megabytes(row.peak_mb),
                format!("{} B", whole(row.bytes_per_check)),
            ]
        }),
    )
}

fn engines(rows: &[engine::Row]) -> Vec<Vec<String>> {
    let head = ["checks", "results/s", "rows stored a result", "memory"];
    table(
        &head,
        rows.iter().map(|row| {
            vec![
                whole(row.checks as f64),
                whole(row.results_per_second),
                format!("{:.3}", row.changes as f64 / row.results.max(1) as f64),
                megabytes(row.memory_mb),
            ]
        }),
    )
}

fn written(figures: &history::Figures) -> Vec<Vec<String>> {
    let bytes = |bytes: u64| megabytes(bytes as f64 / 1e6);
    let sizes = |sizes: &history::Sizes| {
        format!(
            "recording {} in {} files, store {}, {} of it free",
            bytes(sizes.history_bytes),
            sizes.history_files,
            bytes(sizes.store_bytes),
            bytes(sizes.store_free_bytes)
        )
    };
    let rows = [
        (
            "results",
            format!(
                "{}, {} as text",
                whole(figures.results as f64),
                bytes(figures.result_bytes)
            ),
        ),
        (
            "rows for the store",
            format!(
                "{}, {} as JSON",
                whole(figures.rows as f64),
                bytes(figures.row_bytes)
            ),
        ),
        ("commits, each synced", whole(figures.commits as f64)),
        ("handed to the kernel", bytes(figures.asked_bytes)),
        ("written to the disk", bytes(figures.written_bytes)),
        (
            "written for each byte handed in",
            format!("{:.2}", figures.amplification),
        ),
        (
            "recorded for a result",
            format!(
                "{:.1} B",
                figures.before.history_bytes as f64 / figures.results.max(1) as f64
            ),
        ),
        ("sizes at the end", sizes(&figures.before)),
        ("when all is too old", sizes(&figures.after)),
        ("took", seconds(figures.seconds)),
    ];
    table(
        &["what", "figure"],
        rows.into_iter()
            .map(|(what, figure)| vec![what.to_owned(), figure]),
    )
}

fn bounds(figures: &history::Figures) -> String {
    let bytes = |bytes: u64| megabytes(bytes as f64 / 1e6);
    let mut text = format!(
        "\nDays like this one, kept as by default: the recording takes {} ({:.0} days, `max_bytes` {}), the store {} ({:.0} days).\n",
        bytes(figures.history_at_most_bytes),
        figures.history_keep_days,
        bytes(figures.history_max_bytes),
        bytes(figures.store_at_most_bytes),
        figures.store_keep_days,
    );
    if figures.checks <= history::BOUND_CHECKS && 0.99 <= figures.days() {
        let kept = figures.store_at_most_bytes <= history::STORE_BOUND;
        text.push_str(&format!(
            "The store is to stay under {} with up to {} checks: {}.\n",
            bytes(history::STORE_BOUND),
            history::BOUND_CHECKS,
            if kept { "it does" } else { "IT DOES NOT" },
        ));
    }
    if figures.history_max_bytes < figures.before.history_bytes {
        text.push_str("The recording is larger than its `max_bytes`, which is a fault.\n");
    }
    if 0 < figures.lost {
        text.push_str(&format!(
            "The recording had no room for {} records, so less was written than was to be.\n",
            whole(figures.lost as f64)
        ));
    }
    if figures.written_bytes == 0 {
        text.push_str("Nothing reached a disk: the temporary directory is in memory; set TMPDIR to one on a disk.\n");
    }
    text
}

fn queries(rows: &[livestatus::Row]) -> Vec<Vec<String>> {
    let head = [
        "checks",
        "query",
        "p50",
        "p99",
        "max",
        "answer",
        "results/s meanwhile",
    ];
    table(
        &head,
        rows.iter().map(|row| {
            vec![
                whole(row.checks as f64),
                match row.unanswered {
                    0 => row.query.clone(),
                    some => format!("{} ({some} of {} refused)", row.query, row.queries),
                },
                late(Some(row.p50_ms)),
                late(Some(row.p99_ms)),
                late(Some(row.max_ms)),
                format!("{} KB", whole(row.answer_kb as f64)),
                whole(row.results_per_second),
            ]
        }),
    )
}

fn compared(figures: &compare::Figures) -> Vec<Vec<String>> {
    let head = [
        "program",
        "run/s",
        "of the ceiling",
        "daemon CPU a plugin",
        "memory",
    ];
    table(
        &head,
        figures.rows.iter().map(|row| {
            vec![
                row.program.clone(),
                whole(row.plugins_per_second),
                format!("{:.2}", row.of_ceiling),
                format!("{:.3} ms", row.daemon_cpu_ms),
                megabytes(row.memory_mb),
            ]
        }),
    )
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Vec<Vec<String>> {
    let head = head.iter().map(|word| (*word).to_owned()).collect();
    std::iter::once(head).chain(rows).collect()
}

fn part(text: &mut String, title: &str, rows: &[Vec<String>]) {
    text.push_str(&format!("\n{title}\n\n"));
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    for (at, row) in rows.iter().enumerate() {
        let cells = row
            .iter()
            .enumerate()
            .map(|(column, cell)| format!(" {cell:<0$} |", width(column)));
        text.push_str(&format!("|{}\n", cells.collect::<String>()));
        if at == 0 {
            let rules = (0..row.len()).map(|column| format!("{}|", "-".repeat(width(column) + 2)));
            text.push_str(&format!("|{}\n", rules.collect::<String>()));
        }
    }
}

fn whole(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at != 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn megabytes(number: f64) -> String {
    if number < 10.0 {
        format!("{number:.1} MB")
    } else {
        format!("{} MB", whole(number))
    }
}

fn seconds(number: f64) -> String {
    format!("{number:.2} s")
}

fn late(millis: Option<f64>) -> String {
    match millis {
        None => "over 60 s".to_owned(),
        Some(millis) if millis < 1000.0 => format!("{millis:.1} ms"),
        Some(millis) => format!("{:.1} s", millis / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (number, text) in [
            (0.4, "0"),
            (999.0, "999"),
            (1000.0, "1,000"),
            (1_234_567.0, "1,234,567"),
        ] {
            assert_eq!(whole(number), text);
        }
        assert_eq!(megabytes(1.25), "1.2 MB");
        assert_eq!(late(Some(12.34)), "12.3 ms");
        assert_eq!(late(Some(2500.0)), "2.5 s");
        assert_eq!(late(None), "over 60 s");
    }

    #[test]
    fn a_table_is_markdown_and_aligned() {
        let mut text = String::new();
        part(
            &mut text,
            "T",
            &table(
                &["a", "long"],
                [vec!["1,000".to_owned(), "x".to_owned()]].into_iter(),
            ),
        );
        assert_eq!(
            text,
            "\nT\n\n| a     | long |\n|-------|------|\n| 1,000 | x    |\n"
        );
    }
}
