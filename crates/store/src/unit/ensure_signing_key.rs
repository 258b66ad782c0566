//! The first start makes a signing key.

use model::{AuditKind, KeyState, SigningKey};

use super::rotate_signing_key::record;
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
        if signing_key::insert(txn, &self.candidate, KeyState::Active).await? {
            revision::bump_keys(txn).await?;
            let at = self.candidate.created_at;
            record(txn, AuditKind::SigningKeyCreated, &self.candidate.kid, at);
        }
        signing_key::all(txn.conn()).await
    }
}
