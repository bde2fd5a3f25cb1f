//! Logs.

use std::io::{self, IsTerminal as _};
use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::TryInitError;

use crate::config::Config;

/// Why there can be no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is not one.
    #[error("LOG: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// There is a log already.
    #[error("the log cannot be set up: {0}")]
    Taken(#[from] TryInitError),
}

/// Writes the log of this process to its standard error, panics included.
///
/// # Errors
/// When the filter is malformed, or the process has a log already.
pub fn init(config: &Config) -> Result<(), LogError> {
    use tracing_subscriber::fmt;
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;

    let filter = EnvFilter::try_new(&config.log)?;
    let registry = tracing_subscriber::registry().with(filter);
    if config.is_log_json {
        registry.with(fmt::layer().json().with_writer(io::stderr)).try_init()?;
    } else {
        let is_terminal = io::stderr().is_terminal();
        registry.with(fmt::layer().with_ansi(is_terminal).with_writer(io::stderr)).try_init()?;
    }
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// One line for a panic, in the span of the request that it happened in. Whoever catches it need not log it again.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("a panic without a text");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(place, "panic: {message}");
}
