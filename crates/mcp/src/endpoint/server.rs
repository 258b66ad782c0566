//! One server as clients meet it: its endpoint, and what is kept for clients that need more than bytes
//! passed on.

use std::sync::Arc;

use http::HeaderValue;

use crate::bridge;
use crate::config::{ConfigError, ServerConfig};
use crate::endpoint::catalogue::Catalogues;
use crate::endpoint::sse_front::Front;
use crate::request::Endpoint;
use crate::request::endpoint::Foundation;

/// One server of the registry.
pub(crate) struct Server {
    pub(crate) endpoint: Arc<Endpoint>,
    /// What is kept for clients and upstreams of different generations.
    pub(crate) bridge: Arc<bridge::State>,
    /// Where clients of 2024-11-05 connect.
    pub(crate) sse: Option<Front>,
    /// Its tools, as consent pages showed them.
    pub(crate) catalogues: Catalogues,
}

impl Server {
    /// The server of this configuration; in place of `predecessor`, if it is another version of that.
    pub(crate) fn new(
        config: &ServerConfig,
        foundation: &Foundation,
        predecessor: Option<&Self>,
    ) -> Result<Self, ConfigError> {
        let endpoint = Arc::new(Endpoint::new(config, foundation)?);
        let sse = config.sse.as_ref().map(|front| Front::new(front, config, &foundation.issuer));
        if sse.as_ref().is_some_and(|sse| HeaderValue::from_str(&sse.metadata_url).is_err()) {
            return Err(ConfigError::Header {
                server: config.name.clone(),
                what: "resource_metadata_url",
            });
        }
        let bridge = predecessor.map_or_else(Arc::default, |old| Arc::clone(&old.bridge));
        Ok(Self { endpoint, bridge, sse, catalogues: Catalogues::default() })
    }

    /// Ends what nobody used for long.
    pub(crate) fn sweep(&self, now: kernel::Timestamp) {
        self.bridge.sweep(now);
        self.endpoint.upstream.sweep(now);
        self.endpoint.tools.lists.sweep(now);
    }

    /// Whether another server goes on with what this one keeps for calls that cross eras.
    pub(crate) fn is_succeeded_by(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.bridge, &other.bridge)
    }

    /// Ends the connections that nobody uses at this moment.
    pub(crate) fn end_connections(&self) {
        self.endpoint.upstream.end();
    }

    /// The same, and what is kept for calls that cross eras.
    pub(crate) fn end(&self) {
        self.bridge.end();
        self.endpoint.upstream.end();
    }
}
