//! Consent that is remembered (CO-2).

use kernel::{Hashed, Timestamp};
use protocol::{RedirectUri, ResourceUri, Scopes};

use crate::client::{ClientId, ClientMetadata};
use crate::person::SubjectId;

/// What a consent was about. Where any of it differs, it is another question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentKey {
    /// Who consented.
    pub subject: SubjectId,
    /// The organization that the person acts for, if any.
    pub organization: Option<String>,
    /// To which client.
    pub client: ClientId,
    /// What that client said of itself (CI-15).
    pub client_metadata: Hashed<ClientMetadata>,
    /// Where its answers go; of a loopback URI, the port does not count.
    pub redirect_uri: RedirectUri,
    /// On which resource.
    pub resource: ResourceUri,
}

/// An earlier consent that nobody took back: a grant that came of it, or of one like it, is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RememberedConsent {
    /// What was allowed.
    pub scopes: Scopes,
    /// When the person said so.
    pub consented_at: Timestamp,
}

impl RememberedConsent {
    /// Whether the person need not be asked for these scopes (T-CO-04).
    pub fn covers(&self, scopes: Scopes) -> bool {
        self.scopes.contains_all(scopes)
    }
}
