//! A person signs out, or is somebody else.

use kernel::{Hashed, Timestamp};
use model::person::SessionSecret;
use model::{AuditEvent, AuditKind};

use crate::query::query;
use crate::row::Fields;
use crate::table::session;
use crate::{StoreError, Txn, UnitOfWork};

/// Ends a browser session. It is no error if there is none.
#[derive(Clone, Debug)]
pub struct EndSession {
    /// The session.
    pub hash: Hashed<SessionSecret>,
    /// The current moment.
    pub now: Timestamp,
}

impl UnitOfWork for EndSession {
    type Outcome = ();

    async fn run(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        let delete = query(
            "DELETE FROM OAUTH_SESSION WHERE session_hash = $1 \
             RETURNING session_hash, subject_id",
        )
        .bind(self.hash.as_str());
        let Some(row) = txn.change_returning("end a session", delete).await? else {
            return Ok(());
        };
        let mut fields = Fields::of(&row, session::TABLE);
        fields.text("session_hash")?;
        let subject = Some(fields.id("subject_id")?);
        txn.record(AuditEvent { subject, ..AuditEvent::new(AuditKind::SignedOut, self.now) });
        Ok(())
    }
}
