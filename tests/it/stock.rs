//! Stock is never sold twice, and the ledger knows where every piece went.

use domain::access::Actor as Principal;
use domain::error::{ErrorCode, Rejection};
use domain::id::Kind;
use domain::order::OrderStatus;
use domain::stock::StockMovementReason;
use entity::{order, stock};
use quick_commerce::app::App;
use quick_commerce::inventory::service::{Adjustment, adjust};
use quick_commerce::orders::service::{Step, step};
use quick_commerce::platform::clock::Clock;
use quick_commerce::platform::ids::{Entropy, Ids};
use sea_orm::EntityTrait as _;
use serde_json::json;
use uuid::Uuid;

use crate::support::audit::audit;
use crate::support::crowd::{at_once, count_done, customers, place, refused, uuid};
use crate::support::story::{CANCEL_ORDER, Shop, key, order as read_order, place_order, product, seller_with_product};
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    a_thousand_buyers_of_a_hundred_pieces_make_a_hundred_orders,
    two_products_bought_in_opposite_order_are_both_sold_out,
    a_short_line_takes_nothing_of_the_others,
    goods_come_back_once_when_customer_and_seller_cancel_at_once,
    the_ledger_explains_the_stock_after_anything,
}

async fn on_hand(app: &App, product: Uuid) -> i32 {
    stock::Entity::find_by_id(product).one(app.db.reader()).await.unwrap().unwrap().on_hand
}

async fn buy_at_once(app: &App, wishes: Vec<(Principal, Vec<(Uuid, i32)>)>) -> usize {
    let buying = wishes.into_iter().map(|(customer, lines)| {
        let app = app.clone();
        async move { place(&app, customer, &lines).await }
    });
    count_done(&at_once(buying).await, ErrorCode::InsufficientStock)
}

async fn a_thousand_buyers_of_a_hundred_pieces_make_a_hundred_orders(shape: Shape) {
    let app = TestApp::start(shape).await;
    let shop = seller_with_product(&app, 100, "40.00").await;
    let product = uuid(Kind::Product, &shop.product_id);
    let buyers = customers(&app.app, 1_000).await;
    let orders = buy_at_once(&app.app, buyers.into_iter().map(|buyer| (buyer, vec![(product, 1)])).collect()).await;
    assert_eq!(orders, 100, "as many orders as there were pieces; nine hundred were told that it is sold out");
    assert_eq!(on_hand(&app.app, product).await, 0);
    audit(&app.app).await;
}

async fn two_products_bought_in_opposite_order_are_both_sold_out(shape: Shape) {
    let app = TestApp::start(shape).await;
    let shop = seller_with_product(&app, 60, "40.00").await;
    let tea = uuid(Kind::Product, &shop.product_id);
    let milk = uuid(Kind::Product, &product(&shop.seller, &shop.category_id, 60, "30.00").await);
    let buyers = customers(&app.app, 120).await;
    let wishes = buyers.into_iter().enumerate().map(|(number, buyer)| {
        let lines = if number % 2 == 0 { vec![(tea, 1), (milk, 1)] } else { vec![(milk, 1), (tea, 1)] };
        (buyer, lines)
    });
    assert_eq!(buy_at_once(&app.app, wishes.collect()).await, 60, "no deadlock surfaced, and nothing was left over");
    assert_eq!((on_hand(&app.app, tea).await, on_hand(&app.app, milk).await), (0, 0));
    audit(&app.app).await;
}

async fn a_short_line_takes_nothing_of_the_others(shape: Shape) {
    let app = TestApp::start(shape).await;
    let shop = seller_with_product(&app, 5, "40.00").await;
    let plenty = uuid(Kind::Product, &shop.product_id);
    let short = uuid(Kind::Product, &product(&shop.seller, &shop.category_id, 1, "30.00").await);
    let buyer = customers(&app.app, 1).await[0];
    let refusal = place(&app.app, buyer, &[(plenty, 2), (short, 2)]).await.unwrap_err();
    assert_eq!((refusal.code, refusal.field.join(".")), (ErrorCode::InsufficientStock, "items.1.quantity".to_owned()));
    assert_eq!((on_hand(&app.app, plenty).await, on_hand(&app.app, short).await), (5, 1));
    audit(&app.app).await;
}

async fn goods_come_back_once_when_customer_and_seller_cancel_at_once(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (shop, customer) = tokio::join!(seller_with_product(&app, 10, "40.00"), app.customer());
    for _ in 0..24 {
        let id = place_order(&customer, &shop.product_id, 3).await;
        let cancel = || json!({ "idempotencyKey": key(), "orderId": id, "reason": "changed my mind" });
        let (first, second) =
            tokio::join!(customer.mutate(CANCEL_ORDER, cancel()), shop.seller.mutate(CANCEL_ORDER, cancel()));
        let refusals: Vec<&str> = [&first, &second]
            .iter()
            .flat_map(|answer| answer.user_errors("cancelOrder"))
            .map(|e| e["code"].as_str().unwrap())
            .collect();
        assert_eq!(refusals, ["ILLEGAL_TRANSITION"], "one of the two cancels: {first:?}, {second:?}");
        assert_eq!(read_order(&customer, &id).await["status"], "CANCELLED");
        assert_eq!(on_hand(&app.app, uuid(Kind::Product, &shop.product_id)).await, 10);
    }
    audit(&app.app).await;
}

/// Does at random what people do with stock, the same at each run as far as their order is.
struct Wanderer {
    app: App,
    dice: Ids,
    customer: Principal,
    seller: Principal,
    products: Vec<Uuid>,
    orders: Vec<order::Model>,
}

impl Wanderer {
    async fn wander(mut self, steps: usize) {
        for _ in 0..steps {
            match self.dice.below(10) {
                0..=4 => self.buy().await,
                5..=7 => Box::pin(self.cancel()).await,
                _ => self.adjust().await,
            }
        }
    }

    fn roll(&self, bound: usize) -> usize {
        usize::try_from(self.dice.below(bound as u64)).unwrap()
    }

    async fn buy(&mut self) {
        let first = self.roll(self.products.len());
        let count = 1 + self.roll(self.products.len());
        let lines: Vec<(Uuid, i32)> = (first..first + count)
            .map(|index| (self.products[index % self.products.len()], 1 + i32::try_from(self.roll(4)).unwrap()))
            .collect();
        match place(&self.app, self.customer, &lines).await {
            Ok(order) => self.orders.push(order),
            Err(refusal) => assert_eq!(refusal.code, ErrorCode::InsufficientStock, "{refusal:?}"),
        }
    }

    /// Customer and seller at once, and sometimes an order that is cancelled already.
    async fn cancel(&mut self) {
        if self.orders.is_empty() {
            return;
        }
        let order = self.orders[self.roll(self.orders.len())].id;
        let (first, second) = tokio::join!(self.call_off(order, self.customer), self.call_off(order, self.seller));
        for refusal in [first, second].into_iter().filter_map(Result::err) {
            assert_eq!(refusal.code, ErrorCode::IllegalTransition, "{refusal:?}");
        }
    }

    async fn call_off(&self, order: Uuid, by: Principal) -> Result<order::Model, Rejection> {
        let to = OrderStatus::Cancelled;
        let call_off = Step { order, to, note: None, expected_version: None, delivery_code: None, input: Some("status") };
        refused(step(&self.app, by, "cancelOrder", &key(), call_off).await)
    }

    async fn adjust(&self) {
        let (delta, reason) = match self.dice.below(3) {
            0 => (5, StockMovementReason::Received),
            1 => (-3, StockMovementReason::Damaged),
            _ => (-1, StockMovementReason::Adjusted),
        };
        let product = self.products[self.roll(self.products.len())];
        let adjustment = Adjustment { product, delta, reason, note: None, expected_on_hand: None };
        if let Err(refusal) = refused(adjust(&self.app, &self.seller, &key(), adjustment).await) {
            assert_eq!(refusal.code, ErrorCode::InsufficientStock, "{refusal:?}");
        }
    }
}

async fn the_ledger_explains_the_stock_after_anything(shape: Shape) {
    let app = TestApp::start(shape).await;
    let Shop { seller, category_id, product_id } = seller_with_product(&app, 20, "40.00").await;
    let mut products = vec![uuid(Kind::Product, &product_id)];
    for stock in [0, 7, 40] {
        products.push(uuid(Kind::Product, &product(&seller, &category_id, stock, "10.00").await));
    }
    let seller = seller.principal().await;
    let wanderers = customers(&app.app, 6).await.into_iter().zip(1..).map(|(customer, seed)| {
        let dice = Ids::new(Clock::system(), Entropy::seeded(seed));
        let (app, products) = (app.app.clone(), products.clone());
        Wanderer { app, dice, customer, seller, products, orders: Vec::new() }.wander(50)
    });
    at_once(wanderers).await;
    audit(&app.app).await;
}
