//! How orders can be paid: what is offered is taken, and nothing else.

use serde_json::json;

use super::World;
use crate::support::story::{PLACE_ORDER, order_input, text};
use crate::support::{Shape, over_both_shapes};

over_both_shapes! {
    what_is_offered_is_what_is_taken,
}

async fn what_is_offered_is_what_is_taken(shape: Shape) {
    let sandbox = World::new(shape).await;
    offers(&sandbox, &["CASH_ON_DELIVERY", "CARD", "WALLET"]).await;
    let none = World::with(shape, |config| config.payments.provider = None).await;
    offers(&none, &["CASH_ON_DELIVERY"]).await;
    assert_eq!(none.stock().await, (99, 99, 0), "what was refused took nothing");
}

async fn offers(world: &World, expected: &[&str]) {
    let offered = world.app.anonymous().query("{ paymentMethods }", json!({})).await;
    assert_eq!(offered.data()["paymentMethods"], json!(expected));
    for method in ["CASH_ON_DELIVERY", "CARD", "WALLET"] {
        let mut input = order_input(&world.shop.product_id, 1);
        input["paymentMethod"] = json!(method);
        let answer = world.customer.mutate(PLACE_ORDER, input).await;
        if expected.contains(&method) {
            text(answer.ok("placeOrder"), "/order/id");
        } else {
            let refused = &answer.data()["placeOrder"]["userErrors"][0];
            assert_eq!((&refused["code"], &refused["field"]), (&json!("PAYMENT_NOT_ALLOWED"), &json!(["paymentMethod"])));
        }
    }
}
