//! A person ends what they granted, on the account page.

use kernel::Timestamp;
use model::{Actor, GrantId, RevocationReason, SubjectId};

use super::revoke_grant::{self, Ended, RevokeOutcome};
use crate::table::grant;
use crate::{StoreError, Txn, UnitOfWork};

/// Revokes a grant, if it is the person's own. Somebody else's is unknown (T-ADM-03).
#[derive(Clone, Debug)]
pub struct RevokeOwnGrant {
    /// The grant.
    pub grant: GrantId,
    /// Who asks.
    pub subject: SubjectId,
    /// The current moment.
    pub now: Timestamp,
}

impl UnitOfWork for RevokeOwnGrant {
    type Outcome = RevokeOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<RevokeOutcome, StoreError> {
        // Whose a grant is never changes, so it may be read before the change.
        let found = grant::find(txn.conn(), &self.grant).await?;
        if found.is_none_or(|grant| grant.subject != self.subject) {
            return Ok(RevokeOutcome::Unknown);
        }
        let reason = RevocationReason::Administrative;
        let ended = revoke_grant::end_by(Actor::Person, txn, &self.grant, reason, self.now).await?;
        Ok(ended.as_ref().map_or(RevokeOutcome::Unknown, Ended::outcome))
    }
}
