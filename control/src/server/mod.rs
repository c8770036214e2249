//! HTTPS with client certificates: commands, accept loop, limits, graceful end.
//!
//! Model: one listener; a task per connection does the TLS handshake, then serves HTTP/1.1 or 2
//! through one router ([`layers`]). What a peer can hold is bounded before it is served: connections
//! in all and by address ([`slots`]), the time of a handshake, of the headers and of a request, the
//! length of headers and bodies, the streams of a connection. The server's certificate and the
//! clients' authority are read again when their files change ([`gates`]); connections that are open go
//! on under what they began with, but their certificate is judged on every request.
//!
//! Worst case: `max_connections` of TLS sessions and buffers (some 100 KiB each) and no more; a
//! connection above the bound is closed at once. On SIGTERM no connection is accepted any more,
//! requests under way get [`GRACE`] to end, streams end by themselves.

mod gates;
mod layers;
mod slots;
mod unread;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::App;
use crate::config::Config;
use crate::failure::Failure;
use crate::identity::Gate;
use crate::{kill, service, telemetry};
use gates::Gates;
use slots::Slots;

/// Time that requests under way have when the process ends.
pub const GRACE: Duration = Duration::from_secs(10);
/// Threads for what waits for a disk: a service manager bounds tasks, and engaging wants some too.
const BLOCKING: usize = 32;
/// Pause after an accept that failed: file descriptors are short.
const PAUSE: Duration = Duration::from_millis(50);
/// Streams (requests at a time) of one HTTP/2 connection.
const STREAMS: u32 = 64;
/// Longest headers of a request.
const HEADERS: u32 = 32 << 10;

/// Arguments of `nofx-control serve`.
#[derive(Clone, Debug, clap::Args)]
pub struct ServeArgs {
    /// The configuration (docs/control.md).
    #[arg(long, value_name = "FILE", default_value = "control.toml")]
    pub config: PathBuf,
}

/// `nofx-control serve`.
///
/// # Errors
/// The configuration, a file it names, or the address.
pub fn serve(args: &ServeArgs) -> Result<(), Failure> {
    let config = Config::load(&args.config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(BLOCKING)
        .enable_all()
        .build();
    let runtime = runtime.map_err(|e| Failure::input(format!("runtime: {e}")))?;
    runtime.block_on(async {
        let _telemetry = telemetry::start(&config.telemetry)?;
        let app = App::open(config)?;
        let server = Server::bind(app).await?;
        println!("https://{}", server.address());
        server.run(stop_signal()).await;
        Ok(())
    })
}

/// SIGTERM or Ctrl-C.
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
}

/// A server that listens.
pub struct Server {
    app: Arc<App>,
    listener: TcpListener,
    gates: Arc<Gates>,
    address: SocketAddr,
}

impl Server {
    /// Listens at the configured address.
    ///
    /// # Errors
    /// The address is taken, or a certificate cannot be read.
    pub async fn bind(app: Arc<App>) -> Result<Server, Failure> {
        let gates = Gates::open(&app.config.server)?;
        let listen = app.config.server.listen;
        let taken = |e| Failure::input(format!("server.listen: {listen}: {e}"));
        let listener = TcpListener::bind(listen).await.map_err(taken)?;
        let address = listener.local_addr().map_err(taken)?;
        Ok(Server { app, listener, gates, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, then lets what is under way end, but not longer than [`GRACE`].
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let watched = tokio::spawn(self.gates.clone().watch(self.app.clone()));
        let kill = tokio::spawn(kill::watch(self.app.clone()));
        service::ready(&self.app);
        let connections = self.accept_until(stop).await;
        service::stopping();
        drop(self.listener);
        end(&self.app, connections).await;
        watched.abort();
        kill.abort();
    }

    async fn accept_until(&self, stop: impl Future<Output = ()>) -> JoinSet<()> {
        let server = &self.app.config.server;
        let slots = Slots::new(server.max_connections, server.max_connections_per_peer);
        let serving = Serving {
            router: layers::router(self.app.clone()),
            http: http(server.header_timeout_ms),
            handshake: Duration::from_millis(server.handshake_timeout_ms),
            ending: self.app.ending.subscribe(),
        };
        let mut connections = JoinSet::new();
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => return connections,
                Some(_) = connections.join_next() => continue,
                accepted = self.listener.accept() => accepted,
            };
            let Ok((stream, peer)) = accepted else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let Some(slot) = slots.take(peer.ip()) else {
                tracing::debug!(%peer, "too many connections: closed");
                self.app.metrics.turned_away();
                continue; // dropped: closed
            };
            let (serving, gate) = (serving.clone(), self.gates.current());
            let open = self.app.metrics.connected();
            connections.spawn(async move {
                serving.connection(stream, peer, gate).await;
                drop((slot, open));
            });
        }
    }
}

/// Says that it ends, and waits for the connections.
async fn end(app: &App, mut connections: JoinSet<()>) {
    app.ending.send_replace(true);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, all).await.is_err() {
        tracing::warn!("connections are cut off: they did not end in time");
    }
}

fn http(header_timeout_ms: u64) -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(header_timeout_ms))
        .max_buf_size(64 << 10);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10))
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADERS);
    http
}

/// What every connection needs.
#[derive(Clone)]
struct Serving {
    router: Router,
    http: Builder<TokioExecutor>,
    handshake: Duration,
    ending: watch::Receiver<bool>,
}

impl Serving {
    async fn connection(mut self, stream: TcpStream, peer: SocketAddr, gate: Arc<Gate>) {
        _ = stream.set_nodelay(true);
        let handshake = tokio::time::timeout(self.handshake, gate.acceptor().accept(stream));
        let stream = match handshake.await {
            Ok(Ok(stream)) => stream,
            Ok(Err(e)) => return tracing::debug!(%peer, error = %e, "handshake failed"),
            Err(_) => return tracing::debug!(%peer, "handshake took too long"),
        };
        let known = gate.peer(stream.get_ref().1, peer);
        let service = TowerToHyperService::new(self.router.layer(axum::Extension(known)));
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        let ending = async move { _ = self.ending.wait_for(|ending| *ending).await };
        tokio::pin!(connection, ending);
        let done = tokio::select! {
            done = connection.as_mut() => done,
            () = ending => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(e) = done {
            tracing::debug!(%peer, error = %e, "connection ended");
        }
    }
}
