//! [`Client`]: one request over HTTPS with a client certificate.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, Request, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::profile::Target;
use crate::failure::Failure;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Largest answer.
const ANSWER_MAX: usize = 64 << 20;

/// A server to ask.
pub struct Client {
    tls: TlsConnector,
    name: ServerName<'static>,
    host: String,
    port: u16,
}

/// What a request asks.
pub struct Ask {
    method: Method,
    path: String,
    body: Option<Value>,
    headers: Vec<(&'static str, String)>,
}

/// What the server answered.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// JSON, else the text; null: nothing.
    pub body: Value,
}

impl Answer {
    /// Whether the body says what went wrong.
    pub fn is_problem(&self) -> bool {
        self.status >= 400 && self.body.get("detail").is_some_and(Value::is_string)
    }
}

impl Ask {
    /// Reads.
    pub fn get(path: impl Into<String>) -> Ask {
        Ask { method: Method::GET, path: path.into(), body: None, headers: Vec::new() }
    }

    /// Changes.
    pub fn change(method: Method, path: impl Into<String>, body: Option<Value>) -> Ask {
        Ask { method, path: path.into(), body, headers: Vec::new() }
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Ask {
        self.headers.push((name, value.into()));
        self
    }
}

impl Client {
    /// Reads the certificates.
    ///
    /// # Errors
    /// A file cannot be read, or does not hold what it should; the option is named.
    pub fn new(target: &Target) -> Result<Client, Failure> {
        let wrong = |option: &str, path: &std::path::Path, e: &dyn std::fmt::Display| {
            Failure::usage(format!("--{option} {}: {e}", path.display()))
        };
        let read = |option: &str, path: &std::path::Path| {
            let found: Result<Vec<CertificateDer<'static>>, _> =
                CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
            found.map_err(|e| wrong(option, path, &e))
        };
        let mut roots = RootCertStore::empty();
        for root in read("ca", &target.ca)? {
            roots.add(root).map_err(|e| wrong("ca", &target.ca, &e))?;
        }
        let key =
            PrivateKeyDer::from_pem_file(&target.key).map_err(|e| wrong("key", &target.key, &e))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| wrong("key", &target.key, &e))?
            .with_root_certificates(roots)
            .with_client_auth_cert(read("cert", &target.cert)?, key)
            .map_err(|e| wrong("cert", &target.cert, &e))?;
        let name = ServerName::try_from(target.host.clone());
        Ok(Client {
            tls: TlsConnector::from(Arc::new(tls)),
            name: name.map_err(|e| Failure::usage(format!("--server {}: {e}", target.host)))?,
            host: target.host.clone(),
            port: target.port,
        })
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// No connection, or it broke: of a change the outcome is not known then.
    pub async fn ask(&self, ask: Ask) -> Result<Answer, Failure> {
        let key = ask.headers.iter().find(|(name, _)| *name == "idempotency-key");
        let again = key.map_or_else(String::new, |(_, key)| {
            format!("; whether it was done is not known: ask again with --idempotency-key {key}")
        });
        let io = self.connect().await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io)
            .await
            .map_err(|e| Failure::input(format!("{}:{}: {e}", self.host, self.port)))?;
        tokio::spawn(async move { _ = connection.await });
        let request = self.request(ask)?;
        let exchange = async {
            let response = sender.send_request(request).await.map_err(|e| e.to_string())?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await;
            Ok::<_, String>((status, body.map_err(|e| e.to_string())?.to_bytes()))
        };
        let answer = tokio::time::timeout(PATIENCE, exchange).await;
        let answer = answer.unwrap_or_else(|_| Err(format!("no answer within {PATIENCE:?}")));
        let (status, bytes) = answer
            .map_err(|e| Failure::input(format!("{}:{}: {e}{again}", self.host, self.port)))?;
        Ok(Answer { status, body: value(&bytes) })
    }

    async fn connect(
        &self,
    ) -> Result<TokioIo<tokio_rustls::client::TlsStream<TcpStream>>, Failure> {
        let place = format!("{}:{}", self.host, self.port);
        let connect = async {
            let tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
            self.tls.connect(self.name.clone(), tcp).await
        };
        match tokio::time::timeout(CONNECT, connect).await {
            Ok(Ok(stream)) => Ok(TokioIo::new(stream)),
            Ok(Err(e)) => Err(Failure::input(format!(
                "{place}: {e}: is the server there (`nofx-control serve`), and --ca its authority?"
            ))),
            Err(_) => Err(Failure::input(format!("{place}: no connection within {CONNECT:?}"))),
        }
    }

    fn request(&self, ask: Ask) -> Result<Request<Full<Bytes>>, Failure> {
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let mut request = Request::builder()
            .method(ask.method)
            .uri(format!("/api/v1{}", ask.path))
            .header(header::HOST, format!("{host}:{}", self.port))
            .header(header::ACCEPT, "application/json");
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        if ask.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = ask.body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        request
            .body(Full::new(body))
            .map_err(|e| Failure::usage(format!("the request cannot be: {e}")))
    }
}

fn value(bytes: &[u8]) -> Value {
    match bytes.is_empty() {
        true => Value::Null,
        false => serde_json::from_slice(bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned())),
    }
}

/// A part of a path or query: whatever is not unreserved (RFC 3986, 2.3) is escaped.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(char::from(byte));
            }
            _ => escaped += &format!("%{byte:02X}"),
        }
    }
    escaped
}
