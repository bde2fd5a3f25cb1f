//! What is done with an order.

use std::collections::HashMap;
use std::sync::Arc;

use cynic::{MutationBuilder as _, QueryBuilder as _};

use crate::api::{
    Order, OrderStatus, TakeStep, TakeStepVariables, Update, UpdateOrderStatusInput, Waiting, WaitingVariables,
};
use crate::follow::Follower;
use crate::shop::{Error, Shop};

/// What happened, for whoever watches.
#[derive(Debug, Clone)]
pub enum Note {
    /// An order as it is: the packer has begun, or begun anew.
    Found(Order),
    /// An order changed.
    Changed(Order),
    /// Changes were missed, and orders as they are follow.
    Reset,
    /// The server would not take the step: somebody else was faster, or the order was cancelled. The next change tells.
    Refused { order: Order, why: String },
}

/// Packs what is ordered.
pub struct Packer {
    shop: Arc<Shop>,
    orders: Follower,
    /// The version of each open order that was seen last.
    versions: HashMap<cynic::Id, i32>,
}

impl Packer {
    #[must_use]
    pub fn new(shop: Arc<Shop>) -> Self {
        Self { orders: Follower::new(Arc::clone(&shop)), shop, versions: HashMap::new() }
    }

    /// Packs until something fails that trying again does not mend.
    ///
    /// # Errors
    /// That.
    pub async fn run(mut self, mut watch: impl FnMut(Note)) -> Result<(), Error> {
        let mut has_listed = false;
        loop {
            let update = self.orders.next().await?;
            if matches!(update, Update::Reset(_)) {
                self.versions.clear();
                watch(Note::Reset);
                has_listed = false;
            }
            // not before the subscription has begun, so that no order falls between the two
            if !has_listed {
                self.list(&mut watch).await?;
                has_listed = true;
            }
            match update {
                Update::Snapshot(item) => self.see_to(item.order, Note::Found, &mut watch).await?,
                Update::Changed(item) => self.see_to(item.order, Note::Changed, &mut watch).await?,
                _ => {}
            }
        }
    }

    /// Sees to all that waits to be packed: the subscription begins with the newest hundred orders, and tells of changes only.
    async fn list(&mut self, watch: &mut impl FnMut(Note)) -> Result<(), Error> {
        let mut after = None;
        loop {
            let page = self.shop.send(Waiting::build(WaitingVariables { after })).await?.seller.orders;
            for order in page.nodes {
                self.see_to(order, Note::Found, watch).await?;
            }
            if !page.page_info.has_next_page {
                return Ok(());
            }
            after = page.page_info.end_cursor;
        }
    }

    /// Takes the order's next step, if it is news and there is one.
    async fn see_to(&mut self, order: Order, note: fn(Order) -> Note, watch: &mut impl FnMut(Note)) -> Result<(), Error> {
        if !self.is_news(&order) {
            return Ok(());
        }
        watch(note(order.clone()));
        let next = match order.status {
            OrderStatus::Confirmed => OrderStatus::Preparing,
            OrderStatus::Preparing => OrderStatus::Ready,
            _ => return Ok(()),
        };
        if let Some(why) = step(&self.shop, &order, next).await? {
            watch(Note::Refused { order, why });
        }
        Ok(())
    }

    /// An item may come twice, and the version tells. What is packed is not seen to again.
    fn is_news(&mut self, order: &Order) -> bool {
        let is_news = self.versions.get(&order.id).is_none_or(|seen| *seen < order.version);
        if order.status == OrderStatus::Other {
            self.versions.remove(&order.id);
        } else if is_news {
            self.versions.insert(order.id.clone(), order.version);
        }
        is_news
    }
}

/// Why it was refused, if it was. The key makes it one step, however often it is sent, also by a packer that is started anew.
async fn step(shop: &Shop, order: &Order, status: OrderStatus) -> Result<Option<String>, Error> {
    let input = UpdateOrderStatusInput {
        idempotency_key: format!("{}-{status:?}", order.id.inner()),
        order_id: order.id.clone(),
        status,
        expected_version: Some(order.version),
    };
    let answer = shop.send(TakeStep::build(TakeStepVariables { input })).await?.update_order_status;
    Ok(answer.user_errors.into_iter().next().map(|error| error.message))
}

#[cfg(test)]
mod tests {
    use futures_util::{SinkExt as _, StreamExt as _};
    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::mpsc;
    use tokio_tungstenite::tungstenite::Message;

    use super::*;
    use crate::api::LoginInput;
    use crate::follow::tests::upgrade;

    fn order(id: &str) -> Value {
        json!({ "id": id, "number": id, "version": 2, "status": "CONFIRMED", "items": [] })
    }

    /// Two orders wait that the subscription does not tell of, on a page each.
    fn answer(asked: &Value) -> Value {
        let query = asked["query"].as_str().expect("a text");
        if query.contains("login") {
            let tokens = json!({ "accessToken": "one", "refreshToken": "another" });
            return json!({ "login": { "tokens": tokens, "userErrors": [] } });
        }
        if query.contains("updateOrderStatus") {
            // so that the step is seen
            let errors = json!([{ "message": asked["variables"]["input"]["status"] }]);
            return json!({ "updateOrderStatus": { "order": null, "userErrors": errors } });
        }
        let is_first = asked["variables"]["after"].is_null();
        let nodes = [order(if is_first { "oldest" } else { "older" })];
        let page = json!({ "hasNextPage": is_first, "endCursor": "the place" });
        json!({ "seller": { "orders": { "nodes": nodes, "pageInfo": page } } })
    }

    /// Answers one request.
    async fn respond(mut client: TcpStream) {
        let mut asked = Vec::new();
        let query = loop {
            client.read_buf(&mut asked).await.expect("it asks");
            let text = String::from_utf8_lossy(&asked);
            // what follows the header is not all of it before it is JSON
            let body = text.split_once("\r\n\r\n").map(|(_, body)| serde_json::from_str::<Value>(body));
            if let Some(Ok(query)) = body {
                break query;
            }
        };
        let body = json!({ "data": answer(&query) }).to_string();
        let header = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
        let reply = format!("{header}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        client.write_all(reply.as_bytes()).await.expect("it listens");
    }

    /// Tells whoever subscribes of the newest order, and that changes are missing.
    async fn tell(client: TcpStream) {
        let mut socket = upgrade(client).await;
        while let Some(Ok(message)) = socket.next().await {
            let Ok(asked) = serde_json::from_str::<Value>(message.to_text().expect("a text")) else { continue };
            let snapshot = json!({ "__typename": "OrderSnapshot", "cursor": "one", "order": order("newest") });
            let reset = json!({ "__typename": "StreamReset", "cursor": "two" });
            let payload = |update| json!({ "data": { "sellerOrderUpdates": update } });
            let replies = match asked["type"].as_str() {
                Some("connection_init") => vec![json!({ "type": "connection_ack" })],
                Some("subscribe") => [snapshot, reset]
                    .map(|update| json!({ "type": "next", "id": asked["id"], "payload": payload(update) }))
                    .into(),
                _ => Vec::new(),
            };
            for reply in replies {
                socket.send(Message::text(reply.to_string())).await.expect("it listens");
            }
        }
    }

    #[tokio::test]
    async fn what_the_subscription_does_not_begin_with_is_packed_too_also_after_a_reset() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let mut first = [0];
                client.peek(&mut first).await.expect("it says something");
                // a socket begins with GET
                if first == *b"G" {
                    tokio::spawn(tell(client))
                } else {
                    tokio::spawn(respond(client))
                };
            }
        });
        let login = LoginInput { email: String::new(), password: String::new() };
        let packer = Packer::new(Arc::new(Shop::new(&url, login).expect("an address")));
        let (send, mut notes) = mpsc::unbounded_channel();
        tokio::spawn(packer.run(move |note| drop(send.send(note))));
        let mut seen = Vec::new();
        while seen.len() < 11 {
            let note = tokio::time::timeout(std::time::Duration::from_secs(30), notes.recv()).await;
            seen.push(match note.expect("a note").expect("the packer works") {
                Note::Found(order) => format!("found {}", order.number),
                Note::Refused { order, why } => format!("{} {why}", order.number),
                Note::Reset => "reset".to_owned(),
                Note::Changed(order) => panic!("{order:?}"),
            });
        }
        let listed = ["found oldest", "oldest PREPARING", "found older", "older PREPARING"];
        let told = ["found newest", "newest PREPARING", "reset"];
        assert_eq!(seen, [&listed[..], &told, &listed].concat());
    }
}
