//! What notifications say: the one place with their words.
//!
//! Titles are ours alone, without a word of anybody else's, since they go out as subjects and text messages; bodies may name a
//! store or a product. Nothing that somebody wrote to somebody is repeated.

use std::fmt::Write as _;

use domain::money::Money;
use domain::order::OrderEventType;
use domain::webhook::PauseReason;
use entity::{notification, order, product};

use crate::inventory::event::StockFell;
use crate::orders::event::REFUND_FAILED;

/// A title and a body, both plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// One line.
    pub title: String,
    /// A sentence or two.
    pub body: String,
}

impl Words {
    fn new(title: String, body: impl Into<String>) -> Self {
        Self { title, body: body.into() }
    }
}

fn total(order: &order::Model) -> String {
    let total = Money::new(order.total_minor, *order.currency);
    format!("{} {}", total.to_decimal(), *order.currency)
}

/// To a store: it has a new order.
#[must_use]
pub fn placed(order: &order::Model) -> Words {
    let pieces = if order.item_count == 1 { "1 piece".to_owned() } else { format!("{} pieces", order.item_count) };
    let paid = if order.payment_due_at.is_some() { ", to be paid in advance" } else { "" };
    Words::new(format!("New order {}", order.number), format!("{pieces} for {}{paid}.", total(order)))
}

/// To a customer: how their order goes on. `None` for what they need not be told.
#[must_use]
pub fn to_customer(order: &order::Model, r#type: OrderEventType, note: Option<&str>) -> Option<Words> {
    let (number, store, total) = (&order.number, &order.store_name, total(order));
    let is_refund = note.is_some_and(|note| note.starts_with(REFUND_FAILED));
    let words = match r#type {
        OrderEventType::Confirmed => {
            Words::new(format!("Order {number} is confirmed"), format!("{store} has your order of {total}."))
        }
        OrderEventType::Ready => {
            Words::new(format!("Order {number} is packed"), format!("It waits at {store} to be picked up."))
        }
        OrderEventType::Assigned => {
            Words::new(format!("Order {number} has a partner"), "Somebody is on the way to the store.")
        }
        OrderEventType::PickedUp => Words::new(format!("Order {number} was picked up"), format!("It has left {store}.")),
        OrderEventType::InTransit => Words::new(
            format!("Order {number} is on its way"),
            "Have your delivery code ready: the partner asks for it at the door.",
        ),
        OrderEventType::Delivered => {
            Words::new(format!("Order {number} was delivered"), format!("Thank you for ordering from {store}."))
        }
        OrderEventType::Cancelled => {
            Words::new(format!("Order {number} was cancelled"), "What was paid for it goes back the way it came.")
        }
        OrderEventType::Failed => Words::new(
            format!("Order {number} could not be delivered"),
            format!("Please write to {store} about what happens next."),
        ),
        OrderEventType::PaymentSucceeded => {
            Words::new(format!("Payment for order {number} received"), format!("{total} was paid."))
        }
        OrderEventType::PaymentFailed if is_refund => {
            Words::new(format!("A refund for order {number} did not go through"), "We look into it; you need do nothing.")
        }
        OrderEventType::PaymentFailed => Words::new(
            format!("Payment for order {number} failed"),
            "Nothing was taken. You may try again while the order waits.",
        ),
        OrderEventType::Refunded => {
            Words::new(format!("Refund for order {number}"), "Money is on its way back to you. Banks may take some days.")
        }
        _ => return None,
    };
    Some(words)
}

/// To a store: its order has come to no good end. `None` for what is none.
#[must_use]
pub fn to_store(order: &order::Model, r#type: OrderEventType) -> Option<Words> {
    let number = &order.number;
    match r#type {
        OrderEventType::Placed => Some(placed(order)),
        OrderEventType::Cancelled => {
            Some(Words::new(format!("Order {number} was cancelled"), "It need not be packed. Its goods are back in stock."))
        }
        OrderEventType::Failed => {
            Some(Words::new(format!("Order {number} could not be delivered"), format!("Its total was {}.", total(order))))
        }
        _ => None,
    }
}

/// To a partner: an admin gave them an order.
#[must_use]
pub fn assigned(order: &order::Model) -> Words {
    Words::new(format!("Order {} was assigned to you", order.number), format!("Please pick it up at {}.", order.store_name))
}

/// To a partner: an order is theirs no more.
#[must_use]
pub fn withdrawn(order: &order::Model, r#type: OrderEventType) -> Words {
    let why = match r#type {
        OrderEventType::Cancelled => "It was cancelled.",
        OrderEventType::ClaimExpired => "The time to pick it up has run out.",
        _ => "It was given to somebody else, or back to the store.",
    };
    Words::new(format!("Order {} is not yours any more", order.number), why)
}

/// To a store: the stocks of `fallen`, of which there is one at least, fell to their thresholds.
#[must_use]
pub fn low_stock(fallen: &[(product::Model, StockFell)]) -> Words {
    /// How many are named.
    const NAMED: usize = 5;
    let sentence = |(product, fell): &(product::Model, StockFell)| {
        let StockFell { available, threshold, .. } = fell;
        format!("{} ({}): {available} left, and you wanted to hear of it at {threshold}.", product.name, product.sku)
    };
    let title = match fallen.len() {
        1 => "A product is running low".to_owned(),
        many => format!("{many} products are running low"),
    };
    let mut lines: Vec<String> = fallen.iter().take(NAMED).map(sentence).collect();
    if fallen.len() > NAMED {
        lines.push(format!("And {} more: your desk lists them.", fallen.len() - NAMED));
    }
    Words::new(title, lines.join("\n"))
}

/// To whoever takes part in an order's chat: somebody else wrote.
#[must_use]
pub fn chat_message(order: &order::Model) -> Words {
    Words::new(format!("New message about order {}", order.number), "Read it in the order's chat.")
}

/// To admins: an endpoint is not called any more.
#[must_use]
pub fn webhook_paused(endpoint: &str, reason: PauseReason) -> Words {
    let why = match reason {
        PauseReason::Gone => "says that it is gone",
        PauseReason::Failing => "has failed for too long",
        PauseReason::TooManyWaiting => "has failed for a day, and too many messages wait for it",
    };
    let body = format!("{endpoint} {why}. Turn it on again once it works: until then it is told of nothing.");
    Words::new("A webhook endpoint was paused".to_owned(), body)
}

/// A mail of `row`: its subject, and its text as such and as HTML. `shop` is where the shop is.
#[must_use]
pub fn mail(row: &notification::Model, shop: &str) -> (String, String, String) {
    let text = format!("{}\n\n{}\n\n-- \n{shop}\n", row.title, row.body);
    let (title, body, shop) = (escape(&row.title), escape(&row.body), escape(shop));
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head><body>\
         <h1 style=\"font-size:1.2em\">{title}</h1><p>{body}</p><p><a href=\"{shop}\">{shop}</a></p></body></html>"
    );
    (row.title.clone(), text, html)
}

/// A text message of `row`.
#[must_use]
pub fn text_message(row: &notification::Model) -> String {
    format!("{}.", row.title)
}

/// `text` as it stands in HTML, in attributes too.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' | '<' | '>' | '"' | '\'' => _ = write!(escaped, "&#{};", u32::from(c)),
            '\n' => escaped.push_str("<br>"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use domain::notification::NotificationKind;
    use entity::Text;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn whatever_somebody_is_called_is_text_in_a_mail() {
        let row = notification::Model {
            id: Uuid::nil(),
            user_id: Uuid::nil(),
            event_id: Uuid::nil(),
            kind: Text(NotificationKind::OrderConfirmed),
            title: "Order QC-1 is confirmed".to_owned(),
            body: "<script>alert('1')</script> & \"Sons\"".to_owned(),
            order_id: None,
            created_at: DateTime::UNIX_EPOCH,
            read_at: None,
        };
        let (subject, text, html) = mail(&row, "https://shop.example/?a=1&b=\"2\"");
        assert_eq!(subject, row.title);
        assert!(text.contains(&row.body), "as it is");
        assert!(!html.contains("<script>") && html.contains("&#60;script&#62;alert(&#39;1&#39;)"), "{html}");
        assert!(html.contains("href=\"https://shop.example/?a=1&#38;b=&#34;2&#34;\""), "{html}");
        assert_eq!(text_message(&row), "Order QC-1 is confirmed.");
    }
}
