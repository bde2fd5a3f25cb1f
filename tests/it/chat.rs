//! The chat of an order: who takes part in it, for how long, and what they hear of each other.

mod several;

use std::time::Duration;

use domain::chat::MAX_OF_PARTY;
use domain::error::ErrorCode;
use domain::id::Kind;
use domain::order::OrderStatus;
use entity::{event, idempotency_key, message, order};
use quick_commerce::chat::service::{self, Send, mark_read, send};
use quick_commerce::orders::service::{Step, step as take_step};
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use serde_json::{Value, json};

use crate::support::actors::Actor;
use crate::support::audit::audit;
use crate::support::crowd::{at_once, refused, uuid};
use crate::support::http::Answer;
use crate::support::socket::End;
use crate::support::story::{
    ASSIGN_ORDER, CANCEL_ORDER, RELEASE_CLAIM, Shop, claim, deliver, key, ready_order, seller_with_product, step, text,
    try_claim,
};
use crate::support::{Shape, TestApp, TestCluster, over_both_shapes};

over_both_shapes! {
    an_orders_people_write_to_each_other_and_hear_it_live,
    outsiders_get_nothing_of_a_chat,
    a_chat_is_open_from_the_claim_until_a_grace_after_the_end,
    who_only_looks_at_an_order_has_no_chat,
    a_partner_who_lost_the_order_lost_its_chat,
    a_chat_is_read_in_pages_from_both_ends,
    what_was_read_is_marked_once_and_heard_of,
    a_message_is_sent_once_for_each_key,
    messages_of_many_at_once_are_numbered_without_gaps,
    nobody_writes_after_the_end_however_close_it_was,
    a_cursor_brings_what_was_missed_of_a_chat,
    one_party_cannot_fill_a_chat_for_the_others,
    what_was_written_is_in_its_table_alone,
}

pub(crate) const SEND_MESSAGE: &str = "mutation SendMessage($input: SendMessageInput!) { sendMessage(input: $input) {
    message { id body sentAt readAt senderRole sender { id } order { id } } userErrors { code message field } } }";

pub(crate) const MARK_READ: &str = "mutation MarkMessagesRead($input: MarkMessagesReadInput!) {
    markMessagesRead(input: $input) { marked userErrors { code message field } } }";

const MESSAGES: &str = "query($id: ID!, $first: Int, $after: String, $last: Int, $before: String) { order(id: $id) {
    viewerActions messages(first: $first, after: $after, last: $last, before: $before) {
        nodes { id body readAt senderRole sender { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }";

pub(crate) const CHAT_MESSAGES: &str = "subscription ChatMessages($orderId: ID!, $after: EventCursor) {
    chatMessages(orderId: $orderId, after: $after) { __typename
        ... on ChatSnapshot { cursor more messages { id body readAt sender { id } } }
        ... on MessageSent { cursor message { id body sender { id } order { id } } }
        ... on MessagesRead { cursor readerRole upTo readAt }
        ... on StreamReset { cursor reason } } }";

const NODE: &str = "query($id: ID!) { node(id: $id) { ... on Message { body order { note } } } }";

/// Sends a message, whatever comes of it.
async fn try_say(sender: &Actor, order: &str, body: &str) -> Answer {
    sender.mutate(SEND_MESSAGE, json!({ "idempotencyKey": key(), "orderId": order, "body": body })).await
}

/// Sends a message; its id.
pub(crate) async fn say(sender: &Actor, order: &str, body: &str) -> String {
    text(try_say(sender, order, body).await.ok("sendMessage"), "/message/id")
}

/// Says that somebody has read up to a message; how many were new to them.
pub(crate) async fn read_up_to(reader: &Actor, order: &str, message: &str) -> Value {
    let input = json!({ "orderId": order, "upTo": message });
    reader.mutate(MARK_READ, input).await.ok("markMessagesRead")["marked"].clone()
}

/// The order with its chat, as `viewer` sees it.
async fn chat(viewer: &Actor, order: &str) -> Value {
    viewer.query(MESSAGES, json!({ "id": order })).await.data()["order"].clone()
}

fn bodies(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|message| message["body"].as_str().unwrap()).collect()
}

fn may_write(order: &Value) -> bool {
    order["viewerActions"].as_array().unwrap().contains(&json!("MESSAGE"))
}

/// An order that a partner has accepted, and its people.
struct Scene {
    app: TestApp,
    shop: Shop,
    customer: Actor,
    partner: Actor,
    admin: Actor,
    order: String,
    claim: String,
}

impl Scene {
    async fn set(shape: Shape) -> Self {
        // tokens outlive a chat's grace
        let app = TestApp::start_with(shape, |config| config.access_token = Duration::from_hours(24)).await;
        let arrive =
            async { tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer(), app.partner(), app.admin()) };
        let (shop, customer, partner, admin) = Box::pin(arrive).await;
        let order = ready_order(&shop, &customer).await;
        let claim = claim(&partner, &order).await;
        Self { app, shop, customer, partner, admin, order, claim }
    }

    fn parties(&self) -> [(&'static str, &Actor); 4] {
        [("CUSTOMER", &self.customer), ("SELLER", &self.shop.seller), ("PARTNER", &self.partner), ("ADMIN", &self.admin)]
    }

    /// Nobody writes any more.
    async fn assert_closed(&self, parties: &[&Actor]) {
        for party in parties {
            let answer = try_say(party, &self.order, "Hello?").await;
            let expected =
                json!([{ "code": "CHAT_CLOSED", "message": "The order's chat is not open.", "field": ["orderId"] }]);
            assert_eq!(answer.body["data"]["sendMessage"]["userErrors"], expected);
            assert!(!may_write(&chat(party, &self.order).await));
        }
    }
}

async fn an_orders_people_write_to_each_other_and_hear_it_live(shape: Shape) {
    let scene = Scene::set(shape).await;
    let mut followers = Vec::new();
    for (_, party) in scene.parties() {
        let mut follower = party.subscribe(CHAT_MESSAGES, json!({ "orderId": scene.order })).await;
        let first = follower.next().await;
        assert_eq!((&first["__typename"], &first["messages"]), (&json!("ChatSnapshot"), &json!([])));
        followers.push(follower);
    }
    for (role, party) in scene.parties() {
        let body = format!("From the {role}:\n🛵 hello");
        let answer = try_say(party, &scene.order, &format!("  {body} ")).await;
        let message = &answer.ok("sendMessage")["message"];
        assert_eq!((&message["body"], &message["senderRole"]), (&json!(body), &json!(role)));
        assert_eq!((&message["sender"]["id"], &message["readAt"]), (&json!(party.user_id), &Value::Null));
        assert_eq!(message["order"]["id"], scene.order.as_str());
        for follower in &mut followers {
            let heard = follower.next().await;
            assert_eq!((&heard["__typename"], &heard["message"]["id"]), (&json!("MessageSent"), &message["id"]));
            assert_eq!(heard["message"]["body"], body);
        }
    }
    for (_, party) in scene.parties() {
        let seen = chat(party, &scene.order).await;
        assert!(may_write(&seen));
        let mut late = party.subscribe(CHAT_MESSAGES, json!({ "orderId": scene.order })).await;
        let snapshot = late.next().await;
        assert_eq!(bodies(&snapshot["messages"]), bodies(&seen["messages"]["nodes"]), "oldest first");
        assert_eq!((bodies(&snapshot["messages"]).len(), &snapshot["more"]), (4, &json!(false)));
    }
    audit(&scene.app.app).await;
}

async fn outsiders_get_nothing_of_a_chat(shape: Shape) {
    let scene = Scene::set(shape).await;
    let message = say(&scene.customer, &scene.order, "The bell is broken.").await;
    let other = scene.app.seller().await;
    let (stranger, another) = tokio::join!(scene.app.customer(), scene.app.partner());
    for outsider in [&stranger, &another, &other] {
        let refused = vec![json!("NOT_FOUND"), json!("orderId")];
        for answer in [
            try_say(outsider, &scene.order, "Who is there?").await.user_errors("sendMessage").to_vec(),
            outsider
                .mutate(MARK_READ, json!({ "orderId": scene.order, "upTo": message }))
                .await
                .user_errors("markMessagesRead")
                .to_vec(),
        ] {
            assert_eq!(vec![answer[0]["code"].clone(), answer[0]["field"][0].clone()], refused);
        }
        assert_eq!(chat(outsider, &scene.order).await, Value::Null);
        assert_eq!(outsider.query(NODE, json!({ "id": message })).await.data()["node"], Value::Null);
        let (items, end) = outsider.subscribe(CHAT_MESSAGES, json!({ "orderId": scene.order })).await.end().await;
        assert_eq!((items, end.code()), (Vec::new(), "NOT_FOUND"));
    }
    assert_eq!(scene.app.anonymous().query(NODE, json!({ "id": message })).await.data()["node"], Value::Null);
    let seen = scene.partner.query(NODE, json!({ "id": message })).await;
    assert_eq!(seen.data()["node"]["body"], "The bell is broken.");
    assert_eq!(message::Entity::find().count(scene.app.app.db.reader()).await.unwrap(), 1);
}

async fn a_chat_is_open_from_the_claim_until_a_grace_after_the_end(shape: Shape) {
    let scene = Scene::set(shape).await;
    let parties = [&scene.customer, &scene.shop.seller, &scene.partner, &scene.admin];
    // before anybody carries it, there is nobody to write to
    let fresh = ready_order(&scene.shop, &scene.customer).await;
    for party in [&scene.customer, &scene.shop.seller, &scene.admin] {
        assert_eq!(try_say(party, &fresh, "Hello?").await.refusal("sendMessage"), "CHAT_CLOSED");
        assert!(!may_write(&chat(party, &fresh).await));
    }
    deliver(&scene.partner, &scene.customer, &scene.order).await;
    for party in parties {
        say(party, &scene.order, "Thank you!").await;
    }
    // a change of the order after its end stretches nothing
    scene.app.clock.advance(Duration::from_mins(59));
    crate::ratings::rate(&scene.customer, &scene.order, 5).await;
    say(&scene.customer, &scene.order, "I forgot something.").await;
    scene.app.clock.advance(Duration::from_mins(1));
    scene.assert_closed(&parties).await;
    for party in parties {
        assert_eq!(bodies(&chat(party, &scene.order).await["messages"]["nodes"]).len(), 5, "what was said can be read");
    }

    // one that is called off on its way ends for its partner at once, and for the others as any
    let partner = scene.app.partner().await;
    claim(&partner, &fresh).await;
    say(&partner, &fresh, "I am at the store.").await;
    let cancel = json!({ "idempotencyKey": key(), "orderId": fresh, "reason": "The store has burnt down." });
    scene.admin.mutate(CANCEL_ORDER, cancel).await.ok("cancelOrder");
    assert_eq!(try_say(&partner, &fresh, "What?").await.refusal("sendMessage"), "NOT_FOUND");
    say(&scene.customer, &fresh, "Is everybody well?").await;
    scene.app.clock.advance(Duration::from_hours(1));
    assert_eq!(try_say(&scene.customer, &fresh, "Hello?").await.refusal("sendMessage"), "CHAT_CLOSED");
}

async fn who_only_looks_at_an_order_has_no_chat(shape: Shape) {
    let scene = Scene::set(shape).await;
    let fresh = ready_order(&scene.shop, &scene.customer).await;
    let looker = scene.app.partner().await;
    let held = text(try_claim(&looker, &fresh, false).await.ok("claimOrder"), "/claim/id");
    assert_eq!(try_say(&looker, &fresh, "Where is it?").await.refusal("sendMessage"), "NOT_FOUND");
    assert_eq!(try_say(&scene.customer, &fresh, "Hello?").await.refusal("sendMessage"), "CHAT_CLOSED");
    let accept = json!({ "idempotencyKey": key(), "claimId": held });
    looker.mutate(crate::support::story::ACCEPT_CLAIM, accept).await.ok("acceptClaim");
    say(&looker, &fresh, "On my way.").await;
    // nor has one that ends with nobody on the way
    let called_off = ready_order(&scene.shop, &scene.customer).await;
    let cancel = json!({ "idempotencyKey": key(), "orderId": called_off, "reason": "The store has burnt down." });
    scene.admin.mutate(CANCEL_ORDER, cancel).await.ok("cancelOrder");
    assert_eq!(try_say(&scene.customer, &called_off, "Hello?").await.refusal("sendMessage"), "CHAT_CLOSED");
}

async fn a_partner_who_lost_the_order_lost_its_chat(shape: Shape) {
    let scene = Scene::set(shape).await;
    let secret = say(&scene.customer, &scene.order, "The key is under the mat.").await;
    let other = scene.app.partner().await;
    let mut follower = scene.partner.subscribe(CHAT_MESSAGES, json!({ "orderId": scene.order })).await;
    let cursor = follower.next().await["cursor"].clone();
    let assign = json!({ "idempotencyKey": key(), "orderId": scene.order, "partnerId": other.user_id });
    scene.admin.mutate(ASSIGN_ORDER, assign).await.ok("assignOrder");
    say(&scene.customer, &scene.order, "And the alarm is 1234.").await;
    assert_eq!(follower.end().await, (Vec::new(), End::Complete), "nothing more is told");
    assert_eq!(try_say(&scene.partner, &scene.order, "Hello?").await.refusal("sendMessage"), "NOT_FOUND");
    assert_eq!(scene.partner.query(NODE, json!({ "id": secret })).await.data()["node"], Value::Null);
    let claims = "{ partner { claims { nodes { order { messages { nodes { body } } } } } } }";
    let claims = scene.partner.query(claims, Value::Null).await;
    assert_eq!(claims.data()["partner"]["claims"]["nodes"][0]["order"]["messages"]["nodes"], json!([]));
    let again = json!({ "orderId": scene.order, "after": cursor });
    let (items, end) = scene.partner.subscribe(CHAT_MESSAGES, again).await.end().await;
    assert_eq!((items, end.code()), (Vec::new(), "NOT_FOUND"));

    // whoever has it now reads the whole
    assert_eq!(bodies(&chat(&other, &scene.order).await["messages"]["nodes"]).len(), 2);
    // and loses it like the first, by giving it back
    let claim = text(&crate::support::story::order(&other, &scene.order).await, "/claim/id");
    let mut follower = other.subscribe(CHAT_MESSAGES, json!({ "orderId": scene.order })).await;
    follower.next().await;
    other.mutate(RELEASE_CLAIM, json!({ "idempotencyKey": key(), "claimId": claim })).await.ok("releaseClaim");
    assert_eq!(follower.end().await, (Vec::new(), End::Complete));
    assert_eq!(try_say(&scene.customer, &scene.order, "Hello?").await.refusal("sendMessage"), "CHAT_CLOSED");
    assert_ne!(scene.claim, claim);
}

async fn a_chat_is_read_in_pages_from_both_ends(shape: Shape) {
    let scene = Scene::set(shape).await;
    for number in 1..=7 {
        let (_, party) = scene.parties()[number % 4];
        say(party, &scene.order, &format!("{number}")).await;
    }
    let page = async |mut arguments: Value| {
        arguments["id"] = json!(scene.order);
        let answer = scene.customer.query(MESSAGES, arguments).await;
        let page = answer.data()["order"]["messages"].clone();
        let numbers: String = bodies(&page["nodes"]).concat();
        (numbers, page["pageInfo"].clone())
    };
    let (first, info) = page(json!({ "first": 3 })).await;
    assert_eq!((first.as_str(), &info["hasNextPage"], &info["hasPreviousPage"]), ("123", &json!(true), &json!(false)));
    let (next, info) = page(json!({ "first": 3, "after": info["endCursor"] })).await;
    assert_eq!((next.as_str(), &info["hasNextPage"], &info["hasPreviousPage"]), ("456", &json!(true), &json!(true)));
    let (rest, info) = page(json!({ "first": 3, "after": info["endCursor"] })).await;
    assert_eq!((rest.as_str(), &info["hasNextPage"]), ("7", &json!(false)));
    let (last, info) = page(json!({ "last": 3 })).await;
    assert_eq!((last.as_str(), &info["hasNextPage"], &info["hasPreviousPage"]), ("567", &json!(false), &json!(true)));
    let (before, info) = page(json!({ "last": 3, "before": info["startCursor"] })).await;
    assert_eq!((before.as_str(), &info["hasNextPage"], &info["hasPreviousPage"]), ("234", &json!(true), &json!(true)));
    let (start, info) = page(json!({ "last": 3, "before": info["startCursor"] })).await;
    assert_eq!((start.as_str(), &info["hasPreviousPage"]), ("1", &json!(false)));
    let foreign = ready_order(&scene.shop, &scene.customer).await;
    let arguments = json!({ "id": foreign, "first": 3, "after": info["endCursor"] });
    assert_eq!(scene.customer.query(MESSAGES, arguments).await.code(), "BAD_CURSOR", "of another chat");
}

async fn what_was_read_is_marked_once_and_heard_of(shape: Shape) {
    let scene = Scene::set(shape).await;
    let question = say(&scene.customer, &scene.order, "Where are you?").await;
    let answer = say(&scene.partner, &scene.order, "At the lake.").await;
    let later = say(&scene.customer, &scene.order, "Fine.").await;
    let mut follower = scene.customer.subscribe(CHAT_MESSAGES, json!({ "orderId": scene.order })).await;
    assert_eq!(follower.next().await["__typename"], "ChatSnapshot");
    let read = async || {
        let seen = chat(&scene.customer, &scene.order).await;
        let of = |message: &Value| message["readAt"].is_string();
        seen["messages"]["nodes"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    // nobody reads what they wrote themselves, and an admin leaves no trace
    assert_eq!(read_up_to(&scene.customer, &scene.order, &question).await, 0);
    assert_eq!(read_up_to(&scene.admin, &scene.order, &later).await, 0);
    assert_eq!(read().await, [false, false, false]);
    assert_eq!(read_up_to(&scene.partner, &scene.order, &answer).await, 1);
    assert_eq!(read().await, [true, false, false]);
    let heard = follower.next().await;
    assert_eq!((&heard["__typename"], &heard["readerRole"]), (&json!("MessagesRead"), &json!("PARTNER")));
    let shown = chat(&scene.customer, &scene.order).await["messages"]["nodes"][0]["readAt"].clone();
    assert_eq!((&heard["upTo"], &heard["readAt"]), (&json!(answer), &shown));

    // once and for good
    scene.app.clock.advance(Duration::from_mins(1));
    assert_eq!(read_up_to(&scene.partner, &scene.order, &answer).await, 0);
    assert_eq!(
        read_up_to(&scene.shop.seller, &scene.order, &later).await,
        2,
        "the partner's, and the second of the customer's"
    );
    assert_eq!(chat(&scene.customer, &scene.order).await["messages"]["nodes"][0]["readAt"], shown);
    assert_eq!(follower.next().await["readerRole"], "SELLER");
    assert_eq!(read().await, [true, true, true]);

    let other = ready_order(&scene.shop, &scene.customer).await;
    let foreign = json!({ "orderId": other, "upTo": answer });
    let refused = scene.customer.mutate(MARK_READ, foreign).await;
    let refusal = &refused.user_errors("markMessagesRead")[0];
    assert_eq!((&refusal["code"], &refusal["field"]), (&json!("NOT_FOUND"), &json!(["upTo"])), "of another chat");
}

async fn a_message_is_sent_once_for_each_key(shape: Shape) {
    let scene = Scene::set(shape).await;
    let input = json!({ "idempotencyKey": key(), "orderId": scene.order, "body": "Once." });
    let requests = (0..8).map(|_| {
        let (customer, input) = (scene.customer.clone(), input.clone());
        async move { text(customer.mutate(SEND_MESSAGE, input).await.ok("sendMessage"), "/message/id") }
    });
    let mut ids = at_once(requests).await;
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(bodies(&chat(&scene.customer, &scene.order).await["messages"]["nodes"]), ["Once."]);
    let mut other = input.clone();
    other["body"] = json!("Twice.");
    assert_eq!(scene.customer.mutate(SEND_MESSAGE, other).await.refusal("sendMessage"), "IDEMPOTENCY_MISMATCH");
    // the same key of somebody who has lost the chat is answered with nothing
    let input = json!({ "idempotencyKey": key(), "orderId": scene.order, "body": "Mine." });
    scene.partner.mutate(SEND_MESSAGE, input.clone()).await.ok("sendMessage");
    let release = json!({ "idempotencyKey": key(), "claimId": scene.claim });
    scene.partner.mutate(RELEASE_CLAIM, release).await.ok("releaseClaim");
    assert_eq!(scene.partner.mutate(SEND_MESSAGE, input).await.refusal("sendMessage"), "NOT_FOUND");
}

async fn messages_of_many_at_once_are_numbered_without_gaps(shape: Shape) {
    let scene = Scene::set(shape).await;
    let mut follower = scene.admin.subscribe(CHAT_MESSAGES, json!({ "orderId": scene.order })).await;
    follower.next().await;
    let mut requests = Vec::new();
    for number in 0..20 {
        for (role, party) in scene.parties() {
            let (party, order) = (party.clone(), scene.order.clone());
            requests.push(async move { say(&party, &order, &format!("{role} {number}")).await });
        }
    }
    at_once(requests).await;
    let mut rows = message::Entity::find().all(scene.app.app.db.reader()).await.unwrap();
    rows.sort_by_key(|row| row.number);
    assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), (1..=80).collect::<Vec<_>>());
    assert!(rows.is_sorted_by_key(|row| row.sent_at), "later numbers are of later times");
    for row in rows {
        let heard = follower.next().await;
        assert_eq!(uuid(Kind::Message, &text(&heard, "/message/id")), row.id, "live, in order, each once");
    }
}

async fn nobody_writes_after_the_end_however_close_it_was(shape: Shape) {
    let app = TestApp::start_with(shape, |config| config.chat_grace = Duration::ZERO).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer(), app.partner());
    let (writer, carrier) = (customer.principal().await, partner.principal().await);
    let mut written = 0;
    for _ in 0..15 {
        let id = ready_order(&shop, &customer).await;
        claim(&partner, &id).await;
        step(&partner, &id, "PICKED_UP").await;
        let order = uuid(Kind::Order, &id);
        let writing = (0..4).map(|_| {
            let app = app.app.clone();
            async move {
                let message = Send { order, body: "Nearly there?".to_owned() };
                refused(send(&app, writer, &key(), message).await).map(|row| row.sent_at)
            }
        });
        let ending = {
            let app = app.app.clone();
            async move {
                let step = Step {
                    order,
                    to: OrderStatus::Failed,
                    note: None,
                    expected_version: None,
                    delivery_code: None,
                    input: Some("status"),
                };
                refused(take_step(&app, carrier, "updateOrderStatus", &key(), step).await)
            }
        };
        let (results, ended) = tokio::join!(at_once(writing), ending);
        let end = ended.unwrap().carried_until.unwrap();
        let row = order::Entity::find_by_id(order).one(app.app.db.reader()).await.unwrap().unwrap();
        assert_eq!(row.carried_until, Some(end));
        for result in results {
            match result {
                Ok(at) => {
                    assert!(at <= end, "sent at {at}, ended at {end}");
                    written += 1;
                }
                Err(refusal) => assert_eq!(refusal.code, ErrorCode::ChatClosed),
            }
        }
    }
    assert_eq!(message::Entity::find().count(app.app.db.reader()).await.unwrap(), written);
    audit(&app.app).await;
}

async fn a_cursor_brings_what_was_missed_of_a_chat(shape: Shape) {
    let scene = Scene::set(shape).await;
    say(&scene.customer, &scene.order, "1").await;
    let mut follower = scene.partner.subscribe(CHAT_MESSAGES, json!({ "orderId": scene.order })).await;
    let snapshot = follower.next().await;
    assert_eq!(bodies(&snapshot["messages"]), ["1"]);
    let second = say(&scene.customer, &scene.order, "2").await;
    let cursor = follower.next().await["cursor"].clone();
    drop(follower);
    say(&scene.shop.seller, &scene.order, "3").await;
    read_up_to(&scene.shop.seller, &scene.order, &second).await;
    say(&scene.admin, &scene.order, "4").await;
    let again = json!({ "orderId": scene.order, "after": cursor });
    let mut follower = scene.partner.subscribe(CHAT_MESSAGES, again).await;
    assert_eq!(follower.next().await["message"]["body"], "3");
    assert_eq!(follower.next().await["upTo"], second.as_str());
    assert_eq!(follower.next().await["message"]["body"], "4");
    say(&scene.customer, &scene.order, "5").await;
    assert_eq!(follower.next().await["message"]["body"], "5");

    let other = ready_order(&scene.shop, &scene.customer).await;
    let elsewhere = json!({ "orderId": other, "after": cursor });
    let mut follower = scene.customer.subscribe(CHAT_MESSAGES, elsewhere).await;
    assert_eq!(follower.next().await["reason"], "SERVER", "a cursor is of its own chat");
    assert_eq!(follower.next().await["messages"], json!([]));
}

async fn one_party_cannot_fill_a_chat_for_the_others(shape: Shape) {
    let scene = Scene::set(shape).await;
    several::write(&scene.app.app, &scene.order, &scene.customer, i32::try_from(MAX_OF_PARTY).unwrap() - 1).await;
    say(&scene.customer, &scene.order, "The last.").await;
    assert_eq!(try_say(&scene.customer, &scene.order, "One more.").await.refusal("sendMessage"), "CHAT_CLOSED");
    say(&scene.partner, &scene.order, "I have read it all.").await;
    let mut follower = scene.partner.subscribe(CHAT_MESSAGES, json!({ "orderId": scene.order })).await;
    let snapshot = follower.next().await;
    let shown = bodies(&snapshot["messages"]);
    assert_eq!((shown.len(), shown[99], &snapshot["more"]), (100, "I have read it all.", &json!(true)));
}

async fn what_was_written_is_in_its_table_alone(shape: Shape) {
    const WORD: &str = "Rumpelstiltskin";
    let scene = Scene::set(shape).await;
    let message = say(&scene.customer, &scene.order, WORD).await;
    read_up_to(&scene.partner, &scene.order, &message).await;
    let db = scene.app.app.db.reader();
    let of_chat = event::Column::Kind.is_in(["chat.message_sent", "chat.messages_read"]);
    assert_eq!(event::Entity::find().filter(of_chat).count(db).await.unwrap(), 2);
    let events = event::Entity::find().all(db).await.unwrap();
    let keys = idempotency_key::Entity::find().all(db).await.unwrap();
    let rows = message::Entity::find().all(db).await.unwrap();
    let wish = Send { order: rows[0].order_id, body: WORD.to_owned() };
    for text in [format!("{events:?}"), format!("{keys:?}"), format!("{rows:?}"), format!("{wish:?}")] {
        assert!(!text.contains(WORD), "{text}");
    }
    assert_eq!(rows[0].body.0, WORD);
    let principal = scene.partner.principal().await;
    assert_eq!(mark_read(&scene.app.app, principal, rows[0].order_id, rows[0].id).await.unwrap(), 0);
    assert!(service::list_by_ids(db, &[rows[0].id]).await.unwrap()[0].read_at.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_goes_through_two_instances() {
    let cluster = TestCluster::start(2).await;
    let (here, there) = (&cluster[0], &cluster[1]);
    let (shop, customer, partner) = tokio::join!(seller_with_product(here, 10, "40.00"), here.customer(), here.partner());
    let order = ready_order(&shop, &customer).await;
    claim(&partner, &order).await;
    let mut follower = partner.at(there).subscribe(CHAT_MESSAGES, json!({ "orderId": order })).await;
    follower.next().await;
    for number in 0..10 {
        let sender = if number % 2 == 0 { customer.clone() } else { customer.at(there) };
        say(&sender, &order, &number.to_string()).await;
        assert_eq!(follower.next().await["message"]["body"], number.to_string());
    }
}
