//! Numbers for Prometheus, in its text format 0.0.4.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use axum::http::StatusCode;
use chrono::{DateTime, Utc};

use crate::platform::cache::CacheCounts;
use crate::platform::jobs::{Backlog, KindCounts};
use crate::platform::limits::{REASONS, Refusals};
use crate::stream::Counts;

/// What is counted.
#[derive(Debug)]
pub(super) struct Metrics {
    started: DateTime<Utc>,
    /// Answers by the first digit of their status, 1 to 5.
    answers: [AtomicU64; 5],
    sockets: AtomicI64,
    streams: AtomicI64,
}

/// What is known of jobs.
#[derive(Debug, Clone)]
pub(super) struct JobNumbers {
    /// Done by this instance.
    pub(super) done: u64,
    /// Attempts of this instance that failed.
    pub(super) failed: u64,
    /// The same by kind, with the time that it took.
    pub(super) by_kind: Vec<(&'static str, KindCounts)>,
    /// What all instances have before them; none when the database does not answer.
    pub(super) backlog: Option<Backlog>,
    /// How many events each consumer of the log has before it, by its name.
    pub(super) lags: Vec<(String, i64)>,
    /// Refunds that failed, as this instance was told.
    pub(super) refunds_failed: u64,
}

/// An open event stream, as long as it lives.
#[derive(Debug)]
pub(super) struct OpenStream(Arc<Metrics>);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An open WebSocket, as long as it lives.
#[derive(Debug)]
pub(super) struct OpenSocket(Arc<Metrics>);

impl Drop for OpenSocket {
    fn drop(&mut self) {
        self.0.sockets.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    /// Of a process that started at `started`.
    pub(super) fn new(started: DateTime<Utc>) -> Self {
        Self { started, answers: Default::default(), sockets: AtomicI64::new(0), streams: AtomicI64::new(0) }
    }

    /// Counts an answer.
    pub(super) fn answered(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100);
        if let Some(count) = class.checked_sub(1).and_then(|index| self.answers.get(index)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a WebSocket until what is returned is dropped.
    pub(super) fn socket(self: &Arc<Self>) -> OpenSocket {
        self.sockets.fetch_add(1, Ordering::Relaxed);
        OpenSocket(Arc::clone(self))
    }

    /// Counts an event stream until what is returned is dropped.
    pub(super) fn stream(self: &Arc<Self>) -> OpenStream {
        self.streams.fetch_add(1, Ordering::Relaxed);
        OpenStream(Arc::clone(self))
    }

    /// Everything, at `now`, after so many statements to the database, with what the cache, the engine of subscriptions, the
    /// workers and the limits have counted.
    pub(super) fn text(
        &self,
        now: DateTime<Utc>,
        statements: u64,
        cache: CacheCounts,
        counts: Counts,
        jobs: &JobNumbers,
        refusals: Refusals,
    ) -> String {
        let mut text = String::new();
        let mut family = |name: &str, kind: &str, help: &str, samples: &[(String, String)]| {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (labels, value) in samples {
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        };
        let one = |value: String| [(String::new(), value)];
        let seconds = |milliseconds: i64| format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
        family(
            "quick_commerce_build_info",
            "gauge",
            "The version that runs.",
            &[(format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), "1".to_owned())],
        );
        family(
            "process_start_time_seconds",
            "gauge",
            "When the process started, in seconds since 1970.",
            &one(seconds(self.started.timestamp_millis())),
        );
        family(
            "quick_commerce_uptime_seconds",
            "gauge",
            "How long it has been running.",
            &one(seconds((now - self.started).num_milliseconds().max(0))),
        );
        let answers: Vec<_> = (1..)
            .zip(&self.answers)
            .map(|(class, count)| (format!("{{status=\"{class}xx\"}}"), count.load(Ordering::Relaxed).to_string()))
            .collect();
        family("quick_commerce_http_requests_total", "counter", "HTTP requests by class of status.", &answers);
        family(
            "quick_commerce_database_statements_total",
            "counter",
            "SQL statements sent to the database.",
            &one(statements.to_string()),
        );
        family(
            "quick_commerce_cache_reads_total",
            "counter",
            "Reads of the catalogue, answered from memory or from the database.",
            &[("hit", cache.hits), ("miss", cache.misses)].map(|(of, n)| (format!("{{answer=\"{of}\"}}"), n.to_string())),
        );
        family("quick_commerce_cache_entries", "gauge", "What the cache holds.", &one(cache.entries.to_string()));
        family(
            "quick_commerce_websocket_connections",
            "gauge",
            "Open WebSockets.",
            &one(self.sockets.load(Ordering::Relaxed).to_string()),
        );
        family(
            "quick_commerce_event_streams",
            "gauge",
            "Open event streams.",
            &one(self.streams.load(Ordering::Relaxed).to_string()),
        );
        let refused: Vec<_> = REASONS
            .iter()
            .zip(refusals.by_reason)
            .map(|((_, reason), count)| (format!("{{reason=\"{reason}\"}}"), count.to_string()))
            .collect();
        family("quick_commerce_refused_total", "counter", "What was refused because a client asked too much.", &refused);
        family(
            "quick_commerce_limits_alone_total",
            "counter",
            "Limits that this instance had to judge alone because Redis was away.",
            &one(refusals.alone.to_string()),
        );
        for (name, help, count) in [
            ("events", "Events that a group of subscriptions was handed.", counts.events),
            ("executions", "Executions for an event: one for each event and group.", counts.executions),
            ("messages", "Answers to events that were handed to subscribers.", counts.messages),
            ("bytes", "Their size in bytes.", counts.bytes),
            ("repairs", "Times that the log was read because the bus may have lost something.", counts.repairs),
            ("lags", "Times that a subscriber fell behind.", counts.lags),
            ("resets", "Times that a subscriber was told to start anew.", counts.resets),
        ] {
            family(&format!("quick_commerce_stream_{name}_total"), "counter", help, &one(count.to_string()));
        }
        for (name, help, count) in [
            ("pending", "Deliveries of the bus that groups have not dealt with yet.", counts.pending),
            ("groups", "Groups of subscriptions that share their answers.", counts.groups),
            ("subscriptions", "Subscriptions that are live.", counts.subscriptions),
        ] {
            family(&format!("quick_commerce_stream_{name}"), "gauge", help, &one(count.to_string()));
        }
        tell_of_jobs(&mut family, jobs);
        text
    }
}

/// What is known of jobs, and of the consumers of the log.
fn tell_of_jobs(family: &mut impl FnMut(&str, &str, &str, &[(String, String)]), jobs: &JobNumbers) {
    let one = |value: String| [(String::new(), value)];
    let counters = [
        ("done", "Jobs that this instance has done.", jobs.done),
        ("failed", "Attempts at a job that failed on this instance.", jobs.failed),
    ];
    for (name, help, count) in counters {
        family(&format!("quick_commerce_jobs_{name}_total"), "counter", help, &one(count.to_string()));
    }
    let kinds = |of: fn(&KindCounts) -> [(&'static str, String); 2]| -> Vec<_> {
        let of_kind = |(kind, counts): &(&'static str, KindCounts)| {
            let kind = *kind;
            of(counts).map(|(outcome, count)| (format!("{{kind=\"{kind}\",outcome=\"{outcome}\"}}"), count))
        };
        jobs.by_kind.iter().flat_map(of_kind).collect()
    };
    let attempts = kinds(|of| [("done", of.done.to_string()), ("failed", of.failed.to_string())]);
    family("quick_commerce_job_attempts_total", "counter", "Attempts at jobs of this instance, by kind.", &attempts);
    let seconds: Vec<_> = jobs
        .by_kind
        .iter()
        .map(|(kind, counts)| (format!("{{kind=\"{kind}\"}}"), format!("{:.3}", counts.time.as_secs_f64())))
        .collect();
    family("quick_commerce_job_seconds_total", "counter", "How long these attempts took together, by kind.", &seconds);
    family(
        "quick_commerce_refunds_failed_total",
        "counter",
        "Refunds that failed, as this instance was told: somebody has to see to the money.",
        &one(jobs.refunds_failed.to_string()),
    );
    if let Some(Backlog { waiting, dead }) = jobs.backlog {
        let gauges = [
            ("waiting", "Jobs that are yet to be done, by any instance.", waiting),
            ("dead", "Jobs that were given up, and wait for somebody to look.", dead),
        ];
        for (name, help, count) in gauges {
            family(&format!("quick_commerce_jobs_{name}"), "gauge", help, &one(count.to_string()));
        }
    }
    if !jobs.lags.is_empty() {
        let lags: Vec<_> =
            jobs.lags.iter().map(|(name, lag)| (format!("{{consumer=\"{name}\"}}"), lag.to_string())).collect();
        family("quick_commerce_consumer_lag_events", "gauge", "Events that a consumer has yet to take.", &lags);
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use std::time::Duration;

    use super::*;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let started = DateTime::from_timestamp_millis(1_700_000_000_050).unwrap();
        let metrics = Arc::new(Metrics::new(started));
        metrics.answered(StatusCode::OK);
        metrics.answered(StatusCode::NOT_FOUND);
        metrics.answered(StatusCode::NOT_FOUND);
        let (open, _streams) = (metrics.socket(), [metrics.stream(), metrics.stream()]);
        let counts = Counts {
            events: 10,
            executions: 11,
            messages: 12,
            bytes: 13,
            repairs: 14,
            lags: 15,
            resets: 16,
            pending: 19,
            groups: 17,
            subscriptions: 18,
        };
        let cache = CacheCounts { hits: 30, misses: 31, entries: 32 };
        let lags = vec![("webhooks".to_owned(), 24)];
        let time = Duration::from_millis(1_500);
        let by_kind = vec![("payments.refund", KindCounts { done: 26, failed: 27, time })];
        let backlog = Some(Backlog { waiting: 22, dead: 23 });
        let jobs = JobNumbers { done: 20, failed: 21, by_kind, backlog, lags, refunds_failed: 25 };
        let refusals = Refusals { by_reason: [40, 41, 42, 43], alone: 44 };
        let text = metrics.text(started + TimeDelta::milliseconds(1_250), 7, cache, counts, &jobs, refusals);
        for line in [
            "# TYPE quick_commerce_http_requests_total counter",
            "quick_commerce_database_statements_total 7",
            "quick_commerce_http_requests_total{status=\"2xx\"} 1",
            "quick_commerce_http_requests_total{status=\"4xx\"} 2",
            "quick_commerce_cache_reads_total{answer=\"hit\"} 30",
            "quick_commerce_cache_reads_total{answer=\"miss\"} 31",
            "quick_commerce_cache_entries 32",
            "quick_commerce_websocket_connections 1",
            "quick_commerce_event_streams 2",
            "process_start_time_seconds 1700000000.050",
            "quick_commerce_uptime_seconds 1.250",
            "# TYPE quick_commerce_stream_events_total counter",
            "quick_commerce_stream_events_total 10",
            "quick_commerce_stream_executions_total 11",
            "quick_commerce_stream_messages_total 12",
            "quick_commerce_stream_bytes_total 13",
            "quick_commerce_stream_repairs_total 14",
            "quick_commerce_stream_lags_total 15",
            "quick_commerce_stream_resets_total 16",
            "# TYPE quick_commerce_stream_groups gauge",
            "quick_commerce_stream_pending 19",
            "quick_commerce_stream_groups 17",
            "quick_commerce_stream_subscriptions 18",
            "quick_commerce_refused_total{reason=\"budget\"} 40",
            "quick_commerce_refused_total{reason=\"attempts\"} 43",
            "quick_commerce_limits_alone_total 44",
            "quick_commerce_jobs_done_total 20",
            "quick_commerce_jobs_failed_total 21",
            "quick_commerce_job_attempts_total{kind=\"payments.refund\",outcome=\"done\"} 26",
            "quick_commerce_job_attempts_total{kind=\"payments.refund\",outcome=\"failed\"} 27",
            "quick_commerce_job_seconds_total{kind=\"payments.refund\"} 1.500",
            "quick_commerce_jobs_waiting 22",
            "quick_commerce_jobs_dead 23",
            "quick_commerce_refunds_failed_total 25",
            "quick_commerce_consumer_lag_events{consumer=\"webhooks\"} 24",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        drop(open);
        let jobs = JobNumbers { backlog: None, ..jobs };
        let text = metrics.text(started, 0, cache, counts, &jobs, Refusals::default());
        assert!(text.contains("quick_commerce_websocket_connections 0\n") && !text.contains("jobs_dead"), "{text}");
    }
}
