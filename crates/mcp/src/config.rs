//! What the sidecar is told. The binary reads it from the configuration file.

mod observe;

use std::time::Duration;

use http::Uri;
use kernel::seal::SealingKey;
use protocol::{ResourceUri, Scope, Scopes};
use upstream::UpstreamConfig;

pub use observe::{Audit, Observe, Span, SpanKind, SpanValue, Spans};

/// The whole sidecar.
#[derive(Debug)]
pub struct Config {
    /// The upstreams, each at its own path.
    pub servers: Vec<ServerConfig>,
    /// Whose tokens to accept, byte for byte as in their `iss`.
    pub issuer: String,
    /// Lower-case `host` or `host:port` values that `Host` may have. A value without a port
    /// accepts every port.
    pub allowed_hosts: Vec<String>,
    /// Which web pages may call.
    pub allowed_origins: AllowedOrigins,
    /// Seals session ids. All replicas share it.
    pub sealing_key: SealingKey,
    /// Where other replicas reach this one, without a path, for what only one of them holds: a
    /// child process, a standing stream, a parked call. `None` if it is alone.
    pub peer_url: Option<Uri>,
    /// How long cached keys and status lists serve while the authority is away, in seconds.
    pub max_status_age_seconds: i64,
    /// Sizes, times and counts.
    pub limits: Limits,
    /// What is told to whom.
    pub observe: Observe,
}

/// The values of `Origin` that may call the MCP endpoints.
#[derive(Clone, Debug, Default)]
pub struct AllowedOrigins {
    /// Origins as browsers write them: `scheme://host` or `scheme://host:port`, lower case.
    pub list: Vec<String>,
    /// Whether any origin on this machine may call, as suits a server on loopback.
    pub any_loopback: bool,
}

/// One server behind the sidecar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// The name in configuration and in sealed values.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// The path as it is served, with a base path if there is one: `/mcp`, `/wfgen/mcp/hr`.
    pub path: String,
    /// The resource identifier; a token's `aud` must be exactly this.
    pub resource: ResourceUri,
    /// The URL of the RFC 9728 document that challenges name.
    pub resource_metadata_url: String,
    /// Request paths that answer with that document.
    pub metadata_paths: Vec<String>,
    /// What anybody can be granted here at most. Contains `mcp:read`.
    pub ceiling: Scopes,
    /// The MCP server itself.
    pub upstream: UpstreamConfig,
    /// Which tool needs what.
    pub policy: PolicyConfig,
    /// How long a filtered list is kept, in seconds; 0 keeps none.
    pub list_cache_seconds: u32,
    /// Where clients of 2024-11-05 connect, if they may.
    pub sse: Option<SseFront>,
}

/// HTTP with server-sent events for clients of 2024-11-05 (deprecated). It is a resource of its
/// own, because such clients sign in for the URL that they were given; the server accepts tokens
/// for either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SseFront {
    /// The path as it is served: `/sse`, `/wfgen/mcp/hr/sse`. Messages are posted below it.
    pub path: String,
    /// The resource identifier.
    pub resource: ResourceUri,
    /// The URL of the RFC 9728 document that challenges name.
    pub metadata_url: String,
    /// Request paths that answer with that document.
    pub metadata_paths: Vec<String>,
}

/// Which tool needs what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyConfig {
    /// The first rule that names a tool decides.
    pub rules: Vec<Rule>,
    /// What a tool needs that no rule names.
    pub default_scope: Scope,
    /// Whether the server's own hints may choose a scope where no rule does.
    pub trust_annotations: bool,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Tool names; `*` stands for any characters.
    pub tools: Vec<String>,
    /// What these tools need.
    pub scope: Scope,
    /// Whether somebody without that scope sees them.
    pub visibility: Visibility,
}

/// Whether a tool is listed to somebody who could be granted its scope but does not hold it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Visibility {
    /// It is not listed.
    #[default]
    Hide,
    /// It is listed, and a call asks for the missing scope.
    Challenge,
}

/// Sizes, times and counts.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a request body.
    pub body_bytes: usize,
    /// Bytes of a list of tools, and of one event in a stream that is read.
    pub list_bytes: usize,
    /// Time to receive a request body.
    pub body_timeout: Duration,
    /// What holds for the upstreams.
    pub upstream: upstream::Limits,
    /// Standing streams of one principal at one server.
    pub streams_per_principal: usize,
    /// Requests that are under way at the same time, without standing streams.
    pub requests: usize,
    /// The same of one principal.
    pub requests_per_principal: usize,
    /// How long answers that are being streamed may go on after [`crate::Sidecar::drain`].
    pub drain_grace: Duration,
    /// Verified tokens and opened sessions that are kept, each, per server.
    pub cached_entries: usize,
    /// Bytes of filtered lists that are kept, per server.
    pub cached_list_bytes: u64,
    /// Calls and denials that wait to be recorded.
    pub audit_entries: usize,
}

/// The configuration cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No server.
    #[error("no MCP server is configured; add an [[mcp.server]] section")]
    NoServer,
    /// Two servers at one path.
    #[error("two MCP servers have the path {0}; give each its own name")]
    PathTaken(String),
    /// The path cannot be served.
    #[error("the path {0:?} of an MCP server must begin with / and must not end with /")]
    Path(String),
    /// Clients could ask for nothing useful.
    #[error("the allowed scopes of the MCP server {0} must contain mcp:read")]
    CeilingWithoutRead(String),
    /// The upstream cannot be reached like this.
    #[error(transparent)]
    Upstream(#[from] upstream::ConfigError),
    /// A value does not fit into a header.
    #[error("the {what} of the MCP server {server} cannot be sent in a header; use visible ASCII")]
    Header {
        /// Which server.
        server: String,
        /// Which value.
        what: &'static str,
    },
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 4 << 20,
            list_bytes: 8 << 20,
            body_timeout: Duration::from_secs(30),
            upstream: upstream::Limits::default(),
            streams_per_principal: 10,
            requests: 8_000,
            requests_per_principal: 500,
            drain_grace: Duration::from_secs(5),
            cached_entries: 10_000,
            cached_list_bytes: 16 << 20,
            audit_entries: 16_384,
        }
    }
}

/// The first mistake in a set of servers, if there is one.
pub(crate) fn check_servers(servers: &[ServerConfig]) -> Result<(), ConfigError> {
    if servers.is_empty() {
        return Err(ConfigError::NoServer);
    }
    for (position, server) in servers.iter().enumerate() {
        server.check()?;
        for path in server.paths() {
            if servers[..position].iter().any(|other| other.paths().any(|p| p == path)) {
                return Err(ConfigError::PathTaken(path.to_owned()));
            }
        }
    }
    Ok(())
}

impl ServerConfig {
    fn paths(&self) -> impl Iterator<Item = &str> {
        let sse = self.sse.as_ref().map(|front| front.path.as_str());
        std::iter::once(self.path.as_str()).chain(sse)
    }

    fn check(&self) -> Result<(), ConfigError> {
        if !self.path.starts_with('/') || self.path.ends_with('/') {
            return Err(ConfigError::Path(self.path.clone()));
        }
        if let Some(front) = &self.sse
            && (!front.path.starts_with('/') || front.path.ends_with('/'))
        {
            return Err(ConfigError::Path(front.path.clone()));
        }
        if !self.ceiling.contains(Scope::Read) {
            return Err(ConfigError::CeilingWithoutRead(self.name.clone()));
        }
        self.upstream.check()?;
        Ok(())
    }
}
