//! A small but real MCP server to put behind the gateway: requests, and the people who approve
//! them.
//!
//! It holds real state in memory, shared by all sessions, and speaks Streamable HTTP in both
//! generations: stateless (2026-07-28) and with sessions (2025-03-26 to 2025-11-25). The gateway
//! decides which tools a person may call at all; this application keeps the last word about what
//! that person may do with a particular request, as a real application would.
//!
//! A reading order: `gate` admits an HTTP request and learns who calls, `server` ties the
//! tools together, `tools` holds one file per area, and `records` is the application itself, which
//! knows nothing of MCP.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio_util::sync::CancellationToken;

use crate::gate::Gate;
use crate::records::Workflow;
use crate::server::WorkflowServer;

mod caller;
mod completion;
mod gate;
mod identity;
mod prompts;
mod records;
mod refusal;
mod resources;
mod schema;
mod server;
mod text;
mod tools;
mod views;

pub use crate::identity::header;

/// How the demo server is run.
pub struct DemoConfig {
    /// The secret that the gateway shows in [`header::KEY`] with every request. With it, a request
    /// that lacks it is refused with 401 before anything else is looked at.
    ///
    /// Without it anybody who reaches the listener is believed, whatever identity headers they
    /// send. That is for tests on loopback only.
    pub shared_secret: Option<String>,
    /// Which of the seeded people somebody is who arrives for the first time.
    pub seating: Seating,
}

/// Which of the seeded people somebody is who arrives for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seating {
    /// The one that [`header::USERNAME`] names, otherwise nobody.
    ByUsername,
    /// The first of each user type takes that seeded person's place, so that there is a past to
    /// look at. For the demo, whose people are these people.
    ByUserType,
}

/// The router that serves MCP at `/mcp` and `GET /health`.
///
/// Every call makes a new, freshly seeded application. When `cancel` is cancelled, sessions and
/// event streams end, so that a server can shut down without waiting for its clients. Only
/// loopback names are accepted in `Host`.
pub fn router(config: DemoConfig, cancel: CancellationToken) -> Router {
    let workflow = Arc::new(Workflow::seeded(config.seating));
    let server = WorkflowServer::new(Arc::clone(&workflow));
    let mcp = StreamableHttpService::new(
        move || Ok(server.clone()),
        Arc::new(LocalSessionManager::default()),
        // Plain JSON wherever one message is the whole answer: cheaper for everybody on the way.
        StreamableHttpServerConfig::default()
            .with_json_response(true)
            .with_cancellation_token(cancel),
    );
    let gate = Arc::new(Gate::new(config.shared_secret, workflow));
    Router::new()
        .route_service("/mcp", mcp)
        .layer(from_fn_with_state(gate, gate::admit))
        .route("/health", get(async || "ok"))
}
