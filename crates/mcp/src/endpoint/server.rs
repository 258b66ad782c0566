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
    pub(crate) fn new(config: &ServerConfig, foundation: &Foundation) -> Result<Self, ConfigError> {
        let endpoint = Arc::new(Endpoint::new(config, foundation)?);
        let sse = config.sse.as_ref().map(|front| Front::new(front, config, &foundation.issuer));
        if sse.as_ref().is_some_and(|sse| HeaderValue::from_str(&sse.metadata_url).is_err()) {
            return Err(ConfigError::Header {
                server: config.name.clone(),
                what: "resource_metadata_url",
            });
        }
        Ok(Self { endpoint, bridge: Arc::default(), sse, catalogues: Catalogues::default() })
    }

    /// Ends what nobody used for long.
    pub(crate) fn sweep(&self, now: kernel::Timestamp) {
        self.bridge.sweep(now);
        self.endpoint.upstream.sweep(now);
        self.endpoint.tools.lists.sweep(now);
    }

    /// Ends the sessions with the upstream that nobody uses at this moment.
    pub(crate) fn end(&self) {
        self.bridge.end();
        self.endpoint.upstream.end();
    }
}
