//! A browser in which somebody signed in to a local account before.
//!
//! Strangers who guess lock an account for strangers. Such a browser goes by a count of its own,
//! so that they do not keep the person out; and it has a count, so that whoever sits at it, or
//! copied its cookie, cannot guess for ever.

use kernel::secret::Purpose;
use kernel::{Hashed, Timestamp};

/// Seconds for which a browser is remembered after a sign-in, whatever its cookie says.
pub const DEVICE_LIFETIME_SECONDS: i64 = 90 * 86_400;

/// Wrong attempts in a day with which a browser still goes by its own count. Beyond them it is like
/// any other.
pub const DEVICE_FAILURES_A_DAY: i64 = 100;

/// Browsers that are remembered for one account; the oldest give way.
pub const DEVICES_OF_AN_ACCOUNT: i64 = 50;

/// The purpose of the cookie by which a browser is known again.
#[derive(Clone, Copy, Debug)]
pub enum DeviceSecret {}

impl Purpose for DeviceSecret {
    const PREFIX: &'static str = "wg_dv_";
}

/// A browser that is to be remembered.
#[derive(Clone, Debug)]
pub struct NewDevice {
    /// The hash of its cookie.
    pub hash: Hashed<DeviceSecret>,
    /// Until when.
    pub expires_at: Timestamp,
}
