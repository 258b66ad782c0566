//! A provider's answer is not believed.

use kernel::Timestamp;
use model::{AuditEvent, AuditKind};

use super::one_time::OneTime;
use crate::{StoreError, Txn, UnitOfWork};

/// Records why. Anybody can send answers of their own making, so what can be sent again is on record
/// once for the sign-in that it was for.
#[derive(Clone, Debug)]
pub struct RejectUpstream {
    /// The provider that is said to have answered.
    pub provider: String,
    /// What is wrong with the answer.
    pub reason: String,
    /// What makes this happen once, if nothing else did before.
    pub once: Option<OneTime>,
    /// The current moment.
    pub now: Timestamp,
}

impl UnitOfWork for RejectUpstream {
    type Outcome = ();

    async fn run(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        let first = match &self.once {
            Some(one_time) => one_time.use_up(txn).await?,
            None => true,
        };
        if first {
            txn.record(AuditEvent {
                detail: format!("{}: {}", self.provider, self.reason),
                ..AuditEvent::new(AuditKind::UpstreamRejected, self.now)
            });
        }
        Ok(())
    }
}
