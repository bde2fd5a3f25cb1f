//! The order's state machine, as the API has it: every step from every state by everybody.

use std::collections::BTreeSet;

use domain::Named as _;
use domain::access::Party;
use domain::id::Kind;
use domain::order::{OrderAction, OrderEventType, OrderStatus, steps};
use entity::{order, partner};
use sea_orm::EntityTrait as _;
use sea_orm::sea_query::Expr;
use serde_json::{Value, json};

use crate::chat::SEND_MESSAGE;
use crate::ratings::RATE_ORDER;
use crate::support::actors::Actor;
use crate::support::audit::audit;
use crate::support::crowd::uuid;
use crate::support::http::Answer;
use crate::support::money::{REFUND_PAYMENT, START_PAYMENT, money, place_card_order};
use crate::support::story::{
    ACCEPT_CLAIM, ASSIGN_ORDER, CLAIM_ORDER, RELEASE_CLAIM, Shop, UPDATE_ORDER_STATUS, by_hand, claim, key,
    order as read_order, place_order, seller_with_product, step, text, try_claim, try_step,
};
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    four_digits_cannot_be_guessed_at_the_door,
    the_right_code_among_guesses_hands_over_once_or_comes_too_late,
    every_step_is_taken_or_refused_as_the_rules_say,
    what_a_viewer_is_offered_is_what_then_succeeds,
    strangers_can_do_nothing_with_an_order,
    a_step_is_refused_when_the_order_has_another_version,
    an_order_is_delivered_with_the_customers_code,
    an_admin_delivers_without_the_code_but_not_without_a_word,
    a_store_that_packs_by_hand_says_when,
    the_timeline_tells_everything_that_happened,
}

const ORDER_DETAILS: &str = "query Order($id: ID!) { order(id: $id) { status version viewerActions paymentStatus deliveredAt
    partner { id } timeline(first: 100) { nodes { type orderVersion from status note actorRole actor { id } } } } }";

const PARTIES: [Party; 4] = [Party::Customer, Party::Seller, Party::Partner, Party::Admin];

/// Where an order is; a ready one may be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Situation {
    status: OrderStatus,
    is_held: bool,
}

fn situations() -> Vec<Situation> {
    let mut all: Vec<Situation> =
        OrderStatus::ALL.iter().map(|status| Situation { status: *status, is_held: false }).collect();
    all.push(Situation { status: OrderStatus::Ready, is_held: true });
    all
}

impl Situation {
    /// Whether the partner has anything to do with the order.
    fn is_the_partners(self) -> bool {
        use OrderStatus::{Assigned, Delivered, Failed, InTransit, PickedUp};
        self.is_held || matches!(self.status, Assigned | PickedUp | InTransit | Delivered | Failed)
    }
}

/// Everybody around a store that packs by hand.
struct Scene {
    app: TestApp,
    shop: Shop,
    customer: Actor,
    partner: Actor,
    admin: Actor,
}

impl Scene {
    async fn set(shape: Shape) -> Self {
        let app = TestApp::start(shape).await;
        let arrive =
            async { tokio::join!(seller_with_product(&app, 10_000, "40.00"), app.customer(), app.partner(), app.admin()) };
        let (shop, customer, partner, admin) = Box::pin(arrive).await;
        by_hand(&app, &shop.seller).await;
        let strong = partner::Entity::update_many().col_expr(partner::Column::Capacity, Expr::value(10_000));
        strong.exec(app.app.db.writer()).await.unwrap();
        Self { app, shop, customer, partner, admin }
    }

    fn actor(&self, party: Party) -> &Actor {
        match party {
            Party::Customer => &self.customer,
            Party::Seller => &self.shop.seller,
            Party::Partner => &self.partner,
            Party::Admin => &self.admin,
        }
    }

    async fn row(&self, id: &str) -> order::Model {
        let find = order::Entity::find_by_id(uuid(Kind::Order, id));
        find.one(self.app.app.db.reader()).await.unwrap().unwrap()
    }

    /// A new order that came where it is by the steps that lead there.
    async fn order_in(&self, situation: Situation) -> String {
        use OrderStatus::{
            Assigned, Cancelled, Confirmed, Delivered, Failed, InTransit, Pending, PickedUp, Preparing, Ready,
        };
        let id = match situation.status {
            // one that is paid at the door is confirmed at once
            Pending => place_card_order(&self.customer, &self.shop.product_id, 1).await,
            _ => place_order(&self.customer, &self.shop.product_id, 1).await,
        };
        let path: &[OrderStatus] = match situation.status {
            Pending | Confirmed => &[],
            Preparing => &[Preparing],
            Ready => &[Preparing, Ready],
            Assigned => &[Preparing, Ready, Assigned],
            PickedUp => &[Preparing, Ready, Assigned, PickedUp],
            InTransit => &[Preparing, Ready, Assigned, PickedUp, InTransit],
            Delivered => &[Preparing, Ready, Assigned, PickedUp, InTransit, Delivered],
            Failed => &[Preparing, Ready, Assigned, PickedUp, Failed],
            Cancelled => &[Cancelled],
        };
        for to in path {
            match to {
                Assigned => _ = claim(&self.partner, &id).await,
                to => _ = self.take(&self.admin, &id, *to).await.ok("updateOrderStatus"),
            }
        }
        if situation.is_held {
            try_claim(&self.partner, &id, false).await.ok("claimOrder");
        }
        assert_eq!(*self.row(&id).await.status, situation.status);
        id
    }

    /// A step with all that any step needs.
    async fn take(&self, actor: &Actor, id: &str, to: OrderStatus) -> Answer {
        let mut input = json!({ "idempotencyKey": key(), "orderId": id, "status": to.name(), "note": "a test" });
        if to == OrderStatus::Delivered {
            input["deliveryCode"] = json!(self.row(id).await.delivery_code);
        }
        actor.mutate(UPDATE_ORDER_STATUS, input).await
    }

    /// What `action` stands for.
    async fn act(&self, actor: &Actor, id: &str, action: OrderAction) -> Answer {
        let key = key();
        // of an order that nobody has claimed there is none to name
        let claim_id = domain::id::encode(Kind::Claim, self.row(id).await.claim_id.unwrap_or_default());
        let to = OrderStatus::ALL.iter().find(|status| status.action() == Some(action));
        let (document, input) = match action {
            OrderAction::Claim => (CLAIM_ORDER, json!({ "idempotencyKey": key, "orderId": id })),
            OrderAction::AcceptClaim => (ACCEPT_CLAIM, json!({ "idempotencyKey": key, "claimId": claim_id })),
            OrderAction::ReleaseClaim => (RELEASE_CLAIM, json!({ "idempotencyKey": key, "claimId": claim_id })),
            OrderAction::Assign => {
                (ASSIGN_ORDER, json!({ "idempotencyKey": key, "orderId": id, "partnerId": self.partner.user_id }))
            }
            OrderAction::Pay => (START_PAYMENT, json!({ "idempotencyKey": key, "orderId": id })),
            OrderAction::Message => (SEND_MESSAGE, json!({ "idempotencyKey": key, "orderId": id, "body": "Hello." })),
            OrderAction::Rate => (RATE_ORDER, json!({ "orderId": id, "score": 5 })),
            OrderAction::Refund => {
                let order = money(&self.customer, id).await;
                let none = domain::id::encode(Kind::Payment, uuid::Uuid::nil());
                let payment_id = order["payments"][0]["id"].as_str().unwrap_or(&none);
                (REFUND_PAYMENT, json!({ "idempotencyKey": key, "paymentId": payment_id, "amount": "1" }))
            }
            _ => return self.take(actor, id, *to.expect("the action is a step")).await,
        };
        actor.mutate(document, input).await
    }
}

/// Whether something was done.
fn is_done(answer: &Answer) -> bool {
    let payload = || answer.body["data"].as_object().unwrap().values().next().unwrap();
    answer.errors().is_empty() && payload()["userErrors"].as_array().unwrap().is_empty()
}

fn names(statuses: &[OrderStatus]) -> Value {
    statuses.iter().map(|status| status.name()).collect()
}

async fn every_step_is_taken_or_refused_as_the_rules_say(shape: Shape) {
    let scene = Scene::set(shape).await;
    for situation in situations() {
        let from = situation.status;
        let resting = scene.order_in(situation).await;
        for party in PARTIES {
            let actor = scene.actor(party);
            let allowed = steps(from, party);
            for to in OrderStatus::ALL {
                let what = format!("{party:?} sets {situation:?} to {to}");
                if party == Party::Partner && !situation.is_the_partners() {
                    let answer = scene.take(actor, &resting, *to).await;
                    assert_eq!(answer.refusal("updateOrderStatus"), "NOT_FOUND", "{what}");
                } else if allowed.contains(to) {
                    let id = scene.order_in(situation).await;
                    let answer = scene.take(actor, &id, *to).await;
                    assert_eq!(answer.user_errors("updateOrderStatus"), [] as [Value; 0], "{what}");
                    assert_eq!(*scene.row(&id).await.status, *to, "{what}");
                } else {
                    let answer = scene.take(actor, &resting, *to).await;
                    assert_eq!(answer.refusal("updateOrderStatus"), "ILLEGAL_TRANSITION", "{what}");
                    let refusal = &answer.user_errors("updateOrderStatus")[0];
                    assert_eq!((&refusal["from"], &refusal["to"]), (&json!(from.name()), &json!(to.name())), "{what}");
                    assert_eq!(refusal["allowed"], names(allowed), "{what}");
                }
            }
        }
        assert_eq!(*scene.row(&resting).await.status, from, "what is refused changes nothing");
    }
    audit(&scene.app.app).await;
}

async fn what_a_viewer_is_offered_is_what_then_succeeds(shape: Shape) {
    use OrderAction::{
        AcceptClaim, Assign, Cancel, Claim, Confirm, Deliver, Fail, MarkReady, Message, Pay, PickUp, Prepare, Rate, Refund,
        ReleaseClaim, StartTransit,
    };
    let possible = [
        Pay,
        Refund,
        Confirm,
        Prepare,
        MarkReady,
        Claim,
        AcceptClaim,
        ReleaseClaim,
        Assign,
        PickUp,
        StartTransit,
        Deliver,
        Fail,
        Cancel,
        Rate,
        Message,
    ];
    let scene = Scene::set(shape).await;
    for situation in situations() {
        let resting = scene.order_in(situation).await;
        for party in PARTIES {
            let actor = scene.actor(party);
            let shown = actor.query(ORDER_DETAILS, json!({ "id": resting })).await;
            let offered: BTreeSet<String> = match &shown.data()["order"] {
                // what can be claimed is offered in a list of its own, and nothing else is
                Value::Null if situation.status == OrderStatus::Ready => BTreeSet::from(["CLAIM".to_owned()]),
                Value::Null => BTreeSet::new(),
                order => order["viewerActions"].as_array().unwrap().iter().map(|a| a.as_str().unwrap().to_owned()).collect(),
            };
            let mut succeeded = BTreeSet::new();
            for action in possible {
                let is_offered = offered.contains(action.name());
                let id = if is_offered { scene.order_in(situation).await } else { resting.clone() };
                if is_done(&scene.act(actor, &id, action).await) {
                    succeeded.insert(action.name().to_owned());
                }
            }
            assert_eq!(offered, succeeded, "{party:?} of {situation:?}");
        }
    }
    audit(&scene.app.app).await;
}

async fn strangers_can_do_nothing_with_an_order(shape: Shape) {
    let scene = Scene::set(shape).await;
    let (customer, seller, partner) = tokio::join!(scene.app.customer(), scene.app.seller(), scene.app.partner());
    for status in [OrderStatus::Confirmed, OrderStatus::Ready, OrderStatus::Assigned, OrderStatus::InTransit] {
        let id = scene.order_in(Situation { status, is_held: false }).await;
        for stranger in [&customer, &seller, &partner] {
            assert_eq!(read_order(stranger, &id).await, Value::Null);
            for to in OrderStatus::ALL {
                assert_eq!(scene.take(stranger, &id, *to).await.refusal("updateOrderStatus"), "NOT_FOUND");
            }
        }
        let nobody = scene.take(&scene.app.anonymous(), &id, OrderStatus::Cancelled).await;
        assert_eq!(nobody.code(), "UNAUTHENTICATED");
    }
    audit(&scene.app.app).await;
}

async fn a_step_is_refused_when_the_order_has_another_version(shape: Shape) {
    let scene = Scene::set(shape).await;
    let id = scene.order_in(Situation { status: OrderStatus::Confirmed, is_held: false }).await;
    let input =
        |version: i64| json!({ "idempotencyKey": key(), "orderId": id, "status": "PREPARING", "expectedVersion": version });
    for version in [1, 3, -1] {
        let answer = scene.shop.seller.mutate(UPDATE_ORDER_STATUS, input(version)).await;
        assert_eq!(answer.refusal("updateOrderStatus"), "VERSION_CONFLICT");
        assert_eq!(answer.user_errors("updateOrderStatus")[0]["field"], json!(["expectedVersion"]));
    }
    let answer = scene.shop.seller.mutate(UPDATE_ORDER_STATUS, input(2)).await;
    assert_eq!(answer.ok("updateOrderStatus")["order"]["version"], 3);
    audit(&scene.app.app).await;
}

async fn an_order_is_delivered_with_the_customers_code(shape: Shape) {
    let scene = Scene::set(shape).await;
    let id = scene.order_in(Situation { status: OrderStatus::InTransit, is_held: false }).await;
    let code = text(&read_order(&scene.customer, &id).await, "/deliveryCode");
    for other in [&scene.partner, &scene.shop.seller, &scene.admin] {
        assert_eq!(read_order(other, &id).await["deliveryCode"], Value::Null, "the customer's alone");
    }
    let before = scene.customer.query(ORDER_DETAILS, json!({ "id": id })).await;
    assert_eq!(
        (&before.data()["order"]["paymentStatus"], &before.data()["order"]["deliveredAt"]),
        (&json!("PENDING"), &Value::Null)
    );

    let deliver = async |code: Value| {
        let input = json!({ "idempotencyKey": key(), "orderId": id, "status": "DELIVERED", "deliveryCode": code });
        scene.partner.mutate(UPDATE_ORDER_STATUS, input).await
    };
    assert_eq!(deliver(Value::Null).await.refusal("updateOrderStatus"), "PROOF_REQUIRED");
    let said = json!({ "idempotencyKey": key(), "orderId": id, "status": "DELIVERED", "note": "It is at the door." });
    let said = scene.partner.mutate(UPDATE_ORDER_STATUS, said).await;
    assert_eq!(said.refusal("updateOrderStatus"), "PROOF_REQUIRED", "an admin's word is good for it, and no partner's");
    let wrong = format!("{:04}", (code.parse::<u32>().unwrap() + 1) % 10_000);
    for wrong in [json!(wrong), json!(""), json!(format!("{code}{code}"))] {
        assert_eq!(deliver(wrong).await.refusal("updateOrderStatus"), "PROOF_WRONG");
    }
    // a guess gives its key back
    let again = key();
    let deliver_by = async |code: &str| {
        let input = json!({ "idempotencyKey": again, "orderId": id, "status": "DELIVERED", "deliveryCode": code });
        scene.partner.mutate(UPDATE_ORDER_STATUS, input).await
    };
    assert_eq!(deliver_by(&wrong).await.refusal("updateOrderStatus"), "PROOF_WRONG");
    deliver_by(&format!(" {code} ")).await.ok("updateOrderStatus");
    let after = scene.customer.query(ORDER_DETAILS, json!({ "id": id })).await;
    let after = &after.data()["order"];
    assert_eq!((&after["status"], &after["paymentStatus"]), (&json!("DELIVERED"), &json!("PAID")), "cash at the door");
    assert!(after["deliveredAt"].is_string());
    assert_eq!(after["partner"]["id"], scene.partner.user_id.as_str(), "who brought it is remembered");
    audit(&scene.app.app).await;
}

async fn an_admin_delivers_without_the_code_but_not_without_a_word(shape: Shape) {
    let scene = Scene::set(shape).await;
    let id = scene.order_in(Situation { status: OrderStatus::InTransit, is_held: false }).await;
    let deliver = async |more: Value| {
        let mut input = json!({ "idempotencyKey": key(), "orderId": id, "status": "DELIVERED" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        scene.admin.mutate(UPDATE_ORDER_STATUS, input).await
    };
    for silent in [json!({}), json!({ "note": "" }), json!({ "note": "  " })] {
        let answer = deliver(silent).await;
        assert_eq!(answer.refusal("updateOrderStatus"), "PROOF_REQUIRED");
        assert_eq!(answer.user_errors("updateOrderStatus")[0]["field"], json!(["note"]));
    }
    for _ in 0..10 {
        let wrong = deliver(json!({ "note": "the customer called", "deliveryCode": "x" })).await;
        assert_eq!(wrong.refusal("updateOrderStatus"), "PROOF_WRONG");
    }
    assert_eq!(scene.row(&id).await.proof_failures, 0, "an admin's mistakes take none of the partner's tries");
    deliver(json!({ "note": "the customer called" })).await.ok("updateOrderStatus");
    audit(&scene.app.app).await;
}

async fn four_digits_cannot_be_guessed_at_the_door(shape: Shape) {
    let scene = Scene::set(shape).await;
    let id = scene.order_in(Situation { status: OrderStatus::InTransit, is_held: false }).await;
    let code = text(&read_order(&scene.customer, &id).await, "/deliveryCode");
    let deliver = async |code: &str| {
        let input = json!({ "idempotencyKey": key(), "orderId": id, "status": "DELIVERED", "deliveryCode": code });
        scene.partner.mutate(UPDATE_ORDER_STATUS, input).await
    };
    // all at once: each guess counts, however many are on their way
    let guesses = (1..=20).map(|more| format!("{:04}", (code.parse::<u32>().unwrap() + more) % 10_000));
    let answers = futures_util::future::join_all(guesses.map(async |guess| deliver(&guess).await)).await;
    assert!(answers.iter().all(|answer| answer.refusal("updateOrderStatus") == "PROOF_WRONG"));
    assert_eq!(deliver(&code).await.refusal("updateOrderStatus"), "PROOF_WRONG", "the right one comes too late");
    let input = json!({ "idempotencyKey": key(), "orderId": id, "status": "DELIVERED", "note": "the customer called" });
    scene.admin.mutate(UPDATE_ORDER_STATUS, input).await.ok("updateOrderStatus");
    audit(&scene.app.app).await;
}

async fn the_right_code_among_guesses_hands_over_once_or_comes_too_late(shape: Shape) {
    let scene = Scene::set(shape).await;
    let situation = Situation { status: OrderStatus::InTransit, is_held: false };
    // wrong ones on their way before three right ones: those may all be in time, or none
    for guesses in [0_u32, 3, 12] {
        let id = scene.order_in(situation).await;
        let code = text(&read_order(&scene.customer, &id).await, "/deliveryCode");
        let wrong = (1..=guesses).map(|more| format!("{:04}", (code.parse::<u32>().unwrap() + more) % 10_000));
        let codes: Vec<String> = wrong.chain([code.clone(), code.clone(), code.clone()]).collect();
        // from several devices, each with a key of its own
        let answers = futures_util::future::join_all(codes.iter().map(async |given| {
            let input = json!({ "idempotencyKey": key(), "orderId": id, "status": "DELIVERED", "deliveryCode": given });
            (given, scene.partner.mutate(UPDATE_ORDER_STATUS, input).await)
        }))
        .await;
        let handed_over: Vec<&String> =
            answers.iter().filter(|(_, answer)| is_done(answer)).map(|(given, _)| *given).collect();
        let row = scene.row(&id).await;
        assert!(row.proof_failures <= 5, "what comes after the fifth is not even looked at");
        if *row.status == OrderStatus::Delivered {
            assert_eq!(handed_over, [&code], "by the right code, once");
        } else {
            assert_eq!((handed_over.len(), row.proof_failures), (0, 5), "too many were wrong before");
        }
        assert!(guesses > 4 || *row.status == OrderStatus::Delivered, "so few cannot lock it");
    }
    audit(&scene.app.app).await;
}

async fn a_store_that_packs_by_hand_says_when(shape: Shape) {
    let scene = Scene::set(shape).await;
    let (customer, seller) = (&scene.customer, &scene.shop.seller);
    let id = place_order(customer, &scene.shop.product_id, 1).await;
    assert_eq!(read_order(customer, &id).await["status"], "CONFIRMED");
    assert_eq!(try_step(seller, &id, "READY").await.refusal("updateOrderStatus"), "ILLEGAL_TRANSITION", "not packed yet");
    step(seller, &id, "PREPARING").await;
    step(seller, &id, "READY").await;
    claim(&scene.partner, &id).await;

    let other = seller_with_product(&scene.app, 10, "40.00").await;
    let id = place_order(customer, &other.product_id, 1).await;
    assert_eq!(read_order(customer, &id).await["status"], "READY", "a store is not by hand unless it says so");
    audit(&scene.app.app).await;
}

async fn the_timeline_tells_everything_that_happened(shape: Shape) {
    use OrderEventType::{
        Assigned, ClaimHeld, ClaimReleased, Confirmed, Delivered, InTransit, PickedUp, Placed, Preparing, Ready,
    };
    let scene = Scene::set(shape).await;
    let id = scene.order_in(Situation { status: OrderStatus::Ready, is_held: true }).await;
    scene.act(&scene.partner, &id, OrderAction::ReleaseClaim).await;
    scene.act(&scene.admin, &id, OrderAction::Assign).await;
    scene.take(&scene.admin, &id, OrderStatus::Ready).await.ok("updateOrderStatus");
    claim(&scene.partner, &id).await;
    for to in [OrderStatus::PickedUp, OrderStatus::InTransit, OrderStatus::Delivered] {
        scene.take(&scene.partner, &id, to).await.ok("updateOrderStatus");
    }
    let shown = scene.customer.query(ORDER_DETAILS, json!({ "id": id })).await;
    let timeline = shown.data()["order"]["timeline"]["nodes"].as_array().unwrap();
    let told: Vec<(&str, Option<&str>)> =
        timeline.iter().map(|event| (event["type"].as_str().unwrap(), event["actorRole"].as_str())).collect();
    let expected = [
        (Placed, Some("CUSTOMER")),
        (Confirmed, None),
        (Preparing, Some("ADMIN")),
        (Ready, Some("ADMIN")),
        (ClaimHeld, Some("PARTNER")),
        (ClaimReleased, Some("PARTNER")),
        (Assigned, Some("ADMIN")),
        (ClaimReleased, Some("ADMIN")),
        (Assigned, Some("PARTNER")),
        (PickedUp, Some("PARTNER")),
        (InTransit, Some("PARTNER")),
        (Delivered, Some("PARTNER")),
    ];
    assert_eq!(told, expected.map(|(event, role)| (event.name(), role)));
    for (version, event) in (1..).zip(timeline) {
        assert_eq!(event["orderVersion"], version);
        assert_eq!(event["from"], if version == 1 { Value::Null } else { timeline[version - 2]["status"].clone() });
    }
    assert_eq!(timeline.last().unwrap()["note"], "a test");
    assert_eq!(shown.data()["order"]["version"], timeline.len());
    audit(&scene.app.app).await;
}
