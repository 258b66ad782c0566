//! Between the password and the code: a ticket in the form, sealed, that says whose password was
//! right. It is good in this visit only, for a few minutes, and while it is still that password.

use kernel::{Id, Timestamp};
use model::{Account, AccountId};

use crate::endpoint::visit::Visit;
use crate::server::AuthServer;

/// Seconds for which the code may take.
const LIFETIME: i64 = 300;

/// Whose password was right, and which.
pub(super) struct Ticket {
    pub(super) account: AccountId,
    password_changed_at: Timestamp,
}

impl Ticket {
    pub(super) fn of(account: &Account) -> Self {
        Self { account: account.id.clone(), password_changed_at: account.password_changed_at }
    }

    /// Whether the account's password is the one that was right.
    pub(super) fn is_for(&self, account: &Account) -> bool {
        account.id == self.account && account.password_changed_at == self.password_changed_at
    }

    pub(super) fn seal(&self, server: &AuthServer, visit: &Visit) -> String {
        let expires_at = server.now().plus_seconds(LIFETIME).as_millis();
        let changed_at = self.password_changed_at.as_millis();
        let plain = format!("{expires_at} {changed_at} {}", self.account.as_str());
        let key = &server.config.key_encryption_key;
        key.seal(plain.as_bytes(), &place(visit), &*server.random)
    }

    /// The ticket, if it is from this visit and not too old.
    pub(super) fn open(server: &AuthServer, visit: &Visit, sealed: &str) -> Option<Self> {
        let plain = server.config.key_encryption_key.open(sealed, &place(visit)).ok()?;
        let mut parts = std::str::from_utf8(&plain).ok()?.splitn(3, ' ');
        let mut moment = || Some(Timestamp::from_millis(parts.next()?.parse().ok()?));
        let (expires_at, password_changed_at) = (moment()?, moment()?);
        let account = Id::from_stored(parts.next()?.to_owned());
        (server.now() < expires_at).then_some(Self { account, password_changed_at })
    }
}

fn place(visit: &Visit) -> String {
    let txn = visit.handle_hash();
    let txn = txn.as_ref().map_or("account", |hash| hash.as_str());
    format!("second factor:{txn}:{}", visit.binding.hash().as_str())
}
