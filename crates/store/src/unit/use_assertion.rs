//! A client's assertion is used up (RFC 7523 §3: `jti`).

use kernel::Timestamp;
use model::{AuditEvent, AuditKind, ClientId};

use super::OneTime;
use crate::{StoreError, Txn, UnitOfWork};

/// Uses up the assertion by which a client authenticates. The database decides who was first,
/// whichever replica it came to and whether or not one was restarted since (CA-6, T-CA-11).
#[derive(Clone, Debug)]
pub struct UseAssertion {
    /// The client. Two of them may well choose the same id.
    pub client: ClientId,
    /// The assertion's own id (`jti`).
    pub id: String,
    /// Until when it could be sent again.
    pub expires_at: Timestamp,
    /// The current moment.
    pub now: Timestamp,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UseAssertionOutcome {
    /// It is used up now.
    First,
    /// It was used before. That is on record: somebody else may have it.
    Replayed,
}

impl UnitOfWork for UseAssertion {
    type Outcome = UseAssertionOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<UseAssertionOutcome, StoreError> {
        let one_time = OneTime {
            purpose: format!("client_assertion:{}", self.client),
            id: self.id.clone(),
            expires_at: self.expires_at,
        };
        if one_time.use_up(txn).await? {
            return Ok(UseAssertionOutcome::First);
        }
        let mut event = AuditEvent::new(AuditKind::AssertionReplayed, self.now);
        event.client = Some(self.client.clone());
        txn.record(event);
        Ok(UseAssertionOutcome::Replayed)
    }
}
