//! Everything that a person has here ends: sessions, grants, and codes that would become grants.

use kernel::Timestamp;
use model::{RevocationReason, SubjectId};

use super::revoke_grant;
use crate::query::query;
use crate::table::grant;
use crate::{StoreError, Txn};

/// Ends all sessions of a person and says how many there were.
pub(super) async fn end_sessions(
    txn: &mut Txn<'_>,
    subject: &SubjectId,
) -> Result<u64, StoreError> {
    let delete = query("DELETE FROM OAUTH_SESSION WHERE subject_id = $1").bind(subject.as_str());
    txn.change("end a person's sessions", delete).await
}

/// Revokes all grants of a person, burns the codes that could still become one, and says how many
/// grants there were.
pub(super) async fn end_grants(
    txn: &mut Txn<'_>,
    subject: &SubjectId,
    reason: RevocationReason,
    now: Timestamp,
) -> Result<u64, StoreError> {
    // The codes first: one that is being redeemed at this moment holds its row, so this waits for
    // it and the grant is among those that are listed afterwards.
    burn_codes(txn, subject).await?;
    let mut ended = 0;
    for id in grant::live_ids(txn.conn(), subject).await? {
        let revoked = revoke_grant::end(txn, &id, reason, now).await?;
        ended += u64::from(revoked.is_some_and(|revoked| revoked.newly));
    }
    Ok(ended)
}

/// Whatever another replica's clock says.
async fn burn_codes(txn: &mut Txn<'_>, subject: &SubjectId) -> Result<(), StoreError> {
    let update = query(
        "UPDATE OAUTH_CODE SET expires_at = 0 \
         WHERE subject_id = $1 AND redeemed_as IS NULL AND expires_at > 0",
    )
    .bind(subject.as_str());
    txn.change("burn a person's codes", update).await.map(drop)
}
