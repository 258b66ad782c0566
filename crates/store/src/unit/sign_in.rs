//! A person proved who they are.

use kernel::{Hashed, Timestamp};
use model::person::{SessionSecret, UpstreamSession};
use model::{AuditEvent, AuditKind, Identity, Subject, SubjectId};
use protocol::UserType;

use super::one_time::OneTime;
use crate::query::query;
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
    /// The provider's own session, if it named one: see
    /// [`hash_upstream_session`](model::person::hash_upstream_session).
    pub upstream_session: Option<Hashed<UpstreamSession>>,
    /// What the provider wants to see at logout, sealed.
    pub logout_hint_sealed: Option<String>,
    /// What the provider can be asked about the person again with.
    pub upstream_refresh: UpstreamRefresh,
    /// The one-time id of what proved who the person is, where it has one that nothing else uses
    /// up.
    pub one_time: Option<OneTime>,
    /// The current moment.
    pub now: Timestamp,
}

/// What becomes of the provider's refresh token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UpstreamRefresh {
    /// The provider is not asked again, so nothing is kept.
    #[default]
    Forget,
    /// None came this time; some providers give one at the first sign-in only.
    Keep,
    /// This one, sealed, in place of any other.
    Replace(String),
}

/// What came of a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignInOutcome {
    /// The person, under the id of their first sign-in.
    SignedIn(Box<Subject>),
    /// An administrator disabled the person; nothing but the one-time id was used up.
    Disabled,
    /// The one-time id was used before; nothing was changed.
    Replayed,
}

impl UnitOfWork for SignIn {
    type Outcome = SignInOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<SignInOutcome, StoreError> {
        if !self.use_up_proof(txn).await? {
            return Ok(SignInOutcome::Replayed);
        }
        let Some(subject) = self.upsert(txn).await? else { return Ok(SignInOutcome::Disabled) };
        self.end_old_session(txn).await?;
        self.begin_session(txn, &subject).await?;
        txn.record(self.event(&subject));
        Ok(SignInOutcome::SignedIn(Box::new(subject)))
    }
}

impl SignIn {
    /// What proves who somebody is works once, on whichever replica it arrives (T-CON-11).
    async fn use_up_proof(&self, txn: &mut Txn<'_>) -> Result<bool, StoreError> {
        let Some(one_time) = &self.one_time else { return Ok(true) };
        if one_time.use_up(txn).await? {
            return Ok(true);
        }
        txn.record(one_time.replayed(self.now));
        Ok(false)
    }

    /// One row for each pair of provider and external id, however many first sign-ins race: the
    /// constraint decides (T-CON-09).
    async fn upsert(&self, txn: &mut Txn<'_>) -> Result<Option<Subject>, StoreError> {
        let identity = &self.identity;
        let upsert = query(
            "INSERT INTO OAUTH_SUBJECT (subject_id, provider, external_id, name, email, \
             email_verified, group_names, organizations, attributes, user_type, created_at, \
             signed_in_at, checked_at, upstream_refresh_sealed) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $11, $12) \
             ON CONFLICT (provider, external_id) DO UPDATE SET name = excluded.name, \
             email = excluded.email, email_verified = excluded.email_verified, \
             group_names = excluded.group_names, organizations = excluded.organizations, \
             attributes = excluded.attributes, user_type = excluded.user_type, \
             signed_in_at = excluded.signed_in_at, checked_at = excluded.checked_at, \
             upstream_refresh_sealed = CASE WHEN $13 = 1 \
             THEN OAUTH_SUBJECT.upstream_refresh_sealed ELSE excluded.upstream_refresh_sealed END \
             WHERE OAUTH_SUBJECT.disabled_at IS NULL \
             RETURNING subject_id, provider, external_id, name, email, email_verified, \
             group_names, organizations, attributes, organization, user_type, disabled_at",
        )
        .bind(self.candidate_id.as_str())
        .bind(identity.provider.as_str())
        .bind(identity.external_id.as_str());
        let upsert = subject::bind_known(upsert, identity, self.user_type)
            .bind(self.now.as_millis())
            .bind(self.upstream_refresh.replacement())
            .bind(i64::from(self.upstream_refresh == UpstreamRefresh::Keep));
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
            "INSERT INTO OAUTH_SESSION (session_hash, subject_id, authenticated_at, expires_at, \
             upstream_session, logout_hint_sealed) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(hash.as_str())
        .bind(subject.id.as_str())
        .bind(self.now.as_millis())
        .bind(expires_at.as_millis())
        .bind(self.upstream_session.as_ref().map(|id| id.as_str().to_owned()))
        .bind(self.logout_hint_sealed.clone());
        txn.change("begin a session", insert).await.map(drop)
    }

    fn event(&self, subject: &Subject) -> AuditEvent {
        AuditEvent {
            subject: Some(subject.id.clone()),
            detail: self.identity.provider.clone(),
            ..AuditEvent::new(AuditKind::SignedIn, self.now)
        }
    }
}

impl UpstreamRefresh {
    fn replacement(&self) -> Option<String> {
        match self {
            Self::Replace(sealed) => Some(sealed.clone()),
            Self::Forget | Self::Keep => None,
        }
    }
}
