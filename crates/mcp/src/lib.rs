//! The resource sidecar: it stands in front of MCP servers and lets through what a token allows.
//!
//! A request passes these in order: Host and Origin, the bearer token, the JSON-RPC envelope, the
//! policy. Only then do its original bytes go to the upstream, and the answer comes back as
//! it arrives, except that lists of tools are filtered. [`Sidecar::handle`] is the whole of it.
//!
//! The crate has no database. It learns keys and revocations through [`Authority`], which the
//! binary implements in process and over HTTP.

// Tests inside this crate share their helpers with those outside.
#[cfg(test)]
extern crate self as mcp;

mod access;
mod authority;
mod bridge;
mod config;
mod endpoint;
mod observe;
mod outbound;
mod passthrough;
mod policy;
mod registry;
mod reply;
mod request;
mod sealing;
mod sidecar;
#[cfg(test)]
mod testing;
mod tools;

pub use authority::{
    Authority, AuthorityAway, ExchangeError, ExchangeRequest, ExchangedToken, ServerSet,
    ServersError,
};
pub use config::{
    AllowedOrigins, Audit, Config, ConfigError, Limits, Observe, PolicyConfig, Rule, ServerConfig,
    Span, SpanKind, SpanValue, Spans, SseFront, Visibility,
};
pub use endpoint::ready::NotReady;
pub use registry::Changes;
pub use reply::body::Body;
pub use sidecar::Sidecar;
pub use upstream::wire::BodyError;
pub use upstream::{ChildConfig, EraChoice, HttpConfig, Transport, UpstreamAuth, UpstreamConfig};
