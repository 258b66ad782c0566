//! The sidecar as a whole: which path belongs to whom.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use kernel::{Clock, SecureRandom};
use prometheus_client::registry::Registry;
use protocol::catalogue::{CatalogueTool, Consenting};
use protocol::jsonrpc::INVALID_REQUEST;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use upstream::Means;
use upstream::http::connect::Pool;
use upstream::http::health;

use crate::access::Trust;
use crate::authority::Authority;
use crate::config::{Config, ConfigError};
use crate::endpoint::catalogue::Catalogues;
use crate::endpoint::documents::Document;
use crate::endpoint::ready::NotReady;
use crate::endpoint::server::Server;
use crate::endpoint::sse_front::InFront;
use crate::endpoint::{EndpointKind, catalogue, discovery, documents, ready, watch};
use crate::observe::Observer;
use crate::reply::Fault;
use crate::reply::body::Body;
use crate::reply::in_flight::InFlight;
use crate::request::Shared;
use crate::request::pulse::Pulse;
use crate::sealing::Sealing;
use crate::{endpoint, observe};

/// The resource sidecar.
pub struct Sidecar {
    /// Longest path first, so that `/mcp/hr` is not taken for something below `/mcp`.
    servers: Vec<Arc<Server>>,
    shared: Arc<Shared>,
    catalogues: Catalogues,
}

/// How long the upstreams may take to hear that their sessions ended.
const PARTING: Duration = Duration::from_secs(2);

/// Whom a path belongs to.
enum PathOwner<'s> {
    Catalogue(&'s Arc<Server>),
    Document(&'s Arc<Server>, Document),
    Server(&'s Arc<Server>, EndpointKind),
}

impl Sidecar {
    /// A sidecar for these servers. It asks the authority nothing yet.
    ///
    /// # Errors
    ///
    /// The first thing in the configuration that cannot work.
    pub fn new(
        config: Config,
        authority: Arc<dyn Authority>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn SecureRandom>,
    ) -> Result<Arc<Self>, ConfigError> {
        config.check()?;
        let observer =
            Observer::new(config.observe, config.limits.audit_entries, Arc::clone(&random));
        let sealing = Sealing { key: Arc::new(config.sealing_key), random };
        let closing = TaskTracker::new();
        let means = Means {
            clock: Arc::clone(&clock),
            random: Arc::clone(&sealing.random),
            limits: config.limits.upstream.clone(),
            closing: closing.clone(),
        };
        let trust = Arc::new(Trust::new(authority, clock, config.max_status_age_seconds));
        let server = |server| {
            Server::new(server, &config.issuer, &config.limits, &trust, &sealing, means.clone())
        };
        let servers = config.servers.iter().map(|config| server(config).map(Arc::new));
        let mut servers = servers.collect::<Result<Vec<_>, _>>()?;
        servers.sort_by_key(|server| std::cmp::Reverse(server.endpoint.path.len()));
        let secure = config.peer_url.as_ref().and_then(http::Uri::scheme_str) == Some("https");
        let connect_timeout = config.limits.upstream.connect_timeout;
        let shared = Arc::new(Shared {
            peers: Pool::web(connect_timeout, secure, "").map_err(upstream::ConfigError::Tls)?,
            trust,
            pulse: Arc::new(Pulse::new()),
            in_flight: InFlight::new(&config.limits),
            discovering: discovery::in_flight(&config.limits),
            limits: config.limits,
            sealing,
            peer_url: config.peer_url,
            allowed_hosts: config.allowed_hosts,
            allowed_origins: config.allowed_origins,
            observer: Arc::new(observer),
            closing,
        });
        Ok(Arc::new(Self { servers, shared, catalogues: Catalogues::default() }))
    }

    /// Whether a request for this path belongs here. Cheap.
    pub fn serves(&self, path: &str) -> bool {
        self.place(path).is_some()
    }

    /// Answers one request. The future may be dropped at any time; the upstream then sees
    /// its connection closed.
    pub async fn handle<B>(self: &Arc<Self>, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        match self.place(request.uri().path()) {
            Some(PathOwner::Server(server, spot)) => {
                endpoint::answer(&self.shared, server, spot, request).await
            }
            Some(PathOwner::Document(server, document)) => {
                let (parts, _body) = request.into_parts();
                let asked = (&parts.method, &parts.headers);
                documents::answer(&self.shared, server, document, asked).await
            }
            Some(PathOwner::Catalogue(server)) => {
                let asked = (request.method(), request.headers());
                match catalogue::answer(&self.shared, &self.catalogues, &server.endpoint, asked)
                    .await
                {
                    Some(response) => response,
                    None => {
                        endpoint::answer(&self.shared, server, EndpointKind::Below, request).await
                    }
                }
            }
            None => nothing_here(),
        }
    }

    /// Keeps keys and status lists current, looks whether the upstreams are well, and ends
    /// the streams of tokens that end. Runs until
    /// `shutdown` is cancelled.
    pub async fn watch(self: Arc<Self>, shutdown: CancellationToken) {
        let upstreams: Vec<_> =
            self.servers.iter().map(|server| Arc::clone(&server.endpoint.upstream)).collect();
        let looking = health::run(&upstreams, shutdown.clone());
        tokio::join!(watch::run(&self.shared, &self.servers, shutdown), looking);
    }

    /// Reports calls and denials to the authority. Runs until `done` is cancelled, which should be
    /// when the last request was answered, and then says what is left within three seconds.
    pub async fn report(self: Arc<Self>, done: CancellationToken) {
        observe::report(&self.shared.observer.queue, &self.shared.trust, done).await;
    }

    /// Gives the sidecar's numbers their names.
    pub fn register_metrics(&self, registry: &mut Registry) {
        self.shared.observer.meter.register(registry);
        self.shared.observer.meter.begin(self.servers.iter().map(|server| &server.endpoint.name));
    }

    /// Brings the numbers up to date that are not counted as they happen. To be called before they
    /// are read.
    pub fn sample_metrics(&self) {
        let numbers = self.servers.iter().map(|server| server.endpoint.numbers());
        self.shared.observer.meter.sample(&self.shared.observer.queue, numbers);
    }

    /// Begins the end: standing streams stop now, running answers after a short grace. Requests
    /// are still answered until the listener closes.
    pub fn drain(&self) {
        self.shared.pulse.drain();
    }

    /// Ends the sessions that the sidecar holds at the upstreams. To be called when the last
    /// request was answered; takes two seconds at most.
    pub async fn end(&self) {
        for server in &self.servers {
            server.end();
        }
        self.shared.closing.close();
        if tokio::time::timeout(PARTING, self.shared.closing.wait()).await.is_err() {
            tracing::debug!("some sessions at upstreams were left to time out");
        }
    }

    /// Whether requests can be served: keys are known and every upstream accepts
    /// connections.
    ///
    /// # Errors
    ///
    /// What is missing.
    pub async fn ready(&self) -> Result<(), NotReady> {
        ready::check(&self.shared, &self.servers).await
    }

    /// The tools of a server that this person could ever use there, each with the scope that opens
    /// it, for the consent page. `None` if the server does not answer within two
    /// seconds or is not known. Kept for a minute.
    pub async fn catalogue(
        &self,
        server: &str,
        person: &Consenting,
    ) -> Option<Arc<Vec<CatalogueTool>>> {
        let server = self.servers.iter().find(|known| *known.endpoint.name == *server)?;
        catalogue::of(&self.shared, &self.catalogues, &server.endpoint, person).await
    }

    /// The server of this name.
    #[cfg(test)]
    pub(crate) fn server(&self, name: &str) -> Option<&Arc<Server>> {
        self.servers.iter().find(|server| *server.endpoint.name == *name)
    }

    /// The only server, for tests of what is inside.
    #[cfg(test)]
    pub(crate) fn inside(&self) -> (&Arc<Shared>, &Arc<crate::request::Endpoint>) {
        (&self.shared, &self.servers[0].endpoint)
    }

    /// What the only server keeps for calls that cross eras.
    #[cfg(test)]
    pub(crate) fn bridge(&self) -> &Arc<crate::bridge::State> {
        &self.servers[0].bridge
    }

    fn place(&self, path: &str) -> Option<PathOwner<'_>> {
        for server in &self.servers {
            match server.sse.as_ref().and_then(|front| front.place(path)) {
                Some(InFront::Spot(spot)) => return Some(PathOwner::Server(server, spot)),
                Some(InFront::Catalogue) => return Some(PathOwner::Catalogue(server)),
                Some(InFront::Metadata) => {
                    return Some(PathOwner::Document(server, Document::SseResourceMetadata));
                }
                None => {}
            }
            if let Some(rest) = path.strip_prefix(server.endpoint.path.as_str()) {
                match rest {
                    "" | "/" => return Some(PathOwner::Server(server, EndpointKind::Endpoint)),
                    _ if server.endpoint.metadata_paths.iter().any(|known| known == path) => {}
                    "/catalogue" => return Some(PathOwner::Catalogue(server)),
                    _ if !rest.starts_with('/') => continue,
                    _ => {
                        return Some(
                            Document::below(rest).map_or(
                                PathOwner::Server(server, EndpointKind::Below),
                                |document| PathOwner::Document(server, document),
                            ),
                        );
                    }
                }
            }
            if server.endpoint.metadata_paths.iter().any(|known| known == path) {
                return Some(PathOwner::Document(server, Document::ResourceMetadata));
            }
        }
        None
    }
}

fn nothing_here() -> Response<Body> {
    let message = "there is nothing at this path";
    Fault { status: StatusCode::NOT_FOUND, code: INVALID_REQUEST, message }
        .for_id(None)
        .into_response()
}
