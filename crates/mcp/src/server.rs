//! One server behind the sidecar, with everything about it made ready.

use std::sync::Arc;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderName, HeaderValue, Uri};
use protocol::Scopes;
use protocol::challenge::{Challenge, ChallengeError};
use protocol::metadata::ProtectedResourceMetadata;

use crate::behind::Behind;
use crate::config::{ConfigError, Limits, ServerConfig, Transport, UpstreamAuth};
use crate::lists::Lists;
use crate::policy::Policy;
use crate::session::{Sealing, Sessions};
use crate::stream::Slots;
use crate::verify::{self, Trust, Verifier};

/// One server behind.
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) metadata_paths: Vec<String>,
    /// The RFC 9728 document.
    pub(crate) metadata: Bytes,
    pub(crate) ceiling: Scopes,
    pub(crate) upstream: Upstream,
    pub(crate) transport: Transport,
    pub(crate) behind: Behind,
    pub(crate) verifier: Verifier,
    pub(crate) policy: Policy,
    pub(crate) sessions: Sessions,
    pub(crate) lists: Lists,
    pub(crate) slots: Arc<Slots>,
    metadata_url: String,
}

/// Where the server is and what is sent to it each time.
pub(crate) struct Upstream {
    pub(crate) uri: Uri,
    /// Host, and the credential if there is one.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Server {
    pub(crate) fn new(
        config: &ServerConfig,
        issuer: &str,
        limits: &Limits,
        trust: &Arc<Trust>,
        sealing: &Sealing,
    ) -> Result<Self, ConfigError> {
        let entries = limits.cached_entries;
        let principal = verify::principal(config, issuer);
        let server = Self {
            name: config.name.clone(),
            path: config.path.clone(),
            metadata_paths: config.metadata_paths.clone(),
            metadata: metadata(config, issuer),
            ceiling: config.ceiling,
            upstream: Upstream::new(config)?,
            transport: config.transport.clone(),
            behind: Behind::new(config.eras, &config.transport),
            verifier: Verifier::new(principal, entries, Arc::clone(trust)),
            policy: Policy::compile(&config.policy),
            sessions: Sessions::new(sealing.clone(), entries),
            lists: Lists::new(config.list_cache_seconds, limits.cached_list_bytes),
            slots: Arc::new(Slots::new(limits.streams_per_principal)),
            metadata_url: config.resource_metadata_url.clone(),
        };
        // Everything else in a challenge is ours, so this is the one place where it can fail.
        match HeaderValue::from_str(&server.metadata_url) {
            Ok(_) => Ok(server),
            Err(_) => Err(unsendable(config, "resource_metadata_url")),
        }
    }

    /// The challenge of this server: `scope` is what the request needs.
    pub(crate) fn challenge(&self, scope: Scopes, error: Option<ChallengeError>) -> HeaderValue {
        let challenge = Challenge { resource_metadata: &self.metadata_url, scope, error };
        HeaderValue::from_str(&challenge.to_header()).unwrap_or(HeaderValue::from_static("Bearer"))
    }
}

impl Upstream {
    fn new(config: &ServerConfig) -> Result<Self, ConfigError> {
        let authority = config.upstream.authority().map_or("", |authority| authority.as_str());
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let host = HeaderValue::from_str(host).map_err(|_| unsendable(config, "upstream"))?;
        let mut headers = vec![(HOST, host)];
        if let UpstreamAuth::Header { name, value } = &config.upstream_auth {
            let mut value = HeaderValue::from_str(value.reveal())
                .map_err(|_| unsendable(config, "upstream_auth"))?;
            value.set_sensitive(true);
            headers.push((name.clone(), value));
        }
        Ok(Self { uri: config.upstream.clone(), headers })
    }
}

fn metadata(config: &ServerConfig, issuer: &str) -> Bytes {
    let resource = config.resource.as_str();
    let document =
        ProtectedResourceMetadata::describe(resource, issuer, config.ceiling, &config.title);
    serde_json::to_vec(&document).unwrap_or_default().into()
}

fn unsendable(config: &ServerConfig, what: &'static str) -> ConfigError {
    ConfigError::Header { server: config.name.clone(), what }
}
