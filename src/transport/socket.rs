//! GraphQL over a WebSocket: the protocol graphql-transport-ws
//! (<https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>).
//!
//! The library speaks the protocol; what it leaves out is here: deadlines, pings, close codes that clients understand, and
//! an end when the server stops.

use std::borrow::Cow;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_graphql::http::{WebSocket as Protocol, WebSocketProtocols, WsMessage};
use async_graphql::{Data, Executor};
use axum::extract::FromRequestParts as _;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::request::Parts;
use axum::response::Response;
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _, future};
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tracing::Instrument as _;

use super::Transport;
use super::error::Refusal;
use super::metrics::OpenSocket;
use super::peer;
use super::quota::Quota;
use super::session::{Guarded, Session};
use crate::graphql::context::RequestId;

/// The one subprotocol that is spoken.
const PROTOCOL: &str = "graphql-transport-ws";

/// Kept for reading, per socket. The default of 128 KiB is what most sockets would cost.
const READ_BUFFER: usize = 4096;

/// How long a client may take to send `connection_init`.
const INIT: Duration = Duration::from_secs(10);

/// How often a client is pinged: often enough for a proxy that gives up after a minute of silence.
const PING: Duration = Duration::from_secs(25);

/// How long a client may take to take what it is sent.
const WRITE: Duration = Duration::from_secs(10);

/// How long the client's close is waited for. Without that wait the code can be lost.
const GOODBYE: Duration = Duration::from_secs(1);

/// A close reason's size in bytes (RFC 6455, section 5.5: 125 for the payload, two of them the code).
const MAX_REASON: usize = 123;

/// Why a `connection_init` is refused, in words that [`close_code`] knows.
const FORBIDDEN: &str = "Forbidden";
const TRY_AGAIN: &str = "Try again later";

/// A close code and its reason.
type Goodbye = (u16, Cow<'static, str>);

/// Turns the request into a WebSocket.
pub(super) async fn upgrade<E: Executor>(transport: Transport<E>, id: RequestId, mut parts: Parts) -> Response {
    let Ok(upgrade) = WebSocketUpgrade::from_request_parts(&mut parts, &()).await else {
        return Refusal::bad_request("This is not a WebSocket handshake.").respond(&id);
    };
    let address = peer::address(&parts.extensions, &parts.headers, &transport.app.config);
    let Some(place) = transport.quota.take_address(address) else {
        return Refusal::too_many_sockets().respond(&id);
    };
    let limit = transport.app.config.limits.body_bytes;
    let upgrade = upgrade.protocols([PROTOCOL]).read_buffer_size(READ_BUFFER).max_message_size(limit).max_frame_size(limit);
    let is_spoken = upgrade.selected_protocol().is_some();
    let span = tracing::info_span!("socket", request_id = id.0);
    upgrade.on_upgrade(move |socket| {
        let sockets = transport.shutdown.sockets.clone();
        let open = transport.metrics.socket();
        let conversation = async move {
            let _place = place;
            // a handshake that fails cannot be told from an outage by a browser; a close code can
            if is_spoken { serve(socket, transport, id, open).await } else { refuse(socket).await }
        };
        sockets.track_future(conversation.instrument(span))
    })
}

/// Closes a socket whose client speaks something else.
async fn refuse(socket: WebSocket) {
    let (mut output, mut input) = socket.split();
    close(&mut output, (4406, "Subprotocol not acceptable".into())).await;
    drain(&mut input).await;
}

async fn serve<E: Executor>(socket: WebSocket, transport: Transport<E>, id: RequestId, _open: OpenSocket) {
    let Transport { app, executor, shutdown, quota, .. } = transport;
    let (mut output, mut input) = socket.split();
    let is_initialised = Arc::new(AtomicBool::new(false));
    let is_too_large = AtomicBool::new(false);
    {
        let until_error = |message: &Result<Message, axum::Error>| {
            is_too_large.fetch_or(message.as_ref().is_err_and(says_too_large), Ordering::Relaxed);
            future::ready(message.is_ok())
        };
        let messages = input.by_ref().take_while(until_error).filter_map(|message| {
            future::ready(match message {
                Ok(message @ (Message::Text(_) | Message::Binary(_))) => Some(message.into_data()),
                _ => None,
            })
        });
        let begin = Arc::clone(&is_initialised);
        let session = Session::new(app);
        let guarded = Guarded::new(executor, session.clone());
        let opening = session.clone();
        let protocol = Protocol::new(guarded, messages, WebSocketProtocols::GraphQLWS)
            .on_connection_init(move |payload| {
                begin.store(true, Ordering::Relaxed);
                initialise(opening, quota, id, payload)
            })
            .on_ping(|_, payload| future::ready(Ok(payload)));
        let ends = async {
            tokio::select! {
                // clients reconnect, to another instance or to this one's successor
                () = shutdown.begun.cancelled() => (1012, "Service restart".into()),
                // and after this one with a fresh token
                () = session.ended() => (4403, FORBIDDEN.into()),
            }
        };
        let goodbye = converse(&mut output, pin!(protocol), &is_initialised, ends).await;
        if let Some(goodbye) = goodbye {
            close(&mut output, goodbye).await;
        }
    }
    if is_too_large.into_inner() {
        close(&mut output, (1009, "Message too large".into())).await;
        // nothing more can be read here, and an end with bytes unread may overtake the code: the client has time to see it
        sleep(GOODBYE).await;
    }
    drain(&mut input).await;
}

/// Whether a message was refused for its size. The library's error is out of reach of everything but its text.
fn says_too_large(error: &axum::Error) -> bool {
    error.to_string().starts_with("Space limit exceeded")
}

/// Sends what `replies` gives until one side has had enough; how to close, unless the client is gone.
async fn converse(
    output: &mut (impl Sink<Message> + Unpin),
    mut replies: impl Stream<Item = WsMessage> + Unpin,
    is_initialised: &AtomicBool,
    ends: impl Future<Output = Goodbye>,
) -> Option<Goodbye> {
    let mut init = pin!(sleep(INIT));
    let mut is_init_due = true;
    let mut ends = pin!(ends);
    let mut pings = interval_at(Instant::now() + PING, PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            reply = replies.next() => match reply? {
                WsMessage::Text(text) => Message::Text(text.into()),
                WsMessage::Close(code, reason) => return Some(close_code(code, reason)),
            },
            () = &mut init, if is_init_due => {
                if !is_initialised.load(Ordering::Relaxed) {
                    return Some((4408, "Connection initialisation timeout".into()));
                }
                is_init_due = false;
                continue;
            }
            _ = pings.tick() => Message::Ping(bytes::Bytes::new()),
            goodbye = &mut ends => return Some(goodbye),
        };
        match timeout(WRITE, output.send(message)).await {
            Ok(Ok(())) => {}
            _ => return None,
        }
    }
}

/// What all operations of the socket share.
async fn initialise(session: Session, quota: Quota, id: RequestId, payload: Value) -> async_graphql::Result<Data> {
    let actor = session
        .begin(&payload)
        .await
        .map_err(|error| async_graphql::Error::new(if error.code() == "INTERNAL" { TRY_AGAIN } else { FORBIDDEN }))?;
    let mut data = Data::default();
    if let Some(actor) = actor {
        data.insert(quota.take_user(actor.user).ok_or(TRY_AGAIN)?);
    }
    data.insert(id);
    Ok(data)
}

/// The library's close codes as the protocol has them. Clients give up at 1002 but come back, with a new token, after 4403.
fn close_code(code: u16, reason: String) -> Goodbye {
    match (code, reason.as_str()) {
        (1002, FORBIDDEN) => (4403, FORBIDDEN.into()),
        (1002, TRY_AGAIN) => (1013, TRY_AGAIN.into()),
        (1002, _) => (4400, "Invalid message".into()),
        (1011, _) => (4401, "Unauthorized".into()),
        _ => (code, reason.into()),
    }
}

async fn close(output: &mut (impl Sink<Message> + Unpin), (code, reason): Goodbye) {
    let end = reason.floor_char_boundary(MAX_REASON);
    let reason = reason.get(..end).unwrap_or_default().into();
    // if the client is gone it does not need to know
    let _ = timeout(WRITE, output.send(Message::Close(Some(CloseFrame { code, reason })))).await;
}

/// Reads and forgets until the client has closed too.
async fn drain(input: &mut (impl Stream<Item = Result<Message, axum::Error>> + Unpin)) {
    let _ = timeout(GOODBYE, async { while let Some(Ok(_)) = input.next().await {} }).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_codes_are_those_of_the_protocol() {
        for (given, expected) in [
            ((1002, FORBIDDEN), 4403),
            ((1002, TRY_AGAIN), 1013),
            ((1002, "missing field `id` at line 1"), 4400),
            ((1011, "The handshake is not completed."), 4401),
            ((4429, "Too many initialisation requests."), 4429),
        ] {
            assert_eq!(close_code(given.0, given.1.to_owned()).0, expected, "{given:?}");
        }
    }
}
