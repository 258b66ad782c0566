//! Whether requests can be served now.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::config::Transport;
use crate::links::child::program;
use crate::server::Server;
use crate::sidecar::Shared;

/// What is missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// The authority never gave its keys, or too long ago.
    #[error("the authorization server's keys are not known")]
    Keys,
    /// A server behind does not accept connections, or the program that it is cannot be found.
    #[error("the MCP server behind {0} does not accept connections, or its program is missing")]
    Upstream(String),
}

const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) async fn check(shared: &Shared, servers: &[Arc<Server>]) -> Result<(), NotReady> {
    if shared.trust.key_document().await.is_none() {
        return Err(NotReady::Keys);
    }
    for server in servers {
        if !accepts_connections(server).await {
            return Err(NotReady::Upstream(server.name.clone()));
        }
    }
    Ok(())
}

async fn accepts_connections(server: &Server) -> bool {
    if let Transport::Stdio(child) = &server.transport {
        return program::is_there(child);
    }
    let uri = &server.upstream.uri;
    let Some(host) = uri.host() else {
        return false;
    };
    let https = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let connected = tokio::time::timeout(PROBE_TIMEOUT, TcpStream::connect((host, port))).await;
    matches!(connected, Ok(Ok(_)))
}
