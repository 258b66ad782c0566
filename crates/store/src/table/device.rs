//! `OAUTH_DEVICE`: browsers in which somebody signed in to a local account before.

use kernel::{Hashed, Timestamp};
use model::AccountId;
use model::device::{DEVICE_FAILURES_A_DAY, DEVICES_OF_AN_ACCOUNT, DeviceSecret, NewDevice};

use crate::query::query;
use crate::{Conn, StoreError, Txn};

const DAY_MILLIS: i64 = 86_400_000;

/// Whether this browser still goes by its own count at this account: remembered, not for too long,
/// and without too many failures today.
pub(crate) async fn is_trusted(
    conn: &mut Conn,
    device: &Hashed<DeviceSecret>,
    account: &AccountId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let select = query(
        "SELECT device_hash FROM OAUTH_DEVICE WHERE device_hash = $1 AND account_id = $2 \
         AND expires_at > $3 AND (failed_attempts < $4 OR counted_since <= $5)",
    )
    .bind(device.as_str())
    .bind(account.as_str())
    .bind(now.as_millis())
    .bind(DEVICE_FAILURES_A_DAY)
    .bind(day_before(now));
    Ok(conn.one_or_none("look for a known browser", select).await?.is_some())
}

/// Counts failures in a browser, anew if the first one was a day ago. It is no error if the browser
/// is not known.
pub(crate) async fn count_failures(
    txn: &mut Txn<'_>,
    device: &Hashed<DeviceSecret>,
    account: &AccountId,
    failures: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let update = query(
        "UPDATE OAUTH_DEVICE SET \
         failed_attempts = CASE WHEN counted_since > $4 THEN failed_attempts + $3 ELSE $3 END, \
         counted_since = CASE WHEN counted_since > $4 THEN counted_since ELSE $5 END \
         WHERE device_hash = $1 AND account_id = $2",
    )
    .bind(device.as_str())
    .bind(account.as_str())
    .bind(failures)
    .bind(day_before(now))
    .bind(now.as_millis());
    txn.change("count failures of a browser", update).await.map(drop)
}

/// Remembers a browser under a new secret. It goes on with the count of the secret that it had
/// before, which ends: to sign in is no way to start counting anew.
pub(crate) async fn remember(
    txn: &mut Txn<'_>,
    account: &AccountId,
    device: &NewDevice,
    before: Option<&Hashed<DeviceSecret>>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let before = before.map_or(String::new(), |before| before.as_str().to_owned());
    let insert = query(
        "INSERT INTO OAUTH_DEVICE (device_hash, account_id, failed_attempts, counted_since, \
         created_at, expires_at) \
         SELECT $1, $2, COALESCE(MAX(failed_attempts), 0), COALESCE(MAX(counted_since), 0), \
         $3, $4 FROM OAUTH_DEVICE WHERE device_hash = $5 AND account_id = $2",
    )
    .bind(device.hash.as_str())
    .bind(account.as_str())
    .bind(now.as_millis())
    .bind(device.expires_at.as_millis())
    .bind(before.clone());
    txn.change("remember a browser", insert).await?;
    let delete = query(
        "DELETE FROM OAUTH_DEVICE WHERE account_id = $1 AND (device_hash = $2 OR device_hash IN \
         (SELECT device_hash FROM OAUTH_DEVICE WHERE account_id = $1 AND device_hash <> $2 \
         ORDER BY created_at DESC LIMIT 1000000 OFFSET $3))",
    )
    .bind(account.as_str())
    .bind(before)
    .bind(DEVICES_OF_AN_ACCOUNT);
    txn.change("forget old browsers", delete).await.map(drop)
}

/// Forgets every browser of an account: what proved who somebody is has changed.
pub(crate) async fn forget_all(txn: &mut Txn<'_>, account: &AccountId) -> Result<(), StoreError> {
    let delete = query("DELETE FROM OAUTH_DEVICE WHERE account_id = $1").bind(account.as_str());
    txn.change("forget the browsers of an account", delete).await.map(drop)
}

const fn day_before(now: Timestamp) -> i64 {
    now.as_millis().saturating_sub(DAY_MILLIS)
}
