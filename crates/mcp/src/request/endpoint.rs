//! One server behind the sidecar, with everything about it made ready.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use protocol::Scopes;
use protocol::challenge::{Challenge, ChallengeError};
use protocol::metadata::ProtectedResourceMetadata;

use crate::access::{Trust, Verifier};
use crate::config::{ConfigError, Limits, ServerConfig};
use crate::endpoint::discovery::Discoveries;
use crate::endpoint::sse_front::Front;
use crate::policy::Policy;
use crate::request::openings::Openings;
use crate::request::session::{Sealing, Sessions};
use crate::request::slots::Slots;
use crate::request::wishes::Wishes;
use crate::tools::lists::Lists;
use crate::tools::schemas::Schemas;
use crate::tools::tasks::Handles;
use crate::upstream::{Means, Upstream};
use crate::{access, bridge};

/// One upstream.
pub(crate) struct Server {
    pub(crate) name: String,
    /// The name, as it stands beside numbers.
    pub(crate) label: Arc<str>,
    pub(crate) path: String,
    pub(crate) metadata_paths: Vec<String>,
    /// The RFC 9728 document.
    pub(crate) metadata: Bytes,
    pub(crate) ceiling: Scopes,
    pub(crate) upstream: Arc<Upstream>,
    /// What is kept for clients of another generation.
    pub(crate) bridge: bridge::State,
    pub(crate) verifier: Verifier,
    pub(crate) policy: Policy,
    pub(crate) sessions: Sessions,
    pub(crate) lists: Arc<Lists>,
    pub(crate) schemas: Schemas,
    pub(crate) discoveries: Discoveries,
    pub(crate) tasks: Handles,
    pub(crate) slots: Arc<Slots>,
    /// The streams that are being opened.
    pub(crate) openings: Arc<Openings>,
    /// How soon it wants its clients back.
    pub(crate) wishes: Arc<Wishes>,
    /// Where clients of 2024-11-05 connect.
    pub(crate) sse: Option<Front>,
    metadata_url: String,
}

impl Server {
    pub(crate) fn new(
        config: &ServerConfig,
        issuer: &str,
        limits: &Limits,
        trust: &Arc<Trust>,
        sealing: &Sealing,
        means: Means,
    ) -> Result<Self, ConfigError> {
        let entries = limits.cached_entries;
        let principal = access::principal(config, issuer);
        let lists = Arc::new(Lists::new(config.list_cache_seconds, limits.cached_list_bytes));
        let changed = Arc::clone(&lists);
        let upstream = Arc::new(Upstream::new(config, means, move || changed.forget())?);
        let server = Self {
            name: config.name.clone(),
            label: config.name.as_str().into(),
            path: config.path.clone(),
            metadata_paths: config.metadata_paths.clone(),
            metadata: metadata(config, config.resource.as_str(), issuer),
            ceiling: config.ceiling,
            bridge: bridge::State::default(),
            verifier: Verifier::new(principal, entries, Arc::clone(trust)),
            policy: Policy::compile(&config.policy),
            sessions: Sessions::new(sealing.clone(), entries, upstream.http.len()),
            lists,
            schemas: Schemas::default(),
            discoveries: Discoveries::default(),
            tasks: Handles::new(sealing.clone(), &config.name, entries),
            slots: Arc::new(Slots::new(limits.streams_per_principal)),
            openings: Arc::default(),
            wishes: Wishes::of(&config.name.as_str().into()),
            upstream,
            sse: config.sse.as_ref().map(|front| Front::new(front, config, issuer)),
            metadata_url: config.resource_metadata_url.clone(),
        };
        // Everything else in a challenge is ours, so this is the one place where it can fail.
        let sse = server.sse.as_ref().map(|front| front.metadata_url.as_str());
        let mut urls = std::iter::once(server.metadata_url.as_str()).chain(sse);
        if urls.any(|url| HeaderValue::from_str(url).is_err()) {
            return Err(unsendable(config, "resource_metadata_url"));
        }
        Ok(server)
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
