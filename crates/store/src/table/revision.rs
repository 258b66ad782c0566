//! `OAUTH_SEQUENCE`: numbers that are handed out, and revisions.
//!
//! A revision goes up in the same transaction as the change that it stands for, so a replica that
//! sees the same number twice knows with one cheap read that nothing changed in between. On PostgreSQL
//! the commit also tells whoever listens ([`Store::listen`](crate::Store::listen)) that it is time to look.

use crate::query::query;
use crate::row::{Fields, Row};
use crate::{Conn, StoreError, Txn};

const TABLE: &str = "OAUTH_SEQUENCE";

/// What replicas keep in memory and must read again when it changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watched {
    Revocations,
    SigningKeys,
    Disabled,
}

impl Watched {
    /// Its row, and what listeners are told.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Revocations => "revocations",
            Self::SigningKeys => "signing_keys",
            Self::Disabled => "disabled",
        }
    }
}

/// Goes up with each revocation of a grant, and of a token alone.
pub async fn revocations(conn: &mut Conn) -> Result<i64, StoreError> {
    current(conn, Watched::Revocations).await
}

/// Goes up with each change to the signing keys.
pub async fn keys(conn: &mut Conn) -> Result<i64, StoreError> {
    current(conn, Watched::SigningKeys).await
}

/// Goes up with each thing that an administrator switches off or on.
pub async fn disabled(conn: &mut Conn) -> Result<i64, StoreError> {
    current(conn, Watched::Disabled).await
}

async fn current(conn: &mut Conn, watched: Watched) -> Result<i64, StoreError> {
    let name = watched.name();
    let select = query("SELECT name, value FROM OAUTH_SEQUENCE WHERE name = $1").bind(name);
    take(conn.one_or_none("read a revision", select).await?.as_ref(), name)
}

pub(crate) async fn bump_revocations(txn: &mut Txn<'_>) -> Result<(), StoreError> {
    bump(txn, Watched::Revocations).await
}

/// Counts an attempt at a user name that nobody has.
pub(crate) async fn count_unknown_name(txn: &mut Txn<'_>) -> Result<(), StoreError> {
    next(txn, "unknown_names").await.map(drop)
}

/// Lets no other unit change the signing keys until this one ends: their states belong together.
pub(crate) async fn hold_keys(txn: &mut Txn<'_>) -> Result<(), StoreError> {
    let update = query("UPDATE OAUTH_SEQUENCE SET value = value WHERE name = 'signing_keys'");
    txn.change("hold the signing keys", update).await.map(drop)
}

pub(crate) async fn bump_disabled(txn: &mut Txn<'_>) -> Result<(), StoreError> {
    bump(txn, Watched::Disabled).await
}

pub(crate) async fn bump_keys(txn: &mut Txn<'_>) -> Result<(), StoreError> {
    bump(txn, Watched::SigningKeys).await
}

async fn bump(txn: &mut Txn<'_>, watched: Watched) -> Result<(), StoreError> {
    next(txn, watched.name()).await?;
    txn.announce(watched);
    Ok(())
}

/// A number in the status lists that no other grant has. The row stays locked until the unit
/// ends, so take it late.
pub(crate) async fn next_status_index(txn: &mut Txn<'_>) -> Result<i64, StoreError> {
    Ok(next(txn, "next_status_index").await? - 1)
}

async fn next(txn: &mut Txn<'_>, name: &'static str) -> Result<i64, StoreError> {
    let update =
        query("UPDATE OAUTH_SEQUENCE SET value = value + 1 WHERE name = $1 RETURNING name, value")
            .bind(name);
    take(txn.change_returning("take a number", update).await?.as_ref(), name)
}

fn take(row: Option<&Row>, name: &str) -> Result<i64, StoreError> {
    let missing =
        || StoreError::Inconsistent { table: TABLE, column: "name", row: name.to_owned() };
    let mut fields = Fields::of(row.ok_or_else(missing)?, TABLE);
    fields.text("name")?;
    fields.number("value")
}
