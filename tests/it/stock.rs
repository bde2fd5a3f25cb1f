//! Stock is never sold twice, and the ledger knows where every piece went.

mod wanderer;

use std::time::Duration;

use domain::access::Actor as Principal;
use domain::error::ErrorCode;
use domain::id::Kind;
use entity::stock;
use quick_commerce::app::App;
use quick_commerce::cart::promos::{self, NewPromo};
use quick_commerce::orders::service::paying;
use quick_commerce::platform::clock::Clock;
use quick_commerce::platform::ids::{Entropy, Ids};
use quick_commerce::platform::jobs;
use sea_orm::EntityTrait as _;
use serde_json::json;
use uuid::Uuid;

use self::wanderer::{WINDOW, Wanderer, all_of_it_happened, sheet};
use crate::support::audit::audit;
use crate::support::crowd::{at_once, count_done, customers, place, uuid};
use crate::support::story::{CANCEL_ORDER, Shop, key, order as read_order, place_order, product, seller_with_product};
use crate::support::wait::until;
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
    let refused = app.app.db.refused();
    assert_eq!(buy_at_once(&app.app, wishes.collect()).await, 60, "nothing was left over");
    assert_eq!(app.app.db.refused(), refused, "there was no deadlock, not even one that was hidden by trying again");
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

async fn the_ledger_explains_the_stock_after_anything(shape: Shape) {
    // webhooks are signed for longer than it takes the clock to be moved by this
    let app = TestApp::start_with(shape, |config| config.payments.window = WINDOW).await;
    let Shop { seller, category_id, product_id } = seller_with_product(&app, 40, "40.00").await;
    let mut products = vec![uuid(Kind::Product, &product_id)];
    for stock in [0, 15, 60] {
        products.push(uuid(Kind::Product, &product(&seller, &category_id, stock, "10.00").await));
    }
    let new = NewPromo { code: "TEN".to_owned(), percent_off: Some(10.into()), max_uses: Some(12), ..NewPromo::default() };
    promos::create(&app.app, None, new).await.unwrap_or_else(|_| panic!("the code is made"));
    let sheet = sheet(&app.app, &products).await;
    let seller = seller.principal().await;
    let mut wanderers: Vec<Wanderer> = Vec::new();
    for (customer, seed) in customers(&app.app, 7).await.into_iter().zip(1..) {
        let dice = Ids::new(Clock::system(), Entropy::seeded(seed));
        let (app, products, sheet) = (app.app.clone(), products.clone(), sheet.clone());
        wanderers.push(Wanderer { app, dice, customer, seller, products, sheet, orders: Vec::new() });
    }
    wanderers.pop().unwrap().do_all_once().await;
    at_once(wanderers.into_iter().map(|wanderer| wanderer.wander(60))).await;
    // with orders that wait, webhooks on their way, and refunds that nobody made yet
    audit(&app.app).await;
    app.clock.advance(WINDOW + app.app.config.payments.sandbox_late);
    paying::expiry::sweep(&app.app).await.unwrap();
    until(|| async {
        app.clock.advance(Duration::from_millis(100));
        jobs::backlog(app.app.db.reader()).await.unwrap().waiting == 0
    })
    .await;
    audit(&app.app).await;
    let stocks = stock::Entity::find().all(app.app.db.reader()).await.unwrap();
    assert!(stocks.iter().all(|stock| stock.reserved == 0), "nobody waits any more: {stocks:?}");
    all_of_it_happened(&app.app).await;
}
