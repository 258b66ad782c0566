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

mod authority;
mod batch;
mod body;
mod bridge;
mod catalogue;
mod config;
mod discovery;
mod documents;
mod early;
mod endpoint;
mod failure;
mod forward;
mod front;
mod gate;
mod in_flight;
mod initialize;
mod judge;
mod lists;
mod message;
mod mirror;
mod observe;
mod parting;
mod policy;
mod ready;
mod replica;
mod reply;
mod schemas;
mod server;
mod session;
mod shared;
mod sidecar;
mod sse_front;
mod stream;
mod tally;
mod tasks;
#[cfg(test)]
mod testing;
mod tool_call;
mod upstream;
mod verify;
mod watch;

pub use authority::{Authority, AuthorityAway};
pub use body::Body;
pub use config::{
    AllowedOrigins, Audit, ChildConfig, Config, ConfigError, EraChoice, HttpConfig, Limits,
    Observe, PolicyConfig, Rule, ServerConfig, Span, SpanKind, SpanValue, Spans, SseFront,
    Transport, UpstreamAuth, Visibility,
};
pub use ready::NotReady;
pub use sidecar::Sidecar;
pub use upstream::wire::BodyError;
