//! Logs and traces.

use std::io::{self, IsTerminal as _};
use std::panic::PanicHookInfo;
use std::time::Duration;

use axum::http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::{FilterExt as _, Targets, dynamic_filter_fn};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::TryInitError;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::config::{Config, Traces};

/// What the traces are of.
const SERVICE: &str = "quick-commerce";

/// Where the spans of statements to the database come from.
const STATEMENTS: &str = "sea_orm";

/// How long the collector may take for one batch.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why there can be no log, or no traces.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is not one.
    #[error("LOG: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// There is a log already.
    #[error("the log cannot be set up: {0}")]
    Taken(#[from] TryInitError),
    /// Nothing can be sent there.
    #[error("OTLP_ENDPOINT: {0}")]
    Exporter(#[from] ExporterBuildError),
}

/// The log and the traces of this process.
#[derive(Debug)]
pub struct Telemetry(Option<SdkTracerProvider>);

impl Telemetry {
    /// Sends what is left of the traces, if it can be had in a few seconds.
    pub async fn end(self) {
        let Some(provider) = self.0 else { return };
        // it waits for its own thread
        let ended = tokio::task::spawn_blocking(move || provider.shutdown()).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("the last traces could not be sent");
        }
    }
}

/// Writes the log of this process to its standard error, panics included, and sends its traces where the configuration says.
///
/// # Errors
/// When the filter or the collector's address is malformed, or the process has a log already.
pub fn init(config: &Config) -> Result<Telemetry, LogError> {
    use tracing_subscriber::fmt;
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;

    let filter = EnvFilter::try_new(&config.log)?;
    let provider = config.traces.as_ref().map(provider).transpose()?;
    let traces = provider.as_ref().map(|provider| {
        let of_us = Targets::new().with_targets([("quick_commerce", LevelFilter::INFO), (STATEMENTS, LevelFilter::INFO)]);
        let filter = of_us.and(dynamic_filter_fn(is_for_something).with_max_level_hint(LevelFilter::INFO));
        tracing_opentelemetry::layer().with_tracer(provider.tracer(SERVICE)).with_filter(filter)
    });
    let registry = tracing_subscriber::registry().with(traces);
    if config.is_log_json {
        registry.with(fmt::layer().json().with_writer(io::stderr).with_filter(filter)).try_init()?;
    } else {
        let is_terminal = io::stderr().is_terminal();
        registry.with(fmt::layer().with_ansi(is_terminal).with_writer(io::stderr).with_filter(filter)).try_init()?;
    }
    std::panic::set_hook(Box::new(log_panic));
    Ok(Telemetry(provider))
}

/// Whether that which `metadata` describes is no statement to the database, or one that is part of something. What looks there all
/// the time, and mostly finds nothing to do, would be most of the traces.
fn is_for_something<S>(metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    !metadata.target().starts_with(STATEMENTS) || (metadata.is_span() && context.lookup_current().is_some())
}

/// Has the spans sent, in batches, by a thread of their own.
fn provider(traces: &Traces) -> Result<SdkTracerProvider, ExporterBuildError> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", traces.endpoint))
        .with_timeout(PATIENCE)
        .build()?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(traces.sample))))
        .with_resource(Resource::builder().with_service_name(SERVICE).build())
        .build())
}

/// Makes `span` a part of the trace that `headers` name after W3C Trace Context (<https://www.w3.org/TR/trace-context/>). To be
/// called for those only who may decide what is traced.
pub fn follow(span: &Span, headers: &HeaderMap) {
    if headers.contains_key("traceparent") {
        let parent = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
        // where nothing is traced, there is nothing to be part of
        let _ = span.set_parent(parent);
    }
}

/// One line for a panic, in the span of the request that it happened in. Whoever catches it need not log it again.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("a panic without a text");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(place, "panic: {message}");
}
