//! Claims: of all that race for an order one gets it, and whatever races against a claim, the books agree afterwards.

use std::time::Duration;

use domain::access::{Actor as Principal, Role};
use domain::claims::ClaimStatus;
use domain::error::{ClaimLostReason, Detail, ErrorCode, Rejection};
use domain::id::Kind;
use domain::order::OrderStatus;
use entity::{claim, order};
use quick_commerce::accounts::partners::set_availability;
use quick_commerce::app::App;
use quick_commerce::dispatch::service::{Ask, ask};
use quick_commerce::orders::service::claims::Claimed;
use quick_commerce::orders::service::{Step, step as take_step};
use sea_orm::sea_query::LockType;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DbBackend, EntityTrait as _, QueryFilter as _, QuerySelect as _, Statement,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::actors::Actor;
use crate::support::audit::audit;
use crate::support::crowd::{at_once, count_done, customers, partners, place, refused, uuid};
use crate::support::http::Answer;
use crate::support::story::{
    ACCEPT_CLAIM, ASSIGN_ORDER, AVAILABLE_ORDERS, PARTNER, RELEASE_CLAIM, Shop, by_hand, claim, deliver, key,
    order as read_order, place_order, seller_with_product, step, text, try_claim, try_step,
};
use crate::support::wait::until_a_lock_is_waited_for;
use crate::support::{Shape, TestApp, TestCluster, TestParts, over_both_shapes};

over_both_shapes! {
    of_fifty_partners_one_gets_the_order,
    an_order_that_is_held_is_offered_again_when_it_is_given_back,
    a_held_order_is_taken_by_accepting_it,
    one_partner_with_two_devices_carries_no_more_than_they_may,
    claims_and_assignments_at_once_give_nobody_more_than_they_may_carry,
    a_partner_who_goes_offline_is_given_nothing_from_then_on,
    an_admin_assigns_only_to_partners_who_are_there_and_have_room,
    an_admin_takes_an_order_from_its_holder,
    a_claim_races_the_customers_cancellation,
    a_cancellation_races_the_acceptance_of_a_held_claim,
    a_release_races_expiry_and_pick_up,
    two_admins_swap_the_orders_of_two_partners,
    a_partner_is_free_again_however_an_order_ends,
    an_order_that_nobody_was_told_of_cannot_be_claimed,
}

/// Races are repeated: one that is lost once in ten times is lost.
const TIMES: usize = 30;

/// A shop with goods enough for everybody, and `count` orders that can be claimed.
async fn offered(app: &App, shop: &Shop, count: usize) -> Vec<order::Model> {
    let product = uuid(Kind::Product, &shop.product_id);
    let buyer = customers(app, 1).await[0];
    let mut orders = Vec::with_capacity(count);
    for _ in 0..count {
        let order = place(app, buyer, &[(product, 1)]).await.unwrap();
        assert_eq!(*order.status, OrderStatus::Ready, "the store packs of itself");
        orders.push(order);
    }
    orders
}

async fn wish(app: &App, actor: Principal, wish: Ask) -> Result<Claimed, Rejection> {
    refused(ask(app, actor, &key(), wish).await)
}

async fn go(app: &App, actor: Principal, order: Uuid, to: OrderStatus) -> Result<order::Model, Rejection> {
    let step = Step {
        order,
        to,
        note: Some("a test".to_owned()),
        expected_version: None,
        delivery_code: None,
        input: Some("status"),
    };
    refused(take_step(app, actor, "updateOrderStatus", &key(), step).await)
}

async fn find(app: &App, order: Uuid) -> order::Model {
    order::Entity::find_by_id(order).one(app.db.reader()).await.unwrap().unwrap()
}

async fn claims_of(app: &App, order: Uuid) -> Vec<claim::Model> {
    claim::Entity::find().filter(claim::Column::OrderId.eq(order)).all(app.db.reader()).await.unwrap()
}

fn reason(refusal: &Rejection) -> Option<ClaimLostReason> {
    match refusal.detail {
        Detail::Claim { reason, .. } => Some(reason),
        _ => None,
    }
}

/// The one that won, when all the others were told that it is taken.
fn winner(results: &[(Principal, Result<Claimed, Rejection>)]) -> Principal {
    let mut winners = results.iter().filter(|(_, result)| result.is_ok());
    let (winner, _) = winners.next().expect("somebody gets it");
    assert!(winners.next().is_none(), "more than one partner got it: {results:?}");
    for refusal in results.iter().filter_map(|(_, result)| result.as_ref().err()) {
        assert_eq!((refusal.code, reason(refusal)), (ErrorCode::ClaimLost, Some(ClaimLostReason::Taken)), "{refusal:?}");
    }
    *winner
}

async fn of_fifty_partners_one_gets_the_order(shape: Shape) {
    let app = TestApp::start(shape).await;
    let shop = seller_with_product(&app, 1_000, "40.00").await;
    let racers = partners(&app.app, 50, 1_000).await;
    for order in offered(&app.app, &shop, TIMES).await {
        let claiming = racers.iter().map(|racer| {
            let (app, racer) = (app.app.clone(), *racer);
            async move { (racer, wish(&app, racer, Ask::Claim { order: order.id, accept: true }).await) }
        });
        let results = at_once(claiming).await;
        assert_eq!(results.len(), 50);
        let after = find(&app.app, order.id).await;
        assert_eq!((*after.status, after.partner_id), (OrderStatus::Assigned, Some(winner(&results).user)));
        assert_eq!(after.version, order.version + 1);
    }
    audit(&app.app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_partners_at_two_instances_one_gets_the_order() {
    let cluster = TestCluster::start(2).await;
    let (app, shop) = (&cluster[0].app, seller_with_product(&cluster[0], 1_000, "40.00").await);
    let mut racers = Vec::new();
    for (number, racer) in partners(app, 50, 1_000).await.into_iter().enumerate() {
        racers.push(cluster[number % 2].client_of(racer).await);
    }
    for order in offered(app, &shop, 24).await {
        let id = domain::id::encode(Kind::Order, order.id);
        let claiming = racers.iter().map(|racer| {
            let (racer, id) = (racer.clone(), id.clone());
            async move { (racer.user_id.clone(), try_claim(&racer, &id, true).await) }
        });
        let answers = at_once(claiming).await;
        let won: Vec<&String> =
            answers.iter().filter(|(_, a)| a.user_errors("claimOrder").is_empty()).map(|(user, _)| user).collect();
        let lost = answers.iter().flat_map(|(_, answer)| answer.user_errors("claimOrder"));
        assert_eq!(lost.filter(|e| e["code"] == "CLAIM_LOST" && e["reason"] == "TAKEN").count(), 49, "{answers:?}");
        assert_eq!(find(app, order.id).await.partner_id, Some(uuid(Kind::User, won[0])));
    }
    audit(app).await;
}

async fn an_order_that_is_held_is_offered_again_when_it_is_given_back(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, anna, boris) =
        tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner(), app.partner());
    let id = place_order(&customer, &shop.product_id, 1).await;
    let mut offers = boris.subscribe(AVAILABLE_ORDERS, json!({})).await;
    offers.until(|item| item["orders"][0]["orderId"] == id.as_str()).await;

    let held = try_claim(&anna, &id, false).await;
    let claimed = held.ok("claimOrder");
    assert_eq!((&claimed["claim"]["status"], &claimed["order"]["status"]), (&json!("HELD"), &json!("READY")));
    assert_eq!(offers.next().await["reason"], "CLAIMED");
    let lost = try_claim(&boris, &id, true).await;
    let refusal = &lost.user_errors("claimOrder")[0];
    assert_eq!((&refusal["code"], &refusal["reason"]), (&json!("CLAIM_LOST"), &json!("TAKEN")));
    assert_eq!(refusal["retryAfter"], claimed["claim"]["expiresAt"], "when the hold ends by itself");

    let release = || json!({ "idempotencyKey": key(), "claimId": claimed["claim"]["id"], "reason": "too far" });
    assert_eq!(boris.mutate(RELEASE_CLAIM, release()).await.refusal("releaseClaim"), "NOT_FOUND", "it is Anna's");
    let released = anna.mutate(RELEASE_CLAIM, release()).await;
    assert_eq!(released.ok("releaseClaim")["claim"]["status"], "RELEASED");
    let again = offers.next().await;
    assert_eq!((&again["__typename"], &again["order"]["orderId"]), (&json!("OrderAvailable"), &json!(id)));
    let carried = claim(&boris, &id).await;
    step(&boris, &id, "PICKED_UP").await;
    let release = boris.mutate(RELEASE_CLAIM, json!({ "idempotencyKey": key(), "claimId": carried })).await;
    assert_eq!(release.refusal("releaseClaim"), "ILLEGAL_TRANSITION", "the goods are with him");
    audit(&app.app).await;
}

async fn a_held_order_is_taken_by_accepting_it(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, anna, boris) =
        tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner(), app.partner());
    let id = place_order(&customer, &shop.product_id, 1).await;
    let claim_id = text(try_claim(&anna, &id, false).await.ok("claimOrder"), "/claim/id");
    assert_eq!(read_order(&customer, &id).await["partner"], Value::Null, "who only looks at it does not carry it");
    assert_eq!(try_step(&anna, &id, "PICKED_UP").await.refusal("updateOrderStatus"), "ILLEGAL_TRANSITION");

    let accept = || json!({ "idempotencyKey": key(), "claimId": claim_id });
    assert_eq!(boris.mutate(ACCEPT_CLAIM, accept()).await.refusal("acceptClaim"), "NOT_FOUND", "it is Anna's");
    let accepted = anna.mutate(ACCEPT_CLAIM, accept()).await;
    let accepted = accepted.ok("acceptClaim");
    assert_eq!((&accepted["claim"]["status"], &accepted["order"]["status"]), (&json!("ACCEPTED"), &json!("ASSIGNED")));
    let again = anna.mutate(ACCEPT_CLAIM, accept()).await;
    assert_eq!((again.refusal("acceptClaim"), lost_for(&again, "acceptClaim")), ("CLAIM_LOST", json!("TAKEN")));
    assert_eq!(read_order(&customer, &id).await["partner"]["id"], anna.user_id.as_str());
    audit(&app.app).await;
}

fn lost_for(answer: &Answer, field: &str) -> Value {
    answer.user_errors(field)[0]["reason"].clone()
}

async fn one_partner_with_two_devices_carries_no_more_than_they_may(shape: Shape) {
    let app = TestApp::start(shape).await;
    let shop = seller_with_product(&app, 1_000, "40.00").await;
    for anna in partners(&app.app, 12, 2).await {
        let (phone, tablet) = (app.client_of(anna).await, app.client_of(anna).await);
        let orders = offered(&app.app, &shop, 10).await;
        let claiming = orders.iter().enumerate().map(|(number, order)| {
            let device = if number % 2 == 0 { phone.clone() } else { tablet.clone() };
            let id = domain::id::encode(Kind::Order, order.id);
            async move { try_claim(&device, &id, true).await }
        });
        let answers = at_once(claiming).await;
        let refusals: Vec<&Value> = answers.iter().flat_map(|answer| answer.user_errors("claimOrder")).collect();
        let full = |refusal: &&&Value| refusal["code"] == "CLAIM_LOST" && refusal["reason"] == "AT_CAPACITY";
        assert_eq!(refusals.iter().filter(full).count(), 8, "two of ten: {answers:?}");
        let ids: Vec<Uuid> = orders.iter().map(|order| order.id).collect();
        let mine = order::Entity::find().filter(order::Column::Id.is_in(ids)).filter(order::Column::PartnerId.eq(anna.user));
        assert_eq!(mine.all(app.app.db.reader()).await.unwrap().len(), 2);
    }
    audit(&app.app).await;
}

async fn claims_and_assignments_at_once_give_nobody_more_than_they_may_carry(shape: Shape) {
    let app = TestApp::start(shape).await;
    let shop = seller_with_product(&app, 1_000, "40.00").await;
    let admin = app.admin().await.principal().await;
    for anna in partners(&app.app, 12, 3).await {
        let orders = offered(&app.app, &shop, 10).await;
        // by turns from a telephone, from a tablet, and by an admin; some only to look at them
        let giving = orders.iter().enumerate().map(|(number, order)| {
            let (app, order) = (app.app.clone(), order.id);
            async move {
                match number % 2 {
                    0 => wish(&app, anna, Ask::Claim { order, accept: number % 4 == 0 }).await,
                    _ => wish(&app, admin, Ask::Assign { order, partner: anna.user }).await,
                }
            }
        });
        let results = at_once(giving).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3, "{results:?}");
        for refusal in results.iter().filter_map(|result| result.as_ref().err()) {
            let full = (ErrorCode::ClaimLost, Some(ClaimLostReason::AtCapacity));
            assert_eq!((refusal.code, reason(refusal)), full, "{refusal:?}");
        }
        let ids: Vec<Uuid> = orders.iter().map(|order| order.id).collect();
        let mine = order::Entity::find().filter(order::Column::Id.is_in(ids)).filter(order::Column::PartnerId.eq(anna.user));
        assert_eq!(mine.all(app.app.db.reader()).await.unwrap().len(), 3);
    }
    audit(&app.app).await;
}

async fn a_partner_who_goes_offline_is_given_nothing_from_then_on(shape: Shape) {
    let app = TestApp::start(shape).await;
    let shop = seller_with_product(&app, 1_000, "40.00").await;
    let admin = app.admin().await.principal().await;
    for anna in partners(&app.app, 12, 100).await {
        let orders = offered(&app.app, &shop, 6).await;
        let (early, late) = orders.split_at(4);
        let giving = early.iter().enumerate().map(|(number, order)| {
            let (app, order) = (app.app.clone(), order.id);
            async move {
                match number % 2 {
                    0 => wish(&app, anna, Ask::Claim { order, accept: true }).await,
                    _ => wish(&app, admin, Ask::Assign { order, partner: anna.user }).await,
                }
            }
        });
        let going = async {
            set_availability(&app.app, anna, false).await.unwrap();
            // it is acknowledged: whatever begins now comes too late
            let claim = wish(&app.app, anna, Ask::Claim { order: late[0].id, accept: true }).await;
            let assign = wish(&app.app, admin, Ask::Assign { order: late[1].id, partner: anna.user }).await;
            for result in [claim, assign] {
                assert_eq!(result.unwrap_err().code, ErrorCode::PartnerOffline);
            }
        };
        let (results, ()) = tokio::join!(at_once(giving.collect::<Vec<_>>()), going);
        count_done(&results, ErrorCode::PartnerOffline);
    }
    audit(&app.app).await;
}

async fn assign(admin: &Actor, order: &str, partner: &Actor) -> Answer {
    let input = json!({ "idempotencyKey": key(), "orderId": order, "partnerId": partner.user_id });
    admin.mutate(ASSIGN_ORDER, input).await
}

async fn an_admin_assigns_only_to_partners_who_are_there_and_have_room(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, admin, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.admin(), app.customer());
    let (anna, asleep) = tokio::join!(app.partner(), app.partner_off_duty());
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(place_order(&customer, &shop.product_id, 1).await);
    }
    let refused = assign(&admin, &ids[0], &asleep).await;
    assert_eq!(refused.refusal("assignOrder"), "PARTNER_OFFLINE");
    assert_eq!(refused.user_errors("assignOrder")[0]["field"], json!(["partnerId"]));
    assert_eq!(assign(&admin, &ids[0], &customer).await.refusal("assignOrder"), "NOT_FOUND", "not a partner");
    for id in &ids[..2] {
        let answer = assign(&admin, id, &anna).await;
        assert_eq!(answer.ok("assignOrder")["order"]["status"], "ASSIGNED");
    }
    let full = assign(&admin, &ids[2], &anna).await;
    assert_eq!((full.refusal("assignOrder"), lost_for(&full, "assignOrder")), ("CLAIM_LOST", json!("AT_CAPACITY")));
    assert_eq!(full.user_errors("assignOrder")[0]["field"], json!(["partnerId"]));
    assert_eq!(try_claim(&asleep, &ids[2], true).await.refusal("claimOrder"), "PARTNER_OFFLINE");
    assert_eq!(read_order(&admin, &ids[2]).await["status"], "READY", "nothing came of it");
    audit(&app.app).await;
}

async fn an_admin_takes_an_order_from_its_holder(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, admin, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.admin(), app.customer());
    let (anna, boris) = tokio::join!(app.partner(), app.partner());
    let id = place_order(&customer, &shop.product_id, 1).await;
    let claim_id = claim(&anna, &id).await;
    assign(&admin, &id, &boris).await.ok("assignOrder");

    let statuses: Vec<ClaimStatus> =
        claims_of(&app.app, uuid(Kind::Order, &id)).await.iter().map(|claim| *claim.status).collect();
    assert_eq!(statuses, [ClaimStatus::Revoked, ClaimStatus::Accepted]);
    assert_eq!(try_step(&anna, &id, "PICKED_UP").await.refusal("updateOrderStatus"), "NOT_FOUND");
    assert_eq!(read_order(&anna, &id).await, Value::Null);
    let release = anna.mutate(RELEASE_CLAIM, json!({ "idempotencyKey": key(), "claimId": claim_id })).await;
    assert_eq!((release.refusal("releaseClaim"), lost_for(&release, "releaseClaim")), ("CLAIM_LOST", json!("WITHDRAWN")));
    assert_eq!(profile(&anna).await["activeDeliveries"], 0);
    deliver(&boris, &customer, &id).await;
    assert_eq!(assign(&admin, &id, &anna).await.refusal("assignOrder"), "ILLEGAL_TRANSITION", "it has arrived");
    audit(&app.app).await;
}

async fn profile(partner: &Actor) -> Value {
    partner.query(PARTNER, json!({})).await.data()["viewer"]["user"]["partner"].clone()
}

async fn a_claim_races_the_customers_cancellation(shape: Shape) {
    let app = TestApp::start(shape).await;
    let shop = seller_with_product(&app, 1_000, "40.00").await;
    let anna = partners(&app.app, 1, 1_000).await[0];
    for (number, order) in offered(&app.app, &shop, TIMES).await.into_iter().enumerate() {
        let customer = Principal { user: order.customer_id, role: Role::Customer, ..anna };
        let accept = number % 2 == 0;
        let (claimed, cancelled) = tokio::join!(
            wish(&app.app, anna, Ask::Claim { order: order.id, accept }),
            go(&app.app, customer, order.id, OrderStatus::Cancelled)
        );
        match (&claimed, &cancelled) {
            // a hold does not stop the customer; an accepted claim does
            (Ok(_), Err(refusal)) if accept => assert_eq!(refusal.code, ErrorCode::IllegalTransition),
            (Ok(_), Ok(order)) if !accept => assert_eq!((*order.status, order.claim_id), (OrderStatus::Cancelled, None)),
            (Err(refusal), Ok(_)) => assert_eq!(reason(refusal), Some(ClaimLostReason::Withdrawn), "{refusal:?}"),
            _ => panic!("exactly one wins: {claimed:?} and {cancelled:?}"),
        }
    }
    audit(&app.app).await;
}

async fn a_cancellation_races_the_acceptance_of_a_held_claim(shape: Shape) {
    let app = TestApp::start(shape).await;
    let shop = seller_with_product(&app, 1_000, "40.00").await;
    let anna = partners(&app.app, 1, 1_000).await[0];
    for order in offered(&app.app, &shop, TIMES).await {
        let held = wish(&app.app, anna, Ask::Claim { order: order.id, accept: false }).await.unwrap();
        let customer = Principal { user: order.customer_id, role: Role::Customer, ..anna };
        let (cancelled, accepted) = tokio::join!(
            go(&app.app, customer, order.id, OrderStatus::Cancelled),
            wish(&app.app, anna, Ask::Accept { claim: held.claim.id })
        );
        match (&accepted, &cancelled) {
            (Ok(_), Err(refusal)) => assert_eq!(refusal.code, ErrorCode::IllegalTransition),
            (Err(refusal), Ok(_)) => assert_eq!(reason(refusal), Some(ClaimLostReason::Withdrawn), "{refusal:?}"),
            _ => panic!("exactly one wins: {accepted:?} and {cancelled:?}"),
        }
    }
    audit(&app.app).await;
}

async fn a_release_races_expiry_and_pick_up(shape: Shape) {
    let app = TestApp::start(shape).await;
    let shop = seller_with_product(&app, 1_000, "40.00").await;
    let anna = partners(&app.app, 1, 1_000).await[0];
    for order in offered(&app.app, &shop, TIMES).await {
        let claimed = wish(&app.app, anna, Ask::Claim { order: order.id, accept: true }).await.unwrap();
        let expiring = {
            let (app, clock) = (app.app.clone(), app.clock.clone());
            async move {
                clock.advance(app.config.pickup);
                quick_commerce::dispatch::expiry::sweep(&app).await.unwrap();
            }
        };
        let (released, picked_up, ()) = tokio::join!(
            wish(&app.app, anna, Ask::Release { claim: claimed.claim.id, reason: None }),
            go(&app.app, anna, order.id, OrderStatus::PickedUp),
            expiring
        );
        let after = find(&app.app, order.id).await;
        let claim = claims_of(&app.app, order.id).await.remove(0);
        let end = (*claim.status, *after.status, released.is_ok(), picked_up.is_ok());
        let possible = [
            (ClaimStatus::Released, OrderStatus::Ready, true, false),
            (ClaimStatus::Expired, OrderStatus::Ready, false, false),
            (ClaimStatus::Accepted, OrderStatus::PickedUp, false, true),
        ];
        assert!(possible.contains(&end), "one of the three wins, not {end:?}: {released:?}, {picked_up:?}");
        // the next round begins with nothing carried
        if picked_up.is_ok() {
            go(&app.app, anna, order.id, OrderStatus::Failed).await.unwrap();
        }
    }
    audit(&app.app).await;
}

async fn two_admins_swap_the_orders_of_two_partners(shape: Shape) {
    let app = TestApp::start(shape).await;
    let shop = seller_with_product(&app, 1_000, "40.00").await;
    let both = partners(&app.app, 2, 1_000).await;
    let admin = app.admin().await.principal().await;
    for pair in offered(&app.app, &shop, TIMES).await.chunks(2) {
        for (order, partner) in pair.iter().zip(&both) {
            wish(&app.app, *partner, Ask::Claim { order: order.id, accept: true }).await.unwrap();
        }
        let swap = |order: Uuid, to: Principal| wish(&app.app, admin, Ask::Assign { order, partner: to.user });
        let (first, second) = tokio::join!(swap(pair[0].id, both[1]), swap(pair[1].id, both[0]));
        assert_eq!(first.unwrap().order.partner_id, Some(both[1].user));
        assert_eq!(second.unwrap().order.partner_id, Some(both[0].user), "no deadlock surfaced");
    }
    audit(&app.app).await;
}

async fn a_partner_is_free_again_however_an_order_ends(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, admin, customer) = tokio::join!(seller_with_product(&app, 20, "40.00"), app.admin(), app.customer());
    let anna = app.partner().await;
    for end in ["delivered", "failed", "cancelled", "taken away", "released", "released hold", "cancelled hold"] {
        let id = place_order(&customer, &shop.product_id, 1).await;
        let accept = !end.ends_with("hold");
        let claim_id = text(try_claim(&anna, &id, accept).await.ok("claimOrder"), "/claim/id");
        assert_eq!(profile(&anna).await["activeDeliveries"], 1, "{end}");
        let status = match end {
            "delivered" => {
                deliver(&anna, &customer, &id).await;
                "DELIVERED"
            }
            "failed" => {
                step(&anna, &id, "PICKED_UP").await;
                step(&anna, &id, "FAILED").await;
                "FAILED"
            }
            "cancelled" => {
                step(&admin, &id, "CANCELLED").await;
                "CANCELLED"
            }
            "cancelled hold" => {
                step(&customer, &id, "CANCELLED").await;
                "CANCELLED"
            }
            "taken away" => {
                step(&admin, &id, "READY").await;
                "READY"
            }
            _ => {
                let release = json!({ "idempotencyKey": key(), "claimId": claim_id });
                anna.mutate(RELEASE_CLAIM, release).await.ok("releaseClaim");
                "READY"
            }
        };
        assert_eq!(read_order(&admin, &id).await["status"], status, "{end}");
        let profile = profile(&anna).await;
        assert_eq!((&profile["activeDeliveries"], &profile["completedDeliveries"]), (&json!(0), &json!(1)), "{end}");
    }
    audit(&app.app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_counts_from_when_it_was_won_not_from_when_it_was_asked_for() {
    let app = TestApp::start(Shape::Production).await;
    let shop = seller_with_product(&app, 10, "40.00").await;
    let anna = partners(&app.app, 1, 10).await[0];
    let admin = app.admin().await.principal().await;
    let order = offered(&app.app, &shop, 1).await.remove(0);
    let held = wish_that_waits(&app.app, order.id, anna, Ask::Claim { order: order.id, accept: false }).await.unwrap();
    assert!(held.claim.held_at > order.updated_at + LONG, "won after the wait: {held:?}");
    let accepted = wish_that_waits(&app.app, order.id, anna, Ask::Accept { claim: held.claim.id }).await.unwrap();
    assert!(accepted.claim.accepted_at.unwrap() > held.claim.held_at + LONG, "{accepted:?}");
    assert!(accepted.order.updated_at > held.order.updated_at + LONG, "{accepted:?}");
    let held = accepted;
    let release = Ask::Release { claim: held.claim.id, reason: None };
    let released = wish_that_waits(&app.app, order.id, anna, release).await.unwrap();
    assert!(released.claim.ended_at.unwrap() > held.claim.held_at + LONG, "{released:?}");
    let assign = Ask::Assign { order: order.id, partner: anna.user };
    let assigned = wish_that_waits(&app.app, order.id, admin, assign).await.unwrap();
    assert!(assigned.claim.held_at > released.claim.ended_at.unwrap() + LONG, "{assigned:?}");
    audit(&app.app).await;
}

/// Longer than any test waits for a lock.
const LONG: Duration = Duration::from_mins(1);

/// What came of `what`, when [`LONG`] passed while it waited for the row of `order`.
async fn wish_that_waits(app: &App, order: Uuid, actor: Principal, what: Ask) -> Result<Claimed, Rejection> {
    let holder = app.db.begin().await.unwrap();
    order::Entity::find_by_id(order).lock(LockType::Update).one(&*holder).await.unwrap();
    let waiting = tokio::spawn({
        let app = app.clone();
        async move { wish(&app, actor, what).await }
    });
    until_a_lock_is_waited_for(app).await;
    app.clock.advance(LONG);
    holder.commit().await.unwrap();
    waiting.await.unwrap()
}

async fn an_order_that_nobody_was_told_of_cannot_be_claimed(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer, anna) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer(), app.partner());
    by_hand(&app, &shop.seller).await;
    let id = place_order(&customer, &shop.product_id, 1).await;
    assert_eq!(try_claim(&anna, &id, true).await.refusal("claimOrder"), "NOT_FOUND", "it is being packed");
    step(&customer, &id, "CANCELLED").await;
    let lost = try_claim(&anna, &id, true).await;
    assert_eq!((lost.refusal("claimOrder"), lost_for(&lost, "claimOrder")), ("CLAIM_LOST", json!("WITHDRAWN")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_lock_is_waited_for_or_held_for_ever() {
    let parts = TestParts::build(Shape::Production).await;
    for (setting, limit) in [("lock_timeout", "30s"), ("idle_in_transaction_session_timeout", "1min")] {
        let ask = Statement::from_string(DbBackend::Postgres, format!("SHOW {setting}"));
        let row = parts.app.db.writer().query_one_raw(ask).await.unwrap().unwrap();
        assert_eq!(row.try_get_by_index::<String>(0).unwrap(), limit, "{setting}");
    }
}
