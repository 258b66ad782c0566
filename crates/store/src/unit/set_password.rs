//! The password of a local account is set.

use kernel::Timestamp;
use model::{AccountId, AuditEvent, AuditKind};

use super::end_person;
use crate::query::query;
use crate::row::Fields;
use crate::table::{account, device, subject};
use crate::{StoreError, Txn, UnitOfWork};

/// Sets a password, ends the lock and the sessions of the account, and forgets its browsers. Its
/// grants stay: clients never saw the password.
#[derive(Clone, Debug)]
pub struct SetPassword {
    /// Whose, folded to one case.
    pub username: String,
    /// The new password as Argon2id in PHC form.
    pub password_hash: String,
    /// The id of the local provider, whose person the account is.
    pub provider: String,
    /// The current moment.
    pub now: Timestamp,
}

/// What came of a change to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountOutcome {
    /// It is so now.
    Changed(AccountId),
    /// There is no such account.
    Unknown,
}

impl UnitOfWork for SetPassword {
    type Outcome = AccountOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<AccountOutcome, StoreError> {
        let Some(id) = self.set(txn).await? else { return Ok(AccountOutcome::Unknown) };
        device::forget_all(txn, &id).await?;
        let person = subject::find_id(txn.conn(), &self.provider, id.as_str()).await?;
        if let Some(person) = &person {
            end_person::end_sessions(txn, person).await?;
        }
        txn.record(AuditEvent {
            subject: person,
            detail: format!("{id} password"),
            ..AuditEvent::new(AuditKind::AccountChanged, self.now)
        });
        Ok(AccountOutcome::Changed(id))
    }
}

impl SetPassword {
    async fn set(&self, txn: &mut Txn<'_>) -> Result<Option<AccountId>, StoreError> {
        let update = query(
            "UPDATE OAUTH_ACCOUNT SET password_hash = $2, password_changed_at = $3, \
             failed_attempts = 0, locked_until = NULL WHERE username = $1 RETURNING account_id",
        )
        .bind(self.username.clone())
        .bind(self.password_hash.clone())
        .bind(self.now.as_millis());
        let row = txn.change_returning("set a password", update).await?;
        row.map(|row| Fields::of(&row, account::TABLE).id("account_id")).transpose()
    }
}
