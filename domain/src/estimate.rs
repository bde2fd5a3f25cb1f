//! When an order is likely to be at the door.

use chrono::{DateTime, TimeDelta, Utc};

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
}
