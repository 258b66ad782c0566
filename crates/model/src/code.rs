//! Authorization codes.

use kernel::secret::Purpose;
use kernel::{Hashed, Timestamp};
use protocol::pkce::CodeChallenge;
use protocol::{RedirectUri, ResourceUri, Scopes};

use crate::client::ClientId;
use crate::grant::GrantId;
use crate::person::SubjectId;

/// After so many failed attempts a code is burned (TC-4).
pub const MAX_FAILED_REDEMPTIONS: i64 = 5;

/// A code as it was issued, bound to everything (AZ-13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// The hash of the code.
    pub hash: Hashed<CodeSecret>,
    /// The client it was issued to.
    pub client: ClientId,
    /// The client's name at consent.
    pub client_name: String,
    /// Where it was sent.
    pub redirect_uri: RedirectUri,
    /// PKCE.
    pub challenge: CodeChallenge,
    /// The resource that tokens will be for.
    pub resource: ResourceUri,
    /// What the person ticked, within ceiling and user type.
    pub scopes: Scopes,
    /// The person.
    pub subject: SubjectId,
    /// The organization that the person acts for, if any.
    pub organization: Option<String>,
    /// When the person proved who they are.
    pub authenticated_at: Timestamp,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it is too late.
    pub expires_at: Timestamp,
    /// How many wrong attempts there were.
    pub failed_redemptions: i64,
    /// The grant it was redeemed for; `None` while it is unused.
    pub redeemed_as: Option<GrantId>,
}

/// The purpose of an authorization code.
#[derive(Clone, Copy, Debug)]
pub enum CodeSecret {}

impl Purpose for CodeSecret {
    const PREFIX: &'static str = "wg_ac_";
}
