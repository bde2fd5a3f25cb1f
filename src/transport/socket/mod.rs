//! GraphQL over a WebSocket: the protocol graphql-transport-ws
//! (<https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>), whole.
//!
//! [`wire`] brings messages in and out, [`protocol`] reads what clients say and [`envelope`] writes what they are told,
//! [`operations`] knows which is which, and [`conversation`] is the task that does all this for one socket. What an operation
//! is answered, `crate::stream` knows.

mod conversation;
mod envelope;
mod goodbye;
mod handshake;
mod operations;
mod protocol;
mod wire;

use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use self::conversation::Server;
use self::goodbye::Goodbye;
use self::handshake::Handshake;
use self::wire::{End, Wire};
use super::Transport;
use super::error::Refusal;
use super::metrics::OpenSocket;
use super::peer;
use crate::graphql::context::RequestId;
use crate::platform::limits::Principal;
use crate::platform::quota::Place;

/// Turns the request into a WebSocket.
pub(super) fn upgrade<E>(transport: Transport<E>, id: RequestId, mut parts: Parts) -> Response {
    let handshake = match Handshake::read(&mut parts) {
        Ok(handshake) => handshake,
        Err(refusal) => {
            let mut response = refusal.respond(&id);
            response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            return response;
        }
    };
    let Transport { app, engine, metrics, shutdown, quota, .. } = transport;
    let address = peer::address(&parts.extensions, &parts.headers, &app.config);
    let Some(place) = quota.take(Principal::address(address)) else {
        return Refusal::too_many_sockets().respond(&id);
    };
    let Handshake { connection, is_spoken, response } = handshake;
    let open = metrics.socket();
    let sockets = shutdown.sockets.clone();
    let server = Server { app, engine, quota, shutdown, request_id: id, from: address };
    sockets.spawn(serve(connection, server, is_spoken, (open, place)));
    response
}

/// Serves one socket, as one task.
#[expect(clippy::manual_async_fn, reason = "an async function keeps what it is given twice, and there are many sockets")]
fn serve(
    connection: OnUpgrade,
    server: Server,
    is_spoken: bool,
    kept: (OpenSocket, Place),
) -> impl Future<Output = ()> + Send {
    async move {
        let _kept = &kept;
        // fails when the client went away in the meantime
        let Ok(connection) = connection.await else { return };
        let limit = server.app.config.limits.message_bytes;
        let mut wire = Wire::new(TokioIo::new(connection), limit).await;
        let end = if is_spoken {
            conversation::hold(&mut wire, &server).await
        } else {
            // a handshake that fails cannot be told from an outage by a browser; a close code can
            End::Close(Goodbye::OTHER_PROTOCOL)
        };
        Box::pin(wire.end(end)).await;
    }
}

#[cfg(test)]
mod tests;
