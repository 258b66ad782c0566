//! An operator makes a local account.

use model::{Account, AuditEvent, AuditKind};

use crate::query::query;
use crate::table::subject;
use crate::{StoreError, Txn, UnitOfWork};

/// Stores a new local account. It begins unlocked and enabled, whatever it says.
#[derive(Clone, Debug)]
pub struct AddAccount {
    /// The account, with a fresh id and a user name folded to one case.
    pub account: Account,
}

/// What came of making an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddAccountOutcome {
    /// It can be used now.
    Added,
    /// There is an account of this name, disabled or not.
    UsernameTaken,
}

impl UnitOfWork for AddAccount {
    type Outcome = AddAccountOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<AddAccountOutcome, StoreError> {
        if self.insert(txn).await? == 0 {
            return Ok(AddAccountOutcome::UsernameTaken);
        }
        txn.record(AuditEvent {
            detail: self.account.id.as_str().to_owned(),
            ..AuditEvent::new(AuditKind::AccountAdded, self.account.created_at)
        });
        Ok(AddAccountOutcome::Added)
    }
}

impl AddAccount {
    /// Names are unique by constraint, however many are made at once.
    async fn insert(&self, txn: &mut Txn<'_>) -> Result<u64, StoreError> {
        let account = &self.account;
        let insert = query(
            "INSERT INTO OAUTH_ACCOUNT (account_id, username, password_hash, name, email, \
             group_names, totp_sealed, created_at, password_changed_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (username) DO NOTHING",
        )
        .bind(account.id.as_str())
        .bind(account.username.as_str())
        .bind(account.password_hash.as_str())
        .bind(account.name.as_str())
        .bind(account.email.clone())
        .bind(subject::names_text(&account.groups))
        .bind(account.totp_sealed.clone())
        .bind(account.created_at.as_millis())
        .bind(account.password_changed_at.as_millis());
        txn.change("add an account", insert).await
    }
}
