//! A provider says that a person signed out there (OpenID Connect Back-Channel Logout 1.0, LO-1).

use kernel::{Hashed, Timestamp};
use model::person::UpstreamSession;
use model::{AuditEvent, AuditKind, RevocationReason, SubjectId};

use super::end_person;
use super::one_time::OneTime;
use crate::query::query;
use crate::row::Fields;
use crate::table::{session, subject};
use crate::{StoreError, Txn, UnitOfWork};

/// Ends the sessions that a logout token names, and the grants too if the operator wants that.
///
/// With a session of the provider, those that began with it end; without, all of the person. If
/// the token names both, the session must be that person's. One that names neither ends nothing.
#[derive(Clone, Debug)]
pub struct EndUpstreamSessions {
    /// The provider.
    pub provider: String,
    /// The person, by the provider's id.
    pub external_id: Option<String>,
    /// The provider's own session: see
    /// [`hash_upstream_session`](model::person::hash_upstream_session).
    pub upstream_session: Option<Hashed<UpstreamSession>>,
    /// The one-time id of the logout token.
    pub one_time: OneTime,
    /// Whether the grants of the person end too.
    pub end_grants: bool,
    /// The current moment.
    pub now: Timestamp,
}

/// What came of a logout at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndUpstreamSessionsOutcome {
    /// So much ended; nothing is no error.
    Ended {
        /// Browser sessions.
        sessions: u64,
        /// Grants. If there were any, pollers see a new revision.
        grants: u64,
    },
    /// The logout token was used before; nothing was changed.
    Replayed,
}

impl UnitOfWork for EndUpstreamSessions {
    type Outcome = EndUpstreamSessionsOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<EndUpstreamSessionsOutcome, StoreError> {
        if !self.one_time.use_up(txn).await? {
            txn.record(self.one_time.replayed(self.now));
            return Ok(EndUpstreamSessionsOutcome::Replayed);
        }
        let named = self.named_person(txn).await?;
        let owners = self.end_sessions(txn, named.as_ref()).await?;
        let sessions = owners.len() as u64;
        let people = distinct(named.into_iter().chain(owners));
        let grants = self.end_grants(txn, &people).await?;
        self.record(txn, people, sessions, grants);
        Ok(EndUpstreamSessionsOutcome::Ended { sessions, grants })
    }
}

impl EndUpstreamSessions {
    /// The person whom the token names, if we know such a person.
    async fn named_person(&self, txn: &mut Txn<'_>) -> Result<Option<SubjectId>, StoreError> {
        let Some(external_id) = &self.external_id else { return Ok(None) };
        subject::find_id(txn.conn(), &self.provider, external_id).await
    }

    /// Ends the sessions and returns whose they were, once for each.
    async fn end_sessions(
        &self,
        txn: &mut Txn<'_>,
        named: Option<&SubjectId>,
    ) -> Result<Vec<SubjectId>, StoreError> {
        let delete = match (&self.upstream_session, &self.external_id, named) {
            (Some(upstream), None, _) => query(
                "DELETE FROM OAUTH_SESSION WHERE upstream_session = $1 AND EXISTS \
                 (SELECT 1 FROM OAUTH_SUBJECT s WHERE s.subject_id = OAUTH_SESSION.subject_id \
                 AND s.provider = $2) RETURNING session_hash, subject_id",
            )
            .bind(upstream.as_str())
            .bind(self.provider.clone()),
            (Some(upstream), Some(_), Some(person)) => query(
                "DELETE FROM OAUTH_SESSION WHERE upstream_session = $1 AND subject_id = $2 \
                 RETURNING session_hash, subject_id",
            )
            .bind(upstream.as_str())
            .bind(person.as_str()),
            (None, Some(_), Some(person)) => query(
                "DELETE FROM OAUTH_SESSION WHERE subject_id = $1 \
                 RETURNING session_hash, subject_id",
            )
            .bind(person.as_str()),
            (_, Some(_), None) | (None, None, _) => return Ok(Vec::new()),
        };
        let rows = txn.conn().all("end sessions of a provider", delete).await?;
        rows.iter().map(|row| owner(&mut Fields::of(row, session::TABLE))).collect()
    }

    async fn end_grants(&self, txn: &mut Txn<'_>, people: &[SubjectId]) -> Result<u64, StoreError> {
        let mut ended = 0;
        for person in people.iter().filter(|_| self.end_grants) {
            let reason = RevocationReason::SignedOut;
            ended += end_person::end_grants(txn, person, reason, self.now).await?;
        }
        Ok(ended)
    }

    /// One event for each person, or one that says that nobody was known.
    fn record(&self, txn: &mut Txn<'_>, people: Vec<SubjectId>, sessions: u64, grants: u64) {
        let event = AuditEvent {
            detail: format!("{}: {sessions} sessions, {grants} grants", self.provider),
            ..AuditEvent::new(AuditKind::ProviderLogout, self.now)
        };
        if people.is_empty() {
            txn.record(event.clone());
        }
        for person in people {
            txn.record(AuditEvent { subject: Some(person), ..event.clone() });
        }
    }
}

fn owner(fields: &mut Fields<'_>) -> Result<SubjectId, StoreError> {
    fields.text("session_hash")?;
    fields.id("subject_id")
}

/// Each person once; there is hardly ever more than one.
fn distinct(people: impl Iterator<Item = SubjectId>) -> Vec<SubjectId> {
    people.fold(Vec::new(), |mut seen, person| {
        if !seen.contains(&person) {
            seen.push(person);
        }
        seen
    })
}
