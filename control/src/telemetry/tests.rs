use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Instant;

use super::*;

/// A collector: hands over the head and the body of each request.
fn collector() -> (String, mpsc::Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = format!("http://{}/v1/traces", listener.local_addr().expect("its address"));
    let (sender, received) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut bytes = Vec::new();
            let (mut piece, mut whole) = ([0; 4_096], None);
            while whole.is_none_or(|whole| bytes.len() < whole) {
                let n = stream.read(&mut piece).unwrap_or(0);
                if n == 0 {
                    break;
                }
                bytes.extend_from_slice(&piece[..n]);
                whole = whole.or_else(|| length(&bytes));
            }
            let head = bytes.windows(4).position(|w| w == b"\r\n\r\n").map_or(0, |at| at + 4);
            let body = bytes.split_off(head);
            _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
            _ = sender.send((String::from_utf8_lossy(&bytes).into_owned(), body));
        }
    });
    (at, received)
}

fn length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "))?;
    Some(head + length.trim().parse::<usize>().ok()?)
}

/// Field `number` of a protobuf message, length-delimited, every time it stands there: written from
/// the encoding's description, knowing nothing of the library that encoded it.
fn fields(mut bytes: &[u8], number: u64) -> Vec<&[u8]> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (first, rest) = bytes.split_first().expect("a varint ends");
            *bytes = rest;
            value |= u64::from(first & 0x7F) << shift;
            if first & 0x80 == 0 {
                break;
            }
        }
        value
    }
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let size = match tag & 7 {
            0 => {
                varint(&mut bytes);
                continue;
            }
            1 => 8,
            2 => varint(&mut bytes) as usize,
            5 => 4,
            kind => panic!("wire type {kind}"),
        };
        let (field, rest) = bytes.split_at(size);
        bytes = rest;
        if tag >> 3 == number && tag & 7 == 2 {
            found.push(field);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_span_arrives_at_the_collector_as_protobuf() {
    let (at, received) = collector();
    let provider = otlp::provider(&at).expect("an endpoint");
    let subscriber = tracing_subscriber::registry().with(traces(&provider));
    tracing::subscriber::with_default(subscriber, || {
        tracing::info_span!("request", route = "/api/v1/kill").in_scope(|| {});
    });
    let sent = tokio::task::spawn_blocking(move || {
        _ = provider.shutdown_with_timeout(Duration::from_secs(20));
        received.recv_timeout(Duration::from_secs(20))
    });
    let (head, body) = sent.await.expect("joined").expect("a request came");
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
    assert!(head.to_lowercase().contains("content-type: application/x-protobuf"), "{head}");
    // ExportTraceServiceRequest.resource_spans = 1, ResourceSpans.resource = 1 and .scope_spans = 2,
    // ScopeSpans.spans = 2, Span.name = 5 and .attributes = 9 (opentelemetry-proto, trace.proto).
    let resource_spans = fields(&body, 1)[0];
    let resource = fields(resource_spans, 1)[0];
    assert!(String::from_utf8_lossy(resource).contains("nofx-control"));
    let span = fields(fields(resource_spans, 2)[0], 2)[0];
    assert_eq!(fields(span, 5), [b"request"]);
    let attributes = fields(span, 9);
    let routes = attributes.iter().filter(|a| String::from_utf8_lossy(a).contains("/api/v1/kill"));
    assert_eq!(routes.count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_not_there_or_says_nothing_holds_nobody_up() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent_at = format!("http://{}/", silent.local_addr().expect("its address"));
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port");
    let gone_at = format!("http://{}/", gone.local_addr().expect("its address"));
    drop(gone);
    for at in [silent_at, gone_at] {
        let provider = otlp::provider(&at).expect("an endpoint");
        let subscriber = tracing_subscriber::registry().with(traces(&provider));
        // Far more than may wait: what does not fit is dropped, and the caller goes on.
        let begun = Instant::now();
        tracing::subscriber::with_default(subscriber, || {
            (0..20_000).for_each(|n| tracing::info_span!("request", n).in_scope(|| {}));
        });
        let spent = begun.elapsed();
        assert!(spent < Duration::from_secs(60), "the caller waited: {spent:?}");
        let ended = tokio::task::spawn_blocking(move || {
            provider.shutdown_with_timeout(Duration::from_secs(1))
        });
        _ = ended.await.expect("the end comes all the same");
    }
}

#[test]
fn a_line_of_the_log_is_one_json_object() {
    let (out, said) = mpsc::channel::<Vec<u8>>();
    struct Out(mpsc::Sender<Vec<u8>>);
    impl Write for Out {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            _ = self.0.send(bytes.to_vec());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let lines = Lines::to(Out(out));
    let subscriber = tracing_subscriber::registry().with(log(LogForm::Json, lines.clone()));
    tracing::subscriber::with_default(subscriber, || {
        tracing::warn!(engine = "alpha", "quotes \" and\nnew lines");
    });
    lines.flush(Duration::from_secs(10));
    let line = said.recv().expect("a line");
    let object: serde_json::Value = serde_json::from_slice(&line).expect("one JSON object");
    assert_eq!(object["message"], "quotes \" and\nnew lines");
    assert_eq!(
        (object["level"].as_str(), object["engine"].as_str()),
        (Some("WARN"), Some("alpha"))
    );
    assert_eq!(line.iter().filter(|b| **b == b'\n').count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nothing_is_sent_when_no_endpoint_is_named() {
    let started = start(&TelemetryConfig::default()).expect("starts");
    assert!(started.provider.is_none());
    let wrong = TelemetryConfig { otlp: Some("https://x".into()), ..TelemetryConfig::default() };
    assert!(start(&wrong).is_err_and(|e| e.to_string().contains("telemetry.otlp")));
}
