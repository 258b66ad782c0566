//! The person refuses.

use kernel::{Hashed, Timestamp};
use model::authorization::{AuthorizationHandle, BrowserBinding};
use model::person::SessionSecret;
use model::{AuditEvent, AuditKind, ClientId, SubjectId};

use crate::query::query;
use crate::row::Fields;
use crate::table::authorization::{self, Progress};
use crate::table::session;
use crate::{StoreError, Txn, UnitOfWork};

/// Ends an authorization with a refusal, for good (CO-8).
#[derive(Clone, Debug)]
pub struct Deny {
    /// The authorization.
    pub handle: Hashed<AuthorizationHandle>,
    /// The browser that it belongs to (AZ-7).
    pub browser: Hashed<BrowserBinding>,
    /// Who refused.
    pub by: DeniedBy,
    /// The current moment.
    pub now: Timestamp,
}

/// Who refuses.
#[derive(Clone, Debug)]
pub enum DeniedBy {
    /// The person at the consent page, in the session that was asked. It must still live.
    Session(SubjectId, Hashed<SessionSecret>),
    /// The person, or the provider, before anybody was asked here.
    Provider,
}

/// What came of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenyOutcome {
    /// It is refused now.
    Denied,
    /// The authorization had its answer already.
    Completed,
    /// There is no such authorization in this browser and session, or no longer.
    Gone,
}

impl UnitOfWork for Deny {
    type Outcome = DenyOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<DenyOutcome, StoreError> {
        if self.may_decide(txn).await?
            && let Some(event) = self.complete(txn).await?
        {
            txn.record(event);
            return Ok(DenyOutcome::Denied);
        }
        match authorization::standing(txn.conn(), &self.handle, &self.browser, self.now).await? {
            Progress::Completed => Ok(DenyOutcome::Completed),
            Progress::Open | Progress::Gone => Ok(DenyOutcome::Gone),
        }
    }
}

impl Deny {
    async fn may_decide(&self, txn: &mut Txn<'_>) -> Result<bool, StoreError> {
        match &self.by {
            DeniedBy::Session(subject, hash) => session::hold(txn, hash, subject, self.now).await,
            DeniedBy::Provider => Ok(true),
        }
    }

    async fn complete(&self, txn: &mut Txn<'_>) -> Result<Option<AuditEvent>, StoreError> {
        let update = query(
            "UPDATE OAUTH_TXN SET stage = 'denied' \
             WHERE handle_hash = $1 AND browser_hash = $2 AND stage IN ('pending', 'resumed') \
             AND expires_at > $3 AND ($4 = '' OR session_hash = $4) RETURNING handle_hash, client_id, subject_id",
        )
        .bind(self.handle.as_str())
        .bind(self.browser.as_str())
        .bind(self.now.as_millis())
        .bind(match &self.by {
            DeniedBy::Session(_, hash) => hash.as_str().to_owned(),
            DeniedBy::Provider => String::new(),
        });
        let row = txn.change_returning("deny an authorization", update).await?;
        row.map(|row| {
            let mut fields = Fields::of(&row, authorization::TABLE);
            fields.text("handle_hash")?;
            Ok(AuditEvent {
                kind: AuditKind::ConsentDenied,
                at: self.now,
                client: Some(ClientId::from_text(fields.text("client_id")?)),
                subject: fields.optional_text("subject_id")?.map(kernel::Id::from_stored),
                grant: None,
                organization: None,
                detail: String::new(),
            })
        })
        .transpose()
    }
}
