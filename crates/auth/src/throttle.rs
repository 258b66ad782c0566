//! Floods are slowed down by network, and what is asked for with good credentials by who asks (RG-16,
//! T-CA-07, DS-6, A4).
//!
//! Nothing is limited by client alone: a hosted client is one client, at a few addresses, for
//! thousands of people. What goes wrong for one of them must not be held against the others.

use std::fmt::Display;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use kernel::encoding::base64url;
use kernel::encoding::sha256;
use kernel::seal::SealingKey;
use model::{ClientId, SubjectId};
use protocol::{OAuthError, OAuthErrorCode};

/// Failed authentications in a minute that one network may send in the name of one client (DS-6).
const FAILURES_OF_A_CLIENT_PER_MINUTE: u32 = 20;

/// Those that it may send in whatever names. Behind one address of a hosted client many registrations
/// may have ended, and each must hear so, or it never registers anew.
const FAILURES_PER_MINUTE: u32 = 200;

/// As many clients of one network are told apart, and the others share their counts: what anybody can
/// send must not decide how much is remembered.
const CLIENTS_OF_A_NETWORK: u8 = 64;

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
    failures_of_a_client: DefaultKeyedRateLimiter<(IpAddr, u8)>,
    tokens: DefaultKeyedRateLimiter<[u8; 32]>,
    tokens_refused: Tally,
    sign_ins: Limiter,
    documents: Limiter,
    hashing: Key,
}

/// One rate, counted by network and, as a subscriber may have thousands of those, by site.
struct Limiter {
    refused: Tally,
    networks: DefaultKeyedRateLimiter<IpAddr>,
    sites: DefaultKeyedRateLimiter<IpAddr>,
}

/// What was refused by one limit.
struct Tally {
    what: &'static str,
    /// Lines of the log: a flood is told of, and does not fill it.
    lines: DefaultDirectRateLimiter,
    /// How many were refused since the record was told.
    count: AtomicU64,
}

impl Throttle {
    pub(crate) fn new(
        registrations_per_minute: u32,
        authorizations_per_minute: u32,
        tokens_per_minute: u32,
        key_encryption_key: &SealingKey,
    ) -> Self {
        Self {
            registrations: Limiter::new("registrations", registrations_per_minute),
            authorizations: Limiter::new("authorizations", authorizations_per_minute),
            departures: Limiter::new("ways to a provider", authorizations_per_minute),
            arrivals: Limiter::new("answers of a provider", authorizations_per_minute),
            failed_authentications: Limiter::new(
                "failed client authentications",
                FAILURES_PER_MINUTE,
            ),
            failures_of_a_client: per_minute(FAILURES_OF_A_CLIENT_PER_MINUTE),
            tokens: per_minute(tokens_per_minute),
            tokens_refused: Tally::new("tokens of one person through one client"),
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

    /// Counts a failed authentication in the name of this client, and says which error it gets.
    pub(crate) fn failed_authentication(
        &self,
        address: IpAddr,
        unverified_client: &str,
        error: OAuthError,
    ) -> OAuthError {
        let [first, ..] = sha256(unverified_client.as_bytes());
        let client = (network(address), first % CLIENTS_OF_A_NETWORK);
        if self.failures_of_a_client.check_key(&client).is_err() {
            self.failed_authentications.refused.add(&client.0);
        } else if self.failed_authentications.admits(address) {
            return error;
        }
        OAuthErrorCode::SlowDown
            .because("too many failed client authentications from this address; wait")
    }

    /// Counts a token for this person through this client, or for a client that acts for itself; an
    /// error once there are too many. Only what is otherwise good is counted, so a stranger uses up
    /// nobody's tokens.
    pub(crate) fn token(&self, client: &ClientId, subject: &SubjectId) -> Result<(), OAuthError> {
        let pair = serde_json::json!([client.as_str(), subject.as_str()]).to_string();
        if self.tokens.check_key(&sha256(pair.as_bytes())).is_ok() {
            return Ok(());
        }
        self.tokens_refused.add(&client.as_str());
        Err(OAuthErrorCode::SlowDown
            .because("too many tokens in a minute; use the access token until it expires"))
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
        self.failures_of_a_client.retain_recent();
        self.tokens.retain_recent();
    }

    /// The limits that were reached since this was asked last, and how many were refused.
    pub(crate) fn take_refused(&self) -> Vec<(&'static str, u64)> {
        let all = self.all().map(|limiter| &limiter.refused).into_iter();
        all.chain([&self.tokens_refused])
            .map(|refused| (refused.what, refused.count.swap(0, Ordering::Relaxed)))
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
    fn new(what: &'static str, times: u32) -> Self {
        let site = times.saturating_mul(NETWORKS_OF_A_SITE);
        Self { refused: Tally::new(what), networks: per_minute(times), sites: per_minute(site) }
    }

    /// Counts one more from there, unless there were too many.
    fn admits(&self, address: IpAddr) -> bool {
        let admitted = self.networks.check_key(&network(address)).is_ok()
            && self.sites.check_key(&site(address)).is_ok();
        if !admitted {
            self.refused.add(&network(address));
        }
        admitted
    }
}

impl Tally {
    fn new(what: &'static str) -> Self {
        let lines = RateLimiter::direct(Quota::per_minute(positive(LINES_PER_MINUTE)));
        Self { what, lines, count: AtomicU64::new(0) }
    }

    /// Counts one, of this network or client.
    fn add(&self, whose: &dyn Display) {
        self.count.fetch_add(1, Ordering::Relaxed);
        if self.lines.check().is_ok() {
            tracing::info!(%whose, what = self.what, "too many in a minute: 429");
        }
    }
}

fn per_minute<K: Clone + Eq + Hash>(times: u32) -> DefaultKeyedRateLimiter<K> {
    RateLimiter::keyed(Quota::per_minute(positive(times)))
}

fn positive(times: u32) -> NonZeroU32 {
    NonZeroU32::new(times).unwrap_or(NonZeroU32::MIN)
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
        let throttle = Throttle::new(1, 1, 1, &SealingKey::from_bytes([7; 32]));
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

    /// The page for operators has the figures that are not settings.
    #[test]
    fn ds_6_the_page_has_the_figures() {
        const PAGE: &str = include_str!("../../../docs/security.md");
        for (what, figure) in [
            ("Metadata documents of clients that have to be fetched", DOCUMENTS_PER_MINUTE),
            ("Attempts at local accounts, beside the locks of each account", SIGN_INS_PER_MINUTE),
            ("Failed authentications in the name of one client", FAILURES_OF_A_CLIENT_PER_MINUTE),
            ("Failed authentications", FAILURES_PER_MINUTE),
        ] {
            let row = PAGE.lines().find(|line| line.starts_with(&format!("| {what} |"))).unwrap();
            assert!(row.ends_with(&format!("| {figure} |")), "{row}");
        }
    }

    /// A subscriber with thousands of IPv6 networks is still one.
    #[test]
    fn a4_a_site_does_ten_times_as_much_as_a_network() {
        let throttle = Throttle::new(2, 2, 2, &SealingKey::from_bytes([7; 32]));
        let registered = |site: u16| {
            let from = |network: u16| Ipv6Addr::new(0x2001, 0xdb8, site, network, 0, 0, 0, 1);
            (0..100).filter(|n| throttle.registration(from(*n).into()).is_ok()).count()
        };
        assert_eq!((registered(1), registered(2)), (20, 20));
        // LG-1: one word for the record, however many there were.
        assert_eq!(throttle.take_refused(), [("registrations", 160)]);
        assert!(throttle.take_refused().is_empty());
    }

    /// DS-6 (RFC 6585 §4): what fails in one client's name is not held against the others behind its
    /// address, and all names together have an end.
    #[test]
    fn ds_6_failures_are_counted_by_client_and_network() {
        let throttle = Throttle::new(1, 1, 1, &SealingKey::from_bytes([7; 32]));
        let refused = |address: [u8; 4], client: &str| {
            let error = OAuthErrorCode::InvalidClient.because("no");
            let told = throttle.failed_authentication(IpAddr::from(address), client, error);
            told.code == OAuthErrorCode::SlowDown
        };
        let hosted = [192, 0, 2, 7];
        let told = (0..30).filter(|_| !refused(hosted, "broken")).count();
        assert_eq!(told, 20, "one client");
        assert!(!refused(hosted, "other"), "its neighbour");
        let told = (0..2_000).filter(|n| !refused(hosted, &n.to_string())).count();
        assert_eq!(told, 200 - 21, "whatever the names");
        assert!(!refused([192, 0, 2, 8], "broken"), "another network");
        assert_eq!(throttle.failures_of_a_client.len(), 65, "names are not remembered one by one");
    }

    /// DS-6 (RFC 6585 §4): by person and client, and not by either alone.
    #[test]
    fn ds_6_tokens_are_counted_by_person_and_client() {
        let throttle = Throttle::new(1, 1, 2, &SealingKey::from_bytes([7; 32]));
        let token = |client: &str, person: &str| {
            let person = SubjectId::from_stored(person);
            throttle.token(&ClientId::from_text(client), &person).map_err(|error| error.code)
        };
        assert_eq!(token("hosted", "ada"), Ok(()));
        assert_eq!(token("hosted", "ada"), Ok(()));
        assert_eq!(token("hosted", "ada"), Err(OAuthErrorCode::SlowDown));
        assert_eq!(token("hosted", "bob"), Ok(()), "the same client");
        assert_eq!(token("other", "ada"), Ok(()), "the same person");
        assert_eq!(throttle.take_refused(), [("tokens of one person through one client", 1)]);
    }
}
