//! What each viewer sees of a record that they may see.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _};
use serde_json::{Value, json};

use domain::id::{Kind, decode, encode};
use entity::{address, user};

use super::World;
use crate::support::actors::{Actor, Api};
use crate::support::story::{PRODUCT, RELEASE_CLAIM, seller_with_product};
use crate::support::story::{claim, deliver, key, ready_order, step, text, try_claim};
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    the_ledger_is_for_its_seller_and_admins,
    what_is_personal_is_for_its_owner_and_admins,
    the_delivery_code_is_the_customers_alone,
    the_door_is_shown_to_whoever_has_the_claim_while_they_have_it,
    telephone_numbers_are_shown_to_each_other_while_goods_are_carried,
    who_only_looks_at_an_order_does_not_carry_it,
    what_became_of_an_order_is_not_for_a_partner_who_gave_it_back,
}

/// Everything of an order that is not for everyone.
const PRIVATE: &str = "query($id: ID!) { order(id: $id) { deliveryCode deliveryAddress { line1 location { latitude } }
    customer { name email phone addresses { line1 } } partner { id email phone addresses { line1 } }
    claim { id partner { email phone } order { deliveryCode deliveryAddress { line1 } } } } }";

/// The same by way of a claim.
const BY_CLAIM: &str = "query($id: ID!) { node(id: $id) { ... on Claim { status order { status note deliveryCode
    deliveryAddress { line1 } customer { email phone } claim { id } partner { id } viewerActions
    timeline { nodes { type note actor { name } } } } } } }";

async fn see(viewer: &Actor, order_id: &str) -> Value {
    viewer.query(PRIVATE, json!({ "id": order_id })).await.data()["order"].clone()
}

async fn see_by_claim(viewer: &Actor, claim_id: &str) -> Value {
    viewer.query(BY_CLAIM, json!({ "id": claim_id })).await.data()["node"]["order"].clone()
}

/// Gives somebody a telephone number, as registering with one does.
async fn give_phone(api: &Api, actor: &Actor, phone: &str) {
    let id = decode(Kind::User, &actor.user_id).unwrap();
    let update = user::Entity::update_many().col_expr(user::Column::Phone, Expr::value(phone));
    update.filter(user::Column::Id.eq(id)).exec(api.app.db.writer()).await.unwrap();
}

/// Saves an address for somebody, which no client can do yet; its id.
pub(super) async fn save_address(api: &Api, actor: &Actor) -> String {
    let id = api.app.ids.uuid();
    let now = api.app.clock.db_now(api.app.db.reader()).await.unwrap();
    let row = address::Model {
        id,
        user_id: decode(Kind::User, &actor.user_id).unwrap(),
        label: "Home".to_owned(),
        line1: "7 Saved Street".to_owned(),
        line2: None,
        city: "Bengaluru".to_owned(),
        region: None,
        postal_code: "560001".to_owned(),
        country: "IN".to_owned(),
        latitude: Some(12.98),
        longitude: Some(77.6),
        instructions: None,
        is_default: false,
        created_at: now,
    };
    row.into_active_model().insert(api.app.db.writer()).await.unwrap();
    encode(Kind::Address, id)
}

async fn the_ledger_is_for_its_seller_and_admins(shape: Shape) {
    let world = World::new(shape).await;
    let other = world.app.seller().await;
    let viewers = world.viewers();
    let viewers = viewers.iter().map(|(name, viewer)| (*name, viewer)).chain([("another seller", &other)]);
    for (name, viewer) in viewers {
        let answer = viewer.query(PRODUCT, json!({ "id": world.shop.product_id })).await;
        let is_shown = matches!(name, "seller" | "admin");
        assert_eq!(answer.data()["product"]["stock"].is_object(), is_shown, "{name}: {}", answer.body);
        assert_eq!(answer.data()["product"]["available"], 9, "what can be bought is for everyone");
    }
}

async fn what_is_personal_is_for_its_owner_and_admins(shape: Shape) {
    let world = World::new(shape).await;
    save_address(&world.app, &world.customer).await;
    let seen = |value: &Value| (value["email"].is_string(), value["addresses"].as_array().unwrap().len());
    let (as_customer, as_carrier) =
        (see(&world.customer, &world.order_id).await, see(&world.carrier, &world.order_id).await);
    let (as_seller, as_admin) = (see(&world.shop.seller, &world.order_id).await, see(&world.admin, &world.order_id).await);
    assert_eq!(
        [&as_customer, &as_carrier, &as_seller, &as_admin].map(|order| seen(&order["customer"])),
        [(true, 1), (false, 0), (false, 0), (true, 1)]
    );
    assert_eq!(
        [&as_customer, &as_carrier, &as_seller, &as_admin].map(|order| seen(&order["partner"])),
        [(false, 0), (true, 0), (false, 0), (true, 0)]
    );
    assert_eq!(as_customer["claim"]["partner"]["email"], Value::Null);
}

async fn the_delivery_code_is_the_customers_alone(shape: Shape) {
    let world = World::new(shape).await;
    for (name, viewer) in world.viewers().into_iter().chain([("carrier", world.carrier.clone())]) {
        let order = see(&viewer, &world.order_id).await;
        assert_eq!(order["deliveryCode"].is_string(), name == "customer", "{name}: {order}");
        assert_eq!(order["claim"]["order"]["deliveryCode"].is_string(), name == "customer", "{name}: {order}");
    }
}

async fn the_door_is_shown_to_whoever_has_the_claim_while_they_have_it(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, anna, boris, admin) =
        tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner(), app.partner(), app.admin());
    let id = ready_order(&shop, &customer).await;
    let is_shown = |order: &Value| order["deliveryAddress"].is_object();
    assert_eq!(see(&anna, &id).await, Value::Null, "nobody has it");

    let held = text(try_claim(&anna, &id, false).await.ok("claimOrder"), "/claim/id");
    assert!(is_shown(&see(&anna, &id).await), "held");
    assert_eq!(see(&boris, &id).await, Value::Null, "another holds it");
    let back = json!({ "idempotencyKey": key(), "claimId": held });
    let released = anna.mutate(RELEASE_CLAIM, back).await.ok("releaseClaim").clone();
    assert_eq!(released["claim"]["status"], "RELEASED");
    assert_eq!(see(&anna, &id).await, Value::Null, "given back");
    assert!(!is_shown(&see_by_claim(&anna, &held).await), "given back");

    let taken = claim(&anna, &id).await;
    assert!(is_shown(&see(&anna, &id).await), "accepted");
    let input = json!({ "idempotencyKey": key(), "orderId": id, "partnerId": boris.user_id });
    let assign = "mutation($input: AssignOrderInput!) { assignOrder(input: $input) { userErrors { code } } }";
    admin.mutate(assign, input).await.ok("assignOrder");
    assert_eq!(see(&anna, &id).await, Value::Null, "given to another");
    assert!(!is_shown(&see_by_claim(&anna, &taken).await), "given to another");

    assert!(is_shown(&see(&boris, &id).await), "assigned");
    deliver(&boris, &customer, &id).await;
    let delivered = see(&boris, &id).await;
    assert!(delivered.is_object() && !is_shown(&delivered), "delivered: {delivered}");
    for viewer in [&customer, &shop.seller, &admin] {
        assert!(is_shown(&see(viewer, &id).await), "its own people see it at all times");
    }
}

async fn telephone_numbers_are_shown_to_each_other_while_goods_are_carried(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner());
    tokio::join!(give_phone(&app, &customer, "+9180111111"), give_phone(&app, &partner, "+9180222222"));
    let id = ready_order(&shop, &customer).await;
    let phones = async || {
        let of_customer = see(&partner, &id).await["customer"]["phone"].clone();
        let of_partner = see(&customer, &id).await["partner"]["phone"].clone();
        let to_seller = see(&shop.seller, &id).await;
        assert_eq!((&to_seller["customer"]["phone"], &to_seller["partner"]["phone"]), (&Value::Null, &Value::Null));
        (of_customer, of_partner)
    };
    let (nothing, both) = ((Value::Null, Value::Null), (json!("+9180111111"), json!("+9180222222")));
    assert_eq!(phones().await, nothing, "before");
    let held = text(try_claim(&partner, &id, false).await.ok("claimOrder"), "/claim/id");
    assert_eq!(phones().await, nothing, "only held");
    let input = json!({ "idempotencyKey": key(), "claimId": held });
    partner.mutate(crate::support::story::ACCEPT_CLAIM, input).await.ok("acceptClaim");
    assert_eq!(phones().await, both, "accepted");
    step(&partner, &id, "PICKED_UP").await;
    assert_eq!(phones().await, both, "picked up");
    step(&partner, &id, "FAILED").await;
    assert_eq!(phones().await, nothing, "over");
}

async fn who_only_looks_at_an_order_does_not_carry_it(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, partner) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner());
    let id = ready_order(&shop, &customer).await;
    assert_eq!(see(&customer, &id).await["claim"], Value::Null);
    let held = text(try_claim(&partner, &id, false).await.ok("claimOrder"), "/claim/id");
    let order = see(&customer, &id).await;
    assert_eq!((&order["claim"]["id"], &order["partner"]), (&json!(held), &Value::Null));
    let input = json!({ "idempotencyKey": key(), "claimId": held });
    partner.mutate(crate::support::story::ACCEPT_CLAIM, input).await.ok("acceptClaim");
    assert_eq!(see(&customer, &id).await["partner"]["id"], partner.user_id.as_str());
}

async fn what_became_of_an_order_is_not_for_a_partner_who_gave_it_back(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, anna, boris) =
        tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner(), app.partner());
    let id = ready_order(&shop, &customer).await;
    let held = text(try_claim(&anna, &id, false).await.ok("claimOrder"), "/claim/id");
    let input = json!({ "idempotencyKey": key(), "claimId": held, "reason": "flat tyre" });
    anna.mutate(RELEASE_CLAIM, input).await.ok("releaseClaim");
    claim(&boris, &id).await;
    let order = see_by_claim(&anna, &held).await;
    for field in ["note", "deliveryCode", "deliveryAddress", "claim", "partner"] {
        assert_eq!(order[field], Value::Null, "{field} of {order}");
    }
    assert_eq!((&order["viewerActions"], &order["timeline"]["nodes"]), (&json!([]), &json!([])), "{order}");
    assert_eq!(order["customer"], json!({ "email": null, "phone": null }));
}
