//! What holds at any moment, whatever happened: read from the tables after each race.

use std::collections::{BTreeMap, BTreeSet};

use domain::Named as _;
use domain::calendar::Interval;
use domain::claims::ClaimStatus;
use domain::order::{OrderEventType, OrderStatus, PaymentStatus};
use domain::stock::StockMovementReason;
use entity::{
    claim, order, order_count, order_event, order_item, partner, payment, promo, promo_customer, promo_redemption, refund,
    sales_hour, sales_hour_product, sales_order, sandbox_intent, sandbox_refund, stock, stock_movement,
};
use quick_commerce::app::App;
use quick_commerce::orders::event::ORDER_CHANGED;
use quick_commerce::platform::consumers::select_untaken;
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait as _, IsolationLevel, QueryOrder as _, TransactionTrait as _};
use uuid::Uuid;

/// Fails the test when stock, orders, money, promo codes, timelines, claims or partners contradict each other.
pub(crate) async fn audit(app: &App) {
    // the sweep may be at work: all tables are read as they were at one moment
    let isolation = (app.db.backend() == DbBackend::Postgres).then_some(IsolationLevel::RepeatableRead);
    let db = &app.db.reader().begin_with_config(isolation, None).await.unwrap();
    let orders = order::Entity::find().all(db).await.unwrap();
    let claims = claim::Entity::find().all(db).await.unwrap();
    let movements = stock_movement::Entity::find().order_by_asc(stock_movement::Column::Id).all(db).await.unwrap();
    let items = order_item::Entity::find().all(db).await.unwrap();
    let events = order_event::Entity::find().order_by_asc(order_event::Column::OrderVersion).all(db).await.unwrap();
    let partners = partner::Entity::find().all(db).await.unwrap();
    let payments = payment::Entity::find().all(db).await.unwrap();
    let refunds = refund::Entity::find().all(db).await.unwrap();
    let redemptions = promo_redemption::Entity::find().all(db).await.unwrap();
    let counts = promo_customer::Entity::find().all(db).await.unwrap();
    for promo in promo::Entity::find().all(db).await.unwrap() {
        a_code_is_used_by_the_orders_that_live(&promo, &redemptions, &counts, &orders);
    }
    for stock in stock::Entity::find().all(db).await.unwrap() {
        the_ledger_sums_to_what_is_on_hand(&stock, &movements);
        what_is_promised_is_promised_to_orders(&stock, &orders, &items);
    }
    let intents = sandbox_intent::Entity::find().all(db).await.unwrap();
    let sandbox_refunds = sandbox_refund::Entity::find().all(db).await.unwrap();
    for payment in &payments {
        what_goes_back_was_paid(payment, &refunds);
        the_sandbox_says_the_same(payment, &refunds, &intents, &sandbox_refunds);
    }
    for order in &orders {
        the_parts_make_the_total(order, &items);
        the_goods_moved_with_the_order(order, &items, &movements, &events);
        the_money_is_that_of_the_order(order, &payments, &refunds);
        the_timeline_leads_to_the_order(order, &events);
        the_claims_are_those_of_the_order(order, &claims);
    }
    the_sums_are_those_of_the_orders(app, db, &orders, &items, &events).await;
    for partner in &partners {
        the_partner_carries_what_they_claimed(partner, &orders, &claims);
    }
}

/// Orders of which all is counted are counted as they are, and the sums of hours are those of what is counted.
async fn the_sums_are_those_of_the_orders(
    app: &App,
    db: &impl ConnectionTrait,
    orders: &[order::Model],
    items: &[order_item::Model],
    events: &[order_event::Model],
) {
    let counted = sales_order::Entity::find().all(db).await.unwrap();
    let counted: BTreeMap<Uuid, sales_order::Model> = counted.into_iter().map(|row| (row.order_id, row)).collect();
    let untaken = select_untaken("analytics.sales", ORDER_CHANGED, ["order", "id"], app.db.backend());
    let untaken = db.query_all(&untaken).await.unwrap();
    let untaken: BTreeSet<Uuid> = untaken.iter().map(|row| row.try_get("", "id").unwrap()).collect();
    let told: BTreeSet<Uuid> = events.iter().map(|event| event.order_id).collect();
    let mut states: BTreeMap<OrderStatus, i64> = BTreeMap::new();
    for row in counted.values() {
        *states.entry(*row.status).or_default() += 1;
    }
    let found = order_count::Entity::find().all(db).await.unwrap().into_iter().map(|row| (*row.status, row.orders));
    assert_eq!(found.filter(|(_, orders)| *orders != 0).collect::<BTreeMap<_, _>>(), states, "orders by their states");
    let (mut hours, mut products) = (BTreeMap::new(), BTreeMap::new());
    for order in orders {
        let row = counted.get(&order.id);
        if !untaken.contains(&order.id) && told.contains(&order.id) {
            let row = row.unwrap_or_else(|| panic!("{} is not counted", order.number));
            let (found, expected) =
                ((row.version, *row.status, row.is_counted), (order.version, *order.status, order.status.is_sale()));
            assert_eq!(found, expected, "{}", order.number);
            assert_eq!(row.refunded_minor, order.refunded_minor, "what went back of {}", order.number);
        }
        if row.is_none_or(|row| !row.is_counted) {
            continue;
        }
        let hour = Interval::Hour.start(order.created_at).timestamp();
        let sum: &mut (i64, i64, i64) = hours.entry((order.seller_id, hour, *order.currency)).or_default();
        *sum = (sum.0 + 1, sum.1 + order.total_minor, sum.2 + row.map_or(0, |row| row.refunded_minor));
        for item in items.iter().filter(|item| item.order_id == order.id) {
            let key = (order.seller_id, hour, *order.currency, item.product_id);
            let sum: &mut (i64, i64) = products.entry(key).or_default();
            *sum = (sum.0 + i64::from(item.quantity), sum.1 + item.line_minor);
        }
    }
    let found = sales_hour::Entity::find().all(db).await.unwrap().into_iter();
    let found =
        found.map(|row| ((row.seller_id, row.hour, *row.currency), (row.orders, row.total_minor, row.refunded_minor)));
    assert_eq!(found.filter(|(_, sum)| *sum != (0, 0, 0)).collect::<BTreeMap<_, _>>(), hours, "the sums of hours");
    let found = sales_hour_product::Entity::find().all(db).await.unwrap().into_iter();
    let found = found
        .map(|row| ((row.seller_id, row.hour, *row.currency, row.product_id), (row.quantity, row.total_minor)))
        .filter(|(_, sum)| *sum != (0, 0));
    assert_eq!(found.collect::<BTreeMap<_, _>>(), products, "the sums of products");
}

fn the_ledger_sums_to_what_is_on_hand(stock: &stock::Model, movements: &[stock_movement::Model]) {
    let ledger: Vec<&stock_movement::Model> = movements.iter().filter(|m| m.product_id == stock.product_id).collect();
    let sum: i32 = ledger.iter().map(|movement| movement.delta).sum();
    assert_eq!(sum, stock.on_hand, "the ledger of {}", stock.product_id);
    assert!(stock.on_hand >= stock.reserved && stock.reserved >= 0, "more was sold than was there: {stock:?}");
    // each line follows from one other: nothing was written past the ledger
    let mut after: BTreeMap<i32, usize> = BTreeMap::from([(0, 1)]);
    for movement in &ledger {
        *after.entry(movement.on_hand_after).or_default() += 1;
    }
    for movement in &ledger {
        let before = movement.on_hand_after - movement.delta;
        let left = after.get_mut(&before).unwrap_or_else(|| panic!("nothing leads to {movement:?}"));
        *left = left.checked_sub(1).unwrap_or_else(|| panic!("two movements follow from {before}: {movement:?}"));
    }
}

fn what_is_promised_is_promised_to_orders(stock: &stock::Model, orders: &[order::Model], items: &[order_item::Model]) {
    let pending = |id| orders.iter().any(|order| order.id == id && *order.status == OrderStatus::Pending);
    let promised = items.iter().filter(|item| item.product_id == stock.product_id && pending(item.order_id));
    assert_eq!(stock.reserved, promised.map(|item| item.quantity).sum::<i32>(), "what is promised of {}", stock.product_id);
}

fn a_code_is_used_by_the_orders_that_live(
    promo: &promo::Model,
    redemptions: &[promo_redemption::Model],
    counts: &[promo_customer::Model],
    orders: &[order::Model],
) {
    let live: Vec<&promo_redemption::Model> =
        redemptions.iter().filter(|row| row.promo_id == promo.id && row.given_back_at.is_none()).collect();
    assert_eq!(live.len(), usize::try_from(promo.uses).unwrap(), "uses of {}", promo.code);
    assert!(promo.max_uses.is_none_or(|most| promo.uses <= most), "it was used too often: {promo:?}");
    for count in counts.iter().filter(|count| count.promo_id == promo.id) {
        let theirs = live.iter().filter(|row| row.customer_id == count.customer_id).count();
        assert_eq!(theirs, usize::try_from(count.uses).unwrap(), "uses of {} by one customer", promo.code);
    }
    let used: BTreeSet<Uuid> = live.iter().map(|row| row.order_id).collect();
    let counting = orders.iter().filter(|order| order.promo_id == Some(promo.id) && *order.status != OrderStatus::Cancelled);
    assert_eq!(counting.map(|order| order.id).collect::<BTreeSet<_>>(), used, "orders that use {}", promo.code);
}

fn what_goes_back_was_paid(payment: &payment::Model, refunds: &[refund::Model]) {
    let live = refunds.iter().filter(|refund| refund.payment_id == payment.id && *refund.status != PaymentStatus::Failed);
    let sum: i64 = live.map(|refund| refund.amount_minor).sum();
    assert_eq!(sum, payment.refunded_minor, "the refunds of {payment:?}");
    assert!((0..=payment.amount_minor).contains(&sum), "more goes back than was paid: {payment:?}");
    assert!(sum == 0 || payment.paid_at.is_some(), "what was not paid goes back: {payment:?}");
}

/// The provider's books are the other side of ours: what it gave back is what we say that it gave back.
fn the_sandbox_says_the_same(
    payment: &payment::Model,
    refunds: &[refund::Model],
    intents: &[sandbox_intent::Model],
    sandbox_refunds: &[sandbox_refund::Model],
) {
    let named = intents.iter().find(|intent| payment.provider_ref.as_ref() == Some(&intent.id));
    let Some(intent) = named.or_else(|| intents.iter().find(|intent| intent.payment_id == payment.id)) else {
        assert!(payment.provider != "sandbox" || payment.provider_ref.is_none(), "the sandbox knows nothing of {payment:?}");
        return;
    };
    assert_eq!(payment.provider, "sandbox", "{payment:?}");
    assert_eq!((intent.amount_minor, intent.currency.as_str()), (payment.amount_minor, payment.currency.name()));
    let theirs: BTreeMap<Uuid, i64> = sandbox_refunds
        .iter()
        .filter(|refund| refund.intent_id == intent.id)
        .map(|refund| (refund.id, refund.amount_minor))
        .collect();
    assert_eq!(theirs.values().sum::<i64>(), intent.refunded_minor, "what the sandbox gave back of {intent:?}");
    for refund in refunds.iter().filter(|refund| refund.payment_id == payment.id) {
        let told = theirs.get(&refund.id).copied();
        match *refund.status {
            PaymentStatus::Refunded => assert_eq!(told, Some(refund.amount_minor), "{refund:?} went back"),
            PaymentStatus::Failed => assert_eq!(told, None, "{refund:?} did not go back"),
            // it may have done it, and its answer be on the way
            _ => assert!(told.is_none_or(|told| told == refund.amount_minor), "{refund:?}: {told:?}"),
        }
    }
    let is_ours = |id: &Uuid| refunds.iter().any(|refund| refund.id == *id && refund.payment_id == payment.id);
    assert!(theirs.keys().all(is_ours), "the sandbox gave back what nobody asked for: {theirs:?}");
}

fn the_parts_make_the_total(order: &order::Model, items: &[order_item::Model]) {
    let mut lines = 0;
    for item in items.iter().filter(|item| item.order_id == order.id) {
        assert_eq!(item.line_minor, item.unit_minor * i64::from(item.quantity), "{item:?}");
        assert!(item.unit_minor >= 0 && item.quantity > 0, "{item:?}");
        lines += item.line_minor;
    }
    assert_eq!(lines, order.subtotal_minor, "the lines of order {}", order.number);
    let total = order.subtotal_minor - order.discount_minor + order.delivery_fee_minor + order.tax_minor;
    assert_eq!(total, order.total_minor, "the parts of order {}", order.number);
    assert!(order.discount_minor <= order.subtotal_minor, "{order:?}");
    for part in [order.discount_minor, order.delivery_fee_minor, order.tax_minor, order.total_minor, order.payout_minor] {
        assert!(part >= 0, "{order:?}");
    }
}

fn the_money_is_that_of_the_order(order: &order::Model, payments: &[payment::Model], refunds: &[refund::Model]) {
    let mine: Vec<&payment::Model> = payments.iter().filter(|payment| payment.order_id == order.id).collect();
    let open = mine.iter().filter(|payment| *payment.status == PaymentStatus::Pending).count();
    assert!(open <= 1, "order {} has {open} payments that can succeed", order.number);
    let is_waiting = *order.status == OrderStatus::Pending;
    assert_eq!(order.payment_due_at.is_some(), is_waiting, "whether order {} waits for its payment", order.number);
    let is_off = matches!(*order.status, OrderStatus::Cancelled | OrderStatus::Failed);
    assert!(!is_off || open == 0, "order {} can be paid still", order.number);
    let paid: i64 = mine.iter().filter(|p| p.paid_at.is_some()).map(|payment| payment.amount_minor).sum();
    let is_mine = |refund: &&refund::Model| mine.iter().any(|payment| payment.id == refund.payment_id);
    let back: i64 =
        refunds.iter().filter(is_mine).filter(|r| *r.status == PaymentStatus::Refunded).map(|r| r.amount_minor).sum();
    assert_eq!(
        order.refunded_minor,
        (back - (paid - order.total_minor).max(0)).max(0),
        "what went back of {}",
        order.number
    );
    let expected: &[PaymentStatus] = match paid - back {
        // there is nothing to pay, and so no payment
        _ if order.total_minor == 0 && *order.status == OrderStatus::Delivered => &[PaymentStatus::Paid],
        _ if paid == 0 => &[PaymentStatus::Pending, PaymentStatus::Failed],
        kept if kept >= order.total_minor => &[PaymentStatus::Paid],
        0 => &[PaymentStatus::Refunded],
        _ => &[PaymentStatus::PartiallyRefunded],
    };
    assert!(expected.contains(&order.payment_status), "order {}: {} of {expected:?}", order.number, *order.payment_status);
}

fn the_goods_moved_with_the_order(
    order: &order::Model,
    items: &[order_item::Model],
    movements: &[stock_movement::Model],
    events: &[order_event::Model],
) {
    // until then they are only promised
    let is_sold = events.iter().any(|event| event.order_id == order.id && *event.r#type == OrderEventType::Confirmed);
    let moved = |reason: StockMovementReason| -> BTreeMap<Uuid, Vec<i32>> {
        let mut moved: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
        for movement in movements.iter().filter(|m| m.order_id == Some(order.id) && *m.reason == reason) {
            moved.entry(movement.product_id).or_default().push(movement.delta);
        }
        moved
    };
    let mine = || items.iter().filter(|item| is_sold && item.order_id == order.id);
    let sold: BTreeMap<Uuid, Vec<i32>> = mine().map(|item| (item.product_id, vec![-item.quantity])).collect();
    let put_back: BTreeMap<Uuid, Vec<i32>> = match *order.status {
        OrderStatus::Cancelled => mine().map(|item| (item.product_id, vec![item.quantity])).collect(),
        _ => BTreeMap::new(),
    };
    assert_eq!(moved(StockMovementReason::Sold), sold, "what order {} took", order.number);
    assert_eq!(moved(StockMovementReason::Cancelled), put_back, "what order {} ({}) put back", order.number, *order.status);
}

fn the_timeline_leads_to_the_order(order: &order::Model, events: &[order_event::Model]) {
    let timeline: Vec<&order_event::Model> = events.iter().filter(|event| event.order_id == order.id).collect();
    let versions: Vec<i32> = timeline.iter().map(|event| event.order_version).collect();
    assert_eq!(versions, (1..=order.version).collect::<Vec<i32>>(), "versions of order {}", order.number);
    assert_eq!(timeline.last().unwrap().status, order.status, "where the timeline of order {} ends", order.number);
    for pair in timeline.windows(2) {
        assert_eq!(pair[1].from_status, Some(pair[0].status), "a step in the timeline of {}: {:?}", order.number, pair[1]);
        assert!(pair[0].at <= pair[1].at, "time runs backwards in the timeline of {}: {pair:?}", order.number);
    }
}

fn the_claims_are_those_of_the_order(order: &order::Model, claims: &[claim::Model]) {
    let mine = || claims.iter().filter(|claim| claim.order_id == order.id);
    let live: Vec<&claim::Model> = mine().filter(|claim| claim.status.is_live()).collect();
    let expected: &[Option<ClaimStatus>] = match *order.status {
        OrderStatus::Pending | OrderStatus::Confirmed | OrderStatus::Preparing | OrderStatus::Cancelled => &[None],
        OrderStatus::Ready => &[None, Some(ClaimStatus::Held)],
        OrderStatus::Assigned | OrderStatus::PickedUp | OrderStatus::InTransit => &[Some(ClaimStatus::Accepted)],
        OrderStatus::Delivered | OrderStatus::Failed => &[Some(ClaimStatus::Completed)],
    };
    let status = order.claim_status.map(|status| *status);
    assert!(expected.contains(&status), "order {} is {} with a claim {status:?}", order.number, *order.status);
    assert_eq!(order.claim_id.is_some(), status.is_some(), "{order:?}");
    assert_eq!(order.partner_id.is_some(), status.is_some(), "{order:?}");
    assert_eq!(live.len(), usize::from(status.is_some_and(ClaimStatus::is_live)), "live claims of {}", order.number);
    if let Some(id) = order.claim_id {
        let claim = mine().find(|claim| claim.id == id).expect("the order's claim is there");
        assert_eq!((Some(claim.status), Some(claim.partner_id)), (order.claim_status, order.partner_id));
        assert!(!claim.status.is_live() || claim.expires_at == order.claim_expires_at, "{claim:?} of {order:?}");
    }
    for claim in mine() {
        assert_eq!(claim.ended_at.is_none(), claim.status.is_live(), "{claim:?}");
    }
}

fn the_partner_carries_what_they_claimed(partner: &partner::Model, orders: &[order::Model], claims: &[claim::Model]) {
    let live = claims.iter().filter(|claim| claim.partner_id == partner.user_id && claim.status.is_live()).count();
    assert_eq!(usize::try_from(partner.active_deliveries).unwrap(), live, "what {partner:?} carries");
    assert!(partner.active_deliveries <= partner.capacity, "{partner:?}");
    let delivered: BTreeSet<Uuid> = orders
        .iter()
        .filter(|order| order.partner_id == Some(partner.user_id) && *order.status == OrderStatus::Delivered)
        .map(|order| order.id)
        .collect();
    assert_eq!(usize::try_from(partner.completed_deliveries).unwrap(), delivered.len(), "what {partner:?} delivered");
}
