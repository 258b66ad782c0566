//! From an unverified bearer token to a [`Permit`].
//!
//! A signature is checked once, or not at all if it was made in this process; the result is kept under
//! the token's SHA-256. On every request, kept or not, expiry, the status bit and the key behind the
//! token are looked at again.

use std::sync::Arc;

use protocol::catalogue::{CATALOGUE_REQUEST_TYPE, CatalogueRequest, Consenting};
use protocol::token::ACCESS_TOKEN_TYPE;
use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle};
use serde_json::value::RawValue;
use upstream::connection::Caller;
use upstream::tally::Tally;

use super::credential::Credential;
use super::digest::{BuildAsItIs, Digest};
use super::keys;
use super::permit::{Permit, TokenProfile};
use super::token::{Signed, Unverified};
use super::trust::{TokenStatus, Trust};

/// Verifies the tokens of one server.
pub(crate) struct Verifier {
    principal: TokenProfile,
    cache: Verified,
    trust: Arc<Trust>,
    tally: Tally,
}

/// Tokens that were found good, as many as `cached_entries`.
type Verified = Cache<Digest, Arc<Permit>, UnitWeighter, BuildAsItIs>;

/// Why there is no permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoPermit {
    /// The token is not valid here, or no longer.
    Invalid,
    /// It cannot be told, because the authority does not answer.
    Unknowable,
}

/// Tokens of ours have a few hundred bytes; nothing near this is one.
const MAX_TOKEN_LENGTH: usize = 8192;

impl Verifier {
    pub(crate) fn new(principal: TokenProfile, cached_entries: usize, trust: Arc<Trust>) -> Self {
        let cache = Cache::with(
            cached_entries,
            u64::try_from(cached_entries).unwrap_or(u64::MAX),
            UnitWeighter,
            BuildAsItIs::default(),
            DefaultLifecycle::default(),
        );
        Self { principal, cache, trust, tally: Tally::default() }
    }

    /// The permit of this credential. Waits for nothing if it was seen before.
    pub(crate) async fn verify(&self, unverified: Credential<'_>) -> Result<Arc<Permit>, NoPermit> {
        let Credential::Jwt(unverified) = unverified;
        if unverified.len() > MAX_TOKEN_LENGTH {
            return Err(NoPermit::Invalid);
        }
        let digest = Digest::of(unverified);
        let permit = match self.cache.get(&digest) {
            Some(permit) => {
                self.tally.hit();
                permit
            }
            None => self.first_seen(unverified, digest).await?,
        };
        match self.trust.standing(&permit) {
            TokenStatus::Good => Ok(permit),
            TokenStatus::Ended => {
                self.cache.remove(&digest);
                Err(NoPermit::Invalid)
            }
            TokenStatus::Unknown => self.look_up(permit).await,
        }
    }

    /// The permit of a token that was one for this server and is at its end: it expired, or its grant
    /// ended. It opens nothing; only what its principal leaves behind can be put away with it. `None`
    /// for whatever never was such a token, and for one that is still good.
    pub(crate) async fn ended(&self, unverified: Credential<'_>) -> Option<Arc<Permit>> {
        let Credential::Jwt(unverified) = unverified;
        let (payload, key) = self.signed(unverified, ACCESS_TOKEN_TYPE).await.ok()?;
        let permit = self.principal.identified(Signed::read(&payload)?, &key, self.trust.now())?;
        (self.trust.standing(&permit) == TokenStatus::Ended).then(|| Arc::new(permit))
    }

    async fn first_seen(&self, unverified: &str, digest: Digest) -> Result<Arc<Permit>, NoPermit> {
        self.tally.miss();
        let (unverified, key) = self.under_a_key(unverified, ACCESS_TOKEN_TYPE).await?;
        let payload = if self.trust.authority().has_signed(digest.bytes()) {
            unverified.payload_as_signed()
        } else {
            unverified.payload(&key)
        };
        let payload = payload.ok_or(NoPermit::Invalid)?;
        let claims = Signed::read(&payload).ok_or(NoPermit::Invalid)?;
        let permit = self.principal.permit(claims, &key, self.trust.now());
        let permit = Arc::new(permit.ok_or(NoPermit::Invalid)?);
        self.cache.insert(digest, Arc::clone(&permit));
        Ok(permit)
    }

    /// How many tokens were known already.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// For whom the authorization server asks for this server's tools. Such a request
    /// is a JWT of its own type, so no access token is one and it is no access token.
    pub(crate) async fn catalogue_request(
        &self,
        unverified: Credential<'_>,
    ) -> Result<Consenting, NoPermit> {
        let Credential::Jwt(unverified) = unverified;
        let (payload, _) = self.signed(unverified, CATALOGUE_REQUEST_TYPE).await?;
        let request: CatalogueRequest =
            serde_json::from_str(payload.get()).map_err(|_| NoPermit::Invalid)?;
        let fits = self.principal.is_asked(&request, self.trust.now());
        fits.then_some(request.person).ok_or(NoPermit::Invalid)
    }

    /// On whose behalf a program of the person's own is asked for its tools, before there is a token.
    pub(crate) fn caller(&self, person: &Consenting) -> Option<Caller> {
        self.principal.caller(person)
    }

    /// The payload of a JWT of this type under one of the issuer's keys.
    async fn signed(
        &self,
        unverified: &str,
        typ: &str,
    ) -> Result<(Box<RawValue>, Arc<keys::Key>), NoPermit> {
        let (unverified, key) = self.under_a_key(unverified, typ).await?;
        let payload = unverified.payload(&key).ok_or(NoPermit::Invalid)?;
        Ok((payload, key))
    }

    /// What looks like a JWT of this type, and the issuer's key that it says it is signed with.
    async fn under_a_key<'t>(
        &self,
        unverified: &'t str,
        typ: &str,
    ) -> Result<(Unverified<'t>, Arc<keys::Key>), NoPermit> {
        if unverified.len() > MAX_TOKEN_LENGTH {
            return Err(NoPermit::Invalid);
        }
        let unverified = Unverified::read(unverified, typ).ok_or(NoPermit::Invalid)?;
        let key = self.trust.key(unverified.key_id()).await?;
        Ok((unverified, key))
    }

    /// Asks the authority for what is missing to judge the permit.
    async fn look_up(&self, permit: Arc<Permit>) -> Result<Arc<Permit>, NoPermit> {
        self.trust.obtain(&permit).await;
        match self.trust.standing(&permit) {
            TokenStatus::Good => Ok(permit),
            TokenStatus::Ended => Err(NoPermit::Invalid),
            // A token whose status was never seen may have been revoked: fail closed, but do not
            // say that the token is bad (that would send its owner through sign-in for nothing).
            TokenStatus::Unknown => Err(NoPermit::Unknowable),
        }
    }
}

/// What makes the principal of a server's permits.
pub(crate) fn principal(server: &crate::config::ServerConfig, issuer: &str) -> TokenProfile {
    TokenProfile::at(server, issuer)
}
