//! Logs and traces.
//!
//! Model: everything says what it does through `tracing`. Lines go to standard error, one JSON object
//! or one text line each, through a bounded queue ([`lines`]); spans (one a request) go to an OTLP
//! collector when `[telemetry] otlp` names one ([`otlp`]), and nothing is sent when it does not. What
//! is said is chosen by the environment variable `NOFX_LOG` (`info`, `nofx_control::link=debug`).
//!
//! Worst case: whoever reads the lines, or the collector, stands still: queues fill, the rest is
//! dropped and counted, and nobody waits.

mod lines;
mod otlp;

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::{LogForm, TelemetryConfig};
use crate::failure::Failure;

use lines::Lines;
pub use lines::dropped;

/// How long the end waits for the last lines and spans.
const PATIENCE: Duration = Duration::from_secs(2);

/// Ends what [`start`] began when it is dropped: the last traces are sent then.
pub struct Telemetry {
    lines: Lines,
    provider: Option<SdkTracerProvider>,
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = &self.provider {
            _ = provider.shutdown_with_timeout(PATIENCE);
        }
        self.lines.flush(PATIENCE);
    }
}

/// Whether traces can be sent there.
///
/// # Errors
/// The endpoint cannot be.
pub fn check(config: &TelemetryConfig) -> Result<(), String> {
    let endpoint = config.otlp.as_deref().map(otlp::place).transpose();
    endpoint.map(|_| ()).map_err(|e| format!("telemetry.otlp: {e}"))
}

/// Begins to log, and to trace when an endpoint is configured. Must be called inside a runtime of
/// several threads. A process that logs already goes on as it did.
///
/// # Errors
/// The endpoint or `NOFX_LOG` cannot be.
pub fn start(config: &TelemetryConfig) -> Result<Telemetry, Failure> {
    let said = std::env::var("NOFX_LOG").unwrap_or_else(|_| "info".into());
    let filter = EnvFilter::try_new(&said);
    let filter = filter.map_err(|e| Failure::usage(format!("NOFX_LOG: {said:?}: {e}")))?;
    let provider = config.otlp.as_deref().map(otlp::provider).transpose();
    let provider = provider.map_err(|e| Failure::usage(format!("telemetry.otlp: {e}")))?;
    let lines = Lines::to_stderr();
    let traced = provider.as_ref().map(traces);
    let layers = tracing_subscriber::registry().with(filter).with(log(config.log, lines.clone()));
    _ = layers.with(traced).try_init();
    Ok(Telemetry { lines, provider })
}

fn log<S>(form: LogForm, lines: Lines) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let layer = fmt::layer().with_writer(lines).with_ansi(false);
    match form {
        LogForm::Json => Box::new(layer.json().flatten_event(true).with_span_list(false)),
        LogForm::Text => Box::new(layer),
    }
}

fn traces<S>(provider: &SdkTracerProvider) -> impl Layer<S> + Send + Sync + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    tracing_opentelemetry::layer().with_tracer(provider.tracer("nofx-control"))
}

#[cfg(test)]
mod tests;
