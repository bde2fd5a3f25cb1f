//! What happens to a message, or to its endpoint, while it waits or is on its way.

use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use domain::id::Kind;
use entity::{job, webhook_delivery, webhook_endpoint};
use quick_commerce::webhooks::cleaning::sweep;
use sea_orm::sea_query::Expr;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::*;
use crate::support::crowd::uuid;
use crate::support::over_both_shapes;
use crate::support::story::{Shop, place_order, seller_with_product};

over_both_shapes! {
    an_overdue_message_is_given_up_only_if_it_has_no_job,
    a_message_that_is_sent_again_beside_the_clean_up_is_not_given_up,
    an_attempt_that_another_followed_does_not_say_how_the_message_ended,
    what_ended_before_its_endpoint_was_paused_stays_as_it_ended,
    what_fails_once_its_endpoint_was_paused_is_not_tried_again,
    a_pause_is_nothing_to_other_endpoints,
    what_is_sent_again_after_long_is_not_forgotten_while_it_waits,
    what_fails_at_an_address_that_was_changed_says_nothing_of_the_new_one,
    what_gets_through_to_an_address_that_was_changed_says_nothing_of_the_new_one,
    an_endpoint_that_is_activated_again_starts_afresh,
}

/// A server that sends webhooks, and those who have it send some.
struct Scene {
    app: TestApp,
    admin: Actor,
    shop: Shop,
    customer: Actor,
}

impl Scene {
    async fn set(shape: Shape) -> Self {
        Self::set_with(shape, |_| {}).await
    }

    async fn set_with(shape: Shape, change: impl FnOnce(&mut Config)) -> Self {
        let app = TestApp::start_with(shape, |config| {
            nearby(config);
            change(config);
        })
        .await;
        let (admin, shop, customer) = tokio::join!(app.admin(), seller_with_product(&app, 100, "40.00"), app.customer());
        Self { app, admin, shop, customer }
    }

    /// An endpoint at `receiver` that is told of each order.
    async fn endpoint(&self, receiver: &Receiver) -> String {
        endpoint(&self.admin, receiver, &["ORDER_CREATED"]).await.id
    }

    /// Has something happen of which it is told.
    async fn order(&self) {
        place_order(&self.customer, &self.shop.product_id, 1).await;
    }

    async fn update(&self, id: &str, mut change: Value) {
        change["endpointId"] = json!(id);
        self.admin.mutate(UPDATE, change).await.ok("updateWebhookEndpoint");
    }

    /// Lets time pass, and signs everybody in again.
    async fn pass(&mut self, time: Duration) {
        self.app.clock.advance(time);
        self.admin = again(&self.app, &self.admin).await;
        self.customer = again(&self.app, &self.customer).await;
    }

    async fn row(&self, id: &str) -> webhook_endpoint::Model {
        let find = webhook_endpoint::Entity::find_by_id(uuid(Kind::WebhookEndpoint, id));
        find.one(self.app.app.db.reader()).await.unwrap().unwrap()
    }

    /// Waits until there are so many messages and the newest was answered with `code`; that one.
    async fn until_answered(&self, id: &str, count: usize, code: u16) -> Value {
        let is_answered = |log: &[Value]| log.len() == count && log[0]["lastStatusCode"] == code;
        until(async || is_answered(&deliveries(&self.admin, id).await)).await;
        deliveries(&self.admin, id).await.swap_remove(0)
    }

    /// What became of each message, oldest first.
    async fn statuses(&self, id: &str) -> Vec<Value> {
        deliveries(&self.admin, id).await.iter().rev().map(|delivery| delivery["status"].clone()).collect()
    }

    /// Has `delivery` sent again between the next statement that begins like this and what follows it.
    fn send_again_after(&self, begin: &'static str, delivery: &Value) {
        let (admin, is_first, again) = (self.admin.clone(), AtomicBool::new(true), json!({ "deliveryId": delivery["id"] }));
        self.app.app.db.on_statement(move |statement| {
            if statement.sql.starts_with(begin) && is_first.swap(false, Ordering::SeqCst) {
                let redelivered = admin.mutate(REDELIVER, again.clone());
                block_in_place(|| Handle::current().block_on(redelivered)).ok("redeliverWebhook");
            }
        });
    }

    /// As if all that waits had been due for two hours.
    async fn put_back(&self) {
        let due = self.app.clock.now() - TimeDelta::hours(2);
        let put_back =
            webhook_delivery::Entity::update_many().col_expr(webhook_delivery::Column::NextAttemptAt, Expr::value(due));
        put_back.exec(self.app.app.db.writer()).await.unwrap();
    }

    /// As if nobody were to send this message.
    async fn forget_job_of(&self, delivery: &Value) {
        let delivery = uuid(Kind::WebhookDelivery, delivery["id"].as_str().unwrap());
        let forget = job::Entity::delete_many().filter(job::Column::Key.eq(delivery.simple().to_string()));
        assert_eq!(forget.exec(self.app.app.db.writer()).await.unwrap().rows_affected, 1);
    }
}

/// Busy for much longer than a message may be overdue.
const BUSY: Says = Says::Later(503, "36000");

async fn an_overdue_message_is_given_up_only_if_it_has_no_job(shape: Shape) {
    let (scene, receiver) = tokio::join!(Scene::set(shape), Receiver::start(BUSY));
    let id = scene.endpoint(&receiver).await;
    for _ in 0..2 {
        scene.order().await;
    }
    let are_busy = |log: &[Value]| log.len() == 2 && log.iter().all(|delivery| delivery["lastStatusCode"] == 503);
    until(async || are_busy(&deliveries(&scene.admin, &id).await)).await;
    scene.put_back().await;
    scene.forget_job_of(&deliveries(&scene.admin, &id).await[0]).await;
    sweep(&scene.app.app).await.unwrap();
    assert_eq!(scene.statuses(&id).await, ["PENDING", "FAILED"], "only the one that nobody would send");
}

async fn a_message_that_is_sent_again_beside_the_clean_up_is_not_given_up(shape: Shape) {
    let (scene, receiver) = tokio::join!(Scene::set(shape), Receiver::start(BUSY));
    let id = scene.endpoint(&receiver).await;
    scene.order().await;
    let waiting = scene.until_answered(&id, 1, 503).await;
    scene.put_back().await;
    scene.forget_job_of(&waiting).await;
    receiver.says(Says::Held(200));
    // the clean-up has found that there is no job, and has not given up anything
    scene.send_again_after(r#"SELECT "jobs"."key" FROM"#, &waiting);
    sweep(&scene.app.app).await.unwrap();
    assert_eq!(scene.statuses(&id).await, ["PENDING"]);
    receiver.until(2).await;
    receiver.go_on();
    until_delivery(&scene.app, &scene.admin, &id, "DELIVERED", 2).await;
}

async fn an_attempt_that_another_followed_does_not_say_how_the_message_ended(shape: Shape) {
    let (scene, receiver) = tokio::join!(Scene::set(shape), Receiver::start(Says::Held(200)));
    let id = scene.endpoint(&receiver).await;
    scene.order().await;
    receiver.until(1).await;
    // as if whoever sends it hung: others take it over. Tokens outlive that; to sign in anew would take of its time
    receiver.says(BUSY);
    scene.app.clock.advance(Duration::from_secs(61));
    let busy = scene.until_answered(&id, 1, 503).await;
    assert_eq!((&busy["status"], &busy["attempts"]), (&json!("PENDING"), &json!(2)));
    assert!(scene.row(&id).await.failing_since.is_some());
    receiver.go_on();
    // that something got through is written down together with how the attempt ended
    until(async || scene.row(&id).await.failing_since.is_none()).await;
    assert_eq!(deliveries(&scene.admin, &id).await, [busy], "what is known of it is the second attempt's");
}

async fn what_ended_before_its_endpoint_was_paused_stays_as_it_ended(shape: Shape) {
    let (scene, receiver) = tokio::join!(Scene::set(shape), Receiver::start(Says::Status(200)));
    let id = scene.endpoint(&receiver).await;
    scene.order().await;
    scene.until_answered(&id, 1, 200).await;
    receiver.says(BUSY);
    scene.order().await;
    scene.until_answered(&id, 2, 503).await;
    receiver.says(Says::Held(200));
    scene.order().await;
    receiver.until(3).await;
    scene.update(&id, json!({ "active": false })).await;
    assert_eq!(scene.statuses(&id).await, ["DELIVERED", "FAILED", "FAILED"]);
    receiver.go_on();
    // what is on its way may yet get through
    until(async || scene.statuses(&id).await == ["DELIVERED", "FAILED", "DELIVERED"]).await;
}

async fn what_fails_once_its_endpoint_was_paused_is_not_tried_again(shape: Shape) {
    let (scene, receiver) = tokio::join!(Scene::set(shape), Receiver::start(Says::Held(500)));
    let id = scene.endpoint(&receiver).await;
    scene.order().await;
    receiver.until(1).await;
    scene.update(&id, json!({ "active": false })).await;
    receiver.go_on();
    let failed = scene.until_answered(&id, 1, 500).await;
    assert_eq!((&failed["status"], &failed["nextAttemptAt"]), (&json!("FAILED"), &Value::Null));
}

async fn a_pause_is_nothing_to_other_endpoints(shape: Shape) {
    let (scene, receiver) = tokio::join!(Scene::set(shape), Receiver::start(BUSY));
    let (paused, other) = (scene.endpoint(&receiver).await, scene.endpoint(&receiver).await);
    scene.order().await;
    for id in [&paused, &other] {
        scene.until_answered(id, 1, 503).await;
    }
    scene.update(&paused, json!({ "active": false })).await;
    assert_eq!(
        (scene.statuses(&paused).await, scene.statuses(&other).await),
        (vec![json!("FAILED")], vec![json!("PENDING")])
    );
}

/// An endpoint, and a message that it got longer ago than the log keeps. Now it is busy.
async fn long_delivered(shape: Shape) -> (Scene, Receiver, String, Value) {
    let (mut scene, receiver) = tokio::join!(Scene::set(shape), Receiver::start(Says::Status(200)));
    let id = scene.endpoint(&receiver).await;
    scene.order().await;
    let delivered = scene.until_answered(&id, 1, 200).await;
    receiver.says(BUSY);
    let kept = scene.app.app.config.webhooks.log;
    scene.pass(kept + Duration::from_hours(1)).await;
    (scene, receiver, id, delivered)
}

async fn what_is_sent_again_after_long_is_not_forgotten_while_it_waits(shape: Shape) {
    let (scene, _receiver, id, delivered) = long_delivered(shape).await;
    scene.admin.mutate(REDELIVER, json!({ "deliveryId": delivered["id"] })).await.ok("redeliverWebhook");
    sweep(&scene.app.app).await.unwrap();
    assert_eq!(scene.statuses(&id).await, ["PENDING"]);
}

/// With SQLite the clean-up holds the one connection that writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_again_as_it_is_about_to_be_forgotten_is_not() {
    let (scene, _receiver, id, delivered) = long_delivered(Shape::Production).await;
    // it was found to be old, and has not been removed
    scene.send_again_after(r#"SELECT "webhook_deliveries"."id" FROM"#, &delivered);
    sweep(&scene.app.app).await.unwrap();
    assert_eq!(scene.statuses(&id).await, ["PENDING"]);
}

async fn what_fails_at_an_address_that_was_changed_says_nothing_of_the_new_one(shape: Shape) {
    let mut scene = Scene::set(shape).await;
    for code in [500, 410] {
        let (old, new) = tokio::join!(Receiver::start(Says::Held(code)), Receiver::start(Says::Held(200)));
        let id = scene.endpoint(&old).await;
        scene.order().await;
        old.until(1).await;
        scene.update(&id, json!({ "url": new.url() })).await;
        old.go_on();
        let failed = scene.until_answered(&id, 1, code).await;
        assert_eq!(failed["status"], "PENDING", "it is sent to the new one");
        let row = scene.row(&id).await;
        assert_eq!((row.is_active, row.failing_since, row.last_failed_at), (true, None, None), "{code}");
        new.go_on();
        scene.pass(Duration::from_mins(1)).await;
        until_delivery(&scene.app, &scene.admin, &id, "DELIVERED", 2).await;
        scene.update(&id, json!({ "active": false })).await;
    }
    assert_eq!(paused_events(&scene.app).await, 0);
}

async fn what_gets_through_to_an_address_that_was_changed_says_nothing_of_the_new_one(shape: Shape) {
    let scene = Scene::set(shape).await;
    let (old, new) = tokio::join!(Receiver::start(Says::Held(200)), Receiver::start(BUSY));
    let id = scene.endpoint(&old).await;
    scene.order().await;
    old.until(1).await;
    scene.update(&id, json!({ "url": new.url() })).await;
    scene.order().await;
    scene.until_answered(&id, 2, 503).await;
    let failing = scene.row(&id).await;
    assert!(failing.failing_since.is_some());
    old.go_on();
    until(async || scene.statuses(&id).await == ["DELIVERED", "PENDING"]).await;
    assert_eq!(scene.row(&id).await, failing);
}

async fn an_endpoint_that_is_activated_again_starts_afresh(shape: Shape) {
    const PAUSE: Duration = Duration::from_hours(3);
    let mut scene = Scene::set_with(shape, |config| config.webhooks.pause = PAUSE).await;
    let receiver = Receiver::start(Says::Status(500)).await;
    let id = scene.endpoint(&receiver).await;
    let failing = async |scene: &Scene| {
        let row = scene.row(&id).await;
        row.failing_since.zip(row.last_failed_at).map(|(since, last)| last - since)
    };
    scene.order().await;
    until(async || failing(&scene).await.is_some()).await;
    scene.pass(Duration::from_hours(2)).await;
    until(async || failing(&scene).await >= Some(TimeDelta::hours(2))).await;
    // who says what is so already begins nothing
    scene.update(&id, json!({ "active": true, "url": receiver.url() })).await;
    assert!(failing(&scene).await >= Some(TimeDelta::hours(2)));
    for active in [false, true] {
        scene.update(&id, json!({ "active": active })).await;
    }
    scene.pass(Duration::from_hours(2)).await;
    scene.order().await;
    scene.until_answered(&id, 2, 500).await;
    assert_eq!(paused_events(&scene.app).await, 0, "four hours after the first failure, and none after its own");
    scene.pass(PAUSE).await;
    until(async || paused_events(&scene.app).await == 1).await;
    assert!(!scene.row(&id).await.is_active);
}
