//! Which role answers a request.

use std::net::SocketAddr;
use std::sync::Arc;

use auth::{AuthServer, Peer};
use axum::Router;
pub(super) use axum::body::Body as AuthBody;
use http::{Request, Response, StatusCode};
use http_body_util::Either;
use hyper::body::Incoming;
use kernel::SecureRandom;
use mcp::Sidecar;
use net::server::LongLived;
use tower::ServiceExt as _;

use super::peer::Proxies;
use super::{panics, probes};
use crate::config::Settings;

/// The body of any answer: the sidecar's, or the authorization server's.
pub(super) type Body = Either<mcp::Body, AuthBody>;

/// Everything that answers requests in this process.
pub(super) struct App {
    pub(super) auth: Option<Arc<AuthServer>>,
    pub(super) sidecar: Option<Arc<Sidecar>>,
    router: Router,
    base_path: String,
    proxies: Proxies,
    random: Arc<dyn SecureRandom>,
}

impl App {
    pub(super) fn new(
        settings: Settings,
        auth: Option<Arc<AuthServer>>,
        sidecar: Option<Arc<Sidecar>>,
        random: Arc<dyn SecureRandom>,
    ) -> Self {
        let router = auth.as_ref().map_or_else(nothing_else, |auth| auth::router(Arc::clone(auth)));
        Self {
            auth,
            sidecar,
            router,
            base_path: settings.public_url.path().to_owned(),
            proxies: Proxies::new(settings.server.trusted_proxies),
            random,
        }
    }

    /// Answers one request. A panic costs that request and nothing else (T-LOG-03).
    ///
    /// The work is boxed, so that a connection whose answer goes on or that waits for its next
    /// request holds no room for it.
    pub(super) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Response<Body> {
        panics::contained(&*self.random, Box::pin(self.route(request, peer))).await
    }

    /// Ends streams soon, so that the process can.
    pub(super) fn drain(&self) {
        if let Some(sidecar) = &self.sidecar {
            sidecar.drain();
        }
    }

    async fn route(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let path = request.uri().path();
        if let Some(sidecar) = self.sidecar.as_ref().filter(|sidecar| sidecar.serves(path)) {
            return marked(sidecar.handle(request).await).map(Either::Left);
        }
        // Probes are answered at the root as well: whoever supervises the process need not know
        // under which path people reach it.
        match path.strip_prefix(self.base_path.as_str()).unwrap_or(path) {
            "/health" => probes::health().map(Either::Right),
            "/ready" => probes::ready(self).await.map(Either::Right),
            _ => Box::pin(self.authorization_server(request, peer)).await.map(Either::Right),
        }
    }

    async fn authorization_server(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Response<AuthBody> {
        let mut request = request.map(AuthBody::new);
        let address = self.proxies.client_address(request.headers(), peer.ip());
        request.extensions_mut().insert(Peer(address));
        match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// Tells the listener of streams that stand.
fn marked(mut response: Response<mcp::Body>) -> Response<mcp::Body> {
    if response.body().is_standing() {
        response.extensions_mut().insert(LongLived);
    }
    response
}

/// What the sidecar alone says about every other path.
fn nothing_else() -> Router {
    Router::new().fallback(async || {
        let body = r#"{"error":"not_found","error_description":"nothing is here"}"#;
        (StatusCode::NOT_FOUND, [(http::header::CONTENT_TYPE, "application/json")], body)
    })
}
