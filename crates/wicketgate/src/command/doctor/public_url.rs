//! What clients insist on about the URL that they are given (C8, docs/deployment.md).

use std::net::IpAddr;
use std::time::Duration;

use http::header::LOCATION;
use sso::Finding;
use url::{Host, Url};

use crate::config::{Settings, is_internal};

/// Seconds for one question to our own URL.
const TIMEOUT: u64 = 5;

/// Looks at every MCP server's URL from outside, as far as it can be reached from here. The server
/// need not run, so nobody answering is nothing to say.
pub(super) async fn examine(settings: &Settings) -> Vec<Finding> {
    let mut findings: Vec<Finding> = name(settings.public_url.as_str()).await.into_iter().collect();
    for server in &settings.mcp.servers {
        findings.extend(redirect(server.resource.as_str()).await);
    }
    findings
}

async fn name(url: &str) -> Option<Finding> {
    let url = Url::parse(url).ok()?;
    let Some(Host::Domain(host)) = url.host() else { return None };
    let asked = tokio::net::lookup_host((host, url.port_or_known_default()?));
    let found = tokio::time::timeout(Duration::from_secs(TIMEOUT), asked).await.ok()?.ok()?;
    leads_inside(host, &found.map(|address| address.ip()).collect::<Vec<_>>())
}

/// `localhost` is what its users mean by it, and clients know that.
fn leads_inside(host: &str, addresses: &[IpAddr]) -> Option<Finding> {
    let inside = addresses.iter().find(|address| is_internal(**address))?;
    (host != "localhost").then(|| {
        Finding::warning(
            format!("from here {host} leads to {inside}, which is loopback or private"),
            "clients on rmcp, the Rust SDK, refuse such names unless their application allows them; \
             see \"What clients insist on\" in docs/deployment.md. If clients resolve it to a public \
             address, nothing is wrong",
        )
    })
}

/// Clients send the token to no other origin than the one that they were given.
async fn redirect(resource: &str) -> Option<Finding> {
    let given = Url::parse(resource).ok()?;
    let client = net::outbound::client(TIMEOUT).ok()?;
    let answer = client.get(given.clone()).send().await.ok()?;
    let location = answer.headers().get(LOCATION).filter(|_| answer.status().is_redirection())?;
    let target = given.join(location.to_str().ok()?).ok()?;
    (target.origin() != given.origin()).then(|| {
        let (from, to) =
            (given.origin().ascii_serialization(), target.origin().ascii_serialization());
        Finding::warning(
            format!("{resource} answers with a redirect from {from} to {to}"),
            "clients refuse it, or follow it without their token; serve the endpoint at this URL \
             itself, or set public_url to where it leads and give that out",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C8: what rmcp refuses is said, and what it takes is not.
    #[test]
    fn names_that_lead_inside_are_told() {
        let said = |host: &str, addresses: &[[u8; 4]]| {
            let addresses: Vec<IpAddr> = addresses.iter().map(|four| IpAddr::from(*four)).collect();
            leads_inside(host, &addresses).map(|finding| finding.what)
        };
        let intranet = said("mcp.corp.example", &[[203, 0, 113, 9], [10, 1, 2, 3]]);
        assert!(intranet.is_some_and(|what| what.contains("10.1.2.3")));
        assert!(said("mcp.corp.example", &[[127, 0, 1, 1]]).is_some());
        assert_eq!(said("mcp.example.com", &[[203, 0, 113, 9]]), None);
        assert_eq!(said("mcp.example.com", &[]), None);
        assert_eq!(said("localhost", &[[127, 0, 0, 1]]), None);
    }
}
