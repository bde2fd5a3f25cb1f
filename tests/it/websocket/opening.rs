//! From the handshake to `connection_ack`.

use sea_orm::{DatabaseTransaction, TransactionTrait as _};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::{assert_quiet, close, closed, message};
use crate::support::socket::{PROTOCOL, Socket};
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    of_several_subprotocols_the_one_that_is_chosen_is_spoken,
    a_socket_is_acknowledged_once_and_for_whoever_it_names,
    nothing_is_executed_before_the_acknowledgement,
    whoever_is_refused_may_come_back_with_another_token,
    a_client_is_listened_to_while_it_is_found_out_who_it_is,
    pings_are_answered_at_any_time,
}

async fn of_several_subprotocols_the_one_that_is_chosen_is_spoken(shape: Shape) {
    let app = TestApp::start(shape).await;
    for offered in [PROTOCOL, "graphql-ws, graphql-transport-ws", "soap,graphql-transport-ws ,graphql-ws"] {
        let mut request = format!("ws://{}/graphql", app.addr).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", offered.parse().unwrap());
        let (stream, response) = connect_async(request).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], PROTOCOL, "{offered}");
        let mut socket = Socket::of(stream);
        socket.send(&json!({ "type": "connection_init" })).await;
        assert_eq!(message(&mut socket).await, json!({ "type": "connection_ack" }));
        socket.subscribe("1", "{ version }", &Value::Null).await;
        assert_eq!(message(&mut socket).await["type"], "next", "and not `data`, as the old protocol has it");
    }
    // without a choice: a browser sees the code of a close, but not the status of a handshake
    let request = format!("ws://{}/graphql", app.addr).into_client_request().unwrap();
    let (stream, response) = connect_async(request).await.unwrap();
    assert!(!response.headers().contains_key("sec-websocket-protocol"));
    assert_eq!(closed(&mut Socket::of(stream)).await, close(4406, "Subprotocol not acceptable"));
    let refused = Socket::open(app.addr, "graphql-ws").await;
    assert!(refused.is_err(), "the client's library does not take what it has not offered");
}

async fn a_socket_is_acknowledged_once_and_for_whoever_it_names(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let bearer = format!("Bearer {}", customer.token.as_deref().unwrap());
    let nobody = [
        json!({ "type": "connection_init" }),
        json!({ "type": "connection_init", "payload": null }),
        json!({ "type": "connection_init", "payload": {} }),
        json!({ "type": "connection_init", "payload": { "Authorization": null, "other": [1] } }),
    ];
    let somebody = [
        json!({ "type": "connection_init", "payload": { "Authorization": bearer } }),
        json!({ "type": "connection_init", "payload": { "authorization": customer.token } }),
    ];
    for (init, is_somebody) in nobody.iter().map(|init| (init, false)).chain(somebody.iter().map(|init| (init, true))) {
        let mut socket = Socket::open(app.addr, PROTOCOL).await.unwrap();
        socket.send(init).await;
        assert_eq!(message(&mut socket).await, json!({ "type": "connection_ack" }), "nothing else is in it");
        socket.subscribe("1", "{ viewer { user { id } } }", &Value::Null).await;
        let viewer = message(&mut socket).await["payload"]["data"]["viewer"].clone();
        assert_eq!(viewer["user"]["id"], if is_somebody { json!(customer.user_id) } else { Value::Null }, "{init}");
        assert_eq!(message(&mut socket).await["type"], "complete");
        socket.send(init).await;
        assert_eq!(closed(&mut socket).await, close(4429, "Too many initialisation requests"));
    }
}

async fn nothing_is_executed_before_the_acknowledgement(shape: Shape) {
    let app = TestApp::start(shape).await;
    for query in
        ["{ version }", "mutation { logout { sessionsEnded } }", "subscription { myOrderUpdates { __typename } }", "{"]
    {
        let mut socket = Socket::open(app.addr, PROTOCOL).await.unwrap();
        socket.subscribe("1", query, &Value::Null).await;
        assert_eq!(closed(&mut socket).await, close(4401, "Unauthorized"));
    }
    // what is no operation does no harm
    let mut socket = Socket::open(app.addr, PROTOCOL).await.unwrap();
    socket.send(&json!({ "id": "1", "type": "complete" })).await;
    assert_quiet(&mut socket).await;
}

async fn whoever_is_refused_may_come_back_with_another_token(shape: Shape) {
    let app = TestApp::start(shape).await;
    for token in [json!("Bearer nonsense"), json!("nonsense"), json!(7), json!({}), json!(["Bearer x"])] {
        let mut socket = Socket::open(app.addr, PROTOCOL).await.unwrap();
        socket.send(&json!({ "type": "connection_init", "payload": { "Authorization": token } })).await;
        assert_eq!(closed(&mut socket).await, close(4403, "Forbidden"), "{token}");
    }
    let token = app.customer().await.token;
    app.app.db.close().await.unwrap();
    let mut socket = Socket::open(app.addr, PROTOCOL).await.unwrap();
    socket.send(&json!({ "type": "connection_init", "payload": { "Authorization": token } })).await;
    assert_eq!(closed(&mut socket).await, close(1013, "Try again later"), "the token may well be good");
}

/// Every connection to the database.
async fn take_connections(app: &TestApp) -> Vec<DatabaseTransaction> {
    let mut taken = Vec::new();
    for _ in 0..app.app.config.database_connections {
        taken.push(app.app.db.reader().begin().await.unwrap());
    }
    taken
}

async fn a_client_is_listened_to_while_it_is_found_out_who_it_is(shape: Shape) {
    let app = TestApp::start(shape).await;
    let token = app.customer().await.token;
    let init = json!({ "type": "connection_init", "payload": { "Authorization": token } });
    let taken = take_connections(&app).await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        let mut socket = Socket::open(app.addr, PROTOCOL).await.unwrap();
        socket.send(&init).await;
        assert_quiet(&mut socket).await;
        sockets.push(socket);
    }
    let [eager, twice, patient] = &mut sockets[..] else { unreachable!() };
    eager.subscribe("1", "{ version }", &Value::Null).await;
    assert_eq!(closed(eager).await, close(4401, "Unauthorized"));
    twice.send(&init).await;
    assert_eq!(closed(twice).await, close(4429, "Too many initialisation requests"));
    drop(taken);
    assert_eq!(message(patient).await, json!({ "type": "connection_ack" }));
}

async fn pings_are_answered_at_any_time(shape: Shape) {
    let app = TestApp::start(shape).await;
    let mut socket = Socket::open(app.addr, PROTOCOL).await.unwrap();
    for is_acknowledged in [false, true] {
        if is_acknowledged {
            socket.send(&json!({ "type": "connection_init" })).await;
            assert_eq!(message(&mut socket).await, json!({ "type": "connection_ack" }));
        }
        for payload in [json!({}), json!({ "at": 1.5, "more": [null, "₹\"\\"], "deep": { "er": {} } })] {
            socket.send(&json!({ "type": "ping", "payload": payload })).await;
            assert_eq!(message(&mut socket).await, json!({ "type": "pong", "payload": payload }));
        }
        for ping in [json!({ "type": "ping" }), json!({ "type": "ping", "payload": null })] {
            socket.send(&ping).await;
            assert_eq!(message(&mut socket).await, json!({ "type": "pong" }));
        }
        for pong in [json!({ "type": "pong" }), json!({ "type": "pong", "payload": { "unasked": true } })] {
            socket.send(&pong).await;
        }
        assert_quiet(&mut socket).await;
        // and those of the WebSocket itself
        socket.send_raw(Message::Ping("are you there".into())).await;
        assert_eq!(socket.next_raw().await, Message::Pong("are you there".into()));
    }
}
