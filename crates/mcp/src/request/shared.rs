//! What all servers of a sidecar share.

use std::sync::Arc;

use tokio_util::task::TaskTracker;

use crate::access::Trust;
use crate::config::{AllowedOrigins, Limits};
use crate::observe::Observer;
use crate::reply::in_flight::InFlight;
use crate::request::pulse::Pulse;
use crate::request::session::Sealing;
use crate::upstream::http::connect::Pool;

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
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) allowed_origins: AllowedOrigins,
    pub(crate) observer: Observer,
    /// Tasks that end sessions at the upstreams, now or when a client leaves.
    pub(crate) closing: TaskTracker,
}
