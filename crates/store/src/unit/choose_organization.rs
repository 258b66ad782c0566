//! A person of several organizations chooses the one to act for.

use kernel::Timestamp;
use model::{AuditEvent, AuditKind, SubjectId};

use crate::query::query;
use crate::table::subject;
use crate::{StoreError, Txn, UnitOfWork};

/// Remembers an organization, if the provider names it for the person.
#[derive(Clone, Debug)]
pub struct ChooseOrganization {
    /// The person.
    pub subject: SubjectId,
    /// The organization.
    pub organization: String,
    /// The current moment.
    pub now: Timestamp,
}

/// What came of a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChooseOrganizationOutcome {
    /// It is remembered.
    Chosen,
    /// It is none of the person's organizations, or the person is unknown or disabled.
    NotAMember,
}

impl UnitOfWork for ChooseOrganization {
    type Outcome = ChooseOrganizationOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<ChooseOrganizationOutcome, StoreError> {
        if !(self.lock(txn).await? && self.is_member(txn).await?) {
            return Ok(ChooseOrganizationOutcome::NotAMember);
        }
        self.remember(txn).await?;
        txn.record(self.event());
        Ok(ChooseOrganizationOutcome::Chosen)
    }
}

impl ChooseOrganization {
    /// Holds the row, so that no sign-in changes the memberships between the look and the choice.
    async fn lock(&self, txn: &mut Txn<'_>) -> Result<bool, StoreError> {
        let update = query(
            "UPDATE OAUTH_SUBJECT SET organization = organization \
             WHERE subject_id = $1 AND disabled_at IS NULL",
        )
        .bind(self.subject.as_str());
        Ok(txn.change("hold a person", update).await? == 1)
    }

    async fn is_member(&self, txn: &mut Txn<'_>) -> Result<bool, StoreError> {
        let found = subject::find(txn.conn(), &self.subject).await?;
        Ok(found.is_some_and(|person| person.belongs_to(&self.organization)))
    }

    async fn remember(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        let update = query("UPDATE OAUTH_SUBJECT SET organization = $2 WHERE subject_id = $1")
            .bind(self.subject.as_str())
            .bind(self.organization.clone());
        txn.change("choose an organization", update).await.map(drop)
    }

    fn event(&self) -> AuditEvent {
        AuditEvent {
            subject: Some(self.subject.clone()),
            organization: Some(self.organization.clone()),
            ..AuditEvent::new(AuditKind::OrganizationChosen, self.now)
        }
    }
}
