//! One access token ends, and its grant goes on (RFC 7009 §2.1).

use kernel::Timestamp;
use model::{AuditEvent, AuditKind, Grant, GrantId, RevocationReason};
use protocol::status_list::place_of;

use super::revoke_grant;
use crate::query::query;
use crate::table::{grant, revision, revoked_token};
use crate::{StoreError, Txn, UnitOfWork};

/// Tokens of one grant that can be revoked alone at the same time, and those of one status list:
/// sidecars fetch them with the list, which must stay small. Beyond either the whole grant ends:
/// a revoked token must never go on working for want of room.
const OF_A_GRANT: i64 = 1_000;
const OF_A_LIST: i64 = 10_000;

/// Revokes one access token.
#[derive(Clone, Debug)]
pub struct RevokeAccessToken {
    /// Its id (`jti`).
    pub token: String,
    /// Its grant.
    pub grant: GrantId,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// The current moment.
    pub now: Timestamp,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokeAccessTokenOutcome {
    /// It ended now.
    Revoked,
    /// It ended now with its whole grant: too many were revoked alone.
    GrantRevoked,
    /// It had ended before, or there is no such grant.
    Unchanged,
}

impl UnitOfWork for RevokeAccessToken {
    type Outcome = RevokeAccessTokenOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<RevokeAccessTokenOutcome, StoreError> {
        let grant = grant::find(txn.conn(), &self.grant).await?;
        let Some(grant) = grant.filter(|grant| grant.revoked.is_none()) else {
            return Ok(RevokeAccessTokenOutcome::Unchanged);
        };
        let list = i64::try_from(place_of(grant.status_index).0).unwrap_or(i64::MAX);
        let (of_grant, of_list) = revoked_token::count(txn.conn(), &grant.id, list).await?;
        if of_grant >= OF_A_GRANT || of_list >= OF_A_LIST {
            let reason = RevocationReason::ClientRequest;
            revoke_grant::end(txn, &grant.id, reason, self.now).await?;
            return Ok(RevokeAccessTokenOutcome::GrantRevoked);
        }
        if !self.insert(txn, list).await? {
            return Ok(RevokeAccessTokenOutcome::Unchanged);
        }
        revision::bump_revocations(txn).await?;
        txn.record(self.event(&grant));
        Ok(RevokeAccessTokenOutcome::Revoked)
    }
}

impl RevokeAccessToken {
    /// Whether it was not there before.
    async fn insert(&self, txn: &mut Txn<'_>, list: i64) -> Result<bool, StoreError> {
        let insert = query(
            "INSERT INTO OAUTH_REVOKED_TOKEN (token_id, grant_id, status_list, expires_at) \
             VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(self.token.as_str())
        .bind(self.grant.as_str())
        .bind(list)
        .bind(self.expires_at.as_millis());
        Ok(txn.change("revoke an access token", insert).await? == 1)
    }

    fn event(&self, grant: &Grant) -> AuditEvent {
        AuditEvent {
            client: Some(grant.client.clone()),
            subject: Some(grant.subject.clone()),
            grant: Some(grant.id.clone()),
            organization: grant.organization.clone(),
            token: Some(self.token.clone()),
            ..AuditEvent::new(AuditKind::AccessTokenRevoked, self.now).on(&grant.resource)
        }
    }
}
