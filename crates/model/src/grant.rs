//! Grants: what one person granted one client on one resource.

use kernel::id::Kind;
use kernel::{Id, Timestamp};
use protocol::{ResourceUri, Scopes};

use crate::client::ClientId;
use crate::person::SubjectId;

/// Marks the id of a [`Grant`].
#[derive(Clone, Copy, Debug)]
pub enum GrantKind {}

impl Kind for GrantKind {
    const PREFIX: &'static str = "grt_";
}

/// The identifier of a grant.
pub type GrantId = Id<GrantKind>;

/// The thing that is listed and revoked. Tokens live and die with it (GR-1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The id.
    pub id: GrantId,
    /// Who granted it.
    pub subject: SubjectId,
    /// The organization that the person acts for, if any.
    pub organization: Option<String>,
    /// To which client.
    pub client: ClientId,
    /// That client's name at consent.
    pub client_name: String,
    /// Where the code was sent, for lists that people read.
    pub redirect_host: String,
    /// On which resource.
    pub resource: ResourceUri,
    /// Fixed at consent.
    pub scopes: Scopes,
    /// Its number in the status lists.
    pub status_index: u64,
    /// When the person proved who they are.
    pub authenticated_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When and why it ended, if it did.
    pub revoked: Option<(Timestamp, RevocationReason)>,
}

/// Why a grant ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationReason {
    /// The client asked (RFC 7009).
    ClientRequest,
    /// A code was redeemed twice (TC-3).
    CodeReplay,
    /// A refresh token was used again outside the grace window (RT-4).
    RefreshReuse,
    /// The person or an administrator ended it.
    Administrative,
    /// The person signed out at the provider, and grants end with that (LO-1).
    SignedOut,
    /// The provider, asked again, did not stand by the person any more.
    ProviderRefused,
}

impl RevocationReason {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::ClientRequest,
        Self::CodeReplay,
        Self::RefreshReuse,
        Self::Administrative,
        Self::SignedOut,
        Self::ProviderRefused,
    ];

    /// The name in storage and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientRequest => "client_request",
            Self::CodeReplay => "code_replay",
            Self::RefreshReuse => "refresh_reuse",
            Self::Administrative => "administrative",
            Self::SignedOut => "signed_out",
            Self::ProviderRefused => "provider_refused",
        }
    }

    /// The reason with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}
