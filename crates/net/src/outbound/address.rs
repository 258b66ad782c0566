//! Which addresses are on the public internet (SS-3). The registries are the crate's; what is said here
//! is which of them count.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use iprfc::{IpNet, RFC1112, RFC4291, RFC6890};

/// Whether an address is one that anybody in the world would reach, and no way to another one.
///
/// Whatever has a row in the registries of special addresses (RFC 6890, as IANA keeps them) is not: this
/// network, private, shared (RFC 6598), loopback, link-local, documentation, benchmarking, 6to4, Teredo
/// and so on; nor is multicast. An IPv4 address within an IPv6 one counts as what it is where the outer
/// form is a translator's for the whole internet (RFC 6052 §2.1) or mere notation (RFC 4291 §2.5.5.2).
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match inner(address) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !is_registered(address.into())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // RFC 5214 §6.1: the second half of an ISATAP address names an IPv4 host behind it.
    let is_isatap = matches!(address.segments(), [_, _, _, _, 0 | 0x200, 0x5efe, _, _]);
    // RFC 4291 §2.4, IANA's allocations: nothing else is given to anybody.
    let is_global_unicast = address.segments()[0] & 0xe000 == 0x2000;
    is_global_unicast && !is_isatap && !is_registered(address.into())
}

/// The IPv4 address that is meant.
fn inner(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
            let [.., a, b, c, d] = address.octets();
            Some(Ipv4Addr::new(a, b, c, d))
        }
        _ => address.to_ipv4_mapped(),
    }
}

fn is_registered(address: IpAddr) -> bool {
    let holds = |net: &IpNet| net.contains(&address);
    RFC6890.ip_nets().iter().any(holds)
        || RFC1112.ip_nets().iter().any(holds)
        || RFC4291.ip_nets().iter().any(holds)
        || address.is_multicast()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// SS-3, T-SSRF-08 to T-SSRF-11: a row for each range, with its first and last address where it has two.
    #[test]
    fn ss_3_special_addresses_are_not_public() {
        for special in [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.0.0",
            "169.254.169.254",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.0",
            "192.0.0.255",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::2",
            "::127.0.0.1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::1",
            "64:ff9b:1:ffff::8.8.8.8",
            "100::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002::1",
            "2002:7f00:1::1",
            "2002:808:808::1",
            "2a00:1450::5efe:10.0.0.1",
            "2a00:1450::200:5efe:8.8.8.8",
            "3fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
            "fe80::5efe:10.0.0.1",
            "1::1",
        ] {
            assert!(!is_public(special.parse().unwrap()), "{special}");
        }
    }

    /// SS-3: what anybody would reach, also from a network that has IPv6 only.
    #[test]
    fn ss_3_public_addresses_are_public() {
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:4860:4860::8888",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }
}
