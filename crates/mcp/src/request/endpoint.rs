//! What one server is to the requests that come to it: its resource, its rules, its upstream and what
//! is known of its tools.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use protocol::Scopes;
use protocol::challenge::{Challenge, ChallengeError};
use protocol::metadata::ProtectedResourceMetadata;
use upstream::{Means, Upstream};

use crate::access;
use crate::access::{Trust, Verifier};
use crate::config::{ConfigError, Limits, ServerConfig};
use crate::observe::ServerNumbers;
use crate::policy::Policy;
use crate::request::openings::Openings;
use crate::request::pulse::Pulse;
use crate::request::session::Sessions;
use crate::request::slots::Slots;
use crate::request::wishes::Wishes;
use crate::sealing::Sealing;
use crate::tools::Tools;
use crate::tools::discoveries::Discoveries;
use crate::tools::lists::Lists;
use crate::tools::schemas::Schemas;
use crate::tools::tasks::Handles;

/// The endpoint of one server, with everything about it made ready.
pub(crate) struct Endpoint {
    pub(crate) name: Arc<str>,
    pub(crate) path: String,
    pub(crate) metadata_paths: Vec<String>,
    /// The RFC 9728 document.
    pub(crate) metadata: Bytes,
    pub(crate) ceiling: Scopes,
    pub(crate) upstream: Arc<Upstream>,
    /// What that is. Ids that it gave out are worth nothing at another.
    pub(crate) upstream_identity: String,
    pub(crate) verifier: Verifier,
    pub(crate) policy: Policy,
    pub(crate) sessions: Sessions,
    pub(crate) tools: Tools,
    pub(crate) slots: Arc<Slots>,
    /// The streams that are being opened.
    pub(crate) openings: Arc<Openings>,
    /// How soon it wants its clients back.
    pub(crate) wishes: Arc<Wishes>,
    /// Tells its streams to look whether they may go on, also when it is replaced or removed.
    pub(crate) pulse: Arc<Pulse>,
    metadata_url: String,
}

/// What every endpoint is built on.
pub(crate) struct Foundation {
    pub(crate) issuer: String,
    pub(crate) limits: Limits,
    pub(crate) trust: Arc<Trust>,
    pub(crate) sealing: Sealing,
    pub(crate) means: Means,
    /// The pulse of the process.
    pub(crate) pulse: Arc<Pulse>,
}

impl Endpoint {
    pub(crate) fn new(config: &ServerConfig, foundation: &Foundation) -> Result<Self, ConfigError> {
        let Foundation { issuer, limits, trust, sealing, means, pulse } = foundation;
        let name: Arc<str> = config.name.as_str().into();
        let entries = limits.cached_entries;
        let upstream_identity = config.upstream.identity();
        let principal = access::principal(config, issuer);
        let lists = Arc::new(Lists::new(config.list_cache_seconds, limits.cached_list_bytes));
        let changed = Arc::clone(&lists);
        let upstream =
            Arc::new(Upstream::new(&config.upstream, means.clone(), move || changed.forget())?);
        let server = Self {
            wishes: Wishes::of(&name),
            name,
            path: config.path.clone(),
            metadata_paths: config.metadata_paths.clone(),
            metadata: metadata(config, config.resource.as_str(), issuer),
            ceiling: config.ceiling,
            verifier: Verifier::new(principal, entries, Arc::clone(trust)),
            policy: Policy::compile(&config.policy),
            sessions: Sessions::new(sealing.clone(), entries, &config.upstream),
            tools: Tools {
                lists,
                schemas: Schemas::default(),
                discoveries: Discoveries::default(),
                tasks: Handles::new(sealing.clone(), &upstream_identity, entries),
            },
            slots: Arc::new(Slots::new(limits.streams_per_principal)),
            openings: Arc::default(),
            pulse: Arc::new(pulse.of_a_server()),
            upstream,
            upstream_identity,
            metadata_url: config.resource_metadata_url.clone(),
        };
        // Everything else in a challenge is ours, so this is the one place where it can fail.
        if HeaderValue::from_str(&server.metadata_url).is_err() {
            return Err(unsendable(config, "resource_metadata_url"));
        }
        Ok(server)
    }

    /// The numbers that are kept here.
    pub(crate) fn numbers(&self) -> ServerNumbers<'_> {
        ServerNumbers {
            server: &self.name,
            streams: self.slots.open(),
            tokens: self.verifier.tally(),
            lists: self.tools.lists.tally(),
        }
    }

    /// The challenge of this server: `scope` is what the request needs.
    pub(crate) fn challenge(&self, scope: Scopes, error: Option<ChallengeError>) -> HeaderValue {
        challenge(&self.metadata_url, scope, error)
    }
}

/// The challenge that names this metadata document.
pub(crate) fn challenge(
    resource_metadata: &str,
    scope: Scopes,
    error: Option<ChallengeError>,
) -> HeaderValue {
    let challenge = Challenge { resource_metadata, scope, error };
    HeaderValue::from_str(&challenge.to_header()).unwrap_or(HeaderValue::from_static("Bearer"))
}

/// The RFC 9728 document of one of the server's resources.
pub(crate) fn metadata(config: &ServerConfig, resource: &str, issuer: &str) -> Bytes {
    let document =
        ProtectedResourceMetadata::describe(resource, issuer, config.ceiling, &config.title);
    serde_json::to_vec(&document).unwrap_or_default().into()
}

fn unsendable(config: &ServerConfig, what: &'static str) -> ConfigError {
    ConfigError::Header { server: config.name.clone(), what }
}
