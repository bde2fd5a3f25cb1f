//! The handshake of a WebSocket (RFC 6455, section 4.2), and the choice of its subprotocol.

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::transport::error::Refusal;

/// The one subprotocol that is spoken.
const PROTOCOL: &[u8] = b"graphql-transport-ws";

/// A request that may become a WebSocket.
#[derive(Debug)]
pub(super) struct Handshake {
    /// The connection, once the answer has been sent.
    pub(super) connection: OnUpgrade,
    /// Whether the client speaks what is spoken here.
    pub(super) is_spoken: bool,
    /// The answer.
    pub(super) response: Response,
}

impl Handshake {
    /// Reads a request for a WebSocket.
    ///
    /// # Errors
    /// What the request lacks.
    pub(super) fn read(parts: &mut Parts) -> Result<Self, Refusal> {
        let headers = &parts.headers;
        if !items(headers, &header::CONNECTION).any(|item| item.eq_ignore_ascii_case(b"upgrade")) {
            return Err(Refusal::bad_request("This is not a WebSocket handshake: `Connection: upgrade` is missing."));
        }
        if headers.get(header::SEC_WEBSOCKET_VERSION).map(HeaderValue::as_bytes) != Some(b"13") {
            return Err(Refusal::new(
                StatusCode::UPGRADE_REQUIRED,
                "UPGRADE_REQUIRED",
                "WebSockets of version 13 are spoken.",
            ));
        }
        let Some(key) = headers.get(header::SEC_WEBSOCKET_KEY) else {
            return Err(Refusal::bad_request("This is not a WebSocket handshake: `Sec-WebSocket-Key` is missing."));
        };
        let accept = derive_accept_key(key.as_bytes());
        let is_spoken = items(headers, &header::SEC_WEBSOCKET_PROTOCOL).any(|item| item == PROTOCOL);
        let Some(connection) = parts.extensions.remove::<OnUpgrade>() else {
            return Err(Refusal::bad_request("This connection cannot become a WebSocket."));
        };
        let fixed = [(header::CONNECTION, "upgrade"), (header::UPGRADE, "websocket")];
        let accept = [(header::SEC_WEBSOCKET_ACCEPT, accept)];
        let mut response = (StatusCode::SWITCHING_PROTOCOLS, fixed, accept, Body::empty()).into_response();
        if is_spoken {
            let protocol = HeaderValue::from_static("graphql-transport-ws");
            response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        Ok(Self { connection, is_spoken, response })
    }
}

/// The items of a list header.
fn items<'headers>(headers: &'headers HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'headers [u8]> {
    let lines = headers.get_all(name).into_iter().map(HeaderValue::as_bytes);
    lines.flat_map(|line| line.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}
