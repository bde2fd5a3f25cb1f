//! What one request may ask. Every limit is checked before the work that it bounds begins.

mod cost;
mod lexer;

use std::any::TypeId;
use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextPrepareRequest, NextValidation};
use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType};
use async_graphql::{
    CacheControl, ObjectType, Positioned, Request, SchemaBuilder, ServerError, ServerResult, SubscriptionType,
    ValidationResult, async_trait,
};
use serde_json::Map;

use self::cost::{Cost, Immeasurable, Measure};
use super::budget::Spend;
use super::context::{Accepts, Shared};
use super::error::GraphError;
use super::finish::Finish;
use super::observe::Observe;
use super::prepare::Prepare;
use crate::config::Limits;

/// Brackets open at once, and selection sets within each other. The parser itself stops at 64 selection sets, but only
/// after its grammar has recursed through all of them; this comes before it.
const MAX_NESTING: usize = 64;

/// Directives on one field.
const MAX_DIRECTIVES: usize = 8;

/// Lists of the schema's parts within each other. Tools need one; each more multiplies the answer by hundreds.
const MAX_INTROSPECTED_LISTS: usize = 2;

/// Puts `limits` on a schema, prepares what passes them, has it paid for, and finishes its errors.
#[must_use]
pub fn limited<Q, M, S>(builder: SchemaBuilder<Q, M, S>, limits: Limits) -> SchemaBuilder<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    // Not `limit_depth`: it holds for introspection as well, and GraphiQL's query is deeper than any client's need be.
    builder
        .limit_complexity(limits.complexity)
        .limit_directives(MAX_DIRECTIVES)
        .limit_recursive_depth(MAX_NESTING)
        .disable_suggestions()
        .extension(Observe)
        .extension(Finish)
        .extension(Spend)
        .extension(Prepare)
        .extension(Limiter(limits))
}

/// Checks each request against the limits.
#[derive(Debug, Clone, Copy)]
struct Limiter(Limits);

impl ExtensionFactory for Limiter {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(*self)
    }
}

#[async_trait::async_trait]
impl Extension for Limiter {
    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        let mut request = next.run(ctx, request).await?;
        self.check(&mut request)?;
        Ok(request)
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        if ctx.data_opt::<Shared>().is_some() {
            // as above: it is valid, and paid for
            return Ok(ValidationResult { cache_control: CacheControl::default(), complexity: 0, depth: 0 });
        }
        next.run(ctx).await.map_err(|errors| errors.into_iter().map(|error| self.named(error)).collect())
    }
}

impl Limiter {
    /// Refuses what must not be validated, let alone executed. What is parsed here is not parsed again.
    fn check(&self, request: &mut Request) -> ServerResult<()> {
        if request.data.contains_key(&TypeId::of::<Shared>()) {
            // each of those whom it is executed for was let in with it
            return Ok(());
        }
        let limits = self.0;
        let lexed = lexer::lex(&request.query);
        if lexed.tokens > limits.tokens {
            return Err(refusal("TOO_MANY_TOKENS", format!("The document has more than {} tokens.", limits.tokens)));
        }
        if lexed.nesting > MAX_NESTING {
            return Err(refusal("QUERY_TOO_DEEP", format!("The document is nested deeper than {MAX_NESTING} levels.")));
        }
        let accepts = request.data.get(&std::any::TypeId::of::<Accepts>()).and_then(|accepts| accepts.downcast_ref());
        let accepts = accepts.copied().unwrap_or(Accepts::Everything);
        let wanted = request.operation_name.clone();
        let document = request.parsed_query().map_err(|error| with_code("PARSE_FAILED", error))?;
        let operation = select(document, wanted.as_deref())?;
        accept(accepts, operation.node.ty)?;
        self.measure(document, operation)
    }

    fn measure(&self, document: &ExecutableDocument, operation: &Positioned<OperationDefinition>) -> ServerResult<()> {
        let limits = self.0;
        let root = &operation.node.selection_set.node;
        // the validation follows every operation of the document, so all of them together must be bounded
        let mut measure = Measure::new(document, MAX_NESTING);
        let (mut cost, mut selections) = (Cost::default(), 0_usize);
        for (_, each) in document.operations.iter() {
            let each_root = &each.node.selection_set.node;
            let of_each = measure.cost(each_root).map_err(immeasurable)?;
            selections = selections.saturating_add(of_each.selections);
            if selections > limits.complexity {
                return Err(self.too_complex());
            }
            if std::ptr::eq(root, each_root) {
                cost = of_each;
            }
        }
        if cost.depth > limits.depth {
            return Err(refusal("QUERY_TOO_DEEP", format!("Fields are nested deeper than {} levels.", limits.depth)));
        }
        if cost.introspected_lists > MAX_INTROSPECTED_LISTS {
            return Err(refusal("QUERY_TOO_DEEP", "Introspection nests too many lists.".to_owned()));
        }
        if cost.aliases.saturating_add(cost::repetitions(document, root, cost)) > limits.aliases {
            let message = format!("More than {} aliases and repeated root fields.", limits.aliases);
            return Err(refusal("TOO_MANY_ALIASES", message));
        }
        Ok(())
    }

    fn too_complex(&self) -> ServerError {
        refusal(
            "QUERY_TOO_COMPLEX",
            format!("The document asks for more than {} fields, list sizes counted.", self.0.complexity),
        )
    }

    /// The library's own refusals by the codes of this API. It tells them apart by their messages only.
    fn named(&self, error: ServerError) -> ServerError {
        match error.message.as_str() {
            "Query is too complex." => self.too_complex(),
            _ => with_code("VALIDATION_FAILED", error),
        }
    }
}

/// Whether a request is for a subscription. Of one that will be refused for its document, the answer is no.
#[must_use]
pub fn is_subscription(query: &str, operation_name: Option<&str>, limits: Limits) -> bool {
    // most are not, and do not have the word
    if !query.contains("subscription") {
        return false;
    }
    let lexed = lexer::lex(query);
    if lexed.tokens > limits.tokens || lexed.nesting > MAX_NESTING {
        return false;
    }
    let Ok(document) = parse_query(query) else { return false };
    select(&document, operation_name).is_ok_and(|operation| operation.node.ty == OperationType::Subscription)
}

/// Forgets those of `variables` that the operation of `query` does not declare: they have no part in its answer. Nothing is
/// parsed for that, so where the document is wrong some may stay.
pub fn keep_declared(query: &str, operation_name: Option<&str>, variables: &mut Map<String, serde_json::Value>) {
    if !variables.is_empty() {
        let declared = lexer::declared(query, operation_name);
        variables.retain(|name, _| declared.contains(name.as_bytes()));
    }
}

/// Whether the document `query` has one use of the variable `name`, and one operation that declares it.
#[must_use]
pub fn uses_once(query: &str, name: &str) -> bool {
    lexer::mentions(query, name) == 2
}

/// The operation that a request means (GraphQL specification, section 6.1, `GetOperation`).
pub(super) fn select<'doc>(
    document: &'doc ExecutableDocument,
    wanted: Option<&str>,
) -> ServerResult<&'doc Positioned<OperationDefinition>> {
    let mut operations = document.operations.iter();
    let failed = |message: String| Err(refusal("VALIDATION_FAILED", message));
    match wanted {
        Some(wanted) => match operations.find(|(name, _)| name.is_some_and(|name| name.as_str() == wanted)) {
            Some((_, operation)) => Ok(operation),
            None => failed("The document has no operation of that name.".to_owned()),
        },
        None => match (operations.next(), operations.next()) {
            (Some((_, operation)), None) => Ok(operation),
            (None, _) => failed("The document has no operation.".to_owned()),
            _ => failed("The document has several operations: say which by `operationName`.".to_owned()),
        },
    }
}

/// Refuses operations that the request's transport is not for.
fn accept(accepts: Accepts, kind: OperationType) -> ServerResult<()> {
    match (accepts, kind) {
        (Accepts::Queries, OperationType::Mutation | OperationType::Subscription) => {
            Err(refusal("METHOD_NOT_ALLOWED", "Only queries may be sent by GET.".to_owned()))
        }
        (Accepts::QueriesAndMutations, OperationType::Subscription) => {
            let message = "Subscribe over a WebSocket, with graphql-transport-ws, or ask for text/event-stream.";
            Err(refusal("SUBSCRIPTION_NEEDS_WEBSOCKET", message.to_owned()))
        }
        _ => Ok(()),
    }
}

fn immeasurable(what: Immeasurable) -> ServerError {
    match what {
        Immeasurable::Cycle(name) => refusal("VALIDATION_FAILED", format!("Fragment \"{name}\" spreads itself.")),
        Immeasurable::TooDeep => {
            refusal("QUERY_TOO_DEEP", format!("Selections are nested deeper than {MAX_NESTING} levels, fragments counted."))
        }
    }
}

/// A refusal of this API.
fn refusal(code: &'static str, message: String) -> ServerError {
    GraphError::new(code, message).into_server_error()
}

fn with_code(code: &'static str, mut error: ServerError) -> ServerError {
    let extensions = error.extensions.get_or_insert_default();
    if extensions.get("code").is_none() {
        extensions.set("code", code);
    }
    error
}

#[cfg(test)]
mod tests;
