//! What is counted as it happens, for Prometheus. What others count already is read when it is asked for.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Upper bounds of the classes of durations, in seconds: from a read of memory to the patience of a request.
const SECONDS: [f64; 12] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// What became of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was executed, and nothing went wrong: what was refused for a reason of the shop is an answer like others.
    Ok,
    /// It was executed, and some of it failed.
    Failed,
    /// It was not executed.
    Refused,
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "error",
            Self::Refused => "refused",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    operation_type: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RootLabels {
    operation_type: &'static str,
    field: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TypeLabels {
    operation_type: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabels {
    code: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FieldLabels {
    field: String,
}

/// The operations of an instance, counted; a clone is another handle to the same. Every label has few values: the names of
/// fields are those of the schema, and codes are the server's own.
#[derive(Clone)]
pub struct Instruments {
    requests: Family<RequestLabels, Counter>,
    fields: Family<RootLabels, Counter>,
    durations: Family<TypeLabels, Histogram, fn() -> Histogram>,
    errors: Family<CodeLabels, Counter>,
    subscriptions: Family<FieldLabels, Gauge>,
}

impl fmt::Debug for Instruments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Instruments")
    }
}

impl Default for Instruments {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            fields: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            errors: Family::default(),
            subscriptions: Family::default(),
        }
    }
}

/// A subscription that is open, as long as this lives.
#[derive(Debug)]
pub struct Following(Gauge);

impl Drop for Following {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Instruments {
    /// Counts an operation of `operation_type`: `query`, `mutation`, `subscription`, or `unknown` where it cannot be read.
    pub fn count_request(&self, operation_type: &'static str, outcome: Outcome) {
        self.requests.get_or_create(&RequestLabels { operation_type, outcome: outcome.name() }).inc();
    }

    /// Counts that a valid operation asks for the root's `field`.
    pub fn count_field(&self, operation_type: &'static str, field: &str) {
        self.fields.get_or_create(&RootLabels { operation_type, field: field.to_owned() }).inc();
    }

    /// Takes note of how long a query or mutation took.
    pub fn time(&self, operation_type: &'static str, took: Duration) {
        self.durations.get_or_create(&TypeLabels { operation_type }).observe(took.as_secs_f64());
    }

    /// Counts an error of the server's `code`.
    pub fn count_error(&self, code: &str) {
        self.errors.get_or_create(&CodeLabels { code: code.to_owned() }).inc();
    }

    /// Counts what was refused with `code` before anything of an operation was looked at.
    pub fn count_refusal(&self, code: &str) {
        self.count_request("unknown", Outcome::Refused);
        self.count_error(code);
    }

    /// Counts an open subscription of the root's `field` until what is returned is dropped.
    #[must_use]
    pub fn follow(&self, field: &str) -> Following {
        let gauge = self.subscriptions.get_or_create_owned(&FieldLabels { field: field.to_owned() });
        gauge.inc();
        Following(gauge)
    }

    /// Has all of it told with what else `registry` has.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("quick_commerce_graphql_requests", "Operations by what became of them", self.requests.clone());
        registry.register("quick_commerce_graphql_fields", "Valid operations by the root's fields", self.fields.clone());
        registry.register(
            "quick_commerce_graphql_request_duration_seconds",
            "How long queries and mutations took that were executed",
            self.durations.clone(),
        );
        registry.register("quick_commerce_graphql_errors", "Errors of operations by code", self.errors.clone());
        registry.register("quick_commerce_subscriptions", "Open subscriptions by field", self.subscriptions.clone());
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    fn text(instruments: &Instruments) -> String {
        let (mut registry, mut text) = (Registry::default(), String::new());
        instruments.register(&mut registry);
        encode(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn operations_are_told_by_what_became_of_them() {
        let instruments = Instruments::default();
        instruments.count_request("query", Outcome::Ok);
        instruments.count_request("query", Outcome::Ok);
        instruments.count_request("mutation", Outcome::Refused);
        instruments.count_field("query", "products");
        instruments.count_error("RATE_LIMITED");
        instruments.time("query", Duration::from_millis(3));
        let text = text(&instruments);
        for line in [
            "quick_commerce_graphql_requests_total{operation_type=\"query\",outcome=\"ok\"} 2",
            "quick_commerce_graphql_requests_total{operation_type=\"mutation\",outcome=\"refused\"} 1",
            "quick_commerce_graphql_fields_total{operation_type=\"query\",field=\"products\"} 1",
            "quick_commerce_graphql_errors_total{code=\"RATE_LIMITED\"} 1",
            "quick_commerce_graphql_request_duration_seconds_bucket{le=\"0.0025\",operation_type=\"query\"} 0",
            "quick_commerce_graphql_request_duration_seconds_bucket{le=\"0.005\",operation_type=\"query\"} 1",
            "quick_commerce_graphql_request_duration_seconds_count{operation_type=\"query\"} 1",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn a_subscription_counts_as_long_as_it_is_open() {
        let instruments = Instruments::default();
        let (one, other) = (instruments.follow("orderUpdates"), instruments.follow("orderUpdates"));
        assert!(text(&instruments).contains("quick_commerce_subscriptions{field=\"orderUpdates\"} 2"));
        drop(one);
        assert!(text(&instruments).contains("quick_commerce_subscriptions{field=\"orderUpdates\"} 1"));
        drop(other);
        assert!(text(&instruments).contains("quick_commerce_subscriptions{field=\"orderUpdates\"} 0"));
    }
}
