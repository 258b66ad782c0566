//! What all servers of a sidecar share.

use std::sync::Arc;

use arc_swap::ArcSwap;
use http::request::Parts;
use tokio_util::task::TaskTracker;
use upstream::http::Pool;

use crate::access::{Permit, Trust};
use crate::config::{AllowedOrigins, Limits};
use crate::observe::{Observer, RequestRecord};
use crate::reply::in_flight::InFlight;
use crate::request::Endpoint;
use crate::request::pulse::Pulse;
use crate::sealing::Sealing;

/// What all servers share.
pub(crate) struct Shared {
    pub(crate) trust: Arc<Trust>,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) limits: Limits,
    pub(crate) in_flight: Arc<InFlight>,
    /// The same of those that ask `server/discover`.
    pub(crate) discovering: Arc<InFlight>,
    pub(crate) sealing: Sealing,
    pub(crate) peer_url: Option<http::Uri>,
    /// Connections to other replicas.
    pub(crate) peers: Pool,
    pub(crate) allowed_hosts: ArcSwap<Vec<String>>,
    pub(crate) allowed_origins: AllowedOrigins,
    pub(crate) observer: Arc<Observer>,
    /// Tasks that end sessions at the upstreams, now or when a client leaves.
    pub(crate) closing: TaskTracker,
}

impl Shared {
    /// The record of a request to this server.
    pub(crate) fn record(&self, server: &Endpoint, parts: &Parts) -> RequestRecord {
        RequestRecord::begin(&self.observer, &server.name, self.trust.now(), parts)
    }

    /// The record of one that no HTTP request of its own brought, by somebody who was admitted before.
    pub(crate) fn record_apart(&self, server: &Endpoint, permit: &Arc<Permit>) -> RequestRecord {
        RequestRecord::apart(&self.observer, &server.name, self.trust.now(), permit)
    }

    /// A record that tells nobody: for what goes on after its request was told of.
    pub(crate) fn no_record(&self, server: &Endpoint) -> RequestRecord {
        RequestRecord::silent(&self.observer, &server.name, self.trust.now())
    }
}
