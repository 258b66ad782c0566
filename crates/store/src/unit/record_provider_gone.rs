//! A client wants tokens for a person whose provider is disabled or was removed.

use kernel::Timestamp;
use model::{AuditEvent, AuditKind, ClientId, GrantId, Subject};

use super::one_time::OneTime;
use crate::{StoreError, Txn, UnitOfWork};

/// Seconds in which refusals of one client and person are one row: clients ask again and again.
const ONE_ROW_SECONDS: i64 = 3600;

/// Records that a client was refused, at most once in an hour for the same client and person.
/// Nothing else changes, so that everything goes on if the provider comes back.
#[derive(Clone, Debug)]
pub struct RecordProviderGone {
    /// The client.
    pub client: ClientId,
    /// The person.
    pub subject: Subject,
    /// What the client holds, if it has redeemed its code.
    pub grant: Option<GrantId>,
    /// The current moment.
    pub now: Timestamp,
}

impl UnitOfWork for RecordProviderGone {
    type Outcome = ();

    async fn run(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        let hour = self.now.as_seconds() / ONE_ROW_SECONDS;
        let this_hour = OneTime {
            purpose: "provider gone".to_owned(),
            id: format!("{hour} {} {}", self.subject.id, self.client),
            expires_at: self.now.plus_seconds(ONE_ROW_SECONDS),
        };
        if this_hour.use_up(txn).await? {
            txn.record(self.event());
        }
        Ok(())
    }
}

impl RecordProviderGone {
    fn event(&self) -> AuditEvent {
        AuditEvent {
            client: Some(self.client.clone()),
            subject: Some(self.subject.id.clone()),
            grant: self.grant.clone(),
            detail: self.subject.identity.provider.clone(),
            ..AuditEvent::new(AuditKind::ProviderGone, self.now)
        }
    }
}
