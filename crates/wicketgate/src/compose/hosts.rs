//! Our names.

use crate::config::{ServerSettings, Settings};

/// The names under which this process may be called: its own, and those in the servers' URLs.
pub(super) fn allowed(settings: &Settings) -> Vec<String> {
    let mut hosts = own(settings);
    hosts.extend(of(&settings.mcp.servers));
    hosts
}

/// The process's public name, and its own address for probes and proxies. On loopback all names of
/// this computer are one.
pub(super) fn own(settings: &Settings) -> Vec<String> {
    let mut hosts = vec![settings.public_url.authority().to_ascii_lowercase()];
    if let Some(peer) = settings.mcp.peer_url.as_ref().and_then(http::Uri::authority) {
        hosts.push(peer.as_str().to_ascii_lowercase());
    }
    if settings.public_url.is_loopback() {
        hosts.extend(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned));
    }
    hosts
}

/// The names in the URLs of these servers.
pub(super) fn of(servers: &[ServerSettings]) -> impl Iterator<Item = String> {
    servers.iter().map(|server| {
        let authority = server.resource.as_str().split('/').nth(2).unwrap_or_default();
        authority.to_ascii_lowercase()
    })
}
