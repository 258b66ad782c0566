//! Somebody typed a wrong password or one-time code for a local account.

use kernel::Timestamp;
use model::account::LockPolicy;
use model::{AccountId, AuditEvent, AuditKind};
use sqlx::query;

use crate::row::Fields;
use crate::table::account;
use crate::{StoreError, Txn, UnitOfWork};

/// Counts a wrong attempt, and locks the account for a while after too many (T-LOGIN-03).
///
/// Attempts while it is locked count too, so that guesses sent all at once are as dear as one
/// after the other; nobody can lock it for longer than the policy's longest.
#[derive(Clone, Debug)]
pub struct CountFailedSignIn {
    /// The account.
    pub account: AccountId,
    /// When it is locked, and for how long.
    pub policy: LockPolicy,
    /// The current moment.
    pub now: Timestamp,
}

/// What came of a wrong attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountFailedSignInOutcome {
    /// It was counted.
    Counted {
        /// How many there were in a row.
        attempts: i64,
    },
    /// It was counted, and the account is locked now.
    Locked {
        /// Until this moment.
        until: Timestamp,
    },
    /// There is no such account.
    Unknown,
}

impl UnitOfWork for CountFailedSignIn {
    type Outcome = CountFailedSignInOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<CountFailedSignInOutcome, StoreError> {
        let Some(attempts) = self.count(txn).await? else {
            return Ok(CountFailedSignInOutcome::Unknown);
        };
        txn.record(self.event(AuditKind::SignInFailed));
        let Some(seconds) = self.policy.lock_seconds(attempts) else {
            return Ok(CountFailedSignInOutcome::Counted { attempts });
        };
        let until = self.now.plus_seconds(seconds);
        self.lock(txn, until).await?;
        txn.record(self.event(AuditKind::AccountLocked));
        Ok(CountFailedSignInOutcome::Locked { until })
    }
}

impl CountFailedSignIn {
    /// Each attempt gets a number of its own, however many are made at once.
    async fn count(&self, txn: &mut Txn<'_>) -> Result<Option<i64>, StoreError> {
        let update = query(
            "UPDATE OAUTH_ACCOUNT SET failed_attempts = failed_attempts + 1 \
             WHERE account_id = $1 RETURNING account_id, failed_attempts",
        )
        .bind(self.account.as_str());
        let row = txn.change_returning("count a failed sign-in", update).await?;
        row.map(|row| {
            let mut fields = Fields::of(&row, account::TABLE);
            fields.text("account_id")?;
            fields.number("failed_attempts")
        })
        .transpose()
    }

    async fn lock(&self, txn: &mut Txn<'_>, until: Timestamp) -> Result<(), StoreError> {
        let update = query("UPDATE OAUTH_ACCOUNT SET locked_until = $2 WHERE account_id = $1")
            .bind(self.account.as_str())
            .bind(until.as_millis());
        txn.change("lock an account", update).await.map(drop)
    }

    fn event(&self, kind: AuditKind) -> AuditEvent {
        AuditEvent { detail: self.account.as_str().to_owned(), ..AuditEvent::new(kind, self.now) }
    }
}
