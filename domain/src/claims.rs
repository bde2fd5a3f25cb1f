//! Claims: how a partner gets an order, for how long, and for how much.

use crate::named::named_enum;

named_enum! {
    /// Where a claim is. `HELD` and `ACCEPTED` are live; an order has at most one live claim.
    pub enum ClaimStatus {
        /// Locked for the partner until it expires.
        Held = "HELD",
        /// Taken; to be picked up before it expires.
        Accepted = "ACCEPTED",
        /// Delivered or failed.
        Completed = "COMPLETED",
        /// Given back by the partner.
        Released = "RELEASED",
        /// Its time ran out.
        Expired = "EXPIRED",
        /// Taken away by a cancellation or an admin.
        Revoked = "REVOKED",
    }
}

impl ClaimStatus {
    /// Whether it binds the order to the partner.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Held | Self::Accepted)
    }
}

named_enum! {
    /// What a partner rides.
    pub enum VehicleType {
        /// A bicycle.
        Bicycle = "BICYCLE",
        /// A scooter.
        Scooter = "SCOOTER",
        /// A motorbike.
        Bike = "BIKE",
        /// A car.
        Car = "CAR",
        /// A van.
        Van = "VAN",
        /// None: on foot.
        OnFoot = "ON_FOOT",
    }
}

/// The distance from store to door as partners may know it before they have the order: to the nearest half kilometre. Any
/// finer, the distances from a few stores would lead to the door.
#[must_use]
pub fn shown_distance_m(distance_m: i64) -> i64 {
    distance_m.max(0).saturating_add(250) / 500 * 500
}

/// What a delivery pays, in minor units: a base, and so much for each kilometre of the distance as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayoutRule {
    /// For any delivery.
    pub base_minor: i64,
    /// For each kilometre, prorated by the half.
    pub per_km_minor: i64,
}

impl PayoutRule {
    /// The payout for `distance_m` metres from store to door; fractions of a minor unit are given to the partner. Partners
    /// see it before the claim, so it tells no more of the distance than [`shown_distance_m`] does.
    #[must_use]
    pub fn payout_minor(self, distance_m: i64) -> i64 {
        // exact, and rounded once: as wide as no product of two amounts overflows
        let for_distance = (i128::from(self.per_km_minor) * i128::from(shown_distance_m(distance_m)) + 999) / 1000;
        i64::try_from(i128::from(self.base_minor) + for_distance).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::MAX_MINOR;

    #[test]
    fn a_payout_grows_with_the_distance_by_half_kilometres() {
        let rule = PayoutRule { base_minor: 2000, per_km_minor: 800 };
        for (distance_m, expected) in [(-5, 2000), (0, 2000), (249, 2000), (250, 2400), (2500, 4000), (2749, 4000)] {
            assert_eq!(rule.payout_minor(distance_m), expected, "{distance_m} m");
        }
        assert_eq!(PayoutRule { base_minor: 0, per_km_minor: 1 }.payout_minor(500), 1, "half a unit is a whole one");
    }

    /// Rules and distances from nothing to the most that can be set, each many times.
    fn anything() -> impl Iterator<Item = (PayoutRule, i64)> {
        let mut state = 7_u64;
        let mut below = move |most: i64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // as often small as large
            let scale = 1 << ((state >> 33) % 31);
            ((state >> 3).cast_signed() % scale).min(most)
        };
        (0..20_000).map(move |_| {
            let rule = PayoutRule { base_minor: below(MAX_MINOR), per_km_minor: below(MAX_MINOR) };
            (rule, below(20_037_508))
        })
    }

    #[test]
    fn a_payout_is_exact_but_for_less_than_one_unit_which_is_the_partners() {
        for (rule, distance_m) in anything() {
            let thousandths = i128::from(rule.base_minor) * 1000
                + i128::from(rule.per_km_minor) * i128::from(shown_distance_m(distance_m));
            let given = i128::from(rule.payout_minor(distance_m)) * 1000 - thousandths;
            assert!((0..1000).contains(&given), "{rule:?} for {distance_m} m: {given} thousandths too much");
        }
    }

    #[test]
    fn a_payout_is_never_less_for_more() {
        for (rule, distance_m) in anything() {
            let payout = rule.payout_minor(distance_m);
            assert!(payout >= rule.base_minor, "{rule:?} for {distance_m} m");
            assert!(rule.payout_minor(distance_m + 1) >= payout, "a metre more");
            let better = PayoutRule { per_km_minor: rule.per_km_minor + 1, ..rule };
            assert!(better.payout_minor(distance_m) >= payout, "a unit more for each kilometre");
            let dearer = PayoutRule { base_minor: rule.base_minor + 1, ..rule };
            assert_eq!(dearer.payout_minor(distance_m), payout + 1, "a unit more for any delivery");
        }
    }

    #[test]
    fn a_payout_tells_no_more_of_the_distance_than_is_shown() {
        for (rule, distance_m) in anything() {
            assert_eq!(rule.payout_minor(distance_m), rule.payout_minor(shown_distance_m(distance_m)), "{distance_m} m");
        }
        let all = PayoutRule { base_minor: i64::MAX, per_km_minor: i64::MAX };
        assert_eq!(all.payout_minor(i64::MAX), i64::MAX, "as much as can be said");
    }
}
