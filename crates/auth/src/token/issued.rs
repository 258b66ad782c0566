//! Access tokens that come back here: to be revoked, or to be asked about. Nothing is opened with
//! one.

use model::{Grant, GrantId, Subject};
use protocol::token::{ACCESS_TOKEN_TYPE, AccessClaims};
use store::StoreError;

use crate::server::AuthServer;

/// Tokens of ours have a few hundred bytes; nothing near this is one.
const MAX_LENGTH: usize = 8192;

impl AuthServer {
    /// The claims of an access token of this issuer, whether or not it is still good.
    pub(crate) fn issued(&self, unverified: &str) -> Option<AccessClaims> {
        if unverified.len() > MAX_LENGTH {
            return None;
        }
        let claims: AccessClaims = self.keys.verify(ACCESS_TOKEN_TYPE, unverified)?;
        (claims.iss == self.config.issuer).then_some(claims)
    }

    /// Whether a token with these claims is good now, as every sidecar sees it: it did not expire,
    /// neither it nor its grant was revoked, and whoever it is for may still be here.
    pub(crate) async fn is_good(&self, claims: &AccessClaims) -> Result<bool, StoreError> {
        if claims.exp <= self.now().as_seconds() {
            return Ok(false);
        }
        let mut reader = self.store.read().await?;
        let conn = reader.conn();
        if store::revoked_token::is_revoked(conn, &claims.jti).await? {
            return Ok(false);
        }
        let grant =
            store::grant::find(conn, &GrantId::from_stored(claims.grant_id.as_str())).await?;
        let Some(grant) = grant.filter(|grant| grant.revoked.is_none()) else { return Ok(false) };
        let subject = store::subject::find(conn, &grant.subject).await?;
        Ok(subject.is_some_and(|subject| self.stands(&grant, &subject)))
    }

    fn stands(&self, grant: &Grant, subject: &Subject) -> bool {
        self.is_active(subject) && (!grant.is_of_a_machine() || self.still_assigns(grant))
    }
}
