//! The web client behind nginx: what the place matters for, with two instances over PostgreSQL and Redis.
//!
//! Apart from its other stories, so that neither waits for the other while nothing else is tested.

use serde_json::json;

use crate::support::Shape;
use crate::support::processes::unique;
use crate::support::redis::Redis;
use crate::support::shape::TestDatabase;
use crate::web_client::play;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_desks_live_through_a_kill_behind_nginx_and_two_instances() {
    let database = TestDatabase::new(Shape::Production).await;
    let settings = json!({
        "DATABASE_URL": database.url(),
        "DATABASE_CONNECTIONS": "8",
        "REDIS_URL": Redis::shared().await.url(),
        "REDIS_PREFIX": format!("web{}", unique()),
        "TRUSTED_PROXIES": "127.0.0.1",
    });
    // what is the same with any database and any front is played in `web_client`
    play(&["story", "front", "session", "stripe"], "production", 2, &settings, true).await;
}
