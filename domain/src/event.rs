//! Topics: what a subscriber listens to.

use std::fmt;

use uuid::Uuid;

/// A stream of events that subscribers attach to. One event may belong to several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Changes of one order.
    Order(Uuid),
    /// Changes of a customer's orders.
    Customer(Uuid),
    /// Changes of a seller's orders.
    Seller(Uuid),
    /// Changes of every order, and of partners: the admins' feed.
    Platform,
    /// Orders that become, or stop being, available to partners.
    Available,
    /// Changes of one product: what it is, what it costs, how many there are.
    Product(Uuid),
    /// Changes of every product, and of promo codes: what caches and carts look at.
    Catalog,
    /// Changes of a customer's cart.
    Cart(Uuid),
    /// Stocks of a seller's that fell to their threshold.
    LowStock(Uuid),
    /// Orders that become, or stop being, available to partners of an area, by its cell.
    Area(u64),
    /// What is said about one order.
    Chat(Uuid),
    /// What a user is notified of.
    Inbox(Uuid),
    /// Where one partner is. Nothing of it is in the log: it is only ever said that there is something new to read.
    Location(Uuid),
    /// Sessions that ended. For the instances themselves: no client follows it.
    Access,
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(id) => write!(f, "order:{}", id.simple()),
            Self::Customer(id) => write!(f, "customer:{}", id.simple()),
            Self::Seller(id) => write!(f, "seller:{}", id.simple()),
            Self::Platform => f.write_str("platform"),
            Self::Available => f.write_str("available"),
            Self::Product(id) => write!(f, "product:{}", id.simple()),
            Self::Catalog => f.write_str("catalog"),
            Self::Cart(id) => write!(f, "cart:{}", id.simple()),
            Self::LowStock(id) => write!(f, "low-stock:{}", id.simple()),
            Self::Area(cell) => write!(f, "area:{cell:x}"),
            Self::Chat(id) => write!(f, "chat:{}", id.simple()),
            Self::Inbox(id) => write!(f, "inbox:{}", id.simple()),
            Self::Location(id) => write!(f, "location:{}", id.simple()),
            Self::Access => f.write_str("access"),
        }
    }
}

/// A text that names no topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no topic")]
pub struct UnknownTopic(String);

impl std::str::FromStr for Topic {
    type Err = UnknownTopic;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownTopic(text.to_owned());
        match text.split_once(':') {
            None if text == "platform" => Ok(Self::Platform),
            None if text == "available" => Ok(Self::Available),
            None if text == "catalog" => Ok(Self::Catalog),
            None if text == "access" => Ok(Self::Access),
            Some(("area", cell)) => u64::from_str_radix(cell, 16).map(Self::Area).map_err(|_| unknown()),
            Some((kind, id)) => {
                let id: Uuid = id.parse().map_err(|_| unknown())?;
                match kind {
                    "order" => Ok(Self::Order(id)),
                    "customer" => Ok(Self::Customer(id)),
                    "seller" => Ok(Self::Seller(id)),
                    "product" => Ok(Self::Product(id)),
                    "cart" => Ok(Self::Cart(id)),
                    "low-stock" => Ok(Self::LowStock(id)),
                    "chat" => Ok(Self::Chat(id)),
                    "inbox" => Ok(Self::Inbox(id)),
                    "location" => Ok(Self::Location(id)),
                    _ => Err(unknown()),
                }
            }
            None => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_reads_back_as_itself() {
        let id = Uuid::from_u128(7);
        let orders = [Topic::Order(id), Topic::Customer(id), Topic::Seller(id), Topic::Platform, Topic::Available];
        let goods = [Topic::Product(id), Topic::Catalog, Topic::Cart(id), Topic::LowStock(id)];
        let people = [Topic::Area(0x8861_8928_31ff_ffff), Topic::Chat(id), Topic::Inbox(id), Topic::Access];
        let people = people.into_iter().chain([Topic::Location(id)]);
        for topic in orders.into_iter().chain(goods).chain(people) {
            assert_eq!(topic.to_string().parse(), Ok(topic));
        }
        for bad in ["", "orders", "order:", "order:x", "platform:1", "access:1", "area:", "area:x"] {
            assert!(bad.parse::<Topic>().is_err(), "{bad:?}");
        }
    }
}
