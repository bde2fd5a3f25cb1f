//! The domain's enums as clients see them: the same values, described for a reader in GraphiQL.

use async_graphql::Enum;

/// What a user is; decides which fields they may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
#[graphql(remote = "domain::access::Role")]
pub enum Role {
    /// Orders.
    Customer,
    /// Delivers.
    Partner,
    /// Sells.
    Seller,
    /// Runs the platform.
    Admin,
}

/// What a partner rides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
#[graphql(remote = "domain::claims::VehicleType")]
pub enum VehicleType {
    /// A bicycle.
    Bicycle,
    /// A scooter.
    Scooter,
    /// A motorbike.
    Bike,
    /// A car.
    Car,
    /// A van.
    Van,
    /// None: on foot.
    OnFoot,
}

/// Where a claim is. HELD: locked for this partner until `expiresAt`. ACCEPTED: assigned, to be picked up before `expiresAt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
#[graphql(remote = "domain::claims::ClaimStatus")]
pub enum ClaimStatus {
    /// Locked for the partner until it expires.
    Held,
    /// Taken; to be picked up before it expires.
    Accepted,
    /// Delivered or failed.
    Completed,
    /// Given back by the partner.
    Released,
    /// Its time ran out.
    Expired,
    /// Taken away by a cancellation or an admin.
    Revoked,
}

/// Where an order is between "placed" and "at the door". New values may be added: tolerate what you do not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
#[graphql(remote = "domain::order::OrderStatus")]
pub enum OrderStatus {
    /// Placed, not yet paid.
    Pending,
    /// Paid, or payable on delivery.
    Confirmed,
    /// The store is packing it.
    Preparing,
    /// Packed; offered to partners.
    Ready,
    /// A partner has taken it and is on the way to the store.
    Assigned,
    /// The partner has the goods.
    PickedUp,
    /// On the way to the customer.
    InTransit,
    /// Handed over.
    Delivered,
    /// Called off before pick-up; the goods are back in stock.
    Cancelled,
    /// Picked up but not handed over. What was paid stays until the seller or an admin refunds it, since the goods may be lost or
    /// on their way back; nothing more is taken, and a payment that succeeds after all goes back by itself.
    Failed,
}

/// What happened to an order; one for each of its versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
#[graphql(remote = "domain::order::OrderEventType")]
pub enum OrderEventType {
    /// It was placed.
    Placed,
    /// A payment succeeded.
    PaymentSucceeded,
    /// A payment failed.
    PaymentFailed,
    /// It is certain to be paid.
    Confirmed,
    /// The store began to pack.
    Preparing,
    /// It can be picked up.
    Ready,
    /// A partner locked it for a short time.
    ClaimHeld,
    /// The partner gave it back, or an admin took it away.
    ClaimReleased,
    /// The partner's time ran out.
    ClaimExpired,
    /// A partner has it.
    Assigned,
    /// The goods left the store.
    PickedUp,
    /// The goods are on the way.
    InTransit,
    /// The goods were handed over.
    Delivered,
    /// It was called off.
    Cancelled,
    /// It could not be delivered.
    Failed,
    /// Money went back.
    Refunded,
    /// The customer rated it.
    Rated,
}

/// A step that the viewer could take on an order now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
#[graphql(remote = "domain::order::OrderAction")]
pub enum OrderAction {
    /// Start a payment.
    Pay,
    /// Confirm it without a payment.
    Confirm,
    /// Begin to pack.
    Prepare,
    /// Say that it can be picked up.
    MarkReady,
    /// Claim it for delivery.
    Claim,
    /// Accept the claim that is held.
    AcceptClaim,
    /// Give the claim back.
    ReleaseClaim,
    /// Give it to a partner.
    Assign,
    /// Say that the goods are picked up.
    PickUp,
    /// Say that the goods are on the way.
    StartTransit,
    /// Hand over.
    Deliver,
    /// Say that it cannot be delivered.
    Fail,
    /// Call it off.
    Cancel,
    /// Give money back.
    Refund,
    /// Rate it.
    Rate,
    /// Write to the other party.
    Message,
}

/// How an order is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
#[graphql(remote = "domain::order::PaymentMethod")]
pub enum PaymentMethod {
    /// Cash at the door.
    CashOnDelivery,
    /// A card, through a provider.
    Card,
    /// A wallet, through a provider.
    Wallet,
}

/// Whether a store's orders wait for it to pack them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
#[graphql(remote = "domain::order::Preparation")]
pub enum Preparation {
    /// Packed as it comes: a confirmed order is ready at once.
    Automatic,
    /// The store says when it packs and when it is done.
    Manual,
}

/// Where the money of an order or a payment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
#[graphql(remote = "domain::order::PaymentStatus")]
pub enum PaymentStatus {
    /// Not yet paid.
    Pending,
    /// Reserved, not yet taken.
    Authorized,
    /// Taken.
    Paid,
    /// Declined.
    Failed,
    /// All of it went back.
    Refunded,
    /// Some of it went back.
    PartiallyRefunded,
}

/// Why stock moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
#[graphql(remote = "domain::stock::StockMovementReason")]
pub enum StockMovementReason {
    /// It came in.
    Received,
    /// It was sold.
    Sold,
    /// A customer gave it back.
    Returned,
    /// Its order was cancelled.
    Cancelled,
    /// Somebody counted.
    Adjusted,
    /// It cannot be sold any more.
    Damaged,
    /// An import set it.
    Imported,
}
