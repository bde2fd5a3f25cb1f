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
        self.base_minor + (self.per_km_minor * shown_distance_m(distance_m) + 999) / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payout_grows_with_the_distance_by_half_kilometres() {
        let rule = PayoutRule { base_minor: 2000, per_km_minor: 800 };
        for (distance_m, expected) in [(-5, 2000), (0, 2000), (249, 2000), (250, 2400), (2500, 4000), (2749, 4000)] {
            assert_eq!(rule.payout_minor(distance_m), expected, "{distance_m} m");
        }
        assert_eq!(PayoutRule { base_minor: 0, per_km_minor: 1 }.payout_minor(500), 1, "half a unit is a whole one");
    }
}
