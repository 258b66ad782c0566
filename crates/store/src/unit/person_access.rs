//! An administrator lets a person in or keeps them out.

use kernel::Timestamp;
use model::{AuditEvent, AuditKind, RevocationReason, SubjectId};

use super::end_person;
use crate::query::query;
use crate::{StoreError, Txn, UnitOfWork};

/// Disables a person: sessions and grants end at once, and no sign-in succeeds.
#[derive(Clone, Debug)]
pub struct DisablePerson {
    /// The person.
    pub subject: SubjectId,
    /// The current moment.
    pub now: Timestamp,
}

/// Lets a disabled person in again. What ended stays ended.
#[derive(Clone, Debug)]
pub struct EnablePerson {
    /// The person.
    pub subject: SubjectId,
    /// The current moment.
    pub now: Timestamp,
}

/// What came of a change of access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonOutcome {
    /// It is so now.
    Changed,
    /// It was so before, or there is no such person.
    Unchanged,
}

impl UnitOfWork for DisablePerson {
    type Outcome = PersonOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<PersonOutcome, StoreError> {
        disable(txn, &self.subject, self.now).await
    }
}

impl UnitOfWork for EnablePerson {
    type Outcome = PersonOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<PersonOutcome, StoreError> {
        enable(txn, &self.subject, self.now).await
    }
}

/// Disables a person within another unit. Sessions and grants end also if the person was disabled
/// before, so that repeating it never leaves anything.
pub(super) async fn disable(
    txn: &mut Txn<'_>,
    subject: &SubjectId,
    now: Timestamp,
) -> Result<PersonOutcome, StoreError> {
    // First, so that no sign-in, code or rotation passes while the rest ends.
    let update = query(
        "UPDATE OAUTH_SUBJECT SET disabled_at = $2 WHERE subject_id = $1 AND disabled_at IS NULL",
    )
    .bind(subject.as_str())
    .bind(now.as_millis());
    let changed = txn.change("disable a person", update).await? == 1;
    end_person::end_sessions(txn, subject).await?;
    end_person::end_grants(txn, subject, RevocationReason::Administrative, now).await?;
    Ok(recorded(txn, changed, AuditKind::PersonDisabled, subject, now))
}

/// Enables a person within another unit.
pub(super) async fn enable(
    txn: &mut Txn<'_>,
    subject: &SubjectId,
    now: Timestamp,
) -> Result<PersonOutcome, StoreError> {
    let update = query(
        "UPDATE OAUTH_SUBJECT SET disabled_at = NULL \
         WHERE subject_id = $1 AND disabled_at IS NOT NULL",
    )
    .bind(subject.as_str());
    let changed = txn.change("enable a person", update).await? == 1;
    Ok(recorded(txn, changed, AuditKind::PersonEnabled, subject, now))
}

fn recorded(
    txn: &mut Txn<'_>,
    changed: bool,
    kind: AuditKind,
    subject: &SubjectId,
    now: Timestamp,
) -> PersonOutcome {
    if !changed {
        return PersonOutcome::Unchanged;
    }
    txn.record(AuditEvent { subject: Some(subject.clone()), ..AuditEvent::new(kind, now) });
    PersonOutcome::Changed
}
