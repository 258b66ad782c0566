//! A grant ends, and with it every token of it (RFC 7009, GR-1).

use kernel::Timestamp;
use model::{Actor, AuditEvent, AuditKind, Grant, GrantId, RevocationReason};

use crate::query::query;
use crate::table::{consent, grant, revision};
use crate::{StoreError, Txn, UnitOfWork};

/// Revokes a grant.
#[derive(Clone, Debug)]
pub struct RevokeGrant {
    /// The grant.
    pub grant: GrantId,
    /// Why.
    pub reason: RevocationReason,
    /// The current moment.
    pub now: Timestamp,
}

/// What came of a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokeOutcome {
    /// It ended now.
    Revoked {
        /// The bit to set in the status lists.
        status_index: u64,
    },
    /// It had ended before; when and why stay as they were.
    AlreadyRevoked,
    /// There is no such grant.
    Unknown,
}

impl UnitOfWork for RevokeGrant {
    type Outcome = RevokeOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<RevokeOutcome, StoreError> {
        let ended = end(txn, &self.grant, self.reason, self.now).await?;
        Ok(ended.as_ref().map_or(RevokeOutcome::Unknown, Ended::outcome))
    }
}

/// A grant that is revoked now.
pub(super) struct Ended {
    grant: Grant,
    pub(super) status_index: u64,
    /// Whether it was still active until now.
    pub(super) newly: bool,
}

impl Ended {
    /// What came of it, where ending the grant was all that was wanted.
    pub(super) const fn outcome(&self) -> RevokeOutcome {
        if self.newly {
            RevokeOutcome::Revoked { status_index: self.status_index }
        } else {
            RevokeOutcome::AlreadyRevoked
        }
    }

    /// What led to the end, for the record.
    pub(super) fn event(&self, kind: AuditKind, at: Timestamp) -> AuditEvent {
        AuditEvent {
            client: Some(self.grant.client.clone()),
            subject: Some(self.grant.subject.clone()),
            grant: Some(self.grant.id.clone()),
            organization: self.grant.organization.clone(),
            ..AuditEvent::new(kind, at).on(&self.grant.resource)
        }
    }
}

/// Ends a grant within another unit, records that, and lets pollers notice. What the person allowed
/// that client is forgotten, so the next time it asks, so does the consent page. `None` if there is no
/// such grant.
pub(super) async fn end(
    txn: &mut Txn<'_>,
    id: &GrantId,
    reason: RevocationReason,
    now: Timestamp,
) -> Result<Option<Ended>, StoreError> {
    end_by(reason.actor(), txn, id, reason, now).await
}

/// As [`end`], where the reason alone does not say who does it.
pub(super) async fn end_by(
    actor: Actor,
    txn: &mut Txn<'_>,
    id: &GrantId,
    reason: RevocationReason,
    now: Timestamp,
) -> Result<Option<Ended>, StoreError> {
    let update = query(
        "UPDATE OAUTH_GRANT SET revoked_at = $2, revocation_reason = $3 \
         WHERE grant_id = $1 AND revoked_at IS NULL",
    )
    .bind(id.as_str())
    .bind(now.as_millis())
    .bind(reason.as_str());
    let newly = txn.change("revoke a grant", update).await? == 1;
    let Some(grant) = grant::find(txn.conn(), id).await? else { return Ok(None) };
    let ended = Ended { status_index: grant.status_index, grant, newly };
    if newly {
        let mut event = ended.event(AuditKind::GrantRevoked, now);
        reason.as_str().clone_into(&mut event.detail);
        event.actor = Some(actor);
        txn.record(event);
        let grant = &ended.grant;
        consent::forget(txn, &grant.subject, &grant.client, &grant.resource).await?;
        if reason == RevocationReason::Administrative {
            burn_codes(txn, grant).await?;
        }
        revision::bump_revocations(txn).await?;
    }
    Ok(Some(ended))
}

/// Whoever ends a connection ends what is on its way to it as well. A client that ends its own is often
/// about to redeem the code of the next one, so its codes stay.
async fn burn_codes(txn: &mut Txn<'_>, grant: &Grant) -> Result<(), StoreError> {
    let update = query(
        "UPDATE OAUTH_CODE SET expires_at = 0 WHERE subject_id = $1 AND client_id = $2 \
         AND resource = $3 AND redeemed_as IS NULL AND expires_at > 0",
    )
    .bind(grant.subject.as_str())
    .bind(grant.client.as_str())
    .bind(grant.resource.as_str());
    txn.change("burn codes", update).await.map(drop)
}
