//! The words on the wire: OAuth and MCP types, their parsing and validation, and the error
//! catalogue. No I/O, no async, no database, no web framework.
//!
//! Anything that arrives from outside becomes one of these types or an error, so the crates above
//! never look at raw text twice.

pub mod audit;
pub mod bridge;
pub mod caller;
pub mod catalogue;
pub mod challenge;
pub mod client_document;
pub mod client_keys;
pub mod error;
pub mod identity;
pub mod introspection;
pub mod jsonrpc;
pub mod mcp;
pub mod metadata;
pub mod params;
pub mod pkce;
pub mod redirect_uri;
pub mod registration;
pub mod replica;
pub mod resource;
pub mod scope;
pub mod splice;
pub mod status_list;
pub mod text;
pub mod token;
pub mod user_type;

pub use error::{OAuthError, OAuthErrorCode};
pub use identity::Identity;
pub use redirect_uri::RedirectUri;
pub use resource::ResourceUri;
pub use scope::{Scope, Scopes};
pub use user_type::UserType;
