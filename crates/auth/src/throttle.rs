//! Floods are slowed down by address (RG-16, CA-7, DS-6).

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use protocol::{OAuthError, OAuthErrorCode};

/// Wrong client secrets that one address may send in a minute.
const FAILED_AUTHENTICATIONS_PER_MINUTE: u32 = 20;

/// Attempts to sign in at a local account that one address may make in a minute. Offices share
/// addresses, so this is for machines; accounts have their own locks.
const SIGN_INS_PER_MINUTE: u32 = 60;

/// The limits that are in force.
pub(crate) struct Throttle {
    registrations: DefaultKeyedRateLimiter<IpAddr>,
    failed_authentications: DefaultKeyedRateLimiter<IpAddr>,
    sign_ins: DefaultKeyedRateLimiter<IpAddr>,
}

impl Throttle {
    pub(crate) fn new(registrations_per_minute: u32) -> Self {
        let per_minute =
            |times: u32| Quota::per_minute(NonZeroU32::new(times).unwrap_or(NonZeroU32::MIN));
        Self {
            registrations: RateLimiter::keyed(per_minute(registrations_per_minute)),
            failed_authentications: RateLimiter::keyed(per_minute(
                FAILED_AUTHENTICATIONS_PER_MINUTE,
            )),
            sign_ins: RateLimiter::keyed(per_minute(SIGN_INS_PER_MINUTE)),
        }
    }

    /// Counts a registration; an error once there are too many.
    pub(crate) fn registration(&self, address: IpAddr) -> Result<(), OAuthError> {
        self.registrations.check_key(&address).map_err(|_| {
            OAuthErrorCode::SlowDown.because("too many registrations from this address; wait")
        })
    }

    /// Counts a failed client authentication and says which error it gets.
    pub(crate) fn failed_authentication(&self, address: IpAddr, error: OAuthError) -> OAuthError {
        match self.failed_authentications.check_key(&address) {
            Ok(()) => error,
            Err(_) => OAuthErrorCode::SlowDown
                .because("too many failed client authentications from this address; wait"),
        }
    }

    /// Counts an attempt to sign in; `false` once there are too many (T-LOGIN-03).
    pub(crate) fn sign_in(&self, address: IpAddr) -> bool {
        self.sign_ins.check_key(&address).is_ok()
    }

    /// Forgets addresses that have been quiet.
    pub(crate) fn forget_the_quiet(&self) {
        self.registrations.retain_recent();
        self.failed_authentications.retain_recent();
        self.sign_ins.retain_recent();
    }
}
