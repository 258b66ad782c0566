//! Local accounts: people who sign in here with a password.

use kernel::id::Kind;
use kernel::{Id, Timestamp};

/// Marks the id of an [`Account`].
#[derive(Clone, Copy, Debug)]
pub enum AccountKind {}

impl Kind for AccountKind {
    const PREFIX: &'static str = "acc_";
}

/// The identifier of a local account: the external id of its person at the local provider.
pub type AccountId = Id<AccountKind>;

/// A local account.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The id.
    pub id: AccountId,
    /// What the person types, folded to one case.
    pub username: String,
    /// Argon2id, in PHC form.
    pub password_hash: String,
    /// A name to show.
    pub name: String,
    /// An e-mail address, if the operator gave one.
    pub email: Option<String>,
    /// Group names.
    pub groups: Vec<String>,
    /// Wrong attempts since the last right one.
    pub failed_attempts: i64,
    /// Until when nobody gets in, after too many wrong attempts.
    pub locked_until: Option<Timestamp>,
    /// The secret of the one-time codes, sealed; `None` if the account has none.
    pub totp_sealed: Option<String>,
    /// The time step of the last accepted one-time code.
    pub totp_step: i64,
    /// When an administrator disabled the account, if ever.
    pub disabled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its password was set.
    pub password_changed_at: Timestamp,
}

/// Wrong one-time codes after which no code is accepted for a while, whatever the browser: six
/// digits stand against few guesses only.
pub const CODE_FAILURES: i64 = 10;

/// Seconds after the last wrong one-time code until they are forgotten.
pub const CODE_FAILURES_SECONDS: i64 = 600;

/// How wrong attempts lock an account: each one beyond the free ones twice as long as the one
/// before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockPolicy {
    /// So many wrong attempts lock nothing.
    pub free_attempts: i64,
    /// How long the first lock lasts, in seconds.
    pub first_lock_seconds: i64,
    /// No lock lasts longer, in seconds.
    pub longest_lock_seconds: i64,
}

impl Account {
    /// Whether too many wrong attempts keep everybody out at this moment.
    pub fn is_locked(&self, now: Timestamp) -> bool {
        self.locked_until.is_some_and(|until| now < until)
    }

    /// The place to which the secret of an account's one-time codes is bound when it is sealed.
    pub fn totp_place(id: &AccountId) -> String {
        format!("OAUTH_ACCOUNT/{id}/totp")
    }
}

/// Shows no hash and no sealed value.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("username", &self.username)
            .field("failed_attempts", &self.failed_attempts)
            .field("locked_until", &self.locked_until)
            .field("disabled_at", &self.disabled_at)
            .finish_non_exhaustive()
    }
}

impl LockPolicy {
    /// The eleventh wrong attempt in a row locks for 30 seconds, and none for more than 15 minutes
    /// (T-LOGIN-03).
    pub const DEFAULT: Self =
        Self { free_attempts: 10, first_lock_seconds: 30, longest_lock_seconds: 900 };

    /// For how many seconds the account is locked after so many wrong attempts in a row.
    pub fn lock_seconds(&self, failed_attempts: i64) -> Option<i64> {
        if failed_attempts <= self.free_attempts {
            return None;
        }
        let beyond = failed_attempts.saturating_sub(self.free_attempts);
        let factor = 2_i64.saturating_pow(u32::try_from(beyond - 1).unwrap_or(u32::MAX));
        Some(self.first_lock_seconds.saturating_mul(factor).min(self.longest_lock_seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-LOGIN-03: free attempts, then locks that double up to a longest.
    #[test]
    fn t_login_03_locks_double_up_to_the_longest() {
        let policy =
            LockPolicy { free_attempts: 3, first_lock_seconds: 10, longest_lock_seconds: 60 };
        let locks: Vec<_> = (0..8).map(|attempts| policy.lock_seconds(attempts)).collect();
        let expected = [None, None, None, None, Some(10), Some(20), Some(40), Some(60)];
        assert_eq!(locks, expected);
        assert_eq!(policy.lock_seconds(i64::MAX), Some(60));
        assert_eq!(policy.lock_seconds(i64::MIN), None);
    }
}
