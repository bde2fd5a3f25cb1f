//! Payments: the whole story through the sandbox, webhooks as they may come, races, refunds, and Stripe.

mod methods;
mod outages;
mod races;
mod refunds;
mod sandbox;
mod stand_in;
mod stripe;
mod webhooks;

use std::time::Duration;

use quick_commerce::config::Config;

use crate::support::actors::Actor;
use crate::support::story::{Shop, seller_with_product};
use crate::support::{Shape, TestApp};

/// Access tokens outlive it, which they do not the default.
const WINDOW: Duration = Duration::from_mins(5);

fn shorter(config: &mut Config) {
    config.payments.window = WINDOW;
}

/// A store, and somebody who buys.
#[derive(Debug)]
struct World {
    app: TestApp,
    shop: Shop,
    customer: Actor,
}

impl World {
    async fn new(shape: Shape) -> Self {
        Self::with(shape, shorter).await
    }

    async fn with(shape: Shape, change: impl FnOnce(&mut Config)) -> Self {
        let app = TestApp::start_with(shape, change).await;
        let (shop, customer) = tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer());
        Self { app, shop, customer }
    }

    /// What can be bought, is on hand, and is promised.
    async fn stock(&self) -> (i64, i64, i64) {
        let variables = serde_json::json!({ "id": self.shop.product_id });
        let answer = self.shop.seller.query(crate::support::story::PRODUCT, variables).await;
        let product = &answer.data()["product"];
        let number = |value: &serde_json::Value| value.as_i64().unwrap();
        (number(&product["available"]), number(&product["stock"]["onHand"]), number(&product["stock"]["reserved"]))
    }
}
