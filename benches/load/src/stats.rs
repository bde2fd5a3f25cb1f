//! What many measurements come to.

use serde::Serialize;

/// Delays, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Delays {
    /// How many were measured.
    pub(crate) count: usize,
    /// Half are at most this.
    pub(crate) p50_us: i64,
    /// 99 of 100 are at most this.
    pub(crate) p99_us: i64,
    /// The longest.
    pub(crate) max_us: i64,
}

impl Delays {
    /// Of `delays`, in any order; `None` when there are none.
    pub(crate) fn of(mut delays: Vec<i64>) -> Option<Self> {
        delays.sort_unstable();
        let max_us = *delays.last()?;
        Some(Self { count: delays.len(), p50_us: percentile(&delays, 50)?, p99_us: percentile(&delays, 99)?, max_us })
    }
}

/// The smallest of the sorted `values` that at least `percent` of a hundred do not exceed.
fn percentile(values: &[i64], percent: usize) -> Option<i64> {
    let rank = (values.len() * percent).div_ceil(100).max(1);
    values.get(rank - 1).copied()
}

/// `part` for each of `count`; zero when there is none.
#[expect(clippy::cast_precision_loss, reason = "what is counted here is far below 2^53")]
pub(crate) fn each(part: f64, count: u64) -> f64 {
    if count == 0 { 0.0 } else { part / count as f64 }
}

/// `count` in `microseconds`, for each second.
#[expect(clippy::cast_precision_loss, reason = "what is counted here is far below 2^53")]
pub(crate) fn per_second(count: u64, microseconds: i64) -> f64 {
    if microseconds <= 0 { 0.0 } else { count as f64 * 1e6 / microseconds as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_measured_values_and_never_between_two() {
        let delays = Delays::of((1..=200).rev().collect()).unwrap();
        assert_eq!(delays, Delays { count: 200, p50_us: 100, p99_us: 198, max_us: 200 });
        assert_eq!(Delays::of(vec![7]), Some(Delays { count: 1, p50_us: 7, p99_us: 7, max_us: 7 }));
        assert_eq!(Delays::of(vec![-3, 9]), Some(Delays { count: 2, p50_us: -3, p99_us: 9, max_us: 9 }));
        assert_eq!(Delays::of(Vec::new()), None);
    }

    #[test]
    fn a_rate_of_nothing_is_nothing() {
        assert!((per_second(500, 250_000) - 2000.0).abs() < 1e-9);
        assert!((each(10.0, 4) - 2.5).abs() < 1e-9);
        assert!(per_second(1, 0).abs() < 1e-9 && each(1.0, 0).abs() < 1e-9);
    }
}
