//! The people and programs of the integration tests: a person with a browser, an OAuth client, an
//! MCP client, a forger, a database of one's own, and the demo server as upstream.
//!
//! They know a deployment by its URLs only ([`Place`]), as the outside world does. What composes a
//! deployment is in the tests of the crate that runs it. Nothing here ships.
#![expect(
    clippy::missing_panics_doc,
    reason = "a test helper panics when the world is not as the test needs it"
)]

mod answer;
mod ask;
mod client;
mod connected;
mod database;
mod document_host;
mod dump;
pub mod forge;
mod forward_proxy;
mod html;
mod idp;
mod log;
mod mcp;
mod person;
mod place;
mod random;
#[cfg(feature = "saml")]
pub mod saml;
mod upstream;

pub use answer::Answer;
pub use ask::{Ask, Return};
pub use client::{Client, Secret, Tokens};
pub use connected::Connected;
pub use database::{Database, Engine, Lock};
pub use document_host::{DOCUMENT_HOST, DocumentHost};
pub use dump::Dump;
pub use forward_proxy::ForwardProxy;
pub use html::{Form, Tag};
pub use idp::{IDP_CLIENT, IDP_SECRET, Idp};
pub use log::CapturedLog;
pub use mcp::{Era, McpCaller};
pub use person::{Page, Person, Tick};
pub use place::{Place, prepare};
pub use random::random;
pub use upstream::{UPSTREAM_KEY, Upstream};
