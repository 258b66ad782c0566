//! An authorization in progress: from `GET /authorize` to the person's decision.

use kernel::secret::Purpose;
use kernel::{Hashed, Timestamp};
use protocol::pkce::CodeChallenge;
use protocol::{RedirectUri, ResourceUri, Scopes};

use crate::client::{ClientId, ClientMetadata, ClientOrigin};
use crate::person::{Session, SessionSecret, SubjectId};

/// Seconds for which an authorization waits for the person (AZ-6).
pub const AUTHORIZATION_LIFETIME_SECONDS: i64 = 600;

/// What the client asked for, frozen when it was checked. Later steps read it from here and never
/// from the query (AZ-11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// The client.
    pub client: ClientId,
    /// Its name as it was then, so that consent and code agree.
    pub client_name: String,
    /// How far it is trusted.
    pub client_origin: ClientOrigin,
    /// What it said of itself then.
    pub client_metadata: Hashed<ClientMetadata>,
    /// Exactly the redirect URI of the request, with its port.
    pub redirect_uri: RedirectUri,
    /// To be returned unchanged.
    pub state: Option<String>,
    /// Requested ∩ ceiling. The user type is applied when the person is known.
    pub scopes: Scopes,
    /// The one resource that tokens will be for.
    pub resource: ResourceUri,
    /// PKCE.
    pub challenge: CodeChallenge,
    /// The person must have proved who they are at this moment or later: `prompt=login` and
    /// `max_age` (OpenID Connect Core §3.1.2.1).
    pub authenticated_after: Timestamp,
    /// Whether an earlier consent may answer in the person's place.
    pub asking: Asking,
}

/// When the person is asked for consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// Where no earlier consent covers what is asked for.
    AsNeeded,
    /// In any case: `prompt=consent` (OpenID Connect Core §3.1.2.1).
    Always,
}

/// An authorization in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// The hash of the handle in URLs.
    pub handle: Hashed<AuthorizationHandle>,
    /// The hash of the browser's binding cookie (AZ-7).
    pub browser: Hashed<BrowserBinding>,
    /// What was asked for.
    pub request: AuthorizationRequest,
    /// How far it has come.
    pub stage: Stage,
    /// When it began.
    pub created_at: Timestamp,
    /// When it is too late.
    pub expires_at: Timestamp,
}

/// How far an authorization has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nobody is known yet.
    Pending,
    /// A person came back over the bridge and is asked for consent.
    Resumed {
        /// Who.
        subject: SubjectId,
        /// When that person proved who they are.
        authenticated_at: Timestamp,
        /// The session that is asked. The decision is its own, and nobody else's who signs in in
        /// this browser. Missing in what was begun before this was kept.
        session: Option<Hashed<SessionSecret>>,
    },
    /// The person allowed it; a code was made.
    Approved,
    /// The person refused. That is final (CO-8).
    Denied,
}

/// The purpose of the handle that names an authorization in URLs.
#[derive(Clone, Copy, Debug)]
pub enum AuthorizationHandle {}

impl Purpose for AuthorizationHandle {
    const PREFIX: &'static str = "wg_tx_";
}

/// The purpose of the cookie that binds authorizations to one browser.
#[derive(Clone, Copy, Debug)]
pub enum BrowserBinding {}

impl Purpose for BrowserBinding {
    const PREFIX: &'static str = "wg_bb_";
}

impl Authorization {
    /// Whether the person took too long.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }

    /// Whether the sign-in of this session is recent enough for what the client asked.
    pub fn accepts(&self, session: &Session) -> bool {
        session.authenticated_at >= self.request.authenticated_after
    }
}
