//! graphql-transport-ws (<https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>), rule by rule, over real sockets.
//!
//! What only time tells, a client that is silent or does not read, is tested beside the code.

mod invalid;
mod opening;
mod operations;

use serde_json::{Value, json};

use crate::support::socket::{Frame, Socket};

/// The next message of the protocol.
async fn message(socket: &mut Socket) -> Value {
    match socket.next().await {
        Frame::Message(message) => message,
        closed @ Frame::Closed(..) => panic!("a message was expected, not {closed:?}"),
    }
}

/// Nothing has come, and the socket is open: what is asked now is answered next.
async fn assert_quiet(socket: &mut Socket) {
    socket.send(&json!({ "type": "ping", "payload": { "are": "you there" } })).await;
    assert_eq!(message(socket).await, json!({ "type": "pong", "payload": { "are": "you there" } }));
}

/// How the socket is closed. What comes before is passed over.
async fn closed(socket: &mut Socket) -> (u16, String) {
    loop {
        if let Frame::Closed(code, reason) = socket.next().await {
            return (code, reason);
        }
    }
}

fn close(code: u16, reason: &str) -> (u16, String) {
    (code, reason.to_owned())
}
