//! The chat of an order: when it is open, and how much fits into it.

use chrono::{DateTime, TimeDelta, Utc};

use crate::order::OrderStatus;

/// Characters of the longest message.
pub const MAX_BODY: usize = 2_000;

/// Messages that one party may send in the chat of one order: none of them can fill it for the others, and a chat that has so
/// many has lost its subject.
pub const MAX_OF_PARTY: u64 = 250;

/// Whether messages may be sent: while a partner carries the order, and until `grace` after it ended, if it ended with one.
/// `carried_until` is when that was.
///
/// A partner who only looks at an order carries nothing yet.
#[must_use]
pub fn is_open(status: OrderStatus, carried_until: Option<DateTime<Utc>>, now: DateTime<Utc>, grace: TimeDelta) -> bool {
    status.is_with_partner() || carried_until.is_some_and(|end| now.signed_duration_since(end) < grace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Named as _;

    #[test]
    fn a_chat_is_open_while_a_partner_carries_the_order_and_for_the_grace_after_its_end() {
        let end = DateTime::from_timestamp(1_000_000, 0).unwrap();
        let grace = TimeDelta::minutes(60);
        for status in OrderStatus::ALL {
            assert_eq!(is_open(*status, None, end, grace), status.is_with_partner(), "{status}");
        }
        for status in OrderStatus::ALL.iter().filter(|status| status.is_final()) {
            assert!(is_open(*status, Some(end), end, grace), "{status}");
            assert!(is_open(*status, Some(end), end + grace - TimeDelta::microseconds(1), grace), "{status}");
            assert!(!is_open(*status, Some(end), end + grace, grace), "{status}");
            assert!(!is_open(*status, Some(end), end, TimeDelta::zero()), "{status}: without a grace");
        }
    }
}
