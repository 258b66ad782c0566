//! What clients insist on about the URL that they are given (C8, docs/deployment.md).

use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::{join, join_all};
use http::HeaderValue;
use http::header::LOCATION;
use sso::Finding;
use url::{Host, Url};

use crate::config::{Settings, is_internal};

/// Seconds for one question to our own URL.
const TIMEOUT: u64 = 5;

/// Looks at every MCP server's URL from outside, as far as it can be reached from here. The server
/// need not run, so nobody answering is nothing to say. All are asked at once: several that are
/// silent are no slower than one.
pub(super) async fn examine(settings: &Settings) -> Vec<Finding> {
    let resources = settings.mcp.servers.iter().map(|server| server.resource.as_str());
    let resources: Vec<&str> = resources.collect();
    let hosts = hosts(settings.public_url.as_str(), &resources);
    let names = join_all(hosts.iter().map(host));
    let redirects = join_all(resources.iter().map(|resource| redirect(resource)));
    let (names, redirects) = join(names, redirects).await;
    names.into_iter().chain(redirects).flatten().collect()
}

/// One URL for each host among them.
fn hosts(public_url: &str, resources: &[&str]) -> Vec<Url> {
    let mut hosts: Vec<Url> = Vec::new();
    let all = std::iter::once(public_url).chain(resources.iter().copied());
    for url in all.filter_map(|url| Url::parse(url).ok()) {
        if hosts.iter().all(|known| known.host() != url.host()) {
            hosts.push(url);
        }
    }
    hosts
}

async fn host(url: &Url) -> Option<Finding> {
    let name = match url.host()? {
        Host::Domain(name) => name,
        Host::Ipv4(address) => return is_inside(address.into()),
        Host::Ipv6(address) => return is_inside(address.into()),
    };
    let asked = tokio::net::lookup_host((name, url.port_or_known_default()?));
    let found = tokio::time::timeout(Duration::from_secs(TIMEOUT), asked).await.ok()?.ok()?;
    leads_inside(name, &found.map(|address| address.ip()).collect::<Vec<_>>())
}

/// Loopback is what its users mean by it, like `localhost`.
fn is_inside(address: IpAddr) -> Option<Finding> {
    (is_internal(address) && !address.to_canonical().is_loopback()).then(|| {
        Finding::warning(
            format!("{address} is a private address"),
            "only clients in the same network can connect; if that is meant, nothing is wrong. Else \
             give out a name that resolves to a public address",
        )
    })
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
    let (from, to) = (given.origin().ascii_serialization(), elsewhere(&given, location)?);
    Some(Finding::warning(
        format!("{resource} answers with a redirect from {from} to {to}"),
        "clients refuse it, or follow it without their token; serve the endpoint at this URL \
         itself, or set public_url to where it leads and give that out",
    ))
}

/// Where it leads, unless it stays. The origin of what is not for the web has no name.
fn elsewhere(given: &Url, location: &HeaderValue) -> Option<String> {
    let target = location.to_str().ok().and_then(|location| given.join(location).ok());
    let Some(target) = target else { return Some("a Location that is no URL".to_owned()) };
    let origin = target.origin();
    if !origin.is_tuple() {
        return Some(format!("a {}: URL", target.scheme()));
    }
    (origin != given.origin()).then(|| origin.ascii_serialization())
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

    /// A private address is no name, and says all the same where clients have to be.
    #[test]
    fn private_addresses_are_told() {
        let said = |address: &str| is_inside(address.parse().expect("an address"));
        assert!(said("10.1.2.3").is_some_and(|finding| finding.what.contains("10.1.2.3")));
        assert!(said("fd00::1").is_some());
        for address in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "203.0.113.9"] {
            assert!(said(address).is_none(), "{address}");
        }
    }

    /// A server can be given out under a host of its own.
    #[test]
    fn every_host_is_looked_up_once() {
        let all = ["https://mcp.example/mcp", "https://MCP.example:8/a", "https://other.example/b"];
        let found = hosts("https://mcp.example", &all);
        let found: Vec<_> = found.iter().filter_map(Url::host_str).collect();
        assert_eq!(found, ["mcp.example", "other.example"]);
    }
}
