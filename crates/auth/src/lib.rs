//! The authorization server: one file for each endpoint and for each grant.
//!
//! ```text
//! endpoint/   what answers a URL: metadata, register, authorize, sign_in, bridge, resume, …
//! token/      the token endpoint: client authentication and a file for each grant
//! browser/    what ties a person's browser to a transaction: cookies, CSRF, the bridge token
//! keys/       signing keys: made, sealed, loaded, used
//! answer/     failures become responses here and nowhere else
//! ```
//!
//! A handler checks everything first, then runs one unit of work in the store, then answers. It
//! never reads a URL, issuer or audience from a request.

mod answer;
mod audit;
mod background;
mod browser;
mod clients;
pub mod config;
mod description;
mod disabled;
mod documents;
mod endpoint;
mod gone;
mod keys;
mod meter;
mod notices;
pub mod providers;
mod request;
mod resources;
mod router;
mod server;
mod throttle;
mod token;

pub use config::{Config, Resource, SignIn};
pub use keys::{KeyRingError, Reseal, Resealed, SPREAD_SECONDS, new_key, opens};
pub use resources::ResourceSet;
pub use router::router;
pub use server::{AuthServer, StartError, ToolCatalogue};

/// The peer's address, put into each request by the listener.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub std::net::IpAddr);
