//! Who sent a request, when trusted reverse proxies stand in between (HD-4). The answer is for
//! logs and rate limits only; nothing is authorized by it.

use std::net::IpAddr;

use http::HeaderMap;
use ipnet::IpNet;

/// The reverse proxies whose word counts.
pub(super) struct Proxies(Vec<IpNet>);

impl Proxies {
    pub(super) fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// The last address in `X-Forwarded-For` that is not one of our proxies; without a trusted
    /// proxy, the connection's own address.
    pub(super) fn client_address(&self, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
        if !self.trusts(peer) {
            return peer;
        }
        let forwarded: Vec<IpAddr> = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map_while(|address| address.trim().parse().ok())
            .collect();
        forwarded.into_iter().rev().find(|address| !self.trusts(*address)).unwrap_or(peer)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// HD-4, T-MCP-34: only a trusted proxy's word counts, and only its own.
    #[test]
    fn hd_4_forwarded_addresses_count_from_trusted_proxies_only() {
        let proxies = Proxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "6.6.6.6, 192.0.2.7, 10.1.1.1".parse().unwrap());
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(proxies.client_address(&headers, address("10.0.0.1")), address("192.0.2.7"));
        assert_eq!(
            proxies.client_address(&headers, address("203.0.113.9")),
            address("203.0.113.9")
        );
    }
}
