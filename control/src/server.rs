//! HTTPS with client certificates: accept loop, limits, graceful end.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

use crate::app::App;
use crate::config::Config;
use crate::failure::Failure;
use crate::identity::{self, Gate};
use crate::kill::KillDesk;
use crate::policy::Policy;
use crate::{api, console, service, telemetry};

/// Arguments of `nofx-control serve`.
#[derive(Clone, Debug, clap::Args)]
pub struct ServeArgs {
    /// The configuration (docs/control.md).
    #[arg(long, value_name = "FILE", default_value = "control.toml")]
    pub config: PathBuf,
}

/// Arguments of `nofx-control check`.
#[derive(Clone, Debug, clap::Args)]
pub struct CheckArgs {
    /// The configuration (docs/control.md).
    #[arg(long, value_name = "FILE", default_value = "control.toml")]
    pub config: PathBuf,
}

/// `nofx-control check`.
///
/// # Errors
/// The configuration, or a file it names.
pub fn check(args: &CheckArgs) -> Result<(), Failure> {
    let config = Config::load(&args.config)?;
    Gate::open(&config.server).map_err(Failure::input)?;
    Policy::open(config.policy.file.as_deref()).map_err(Failure::usage)?;
    KillDesk::open(&config)?;
    println!("{}: good", args.config.display());
    Ok(())
}

/// `nofx-control serve`.
///
/// # Errors
/// The configuration, a file it names, or the address.
pub fn serve(args: &ServeArgs) -> Result<(), Failure> {
    let config = Config::load(&args.config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|e| Failure::input(format!("runtime: {e}")))?;
    runtime.block_on(async {
        let _telemetry = telemetry::start(&config.telemetry)?;
        let app = App::open(config)?;
        let server = Server::bind(app).await?;
        println!("https://{}", server.address());
        server.run().await
    })
}

/// A server that listens.
pub struct Server {
    app: Arc<App>,
    listener: TcpListener,
    gate: Arc<Gate>,
    address: SocketAddr,
}

impl Server {
    /// Listens at the configured address.
    ///
    /// # Errors
    /// The address is taken, or a certificate cannot be read.
    pub async fn bind(app: Arc<App>) -> Result<Server, Failure> {
        let gate = Gate::open(&app.config.server).map_err(Failure::input)?;
        let listen = app.config.server.listen;
        let taken = |e| Failure::input(format!("server.listen: {listen}: {e}"));
        let listener = TcpListener::bind(listen).await.map_err(taken)?;
        let address = listener.local_addr().map_err(taken)?;
        Ok(Server { app, listener, gate, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves.
    ///
    /// # Errors
    /// None now.
    pub async fn run(self) -> Result<(), Failure> {
        let router = router(self.app.clone());
        tokio::spawn(self.gate.clone().watch());
        tokio::spawn(crate::kill::watch(self.app.clone()));
        service::ready(&self.app);
        loop {
            let Ok((stream, peer)) = self.listener.accept().await else { continue };
            let (gate, router) = (self.gate.clone(), router.clone());
            tokio::spawn(async move {
                let Ok(stream) = gate.acceptor().accept(stream).await else { return };
                let peer = gate.peer(stream.get_ref().1, peer);
                let router = router.layer(axum::Extension(peer));
                let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let service = TowerToHyperService::new(router);
                let io = TokioIo::new(stream);
                _ = builder.serve_connection_with_upgrades(io, service).await;
            });
        }
    }
}

/// Everything that is served.
pub fn router(app: Arc<App>) -> Router {
    let require = axum::middleware::from_fn(identity::require);
    api::routes().merge(console::routes()).layer(require).with_state(app)
}
