//! A provider, asked about a person between sign-ins, does not stand by them any more.

use kernel::Timestamp;
use model::{AuditEvent, AuditKind, RevocationReason, SubjectId};

use super::end_person;
use crate::query::query;
use crate::{StoreError, Txn, UnitOfWork};

/// Ends the sessions and grants of a person, and forgets what the provider refused.
#[derive(Clone, Debug)]
pub struct EndRefusedPerson {
    /// The person.
    pub subject: SubjectId,
    /// `now` of the claim ([`ClaimRecheck`](super::ClaimRecheck)) under which the provider was
    /// asked.
    pub claimed_at: Timestamp,
    /// The provider and its error code, for the record.
    pub detail: String,
    /// The current moment.
    pub now: Timestamp,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndRefusedPersonOutcome {
    /// So much ended.
    Ended {
        /// Browser sessions.
        sessions: u64,
        /// Grants. If there were any, pollers see a new revision.
        grants: u64,
    },
    /// The person signed in at the provider meanwhile, so what it refused was only an old token.
    Overtaken,
}

impl UnitOfWork for EndRefusedPerson {
    type Outcome = EndRefusedPersonOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<EndRefusedPersonOutcome, StoreError> {
        // First, so that a sign-in either came before and is seen here, or waits and stays.
        let update = query(
            "UPDATE OAUTH_SUBJECT SET upstream_refresh_sealed = NULL \
             WHERE subject_id = $1 AND checked_at = $2 AND upstream_refresh_sealed IS NOT NULL",
        )
        .bind(self.subject.as_str())
        .bind(self.claimed_at.as_millis());
        if txn.change("forget a refused token", update).await? == 0 {
            return Ok(EndRefusedPersonOutcome::Overtaken);
        }
        let sessions = end_person::end_sessions(txn, &self.subject).await?;
        let reason = RevocationReason::ProviderRefused;
        let grants = end_person::end_grants(txn, &self.subject, reason, self.now).await?;
        txn.record(AuditEvent {
            subject: Some(self.subject.clone()),
            detail: self.detail.clone(),
            ..AuditEvent::new(AuditKind::ProviderRefused, self.now)
        });
        Ok(EndRefusedPersonOutcome::Ended { sessions, grants })
    }
}
