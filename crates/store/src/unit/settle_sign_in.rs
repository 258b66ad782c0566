//! Somebody typed a password or a one-time code for a local account, and it was checked.

use kernel::{Hashed, Timestamp};
use model::account::{CODE_FAILURES, CODE_FAILURES_SECONDS, LockPolicy};
use model::device::{DeviceSecret, NewDevice};
use model::{Account, AccountId, AuditEvent, AuditKind};

use super::one_time::OneTime;
use crate::query::query;
use crate::row::Fields;
use crate::table::{account, device, revision};
use crate::{StoreError, Txn, UnitOfWork};

/// Lets the person in, or counts the failure. Run [`SignIn`](super::SignIn) after it, which records
/// that somebody signed in.
///
/// Right and wrong, known and unknown take the same steps, so that the time tells nothing
/// (T-LOGIN-02). Everything is decided while the account's row is held, in the order in which the
/// attempts come to the database: guesses that are sent all at once gain nothing over guesses one
/// after the other (T-LOGIN-03).
#[derive(Clone, Debug)]
pub struct SettleSignIn {
    /// Whose password or code it would be.
    pub who: Claimed,
    /// What was typed.
    pub typed: Typed,
    /// The browser, if it says that somebody signed in there before.
    pub device: Option<Hashed<DeviceSecret>>,
    /// How the browser is to be known again if the person gets in.
    pub remember: NewDevice,
    /// When wrong attempts lock the account, and for how long.
    pub policy: LockPolicy,
    /// The current moment.
    pub now: Timestamp,
}

/// Who somebody says that they are.
#[derive(Clone, Debug)]
pub enum Claimed {
    /// An account, as it was read before the check. It must still be so.
    Account(Box<Account>),
    /// A user name that nobody has.
    Nobody {
        /// The name.
        username: String,
    },
}

/// What was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// A password that does not fit.
    WrongPassword,
    /// The password.
    RightPassword,
    /// A one-time code that does not fit.
    WrongCode,
    /// A one-time code, after the password.
    RightCode {
        /// Its time step.
        step: i64,
    },
}

/// What the database decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettleSignInOutcome {
    /// The person may sign in, and the browser is remembered.
    Accepted,
    /// The password is right, and the account has one-time codes.
    NeedsCode,
    /// Wrong, locked, disabled, or a code that was used before. To the person it is all the same.
    Refused {
        /// Wrong attempts in a row; 0 if there is no such account.
        attempts: i64,
        /// Until when this attempt locked the account, if it did.
        locked_until: Option<Timestamp>,
    },
}

impl UnitOfWork for SettleSignIn {
    type Outcome = SettleSignInOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<SettleSignInOutcome, StoreError> {
        self.hold_account(txn).await?;
        let trusted = self.is_from_known_browser(txn).await?;
        if self.accept(txn, trusted).await? == 1 {
            return self.accepted(txn).await;
        }
        let attempts = self.count(txn).await?;
        let locked_until = self.lock(txn, attempts).await?;
        self.count_in_browser(txn).await?;
        self.record(txn, locked_until).await?;
        Ok(SettleSignInOutcome::Refused { attempts, locked_until })
    }
}

impl SettleSignIn {
    /// Whoever else settles an attempt at this account waits from here on.
    async fn hold_account(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        let update = query(
            "UPDATE OAUTH_ACCOUNT SET failed_attempts = failed_attempts WHERE account_id = $1",
        )
        .bind(self.account_id());
        txn.change("hold an account", update).await.map(drop)
    }

    async fn is_from_known_browser(&self, txn: &mut Txn<'_>) -> Result<bool, StoreError> {
        let Some(presented) = &self.device else { return Ok(false) };
        device::is_trusted(txn.conn(), presented, &self.id(), self.now).await
    }

    /// The account must be as it was when the password was checked. For strangers a lock holds, and
    /// so does a failure that was counted since; a known browser goes by its own count. A code is
    /// accepted once (RFC 6238 §5.2), and after too many wrong ones from nobody.
    async fn accept(&self, txn: &mut Txn<'_>, trusted: bool) -> Result<u64, StoreError> {
        let seen = self.seen();
        let failures = seen.map_or(0, |seen| seen.failed_attempts);
        let update = query(
            "UPDATE OAUTH_ACCOUNT SET \
             failed_attempts = CASE WHEN $7 = 1 THEN 0 ELSE failed_attempts END, \
             locked_until = CASE WHEN $7 = 1 THEN NULL ELSE locked_until END, \
             totp_step = CASE WHEN $8 > totp_step THEN $8 ELSE totp_step END \
             WHERE account_id = $1 AND $2 = 1 AND password_hash = $3 AND disabled_at IS NULL \
             AND totp_sealed IS NOT DISTINCT FROM $4 \
             AND failed_attempts <= $5 AND COALESCE(locked_until, 0) <= $6 \
             AND ($8 = 0 OR (totp_step < $8 AND (code_failures < $9 OR code_failed_at <= $10)))",
        )
        .bind(self.account_id())
        .bind(i64::from(self.fits()))
        .bind(seen.map_or(String::new(), |seen| seen.password_hash.clone()))
        .bind(seen.and_then(|seen| seen.totp_sealed.clone()))
        .bind(if trusted { i64::MAX } else { failures })
        .bind(if trusted { i64::MAX } else { self.now.as_millis() })
        .bind(i64::from(!self.needs_code()))
        .bind(self.step())
        .bind(CODE_FAILURES)
        .bind(self.codes_forgotten_before());
        txn.change("accept a password or a code", update).await
    }

    async fn accepted(&self, txn: &mut Txn<'_>) -> Result<SettleSignInOutcome, StoreError> {
        if self.needs_code() {
            return Ok(SettleSignInOutcome::NeedsCode);
        }
        device::remember(txn, &self.id(), &self.remember, self.device.as_ref(), self.now).await?;
        Ok(SettleSignInOutcome::Accepted)
    }

    /// Each wrong attempt gets a number of its own, however many are made at once. What was right
    /// and refused all the same counts for nothing, but takes as long.
    async fn count(&self, txn: &mut Txn<'_>) -> Result<i64, StoreError> {
        let Claimed::Account(seen) = &self.who else {
            revision::count_unknown_name(txn).await?;
            return Ok(0);
        };
        let update = query(
            "UPDATE OAUTH_ACCOUNT SET failed_attempts = failed_attempts + $2, \
             code_failed_at = CASE WHEN $3 = 1 AND (code_failed_at <= $4 OR code_failures < $5) \
             THEN $6 ELSE code_failed_at END, \
             code_failures = CASE WHEN $3 = 0 THEN code_failures WHEN code_failed_at <= $4 THEN 1 \
             WHEN code_failures < $5 THEN code_failures + 1 ELSE code_failures END \
             WHERE account_id = $1 RETURNING account_id, failed_attempts",
        )
        .bind(seen.id.as_str())
        .bind(self.failures())
        .bind(i64::from(self.typed == Typed::WrongCode))
        .bind(self.codes_forgotten_before())
        .bind(CODE_FAILURES)
        .bind(self.now.as_millis());
        let row = txn.change_returning("count a failed sign-in", update).await?;
        row.map_or(Ok(0), |row| {
            let mut fields = Fields::of(&row, account::TABLE);
            fields.text("account_id")?;
            fields.number("failed_attempts")
        })
    }

    /// Attempts while it is locked count too; nobody can lock it for longer than the policy's
    /// longest.
    async fn lock(
        &self,
        txn: &mut Txn<'_>,
        attempts: i64,
    ) -> Result<Option<Timestamp>, StoreError> {
        let seconds = self.policy.lock_seconds(attempts).filter(|_| self.failures() > 0);
        let until = seconds.map(|seconds| self.now.plus_seconds(seconds));
        let update = query(
            "UPDATE OAUTH_ACCOUNT SET locked_until = CASE WHEN $2 > 0 THEN $2 \
             ELSE locked_until END WHERE account_id = $1",
        )
        .bind(self.account_id())
        .bind(until.map_or(0, Timestamp::as_millis));
        txn.change("lock an account", update).await?;
        Ok(until)
    }

    async fn count_in_browser(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        let Some(presented) = &self.device else { return Ok(()) };
        device::count_failures(txn, presented, &self.id(), self.failures(), self.now).await
    }

    /// An unknown name leaves a row, too, for a few minutes: anybody can make up names, so they
    /// are counted and not kept.
    async fn record(
        &self,
        txn: &mut Txn<'_>,
        locked_until: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        match &self.who {
            Claimed::Account(_) => {
                txn.record(self.event(AuditKind::SignInFailed));
                if locked_until.is_some() {
                    txn.record(self.event(AuditKind::AccountLocked));
                }
            }
            Claimed::Nobody { username } => self.leave_trace(txn, username).await?,
        }
        Ok(())
    }

    async fn leave_trace(&self, txn: &mut Txn<'_>, username: &str) -> Result<(), StoreError> {
        let trace = OneTime {
            purpose: "unknown name".to_owned(),
            id: format!("{username}\n{}", self.remember.hash.as_str()),
            expires_at: self.now,
        };
        trace.use_up(txn).await.map(drop)
    }

    fn event(&self, kind: AuditKind) -> AuditEvent {
        AuditEvent { detail: self.account_id(), ..AuditEvent::new(kind, self.now) }
    }
}

impl SettleSignIn {
    fn seen(&self) -> Option<&Account> {
        match &self.who {
            Claimed::Account(seen) => Some(seen),
            Claimed::Nobody { .. } => None,
        }
    }

    /// Nobody's id is empty and fits no row.
    fn account_id(&self) -> String {
        self.seen().map_or(String::new(), |seen| seen.id.as_str().to_owned())
    }

    fn id(&self) -> AccountId {
        AccountId::from_stored(self.account_id())
    }

    fn has_codes(&self) -> bool {
        self.seen().is_some_and(|seen| seen.totp_sealed.is_some())
    }

    fn needs_code(&self) -> bool {
        self.typed == Typed::RightPassword && self.has_codes()
    }

    /// A code without a secret of codes is no code.
    fn fits(&self) -> bool {
        match self.typed {
            Typed::RightPassword => true,
            Typed::RightCode { step } => step > 0 && self.has_codes(),
            Typed::WrongPassword | Typed::WrongCode => false,
        }
    }

    fn step(&self) -> i64 {
        match self.typed {
            Typed::RightCode { step } => step,
            Typed::WrongPassword | Typed::RightPassword | Typed::WrongCode => 0,
        }
    }

    fn failures(&self) -> i64 {
        i64::from(matches!(self.typed, Typed::WrongPassword | Typed::WrongCode))
    }

    fn codes_forgotten_before(&self) -> i64 {
        self.now.plus_seconds(-CODE_FAILURES_SECONDS).as_millis()
    }
}
