//! Whether requests can be served now.

use std::sync::Arc;

use upstream::Transport;
use upstream::connection::child::program;

use crate::endpoint::server::Server;
use crate::request::Shared;

/// What is missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// The authority never gave its keys, or too long ago.
    #[error("the authorization server's keys are not known")]
    Keys,
    /// An upstream does not accept connections, or the program that it is cannot be found.
    #[error("the upstream MCP server {0} does not accept connections, or its program is missing")]
    Upstream(String),
}

pub(crate) async fn check(shared: &Shared, servers: &[Arc<Server>]) -> Result<(), NotReady> {
    if shared.trust.key_document().await.is_none() {
        return Err(NotReady::Keys);
    }
    for server in servers {
        let ready = match &server.endpoint.upstream.transport {
            Transport::Stdio(child) => program::is_there(child),
            Transport::Http | Transport::HttpSse => server.endpoint.upstream.http.is_ready().await,
        };
        if !ready {
            return Err(NotReady::Upstream(server.endpoint.name.to_string()));
        }
    }
    Ok(())
}
