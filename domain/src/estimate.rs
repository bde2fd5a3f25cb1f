//! When an order is likely to be at the door.

use chrono::{DateTime, TimeDelta, Utc};

use crate::fix::Fix;
use crate::geo::Point;
use crate::order::OrderStatus::{self, Assigned, Confirmed, InTransit, Pending, PickedUp, Preparing, Ready};

/// Minutes that each stage usually takes, beginning where an order is in it. Those of the stages that are left are added up.
mod minutes {
    /// Until it is paid.
    pub(super) const PAYMENT: i64 = 3;
    /// Until the store begins to pack.
    pub(super) const STORE: i64 = 2;
    /// Packing.
    pub(super) const PACKING: i64 = 6;
    /// Until a partner takes it.
    pub(super) const OFFER: i64 = 3;
    /// The partner's way to the store.
    pub(super) const TO_STORE: i64 = 5;
    /// Between the counter and the road.
    pub(super) const LEAVING: i64 = 1;
    /// From the kerb to the door.
    pub(super) const DOOR: i64 = 2;
}

/// How much longer the road is than the straight line, in tenths.
const DETOUR_TENTHS: i64 = 13;
/// How fast partners are on the road: 5 m/s, which is 18 km/h.
const METRES_PER_SECOND: i64 = 5;
/// Beyond this distance nobody delivers in minutes: there is nothing to estimate by. 100 km.
const MAX_DISTANCE_M: i64 = 100_000;

/// When an order that has been `status` since `since` is likely to be handed over, `distance_m` metres in a straight line from
/// the store. `None` when it is final, or too far away to say.
///
/// It is an estimate from the order's last change, not from now: it moves when the order does, and may have passed.
#[must_use]
pub fn delivery_at(status: OrderStatus, since: DateTime<Utc>, distance_m: i64) -> Option<DateTime<Utc>> {
    if !(0..=MAX_DISTANCE_M).contains(&distance_m) {
        return None;
    }
    let left = |minutes: &[i64]| Some(minutes.iter().sum::<i64>() + minutes::DOOR);
    let minutes = {
        use minutes::{LEAVING, OFFER, PACKING, PAYMENT, STORE, TO_STORE};
        match status {
            Pending => left(&[PAYMENT, STORE, PACKING, OFFER, TO_STORE, LEAVING]),
            Confirmed => left(&[STORE, PACKING, OFFER, TO_STORE, LEAVING]),
            Preparing => left(&[PACKING, OFFER, TO_STORE, LEAVING]),
            Ready => left(&[OFFER, TO_STORE, LEAVING]),
            Assigned => left(&[TO_STORE, LEAVING]),
            PickedUp => left(&[LEAVING]),
            InTransit => left(&[]),
            OrderStatus::Delivered | OrderStatus::Cancelled | OrderStatus::Failed => None,
        }
    }?;
    // a second that has begun counts
    let ride = (distance_m * DETOUR_TENTHS + 10 * METRES_PER_SECOND - 1) / (10 * METRES_PER_SECOND);
    since.checked_add_signed(TimeDelta::minutes(minutes))?.checked_add_signed(TimeDelta::seconds(ride))
}

/// Of the pace that is reckoned with, so many parts are the usual one and one is what the partner has now: one who stands at a
/// red light is not taken to stand for ever.
const USUAL_PARTS: f64 = 3.0;

/// The fastest that anybody is believed to ride, in kilometres an hour.
const MAX_KMH: f64 = 60.0;

/// What is left of the way of a partner at `here`, in metres in a straight line: by the store while they are on their way there.
/// `None` when nobody carries the order.
#[must_use]
pub fn distance_left_m(status: OrderStatus, here: Point, pickup: Point, dropoff: Point) -> Option<f64> {
    match status {
        Assigned => Some(here.distance_m(pickup) + pickup.distance_m(dropoff)),
        PickedUp | InTransit => Some(here.distance_m(dropoff)),
        _ => None,
    }
}

/// What the rest of the way is reckoned from, of an order that has been `status` since `began`: `fix`, unless it was made before
/// that. A partner did not set out for the store before they took the order, and left the store when they picked it up: what
/// they did before says nothing of how far they have come with it.
#[must_use]
pub fn reckoned_from(status: OrderStatus, began: DateTime<Utc>, fix: Fix, pickup: Point) -> Fix {
    if fix.recorded_at >= began {
        return fix;
    }
    let point = if status == Assigned { fix.point } else { pickup };
    Fix { point, recorded_at: began, heading: None, speed_kmh: None, accuracy_m: None, ..fix }
}

/// When a partner is likely to hand over an order that is `status`, who had `distance_m` metres left in a straight line at
/// `since` and rode `speed_kmh` then. `None` when nobody carries the order, or the way is too long to say.
///
/// It is never before `since`; more of a way is never sooner, and more speed never later.
#[must_use]
pub fn arrival_at(
    status: OrderStatus,
    since: DateTime<Utc>,
    distance_m: f64,
    speed_kmh: Option<f64>,
) -> Option<DateTime<Utc>> {
    #[expect(clippy::cast_precision_loss, reason = "both are small and whole")]
    let (detour, usual, most) = (DETOUR_TENTHS as f64 / 10.0, METRES_PER_SECOND as f64, MAX_DISTANCE_M as f64);
    if !(0.0..=most).contains(&distance_m) {
        return None;
    }
    let minutes = match status {
        Assigned | PickedUp => minutes::LEAVING + minutes::DOOR,
        InTransit => minutes::DOOR,
        _ => return None,
    };
    let now = speed_kmh.filter(|speed| !speed.is_nan()).map(|speed| speed.clamp(0.0, MAX_KMH) / 3.6);
    let pace = now.map_or(usual, |now| (USUAL_PARTS * usual + now) / (USUAL_PARTS + 1.0));
    // a second that has begun counts
    #[expect(clippy::cast_possible_truncation, reason = "of a hundred kilometres it is less than a day")]
    let ride = (distance_m * detour / pace).ceil() as i64;
    since.checked_add_signed(TimeDelta::minutes(minutes))?.checked_add_signed(TimeDelta::seconds(ride))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Named as _;

    fn since() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn seconds(status: OrderStatus, distance_m: i64) -> Option<i64> {
        delivery_at(status, since(), distance_m).map(|at| (at - since()).num_seconds())
    }

    #[test]
    fn what_is_left_is_the_stages_to_come_and_the_ride() {
        for (status, minutes) in
            [(Pending, 22), (Confirmed, 19), (Preparing, 17), (Ready, 11), (Assigned, 8), (PickedUp, 3), (InTransit, 2)]
        {
            assert_eq!(seconds(status, 0), Some(minutes * 60), "{status}");
            // two kilometres are 2.6 on the road
            assert_eq!(seconds(status, 2_000), Some(minutes * 60 + 520), "{status}");
        }
        assert_eq!(seconds(InTransit, 1), Some(121), "a second that has begun counts");
    }

    #[test]
    fn each_stage_is_nearer_than_the_one_before() {
        let open: Vec<i64> = OrderStatus::ALL.iter().filter_map(|status| seconds(*status, 1_500)).collect();
        assert_eq!(open.len(), 7);
        assert!(open.is_sorted_by(|before, after| before > after), "{open:?}");
    }

    #[test]
    fn nothing_is_said_of_what_is_over_or_out_of_reach() {
        for status in OrderStatus::ALL.iter().filter(|status| status.is_final()) {
            assert_eq!(seconds(*status, 1_000), None, "{status}");
        }
        assert!(seconds(Ready, MAX_DISTANCE_M).is_some());
        for distance in [MAX_DISTANCE_M + 1, i64::MAX, -1, i64::MIN] {
            assert_eq!(seconds(Ready, distance), None, "{distance}");
        }
        assert_eq!(delivery_at(Ready, DateTime::<Utc>::MAX_UTC, 1_000), None, "the calendar ends");
    }

    fn ride(status: OrderStatus, distance_m: f64, speed_kmh: Option<f64>) -> Option<i64> {
        arrival_at(status, since(), distance_m, speed_kmh).map(|at| (at - since()).num_seconds())
    }

    #[test]
    fn who_rides_as_usual_arrives_when_the_stages_said() {
        for (status, way_to_store) in [(PickedUp, 0), (InTransit, 0), (Assigned, minutes::TO_STORE * 60)] {
            let by_stage = seconds(status, 2_000).unwrap() - way_to_store;
            assert_eq!(ride(status, 2_000.0, None), Some(by_stage), "{status}");
            assert_eq!(ride(status, 2_000.0, Some(18.0)), Some(by_stage), "{status}");
        }
        // 3 parts of 5 m/s and one of 10
        assert_eq!(ride(InTransit, 2_000.0, Some(36.0)), Some(120 + 416));
        assert_eq!(ride(InTransit, 2_000.0, Some(0.0)), Some(120 + 694), "a red light is not the end of the world");
    }

    /// Numbers that look like any, the same at every run (Knuth's MMIX).
    fn numbers() -> impl Iterator<Item = f64> {
        let mut state = 7_u64;
        std::iter::from_fn(move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            #[expect(clippy::cast_precision_loss, reason = "32 bits fit")]
            Some((state >> 32) as f64 / f64::from(u32::MAX))
        })
    }

    #[test]
    fn of_any_two_rides_the_longer_is_not_sooner_and_the_faster_not_later() {
        let mut numbers = numbers();
        let mut draw = |most: f64| numbers.next().unwrap() * most;
        for _ in 0..10_000 {
            let (one, other) = (draw(100_000.0), draw(100_000.0));
            let (slow, fast) = (draw(120.0), draw(120.0));
            let (near, far, slow, fast) = (one.min(other), one.max(other), slow.min(fast), slow.max(fast));
            for status in [Assigned, PickedUp, InTransit] {
                assert!(ride(status, near, Some(slow)) <= ride(status, far, Some(slow)), "{near} {far} {slow}");
                assert!(ride(status, far, Some(fast)) <= ride(status, far, Some(slow)), "{far} {slow} {fast}");
                assert!(ride(status, near, Some(fast)).is_some_and(|left| left >= 120), "the door takes its time");
            }
            assert!(ride(InTransit, near, None) < ride(PickedUp, near, None));
        }
    }

    #[test]
    fn nothing_is_said_of_what_nobody_carries_or_of_no_way_at_all() {
        for status in OrderStatus::ALL.iter().filter(|status| !status.is_with_partner()) {
            assert_eq!(ride(*status, 100.0, None), None, "{status}");
            assert_eq!(distance_left_m(*status, point(0.0), point(0.1), point(0.2)), None, "{status}");
        }
        for distance in [-1.0, 100_001.0, f64::NAN, f64::INFINITY] {
            assert_eq!(ride(InTransit, distance, None), None, "{distance}");
        }
        assert_eq!(ride(InTransit, 100.0, Some(f64::NAN)), ride(InTransit, 100.0, None));
        assert_eq!(arrival_at(InTransit, DateTime::<Utc>::MAX_UTC, 1.0, None), None, "the calendar ends");
    }

    #[test]
    fn what_was_before_the_stage_does_not_make_it_sooner_or_later() {
        let fix = |seconds| Fix {
            point: point(0.3),
            heading: Some(90.0),
            speed_kmh: Some(50.0),
            accuracy_m: None,
            recorded_at: since() + TimeDelta::seconds(seconds),
            received_at: None,
        };
        let store = point(0.1);
        for status in [Assigned, PickedUp, InTransit] {
            for seconds in [0, 1] {
                assert_eq!(reckoned_from(status, since(), fix(seconds), store), fix(seconds), "{status}");
            }
            let before = reckoned_from(status, since(), fix(-1), store);
            assert_eq!((before.recorded_at, before.speed_kmh), (since(), None), "{status}");
            assert_eq!(before.point, if status == Assigned { point(0.3) } else { store }, "{status}");
        }
        // from the store, as the stage alone says
        let left = distance_left_m(PickedUp, store, store, point(0.11)).unwrap();
        let by_fix = arrival_at(PickedUp, since(), left, None).unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "it is a kilometre")]
        let by_stage = delivery_at(PickedUp, since(), left as i64).unwrap();
        assert!((by_fix - by_stage).num_seconds() <= 1, "{by_fix} {by_stage}");
    }

    fn point(longitude: f64) -> Point {
        Point::new(0.0, longitude).unwrap()
    }

    #[test]
    fn the_way_goes_by_the_store_until_the_goods_are_picked_up() {
        let (here, store, door) = (point(0.0), point(0.1), point(0.05));
        let left = |status| distance_left_m(status, here, store, door).unwrap();
        assert!((left(Assigned) - here.distance_m(store) - store.distance_m(door)).abs() < 1e-6);
        for status in [PickedUp, InTransit] {
            assert!((left(status) - here.distance_m(door)).abs() < 1e-6);
        }
    }
}
