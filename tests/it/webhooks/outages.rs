//! Servers that die in the middle, and several at once.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::support::TestCluster;
use crate::support::redis::Redis;
use crate::support::story::{place_order, seller_with_product};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_that_was_killed_had_sent_is_sent_again_with_the_same_id() {
    let mut cluster = Box::pin(TestCluster::start_on(Redis::shared().await, 1, nearby)).await;
    let receiver = Receiver::start(Says::Nothing).await;
    let api = cluster[0].clone();
    let (admin, shop, customer) = tokio::join!(api.admin(), seller_with_product(&api, 10, "40.00"), api.customer());
    let endpoint = endpoint(&admin, &receiver, &["ORDER_CREATED"]).await;
    place_order(&customer, &shop.product_id, 1).await;
    receiver.until(1).await;
    // it has come, and nothing of it is written down
    cluster.kill(0);
    until(async || receiver.open() == 0).await;
    receiver.says(Says::Status(200));
    cluster.clock.advance(Duration::from_mins(2));
    Box::pin(cluster.start_again(0)).await;
    let received = receiver.until(2).await;
    assert_eq!((&received[0].id, &received[0].body), (&received[1].id, &received[1].body));
    assert!(received.iter().all(|message| message.is_signed_with(&endpoint.secret)));
    let admin = admin.at(&cluster[0]);
    let delivered = until_delivery(&cluster[0], &admin, &endpoint.id, "DELIVERED", 2).await;
    assert_eq!(delivered["lastStatusCode"], 200);
    assert_eq!(deliveries(&admin, &endpoint.id).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_in_which_the_server_was_killed_is_not_one_of_eleven() {
    let mut cluster = Box::pin(TestCluster::start_on(Redis::shared().await, 1, nearby)).await;
    let receiver = Receiver::start(Says::Status(500)).await;
    let api = cluster[0].clone();
    let (admin, shop, customer) = tokio::join!(api.admin(), seller_with_product(&api, 10, "40.00"), api.customer());
    let endpoint = endpoint(&admin, &receiver, &["ORDER_CREATED"]).await;
    place_order(&customer, &shop.product_id, 1).await;
    // the pauses after the first three attempts are 5, 30 and 120 seconds
    for (attempt, pause) in [(1, 60), (2, 60)] {
        until_tried(&api, &admin, &endpoint.id, attempt).await;
        cluster.clock.advance(Duration::from_secs(pause));
    }
    until_tried(&api, &admin, &endpoint.id, 3).await;
    receiver.says(Says::Nothing);
    let before = receiver.received().len();
    cluster.clock.advance(Duration::from_mins(3));
    receiver.until(before + 1).await;
    cluster.kill(0);
    until(async || receiver.open() == 0).await;
    receiver.says(Says::Status(500));
    cluster.clock.advance(Duration::from_mins(2));
    Box::pin(cluster.start_again(0)).await;
    let admin = admin.at(&cluster[0]);
    let tried = until_tried(&cluster[0], &admin, &endpoint.id, 5).await;
    // the fourth pause, of ten minutes and up to a quarter more, and not the fifth, of thirty
    let next = tried["nextAttemptAt"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap() - cluster.clock.now();
    assert_eq!(tried["attempts"], 5);
    assert!(next > chrono::TimeDelta::minutes(5) && next < chrono::TimeDelta::minutes(13), "{tried}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_never_send_one_message_at_once() {
    let cluster = Box::pin(TestCluster::start_on(Redis::shared().await, 2, nearby)).await;
    let receiver = Receiver::start(Says::Status(200)).await;
    let api = cluster[0].clone();
    let (admin, shop, customer) = tokio::join!(api.admin(), seller_with_product(&api, 100, "40.00"), api.customer());
    let endpoint = endpoint(&admin, &receiver, &["ORDER_CREATED", "ORDER_CONFIRMED"]).await;
    for place in 0..40 {
        place_order(&customer.at(&cluster[place % 2]), &shop.product_id, 1).await;
    }
    until(async || {
        let log = deliveries(&admin, &endpoint.id).await;
        log.len() == 80 && log.iter().all(|delivery| delivery["status"] == "DELIVERED")
    })
    .await;
    let received = receiver.received();
    let ids: BTreeSet<&str> = received.iter().map(|message| message.id.as_str()).collect();
    assert_eq!((received.len(), ids.len()), (80, 80), "each came once");
    assert!(!receiver.is_doubled());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_for_again_while_it_fails_for_the_last_time_is_sent_again() {
    use entity::job;
    use quick_commerce::webhooks::sending::{SCHEDULE, SEND};
    use sea_orm::sea_query::Expr;
    use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

    let cluster = Box::pin(TestCluster::start_on(Redis::shared().await, 1, nearby)).await;
    let receiver = Receiver::start(Says::Status(500)).await;
    let api = cluster[0].clone();
    let (admin, shop, customer) = tokio::join!(api.admin(), seller_with_product(&api, 10, "40.00"), api.customer());
    let endpoint = endpoint(&admin, &receiver, &["ORDER_CREATED"]).await;
    place_order(&customer, &shop.product_id, 1).await;
    until_tried(&api, &admin, &endpoint.id, 1).await;
    receiver.says(Says::Held(500));
    let before = SCHEDULE.attempts - 1;
    let last = job::Entity::update_many()
        .col_expr(job::Column::Attempts, Expr::value(before))
        .col_expr(job::Column::EndedAttempts, Expr::value(before))
        .filter(job::Column::Kind.eq(SEND));
    assert_eq!(last.exec(api.app.db.writer()).await.unwrap().rows_affected, 1);
    cluster.clock.advance(Duration::from_mins(1));
    receiver.until(2).await;
    let id = text(&deliveries(&admin, &endpoint.id).await[0], "/id");
    let asked = admin.mutate(REDELIVER, json!({ "deliveryId": id })).await;
    assert_eq!(asked.ok("redeliverWebhook")["delivery"]["status"], "PENDING");
    receiver.go_on();
    // that was the last attempt of the first job
    until(async || receiver.open() == 0).await;
    receiver.says(Says::Status(200));
    cluster.clock.advance(Duration::from_mins(2));
    until_delivery(&cluster[0], &admin, &endpoint.id, "DELIVERED", 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_on_its_way_is_not_sent_a_second_time_beside_it() {
    let cluster = Box::pin(TestCluster::start_on(Redis::shared().await, 2, nearby)).await;
    let receiver = Receiver::start(Says::Nothing).await;
    let api = cluster[0].clone();
    let (admin, shop, customer) = tokio::join!(api.admin(), seller_with_product(&api, 10, "40.00"), api.customer());
    let endpoint = endpoint(&admin, &receiver, &["ORDER_CREATED"]).await;
    place_order(&customer, &shop.product_id, 1).await;
    receiver.until(1).await;
    // whoever asks for it again at this moment has another job made of it
    let id = text(&deliveries(&admin, &endpoint.id).await[0], "/id");
    for place in 0..2 {
        let asked = admin.at(&cluster[place]).mutate(REDELIVER, json!({ "deliveryId": id })).await;
        assert_eq!(asked.ok("redeliverWebhook")["delivery"]["status"], "PENDING");
    }
    // that job was taken, and put off
    let put_off = async || {
        use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
        let jobs = entity::job::Entity::find().filter(entity::job::Column::Kind.eq("webhooks.send"));
        jobs.all(api.app.db.reader()).await.unwrap().iter().any(|job| job.last_error.is_some())
    };
    until(put_off).await;
    receiver.says(Says::Status(200));
    receiver.go_on();
    until_delivery(&cluster[0], &admin, &endpoint.id, "DELIVERED", 1).await;
    assert!(!receiver.is_doubled() && receiver.received().len() == 1);
}
