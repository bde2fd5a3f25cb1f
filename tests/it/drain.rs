//! The end of the program, with real signals: what is open is told so, what was asked is answered, what happened is relayed.

use std::time::Duration;

use chrono::TimeDelta;
use domain::event::Topic;
use entity::relay;
use quick_commerce::platform::bus::Delivery;
use quick_commerce::platform::outbox::{self, NewEvent};
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait as _, DbBackend, EntityTrait as _, Statement, TransactionTrait as _};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::support::serving::Serving;
use crate::support::socket::{Frame, PROTOCOL, Socket};
use crate::support::wait::until;
use crate::support::{Shape, TestParts};

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Long enough to see that nothing comes.
const A_WHILE: Duration = Duration::from_millis(100);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_are_told_of_the_end_and_what_was_asked_is_answered() {
    let server = Serving::start(&[("DRAIN_SECONDS", "1")]).await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        sockets.push(Socket::connect(server.addr, None).await);
    }
    let mut silent = Socket::open(server.addr, PROTOCOL).await.unwrap();
    let body = json!({ "query": "{ __typename }" }).to_string();
    let mut request = TcpStream::connect(server.addr).await.unwrap();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    request.write_all(head.as_bytes()).await.unwrap();
    let mut said = vec![0; 1024];
    let count = request.read(&mut said).await.unwrap();
    assert!(said[..count].starts_with(b"HTTP/1.1 100"), "the server waits for the body");

    server.signal("TERM");
    server.is_closed().await;
    request.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    request.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(r#"{"data":{"__typename":"Query"},"#), "{answer}");
    for socket in sockets.iter_mut().chain([&mut silent]) {
        let frame = socket.next().await;
        assert!(matches!(frame, Frame::Closed(1012, _)), "{frame:?}");
    }
    drop((sockets, silent));
    assert_eq!(server.code().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mutation_over_a_socket_is_answered_before_the_socket_is_closed() {
    let parts = TestParts::build(Shape::Production).await;
    let config = &parts.app.config;
    let server = Serving::start(&[
        ("DATABASE_URL", config.database_url.expose()),
        ("REDIS_URL", config.redis_url.as_ref().unwrap().expose()),
        ("REDIS_PREFIX", &config.redis_prefix),
        ("DRAIN_SECONDS", "0"),
    ])
    .await;
    let (mut asks, mut listens) = (Socket::connect(server.addr, None).await, Socket::connect(server.addr, None).await);
    let db = parts.app.db.writer();
    let lock = db.begin().await.unwrap();
    lock.execute_unprepared("LOCK TABLE users IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let register =
        "mutation { register(input: { email: \"a@drain.example\", password: \"correct horse battery\", name: \"A\" })
        { user { email } userErrors { code } } }";
    asks.subscribe("1", register, &json!({})).await;
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    until(async || {
        let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, waiting)).await.unwrap().unwrap();
        row.try_get_by_index::<i64>(0).unwrap() > 0
    })
    .await;

    server.signal("TERM");
    assert!(matches!(listens.next().await, Frame::Closed(1012, _)), "it has nothing to wait for");
    assert_eq!(asks.next_within(A_WHILE).await, None, "it has");
    lock.commit().await.unwrap();
    let Frame::Message(answer) = asks.next().await else { panic!("an answer was expected") };
    assert_eq!(answer["payload"]["data"]["register"]["user"]["email"], "a@drain.example", "{answer}");
    assert_eq!(asks.next().await, Frame::Message(json!({ "id": "1", "type": "complete" })));
    assert!(matches!(asks.next().await, Frame::Closed(1012, _)));
    drop((asks, listens));
    assert_eq!(server.code().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_it_at_once() {
    for second in ["TERM", "INT"] {
        let server = Serving::start(&[("DRAIN_SECONDS", "3600")]).await;
        // each leaves at its own moment of an hour: never all of them in this one
        let mut sockets = Vec::new();
        for _ in 0..5 {
            sockets.push(Socket::connect(server.addr, None).await);
        }
        server.signal("TERM");
        server.is_closed().await;
        let mut waiting = 0;
        for socket in &mut sockets {
            waiting += u32::from(socket.next_within(A_WHILE).await.is_none());
        }
        assert!(waiting > 0, "they are not told all together");
        server.signal(second);
        assert_eq!(server.code().await, Some(1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_committed_just_before_the_end_is_relayed() {
    let parts = TestParts::build(Shape::Production).await;
    let (app, db) = (&parts.app, parts.app.db.reader());
    let config = &app.config;
    let server = Serving::start(&[
        ("DATABASE_URL", config.database_url.expose()),
        ("REDIS_URL", config.redis_url.as_ref().unwrap().expose()),
        ("REDIS_PREFIX", &config.redis_prefix),
    ])
    .await;
    let mut listener = app.bus.listen(Topic::Platform).await.unwrap();
    // as if an instance had just died: nobody can relay before the signal, and nobody else will after it
    let now = app.clock.db_now(db).await.unwrap();
    let lease = relay::Entity::update_many()
        .col_expr(relay::Column::Holder, Expr::value(Uuid::from_u128(1)))
        .col_expr(relay::Column::ExpiresAt, Expr::value(now + TimeDelta::seconds(2)));
    lease.exec(app.db.writer()).await.unwrap();
    let tx = app.db.begin().await.unwrap();
    let (id, payload) = (app.ids.uuid(), json!({}));
    let event = NewEvent { id, kind: "test.happened", topics: &[Topic::Platform], payload: &payload, at: now };
    outbox::append(&tx, &event).await.unwrap();
    tx.commit().await.unwrap();

    server.signal("TERM");
    assert_eq!(server.code().await, Some(0));
    let message = async {
        loop {
            match listener.next().await {
                Delivery::Message(message) => return message,
                Delivery::Gap | Delivery::Behind(_) | Delivery::Whisper => {}
            }
        }
    };
    assert_eq!(tokio::time::timeout(PATIENCE, message).await.unwrap().event_id, id);
    let feed = relay::Entity::find().one(db).await.unwrap().unwrap();
    assert_eq!((feed.position, feed.published, feed.holder), (1, 1, Uuid::nil()));
}
