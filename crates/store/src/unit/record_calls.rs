//! What a sidecar reported is kept.

use model::AuditEvent;

use crate::table::audit;
use crate::{StoreError, Txn, UnitOfWork};

/// Records events that changed nothing here.
#[derive(Clone, Debug)]
pub struct RecordCalls {
    /// The oldest first.
    pub events: Vec<AuditEvent>,
}

impl UnitOfWork for RecordCalls {
    type Outcome = ();

    async fn run(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        audit::insert(txn.conn(), &self.events).await
    }
}
