//! Results as they are sent: serialised once.

use std::collections::BTreeMap;

use async_graphql::{Response, ServerError, Value};
use bytes::Bytes;
use serde::Serialize;

/// A result. Without `data` where no execution has begun (GraphQL specification, section 7.1).
#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extensions: &'a BTreeMap<String, Value>,
}

/// The result of an execution, as JSON.
pub(super) fn result(response: &Response) -> Bytes {
    written(&Body { errors: &response.errors, data: Some(&response.data), extensions: &response.extensions })
}

/// The errors of a request that was not executed, as a JSON list.
pub(super) fn errors(errors: &[ServerError]) -> Bytes {
    written(&errors)
}

/// Whether one of `errors` may not come again when the same is executed once more.
pub(super) fn is_passing(errors: &[ServerError]) -> bool {
    errors.iter().any(|error| extension(error, "retryable") == Some(&Value::Boolean(true)))
}

/// Whether one of `errors` has a code of `codes`.
pub(super) fn says(errors: &[ServerError], codes: &[&str]) -> bool {
    errors.iter().any(|error| match extension(error, "code") {
        Some(Value::String(code)) => codes.contains(&code.as_str()),
        _ => false,
    })
}

fn extension<'a>(error: &'a ServerError, name: &str) -> Option<&'a Value> {
    error.extensions.as_ref()?.get(name)
}

fn written(value: &impl Serialize) -> Bytes {
    match serde_json::to_vec(value) {
        Ok(bytes) => bytes.into(),
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written as JSON");
            Bytes::from_static(b"{\"data\":null}")
        }
    }
}
