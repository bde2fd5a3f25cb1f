//! Why a message was not sent.

use domain::error::{ErrorCode, Rejection};

use crate::platform::Error;

/// A refusal of the chat's use-cases; the text is for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChatError {
    /// No such order, or none whose chat the actor takes part in.
    #[error("There is no such order.")]
    NotFound,
    /// No such message in this chat.
    #[error("There is no such message.")]
    NoSuchMessage,
    /// Nobody carries the order, or it ended too long ago.
    #[error("The order's chat is not open.")]
    Closed,
    /// The actor has said enough.
    #[error("You have sent as many messages as this chat takes of you.")]
    Full,
}

impl From<ChatError> for Rejection {
    fn from(error: ChatError) -> Self {
        let (code, field) = match error {
            ChatError::NotFound => (ErrorCode::NotFound, "orderId"),
            ChatError::NoSuchMessage => (ErrorCode::NotFound, "upTo"),
            ChatError::Closed | ChatError::Full => (ErrorCode::ChatClosed, "orderId"),
        };
        Self::new(code, error.to_string()).at(field)
    }
}

impl From<ChatError> for Error {
    fn from(error: ChatError) -> Self {
        Rejection::from(error).into()
    }
}
