//! Upstream sign-in: who a person is, as far as somebody else can say.
//!
//! Every way in ends in an [`Identity`]. This crate does not know sessions, consent or the store;
//! it answers one question, and the authorization server does the rest.

pub mod claims;
pub mod demo_people;
pub mod endpoint;
pub mod local;
mod network;
pub mod oidc;
pub mod people;
pub mod portal;
pub mod provider;
pub mod saml;
pub mod user_types;

pub use protocol::Identity;
pub use provider::{Finding, Go, ProviderError, SignedIn, UpstreamSession, Verdict};
