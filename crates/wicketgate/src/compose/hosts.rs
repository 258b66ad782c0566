//! Our names.

use crate::config::Settings;

/// The names under which this process may be called: its public one, and its own address for
/// probes and proxies. On loopback all names of this computer are one.
pub(super) fn allowed(settings: &Settings) -> Vec<String> {
    let mut hosts = vec![settings.public_url.authority().to_ascii_lowercase()];
    for server in &settings.mcp.servers {
        let uri = server.resource.as_str();
        let authority = uri.split('/').nth(2).unwrap_or_default();
        hosts.push(authority.to_ascii_lowercase());
    }
    if let Some(peer) = settings.mcp.peer_url.as_ref().and_then(http::Uri::authority) {
        hosts.push(peer.as_str().to_ascii_lowercase());
    }
    if settings.public_url.is_loopback() {
        hosts.extend(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned));
    }
    hosts
}
