//! A person proved who they are.

use kernel::{Hashed, Timestamp};
use model::person::SessionSecret;
use model::{AuditEvent, AuditKind, Identity, Subject, SubjectId};
use protocol::UserType;
use sqlx::query;

use crate::row::Fields;
use crate::table::subject;
use crate::{StoreError, Txn, UnitOfWork};

/// Finds or makes the person and gives the browser a session.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The person's id, if this is the first time.
    pub candidate_id: SubjectId,
    /// What the provider said.
    pub identity: Identity,
    /// What kind of user that makes the person now.
    pub user_type: UserType,
    /// The new session and when it ends by itself.
    pub session: (Hashed<SessionSecret>, Timestamp),
    /// The session that the browser had before. It ends, so that a session from before the
    /// sign-in is worth nothing after it (AZ-10).
    pub replaces: Option<Hashed<SessionSecret>>,
    /// The current moment.
    pub now: Timestamp,
}

/// What came of a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignInOutcome {
    /// The person, under the id of their first sign-in.
    SignedIn(Box<Subject>),
    /// An administrator disabled the person; nothing was changed.
    Disabled,
}

impl UnitOfWork for SignIn {
    type Outcome = SignInOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<SignInOutcome, StoreError> {
        let Some(subject) = self.upsert(txn).await? else { return Ok(SignInOutcome::Disabled) };
        self.end_old_session(txn).await?;
        self.begin_session(txn, &subject).await?;
        txn.record(self.event(&subject));
        Ok(SignInOutcome::SignedIn(Box::new(subject)))
    }
}

impl SignIn {
    /// One row for each pair of provider and external id, however many first sign-ins race: the
    /// constraint decides (T-CON-09).
    async fn upsert(&self, txn: &mut Txn<'_>) -> Result<Option<Subject>, StoreError> {
        let identity = &self.identity;
        let upsert = query(
            "INSERT INTO OAUTH_SUBJECT (subject_id, provider, external_id, name, email, \
             group_names, user_type, created_at, signed_in_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) \
             ON CONFLICT (provider, external_id) DO UPDATE SET name = excluded.name, \
             email = excluded.email, group_names = excluded.group_names, \
             user_type = excluded.user_type, signed_in_at = excluded.signed_in_at \
             WHERE OAUTH_SUBJECT.disabled_at IS NULL \
             RETURNING subject_id, provider, external_id, name, email, group_names, user_type, \
             disabled_at",
        )
        .bind(self.candidate_id.as_str())
        .bind(identity.provider.as_str())
        .bind(identity.external_id.as_str())
        .bind(identity.name.as_str())
        .bind(identity.email.as_ref().map(|email| email.address.clone()))
        .bind(subject::group_names_text(&identity.groups))
        .bind(self.user_type.as_str())
        .bind(self.now.as_millis());
        let row = txn.change_returning("sign a person in", upsert).await?;
        row.map(|row| subject::take(&mut Fields::of(&row, subject::TABLE))).transpose()
    }

    async fn end_old_session(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        let Some(old) = &self.replaces else { return Ok(()) };
        let delete = query("DELETE FROM OAUTH_SESSION WHERE session_hash = $1").bind(old.as_str());
        txn.change("end a session", delete).await.map(drop)
    }

    async fn begin_session(&self, txn: &mut Txn<'_>, subject: &Subject) -> Result<(), StoreError> {
        let (hash, expires_at) = &self.session;
        let insert = query(
            "INSERT INTO OAUTH_SESSION (session_hash, subject_id, authenticated_at, expires_at) \
             VALUES ($1, $2, $3, $4)",
        )
        .bind(hash.as_str())
        .bind(subject.id.as_str())
        .bind(self.now.as_millis())
        .bind(expires_at.as_millis());
        txn.change("begin a session", insert).await.map(drop)
    }

    fn event(&self, subject: &Subject) -> AuditEvent {
        AuditEvent {
            kind: AuditKind::SignedIn,
            at: self.now,
            client: None,
            subject: Some(subject.id.clone()),
            grant: None,
            detail: self.identity.provider.clone(),
        }
    }
}
