//! The person refuses.

use kernel::{Hashed, Timestamp};
use model::authorization::{AuthorizationHandle, BrowserBinding};
use model::person::SessionSecret;
use model::{AuditEvent, AuditKind, ClientId, SubjectId};
use protocol::ResourceUri;

use super::collect_garbage::UNUSED_CLIENT_KEPT_SECONDS;
use crate::query::query;
use crate::row::Fields;

use crate::table::authorization::{self, Progress};
use crate::table::{consent, session};
use crate::{StoreError, Txn, UnitOfWork};

/// Seconds for which a client that was refused and never got a grant is kept: some ask a second time at
/// once (observed: Codex), and none after that. No code of it lives longer.
const REFUSED_CLIENT_KEPT_SECONDS: i64 = 600;

/// Ends an authorization with a refusal, for good (CO-8). What the person allowed that client before is
/// forgotten.
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
            && let Some(refused) = self.complete(txn).await?
        {
            self.forget(txn, &refused).await?;
            txn.record(self.event(refused));
            return Ok(DenyOutcome::Denied);
        }
        match authorization::standing(txn.conn(), &self.handle, &self.browser, self.now).await? {
            Progress::Completed => Ok(DenyOutcome::Completed),
            Progress::Open | Progress::Gone => Ok(DenyOutcome::Gone),
        }
    }
}

impl DeniedBy {
    /// For the record.
    const fn reason(&self) -> &'static str {
        match self {
            Self::Session(..) => "at the consent page",
            Self::Provider => "before consent",
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

    async fn complete(&self, txn: &mut Txn<'_>) -> Result<Option<Refused>, StoreError> {
        let update = query(
            "UPDATE OAUTH_TXN SET stage = 'denied' \
             WHERE handle_hash = $1 AND browser_hash = $2 AND stage IN ('pending', 'resumed') \
             AND expires_at > $3 AND ($4 = '' OR session_hash = $4) \
             RETURNING handle_hash, client_id, subject_id, resource",
        )
        .bind(self.handle.as_str())
        .bind(self.browser.as_str())
        .bind(self.now.as_millis())
        .bind(match &self.by {
            DeniedBy::Session(_, hash) => hash.as_str().to_owned(),
            DeniedBy::Provider => String::new(),
        });
        let row = txn.change_returning("deny an authorization", update).await?;
        row.map(|row| Refused::take(&mut Fields::of(&row, authorization::TABLE))).transpose()
    }

    /// Only the person's own word counts. A registration that led to no more than this goes soon if
    /// it came from where the person is: one that a host made for many waits for the others.
    async fn forget(&self, txn: &mut Txn<'_>, refused: &Refused) -> Result<(), StoreError> {
        let DeniedBy::Session(subject, _) = &self.by else { return Ok(()) };
        consent::forget(txn, subject, &refused.client, &refused.resource).await?;
        let unused_since =
            self.now.plus_seconds(REFUSED_CLIENT_KEPT_SECONDS - UNUSED_CLIENT_KEPT_SECONDS);
        let update = query(
            "UPDATE OAUTH_CLIENT SET unused_since = $2 WHERE client_id = $1 AND unused_since > $2 \
             AND source = (SELECT t.source FROM OAUTH_TXN t WHERE t.handle_hash = $3)",
        )
        .bind(refused.client.as_str())
        .bind(unused_since.as_millis())
        .bind(self.handle.as_str());
        txn.change("keep a refused client for a while", update).await.map(drop)
    }

    fn event(&self, refused: Refused) -> AuditEvent {
        let event = AuditEvent::new(AuditKind::ConsentDenied, self.now);
        AuditEvent {
            client: Some(refused.client),
            subject: refused.subject,
            detail: self.by.reason().to_owned(),
            ..event.within(&self.handle).on(&refused.resource)
        }
    }
}

/// What was refused.
struct Refused {
    client: ClientId,
    /// Who was signed in, if anybody was.
    subject: Option<SubjectId>,
    resource: ResourceUri,
}

impl Refused {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        fields.text("handle_hash")?;
        Ok(Self {
            client: ClientId::from_text(fields.text("client_id")?),
            subject: fields.optional_text("subject_id")?.map(kernel::Id::from_stored),
            resource: fields.parsed("resource", |text| ResourceUri::parse(text).ok())?,
        })
    }
}
