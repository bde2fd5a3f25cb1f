//! Who may see and do what.

use uuid::Uuid;

use crate::claims::ClaimStatus;
use crate::keys::{ApiKey, Scopes};
use crate::named::named_enum;
use crate::order::{OrderAction, OrderStatus, PaymentMethod, PaymentStatus, steps};

named_enum! {
    /// What a user is.
    pub enum Role {
        /// Orders.
        Customer = "CUSTOMER",
        /// Delivers.
        Partner = "PARTNER",
        /// Sells.
        Seller = "SELLER",
        /// Runs the platform.
        Admin = "ADMIN",
    }
}

named_enum! {
    /// What a token that is mailed to a user is good for.
    pub enum MailedPurpose {
        /// Another password for the account.
        ResetPassword = "RESET_PASSWORD",
        /// The proof that the mailbox is theirs.
        VerifyEmail = "VERIFY_EMAIL",
    }
}

/// The name of a request, as the log has it: 1 to 64 plain characters, held in place, so that who asks stays a value that is
/// copied.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestName {
    bytes: [u8; Self::MAX],
    length: usize,
}

impl RequestName {
    /// The longest name.
    pub const MAX: usize = 64;

    /// `name`, unless it is empty, too long, or has other characters than ASCII's.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let mut bytes = [0; Self::MAX];
        bytes.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
        (!name.is_empty() && name.is_ascii()).then_some(Self { bytes, length: name.len() })
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // nothing else than ASCII was let in
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl std::fmt::Debug for RequestName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Somebody who is signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    /// The user.
    pub user: Uuid,
    /// What they are.
    pub role: Role,
    /// Their store, if they are a seller.
    pub seller: Option<Uuid>,
    /// The sign-in that their token belongs to; for a key, its id.
    pub session: Uuid,
    /// The API key with which a program acts in their name, if it is not they themselves.
    pub key: Option<ApiKey>,
    /// The request in which they ask for something, for the record of it; none where nothing is asked yet.
    pub request: Option<RequestName>,
}

impl Actor {
    /// Whose requests they are: the key's, or the user's own. What a key did under an idempotency key is nothing to its user.
    #[must_use]
    pub fn principal(&self) -> Uuid {
        self.key.map_or(self.user, |key| key.id)
    }
}

/// What an answer may depend on of whoever reads it. What is not named here is not known where the answer is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Reader {
    /// What they are.
    pub role: Option<Role>,
    /// The user.
    pub user: Option<Uuid>,
    /// Their store, if they are a seller.
    pub seller: Option<Uuid>,
    /// What the API key is good for that they read with; none: they read themselves, whatever they may.
    pub scopes: Option<Scopes>,
}

impl From<Actor> for Reader {
    fn from(actor: Actor) -> Self {
        let scopes = actor.key.map(|key| key.scopes);
        Self { role: Some(actor.role), user: Some(actor.user), seller: actor.seller, scopes }
    }
}

/// Who may be sent one and the same answer: it is made once for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Nobody else: the answer is made for one subscription alone.
    Private,
    /// The same user on all their devices.
    User,
    /// Everybody of the same role: the answer depends on nothing else of its reader.
    Role,
    /// Everybody: the answer depends on nothing of its reader.
    Everyone,
}

impl Audience {
    /// What is left of `reader` for an answer to this audience. Scopes stay: whoever may see less is not sent the same.
    #[must_use]
    pub fn narrow(self, reader: Reader) -> Reader {
        match self {
            Self::Private | Self::User => reader,
            Self::Role => Reader { role: reader.role, scopes: reader.scopes, ..Reader::default() },
            Self::Everyone => Reader { scopes: reader.scopes, ..Reader::default() },
        }
    }
}

/// What someone is to one order. Whoever is nothing to it may not know that it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Party {
    /// They placed it.
    Customer,
    /// It is from their store.
    Seller,
    /// They hold its claim, or delivered it.
    Partner,
    /// They run the platform.
    Admin,
}

/// What decides a viewer's actions on an order.
#[derive(Debug, Clone, Copy)]
pub struct Situation {
    /// Where the order is.
    pub status: OrderStatus,
    /// The state of its live claim, if it has one.
    pub claim: Option<ClaimStatus>,
    /// How it is paid.
    pub payment_method: PaymentMethod,
    /// Where its money is.
    pub payment_status: PaymentStatus,
    /// Whether some of what was paid is neither back nor on its way back.
    pub is_money_left: bool,
    /// Whether the customer has rated it.
    pub is_rated: bool,
    /// Whether messages may be sent in its chat.
    pub is_chat_open: bool,
}

impl Situation {
    /// Whether the customer may begin to pay it.
    #[must_use]
    pub fn is_payable(self) -> bool {
        let is_unpaid = matches!(self.payment_status, PaymentStatus::Pending | PaymentStatus::Failed);
        self.payment_method != PaymentMethod::CashOnDelivery && self.status == OrderStatus::Pending && is_unpaid
    }

    /// Whether the customer may rate it: once, when it was delivered.
    #[must_use]
    pub fn is_ratable(self) -> bool {
        self.status == OrderStatus::Delivered && !self.is_rated
    }

    /// Whether some of what was paid may go back.
    #[must_use]
    pub const fn is_refundable(self) -> bool {
        self.is_money_left && matches!(self.payment_status, PaymentStatus::Paid | PaymentStatus::PartiallyRefunded)
    }
}

/// What `party` may do with an order now, in the enum's order. `None` stands for a partner to whom the order is offered.
#[must_use]
pub fn viewer_actions(party: Option<Party>, now: Situation) -> Vec<OrderAction> {
    let mut actions = Vec::new();
    match party {
        None => {
            if now.status == OrderStatus::Ready && now.claim.is_none() {
                actions.push(OrderAction::Claim);
            }
        }
        Some(Party::Partner) if now.claim == Some(ClaimStatus::Held) => {
            actions.extend([OrderAction::AcceptClaim, OrderAction::ReleaseClaim]);
        }
        Some(party) => {
            // a partner whose claim ended is a reader of the order, no more
            if party != Party::Partner || now.claim == Some(ClaimStatus::Accepted) {
                actions.extend(steps(now.status, party).iter().filter_map(|to| to.action()));
            }
            if party == Party::Partner && now.claim == Some(ClaimStatus::Accepted) && now.status == OrderStatus::Assigned {
                actions.push(OrderAction::ReleaseClaim);
            }
            if party == Party::Customer && now.is_payable() {
                actions.push(OrderAction::Pay);
            }
            if party == Party::Customer && now.is_ratable() {
                actions.push(OrderAction::Rate);
            }
            if matches!(party, Party::Seller | Party::Admin) && now.is_refundable() {
                actions.push(OrderAction::Refund);
            }
            if party == Party::Admin && matches!(now.status, OrderStatus::Ready | OrderStatus::Assigned) {
                actions.push(OrderAction::Assign);
            }
            if now.is_chat_open {
                actions.push(OrderAction::Message);
            }
        }
    }
    actions.sort_unstable();
    actions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Named as _;

    fn actions(party: Option<Party>, status: OrderStatus, claim: Option<ClaimStatus>) -> Vec<OrderAction> {
        let (payment_method, payment_status) = (PaymentMethod::CashOnDelivery, PaymentStatus::Pending);
        viewer_actions(
            party,
            Situation {
                status,
                claim,
                payment_method,
                payment_status,
                is_money_left: true,
                is_rated: false,
                is_chat_open: false,
            },
        )
    }

    #[test]
    fn whoever_may_see_less_is_never_sent_what_others_are() {
        use crate::keys::{ApiKey, ApiScope, Scopes};
        let (user, session) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let themselves = Actor { user, role: Role::Admin, seller: None, session, key: None, request: None };
        let key = |scopes| Some(ApiKey { id: session, scopes });
        let with = |scope| Actor { key: key(Scopes::of(&[scope])), ..themselves };
        let all = [themselves, with(ApiScope::OrdersRead), with(ApiScope::ProductsRead)];
        for audience in [Audience::Private, Audience::User, Audience::Role, Audience::Everyone] {
            let narrowed = all.map(|actor| audience.narrow(actor.into()));
            assert!(narrowed[0] != narrowed[1] && narrowed[1] != narrowed[2] && narrowed[0] != narrowed[2], "{audience:?}");
            assert_eq!(narrowed[1], audience.narrow(with(ApiScope::OrdersRead).into()), "equal scopes are sent the same");
        }
        assert_eq!((themselves.principal(), all[1].principal()), (user, session));
    }

    #[test]
    fn a_partner_may_act_only_while_the_claim_lives() {
        use OrderAction::{AcceptClaim, PickUp, ReleaseClaim};
        let partner = Some(Party::Partner);
        assert_eq!(actions(partner, OrderStatus::Ready, Some(ClaimStatus::Held)), [AcceptClaim, ReleaseClaim]);
        assert_eq!(actions(partner, OrderStatus::Assigned, Some(ClaimStatus::Accepted)), [ReleaseClaim, PickUp]);
        assert_eq!(actions(partner, OrderStatus::Assigned, None), []);
        assert_eq!(actions(partner, OrderStatus::Delivered, None), []);
    }

    #[test]
    fn an_order_on_offer_can_be_claimed_until_somebody_holds_it() {
        assert_eq!(actions(None, OrderStatus::Ready, None), [OrderAction::Claim]);
        assert_eq!(actions(None, OrderStatus::Ready, Some(ClaimStatus::Held)), []);
        assert_eq!(actions(None, OrderStatus::Preparing, None), []);
    }

    #[test]
    fn an_admin_may_assign_and_reassign_before_pick_up() {
        assert!(actions(Some(Party::Admin), OrderStatus::Ready, None).contains(&OrderAction::Assign));
        assert!(
            actions(Some(Party::Admin), OrderStatus::Assigned, Some(ClaimStatus::Accepted)).contains(&OrderAction::Assign)
        );
        assert!(
            !actions(Some(Party::Admin), OrderStatus::PickedUp, Some(ClaimStatus::Accepted)).contains(&OrderAction::Assign)
        );
    }

    #[test]
    fn a_customer_rates_what_was_delivered_and_once() {
        let (payment_method, payment_status) = (PaymentMethod::CashOnDelivery, PaymentStatus::Paid);
        let rates = |party, status, is_rated| {
            let (is_money_left, is_chat_open) = (true, false);
            let now =
                Situation { status, claim: None, payment_method, payment_status, is_money_left, is_rated, is_chat_open };
            viewer_actions(Some(party), now).contains(&OrderAction::Rate)
        };
        for status in OrderStatus::ALL {
            assert_eq!(rates(Party::Customer, *status, false), *status == OrderStatus::Delivered, "{status}");
            assert!(!rates(Party::Customer, *status, true), "{status}");
            for party in [Party::Seller, Party::Partner, Party::Admin] {
                assert!(!rates(party, *status, false), "{party:?} {status}");
            }
        }
    }

    #[test]
    fn everybody_who_has_to_do_with_an_order_may_write_while_its_chat_is_open() {
        let (payment_method, payment_status) = (PaymentMethod::CashOnDelivery, PaymentStatus::Pending);
        for is_chat_open in [true, false] {
            for party in [Party::Customer, Party::Seller, Party::Partner, Party::Admin].map(Some).into_iter().chain([None]) {
                let (status, claim) = (OrderStatus::InTransit, Some(ClaimStatus::Accepted));
                let (is_money_left, is_rated) = (false, false);
                let now = Situation { status, claim, payment_method, payment_status, is_money_left, is_rated, is_chat_open };
                let is_offered = viewer_actions(party, now).contains(&OrderAction::Message);
                assert_eq!(is_offered, is_chat_open && party.is_some(), "{party:?}");
            }
        }
    }

    #[test]
    fn a_customer_pays_what_waits_for_it_and_the_seller_and_admins_give_back_what_was_paid() {
        let actions = |party, status, payment_method, payment_status, is_money_left| {
            let (claim, is_rated, is_chat_open) = (None, false, false);
            let now = Situation { status, claim, payment_method, payment_status, is_money_left, is_rated, is_chat_open };
            viewer_actions(Some(party), now)
        };
        let (card, cash) = (PaymentMethod::Card, PaymentMethod::CashOnDelivery);
        for (party, status, method, payment, pays, refunds) in [
            (Party::Customer, OrderStatus::Pending, card, PaymentStatus::Pending, true, false),
            (Party::Customer, OrderStatus::Pending, card, PaymentStatus::Failed, true, false),
            (Party::Customer, OrderStatus::Pending, cash, PaymentStatus::Pending, false, false),
            (Party::Customer, OrderStatus::Cancelled, card, PaymentStatus::Pending, false, false),
            (Party::Customer, OrderStatus::Confirmed, card, PaymentStatus::Paid, false, false),
            (Party::Seller, OrderStatus::Pending, card, PaymentStatus::Pending, false, false),
            (Party::Seller, OrderStatus::Delivered, card, PaymentStatus::Paid, false, true),
            (Party::Admin, OrderStatus::Delivered, cash, PaymentStatus::PartiallyRefunded, false, true),
            (Party::Admin, OrderStatus::Cancelled, card, PaymentStatus::Refunded, false, false),
            (Party::Partner, OrderStatus::Delivered, card, PaymentStatus::Paid, false, false),
        ] {
            for is_money_left in [true, false] {
                let actions = actions(party, status, method, payment, is_money_left);
                let what = format!("{party:?} {status} {method} {payment} {is_money_left}");
                assert_eq!(actions.contains(&OrderAction::Pay), pays, "{what}");
                assert_eq!(actions.contains(&OrderAction::Refund), refunds && is_money_left, "{what}");
            }
        }
    }
}
