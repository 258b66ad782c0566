//! The sidecar as a whole.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use kernel::{Clock, SecureRandom};
use prometheus_client::registry::Registry as Metrics;
use protocol::ResourceUri;
use protocol::catalogue::{CatalogueTool, Consenting};
use protocol::jsonrpc::INVALID_REQUEST;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use upstream::Means;
use upstream::http::Pool;
use upstream::http::health;

use crate::access::Trust;
use crate::authority::Authority;
use crate::config::{Config, ConfigError, ServerConfig};
use crate::endpoint::ready::NotReady;
use crate::endpoint::{EndpointKind, catalogue, discovery, documents, ready};
use crate::observe::Observer;
use crate::registry::watch;
use crate::registry::{Changes, PathOwner, Registry};
use crate::reply::Fault;
use crate::reply::body::Body;
use crate::reply::in_flight::InFlight;
use crate::request::Shared;
use crate::request::endpoint::Foundation;
use crate::request::pulse::Pulse;
use crate::sealing::Sealing;
use crate::{endpoint, observe};

/// The resource sidecar.
pub struct Sidecar {
    servers: Registry,
    shared: Arc<Shared>,
}

/// How long the upstreams may take to hear that their sessions ended.
const PARTING: Duration = Duration::from_secs(2);

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
        let pulse = Arc::new(Pulse::new());
        let foundation = Foundation {
            issuer: config.issuer,
            limits: config.limits.clone(),
            trust: Arc::clone(&trust),
            sealing: sealing.clone(),
            means,
            pulse: Arc::clone(&pulse),
        };
        let servers = Registry::new(foundation, config.servers)?;
        let secure = config.peer_url.as_ref().and_then(http::Uri::scheme_str) == Some("https");
        let connect_timeout = config.limits.upstream.connect_timeout;
        let shared = Arc::new(Shared {
            peers: Pool::web(connect_timeout, secure, "").map_err(upstream::ConfigError::Tls)?,
            trust,
            pulse,
            in_flight: InFlight::new(&config.limits),
            discovering: discovery::in_flight(&config.limits),
            limits: config.limits,
            sealing,
            peer_url: config.peer_url,
            allowed_hosts: ArcSwap::from_pointee(config.allowed_hosts),
            allowed_origins: config.allowed_origins,
            observer: Arc::new(observer),
            closing,
        });
        Ok(Arc::new(Self { servers, shared }))
    }

    /// Whether a request for this path belongs here. Cheap.
    pub fn serves(&self, path: &str) -> bool {
        self.servers.owner_of(path).is_some()
    }

    /// Answers one request. The future may be dropped at any time; the upstream then sees
    /// its connection closed.
    pub async fn handle<B>(self: &Arc<Self>, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        match self.servers.owner_of(request.uri().path()) {
            Some(PathOwner::Server(server, spot)) => {
                endpoint::answer(&self.shared, &server, spot, request).await
            }
            Some(PathOwner::Document(server, document)) => {
                let (parts, _body) = request.into_parts();
                let asked = (&parts.method, &parts.headers);
                documents::answer(&self.shared, &server, document, asked).await
            }
            Some(PathOwner::Catalogue(server)) => {
                let asked = (request.method(), request.headers());
                let listed = Box::pin(catalogue::answer(&self.shared, &server, asked)).await;
                if let Some(response) = listed {
                    return response;
                }
                let below = EndpointKind::Below;
                Box::pin(endpoint::answer(&self.shared, &server, below, request)).await
            }
            None => nothing_here(),
        }
    }

    /// Puts these servers in place of the present ones while requests run.
    ///
    /// A server whose configuration is the same is not touched. One that changed or went serves
    /// nothing new from now on: its streams that wait for news end at once, so that clients open
    /// them anew, and its idle connections and child processes end. What it is answering may come
    /// to its end if it changed; if it went, only within [`crate::Limits::drain_grace`], because
    /// its tokens are for nothing any more.
    ///
    /// # Errors
    ///
    /// The first thing that cannot work. Nothing is changed then.
    pub fn replace(&self, servers: Vec<ServerConfig>) -> Result<Changes, ConfigError> {
        let difference = self.servers.replace(servers)?;
        let meter = &self.shared.observer.meter;
        meter.begin(difference.added.iter().map(|server| &server.endpoint.name));
        meter.forget(difference.removed.iter().map(|server| &server.endpoint.name));
        Ok(difference.names())
    }

    /// Puts these names in place of those under which it may be called until now, as in
    /// [`Config::allowed_hosts`]: the URLs of other servers may have other hosts.
    pub fn allow_hosts(&self, hosts: Vec<String>) {
        self.shared.allowed_hosts.store(Arc::new(hosts));
    }

    /// Keeps keys and status lists current, looks whether the upstreams are well, and ends
    /// the streams of tokens that end. Runs until
    /// `shutdown` is cancelled.
    pub async fn watch(self: Arc<Self>, shutdown: CancellationToken) {
        tokio::join!(
            watch::run(&self.shared, &self.servers, shutdown.clone()),
            self.look_after_upstreams(shutdown),
        );
    }

    /// Reports calls and denials to the authority. Runs until `done` is cancelled, which should be
    /// when the last request was answered, and then says what is left within three seconds.
    pub async fn report(self: Arc<Self>, done: CancellationToken) {
        observe::report(&self.shared.observer.queue, &self.shared.trust, done).await;
    }

    /// Gives the sidecar's numbers their names.
    pub fn register_metrics(&self, registry: &mut Metrics) {
        self.shared.observer.meter.register(registry);
        let servers = self.servers.servers();
        let names = servers.iter().map(|server| &server.endpoint.name);
        self.shared.observer.meter.begin(names);
    }

    /// Brings the numbers up to date that are not counted as they happen. To be called before they
    /// are read.
    pub fn sample_metrics(&self) {
        let servers = self.servers.servers();
        let numbers = servers.iter().map(|server| server.endpoint.numbers());
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
        self.servers.end();
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
        ready::check(&self.shared, &self.servers.servers()).await
    }

    /// The tools of the server of this resource that this person could ever use there, each with the
    /// scope that opens it, for the consent page. `None` if the server does not answer within two
    /// seconds or is not known. Kept for a minute.
    pub async fn catalogue(
        &self,
        resource: &ResourceUri,
        person: &Consenting,
    ) -> Option<Arc<Vec<CatalogueTool>>> {
        let server = self.servers.of_resource(resource)?;
        catalogue::of(&self.shared, &server, person).await
    }

    /// Looks whether the upstreams are well, those of the present servers.
    async fn look_after_upstreams(&self, shutdown: CancellationToken) {
        let mut versions = self.servers.versions();
        loop {
            let servers = self.servers.servers();
            let upstreams: Vec<_> =
                servers.iter().map(|one| Arc::clone(&one.endpoint.upstream)).collect();
            tokio::select! {
                () = health::run(&upstreams, shutdown.clone()) => return,
                // The registry lives as long as this.
                _ = versions.changed() => {}
            }
        }
    }

    /// The server of this name.
    #[cfg(test)]
    pub(crate) fn server(&self, name: &str) -> Option<Arc<endpoint::server::Server>> {
        self.servers.named(name)
    }

    /// What the only server keeps for calls that cross eras.
    #[cfg(test)]
    pub(crate) fn bridge(&self) -> Arc<crate::bridge::State> {
        Arc::clone(&self.servers.servers()[0].bridge)
    }

    /// Whom a path belongs to.
    #[cfg(test)]
    pub(crate) fn owner_of(&self, path: &str) -> Option<PathOwner> {
        self.servers.owner_of(path)
    }

    /// How many retired servers are still in use after a look at them.
    #[cfg(test)]
    pub(crate) fn retired(&self) -> usize {
        self.servers.sweep(self.shared.trust.now());
        self.servers.still_in_use()
    }

    /// The only server, for tests of what is inside.
    #[cfg(test)]
    pub(crate) fn inside(&self) -> (&Arc<Shared>, Arc<crate::request::Endpoint>) {
        (&self.shared, Arc::clone(&self.servers.servers()[0].endpoint))
    }
}

fn nothing_here() -> Response<Body> {
    let message = "there is nothing at this path";
    Fault { status: StatusCode::NOT_FOUND, code: INVALID_REQUEST, message }
        .for_id(None)
        .into_response()
}
