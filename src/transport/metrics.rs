//! Numbers for Prometheus, in the text format of `OpenMetrics`.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::resources::Resources;
use crate::platform::cache::CacheCounts;
use crate::platform::db::Connections;
use crate::platform::jobs::{Backlog, KindCounts};
use crate::platform::limits::{REASONS, Refusals};
use crate::platform::metrics::Instruments;
use crate::platform::relay::Outbox;
use crate::stream::Counts;

/// The text's media type.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is counted of requests and connections.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    /// Answers by the first digit of their status, 1 to 5.
    answers: [AtomicU64; 5],
    sockets: AtomicI64,
    streams: AtomicI64,
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
    /// Sweeps and clean-ups by their names.
    pub(super) sweeps: Vec<(&'static str, KindCounts)>,
    /// What all instances have before them; none when the database does not answer.
    pub(super) backlog: Option<Backlog>,
    /// How many events each consumer of the log has before it, by its name.
    pub(super) lags: Vec<(String, i64)>,
    /// Refunds that failed, as this instance was told.
    pub(super) refunds_failed: u64,
}

/// What every process knows of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct ProcessNumbers {
    /// When it started.
    pub(super) started: DateTime<Utc>,
    /// The time now.
    pub(super) now: DateTime<Utc>,
    /// What it takes of its machine; none where that is not known.
    pub(super) resources: Option<Resources>,
    /// Statements it has sent to the database.
    pub(super) statements: u64,
    /// Its connections to the database.
    pub(super) connections: Connections,
    /// What its cache has counted.
    pub(super) cache: CacheCounts,
    /// What its limits have counted.
    pub(super) refusals: Refusals,
    /// What waits for the bus; none when the database does not answer.
    pub(super) outbox: Option<Outbox>,
}

type Labels = [(&'static str, String); 1];

/// Numbers that are gathered to be told once.
#[derive(Default)]
pub(super) struct Page(Registry);

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Page")
    }
}

impl Page {
    /// Its text.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // writing to a text does not fail
        let _ = encode(&mut text, &self.0);
        text
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.0.register(format!("quick_commerce_{name}"), help, ConstCounter::new(value));
    }

    fn gauge(&mut self, name: &str, help: &str, value: i64) {
        self.0.register(format!("quick_commerce_{name}"), help, ConstGauge::new(value));
    }

    fn counters(&mut self, name: &str, help: &str, samples: impl IntoIterator<Item = (Labels, u64)>) {
        let family = Family::<Labels, Counter>::default();
        for (labels, value) in samples {
            family.get_or_create(&labels).inc_by(value);
        }
        self.0.register(format!("quick_commerce_{name}"), help, family);
    }

    fn gauges(&mut self, name: &str, help: &str, samples: impl IntoIterator<Item = (Labels, i64)>) {
        let family = Family::<Labels, Gauge>::default();
        for (labels, value) in samples {
            family.get_or_create(&labels).set(value);
        }
        self.0.register(format!("quick_commerce_{name}"), help, family);
    }

    /// What `instruments` have counted.
    pub(super) fn tell_operations(&mut self, instruments: &Instruments) {
        instruments.register(&mut self.0);
    }

    /// The process, and what it shares with others.
    pub(super) fn tell_process(&mut self, process: ProcessNumbers) {
        let ProcessNumbers { started, now, resources, statements, connections, cache, refusals, outbox } = process;
        self.0.register(
            "quick_commerce_build",
            "The version that runs",
            Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]),
        );
        let started_at = seconds(started.timestamp_millis());
        self.0.register("process_start_time_seconds", "When the process started, in seconds since 1970", started_at);
        let uptime = seconds((now - started).num_milliseconds().max(0));
        self.0.register("quick_commerce_uptime_seconds", "How long it has been running", uptime);
        if let Some(resources) = resources {
            self.tell_resources(resources);
        }
        self.counter("database_statements", "SQL statements sent to the database", statements);
        let states = [("busy", connections.busy), ("idle", connections.idle)];
        self.gauges(
            "database_connections",
            "Open connections to the database",
            states.map(|(state, count)| ([("state", state.to_owned())], whole(count))),
        );
        self.gauge("database_connections_limit", "The most connections to the database", whole(connections.limit));
        let reads = [("hit", cache.hits), ("miss", cache.misses)];
        self.counters(
            "cache_reads",
            "Reads of the catalogue, answered from memory or from the database",
            reads.map(|(answer, count)| ([("answer", answer.to_owned())], count)),
        );
        self.gauge("cache_entries", "What the cache holds", whole(cache.entries));
        let refused = REASONS.iter().zip(refusals.by_reason);
        self.counters(
            "refused",
            "What was refused because a client asked too much",
            refused.map(|((_, reason), count)| ([("reason", (*reason).to_owned())], count)),
        );
        let help = "Limits that this instance had to judge alone because Redis was away";
        self.counter("limits_alone", help, refusals.alone);
        if let Some(Outbox { depth, oldest }) = outbox {
            self.gauge("outbox_depth", "Events that are committed and not with the bus yet", whole(depth));
            let lag = oldest.map_or(0, |oldest| (now - oldest).num_milliseconds().max(0));
            self.0.register(
                "quick_commerce_event_lag_seconds",
                "Age of the oldest event that is not with the bus yet",
                seconds(lag),
            );
        }
    }

    /// By the names that Prometheus' own client libraries have for it.
    fn tell_resources(&mut self, Resources { cpu, memory, files, max_files }: Resources) {
        self.0.register("process_cpu_seconds", "Time on processors", ConstCounter::new(cpu));
        self.0.register("process_resident_memory_bytes", "Memory of the process", ConstGauge::new(whole(memory)));
        self.0.register("process_open_fds", "Open files and sockets", ConstGauge::new(whole(files)));
        if let Some(max) = max_files {
            self.0.register("process_max_fds", "The most open files and sockets", ConstGauge::new(whole(max)));
        }
    }

    /// Requests and connections.
    pub(super) fn tell_connections(&mut self, metrics: &Metrics) {
        let answers =
            (1..).zip(&metrics.answers).map(|(class, count)| (format!("{class}xx"), count.load(Ordering::Relaxed)));
        self.counters(
            "http_requests",
            "HTTP requests by class of status",
            answers.map(|(status, count)| ([("status", status)], count)),
        );
        self.gauge("websocket_connections", "Open WebSockets", metrics.sockets.load(Ordering::Relaxed));
        self.gauge("event_streams", "Open event streams", metrics.streams.load(Ordering::Relaxed));
    }

    /// The engine of subscriptions.
    pub(super) fn tell_engine(&mut self, counts: Counts) {
        for (name, help, count) in [
            ("events", "Events that a group of subscriptions was handed", counts.events),
            ("executions", "Executions for an event: one for each event and group", counts.executions),
            ("begun", "Executions that were begun, each for many events", counts.begun),
            ("messages", "Answers to events that were handed to subscribers", counts.messages),
            ("bytes", "Their size in bytes", counts.bytes),
            ("repairs", "Times that the log was read because the bus may have lost something", counts.repairs),
            ("lags", "Times that a subscriber fell behind", counts.lags),
            ("resets", "Times that a subscriber was told to start anew", counts.resets),
        ] {
            self.counter(&format!("stream_{name}"), help, count);
        }
        for (name, help, count) in [
            ("pending", "Deliveries of the bus that groups have not dealt with yet", counts.pending),
            ("waiting", "Subscriptions that wait to be brought up to the present", counts.waiting),
            ("groups", "Groups of subscriptions that share their answers", counts.groups),
            ("subscriptions", "Subscriptions that are live", counts.subscriptions),
        ] {
            self.gauge(&format!("stream_{name}"), help, count);
        }
    }

    /// Jobs, and the consumers of the log.
    pub(super) fn tell_jobs(&mut self, jobs: &JobNumbers) {
        self.counter("jobs_done", "Jobs that this instance has done", jobs.done);
        self.counter("jobs_failed", "Attempts at a job that failed on this instance", jobs.failed);
        let (attempts, times) = by_outcome("kind", &jobs.by_kind);
        self.0.register("quick_commerce_job_attempts", "Attempts at jobs of this instance, by kind", attempts);
        self.0.register("quick_commerce_job_seconds", "How long these attempts took together, by kind", times);
        let (sweeps, times) = by_outcome("sweep", &jobs.sweeps);
        self.0.register("quick_commerce_sweeps", "Looks of this instance for what is due or old", sweeps);
        self.0.register("quick_commerce_sweep_seconds", "How long these looks took together", times);
        let help = "Refunds that failed, as this instance was told: somebody has to see to the money";
        self.counter("refunds_failed", help, jobs.refunds_failed);
        if let Some(Backlog { waiting, dead }) = jobs.backlog {
            self.gauge("jobs_waiting", "Jobs that are yet to be done, by any instance", whole(waiting));
            self.gauge("jobs_dead", "Jobs that were given up, and wait for somebody to look", whole(dead));
        }
        let lags = jobs.lags.iter().map(|(name, lag)| ([("consumer", name.clone())], *lag));
        self.gauges("consumer_lag_events", "Events that a consumer has yet to take", lags);
    }
}

type Outcomes = (Family<[(&'static str, &'static str); 2], Counter>, Family<Labels, Counter<f64, AtomicU64>>);

/// How often each of `counts` was done and failed, and how long that took, under the `label` of their names.
fn by_outcome(label: &'static str, counts: &[(&'static str, KindCounts)]) -> Outcomes {
    let (attempts, times) = Outcomes::default();
    for (name, counts) in counts {
        for (outcome, count) in [("done", counts.done), ("failed", counts.failed)] {
            attempts.get_or_create(&[(label, *name), ("outcome", outcome)]).inc_by(count);
        }
        times.get_or_create(&[(label, (*name).to_owned())]).inc_by(counts.time.as_secs_f64());
    }
    (attempts, times)
}

/// Milliseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 have less than 53 bits for a long time to come")]
fn seconds(milliseconds: i64) -> ConstGauge<f64> {
    ConstGauge::new(milliseconds as f64 / 1_000.0)
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let started = DateTime::from_timestamp_millis(1_700_000_000_050).unwrap();
        let metrics = Arc::new(Metrics::default());
        metrics.answered(StatusCode::OK);
        metrics.answered(StatusCode::NOT_FOUND);
        metrics.answered(StatusCode::NOT_FOUND);
        let (_open, _streams) = (metrics.socket(), [metrics.stream(), metrics.stream()]);
        let counts = Counts {
            events: 10,
            executions: 11,
            begun: 9,
            messages: 12,
            bytes: 13,
            repairs: 14,
            lags: 15,
            resets: 16,
            pending: 19,
            comparisons: 0,
            waiting: 20,
            groups: 17,
            subscriptions: 18,
        };
        let now = started + TimeDelta::milliseconds(1_250);
        let mut page = Page::default();
        page.tell_process(ProcessNumbers {
            started,
            now,
            statements: 7,
            resources: Some(Resources { cpu: 70.25, memory: 71, files: 72, max_files: Some(73) }),
            connections: Connections { busy: 50, idle: 51, limit: 52 },
            cache: CacheCounts { hits: 30, misses: 31, entries: 32 },
            refusals: Refusals { by_reason: [40, 41, 42, 43, 43], alone: 44 },
            outbox: Some(Outbox { depth: 60, oldest: Some(now - TimeDelta::milliseconds(500)) }),
        });
        page.tell_connections(&metrics);
        page.tell_engine(counts);
        let time = Duration::from_millis(1_500);
        page.tell_jobs(&JobNumbers {
            done: 20,
            failed: 21,
            by_kind: vec![("payments.refund", KindCounts { done: 26, failed: 27, time })],
            sweeps: vec![("dispatch.expire_claims", KindCounts { done: 28, failed: 29, time })],
            backlog: Some(Backlog { waiting: 22, dead: 23 }),
            lags: vec![("webhooks".to_owned(), 24)],
            refunds_failed: 25,
        });
        let text = page.text();
        for line in [
            "# TYPE quick_commerce_http_requests counter",
            "quick_commerce_build_info{version=\"0.1.0\"} 1",
            "quick_commerce_database_statements_total 7",
            "quick_commerce_database_connections{state=\"busy\"} 50",
            "quick_commerce_database_connections{state=\"idle\"} 51",
            "quick_commerce_database_connections_limit 52",
            "quick_commerce_http_requests_total{status=\"2xx\"} 1",
            "quick_commerce_http_requests_total{status=\"4xx\"} 2",
            "quick_commerce_http_requests_total{status=\"5xx\"} 0",
            "quick_commerce_cache_reads_total{answer=\"hit\"} 30",
            "quick_commerce_cache_reads_total{answer=\"miss\"} 31",
            "quick_commerce_cache_entries 32",
            "quick_commerce_websocket_connections 1",
            "quick_commerce_event_streams 2",
            "process_start_time_seconds 1700000000.05",
            "process_cpu_seconds_total 70.25",
            "process_resident_memory_bytes 71",
            "process_open_fds 72",
            "process_max_fds 73",
            "quick_commerce_uptime_seconds 1.25",
            "quick_commerce_outbox_depth 60",
            "quick_commerce_event_lag_seconds 0.5",
            "quick_commerce_stream_events_total 10",
            "quick_commerce_stream_executions_total 11",
            "quick_commerce_stream_begun_total 9",
            "quick_commerce_stream_messages_total 12",
            "quick_commerce_stream_bytes_total 13",
            "quick_commerce_stream_repairs_total 14",
            "quick_commerce_stream_lags_total 15",
            "quick_commerce_stream_resets_total 16",
            "# TYPE quick_commerce_stream_groups gauge",
            "quick_commerce_stream_pending 19",
            "quick_commerce_stream_groups 17",
            "quick_commerce_stream_subscriptions 18",
            "quick_commerce_jobs_done_total 20",
            "quick_commerce_jobs_failed_total 21",
            "quick_commerce_jobs_waiting 22",
            "quick_commerce_jobs_dead 23",
            "quick_commerce_consumer_lag_events{consumer=\"webhooks\"} 24",
            "quick_commerce_refunds_failed_total 25",
            "quick_commerce_job_attempts_total{kind=\"payments.refund\",outcome=\"done\"} 26",
            "quick_commerce_job_attempts_total{kind=\"payments.refund\",outcome=\"failed\"} 27",
            "quick_commerce_job_seconds_total{kind=\"payments.refund\"} 1.5",
            "quick_commerce_sweeps_total{sweep=\"dispatch.expire_claims\",outcome=\"done\"} 28",
            "quick_commerce_sweeps_total{sweep=\"dispatch.expire_claims\",outcome=\"failed\"} 29",
            "quick_commerce_sweep_seconds_total{sweep=\"dispatch.expire_claims\"} 1.5",
            "quick_commerce_refused_total{reason=\"budget\"} 40",
            "quick_commerce_refused_total{reason=\"attempts\"} 43",
            "quick_commerce_limits_alone_total 44",
            "# EOF",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_told() {
        let started = DateTime::from_timestamp_millis(1_700_000_000_050).unwrap();
        let mut page = Page::default();
        page.tell_process(ProcessNumbers {
            started,
            now: started,
            statements: 0,
            resources: None,
            connections: Connections { busy: 0, idle: 0, limit: 0 },
            cache: CacheCounts { hits: 0, misses: 0, entries: 0 },
            refusals: Refusals::default(),
            outbox: None,
        });
        let (by_kind, sweeps, lags) = Default::default();
        page.tell_jobs(&JobNumbers { done: 0, failed: 0, by_kind, sweeps, backlog: None, lags, refunds_failed: 0 });
        let text = page.text();
        assert!(!text.contains("quick_commerce_jobs_waiting") && !text.contains("quick_commerce_outbox_depth"), "{text}");
        assert!(!text.contains("process_open_fds"), "{text}");
    }
}
