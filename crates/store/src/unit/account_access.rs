//! An operator disables a local account, or lets it in again.

use kernel::Timestamp;
use model::{AccountId, AuditEvent, AuditKind};

use super::person_access;
use super::set_password::AccountOutcome;
use crate::query::query;
use crate::row::Fields;
use crate::table::{account, device, subject};
use crate::{StoreError, Txn, UnitOfWork};

/// Disables an account and its person: sessions and grants end at once.
#[derive(Clone, Debug)]
pub struct DisableAccount {
    /// Whose, folded to one case.
    pub username: String,
    /// The id of the local provider, whose person the account is.
    pub provider: String,
    /// The current moment.
    pub now: Timestamp,
}

/// Enables an account and its person again, and ends a lock. What ended stays ended.
#[derive(Clone, Debug)]
pub struct EnableAccount {
    /// Whose, folded to one case.
    pub username: String,
    /// The id of the local provider, whose person the account is.
    pub provider: String,
    /// The current moment.
    pub now: Timestamp,
}

impl UnitOfWork for DisableAccount {
    type Outcome = AccountOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<AccountOutcome, StoreError> {
        // When it was disabled first stays.
        let update = query(
            "UPDATE OAUTH_ACCOUNT SET disabled_at = COALESCE(disabled_at, $2) \
             WHERE username = $1 RETURNING account_id",
        )
        .bind(self.username.clone())
        .bind(self.now.as_millis());
        let row = txn.change_returning("disable an account", update).await?;
        let Some(row) = row else { return Ok(AccountOutcome::Unknown) };
        let id: AccountId = Fields::of(&row, account::TABLE).id("account_id")?;
        device::forget_all(txn, &id).await?;
        let person = subject::find_id(txn.conn(), &self.provider, id.as_str()).await?;
        if let Some(person) = &person {
            person_access::disable(txn, person, self.now).await?;
        }
        txn.record(AuditEvent {
            subject: person,
            detail: id.as_str().to_owned(),
            ..AuditEvent::new(AuditKind::AccountDisabled, self.now)
        });
        Ok(AccountOutcome::Changed(id))
    }
}

impl UnitOfWork for EnableAccount {
    type Outcome = AccountOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<AccountOutcome, StoreError> {
        let update = query(
            "UPDATE OAUTH_ACCOUNT SET disabled_at = NULL, failed_attempts = 0, \
             code_failures = 0, locked_until = NULL WHERE username = $1 RETURNING account_id",
        )
        .bind(self.username.clone());
        let row = txn.change_returning("enable an account", update).await?;
        let Some(row) = row else { return Ok(AccountOutcome::Unknown) };
        let id: AccountId = Fields::of(&row, account::TABLE).id("account_id")?;
        let person = subject::find_id(txn.conn(), &self.provider, id.as_str()).await?;
        if let Some(person) = &person {
            person_access::enable(txn, person, self.now).await?;
        }
        txn.record(AuditEvent {
            subject: person,
            detail: id.as_str().to_owned(),
            ..AuditEvent::new(AuditKind::AccountEnabled, self.now)
        });
        Ok(AccountOutcome::Changed(id))
    }
}
