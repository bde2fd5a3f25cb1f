//! The time of the machine, which every process on it reads alike.

use std::time::{SystemTime, UNIX_EPOCH};

/// Microseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "what is measured is real time, between processes that share no other clock")]
pub(crate) fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Microseconds since 1970 of a time as the API writes it (RFC 3339); `None` when it is none.
pub(crate) fn parse_us(text: &str) -> Option<i64> {
    Some(chrono::DateTime::parse_from_rfc3339(text).ok()?.timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_to_the_microsecond_whatever_its_zone() {
        assert_eq!(parse_us("1970-01-01T00:00:01.000002+00:00"), Some(1_000_002));
        assert_eq!(parse_us("1970-01-01T05:30:01.5+05:30"), Some(1_500_000));
        assert_eq!(parse_us("yesterday"), None);
    }
}
