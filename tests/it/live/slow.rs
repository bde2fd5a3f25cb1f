//! A socket that is not read for a while.

use std::time::Duration;

use axum::http::HeaderValue;
use quick_commerce::config::{Config, Secret, SendQueueBudget};
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, client_async};

use super::*;
use crate::commands::SECRET;
use crate::support::app::{build, serve_alone};
use crate::support::socket::{Frame, PROTOCOL, Socket};

/// Operations on one socket, each of which is told of everything: what the network keeps is soon full.
const OPERATIONS: usize = 100;

/// A socket whose end of the network keeps next to nothing.
async fn narrow(app: &TestApp, actor: &Actor) -> Socket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(app.addr).await.unwrap();
    let mut request = format!("ws://{}/graphql", app.addr).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(PROTOCOL));
    let (stream, _) = client_async(request, MaybeTlsStream::Plain(stream)).await.unwrap();
    let mut socket = Socket::of(stream);
    socket.send(&json!({ "type": "connection_init", "payload": { "Authorization": actor.token } })).await;
    assert_eq!(socket.next().await, Frame::Message(json!({ "type": "connection_ack" })));
    socket
}

/// How often a subscriber has fallen behind.
async fn lags(app: &TestApp) -> u64 {
    let metrics = app.http.get("/metrics").await;
    let line = metrics.text().lines().find_map(|line| line.strip_prefix("quick_commerce_stream_lags_total "));
    line.unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_cannot_keep_up_is_closed_and_may_resume() {
    let age = Duration::from_millis(100);
    let app = TestApp::start_with(Shape::Embedded, |config| {
        config.send_queue = SendQueueBudget { bytes: 1_000_000, age };
        config.jwt_secret = Some(Secret::new(SECRET.to_owned()));
    })
    .await;
    let (shop, customer, admin) = tokio::join!(seller_with_product(&app, 1_000, "40.00"), app.customer(), app.admin());
    let mut socket = narrow(&app, &admin).await;
    let (mut cursor, mut heard) = (Value::Null, BTreeMap::new());
    for operation in 0..OPERATIONS {
        socket.subscribe(&operation.to_string(), ADMIN_UPDATES, &json!({})).await;
        let Frame::Message(first) = socket.next().await else { panic!("a picture was expected") };
        cursor = first["payload"]["data"]["adminUpdates"]["cursor"].clone();
    }
    let end = loop {
        let before = lags(&app).await;
        while lags(&app).await == before {
            place_some(&app, &customer, &shop, 1).await;
        }
        // several times what a reader who has fallen behind is waited for
        tokio::time::sleep(10 * age).await;
        let mut last = socket.next_within(10 * age).await;
        while let Some(Frame::Message(message)) = last {
            if message["id"] == "0" {
                let item = &message["payload"]["data"]["adminUpdates"];
                cursor = item["cursor"].clone();
                heard.insert(item["order"]["id"].as_str().unwrap().to_owned(), item["order"]["version"].as_i64().unwrap());
            }
            last = socket.next_within(10 * age).await;
        }
        // it may have fallen behind for a moment only, and gone on: then once more
        if let Some(end) = last {
            break end;
        }
    };
    assert_eq!(end, Frame::Closed(1013, "Too slow".to_owned()));
    // at another instance, which is patient: here it might be too slow for what it missed, too
    let config = Config { send_queue: Config::defaults().unwrap().send_queue, ..app.app.config.clone() };
    let patient = build(config, app.clock.clone(), 1).await;
    let (api, running) = serve_alone(&patient).await;
    let mut feed = Feed::follow(&admin.at(&api), ADMIN_UPDATES, json!({ "after": cursor })).await;
    feed.versions = heard;
    feed.catch_up(&versions(&app.app, None).await).await;
    running.stop().await;
}
