//! Hours, days, weeks and months, in UTC.

use chrono::{DateTime, Datelike as _, Months, TimeDelta, Timelike as _, Utc};

use crate::error::Rejection;
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

/// The most days of a report by days: a leap year, and one more for a period that begins within a day.
pub const MAX_DAYS: usize = 367;

/// A time from one moment to a later one, which is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

impl Period {
    /// From `from` to `to`.
    ///
    /// # Errors
    /// A [`Rejection`] at `from` or `to`, when a database knows no such year or there is no time between the two.
    pub fn new(from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Self, Rejection> {
        for (field, at) in [("from", from), ("to", to)] {
            // the type knows more years than a database does
            if !(0..=9999).contains(&at.year()) {
                return Err(Rejection::invalid(field, "Must be in the years 0 to 9999."));
            }
        }
        if from >= to { Err(Rejection::invalid("to", "Must be after `from`.")) } else { Ok(Self { from, to }) }
    }

    /// The first moment.
    #[must_use]
    pub const fn from(self) -> DateTime<Utc> {
        self.from
    }

    /// The first moment that is not in it any more.
    #[must_use]
    pub const fn to(self) -> DateTime<Utc> {
        self.to
    }

    /// The beginnings of the days that it touches, in UTC.
    ///
    /// # Errors
    /// A [`Rejection`] at `to`, when they are more than [`MAX_DAYS`].
    pub fn days(self) -> Result<Vec<DateTime<Utc>>, Rejection> {
        Interval::Day.starts(self.from, self.to, MAX_DAYS).ok_or_else(|| {
            Rejection::invalid("to", format!("The period has more than {MAX_DAYS} days: take a shorter one."))
        })
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
    fn a_period_has_an_end_after_its_beginning() {
        let (before, after) = (at("2024-01-01T00:00:00Z"), at("2024-01-01T00:00:00.000001Z"));
        let period = Period::new(before, after).unwrap();
        assert_eq!((period.from(), period.to()), (before, after));
        assert_eq!(period.days(), Ok(vec![before]));
        let leap_year = |to| Period::new(at("2024-01-01T12:00:00Z"), at(to)).unwrap().days();
        assert_eq!(leap_year("2025-01-01T12:00:00Z").unwrap().len(), MAX_DAYS);
        assert_eq!(leap_year("2025-01-02T12:00:00Z").unwrap_err().field, ["to"]);
        for (from, to, field) in [
            (before, before, "to"),
            (after, before, "to"),
            (DateTime::<Utc>::MIN_UTC, after, "from"),
            (before, DateTime::<Utc>::MAX_UTC, "to"),
        ] {
            assert_eq!(Period::new(from, to).unwrap_err().field, [field]);
        }
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
