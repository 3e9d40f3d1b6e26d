//! The text that Prometheus scrapes.

use std::{fmt::Display, fmt::Write, sync::PoisonError};

use super::{Metrics, instrument::Histogram};
use crate::domain::model::state::State;

/// In the order of [`State`].
const STATES: [State; 7] = [
    State::Ok,
    State::Warning,
    State::Critical,
    State::Unknown,
    State::Up,
    State::Down,
    State::Unreachable,
];

impl Metrics {
    /// All series in the text exposition format, version 0.0.4.
    pub fn render(&self) -> String {
        let mut text = Text(String::with_capacity(8 * 1024));
        self.checks(&mut text);
        self.people(&mut text);
        self.feeds(&mut text);
        self.itself(&mut text);
        text.0
    }

    fn checks(&self, text: &mut Text) {
        text.one(
            "checks_started_total",
            "counter",
            "Plugins started.",
            self.checks_started.get(),
        );
        let help = "Start of a check minus the time it was due.";
        text.histogram("check_lateness_seconds", help, &self.lateness);
        let (p50, p99, max) = self.lateness();
        let since = "since the daemon began.";
        text.one(
            "check_lateness_p50_seconds",
            "gauge",
            &format!("Median lateness {since}"),
            p50.as_secs_f64(),
        );
        text.one(
            "check_lateness_p99_seconds",
            "gauge",
            &format!("99th percentile {since}"),
            p99.as_secs_f64(),
        );
        text.one(
            "check_lateness_max_seconds",
            "gauge",
            &format!("Greatest lateness {since}"),
            max.as_secs_f64(),
        );
        text.head(
            "results_total",
            "counter",
            "Results accepted, by the state they found.",
        );
        for (state, counter) in STATES.iter().zip(&self.results) {
            text.line("results_total", &[("state", state.name())], counter.get());
        }
        text.one(
            "rejected_results_total",
            "counter",
            "Results refused.",
            self.rejected_results.get(),
        );
        text.one(
            "plugin_timeouts_total",
            "counter",
            "Plugins ended at their deadline.",
            self.plugin_timeouts.get(),
        );
        let cpu = std::time::Duration::from_nanos(self.plugin_cpu_nanos.get()).as_secs_f64();
        text.one(
            "plugin_cpu_seconds_total",
            "counter",
            "CPU time used by plugins.",
            cpu,
        );
        text.one(
            "probed_total",
            "counter",
            "Plugins that a probe in the daemon answered for, without a process.",
            self.probed.get(),
        );
    }

    fn people(&self, text: &mut Text) {
        text.one(
            "problems",
            "gauge",
            "Objects that are not fine.",
            self.problems.get(),
        );
        text.one(
            "holds",
            "gauge",
            "Problems held because a deploy explains them.",
            self.holds.get(),
        );
        text.one(
            "deploys_active",
            "gauge",
            "Deploys that run now.",
            self.deploys_active.get(),
        );
        text.one(
            "outbox_pending",
            "gauge",
            "Deliveries not sent yet.",
            self.outbox_pending.get(),
        );
        let oldest = self.outbox_oldest_millis.get() as f64 / 1000.0;
        text.one(
            "outbox_oldest_seconds",
            "gauge",
            "Age of the oldest delivery not sent yet.",
            oldest,
        );
        text.head(
            "deliveries_total",
            "counter",
            "Tries of deliveries, by kind of channel and how they ended.",
        );
        for ((channel, tried), count) in self
            .deliveries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            text.line(
                "deliveries_total",
                &[("channel", channel), ("result", tried.name())],
                count,
            );
        }
    }

    fn feeds(&self, text: &mut Text) {
        text.head(
            "feed_requests_total",
            "counter",
            "Requests of tools that tell of deploys, by source and what became of them.",
        );
        for ((source, end), count) in self
            .feeds
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            text.line(
                "feed_requests_total",
                &[("source", source), ("result", end.name())],
                count,
            );
        }
        text.head(
            "markers_total",
            "counter",
            "Markers for graphs and event buses, by target and what became of them.",
        );
        let markers = self.markers.lock().unwrap_or_else(PoisonError::into_inner);
        for ((marker, end), count) in markers.iter() {
            text.line(
                "markers_total",
                &[("marker", marker), ("result", end)],
                count,
            );
        }
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if !answers.is_empty() {
            text.head(
                "answers_total",
                "counter",
                "Answers to pages from elsewhere, by the way they came and what became of them.",
            );
            for ((way, end), count) in answers.iter() {
                text.line(
                    "answers_total",
                    &[("way", way), ("result", end.name())],
                    count,
                );
            }
        }
        let pings = self.dead_man.lock().unwrap_or_else(PoisonError::into_inner);
        if !pings.is_empty() {
            text.head(
                "dead_man_total",
                "counter",
                "Dead-man pings, by what became of them.",
            );
            for (end, count) in pings.iter() {
                text.line("dead_man_total", &[("result", end)], count);
            }
        }
    }

    fn itself(&self, text: &mut Text) {
        text.one(
            "queue_depth",
            "gauge",
            "Inputs that wait for the hub.",
            self.queue_depth.get(),
        );
        text.histogram("commit_seconds", "Time to commit one batch.", &self.commit);
        text.one(
            "store_ok",
            "gauge",
            "1 if the last write to the store worked.",
            self.store_ok.get(),
        );
        text.one(
            "config_ok",
            "gauge",
            "0 after a failed reload.",
            self.config_ok.get(),
        );
        let help = "When the configuration in force was loaded, seconds since 1970.";
        text.one(
            "config_reload_timestamp",
            "gauge",
            help,
            self.config_reloaded.get(),
        );
        text.one(
            "clock_jumps_total",
            "counter",
            "Times the wall clock jumped.",
            self.clock_jumps.get(),
        );
        text.head(
            "http_responses_total",
            "counter",
            "Answers of the API, by class of status.",
        );
        for (class, counter) in ["1xx", "2xx", "3xx", "4xx", "5xx"].iter().zip(&self.http) {
            text.line("http_responses_total", &[("code", class)], counter.get());
        }
        let canary = self.canary.lock().unwrap_or_else(PoisonError::into_inner);
        text.head(
            "canary_ok",
            "gauge",
            "1 if the last test went out by this channel.",
        );
        for ((contact, channel), arrival) in canary.iter() {
            let labels = [("contact", contact.as_str()), ("channel", channel)];
            text.line("canary_ok", &labels, u8::from(arrival.ok));
        }
        text.head(
            "canary_last_success_timestamp_seconds",
            "gauge",
            "When a test last went out by this channel, seconds since 1970.",
        );
        for ((contact, channel), arrival) in canary.iter() {
            let labels = [("contact", contact.as_str()), ("channel", channel)];
            if let Some(at) = arrival.last {
                text.line("canary_last_success_timestamp_seconds", &labels, at.secs());
            }
        }
        let calendars = self
            .calendars
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !calendars.is_empty() {
            text.head(
                "calendar_ok",
                "gauge",
                "1 if the rotation's calendar could be read when it was last looked at.",
            );
            for (rotation, seen) in calendars.iter() {
                let labels = [("rotation", rotation.as_str())];
                text.line("calendar_ok", &labels, u8::from(seen.ok));
            }
            text.head(
                "calendar_last_read_timestamp_seconds",
                "gauge",
                "When the rotation's calendar could last be read, seconds since 1970.",
            );
            for (rotation, seen) in calendars.iter() {
                let labels = [("rotation", rotation.as_str())];
                if let Some(at) = seen.last {
                    text.line("calendar_last_read_timestamp_seconds", &labels, at.secs());
                }
            }
        }
        let help = "When the daemon began, seconds since 1970.";
        text.one("start_timestamp", "gauge", help, self.started.get());
        text.head("build_info", "gauge", "Always 1; the version is a label.");
        text.line("build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    }
}

/// The text so far. Writing to a `String` cannot fail, so the results of `write!` say nothing.
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(
            self.0,
            "# HELP deploywatch_{name} {help}\n# TYPE deploywatch_{name} {kind}"
        );
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let _ = write!(self.0, "deploywatch_{name}");
        for (at, (label, value)) in labels.iter().enumerate() {
            let value = value
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            let _ = write!(
                self.0,
                "{}{label}=\"{value}\"",
                if at == 0 { '{' } else { ',' }
            );
        }
        let _ = writeln!(
            self.0,
            "{} {value}",
            if labels.is_empty() { "" } else { "}" }
        );
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        self.line(name, &[], value);
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(name, "histogram", help);
        let counts = histogram.cumulative();
        let bucket = format!("{name}_bucket");
        for (bound, count) in histogram.bounds.iter().zip(&counts) {
            self.line(&bucket, &[("le", &bound.to_string())], count);
        }
        let all = counts.last().copied().unwrap_or_default();
        self.line(&bucket, &[("le", "+Inf")], all);
        self.line(&format!("{name}_sum"), &[], histogram.sum_seconds());
        self.line(&format!("{name}_count"), &[], all);
    }
}
