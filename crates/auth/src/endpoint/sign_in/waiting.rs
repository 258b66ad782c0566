//! What waits here, sealed, while a person is away at a provider.

use kernel::seal::SealingKey;
use kernel::{Hashed, Plain, SecureRandom};
use model::authorization::AuthorizationHandle;
use model::upstream::UpstreamState;
use protocol::Identity;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sso::{SignedIn, UpstreamSession};

use crate::answer::PageFailure;
use crate::server::AuthServer;

/// What the answer is checked against, and where the person goes on afterwards.
#[derive(Serialize, Deserialize)]
pub(super) struct Waiting {
    /// The authorization's handle; `None` for the account page.
    txn: Option<String>,
    /// The relay state, for a SAML answer that lost it; rows of older versions have none.
    #[serde(default)]
    relay_state: Option<String>,
    /// The provider's part.
    pub(super) pending: Pending,
}

/// The provider's part.
#[derive(Serialize, Deserialize)]
pub(super) enum Pending {
    /// A relying party's nonce and PKCE verifier.
    Oidc(sso::oidc::Pending),
    /// A service provider's request id.
    Saml(sso::saml::Pending),
}

/// A verified answer that arrived without the browser.
#[derive(Serialize, Deserialize)]
pub(super) struct Answer {
    identity: Identity,
    session: Option<String>,
    logout_hint: Option<String>,
    ends_at: Option<i64>,
}

impl Waiting {
    pub(super) fn new(
        handle: Option<&Plain<AuthorizationHandle>>,
        state: &Plain<UpstreamState>,
        pending: Pending,
    ) -> Self {
        let is_saml = matches!(pending, Pending::Saml(_));
        Self {
            txn: handle.map(|handle| handle.reveal().to_owned()),
            relay_state: is_saml.then(|| state.reveal().to_owned()),
            pending,
        }
    }

    /// The authorization to go on with.
    pub(super) fn handle(&self) -> Option<Plain<AuthorizationHandle>> {
        self.txn.as_deref().and_then(Plain::parse)
    }

    /// What the browser comes back with.
    pub(super) fn relay_state(&self) -> Option<Plain<UpstreamState>> {
        self.relay_state.as_deref().and_then(Plain::parse)
    }

    pub(super) fn seal(
        &self,
        server: &AuthServer,
        state: &Hashed<UpstreamState>,
    ) -> Result<String, PageFailure> {
        seal(&server.config.key_encryption_key, "pending_sealed", state, self, &*server.random)
    }

    pub(super) fn open(
        server: &AuthServer,
        sealed: &str,
        state: &Hashed<UpstreamState>,
    ) -> Result<Self, PageFailure> {
        open(server, "pending_sealed", state, sealed)
    }
}

impl Answer {
    pub(super) fn seal(
        signed_in: SignedIn,
        server: &AuthServer,
        state: &Hashed<UpstreamState>,
    ) -> Result<String, PageFailure> {
        let upstream = signed_in.upstream;
        let answer = Self {
            identity: signed_in.identity,
            session: upstream.id,
            logout_hint: upstream.logout_hint,
            ends_at: upstream.ends_at.map(kernel::Timestamp::as_millis),
        };
        let key = &server.config.key_encryption_key;
        seal(key, "answer_sealed", state, &answer, &*server.random)
    }

    pub(super) fn open(
        server: &AuthServer,
        sealed: &str,
        state: &Hashed<UpstreamState>,
    ) -> Result<SignedIn, PageFailure> {
        let answer: Self = open(server, "answer_sealed", state, sealed)?;
        Ok(SignedIn {
            identity: answer.identity,
            upstream: UpstreamSession {
                id: answer.session,
                logout_hint: answer.logout_hint,
                ends_at: answer.ends_at.map(kernel::Timestamp::from_millis),
                refresh_token: None,
            },
        })
    }
}

/// A sealed value opens in its own row and column only.
fn place(column: &str, state: &Hashed<UpstreamState>) -> String {
    format!("OAUTH_UPSTREAM.{column}:{}", state.as_str())
}

fn seal(
    key: &SealingKey,
    column: &str,
    state: &Hashed<UpstreamState>,
    value: &impl Serialize,
    random: &dyn SecureRandom,
) -> Result<String, PageFailure> {
    let json = serde_json::to_vec(value).map_err(|error| PageFailure::Unexpected(error.into()))?;
    Ok(key.seal(&json, &place(column, state), random))
}

/// Old key-encryption keys still open what waited while the key was changed.
fn open<T: DeserializeOwned>(
    server: &AuthServer,
    column: &str,
    state: &Hashed<UpstreamState>,
    sealed: &str,
) -> Result<T, PageFailure> {
    let place = place(column, state);
    let config = &server.config;
    let mut keys =
        std::iter::once(&config.key_encryption_key).chain(&config.old_key_encryption_keys);
    let json = keys.find_map(|key| key.open(sealed, &place).ok());
    let json =
        json.ok_or_else(|| PageFailure::Unexpected("a sealed sign-in does not open".into()))?;
    serde_json::from_slice(&json).map_err(|error| PageFailure::Unexpected(error.into()))
}
