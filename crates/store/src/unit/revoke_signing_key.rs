//! A signing key that somebody else may have ends at once, with every token that it signed (KY-9).

use kernel::Timestamp;
use model::{AuditKind, KeyState, SigningKey};

use super::rotate_signing_key::{activate_next, record, retire};
use crate::table::{revision, signing_key};
use crate::{StoreError, Txn, UnitOfWork};

/// Takes a key out of the key set and destroys its private half. If it signed, the next key signs from
/// now on, or the candidate where there is none.
#[derive(Clone, Debug)]
pub struct RevokeSigningKey {
    /// Which.
    pub kid: String,
    /// A fresh key.
    pub candidate: SigningKey,
    /// The current moment.
    pub now: Timestamp,
}

/// Takes out all keys at once, whether they can be opened or not, and lets the candidate sign: for a
/// key-encryption key that is lost.
#[derive(Clone, Debug)]
pub struct ResetSigningKeys {
    /// A fresh key.
    pub candidate: SigningKey,
    /// The current moment.
    pub now: Timestamp,
}

/// What came of a revocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevokeKeyOutcome {
    /// It is gone.
    Revoked {
        /// The key that signs in its place, if it signed.
        replaced_by: Option<String>,
    },
    /// It was gone before.
    AlreadyRetired,
    /// There is no such key.
    Unknown,
}

impl UnitOfWork for RevokeSigningKey {
    type Outcome = RevokeKeyOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<RevokeKeyOutcome, StoreError> {
        revision::hold_keys(txn).await?;
        if !retire(txn, &self.kid, self.now).await? {
            let keys = signing_key::all(txn.conn()).await?;
            let known = keys.iter().any(|key| key.kid == self.kid);
            return Ok(if known {
                RevokeKeyOutcome::AlreadyRetired
            } else {
                RevokeKeyOutcome::Unknown
            });
        }
        record(txn, AuditKind::SigningKeyRevoked, &self.kid, self.now);
        let replaced_by = replace_if_none_signs(txn, &self.candidate, self.now).await?;
        revision::bump_keys(txn).await?;
        Ok(RevokeKeyOutcome::Revoked { replaced_by })
    }
}

impl UnitOfWork for ResetSigningKeys {
    /// How many keys ended.
    type Outcome = u64;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<u64, StoreError> {
        revision::hold_keys(txn).await?;
        let mut ended = 0;
        for key in signing_key::all(txn.conn()).await? {
            if retire(txn, &key.kid, self.now).await? {
                record(txn, AuditKind::SigningKeyRevoked, &key.kid, self.now);
                ended += 1;
            }
        }
        replace_if_none_signs(txn, &self.candidate, self.now).await?;
        revision::bump_keys(txn).await?;
        record(txn, AuditKind::KeysReset, &format!("{ended} keys"), self.now);
        Ok(ended)
    }
}

/// If no key signs, lets the next one sign, or else the candidate, and says which.
async fn replace_if_none_signs(
    txn: &mut Txn<'_>,
    candidate: &SigningKey,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let keys = signing_key::all(txn.conn()).await?;
    if keys.iter().any(|key| key.state == KeyState::Active) {
        return Ok(None);
    }
    if let Some(next) = keys.iter().find(|key| key.state == KeyState::Next)
        && activate_next(txn, &next.kid, now).await?
    {
        return Ok(Some(next.kid.clone()));
    }
    if signing_key::insert(txn, candidate, KeyState::Active).await? {
        record(txn, AuditKind::SigningKeyCreated, &candidate.kid, now);
    }
    Ok(Some(candidate.kid.clone()))
}
