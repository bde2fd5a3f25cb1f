//! The order's state machine: which steps exist, and who may take them.

use crate::access::Party;
use crate::named::named_enum;

named_enum! {
    /// Where an order is between "placed" and "at the door".
    pub enum OrderStatus {
        /// Placed, not yet paid.
        Pending = "PENDING",
        /// Paid, or payable on delivery.
        Confirmed = "CONFIRMED",
        /// The store is packing it.
        Preparing = "PREPARING",
        /// Packed; offered to partners.
        Ready = "READY",
        /// A partner has taken it and is on the way to the store.
        Assigned = "ASSIGNED",
        /// The partner has the goods.
        PickedUp = "PICKED_UP",
        /// On the way to the customer.
        InTransit = "IN_TRANSIT",
        /// Handed over.
        Delivered = "DELIVERED",
        /// Called off before pick-up; the goods are back in stock.
        Cancelled = "CANCELLED",
        /// Picked up but not handed over.
        Failed = "FAILED",
    }
}

named_enum! {
    /// What happened to an order; one each for every version.
    pub enum OrderEventType {
        /// It was placed.
        Placed = "PLACED",
        /// A payment succeeded.
        PaymentSucceeded = "PAYMENT_SUCCEEDED",
        /// A payment failed.
        PaymentFailed = "PAYMENT_FAILED",
        /// It is certain to be paid.
        Confirmed = "CONFIRMED",
        /// The store began to pack.
        Preparing = "PREPARING",
        /// It can be picked up.
        Ready = "READY",
        /// A partner locked it for a short time.
        ClaimHeld = "CLAIM_HELD",
        /// The partner gave it back, or an admin took it away.
        ClaimReleased = "CLAIM_RELEASED",
        /// The partner's time ran out.
        ClaimExpired = "CLAIM_EXPIRED",
        /// A partner has it.
        Assigned = "ASSIGNED",
        /// The goods left the store.
        PickedUp = "PICKED_UP",
        /// The goods are on the way.
        InTransit = "IN_TRANSIT",
        /// The goods were handed over.
        Delivered = "DELIVERED",
        /// It was called off.
        Cancelled = "CANCELLED",
        /// It could not be delivered.
        Failed = "FAILED",
        /// Money went back.
        Refunded = "REFUNDED",
        /// The customer rated it.
        Rated = "RATED",
    }
}

impl OrderEventType {
    /// Whether it tells of the customer's money: its words are none of a partner's business.
    #[must_use]
    pub const fn is_of_money(self) -> bool {
        matches!(self, Self::PaymentSucceeded | Self::PaymentFailed | Self::Refunded)
    }
}

named_enum! {
    /// A step that a viewer could take on an order now.
    pub enum OrderAction {
        /// Start a payment.
        Pay = "PAY",
        /// Confirm it without a payment.
        Confirm = "CONFIRM",
        /// Begin to pack.
        Prepare = "PREPARE",
        /// Say that it can be picked up.
        MarkReady = "MARK_READY",
        /// Claim it for delivery.
        Claim = "CLAIM",
        /// Accept the claim that is held.
        AcceptClaim = "ACCEPT_CLAIM",
        /// Give the claim back.
        ReleaseClaim = "RELEASE_CLAIM",
        /// Give it to a partner.
        Assign = "ASSIGN",
        /// Say that the goods are picked up.
        PickUp = "PICK_UP",
        /// Say that the goods are on the way.
        StartTransit = "START_TRANSIT",
        /// Hand over.
        Deliver = "DELIVER",
        /// Say that it cannot be delivered.
        Fail = "FAIL",
        /// Call it off.
        Cancel = "CANCEL",
        /// Give money back.
        Refund = "REFUND",
        /// Rate it.
        Rate = "RATE",
        /// Write to the other party.
        Message = "MESSAGE",
    }
}

named_enum! {
    /// How an order is paid.
    pub enum PaymentMethod {
        /// Cash at the door.
        CashOnDelivery = "CASH_ON_DELIVERY",
        /// A card, through a provider.
        Card = "CARD",
        /// A wallet, through a provider.
        Wallet = "WALLET",
    }
}

named_enum! {
    /// Where the money of an order or a payment is.
    pub enum PaymentStatus {
        /// Not yet paid.
        Pending = "PENDING",
        /// Reserved, not yet taken.
        Authorized = "AUTHORIZED",
        /// Taken.
        Paid = "PAID",
        /// Declined.
        Failed = "FAILED",
        /// All of it went back.
        Refunded = "REFUNDED",
        /// Some of it went back.
        PartiallyRefunded = "PARTIALLY_REFUNDED",
    }
}

named_enum! {
    /// Whether a store's orders wait for somebody to pack them.
    pub enum Preparation {
        /// Packed as it comes: a confirmed order is ready at once.
        Automatic = "AUTOMATIC",
        /// The store says when it packs and when it is done.
        Manual = "MANUAL",
    }
}

use OrderStatus::{Assigned, Cancelled, Confirmed, Delivered, Failed, InTransit, Pending, PickedUp, Preparing, Ready};

impl OrderStatus {
    /// Whether nothing follows.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Delivered | Cancelled | Failed)
    }

    /// Whether it counts as sold: certain to be paid, and not called off.
    #[must_use]
    pub const fn is_sale(self) -> bool {
        !matches!(self, Pending | Cancelled | Failed)
    }

    /// Whether a partner has accepted the order and not yet finished it.
    #[must_use]
    pub const fn is_with_partner(self) -> bool {
        matches!(self, Assigned | PickedUp | InTransit)
    }

    /// The event that says the order arrived here.
    #[must_use]
    pub const fn arrival(self) -> OrderEventType {
        match self {
            Pending => OrderEventType::Placed,
            Confirmed => OrderEventType::Confirmed,
            Preparing => OrderEventType::Preparing,
            Ready => OrderEventType::Ready,
            Assigned => OrderEventType::Assigned,
            PickedUp => OrderEventType::PickedUp,
            InTransit => OrderEventType::InTransit,
            Delivered => OrderEventType::Delivered,
            Cancelled => OrderEventType::Cancelled,
            Failed => OrderEventType::Failed,
        }
    }

    /// The action that takes an order here by `updateOrderStatus` or `cancelOrder`.
    #[must_use]
    pub const fn action(self) -> Option<OrderAction> {
        match self {
            Confirmed => Some(OrderAction::Confirm),
            Preparing => Some(OrderAction::Prepare),
            Ready => Some(OrderAction::MarkReady),
            PickedUp => Some(OrderAction::PickUp),
            InTransit => Some(OrderAction::StartTransit),
            Delivered => Some(OrderAction::Deliver),
            Cancelled => Some(OrderAction::Cancel),
            Failed => Some(OrderAction::Fail),
            Pending | Assigned => None,
        }
    }
}

/// The steps that `party` may ask for from `from`. `ASSIGNED` is never among them: an order is assigned by a claim or by
/// an admin's `assignOrder`, which name the partner.
///
/// A customer and a seller may call an order off until a partner has accepted it; after that only an admin may, until the
/// goods leave the store. From then on an order ends as delivered or failed.
#[must_use]
pub const fn steps(from: OrderStatus, party: Party) -> &'static [OrderStatus] {
    match (party, from) {
        (Party::Customer, Pending | Confirmed | Preparing | Ready)
        | (Party::Seller, Pending | Ready)
        | (Party::Admin, Ready) => &[Cancelled],
        (Party::Admin, Pending) => &[Confirmed, Cancelled],
        (Party::Seller | Party::Admin, Confirmed) => &[Preparing, Cancelled],
        (Party::Seller | Party::Admin, Preparing) => &[Ready, Cancelled],
        (Party::Partner, Assigned) => &[PickedUp],
        (Party::Admin, Assigned) => &[Ready, PickedUp, Cancelled],
        (Party::Partner | Party::Admin, PickedUp) => &[InTransit, Failed],
        (Party::Partner | Party::Admin, InTransit) => &[Delivered, Failed],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Named;

    #[test]
    fn nobody_leaves_a_final_status() {
        for from in OrderStatus::ALL.iter().filter(|s| s.is_final()) {
            for party in [Party::Customer, Party::Seller, Party::Partner, Party::Admin] {
                assert!(steps(*from, party).is_empty(), "{party:?} from {from}");
            }
        }
    }

    #[test]
    fn an_admin_may_take_every_step_that_anyone_may() {
        for from in OrderStatus::ALL {
            for party in [Party::Customer, Party::Seller, Party::Partner] {
                for to in steps(*from, party) {
                    assert!(steps(*from, Party::Admin).contains(to), "{from} to {to}");
                }
            }
        }
    }

    #[test]
    fn every_status_but_the_first_can_be_reached_and_every_open_one_can_be_left() {
        for status in OrderStatus::ALL {
            let reached = OrderStatus::ALL.iter().any(|from| steps(*from, Party::Admin).contains(status));
            // a claim assigns
            assert!(reached || matches!(status, Pending | Assigned), "{status}");
            assert_ne!(steps(*status, Party::Admin).is_empty(), !status.is_final(), "{status}");
        }
    }

    #[test]
    fn goods_that_left_the_store_are_not_cancelled() {
        for from in [PickedUp, InTransit] {
            for party in [Party::Customer, Party::Seller, Party::Partner, Party::Admin] {
                assert!(!steps(from, party).contains(&Cancelled));
            }
        }
    }
}
