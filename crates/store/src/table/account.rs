//! `OAUTH_ACCOUNT`: local accounts.

use model::{Account, AccountId};

use crate::query::query;
use crate::row::Fields;
use crate::{Conn, StoreError};

pub(crate) const TABLE: &str = "OAUTH_ACCOUNT";

/// The account with this user name, disabled or not. The caller folds the case.
pub async fn find(conn: &mut Conn, username: &str) -> Result<Option<Account>, StoreError> {
    let select = query(
        "SELECT account_id, username, password_hash, name, email, group_names, failed_attempts, \
         locked_until, totp_sealed, totp_step, disabled_at, created_at, password_changed_at \
         FROM OAUTH_ACCOUNT WHERE username = $1",
    )
    .bind(username.to_owned());
    let row = conn.one_or_none("find an account", select).await?;
    row.map(|row| take(&mut Fields::of(&row, TABLE))).transpose()
}

/// The account with this id, disabled or not.
pub async fn find_by_id(conn: &mut Conn, id: &AccountId) -> Result<Option<Account>, StoreError> {
    let select = query(
        "SELECT account_id, username, password_hash, name, email, group_names, failed_attempts, \
         locked_until, totp_sealed, totp_step, disabled_at, created_at, password_changed_at \
         FROM OAUTH_ACCOUNT WHERE account_id = $1",
    )
    .bind(id.as_str());
    let row = conn.one_or_none("find an account", select).await?;
    row.map(|row| take(&mut Fields::of(&row, TABLE))).transpose()
}

/// Every account, by user name.
pub async fn list(conn: &mut Conn) -> Result<Vec<Account>, StoreError> {
    let select = query(
        "SELECT account_id, username, password_hash, name, email, group_names, failed_attempts, \
         locked_until, totp_sealed, totp_step, disabled_at, created_at, password_changed_at \
         FROM OAUTH_ACCOUNT ORDER BY username",
    );
    let rows = conn.all("list accounts", select).await?;
    rows.iter().map(|row| take(&mut Fields::of(row, TABLE))).collect()
}

fn take(fields: &mut Fields<'_>) -> Result<Account, StoreError> {
    Ok(Account {
        id: fields.id("account_id")?,
        username: fields.text("username")?,
        password_hash: fields.text("password_hash")?,
        name: fields.text("name")?,
        email: fields.optional_text("email")?,
        groups: fields.parsed("group_names", |json| serde_json::from_str(json).ok())?,
        failed_attempts: fields.number("failed_attempts")?,
        locked_until: fields.optional_moment("locked_until")?,
        totp_sealed: fields.optional_text("totp_sealed")?,
        totp_step: fields.number("totp_step")?,
        disabled_at: fields.optional_moment("disabled_at")?,
        created_at: fields.moment("created_at")?,
        password_changed_at: fields.moment("password_changed_at")?,
    })
}
