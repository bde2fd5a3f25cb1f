//! Carts hear of what changes under them.
//!
//! A cart's own topic tells of what its customer does. What others do to its products and its promo code is on the catalogue's
//! topic: there every instance listens once, and hands each change on to those carts that it concerns and that somebody follows
//! here. Who does not follow their cart costs nothing.
//!
//! The bus promises nothing, so what it lost is read from the log. When the log does not have it either, every cart that is
//! followed here is looked at again.

use std::collections::HashSet;
use std::time::Duration;

use domain::event::Topic;
use serde::Deserialize as _;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::event::{CART_CHANGED, PROMO_CHANGED, PromoChange};
use super::repo;
use crate::app::App;
use crate::catalog::event::{PRODUCT_CHANGED, ProductChange};
use crate::platform::Result;
use crate::platform::bus::{Delivery, Listener, Message, Payload};
use crate::platform::relay::{self, Since};

/// Changes that come within this time of each other are one question to the database.
const GATHER: Duration = Duration::from_millis(50);

/// How long it rests when it cannot read.
const REST: Duration = Duration::from_millis(500);

/// Events read from the log at once. If more came, looking at every cart is less work.
const MOST: u64 = 1_000;

/// Customers asked about in one statement.
const BATCH: usize = 5_000;

/// Hands on what changes, until `stop`.
pub async fn watch(app: App, stop: CancellationToken) {
    stop.run_until_cancelled(keep_following(&app)).await;
}

async fn keep_following(app: &App) {
    let mut known = None;
    loop {
        if let Err(error) = follow(app, &mut known).await {
            tracing::warn!(?error, "carts do not hear of changes; trying again");
        }
        sleep(REST).await;
    }
}

/// Everything up to `known` was handed on; `None` when that is not known: at the start, until it has gone well once.
async fn follow(app: &App, known: &mut Option<i64>) -> Result<()> {
    let mut listener = app.bus.listen(Topic::Catalog).await?;
    // since the last time something may have come that was not heard
    let mut is_suspect = known.is_some();
    let mut position = match *known {
        Some(position) => position,
        // whoever was followed before has been told nothing of what went by
        None => look_again(app).await?,
    };
    loop {
        *known = Some(position);
        let mut heard = Heard { messages: Vec::new(), position, is_suspect };
        if !is_suspect {
            heard.take(listener.next().await);
            sleep(GATHER).await;
        }
        heard.take_waiting(&mut listener);
        position = if heard.is_suspect {
            read(app, position).await?
        } else {
            tell(app, &heard.messages).await?;
            heard.position
        };
        is_suspect = false;
    }
}

/// What the bus brought.
struct Heard {
    messages: Vec<Message>,
    /// Of the last of them.
    position: i64,
    /// Whether some may be missing.
    is_suspect: bool,
}

impl Heard {
    fn take(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Message(message) if message.position <= self.position => {}
            Delivery::Message(message) if message.previous <= self.position => {
                self.position = message.position;
                self.messages.push(message);
            }
            Delivery::Message(_) | Delivery::Gap => self.is_suspect = true,
            Delivery::Behind(position) => self.is_suspect |= position > self.position,
            Delivery::Whisper => {}
        }
    }

    fn take_waiting(&mut self, listener: &mut Listener) {
        while let Some(delivery) = listener.take() {
            self.take(delivery);
        }
    }
}

/// Hands on what the log has after `position`; up to where that is done.
async fn read(app: &App, position: i64) -> Result<i64> {
    let db = app.db.reader();
    if let Since::Messages(messages, known) = relay::since(db, Topic::Catalog, position, MOST).await? {
        tell(app, &messages).await?;
        return Ok(known);
    }
    look_again(app).await
}

/// Has every cart that is followed here looked at again; the end of the log, up to which that counts.
async fn look_again(app: &App) -> Result<i64> {
    let head = relay::head(app.db.reader()).await?.position;
    let message = Message {
        position: head,
        previous: 0,
        event_id: app.ids.uuid(),
        kind: CART_CHANGED.into(),
        at: app.clock.now(),
        payload: Payload::default(),
    };
    for customer in followed(app) {
        app.bus.forward(Topic::Cart(customer), &message);
    }
    Ok(head)
}

/// Whose carts are followed here.
fn followed(app: &App) -> Vec<Uuid> {
    let topics = app.bus.topics_in_use().into_iter();
    let customers = topics.filter_map(|topic| if let Topic::Cart(customer) = topic { Some(customer) } else { None });
    customers.collect()
}

/// Hands the newest of `messages` on to the carts that any of them concerns: a cart is read anew, so one word is enough.
async fn tell(app: &App, messages: &[Message]) -> Result<()> {
    let Some(newest) = messages.last() else { return Ok(()) };
    let customers = followed(app);
    if customers.is_empty() {
        return Ok(());
    }
    let (products, promos) = (of_products(messages), of_promos(messages));
    for customers in customers.chunks(BATCH) {
        let mut concerned = Vec::new();
        if !products.is_empty() {
            concerned = repo::list_holders(app.db.reader(), &products, customers).await?;
        }
        if !promos.is_empty() {
            concerned.extend(repo::list_appliers(app.db.reader(), &promos, customers).await?);
        }
        for customer in concerned.into_iter().collect::<HashSet<_>>() {
            app.bus.forward(Topic::Cart(customer), newest);
        }
    }
    Ok(())
}

fn of_products(messages: &[Message]) -> Vec<Uuid> {
    let products: HashSet<Uuid> = messages
        .iter()
        .filter(|message| &*message.kind == PRODUCT_CHANGED)
        .filter_map(|message| read_payload(ProductChange::deserialize(&*message.payload)))
        .map(|change| change.product)
        .collect();
    products.into_iter().collect()
}

fn of_promos(messages: &[Message]) -> Vec<Uuid> {
    let promos: HashSet<Uuid> = messages
        .iter()
        .filter(|message| &*message.kind == PROMO_CHANGED)
        .filter_map(|message| read_payload(PromoChange::deserialize(&*message.payload)))
        .map(|change| change.promo)
        .collect();
    promos.into_iter().collect()
}

fn read_payload<T>(payload: Result<T, serde_json::Error>) -> Option<T> {
    payload.inspect_err(|error| tracing::error!(%error, "a change of the catalogue cannot be read")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::bus::tests::message;

    /// What is made of `deliveries` by one that has heard everything up to 5.
    fn heard(deliveries: Vec<Delivery>) -> Heard {
        let mut heard = Heard { messages: Vec::new(), position: 5, is_suspect: false };
        for delivery in deliveries {
            heard.take(delivery);
        }
        heard
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_begins_anew_has_all_carts_looked_at_again() {
        let shop = crate::catalog::tests::Shop::open().await;
        let customer = Uuid::from_u128(1);
        let mut cart = shop.app.bus.listen(Topic::Cart(customer)).await.unwrap();
        // as at the start, and after it broke: what went by meanwhile nobody has told
        for _ in 0..2 {
            let stop = CancellationToken::new();
            let watching = tokio::spawn(watch(shop.app.clone(), stop.clone()));
            let heard = tokio::time::timeout(Duration::from_secs(30), cart.next()).await.unwrap();
            let Delivery::Message(message) = heard else { panic!("{heard:?}") };
            assert_eq!(&*message.kind, CART_CHANGED);
            stop.cancel();
            watching.await.unwrap();
        }
    }

    #[test]
    fn what_follows_without_a_hole_is_heard_and_everything_else_is_read() {
        let whole = heard(vec![message(4, 3), message(7, 5), message(7, 5), message(9, 7), Delivery::Behind(9)]);
        let positions: Vec<i64> = whole.messages.iter().map(|message| message.position).collect();
        assert_eq!((positions, whole.position, whole.is_suspect), (vec![7, 9], 9, false));
        for broken in [vec![message(9, 7)], vec![Delivery::Gap], vec![Delivery::Behind(6)]] {
            assert!(heard(broken).is_suspect);
        }
    }
}
