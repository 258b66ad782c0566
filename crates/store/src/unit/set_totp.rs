//! A local account gets one-time codes, or loses them.

use kernel::Timestamp;
use model::{AccountId, AuditEvent, AuditKind};

use super::set_password::AccountOutcome;
use crate::query::query;
use crate::row::Fields;
use crate::table::{account, device};
use crate::{StoreError, Txn, UnitOfWork};

/// Sets the secret of an account's one-time codes, and forgets its browsers.
#[derive(Clone, Debug)]
pub struct SetTotp {
    /// Whose, folded to one case.
    pub username: String,
    /// The secret, sealed; `None` ends the codes.
    pub totp_sealed: Option<String>,
    /// The current moment.
    pub now: Timestamp,
}

impl UnitOfWork for SetTotp {
    type Outcome = AccountOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<AccountOutcome, StoreError> {
        let Some(id) = self.set(txn).await? else { return Ok(AccountOutcome::Unknown) };
        device::forget_all(txn, &id).await?;
        let what = if self.totp_sealed.is_some() { "codes set" } else { "codes ended" };
        txn.record(AuditEvent {
            detail: format!("{id} {what}"),
            ..AuditEvent::new(AuditKind::AccountChanged, self.now)
        });
        Ok(AccountOutcome::Changed(id))
    }
}

impl SetTotp {
    /// The last accepted step stays: a code of the moment in which the secret was set again does
    /// not work twice.
    async fn set(&self, txn: &mut Txn<'_>) -> Result<Option<AccountId>, StoreError> {
        let update = query(
            "UPDATE OAUTH_ACCOUNT SET totp_sealed = $2, code_failures = 0 \
             WHERE username = $1 RETURNING account_id",
        )
        .bind(self.username.clone())
        .bind(self.totp_sealed.clone());
        let row = txn.change_returning("set one-time codes", update).await?;
        row.map(|row| Fields::of(&row, account::TABLE).id("account_id")).transpose()
    }
}
