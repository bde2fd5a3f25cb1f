//! Mutations with an idempotency key: sent sixteen times at once, to every instance there is, they are done once, and
//! everybody is told the same.

use domain::id::Kind;
use domain::stock::StockMovementReason;
use entity::{Text, claim, order, order_event, product, stock_movement};
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use serde_json::{Value, json};

use crate::support::actors::{Actor, Api};
use crate::support::audit::audit;
use crate::support::crowd::{at_once, uuid};
use crate::support::http::Answer;
use crate::support::story::{
    ACCEPT_CLAIM, ADJUST_STOCK, ASSIGN_ORDER, CANCEL_ORDER, CLAIM_ORDER, CREATE_PRODUCT, PLACE_ORDER, RELEASE_CLAIM, Shop,
    UPDATE_ORDER_STATUS, by_hand, category, claim as claim_order, key, order_input, place_order, seller_with_product, text,
    try_claim,
};
use crate::support::{Shape, TestApp, TestCluster, over_both_shapes};

over_both_shapes! {
    an_order_is_placed_once,
    an_order_is_cancelled_once,
    a_step_is_taken_once,
    an_order_is_claimed_once,
    a_claim_is_accepted_once,
    a_claim_is_released_once,
    an_order_is_assigned_once,
    a_product_is_created_once,
    stock_is_adjusted_once,
    a_refusal_is_not_remembered,
    an_order_whose_expected_total_is_written_otherwise_is_the_same,
}

/// The server: one instance when embedded, two in production.
enum Stage {
    Embedded(Box<TestApp>),
    Production(TestCluster),
}

impl Stage {
    async fn set(shape: Shape) -> Self {
        match shape {
            Shape::Embedded => Self::Embedded(Box::new(TestApp::start(shape).await)),
            Shape::Production => Self::Production(TestCluster::start(2).await),
        }
    }

    fn api(&self, number: usize) -> &Api {
        match self {
            Self::Embedded(app) => app,
            Self::Production(cluster) => &cluster[number % 2],
        }
    }

    async fn shop(&self) -> Shop {
        seller_with_product(self.api(0), 100, "40.00").await
    }

    /// Sends `asked` sixteen times at once, and again with what is in `changed`; what everybody was told.
    async fn ask(&self, actor: &Actor, asked: &Asked, changed: Value) -> Value {
        let requests = (0..16).map(|number| {
            let (actor, asked) = (actor.at(self.api(number)), asked.clone());
            async move { actor.mutate(asked.document, asked.input).await }
        });
        let answers = at_once(requests).await;
        let payloads: Vec<&Value> = answers.iter().map(|answer| answer.ok(asked.field)).collect();
        assert!(payloads.iter().all(|payload| *payload == payloads[0]), "everybody is told the same: {payloads:#?}");

        let mut input = asked.input.clone();
        input.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
        let other = actor.mutate(asked.document, input).await;
        assert_eq!(other.refusal(asked.field), "IDEMPOTENCY_MISMATCH");
        payloads[0].clone()
    }

    async fn events_of(&self, order_id: &str) -> u64 {
        let mine = order_event::Column::OrderId.eq(uuid(Kind::Order, order_id));
        order_event::Entity::find().filter(mine).count(self.api(0).app.db.reader()).await.unwrap()
    }

    async fn claims_of(&self, order_id: &str) -> u64 {
        let mine = claim::Column::OrderId.eq(uuid(Kind::Order, order_id));
        claim::Entity::find().filter(mine).count(self.api(0).app.db.reader()).await.unwrap()
    }

    async fn audit(&self) {
        audit(&self.api(0).app).await;
    }
}

/// One mutation with its input.
#[derive(Clone)]
struct Asked {
    document: &'static str,
    field: &'static str,
    input: Value,
}

impl Asked {
    fn new(document: &'static str, field: &'static str, input: Value) -> Self {
        Self { document, field, input }
    }

    /// The same by somebody else, under the same key.
    async fn by(&self, other: &Actor) -> Answer {
        other.mutate(self.document, self.input.clone()).await
    }
}

/// Steps that a new order takes of itself: placed, confirmed, packed, ready.
const AT_FIRST: u64 = 4;

async fn an_order_is_placed_once(shape: Shape) {
    let stage = Stage::set(shape).await;
    let (shop, anna, boris) = tokio::join!(stage.shop(), stage.api(0).customer(), stage.api(0).customer());
    let asked = Asked::new(PLACE_ORDER, "placeOrder", order_input(&shop.product_id, 3));
    let payload = stage.ask(&anna, &asked, json!({ "note": "ring twice" })).await;
    let other = asked.by(&boris).await;
    assert_ne!(text(other.ok("placeOrder"), "/order/id"), text(&payload, "/order/id"));
    assert_eq!(order::Entity::find().count(stage.api(0).app.db.reader()).await.unwrap(), 2);
    stage.audit().await;
}

async fn an_order_is_cancelled_once(shape: Shape) {
    let stage = Stage::set(shape).await;
    let (shop, customer) = tokio::join!(stage.shop(), stage.api(0).customer());
    let id = place_order(&customer, &shop.product_id, 3).await;
    let asked = Asked::new(CANCEL_ORDER, "cancelOrder", json!({ "idempotencyKey": key(), "orderId": id }));
    let payload = stage.ask(&customer, &asked, json!({ "reason": "another" })).await;
    assert_eq!(payload["order"]["status"], "CANCELLED");
    assert_eq!(asked.by(&shop.seller).await.refusal("cancelOrder"), "ILLEGAL_TRANSITION");
    assert_eq!(stage.events_of(&id).await, AT_FIRST + 1);
    stage.audit().await;
}

async fn a_step_is_taken_once(shape: Shape) {
    let stage = Stage::set(shape).await;
    let (shop, customer, admin) = tokio::join!(stage.shop(), stage.api(0).customer(), stage.api(0).admin());
    by_hand(stage.api(0), &shop.seller).await;
    let id = place_order(&customer, &shop.product_id, 1).await;
    let input = json!({ "idempotencyKey": key(), "orderId": id, "status": "PREPARING" });
    let asked = Asked::new(UPDATE_ORDER_STATUS, "updateOrderStatus", input);
    let payload = stage.ask(&shop.seller, &asked, json!({ "status": "READY" })).await;
    assert_eq!(payload["order"]["status"], "PREPARING");
    assert_eq!(asked.by(&admin).await.refusal("updateOrderStatus"), "ILLEGAL_TRANSITION");
    assert_eq!(stage.events_of(&id).await, 3);
    stage.audit().await;
}

async fn an_order_is_claimed_once(shape: Shape) {
    let stage = Stage::set(shape).await;
    let (shop, customer) = tokio::join!(stage.shop(), stage.api(0).customer());
    let (anna, boris) = tokio::join!(stage.api(0).partner(), stage.api(0).partner());
    let id = place_order(&customer, &shop.product_id, 1).await;
    let input = json!({ "idempotencyKey": key(), "orderId": id, "accept": true });
    let asked = Asked::new(CLAIM_ORDER, "claimOrder", input);
    stage.ask(&anna, &asked, json!({ "accept": false })).await;
    assert_eq!(asked.by(&boris).await.refusal("claimOrder"), "CLAIM_LOST");
    assert_eq!((stage.events_of(&id).await, stage.claims_of(&id).await), (AT_FIRST + 1, 1));
    stage.audit().await;
}

async fn a_claim_is_accepted_once(shape: Shape) {
    let stage = Stage::set(shape).await;
    let (shop, customer) = tokio::join!(stage.shop(), stage.api(0).customer());
    let (anna, boris) = tokio::join!(stage.api(0).partner(), stage.api(0).partner());
    let mut claims = Vec::new();
    for _ in 0..2 {
        let id = place_order(&customer, &shop.product_id, 1).await;
        claims.push((text(try_claim(&anna, &id, false).await.ok("claimOrder"), "/claim/id"), id));
    }
    let input = json!({ "idempotencyKey": key(), "claimId": claims[0].0 });
    let asked = Asked::new(ACCEPT_CLAIM, "acceptClaim", input);
    let payload = stage.ask(&anna, &asked, json!({ "claimId": claims[1].0 })).await;
    assert_eq!(payload["order"]["status"], "ASSIGNED");
    assert_eq!(asked.by(&boris).await.refusal("acceptClaim"), "NOT_FOUND");
    assert_eq!(stage.events_of(&claims[0].1).await, AT_FIRST + 2);
    stage.audit().await;
}

async fn a_claim_is_released_once(shape: Shape) {
    let stage = Stage::set(shape).await;
    let (shop, customer) = tokio::join!(stage.shop(), stage.api(0).customer());
    let (anna, boris) = tokio::join!(stage.api(0).partner(), stage.api(0).partner());
    let id = place_order(&customer, &shop.product_id, 1).await;
    let claim_id = claim_order(&anna, &id).await;
    let asked = Asked::new(
        RELEASE_CLAIM,
        "releaseClaim",
        json!({ "idempotencyKey": key(), "claimId": claim_id, "reason": "flat tyre" }),
    );
    let payload = stage.ask(&anna, &asked, json!({ "reason": "another" })).await;
    assert_eq!(payload["order"]["status"], "READY");
    assert_eq!(asked.by(&boris).await.refusal("releaseClaim"), "NOT_FOUND");
    assert_eq!(stage.events_of(&id).await, AT_FIRST + 2);
    // what was done under the key stays what was done, whoever has the order by then
    claim_order(&boris, &id).await;
    assert_eq!(asked.by(&anna).await.ok("releaseClaim")["claim"], payload["claim"]);
    stage.audit().await;
}

async fn an_order_is_assigned_once(shape: Shape) {
    let stage = Stage::set(shape).await;
    let api = stage.api(0);
    let (shop, customer, asha, other) = tokio::join!(stage.shop(), api.customer(), api.admin(), api.admin());
    let (anna, boris) = tokio::join!(api.partner(), api.partner());
    let id = place_order(&customer, &shop.product_id, 1).await;
    let input = json!({ "idempotencyKey": key(), "orderId": id, "partnerId": anna.user_id });
    let asked = Asked::new(ASSIGN_ORDER, "assignOrder", input);
    let payload = stage.ask(&asha, &asked, json!({ "partnerId": boris.user_id })).await;
    assert_eq!((stage.events_of(&id).await, stage.claims_of(&id).await), (AT_FIRST + 1, 1));
    let again = asked.by(&other).await;
    assert_ne!(text(again.ok("assignOrder"), "/claim/id"), text(&payload, "/claim/id"), "another admin's word is another");
    stage.audit().await;
}

async fn a_product_is_created_once(shape: Shape) {
    let stage = Stage::set(shape).await;
    let (admin, anna, boris) = tokio::join!(stage.api(0).admin(), stage.api(0).seller(), stage.api(0).seller());
    let input = json!({
        "idempotencyKey": key(), "sku": "TEA-1", "name": "Tea", "description": "Black.",
        "categoryId": category(&admin).await, "price": "40.00", "initialStock": 7,
    });
    let asked = Asked::new(CREATE_PRODUCT, "createProduct", input);
    stage.ask(&anna, &asked, json!({ "initialStock": 8 })).await;
    assert_eq!(asked.by(&boris).await.refusal("createProduct"), "ALREADY_EXISTS");
    assert_eq!(product::Entity::find().count(stage.api(0).app.db.reader()).await.unwrap(), 1);
    stage.audit().await;
}

async fn stock_is_adjusted_once(shape: Shape) {
    let stage = Stage::set(shape).await;
    let (shop, admin) = tokio::join!(stage.shop(), stage.api(0).admin());
    let input = json!({ "idempotencyKey": key(), "productId": shop.product_id, "delta": -3, "reason": "DAMAGED" });
    let asked = Asked::new(ADJUST_STOCK, "adjustStock", input);
    let payload = stage.ask(&shop.seller, &asked, json!({ "delta": -4 })).await;
    assert_eq!(payload["product"]["stock"]["onHand"], 97);
    assert_eq!(asked.by(&admin).await.ok("adjustStock")["product"]["stock"]["onHand"], 94);
    let damaged = stock_movement::Column::Reason.eq(Text(StockMovementReason::Damaged));
    assert_eq!(stock_movement::Entity::find().filter(damaged).count(stage.api(0).app.db.reader()).await.unwrap(), 2);
    stage.audit().await;
}

async fn a_refusal_is_not_remembered(shape: Shape) {
    let stage = Stage::set(shape).await;
    let (shop, customer) = tokio::join!(stage.shop(), stage.api(0).customer());
    let input = order_input(&shop.product_id, 101);
    let short = customer.mutate(PLACE_ORDER, input.clone()).await;
    assert_eq!(short.refusal("placeOrder"), "INSUFFICIENT_STOCK");
    let more = json!({ "idempotencyKey": key(), "productId": shop.product_id, "delta": 1, "reason": "RECEIVED" });
    shop.seller.mutate(ADJUST_STOCK, more).await.ok("adjustStock");
    customer.mutate(PLACE_ORDER, input).await.ok("placeOrder");
    stage.audit().await;
}

async fn an_order_whose_expected_total_is_written_otherwise_is_the_same(shape: Shape) {
    let stage = Stage::set(shape).await;
    let (shop, customer) = tokio::join!(stage.shop(), stage.api(0).customer());
    let mut input = order_input(&shop.product_id, 1);
    let mut ids = Vec::new();
    for total in ["67", "67.00", "67.0", "067"] {
        input["expectedTotal"] = json!(total);
        ids.push(text(customer.mutate(PLACE_ORDER, input.clone()).await.ok("placeOrder"), "/order/id"));
    }
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    input["expectedTotal"] = json!("67.01");
    assert_eq!(customer.mutate(PLACE_ORDER, input).await.refusal("placeOrder"), "IDEMPOTENCY_MISMATCH");
    stage.audit().await;
}
