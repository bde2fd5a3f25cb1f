//! Where somebody on the road is, as their device says it.

use chrono::{DateTime, TimeDelta, Utc};

use crate::error::Rejection;
use crate::geo::Point;

/// The fastest that anybody is believed to be, in kilometres an hour.
pub const MAX_SPEED_KMH: f64 = 300.0;

/// The coarsest that is of any use, in metres.
pub const MAX_ACCURACY_M: f64 = 10_000.0;

/// How far ahead of ours a device's clock may be.
pub const MAX_AHEAD: TimeDelta = TimeDelta::seconds(10);

/// What a device says. Not yet checked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    /// Where, on the earth.
    pub point: Point,
    /// Degrees clockwise from north.
    pub heading: Option<f64>,
    /// Kilometres an hour.
    pub speed_kmh: Option<f64>,
    /// Radius in metres within which the device is likely to be.
    pub accuracy_m: Option<f64>,
    /// When it was there; now, unless it is said.
    pub recorded_at: Option<DateTime<Utc>>,
}

/// Where somebody was, and when.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Fix {
    /// Where, on the earth.
    pub point: Point,
    /// Degrees clockwise from north, 0 to 360.
    pub heading: Option<f64>,
    /// Kilometres an hour, 0 to [`MAX_SPEED_KMH`].
    pub speed_kmh: Option<f64>,
    /// Radius in metres, 0 to [`MAX_ACCURACY_M`].
    pub accuracy_m: Option<f64>,
    /// When, by the device's clock.
    pub recorded_at: DateTime<Utc>,
    /// When it came, by ours; not known of what a server before 0.1.0 took.
    #[serde(default)]
    pub received_at: Option<DateTime<Utc>>,
}

impl Report {
    /// The fix, when it makes sense `now` and is not older than `keep`.
    ///
    /// # Errors
    /// `INVALID_INPUT` at the field that does not.
    pub fn check(self, now: DateTime<Utc>, keep: TimeDelta) -> Result<Fix, Rejection> {
        within("heading", self.heading, 360.0, "Degrees must be 0 to 360.")?;
        within("speedKmh", self.speed_kmh, MAX_SPEED_KMH, "The speed must be 0 to 300 km/h.")?;
        within("accuracyM", self.accuracy_m, MAX_ACCURACY_M, "The accuracy must be 0 to 10000 m.")?;
        let recorded_at = self.recorded_at.unwrap_or(now);
        let refuse = |message: &str| Err(Rejection::invalid("recordedAt", message));
        // a difference of any two times is a number of microseconds: nothing overflows
        if recorded_at.signed_duration_since(now) > MAX_AHEAD {
            return refuse("This is in the future.");
        }
        if now.signed_duration_since(recorded_at) >= keep {
            return refuse("This is too long ago to be of use.");
        }
        let Self { point, heading, speed_kmh, accuracy_m, .. } = self;
        Ok(Fix { point, heading, speed_kmh, accuracy_m, recorded_at, received_at: Some(now) })
    }
}

fn within(field: &str, value: Option<f64>, most: f64, message: &str) -> Result<(), Rejection> {
    if value.is_none_or(|value| (0.0..=most).contains(&value)) { Ok(()) } else { Err(Rejection::invalid(field, message)) }
}

impl Fix {
    /// Whether somebody was there no sooner than `since`: whatever their device says, what had come before that was before. That
    /// is as exact as the clock of the process to which it came is equal to the one that `since` is from.
    #[must_use]
    pub fn is_since(&self, since: DateTime<Utc>) -> bool {
        self.received_at.map_or(self.recorded_at, |received| received.min(self.recorded_at)) >= since
    }

    /// Whether it is at least `age` old.
    #[must_use]
    pub fn is_older_than(&self, age: TimeDelta, now: DateTime<Utc>) -> bool {
        now.signed_duration_since(self.recorded_at) >= age
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP: TimeDelta = TimeDelta::minutes(10);

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn report() -> Report {
        let point = Point::new(12.97, 77.59).unwrap();
        Report { point, heading: None, speed_kmh: None, accuracy_m: None, recorded_at: None }
    }

    fn refused(report: Report) -> Option<String> {
        report.check(now(), KEEP).err().map(|refusal| refusal.field.join("."))
    }

    #[test]
    fn what_makes_sense_is_taken_as_it_is() {
        let full = Report { heading: Some(360.0), speed_kmh: Some(0.0), accuracy_m: Some(MAX_ACCURACY_M), ..report() };
        let fix = full.check(now(), KEEP).unwrap();
        assert_eq!((fix.heading, fix.speed_kmh, fix.accuracy_m), (full.heading, full.speed_kmh, full.accuracy_m));
        assert_eq!((fix.point, fix.recorded_at), (full.point, now()), "now, unless it is said");
    }

    #[test]
    fn what_does_not_is_refused_by_its_field() {
        for bad in [-0.001, 1e9, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(refused(Report { heading: Some(bad), ..report() }).as_deref(), Some("heading"));
            assert_eq!(refused(Report { speed_kmh: Some(bad), ..report() }).as_deref(), Some("speedKmh"));
            assert_eq!(refused(Report { accuracy_m: Some(bad), ..report() }).as_deref(), Some("accuracyM"));
        }
        assert_eq!(refused(Report { heading: Some(360.001), ..report() }).as_deref(), Some("heading"));
    }

    #[test]
    fn times_are_of_the_last_minutes() {
        let second = TimeDelta::seconds(1);
        for (at, is_taken) in [
            (now() + MAX_AHEAD, true),
            (now() + MAX_AHEAD + second, false),
            (now() - KEEP + second, true),
            (now() - KEEP, false),
            (DateTime::<Utc>::MAX_UTC, false),
            (DateTime::<Utc>::MIN_UTC, false),
        ] {
            let refusal = refused(Report { recorded_at: Some(at), ..report() });
            assert_eq!(refusal.as_deref(), (!is_taken).then_some("recordedAt"), "{at}");
        }
    }

    #[test]
    fn a_clock_that_is_ahead_does_not_make_what_was_before_later() {
        let second = TimeDelta::seconds(1);
        let at = |ahead| Report { recorded_at: Some(now() + ahead), ..report() }.check(now(), KEEP).unwrap();
        for (ahead, last) in [(MAX_AHEAD, now()), (TimeDelta::zero(), now()), (-second, now() - second)] {
            assert!(at(ahead).is_since(last) && !at(ahead).is_since(last + TimeDelta::microseconds(1)), "{ahead}");
        }
        assert!(Fix { received_at: None, ..at(MAX_AHEAD) }.is_since(now() + MAX_AHEAD), "what is not known changes nothing");
    }

    #[test]
    fn a_fix_grows_old_and_one_of_a_clock_that_is_ahead_later() {
        let age = TimeDelta::seconds(30);
        let fix = report().check(now(), KEEP).unwrap();
        assert!(!fix.is_older_than(age, now() + age - TimeDelta::milliseconds(1)) && fix.is_older_than(age, now() + age));
        let ahead = Fix { recorded_at: now() + MAX_AHEAD, ..fix };
        assert!(!ahead.is_older_than(age, now() + age));
    }
}
