//! What is counted of operations, the span that each is executed in, and word of those that took long.
//!
//! Of what a client wrote nothing gets into a log or a label but the names of the root's fields, which are the schema's: an
//! operation's own name may be anything.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextExecute, NextPrepareRequest, NextRequest, NextSubscribe,
};
use async_graphql::parser::types::{ExecutableDocument, OperationType, Selection, SelectionSet};
use async_graphql::{Request, Response, ServerResult, Value, async_trait};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use tracing::Instrument as _;

use super::budget::Purse;
use super::context::brought;
use super::limits::select;
use crate::app::App;
use crate::platform::metrics::Outcome;

/// Deepest nesting of fragments that is looked into for fields of the root; more than the limits let through.
const MAX_DEPTH: usize = 32;

/// Observes each request. To stand outside of everything else, so that it sees what the client is answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Observe;

impl ExtensionFactory for Observe {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Observer::default())
    }
}

/// What is known of one request.
#[derive(Debug, Default)]
struct Observer(Arc<Observed>);

#[derive(Debug, Default)]
struct Observed {
    operation: OnceLock<Known>,
    /// Of a request that a client sent: what is executed for several is nobody's.
    purse: OnceLock<Purse>,
    is_executed: AtomicBool,
    is_counted: AtomicBool,
}

/// An operation.
#[derive(Debug)]
struct Known {
    operation_type: &'static str,
    /// Of the root; not yet known to exist.
    fields: BTreeSet<String>,
}

impl Known {
    fn of(document: &ExecutableDocument, wanted: Option<&str>) -> ServerResult<Self> {
        let operation = select(document, wanted)?;
        let operation_type = match operation.node.ty {
            OperationType::Query => "query",
            OperationType::Mutation => "mutation",
            OperationType::Subscription => "subscription",
        };
        let mut fields = BTreeSet::new();
        gather(document, &operation.node.selection_set.node, MAX_DEPTH, &mut fields);
        Ok(Self { operation_type, fields })
    }

    fn is_subscription(&self) -> bool {
        self.operation_type == "subscription"
    }

    /// For a log: the fields of the root.
    fn names(&self) -> String {
        self.fields.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// The fields that `selection` has, by itself or by fragments.
fn gather(document: &ExecutableDocument, selection: &SelectionSet, depth: usize, fields: &mut BTreeSet<String>) {
    for item in &selection.items {
        match &item.node {
            Selection::Field(field) => {
                let name = field.node.name.node.as_str();
                if !name.starts_with("__") && !fields.contains(name) {
                    fields.insert(name.to_owned());
                }
            }
            Selection::InlineFragment(fragment) if depth > 0 => {
                gather(document, &fragment.node.selection_set.node, depth - 1, fields);
            }
            Selection::FragmentSpread(spread) if depth > 0 => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    gather(document, &fragment.node.selection_set.node, depth - 1, fields);
                }
            }
            Selection::InlineFragment(_) | Selection::FragmentSpread(_) => {}
        }
    }
}

impl Observed {
    /// Counts the errors of an answer, and what became of a request by its first, which was `took` under way.
    fn count(&self, app: Option<&App>, response: &Response, took: Duration) {
        let Some(app) = app else { return };
        for error in &response.errors {
            let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
            app.instruments.count_error(if let Some(Value::String(code)) = code { code } else { "INTERNAL" });
        }
        let Some(purse) = self.purse.get() else { return };
        if self.is_counted.swap(true, Ordering::Relaxed) || !purse.is_first_answer() {
            return;
        }
        let is_executed = self.is_executed.load(Ordering::Relaxed);
        let outcome = match (is_executed, response.errors.is_empty()) {
            (false, _) => Outcome::Refused,
            (true, true) => Outcome::Ok,
            (true, false) => Outcome::Failed,
        };
        let Some(known) = self.operation.get() else {
            app.instruments.count_request("unknown", outcome);
            return;
        };
        app.instruments.count_request(known.operation_type, outcome);
        if !is_executed {
            return;
        }
        for field in &known.fields {
            app.instruments.count_field(known.operation_type, field);
        }
        if known.is_subscription() {
            if let Some(field) = known.fields.first().filter(|_| response.errors.is_empty()) {
                purse.keep(app.instruments.follow(field));
            }
            return;
        }
        app.instruments.time(known.operation_type, took);
        let slow = app.config.slow_operation;
        if !slow.is_zero() && took >= slow {
            let (ms, fields) = (took.as_millis(), known.names());
            tracing::warn!(ms, operation_type = known.operation_type, fields, "a slow operation");
        }
    }
}

#[async_trait::async_trait]
impl Extension for Observer {
    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        let begun = Instant::now();
        let response = next.run(ctx).await;
        self.0.count(ctx.data_opt(), &response, begun.elapsed());
        response
    }

    fn subscribe<'s>(
        &self,
        ctx: &ExtensionContext<'_>,
        stream: BoxStream<'s, Response>,
        next: NextSubscribe<'_>,
    ) -> BoxStream<'s, Response> {
        let (observed, app, begun) = (Arc::clone(&self.0), ctx.data_opt::<App>().cloned(), Instant::now());
        let counted = next.run(ctx, stream).inspect(move |response| {
            observed.count(app.as_ref(), response, begun.elapsed());
        });
        counted.boxed()
    }

    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        let purse = brought::<Purse>(&request);
        if let Some(purse) = purse {
            self.0.purse.get_or_init(|| purse.clone());
        }
        let mut request = next.run(ctx, request).await?;
        let wanted = request.operation_name.clone();
        let known = Known::of(request.parsed_query()?, wanted.as_deref())?;
        self.0.operation.get_or_init(|| known);
        Ok(request)
    }

    async fn execute(&self, ctx: &ExtensionContext<'_>, operation_name: Option<&str>, next: NextExecute<'_>) -> Response {
        self.0.is_executed.store(true, Ordering::Relaxed);
        let Some(known) = self.0.operation.get() else { return next.run(ctx, operation_name).await };
        let span = tracing::info_span!("graphql", operation_type = known.operation_type, fields = known.names());
        next.run(ctx, operation_name).instrument(span).await
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn the_roots_fields_are_found_wherever_they_stand() {
        let document = "query A { a: one ...F ... on Query { two { five } } __typename } query B { six }
            fragment F on Query { three ...G } fragment G on Query { four }";
        let known = Known::of(&parse_query(document).unwrap(), Some("A")).unwrap();
        assert_eq!((known.operation_type, known.names().as_str()), ("query", "four one three two"));
        let known = Known::of(&parse_query("subscription { ...F } fragment F on Subscription { ...F }").unwrap(), None);
        assert!(known.unwrap().fields.is_empty(), "a circle has an end");
    }
}
