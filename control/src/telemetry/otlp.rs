//! The way of the traces out: OTLP over HTTP, to a collector on this host or in this network.
//!
//! The batch processor of the SDK has a thread and a bounded queue of its own and drops what does
//! not fit; this is the HTTP client it sends with: one request, one connection, all of it within
//! [`WITHIN`]. Plain HTTP: a collector that wants TLS is reached through one beside us.

use std::pin::Pin;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use opentelemetry::KeyValue;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};
use tokio::net::TcpStream;
use tokio::runtime::Handle;

/// Longest time for one batch.
const WITHIN: Duration = Duration::from_secs(5);
/// Longest answer that is read.
const ANSWER_MAX: usize = 64 * 1024;
/// Spans that may wait.
const WAITING: usize = 2_048;

/// What sends spans to `endpoint`, `http://host:port/path`. Must be called inside a runtime.
///
/// # Errors
/// The endpoint is no such address.
pub(super) fn provider(endpoint: &str) -> Result<SdkTracerProvider, String> {
    place(endpoint)?;
    let client = Client { runtime: Handle::current() };
    let exporter = SpanExporter::builder().with_http().with_http_client(client);
    let exporter = exporter.with_endpoint(endpoint).with_timeout(WITHIN).build();
    let exporter = exporter.map_err(|e| e.to_string())?;
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(WAITING)
        .with_scheduled_delay(Duration::from_secs(1))
        .build();
    let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder_empty().with_service_name("nofx-control");
    let resource = resource.with_attribute(version).build();
    Ok(SdkTracerProvider::builder().with_span_processor(processor).with_resource(resource).build())
}

/// Host and port of an endpoint.
pub(super) fn place(endpoint: &str) -> Result<(String, u16), String> {
    let uri: Uri = endpoint.parse().map_err(|e| format!("{endpoint:?}: {e}"))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http"), Some(host)) => {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            Ok((host.to_owned(), uri.port_u16().unwrap_or(80)))
        }
        _ => Err(format!("{endpoint:?} is not http://host:port/path: put a collector beside us")),
    }
}

#[derive(Debug)]
struct Client {
    runtime: Handle,
}

impl HttpClient for Client {
    // What `async fn` in the trait's macro becomes.
    fn send_bytes<'a, 'b>(
        &'a self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        // The caller's thread is the batch processor's, which knows no runtime.
        let sent = self.runtime.spawn(async { tokio::time::timeout(WITHIN, send(request)).await });
        Box::pin(async move { sent.await?? })
    }
}

async fn send(mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (host, port) = place(&request.uri().to_string())?;
    let stream = TcpStream::connect((host.as_str(), port)).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let at = HeaderValue::from_str(&format!("{host}:{port}"))?;
    request.headers_mut().insert(header::HOST, at);
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse()?;
    let (head, body) = sender.send_request(request.map(Full::new)).await?.into_parts();
    let body = Limited::new(body, ANSWER_MAX).collect().await?.to_bytes();
    connection.abort();
    Ok(Response::from_parts(head, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_that_cannot_be_are_refused() {
        assert_eq!(place("http://127.0.0.1:4318/v1/traces"), Ok(("127.0.0.1".into(), 4_318)));
        assert_eq!(place("http://[::1]:1/x"), Ok(("::1".into(), 1)));
        for endpoint in ["https://a/b", "collector:4318", "", "http://", "ftp://a", "/v1/traces"] {
            assert!(place(endpoint).is_err(), "{endpoint}");
        }
    }
}
