//! Between the password and the code: a ticket in the form, sealed, that says whose password was
//! right. It is good in this visit only, and for a few minutes.

use kernel::{Id, Timestamp};
use model::AccountId;

use crate::endpoint::visit::Visit;
use crate::server::AuthServer;

/// Seconds for which the code may take.
const LIFETIME: i64 = 300;

pub(super) fn seal(server: &AuthServer, visit: &Visit, account: &AccountId) -> String {
    let expires_at = server.now().plus_seconds(LIFETIME).as_millis();
    let plain = format!("{expires_at} {}", account.as_str());
    let key = &server.config.key_encryption_key;
    key.seal(plain.as_bytes(), &place(visit), &*server.chance)
}

/// The account, if the ticket is from this visit and not too old.
pub(super) fn open(server: &AuthServer, visit: &Visit, sealed: &str) -> Option<AccountId> {
    let plain = server.config.key_encryption_key.open(sealed, &place(visit)).ok()?;
    let (expires_at, account) = std::str::from_utf8(&plain).ok()?.split_once(' ')?;
    let expires_at = Timestamp::from_millis(expires_at.parse().ok()?);
    (server.now() < expires_at).then(|| Id::from_stored(account.to_owned()))
}

fn place(visit: &Visit) -> String {
    let txn = visit.handle_hash();
    let txn = txn.as_ref().map_or("account", |hash| hash.as_str());
    format!("second factor:{txn}:{}", visit.binding.hash().as_str())
}
