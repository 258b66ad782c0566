//! The resource sidecar: it stands in front of MCP servers and lets through what a token allows.
//!
//! A request passes these in order: Host and Origin, the bearer token, the JSON-RPC envelope, the
//! policy. Only then do its original bytes go to the server behind, and the answer comes back as
//! it arrives, except that lists of tools are filtered. [`Sidecar::handle`] is the whole of it.
//!
//! The crate has no database. It learns keys and revocations through [`Authority`], which the
//! binary implements in process and over HTTP.

mod authority;
mod body;
mod catalogue;
mod config;
mod documents;
mod endpoint;
mod forward;
mod gate;
mod initialize;
mod judge;
mod lists;
mod message;
mod mirror;
mod observe;
mod policy;
mod ready;
mod reply;
mod server;
mod session;
mod sidecar;
mod stream;
mod verify;
mod watch;

pub use authority::{Authority, AuthorityAway};
pub use body::{Body, BodyError};
pub use config::{
    AllowedOrigins, Config, ConfigError, Limits, PolicyConfig, Rule, ServerConfig, UpstreamAuth,
    Visibility,
};
pub use observe::{Audit, Observe, Span, SpanKind, Spans};
pub use ready::NotReady;
pub use sidecar::Sidecar;
