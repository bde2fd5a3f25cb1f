//! Why a socket is closed, in words and numbers that its client understands.
//!
//! Clients of graphql-transport-ws give up at most codes; after 1012, 1013 and 4403 they come back, after 4403 with a new
//! token.

use std::borrow::Cow;

use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::stream::Verdict;

/// A reason's largest size in bytes (RFC 6455, section 5.5: 125 for the payload, two of them the code).
const MAX_REASON: usize = 123;

/// A close code and its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Goodbye {
    code: u16,
    reason: Cow<'static, str>,
}

impl Goodbye {
    /// 1002: what came is not a WebSocket's.
    pub(super) const UNREADABLE: Self = Self::of(1002, "Protocol error");
    /// 1007: a text that is none.
    pub(super) const NOT_UTF8: Self = Self::of(1007, "Invalid UTF-8");
    /// 1009.
    pub(super) const TOO_LARGE: Self = Self::of(1009, "Message too large");
    /// 1012: the server stops. Clients come back, to another instance or to this one's successor.
    pub(super) const RESTART: Self = Self::of(1012, "Service restart");
    /// 1013: it cannot be told now who asks, or an operation cannot go on now.
    pub(super) const TRY_AGAIN: Self = Self::of(1013, "Try again later");
    /// 1013: events come faster than the client reads. It may come back and resume.
    pub(super) const TOO_SLOW: Self = Self::of(1013, "Too slow");
    /// 4401: an operation without a `connection_init` that was acknowledged.
    pub(super) const UNAUTHORIZED: Self = Self::of(4401, "Unauthorized");
    /// 4403: the token is not valid, or not any more.
    pub(super) const FORBIDDEN: Self = Self::of(4403, "Forbidden");
    /// 4406: the client speaks something else.
    pub(super) const OTHER_PROTOCOL: Self = Self::of(4406, "Subprotocol not acceptable");
    /// 4408: no `connection_init`.
    pub(super) const NO_INIT: Self = Self::of(4408, "Connection initialisation timeout");
    /// 4429: more than one `connection_init`.
    pub(super) const SECOND_INIT: Self = Self::of(4429, "Too many initialisation requests");

    const fn of(code: u16, reason: &'static str) -> Self {
        Self { code, reason: Cow::Borrowed(reason) }
    }

    /// 4400: a message that is not one of the protocol.
    pub(super) fn invalid(why: impl Into<Cow<'static, str>>) -> Self {
        Self { code: 4400, reason: why.into() }
    }

    /// 4409: an operation of this id is still going on.
    pub(super) fn duplicate(id: &str) -> Self {
        Self { code: 4409, reason: format!("Subscriber for {id} already exists").into() }
    }

    /// As it is sent. A reason that is too long is cut: the client would take the whole for an error of the server.
    pub(super) fn frame(&self) -> CloseFrame {
        let end = self.reason.floor_char_boundary(MAX_REASON);
        CloseFrame { code: self.code.into(), reason: self.reason.get(..end).unwrap_or_default().into() }
    }
}

impl From<Verdict> for Goodbye {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::TooSlow => Self::TOO_SLOW,
            Verdict::TryAgain => Self::TRY_AGAIN,
            Verdict::Forbidden => Self::FORBIDDEN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_between_two_characters() {
        for (id, reason) in [
            ("1", "Subscriber for 1 already exists".to_owned()),
            (&"x".repeat(200), format!("Subscriber for {}", "x".repeat(108))),
            (&"₹".repeat(200), format!("Subscriber for {}", "₹".repeat(36))),
            // 15 bytes, then 27 characters of four bytes are just 123
            (&"🛵".repeat(200), format!("Subscriber for {}", "🛵".repeat(27))),
        ] {
            let frame = Goodbye::duplicate(id).frame();
            assert_eq!((u16::from(frame.code), frame.reason.as_str()), (4409, &*reason));
            assert!(frame.reason.len() <= MAX_REASON);
        }
    }
}
