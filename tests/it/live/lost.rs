//! What a partner is told of an order that they lose: that, and nothing more.

use super::*;
use crate::chat::{CHAT_MESSAGES, say};
use crate::support::TestParts;
use crate::support::app::serve_alone;
use crate::support::socket::Subscription;
use crate::support::story::{
    ACCEPT_CLAIM, CANCEL_ORDER, PLACE_ORDER, RELEASE_CLAIM, UPDATE_ORDER_STATUS, order_input, text,
};
use crate::support::wait::until_numbered;

over_both_shapes! {
    a_partner_who_loses_an_order_is_told_so_and_nothing_more,
    who_begins_to_follow_while_they_lose_the_order_is_told_so_or_refused,
    what_is_said_once_an_order_is_lost_is_not_told_with_what_came_before,
    who_has_an_order_again_goes_on_hearing_of_it,
}

/// All that an order and its change could give away.
const FOLLOW: &str = "subscription Follow($orderId: ID!) { orderUpdates(orderId: $orderId) { __typename
    ... on OrderSnapshot { order { version status } }
    ... on OrderChanged { cursor
        event { type orderVersion from status note actorRole actor { id name email phone } }
        order { version status note promoCode deliveryCode deliveryAddress { line1 } customer { name phone } partner { id }
            claim { id partner { id } } viewerActions messages(first: 9) { nodes { body } } rating { score }
            timeline(first: 9) { nodes { type } } payments { id } estimatedDeliveryAt } } } }";

struct Scene {
    app: TestApp,
    shop: Shop,
    customer: Actor,
    admin: Actor,
    anna: Actor,
    boris: Actor,
}

impl Scene {
    async fn set(shape: Shape) -> Self {
        let app = TestApp::start(shape).await;
        let (shop, customer, admin) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer(), app.admin());
        let (anna, boris) = tokio::join!(app.partner(), app.partner());
        Self { app, shop, customer, admin, anna, boris }
    }

    /// An order that Anna has: its id and her claim's.
    async fn order(&self, accept: bool) -> (String, String) {
        let mut input = order_input(&self.shop.product_id, 1);
        input["note"] = json!("Mind the parrot.");
        let order = text(self.customer.mutate(PLACE_ORDER, input).await.ok("placeOrder"), "/order/id");
        let claim = text(try_claim(&self.anna, &order, accept).await.ok("claimOrder"), "/claim/id");
        (order, claim)
    }

    async fn follow(&self, order: &str) -> Subscription {
        let mut updates = self.anna.subscribe(FOLLOW, json!({ "orderId": order })).await;
        assert_eq!(updates.next().await["__typename"], "OrderSnapshot");
        updates
    }

    /// Has Anna lose an order in one of all ways. What is told of it: its type, where the order is then, whose doing it was, and
    /// in what words.
    async fn lose(&self, way: usize, order: &str, claim: &str) -> [Value; 4] {
        let input = |mut rest: Value| {
            rest["idempotencyKey"] = json!(key());
            rest
        };
        match way {
            0 => {
                let to = input(json!({ "orderId": order, "partnerId": self.boris.user_id }));
                self.admin.mutate(ASSIGN_ORDER, to).await.ok("assignOrder");
                ["ASSIGNED", "ASSIGNED", "ADMIN", ""].map(told)
            }
            1 => {
                let cancel = input(json!({ "orderId": order, "reason": "Zebulon is not at home." }));
                self.admin.mutate(CANCEL_ORDER, cancel).await.ok("cancelOrder");
                ["CANCELLED", "CANCELLED", "ADMIN", ""].map(told)
            }
            2 => {
                let back = input(json!({ "orderId": order, "status": "READY", "note": "Boris goes there anyway." }));
                self.admin.mutate(UPDATE_ORDER_STATUS, back).await.ok("updateOrderStatus");
                ["CLAIM_RELEASED", "READY", "ADMIN", ""].map(told)
            }
            3 => {
                let release = input(json!({ "claimId": claim, "reason": "A flat tyre." }));
                self.anna.mutate(RELEASE_CLAIM, release).await.ok("releaseClaim");
                ["CLAIM_RELEASED", "READY", "PARTNER", "A flat tyre."].map(told)
            }
            4 => {
                let cancel = input(json!({ "orderId": order, "reason": "I am Zebulon, and not hungry." }));
                self.customer.mutate(CANCEL_ORDER, cancel).await.ok("cancelOrder");
                ["CANCELLED", "CANCELLED", "CUSTOMER", ""].map(told)
            }
            _ => {
                self.app.app.clock.db_now(self.app.app.db.reader()).await.unwrap();
                self.app.clock.advance(self.app.app.config.claim_hold + Duration::from_secs(1));
                ["CLAIM_EXPIRED", "READY", "", ""].map(told)
            }
        }
    }
}

/// A text, or null for none.
fn told(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { json!(text) }
}

async fn a_partner_who_loses_an_order_is_told_so_and_nothing_more(shape: Shape) {
    let scene = Scene::set(shape).await;
    for way in 0..6 {
        // the last two while she only looks at it
        let (id, claim) = scene.order(way < 4).await;
        // two devices, which share each answer
        let mut followers = [scene.follow(&id).await, scene.follow(&id).await];
        let before = read_order(&scene.anna, &id).await["version"].as_i64().unwrap();
        let expected = scene.lose(way, &id, &claim).await;
        for follower in &mut followers {
            let (items, end) = follower.end().await;
            assert_eq!((items.len(), end), (1, End::Complete), "{way}: {items:?}");
            let (event, order) = (&items[0]["event"], &items[0]["order"]);
            let actor = event["actor"]["id"].as_str();
            assert_eq!([&event["type"], &event["status"], &event["actorRole"], &event["note"]].map(Clone::clone), expected);
            assert_eq!((event["orderVersion"].as_i64(), &order["version"]), (Some(before + 1), &event["orderVersion"]));
            assert_eq!(order["status"], event["status"]);
            let is_own = actor == Some(&scene.anna.user_id);
            assert_eq!((actor.is_some(), is_own), (way != 5, way == 3), "{event}");
            assert!(is_own || actor.is_none() || event["actor"]["name"] == "—", "{event}");
            for secret in ["note", "promoCode", "deliveryCode", "deliveryAddress", "partner", "claim", "rating"] {
                assert_eq!(order[secret], Value::Null, "{secret}");
            }
            assert_eq!(order["customer"], json!({ "name": "—", "phone": null }));
            assert_eq!((&order["timeline"]["nodes"], &order["payments"]), (&json!([]), &json!([])));
            assert!(!items[0].to_string().contains(&scene.boris.user_id), "who has it now is told: {items:?}");
        }
        assert_eq!(read_order(&scene.anna, &id).await, Value::Null);
        // what becomes of it then is told to nobody who does not have it
        let again = scene.anna.subscribe(FOLLOW, json!({ "orderId": id })).await.end().await;
        assert_eq!((again.0.len(), again.1.code()), (0, "NOT_FOUND"));
    }
}

async fn who_begins_to_follow_while_they_lose_the_order_is_told_so_or_refused(shape: Shape) {
    let scene = Scene::set(shape).await;
    for _ in 0..12 {
        let (id, claim) = scene.order(true).await;
        let follow = async {
            let mut updates = scene.anna.subscribe(ORDER_UPDATES, json!({ "orderId": id })).await;
            updates.end().await
        };
        let ((items, end), _) = tokio::join!(follow, scene.lose(3, &id, &claim));
        match &end {
            End::Complete => {
                let types: Vec<&Value> = items.iter().map(|item| &item["__typename"]).collect();
                assert_eq!(types, ["OrderSnapshot", "OrderChanged"], "{items:?}");
            }
            end => assert_eq!((items.len(), end.code()), (0, "NOT_FOUND"), "{items:?}"),
        }
    }
}

/// An event tells of the order as it was; what is said in its chat is read when it is told.
async fn what_is_said_once_an_order_is_lost_is_not_told_with_what_came_before(shape: Shape) {
    let TestParts { app, database: _database, .. } = TestParts::build(shape).await;
    let (api, _running) = serve_alone(&app).await;
    let (shop, customer, admin) = tokio::join!(seller_with_product(&api, 10, "40.00"), api.customer(), api.admin());
    let (anna, boris) = tokio::join!(api.partner(), api.partner());
    let id = place_order(&customer, &shop.product_id, 1).await;
    let held = text(try_claim(&anna, &id, false).await.ok("claimOrder"), "/claim/id");
    until_numbered(&app).await;
    let mut updates = anna.subscribe(FOLLOW, json!({ "orderId": id })).await;
    assert_eq!(updates.next().await["__typename"], "OrderSnapshot");
    anna.mutate(ACCEPT_CLAIM, json!({ "idempotencyKey": key(), "claimId": held })).await.ok("acceptClaim");
    say(&customer, &id, "The key is under the mat.").await;
    let to = json!({ "idempotencyKey": key(), "orderId": id, "partnerId": boris.user_id });
    admin.mutate(ASSIGN_ORDER, to).await.ok("assignOrder");
    say(&customer, &id, "And the alarm is 1234.").await;
    until_numbered(&app).await;
    let (items, end) = updates.end().await;
    assert_eq!((items.len(), end), (2, End::Complete), "that it was hers, and that it is not: {items:?}");
    for item in &items {
        assert_eq!(item["order"]["messages"]["nodes"], json!([]), "{item}");
    }
}

/// That an order was lost may be told late, when whoever lost it has it again: it ends what they followed before, and not what they
/// began to follow since.
async fn who_has_an_order_again_goes_on_hearing_of_it(shape: Shape) {
    let TestParts { app, database: _database, .. } = TestParts::build(shape).await;
    let (api, _running) = serve_alone(&app).await;
    let (shop, customer, anna) = tokio::join!(seller_with_product(&api, 10, "40.00"), api.customer(), api.partner());
    let id = place_order(&customer, &shop.product_id, 1).await;
    let claim = text(try_claim(&anna, &id, true).await.ok("claimOrder"), "/claim/id");
    until_numbered(&app).await;
    let follow = async |document| {
        let mut updates = anna.subscribe(document, json!({ "orderId": id })).await;
        let first = updates.next().await["__typename"].clone();
        assert!(first.as_str().unwrap().ends_with("Snapshot"), "{first}");
        updates
    };
    let (mut order_before, mut chat_before) = (follow(FOLLOW).await, follow(CHAT_MESSAGES).await);
    anna.mutate(RELEASE_CLAIM, json!({ "idempotencyKey": key(), "claimId": claim })).await.ok("releaseClaim");
    try_claim(&anna, &id, true).await.ok("claimOrder");
    let (mut order_since, mut chat_since) = (follow(FOLLOW).await, follow(CHAT_MESSAGES).await);
    until_numbered(&app).await;
    let (items, end) = order_before.end().await;
    assert_eq!((items.len(), &items[0]["event"]["type"], end), (1, &json!("CLAIM_RELEASED"), End::Complete));
    assert_eq!(chat_before.end().await, (Vec::new(), End::Complete));
    let said = say(&customer, &id, "The key is under the mat.").await;
    step(&anna, &id, "PICKED_UP").await;
    until_numbered(&app).await;
    assert_eq!(chat_since.next().await["message"]["id"], said.as_str());
    assert_eq!(order_since.next().await["order"]["status"], "PICKED_UP", "nothing of before came between");
}
