//! API keys: programs that act in somebody's name, within scopes.

use uuid::Uuid;

use crate::named::named_enum;

named_enum! {
    /// What an API key may be used for.
    pub enum ApiScope {
        /// Reading the catalogue and its stock.
        ProductsRead = "PRODUCTS_READ",
        /// Changing and importing products, prices and stock.
        ProductsWrite = "PRODUCTS_WRITE",
        /// Reading and following orders.
        OrdersRead = "ORDERS_READ",
        /// Taking orders through their steps, calling them off, giving money back.
        OrdersWrite = "ORDERS_WRITE",
        /// Reading who carries what.
        ClaimsRead = "CLAIMS_READ",
        /// Giving orders to partners.
        ClaimsWrite = "CLAIMS_WRITE",
        /// Webhook endpoints and their deliveries, as far as they are of what the key may read.
        WebhooksManage = "WEBHOOKS_MANAGE",
        /// Sales and other figures.
        AnalyticsRead = "ANALYTICS_READ",
    }
}

/// A set of scopes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Scopes(u8);

impl Scopes {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// All of them.
    pub const ALL: Self = Self(u8::MAX);

    /// These.
    #[must_use]
    pub const fn of(scopes: &[ApiScope]) -> Self {
        let (mut bits, mut rest) = (0, scopes);
        while let [first, others @ ..] = rest {
            bits |= Self::bit(*first);
            rest = others;
        }
        Self(bits)
    }

    const fn bit(scope: ApiScope) -> u8 {
        1 << scope as u8
    }

    /// Whether `scope` is among them.
    #[must_use]
    pub const fn has(self, scope: ApiScope) -> bool {
        self.meets(Self(Self::bit(scope)))
    }

    /// Whether one of them is among `others`.
    #[must_use]
    pub const fn meets(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    /// Each of them, in the enum's order.
    pub fn iter(self) -> impl Iterator<Item = ApiScope> {
        <ApiScope as crate::Named>::ALL.iter().copied().filter(move |scope| self.has(*scope))
    }
}

impl FromIterator<ApiScope> for Scopes {
    fn from_iter<I: IntoIterator<Item = ApiScope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | Self::bit(scope)))
    }
}

impl std::fmt::Debug for Scopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// The key with which a program acts in somebody's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiKey {
    /// Which.
    pub id: Uuid,
    /// What it is good for, of all that they may do.
    pub scopes: Scopes,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Named as _;

    #[test]
    fn a_set_has_what_was_put_in_and_nothing_else() {
        for one in ApiScope::ALL {
            let set = Scopes::of(&[*one, *one]);
            assert_eq!(set.iter().collect::<Vec<_>>(), [*one]);
            for other in ApiScope::ALL {
                assert_eq!(set.has(*other), one == other, "{one} {other}");
                assert_eq!(set.meets(Scopes::of(&[*other])), one == other, "{one} {other}");
            }
            assert!(Scopes::ALL.has(*one) && !Scopes::NONE.has(*one) && !set.meets(Scopes::NONE));
        }
        assert_eq!(ApiScope::ALL.iter().copied().collect::<Scopes>(), Scopes::ALL);
        assert_eq!(Scopes::of(ApiScope::ALL), Scopes::ALL);
        assert_eq!(Scopes::of(&[]), Scopes::default());
    }

    #[test]
    fn sets_meet_in_what_is_in_both() {
        use ApiScope::{ClaimsRead, OrdersRead, OrdersWrite};
        let orders = Scopes::of(&[OrdersRead, OrdersWrite]);
        assert!(orders.meets(Scopes::of(&[OrdersWrite, ClaimsRead])));
        assert!(!orders.meets(Scopes::of(&[ClaimsRead])));
    }
}
