//! What was measured of clients that all come back at once.

use serde::Serialize;

use super::{lost, ms, us};
use crate::stats::Delays;

/// Clients that come back at once, because their instance died.
#[derive(Debug, Serialize)]
pub(crate) struct Storm {
    /// What they follow.
    pub(crate) follows: &'static str,
    /// Those who were there before.
    pub(crate) sockets: u64,
    /// The users that they are of.
    pub(crate) users: usize,
    /// Those who could not come back.
    pub(crate) failed: u64,
    /// Events that one missed, on average.
    pub(crate) missed_each: f64,
    /// How long it took to subscribe for the first time, some after the others.
    pub(crate) opening_us: i64,
    /// Of one who subscribes for the first time.
    pub(crate) first: Cost,
    /// How long after they set out they were told all that they had missed.
    pub(crate) back_us: Option<Delays>,
    /// Of one who comes back.
    pub(crate) back: Cost,
    /// Processor time of one who comes back, by that of one who subscribes for the first time.
    pub(crate) ratio: f64,
    /// Events that all were to be told of, together: before, meanwhile and afterwards; with those who were there already.
    pub(crate) expected: u64,
    /// Those of them that they were told of.
    pub(crate) told: u64,
    /// How often they were told again of what they had been told of.
    pub(crate) again: u64,
    /// Those whose connection broke after they had set out.
    pub(crate) closed: u64,
    /// What others asked of the instance that they come to.
    pub(crate) requests: Requests,
}

/// What a server uses for one.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Cost {
    /// Processor time, in microseconds.
    pub(crate) cpu_us_each: f64,
    /// Statements to its database; `None` when it does not report them.
    pub(crate) statements_each: Option<f64>,
}

/// How long ordinary requests took.
#[derive(Debug, Serialize)]
pub(crate) struct Requests {
    /// While nothing else happened.
    pub(crate) before: Option<Delays>,
    /// While the clients came back.
    pub(crate) during: Option<Delays>,
}

pub(super) const STORM: &[&str] = &[
    "clients come back at once",
    "clients",
    "users",
    "missed, each",
    "half are back in",
    "all are back in",
    "all were there at first in",
    "CPU a first time",
    "CPU a return",
    "ratio",
    "statements a first time",
    "statements a return",
    "lost",
    "told twice",
];

pub(super) const REQUESTS: &[&str] = &[
    "requests meanwhile",
    "clients",
    "before: requests",
    "p50",
    "p99",
    "during: requests",
    "p50 then",
    "p99 then",
    "ratio of p50",
    "ratio of p99",
];

impl Storm {
    /// Clients who could not come back or were cut off, and events that were lost or came twice.
    pub(super) const fn failures(&self) -> u64 {
        self.failed + self.closed + self.expected.abs_diff(self.told) + self.again
    }

    pub(super) fn cells(&self) -> Vec<String> {
        vec![
            self.follows.to_owned(),
            self.sockets.to_string(),
            self.users.to_string(),
            format!("{:.1}", self.missed_each),
            delay(self.back_us, |delays| delays.p50_us),
            delay(self.back_us, |delays| delays.max_us),
            ms(self.opening_us),
            us(self.first.cpu_us_each),
            us(self.back.cpu_us_each),
            format!("{:.2}", self.ratio),
            self.first.statements(),
            self.back.statements(),
            lost(self.expected, self.told),
            self.again.to_string(),
        ]
    }

    pub(super) fn request_cells(&self) -> Vec<String> {
        let Requests { before, during } = self.requests;
        let count = |delays: Option<Delays>| delays.map_or(0, |delays| delays.count).to_string();
        let ratio = |pick: fn(Delays) -> i64| match before.zip(during) {
            Some((before, during)) if pick(before) > 0 => format!("{:.1}", by(pick(during), pick(before))),
            _ => "none".to_owned(),
        };
        vec![
            self.follows.to_owned(),
            self.sockets.to_string(),
            count(before),
            delay(before, |delays| delays.p50_us),
            delay(before, |delays| delays.p99_us),
            count(during),
            delay(during, |delays| delays.p50_us),
            delay(during, |delays| delays.p99_us),
            ratio(|delays| delays.p50_us),
            ratio(|delays| delays.p99_us),
        ]
    }
}

impl Cost {
    fn statements(self) -> String {
        self.statements_each.map_or_else(|| "not reported".to_owned(), |each| format!("{each:.1}"))
    }
}

fn delay(delays: Option<Delays>, pick: fn(Delays) -> i64) -> String {
    delays.map_or_else(|| "none".to_owned(), |delays| ms(pick(delays)))
}

#[expect(clippy::cast_precision_loss, reason = "a delay is far below 2^53 microseconds")]
fn by(part: i64, whole: i64) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::super::{Report, tests::machine};
    use super::*;

    fn storm() -> Storm {
        Storm {
            follows: "one feed for all",
            sockets: 100,
            users: 4,
            failed: 0,
            missed_each: 7.25,
            opening_us: 90_000,
            first: Cost { cpu_us_each: 200.0, statements_each: Some(3.0) },
            back_us: Delays::of(vec![1500, 2500, 9500]),
            back: Cost { cpu_us_each: 500.0, statements_each: None },
            ratio: 2.5,
            expected: 1000,
            told: 1000,
            again: 0,
            closed: 0,
            requests: Requests { before: Delays::of(vec![1000, 3000]), during: Delays::of(vec![2500]) },
        }
    }

    #[test]
    fn both_tables_have_a_cell_for_each_column() {
        let mut report = Report::new(machine(), "quick-commerce 0.1.0".to_owned());
        report.storm.push(storm());
        let text = report.markdown();
        for columns in [STORM, REQUESTS] {
            let rows = text.lines().filter(|line| line.starts_with('|') && line.matches('|').count() == columns.len() + 1);
            assert_eq!(rows.count(), 3, "{columns:?} in\n{text}");
        }
        let row = "| one feed for all | 100 | 4 | 7.2 | 2.5 ms | 9.5 ms | 90.0 ms | 200.0 µs | 500.0 µs | 2.50 | 3.0 | \
                   not reported | 0 | 0 |";
        assert!(text.contains(row), "{text}");
        let row = "| one feed for all | 100 | 2 | 1.0 ms | 3.0 ms | 1 | 2.5 ms | 2.5 ms | 2.5 | 0.8 |";
        assert!(text.contains(row), "{text}");
    }

    #[test]
    fn whatever_is_lost_or_told_twice_is_a_failure() {
        assert_eq!(storm().failures(), 0);
        assert_eq!(Storm { told: 998, again: 3, failed: 1, closed: 4, ..storm() }.failures(), 2 + 3 + 1 + 4);
    }
}
