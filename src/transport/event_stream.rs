//! GraphQL over server-sent events, an operation for each connection
//! (<https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md>, distinct connections mode).
//!
//! What has one answer is answered as ever, and written as an event. A subscription is a stream that the engine feeds. It
//! ends with the word `complete` when it has come to its end, and without it for every other reason: then the client comes
//! back, says by `Last-Event-ID` where it was, and has missed nothing.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};
use tokio::time::timeout;

use super::accept::Media;
use super::error::Refusal;
use super::http::Params;
use super::session::Session;
use super::{Transport, peer, token};
use crate::graphql::context::RequestId;
use crate::graphql::scalars::EventCursor;
use crate::platform::limits::Principal;
use crate::stream::{Answer, Authority, Call, SendQueue};

/// The header in which a client that comes back says which event it had last.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// How long nothing may be sent: proxies take a connection that is silent for dead, and so may the client.
const KEEP_ALIVE: Duration = Duration::from_secs(12);

/// What is sent when there is nothing to send: a comment, which clients pass over.
const COMMENT: &[u8] = b":\n\n";

/// The end of an operation. Without the empty `data` browsers would not tell their page of it.
const COMPLETE: &[u8] = b"event: complete\ndata:\n\n";

/// Milliseconds that a client is asked to wait before it comes back: of its own, at random between these. Of a server that
/// breaks down all clients are cut off at once, and nobody could ask them then.
const RETRY: (u64, u64) = (1_000, 5_000);

/// Small answers that are ready at the same time are sent in one go up to this size, in bytes.
const BATCH: usize = 16 * 1024;

/// What an event stream has beside the form of its content: it is kept by nobody, squeezed by nobody, and passed on as it
/// comes.
const HEADERS: [(HeaderName, HeaderValue); 2] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform")),
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
];

/// The only answer to an operation, as a whole stream.
pub(super) fn single(result: &[u8]) -> Response {
    let mut events = Vec::with_capacity(result.len() + 64);
    write_next(&mut events, None, result);
    events.extend_from_slice(COMPLETE);
    respond(Body::from(events))
}

/// Streams the answers to a subscription.
pub(super) async fn open<E>(transport: &Transport<E>, id: &RequestId, head: &Parts, params: Params) -> Response {
    match begin(transport, id, head, params).await {
        Ok(body) => respond(body),
        Err(refusal) => refusal.respond(id),
    }
}

fn respond(body: Body) -> Response {
    let content_type = [(header::CONTENT_TYPE, Media::EventStream.content_type())];
    (content_type, HEADERS, body).into_response()
}

async fn begin<E>(transport: &Transport<E>, id: &RequestId, head: &Parts, params: Params) -> Result<Body, Refusal> {
    let Transport { app, engine, metrics, shutdown, quota, .. } = transport;
    let after = last_event(&head.headers)?;
    let address = peer::address(&head.extensions, &head.headers, &app.config);
    let of_address = quota.take(Principal::address(address)).ok_or_else(Refusal::too_many_sockets)?;
    let session = Session::at(app.clone(), address);
    let token = token::bearer(&head.headers).map_err(Refusal::unauthenticated)?;
    let actor = session.begin_with_token(token).await.map_err(Refusal::unauthenticated)?;
    let of_user = match actor {
        Some(actor) => Some(quota.take(Principal::signed_in(&actor)).ok_or_else(Refusal::too_many_sockets_of_user)?),
        None => None,
    };
    let call = Call::new(params.query, params.operation_name, params.variables, id.clone());
    let call = Call { after, from: Some(address), ..call };
    let queue = SendQueue::new(app.config.send_queue);
    let authority: Arc<dyn Authority> = Arc::new(session.clone());
    let operation = engine.start(call, authority, &queue, 0);
    let ends = {
        let shutdown = shutdown.clone();
        async move {
            tokio::select! {
                () = session.ended() => {}
                () = shutdown.leave() => {}
            }
        }
    };
    let pause = RETRY.0 + app.ids.below(RETRY.1 - RETRY.0);
    // a comment as well: some browsers take a stream for open only when it has said something
    let opening = stream::once(std::future::ready(Bytes::from(format!("retry: {pause}\n:\n\n"))));
    // gone when the stream is, be it at its end or because the client went away
    let kept = (operation, of_address, of_user, metrics.stream(), shutdown.sockets.token());
    let events = opening.chain(events(queue, ends.boxed(), KEEP_ALIVE, kept));
    Ok(Body::from_stream(events.map(Ok::<_, Infallible>)))
}

/// Where the client was, if it was here before.
fn last_event(headers: &HeaderMap) -> Result<Option<EventCursor>, Refusal> {
    let Some(value) = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty()) else { return Ok(None) };
    let cursor = value.to_str().ok().and_then(EventCursor::decode);
    cursor.map(Some).ok_or_else(|| Refusal::bad_request("`Last-Event-ID` is not a cursor of a subscription."))
}

/// A stream that is open.
struct Events<K> {
    queue: Arc<SendQueue>,
    ends: BoxFuture<'static, ()>,
    keep_alive: Duration,
    is_complete: bool,
    _kept: K,
}

impl<K> Drop for Events<K> {
    fn drop(&mut self) {
        // whoever waits for room waits in vain
        self.queue.close();
    }
}

/// What `queue` has to say until the operation is over, or the queue's verdict or `ends` ends the stream. It is never silent
/// for longer than `keep_alive`. `kept` is dropped with it.
fn events<K: Send + 'static>(
    queue: Arc<SendQueue>,
    ends: BoxFuture<'static, ()>,
    keep_alive: Duration,
    kept: K,
) -> impl Stream<Item = Bytes> + Send + use<K> {
    let events = Events { queue, ends, keep_alive, is_complete: false, _kept: kept };
    stream::unfold(events, async |mut events| {
        let chunk = events.next().await?;
        Some((chunk, events))
    })
}

impl<K> Events<K> {
    async fn next(&mut self) -> Option<Bytes> {
        if self.is_complete {
            return None;
        }
        let outgoing = tokio::select! {
            biased;
            () = &mut self.ends => return None,
            outgoing = timeout(self.keep_alive, self.queue.next()) => outgoing,
        };
        let Ok(outgoing) = outgoing else { return Some(Bytes::from_static(COMMENT)) };
        // whatever the verdict is: the client comes back, and goes on or hears why it may not
        let mut next = Some(outgoing.ok()?);
        let mut chunk = Vec::new();
        while let Some(outgoing) = next {
            match outgoing.answer {
                Answer::Next(frame) => write_next(&mut chunk, frame.cursor, &frame.body),
                Answer::Errors(errors) => {
                    write_next(&mut chunk, None, &[b"{\"errors\":", &*errors, b"}"].concat());
                    self.is_complete = true;
                }
                Answer::Complete => self.is_complete = true,
            }
            next = if self.is_complete || chunk.len() >= BATCH { None } else { self.queue.try_next() };
        }
        if self.is_complete {
            chunk.extend_from_slice(COMPLETE);
        }
        Some(chunk.into())
    }
}

/// Writes an event: `result` is JSON on one line.
fn write_next(events: &mut Vec<u8>, cursor: Option<EventCursor>, result: &[u8]) {
    events.reserve(result.len() + 64);
    events.extend_from_slice(b"event: next\n");
    if let Some(cursor) = cursor {
        events.extend_from_slice(b"id: ");
        events.extend_from_slice(cursor.encode().as_bytes());
        events.push(b'\n');
    }
    events.extend_from_slice(b"data: ");
    events.extend_from_slice(result);
    events.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests;
