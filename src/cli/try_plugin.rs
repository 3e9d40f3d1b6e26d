//! What `try` shows: how a plugin was run, how it ended, and what the daemon makes of it.

use serde::Serialize;

use super::out::{Paint, clean, columns};
use crate::domain::plugin::perfdata::Metric;

/// One run, told in full. Spans are seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TryReport {
    /// `web1/http`; None for a plugin given on the command line.
    pub object: Option<String>,
    /// After macros. Secrets are masked by whoever fills this in.
    pub line: String,
    /// `exec`, `probe`, or `/bin/sh -c`, with the reason where it is the shell.
    pub how: String,
    /// The file that was run; None when it was not found.
    pub program: Option<String>,
    /// The user it ran as.
    pub user: String,
    /// `exit 2`, `signal 9 (SIGKILL)`, `timed out after 10s`, `could not start: ...`.
    pub end: String,
    pub exit_code: Option<i32>,
    pub took: f64,
    pub cpu: f64,
    pub peak_kib: u64,
    pub stdout: String,
    pub stderr: String,
    /// Bytes read and thrown away.
    pub cut: u64,
    /// How it is understood.
    pub state: String,
    /// Neither OK nor UP.
    pub problem: bool,
    pub output: String,
    pub long_output: String,
    pub metrics: Vec<MetricView>,
    /// What the daemon would do with it, in sentences: "SOFT 1 of 3: tried again in 15s, nobody is told".
    pub next: Vec<String>,
}

/// One value of the performance data, as it was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MetricView {
    pub label: String,
    /// None: `U`, not known.
    pub value: Option<f64>,
    pub unit: String,
    pub warn: Option<String>,
    pub crit: Option<String>,
    pub min: Option<f64>,
    pub max: Option<f64>,
}

impl From<&Metric> for MetricView {
    fn from(metric: &Metric) -> Self {
        Self {
            label: metric.label.clone(),
            value: metric.value,
            unit: metric.unit.clone(),
            warn: metric.warn.map(|range| range.to_string()),
            crit: metric.crit.map(|range| range.to_string()),
            min: metric.min,
            max: metric.max,
        }
    }
}

impl TryReport {
    /// For people; `--output json` prints the value itself.
    pub fn render(&self, paint: Paint) -> String {
        let mut lines = columns(&self.facts());
        stream(&mut lines, "stdout", &self.stdout);
        stream(&mut lines, "stderr", &self.stderr);
        if 0 < self.cut {
            lines.push(format!(
                "cut        {} bytes beyond the limit were thrown away",
                self.cut
            ));
        }
        lines.push(String::new());
        lines.push(format!(
            "{}: {}",
            paint.state(&self.state, 0),
            clean(&self.output)
        ));
        lines.extend(
            self.long_output
                .lines()
                .map(|line| format!("    {}", clean(line))),
        );
        lines.extend(columns(
            &self.metrics.iter().map(metric).collect::<Vec<_>>(),
        ));
        lines.extend(
            self.next
                .iter()
                .map(|text| format!("next: {}", clean(text))),
        );
        lines.join("\n") + "\n"
    }

    fn facts(&self) -> Vec<Vec<String>> {
        let time = format!(
            "{:.3} s, of the CPU {:.3} s, at most {} KiB of memory",
            self.took, self.cpu, self.peak_kib
        );
        let facts = [
            ("object", self.object.clone()),
            ("command", Some(self.line.clone())),
            ("run by", Some(self.how.clone())),
            (
                "program",
                Some(
                    self.program
                        .clone()
                        .unwrap_or_else(|| "not found".to_owned()),
                ),
            ),
            ("user", Some(self.user.clone())),
            ("end", Some(self.end.clone())),
            ("time", Some(time)),
        ];
        let row = |(name, value): (&str, Option<String>)| {
            // As wide as the names of the streams' lines below.
            value.map(|value| vec![format!("{name:<9}"), clean(&value)])
        };
        facts.into_iter().filter_map(row).collect()
    }
}

fn stream(lines: &mut Vec<String>, name: &str, text: &str) {
    if text.is_empty() {
        lines.push(format!("{name:<9}  (empty)"));
    }
    for (at, line) in text.lines().enumerate() {
        lines.push(
            format!("{:<9}  {}", if at == 0 { name } else { "" }, clean(line))
                .trim_end()
                .to_owned(),
        );
    }
}

fn metric(metric: &MetricView) -> Vec<String> {
    let range = |name: &str, value: Option<String>| value.map(|value| format!("{name} {value}"));
    let ranges = [
        range("warn", metric.warn.clone()),
        range("crit", metric.crit.clone()),
        range("min", metric.min.map(|value| value.to_string())),
        range("max", metric.max.map(|value| value.to_string())),
    ];
    let value = metric.value.map_or_else(
        || "unknown".to_owned(),
        |value| format!("{value}{}", metric.unit),
    );
    vec![
        format!("    {}", clean(&metric.label)),
        clean(&value),
        clean(&ranges.into_iter().flatten().collect::<Vec<_>>().join(", ")),
    ]
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn shows_everything() {
        let report = TryReport {
            object: Some("web1/http".into()),
            line: "check_http -H 127.0.0.1 -p 8080".into(),
            how: "exec".into(),
            program: Some("/usr/lib/nagios/plugins/check_http".into()),
            user: "nagios".into(),
            end: "exit 2".into(),
            exit_code: Some(2),
            took: 0.0123,
            cpu: 0.002,
            peak_kib: 5120,
            stdout: "HTTP CRITICAL - 502 | time=3s;1;2;0 size=U\nmore\x1b[2J\n".into(),
            cut: 12,
            state: "CRITICAL".into(),
            problem: true,
            output: "HTTP CRITICAL - 502".into(),
            long_output: "more\x1b[2J".into(),
            metrics: vec![
                MetricView {
                    label: "time".into(),
                    value: Some(3.0),
                    unit: "s".into(),
                    warn: Some("1".into()),
                    crit: Some("2".into()),
                    min: Some(0.0),
                    max: None,
                },
                MetricView {
                    label: "size".into(),
                    ..MetricView::default()
                },
            ],
            next: vec!["SOFT 1 of 3: tried again in 15s, nobody is told".into()],
            ..TryReport::default()
        };
        expect![[r#"
            object     web1/http
            command    check_http -H 127.0.0.1 -p 8080
            run by     exec
            program    /usr/lib/nagios/plugins/check_http
            user       nagios
            end        exit 2
            time       0.012 s, of the CPU 0.002 s, at most 5120 KiB of memory
            stdout     HTTP CRITICAL - 502 | time=3s;1;2;0 size=U
                       more [2J
            stderr     (empty)
            cut        12 bytes beyond the limit were thrown away

            CRITICAL: HTTP CRITICAL - 502
                more [2J
                time  3s       warn 1, crit 2, min 0
                size  unknown
            next: SOFT 1 of 3: tried again in 15s, nobody is told
        "#]]
        .assert_eq(&report.render(Paint(false)));
    }
}
