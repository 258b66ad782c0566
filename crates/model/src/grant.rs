//! Grants: what one person granted one client on one resource.
//!
//! A machine, which is a client that acts for itself (RFC 6749 §4.4), has grants as well: one for
//! each resource, made when it first asks and used for all tokens of its own from then on. The
//! operator is who granted it, and the subject is the client. So its tokens have a bit in the status
//! lists like anybody's; they die when the grant is revoked or the machine is disabled, and they are
//! dead while the configuration does not give the machine what the grant says.

use kernel::id::Kind;
use kernel::{Id, Timestamp};
use protocol::{ResourceUri, Scopes};

use crate::audit::Actor;
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
    /// The operator gives the machine less than before.
    Reassigned,
}

impl Grant {
    /// Whether it is a machine's own.
    pub fn is_of_a_machine(&self) -> bool {
        self.subject.as_str() == self.client.as_str()
    }
}

impl RevocationReason {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::ClientRequest,
        Self::CodeReplay,
        Self::RefreshReuse,
        Self::Administrative,
        Self::SignedOut,
        Self::ProviderRefused,
        Self::Reassigned,
    ];

    /// Who ends a grant for this reason.
    pub const fn actor(self) -> Actor {
        match self {
            Self::ClientRequest => Actor::Client,
            Self::CodeReplay | Self::RefreshReuse => Actor::Server,
            Self::Administrative | Self::Reassigned => Actor::Operator,
            Self::SignedOut | Self::ProviderRefused => Actor::Provider,
        }
    }

    /// The name in storage and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientRequest => "client_request",
            Self::CodeReplay => "code_replay",
            Self::RefreshReuse => "refresh_reuse",
            Self::Administrative => "administrative",
            Self::SignedOut => "signed_out",
            Self::ProviderRefused => "provider_refused",
            Self::Reassigned => "reassigned",
        }
    }

    /// The reason with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}
