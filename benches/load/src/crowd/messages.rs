//! What is said between the program and the processes of its clients: a line of JSON each.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// What a crowd is to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    Open(Open),
    Begin { is_recording: bool },
    Await { events: u32 },
    Return(Return),
}

/// What it says to that.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    Opened(Opened),
    Begun,
    Seen(Seen),
}

/// Sockets to open, each with one subscription.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Open {
    /// The servers, in turn.
    pub(crate) servers: Vec<SocketAddr>,
    /// Access tokens, in turn.
    pub(crate) tokens: Vec<String>,
    /// What they subscribe to.
    pub(crate) document: String,
    /// How many.
    pub(crate) count: usize,
    /// The last two numbers of the first loopback address to connect from.
    pub(crate) source: u16,
    /// Each keeps what it was told, and from where it goes on when it has to come back: `after` of the document.
    pub(crate) may_return: bool,
}

/// All sockets come back at once, each from where it was, whatever became of its connection.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Return {
    /// To these servers, in turn.
    pub(crate) servers: Vec<SocketAddr>,
    /// From one to so many of the newest events had not reached a socket yet when its connection broke, in turn.
    pub(crate) lost: usize,
    /// A socket that has so many events since they were counted anew has been told everything.
    pub(crate) events: u32,
}

/// What came of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Opened {
    /// Those that have their snapshot.
    pub(crate) open: u64,
    /// Those that have none.
    pub(crate) failed: u64,
    /// Why the first of them failed.
    pub(crate) reason: Option<String>,
    /// Events that all of them together had before they came back.
    pub(crate) had: u64,
}

impl Opened {
    /// Adds what came of others.
    pub(super) fn add(&mut self, other: Self) {
        self.open += other.open;
        self.failed += other.failed;
        self.had += other.had;
        self.reason = self.reason.take().or(other.reason);
    }
}

/// Events that arrived.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// All receipts.
    pub(crate) messages: u64,
    /// Sockets that have at least as many events as were waited for.
    pub(crate) complete: u64,
    /// Sockets that broke or were closed, since they were opened.
    pub(crate) closed: u64,
    /// How the first of them ended.
    pub(crate) reason: Option<String>,
    /// When the last receipt was, in microseconds since 1970; zero when there was none.
    pub(crate) last_us: i64,
    /// One message as it came.
    pub(crate) sample: Option<String>,
    /// Each event, if they were recorded; once for each process.
    pub(crate) events: Vec<Event>,
    /// Receipts of what a socket had been told before.
    pub(crate) again: u64,
    /// How long after they set out to come back each socket had been told everything, in microseconds.
    pub(crate) back: Vec<i64>,
}

impl Seen {
    /// Adds what others saw.
    pub(super) fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.complete += other.complete;
        self.closed += other.closed;
        self.reason = self.reason.take().or(other.reason);
        self.last_us = self.last_us.max(other.last_us);
        self.sample = self.sample.take().or(other.sample);
        self.events.extend(other.events);
        self.again += other.again;
        self.back.extend(other.back);
    }
}

/// An event that was received.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Event {
    /// The order that it is about.
    pub(crate) order: String,
    /// When the server says that it happened, in microseconds since 1970.
    pub(crate) at_us: i64,
    /// How much later each socket had it, in microseconds.
    pub(crate) delays: Vec<i64>,
}
