//! Hours, days, weeks and months, in UTC.

use chrono::{DateTime, Datelike as _, Months, TimeDelta, Timelike as _, Utc};

use crate::named::named_enum;

named_enum! {
    /// What a period is cut into.
    pub enum Interval {
        /// From the full hour.
        Hour = "HOUR",
        /// From midnight.
        Day = "DAY",
        /// From Monday's midnight.
        Week = "WEEK",
        /// From the midnight that the first of the month begins with.
        Month = "MONTH",
    }
}

impl Interval {
    /// The beginning of the interval that `at` is in.
    #[must_use]
    pub fn start(self, at: DateTime<Utc>) -> DateTime<Utc> {
        let day = at.date_naive();
        let day = match self {
            Self::Hour | Self::Day => day,
            Self::Week => day - TimeDelta::days(day.weekday().num_days_from_monday().into()),
            Self::Month => day - TimeDelta::days(day.day0().into()),
        };
        let hour = if self == Self::Hour { at.hour() } else { 0 };
        day.and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::hours(hour.into())
    }

    /// The beginning of the interval after the one that begins at `start`; `None` at the end of time.
    #[must_use]
    pub fn next(self, start: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Hour => start.checked_add_signed(TimeDelta::hours(1)),
            Self::Day => start.checked_add_signed(TimeDelta::days(1)),
            Self::Week => start.checked_add_signed(TimeDelta::days(7)),
            Self::Month => start.checked_add_months(Months::new(1)),
        }
    }

    /// The beginnings of the intervals that `from` to `to` (not included) touches; `None` when they are more than `most`.
    #[must_use]
    pub fn starts(self, from: DateTime<Utc>, to: DateTime<Utc>, most: usize) -> Option<Vec<DateTime<Utc>>> {
        let first = Some(self.start(from));
        let starts = std::iter::successors(first, |start| self.next(*start)).take_while(|start| *start < to);
        let starts: Vec<_> = starts.take(most + 1).collect();
        (starts.len() <= most).then_some(starts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn an_interval_begins_where_the_calendar_says() {
        let moment = at("2024-02-29T23:59:59.999999Z");
        assert_eq!(Interval::Hour.start(moment), at("2024-02-29T23:00:00Z"));
        assert_eq!(Interval::Day.start(moment), at("2024-02-29T00:00:00Z"));
        assert_eq!(Interval::Week.start(moment), at("2024-02-26T00:00:00Z"), "a Monday");
        assert_eq!(Interval::Month.start(moment), at("2024-02-01T00:00:00Z"));
        assert_eq!(Interval::Week.start(at("2024-03-03T12:00:00Z")), at("2024-02-26T00:00:00Z"), "Sunday ends a week");
        assert_eq!(Interval::Week.start(at("2024-01-01T00:00:00Z")), at("2024-01-01T00:00:00Z"));
    }

    #[test]
    fn a_period_is_cut_without_a_gap_and_no_finer_than_asked() {
        let months = Interval::Month.starts(at("2023-12-31T23:00:00Z"), at("2024-03-01T00:00:00Z"), 3).unwrap();
        assert_eq!(months, ["2023-12-01T00:00:00Z", "2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z"].map(at));
        let month = (at("2024-02-01T00:00:00Z"), at("2024-03-01T00:00:00Z"));
        assert_eq!(Interval::Hour.starts(month.0, month.1, 1_000).unwrap().len(), 29 * 24);
        assert_eq!(Interval::Day.starts(month.0, month.1, 28), None);
        assert_eq!(Interval::Day.starts(month.0, month.0, 28), Some(Vec::new()));
    }
}
