//! Refresh tokens: opaque, rotated on every use, with a window for racing clients.

use kernel::secret::Purpose;
use kernel::{Hashed, Timestamp};

use crate::grant::GrantId;

/// In-window reuse is counted; beyond this many the parent gives nothing any more (RT-10). The grant
/// does not end inside the window: nobody may end it for others by asking often.
pub const MAX_REUSES_IN_WINDOW: i64 = 1000;

/// A refresh token as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// The hash of the token.
    pub hash: Hashed<RefreshSecret>,
    /// The grant that it belongs to.
    pub grant: GrantId,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it ends unless it is used before (idle and sliding).
    pub expires_at: Timestamp,
    /// What it was rotated into; `None` while it is the live leaf.
    pub rotated: Option<Rotated>,
}

/// The rotation of a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// When.
    pub at: Timestamp,
    /// The hash of the successor.
    pub successor: Hashed<RefreshSecret>,
    /// The successor, sealed under a key derived from the parent token itself: only somebody who
    /// presents the parent can recover it (RT-9).
    pub successor_sealed: String,
    /// How often the parent was presented again inside the window.
    pub reuses: i64,
}

/// The purpose of a refresh token.
#[derive(Clone, Copy, Debug)]
pub enum RefreshSecret {}

impl Purpose for RefreshSecret {
    const PREFIX: &'static str = "wg_rt_";
}
