//! The password of a local account was right, and the one-time code too.

use kernel::Timestamp;
use model::Account;
use sqlx::query;

use crate::table::account;
use crate::{StoreError, Txn, UnitOfWork};

/// Accepts a right password, with the one-time code if the account has codes. Run it before
/// [`SignIn`](super::SignIn), which records the event.
///
/// It succeeds only if the account is still as it was when the password was checked.
#[derive(Clone, Debug)]
pub struct AcceptSignIn {
    /// The account as it was read before the password was checked.
    pub seen: Account,
    /// Who asks.
    pub from: SignInFrom,
    /// The time step of the one-time code: needed if the account has codes, and only then.
    pub totp_step: Option<i64>,
    /// The current moment.
    pub now: Timestamp,
}

/// What is known of the browser in which somebody signs in to a local account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInFrom {
    /// Nothing. A lock holds, and a wrong attempt that was counted since the account was read
    /// refuses this one: guesses that are sent all at once gain nothing.
    Stranger,
    /// The person signed in there before. Strangers who guess do not keep this browser out.
    KnownBrowser,
}

/// What came of a right password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptSignInOutcome {
    /// The person may sign in.
    Accepted,
    /// The one-time code, or a later one, was used before.
    CodeUsed,
    /// Locked or disabled, or the account changed since it was read: to the person this is no
    /// different from a wrong password.
    Refused,
}

impl UnitOfWork for AcceptSignIn {
    type Outcome = AcceptSignInOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<AcceptSignInOutcome, StoreError> {
        let accepted = match (&self.seen.totp_sealed, self.totp_step) {
            (None, None) => self.accept_password(txn).await?,
            (Some(sealed), Some(step)) => self.accept_code(txn, sealed, step).await?,
            (None, Some(_)) | (Some(_), None) => 0,
        };
        if accepted == 1 {
            return Ok(AcceptSignInOutcome::Accepted);
        }
        self.why_not(txn).await
    }
}

impl AcceptSignIn {
    async fn accept_password(&self, txn: &mut Txn<'_>) -> Result<u64, StoreError> {
        let update = query(
            "UPDATE OAUTH_ACCOUNT SET failed_attempts = 0, locked_until = NULL \
             WHERE account_id = $1 AND password_hash = $2 AND disabled_at IS NULL \
             AND failed_attempts <= $3 AND COALESCE(locked_until, 0) <= $4 \
             AND totp_sealed IS NULL",
        )
        .bind(self.seen.id.as_str())
        .bind(self.seen.password_hash.clone())
        .bind(self.most_failures())
        .bind(self.latest_lock());
        txn.change("accept a password", update).await
    }

    /// RFC 6238 §5.2: a code is accepted once. The step only ever goes up, so of many that come
    /// with the same code one gets in.
    async fn accept_code(
        &self,
        txn: &mut Txn<'_>,
        sealed: &str,
        step: i64,
    ) -> Result<u64, StoreError> {
        let update = query(
            "UPDATE OAUTH_ACCOUNT SET failed_attempts = 0, locked_until = NULL, totp_step = $6 \
             WHERE account_id = $1 AND password_hash = $2 AND disabled_at IS NULL \
             AND failed_attempts <= $3 AND COALESCE(locked_until, 0) <= $4 \
             AND totp_sealed = $5 AND totp_step < $6",
        )
        .bind(self.seen.id.as_str())
        .bind(self.seen.password_hash.clone())
        .bind(self.most_failures())
        .bind(self.latest_lock())
        .bind(sealed.to_owned())
        .bind(step);
        txn.change("accept a one-time code", update).await
    }

    const fn most_failures(&self) -> i64 {
        match self.from {
            SignInFrom::Stranger => self.seen.failed_attempts,
            SignInFrom::KnownBrowser => i64::MAX,
        }
    }

    const fn latest_lock(&self) -> i64 {
        match self.from {
            SignInFrom::Stranger => self.now.as_millis(),
            SignInFrom::KnownBrowser => i64::MAX,
        }
    }

    async fn why_not(&self, txn: &mut Txn<'_>) -> Result<AcceptSignInOutcome, StoreError> {
        let found = account::find_by_id(txn.conn(), &self.seen.id).await?;
        let code_used = found.zip(self.totp_step).is_some_and(|(found, step)| {
            found.totp_sealed.is_some()
                && found.totp_sealed == self.seen.totp_sealed
                && found.password_hash == self.seen.password_hash
                && step <= found.totp_step
        });
        Ok(if code_used { AcceptSignInOutcome::CodeUsed } else { AcceptSignInOutcome::Refused })
    }
}
