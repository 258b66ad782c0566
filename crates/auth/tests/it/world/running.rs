//! One server on one listener.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use auth::{AuthServer, Peer, ToolCatalogue};
use axum::body::Body;
use kernel::OsRandom;
use kernel::encoding::sha256;
use protocol::ResourceUri;
use protocol::catalogue::{CatalogueTool, Consenting};
use store::{Store, StoreOptions};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::settings::{Settings, Site};

/// A running server, with what it does in the background.
pub(crate) struct Running {
    auth: Arc<AuthServer>,
    store: Store,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Running {
    /// Starts a server with these settings on this database, which is migrated first.
    pub(crate) async fn start(
        listener: TcpListener,
        settings: &Settings,
        site: &Site,
        database_url: &str,
    ) -> Result<Self, String> {
        let listen_url = settings.listen_url.clone();
        let options = StoreOptions { listen_url, ..StoreOptions::new(database_url) };
        let store = Store::open(options).await.map_err(words)?;
        store.migrate().await.map_err(words)?;
        let auth = AuthServer::start(
            settings.configuration(site),
            settings.resources(site),
            store.clone(),
            Arc::new(site.clock.clone()),
            Arc::new(OsRandom::new()),
            Arc::new(NoCatalogue),
        );
        let auth = auth.await.map_err(words)?;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(Arc::clone(&auth).run_background(stop.clone().cancelled_owned()));
        tasks.spawn(serve(listener, Arc::clone(&auth), stop.clone()));
        tasks.close();
        Ok(Self { auth, store, stop, tasks })
    }

    /// Whether it says that it signed this very token.
    pub(crate) fn has_signed(&self, token: &str) -> bool {
        self.auth.has_signed(&sha256(token.as_bytes()))
    }

    /// Tells when keys or statuses may have changed.
    pub(crate) fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.auth.changes()
    }

    /// Lets running requests finish, and ends.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
        self.store.close().await;
    }
}

/// A listener on loopback; port 0 takes any.
pub(crate) async fn listen(port: u16) -> TcpListener {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    TcpListener::bind(address).await.expect("a free port")
}

async fn serve(listener: TcpListener, auth: Arc<AuthServer>, stop: CancellationToken) {
    let router = auth::router(auth);
    let limits = net::server::Limits::default();
    net::server::serve(
        listener,
        limits,
        net::server::Workers::here(),
        move |request, peer: SocketAddr| {
            let router = router.clone();
            async move {
                let mut request = http::Request::map(request, Body::new);
                request.extensions_mut().insert(Peer(peer.ip()));
                match router.oneshot(request).await {
                    Ok(response) => response,
                    Err(never) => match never {},
                }
            }
        },
        stop.cancelled_owned(),
    )
    .await;
}

/// No server says which tools it has, so the consent page names none.
struct NoCatalogue;

impl ToolCatalogue for NoCatalogue {
    fn tools(
        &self,
        _: &ResourceUri,
        _: Consenting,
        _: String,
    ) -> futures_util::future::BoxFuture<'_, Option<Arc<Vec<CatalogueTool>>>> {
        Box::pin(std::future::ready(None))
    }
}

/// An error with its causes, as the binary writes it.
fn words(error: impl Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
