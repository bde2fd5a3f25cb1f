//! What is not the protocol: each mistake ends its socket, with a code and a reason that can be read.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as RawFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::{close, closed, message};
use crate::support::wait::until;
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    a_message_that_is_none_ends_with_4400,
    what_is_no_text_ends_with_its_own_code,
    a_message_in_pieces_is_whole_and_has_the_same_limit,
    a_socket_that_ends_takes_its_operations_with_it,
}

fn invalid() -> Vec<String> {
    let mut invalid: Vec<String> = ["", "{", "null", "7", "[]", "\"ping\"", "{}", "{}{}"].map(str::to_owned).into();
    let mut add = |message: Value| invalid.push(message.to_string());
    for kind in [json!(null), json!(1), json!(""), json!("Ping"), json!("unknown"), json!("🛵".repeat(1000))] {
        add(json!({ "type": kind }));
    }
    // the server's own, and those of the protocol before
    for kind in ["connection_ack", "next", "error", "ka", "data", "start", "stop", "connection_terminate"] {
        add(json!({ "id": "1", "type": kind, "payload": { "query": "{ version }" } }));
    }
    for kind in ["connection_init", "ping", "pong", "subscribe"] {
        for payload in [json!(0), json!(""), json!([]), json!(true)] {
            add(json!({ "id": "1", "type": kind, "payload": payload }));
        }
    }
    for id in [Value::Null, json!(1), json!(""), json!(["1"])] {
        add(json!({ "id": id, "type": "subscribe", "payload": { "query": "{ version }" } }));
        add(json!({ "id": id, "type": "complete" }));
    }
    add(json!({ "type": "subscribe", "payload": { "query": "{ version }" } }));
    add(json!({ "type": "complete" }));
    add(json!({ "id": "1", "type": "subscribe" }));
    for payload in [
        json!({}),
        json!({ "query": null }),
        json!({ "query": 1 }),
        json!({ "query": "{ version }", "operationName": 1 }),
        json!({ "query": "{ version }", "variables": [] }),
        json!({ "query": "{ version }", "variables": "{}" }),
        json!({ "query": "{ version }", "extensions": 1 }),
    ] {
        add(json!({ "id": "1", "type": "subscribe", "payload": payload }));
    }
    invalid
}

async fn a_message_that_is_none_ends_with_4400(shape: Shape) {
    let app = TestApp::start(shape).await;
    for text in invalid() {
        let mut socket = app.anonymous().socket().await;
        socket.send_raw(Message::text(text.clone())).await;
        let (code, reason) = closed(&mut socket).await;
        assert_eq!(code, 4400, "{text}: {reason}");
        assert!(reason.starts_with("Invalid message") && reason.len() <= 123, "{text}: {reason}");
    }
    let mut socket = app.anonymous().socket().await;
    socket.send_raw(Message::binary(json!({ "type": "ping" }).to_string())).await;
    assert_eq!(closed(&mut socket).await, close(4400, "Invalid message: binary"));
}

fn piece(bytes: &[u8], kind: Data, is_last: bool) -> Message {
    Message::Frame(RawFrame::message(bytes.to_vec(), OpCode::Data(kind), is_last))
}

async fn what_is_no_text_ends_with_its_own_code(shape: Shape) {
    let app = TestApp::start(shape).await;
    for (raw, expected) in [
        (piece(b"{\"type\":\"\xff\"}", Data::Text, true), close(1007, "Invalid UTF-8")),
        (piece(b"{}", Data::Reserved(3), true), close(1002, "Protocol error")),
        (piece(b"{}", Data::Continue, true), close(1002, "Protocol error")),
    ] {
        let mut socket = app.anonymous().socket().await;
        socket.send_raw(raw).await;
        assert_eq!(closed(&mut socket).await, expected);
    }
}

async fn a_message_in_pieces_is_whole_and_has_the_same_limit(shape: Shape) {
    let app = TestApp::start(shape).await;
    let limit = app.app.config.limits.message_bytes;
    let mut socket = app.anonymous().socket().await;
    let text = json!({ "type": "ping", "payload": { "text": "₹".repeat(1000) } }).to_string();
    // in the middle of a character
    let (first, rest) = text.as_bytes().split_at(1001);
    socket.send_raw(piece(first, Data::Text, false)).await;
    socket.send_raw(piece(rest, Data::Continue, true)).await;
    assert_eq!(message(&mut socket).await["payload"]["text"], "₹".repeat(1000));

    let half = " ".repeat(limit / 2 + 1);
    socket.send_raw(piece(half.as_bytes(), Data::Text, false)).await;
    socket.send_raw(piece(half.as_bytes(), Data::Continue, true)).await;
    assert_eq!(closed(&mut socket).await, close(1009, "Message too large"));
}

async fn a_socket_that_ends_takes_its_operations_with_it(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let has = async |line: &str| {
        let metrics = app.http.get("/metrics").await;
        metrics.text().lines().any(|found| found == line)
    };
    for how in 0..3 {
        let mut socket = customer.socket().await;
        for id in 0..10 {
            let query = "subscription { myOrderUpdates { __typename } }";
            socket.subscribe(&id.to_string(), query, &Value::Null).await;
        }
        until(async || has("quick_commerce_stream_subscriptions 10").await).await;
        match how {
            0 => socket.send_raw(Message::Close(None)).await,
            1 => socket.send_raw(Message::text("mistake")).await,
            // without a word
            _ => drop(socket),
        }
        until(async || has("quick_commerce_stream_subscriptions 0").await).await;
        until(async || has("quick_commerce_stream_groups 0").await).await;
        until(async || has("quick_commerce_websocket_connections 0").await).await;
    }
}
