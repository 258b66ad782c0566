//! The first start makes a signing key.

use model::{AuditEvent, AuditKind, SigningKey};

use crate::query::query;
use crate::table::{revision, signing_key};
use crate::{StoreError, Txn, UnitOfWork};

/// Stores a signing key unless there is an active one, and returns those that exist then.
///
/// However many replicas start at once, one candidate wins and all of them see it (KY-7).
#[derive(Clone, Debug)]
pub struct EnsureSigningKey {
    /// The key to store if there is none.
    pub candidate: SigningKey,
}

impl UnitOfWork for EnsureSigningKey {
    type Outcome = Vec<SigningKey>;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<Vec<SigningKey>, StoreError> {
        if self.insert(txn).await? == 1 {
            revision::bump_keys(txn).await?;
            txn.record(self.event());
        }
        signing_key::all(txn.conn()).await
    }
}

impl EnsureSigningKey {
    /// The partial unique index on the active state decides.
    async fn insert(&self, txn: &mut Txn<'_>) -> Result<u64, StoreError> {
        let key = &self.candidate;
        let insert = query(
            "INSERT INTO OAUTH_SIGNING_KEY (kid, alg, public_jwk, private_sealed, sealed_by, \
             state, created_at) VALUES ($1, $2, $3, $4, $5, 'active', $6) ON CONFLICT DO NOTHING",
        )
        .bind(key.kid.as_str())
        .bind(key.alg.as_str())
        .bind(key.public_jwk.as_str())
        .bind(key.private_sealed.as_str())
        .bind(key.sealed_by.as_str())
        .bind(key.created_at.as_millis());
        txn.change("store a signing key", insert).await
    }

    fn event(&self) -> AuditEvent {
        AuditEvent {
            kind: AuditKind::SigningKeyCreated,
            at: self.candidate.created_at,
            client: None,
            subject: None,
            grant: None,
            organization: None,
            detail: self.candidate.kid.clone(),
        }
    }
}
