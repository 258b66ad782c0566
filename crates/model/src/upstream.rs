//! A person who is away at an identity provider and is expected back.

use kernel::secret::Purpose;
use kernel::{Hashed, Timestamp};

use crate::authorization::{AuthorizationHandle, BrowserBinding};

/// Seconds for which a person may be away at a provider (T-CB-03, T-CB-17).
pub const UPSTREAM_LIFETIME_SECONDS: i64 = 600;

/// A sign-in at a provider, from leaving until coming back.
#[derive(Clone, PartialEq, Eq)]
pub struct UpstreamSignIn {
    /// The hash of the `state` or `RelayState` that goes to the provider and back.
    pub state: Hashed<UpstreamState>,
    /// The id of the provider that may answer.
    pub provider: String,
    /// The hash of the browser's binding cookie: nobody else may come back.
    pub browser: Hashed<BrowserBinding>,
    /// The authorization that goes on afterwards; `None` for the account page.
    pub handle: Option<Hashed<AuthorizationHandle>>,
    /// What the answer is checked against, sealed.
    pub pending_sealed: String,
    /// An answer that arrived without the browser's cookie, sealed, until the browser fetches it.
    pub answer_sealed: Option<String>,
    /// When the person left.
    pub created_at: Timestamp,
    /// When it is too late to come back.
    pub expires_at: Timestamp,
}

/// The purpose of the value that names an [`UpstreamSignIn`] at the provider.
#[derive(Clone, Copy, Debug)]
pub enum UpstreamState {}

impl Purpose for UpstreamState {
    const PREFIX: &'static str = "wg_up_";
}

impl UpstreamSignIn {
    /// Whether the person took too long.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }
}

/// Shows no sealed value.
impl std::fmt::Debug for UpstreamSignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpstreamSignIn")
            .field("state", &self.state)
            .field("provider", &self.provider)
            .field("is_answered", &self.answer_sealed.is_some())
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
