//! Who sent a request, when trusted reverse proxies stand in between (HD-4). The answer is for
//! logs and rate limits only; nothing is authorized by it.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderMap;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The reverse proxies whose word counts.
pub(super) struct Proxies {
    networks: Vec<IpNet>,
    told_of_unlisted: AtomicBool,
}

impl Proxies {
    pub(super) fn new(networks: Vec<IpNet>) -> Self {
        Self { networks, told_of_unlisted: AtomicBool::new(false) }
    }

    /// The first address from the right in `X-Forwarded-For` that is not one of our proxies;
    /// without a trusted proxy, the connection's own address.
    ///
    /// Each proxy adds the address that it saw at the right end, so what stands left of the first
    /// stranger is only what that stranger said. Where a trusted proxy wrote no address, nobody
    /// knows more than that it was that proxy.
    pub(super) fn client_address(&self, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            self.tell_of_unlisted(headers, peer);
            return peer;
        }
        let mut nearest = peer;
        for hop in hops(headers) {
            match hop {
                Some(address) if self.trusts(address) => nearest = address,
                Some(address) => return address,
                None => return nearest,
            }
        }
        nearest
    }

    /// `networks` holds IPv4 addresses as such: a listener on `[::]` sees them mapped (RFC 4291
    /// §2.5.5.2).
    fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// A proxy that is not listed makes everybody behind it one address, which then shares one
    /// limit. Anybody can send this header, so it is said once.
    fn tell_of_unlisted(&self, headers: &HeaderMap, peer: IpAddr) {
        let forwarded = headers.contains_key(FORWARDED_FOR);
        if forwarded && !self.told_of_unlisted.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                "X-Forwarded-For came from an address that server.trusted_proxies does not list, \
                 so it does not count. If that is your reverse proxy, list it: until then everybody \
                 behind it shares its rate limits"
            );
        }
    }
}

/// What the hops said, from the right; `None` where one said no address. Empty elements of a list
/// mean nothing (RFC 9110 §5.6.1).
fn hops(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let elements = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    let elements = elements.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty());
    elements.map(|element| std::str::from_utf8(element).ok().and_then(address))
}

/// Some proxies add the port, some write IPv6 addresses in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.parse().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address: IpAddr = bare.or_else(with_port).or_else(bracketed)?;
    Some(address.to_canonical())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn proxies() -> Proxies {
        Proxies::new(vec!["10.0.0.0/8".parse().unwrap(), "2001:db8:1::/48".parse().unwrap()])
    }

    fn seen(peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        proxies().client_address(&headers, peer.parse().unwrap()).to_string()
    }

    /// HD-4, T-MCP-34: only a trusted proxy's word counts, and only its own.
    #[test]
    fn hd_4_forwarded_addresses_count_from_trusted_proxies_only() {
        let line = "6.6.6.6, 192.0.2.7, 10.1.1.1";
        assert_eq!(seen("10.0.0.1", &[line]), "192.0.2.7");
        assert_eq!(seen("203.0.113.9", &[line]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["6.6.6.6", "192.0.2.7, 10.1.1.1"]), "192.0.2.7");
        assert_eq!(seen("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &["10.2.2.2, 10.1.1.1"]), "10.2.2.2");
    }

    /// A1: what a client wrote in front of its address concerns nobody.
    #[test]
    fn junk_on_the_left_changes_nothing() {
        let long = "x".repeat(5000);
        for junk in ["unknown", "", " ", ",,", "_hidden", "1.2.3.4:x", "[", "\t", "6.6.6.6", &long]
        {
            assert_eq!(seen("10.0.0.1", &[&format!("{junk}, 192.0.2.7")]), "192.0.2.7", "{junk}");
            assert_eq!(seen("10.0.0.1", &[junk, "192.0.2.7"]), "192.0.2.7", "{junk}");
            let three = format!("{junk},192.0.2.7, 10.1.1.1");
            assert_eq!(seen("10.0.0.1", &[&three]), "192.0.2.7", "{junk}");
        }
    }

    /// A1: the same address in each way in which a proxy may write it.
    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        for (written, address) in [
            ("192.0.2.7:4711", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("[::ffff:192.0.2.7]:4711", "192.0.2.7"),
            ("2001:DB8:2::1", "2001:db8:2::1"),
            ("[2001:db8:2::1]", "2001:db8:2::1"),
            ("[2001:db8:2::1]:4711", "2001:db8:2::1"),
        ] {
            assert_eq!(seen("10.0.0.1", &[written]), address, "{written}");
            let through_another = format!("{written}, [2001:db8:1::9]:443, 10.1.1.1:80");
            assert_eq!(seen("10.0.0.1", &[&through_another]), address, "{written}");
        }
    }

    /// Empty elements are nothing (RFC 9110 §5.6.1), and a proxy that knows no address is the last
    /// one that is known.
    #[test]
    fn what_a_proxy_does_not_know_ends_the_walk_there() {
        assert_eq!(seen("10.0.0.1", &["192.0.2.7, , "]), "192.0.2.7");
        assert_eq!(seen("10.0.0.1", &["192.0.2.7", ""]), "192.0.2.7");
        assert_eq!(seen("10.0.0.1", &["6.6.6.6, unknown"]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &["6.6.6.6, unknown, 10.1.1.1"]), "10.1.1.1");
    }

    /// A listener on `[::]` sees IPv4 mapped into IPv6.
    #[test]
    fn mapped_peers_are_their_ipv4_selves() {
        assert_eq!(seen("::ffff:10.0.0.1", &["192.0.2.7"]), "192.0.2.7");
        assert_eq!(seen("::ffff:203.0.113.9", &["192.0.2.7"]), "203.0.113.9");
    }
}
