//! Putting the roles together: settings in, a running process out.

mod app;
mod auth_role;
mod authority;
mod catalogue;
mod hosts;
mod mcp_role;
mod metrics;
mod open_files;
mod otlp;
pub(crate) mod panics;
mod peer;
mod probes;
pub(crate) mod providers;
mod reload;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use kernel::{Clock, OsRandom, SecureRandom, SystemClock};
use net::server::Workers;
use store::{Store, StoreOptions};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{DatabaseSettings, Role, Settings};
use app::App;

/// Time and chance for everything that runs.
#[derive(Clone)]
pub struct Ambient {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of randomness.
    pub random: Arc<dyn SecureRandom>,
}

/// A running process.
pub struct Running {
    address: SocketAddr,
    metrics: Option<SocketAddr>,
    store: Option<Store>,
    servers: reload::Servers,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Ambient {
    /// The operating system's.
    pub fn system() -> Self {
        Self { clock: Arc::new(SystemClock), random: Arc::new(OsRandom::new()) }
    }
}

/// Starts the roles of `settings` on `listener`. The database is migrated first.
///
/// # Errors
///
/// What keeps it from starting.
pub async fn start(
    listener: TcpListener,
    settings: Settings,
    ambient: Ambient,
) -> anyhow::Result<Running> {
    let address = listener.local_addr().context("the listener has no address")?;
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let store = open_store(&settings).await?;
    let telemetry = settings.telemetry.clone();
    let spans = otlp::start(&telemetry, &stop, &tasks)?;
    let connections = open_files::connections();
    let workers = Workers::start(settings.server.workers).context("no threads can be started")?;
    let sidecar = (spans, connections);
    let (app, servers) = build(settings, store.clone(), &ambient, (&stop, &tasks), sidecar).await?;
    let metrics = metrics::start(&telemetry, &app, &stop, &tasks).await?;
    let answered = CancellationToken::new();
    let sidecar = app.sidecar.clone();
    if let Some(sidecar) = &sidecar {
        tasks.spawn(Arc::clone(sidecar).report(answered.clone()));
    }
    let served = serve(listener, connections, workers.clone(), app, stop.clone());
    tasks.spawn(async move {
        served.await;
        answered.cancel();
        if let Some(sidecar) = sidecar {
            sidecar.end().await;
        }
        // Until now they had to look after what was opened on them.
        drop(workers);
    });
    tasks.close();
    Ok(Running { address, metrics, store, servers, stop, tasks })
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its numbers are served, if anywhere.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// Its database, if it has one.
    pub fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// Puts the MCP servers of `settings` in place of the present ones while requests run. Nothing
    /// else of `settings` is looked at.
    ///
    /// # Errors
    ///
    /// Why they cannot be served. Nothing is changed then.
    pub fn replace_servers(&self, settings: &Settings) -> anyhow::Result<mcp::Changes> {
        self.servers.replace(settings)
    }

    /// Refuses new connections, lets running requests finish for a bounded time, and ends.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
        if let Some(store) = self.store {
            store.close().await;
        }
    }
}

/// How to open the configured database.
pub(crate) fn store_options(database: &DatabaseSettings) -> StoreOptions {
    let pool_size = database.pool_size;
    let listen_url = database.listen_url.as_ref().map(|url| url.reveal().to_owned());
    StoreOptions { pool_size, listen_url, ..StoreOptions::new(database.url.reveal()) }
}

async fn open_store(settings: &Settings) -> anyhow::Result<Option<Store>> {
    let Some(database) = &settings.database else {
        return Ok(None);
    };
    let opened = Store::open(store_options(database)).await;
    let store = opened.context("the database cannot be opened")?;
    store.migrate().await.context("the database schema cannot be brought up to date")?;
    Ok(Some(store))
}

async fn build(
    settings: Settings,
    store: Option<Store>,
    ambient: &Ambient,
    (stop, tasks): (&CancellationToken, &TaskTracker),
    (spans, connections): (Option<mcp::Spans>, usize),
) -> anyhow::Result<(Arc<App>, reload::Servers)> {
    let authority = Arc::new(authority::Late::default());
    let sidecar = match settings.role {
        Role::Auth => None,
        Role::All | Role::Mcp => {
            Some(mcp_role::build(&settings, &authority, ambient, spans, connections)?)
        }
    };
    let auth = match store {
        Some(store) => {
            let catalogue = catalogue::Catalogue::of(sidecar.clone(), &ambient.clock)?;
            Some(auth_role::build(&settings, store, catalogue, ambient).await?)
        }
        None => None,
    };
    match (&auth, &settings.mcp.authority) {
        (Some(auth), _) => authority.set(authority::InProcess::new(Arc::clone(auth))),
        (None, Some(remote)) => {
            authority.set(authority::Remote::new(
                remote,
                settings.issuer.as_str(),
                Arc::clone(&ambient.clock),
            )?);
        }
        (None, None) => anyhow::bail!("the sidecar alone needs mcp.authority or mcp.issuer"),
    }
    if let Some(auth) = &auth {
        tasks.spawn(Arc::clone(auth).run_background(stop.clone().cancelled_owned()));
    }
    if let Some(sidecar) = &sidecar {
        tasks.spawn(Arc::clone(sidecar).watch(stop.clone()));
    }
    let servers = reload::Servers::new(&settings, auth.as_ref(), sidecar.as_ref());
    let app = App::new(settings, auth, sidecar, Arc::clone(&ambient.random));
    Ok((Arc::new(app), servers))
}

async fn serve(
    listener: TcpListener,
    connections: usize,
    workers: Workers,
    app: Arc<App>,
    stop: CancellationToken,
) {
    let limits = net::server::Limits { connections, ..Default::default() };
    let answering = Arc::clone(&app);
    let drained = {
        let app = Arc::clone(&app);
        async move {
            stop.cancelled().await;
            app.drain();
        }
    };
    net::server::serve(
        listener,
        limits,
        workers,
        move |request, peer| Arc::clone(&answering).answer(request, peer),
        drained,
    )
    .await;
}
