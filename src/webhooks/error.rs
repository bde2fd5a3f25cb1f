//! What webhooks refuse.

use domain::error::{ErrorCode, Rejection};

use crate::platform::Error;

/// A refusal of webhooks. Its text is the client's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// There is no such endpoint.
    #[error("There is no such endpoint.")]
    NoEndpoint,
    /// There is no such delivery.
    #[error("There is no such delivery.")]
    NoDelivery,
    /// Nothing can be sent to it now.
    #[error("The endpoint is paused: activate it first.")]
    Paused,
    /// It would be told of nothing.
    #[error("Must have at least one topic.")]
    NoTopics,
    /// As many as may sign beside the new one still do.
    #[error("The secret was replaced too often lately: wait until one that was replaced signs no more.")]
    TooManySecrets,
    /// There are enough of them.
    #[error("There are too many endpoints.")]
    TooMany,
}

impl From<WebhookError> for Rejection {
    fn from(error: WebhookError) -> Self {
        let message = error.to_string();
        match error {
            WebhookError::NoEndpoint => Self::new(ErrorCode::NotFound, message).at("endpointId"),
            WebhookError::NoDelivery => Self::new(ErrorCode::NotFound, message).at("deliveryId"),
            WebhookError::Paused => Self::invalid("deliveryId", message),
            WebhookError::NoTopics => Self::invalid("topics", message),
            WebhookError::TooManySecrets => Self::invalid("rotateSecret", message),
            WebhookError::TooMany => Self::invalid("url", message),
        }
    }
}

impl From<WebhookError> for Error {
    fn from(error: WebhookError) -> Self {
        Rejection::from(error).into()
    }
}
