//! The harness itself: a network that breaks when a test breaks it, and servers that end with the tests.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::actors::Api;
use crate::support::processes::Folder;
use crate::support::redis::Redis;
use crate::support::socket::{Frame, PROTOCOL, Socket};
use crate::support::{Shape, TestApp, TestCluster, over_both_shapes};

over_both_shapes! { a_server_answers, time_passes_when_a_test_says_so, everybody_comes_in_by_the_front_door }

const VIEWER: &str = "{ viewer { user { id email role } } }";

const PING: &str = "{ __typename }";

/// Long enough to see that nothing comes.
const A_WHILE: Duration = Duration::from_millis(200);

async fn a_server_answers(shape: Shape) {
    let app = TestApp::start(shape).await;
    let answer = app.anonymous().query(PING, Value::Null).await;
    assert_eq!((answer.status, &answer.data()["__typename"]), (StatusCode::OK, &json!("Query")));
    app.stop().await;
}

async fn everybody_comes_in_by_the_front_door(shape: Shape) {
    let app = TestApp::start(shape).await;
    let (customer, partner, seller, admin) = tokio::join!(app.customer(), app.partner_off_duty(), app.seller(), app.admin());
    for (actor, role) in [(&customer, "CUSTOMER"), (&partner, "PARTNER"), (&seller, "SELLER"), (&admin, "ADMIN")] {
        let answer = actor.query(VIEWER, Value::Null).await;
        let user = &answer.data()["viewer"]["user"];
        assert_eq!(*user, json!({ "id": actor.user_id, "email": actor.email, "role": role }));
    }
    assert_eq!(app.anonymous().query(VIEWER, Value::Null).await.data()["viewer"], Value::Null);
}

async fn time_passes_when_a_test_says_so(shape: Shape) {
    let app = TestApp::start(shape).await;
    let before = app.app.clock.db_now(app.app.db.reader()).await.unwrap();
    app.clock.advance(Duration::from_hours(1));
    let after = app.app.clock.db_now(app.app.db.reader()).await.unwrap();
    assert!((3600..3700).contains(&(after - before).num_seconds()), "{before} to {after}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_behind_a_broken_network_is_not_reached() {
    let cluster = TestCluster::start(2).await;
    let [first, second] = [&cluster[0], &cluster[1]].map(Api::anonymous);
    first.query(PING, Value::Null).await.data();
    cluster.instances[0].network.down();
    first.try_query(PING, Value::Null).await.unwrap_err();
    second.query(PING, Value::Null).await.data();
    cluster.instances[0].network.resume();
    first.query(PING, Value::Null).await.data();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_network_delivers_late_and_a_cut_one_not_at_all() {
    let cluster = TestCluster::start(1).await;
    let network = &cluster.instances[0].network;
    let mut socket = Socket::open(cluster[0].addr, PROTOCOL).await.unwrap();
    network.pause();
    socket.send(&json!({ "type": "connection_init" })).await;
    assert_eq!(socket.next_within(A_WHILE).await, None);
    network.resume();
    assert!(matches!(socket.next().await, Frame::Message(ack) if ack["type"] == "connection_ack"));
    network.cut();
    assert!(matches!(socket.next().await, Frame::Closed(1006, _)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_instance_comes_back_where_it_was() {
    let mut cluster = TestCluster::start(1).await;
    let somebody = cluster[0].anonymous();
    cluster.kill(0);
    somebody.try_query(PING, Value::Null).await.unwrap_err();
    cluster.start_again(0).await;
    somebody.query(PING, Value::Null).await.data();
    cluster.stop(0).await;
    somebody.try_query(PING, Value::Null).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_outlives_its_redis() {
    let mut redis = Redis::private().await;
    let cluster = TestCluster::start_on(&redis, 1, |_| {}).await;
    let bus = cluster[0].app.bus.clone();
    assert!(bus.is_ready().await);
    redis.kill();
    assert!(!bus.is_ready().await);
    redis.start_again();
    tokio::time::timeout(Duration::from_secs(20), async {
        while !bus.is_ready().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("the bus finds Redis again");
}

#[test]
fn a_folder_is_gone_with_its_test() {
    let folder = Folder::new("empty");
    let path = folder.path().to_owned();
    assert!(path.is_dir());
    drop(folder);
    assert!(!path.exists());
}
