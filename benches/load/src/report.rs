//! What was measured, as tables and as JSON.

mod storm;

use std::fmt::Write as _;

use serde::Serialize;

pub(crate) use self::storm::{Cost, Requests, Storm};
use crate::machine::Machine;
use crate::stats::Delays;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: Machine,
    server: String,
    notes: Vec<String>,
    pub(crate) feed: Vec<Feed>,
    pub(crate) latency: Vec<Latency>,
    pub(crate) storm: Vec<Storm>,
    pub(crate) idle: Option<Idle>,
}

/// One feed with many subscribers.
#[derive(Debug, Serialize)]
pub(crate) struct Feed {
    /// Sockets that were open.
    pub(crate) sockets: u64,
    /// Sockets that could not be opened.
    pub(crate) failed: u64,
    /// Bytes of a message, without the frame around it.
    pub(crate) message_bytes: usize,
    /// Resident memory of the server for each idle socket with its subscription, in bytes.
    pub(crate) memory_each: f64,
    /// By the server.
    pub(crate) delivery: Delivery,
    /// Processor time of an order that nobody hears of, in microseconds.
    pub(crate) order_us: f64,
    /// By the server's own account; `None` when it does not report them.
    pub(crate) executions: Option<Executions>,
    /// By the broadcaster.
    pub(crate) bare: Bare,
    /// The server's processor time for a message, without that for the orders, by the broadcaster's at the same rate.
    pub(crate) ratio: f64,
}

/// Events, delivered to all subscribers.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Delivery {
    /// How many were caused.
    pub(crate) events: u64,
    /// Messages that arrived.
    pub(crate) messages: u64,
    /// Messages that were to arrive.
    pub(crate) expected: u64,
    /// From before the first event was caused to the last receipt.
    pub(crate) microseconds: i64,
    /// How fast they were caused.
    pub(crate) events_per_second: f64,
    /// How fast they arrived.
    pub(crate) messages_per_second: f64,
    /// Processor time of the server, in microseconds for each message.
    pub(crate) cpu_us_each: f64,
    /// The same without what the cause, an order, costs by itself.
    pub(crate) own_us_each: f64,
    /// Processor time of the clients, in microseconds for each message.
    pub(crate) client_us_each: f64,
}

/// The broadcaster's part.
#[derive(Debug, Serialize)]
pub(crate) struct Bare {
    /// As [`Feed::memory_each`].
    pub(crate) memory_each: f64,
    /// With events as often as the server had them.
    pub(crate) same_rate: Delivery,
    /// As fast as it can.
    pub(crate) flat_out: Delivery,
}

/// What the server's metrics grew by, and what they were in the end.
#[derive(Debug, Serialize)]
pub(crate) struct Executions {
    pub(crate) events: f64,
    pub(crate) done: f64,
    pub(crate) messages: f64,
    pub(crate) groups: f64,
    pub(crate) subscriptions: f64,
}

/// From commit to receipt.
#[derive(Debug, Serialize)]
pub(crate) struct Latency {
    /// Where.
    pub(crate) shape: &'static str,
    /// Sockets that were open.
    pub(crate) sockets: u64,
    /// Sockets that could not be opened.
    pub(crate) failed: u64,
    /// Orders placed.
    pub(crate) orders_per_second: u32,
    /// Other requests answered.
    pub(crate) work_per_second: f64,
    /// Receipts that were to be.
    pub(crate) expected: u64,
    /// From the event's time, which is shortly before its commit.
    pub(crate) from_commit: Option<Delays>,
    /// From the receipt of the answer to whoever caused it.
    pub(crate) from_answer: Option<Delays>,
}

/// Sockets without work.
#[derive(Debug, Serialize)]
pub(crate) struct Idle {
    /// Sockets that were open.
    pub(crate) sockets: u64,
    /// Sockets that could not be opened.
    pub(crate) failed: u64,
    /// Server processes that held them.
    pub(crate) instances: usize,
    /// Resident memory of all servers, in bytes.
    pub(crate) memory: u64,
    /// What of it is each socket's.
    pub(crate) memory_each: f64,
    /// How long it took to open them.
    pub(crate) opening_us: i64,
    /// Sockets that got the one event.
    pub(crate) reached: u64,
    /// From before it was caused to the last receipt.
    pub(crate) reached_us: i64,
    /// Resident memory of all servers after that, in bytes.
    pub(crate) memory_afterwards: u64,
}

impl Report {
    /// Of `server`, a name and version, on `machine`; empty.
    pub(crate) fn new(machine: Machine, server: String) -> Self {
        let (notes, feed, latency) = (Vec::new(), Vec::new(), Vec::new());
        Self { machine, server, notes, feed, latency, storm: Vec::new(), idle: None }
    }

    /// Adds what a reader must know.
    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// What the server did not do: messages that did not arrive, or twice, and sockets that could not be opened.
    pub(crate) fn failures(&self) -> u64 {
        let feed = self.feed.iter().map(|feed| feed.failed + feed.delivery.expected.abs_diff(feed.delivery.messages));
        let arrived = |latency: &Latency| latency.from_commit.map_or(0, |delays| delays.count as u64);
        let latency = self.latency.iter().map(|latency| latency.failed + latency.expected.abs_diff(arrived(latency)));
        let idle = self.idle.iter().map(|idle| idle.failed + idle.sockets.abs_diff(idle.reached));
        feed.chain(latency).chain(idle).chain(self.storm.iter().map(Storm::failures)).sum()
    }

    /// For the README.
    pub(crate) fn markdown(&self) -> String {
        let Machine { cores, processor, memory, kernel, files } = &self.machine;
        let mut text = format!(
            "{} on {cores} cores ({processor}) with {} GiB, Linux {kernel}, {files} open files a process. Server, clients and \
             databases share the cores.\n",
            self.server,
            memory.div_ceil(1 << 30),
        );
        for note in &self.notes {
            let _ = write!(text, "\n{note}\n");
        }
        if !self.feed.is_empty() {
            table(&mut text, FEED, self.feed.iter().map(Feed::cells));
            table(&mut text, BARE, self.feed.iter().map(Feed::bare_cells));
        }
        if !self.latency.is_empty() {
            table(&mut text, LATENCY, self.latency.iter().map(Latency::cells));
        }
        if !self.storm.is_empty() {
            table(&mut text, storm::STORM, self.storm.iter().map(Storm::cells));
            table(&mut text, storm::REQUESTS, self.storm.iter().map(Storm::request_cells));
        }
        if let Some(idle) = &self.idle {
            table(&mut text, IDLE, std::iter::once(idle.cells()));
        }
        text
    }
}

const FEED: &[&str] = &[
    "subscribers",
    "memory a socket",
    "messages/s",
    "CPU a message",
    "of it for delivery",
    "by the bare broadcaster",
    "ratio",
    "ratio with the orders",
    "executions an event and group",
    "lost",
];

const BARE: &[&str] = &[
    "subscribers",
    "bytes a message",
    "orders/s",
    "CPU an order by itself",
    "clients' CPU a message",
    "bare: memory a socket",
    "bare: messages/s at most",
    "bare: CPU a message then",
    "bare: lost",
];

const LATENCY: &[&str] = &[
    "from commit to receipt",
    "subscribers",
    "orders/s",
    "other requests/s",
    "p50",
    "p99",
    "max",
    "p50 from the answer",
    "p99 from the answer",
    "lost",
];

const IDLE: &[&str] = &[
    "idle sockets",
    "failed",
    "server processes",
    "memory a socket",
    "memory in all",
    "opened in",
    "got one event",
    "within",
];

impl Feed {
    fn cells(&self) -> Vec<String> {
        vec![
            self.sockets.to_string(),
            kib(self.memory_each),
            format!("{:.0}", self.delivery.messages_per_second),
            us(self.delivery.cpu_us_each),
            us(self.delivery.own_us_each),
            us(self.bare.same_rate.cpu_us_each),
            format!("{:.2}", self.ratio),
            format!("{:.2}", self.delivery.cpu_us_each / self.bare.same_rate.cpu_us_each),
            self.executions.as_ref().map_or_else(|| "not reported".to_owned(), Executions::cell),
            lost(self.delivery.expected, self.delivery.messages),
        ]
    }

    fn bare_cells(&self) -> Vec<String> {
        let flat_out = &self.bare.flat_out;
        let expected = self.bare.same_rate.expected + flat_out.expected;
        vec![
            self.sockets.to_string(),
            self.message_bytes.to_string(),
            format!("{:.1}", self.delivery.events_per_second),
            us(self.order_us),
            us(self.delivery.client_us_each),
            kib(self.bare.memory_each),
            format!("{:.0}", flat_out.messages_per_second),
            us(flat_out.cpu_us_each),
            lost(expected, self.bare.same_rate.messages + flat_out.messages),
        ]
    }
}

impl Executions {
    /// What the server's metrics say of one event and group, beside the sums that it comes from.
    fn cell(&self) -> String {
        let Self { events, done, groups, .. } = self;
        let each = if events * groups > 0.0 { done / (events * groups) } else { 0.0 };
        format!("{each:.2} ({done:.0} / {events:.0} × {groups:.0})")
    }
}

impl Latency {
    fn cells(&self) -> Vec<String> {
        let ms = |delays: Option<Delays>, pick: fn(Delays) -> i64| delays.map_or_else(|| "none".to_owned(), |d| ms(pick(d)));
        vec![
            self.shape.to_owned(),
            self.sockets.to_string(),
            self.orders_per_second.to_string(),
            format!("{:.0}", self.work_per_second),
            ms(self.from_commit, |delays| delays.p50_us),
            ms(self.from_commit, |delays| delays.p99_us),
            ms(self.from_commit, |delays| delays.max_us),
            ms(self.from_answer, |delays| delays.p50_us),
            ms(self.from_answer, |delays| delays.p99_us),
            lost(self.expected, self.from_commit.map_or(0, |delays| delays.count as u64)),
        ]
    }
}

impl Idle {
    fn cells(&self) -> Vec<String> {
        vec![
            self.sockets.to_string(),
            self.failed.to_string(),
            self.instances.to_string(),
            kib(self.memory_each),
            format!("{} MiB", self.memory >> 20),
            ms(self.opening_us),
            self.reached.to_string(),
            ms(self.reached_us),
        ]
    }
}

fn table(text: &mut String, head: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let _ = write!(text, "\n| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
}

/// What did not arrive; more than expected is as wrong.
fn lost(expected: u64, arrived: u64) -> String {
    if arrived > expected { format!("{} too many", arrived - expected) } else { (expected - arrived).to_string() }
}

fn kib(bytes: f64) -> String {
    format!("{:.1} KiB", bytes / 1024.0)
}

fn us(microseconds: f64) -> String {
    format!("{microseconds:.1} µs")
}

#[expect(clippy::cast_precision_loss, reason = "a delay is far below 2^53 microseconds")]
fn ms(microseconds: i64) -> String {
    format!("{:.1} ms", microseconds as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(cpu_us_each: f64) -> Delivery {
        Delivery {
            events: 10,
            messages: 999,
            expected: 1000,
            microseconds: 1_000_000,
            events_per_second: 10.0,
            messages_per_second: 999.0,
            cpu_us_each,
            own_us_each: cpu_us_each - 1.0,
            client_us_each: 2.0,
        }
    }

    pub(super) fn machine() -> Machine {
        Machine { cores: 2, processor: "P".to_owned(), memory: 1 << 34, kernel: "6".to_owned(), files: 4096 }
    }

    #[test]
    fn every_table_has_a_cell_for_each_column() {
        let mut report = Report::new(machine(), "quick-commerce 0.1.0".to_owned());
        report.note("A note.".to_owned());
        report.feed.push(Feed {
            sockets: 100,
            failed: 0,
            message_bytes: 400,
            memory_each: 10_240.0,
            delivery: delivery(7.0),
            order_us: 100.0,
            executions: Some(Executions { events: 10.0, done: 20.0, messages: 999.0, groups: 2.0, subscriptions: 100.0 }),
            bare: Bare { memory_each: 6861.0, same_rate: delivery(5.0), flat_out: delivery(5.5) },
            ratio: 1.2,
        });
        let delays = Delays::of(vec![1500, 2500]);
        report.latency.push(Latency {
            shape: "one",
            sockets: 100,
            failed: 0,
            orders_per_second: 10,
            work_per_second: 49.8,
            expected: 2,
            from_commit: delays,
            from_answer: None,
        });
        report.idle = Some(Idle {
            sockets: 100,
            failed: 0,
            instances: 1,
            memory: 1 << 30,
            memory_each: 10_240.0,
            opening_us: 5_000_000,
            reached: 100,
            reached_us: 250_000,
            memory_afterwards: 1 << 30,
        });
        let text = report.markdown();
        for columns in [FEED, BARE, LATENCY, IDLE] {
            let rows = text.lines().filter(|line| line.starts_with('|') && line.matches('|').count() == columns.len() + 1);
            assert!(rows.count() >= 3, "{columns:?} in\n{text}");
        }
        assert!(
            text.contains("| 100 | 10.0 KiB | 999 | 7.0 µs | 6.0 µs | 5.0 µs | 1.20 | 1.40 | 1.00 (20 / 10 × 2) | 1 |"),
            "{text}"
        );
        assert!(text.contains("| one | 100 | 10 | 50 | 1.5 ms | 2.5 ms | 2.5 ms | none | none | 0 |"), "{text}");
        assert_eq!(report.failures(), 1, "the one that the delivery lacks");
        assert!(text.contains("with 16 GiB") && text.contains("\nA note.\n"), "{text}");
    }
}
