//! Floods are slowed down by network (RG-16, T-CA-07, DS-6, A4).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use kernel::encoding::base64url;
use kernel::seal::SealingKey;
use protocol::{OAuthError, OAuthErrorCode};

/// Wrong client secrets that one network may send in a minute.
const FAILED_AUTHENTICATIONS_PER_MINUTE: u32 = 20;

/// Attempts to sign in at a local account that one network may make in a minute. Offices share
/// addresses, so this is for machines; accounts have their own locks.
const SIGN_INS_PER_MINUTE: u32 = 60;

/// Metadata documents that are fetched in a minute because one network named them. Those that are known
/// cost nothing, and a person has a few clients.
const DOCUMENTS_PER_MINUTE: u32 = 30;

/// How many times as much as one network the site may do in which it lies.
const NETWORKS_OF_A_SITE: u32 = 10;

/// Lines of the log about one limit in a minute.
const LINES_PER_MINUTE: u32 = 10;

/// The limits that are in force.
pub(crate) struct Throttle {
    registrations: Limiter,
    authorizations: Limiter,
    departures: Limiter,
    arrivals: Limiter,
    failed_authentications: Limiter,
    sign_ins: Limiter,
    documents: Limiter,
    hashing: Key,
}

/// One rate, counted by network and, as a subscriber may have thousands of those, by site.
struct Limiter {
    what: &'static str,
    /// Lines of the log: a flood is told of, and does not fill it.
    lines: DefaultDirectRateLimiter,
    /// How many were refused since the record was told.
    refused: AtomicU64,
    networks: DefaultKeyedRateLimiter<IpAddr>,
    sites: DefaultKeyedRateLimiter<IpAddr>,
}

impl Throttle {
    pub(crate) fn new(
        registrations_per_minute: u32,
        authorizations_per_minute: u32,
        key_encryption_key: &SealingKey,
    ) -> Self {
        Self {
            registrations: Limiter::new("registrations", registrations_per_minute),
            authorizations: Limiter::new("authorizations", authorizations_per_minute),
            departures: Limiter::new("ways to a provider", authorizations_per_minute),
            arrivals: Limiter::new("answers of a provider", authorizations_per_minute),
            failed_authentications: Limiter::new(
                "wrong client secrets",
                FAILED_AUTHENTICATIONS_PER_MINUTE,
            ),
            documents: Limiter::new("documents of clients", DOCUMENTS_PER_MINUTE),
            sign_ins: Limiter::new("attempts at local accounts", SIGN_INS_PER_MINUTE),
            hashing: Key::new(HMAC_SHA256, key_encryption_key.derive("network").bytes()),
        }
    }

    /// Counts a registration; an error once there are too many.
    pub(crate) fn registration(&self, address: IpAddr) -> Result<(), OAuthError> {
        if self.registrations.admits(address) {
            return Ok(());
        }
        Err(OAuthErrorCode::SlowDown.because("too many registrations from this address; wait"))
    }

    /// Counts an authorization that begins; `false` once there are too many.
    pub(crate) fn authorization(&self, address: IpAddr) -> bool {
        self.authorizations.admits(address)
    }

    /// Counts somebody who leaves for a provider; `false` once there are too many.
    pub(crate) fn departure(&self, address: IpAddr) -> bool {
        self.departures.admits(address)
    }

    /// Counts an answer that somebody brings from a provider; `false` once there are too many. One
    /// sign-in can be begun and then answered any number of times, and each answer is a signature
    /// to check.
    pub(crate) fn arrival(&self, address: IpAddr) -> bool {
        self.arrivals.admits(address)
    }

    /// Counts a failed client authentication and says which error it gets.
    pub(crate) fn failed_authentication(&self, address: IpAddr, error: OAuthError) -> OAuthError {
        if self.failed_authentications.admits(address) {
            return error;
        }
        OAuthErrorCode::SlowDown
            .because("too many failed client authentications from this address; wait")
    }

    /// Counts an attempt to sign in; `false` once there are too many (T-LOGIN-03).
    pub(crate) fn sign_in(&self, address: IpAddr) -> bool {
        self.sign_ins.admits(address)
    }

    /// Counts a metadata document that has to be fetched; `false` once there are too many.
    pub(crate) fn document(&self, address: IpAddr) -> bool {
        self.documents.admits(address)
    }

    /// The site of an address as the database knows it: the same on every replica, and of no use to
    /// whoever reads it there.
    pub(crate) fn source(&self, address: IpAddr) -> String {
        let tag = sign(&self.hashing, site(address).to_string().as_bytes());
        base64url(&tag.as_ref()[..16])
    }

    /// Forgets networks that have been quiet.
    pub(crate) fn forget_the_quiet(&self) {
        for limiter in self.all() {
            limiter.networks.retain_recent();
            limiter.sites.retain_recent();
        }
    }

    /// The limits that were reached since this was asked last, and how many were refused.
    pub(crate) fn take_refused(&self) -> Vec<(&'static str, u64)> {
        let all = self.all().into_iter();
        all.map(|limiter| (limiter.what, limiter.refused.swap(0, Ordering::Relaxed)))
            .filter(|(_, refused)| *refused > 0)
            .collect()
    }

    const fn all(&self) -> [&Limiter; 7] {
        [
            &self.registrations,
            &self.authorizations,
            &self.departures,
            &self.arrivals,
            &self.failed_authentications,
            &self.sign_ins,
            &self.documents,
        ]
    }
}

impl Limiter {
    fn new(what: &'static str, per_minute: u32) -> Self {
        let times = |times: u32| NonZeroU32::new(times).unwrap_or(NonZeroU32::MIN);
        let of = |per_minute: u32| RateLimiter::keyed(Quota::per_minute(times(per_minute)));
        let site = per_minute.saturating_mul(NETWORKS_OF_A_SITE);
        let lines = RateLimiter::direct(Quota::per_minute(times(LINES_PER_MINUTE)));
        let refused = AtomicU64::new(0);
        Self { what, lines, refused, networks: of(per_minute), sites: of(site) }
    }

    /// Counts one more from there, unless there were too many.
    fn admits(&self, address: IpAddr) -> bool {
        let admitted = self.networks.check_key(&network(address)).is_ok()
            && self.sites.check_key(&site(address)).is_ok();
        if admitted {
            return true;
        }
        self.refused.fetch_add(1, Ordering::Relaxed);
        if self.lines.check().is_ok() {
            let network = network(address);
            tracing::info!(%network, what = self.what, "too many in a minute: 429");
        }
        false
    }
}

/// An IPv4 address, however it is written, or the /64 of an IPv6 one, in which anybody can take as
/// many addresses as they like.
fn network(address: IpAddr) -> IpAddr {
    prefix(address, 64)
}

/// What one subscriber may have: an IPv4 address, or the /48 of an IPv6 one (RFC 6177 §2).
fn site(address: IpAddr) -> IpAddr {
    prefix(address, 48)
}

fn prefix(address: IpAddr, length: u32) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        // Behind a translator every IPv4 address is in one /96 (RFC 6052 §2.1).
        IpAddr::V6(address) if address.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0] => {
            let [.., a, b, c, d] = address.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        IpAddr::V6(address) => {
            let rest = Ipv6Addr::BITS - length;
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> rest << rest))
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// A1, A4: one subscriber is one network, however many addresses there are in it.
    #[test]
    fn a4_networks_are_counted_and_not_addresses() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let throttle = Throttle::new(1, 1, &SealingKey::from_bytes([7; 32]));
        for (one, same) in [
            ("192.0.2.7", "::ffff:192.0.2.7"),
            ("64:ff9b::198.51.100.7", "198.51.100.7"),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"),
        ] {
            assert!(throttle.authorization(address(one)));
            assert!(!throttle.authorization(address(same)), "{same}");
            assert!(throttle.registration(address(one)).is_ok());
            assert!(throttle.registration(address(same)).is_err(), "{same}");
            assert_eq!(throttle.source(address(one)), throttle.source(address(same)));
        }
        for other in ["192.0.2.8", "2001:db8:1:3::1", "64:ff9b::198.51.100.8"] {
            assert!(throttle.authorization(address(other)), "{other}");
        }
        let source = |text| throttle.source(address(text));
        assert_eq!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"), "one site");
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:2:2::1"));
        assert_ne!(throttle.source(address("192.0.2.7")), throttle.source(address("192.0.2.8")));
    }
    /// A subscriber with thousands of IPv6 networks is still one.
    #[test]
    fn a4_a_site_does_ten_times_as_much_as_a_network() {
        let throttle = Throttle::new(2, 2, &SealingKey::from_bytes([7; 32]));
        let registered = |site: u16| {
            let from = |network: u16| Ipv6Addr::new(0x2001, 0xdb8, site, network, 0, 0, 0, 1);
            (0..100).filter(|n| throttle.registration(from(*n).into()).is_ok()).count()
        };
        assert_eq!((registered(1), registered(2)), (20, 20));
        // LG-1: one word for the record, however many there were.
        assert_eq!(throttle.take_refused(), [("registrations", 160)]);
        assert!(throttle.take_refused().is_empty());
    }
}
