//! The way back from a provider came to another browser than the one that left: somebody else has
//! seen it.

use kernel::{Hashed, Timestamp};
use model::authorization::AuthorizationHandle;
use model::{AuditEvent, AuditKind};

use crate::query::query;
use crate::{StoreError, Txn, UnitOfWork};

/// Ends an authorization to which a portal's token came in another browser. What waits for a person
/// at other providers ends in [`TakeUpstream`](super::TakeUpstream).
#[derive(Clone, Debug)]
pub struct EndStolen {
    /// The authorization.
    pub handle: Hashed<AuthorizationHandle>,
    /// The portal.
    pub provider: String,
    /// The current moment.
    pub now: Timestamp,
}

impl UnitOfWork for EndStolen {
    type Outcome = ();

    async fn run(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        if end_authorization(txn, &self.handle, self.now).await? {
            txn.record(event(&self.provider, self.now));
        }
        Ok(())
    }
}

/// Ends an authorization that has no answer yet; `false` if there is none.
pub(super) async fn end_authorization(
    txn: &mut Txn<'_>,
    handle: &Hashed<AuthorizationHandle>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let update = query(
        "UPDATE OAUTH_TXN SET stage = 'denied' \
         WHERE handle_hash = $1 AND stage IN ('pending', 'resumed') AND expires_at > $2",
    )
    .bind(handle.as_str())
    .bind(now.as_millis());
    Ok(txn.change("end an authorization", update).await? == 1)
}

/// That it came to another browser, for the record.
pub(super) fn event(provider: &str, at: Timestamp) -> AuditEvent {
    AuditEvent {
        detail: format!("{provider}: it came to another browser"),
        ..AuditEvent::new(AuditKind::UpstreamRejected, at)
    }
}
