//! The last word on every answer: it has the specification's shape, each error has `code`, `retryable` and `requestId`, and
//! a panic is one masked error.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextExecute, NextParseQuery, NextPrepareRequest, NextRequest,
    NextSubscribe, NextValidation,
};
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Request, Response, ServerError, ServerResult, ValidationResult, Variables, async_trait};
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _};

use super::complete::complete;
use super::context::{Begun, RequestId, brought};
use super::error::GraphError;

/// Makes a [`Finisher`] for each request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finish;

impl ExtensionFactory for Finish {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Finisher::default())
    }
}

/// What is known of one request.
#[derive(Debug, Default)]
struct Finisher {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    /// From the request's data, which is out of sight where its errors are.
    request_id: OnceLock<String>,
    /// What was asked, to put the answer in its order.
    document: OnceLock<ExecutableDocument>,
    /// Whether the document was found to be valid: later errors are of its execution.
    is_valid: AtomicBool,
}

#[async_trait::async_trait]
impl Extension for Finisher {
    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        let mut response = next.run(ctx).await;
        self.state.finish(&mut response);
        response
    }

    fn subscribe<'s>(
        &self,
        ctx: &ExtensionContext<'_>,
        stream: BoxStream<'s, Response>,
        next: NextSubscribe<'_>,
    ) -> BoxStream<'s, Response> {
        if let Some(id) = ctx.data_opt::<RequestId>() {
            self.state.request_id.get_or_init(|| id.0.clone());
        }
        let state = Arc::clone(&self.state);
        // a panic outside the execution of an event ends this stream, not the socket and its other streams
        let stream = AssertUnwindSafe(next.run(ctx, stream)).catch_unwind();
        let finished = stream.map(move |item| {
            let mut response = item.unwrap_or_else(|_| internal());
            state.finish(&mut response);
            response
        });
        finished.boxed()
    }

    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        let id = brought::<RequestId>(&request);
        if let Some(id) = id {
            self.state.request_id.get_or_init(|| id.0.clone());
        }
        next.run(ctx, request).await
    }

    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let document = next.run(ctx, query, variables).await?;
        self.state.document.get_or_init(|| document.clone());
        Ok(document)
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let result = next.run(ctx).await;
        if result.is_ok() {
            self.state.is_valid.store(true, Ordering::Relaxed);
        }
        result
    }

    /// Called for a query, a mutation, and each event of a subscription, which a panic in one of them must not end.
    async fn execute(&self, ctx: &ExtensionContext<'_>, operation_name: Option<&str>, next: NextExecute<'_>) -> Response {
        if let Some(begun) = ctx.data_opt::<Begun>() {
            begun.set();
        }
        // the panic itself is logged where it happens, by the hook that telemetry sets
        let answer = AssertUnwindSafe(next.run(ctx, operation_name)).catch_unwind().await;
        let mut response = answer.unwrap_or_else(|_| internal());
        if let Some(document) = self.state.document.get() {
            complete(&mut response, document, operation_name, &ctx.schema_env.registry);
        }
        response
    }
}

/// Puts the request's id on the errors of a response that was not executed.
pub fn name_request(response: &mut Response, id: &RequestId) {
    let state = State::default();
    state.request_id.get_or_init(|| id.0.clone());
    state.finish(response);
}

fn internal() -> Response {
    GraphError::internal().into_response()
}

impl State {
    fn finish(&self, response: &mut Response) {
        for error in &mut response.errors {
            self.finish_error(error);
        }
    }

    fn finish_error(&self, error: &mut ServerError) {
        if error.extensions.as_ref().is_none_or(|extensions| extensions.get("code").is_none()) {
            self.name(error);
        }
        let extensions = error.extensions.get_or_insert_default();
        if extensions.get("retryable").is_none() {
            extensions.set("retryable", false);
        }
        if let Some(id) = self.request_id.get() {
            extensions.set("requestId", id.as_str());
        }
    }

    /// Gives a code to an error of the library; the server's own have one.
    fn name(&self, error: &mut ServerError) {
        let code = if !self.is_valid.load(Ordering::Relaxed) {
            "VALIDATION_FAILED"
        } else if is_about_an_argument(&error.message) {
            "BAD_ARGUMENT"
        } else {
            tracing::error!(error = error.message, "internal error of the GraphQL library");
            let masked = GraphError::internal().into_server_error();
            error.message = masked.message;
            error.extensions = masked.extensions;
            return;
        };
        error.extensions.get_or_insert_default().set("code", code);
    }
}

/// Whether the library's message says that an argument or a variable is not of its type. It tells by its text only.
fn is_about_an_argument(message: &str) -> bool {
    let is_undefined = message.starts_with("Variable ") && message.ends_with(" is not defined.");
    is_undefined || message.starts_with("Failed to parse \"") || message.starts_with("Expected input type \"")
}
